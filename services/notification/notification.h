/* notification: who is told what, in which channel, and proof of it. */
#ifndef HEARBACK_NOTIFICATION_H
#define HEARBACK_NOTIFICATION_H

#include "hearback/record/notification.pb-c.h"
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "service/service.h"

#define NOTIFICATION_ATTEMPTS_MAX 8u
#define NOTIFICATION_RETRY_FIRST_MS 30000ll /* then doubled, at most an hour */
#define NOTIFICATION_RETRY_MAX_MS 3600000ll
#define NOTIFICATION_LISTED_MAX 1000u /* notices of one case in a reply, the newest */
#define NOTIFICATION_DUE_DEFAULT 50u
#define NOTIFICATION_DUE_DEFAULT 50u
#define NOTIFICATION_DUE_MAX 200u     /* of a page of those that a person must send */
#define NOTIFICATION_LOOKED_MAX 2000u /* for one page */

extern const struct service notification_service;
extern const struct effect_driver notification_driver;
enum notification_table { NOTIFICATION_CASE, NOTIFICATION_NOTICE, NOTIFICATION_ASKED, NOTIFICATION_DUE };

Noterec__Case *notification_case(struct turn *turn, uint64_t case_id);
void notification_case_save(struct turn *turn, uint64_t case_id, const Noterec__Case *record);
Noterec__Notice *notification_notice(struct turn *turn, uint64_t notice_id);
Noterec__Notice *notification_notice_named(struct turn *turn, uint64_t notice_id); /* by another row: it is there */
void notification_notice_save(struct turn *turn, uint64_t notice_id, const Noterec__Notice *record);
/* How far a request is met; NULL: not begun, or every addressee has it. */
Noterec__Asked *notification_asked(struct turn *turn, const Hb__Position *source, const char *notice);
void notification_asked_save(struct turn *turn, const Hb__Position *source, const char *notice,
                             const Noterec__Asked *record);
void notification_asked_delete(struct turn *turn, const Hb__Position *source, const char *notice);

/* request.c: one request for a notice. Lives in the turn's arena. */
struct notification_request {
    struct turn *turn;
    const Hb__Event *event; /* that asked */
    Noterec__Case *record;
    const Noterec__Case *tells; /* whose rule tells this one, and knows what its text names; NULL: itself */
    const Policy__Policy *policy;
    const Policy__Notice *notice; /* NULL: the policy has no such text; the name is told all the same */
    const char *name, *clock;
    const char *rule; /* that asked; "": none did */
    Hb__Position *source;
    int64_t due_ms;
    uint32_t level;
    uint32_t round;     /* of the case, in which it was asked for; 0: not said */
    Hb__Letter *letter; /* NULL: none goes with it */
    char **persons;     /* ids, each once */
    size_t persons_count;
    bool complainant; /* comes last */
};
/* False: the event asks for no notice, or its case is not known. */
bool notification_request_read(struct notification_request *request, struct turn *turn, const Hb__Event *event);
size_t notification_addressees(const struct notification_request *request);
/* Says one NoticeQueued for each addressee, unless a job does. */
void notification_request_meet(const struct notification_request *request);
/* The next channel for an addressee whom this notice did not reach, not said yet; NULL: none is left. */
Notification__NoticeQueued *notification_next_way(const struct notification_request *about,
                                                  const Notification__NoticeQueued *failed);
void notification_evolve_request(struct turn *turn, const Hb__Event *event); /* more than 16: the job */
struct bytes notification_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                                   unsigned keys_max);
/* An event of our own about the request's case, under the clauses of its notice. */
Hb__Event *notification_event(const struct notification_request *request, Notification__Event__KindCase kind,
                              void *payload);

/* hours.c: this instant, or when the hours of the notice (NULL: none) begin next. */
int64_t notification_within_hours(struct turn *turn, const char *site, const Policy__Notice *notice, int64_t at_ms);

/* text.c: at most 8 KiB, in the arena */
char *notification_fill(const struct notification_request *request, const char *text, bool english);

/* tables.c: what a person must send, until it is marked as sent. */
void notification_due_put(struct turn *turn, const Noterec__Notice *row);
void notification_due_delete(struct turn *turn, const Noterec__Notice *row);
/* May the actor (NULL: nobody asks) know of the case? By his rights and `never .. see`. */
bool notification_may_see(struct turn *turn, const Hb__Actor *actor, const Noterec__Case *record);

void notification_decide(struct turn *turn, const Hb__Command *command);
void notification_react(struct turn *turn, const Hb__Event *event);
void notification_evolve(struct turn *turn, const Hb__Event *event);
void notification_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result);
void notification_effect_passed_over(struct turn *turn, const char *id, uint32_t attempt);
void notification_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

#endif
