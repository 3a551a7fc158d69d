/* Contents of files, beside intake's log: put in chunks, the same again is once; read under a record only; what nobody
   attached goes after a day; what is attached stays, or VERIFY says that it is gone. */
#include "../support/puppet.h"

#include "files.h"
#include "service/instance.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);

#define FILE_A "0123456789abcdef0123456789abcdef"
#define FILE_B "ffffffffffffffffffffffffffffffff"
#define SIZE (FILES_CHUNK_BYTES + 100)

static uint8_t content[SIZE];

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &intake_service, &puppet_casework};
    Policy__Policy policy = POLICY__POLICY__INIT;
    Policy__Defaults defaults = POLICY__DEFAULTS__INIT;
    world_open(world, services, 3, 11);
    world_site(world, "garden");
    world_department(world, "service", "lin");
    world_person(world, "lin", "receptionist", "service", false);
    world_account(world, "lin", "submit");
    world_person(world, "bo", "receptionist", "service", false);
    world_account(world, "bo", "open");
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "open", POLICY__PHASE__NEW));
    policy.site = "garden";
    policy.version = 1;
    policy.defaults = &defaults;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 7 + i / 251);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

static uint64_t new_case(struct world *world)
{
    Hb__Command *command = MAKE(world, Hb__Command, HB__COMMAND__INIT);
    Intake__Submit *submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    submit->kind = "repair";
    submit->channel = "phone";
    submit->text = MAKE(world, Hb__Personal, HB__PERSONAL__INIT);
    submit->text->kind_case = HB__PERSONAL__KIND_PLAIN;
    submit->text->plain = "漏水";
    command->site = "garden";
    command->actor = world_actor(world, "lin");
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = MAKE(world, Intake__Command, INTAKE__COMMAND__INIT);
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = submit;
    const Hb__CommandReply *reply = world_command(world, HB__SERVICE__INTAKE, command);
    assert_null(reply->refused);
    return reply->case_id;
}

static const Hb__QueryReply *ask(struct world *world, uint64_t case_id, const char *person, Intake__Query *intake)
{
    Hb__Query query = HB__QUERY__INIT;
    query.case_id = case_id;
    query.actor = person ? world_actor(world, person) : NULL;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = intake;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__INTAKE, &query, &world->arena);
    assert_non_null(reply);
    return reply;
}

static const Hb__QueryReply *put_sized(struct world *world, uint64_t case_id, const char *file, uint32_t chunk,
                                       size_t size, size_t bytes)
{
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__PutFile put = INTAKE__PUT_FILE__INIT;
    intake.kind_case = INTAKE__QUERY__KIND_PUT_FILE;
    intake.put_file = &put;
    put.file = (char *)(uintptr_t)file;
    put.size = size;
    put.chunk = chunk;
    put.content = (ProtobufCBinaryData){bytes, content + (chunk ? FILES_CHUNK_BYTES : 0)};
    return ask(world, case_id, "lin", &intake);
}

static const Hb__QueryReply *put(struct world *world, uint64_t case_id, const char *file, uint32_t chunk)
{
    return put_sized(world, case_id, file, chunk, SIZE, chunk ? SIZE - FILES_CHUNK_BYTES : FILES_CHUNK_BYTES);
}

static const Intake__FilePut *put_whole(struct world *world, uint64_t case_id, const char *file)
{
    const Hb__QueryReply *first = put(world, case_id, file, 0), *last = put(world, case_id, file, 1);
    assert_null(first->refused);
    assert_null(last->refused);
    assert_true(last->intake->file_put->whole);
    assert_int_equal(last->intake->file_put->digest.len, 32);
    return last->intake->file_put;
}

