/* `hearback clauses`: every clause of the shipped systems, the rule that carries it, the scenarios that show it, and
   whether they do: they are run here and now. */
#include "rehearse_run.h"

#include "cli.h"

#include <fts.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "hearback clauses [--json] [--language zh-CN|en] [--left] [--packs FOLDER] [--scenarios FOLDER] [SYSTEM...]\n"
    "  --left          only what is not passed / 只列未通过的\n"
    "  --packs FOLDER  the packs that are listed (default: those that ship)\n"
    "  --scenarios FOLDER  every .yaml below it is rehearsed; FOLDER/packs may hold packs of its own";

enum status { STATUS_PASSED, STATUS_FAILED, STATUS_MISSING, STATUS_ORGANISATIONAL };
static const char *const status_words[] = {"passed", "failed", "missing", "organisational"};

struct row {            /* one clause */
    const char *system; /* the pack it belongs to */
    const Policy__Clause *clause;
    const char *rule;       /* "PROP-11/pack.yaml:120 kinds.complaint.rules.revisit"; "" none */
    const char *scenario;   /* the first that shows it, or the first that failed; "" none */
    unsigned shown, failed; /* runs */
    const char *why;        /* of the first failure */
};

struct matrix {
    struct cli *cli;
    struct scenario_places places; /* of the scenarios */
    const char *packs, *scenarios;
    bool english, left;
    char **systems; /* those asked for; none: all */
    size_t systems_count;
    struct row *rows;
    size_t rows_count;
    char **files;
    size_t files_count;
    unsigned wrong_files;
};

