/* What people of a scenario do and ask, as the services hear it. */
#include "message/message.h"
#include "policy/lookup.h"
#include "rehearse_world.h"
#include "json/json.h"

#include <inttypes.h>

/* ---- commands ---- */

char *world_copy(struct world *world, const char *text)
{
    return arena_strdup(&world->arena, text);
}

static Hb__Actor *actor_of(struct world *world, const char *person)
{
    Hb__Actor *actor = WORLD_NEW(world, Hb__Actor, hb__actor__init);
    if (!person) {
        actor->operator_ = true;
    } else if (world_is_complainant(world, person)) {
        actor->complainant = true;
    } else {
        actor->account = world_copy(world, person);
        actor->person = world_copy(world, person);
    }
    return actor;
}

Hb__Command *world_command_new(struct world *world, const char *person)
{
    Hb__Command *command = WORLD_NEW(world, Hb__Command, hb__command__init);
    command->actor = actor_of(world, person);
    command->account = world_copy(world, *command->actor->account ? command->actor->account : "rehearsal");
    command->id =
        arena_printf(&world->arena, "%013" PRId64 "-%u", simulation_now(world->simulation), world->commands++);
    command->site = world_copy(world, WORLD_SITE);
    return command;
}

/* Everything at this instant is done; the clock does not move. A case that is registered gets its name. */
const Hb__CommandReply *world_send(struct world *world, Hb__Service service, const Hb__Command *command,
                                   const char *case_name)
{
    if (world->away & 1u << service)
        return NULL;
    const Hb__CommandReply *reply = simulation_command(world->simulation, service, command, &world->arena);
    if (*case_name && reply && !reply->refused)
        world_case_add(world, case_name, reply->case_id,
                       reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_SUBMITTED ? reply->submitted->tracking_code
                                                                                   : "");
    world_run(world, simulation_now(world->simulation));
    return reply;
}

static Hb__Personal *plain(struct world *world, const char *text)
{
    Hb__Personal *personal = WORLD_NEW(world, Hb__Personal, hb__personal__init);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = world_copy(world, text);
    return personal;
}

/* A field of type `case` takes the number of a case, one of type `file` the id of a file of this case: a scenario says
   its name. */
static const char *written(struct world *world, const struct scenario_pair *pair, uint64_t of_case)
{
    const Policy__Policy *policy = world->scenario->policy;
    bool names_case = false, names_file = false;
    for (size_t i = 0; i < policy->n_kinds && !names_case; i++) {
        const Policy__FieldDef *def = policy_field(policy->kinds[i], pair->name);
        names_case = def && def->names_case;
        names_file = names_file || (def && def->type == POLICY__FIELD_DEF__TYPE__FILE);
    }
    if (names_file && !names_case)
        return world_file_named(world, of_case, pair->value);
    uint64_t id = names_case ? world_case(world, pair->value) : 0;
    const Casework__CaseFile *file = id ? world_file(world, id, NULL) : NULL;
    return file ? file->number : pair->value;
}

static void add_field(struct world *world, Hb__Field ***list, size_t *count, const struct scenario_pair *pair,
                      uint64_t of_case)
{
    Hb__Field *field = WORLD_NEW(world, Hb__Field, hb__field__init);
    field->name = world_copy(world, pair->name);
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = plain(world, written(world, pair, of_case));
    WORLD_ADD(world, *list, *count, field);
}

/* Who complains, when it came in, and what is not a field of the kind. False: it is one. */
static bool fill_party(struct world *world, Intake__Submit *submit, const struct scenario_pair *pair)
{
    Intake__Party *party = submit->party;
    const struct {
        const char *name;
        Hb__Personal **to;
    } texts[] = {{"text", &submit->text},
                 {"name", &party->name},
                 {"phone", &party->phone},
                 {"email", &party->email},
                 {"address", &party->address}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].name, pair->name) == 0) {
            *texts[i].to = strcmp(pair->value, "none") == 0 ? NULL : plain(world, pair->value);
            return true;
        }
    if (strcmp(pair->name, "anonymous") == 0)
        party->anonymous = strcmp(pair->value, "yes") == 0;
    else if (strcmp(pair->name, "confidential") == 0)
        party->confidential = strcmp(pair->value, "yes") == 0;
    else if (strcmp(pair->name, "received_at") == 0)
        return json_time_parse(pair->value, world->scenario->zone, &submit->received_ms);
    else if (strcmp(pair->name, "department") == 0)
        submit->department = world_copy(world, pair->value);
    else
        return false;
    return true;
}

