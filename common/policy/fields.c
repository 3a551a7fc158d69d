/* The fields of a kind: types, choices, parts, checklists, computed ones. */
#include "base/number.h"
#include "policy/internal.h"

#include <stdlib.h>

#define NUMBER_MAX 1000000u /* of times, in a pack */

/* "twice" and "3x" are no numbers: strtoul would make 0 and 3 of them, and 0 is mostly no limit at all. */
uint32_t number_of(struct compile *compile, json_t *node, uint32_t otherwise)
{
    uint64_t number = otherwise;
    const char *text = text_of(compile, node);
    if (*text && !number_read(text, NUMBER_MAX, &number))
        mistake(compile, node, "\"%s\" 不是次数；可用 0 至 1000000 的整数",
                "\"%s\" is no number of times; whole numbers up to 1000000 are accepted", text);
    return (uint32_t)number;
}

static const struct {
    const char *word;
    Policy__FieldDef__Type type;
} field_types[] = {{"text", POLICY__FIELD_DEF__TYPE__TEXT},     {"yes_no", POLICY__FIELD_DEF__TYPE__YES_NO},
                   {"number", POLICY__FIELD_DEF__TYPE__NUMBER}, {"money", POLICY__FIELD_DEF__TYPE__MONEY},
                   {"time", POLICY__FIELD_DEF__TYPE__TIME},     {"duration", POLICY__FIELD_DEF__TYPE__DURATION},
                   {"person", POLICY__FIELD_DEF__TYPE__PERSON}, {"department", POLICY__FIELD_DEF__TYPE__DEPARTMENT},
                   {"place", POLICY__FIELD_DEF__TYPE__PLACE},   {"file", POLICY__FIELD_DEF__TYPE__FILE},
                   {"name", POLICY__FIELD_DEF__TYPE__NAME},     {"thing", POLICY__FIELD_DEF__TYPE__THING}};

static void choices_of(struct compile *compile, json_t *node, Policy__FieldDef *field)
{
    size_t i;
    json_t *item;
    const char *key;
    if (strcmp(json_string_value(node) ? json_string_value(node) : "", "$categories") == 0) {
        for (size_t c = 0; c < compile->policy->n_categories; c++) {
            Policy__Choice *choice = POLICY_NEW(compile, Policy__Choice, POLICY__CHOICE__INIT);
            choice->name = compile->policy->categories[c]->name;
            choice->label = compile->policy->categories[c]->label;
            POLICY_ADD(compile, field->one_of, field->n_one_of, choice);
        }
        return;
    }
    if (json_is_object(node)) { /* {name: [zh, en]} */
        json_object_foreach(node, key, item) {
            Policy__Choice *choice = POLICY_NEW(compile, Policy__Choice, POLICY__CHOICE__INIT);
            choice->name = arena_strdup(compile->arena, key);
            label_of(compile, node, key, &choice->label, true);
            POLICY_ADD(compile, field->one_of, field->n_one_of, choice);
        }
        return;
    }
    if (!json_is_array(node)) {
        mistake(compile, node, "须为选项列表，或 {名: [中文, English]}",
                "a list of choices is accepted, or {name: [Chinese, English]}");
        return;
    }
    json_array_foreach(node, i, item) {
        Policy__Choice *choice = POLICY_NEW(compile, Policy__Choice, POLICY__CHOICE__INIT);
        choice->name = (char *)(uintptr_t)text_of(compile, item);
        choice->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
        choice->label->zh = choice->label->en = choice->name;
        POLICY_ADD(compile, field->one_of, field->n_one_of, choice);
    }
}

static void needed_of(struct compile *compile, json_t *node, Policy__FieldDef *field)
{
    const char *text = json_string_value(node);
    if (!node)
        return;
    if (json_is_object(node)) {
        ONLY_KEYS(compile, node, "if", "at");
        field->needed = POLICY__FIELD_DEF__NEEDED__WHEN;
        field->needed_if = condition_of(compile, json_object_get(node, "if"));
        field->needed_at = (char *)(uintptr_t)text_of(compile, json_object_get(node, "at"));
    } else if (text && strcmp(text, "always") == 0) {
        field->needed = POLICY__FIELD_DEF__NEEDED__ALWAYS;
    } else if (text && strncmp(text, "at ", 3) == 0) {
        field->needed = POLICY__FIELD_DEF__NEEDED__AT_STEP;
        field->needed_at = arena_strdup(compile->arena, text + 3);
    } else {
        mistake(compile, node, "可用：always、at 步骤、{if: 条件}", "accepted: always, at STEP, {if: condition}");
    }
}

