/* `hearback policy`: publish goes through the gateway; check and rehearse need no running system. */
#include "cli.h"
#include "rehearse.h"

#include <string.h>

static const char usage[] =
    "hearback policy publish SITE PACK|FOLDER ... [--from DAY [--replace]] [--case ID] [--if-none]\n"
    "                       [--operator]\n"
    "hearback policy withdraw SITE [--operator]\n"
    "hearback policy list\n"
    "hearback policy move SITE [--kind KIND ...] [--case CASE ...] [--dry-run]\n"
    "hearback policy check PACK|FOLDER ...\n"
    "hearback policy diff OLD NEW\n"
    "hearback policy flow PACK KIND\n"
    "hearback policy explain CASE\n"
    "hearback policy rehearse SCENARIO.yaml ...\n"
    "hearback policy whatif PACK|FOLDER ... --since DATE";

int cli_policy(struct cli *cli, int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "publish") == 0)
        return policy_publish_main(cli, argc - 2, argv + 2);
    if (argc > 2 && strcmp(argv[1], "withdraw") == 0)
        return policy_withdraw_main(cli, argc - 2, argv + 2);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return policy_list_main(cli);
    if (argc > 1 && strcmp(argv[1], "move") == 0)
        return policy_move_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return check_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "diff") == 0)
        return policy_diff_main(cli, argc - 1, argv + 1);
    if (argc > 2 && strcmp(argv[1], "explain") == 0) { /* the same as case show CASE --explain */
        char *show[] = {argv[0], "show", argv[2], "--explain", NULL};
        return cli_case(cli, 4, show);
    }
    if (argc > 1 && strcmp(argv[1], "flow") == 0)
        return policy_flow_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "rehearse") == 0)
        return rehearse_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "whatif") == 0)
        return whatif_main(cli, argc - 1, argv + 1);
    return cli_usage(usage);
}
