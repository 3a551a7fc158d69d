#include "imap_said.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

bool imap_said_validity(const char *text, char validity_out[IMAP_VALIDITY_CHARACTERS + 1])
{
    const char *at = strcasestr(text, "UIDVALIDITY ");
    const char *number = at ? at + strlen("UIDVALIDITY ") : "";
    size_t digits = strspn(number, "0123456789");
    if (digits == 0 || digits > IMAP_VALIDITY_CHARACTERS)
        return false;
    memcpy(validity_out, number, digits);
    validity_out[digits] = 0;
    return true;
}

static bool is_date(const struct tm *broken, int zone)
{
    return broken->tm_mday >= 1 && broken->tm_mday <= 31 && broken->tm_year >= 70 && broken->tm_hour >= 0 &&
           broken->tm_hour <= 23 && broken->tm_min >= 0 && broken->tm_min <= 59 && broken->tm_sec >= 0 &&
           broken->tm_sec <= 60 && zone >= 0 && zone <= 1459;
}

/* "03-Mar-2025 22:13:05 +0800" */
static int64_t internal_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4], sign;
    int day, year, hour, minute, second, zone;
    if (sscanf(text, " %2d-%3s-%4d %2d:%2d:%2d %c%4d", &day, month, &year, &hour, &minute, &second, &sign, &zone) != 8)
        return 0;
    const char *at = strlen(month) == 3 ? strcasestr(months, month) : NULL;
    if (!at || (at - months) % 3)
        return 0;
    struct tm broken = {.tm_mday = day,
                        .tm_year = year - 1900,
                        .tm_hour = hour,
                        .tm_min = minute,
                        .tm_sec = second,
                        .tm_mon = (int)(at - months) / 3};
    if (!is_date(&broken, zone))
        return 0;
    int64_t offset = (zone / 100 * 60 + zone % 100) * 60 * (sign == '-' ? -1 : 1);
    int64_t at_ms = ((int64_t)timegm(&broken) - offset) * 1000;
    return at_ms > 0 ? at_ms : 0;
}

static const char *after(const char *line, const char *name)
{
    const char *at = strcasestr(line, name);
    return at ? at + strlen(name) : "";
}

/* "* 1 FETCH (UID 5 FLAGS (\\Seen) INTERNALDATE "03-Mar-2025 22:13:05 +0800" RFC822.SIZE 312)" */
static bool listed_of(const char *line, struct listed *listed_out)
{
    *listed_out = (struct listed){.uid = strtoul(after(line, "UID "), NULL, 10),
                                  .size = strtoul(after(line, "RFC822.SIZE "), NULL, 10),
                                  .received_ms = internal_date(after(line, "INTERNALDATE \"")),
                                  .deleted = strcasestr(line, "\\Deleted") != NULL,
                                  .seen = strcasestr(line, "\\Seen") != NULL};
    return strcasestr(line, " FETCH (") && listed_out->uid && listed_out->uid <= UINT32_MAX;
}

static int by_uid(const void *a, const void *b)
{
    const struct listed *one = a, *other = b;
    return (one->uid > other->uid) - (one->uid < other->uid);
}

/* A server tells of a mail again when its flags change meanwhile: one telling counts, any other is passed over.
 */
static size_t once_each(struct listed *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || list[kept - 1].uid != list[i].uid)
            list[kept++] = list[i];
    return kept;
}

void imap_said_list(char *text, struct arena *arena, struct listed **list_out, size_t *count_out)
{
    *list_out = NULL;
    *count_out = 0;
    for (char *line; text && (line = strsep(&text, "\n"));) {
        struct listed one;
        if (!listed_of(line, &one) || one.deleted)
            continue;
        *list_out = arena_grow(arena, *list_out, *count_out, sizeof **list_out);
        (*list_out)[(*count_out)++] = one;
    }
    if (!*count_out)
        return;
    qsort(*list_out, *count_out, sizeof **list_out, by_uid);
    *count_out = once_each(*list_out, *count_out);
}
