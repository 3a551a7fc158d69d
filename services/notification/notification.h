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

extern const struct service notification_service;
extern const struct effect_driver notification_driver;
enum notification_table { NOTIFICATION_CASE, NOTIFICATION_NOTICE, NOTIFICATION_ASKED };

Noterec__Case *notification_case(struct turn *turn, uint64_t case_id);
void notification_case_save(struct turn *turn, uint64_t case_id, const Noterec__Case *record);
Noterec__Notice *notification_notice(struct turn *turn, uint64_t notice_id);
void notification_notice_save(struct turn *turn, uint64_t notice_id, const Noterec__Notice *record);
bool notification_asked(struct turn *turn, const Hb__Position *source, const char *notice);

void notification_react(struct turn *turn, const Hb__Event *event);
void notification_evolve(struct turn *turn, const Hb__Event *event);
void notification_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result);
void notification_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

#define NOTIFICATION_NEW(turn, type, init)                                                                             \
    ({                                                                                                                 \
        type *made_ = arena_alloc(turn_arena(turn), sizeof(type));                                                     \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })
#define NOTIFICATION_ADD(turn, list, count, item)                                                                      \
    do {                                                                                                               \
        void *grown_ = arena_alloc(turn_arena(turn), ((count) + 1) * sizeof *(list));                                  \
        if (count)                                                                                                     \
            memcpy(grown_, (list), (count) * sizeof *(list));                                                          \
        (list) = grown_;                                                                                               \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

#endif
