/* Intake in the simulator, with puppets for directory and casework: registration, imports, sealed data, requests. */
#include "../support/puppet.h"

#include "intake.h"
#include "vault/vault.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);

#define NUMBER_1 "20250310-repair-001"

static Policy__Kind *kind_repair(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->public_ = true;
    kind->clauses = LIST(world, char *, &kind->n_clauses, "TEST-01");
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "handling", POLICY__PHASE__WORKING),
                        world_stage(world, "closed", POLICY__PHASE__CLOSED));
    Policy__Step *settle = world_step(world, "settle", "registered", "closed");
    Policy__Need *need = MAKE(world, Policy__Need, POLICY__NEED__INIT);
    need->name = "explanation";
    settle->needs = LIST(world, Policy__Need *, &settle->n_needs, need);
    Policy__Step *accept = world_step(world, "accept", "registered", "handling");
    accept->by = LIST(world, Policy__Who *, &accept->n_by, world_who(world, "anyone"));
    accept->fields = LIST(world, char *, &accept->n_fields, "remark");
    kind->steps =
        LIST(world, Policy__Step *, &kind->n_steps, settle, accept, world_step(world, "close", "handling", "closed"));
    Policy__FieldDef *room = world_field(world, "room", POLICY__FIELD_DEF__TYPE__NAME);
    room->needed = POLICY__FIELD_DEF__NEEDED__ALWAYS;
    Policy__FieldDef *severity = world_field(world, "severity", POLICY__FIELD_DEF__TYPE__CHOICE);
    severity->one_of =
        LIST(world, Policy__Choice *, &severity->n_one_of, world_choice(world, "minor"), world_choice(world, "major"));
    severity->default_value = world_text(world, "minor");
    Policy__FieldDef *staff_only = world_field(world, "asset", POLICY__FIELD_DEF__TYPE__NAME);
    staff_only->public_ = false;
    kind->fields = LIST(world, Policy__FieldDef *, &kind->n_fields, room, severity, staff_only,
                        world_field(world, "detail", POLICY__FIELD_DEF__TYPE__TEXT),
                        world_field(world, "explanation", POLICY__FIELD_DEF__TYPE__TEXT),
                        world_field(world, "fee", POLICY__FIELD_DEF__TYPE__MONEY),
                        world_field(world, "people", POLICY__FIELD_DEF__TYPE__NUMBER),
                        world_field(world, "urgent", POLICY__FIELD_DEF__TYPE__YES_NO),
                        world_field(world, "promised_at", POLICY__FIELD_DEF__TYPE__TIME),
                        world_field(world, "happened_at", POLICY__FIELD_DEF__TYPE__TIME));
    Policy__Rule *guard = MAKE(world, Policy__Rule, POLICY__RULE__INIT);
    guard->name = "no_asset";
    guard->before = "register";
    guard->clauses = LIST(world, char *, &guard->n_clauses, "TEST-02");
    guard->condition = world_condition(world, "room", "roof");
    guard->refuse = world_label(world, "屋面不在范围内", "The roof is not covered");
    Policy__Rule *too_late = MAKE(world, Policy__Rule, POLICY__RULE__INIT);
    too_late->name = "too_late";
    too_late->before = "register";
    too_late->clauses = LIST(world, char *, &too_late->n_clauses, "TEST-06");
    too_late->condition = world_later(world, "promised_at", 3, "received_at");
    too_late->refuse = world_label(world, "最迟三个工作日", "At most three working days");
    kind->rules = LIST(world, Policy__Rule *, &kind->n_rules, guard, too_late);
    Policy__May *unseal = MAKE(world, Policy__May, POLICY__MAY__INIT);
    unseal->who = LIST(world, Policy__Who *, &unseal->n_who, world_who(world, "archivist"));
    unseal->acts = LIST(world, char *, &unseal->n_acts, "unseal");
    unseal->what = "complainant";
    unseal->clauses = LIST(world, char *, &unseal->n_clauses, "TEST-07");
    kind->may = LIST(world, Policy__May *, &kind->n_may, unseal);
    Policy__Never *never = MAKE(world, Policy__Never, POLICY__NEVER__INIT);
    never->who = LIST(world, Policy__Who *, &never->n_who, world_who(world, "respondent"));
    never->acts = LIST(world, char *, &never->n_acts, "any");
    kind->never = LIST(world, Policy__Never *, &kind->n_never, never);
    Policy__Clock *clock = MAKE(world, Policy__Clock, POLICY__CLOCK__INIT);
    clock->name = "respond";
    clock->main = true;
    clock->clauses = LIST(world, char *, &clock->n_clauses, "TEST-03");
    Policy__Trigger *start = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    start->name = "registered";
    Policy__Trigger *stop = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    stop->name = "closed";
    clock->start = LIST(world, Policy__Trigger *, &clock->n_start, start);
    clock->stop = LIST(world, Policy__Trigger *, &clock->n_stop, stop);
    Policy__Term *term = MAKE(world, Policy__Term, POLICY__TERM__INIT);
    term->unit = POLICY__TERM__UNIT__HOURS;
    term->amount = 2;
    Policy__LimitRow *limit = MAKE(world, Policy__LimitRow, POLICY__LIMIT_ROW__INIT);
    limit->terms = LIST(world, Policy__Term *, &limit->n_terms, term);
    clock->limit = LIST(world, Policy__LimitRow *, &clock->n_limit, limit);
    Policy__Clock *make_safe = MAKE(world, Policy__Clock, POLICY__CLOCK__INIT);
    *make_safe = *clock;
    make_safe->name = "make_safe";
    make_safe->main = false;
    Policy__Trigger *happened = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    happened->type = POLICY__TRIGGER__TYPE__TIME_FIELD;
    happened->name = "happened_at";
    make_safe->start = LIST(world, Policy__Trigger *, &make_safe->n_start, happened);
    kind->clocks = LIST(world, Policy__Clock *, &kind->n_clocks, clock, make_safe);
    return kind;
}

static void publish(struct world *world)
{
    Policy__Kind *inquiry = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    inquiry->name = "inquiry";
    Policy__Never *never = MAKE(world, Policy__Never, POLICY__NEVER__INIT);
    never->who = LIST(world, Policy__Who *, &never->n_who, world_who(world, "respondent"));
    never->acts = LIST(world, char *, &never->n_acts, "any");
    never->clauses = LIST(world, char *, &never->n_clauses, "TEST-04");
    Policy__May *may = MAKE(world, Policy__May, POLICY__MAY__INIT);
    may->who = LIST(world, Policy__Who *, &may->n_who, world_who(world, "receptionist"));
    may->acts = LIST(world, char *, &may->n_acts, "register");
    may->clauses = LIST(world, char *, &may->n_clauses, "TEST-05");
    inquiry->never = LIST(world, Policy__Never *, &inquiry->n_never, never);
    inquiry->may = LIST(world, Policy__May *, &inquiry->n_may, may);
    Policy__FieldDef *verdict = world_field(world, "verdict", POLICY__FIELD_DEF__TYPE__NAME);
    verdict->write = LIST(world, Policy__Who *, &verdict->n_write, world_who(world, "archivist"));
    Policy__FieldDef *place = world_field(world, "place", POLICY__FIELD_DEF__TYPE__CHOICE);
    place->one_of =
        LIST(world, Policy__Choice *, &place->n_one_of, world_choice(world, "hall"), world_choice(world, "yard"));
    inquiry->fields = LIST(world, Policy__FieldDef *, &inquiry->n_fields, verdict, place,
                           world_field(world, "category", POLICY__FIELD_DEF__TYPE__NAME),
                           world_field(world, "respondent", POLICY__FIELD_DEF__TYPE__PERSON));
    inquiry->stages = LIST(world, Policy__Stage *, &inquiry->n_stages, world_stage(world, "open", POLICY__PHASE__NEW));
    Policy__Policy policy = POLICY__POLICY__INIT;
    Policy__Defaults defaults = POLICY__DEFAULTS__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.defaults = &defaults;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind_repair(world), inquiry);
    policy.categories = LIST(world, Policy__Category *, &policy.n_categories, world_category(world, "lift", ""),
                             world_category(world, "water", ""));
    world_publish(world, &policy);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &intake_service, &puppet_casework};
    world_open(world, services, 3, 11);
    world_site(world, "garden");
    world_department(world, "service", "lin");
    world_person(world, "lin", "receptionist", "service", false);
    world_person(world, "bo", "receptionist", "service", false);
    world_person(world, "ji", "archivist", "service", false);
    world_account(world, "lin", "submit");
    world_account(world, "bo", "open");
    world_account(world, "ji", "import");
    world_person(world, "yu", "archivist", "service", false);
    world_account(world, "yu", "open");
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

