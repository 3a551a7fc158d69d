/* `hearback policy check`: what the compiler and the checker have to say of packs, before anybody publishes them. */
#include "rehearse.h"

#include "rehearse_scenario.h"

#include <stdio.h>

struct checking {
    struct scenario_places places;
    bool english;
    unsigned wrong;       /* packs with a mistake */
    json_t *json;         /* --json: a list of packs instead; else NULL */
    json_t *organisation; /* --organisation; else NULL */
};

static int usage(void)
{
    fputs("hearback policy check [--language zh-CN|en] [--packs FOLDER] [--together] [--organisation FILE] PACK...\n"
          "  检查制度包（名称或文件夹）：0 无误，1 有误\n"
          "  checks packs, by name or folder: 0 sound, 1 mistakes\n"
          "  --together  同一站点并用，按所列次序；两包说法不同之处列为提示 / as one site uses them, in this order:\n"
          "              where two say the same differently, a warning names both places\n"
          "  --organisation FILE  其中的站点里无人担任、而制度要找的岗位列为提示 / a JSON file as `organise` takes it: "
          "of the\n"
          "              posts that nobody holds there, those that a level, a route or a chain comes to are warnings\n",
          stderr);
    return 2;
}

const char *pack_name_of(struct scenario_places *places, struct arena *arena, const char *pack)
{
    char *path = arena_strdup(arena, pack);
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        path[--size] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        return path;
    *slash = 0;
    const char *shipped = places->folders[places->folders_count - 1];
    places->folders[0] = *path ? path : "/";
    places->folders[1] = shipped;
    places->folders_count = 2;
    return slash + 1;
}

static void print_mistake(FILE *file, const struct policy_mistake *mistake, bool english)
{
    if (*mistake->file)
        fprintf(file, "%s", mistake->file);
    if (mistake->line)
        fprintf(file, ":%u", mistake->line);
    fprintf(file, "%s%s%s%s\n", *mistake->file ? ": " : "", mistake->field, *mistake->field ? ": " : "",
            english ? mistake->message : mistake->zh);
}

static void add_result(struct checking *checking, const char *pack, const struct policy_result *result)
{
    json_t *list = json_array();
    unsigned wrong = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct policy_mistake *one = &result->mistakes[i];
        wrong += !one->warning;
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:b, s:s, s:s}", "file", one->file, "line",
                                              (json_int_t)one->line, "field", one->field ? one->field : "", "warning",
                                              one->warning, "zh", one->zh, "en", one->message));
    }
    json_array_append_new(checking->json,
                          json_pack("{s:s, s:b, s:o}", "pack", pack, "sound", wrong == 0, "mistakes", list));
    checking->wrong += wrong > 0;
}

static void print_result(struct checking *checking, const char *pack, const struct policy_result *result)
{
    unsigned warnings = 0;
    for (size_t i = 0; i < result->count; i++) {
        warnings += result->mistakes[i].warning;
        if (result->mistakes[i].warning)
            fputs(checking->english ? "warning: " : "提示：", stdout);
        print_mistake(stdout, &result->mistakes[i], checking->english);
    }
    unsigned wrong = (unsigned)result->count - warnings;
    if (checking->english)
        printf("%s: %u mistakes, %u warnings\n", pack, wrong, warnings);
    else
        printf("%s：%u 处错误，%u 处提示\n", pack, wrong, warnings);
    checking->wrong += wrong > 0;
}

/* One pack by itself, or several as one site uses them; one given by its folder is found with its neighbours. */
static enum err compile(struct scenario_places *places, char **packs, size_t packs_count, struct arena *arena,
                        struct policy_result *result)
{
    struct policy_source *sources = NULL;
    size_t count = 0;
    const char **names = arena_alloc(arena, packs_count * sizeof *names);
    for (size_t i = 0; i < packs_count; i++)
        names[i] = packs_count == 1 ? pack_name_of(places, arena, packs[i]) : packs[i];
    enum err err =
        policy_read_folders(places->folders, places->folders_count, names, packs_count, arena, &sources, &count);
    if (err)
        return err;
    policy_compile(sources, count, names, packs_count, arena, result);
    policy_check(result, arena);
    return ERR_NONE;
}

/* Do they go together? A site that names other packs is another one's. */
static bool uses(const json_t *site, char *const *packs, size_t packs_count)
{
    size_t i;
    json_t *pack;
    json_array_foreach(json_object_get(site, "packs"), i, pack)
        for (size_t p = 0; p < packs_count; p++) {
            const char *slash = strrchr(packs[p], '/'), *name = slash ? slash + 1 : packs[p];
            if (json_is_string(pack) && strcmp(json_string_value(pack), name) == 0)
                return true;
        }
    return !json_array_size(json_object_get(site, "packs"));
}

