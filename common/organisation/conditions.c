#include "organisation/conditions.h"

#include "calendar/calendar.h"
#include "policy/lookup.h"

static const Hb__Value *named(void *context, const char *fact);

static bool resolve(void *context, const char *name, int64_t *ms_out)
{
    const struct case_view *view = context;
    const Hb__Value *of_thing = strchr(name, '.') ? named(context, name) : NULL;
    if (of_thing && of_thing->kind_case == HB__VALUE__KIND_TIME_MS) {
        *ms_out = of_thing->time_ms;
        return true;
    }
    return facts_time(view->facts, name, ms_out) || (view->moment && view->moment(view->context, name, ms_out));
}

static unsigned close_of_business(const struct case_view *view)
{
    const Policy__Defaults *defaults = view->policy ? view->policy->defaults : NULL;
    return defaults && defaults->close_of_business_min ? defaults->close_of_business_min : CLOSE_OF_BUSINESS_DEFAULT;
}

bool case_instant_from(const struct case_view *view, const Policy__Term *term, const Policy__TimeOptions *options,
                       int64_t from_ms, int64_t *ms_out)
{
    struct due_rules rules = {.calendar =
                                  organisation_calendar(view->turn, view->site, options ? options->calendar : ""),
                              .options = options,
                              .close_of_business_min = close_of_business(view),
                              .resolve = resolve,
                              .context = (void *)(uintptr_t)view};
    struct due due;
    if (!due_compute(&rules, term, from_ms, turn_arena(view->turn), &due))
        return false;
    *ms_out = due.at_ms;
    return true;
}

bool case_instant(const struct case_view *view, const Policy__Term *term, int64_t *ms_out)
{
    if (term->unit == POLICY__TERM__UNIT__NOW) {
        *ms_out = view->now_ms;
        return true;
    }
    return case_instant_from(view, term, NULL, view->now_ms, ms_out);
}

static int minute_of_day(void *context, int64_t ms)
{
    const struct case_view *view = context;
    int64_t local = zone_local_ms(organisation_zone(view->turn, view->site), ms);
    return (int)((local - (int64_t)date_of_local(local) * DAY_MS) / MINUTE_MS);
}

static bool term_instant(void *context, const Policy__Term *term, int64_t *ms_out)
{
    return case_instant(context, term, ms_out);
}

static enum truth told(void *context, const char *notice)
{
    const struct case_view *view = context;
    return view->told ? view->told(view->context, notice) : TRUTH_UNKNOWN;
}

static const struct facts *linked(void *context, const char *link, size_t index)
{
    const struct case_view *view = context;
    return view->linked ? view->linked(view->context, link, index) : NULL;
}

static Hb__Value *texts_new(struct turn *turn)
{
    Hb__Value *value = value_text(turn, "");
    value->kind_case = HB__VALUE__KIND_TEXTS;
    value->texts = arena_alloc(turn_arena(turn), sizeof *value->texts);
    hb__text_list__init(value->texts);
    return value;
}

static void texts_add(struct turn *turn, Hb__Value *value, char *text)
{
    value->texts->text = arena_grow(turn_arena(turn), value->texts->text, value->texts->n_text, sizeof text);
    value->texts->text[value->texts->n_text++] = text;
}

/* "trainee", "post" (all held at the site), "certificate" (all that are valid now) */
static const Hb__Value *of_person(const struct case_view *view, const Directory__Person *person, const char *name)
{
    struct turn *turn = view->turn;
    if (strcmp(name, "trainee") == 0)
        return value_yes(turn, person->trainee);
    Hb__Value *list = texts_new(turn);
    for (size_t i = 0; strcmp(name, "post") == 0 && i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, view->site) == 0)
            texts_add(turn, list, person->posts[i]->post);
    for (size_t i = 0; strcmp(name, "certificate") == 0 && i < person->n_certificates; i++)
        if (!person->certificates[i]->until_ms || view->now_ms < person->certificates[i]->until_ms)
            texts_add(turn, list, person->certificates[i]->name);
    return strcmp(name, "post") == 0 || strcmp(name, "certificate") == 0 ? list : NULL;
}

