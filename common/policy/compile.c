#include "calendar/calendar.h"
#include "policy/check.h"
#include "policy/internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- reading folders ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err policy_read_pack(const char *folder, const char *name, struct arena *arena, struct policy_source **sources,
                          size_t *count)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return ERR_NOT_FOUND;
    char **files = NULL;
    size_t files_count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        size_t size = strlen(entry->d_name);
        if (size < 6 || strcmp(entry->d_name + size - 5, ".yaml") != 0)
            continue;
        files = arena_grow(arena, files, files_count, sizeof *files);
        files[files_count++] = arena_strdup(arena, entry->d_name);
    }
    closedir(dir);
    if (files_count)
        qsort(files, files_count, sizeof *files, by_name); /* the same order on any machine */
    enum err err = files_count ? ERR_NONE : ERR_NOT_FOUND;
    for (size_t i = 0; i < files_count && !err; i++) {
        struct policy_source source = {.path = arena_printf(arena, "%s/%s", name, files[i])};
        err = yaml_read_file(arena_printf(arena, "%s/%s", folder, files[i]), arena, &source.text);
        if (err == ERR_NOT_FOUND) /* it is there, for it was listed, and cannot be opened */
            err = ERR_IO;
        if (err)
            break;
        *sources = arena_grow(arena, *sources, *count, sizeof **sources);
        (*sources)[(*count)++] = source;
    }
    return err;
}

static bool pack_read(const struct policy_source *sources, size_t count, const char *pack)
{
    size_t size = strlen(pack);
    for (size_t i = 0; i < count; i++)
        if (strncmp(sources[i].path, pack, size) == 0 && sources[i].path[size] == '/')
            return true;
    return false;
}

/* The pack a file says its own extends, by a look at the text: the compiler reads it properly later. */
static char *extends_of(struct bytes text, struct arena *arena)
{
    for (size_t i = 0; i + 9 < text.size; i++) {
        bool at_line = i == 0 || text.data[i - 1] == '\n';
        if (!at_line || memcmp(text.data + i, "extends: ", 9) != 0)
            continue;
        size_t end = i + 9;
        while (end < text.size && text.data[end] > ' ' && text.data[end] != '#')
            end++;
        return arena_text(arena, (const char *)text.data + i + 9, end - i - 9);
    }
    return NULL;
}

/* The pack from the first folder that has it; ERR_NOT_FOUND when none has. */
static enum err read_from_any(const char *const *folders, size_t folders_count, const char *pack, struct arena *arena,
                              struct policy_source **sources, size_t *count)
{
    enum err err = ERR_NOT_FOUND;
    for (size_t i = 0; i < folders_count && err == ERR_NOT_FOUND; i++)
        err = policy_read_pack(arena_printf(arena, "%s/%s", folders[i], pack), pack, arena, sources, count);
    return err;
}

enum err policy_read_folders(const char *const *folders, size_t folders_count, const char *const *packs,
                             size_t packs_count, struct arena *arena, struct policy_source **sources_out,
                             size_t *count_out)
{
    *sources_out = NULL;
    *count_out = 0;
    for (size_t i = 0; i < packs_count; i++) {
        char *pack = arena_strdup(arena, packs[i]);
        while (pack && !pack_read(*sources_out, *count_out, pack)) {
            if (strchr(pack, '/') || pack[0] == '.')
                break;
            size_t first = *count_out;
            enum err err = read_from_any(folders, folders_count, pack, arena, sources_out, count_out);
            if (err && err != ERR_NOT_FOUND) /* a missing pack is a mistake the compiler names */
                return err;
            pack = NULL;
            for (size_t s = first; s < *count_out && !pack; s++)
                pack = extends_of((*sources_out)[s].text, arena);
        }
    }
    return ERR_NONE;
}

enum err policy_read_folder(const char *folder, const char *const *packs, size_t packs_count, struct arena *arena,
                            struct policy_source **sources_out, size_t *count_out)
{
    return policy_read_folders(&folder, 1, packs, packs_count, arena, sources_out, count_out);
}

/* ---- packs ---- */

static const char *const top_keys[] = {"pack", "name", "extends", "in_force", "source", "calendar", "settles",
                                       /* sections */
                                       "settings", "posts", "rosters", "kinds", "categories", "ladders", "notices",
                                       "documents", "never", "defaults", "clauses", "built_in", "organisational",
                                       "left_out", "things", "schedules", "patterns", "indicators"};