/* `check: $phrases` or `check: {phrases: .., unless: W}`. */
static void check_of(struct compile *compile, json_t *node, Policy__FieldDef *field)
{
    json_t *phrases = node;
    if (!node)
        return;
    if (json_is_object(node)) {
        ONLY_KEYS(compile, node, "phrases", "unless");
        phrases = json_object_get(node, "phrases");
        whos_of(compile, json_object_get(node, "unless"), &field->forbidden_unless, &field->n_forbidden_unless);
    }
    texts_of(compile, phrases, &field->forbidden, &field->n_forbidden);
    if (field->n_forbidden == 0)
        mistake(compile, node, "check 须有用语，如 [不知道, 不清楚] 或 {phrases: $phrases, unless: 岗位}",
                "\"check\" needs phrases, as [..] or {phrases: $phrases, unless: POST}");
    if (field->type != POLICY__FIELD_DEF__TYPE__TEXT)
        mistake(compile, node, "只有文字字段可以检查用语", "only a field of text can be checked for phrases");
}

/* The kind at hand, while its own fields are added. */
static Policy__FieldDef *field_add(struct compile *compile, const char *name)
{
    Policy__Kind *kind = (Policy__Kind *)(uintptr_t)compile->kind;
    Policy__FieldDef *field = POLICY_NEW(compile, Policy__FieldDef, POLICY__FIELD_DEF__INIT);
    field->name = (char *)(uintptr_t)name;
    POLICY_ADD(compile, kind->fields, kind->n_fields, field);
    return field;
}

/* Whoever may not read the whole does not read what it is made of. */
static void read_as(Policy__FieldDef *field, const Policy__FieldDef *whole)
{
    field->read = whole->read;
    field->n_read = whole->n_read;
}

static void part_of(struct compile *compile, const char *name, json_t *map, const Policy__FieldDef *whole)
{
    Policy__FieldDef *part = field_add(compile, name);
    field_of(compile, name, map, part);
    if (!part->n_read)
        read_as(part, whole);
}

/* `parts: {matter: text, department: {type: department, ..}}`: what each part has are fields of their own. */
static void parts_of(struct compile *compile, json_t *map, Policy__FieldDef *field)
{
    const char *key;
    json_t *value;
    field->type = POLICY__FIELD_DEF__TYPE__PARTS;
    if (!json_is_object(map) || json_object_size(map) == 0)
        mistake(compile, map, "须为 {名: 类型}，如 {matter: text}", "accepted: {NAME: TYPE}, as {matter: text}");
    json_object_foreach(map, key, value) {
        const char *name = arena_printf(compile->arena, "%s.%s", field->name, key), *before = compile->path;
        json_t *full = value;
        if (json_is_string(value)) { /* the type alone; it is called as it is written */
            full = json_pack("{s:O, s:[s, s]}", "type", value, "name", key, key);
            yaml_places_add(&compile->places, full, yaml_place_of(&compile->places, map));
            json_array_append_new(compile->made, full);
        }
        compile->path = arena_printf(compile->arena, "%s.parts.%s", before, key);
        if (json_object_get(full, "parts") || json_object_get(full, "checklist") || json_object_get(full, "is") ||
            strchr(key, '.'))
            mistake(compile, value, "部分之内不能再有部分、核对表或算式", "a part has no parts, checklists or figures");
        else
            part_of(compile, name, full, field);
        compile->path = before;
    }
}

/* `checklist: [[zh, en], ..]`: items are numbered from 1, or named: {name: [zh, en]}. */
static void checklist_of(struct compile *compile, json_t *list, Policy__FieldDef *field)
{
    size_t count = json_is_array(list) ? json_array_size(list) : json_object_size(list);
    void *at = json_object_iter(list);
    field->type = POLICY__FIELD_DEF__TYPE__CHECKLIST;
    if (!count)
        mistake(compile, list, "须为项目列表，如 [[断电, Power off], [报告, Report]]",
                "a list of items is accepted, as [[断电, Power off], [报告, Report]]");
    for (size_t i = 0; i < count; i++) {
        const char *key = at ? json_object_iter_key(at) : arena_printf(compile->arena, "%zu", i + 1);
        json_t *label = at ? json_object_iter_value(at) : json_array_get(list, i);
        json_t *holder = json_pack("{s:O}", "name", label);
        yaml_places_add(&compile->places, holder, yaml_place_of(&compile->places, label));
        json_array_append_new(compile->made, holder);
        Policy__FieldDef *item = field_add(compile, arena_printf(compile->arena, "%s.%s", field->name, key));
        item->type = POLICY__FIELD_DEF__TYPE__YES_NO;
        item->clauses = field->clauses;
        item->n_clauses = field->n_clauses;
        item->write = field->write;
        item->n_write = field->n_write;
        read_as(item, field);
        label_of(compile, holder, "name", &item->label, true);
        at = at ? json_object_iter_next(list, at) : NULL;
    }
}

