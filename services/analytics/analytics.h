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

#define ANALYTICS_NONE "-" /* in a filter: without a department, handler, category, place */

extern const struct service analytics_service;
enum analytics_table {
    ANALYTICS_CASE,
    ANALYTICS_ORDER,    /* site NUL, received BE64, case id BE64 -> "" */
    ANALYTICS_NUMBER,   /* site NUL, number NUL -> case id BE64 */
    ANALYTICS_EXTERNAL, /* site NUL, external id NUL -> case id BE64 */
    ANALYTICS_FIGURES,  /* site NUL, dimension NUL, key NUL -> Figures */
    ANALYTICS_CHANGES,  /* sequence BE64 -> Change: a bounded ring, one for all cells */
    ANALYTICS_FACETS,   /* see facets.c */
    ANALYTICS_LIKE,     /* patterns.c */
    ANALYTICS_CLUSTER,
    ANALYTICS_TALLY,   /* indicators.c */
    ANALYTICS_LACKING, /* site NUL, indicator NUL, period NUL, who NUL, case id BE64 -> "" */
    ANALYTICS_SPREAD,  /* spread.c */
    ANALYTICS_AUDIT,   /* audit.c */
    ANALYTICS_DUE,     /* facets.c */
    ANALYTICS_SINCE,   /* since.c */
    ANALYTICS_NOTICE,  /* notices.c */
};
#define ANALYTICS_CELL_CHARACTERS 16u /* of a cell's id in texts; "": our own */

Anarec__Case *analytics_load(struct turn *turn, uint64_t case_id);
/* Adds what another site counted. */
void analytics_figures_contribute(Analytics__Figures *figures, const Analytics__CaseRow *row, int sign);
bool analytics_took(const Analytics__CaseRow *row, const char *step); /* at least once */
void analytics_figures_add(Analytics__Figures *to, const Analytics__Figures *figures);
void analytics_count(struct turn *turn, const Anarec__Case *one, int sign);
char *analytics_cell_text(struct turn *turn, uint64_t cell);
char *analytics_month(struct turn *turn, const char *site, int64_t ms); /* "2025-03", in the site's zone */
/* patterns.c: like cases. Of our own cell only. */
#define ANALYTICS_LINKS_MAX 20u  /* like cases that one is linked with */
#define ANALYTICS_LIKES_MAX 200u /* like cases that one case is opened for */
void analytics_patterns_fold(struct turn *turn, Anarec__Case *one, const Hb__Event *event);
void analytics_patterns_registered(struct turn *turn, Anarec__Case *one, const Hb__Event *event);
void analytics_patterns_closed(struct turn *turn, const Anarec__Case *one, int64_t at_ms);
void analytics_patterns_said(struct turn *turn, const Hb__Event *event);
void analytics_patterns_react(struct turn *turn, const Hb__Event *event);
void analytics_evolve(struct turn *turn, const Hb__Event *event);
void analytics_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

/* since.c: since when an indicator is counted as the policy in force has it: that day, in the site's zone; "": not
   known. */
void analytics_since_fold(struct turn *turn, const Hb__Event *event);
char *analytics_since_text(struct turn *turn, const char *site, const Policy__Policy *policy,
                           const Policy__Indicator *indicator);

/* indicators.c: what a policy's indicators count, of each case as it stands. */
void analytics_indicators_registered(struct turn *turn, Anarec__Case *one, const Hb__Event *event);
/* True when something was reached that an indicator counts. */
bool analytics_indicators_hear(struct turn *turn, const Anarec__Case *before, Anarec__Case *one,
                               const Hb__Event *event);
/* Takes out what the case added, puts in what it adds now. */
void analytics_indicators_move(struct turn *turn, Anarec__Case *one);
/* periods.c */
bool analytics_period_parse(const char *text, int *year_out, int *month_out, Policy__Term__Period *period_out);
/* So many months earlier; 0: the period just before. NULL: there is none. */
char *analytics_period_earlier(struct arena *arena, const char *text, int by);
int analytics_period_month(const char *text); /* of its beginning, counted from year 0 */
char *analytics_period_text(struct turn *turn, const char *site, int64_t at_ms, Policy__Term__Period period);
/* published.c: figures that fields of a case ask for (`is: indicator ..`). Evolve: when to look; what was said. */
bool analytics_published_asks(const Policy__Policy *policy, const char *kind);
void analytics_published_look(struct turn *turn, const Anarec__Case *one, const Hb__Event *event);
bool analytics_published_said(struct turn *turn, Anarec__Case *one, const Hb__Event *event);
void analytics_published_fire(struct turn *turn, struct bytes key, int64_t due_ms);
struct key analytics_tally_key(const char *site, const char *indicator, const char *period, const char *who);
/* spread.c: medians and percentiles. `tally` is the key of one. */
uint64_t analytics_bin(int64_t value); /* in order of the values */
void analytics_spread_add(struct turn *turn, const struct key *tally, int64_t value, bool in);
/* By nearest rank (the least value that `percent` of the cases do not exceed); the median of an even number is the mean
   of both in the middle. `cases`, at least one, are those in the bins but for the values `without`, which it sorts. */
int64_t analytics_percentile(struct turn *turn, const struct key *tally, int64_t *without, size_t without_count,
                             uint64_t cases, uint32_t percent);
/* rank.c: in order of the figures as shown, the worst (or best) first; those without data come last and have no rank.
 */
