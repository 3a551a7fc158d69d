/* Running one scenario: its lines in order of time, until the first difference. */
#ifndef HEARBACK_CLI_REHEARSE_RUN_H
#define HEARBACK_CLI_REHEARSE_RUN_H

#include "rehearse_check.h"

/* False: it differs, and `difference_out` says where. Prints the timeline on the way. */
bool rehearse_run(struct world *world, struct difference *difference_out);

#endif
