/* The small notations: scalars, labels, times, who, conditions, triggers (policy-language.md 1). */
#include "policy/internal.h"

#include "calendar/calendar.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- scalars ---- */

static json_t *resolved(struct compile *compile, json_t *node)
{
    const char *text = json_string_value(node);
    if (!text || text[0] != '$')
        return node;
    json_t *setting = json_object_get(compile->settings, text + 1);
    json_t *value = json_is_object(setting) ? json_object_get(setting, "value") : setting;
    if (!value) {
        const char *names[256];
        size_t count = 0;
        const char *key;
        json_t *one;
        json_object_foreach(compile->settings, key, one)
            if (count < 256)
                names[count++] = key;
        mistake(compile, node, "没有设置 \"%s\"", "there is no setting \"%s\"", text + 1);
        suggest(compile, text + 1, names, count);
        return NULL;
    }
    return value;
}

const char *text_of(struct compile *compile, json_t *node)
{
    if (!node)
        return "";
    json_t *value = resolved(compile, node);
    if (!value)
        return "";
    if (!json_is_string(value)) {
        mistake(compile, node, "此处须为一个词或一段文字", "a single word or text is accepted here");
        return "";
    }
    return arena_strdup(compile->arena, json_string_value(value));
}

bool yes_of(struct compile *compile, json_t *node)
{
    const char *text = text_of(compile, node);
    if (strcmp(text, "yes") == 0)
        return true;
    if (*text && strcmp(text, "no") != 0)
        mistake(compile, node, "须为 yes 或 no", "yes or no is accepted");
    return false;
}

/* What is written in figures and Latin letters alone ("5", "CO2") is the same in both. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static void in_both(struct compile *compile, const json_t *node, const Hb__Label *label)
{
    if (*label->zh && !*label->en && !is_plain(label->zh))
        caution(compile, node, "没有英文：[中文, English]", "there is no English: [Chinese, English]");
    if (*label->en && !*label->zh)
        caution(compile, node, "没有中文：[中文, English]", "there is no Chinese: [Chinese, English]");
}

void label_of(struct compile *compile, json_t *item, const char *key, Hb__Label **label_out, bool needed)
{
    json_t *node = json_object_get(item, key);
    Hb__Label *label = *label_out = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    if (!node) {
        if (needed)
            mistake(compile, item, "缺少 %s；可用：[中文, English]", "\"%s\" is missing; accepted: [Chinese, English]",
                    key);
        return;
    }
    if (json_is_object(node)) { /* long texts in files of their own languages: {zh: .., en: ..} */
        label->zh = (char *)(uintptr_t)text_of(compile, json_object_get(node, "zh"));
        label->en = (char *)(uintptr_t)text_of(compile, json_object_get(node, "en"));
    } else if (json_array_size(node) == 2 || json_array_size(node) == 1) {
        label->zh = (char *)(uintptr_t)text_of(compile, json_array_get(node, 0));
        label->en = (char *)(uintptr_t)text_of(compile, json_array_get(node, 1));
    } else {
        mistake(compile, node, "须为一对：[中文, English]", "a pair is accepted: [Chinese, English]");
    }
    if (strcmp(key, "text") != 0) /* of a notice: check_words.c */
        in_both(compile, node, label);
}

void texts_of(struct compile *compile, json_t *node, char ***list, size_t *count)
{
    size_t i;
    json_t *item, *value = json_is_string(node) ? resolved(compile, node) : node;
    if (json_is_array(value)) /* a setting may be a list, too */
        node = value;
    if (json_is_string(node))
        POLICY_ADD(compile, *list, *count, (char *)(uintptr_t)text_of(compile, node));
    else if (node && !json_is_array(node))
        mistake(compile, node, "须为一个词或词的列表", "a word or a list of words is accepted");
    else
        json_array_foreach(node, i, item)
            POLICY_ADD(compile, *list, *count, (char *)(uintptr_t)text_of(compile, item));
}

void clauses_of(struct compile *compile, json_t *item, char ***list, size_t *count, bool needed)
{
    json_t *node = json_object_get(item, "clause");
    texts_of(compile, node, list, count);
    for (size_t i = 0; i < *count; i++) {
        struct yaml_place place = yaml_place_of(&compile->places, item);
        struct policy_use use = {(*list)[i], compile->path, place.line ? place.file : compile->file,
                                 place.line ? place.line : compile->line};
        POLICY_ADD(compile, compile->result->uses, compile->result->uses_count, use);
    }
    if (!node && needed)
        mistake(compile, item, "缺少 clause：每一项须注明所依条款",
                "\"clause\" is missing: every item names the clause it comes from");
}

