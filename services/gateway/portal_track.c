/* Following a case: number and code are exchanged for a short-lived session, by POST, so that no address, log or
   history ever holds the code. Wrong ones are all answered alike, and slowly. The form is this browser's own: else
   another site could make it follow a case of somebody else, who would read what its owner adds to it. */
#include "portal_visit.h"

#define CODE_CHARACTERS_MAX 120u

struct tracking {
    struct visit *visit;
    struct form form;
    const char *why; /* the page says why one must sign in again; NULL */
    const char *code;
    const char *purpose; /* of the form's token */
};

static void page_track(struct page *page, struct tracking *tracking)
{
    const char *title = page_text(page, TEXT_TRACK_TITLE);
    struct page_field number = {"number", page_text(page, TEXT_TRACK_NUMBER), page_text(page, TEXT_TRACK_NUMBER_HINT)};
    struct page_field code = {"code", page_text(page, TEXT_TRACK_CODE), page_text(page, TEXT_TRACK_CODE_HINT)};
    page->here = "/track";
    page_begin(page, title, tracking->form.errors_count > 0);
    page_back(page, "/");
    page_heading(page, title);
    page_errors(page, &tracking->form);
    if (tracking->why)
        html_add(&page->html, "<p class=\"notice\" role=\"status\">%s</p>\n", tracking->why);
    html_add(&page->html,
             "<p class=\"lead\">%s</p>\n<form id=\"form\" action=\"/track\" method=\"post\" accept-charset=\"utf-8\" "
             "autocomplete=\"off\" novalidate><div class=\"short\">\n",
             page_text(page, TEXT_TRACK_LEAD));
    html_add(
        &page->html, "<input type=\"hidden\" name=\"token\" value=\"%s\">\n",
        form_token_make(&tracking->visit->portal->keys, tracking->purpose, page->now_ms, visit_arena(tracking->visit)));
    page_input(page, &tracking->form, &number,
               "type=\"text\" class=\"code\" maxlength=\"120\" autocapitalize=\"none\" spellcheck=\"false\"");
    page_input(page, &tracking->form, &code,
               "type=\"text\" class=\"code\" maxlength=\"120\" autocapitalize=\"characters\" spellcheck=\"false\"");
    html_add(&page->html, "</div><div class=\"actions\"><button class=\"button\">%s</button></div></form>\n",
             page_text(page, TEXT_TRACK_BUTTON));
    page_end(page);
}

static struct tracking *tracking_new(struct visit *visit, bool sent)
{
    struct tracking *tracking = arena_zero(visit_arena(visit), sizeof *tracking);
    tracking->visit = visit;
    tracking->purpose = visit_browser_purpose(visit, "track");
    tracking->form = (struct form){.request = visit->request, .language = visit->language, .sent = sent};
    return tracking;
}

static void show(struct tracking *tracking, unsigned status)
{
    page_track(&tracking->visit->page, tracking);
    visit_answer(tracking->visit, status);
}

void portal_track(struct http_request *request)
{
    struct tracking *tracking = tracking_new(visit_begin(request), false);
    if (http_query(request, "over"))
        tracking->why = visit_text(tracking->visit, TEXT_TRACK_AGAIN);
    if (http_query(request, "other"))
        tracking->why = visit_text(tracking->visit, TEXT_TRACK_OTHER);
    show(tracking, 200);
}

/* ---- the form, sent ---- */

/* Chinese keyboards type full-width letters, digits and dashes: they are taken as meant. */
static char *plain_width(const char *text, struct arena *arena)
{
    char *plain = arena_strdup(arena, text), *to = plain;
    for (const uint8_t *at = (const uint8_t *)text; *at;) {
        bool wide = at[0] == 0xef && ((at[1] == 0xbc && at[2] >= 0x81) || (at[1] == 0xbd && at[2] <= 0x9e));
        bool dash = at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x90 && at[2] <= 0x95;
        if (wide)
            *to++ = (char)(at[2] - (at[1] == 0xbc ? 0x80 : 0x40) + 0x20);
        else if (dash)
            *to++ = '-';
        else
            *to++ = (char)*at;
        at += wide || dash ? 3 : 1;
    }
    *to = 0;
    return plain;
}

static char *without_blanks(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (*from != ' ')
            *to++ = *from;
    *to = 0;
    return text;
}

