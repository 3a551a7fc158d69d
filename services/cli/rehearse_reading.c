/* Scalars, lists and names, each with its place and, where it is wrong, with what would be accepted. */
#include "rehearse_reading.h"

#include "base/nearest.h"

#include <stdarg.h>

/* ---- telling ---- */

unsigned reading_line_of(const struct reading *reading, const json_t *node)
{
    unsigned line = node ? yaml_place_of(&reading->places, node).line : 0;
    return line ? line : reading->line;
}

void reading_add_mistake(struct reading *reading, const json_t *node, const char *zh, const char *en)
{
    struct scenario_mistakes *mistakes = reading->mistakes;
    struct scenario_mistake mistake = {reading->file, reading_line_of(reading, node), reading->path, zh, en};
    for (size_t i = 0; i < mistakes->count; i++) { /* every row of `for:` says the same */
        const struct scenario_mistake *known = &mistakes->list[i];
        if (known->line == mistake.line && strcmp(known->field, mistake.field) == 0 && strcmp(known->en, en) == 0)
            return;
    }
    mistakes->list = arena_grow(mistakes->arena, mistakes->list, mistakes->count, sizeof *mistakes->list);
    mistakes->list[mistakes->count++] = mistake;
}

void wrong(struct reading *reading, const json_t *node, const char *zh, const char *en, ...)
{
    va_list list;
    va_start(list, en);
    const char *text_zh = arena_vprintf(reading->arena, zh, list);
    va_end(list);
    va_start(list, en);
    reading_add_mistake(reading, node, text_zh, arena_vprintf(reading->arena, en, list));
    va_end(list);
}

const char *reading_enter(struct reading *reading, const char *name)
{
    const char *before = reading->path;
    bool index = *name == '[';
    reading->path = *before ? arena_printf(reading->arena, index ? "%s%s" : "%s.%s", before, name) : name;
    return before;
}

const char *reading_enter_index(struct reading *reading, size_t index)
{
    return reading_enter(reading, arena_printf(reading->arena, "[%zu]", index));
}

const char *reading_joined(struct reading *reading, const char *const *words, size_t count)
{
    const char *all = arena_join(reading->arena, words, count < 40 ? count : 40, " ");
    return count > 40 ? arena_printf(reading->arena, "%s ...", all) : all;
}

/* "X" is not one of these; the nearest and all that are accepted. */
void reading_wrong_word(struct reading *reading, const json_t *node, const char *zh, const char *en, const char *word,
                        const char *const *words, size_t count)
{
    const char *near = nearest_word(word, words, count), *all = reading_joined(reading, words, count);
    const char *near_zh = near ? arena_printf(reading->arena, "，是否指 \"%s\"？", near) : "";
    const char *near_en = near ? arena_printf(reading->arena, "; did you mean \"%s\"?", near) : "";
    reading_add_mistake(reading, node, arena_printf(reading->arena, "%s \"%s\"%s（可用：%s）", zh, word, near_zh, all),
                        arena_printf(reading->arena, "%s \"%s\"%s (accepted: %s)", en, word, near_en, all));
}

bool reading_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

bool reading_only_keys(struct reading *reading, json_t *map, const char *const *keys, size_t count)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map)) {
        wrong(reading, map, "此处须为键值对", "a map is accepted here");
        return false;
    }
    json_object_foreach(map, key, value) {
        if (!reading_among(key, keys, count))
            reading_wrong_word(reading, value, "此处没有", "not known here:", key, keys, count);
    }
    return true;
}
/* ---- scalars and lists ---- */

const char *reading_text_of(struct reading *reading, json_t *node)
{
    if (node && !json_is_string(node))
        wrong(reading, node, "此处须为一个词或一段文字", "a single word or text is accepted here");
    return json_is_string(node) ? arena_strdup(reading->arena, json_string_value(node)) : "";
}

char **reading_texts_of(struct reading *reading, json_t *node, size_t *count)
{
    char **list = NULL;
    size_t i;
    json_t *item;
    *count = 0;
    if (json_is_array(node))
        json_array_foreach(node, i, item)
            ADD(reading, list, *count, (char *)(uintptr_t)reading_text_of(reading, item));
    else if (node)
        ADD(reading, list, *count, (char *)(uintptr_t)reading_text_of(reading, node));
    return list;
}

/* A list becomes one text, as a person would write it on the form. */
struct scenario_pair *reading_pairs_of(struct reading *reading, json_t *map, size_t *count)
{
    struct scenario_pair *pairs = NULL;
    const char *key;
    json_t *value;
    *count = 0;
    if (map && !json_is_object(map))
        wrong(reading, map, "此处须为键值对，如 {channel: phone}", "a map is accepted here, as {channel: phone}");
    json_object_foreach(map, key, value) {
        const char *before = reading_enter(reading, arena_strdup(reading->arena, key));
        size_t texts_count;
        char **texts = reading_texts_of(reading, value, &texts_count);
        const char *text = arena_join(reading->arena, (const char *const *)texts, texts_count, "、");
        struct scenario_pair pair = {arena_strdup(reading->arena, key), text, reading_line_of(reading, value)};
        ADD(reading, pairs, *count, pair);
        reading->path = before;
    }
    return pairs;
}

