/* A second, naive opinion: a simulator that walks through thousands of random histories tick by tick, counting running
   time on its fingers, must end as the judge does. It shares no code with common/calendar or common/clock: its calendar
   is a list of worked ticks read once, date by date. ORACLE_HISTORIES and ORACLE_SEED change how many and which. */
#include "fixture.h"

#define TICK_MS (10 * MINUTE_MS)
#define DAY_TICKS 144
#define WINDOW_DAYS 120 /* 2025-03-01 .. : Qingming, Labour Day and two made-up Sundays lie in it */
#define WINDOW_TICKS (WINDOW_DAYS * DAY_TICKS)
#define HISTORY_TICKS (35 * DAY_TICKS) /* things happen in the first days, dues may lie far behind */
#define RUNS_MAX 64
#define NEVER INT32_MAX

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static bool one_in(uint64_t *seed, unsigned n)
{
    return next_random(seed) % n == 0;
}

/* What the simulator knows of the days: holidays of spring 2025, by hand. */
static bool day_worked(int day)
{
    static const int off[] = {34, 35, 36, 61, 62, 63, 64, 65, 92, 93, 91}; /* 4-6 April, 1-5 May, 31 May - 2 June */
    static const int on[] = {57};                                          /* Sunday 27 April */
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (off[i] == day)
            return false;
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        if (on[i] == day)
            return true;
    int weekday = (day + 5) % 7; /* 1 March 2025 was a Saturday */
    return weekday < 5;
}

static bool tick_worked(int tick)
{
    int of_day = tick % DAY_TICKS;
    return day_worked(tick / DAY_TICKS) && of_day >= 51 && of_day < 108; /* 08:30 to 18:00 */
}

/* ---- what may happen, in the simulator's own terms ---- */

struct limit {
    int unit; /* 0 hours, 1 natural days, 2 working days */
    int amount;
    bool roll;
};

struct rule {
    struct limit joint, plain; /* the first when joint = yes */
    bool condition;            /* runs only while major = yes */
    bool pauses, backdating, must_tell;
};

struct event {
    int at, occurred;
    bool accepted, answer;
    int phase;        /* 0 unchanged, 1 working, 2 waiting */
    int joint, major; /* 0 unchanged, 1 yes, 2 no */
    bool next_round;
    int extended, told; /* ticks; 0 none */
};

struct expected {
    int round, part, start, due, missed_due, ended;
    enum run_state state;
    bool missed;
};

struct simulator {
    struct rule rule;
    const struct event *events;
    int count;
    bool paused[WINDOW_TICKS + 1]; /* [tick, tick + 1) stands still */
    int open_pause;                /* first tick of a pause that never ends, or NEVER */
    struct expected runs[RUNS_MAX];
    int runs_count;
    /* the run now */
    bool open, active, mattered;
    struct expected run;
    int inactive_since, extended, extended_at;
    int joint, major, upto;
    int standing; /* the due as the run's facts left it, pauses without end apart */
};

/* ---- the simulator's arithmetic ---- */

static int close_of_day(int day)
{
    return day * DAY_TICKS + 108;
}

static int roll_tick(int tick)
{
    while (!day_worked((tick - 1) / DAY_TICKS))
        tick += DAY_TICKS;
    return tick;
}

/* The last tick of the pause that covers this tick, plus one; NEVER when it does not end. */
static int pause_end(const struct simulator *s, int tick)
{
    if (tick >= s->open_pause)
        return NEVER;
    while (s->paused[tick])
        tick++;
    return tick;
}

/* Hours: tick by tick until as many have run as the limit asks; a pause that begins just then still counts. */
static int run_ticks(const struct simulator *s, int start, int ticks)
{
    int tick = start;
    for (; ticks > 0 && tick < WINDOW_TICKS; tick++)
        ticks -= !s->paused[tick];
    while (tick < WINDOW_TICKS && s->paused[tick])
        tick++;
    return tick;
}

