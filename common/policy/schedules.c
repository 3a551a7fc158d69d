/* Schedules: duties that come again and open cases. */
#include "policy/internal.h"

#include <stdlib.h>

/* "30 days since last done", "asset.interval since last done": counted for each entry by itself. */
static bool since_last(struct compile *compile, json_t *node, const char *text, Policy__Schedule *schedule)
{
    const char *since = strstr(text, " since last done");
    if (!since || since[16])
        return false;
    const char *span = arena_text(compile->arena, text, (size_t)(since - text)), *dot = strchr(span, '.');
    schedule->kind = POLICY__SCHEDULE__KIND__SINCE_LAST;
    if (dot) {
        schedule->span_field = arena_strdup(compile->arena, dot + 1);
        return true;
    }
    json_t *made = json_string(span);
    yaml_places_add(&compile->places, made, yaml_place_of(&compile->places, node));
    json_array_append_new(compile->made, made);
    schedule->span = term_of(compile, made);
    return true;
}

/* "60 days before lift.inspection_until" */
static bool before_date(struct compile *compile, json_t *node, const char *text, Policy__Schedule *schedule)
{
    const char *before = strstr(text, " before "), *dot = before ? strchr(before, '.') : NULL;
    if (!dot)
        return false;
    json_t *made = json_string(arena_text(compile->arena, text, (size_t)(before - text)));
    yaml_places_add(&compile->places, made, yaml_place_of(&compile->places, node));
    json_array_append_new(compile->made, made);
    schedule->kind = POLICY__SCHEDULE__KIND__BEFORE_DATE;
    schedule->span = term_of(compile, made);
    schedule->span->before = true;
    schedule->field = arena_strdup(compile->arena, dot + 1);
    return true;
}

/* "day", "working day", "week", "half month", "month", "quarter", "year", "monday 09:00" */
static bool periodic(struct compile *compile, const char *text, Policy__Schedule *schedule)
{
    size_t size = strcspn(text, " ");
    int period = period_parse(text), weekday = weekday_parse(text, size);
    uint32_t minute;
    if (strcmp(text, "working day") == 0) {
        schedule->working_days = true;
        period = POLICY__TERM__PERIOD__DAY;
    }
    if (period >= 0) {
        schedule->every = (Policy__Term__Period)period;
        return true;
    }
    if (weekday < 0 || (text[size] && !minute_parse(text + size + 1, &minute)))
        return false;
    schedule->every = POLICY__TERM__PERIOD__WEEK;
    schedule->weekday = (uint32_t)weekday;
    schedule->opens = POLICY_NEW(compile, Policy__Term, POLICY__TERM__INIT);
    schedule->opens->unit = POLICY__TERM__UNIT__PERIOD;
    schedule->opens->period = POLICY__TERM__PERIOD__WEEK;
    schedule->opens->place = POLICY__TERM__PLACE__WEEKDAY;
    schedule->opens->amount = (uint32_t)weekday;
    schedule->opens->minute_given = true;
    schedule->opens->minute_of_day = text[size] ? minute : 0;
    return true;
}

/* "shift of duty": each shift of the roster, when it begins. */
static bool shift_of(struct compile *compile, json_t *node, const char *text, Policy__Schedule *schedule)
{
    if (strncmp(text, "shift of ", 9) != 0)
        return false;
    schedule->kind = POLICY__SCHEDULE__KIND__SHIFT;
    schedule->every = POLICY__TERM__PERIOD__DAY;
    schedule->roster = arena_strdup(compile->arena, text + 9);
    if (!policy_roster(compile->policy, schedule->roster)) {
        mistake(compile, node, "没有值班表 \"%s\"", "there is no roster \"%s\"", schedule->roster);
        SUGGEST(compile, schedule->roster, compile->policy->rosters, compile->policy->n_rosters);
    }
    return true;
}

static void every_of(struct compile *compile, json_t *node, Policy__Schedule *schedule)
{
    const char *text = text_of(compile, node);
    if (since_last(compile, node, text, schedule) || before_date(compile, node, text, schedule) ||
        shift_of(compile, node, text, schedule) || periodic(compile, text, schedule))
        return;
    mistake(
        compile, node,
        "可用：day、working day、week、half month、month、quarter、year、monday 09:00、30 days since last done、"
        "登记册.字段 since last done、60 days before 登记册.字段、shift of 值班表",
        "accepted: day, working day, week, half month, month, quarter, year, monday 09:00, 30 days since last done, "
        "REGISTER.FIELD since last done, 60 days before REGISTER.FIELD, shift of ROSTER");
}

