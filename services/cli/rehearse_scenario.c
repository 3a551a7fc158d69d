/* Reading scenarios: the head of a document first, because the policy it names says what its lines may hold. */
#include "rehearse_reading.h"

/* ---- given ---- */

static void case_given(struct reading *reading, json_t *map, const char *name, const char *kind_key)
{
    struct scenario_case one = {.name = arena_strdup(reading->arena, name), .at_ms = INT64_MIN};
    json_t *kind_node = json_object_get(map, kind_key), *stage = json_object_get(map, "stage");
    one.kind = reading_text_of(reading, kind_node);
    one.stage = reading_text_of(reading, stage);
    const Policy__Kind *kind = reading_kind_of(reading, kind_node ? kind_node : map, one.kind);
    if (kind && *one.stage && !policy_stage(kind, one.stage))
        reading_wrong_word(reading, stage, arena_printf(reading->arena, "%s 没有阶段", kind->name),
                           arena_printf(reading->arena, "%s has no stage", kind->name), one.stage,
                           NAMES(reading, kind->stages, kind->n_stages), kind->n_stages);
    const char *before = reading_enter(reading, "with");
    one.with = reading_pairs_of(reading, json_object_get(map, "with"), &one.with_count);
    reading->path = before;
    if (json_object_get(map, "at"))
        one.at_ms = reading_time_of(reading, json_object_get(map, "at"));
    if (kind)
        reading_case_add(reading, map, one.name, kind);
    ADD(reading, reading->scenario->cases, reading->scenario->cases_count, one);
}

/* {c1: {kind, stage, with, at}}, or many alike: {of: kind, names: [..], at, with}. */
static void cases_of(struct reading *reading, json_t *map)
{
    const char *key;
    json_t *value;
    if (json_object_get(map, "of")) {
        size_t count;
        ONLY_KEYS(reading, map, "of", "names", "at", "with", "stage");
        char **names = reading_texts_of(reading, json_object_get(map, "names"), &count);
        if (count == 0)
            wrong(reading, map, "缺少 names：案件名", "\"names\" is missing: what the cases are called");
        for (size_t i = 0; i < count; i++)
            case_given(reading, map, names[i], "of");
        return;
    }
    if (map && !json_is_object(map))
        wrong(reading, map, "须为 {案件名: {kind, stage, with, at}}", "accepted: {name: {kind, stage, with, at}}");
    json_object_foreach(map, key, value) {
        const char *before = reading_enter(reading, arena_strdup(reading->arena, key));
        if (ONLY_KEYS(reading, value, "kind", "stage", "with", "at"))
            case_given(reading, value, key, "kind");
        reading->path = before;
    }
}

static void given_of(struct reading *reading, json_t *given)
{
    const char *before = reading_enter(reading, "given");
    if (given && !ONLY_KEYS(reading, given, "people", "calendar", "cases", "settings", "for", "things", "rosters"))
        given = NULL;
    const char *inner = reading_enter(reading, "people");
    reading_people(reading, json_object_get(given, "people"));
    reading->path = inner;
    reading_enter(reading, "things");
    reading_things(reading, json_object_get(given, "things"));
    reading->path = inner;
    reading_enter(reading, "rosters");
    reading_rosters(reading, json_object_get(given, "rosters"), &reading->scenario->shifts,
                    &reading->scenario->shifts_count);
    reading->path = inner;
    reading_enter(reading, "cases");
    cases_of(reading, json_object_get(given, "cases"));
    reading->path = before;
}

/* ---- the head of a document ---- */

static void ignore_of(struct reading *reading, json_t *node)
{
    static const enum expect_what whats[] = {EXPECT_WARNING, EXPECT_LATE, EXPECT_OPENED, EXPECT_PROBLEM};
    const char *words[sizeof whats / sizeof *whats];
    size_t count, whats_count = sizeof whats / sizeof *whats;
    char **names = reading_texts_of(reading, node, &count);
    for (size_t i = 0; i < whats_count; i++)
        words[i] = expect_word(whats[i]);
    for (size_t i = 0; i < count; i++) {
        if (!reading_among(names[i], words, whats_count))
            reading_wrong_word(reading, node, "不能忽略", "cannot be ignored:", names[i], words, whats_count);
        for (size_t w = 0; w < whats_count; w++)
            if (strcmp(words[w], names[i]) == 0)
                reading->scenario->ignore |= 1u << whats[w];
    }
}

static void title_of(struct reading *reading, json_t *node)
{
    struct scenario *scenario = reading->scenario;
    scenario->zh = reading_text_of(reading, json_array_get(node, 0));
    scenario->en = reading_text_of(reading, json_array_get(node, 1));
    if (!*scenario->zh || !*scenario->en)
        wrong(reading, node, "缺少 title：[中文, English]", "\"title\" is missing: [Chinese, English]");
}

