#include "policy/lookup.h"

#include <stdio.h>
#include <stdlib.h>

/* All these lists hold messages that begin with base and name. */
#define FIND(list, count, wanted)                                                                                      \
    do {                                                                                                               \
        for (size_t i_ = 0; i_ < (count); i_++)                                                                        \
            if (strcmp((list)[i_]->name, (wanted)) == 0)                                                               \
                return (list)[i_];                                                                                     \
        return NULL;                                                                                                   \
    } while (0)

const Policy__Kind *policy_kind(const Policy__Policy *policy, const char *name)
{
    FIND(policy->kinds, policy->n_kinds, name);
}

const Policy__Notice *policy_notice(const Policy__Policy *policy, const char *name)
{
    FIND(policy->notices, policy->n_notices, name);
}

const Policy__DocumentDef *policy_document(const Policy__Policy *policy, const char *name)
{
    FIND(policy->documents, policy->n_documents, name);
}

const Policy__Ladder *policy_ladder(const Policy__Policy *policy, const char *name)
{
    FIND(policy->ladders, policy->n_ladders, name);
}

const Policy__Category *policy_category(const Policy__Policy *policy, const char *name)
{
    FIND(policy->categories, policy->n_categories, name);
}

const Policy__Post *policy_post(const Policy__Policy *policy, const char *name)
{
    FIND(policy->posts, policy->n_posts, name);
}

const Policy__Roster *policy_roster(const Policy__Policy *policy, const char *name)
{
    FIND(policy->rosters, policy->n_rosters, name);
}

const Policy__Indicator *policy_indicator(const Policy__Policy *policy, const char *name)
{
    FIND(policy->indicators, policy->n_indicators, name);
}

const Policy__ThingDef *policy_thing(const Policy__Policy *policy, const char *name)
{
    FIND(policy->things, policy->n_things, name);
}

bool policy_thing_has(const Policy__Policy *policy, const char *thing, const char *fact)
{
    const Policy__ThingDef *def = policy_thing(policy, thing);
    bool found = def && strcmp(fact, "within") == 0;
    for (size_t i = 0; def && i < def->n_fields; i++)
        found = found || strcmp(def->fields[i]->name, fact) == 0;
    for (size_t i = 0; def && i < def->n_marks; i++)
        found = found || strcmp(def->marks[i]->name, fact) == 0;
    return found;
}

const Policy__Stage *policy_stage(const Policy__Kind *kind, const char *name)
{
    FIND(kind->stages, kind->n_stages, name);
}

const Policy__Step *policy_step(const Policy__Kind *kind, const char *name)
{
    FIND(kind->steps, kind->n_steps, name);
}

const Policy__FieldDef *policy_field(const Policy__Kind *kind, const char *name)
{
    FIND(kind->fields, kind->n_fields, name);
}

const Policy__FieldDef *policy_field_of_fact(const Policy__Kind *kind, const char *fact)
{
    struct part part;
    char name[256];
    if (!part_of_fact(fact, &part))
        return policy_field(kind, fact);
    int size = snprintf(name, sizeof name, "%.*s.%s", (int)part.field_size, fact, part.name);
    return size > 0 && (size_t)size < sizeof name ? policy_field(kind, name) : NULL;
}

bool part_of_fact(const char *fact, struct part *out)
{
    const char *dot = strchr(fact, '.');
    char *end;
    if (!dot || dot[1] < '1' || dot[1] > '9')
        return false;
    unsigned long index = strtoul(dot + 1, &end, 10);
    if (*end != '.' || !end[1] || index > POLICY_PARTS_MAX)
        return false;
    *out = (struct part){(size_t)(dot - fact), (uint32_t)index, end + 1};
    return true;
}

const Policy__Clock *policy_clock(const Policy__Kind *kind, const char *name)
{
    FIND(kind->clocks, kind->n_clocks, name);
}

const Policy__Stage *policy_first_stage(const Policy__Kind *kind)
{
    const Policy__Step *step = policy_step(kind, "register");
    const Policy__Stage *stage = step ? policy_stage(kind, step->to) : NULL;
    return stage ? stage : kind->n_stages ? kind->stages[0] : NULL;
}

bool policy_gives_back(Hb__GivesBack said, const char *step)
{
    return said == HB__GIVES_BACK__RETURNS || (said == HB__GIVES_BACK__BY_NAME && strcmp(step, "return_case") == 0);
}

