/* Schedules of the policy: duties that come again. A timer stands at the next opening of each; when it comes, every
   producer's time lies beyond it, so what an analysis counts is complete. ScheduleOpened is said, and a job says a
   DutyDue for each entry, of which intake registers the case. After an outage each opening that was missed comes, in
   order: what was not done is late, not forgotten. */
#include "watchdog.h"

#include "message/message.h"

#include <sodium.h>
#include <stdlib.h>

/* Keys. table done: site NUL kind NUL entry NUL closed ms BE64 case id BE64 -> "": closed cases that name an entry. */

static struct key schedule_key(const char *site, const char *schedule)
{
    struct key key = key_text(site);
    key_add_text(&key, schedule);
    return key;
}

static struct key duty_key(const char *site, const char *schedule, const char *item)
{
    struct key key = schedule_key(site, schedule);
    key_add_text(&key, item);
    return key;
}

/* Timers of cases begin with the case's id; there is no case 0. */
static struct key timer_key(struct key of)
{
    struct key key = key_u64(0);
    key_add(&key, of.data, of.size);
    return key;
}

static const Policy__Schedule *schedule_find(const Policy__Policy *policy, const char *name)
{
    for (size_t i = 0; policy && i < policy->n_schedules; i++)
        if (strcmp(policy->schedules[i]->name, name) == 0)
            return policy->schedules[i];
    return NULL;
}

/* Sites of other partitions have their schedules there. */
static bool is_ours(struct turn *turn, const char *site)
{
    const Directory__Site *found = organisation_site(turn, site);
    return found && turn_has_bucket(turn, found->bucket);
}

/* ---- times ---- */

static bool resolve_entry(void *context, const char *name, int64_t *ms_out)
{
    const Directory__Thing *thing = context;
    const char *dot = strchr(name, '.');
    return thing && facts_time(&(struct facts){thing->facts, thing->n_facts}, dot ? dot + 1 : name, ms_out);
}

static bool compute(struct turn *turn, const char *site, const Policy__Term *term, int64_t start_ms,
                    const Directory__Thing *thing, int64_t *ms_out)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    struct due_rules rules = {.calendar = organisation_calendar(turn, site, ""),
                              .close_of_business_min = policy && policy->defaults
                                                           ? policy->defaults->close_of_business_min
                                                           : CLOSE_OF_BUSINESS_DEFAULT,
                              .resolve = resolve_entry,
                              .context = (void *)(uintptr_t)thing};
    struct due due;
    if (!due_compute(&rules, term, start_ms, turn_arena(turn), &due))
        return false;
    *ms_out = due.at_ms;
    return true;
}

static struct period period_at(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t at_ms)
{
    const struct calendar *calendar = organisation_calendar(turn, site, "");
    struct period period = period_of(calendar, schedule->every, at_ms);
    for (int i = 0; i < 400 && schedule->working_days && !calendar_works(calendar, period.first); i++)
        period = period_of(calendar, schedule->every, period.to_ms);
    return period;
}

static int64_t opening(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t from_ms)
{
    int64_t opens = from_ms;
    if (schedule->opens)
        (void)!compute(turn, site, schedule->opens, from_ms, NULL, &opens);
    return opens;
}

/* "2025", "2025-Q2", "2025-06", "2025-06-16" */
static char *period_name(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t from_ms)
{
    int year, month, day;
    date_split(date_of(organisation_calendar(turn, site, ""), from_ms), &year, &month, &day);
    struct arena *arena = turn_arena(turn);
    switch (schedule->every) {
    case POLICY__TERM__PERIOD__YEAR:
        return arena_printf(arena, "%04d", year);
    case POLICY__TERM__PERIOD__QUARTER:
        return arena_printf(arena, "%04d-Q%d", year, (month - 1) / 3 + 1);
    case POLICY__TERM__PERIOD__MONTH:
        return arena_printf(arena, "%04d-%02d", year, month);
    case POLICY__TERM__PERIOD__DAY:
    case POLICY__TERM__PERIOD__WEEK:
    case POLICY__TERM__PERIOD__HALF_MONTH:
        break;
    }
    return arena_printf(arena, "%04d-%02d-%02d", year, month, day);
}