int phase_of(const char *name)
{
    static const char *const names[] = {"", "new", "working", "waiting", "done", "closed", "archived"};
    for (int i = 1; i < 7; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* ---- times ---- */

bool minute_parse(const char *text, uint32_t *minute_out)
{
    unsigned hour, minute;
    int used = 0;
    if (sscanf(text, "%2u:%2u%n", &hour, &minute, &used) != 2 || used != 5 || text[5] || minute > 59 ||
        hour * 60 + minute > 1440)
        return false;
    *minute_out = hour * 60 + minute;
    return true;
}

static const struct {
    const char *word;
    Policy__Term__Unit unit;
} units[] = {
    {"min", POLICY__TERM__UNIT__MINUTES},
    {"h", POLICY__TERM__UNIT__HOURS},
    {"working days", POLICY__TERM__UNIT__WORKING_DAYS},
    {"working day", POLICY__TERM__UNIT__WORKING_DAYS},
    {"days", POLICY__TERM__UNIT__NATURAL_DAYS},
    {"day", POLICY__TERM__UNIT__NATURAL_DAYS},
    {"weeks", POLICY__TERM__UNIT__WEEKS},
    {"week", POLICY__TERM__UNIT__WEEKS},
    {"months", POLICY__TERM__UNIT__MONTHS},
    {"month", POLICY__TERM__UNIT__MONTHS},
};

/* "10 min", "3 working days from accepted", "30 min before work_from" */
static bool span_parse(struct compile *compile, const char *text, Policy__Term *term)
{
    char *end;
    unsigned long amount = strtoul(text, &end, 10);
    if (end == text || *end != ' ' || amount > 100000)
        return false;
    const char *rest = end + 1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t size = strlen(units[i].word);
        if (strncmp(rest, units[i].word, size) != 0 || (rest[size] && rest[size] != ' '))
            continue;
        term->unit = units[i].unit;
        term->amount = (uint32_t)amount;
        rest += size;
        if (!*rest)
            return true;
        bool before = strncmp(rest, " before ", 8) == 0, from = strncmp(rest, " from ", 6) == 0;
        if (!before && !from)
            return false;
        const char *of = rest + (before ? 8 : 6);
        if (minute_parse(of, &term->minute_of_day)) { /* "14 days before 09:00": at that time */
            term->before = before;
            term->minute_given = true;
            return before;
        }
        term->before = before;
        term->field = arena_strdup(compile->arena, of);
        return *of && !strchr(of, ' ');
    }
    return false;
}

static bool is_word(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '.'))
            return false;
    return *text >= 'a' && *text <= 'z';
}

