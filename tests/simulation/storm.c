/* storm FIRST_SEED COUNT [--cases N] [--deeds N] [--calm | --cuts] [--trace] [--pack NAME] [--twice] [--stop]: the
   storm over COUNT seeds. Prints for each seed a hash of all logs; ends with 1 when an invariant was broken. */
#include "storm.h"
#include "../unit/support/folder.h"

#include "calendar/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BURST_DEEDS 28u
#define DEEDS_LEAST 220u
#define DEEDS_LIMIT 2000u /* that a seed may take to register its cases, of more than fifty so many each */
#define DEEDS_A_CASE 40u

/* ---- shared by all files ---- */

uint64_t storm_draw_of(uint64_t *stream, uint64_t below)
{
    uint64_t z = *stream += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    return below ? z % below : 0;
}

uint64_t storm_draw(struct storm *storm, uint64_t below)
{
    return storm_draw_of(&storm->random, below);
}

bool storm_chance(struct storm *storm, unsigned permille)
{
    return storm_draw(storm, 1000) < permille;
}

static void print_time(const struct storm *storm, FILE *file)
{
    int64_t local = simulation_wall(storm->simulation) + STORM_ZONE_MS;
    int year, month, day;
    date_split(date_of_local(local), &year, &month, &day);
    int64_t of_day = local - (int64_t)date_of_local(local) * DAY_MS;
    fprintf(file, "%04d-%02d-%02d %02d:%02d:%02d.%03d", year, month, day, (int)(of_day / HOUR_MS),
            (int)(of_day / MINUTE_MS % 60), (int)(of_day / 1000 % 60), (int)(of_day % 1000));
}

void storm_tell(struct storm *storm, const char *format, ...)
{
    if (!storm->options.trace)
        return;
    va_list list;
    print_time(storm, stdout);
    printf(" ");
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    fflush(stdout);
}

void storm_fail(struct storm *storm, const char *invariant, const char *format, ...)
{
    if (storm->failed)
        return;
    storm->failed = true;
    va_list list;
    int size = snprintf(storm->why, sizeof storm->why, "%s: ", invariant);
    va_start(list, format);
    vsnprintf(storm->why + size, sizeof storm->why - (size_t)size, format, list);
    va_end(list);
}

/* ---- the story of one seed ---- */

static void look(struct storm *storm)
{
    storm_read(storm);
    if (!storm->failed)
        storm_check_step(storm);
}

/* Until enough happened and enough cases are registered, unless --deeds ends it earlier. */
static bool goes_on(const struct storm *storm)
{
    bool enough = storm->deeds >= DEEDS_LEAST && storm->cases_count >= storm->options.cases;
    return !enough && storm->deeds < storm->options.deeds && !storm->failed;
}

/* Deeds and mishaps close upon each other. */
static void burst(struct storm *storm)
{
    unsigned deeds = BURST_DEEDS / 2 + (unsigned)storm_draw(storm, BURST_DEEDS);
    storm->calm_from = 0;
    storm_mood(storm);
    for (unsigned i = 0; i < deeds && goes_on(storm); i++) {
        storm_deed(storm);
        if (storm_chance(storm, 60))
            storm_mishap(storm);
        storm_cut(storm, 20, HOUR_MS);
        storm_fail_append(storm, 20);
        if (storm_chance(storm, 500))
            storm_retry(storm);
        int64_t pause_ms = storm_chance(storm, 700)   ? (int64_t)storm_draw(storm, 300)
                           : storm_chance(storm, 900) ? (int64_t)storm_draw(storm, 20000)
                                                      : (int64_t)storm_draw(storm, 120000);
        simulation_run(storm->simulation, simulation_now(storm->simulation) + pause_ms);
        storm_recover(storm);
        look(storm);
    }
}

