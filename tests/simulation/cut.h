/* A cut through a simulated system and its restoration, as `hearback backup` and `restore` do it, on the virtual bus.
 */
#ifndef HEARBACK_TESTS_CUT_H
#define HEARBACK_TESTS_CUT_H

#include "simulation/simulation.h"

struct cut {
    struct simulation *simulation;
    const struct service *const *services;
    unsigned count;
    const char *folder; /* of the simulation */
    const char *target; /* the copies: <target>/<service>-0 */
};

/* Asks one instance, running the world until it answers. False: no answer in time, or a refusal, whose status is in
   `*status_out` (0: none). */
bool cut_ask(const struct cut *cut, Hb__Service service, Bus__Control__What what, const char *path,
             uint32_t *status_out);

/* Hold, snapshots, resume, and the copying to its end. False when somebody failed: then the target is of no use. */
bool cut_take(const struct cut *cut);

/* The copies by themselves: every chain whole, every cursor at or before the end of its log. */
bool cut_is_consistent(const struct cut *cut, char *why_out, size_t why_size);

/* Puts the copies in place of what is there, in new epochs, and starts everything again. */
void cut_restore(const struct cut *cut, uint32_t numbers_skip);

void cut_remove(const char *folder);

#endif
