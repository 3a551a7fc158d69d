#include "base/nearest.h"
#include "policy/internal.h"

#include <stdarg.h>

void mistake(struct compile *compile, const json_t *node, const char *format, ...)
{
    struct yaml_place place = node ? yaml_place_of(&compile->places, node) : (struct yaml_place){"", 0, 0};
    va_list list;
    va_start(list, format);
    struct policy_result *result = compile->result;
    result->mistakes = arena_grow(compile->arena, result->mistakes, result->count, sizeof *result->mistakes);
    result->mistakes[result->count++] = (struct policy_mistake){.file = place.line ? place.file : compile->file,
                                                                .line = place.line ? place.line : compile->line,
                                                                .field = compile->path,
                                                                .message = arena_vprintf(compile->arena, format, list)};
    va_end(list);
}

const char *path_enter(struct compile *compile, const char *name, const json_t *node)
{
    const char *before = compile->path;
    compile->path = *before ? arena_printf(compile->arena, "%s.%s", before, name) : arena_strdup(compile->arena, name);
    struct yaml_place place = yaml_place_of(&compile->places, node);
    if (place.line) {
        compile->file = place.file;
        compile->line = place.line;
    }
    return before;
}

const char *nearest(struct compile *compile, const char *word, const char *const *words, size_t count)
{
    const char *best = nearest_word(word, words, count);
    return best ? arena_printf(compile->arena, "; did you mean \"%s\"?", best) : "";
}

void only_keys(struct compile *compile, json_t *map, const char *const *keys, size_t count)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map)) {
        mistake(compile, map, "a map is accepted here");
        return;
    }
    json_object_foreach(map, key, value) {
        bool known = false;
        char *all = arena_strdup(compile->arena, "");
        for (size_t i = 0; i < count; i++) {
            known = known || strcmp(key, keys[i]) == 0;
            all = arena_printf(compile->arena, "%s %s", all, keys[i]);
        }
        if (!known)
            mistake(compile, value, "\"%s\" is not known here%s (accepted:%s)", key, nearest(compile, key, keys, count),
                    all);
    }
}
