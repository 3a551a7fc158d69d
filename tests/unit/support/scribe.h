/* Two small services for tests of the runtime. The speaker says what it is told to; the scribe writes down what it
   hears, page by page, so that order and repetition show. */
#ifndef HEARBACK_TESTS_SCRIBE_H
#define HEARBACK_TESTS_SCRIBE_H

#include "puppet.h"

#include <signal.h>

enum scribe_table { SCRIBE_PAGES, SCRIBE_TABLES };

static bool
    scribe_aborts; /* "abort" fails an assertion, as a mistake in a service would; "abort here" does in decide */
static bool scribe_aborts_in_evolve; /* else in react */
static int scribe_dies_by;           /* a signal; 0: by our own assertion */

static inline void scribe_die(void)
{
    if (scribe_dies_by)
        raise(scribe_dies_by);
    bug_unless(scribe_dies_by);
}

static inline char *scribe_text(struct turn *turn, const Hb__Event *event)
{
    return arena_text(turn_arena(turn), (const char *)event->toy.data, event->toy.len);
}

static inline void scribe_say(struct turn *turn, uint64_t case_id, const char *text)
{
    Hb__Event *event = turn_event(turn, "", case_id);
    event->payload_case = HB__EVENT__PAYLOAD_TOY;
    event->toy = (ProtobufCBinaryData){strlen(text), (uint8_t *)arena_strdup(turn_arena(turn), text)};
    turn_say(turn, event);
}

static inline bool scribe_number(const char *text, const char *word, unsigned *number_out)
{
    size_t size = strlen(word);
    if (strncmp(text, word, size) != 0)
        return false;
    *number_out = (unsigned)strtoul(text + size, NULL, 10);
    return true;
}

/* "many 3" says three events; "refuse" is refused; anything else is said. */
static inline void speaker_decide(struct turn *turn, const Hb__Command *command)
{
    const char *text = arena_text(turn_arena(turn), (const char *)command->toy.data, command->toy.len);
    unsigned number = 1;
    if (scribe_aborts && strcmp(text, "abort here") == 0)
        scribe_die();
    if (strcmp(text, "refuse") == 0) {
        turn_refuse(turn, 409, "guard", "不行", "no");
        return;
    }
    scribe_number(text, "many ", &number);
    for (unsigned i = 0; i < number; i++)
        scribe_say(turn, command->case_id, text);
}

static inline void speaker_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                                 Hb__CommandReply *reply)
{
    (void)turn;
    (void)command;
    reply->version = count ? said[0]->offset : 0;
}

static inline void scribe_evolve(struct turn *turn, const Hb__Event *event)
{
    const char *text = scribe_text(turn, event);
    struct key key = key_u64(event->case_id);
    struct bytes page = {0};
    unsigned number;
    if (scribe_aborts && scribe_aborts_in_evolve && strcmp(text, "abort") == 0)
        scribe_die();
    state_get(turn, SCRIBE_PAGES, key_bytes(&key), &page);
    char *longer =
        arena_printf(turn_arena(turn), "%.*s%s ", (int)page.size, page.data ? (const char *)page.data : "", text);
    state_put(turn, SCRIBE_PAGES, key_bytes(&key), bytes_of_text(longer));
    if (strcmp(text, "open") == 0)
        turn_case_known(turn, event->case_id);
    if (scribe_number(text, "job ", &number))
        turn_job_add(turn, "count", text, bytes_of_text(text));
    if (scribe_number(text, "timer ", &number))
        turn_timer_set(turn, event->recorded_ms + number, key_bytes(&key));
}

static size_t scribe_found_most; /* what earlier inputs had left in the arena when one was heard */

/* "echo" is answered once; "loop" without end; "many 3" and "burst 3" with three; "large 3" with one of three bytes;
   "spend 3" takes three bytes of memory. */
static inline void scribe_react(struct turn *turn, const Hb__Event *event)
{
    const char *text = scribe_text(turn, event);
    unsigned number;
    if (scribe_aborts && !scribe_aborts_in_evolve && strcmp(text, "abort") == 0)
        scribe_die();
    if (strcmp(text, "loop") == 0)
        scribe_say(turn, event->case_id, "loop");
    if (event_own(turn, event))
        return;
    if (turn_arena(turn)->used > scribe_found_most)
        scribe_found_most = turn_arena(turn)->used;
    if (scribe_number(text, "spend ", &number))
        arena_zero(turn_arena(turn), number);
    if (scribe_number(text, "large ", &number)) {
        char *large = arena_zero(turn_arena(turn), number + 1);
        scribe_say(turn, event->case_id, memset(large, 'x', number));
    }
    if (scribe_number(text, "burst ", &number))
        for (unsigned i = 0; i < number; i++)
            scribe_say(turn, event->case_id, "b");
    if (strcmp(text, "echo") == 0)
        scribe_say(turn, event->case_id, "echoed");
    if (scribe_number(text, "many ", &number))
        for (unsigned i = 0; i < number; i++)
            scribe_say(turn, event->case_id, "one");
}

static inline void scribe_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    (void)due_ms;
    scribe_say(turn, bytes_get_u64(key.data), "rang");
}

