/* `hearback health NAME`: one instance, asked with its own key, so that a container or a machine needs no other.
   Exit code 0 when it is ready. */
#include "cli.h"

#include "bus/bus.h"
#include "config/config.h"

#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ASK_MS 2000u

struct asking {
    struct ev_loop *loop;
    char health[32];
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asking *asking = context;
    if (!err && reply->kind_case == BUS__REPLY__KIND_CONTROL && reply->control->position)
        snprintf(asking->health, sizeof asking->health, "%s", reply->control->position->health);
    ev_break(asking->loop, EVBREAK_ALL);
}

static const char *health_of(struct cli *cli, const Config__Instance *instance)
{
    static struct asking asking;
    struct bus *bus;
    struct bus_peer *peer;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    const char *name =
        arena_printf(&cli->arena, "%s-%" PRIu32, config_service_name(instance->service), instance->partition);
    signal(SIGPIPE, SIG_IGN);
    asking.loop = ev_default_loop(EVFLAG_NOENV);
    enum err err = bus_open(asking.loop, cli->config, name, &bus);
    if (!err)
        err = bus_connect(bus, instance, &peer);
    if (err)
        return cli_fail("%s.secret of %s does not open the bus: %s", name, cli->config->secrets, err_text(err)), NULL;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__POSITION;
    bus_request(peer, &request, ASK_MS, on_reply, &asking);
    ev_run(asking.loop, 0);
    return *asking.health ? asking.health : "down";
}

/* It answers: whether the services behind it do is not its own health. */
static const char *health_of_gateway(struct cli *cli)
{
    struct http_reply reply;
    const char *address = cli->config->http->address;
    if (!cli->url) /* bound to all addresses, it is asked at this one */
        cli->url = arena_printf(&cli->arena, "http://%s:%" PRIu32,
                                strcmp(address, "0.0.0.0") == 0 ? "127.0.0.1" : address, cli->config->http->port);
    cli_http(cli, "GET", "/healthz", NULL, NULL, &reply);
    return reply.status == 200 ? "ready" : "down";
}

int cli_health(struct cli *cli, int argc, char **argv)
{
    if (argc != 2)
        return cli_usage(
            "hearback health NAME\n"
            "  exit code 0 when that instance (casework, or casework-1) is ready; needs hearback.yaml and its\n"
            "  own secret key");
    const Config__Instance *instance = cli_instance_named(cli, argv[1]);
    if (!instance)
        return CLI_FAILED;
    const char *health = instance->service == HB__SERVICE__GATEWAY ? health_of_gateway(cli) : health_of(cli, instance);
    if (health)
        printf("%s\n", health);
    return health && strcmp(health, "ready") == 0 ? CLI_GOOD : CLI_FAILED;
}
