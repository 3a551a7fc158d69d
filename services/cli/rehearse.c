/* `hearback policy rehearse`: every scenario of every file, row by row. */
#include "rehearse.h"

#include "rehearse_run.h"

#include <stdio.h>
#include <string.h>

struct rehearsal {
    struct scenario_places places;
    bool english, quiet;
    char **files;
    int files_count;
    unsigned runs, different;
    json_t *json;     /* --json: a list of runs instead of timelines; else NULL */
    json_t *mistakes; /* --json: of files that could not be understood */
};

static int usage(void)
{
    fputs("hearback policy rehearse [--language zh-CN|en] [--packs FOLDER] [--quiet] [--keep DIR] SCENARIO.yaml...\n"
          "  在虚拟时钟下演练场景：0 符合预期，1 有差异，2 场景有误\n"
          "  rehearses scenarios under a virtual clock: 0 as expected, 1 a difference, 2 a malformed scenario\n"
          "  --packs FOLDER  先在此处查找制度包 / where packs are looked for before the shipped ones\n"
          "  --quiet         只打印差异 / prints differences only\n"
          "  --keep DIR      留下首次演练各服务所存，供 policy whatif --logs DIR / the stores of the first run stay, "
          "for policy whatif\n",
          stderr);
    return 2;
}

static bool options_read(struct rehearsal *rehearsal, struct cli *cli, int argc, char **argv)
{
    struct scenario_places *places = &rehearsal->places;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--quiet") == 0)
            rehearsal->quiet = true;
        else if (strcmp(argv[i], "--keep") == 0 && more)
            places->keep = argv[++i];
        else if (strcmp(argv[i], "--packs") == 0 && more && !places->folders_count)
            places->folders[places->folders_count++] = argv[++i];
        else if (strcmp(argv[i], "--language") == 0 && more && strcmp(argv[i + 1], "en") == 0)
            rehearsal->english = argv[++i] != NULL;
        else if (strcmp(argv[i], "--language") == 0 && more && strcmp(argv[i + 1], "zh-CN") == 0)
            i++;
        else
            return false;
    }
    places->folders[places->folders_count++] = cli_share(cli, "policies");
    places->calendars = cli_share(cli, "calendars");
    rehearsal->files = argv + i;
    rehearsal->files_count = argc - i;
    return i < argc;
}

static void print_mistakes(const struct scenario_mistakes *mistakes, bool english)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct scenario_mistake *one = &mistakes->list[i];
        fprintf(stderr, "%s", one->file);
        if (one->line)
            fprintf(stderr, ":%u", one->line);
        fprintf(stderr, ": %s%s%s\n", one->field, *one->field ? ": " : "", english ? one->en : one->zh);
    }
}

static void add_mistakes(json_t *list, const struct scenario_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct scenario_mistake *one = &mistakes->list[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:s, s:s, s:s}", "file", one->file, "line", (json_int_t)one->line,
                                        "field", one->field, "zh", one->zh, "en", one->en));
    }
}

static void print_head(const struct scenario *scenario, bool english)
{
    for (size_t i = 0; i < scenario->clauses_count; i++)
        printf("%s ", scenario->clauses[i]);
    printf("%s%s\n", english ? scenario->en : scenario->zh, scenario->row);
}

static void add_run(struct rehearsal *rehearsal, const struct scenario *scenario, bool good,
                    const struct difference *difference)
{
    json_t *clauses = json_array(), *run;
    for (size_t i = 0; i < scenario->clauses_count; i++)
        json_array_append_new(clauses, json_string(scenario->clauses[i]));
    run = json_pack("{s:o, s:s, s:s, s:s, s:s, s:I, s:b}", "clauses", clauses, "zh", scenario->zh, "en", scenario->en,
                    "row", scenario->row, "file", scenario->file, "line", (json_int_t)scenario->line, "as_expected",
                    good);
    if (!good)
        json_object_set_new(run, "difference",
                            json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)difference->line, "field",
                                      difference->field, "zh", difference->zh, "en", difference->en));
    json_array_append_new(rehearsal->json, run);
    rehearsal->runs++;
    rehearsal->different += !good;
}

static void run_one(struct rehearsal *rehearsal, const struct scenario *scenario, struct arena *arena)
{
    struct difference difference;
    if (rehearsal->runs)
        rehearsal->places.keep = NULL; /* of the first one */
    if (rehearsal->json) {
        bool good = rehearse_one(scenario, &rehearsal->places, rehearsal->english, true, arena, &difference);
        add_run(rehearsal, scenario, good, &difference);
        return;
    }
    if (!rehearsal->quiet)
        print_head(scenario, rehearsal->english);
    rehearsal->runs++;
    if (rehearse_one(scenario, &rehearsal->places, rehearsal->english, rehearsal->quiet, arena, &difference))
        return;
    rehearsal->different++;
    if (rehearsal->quiet)
        print_head(scenario, rehearsal->english);
    if (difference.line)
        printf("%s:%u: %s: %s\n", scenario->file, difference.line, difference.field,
               rehearsal->english ? difference.en : difference.zh);
}

/* All of a file is read before any of it is run: a malformed one is told at once. */
static bool run_file(struct rehearsal *rehearsal, const char *path)
{
    struct arena arena;
    struct scenario_mistakes mistakes = {.arena = &arena};
    struct scenario *scenarios;
    size_t count;
    arena_init(&arena);
    scenario_read(path, &rehearsal->places, &mistakes, &scenarios, &count);
    print_mistakes(&mistakes, rehearsal->english);
    if (rehearsal->json)
        add_mistakes(rehearsal->mistakes, &mistakes);
    for (size_t i = 0; i < count && mistakes.count == 0; i++)
        run_one(rehearsal, &scenarios[i], &arena);
    scenario_free(scenarios, count);
    arena_fini(&arena);
    return mistakes.count == 0;
}

int rehearse_main(struct cli *cli, int argc, char **argv)
{
    struct rehearsal rehearsal = {.json = cli->json ? json_array() : NULL, .mistakes = cli->json ? json_array() : NULL};
    int code = 0;
    if (!options_read(&rehearsal, cli, argc, argv))
        return usage();
    for (int i = 0; i < rehearsal.files_count; i++)
        if (!run_file(&rehearsal, rehearsal.files[i]))
            code = 2;
    if (rehearsal.json) {
        json_t *all = json_pack("{s:o, s:I, s:I, s:o}", "runs", rehearsal.json, "rehearsed", (json_int_t)rehearsal.runs,
                                "different", (json_int_t)rehearsal.different, "mistakes", rehearsal.mistakes);
        cli_print_json(all);
        json_decref(all);
    } else
        printf(rehearsal.english ? "%u rehearsed, %u different\n" : "演练 %u 次，%u 次有差异\n", rehearsal.runs,
               rehearsal.different);
    return code ? code : rehearsal.different ? 1 : 0;
}
