/* The case page, and what a complainant does there. A session names the case; the services decide what its complainant
   may know and do (GetOwn), and the form sends exactly that. */
#include "portal_case.h"

#include "policy/lookup.h"

#include <stdlib.h>

/* ---- loading ---- */

static void show(struct case_shown *shown)
{
    struct visit *visit = shown->visit;
    Gatewayrec__Session session = *visit->session;
    page_case(&visit->page, shown);
    session.notice = "";
    session.attached = 0;
    session.n_unattached = 0;
    visit_session_set(visit, &session);
    visit_answer(visit, shown->status);
}

static void arrived(struct case_shown *shown)
{
    if (--shown->waiting == 0)
        show(shown);
}

static void on_clocks(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    (void)request;
    struct case_shown *shown = context;
    if (!refused && reply->payload_case == HB__QUERY_REPLY__PAYLOAD_WATCHDOG)
        shown->clocks = reply->watchdog->clocks;
    arrived(shown);
}

static void ask_clocks(struct case_shown *shown)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks get = WATCHDOG__GET_CLOCKS__INIT;
    query.case_id = get.case_id = shown->told->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &get;
    cell_query(shown->visit->request, HB__SERVICE__WATCHDOG, &query, on_clocks, shown);
}

struct opening {
    struct case_shown *shown;
    struct said **list;
    size_t count;
};

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__CommandReply *reply)
{
    (void)request;
    struct opening *opening = context;
    const Intake__Opened *opened =
        !refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED ? reply->opened : NULL;
    if (!opened || opened->n_texts != opening->count) {
        opening->shown->unreadable = true;
    } else {
        for (size_t i = 0; i < opening->count; i++) {
            if (opened->n_withheld && opened->withheld[i])
                continue;
            opening->list[i]->text = opened->texts[i];
            opening->list[i]->gone = !*opened->texts[i]; /* nobody can have left it empty */
        }
    }
    arrived(opening->shown);
}

void case_open(struct visit *visit, Hb__Sealed **boxes, size_t count, const char *purpose, cell_command_fn *then,
               void *context)
{
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Open open = INTAKE__OPEN__INIT;
    command.site = visit->session->site;
    command.case_id = visit->session->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = &open;
    open.purpose = (char *)(uintptr_t)purpose;
    open.boxes = boxes;
    open.n_boxes = count;
    open.tracking_code = visit->session->tracking_code;
    cell_command(visit->request, HB__SERVICE__INTAKE, &command, 0, then, context);
}

static void ask_texts(struct case_shown *shown)
{
    struct opening *opening = arena_alloc(visit_arena(shown->visit), sizeof *opening);
    *opening = (struct opening){.shown = shown};
    opening->list = case_story_sealed(shown, &opening->count);
    if (opening->count == 0) {
        arrived(shown);
        return;
    }
    Hb__Sealed **boxes = arena_alloc(visit_arena(shown->visit), opening->count * sizeof *boxes);
    for (size_t i = 0; i < opening->count; i++)
        boxes[i] = (Hb__Sealed *)(uintptr_t)opening->list[i]->box;
    case_open(shown->visit, boxes, opening->count, "portal: the complainant's own case", on_opened, opening);
}

/* The two answers come in any order; the page waits for both. */
static void ask_rest(struct case_shown *shown)
{
    case_story_tell(shown);
    shown->waiting = 3;
    ask_clocks(shown);
    ask_texts(shown);
    arrived(shown);
}

static void on_policy(struct visit *visit, void *context)
{
    struct case_shown *shown = context;
    shown->kind = visit->policy ? policy_kind(visit->policy, shown->told->kind) : NULL;
    if (shown->kind)
        shown->then(shown);
    else
        visit_fail(visit, 503, NULL);
}

static void sign_in_again(struct visit *visit, const char *why)
{
    visit_session_set(visit, NULL);
    visit_redirect(visit, why);
}

