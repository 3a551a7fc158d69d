/* Where packs and calendars are. */
#ifndef HEARBACK_CLI_REHEARSE_PLACES_H
#define HEARBACK_CLI_REHEARSE_PLACES_H

#include "rehearse_scenario.h"

/* Installed beside the program (bin/ and share/hearback/), else where this was built from; `packs` (may be NULL) is
   looked at first. */
void rehearse_places(struct scenario_places *places, struct arena *arena, const char *packs);

#endif