#define TOP_KEYS (sizeof top_keys / sizeof *top_keys)
#define HEAD_KEYS 7u

/* The parser says "file:line:column: what", or "file: what". */
static void unreadable(struct compile *compile, const char *why)
{
    size_t size = strlen(compile->file);
    const char *what = strncmp(why, compile->file, size) == 0 && why[size] == ':' ? why + size + 1 : why;
    char *end;
    unsigned long line = strtoul(what, &end, 10);
    if (end != what && *end == ':') {
        compile->line = (unsigned)line;
        what = strchr(end + 1, ':') ? strchr(end + 1, ':') + 1 : end + 1;
    }
    what += *what == ' ';
    mistake(compile, NULL, "不是有效的 YAML：%s", "no valid YAML: %s", what);
    if (compile->said)
        compile->result->mistakes[compile->result->count - 1].zh =
            arena_printf(compile->arena, "不是有效的 YAML：%s", yaml_why_zh(what, compile->arena));
}

static void pack_sections(struct compile *compile, json_t *root)
{
    const char *name, *before = compile->path;
    json_t *kind;
    sections_of(compile, root, top_keys, TOP_KEYS, HEAD_KEYS);
    only_keys(compile, root, top_keys, TOP_KEYS);
    json_object_foreach(json_object_get(root, "kinds"), name, kind) {
        compile->path = arena_printf(compile->arena, "kinds.%s", name);
        kind_sections_of(compile, kind);
    }
    compile->path = before;
}

/* All files of a pack: each top key at most once per file; the pack is their union. */
static json_t *pack_load(struct compile *compile, const struct policy_source *sources, size_t count, const char *pack)
{
    json_t *all = json_object();
    size_t size = strlen(pack);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(sources[i].path, pack, size) != 0 || sources[i].path[size] != '/')
            continue;
        found = true;
        json_t *root;
        char *why;
        compile->file = sources[i].path;
        compile->line = 1;
        if (yaml_parse(sources[i].path, sources[i].text, &compile->places, &root, &why)) {
            unreadable(compile, why);
            compile->half = true;
            continue;
        }
        pack_sections(compile, root);
        files_collide(compile, all, root);
        routes_in_order(compile, root);
        compile->half = compile->half || !json_is_object(root);
        json_t *merged = merge_packs(compile, all, root);
        json_decref(all);
        json_decref(root);
        all = merged;
    }
    if (!found) {
        compile->file = pack;
        compile->line = 0;
        mistake(compile, NULL, "没有制度包 \"%s\"", "there is no pack \"%s\"", pack);
        compile->half = true;
    }
    return all;
}

static bool pack_listed(const struct compile *compile, const char *pack)
{
    for (size_t i = 0; i < compile->policy->n_packs; i++)
        if (strcmp(compile->policy->packs[i]->name, pack) == 0)
            return true;
    return false;
}

#define EXTENDS_MAX 8u

/* A pack, and the one that extends it. */
struct extending {
    const char *pack;
    const struct extending *by;
};

static bool may_extend(const struct extending *extending, const char *base)
{
    unsigned depth = 0;
    bool circle = false;
    for (; extending; extending = extending->by, depth++)
        circle = circle || strcmp(extending->pack, base) == 0;
    return !circle && depth <= EXTENDS_MAX;
}

static json_t *pack_with_bases(struct compile *compile, const struct policy_source *sources, size_t count,
                               const char *pack, const struct extending *by)
{
    const struct extending extending = {pack, by};
    json_t *own = pack_load(compile, sources, count, pack);
    Policy__Pack *entry = POLICY_NEW(compile, Policy__Pack, POLICY__PACK__INIT);
    entry->name = arena_strdup(compile->arena, pack);
    entry->title = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    label_of(compile, own, "name", &entry->title, json_object_size(own) > 0);
    entry->extends = (char *)(uintptr_t)text_of(compile, json_object_get(own, "extends"));
    compile->half = compile->half || (json_object_get(own, "extends") && !*entry->extends);
    entry->in_force = (char *)(uintptr_t)text_of(compile, json_object_get(own, "in_force"));
    int32_t date;
    if (json_object_get(own, "in_force") && !date_parse(entry->in_force, &date))
        mistake(compile, json_object_get(own, "in_force"), "in_force 须为日期，如 2025-01-01",
                "in_force is a day: 2025-01-01 is accepted");
    entry->source = (char *)(uintptr_t)text_of(compile, json_object_get(own, "source"));
    if (*entry->extends && !may_extend(&extending, entry->extends)) {
        mistake(compile, json_object_get(own, "extends"), "制度包互相引用成环，或超过 8 层",
                "packs extend each other in a circle, or more than 8 deep");
        compile->half = true;
    } else if (*entry->extends && !pack_listed(compile, entry->extends)) { /* else it is there: what another pack made
                                                                              of it must not be undone */
        json_t *base = pack_with_bases(compile, sources, count, entry->extends, &extending);
        json_t *merged = merge_packs(compile, base, own);
        json_decref(base);
        json_decref(own);
        own = merged;
    }
    if (!pack_listed(compile, pack))
        POLICY_ADD(compile, compile->policy->packs, compile->policy->n_packs, entry);
    return own;
}

