/* Steps that link two cases (link), take them apart (unlink), copy what the other has (copy), or go back to the stage
   before (to: back). A field of type `case` names the other by its number. Joining like cases and undoing it is made of
   these: nothing is lost, since neither case is changed but by steps of its own. */
#include "casework.h"

static struct key number_key(const char *site, const char *number)
{
    struct key key = key_text(site);
    key_add_text(&key, number);
    return key;
}

void casework_number_save(struct turn *turn, const Caserec__Case *record, uint64_t case_id)
{
    struct key key = number_key(record->site, record->number);
    uint8_t id[8];
    bytes_put_u64(id, case_id);
    if (!state_has(turn, CASEWORK_NUMBER, key_bytes(&key)))
        state_put(turn, CASEWORK_NUMBER, key_bytes(&key), bytes_of(id, sizeof id));
}

uint64_t casework_numbered(struct turn *turn, const char *site, const char *number)
{
    struct key key = number_key(site, number);
    struct bytes id;
    return state_get(turn, CASEWORK_NUMBER, key_bytes(&key), &id) ? bytes_get_u64(id.data) : 0;
}

/* ---- folding ---- */

void casework_link_add(struct turn *turn, Caserec__Case *record, const char *name, uint64_t case_id,
                       const Caserec__Case *other)
{
    Caserec__Link *link = TURN_NEW(turn, Caserec__Link, caserec__link__init);
    link->name = (char *)(uintptr_t)name;
    link->case_id = case_id;
    link->kind = other->kind;
    link->number = other->number;
    link->stage = other->stage;
    link->phase = other->phase;
    TURN_ADD(turn, record->links, record->n_links, link);
}

static bool is_link(const Caserec__Link *link, const char *name, uint64_t case_id)
{
    return link->case_id == case_id && strcmp(link->name, name) == 0;
}

static bool has_link(const Caserec__Case *record, const char *name, uint64_t case_id)
{
    for (size_t i = 0; i < record->n_links; i++)
        if (is_link(record->links[i], name, case_id))
            return true;
    return false;
}

void casework_linked(struct turn *turn, Caserec__Case *record, const Casework__CaseLinked *said)
{
    const Caserec__Case *other = casework_load(turn, said->case_id);
    size_t kept = 0;
    if (!said->ended && other && !has_link(record, said->link, said->case_id))
        casework_link_add(turn, record, said->link, said->case_id, other);
    for (size_t i = 0; said->ended && i < record->n_links; i++)
        if (!is_link(record->links[i], said->link, said->case_id))
            record->links[kept++] = record->links[i];
    if (said->ended)
        record->n_links = kept;
}

uint64_t casework_link_named(const Caserec__Case *record, const char *number)
{
    for (size_t i = 0; *number && i < record->n_links; i++)
        if (strcmp(record->links[i]->number, number) == 0)
            return record->links[i]->case_id;
    return 0;
}

/* ---- may it be? ---- */

static void bar(const struct casework_case *one, const Policy__Step *step, Hb__Refusal **refusal, const char *code,
                const char *zh, const char *en)
{
    struct turn *turn = one->view.turn;
    if (!*refusal)
        *refusal = turn_refuse(turn, 409, code, zh, en);
    for (size_t i = 0; i < step->n_clauses; i++)
        refusal_clause(turn, *refusal, step->clauses[i]);
    refusal_problem(turn, *refusal, arena_printf(turn_arena(turn), "fields.%s", step->case_field),
                    step->n_clauses ? step->clauses[0] : "", zh, en);
}

static bool is_over(const Caserec__Case *record)
{
    return record->phase == POLICY__PHASE__CLOSED || record->phase == POLICY__PHASE__ARCHIVED;
}

/* A case that is hidden from the actor is as if it were not there. */
static bool sees(struct turn *turn, uint64_t case_id, const Hb__Actor *actor, struct casework_case *other)
{
    return case_id && casework_open(turn, case_id, other) && !casework_hidden(other, actor);
}

/* Where rules wait for stages of the case that a field names, it must be of a kind that has one of them: whoever
   follows another would wait for good. */
