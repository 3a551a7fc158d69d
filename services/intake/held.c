/* Quarantine: a submission of the public in which the gateway saw signs of a program is neither lost nor registered. It
   is held, with nothing that only a case has, until somebody who may register at the site lets it in or refuses it.

   Let in, it is registered as it would have been: under its id, its keys and its tracking code, by the policy by which
   it was typed, with the receipt from which the clauses count. So its sender follows the case by what he was told. */
#include "intake.h"

#include "organisation/conditions.h"
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"

/* ---- rows ----

     held       id                                     intakerec.Held
     held_list  site, 0 (waits), id                    origin
                site, 1 (refused), ~id                 ""              complemented: the newest first */

static struct key list_prefix(const char *site, bool refused)
{
    struct key key = key_text(site);
    key_add_u32(&key, refused);
    return key;
}

static struct key list_key(const char *site, bool refused, uint64_t held)
{
    struct key key = list_prefix(site, refused);
    key_add_u64(&key, refused ? ~held : held);
    return key;
}

Intakerec__Held *intake_held_load(struct turn *turn, uint64_t held)
{
    struct key key = key_u64(held);
    return state_load(turn, INTAKE_HELD, key_bytes(&key), &intakerec__held__descriptor);
}

static void held_save(struct turn *turn, uint64_t held, const Intakerec__Held *record)
{
    struct key key = key_u64(held), list = list_key(record->site, record->refused_ms != 0, held);
    state_save(turn, INTAKE_HELD, key_bytes(&key), &record->base);
    state_put(turn, INTAKE_HELD_LIST, key_bytes(&list), bytes_of_text(record->refused_ms ? "" : record->actor->origin));
}

/* Those of a site that wait, and how many of them are of one origin. */
static unsigned count_waiting(struct turn *turn, const char *site, const char *origin, unsigned *of_origin_out)
{
    struct key prefix = list_prefix(site, false);
    struct state_scan *scan = state_scan_open(turn, INTAKE_HELD_LIST, key_bytes(&prefix), bytes_of(NULL, 0));
    struct bytes key, value;
    unsigned count = 0, same = 0;
    for (; state_scan_next(scan, &key, &value); count++)
        same += bytes_equal(value, bytes_of_text(origin));
    *of_origin_out = same;
    return count;
}

/* ---- what it would be as a case ---- */

/* What was noticed of how it came is no fact of the case. */
static Hb__Actor *sender_of(struct turn *turn, const Intakerec__Held *record)
{
    Hb__Actor *sender = TURN_NEW(turn, Hb__Actor, hb__actor__init);
    *sender = *record->actor;
    sender->n_suspect = 0;
    sender->origin = "";
    return sender;
}

static bool as_new(struct turn *turn, uint64_t held, const Intakerec__Held *record, struct intake_new *fresh_out)
{
    const Directory__Site *site = organisation_site(turn, record->site);
    const Policy__Policy *policy = organisation_policy(turn, record->site, record->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->submit->kind) : NULL;
    if (!site || !kind)
        return false;
    *fresh_out = intake_register_begin(turn, site, policy, kind, record->received_ms, false);
    fresh_out->event->case_id = held;
    fresh_out->actor = fresh_out->event->actor = sender_of(turn, record);
    fresh_out->registered->held = record->number;
    intake_register_fill(turn, fresh_out, record->submit);
    return true;
}

static bool is_hidden(struct turn *turn, uint64_t held, const Intakerec__Held *record, const Hb__Actor *actor)
{
    struct intake_new fresh;
    if (!as_new(turn, held, record, &fresh))
        return true;
    struct case_view view = {
        .turn = turn, .site = record->site, .policy = fresh.policy, .facts = fresh.facts, .now_ms = turn_now(turn)};
    return case_hidden(&view, fresh.kind->name, record->policy_version, actor);
}

