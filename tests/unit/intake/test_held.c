/* Quarantine: what looks like a program's is held, is no case, and is let in as if it had been registered when it came,
 * or refused for a reason that its sender is told. */
#include "../support/puppet.h"

#include "intake.h"
#include "vault/vault.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);

#define HELD_1 "H20250310-001"

static void publish(struct world *world, uint32_t version)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->public_ = true;
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "closed", POLICY__PHASE__CLOSED));
    kind->steps = LIST(world, Policy__Step *, &kind->n_steps, world_step(world, "close", "registered", "closed"));
    Policy__Kind *wish = MAKE(world, Policy__Kind, POLICY__KIND__INIT); /* hidden from nobody */
    wish->name = "wish";
    wish->public_ = true;
    wish->stages = LIST(world, Policy__Stage *, &wish->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW));
    Policy__FieldDef *room = world_field(world, "room", POLICY__FIELD_DEF__TYPE__NAME);
    room->needed = POLICY__FIELD_DEF__NEEDED__ALWAYS;
    if (version == 1) /* later nobody is asked for it any more */
        kind->fields = LIST(world, Policy__FieldDef *, &kind->n_fields, room);
    Policy__Clock *clock = MAKE(world, Policy__Clock, POLICY__CLOCK__INIT);
    Policy__Trigger *start = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    Policy__Term *term = MAKE(world, Policy__Term, POLICY__TERM__INIT);
    Policy__LimitRow *limit = MAKE(world, Policy__LimitRow, POLICY__LIMIT_ROW__INIT);
    clock->name = "respond";
    start->name = "registered";
    term->unit = POLICY__TERM__UNIT__HOURS;
    term->amount = 40;
    clock->start = LIST(world, Policy__Trigger *, &clock->n_start, start);
    limit->terms = LIST(world, Policy__Term *, &limit->n_terms, term);
    clock->limit = LIST(world, Policy__LimitRow *, &clock->n_limit, limit);
    kind->clocks = LIST(world, Policy__Clock *, &kind->n_clocks, clock);
    Policy__Never *never = MAKE(world, Policy__Never, POLICY__NEVER__INIT);
    never->who = LIST(world, Policy__Who *, &never->n_who, world_who(world, "janitor"));
    never->acts = LIST(world, char *, &never->n_acts, "see");
    kind->never = LIST(world, Policy__Never *, &kind->n_never, never);
    Policy__Policy policy = POLICY__POLICY__INIT;
    Policy__Defaults defaults = POLICY__DEFAULTS__INIT;
    policy.site = "garden";
    policy.version = version;
    policy.defaults = &defaults;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind, wish);
    world_publish(world, &policy);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &intake_service};
    world_open(world, services, 2, 12);
    world_site(world, "garden");
    world_department(world, "service", "lin");
    world_person(world, "lin", "receptionist", "service", false);
    world_person(world, "bo", "janitor", "service", false);
    world_person(world, "ji", "archivist", "service", false);
    world_account(world, "lin", "*");
    world_account(world, "bo", "*");
    world_account(world, "ji", "open");
    publish(world, 1);
    *state = world;
    return 0;
}

