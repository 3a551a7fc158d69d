/* What clients do who cannot be sure: the same command, under the same id, until there is an answer. An answer that
   asks to come back later (503) is none. */
#include "storm.h"

#include "message/message.h"

#include <inttypes.h>
#include <stdio.h>

#define ASK_MS_MIN 800u
#define ASK_MS_MORE 6000u
#define FINISH_ROUNDS 60u
#define REST_MS 120000ll

char *storm_command_id(struct storm *storm)
{
    return arena_printf(&storm->arena, "%013" PRId64 "-%zu", simulation_wall(storm->simulation), storm->commands_count);
}

static const Hb__CommandReply *copy_reply(struct storm *storm, const Hb__CommandReply *reply)
{
    return (const Hb__CommandReply *)message_copy((const ProtobufCMessage *)reply, &storm->arena);
}

/* An acceptance counts whatever came before: of two copies under way the first may have come too early. */
static void take_answer(struct storm_command *one, const Hb__CommandReply *reply)
{
    struct storm *storm = one->storm;
    if (reply->refused && reply->refused->status == 503)
        return;
    if (one->fate == STORM_ACCEPTED && !reply->refused) { /* asked again: the same answer */
        if (one->reply->case_id != reply->case_id || one->reply->version != reply->version)
            storm_fail(storm, "a repeated command has its first outcome",
                       "%s: case %" PRIx64 " version %" PRIu64 ", first %" PRIx64 " and %" PRIu64, one->command->id,
                       reply->case_id, reply->version, one->reply->case_id, one->reply->version);
        return;
    }
    if (one->fate == STORM_ACCEPTED && one->existed)
        return; /* nothing was said, so nothing is kept: it is decided anew, and he may have lost the right meanwhile */
    if (one->fate == STORM_ACCEPTED)
        storm_fail(storm, "an acknowledged command stays acknowledged", "%s was accepted and is now refused: %s",
                   one->command->id, reply->refused->code);
    one->fate = reply->refused ? STORM_REFUSED : STORM_ACCEPTED;
    one->reply = copy_reply(storm, reply);
    one->status = reply->refused ? reply->refused->status : 0;
    one->code = reply->refused ? one->reply->refused->code : NULL;
    one->existed =
        !reply->refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_SUBMITTED && reply->submitted->existed;
    storm->tally.accepted += one->fate == STORM_ACCEPTED;
    storm->tally.refused += one->fate == STORM_REFUSED;
    storm_tell(storm, "%s %s%s%s", one->command->id,
               one->fate == STORM_ACCEPTED ? "accepted" : "refused: ", one->code ? one->code : "",
               one->existed ? " (existed)" : "");
}

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct storm_command *one = context;
    one->under_way--;
    if (!err && reply->kind_case == BUS__REPLY__KIND_COMMAND)
        take_answer(one, reply->command);
    else if (!err && reply->kind_case == BUS__REPLY__KIND_REFUSED) {
        Hb__CommandReply refused = HB__COMMAND_REPLY__INIT;
        refused.refused = reply->refused;
        take_answer(one, &refused);
    }
}

void storm_send_again(struct storm_command *one)
{
    struct storm *storm = one->storm;
    Bus__Request request = BUS__REQUEST__INIT;
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = one->command;
    one->asked++;
    one->under_way++;
    one->doubled |= storm->faults.duplicate > 0;
    simulation_ask(storm->simulation, one->to, &request, ASK_MS_MIN + (uint32_t)storm_draw(storm, ASK_MS_MORE),
                   on_reply, one);
}

struct storm_command *storm_send(struct storm *storm, Hb__Service to, Hb__Command *command)
{
    struct storm_command *one = arena_zero(&storm->arena, sizeof *one);
    one->storm = storm;
    one->to = to;
    one->command = command;
    STORM_ADD(storm, storm->commands, storm->commands_count, one);
    storm_send_again(one);
    return one;
}

void storm_retry(struct storm *storm)
{
    for (size_t i = 0; i < storm->commands_count; i++)
        if (storm->commands[i]->fate == STORM_OPEN && storm->commands[i]->under_way < 2 && storm_chance(storm, 150))
            storm_send_again(storm->commands[i]);
}

static bool all_answered(struct storm *storm)
{
    bool answered = storm->flows == 0;
    for (size_t i = 0; i < storm->commands_count; i++) {
        struct storm_command *one = storm->commands[i];
        if (one->fate == STORM_OPEN && one->under_way == 0)
            storm_send_again(one);
        answered = answered && one->fate != STORM_OPEN && one->under_way == 0;
    }
    return answered;
}