static bool can_lead(const struct casework_case *one, const Policy__Step *step, const Policy__Kind *kind)
{
    bool waits = false;
    for (size_t i = 0; i < one->kind->n_rules; i++) {
        const Policy__Trigger *when = one->kind->rules[i]->when;
        if (!when || !when->by_field || strcmp(when->other, step->case_field) != 0)
            continue;
        if (policy_stage(kind, when->name))
            return true;
        waits = true;
    }
    return !waits;
}

/* `type: case, of: article`. */
static bool of_kind(const struct casework_case *one, const Policy__Step *step, const Caserec__Case *other)
{
    const Policy__FieldDef *field = policy_field(one->kind, step->case_field);
    return !field || !*field->case_kind || strcmp(field->case_kind, other->kind) == 0;
}

static size_t followers(const Caserec__Case *record, const char *link)
{
    size_t count = 0;
    for (size_t i = 0; i < record->n_links; i++)
        count += strcmp(record->links[i]->name, link) == 0;
    return count;
}

/* Of those who follow each takes a step when the leading case is answered. A case that is only cited leads nobody. */
static bool leads_enough(const struct casework_case *one, const Policy__Step *step, const Caserec__Case *other)
{
    return *step->to && strcmp(step->to, one->record->stage) != 0 &&
           followers(other, step->link) >= CASEWORK_FOLLOWERS_MAX && !has_link(other, step->link, one->id);
}

/* Each takes a row of the case that they cite. */
static bool cited_enough(const struct casework_case *one, const Policy__Step *step, const Caserec__Case *other)
{
    return followers(other, step->link) >= CASEWORK_CITING_MAX && !has_link(other, step->link, one->id);
}

static void check_new_link(const struct casework_case *one, const Policy__Step *step, const char *number,
                           const Hb__Actor *actor, Hb__Refusal **refusal)
{
    struct turn *turn = one->view.turn;
    struct arena *arena = turn_arena(turn);
    struct casework_case other;
    uint64_t id = casework_numbered(turn, one->record->site, number);
    if (!sees(turn, id, actor, &other))
        bar(one, step, refusal, "unknown_case", arena_printf(arena, "本站点没有编号为 %s 的案件", number),
            arena_printf(arena, "this site has no case with the number %s", number));
    else if (id == one->id)
        bar(one, step, refusal, "same_case", "不能指向本案自身", "a case cannot be linked with itself");
    else if (!of_kind(one, step, other.record) || !can_lead(one, step, other.kind))
        bar(one, step, refusal, "wrong_kind", arena_printf(arena, "案件 %s 不属于可指明的事项类型", number),
            arena_printf(arena, "the case %s is of a kind that cannot be named here", number));
    else if (is_over(other.record))
        bar(one, step, refusal, "case_over", arena_printf(arena, "案件 %s 已办结", number),
            arena_printf(arena, "the case %s is closed", number));
    else if (*step->to && strcmp(other.record->stage, step->to) == 0)
        bar(one, step, refusal, "case_follows",
            arena_printf(arena, "案件 %s 自身从属于另一案件：请指明那一案件", number),
            arena_printf(arena, "the case %s itself follows another one: name that", number));
    else if (leads_enough(one, step, other.record))
        bar(one, step, refusal, "too_many_follow",
            arena_printf(arena, "案件 %s 已有 %u 件从属案件：请另立一件主办案件", number, CASEWORK_FOLLOWERS_MAX),
            arena_printf(arena, "%u cases follow the case %s already: let others follow another one",
                         CASEWORK_FOLLOWERS_MAX, number));
    else if (cited_enough(one, step, other.record))
        bar(one, step, refusal, "too_many_cite",
            arena_printf(arena, "案件 %s 已被 %u 件案件引用：请引用另一件", number, CASEWORK_CITING_MAX),
            arena_printf(arena, "%u cases cite the case %s already: cite another one", CASEWORK_CITING_MAX, number));
}

void casework_check_link(const struct casework_case *one, const Policy__Step *step, const struct facts *with,
                         const Hb__Actor *actor, Hb__Refusal **refusal)
{
    if (*step->link)
        check_new_link(one, step, facts_text(with, step->case_field), actor, refusal);
    if (step->back && !*one->record->stage_before)
        bar(one, step, refusal, "nothing_before", "没有可返回的前一阶段", "there is no stage before to go back to");
}

