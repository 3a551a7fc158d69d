#include "rehearse_world.h"

#include "policy/lookup.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

void world_case_add(struct world *world, const char *name, uint64_t id, const char *tracking_code)
{
    struct world_case added = {name, id, tracking_code};
    WORLD_ADD(world, world->cases, world->cases_count, added);
}

bool world_is_complainant(const struct world *world, const char *person)
{
    for (size_t i = 0; i < world->complainants_count; i++)
        if (strcmp(world->complainants[i], person) == 0)
            return true;
    return strcmp(person, "complainant") == 0;
}

/* ---- calendars ---- */

/* "cn-2026" -> "cn", 2026; "cn" -> "cn", 0. */
static int calendar_year(struct world *world, const char *text, char **name_out)
{
    const char *dash = strrchr(text, '-');
    bool dated = dash && strlen(dash) == 5 && strspn(dash + 1, "0123456789") == 4;
    *name_out = dated ? arena_text(&world->arena, text, (size_t)(dash - text)) : world_copy(world, text);
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

const Hb__CommandReply *world_organise(struct world *world, Directory__Organise *what)
{
    Hb__Command *command = world_command_new(world, NULL);
    command->site = world_copy(world, "");
    command->payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command->directory = WORLD_NEW(world, Directory__Command, directory__command__init);
    command->directory->kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    command->directory->organise = what;
    return world_send(world, HB__SERVICE__DIRECTORY, command, "");
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
    const Hb__CommandReply *reply = world_organise(world, what);
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

/* One command takes so many changes (services/directory, DIRECTORY_CHANGES_MAX). */
enum { PIECE = 48 };

static bool send_people(struct world *world, const Directory__Organise *all, bool with_deputies)
{
    for (size_t at = 0; at < all->n_people; at += PIECE) {
        Directory__Organise *piece = WORLD_NEW(world, Directory__Organise, directory__organise__init);
        for (size_t i = at; i < all->n_people && i < at + PIECE; i++) {
            Directory__Person *person = WORLD_NEW(world, Directory__Person, directory__person__init);
            *person = *all->people[i];
            if (!with_deputies)
                person->deputy = world_copy(world, "");
            WORLD_ADD(world, piece->people, piece->n_people, person);
        }
        if (!accepted(world, "organise", world_organise(world, piece)))
            return false;
    }
    return true;
}

static bool send_accounts(struct world *world, const Directory__Organise *all)
{
    for (size_t at = 0; at < all->n_accounts; at += PIECE) {
        Directory__Organise *piece = WORLD_NEW(world, Directory__Organise, directory__organise__init);
        piece->accounts = all->accounts + at;
        piece->n_accounts = all->n_accounts - at < PIECE ? all->n_accounts - at : PIECE;
        if (!accepted(world, "organise", world_organise(world, piece)))
            return false;
    }
    return true;
}

/* Too much for one command: first departments without their heads, then people, then who heads and stands in for whom.
 */
static bool send_organisation(struct world *world, Directory__Organise *all)
{
    if (all->n_sites + all->n_departments + all->n_people + all->n_accounts + all->n_calendars <= PIECE)
        return accepted(world, "organise", world_organise(world, all));
    Directory__Organise *first = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    Directory__Organise *heads = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    *first = *all;
    first->n_people = first->n_accounts = first->n_departments = 0;
    first->departments = NULL;
    for (size_t i = 0; i < all->n_departments; i++) {
        Directory__Department *department = WORLD_NEW(world, Directory__Department, directory__department__init);
        *department = *all->departments[i];
        department->head = world_copy(world, "");
        WORLD_ADD(world, first->departments, first->n_departments, department);
    }
    heads->departments = all->departments;
    heads->n_departments = all->n_departments;
    return accepted(world, "organise", world_organise(world, first)) && send_people(world, all, false) &&
           send_people(world, all, true) && send_accounts(world, all) &&
           accepted(world, "organise", world_organise(world, heads));
}

static bool found_organisation(struct world *world)
{
    const struct scenario *scenario = world->scenario;
    Directory__Organise *what = world_organisation(world);
    world->people = what->people;
    world->people_count = what->n_people;
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
    return send_organisation(world, what);
}

static void add_source(struct world *world, Directory__PublishPolicy *publish, const struct policy_source *from)
{
    Directory__Source *source = WORLD_NEW(world, Directory__Source, directory__source__init);
    source->path = world_copy(world, from->path);
    source->text = arena_text(&world->arena, (const char *)from->text.data, from->text.size);
    WORLD_ADD(world, publish->sources, publish->n_sources, source);
}

/* `more` (may be NULL) stands on top of the scenario's own packs. */
static bool publish_policy(struct world *world, const struct policy_source *more, const char *more_name)
{
    const struct scenario *scenario = world->scenario;
    Hb__Command *command = world_command_new(world, NULL);
    Directory__PublishPolicy *publish = WORLD_NEW(world, Directory__PublishPolicy, directory__publish_policy__init);
    command->payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command->directory = WORLD_NEW(world, Directory__Command, directory__command__init);
    command->directory->kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    command->directory->publish_policy = publish;
    publish->site = world_copy(world, WORLD_SITE);
    publish->ahead = true;
    for (size_t i = 0; i < scenario->packs_count; i++)
        WORLD_ADD(world, publish->packs, publish->n_packs, scenario->packs[i]);
    for (size_t i = 0; i < scenario->sources_count; i++)
        add_source(world, publish, &scenario->sources[i]);
    if (more) {
        WORLD_ADD(world, publish->packs, publish->n_packs, world_copy(world, more_name));
        add_source(world, publish, more);
    }
    return accepted(world, "publish", world_send(world, HB__SERVICE__DIRECTORY, command, ""));
}

/* Registers are the policy's, so their entries come after it. */
static bool found_things(struct world *world)
{
    const struct scenario *scenario = world->scenario;
    return (scenario->things_count == 0 && scenario->shifts_count == 0) ||
           accepted(
               world, "things",
               world_things(world, scenario->things, scenario->things_count, scenario->shifts, scenario->shifts_count));
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

static bool make_folder(struct world *world)
{
    const char *keep = world->places->keep;
    snprintf(world->folder, sizeof world->folder, "%s", keep ? keep : "");
    if (!keep)
        snprintf(world->folder, sizeof world->folder, "%s/hearback-rehearse-XXXXXX",
                 getenv("TMPDIR")                ? getenv("TMPDIR")
                 : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                 : "/tmp");
    if (keep ? mkdir(world->folder, 0700) == 0 : mkdtemp(world->folder) != NULL)
        return true;
    perror(world->folder);
    return false;
}

bool world_open(struct world *world, const struct scenario *scenario, const struct scenario_places *places,
                bool english)
{
    world->scenario = scenario;
    world->places = places;
    world->english = english;
    arena_init(&world->arena);
    if (!make_folder(world))
        return false;
    struct simulation_options options = {.seed = 1,
                                         .folder = world->folder,
                                         .start_ms = start_of(scenario),
                                         .services = services,
                                         .services_count = WORLD_SERVICES,
                                         .calendars_folder = places->calendars,
                                         .effect = world_on_effect,
                                         .effect_context = world};
    world->simulation = simulation_new(&options);
    bool quiet = world->quiet;
    world->quiet = true; /* the founding is the same in all runs */
    bool founded = found_organisation(world) && publish_policy(world, NULL, NULL) && found_things(world) &&
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
        if (!world->places->keep)
            (void)nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    arena_fini(&world->arena);
}

void world_run(struct world *world, int64_t until_ms)
{
    simulation_run(world->simulation, until_ms);
    timeline_take(world);
}
