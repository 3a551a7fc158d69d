/* A row that was imported comes again: the same says nothing, another content is told field by field, and never
 * imported. */
#include "../support/puppet.h"

#include "intake.h"
#include "vault/vault.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);

static void publish(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    Policy__FieldDef *severity = world_field(world, "severity", POLICY__FIELD_DEF__TYPE__CHOICE);
    severity->one_of =
        LIST(world, Policy__Choice *, &severity->n_one_of, world_choice(world, "minor"), world_choice(world, "major"));
    severity->default_value = world_text(world, "minor");
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "handling", POLICY__PHASE__WORKING),
                        world_stage(world, "closed", POLICY__PHASE__CLOSED));
    kind->steps = LIST(world, Policy__Step *, &kind->n_steps, world_step(world, "accept", "registered", "handling"),
                       world_step(world, "close", "handling", "closed"));
    kind->fields = LIST(world, Policy__FieldDef *, &kind->n_fields, severity,
                        world_field(world, "room", POLICY__FIELD_DEF__TYPE__NAME),
                        world_field(world, "detail", POLICY__FIELD_DEF__TYPE__TEXT),
                        world_field(world, "fee", POLICY__FIELD_DEF__TYPE__MONEY));
    Policy__Policy policy = POLICY__POLICY__INIT;
    Policy__Defaults defaults = POLICY__DEFAULTS__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.defaults = &defaults;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &intake_service};
    world_open(world, services, 2, 12);
    world_site(world, "garden");
    world_department(world, "service", "ji");
    world_person(world, "ji", "archivist", "service", false);
    world_account(world, "ji", "import");
    publish(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

static Hb__Personal *plain(struct world *world, const char *text)
{
    Hb__Personal *personal = MAKE(world, Hb__Personal, HB__PERSONAL__INIT);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = (char *)(uintptr_t)text;
    return personal;
}

static void add_field(struct world *world, Hb__Field ***fields, size_t *count, const char *name, const char *text)
{
    Hb__Field *field = MAKE(world, Hb__Field, HB__FIELD__INIT);
    field->name = (char *)(uintptr_t)name;
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = plain(world, text);
    *fields = arena_grow(&world->arena, *fields, *count, sizeof **fields);
    (*fields)[(*count)++] = field;
}

static void add_step(struct world *world, Intake__Import *import, const char *step, int64_t occurred_ms,
                     const char *detail)
{
    Intake__HistoricStep *historic = MAKE(world, Intake__HistoricStep, INTAKE__HISTORIC_STEP__INIT);
    historic->step = (char *)(uintptr_t)step;
    historic->occurred_ms = occurred_ms;
    if (detail)
        add_field(world, &historic->fields, &historic->n_fields, "detail", detail);
    Intake__History *history = import->history;
    history->steps = arena_grow(&world->arena, history->steps, history->n_steps, sizeof *history->steps);
    history->steps[history->n_steps++] = historic;
}

/* The row as it first came; each call makes it anew, for what was sent once is sealed. */
static Intake__Import *row_of(struct world *world)
{
    Intake__Import *import = MAKE(world, Intake__Import, INTAKE__IMPORT__INIT);
    Intake__Submit *submit = import->submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    submit->kind = "repair";
    submit->category = "lift";
    submit->channel = "phone";
    submit->place = "B1";
    submit->text = plain(world, "电梯停运");
    submit->party = MAKE(world, Intake__Party, INTAKE__PARTY__INIT);
    submit->party->name = plain(world, "王小明");
    add_field(world, &submit->fields, &submit->n_fields, "room", "301");
    add_field(world, &submit->fields, &submit->n_fields, "fee", "12.50");
    add_field(world, &submit->fields, &submit->n_fields, "detail", "门缝里有水");
    import->source = "boston";
    import->external_id = "101";
    import->received_ms = PUPPET_START_MS - 100 * PUPPET_HOUR_MS;
    import->history = MAKE(world, Intake__History, INTAKE__HISTORY__INIT);
    add_step(world, import, "accept", import->received_ms + PUPPET_HOUR_MS, "上门查看");
    return import;
}

static const Intake__Submitted *import_it(struct world *world, Intake__Import *import)
{
    Hb__Command *command = MAKE(world, Hb__Command, HB__COMMAND__INIT);
    command->site = "garden";
    command->actor = world_actor(world, "ji");
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = MAKE(world, Intake__Command, INTAKE__COMMAND__INIT);
    command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command->intake->import = import;
    const Hb__CommandReply *reply = world_command(world, HB__SERVICE__INTAKE, command);
    assert_null(reply->refused);
    return reply->submitted;
}

/* The one difference told of the row, which says nothing in the log. */
static const Intake__Difference *only(struct world *world, Intake__Import *import, const char *field)
{
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    const Intake__Submitted *submitted = import_it(world, import);
    assert_true(submitted->existed);
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);
    for (size_t i = 0; submitted->n_differs != 1 && i < submitted->n_differs; i++)
        print_error("differs: %s\n", submitted->differs[i]->field);
    assert_int_equal(submitted->n_differs, 1);
    assert_string_equal(submitted->differs[0]->field, field);
    return submitted->differs[0];
}

