/* judge ROUNDS: how many judgements a second common/clock gives on a usual case (registered, accepted, asked back and
   paused, answered; a limit of ten working days over a holiday), alternating with a yardstick of this machine:
   BLAKE2b-256 of 300 bytes. One pair of figures a round. */
#include "fixture.h"
#include "measure.h"

#include <sodium.h>

#define ROUND_NS 200000000u

static void case_open(struct world *world)
{
    world_open(world);
    START(world, STAGE, "accepted");
    STOP(world, STEP, "answer");
    limit_add(world, condition_of(world, "joint", "yes"), POLICY__TERM__UNIT__WORKING_DAYS, 10);
    limit_add(world, NULL, POLICY__TERM__UNIT__WORKING_DAYS, 5);
    stage(world, "2025-09-28 16:00", "registered", POLICY__PHASE__NEW);
    fact_text(world, stage(world, "2025-09-29 10:00", "accepted", POLICY__PHASE__WORKING), "joint", "yes");
    step(world, "2025-09-29 15:00", "contact");
    stage(world, "2025-10-09 09:00", "asked_back", POLICY__PHASE__WAITING);
    stage(world, "2025-10-13 09:00", "handling", POLICY__PHASE__WORKING);
    step(world, "2025-10-14 11:00", "investigate");
    step(world, "2025-10-15 17:00", "propose");
    step(world, "2025-10-16 10:00", "answer");
}

/* The arena is taken back after each: a service has one per input. */
static double judgements_per_second(struct world *world)
{
    int64_t horizon = at(world, "2025-10-20 12:00");
    uint64_t began = processor_ns(), now = began, count = 0;
    struct arena_mark mark = arena_mark(&world->arena);
    for (; now - began < ROUND_NS; now = processor_ns(), count++) {
        size_t runs;
        struct run *run = judge_first(world, world->count, horizon, &runs);
        if (runs != 1 || run->state != RUN_MET || run->missed)
            fail_msg("the judgement is wrong: nothing was measured");
        arena_return(&world->arena, mark);
    }
    return (double)count / ((double)(now - began) / 1e9);
}

static double hashes_per_second(void)
{
    uint8_t content[300] = {0};
    uint64_t began = processor_ns(), now = began, count = 0;
    for (; now - began < ROUND_NS; now = processor_ns(), count++)
        crypto_generichash(content, 32, content, sizeof content, NULL, 0);
    return (double)count / ((double)(now - began) / 1e9);
}

int main(int argc, char **argv)
{
    struct world world;
    if (argc != 2 || sodium_init() < 0) {
        fprintf(stderr, "usage: judge ROUNDS\n");
        return 2;
    }
    case_open(&world);
    for (unsigned long round = strtoul(argv[1], NULL, 10); round > 0; round--) {
        double hashes = hashes_per_second();
        printf("{\"judgements_per_second\": %.1f, \"hashes_per_second\": %.1f}\n", judgements_per_second(&world),
               hashes);
    }
    world_close(&world);
    return 0;
}
