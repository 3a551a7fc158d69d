#include "yaml/yaml.h"

#include "base/file.h"

#include <stdlib.h>
#include <yaml.h>

/* Jansson without memory leaves members out, in our code as in its own: a policy would lack a step. As everywhere here
   the process ends instead. Every program reads its configuration or a pack, so this is in all of them. */
static void *needed(size_t size)
{
    void *memory = malloc(size);
    bug_unless(memory);
    return memory;
}

__attribute__((constructor)) static void jansson_needs_memory(void)
{
    json_set_alloc_funcs(needed, free);
}

struct parse {
    yaml_parser_t parser;
    const char *file;
    struct yaml_places *places;
    char **why_out;
    enum err err;
    size_t nodes_left;
};

void yaml_places_init(struct yaml_places *places, struct arena *arena)
{
    *places = (struct yaml_places){.arena = arena};
}

/* The slot of a node: where it is, or where it would be. */
static struct yaml_placed *slot_of(const struct yaml_places *places, const json_t *node)
{
    size_t at = ((uintptr_t)node >> 4) * 0x9E3779B97F4A7C15ull >> 20 & (places->room - 1);
    while (places->slots[at].node && places->slots[at].node != node)
        at = (at + 1) & (places->room - 1);
    return &places->slots[at];
}

static void make_room(struct yaml_places *places)
{
    struct yaml_placed *old = places->slots;
    size_t old_room = places->room;
    places->room = old_room ? old_room * 2 : 64;
    places->slots = arena_zero(places->arena, places->room * sizeof *places->slots);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].node)
            *slot_of(places, old[i].node) = old[i];
}

static uint16_t file_of(struct yaml_places *places, const char *file)
{
    for (size_t i = places->files_count; i-- > 0;) /* mostly the last one */
        if (places->files[i] == file || strcmp(places->files[i], file) == 0)
            return (uint16_t)i;
    bug_unless(places->files_count < UINT16_MAX);
    places->files = arena_grow(places->arena, places->files, places->files_count, sizeof *places->files);
    places->files[places->files_count] = file;
    return (uint16_t)places->files_count++;
}

void yaml_places_add(struct yaml_places *places, const json_t *node, struct yaml_place place)
{
    if (places->count * 4 >= places->room * 3)
        make_room(places);
    struct yaml_placed *slot = slot_of(places, node);
    places->count += !slot->node;
    *slot = (struct yaml_placed){node, place.line, (uint16_t)(place.column < UINT16_MAX ? place.column : UINT16_MAX),
                                 file_of(places, place.file)};
}

struct yaml_place yaml_place_of(const struct yaml_places *places, const json_t *node)
{
    const struct yaml_placed *slot = places->room && node ? slot_of(places, node) : NULL;
    return slot && slot->node ? (struct yaml_place){places->files[slot->file], slot->line, slot->column}
                              : (struct yaml_place){"", 0, 0};
}

static json_t *placed(struct parse *parse, json_t *node, yaml_mark_t mark)
{
    yaml_places_add(parse->places, node,
                    (struct yaml_place){parse->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1});
    return node;
}

static void wrong(struct parse *parse, yaml_mark_t mark, const char *what)
{
    if (parse->err)
        return;
    parse->err = ERR_MALFORMED;
    *parse->why_out =
        arena_printf(parse->places->arena, "%s:%zu:%zu: %s", parse->file, mark.line + 1, mark.column + 1, what);
}

static bool next(struct parse *parse, yaml_event_t *event)
{
    if (parse->err)
        return false;
    if (yaml_parser_parse(&parse->parser, event))
        return true;
    bug_unless(parse->parser.error != YAML_MEMORY_ERROR); /* else it would say that a good file is none */
    wrong(parse, parse->parser.problem_mark, parse->parser.problem ? parse->parser.problem : "not YAML");
    return false;
}

static json_t *node(struct parse *parse, yaml_event_t *event, unsigned depth);

static json_t *scalar(struct parse *parse, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    json_t *string = json_stringn(text, event->data.scalar.length);
    if (!string) {
        wrong(parse, event->start_mark, "the text is not UTF-8");
        return NULL;
    }
    if (strlen(text) != event->data.scalar.length)
        wrong(parse, event->start_mark, "a text must not hold NUL");
    return placed(parse, string, event->start_mark);
}

static json_t *sequence(struct parse *parse, yaml_mark_t mark, unsigned depth)
{
    json_t *list = placed(parse, json_array(), mark);
    yaml_event_t event;
    while (next(parse, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        json_t *item = end ? NULL : node(parse, &event, depth + 1);
        yaml_event_delete(&event);
        if (item)
            json_array_append_new(list, item);
        if (end)
            break;
    }
    return list;
}

static json_t *mapping(struct parse *parse, yaml_mark_t mark, unsigned depth)
{
    json_t *map = placed(parse, json_object(), mark);
    yaml_event_t event;
    while (next(parse, &event)) {
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        if (event.type != YAML_SCALAR_EVENT) {
            wrong(parse, event.start_mark, "a key must be a plain word");
            yaml_event_delete(&event);
            break;
        }
        char *key = arena_strdup(parse->places->arena, (const char *)event.data.scalar.value);
        yaml_mark_t key_mark = event.start_mark;
        bool tagged = event.data.scalar.anchor || event.data.scalar.tag;
        yaml_event_delete(&event);
        if (json_object_get(map, key))
            wrong(parse, key_mark, arena_printf(parse->places->arena, "the key \"%s\" stands here twice", key));
        if (tagged)
            wrong(parse, key_mark, "anchors and tags are not accepted");
        if (!next(parse, &event))
            break;
        json_t *value = node(parse, &event, depth + 1);
        yaml_event_delete(&event);
        if (value && json_object_set_new(map, key, value))
            wrong(parse, key_mark, "the key is not UTF-8");
    }
    return map;
}

static json_t *node(struct parse *parse, yaml_event_t *event, unsigned depth)
{
    if (parse->nodes_left-- == 0) {
        wrong(parse, event->start_mark,
              "more values than a text of this size may hold (2800, and one more for every 12 bytes): split it");
        return NULL;
    }
    if (depth > YAML_DEPTH_MAX) {
        wrong(parse, event->start_mark, "nested deeper than 32 levels");
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor || event->data.scalar.tag)
            wrong(parse, event->start_mark, "anchors and tags are not accepted");
        return scalar(parse, event);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            wrong(parse, event->start_mark, "anchors and tags are not accepted");
        return sequence(parse, event->start_mark, depth);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            wrong(parse, event->start_mark, "anchors and tags are not accepted");
        return mapping(parse, event->start_mark, depth);
    default:
        wrong(parse, event->start_mark, "anchors, aliases and tags are not accepted");
        return NULL;
    }
}