/* ---- timers (evolve only) ---- */

static void set_next(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t from_ms)
{
    struct key key = schedule_key(site, schedule->name), timer = timer_key(key);
    const Watchrec__Schedule *before =
        state_load(turn, WATCHDOG_SCHEDULE, key_bytes(&key), &watchrec__schedule__descriptor);
    Watchrec__Schedule row = WATCHREC__SCHEDULE__INIT;
    row.from_ms = from_ms;
    row.opens_ms = opening(turn, site, schedule, from_ms);
    if (before)
        turn_timer_clear(turn, before->opens_ms, key_bytes(&timer));
    turn_timer_set(turn, row.opens_ms, key_bytes(&timer));
    state_save(turn, WATCHDOG_SCHEDULE, key_bytes(&key), (const ProtobufCMessage *)&row);
}

/* The first opening at or after now. */
static void set_first(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t now_ms)
{
    struct period period = period_at(turn, site, schedule, now_ms);
    for (int i = 0; i < 3 && opening(turn, site, schedule, period.from_ms) < now_ms; i++)
        period = period_at(turn, site, schedule, period.to_ms);
    set_next(turn, site, schedule, period.from_ms);
}

static const Policy__Term *span_of(struct turn *turn, const Policy__Schedule *schedule, const Directory__Thing *thing)
{
    const Hb__Value *value =
        *schedule->span_field ? facts_get(&(struct facts){thing->facts, thing->n_facts}, schedule->span_field) : NULL;
    if (!value || value->kind_case != HB__VALUE__KIND_DURATION_MS)
        return schedule->span;
    Policy__Term *term = TURN_NEW(turn, Policy__Term, policy__term__init);
    bool days = value->duration_ms % DAY_MS == 0;
    term->unit = days ? POLICY__TERM__UNIT__NATURAL_DAYS : POLICY__TERM__UNIT__MINUTES;
    term->amount = (uint32_t)(value->duration_ms / (days ? DAY_MS : MINUTE_MS));
    return term;
}

/* Days are counted from the day itself, and end at its beginning: a duty opens in the morning of its day. */
static bool entry_opens(struct turn *turn, const char *site, const Policy__Schedule *schedule,
                        const Directory__Thing *thing, int64_t base_ms, int64_t *ms_out)
{
    const Policy__Term *span = span_of(turn, schedule, thing);
    if (!span)
        return false;
    Policy__Term plain = *span;
    bool hours = plain.unit == POLICY__TERM__UNIT__MINUTES || plain.unit == POLICY__TERM__UNIT__HOURS;
    if (!hours && !plain.minute_given) {
        plain.minute_given = true;
        plain.minute_of_day = schedule->opens && schedule->opens->minute_given ? schedule->opens->minute_of_day : 0;
    }
    Policy__TimeOptions options = POLICY__TIME_OPTIONS__INIT;
    options.roll = POLICY__TIME_OPTIONS__ROLL__NO_ROLL;
    struct due_rules rules = {.calendar = organisation_calendar(turn, site, ""), .options = &options};
    struct due due;
    plain.field = (char *)protobuf_c_empty_string;
    if (!due_compute(&rules, &plain, base_ms, turn_arena(turn), &due))
        return false;
    *ms_out = due.at_ms;
    return true;
}

/* What an entry's next opening is counted from: the date in its field; or when it was last done, at first by its own
   field `last_done`, else when it was first heard of. */
static int64_t base_of(struct turn *turn, const Policy__Schedule *schedule, const Directory__Thing *thing,
                       const Watchrec__Duty *duty, int64_t now_ms)
{
    struct facts facts = {thing->facts, thing->n_facts};
    int64_t ms;
    (void)turn;
    if (schedule->kind == POLICY__SCHEDULE__KIND__BEFORE_DATE)
        return facts_time(&facts, schedule->field, &ms) ? ms : 0;
    if (duty && duty->base_ms)
        return duty->base_ms;
    return facts_time(&facts, "last_done", &ms) ? ms : now_ms;
}