/* Days in which clocks run, with a service away for part of them. */
static void wait(struct storm *storm)
{
    static const int64_t waits[] = {MINUTE_MS * 20, HOUR_MS * 3, HOUR_MS * 9, DAY_MS, DAY_MS * 3, DAY_MS * 8};
    int64_t wait_ms = (int64_t)storm_draw(storm, (uint64_t)waits[storm_draw(storm, sizeof waits / sizeof *waits)]);
    int64_t until = simulation_now(storm->simulation) + wait_ms;
    bool away = storm_chance(storm, 300) && !storm->options.calm && !storm->options.cuts;
    storm_tell(storm, "%lld minutes pass", (long long)(wait_ms / MINUTE_MS));
    int64_t cut_ms = wait_ms < HOUR_MS ? wait_ms : HOUR_MS;
    bool cut = storm_cut(storm, 300, cut_ms);
    storm->calm_from = away || cut ? 0 : simulation_wall(storm->simulation);
    if (cut) {
        simulation_run(storm->simulation, until - wait_ms + cut_ms);
        storm_heal(storm);
    }
    if (away) {
        Hb__Service service = (Hb__Service)(1 + storm_draw(storm, STORM_SERVICES - 1));
        int64_t away_ms = (int64_t)storm_draw(storm, (uint64_t)wait_ms + 1);
        storm_tell(storm, "service %d is away for %lld minutes of it", service, (long long)(away_ms / MINUTE_MS));
        simulation_run(storm->simulation, until - away_ms);
        simulation_down(storm->simulation, service);
        simulation_run(storm->simulation, until);
        simulation_up(storm->simulation, service);
    }
    simulation_run(storm->simulation, until);
    look(storm);
}

static void rest(struct storm *storm, bool whole)
{
    storm_calm(storm);
    if (!storm->failed)
        look(storm);
    if (!storm->failed)
        storm_check_rest(storm, whole);
}

static void story(struct storm *storm)
{
    storm_found(storm);
    look(storm);
    for (unsigned round = 1; goes_on(storm); round++) {
        burst(storm);
        if (!storm->failed)
            rest(storm, round % 4 == 0);
        if (!storm->failed)
            wait(storm);
    }
    if (storm->failed)
        return;
    simulation_run(storm->simulation, simulation_now(storm->simulation) + 2 * DAY_MS); /* the last mails end */
    rest(storm, true);
    if (!storm->failed)
        storm_check_end(storm);
}

/* ---- seeds ---- */

static void remove_folder(const char *folder)
{
    if (!folder_remove(folder))
        perror(folder);
}

static void report(struct storm *storm, const uint8_t hash[32])
{
    size_t events = 0, folds = 0;
    for (unsigned s = 1; s < STORM_SERVICES; s++) {
        events += storm->logs[s].count;
        folds += storm->tally.folds[s];
    }
    printf("seed %" PRIu64 " %02x%02x%02x%02x%02x%02x%02x%02x %-9s cases %3zu commands %3zu +%u -%u events %5zu missed "
           "%u withdrawn %u warned %u levels %u told %u down %u cut %u one way %u append %u folds %zu of %u moved %u\n",
           storm->seed, hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7], storm->pack,
           storm->cases_count, storm->commands_count, storm->tally.accepted, storm->tally.refused, events,
           storm->tally.missed, storm->tally.withdrawn, storm->tally.warned, storm->tally.levels, storm->tally.told,
           storm->tally.crashes, storm->tally.cuts, storm->tally.one_way, simulation_appends_failed(storm->simulation),
           folds, storm->tally.steps * (STORM_SERVICES - 1), storm->tally.moved);
}

static void complain(struct storm *storm)
{
    printf("seed %" PRIu64 " FAILED at deed %u, ", storm->seed, storm->deeds);
    print_time(storm, stdout);
    printf("\n  %s\n  again: storm %" PRIu64 " 1 --cases %u --deeds %u%s%s%s --trace\n", storm->why, storm->seed,
           storm->options.cases, storm->deeds,
           storm->options.calm   ? " --calm"
           : storm->options.cuts ? " --cuts"
                                 : "",
           storm->options.pack ? " --pack " : "", storm->options.pack ? storm->options.pack : "");
    storm_show(storm);
}

struct settings {
    struct storm_options storm;
    uint64_t first, count;
    bool twice, stop;
};

/* What all seeds together have shown: a storm in which too little happened has shown nothing. */
struct shown {
    unsigned cuts, one_way, appends, moved, steps, folds[STORM_SERVICES];
};

static void add_shown(struct shown *shown, const struct storm *storm)
{
    shown->cuts += storm->tally.cuts;
    shown->one_way += storm->tally.one_way;
    shown->appends += simulation_appends_failed(storm->simulation);
    shown->moved += storm->tally.moved;
    shown->steps += storm->tally.steps;
    for (unsigned s = 1; s < STORM_SERVICES; s++)
        shown->folds[s] += storm->tally.folds[s];
}

