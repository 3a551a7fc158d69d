/* What the cell above decides for a site that follows one of its own: the policies published there, as they are, and
   the calendars they count by. They are said again in this log: every service here hears one directory, and a cell that
   is cut off works on with what it has. */
#include "directory.h"

/* What cannot be read above any more, or is in force here already, is nothing to be done. */
struct taking {
    struct turn *turn;
    uint64_t above;
    Directory__PolicyPublished *published; /* there */
    struct bytes whole;
    bool parts_said;
};

static uint64_t above_of(const struct turn *turn)
{
    unsigned count;
    const struct instance_cell *cells = turn_cells(turn, &count);
    for (unsigned i = 0; i < count; i++)
        if (cells[i].above)
            return cells[i].cell;
    return 0;
}

static bool taking_begin(struct taking *taking, const char *site)
{
    turn_look_at(taking->turn, taking->above);
    const Directory__PolicyPublished *published = organisation_policy_published(taking->turn, site, 0);
    bool there = published && organisation_policy_bytes(taking->turn, site, 0, &taking->whole);
    turn_look_at(taking->turn, 0);
    taking->published = (Directory__PolicyPublished *)(uintptr_t)published;
    taking->parts_said = false;
    return there;
}

/* Calendars of the group: as they are there, whoever defined one of that name here. */
static void say_calendar(struct turn *turn, const Calendar__Calendar *there)
{
    const Calendar__Calendar *here = organisation_calendar_definition(turn, there->name);
    Calendar__Calendar *taken = arena_alloc(turn_arena(turn), sizeof *taken);
    *taken = *there;
    taken->version = here ? here->version : there->version;
    size_t size = calendar__calendar__get_packed_size(taken);
    bool same = here && calendar__calendar__get_packed_size(here) == size;
    if (same) {
        uint8_t *a = arena_alloc(turn_arena(turn), size), *b = arena_alloc(turn_arena(turn), size);
        calendar__calendar__pack(taken, a);
        calendar__calendar__pack(here, b);
        same = memcmp(a, b, size) == 0;
    }
    if (same)
        return;
    taken->version = here ? here->version + 1 : 1;
    directory_say(turn, "", DIRECTORY__EVENT__KIND_CALENDAR_DEFINED, &taken->base);
}

static void say_calendars(struct taking *taking)
{
    turn_look_at(taking->turn, taking->above);
    const Calendar__Calendar **there = organisation_calendars(taking->turn);
    turn_look_at(taking->turn, 0);
    for (; *there; there++)
        say_calendar(taking->turn, *there);
}

static void take_over(struct taking *taking, const char *site, Hb__Position *from)
{
    struct turn *turn = taking->turn;
    uint32_t version = organisation_policy_version(turn, site);
    struct bytes hash = bytes_of(taking->published->hash.data, taking->published->hash.len);
    if (version && organisation_policy_is(turn, site, version, hash))
        return;
    if (!taking->parts_said)
        say_calendars(taking);
    for (size_t at = 0; !taking->parts_said && at < taking->whole.size; at += DIRECTORY_PART_BYTES_MAX) {
        size_t left = taking->whole.size - at;
        directory_say_part(turn, site, taking->whole.data + at,
                           left < DIRECTORY_PART_BYTES_MAX ? left : DIRECTORY_PART_BYTES_MAX);
    }
    taking->parts_said = true;
    Directory__PolicyPublished *published = arena_alloc(turn_arena(turn), sizeof *published);
    *published = *taking->published;
    published->site = arena_strdup(turn_arena(turn), site);
    published->version = version + 1;
    published->from = from;
    directory_say(turn, site, DIRECTORY__EVENT__KIND_POLICY_PUBLISHED, &published->base);
}

/* A policy was published above: for every site here that follows that one. */
static void on_published(struct turn *turn, uint64_t above, const Hb__Event *event)
{
    struct taking taking = {.turn = turn, .above = above};
    turn_look_at(turn, 0);
    if (!taking_begin(&taking, event->directory->policy_published->site))
        return;
    for (const Directory__Site **site = organisation_sites(turn); *site; site++)
        if (strcmp((*site)->follows, event->directory->policy_published->site) == 0)
            take_over(&taking, (*site)->id, event_position(turn, event));
}

static bool anybody_follows(struct turn *turn)
{
    for (const Directory__Site **site = organisation_sites(turn); *site; site++)
        if (*(*site)->follows)
            return true;
    return false;
}

/* A site here begins to follow: it takes what is in force there now. */
static void on_own_site(struct turn *turn, uint64_t above, const Directory__Site *site)
{
    struct taking taking = {.turn = turn, .above = above};
    if (*site->follows && taking_begin(&taking, site->follows))
        take_over(&taking, site->id, NULL);
}

void directory_follow(struct turn *turn, const Hb__Event *event)
{
    uint64_t above = above_of(turn);
    if (!above || event->payload_case != HB__EVENT__PAYLOAD_DIRECTORY)
        return;
    if (event_own(turn, event) && event->directory->kind_case == DIRECTORY__EVENT__KIND_SITE_DEFINED)
        on_own_site(turn, above, event->directory->site_defined);
    if (event->cell != above)
        return;
    if (event->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        on_published(turn, above, event);
    turn_look_at(turn, 0);
    if (event->directory->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED && anybody_follows(turn))
        say_calendar(turn, event->directory->calendar_defined);
}