/* ---- commands ---- */

static Hb__Personal *plain(struct world *world, const char *text)
{
    Hb__Personal *personal = MAKE(world, Hb__Personal, HB__PERSONAL__INIT);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = arena_strdup(&world->arena, text);
    return personal;
}

static void add_field(struct world *world, Intake__Submit *submit, const char *name, const char *text)
{
    Hb__Field *field = MAKE(world, Hb__Field, HB__FIELD__INIT);
    field->name = arena_strdup(&world->arena, name);
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = plain(world, text);
    submit->fields = arena_grow(&world->arena, submit->fields, submit->n_fields, sizeof *submit->fields);
    submit->fields[submit->n_fields++] = field;
}

static Intake__Submit *new_submit(struct world *world)
{
    Intake__Submit *submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    submit->kind = "repair";
    submit->category = "lift";
    submit->channel = "phone";
    submit->place = "B1";
    submit->text = plain(world, "电梯停运，困在三楼");
    submit->party = MAKE(world, Intake__Party, INTAKE__PARTY__INIT);
    submit->party->name = plain(world, "王小明");
    submit->party->phone = plain(world, "13800000000");
    add_field(world, submit, "room", "301");
    return submit;
}

static Hb__Command *new_command(struct world *world, const char *person)
{
    Hb__Command *command = MAKE(world, Hb__Command, HB__COMMAND__INIT);
    command->site = "garden";
    if (person)
        command->actor = world_actor(world, person);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = MAKE(world, Intake__Command, INTAKE__COMMAND__INIT);
    return command;
}

static const Hb__CommandReply *submit_by(struct world *world, Hb__Actor *actor, Intake__Submit *submit)
{
    Hb__Command *command = new_command(world, NULL);
    command->actor = actor;
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = submit;
    return world_command(world, HB__SERVICE__INTAKE, command);
}

static const Hb__CommandReply *submit_ok(struct world *world, Intake__Submit *submit)
{
    const Hb__CommandReply *reply = submit_by(world, world_actor(world, "lin"), submit);
    if (reply->refused)
        print_error("refused: %s (%s)\n", reply->refused->text->en, reply->refused->field);
    assert_null(reply->refused);
    return reply;
}

static const Hb__Refusal *refused(struct world *world, Intake__Submit *submit, uint32_t status, const char *code)
{
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    const Hb__CommandReply *reply = submit_by(world, world_actor(world, "lin"), submit);
    assert_non_null(reply->refused);
    assert_string_equal(reply->refused->code, code);
    assert_int_equal(reply->refused->status, status);
    assert_true(reply->refused->text->zh[0] && reply->refused->text->en[0]);
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);
    return reply->refused;
}

static bool accepts(const Hb__Refusal *refusal, const char *name)
{
    for (size_t i = 0; i < refusal->n_accepted; i++)
        if (strcmp(refusal->accepted[i], name) == 0)
            return true;
    return false;
}

static const Hb__Event *last_said(struct world *world)
{
    const struct world_last *said = world_said(world, HB__SERVICE__INTAKE);
    assert_true(said->count > 0);
    return said->events[said->count - 1];
}

/* ---- submissions ---- */

static void a_submission_is_registered(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    add_field(world, submit, "fee", "12.5");
    add_field(world, submit, "people", "3");
    add_field(world, submit, "urgent", "是");
    add_field(world, submit, "detail", "门缝里有水");
    add_field(world, submit, "promised_at", "2025-03-11 09:30");
    const Hb__CommandReply *reply = submit_ok(world, submit);
    const Intake__Submitted *submitted = reply->submitted;
    assert_string_equal(submitted->number, NUMBER_1);
    assert_string_equal(submitted->stage, "registered");
    assert_int_equal(submitted->n_promised, 1);
    assert_string_equal(submitted->promised[0]->clock, "respond");
    assert_true(submitted->promised[0]->main);

    const Hb__Event *event = last_said(world);
    const Intake__CaseRegistered *registered = event->intake->registered;
    assert_int_equal(event->case_id, reply->case_id);
    assert_int_equal(event->policy_version, 1);
    assert_int_equal(submitted->promised[0]->due_ms, event->recorded_ms + 2 * PUPPET_HOUR_MS);
    assert_string_equal(event->actor->person, "lin");
    assert_string_equal(world_fact(event, "kind")->text, "repair");
    assert_string_equal(world_fact(event, "category")->text, "lift");
    assert_string_equal(world_fact(event, "room")->text, "301");
    assert_string_equal(world_fact(event, "severity")->text, "minor"); /* by default */
    assert_int_equal(world_fact(event, "fee")->money_fen, 1250);
    assert_int_equal(world_fact(event, "people")->number, 3);
    assert_true(world_fact(event, "urgent")->yes);
    assert_int_equal(world_fact(event, "promised_at")->time_ms, PUPPET_START_MS + 47 * PUPPET_HOUR_MS / 2);
    assert_int_equal(world_fact(event, "received_at")->time_ms, event->recorded_ms);
    assert_int_equal(world_fact(event, "detail")->kind_case, HB__VALUE__KIND_PRESENT);
    assert_int_equal(world_fact(event, "text")->kind_case, HB__VALUE__KIND_PRESENT);
    /* Personal data is sealed, in two classes */
    assert_int_equal(registered->text->kind_case, HB__PERSONAL__KIND_SEALED);
    assert_int_equal(registered->text->sealed->key_id, registered->content_key);
    assert_int_equal(registered->party->name->sealed->key_id, registered->identity_key);
    assert_int_equal(registered->n_texts, 2); /* detail and place */
    for (size_t i = 0; i < registered->n_texts; i++)
        assert_int_equal(registered->texts[i]->text->sealed->key_id, registered->content_key);
    assert_true(registered->identity_key && registered->identity_key != registered->content_key);
}

static void numbers_have_no_gaps_and_count_by_kind_and_day(void **state)
{
    struct world *world = *state;
    assert_string_equal(submit_ok(world, new_submit(world))->submitted->number, NUMBER_1);
    Intake__Submit *bad = new_submit(world);
    bad->category = "no_such";
    refused(world, bad, 422, "bad_field");
    assert_string_equal(submit_ok(world, new_submit(world))->submitted->number, "20250310-repair-002");
    Intake__Submit *inquiry = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    inquiry->kind = "inquiry";
    inquiry->channel = "phone";
    add_field(world, inquiry, "category", "water"); /* as a form asks it */
    assert_string_equal(submit_ok(world, inquiry)->submitted->number, "20250310-inquiry-001");
    assert_string_equal(last_said(world)->intake->registered->category, "water");
    inquiry->category = "lift";
    add_field(world, inquiry, "category", "water");
    refused(world, inquiry, 422, "bad_field");
    simulation_run(world->simulation, PUPPET_START_MS + 14 * PUPPET_HOUR_MS); /* 24:00 in Shanghai */
    assert_string_equal(submit_ok(world, new_submit(world))->submitted->number, "20250311-repair-001");
}

static void likely_duplicates_are_hinted_at(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 6; i++)
        submit_ok(world, new_submit(world));
    const Intake__Submitted *submitted = submit_ok(world, new_submit(world))->submitted;
    assert_int_equal(submitted->n_alike, 5);
    assert_string_equal(submitted->alike[0], "20250310-repair-006"); /* the newest first */
    Intake__Submit *elsewhere = new_submit(world);
    elsewhere->place = " b1"; /* the same written differently */
    assert_int_equal(submit_ok(world, elsewhere)->submitted->n_alike, 5);
    elsewhere = new_submit(world);
    elsewhere->place = "B2";
    assert_int_equal(submit_ok(world, elsewhere)->submitted->n_alike, 0);
    simulation_run(world->simulation, PUPPET_START_MS + 15 * 24 * PUPPET_HOUR_MS);
    assert_int_equal(submit_ok(world, new_submit(world))->submitted->n_alike, 0);
}

