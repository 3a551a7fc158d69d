/* Parts of a field (points.1.finding), checklists, fields that are computed, and what `open ... each` opens for. */
#include "casework.h"

#include "policy/lookup.h"

static struct turn *turn_of(const struct casework_case *one)
{
    return one->view.turn;
}

static bool given(Hb__Field *const *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i]->name, name) == 0 && fields[i]->content_case != HB__FIELD__CONTENT__NOT_SET)
            return true;
    return false;
}

/* ---- what a step needs of every part, and of a checklist ---- */

static uint32_t parts_count(const struct casework_case *one, Hb__Field *const *fields, size_t count, const char *name)
{
    int64_t parts = facts_number(&one->facts, name);
    size_t size = strlen(name);
    for (size_t i = 0; i < count; i++) {
        struct part part;
        if (part_of_fact(fields[i]->name, &part) && part.field_size == size &&
            strncmp(fields[i]->name, name, size) == 0 && part.index > parts)
            parts = part.index;
    }
    return (uint32_t)parts;
}

static void need_every(const struct casework_case *one, const Policy__Step *step, const Policy__Need *need,
                       Hb__Field *const *fields, size_t count, Hb__Refusal **refusal)
{
    const char *name = need->name, *clause = casework_clause_of(need), *dot = strchr(name, '.');
    struct arena *arena = turn_arena(turn_of(one));
    if (!dot) { /* a checklist: each of its items */
        size_t size = strlen(name);
        for (size_t i = 0; i < one->kind->n_fields; i++) {
            const char *item = one->kind->fields[i]->name;
            const Hb__Value *ticked = facts_get(&one->facts, item);
            if (strncmp(item, name, size) == 0 && item[size] == '.' && !(ticked && ticked->yes) &&
                !given(fields, count, item))
                casework_miss_field(one, step, item, clause, refusal);
        }
        return;
    }
    const char *field = arena_text(arena, name, (size_t)(dot - name));
    for (uint32_t i = 1; i <= parts_count(one, fields, count, field); i++) {
        const char *fact = arena_printf(arena, "%s.%u.%s", field, i, dot + 1);
        if (!given(fields, count, fact) && !facts_get(&one->facts, fact))
            casework_miss_field(one, step, fact, clause, refusal);
    }
}

/* The first item of the checklist that is neither ticked nor among the fields; NULL: all of them are. */
static const Policy__FieldDef *first_open(const struct casework_case *one, const char *list, Hb__Field *const *fields,
                                          size_t count)
{
    size_t size = strlen(list);
    for (size_t i = 0; i < one->kind->n_fields; i++) {
        const Policy__FieldDef *item = one->kind->fields[i];
        if (strncmp(item->name, list, size) != 0 || item->name[size] != '.')
            continue;
        const Hb__Value *ticked = facts_get(&one->facts, item->name);
        if (!(ticked && ticked->yes) && !given(fields, count, item->name))
            return item;
    }
    return NULL;
}

/* Items of a checklist in order: one comes only when all before it are ticked, now or before. */
static void check_order(const struct casework_case *one, const Policy__FieldDef *list, Hb__Field *const *fields,
                        size_t count, Hb__Refusal **refusal)
{
    struct turn *turn = turn_of(one);
    const Policy__FieldDef *open = list->in_order ? first_open(one, list->name, fields, count) : NULL;
    bool after = false;
    size_t size = strlen(list->name);
    for (size_t i = 0; open && i < one->kind->n_fields; i++) {
        const Policy__FieldDef *item = one->kind->fields[i];
        if (strncmp(item->name, list->name, size) != 0 || item->name[size] != '.')
            continue;
        after = after || item == open;
        if (!after || !given(fields, count, item->name))
            continue;
        const char *clause = list->n_clauses ? list->clauses[0] : "";
        if (!*refusal)
            *refusal = turn_refuse(turn, 409, "out_of_order", "须按次序逐项办理", "the items are done in order");
        refusal_clause(turn, *refusal, clause);
        refusal_next(turn, *refusal, open->name);
        refusal_problem(turn, *refusal, item->name, clause,
                        arena_printf(turn_arena(turn), "须先完成：%s", open->label->zh),
                        arena_printf(turn_arena(turn), "first: %s", open->label->en));
    }
}

