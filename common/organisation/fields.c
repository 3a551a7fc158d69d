/* Fields as entered become what the policy says they are: free text stays Personal, all else becomes a value that
   conditions may read. A form sends everything as text; a program may send the value itself. */
#include "organisation/fields.h"

#include "calendar/calendar.h"
#include "policy/facts.h"
#include "policy/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct typing {
    struct turn *turn;
    const char *site;
    const Policy__FieldDef *def;
    const char *path;
};

static Hb__Refusal *refuse(const struct typing *typing, const char *zh, const char *en)
{
    struct turn *turn = typing->turn;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", zh, en);
    refusal_field(turn, refusal, typing->path);
    return refusal;
}

static Hb__Value *value_new(const struct typing *typing, Hb__Value__KindCase kind)
{
    Hb__Value *value = value_number(typing->turn, 0);
    value->kind_case = kind;
    return value;
}

/* ---- from text; NULL and a refusal when it does not mean anything ---- */

static bool one_of_texts(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static Hb__Value *parse_choice(const struct typing *typing, const char *text)
{
    const Policy__FieldDef *def = typing->def;
    for (size_t i = 0; i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, text) == 0)
            return value_text(typing->turn, text);
    Hb__Refusal *refusal = refuse(typing, "没有这个选项", "this is not one of the choices");
    for (size_t i = 0; i < def->n_one_of; i++)
        refusal_accepts(typing->turn, refusal, def->one_of[i]->name);
    return NULL;
}

static Hb__Value *parse_yes_no(const struct typing *typing, const char *text)
{
    static const char *const yes[] = {"yes", "true", "1", "on", "是", NULL};
    static const char *const no[] = {"no", "false", "0", "off", "否", NULL};
    if (one_of_texts(text, yes) || one_of_texts(text, no))
        return value_yes(typing->turn, one_of_texts(text, yes));
    Hb__Refusal *refusal = refuse(typing, "须为是或否", "must be yes or no");
    refusal_accepts(typing->turn, refusal, "yes");
    refusal_accepts(typing->turn, refusal, "no");
    return NULL;
}

static Hb__Value *parse_number(const struct typing *typing, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (!*text || *end || errno || (*text != '-' && (*text < '0' || *text > '9'))) {
        refuse(typing, "须为整数", "must be a whole number");
        return NULL;
    }
    return value_number(typing->turn, number);
}

/* "12", "12.5", "12.50": in 1/100 of the unit. */
static Hb__Value *parse_money(const struct typing *typing, const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t cents = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    bool ends = text[whole] == 0 || (cents && cents <= 2 && text[whole + 1 + cents] == 0);
    if (!whole || whole > 15 || !ends) {
        refuse(typing, "须为金额，如 12.50", "must be an amount of money such as 12.50");
        return NULL;
    }
    int64_t fen = strtoll(text, NULL, 10) * 100;
    if (cents)
        fen += (text[whole + 1] - '0') * 10 + (cents == 2 ? text[whole + 2] - '0' : 0);
    Hb__Value *value = value_new(typing, HB__VALUE__KIND_MONEY_FEN);
    value->money_fen = fen;
    return value;
}

/* The offset of an RFC 3339 time in minutes, from its end ("Z", "+08:00"). False when there is none. */
static bool offset_of(const char *text, int *minutes_out)
{
    unsigned hours, minutes;
    int size = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *minutes_out = 0;
        return true;
    }
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &size) != 2 ||
        text[1 + size] || hours > 23 || minutes > 59)
        return false;
    *minutes_out = (int)(hours * 60 + minutes) * (*text == '-' ? -1 : 1);
    return true;
}

