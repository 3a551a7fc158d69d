/* Clocks of a kind. */
#include "policy/internal.h"

#include <stdlib.h>

static Policy__LimitRow *limit_row_of(struct compile *compile, json_t *node)
{
    Policy__LimitRow *row = POLICY_NEW(compile, Policy__LimitRow, POLICY__LIMIT_ROW__INIT);
    json_t *is = node;
    if (json_is_object(node) && !json_object_get(node, "earliest")) {
        ONLY_KEYS(compile, node, "if", "is", "first_day", "ends", "roll", "calendar", "after_hours", "start_roll",
                  "clause", "of department");
        clauses_of(compile, node, &row->clauses, &row->n_clauses, false);
        row->department = department_of(compile, node);
        row->condition = condition_of(compile, json_object_get(node, "if"));
        options_of(compile, node, &row->options);
        row->has_options = row->options != NULL;
        is = json_object_get(node, "is");
        if (!is)
            mistake(compile, node, "缺少 is：该行的时限", "\"is\" is missing: the limit of this row");
    }
    json_t *earliest = json_is_object(is) ? json_object_get(is, "earliest") : NULL;
    size_t i;
    json_t *item;
    if (earliest)
        json_array_foreach(earliest, i, item)
            POLICY_ADD(compile, row->terms, row->n_terms, term_of(compile, item));
    else if (is)
        POLICY_ADD(compile, row->terms, row->n_terms, term_of(compile, is));
    return row;
}

static Policy__Warn *warn_of(struct compile *compile, json_t *node)
{
    Policy__Warn *warn = POLICY_NEW(compile, Policy__Warn, POLICY__WARN__INIT);
    if (json_is_object(node)) {
        ONLY_KEYS(compile, node, "if", "is");
        warn->row = true;
        warn->condition = condition_of(compile, json_object_get(node, "if"));
        if (!json_object_get(node, "is"))
            mistake(compile, node, "缺少 is：该行何时预警", "\"is\" is missing: when this row warns");
        node = json_object_get(node, "is");
        if (!node)
            return warn;
    }
    const char *text = text_of(compile, node);
    char *end;
    double percent = strtod(text, &end);
    uint32_t minute;
    if (end != text && strcmp(end, " %") == 0 && percent > 0 && percent < 100) {
        warn->permille = (uint32_t)(percent * 10 + 0.5);
    } else if (strncmp(text, "due day ", 8) == 0 && minute_parse(text + 8, &minute)) {
        warn->type = POLICY__WARN__TYPE__DUE_DAY;
        warn->minute_of_day = minute;
    } else if (strncmp(text, "last working day before ", 24) == 0 && minute_parse(text + 24, &minute)) {
        warn->type = POLICY__WARN__TYPE__LAST_WORKING_DAY;
        warn->minute_of_day = minute;
    } else {
        warn->before = term_of(compile, node);
        warn->type = warn->before->minute_given ? POLICY__WARN__TYPE__DAYS_BEFORE : POLICY__WARN__TYPE__BEFORE;
        warn->minute_of_day = warn->before->minute_of_day;
    }
    return warn;
}

static void warns_of(struct compile *compile, json_t *node, Policy__Clock *clock)
{
    size_t i;
    json_t *item;
    clock->warn_default = node == NULL;
    if (json_is_array(node))
        json_array_foreach(node, i, item)
            POLICY_ADD(compile, clock->warn, clock->n_warn, warn_of(compile, item));
    else if (node && strcmp(text_of(compile, node), "none") != 0)
        POLICY_ADD(compile, clock->warn, clock->n_warn, warn_of(compile, node));
}

/* ---- limits; of several packs the shorter holds ---- */

static const char *pack_of(struct compile *compile, const json_t *node)
{
    const char *file = node ? yaml_place_of(&compile->places, node).file : "";
    return arena_text(compile->arena, file, strcspn(file, "/"));
}

static void rows_of(struct compile *compile, json_t *limit, Policy__Clock *clock)
{
    size_t i;
    json_t *item;
    if (json_is_array(limit))
        json_array_foreach(limit, i, item)
            POLICY_ADD(compile, clock->limit, clock->n_limit, limit_row_of(compile, item));
    else if (limit)
        POLICY_ADD(compile, clock->limit, clock->n_limit, limit_row_of(compile, limit));
}