void casework_check_parts(const struct casework_case *one, const Policy__Step *step, Hb__Field *const *fields,
                          size_t count, Hb__Refusal **refusal)
{
    for (size_t i = 0; i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__EVERY)
            need_every(one, step, step->needs[i], fields, count, refusal);
    for (size_t i = 0; i < one->kind->n_fields; i++)
        if (one->kind->fields[i]->type == POLICY__FIELD_DEF__TYPE__CHECKLIST)
            check_order(one, one->kind->fields[i], fields, count, refusal);
}

/* ---- computed fields ---- */

struct sum {
    int64_t total, count;
    bool money;
};

static bool measure(const Hb__Value *value, struct sum *sum)
{
    if (!value)
        return false;
    switch (value->kind_case) {
    case HB__VALUE__KIND_NUMBER:
        sum->total += value->number;
        break;
    case HB__VALUE__KIND_MONEY_FEN:
        sum->total += value->money_fen;
        sum->money = true;
        break;
    case HB__VALUE__KIND_TIME_MS:
        sum->total += value->time_ms;
        break;
    case HB__VALUE__KIND_DURATION_MS:
        sum->total += value->duration_ms;
        break;
    case HB__VALUE__KIND_TEXT:
    case HB__VALUE__KIND_YES:
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        return false;
    }
    sum->count++;
    return true;
}

/* Of the parts, or of the cases that are linked under this name, as far as they have it. */
static struct sum sum_of(const struct casework_case *one, const struct facts *facts, const char *name)
{
    struct sum sum = {0, 0, false};
    const char *dot = strchr(name, '.');
    struct arena *arena = turn_arena(turn_of(one));
    if (!dot)
        return sum;
    const char *field = arena_text(arena, name, (size_t)(dot - name));
    for (size_t i = 0; i < one->record->n_links && !policy_field(one->kind, field); i++) {
        const Caserec__Link *link = one->record->links[i];
        struct casework_case other;
        if (strcmp(link->name, field) == 0 && casework_open(turn_of(one), link->case_id, &other))
            (void)!measure(facts_get(&other.facts, dot + 1), &sum);
    }
    for (int64_t i = 1; i <= facts_number(facts, field); i++)
        (void)!measure(facts_get(facts, arena_printf(arena, "%s.%u.%s", field, (unsigned)i, dot + 1)), &sum);
    return sum;
}

/* How often a step was taken (this event included), how many parts there are, or how many linked cases. */
static int64_t count_of(const struct casework_case *one, const struct facts *facts, const Hb__Event *event,
                        const Policy__FieldDef *def)
{
    const char *name = def->figure->a;
    int64_t links = 0;
    if (policy_step(one->kind, name))
        return facts_number(&one->facts, def->name) + (event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN &&
                                                       strcmp(event->casework->step_taken->step, name) == 0);
    if (policy_field(one->kind, name))
        return facts_number(facts, name);
    for (size_t i = 0; i < one->record->n_links; i++)
        links += strcmp(one->record->links[i]->name, name) == 0;
    return links;
}

