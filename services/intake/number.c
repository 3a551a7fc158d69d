/* Case numbers: the pattern of the kind with {date} {month} {kind} {site} filled in is the counter; {nnn} in it is the
   place of the running number, as wide as there are letters n. So two kinds or days count apart exactly when their
   numbers differ, and a number is unique within its site whatever the pattern. A pattern without {nnn} gets one at its
   end.

   After a restore nobody knows which numbers were given out between the backup and the loss. So the first number of a
   counter that may be concerned leaves a range out, and NumbersSkipped says so. A counter of a day after the restore is
   not concerned; one of that day or earlier (imported history), or without a date, is, whenever it is next used. */
#include "intake.h"

#include "calendar/calendar.h"
#include "organisation/organisation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PATTERN_DEFAULT "{date}-{kind}-{nnn}"
#define MARK_OPEN "{n"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* "{n...n}": how wide; 0 when it is something else. */
static size_t running_width(const char *text)
{
    if (text[0] != '{')
        return 0;
    size_t width = strspn(text + 1, "n");
    return text[1 + width] == '}' ? width : 0;
}

char *intake_number_counter(struct turn *turn, const char *pattern, const char *site_code, const char *kind,
                            const char *date)
{
    struct arena *arena = turn_arena(turn);
    char *out = "";
    bool numbered = false;
    for (const char *at = pattern[0] ? pattern : PATTERN_DEFAULT; *at;) {
        size_t width = running_width(at);
        if (width && !numbered) {
            out = arena_printf(arena, "%s" MARK_OPEN "%zu}", out, width);
            at += width + 2;
            numbered = true;
        } else if (starts(at, "{date}")) {
            out = arena_printf(arena, "%s%s", out, date);
            at += strlen("{date}");
        } else if (starts(at, "{month}")) {
            out = arena_printf(arena, "%s%.6s", out, date); /* 202503 of 20250303 */
            at += strlen("{month}");
        } else if (starts(at, "{kind}")) {
            out = arena_printf(arena, "%s%s", out, kind);
            at += strlen("{kind}");
        } else if (starts(at, "{site}")) {
            out = arena_printf(arena, "%s%s", out, site_code);
            at += strlen("{site}");
        } else {
            out = arena_printf(arena, "%s%c", out, *at++);
        }
    }
    if (strlen(out) > INTAKE_NAME_BYTES_MAX) /* no policy can make a key too long */
        return arena_printf(arena, "%s-" MARK_OPEN "3}", date);
    return numbered ? out : arena_printf(arena, "%s-" MARK_OPEN "3}", out);
}

/* Where the running number stands. */
static const char *mark_find(const char *counter, int *width_out, const char **rest_out)
{
    const char *mark = strstr(counter, MARK_OPEN);
    bug_unless(mark);
    char *end;
    *width_out = (int)strtol(mark + strlen(MARK_OPEN), &end, 10);
    bug_unless(*end == '}');
    *rest_out = end + 1;
    return mark;
}

char *intake_number_make(struct turn *turn, const char *counter, uint64_t count)
{
    int width;
    const char *rest, *mark = mark_find(counter, &width, &rest);
    return arena_printf(turn_arena(turn), "%.*s%0*" PRIu64 "%s", (int)(mark - counter), counter, width, count, rest);
}

static int32_t day_of(struct turn *turn, const char *site, int64_t ms)
{
    return date_of_local(zone_local_ms(organisation_zone(turn, site), ms));
}

uint32_t intake_numbers_lost(struct turn *turn, const char *pattern, const char *site, int64_t dated_ms, uint32_t epoch)
{
    struct restored restored = turn_restored(turn);
    if (restored.at_ms == 0 || epoch >= restored.epoch)
        return 0;
    bool dated = strstr(pattern[0] ? pattern : PATTERN_DEFAULT, "{date}") != NULL;
    if (dated && day_of(turn, site, dated_ms) > day_of(turn, site, restored.at_ms))
        return 0;
    return restored.numbers_skip;
}
