/* Submitting: the pages that lead to the form, and the form as it was sent. */
#include "portal_submit.h"

#include "policy/lookup.h"
#include "portal_files.h"
#include "portal_guard.h"
#include "portal_place.h"
#include "sites.h"

#define PURPOSE "submit"

static struct submit_form *form_new(struct visit *visit, const Policy__Kind *kind, bool sent)
{
    struct submit_form *submit = arena_alloc(visit_arena(visit), sizeof *submit);
    submit_form_init(submit, visit, kind, sent);
    submit->token = form_token_make(&visit->portal->keys, visit_browser_purpose(visit, PURPOSE),
                                    visit->request->came_ms, visit_arena(visit));
    return submit;
}

static void show(struct visit *visit, struct submit_form *submit, unsigned status)
{
    visit->page.here = NULL; /* the other language keeps what was typed */
    page_submit(&visit->page, submit);
    visit_answer(visit, status);
}

/* ---- leading to the form ---- */

static const Policy__Kind *kind_open(const struct visit *visit, const char *name)
{
    const Policy__Kind *kind = visit->policy && name ? policy_kind(visit->policy, name) : NULL;
    return kind && submit_open(kind, "web") ? kind : NULL;
}

static void on_policy(struct visit *visit, void *context)
{
    const Gatewayrec__Place *place = context;
    size_t count;
    struct arena *arena = visit_arena(visit);
    const char *wanted = http_query(visit->request, "kind");
    if (!wanted && place && kind_open(visit, place->kind)) /* a label hangs for years: its kind may be gone */
        wanted = place->kind;
    const Policy__Kind **kinds = submit_kinds(visit, &count), *kind = kind_open(visit, wanted);
    if (wanted && !kind) {
        visit_fail(visit, 404, NULL);
        return;
    }
    if (!kind && count == 1)
        kind = kinds[0];
    if (kind) {
        struct submit_form *submit = form_new(visit, kind, false);
        submit->form.place = place ? place->place : NULL;
        show(visit, submit, 200);
        return;
    }
    const char *token = place ? place_token_make(&visit->portal->keys, place, arena) : NULL;
    visit->page.here = token ? arena_printf(arena, "/submit?place=%s", token)
                             : arena_printf(arena, "/submit?site=%s", html_url(arena, visit->site->id));
    visit->page.place = place ? place->place : NULL;
    page_kinds(&visit->page, visit->site, kinds, count, portal_has_problems(visit), portal_has_notices(visit), token);
    visit_answer(visit, 200);
}

static void on_organisation(struct visit *visit, void *context)
{
    const Gatewayrec__Place *place = context;
    const char *id = place ? place->site : http_query(visit->request, "site");
    const Directory__Site *site = visit_find_site(visit, id);
    if (!id && visit->organisation->n_sites == 1)
        site = visit->organisation->sites[0];
    if (!id && !site) {
        visit_redirect(visit, "/");
        return;
    }
    if (!site) {
        visit_fail(visit, 404, NULL);
        return;
    }
    visit_site(visit, site);
    visit_policy(visit, 0, on_policy, context);
}

static void page_forged(struct visit *visit)
{
    struct page *page = &visit->page;
    const char *title = page_text(page, TEXT_PLACE_FORGED);
    page->here = "/";
    page_begin(page, title, false);
    page_heading(page, title);
    html_add(&page->html,
             "<p class=\"lead\">%s</p><div class=\"actions\"><a class=\"button\" href=\"/\">%s</a></div>\n",
             page_text(page, TEXT_PLACE_FORGED_LEAD), page_text(page, TEXT_HOME));
    page_end(page);
    visit_answer(visit, 404);
}

/* `token`: what the code at a place says; on the way to the form the address bears it. NULL: there is none. */
static void begin(struct http_request *request, const char *token)
{
    struct visit *visit = visit_begin(request);
    const Gatewayrec__Place *place = token ? place_token_read(&visit->portal->keys, token, visit_arena(visit)) : NULL;
    if (token && !place)
        page_forged(visit);
    else
        visit_organisation(visit, on_organisation, (void *)(uintptr_t)place);
}

void portal_submit(struct http_request *request)
{
    begin(request, http_query(request, "place"));
}

void portal_place(struct http_request *request)
{
    begin(request, http_param(request, "place"));
}

/* ---- the form, sent ---- */

static void on_files(struct visit *visit, void *context)
{
    Gatewayrec__Session *session = context;
    session->after = visit->request->after;
    session->n_after = visit->request->n_after;
    visit_session_set(visit, session);
    visit_redirect(visit, "/receipt");
}

/* The case is registered, whatever becomes of the files that came with it. */
static void registered(struct visit *visit, const struct submit_form *submit, const Hb__CommandReply *reply)
{
    Gatewayrec__Session *session = arena_alloc(visit_arena(visit), sizeof *session);
    gatewayrec__session__init(session);
    session->case_id = reply->case_id;
    session->site = submit->site->id;
    session->number = reply->submitted->number;
    session->tracking_code = reply->submitted->tracking_code;
    session->offset = reply->submitted->offset;
    session->promised = reply->submitted->promised;
    session->n_promised = reply->submitted->n_promised;
    portal_files_add(visit, reply->case_id, false, submit->id, session, on_files, session);
}