/* False: an operand is not known, and neither is the figure. */
static bool figure(const struct casework_case *one, const struct facts *facts, const Hb__Event *event,
                   const Policy__FieldDef *def, int64_t *out)
{
    const Policy__Figure *figure = def->figure;
    struct sum a = {0, 0, false}, b = {0, 0, false};
    bool has_a = measure(facts_get(facts, figure->a), &a), has_b = measure(facts_get(facts, figure->b), &b);
    switch (figure->op) {
    case POLICY__FIGURE__OP__FIGURE_NONE:
    case POLICY__FIGURE__OP__INDICATOR: /* analytics says it */
        return false;
    case POLICY__FIGURE__OP__COUNT:
        *out = count_of(one, facts, event, def);
        return true;
    case POLICY__FIGURE__OP__SUM:
        a = sum_of(one, facts, figure->a);
        *out = a.total;
        return true;
    case POLICY__FIGURE__OP__MEAN:
        a = sum_of(one, facts, figure->a);
        *out = a.count ? a.total / a.count : 0;
        return a.count > 0;
    case POLICY__FIGURE__OP__PLUS:
        *out = a.total + b.total;
        return has_a && has_b;
    case POLICY__FIGURE__OP__MINUS:
        *out = a.total - b.total;
        return has_a && has_b;
    case POLICY__FIGURE__OP__QUOTIENT:
        *out = b.total ? a.total / b.total : 0;
        return has_a && has_b && b.total;
    case POLICY__FIGURE__OP__PERCENT_OF:
        *out = a.total / 1000 * figure->number + a.total % 1000 * figure->number / 1000;
        return has_a;
    }
    return false;
}

static Hb__Value *as_field(struct turn *turn, const Policy__FieldDef *def, int64_t amount)
{
    Hb__Value *value = value_number(turn, amount);
    if (def->type == POLICY__FIELD_DEF__TYPE__MONEY) {
        value->kind_case = HB__VALUE__KIND_MONEY_FEN;
        value->money_fen = amount;
    } else if (def->type == POLICY__FIELD_DEF__TYPE__DURATION) {
        value->kind_case = HB__VALUE__KIND_DURATION_MS;
        value->duration_ms = amount;
    }
    return value;
}

void casework_compute(const struct casework_case *one, Hb__Event *event)
{
    struct turn *turn = turn_of(one);
    struct facts facts = one->facts;
    bool folded = false;
    for (size_t i = 0; i < one->kind->n_fields; i++) {
        const Policy__FieldDef *def = one->kind->fields[i];
        int64_t amount;
        if (!def->figure)
            continue;
        if (!folded)
            facts_fold(turn_arena(turn), &facts, event->facts, event->n_facts);
        folded = true;
        if (!figure(one, &facts, event, def, &amount))
            continue;
        Hb__Value *value = as_field(turn, def, amount);
        const Hb__Value *before = facts_get(&facts, def->name);
        if (before && value_equal(before, value))
            continue;
        event_fact(turn, event, def->name, value);
        facts_set(turn_arena(turn), &facts, def->name, value); /* a later one may be made of it */
    }
}

/* ---- open ... each ---- */

void casework_with(const struct casework_case *one, Hb__Fact *const *with, size_t count, Hb__Fact ***list_out,
                   size_t *count_out)
{
    struct turn *turn = turn_of(one);
    for (size_t i = 0; i < count; i++) {
        Hb__Fact *fact = with[i];
        const char *text = fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT ? fact->value->text : "";
        size_t size = strlen(text);
        if (size > 2 && text[0] == '{' && text[size - 1] == '}') {
            const char *name = arena_text(turn_arena(turn), text + 1, size - 2);
            const Hb__Value *own =
                strcmp(name, "number") == 0 ? value_text(turn, one->record->number) : facts_get(&one->facts, name);
            if (!own || own->kind_case == HB__VALUE__KIND_PRESENT)
                continue; /* what is not known, or sealed, is not passed on */
            fact = TURN_NEW(turn, Hb__Fact, hb__fact__init);
            fact->name = with[i]->name;
            fact->value = (Hb__Value *)(uintptr_t)own;
        }
        TURN_ADD(turn, *list_out, *count_out, fact);
    }
}