/* A job counts to its number, at most `keys_max` at a step, and says when it is done. */
static unsigned scribe_steps, scribe_step_most;
static inline struct bytes scribe_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                                           unsigned keys_max)
{
    unsigned number = 0, at = next.size ? (unsigned)bytes_get_u32(next.data) : 0;
    (void)what;
    scribe_number(arena_text(turn_arena(turn), (const char *)payload.data, payload.size), "job ", &number);
    unsigned count = number - at < keys_max ? number - at : keys_max;
    scribe_steps++;
    scribe_step_most = count > scribe_step_most ? count : scribe_step_most;
    struct key key = {.size = 0};
    key_add_u32(&key, at + count);
    if (at + count == number)
        scribe_say(turn, 0, arena_printf(turn_arena(turn), "counted %u", number));
    return at + count == number ? (struct bytes){0} : arena_copy(turn_arena(turn), key_bytes(&key));
}

static inline bool scribe_needs_case(const Hb__Event *event)
{
    return event->toy.len < 4 || memcmp(event->toy.data, "open", 4) != 0;
}

static inline bool scribe_knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, SCRIBE_PAGES, key_bytes(&key));
}

static inline void scribe_too_deep(struct turn *turn, const Hb__Event *cause)
{
    scribe_say(turn, cause->case_id, "deep");
}

static inline void speaker_evolve(struct turn *turn, const Hb__Event *event)
{
    (void)turn;
    (void)event;
}

static void (*scribe_begins)(struct turn *turn); /* what an answer does first; NULL: nothing */

/* The page of a case as last committed. */
static inline void scribe_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    struct key key = key_u64(query->case_id);
    struct bytes page = {0};
    if (scribe_begins)
        scribe_begins(turn);
    state_get(turn, SCRIBE_PAGES, key_bytes(&key), &page);
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_TOY;
    reply->toy = (ProtobufCBinaryData){page.size, (uint8_t *)(uintptr_t)page.data};
}

/* Says it, then looks at the page. */
static inline void scribe_decide(struct turn *turn, const Hb__Command *command)
{
    struct key key = key_u64(command->case_id);
    struct bytes page;
    scribe_say(turn, command->case_id, "written");
    state_get(turn, SCRIBE_PAGES, key_bytes(&key), &page);
}

static const char *const scribe_tables[] = {"pages"};
static const struct service speaker = {.name = "ping",
                                       .id = HB__SERVICE__TOY_PING,
                                       .decide = speaker_decide,
                                       .reply = speaker_reply,
                                       .evolve = speaker_evolve};
static const struct service scribe = {.name = "pong",
                                      .id = HB__SERVICE__TOY_PONG,
                                      .hears = 1u << HB__SERVICE__TOY_PING,
                                      .tables = scribe_tables,
                                      .tables_count = SCRIBE_TABLES,
                                      .decide = scribe_decide,
                                      .react = scribe_react,
                                      .evolve = scribe_evolve,
                                      .answer = scribe_answer,
                                      .fire = scribe_fire,
                                      .job_step = scribe_job_step,
                                      .needs_case = scribe_needs_case,
                                      .knows_case = scribe_knows_case,
                                      .too_deep = scribe_too_deep};

/* ---- in a world ---- */

static inline const Hb__CommandReply *scribe_tell(struct world *world, uint64_t case_id, const char *text,
                                                  const char *id)
{
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.id = *id ? (char *)(uintptr_t)id
                     : arena_printf(&world->arena, "%013lld-s%u", (long long)simulation_now(world->simulation),
                                    world->commands++);
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
    return simulation_command(world->simulation, HB__SERVICE__TOY_PING, &command, &world->arena);
}

/* Says it and lets everything come to rest. */
static inline void scribe_speak(struct world *world, uint64_t case_id, const char *text)
{
    const Hb__CommandReply *reply = scribe_tell(world, case_id, text, "");
    assert_non_null(reply);
    assert_null(reply->refused);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
}

static inline const char *scribe_page(struct world *world, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    query.case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__TOY_PONG, &query, &world->arena);
    assert_non_null(reply);
    return arena_text(&world->arena, (const char *)reply->toy.data, reply->toy.len);
}

static inline int scribe_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&speaker, &scribe};
    world_open(world, services, 2, 3);
    *state = world;
    return 0;
}

static inline int scribe_teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

/* ---- the operator ---- */

struct scribe_asked {
    struct world *world;
    const Bus__Reply *reply;
    bool done;
};

static inline void scribe_answered(void *context, enum err err, const Bus__Reply *reply)
{
    struct scribe_asked *asked = context;
    asked->done = true;
    if (!err)
        asked->reply = (const Bus__Reply *)message_copy(&reply->base, &asked->world->arena);
}

static inline const Bus__Reply *scribe_control(struct world *world, Hb__Service service, Bus__Control__What what,
                                               const char *key)
{
    struct scribe_asked asked = {.world = world};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = what;
    control.key = (char *)(uintptr_t)key;
    simulation_ask(world->simulation, service, &request, 60000, scribe_answered, &asked);
    while (!asked.done && simulation_step(world->simulation, INT64_MAX - 1))
        ;
    assert_non_null(asked.reply);
    return asked.reply;
}

/* What VERIFY finds; "" when all is sound. */
static inline const char *scribe_verify(struct world *world, Hb__Service service)
{
    const Bus__Reply *reply = scribe_control(world, service, BUS__CONTROL__WHAT__VERIFY, "");
    assert_int_equal(reply->kind_case, BUS__REPLY__KIND_CONTROL);
    return reply->control->text;
}

#endif