/* Number and code, or either field holding both as the receipt may have been copied. */
static const char *whole_code(struct tracking *tracking)
{
    struct arena *arena = visit_arena(tracking->visit);
    char *number = without_blanks(plain_width(form_value(&tracking->form, "number"), arena));
    char *code = without_blanks(plain_width(form_value(&tracking->form, "code"), arena));
    size_t size = strlen(number);
    bool both = size && strncmp(code, number, size) == 0 && strlen(code) > size;
    return both ? code : arena_printf(arena, "%s-%s", number, code);
}

static void wrong(struct tracking *tracking)
{
    form_fail(&tracking->form, "number", visit_text(tracking->visit, TEXT_TRACK_WRONG));
    show(tracking, 422);
}

static void on_tracked(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    struct tracking *tracking = context;
    struct visit *visit = tracking->visit;
    bool unknown = refused && refused->status < 500;
    if (!unknown)
        limit_give_back(&visit->portal->tracking, limit_address(request->address, &request->arena));
    if (refused && !unknown) {
        visit_fail(visit, 503, refused);
        return;
    }
    const Intake__Tracked *tracked = refused ? NULL : reply->intake->tracked;
    if (!tracked || !visit_find_site(visit, tracked->site)) { /* a site that is not public has no portal */
        wrong(tracking);
        return;
    }
    held_follow(visit, tracked, tracking->code);
}

static void on_organisation(struct visit *visit, void *context)
{
    struct tracking *tracking = context;
    if (strlen(tracking->code) > CODE_CHARACTERS_MAX) {
        wrong(tracking);
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__Track track = INTAKE__TRACK__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_TRACK;
    intake.track = &track;
    track.code = (char *)(uintptr_t)tracking->code;
    cell_query(visit->request, HB__SERVICE__INTAKE, &query, on_tracked, tracking);
}

static bool is_own(struct tracking *tracking)
{
    struct http_request *request = tracking->visit->request;
    char id[COMMAND_ID_CHARACTERS + 1];
    return form_token_check(&tracking->visit->portal->keys, tracking->purpose, http_form(request, "token"),
                            request->came_ms, id);
}

static bool may_try(struct tracking *tracking)
{
    struct visit *visit = tracking->visit;
    struct http_request *request = visit->request;
    const char *address = limit_address(request->address, &request->arena);
    int64_t wait_ms = limit_wait_ms(&visit->portal->tracking, address, request->came_boot_ms);
    if (!is_own(tracking)) { /* filled in again it would be another's case, one press away */
        tracking->form.sent = false;
        form_fail(&tracking->form, "", visit_text(visit, TEXT_TRACK_NOT_OWN));
        show(tracking, 422);
        return false;
    }
    if (!*form_value(&tracking->form, "number"))
        form_fail(&tracking->form, "number", visit_text(visit, TEXT_TRACK_NO_NUMBER));
    if (!*form_value(&tracking->form, "code"))
        form_fail(&tracking->form, "code", visit_text(visit, TEXT_TRACK_NO_CODE));
    tracking->code = whole_code(tracking);
    if (wait_ms && tracking->form.errors_count == 0) {
        unsigned wait_s = (unsigned)((wait_ms + 999) / 1000);
        http_set(request, "Retry-After", arena_printf(&request->arena, "%u", wait_s));
        form_fail(&tracking->form, "", arena_printf(&request->arena, "%s%u", visit_text(visit, TEXT_SLOWLY_S), wait_s));
        show(tracking, 429);
        return false;
    }
    if (tracking->form.errors_count) {
        show(tracking, 422);
        return false;
    }
    limit_count(&visit->portal->tracking, address, request->came_boot_ms);
    return true;
}

void portal_track_sent(struct http_request *request)
{
    if (!http_form_read(request))
        return;
    struct tracking *tracking = tracking_new(visit_begin(request), true);
    if (may_try(tracking))
        visit_organisation(tracking->visit, on_organisation, tracking);
}

/* ---- leaving ---- */

void portal_leave(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    struct page *page = &visit->page;
    if (visit->session || visit->held) /* no other site's form brings it: it is SameSite=Strict */
        visit_session_set(visit, NULL);
    page->here = "/";
    page_begin(page, page_text(page, TEXT_LEFT_TITLE), false);
    page_heading(page, page_text(page, TEXT_LEFT_TITLE));
    html_add(&page->html,
             "<p class=\"lead\">%s</p><div class=\"actions\"><a class=\"button\" href=\"/\">%s</a></div>\n",
             page_text(page, TEXT_LEFT_LEAD), page_text(page, TEXT_HOME));
    page_end(page);
    visit_answer(visit, 200);
}
