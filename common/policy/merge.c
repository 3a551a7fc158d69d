/* Layers: a lower one replaces single fields of a named item, adds items, or removes one by `removed:` in its place.
   Only named maps are merged; a list is one value. Route rows of the lower layer come first (policy-language.md 5). */
#include "policy/internal.h"

static const char *const sections[] = {"settings",  "posts",     "rosters",  "categories", "ladders",  "notices",
                                       "documents", "limits",    "may",      "clauses",    "built_in", "organisational",
                                       "left_out",  "schedules", "patterns", "indicators"};
static const char *const kind_sections[] = {"fields", "steps", "clocks", "rules", "may", "never", "chains", "limits"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static json_t *copy_with(json_t *base, json_t *over)
{
    json_t *merged = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(base, key, value)
        json_object_set(merged, key, value);
    json_object_foreach(over, key, value)
        json_object_set(merged, key, value);
    return merged;
}

/* Is the pack that this file belongs to the pack itself, or one it extends? */
static bool is_base(const struct compile *compile, const char *file, const char *pack)
{
    for (unsigned depth = 0; *pack && depth < 9; depth++) {
        size_t size = strlen(pack);
        if (strncmp(file, pack, size) == 0 && file[size] == '/')
            return true;
        const char *extends = "";
        for (size_t i = 0; i < compile->policy->n_packs; i++)
            if (strcmp(compile->policy->packs[i]->name, pack) == 0)
                extends = compile->policy->packs[i]->extends;
        pack = extends;
    }
    return false;
}

/* Lists that packs side by side add up: from where a step is taken, what it needs and offers, what stops a clock. */
static const char *const united[] = {"from", "needs", "fields", "stop", "clause"};

static void unite(json_t *merged, const char *key, json_t *below, json_t *over)
{
    json_t *list = json_array(), *lists[] = {below, over};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < (json_is_array(lists[l]) ? json_array_size(lists[l]) : 1); i++) {
            json_t *item = json_is_array(lists[l]) ? json_array_get(lists[l], i) : lists[l];
            bool there = false;
            for (size_t n = 0; n < json_array_size(list); n++)
                there = there || json_equal(json_array_get(list, n), item);
            if (!there)
                json_array_append(list, item);
        }
    json_object_set_new(merged, key, list);
}

/* Both say the field, differently, and the one below is of a pack that this one does not extend. */
static bool say_otherwise(const struct compile *compile, json_t *below, json_t *over, const char *key, const char *pack)
{
    json_t *before = json_object_get(below, key), *own = json_object_get(over, key);
    struct yaml_place place = before ? yaml_place_of(&compile->places, before) : (struct yaml_place){"", 0, 0};
    return own && place.line && !json_equal(before, own) && !is_base(compile, place.file, pack);
}

/* Of two limits of a clock none is lost: the shorter holds (clocks.c). What stands for itself alone, as the limit of a
   kind that is `like` another, has nothing beside it. */
static void keep_limit(struct compile *compile, json_t *merged, json_t *below, json_t *over)
{
    json_t *list = json_object_get(below, "limit beside");
    if (json_object_get(over, "limit") && !json_object_get(over, "limit beside"))
        json_object_del(merged, "limit beside");
    if (!compile->beside || !say_otherwise(compile, below, over, "limit", compile->beside))
        return;
    list = list ? json_copy(list) : json_array();
    json_array_append(list, below);
    yaml_places_add(&compile->places, list,
                    (struct yaml_place){"", 0, 0}); /* it may lie where one of a file has been */
    json_object_set_new(merged, "limit beside", list);
    if (json_object_get(over, "clause"))
        json_object_set(merged, "limit clause", json_object_get(over, "clause"));
}