int period_parse(const char *text)
{
    static const char *const names[] = {"day", "week", "half month", "month", "quarter", "year"};
    for (int i = 0; i < 6; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

int weekday_parse(const char *text, size_t size)
{
    static const char *const names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    for (int i = 0; i < 7; i++)
        if (strlen(names[i]) == size && strncmp(names[i], text, size) == 0)
            return i;
    return -1;
}

static int month_parse(const char *text, size_t size)
{
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    for (int i = 0; i < 12; i++)
        if (strlen(names[i]) == size && strncmp(names[i], text, size) == 0)
            return i + 1;
    return -1;
}

/* "end of quarter", "14 days before end of quarter", "day 3 of next month", "working day 5 of next month", "last
   working day of month", "friday of next week"; "1 october", "1 october of last year". `text` is without a time of day.
 */
static bool place_parse(const char *text, Policy__Term *term)
{
    static const char before_end[] = " days before end";
    static const uint32_t longest[] = {1, 7, 16, 31, 92, 366}; /* day week half month month quarter year */
    char *end;
    const char *of = strstr(text, " of "), *period = of ? of + 4 : "year";
    size_t size = of ? (size_t)(of - text) : strlen(text);
    term->next = strncmp(period, "next ", 5) == 0;
    term->last = strncmp(period, "last ", 5) == 0;
    int found = period_parse(period + (term->next || term->last ? 5 : 0)), weekday = weekday_parse(text, size);
    unsigned long amount = strtoul(text, &end, 10);
    size_t head = (size_t)(end - text);
    int month = head && *end == ' ' ? month_parse(end + 1, size - head - 1) : -1;
    if (found < 0 || (!of && month < 0))
        return false;
    term->period = (Policy__Term__Period)found;
    if (month > 0) {
        term->place = POLICY__TERM__PLACE__MONTH_DAY;
        term->amount = (uint32_t)(month * 100) + (uint32_t)amount;
        return found == POLICY__TERM__PERIOD__YEAR && amount >= 1 && amount <= 31 && !(month == 2 && amount > 29) &&
               !((month == 4 || month == 6 || month == 9 || month == 11) && amount > 30);
    }
    if (size == 3 && strncmp(text, "end", 3) == 0) {
        term->place = POLICY__TERM__PLACE__END;
    } else if (head && size - head == sizeof before_end - 1 && strncmp(end, before_end, size - head) == 0) {
        term->place = POLICY__TERM__PLACE__END;
        term->amount = (uint32_t)amount;
        return amount >= 1 && amount <= 366;
    } else if (size == 16 && strncmp(text, "last working day", 16) == 0) {
        term->place = POLICY__TERM__PLACE__LAST_WORKING_DAY;
    } else if (weekday >= 0) {
        term->place = POLICY__TERM__PLACE__WEEKDAY;
        term->amount = (uint32_t)weekday;
        return found == POLICY__TERM__PERIOD__WEEK;
    } else {
        bool working = strncmp(text, "working day ", 12) == 0;
        const char *number = working ? text + 12 : strncmp(text, "day ", 4) == 0 ? text + 4 : "";
        term->place = working ? POLICY__TERM__PLACE__NTH_WORKING_DAY : POLICY__TERM__PLACE__NTH_DAY;
        term->amount = (uint32_t)strtoul(number, &end, 10);
        return *number && end == of && term->amount >= 1 && term->amount <= longest[found];
    }
    return true;
}

static bool period_term_parse(struct compile *compile, const char *text, Policy__Term *term)
{
    const char *last = strrchr(text, ' ');
    if (last && minute_parse(last + 1, &term->minute_of_day)) {
        term->minute_given = true;
        text = arena_text(compile->arena, text, (size_t)(last - text));
    }
    term->unit = POLICY__TERM__UNIT__PERIOD;
    if (place_parse(text, term))
        return true;
    *term = (Policy__Term)POLICY__TERM__INIT;
    return false;
}

static bool term_parse(struct compile *compile, const char *text, Policy__Term *term)
{
    static const struct {
        const char *word;
        Policy__Term__Unit unit;
    } days[] = {{"same day", POLICY__TERM__UNIT__SAME_DAY}, {"next day", POLICY__TERM__UNIT__NEXT_DAY}};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(days[i].word);
        if (strncmp(text, days[i].word, size) != 0)
            continue;
        term->unit = days[i].unit;
        if (!text[size])
            return true;
        term->minute_given = true;
        return text[size] == ' ' && minute_parse(text + size + 1, &term->minute_of_day);
    }
    if (minute_parse(text, &term->minute_of_day)) {
        term->unit = POLICY__TERM__UNIT__TIME_OF_DAY;
        term->minute_given = true;
        return true;
    }
    int32_t date;
    if (date_parse(text, &date)) {
        term->unit = POLICY__TERM__UNIT__DATE;
        term->at_ms = (int64_t)date * DAY_MS;
        return true;
    }
    if (strcmp(text, "now") == 0) {
        term->unit = POLICY__TERM__UNIT__NOW;
        return true;
    }
    if (is_word(text)) {
        term->unit = POLICY__TERM__UNIT__FIELD;
        term->field = arena_strdup(compile->arena, text);
        return true;
    }
    return period_term_parse(compile, text, term) || span_parse(compile, text, term);
}

Policy__Term *term_of(struct compile *compile, json_t *node)
{
    Policy__Term *term = POLICY_NEW(compile, Policy__Term, POLICY__TERM__INIT);
    const char *text = text_of(compile, node);
    if (*text && !term_parse(compile, text, term))
        mistake(compile, node,
                "\"%s\" 不是时间；可用：10 min、24 h、3 days、5 working days、1 week、6 months、same day、same day "
                "18:00、next day 12:00、end of quarter、day 3 of next month、last working day of month、时间字段、30 "
                "min before 字段、3 working days from 阶段",
                "\"%s\" is no time; accepted: 10 min, 24 h, 3 days, 5 working days, 1 week, 6 months, same day, same "
                "day 18:00, next day 12:00, end of quarter, day 3 of next month, last working day of month, a time "
                "field, 30 min before FIELD, 3 working days from STAGE",
                text);
    return term;
}

void options_of(struct compile *compile, json_t *item, Policy__TimeOptions **options_out)
{
    json_t *first = json_object_get(item, "first_day"), *ends = json_object_get(item, "ends"),
           *roll = json_object_get(item, "roll"), *calendar = json_object_get(item, "calendar"),
           *after = json_object_get(item, "after_hours"), *start = json_object_get(item, "start_roll");
    if (!first && !ends && !roll && !calendar && !after && !start)
        return;
    Policy__TimeOptions *options = *options_out = POLICY_NEW(compile, Policy__TimeOptions, POLICY__TIME_OPTIONS__INIT);
    options->first_day_counts = first && yes_of(compile, first);
    const char *text = text_of(compile, ends);
    if (strcmp(text, "24:00") == 0)
        options->ends = POLICY__TIME_OPTIONS__ENDS__MIDNIGHT;
    else if (strcmp(text, "same time") == 0)
        options->ends = POLICY__TIME_OPTIONS__ENDS__SAME_TIME;
    else if (*text)
        mistake(compile, ends, "可用：24:00 或 same time", "24:00 or \"same time\" is accepted");
    text = text_of(compile, roll);
    if (strcmp(text, "none") == 0)
        options->roll = POLICY__TIME_OPTIONS__ROLL__NO_ROLL;
    else if (*text)
        mistake(compile, roll, "可用：none", "none is accepted");
    options->calendar = (char *)(uintptr_t)text_of(compile, calendar);
    text = text_of(compile, after);
    options->after_hours_next_opening = strcmp(text, "next opening") == 0;
    if (*text && !options->after_hours_next_opening)
        mistake(compile, after, "可用：next opening", "\"next opening\" is accepted");
    text = text_of(compile, start);
    options->start_roll_keep_time = strcmp(text, "keep time") == 0;
    if (*text && !options->start_roll_keep_time)
        mistake(compile, start, "可用：keep time", "\"keep time\" is accepted");
}

/* ---- who ---- */

/* Who took a step is kept as a fact of the case only where the policy asks for it. */
static void taker_wanted(struct compile *compile, const char *step)
{
    Policy__Policy *policy = compile->policy;
    for (size_t i = 0; i < policy->n_takers; i++)
        if (strcmp(policy->takers[i], step) == 0)
            return;
    POLICY_ADD(compile, policy->takers, policy->n_takers, arena_strdup(compile->arena, step));
}

Policy__Who *who_of(struct compile *compile, json_t *node)
{
    Policy__Who *who = POLICY_NEW(compile, Policy__Who, POLICY__WHO__INIT);
    char *rest = arena_strdup(compile->arena, text_of(compile, node)), *of;
    while ((of = strstr(rest, " of "))) {
        *of = 0;
        static const char *const words[] = {"head",    "superior", "deputy", "department", "duty",
                                            "members", "holders",  "taker",  "mentor"};
        bool known = json_object_get(json_object_get(compile->root, "posts"), rest) != NULL;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            known = known || strcmp(words[i], rest) == 0;
        if (!known) {
            mistake(compile, node,
                    "没有 \"%s of\"（可用：head superior deputy department duty members holders taker mentor，或岗位）",
                    "\"%s of\" is not known (accepted: head superior deputy department duty members holders taker "
                    "mentor, or a post)",
                    rest);
            suggest(compile, rest, words, sizeof words / sizeof *words);
        }
        POLICY_ADD(compile, who->of, who->n_of, rest);
        if (strcmp(rest, "taker") == 0)
            taker_wanted(compile, of + 4);
        rest = of + 4;
    }
    who->root = rest;
    if (!is_word(rest))
        mistake(compile, node, "\"%s\" 不指任何人：须为角色、岗位、值班表或部门",
                "\"%s\" names nobody: a role, a post, a roster or a department is accepted", rest);
    return who;
}

void whos_of(struct compile *compile, json_t *node, Policy__Who ***list, size_t *count)
{
    size_t i;
    json_t *item;
    if (json_is_string(node))
        POLICY_ADD(compile, *list, *count, who_of(compile, node));
    else if (node && !json_is_array(node)) {
        mistake(compile, node, "须为某人或列表，如 [handler, head of lead]",
                "somebody or a list is accepted, as [handler, head of lead]");
        Policy__Who *meant = POLICY_NEW(compile, Policy__Who, POLICY__WHO__INIT); /* it is not that nobody is named */
        POLICY_ADD(compile, *list, *count, meant);
    } else
        json_array_foreach(node, i, item)
            POLICY_ADD(compile, *list, *count, who_of(compile, item));
}

/* ---- conditions ---- */

static Hb__Value *new_value(struct compile *compile, Hb__Value__KindCase kind)
{
    Hb__Value *value = POLICY_NEW(compile, Hb__Value, HB__VALUE__INIT);
    value->kind_case = kind;
    return value;
}

static bool money_parse(const char *text, int64_t *fen_out)
{
    char *end;
    double amount = strtod(text, &end);
    if (end == text || strcmp(end, " yuan") != 0 || amount < 0 || amount > 1e12)
        return false;
    *fen_out = (int64_t)(amount * 100 + 0.5);
    return true;
}

static bool number_parse(const char *text, int64_t *number_out)
{
    char *end;
    *number_out = strtoll(text, &end, 10);
    return end != text && !*end;
}

const Policy__FieldDef *fact_field(struct compile *compile, const char *fact)
{
    if (!compile->kind || (compile->item && !*compile->item))
        return NULL; /* of a linked case: its kind is not known here */
    return compile->item ? policy_field(compile->kind, arena_printf(compile->arena, "%s%s", compile->item, fact))
                         : policy_field_of_fact(compile->kind, fact);
}

/* A scalar is read by the type of its place: the field it is compared with. */
Hb__Value *value_of(struct compile *compile, const char *fact, json_t *node)
{
    const char *text = text_of(compile, node);
    const Policy__FieldDef *field = fact_field(compile, fact);
    Hb__Value *value;
    if (strcmp(fact, "phase") == 0 || (strlen(fact) > 6 && strcmp(fact + strlen(fact) - 6, ".phase") == 0)) {
        value = new_value(compile, HB__VALUE__KIND_NUMBER);
        value->number = phase_of(text);
        if (value->number < 0)
            mistake(compile, node, "\"%s\" 不是阶段类别；可用：new working waiting done closed archived",
                    "\"%s\" is no phase; accepted: new working waiting done closed archived", text);
        return value;
    }
    int64_t number;
    bool yes_no = (field && field->type == POLICY__FIELD_DEF__TYPE__YES_NO) ||
                  (!field && (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0));
    if (yes_no) {
        value = new_value(compile, HB__VALUE__KIND_YES);
        value->yes = yes_of(compile, node);
    } else if (field && field->type == POLICY__FIELD_DEF__TYPE__CHOICE) {
        value = new_value(compile, HB__VALUE__KIND_TEXT);
        value->text = (char *)(uintptr_t)text;
        bool listed = field->n_one_of == 0;
        const char *names[128];
        size_t count = 0;
        for (size_t i = 0; i < field->n_one_of && i < 128; i++) {
            names[count++] = field->one_of[i]->name;
            listed = listed || strcmp(field->one_of[i]->name, text) == 0;
        }
        if (!listed) {
            mistake(compile, node, "\"%s\" 不是 %s 的选项", "\"%s\" is not a choice of %s", text, fact);
            suggest(compile, text, names, count);
        }
    } else if (money_parse(text, &number)) {
        value = new_value(compile, HB__VALUE__KIND_MONEY_FEN);
        value->money_fen = number;
    } else if (number_parse(text, &number) && (!field || field->type == POLICY__FIELD_DEF__TYPE__NUMBER)) {
        value = new_value(compile, HB__VALUE__KIND_NUMBER);
        value->number = number;
    } else {
        value = new_value(compile, HB__VALUE__KIND_TEXT);
        value->text = (char *)(uintptr_t)text;
    }
    return value;
}

static Policy__Node *add_node(struct compile *compile, Policy__Condition *condition, Policy__Node__Op op,
                              const char *fact)
{
    Policy__Node *node = POLICY_NEW(compile, Policy__Node, POLICY__NODE__INIT);
    node->op = op;
    node->fact = arena_strdup(compile->arena, fact);
    POLICY_ADD(compile, condition->nodes, condition->n_nodes, node);
    return node;
}

static void add_values(struct compile *compile, Policy__Node *node, const char *fact, json_t *values)
{
    size_t i;
    json_t *item;
    if (json_is_array(values))
        json_array_foreach(values, i, item)
            POLICY_ADD(compile, node->values, node->n_values, value_of(compile, fact, item));
    else
        POLICY_ADD(compile, node->values, node->n_values, value_of(compile, fact, values));
}

static const struct {
    const char *word;
    Policy__Node__Op op;
} comparisons[] = {{"over", POLICY__NODE__OP__OVER},         {"under", POLICY__NODE__OP__UNDER},
                   {"at_least", POLICY__NODE__OP__AT_LEAST}, {"at_most", POLICY__NODE__OP__AT_MOST},
                   {"after", POLICY__NODE__OP__AFTER},       {"before", POLICY__NODE__OP__BEFORE},
                   {"same_as", POLICY__NODE__OP__SAME_AS}};

static void add_comparison(struct compile *compile, Policy__Condition *condition, const char *fact, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons && !known; i++) {
            if (strcmp(comparisons[i].word, key) != 0)
                continue;
            known = true;
            Policy__Node *node = add_node(compile, condition, comparisons[i].op, fact);
            if (node->op == POLICY__NODE__OP__SAME_AS)
                node->other = (char *)(uintptr_t)text_of(compile, value);
            else if (node->op == POLICY__NODE__OP__AFTER || node->op == POLICY__NODE__OP__BEFORE)
                node->term = term_of(compile, value);
            else
                add_values(compile, node, fact, value);
        }
        if (!known)
            mistake(compile, value, "\"%s\" 不是比较词；可用：over under at_least at_most after before same_as",
                    "\"%s\" is no comparison; accepted: over under at_least at_most after before same_as", key);
    }
}

