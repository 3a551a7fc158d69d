/* as_complainant FOLDER own|file|timeline|clocks CASE_ID [TRACKING_CODE]: asks the running services over the bus what a
   gateway would ask for a complainant, with the gateway's key, and prints the answer as JSON; then every text of the
   answer as intake opens it, a line each, or why it does not. */
#include "bus/bus.h"
#include "config/config.h"
#include "message/message.h"
#include "json/json.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ASK_MS 10000u

struct asking {
    struct ev_loop *loop;
    struct bus *bus;
    const Config__Config *config;
    struct arena arena;
    uint64_t case_id;
    Hb__Actor actor;
    Hb__Sealed *boxes[1000];
    size_t boxes_count;
    const Bus__Reply *reply;
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asking *asking = context;
    asking->reply = err ? NULL : (const Bus__Reply *)message_copy(&reply->base, &asking->arena);
    ev_break(asking->loop, EVBREAK_ALL);
}

static const Bus__Reply *ask(struct asking *asking, Hb__Service service, Bus__Request *request)
{
    struct bus_peer *peer;
    const Config__Instance *instance = config_instance(asking->config, service, 0);
    if (!instance || bus_connect(asking->bus, instance, &peer))
        return NULL;
    bus_request(peer, request, ASK_MS, on_reply, asking);
    ev_run(asking->loop, 0);
    return asking->reply;
}

static const Hb__QueryReply *query_as(struct asking *asking, const char *what)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetOwn own = CASEWORK__GET_OWN__INIT;
    Casework__GetCase file = CASEWORK__GET_CASE__INIT;
    Casework__GetTimeline timeline = CASEWORK__GET_TIMELINE__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks clocks = WATCHDOG__GET_CLOCKS__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    query.actor = &asking->actor;
    query.case_id = own.case_id = file.case_id = timeline.case_id = clocks.case_id = asking->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    if (strcmp(what, "own") == 0) {
        casework.kind_case = CASEWORK__QUERY__KIND_OWN;
        casework.own = &own;
    } else if (strcmp(what, "file") == 0) {
        casework.kind_case = CASEWORK__QUERY__KIND_GET;
        casework.get = &file;
    } else if (strcmp(what, "timeline") == 0) {
        casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
        casework.timeline = &timeline;
    } else {
        query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
        query.watchdog = &watchdog;
        watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
        watchdog.clocks = &clocks;
    }
    const Bus__Reply *reply =
        ask(asking, query.payload_case == HB__QUERY__PAYLOAD_CASEWORK ? HB__SERVICE__CASEWORK : HB__SERVICE__WATCHDOG,
            &request);
    return reply && reply->kind_case == BUS__REPLY__KIND_QUERY ? reply->query : NULL;
}

static void find_box(ProtobufCMessage *message, void *context)
{
    struct asking *asking = context;
    if (message->descriptor == &hb__sealed__descriptor && asking->boxes_count < 1000)
        asking->boxes[asking->boxes_count++] = (Hb__Sealed *)message;
}

static void open_boxes(struct asking *asking, char *tracking_code)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Open open = INTAKE__OPEN__INIT;
    char id[64];
    snprintf(id, sizeof id, "%013lld-complainant-%d", (long long)time(NULL) * 1000, getpid());
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    command.id = id;
    command.account = "portal";
    command.actor = &asking->actor;
    command.case_id = asking->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = &open;
    open.purpose = "test: as the complainant";
    open.tracking_code = tracking_code;
    open.boxes = asking->boxes;
    open.n_boxes = asking->boxes_count;
    const Bus__Reply *reply = ask(asking, HB__SERVICE__INTAKE, &request);
    if (!reply || reply->kind_case != BUS__REPLY__KIND_COMMAND)
        puts("no answer");
    else if (reply->command->refused)
        printf("refused %s %s\n", reply->command->refused->code, reply->command->refused->field);
    else
        for (size_t i = 0; i < reply->command->opened->n_texts; i++)
            printf("%s: %s\n", asking->boxes[i]->field, reply->command->opened->texts[i]);
}

int main(int count, char **words)
{
    static struct asking asking;
    Config__Config *config;
    char *why = "";
    if (count < 4)
        return 2;
    arena_init(&asking.arena);
    signal(SIGPIPE, SIG_IGN);
    asking.loop = ev_default_loop(EVFLAG_NOENV);
    asking.case_id = strtoull(words[3], NULL, 10);
    hb__actor__init(&asking.actor);
    asking.actor.complainant = true;
    if (config_load(arena_printf(&asking.arena, "%s/hearback.yaml", words[1]), &asking.arena, &config, &why) ||
        bus_open(asking.loop, config, "gateway-0", &asking.bus)) {
        fprintf(stderr, "%s: %s\n", words[1], why);
        return 1;
    }
    asking.config = config;
    const Hb__QueryReply *reply = query_as(&asking, words[2]);
    if (!reply)
        return 1;
    json_t *json = json_from_message(&reply->base, NULL);
    json_dumpf(json, stdout, JSON_COMPACT);
    puts("");
    json_decref(json);
    message_visit((ProtobufCMessage *)(uintptr_t)&reply->base, find_box, &asking);
    if (count > 4)
        open_boxes(&asking, words[4]);
    return 0;
}