bool intake_held_may_open(struct turn *turn, const Hb__Command *command, uint64_t held, const Intakerec__Held *record,
                          uint64_t key_id)
{
    const Hb__Actor *actor = intake_actor(command);
    return key_id == record->submit->content_key && /* who sent it concerns nobody before it is a case */
           rights_may(turn, actor, "open", record->site) && !is_hidden(turn, held, record, actor);
}

/* ---- events ---- */

static Hb__Event *event_new(struct turn *turn, const char *site, uint64_t case_id, Intake__Event__KindCase kind)
{
    Hb__Event *event = turn_event(turn, site, case_id);
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = TURN_NEW(turn, Intake__Event, intake__event__init);
    event->intake->kind_case = kind;
    return event;
}

static void evolve_submission(struct turn *turn, const Hb__Event *event, const Intake__SubmissionHeld *said)
{
    static Hb__Actor nobody = HB__ACTOR__INIT;
    Intakerec__Held record = INTAKEREC__HELD__INIT;
    record.site = event->site;
    record.number = said->number;
    record.submit = said->submit;
    record.policy_version = event->policy_version;
    record.received_ms = event->recorded_ms;
    record.actor = event->actor ? event->actor : &nobody;
    held_save(turn, said->held, &record);
    intake_last_id_save(turn, case_id_bucket(said->held), said->held);
    intake_counter_save(turn, event->site, said->counter, said->count, event->epoch);
    intake_number_save(turn, event->site, said->number, said->held);
    intake_key_save(turn, said->submit->identity_key, said->held);
    intake_key_save(turn, said->submit->content_key, said->held);
}

static void evolve_refused(struct turn *turn, const Hb__Event *event, const Intake__HeldRefused *said)
{
    Intakerec__Held *record = intake_held_load(turn, said->held);
    if (!record)
        return;
    struct key list = list_key(record->site, false, said->held);
    state_delete(turn, INTAKE_HELD_LIST, key_bytes(&list));
    record->reason = said->reason;
    record->refused_ms = event->recorded_ms;
    record->refused_by = !event->actor ? "" : *event->actor->person ? event->actor->person : event->actor->account;
    held_save(turn, said->held, record);
}

void intake_held_over(struct turn *turn, uint64_t held)
{
    const Intakerec__Held *record = intake_held_load(turn, held);
    if (!record)
        return;
    struct key key = key_u64(held), list = list_key(record->site, record->refused_ms != 0, held);
    state_delete(turn, INTAKE_HELD_LIST, key_bytes(&list));
    state_delete(turn, INTAKE_HELD, key_bytes(&key));
}

void intake_held_evolve(struct turn *turn, const Hb__Event *event)
{
    if (event->intake->kind_case == INTAKE__EVENT__KIND_HELD)
        evolve_submission(turn, event, event->intake->held);
    else
        evolve_refused(turn, event, event->intake->held_refused);
}

/* ---- holding ---- */

/* So that nobody can fill the disk, nor one sender the list: whatever is beyond is not taken, and its sender knows. */
static bool has_room(struct turn *turn, const char *site, const Hb__Actor *actor)
{
    unsigned of_origin, waiting = count_waiting(turn, site, actor->origin, &of_origin);
    Hb__Refusal *refusal = NULL;
    if (waiting >= INTAKE_HELD_MAX)
        refusal = turn_refuse(turn, 503, "held_full", "待人工核对的提交已满，请稍后再试，或打电话、到现场反映",
                              "too many submissions wait to be looked at: try again later, or call or come by");
    else if (*actor->origin && of_origin >= INTAKE_HELD_ORIGIN_MAX)
        refusal = turn_refuse(turn, 429, "held_many", "您所在网络已有多件提交待人工核对，请等待核对后再提交",
                              "several submissions from your network wait to be looked at: wait until they were");
    if (refusal)
        refusal->retry_after_s = INTAKE_HELD_RETRY_S;
    return !refusal;
}