/* Sealed, but where the kind lists its places: then it is a fact like any choice. */
static void a_place_is_sealed_or_listed(void **state)
{
    struct world *world = *state;
    submit_ok(world, new_submit(world));
    const Hb__Event *event = last_said(world);
    assert_string_equal(event->intake->registered->place, "");
    assert_int_equal(strlen(event->intake->registered->place_key), 2 * VAULT_BLIND_BYTES);
    assert_int_equal(world_fact(event, "place")->kind_case, HB__VALUE__KIND_PRESENT);
    Intake__Submit *submit = new_submit(world);
    submit->kind = "inquiry";
    submit->n_fields = 0;
    submit->place = "hall";
    submit_ok(world, submit);
    event = last_said(world);
    assert_string_equal(event->intake->registered->place, "hall");
    assert_string_equal(world_fact(event, "place")->text, "hall");
    assert_int_equal(event->intake->registered->n_texts, 0);
    submit->place = "Behind the pillar";
    assert_true(accepts(refused(world, submit, 422, "bad_field"), "yard"));
    submit->place = "";
    submit->place_key = "00";
    refused(world, submit, 422, "bad_field");
}

static void what_is_unknown_is_refused_with_what_is_accepted(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->kind = "nonsense";
    assert_true(accepts(refused(world, submit, 422, "unknown_kind"), "inquiry"));
    submit = new_submit(world);
    submit->category = "nonsense";
    assert_true(accepts(refused(world, submit, 422, "bad_field"), "water"));
    submit = new_submit(world);
    submit->channel = "pigeon";
    assert_true(accepts(refused(world, submit, 422, "bad_field"), "walk_in"));
    submit = new_submit(world);
    add_field(world, submit, "colour", "red");
    const Hb__Refusal *refusal = refused(world, submit, 422, "bad_field");
    assert_string_equal(refusal->field, "fields.colour");
    assert_true(accepts(refusal, "severity"));
    submit = new_submit(world);
    add_field(world, submit, "severity", "enormous");
    assert_true(accepts(refused(world, submit, 422, "bad_field"), "major"));
    static const char *const wrong[][2] = {
        {"fee", "12.345"},     {"fee", "-1"},           {"people", "three"},          {"people", ""},
        {"urgent", "perhaps"}, {"promised_at", "soon"}, {"promised_at", "2025-02-30"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        submit = new_submit(world);
        add_field(world, submit, wrong[i][0], wrong[i][1]);
        if (wrong[i][1][0])
            refused(world, submit, 422, "bad_field");
        else
            submit_ok(world, submit); /* left empty on the form */
    }
    submit = new_submit(world);
    submit->identity_key = 7;
    refused(world, submit, 422, "bad_field");
    submit = new_submit(world);
    char *longest = arena_alloc(&world->arena, 3 * 20001 + 1);
    for (int i = 0; i < 20001; i++)
        memcpy(longest + 3 * i, "长", 4);
    submit->text = plain(world, longest);
    refused(world, submit, 413, "too_large");
    longest[3 * 20000] = 0;
    submit->text = plain(world, longest);
    submit_ok(world, submit);
    submit = new_submit(world); /* each is short enough, together they are too long for one event */
    submit->text = plain(world, longest);
    add_field(world, submit, "detail", longest);
    add_field(world, submit, "explanation", longest);
    refused(world, submit, 413, "too_large");
}

static void what_is_needed_and_what_the_policy_forbids(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->n_fields = 0;
    const Hb__Refusal *refusal = refused(world, submit, 422, "missing_field");
    assert_string_equal(refusal->field, "room");
    submit = new_submit(world);
    submit->n_fields = 0;
    add_field(world, submit, "room", "roof");
    refusal = refused(world, submit, 409, "guard");
    assert_int_equal(refusal->n_problems, 1);
    assert_string_equal(refusal->problems[0]->clause, "TEST-02");
    assert_string_equal(refusal->problems[0]->text->en, "The roof is not covered");
}

/* Monday 10:00: three working days end on Thursday at the close of business. */
static void a_guard_counts_working_days_from_a_fact(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    add_field(world, submit, "promised_at", "2025-03-13 18:01");
    const Hb__Refusal *refusal = refused(world, submit, 409, "guard");
    assert_string_equal(refusal->problems[0]->text->en, "At most three working days");
    submit = new_submit(world);
    add_field(world, submit, "promised_at", "2025-03-13 18:00");
    submit_ok(world, submit);
}

static void who_may_submit(void **state)
{
    struct world *world = *state;
    assert_int_equal(submit_by(world, world_actor(world, "bo"), new_submit(world))->refused->status, 403);
    assert_int_equal(submit_by(world, NULL, new_submit(world))->refused->status, 403);
    Hb__Actor *complainant = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    complainant->complainant = true;
    Intake__Submit *submit = new_submit(world);
    assert_int_equal(submit_by(world, complainant, submit)->refused->status, 403); /* by phone */
    submit->channel = "web";
    assert_null(submit_by(world, complainant, submit)->refused);
    add_field(world, submit, "asset", "lift-7"); /* for staff only */
    const Hb__Refusal *refusal = submit_by(world, complainant, submit)->refused;
    assert_string_equal(refusal->code, "bad_field");
    assert_false(accepts(refusal, "asset"));
    submit = new_submit(world);
    submit->channel = "web";
    submit->department = "service";
    assert_int_equal(submit_by(world, complainant, submit)->refused->status, 403);
    submit = new_submit(world);
    submit->channel = "web";
    submit->text = NULL;
    assert_string_equal(submit_by(world, complainant, submit)->refused->field, "text");
    submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    submit->kind = "inquiry"; /* not open to the public */
    submit->channel = "web";
    submit->text = plain(world, "?");
    assert_int_equal(submit_by(world, complainant, submit)->refused->status, 403);
    Hb__Command *command = new_command(world, "lin");
    command->site = "elsewhere";
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = new_submit(world);
    assert_string_equal(world_command(world, HB__SERVICE__INTAKE, command)->refused->code, "unknown_site");
}

static void the_policy_says_who_may_register(void **state)
{
    struct world *world = *state;
    world_person(world, "mo", "guard", "service", false);
    world_account(world, "mo", "submit");
    Intake__Submit *submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    submit->kind = "inquiry";
    submit->channel = "phone";
    const Hb__Refusal *refusal = submit_by(world, world_actor(world, "mo"), submit)->refused;
    assert_int_equal(refusal->status, 403);
    assert_string_equal(refusal->clauses[0], "TEST-05");
    submit_ok(world, submit);
    add_field(world, submit, "respondent", "lin"); /* the accused does not register the accusation */
    refusal = submit_by(world, world_actor(world, "lin"), submit)->refused;
    assert_int_equal(refusal->status, 403);
    assert_string_equal(refusal->clauses[0], "TEST-04");
    submit->n_fields = 0;
    add_field(world, submit, "respondent", "nobody");
    refused(world, submit, 422, "bad_field");
    submit->n_fields = 0;
    add_field(world, submit, "verdict", "upheld");
    refusal = refused(world, submit, 403, "not_allowed");
    assert_string_equal(refusal->field, "fields.verdict");
}

/* A mail lay in its box: deadlines run from when it came, the number is today's. */
static void received_before_now(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->channel = "email";
    submit->received_ms = PUPPET_START_MS - PUPPET_HOUR_MS;
    assert_string_equal(refused(world, submit, 403, "not_allowed")->field, "received_ms"); /* lin has submit alone */
    world_person(world, "hu", "mailbox", "service", false);
    world_account(world, "hu", "*");
    const Hb__CommandReply *reply = submit_by(world, world_actor(world, "hu"), submit);
    assert_null(reply->refused);
    assert_string_equal(reply->submitted->number, NUMBER_1);
    assert_int_equal(reply->submitted->promised[0]->due_ms, submit->received_ms + 2 * PUPPET_HOUR_MS);
    const struct world_last *said = world_said(world, HB__SERVICE__INTAKE);
    const Hb__Event *event = said->events[said->count - 1];
    assert_int_equal(event->occurred_ms, submit->received_ms);
    assert_false(event->history || event->intake->registered->historic);
    assert_int_equal(world_fact(event, "received_at")->time_ms, submit->received_ms);
    assert_int_equal(world_fact(event, "registered_at")->time_ms, event->recorded_ms);
    static const int64_t wrong[] = {-32 * 24, 1000};
    for (size_t i = 0; i < 2; i++) {
        submit->received_ms = PUPPET_START_MS + wrong[i] * PUPPET_HOUR_MS;
        const Hb__Refusal *refusal = submit_by(world, world_actor(world, "hu"), submit)->refused;
        assert_string_equal(refusal->code, "bad_field");
        assert_string_equal(refusal->field, "received_ms");
    }
}

static void settled_on_the_spot(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->settle = true;
    assert_string_equal(refused(world, submit, 422, "missing_field")->field, "explanation");
    submit = new_submit(world);
    submit->settle = true;
    Intake__Submit fields = INTAKE__SUBMIT__INIT;
    add_field(world, &fields, "explanation", "按了复位键");
    submit->settle_fields = fields.fields;
    submit->n_settle_fields = 1;
    const Hb__CommandReply *reply = submit_ok(world, submit);
    assert_string_equal(reply->submitted->stage, "closed");
    assert_int_equal(reply->submitted->n_promised, 0); /* its clock has stopped */
    const Intake__CaseRegistered *registered = last_said(world)->intake->registered;
    assert_string_equal(registered->settled_step, "settle");
    assert_int_equal(registered->phase, POLICY__PHASE__CLOSED);
    assert_int_equal(registered->texts[registered->n_texts - 1]->text->kind_case, HB__PERSONAL__KIND_SEALED);
    submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    submit->kind = "inquiry";
    submit->channel = "phone";
    submit->settle = true;
    refused(world, submit, 422, "unknown_step");
}

/* A clock that began yesterday and was due then: the settlement ends it, late as it is, and nothing is promised. */
static void settled_late_it_promises_nothing(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    add_field(world, submit, "happened_at", "2025-03-09 10:00");
    const Intake__Submitted *open = submit_ok(world, submit)->submitted;
    assert_int_equal(open->n_promised, 2);
    assert_string_equal(open->promised[1]->clock, "make_safe");
    assert_int_equal(open->promised[1]->due_ms, PUPPET_START_MS - 22 * PUPPET_HOUR_MS);
    Intake__Submit fields = INTAKE__SUBMIT__INIT;
    add_field(world, &fields, "explanation", "已排除");
    submit = new_submit(world);
    add_field(world, submit, "happened_at", "2025-03-09 10:00");
    submit->settle = true;
    submit->settle_fields = fields.fields;
    submit->n_settle_fields = 1;
    assert_int_equal(submit_ok(world, submit)->submitted->n_promised, 0);
}

static void a_repeated_command_gets_the_first_outcome(void **state)
{
    struct world *world = *state;
    Hb__Command *command = new_command(world, "lin");
    command->account = "a-lin";
    command->id = "1741572000000-same";
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = new_submit(world);
    const Hb__CommandReply *first = world_command(world, HB__SERVICE__INTAKE, command);
    const Hb__CommandReply *again = world_command(world, HB__SERVICE__INTAKE, command);
    assert_true(again->repeated_command);
    assert_string_equal(again->submitted->number, first->submitted->number);
    assert_string_equal(again->submitted->tracking_code, first->submitted->tracking_code);
    assert_int_equal(again->case_id, first->case_id);
}

/* ---- tracking ---- */

static const Hb__QueryReply *track(struct world *world, const char *code)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query payload = INTAKE__QUERY__INIT;
    Intake__Track track = INTAKE__TRACK__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &payload;
    payload.kind_case = INTAKE__QUERY__KIND_TRACK;
    payload.track = &track;
    track.code = (char *)(uintptr_t)code;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__INTAKE, &query, &world->arena);
    assert_non_null(reply);
    return reply;
}

