/* `departments:` of a kind: what one department does otherwise. It replaces the limit of a clock, adds clocks, rules,
   rights and exclusions, changes rules, or removes one, has its own value of a setting, needs a field at a step, says
   who takes a step, has steps and fields of its own, for cases that this department leads. What stands there becomes
   plain conditions on `lead` before anything is compiled, but for who takes a step, which the step keeps by department:
   a case not yet routed goes by what holds everywhere. What becomes of it bears the department's name, which
   `policy explain` shows. */
#include "policy/internal.h"

struct difference {
    struct compile *compile;
    json_t *kind;
    const json_t *site; /* the kind before any department changed it */
    const char *department;
};

static json_t *placed(struct compile *compile, json_t *made, const json_t *like)
{
    yaml_places_add(&compile->places, made, yaml_place_of(&compile->places, like));
    json_array_append(compile->made, made);
    return made;
}

/* Stands in no file. */
static json_t *unwritten(struct compile *compile, json_t *made)
{
    yaml_places_add(&compile->places, made, (struct yaml_place){"", 0, 0});
    json_array_append(compile->made, made);
    return made;
}

/* Of a clock, a row of its limit, or a rule: whose it is. */
static void bear_name(const struct difference *difference, json_t *item)
{
    json_object_set_new(item, "of department", unwritten(difference->compile, json_string(difference->department)));
}

/* {all: [{lead: present}, {lead: D}]}: surely not so while nobody leads. */
static json_t *is_led(const struct difference *difference, const json_t *like)
{
    json_t *led = json_pack("{s:[{s:s}, {s:s}]}", "all", "lead", "present", "lead", difference->department), *line;
    size_t i;
    json_array_foreach(json_object_get(led, "all"), i, line) {
        const char *key;
        json_t *word;
        placed(difference->compile, line, like);
        json_object_foreach(line, key, word)
            placed(difference->compile, word, like);
    }
    placed(difference->compile, json_object_get(led, "all"), like);
    return placed(difference->compile, led, like);
}

static json_t *is_not_led(const struct difference *difference, const json_t *like)
{
    return placed(difference->compile, json_pack("{s:o}", "not", is_led(difference, like)), like);
}

/* A copy of the item that holds only where `condition` does as well. */
static json_t *only_if(const struct difference *difference, json_t *item, json_t *condition)
{
    struct compile *compile = difference->compile;
    json_t *copy = placed(compile, json_copy(item), item), *own = json_object_get(item, "if");
    if (own) {
        json_t *both = placed(compile, json_pack("[O, o]", own, condition), item);
        condition = placed(compile, json_pack("{s:o}", "all", both), item);
    }
    json_object_set_new(copy, "if", condition);
    return copy;
}

static void tell(const struct difference *difference, json_t *item, const char *name, bool removed, bool there)
{
    const char *department = difference->department;
    if (removed)
        caution(difference->compile, item, "部门 %s 不适用“%s”", "the department %s does without %s", department, name);
    else if (there)
        caution(difference->compile, item, "部门 %s 的“%s”与全站不同",
                "the department %s has %s otherwise than the site", department, name);
    else
        caution(difference->compile, item, "部门 %s 另有“%s”", "the department %s alone has %s", department, name);
}

/* ---- clocks: another limit ---- */

/* `clause`: of what the department says. */
static json_t *own_row(const struct difference *difference, json_t *row, json_t *clause)
{
    json_t *own = only_if(difference, row, is_led(difference, row));
    bear_name(difference, own);
    if (clause)
        json_object_set(own, "clause", clause);
    return own;
}

static void add_rows(const struct difference *difference, json_t *rows, json_t *limit, bool led, json_t *clause)
{
    struct compile *compile = difference->compile;
    json_t *row;
    size_t i;
    if (!json_is_array(limit)) {
        limit = placed(compile, json_pack("[O]", limit), limit);
        json_decref(limit); /* it is kept among those made */
    }
    json_array_foreach(limit, i, row) {
        bool written_out = json_is_object(row) && json_object_get(row, "is");
        json_t *whole = written_out ? json_incref(row) : placed(compile, json_pack("{s:O}", "is", row), row);
        if (led)
            json_array_append_new(rows, own_row(difference, whole, clause));
        else
            json_array_append(rows, row);
        json_decref(whole);
    }
}

