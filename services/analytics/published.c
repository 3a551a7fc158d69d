/* Figures that a case asks for: a field `is: indicator NAME of last month` is counted here and said to the case, which
   enters it. A timer stands at the event that gave reason to look; it fires when every log has been heard up to then,
   so that what is said counts all that was there. Of a period that is over a figure is said once of whomever it is
   about; of one that runs, again whenever the case moves and it has changed. */
#include "analytics.h"

#define LIST_MAX 20u /* of a figure of several: so many are named */

static const Policy__Kind *kind_of(struct turn *turn, const Anarec__Case *one)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, one->policy_version);
    return policy ? policy_kind(policy, one->row->kind) : NULL;
}

static bool is_published(const Policy__FieldDef *field)
{
    return field->figure && field->figure->op == POLICY__FIGURE__OP__INDICATOR;
}

bool analytics_published_asks(const Policy__Policy *policy, const char *kind)
{
    const Policy__Kind *known = policy ? policy_kind(policy, kind) : NULL;
    for (size_t i = 0; known && i < known->n_fields; i++)
        if (is_published(known->fields[i]))
            return true;
    return false;
}

static Anarec__Published *published(const Anarec__Case *one, const char *field)
{
    for (size_t i = 0; i < one->n_published; i++)
        if (strcmp(one->published[i]->field, field) == 0)
            return one->published[i];
    return NULL;
}

/* Of whom the figure is. */
static const char *who_of(const Anarec__Case *one, const char *fact)
{
    const struct facts facts = {one->facts, one->n_facts};
    if (strcmp(fact, "handler") == 0)
        return one->row->handler;
    if (strcmp(fact, "lead") == 0)
        return one->row->department;
    return strcmp(fact, "category") == 0 ? one->row->category : facts_text(&facts, fact);
}

static bool is_open(const Anarec__Case *one, const Policy__FieldDef *field)
{
    const Anarec__Published *before = is_published(field) ? published(one, field->name) : NULL;
    bool of_another = before && *field->figure->b && strcmp(before->who, who_of(one, field->figure->b)) != 0;
    return is_published(field) && (field->figure->running || !before || of_another);
}

static bool moves(const Hb__Event *event)
{
    bool routed =
        event->payload_case == HB__EVENT__PAYLOAD_ROUTING && event->routing->kind_case == ROUTING__EVENT__KIND_ROUTED;
    bool step = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN;
    bool registered =
        event->payload_case == HB__EVENT__PAYLOAD_INTAKE && event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
    return routed || step || registered;
}

/* That a figure was entered is no reason to count it anew: it may be one of what it counts. */
static bool enters_figure(const Anarec__Case *one, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_CASEWORK ||
        event->casework->kind_case != CASEWORK__EVENT__KIND_STEP_TAKEN)
        return false;
    const Casework__StepTaken *taken = event->casework->step_taken;
    return strcmp(taken->step, "set") == 0 && published(one, taken->rule);
}

static bool is_over(const Anarec__Case *one)
{
    return one->row->phase == POLICY__PHASE__CLOSED || one->row->phase == POLICY__PHASE__ARCHIVED;
}

void analytics_published_look(struct turn *turn, const Anarec__Case *one, const Hb__Event *event)
{
    bool ours = event->cell == turn_cell(turn) && !event->history && !one->row->historic;
    const Policy__Kind *kind =
        ours && moves(event) && !enters_figure(one, event) && !is_over(one) ? kind_of(turn, one) : NULL;
    for (size_t i = 0; kind && i < kind->n_fields; i++)
        if (is_open(one, kind->fields[i])) {
            struct key key = key_u64(event->case_id);
            turn_timer_set(turn, event->recorded_ms, key_bytes(&key));
            return;
        }
}

bool analytics_published_said(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_ANALYTICS ||
        event->analytics->kind_case != ANALYTICS__EVENT__KIND_FIGURE_PUBLISHED)
        return false;
    const Analytics__FigurePublished *said = event->analytics->figure_published;
    Anarec__Published *there = published(one, said->field);
    if (!there) {
        there = TURN_NEW(turn, Anarec__Published, anarec__published__init);
        there->field = said->field;
        TURN_ADD(turn, one->published, one->n_published, there);
    }
    there->value = said->value;
    there->state = said->state;
    there->period = said->period;
    there->who = said->who;
    return true;
}

