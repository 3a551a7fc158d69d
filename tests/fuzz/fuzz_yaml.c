/* YAML of policy authors and operators: no anchors, bounded depth, no key twice, and every node knows where it stood.
 */
#include "fuzz.h"

#include "yaml/yaml.h"

struct about {
    const struct yaml_places *places;
    unsigned lines, nodes;
};

static void check_node(struct about *about, json_t *node, unsigned depth)
{
    size_t i;
    const char *key;
    json_t *inner;
    struct yaml_place place = yaml_place_of(about->places, node);
    must(place.line >= 1 && place.line <= about->lines && place.column >= 1);
    must(depth <= YAML_DEPTH_MAX);
    must(json_is_string(node) || json_is_array(node) || json_is_object(node));
    about->nodes++;
    json_array_foreach(node, i, inner)
        check_node(about, inner, depth + 1);
    json_object_foreach(node, key, inner)
        check_node(about, inner, depth + 1);
}

/* YAML breaks lines at CR, LF, NEL, LS and PS. */
static unsigned lines_of(const uint8_t *data, size_t size)
{
    unsigned lines = 2; /* the end of the stream may be told as the line after the last */
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 || data[i] == 0xa9;
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct yaml_places places;
    json_t *all = NULL;
    char *why = NULL;
    arena_init(&arena);
    fuzz_memory_begin();
    yaml_places_init(&places, &arena);
    enum err err = yaml_parse_all("x.yaml", bytes_of(data, size), &places, &all, &why);
    fuzz_memory_end_yaml(size);
    must((err != ERR_NONE) == (why != NULL) && (err != ERR_NONE) == (all == NULL));
    must(!why || strncmp(why, "x.yaml:", 7) == 0);
    if (!err) {
        struct about about = {&places, lines_of(data, size), 0};
        size_t i;
        json_t *root;
        json_array_foreach(all, i, root)
            check_node(&about, root, 1);
        must(about.nodes == places.count); /* none lost, none twice */
        json_decref(all);
    }
    arena_fini(&arena);
    return 0;
}
