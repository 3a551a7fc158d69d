/* What people do: submit, act on what they see (and sometimes on what they only think), import, ask, repeat themselves
   and get things wrong. */
#include "storm.h"

#include "calendar/calendar.h"
#include "policy/lookup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const words[] = {
    "楼上半夜装修", "电梯停了", "水管漏水，已两天", "前台态度差", "Please repair the lamp", "垃圾没人收",
    "想问停车费",   "x",        "建议加装扶手"};
const char *const storm_secrets[] = {"王女士", "138-0000-0000", "wang@example.com", "备注一二三", NULL};
static const char *const kinds[] = {"complaint", "complaint", "complaint", "repair", "inquiry", "suggestion"};

#define PICK(storm, list) ((list)[storm_draw((storm), sizeof(list) / sizeof *(list))])

static char *text(struct storm *storm, const char *plain)
{
    return arena_strdup(&storm->arena, plain);
}

const char *storm_site(struct storm *storm)
{
    return storm_chance(storm, 700) ? "haitang" : "yulan";
}

Hb__Actor *storm_actor(struct storm *storm, const char *person)
{
    Hb__Actor *actor = STORM_NEW(storm, Hb__Actor, hb__actor__init);
    if (!person) {
        actor->complainant = true;
    } else {
        actor->account = text(storm, person);
        actor->person = text(storm, person);
    }
    return actor;
}

static const char *somebody(struct storm *storm)
{
    return storm_people[storm_draw(storm, storm_people_count)];
}

static Hb__Personal *personal(struct storm *storm, const char *plain)
{
    Hb__Personal *made = STORM_NEW(storm, Hb__Personal, hb__personal__init);
    made->kind_case = HB__PERSONAL__KIND_PLAIN;
    made->plain = text(storm, plain);
    return made;
}

static Hb__Command *command_new(struct storm *storm, const char *account, const char *site)
{
    Hb__Command *command = STORM_NEW(storm, Hb__Command, hb__command__init);
    command->account = text(storm, account);
    command->id = storm_command_id(storm);
    command->site = text(storm, site);
    return command;
}

/* ---- fields ---- */

static Hb__Field *field_new(struct storm *storm, const char *name, const char *plain)
{
    Hb__Field *field = STORM_NEW(storm, Hb__Field, hb__field__init);
    field->name = text(storm, name);
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = personal(storm, plain);
    return field;
}

static Hb__Field *value_field(struct storm *storm, const char *name, Hb__Value__KindCase kind)
{
    Hb__Field *field = STORM_NEW(storm, Hb__Field, hb__field__init);
    field->name = text(storm, name);
    field->content_case = HB__FIELD__CONTENT_VALUE;
    field->value = STORM_NEW(storm, Hb__Value, hb__value__init);
    field->value->kind_case = kind;
    return field;
}

/* What somebody would write there; now and then rubbish. */
static Hb__Field *filled(struct storm *storm, const Policy__Kind *kind, const char *name)
{
    const Policy__FieldDef *def = policy_field(kind, name);
    Hb__Field *field;
    if (!def || storm_chance(storm, 15))
        return field_new(storm, name, "rubbish");
    if (def->names_case && storm->cases_count)
        return field_new(storm, name,
                         storm->cases[storm_draw(storm, storm->cases_count)]->registered->intake->registered->number);
    switch (def->type) {
    case POLICY__FIELD_DEF__TYPE__CHOICE:
        return field_new(storm, name, def->n_one_of ? def->one_of[storm_draw(storm, def->n_one_of)]->name : "");
    case POLICY__FIELD_DEF__TYPE__YES_NO:
        field = value_field(storm, name, HB__VALUE__KIND_YES);
        field->value->yes = storm_chance(storm, 500);
        return field;
    case POLICY__FIELD_DEF__TYPE__TIME:
        field = value_field(storm, name, HB__VALUE__KIND_TIME_MS);
        field->value->time_ms =
            simulation_wall(storm->simulation) + (int64_t)storm_draw(storm, 6 * 24 * 60) * MINUTE_MS - HOUR_MS;
        return field;
    case POLICY__FIELD_DEF__TYPE__NUMBER:
    case POLICY__FIELD_DEF__TYPE__MONEY:
        return field_new(storm, name, "12");
    case POLICY__FIELD_DEF__TYPE__DURATION:
        return field_new(storm, name, "2 h");
    case POLICY__FIELD_DEF__TYPE__PERSON:
        return field_new(storm, name, somebody(storm));
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
        return field_new(storm, name, "management_office");
    case POLICY__FIELD_DEF__TYPE__TEXT:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__PARTS:
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
    case POLICY__FIELD_DEF__TYPE__THING:
        break;
    }
    return field_new(storm, name, PICK(storm, words));
}

