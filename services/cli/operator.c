/* The services on the bus, with the operator's key. Only commands that need it open the bus; `up` never does, because
   it starts processes (pitfalls: nothing is spawned from a process with a ZeroMQ context). */
#include "cli.h"

#include "bus/bus.h"
#include "config/config.h"
#include "message/message.h"

#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#define PEERS_MAX CONFIG_INSTANCES_MAX

static struct {
    struct ev_loop *loop;
    struct bus *bus;
    const Config__Instance *instances[PEERS_MAX];
    struct bus_peer *peers[PEERS_MAX];
    unsigned count;
} connection;

struct asking {
    struct cli *cli;
    const Bus__Reply *reply;
    bool done;
};

static bool connect_bus(struct cli *cli)
{
    Config__Config *config = cli_config(cli);
    if (!config || connection.bus)
        return config != NULL;
    signal(SIGPIPE, SIG_IGN);
    connection.loop = ev_default_loop(EVFLAG_NOENV);
    enum err err = bus_open(connection.loop, config, "operator", &connection.bus);
    if (err)
        cli_fail("the bus cannot be opened with the operator's key of %s: %s", config->secrets, err_text(err));
    return err == ERR_NONE;
}

static struct bus_peer *peer_of(const Config__Instance *instance)
{
    for (unsigned i = 0; i < connection.count; i++)
        if (connection.instances[i] == instance)
            return connection.peers[i];
    if (connection.count == PEERS_MAX || bus_connect(connection.bus, instance, &connection.peers[connection.count]))
        return NULL;
    connection.instances[connection.count] = instance;
    return connection.peers[connection.count++];
}

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asking *asking = context;
    asking->done = true;
    if (!err)
        asking->reply = (Bus__Reply *)message_copy(&reply->base, &asking->cli->arena);
    ev_break(connection.loop, EVBREAK_ONE);
}

void cli_ask_each(struct cli *cli, const Config__Instance *const *instances, size_t count,
                  Bus__Request *const *requests, uint32_t timeout_ms, const Bus__Reply **replies_out)
{
    struct asking askings[PEERS_MAX];
    bug_unless(count <= PEERS_MAX);
    bool connected = connect_bus(cli);
    for (size_t i = 0; i < count; i++) {
        struct bus_peer *peer = connected && instances[i] ? peer_of(instances[i]) : NULL;
        askings[i] = (struct asking){.cli = cli, .done = !peer};
        if (peer)
            bus_request(peer, requests[i], timeout_ms, on_reply, &askings[i]);
    }
    for (size_t i = 0; i < count; i++) {
        while (!askings[i].done)
            ev_run(connection.loop, 0);
        replies_out[i] = askings[i].reply;
    }
}

const Bus__Reply *cli_ask(struct cli *cli, Hb__Service service, uint32_t partition, Bus__Request *request,
                          uint32_t timeout_ms)
{
    const Bus__Reply *reply;
    const Config__Instance *instance = cli_config(cli) ? config_instance(cli->config, service, partition) : NULL;
    cli_ask_each(cli, &instance, 1, &request, timeout_ms, &reply);
    return reply;
}

const Bus__ControlReply *cli_control(struct cli *cli, const Config__Instance *instance, Bus__Control__What what,
                                     const char *path, uint32_t timeout_ms)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = what;
    control.path = (char *)(uintptr_t)(path ? path : "");
    const Bus__Reply *reply = cli_ask(cli, instance->service, instance->partition, &request, timeout_ms);
    return reply && reply->kind_case == BUS__REPLY__KIND_CONTROL ? reply->control : NULL;
}

const char *cli_instance_name(struct cli *cli, const Config__Instance *instance)
{
    const char *service = config_service_name(instance->service);
    for (size_t i = 0; i < cli->config->n_instances; i++)
        if (cli->config->instances[i]->service == instance->service && cli->config->instances[i] != instance)
            return arena_printf(&cli->arena, "%s-%" PRIu32, service, instance->partition);
    return service;
}

bool cli_is_service(const Config__Instance *instance)
{
    return instance->service != HB__SERVICE__GATEWAY && instance->service != HB__SERVICE__LINK;
}

static int say_refusal(const Hb__Refusal *refusal)
{
    cli_fail("%s %s", refusal->text ? refusal->text->en : refusal->code, refusal->field);
    for (size_t i = 0; i < refusal->n_problems; i++)
        fprintf(stderr, "  %s: %s\n", refusal->problems[i]->field,
                refusal->problems[i]->text ? refusal->problems[i]->text->en : "");
    return CLI_FAILED;
}

const Hb__CommandReply *cli_directory(struct cli *cli, Directory__Command *directory)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    command.account = (char *)(uintptr_t) "operator";
    command.id = arena_printf(&cli->arena, "%013lld-%08x%08x", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                              randombytes_random(), randombytes_random());
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = directory;
    const Bus__Reply *reply = cli_ask(cli, HB__SERVICE__DIRECTORY, 0, &request, 10000);
    if (!cli->config)
        return false;
    if (!reply)
        cli_fail("directory does not answer");
    else if (reply->kind_case == BUS__REPLY__KIND_REFUSED)
        say_refusal(reply->refused);
    else if (reply->kind_case == BUS__REPLY__KIND_COMMAND && reply->command->refused)
        say_refusal(reply->command->refused);
    else if (reply->kind_case == BUS__REPLY__KIND_COMMAND)
        return reply->command;
    return NULL;
}

bool cli_organise(struct cli *cli, const Directory__Organise *organise)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    directory.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    directory.organise = (Directory__Organise *)(uintptr_t)organise;
    return cli_directory(cli, &directory) != NULL;
}
