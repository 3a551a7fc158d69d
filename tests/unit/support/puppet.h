/* A small world for tests of one service: the simulator with the service itself and *puppets* for those it hears. A
   puppet says whatever event a test hands it. Also a site with two departments and a policy, said by the directory's
   puppet. */
#ifndef HEARBACK_TESTS_PUPPET_H
#define HEARBACK_TESTS_PUPPET_H

#include "folder.h"
#include "hearback/policy.pb-c.h"
#include "message/message.h"
#include "service/service.h"
#include "simulation/simulation.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PUPPET_START_MS 1741572000000ll /* 2025-03-10 10:00 in Shanghai, a Monday */
#define PUPPET_HOUR_MS 3600000ll

/* A new message in the world's arena, initialised. */
#define MAKE(world, type, INIT) ((type *)memcpy(arena_alloc(&(world)->arena, sizeof(type)), &(type)INIT, sizeof(type)))
/* An arena list of the pointers given. */
#define LIST(world, type, count_out, ...)                                                                              \
    ((type *)puppet_list((world), (count_out), sizeof(type), (type[]){__VA_ARGS__}, sizeof((type[]){__VA_ARGS__})))

struct world {
    struct arena arena;
    struct simulation *simulation;
    char folder[256];
    unsigned commands;
};

static inline void *puppet_list(struct world *world, size_t *count_out, size_t each, const void *items, size_t size)
{
    *count_out = size / each;
    return memcpy(arena_alloc(&world->arena, size), items, size);
}

/* ---- the puppet ---- */

static inline void puppet_decide(struct turn *turn, const Hb__Command *command)
{
    ProtobufCMessage *message;
    char *why;
    enum err err = message_unpack(&hb__event__descriptor, bytes_of(command->toy.data, command->toy.len),
                                  turn_arena(turn), &message, &why);
    bug_unless(err == ERR_NONE);
    Hb__Event *given = (Hb__Event *)message, *event = turn_event(turn, given->site, given->case_id);
    Hb__Event fresh = *event;
    *event = *given;
    event->base = fresh.base;
    turn_say(turn, event);
}

static inline void puppet_evolve(struct turn *turn, const Hb__Event *event)
{
    (void)turn;
    (void)event;
}

#define PUPPET(which, service_name, service_id)                                                                        \
    static const struct service which = {                                                                              \
        .name = service_name, .id = service_id, .decide = puppet_decide, .evolve = puppet_evolve}

