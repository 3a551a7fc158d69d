/* What a schedule opens: a DutyDue for each entry, case or shift, in steps; the openings themselves are those of
   schedules.c. */
#include "watchdog.h"

#include "message/message.h"

#include <sodium.h>
#include <stdlib.h>

struct opening {
    struct turn *turn;
    const Watchrec__Opening *row;
    const Policy__Policy *policy;
    const Policy__Schedule *schedule;
};

static bool holds(const struct opening *opening, const Policy__Condition *condition, const struct facts *facts)
{
    struct case_view view = {.turn = opening->turn,
                             .site = opening->row->site,
                             .policy = opening->policy,
                             .facts = facts,
                             .now_ms = opening->row->opens_ms};
    return case_holds(&view, condition, NULL) == TRUTH_YES;
}

static bool case_facts_hold(const struct opening *opening, const Policy__Condition *condition, uint64_t case_id)
{
    struct watchdog_case one;
    return watchdog_open(opening->turn, case_id, &one) && one.count &&
           holds(opening, condition, &one.facts[one.count - 1]);
}

/* What `where` asks of an entry: its fields and marks, and who holds the posts that its register must have. Of whoever
   is away without a deputy, or is no longer here, there is none: {lift_safety_manager: missing}. */
static struct facts facts_of_entry(const struct opening *opening, const Directory__Thing *thing)
{
    struct turn *turn = opening->turn;
    struct facts facts = {thing->facts, thing->n_facts}, itself = {0};
    const Policy__ThingDef *def = policy_thing(opening->policy, thing->of);
    facts_set(turn_arena(turn), &itself, "entry", value_text(turn, thing->id));
    for (size_t i = 0; def && i < def->n_must_have; i++) {
        Policy__Who who = POLICY__WHO__INIT, *list[] = {&who};
        who.root = "entry";
        who.of = &def->must_have[i];
        who.n_of = 1;
        const Directory__Person **holders = who_persons(turn, opening->row->site, list, 1, &itself, NULL);
        if (*holders)
            facts_set(turn_arena(turn), &facts, def->must_have[i], value_text(turn, (*holders)->id));
    }
    return facts;
}

/* Done in this period already, by whatever case. */
static bool fulfilled(const struct opening *opening, const char *item)
{
    const Policy__Schedule *schedule = opening->schedule;
    struct turn *turn = opening->turn;
    if (!*schedule->fulfilled_by)
        return false;
    struct key prefix = watchdog_duty_key(opening->row->site, schedule->fulfilled_by, item), from = prefix;
    key_add_u64(&from, (uint64_t)opening->row->from_ms);
    struct state_scan *scan = state_scan_open(turn, WATCHDOG_DONE, key_bytes(&prefix), key_bytes(&from));
    struct bytes key, value;
    uint32_t count = 0;
    while (state_scan_next(scan, &key, &value)) {
        int64_t at = (int64_t)bytes_get_u64(key.data + prefix.size);
        uint64_t case_id = bytes_get_u64(key.data + prefix.size + 8);
        count += at < opening->row->to_ms && case_facts_hold(opening, schedule->fulfilled_if, case_id);
    }
    return count >= (schedule->at_least ? schedule->at_least : 1);
}

