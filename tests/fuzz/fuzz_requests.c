/* Commands and queries as a careless or hostile client may make them, by the hundred, into all eight services under
   PROP-11, with time passing in between. The input decides what is asked; names are drawn from those that exist, so
   that much of it goes far. Every request is answered, a refusal says what in both languages, no service stops hearing,
   and at the end logs, causes and states fit together. */
#include "../unit/support/folder.h"
#include "fuzz.h"

#include "group.h"
#include "message/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */
#define MEMORY_MAX (16u << 20)   /* one request and all services in the time after it: 7.1 MB over the corpus */
#define REQUESTS_MAX 48u
#define CASES_MAX 32u

static const char *const kinds[] = {"complaint", "repair", "inquiry", "revisit", "nothing", NULL};
static const char *const categories[] = {"noise", "water", "staff", "other", "", NULL};
static const char *const people[] = {"li", "chen", "bai", "gao", "zhou", "sun", "wu", "complainant", NULL};
static const char *const departments[] = {"customer_service_centre", "engineering_department", "management_office",
                                          NULL};
static const char *const field_names[] = {
    "category",    "severity", "class",   "contact_by", "finding",   "cause",   "missing",
    "solution",    "result",   "reason",  "reply_text", "satisfied", "opinion", "explanation",
    "promised_at", "plan",     "plan_by", "referral",   "by",        "outcome", NULL};
static const char *const values[] = {"",
                                     "major",
                                     "general",
                                     "small",
                                     "urgent",
                                     "phone",
                                     "attitude",
                                     "satisfied",
                                     "dissatisfied",
                                     "water",
                                     "yes",
                                     "no",
                                     "1",
                                     "-1",
                                     "99999999999999999999",
                                     "12.50 yuan",
                                     "3 days",
                                     "2025-03-12T17:00:00+08:00",
                                     "2025-03-12",
                                     "0001-01-01",
                                     "9999-12-31",
                                     "楼上半夜装修",
                                     "revisit_phone",
                                     "on_spot",
                                     "\x7f",
                                     NULL};
/* Each step with what it needs, so that cases get far. */
static const char *const steps[][5] = {{"accept"},
                                       {"dispatch"},
                                       {"settle", "explanation", "1"},
                                       {"contact", "contact_by", "phone"},
                                       {"investigate", "finding", "甲", "cause", "attitude"},
                                       {"ask_papers", "missing", "乙"},
                                       {"papers_in"},
                                       {"propose", "solution", "丙", "finding", "丁"},
                                       {"approve"},
                                       {"reject", "reason", "戊"},
                                       {"handle", "result", "己"},
                                       {"answer", "reply_text", "庚"},
                                       {"follow_up", "satisfied", "dissatisfied"},
                                       {"follow_up", "satisfied", "satisfied"},
                                       {"reopen", "reason", "辛"},
                                       {"close"},
                                       {"archive"},
                                       {"withdraw"},
                                       {"decline", "reason", "壬"},
                                       {"return_case", "reason", "癸"},
                                       {"acknowledge"},
                                       {"amend", "severity", "major"},
                                       {"refer", "referral", "子"},
                                       {"promise", "promised_at", "2025-03-12T17:00:00+08:00"},
                                       {"explain", "plan", "丑", "plan_by", "2025-03-20"},
                                       {"arrive"},
                                       {"record", "by", "revisit_phone", "opinion", "寅"},
                                       {"extend"},
                                       {"register"}};