/* Says it and leaves the world where it is then. */
static inline void puppet_tell(struct world *world, Hb__Service service, Hb__Event *event)
{
    struct bytes packed = message_pack(&event->base, &world->arena);
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.id =
        arena_printf(&world->arena, "%013lld-p%u", (long long)simulation_now(world->simulation), world->commands++);
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    const Hb__CommandReply *reply = simulation_command(world->simulation, service, &command, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
}

/* Says it and lets everything come to rest. */
static inline void puppet_say(struct world *world, Hb__Service service, Hb__Event *event)
{
    puppet_tell(world, service, event);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
}

static inline const Hb__CommandReply *world_command(struct world *world, Hb__Service service, Hb__Command *command)
{
    if (!command->id[0])
        command->id =
            arena_printf(&world->arena, "%013lld-c%u", (long long)simulation_now(world->simulation), world->commands++);
    const Hb__CommandReply *reply = simulation_command(world->simulation, service, command, &world->arena);
    assert_non_null(reply);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    return reply;
}

static inline Hb__Actor *world_actor(struct world *world, const char *person)
{
    Hb__Actor *actor = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    actor->account = arena_printf(&world->arena, "a-%s", person);
    actor->person = arena_strdup(&world->arena, person);
    return actor;
}

/* ---- what was said ---- */

struct world_last {
    struct arena *arena;
    const Hb__Event *events[4096];
    unsigned count;
};

static inline bool world_collect(void *context, const Hb__Event *event)
{
    struct world_last *list = context;
    bug_unless(list->count < sizeof list->events / sizeof *list->events);
    list->events[list->count++] = (const Hb__Event *)message_copy(&event->base, list->arena);
    return true;
}

/* Events of a service, from the first. */
static inline const struct world_last *world_said(struct world *world, Hb__Service service)
{
    struct world_last *list = arena_zero(&world->arena, sizeof *list);
    list->arena = &world->arena;
    simulation_events(world->simulation, service, 0, world_collect, list);
    return list;
}

/* A fact of an event; NULL when it is not there. */
static inline const Hb__Value *world_fact(const Hb__Event *event, const char *name)
{
    for (size_t i = 0; i < event->n_facts; i++)
        if (strcmp(event->facts[i]->name, name) == 0)
            return event->facts[i]->value;
    return NULL;
}

/* ---- the organisation ---- */

static inline void world_directory(struct world *world, Directory__Event *payload)
{
    Hb__Event event = HB__EVENT__INIT;
    event.payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event.directory = payload;
    puppet_say(world, HB__SERVICE__DIRECTORY, &event);
}

static inline Hb__Label *world_label(struct world *world, const char *zh, const char *en)
{
    Hb__Label *label = MAKE(world, Hb__Label, HB__LABEL__INIT);
    label->zh = arena_strdup(&world->arena, zh);
    label->en = arena_strdup(&world->arena, en);
    return label;
}

static inline void world_site(struct world *world, const char *id)
{
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Site site = DIRECTORY__SITE__INIT;
    site.id = (char *)(uintptr_t)id;
    site.zone = "Asia/Shanghai";
    site.code = "G";
    site.public_ = true;
    site.name = world_label(world, "花园", "Garden");
    payload.kind_case = DIRECTORY__EVENT__KIND_SITE_DEFINED;
    payload.site_defined = &site;
    world_directory(world, &payload);
}

static inline void world_department(struct world *world, const char *id, const char *head)
{
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Department department = DIRECTORY__DEPARTMENT__INIT;
    department.id = (char *)(uintptr_t)id;
    department.site = "garden";
    department.head = (char *)(uintptr_t)head;
    department.name = world_label(world, id, id);
    payload.kind_case = DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED;
    payload.department_defined = &department;
    world_directory(world, &payload);
}

static inline void world_person_deputy(struct world *world, const char *id, const char *post_name,
                                       const char *department, bool absent, const char *deputy)
{
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Person person = DIRECTORY__PERSON__INIT;
    Directory__Post post = DIRECTORY__POST__INIT, *posts[1] = {&post};
    post.post = (char *)(uintptr_t)post_name;
    post.department = (char *)(uintptr_t)department;
    post.site = "garden";
    person.id = (char *)(uintptr_t)id;
    person.name = (char *)(uintptr_t)id;
    person.posts = posts;
    person.n_posts = 1;
    person.absent = absent;
    person.deputy = (char *)(uintptr_t)deputy;
    payload.kind_case = DIRECTORY__EVENT__KIND_PERSON_DEFINED;
    payload.person_defined = &person;
    world_directory(world, &payload);
}

static inline void world_person(struct world *world, const char *id, const char *post_name, const char *department,
                                bool absent)
{
    world_person_deputy(world, id, post_name, department, absent, "");
}

static inline void world_account(struct world *world, const char *person, const char *scope)
{
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Account account = DIRECTORY__ACCOUNT__INIT;
    char *scopes[1] = {(char *)(uintptr_t)scope};
    account.id = arena_printf(&world->arena, "a-%s", person);
    account.person = (char *)(uintptr_t)person;
    account.scopes = scopes;
    account.n_scopes = scope[0] ? 1 : 0;
    payload.kind_case = DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED;
    payload.account_defined = &account;
    world_directory(world, &payload);
}

static inline void world_publish(struct world *world, const Policy__Policy *policy)
{
    struct bytes packed = message_pack(&policy->base, &world->arena);
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, packed.data, packed.size, NULL, 0);
    ProtobufCBinaryData hash_data = {sizeof hash, hash}, parts[1] = {hash_data};
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__PolicyPart part = DIRECTORY__POLICY_PART__INIT;
    part.hash = hash_data;
    part.data = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    payload.kind_case = DIRECTORY__EVENT__KIND_POLICY_PART;
    payload.policy_part = &part;
    world_directory(world, &payload);
    Directory__PolicyPublished published = DIRECTORY__POLICY_PUBLISHED__INIT;
    published.site = policy->site;
    published.version = policy->version;
    published.parts = parts;
    published.n_parts = 1;
    published.hash = hash_data;
    payload.kind_case = DIRECTORY__EVENT__KIND_POLICY_PUBLISHED;
    payload.policy_published = &published;
    world_directory(world, &payload);
}