/* `like: other` copies a kind, then the kind's own items replace or add. */
static void resolve_likes(struct compile *compile)
{
    json_t *kinds = json_object_get(compile->root, "kinds"), *kind;
    const char *name;
    for (unsigned round = 0; round < 4; round++) {
        void *next;
        json_object_foreach_safe(kinds, next, name, kind) {
            json_t *like = json_object_get(kind, "like");
            if (!like)
                continue;
            json_t *base = json_object_get(kinds, json_string_value(like) ? json_string_value(like) : "");
            if (!base || base == kind) {
                const char *before = path_enter(compile, name, kind);
                mistake(compile, like, "没有事项 \"%s\"", "there is no kind \"%s\"", json_string_value(like));
                suggest_key(compile, json_string_value(like) ? json_string_value(like) : "", kinds);
                compile->path = before;
                json_object_del(kind, "like");
            } else if (!json_object_get(base, "like")) {
                json_t *merged = merge_kind(compile, base, kind);
                json_object_del(merged, "like");
                json_object_set_new(kinds, name, merged);
                POLICY_ADD(compile, compile->result->likes, compile->result->likes_count,
                           arena_strdup(compile->arena, name));
            }
        }
    }
}

/* ---- sections beside kinds ---- */

static void settings_of(struct compile *compile)
{
    const char *name;
    json_t *item;
    json_object_foreach(compile->settings, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "value", "unit", "needed");
        Policy__Setting *setting = POLICY_NEW(compile, Policy__Setting, POLICY__SETTING__INIT);
        setting->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &setting->label, true);
        clauses_of(compile, item, &setting->clauses, &setting->n_clauses, true);
        json_t *value = json_object_get(item, "value");
        if (json_is_string(value))
            setting->value = (char *)(uintptr_t)text_of(compile, value);
        if (json_object_get(item, "needed") && (!value || !*setting->value))
            mistake(compile, item, "发布制度前须填写此设置",
                    "this setting must be filled in before the policy can be published");
        POLICY_ADD(compile, compile->policy->settings, compile->policy->n_settings, setting);
        compile->path = before;
    }
}

static Policy__Clause *clause_named(const Policy__Policy *policy, const char *id)
{
    for (size_t i = 0; i < policy->n_clauses; i++)
        if (strcmp(policy->clauses[i]->id, id) == 0)
            return policy->clauses[i];
    return NULL;
}

/* `clauses:` is the catalogue; `built_in:` and `organisational:` say of some of them why no rule carries them,
   `left_out:` what of one that rules carry they do not. */
static void clauses_catalogue_of(struct compile *compile, json_t *map)
{
    const char *id;
    json_t *pair;
    json_object_foreach(map, id, pair) {
        const char *before = path_enter(compile, id, pair);
        Policy__Clause *clause = POLICY_NEW(compile, Policy__Clause, POLICY__CLAUSE__INIT);
        clause->id = arena_strdup(compile->arena, id);
        label_of(compile, map, id, &clause->label, true);
        POLICY_ADD(compile, compile->policy->clauses, compile->policy->n_clauses, clause);
        compile->path = before;
    }
}

static void carried_otherwise(struct compile *compile, json_t *map, Policy__Clause__Carried carried)
{
    const char *id;
    json_t *pair;
    json_object_foreach(map, id, pair) {
        Policy__Clause *clause = clause_named(compile->policy, id);
        if (!clause) {
            mistake(compile, pair, "clauses 中没有条款 \"%s\"", "there is no clause \"%s\" among \"clauses\"", id);
            suggest_key(compile, id, json_object_get(compile->root, "clauses"));
            continue;
        }
        clause->carried = carried;
        label_of(compile, map, id, &clause->reason, true);
    }
}

