/* The world of a seed: two sites, eleven people, one of three packs; and how it changes under way: holidays moved,
   limits changed, people gone. */
#include "storm.h"

#include "calendar/calendar.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define START_FIRST_MS 1735693200000ll /* 2025-01-01 09:00 in Shanghai */

extern const struct service directory_service, intake_service, routing_service, casework_service, watchdog_service,
    escalation_service, notification_service, analytics_service;
static const struct service *const all[] = {&directory_service,    &intake_service,   &routing_service,
                                            &casework_service,     &watchdog_service, &escalation_service,
                                            &notification_service, &analytics_service};

const char *const storm_people[] = {"li", "chen", "bai", "he", "gao", "zhou", "lin", "sun", "wu", "qi", "tang"};
const unsigned storm_people_count = sizeof storm_people / sizeof *storm_people;

static const char *const packs[] = {"GEN-FRAME", "PROP-11", "STORM"};

/* ---- the outside ---- */

/* As long as a service lives it hands an attempt over once; only one that died over it may try it again. */
static void hand_over(struct storm *storm, Hb__Service service, const char *id, uint32_t attempt)
{
    uint32_t life = simulation_life(storm->simulation, service);
    for (size_t i = storm->handed_count; i-- > 0 && storm->handed[i].life == life;)
        if (storm->handed[i].attempt == attempt && strcmp(storm->handed[i].id, id) == 0)
            storm_fail(storm, "an attempt is made once", "%s attempt %u", id, attempt);
    struct storm_handed one = {.attempt = attempt, .life = life};
    snprintf(one.id, sizeof one.id, "%s", id);
    STORM_ADD(storm, storm->handed, storm->handed_count, one);
}

/* The same notice gets the same answers in every run: most are taken, some later, some never. */
static struct bytes outside(void *context, Hb__Service service, const char *id, uint32_t attempt, struct bytes payload,
                            struct arena *arena)
{
    struct storm *storm = context;
    uint64_t hash = storm->seed * 31 + attempt * 7;
    (void)payload;
    (void)arena;
    hand_over(storm, service, id, attempt);
    for (; *id; id++)
        hash = hash * 1099511628211ull ^ (uint8_t)*id;
    hash = (hash ^ hash >> 29) % 100;
    return bytes_of_text(hash < 70   ? "250 taken"
                         : hash < 90 ? "451 try again later"
                         : hash < 97 ? "550 no such mailbox"
                                     : "no answer");
}

/* ---- opening ---- */

/* Days around which there is something in the calendar come up as often as any other. */
static int64_t start_of(struct storm *storm)
{
    return START_FIRST_MS + (int64_t)storm_draw(storm, 640) * DAY_MS + (int64_t)storm_draw(storm, 12 * 60) * MINUTE_MS;
}

void storm_open(struct storm *storm, uint64_t seed, const char *base, const struct storm_options *options)
{
    *storm = (struct storm){.options = *options,
                            .seed = seed,
                            .random = seed * 0xD1B54A32D192ED03ull + 7,
                            .network = seed * 0xAEF17502108EF2D9ull + 5,
                            .appends = seed * 0xC6BC279692B5C323ull + 3};
    arena_init(&storm->arena);
    arena_init(&storm->scratch);
    snprintf(storm->folder, sizeof storm->folder, "%s/%" PRIu64, base, seed);
    storm->pack = options->pack ? options->pack : packs[storm_draw(storm, sizeof packs / sizeof *packs)];
    struct simulation_options world = {.seed = seed,
                                       .folder = storm->folder,
                                       .start_ms = start_of(storm),
                                       .services = all,
                                       .services_count = sizeof all / sizeof *all,
                                       .policies_folder = SOURCE_DIR "/services/directory/policies",
                                       .calendars_folder = SOURCE_DIR "/services/directory/calendars",
                                       .effect = outside,
                                       .effect_context = storm,
                                       .idle_ms = DAY_MS};
    storm->simulation = simulation_new(&world);
    storm_note_wall(storm);
}

void storm_close(struct storm *storm)
{
    simulation_free(storm->simulation);
    arena_fini(&storm->arena);
    arena_fini(&storm->scratch);
}

/* ---- commands to directory ---- */

static Hb__Command *directory_command(struct storm *storm, Directory__Command__KindCase kind, void *payload)
{
    Hb__Command *command = STORM_NEW(storm, Hb__Command, hb__command__init);
    command->account = "operator";
    command->id = storm_command_id(storm);
    command->actor = STORM_NEW(storm, Hb__Actor, hb__actor__init);
    command->actor->operator_ = true;
    command->payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command->directory = STORM_NEW(storm, Directory__Command, directory__command__init);
    command->directory->kind_case = kind;
    command->directory->organise = payload; /* both arms share one pointer */
    return command;
}

