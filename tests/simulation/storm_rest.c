/* What must hold when everything has come to rest. */
#include "storm.h"

void storm_check_rest(struct storm *storm, bool whole)
{
    char why[512];
    (void)whole;
    storm_check_commands(storm);
    if (!storm->failed && simulation_check(storm->simulation, why, sizeof why))
        storm_fail(storm, "a fresh fold equals the state", "%s", why);
}
void storm_check_end(struct storm *storm)
{
    (void)storm;
}