/* `duties:` a text, or [zh, en]; "none" (a setting not filled in yet, say): the post is there, and cannot be given. */
static void duties_of(struct compile *compile, json_t *item, Policy__Post *post)
{
    json_t *duties = json_object_get(item, "duties");
    if (json_is_string(duties)) {
        const char *text = text_of(compile, duties);
        post->undescribed = strcmp(text, "none") == 0;
        post->duties = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
        post->duties->zh = post->duties->en = (char *)(uintptr_t)(post->undescribed ? "" : text);
    } else if (duties) {
        label_of(compile, item, "duties", &post->duties, true);
    }
}

static void posts_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "in", "superior", "deputy", "duties", "handles");
        Policy__Post *post = POLICY_NEW(compile, Policy__Post, POLICY__POST__INIT);
        post->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &post->label, true);
        clauses_of(compile, item, &post->clauses, &post->n_clauses, true);
        post->department = (char *)(uintptr_t)text_of(compile, json_object_get(item, "in"));
        post->superior = (char *)(uintptr_t)text_of(compile, json_object_get(item, "superior"));
        post->deputy = (char *)(uintptr_t)text_of(compile, json_object_get(item, "deputy"));
        duties_of(compile, item, post);
        json_t *handles = json_object_get(item, "handles");
        post->handles_nothing = handles && !yes_of(compile, handles);
        if (*post->superior && !json_object_get(map, post->superior)) {
            mistake(compile, json_object_get(item, "superior"), "没有岗位 \"%s\"", "there is no post \"%s\"",
                    post->superior);
            suggest_key(compile, post->superior, map);
        }
        POLICY_ADD(compile, compile->policy->posts, compile->policy->n_posts, post);
        compile->path = before;
    }
}

static void post_known(struct compile *compile, json_t *node, const char *post)
{
    if (policy_post(compile->policy, post))
        return;
    mistake(compile, node, "没有岗位 \"%s\"", "there is no post \"%s\"", post);
    SUGGEST(compile, post, compile->policy->posts, compile->policy->n_posts);
}

/* "08:00-20:00", or several: "07:30-09:00, 17:00-18:30" */
static bool hours_parse(const char *text)
{
    uint32_t from, to;
    char first[6] = {0}, second[6] = {0};
    if (strlen(text) < 11 || text[5] != '-')
        return false;
    memcpy(first, text, 5);
    memcpy(second, text + 6, 5);
    bool hours = minute_parse(first, &from) && minute_parse(second, &to) && from < to;
    return hours && (!text[11] || (strncmp(text + 11, ", ", 2) == 0 && hours_parse(text + 13)));
}

/* [running, stopped], or {running: [zh, en]} */
static void marks_of(struct compile *compile, json_t *node, Policy__ThingDef *thing)
{
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(json_is_object(node) ? node : NULL, key, value) {
        Policy__Choice *mark = POLICY_NEW(compile, Policy__Choice, POLICY__CHOICE__INIT);
        mark->name = arena_strdup(compile->arena, key);
        label_of(compile, node, key, &mark->label, true);
        POLICY_ADD(compile, thing->marks, thing->n_marks, mark);
    }
    json_array_foreach(json_is_array(node) ? node : NULL, i, value) {
        Policy__Choice *mark = POLICY_NEW(compile, Policy__Choice, POLICY__CHOICE__INIT);
        mark->name = (char *)(uintptr_t)text_of(compile, value);
        mark->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
        mark->label->zh = mark->label->en = mark->name;
        POLICY_ADD(compile, thing->marks, thing->n_marks, mark);
    }
}

static void until_of(struct compile *compile, json_t *map, Policy__ThingDef *thing)
{
    const char *field;
    json_t *then;
    json_object_foreach(map, field, then) {
        Policy__Until *until = POLICY_NEW(compile, Policy__Until, POLICY__UNTIL__INIT);
        ONLY_KEYS(compile, then, "mark");
        until->field = arena_strdup(compile->arena, field);
        until->mark = (char *)(uintptr_t)text_of(compile, json_object_get(then, "mark"));
        bool time = false, mark = false;
        for (size_t i = 0; i < thing->n_fields; i++)
            time = time || (strcmp(thing->fields[i]->name, field) == 0 &&
                            thing->fields[i]->type == POLICY__FIELD_DEF__TYPE__TIME);
        for (size_t i = 0; i < thing->n_marks; i++)
            mark = mark || strcmp(thing->marks[i]->name, until->mark) == 0;
        if (!time || !mark)
            mistake(compile, then, "须为 {时间字段: {mark: 标记}}：\"%s\"、\"%s\"",
                    "accepted: {TIME FIELD: {mark: MARK}} of this register; not \"%s\", \"%s\"", field, until->mark);
        POLICY_ADD(compile, thing->until, thing->n_until, until);
    }
}

