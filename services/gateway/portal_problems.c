/* Public problems: what a site has under way that concerns many (the policy says which: `public_problem`), without
   texts and persons, and joining one of them. Who joins is no party to the case: he takes the step that the policy
   names, once, and sees of the case what everybody sees. */
#include "portal_guard.h"

#include "policy/lookup.h"

#include <sodium.h>

#define PROBLEMS_LISTED_MAX 50u /* on a page; the next goes on */

struct problems {
    struct visit *visit;
    const char *number; /* NULL: all */
    const char *after;  /* of all: where the page before ended; "": at the newest */
    Analytics__CaseRow *row;
    const Policy__Kind *kind;
    const Policy__Step *step;
    struct form form;
    const char *token;
    char id[COMMAND_ID_CHARACTERS + 1];
    unsigned status;
    bool joined;
};

bool portal_has_problems(const struct visit *visit)
{
    for (size_t i = 0; visit->policy && i < visit->policy->n_kinds; i++)
        if (*visit->policy->kinds[i]->public_problem)
            return true;
    return false;
}

/* ---- what is shown of one ---- */

static const char *category_label(const struct visit *visit, const Policy__Kind *kind, const char *name)
{
    const Policy__FieldDef *def = policy_field(kind, "category");
    for (size_t i = 0; def && i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, name) == 0)
            return portal_label(visit->language, def->one_of[i]->label);
    for (size_t i = 0; i < visit->policy->n_categories; i++)
        if (strcmp(visit->policy->categories[i]->name, name) == 0)
            return portal_label(visit->language, visit->policy->categories[i]->label);
    return name;
}

static const char *place_label(const struct visit *visit, const Policy__Kind *kind, const char *name)
{
    const Policy__FieldDef *def = policy_field(kind, "place");
    for (size_t i = 0; def && i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, name) == 0)
            return portal_label(visit->language, def->one_of[i]->label);
    return name;
}

static char *title_of(struct visit *visit, const Analytics__CaseRow *row, const Policy__Kind *kind)
{
    bool zh = visit->language == LANGUAGE_ZH;
    char *title = arena_printf(visit_arena(visit), "%s%s%s", portal_label(visit->language, kind->label),
                               *row->category ? (zh ? "：" : ": ") : "", category_label(visit, kind, row->category));
    if (*row->place)
        title =
            arena_printf(visit_arena(visit), "%s%s%s", title, zh ? "，" : ", ", place_label(visit, kind, row->place));
    return title;
}

static void add_state(struct visit *visit, const Analytics__CaseRow *row, const Policy__Kind *kind)
{
    struct page *page = &visit->page;
    const Policy__Stage *stage = policy_stage(kind, row->stage);
    html_add(&page->html, "%s%s · %s%s", page_text(page, TEXT_PROBLEM_SINCE),
             time_words(page->zone, row->received_ms, page->now_ms, page->language, visit_arena(visit)),
             stage ? portal_label(page->language, stage->label) : "",
             row->joined
                 ? arena_printf(visit_arena(visit), " · %s%u", page_text(page, TEXT_PROBLEM_JOINED), row->joined)
                 : "");
}

static bool can_be_joined(const Analytics__CaseRow *row, const Policy__Kind *kind)
{
    const Policy__Step *step = kind ? policy_step(kind, kind->public_problem) : NULL;
    for (size_t i = 0; step && i < step->n_from; i++)
        if (strcmp(step->from[i], row->stage) == 0)
            return true;
    return false;
}

/* ---- the list ---- */

static void add_more(struct page *page, const char *site, const char *cursor)
{
    html_add(&page->html,
             "<div class=\"actions\"><a class=\"button second\" href=\"/problems?site=%s&amp;after=%s\">%s</a></div>\n",
             site, cursor, page_text(page, TEXT_PROBLEMS_MORE));
}