/* ---- pieces of a policy ---- */

static inline Policy__Who *world_who(struct world *world, const char *root)
{
    Policy__Who *who = MAKE(world, Policy__Who, POLICY__WHO__INIT);
    who->root = arena_strdup(&world->arena, root);
    return who;
}

static inline Hb__Value *world_text(struct world *world, const char *text)
{
    Hb__Value *value = MAKE(world, Hb__Value, HB__VALUE__INIT);
    value->kind_case = HB__VALUE__KIND_TEXT;
    value->text = arena_strdup(&world->arena, text);
    return value;
}

/* "fact equals text", or (text NULL) "fact is missing". */
static inline Policy__Condition *world_condition(struct world *world, const char *fact, const char *text)
{
    Policy__Node *node = MAKE(world, Policy__Node, POLICY__NODE__INIT);
    node->op = text ? POLICY__NODE__OP__EQUAL : POLICY__NODE__OP__MISSING;
    node->fact = arena_strdup(&world->arena, fact);
    if (text)
        node->values = LIST(world, Hb__Value *, &node->n_values, world_text(world, text));
    Policy__Condition *condition = MAKE(world, Policy__Condition, POLICY__CONDITION__INIT);
    condition->nodes = LIST(world, Policy__Node *, &condition->n_nodes, node);
    return condition;
}

/* "the time in `fact` is there, and after `days` working days from `from`". */
static inline Policy__Condition *world_later(struct world *world, const char *fact, uint32_t days, const char *from)
{
    Policy__Node *present = MAKE(world, Policy__Node, POLICY__NODE__INIT);
    present->op = POLICY__NODE__OP__PRESENT;
    present->fact = arena_strdup(&world->arena, fact);
    Policy__Node *after = MAKE(world, Policy__Node, POLICY__NODE__INIT);
    after->op = POLICY__NODE__OP__AFTER;
    after->fact = present->fact;
    after->term = MAKE(world, Policy__Term, POLICY__TERM__INIT);
    after->term->unit = POLICY__TERM__UNIT__WORKING_DAYS;
    after->term->amount = days;
    after->term->field = arena_strdup(&world->arena, from);
    Policy__Condition *condition = MAKE(world, Policy__Condition, POLICY__CONDITION__INIT);
    condition->nodes = LIST(world, Policy__Node *, &condition->n_nodes, present, after);
    return condition;
}

static inline Policy__Stage *world_stage(struct world *world, const char *name, Policy__Phase phase)
{
    Policy__Stage *stage = MAKE(world, Policy__Stage, POLICY__STAGE__INIT);
    stage->name = arena_strdup(&world->arena, name);
    stage->phase = phase;
    return stage;
}

static inline Policy__Step *world_step(struct world *world, const char *name, const char *from, const char *to)
{
    Policy__Step *step = MAKE(world, Policy__Step, POLICY__STEP__INIT);
    step->name = arena_strdup(&world->arena, name);
    step->from = LIST(world, char *, &step->n_from, arena_strdup(&world->arena, from));
    step->to = arena_strdup(&world->arena, to);
    return step;
}

static inline Policy__FieldDef *world_field(struct world *world, const char *name, Policy__FieldDef__Type type)
{
    Policy__FieldDef *field = MAKE(world, Policy__FieldDef, POLICY__FIELD_DEF__INIT);
    field->name = arena_strdup(&world->arena, name);
    field->type = type;
    field->public_ = true;
    return field;
}

