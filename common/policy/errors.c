#include "base/nearest.h"
#include "policy/check.h"
#include "policy/internal.h"

#include <stdarg.h>

/* What lies behind the kind: "clocks.reply" of "kinds.repair.clocks.reply". */
static const char *within_kind(const char *field)
{
    const char *dot = strncmp(field, "kinds.", 6) == 0 ? strchr(field + 6, '.') : NULL;
    return dot ? dot : field;
}

static bool takes_up(const struct policy_result *result, const char *kind)
{
    for (size_t i = 0; i < result->likes_count; i++)
        if (strcmp(result->likes[i], kind) == 0)
            return true;
    return false;
}

Policy__Kind **kinds_in_order(const struct policy_result *result, const Policy__Policy *policy, struct arena *arena)
{
    Policy__Kind **list = arena_alloc(arena, (policy->n_kinds + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < policy->n_kinds; i++)
        if (!takes_up(result, policy->kinds[i]->name))
            list[count++] = policy->kinds[i];
    for (size_t i = 0; i < result->likes_count; i++)
        list[count++] = (Policy__Kind *)(uintptr_t)policy_kind(policy, result->likes[i]);
    return list;
}

bool said_of_another_kind(const struct policy_result *result, const struct policy_mistake *mistake)
{
    for (size_t i = 0; mistake->line && i < result->count; i++) {
        const struct policy_mistake *known = &result->mistakes[i];
        if (known->line == mistake->line && strcmp(known->file, mistake->file) == 0 &&
            strcmp(known->field, mistake->field) != 0 &&
            strcmp(within_kind(known->field), within_kind(mistake->field)) == 0)
            return true;
    }
    return false;
}

static void add(struct compile *compile, const json_t *node, bool warning, const char *zh, const char *en)
{
    struct yaml_place place = node ? yaml_place_of(&compile->places, node) : (struct yaml_place){"", 0, 0};
    struct policy_result *result = compile->result;
    struct policy_mistake mistake = {.file = place.line ? place.file : compile->file,
                                     .line = place.line ? place.line : compile->line,
                                     .field = compile->path,
                                     .message = en,
                                     .zh = zh,
                                     .warning = warning};
    compile->said = !said_of_another_kind(result, &mistake);
    if (compile->said)
        POLICY_ADD(compile, result->mistakes, result->count, mistake);
    compile->wrong = compile->wrong || !warning;
}

/* Beyond POLICY_MISTAKES_MAX nothing is written any more: a hostile pack would have it written by the million. */
static bool full(struct compile *compile, bool warning)
{
    if (compile->result->count < POLICY_MISTAKES_MAX)
        return false;
    compile->wrong = compile->wrong || !warning;
    compile->said = false;
    return true;
}

/* What a setting says is mended where it is set. */
static const json_t *where_said(const struct compile *compile, const json_t *node)
{
    const char *text = json_string_value(node);
    const json_t *setting = text && *text == '$' ? json_object_get(compile->settings, text + 1) : NULL;
    const json_t *value = json_object_get(setting, "value");
    return value && yaml_place_of(&compile->places, value).line ? value : node;
}

static void say(struct compile *compile, const json_t *node, bool warning, const char *zh, const char *en, va_list list)
{
    va_list again;
    if (full(compile, warning))
        return;
    if (compile->no_map && strcmp(compile->path, compile->no_map) == 0) {
        compile->said = false;
        return;
    }
    va_copy(again, list);
    const char *text_zh = arena_vprintf(compile->arena, zh, list);
    add(compile, where_said(compile, node), warning, text_zh, arena_vprintf(compile->arena, en, again));
    va_end(again);
}

void mistake(struct compile *compile, const json_t *node, const char *zh, const char *en, ...)
{
    va_list list;
    va_start(list, en);
    say(compile, node, false, zh, en, list);
    va_end(list);
}

void caution(struct compile *compile, const json_t *node, const char *zh, const char *en, ...)
{
    va_list list;
    va_start(list, en);
    say(compile, node, true, zh, en, list);
    va_end(list);
}

/* Accepted, because the language has it; without effect, and that is said. */
void not_carried_out(struct compile *compile, const json_t *map, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *node = json_object_get(map, keys[i]);
        if (node && !full(compile, true))
            add(compile, node, true, arena_printf(compile->arena, "本版本不执行 \"%s\"", keys[i]),
                arena_printf(compile->arena, "\"%s\" is not carried out by this version", keys[i]));
    }
}