/* Things and people are always today's. A mark that a thing of the register may bear and does not is "no". */
static const Hb__Value *named(void *context, const char *fact)
{
    const struct case_view *view = context;
    struct turn *turn = view->turn;
    const char *dot = strchr(fact, '.');
    const char *root = arena_text(turn_arena(turn), fact, (size_t)(dot - fact));
    bool acting = strcmp(root, "actor") == 0 && view->actor;
    bool lent = acting && *view->actor->for_person && strcmp(dot + 1, "post") == 0; /* certificates are one's own */
    const char *id = lent ? view->actor->for_person : acting ? view->actor->person : facts_text(view->facts, root);
    const Directory__Thing *thing = *id ? organisation_thing(turn, view->site, id) : NULL;
    const Directory__Person *person = *id && !thing ? organisation_person(turn, id) : NULL;
    if (person)
        return of_person(view, person, dot + 1);
    if (!thing)
        return NULL;
    const Hb__Value *value = facts_get(&(struct facts){thing->facts, thing->n_facts}, dot + 1);
    const Policy__Policy *policy = value ? NULL : organisation_policy(turn, view->site, 0);
    const Policy__ThingDef *of = policy ? policy_thing(policy, thing->of) : NULL;
    for (size_t i = 0; of && i < of->n_marks; i++)
        if (strcmp(of->marks[i]->name, dot + 1) == 0)
            return value_yes(turn, false);
    return value;
}

enum truth case_holds(const struct case_view *view, const Policy__Condition *condition, const char **missing_out)
{
    struct condition_context context = {.now_ms = view->now_ms,
                                        .context = (void *)(uintptr_t)view,
                                        .minute_of_day = minute_of_day,
                                        .term_instant = term_instant,
                                        .told = told,
                                        .named = named,
                                        .linked = linked};
    return condition_holds(condition, view->facts, &context, missing_out);
}

static bool names_act(char *const *acts, size_t count, const char *act)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(acts[i], act) == 0 || strcmp(acts[i], "any") == 0)
            return true;
    return false;
}

/* In the rights that are used, or in one's own: whoever is excluded is so for others, too. */
static bool among(const struct case_view *view, Policy__Who *const *who, size_t count, const Hb__Actor *actor)
{
    if (who_includes(view->turn, view->site, who, count, view->facts, actor))
        return true;
    if (!actor || !*actor->for_person)
        return false;
    Hb__Actor own = *actor;
    own.for_person = (char *)(uintptr_t) "";
    return who_includes(view->turn, view->site, who, count, view->facts, &own);
}

static bool any_forbids(const struct case_view *view, Policy__Never *const *list, size_t count,
                        const Policy__Kind *kind, const char *act, const Hb__Actor *actor, const char **clause_out)
{
    for (size_t i = 0; i < count; i++) {
        const Policy__Never *never = list[i];
        bool about =
            names_act(never->acts, never->n_acts, act) && (!*never->what || strcmp(never->what, kind->name) == 0);
        if (!about || case_holds(view, never->condition, NULL) == TRUTH_NO ||
            !among(view, never->who, never->n_who, actor) || among(view, never->except, never->n_except, actor))
            continue;
        if (clause_out)
            *clause_out = never->n_clauses ? never->clauses[0] : "";
        return true;
    }
    return false;
}

static bool forbidden(const struct case_view *view, const Policy__Kind *kind, const char *act, const Hb__Actor *actor,
                      const char **clause_out)
{
    return any_forbids(view, kind->never, kind->n_never, kind, act, actor, clause_out) ||
           any_forbids(view, view->policy->never, view->policy->n_never, kind, act, actor, clause_out);
}

/* What somebody may see is seen by whom the rights are lent to, too; with what right a step is taken casework says. */
bool case_forbidden(const struct case_view *view, const Policy__Kind *kind, const char *act, const Hb__Actor *actor,
                    const char **clause_out)
{
    if (!forbidden(view, kind, act, actor, clause_out))
        return false;
    if (!actor || *actor->for_person || strcmp(act, "see") != 0)
        return true;
    for (const Directory__Person **from = organisation_principals(view->turn, actor->person); *from; from++) {
        Hb__Actor standing = *actor;
        standing.for_person = (*from)->id;
        if (!forbidden(view, kind, act, &standing, clause_out))
            return false;
    }
    return true;
}

bool case_hidden(const struct case_view *view, const char *kind, uint32_t version, const Hb__Actor *actor)
{
    const uint32_t versions[] = {0, version};
    struct case_view today = *view;
    for (size_t i = 0; actor && i < sizeof versions / sizeof *versions; i++) {
        today.policy = organisation_policy(view->turn, view->site, versions[i]);
        const Policy__Kind *known = today.policy ? policy_kind(today.policy, kind) : NULL;
        if (known)
            return case_forbidden(&today, known, "see", actor, NULL);
    }
    return actor != NULL;
}

bool case_may_read(const struct case_view *view, const Policy__FieldDef *def, const Hb__Actor *actor)
{
    if (!def || !def->n_read || !actor || actor->operator_ ||
        who_includes(view->turn, view->site, def->read, def->n_read, view->facts, actor))
        return true;
    for (const Directory__Person **from = organisation_principals(view->turn, actor->person); *from; from++) {
        Hb__Actor standing = *actor;
        standing.for_person = (*from)->id;
        if (who_includes(view->turn, view->site, def->read, def->n_read, view->facts, &standing))
            return true;
    }
    return false;
}