/* Times of a schedule; a time of day alone is that of the period's own day. */
static Policy__Term *moment_of(struct compile *compile, json_t *node, const Policy__Schedule *schedule)
{
    Policy__Term *term = term_of(compile, node);
    if (term->unit != POLICY__TERM__UNIT__TIME_OF_DAY)
        return term;
    term->unit = POLICY__TERM__UNIT__PERIOD;
    term->period = schedule->every;
    bool week = schedule->every == POLICY__TERM__PERIOD__WEEK;
    term->place = week ? POLICY__TERM__PLACE__WEEKDAY : POLICY__TERM__PLACE__NTH_DAY;
    term->amount = week ? schedule->weekday : 1;
    return term;
}

static uint32_t percent_of(struct compile *compile, json_t *node)
{
    const char *text = text_of(compile, node);
    char *end;
    double percent = strtod(text, &end);
    if (!node)
        return 0;
    if (end == text || strcmp(end, " %") != 0 || percent <= 0 || percent > 100)
        mistake(compile, node, "须为比例，如 10 %%", "a share is accepted, as 10 %%");
    return (uint32_t)(percent * 10 + 0.5);
}

/* A register, or a kind: then a case for each case of it that was closed in the period before. */
static void for_of(struct compile *compile, json_t *map, Policy__Schedule *schedule)
{
    if (!map)
        return;
    ONLY_KEYS(compile, map, "of", "where", "in", "sample");
    const char *of = text_of(compile, json_object_get(map, "of"));
    const Policy__ThingDef *thing = policy_thing(compile->policy, of);
    const Policy__Kind *kind = policy_kind(compile->policy, of);
    if (thing)
        schedule->thing = thing->name;
    else if (kind)
        schedule->of_cases = kind->name;
    else
        mistake(compile, map, "没有登记册或事项 \"%s\"", "there is no register and no kind \"%s\"", of);
    compile->kind = kind;
    schedule->where = condition_of(compile, json_object_get(map, "where"));
    compile->kind = NULL;
    schedule->sample_permille = percent_of(compile, json_object_get(map, "sample"));
    const char *in = text_of(compile, json_object_get(map, "in"));
    if (*in && (strncmp(in, "last ", 5) != 0 || period_parse(in + 5) != (int)schedule->every || !kind))
        mistake(compile, json_object_get(map, "in"), "可用：last 加本计划的周期，如 last week，用于事项",
                "accepted: last and the schedule's own period, as last week; of a kind");
}

/* {revisit.visit: home, revisit.phase: closed}: closed cases of one kind. */
static void fulfilled_of(struct compile *compile, json_t *map, Policy__Schedule *schedule)
{
    const char *key;
    json_t *value, *condition = json_object();
    json_array_append_new(compile->made, condition);
    yaml_places_add(&compile->places, condition, yaml_place_of(&compile->places, map));
    json_object_foreach(map, key, value) {
        const char *dot = strchr(key, '.');
        const char *kind = dot ? arena_text(compile->arena, key, (size_t)(dot - key)) : key;
        bool other = *schedule->fulfilled_by && strcmp(schedule->fulfilled_by, kind) != 0;
        if (!dot || other || !policy_kind(compile->policy, kind))
            mistake(compile, value, "须为同一事项的事实，如 revisit.phase",
                    "facts of one kind are accepted, as revisit.phase");
        schedule->fulfilled_by = (char *)(uintptr_t)kind;
        if (dot)
            json_object_set(condition, dot + 1, value);
    }
    compile->kind = policy_kind(compile->policy, schedule->fulfilled_by);
    if (map)
        schedule->fulfilled_if = condition_of(compile, condition);
    compile->kind = NULL;
}

static void carry_of(struct compile *compile, json_t *node, Policy__Schedule *schedule)
{
    if (!node)
        return;
    json_t *of = json_is_object(node) ? json_object_get(node, "of") : node;
    if (json_is_object(node))
        ONLY_KEYS(compile, node, "of", "where");
    schedule->carry = (char *)(uintptr_t)text_of(compile, of);
    const Policy__Kind *kind = policy_kind(compile->policy, schedule->carry);
    if (!kind)
        mistake(compile, node, "没有事项 \"%s\"", "there is no kind \"%s\"", schedule->carry);
    compile->kind = kind;
    schedule->carry_if = json_is_object(node) ? condition_of(compile, json_object_get(node, "where")) : NULL;
    compile->kind = NULL;
}

static const char *item_field_of(const Policy__Kind *kind, const char *thing)
{
    for (size_t i = 0; kind && i < kind->n_fields; i++)
        if (kind->fields[i]->type == POLICY__FIELD_DEF__TYPE__THING && strcmp(kind->fields[i]->thing, thing) == 0)
            return kind->fields[i]->name;
    return thing;
}

