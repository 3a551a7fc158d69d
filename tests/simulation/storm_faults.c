/* What happens to the machines: messages lost, doubled and late; crashes; a service away for a while; two that do not
   reach each other, or one the other; a disk without
   room; a log whose append fails; a clock that jumps until somebody puts it right or accepts it. */
#include "storm.h"

#include <stdlib.h>

#define IDLE_BURST_MS 20000ll
#define IDLE_CALM_MS (24 * 3600000ll)
#define SERVICES_FIRST HB__SERVICE__DIRECTORY

static Hb__Service some_service(struct storm *storm)
{
    return (Hb__Service)(SERVICES_FIRST + storm_draw(storm, STORM_SERVICES - SERVICES_FIRST));
}

/* One of several moods, so that each kind of trouble also comes alone. */
void storm_mood(struct storm *storm)
{
    struct simulation_faults *faults = &storm->faults;
    uint64_t mood = storm_draw(storm, 6);
    *faults = (struct simulation_faults){0};
    if (storm->options.calm)
        return;
    if (storm->options.cuts)
        mood = 0;
    if (mood == 1 || mood > 3)
        faults->drop = 5 + (unsigned)storm_draw(storm, 60);
    if (mood == 2 || mood > 3)
        faults->duplicate = 5 + (unsigned)storm_draw(storm, 100);
    if (mood == 3 || mood > 3)
        faults->crash = 2 + (unsigned)storm_draw(storm, 25);
    faults->down_ms_max = (unsigned)storm_draw(storm, 4000);
    faults->delay_ms_max = (unsigned)storm_draw(storm, mood == 0 ? 5 : 400);
    simulation_idle_set(storm->simulation, IDLE_BURST_MS);
    simulation_faults_set(storm->simulation, *faults);
}

/* ---- mishaps ---- */

static void take_down(struct storm *storm, int64_t away_ms)
{
    Hb__Service service = some_service(storm);
    if (storm->back_at[service])
        return;
    storm_tell(storm, "service %d is down for %lld s", service, (long long)away_ms / 1000);
    storm->back_at[service] = simulation_now(storm->simulation) + away_ms;
    simulation_down(storm->simulation, service);
    storm->tally.crashes++;
}

static void fill_disk(struct storm *storm)
{
    Hb__Service service = some_service(storm);
    storm_tell(storm, "the disk of service %d is full", service);
    storm->room_at[service] = simulation_now(storm->simulation) + (int64_t)storm_draw(storm, 60000);
    simulation_full_set(storm->simulation, service, true);
}

/* Off by so much that who looked before doubts it, and to be put back. */
static bool glitch(const struct storm *storm)
{
    return storm->jump_back_at && llabs(storm->jumped_ms) > STORM_UNSEEN_MS;
}

void storm_note_wall(struct storm *storm)
{
    int64_t wall = simulation_wall(storm->simulation), right = glitch(storm) ? wall - storm->jumped_ms : wall;
    if (wall > storm->wall_max)
        storm->wall_max = wall;
    if (right > storm->wall_true)
        storm->wall_true = right;
}

/* Who was started meanwhile had no other clock to go by. */
bool storm_misled(const struct storm *storm, unsigned s)
{
    bool fell = simulation_life(storm->simulation, (Hb__Service)s) != storm->lives_before[s];
    bool rose = storm->down_before[s] && simulation_instance(storm->simulation, (Hb__Service)s);
    return storm->misled[s] || (glitch(storm) && (fell || rose));
}

static void jump_back(struct storm *storm)
{
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++)
        storm->misled[s] = storm_misled(storm, s);
    storm_note_wall(storm); /* while it is off */
    storm->jump_back_at = 0;
    simulation_clock_jump(storm->simulation, -storm->jumped_ms);
    storm_note_wall(storm);
}

