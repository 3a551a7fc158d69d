/* A scenario as a policy writer may write it, read against the shipped packs: refused with a place and both languages
   for every mistake, or each of its rows has all that a rehearsal asks for; and the first is rehearsed when it is
   short: it ends, with a difference that says where or with none. */
#include "fuzz.h"

#include "rehearse_run.h"

#include <stdio.h>

#define LINES_MAX 12u        /* of a rehearsal: each may cost a simulated day */
#define SPAN_MS 2678400000ll /* a month */
#define EACH_BYTES (16u << 20)

static void check_mistakes(const struct scenario_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct scenario_mistake *one = &mistakes->list[i];
        must(*one->file && one->field && *one->zh && *one->en);
    }
}

static void check_scenario(const struct scenario *scenario)
{
    must(scenario->clauses_count && *scenario->zh && *scenario->en && scenario->policy && scenario->zone);
    for (size_t i = 0; i < scenario->lines_count; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        must(i == 0 || line->at_ms >= scenario->lines[i - 1].at_ms);
        must(line->what != LINE_DO || *line->step || line->kind);
        for (size_t e = 0; e < line->expect_count; e++)
            must(*expect_word(line->expect[e].what));
    }
}

static bool is_short(const struct scenario *scenario)
{
    size_t count = scenario->lines_count;
    int64_t from = count ? scenario->lines[0].at_ms : 0;
    for (size_t i = 0; i < scenario->cases_count; i++)
        from = scenario->cases[i].at_ms < from ? scenario->cases[i].at_ms : from;
    return count && count <= LINES_MAX && scenario->cases_count <= LINES_MAX &&
           scenario->lines[count - 1].at_ms - from <= SPAN_MS;
}

static void rehearse(const struct scenario *scenario, const struct scenario_places *places, struct arena *arena)
{
    struct difference difference = {0};
    if (!is_short(scenario))
        return;
    bool good = rehearse_one(scenario, places, true, true, arena, &difference);
    must(difference.field && difference.zh && difference.en);
    must(!good || difference.line == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scenario_places places = {
        .folders = {SOURCE_DIR "/services/directory/policies", SOURCE_DIR "/tests/scenario/packs"},
        .folders_count = 2,
        .calendars = SOURCE_DIR "/services/directory/calendars"};
    struct arena arena;
    struct scenario_mistakes mistakes = {.arena = &arena};
    struct scenario *scenarios;
    size_t count;
    arena_init(&arena);
    char *path = arena_printf(&arena, "%s/s.yaml", fuzz_folder());
    FILE *file = fopen(path, "wbe");
    must(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    fuzz_memory_begin();
    scenario_read(path, &places, &mistakes, &scenarios, &count);
    fuzz_memory_end_within(EACH_BYTES * (count + 1)); /* each row has the policy it names compiled, and checked */
    must(count || mistakes.count);
    check_mistakes(&mistakes);
    for (size_t i = 0; i < count && mistakes.count == 0; i++)
        check_scenario(&scenarios[i]);
    if (mistakes.count == 0)
        rehearse(&scenarios[0], &places, &arena);
    scenario_free(scenarios, count);
    arena_fini(&arena);
    return 0;
}