static void fill_named(struct storm *storm, const Policy__Kind *kind, char *const *names, size_t count,
                       unsigned permille, Hb__Field ***list, size_t *list_count)
{
    for (size_t i = 0; i < count; i++)
        if (storm_chance(storm, permille))
            STORM_ADD(storm, *list, *list_count, filled(storm, kind, names[i]));
}

/* ---- submitting ---- */

static const char *category(struct storm *storm, const char *site)
{
    const Policy__Policy *policy = storm_policy_of(storm, site, 0);
    return policy && policy->n_categories ? policy->categories[storm_draw(storm, policy->n_categories)]->name : "other";
}

static Intake__Submit *submission(struct storm *storm, const char *kind, const char *site)
{
    Intake__Submit *submit = STORM_NEW(storm, Intake__Submit, intake__submit__init);
    submit->kind = text(storm, kind);
    submit->category = text(storm, category(storm, site));
    submit->text = personal(storm, PICK(storm, words));
    if (storm_chance(storm, 400)) {
        submit->party = STORM_NEW(storm, Intake__Party, intake__party__init);
        submit->party->name = personal(storm, storm_secrets[0]);
        submit->party->phone = personal(storm, storm_secrets[1]);
        if (storm_chance(storm, 500))
            submit->party->email = personal(storm, storm_secrets[2]);
        submit->party->confidential = storm_chance(storm, 200);
    }
    if (storm_chance(storm, 200))
        STORM_ADD(storm, submit->fields, submit->n_fields,
                  field_new(storm, "severity", storm_chance(storm, 700) ? "major" : "general"));
    if (strcmp(kind, "repair") == 0)
        STORM_ADD(storm, submit->fields, submit->n_fields,
                  field_new(storm, "class", storm_chance(storm, 500) ? "small" : "urgent"));
    return submit;
}

/* One in a few is wrong in a way that must be refused, or odd in one that must not. */
static void spoil(struct storm *storm, Intake__Submit *submit, Hb__Command *command)
{
    char *long_text;
    switch (storm_draw(storm, 8)) {
    case 0:
        submit->kind = "no_such_kind";
        return;
    case 1:
        submit->category = "no_such_category";
        return;
    case 2:
        submit->category = "";
        return;
    case 3:
        command->site = "nowhere";
        return;
    case 4:
        long_text = arena_zero(&storm->arena, 21001);
        memset(long_text, 'x', 21000);
        submit->text->plain = long_text;
        return;
    case 5:
        STORM_ADD(storm, submit->fields, submit->n_fields, field_new(storm, "no_such_field", "x"));
        return;
    case 6:
        submit->department = "no_such_department";
        return;
    case 7:
        submit->channel = "pigeon";
        return;
    }
}

static void suspect(struct storm *storm, Hb__Actor *actor)
{
    STORM_ADD(storm, actor->suspect, actor->n_suspect, text(storm, "trap"));
    actor->origin = arena_printf(&storm->arena, "o%zu", storm->commands_count % 3);
}

static void submit(struct storm *storm)
{
    bool portal = storm_chance(storm, 300);
    const char *person = portal ? NULL : somebody(storm);
    const char *kind = PICK(storm, kinds);
    Hb__Command *command = command_new(storm, portal ? "portal" : person, storm_site(storm));
    if (strcmp(kind, "repair") == 0 && strcmp(storm->pack, "PROP-11") != 0)
        kind = "complaint";
    Intake__Submit *made = submission(storm, kind, command->site);
    command->actor = storm_actor(storm, person);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = STORM_NEW(storm, Intake__Command, intake__command__init);
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = made;
    made->channel = portal ? "web" : "phone";
    if (portal &&
        storm->commands_count % 4 == 0) /* the gateway saw signs of a program; no draw: the story is as it was */
        suspect(storm, command->actor);
    if (!portal && storm_chance(storm, 60)) {
        made->settle = true;
        STORM_ADD(storm, made->settle_fields, made->n_settle_fields, field_new(storm, "explanation", "已当场说明"));
    }
    if (!portal && storm_chance(storm, 100))
        made->department = "management_office";
    if (storm_chance(storm, 80))
        spoil(storm, made, command);
    storm_tell(storm, "%s submits %s at %s: %s", person ? person : "the portal", made->kind, command->site,
               command->id);
    storm_send(storm, HB__SERVICE__INTAKE, command);
}

