/* Duties that are counted for each entry of a register by itself, from when it was last done or back from a date, while
   the watchdog is away for a year: when it is back, each entry's duty is opened once, with the instant at which it was
   due, its case is registered once and missed once; never a second one before the first was done, or the date is
   another. What was done while it was away counts from when it was done; so does what is done after, and the next
   outage. It is killed while it catches up. */
#include "story.h"

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */
#define DAY (24 * HOUR)
#define MIDNIGHT (START_MS - 9 * HOUR - 30 * MINUTE)
#define ENTRIES 40u
#define OPENINGS_MAX 4u
#define BEFORE_DAYS 60

static const char pack[] =
    "pack: DATED\n"
    "name: [有效期, Dated]\n"
    "extends: GEN-FRAME\n"
    "things:\n"
    "  asset: {fields: {until: {clause: GEN-FRAME-04, name: [有效期至, Valid until], type: time}}}\n"
    "schedules:\n"
    "  renewal: {clause: GEN-FRAME-04, every: 60 days before asset.until, for: {of: asset}, open: maintenance, to: "
    "asset_owner of asset, opens: 08:00, due: same day}\n";

/* A duty of an entry. */
struct entry {
    const char *schedule;
    char id[16];
    unsigned days, openings; /* of its interval; that were due so far */
    int64_t opens_ms[OPENINGS_MAX];
    unsigned opened, due, registered, missed;
    uint64_t case_id; /* the newest */
};

struct tale {
    struct entry upkeep[ENTRIES], renewal[ENTRIES];
    int64_t last_opens_ms;
};

/* 08:00 of the day so many days after that of `from_ms`. */
static void expect_after(struct entry *entry, int64_t from_ms, int days)
{
    int64_t midnight = MIDNIGHT + ((from_ms - MIDNIGHT + 1000 * DAY) / DAY - 1000) * DAY;
    assert_true(entry->openings < OPENINGS_MAX);
    entry->opens_ms[entry->openings++] = midnight + days * DAY + 8 * HOUR;
}

static void define(struct group *group, struct tale *tale, unsigned i, int64_t last_done_ms, int64_t until_ms)
{
    group_asset(group, tale->upkeep[i].id, "zhou", tale->upkeep[i].days * DAY, last_done_ms, until_ms);
    if (until_ms)
        expect_after(&tale->renewal[i], until_ms, -BEFORE_DAYS);
}

/* Every fifth has never been done: it counts from when it was heard of. The first one comes two days before the outage;
   the last ones after it. */
static void define_entries(struct group *group, struct tale *tale)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry *entry = &tale->upkeep[i];
        int64_t last_done_ms = i % 5 == 4 ? 0 : MIDNIGHT - (int64_t)(1 + i * 7 % 19) * DAY + 15 * HOUR;
        *entry = (struct entry){.schedule = "upkeep", .days = i == 0 ? 3 : 20 + i * 12 + i % 3};
        snprintf(entry->id, sizeof entry->id, "A-%02u", i);
        tale->renewal[i] = *entry;
        tale->renewal[i].schedule = "renewal";
        expect_after(entry, last_done_ms ? last_done_ms : simulation_now(group->simulation), (int)entry->days);
        define(group, tale, i, last_done_ms, i % 3 == 1 ? MIDNIGHT + (80 + i * 10) * DAY + 18 * HOUR : 0);
    }
    assert_true(simulation_settle(group->simulation, MINUTE));
}

/* NULL: it is of another schedule. */
static struct entry *entry_of(struct tale *tale, const char *schedule, const char *id)
{
    bool upkeep = strcmp(schedule, "upkeep") == 0;
    if (!upkeep && strcmp(schedule, "renewal") != 0)
        return NULL;
    for (unsigned i = 0; i < ENTRIES; i++)
        if (strcmp(tale->upkeep[i].id, id) == 0)
            return upkeep ? &tale->upkeep[i] : &tale->renewal[i];
    print_message("there is no entry %s\n", id);
    fail();
    return NULL;
}

static void note_due(struct tale *tale, const Hb__Event *event)
{
    const Watchdog__DutyDue *said = event->watchdog->duty_due;
    struct entry *entry = entry_of(tale, said->schedule, said->item);
    if (!entry)
        return;
    assert_true(entry->due < entry->openings);
    assert_int_equal(event->occurred_ms, entry->opens_ms[entry->due++]);
}

static void note_opened(struct tale *tale, const Hb__Event *event)
{
    const Watchdog__ScheduleOpened *said = event->watchdog->schedule_opened;
    struct entry *entry = entry_of(tale, said->schedule, said->item);
    if (!entry)
        return;
    if (entry->opened == entry->openings)
        print_message("%s of %s is opened once more than it is due\n", entry->schedule, entry->id);
    assert_true(entry->opened < entry->openings);
    int64_t opens_ms = entry->opens_ms[entry->opened++];
    assert_int_equal(said->opens_ms, opens_ms);
    assert_int_equal(event->occurred_ms, opens_ms);
    assert_true(event->recorded_ms >= opens_ms);
    assert_true(opens_ms >= tale->last_opens_ms); /* in order, of whatever entry */
    tale->last_opens_ms = opens_ms;
}