static void set_entry(struct turn *turn, const char *site, const Policy__Schedule *schedule,
                      const Directory__Thing *thing, int64_t base_ms, int64_t opened_ms)
{
    struct key key = duty_key(site, schedule->name, thing->id), timer = timer_key(key);
    const Watchrec__Duty *before = state_load(turn, WATCHDOG_DUTY, key_bytes(&key), &watchrec__duty__descriptor);
    Watchrec__Duty row = WATCHREC__DUTY__INIT;
    if (before && before->opens_ms)
        turn_timer_clear(turn, before->opens_ms, key_bytes(&timer));
    row.base_ms = base_ms;
    row.opened_ms = opened_ms;
    bool open = base_ms && base_ms != opened_ms && entry_opens(turn, site, schedule, thing, base_ms, &row.opens_ms);
    if (open)
        turn_timer_set(turn, row.opens_ms, key_bytes(&timer));
    else
        row.opens_ms = 0;
    state_save(turn, WATCHDOG_DUTY, key_bytes(&key), (const ProtobufCMessage *)&row);
}

static void look_at_entry(struct turn *turn, const char *site, const Policy__Schedule *schedule,
                          const Directory__Thing *thing, int64_t now_ms)
{
    struct key key = duty_key(site, schedule->name, thing->id);
    const Watchrec__Duty *duty = state_load(turn, WATCHDOG_DUTY, key_bytes(&key), &watchrec__duty__descriptor);
    set_entry(turn, site, schedule, thing, base_of(turn, schedule, thing, duty, now_ms), duty ? duty->opened_ms : 0);
}

static void look_at_schedules(struct turn *turn, const char *site, int64_t now_ms)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    if (!policy || !is_ours(turn, site))
        return;
    for (size_t i = 0; i < policy->n_schedules; i++) {
        const Policy__Schedule *schedule = policy->schedules[i];
        struct key key = schedule_key(site, schedule->name);
        const Watchrec__Schedule *row =
            state_load(turn, WATCHDOG_SCHEDULE, key_bytes(&key), &watchrec__schedule__descriptor);
        if (schedule->kind != POLICY__SCHEDULE__KIND__PERIODIC)
            for (const Directory__Thing **thing = organisation_things(turn, site, schedule->thing); *thing; thing++)
                look_at_entry(turn, site, schedule, *thing, now_ms);
        else if (row)
            set_next(turn, site, schedule, row->from_ms);
        else
            set_first(turn, site, schedule, now_ms);
    }
}

void watchdog_schedules_directory(struct turn *turn, const Hb__Event *event)
{
    const Directory__Event *said = event->directory;
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        look_at_schedules(turn, said->policy_published->site, event->recorded_ms);
    if (said->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED)
        for (const Directory__Site **site = organisation_sites(turn); *site; site++)
            look_at_schedules(turn, (*site)->id, event->recorded_ms);
    if (said->kind_case != DIRECTORY__EVENT__KIND_THING_DEFINED || !is_ours(turn, said->thing_defined->site))
        return;
    const Directory__Thing *thing = said->thing_defined;
    const Policy__Policy *policy = organisation_policy(turn, thing->site, 0);
    for (size_t i = 0; policy && i < policy->n_schedules; i++)
        if (policy->schedules[i]->kind != POLICY__SCHEDULE__KIND__PERIODIC &&
            strcmp(policy->schedules[i]->thing, thing->of) == 0)
            look_at_entry(turn, thing->site, policy->schedules[i], thing, event->recorded_ms);
}

/* ---- cases that schedules look at (evolve only) ---- */

static struct key work_key(const char *site, const char *kind, uint64_t case_id)
{
    struct key key = schedule_key(site, kind);
    key_add_u64(&key, case_id);
    return key;
}

static bool looked_at(const Policy__Policy *policy, const char *kind)
{
    for (size_t i = 0; policy && i < policy->n_schedules; i++)
        if (strcmp(policy->schedules[i]->carry, kind) == 0 || strcmp(policy->schedules[i]->of_cases, kind) == 0)
            return true;
    return false;
}