bool intake_hold(struct turn *turn, const struct intake_new *fresh, const Intake__Submit *submit)
{
    const char *site = fresh->site->id;
    if (!has_room(turn, site, fresh->actor))
        return true;
    Hb__Event *event = event_new(turn, site, 0, INTAKE__EVENT__KIND_HELD);
    Intake__SubmissionHeld *held = event->intake->held =
        TURN_NEW(turn, Intake__SubmissionHeld, intake__submission_held__init);
    held->held = fresh->event->case_id;
    held->submit = (Intake__Submit *)(uintptr_t)submit;
    held->kind = submit->kind;
    held->counter = intake_register_counter(turn, fresh, INTAKE_HELD_NUMBER);
    held->count = intake_counter(turn, site, held->counter, NULL) + 1;
    held->number = intake_number_make(turn, held->counter, held->count);
    event->policy_version = fresh->policy->version;
    if (hb__event__get_packed_size(event) > INTAKE_EVENT_BYTES_MAX)
        return false;
    turn_say(turn, event);
    return true;
}

/* ---- letting in, refusing ---- */

/* NULL: refused, and to whoever may not know of it as if it were not there. */
static Intakerec__Held *held_of(struct turn *turn, const Hb__Command *command, uint64_t held)
{
    const Hb__Actor *actor = intake_actor(command);
    Intakerec__Held *record = intake_held_load(turn, held);
    const Intakerec__Case *over = record ? NULL : intake_case_load(turn, held);
    const char *site = record ? record->site : over ? over->site : NULL;
    bool may = site && rights_may(turn, actor, "submit", site);
    if (may && record && !is_hidden(turn, held, record, actor))
        return record;
    if (may && over)
        turn_refuse(turn, 409, "held_over", "该件已经登记", "it is registered already");
    else
        turn_refuse(turn, 404, "not_found", "没有这件待核的提交", "there is no such submission that is held");
    return NULL;
}

void intake_decide_register_held(struct turn *turn, const Hb__Command *command, const Intake__RegisterHeld *wanted)
{
    struct intake_new fresh;
    const Intakerec__Held *record = held_of(turn, command, wanted->held);
    if (!record)
        return;
    bug_unless(as_new(turn, wanted->held, record, &fresh)); /* else it were hidden */
    if (!intake_register_say(turn, &fresh)) {
        turn_refuse(turn, 413, "too_large", "登记内容过长", "it is too large to be registered");
        return;
    }
    Hb__Event *event = event_new(turn, record->site, wanted->held, INTAKE__EVENT__KIND_HELD_REGISTERED);
    event->intake->held_registered = TURN_NEW(turn, Intake__HeldRegistered, intake__held_registered__init);
    event->intake->held_registered->number = record->number;
    event->intake->held_registered->kind = record->submit->kind;
    turn_say(turn, event);
}

void intake_prepare_refuse_held(struct turn *turn, const Hb__Command *command, const Intake__RefuseHeld *wanted)
{
    const Intakerec__Held *record = held_of(turn, command, wanted->held);
    const Hb__Personal *reason = wanted->reason;
    if (record && (!reason || reason->kind_case == HB__PERSONAL__KIND__NOT_SET))
        refusal_field(turn,
                      turn_refuse(turn, 422, "missing_field", "请写明理由，提交人查询时会看到",
                                  "say why: its sender will read it"),
                      "reason");
}

void intake_decide_refuse_held(struct turn *turn, const Hb__Command *command, const Intake__RefuseHeld *wanted)
{
    const Intakerec__Held *record = held_of(turn, command, wanted->held);
    if (!record)
        return;
    if (record->refused_ms) {
        turn_refuse(turn, 409, "held_over", "该件已经退回", "it was refused already");
        return;
    }
    Hb__Event *event = event_new(turn, record->site, 0, INTAKE__EVENT__KIND_HELD_REFUSED);
    event->intake->held_refused = TURN_NEW(turn, Intake__HeldRefused, intake__held_refused__init);
    event->intake->held_refused->held = wanted->held;
    event->intake->held_refused->number = record->number;
    event->intake->held_refused->reason = wanted->reason;
    event->intake->held_refused->kind = record->submit->kind;
    turn_say(turn, event);
}

