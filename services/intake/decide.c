/* Submissions and imports: may this be registered, and as what? */
#include "intake.h"

#include "organisation/organisation.h"
#include "policy/lookup.h"

const Hb__Actor *intake_actor(const Hb__Command *command)
{
    static const Hb__Actor nobody = HB__ACTOR__INIT;
    return command->actor ? command->actor : &nobody;
}

/* ---- what both have ---- */

void intake_register_fill(struct turn *turn, struct intake_new *fresh, const Intake__Submit *submit)
{
    Intake__CaseRegistered *registered = fresh->registered;
    registered->identity_key = submit->identity_key;
    registered->content_key = submit->content_key;
    registered->text = submit->text;
    registered->party = submit->party;
    registered->department = submit->department;
    intake_register_about(turn, fresh, submit->category, submit->channel, submit->place);
    registered->place_key = submit->place_key;
    intake_register_party(turn, fresh);
    intake_register_fields(turn, fresh, submit->fields, submit->n_fields);
    intake_register_defaults(turn, fresh);
}

struct about {
    const Directory__Site *site;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
};

/* The same as at the door, since the organisation may have changed in between. */
static bool look_up(struct turn *turn, const Hb__Command *command, const Intake__Submit *submit, struct about *out)
{
    out->site = intake_site(turn, command->site);
    out->policy = out->site ? organisation_policy(turn, out->site->id, 0) : NULL;
    if (out->site && !out->policy)
        turn_refuse(turn, 409, "no_policy", "该站点尚未发布制度", "no policy is in force at this site");
    out->kind = out->policy ? intake_kind(turn, out->policy, submit->kind, "kind") : NULL;
    return out->kind != NULL;
}

/* Each text may be long, but not all of them at once. */
static void refuse_size(struct turn *turn)
{
    turn_refuse(turn, 413, "too_large", "登记内容合计最多约 96 KiB", "a submission has at most about 96 KiB in all");
}

static void say(struct turn *turn, struct intake_new *fresh, const Intake__Submit *held)
{
    if (!turn_refused(turn) && !(held ? intake_hold(turn, fresh, held) : intake_register_say(turn, fresh)))
        refuse_size(turn);
}

/* ---- submit ---- */

static void check_department(struct turn *turn, const struct about *about, const Intake__Submit *submit)
{
    if (!submit->department[0] || organisation_department(turn, about->site->id, submit->department))
        return;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "该站点没有该部门", "this site has no such department");
    refusal_field(turn, refusal, "department");
}

static void check_text_given(struct turn *turn, const Intake__Submit *submit, const Hb__Actor *actor)
{
    if (!actor->complainant || (submit->text && submit->text->kind_case != HB__PERSONAL__KIND__NOT_SET))
        return;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "missing_field", "请写明情况", "say what happened");
    refusal_field(turn, refusal, "text");
}

static void decide_submit(struct turn *turn, const Hb__Command *command, const Intake__Submit *submit)
{
    struct about about;
    const Hb__Actor *actor = intake_actor(command);
    if (!look_up(turn, command, submit, &about))
        return;
    intake_check_account(turn, actor, about.site, about.kind, submit);
    intake_check_received(turn, actor, about.site, submit);
    check_department(turn, &about, submit);
    check_text_given(turn, submit, actor);
    if (turn_refused(turn))
        return;
    int64_t now = turn_now(turn),
            received_ms = submit->received_ms && submit->received_ms < now ? submit->received_ms : now;
    struct intake_new fresh = intake_register_begin(turn, about.site, about.policy, about.kind, received_ms, false);
    fresh.actor = actor;
    intake_register_filer(turn, &fresh);
    intake_register_fill(turn, &fresh, submit);
    intake_check_policy(turn, &fresh, submit, actor);
    intake_check_needed(turn, &fresh);
    intake_check_rules(turn, &fresh, "register", actor);
    if (submit->settle && !turn_refused(turn))
        intake_settle(turn, &fresh, submit, actor);
    say(turn, &fresh, actor->n_suspect ? submit : NULL);
}

/* ---- import ---- */

