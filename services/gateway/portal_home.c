/* The front page: where it is about, and following a case. */
#include "portal_visit.h"

#define SITES_LISTED_MAX 8u /* with more, names can be searched */

static bool found(const char *name, const char *wanted)
{
    return !*wanted || strcasestr(name, wanted);
}

static void add_site(struct page *page, const Directory__Site *site)
{
    const char *href = arena_printf(page->html.arena, "/submit?site=%s", html_url(page->html.arena, site->id));
    html_add(&page->html, "<li><a class=\"choose\" href=\"%s\">%s</a></li>\n", href,
             portal_label(page->language, site->name));
}

static void add_search(struct page *page, const char *wanted)
{
    html_add(&page->html,
             "<form action=\"/\" method=\"get\" role=\"search\" class=\"field\"><label for=\"q\">%s</label>"
             "<input type=\"search\" id=\"q\" name=\"q\" value=\"%s\" maxlength=\"60\">"
             "<div class=\"actions\"><button class=\"button second\">%s</button></div></form>\n",
             page_text(page, TEXT_HOME_FIND), wanted, page_text(page, TEXT_HOME_FIND_BUTTON));
}

static void add_sites(struct page *page, const Directory__Organisation *organisation, const char *wanted)
{
    size_t shown = 0;
    html_add(&page->html, "<h2>%s</h2>\n", page_text(page, TEXT_HOME_WHERE));
    if (organisation->n_sites > SITES_LISTED_MAX)
        add_search(page, wanted);
    html_add(&page->html, "<ul class=\"list\">\n");
    for (size_t i = 0; i < organisation->n_sites; i++) {
        const Hb__Label *name = organisation->sites[i]->name;
        if (!found(portal_label(LANGUAGE_ZH, name), wanted) && !found(portal_label(LANGUAGE_EN, name), wanted))
            continue;
        add_site(page, organisation->sites[i]);
        shown++;
    }
    html_add(&page->html, "</ul>\n");
    if (!shown)
        html_add(&page->html, "<p>%s</p>\n", page_text(page, TEXT_HOME_FOUND_NONE));
}

static void add_choice(struct page *page, const char *href, enum text_id title, enum text_id hint)
{
    html_add(&page->html, "<li><a class=\"choose\" href=\"%s\">%s<small>%s</small></a></li>\n", href,
             page_text(page, title), page_text(page, hint));
}

static void add_only_site(struct page *page, const Directory__Site *site)
{
    html_add(&page->html, "<ul class=\"list\">");
    add_choice(page, arena_printf(page->html.arena, "/submit?site=%s", html_url(page->html.arena, site->id)),
               TEXT_HOME_SUBMIT, TEXT_HOME_SUBMIT_HINT);
    html_add(&page->html, "</ul>\n");
}

static void add_how(struct page *page)
{
    html_add(&page->html, "<h2>%s</h2>\n<ol class=\"steps\">", page_text(page, TEXT_HOME_HOW));
    for (enum text_id id = TEXT_HOME_HOW_1; id <= TEXT_HOME_HOW_4; id++)
        html_add(&page->html, "<li>%s</li>", page_text(page, id));
    html_add(&page->html, "</ol>\n");
}

static void page_home(struct page *page, const Directory__Organisation *organisation, const char *wanted)
{
    const char *title = page_text(page, TEXT_HOME_TITLE);
    page_begin(page, title, false);
    page_heading(page, title);
    html_add(&page->html, "<p class=\"lead\">%s</p>\n", page_text(page, TEXT_HOME_LEAD));
    if (organisation->n_sites == 0)
        html_add(&page->html, "<p class=\"notice warn\">%s</p>\n", page_text(page, TEXT_HOME_NO_SITE));
    if (organisation->n_sites == 1)
        add_only_site(page, organisation->sites[0]);
    else if (organisation->n_sites > 1)
        add_sites(page, organisation, wanted);
    html_add(&page->html, "<h2>%s</h2>\n<ul class=\"list\">", page_text(page, TEXT_HOME_AFTER));
    add_choice(page, "/track", TEXT_TRACK, TEXT_HOME_TRACK_HINT);
    html_add(&page->html, "</ul>\n");
    add_how(page);
    page_end(page);
}

static void on_organisation(struct visit *visit, void *context)
{
    (void)context;
    const char *wanted = http_query(visit->request, "q");
    visit->page.here = wanted ? arena_printf(visit_arena(visit), "/?q=%s", html_url(visit_arena(visit), wanted)) : "/";
    if (visit->organisation->n_sites == 1)
        visit_site(visit, visit->organisation->sites[0]);
    page_home(&visit->page, visit->organisation, wanted ? wanted : "");
    visit_answer(visit, 200);
}

void portal_home(struct http_request *request)
{
    visit_organisation(visit_begin(request), on_organisation, NULL);
}