bool reading_yes_of(struct reading *reading, json_t *node, bool otherwise)
{
    const char *text = reading_text_of(reading, node);
    if (*text && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        wrong(reading, node, "须为 yes 或 no", "yes or no is accepted");
    return node ? strcmp(text, "yes") == 0 : otherwise;
}

int64_t reading_time_of(struct reading *reading, json_t *node)
{
    const char *text = reading_text_of(reading, node);
    int64_t ms = 0;
    if (*text && !scenario_time_parse(&reading->clock, text, &ms))
        wrong(reading, node, "\"%s\" 不是时间；可用：2025-03-03 15:00、15:00（同上一行的日期）、+7 min 30 s",
              "\"%s\" is no time; accepted: 2025-03-03 15:00, 15:00 (the day of the line above), +7 min 30 s", text);
    return ms;
}

/* ---- names of the policy ---- */

const Policy__Kind *reading_kind_of(struct reading *reading, const json_t *node, const char *name)
{
    const Policy__Policy *policy = reading->scenario->policy;
    const Policy__Kind *kind = policy_kind(policy, name);
    if (!kind)
        reading_wrong_word(reading, node, "制度中没有事项", "the policy has no kind", name,
                           NAMES(reading, policy->kinds, policy->n_kinds), policy->n_kinds);
    return kind;
}

const struct known_case *reading_case_find(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->cases_count; i++)
        if (strcmp(reading->cases[i].name, name) == 0)
            return &reading->cases[i];
    return NULL;
}

const struct known_case *reading_case_of(struct reading *reading, const json_t *node, const char *name)
{
    const struct known_case *known = reading_case_find(reading, name);
    const char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < reading->cases_count; i++)
        ADD(reading, names, count, reading->cases[i].name);
    if (!known)
        reading_wrong_word(reading, node, "此前没有登记案件", "no case of this name so far:", name, names, count);
    return known;
}

void reading_case_add(struct reading *reading, const json_t *node, const char *name, const Policy__Kind *kind)
{
    if (reading_case_find(reading, name))
        wrong(reading, node, "案件名 \"%s\" 已用过", "the name \"%s\" is taken by a case above", name);
    else if (strchr(name, '.') || !*name)
        wrong(reading, node, "案件名 \"%s\" 无效：不得有句点", "\"%s\" is no name of a case: no dots", name);
    ADD(reading, reading->cases, reading->cases_count, ((struct known_case){name, kind}));
    reading->last_case = name;
}

/* "c1.reply" -> "c1" and "reply"; "c1" -> "c1" and "". */
const char *reading_split(struct reading *reading, const char *text, const char **rest_out)
{
    const char *dot = strchr(text, '.');
    *rest_out = dot ? dot + 1 : "";
    return dot ? arena_text(reading->arena, text, (size_t)(dot - text)) : text;
}

void reading_clock_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *clock)
{
    char plain[128] = {0}; /* "plan.2": of the second part */
    size_t size = strcspn(clock, ".");
    memcpy(plain, clock, size < sizeof plain ? size : sizeof plain - 1);
    if (!*clock || policy_clock(kind, clock) || policy_clock(kind, plain))
        return;
    reading_wrong_word(reading, node, arena_printf(reading->arena, "%s 没有时钟", kind->name),
                       arena_printf(reading->arena, "%s has no clock", kind->name), clock,
                       NAMES(reading, kind->clocks, kind->n_clocks), kind->n_clocks);
}

void reading_field_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *field)
{
    static const char *const common[] = {"category",      "channel",     "place",         "lead",     "handler",
                                         "joint",         "received_at", "registered_at", "phase",    "round",
                                         "first_contact", "schedule",    "period",        "co_owner", "post_withdrawn"};
    for (size_t i = 0; i < kind->n_chains; i++)
        if (strcmp(kind->chains[i]->name, field) == 0)
            return;
    for (size_t i = 0; i < kind->n_limits; i++)
        if (strcmp(kind->limits[i]->name, field) == 0)
            return;
    if (policy_field_of_fact(kind, field) || strchr(field, '.') ||
        reading_among(field, common, sizeof common / sizeof *common))
        return;
    reading_wrong_word(reading, node, arena_printf(reading->arena, "%s 没有字段", kind->name),
                       arena_printf(reading->arena, "%s has no field", kind->name), field,
                       NAMES(reading, kind->fields, kind->n_fields), kind->n_fields);
}

void reading_stage_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *stage)
{
    if (!policy_stage(kind, stage))
        reading_wrong_word(reading, node, arena_printf(reading->arena, "%s 没有阶段", kind->name),
                           arena_printf(reading->arena, "%s has no stage", kind->name), stage,
                           NAMES(reading, kind->stages, kind->n_stages), kind->n_stages);
}

void reading_settings_known(struct reading *reading, json_t *map)
{
    const Policy__Policy *policy = reading->scenario->policy;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        bool known = false;
        for (size_t i = 0; i < policy->n_settings; i++)
            known = known || strcmp(policy->settings[i]->name, key) == 0;
        if (!known)
            reading_wrong_word(reading, value, "制度中没有设置", "the policy has no setting", key,
                               NAMES(reading, policy->settings, policy->n_settings), policy->n_settings);
    }
}