/* Registers: places, assets, households. Fields as those of kinds; marks are yes or no. */
static void things_of(struct compile *compile, json_t *map)
{
    const char *name, *key;
    json_t *item, *field;
    size_t i;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "fields", "marks", "until", "must_have");
        Policy__ThingDef *thing = POLICY_NEW(compile, Policy__ThingDef, POLICY__THING_DEF__INIT);
        Policy__Kind holder = POLICY__KIND__INIT; /* whose fields field_of may add to */
        thing->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &thing->label, true);
        clauses_of(compile, item, &thing->clauses, &thing->n_clauses, true);
        compile->kind = &holder;
        json_object_foreach(json_object_get(item, "fields"), key, field) {
            Policy__FieldDef *def = POLICY_NEW(compile, Policy__FieldDef, POLICY__FIELD_DEF__INIT);
            const char *inner = path_enter(compile, arena_printf(compile->arena, "fields.%s", key), field);
            if (json_object_get(field, "parts") || json_object_get(field, "checklist") || json_object_get(field, "is"))
                mistake(compile, field, "登记册的字段没有部分、核对表或算式",
                        "a field of a register has no parts, checklist or figure");
            else
                field_of(compile, key, field, def);
            if (def->needed != POLICY__FIELD_DEF__NEEDED__ALWAYS && json_object_get(field, "needed"))
                mistake(compile, field, "登记册的字段只能 needed: always",
                        "a field of a register is needed: always, or not at all");
            if (json_object_get(field, "read"))
                mistake(compile, field, "登记册的字段没有 read：登记册对全体员工可见",
                        "a field of a register has no `read`: a register is shown to all of the staff");
            if (def->type == POLICY__FIELD_DEF__TYPE__TEXT) /* people's own words belong to cases */
                def->type = POLICY__FIELD_DEF__TYPE__NAME;
            POLICY_ADD(compile, thing->fields, thing->n_fields, def);
            compile->path = inner;
        }
        compile->kind = NULL;
        marks_of(compile, json_object_get(item, "marks"), thing);
        texts_of(compile, json_object_get(item, "must_have"), &thing->must_have, &thing->n_must_have);
        for (i = 0; i < thing->n_must_have; i++)
            post_known(compile, json_object_get(item, "must_have"), thing->must_have[i]);
        until_of(compile, json_object_get(item, "until"), thing);
        POLICY_ADD(compile, compile->policy->things, compile->policy->n_things, thing);
        compile->path = before;
    }
}

static void rosters_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "posts", "cover", "deputy", "holding", "of");
        Policy__Roster *roster = POLICY_NEW(compile, Policy__Roster, POLICY__ROSTER__INIT);
        roster->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &roster->label, true);
        clauses_of(compile, item, &roster->clauses, &roster->n_clauses, true);
        texts_of(compile, json_object_get(item, "posts"), &roster->posts, &roster->n_posts);
        roster->cover = (char *)(uintptr_t)text_of(compile, json_object_get(item, "cover"));
        if (*roster->cover && strcmp(roster->cover, "always") != 0 && !hours_parse(roster->cover))
            mistake(compile, json_object_get(item, "cover"),
                    "可用：always，或每日时段 08:00-20:00，可有几段：07:30-09:00, 17:00-18:30",
                    "accepted: always, or hours of every day as 08:00-20:00, or several: 07:30-09:00, 17:00-18:30");
        const char *deputy = text_of(compile, json_object_get(item, "deputy"));
        roster->deputy_needed = strcmp(deputy, "required") == 0;
        if (*deputy && !roster->deputy_needed)
            mistake(compile, json_object_get(item, "deputy"), "可用：required", "required is accepted");
        texts_of(compile, json_object_get(item, "holding"), &roster->holding, &roster->n_holding);
        roster->of = arena_strdup(compile->arena, text_of(compile, json_object_get(item, "of")));
        json_t *things = json_object_get(compile->root, "things");
        if (*roster->of && !json_object_get(things, roster->of)) {
            mistake(compile, json_object_get(item, "of"), "没有登记册 \"%s\"", "there is no register \"%s\"",
                    roster->of);
            suggest_key(compile, roster->of, things);
        }
        for (size_t i = 0; i < roster->n_posts; i++)
            post_known(compile, json_object_get(item, "posts"), roster->posts[i]);
        POLICY_ADD(compile, compile->policy->rosters, compile->policy->n_rosters, roster);
        compile->path = before;
    }
}

