/* YAML files as jansson trees that remember where every node stood (layer 1). Strict: one document unless asked, no
   anchors, aliases or tags (so no alias bombs), no duplicate keys, at most 1 MB and 32 levels. Every scalar stays a
   string: the place types it, never the parser. */
#ifndef HEARBACK_YAML_YAML_H
#define HEARBACK_YAML_YAML_H

#include "base/arena.h"

#include <jansson.h>

#define YAML_BYTES_MAX (1u << 20)
#define YAML_DEPTH_MAX 32u
/* A value takes up to 330 bytes of memory, however short it is. So that a text takes at most 30 times its size and 1
   MB, it may hold so many values, and one more for every so many bytes. What people write has one in 12 at most. */
#define YAML_NODES_MAX 2800u
#define YAML_NODE_BYTES 12u

struct yaml_place {
    const char *file;
    unsigned line, column; /* from 1 */
};

/* The places of all nodes of many files: a hash table by node, so that a large file is no trouble. */
struct yaml_places {
    struct arena *arena;
    struct yaml_placed {
        const json_t *node; /* NULL: free */
        uint32_t line;
        uint16_t column, file; /* a column beyond is the last; an index of `files` */
    } * slots;
    size_t count, room; /* room is 0 or a power of two */
    const char **files;
    size_t files_count;
};
void yaml_places_init(struct yaml_places *places, struct arena *arena);
/* A node that is given twice (its memory was used again) is where it was given last. */
void yaml_places_add(struct yaml_places *places, const json_t *node, struct yaml_place place);
/* Where a node stood; {"", 0, 0} for one that was not read from a file. */
struct yaml_place yaml_place_of(const struct yaml_places *places, const json_t *node);

/* Parses one document. ERR_MALFORMED, ERR_TOO_LARGE: `*why_out` is "file:line:column: what". The caller owns *root_out.
 */
enum err yaml_parse(const char *file, struct bytes text, struct yaml_places *places, json_t **root_out,
                    char **why_out) MUST_CHECK;
/* What is wrong, of `why` behind the place, in Chinese; the English of a rare one. */
const char *yaml_why_zh(const char *what, struct arena *arena);
/* Several documents ("---") as one array. */
enum err yaml_parse_all(const char *file, struct bytes text, struct yaml_places *places, json_t **array_out,
                        char **why_out) MUST_CHECK;
/* Reads a file of at most YAML_BYTES_MAX. */
enum err yaml_read_file(const char *path, struct arena *arena, struct bytes *text_out) MUST_CHECK;

#endif