/* Somebody lets in or refuses one that is held, or that is not any more. */
static void decide_held(struct storm *storm)
{
    const struct storm_log *log = &storm->logs[HB__SERVICE__INTAKE];
    const Intake__SubmissionHeld *held = NULL;
    for (size_t tries = 0; !held && tries < 50 && log->count; tries++) {
        const Hb__Event *event = log->list[storm_draw(storm, log->count)];
        held = event->intake->kind_case == INTAKE__EVENT__KIND_HELD ? event->intake->held : NULL;
    }
    if (!held)
        return;
    const char *person = somebody(storm);
    Hb__Command *command = command_new(storm, person, "");
    command->actor = storm_actor(storm, person);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = STORM_NEW(storm, Intake__Command, intake__command__init);
    if (storm_chance(storm, 700)) {
        command->intake->kind_case = INTAKE__COMMAND__KIND_REGISTER_HELD;
        command->intake->register_held = STORM_NEW(storm, Intake__RegisterHeld, intake__register_held__init);
        command->intake->register_held->held = held->held;
    } else {
        command->intake->kind_case = INTAKE__COMMAND__KIND_REFUSE_HELD;
        command->intake->refuse_held = STORM_NEW(storm, Intake__RefuseHeld, intake__refuse_held__init);
        command->intake->refuse_held->held = held->held;
        command->intake->refuse_held->reason = personal(storm, storm_secrets[3]);
    }
    storm_tell(storm, "%s decides on %s: %s", person, held->number, command->id);
    storm_send(storm, HB__SERVICE__INTAKE, command);
}

/* ---- importing ---- */

/* A walk over the table of moves, each step some hours after the one before. */
static void walk(struct storm *storm, const Policy__Kind *kind, int64_t at_ms, int64_t until_ms,
                 Intake__History *history)
{
    const Policy__Stage *first = policy_first_stage(kind);
    const char *stage = first ? first->name : "", *before = "";
    unsigned steps = (unsigned)storm_draw(storm, 9);
    for (unsigned tries = 0; tries < 60 && history->n_steps < steps; tries++) {
        const Policy__Step *step = kind->steps[storm_draw(storm, kind->n_steps)];
        bool joins = *step->link || *step->unlink || step->n_copy;
        if ((!policy_step_from(step, stage) || joins || (step->back && !*before)) && !storm_chance(storm, 3))
            continue;
        at_ms += (int64_t)storm_draw(storm, 30 * 60) * MINUTE_MS;
        if (at_ms > until_ms)
            return;
        Intake__HistoricStep *made = STORM_NEW(storm, Intake__HistoricStep, intake__historic_step__init);
        made->step = text(storm, step->name);
        made->occurred_ms = at_ms;
        for (size_t i = 0; i < step->n_needs; i++)
            if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD)
                STORM_ADD(storm, made->fields, made->n_fields, filled(storm, kind, step->needs[i]->name));
        STORM_ADD(storm, history->steps, history->n_steps, made);
        const char *next = step->back ? before : *step->to ? step->to : stage;
        before = step->back ? "" : strcmp(next, stage) != 0 ? stage : before;
        stage = next;
    }
}

static void import(struct storm *storm)
{
    const char *site = storm_site(storm), *who = storm_chance(storm, 900) ? "li" : "tang";
    int64_t now = simulation_wall(storm->simulation);
    Hb__Command *command = command_new(storm, who, site);
    Intake__Import *made = STORM_NEW(storm, Intake__Import, intake__import__init);
    const Policy__Policy *policy = storm_policy_of(storm, site, 0);
    const Policy__Kind *kind = policy ? policy_kind(policy, "complaint") : NULL;
    if (!kind)
        return;
    command->actor = storm_actor(storm, who);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = STORM_NEW(storm, Intake__Command, intake__command__init);
    command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command->intake->import = made;
    made->submit = submission(storm, "complaint", site);
    made->submit->channel = "other";
    made->source = "old_system";
    made->external_id = arena_printf(&storm->arena, "E-%" PRIu64, storm_draw(storm, 40));
    if (storm_chance(storm, 900)) {
        made->received_ms = now - (int64_t)storm_draw(storm, 30 * 24 * 60) * MINUTE_MS;
        made->history = STORM_NEW(storm, Intake__History, intake__history__init);
        bool earlier = storm_chance(storm, 200); /* the other system was read a while ago */
        int64_t as_of = earlier ? made->received_ms + (now - made->received_ms) / 2 : now;
        made->history->as_of_ms = earlier ? as_of : 0;
        walk(storm, kind, made->received_ms, as_of, made->history);
    }
    storm_tell(storm, "%s imports %s at %s: %s", who, made->external_id, site, command->id);
    storm_send(storm, HB__SERVICE__INTAKE, command);
}

