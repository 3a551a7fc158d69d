/* A small service that keeps the organisation, with puppets for the directory and intake: it writes down what it hears
   of each case, and answers with whatever a test asks it to look at. */
#ifndef HEARBACK_TESTS_CLERK_H
#define HEARBACK_TESTS_CLERK_H

#include "puppet.h"

#include "organisation/organisation.h"
#include "policy/facts.h"
#include "service/internal.h"
#include "vault/vault.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_intake, "intake", HB__SERVICE__INTAKE);

static inline bool clerk_opens(const Hb__Event *event)
{
    return event->toy.len >= 4 && memcmp(event->toy.data, "open", 4) == 0;
}

static inline void clerk_evolve(struct turn *turn, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_TOY)
        return;
    struct key key = key_u64(event->case_id);
    struct bytes page = {0};
    state_get(turn, 0, key_bytes(&key), &page);
    char *longer = arena_printf(turn_arena(turn), "%.*s%.*s ", (int)page.size, (const char *)page.data,
                                (int)event->toy.len, (const char *)event->toy.data);
    state_put(turn, 0, key_bytes(&key), bytes_of_text(longer));
    if (clerk_opens(event))
        turn_case_known(turn, event->case_id);
}

static inline bool clerk_needs(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_TOY && !clerk_opens(event);
}

static inline bool clerk_knows(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, 0, key_bytes(&key));
}

static void (*clerk_probe)(struct turn *turn); /* what the next query looks at */
static inline void clerk_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    struct key key = key_u64(query->case_id);
    struct bytes page = {0};
    if (clerk_probe)
        clerk_probe(turn);
    state_get(turn, 0, key_bytes(&key), &page);
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_TOY;
    reply->toy = (ProtobufCBinaryData){page.size, (uint8_t *)(uintptr_t)page.data};
}

static const char *const clerk_tables[] = {"pages"};
static const struct service clerk = {.name = "pong",
                                     .id = HB__SERVICE__TOY_PONG,
                                     .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE,
                                     .tables = clerk_tables,
                                     .tables_count = 1,
                                     .keeps_organisation = true,
                                     .evolve = clerk_evolve,
                                     .answer = clerk_answer,
                                     .needs_case = clerk_needs,
                                     .knows_case = clerk_knows};

/* ---- in a world ---- */

static inline void clerk_tell(struct world *world, uint64_t case_id, const char *site, uint32_t policy_version,
                              const char *text)
{
    Hb__Event event = HB__EVENT__INIT;
    event.site = (char *)(uintptr_t)site;
    event.case_id = case_id;
    event.policy_version = policy_version;
    event.payload_case = HB__EVENT__PAYLOAD_TOY;
    event.toy = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
    puppet_say(world, HB__SERVICE__INTAKE, &event);
}

static inline const char *clerk_page(struct world *world, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    query.case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__TOY_PONG, &query, &world->arena);
    assert_non_null(reply);
    return arena_text(&world->arena, (const char *)reply->toy.data, reply->toy.len);
}

/* Runs `probe` inside the service, on committed state. */
static inline void clerk_look(struct world *world, void (*probe)(struct turn *turn))
{
    clerk_probe = probe;
    clerk_page(world, 0);
    clerk_probe = NULL;
}

/* Runs `probe` inside the service, which has a vault for the while, and the account a-hao in the directory. */
static inline void clerk_look_at_account(struct world *world, void (*probe)(struct turn *turn))
{
    char folder[] = "/tmp/hearback-vault-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct vault_options options = {.folder = arena_printf(&world->arena, "%s/vault", folder),
                                    .epoch_path = arena_printf(&world->arena, "%s/keys/key", folder),
                                    .no_sync = true,
                                    .map_bytes = 1u << 24};
    struct instance *instance = simulation_instance(world->simulation, HB__SERVICE__TOY_PONG);
    assert_int_equal(vault_open_dir(&options, &world->arena, &instance->vault, NULL), ERR_NONE);
    world_site(world, "garden");
    world_person(world, "hao", "clerk", "", false);
    world_account(world, "hao", "act");
    clerk_look(world, probe);
    vault_close(instance->vault);
    instance->vault = NULL;
    assert_true(folder_remove(folder));
}

static inline uint64_t clerk_waiting(struct world *world)
{
    Bus__PositionReport report;
    instance_position(simulation_instance(world->simulation, HB__SERVICE__TOY_PONG), &world->arena, &report);
    return report.waiting;
}

static inline int clerk_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &clerk};
    world_open(world, services, 3, 5);
    *state = world;
    return 0;
}

static inline int clerk_teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

#endif