static void say_attached(struct world *world, uint64_t case_id, const char *file, const Intake__FilePut *kept)
{
    Hb__Event *event = MAKE(world, Hb__Event, HB__EVENT__INIT);
    Casework__FileAttached *attached = MAKE(world, Casework__FileAttached, CASEWORK__FILE_ATTACHED__INIT);
    event->site = "garden";
    event->case_id = case_id;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = MAKE(world, Casework__Event, CASEWORK__EVENT__INIT);
    event->casework->kind_case = CASEWORK__EVENT__KIND_FILE_ATTACHED;
    event->casework->file_attached = attached;
    attached->file = (char *)(uintptr_t)file;
    attached->type = "image/png";
    attached->size = SIZE;
    attached->digest = kept->digest;
    puppet_say(world, HB__SERVICE__CASEWORK, event);
}

static const Hb__CommandReply *open_as(struct world *world, const char *person, uint64_t case_id, const char *file)
{
    Hb__Command *command = MAKE(world, Hb__Command, HB__COMMAND__INIT);
    command->actor = world_actor(world, person);
    command->case_id = case_id;
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = MAKE(world, Intake__Command, INTAKE__COMMAND__INIT);
    command->intake->kind_case = INTAKE__COMMAND__KIND_OPEN;
    command->intake->open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    command->intake->open->purpose = "check";
    command->intake->open->files = LIST(world, char *, &command->intake->open->n_files, (char *)(uintptr_t)file);
    return world_command(world, HB__SERVICE__INTAKE, command);
}

static const Hb__QueryReply *read_as(struct world *world, const char *person, uint64_t case_id, const char *file,
                                     uint32_t chunk, uint64_t opened_at)
{
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__ReadFile read = INTAKE__READ_FILE__INIT;
    intake.kind_case = INTAKE__QUERY__KIND_READ_FILE;
    intake.read_file = &read;
    read.file = (char *)(uintptr_t)file;
    read.chunk = chunk;
    read.opened_at = opened_at;
    return ask(world, case_id, person, &intake);
}

static void a_file_comes_in_chunks_and_out_again(void **state)
{
    struct world *world = *state;
    uint64_t case_id = new_case(world);
    const Intake__FilePut *kept = put_whole(world, case_id, FILE_A);
    const Hb__QueryReply *again = put(world, case_id, FILE_A, 0); /* as it is kept: nothing is sealed anew */
    assert_true(again->intake->file_put->whole);
    assert_memory_equal(again->intake->file_put->digest.data, kept->digest.data, 32);
    say_attached(world, case_id, FILE_A, kept);
    const Hb__CommandReply *opened = open_as(world, "bo", case_id, FILE_A);
    assert_null(opened->refused);
    for (uint32_t chunk = 0; chunk < 2; chunk++) {
        const Hb__QueryReply *got = read_as(world, "bo", case_id, FILE_A, chunk, opened->opened->opened_at);
        assert_null(got->refused);
        assert_int_equal(got->intake->file_read->size, SIZE);
        assert_memory_equal(got->intake->file_read->content.data, content + chunk * FILES_CHUNK_BYTES,
                            got->intake->file_read->content.len);
    }
    assert_int_equal(read_as(world, "bo", case_id, FILE_A, 2, opened->opened->opened_at)->refused->status, 404);
    /* the record is of this file, this actor, this quarter of an hour */
    assert_int_equal(read_as(world, "bo", case_id, FILE_A, 0, 0)->refused->status, 403);
    assert_int_equal(read_as(world, "lin", case_id, FILE_A, 0, opened->opened->opened_at)->refused->status, 403);
    assert_int_equal(read_as(world, "bo", case_id, FILE_B, 0, opened->opened->opened_at)->refused->status, 403);
    assert_int_equal(open_as(world, "lin", case_id, FILE_A)->refused->status, 403); /* may not open at all */
    simulation_run(world->simulation, simulation_now(world->simulation) + FILES_OPENED_MS + 1000);
    assert_int_equal(read_as(world, "bo", case_id, FILE_A, 0, opened->opened->opened_at)->refused->status, 403);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct world *world = *state;
    uint64_t case_id = new_case(world);
    assert_int_equal(put_sized(world, case_id, FILE_A, 0, SIZE, 10)->refused->status, 422);
    assert_int_equal(put_sized(world, case_id, FILE_A, 2, SIZE, 10)->refused->status, 422);
    assert_int_equal(put_sized(world, case_id, FILE_A, 0, FILES_SIZE_MAX + 1, FILES_CHUNK_BYTES)->refused->status, 422);
    assert_int_equal(put_sized(world, case_id, "../x", 0, 5, 5)->refused->status, 422);
    assert_int_equal(put_sized(world, 77ull << 52, FILE_A, 0, 5, 5)->refused->status, 404);
    assert_null(put(world, case_id, FILE_A, 0)->refused);
    assert_int_equal(put_sized(world, case_id, FILE_A, 0, SIZE + 1, FILES_CHUNK_BYTES)->refused->status, 422);
    for (unsigned i = 1; i < FILES_KEPT_MAX; i++)
        assert_null(put_sized(world, case_id, arena_printf(&world->arena, "%032x", i), 0, 5, 5)->refused);
    assert_int_equal(put_sized(world, case_id, FILE_B, 0, 5, 5)->refused->status, 413);
    assert_null(put(world, case_id, FILE_A, 1)->refused); /* what was begun goes on */
}