/* ---- the list ---- */

/* The origins of those that wait and are seen. */
struct origins {
    char **list;
    size_t count;
};

static uint32_t how_many_of(const struct origins *origins, const char *origin)
{
    uint32_t same = 0;
    for (size_t i = 0; *origin && i < origins->count; i++)
        same += strcmp(origins->list[i], origin) == 0;
    return same;
}

static Intake__Held *row_of(struct turn *turn, uint64_t held, const Intakerec__Held *record,
                            const struct origins *waiting)
{
    Intake__Held *row = TURN_NEW(turn, Intake__Held, intake__held__init);
    row->id = held;
    row->number = record->number;
    row->kind = record->submit->kind;
    row->category = record->submit->category;
    row->text = record->submit->text;
    row->received_ms = record->received_ms;
    row->suspect = record->actor->suspect;
    row->n_suspect = record->actor->n_suspect;
    row->origin = record->actor->origin;
    row->same_origin = how_many_of(waiting, row->origin);
    row->reason = record->reason;
    row->refused_by = record->refused_by;
    row->refused_ms = record->refused_ms;
    return row;
}

/* Hidden ones are not counted either. Whether one is hidden only the case that it would be tells, so each is made one,
   at every look at the badge: at most INTAKE_HELD_MAX, of which nothing is opened. */
static void count_seen(struct turn *turn, const char *site, const Hb__Actor *actor, Intake__HeldList *list,
                       struct origins *origins_out)
{
    struct key prefix = list_prefix(site, false);
    struct state_scan *scan = state_scan_open(turn, INTAKE_HELD_LIST, key_bytes(&prefix), bytes_of(NULL, 0));
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        uint64_t held = bytes_get_u64(key.data + prefix.size);
        const Intakerec__Held *record = intake_held_load(turn, held);
        if (!record || is_hidden(turn, held, record, actor))
            continue;
        list->waiting++;
        origins_out->list =
            arena_grow(turn_arena(turn), origins_out->list, origins_out->count, sizeof *origins_out->list);
        origins_out->list[origins_out->count++] = record->actor->origin;
        if (!list->oldest_ms)
            list->oldest_ms = record->received_ms;
    }
}

Intake__HeldList *intake_held_list(struct turn *turn, const char *site, const Hb__Actor *actor,
                                   const Intake__GetHeld *get)
{
    Intake__HeldList *list = TURN_NEW(turn, Intake__HeldList, intake__held_list__init);
    struct origins waiting = {NULL, 0};
    count_seen(turn, site, actor, list, &waiting);
    if (get->count_only)
        return list;
    uint32_t limit = get->limit && get->limit < INTAKE_HELD_PAGE_MAX ? get->limit : INTAKE_HELD_PAGE_MAX;
    struct key prefix = list_prefix(site, get->refused), from = list_key(site, get->refused, get->after);
    struct state_scan *scan =
        state_scan_open(turn, INTAKE_HELD_LIST, key_bytes(&prefix), get->after ? key_bytes(&from) : bytes_of(NULL, 0));
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        uint64_t at = bytes_get_u64(key.data + prefix.size), held = get->refused ? ~at : at;
        const Intakerec__Held *record = held == get->after ? NULL : intake_held_load(turn, held);
        if (!record || is_hidden(turn, held, record, actor))
            continue;
        if (list->n_rows == limit) {
            list->next = list->rows[limit - 1]->id;
            break;
        }
        TURN_ADD(turn, list->rows, list->n_rows, row_of(turn, held, record, &waiting));
    }
    return list;
}