static void add_carried(const struct opening *opening, Watchdog__DutyDue *duty)
{
    const Policy__Schedule *schedule = opening->schedule;
    struct turn *turn = opening->turn;
    if (!*schedule->carry)
        return;
    struct key prefix = watchdog_schedule_key(opening->row->site, schedule->carry);
    struct state_scan *scan = state_scan_open(turn, WATCHDOG_WORK, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (duty->n_cases < WATCHDOG_CARRY_MAX && state_scan_next(scan, &key, &value)) {
        const Watchrec__Work *work = state_load(turn, WATCHDOG_WORK, key, &watchrec__work__descriptor);
        uint64_t case_id = bytes_get_u64(key.data + prefix.size);
        if (!work->closed_ms && case_facts_hold(opening, schedule->carry_if, case_id))
            TURN_ADD(turn, duty->cases, duty->n_cases, case_id);
    }
}

static const char *named(const struct opening *opening, const struct facts *facts)
{
    const char *person, *department;
    if (!opening->schedule->to)
        return "";
    department = who_department(opening->turn, opening->row->site, opening->schedule->to, facts, &person);
    return *person ? person : department;
}

/* Whoever has the shift; who is away then, the deputy. */
static char *on_shift(const struct opening *opening, const Directory__Shift *shift)
{
    const Directory__Person *person = organisation_person(opening->turn, shift->person);
    bool away = !person || !organisation_present(opening->turn, person);
    return away && *shift->deputy ? shift->deputy : shift->person;
}

static void say_duty(const struct opening *opening, const Directory__Thing *thing, uint64_t of_case,
                     const Directory__Shift *shift)
{
    struct turn *turn = opening->turn;
    const Policy__Schedule *schedule = opening->schedule;
    const Watchrec__Opening *row = opening->row;
    Watchdog__DutyDue *duty = TURN_NEW(turn, Watchdog__DutyDue, watchdog__duty_due__init);
    struct facts facts = {0};
    duty->schedule = schedule->name;
    duty->period = row->period;
    duty->kind = schedule->open;
    duty->link = *schedule->link ? schedule->link : schedule->name;
    duty->with = schedule->with;
    duty->n_with = schedule->n_with;
    if (thing) {
        duty->item = thing->id;
        duty->item_field = schedule->item_field;
        facts_set(turn_arena(turn), &facts, thing->of, value_text(turn, thing->id));
        facts_set(turn_arena(turn), &facts, schedule->item_field, value_text(turn, thing->id));
    }
    if (of_case)
        TURN_ADD(turn, duty->cases, duty->n_cases, of_case);
    add_carried(opening, duty);
    duty->to = shift ? on_shift(opening, shift) : (char *)(uintptr_t)named(opening, &facts);
    bool from_period = schedule->due && schedule->due->unit == POLICY__TERM__UNIT__PERIOD &&
                       schedule->kind == POLICY__SCHEDULE__KIND__PERIODIC;
    if (shift)
        duty->due_ms = shift->to_ms;
    else if (schedule->due)
        (void)!watchdog_schedule_time(turn, row->site, schedule->due, from_period ? row->from_ms : row->opens_ms, thing,
                                      &duty->due_ms);
    Hb__Event *event = turn_event(turn, row->site, 0);
    event->payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event->watchdog = TURN_NEW(turn, Watchdog__Event, watchdog__event__init);
    event->watchdog->kind_case = WATCHDOG__EVENT__KIND_DUTY_DUE;
    event->watchdog->duty_due = duty;
    event->occurred_ms = row->opens_ms;
    event_clauses(turn, event, schedule->clauses, schedule->n_clauses);
    turn_say(turn, event);
}

/* ---- samples: drawn so that they can be drawn again ---- */

struct drawn {
    uint64_t case_id, lot;
};

static int by_lot(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    return x->lot < y->lot ? -1 : x->lot > y->lot ? 1 : x->case_id < y->case_id ? -1 : x->case_id > y->case_id;
}

static uint64_t lot_of(const struct opening *opening, uint64_t case_id)
{
    struct key key = watchdog_schedule_key(opening->schedule->name, opening->row->period);
    uint8_t hash[16];
    key_add_u64(&key, case_id);
    crypto_generichash(hash, sizeof hash, key.data, key.size, NULL, 0);
    return bytes_get_u64(hash);
}

static void say_sampled(const struct opening *opening)
{
    const Policy__Schedule *schedule = opening->schedule;
    struct turn *turn = opening->turn;
    const struct calendar *calendar = organisation_calendar(turn, opening->row->site, "");
    struct period last = period_of(calendar, schedule->every, opening->row->from_ms - 1);
    struct key prefix = watchdog_schedule_key(opening->row->site, schedule->of_cases);
    struct state_scan *scan = state_scan_open(turn, WATCHDOG_WORK, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    struct drawn *all = NULL;
    size_t count = 0;
    while (state_scan_next(scan, &key, &value)) {
        const Watchrec__Work *work = state_load(turn, WATCHDOG_WORK, key, &watchrec__work__descriptor);
        uint64_t case_id = bytes_get_u64(key.data + prefix.size);
        bool closed = work->closed_ms >= last.from_ms && work->closed_ms < last.to_ms;
        if (!closed || !case_facts_hold(opening, schedule->where, case_id))
            continue;
        all = arena_grow(turn_arena(turn), all, count, sizeof *all);
        all[count++] = (struct drawn){case_id, lot_of(opening, case_id)};
    }
    if (count)
        qsort(all, count, sizeof *all, by_lot);
    size_t take = schedule->sample_permille ? (count * schedule->sample_permille + 999) / 1000 : count;
    for (size_t i = 0; i < take && i < WATCHDOG_SAMPLE_MAX; i++)
        say_duty(opening, NULL, all[i].case_id, NULL);
}

/* Those that begin now, as the plan stands: several may. */
static void say_shifts_of(const struct opening *opening, const Directory__Thing *thing)
{
    const Directory__RosterPlan *plan =
        organisation_roster(opening->turn, opening->row->site, opening->schedule->roster, thing ? thing->id : "");
    for (size_t i = 0; plan && i < plan->n_shifts; i++)
        if (plan->shifts[i]->from_ms == opening->row->from_ms)
            say_duty(opening, thing, 0, plan->shifts[i]);
}

static void say_shifts(const struct opening *opening)
{
    const char *of = watchdog_roster_of(opening->policy, opening->schedule);
    if (!*of) {
        say_shifts_of(opening, NULL);
        return;
    }
    for (const Directory__Thing **thing = organisation_things(opening->turn, opening->row->site, of); *thing; thing++)
        say_shifts_of(opening, *thing);
}

struct bytes watchdog_duties_step(struct turn *turn, struct bytes payload, struct bytes next, unsigned keys_max)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&watchrec__opening__descriptor, payload, turn_arena(turn), &message, &why) == ERR_NONE);
    struct opening opening = {.turn = turn, .row = (const Watchrec__Opening *)message};
    opening.policy = organisation_policy(turn, opening.row->site, 0);
    const Policy__Schedule *schedule = opening.schedule = watchdog_schedule_find(opening.policy, opening.row->schedule);
    if (!schedule)
        return (struct bytes){0};
    if (*opening.row->item) {
        const Directory__Thing *thing = organisation_thing(turn, opening.row->site, opening.row->item);
        if (thing && schedule->kind == POLICY__SCHEDULE__KIND__SHIFT)
            say_shifts_of(&opening, thing);
        else if (thing)
            say_duty(&opening, thing, 0, NULL);
        return (struct bytes){0};
    }
    if (schedule->kind == POLICY__SCHEDULE__KIND__SHIFT)
        say_shifts(&opening);
    else if (*schedule->of_cases)
        say_sampled(&opening);
    else if (!*schedule->thing)
        say_duty(&opening, NULL, 0, NULL);
    if (!*schedule->thing)
        return (struct bytes){0};
    const char *after = next.size ? (const char *)next.data : "";
    unsigned looked = 0;
    for (const Directory__Thing **thing = organisation_things(turn, opening.row->site, schedule->thing); *thing;
         thing++) {
        struct facts facts = facts_of_entry(&opening, *thing);
        if (strcmp((*thing)->id, after) <= 0 && *after)
            continue;
        if (looked++ == keys_max)
            return bytes_of(after, strlen(after) + 1);
        if (holds(&opening, schedule->where, &facts) && !fulfilled(&opening, (*thing)->id))
            say_duty(&opening, *thing, 0, NULL);
        after = (*thing)->id;
    }
    return (struct bytes){0};
}
