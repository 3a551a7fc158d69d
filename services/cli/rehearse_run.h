/* Running one scenario: its lines in order of time, until the first difference. */
#ifndef HEARBACK_CLI_REHEARSE_RUN_H
#define HEARBACK_CLI_REHEARSE_RUN_H

#include "rehearse_check.h"

/* Founds the world of the scenario, runs it and takes it down again. False: it differs, or the world could not be
   founded (line 0; standard error says why); the texts of `difference_out` live in `arena`. */
bool rehearse_one(const struct scenario *scenario, const struct scenario_places *places, bool english, bool quiet,
                  struct arena *arena, struct difference *difference_out);

/* False: it differs, and `difference_out` says where. Prints the timeline on the way. */
bool rehearse_run(struct world *world, struct difference *difference_out);

#endif