/* Category, channel and place are lifted out of the fields by intake itself. A complainant has an address, so that
   proof of delivery counts, unless the scenario says `email: none`. */
static Intake__Submit *submit_of(struct world *world, const char *kind, const char *name,
                                 const struct scenario_pair *with, size_t count)
{
    Intake__Submit *submit = WORLD_NEW(world, Intake__Submit, intake__submit__init);
    const Policy__Kind *found = policy_kind(world->scenario->policy, kind);
    submit->kind = world_copy(world, kind);
    submit->party = WORLD_NEW(world, Intake__Party, intake__party__init);
    submit->party->email = plain(world, arena_printf(&world->arena, "%s@example.org", name));
    submit->text = plain(world, name);
    for (size_t i = 0; i < count; i++) {
        static const char *const own[] = {"category", "channel", "place"};
        char **const to[] = {&submit->category, &submit->channel, &submit->place};
        bool done = false;
        for (size_t o = 0; o < 3 && !done; o++)
            if (strcmp(own[o], with[i].name) == 0) {
                *to[o] = world_copy(world, with[i].value);
                done = true;
            }
        if (!done && ((found && policy_field_of_fact(found, with[i].name)) || !fill_party(world, submit, &with[i])))
            add_field(world, &submit->fields, &submit->n_fields, &with[i], 0);
    }
    return submit;
}

const Hb__CommandReply *world_submit(struct world *world, const struct scenario_line *line)
{
    Hb__Command *command = world_command_new(world, line->by);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = WORLD_NEW(world, Intake__Command, intake__command__init);
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = submit_of(world, line->kind, line->case_name, line->with, line->with_count);
    if (command->actor->complainant && !*command->intake->submit->channel)
        command->intake->submit->channel = world_copy(world, "web");
    return world_send(world, HB__SERVICE__INTAKE, command, line->case_name);
}