static void without_room_nothing_is_taken(void **state)
{
    struct world *world = *state;
    uint64_t case_id = new_case(world);
    assert_null(put(world, case_id, FILE_A, 0)->refused);
    simulation_full_set(world->simulation, HB__SERVICE__INTAKE, true);
    const Hb__QueryReply *full = put(world, case_id, FILE_A, 1);
    assert_int_equal(full->refused->status, 503);
    assert_string_equal(full->refused->code, "full");
    simulation_full_set(world->simulation, HB__SERVICE__INTAKE, false);
    assert_true(put(world, case_id, FILE_A, 1)->intake->file_put->whole);
}

static void what_nobody_attached_goes_after_a_day(void **state)
{
    struct world *world = *state;
    uint64_t case_id = new_case(world);
    const Intake__FilePut *kept = put_whole(world, case_id, FILE_A);
    put_whole(world, case_id, FILE_B);
    say_attached(world, case_id, FILE_A, kept);
    simulation_idle_set(world->simulation, 60000); /* as live: how far casework is known is told once a minute */
    simulation_run(world->simulation, simulation_now(world->simulation) + FILES_ORPHAN_MS - 600000);
    assert_true(put(world, case_id, FILE_B, 0)->intake->file_put->whole);
    simulation_run(world->simulation, simulation_now(world->simulation) + 1200000);
    assert_false(put(world, case_id, FILE_B, 0)->intake->file_put->whole); /* begun anew */
    assert_true(put(world, case_id, FILE_A, 0)->intake->file_put->whole);
}

/* ---- VERIFY ---- */

struct asked {
    struct world *world;
    bool done;
    const char *text;
};

static void on_verified(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    asked->done = true;
    assert_int_equal(err, ERR_NONE);
    assert_int_equal(reply->kind_case, BUS__REPLY__KIND_CONTROL);
    asked->text = arena_strdup(&asked->world->arena, reply->control->text);
}

static const char *look_through(struct world *world)
{
    struct asked asked = {.world = world};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__VERIFY;
    simulation_ask(world->simulation, HB__SERVICE__INTAKE, &request, 60000, on_verified, &asked);
    while (!asked.done && simulation_step(world->simulation, INT64_MAX - 1))
        ;
    assert_non_null(asked.text);
    return asked.text;
}

static void take_away(struct world *world, const char *table, struct key key)
{
    struct store *files = instance_files(simulation_instance(world->simulation, HB__SERVICE__INTAKE));
    store_table at;
    assert_int_equal(store_table_open(files, table, &at), ERR_NONE);
    struct store_txn *txn = store_begin(files, true);
    assert_true(store_delete(txn, at, key_bytes(&key)));
    assert_int_equal(store_commit(txn), ERR_NONE);
}