/* The pack whose name begins the first clause, where the scenario names none: PROP-11 of PROP-11-08. */
static void packs_of(struct reading *reading, json_t *node)
{
    struct scenario *scenario = reading->scenario;
    scenario->packs = reading_texts_of(reading, node, &scenario->packs_count);
    if (scenario->packs_count || scenario->clauses_count == 0 || !*scenario->clauses[0])
        return;
    const char *clause = scenario->clauses[0], *dash = strrchr(clause, '-');
    char *pack =
        dash ? arena_text(reading->arena, clause, (size_t)(dash - clause)) : arena_strdup(reading->arena, clause);
    ADD(reading, scenario->packs, scenario->packs_count, pack);
}

static const char *quoted(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, strlen(text) * 2 + 3), *to = out;
    for (*to++ = '"'; *text; *to++ = *text++)
        if (*text == '"' || *text == '\\')
            *to++ = '\\';
    *to++ = '"';
    *to = 0;
    return out;
}

struct policy_source scenario_settings_pack(struct arena *arena, const char *name, const struct scenario_pair *settings,
                                            size_t count)
{
    const char *text =
        arena_printf(arena, "pack: %s\nname: [本场景的设置, Settings of this scenario]\nsettings:\n", name);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s  %s: {value: %s}\n", text, settings[i].name, quoted(arena, settings[i].value));
    return (struct policy_source){arena_printf(arena, "%s/settings.yaml", name), bytes_of_text(text)};
}

static void add_settings_pack(struct reading *reading, json_t *map)
{
    struct scenario *scenario = reading->scenario;
    size_t count;
    struct scenario_pair *settings = reading_pairs_of(reading, map, &count);
    struct policy_source source = scenario_settings_pack(reading->arena, "SETTINGS", settings, count);
    ADD(reading, scenario->sources, scenario->sources_count, source);
    ADD(reading, scenario->packs, scenario->packs_count, arena_strdup(reading->arena, "SETTINGS"));
}

static void add_compile_mistakes(struct reading *reading, const struct policy_result *result)
{
    struct scenario_mistakes *mistakes = reading->mistakes;
    for (size_t i = 0; i < result->count; i++) {
        const struct policy_mistake *found = &result->mistakes[i];
        bool placed = *found->file; /* a pack that is not there stands nowhere: it is named by the scenario */
        struct scenario_mistake mistake = {placed ? found->file : reading->file, placed ? found->line : reading->line,
                                           found->field, found->zh, found->message};
        if (!found->warning)
            ADD(mistakes, mistakes->list, mistakes->count, mistake);
    }
}

static bool compile(struct reading *reading)
{
    struct scenario *scenario = reading->scenario;
    struct policy_result result;
    policy_compile(scenario->sources, scenario->sources_count, (const char *const *)scenario->packs,
                   scenario->packs_count, reading->arena, &result);
    policy_check(&result, reading->arena);
    size_t before = reading->mistakes->count;
    add_compile_mistakes(reading, &result);
    scenario->policy = result.policy;
    return reading->mistakes->count == before;
}

static bool policy_of(struct reading *reading, const struct scenario_places *places, const json_t *node)
{
    struct scenario *scenario = reading->scenario;
    if (scenario->packs_count == 0) {
        wrong(reading, node, "缺少 packs：制度包", "\"packs\" is missing: which policies are rehearsed?");
        return false;
    }
    enum err err =
        policy_read_folders(places->folders, places->folders_count, (const char *const *)scenario->packs,
                            scenario->packs_count, reading->arena, &scenario->sources, &scenario->sources_count);
    if (!err)
        return compile(reading);
    wrong(reading, node, "无法读取制度文件：%s", "the policy files cannot be read: %s", err_text(err));
    return false;
}

/* Times are those of the zone of the policy's calendar. */
static bool zone_of(struct reading *reading, const struct scenario_places *places, const json_t *node)
{
    struct scenario *scenario = reading->scenario;
    const char *name = scenario->policy->calendar, *zone = "Asia/Shanghai";
    Calendar__Calendar *calendar = NULL;
    char *why = "";
    if (strchr(name, '/'))
        wrong(reading, node, "没有日历 \"%s\"", "there is no calendar \"%s\"", name);
    else if (*name && calendar_load(arena_printf(reading->arena, "%s/%s.json", places->calendars, name), reading->arena,
                                    &calendar, &why))
        wrong(reading, node, "日历 \"%s\" 无法读取：%s", "the calendar \"%s\" cannot be read: %s", name, why);
    if (calendar)
        zone = calendar->zone;
    scenario->zone_name = zone;
    if (!zone_load(NULL, zone, &scenario->zone))
        return !*name || calendar;
    wrong(reading, node, "没有时区 %s", "there is no time zone %s", zone);
    return false;
}