/* Days: whenever the walk meets a pause before the due, the due moves by that pause. */
static int run_days(const struct simulator *s, int from, int unrolled, int due, const struct limit *limit)
{
    for (int tick = from; tick <= due && tick < WINDOW_TICKS; tick++) {
        if (!s->paused[tick])
            continue;
        int end = pause_end(s, tick), begin = tick, working = 0;
        if (end == NEVER)
            return NEVER;
        for (; tick < end; tick++)
            working += tick_worked(tick);
        tick--; /* the loop's own step */
        if (limit->unit == 2) {
            for (; working > 0; working -= tick_worked(due++))
                ;
            continue;
        }
        unrolled = (begin <= unrolled ? unrolled : due) + end - begin;
        int rolled = limit->roll ? roll_tick(unrolled) : unrolled;
        due = rolled > due ? rolled : due;
    }
    return due;
}

static int plain_due(const struct limit *limit, int start, int *unrolled_out)
{
    int day = start / DAY_TICKS;
    if (limit->unit == 0)
        return *unrolled_out = start + limit->amount * 6;
    if (limit->unit == 1) {
        *unrolled_out = close_of_day(day + limit->amount);
        return limit->roll ? roll_tick(*unrolled_out) : *unrolled_out;
    }
    for (int left = limit->amount; left > 0;)
        left -= day_worked(++day);
    return *unrolled_out = close_of_day(day);
}

static int due_from(const struct simulator *s, const struct limit *limit, int start)
{
    int unrolled, due = plain_due(limit, start, &unrolled);
    if (limit->unit)
        return run_days(s, start, unrolled, due, limit);
    due = run_ticks(s, start, limit->amount * 6);
    return due >= s->open_pause ? NEVER : due;
}

/* The due now; NEVER in a pause without end. Unknown joint: the shorter of the two rows, pauses apart. */
static int due_now(const struct simulator *s)
{
    int ignored, joint = plain_due(&s->rule.joint, s->run.start, &ignored);
    int plain = plain_due(&s->rule.plain, s->run.start, &ignored);
    const struct limit *limit = s->joint == 1 || (s->joint == 0 && joint <= plain) ? &s->rule.joint : &s->rule.plain;
    int due = due_from(s, limit, s->run.start);
    if (!s->extended || due == NEVER)
        return due;
    struct limit by_tick = *limit;
    int extended = s->extended;
    if (limit->unit == 0) {
        for (int tick = s->extended_at; tick <= extended && tick < WINDOW_TICKS; tick++)
            if (s->paused[tick]) {
                if (pause_end(s, tick) == NEVER)
                    return NEVER;
                extended++;
            }
    } else {
        extended = run_days(s, s->extended_at, extended, extended, &by_tick);
    }
    return extended > due ? extended : due;
}

/* The due as it would be if the pause without end were over before it began. */
static int due_standing(struct simulator *s)
{
    int open_pause = s->open_pause;
    for (int tick = open_pause; open_pause != NEVER && tick <= WINDOW_TICKS; tick++)
        s->paused[tick] = false;
    s->open_pause = NEVER;
    int due = due_now(s);
    s->open_pause = open_pause;
    for (int tick = open_pause; open_pause != NEVER && tick <= WINDOW_TICKS; tick++)
        s->paused[tick] = true;
    return due;
}

/* The due of a run that is over: what the case waited for afterwards does not concern it. */
static int due_when_over(struct simulator *s, int end)
{
    static bool paused[WINDOW_TICKS + 1];
    int open_pause = s->open_pause;
    memcpy(paused, s->paused, sizeof paused);
    for (int tick = end; tick <= WINDOW_TICKS; tick++)
        s->paused[tick] = false;
    s->open_pause = NEVER;
    int due = due_now(s);
    s->open_pause = open_pause;
    memcpy(s->paused, paused, sizeof paused);
    return due;
}

/* The due as it stood at a tick, by the pauses known then: one that had begun had no end. `standing_out`: without it.
 */
