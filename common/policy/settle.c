/* A pack of the site's own, `settles: yes`, listed last: what the packs before it say differently, and it says itself,
   is settled, and no warning any more. */
#include "policy/internal.h"

#include "policy/compile.h"

static json_t *at_field(json_t *root, const char *field)
{
    char name[POLICY_NAME_BYTES_MAX + 1];
    while (root && *field) {
        size_t size = strcspn(field, ".");
        if (size > POLICY_NAME_BYTES_MAX)
            return NULL;
        memcpy(name, field, size);
        name[size] = 0;
        root = json_object_get(root, name);
        field += size + (field[size] == '.');
    }
    return root;
}

/* Itself, not a pack it extends. */
static bool says(const struct compile *compile, json_t *own, const char *pack, const char *field)
{
    json_t *node = at_field(own, field);
    struct yaml_place place = node ? yaml_place_of(&compile->places, node) : (struct yaml_place){"", 0, 0};
    size_t size = strlen(pack);
    return place.line && strncmp(place.file, pack, size) == 0 && place.file[size] == '/';
}

/* Of a clock's limit the setting KIND_CLOCK_limit says which holds. */
static bool says_limit(const struct compile *compile, json_t *own, const char *pack, const char *field)
{
    const char *kind = strncmp(field, "kinds.", 6) == 0 ? field + 6 : "";
    const char *clock = strstr(kind, ".clocks."), *end = clock ? strstr(clock + 8, ".limit") : NULL;
    return end && says(compile, own, pack,
                       arena_printf(compile->arena, "settings.%.*s_%.*s_limit", (int)(clock - kind), kind,
                                    (int)(end - clock - 8), clock + 8));
}

void packs_settle(struct compile *compile, json_t *own, const char *pack)
{
    struct policy_result *result = compile->result;
    size_t kept = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct policy_mistake *one = &result->mistakes[i];
        bool settled =
            one->warning && (says(compile, own, pack, one->field) || says_limit(compile, own, pack, one->field));
        if (!settled)
            result->mistakes[kept++] = *one;
    }
    result->count = kept;
}