/* A fresh fold of the log makes the same tables. */
static int teardown(void **state)
{
    struct world *world = *state;
    bool folded;
    char why[256] = "";
    if (simulation_check_fold(world->simulation, HB__SERVICE__INTAKE, &folded, why, sizeof why) || !folded) {
        print_error("%s\n", why);
        return 1;
    }
    world_close(world);
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

static Hb__Actor *sender(struct world *world, const char *origin)
{
    Hb__Actor *actor = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    actor->complainant = true;
    if (origin) {
        actor->suspect = LIST(world, char *, &actor->n_suspect, "trap", "links");
        actor->origin = (char *)(uintptr_t)origin;
    }
    return actor;
}

static Hb__Command *new_command(struct world *world, Hb__Actor *actor, Intake__Command__KindCase kind)
{
    Hb__Command *command = MAKE(world, Hb__Command, HB__COMMAND__INIT);
    command->site = "garden";
    command->actor = actor;
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = MAKE(world, Intake__Command, INTAKE__COMMAND__INIT);
    command->intake->kind_case = kind;
    return command;
}

static Hb__Command *submission(struct world *world, Hb__Actor *actor, bool whole)
{
    Hb__Command *command = new_command(world, actor, INTAKE__COMMAND__KIND_SUBMIT);
    Intake__Submit *submit = command->intake->submit = MAKE(world, Intake__Submit, INTAKE__SUBMIT__INIT);
    Hb__Field *room = MAKE(world, Hb__Field, HB__FIELD__INIT);
    room->name = "room";
    room->content_case = HB__FIELD__CONTENT_TEXT;
    room->text = plain(world, "301");
    submit->kind = "repair";
    submit->channel = "web";
    submit->text = plain(world, "电梯停运，请打 13800001234");
    submit->party = MAKE(world, Intake__Party, INTAKE__PARTY__INIT);
    submit->party->name = plain(world, "王小明");
    if (whole)
        submit->fields = LIST(world, Hb__Field *, &submit->n_fields, room);
    return command;
}

static const Hb__CommandReply *send(struct world *world, Hb__Command *command)
{
    return world_command(world, HB__SERVICE__INTAKE, command);
}

static const Hb__Event *said(struct world *world, unsigned before_last)
{
    const struct world_last *all = world_said(world, HB__SERVICE__INTAKE);
    assert_true(all->count > before_last);
    return all->events[all->count - 1 - before_last];
}

/* Its id. */
static uint64_t hold(struct world *world, const char *origin)
{
    const Hb__CommandReply *reply = send(world, submission(world, sender(world, origin), true));
    assert_null(reply->refused);
    assert_true(reply->submitted->held);
    assert_int_equal(reply->case_id, 0);
    return said(world, 0)->intake->held->held;
}

static const Hb__CommandReply *let_in(struct world *world, const char *person, uint64_t held)
{
    Hb__Command *command = new_command(world, world_actor(world, person), INTAKE__COMMAND__KIND_REGISTER_HELD);
    command->intake->register_held = MAKE(world, Intake__RegisterHeld, INTAKE__REGISTER_HELD__INIT);
    command->intake->register_held->held = held;
    return send(world, command);
}

static const Hb__CommandReply *refuse(struct world *world, const char *person, uint64_t held, const char *reason)
{
    Hb__Command *command = new_command(world, world_actor(world, person), INTAKE__COMMAND__KIND_REFUSE_HELD);
    command->intake->refuse_held = MAKE(world, Intake__RefuseHeld, INTAKE__REFUSE_HELD__INIT);
    command->intake->refuse_held->held = held;
    command->intake->refuse_held->reason = reason ? plain(world, reason) : NULL;
    return send(world, command);
}

static const Hb__CommandReply *open_box(struct world *world, Hb__Actor *actor, uint64_t case_id, Hb__Sealed *box)
{
    Hb__Command *command = new_command(world, actor, INTAKE__COMMAND__KIND_OPEN);
    Intake__Open *open = command->intake->open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    command->case_id = case_id;
    open->purpose = "look";
    open->boxes = LIST(world, Hb__Sealed *, &open->n_boxes, box);
    return send(world, command);
}

static const Intake__Opened *open_masked(struct world *world, const char *person, Hb__Sealed *box)
{
    Hb__Command *command = new_command(world, world_actor(world, person), INTAKE__COMMAND__KIND_OPEN);
    Intake__Open *open = command->intake->open = MAKE(world, Intake__Open, INTAKE__OPEN__INIT);
    open->purpose = "case file";
    open->masked = true;
    open->boxes = LIST(world, Hb__Sealed *, &open->n_boxes, box);
    const Hb__CommandReply *reply = send(world, command);
    assert_null(reply->refused);
    return reply->opened;
}

static const Hb__QueryReply *ask(struct world *world, Hb__Query *query, Intake__Query *intake, const char *person)
{
    query->site = "garden";
    query->actor = person ? world_actor(world, person) : sender(world, NULL);
    query->payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query->intake = intake;
    return simulation_query(world->simulation, HB__SERVICE__INTAKE, query, &world->arena);
}

static const Hb__QueryReply *list(struct world *world, const char *person, bool refused, uint64_t after, uint32_t limit)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__GetHeld get = INTAKE__GET_HELD__INIT;
    get.refused = refused;
    get.after = after;
    get.limit = limit;
    intake.kind_case = INTAKE__QUERY__KIND_HELD;
    intake.held = &get;
    return ask(world, &query, &intake, person);
}

static const Intake__Tracked *track(struct world *world, const char *code)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__Track track = INTAKE__TRACK__INIT;
    track.code = (char *)(uintptr_t)code;
    intake.kind_case = INTAKE__QUERY__KIND_TRACK;
    intake.track = &track;
    const Hb__QueryReply *reply = ask(world, &query, &intake, NULL);
    assert_null(reply->refused);
    return reply->intake->tracked;
}

