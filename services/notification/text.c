/* The text of a notice, as the policy has it, filled in: {number} {clock} {due} {level} {site}, and the facts of the
   case by name, and what it does not know of the case that tells it. Never a sealed text. What a policy makes longer
   than a notice may be is cut. */
#include "calendar/calendar.h"
#include "notification.h"

#include <inttypes.h>

#define TEXT_BYTES_MAX 8192u

static char *local_time(const struct notification_request *request, int64_t ms)
{
    int64_t local = zone_local_ms(organisation_zone(request->turn, request->event->site), ms);
    int year, month, day;
    date_split(date_of_local(local), &year, &month, &day);
    int minute = (int)((local - (int64_t)date_of_local(local) * DAY_MS) / MINUTE_MS);
    return arena_printf(turn_arena(request->turn), "%04d-%02d-%02d %02d:%02d", year, month, day, minute / 60,
                        minute % 60);
}

static const Policy__Clock *clock_of(const struct notification_request *request)
{
    const Policy__Kind *kind = request->policy ? policy_kind(request->policy, request->record->kind) : NULL;
    return kind ? policy_clock(kind, request->clock) : NULL;
}

static const char *either(bool english, const char *zh, const char *en)
{
    return english && *en ? en : zh;
}

/* A choice is called what the policy calls it. */
static const char *choice_text(const struct notification_request *request, const Noterec__Case *of, const char *name,
                               const char *choice, bool english)
{
    const Policy__Kind *kind = request->policy ? policy_kind(request->policy, of->kind) : NULL;
    const Policy__FieldDef *field = kind ? policy_field(kind, name) : NULL;
    for (size_t i = 0; field && i < field->n_one_of; i++)
        if (strcmp(field->one_of[i]->name, choice) == 0 && field->one_of[i]->label)
            return either(english, field->one_of[i]->label->zh, field->one_of[i]->label->en);
    return choice;
}

/* "lift.inspection_until": what the register knows of the thing that the fact names, today. */
static const Hb__Value *thing_value(const struct notification_request *request, const struct facts *facts,
                                    const char *name)
{
    const char *dot = strchr(name, '.');
    const char *id = dot ? facts_text(facts, arena_text(turn_arena(request->turn), name, (size_t)(dot - name))) : "";
    const Directory__Thing *thing = *id ? organisation_thing(request->turn, request->event->site, id) : NULL;
    return thing ? facts_get(&(struct facts){thing->facts, thing->n_facts}, dot + 1) : NULL;
}

/* A fact of the case; NULL when there is none, or only word that it was given: sealed texts never stand in a notice. */
static const char *fact_text(const struct notification_request *request, const Noterec__Case *of, const char *name,
                             bool english)
{
    struct arena *arena = turn_arena(request->turn);
    struct facts facts = {of->facts, of->n_facts};
    const Hb__Value *value = facts_get(&facts, name);
    if (!value)
        value = thing_value(request, &facts, name);
    if (!value)
        return NULL;
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return choice_text(request, of, name, value->text, english);
    case HB__VALUE__KIND_NUMBER:
        return arena_printf(arena, "%" PRId64, value->number);
    case HB__VALUE__KIND_YES:
        return value->yes ? either(english, "是", "yes") : either(english, "否", "no");
    case HB__VALUE__KIND_TIME_MS:
        return local_time(request, value->time_ms);
    case HB__VALUE__KIND_DURATION_MS:
        return arena_printf(arena, "%" PRId64 " %s", (int64_t)(value->duration_ms / MINUTE_MS),
                            either(english, "分钟", "min"));
    case HB__VALUE__KIND_MONEY_FEN:
        return arena_printf(arena, "%" PRId64 ".%02" PRId64, value->money_fen / 100, value->money_fen % 100);
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return NULL;
}

/* NULL: there is no such thing to fill in. */
static const char *value_of(const struct notification_request *request, const char *name, bool english)
{
    const Policy__Clock *clock = clock_of(request);
    if (strcmp(name, "number") == 0)
        return request->record->number;
    if (strcmp(name, "clock") == 0)
        return clock ? either(english, clock->label->zh, clock->label->en) : request->clock;
    if (strcmp(name, "due") == 0)
        return request->due_ms ? local_time(request, request->due_ms) : "";
    if (strcmp(name, "level") == 0)
        return arena_printf(turn_arena(request->turn), "%" PRIu32, request->level);
    if (strcmp(name, "site") == 0)
        return request->event->site;
    const char *own = fact_text(request, request->record, name, english);
    return own || !request->tells ? own : fact_text(request, request->tells, name, english);
}

struct filling {
    char *text;
    size_t size;
    bool full;
};

/* Cuts between characters, not within one. */
static void put(struct filling *filling, const char *part, size_t size)
{
    size_t room = TEXT_BYTES_MAX - filling->size, take = size < room ? size : room;
    while (take < size && take > 0 && ((uint8_t)part[take] & 0xC0) == 0x80)
        take--;
    memcpy(filling->text + filling->size, part, take);
    filling->size += take;
    filling->full = take < size;
}

char *notification_fill(const struct notification_request *request, const char *text, bool english)
{
    struct arena *arena = turn_arena(request->turn);
    struct filling out = {.text = arena_zero(arena, TEXT_BYTES_MAX + 1)};
    while (*text && !out.full) {
        const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL;
        if (!close) {
            put(&out, text, strlen(text));
            break;
        }
        const char *name = arena_text(arena, open + 1, (size_t)(close - open - 1));
        const char *value = value_of(request, name, english);
        put(&out, text, (size_t)(open - text));
        value = value ? value : "—"; /* the case knows nothing of it */
        if (!out.full)
            put(&out, value, strlen(value));
        text = close + 1;
    }
    return out.text;
}
