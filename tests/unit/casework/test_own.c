/* What a complainant is told of his own case, and of no other. */
#include "../support/puppet.h"

#include "casework.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_intake, "intake", HB__SERVICE__INTAKE);

#define CONTENT_KEY 7u

static Policy__May *complainant_may(struct world *world, const char *act, const char *what,
                                    Policy__Condition *condition)
{
    Policy__May *may = MAKE(world, Policy__May, POLICY__MAY__INIT);
    may->who = LIST(world, Policy__Who *, &may->n_who, world_who(world, "complainant"));
    may->acts = LIST(world, char *, &may->n_acts, arena_strdup(&world->arena, act));
    may->what = arena_strdup(&world->arena, what);
    may->condition = condition;
    return may;
}

/* The result is seen while the case is handled, and by another permission always. */
static void publish(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "handling", POLICY__PHASE__WORKING));
    kind->steps = LIST(world, Policy__Step *, &kind->n_steps, world_step(world, "handle", "registered", "handling"),
                       world_step(world, "report", "handling", "handling"));
    Policy__FieldDef *result = world_field(world, "result", POLICY__FIELD_DEF__TYPE__TEXT);
    result->public_ = false;
    kind->fields = LIST(world, Policy__FieldDef *, &kind->n_fields, result);
    kind->may = LIST(world, Policy__May *, &kind->n_may,
                     complainant_may(world, "see", "result", world_condition(world, "stage", "handling")),
                     complainant_may(world, "see", "result", NULL), complainant_may(world, "attach_file", "", NULL));
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static Intake__HistoricStep *past(struct world *world, const char *name, const char *box)
{
    Hb__Sealed *sealed = MAKE(world, Hb__Sealed, HB__SEALED__INIT);
    sealed->field = "result";
    sealed->key_id = CONTENT_KEY;
    sealed->box = (ProtobufCBinaryData){strlen(box), (uint8_t *)(uintptr_t)box};
    Hb__Field *field = MAKE(world, Hb__Field, HB__FIELD__INIT);
    field->name = "result";
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = MAKE(world, Hb__Personal, HB__PERSONAL__INIT);
    field->text->kind_case = HB__PERSONAL__KIND_SEALED;
    field->text->sealed = sealed;
    Intake__HistoricStep *step = MAKE(world, Intake__HistoricStep, INTAKE__HISTORIC_STEP__INIT);
    step->step = arena_strdup(&world->arena, name);
    step->occurred_ms = PUPPET_START_MS - PUPPET_HOUR_MS;
    step->fields = LIST(world, Hb__Field *, &step->n_fields, field);
    return step;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &casework_service};
    world_open(world, services, 3, 11);
    world_site(world, "garden");
    publish(world);
    Hb__Event *first = world_registered(world, 1, "repair");
    first->history = true;
    first->occurred_ms = PUPPET_START_MS - 2 * PUPPET_HOUR_MS;
    first->intake->registered->historic = true;
    first->intake->registered->content_key = CONTENT_KEY;
    Intake__History *history = first->intake->registered->history = MAKE(world, Intake__History, INTAKE__HISTORY__INIT);
    history->steps = LIST(world, Intake__HistoricStep *, &history->n_steps, past(world, "handle", "the first words"),
                          past(world, "report", "other words"));
    puppet_say(world, HB__SERVICE__INTAKE, first);
    puppet_say(world, HB__SERVICE__INTAKE, world_registered(world, 2, "repair"));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

/* By the complainant of the case `his`. */
static const Hb__QueryReply *ask(struct world *world, uint64_t his, Casework__Query *asked)
{
    Hb__Query query = HB__QUERY__INIT;
    query.actor = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    query.actor->complainant = true;
    query.case_id = his;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = asked;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__CASEWORK, &query, &world->arena);
    assert_non_null(reply);
    return reply;
}

/* Seen always, it is told in each form it had; only what is seen under a condition is told in its newest form alone. */
static void what_is_always_seen_is_told_in_every_form(void **state)
{
    struct world *world = *state;
    Casework__Query query = CASEWORK__QUERY__INIT;
    Casework__GetOwn own = CASEWORK__GET_OWN__INIT;
    query.kind_case = CASEWORK__QUERY__KIND_OWN;
    query.own = &own;
    own.case_id = 1;
    const Hb__QueryReply *reply = ask(world, 1, &query);
    assert_null(reply->refused);
    size_t texts = 0;
    for (size_t i = 0; i < reply->casework->own->n_moments; i++)
        texts += reply->casework->own->moments[i]->n_texts;
    assert_int_equal(texts, 2);
    assert_int_equal(ask(world, 2, &query)->refused->status, 404);
}

static void he_may_attach_to_his_own_case_only(void **state)
{
    struct world *world = *state;
    Casework__Query query = CASEWORK__QUERY__INIT;
    Casework__MayAttach may = CASEWORK__MAY_ATTACH__INIT;
    query.kind_case = CASEWORK__QUERY__KIND_MAY_ATTACH;
    query.may_attach = &may;
    may.case_id = 1;
    may.size = 1;
    assert_null(ask(world, 1, &query)->refused);
    assert_int_equal(ask(world, 2, &query)->refused->status, 404);
    assert_int_equal(ask(world, 0, &query)->refused->status, 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_always_seen_is_told_in_every_form, setup, teardown),
        cmocka_unit_test_setup_teardown(he_may_attach_to_his_own_case_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