static void note_done(struct turn *turn, const Watchrec__Case *record, const struct facts *facts,
                      const Policy__Schedule *schedule, uint64_t case_id, int64_t at_ms)
{
    const char *item = facts_text(facts, schedule->item_field);
    if (!*item)
        return;
    if (strcmp(schedule->fulfilled_by, record->kind) == 0) {
        struct key key = duty_key(record->site, record->kind, item);
        key_add_u64(&key, (uint64_t)at_ms);
        key_add_u64(&key, case_id);
        state_put(turn, WATCHDOG_DONE, key_bytes(&key), (struct bytes){0});
    }
    bool own = strcmp(facts_text(facts, "schedule"), schedule->name) == 0;
    const Directory__Thing *thing = own ? organisation_thing(turn, record->site, item) : NULL;
    if (thing && schedule->kind == POLICY__SCHEDULE__KIND__SINCE_LAST)
        set_entry(turn, record->site, schedule, thing, at_ms, 0);
}

void watchdog_schedules_case(struct turn *turn, uint64_t case_id, Watchrec__Case *record, uint32_t before,
                             uint32_t phase, int64_t at_ms)
{
    const Policy__Policy *policy = organisation_policy(turn, record->site, 0);
    bool closed = phase == POLICY__PHASE__CLOSED || phase == POLICY__PHASE__ARCHIVED;
    bool was = before == POLICY__PHASE__CLOSED || before == POLICY__PHASE__ARCHIVED;
    if (!policy || policy->n_schedules == 0 || (before && closed == was))
        return;
    if (looked_at(policy, record->kind)) {
        struct key key = work_key(record->site, record->kind, case_id);
        Watchrec__Work row = WATCHREC__WORK__INIT;
        row.closed_ms = closed ? at_ms : 0;
        state_save(turn, WATCHDOG_WORK, key_bytes(&key), (const ProtobufCMessage *)&row);
    }
    if (!closed)
        return;
    struct facts facts = {0};
    for (size_t i = 0; i < record->n_happenings; i++)
        facts_fold(turn_arena(turn), &facts, record->happenings[i]->facts, record->happenings[i]->n_facts);
    for (size_t i = 0; i < policy->n_schedules; i++)
        if (*policy->schedules[i]->thing)
            note_done(turn, record, &facts, policy->schedules[i], case_id, at_ms);
}

void watchdog_schedule_opened(struct turn *turn, const Hb__Event *event)
{
    const Watchdog__ScheduleOpened *opened = event->watchdog->schedule_opened;
    const Policy__Schedule *schedule = schedule_find(organisation_policy(turn, event->site, 0), opened->schedule);
    Watchrec__Opening row = WATCHREC__OPENING__INIT;
    if (!schedule)
        return;
    row.site = event->site;
    row.schedule = opened->schedule;
    row.period = opened->period;
    row.from_ms = opened->from_ms;
    row.to_ms = opened->to_ms;
    row.opens_ms = opened->opens_ms;
    row.item = opened->item;
    if (schedule->kind == POLICY__SCHEDULE__KIND__PERIODIC) {
        set_next(turn, event->site, schedule, period_at(turn, event->site, schedule, opened->to_ms).from_ms);
    } else {
        const Directory__Thing *thing = organisation_thing(turn, event->site, opened->item);
        if (thing)
            set_entry(turn, event->site, schedule, thing, opened->from_ms, opened->from_ms);
    }
    turn_job_add(turn, "duties", opened->schedule, message_pack(&row.base, turn_arena(turn)));
}

/* ---- the timer ---- */

static void say_opened(struct turn *turn, const char *site, const Policy__Schedule *schedule,
                       Watchdog__ScheduleOpened *opened)
{
    Hb__Event *event = turn_event(turn, site, 0);
    event->payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event->watchdog = TURN_NEW(turn, Watchdog__Event, watchdog__event__init);
    event->watchdog->kind_case = WATCHDOG__EVENT__KIND_SCHEDULE_OPENED;
    event->watchdog->schedule_opened = opened;
    event->occurred_ms = opened->opens_ms;
    opened->schedule = schedule->name;
    event_clauses(turn, event, schedule->clauses, schedule->n_clauses);
    turn_say(turn, event);
}