/* The rows as one of the packs says them, with its clauses and its time options. */
static void rows_said(struct compile *compile, json_t *item, uint32_t pack, Policy__Clock *clock)
{
    size_t first = clock->n_limit;
    Policy__TimeOptions *options = NULL;
    char **clauses = NULL;
    size_t clauses_count = 0;
    json_t *clause = json_object_get(item, "limit clause"), *shown = json_object();
    json_object_set(shown, "clause", clause ? clause : json_object_get(item, "clause"));
    clauses_of(compile, shown, &clauses, &clauses_count, false);
    json_decref(shown);
    options_of(compile, item, &options);
    rows_of(compile, json_object_get(item, "limit"), clock);
    for (size_t r = first; r < clock->n_limit; r++) {
        Policy__LimitRow *row = clock->limit[r];
        row->pack = pack;
        if (!row->n_clauses) {
            row->clauses = clauses;
            row->n_clauses = clauses_count;
        }
        if (!row->has_options) {
            row->options = options;
            row->has_options = options != NULL;
        }
    }
}

/* `KIND_CLOCK_limit: PACK` in the settings of a pack of the site's own: that pack's alone. */
static void limits_of_clock(struct compile *compile, const char *name, json_t *map, Policy__Clock *clock)
{
    json_t *others = json_object_get(map, "limit beside");
    size_t count = json_array_size(others);
    if (others && yaml_place_of(&compile->places, others).line)
        mistake(compile, others, "此处不可写", "this is not written by hand");
    if (count == 0) {
        rows_of(compile, json_object_get(map, "limit"), clock);
        return;
    }
    json_t *choice =
        json_object_get(compile->settings, arena_printf(compile->arena, "%s_%s_limit", compile->kind->name, name));
    const char *only = choice ? text_of(compile, json_object_get(choice, "value")) : "", *packs = "";
    for (size_t i = 0; i <= count; i++) {
        json_t *item = i < count ? json_array_get(others, i) : map;
        const char *pack = pack_of(compile, json_object_get(item, "limit"));
        if (!*only || strcmp(only, pack) == 0)
            rows_said(compile, item, (uint32_t)i, clock);
        packs = arena_printf(compile->arena, "%s%s%s", packs, i ? ", " : "", pack);
    }
    if (!clock->n_limit && *only)
        mistake(compile, json_object_get(choice, "value"), "\"%s\" 没有规定此时限；可用：%s",
                "\"%s\" says nothing of this limit; accepted: %s", only, packs);
}

static bool is_span(const Policy__Term *term)
{
    bool counts = term->unit == POLICY__TERM__UNIT__MINUTES || term->unit == POLICY__TERM__UNIT__HOURS ||
                  term->unit == POLICY__TERM__UNIT__NATURAL_DAYS || term->unit == POLICY__TERM__UNIT__WORKING_DAYS ||
                  term->unit == POLICY__TERM__UNIT__WEEKS || term->unit == POLICY__TERM__UNIT__MONTHS;
    return counts && term->amount && !term->before && !*term->field;
}

/* A reason is needed whatever `needs` says. */
static void extend_of(struct compile *compile, json_t *node, Policy__Clock *clock)
{
    if (!node)
        return;
    ONLY_KEYS(compile, node, "by", "add", "times", "told", "needs", "more");
    clock->extend = POLICY_NEW(compile, Policy__Extend, POLICY__EXTEND__INIT);
    whos_of(compile, json_object_get(node, "by"), &clock->extend->by, &clock->extend->n_by);
    clock->extend->add = term_of(compile, json_object_get(node, "add"));
    clock->extend->times = number_of(compile, json_object_get(node, "times"), 1);
    if (json_object_get(node, "told"))
        clock->extend->told = who_of(compile, json_object_get(node, "told"));
    if (json_object_get(node, "more"))
        clock->extend->more = who_of(compile, json_object_get(node, "more"));
    if (!clock->extend->n_by)
        mistake(compile, node, "缺少 by：谁可延期？", "\"by\" is missing: who may extend it?");
    if (!is_span(clock->extend->add))
        mistake(compile, node, "缺少 add 或不是时长，如 14 days", "\"add\" is missing or no span of time, as 14 days");
    if (clock->extend->told)
        notice_known(compile, node, "extension_notice");
}

/* It is the signer's to end: nothing else that is his may move it. */
static void signing_of(struct compile *compile, json_t *map, Policy__Clock *clock)
{
    static const char *const movers[] = {"extend", "backdating", "each"};
    for (size_t i = 0; i < sizeof movers / sizeof *movers; i++)
        if (json_object_get(map, movers[i]))
            mistake(compile, json_object_get(map, movers[i]), "签收时钟（signing）不得有 %s：签收不可拖延",
                    "a signing clock has no \"%s\": signing cannot be put off", movers[i]);
    if (clock->pause == POLICY__CLOCK__PAUSE__PAUSE_TRIGGERS)
        mistake(compile, json_object_get(map, "pause"), "签收时钟（signing）不得暂停：可用 none，或不写",
                "a signing clock does not pause: none is accepted, or nothing");
    clock->pause = POLICY__CLOCK__PAUSE__PAUSE_NONE;
}