static void it_is_held_and_no_case(void **state)
{
    struct world *world = *state;
    const Hb__CommandReply *reply = send(world, submission(world, sender(world, "a1"), true));
    assert_string_equal(reply->submitted->number, HELD_1);
    assert_int_equal(reply->submitted->n_promised, 0);
    const Hb__Event *event = said(world, 0);
    assert_int_equal(event->intake->kind_case, INTAKE__EVENT__KIND_HELD);
    assert_int_equal(event->case_id, 0);
    assert_int_equal(event->n_facts, 0);
    assert_string_equal(event->actor->suspect[1], "links");
    const Intake__Submit *kept = event->intake->held->submit;
    assert_int_equal(kept->text->kind_case, HB__PERSONAL__KIND_SEALED);
    assert_int_equal(kept->text->sealed->key_id, kept->content_key);
    assert_int_equal(kept->party->name->sealed->key_id, kept->identity_key);
    const Intake__Tracked *tracked = track(world, reply->submitted->tracking_code);
    assert_true(tracked->held);
    assert_string_equal(tracked->number, HELD_1);
    assert_int_equal(tracked->received_ms, event->recorded_ms);
    assert_int_equal(tracked->refused_ms, 0);
    /* The next case has the first number: none was given. */
    reply = send(world, submission(world, sender(world, NULL), true));
    assert_string_equal(reply->submitted->number, "20250310-repair-001");
    assert_false(reply->submitted->held);
}

static void a_wrong_one_is_refused_as_any(void **state)
{
    struct world *world = *state;
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    const Hb__CommandReply *reply = send(world, submission(world, sender(world, "a1"), false));
    assert_string_equal(reply->refused->code, "missing_field");
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);
}

/* How it came is no part of what it is: sent again, without a sign, it is the same. */
static void sent_again_it_is_one(void **state)
{
    struct world *world = *state;
    Hb__Command *command = submission(world, sender(world, "a1"), true);
    const Hb__CommandReply *first = send(world, command);
    unsigned before = world_said(world, HB__SERVICE__INTAKE)->count;
    Hb__Command *again = submission(world, sender(world, NULL), true);
    again->id = command->id;
    const Hb__CommandReply *reply = send(world, again);
    assert_null(reply->refused);
    assert_true(reply->repeated_command);
    assert_string_equal(reply->submitted->tracking_code, first->submitted->tracking_code);
    assert_int_equal(world_said(world, HB__SERVICE__INTAKE)->count, before);
}

static void it_is_let_in_as_it_came(void **state)
{
    struct world *world = *state;
    const char *code = send(world, submission(world, sender(world, "a1"), true))->submitted->tracking_code;
    const Hb__Event *held = said(world, 0);
    uint64_t id = held->intake->held->held;
    assert_null(send(world, submission(world, sender(world, NULL), true))->refused); /* ids go on meanwhile */
    publish(world, 2);
    simulation_run(world->simulation, PUPPET_START_MS + 30 * PUPPET_HOUR_MS);
    const Hb__CommandReply *reply = let_in(world, "lin", id);
    assert_null(reply->refused);
    assert_int_equal(reply->case_id, id);
    assert_string_equal(reply->submitted->number, "20250311-repair-001"); /* counts on the day it is registered */
    assert_string_equal(reply->submitted->tracking_code, "");             /* that is its sender's */
    assert_int_equal(reply->submitted->promised[0]->due_ms, held->recorded_ms + 40 * PUPPET_HOUR_MS);

    const Hb__Event *event = said(world, 1), *who = said(world, 0);
    assert_int_equal(event->intake->kind_case, INTAKE__EVENT__KIND_REGISTERED);
    assert_int_equal(event->case_id, id);
    assert_int_equal(event->policy_version, 1); /* by which it was typed */
    assert_int_equal(event->occurred_ms, held->recorded_ms);
    assert_int_equal(world_fact(event, "received_at")->time_ms, held->recorded_ms);
    assert_int_equal(world_fact(event, "registered_at")->time_ms, event->recorded_ms);
    assert_string_equal(world_fact(event, "room")->text, "301");
    assert_true(event->actor->complainant);
    assert_int_equal(event->actor->n_suspect, 0);
    assert_string_equal(event->actor->origin, "");
    assert_string_equal(event->intake->registered->held, HELD_1);
    assert_int_equal(who->intake->kind_case, INTAKE__EVENT__KIND_HELD_REGISTERED);
    assert_string_equal(who->actor->person, "lin");
    const Intake__Tracked *tracked = track(world, code);
    assert_false(tracked->held);
    assert_int_equal(tracked->case_id, id);
    assert_string_equal(tracked->number, "20250311-repair-001");
    assert_int_equal(list(world, "lin", false, 0, 0)->intake->held->waiting, 0);

    assert_string_equal(let_in(world, "lin", id)->refused->code, "held_over");
    assert_string_equal(refuse(world, "lin", id, "广告")->refused->code, "held_over");
    assert_null(
        open_box(world, world_actor(world, "lin"), id, event->intake->registered->party->name->sealed)->refused);
    assert_null(
        send(world, submission(world, sender(world, "a1"), false))->refused); /* nobody is asked for it any more */
    assert_true(said(world, 0)->intake->held->held > id);
}