#define ADD(matrix, list, count, item)                                                                                 \
    do {                                                                                                               \
        (list) = arena_grow(&(matrix)->cli->arena, (list), (count), sizeof *(list));                                   \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

/* ---- the clauses ---- */

static bool is_of(const char *clause, const char *system)
{
    size_t size = strlen(system);
    return strncasecmp(clause, system, size) == 0 && (clause[size] == 0 || clause[size] == '-');
}

static const char *rule_of(struct matrix *matrix, const struct policy_result *result, const char *clause)
{
    const struct policy_use *found = NULL; /* what a kind does says more than a setting or a post */
    for (size_t i = 0; i < result->uses_count; i++) {
        const struct policy_use *use = &result->uses[i];
        bool of_a_kind = strncmp(use->field, "kinds.", 6) == 0;
        if (strcmp(use->clause, clause) == 0 && (!found || (of_a_kind && strncmp(found->field, "kinds.", 6) != 0)))
            found = use;
    }
    return found ? arena_printf(&matrix->cli->arena, "%s:%u %s", found->file, found->line, found->field) : "";
}

static void add_row(struct matrix *matrix, const char *system, const Policy__Clause *clause,
                    const struct policy_result *result)
{
    struct row row = {.system = system, .clause = clause, .scenario = "", .why = ""};
    row.rule = rule_of(matrix, result, clause->id);
    ADD(matrix, matrix->rows, matrix->rows_count, row);
}

/* A pack without a catalogue has those that its items name. */
static void add_named(struct matrix *matrix, const char *system, const struct policy_result *result)
{
    for (size_t i = 0; i < result->uses_count; i++) {
        bool known = !is_of(result->uses[i].clause, system);
        for (size_t r = 0; r < matrix->rows_count && !known; r++)
            known = strcmp(matrix->rows[r].clause->id, result->uses[i].clause) == 0;
        if (known)
            continue;
        Policy__Clause *clause = arena_alloc(&matrix->cli->arena, sizeof *clause);
        policy__clause__init(clause);
        clause->id = (char *)(uintptr_t)result->uses[i].clause;
        add_row(matrix, system, clause, result);
    }
}

static bool add_system(struct matrix *matrix, const char *system)
{
    struct arena *arena = &matrix->cli->arena;
    struct policy_source *sources;
    struct policy_result result;
    size_t count, before = matrix->rows_count;
    const char *folders[] = {matrix->packs, cli_share(matrix->cli, "policies")};
    if (policy_read_folders(folders, 2, &system, 1, arena, &sources, &count) || count == 0) {
        cli_fail("there is no pack \"%s\" in %s", system, matrix->packs);
        return false;
    }
    policy_compile(sources, count, &system, 1, arena, &result);
    policy_check(&result, arena);
    if (result.settles)
        return true; /* a site's own pack: it has no clauses, and stands with others only */
    if (!result.policy) {
        cli_fail("%s has mistakes: hearback policy check %s/%s", system, matrix->packs, system);
        return false;
    }
    for (size_t i = 0; i < result.policy->n_clauses; i++)
        if (is_of(result.policy->clauses[i]->id, system))
            add_row(matrix, system, result.policy->clauses[i], &result);
    if (matrix->rows_count == before)
        add_named(matrix, system, &result);
    return true;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* In order of name, so that the matrix is the same on any machine. False: the folder cannot be read. */
static bool list_packs(struct matrix *matrix)
{
    char *const roots[] = {(char *)(uintptr_t)matrix->packs, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    for (FTSENT *entry; walk && (entry = fts_read(walk));) {
        if (entry->fts_level != 1 || entry->fts_info != FTS_D)
            continue;
        ADD(matrix, matrix->systems, matrix->systems_count, arena_strdup(&matrix->cli->arena, entry->fts_name));
        fts_set(walk, entry, FTS_SKIP);
    }
    return walk && fts_close(walk) == 0 && matrix->systems_count;
}

static bool list_scenarios(struct matrix *matrix)
{
    char *const roots[] = {(char *)(uintptr_t)matrix->scenarios, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    for (FTSENT *entry; walk && (entry = fts_read(walk));) {
        const char *dot = strrchr(entry->fts_name, '.');
        if (entry->fts_level == 1 && entry->fts_info == FTS_D && strcmp(entry->fts_name, "packs") == 0)
            fts_set(walk, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F && dot && strcmp(dot, ".yaml") == 0)
            ADD(matrix, matrix->files, matrix->files_count, arena_strdup(&matrix->cli->arena, entry->fts_path));
    }
    return walk && fts_close(walk) == 0 && matrix->files_count;
}

static bool add_clauses(struct matrix *matrix)
{
    bool good = true;
    if (!matrix->systems_count && !list_packs(matrix))
        return cli_fail("%s: a folder with a folder for each pack is accepted", matrix->packs), false;
    for (size_t i = 0; i < matrix->systems_count; i++)
        good = add_system(matrix, matrix->systems[i]) && good;
    return good;
}

/* ---- the scenarios ---- */

/* A clause is shown over its own pack, or over one that extends it. */
static bool rehearses(const struct scenario *scenario, const char *system)
{
    for (size_t i = 0; i < scenario->policy->n_packs; i++)
        if (strcmp(scenario->policy->packs[i]->name, system) == 0)
            return true;
    return false;
}

static struct row *row_of(struct matrix *matrix, const struct scenario *scenario, const char *clause)
{
    for (size_t i = 0; i < matrix->rows_count; i++)
        if (strcmp(matrix->rows[i].clause->id, clause) == 0 && rehearses(scenario, matrix->rows[i].system))
            return &matrix->rows[i];
    return NULL;
}

static bool wanted(struct matrix *matrix, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->clauses_count; i++)
        if (row_of(matrix, scenario, scenario->clauses[i]))
            return true;
    return false;
}

static void take(struct matrix *matrix, const struct scenario *scenario, bool good, const struct difference *difference)
{
    struct arena *arena = &matrix->cli->arena;
    size_t folder = strlen(matrix->scenarios);
    const char *file = scenario->file + folder + (scenario->file[folder] == '/');
    unsigned line = good || !difference->line ? scenario->line : difference->line;
    for (size_t i = 0; i < scenario->clauses_count; i++) {
        struct row *row = row_of(matrix, scenario, scenario->clauses[i]);
        if (!row)
            continue;
        if (!*row->scenario || (!good && !row->failed))
            row->scenario = arena_printf(arena, "%s:%u", file, line);
        if (!good && !row->failed)
            row->why = arena_printf(arena, "%s%s: %s", scenario->row, difference->field,
                                    matrix->english ? difference->en : difference->zh);
        row->shown++;
        row->failed += !good;
    }
}

static void run_file(struct matrix *matrix, const char *path)
{
    struct arena arena;
    struct scenario_mistakes mistakes = {.arena = &arena};
    struct scenario *scenarios;
    size_t count;
    arena_init(&arena);
    scenario_read(path, &matrix->places, &mistakes, &scenarios, &count);
    for (size_t i = 0; i < mistakes.count; i++)
        cli_fail("%s:%u: %s: %s", mistakes.list[i].file, mistakes.list[i].line, mistakes.list[i].field,
                 matrix->english ? mistakes.list[i].en : mistakes.list[i].zh);
    matrix->wrong_files += mistakes.count > 0;
    for (size_t i = 0; i < count && mistakes.count == 0; i++) {
        struct difference difference;
        if (!wanted(matrix, &scenarios[i]))
            continue;
        bool good = rehearse_one(&scenarios[i], &matrix->places, matrix->english, true, &arena, &difference);
        take(matrix, &scenarios[i], good, &difference);
    }
    scenario_free(scenarios, count);
    arena_fini(&arena);
}

static bool run_scenarios(struct matrix *matrix)
{
    const char *own = arena_printf(&matrix->cli->arena, "%s/packs", matrix->scenarios);
    struct stat status;
    if (!list_scenarios(matrix))
        return cli_fail("%s: a folder with scenarios (.yaml) is accepted", matrix->scenarios), false;
    const char **folders = matrix->places.folders;
    if (stat(own, &status) == 0)
        folders[matrix->places.folders_count++] = own;
    folders[matrix->places.folders_count++] = matrix->packs;
    folders[matrix->places.folders_count++] = cli_share(matrix->cli, "policies");
    matrix->places.calendars = cli_share(matrix->cli, "calendars");
    for (size_t i = 0; i < matrix->files_count; i++) {
        run_file(matrix, matrix->files[i]);
        cli_progress(i + 1 == matrix->files_count, "scenarios: %zu of %zu files", i + 1, matrix->files_count);
    }
    return true;
}

/* ---- telling ---- */

static enum status status_of(const struct row *row)
{
    if (row->failed)
        return STATUS_FAILED;
    if (row->clause->carried == POLICY__CLAUSE__CARRIED__ORGANISATIONAL)
        return STATUS_ORGANISATIONAL;
    bool carried = *row->rule || row->clause->carried == POLICY__CLAUSE__CARRIED__BUILT_IN;
    return row->shown && carried ? STATUS_PASSED : STATUS_MISSING;
}

/* Rules carry it, but for something that the pack names. */
static bool in_part(const struct row *row)
{
    return status_of(row) == STATUS_PASSED && row->clause->carried == POLICY__CLAUSE__CARRIED__BY_RULES &&
           row->clause->reason;
}

static bool told(const struct matrix *matrix, const struct row *row)
{
    return !matrix->left || status_of(row) != STATUS_PASSED || in_part(row);
}

static const char *reason_of(const struct matrix *matrix, const struct row *row)
{
    const Hb__Label *reason = row->clause->reason;
    if (row->failed)
        return row->why;
    if (in_part(row))
        return matrix->english ? arena_printf(&matrix->cli->arena, "left out: %s", reason->en)
                               : arena_printf(&matrix->cli->arena, "未包括：%s", reason->zh);
    if (reason && row->clause->carried != POLICY__CLAUSE__CARRIED__BY_RULES)
        return matrix->english ? reason->en : reason->zh;
    if (status_of(row) == STATUS_PASSED)
        return "";
    if (!*row->rule)
        return matrix->english ? "no rule carries it" : "没有规则执行此条款";
    return matrix->english ? "no scenario shows it" : "没有场景演示此条款";
}

static const char *name_of(const struct matrix *matrix, const struct row *row)
{
    return !row->clause->label ? "" : matrix->english ? row->clause->label->en : row->clause->label->zh;
}

static void print_json(const struct matrix *matrix)
{
    json_t *list = json_array();
    for (size_t i = 0; i < matrix->rows_count; i++) {
        const struct row *row = &matrix->rows[i];
        if (!told(matrix, row))
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", row->clause->id, "name",
                                              name_of(matrix, row), "status", status_words[status_of(row)], "rule",
                                              row->rule, "scenario", row->scenario, "reason", reason_of(matrix, row)));
    }
    cli_print_json(list);
    json_decref(list);
}

#define IN_PART 4 /* behind the four of enum status: how many of those that passed leave something out */

static void print_total(const struct matrix *matrix, const char *system, const unsigned *counts)
{
    unsigned all = counts[0] + counts[1] + counts[2] + counts[3];
    if (matrix->english)
        printf("%-24s %3u clauses: %u passed (%u in part), %u failed, %u missing, %u organisational\n", system, all,
               counts[0], counts[IN_PART], counts[1], counts[2], counts[3]);
    else
        printf("%-24s %3u 条：通过 %u（其中部分 %u），失败 %u，缺 %u，组织事项 %u\n", system, all, counts[0],
               counts[IN_PART], counts[1], counts[2], counts[3]);
}

static void print_table(const struct matrix *matrix)
{
    unsigned all[IN_PART + 1] = {0};
    for (size_t i = 0; i < matrix->rows_count; i++) {
        const struct row *row = &matrix->rows[i];
        if (!told(matrix, row))
            continue;
        printf("%-24s %-14s %s\n", row->clause->id, status_words[status_of(row)], name_of(matrix, row));
        if (*row->rule)
            printf("  %s\n", row->rule);
        if (*row->scenario)
            printf("  %s\n", row->scenario);
        if (*reason_of(matrix, row))
            printf("  %s\n", reason_of(matrix, row));
    }
    for (size_t i = 0; i < matrix->rows_count;) {
        unsigned counts[IN_PART + 1] = {0};
        const char *system = matrix->rows[i].system;
        for (; i < matrix->rows_count && strcmp(matrix->rows[i].system, system) == 0; i++) {
            counts[status_of(&matrix->rows[i])]++;
            counts[IN_PART] += in_part(&matrix->rows[i]);
        }
        print_total(matrix, system, counts);
        for (unsigned s = 0; s <= IN_PART; s++)
            all[s] += counts[s];
    }
    print_total(matrix, matrix->english ? "all" : "合计", all);
}

/* ---- */

static bool options_read(struct matrix *matrix, int argc, char **argv)
{
    int i = 1;
    matrix->packs = cli_share(matrix->cli, "policies");
    matrix->scenarios = HEARBACK_SCENARIOS;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--left") == 0)
            matrix->left = true;
        else if (strcmp(argv[i], "--packs") == 0 && more)
            matrix->packs = argv[++i];
        else if (strcmp(argv[i], "--scenarios") == 0 && more)
            matrix->scenarios = argv[++i];
        else if (strcmp(argv[i], "--language") == 0 && more && strcmp(argv[i + 1], "en") == 0)
            matrix->english = argv[++i] != NULL;
        else if (strcmp(argv[i], "--language") == 0 && more && strcmp(argv[i + 1], "zh-CN") == 0)
            i++;
        else
            return false;
    }
    matrix->systems = argv + i;
    matrix->systems_count = (size_t)(argc - i);
    return true;
}

int cli_clauses(struct cli *cli, int argc, char **argv)
{
    struct matrix matrix = {.cli = cli};
    bool left = false;
    if (!options_read(&matrix, argc, argv))
        return cli_usage(usage);
    if (!add_clauses(&matrix) || !run_scenarios(&matrix))
        return CLI_FAILED;
    for (size_t i = 0; i < matrix.rows_count; i++)
        left = left || status_of(&matrix.rows[i]) == STATUS_FAILED || status_of(&matrix.rows[i]) == STATUS_MISSING;
    if (cli->json)
        print_json(&matrix);
    else
        print_table(&matrix);
    return left || matrix.wrong_files ? CLI_FAILED : CLI_GOOD;
}