/* Small steps pass unseen; a large one stops all writing until the clock is put back, or an operator accepts it. */
static void jump(struct storm *storm)
{
    int64_t now = simulation_now(storm->simulation), by_ms;
    if (storm->jump_back_at || storm->accept_at)
        return;
    storm_note_wall(storm);
    uint64_t what = storm_draw(storm, 4);
    by_ms = what == 0   ? 1 + (int64_t)storm_draw(storm, 50000)
            : what == 1 ? -(1 + (int64_t)storm_draw(storm, 30000))
            : what == 2 ? (int64_t)(61 + storm_draw(storm, 8 * 3600)) * 1000
                        : -(int64_t)(61 + storm_draw(storm, 3600)) * 1000;
    if (what == 2 && storm_chance(storm, 500))
        storm->accept_at = now + 1000 + (int64_t)storm_draw(storm, 60000);
    else
        storm->jump_back_at = now + 1000 + (int64_t)storm_draw(storm, 60000);
    storm_tell(storm, "the clock jumps by %lld ms", (long long)by_ms);
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++) {
        storm->lives_before[s] = simulation_life(storm->simulation, (Hb__Service)s);
        storm->down_before[s] = !simulation_instance(storm->simulation, (Hb__Service)s);
    }
    storm->jumped_ms = by_ms;
    simulation_clock_jump(storm->simulation, by_ms);
    storm_note_wall(storm);
}

/* ---- partitions ---- */

static uint64_t draw_network(struct storm *storm, uint64_t below)
{
    return storm_draw_of(&storm->network, below);
}

static void cut_way(struct storm *storm, unsigned from, unsigned to, int64_t away_ms)
{
    storm_tell(storm, "nothing gets from service %u to %u for %lld s", from, to, (long long)away_ms / 1000);
    storm->heals_at[from][to] = simulation_now(storm->simulation) + away_ms;
    simulation_cut_set(storm->simulation, (Hb__Service)from, (Hb__Service)to, true);
}

static void heal_way(struct storm *storm, unsigned from, unsigned to)
{
    storm->heals_at[from][to] = 0;
    simulation_cut_set(storm->simulation, (Hb__Service)from, (Hb__Service)to, false);
}

bool storm_cut(struct storm *storm, unsigned permille, int64_t at_most_ms)
{
    if (storm->options.calm || draw_network(storm, 1000) >= permille || at_most_ms < 1000)
        return false;
    unsigned from = 1 + (unsigned)draw_network(storm, STORM_SERVICES - 1);
    unsigned to = 1 + (from + (unsigned)draw_network(storm, STORM_SERVICES - 2)) % (STORM_SERVICES - 1);
    int64_t away_ms = 1000 + (int64_t)draw_network(storm, 1000ull << draw_network(storm, 13)); /* mostly short */
    away_ms = away_ms < at_most_ms ? away_ms : at_most_ms;
    bool one_way = draw_network(storm, 2);
    if (storm->heals_at[from][to] || storm->heals_at[to][from])
        return false;
    cut_way(storm, from, to, away_ms);
    if (!one_way)
        cut_way(storm, to, from, away_ms);
    storm->tally.cuts++;
    storm->tally.one_way += one_way;
    return true;
}

void storm_heal(struct storm *storm)
{
    for (unsigned from = SERVICES_FIRST; from < STORM_SERVICES; from++)
        for (unsigned to = SERVICES_FIRST; to < STORM_SERVICES; to++)
            if (storm->heals_at[from][to])
                heal_way(storm, from, to);
}

void storm_fail_append(struct storm *storm, unsigned permille)
{
    if (storm->options.calm || storm->options.cuts || storm_draw_of(&storm->appends, 1000) >= permille)
        return;
    Hb__Service service =
        (Hb__Service)(SERVICES_FIRST + storm_draw_of(&storm->appends, STORM_SERVICES - SERVICES_FIRST));
    bool full = storm_draw_of(&storm->appends, 4) == 0;
    storm_tell(storm, "the next append of service %d %s", service, full ? "finds no room" : "is of unknown outcome");
    if (full)
        storm->room_at[service] =
            simulation_now(storm->simulation) + 1000 + (int64_t)storm_draw_of(&storm->appends, 60000);
    simulation_append_set(storm->simulation, service, full ? APPEND_FULL : APPEND_UNKNOWN);
}

void storm_mishap(struct storm *storm)
{
    if (storm->options.calm || storm->options.cuts)
        return;
    uint64_t what = storm_draw(storm, 10);
    if (what < 6)
        take_down(storm, 1000 + (int64_t)storm_draw(storm, 180000));
    else if (what < 8)
        fill_disk(storm);
    else
        jump(storm);
}

/* ---- what is over ---- */

static void on_accepted(void *context, enum err err, const Bus__Reply *reply)
{
    (void)reply;
    (void)err;
    ((struct storm *)context)->flows--;
}

