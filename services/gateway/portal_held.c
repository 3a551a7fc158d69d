/* What became of a submission that is held: for whoever has its number and code, in a session of its own, which opens
   nothing but this page. Let in, it is a case, and the session that of the case. */
#include "portal_files.h"

#define CODE_CHARACTERS 8u

struct shown {
    struct visit *visit;
    const Intake__Tracked *tracked;
};

void held_follow(struct visit *visit, const Intake__Tracked *tracked, const char *code)
{
    Gatewayrec__Session session = GATEWAYREC__SESSION__INIT;
    size_t size = strlen(code);
    session.site = tracked->site;
    session.number = tracked->number;
    session.held = tracked->held;
    session.case_id = tracked->held ? 0 : tracked->case_id;
    session.tracking_code =
        arena_printf(visit_arena(visit), "%s-%s", tracked->number,
                     size > CODE_CHARACTERS ? code + size - CODE_CHARACTERS : code); /* it may be that of a held one */
    visit_session_set(visit, &session);
    visit_redirect(visit, tracked->held ? "/held" : "/case");
}

static void add_slip(struct page *page, const Gatewayrec__Session *held, const Intake__Tracked *tracked)
{
    struct arena *arena = page->html.arena;
    html_add(&page->html,
             "<div class=\"slip\"><h2>%s</h2><dl><dt>%s</dt><dd class=\"code\" id=\"number\">%s</dd><dt>%s</dt>"
             "<dd class=\"code\" id=\"code\">%s</dd><dt>%s</dt><dd class=\"plain\">%s</dd><dt>%s</dt>"
             "<dd class=\"plain\">%s</dd></dl></div><p>%s</p>\n",
             page_text(page, TEXT_RECEIPT_KEEP), page_text(page, TEXT_HELD_NUMBER), held->number,
             page_text(page, TEXT_RECEIPT_CODE), held->tracking_code + strlen(held->number) + 1,
             page_text(page, TEXT_RECEIPT_WHERE), page->site, page_text(page, TEXT_HELD_SINCE),
             time_words(page->zone, tracked->received_ms, page->now_ms, page->language, arena),
             page_text(page, TEXT_RECEIPT_KEEP_HINT));
}

static void page_held(struct shown *shown)
{
    struct page *page = &shown->visit->page;
    const Intake__Tracked *tracked = shown->tracked;
    bool refused = tracked->refused_ms != 0;
    const char *title = page_text(page, refused ? TEXT_HELD_REFUSED_TITLE : TEXT_HELD_TITLE);
    page->here = "/held";
    page_begin(page, title, false);
    html_add(&page->html, "<div class=\"panel%s\"><h1>%s</h1><p>%s</p></div>\n", refused ? " neutral" : "", title,
             page_text(page, refused ? TEXT_HELD_REFUSED_LEAD : TEXT_HELD_LEAD));
    page_files_refused(page, shown->visit->held, false);
    if (refused)
        html_add(&page->html, "<section class=\"card\"><h2>%s</h2><p class=\"said\" id=\"reason\">%s</p></section>\n",
                 page_text(page, TEXT_HELD_REASON), tracked->reason);
    add_slip(page, shown->visit->held, tracked);
    html_add(&page->html, "<div class=\"actions\"><a class=\"button second\" href=\"/submit?site=%s\">%s</a></div>\n",
             html_url(page->html.arena, shown->visit->held->site), page_text(page, TEXT_RECEIPT_MORE));
    page_end(page);
    Gatewayrec__Session session = *shown->visit->held;
    session.n_unattached = 0; /* said once */
    visit_session_set(shown->visit, &session);
    visit_answer(shown->visit, 200);
}

static void on_tracked(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    (void)request;
    struct shown *shown = context;
    if (refused && refused->status >= 500) {
        visit_fail(shown->visit, 503, refused);
        return;
    }
    if (refused) {
        visit_redirect(shown->visit, "/track?over=1");
        return;
    }
    const Intake__Tracked *tracked = shown->tracked = reply->intake->tracked;
    if (tracked->held)
        page_held(shown);
    else
        held_follow(shown->visit, tracked, shown->visit->held->tracking_code);
}

static void on_organisation(struct visit *visit, void *context)
{
    struct shown *shown = context;
    const Directory__Site *site = visit_find_site(visit, visit->held->site);
    if (!site) {
        visit_redirect(visit, "/track");
        return;
    }
    visit_site(visit, site);
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__Track track = INTAKE__TRACK__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_TRACK;
    intake.track = &track;
    track.code = visit->held->tracking_code;
    cell_query(visit->request, HB__SERVICE__INTAKE, &query, on_tracked, shown);
}

void portal_held(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    struct shown *shown = arena_zero(&request->arena, sizeof *shown);
    shown->visit = visit;
    if (!visit->held)
        visit_redirect(visit, visit->session ? "/case" : "/track?over=1");
    else if (visit_may(visit, &visit->portal->viewing))
        visit_organisation(visit, on_organisation, shown);
}