static void categories_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "name", "to", "clause");
        Policy__Category *category = POLICY_NEW(compile, Policy__Category, POLICY__CATEGORY__INIT);
        category->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &category->label, true);
        category->department = (char *)(uintptr_t)text_of(compile, json_object_get(item, "to"));
        POLICY_ADD(compile, compile->policy->categories, compile->policy->n_categories, category);
        compile->path = before;
    }
}

/* In the order in which they are tried. */
static void channels_of(struct compile *compile, json_t *node, Policy__Notice *notice)
{
    texts_of(compile, node, &notice->by, &notice->n_by);
    for (size_t i = 0; i < notice->n_by; i++)
        for (size_t before = 0; before < i; before++)
            if (strcmp(notice->by[before], notice->by[i]) == 0)
                mistake(compile, node, "渠道“%s”写了两次：每个渠道依次只试一次",
                        "the channel \"%s\" is there twice: each is tried once, in order", notice->by[i]);
}

/* `hours: 08:00-20:00`: of every day; a night in between is not meant. */
static void hours_of(struct compile *compile, json_t *node, Policy__Notice *notice)
{
    const char *text = text_of(compile, node);
    if (!node)
        return;
    bool sound = strlen(text) == 11 && hours_parse(text) &&
                 minute_parse(arena_text(compile->arena, text, 5), &notice->hours_from_min) &&
                 minute_parse(text + 6, &notice->hours_to_min) && notice->hours_from_min < notice->hours_to_min;
    if (!sound)
        mistake(compile, node, "可用：每日时段，如 08:00-20:00", "accepted: hours of every day, as 08:00-20:00");
}

static void notices_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "to", "by", "text", "subject", "hours", "letter");
        Policy__Notice *notice = POLICY_NEW(compile, Policy__Notice, POLICY__NOTICE__INIT);
        notice->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &notice->label, false);
        label_of(compile, item, "subject", &notice->subject, false);
        label_of(compile, item, "text", &notice->text, true);
        clauses_of(compile, item, &notice->clauses, &notice->n_clauses, true);
        whos_of(compile, json_object_get(item, "to"), &notice->to, &notice->n_to);
        channels_of(compile, json_object_get(item, "by"), notice);
        hours_of(compile, json_object_get(item, "hours"), notice);
        notice->letter = (char *)(uintptr_t)text_of(compile, json_object_get(item, "letter"));
        POLICY_ADD(compile, compile->policy->notices, compile->policy->n_notices, notice);
        compile->path = before;
    }
}

/* A text in which `$name` stands for a setting: "$prefix WY7.5.1"; the blank behind it belongs to the name. */
static const char *filled_of(struct compile *compile, json_t *node)
{
    const char *text = json_is_string(node) ? json_string_value(node) : "", *space = strchr(text, ' ');
    if (*text != '$' || !space)
        return text_of(compile, node);
    json_t *setting = json_string(arena_text(compile->arena, text, (size_t)(space - text)));
    const char *value = text_of(compile, setting);
    json_decref(setting);
    return arena_printf(compile->arena, "%s%s", value, space + 1);
}