static void on_told(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    (void)request;
    struct case_shown *shown = context;
    struct visit *visit = shown->visit;
    if (refused && refused->status == 404) {
        sign_in_again(visit, "/track?over=1");
        return;
    }
    if (refused) {
        visit_fail(visit, 503, refused);
        return;
    }
    shown->told = reply->casework->own;
    visit_policy(visit, shown->told->policy_version, on_policy, shown);
}

/* The case as it is now, and the policy it goes by. */
static void load(struct case_shown *shown, void (*then)(struct case_shown *shown))
{
    shown->then = then;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetOwn get = CASEWORK__GET_OWN__INIT;
    query.case_id = get.case_id = shown->visit->session->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_OWN;
    casework.own = &get;
    cell_query(shown->visit->request, HB__SERVICE__CASEWORK, &query, on_told, shown);
}

/* What this browser has done is seen by this browser at once. */
static void take_after(struct visit *visit)
{
    visit->request->after = visit->session->after;
    visit->request->n_after = visit->session->n_after;
}

static void on_organisation(struct visit *visit, void *context)
{
    const Directory__Site *site = visit_find_site(visit, visit->session->site);
    if (!site) {
        sign_in_again(visit, "/track?over=1");
        return;
    }
    visit_site(visit, site);
    visit->page.here = "/case";
    take_after(visit);
    struct case_shown *shown = context;
    load(shown, shown->then);
}

static struct case_shown *shown_new(struct visit *visit)
{
    struct case_shown *shown = arena_zero(visit_arena(visit), sizeof *shown);
    shown->visit = visit;
    shown->status = 200;
    shown->then = ask_rest;
    shown->form = (struct form){.request = visit->request, .language = visit->language, .prefix = ""};
    return shown;
}

void case_visit(struct http_request *request, void (*then)(struct case_shown *shown))
{
    struct visit *visit = visit_begin(request);
    if (!visit->session) {
        visit_redirect(visit, "/track?over=1");
    } else if (visit_may(visit, &visit->portal->viewing)) {
        struct case_shown *shown = shown_new(visit);
        shown->then = then;
        visit_organisation(visit, on_organisation, shown);
    }
}

void portal_case(struct http_request *request)
{
    case_visit(request, ask_rest);
}

/* ---- a step, sent ---- */

char *case_form_purpose(const struct case_shown *shown, const char *step)
{
    return arena_printf(visit_arena(shown->visit), "act:%016llx:%s", (unsigned long long)shown->visit->session->case_id,
                        step);
}

bool case_step_grave(const struct case_shown *shown, const char *step)
{
    const Policy__Step *found = policy_step(shown->kind, step);
    const Policy__Stage *stage = found && *found->to ? policy_stage(shown->kind, found->to) : NULL;
    return stage && stage->phase == POLICY__PHASE__CLOSED && shown->told->phase < POLICY__PHASE__DONE;
}

/* The page comes back as the case is now, with what was typed and why it was not taken. */
static void again(struct case_shown *shown, unsigned status)
{
    shown->status = status;
    load(shown, ask_rest);
}

static void done(struct case_shown *shown)
{
    struct visit *visit = shown->visit;
    Gatewayrec__Session session = *visit->session;
    session.after = visit->request->after;
    session.n_after = visit->request->n_after;
    session.notice = (char *)(uintptr_t)shown->step;
    visit_session_set(visit, &session);
    visit_redirect(visit, "/case");
}

static void on_act(struct http_request *request, void *context, const Hb__Refusal *refused,
                   const Hb__CommandReply *reply)
{
    (void)reply;
    struct case_shown *shown = context;
    if (!refused) {
        done(shown);
        return;
    }
    if (strcmp(refused->code, "stale_version") == 0) {
        form_fail(&shown->form, "", visit_text(shown->visit, TEXT_CASE_STALE));
    } else if (refused->status >= 500) {
        form_fail(&shown->form, "", visit_text(shown->visit, TEXT_TRY_AGAIN));
        shown->token = http_form(request, "token"); /* sent again it is the same command */
    } else {
        form_refuse(&shown->form, refused, shown->kind);
    }
    again(shown, refused->status >= 500 ? 503 : refused->status);
}