static void change_limit(const struct difference *difference, json_t *clocks, const char *name, json_t *item)
{
    struct compile *compile = difference->compile;
    json_t *below = json_object_get(clocks, name), *own = json_object_get(item, "limit"),
           *limit = json_object_get(below, "limit");
    ONLY_KEYS(compile, item, "clause", "limit");
    if (!own || !limit) {
        mistake(compile, item, "部门对时钟可改 limit，或写 removed；其余须另设时钟",
                "of a clock a department may say another limit, or remove it: anything else is a clock of its own");
        return;
    }
    json_t *rows = placed(compile, json_array(), own), *copy = placed(compile, json_copy(below), below);
    add_rows(difference, rows, own, true, json_object_get(item, "clause"));
    add_rows(difference, rows, limit, false, NULL);
    json_object_set_new(copy, "limit", rows);
    json_object_set_new(clocks, name, copy);
}

/* ---- rules, rights, exclusions ---- */

static void change_item(const struct difference *difference, json_t *items, const char *name, json_t *item)
{
    struct compile *compile = difference->compile;
    json_t *below = json_object_get(items, name), *own = placed(compile, json_copy(below), item), *value;
    const char *key;
    json_object_foreach(item, key, value)
        json_object_set(own, key, value);
    if (json_object_get(own, "before") || json_object_get(own, "when"))
        bear_name(difference, own);
    json_object_set_new(items, arena_printf(compile->arena, "%s_%s", name, difference->department),
                        only_if(difference, own, is_led(difference, item)));
    json_object_set_new(items, name, only_if(difference, below, is_not_led(difference, below)));
    json_decref(own);
}

static void add_item(const struct difference *difference, json_t *items, const char *name, json_t *item)
{
    json_t *own = only_if(difference, item, is_led(difference, item));
    bool right = json_object_get(own, "do") != NULL;
    if (!right)
        bear_name(difference, own);
    json_object_set_new(items, name, own);
}

/* `site`: what it was before any department changed it. */
static void apply_item(const struct difference *difference, json_t *items, const json_t *site, const char *name,
                       json_t *item, bool clocks)
{
    json_t *below = json_object_get(items, name);
    bool removed = json_is_object(item) && json_object_get(item, "removed");
    if (removed && !below) {
        mistake(difference->compile, item, "没有“%s”可去掉", "there is no \"%s\" to remove", name);
        return;
    }
    if (below && !json_object_get(site, name)) { /* taken for a change of it, it would never hold */
        mistake(difference->compile, item, "“%s”是另一部门自己的：请另起名，如 %s_%s",
                "\"%s\" is another department's own: name this one apart, as %s_%s", name, name,
                difference->department);
        return;
    }
    tell(difference, item, name, removed, below != NULL);
    if (removed)
        json_object_set_new(items, name, only_if(difference, below, is_not_led(difference, below)));
    else if (!below)
        add_item(difference, items, name, item);
    else if (clocks)
        change_limit(difference, items, name, item);
    else
        change_item(difference, items, name, item);
}

static void apply_section(const struct difference *difference, const char *section, json_t *own)
{
    struct compile *compile = difference->compile;
    json_t *below = json_object_get(difference->kind, section), *item;
    json_t *items = below ? placed(compile, json_copy(below), below) : placed(compile, json_object(), own);
    const char *before = path_enter(compile, section, own), *name;
    json_object_foreach(own, name, item) {
        const char *at = path_enter(compile, name, item);
        if (json_is_object(item))
            apply_item(difference, items, json_object_get(difference->site, section), name, item,
                       strcmp(section, "clocks") == 0);
        else
            mistake(compile, item, "须为键值对", "a map is accepted");
        compile->path = at;
    }
    json_object_set_new(difference->kind, section, items);
    compile->path = before;
}

/* ---- fields and steps ---- */

/* A section of the kind that may be changed: those of another kind may be the same. */
static json_t *own_section(const struct difference *difference, const char *section)
{
    json_t *below = json_object_get(difference->kind, section);
    json_t *items = below ? placed(difference->compile, json_copy(below), below) : json_object();
    json_object_set_new(difference->kind, section, items);
    return items;
}

static json_t *word(const struct difference *difference, const char *text, const json_t *like)
{
    return placed(difference->compile, json_string(text), like);
}

