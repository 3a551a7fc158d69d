#include "rehearse_places.h"

#include <unistd.h>

static const char *share_of_program(struct arena *arena)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    path[size > 0 ? size : 0] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        return HEARBACK_SHARE;
    *slash = 0;
    const char *installed = arena_printf(arena, "%s/../share/hearback", path);
    return access(installed, R_OK) == 0 ? installed : HEARBACK_SHARE;
}

void rehearse_places(struct scenario_places *places, struct arena *arena, const char *packs)
{
    const char *share = share_of_program(arena);
    *places = (struct scenario_places){.calendars = arena_printf(arena, "%s/calendars", share)};
    if (packs)
        places->folders[places->folders_count++] = packs;
    places->folders[places->folders_count++] = arena_printf(arena, "%s/policies", share);
}