static void documents_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "number", "blocks", "class", "code", "copies", "of", "draft");
        Policy__DocumentDef *document = POLICY_NEW(compile, Policy__DocumentDef, POLICY__DOCUMENT_DEF__INIT);
        document->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &document->label, true);
        clauses_of(compile, item, &document->clauses, &document->n_clauses, true);
        document->number = (char *)(uintptr_t)text_of(compile, json_object_get(item, "number"));
        document->class_ = (char *)(uintptr_t)text_of(compile, json_object_get(item, "class"));
        document->code = (char *)(uintptr_t)filled_of(compile, json_object_get(item, "code"));
        texts_of(compile, json_object_get(item, "blocks"), &document->blocks, &document->n_blocks);
        texts_of(compile, json_object_get(item, "copies"), &document->copies, &document->n_copies);
        static const char *const classes[] = {"internal", "red_header", "public"};
        bool known = !*document->class_;
        for (size_t i = 0; i < 3; i++)
            known = known || strcmp(document->class_, classes[i]) == 0;
        if (!known)
            mistake(compile, json_object_get(item, "class"), "可用：internal、red_header、public",
                    "accepted: internal, red_header, public");
        document->of = (char *)(uintptr_t)text_of(compile, json_object_get(item, "of"));
        label_of(compile, item, "draft", &document->draft, false);
        if (*document->of && document->n_blocks == 0)
            POLICY_ADD(compile, document->blocks, document->n_blocks, document->of);
        if (document->n_blocks == 0)
            mistake(compile, item, "文书须有 blocks，如 [case, dispatch]",
                    "a document needs blocks, as [case, dispatch]");
        if (*document->of && (document->n_blocks != 1 || strcmp(document->blocks[0], document->of) != 0))
            mistake(compile, item, "以文本为内容（of）的文书没有别的 blocks",
                    "a document that is a text (`of`) has no other blocks");
        POLICY_ADD(compile, compile->policy->documents, compile->policy->n_documents, document);
        compile->path = before;
    }
}

static void defaults_of(struct compile *compile, json_t *map)
{
    Policy__Defaults *defaults = compile->policy->defaults =
        POLICY_NEW(compile, Policy__Defaults, POLICY__DEFAULTS__INIT);
    defaults->close_of_business_min = 1080;
    defaults->warn_hours_permille = 750;
    defaults->warn_days_min = 540;
    defaults->ladder = json_object_get(json_object_get(compile->root, "ladders"), "default")
                           ? (char *)(uintptr_t) "default"
                           : (char *)(uintptr_t) "";
    if (!map)
        return;
    const char *before = path_enter(compile, "defaults", map);
    ONLY_KEYS(compile, map, "close_of_business", "warn", "ladder");
    json_t *close = json_object_get(map, "close_of_business"), *warn = json_object_get(map, "warn");
    if (close && !minute_parse(text_of(compile, close), &defaults->close_of_business_min))
        mistake(compile, close, "须为时刻，如 18:00", "a time of day is accepted, as 18:00");
    if (json_object_get(map, "ladder"))
        defaults->ladder = (char *)(uintptr_t)text_of(compile, json_object_get(map, "ladder"));
    if (warn) {
        ONLY_KEYS(compile, warn, "hours", "days");
        const char *hours = text_of(compile, json_object_get(warn, "hours")),
                   *days = text_of(compile, json_object_get(warn, "days"));
        char *end;
        double percent = strtod(hours, &end);
        if (*hours && (strcmp(end, " %") != 0 || percent <= 0 || percent >= 100))
            mistake(compile, json_object_get(warn, "hours"), "须为比例，如 75 %%", "a share is accepted, as 75 %%");
        else if (*hours)
            defaults->warn_hours_permille = (uint32_t)(percent * 10 + 0.5);
        if (*days &&
            (strncmp(days, "last working day before ", 24) != 0 || !minute_parse(days + 24, &defaults->warn_days_min)))
            mistake(compile, json_object_get(warn, "days"), "可用：last working day before 09:00",
                    "accepted: last working day before 09:00");
    }
    compile->path = before;
}

/* First what can be named, then what names it. */
static void kinds_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        Policy__Kind *kind = POLICY_NEW(compile, Policy__Kind, POLICY__KIND__INIT);
        kind->name = arena_strdup(compile->arena, name);
        POLICY_ADD(compile, compile->policy->kinds, compile->policy->n_kinds, kind);
    }
    size_t count = compile->policy->n_kinds;
    Policy__Kind **kinds = kinds_in_order(compile->result, compile->policy, compile->arena);
    for (size_t i = 0; i < 2 * count; i++) {
        Policy__Kind *kind = kinds[i % count];
        item = json_object_get(map, kind->name);
        const char *before = path_enter(compile, kind->name, item);
        if (i < count)
            kind_compile(compile, kind->name, item, kind);
        else
            kind_compile_rules(compile, item, kind);
        compile->path = before;
    }
    if (count == 0)
        mistake(compile, map, "制度须有 kinds（事项）", "a policy needs kinds");
}