static void a_tracking_code_finds_its_case_and_no_other(void **state)
{
    struct world *world = *state;
    const Hb__CommandReply *first = submit_ok(world, new_submit(world));
    const Hb__CommandReply *second = submit_ok(world, new_submit(world));
    const char *code = first->submitted->tracking_code;
    assert_int_equal(strlen(code), strlen(NUMBER_1) + 1 + 8);
    assert_int_equal(track(world, code)->intake->tracked->case_id, first->case_id);
    assert_int_equal(track(world, arena_printf(&world->arena, "  %s ", code))->intake->tracked->case_id,
                     first->case_id);
    char *mixed = arena_printf(&world->arena, "%s%s", NUMBER_1, second->submitted->tracking_code + strlen(NUMBER_1));
    assert_int_equal(track(world, mixed)->refused->status, 404);
    assert_int_equal(track(world, NUMBER_1)->refused->status, 404);
    assert_int_equal(track(world, "")->refused->status, 404);
    assert_int_equal(track(world, "12345678")->refused->status, 404);
    simulation_down(world->simulation, HB__SERVICE__INTAKE);
    simulation_up(world->simulation, HB__SERVICE__INTAKE);
    assert_int_equal(track(world, code)->intake->tracked->case_id, first->case_id);
}

/* ---- opening ---- */

static const Hb__CommandReply *open_boxes(struct world *world, Hb__Actor *actor, uint64_t case_id, const char *purpose,
                                          Hb__Sealed *first, Hb__Sealed *second)
{
    Hb__Command *command = new_command(world, NULL);
    command->actor = actor;
    command->case_id = case_id;
    command->intake->kind_case = INTAKE__COMMAND__KIND_OPEN;
    Intake__Open *open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    command->intake->open = open;
    open->purpose = (char *)(uintptr_t)purpose;
    open->boxes = LIST(world, Hb__Sealed *, &open->n_boxes, first, second);
    return world_command(world, HB__SERVICE__INTAKE, command);
}

/* The complainant of the case whose tracking code this is, about the case `case_id`. */
static const Hb__CommandReply *open_own(struct world *world, const char *code, uint64_t case_id, Hb__Sealed *first,
                                        Hb__Sealed *second)
{
    Hb__Command *command = new_command(world, NULL);
    command->actor = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    command->actor->complainant = true;
    command->case_id = case_id;
    command->intake->kind_case = INTAKE__COMMAND__KIND_OPEN;
    Intake__Open *open = command->intake->open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    open->purpose = "own case";
    open->tracking_code = (char *)(uintptr_t)code;
    open->boxes = LIST(world, Hb__Sealed *, &open->n_boxes, first, second);
    return world_command(world, HB__SERVICE__INTAKE, command);
}