/* ---- rows: the run is repeated with $column replaced ---- */

static const char *column(struct reading *reading, const json_t *node, json_t *row, const char *name)
{
    const char *value = json_string_value(json_object_get(row, name)), *key, **names = NULL;
    json_t *one;
    size_t count = 0;
    if (value)
        return value;
    json_object_foreach(row, key, one)
        ADD(reading, names, count, key);
    reading_wrong_word(reading, node, "for 中没有列", "\"for\" has no column", name, names, count);
    return "";
}

struct text_made {
    char *text; /* malloc: it grows */
    size_t size, room;
};

#define REPLACED_BYTES_MAX (1u << 20) /* of one text */

/* False: that is too much. */
static bool add_text(struct text_made *made, const char *text, size_t size)
{
    if (size > REPLACED_BYTES_MAX - made->size)
        return false;
    if (made->size + size + 1 > made->room) {
        made->room = 2 * (made->size + size + 1);
        made->text = realloc(made->text, made->room);
        bug_unless(made->text);
    }
    memcpy(made->text + made->size, text, size);
    made->size += size;
    made->text[made->size] = 0;
    return true;
}

/* A new reference. */
static json_t *replaced(struct reading *reading, const json_t *node, json_t *row)
{
    const char *text = json_string_value(node), *dollar;
    struct text_made made = {0};
    bool fits = true;
    while (fits && (dollar = strchr(text, '$'))) {
        size_t size = strspn(dollar + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
        const char *name = arena_text(reading->arena, dollar + 1, size);
        const char *value = size ? column(reading, node, row, name) : "$";
        fits = add_text(&made, text, (size_t)(dollar - text)) && add_text(&made, value, strlen(value));
        text = dollar + 1 + size;
    }
    fits = fits && add_text(&made, text, strlen(text));
    if (!fits)
        wrong(reading, node, "代入 for 的值后过长（最多 1 MiB）",
              "with the values of \"for\" in it this is too long (at most 1 MiB)");
    json_t *copy = json_string(fits ? made.text : "");
    free(made.text);
    return copy;
}

static json_t *placed(struct reading *reading, json_t *copy, const json_t *node)
{
    yaml_places_add(&reading->places, copy, yaml_place_of(&reading->places, node));
    return copy;
}

static json_t *with_row(struct reading *reading, json_t *node, json_t *row)
{
    const char *key;
    json_t *value, *copy;
    size_t i;
    if (json_is_object(node)) {
        copy = json_object();
        json_object_foreach(node, key, value)
            json_object_set_new(copy, key, with_row(reading, value, row));
    } else if (json_is_array(node)) {
        copy = json_array();
        json_array_foreach(node, i, value)
            json_array_append_new(copy, with_row(reading, value, row));
    } else {
        copy = replaced(reading, node, row);
    }
    return placed(reading, copy, node);
}

static const char *row_text(struct reading *reading, json_t *row)
{
    const char *text = "", *key;
    json_t *value;
    json_object_foreach(row, key, value)
        text = arena_printf(reading->arena, "%s%s%s %s", text, *text ? ", " : "", key,
                            json_string_value(value) ? json_string_value(value) : "");
    return *text ? arena_printf(reading->arena, " [%s]", text) : "";
}

/* ---- one document ---- */

/* What the lines need comes first; of lines about an unknown policy everything would be a mistake. */
static void read_lines(struct reading *reading, json_t *root, const struct scenario_places *places)
{
    struct scenario *scenario = reading->scenario;
    json_t *given = json_object_get(root, "given"), *packs = json_object_get(root, "packs");
    json_t *settings = json_object_get(given, "settings");
    if (!policy_of(reading, places, packs ? packs : root) || !zone_of(reading, places, packs ? packs : root))
        return;
    reading->clock = (struct scenario_clock){.zone = scenario->zone};
    size_t before = reading->mistakes->count;
    reading->path = "given.settings";
    reading_settings_known(reading, settings);
    reading->path = "";
    if (reading->mistakes->count != before)
        return;
    if (json_object_size(settings))
        add_settings_pack(reading, settings);
    if (json_object_size(settings) && !compile(reading))
        return;
    given_of(reading, given);
    reading_run(reading, json_object_get(root, "run"));
    for (size_t i = 0; i < scenario->cases_count && scenario->lines_count; i++)
        if (scenario->cases[i].at_ms == INT64_MIN)
            scenario->cases[i].at_ms = scenario->lines[0].at_ms;
}

static struct scenario read_document(struct reading *reading, json_t *root, json_t *row,
                                     const struct scenario_places *places)
{
    struct scenario scenario = {.file = reading->file, .line = reading_line_of(reading, root), .zh = "", .en = ""};
    reading->scenario = &scenario;
    reading->line = scenario.line;
    reading->path = "";
    reading->cases_count = 0;
    reading->last_case = "";
    if (!ONLY_KEYS(reading, root, "scenario", "packs", "title", "given", "run", "strict", "ignore"))
        return scenario;
    scenario.row = row_text(reading, row);
    scenario.clauses = reading_texts_of(reading, json_object_get(root, "scenario"), &scenario.clauses_count);
    if (scenario.clauses_count == 0)
        wrong(reading, root, "缺少 scenario：条款", "\"scenario\" is missing: the clause it shows, or a list");
    title_of(reading, json_object_get(root, "title"));
    packs_of(reading, json_object_get(root, "packs"));
    reading->path = "strict";
    scenario.strict = reading_yes_of(reading, json_object_get(root, "strict"), true);
    reading->path = "ignore";
    ignore_of(reading, json_object_get(root, "ignore"));
    reading->path = "";
    scenario.calendars = reading_texts_of(reading, json_object_get(json_object_get(root, "given"), "calendar"),
                                          &scenario.calendars_count);
    read_lines(reading, root, places);
    return scenario;
}

static json_t *rows_of(struct reading *reading, json_t *root)
{
    json_t *rows = json_object_get(json_object_get(root, "given"), "for"), *row;
    size_t i;
    bool good = json_is_array(rows) && json_array_size(rows) && json_array_size(rows) <= SCENARIO_ROWS_MAX;
    json_array_foreach(rows, i, row)
        good = good && json_is_object(row);
    if (rows && !good)
        wrong(reading, rows, "for 须为 1 至 100 行，如 [{in: 15:00, due: 24:00}]",
              "\"for\" has 1 to 100 rows, as [{in: 15:00, due: 24:00}]");
    return good ? rows : NULL;
}

static void read_rows(struct reading *reading, json_t *root, const struct scenario_places *places,
                      struct scenario **scenarios, size_t *count)
{
    json_t *rows = rows_of(reading, root), *none = json_object();
    size_t rows_count = rows ? json_array_size(rows) : 1;
    for (size_t i = 0; i < rows_count && reading->mistakes->count < POLICY_MISTAKES_MAX; i++) {
        json_t *row = rows ? json_array_get(rows, i) : none, *given = json_object_get(root, "given");
        json_t *copy = placed(reading, json_copy(root), root), *run = json_object_get(root, "run");
        if (run)
            json_object_set_new(copy, "run", with_row(reading, run, row));
        if (json_is_object(given) && json_object_get(given, "cases")) {
            json_t *given_copy = placed(reading, json_copy(given), given);
            json_object_set_new(given_copy, "cases", with_row(reading, json_object_get(given, "cases"), row));
            json_object_set_new(copy, "given", given_copy);
        }
        struct scenario one = read_document(reading, copy, row, places);
        ADD(reading, *scenarios, *count, one);
        json_array_append_new(reading->copies, copy);
    }
    json_decref(none);
}

void scenario_read(const char *path, const struct scenario_places *places, struct scenario_mistakes *mistakes,
                   struct scenario **scenarios_out, size_t *count_out)
{
    struct reading reading = {.arena = mistakes->arena, .mistakes = mistakes, .file = path, .line = 1, .path = ""};
    struct bytes text;
    json_t *documents, *root;
    size_t i;
    char *why;
    *scenarios_out = NULL;
    *count_out = 0;
    yaml_places_init(&reading.places, reading.arena);
    enum err err = yaml_read_file(path, reading.arena, &text);
    if (err) {
        wrong(&reading, NULL, "无法读取：%s", "cannot be read: %s", err_text(err));
        return;
    }
    if (yaml_parse_all(path, text, &reading.places, &documents, &why)) {
        reading.line = 0; /* the parser names the place itself */
        wrong(&reading, NULL, "不是有效的 YAML：%s", "no valid YAML: %s", why);
        return;
    }
    if (json_array_size(documents) == 0)
        wrong(&reading, NULL, "文件中没有场景", "the file holds no scenario");
    reading.copies = json_array();
    json_array_foreach(documents, i, root)
        read_rows(&reading, root, places, scenarios_out, count_out);
    json_decref(reading.copies);
    json_decref(documents);
}

void scenario_free(struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zone_free(scenarios[i].zone);
}
