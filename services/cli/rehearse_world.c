#include "rehearse_world.h"

#include "policy/lookup.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define SITE "rehearsal"
#define FOUNDED_BEFORE_MS MINUTE_MS /* the organisation is there a minute before the first line */

extern const struct service directory_service, intake_service, routing_service, casework_service, watchdog_service,
    escalation_service, notification_service, analytics_service;

static const struct service *const services[] = {&directory_service,    &intake_service,   &routing_service,
                                                 &casework_service,     &watchdog_service, &escalation_service,
                                                 &notification_service, &analytics_service};
const Hb__Service world_services[WORLD_SERVICES] = {
    HB__SERVICE__DIRECTORY, HB__SERVICE__INTAKE,     HB__SERVICE__ROUTING,      HB__SERVICE__CASEWORK,
    HB__SERVICE__WATCHDOG,  HB__SERVICE__ESCALATION, HB__SERVICE__NOTIFICATION, HB__SERVICE__ANALYTICS};

/* ---- cases ---- */

uint64_t world_case(const struct world *world, const char *name)
{
    for (size_t i = 0; i < world->cases_count; i++)
        if (strcmp(world->cases[i].name, name) == 0)
            return world->cases[i].id;
    return 0;
}

const char *world_case_name(struct world *world, uint64_t id)
{
    for (size_t i = 0; i < world->cases_count; i++)
        if (world->cases[i].id == id)
            return world->cases[i].name;
    for (size_t i = 0; i < world->entries_count; i++) {
        const Hb__Event *event = world->entries[i].event;
        if (event->case_id == id && event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
            event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
            return event->intake->registered->number;
    }
    return "-";
}

void world_case_add(struct world *world, const char *name, uint64_t id)
{
    struct world_case added = {name, id};
    WORLD_ADD(world, world->cases, world->cases_count, added);
}

bool world_is_complainant(const struct world *world, const char *person)
{
    for (size_t i = 0; i < world->complainants_count; i++)
        if (strcmp(world->complainants[i], person) == 0)
            return true;
    return strcmp(person, "complainant") == 0;
}

/* ---- commands ---- */

static char *copy(struct world *world, const char *text)
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
        actor->account = copy(world, person);
        actor->person = copy(world, person);
    }
    return actor;
}

static Hb__Command *command_new(struct world *world, const char *person)
{
    Hb__Command *command = WORLD_NEW(world, Hb__Command, hb__command__init);
    command->actor = actor_of(world, person);
    command->account = copy(world, *command->actor->account ? command->actor->account : "rehearsal");
    command->id =
        arena_printf(&world->arena, "%013" PRId64 "-%u", simulation_now(world->simulation), world->commands++);
    command->site = copy(world, SITE);
    return command;
}

/* Everything at this instant is done; the clock does not move. A case that is registered gets its name. */
static const Hb__CommandReply *send(struct world *world, Hb__Service service, const Hb__Command *command,
                                    const char *case_name)
{
    if (world->away & 1u << service)
        return NULL;
    const Hb__CommandReply *reply = simulation_command(world->simulation, service, command, &world->arena);
    if (*case_name && reply && !reply->refused)
        world_case_add(world, case_name, reply->case_id);
    world_run(world, simulation_now(world->simulation));
    return reply;
}

static Hb__Personal *plain(struct world *world, const char *text)
{
    Hb__Personal *personal = WORLD_NEW(world, Hb__Personal, hb__personal__init);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = copy(world, text);
    return personal;
}

static void add_field(struct world *world, Hb__Field ***list, size_t *count, const struct scenario_pair *pair)
{
    Hb__Field *field = WORLD_NEW(world, Hb__Field, hb__field__init);
    field->name = copy(world, pair->name);
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = plain(world, pair->value);
    WORLD_ADD(world, *list, *count, field);
}

/* Who complains, and what is not a field of the kind. False: it is one. */
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
    else if (strcmp(pair->name, "department") == 0)
        submit->department = copy(world, pair->value);
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
    submit->kind = copy(world, kind);
    submit->party = WORLD_NEW(world, Intake__Party, intake__party__init);
    submit->party->email = plain(world, arena_printf(&world->arena, "%s@example.org", name));
    submit->text = plain(world, name);
    for (size_t i = 0; i < count; i++) {
        static const char *const own[] = {"category", "channel", "place"};
        char **const to[] = {&submit->category, &submit->channel, &submit->place};
        bool done = false;
        for (size_t o = 0; o < 3 && !done; o++)
            if (strcmp(own[o], with[i].name) == 0) {
                *to[o] = copy(world, with[i].value);
                done = true;
            }
        if (!done && ((found && policy_field(found, with[i].name)) || !fill_party(world, submit, &with[i])))
            add_field(world, &submit->fields, &submit->n_fields, &with[i]);
    }
    return submit;
}