/* ---- taking it ---- */

static bool other_link(const Caserec__Case *record, const char *name, uint64_t case_id)
{
    for (size_t i = 0; i < record->n_links; i++)
        if (record->links[i]->case_id == case_id && strcmp(record->links[i]->name, name) != 0)
            return true;
    return false;
}

static void say_link(const struct casework_case *about, const struct casework_case *other, const Policy__Step *step,
                     bool leads)
{
    struct turn *turn = about->view.turn;
    Casework__CaseLinked *linked = TURN_NEW(turn, Casework__CaseLinked, casework__case_linked__init);
    linked->ended = *step->unlink != 0;
    linked->link = linked->ended ? step->unlink : step->link;
    linked->case_id = other->id;
    linked->number = other->record->number;
    linked->kind = other->record->kind;
    linked->step = step->name;
    linked->apart = linked->ended && !other_link(about->record, linked->link, other->id);
    linked->leads = leads;
    Hb__Event *event = casework_event(turn, about, CASEWORK__EVENT__KIND_CASE_LINKED, linked);
    event_clauses(turn, event, step->clauses, step->n_clauses);
    turn_say(turn, event);
}

/* A text stays sealed as it is: whoever may read this case's texts may read it, and whoever erases the other case
   erases it. */
static void copy(const struct casework_case *one, const Policy__Step *step, uint64_t from, Hb__Event *event)
{
    struct turn *turn = one->view.turn;
    Casework__StepTaken *taken = event->casework->step_taken;
    const Caserec__Case *other = casework_load(turn, from);
    for (size_t c = 0; other && c < step->n_copy; c++) {
        struct facts facts = {other->facts, other->n_facts};
        const Hb__Value *value = facts_get(&facts, step->copy[c]);
        if (value)
            event_fact(turn, event, step->copy[c], (Hb__Value *)(uintptr_t)value);
        for (size_t t = 0; t < other->n_texts; t++)
            if (strcmp(other->texts[t]->name, step->copy[c]) == 0) {
                TURN_ADD(turn, taken->texts, taken->n_texts, other->texts[t]);
                taken->copied_from = from;
            }
    }
}

void casework_say_links(const struct casework_case *one, const Policy__Step *step, Hb__Event *event)
{
    struct turn *turn = one->view.turn;
    struct casework_case other;
    struct facts facts = one->facts;
    if (!*step->case_field)
        return;
    facts_fold(turn_arena(turn), &facts, event->facts, event->n_facts);
    const char *number = facts_text(&facts, step->case_field);
    uint64_t id =
        *step->link ? casework_numbered(turn, one->record->site, number) : casework_link_named(one->record, number);
    if (step->n_copy && id) {
        copy(one, step, id, event);
        casework_chain_lapse(one, event);
    }
    if ((*step->link || *step->unlink) && id && casework_open(turn, id, &other)) {
        say_link(one, &other, step, false);
        say_link(&other, one, step, true);
    }
    if (*step->unlink)
        event_fact(turn, event, step->case_field, NULL);
}

/* A computed field of the case that was named counts its links: it takes no step of its own when another names it. */
void casework_count_links(struct turn *turn, const struct casework_case *one, const Hb__Event *event)
{
    bool named = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                 event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_LINKED && event->casework->case_linked->leads;
    bool counts = false;
    for (size_t i = 0; named && i < one->kind->n_fields; i++) {
        const Policy__Figure *figure = one->kind->fields[i]->figure;
        counts = counts || (figure && figure->op == POLICY__FIGURE__OP__COUNT &&
                            strcmp(figure->a, event->casework->case_linked->link) == 0);
    }
    if (!counts)
        return;
    Policy__Step bare = POLICY__STEP__INIT;
    bare.name = (char *)(uintptr_t) "set";
    Hb__Event *counted = casework_step_event(one, &bare, NULL, 0, NULL, event->casework->case_linked->link);
    counted->casework->step_taken->rule_source = event_position(turn, event);
    event_clauses(turn, counted, event->clauses, event->n_clauses);
    casework_say_step(one, counted);
}