static void add_map(struct compile *compile, Policy__Condition *condition, json_t *map);

static void add_group(struct compile *compile, Policy__Condition *condition, Policy__Node__Op op, json_t *list)
{
    Policy__Node *node = add_node(compile, condition, op, "");
    size_t i;
    json_t *item;
    if (!json_is_array(list)) {
        mistake(compile, list, "须为条件列表", "a list of conditions is accepted");
        return;
    }
    json_array_foreach(list, i, item) {
        add_map(compile, condition, item);
        node->count++;
    }
}

static bool is_parts(struct compile *compile, const char *name)
{
    const Policy__FieldDef *field = compile->kind && !compile->item ? policy_field(compile->kind, name) : NULL;
    return field && field->type == POLICY__FIELD_DEF__TYPE__PARTS;
}

/* The node over the parts of a field, or the cases of a link; the operand follows. */
static Policy__Node *add_items(struct compile *compile, Policy__Condition *condition, Policy__Node__Op op,
                               const char *name, json_t *operand)
{
    Policy__Node *node = add_node(compile, condition, op, name);
    const char *before = compile->item;
    if (before)
        mistake(compile, operand, "部分之内不能再有部分", "parts or linked cases within parts are not accepted");
    node->parts = is_parts(compile, name);
    node->count = 1;
    compile->item = node->parts ? arena_printf(compile->arena, "%s.", name) : "";
    add_map(compile, condition, operand);
    compile->item = before;
    return node;
}