const Hb__CommandReply *world_submit(struct world *world, const struct scenario_line *line)
{
    Hb__Command *command = command_new(world, line->by);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = WORLD_NEW(world, Intake__Command, intake__command__init);
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    command->intake->submit = submit_of(world, line->kind, line->case_name, line->with, line->with_count);
    if (command->actor->complainant && !*command->intake->submit->channel)
        command->intake->submit->channel = copy(world, "web");
    return send(world, HB__SERVICE__INTAKE, command, line->case_name);
}

const Hb__CommandReply *world_act(struct world *world, const struct scenario_line *line)
{
    Hb__Command *command = command_new(world, line->by);
    command->case_id = world_case(world, line->case_name);
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = WORLD_NEW(world, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_ACT;
    Casework__Act *act = command->casework->act = WORLD_NEW(world, Casework__Act, casework__act__init);
    act->step = copy(world, line->step);
    for (size_t i = 0; i < line->with_count; i++)
        add_field(world, &act->fields, &act->n_fields, &line->with[i]);
    if (*line->clock) /* extend c1.answer */
        add_field(world, &act->fields, &act->n_fields, &(struct scenario_pair){"clock", line->clock, line->line});
    return send(world, HB__SERVICE__CASEWORK, command, "");
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
    Hb__Command *command = command_new(world, NULL);
    Intake__Submit *submit = submit_of(world, one->kind, one->name, one->with, one->with_count);
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = WORLD_NEW(world, Intake__Command, intake__command__init);
    if (!*one->stage || (first && strcmp(first->name, one->stage) == 0)) {
        command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
        command->intake->submit = submit;
        return send(world, HB__SERVICE__INTAKE, command, one->name);
    }
    Intake__Import *import = WORLD_NEW(world, Intake__Import, intake__import__init);
    import->submit = submit;
    import->received_ms = one->at_ms;
    import->source = copy(world, "scenario");
    import->external_id = copy(world, one->name);
    import->history = history_of(world, one);
    command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command->intake->import = import;
    return send(world, HB__SERVICE__INTAKE, command, one->name);
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
    query.actor = actor_of(world, person);
    query.site = copy(world, SITE);
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_GET;
    casework.get = &get;
    get.case_id = case_id;
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__CASEWORK, &query);
    return reply ? reply->casework->file : NULL;
}

const Watchdog__Clocks *world_clocks(struct world *world, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks get = WATCHDOG__GET_CLOCKS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &get;
    get.case_id = case_id;
    const Hb__QueryReply *reply = query_send(world, HB__SERVICE__WATCHDOG, &query);
    return reply ? reply->watchdog->clocks : NULL;
}

/* ---- proof of delivery ---- */

struct finding { /* a notice in notification's log */
    struct world *world;
    const char *id; /* of the effect; NULL: all of `notice` and `case_id` */
    const char *notice;
    uint64_t case_id;
    bool found, failed;
};

static char *effect_id(struct world *world, uint64_t notice_id)
{
    return arena_printf(&world->arena, "%016" PRIx64, notice_id);
}

static bool look_for_notice(void *context, const Hb__Event *event)
{
    struct finding *finding = context;
    if (event->payload_case != HB__EVENT__PAYLOAD_NOTIFICATION ||
        event->notification->kind_case != NOTIFICATION__EVENT__KIND_QUEUED)
        return true;
    const Notification__NoticeQueued *queued = event->notification->queued;
    if (strcmp(effect_id(finding->world, queued->notice_id), finding->id) != 0)
        return true;
    finding->notice = copy(finding->world, queued->notice);
    finding->case_id = event->case_id;
    return false;
}

/* Does a later line bring the proof? */
static bool is_awaited(const struct world *world, const char *notice, uint64_t case_id)
{
    const struct scenario *scenario = world->scenario;
    for (size_t i = world->now_line; i < scenario->lines_count; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        if (line->what == LINE_DELIVERED && strcmp(line->notice, notice) == 0 &&
            world_case(world, line->case_name) == case_id)
            return true;
    }
    return false;
}

static struct bytes on_effect(void *context, Hb__Service service, const char *id, uint32_t attempt,
                              struct bytes payload, struct arena *arena)
{
    struct finding finding = {.world = context, .id = id};
    (void)service;
    (void)attempt;
    (void)payload;
    (void)arena;
    simulation_events(finding.world->simulation, HB__SERVICE__NOTIFICATION, 0, look_for_notice, &finding);
    if (finding.notice && is_awaited(finding.world, finding.notice, finding.case_id))
        return (struct bytes){0};
    return bytes_of_text("250 rehearsed");
}