/* What a step needs stays under the clause that asks for it, whatever clauses another layer gives the step. */
static void keep_needs(struct compile *compile, json_t *merged, json_t *below, json_t *over)
{
    json_t *clause = json_object_get(below, "clause"), *known = json_object_get(below, "needs clause"), *need;
    if (!clause || !json_object_get(over, "clause") || !json_is_array(json_object_get(below, "needs")))
        return;
    json_t *kept = known ? json_copy(known) : json_object();
    size_t i;
    json_array_foreach(json_object_get(below, "needs"), i, need)
        if (json_is_string(need) && !json_object_get(kept, json_string_value(need)))
            json_object_set(kept, json_string_value(need), clause);
    json_object_update_missing(kept, json_object_get(over, "needs clause"));
    yaml_places_add(&compile->places, kept, (struct yaml_place){"", 0, 0}); /* as of keep_limit's list */
    json_object_set_new(merged, "needs clause", kept);
}

/* A pack that extends the other replaces its lists; one beside it adds to them. */
static json_t *lay_over(struct compile *compile, json_t *below, json_t *over)
{
    json_t *merged = copy_with(below, over);
    keep_limit(compile, merged, below, over);
    keep_needs(compile, merged, below, over);
    struct yaml_place place = yaml_place_of(&compile->places, below);
    if (!compile->beside || !place.line || is_base(compile, place.file, compile->beside))
        return merged;
    for (size_t i = 0; i < sizeof united / sizeof *united; i++) {
        json_t *before = json_object_get(below, united[i]), *own = json_object_get(over, united[i]);
        if (before && own && !json_equal(before, own))
            unite(merged, united[i], before, own);
    }
    return merged;
}

/* The item's own place is that of the lower layer: mistakes are found where they can be mended. */
static json_t *remember(struct compile *compile, json_t *merged, const json_t *over)
{
    yaml_places_add(&compile->places, merged, yaml_place_of(&compile->places, over));
    return merged;
}

static const char *name_of_pack(const struct compile *compile, const char *file)
{
    return arena_text(compile->arena, file, strcspn(file, "/"));
}

/* A pack listed before has removed what this one changes: in the other order the change would go with it. What has a
   clause of its own may be meant to stand again, by itself. True: it is left out. */
static bool was_removed(struct compile *compile, const char *name, json_t *own)
{
    if (!compile->beside)
        return false;
    const char *before = compile->path, *path = arena_printf(compile->arena, "%s.%s", before, name);
    json_t *removed = json_object_get(compile->removed, path);
    struct yaml_place place = removed ? yaml_place_of(&compile->places, removed) : (struct yaml_place){"", 0, 0};
    if (!removed || is_base(compile, place.file, compile->beside) || !json_is_object(own))
        return false;
    compile->path = path;
    if (json_object_get(own, "clause"))
        caution(compile, own, "前面的 %s 在 %s:%u 去掉了它：此处另立；只是更改它的，请将本制度包列在 %s 之前",
                "%s, listed before, removes it (%s:%u): here it stands anew; if it is only changed, list this pack "
                "before %s",
                name_of_pack(compile, place.file), place.file, place.line, name_of_pack(compile, place.file));
    else
        mistake(compile, own, "前面的 %s 在 %s:%u 去掉了它，无从更改：请将本制度包列在 %s 之前",
                "%s, listed before, removes it (%s:%u), so there is nothing to change: list this pack before %s",
                name_of_pack(compile, place.file), place.file, place.line, name_of_pack(compile, place.file));
    compile->path = before;
    return !json_object_get(own, "clause");
}

static void tell_no_map(struct compile *compile, const char *name, const json_t *node)
{
    const char *before = compile->path;
    compile->path = arena_printf(compile->arena, "%s.%s", before, name);
    map_or_none(compile, node);
    compile->path = before;
}