/* Nothing but number and code is known of it; files are for cases. */
static void held(struct visit *visit, const struct submit_form *submit, const Intake__Submitted *submitted)
{
    Gatewayrec__Session session = GATEWAYREC__SESSION__INIT;
    char *files[] = {(char *)(uintptr_t)visit_text(visit, TEXT_HELD_FILES)};
    session.held = true;
    session.site = submit->site->id;
    session.number = submitted->number;
    session.tracking_code = submitted->tracking_code;
    session.unattached = files;
    session.n_unattached = portal_files_count(visit->request) > 0;
    visit_session_set(visit, &session);
    visit_redirect(visit, "/held");
}

/* The form comes back with all that was typed. Its token stays: to send it again is the same command, so that nothing
   is registered twice when only the answer was lost. */
static void refused_submission(struct submit_form *submit, const Hb__Refusal *refused)
{
    struct visit *visit = submit->visit;
    if (strcmp(refused->code, "body_mismatch") == 0) {
        form_fail(&submit->form, "", visit_text(visit, TEXT_SENT_BEFORE));
        submit->token = form_token_make(&visit->portal->keys, visit_browser_purpose(visit, PURPOSE),
                                        visit->request->came_ms, visit_arena(visit));
    } else if (refused->status >= 500) {
        bool full = strcmp(refused->code, "held_full") == 0;
        form_fail(&submit->form, "",
                  full ? portal_label(visit->language, refused->text) : visit_text(visit, TEXT_TRY_AGAIN));
    } else {
        form_refuse(&submit->form, refused, submit->kind);
    }
    if (refused->retry_after_s || refused->status >= 500)
        http_set(visit->request, "Retry-After",
                 arena_printf(visit_arena(visit), "%u", refused->retry_after_s ? refused->retry_after_s : 2));
    show(visit, submit, refused->status >= 500 ? 503 : refused->status);
}

static void on_submitted(struct http_request *request, void *context, const Hb__Refusal *refused,
                         const Hb__CommandReply *reply)
{
    struct submit_form *submit = context;
    if (refused) {
        refused_submission(submit, refused);
        return;
    }
    (void)request;
    bug_unless(reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_SUBMITTED);
    if (reply->submitted->held)
        held(submit->visit, submit, reply->submitted);
    else
        registered(submit->visit, submit, reply);
}

static void on_site_known(struct http_request *request, void *context)
{
    struct submit_form *submit = context;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    command.id = submit->id;
    command.site = submit->site->id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    intake.submit = submit_build(submit);
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, on_submitted, submit);
}

/* True: it may be sent, as the command `submit->id`. False: it has been shown again. */
static bool may_send(struct submit_form *submit)
{
    struct visit *visit = submit->visit;
    struct http_request *request = visit->request;
    const char *token = http_form(request, "token");
    const char *address = limit_address(request->address, &request->arena);
    bool fresh = form_token_check(&visit->portal->keys, visit_browser_purpose(visit, PURPOSE), token, request->came_ms,
                                  submit->id);
    struct limit *limit = guard_limit(visit, fresh);
    int64_t wait_ms = limit_wait_ms(limit, address, request->came_boot_ms);
    if (fresh)
        submit->token = token;
    if (http_form(request, "lang")) { /* the other language, nothing more */
        show(visit, submit, 200);
        return false;
    }
    if (wait_ms) {
        form_fail(&submit->form, "", visit_text(visit, TEXT_SLOWLY));
        http_set(request, "Retry-After", arena_printf(&request->arena, "%lld", (long long)(wait_ms + 999) / 1000));
        show(visit, submit, 429);
        return false;
    }
    submit_check(submit);
    if (!fresh)
        form_fail(&submit->form, "", visit_text(visit, TEXT_TOKEN_OLD));
    if (submit->form.errors_count) {
        show(visit, submit, 422);
        return false;
    }
    limit_count(limit, address, request->came_boot_ms);
    guard_look(visit, submit->id);
    return true;
}

static void on_policy_for_sent(struct visit *visit, void *context)
{
    (void)context;
    const Policy__Kind *kind = kind_open(visit, http_form(visit->request, "kind"));
    if (!kind) {
        visit_fail(visit, 404, NULL);
        return;
    }
    struct submit_form *submit = form_new(visit, kind, true);
    if (may_send(submit))
        sites_know(visit->request, submit->site->id, on_site_known, submit); /* which intake has it */
}

static void on_organisation_for_sent(struct visit *visit, void *context)
{
    (void)context;
    const Directory__Site *site = visit_find_site(visit, http_form(visit->request, "site"));
    if (!site) {
        visit_fail(visit, 404, NULL);
        return;
    }
    visit_site(visit, site);
    visit_policy(visit, 0, on_policy_for_sent, NULL);
}

void portal_submit_sent(struct http_request *request)
{
    if (http_form_read(request))
        visit_organisation(visit_begin(request), on_organisation_for_sent, NULL);
}