#define STEPS (sizeof steps / sizeof *steps)
/* The life of a complaint: accept, contact, investigate, propose, approve, answer, follow up, close, archive. */
static const unsigned chain[] = {0, 3, 4, 7, 8, 11, 13, 15, 16};
#define CHAIN (sizeof chain / sizeof *chain)
/* For the fields of any message. */
static const char *const words[] = {"haitang",
                                    "customer_service_centre",
                                    "engineering_department",
                                    "li",
                                    "chen",
                                    "bai",
                                    "gao",
                                    "complaint",
                                    "repair",
                                    "noise",
                                    "water",
                                    "other",
                                    "severity",
                                    "major",
                                    "reply_text",
                                    "class",
                                    "small",
                                    "accept",
                                    "answer",
                                    "follow_up",
                                    "close",
                                    "",
                                    "web",
                                    "phone",
                                    "yes",
                                    "1",
                                    "-1",
                                    "99999999999999999999",
                                    "2025-03-12T17:00:00+08:00",
                                    "2025-03-12",
                                    "2025-03",
                                    "9999-12-31",
                                    "13800000000",
                                    "a@example.org",
                                    "zh-CN",
                                    "楼上半夜装修",
                                    "20250310-complaint-001",
                                    "20250310-complaint-001-AAAAAAAA",
                                    "PROP-11",
                                    "GEN-FRAME",
                                    "cn",
                                    "Asia/Shanghai",
                                    "receptionist",
                                    "coordinator",
                                    "x/../y",
                                    "*",
                                    "read",
                                    "boston",
                                    "1741570200000-1",
                                    "pack: X\nname: [甲, X]\nextends: GEN-FRAME\n",
                                    "X/pack.yaml",
                                    "reply",
                                    "\x7f",
                                    NULL};

static const Hb__Service services[] = {HB__SERVICE__DIRECTORY,    HB__SERVICE__INTAKE,   HB__SERVICE__ROUTING,
                                       HB__SERVICE__CASEWORK,     HB__SERVICE__WATCHDOG, HB__SERVICE__ESCALATION,
                                       HB__SERVICE__NOTIFICATION, HB__SERVICE__ANALYTICS};
#define SERVICES (sizeof services / sizeof *services)

struct world {
    struct group group;
    struct arena arena;
    uint64_t cases[CASES_MAX];
    unsigned progress[CASES_MAX];
    unsigned cases_count, asked, answered;
};

/* ---- what is asked ---- */

static Hb__Actor *draw_actor(struct draw *draw, struct arena *arena)
{
    unsigned how = draw_below(draw, 16);
    if (how == 0)
        return (Hb__Actor *)draw_message(draw, &hb__actor__descriptor, words, arena);
    Hb__Actor *actor = arena_alloc(arena, sizeof *actor);
    hb__actor__init(actor);
    if (how == 1)
        actor->complainant = true;
    else if (how < 6)
        actor->operator_ = true;
    else
        actor->account = actor->person = arena_strdup(arena, people[how % 7]);
    return actor;
}

static uint64_t draw_case(struct world *world, struct draw *draw)
{
    unsigned which = draw_byte(draw);
    if (world->cases_count == 0 || which > 240)
        return draw_u64(draw);
    return world->cases[which % world->cases_count];
}

static char *draw_id(struct world *world, struct draw *draw)
{
    unsigned how = draw_below(draw, 16);
    if (how == 0)
        return draw_text(draw, words, 80, &world->arena);
    int64_t ms = simulation_now(world->group.simulation) - (how == 1 ? 8 * 86400000ll : how == 2 ? -3600000 : 0);
    return arena_printf(&world->arena, "%013" PRId64 "-%u", ms, how == 3 ? 0 : world->asked);
}

static Hb__Field *draw_field(struct draw *draw, struct arena *arena)
{
    Hb__Field *field = (Hb__Field *)draw_message(draw, &hb__field__descriptor, words, arena);
    field->name = draw_text(draw, field_names, 20, arena);
    if (draw_below(draw, 3)) { /* as people enter them */
        field->content_case = HB__FIELD__CONTENT_TEXT;
        field->text = arena_alloc(arena, sizeof *field->text);
        hb__personal__init(field->text);
        field->text->kind_case = HB__PERSONAL__KIND_PLAIN;
        field->text->plain = draw_text(draw, values, 60, arena);
    }
    return field;
}

static void draw_fields(struct draw *draw, Hb__Field ***list, size_t *count, struct arena *arena)
{
    *count = draw_below(draw, 5);
    *list = arena_alloc(arena, (*count + 1) * sizeof **list);
    for (size_t i = 0; i < *count; i++)
        (*list)[i] = draw_field(draw, arena);
}