/* {points.finding: present}: lines about the same parts or link, of which all hold for one of them. */
static void add_over(struct compile *compile, Policy__Condition *condition, Policy__Node__Op op, json_t *map)
{
    const char *key, *name = NULL;
    json_t *value, *operand = json_object();
    if (!json_is_object(map) || !json_object_size(map))
        mistake(compile, map, "须为键值对，如 {points.finding: present} 或 {revisits.phase: closed}",
                "a map is accepted, as {points.finding: present} or {revisits.phase: closed}");
    json_object_foreach(map, key, value) {
        const char *dot = strchr(key, '.');
        char *of = dot ? arena_text(compile->arena, key, (size_t)(dot - key)) : NULL;
        if (!dot || (name && strcmp(name, of) != 0)) {
            mistake(compile, value, "须为同一字段各部分或同一关联的事实，如 LINK.phase",
                    "facts of one field of parts or of one link are accepted, as LINK.phase");
            continue;
        }
        name = of;
        json_object_set(operand, dot + 1, value);
    }
    yaml_places_add(&compile->places, operand, yaml_place_of(&compile->places, map));
    if (name)
        add_items(compile, condition, op, name, operand);
    json_array_append_new(compile->made, operand);
}

/* {of: points, if: {..}, at_least: 3} */
static void add_count(struct compile *compile, Policy__Condition *condition, json_t *map)
{
    static const struct {
        const char *word;
        Policy__Node__Op op;
    } words[] = {{"over", POLICY__NODE__OP__OVER},
                 {"under", POLICY__NODE__OP__UNDER},
                 {"at_least", POLICY__NODE__OP__AT_LEAST},
                 {"at_most", POLICY__NODE__OP__AT_MOST}};
    ONLY_KEYS(compile, map, "of", "if", "over", "under", "at_least", "at_most");
    json_t *operand = json_object_get(map, "if");
    json_t *given = operand ? json_incref(operand) : json_object();
    json_array_append_new(compile->made, given);
    Policy__Node *node =
        add_items(compile, condition, POLICY__NODE__OP__HOW_MANY, text_of(compile, json_object_get(map, "of")), given);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        json_t *bound = json_object_get(map, words[i].word);
        int64_t number;
        if (!bound)
            continue;
        Hb__Value *value = new_value(compile, HB__VALUE__KIND_NUMBER);
        if (!number_parse(text_of(compile, bound), &number) || node->n_values)
            mistake(compile, bound, "须为一个数，如 at_least: 3", "one number is accepted, as at_least: 3");
        else
            value->number = number;
        node->compare = words[i].op;
        POLICY_ADD(compile, node->values, node->n_values, value);
    }
    if (!*node->fact || !node->n_values)
        mistake(compile, map, "须为 {of: 字段或关联, at_least: 数}", "accepted: {of: FIELD or LINK, at_least: NUMBER}");
}