/* "2025-03-10T09:00:00+08:00", or without an offset in the site's zone: "2025-03-10 09:00", "2025-03-10". */
static bool time_of(const struct typing *typing, const char *text, int64_t *ms_out)
{
    unsigned hour = 0, minute = 0, second = 0;
    int size = 0;
    int32_t date;
    char day[11] = {0};
    strncpy(day, text, 10);
    if (!date_parse(day, &date))
        return false;
    const char *rest = text + 10;
    if (*rest) {
        if ((*rest != 'T' && *rest != ' ') || sscanf(rest + 1, "%2u:%2u%n", &hour, &minute, &size) != 2)
            return false;
        rest += 1 + size;
        if (*rest == ':') {
            if (sscanf(rest + 1, "%2u%n", &second, &size) != 1)
                return false;
            rest += 1 + size;
        }
        if (*rest == '.')
            rest += 1 + strspn(rest + 1, "0123456789");
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t local = date * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * 1000ll;
    int offset;
    if (!*rest)
        *ms_out = zone_utc_ms(organisation_zone(typing->turn, typing->site), local);
    else if (offset_of(rest, &offset))
        *ms_out = local - offset * MINUTE_MS;
    else
        return false;
    return true;
}

static Hb__Value *parse_time(const struct typing *typing, const char *text)
{
    int64_t ms;
    if (time_of(typing, text, &ms))
        return value_time(typing->turn, ms);
    Hb__Refusal *refusal = refuse(typing, "须为时间", "must be a time");
    refusal_accepts(typing->turn, refusal, "2025-03-10T09:00:00+08:00");
    refusal_accepts(typing->turn, refusal, "2025-03-10 09:00");
    return NULL;
}

static Hb__Value *parse_duration(const struct typing *typing, const char *text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"min", MINUTE_MS}, {"h", HOUR_MS},       {"day", DAY_MS},
                 {"days", DAY_MS},   {"week", 7 * DAY_MS}, {"weeks", 7 * DAY_MS}};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits + strspn(text + digits, " ");
    for (size_t i = 0; digits && digits < 10 && i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].unit) == 0) {
            Hb__Value *value = value_new(typing, HB__VALUE__KIND_DURATION_MS);
            value->duration_ms = strtoll(text, NULL, 10) * units[i].ms;
            return value;
        }
    Hb__Refusal *refusal = refuse(typing, "须为时长", "must be a duration");
    refusal_accepts(typing->turn, refusal, "30 min");
    refusal_accepts(typing->turn, refusal, "2 h");
    refusal_accepts(typing->turn, refusal, "3 days");
    return NULL;
}

static Hb__Value *parse_name(const struct typing *typing, const char *text)
{
    bool open = typing->def->open_text;
    if (strlen(text) <= (open ? FIELD_OPEN_TEXT_BYTES_MAX : FIELD_NAME_BYTES_MAX))
        return value_text(typing->turn, text);
    if (open)
        refuse(typing, "最长 3000 字节", "at most 3000 bytes");
    else
        refuse(typing, "最长 200 字节", "at most 200 bytes");
    return NULL;
}

static Hb__Value *parse_person(const struct typing *typing, const char *text)
{
    if (strlen(text) <= FIELD_NAME_BYTES_MAX && organisation_person(typing->turn, text))
        return value_text(typing->turn, text);
    refuse(typing, "没有这个人员", "there is no such person");
    return NULL;
}

static Hb__Value *parse_thing(const struct typing *typing, const char *text)
{
    const Directory__Thing *thing =
        strlen(text) <= FIELD_NAME_BYTES_MAX ? organisation_thing(typing->turn, typing->site, text) : NULL;
    if (thing && (!*typing->def->thing || strcmp(thing->of, typing->def->thing) == 0))
        return value_text(typing->turn, text);
    refuse(typing, arena_printf(turn_arena(typing->turn), "登记册 %s 中没有此项", typing->def->thing),
           arena_printf(turn_arena(typing->turn), "the register %s has no such thing", typing->def->thing));
    return NULL;
}

static Hb__Value *parse_department(const struct typing *typing, const char *text)
{
    if (strlen(text) <= FIELD_NAME_BYTES_MAX && organisation_department(typing->turn, typing->site, text))
        return value_text(typing->turn, text);
    refuse(typing, "没有这个部门", "there is no such department");
    return NULL;
}