static int due_as_of(struct simulator *s, int known, int *standing_out)
{
    static bool paused[WINDOW_TICKS + 1];
    int open_pause = s->open_pause;
    memcpy(paused, s->paused, sizeof paused);
    for (int tick = known + 1; tick <= WINDOW_TICKS; tick++)
        s->paused[tick] = s->paused[known];
    s->open_pause = s->paused[known] ? known : NEVER;
    while (s->paused[known] && s->open_pause > 0 && s->paused[s->open_pause - 1])
        s->open_pause--;
    int due = due_now(s);
    *standing_out = due_standing(s);
    s->open_pause = open_pause;
    memcpy(s->paused, paused, sizeof paused);
    return due;
}

/* ---- the walk ---- */

static void find_paused(struct simulator *s)
{
    bool paused = false;
    for (int tick = 0, i = 0; tick <= WINDOW_TICKS; tick++) {
        for (; i < s->count && s->events[i].at == tick; i++)
            paused = s->rule.pauses && (s->events[i].phase ? s->events[i].phase == 2 : paused);
        s->paused[tick] = paused;
    }
    s->open_pause = paused ? WINDOW_TICKS : NEVER;
    while (paused && s->open_pause > 0 && s->paused[s->open_pause - 1])
        s->open_pause--;
}

static void end_run(struct simulator *s, enum run_state state, int tick)
{
    s->open = false;
    s->run.state = s->active ? state : RUN_CANCELLED;
    s->run.ended = s->active ? tick : s->inactive_since;
    s->run.due = s->run.ended < 0 ? s->standing : due_when_over(s, s->run.ended);
    if (s->mattered)
        s->runs[s->runs_count++] = s->run;
}

static void begin_run(struct simulator *s, int round, int part, int start)
{
    s->open = true;
    s->active = s->mattered = false;
    s->extended = s->extended_at = 0;
    s->run = (struct expected){.round = round, .part = part, .start = start, .ended = -1};
}

static void learn(struct simulator *s, int index)
{
    for (; s->upto < index; s->upto++) {
        s->joint = s->events[s->upto + 1].joint ? s->events[s->upto + 1].joint : s->joint;
        s->major = s->events[s->upto + 1].major ? s->events[s->upto + 1].major : s->major;
    }
}

static void happen(struct simulator *s, int index, int tick, int *round, int *part)
{
    const struct event *event = &s->events[index];
    if (s->open && event->answer)
        end_run(s, RUN_MET, tick);
    learn(s, index);
    if (event->next_round) {
        bool began = s->open || *part > 0;
        if (s->open)
            end_run(s, RUN_CANCELLED, tick);
        (*round)++;
        *part = 0;
        if (began)
            begin_run(s, *round, (*part)++, tick);
    }
    if (!s->open && event->accepted)
        begin_run(s, *round, (*part)++, tick);
    if (!s->open)
        return;
    bool active = !s->rule.condition || s->major == 1;
    if (!active && s->active)
        s->inactive_since = tick;
    s->active = active;
    s->mattered = s->mattered || active;
    s->run.due = due_now(s);
    s->standing = due_standing(s);
    int standing, ignored;
    if (!event->extended || s->run.missed || event->at > due_as_of(s, event->at, &standing))
        return;
    bool told = !s->rule.must_tell || (event->told && event->told <= due_as_of(s, event->told, &ignored));
    if (!told || event->extended <= standing)
        return;
    s->extended = event->extended;
    s->extended_at = event->at;
    s->run.due = due_now(s);
    s->standing = due_standing(s);
}

static int counts_at(const struct simulator *s, const struct event *event)
{
    if (event->next_round)
        return event->at;
    if (event->answer)
        return s->rule.backdating ? event->occurred : event->at;
    return event->accepted ? event->occurred : event->at;
}

static void late_at(struct simulator *s, int tick)
{
    if (s->open && s->active && !s->run.missed && s->run.due < tick) {
        s->run.missed = true;
        s->run.missed_due = s->run.due;
    }
}