static bool check_times(struct turn *turn, const Intake__Import *import, int64_t received_ms)
{
    int64_t latest = turn_now(turn) + INTAKE_CLOCK_LEAD_MS;
    const char *field = received_ms < 0 || received_ms > latest ? "received_ms"
                        : import->history && (import->history->as_of_ms < 0 || import->history->as_of_ms > latest)
                            ? "history.as_of_ms"
                            : NULL;
    if (!field)
        return true;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "时间不得晚于现在，也不得早于 1970 年",
                                       "the time must be between 1970 and now");
    refusal_field(turn, refusal, field);
    return false;
}

/* What came in just now and has no history is an ordinary case, only with an identity of its own. */
static Intake__History *history_of(struct turn *turn, const Intake__Import *import, int64_t received_ms)
{
    if (!import->history && received_ms >= turn_now(turn) - INTAKE_CLOCK_LEAD_MS)
        return NULL;
    Intake__History *history = arena_alloc(turn_arena(turn), sizeof *history);
    intake__history__init(history);
    if (import->history)
        *history = *import->history;
    if (!history->as_of_ms)
        history->as_of_ms = turn_now(turn);
    return history;
}

/* An import tells of a case only who sees it. A row that makes one which is hidden from him, and one that is there
   already and hidden, are checked alike and answered alike, with nothing: so he cannot find out by identities, and what
   he sends again is not imported twice. */
static void decide_import(struct turn *turn, const Hb__Command *command, const Intake__Import *import)
{
    struct about about;
    if (!look_up(turn, command, import->submit, &about))
        return;
    if (!rights_may(turn, intake_actor(command), "import", about.site->id)) {
        turn_refuse(turn, 403, "not_allowed", "无权向该站点导入", "no right to import to this site");
        return;
    }
    uint64_t offset;
    bool there = intake_imported(turn, about.site->id, import->source, import->external_id, &offset);
    if (there && !intake_import_hidden(turn, turn_own_event(turn, offset), command->actor))
        return; /* nothing is said; the reply says that it is there, and what differs */
    int64_t received_ms = import->received_ms ? import->received_ms : turn_now(turn);
    if (!check_times(turn, import, received_ms))
        return;
    Intake__History *history = history_of(turn, import, received_ms);
    struct intake_new fresh =
        intake_register_begin(turn, about.site, about.policy, about.kind, received_ms, history != NULL);
    intake_register_fill(turn, &fresh, import->submit);
    if (history) {
        intake_check_history(turn, &fresh, history);
        fresh.registered->history = history;
        fresh.event->history = received_ms <= history->as_of_ms;
    }
    fresh.registered->source = import->source;
    fresh.registered->external_id = import->external_id;
    intake_register_fact(turn, &fresh, "external_ref", value_text(turn, import->external_id));
    if (!there)
        say(turn, &fresh, NULL);
    else if (!turn_refused(turn) && !intake_register_fits(turn, &fresh))
        refuse_size(turn);
}

void intake_decide(struct turn *turn, const Hb__Command *command)
{
    if (command->payload_case == HB__COMMAND__PAYLOAD_INTAKE) {
        switch (command->intake->kind_case) {
        case INTAKE__COMMAND__KIND_SUBMIT:
            decide_submit(turn, command, command->intake->submit);
            return;
        case INTAKE__COMMAND__KIND_IMPORT:
            decide_import(turn, command, command->intake->import);
            return;
        case INTAKE__COMMAND__KIND_OPEN:
            intake_decide_open(turn, command, command->intake->open);
            return;
        case INTAKE__COMMAND__KIND_SEARCH:
            intake_search_decide(turn, command, command->intake->search);
            return;
        case INTAKE__COMMAND__KIND_EXPORT:
            intake_export_decide(turn, command, command->intake->export);
            return;
        case INTAKE__COMMAND__KIND_REGISTER_HELD:
            intake_decide_register_held(turn, command, command->intake->register_held);
            return;
        case INTAKE__COMMAND__KIND_REFUSE_HELD:
            intake_decide_refuse_held(turn, command, command->intake->refuse_held);
            return;
        case INTAKE__COMMAND__KIND__NOT_SET:
            break;
        }
    }
    turn_refuse(turn, 404, "not_found", "登记服务没有该命令", "the command is not one of intake's");
}