/* compile->path says whose items they are. */
static json_t *merge_items(struct compile *compile, json_t *base, json_t *over)
{
    json_t *merged = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(base, key, value)
        json_object_set(merged, key, value);
    json_object_foreach(over, key, value) {
        json_t *below = json_object_get(merged, key);
        if (json_is_object(value) && json_object_get(value, "removed")) {
            if (below)
                json_object_set(compile->removed, arena_printf(compile->arena, "%s.%s", compile->path, key), value);
            json_object_del(merged, key);
        } else if (json_is_object(below) && json_is_object(value)) {
            json_object_set_new(merged, key, remember(compile, lay_over(compile, below, value), value));
        } else if (json_is_object(below)) { /* it stands as it is below */
            tell_no_map(compile, key, value);
        } else if (below || !was_removed(compile, key, value)) {
            json_object_set(merged, key, value);
        }
    }
    return remember(compile, merged, over);
}

/* A thing's fields and marks are named maps themselves: each layer adds its own. */
static json_t *merge_things(struct compile *compile, json_t *base, json_t *over)
{
    static const char *const maps[] = {"fields", "marks", "until"};
    json_t *merged = merge_items(compile, base, over);
    const char *name;
    json_t *thing;
    json_object_foreach(over, name, thing) {
        json_t *below = json_object_get(base, name), *both = json_object_get(merged, name);
        for (size_t i = 0; below && both && i < sizeof maps / sizeof *maps; i++) {
            json_t *own = json_object_get(thing, maps[i]), *inherited = json_object_get(below, maps[i]);
            if (json_is_object(own) && json_is_object(inherited))
                json_object_set_new(both, maps[i], merge_items(compile, inherited, own));
        }
    }
    return merged;
}

static bool unconditional(json_t *row)
{
    return json_is_object(row) && !json_object_get(row, "if");
}

static json_t *merge_route(struct compile *compile, json_t *base, json_t *over)
{
    json_t *both = merge_items(compile, base, over), *merged = json_object();
    const char *key;
    json_t *row;
    json_object_foreach(over, key, row)
        if (json_object_get(both, key) && !unconditional(json_object_get(both, key)))
            json_object_set(merged, key, json_object_get(both, key));
    json_object_foreach(both, key, row)
        if (!unconditional(row) && !json_object_get(merged, key))
            json_object_set(merged, key, row);
    json_object_foreach(over, key, row)
        if (json_object_get(both, key) && !json_object_get(merged, key))
            json_object_set(merged, key, json_object_get(both, key));
    if (json_object_size(merged) == 0 ||
        !json_object_size(over)) { /* the last row has no `if`: the lower layer's wins */
        json_object_foreach(both, key, row)
            if (!json_object_get(merged, key))
                json_object_set(merged, key, row);
    } else {
        bool total = false;
        json_object_foreach(merged, key, row)
            total = total || unconditional(row);
        json_object_foreach(both, key, row)
            if (!total && !json_object_get(merged, key))
                json_object_set(merged, key, row);
    }
    json_decref(both);
    return remember(compile, merged, over);
}

/* Each layer adds to what a department does otherwise. */
static json_t *merge_departments(struct compile *compile, json_t *base, json_t *over)
{
    json_t *merged = copy_with(base, over), *department;
    const char *name, *section;
    json_object_foreach(over, name, department) {
        json_t *below = json_object_get(base, name), *own;
        if (!json_is_object(below) || !json_is_object(department))
            continue;
        json_t *both = copy_with(below, department);
        json_object_foreach(department, section, own)
            if (json_is_object(own) && json_is_object(json_object_get(below, section)))
                json_object_set_new(both, section, merge_items(compile, json_object_get(below, section), own));
        json_object_set_new(merged, name, remember(compile, both, department));
    }
    return remember(compile, merged, over);
}