static void simulate(struct simulator *s, int horizon)
{
    int round = 1, part = 0;
    s->upto = -1;
    find_paused(s);
    for (int tick = 0; tick < HISTORY_TICKS; tick++)
        for (int i = 0; i < s->count; i++)
            if (counts_at(s, &s->events[i]) == tick) {
                late_at(s, tick);
                happen(s, i, tick, &round, &part);
            }
    late_at(s, horizon);
    if (s->open)
        end_run(s, s->run.due == NEVER ? RUN_PAUSED : RUN_RUNNING, -1);
    for (int i = 0; i < s->runs_count; i++) {
        struct expected *run = &s->runs[i];
        if (!run->missed || run->missed_due < horizon)
            continue;
        run->missed = false;
        if (run->state == RUN_MET || run->state == RUN_CANCELLED) {
            run->state = RUN_RUNNING;
            run->ended = -1;
        }
    }
}

/* ---- random histories ---- */

static struct limit random_limit(uint64_t *seed)
{
    int unit = (int)(next_random(seed) % 3);
    return (struct limit){unit, 1 + (int)(next_random(seed) % (unit == 0 ? 90 : 9)), !one_in(seed, 3)};
}

static struct rule random_rule(uint64_t *seed)
{
    return (struct rule){random_limit(seed), random_limit(seed), one_in(seed, 3),
                         !one_in(seed, 4),   one_in(seed, 2),    one_in(seed, 2)};
}

static struct event random_event(uint64_t *seed, int at, bool late_facts)
{
    struct event event = {.at = at, .occurred = at};
    if (late_facts && one_in(seed, 3))
        event.occurred -= (int)(next_random(seed) % (at < 300 ? at + 1 : 300));
    event.accepted = one_in(seed, 4);
    event.answer = one_in(seed, 7);
    event.phase = one_in(seed, 2) ? 1 + (int)(next_random(seed) % 2) : 0;
    event.joint = one_in(seed, 4) ? 1 + (int)(next_random(seed) % 2) : 0;
    event.major = one_in(seed, 4) ? 1 + (int)(next_random(seed) % 2) : 0;
    event.next_round = one_in(seed, 15);
    if (one_in(seed, 6)) {
        event.extended = at + 36 + (int)(next_random(seed) % 1500);
        event.told = one_in(seed, 4) ? 0 : at + (int)(next_random(seed) % 200);
    }
    return event;
}

static int random_history(uint64_t *seed, struct event *events, bool late_facts)
{
    int count = 2 + (int)(next_random(seed) % 14);
    for (int i = 0, at = 0; i < count; i++) {
        at += (int)(next_random(seed) % (2 * HISTORY_TICKS / 16)) * !one_in(seed, 8); /* some at one instant */
        events[i] = random_event(seed, at < HISTORY_TICKS ? at : HISTORY_TICKS - 1, late_facts);
        events[i].accepted |= i == 0;
    }
    return count;
}

/* ---- the same for the judge ---- */

static int64_t tick_ms(const struct world *world, int tick)
{
    return at(world, "2025-03-01 00:00") + tick * TICK_MS;
}

static void write_limit(struct world *world, Policy__Condition *condition, const struct limit *limit)
{
    static const Policy__Term__Unit units[] = {POLICY__TERM__UNIT__HOURS, POLICY__TERM__UNIT__NATURAL_DAYS,
                                               POLICY__TERM__UNIT__WORKING_DAYS};
    Policy__LimitRow *row = limit_add(world, condition, units[limit->unit], (unsigned)limit->amount);
    row->options = arena_alloc(&world->arena, sizeof *row->options);
    policy__time_options__init(row->options);
    row->has_options = true;
    row->options->roll =
        limit->roll ? POLICY__TIME_OPTIONS__ROLL__NEXT_WORKING_DAY : POLICY__TIME_OPTIONS__ROLL__NO_ROLL;
}