static Policy__Figure *figure_new(struct compile *compile, Policy__Figure__Op op, const char *a, const char *b)
{
    Policy__Figure *figure = POLICY_NEW(compile, Policy__Figure, POLICY__FIGURE__INIT);
    figure->op = op;
    figure->a = arena_strdup(compile->arena, a);
    figure->b = arena_strdup(compile->arena, b);
    return figure;
}

/* What else is known of a published figure are fields of their own: F.state, F.missed. */
static void published_facts(struct compile *compile, const Policy__FieldDef *field)
{
    static const struct {
        const char *name, *zh, *en;
    } states[] = {{"met", "达标", "Met"},
                  {"missed", "未达标", "Missed"},
                  {"no_target", "无目标", "No target"},
                  {"no_data", "无数据", "No data"}};
    Policy__FieldDef *state = field_add(compile, arena_printf(compile->arena, "%s.state", field->name));
    Policy__FieldDef *missed = field_add(compile, arena_printf(compile->arena, "%s.missed", field->name));
    state->type = POLICY__FIELD_DEF__TYPE__CHOICE;
    missed->type = POLICY__FIELD_DEF__TYPE__NUMBER;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        Policy__Choice *choice = POLICY_NEW(compile, Policy__Choice, POLICY__CHOICE__INIT);
        choice->name = (char *)(uintptr_t)states[i].name;
        choice->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
        choice->label->zh = (char *)(uintptr_t)states[i].zh;
        choice->label->en = (char *)(uintptr_t)states[i].en;
        POLICY_ADD(compile, state->one_of, state->n_one_of, choice);
    }
    state->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    missed->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    state->label->zh = arena_printf(compile->arena, "%s：目标", field->label->zh);
    state->label->en = arena_printf(compile->arena, "%s: target", field->label->en);
    missed->label->zh = arena_printf(compile->arena, "%s：连续未达标期数", field->label->zh);
    missed->label->en = arena_printf(compile->arena, "%s: periods missed in a row", field->label->en);
    state->clauses = missed->clauses = field->clauses;
    state->n_clauses = missed->n_clauses = field->n_clauses;
    read_as(state, field);
    read_as(missed, field);
}

/* "indicator on_time of last month for handler": what analytics counts, entered by itself. NULL: it is none. */
static Policy__Figure *indicator_figure(struct compile *compile, const char *text)
{
    if (strncmp(text, "indicator ", 10) != 0)
        return NULL;
    const char *name = text + 10, *of = strstr(name, " of "), *who = of ? strstr(of, " for ") : NULL;
    const char *last = of && strncmp(of + 4, "last ", 5) == 0   ? of + 9
                       : of && strncmp(of + 4, "this ", 5) == 0 ? of + 9
                                                                : NULL;
    if (who && last && who < last) /* no period stands between */
        return NULL;
    size_t size = last ? (who ? (size_t)(who - last) : strlen(last)) : 0;
    int period = last ? period_parse(arena_text(compile->arena, last, size)) : -1;
    if (period < POLICY__TERM__PERIOD__HALF_MONTH)
        return NULL;
    Policy__Figure *figure = figure_new(compile, POLICY__FIGURE__OP__INDICATOR,
                                        arena_text(compile->arena, name, (size_t)(of - name)), who ? who + 5 : "");
    figure->period = (Policy__Term__Period)period;
    figure->running = strncmp(of + 4, "this ", 5) == 0;
    return figure;
}

/* "count of X", "sum of points.amount", "10 % of loss", "charged - list" */
static Policy__Figure *figure_of(struct compile *compile, json_t *node)
{
    static const struct {
        const char *word;
        Policy__Figure__Op op;
    } before[] = {{"count of ", POLICY__FIGURE__OP__COUNT},
                  {"sum of ", POLICY__FIGURE__OP__SUM},
                  {"mean of ", POLICY__FIGURE__OP__MEAN}},
      between[] = {
          {" + ", POLICY__FIGURE__OP__PLUS}, {" - ", POLICY__FIGURE__OP__MINUS}, {" / ", POLICY__FIGURE__OP__QUOTIENT}};
    const char *text = text_of(compile, node), *at;
    char *end;
    double percent = strtod(text, &end);
    Policy__Figure *published = indicator_figure(compile, text);
    if (published)
        return published;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (strncmp(text, before[i].word, strlen(before[i].word)) == 0)
            return figure_new(compile, before[i].op, text + strlen(before[i].word), "");
    if (end != text && strncmp(end, " % of ", 6) == 0) {
        Policy__Figure *figure = figure_new(compile, POLICY__FIGURE__OP__PERCENT_OF, end + 6, "");
        figure->number = (int64_t)(percent * 10 + 0.5);
        return figure;
    }
    for (size_t i = 0; i < sizeof between / sizeof *between; i++)
        if ((at = strstr(text, between[i].word)))
            return figure_new(compile, between[i].op, arena_text(compile->arena, text, (size_t)(at - text)), at + 3);
    mistake(compile, node,
            "\"%s\" 不是算式；可用：count of X、sum of 部分.字段、mean of 部分.字段、A + B、A - B、A / B、10 %% of A、"
            "indicator 指标 of last month（或 this；half month month quarter year），其后可加 for 字段",
            "\"%s\" is no figure; accepted: count of X, sum of PARTS.FIELD, mean of PARTS.FIELD, A + B, A - B, A / B, "
            "10 %% of A, indicator NAME of last month (or this; half month, month, quarter, year), and then for FIELD",
            text);
    return NULL;
}