static void it_is_refused_for_a_reason(void **state)
{
    struct world *world = *state;
    const char *code = send(world, submission(world, sender(world, "a1"), true))->submitted->tracking_code;
    uint64_t id = said(world, 0)->intake->held->held;
    assert_string_equal(refuse(world, "lin", id, NULL)->refused->field, "reason");
    assert_null(refuse(world, "lin", id, "是广告")->refused);
    const Hb__Event *event = said(world, 0);
    assert_int_equal(event->intake->held_refused->reason->kind_case, HB__PERSONAL__KIND_SEALED);
    const Intake__Tracked *tracked = track(world, code);
    assert_true(tracked->held);
    assert_int_equal(tracked->refused_ms, event->recorded_ms);
    assert_string_equal(tracked->reason, "是广告");
    Hb__Sealed *reason = event->intake->held_refused->reason->sealed;
    assert_string_equal(open_box(world, world_actor(world, "lin"), 0, reason)->opened->texts[0], "是广告");
    assert_int_equal(said(world, 0)->case_id, 0); /* of no case: nobody waits for one */
    assert_string_equal(said(world, 0)->intake->opened->held, HELD_1);
    assert_int_equal(open_box(world, sender(world, NULL), id, reason)->refused->status, 403);
    assert_string_equal(refuse(world, "lin", id, "再来")->refused->code, "held_over");
    const Intake__HeldList *refused = list(world, "lin", true, 0, 0)->intake->held;
    assert_int_equal(refused->waiting, 0);
    assert_int_equal(refused->n_rows, 1);
    assert_string_equal(refused->rows[0]->refused_by, "lin");
    assert_null(let_in(world, "lin", id)->refused); /* it was a mistake */
    assert_int_equal(list(world, "lin", true, 0, 0)->intake->held->n_rows, 0);
}

static void who_may_see_it_and_decide(void **state)
{
    struct world *world = *state;
    uint64_t id = hold(world, "a1");
    const Intake__Submit *kept = said(world, 0)->intake->held->submit;
    Hb__Sealed *text = kept->text->sealed, *name = kept->party->name->sealed;
    assert_int_equal(list(world, "ji", false, 0, 0)->refused->status, 403);
    assert_int_equal(let_in(world, "ji", id)->refused->status, 404); /* not even that it is there */
    assert_int_equal(refuse(world, "ji", id, "x")->refused->status, 404);
    assert_int_equal(let_in(world, "lin", id + 1)->refused->status, 404);
    /* The policy hides the kind from janitors, whatever rights they have. */
    assert_int_equal(list(world, "bo", false, 0, 0)->intake->held->waiting, 0);
    assert_int_equal(let_in(world, "bo", id)->refused->status, 404);
    assert_int_equal(open_box(world, world_actor(world, "bo"), 0, text)->refused->status, 403);
    assert_string_equal(open_box(world, world_actor(world, "lin"), 0, text)->opened->texts[0],
                        "电梯停运，请打 13800001234");
    assert_int_equal(open_box(world, world_actor(world, "lin"), 0, name)->refused->status, 403);
    assert_int_equal(open_box(world, sender(world, NULL), 0, text)->refused->status, 403);
}

static void hidden_ones_count_for_no_origin(void **state)
{
    struct world *world = *state;
    hold(world, "a1");
    Hb__Command *wish = submission(world, sender(world, "a1"), false);
    wish->intake->submit->kind = "wish";
    assert_null(send(world, wish)->refused);
    assert_int_equal(list(world, "lin", false, 0, 0)->intake->held->rows[0]->same_origin, 2);
    const Intake__HeldList *seen = list(world, "bo", false, 0, 0)->intake->held;
    assert_int_equal(seen->waiting, 1);
    assert_int_equal(seen->n_rows, 1);
    assert_int_equal(seen->rows[0]->same_origin, 1);
}

