/* A shipped calendar with its zone, for tests. */
#ifndef HEARBACK_TESTS_ALMANAC_H
#define HEARBACK_TESTS_ALMANAC_H

#include "calendar/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CALENDARS SOURCE_DIR "/services/directory/calendars/"
#define FIRST_YEAR 2007 /* of the calendar of China */
#define LAST_YEAR 2026

struct world {
    struct arena arena;
    struct zone *zone;
    Calendar__Calendar *definition;
    struct calendar *calendar;
};

static inline void world_open(struct world *world, const char *name)
{
    char *why = "", path[512];
    arena_init(&world->arena);
    snprintf(path, sizeof path, CALENDARS "%s.json", name);
    if (calendar_load(path, &world->arena, &world->definition, &why))
        fail_msg("%s", why);
    assert_string_equal(world->definition->name, name);
    assert_int_equal(zone_load(NULL, world->definition->zone, &world->zone), ERR_NONE);
    world->calendar = calendar_new(world->definition, world->zone);
}

static inline void world_close(struct world *world)
{
    calendar_free(world->calendar);
    zone_free(world->zone);
    arena_fini(&world->arena);
}

static inline int32_t day(const char *text)
{
    int32_t date;
    if (!date_parse(text, &date))
        fail_msg("%s is no date", text);
    return date;
}

#endif
