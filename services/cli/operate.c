/* What only an operator may decide about a running service: that the machine's clock is right after all, and that an
   event which made a service fail is handed over again. */
#include "cli.h"

#include "config/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 2000u

/* All of them, not only those that doubt it by now: an idle service looks at the clock every twenty seconds. */
int cli_accept_clock(struct cli *cli, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return cli_usage(
            "hearback accept-clock\n"
            "  the clock of this machine was set, and is right now: services that stopped writing because of "
            "it go on");
    if (!cli_config(cli))
        return CLI_FAILED;
    for (size_t i = 0; i < cli->config->n_instances; i++) {
        const Config__Instance *instance = cli->config->instances[i];
        const char *name = config_service_name(instance->service);
        if (!cli_is_service(instance))
            continue;
        const Bus__ControlReply *reply = cli_control(cli, instance, BUS__CONTROL__WHAT__ACCEPT_CLOCK, NULL, ASK_MS);
        if (!reply || !reply->position)
            return cli_fail("%s does not answer; the services named above accept the clock, the others do not yet",
                            name);
        printf("%s accepts the clock%s\n", name,
               strcmp(reply->position->health, "clock_suspect") == 0 ? " it doubted" : "");
    }
    return CLI_GOOD;
}

static int say_keys(const Hb__Refusal *refused)
{
    cli_fail("%s", refused->text ? refused->text->en : refused->code);
    for (size_t i = 0; i < refused->n_accepted; i++)
        fprintf(stderr, "  %s\n", refused->accepted[i]);
    return CLI_FAILED;
}

int cli_release(struct cli *cli, int argc, char **argv)
{
    if (argc != 3)
        return cli_usage(
            "hearback release SERVICE KEY\n"
            "  hands an event that was set aside, because it made SERVICE fail twice, over again: after an\n"
            "  update that mends it. KEY as in the log file: poison/intake-0/17; a wrong one is\n"
            "  answered with those there are");
    Hb__Service service = config_service_of_name(argv[1]);
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    if (service == HB__SERVICE__SERVICE_NONE || service == HB__SERVICE__GATEWAY)
        return cli_fail("there is no service \"%s\"; accepted: directory intake routing casework watchdog escalation "
                        "notification analytics",
                        argv[1]);
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__RELEASE;
    control.key = argv[2];
    const Bus__Reply *reply = cli_ask(cli, service, 0, &request, ASK_MS);
    if (!reply)
        return cli->config ? cli_fail("%s does not answer", argv[1]) : CLI_FAILED;
    if (reply->kind_case == BUS__REPLY__KIND_REFUSED)
        return say_keys(reply->refused);
    printf("%s takes it again\n", argv[1]);
    return CLI_GOOD;
}