static void page_problems(struct problems *problems, const Analytics__CaseList *list)
{
    struct visit *visit = problems->visit;
    Analytics__CaseRow *const *rows = list->rows;
    struct page *page = &visit->page;
    struct arena *arena = visit_arena(visit);
    const char *title = page_text(page, TEXT_PROBLEMS), *site = html_url(arena, visit->site->id);
    size_t shown = 0;
    page->here = arena_printf(arena, *problems->after ? "/problems?site=%s&after=%s" : "/problems?site=%s", site,
                              html_url(arena, problems->after));
    page_begin(page, title, false);
    page_back(page, arena_printf(arena, "/submit?site=%s", site));
    page_heading(page, title);
    html_add(&page->html, "<p class=\"lead\">%s</p>\n<ul class=\"list\">\n", page_text(page, TEXT_PROBLEMS_LEAD));
    for (size_t i = 0; i < list->n_rows; i++) {
        const Policy__Kind *kind = policy_kind(visit->policy, rows[i]->kind);
        if (!can_be_joined(rows[i], kind))
            continue;
        html_add(&page->html, "<li><a class=\"choose\" href=\"/problem?site=%s&amp;number=%s\">%s<small>", site,
                 html_url(arena, rows[i]->number), title_of(visit, rows[i], kind));
        add_state(visit, rows[i], kind);
        html_source(&page->html, "</small></a></li>\n");
        shown++;
    }
    html_source(&page->html, "</ul>\n");
    if (*list->cursor)
        add_more(page, site, html_url(arena, list->cursor));
    else if (!shown)
        html_add(&page->html, "<p>%s</p>\n",
                 page_text(page, *problems->after ? TEXT_PROBLEMS_END : TEXT_PROBLEMS_NONE));
    html_add(&page->html, "<div class=\"actions\"><a class=\"button second\" href=\"/submit?site=%s\">%s</a></div>\n",
             site, page_text(page, TEXT_PROBLEMS_OTHER));
    page_end(page);
    visit_answer(visit, 200);
}

/* ---- one of them ---- */

static void add_field(struct problems *problems, const char *name, bool optional)
{
    const Policy__FieldDef *def = policy_field(problems->kind, name);
    if (def && form_asks(def))
        page_policy_field(&problems->visit->page, &problems->form, def, optional, NULL, 0);
}

static void add_join_form(struct problems *problems)
{
    struct page *page = &problems->visit->page;
    html_add(&page->html,
             "<form id=\"form\" action=\"/problem\" method=\"post\" accept-charset=\"utf-8\" novalidate>"
             "<input type=\"hidden\" name=\"site\" value=\"%s\"><input type=\"hidden\" name=\"number\" value=\"%s\">"
             "<input type=\"hidden\" name=\"token\" value=\"%s\">\n",
             problems->visit->site->id, problems->row->number, problems->token);
    page_guard(page);
    for (size_t i = 0; i < problems->step->n_needs; i++)
        if (problems->step->needs[i]->type == POLICY__NEED__TYPE__FIELD)
            add_field(problems, problems->step->needs[i]->name, false);
    for (size_t i = 0; i < problems->step->n_fields; i++)
        add_field(problems, problems->step->fields[i], true);
    html_add(&page->html,
             "<div class=\"actions\"><button class=\"button\">%s</button></div><p class=\"hint after\">%s</p>",
             portal_label(page->language, problems->step->label), page_text(page, TEXT_PROBLEM_ONCE));
    page_clauses(page, problems->step->clauses, problems->step->n_clauses);
    html_source(&page->html, "</form>\n");
}

static void page_problem(struct problems *problems)
{
    struct visit *visit = problems->visit;
    struct page *page = &visit->page;
    struct arena *arena = visit_arena(visit);
    const char *title = title_of(visit, problems->row, problems->kind), *site = html_url(arena, visit->site->id);
    bool open = !problems->joined && can_be_joined(problems->row, problems->kind);
    page->script = open;
    page->here =
        open ? NULL : arena_printf(arena, "/problem?site=%s&number=%s", site, html_url(arena, problems->row->number));
    page_begin(page, title, problems->form.errors_count > 0);
    page_back(page, arena_printf(arena, "/problems?site=%s", site));
    page_heading(page, title);
    page_errors(page, &problems->form);
    if (problems->joined)
        html_add(&page->html, "<p class=\"notice good\" role=\"status\">%s</p>\n",
                 page_text(page, TEXT_PROBLEM_THANKS));
    html_source(&page->html, "<p class=\"lead\">");
    add_state(visit, problems->row, problems->kind);
    html_add(&page->html, "</p>\n<p class=\"soft\">%s</p>\n", page_text(page, TEXT_PROBLEM_SHOWN));
    if (open)
        add_join_form(problems);
    else if (!problems->joined)
        html_add(&page->html, "<p>%s</p>\n", page_text(page, TEXT_PROBLEM_OVER));
    page_end(page);
    visit_answer(visit, problems->status);
}

/* ---- asking for them ---- */