static Intake__Submit *draw_submit(struct draw *draw, struct arena *arena)
{
    Intake__Submit *submit = (Intake__Submit *)draw_message(draw, &intake__submit__descriptor, words, arena);
    static const char *const channels[] = {"web", "phone", "", NULL};
    submit->kind = draw_text(draw, kinds, 20, arena);
    submit->channel = draw_text(draw, channels, 20, arena);
    submit->category = draw_text(draw, categories, 20, arena);
    if (draw_below(draw, 2))
        submit->department = draw_text(draw, departments, 20, arena);
    if (draw_below(draw, 8)) /* the door gives them */
        submit->identity_key = submit->content_key = 0;
    draw_fields(draw, &submit->fields, &submit->n_fields, arena);
    return submit;
}

/* A history that may have been, of steps and times that may not fit. */
static Intake__Import *draw_import(struct draw *draw, struct arena *arena)
{
    Intake__Import *import = (Intake__Import *)draw_message(draw, &intake__import__descriptor, words, arena);
    int64_t at = START_MS - (int64_t)draw_below(draw, 3000) * 3600000;
    import->submit = draw_submit(draw, arena);
    import->source = (char *)(uintptr_t) "boston";
    import->external_id = arena_printf(arena, "%u", draw_below(draw, 20));
    import->received_ms = draw_below(draw, 8) ? at : (int64_t)draw_u64(draw);
    for (size_t i = 0; import->history && i < import->history->n_steps; i++) {
        Intake__HistoricStep *step = import->history->steps[i];
        step->step = arena_strdup(arena, steps[draw_below(draw, STEPS)][0]);
        if (draw_below(draw, 8))
            step->occurred_ms = at += draw_below(draw, 50) * 3600000ll;
        draw_fields(draw, &step->fields, &step->n_fields, arena);
    }
    if (import->history && draw_below(draw, 8))
        import->history->as_of_ms = draw_below(draw, 2) ? 0 : at;
    return import;
}

static void draw_intake(struct draw *draw, Hb__Command *command, struct arena *arena)
{
    Intake__Command *intake = command->intake = arena_alloc(arena, sizeof *intake);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    intake__command__init(intake);
    switch (draw_below(draw, 6)) {
    case 0:
        command->intake = (Intake__Command *)draw_message(draw, &intake__command__descriptor, words, arena);
        return;
    case 1:
    case 2:
        intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
        intake->import = draw_import(draw, arena);
        return;
    default:
        intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
        intake->submit = draw_submit(draw, arena);
        return;
    }
}

static void draw_casework(struct draw *draw, Hb__Command *command, struct arena *arena)
{
    Casework__Command *casework = command->casework = arena_alloc(arena, sizeof *casework);
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    casework__command__init(casework);
    casework->kind_case = CASEWORK__COMMAND__KIND_ACT;
    casework->act = (Casework__Act *)draw_message(draw, &casework__act__descriptor, words, arena);
    casework->act->step = arena_strdup(arena, steps[draw_below(draw, STEPS)][0]);
    draw_fields(draw, &casework->act->fields, &casework->act->n_fields, arena);
}

static Hb__Command *draw_command(struct world *world, struct draw *draw, Hb__Service *service_out)
{
    struct arena *arena = &world->arena;
    Hb__Command *command = arena_alloc(arena, sizeof *command);
    hb__command__init(command);
    command->account = (char *)(uintptr_t) "test";
    command->id = draw_id(world, draw);
    command->actor = draw_actor(draw, arena);
    command->site = draw_below(draw, 16) ? arena_strdup(arena, "haitang") : draw_text(draw, words, 40, arena);
    command->expected_version = draw_below(draw, 4) ? 0 : draw_u64(draw);
    switch (draw_below(draw, 8)) {
    case 0:
        *service_out = HB__SERVICE__DIRECTORY;
        command->payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
        command->directory = (Directory__Command *)draw_message(draw, &directory__command__descriptor, words, arena);
        break;
    case 1:
    case 2:
    case 3:
    case 4:
        *service_out = HB__SERVICE__INTAKE;
        draw_intake(draw, command, arena);
        break;
    default:
        *service_out = HB__SERVICE__CASEWORK;
        draw_casework(draw, command, arena);
        break;
    }
    if (*service_out == HB__SERVICE__CASEWORK || draw_below(draw, 4) == 0)
        command->case_id = draw_case(world, draw);
    return command;
}