static void merge_all(struct compile *compile, const struct policy_source *sources, size_t sources_count,
                      const char *const *packs, size_t packs_count)
{
    yaml_places_init(&compile->places, compile->arena);
    compile->policy = POLICY_NEW(compile, Policy__Policy, POLICY__POLICY__INIT);
    compile->root = json_object();
    compile->made = json_array();
    compile->removed = json_object();
    for (size_t i = 0; i < packs_count; i++) {
        json_t *pack = pack_with_bases(compile, sources, sources_count, packs[i], NULL);
        bool settles = yes_of(compile, json_object_get(pack, "settles"));
        compile->result->settles = settles;
        if (settles && i + 1 == packs_count)
            packs_settle(compile, pack, packs[i]);
        else
            packs_collide(compile, compile->root, pack, packs[i]);
        if (settles && i + 1 < packs_count)
            mistake(compile, json_object_get(pack, "settles"), "settles: yes 的制度包列在最后",
                    "the pack that settles is listed last");
        compile->beside = packs[i];
        json_t *merged = merge_packs(compile, compile->root, pack);
        compile->beside = NULL;
        json_decref(compile->root);
        json_decref(pack);
        compile->root = merged;
    }
}

/* What was kept while compiling: `like` and departments merge too, after the packs. */
static void forget(struct compile *compile)
{
    json_decref(compile->made);
    json_decref(compile->removed);
}

json_t *policy_merged(const struct policy_source *sources, size_t sources_count, const char *const *packs,
                      size_t packs_count, struct arena *arena, struct policy_result *result_out)
{
    struct compile compile = {.arena = arena, .result = result_out, .path = "", .file = ""};
    *result_out = (struct policy_result){0};
    merge_all(&compile, sources, sources_count, packs, packs_count);
    forget(&compile);
    if (!compile.wrong)
        return compile.root;
    json_decref(compile.root);
    return NULL;
}

void policy_compile(const struct policy_source *sources, size_t sources_count, const char *const *packs,
                    size_t packs_count, struct arena *arena, struct policy_result *result_out)
{
    struct compile compile = {.arena = arena, .result = result_out, .path = "", .file = ""};
    *result_out = (struct policy_result){0};
    merge_all(&compile, sources, sources_count, packs, packs_count);
    compile.settings = json_object_get(compile.root, "settings");
    if (!compile.half) { /* of half a pack everything would be a mistake */
        resolve_likes(&compile);
        departments_apply(&compile);
        compile.path = "settings";
        settings_of(&compile);
        compile.path = "";
        compile.policy->calendar = (char *)(uintptr_t)text_of(&compile, json_object_get(compile.root, "calendar"));
        defaults_of(&compile, json_object_get(compile.root, "defaults"));
        const char *top = path_enter(&compile, "clauses", NULL);
        clauses_catalogue_of(&compile, json_object_get(compile.root, "clauses"));
        compile.path = "built_in";
        carried_otherwise(&compile, json_object_get(compile.root, "built_in"), POLICY__CLAUSE__CARRIED__BUILT_IN);
        compile.path = "organisational";
        carried_otherwise(&compile, json_object_get(compile.root, "organisational"),
                          POLICY__CLAUSE__CARRIED__ORGANISATIONAL);
        compile.path = "left_out";
        carried_otherwise(&compile, json_object_get(compile.root, "left_out"), POLICY__CLAUSE__CARRIED__BY_RULES);
        compile.path = "posts";
        posts_of(&compile, json_object_get(compile.root, "posts"));
        compile.path = "things";
        things_of(&compile, json_object_get(compile.root, "things"));
        compile.path = "rosters";
        rosters_of(&compile, json_object_get(compile.root, "rosters"));
        compile.path = "categories";
        categories_of(&compile, json_object_get(compile.root, "categories"));
        compile.path = "notices";
        notices_of(&compile, json_object_get(compile.root, "notices"));
        compile.path = "documents";
        documents_of(&compile, json_object_get(compile.root, "documents"));
        compile.path = "ladders";
        ladders_of(&compile, json_object_get(compile.root, "ladders"));
        compile.path = "kinds";
        kinds_of(&compile, json_object_get(compile.root, "kinds"));
        compile.path = "patterns";
        patterns_of(&compile, json_object_get(compile.root, "patterns"));
        compile.path = "indicators";
        indicators_of(&compile, json_object_get(compile.root, "indicators"));
        compile.path = "schedules";
        schedules_of(&compile, json_object_get(compile.root, "schedules"));
        compile.path = "never";
        nevers_of(&compile, json_object_get(compile.root, "never"), &compile.policy->never, &compile.policy->n_never);
        compile.path = top;
        result_out->begun = compile.policy;
    }
    json_decref(compile.root);
    forget(&compile);
    if (!compile.wrong)
        result_out->policy = compile.policy;
}