static char *joining(struct problems *problems)
{
    return arena_printf(visit_arena(problems->visit), "join:%016llx", (unsigned long long)problems->row->case_id);
}

static const char *purpose_of(struct problems *problems)
{
    return visit_browser_purpose(problems->visit, joining(problems));
}

static void show_one(struct problems *problems)
{
    struct visit *visit = problems->visit;
    if (!problems->token)
        problems->token =
            form_token_make(&visit->portal->keys, purpose_of(problems), visit->request->came_ms, visit_arena(visit));
    page_problem(problems);
}

static void take_one(struct problems *problems, Analytics__CaseRow *const *rows, size_t count,
                     void (*then)(struct problems *problems))
{
    struct visit *visit = problems->visit;
    problems->row = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i]->number, problems->number) == 0)
            problems->row = rows[i];
    problems->kind = problems->row ? policy_kind(visit->policy, problems->row->kind) : NULL;
    problems->step = problems->kind ? policy_step(problems->kind, problems->kind->public_problem) : NULL;
    if (!problems->step) {
        visit_fail(visit, 404, NULL);
        return;
    }
    problems->form.prefix = problems->step->name;
    then(problems);
}

static void join(struct problems *problems);

static void on_list(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct problems *problems = context;
    struct visit *visit = problems->visit;
    if (refused) {
        visit_fail(visit, refused->status == 404 || refused->status == 422 ? 404 : 503,
                   refused); /* 422: no cursor of ours */
        return;
    }
    const Analytics__CaseList *list = reply->analytics->list;
    bool sent = strcmp(request->method, "POST") == 0 && !problems->status;
    if (!problems->number)
        page_problems(problems, list);
    else
        take_one(problems, list->rows, list->n_rows, sent ? join : show_one);
}

static void ask(struct problems *problems)
{
    struct visit *visit = problems->visit;
    uint32_t open[] = {POLICY__PHASE__NEW, POLICY__PHASE__WORKING, POLICY__PHASE__WAITING, POLICY__PHASE__DONE};
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    query.site = visit->site->id;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    list.filter = &filter;
    list.limit = PROBLEMS_LISTED_MAX;
    if (problems->number) {
        filter.number = (char *)(uintptr_t)problems->number;
    } else {
        list.cursor = (char *)(uintptr_t)problems->after;
        filter.phases = open;
        filter.n_phases = sizeof open / sizeof *open;
    }
    cell_query(visit->request, HB__SERVICE__ANALYTICS, &query, on_list, problems);
}

static void on_policy(struct visit *visit, void *context)
{
    if (portal_has_problems(visit))
        ask(context);
    else
        visit_fail(visit, 404, NULL);
}

static void on_organisation(struct visit *visit, void *context)
{
    const char *id = strcmp(visit->request->method, "POST") == 0 ? http_form(visit->request, "site")
                                                                 : http_query(visit->request, "site");
    const Directory__Site *site = visit_find_site(visit, id);
    if (!site) {
        visit_fail(visit, 404, NULL);
        return;
    }
    visit_site(visit, site);
    struct problems *problems = context;
    problems->form.language = visit->language;
    visit_policy(visit, 0, on_policy, context);
}

static void begin(struct http_request *request, const char *number, bool sent)
{
    struct visit *visit = visit_begin(request);
    const char *after = http_query(request, "after");
    struct problems *problems = arena_zero(visit_arena(visit), sizeof *problems);
    problems->visit = visit;
    problems->number = number;
    problems->after = after ? after : "";
    problems->status = sent ? 0 : 200;
    problems->form = (struct form){.request = request, .language = visit->language, .prefix = "", .sent = sent};
    if (visit_may(visit, &visit->portal->viewing))
        visit_organisation(visit, on_organisation, problems);
}

void portal_problems(struct http_request *request)
{
    begin(request, NULL, false);
}

void portal_problem(struct http_request *request)
{
    const char *number = http_query(request, "number");
    begin(request, number ? number : "", false);
}

void portal_problem_sent(struct http_request *request)
{
    if (!http_form_read(request))
        return;
    const char *number = http_form(request, "number");
    begin(request, number ? number : "", true);
}

/* ---- joining ---- */

/* The same contact for the same problem is the same command, so that it counts once however often it is left (within
   the week for which outcomes are kept). */