static void sealed_texts_are_opened_for_those_who_may(void **state)
{
    struct world *world = *state;
    const Hb__CommandReply *submitted = submit_ok(world, new_submit(world));
    uint64_t mine = submitted->case_id;
    const char *code = submitted->submitted->tracking_code;
    const Intake__CaseRegistered *registered = last_said(world)->intake->registered;
    Hb__Sealed *name = registered->party->name->sealed, *text = registered->text->sealed;
    const Hb__CommandReply *reply = open_boxes(world, world_actor(world, "bo"), 0, "handle", name, text);
    assert_null(reply->refused);
    assert_int_equal(reply->opened->n_texts, 2);
    assert_string_equal(reply->opened->texts[0], "王小明");
    assert_string_equal(reply->opened->texts[1], "电梯停运，困在三楼");
    assert_int_equal(reply->opened->n_gone, 0);
    const Hb__Event *event = last_said(world);
    assert_int_equal(event->intake->kind_case, INTAKE__EVENT__KIND_OPENED);
    assert_int_equal(event->case_id, mine);
    assert_int_equal(event->intake->opened->n_keys, 2);
    assert_string_equal(event->intake->opened->purpose, "handle");
    assert_string_equal(event->actor->person, "bo");

    assert_int_equal(open_boxes(world, world_actor(world, "lin"), 0, "look", name, text)->refused->status, 403);
    assert_int_equal(open_boxes(world, world_actor(world, "bo"), 0, "", name, text)->refused->status, 422);
    assert_null(open_boxes(world, NULL, 0, "notice", name, text)->refused); /* notification, acting for nobody */
    const Hb__CommandReply *another = submit_ok(world, new_submit(world));
    uint64_t other = another->case_id;
    const char *others_code = another->submitted->tracking_code;
    assert_null(open_own(world, code, mine, name, text)->refused);
    assert_string_equal(open_own(world, others_code, other, name, text)->refused->field,
                        "boxes[0]"); /* of another case */
    assert_string_equal(open_own(world, code, other, name, text)->refused->field, "tracking_code");
    assert_string_equal(open_own(world, others_code, mine, name, text)->refused->field, "tracking_code");
    assert_string_equal(open_own(world, "", mine, name, text)->refused->field,
                        "tracking_code"); /* nobody has proved it */
    assert_int_equal(open_own(world, code, 0, name, text)->refused->status, 403);
    Hb__Sealed note = *text; /* of his case, and the staff's own */
    note.field = "note";
    reply = open_own(world, code, mine, text, &note);
    assert_string_equal(reply->opened->texts[0], "电梯停运，困在三楼");
    assert_string_equal(reply->opened->texts[1], "");
    assert_true(!reply->opened->withheld[0] && reply->opened->withheld[1]);
    assert_int_equal(reply->opened->n_gone, 0); /* it is not said to be erased */
    assert_string_equal(reply->opened->unopened->field, "note");
    assert_string_equal(last_said(world)->intake->opened->withheld[0], "note");
    assert_int_equal(last_said(world)->intake->opened->n_fields, 1);
    note.field = "remark"; /* asked of anyone, and so of him, too */
    assert_false(open_own(world, code, mine, text, &note)->opened->withheld[1]);
    Hb__Sealed made_up = *text;
    made_up.key_id = 99;
    assert_int_equal(open_boxes(world, world_actor(world, "bo"), 0, "x", &made_up, text)->refused->status, 404);
    char *endless = arena_zero(&world->arena, 100001);
    memset(endless, 'x', 100000);
    Hb__Sealed named = *text;
    named.field = endless;
    assert_int_equal(open_boxes(world, world_actor(world, "bo"), 0, "x", &named, text)->refused->status, 413);
    Hb__Sealed moved = *text;
    moved.field = "party.name";
    reply = open_boxes(world, world_actor(world, "bo"), 0, "x", &moved, text);
    assert_string_equal(reply->opened->texts[0], "");
    assert_int_equal(reply->opened->n_gone, 1);
}

static const Hb__CommandReply *open_masked(struct world *world, const char *person, uint64_t case_id, Hb__Sealed *first,
                                           Hb__Sealed *second)
{
    Hb__Command *command = new_command(world, NULL);
    command->actor = world_actor(world, person);
    command->case_id = case_id;
    command->intake->kind_case = INTAKE__COMMAND__KIND_OPEN;
    Intake__Open *open = command->intake->open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    open->purpose = "case file";
    open->masked = true;
    open->boxes = LIST(world, Hb__Sealed *, &open->n_boxes, first, second);
    const Hb__CommandReply *reply = world_command(world, HB__SERVICE__INTAKE, command);
    assert_null(reply->refused);
    assert_true(last_said(world)->intake->opened->masked);
    const Hb__CommandReply *again = world_command(world, HB__SERVICE__INTAKE, command); /* the same command */
    assert_string_equal(again->opened->texts[0], reply->opened->texts[0]);
    assert_int_equal(again->opened->withheld[0], reply->opened->withheld[0]);
    return reply;
}

static const Intake__Opened *opened_in_part(struct world *world, Hb__Sealed *first, Hb__Sealed *second)
{
    return open_masked(world, "bo", 0, first, second)->opened;
}

/* Without a purpose: the beginning of who it is, the ends of numbers; what happened can be read. */
static void names_and_numbers_are_masked(void **state)
{
    static const struct {
        const char *text, *shown;
    } texts[] = {
        {"电梯停运，困在三楼", "电梯停运，困在三楼"},
        {"回电13800001234，谢谢", "回电138****1234，谢谢"},
        {"０１３８００００１２３４", "０１３*****１２３４"},
        {"138-0000-1234", "138-****-1234"},
        {"0571-8888 1234。", "057*-**** 1234。"},
        {"身份证11010519491231002X！", "身份证110***********002X！"},
        {"2026-11-29 15:00 报 88881234", "2026-11-29 15:00 报 88****34"},
        {"1201室 3-1201，123456", "1201室 3-1201，123456"},
        {"1 2 3 4 5 6 7 8 9 0", "1 2 3 4 5 6 7 8 9 0"},
        {"-13800001234-", "-138****1234-"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Intake__Submit *submit = new_submit(world);
        submit->text = plain(world, texts[i].text);
        submit->party->email = plain(world, "xiaoming@example.org");
        submit->party->address = plain(world, "棕榈巷七十九号");
        submit_ok(world, submit);
        const Intake__CaseRegistered *registered = last_said(world)->intake->registered;
        const Intake__Party *party = registered->party;
        const Intake__Opened *opened = opened_in_part(world, registered->text->sealed, party->name->sealed);
        assert_string_equal(opened->texts[0], texts[i].shown);
        assert_string_equal(opened->texts[1], "王**");
        assert_true(opened->masked);
        opened = opened_in_part(world, party->phone->sealed, party->email->sealed);
        assert_string_equal(opened->texts[0], "138****0000");
        assert_string_equal(opened->texts[1], "x***@example.org");
        opened = opened_in_part(world, party->address->sealed, registered->text->sealed);
        assert_string_equal(opened->texts[0], "棕榈巷****");
        opened = opened_in_part(world, registered->text->sealed, registered->text->sealed);
        assert_int_equal(opened->masked, strcmp(texts[i].text, texts[i].shown) != 0);
    }
}

static void say_respondent(struct world *world, uint64_t case_id, const char *person)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__StepTaken taken = CASEWORK__STEP_TAKEN__INIT;
    Hb__Fact fact = HB__FACT__INIT, *facts[1] = {&fact};
    fact.name = "respondent";
    fact.value = world_text(world, person);
    event.site = "garden";
    event.case_id = case_id;
    event.policy_version = 1;
    event.facts = facts;
    event.n_facts = 1;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    payload.step_taken = &taken;
    taken.step = "amend";
    puppet_say(world, HB__SERVICE__CASEWORK, &event);
}

/* Who complained is for those alone whom the policy names, whatever scopes the others hold; the text is for all who may
   open. Both are recorded. */
static void a_confidential_identity_is_withheld(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->party->confidential = true;
    const Hb__CommandReply *submitted = submit_ok(world, submit);
    uint64_t mine = submitted->case_id;
    const char *code = submitted->submitted->tracking_code;
    const Intake__CaseRegistered *registered = last_said(world)->intake->registered;
    Hb__Sealed *name = registered->party->name->sealed, *text = registered->text->sealed;
    const Hb__CommandReply *reply = open_boxes(world, world_actor(world, "bo"), mine, "handle", name, text);
    assert_null(reply->refused);
    assert_string_equal(reply->opened->texts[0], "");
    assert_string_equal(reply->opened->texts[1], "电梯停运，困在三楼");
    assert_true(reply->opened->withheld[0] && !reply->opened->withheld[1]);
    assert_int_equal(reply->opened->n_gone, 0);
    assert_string_equal(reply->opened->unopened->code, "identity_withheld");
    assert_string_equal(reply->opened->unopened->accepted[0], "archivist");
    assert_string_equal(reply->opened->unopened->clauses[0], "TEST-07");
    const Intake__DataOpened *said = last_said(world)->intake->opened;
    assert_int_equal(said->n_keys, 1);
    assert_int_equal(said->n_withheld_keys, 1);
    assert_int_equal(said->withheld_keys[0], registered->identity_key);
    assert_string_equal(said->withheld[0], "name");

    reply = open_boxes(world, world_actor(world, "yu"), mine, "call back", name, text);
    assert_string_equal(reply->opened->texts[0], "王小明");
    assert_null(reply->opened->unopened);
    Hb__Actor *operator= MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    operator->operator_ = true; /* of the machine; no post of the policy */
    assert_string_equal(open_boxes(world, operator, mine, "look", name, text)->opened->texts[0], "");
    assert_string_equal(open_own(world, code, mine, name, text)->opened->texts[0], "王小明");
    assert_string_equal(open_boxes(world, NULL, mine, "notice", name, text)->opened->texts[0], "王小明");

    say_respondent(world, mine, "yu"); /* what became of the case since counts too */
    assert_string_equal(open_boxes(world, world_actor(world, "yu"), mine, "call back", name, text)->opened->texts[0],
                        "");
}