void watchdog_schedule_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    const char *site = (const char *)key.data + 8, *name = site + strlen(site) + 1, *item = name + strlen(name) + 1;
    const Policy__Schedule *schedule = schedule_find(organisation_policy(turn, site, 0), name);
    Watchdog__ScheduleOpened *opened = TURN_NEW(turn, Watchdog__ScheduleOpened, watchdog__schedule_opened__init);
    opened->opens_ms = due_ms;
    if (!schedule)
        return; /* the policy no longer has it */
    bool periodic = schedule->kind == POLICY__SCHEDULE__KIND__PERIODIC;
    struct key row_key = periodic ? schedule_key(site, name) : duty_key(site, name, item);
    if (periodic) {
        const Watchrec__Schedule *row =
            state_load(turn, WATCHDOG_SCHEDULE, key_bytes(&row_key), &watchrec__schedule__descriptor);
        if (!row || row->opens_ms != due_ms)
            return;
        struct period period = period_of(organisation_calendar(turn, site, ""), schedule->every, row->from_ms);
        opened->from_ms = row->from_ms;
        opened->to_ms = period.to_ms;
        opened->period = period_name(turn, site, schedule, row->from_ms);
    } else {
        const Watchrec__Duty *row = state_load(turn, WATCHDOG_DUTY, key_bytes(&row_key), &watchrec__duty__descriptor);
        if (!row || row->opens_ms != due_ms)
            return;
        opened->item = arena_strdup(turn_arena(turn), item);
        opened->from_ms = opened->to_ms = row->base_ms;
        opened->period = arena_printf(turn_arena(turn), "%s %s", item, period_name(turn, site, schedule, due_ms));
    }
    say_opened(turn, site, schedule, opened);
}

/* ---- the job: a DutyDue for each entry ---- */

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
    struct key prefix = duty_key(opening->row->site, schedule->fulfilled_by, item), from = prefix;
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
    struct key prefix = schedule_key(opening->row->site, schedule->carry);
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

static void say_duty(const struct opening *opening, const Directory__Thing *thing, uint64_t of_case)
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
        facts_set(turn_arena(turn), &facts, schedule->thing, value_text(turn, thing->id));
        facts_set(turn_arena(turn), &facts, schedule->item_field, value_text(turn, thing->id));
    }
    if (of_case)
        TURN_ADD(turn, duty->cases, duty->n_cases, of_case);
    add_carried(opening, duty);
    duty->to = (char *)(uintptr_t)named(opening, &facts);
    bool from_period = schedule->due && schedule->due->unit == POLICY__TERM__UNIT__PERIOD &&
                       schedule->kind == POLICY__SCHEDULE__KIND__PERIODIC;
    if (schedule->due)
        (void)!compute(turn, row->site, schedule->due, from_period ? row->from_ms : row->opens_ms, thing,
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
    struct key key = schedule_key(opening->schedule->name, opening->row->period);
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
    struct key prefix = schedule_key(opening->row->site, schedule->of_cases);
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
        say_duty(opening, NULL, all[i].case_id);
}

struct bytes watchdog_duties_step(struct turn *turn, struct bytes payload, struct bytes next, unsigned keys_max)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&watchrec__opening__descriptor, payload, turn_arena(turn), &message, &why) == ERR_NONE);
    struct opening opening = {.turn = turn, .row = (const Watchrec__Opening *)message};
    opening.policy = organisation_policy(turn, opening.row->site, 0);
    const Policy__Schedule *schedule = opening.schedule = schedule_find(opening.policy, opening.row->schedule);
    if (!schedule)
        return (struct bytes){0};
    if (*opening.row->item) {
        const Directory__Thing *thing = organisation_thing(turn, opening.row->site, opening.row->item);
        if (thing)
            say_duty(&opening, thing, 0);
        return (struct bytes){0};
    }
    if (*schedule->of_cases)
        say_sampled(&opening);
    else if (!*schedule->thing)
        say_duty(&opening, NULL, 0);
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
            say_duty(&opening, *thing, 0);
        after = (*thing)->id;
    }
    return (struct bytes){0};
}
