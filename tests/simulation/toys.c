#include "toys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const tables[] = {"sum", "said"};
enum { SUM, SAID };

static uint64_t number_of(const Hb__Event *event)
{
    bug_unless(event->payload_case == HB__EVENT__PAYLOAD_TOY && event->toy.len == 8);
    return bytes_get_u64(event->toy.data);
}

static Hb__Event *toy_event(struct turn *turn, uint64_t case_id, uint64_t number)
{
    Hb__Event *event = turn_event(turn, "toy", case_id);
    event->payload_case = HB__EVENT__PAYLOAD_TOY;
    event->toy.len = 8;
    event->toy.data = arena_alloc(turn_arena(turn), 8);
    bytes_put_u64(event->toy.data, number);
    return event;
}

static void toy_decide(struct turn *turn, const Hb__Command *command)
{
    if (command->payload_case != HB__COMMAND__PAYLOAD_TOY || command->toy.len != 8) {
        turn_refuse(turn, 422, "bad_field", "须为八字节", "eight bytes are accepted");
        return;
    }
    turn_say(turn, toy_event(turn, command->case_id, bytes_get_u64(command->toy.data)));
}

/* Level-triggered: answers an event of the other once, whatever is redelivered. */
static void toy_react(struct turn *turn, const Hb__Event *event)
{
    if (event_own(turn, event) || number_of(event) == 0)
        return;
    turn_say(turn, toy_event(turn, event->case_id, number_of(event) - 1));
}

/* Order matters: sum = sum * 31 + number + who. */
static void toy_evolve(struct turn *turn, const Hb__Event *event)
{
    struct key key = key_u64(event->case_id);
    struct bytes old;
    uint8_t row[16] = {0};
    if (state_get(turn, SUM, key_bytes(&key), &old))
        memcpy(row, old.data, sizeof row);
    bytes_put_u64(row, bytes_get_u64(row) * 31 + number_of(event) + event->service);
    bytes_put_u64(row + 8, bytes_get_u64(row + 8) + 1);
    state_put(turn, SUM, key_bytes(&key), bytes_of(row, sizeof row));
    if (event->service == HB__SERVICE__TOY_PING)
        turn_case_known(turn, event->case_id);
    if (event_own(turn, event) && number_of(event) % 5 == 4) { /* a timer a while later: another kind of input */
        struct key timer = key_u64(event->case_id);
        key_add_u64(&timer, event->offset);
        turn_timer_set(turn, event->recorded_ms + 1000, key_bytes(&timer));
    }
}

static void toy_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    (void)due_ms;
    turn_say(turn, toy_event(turn, bytes_get_u64(key.data), 0));
}

static void toy_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                      Hb__CommandReply *reply)
{
    (void)turn;
    (void)command;
    (void)said;
    reply->version = count;
}

/* Pong must know a case by a ping before it folds a pong's echo of it; only pings can make it known. */
static bool toy_needs(const Hb__Event *event)
{
    return event->service != HB__SERVICE__TOY_PING;
}

static bool toy_knows(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, SUM, key_bytes(&key));
}

const struct service toy_ping = {.name = "ping",
                                 .id = HB__SERVICE__TOY_PING,
                                 .hears = 1u << HB__SERVICE__TOY_PONG,
                                 .tables = tables,
                                 .tables_count = 2,
                                 .decide = toy_decide,
                                 .reply = toy_reply,
                                 .react = toy_react,
                                 .evolve = toy_evolve,
                                 .fire = toy_fire,
                                 .needs_case = toy_needs,
                                 .knows_case = toy_knows};
const struct service toy_pong = {.name = "pong",
                                 .id = HB__SERVICE__TOY_PONG,
                                 .hears = 1u << HB__SERVICE__TOY_PING,
                                 .tables = tables,
                                 .tables_count = 2,
                                 .decide = toy_decide,
                                 .reply = toy_reply,
                                 .react = toy_react,
                                 .evolve = toy_evolve,
                                 .fire = toy_fire,
                                 .needs_case = toy_needs,
                                 .knows_case = toy_knows};
