/* A policy's conditions over one case of a site: the site's zone and calendar, and what the caller knows of the case
   (layer 4). */
#ifndef HEARBACK_ORGANISATION_CONDITIONS_H
#define HEARBACK_ORGANISATION_CONDITIONS_H

#include "organisation/organisation.h"
#include "policy/condition.h"

struct case_view {
    struct turn *turn;
    const char *site;
    const Policy__Policy *policy;
    const struct facts *facts;
    int64_t now_ms;
    const Hb__Actor *actor; /* who acts, for "actor.certificate"; NULL: nobody */
    void *context;          /* of the callbacks; each may be NULL: then it is unknown */
    enum truth (*told)(void *context, const char *notice);
    const struct facts *(*linked)(void *context, const char *link, size_t index);
    bool (*moment)(void *context, const char *name, int64_t *ms_out); /* when a stage or step was last reached */
};

enum truth case_holds(const struct case_view *view, const Policy__Condition *condition, const char **missing_out);
/* `never`, of the kind and of the whole policy: may the actor not do this (a step, or "see")? A condition that cannot
   be judged counts as holding. `clause_out` may be NULL. */
bool case_forbidden(const struct case_view *view, const Policy__Kind *kind, const char *act, const Hb__Actor *actor,
                    const char **clause_out);
/* `never .. see`: is a case of this kind to the actor as if it were not there? By the policy in force, whatever policy
   the view has; where that knows no such kind any more, by `version`, which the case goes by; where neither does, it is
   hidden. NULL: nobody asks, and all is seen. */
bool case_hidden(const struct case_view *view, const char *kind, uint32_t version, const Hb__Actor *actor);
/* `read` of a field: is its value shown to the actor? To whom his rights are lent, too. NULL: no field; nobody asks. */
bool case_may_read(const struct case_view *view, const Policy__FieldDef *def, const Hb__Actor *actor);
/* The instant a term means in this case: a date field, or a span from a field, stage or step. */
bool case_instant(const struct case_view *view, const Policy__Term *term, int64_t *ms_out);
/* The same with a clock's time options (NULL: none), counted from an instant. */
bool case_instant_from(const struct case_view *view, const Policy__Term *term, const Policy__TimeOptions *options,
                       int64_t from_ms, int64_t *ms_out);

#endif