/* ---- confidential: nothing without a purpose ---- */

static void assert_closed(const Hb__CommandReply *reply)
{
    for (size_t i = 0; i < reply->opened->n_texts; i++) {
        assert_string_equal(reply->opened->texts[i], "");
        assert_true(reply->opened->withheld[i]);
    }
    assert_int_equal(reply->opened->n_gone, 0);
    assert_false(reply->opened->masked); /* nothing is told in part */
    assert_string_equal(reply->opened->unopened->code, "purpose_needed");
}

/* Not in part either, and not to whoever may unseal the identity; that it was asked for is on record. */
static void a_confidential_case_opens_for_a_purpose_only(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->party->confidential = true;
    uint64_t mine = submit_ok(world, submit)->case_id;
    const Intake__CaseRegistered *registered = last_said(world)->intake->registered;
    Hb__Sealed *name = registered->party->name->sealed, *text = registered->text->sealed;
    static const char *const people[] = {"bo", "yu"};
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        assert_closed(open_masked(world, people[i], mine, text, name));
        const Intake__DataOpened *said = last_said(world)->intake->opened;
        assert_int_equal(said->n_fields, 0);
        assert_int_equal(said->n_withheld, 2);
        assert_closed(open_masked(world, people[i], 0, text, name)); /* whatever case the command names */
    }
    assert_string_equal(open_boxes(world, world_actor(world, "bo"), mine, "handle", text, name)->opened->texts[0],
                        "电梯停运，困在三楼");
    submit_ok(world, new_submit(world)); /* another one is masked as ever, also beside it */
    Hb__Sealed *open = last_said(world)->intake->registered->text->sealed;
    const Hb__CommandReply *reply = open_masked(world, "bo", mine, open, text);
    assert_string_equal(reply->opened->texts[0], "电梯停运，困在三楼");
    assert_true(!reply->opened->withheld[0] && reply->opened->withheld[1]);
}

/* A step has copied a text of the case `from` to this one, which may read it since. */
static void say_copied(struct world *world, uint64_t case_id, uint64_t from, Hb__Sealed *box)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__StepTaken taken = CASEWORK__STEP_TAKEN__INIT;
    Hb__Field field = HB__FIELD__INIT, *fields[1] = {&field};
    Hb__Personal text = HB__PERSONAL__INIT;
    text.kind_case = HB__PERSONAL__KIND_SEALED;
    text.sealed = box;
    field.name = box->field;
    field.content_case = HB__FIELD__CONTENT_TEXT;
    field.text = &text;
    event.site = "garden";
    event.case_id = case_id;
    event.policy_version = 1;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    payload.step_taken = &taken;
    taken.step = "take_over";
    taken.copied_from = from;
    taken.texts = fields;
    taken.n_texts = 1;
    puppet_say(world, HB__SERVICE__CASEWORK, &event);
}

/* What a confidential case was lent is closed there, and open where it came from; what it lent is closed everywhere. */
static void what_is_lent_is_closed_where_it_is_confidential(void **state)
{
    struct world *world = *state;
    Intake__Submit *submit = new_submit(world);
    submit->party->confidential = true;
    uint64_t secret = submit_ok(world, submit)->case_id;
    Hb__Sealed *hidden = last_said(world)->intake->registered->text->sealed;
    uint64_t other = submit_ok(world, new_submit(world))->case_id;
    Hb__Sealed *plain = last_said(world)->intake->registered->text->sealed;
    say_copied(world, secret, other, plain);
    say_copied(world, other, secret, hidden);
    assert_closed(open_masked(world, "bo", secret, plain, hidden));
    assert_string_equal(open_masked(world, "bo", other, plain, plain)->opened->texts[0], "电梯停运，困在三楼");
    assert_closed(open_masked(world, "bo", other, hidden, hidden));
}

/* Each file shows who looked into it: one event for each case, and none at all for more cases than one turn takes. */
static void every_case_opened_says_so(void **state)
{
    struct world *world = *state;
    uint64_t cases[TURN_TARGETS_MAX + 1];
    Hb__Sealed **boxes = arena_alloc(&world->arena, 2 * (TURN_TARGETS_MAX + 1) * sizeof *boxes);
    for (size_t i = 0; i <= TURN_TARGETS_MAX; i++) {
        cases[i] = submit_ok(world, new_submit(world))->case_id;
        const Intake__CaseRegistered *registered = last_said(world)->intake->registered;
        boxes[2 * i] = registered->text->sealed;
        boxes[2 * i + 1] = registered->party->name->sealed;
    }
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    Hb__Command *command = new_command(world, NULL);
    command->actor = world_actor(world, "bo");
    command->case_id = cases[0]; /* the one looked at does not hide the others */
    command->intake->kind_case = INTAKE__COMMAND__KIND_OPEN;
    Intake__Open *open = command->intake->open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    open->purpose = "compare";
    open->boxes = boxes;
    open->n_boxes = 2 * (TURN_TARGETS_MAX + 1);
    const Hb__CommandReply *reply = world_command(world, HB__SERVICE__INTAKE, command);
    assert_int_equal(reply->refused->status, 413);
    assert_string_equal(reply->refused->field, "boxes[32]");
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);

    command->id = "";
    open->n_boxes = 2 * TURN_TARGETS_MAX;
    reply = world_command(world, HB__SERVICE__INTAKE, command);
    assert_null(reply->refused);
    assert_int_equal(reply->opened->n_texts, 2 * TURN_TARGETS_MAX);
    const struct world_last *said = world_said(world, HB__SERVICE__INTAKE);
    assert_int_equal(said->count, before + TURN_TARGETS_MAX);
    for (unsigned i = 0; i < TURN_TARGETS_MAX; i++) {
        const Hb__Event *event = said->events[before + i];
        assert_int_equal(event->case_id, cases[i]);
        assert_string_equal(event->site, "garden");
        assert_int_equal(event->intake->opened->n_keys, 2);
        assert_int_equal(event->intake->opened->n_fields, 2);
        assert_string_equal(event->intake->opened->purpose, "compare");
    }
}

/* ---- imports ---- */

static Intake__Import *new_import(struct world *world, const char *external_id)
{
    Intake__Import *import = MAKE(world, Intake__Import, INTAKE__IMPORT__INIT);
    import->submit = new_submit(world);
    import->submit->n_fields = 0; /* what was needed was needed then */
    import->source = "boston";
    import->external_id = (char *)(uintptr_t)external_id;
    import->received_ms = PUPPET_START_MS - 100 * PUPPET_HOUR_MS;
    import->history = MAKE(world, Intake__History, INTAKE__HISTORY__INIT);
    return import;
}

static void add_historic(struct world *world, Intake__Import *import, const char *step, int64_t occurred_ms)
{
    Intake__HistoricStep *historic = MAKE(world, Intake__HistoricStep, INTAKE__HISTORIC_STEP__INIT);
    historic->step = (char *)(uintptr_t)step;
    historic->occurred_ms = occurred_ms;
    Intake__History *history = import->history;
    history->steps = arena_grow(&world->arena, history->steps, history->n_steps, sizeof *history->steps);
    history->steps[history->n_steps++] = historic;
}

static const Hb__CommandReply *import_it(struct world *world, const char *person, Intake__Import *import)
{
    Hb__Command *command = new_command(world, person);
    command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command->intake->import = import;
    return world_command(world, HB__SERVICE__INTAKE, command);
}