static json_t *pair_of(const struct difference *difference, const char *zh, const char *en, const json_t *like)
{
    return placed(difference->compile, json_pack("[o, o]", word(difference, zh, like), word(difference, en, like)),
                  like);
}

/* A rule that refuses the step where `condition` holds. */
static void add_guard(const struct difference *difference, const char *name, const char *step, json_t *condition,
                      json_t *refuse, const json_t *item)
{
    json_t *rule =
               json_pack("{s:o, s:o, s:o}", "before", word(difference, step, item), "if", condition, "refuse", refuse),
           *clause = json_object_get(item, "clause");
    bear_name(difference, rule);
    if (!clause) /* what is removed bears none: that of what was there */
        clause = json_object_get(json_object_get(json_object_get(difference->kind, "steps"), step), "clause");
    if (clause)
        json_object_set(rule, "clause", clause);
    json_object_set_new(own_section(difference, "rules"), name, placed(difference->compile, rule, item));
}

/* Among what the form of the step offers. */
static void offer(const struct difference *difference, const char *step, const char *field, const json_t *item)
{
    json_t *steps = own_section(difference, "steps"), *below = json_object_get(steps, step),
           *own = placed(difference->compile, json_copy(below), below), *fields = json_object_get(below, "fields");
    json_t *list = !fields ? json_array() : json_is_array(fields) ? json_copy(fields) : json_pack("[O]", fields);
    json_array_append_new(list, word(difference, field, item));
    json_object_set_new(own, "fields", placed(difference->compile, list, fields ? fields : item));
    json_object_set_new(steps, step, own);
}

static void need_at(const struct difference *difference, const char *step, const char *field, const json_t *item)
{
    struct compile *compile = difference->compile;
    json_t *def = json_object_get(json_object_get(difference->kind, "fields"), field),
           *name = json_object_get(def, "name");
    if (!json_object_get(json_object_get(difference->kind, "steps"), step)) {
        mistake(compile, item, "没有步骤 \"%s\"", "there is no step \"%s\"", step);
        suggest_key(compile, step, json_object_get(difference->kind, "steps"));
        return;
    }
    if (!def) {
        mistake(compile, item, "没有字段 \"%s\"", "there is no field \"%s\"", field);
        suggest_key(compile, field, json_object_get(difference->kind, "fields"));
        return;
    }
    const char *zh = json_string_value(json_array_get(name, 0)), *en = json_string_value(json_array_get(name, 1));
    json_t *lacks = is_led(difference, item),
           *line = placed(compile, json_pack("{s:o}", field, word(difference, "missing", item)), item);
    json_array_append(json_object_get(lacks, "all"), line);
    json_decref(line);
    offer(difference, step, field, item);
    add_guard(difference, arena_printf(compile->arena, "%s_at_%s_%s", field, step, difference->department), step, lacks,
              pair_of(difference, arena_printf(compile->arena, "须填写：%s", zh ? zh : field),
                      arena_printf(compile->arena, "needed here: %s", en ? en : field), item),
              item);
}

static void apply_field(const struct difference *difference, const char *name, json_t *item)
{
    struct compile *compile = difference->compile;
    json_t *fields = own_section(difference, "fields"), *needed = json_object_get(item, "needed");
    const char *text = json_string_value(needed);
    bool there = json_object_get(fields, name) != NULL;
    tell(difference, item, name, false, there);
    if (there) {
        ONLY_KEYS(compile, item, "clause", "needed");
    } else {
        json_t *own = placed(compile, json_copy(item), item);
        json_object_del(own, "needed");
        json_object_set_new(fields, name, own);
    }
    if (text && strncmp(text, "at ", 3) == 0)
        need_at(difference, text + 3, name, item);
    else if (needed || there)
        mistake(compile, needed ? needed : item, "部门对字段只能要求 needed: at 步骤（登记时尚未分派）",
                "of a field a department may say `needed: at STEP` (at registration nobody leads yet)");
}

static void apply_needs(const struct difference *difference, const char *step, json_t *item)
{
    json_t *needs = json_object_get(item, "needs");
    for (size_t i = 0; i < (json_is_array(needs) ? json_array_size(needs) : needs != NULL); i++) {
        const char *field = json_string_value(json_is_array(needs) ? json_array_get(needs, i) : needs);
        if (field && !strchr(field, ' '))
            need_at(difference, step, field, item);
        else
            mistake(difference->compile, needs, "部门只能要求字段", "a department may need fields");
    }
}