void clock_of(struct compile *compile, const char *name, json_t *map, Policy__Clock *clock)
{
    ONLY_KEYS(compile, map, "clause", "name", "if", "each", "start", "stop", "limit", "pause", "resume", "extend",
              "warn", "late", "ladder", "main", "first_day", "ends", "roll", "calendar", "after_hours", "start_roll",
              "backdating", "signing", "limit beside", "limit clause", "of department");
    clock->department = department_of(compile, map);
    clock->name = arena_strdup(compile->arena, name);
    clauses_of(compile, map, &clock->clauses, &clock->n_clauses, true);
    label_of(compile, map, "name", &clock->label, true);
    clock->each = (char *)(uintptr_t)text_of(compile, json_object_get(map, "each"));
    const Policy__FieldDef *each = *clock->each ? policy_field(compile->kind, clock->each) : NULL;
    if (*clock->each && (!each || each->type != POLICY__FIELD_DEF__TYPE__PARTS))
        mistake(compile, json_object_get(map, "each"), "\"%s\" 不是有部分的字段", "\"%s\" is no field with parts",
                clock->each);
    clock->condition = condition_of(compile, json_object_get(map, "if"));
    triggers_of(compile, json_object_get(map, "start"), true, &clock->start, &clock->n_start);
    triggers_of(compile, json_object_get(map, "stop"), false, &clock->stop, &clock->n_stop);
    json_t *pause = json_object_get(map, "pause");
    limits_of_clock(compile, name, map, clock);
    if (!clock->n_start || !clock->n_stop || !clock->n_limit)
        mistake(compile, map, "时钟须有 start、stop 和 limit", "a clock needs start, stop and limit");
    if (json_is_string(pause) && strcmp(text_of(compile, pause), "none") == 0) {
        clock->pause = POLICY__CLOCK__PAUSE__PAUSE_NONE;
    } else if (pause) {
        clock->pause = POLICY__CLOCK__PAUSE__PAUSE_TRIGGERS;
        triggers_of(compile, pause, false, &clock->pause_at, &clock->n_pause_at);
        triggers_of(compile, json_object_get(map, "resume"), false, &clock->resume_at, &clock->n_resume_at);
    }
    extend_of(compile, json_object_get(map, "extend"), clock);
    warns_of(compile, json_object_get(map, "warn"), clock);
    whos_of(compile, json_object_get(map, "late"), &clock->late, &clock->n_late);
    const char *ladder = text_of(compile, json_object_get(map, "ladder"));
    clock->ladder = strcmp(ladder, "none") == 0 ? (char *)(uintptr_t) ""
                    : *ladder                   ? (char *)(uintptr_t)ladder
                                                : compile->policy->defaults->ladder;
    if (*clock->ladder && !policy_ladder(compile->policy, clock->ladder)) {
        mistake(compile, json_object_get(map, "ladder"), "没有升级梯 \"%s\"", "there is no ladder \"%s\"",
                clock->ladder);
        SUGGEST(compile, clock->ladder, compile->policy->ladders, compile->policy->n_ladders);
    }
    clock->main = yes_of(compile, json_object_get(map, "main"));
    clock->backdating = yes_of(compile, json_object_get(map, "backdating"));
    clock->signing = yes_of(compile, json_object_get(map, "signing"));
    if (clock->signing)
        signing_of(compile, map, clock);
    options_of(compile, map, &clock->options);
}

/* ---- `start: end of CLOCK` ---- */

static bool triggers_alike(const Policy__Trigger *a, const Policy__Trigger *b)
{
    return a->type == b->type && strcmp(a->name, b->name) == 0 && strcmp(a->other, b->other) == 0;
}

static bool among_triggers(const Policy__Trigger *trigger, Policy__Trigger *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (triggers_alike(trigger, list[i]))
            return true;
    return false;
}

/* It starts at what stops the other, whoever does it, and at the latest when the other's due has passed (the trigger
   itself: `late`). What stops both begins nothing. */
static void add_end(struct compile *compile, Policy__Clock *clock, const Policy__Clock *other)
{
    for (size_t i = 0; i < other->n_stop; i++)
        if (!among_triggers(other->stop[i], clock->stop, clock->n_stop) &&
            !among_triggers(other->stop[i], clock->start, clock->n_start))
            POLICY_ADD(compile, clock->start, clock->n_start, other->stop[i]);
}

void clocks_ends(struct compile *compile)
{
    for (size_t c = 0; c < compile->kind->n_clocks; c++) {
        Policy__Clock *clock = compile->kind->clocks[c];
        size_t written = clock->n_start;
        for (size_t i = 0; i < written; i++) {
            const Policy__Clock *other =
                clock->start[i]->end ? policy_clock(compile->kind, clock->start[i]->name) : NULL;
            if (other && other != clock)
                add_end(compile, clock, other);
        }
    }
}
