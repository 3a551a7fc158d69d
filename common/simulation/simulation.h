/* Many services in one process under a virtual clock and a seeded bus: the same turn, the same store (without sync as a
   rule), the same code as in production. What differs is the world: time, randomness, delays, losses and crashes come
   from the seed, so the same input gives the same bytes on any machine (layer 4). Used by `hearback policy rehearse`
   and by the tests. Instances are quiet unless HEARBACK_LOG is set. */
#ifndef HEARBACK_SIMULATION_SIMULATION_H
#define HEARBACK_SIMULATION_SIMULATION_H

#include "eventlog/eventlog.h"
#include "service/instance.h"

struct simulation;

/* Chances in 1/1000, drawn for each message, turn or second; all 0: a perfect world without delays. */
struct simulation_faults {
    unsigned drop, duplicate; /* of a message */
    unsigned delay_ms_max;    /* every message takes 0 .. this */
    unsigned crash;           /* of a turn, before or after its commit */
    unsigned down_ms_max;     /* how long a crashed instance stays away */
};

/* What the outside answers to an effect: bytes as the service's driver would give them. NULL handler: "250 simulated".
 */
typedef struct bytes simulation_effect_fn(void *context, Hb__Service service, const char *id, uint32_t attempt,
                                          struct bytes payload, struct arena *arena);

/* The way to other cells, each a simulation of its own: what a service here asks of the link. Whoever runs the worlds
   passes it on, or lets it be lost; simulation_link_answer brings the answer. */
typedef void simulation_link_fn(void *context, uint64_t ask, const Bus__Request *request);

struct simulation_options {
    uint64_t seed;
    const char *folder; /* all state; made when absent. tmpfs is best */
    int64_t start_ms;   /* virtual wall clock at the beginning, UTC */
    const struct service *const *services;
    unsigned services_count;
    struct simulation_faults faults;
    const char *policies_folder, *calendars_folder, *zones_folder;
    simulation_effect_fn *effect;
    void *effect_context;
    uint64_t cell;                     /* 0: 0x5eed */
    const struct instance_cell *cells; /* the others: every service hears of them what it declares */
    unsigned cells_count;
    simulation_link_fn *link;
    instance_read_fn *read_elsewhere; /* an event of another cell, for a fresh fold */
    void *link_context;
    int64_t idle_ms; /* 0: one virtual day without faults, 20 s with */
    bool sync;       /* commits reach the disk, as in production */
};

struct simulation *simulation_new(const struct simulation_options *options);
void simulation_free(struct simulation *simulation); /* the folder stays */

int64_t simulation_now(const struct simulation *simulation);               /* the simulation's own time: never jumps */
int64_t simulation_wall(const struct simulation *simulation);              /* what the instances' clocks show */
uint64_t simulation_random(struct simulation *simulation, uint64_t below); /* from the seed */

/* Runs until the virtual clock reads `until_ms`; what is due at that instant is done, unless it awaits the horizon. */
void simulation_run(struct simulation *simulation, int64_t until_ms);
/* Runs until everything caused so far has come to rest: no message under way, every log heard to its end. The clock
   moves as little as possible; at most `at_most_ms`. False when it did not come to rest. */
bool simulation_settle(struct simulation *simulation, int64_t at_most_ms);
/* One event of the queue; false when there is none at or before `until_ms`. */
bool simulation_step(struct simulation *simulation, int64_t until_ms);

/* Asks an instance as a client with every right (like gateway and operator in one). `done` as in bus.h. */
void simulation_ask(struct simulation *simulation, Hb__Service service, Bus__Request *request, uint32_t timeout_ms,
                    bus_done_fn *done, void *context);
/* The same, waiting for the answer while the world runs on (tests without faults). Replies live in `arena`. NULL: timed
 * out. */
const Hb__CommandReply *simulation_command(struct simulation *simulation, Hb__Service service,
                                           const Hb__Command *command, struct arena *arena);
const Hb__QueryReply *simulation_query(struct simulation *simulation, Hb__Service service, const Hb__Query *query,
                                       struct arena *arena);

/* The reply to what was asked of the link; to one that has timed out or whose asker died it means nothing. */
void simulation_link_answer(struct simulation *simulation, uint64_t ask, const Bus__Reply *reply);

/* Ends an effect whose answer the handler held back. False when none of that id is held. */
bool simulation_effect_end(struct simulation *simulation, Hb__Service service, const char *id, struct bytes result);

/* Stops an instance as kill -9 would, and starts it again. */
void simulation_down(struct simulation *simulation, Hb__Service service);
void simulation_up(struct simulation *simulation, Hb__Service service);
void simulation_faults_set(struct simulation *simulation, struct simulation_faults faults);
/* How long a parked fetch waits from now on: short under faults, long for waits of days. */
void simulation_idle_set(struct simulation *simulation, int64_t idle_ms);
/* Nothing that `from` sends reaches `to` any more, or it does again; what `to` sends is another matter. Neither is
   told: like the bus, who waits for an answer over such a connection gives it up after a while, and asks anew. */
void simulation_cut_set(struct simulation *simulation, Hb__Service from, Hb__Service to, bool cut);
/* The disk of an instance has no room from now on, or has again; also while it is down. */
void simulation_full_set(struct simulation *simulation, Hb__Service service, bool full);
/* How large the map of an instance may be that starts from now on; 0: as in production. */
void simulation_map_set(struct simulation *simulation, uint64_t map_bytes);
/* What the log of an instance answers to its next append: anything but APPEND_DONE ends the process, which is started
   again. After APPEND_FULL it has no room, until told APPEND_DONE; also while it is down. */
void simulation_append_set(struct simulation *simulation, Hb__Service service, enum append answer);
unsigned simulation_appends_failed(const struct simulation *simulation); /* of all instances, so far */
/* Lets the wall clock of every instance jump while the boot clock runs on. */
void simulation_clock_jump(struct simulation *simulation, int64_t by_ms);

/* Every event of a service's log after an offset, in order; the callback returns false to stop. */
typedef bool simulation_event_fn(void *context, const Hb__Event *event);
uint64_t simulation_events(struct simulation *simulation, Hb__Service service, uint64_t after,
                           simulation_event_fn *each, void *context);
struct instance *simulation_instance(struct simulation *simulation, Hb__Service service); /* NULL while down */
uint32_t simulation_life(const struct simulation *simulation, Hb__Service service);       /* counts its restarts */

/* Does a fresh fold of this one service equal its state? Not asked, and `folded_out` is false, while it, or one whose
   log it folds, is down. What was folded before stays folded: each check costs what is new, and a look at all tables;
   nothing when nothing was committed since. */
enum err simulation_check_fold(struct simulation *simulation, Hb__Service service, bool *folded_out, char *why_out,
                               size_t why_size) MUST_CHECK;
/* The invariants of the spine: hash chains, cursors never ahead of logs, a fresh fold equals the state. */
enum err simulation_check(struct simulation *simulation, char *why_out, size_t why_size) MUST_CHECK;

#endif
