#include "portal_submit.h"

#include "portal_files.h"
#include "portal_guard.h"

#define PARTY_CHARACTERS_MAX "500"

void page_kinds(struct page *page, const Directory__Site *site, const Policy__Kind *const *kinds, size_t count,
                bool problems, bool notices, const char *place)
{
    const char *title = page_text(page, TEXT_KIND_TITLE);
    struct arena *arena = page->html.arena;
    page_begin(page, title, false);
    page_back(page, "/");
    page_heading(page, title);
    if (page->place)
        html_add(&page->html, "<p class=\"lead\">%s</p>\n", page->place);
    if (count == 0)
        html_add(&page->html, "<p class=\"notice warn\">%s</p>\n", page_text(page, TEXT_KIND_NONE));
    html_add(&page->html, "<ul class=\"list\">\n");
    for (size_t i = 0; i < count; i++)
        html_add(&page->html, "<li><a class=\"choose\" href=\"/submit?%s=%s&amp;kind=%s\">%s</a></li>\n",
                 place ? "place" : "site", place ? place : html_url(arena, site->id), html_url(arena, kinds[i]->name),
                 portal_label(page->language, kinds[i]->label));
    if (problems)
        html_add(&page->html, "<li><a class=\"choose\" href=\"/problems?site=%s\">%s<small>%s</small></a></li>\n",
                 html_url(arena, site->id), page_text(page, TEXT_PROBLEMS), page_text(page, TEXT_PROBLEMS_SEE));
    if (notices)
        html_add(&page->html, "<li><a class=\"choose\" href=\"/notices?site=%s\">%s<small>%s</small></a></li>\n",
                 html_url(arena, site->id), page_text(page, TEXT_NOTICES), page_text(page, TEXT_NOTICES_SEE));
    html_add(&page->html, "</ul>\n");
    page_end(page);
}

/* ---- what it is about ---- */

static void add_category(struct page *page, struct submit_form *submit)
{
    struct page_field field = {
        .name = "category", .label = submit->category_label, .optional = submit->category_optional};
    if (submit->categories_count)
        page_choices(page, &submit->form, &field, submit->categories, submit->categories_count);
    else if (submit->category_asked)
        page_input(page, &submit->form, &field, "type=\"text\" maxlength=\"66\"");
}

static void add_about(struct page *page, struct submit_form *submit)
{
    struct page_field text = {"text", page_text(page, TEXT_WHAT), page_text(page, TEXT_WHAT_HINT), false};
    struct page_field place = {"place", submit->place_label, page_text(page, TEXT_PLACE_HINT), submit->place_optional};
    add_category(page, submit);
    for (size_t i = 0; i < submit->kind->n_fields; i++)
        if (submit_asks(submit->kind->fields[i]))
            page_policy_field(page, &submit->form, submit->kind->fields[i], !submit_needed(submit->kind->fields[i]),
                              submit->departments, submit->departments_count);
    page_input(page, &submit->form, &place, "type=\"text\" maxlength=\"66\" autocomplete=\"off\"");
    page_area(page, &submit->form, &text, 20000);
}

/* ---- who submits it ---- */

static void add_contact_choice(struct page *page, const char *value, enum text_id label, const char *hint, bool chosen)
{
    html_add(&page->html,
             "<div class=\"option\"><input type=\"radio\" id=\"contact-%s\" name=\"contact\" value=\"%s\"%s>"
             "<label for=\"contact-%s\">%s",
             value, value, chosen ? " checked" : "", value, page_text(page, label));
    if (hint)
        html_add(&page->html, "<span class=\"hint\">%s</span>", hint);
    html_add(&page->html, "</label></div>");
}

