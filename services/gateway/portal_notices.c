/* Notices (通知, 公示) of a site that everybody may read: as a page and, for programs, as a list. Which they are, and
   what of them is shown, analytics answers by the policy. */
#include "parameters.h"
#include "portal_visit.h"

#include "json/json.h"

#include <inttypes.h>

#define NOTICES_LIMIT_MAX 50u

struct notices {
    struct visit *visit;
    bool program; /* asks for the list itself */
    const char *site, *cursor;
    uint64_t limit;
};

bool portal_has_notices(const struct visit *visit)
{
    for (size_t i = 0; visit->policy && i < visit->policy->n_kinds; i++)
        if (visit->policy->kinds[i]->public_notice)
            return true;
    return false;
}

/* ---- the page ---- */

static const char *value_words(struct visit *visit, const Analytics__NoticeField *field)
{
    const struct page *page = &visit->page;
    const Hb__Value *value = field->value;
    if (field->choice)
        return portal_label(page->language, field->choice);
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return value->text;
    case HB__VALUE__KIND_NUMBER:
        return arena_printf(visit_arena(visit), "%" PRId64, value->number);
    case HB__VALUE__KIND_YES:
        return page_text(page, value->yes ? TEXT_YES : TEXT_NO);
    case HB__VALUE__KIND_TIME_MS:
        return time_words(page->zone, value->time_ms, page->now_ms, page->language, visit_arena(visit));
    case HB__VALUE__KIND_DURATION_MS: /* the policy cannot name such a field */
    case HB__VALUE__KIND_MONEY_FEN:
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return "";
}

static void add_notice(struct visit *visit, const Analytics__PublicNotice *notice)
{
    struct page *page = &visit->page;
    const char *kind = portal_label(page->language, notice->label), *title = *notice->title ? notice->title : kind;
    html_add(&page->html, "<article class=\"card\"><h2>%s</h2>\n<p class=\"soft\">%s%s%s · %s%s", title,
             *notice->title ? kind : "", *notice->title ? " · " : "", notice->number,
             page_text(page, TEXT_NOTICE_SINCE),
             time_words(page->zone, notice->since_ms, page->now_ms, page->language, visit_arena(visit)));
    if (notice->until_ms)
        html_add(&page->html, " · %s%s", page_text(page, TEXT_NOTICE_UNTIL),
                 deadline_words(page->zone, notice->until_ms, page->now_ms, page->language, visit_arena(visit)));
    html_source(&page->html, "</p>\n<dl class=\"facts\">\n");
    for (size_t i = 0; i < notice->n_fields; i++)
        html_add(&page->html, "<dt>%s</dt><dd class=\"said\">%s</dd>\n",
                 portal_label(page->language, notice->fields[i]->label), value_words(visit, notice->fields[i]));
    html_source(&page->html, "</dl></article>\n");
}

static void page_notices(struct notices *notices, const Analytics__PublicNotices *list)
{
    struct visit *visit = notices->visit;
    struct page *page = &visit->page;
    struct arena *arena = visit_arena(visit);
    const char *title = page_text(page, TEXT_NOTICES), *site = html_url(arena, visit->site->id);
    page->here = arena_printf(arena, *notices->cursor ? "/notices?site=%s&cursor=%s" : "/notices?site=%s", site,
                              html_url(arena, notices->cursor));
    page_begin(page, title, false);
    page_back(page, arena_printf(arena, "/submit?site=%s", site));
    page_heading(page, title);
    for (size_t i = 0; i < list->n_notices; i++)
        add_notice(visit, list->notices[i]);
    if (!list->n_notices && !*list->cursor)
        html_add(&page->html, "<p>%s</p>\n", page_text(page, *notices->cursor ? TEXT_NOTICES_END : TEXT_NOTICES_NONE));
    if (*list->cursor)
        html_add(
            &page->html,
            "<div class=\"actions\"><a class=\"button second\" href=\"/notices?site=%s&amp;cursor=%s\">%s</a></div>\n",
            site, html_url(arena, list->cursor), page_text(page, TEXT_NOTICES_MORE));
    page_end(page);
    visit_answer(visit, 200);
}

/* ---- asking for them ---- */

static void on_list(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct notices *notices = context;
    if (refused) {
        unsigned status = refused->status == 422 ? 404 : refused->status; /* 422: no cursor of ours */
        visit_fail(notices->visit, notices->program ? refused->status : status == 404 ? 404 : 503, refused);
        return;
    }
    if (!notices->program) {
        page_notices(notices, reply->analytics->notices);
        return;
    }
    json_t *json = json_from_message(&reply->analytics->notices->base, notices->visit->page.zone);
    if (!json_object_get(json, "notices"))
        json_object_set_new(json, "notices", json_array());
    visit_let_go(notices->visit);
    http_respond_json(request, 200, json);
}

static void on_organisation(struct visit *visit, void *context)
{
    struct notices *notices = context;
    const Directory__Site *site = visit_find_site(visit, notices->site);
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListNotices list = ANALYTICS__LIST_NOTICES__INIT;
    if (!site) {
        visit_fail(visit, 404, NULL);
        return;
    }
    visit_site(visit, site);
    query.site = site->id;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_NOTICES;
    analytics.notices = &list;
    list.cursor = (char *)(uintptr_t)notices->cursor;
    list.limit = (uint32_t)notices->limit;
    cell_query(visit->request, HB__SERVICE__ANALYTICS, &query, on_list, notices);
}

static void begin(struct http_request *request, bool program)
{
    struct notices *notices = arena_zero(&request->arena, sizeof *notices);
    const char *site = http_query(request, "site"), *cursor = http_query(request, "cursor");
    notices->program = program;
    notices->site = site ? site : "";
    notices->cursor = cursor ? cursor : "";
    if (program && !parameter_number(request, "limit", 1, NOTICES_LIMIT_MAX, &notices->limit))
        return;
    notices->visit = visit_begin(request);
    if (visit_may(notices->visit, &notices->visit->portal->viewing))
        visit_organisation(notices->visit, on_organisation, notices);
}

void portal_notices(struct http_request *request)
{
    begin(request, false);
}

void portal_notices_list(struct http_request *request)
{
    begin(request, true);
}
