/* routing: who is responsible for a case. Nobody else says so, also after an escalation takes over. */
#ifndef HEARBACK_ROUTING_H
#define HEARBACK_ROUTING_H

#include "base/truth.h"
#include "hearback/policy.pb-c.h"
#include "hearback/record/routing.pb-c.h"
#include "organisation/organisation.h"
#include "service/service.h"

extern const struct service routing_service;

#define ROUTING_NAME_BYTES_MAX 200u /* of a site, department or person: longer ones are unknown */
#define ROUTING_ASSIGNED "assigned" /* the row of what a rule assigned */
#define ROUTING_WITHDRAWN "post_withdrawn"
#define ROUTING_JOINT_MAX 16u /* joint departments of one case; the policy's further ones are left out */

enum routing_table {
    ROUTING_CASES,
    ROUTING_HISTORY,
    ROUTING_LOADS,
    ROUTING_DEPARTMENTS,
    ROUTING_TABLES_COUNT,
};
extern const char *const routing_tables[];

/* react.c: the case falls to whom `choice` names; `withdrawn`: the post that its handler lost by that, or NULL. */
struct routing_choice;
void routing_say(struct turn *turn, const Hb__Event *cause, const Routerec__Case *record,
                 const struct routing_choice *choice, const char *first_contact, const char *withdrawn);

/* tables.c: NULL when there is no such row. */
Routerec__Case *routing_case_load(struct turn *turn, uint64_t case_id);
void routing_case_save(struct turn *turn, uint64_t case_id, const Routerec__Case *record);
void routing_history_add(struct turn *turn, uint64_t case_id, const Routerec__Routed *routed, uint32_t times);
/* The first is 1, the last that of the case: none is missing. */
Routerec__Routed *routing_history(struct turn *turn, uint64_t case_id, uint32_t times);
Routing__CaseRouted *routing_routed(struct turn *turn, const Routerec__Routed *row); /* answer.c: unpacked */
Routerec__Load *routing_load(struct turn *turn, const char *person);                 /* zeros when there is no row */
void routing_load_save(struct turn *turn, const char *person, const Routerec__Load *load);
void routing_department_save(struct turn *turn, const char *site, const char *department, const char *head);
/* The first department of a site that has a head, else the first of all; "" when the site has none. */
const char *routing_department_first(struct turn *turn, const char *site);

/* choose.c: whom it falls to. */
struct routing_choice {
    const char *lead;
    const char *handler; /* "" the department owns it */
    const char **joint;
    size_t joint_count;
    const char *row; /* name of the row, or how else it was decided */
    char *const *clauses;
    size_t clauses_count;
    const char *rule;     /* that assigned it; NULL: none did */
    const char *zh, *en;  /* why */
    const char *co_owner; /* "" nobody; NULL: as it was */
};
/* The first routing. Problems met on the way are said as RouteProblem. */
struct routing_choice routing_choose(struct turn *turn, const Hb__Event *event, const Routerec__Case *record);
struct routing_problem {
    const char *row;
    char *const *clauses; /* of the row; where there is none, of the kind */
    size_t clauses_count;
    const char *zh, *en;
};
void routing_say_problem(struct turn *turn, const Hb__Event *cause, const Routerec__Case *record,
                         struct routing_problem said);
/* After a step that gives it back. */
struct routing_choice routing_choose_returned(struct turn *turn, const Hb__Event *event, const Routerec__Case *record);
/* After a rule's `assign`: to a person of the lead department or of another, or to a department. False: there is
 * neither. */
bool routing_choose_assigned(struct turn *turn, const Hb__Event *event, const Routerec__Case *record,
                             struct routing_choice *out);
/* The member of a department with the least to do among those whose posts handle cases, else its head, else whoever is
   there; "" when nobody is present. `not_by` and `never` (persons, NULL-ended, may be NULL) are left out, and whoever
   does not hold the certificates of the row (may be NULL). */
const char *routing_handler(struct turn *turn, const char *site, const char *department, const char *not_by,
                            const Directory__Person *const *never, const Policy__RouteRow *row);

/* The route row by which the case came to its handler; NULL: it came otherwise, or its policy has none of that name. */
const Policy__RouteRow *routing_row(struct turn *turn, uint64_t case_id, const Routerec__Case *record);
/* After a post is withdrawn: the department keeps the case; whom it falls to is chosen as by the row it came by. */
struct routing_choice routing_choose_withdrawn(struct turn *turn, const Hb__Event *event, const Routerec__Case *record);

/* withdrawn.c: whoever is no longer in a post gives back the open cases held in it: by a job, since there may be many.
 */
void routing_withdraw(struct turn *turn, const Directory__PostWithdrawn *withdrawn); /* of evolve */
struct bytes routing_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                              unsigned keys_max);

void routing_decide(struct turn *turn, const Hb__Command *command);
void routing_react(struct turn *turn, const Hb__Event *event);
void routing_too_deep(struct turn *turn, const Hb__Event *cause);
void routing_evolve(struct turn *turn, const Hb__Event *event);
void routing_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
bool routing_needs_case(const Hb__Event *event);
bool routing_knows_case(struct turn *turn, uint64_t case_id);

#endif
