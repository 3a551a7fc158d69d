/* watchdog: every clock. It stores facts; what a clock says is judged anew from them (common/clock). */
#ifndef HEARBACK_WATCHDOG_H
#define HEARBACK_WATCHDOG_H

#include "clock/judge.h"
#include "hearback/record/watchdog.pb-c.h"
#include "organisation/conditions.h"
#include "policy/lookup.h"
#include "service/service.h"

#define WATCHDOG_ROWS_MAX 32u
#define WATCHDOG_CARRY_MAX 200u  /* open cases that one new case takes over */
#define WATCHDOG_SAMPLE_MAX 500u /* cases opened for those of one period */

extern const struct service watchdog_service;

enum watchdog_table {
    WATCHDOG_CASE,
    WATCHDOG_SCHEDULE,
    WATCHDOG_DUTY,
    WATCHDOG_DONE,
    WATCHDOG_WORK,
    WATCHDOG_TABLES_COUNT
};

/* A version of the policy that the case has gone by. */
struct watchdog_version {
    uint32_t version;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
};

/* A case made ready for judging. */
struct watchdog_case {
    uint64_t id;
    Watchrec__Case *record;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    struct watchdog_version *versions; /* oldest first; the last is that of policy and kind */
    size_t versions_count;
    struct happening *happenings;
    size_t count;
    struct facts *facts; /* after each happening */
    struct case_view view;
    size_t upto;
};

Watchrec__Case *watchdog_load(struct turn *turn, uint64_t case_id);
void watchdog_save(struct turn *turn, uint64_t case_id, const Watchrec__Case *record);
bool watchdog_open(struct turn *turn, uint64_t case_id, struct watchdog_case *out);
bool watchdog_make_ready(struct turn *turn, uint64_t case_id, Watchrec__Case *record, struct watchdog_case *out);
/* `never .. see`, by all that is known of the case now: as if it were not there. */
bool watchdog_hidden(const struct watchdog_case *one, const Hb__Actor *actor);
/* Of all versions the names of their clocks: those that the newest has not any more come first. */
const char **watchdog_clocks(struct turn *turn, const struct watchdog_case *one, size_t *count_out);
/* Part 0: the clock itself. Where nothing ever runs under this part there are no runs. */
struct run *watchdog_judge(struct turn *turn, struct watchdog_case *one, const char *clock, uint32_t part,
                           int64_t horizon_ms, bool explain, size_t *count_out);
const struct calendar *watchdog_calendar(struct turn *turn, const struct watchdog_case *one,
                                         const Policy__Clock *clock);
Watchrec__Said *watchdog_said(Watchrec__Case *record, const char *clock, uint32_t round, uint32_t part);
uint32_t watchdog_warned(const Watchrec__Said *said, int64_t due_ms); /* bit set: warnings said of this due */
/* Of several packs at one site: those of the pack whose limit the run goes by. */
/* The department whose limit, or whose clock, it is; "": the site's. */
char *watchdog_limit_department(const Policy__Clock *clock, const struct run *run);
void watchdog_limit_clauses(const Policy__Clock *clock, const struct run *run, char ***clauses_out, size_t *count_out);
uint32_t watchdog_rows_but(const Watchrec__Said *said, int64_t due_ms); /* bit set: rows reached under other dues */

#define WATCHDOG_RECOUNT "recount" /* the job upon a published calendar */
/* moved.c: what it has moved; what a move to another version of the policy would. */
void watchdog_answer_moved(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
void watchdog_answer_preview(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

/* rows.c: ladder rows that were reached, as those of the ladder of another version. */
uint32_t watchdog_rows_in(struct turn *turn, const Watchrec__Case *record, const char *clock, uint32_t from,
                          uint32_t to, uint32_t rows);
uint32_t watchdog_first_version(const Watchrec__Case *record);

/* parts.c */
char *watchdog_part_text(struct turn *turn, uint32_t number);
uint32_t watchdog_part_parse(const char *text);
uint32_t watchdog_part_number(uint32_t part, uint32_t run);
uint32_t watchdog_parts(const struct watchdog_case *one, const char *clock); /* of the clock's `each`, in any version */
/* The clock as it runs for one part; part 0: itself. */
const Policy__Clock *watchdog_clock_of_part(struct turn *turn, const Policy__Clock *clock, uint32_t part);

/* schedules.c. Keys: site, schedule (or kind); and an entry. */
struct key watchdog_schedule_key(const char *site, const char *schedule);
struct key watchdog_duty_key(const char *site, const char *schedule, const char *item);
/* The register of whose entries the schedule's roster is planned one by one; "": it is the site's. */
const char *watchdog_roster_of(const Policy__Policy *policy, const Policy__Schedule *schedule);
const Policy__Schedule *watchdog_schedule_find(const Policy__Policy *policy, const char *name);
bool watchdog_schedule_time(struct turn *turn, const char *site, const Policy__Term *term, int64_t start_ms,
                            const Directory__Thing *thing, int64_t *ms_out);
void watchdog_schedules_directory(struct turn *turn, const Hb__Event *event);
void watchdog_schedules_case(struct turn *turn, uint64_t case_id, Watchrec__Case *record, uint32_t before,
                             uint32_t phase, int64_t at_ms);
void watchdog_schedule_opened(struct turn *turn, const Hb__Event *event);
void watchdog_schedule_fire(struct turn *turn, struct bytes key, int64_t due_ms);
/* duties.c */
struct bytes watchdog_duties_step(struct turn *turn, struct bytes payload, struct bytes next, unsigned keys_max);

/* calls.c: levels that somebody must acknowledge, or the next row of the ladder comes. */
void watchdog_call_reached(struct turn *turn, const Hb__Event *event, Watchrec__Case *record);
void watchdog_call_acknowledged(struct turn *turn, uint64_t case_id, Watchrec__Case *record, const char *key);
void watchdog_call_cancelled(struct turn *turn, uint64_t case_id, Watchrec__Case *record, const char *key);
void watchdog_call_said(struct turn *turn, uint64_t case_id, Watchrec__Case *record,
                        const Watchdog__ClockPointReached *point);
void watchdog_look_at_calls(struct turn *turn, uint64_t case_id);

/* Says whatever the judgement is that has not been said yet, upon something that happened then (INT64_MAX: nothing new,
   time has passed or a calendar was published). */
void watchdog_look(struct turn *turn, uint64_t case_id, int64_t happened_ms);

void watchdog_react(struct turn *turn, const Hb__Event *event);
void watchdog_evolve(struct turn *turn, const Hb__Event *event);
void watchdog_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

#endif