static void take_field(struct case_shown *shown, const char *name, bool needed, Casework__Act *act)
{
    const Policy__FieldDef *def = policy_field(shown->kind, name);
    if (!def || !form_asks(def))
        return;
    Hb__Field *field = form_policy_field(&shown->form, def);
    bool choice = def->type == POLICY__FIELD_DEF__TYPE__CHOICE || def->type == POLICY__FIELD_DEF__TYPE__YES_NO;
    if (field)
        act->fields[act->n_fields++] = field;
    else if (needed)
        form_miss(&shown->form, form_policy_name(&shown->form, name), portal_label(shown->visit->language, def->label),
                  choice);
}

static void take_fields(struct case_shown *shown, const Policy__Step *step, Casework__Act *act)
{
    act->fields = arena_alloc(visit_arena(shown->visit), (step->n_needs + step->n_fields + 1) * sizeof *act->fields);
    for (size_t i = 0; i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD)
            take_field(shown, step->needs[i]->name, true, act);
    for (size_t i = 0; i < step->n_fields; i++)
        take_field(shown, step->fields[i], false, act);
}

static void send(struct case_shown *shown, Casework__Act *act)
{
    const char *version = http_form(shown->visit->request, "version");
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    command.id = (char *)(uintptr_t)shown->id;
    command.site = shown->told->site;
    command.case_id = shown->told->case_id;
    command.expected_version = version ? strtoull(version, NULL, 10) : 0;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_ACT;
    casework.act = act;
    cell_command(shown->visit->request, HB__SERVICE__CASEWORK, &command, 0, on_act, shown);
}

static void act_now(struct case_shown *shown)
{
    struct visit *visit = shown->visit;
    Casework__Act act = CASEWORK__ACT__INIT;
    const Policy__Step *step = policy_step(shown->kind, shown->step);
    if (!step || strcmp(shown->kind->public_problem, step->name) == 0) { /* by that others join */
        visit_fail(visit, 404, NULL);
        return;
    }
    act.step = step->name;
    take_fields(shown, step, &act);
    char *confirm = arena_printf(visit_arena(visit), "%s.confirm", step->name);
    if (case_step_grave(shown, step->name) && !*form_value(&shown->form, confirm))
        form_fail(&shown->form, confirm, visit_text(visit, TEXT_CASE_CONFIRM_MISSING));
    if (!*shown->id)
        form_fail(&shown->form, "", visit_text(visit, TEXT_TOKEN_OLD));
    if (shown->form.errors_count)
        again(shown, 422);
    else
        send(shown, &act);
}

void portal_case_sent(struct http_request *request)
{
    if (!http_form_read(request))
        return;
    struct visit *visit = visit_begin(request);
    const char *step = http_form(request, "step"), *number = http_form(request, "number");
    if (!visit->session) {
        visit_redirect(visit, "/track?over=1");
        return;
    }
    if (!step || !number || strcmp(number, visit->session->number) != 0) { /* a page left open, of another case */
        visit_redirect(visit, "/track?other=1");
        return;
    }
    if (!visit_may(visit, &visit->portal->viewing))
        return;
    struct case_shown *shown = shown_new(visit);
    char *id = arena_zero(&request->arena, COMMAND_ID_CHARACTERS + 1);
    shown->form.sent = true;
    shown->form.prefix = shown->form_step = shown->step = step;
    shown->id = id;
    shown->then = act_now;
    if (!form_token_check(&visit->portal->keys, case_form_purpose(shown, step), http_form(request, "token"),
                          request->came_ms, id))
        *id = 0;
    visit_organisation(visit, on_organisation, shown);
}
