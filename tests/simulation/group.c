#include "group.h"

#include "calendar/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct service *const all[] = {&directory_service,    &intake_service,   &routing_service,
                                            &casework_service,     &watchdog_service, &escalation_service,
                                            &notification_service, &analytics_service};

#define MAKE(group, type, init)                                                                                        \
    ({                                                                                                                 \
        type *made_ = arena_alloc(&(group)->arena, sizeof(type));                                                      \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })
#define PUT(group, list, count, item)                                                                                  \
    do {                                                                                                               \
        (list) = arena_grow(&(group)->arena, (list), (count), sizeof *(list));                                         \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

static void open_with(struct group *group, const char *folder, struct simulation_options options)
{
    *group = (struct group){0};
    arena_init(&group->arena);
    snprintf(group->folder, sizeof group->folder, "%s", folder);
    options.folder = group->folder;
    options.services = all;
    options.services_count = sizeof all / sizeof *all;
    options.policies_folder = SOURCE_DIR "/services/directory/policies";
    group->simulation = simulation_new(&options);
}

void group_open(struct group *group, const char *folder, uint64_t seed, int64_t start_ms,
                struct simulation_faults faults)
{
    open_with(group, folder, (struct simulation_options){.seed = seed, .start_ms = start_ms, .faults = faults});
}

void group_open_synced(struct group *group, const char *folder, uint64_t seed, int64_t start_ms)
{
    open_with(group, folder, (struct simulation_options){.seed = seed, .start_ms = start_ms, .sync = true});
}

void group_open_outside(struct group *group, const char *folder, uint64_t seed, int64_t start_ms,
                        simulation_effect_fn *effect, void *effect_context)
{
    open_with(group, folder,
              (struct simulation_options){
                  .seed = seed, .start_ms = start_ms, .effect = effect, .effect_context = effect_context});
}

void group_open_cell(struct group *group, const char *folder, uint64_t seed, int64_t start_ms,
                     struct simulation_options cell)
{
    cell.seed = seed;
    cell.start_ms = start_ms;
    open_with(group, folder, cell);
}

void group_close(struct group *group)
{
    simulation_free(group->simulation);
    arena_fini(&group->arena);
}

static char *text(struct group *group, const char *plain)
{
    return arena_strdup(&group->arena, plain);
}

static Hb__Label *label(struct group *group, const char *zh, const char *en)
{
    Hb__Label *made = MAKE(group, Hb__Label, hb__label__init);
    made->zh = text(group, zh);
    made->en = text(group, en);
    return made;
}

static Hb__Actor *actor(struct group *group, const char *person)
{
    Hb__Actor *made = MAKE(group, Hb__Actor, hb__actor__init);
    if (strcmp(person, "complainant") == 0) {
        made->complainant = true;
    } else {
        made->account = text(group, person);
        made->person = text(group, person);
    }
    return made;
}

static void person(struct group *group, Directory__Organise *organise, const char *id, const char *name,
                   const char *post, const char *department)
{
    Directory__Person *made = MAKE(group, Directory__Person, directory__person__init);
    Directory__Post *held = MAKE(group, Directory__Post, directory__post__init);
    held->post = text(group, post);
    held->department = text(group, department);
    held->site = text(group, "haitang");
    made->id = text(group, id);
    made->name = text(group, name);
    made->email = arena_printf(&group->arena, "%s@example.org", id);
    PUT(group, made->posts, made->n_posts, held);
    PUT(group, organise->people, organise->n_people, made);
    Directory__Account *account = MAKE(group, Directory__Account, directory__account__init);
    account->id = made->id;
    account->person = made->id;
    PUT(group, account->scopes, account->n_scopes, text(group, "*"));
    PUT(group, organise->accounts, organise->n_accounts, account);
    Directory__AccountSecret *secret = arena_alloc(&group->arena, sizeof *secret);
    directory__account_secret__init(secret);
    secret->account = account->id;
    secret->token_hash = (ProtobufCBinaryData){32, arena_zero(&group->arena, 32)};
    memcpy(secret->token_hash.data, id, strlen(id));
    PUT(group, organise->secrets, organise->n_secrets, secret);
}

static void department(struct group *group, Directory__Organise *organise, const char *id, const char *zh,
                       const char *head)
{
    Directory__Department *made = MAKE(group, Directory__Department, directory__department__init);
    made->id = text(group, id);
    made->site = text(group, "haitang");
    made->name = label(group, zh, id);
    made->head = text(group, head);
    PUT(group, organise->departments, organise->n_departments, made);
}

static void send(struct group *group, Hb__Command *command, const char *what)
{
    command->account = text(group, "test");
    command->id = arena_printf(&group->arena, "%013" PRId64 "-%s", simulation_now(group->simulation), what);
    command->actor = MAKE(group, Hb__Actor, hb__actor__init);
    command->actor->operator_ = true;
    const Hb__CommandReply *reply =
        simulation_command(group->simulation, HB__SERVICE__DIRECTORY, command, &group->arena);
    if (!reply || reply->refused) {
        fprintf(stderr, "%s: %s\n", what, reply ? reply->refused->text->en : "no answer");
        for (size_t i = 0; reply && i < reply->refused->n_problems; i++)
            fprintf(stderr, "  %s\n", reply->refused->problems[i]->text->en);
        abort();
    }
}

void group_found(struct group *group, const char *pack)
{
    Hb__Command command = HB__COMMAND__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Directory__Site *site = MAKE(group, Directory__Site, directory__site__init);
    site->id = text(group, "haitang");
    site->name = label(group, "海棠苑", "Haitang");
    site->zone = text(group, "Asia/Shanghai");
    site->public_ = true;
    PUT(group, organise.sites, organise.n_sites, site);
    department(group, &organise, "customer_service_centre", "客户服务中心", "chen");
    department(group, &organise, "engineering_department", "工程部", "gao");
    department(group, &organise, "management_office", "管理处", "sun");
    person(group, &organise, "li", "李静", "receptionist", "customer_service_centre");
    person(group, &organise, "chen", "陈晨", "coordinator", "customer_service_centre");
    person(group, &organise, "bai", "白露", "handler_post", "customer_service_centre");
    person(group, &organise, "gao", "高远", "department_head", "engineering_department");
    person(group, &organise, "zhou", "周强", "repair_technician", "engineering_department");
    person(group, &organise, "sun", "孙敏", "property_supervisor", "management_office");
    person(group, &organise, "wu", "吴总", "general_manager", "management_office");
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    directory.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    directory.organise = &organise;
    send(group, &command, "organise");
    Directory__PublishPolicy publish = DIRECTORY__PUBLISH_POLICY__INIT;
    char *packs[] = {text(group, pack)};
    publish.site = text(group, "haitang");
    publish.packs = packs;
    publish.n_packs = 1;
    directory.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    directory.publish_policy = &publish;
    send(group, &command, "publish");
    if (!simulation_settle(group->simulation, 60000))
        fprintf(stderr, "the founding does not come to rest\n");
}

void group_publish(struct group *group, const char *pack, const char *yaml)
{
    Hb__Command command = HB__COMMAND__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__PublishPolicy publish = DIRECTORY__PUBLISH_POLICY__INIT;
    Directory__Source source = DIRECTORY__SOURCE__INIT, *sources[] = {&source};
    char *packs[] = {text(group, pack)};
    source.path = arena_printf(&group->arena, "%s/pack.yaml", pack);
    source.text = text(group, yaml);
    publish.site = text(group, "haitang");
    publish.packs = packs;
    publish.n_packs = 1;
    publish.sources = sources;
    publish.n_sources = 1;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    directory.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    directory.publish_policy = &publish;
    send(group, &command, pack);
    if (!simulation_settle(group->simulation, 60000))
        fprintf(stderr, "the publication does not come to rest\n");
}

void group_day_off(struct group *group, const char *date)
{
    Hb__Command command = HB__COMMAND__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Calendar__Calendar *calendar;
    Calendar__Exception *off = MAKE(group, Calendar__Exception, calendar__exception__init), **days = NULL;
    char *why = "";
    size_t count = 0, i = 0;
    if (calendar_load(SOURCE_DIR "/services/directory/calendars/cn.json", &group->arena, &calendar, &why) ||
        !date_parse(date, &off->date)) {
        fprintf(stderr, "%s: %s\n", date, why);
        abort();
    }
    for (; i < calendar->n_exceptions && calendar->exceptions[i]->date < off->date; i++)
        PUT(group, days, count, calendar->exceptions[i]);
    PUT(group, days, count, off);
    for (; i < calendar->n_exceptions; i++)
        if (calendar->exceptions[i]->date != off->date)
            PUT(group, days, count, calendar->exceptions[i]);
    calendar->exceptions = days;
    calendar->n_exceptions = count;
    PUT(group, organise.calendars, organise.n_calendars, calendar);
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    directory.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    directory.organise = &organise;
    send(group, &command, date);
    if (!simulation_settle(group->simulation, 60000))
        fprintf(stderr, "the day off does not come to rest\n");
}

static Hb__Value *add_fact(struct group *group, Directory__Thing *thing, const char *name, Hb__Value__KindCase kind)
{
    Hb__Fact *made = MAKE(group, Hb__Fact, hb__fact__init);
    made->name = text(group, name);
    made->value = MAKE(group, Hb__Value, hb__value__init);
    made->value->kind_case = kind;
    PUT(group, thing->facts, thing->n_facts, made);
    return made->value;
}

void group_asset(struct group *group, const char *id, const char *owner, int64_t interval_ms, int64_t last_done_ms,
                 int64_t until_ms)
{
    Hb__Command command = HB__COMMAND__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Directory__Thing *thing = MAKE(group, Directory__Thing, directory__thing__init);
    Directory__Holder *holder = MAKE(group, Directory__Holder, directory__holder__init);
    thing->id = text(group, id);
    thing->site = text(group, "haitang");
    thing->of = text(group, "asset");
    thing->name = label(group, id, id);
    holder->post = text(group, "asset_owner");
    holder->person = text(group, owner);
    PUT(group, thing->holders, thing->n_holders, holder);
    add_fact(group, thing, "interval", HB__VALUE__KIND_DURATION_MS)->duration_ms = interval_ms;
    if (last_done_ms)
        add_fact(group, thing, "last_done", HB__VALUE__KIND_TIME_MS)->time_ms = last_done_ms;
    if (until_ms)
        add_fact(group, thing, "until", HB__VALUE__KIND_TIME_MS)->time_ms = until_ms;
    PUT(group, organise.things, organise.n_things, thing);
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    directory.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    directory.organise = &organise;
    send(group, &command, id);
}

static void add_fields(struct group *group, const char *const *pairs, Hb__Field ***list, size_t *count)
{
    for (; pairs && *pairs; pairs += 2) {
        Hb__Field *field = MAKE(group, Hb__Field, hb__field__init);
        field->name = text(group, pairs[0]);
        field->content_case = HB__FIELD__CONTENT_TEXT;
        field->text = MAKE(group, Hb__Personal, hb__personal__init);
        field->text->kind_case = HB__PERSONAL__KIND_PLAIN;
        field->text->plain = text(group, pairs[1]);
        PUT(group, *list, *count, field);
    }
}

static void identify(struct group *group, Hb__Command *command, const char *account)
{
    command->account = text(group, account);
    command->id =
        arena_printf(&group->arena, "%013" PRId64 "-%u", simulation_now(group->simulation), group->commands++);
    command->site = text(group, "haitang");
}

void group_submit_fill(struct group *group, Hb__Command *command, const char *kind, const char *category,
                       const char *words, const char *const *fields)
{
    hb__command__init(command);
    identify(group, command, "portal");
    command->actor = actor(group, "li");
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = MAKE(group, Intake__Command, intake__command__init);
    command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    Intake__Submit *submit = command->intake->submit = MAKE(group, Intake__Submit, intake__submit__init);
    submit->kind = text(group, kind);
    submit->category = text(group, category);
    submit->channel = text(group, "phone");
    submit->text = MAKE(group, Hb__Personal, hb__personal__init);
    submit->text->kind_case = HB__PERSONAL__KIND_PLAIN;
    submit->text->plain = text(group, words);
    add_fields(group, fields, &submit->fields, &submit->n_fields);
}

void group_act_fill(struct group *group, Hb__Command *command, uint64_t case_id, const char *who, const char *step,
                    const char *const *fields)
{
    hb__command__init(command);
    identify(group, command, who);
    command->actor = actor(group, who);
    command->case_id = case_id;
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = MAKE(group, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_ACT;
    Casework__Act *act = command->casework->act = MAKE(group, Casework__Act, casework__act__init);
    act->step = text(group, step);
    add_fields(group, fields, &act->fields, &act->n_fields);
}

const Hb__CommandReply *group_submit(struct group *group, const char *kind, const char *category, const char *words,
                                     const char *const *fields)
{
    Hb__Command command;
    group_submit_fill(group, &command, kind, category, words, fields);
    const Hb__CommandReply *reply = simulation_command(group->simulation, HB__SERVICE__INTAKE, &command, &group->arena);
    simulation_settle(group->simulation, 10000);
    return reply;
}

const Hb__CommandReply *group_act(struct group *group, uint64_t case_id, const char *who, const char *step,
                                  const char *const *fields)
{
    Hb__Command command;
    group_act_fill(group, &command, case_id, who, step, fields);
    const Hb__CommandReply *reply =
        simulation_command(group->simulation, HB__SERVICE__CASEWORK, &command, &group->arena);
    simulation_settle(group->simulation, 10000);
    return reply;
}

const Casework__CaseFile *group_case(struct group *group, uint64_t case_id, const char *who)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    query.actor = actor(group, who);
    query.case_id = case_id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_GET;
    casework.get = &get;
    get.case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__CASEWORK, &query, &group->arena);
    return reply && !reply->refused ? reply->casework->file : NULL;
}

const Watchdog__Clocks *group_clocks(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks get = WATCHDOG__GET_CLOCKS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &get;
    get.case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__WATCHDOG, &query, &group->arena);
    return reply && !reply->refused ? reply->watchdog->clocks : NULL;
}