json_t *merge_kind(struct compile *compile, json_t *base, json_t *over)
{
    json_t *merged = lay_over(compile, base, over);
    const char *key;
    json_t *value;
    json_object_foreach(over, key, value) {
        json_t *below = json_object_get(base, key);
        bool named = strcmp(key, "route") == 0 || strcmp(key, "departments") == 0 || strncmp(key, "stage", 5) == 0 ||
                     is_among(key, kind_sections, sizeof kind_sections / sizeof *kind_sections);
        if (named && json_is_object(below) && !json_is_object(value)) {
            tell_no_map(compile, key, value);
            json_object_set(merged, key, below);
        }
        if (!json_is_object(below) || !json_is_object(value))
            continue;
        const char *before = compile->path;
        compile->path = arena_printf(compile->arena, "%s.%s", before, key);
        if (strcmp(key, "route") == 0)
            json_object_set_new(merged, key, merge_route(compile, below, value));
        else if (strcmp(key, "departments") == 0)
            json_object_set_new(merged, key, merge_departments(compile, below, value));
        else if (is_among(key, kind_sections, sizeof kind_sections / sizeof *kind_sections))
            json_object_set_new(merged, key, merge_items(compile, below, value));
        else if (strcmp(key, "stages") == 0 || strcmp(key, "stage_names") == 0)
            json_object_set_new(merged, key, remember(compile, copy_with(below, value), value));
        compile->path = before;
    }
    return remember(compile, merged, over);
}

static json_t *merge_kinds(struct compile *compile, json_t *base, json_t *over)
{
    json_t *merged = copy_with(base, over);
    const char *key;
    json_t *value;
    json_object_foreach(over, key, value) {
        json_t *below = json_object_get(base, key);
        if (json_is_object(below) && json_is_object(value) && json_object_get(value, "removed"))
            json_object_del(merged, key);
        else if (json_is_object(below) && json_is_object(value)) {
            const char *before = compile->path;
            compile->path = arena_printf(compile->arena, "kinds.%s", key);
            json_object_set_new(merged, key, merge_kind(compile, below, value));
            compile->path = before;
        } else if (json_is_object(below)) {
            tell_no_map(compile, key, value);
            json_object_set(merged, key, below);
        }
    }
    return remember(compile, merged, over);
}

json_t *merge_packs(struct compile *compile, json_t *base, json_t *over)
{
    json_t *merged = copy_with(base, over);
    const char *key;
    json_t *value;
    json_object_foreach(over, key, value) {
        json_t *below = json_object_get(base, key);
        if (!json_is_object(below) || !json_is_object(value))
            continue;
        const char *before = compile->path;
        compile->path = key;
        if (strcmp(key, "kinds") == 0)
            json_object_set_new(merged, key, merge_kinds(compile, below, value));
        else if (strcmp(key, "things") == 0)
            json_object_set_new(merged, key, merge_things(compile, below, value));
        else if (is_among(key, sections, sizeof sections / sizeof *sections) || strcmp(key, "never") == 0)
            json_object_set_new(merged, key, merge_items(compile, below, value));
        else if (strcmp(key, "defaults") == 0)
            json_object_set_new(merged, key, remember(compile, copy_with(below, value), value));
        compile->path = before;
    }
    return remember(compile, merged, over);
}

/* ---- several packs at one site ---- */

/* The field of an item that two packs say differently, other than by adding to a list; NULL: none. */
static const char *differing(json_t *other, json_t *item, bool clock)
{
    const char *key;
    json_t *value;
    json_object_foreach(item, key, value) {
        json_t *before = json_object_get(other, key);
        if (before && !json_equal(before, value) && !is_among(key, united, sizeof united / sizeof *united) &&
            !(clock && strcmp(key, "limit") == 0))
            return key;
    }
    return NULL;
}

static void limits_collide(struct compile *compile, json_t *other, json_t *item, const char *path, const char *name,
                           const char *kind, const char *pack)
{
    if (!say_otherwise(compile, other, item, "limit", pack))
        return;
    struct yaml_place place = yaml_place_of(&compile->places, json_object_get(other, "limit"));
    compile->path = arena_printf(compile->arena, "%s.%s.limit", path, name);
    caution(
        compile, json_object_get(item, "limit"),
        "与 %s:%u 不同：每个案件以较短者为准；要只用其中之一，在站点自己的制度包中写设置 %s_%s_limit，值为该制度包名",
        "it differs from %s:%u: for each case the shorter holds; to have one of them always, a pack of the site's own "
        "says the setting %s_%s_limit, with that pack's name as its value",
        place.file, place.line, kind, name);
}

