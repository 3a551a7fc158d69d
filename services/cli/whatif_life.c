/* One life: the services' own code under a virtual clock. Only directory is not itself: it says again what it said. */
#include "whatif.h"

#include "message/message.h"
#include "simulation/simulation.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct service intake_service, routing_service, casework_service, watchdog_service, escalation_service,
    notification_service, analytics_service;

/* ---- directory, as it was ---- */

/* The command holds an event of the log: said word for word, at the time it was said. */
static void say_again(struct turn *turn, const Hb__Command *command)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(command->payload_case == HB__COMMAND__PAYLOAD_TOY);
    bug_unless(message_load(&hb__event__descriptor, bytes_of(command->toy.data, command->toy.len), turn_arena(turn),
                            &message, &why) == ERR_NONE);
    const Hb__Event *was = (Hb__Event *)message;
    Hb__Event *event = turn_event(turn, was->site, 0);
    event->occurred_ms = was->occurred_ms;
    event->actor = was->actor;
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = was->directory;
    turn_say(turn, event);
}

static void fold_nothing(struct turn *turn, const Hb__Event *event)
{
    (void)turn;
    (void)event;
}

static const struct service directory_again = {
    .name = "directory", .id = HB__SERVICE__DIRECTORY, .decide = say_again, .evolve = fold_nothing};

static const struct service *const services[] = {&directory_again,      &intake_service,   &routing_service,
                                                 &casework_service,     &watchdog_service, &escalation_service,
                                                 &notification_service, &analytics_service};

/* ---- the world ---- */

bool life_open(struct life *life, struct whatif *whatif, unsigned which, int64_t start_ms)
{
    life->whatif = whatif;
    life->which = which;
    arena_init(&life->arena);
    snprintf(life->folder, sizeof life->folder, "%s/hearback-whatif-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(life->folder)) {
        perror(life->folder);
        *life->folder = 0;
        return false;
    }
    struct simulation_options options = {.seed = 1,
                                         .folder = life->folder,
                                         .start_ms = start_ms,
                                         .services = services,
                                         .services_count = sizeof services / sizeof *services,
                                         .calendars_folder = cli_share(whatif->cli, "calendars")};
    life->simulation = simulation_new(&options);
    return true;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

void life_close(struct life *life)
{
    if (life->simulation)
        simulation_free(life->simulation);
    if (*life->folder)
        (void)nftw(life->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    map_free(&life->cases);
    map_free(&life->opened);
    arena_fini(&life->arena);
}

void life_run(struct life *life, int64_t at_ms)
{
    simulation_run(life->simulation, at_ms);
}

/* ---- speaking ---- */

const Hb__CommandReply *life_send(struct life *life, Hb__Service service, Hb__Command *command)
{
    if (!*command->account)
        command->account = "whatif";
    command->id =
        arena_printf(&life->arena, "%013" PRId64 "-%" PRIu64, simulation_now(life->simulation), life->commands++);
    const Hb__CommandReply *reply = simulation_command(life->simulation, service, command, &life->arena);
    life_run(life, simulation_now(life->simulation));
    return reply;
}

void life_say(struct life *life, const Hb__Event *event)
{
    Hb__Command command = HB__COMMAND__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    struct bytes packed = message_pack(&event->base, &life->arena);
    actor.operator_ = true;
    command.actor = &actor;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    const Hb__CommandReply *reply = life_send(life, HB__SERVICE__DIRECTORY, &command);
    bug_unless(reply && !reply->refused);
}

/* ---- listening ---- */

static bool take(void *context, const Hb__Event *event)
{
    lived_take(context, event);
    return true;
}

/* Who opened a case is known before what became of it: intake's log first. */
void life_collect(struct life *life)
{
    arena_reset(&life->arena);
    for (unsigned service = HB__SERVICE__INTAKE; service < HB__SERVICE__ANALYTICS; service++)
        life->heard[service] =
            simulation_events(life->simulation, (Hb__Service)service, life->heard[service], take, life);
}