/* Whoever holds a post at the site is one of its people. */
static void add_held(const json_t *person, struct arena *arena, struct policy_held *held)
{
    size_t i, before = held->posts_count;
    json_t *one;
    json_array_foreach(json_object_get(person, "posts"), i, one) {
        const char *at = json_string_value(json_object_get(one, "site")),
                   *post = json_string_value(json_object_get(one, "post"));
        if (!at || !post || strcmp(at, held->site) != 0)
            continue;
        held->posts = arena_grow(arena, held->posts, held->posts_count, sizeof *held->posts);
        held->posts[held->posts_count++] = post;
    }
    if (held->posts_count == before)
        return;
    json_array_foreach(json_object_get(person, "certificates"), i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        if (!name)
            continue;
        held->certificates =
            arena_grow(arena, held->certificates, held->certificates_count, sizeof *held->certificates);
        held->certificates[held->certificates_count++] = name;
    }
}

static void check_held(const struct checking *checking, char **packs, size_t packs_count, struct arena *arena,
                       struct policy_result *result)
{
    size_t s, p;
    json_t *site, *person;
    json_array_foreach(json_object_get(checking->organisation, "sites"), s, site) {
        struct policy_held held = {.site = json_string_value(json_object_get(site, "id"))};
        if (!held.site || !uses(site, packs, packs_count))
            continue;
        json_array_foreach(json_object_get(checking->organisation, "people"), p, person)
            add_held(person, arena, &held);
        policy_check_held(result, &held, arena);
    }
}

static void check_packs(struct checking *checking, char **packs, size_t packs_count)
{
    struct arena arena;
    struct scenario_places places = checking->places;
    struct policy_result result = {0};
    arena_init(&arena);
    const char *title = packs_count == 1 ? packs[0] : checking->english ? "together" : "并用";
    enum err err = compile(&places, packs, packs_count, &arena, &result);
    if (err) {
        fprintf(stderr, "%s: %s\n", title, err_text(err));
        checking->wrong++;
    } else {
        if (checking->organisation)
            check_held(checking, packs, packs_count, &arena, &result);
        (checking->json ? add_result : print_result)(checking, title, &result);
    }
    arena_fini(&arena);
}

Policy__Policy *check_compile(struct scenario_places *places, bool english, char **packs, size_t packs_count,
                              struct arena *arena)
{
    struct policy_result result = {0};
    enum err err = compile(places, packs, packs_count, arena, &result);
    bool wrong = err != ERR_NONE;
    if (err)
        fprintf(stderr, "%s: %s\n", packs[0], err_text(err));
    for (size_t i = 0; i < result.count; i++)
        if (!result.mistakes[i].warning) {
            wrong = true;
            print_mistake(stderr, &result.mistakes[i], english);
        }
    return wrong ? NULL : result.policy;
}

int check_main(struct cli *cli, int argc, char **argv)
{
    struct checking checking = {.json = cli->json ? json_array() : NULL};
    struct scenario_places *places = &checking.places;
    int i = 1;
    bool together = false;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--together") == 0) {
            together = true;
            i--;
        } else if (strcmp(argv[i], "--packs") == 0 && !places->folders_count)
            places->folders[places->folders_count++] = argv[i + 1];
        else if (strcmp(argv[i], "--organisation") == 0 && !checking.organisation) {
            json_error_t why;
            checking.organisation = json_load_file(argv[i + 1], 0, &why);
            if (!checking.organisation) {
                fprintf(stderr, "%s:%d: %s\n", argv[i + 1], why.line, why.text);
                return 2;
            }
        } else if (strcmp(argv[i], "--language") == 0 && strcmp(argv[i + 1], "en") == 0)
            checking.english = true;
        else if (strcmp(argv[i], "--language") != 0 || strcmp(argv[i + 1], "zh-CN") != 0)
            return usage();
    }
    if (i >= argc || strncmp(argv[i], "--", 2) == 0)
        return usage();
    places->folders[places->folders_count++] = cli_share(cli, "policies");
    if (together)
        check_packs(&checking, argv + i, (size_t)(argc - i));
    for (; i < argc && !together; i++)
        check_packs(&checking, argv + i, 1);
    if (checking.json)
        cli_print_json(checking.json);
    json_decref(checking.json);
    json_decref(checking.organisation);
    return checking.wrong ? 1 : 0;
}