/* A case is opened by `register` and has no department before that. */
static void apply_by(const struct difference *difference, const char *step, json_t *item)
{
    struct compile *compile = difference->compile;
    json_t *steps = own_section(difference, "steps"), *below = json_object_get(steps, step),
           *before = json_object_get(below, "department by");
    if (!json_object_get(below, "from")) {
        mistake(compile, json_object_get(item, "by"), "%s 之时案件尚未分派，没有主办部门：可在该事项的步骤中写 by",
                "nobody leads a case before %s: `by` of the kind's own step is accepted", step);
        return;
    }
    json_t *own = placed(compile, json_copy(below), below),
           *all = unwritten(compile, before ? json_copy(before) : json_object());
    json_object_set(all, difference->department, item);
    json_object_set_new(own, "department by", all);
    json_object_set_new(steps, step, own);
}

/* What is the site's alone is named, with what does instead. */
static void only_of_step(const struct difference *difference, json_t *item)
{
    static const char *const sites[] = {"from",   "to",   "round", "set",      "link",
                                        "unlink", "copy", "name",  "override", "deletes"};
    struct compile *compile = difference->compile;
    json_t *rest = placed(compile, json_copy(item), item);
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        json_t *value = json_object_get(rest, sites[i]);
        if (value)
            mistake(compile, value, "步骤的 %s 是全站的：部门可用 by、needs、fields，或写 removed 并另设自己的步骤",
                    "%s of a step is the site's: a department may say by, needs, fields, or removed and a step of its "
                    "own",
                    sites[i]);
        json_object_del(rest, sites[i]);
    }
    ONLY_KEYS(compile, rest, "clause", "by", "needs", "fields");
    json_decref(rest); /* it is kept among those made */
}

/* The form of the step offers more here. */
static void apply_offers(const struct difference *difference, const char *step, json_t *item)
{
    json_t *fields = json_object_get(item, "fields");
    for (size_t i = 0; i < (json_is_array(fields) ? json_array_size(fields) : fields != NULL); i++) {
        const char *field = json_string_value(json_is_array(fields) ? json_array_get(fields, i) : fields);
        if (field)
            offer(difference, step, field, item);
    }
}

static void apply_step(const struct difference *difference, const char *name, json_t *item)
{
    struct compile *compile = difference->compile;
    json_t *steps = own_section(difference, "steps"), *removed = json_object_get(item, "removed");
    bool there = json_object_get(steps, name) != NULL;
    if (removed && !there) {
        mistake(compile, item, "没有“%s”可去掉", "there is no \"%s\" to remove", name);
        return;
    }
    tell(difference, item, name, removed != NULL, there);
    if (removed) {
        add_guard(difference, arena_printf(compile->arena, "no_%s_%s", name, difference->department), name,
                  is_led(difference, item), json_incref(removed), item);
    } else if (there) {
        only_of_step(difference, item);
        apply_needs(difference, name, item);
        apply_offers(difference, name, item);
        if (json_object_get(item, "by"))
            apply_by(difference, name, item);
    } else {
        json_object_set(steps, name, item);
        add_guard(difference, arena_printf(compile->arena, "%s_of_%s", name, difference->department), name,
                  is_not_led(difference, item),
                  pair_of(difference, "本步骤只用于另一部门主办的案件",
                          "this step is for cases that another department leads", item),
                  item);
    }
}

static void apply_all(const struct difference *difference, const char *section, json_t *own,
                      void (*apply)(const struct difference *difference, const char *name, json_t *item))
{
    struct compile *compile = difference->compile;
    const char *before = path_enter(compile, section, own), *name;
    json_t *item;
    if (own && !json_is_object(own))
        mistake(compile, own, "%s 须为键值对", "%s: a map is accepted", section);
    json_object_foreach(own, name, item) {
        const char *at = path_enter(compile, name, item);
        if (json_is_object(item))
            apply(difference, name, item);
        else
            mistake(compile, item, "须为键值对", "a map is accepted");
        compile->path = at;
    }
    compile->path = before;
}

/* ---- settings ---- */

static const char *const sections[] = {"clocks", "rules", "may", "never"};
#define SECTIONS (sizeof sections / sizeof *sections)

