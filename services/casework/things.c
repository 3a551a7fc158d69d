/* The history of an entry of a register: the cases that name it, the newest first. No table says which do: the cases of
   the site are looked through, so many for one page, and the page says from where on to look further. */
#include "casework.h"
#include "policy/facts.h"
#include "policy/lookup.h"

#define LOOKED_MAX 2000u /* cases of a page: some ten milliseconds */
#define ROWS_MAX 50u

/* The field of the case that names it, as far as the actor may read that; NULL: none does. */
static const Policy__FieldDef *naming(const struct casework_case *one, const char *thing, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->facts.count; i++) {
        const Hb__Fact *fact = one->facts.list[i];
        if (!fact->value || fact->value->kind_case != HB__VALUE__KIND_TEXT || strcmp(fact->value->text, thing) != 0)
            continue;
        const Policy__FieldDef *def = policy_field_of_fact(one->kind, fact->name);
        if (def && def->type == POLICY__FIELD_DEF__TYPE__THING && case_may_read(&one->view, def, actor))
            return def;
    }
    return NULL;
}

static void add_row(struct turn *turn, const struct casework_case *one, const Policy__FieldDef *def,
                    Casework__ThingHistory *history)
{
    Casework__ThingCase *row = TURN_NEW(turn, Casework__ThingCase, casework__thing_case__init);
    row->case_id = one->id;
    row->number = one->record->number;
    row->kind = one->record->kind;
    row->stage = one->record->stage;
    row->phase = one->record->phase;
    row->field = def->name;
    row->received_ms = one->record->received_ms;
    row->closed_ms = one->record->closed_ms;
    row->handler = (char *)(uintptr_t)facts_text(&one->facts, "handler");
    row->lead = (char *)(uintptr_t)facts_text(&one->facts, "lead");
    row->policy_version = one->record->policy_version;
    TURN_ADD(turn, history->cases, history->n_cases, row);
}

static bool look_at(struct turn *turn, const Hb__Query *query, uint64_t case_id, Casework__ThingHistory *history)
{
    struct casework_case one;
    const Policy__FieldDef *def = NULL;
    if (casework_open(turn, case_id, &one) && strcmp(one.record->site, query->site) == 0)
        def = naming(&one, query->casework->history->thing, query->actor);
    if (!def || casework_hidden(&one, query->actor))
        return false;
    add_row(turn, &one, def, history);
    return true;
}

void casework_answer_history(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    const Casework__GetHistory *get = query->casework->history;
    const Directory__Site *site = organisation_site(turn, query->site);
    if (!site || !query->actor || query->actor->complainant || !rights_may(turn, query->actor, "read", query->site) ||
        !organisation_thing(turn, query->site, get->thing)) {
        turn_refuse(turn, 404, "not_found", "没有这一项", "there is no such thing");
        return;
    }
    uint64_t first = case_id_first(site->bucket), end = case_id_first(site->bucket + 1);
    uint64_t before = get->before ? get->before : end;
    uint32_t rows = get->limit && get->limit < ROWS_MAX ? get->limit : ROWS_MAX;
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_CASEWORK;
    reply->casework = TURN_NEW(turn, Casework__Reply, casework__reply__init);
    reply->casework->kind_case = CASEWORK__REPLY__KIND_HISTORY;
    Casework__ThingHistory *history = reply->casework->history =
        TURN_NEW(turn, Casework__ThingHistory, casework__thing_history__init);
    for (unsigned looked = 0;; looked++) {
        struct arena_mark mark = arena_mark(turn_arena(turn));
        struct key key = key_u64(before ? before : UINT64_MAX);
        struct bytes found;
        if (!state_before(turn, CASEWORK_CASE, (struct bytes){0}, key_bytes(&key), &found) ||
            bytes_get_u64(found.data) < first)
            return;
        if (looked == LOOKED_MAX || history->n_cases == rows) {
            history->next = before;
            return;
        }
        before = bytes_get_u64(found.data);
        if (!look_at(turn, query, before, history))
            arena_return(turn_arena(turn), mark);
    }
}