static struct bytes file_read(struct storm *storm, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = arena_zero(&storm->arena, 64 << 10);
    size_t size = file ? fread(text, 1, (64 << 10) - 1, file) : 0;
    if (!file || ferror(file) || !size)
        storm_fail(storm, "world", "%s cannot be read", path);
    if (file)
        fclose(file);
    return bytes_of(text, size);
}

static Directory__Organise *organisation(struct storm *storm)
{
    json_t *json;
    ProtobufCMessage *message;
    char *path = "", *why = "";
    struct bytes text = file_read(storm, SOURCE_DIR "/tests/simulation/storm/organisation.json");
    if (json_parse(text, &storm->arena, &json, &why) ||
        json_to_message(json, &directory__organise__descriptor, &storm->arena, &message, &path, &why)) {
        fprintf(stderr, "organisation.json: %s %s\n", path, why);
        exit(2);
    }
    json_decref(json);
    return (Directory__Organise *)message;
}

/* ---- packs ---- */

/* Every @NAME of the pack becomes a number of the seed's. */
static char *filled_in(struct storm *storm, const char *text)
{
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {{"@HOURS", 1 + storm_draw(storm, 30)},
                   {"@DAYS", 1 + storm_draw(storm, 6)},
                   {"@FEW", 2 + storm_draw(storm, 7)},
                   {"@SHARE", 30 + storm_draw(storm, 19)}, /* never the instant of the other warning */
                   {"@LONG", 2 + storm_draw(storm, 60)}};
    char *out = arena_strdup(&storm->arena, "");
    while (*text) {
        const char *at = strchr(text, '@');
        size_t known = 0;
        for (; at && known < sizeof numbers / sizeof *numbers; known++)
            if (strncmp(at, numbers[known].name, strlen(numbers[known].name)) == 0)
                break;
        if (!at)
            return arena_printf(&storm->arena, "%s%s", out, text);
        if (known == sizeof numbers / sizeof *numbers) { /* an @ of its own */
            out = arena_printf(&storm->arena, "%s%.*s", out, (int)(at + 1 - text), text);
            text = at + 1;
            continue;
        }
        out = arena_printf(&storm->arena, "%s%.*s%" PRIu64, out, (int)(at - text), text, numbers[known].number);
        text = at + strlen(numbers[known].name);
    }
    return out;
}

static Hb__Command *publication(struct storm *storm, const char *site)
{
    Directory__PublishPolicy *publish = STORM_NEW(storm, Directory__PublishPolicy, directory__publish_policy__init);
    char *pack = arena_strdup(&storm->arena, storm->pack);
    publish->site = arena_strdup(&storm->arena, site);
    STORM_ADD(storm, publish->packs, publish->n_packs, pack);
    if (strcmp(pack, "STORM") == 0) {
        Directory__Source *source = STORM_NEW(storm, Directory__Source, directory__source__init);
        struct bytes text = file_read(storm, SOURCE_DIR "/tests/simulation/storm/pack.yaml");
        source->path = "STORM/pack.yaml";
        source->text = filled_in(storm, (const char *)text.data);
        STORM_ADD(storm, publish->sources, publish->n_sources, source);
    }
    return directory_command(storm, DIRECTORY__COMMAND__KIND_PUBLISH_POLICY, publish);
}

void storm_found(struct storm *storm)
{
    Directory__Organise *organise = organisation(storm);
    struct storm_command *first = storm_send(storm, HB__SERVICE__DIRECTORY,
                                             directory_command(storm, DIRECTORY__COMMAND__KIND_ORGANISE, organise));
    storm->first_organise = first->command;
    storm_finish(storm);
    struct storm_command *haitang = storm_send(storm, HB__SERVICE__DIRECTORY, publication(storm, "haitang"));
    storm_finish(storm);
    struct storm_command *yulan = storm_send(storm, HB__SERVICE__DIRECTORY, publication(storm, "yulan"));
    storm_finish(storm);
    const struct storm_command *wrong = first->fate != STORM_ACCEPTED     ? first
                                        : haitang->fate != STORM_ACCEPTED ? haitang
                                        : yulan->fate != STORM_ACCEPTED   ? yulan
                                                                          : NULL;
    if (!wrong)
        return;
    for (size_t i = 0; wrong->reply && i < wrong->reply->refused->n_problems; i++)
        fprintf(stderr, "  %s\n", wrong->reply->refused->problems[i]->text->en);
    storm_fail(storm, "world", "the founding is refused: %s", wrong->code ? wrong->code : "no answer");
}

/* ---- changes ---- */

