/* YAML files as jansson trees that remember where every node stood (layer 1). Strict: one document unless asked, no
   anchors, aliases or tags (so no alias bombs), no duplicate keys, at most 1 MB and 32 levels. Every scalar stays a
   string: the place types it, never the parser. */
#ifndef HEARBACK_YAML_YAML_H
#define HEARBACK_YAML_YAML_H

#include "base/arena.h"

#include <jansson.h>

#define YAML_BYTES_MAX (1u << 20)
#define YAML_DEPTH_MAX 32u

struct yaml_place {
    const char *file;
    unsigned line, column; /* from 1 */
};

/* The places of all nodes of many files. */
struct yaml_places {
    struct arena *arena;
    struct {
        const json_t *node;
        struct yaml_place place;
    } * list;
    size_t count;
};
void yaml_places_init(struct yaml_places *places, struct arena *arena);
/* Where a node stood; {"", 0, 0} for one that was not read from a file. */
struct yaml_place yaml_place_of(const struct yaml_places *places, const json_t *node);

/* Parses one document. ERR_MALFORMED, ERR_TOO_LARGE: `*why_out` is "file:line:column: what". The caller owns *root_out.
 */
enum err yaml_parse(const char *file, struct bytes text, struct yaml_places *places, json_t **root_out,
                    char **why_out) MUST_CHECK;
/* Several documents ("---") as one array. */
enum err yaml_parse_all(const char *file, struct bytes text, struct yaml_places *places, json_t **array_out,
                        char **why_out) MUST_CHECK;
/* Reads a file of at most YAML_BYTES_MAX. */
enum err yaml_read_file(const char *path, struct arena *arena, struct bytes *text_out) MUST_CHECK;

#endif