static void differs_from(struct compile *compile, json_t *item, struct yaml_place place)
{
    caution(
        compile, item,
        "与 %s:%u 不同：以后列的制度包为准；要定下其一，在站点自己的制度包（settles: yes，列在最后）中写 %s",
        "it differs from %s:%u: the later pack's holds; to settle it, a pack of the site's own (settles: yes, listed "
        "last) says %s",
        place.file, place.line, compile->path);
}

static void items_collide(struct compile *compile, const char *path, const char *kind, json_t *before, json_t *own,
                          const char *pack)
{
    const char *name, *restore = compile->path;
    bool clocks = *kind && strcmp(path + strlen(path) - 7, ".clocks") == 0;
    json_t *item;
    json_object_foreach(own, name, item) {
        json_t *other = json_object_get(before, name);
        struct yaml_place place = other ? yaml_place_of(&compile->places, other) : (struct yaml_place){"", 0, 0};
        if (!place.line || !json_is_object(item) || is_base(compile, place.file, pack))
            continue;
        if (clocks)
            limits_collide(compile, other, item, path, name, kind, pack);
        const char *field = differing(other, item, clocks);
        if (!field)
            continue;
        compile->path = arena_printf(compile->arena, "%s.%s.%s", path, name, field);
        differs_from(compile, item, place);
    }
    compile->path = restore;
}

/* What a kind says once. */
static void kinds_collide(struct compile *compile, const char *name, json_t *before, json_t *own, const char *pack)
{
    static const char *const fields[] = {"returns", "number", "identity", "public", "unpromised", "approves"};
    const char *restore = compile->path;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!say_otherwise(compile, before, own, fields[i], pack))
            continue;
        compile->path = arena_printf(compile->arena, "kinds.%s.%s", name, fields[i]);
        differs_from(compile, json_object_get(own, fields[i]),
                     yaml_place_of(&compile->places, json_object_get(before, fields[i])));
    }
    compile->path = restore;
}

static const char *last_row(json_t *route)
{
    const char *name, *last = "";
    json_t *row;
    json_object_foreach(route, name, row)
        if (unconditional(row))
            last = name;
    return last;
}

/* Of two rows without `if` one is never reached, whatever they are called. */
static void routes_collide(struct compile *compile, const char *name, json_t *before, json_t *own, const char *pack)
{
    const char *was = last_row(before), *is = last_row(own), *restore = compile->path;
    json_t *row = json_object_get(before, was);
    struct yaml_place place = row ? yaml_place_of(&compile->places, row) : (struct yaml_place){"", 0, 0};
    compile->path = arena_printf(compile->arena, "kinds.%s.route.%s", name, is);
    if (*was && *is && strcmp(was, is) != 0 && place.line && !is_base(compile, place.file, pack))
        differs_from(compile, json_object_get(own, is), place);
    compile->path = restore;
}

/* Said by one of them and not by the other. */
static bool of_pack(const struct compile *compile, json_t *node, const char *pack, bool own)
{
    struct yaml_place place = yaml_place_of(&compile->places, node);
    return place.line && is_base(compile, place.file, pack) == own;
}

static bool takes(struct compile *compile, json_t *rule, const char *step)
{
    json_t *then = json_object_get(rule, "then"), *item;
    size_t i;
    if (json_is_object(then))
        return strcmp(text_of(compile, json_object_get(then, "step")), step) == 0;
    json_array_foreach(then, i, item)
        if (strcmp(text_of(compile, json_object_get(item, "step")), step) == 0)
            return true;
    return false;
}