/* Does it go by this setting ("$name")? As a key (`$late_day: yes`) too, which no value can replace. */
static bool goes_by(const json_t *node, const char *name, bool keys_only)
{
    const char *key, *text = json_string_value(node);
    json_t *inner;
    size_t i;
    if (!keys_only && text && text[0] == '$' && strcmp(text + 1, name) == 0)
        return true;
    json_array_foreach(node, i, inner)
        if (goes_by(inner, name, keys_only))
            return true;
    json_object_foreach((json_t *)(uintptr_t)node, key, inner)
        if ((key[0] == '$' && strcmp(key + 1, name) == 0) || goes_by(inner, name, keys_only))
            return true;
    return false;
}

/* With the value in the place of the setting. A new reference. */
static json_t *with_value(const struct difference *difference, json_t *node, const char *name, json_t *value)
{
    const char *key, *text = json_string_value(node);
    json_t *inner, *made;
    size_t i;
    if (text && text[0] == '$' && strcmp(text + 1, name) == 0)
        return json_incref(value);
    if (!json_is_array(node) && !json_is_object(node))
        return json_incref(node);
    made = json_is_array(node) ? json_array() : json_object();
    json_array_foreach(node, i, inner)
        json_array_append_new(made, with_value(difference, inner, name, value));
    json_object_foreach(node, key, inner)
        json_object_set_new(made, key, with_value(difference, inner, name, value));
    return placed(difference->compile, made, node);
}

/* {clause: C, value: 3 h}, or 3 h alone. */
static json_t *setting_value(json_t *own)
{
    return json_is_object(own) ? json_object_get(own, "value") : own;
}

/* Of a clock only the limit can be otherwise, of a rule, right or exclusion all of it. */
static void set_in_item(const struct difference *difference, json_t *items, const char *name, json_t *below,
                        const char *setting, json_t *own, bool clock)
{
    struct compile *compile = difference->compile;
    json_t *value = setting_value(own), *clause = json_object_get(own, "clause");
    json_t *limit = clock ? json_object_get(below, "limit") : NULL, *rest = json_copy(below);
    json_object_del(rest, "limit");
    if (goes_by(clock ? rest : below, setting, !clock)) {
        mistake(compile, value, "“%s”不在其 limit 处用到 $%s：部门不能另设其值",
                "%s goes by $%s elsewhere than in a limit or value: a department cannot have its own there", name,
                setting);
    } else if (clock) {
        json_t *change =
            placed(compile, json_pack("{s:o}", "limit", with_value(difference, limit, setting, value)), value);
        if (clause)
            json_object_set(change, "clause", clause);
        change_limit(difference, items, name, change);
        json_decref(change);
    } else {
        json_t *change = with_value(difference, below, setting, value);
        if (clause)
            json_object_set(change, "clause", clause);
        change_item(difference, items, name, change);
        json_decref(change);
    }
    json_decref(rest);
}

/* What the department itself says otherwise is not written over: that goes by its own value already. */
static bool set_in_section(const struct difference *difference, const char *section, json_t *explicit,
                           const char *setting, json_t *own)
{
    json_t *site = json_object_get(difference->site, section), *below, *items = NULL;
    bool any = false;
    const char *name;
    json_object_foreach(site, name, below) {
        if (!goes_by(below, setting, false))
            continue;
        any = true;
        items = items ? items : own_section(difference, section);
        if (!json_object_get(explicit, name))
            set_in_item(difference, items, name, below, setting, own, strcmp(section, "clocks") == 0);
    }
    return any;
}

/* The map of the department with its own values. A new reference. */
static json_t *apply_settings(const struct difference *difference, json_t *map)
{
    struct compile *compile = difference->compile;
    json_t *own = json_object_get(map, "settings"), *item, *with = json_incref(map);
    const char *name, *before = path_enter(compile, "settings", own);
    json_object_foreach(own, name, item) {
        const char *at = path_enter(compile, name, item);
        json_t *value = setting_value(item);
        bool any = false;
        if (json_is_object(item))
            ONLY_KEYS(compile, item, "clause", "value");
        if (!json_object_get(compile->settings, name)) {
            mistake(compile, item, "没有设置 \"%s\"", "there is no setting \"%s\"", name);
            suggest_key(compile, name, compile->settings);
        } else if (!json_is_string(value)) {
            mistake(compile, item, "须为一个值，如 {value: 12 h}", "a value is accepted, as {value: 12 h}");
        } else {
            tell(difference, item, name, false, true);
            for (size_t i = 0; i < SECTIONS; i++)
                any |= set_in_section(difference, sections[i], json_object_get(map, sections[i]), name, item);
            any |= goes_by(map, name, false);
            if (!any)
                mistake(compile, item, "此事项的时钟、规则、准许与禁止都不用 $%s",
                        "no clock, rule, right or exclusion of this kind goes by $%s", name);
            json_t *fresh = with_value(difference, with, name, value);
            json_decref(with);
            with = fresh;
        }
        compile->path = at;
    }
    compile->path = before;
    return with;
}