/* What a person would do, so that there are cases to be hostile about. */
static Hb__Command *draw_sensible(struct world *world, struct draw *draw, Hb__Service *service_out)
{
    Hb__Command *command = arena_alloc(&world->arena, sizeof *command);
    if (world->cases_count == 0 || draw_below(draw, 6) == 0) {
        static const char *const class[] = {"class", "small", NULL};
        unsigned kind = draw_below(draw, 3);
        *service_out = HB__SERVICE__INTAKE;
        group_submit_fill(&world->group, command, kinds[kind], categories[draw_below(draw, 4)],
                          draw_text(draw, values, 200, &world->arena), kind == 1 ? class : NULL);
    } else {
        unsigned which = draw_below(draw, world->cases_count), next = world->progress[which]++ % CHAIN;
        bool goes_on = draw_below(draw, 4); /* chen may do nearly everything at the centre */
        const char *const *step = steps[goes_on ? chain[next] : draw_below(draw, STEPS)];
        const char *fields[] = {step[1], step[2], step[3], step[4], NULL};
        *service_out = HB__SERVICE__CASEWORK;
        group_act_fill(&world->group, command, world->cases[which], goes_on ? "chen" : people[draw_below(draw, 8)],
                       step[0], fields);
    }
    return command;
}

struct pick {
    struct world *world;
    struct draw *draw;
};

/* Wherever a query names a case, mostly one that exists. */
static void pick_case(ProtobufCMessage *message, void *context)
{
    struct pick *pick = context;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "case_id");
    if (!field || field->type != PROTOBUF_C_TYPE_FIXED64 || field->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    uint64_t case_id = draw_case(pick->world, pick->draw);
    memcpy((char *)message + field->offset, &case_id, sizeof case_id);
}

static Hb__Query *draw_query(struct world *world, struct draw *draw, Hb__Service *service_out)
{
    static const struct {
        Hb__Service service;
        Hb__Query__PayloadCase arm;
        const ProtobufCMessageDescriptor *type;
    } asked[] = {{HB__SERVICE__DIRECTORY, HB__QUERY__PAYLOAD_DIRECTORY, &directory__query__descriptor},
                 {HB__SERVICE__INTAKE, HB__QUERY__PAYLOAD_INTAKE, &intake__query__descriptor},
                 {HB__SERVICE__ROUTING, HB__QUERY__PAYLOAD_ROUTING, &routing__query__descriptor},
                 {HB__SERVICE__CASEWORK, HB__QUERY__PAYLOAD_CASEWORK, &casework__query__descriptor},
                 {HB__SERVICE__WATCHDOG, HB__QUERY__PAYLOAD_WATCHDOG, &watchdog__query__descriptor},
                 {HB__SERVICE__ESCALATION, HB__QUERY__PAYLOAD_ESCALATION, &escalation__query__descriptor},
                 {HB__SERVICE__NOTIFICATION, HB__QUERY__PAYLOAD_NOTIFICATION, &notification__query__descriptor},
                 {HB__SERVICE__ANALYTICS, HB__QUERY__PAYLOAD_ANALYTICS, &analytics__query__descriptor}};
    unsigned which = draw_below(draw, SERVICES);
    Hb__Query *query = arena_alloc(&world->arena, sizeof *query);
    hb__query__init(query);
    query->site =
        draw_below(draw, 4) ? arena_strdup(&world->arena, "haitang") : draw_text(draw, words, 20, &world->arena);
    query->actor = draw_actor(draw, &world->arena);
    query->payload_case = asked[which].arm;
    query->directory = (Directory__Query *)draw_message(draw, asked[which].type, words, &world->arena); /* any arm */
    message_visit((ProtobufCMessage *)query, pick_case, &(struct pick){world, draw});
    *service_out = draw_below(draw, 16) ? asked[which].service : services[draw_below(draw, SERVICES)];
    return query;
}

