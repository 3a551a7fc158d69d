/* Whoever is no longer in a post gives back the open cases held in it: the department keeps them, and they fall to
   whoever is there. What the person holds in other posts stays. The cases are walked through by a job. */
#include "routing.h"

#include "message/message.h"
#include "policy/facts.h"
#include "policy/lookup.h"

#define WITHDRAWN_JOB "post_withdrawn"
#define CASES_A_STEP 16u /* of the job, that are given back */

void routing_withdraw(struct turn *turn, const Directory__PostWithdrawn *withdrawn)
{
    if (routing_load(turn, withdrawn->person)->open)
        turn_job_add(turn, WITHDRAWN_JOB, withdrawn->post->site, message_pack(&withdrawn->base, turn_arena(turn)));
}

/* The row by which it came to its handler names this very post. */
static bool routed_to_post(struct turn *turn, uint64_t case_id, const Routerec__Case *record, const char *post)
{
    const Policy__RouteRow *row = routing_row(turn, case_id, record);
    return row && row->to && row->to->n_of == 0 && strcmp(row->to->root, post) == 0;
}

/* Held in this post: the department leads the case, and the person is no longer in it, or the case was given to the
   post by name. Level-triggered: whoever has the post again meanwhile gives nothing back. */
static bool held(struct turn *turn, uint64_t case_id, const Routerec__Case *record,
                 const Directory__PostWithdrawn *withdrawn, const Directory__Person *person)
{
    const Directory__Post *post = withdrawn->post;
    return strcmp(record->counted, withdrawn->person) == 0 && strcmp(record->site, post->site) == 0 &&
           strcmp(record->lead, post->department) == 0 && !organisation_in_post(person, post) &&
           (!organisation_member(person, post->site, post->department) ||
            routed_to_post(turn, case_id, record, post->post));
}

static void give_back(struct turn *turn, uint64_t case_id, const Routerec__Case *record, const char *post)
{
    Hb__Event cause = HB__EVENT__INIT;
    cause.site = record->site;
    cause.case_id = case_id;
    cause.occurred_ms = turn_now(turn);
    struct routing_choice choice = routing_choose_withdrawn(turn, &cause, record);
    routing_say(turn, &cause, record, &choice, record->first_contact, post);
}

struct bytes routing_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                              unsigned keys_max)
{
    (void)what; /* there is one */
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&directory__post_withdrawn__descriptor, payload, turn_arena(turn), &message, &why) ==
               ERR_NONE);
    const Directory__PostWithdrawn *withdrawn = (const Directory__PostWithdrawn *)message;
    const Directory__Person *person = organisation_person(turn, withdrawn->person);
    bug_unless(person);
    struct state_scan *scan = state_scan_open(turn, ROUTING_CASES, bytes_of(NULL, 0), next);
    struct bytes key, value;
    unsigned given = 0;
    for (unsigned looked = 0; looked < keys_max && given < CASES_A_STEP; looked++) {
        if (!state_scan_next(scan, &key, &value))
            return (struct bytes){0};
        uint64_t case_id = bytes_get_u64(key.data);
        const Routerec__Case *record = routing_case_load(turn, case_id);
        if (held(turn, case_id, record, withdrawn, person)) {
            give_back(turn, case_id, record, withdrawn->post->post);
            given++;
        }
        struct key after = key_u64(case_id + 1);
        next = arena_copy(turn_arena(turn), key_bytes(&after));
    }
    return next;
}