enum err yaml_parse_all(const char *file, struct bytes text, struct yaml_places *places, json_t **array_out,
                        char **why_out)
{
    struct parse parse = {.file = arena_strdup(places->arena, file),
                          .places = places,
                          .why_out = why_out,
                          .nodes_left = YAML_NODES_MAX + text.size / YAML_NODE_BYTES};
    *array_out = NULL;
    if (text.size > YAML_BYTES_MAX) {
        *why_out = arena_printf(places->arena, "%s: over 1 MB", file);
        return ERR_TOO_LARGE;
    }
    bug_unless(yaml_parser_initialize(&parse.parser));
    yaml_parser_set_encoding(&parse.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parse.parser, text.data, text.size);
    json_t *all = json_array();
    yaml_event_t event;
    bool end = false;
    while (!end && next(&parse, &event)) {
        end = event.type == YAML_STREAM_END_EVENT;
        bool content = event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
                       event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT;
        json_t *root = content ? node(&parse, &event, 1) : NULL;
        yaml_event_delete(&event);
        if (root)
            json_array_append_new(all, root);
    }
    yaml_parser_delete(&parse.parser);
    if (parse.err)
        json_decref(all);
    else
        *array_out = all;
    return parse.err;
}

const char *yaml_why_zh(const char *what, struct arena *arena)
{
    static const struct {
        const char *en, *zh;
    } texts[] = {
        {"mapping values are not allowed in this context", "此处不能有“键: 值”（缩进有误，或文字中有冒号而未加引号）"},
        {"mapping keys are not allowed in this context", "此处不能有键（请检查缩进）"},
        {"block sequence entries are not allowed in this context", "此处不能有以 - 起头的项（请检查缩进）"},
        {"did not find expected key", "此处应为键（请检查缩进和上一行）"},
        {"did not find expected ',' or '}'", "此处应为 , 或 }"},
        {"did not find expected ',' or ']'", "此处应为 , 或 ]"},
        {"did not find expected '-' indicator", "此处应为以 - 起头的项"},
        {"did not find expected node content", "此处缺少内容"},
        {"did not find expected <document start>", "此前的内容已结束，此处多余"},
        {"could not find expected ':'", "键后缺少冒号"},
        {"found character that cannot start any token", "此字符不能起头（制表符不能用于缩进；@ ` % 须加引号）"},
        {"found a tab character that violates indentation", "制表符不能用于缩进"},
        {"found unexpected end of stream", "引号未结束，文件已完"},
        {"found unknown escape character", "双引号内的反斜杠后字符无效"},
        {"control characters are not allowed", "不得有控制字符"},
        {"invalid leading UTF-8 octet", "文字不是 UTF-8"},
        {"invalid trailing UTF-8 octet", "文字不是 UTF-8"},
        {"incomplete UTF-8 octet sequence", "文字不是 UTF-8"},
        {"the text is not UTF-8", "文字不是 UTF-8"},
        {"the key is not UTF-8", "键不是 UTF-8"},
        {"a text must not hold NUL", "文字中不得有 NUL"},
        {"a key must be a plain word", "键须为一个词"},
        {"anchors and tags are not accepted", "不接受锚点（&）和标签（!）"},
        {"anchors, aliases and tags are not accepted", "不接受锚点（&）、别名（*）和标签（!）"},
        {"nested deeper than 32 levels", "嵌套超过 32 层"},
        {"more values than a text of this size",
         "此长度的文件所含的值过多（2800 个，每 12 字节可多一个）：请分为几个文件"},
        {"over 1 MB", "超过 1 MB"},
    };
    const char *key = strncmp(what, "the key \"", 9) == 0 ? what + 9 : NULL, *end = key ? strrchr(key, '"') : NULL;
    if (end)
        return arena_printf(arena, "键 \"%.*s\" 出现两次", (int)(end - key), key);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strncmp(what, texts[i].en, strlen(texts[i].en)) == 0)
            return texts[i].zh;
    return what;
}

enum err yaml_parse(const char *file, struct bytes text, struct yaml_places *places, json_t **root_out, char **why_out)
{
    json_t *all;
    enum err err = yaml_parse_all(file, text, places, &all, why_out);
    if (err)
        return err;
    if (json_array_size(all) != 1) {
        *why_out = arena_printf(places->arena, "%s: %zu documents; one is accepted", file, json_array_size(all));
        json_decref(all);
        return ERR_MALFORMED;
    }
    *root_out = json_incref(json_array_get(all, 0));
    json_decref(all);
    return ERR_NONE;
}

enum err yaml_read_file(const char *path, struct arena *arena, struct bytes *text_out)
{
    return file_read(path, YAML_BYTES_MAX, arena, text_out);
}