void suggest(struct compile *compile, const char *word, const char *const *words, size_t count)
{
    const char *near = compile->said ? nearest_word(word, words, count) : NULL;
    if (!near)
        return;
    struct policy_mistake *last = &compile->result->mistakes[compile->result->count - 1];
    last->zh = arena_printf(compile->arena, "%s；是否指 \"%s\"？", last->zh, near);
    last->message = arena_printf(compile->arena, "%s; did you mean \"%s\"?", last->message, near);
}

void suggest_key(struct compile *compile, const char *word, json_t *map)
{
    const char *key, **names = NULL;
    json_t *value;
    size_t count = 0;
    json_object_foreach(map, key, value)
        POLICY_ADD(compile, names, count, key);
    suggest(compile, word, names, count);
}

const char *path_enter(struct compile *compile, const char *name, const json_t *node)
{
    const char *before = compile->path;
    compile->path = *before ? arena_printf(compile->arena, "%s.%s", before, name) : arena_strdup(compile->arena, name);
    struct yaml_place place = yaml_place_of(&compile->places, node);
    if (place.line) {
        struct policy_result *result = compile->result;
        struct policy_place here = {compile->path, place.file, place.line};
        POLICY_ADD(compile, result->places, result->places_count, here);
        compile->file = place.file;
        compile->line = place.line;
    }
    compile->entered = node;
    return before;
}

/* Words of the language whose primitives no service carries out yet: a pack that needs them must not be published as if
   they were. */
static bool of_the_language(const char *key)
{
    static const char *const words[] = {
        "things", "chains",   "patterns", "schedules", "indicators", "limits",   "sealed",       "mask",
        "is",     "copy_of",  "lock",     "parts",     "checklist",  "in_order", "key",          "each",
        "whose",  "prompts",  "holding",  "co_owner",  "as",         "while",    "repeat",       "hours",
        "digest", "together", "once",     "mark",      "ask",        "share",    "all_channels", "rows",
        "sign",   "bind",     "scope",    "review",    "trial",      "min",      "max",          "receipt"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], key) == 0)
            return true;
    return false;
}

bool map_or_none(struct compile *compile, const json_t *node)
{
    if (node && !json_is_object(node))
        mistake(compile, node, "此处须为键值对", "a map is accepted here");
    return !node || json_is_object(node);
}

void only_keys(struct compile *compile, json_t *map, const char *const *keys, size_t count)
{
    const char *key;
    json_t *value;
    size_t written = 0; /* those with a space are made while compiling, and stand last */
    while (written < count && !strchr(keys[written], ' '))
        written++;
    if (!json_is_object(map)) {
        map_or_none(compile, map);
        if (map && map == compile->entered)
            compile->no_map = compile->path;
        return;
    }
    json_object_foreach(map, key, value) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(key, keys[i]) == 0;
        if (known || full(compile, known))
            continue;
        if (of_the_language(key)) {
            mistake(compile, value, "本版本不执行 \"%s\"", "\"%s\" is not carried out by this version", key);
            continue;
        }
        mistake(compile, value, "此处没有 \"%s\"（可用：%s）", "\"%s\" is not known here (accepted: %s)", key,
                arena_join(compile->arena, keys, written, " "));
        suggest(compile, key, keys, written);
    }
}

/* What is wrong with a section of a kind is not wrong with the whole of it. */
static const char *enter_section(struct compile *compile, const char *section)
{
    const char *before = compile->path;
    if (*before)
        compile->path = arena_printf(compile->arena, "%s.%s", before, section);
    return before;
}

void sections_of(struct compile *compile, json_t *map, const char *const *keys, size_t count, size_t heads)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(map, next, key, value) {
        const char *near = nearest_word(key, keys, count);
        if (!near || strcmp(near, key) == 0 || json_object_get(map, near))
            continue;
        const char *before = enter_section(compile, near);
        mistake(compile, value, "此处没有 \"%s\"；是否指 \"%s\"？", "\"%s\" is not known here; did you mean \"%s\"?",
                key, near);
        compile->path = before;
        json_object_set(map, near, value);
        json_object_del(map, key);
    }
    for (size_t i = heads; i < count; i++) {
        value = json_object_get(map, keys[i]);
        if (!value || json_is_object(value))
            continue;
        const char *before = enter_section(compile, keys[i]);
        mistake(compile, value, "%s 须为键值对", "%s: a map is accepted here", keys[i]);
        compile->path = before;
        json_object_del(map, keys[i]);
    }
}