static void shift_add(struct storm *storm, Calendar__Day *day, uint32_t from_min, uint32_t to_min)
{
    Calendar__Shift *shift = STORM_NEW(storm, Calendar__Shift, calendar__shift__init);
    shift->from_min = from_min;
    shift->to_min = to_min;
    STORM_ADD(storm, day->shifts, day->n_shifts, shift);
}

/* One date of the coming weeks is made a day off or a day of work; exceptions stay sorted by date. */
static void except(struct storm *storm, Calendar__Calendar *calendar)
{
    int64_t local = simulation_wall(storm->simulation) + STORM_ZONE_MS;
    Calendar__Exception *fresh = STORM_NEW(storm, Calendar__Exception, calendar__exception__init), **list = NULL;
    size_t count = 0;
    bool placed = false;
    fresh->date = (int32_t)(local / DAY_MS) + (int32_t)storm_draw(storm, 14);
    fresh->works = storm_chance(storm, 400);
    fresh->name = fresh->works ? "补班" : "临时放假";
    for (size_t i = 0; i < calendar->n_exceptions; i++) {
        if (!placed && calendar->exceptions[i]->date >= fresh->date) {
            STORM_ADD(storm, list, count, fresh);
            placed = true;
        }
        if (calendar->exceptions[i]->date != fresh->date)
            STORM_ADD(storm, list, count, calendar->exceptions[i]);
    }
    if (!placed)
        STORM_ADD(storm, list, count, fresh);
    calendar->exceptions = list;
    calendar->n_exceptions = count;
}

void storm_change_calendar(struct storm *storm)
{
    Directory__Organise *organise = STORM_NEW(storm, Directory__Organise, directory__organise__init);
    Calendar__Calendar *calendar = STORM_NEW(storm, Calendar__Calendar, calendar__calendar__init);
    if (!storm->calendar)
        return;
    *calendar = *storm->calendar;
    if (storm_chance(storm, 200)) { /* a week with a lunch break and a short Friday, or without */
        bool broken = calendar->n_week && calendar->week[0]->n_shifts == 1;
        calendar->week = NULL;
        calendar->n_week = 0;
        for (int weekday = 0; weekday < 7; weekday++) {
            Calendar__Day *day = STORM_NEW(storm, Calendar__Day, calendar__day__init);
            if (weekday < 5)
                shift_add(storm, day, 510, broken ? 720 : 1080);
            if (weekday < 4 && broken)
                shift_add(storm, day, 810, 1080);
            STORM_ADD(storm, calendar->week, calendar->n_week, day);
        }
    } else {
        except(storm, calendar);
    }
    STORM_ADD(storm, organise->calendars, organise->n_calendars, calendar);
    storm->calendar_changes++;
    storm_send(storm, HB__SERVICE__DIRECTORY, directory_command(storm, DIRECTORY__COMMAND__KIND_ORGANISE, organise));
}

void storm_change_policy(struct storm *storm)
{
    if (storm->policies_count + 2 >= STORM_VERSIONS_MAX)
        return;
    storm->policy_changes++;
    storm_send(storm, HB__SERVICE__DIRECTORY, publication(storm, storm_site(storm)));
}

void storm_move_cases(struct storm *storm)
{
    const char *site = storm_site(storm);
    Hb__Command *command = directory_command(storm, DIRECTORY__COMMAND__KIND_ORGANISE, NULL);
    Casework__Move *move = STORM_NEW(storm, Casework__Move, casework__move__init);
    command->site = arena_strdup(&storm->arena, site);
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = STORM_NEW(storm, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_MOVE;
    command->casework->move = move;
    if (storm_chance(storm, 200))
        STORM_ADD(storm, move->kinds, move->n_kinds, arena_strdup(&storm->arena, "complaint"));
    if (storm_chance(storm, 100))
        move->version = 1; /* most often not the one in force any more */
    storm->moves++;
    storm_tell(storm, "open cases of %s are moved: %s", site, command->id);
    storm_send(storm, HB__SERVICE__CASEWORK, command);
}

void storm_change_person(struct storm *storm)
{
    const Directory__Organise *first = storm->first_organise->directory->organise;
    Directory__Organise *organise = STORM_NEW(storm, Directory__Organise, directory__organise__init);
    Directory__Person *person = STORM_NEW(storm, Directory__Person, directory__person__init);
    *person = *first->people[storm_draw(storm, first->n_people)];
    person->absent = storm_chance(storm, 600);
    if (storm_chance(storm, 200) && person->n_posts > 1)
        person->n_posts = 1; /* leaves one of his posts */
    STORM_ADD(storm, organise->people, organise->n_people, person);
    storm_send(storm, HB__SERVICE__DIRECTORY, directory_command(storm, DIRECTORY__COMMAND__KIND_ORGANISE, organise));
}