static void the_same_row_is_silent(void **state)
{
    struct world *world = *state;
    assert_false(import_it(world, row_of(world))->existed);
    for (unsigned i = 0; i < 2; i++) {
        const Intake__Submitted *again = import_it(world, row_of(world));
        assert_true(again->existed);
        assert_int_equal(again->n_differs, 0);
    }
    Intake__Import *import = row_of(world); /* what the policy filled in, said as well */
    add_field(world, &import->submit->fields, &import->submit->n_fields, "severity", "minor");
    assert_int_equal(import_it(world, import)->n_differs, 0);
}

static void names_values_and_times_say_what_was_and_what_is(void **state)
{
    struct world *world = *state;
    import_it(world, row_of(world));
    Intake__Import *import = row_of(world);
    import->submit->category = "water";
    const Intake__Difference *one = only(world, import, "category");
    assert_string_equal(one->was->text, "lift");
    assert_string_equal(one->now->text, "water");
    assert_false(one->sealed);

    import = row_of(world);
    import->submit->fields[1]->text->plain = "13";
    one = only(world, import, "fields.fee");
    assert_int_equal(one->was->money_fen, 1250);
    assert_int_equal(one->now->money_fen, 1300);

    import = row_of(world);
    import->submit->n_fields = 0;
    add_field(world, &import->submit->fields, &import->submit->n_fields, "fee", "12.50");
    add_field(world, &import->submit->fields, &import->submit->n_fields, "detail", "门缝里有水");
    one = only(world, import, "fields.room"); /* not given any more */
    assert_string_equal(one->was->text, "301");
    assert_null(one->now);

    import = row_of(world);
    add_field(world, &import->submit->fields, &import->submit->n_fields, "severity", "major");
    one = only(world, import, "fields.severity");
    assert_string_equal(one->was->text, "minor");
    assert_string_equal(one->now->text, "major");

    import = row_of(world);
    import->received_ms -= 60000;
    one = only(world, import, "received_ms");
    assert_int_equal(one->was->time_ms - one->now->time_ms, 60000);

    import = row_of(world);
    import->submit->party->confidential = true;
    assert_true(only(world, import, "party.confidential")->now->yes);
}

static void of_sealed_texts_only_that_they_differ(void **state)
{
    struct world *world = *state;
    import_it(world, row_of(world));
    Intake__Import *import = row_of(world);
    import->submit->text = plain(world, "电梯停运两天");
    const Intake__Difference *one = only(world, import, "text");
    assert_true(one->sealed && !one->was && !one->now);
    import = row_of(world);
    import->submit->party->name = plain(world, "王大明");
    assert_true(only(world, import, "party.name")->sealed);
    import = row_of(world);
    import->submit->party->phone = plain(world, "13800000000");
    assert_true(only(world, import, "party.phone")->sealed); /* was not given then */
    import = row_of(world);
    import->submit->place = "B2";
    assert_true(only(world, import, "place")->sealed);
    import = row_of(world);
    import->submit->fields[2]->text->plain = "门缝里没有水";
    assert_true(only(world, import, "fields.detail")->sealed);
    import = row_of(world);
    import->history->n_steps = 0;
    add_step(world, import, "accept", import->received_ms + PUPPET_HOUR_MS, "没有人在");
    assert_true(only(world, import, "history.steps[0].fields.detail")->sealed);
}

static void a_history_that_went_on_is_told(void **state)
{
    struct world *world = *state;
    import_it(world, row_of(world));
    Intake__Import *import = row_of(world);
    import->history->steps[0]->occurred_ms += 1;
    assert_int_equal(only(world, import, "history.steps[0].occurred_ms")->was->time_ms,
                     import->received_ms + PUPPET_HOUR_MS);
    import = row_of(world);
    add_step(world, import, "close", import->received_ms + 2 * PUPPET_HOUR_MS, NULL);
    const Intake__Submitted *submitted = import_it(world, import);
    assert_int_equal(submitted->n_differs, 2);
    assert_string_equal(submitted->differs[0]->field, "history.steps[1].step");
    assert_null(submitted->differs[0]->was);
    assert_string_equal(submitted->differs[0]->now->text, "close");
    assert_string_equal(submitted->differs[1]->field, "history.steps[1].occurred_ms");
    assert_int_equal(submitted->differs[1]->now->time_ms, import->received_ms + 2 * PUPPET_HOUR_MS);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_same_row_is_silent),
        WITH_WORLD(names_values_and_times_say_what_was_and_what_is),
        WITH_WORLD(of_sealed_texts_only_that_they_differ),
        WITH_WORLD(a_history_that_went_on_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