/* How a chain stands is a fact called like it; of one that nobody asked for there is none, and it is not approved. */
static void add_approved(struct compile *compile, Policy__Condition *condition, const char *chain, json_t *value)
{
    const char *text = json_string_value(value);
    bool missing = text && strcmp(text, "missing") == 0;
    if (!missing && (!text || strcmp(text, "present") != 0))
        mistake(compile, value, "可用：missing 或 present", "missing or present is accepted");
    if (missing)
        add_node(compile, condition, POLICY__NODE__OP__NOT, "")->count = 1;
    add_node(compile, condition, POLICY__NODE__OP__ALL, "")->count = 2;
    add_node(compile, condition, POLICY__NODE__OP__PRESENT, chain);
    Policy__Node *node = add_node(compile, condition, POLICY__NODE__OP__EQUAL, chain);
    Hb__Value *approved = new_value(compile, HB__VALUE__KIND_TEXT);
    approved->text = arena_strdup(compile->arena, "approved");
    POLICY_ADD(compile, node->values, node->n_values, approved);
}

/* {$late_day: yes}: a setting is known when the policy is compiled, so that the line always holds or never. */
static void add_setting(struct compile *compile, Policy__Condition *condition, const char *key, json_t *value)
{
    json_t *name = json_string(key);
    yaml_places_add(&compile->places, name, yaml_place_of(&compile->places, value));
    json_array_append_new(compile->made, name);
    const char *is = text_of(compile, name), *wanted = text_of(compile, value);
    add_node(compile, condition, strcmp(is, wanted) == 0 ? POLICY__NODE__OP__ALL : POLICY__NODE__OP__ANY, "");
}