static void history_is_imported_once(void **state)
{
    struct world *world = *state;
    Intake__Import *import = new_import(world, "101");
    add_historic(world, import, "accept", import->received_ms + PUPPET_HOUR_MS);
    add_historic(world, import, "close", import->received_ms + 3 * PUPPET_HOUR_MS);
    const Hb__CommandReply *reply = import_it(world, "ji", import);
    assert_null(reply->refused);
    assert_false(reply->submitted->existed);
    assert_string_equal(reply->submitted->number, "20250306-repair-001"); /* of the day it was received */
    const Hb__Event *event = last_said(world);
    const Intake__CaseRegistered *registered = event->intake->registered;
    assert_true(event->history);
    assert_true(registered->historic);
    assert_int_equal(event->occurred_ms, import->received_ms);
    assert_int_equal(world_fact(event, "received_at")->time_ms, import->received_ms);
    assert_string_equal(world_fact(event, "external_ref")->text, "101");
    assert_int_equal(registered->history->n_steps, 2);
    assert_int_equal(registered->history->as_of_ms, event->recorded_ms);
    assert_string_equal(registered->stage, "registered");
    uint64_t case_id = event->case_id;
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    reply = import_it(world, "ji", import);
    assert_true(reply->submitted->existed);
    assert_string_equal(reply->submitted->number, "20250306-repair-001");
    assert_int_equal(reply->case_id, case_id);
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);
}

static const Hb__Refusal *import_refused(struct world *world, Intake__Import *import, const char *code)
{
    const Hb__Refusal *refusal = import_it(world, "ji", import)->refused;
    assert_non_null(refusal);
    assert_string_equal(refusal->code, code);
    return refusal;
}

static void history_follows_the_table_of_moves(void **state)
{
    struct world *world = *state;
    Intake__Import *import = new_import(world, "201");
    add_historic(world, import, "close", import->received_ms + 1);
    const Hb__Refusal *refusal = import_refused(world, import, "wrong_stage");
    assert_string_equal(refusal->field, "history.steps[0].step");
    assert_true(accepts(refusal, "accept"));
    assert_false(accepts(refusal, "close"));
    import = new_import(world, "202");
    add_historic(world, import, "dance", import->received_ms + 1);
    import_refused(world, import, "unknown_step");
    import = new_import(world, "203");
    add_historic(world, import, "accept", import->received_ms + 2);
    add_historic(world, import, "close", import->received_ms + 1);
    assert_string_equal(import_refused(world, import, "bad_field")->field, "history.steps[1].occurred_ms");
    import = new_import(world, "204");
    add_historic(world, import, "accept", PUPPET_START_MS + 1000 * PUPPET_HOUR_MS);
    import_refused(world, import, "bad_field");
    import = new_import(world, "205");
    for (int i = 0; i < 33; i++)
        add_historic(world, import, "accept", import->received_ms + i);
    import_refused(world, import, "too_large");
    import = new_import(world, "206");
    import->received_ms = PUPPET_START_MS + 1000 * PUPPET_HOUR_MS;
    assert_string_equal(import_refused(world, import, "bad_field")->field, "received_ms");
    import = new_import(world, "");
    import_refused(world, import, "missing_field");
    assert_int_equal(import_it(world, "lin", new_import(world, "207"))->refused->status, 403);
}

static void an_import_of_today_is_live(void **state)
{
    struct world *world = *state;
    Intake__Import *import = new_import(world, "301");
    import->history = NULL;
    import->received_ms = 0;
    assert_null(import_it(world, "ji", import)->refused);
    const Hb__Event *event = last_said(world);
    assert_false(event->history);
    assert_false(event->intake->registered->historic);
    import = new_import(world, "302");
    import->history = NULL;
    assert_null(import_it(world, "ji", import)->refused);
    event = last_said(world);
    assert_true(event->history && event->intake->registered->historic);
}

static const Hb__QueryReply *ask(struct world *world, const char *person, Intake__Query *payload)
{
    Hb__Query query = HB__QUERY__INIT;
    query.site = "garden";
    query.actor = world_actor(world, person);
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = payload;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__INTAKE, &query, &world->arena);
    assert_non_null(reply);
    return reply;
}

/* Of the entry that registers a case its hash makes a receipt: told to whoever registered it, and to no other of the
 * staff. */
static void whoever_registered_a_case_gets_its_receipt(void **state)
{
    struct world *world = *state;
    const Hb__CommandReply *made = submit_ok(world, new_submit(world));
    Intake__Query payload = INTAKE__QUERY__INIT;
    Intake__CheckReceipt check = INTAKE__CHECK_RECEIPT__INIT;
    payload.kind_case = INTAKE__QUERY__KIND_RECEIPT;
    payload.receipt = &check;
    check.case_id = made->case_id;
    check.offset = made->submitted->offset;
    const Hb__QueryReply *reply = ask(world, "lin", &payload);
    assert_null(reply->refused);
    assert_string_equal(reply->intake->receipt->number, made->submitted->number);
    assert_int_equal(ask(world, "ji", &payload)->refused->status, 404);
    check.hash = reply->intake->receipt->hash;
    assert_null(ask(world, "ji", &payload)->refused); /* he has it */
    check.hash = (ProtobufCBinaryData){0};
    check.case_id++;
    assert_int_equal(ask(world, "lin", &payload)->refused->status, 404);
}

static void what_was_imported_and_what_is_alike_can_be_asked(void **state)
{
    struct world *world = *state;
    uint64_t imported = import_it(world, "ji", new_import(world, "401"))->case_id;
    uint64_t fresh = submit_ok(world, new_submit(world))->case_id;
    Intake__Query payload = INTAKE__QUERY__INIT;
    Intake__FindImported find = INTAKE__FIND_IMPORTED__INIT;
    payload.kind_case = INTAKE__QUERY__KIND_IMPORTED;
    payload.imported = &find;
    find.source = "boston";
    find.external_ids = LIST(world, char *, &find.n_external_ids, "400", "401");
    const Hb__QueryReply *reply = ask(world, "ji", &payload);
    assert_null(reply->refused);
    assert_int_equal(reply->intake->imported->n_external_ids, 1);
    assert_string_equal(reply->intake->imported->external_ids[0], "401");
    assert_int_equal(reply->intake->imported->case_ids[0], imported);
    assert_int_equal(ask(world, "lin", &payload)->refused->status, 403);
    Intake__FindAlike alike = INTAKE__FIND_ALIKE__INIT;
    payload.kind_case = INTAKE__QUERY__KIND_ALIKE;
    payload.alike = &alike;
    alike.kind = "repair";
    alike.category = "lift";
    alike.place = "B1";
    reply = ask(world, "lin", &payload);
    assert_null(reply->refused);
    assert_int_equal(reply->intake->alike->n_case_ids, 2); /* by the time it was received, newest first */
    assert_int_equal(reply->intake->alike->case_ids[0], fresh);
    assert_int_equal(reply->intake->alike->case_ids[1], imported);
}

/* ---- requests ---- */

static void request_case(struct world *world, uint64_t case_id, const char *kind, uint64_t source, uint32_t generation)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__CaseRequested request = CASEWORK__CASE_REQUESTED__INIT;
    Hb__Position position = HB__POSITION__INIT;
    Hb__LogId log = HB__LOG_ID__INIT;
    Hb__Fact with = HB__FACT__INIT, *withs[1] = {&with};
    log.service = HB__SERVICE__CASEWORK;
    position.log = &log;
    position.offset = source;
    with.name = "severity";
    with.value = world_text(world, "major");
    event.site = "garden";
    event.case_id = case_id;
    event.policy_version = 1;
    event.generation = generation;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_CASE_REQUESTED;
    payload.case_requested = &request;
    request.rule = "revisit";
    request.kind = (char *)(uintptr_t)kind;
    request.link = "follows_up";
    request.to = "service";
    request.not_by = "lin";
    request.source = &position;
    request.with = withs;
    request.n_with = 1;
    puppet_say(world, HB__SERVICE__CASEWORK, &event);
}