static void id_of_contact(struct problems *problems, const Casework__Act *act)
{
    uint8_t hash[16];
    crypto_generichash_state state;
    const struct portal_keys *keys = &problems->visit->portal->keys;
    const char *purpose = joining(problems);
    crypto_generichash_init(&state, keys->form, sizeof keys->form, sizeof hash);
    crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    for (size_t i = 0; i < act->n_fields; i++)
        for (const char *at = act->fields[i]->text->plain; *at; at++) {
            uint8_t plain = (uint8_t)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
            if (!strchr(" -\n\t", *at))
                crypto_generichash_update(&state, &plain, 1);
        }
    crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(problems->id, "0000000000000-", 14);
    sodium_bin2hex(problems->id + 14, sizeof problems->id - 14, hash, sizeof hash);
}

static void on_joined(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__CommandReply *reply)
{
    (void)reply;
    struct problems *problems = context;
    struct visit *visit = problems->visit;
    problems->status = refused ? (refused->status >= 500 ? 503 : refused->status) : 200;
    if (!refused || strcmp(refused->code, "body_mismatch") == 0) { /* the same contact, written in another way */
        problems->joined = true;
        problems->status = 200;
        ask(problems); /* after what was just said: with this one counted */
        return;
    }
    if (refused->status >= 500) {
        form_fail(&problems->form, "", visit_text(visit, TEXT_TRY_AGAIN));
        problems->token = http_form(request, "token"); /* sent again it is the same command */
    } else {
        form_refuse(&problems->form, refused, problems->kind);
    }
    show_one(problems);
}

static void take_field(struct problems *problems, const char *name, bool needed, Casework__Act *act)
{
    const Policy__FieldDef *def = policy_field(problems->kind, name);
    Hb__Field *field = def && form_asks(def) ? form_policy_field(&problems->form, def) : NULL;
    if (field)
        act->fields[act->n_fields++] = field;
    else if (def && needed)
        form_miss(&problems->form, form_policy_name(&problems->form, name),
                  portal_label(problems->visit->language, def->label), false);
}

static void take_fields(struct problems *problems, Casework__Act *act)
{
    const Policy__Step *step = problems->step;
    act->step = step->name;
    act->fields = arena_alloc(visit_arena(problems->visit), (step->n_needs + step->n_fields + 1) * sizeof *act->fields);
    for (size_t i = 0; i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD)
            take_field(problems, step->needs[i]->name, true, act);
    for (size_t i = 0; i < step->n_fields; i++)
        take_field(problems, step->fields[i], false, act);
}

/* 0: it may be sent. Else the status with which the form comes back. */
static unsigned check(struct problems *problems)
{
    struct visit *visit = problems->visit;
    struct http_request *request = visit->request;
    const char *token = http_form(request, "token"), *address = limit_address(request->address, &request->arena);
    bool fresh = form_token_check(&visit->portal->keys, purpose_of(problems), token, request->came_ms, problems->id);
    struct limit *limit = guard_limit(visit, fresh);
    int64_t wait_ms = limit_wait_ms(limit, address, request->came_boot_ms);
    if (fresh)
        problems->token = token;
    if (http_form(request, "lang"))
        return 200;
    if (wait_ms) {
        form_fail(&problems->form, "", visit_text(visit, TEXT_SLOWLY));
        http_set(request, "Retry-After", arena_printf(&request->arena, "%lld", (long long)(wait_ms + 999) / 1000));
        return 429;
    }
    if (!fresh)
        form_fail(&problems->form, "", visit_text(visit, TEXT_TOKEN_OLD));
    if (guard_holds(visit, fresh))
        form_fail(&problems->form, "", visit_text(visit, TEXT_TRAPPED));
    if (problems->form.errors_count)
        return 422;
    limit_count(limit, address, request->came_boot_ms);
    return 0;
}

static void join(struct problems *problems)
{
    struct visit *visit = problems->visit;
    Casework__Act act = CASEWORK__ACT__INIT;
    take_fields(problems, &act);
    if (http_form(visit->request, "lang"))
        problems->form.errors_count = 0; /* nothing was sent yet */
    problems->status = check(problems);
    if (problems->status) {
        show_one(problems);
        return;
    }
    if (act.n_fields)
        id_of_contact(problems, &act);
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    command.id = problems->id;
    command.site = visit->site->id;
    command.case_id = problems->row->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_ACT;
    casework.act = &act;
    cell_command(visit->request, HB__SERVICE__CASEWORK, &command, 0, on_joined, problems);
}