static void add_line(struct compile *compile, Policy__Condition *condition, const char *key, json_t *value)
{
    const char *text = json_string_value(value);
    if (*key == '$') {
        add_setting(compile, condition, key, value);
    } else if (strcmp(key, "any") == 0) {
        add_group(compile, condition, POLICY__NODE__OP__ANY, value);
    } else if (strcmp(key, "all") == 0) {
        add_group(compile, condition, POLICY__NODE__OP__ALL, value);
    } else if (strcmp(key, "not") == 0) {
        add_node(compile, condition, POLICY__NODE__OP__NOT, "")->count = 1;
        add_map(compile, condition, value);
    } else if (strcmp(key, "some") == 0 || strcmp(key, "every") == 0 || strcmp(key, "none") == 0) {
        add_over(compile, condition,
                 *key == 's'   ? POLICY__NODE__OP__SOME
                 : *key == 'e' ? POLICY__NODE__OP__EVERY
                               : POLICY__NODE__OP__NONE,
                 value);
    } else if (strcmp(key, "count") == 0 && json_is_object(value) && json_object_get(value, "of")) {
        add_count(compile, condition, value);
    } else if (strncmp(key, "told ", 5) == 0) {
        bool missing = text && strcmp(text, "missing") == 0;
        if (!missing && (!text || strcmp(text, "present") != 0))
            mistake(compile, value, "可用：missing 或 present", "missing or present is accepted");
        if (missing)
            add_node(compile, condition, POLICY__NODE__OP__NOT, "")->count = 1;
        add_node(compile, condition, POLICY__NODE__OP__TOLD, key + 5);
    } else if (strncmp(key, "approved ", 9) == 0) {
        add_approved(compile, condition, key + 9, value);
    } else if (text && strcmp(text, "missing") == 0) {
        add_node(compile, condition, POLICY__NODE__OP__MISSING, key);
    } else if (text && strcmp(text, "present") == 0) {
        add_node(compile, condition, POLICY__NODE__OP__PRESENT, key);
    } else if (text && strcmp(text, "passed") == 0) {
        add_node(compile, condition, POLICY__NODE__OP__PASSED, key);
    } else if (json_is_object(value)) {
        add_comparison(compile, condition, key, value);
    } else {
        add_values(compile, add_node(compile, condition, POLICY__NODE__OP__EQUAL, key), key, value);
    }
}

static bool is_comparison(json_t *map)
{
    const char *key;
    json_t *value;
    bool all = true;
    json_object_foreach(map, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
            known = known || strcmp(comparisons[i].word, key) == 0;
        all = all && known;
    }
    return all;
}

/* A map is the conjunction of its lines; as one operand it is wrapped, so that operands can be counted. */
static void add_map(struct compile *compile, Policy__Condition *condition, json_t *map)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map)) {
        add_node(compile, condition, POLICY__NODE__OP__ALL, "");
        mistake(compile, map, "条件须为键值对，如 {severity: major}", "a condition is a map, as {severity: major}");
        return;
    }
    Policy__Node *all = add_node(compile, condition, POLICY__NODE__OP__ALL, "");
    json_object_foreach(map, key, value) {
        if (json_is_object(value) && json_object_size(value) > 1 && is_comparison(value))
            all->count += (uint32_t)json_object_size(value) - 1; /* {over: 1, under: 5}: two comparisons of one fact */
        add_line(compile, condition, key, value);
        all->count++;
    }
}

Policy__Condition *condition_of(struct compile *compile, json_t *node)
{
    if (!node)
        return NULL;
    Policy__Condition *condition = POLICY_NEW(compile, Policy__Condition, POLICY__CONDITION__INIT);
    add_map(compile, condition, node);
    return condition;
}

Policy__Condition *condition_of_part(struct compile *compile, const char *parts, json_t *node)
{
    Policy__Condition *condition = POLICY_NEW(compile, Policy__Condition, POLICY__CONDITION__INIT);
    add_items(compile, condition, POLICY__NODE__OP__SOME, parts, node);
    return condition;
}