const Policy__Step *policy_settling(const Policy__Kind *kind)
{
    for (size_t i = 0; i < kind->n_steps; i++) {
        const Policy__Step *step = kind->steps[i];
        if (step->does == POLICY__STEP__DOES__SETTLE ||
            (step->does == POLICY__STEP__DOES__BY_NAME && strcmp(step->name, "settle") == 0))
            return step;
    }
    return NULL;
}

struct policy_by policy_step_by(const Policy__Step *step, const char *lead)
{
    for (size_t i = 0; i < step->n_department_by; i++) {
        const Policy__StepBy *own = step->department_by[i];
        bool bare = own->n_clauses == 0; /* it stands under the clause of the step, as all else that has none */
        if (strcmp(own->department, lead) == 0)
            return (struct policy_by){own->by, own->n_by, bare ? step->clauses : own->clauses,
                                      bare ? step->n_clauses : own->n_clauses};
    }
    return (struct policy_by){step->by, step->n_by, step->clauses, step->n_clauses};
}

bool policy_step_from(const Policy__Step *step, const char *stage)
{
    for (size_t i = 0; i < step->n_from; i++)
        if (strcmp(step->from[i], stage) == 0)
            return true;
    return false;
}

bool policy_field_asked_at(const Policy__FieldDef *def, const Policy__Step *step)
{
    return strcmp(def->needed_at, step->name) == 0 || def->needed == POLICY__FIELD_DEF__NEEDED__WHEN;
}

/* A step that offers `points` takes what its parts have, and the items of a checklist. */
static bool same_field(const char *offered, const char *field)
{
    size_t size = strlen(offered);
    struct part part;
    if (strcmp(offered, field) == 0 || (strncmp(offered, field, size) == 0 && field[size] == '.'))
        return true;
    return part_of_fact(field, &part) && strlen(offered) == part.field_size + 1 + strlen(part.name) &&
           strncmp(offered, field, part.field_size + 1) == 0 && strcmp(offered + part.field_size + 1, part.name) == 0;
}

bool policy_step_takes(const Policy__Kind *kind, const Policy__Step *step, const char *field)
{
    for (size_t i = 0; i < step->n_needs; i++)
        if ((step->needs[i]->type == POLICY__NEED__TYPE__FIELD || step->needs[i]->type == POLICY__NEED__TYPE__EVERY) &&
            same_field(step->needs[i]->name, field))
            return true;
    for (size_t i = 0; i < step->n_fields; i++)
        if (same_field(step->fields[i], field))
            return true;
    const Policy__FieldDef *def = policy_field_of_fact(kind, field);
    return def && policy_field_asked_at(def, step);
}

/* ---- channels ---- */

const char *const policy_channels[] = {"web", "phone",   "walk_in", "letter",     "email",  "app",   "wechat",
                                       "sms", "hotline", "staff",   "inspection", "system", "other", NULL};

bool policy_any_channel(const Policy__Kind *kind)
{
    const Policy__FieldDef *def = policy_field(kind, "channel");
    return def && def->type == POLICY__FIELD_DEF__TYPE__NAME && !def->n_one_of;
}

bool policy_takes_channel(const Policy__Kind *kind, const char *channel)
{
    const Policy__FieldDef *def = policy_field(kind, "channel");
    bool choices = def && def->n_one_of;
    for (size_t i = 0; choices && i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, channel) == 0)
            return true;
    for (size_t i = 0; !choices && policy_channels[i]; i++)
        if (strcmp(policy_channels[i], channel) == 0)
            return true;
    return policy_any_channel(kind);
}

/* ---- what a complainant sees ---- */

static bool means_complainant(Policy__Who *const *who, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (who[i]->n_of == 0 && (strcmp(who[i]->root, "complainant") == 0 || strcmp(who[i]->root, "anyone") == 0))
            return true;
    return false;
}

static bool about_seeing(char *const *acts, size_t count, const char *what, const char *field)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(acts[i], "see") == 0 || strcmp(acts[i], "any") == 0)
            return strcmp(what, field) == 0;
    return false;
}

bool policy_lets_complainant_see(const Policy__May *may, const char *field)
{
    return about_seeing(may->acts, may->n_acts, may->what, field) && means_complainant(may->who, may->n_who);
}

bool policy_hides_from_complainant(const Policy__Never *never, const char *field)
{
    return about_seeing(never->acts, never->n_acts, never->what, field) &&
           means_complainant(never->who, never->n_who) && !means_complainant(never->except, never->n_except);
}