static void with_of(struct compile *compile, json_t *map, const Policy__Kind *kind, Policy__Schedule *schedule)
{
    const char *key;
    json_t *value;
    compile->kind = kind;
    json_object_foreach(map, key, value) {
        Hb__Fact *fact = POLICY_NEW(compile, Hb__Fact, HB__FACT__INIT);
        fact->name = arena_strdup(compile->arena, key);
        fact->value = value_of(compile, key, value);
        if (kind && !policy_field(kind, key) && strcmp(key, "category") != 0 && strcmp(key, "place") != 0)
            mistake(compile, value, "%s 没有字段 \"%s\"", "%s has no field \"%s\"", kind->name, key);
        POLICY_ADD(compile, schedule->with, schedule->n_with, fact);
    }
    compile->kind = NULL;
}

static void schedule_of(struct compile *compile, const char *name, json_t *map)
{
    Policy__Schedule *schedule = POLICY_NEW(compile, Policy__Schedule, POLICY__SCHEDULE__INIT);
    ONLY_KEYS(compile, map, "clause", "name", "every", "for", "open", "with", "to", "at_least", "due", "opens",
              "fulfilled_by", "carry", "link", "cut_off");
    schedule->name = arena_strdup(compile->arena, name);
    label_of(compile, map, "name", &schedule->label, false);
    clauses_of(compile, map, &schedule->clauses, &schedule->n_clauses, true);
    every_of(compile, json_object_get(map, "every"), schedule);
    for_of(compile, json_object_get(map, "for"), schedule);
    schedule->open = (char *)(uintptr_t)text_of(compile, json_object_get(map, "open"));
    schedule->link = (char *)(uintptr_t)text_of(compile, json_object_get(map, "link"));
    const Policy__Kind *kind = policy_kind(compile->policy, schedule->open);
    if (!kind) {
        mistake(compile, json_object_get(map, "open"), "没有事项 \"%s\"", "there is no kind \"%s\"", schedule->open);
        SUGGEST(compile, schedule->open, compile->policy->kinds, compile->policy->n_kinds);
    }
    const Policy__Roster *roster = schedule->roster ? policy_roster(compile->policy, schedule->roster) : NULL;
    if (roster && *roster->of)
        schedule->item_field = (char *)(uintptr_t)item_field_of(kind, roster->of);
    if (*schedule->thing)
        schedule->item_field = (char *)(uintptr_t)item_field_of(kind, schedule->thing);
    with_of(compile, json_object_get(map, "with"), kind, schedule);
    if (json_object_get(map, "to"))
        schedule->to = who_of(compile, json_object_get(map, "to"));
    if (json_object_get(map, "opens"))
        schedule->opens = moment_of(compile, json_object_get(map, "opens"), schedule);
    if (json_object_get(map, "due"))
        schedule->due = moment_of(compile, json_object_get(map, "due"), schedule);
    schedule->at_least = number_of(compile, json_object_get(map, "at_least"), 0);
    fulfilled_of(compile, json_object_get(map, "fulfilled_by"), schedule);
    carry_of(compile, json_object_get(map, "carry"), schedule);
    const char *cut_off = text_of(compile, json_object_get(map, "cut_off"));
    if (*cut_off && strcmp(cut_off, "opens") != 0)
        mistake(compile, json_object_get(map, "cut_off"), "可用：opens（开立时截止）", "opens is accepted");
    bool shift = schedule->kind == POLICY__SCHEDULE__KIND__SHIFT;
    if (shift && (schedule->opens || schedule->due || schedule->to || json_object_get(map, "for")))
        mistake(
            compile, map, "按班次的计划在接班时开立给当班人，下班时到期：不写 for、to、opens、due",
            "what is opened for each shift goes to whoever has it, opens with it and is due at its end: no for, to, "
            "opens, due");
    if (!shift && schedule->kind != POLICY__SCHEDULE__KIND__PERIODIC && !*schedule->thing)
        mistake(compile, map, "逐项计期的计划须有 for: {of: 登记册}",
                "what is counted for each entry needs for: {of: REGISTER}");
    if (schedule->fulfilled_by && *schedule->fulfilled_by && !*schedule->thing)
        mistake(compile, map, "fulfilled_by 须有 for: {of: 登记册}", "fulfilled_by needs for: {of: REGISTER}");
    POLICY_ADD(compile, compile->policy->schedules, compile->policy->n_schedules, schedule);
}

void schedules_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        schedule_of(compile, name, item);
        compile->path = before;
    }
}
