/* toy_simulation [FIRST_SEED COUNT]: two toy services under faults. After each seed: every acknowledged command is
   present once, chains hold, cursors are not ahead of logs, a fresh fold equals the state. */
#include "../unit/support/folder.h"
#include "simulation/simulation.h"
#include "toys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMANDS 20
#define START_MS 1740960000000ll

struct sent {
    char id[40];
    uint64_t number;
    bool acknowledged;
    unsigned present;
};

struct story {
    struct simulation *simulation;
    struct sent sent[COMMANDS];
};

struct attempt {
    struct story *story;
    unsigned index;
};

static void try_again(struct story *story, unsigned index);

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct attempt *attempt = context;
    struct sent *sent = &attempt->story->sent[attempt->index];
    bool accepted = !err && reply->kind_case == BUS__REPLY__KIND_COMMAND && !reply->command->refused;
    if (accepted)
        sent->acknowledged = true;
    free(attempt);
}

static void try_again(struct story *story, unsigned index)
{
    struct sent *sent = &story->sent[index];
    struct attempt *attempt = malloc(sizeof *attempt);
    *attempt = (struct attempt){story, index};
    uint8_t body[8];
    bytes_put_u64(body, sent->number);
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.id = sent->id;
    command.case_id = index % 5 + 1;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){8, body};
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    simulation_ask(story->simulation, HB__SERVICE__TOY_PING, &request, 3000, on_reply, attempt);
}

static bool count_commands(void *context, const Hb__Event *event)
{
    struct story *story = context;
    if (event->cause->kind_case == HB__CAUSE__KIND_COMMAND)
        for (unsigned i = 0; i < COMMANDS; i++)
            story->sent[i].present += strcmp(story->sent[i].id, event->cause->command->id) == 0;
    return true;
}

static int fail(uint64_t seed, const char *what)
{
    printf("seed %" PRIu64 ": %s\n", seed, what);
    return 1;
}

static void remove_folder(const char *folder)
{
    if (!folder_remove(folder))
        perror(folder);
}

static int run_seed(uint64_t seed, const char *base)
{
    char folder[512], why[512];
    snprintf(folder, sizeof folder, "%s/seed-%" PRIu64, base, seed);
    const struct service *const services[] = {&toy_ping, &toy_pong};
    struct simulation_options options = {
        .seed = seed, .folder = folder, .start_ms = START_MS, .services = services, .services_count = 2};
    options.faults = (struct simulation_faults){.drop = (unsigned)(seed % 3) * 20,
                                                .duplicate = (unsigned)(seed % 5) * 20,
                                                .delay_ms_max = (unsigned)(seed % 7) * 15,
                                                .crash = (unsigned)(seed % 4) * 15,
                                                .down_ms_max = 2000};
    struct story story = {.simulation = simulation_new(&options)};
    for (unsigned i = 0; i < COMMANDS; i++) {
        story.sent[i].number = simulation_random(story.simulation, 12);
        snprintf(story.sent[i].id, sizeof story.sent[i].id, "1740960000000-%u", i);
    }
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < COMMANDS; i++)
            if (!story.sent[i].acknowledged && (round || simulation_random(story.simulation, 2)))
                try_again(&story, i);
        simulation_run(story.simulation,
                       simulation_now(story.simulation) + 500 + (int64_t)simulation_random(story.simulation, 3000));
        if (seed % 3 == 1 && round % 7 == 2) /* nobody knows whether it is there */
            simulation_append_set(story.simulation, round % 2 ? HB__SERVICE__TOY_PING : HB__SERVICE__TOY_PONG,
                                  APPEND_UNKNOWN);
        if (round % 10 == 5 && simulation_check(story.simulation, why, sizeof why))
            return fail(seed, why);
    }
    simulation_faults_set(story.simulation, (struct simulation_faults){0});
    for (unsigned i = 0; i < COMMANDS; i++)
        if (!story.sent[i].acknowledged)
            try_again(&story, i);
    int failed = 0;
    simulation_run(story.simulation, simulation_now(story.simulation) + 120000);
    if (!simulation_settle(story.simulation, 120000))
        failed = fail(seed, "it does not come to rest");
    if (!failed && simulation_check(story.simulation, why, sizeof why))
        failed = fail(seed, why);
    simulation_events(story.simulation, HB__SERVICE__TOY_PING, 0, count_commands, &story);
    for (unsigned i = 0; i < COMMANDS && !failed; i++) {
        if (!story.sent[i].acknowledged)
            failed = fail(seed, "a command was never acknowledged");
        else if (story.sent[i].present != 1)
            failed =
                fail(seed, story.sent[i].present ? "a command took effect twice" : "an acknowledged command is lost");
    }
    simulation_free(story.simulation);
    remove_folder(folder);
    return failed;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 50;
    char base[] = "/dev/shm/hearback-toys-XXXXXX";
    if (!mkdtemp(base))
        return perror(base), 2;
    int failed = 0;
    for (uint64_t seed = first; seed < first + count; seed++)
        failed += run_seed(seed, base);
    remove_folder(base);
    printf("%" PRIu64 " seeds, %d failed\n", count, failed);
    return failed ? 1 : 0;
}