static void what_is_missing_is_named(void **state)
{
    struct world *world = *state;
    uint64_t case_id = new_case(world);
    const Intake__FilePut *kept = put_whole(world, case_id, FILE_A);
    put_whole(world, case_id, FILE_B);
    say_attached(world, case_id, FILE_A, kept);
    assert_string_equal(look_through(world), "");
    struct key file = files_key(case_id, FILE_A), chunk = files_chunk_key(key_bytes(&file), 1);
    take_away(world, "chunks", chunk);
    const char *said = look_through(world);
    assert_non_null(strstr(said, "files: table chunks at key"));
    assert_non_null(strstr(said, "it is missing"));
    assert_non_null(strstr(said, FILE_A));
    take_away(world, "files", file);
    said = look_through(world);
    assert_non_null(strstr(said, "although it is attached"));
    assert_non_null(strstr(said, FILE_A));
    assert_null(strstr(said, FILE_B));
}

/* ---- deleted ---- */

static void say_deleted(struct world *world, uint64_t case_id, const char *file)
{
    Hb__Event *event = MAKE(world, Hb__Event, HB__EVENT__INIT);
    Casework__StepTaken *taken = MAKE(world, Casework__StepTaken, CASEWORK__STEP_TAKEN__INIT);
    event->site = "garden";
    event->case_id = case_id;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = MAKE(world, Casework__Event, CASEWORK__EVENT__INIT);
    event->casework->kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    event->casework->step_taken = taken;
    taken->step = "drop";
    taken->from = taken->stage = "open";
    taken->phase = POLICY__PHASE__NEW;
    taken->round = 1;
    taken->version = 2;
    taken->deleted = LIST(world, char *, &taken->n_deleted, (char *)(uintptr_t)file);
    taken->deleted_from = LIST(world, char *, &taken->n_deleted_from, "recording");
    puppet_say(world, HB__SERVICE__CASEWORK, event);
}

static void what_a_step_deleted_is_given_to_nobody_and_goes(void **state)
{
    struct world *world = *state;
    uint64_t case_id = new_case(world);
    say_attached(world, case_id, FILE_A, put_whole(world, case_id, FILE_A));
    say_attached(world, case_id, FILE_B, put_whole(world, case_id, FILE_B));
    const Hb__CommandReply *before = open_as(world, "bo", case_id, FILE_A);
    assert_null(read_as(world, "bo", case_id, FILE_A, 0, before->opened->opened_at)->refused);
    say_deleted(world, case_id, FILE_A);
    assert_int_equal(read_as(world, "bo", case_id, FILE_A, 0, before->opened->opened_at)->refused->status, 410);
    const Hb__CommandReply *other = open_as(world, "bo", case_id, FILE_B);
    assert_null(read_as(world, "bo", case_id, FILE_B, 0, other->opened->opened_at)->refused);
    assert_string_equal(look_through(world), "");
    simulation_idle_set(world->simulation, 60000);
    simulation_run(world->simulation, simulation_now(world->simulation) + 300000);
    assert_string_equal(look_through(world), "");                          /* nothing is missed */
    assert_false(put(world, case_id, FILE_A, 0)->intake->file_put->whole); /* its chunks are gone */
    assert_true(put(world, case_id, FILE_B, 0)->intake->file_put->whole);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_file_comes_in_chunks_and_out_again),
        WITH_WORLD(what_does_not_fit_is_refused),
        WITH_WORLD(without_room_nothing_is_taken),
        WITH_WORLD(what_nobody_attached_goes_after_a_day),
        WITH_WORLD(what_is_missing_is_named),
        WITH_WORLD(what_a_step_deleted_is_given_to_nobody_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
