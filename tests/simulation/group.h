/* A whole system in the simulator: all eight services, one site with three departments and seven people, GEN-FRAME or
   PROP-11 in force. */
#ifndef HEARBACK_TESTS_GROUP_H
#define HEARBACK_TESTS_GROUP_H

#include "simulation/simulation.h"

extern const struct service directory_service, intake_service, routing_service, casework_service, watchdog_service,
    escalation_service, notification_service, analytics_service;

struct group {
    struct simulation *simulation;
    struct arena arena;
    char folder[512];
    unsigned commands;
};

void group_open(struct group *group, const char *folder, uint64_t seed, int64_t start_ms,
                struct simulation_faults faults);
/* The same, with an outside of the test's own that mails go to. */
void group_open_outside(struct group *group, const char *folder, uint64_t seed, int64_t start_ms,
                        simulation_effect_fn *effect, void *effect_context);
/* The same, with a store that syncs. */
void group_open_synced(struct group *group, const char *folder, uint64_t seed, int64_t start_ms);
/* One of several cells: its id, the others and the way to them are in `cell`. */
void group_open_cell(struct group *group, const char *folder, uint64_t seed, int64_t start_ms,
                     struct simulation_options cell);
void group_found(struct group *group, const char *pack); /* organisation and policy; needs a world without faults */
/* Puts a pack in force that the test brings along: the text of its pack.yaml. */
void group_publish(struct group *group, const char *pack, const char *yaml);
/* The site's calendar as shipped, with one more day off ("2025-03-11"). */
void group_day_off(struct group *group, const char *date);
/* An entry of GEN-FRAME's register of assets, to be maintained every so often; 0: it was never done; it has no date
   `until`, which is a field of a pack that the test brings along. */
void group_asset(struct group *group, const char *id, const char *owner, int64_t interval_ms, int64_t last_done_ms,
                 int64_t until_ms);
void group_close(struct group *group);

/* Fields are pairs of name and text, ended by NULL. The ids are made from `n`, so that a repetition is the same
 * command. */
void group_submit_fill(struct group *group, Hb__Command *command, const char *kind, const char *category,
                       const char *text, const char *const *fields);
void group_act_fill(struct group *group, Hb__Command *command, uint64_t case_id, const char *person, const char *step,
                    const char *const *fields);
const Hb__CommandReply *group_submit(struct group *group, const char *kind, const char *category, const char *text,
                                     const char *const *fields);
const Hb__CommandReply *group_act(struct group *group, uint64_t case_id, const char *person, const char *step,
                                  const char *const *fields);
const Casework__CaseFile *group_case(struct group *group, uint64_t case_id, const char *person);
const Watchdog__Clocks *group_clocks(struct group *group, uint64_t case_id);

#endif