static inline Policy__Choice *world_choice(struct world *world, const char *name)
{
    Policy__Choice *choice = MAKE(world, Policy__Choice, POLICY__CHOICE__INIT);
    choice->name = arena_strdup(&world->arena, name);
    choice->label = world_label(world, name, name);
    return choice;
}

static inline Policy__RouteRow *world_route(struct world *world, const char *name, const char *fact, const char *text,
                                            const char *to)
{
    Policy__RouteRow *row = MAKE(world, Policy__RouteRow, POLICY__ROUTE_ROW__INIT);
    row->name = arena_strdup(&world->arena, name);
    row->clauses = LIST(world, char *, &row->n_clauses, arena_printf(&world->arena, "TEST-%s", name));
    if (fact)
        row->condition = world_condition(world, fact, text);
    row->to = world_who(world, to);
    return row;
}

static inline Policy__Category *world_category(struct world *world, const char *name, const char *department)
{
    Policy__Category *category = MAKE(world, Policy__Category, POLICY__CATEGORY__INIT);
    category->name = arena_strdup(&world->arena, name);
    category->department = arena_strdup(&world->arena, department);
    return category;
}

/* ---- a case ---- */

static inline void world_fact_add(struct world *world, Hb__Event *event, const char *name, const char *text)
{
    Hb__Fact *fact = MAKE(world, Hb__Fact, HB__FACT__INIT);
    fact->name = arena_strdup(&world->arena, name);
    fact->value = world_text(world, text);
    event->facts = arena_grow(&world->arena, event->facts, event->n_facts, sizeof *event->facts);
    event->facts[event->n_facts++] = fact;
}

/* What intake says of a new case of the garden, under the first version of its policy. */
static inline Hb__Event *world_registered(struct world *world, uint64_t case_id, const char *kind)
{
    Hb__Event *event = MAKE(world, Hb__Event, HB__EVENT__INIT);
    Intake__CaseRegistered *registered = MAKE(world, Intake__CaseRegistered, INTAKE__CASE_REGISTERED__INIT);
    event->site = "garden";
    event->case_id = case_id;
    event->policy_version = 1;
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = MAKE(world, Intake__Event, INTAKE__EVENT__INIT);
    event->intake->kind_case = INTAKE__EVENT__KIND_REGISTERED;
    event->intake->registered = registered;
    registered->kind = arena_strdup(&world->arena, kind);
    registered->stage = "registered";
    registered->phase = POLICY__PHASE__NEW;
    return event;
}

/* ---- opening and closing ---- */

/* `outside` (may be NULL) answers effects. */
static inline void world_open_to(struct world *world, const struct service *const *services, unsigned count,
                                 uint64_t seed, simulation_effect_fn *outside)
{
    *world = (struct world){0};
    arena_init(&world->arena);
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    snprintf(world->folder, sizeof world->folder, "%s/hearback-world-XXXXXX", base);
    assert_non_null(mkdtemp(world->folder));
    struct simulation_options options = {.seed = seed,
                                         .folder = world->folder,
                                         .start_ms = PUPPET_START_MS,
                                         .services = services,
                                         .services_count = count,
                                         .effect = outside};
    world->simulation = simulation_new(&options);
    assert_non_null(world->simulation);
}

static inline void world_open(struct world *world, const struct service *const *services, unsigned count, uint64_t seed)
{
    world_open_to(world, services, count, seed, NULL);
}

/* Checks the invariants of the spine: among others that a fresh fold equals the state. */
static inline void world_close(struct world *world)
{
    char why[512] = "";
    enum err err = simulation_check(world->simulation, why, sizeof why);
    if (err)
        print_error("simulation_check: %s\n", why);
    assert_int_equal(err, ERR_NONE);
    simulation_free(world->simulation);
    assert_true(folder_remove(world->folder));
    arena_fini(&world->arena);
}

#endif