/* `type: case, of: article`: which cases may be named. */
static void case_kind_of(struct compile *compile, json_t *of, Policy__FieldDef *field)
{
    json_t *kinds = json_object_get(compile->root, "kinds");
    const char *kind = text_of(compile, of);
    if (!of)
        return;
    field->case_kind = arena_strdup(compile->arena, kind);
    if (!field->names_case) {
        mistake(compile, of, "of 只用于 type: case 的字段", "`of` belongs to a field of `type: case`");
    } else if (!json_object_get(kinds, kind)) {
        mistake(compile, of, "没有事项 \"%s\"", "there is no kind \"%s\"", kind);
        suggest_key(compile, kind, kinds);
    }
}

void field_of(struct compile *compile, const char *name, json_t *map, Policy__FieldDef *field)
{
    ONLY_KEYS(compile, map, "clause", "name", "type", "one_of", "needed", "default", "public", "write", "read", "kept",
              "parts", "checklist", "in_order", "is", "check", "of");
    NOT_CARRIED_OUT(compile, map, "kept");
    field->name = arena_strdup(compile->arena, name);
    clauses_of(compile, map, &field->clauses, &field->n_clauses, false);
    label_of(compile, map, "name", &field->label, true);
    json_t *one_of = json_object_get(map, "one_of"), *type = json_object_get(map, "type"),
           *value = json_object_get(map, "default");
    field->type = one_of ? POLICY__FIELD_DEF__TYPE__CHOICE : POLICY__FIELD_DEF__TYPE__TEXT;
    if (one_of)
        choices_of(compile, one_of, field);
    bool known = !type;
    for (size_t i = 0; type && i < sizeof field_types / sizeof *field_types; i++)
        if (strcmp(field_types[i].word, text_of(compile, type)) == 0) {
            field->type = field_types[i].type;
            known = true;
        }
    field->names_case = type && strcmp(text_of(compile, type), "case") == 0;
    if (field->names_case) {
        field->type = POLICY__FIELD_DEF__TYPE__NAME;
        known = true;
    }
    field->open_text = type && strcmp(text_of(compile, type), "open_text") == 0;
    if (field->open_text) {
        field->type = POLICY__FIELD_DEF__TYPE__NAME;
        known = true;
    }
    case_kind_of(compile, json_object_get(map, "of"), field);
    if (!known && json_object_get(json_object_get(compile->root, "things"), text_of(compile, type))) {
        field->type = POLICY__FIELD_DEF__TYPE__THING;
        field->thing = (char *)(uintptr_t)text_of(compile, type);
        known = true;
    }
    if (!known)
        mistake(compile, type,
                "\"%s\" 不是字段类型；可用：text yes_no number money time duration person department place file name "
                "open_text thing case，或登记册名",
                "\"%s\" is no type; accepted: text yes_no number money time duration person department place file name "
                "open_text thing case, or the name of a register",
                text_of(compile, type));
    needed_of(compile, json_object_get(map, "needed"), field);
    field->public_ = yes_of(compile, json_object_get(map, "public"));
    whos_of(compile, json_object_get(map, "write"), &field->write, &field->n_write);
    whos_of(compile, json_object_get(map, "read"), &field->read, &field->n_read);
    if (value)
        field->default_value = value_of(compile, name, value);
    check_of(compile, json_object_get(map, "check"), field);
    json_t *parts = json_object_get(map, "parts"), *checklist = json_object_get(map, "checklist"),
           *is = json_object_get(map, "is");
    if (parts)
        parts_of(compile, parts, field);
    if (checklist)
        checklist_of(compile, checklist, field);
    field->in_order = yes_of(compile, json_object_get(map, "in_order"));
    if (is)
        field->figure = figure_of(compile, is);
    if (field->figure)
        field->figure->text = arena_strdup(compile->arena, text_of(compile, is));
    if (field->figure && field->figure->op == POLICY__FIGURE__OP__INDICATOR) {
        if (!type)
            field->type = POLICY__FIELD_DEF__TYPE__NAME;
        published_facts(compile, field);
    }
}