static void write_clock(struct world *world, const struct rule *rule)
{
    policy__clock__init(&world->clock);
    world->clock.name = "answer";
    START(world, STAGE, "accepted");
    STOP(world, STEP, "answer");
    write_limit(world, condition_of(world, "joint", "yes"), &rule->joint);
    write_limit(world, NULL, &rule->plain);
    if (rule->condition)
        world->clock.condition = condition_of(world, "major", "yes");
    world->clock.pause = rule->pauses ? POLICY__CLOCK__PAUSE__PAUSE_WAITING : POLICY__CLOCK__PAUSE__PAUSE_NONE;
    world->clock.backdating = rule->backdating;
    world->clock.extend = arena_alloc(&world->arena, sizeof *world->clock.extend);
    policy__extend__init(world->clock.extend);
    if (rule->must_tell) {
        world->clock.extend->told = arena_alloc(&world->arena, sizeof *world->clock.extend->told);
        policy__who__init(world->clock.extend->told);
    }
}

static void write_history(struct world *world, const struct event *events, int count)
{
    uint32_t round = 1;
    world->count = 0;
    for (int i = 0; i < count; i++) {
        const struct event *event = &events[i];
        struct happening *happening = add(world, tick_ms(world, event->at));
        happening->occurred_ms = tick_ms(world, event->occurred);
        happening->stage = event->accepted ? "accepted" : NULL;
        happening->step = event->answer ? "answer" : NULL;
        happening->phase = event->phase == 1   ? POLICY__PHASE__WORKING
                           : event->phase == 2 ? POLICY__PHASE__WAITING
                                               : POLICY__PHASE__PHASE_NONE;
        happening->round = round += event->next_round;
        if (event->joint)
            fact_text(world, happening, "joint", event->joint == 1 ? "yes" : "no");
        if (event->major)
            fact_text(world, happening, "major", event->major == 1 ? "yes" : "no");
        if (event->extended) {
            happening->extends = "answer";
            happening->extended_due_ms = tick_ms(world, event->extended);
            happening->extension_told_ms = event->told ? tick_ms(world, event->told) : 0;
        }
    }
}

static bool same_run(const struct world *world, const struct run *run, const struct expected *expected)
{
    int64_t ended = expected->ended < 0 ? 0 : tick_ms(world, expected->ended);
    bool due = run->due_ms == tick_ms(world, expected->due);
    bool missed =
        run->missed == expected->missed && (!run->missed || run->missed_due_ms == tick_ms(world, expected->missed_due));
    return (int)run->round == expected->round && (int)run->part == expected->part && run->state == expected->state &&
           run->start_ms == tick_ms(world, expected->start) && run->ended_ms == ended && due && missed;
}

