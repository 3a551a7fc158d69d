/* Command line options that become the query string of a list or report. */
#ifndef HEARBACK_CLI_FILTER_H
#define HEARBACK_CLI_FILTER_H

#include "cli.h"

struct filter_option {
    const char *flag;      /* "--site" */
    const char *parameter; /* "site"; NULL: a switch of the caller's own, without a value */
    bool *found;           /* of a switch */
};

/* "?site=haitang&kind=repair", "" for none. `--mapping NAME` names the site of that mapping. NULL after saying what is
 * wrong. */
char *filter_query(struct cli *cli, int argc, char **argv, const struct filter_option *options, size_t count);

#endif