/* What the part has becomes facts of the new case, as far as they are plain. */
static bool each_part(const struct casework_case *one, const Policy__Action *action, size_t index,
                      struct casework_each *out)
{
    struct turn *turn = turn_of(one);
    struct arena *arena = turn_arena(turn);
    if ((int64_t)index >= facts_number(&one->facts, action->each))
        return false;
    const char *prefix = arena_printf(arena, "%s.%zu.", action->each, index + 1);
    size_t size = strlen(prefix);
    for (size_t i = 0; i < one->facts.count; i++) {
        const Hb__Fact *fact = one->facts.list[i];
        if (strncmp(fact->name, prefix, size) != 0 || !fact->value || fact->value->kind_case == HB__VALUE__KIND_PRESENT)
            continue;
        if (strchr(action->name, '.') && strcmp(strchr(action->name, '.') + 1, fact->name + size) == 0) {
            out->kind = fact->value->kind_case == HB__VALUE__KIND_TEXT ? fact->value->text : "";
            continue;
        }
        Hb__Fact *own = TURN_NEW(turn, Hb__Fact, hb__fact__init);
        own->name = fact->name + size;
        own->value = fact->value;
        TURN_ADD(turn, out->with, out->with_count, own);
    }
    return true;
}

static bool each_link(const struct casework_case *one, const char *name, size_t index, struct casework_each *out)
{
    for (size_t i = 0; i < one->record->n_links; i++)
        if (strcmp(one->record->links[i]->name, name) == 0 && index-- == 0) {
            out->link = one->record->links[i]->case_id;
            return true;
        }
    return false;
}

bool casework_each(const struct casework_case *one, const Policy__Action *action, size_t index,
                   struct casework_each *out)
{
    *out = (struct casework_each){.kind = "", .to = ""};
    const Policy__FieldDef *def = policy_field(one->kind, action->each);
    const Hb__Value *value = facts_get(&one->facts, action->each);
    if (!*action->each)
        return index == 0;
    if (def && def->type == POLICY__FIELD_DEF__TYPE__PARTS)
        return each_part(one, action, index, out);
    if (value && value->kind_case == HB__VALUE__KIND_TEXTS) { /* joint departments */
        bool there = index < value->texts->n_text;
        out->to = there ? value->texts->text[index] : "";
        return there;
    }
    if (action->each_who) {
        Policy__Who *who = action->each_who;
        const Directory__Person **persons = who_persons(turn_of(one), one->record->site, &who, 1, &one->facts, NULL);
        for (size_t i = 0; persons[i]; i++)
            if (i == index)
                out->to = persons[i]->id;
        return *out->to;
    }
    return each_link(one, action->each, index, out);
}

/* As if this part were the only one; what else the case knows can be asked as well. */
enum truth casework_each_holds(const struct casework_case *one, const Policy__Action *action, size_t index)
{
    struct turn *turn = turn_of(one);
    struct arena *arena = turn_arena(turn);
    struct facts facts = {0};
    struct case_view view = one->view;
    size_t field_size = strlen(action->each);
    if (!action->each_if)
        return TRUTH_YES;
    const char *prefix = arena_printf(arena, "%s.%zu.", action->each, index + 1);
    size_t size = strlen(prefix);
    for (size_t i = 0; i < one->facts.count; i++) {
        Hb__Fact *fact = one->facts.list[i];
        bool of_parts = strncmp(fact->name, action->each, field_size) == 0 && fact->name[field_size] == '.';
        if (of_parts && strncmp(fact->name, prefix, size) != 0)
            continue; /* of another part */
        if (of_parts) {
            Hb__Fact *own = TURN_NEW(turn, Hb__Fact, hb__fact__init);
            own->name = arena_printf(arena, "%s.1.%s", action->each, fact->name + size);
            own->value = fact->value;
            fact = own;
        }
        TURN_ADD(turn, facts.list, facts.count, fact); /* in their order: those of the parts stand together */
    }
    facts_set(arena, &facts, action->each, value_number(turn, 1));
    view.facts = &facts;
    return case_holds(&view, action->each_if, NULL);
}
