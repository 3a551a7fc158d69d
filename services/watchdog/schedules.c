/* Schedules of the policy: duties that come again. A timer stands at the next opening of each; when it comes, every
   producer's time lies beyond it, so what an analysis counts is complete. ScheduleOpened is said, and a job (duties.c)
   says a DutyDue for each entry, of which intake registers the case. After an outage each opening that was missed
   comes, in order: what was not done is late, not forgotten. */
#include "watchdog.h"

#include "message/message.h"

/* Keys. table done: site NUL kind NUL entry NUL closed ms BE64 case id BE64 -> "": closed cases that name an entry. */

struct key watchdog_schedule_key(const char *site, const char *schedule)
{
    struct key key = key_text(site);
    key_add_text(&key, schedule);
    return key;
}

struct key watchdog_duty_key(const char *site, const char *schedule, const char *item)
{
    struct key key = watchdog_schedule_key(site, schedule);
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

const Policy__Schedule *watchdog_schedule_find(const Policy__Policy *policy, const char *name)
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

bool watchdog_schedule_time(struct turn *turn, const char *site, const Policy__Term *term, int64_t start_ms,
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
        (void)!watchdog_schedule_time(turn, site, schedule->opens, from_ms, NULL, &opens);
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

static const Watchrec__Schedule *load_row(struct turn *turn, struct key key)
{
    return state_load(turn, WATCHDOG_SCHEDULE, key_bytes(&key), &watchrec__schedule__descriptor);
}

static void set_row(struct turn *turn, struct key key, int64_t from_ms, int64_t opens_ms)
{
    struct key timer = timer_key(key);
    const Watchrec__Schedule *before = load_row(turn, key);
    Watchrec__Schedule row = WATCHREC__SCHEDULE__INIT;
    row.from_ms = from_ms;
    row.opens_ms = opens_ms;
    if (before && before->opens_ms)
        turn_timer_clear(turn, before->opens_ms, key_bytes(&timer));
    if (opens_ms)
        turn_timer_set(turn, opens_ms, key_bytes(&timer));
    state_save(turn, WATCHDOG_SCHEDULE, key_bytes(&key), (const ProtobufCMessage *)&row);
}

static void set_next(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t from_ms)
{
    set_row(turn, watchdog_schedule_key(site, schedule->name), from_ms, opening(turn, site, schedule, from_ms));
}

const char *watchdog_roster_of(const Policy__Policy *policy, const Policy__Schedule *schedule)
{
    const Policy__Roster *roster = policy_roster(policy, schedule->roster);
    return roster ? roster->of : "";
}

/* Of shifts: the beginning of the next one of the plan after those that were opened; 0: none. */
static int64_t next_shift(struct turn *turn, const char *site, const char *roster, const char *thing, int64_t after_ms)
{
    const Directory__RosterPlan *plan = organisation_roster(turn, site, roster, thing);
    int64_t next_ms = 0;
    for (size_t i = 0; plan && i < plan->n_shifts; i++) {
        int64_t begins_ms = plan->shifts[i]->from_ms;
        if (begins_ms > after_ms && (!next_ms || begins_ms < next_ms))
            next_ms = begins_ms;
    }
    return next_ms;
}

/* Of a roster that is planned for each entry: the entry's own row, as a shift of one must not hide a late plan of
   another. */
static void set_shift_of(struct turn *turn, const char *site, const Policy__Schedule *schedule, const char *thing,
                         int64_t after_ms)
{
    set_row(turn, watchdog_duty_key(site, schedule->name, thing), after_ms,
            next_shift(turn, site, schedule->roster, thing, after_ms));
}

/* `opened_ms`: a shift of that beginning was opened, 0: none. The row of the schedule itself says since when its shifts
   are looked at: entries that have no row of their own yet begin there. Of a roster that is not planned for each entry,
   and in states of before, it is that of all shifts. */
static void set_shift(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t opened_ms,
                      int64_t now_ms)
{
    const char *of = watchdog_roster_of(organisation_policy(turn, site, 0), schedule);
    struct key key = watchdog_schedule_key(site, schedule->name);
    const Watchrec__Schedule *row = load_row(turn, key);
    int64_t after_ms = opened_ms ? opened_ms : row ? row->from_ms : now_ms;
    set_row(turn, key, after_ms, *of ? 0 : next_shift(turn, site, schedule->roster, "", after_ms));
    for (const Directory__Thing **thing = *of ? organisation_things(turn, site, of) : NULL; thing && *thing; thing++) {
        const Watchrec__Schedule *own = load_row(turn, watchdog_duty_key(site, schedule->name, (*thing)->id));
        set_shift_of(turn, site, schedule, (*thing)->id, own ? own->from_ms : after_ms);
    }
}

/* The first opening at or after this instant: it may be that of the period before, as on the first working day of the
   next. */
static void set_first(struct turn *turn, const char *site, const Policy__Schedule *schedule, int64_t since_ms)
{
    struct period period = period_at(turn, site, schedule, since_ms);
    period = period_at(turn, site, schedule, period.from_ms - 1);
    for (int i = 0; i < 4 && opening(turn, site, schedule, period.from_ms) < since_ms; i++)
        period = period_at(turn, site, schedule, period.to_ms);
    set_next(turn, site, schedule, period.from_ms);
}

static bool same_term(const Policy__Term *a, const Policy__Term *b, struct arena *arena)
{
    if (!a || !b)
        return a == b;
    struct bytes x = message_pack(&a->base, arena), y = message_pack(&b->base, arena);
    return x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
}

/* Another policy may open it at another time. Of each period in which it was to open one opening is due, as before: the
   next is the first in that period, or after it. How often it comes being otherwise, it begins anew. */
static void set_changed(struct turn *turn, const char *site, const Policy__Schedule *schedule,
                        const Watchrec__Schedule *row, int64_t now_ms)
{
    uint32_t version = organisation_policy_version(turn, site);
    const Policy__Schedule *before =
        version > 1 ? watchdog_schedule_find(organisation_policy(turn, site, version - 1), schedule->name) : NULL;
    if (!before || before->kind != schedule->kind || before->every != schedule->every ||
        before->working_days != schedule->working_days)
        set_first(turn, site, schedule, now_ms < row->opens_ms ? now_ms : row->opens_ms);
    else if (!same_term(before->opens, schedule->opens, turn_arena(turn)))
        set_first(turn, site, schedule, period_at(turn, site, schedule, row->opens_ms).from_ms);
    else
        set_next(turn, site, schedule, row->from_ms);
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
    struct key key = watchdog_duty_key(site, schedule->name, thing->id), timer = timer_key(key);
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
    struct key key = watchdog_duty_key(site, schedule->name, thing->id);
    const Watchrec__Duty *duty = state_load(turn, WATCHDOG_DUTY, key_bytes(&key), &watchrec__duty__descriptor);
    set_entry(turn, site, schedule, thing, base_of(turn, schedule, thing, duty, now_ms), duty ? duty->opened_ms : 0);
}

static bool is_of_entries(const Policy__Schedule *schedule)
{
    return schedule->kind == POLICY__SCHEDULE__KIND__SINCE_LAST ||
           schedule->kind == POLICY__SCHEDULE__KIND__BEFORE_DATE;
}

static void look_at_shifts(struct turn *turn, const Directory__RosterPlan *plan, int64_t now_ms)
{
    const Policy__Policy *policy = is_ours(turn, plan->site) ? organisation_policy(turn, plan->site, 0) : NULL;
    for (size_t i = 0; policy && i < policy->n_schedules; i++) {
        const Policy__Schedule *schedule = policy->schedules[i];
        if (schedule->kind == POLICY__SCHEDULE__KIND__SHIFT && strcmp(schedule->roster, plan->roster) == 0)
            set_shift(turn, plan->site, schedule, 0, now_ms);
    }
}

/* `published`: another policy; else another calendar. */
static void look_at_schedules(struct turn *turn, const char *site, bool published, int64_t now_ms)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    if (!policy || !is_ours(turn, site))
        return;
    for (size_t i = 0; i < policy->n_schedules; i++) {
        const Policy__Schedule *schedule = policy->schedules[i];
        const Watchrec__Schedule *row = load_row(turn, watchdog_schedule_key(site, schedule->name));
        if (schedule->kind == POLICY__SCHEDULE__KIND__SHIFT)
            set_shift(turn, site, schedule, 0, now_ms);
        else if (is_of_entries(schedule))
            for (const Directory__Thing **thing = organisation_things(turn, site, schedule->thing); *thing; thing++)
                look_at_entry(turn, site, schedule, *thing, now_ms);
        else if (row && published)
            set_changed(turn, site, schedule, row, now_ms);
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
        look_at_schedules(turn, said->policy_published->site, true, event->recorded_ms);
    if (said->kind_case == DIRECTORY__EVENT__KIND_ROSTER_PLANNED)
        look_at_shifts(turn, said->roster_planned, event->recorded_ms);
    if (said->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED)
        for (const Directory__Site **site = organisation_sites(turn); *site; site++)
            look_at_schedules(turn, (*site)->id, false, event->recorded_ms);
    if (said->kind_case != DIRECTORY__EVENT__KIND_THING_DEFINED || !is_ours(turn, said->thing_defined->site))
        return;
    const Directory__Thing *thing = said->thing_defined;
    const Policy__Policy *policy = organisation_policy(turn, thing->site, 0);
    for (size_t i = 0; policy && i < policy->n_schedules; i++)
        if (is_of_entries(policy->schedules[i]) && strcmp(policy->schedules[i]->thing, thing->of) == 0)
            look_at_entry(turn, thing->site, policy->schedules[i], thing, event->recorded_ms);
}

/* ---- cases that schedules look at (evolve only) ---- */

static struct key work_key(const char *site, const char *kind, uint64_t case_id)
{
    struct key key = watchdog_schedule_key(site, kind);
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
        struct key key = watchdog_duty_key(record->site, record->kind, item);
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
    const Policy__Schedule *schedule =
        watchdog_schedule_find(organisation_policy(turn, event->site, 0), opened->schedule);
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
    if (schedule->kind == POLICY__SCHEDULE__KIND__SHIFT) {
        if (*opened->item)
            set_shift_of(turn, event->site, schedule, opened->item, opened->from_ms);
        else
            set_shift(turn, event->site, schedule, opened->from_ms, opened->from_ms);
    } else if (schedule->kind == POLICY__SCHEDULE__KIND__PERIODIC) {
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
    const char *site = (const char *)key.data + 8, *name = site + strlen(site) + 1, *end = name + strlen(name) + 1;
    const char *item = end < (const char *)key.data + key.size ? end : "";
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    const Policy__Schedule *schedule = watchdog_schedule_find(policy, name);
    Watchdog__ScheduleOpened *opened = TURN_NEW(turn, Watchdog__ScheduleOpened, watchdog__schedule_opened__init);
    opened->opens_ms = due_ms;
    if (!schedule)
        return; /* the policy no longer has it */
    bool periodic = !is_of_entries(schedule), shift = schedule->kind == POLICY__SCHEDULE__KIND__SHIFT;
    struct key row_key = *item ? watchdog_duty_key(site, name, item) : watchdog_schedule_key(site, name);
    if (periodic) {
        const Watchrec__Schedule *row = load_row(turn, row_key);
        if (!row || row->opens_ms != due_ms || (*item && !*watchdog_roster_of(policy, schedule)))
            return; /* or the roster is no longer planned for each entry */
        opened->item = arena_strdup(turn_arena(turn), item);
        struct period period = period_of(organisation_calendar(turn, site, ""), schedule->every, row->from_ms);
        opened->from_ms = shift ? due_ms : row->from_ms;
        opened->to_ms = shift ? due_ms : period.to_ms;
        opened->period = period_name(turn, site, schedule, opened->from_ms);
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