/* ---- acting ---- */

struct look { /* somebody reads a case, and acts on what he sees */
    struct storm *storm;
    const char *person; /* NULL: the complainant */
    const struct storm_case *one;
};

/* `extend` is in no pack: it asks for a clock and a reason. */
static void name_clock(struct storm *storm, const Policy__Kind *kind, Casework__Act *made)
{
    const Policy__Clock *clock = kind->clocks[storm_draw(storm, kind->n_clocks)];
    for (unsigned tries = 0; tries < 8 && !clock->extend; tries++)
        clock = kind->clocks[storm_draw(storm, kind->n_clocks)];
    STORM_ADD(storm, made->fields, made->n_fields, field_new(storm, "clock", clock->name));
    STORM_ADD(storm, made->fields, made->n_fields, field_new(storm, "reason", PICK(storm, words)));
}

static void act(struct storm *storm, const struct look *look, const char *step_name, uint64_t version)
{
    const Policy__Kind *kind = look->one->kind;
    const Policy__Step *step = policy_step(kind, step_name);
    Hb__Command *command = command_new(storm, look->person ? look->person : "portal", look->one->registered->site);
    Casework__Act *made = STORM_NEW(storm, Casework__Act, casework__act__init);
    command->actor = storm_actor(storm, look->person);
    command->case_id = storm_chance(storm, 5) ? look->one->id + 1 : look->one->id;
    command->expected_version = version;
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = STORM_NEW(storm, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_ACT;
    command->casework->act = made;
    made->step = text(storm, step_name);
    if (strcmp(step_name, "extend") == 0)
        name_clock(storm, kind, made);
    for (size_t i = 0; step && i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD && storm_chance(storm, 970))
            STORM_ADD(storm, made->fields, made->n_fields, filled(storm, kind, step->needs[i]->name));
    if (step)
        fill_named(storm, kind, step->fields, step->n_fields, 400, &made->fields, &made->n_fields);
    if (storm_chance(storm, 100))
        made->note = personal(storm, storm_secrets[3]);
    storm_tell(storm, "%s takes %s on %s: %s", look->person ? look->person : "the complainant", step_name,
               look->one->registered->intake->registered->number, command->id);
    storm_send(storm, HB__SERVICE__CASEWORK, command);
}

static void act_on(struct look *look, Casework__Allowed *const *allowed, size_t count, uint64_t seen)
{
    struct storm *storm = look->storm;
    if (!count && !storm_chance(storm, 50))
        return;
    const char *step = count ? allowed[storm_draw(storm, count)]->step : "close";
    const Policy__Kind *kind = look->one->kind;
    uint64_t version = storm_chance(storm, 700) ? seen : 0;
    if (storm_chance(storm, 80)) /* whatever he may not do */
        step = kind->steps[storm_draw(storm, kind->n_steps)]->name;
    if (storm_chance(storm, 10))
        step = "no_such_step";
    if (storm_chance(storm, 30))
        version = seen + 1;
    act(storm, look, step, version);
}

static void on_looked(void *context, enum err err, const Bus__Reply *reply)
{
    struct look *look = context;
    struct storm *storm = look->storm;
    storm->flows--;
    bool answered = !err && reply->kind_case == BUS__REPLY__KIND_QUERY && !reply->query->refused;
    const Casework__Reply *said = answered ? reply->query->casework : NULL;
    if (said && said->kind_case == CASEWORK__REPLY__KIND_OWN)
        act_on(look, said->own->allowed, said->own->n_allowed, said->own->version);
    else if (said)
        act_on(look, said->file->allowed, said->file->n_allowed, said->file->version);
    else if (storm_chance(storm, 200)) /* without looking */
        act(storm, look, look->one->kind->steps[storm_draw(storm, look->one->kind->n_steps)]->name, 0);
}

static void ask_case(struct storm *storm, struct look *look)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    Casework__GetOwn own = CASEWORK__GET_OWN__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    query.actor = storm_actor(storm, look->person);
    query.case_id = look->one->id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = look->person ? CASEWORK__QUERY__KIND_GET : CASEWORK__QUERY__KIND_OWN;
    if (look->person)
        casework.get = &get;
    else
        casework.own = &own;
    get.case_id = own.case_id = look->one->id;
    storm->flows++;
    simulation_ask(storm->simulation, HB__SERVICE__CASEWORK, &request, 3000, on_looked, look);
}