/* ---- asking ---- */

static void check_refusal(const Hb__Refusal *refusal)
{
    must(refusal->status >= 400 && refusal->status < 600 && *refusal->code);
    must(refusal->text && *refusal->text->zh && *refusal->text->en);
}

static void on_answer(void *context, enum err err, const Bus__Reply *reply)
{
    struct world *world = context;
    world->answered++;
    must(err == ERR_NONE);
    if (reply->kind_case == BUS__REPLY__KIND_REFUSED)
        check_refusal(reply->refused);
    if (reply->kind_case == BUS__REPLY__KIND_QUERY && reply->query->refused)
        check_refusal(reply->query->refused);
    if (reply->kind_case == BUS__REPLY__KIND_COMMAND && reply->command->refused)
        check_refusal(reply->command->refused);
    else if (reply->kind_case == BUS__REPLY__KIND_COMMAND && reply->command->submitted &&
             reply->command->payload_case == HB__COMMAND_REPLY__PAYLOAD_SUBMITTED && world->cases_count < CASES_MAX)
        world->cases[world->cases_count++] = reply->command->case_id;
}

static void ask(struct world *world, struct draw *draw)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Service service;
    unsigned what = draw_below(draw, 8);
    if (what < 6) {
        request.kind_case = BUS__REQUEST__KIND_COMMAND;
        request.command = what < 3 ? draw_sensible(world, draw, &service) : draw_command(world, draw, &service);
    } else {
        request.kind_case = BUS__REQUEST__KIND_QUERY;
        request.query = draw_query(world, draw, &service);
    }
    world->asked++;
    simulation_ask(world->group.simulation, service, &request, 60000, on_answer, world);
}

/* ---- what must hold ---- */

static void check(struct world *world)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        struct instance *instance = simulation_instance(world->group.simulation, services[i]);
        must(instance);
        const char *health = instance_health(instance);
        if (strcmp(health, "ready") != 0)
            fprintf(stderr, "%s: %s\n", instance_service(instance)->name, health);
        must(strcmp(health, "ready") == 0);
    }
    must(world->asked == world->answered);
}

static void check_at_end(struct world *world)
{
    char why[512];
    enum err err = simulation_check(world->group.simulation, why, sizeof why);
    if (err)
        fprintf(stderr, "%s\n", why);
    must(err == ERR_NONE);
}

/* ---- a founded organisation, copied for each input ---- */

static void found(const char *folder)
{
    struct group group;
    group_open(&group, folder, 7, START_MS - 1000, (struct simulation_faults){0});
    group_found(&group, "PROP-11");
    group_close(&group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char founded[128], folder[128];
    if (!*founded) {
        snprintf(founded, sizeof founded, "%s/founded", fuzz_folder());
        snprintf(folder, sizeof folder, "%s/world", fuzz_folder());
        found(founded);
    }
    struct draw draw = draw_of(data, size);
    struct world world = {0};
    arena_init(&world.arena);
    must(folder_copy(founded, folder));
    group_open(&world.group, folder, 7, START_MS, (struct simulation_faults){0});
    must(simulation_settle(world.group.simulation, 60000));
    for (unsigned i = 0; i < REQUESTS_MAX && draw_more(&draw); i++) {
        fuzz_memory_begin();
        ask(&world, &draw);
        if (draw_below(&draw, 3) == 0)
            simulation_run(world.group.simulation,
                           simulation_now(world.group.simulation) + (int64_t)draw_below(&draw, 4000) * 100000);
        must(simulation_settle(world.group.simulation, 60000));
        fuzz_memory_end_within(MEMORY_MAX);
        check(&world);
    }
    check_at_end(&world);
    group_close(&world.group);
    must(folder_remove(folder));
    arena_fini(&world.arena);
    return 0;
}