const Hb__CommandReply *world_act(struct world *world, const struct scenario_line *line)
{
    Hb__Command *command = world_command_new(world, line->by);
    command->case_id = world_case(world, line->case_name);
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = WORLD_NEW(world, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_ACT;
    Casework__Act *act = command->casework->act = WORLD_NEW(world, Casework__Act, casework__act__init);
    act->step = world_copy(world, line->step);
    act->for_person = world_copy(world, line->lent);
    for (size_t i = 0; i < line->with_count; i++)
        if (strcmp(line->with[i].name, "note") == 0)
            act->note = plain(world, line->with[i].value);
        else
            add_field(world, &act->fields, &act->n_fields, &line->with[i], command->case_id);
    if (*line->clock) /* extend c1.answer */
        add_field(world, &act->fields, &act->n_fields, &(struct scenario_pair){"clock", line->clock, line->line}, 0);
    return world_send(world, HB__SERVICE__CASEWORK, command, "");
}

/* ---- who complained ---- */

static Hb__Sealed *name_sealed(struct world *world, uint64_t case_id)
{
    timeline_take(world);
    for (size_t i = 0; i < world->entries_count; i++) {
        const Hb__Event *event = world->entries[i].event;
        bool registers = event->case_id == case_id && event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
                         event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
        const Hb__Personal *name =
            registers && event->intake->registered->party ? event->intake->registered->party->name : NULL;
        if (name && name->kind_case == HB__PERSONAL__KIND_SEALED)
            return name->sealed;
    }
    return NULL;
}

Hb__Command *world_open_new(struct world *world, const char *person, uint64_t case_id)
{
    Hb__Command *command = world_command_new(world, person);
    command->case_id = case_id;
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = WORLD_NEW(world, Intake__Command, intake__command__init);
    command->intake->kind_case = INTAKE__COMMAND__KIND_OPEN;
    command->intake->open = WORLD_NEW(world, Intake__Open, intake__open__init);
    command->intake->open->purpose = world_copy(world, "rehearsal");
    return command;
}

/* "": it was not opened for this person. */
static const char *open_box(struct world *world, uint64_t case_id, Hb__Sealed *box, const char *person)
{
    Hb__Command *command = world_open_new(world, person, case_id);
    Intake__Open *open = command->intake->open;
    for (size_t i = 0; i < world->cases_count && command->actor->complainant; i++)
        if (world->cases[i].id == case_id)
            open->tracking_code = world_copy(world, world->cases[i].tracking_code);
    WORLD_ADD(world, open->boxes, open->n_boxes, box);
    const Hb__CommandReply *reply = world_send(world, HB__SERVICE__INTAKE, command, "");
    bool opened = reply && !reply->refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED &&
                  reply->opened->n_texts == 1;
    return opened ? reply->opened->texts[0] : "";
}

const char *world_identity(struct world *world, uint64_t case_id, const char *person)
{
    Hb__Sealed *name = name_sealed(world, case_id);
    return name ? open_box(world, case_id, name, person) : NULL;
}

const char *world_own_text(struct world *world, uint64_t case_id, Hb__Sealed *box)
{
    return open_box(world, case_id, box, "complainant");
}

/* ---- given cases ---- */

#define GIVEN_STAGES_MAX 64u
#define INTAKE_HISTORY_STEPS 32u /* what an import may hold */

/* The shortest way through the table of moves, by breadth first; steps in the order of the policy. 0: there is none. */
static size_t way_to(const Policy__Kind *kind, const char *stage, const Policy__Step *way[INTAKE_HISTORY_STEPS])
{
    const char *seen[GIVEN_STAGES_MAX] = {policy_first_stage(kind)->name};
    const Policy__Step *by[GIVEN_STAGES_MAX] = {NULL};
    size_t from[GIVEN_STAGES_MAX] = {0}, count = 1, at = 0;
    while (at < count && strcmp(seen[at], stage) != 0) {
        for (size_t i = 0; i < kind->n_steps && count < GIVEN_STAGES_MAX; i++) {
            const Policy__Step *step = kind->steps[i];
            bool known = !*step->to || !policy_step_from(step, seen[at]);
            for (size_t s = 0; s < count && !known; s++)
                known = strcmp(seen[s], step->to) == 0;
            if (known)
                continue;
            seen[count] = step->to;
            by[count] = step;
            from[count++] = at;
        }
        at++;
    }
    size_t length = 0;
    for (size_t step = at; at < count && step; step = from[step])
        length++;
    if (length > INTAKE_HISTORY_STEPS)
        return 0;
    for (size_t step = at, place = length; place; step = from[step])
        way[--place] = by[step];
    return length;
}

static Intake__History *history_of(struct world *world, const struct scenario_case *one)
{
    const Policy__Step *way[INTAKE_HISTORY_STEPS];
    size_t count = way_to(policy_kind(world->scenario->policy, one->kind), one->stage, way);
    Intake__History *history = WORLD_NEW(world, Intake__History, intake__history__init);
    for (size_t i = 0; i < count; i++) {
        Intake__HistoricStep *step = WORLD_NEW(world, Intake__HistoricStep, intake__historic_step__init);
        step->step = way[i]->name;
        step->occurred_ms = one->at_ms;
        WORLD_ADD(world, history->steps, history->n_steps, step);
    }
    return history;
}

/* A case in a later stage comes in as an import does: with a history, to which no rule and no notice applies. */
const Hb__CommandReply *world_give(struct world *world, const struct scenario_case *one)
{
    const Policy__Stage *first = policy_first_stage(policy_kind(world->scenario->policy, one->kind));
    Hb__Command *command = world_command_new(world, NULL);
    Intake__Submit *submit = submit_of(world, one->kind, one->name, one->with, one->with_count);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = WORLD_NEW(world, Intake__Command, intake__command__init);
    if (!*one->stage || (first && strcmp(first->name, one->stage) == 0)) {
        command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
        command->intake->submit = submit;
        return world_send(world, HB__SERVICE__INTAKE, command, one->name);
    }
    Intake__Import *import = WORLD_NEW(world, Intake__Import, intake__import__init);
    import->submit = submit;
    import->received_ms = one->at_ms;
    import->source = world_copy(world, "scenario");
    import->external_id = world_copy(world, one->name);
    import->history = history_of(world, one);
    command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command->intake->import = import;
    return world_send(world, HB__SERVICE__INTAKE, command, one->name);
}

/* ---- queries ---- */

static const Hb__QueryReply *query_send(struct world *world, Hb__Service service, Hb__Query *query)
{
    if (world->away & 1u << service)
        return NULL;
    const Hb__QueryReply *reply = simulation_query(world->simulation, service, query, &world->arena);
    return reply && !reply->refused ? reply : NULL;
}

const Casework__CaseFile *world_file(struct world *world, uint64_t case_id, const char *person)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    query.actor = person ? actor_of(world, person) : NULL; /* the rehearsal itself sees what is hidden, too */
    query.site = world_copy(world, WORLD_SITE);
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_GET;
    casework.get = &get;
    get.case_id = case_id;
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__CASEWORK, &query);
    return reply ? reply->casework->file : NULL;
}