static Hb__Value *parse(const struct typing *typing, const char *text)
{
    switch (typing->def->type) {
    case POLICY__FIELD_DEF__TYPE__CHOICE:
        return parse_choice(typing, text);
    case POLICY__FIELD_DEF__TYPE__YES_NO:
        return parse_yes_no(typing, text);
    case POLICY__FIELD_DEF__TYPE__NUMBER:
        return parse_number(typing, text);
    case POLICY__FIELD_DEF__TYPE__MONEY:
        return parse_money(typing, text);
    case POLICY__FIELD_DEF__TYPE__TIME:
        return parse_time(typing, text);
    case POLICY__FIELD_DEF__TYPE__DURATION:
        return parse_duration(typing, text);
    case POLICY__FIELD_DEF__TYPE__PERSON:
        return parse_person(typing, text);
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
        return parse_department(typing, text);
    case POLICY__FIELD_DEF__TYPE__TEXT:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__NAME:
        break;
    case POLICY__FIELD_DEF__TYPE__THING:
        return parse_thing(typing, text);
    case POLICY__FIELD_DEF__TYPE__PARTS:
        refuse(typing, "须逐部分填写，如 名.1.项", "give each part: NAME.1.FIELD");
        return NULL;
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
        refuse(typing, "须逐项勾选，如 名.1", "tick each item: NAME.1");
        return NULL;
    }
    return parse_name(typing, text);
}

/* ---- given as a value ---- */

static Hb__Value__KindCase kind_wanted(Policy__FieldDef__Type type)
{
    switch (type) {
    case POLICY__FIELD_DEF__TYPE__YES_NO:
        return HB__VALUE__KIND_YES;
    case POLICY__FIELD_DEF__TYPE__NUMBER:
        return HB__VALUE__KIND_NUMBER;
    case POLICY__FIELD_DEF__TYPE__MONEY:
        return HB__VALUE__KIND_MONEY_FEN;
    case POLICY__FIELD_DEF__TYPE__TIME:
        return HB__VALUE__KIND_TIME_MS;
    case POLICY__FIELD_DEF__TYPE__DURATION:
        return HB__VALUE__KIND_DURATION_MS;
    case POLICY__FIELD_DEF__TYPE__TEXT:
    case POLICY__FIELD_DEF__TYPE__CHOICE:
    case POLICY__FIELD_DEF__TYPE__PERSON:
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__PARTS:
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
    case POLICY__FIELD_DEF__TYPE__THING:
        break;
    }
    return HB__VALUE__KIND_TEXT;
}

static void set_plain(struct turn *turn, Hb__Field *field, char *text)
{
    Hb__Personal *personal = arena_alloc(turn_arena(turn), sizeof *personal);
    hb__personal__init(personal);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = text;
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = personal;
}

static void set_parsed(const struct typing *typing, Hb__Field *field, const char *text)
{
    Hb__Value *value = parse(typing, text);
    if (!value)
        return;
    field->content_case = HB__FIELD__CONTENT_VALUE;
    field->value = value;
}

static void type_value(const struct typing *typing, Hb__Field *field)
{
    const Hb__Value *value = field->value;
    if (value->kind_case == HB__VALUE__KIND_TEXT)
        set_parsed(typing, field, value->text);
    else if (value->kind_case != kind_wanted(typing->def->type))
        refuse(typing, "值的类型不符", "the value is of another type than the field");
}

/* What is left empty on a form is not filled in. */
static bool empty(const Hb__Field *field)
{
    switch (field->content_case) {
    case HB__FIELD__CONTENT_VALUE:
        return field->value->kind_case == HB__VALUE__KIND__NOT_SET ||
               (field->value->kind_case == HB__VALUE__KIND_TEXT && !field->value->text[0]);
    case HB__FIELD__CONTENT_TEXT:
        return field->text->kind_case == HB__PERSONAL__KIND__NOT_SET ||
               (field->text->kind_case == HB__PERSONAL__KIND_PLAIN && !field->text->plain[0]);
    case HB__FIELD__CONTENT__NOT_SET:
        break;
    }
    return true;
}