/* Newer cases come up more often: that is where the work is. */
static const struct storm_case *some_case(struct storm *storm)
{
    if (!storm->cases_count)
        return NULL;
    uint64_t back = storm_draw(storm, storm->cases_count);
    if (storm_chance(storm, 600))
        back = storm_draw(storm, back + 1);
    return storm->cases[storm->cases_count - 1 - back];
}

/* Most often one of those who may do something: the head, the handlers, the desk. */
static const char *suitable(struct storm *storm, const struct storm_case *one)
{
    static const char *const desk[] = {"chen", "li", "he"}, *const csc[] = {"bai", "he", "chen"},
                             *const office[] = {"sun", "wu"}, *const engineers[] = {"gao", "zhou", "lin"};
    if (storm_chance(storm, 100))
        return somebody(storm);
    if (storm_chance(storm, 300))
        return PICK(storm, desk);
    return strcmp(one->lead, "engineering_department") == 0 ? PICK(storm, engineers)
           : strcmp(one->lead, "management_office") == 0    ? PICK(storm, office)
                                                            : PICK(storm, csc);
}

static void look_and_act(struct storm *storm)
{
    struct look *look = arena_zero(&storm->arena, sizeof *look);
    look->storm = storm;
    look->one = some_case(storm);
    if (!look->one)
        return;
    look->person = storm_chance(storm, 120) ? NULL : suitable(storm, look->one);
    ask_case(storm, look);
}

/* ---- again, and otherwise ---- */

static struct storm_command *some_command(struct storm *storm)
{
    struct storm_command *one = storm->commands[storm_draw(storm, storm->commands_count)];
    return one->to == HB__SERVICE__DIRECTORY ? NULL : one;
}

/* Outcomes are kept for seven days; within them a repetition changes nothing. */
static void repeat(struct storm *storm)
{
    struct storm_command *one = some_command(storm);
    int64_t sent_ms = one ? strtoll(one->command->id, NULL, 10) : 0;
    if (one && simulation_wall(storm->simulation) - sent_ms < 6 * DAY_MS)
        storm_send_again(one);
}

static void twin(struct storm *storm)
{
    struct storm_command *one = some_command(storm);
    int64_t sent_ms = one ? strtoll(one->command->id, NULL, 10) : 0;
    if (!one || one->fate != STORM_ACCEPTED || one->existed || one->twin ||
        simulation_wall(storm->simulation) - sent_ms > 6 * DAY_MS)
        return;
    Hb__Command *other = STORM_NEW(storm, Hb__Command, hb__command__init);
    *other = *one->command;
    other->expected_version += 17;
    storm_send(storm, one->to, other)->twin = true;
}

/* ---- reading lists ---- */

static void on_list(void *context, enum err err, const Bus__Reply *reply)
{
    struct storm *storm = context;
    storm->flows--;
    bool shown = !err && reply->kind_case == BUS__REPLY__KIND_QUERY && !reply->query->refused;
    for (size_t i = 0; shown && i < reply->query->analytics->list->n_rows; i++)
        if (strcmp(reply->query->analytics->list->rows[i]->site, "haitang") != 0)
            storm_fail(storm, "a list shows its site only", "%s", reply->query->analytics->list->rows[i]->number);
}

static void ask_list(struct storm *storm)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    query.actor = storm_actor(storm, "chen");
    query.site = "haitang";
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    list.limit = 5;
    storm->flows++;
    simulation_ask(storm->simulation, HB__SERVICE__ANALYTICS, &request, 3000, on_list, storm);
}

/* ---- one deed ---- */

void storm_deed(struct storm *storm)
{
    uint64_t what = storm_draw(storm, 1000);
    bool more = storm->cases_count < storm->options.cases;
    storm->deeds++;
    if (more && what < 220)
        submit(storm);
    else if (more && what < 260)
        import(storm);
    else if (what < 320)
        repeat(storm);
    else if (what < 345)
        twin(storm);
    else if (what < 360)
        ask_list(storm);
    else if (what < 372)
        storm_change_policy(storm);
    else if (what < 380)
        storm_change_calendar(storm);
    else if (what < 388)
        storm_change_person(storm);
    else if (what < 406)
        storm_move_cases(storm);
    else if (what < 440)
        decide_held(storm);
    else
        look_and_act(storm);
}