static void a_rule_opens_a_case_once(void **state)
{
    struct world *world = *state;
    uint64_t source = submit_ok(world, new_submit(world))->case_id;
    const Intake__CaseRegistered *asking = last_said(world)->intake->registered;
    request_case(world, source, "inquiry", 5, 0);
    const Hb__Event *event = last_said(world);
    const Intake__CaseRegistered *registered = event->intake->registered;
    assert_string_equal(registered->kind, "inquiry");
    assert_string_equal(registered->category, "lift"); /* of the case it came from */
    assert_string_equal(registered->place, "");
    assert_string_equal(registered->texts[0]->name, "place"); /* sealed, as it was in that case */
    assert_int_equal(registered->texts[0]->text->sealed->key_id, registered->content_key);
    assert_string_equal(registered->channel, "system");
    assert_string_equal(registered->department, "service");
    assert_string_equal(registered->not_by, "lin");
    assert_string_equal(registered->rule, "revisit");
    assert_int_equal(registered->n_links, 1);
    assert_int_equal(registered->links[0]->case_id, source);
    assert_int_equal(registered->identity_key, asking->identity_key);
    assert_int_equal(registered->content_key, asking->content_key);
    assert_int_equal(event->generation, 1);
    assert_string_equal(world_fact(event, "severity")->text, "major");
    assert_string_equal(world_fact(event, "stage")->text, "open");
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    request_case(world, source, "inquiry", 5, 0); /* the same again */
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);
    request_case(world, source, "inquiry", 6, 0);
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before + 1);
}

static void a_request_that_cannot_be_met_is_refused_visibly(void **state)
{
    struct world *world = *state;
    uint64_t source = submit_ok(world, new_submit(world))->case_id;
    request_case(world, source, "no_such_kind", 5, 0);
    const Hb__Event *event = last_said(world);
    assert_int_equal(event->intake->kind_case, INTAKE__EVENT__KIND_REQUEST_REFUSED);
    assert_string_equal(event->intake->request_refused->refusal->code, "unknown_kind");
    assert_int_equal(event->case_id, source);
    request_case(world, source, "inquiry", 6, 7);
    assert_int_equal(last_said(world)->intake->kind_case, INTAKE__EVENT__KIND_REGISTERED);
    assert_int_equal(last_said(world)->generation, 8);
    request_case(world, source, "inquiry", 7, 8);
    assert_string_equal(last_said(world)->intake->request_refused->refusal->code, "too_deep");
}

/* ---- a bad day ---- */

#define STORM_COMMANDS 40u

struct storm {
    struct world *world;
    Hb__Command *commands[STORM_COMMANDS];
    char numbers[STORM_COMMANDS][64]; /* as replied, "" not yet */
    unsigned done;
};
struct storm_ask {
    struct storm *storm;
    unsigned index;
};

static void storm_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct storm_ask *ask = context;
    if (err || reply->kind_case != BUS__REPLY__KIND_COMMAND || reply->command->refused)
        return;
    char *number = ask->storm->numbers[ask->index];
    if (number[0])
        assert_string_equal(number, reply->command->submitted->number); /* told twice, told the same */
    else
        ask->storm->done++;
    snprintf(number, sizeof ask->storm->numbers[0], "%s", reply->command->submitted->number);
}

static void storm_ask(struct storm *storm, unsigned index)
{
    struct storm_ask *ask = arena_alloc(&storm->world->arena, sizeof *ask);
    *ask = (struct storm_ask){storm, index};
    Bus__Request request = BUS__REQUEST__INIT;
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = storm->commands[index];
    simulation_ask(storm->world->simulation, HB__SERVICE__INTAKE, &request, 2000, storm_reply, ask);
}

static int by_count(const void *a, const void *b)
{
    const Hb__Event *const *x = a, *const *y = b;
    return (*x)->intake->registered->count < (*y)->intake->registered->count ? -1 : 1;
}

/* Crashes, lost and doubled messages, commands sent again: each is registered once, numbers have no gaps, no two cases
   share a key, whatever was acknowledged is there. */
static void nothing_is_lost_or_doubled_in_a_storm(void **state)
{
    struct world *world = *state;
    struct storm *storm = arena_zero(&world->arena, sizeof *storm);
    storm->world = world;
    for (unsigned i = 0; i < STORM_COMMANDS; i++) {
        Hb__Command *command = new_command(world, "lin");
        command->account = "a-lin";
        command->id = arena_printf(&world->arena, "1741572000000-storm-%u", i);
        command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
        command->intake->submit = new_submit(world);
        storm->commands[i] = command;
    }
    simulation_faults_set(world->simulation,
                          (struct simulation_faults){
                              .drop = 100, .duplicate = 100, .delay_ms_max = 300, .crash = 100, .down_ms_max = 3000});
    for (unsigned round = 0; round < 200 && storm->done < STORM_COMMANDS; round++) {
        for (unsigned i = 0; i < STORM_COMMANDS; i++)
            if (!storm->numbers[i][0] && simulation_random(world->simulation, 4) == 0)
                storm_ask(storm, i);
        simulation_run(world->simulation, simulation_now(world->simulation) + 1000);
    }
    simulation_faults_set(world->simulation, (struct simulation_faults){0});
    simulation_run(world->simulation, simulation_now(world->simulation) + 60000);
    assert_int_equal(storm->done, STORM_COMMANDS);
    struct world_last *said = (struct world_last *)world_said(world, HB__SERVICE__INTAKE);
    assert_int_equal(said->count, STORM_COMMANDS);
    qsort(said->events, said->count, sizeof *said->events, by_count);
    for (unsigned i = 0; i < said->count; i++) {
        const Intake__CaseRegistered *registered = said->events[i]->intake->registered;
        assert_string_equal(registered->number, arena_printf(&world->arena, "20250310-repair-%03u", i + 1));
        unsigned told = 0;
        for (unsigned j = 0; j < STORM_COMMANDS; j++)
            told += strcmp(storm->numbers[j], registered->number) == 0;
        assert_int_equal(told, 1);
        for (unsigned j = 0; j < i; j++) {
            const Intake__CaseRegistered *other = said->events[j]->intake->registered;
            assert_true(said->events[j]->case_id != said->events[i]->case_id);
            assert_true(other->identity_key != registered->identity_key);
            assert_true(other->content_key != registered->content_key);
        }
    }
    const Intake__CaseRegistered *oldest = said->events[0]->intake->registered;
    const Intake__CaseRegistered *newest = said->events[STORM_COMMANDS - 1]->intake->registered;
    assert_true(oldest->content_key >> 32 != newest->content_key >> 32); /* it did crash in between */
    /* What was sealed before the crashes still opens. */
    const Hb__CommandReply *reply =
        open_boxes(world, world_actor(world, "bo"), 0, "check", oldest->party->name->sealed, newest->text->sealed);
    assert_null(reply->refused);
    assert_int_equal(reply->opened->n_gone, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_submission_is_registered),
        WITH_WORLD(numbers_have_no_gaps_and_count_by_kind_and_day),
        WITH_WORLD(likely_duplicates_are_hinted_at),
        WITH_WORLD(a_place_is_sealed_or_listed),
        WITH_WORLD(what_is_unknown_is_refused_with_what_is_accepted),
        WITH_WORLD(what_is_needed_and_what_the_policy_forbids),
        WITH_WORLD(a_guard_counts_working_days_from_a_fact),
        WITH_WORLD(who_may_submit),
        WITH_WORLD(the_policy_says_who_may_register),
        WITH_WORLD(received_before_now),
        WITH_WORLD(settled_on_the_spot),
        WITH_WORLD(settled_late_it_promises_nothing),
        WITH_WORLD(a_repeated_command_gets_the_first_outcome),
        WITH_WORLD(a_tracking_code_finds_its_case_and_no_other),
        WITH_WORLD(sealed_texts_are_opened_for_those_who_may),
        WITH_WORLD(names_and_numbers_are_masked),
        WITH_WORLD(a_confidential_identity_is_withheld),
        WITH_WORLD(a_confidential_case_opens_for_a_purpose_only),
        WITH_WORLD(what_is_lent_is_closed_where_it_is_confidential),
        WITH_WORLD(every_case_opened_says_so),
        WITH_WORLD(history_is_imported_once),
        WITH_WORLD(history_follows_the_table_of_moves),
        WITH_WORLD(an_import_of_today_is_live),
        WITH_WORLD(what_was_imported_and_what_is_alike_can_be_asked),
        WITH_WORLD(whoever_registered_a_case_gets_its_receipt),
        WITH_WORLD(a_rule_opens_a_case_once),
        WITH_WORLD(a_request_that_cannot_be_met_is_refused_visibly),
        WITH_WORLD(nothing_is_lost_or_doubled_in_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