const Casework__ThingHistory *world_history(struct world *world, const char *thing)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetHistory get = CASEWORK__GET_HISTORY__INIT;
    query.actor = actor_of(world, NULL);
    query.site = world_copy(world, WORLD_SITE);
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_HISTORY;
    casework.history = &get;
    get.thing = world_copy(world, thing);
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__CASEWORK, &query);
    return reply ? reply->casework->history : NULL;
}

const Casework__OwnCase *world_own(struct world *world, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetOwn get = CASEWORK__GET_OWN__INIT;
    query.actor = actor_of(world, "complainant");
    query.site = world_copy(world, WORLD_SITE);
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_OWN;
    casework.own = &get;
    query.case_id = get.case_id = case_id;
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__CASEWORK, &query);
    return reply ? reply->casework->own : NULL;
}

struct telling {
    const char *field;
    bool tells;
};

static void look_for_field(ProtobufCMessage *message, void *context)
{
    struct telling *telling = context;
    const Hb__Field *field = message->descriptor == &hb__field__descriptor ? (const Hb__Field *)message : NULL;
    const Hb__Fact *fact = message->descriptor == &hb__fact__descriptor ? (const Hb__Fact *)message : NULL;
    if (field && strcmp(field->name, telling->field) == 0 && field->content_case != HB__FIELD__CONTENT__NOT_SET)
        telling->tells = true;
    if (fact && strcmp(fact->name, telling->field) == 0 && fact->value)
        telling->tells = true;
}

bool world_tells(struct world *world, uint64_t case_id, const char *person, const char *field)
{
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetTimeline get = CASEWORK__GET_TIMELINE__INIT;
    struct telling telling = {.field = field};
    casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
    casework.timeline = &get;
    get.case_id = case_id;
    do {
        Hb__Query query = HB__QUERY__INIT;
        query.actor = actor_of(world, person);
        query.site = world_copy(world, WORLD_SITE);
        query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
        query.casework = &casework;
        const Hb__QueryReply *reply = query_send(world, HB__SERVICE__CASEWORK, &query);
        const Casework__Timeline *timeline = reply ? reply->casework->timeline : NULL;
        get.after = timeline ? timeline->next : 0;
        for (size_t i = 0; timeline && i < timeline->n_events; i++) {
            ProtobufCMessage *event;
            char *why;
            struct bytes packed = bytes_of(timeline->events[i].data, timeline->events[i].len);
            if (!message_load(&hb__event__descriptor, packed, &world->arena, &event, &why))
                message_visit(event, look_for_field, &telling);
        }
    } while (get.after);
    return telling.tells;
}

const Watchdog__Clocks *world_clocks(struct world *world, uint64_t case_id, const char *person)
{
    Hb__Query query = HB__QUERY__INIT;
    query.actor = person ? actor_of(world, person) : NULL;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks get = WATCHDOG__GET_CLOCKS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &get;
    query.case_id = get.case_id = case_id;
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__WATCHDOG, &query);
    return reply ? reply->watchdog->clocks : NULL;
}

const Analytics__Indicators *world_indicators(struct world *world, const char *period)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetIndicators get = ANALYTICS__GET_INDICATORS__INIT;
    query.actor = actor_of(world, NULL);
    query.site = world_copy(world, WORLD_SITE);
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_INDICATORS;
    analytics.indicators = &get;
    get.period = world_copy(world, period);
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__ANALYTICS, &query);
    return reply ? reply->analytics->indicators : NULL;
}

/* As the portal asks: for nobody's account. */
const Analytics__PublicNotices *world_notices(struct world *world)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListNotices list = ANALYTICS__LIST_NOTICES__INIT;
    Hb__Actor visitor = HB__ACTOR__INIT;
    visitor.complainant = true;
    query.actor = &visitor;
    query.site = world_copy(world, WORLD_SITE);
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_NOTICES;
    analytics.notices = &list;
    list.limit = 50;
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__ANALYTICS, &query);
    return reply ? reply->analytics->notices : NULL;
}