static void the_list_has_pages(void **state)
{
    struct world *world = *state;
    uint64_t ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = hold(world, i < 3 ? "a1" : "b2");
    const Intake__HeldList *page = list(world, "lin", false, 0, 3)->intake->held;
    assert_int_equal(page->waiting, 5);
    assert_int_equal(page->n_rows, 3);
    assert_int_equal(page->oldest_ms, page->rows[0]->received_ms);
    assert_int_equal(page->rows[0]->id, ids[0]);
    assert_int_equal(page->rows[0]->same_origin, 3);
    assert_string_equal(page->rows[0]->suspect[0], "trap");
    page = list(world, "lin", false, page->next, 3)->intake->held;
    assert_int_equal(page->n_rows, 2);
    assert_int_equal(page->next, 0);
    assert_int_equal(page->rows[0]->id, ids[3]);
    for (int i = 0; i < 5; i++)
        assert_null(refuse(world, "lin", ids[i], "x")->refused);
    page = list(world, "lin", true, 0, 3)->intake->held;
    assert_int_equal(page->rows[0]->id, ids[4]); /* the newest first */
    page = list(world, "lin", true, page->next, 3)->intake->held;
    assert_int_equal(page->n_rows, 2);
    assert_int_equal(page->rows[1]->id, ids[0]);
}

/* As of a case: of one that asked for it nothing is shown before it is said what for. */
static void a_confidential_one_opens_for_a_purpose_only(void **state)
{
    struct world *world = *state;
    Hb__Command *command = submission(world, sender(world, "a1"), true);
    command->intake->submit->party->confidential = true;
    assert_null(send(world, command)->refused);
    Hb__Sealed *text = said(world, 0)->intake->held->submit->text->sealed;
    const Intake__Opened *opened = open_masked(world, "lin", text);
    assert_string_equal(opened->texts[0], "");
    assert_true(opened->withheld[0]);
    assert_string_equal(opened->unopened->code, "purpose_needed");
    assert_int_equal(said(world, 0)->intake->opened->n_withheld, 1);
    assert_string_equal(open_box(world, world_actor(world, "lin"), 0, text)->opened->texts[0],
                        "电梯停运，请打 13800001234");
    hold(world, "a1");
    text = said(world, 0)->intake->held->submit->text->sealed;
    assert_string_equal(open_masked(world, "lin", text)->texts[0], "电梯停运，请打 138****1234");
}

static void nobody_fills_the_disk(void **state)
{
    struct world *world = *state;
    uint64_t first = hold(world, "a1");
    for (unsigned i = 1; i < INTAKE_HELD_ORIGIN_MAX; i++)
        hold(world, "a1");
    const Hb__Refusal *refusal = send(world, submission(world, sender(world, "a1"), true))->refused;
    assert_int_equal(refusal->status, 429);
    assert_string_equal(refusal->code, "held_many");
    assert_int_equal(refusal->retry_after_s, INTAKE_HELD_RETRY_S);
    assert_null(send(world, submission(world, sender(world, NULL), true))->refused); /* others go on */
    for (unsigned i = INTAKE_HELD_ORIGIN_MAX; i < INTAKE_HELD_MAX; i++)
        hold(world, arena_printf(&world->arena, "b%u", i));
    refusal = send(world, submission(world, sender(world, "c"), true))->refused;
    assert_int_equal(refusal->status, 503);
    assert_string_equal(refusal->code, "held_full");
    assert_int_equal(refusal->retry_after_s, INTAKE_HELD_RETRY_S);
    assert_null(refuse(world, "lin", first, "x")->refused);
    hold(world, "a1");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(it_is_held_and_no_case),
        WITH_WORLD(a_wrong_one_is_refused_as_any),
        WITH_WORLD(sent_again_it_is_one),
        WITH_WORLD(it_is_let_in_as_it_came),
        WITH_WORLD(it_is_refused_for_a_reason),
        WITH_WORLD(who_may_see_it_and_decide),
        WITH_WORLD(hidden_ones_count_for_no_origin),
        WITH_WORLD(the_list_has_pages),
        WITH_WORLD(a_confidential_one_opens_for_a_purpose_only),
        WITH_WORLD(nobody_fills_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
