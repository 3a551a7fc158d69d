/* analytics: read models: lists, search by number, figures. Everything is counted as it is heard. */
#ifndef HEARBACK_ANALYTICS_H
#define HEARBACK_ANALYTICS_H

#include "hearback/record/analytics.pb-c.h"
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "service/service.h"

#define ANALYTICS_LIST_DEFAULT 50u
#define ANALYTICS_LIST_MAX 1000u
#define ANALYTICS_CHANGES_KEPT 10000u
#define ANALYTICS_NAME_MAX 200u /* nothing has a longer number or external id */

extern const struct service analytics_service;
enum analytics_table {
    ANALYTICS_CASE,
    ANALYTICS_ORDER,    /* site NUL, received BE64, case id BE64 -> "" */
    ANALYTICS_NUMBER,   /* site NUL, number NUL -> case id BE64 */
    ANALYTICS_EXTERNAL, /* site NUL, external id NUL -> case id BE64 */
    ANALYTICS_FIGURES,  /* site NUL, dimension NUL, key NUL -> Figures */
    ANALYTICS_CHANGES,  /* sequence BE64 -> Change: a bounded ring */
};

Anarec__Case *analytics_load(struct turn *turn, uint64_t case_id);
/* Adds what another site counted. */
void analytics_figures_add(Analytics__Figures *to, const Analytics__Figures *figures);
void analytics_count(struct turn *turn, const Anarec__Case *one, int sign);
void analytics_evolve(struct turn *turn, const Hb__Event *event);
void analytics_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

#define ANALYTICS_NEW(turn, type, init)                                                                                \
    ({                                                                                                                 \
        type *made_ = arena_alloc(turn_arena(turn), sizeof(type));                                                     \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })

#endif