void field_type(struct turn *turn, const char *site, const Policy__FieldDef *def, Hb__Field *field, const char *path)
{
    struct typing typing = {turn, site, def, path};
    bool text = field->content_case == HB__FIELD__CONTENT_TEXT;
    if (empty(field))
        field->content_case = HB__FIELD__CONTENT__NOT_SET;
    else if (def->type == POLICY__FIELD_DEF__TYPE__TEXT && !text && field->value->kind_case == HB__VALUE__KIND_TEXT)
        set_plain(turn, field, field->value->text);
    else if (def->type == POLICY__FIELD_DEF__TYPE__TEXT && !text)
        refuse(&typing, "须为文本", "must be text");
    else if (def->type != POLICY__FIELD_DEF__TYPE__TEXT && text)
        set_parsed(&typing, field, field->text->plain);
    else if (!text)
        type_value(&typing, field);
}

static const char *forbidden_in(const Policy__FieldDef *def, const char *text)
{
    for (size_t i = 0; i < def->n_forbidden; i++)
        if (strstr(text, def->forbidden[i]))
            return def->forbidden[i];
    return NULL;
}

void field_check_phrases(struct turn *turn, const char *site, const Policy__FieldDef *def, const Hb__Field *field,
                         const char *path, const struct facts *facts, const Hb__Actor *actor, bool says_why)
{
    bool plain = field->content_case == HB__FIELD__CONTENT_TEXT && field->text->kind_case == HB__PERSONAL__KIND_PLAIN;
    const char *phrase = plain ? forbidden_in(def, field->text->plain) : NULL;
    bool may =
        phrase && actor && who_includes(turn, site, def->forbidden_unless, def->n_forbidden_unless, facts, actor);
    if (!phrase || (may && says_why))
        return;
    struct arena *arena = turn_arena(turn);
    const char *zh = may ? "%s含有禁用语“%s”：放行须在备注中说明理由" : "%s含有禁用语“%s”";
    const char *en = may ? "%s has the forbidden phrase \"%s\": say in the note why it may stand"
                         : "%s has the forbidden phrase \"%s\"";
    Hb__Refusal *refusal = turn_refuse(turn, 422, "forbidden_phrase", arena_printf(arena, zh, def->label->zh, phrase),
                                       arena_printf(arena, en, def->label->en, phrase));
    refusal_field(turn, refusal, path);
    for (size_t i = 0; i < def->n_clauses; i++)
        refusal_clause(turn, refusal, def->clauses[i]);
}

/* ---- parts ---- */

static bool gives_part(Hb__Field *const *fields, size_t count, const char *name, const struct part *part)
{
    for (size_t i = 0; i < count; i++) {
        struct part other;
        if (part_of_fact(fields[i]->name, &other) && other.index == part->index &&
            other.field_size == part->field_size && strncmp(fields[i]->name, name, part->field_size) == 0)
            return true;
    }
    return false;
}

void field_part_follows(struct turn *turn, const struct facts *facts, Hb__Field *const *fields, size_t count,
                        const char *name, const char *path)
{
    struct part part;
    if (!part_of_fact(name, &part))
        return;
    int64_t there = facts ? facts_number(facts, arena_text(turn_arena(turn), name, part.field_size)) : 0;
    for (part.index--; part.index > there; part.index--)
        if (!gives_part(fields, count, name, &part)) {
            Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "各部分须从 1 起连续编号",
                                               "parts are numbered from 1 without gaps");
            refusal_field(turn, refusal, path);
            return;
        }
}

static int64_t counted(const Hb__Event *event, const struct facts *facts, const char *name)
{
    for (size_t i = event->n_facts; i-- > 0;)
        if (strcmp(event->facts[i]->name, name) == 0 && event->facts[i]->value)
            return event->facts[i]->value->number;
    return facts ? facts_number(facts, name) : 0;
}

void fields_count_parts(struct turn *turn, const struct facts *facts, Hb__Event *event)
{
    size_t count = event->n_facts;
    for (size_t i = 0; i < count; i++) {
        struct part part;
        if (!part_of_fact(event->facts[i]->name, &part))
            continue;
        const char *name = arena_text(turn_arena(turn), event->facts[i]->name, part.field_size);
        if (part.index > counted(event, facts, name))
            event_fact_number(turn, event, name, part.index);
    }
}
