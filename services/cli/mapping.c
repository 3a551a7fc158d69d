#include "mapping.h"

#include "yaml/yaml.h"

#include <ctype.h>
#include <string.h>

struct loading {
    struct cli *cli;
    const char *path;
    struct yaml_places places;
    bool wrong;
};

static void wrong(struct loading *loading, const json_t *node, const char *what)
{
    if (!loading->wrong)
        cli_fail("%s:%u: %s", loading->path, yaml_place_of(&loading->places, node).line, what);
    loading->wrong = true;
}

static void only(struct loading *loading, json_t *map, const char *accepted)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map))
        wrong(loading, map, arena_printf(&loading->cli->arena, "a map of%s is accepted", accepted));
    json_object_foreach(map, key, value) {
        const char *word = arena_printf(&loading->cli->arena, " %s ", key);
        if (!strstr(accepted, word))
            wrong(loading, value,
                  arena_printf(&loading->cli->arena, "\"%s\" is not known here; accepted:%s", key, accepted));
    }
}

static const char *needed(struct loading *loading, json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));
    if (!text || !*text)
        wrong(loading, map, arena_printf(&loading->cli->arena, "%s is needed, a text", key));
    return text ? text : "";
}

static struct mapping *check(struct loading *loading, json_t *root)
{
    struct mapping *mapping = arena_zero(&loading->cli->arena, sizeof *mapping);
    json_t *site = json_object_get(root, "site"), *step;
    size_t i;
    only(loading, root, " mapping source kind site packs calendars departments people columns fields steps ");
    only(loading, site, " id name zone code language ");
    mapping->root = root;
    mapping->name = needed(loading, root, "mapping");
    mapping->source = needed(loading, root, "source");
    mapping->kind = needed(loading, root, "kind");
    mapping->site = needed(loading, site, "id");
    mapping->zone = needed(loading, site, "zone");
    mapping->columns = json_object_get(root, "columns");
    mapping->fields = json_object_get(root, "fields");
    mapping->steps = json_object_get(root, "steps");
    only(loading, mapping->columns, " external_id received category channel department text place ");
    needed(loading, mapping->columns, "external_id");
    needed(loading, mapping->columns, "received");
    if (json_array_size(json_object_get(root, "packs")) == 0)
        wrong(loading, root, "packs is needed, a list");
    json_array_foreach(mapping->steps, i, step) {
        only(loading, step, " step at fields ");
        needed(loading, step, "step");
        needed(loading, step, "at");
    }
    return mapping;
}

struct mapping *mapping_load(struct cli *cli, const char *name)
{
    struct loading loading = {.cli = cli};
    struct bytes text;
    json_t *root;
    char *why;
    bool path = strchr(name, '/') || strchr(name, '.');
    loading.path = path ? name : cli_share(cli, arena_printf(&cli->arena, "mappings/%s.yaml", name));
    if (yaml_read_file(loading.path, &cli->arena, &text)) {
        cli_fail("there is no mapping \"%s\" (%s); shipped: boston311", name, loading.path);
        return NULL;
    }
    yaml_places_init(&loading.places, &cli->arena);
    if (yaml_parse(loading.path, text, &loading.places, &root, &why)) {
        cli_fail("%s", why);
        return NULL;
    }
    struct mapping *mapping = check(&loading, root);
    if (!loading.wrong)
        return mapping;
    json_decref(root);
    return NULL;
}

/* ---- the header ---- */

static bool has_column(const struct csv_record *header, const char *name)
{
    for (unsigned i = 0; i < header->count; i++)
        if (strcmp(header->fields[i], name) == 0)
            return true;
    return false;
}

static bool check_columns(const struct csv_record *header, json_t *node)
{
    const char *key, *name = json_string_value(node);
    json_t *value;
    size_t i;
    bool good = true;
    if (name && !has_column(header, name)) {
        cli_fail("the file has no column \"%s\", which the mapping reads", name);
        return false;
    }
    json_object_foreach(node, key, value) {
        if (strcmp(key, "step") != 0)
            good = check_columns(header, value) && good;
    }
    json_array_foreach(node, i, value)
        good = check_columns(header, value) && good;
    return good;
}

bool mapping_check_header(const struct mapping *mapping, const struct csv_record *header)
{
    bool good = check_columns(header, mapping->columns);
    good = check_columns(header, mapping->fields) && good;
    return check_columns(header, mapping->steps) && good;
}

/* ---- the organisation ---- */

char *mapping_department(struct cli *cli, const char *name)
{
    char *id = arena_strdup(&cli->arena, name);
    size_t size = 0;
    for (const char *at = name; *at && size < 32; at++)
        id[size++] = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '_';
    id[size] = 0;
    return id;
}

static json_t *label_of(json_t *pair)
{
    return json_pack("{s:O, s:O}", "zh", json_array_get(pair, 0), "en", json_array_get(pair, 1));
}

static json_t *site_of(const struct mapping *mapping)
{
    json_t *site = json_deep_copy(json_object_get(mapping->root, "site"));
    json_object_set_new(site, "name", label_of(json_object_get(site, "name")));
    json_object_set(site, "packs", json_object_get(mapping->root, "packs"));
    return site;
}

static json_t *departments_of(struct cli *cli, const struct mapping *mapping, char *const *departments, size_t count)
{
    json_t *list = json_array(), *named = json_object_get(mapping->root, "departments"), *pair;
    const char *key;
    json_object_foreach(named, key, pair)
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "id", mapping_department(cli, key), "site",
                                              mapping->site, "name", label_of(pair)));
    for (size_t i = 0; i < count; i++)
        if (!json_object_get(named, departments[i]))
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", mapping_department(cli, departments[i]),
                                            "site", mapping->site, "name", "zh", departments[i], "en", departments[i]));
    return list;
}

static json_t *people_of(const struct mapping *mapping)
{
    json_t *list = json_array(), *person, *post;
    const char *key;
    size_t i;
    json_object_foreach(json_object_get(mapping->root, "people"), key, person) {
        json_t *posts = json_array();
        json_array_foreach(json_object_get(person, "posts"), i, post)
            json_array_append_new(posts, json_pack("{s:O, s:s}", "post", post, "site", mapping->site));
        json_array_append_new(
            list, json_pack("{s:s, s:O, s:o}", "id", key, "name", json_object_get(person, "name"), "posts", posts));
    }
    return list;
}

json_t *mapping_organisation(struct cli *cli, const struct mapping *mapping, char *const *departments, size_t count)
{
    return json_pack("{s:[o], s:o, s:o}", "sites", site_of(mapping), "departments",
                     departments_of(cli, mapping, departments, count), "people", people_of(mapping));
}