/* ---- triggers ---- */

static bool time_fact(const char *name)
{
    return strcmp(name, "received_at") == 0 || strcmp(name, "registered_at") == 0;
}

static bool prefixed(struct compile *compile, Policy__Trigger *trigger, const char *text)
{
    static const struct {
        const char *prefix;
        Policy__Trigger__Type type;
    } prefixes[] = {{"told ", POLICY__TRIGGER__TYPE__TOLD},
                    {"late ", POLICY__TRIGGER__TYPE__LATE},
                    {"end of ", POLICY__TRIGGER__TYPE__LATE},
                    {"approved ", POLICY__TRIGGER__TYPE__APPROVED},
                    {"refused ", POLICY__TRIGGER__TYPE__REFUSED}};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(text, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0) {
            trigger->type = prefixes[i].type;
            trigger->name = arena_strdup(compile->arena, text + strlen(prefixes[i].prefix));
            trigger->end = strncmp(text, "end of ", 7) == 0;
            return true;
        }
    const char *space = strchr(text, ' ');
    if (!space)
        return false;
    trigger->type = POLICY__TRIGGER__TYPE__LINKED;
    trigger->other = arena_text(compile->arena, text, (size_t)(space - text));
    const Policy__FieldDef *field = policy_field(compile->kind, trigger->other);
    trigger->by_field = field && field->names_case;
    trigger->name = arena_strdup(compile->arena, space + 1);
    int phase = phase_of(trigger->name);
    if (phase > 0 && !trigger->by_field && !json_object_get(json_object_get(compile->root, "kinds"), trigger->other))
        trigger->phase = (Policy__Phase)phase;
    return true;
}

Policy__Trigger *trigger_of(struct compile *compile, json_t *node, bool starts)
{
    Policy__Trigger *trigger = POLICY_NEW(compile, Policy__Trigger, POLICY__TRIGGER__INIT);
    const char *text = text_of(compile, node);
    if (!*text || prefixed(compile, trigger, text)) {
        if (trigger->end && !starts)
            mistake(compile, node, "end of 时钟 只用于时钟的 start；此处可用：late 时钟",
                    "\"end of CLOCK\" is for the start of a clock; accepted here: late CLOCK");
        return trigger;
    }
    trigger->name = (char *)(uintptr_t)text;
    const Policy__FieldDef *field = policy_field(compile->kind, text);
    if (policy_stage(compile->kind, text)) { /* a stage wins over a step of the same name */
        trigger->type = POLICY__TRIGGER__TYPE__STAGE;
        if (field)
            mistake(compile, node, "\"%s\" 既是阶段又是字段：请改名其一",
                    "\"%s\" is both a stage and a field: rename one", text);
    } else if (policy_step(compile->kind, text)) {
        trigger->type = POLICY__TRIGGER__TYPE__STEP;
        if (field)
            mistake(compile, node, "\"%s\" 既是步骤又是字段：请改名其一",
                    "\"%s\" is both a step and a field: rename one", text);
    } else if (time_fact(text) || (starts && field && field->type == POLICY__FIELD_DEF__TYPE__TIME)) {
        trigger->type = POLICY__TRIGGER__TYPE__TIME_FIELD;
    } else if (field || strcmp(text, "post_withdrawn") == 0) {
        trigger->type = POLICY__TRIGGER__TYPE__FIELD;
    } else {
        const char *names[256];
        size_t count = 0;
        for (size_t i = 0; i < compile->kind->n_stages && count < 256; i++)
            names[count++] = compile->kind->stages[i]->name;
        for (size_t i = 0; i < compile->kind->n_steps && count < 256; i++)
            names[count++] = compile->kind->steps[i]->name;
        for (size_t i = 0; i < compile->kind->n_fields && count < 256; i++)
            names[count++] = compile->kind->fields[i]->name;
        mistake(compile, node,
                "\"%s\" 不是 %s 的阶段、步骤或字段（也可用：told 通知、late 时钟、end of "
                "时钟、received_at、post_withdrawn）",
                "\"%s\" is no stage, step or field of %s (also accepted: told NOTICE, late CLOCK, end of CLOCK, "
                "received_at, post_withdrawn)",
                text, compile->kind->name);
        suggest(compile, text, names, count);
    }
    return trigger;
}

void triggers_of(struct compile *compile, json_t *node, bool starts, Policy__Trigger ***list, size_t *count)
{
    size_t i;
    json_t *item;
    if (json_is_string(node))
        POLICY_ADD(compile, *list, *count, trigger_of(compile, node, starts));
    else if (node && !json_is_array(node))
        mistake(compile, node, "须为事件或事件列表", "an event or a list of events is accepted");
    else
        json_array_foreach(node, i, item)
            POLICY_ADD(compile, *list, *count, trigger_of(compile, item, starts));
}