/* A gate of five seeds has at least so many cuts and failed appends, and folds every service at half of its steps. */
static bool shown_enough(const struct shown *shown, const struct settings *settings)
{
    bool enough = settings->storm.calm || (shown->one_way && shown->cuts >= 20);
    if (!enough)
        printf("too few were cut off: nothing was shown\n");
    if (!settings->storm.calm && !settings->storm.cuts && shown->appends < 5) {
        printf("too few appends failed (%u): nothing was shown\n", shown->appends);
        enough = false;
    }
    if (settings->count >= 50 && !shown->moved) {
        printf("no case was moved to another version of the policy: nothing was shown\n");
        enough = false;
    }
    for (unsigned s = 1; s < STORM_SERVICES; s++)
        if (shown->folds[s] < shown->steps / 2) {
            printf("service %u was folded at %u of %u steps only: nothing was shown\n", s, shown->folds[s],
                   shown->steps);
            enough = false;
        }
    return enough;
}

static bool run_seed(uint64_t seed, const char *base, const struct storm_options *options, uint8_t hash_out[32],
                     struct shown *shown)
{
    struct storm *storm = calloc(1, sizeof *storm);
    bug_unless(storm);
    char folder[sizeof storm->folder];
    storm_open(storm, seed, base, options);
    story(storm);
    storm_hash(storm, hash_out);
    bool failed = storm->failed;
    if (failed)
        complain(storm);
    else
        report(storm, hash_out);
    fflush(stdout);
    add_shown(shown, storm);
    memcpy(folder, storm->folder, sizeof folder);
    storm_close(storm);
    free(storm);
    remove_folder(folder);
    return !failed;
}

static bool take_options(int argc, char **argv, struct settings *settings)
{
    for (int i = 3; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--calm") == 0)
            settings->storm.calm = true;
        else if (strcmp(argv[i], "--cuts") == 0)
            settings->storm.cuts = true;
        else if (strcmp(argv[i], "--trace") == 0)
            settings->storm.trace = true;
        else if (strcmp(argv[i], "--twice") == 0)
            settings->twice = true;
        else if (strcmp(argv[i], "--stop") == 0)
            settings->stop = true;
        else if (strcmp(argv[i], "--cases") == 0 && more)
            settings->storm.cases = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--deeds") == 0 && more)
            settings->storm.deeds = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--pack") == 0 && more)
            settings->storm.pack = argv[++i];
        else
            return false;
    }
    if (!settings->storm.deeds) {
        unsigned of_cases = settings->storm.cases * DEEDS_A_CASE;
        settings->storm.deeds = of_cases > DEEDS_LIMIT ? of_cases : DEEDS_LIMIT;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct settings settings = {.storm = {.cases = 50}};
    if (argc < 3 || !take_options(argc, argv, &settings)) {
        fprintf(stderr, "usage: storm FIRST_SEED COUNT [--cases N] [--deeds N] [--calm | --cuts] [--trace] "
                        "[--pack NAME] [--twice] [--stop]\n");
        return 2;
    }
    settings.first = strtoull(argv[1], NULL, 10);
    settings.count = strtoull(argv[2], NULL, 10);
    char base[] = "/dev/shm/hearback-storm-XXXXXX";
    if (!mkdtemp(base))
        return perror(base), 2;
    uint64_t failed = 0;
    struct shown shown = {0};
    for (uint64_t seed = settings.first; seed < settings.first + settings.count; seed++) {
        uint8_t hash[32], again[32];
        bool good = run_seed(seed, base, &settings.storm, hash, &shown);
        if (good && settings.twice &&
            (!run_seed(seed, base, &settings.storm, again, &shown) || memcmp(hash, again, 32) != 0)) {
            printf("seed %" PRIu64 " FAILED: the second run is not the first\n", seed);
            good = false;
        }
        failed += !good;
        if (failed && settings.stop)
            break;
    }
    remove_folder(base);
    printf("%" PRIu64 " seeds, %" PRIu64 " failed; %u times services were cut off each other, %u of them one way\n",
           settings.count, failed, shown.cuts, shown.one_way);
    return failed || (settings.count >= 5 && !shown_enough(&shown, &settings)) ? 1 : 0;
}