void analytics_rank(const Policy__Indicator *indicator, Analytics__Indicator **list, size_t count);
/* Leaves those of `who` ("": of all) whose figures the actor is shown; how many. */
size_t analytics_rank_shown(struct turn *turn, const char *site, const Policy__Indicator *indicator,
                            const Hb__Actor *actor, const char *who, Analytics__Indicator **list, size_t count);
/* answer_indicators.c. One indicator by the policy of today, of one (or, "", of each) whom it is about; nobody's rights
   are asked. */
const Analytics__Indicators *analytics_indicator(struct turn *turn, const char *site, const char *name,
                                                 const char *period, const char *who);
void analytics_answer_indicators(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply);

/* reach.c: whose cases and figures a query is about, and whether its actor may see them. */
struct reach {
    uint64_t *cells; /* 0: our own, first */
    size_t count;
};
bool analytics_reach(struct turn *turn, const Hb__Query *query, struct reach *reach_out); /* false: refused */
bool analytics_may_see(struct turn *turn, const Hb__Query *query, const char *scope, uint64_t cell, const char *site);
bool analytics_may_see_figures(struct turn *turn, const Hb__Query *query, uint64_t cell, const char *site);
char *analytics_cell_name(struct turn *turn, uint64_t cell);
/* The row as it is told, of the cell that is looked at: bears the cell, its name and the zone of its site. */
Analytics__CaseRow *analytics_row(struct turn *turn, uint64_t case_id);
void analytics_answer_cells(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply);
/* hidden.c: `never .. see` as case_hidden has it, by the facts of the case; those of a kind that hid nothing when they
   were heard are not known, but for kind, stage, category, lead and handler. */
bool analytics_may_hide(const Policy__Policy *policy, const Policy__Kind *kind);
bool analytics_hidden(struct turn *turn, const Analytics__CaseRow *row, const Hb__Actor *actor);
/* All of a site, of those kinds that hide some. False: refused, for there are too many to be looked at one by one. */
#define ANALYTICS_HIDDEN_MAX 5000u /* looked at for one answer: some hundred milliseconds */
struct analytics_hidden_cases {
    Anarec__Case **cases;
    size_t count;
};
bool analytics_hidden_cases(struct turn *turn, const char *site, const Hb__Actor *actor,
                            struct analytics_hidden_cases *all_out);
/* public.c: public problems, which are shown to everybody. */
bool analytics_is_visitor(struct turn *turn,
                          const Hb__Query *query); /* a list of a public site, for nobody's account */
bool analytics_is_public(struct turn *turn, const Analytics__CaseRow *row);
bool analytics_can_be_joined(struct turn *turn, const Anarec__Case *one);
const Analytics__ListCases *analytics_public_wanted(struct turn *turn, const Analytics__ListCases *wanted);
Analytics__CaseRow *analytics_public_row(struct turn *turn, const Analytics__CaseRow *row);
/* notices.c: what a site shows to everybody. After its facts were folded; true: something of it changed. */
bool analytics_notices_fold(struct turn *turn, Anarec__Case *one, const Hb__Event *event);
void analytics_notices_react(struct turn *turn, const Hb__Event *event);
void analytics_notices_said(struct turn *turn, const Hb__Event *event);
void analytics_answer_notices(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply);
/* approvals.c: which approvals of a case wait, as its facts say (common/policy/chains.c); true: that is otherwise now.
 */
bool analytics_approvals_kept(const Policy__Policy *policy, const char *kind); /* are there any in this kind? */
bool analytics_approvals_fold(struct turn *turn, Anarec__Case *one);
/* May the actor sign one of them now, in his own right or for somebody who has lent him theirs? */
bool analytics_approvals_mine(struct turn *turn, const Analytics__CaseRow *row, const Hb__Actor *actor);
/* facets.c: which cases have a value, in order of receipt; and which open ones, in order of their dates due. */
#define ANALYTICS_TERMS_MAX 14u
#define ANALYTICS_TERM_VALUES 4u
struct analytics_term { /* of a filter: one facet has any of these values */
    char facet;
    const char *values[ANALYTICS_TERM_VALUES];
    unsigned count;
};
struct key analytics_facet_prefix(const char *site, char facet, const char *value);
struct key analytics_facet_kind(const char *site, const char *kind); /* the cases of a kind */
/* The next kind by name that the site has cases of; "": the first. NULL: no more. */
const char *analytics_facet_next_kind(struct turn *turn, const char *site, const char *after);
void analytics_facets_move(struct turn *turn, const Analytics__CaseRow *before, const Analytics__CaseRow *after);
/* What of the filter is indexed, most telling first. False: nothing can fit. */
bool analytics_terms(const Analytics__Filter *filter, struct analytics_term *terms, unsigned *count_out);
struct analytics_term analytics_term_urgent(void); /* urgent, and open */
/* Only open cases can fit. */
bool analytics_terms_open(const struct analytics_term *terms, unsigned count);
/* list.c */
bool analytics_fits(const Analytics__Filter *filter, const Analytics__CaseRow *row);
int64_t analytics_changed_ms(const Analytics__CaseRow *row); /* closed, else changed, else received */
void analytics_answer_list(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                           Analytics__Reply *reply);
void analytics_answer_count(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                            Analytics__Reply *reply);
void analytics_answer_figures(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                              Analytics__Reply *reply);
/* audit.c: who did and who looked. Of our own cell only. */
void analytics_audit_fold(struct turn *turn, const Hb__Event *event);
void analytics_answer_audit(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply);
/* answer_kpi.c */
void analytics_answer_kpi(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                          Analytics__Reply *reply);

#endif