/* ---- the timer ---- */

/* "li 61.0 %, wu 63.0 %": those the policy marks, else the highest. */
static char *list_text(struct turn *turn, const Policy__Indicator *indicator, const Analytics__Indicators *all)
{
    char *text = arena_strdup(turn_arena(turn), "");
    unsigned named = 0;
    if (!indicator->ranked)
        analytics_rank(indicator, all->indicators, all->n_indicators);
    for (size_t i = 0; i < all->n_indicators && named < LIST_MAX; i++) {
        const Analytics__Indicator *one = all->indicators[i];
        if (*one->value && *one->who && (one->marked || !indicator->ranked))
            text = arena_printf(turn_arena(turn), "%s%s%s %s", text, named++ ? ", " : "", one->who, one->value);
    }
    return text;
}

static const Policy__Indicator *indicator_named(struct turn *turn, const char *site, const char *name)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    for (size_t i = 0; policy && i < policy->n_indicators; i++)
        if (strcmp(policy->indicators[i]->name, name) == 0)
            return policy->indicators[i];
    return NULL;
}

static char *period_of_figure(struct turn *turn, const Anarec__Case *one, const Policy__Figure *figure)
{
    char *now = analytics_period_text(turn, one->row->site, one->registered_ms, figure->period);
    return figure->running ? now : analytics_period_earlier(turn_arena(turn), now, 0);
}

static void say_figure(struct turn *turn, const Anarec__Case *one, const Policy__FieldDef *field,
                       const Policy__Indicator *indicator, const char *who, Analytics__FigurePublished *said)
{
    const Analytics__Indicators *all = analytics_indicator(turn, one->row->site, indicator->name, said->period, who);
    bool list = indicator->per != POLICY__INDICATOR__PER__SITE && indicator->per != POLICY__INDICATOR__PER__STAGE;
    const Analytics__Indicator *first = all->n_indicators ? all->indicators[0] : NULL;
    const Anarec__Published *before = published(one, field->name);
    said->state = "no_data";
    if (list && !*who) {
        said->value = list_text(turn, indicator, all);
        said->state = *said->value ? "no_target" : "no_data";
    } else if (first) {
        said->value = first->value;
        said->state = first->state;
        said->target = first->target;
        said->hits = first->hits;
        said->among = first->among;
        said->missed_in_a_row = first->missed_in_a_row;
        said->lacking = first->lacking;
        said->n_lacking = first->n_lacking;
    }
    if (before && strcmp(before->who, who) == 0 && strcmp(before->value, said->value) == 0 &&
        strcmp(before->state, said->state) == 0)
        return;
    Hb__Event *event = turn_event(turn, one->row->site, one->row->case_id);
    event->payload_case = HB__EVENT__PAYLOAD_ANALYTICS;
    event->analytics = TURN_NEW(turn, Analytics__Event, analytics__event__init);
    event->analytics->kind_case = ANALYTICS__EVENT__KIND_FIGURE_PUBLISHED;
    event->analytics->figure_published = said;
    event_clauses(turn, event, field->clauses, field->n_clauses);
    event_clauses(turn, event, indicator->clauses, indicator->n_clauses);
    turn_say(turn, event);
}

void analytics_published_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    (void)due_ms;
    const Anarec__Case *one = analytics_load(turn, bytes_get_u64(key.data));
    const Policy__Kind *kind = one && !is_over(one) ? kind_of(turn, one) : NULL;
    for (size_t i = 0; kind && i < kind->n_fields; i++) {
        const Policy__FieldDef *field = kind->fields[i];
        if (!is_open(one, field))
            continue;
        const Policy__Indicator *indicator = indicator_named(turn, one->row->site, field->figure->a);
        const char *who = *field->figure->b ? who_of(one, field->figure->b) : "";
        Analytics__FigurePublished *said =
            TURN_NEW(turn, Analytics__FigurePublished, analytics__figure_published__init);
        said->name = field->figure->a;
        said->period = period_of_figure(turn, one, field->figure);
        said->field = field->name;
        said->who = (char *)(uintptr_t)who;
        if (indicator && said->period && (*who || !*field->figure->b)) /* whom it is about may not be known yet */
            say_figure(turn, one, field, indicator, who, said);
    }
}