/* Who is not at rest, and why. */
static void fail_unrested(struct storm *storm)
{
    char *who = arena_strdup(&storm->scratch, "");
    for (unsigned s = 1; s < STORM_SERVICES; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        Bus__PositionReport report;
        if (!instance) {
            who = arena_printf(&storm->scratch, "%s; service %u is down", who, s);
            continue;
        }
        instance_position(instance, &storm->scratch, &report);
        who = arena_printf(&storm->scratch,
                           "%s; service %u %s: jobs %" PRIu64 " timers %" PRIu64 " effects %" PRIu64 " parked %" PRIu64
                           " waiting %" PRIu64,
                           who, s, report.health, report.jobs, report.timers_due, report.effects_due, report.parked,
                           report.waiting);
        for (size_t i = 0; i < report.n_cursors; i++) {
            Hb__Service of = report.cursors[i]->log->service;
            struct instance *producer = simulation_instance(storm->simulation, of);
            Bus__PositionReport other;
            if (producer)
                instance_position(producer, &storm->scratch, &other);
            if (producer && other.end != report.cursors[i]->offset)
                who = arena_printf(&storm->scratch, "%s, at %" PRIu64 " of %" PRIu64 " of %d", who,
                                   report.cursors[i]->offset, other.end, of);
        }
    }
    storm_fail(storm, "all comes to rest", "not within %lld s%s", REST_MS / 1000, who);
    arena_reset(&storm->scratch);
}

static size_t open_count(const struct storm *storm)
{
    size_t open = 0;
    for (size_t i = 0; i < storm->commands_count; i++)
        open += storm->commands[i]->fate == STORM_OPEN;
    return open;
}

bool storm_finish(struct storm *storm)
{
    for (unsigned round = 0; round < FINISH_ROUNDS && !storm->failed; round++) {
        bool answered = all_answered(storm);
        if (!simulation_settle(storm->simulation, REST_MS)) {
            if (round < 3) /* what was lost in the storm is asked for again when its time is up */
                continue;
            fail_unrested(storm);
            return false;
        }
        if (answered)
            return true;
        simulation_run(storm->simulation, simulation_now(storm->simulation) + 2000);
    }
    storm_fail(storm, "every command has an answer", "%zu of %zu have none", open_count(storm), storm->commands_count);
    return false;
}

/* ---- each acknowledged command once, each refused one not at all ---- */

static void check_one(struct storm *storm, const struct storm_command *one)
{
    const char *id = one->command->id;
    bool silent = one->existed || one->to == HB__SERVICE__DIRECTORY; /* what is already so says nothing */
    if (one->fate == STORM_ACCEPTED && !one->first && !silent)
        storm_fail(storm, "every acknowledged command is in the log", "%s (%s) is not", id, one->command->account);
    if (one->fate == STORM_REFUSED && one->first && one->asked == 1 && !one->doubled)
        storm_fail(storm, "a refused command says nothing", "%s (%s) said offset %" PRIu64, id, one->code, one->first);
    if (one->twin && one->fate == STORM_ACCEPTED)
        storm_fail(storm, "another body under an id is refused", "%s was accepted twice", id);
    if (one->fate != STORM_ACCEPTED || !one->first || one->to == HB__SERVICE__DIRECTORY)
        return;
    const Hb__Event *said = storm->logs[one->to].list[one->first - 1];
    if (one->reply->case_id != said->case_id)
        storm_fail(storm, "the reply names what was said", "%s: case %" PRIx64 ", said %" PRIx64, id,
                   one->reply->case_id, said->case_id);
    bool step =
        one->to == HB__SERVICE__CASEWORK && said->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN; /* its own */
    if (step && one->command->expected_version &&
        said->casework->step_taken->version != one->command->expected_version + 1)
        storm_fail(storm, "who saw an older version is refused", "%s saw %" PRIu64 " and made %" PRIu64, id,
                   one->command->expected_version, said->casework->step_taken->version);
}

void storm_check_commands(struct storm *storm)
{
    for (size_t i = 0; i < storm->commands_count && !storm->failed; i++)
        if (simulation_instance(storm->simulation, storm->commands[i]->to)) /* its log was read to the end */
            check_one(storm, storm->commands[i]);
}