static void add_contact_modes(struct page *page, struct submit_form *submit)
{
    enum submit_contact contact = submit_contact(submit);
    if (!submit->may_confide && !submit->may_hide)
        return;
    html_add(&page->html, "<div class=\"options\">");
    add_contact_choice(page, "named", TEXT_CONTACT_NAMED, NULL, contact == CONTACT_NAMED);
    if (submit->may_confide)
        add_contact_choice(page, "confidential", TEXT_CONTACT_CONFIDENTIAL, NULL, contact == CONTACT_CONFIDENTIAL);
    if (submit->may_hide)
        add_contact_choice(page, "anonymous", TEXT_CONTACT_ANONYMOUS, page_text(page, TEXT_CONTACT_ANONYMOUS_HINT),
                           contact == CONTACT_ANONYMOUS);
    html_add(&page->html, "</div>");
}

static void add_contact(struct page *page, struct submit_form *submit)
{
    struct page_field name = {"name", page_text(page, TEXT_NAME), NULL, !submit->needs_name};
    struct page_field phone = {"phone", page_text(page, TEXT_PHONE), NULL, !submit->needs_phone};
    struct page_field email = {"email", page_text(page, TEXT_EMAIL), page_text(page, TEXT_EMAIL_HINT),
                               !submit->needs_email};
    struct page_field address = {"address", page_text(page, TEXT_ADDRESS), NULL, !submit->needs_address};
    html_add(&page->html, "<fieldset class=\"who\"><legend class=\"big\">%s</legend>", page_text(page, TEXT_CONTACT));
    add_contact_modes(page, submit);
    html_add(&page->html, "<div class=\"contact\"><p class=\"hint\">%s</p>", page_text(page, TEXT_CONTACT_HINT));
    page_input(page, &submit->form, &name,
               "type=\"text\" autocomplete=\"name\" maxlength=\"" PARTY_CHARACTERS_MAX "\"");
    page_input(page, &submit->form, &phone,
               "type=\"tel\" autocomplete=\"tel\" inputmode=\"tel\" maxlength=\"" PARTY_CHARACTERS_MAX "\"");
    page_input(page, &submit->form, &email,
               "type=\"email\" autocomplete=\"email\" inputmode=\"email\" maxlength=\"" PARTY_CHARACTERS_MAX "\"");
    page_input(page, &submit->form, &address,
               "type=\"text\" autocomplete=\"street-address\" maxlength=\"" PARTY_CHARACTERS_MAX "\"");
    html_add(&page->html, "</div></fieldset>\n");
}

/* ---- the page ---- */

void page_submit(struct page *page, struct submit_form *submit)
{
    const char *title = portal_label(page->language, submit->kind->label);
    struct arena *arena = page->html.arena;
    bool files = portal_takes_files(submit->kind);
    page->script = true;
    page_begin(page, title, submit->form.errors_count > 0);
    page_back(page, arena_printf(arena, "/submit?site=%s", html_url(arena, submit->site->id)));
    page_heading(page, title);
    page_errors(page, &submit->form);
    html_add(&page->html, "<p class=\"soft\">%s</p>\n", page_text(page, TEXT_SUBMIT_NEEDED));
    html_add(&page->html,
             "<form id=\"form\" action=\"/submit\" method=\"post\" enctype=\"%s\" accept-charset=\"utf-8\" novalidate>"
             "<input type=\"hidden\" name=\"site\" value=\"%s\"><input type=\"hidden\" name=\"kind\" value=\"%s\">"
             "<input type=\"hidden\" name=\"token\" value=\"%s\">\n",
             files ? "multipart/form-data" : "application/x-www-form-urlencoded", submit->site->id, submit->kind->name,
             submit->token);
    page_guard(page);
    add_about(page, submit);
    if (files)
        page_file_input(page);
    add_contact(page, submit);
    html_add(&page->html,
             "<div class=\"actions\"><button class=\"button\">%s</button></div><p class=\"hint after\">%s</p></form>\n",
             page_text(page, TEXT_SEND), page_text(page, TEXT_SEND_ONCE));
    if (portal_has_notices(submit->visit))
        html_add(&page->html, "<p><a href=\"/notices?site=%s\">%s</a></p>\n", html_url(arena, submit->site->id),
                 page_text(page, TEXT_NOTICES));
    page_end(page);
}