/* ---- a department ---- */

/* Why a department has none of its own, and what does instead. */
static void refuse_sites(struct compile *compile, json_t *map)
{
    static const char *const sites[] = {"route", "returns", "stages", "chains", "limits"};
    json_t *rest = placed(compile, json_copy(map), map), *own;
    if ((own = json_object_get(map, "route")))
        mistake(compile, own, "部门没有自己的 route：分派之前案件没有主办部门；可在该事项的 route 中加一行，以 if 限定",
                "a department has no `route`: none leads a case before it is routed; a row of the kind's own route, "
                "with an `if`, is accepted");
    if ((own = json_object_get(map, "returns")))
        mistake(compile, own, "部门没有自己的 returns：可退几次不由退单的部门规定；可在该事项中写 returns",
                "a department has no `returns`: how often a case is given back is not for whoever gives it back to "
                "say; `returns` of the kind is accepted");
    if ((own = json_object_get(map, "stages")))
        mistake(compile, own,
                "部门没有自己的 stages：清单与统计按阶段比较各部门；可另设自己的步骤，或另设同类（like）事项",
                "a department has no `stages`: lists and figures compare departments by them; steps of its own, or a "
                "kind that is `like` this one, are accepted");
    if ((own = json_object_get(map, "chains")))
        mistake(compile, own, "部门没有自己的 chains：案件转给别的部门时审批照常进行；可在该事项的审批链中写 unless",
                "a department has no `chains`: an approval goes on when another department gets the case; `unless` of "
                "the kind's own chain is accepted");
    if ((own = json_object_get(map, "limits")))
        mistake(compile, own, "部门没有自己的 limits：金额权限属于岗位；可在该事项中写 limits",
                "a department has no `limits`: an amount is a post's to decide; `limits` of the kind is accepted");
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++)
        json_object_del(rest, sites[i]);
    ONLY_KEYS(compile, rest, "clause", "settings", "fields", "steps", "clocks", "rules", "may", "never");
    json_decref(rest); /* it is kept among those made */
}

static void apply_department(struct compile *compile, json_t *kind, const json_t *site, const char *department,
                             json_t *map)
{
    struct difference difference = {compile, kind, site, department};
    refuse_sites(compile, map);
    map = apply_settings(&difference, map);
    apply_all(&difference, "fields", json_object_get(map, "fields"), apply_field);
    apply_all(&difference, "steps", json_object_get(map, "steps"), apply_step);
    for (size_t i = 0; i < SECTIONS; i++) {
        json_t *own = json_object_get(map, sections[i]);
        if (json_is_object(own))
            apply_section(&difference, sections[i], own);
        else if (own)
            mistake(compile, own, "%s 须为键值对", "%s: a map is accepted", sections[i]);
    }
    json_decref(map);
}

void departments_apply(struct compile *compile)
{
    const char *name, *department;
    json_t *kind, *map;
    json_object_foreach(json_object_get(compile->root, "kinds"), name, kind) {
        json_t *departments = json_incref(json_object_get(kind, "departments")), *site = json_copy(kind);
        const char *before = compile->path;
        compile->path = arena_printf(compile->arena, "kinds.%s.departments", name);
        json_object_foreach(departments, department, map) {
            const char *at = path_enter(compile, department, map);
            apply_department(compile, kind, site, department, map);
            compile->path = at;
        }
        compile->path = before;
        json_object_del(kind, "departments");
        json_decref(departments);
        json_decref(site);
    }
}

char *department_of(struct compile *compile, json_t *item)
{
    json_t *name = json_object_get(item, "of department");
    if (name && yaml_place_of(&compile->places, name).line)
        mistake(compile, name, "此处不可写", "this is not written by hand");
    return (char *)(uintptr_t)text_of(compile, name);
}
