#include "policy/facts.h"

static size_t place_of(const struct facts *facts, const char *name)
{
    size_t low = 0, high = facts->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(facts->list[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const Hb__Value *facts_get(const struct facts *facts, const char *name)
{
    size_t at = place_of(facts, name);
    return at < facts->count && strcmp(facts->list[at]->name, name) == 0 ? facts->list[at]->value : NULL;
}

const char *facts_text(const struct facts *facts, const char *name)
{
    const Hb__Value *value = facts_get(facts, name);
    return value && value->kind_case == HB__VALUE__KIND_TEXT ? value->text : "";
}

int64_t facts_number(const struct facts *facts, const char *name)
{
    const Hb__Value *value = facts_get(facts, name);
    return value && value->kind_case == HB__VALUE__KIND_NUMBER ? value->number : 0;
}

bool facts_time(const struct facts *facts, const char *name, int64_t *ms_out)
{
    const Hb__Value *value = facts_get(facts, name);
    if (!value || value->kind_case != HB__VALUE__KIND_TIME_MS)
        return false;
    *ms_out = value->time_ms;
    return true;
}

void facts_set(struct arena *arena, struct facts *facts, const char *name, const Hb__Value *value)
{
    size_t at = place_of(facts, name);
    bool there = at < facts->count && strcmp(facts->list[at]->name, name) == 0;
    Hb__Fact **list = arena_alloc(arena, (facts->count + 1) * sizeof *list);
    if (at)
        memcpy(list, facts->list, at * sizeof *list);
    size_t next = at;
    if (value) {
        Hb__Fact *fact = arena_alloc(arena, sizeof *fact);
        hb__fact__init(fact);
        fact->name = arena_strdup(arena, name);
        fact->value = (Hb__Value *)(uintptr_t)value;
        list[next++] = fact;
    }
    size_t rest = facts->count - at - there;
    if (rest)
        memcpy(list + next, facts->list + at + there, rest * sizeof *list);
    facts->list = list;
    facts->count = next + rest;
}

void facts_fold(struct arena *arena, struct facts *facts, Hb__Fact *const *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        facts_set(arena, facts, changes[i]->name, changes[i]->value);
}

void facts_list_fold(struct arena *arena, Hb__Fact ***list, size_t *count, const Hb__Event *event)
{
    struct facts facts = {*list, *count};
    facts_fold(arena, &facts, event->facts, event->n_facts);
    *list = facts.list;
    *count = facts.count;
}

bool value_equal(const Hb__Value *a, const Hb__Value *b)
{
    if (a->kind_case == HB__VALUE__KIND_TEXTS && b->kind_case == HB__VALUE__KIND_TEXT) { /* a list holds it */
        for (size_t i = 0; i < a->texts->n_text; i++)
            if (strcmp(a->texts->text[i], b->text) == 0)
                return true;
        return false;
    }
    if (a->kind_case != b->kind_case)
        return false;
    switch (a->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return strcmp(a->text, b->text) == 0;
    case HB__VALUE__KIND_NUMBER:
        return a->number == b->number;
    case HB__VALUE__KIND_YES:
        return a->yes == b->yes;
    case HB__VALUE__KIND_TIME_MS:
        return a->time_ms == b->time_ms;
    case HB__VALUE__KIND_DURATION_MS:
        return a->duration_ms == b->duration_ms;
    case HB__VALUE__KIND_MONEY_FEN:
        return a->money_fen == b->money_fen;
    case HB__VALUE__KIND_PRESENT:
        return a->present == b->present;
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND__NOT_SET:
        return false;
    }
    return false;
}

static bool measure(const Hb__Value *value, int64_t *out)
{
    switch (value->kind_case) {
    case HB__VALUE__KIND_NUMBER:
        *out = value->number;
        return true;
    case HB__VALUE__KIND_TIME_MS:
        *out = value->time_ms;
        return true;
    case HB__VALUE__KIND_DURATION_MS:
        *out = value->duration_ms;
        return true;
    case HB__VALUE__KIND_MONEY_FEN:
        *out = value->money_fen;
        return true;
    case HB__VALUE__KIND_TEXT:
    case HB__VALUE__KIND_YES:
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        return false;
    }
    return false;
}

bool value_compare(const Hb__Value *a, const Hb__Value *b, int *order_out)
{
    int64_t x, y;
    if (a->kind_case != b->kind_case || !measure(a, &x) || !measure(b, &y))
        return false;
    *order_out = x < y ? -1 : x > y;
    return true;
}