/* A rule of one pack takes a step for which the other needs what only a person may know (in his own words: not asked of
   a rule): there the rule's step is not taken. `own`: the rules are this pack's. */
static void needs_collide(struct compile *compile, const char *kind, json_t *rules_of, json_t *steps_of, bool own,
                          const char *pack)
{
    const char *rule_name, *step_name, *restore = compile->path;
    json_t *rule, *step, *need;
    size_t i;
    json_object_foreach(json_object_get(rules_of, "rules"), rule_name, rule)
        json_object_foreach(json_object_get(steps_of, "steps"), step_name, step) {
            if (!takes(compile, rule, step_name) || !of_pack(compile, json_object_get(rule, "then"), pack, own))
                continue;
            json_array_foreach(json_object_get(step, "needs"), i, need) {
                json_t *field = json_object_get(json_object_get(steps_of, "fields"), json_string_value(need));
                struct yaml_place place = yaml_place_of(&compile->places, need);
                if (!of_pack(compile, need, pack, !own) || !field ||
                    strcmp(text_of(compile, json_object_get(field, "type")), "text") == 0)
                    continue;
                compile->path = arena_printf(compile->arena, "kinds.%s.rules.%s.then", kind, rule_name);
                caution(
                    compile, rule,
                    "步骤 %s 由规则办理，而 %s:%u 要求先填 %s：未填时规则不办理，案件上留有问题，直至有人办理；"
                    "要定下，在站点自己的制度包（settles: yes，列在最后）中写 %s",
                    "it takes the step %s, for which %s:%u needs %s: where that is empty the rule does not take it, "
                    "which is a problem on the case until a person does; to settle it, a pack of the site's own "
                    "(settles: yes, listed last) says %s",
                    step_name, place.file, place.line, json_string_value(need), compile->path);
            }
        }
    compile->path = restore;
}

void packs_collide(struct compile *compile, json_t *root, json_t *own, const char *pack)
{
    const char *name;
    json_t *kind;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        items_collide(compile, sections[i], "", json_object_get(root, sections[i]), json_object_get(own, sections[i]),
                      pack);
    json_object_foreach(json_object_get(own, "kinds"), name, kind) {
        json_t *before = json_object_get(json_object_get(root, "kinds"), name);
        if (!before)
            continue;
        kinds_collide(compile, name, before, kind, pack);
        needs_collide(compile, name, before, kind, false, pack);
        needs_collide(compile, name, kind, before, true, pack);
        items_collide(compile, arena_printf(compile->arena, "kinds.%s.route", name), name,
                      json_object_get(before, "route"), json_object_get(kind, "route"), pack);
        routes_collide(compile, name, json_object_get(before, "route"), json_object_get(kind, "route"), pack);
        for (size_t i = 0; i < sizeof kind_sections / sizeof *kind_sections; i++)
            items_collide(compile, arena_printf(compile->arena, "kinds.%s.%s", name, kind_sections[i]), name,
                          json_object_get(before, kind_sections[i]), json_object_get(kind, kind_sections[i]), pack);
    }
}

/* ---- several files of one pack ---- */

static void said_twice(struct compile *compile, json_t *before, json_t *own, const char *path)
{
    const char *restore = compile->path;
    struct yaml_place place = yaml_place_of(&compile->places, before);
    compile->path = path;
    mistake(compile, own, "本制度包在 %s:%u 另有规定，与此不同：只留一处",
            "this pack says it otherwise in %s:%u: keep one of the two", place.file, place.line);
    if (compile->said)
        compile->result->mistakes[compile->result->count - 1].stands = true;
    compile->path = restore;
}

/* What both give under one name is told, but for maps down to so many levels: those are made of what both say. */
static void maps_collide(struct compile *compile, json_t *before, json_t *own, const char *path, unsigned levels)
{
    const char *key;
    json_t *value;
    json_object_foreach(own, key, value) {
        json_t *other = json_object_get(before, key);
        const char *inner =
            *path ? arena_printf(compile->arena, "%s.%s", path, key) : arena_strdup(compile->arena, key);
        if (!other || json_equal(other, value))
            continue;
        if (levels && json_is_object(other) && json_is_object(value))
            maps_collide(compile, other, value, inner, levels - 1);
        else
            said_twice(compile, other, value, inner);
    }
}

