/* Finding things in a compiled policy by name. NULL when there is no such thing (layer 1). */
#ifndef HEARBACK_POLICY_LOOKUP_H
#define HEARBACK_POLICY_LOOKUP_H

#include "base/arena.h"
#include "hearback/policy.pb-c.h"

const Policy__Kind *policy_kind(const Policy__Policy *policy, const char *name);
const Policy__Notice *policy_notice(const Policy__Policy *policy, const char *name);
const Policy__DocumentDef *policy_document(const Policy__Policy *policy, const char *name);
const Policy__Ladder *policy_ladder(const Policy__Policy *policy, const char *name);
const Policy__Category *policy_category(const Policy__Policy *policy, const char *name);
const Policy__Post *policy_post(const Policy__Policy *policy, const char *name);
const Policy__Roster *policy_roster(const Policy__Policy *policy, const char *name);
const Policy__Indicator *policy_indicator(const Policy__Policy *policy, const char *name);

const Policy__ThingDef *policy_thing(const Policy__Policy *policy, const char *name);
/* Is it a field or a mark of the register, or what every thing has? */
bool policy_thing_has(const Policy__Policy *policy, const char *thing, const char *fact);

const Policy__Stage *policy_stage(const Policy__Kind *kind, const char *name);
const Policy__Step *policy_step(const Policy__Kind *kind, const char *name);
const Policy__FieldDef *policy_field(const Policy__Kind *kind, const char *name);
const Policy__Clock *policy_clock(const Policy__Kind *kind, const char *name);

/* By which channels something may come in. A kind lists its own, or takes those everybody knows; one that types
   `channel` as a plain name takes any. */
extern const char *const policy_channels[]; /* ends with NULL */
bool policy_any_channel(const Policy__Kind *kind);
bool policy_takes_channel(const Policy__Kind *kind, const char *channel);

#define POLICY_PARTS_MAX 200u /* parts of one field of a case */
struct part {                 /* "points.2.finding" */
    size_t field_size;        /* of "points" */
    uint32_t index;           /* 2 */
    const char *name;         /* "finding" */
};
bool part_of_fact(const char *fact, struct part *out); /* false: the fact is of no part */
/* The same for facts of parts: what "points.2.finding" is stands in the field "points.finding". */
const Policy__FieldDef *policy_field_of_fact(const Policy__Kind *kind, const char *fact);

/* Where a case of this kind begins: the stage `register` leads to, else the first stage. */
const Policy__Stage *policy_first_stage(const Policy__Kind *kind);
struct policy_by {
    Policy__Who *const *list;
    size_t count;
    char *const *clauses;
    size_t clauses_count;
};
/* Who takes the step, and under which clauses, of a case that this department leads; "": nobody leads it yet. */
struct policy_by policy_step_by(const Policy__Step *step, const char *lead);
bool policy_step_from(const Policy__Step *step, const char *stage);
/* Does the step give the case back? Of a policy's step, or of one that was taken. */
bool policy_gives_back(Hb__GivesBack said, const char *step);
/* The step by which a case of the kind is settled on the spot, as it is registered; NULL: none. */
const Policy__Step *policy_settling(const Policy__Kind *kind);
/* Does the field itself say that it is asked for at this step? */
bool policy_field_asked_at(const Policy__FieldDef *def, const Policy__Step *step);
/* May the field, or this fact of its parts, be given with the step? */
bool policy_step_takes(const Policy__Kind *kind, const Policy__Step *step, const char *field);
/* Is this about the complainant seeing what stands in the field? Whether its condition holds is not asked. */
bool policy_lets_complainant_see(const Policy__May *may, const char *field);
bool policy_hides_from_complainant(const Policy__Never *never, const char *field);

#endif