static bool note_said(void *context, const Hb__Event *event)
{
    if (event->watchdog->kind_case == WATCHDOG__EVENT__KIND_DUTY_DUE)
        note_due(context, event);
    if (event->watchdog->kind_case == WATCHDOG__EVENT__KIND_SCHEDULE_OPENED)
        note_opened(context, event);
    return true;
}

static const char *fact(const Hb__Event *event, const char *name)
{
    for (size_t i = 0; i < event->n_facts; i++)
        if (strcmp(event->facts[i]->name, name) == 0)
            return event->facts[i]->value->text;
    return "";
}

static bool note_registered(void *context, const Hb__Event *event)
{
    if (event->intake->kind_case != INTAKE__EVENT__KIND_REGISTERED)
        return true;
    struct entry *entry = entry_of(context, fact(event, "schedule"), fact(event, "asset"));
    if (entry) {
        entry->registered++;
        entry->case_id = event->case_id;
    }
    return true;
}

static bool note_missed(void *context, const Hb__Event *event)
{
    struct tale *tale = context;
    for (unsigned i = 0; event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MISSED && i < ENTRIES; i++)
        if (tale->upkeep[i].case_id == event->case_id) {
            assert_int_equal(event->occurred_ms, event->watchdog->missed->due_ms);
            tale->upkeep[i].missed++;
        }
    return true;
}

/* All that is due until now has been opened, once; all that is not has not been. Returns how many openings that are. */
static unsigned check_entries(struct entry *entries, int64_t now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        const struct entry *entry = &entries[i];
        unsigned due = 0;
        while (due < entry->openings && entry->opens_ms[due] <= now)
            due++;
        bool right = entry->opened == due && entry->due == due && entry->registered == due;
        if (!right)
            print_message("%s of %s: due %u times, opened %u, %u duties, %u cases\n", entry->schedule, entry->id, due,
                          entry->opened, entry->due, entry->registered);
        assert_true(right);
        count += due;
    }
    return count;
}

static unsigned check(struct group *group, struct tale *tale)
{
    tale->last_opens_ms = 0;
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        struct entry *entry = i < ENTRIES ? &tale->upkeep[i] : &tale->renewal[i - ENTRIES];
        entry->opened = entry->due = entry->registered = entry->missed = 0;
    }
    simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, note_said, tale);
    simulation_events(group->simulation, HB__SERVICE__INTAKE, 0, note_registered, tale);
    simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, note_missed, tale);
    int64_t now = simulation_now(group->simulation);
    unsigned upkeep = check_entries(tale->upkeep, now), renewal = check_entries(tale->renewal, now);
    print_message("%u duties since they were last done, %u before a date: opened once each\n", upkeep, renewal);
    return upkeep + renewal;
}

/* The newest case of an entry is done now: from now on it counts anew. */
static void finish(struct group *group, struct entry *entry)
{
    assert_int_not_equal(entry->case_id, 0);
    expect_after(entry, simulation_now(group->simulation), (int)entry->days);
    OK(group_act(group, entry->case_id, "zhou", "finish", FIELDS("findings", "正常")));
}

static void away_until(struct group *group, int64_t until_ms)
{
    while (simulation_now(group->simulation) < until_ms)
        simulation_run(group->simulation, simulation_now(group->simulation) + DAY);
    story_catch_up(group);
}

static void each_duty_of_each_entry_is_opened_once(void **state)
{
    (void)state;
    struct group group;
    static struct tale tale;
    group_open(&group, story_folder(), 6, START_MS, (struct simulation_faults){0});
    group_found(&group, "GEN-FRAME");
    group_publish(&group, "DATED", pack);
    define_entries(&group, &tale);
    simulation_run(group.simulation, START_MS + 3 * DAY);
    assert_int_equal(check(&group, &tale), 1);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    simulation_run(group.simulation, START_MS + 20 * DAY);
    finish(&group, &tale.upkeep[0]); /* while it is away: due again three days later, and once */
    away_until(&group, START_MS + 364 * DAY);
    unsigned first = check(&group, &tale);
    for (unsigned i = 1; i < ENTRIES; i++) /* nobody did them on their day */
        assert_int_equal(tale.upkeep[i].missed, tale.upkeep[i].opened);

    simulation_run(group.simulation, simulation_now(group.simulation) + DAY);
    for (unsigned i = 0; i < 10; i++)
        finish(&group, &tale.upkeep[i]);
    for (unsigned i = 1; i < 10; i += 3) /* renewed: another date */
        define(&group, &tale, i, 0, simulation_now(group.simulation) + (70 + i) * DAY);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    away_until(&group, simulation_now(group.simulation) + 60 * DAY);
    unsigned second = check(&group, &tale);
    assert_true(second >= first + 7);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_duty_of_each_entry_is_opened_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