/* Of a section of a kind: its items; of what departments say otherwise: department, section, item. */
static unsigned levels_in_kind(const char *key)
{
    bool items =
        strcmp(key, "route") == 0 || is_among(key, kind_sections, sizeof kind_sections / sizeof *kind_sections);
    return strcmp(key, "departments") == 0 ? 3 : items ? 1 : 0;
}

/* Of two rows without `if` one is never reached: which, is a matter of the names of files. */
static void last_rows_collide(struct compile *compile, json_t *before, json_t *own, const char *path)
{
    const char *was = last_row(before), *is = last_row(own);
    if (*was && *is && strcmp(was, is) != 0)
        said_twice(compile, json_object_get(before, was), json_object_get(own, is),
                   arena_printf(compile->arena, "%s.%s", path, is));
}

/* Rows without `if` are tried last when packs are merged: one that is written before others would be read otherwise. */
static void rows_in_order(struct compile *compile, json_t *route, const char *path)
{
    const char *name, *last = "", *before = compile->path;
    json_t *row;
    json_object_foreach(route, name, row) {
        compile->path = arena_printf(compile->arena, "%s.%s", path, name);
        if (*last && unconditional(row))
            mistake(compile, row, "永不生效：%s 也没有 if，在它之前",
                    "never reached: %s has no `if` either, and stands before it", last);
        else if (*last && json_is_object(row))
            mistake(compile, row, "写在没有 if 的 %s 之后：没有 if 的行写在最后",
                    "it is written behind %s, which has no `if` and takes all: write that one last", last);
        last = !*last && unconditional(row) ? name : last;
    }
    compile->path = before;
}

void routes_in_order(struct compile *compile, json_t *root)
{
    const char *name;
    json_t *kind;
    json_object_foreach(json_object_get(root, "kinds"), name, kind)
        rows_in_order(compile, json_object_get(kind, "route"), arena_printf(compile->arena, "kinds.%s.route", name));
}

static void kind_in_both(struct compile *compile, json_t *before, json_t *own, const char *path)
{
    const char *key;
    json_t *value;
    json_object_foreach(own, key, value) {
        json_t *other = json_object_get(before, key);
        bool merged = levels_in_kind(key) || strcmp(key, "stages") == 0 || strcmp(key, "stage_names") == 0;
        const char *inner = arena_printf(compile->arena, "%s.%s", path, key);
        if (!other || json_equal(other, value))
            continue;
        if (strcmp(key, "route") == 0)
            last_rows_collide(compile, other, value, inner);
        if (merged && json_is_object(other) && json_is_object(value))
            maps_collide(compile, other, value, inner, levels_in_kind(key));
        else if (!merged)
            said_twice(compile, other, value, inner);
    }
}

void files_collide(struct compile *compile, json_t *root, json_t *own)
{
    const char *key, *name;
    json_t *value, *kind;
    json_object_foreach(own, key, value) {
        json_t *before = json_object_get(root, key);
        unsigned levels = strcmp(key, "things") == 0 ? 3 : strcmp(key, "defaults") == 0 ? 0 : 1;
        if (!before || json_equal(before, value))
            continue;
        if (!json_is_object(before) || !json_is_object(value))
            said_twice(compile, before, value, arena_strdup(compile->arena, key));
        else if (strcmp(key, "kinds") != 0)
            maps_collide(compile, before, value, arena_strdup(compile->arena, key), levels);
        else
            json_object_foreach(value, name, kind)
                kind_in_both(compile, json_object_get(before, name), kind,
                             arena_printf(compile->arena, "kinds.%s", name));
    }
}
