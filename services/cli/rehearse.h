/* What policy writers type: `hearback policy rehearse SCENARIO.yaml...` and `hearback policy check PACK...`. Neither
   needs a running system: the services' own code runs in this process, under a virtual clock. */
#ifndef HEARBACK_CLI_REHEARSE_H
#define HEARBACK_CLI_REHEARSE_H

#include "cli.h"

#include "hearback/policy.pb-c.h"

/* Both take what stands behind their name (argv[0] is not looked at). 0: as expected, or without a mistake; 1: the
   first difference, or the mistakes, were printed; 2: the arguments or a scenario could not be understood. */
int rehearse_main(struct cli *cli, int argc, char **argv);
int check_main(struct cli *cli, int argc, char **argv);
int policy_flow_main(struct cli *cli, int argc, char **argv);
int policy_diff_main(struct cli *cli, int argc, char **argv);    /* 0: the same; 1: different */
int whatif_main(struct cli *cli, int argc, char **argv);         /* likewise */
int policy_publish_main(struct cli *cli, int argc, char **argv); /* these ask a running system */
int policy_withdraw_main(struct cli *cli, int argc, char **argv);
int policy_list_main(struct cli *cli);
int policy_move_main(struct cli *cli, int argc, char **argv);

/* calendar.c: which dates of open clocks at the site have moved since then, into the list (NULL: only printed). */
bool calendar_list_moved(struct cli *cli, const char *site, const char *since, json_t *list);

/* A folder is a pack of its own name; its neighbours are found as well. */
struct scenario_places;
const char *pack_name_of(struct scenario_places *places, struct arena *arena, const char *pack);
/* Packs as one site uses them, compiled and checked. NULL: there are mistakes, now on standard error as `policy check`
   words them. */
Policy__Policy *check_compile(struct scenario_places *places, bool english, char **packs, size_t packs_count,
                              struct arena *arena);

#endif