static bool end_notice(void *context, const Hb__Event *event)
{
    struct finding *finding = context;
    if (event->case_id != finding->case_id || event->payload_case != HB__EVENT__PAYLOAD_NOTIFICATION ||
        event->notification->kind_case != NOTIFICATION__EVENT__KIND_QUEUED ||
        strcmp(event->notification->queued->notice, finding->notice) != 0)
        return true;
    struct bytes result = bytes_of_text(finding->failed ? "550 rehearsed" : "250 rehearsed");
    finding->found |= simulation_effect_end(finding->world->simulation, HB__SERVICE__NOTIFICATION,
                                            effect_id(finding->world, event->notification->queued->notice_id), result);
    return true;
}

bool world_proof(struct world *world, const char *notice, uint64_t case_id, bool failed)
{
    struct finding finding = {.world = world, .notice = notice, .case_id = case_id, .failed = failed};
    simulation_events(world->simulation, HB__SERVICE__NOTIFICATION, 0, end_notice, &finding);
    world_run(world, simulation_now(world->simulation));
    return finding.found;
}

/* ---- calendars ---- */

/* "cn-2026" -> "cn", 2026; "cn" -> "cn", 0. */
static int calendar_year(struct world *world, const char *text, char **name_out)
{
    const char *dash = strrchr(text, '-');
    bool dated = dash && strlen(dash) == 5 && strspn(dash + 1, "0123456789") == 4;
    *name_out = dated ? arena_text(&world->arena, text, (size_t)(dash - text)) : copy(world, text);
    return dated ? atoi(dash + 1) : 0;
}

static bool year_published(const Calendar__Calendar *calendar, int year)
{
    for (size_t i = 0; i < calendar->n_years; i++)
        if ((int)calendar->years[i] == year)
            return true;
    return false;
}

/* Days that the next year's notice decides are not known before it. */
static void keep_published(Calendar__Calendar *calendar)
{
    size_t kept = 0;
    for (size_t i = 0; i < calendar->n_exceptions; i++) {
        int year, month, day;
        date_split(calendar->exceptions[i]->date, &year, &month, &day);
        bool next = calendar->december_from && month == 12 && day >= (int)calendar->december_from;
        if (year_published(calendar, year + next))
            calendar->exceptions[kept++] = calendar->exceptions[i];
    }
    calendar->n_exceptions = kept;
}

static bool named_before(const struct world *world, size_t upto, const char *name, int year)
{
    for (size_t i = 0; i < upto; i++)
        if (strcmp(world->published[i].name, name) == 0 &&
            (!world->published[i].year || world->published[i].year == year))
            return true;
    return false;
}

static Calendar__Calendar *calendar_of(struct world *world, const char *name)
{
    Calendar__Calendar *calendar = NULL;
    char *why = "";
    const char *path = arena_printf(&world->arena, "%s/%s.json", world->places->calendars, name);
    if (strchr(name, '/') || calendar_load(path, &world->arena, &calendar, &why))
        return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < calendar->n_years; i++)
        if (named_before(world, world->published_count, name, (int)calendar->years[i]))
            calendar->years[kept++] = calendar->years[i];
    calendar->n_years = kept;
    keep_published(calendar);
    return calendar;
}

static const Hb__CommandReply *organise(struct world *world, Directory__Organise *what)
{
    Hb__Command *command = command_new(world, NULL);
    command->site = copy(world, "");
    command->payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command->directory = WORLD_NEW(world, Directory__Command, directory__command__init);
    command->directory->kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    command->directory->organise = what;
    return send(world, HB__SERVICE__DIRECTORY, command, "");
}

static const char *publish_year(struct world *world, const char *text)
{
    char *name;
    struct published_year year = {NULL, calendar_year(world, text, &name)};
    year.name = name;
    WORLD_ADD(world, world->published, world->published_count, year);
    return name;
}

bool world_calendar(struct world *world, const char *text)
{
    const char *name = publish_year(world, text);
    Directory__Organise *what = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    Calendar__Calendar *calendar = calendar_of(world, name);
    if (!calendar)
        return false;
    WORLD_ADD(world, what->calendars, what->n_calendars, calendar);
    const Hb__CommandReply *reply = organise(world, what);
    return reply && !reply->refused;
}

/* ---- founding ---- */