static void complain(struct world *world, uint64_t seed, const struct simulator *s, const struct run *runs,
                     size_t count)
{
    int64_t zero = tick_ms(world, 0);
    print_message("seed %llu: limits %d/%d %d/%d\n", (unsigned long long)seed, s->rule.joint.unit, s->rule.joint.amount,
                  s->rule.plain.unit, s->rule.plain.amount);
    for (int i = 0; i < s->count; i++)
        print_message("  %d (%d)%s%s phase %d joint %d major %d round %d extended %d told %d\n", s->events[i].at,
                      s->events[i].occurred, s->events[i].accepted ? " accepted" : "",
                      s->events[i].answer ? " answer" : "", s->events[i].phase, s->events[i].joint, s->events[i].major,
                      s->events[i].next_round, s->events[i].extended, s->events[i].told);
    for (size_t i = 0; i < count; i++)
        print_message("  judge  %u.%u state %d start %lld due %lld ended %lld missed %d %lld\n", runs[i].round,
                      runs[i].part, runs[i].state, (long long)((runs[i].start_ms - zero) / TICK_MS),
                      (long long)((runs[i].due_ms - zero) / TICK_MS), (long long)((runs[i].ended_ms - zero) / TICK_MS),
                      runs[i].missed, (long long)((runs[i].missed_due_ms - zero) / TICK_MS));
    for (int i = 0; i < s->runs_count; i++)
        print_message("  oracle %d.%d state %d start %d due %d ended %d missed %d %d\n", s->runs[i].round,
                      s->runs[i].part, s->runs[i].state, s->runs[i].start, s->runs[i].due, s->runs[i].ended,
                      s->runs[i].missed, s->runs[i].missed_due);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void judge_agrees_with_the_simulator(void **state)
{
    (void)state;
    unsigned long histories = setting("ORACLE_HISTORIES", 3000), first = setting("ORACLE_SEED", 1);
    unsigned long seen[4] = {0}, missed = 0, wrong = 0;
    static struct simulator s;
    struct world world;
    world_open(&world);
    for (unsigned long n = 0; n < histories && wrong < 3; n++) {
        uint64_t seed = (first + n) * 0x9E3779B97F4A7C15u;
        struct event events[16];
        struct arena_mark mark = arena_mark(&world.arena);
        memset(&s, 0, sizeof s);
        s.rule = random_rule(&seed);
        s.events = events;
        s.count = random_history(&seed, events, n % 2);
        int horizon = (int)(next_random(&seed) % (HISTORY_TICKS + 2000));
        simulate(&s, horizon);
        write_clock(&world, &s.rule);
        write_history(&world, events, s.count);
        size_t count;
        struct run *runs = judge_first(&world, world.count, tick_ms(&world, horizon), &count);
        bool same = (int)count == s.runs_count;
        for (size_t i = 0; same && i < count; i++)
            same = same_run(&world, &runs[i], &s.runs[i]);
        for (size_t i = 0; i < count; i++) {
            seen[runs[i].state]++;
            missed += runs[i].missed;
        }
        if (!same) {
            complain(&world, first + n, &s, runs, count);
            wrong++;
        }
        arena_return(&world.arena, mark);
    }
    print_message("%lu histories: running %lu, paused %lu, met %lu, cancelled %lu; missed %lu\n", histories,
                  seen[RUN_RUNNING], seen[RUN_PAUSED], seen[RUN_MET], seen[RUN_CANCELLED], missed);
    assert_int_equal(wrong, 0);
    for (int i = 0; i < 4; i++)
        assert_true(seen[i] > 0);
    assert_true(missed > 0);
    world_close(&world);
}

/* What was called missed with everything heard up to the horizon is never taken back when nothing is back-dated (A4).
 */
static void no_false_alarm_without_late_facts(void **state)
{
    (void)state;
    unsigned long alarms = 0;
    struct world world;
    world_open(&world);
    for (unsigned long n = 0; n < 2000; n++) {
        uint64_t seed = (n + 1) * 0xD1B54A32D192ED03u;
        struct event events[16];
        struct arena_mark mark = arena_mark(&world.arena);
        struct rule rule = random_rule(&seed);
        int count = random_history(&seed, events, false);
        rule.must_tell = false; /* a proof of telling may be heard later */
        write_clock(&world, &rule);
        write_history(&world, events, count);
        size_t heard = next_random(&seed) % (size_t)count + 1, then, now;
        int64_t horizon = heard < world.count ? world.list[heard].at_ms : tick_ms(&world, HISTORY_TICKS);
        struct run *early = judge_first(&world, heard, horizon, &then);
        struct run *late = judge_first(&world, world.count, tick_ms(&world, WINDOW_TICKS), &now);
        for (size_t i = 0; i < then; i++) {
            if (!early[i].missed)
                continue;
            alarms++;
            assert_true(i < now);
            assert_true(late[i].missed && late[i].missed_due_ms == early[i].missed_due_ms);
        }
        arena_return(&world.arena, mark);
    }
    assert_true(alarms > 100);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_agrees_with_the_simulator),
        cmocka_unit_test(no_false_alarm_without_late_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