static bool accept_clocks(struct storm *storm)
{
    bool suspect = false;
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        if (!instance || strcmp(instance_health(instance), "clock_suspect") != 0)
            continue;
        Bus__Request request = BUS__REQUEST__INIT;
        Bus__Control control = BUS__CONTROL__INIT;
        request.kind_case = BUS__REQUEST__KIND_CONTROL;
        request.control = &control;
        control.what = BUS__CONTROL__WHAT__ACCEPT_CLOCK;
        storm->flows++;
        simulation_ask(storm->simulation, (Hb__Service)s, &request, 2000, on_accepted, storm);
        suspect = true;
    }
    return suspect;
}

void storm_recover(struct storm *storm)
{
    int64_t now = simulation_now(storm->simulation);
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++) {
        if (storm->back_at[s] && storm->back_at[s] <= now) {
            simulation_up(storm->simulation, (Hb__Service)s);
            storm->back_at[s] = 0;
        }
        if (storm->room_at[s] && storm->room_at[s] <= now) {
            simulation_full_set(storm->simulation, (Hb__Service)s, false);
            simulation_append_set(storm->simulation, (Hb__Service)s, APPEND_DONE);
            storm->room_at[s] = 0;
        }
        for (unsigned to = SERVICES_FIRST; to < STORM_SERVICES; to++)
            if (storm->heals_at[s][to] && storm->heals_at[s][to] <= now)
                heal_way(storm, s, to);
    }
    if (storm->jump_back_at && storm->jump_back_at <= now)
        jump_back(storm);
    if (storm->accept_at && storm->accept_at <= now && !accept_clocks(storm))
        storm->accept_at = 0;
}

static bool somebody_catches_up(struct storm *storm)
{
    bool found = false;
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        found = found || (instance && strcmp(instance_health(instance), "catching_up") == 0);
    }
    return found;
}

/* Once the clock is right again, who was not misled goes on without being told. */
static void check_trust(struct storm *storm)
{
    storm_recover(storm);
    simulation_run(storm->simulation, simulation_now(storm->simulation) + 3000);
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        if (instance && !storm->misled[s] && strcmp(instance_health(instance), "clock_suspect") == 0)
            storm_fail(storm, "a glitch that is over is forgotten", "service %u still doubts the clock", s);
    }
}

static bool somebody_was_misled(const struct storm *storm)
{
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++)
        if (storm->misled[s])
            return true;
    return false;
}

void storm_calm(struct storm *storm)
{
    simulation_faults_set(storm->simulation, (struct simulation_faults){0});
    storm_heal(storm);
    for (unsigned s = SERVICES_FIRST; s < STORM_SERVICES; s++) {
        storm->back_at[s] = storm->back_at[s] ? 1 : 0;
        storm->room_at[s] = storm->room_at[s] ? 1 : 0;
        simulation_append_set(storm->simulation, (Hb__Service)s, APPEND_DONE);
    }
    storm->jump_back_at = storm->jump_back_at ? 1 : 0;
    if (!storm->accept_at)
        check_trust(storm);
    storm->accept_at = 1; /* whoever still doubts */
    for (unsigned tries = 0; tries < 20 && storm->accept_at; tries++) {
        storm_recover(storm);
        simulation_run(storm->simulation, simulation_now(storm->simulation) + 3000);
    }
    /* Who was misled waits until that time has come, and everybody when a small step was put back. */
    int64_t latest = somebody_was_misled(storm) ? storm->wall_max : storm->wall_true;
    int64_t behind_ms = latest - simulation_wall(storm->simulation);
    if (behind_ms > 0)
        simulation_run(storm->simulation, simulation_now(storm->simulation) + behind_ms + 1);
    if (accept_clocks(storm)) {
        simulation_run(storm->simulation, simulation_now(storm->simulation) + 3000);
        if (accept_clocks(storm))
            storm_fail(storm, "an accepted clock is trusted", "somebody still doubts it");
    }
    memset(storm->misled, 0, sizeof storm->misled);
    storm_finish(storm);
    if (somebody_catches_up(storm)) { /* an answer lost in the storm is asked for again when its time is up */
        simulation_run(storm->simulation, simulation_now(storm->simulation) + IDLE_BURST_MS + 11000);
        storm_finish(storm);
    }
    simulation_idle_set(storm->simulation, IDLE_CALM_MS);
}