static bool accepted(struct world *world, const char *what, const Hb__CommandReply *reply)
{
    if (reply && !reply->refused)
        return true;
    fprintf(stderr, "%s:%u: %s: %s\n", world->scenario->file, world->scenario->line, what,
            !reply           ? "no answer"
            : world->english ? reply->refused->text->en
                             : reply->refused->text->zh);
    for (size_t i = 0; reply && i < reply->refused->n_problems; i++)
        fprintf(stderr, "  %s: %s\n", reply->refused->problems[i]->field,
                world->english ? reply->refused->problems[i]->text->en : reply->refused->problems[i]->text->zh);
    return false;
}

static bool found_organisation(struct world *world)
{
    const struct scenario *scenario = world->scenario;
    Directory__Organise *what = world_organisation(world);
    for (size_t i = 0; i < scenario->calendars_count; i++)
        publish_year(world, scenario->calendars[i]);
    for (size_t i = 0; i < world->published_count; i++) {
        bool again = false;
        for (size_t c = 0; c < what->n_calendars; c++)
            again = again || strcmp(what->calendars[c]->name, world->published[i].name) == 0;
        Calendar__Calendar *calendar = again ? NULL : calendar_of(world, world->published[i].name);
        if (calendar)
            WORLD_ADD(world, what->calendars, what->n_calendars, calendar);
    }
    return accepted(world, "organise", organise(world, what));
}

static void add_source(struct world *world, Directory__PublishPolicy *publish, const struct policy_source *from)
{
    Directory__Source *source = WORLD_NEW(world, Directory__Source, directory__source__init);
    source->path = copy(world, from->path);
    source->text = arena_text(&world->arena, (const char *)from->text.data, from->text.size);
    WORLD_ADD(world, publish->sources, publish->n_sources, source);
}

/* `more` (may be NULL) stands on top of the scenario's own packs. */
static bool publish_policy(struct world *world, const struct policy_source *more, const char *more_name)
{
    const struct scenario *scenario = world->scenario;
    Hb__Command *command = command_new(world, NULL);
    Directory__PublishPolicy *publish = WORLD_NEW(world, Directory__PublishPolicy, directory__publish_policy__init);
    command->payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command->directory = WORLD_NEW(world, Directory__Command, directory__command__init);
    command->directory->kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    command->directory->publish_policy = publish;
    publish->site = copy(world, SITE);
    for (size_t i = 0; i < scenario->packs_count; i++)
        WORLD_ADD(world, publish->packs, publish->n_packs, scenario->packs[i]);
    for (size_t i = 0; i < scenario->sources_count; i++)
        add_source(world, publish, &scenario->sources[i]);
    if (more) {
        WORLD_ADD(world, publish->packs, publish->n_packs, copy(world, more_name));
        add_source(world, publish, more);
    }
    return accepted(world, "publish", send(world, HB__SERVICE__DIRECTORY, command, ""));
}

bool world_settings(struct world *world, const struct scenario_line *line)
{
    struct policy_source source = scenario_settings_pack(&world->arena, "VERSION", line->with, line->with_count);
    return publish_policy(world, &source, "VERSION");
}

static int64_t start_of(const struct scenario *scenario)
{
    int64_t start = scenario->lines[0].at_ms;
    for (size_t i = 0; i < scenario->cases_count; i++)
        if (scenario->cases[i].at_ms < start)
            start = scenario->cases[i].at_ms;
    return start - FOUNDED_BEFORE_MS;
}

bool world_open(struct world *world, const struct scenario *scenario, const struct scenario_places *places,
                bool english)
{
    world->scenario = scenario;
    world->places = places;
    world->english = english;
    arena_init(&world->arena);
    snprintf(world->folder, sizeof world->folder, "%s/hearback-rehearse-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(world->folder)) {
        perror(world->folder);
        return false;
    }
    struct simulation_options options = {.seed = 1,
                                         .folder = world->folder,
                                         .start_ms = start_of(scenario),
                                         .services = services,
                                         .services_count = WORLD_SERVICES,
                                         .calendars_folder = places->calendars,
                                         .effect = on_effect,
                                         .effect_context = world};
    world->simulation = simulation_new(&options);
    bool quiet = world->quiet;
    world->quiet = true; /* the founding is the same in all runs */
    bool founded = found_organisation(world) && publish_policy(world, NULL, NULL) &&
                   simulation_settle(world->simulation, FOUNDED_BEFORE_MS / 2);
    world->quiet = quiet;
    return founded;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

void world_close(struct world *world)
{
    if (world->simulation) {
        simulation_free(world->simulation);
        (void)nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    arena_fini(&world->arena);
}

void world_run(struct world *world, int64_t until_ms)
{
    simulation_run(world->simulation, until_ms);
    timeline_take(world);
}
