#include "calendar/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSITIONS_MAX 4096u
#define TYPES_MAX 256u
#define FILE_BYTES_MAX (256u << 10)

struct rule { /* a day of a POSIX TZ footer: Mm.w.d or Jn or n, at a second of that day */
    char kind;
    int month, week, day;
    int32_t at_s;
};

struct zone {
    unsigned count;
    int64_t at_s[TRANSITIONS_MAX];
    int32_t offset_s[TRANSITIONS_MAX];
    int32_t first_offset_s; /* before the first transition */
    bool has_footer, footer_dst;
    int32_t std_s, dst_s;
    struct rule dst_from, dst_to;
};

/* ---- days ---- */

static int64_t days_of(int64_t year, int month, int day)
{
    /* Howard Hinnant, "chrono-compatible low-level date algorithms" */
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t year_of_s(int64_t seconds)
{
    int64_t days = seconds / 86400 - (seconds % 86400 < 0), z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    return yoe + era * 400 + ((5 * doy + 2) / 153 >= 10);
}

static bool leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local second at which a footer rule applies in a year. */
static int64_t rule_local_s(const struct rule *rule, int64_t year)
{
    int64_t day;
    if (rule->kind == 'M') {
        int64_t first = days_of(year, rule->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        day = first + (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
        int64_t next = rule->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, rule->month + 1, 1);
        while (day >= next)
            day -= 7;
    } else {
        day = days_of(year, 1, 1) + rule->day - (rule->kind == 'J' ? 1 : 0);
        if (rule->kind == 'J' && leap(year) && rule->day >= 60)
            day++;
    }
    return day * 86400 + rule->at_s;
}

static int32_t footer_offset_s(const struct zone *zone, int64_t utc_s)
{
    if (!zone->footer_dst)
        return zone->std_s;
    int64_t year = year_of_s(utc_s + zone->std_s);
    int64_t from = rule_local_s(&zone->dst_from, year) - zone->std_s;
    int64_t to = rule_local_s(&zone->dst_to, year) - zone->dst_s;
    bool dst = from < to ? utc_s >= from && utc_s < to : utc_s >= from || utc_s < to;
    return dst ? zone->dst_s : zone->std_s;
}

static int32_t offset_at(const struct zone *zone, int64_t utc_s)
{
    if (zone->count == 0 || utc_s < zone->at_s[0])
        return zone->count == 0 && zone->has_footer ? footer_offset_s(zone, utc_s) : zone->first_offset_s;
    if (utc_s >= zone->at_s[zone->count - 1])
        return zone->has_footer ? footer_offset_s(zone, utc_s) : zone->offset_s[zone->count - 1];
    unsigned low = 0, high = zone->count;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (zone->at_s[middle] <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return zone->offset_s[low];
}

static int64_t floor_s(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

int32_t zone_offset_s(const struct zone *zone, int64_t utc_ms)
{
    return zone ? offset_at(zone, floor_s(utc_ms)) : 0;
}

int64_t zone_local_ms(const struct zone *zone, int64_t utc_ms)
{
    return utc_ms + (int64_t)zone_offset_s(zone, utc_ms) * 1000;
}

/* The candidates are the offsets in force a day before and a day after: the first that maps back is the first of an
   ambiguous time; none maps back in a gap, and the offset before the gap moves the time forward. */
int64_t zone_utc_ms(const struct zone *zone, int64_t local_ms)
{
    if (!zone)
        return local_ms;
    int64_t before = (int64_t)zone_offset_s(zone, local_ms - 86400000) * 1000;
    int64_t after = (int64_t)zone_offset_s(zone, local_ms + 86400000) * 1000;
    int64_t early = local_ms - (before > after ? before : after), late = local_ms - (before > after ? after : before);
    if (zone_local_ms(zone, early) == local_ms)
        return early;
    if (zone_local_ms(zone, late) == local_ms)
        return late;
    return local_ms - before;
}

/* ---- reading ---- */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t take(struct reader *reader, unsigned size)
{
    uint64_t value = 0;
    if ((size_t)(reader->end - reader->at) < size) {
        reader->bad = true;
        return 0;
    }
    while (size--)
        value = value << 8 | *reader->at++;
    return value;
}

static int number(const char **at, int most)
{
    int value = 0, digits = 0;
    while (**at >= '0' && **at <= '9' && digits++ < 4)
        value = value * 10 + *(*at)++ - '0';
    return digits && value <= most ? value : -100000;
}

/* [+-]hh[:mm[:ss]] in seconds */
static int32_t clock_s(const char **at)
{
    int sign = **at == '-' ? -1 : 1;
    if (**at == '-' || **at == '+')
        (*at)++;
    int32_t seconds = number(at, 167) * 3600;
    for (int unit = 60; unit && **at == ':'; unit = unit == 60 ? 1 : 0) {
        (*at)++;
        seconds += number(at, 59) * unit;
    }
    return sign * seconds;
}

static void skip_name(const char **at)
{
    if (**at == '<') {
        while (**at && **at != '>')
            (*at)++;
        if (**at)
            (*at)++;
        return;
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z'))
        (*at)++;
}

static bool read_rule(const char **at, struct rule *rule)
{
    if (*(*at)++ != ',')
        return false;
    rule->kind = 'N';
    if (**at == 'M' || **at == 'J')
        rule->kind = *(*at)++;
    if (rule->kind == 'M') {
        rule->month = number(at, 12);
        if (rule->month < 1 || *(*at)++ != '.')
            return false;
        rule->week = number(at, 5);
        if (rule->week < 1 || *(*at)++ != '.')
            return false;
        rule->day = number(at, 6);
    } else {
        rule->day = number(at, 366);
    }
    rule->at_s = 7200;
    if (**at == '/') {
        (*at)++;
        rule->at_s = clock_s(at);
    }
    return rule->day >= 0 && rule->at_s > -700000 && rule->at_s < 700000;
}

/* POSIX TZ: std offset [dst [offset] , from , to] */
static bool read_footer(struct zone *zone, const char *text)
{
    const char *at = text;
    skip_name(&at);
    if (at == text)
        return false;
    zone->std_s = -clock_s(&at);
    if (zone->std_s > 200000 || zone->std_s < -200000)
        return false;
    zone->has_footer = true;
    if (!*at)
        return true;
    skip_name(&at);
    zone->dst_s = zone->std_s + 3600;
    if (*at != ',')
        zone->dst_s = -clock_s(&at);
    zone->footer_dst = read_rule(&at, &zone->dst_from) && read_rule(&at, &zone->dst_to) && !*at;
    return zone->footer_dst && zone->dst_s < 200000 && zone->dst_s > -200000;
}

struct header {
    char version;
    uint64_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static bool read_header(struct reader *reader, struct header *header)
{
    if (take(reader, 4) != 0x545A6966) /* "TZif" */
        return false;
    header->version = (char)take(reader, 1);
    for (int i = 0; i < 15; i++)
        take(reader, 1);
    header->isutcnt = take(reader, 4);
    header->isstdcnt = take(reader, 4);
    header->leapcnt = take(reader, 4);
    header->timecnt = take(reader, 4);
    header->typecnt = take(reader, 4);
    header->charcnt = take(reader, 4);
    return !reader->bad && header->timecnt <= TRANSITIONS_MAX && header->typecnt >= 1 && header->typecnt <= TYPES_MAX &&
           header->charcnt <= 4096 && header->leapcnt <= 4096 && header->isutcnt <= TYPES_MAX &&
           header->isstdcnt <= TYPES_MAX;
}

static void skip(struct reader *reader, uint64_t size)
{
    if ((uint64_t)(reader->end - reader->at) < size)
        reader->bad = true;
    else
        reader->at += size;
}

static bool read_body(struct reader *reader, const struct header *header, unsigned wide, struct zone *zone)
{
    uint8_t type_of[TRANSITIONS_MAX];
    int32_t types[TYPES_MAX] = {0};
    for (uint64_t i = 0; i < header->timecnt; i++)
        zone->at_s[i] = wide == 8 ? (int64_t)take(reader, 8) : (int32_t)take(reader, 4);
    for (uint64_t i = 0; i < header->timecnt; i++)
        type_of[i] = (uint8_t)take(reader, 1);
    for (uint64_t i = 0; i < header->typecnt; i++) {
        types[i] = (int32_t)take(reader, 4);
        take(reader, 2);
        if (types[i] > 200000 || types[i] < -200000)
            return false;
    }
    skip(reader, header->charcnt + header->leapcnt * (wide + 4) + header->isstdcnt + header->isutcnt);
    if (reader->bad)
        return false;
    for (uint64_t i = 0; i < header->timecnt; i++) {
        if (type_of[i] >= header->typecnt || (i && zone->at_s[i] <= zone->at_s[i - 1]))
            return false;
        zone->offset_s[i] = types[type_of[i]];
    }
    zone->first_offset_s = types[0];
    zone->count = (unsigned)header->timecnt;
    return true;
}

static bool parse(struct bytes file, struct zone *zone)
{
    struct reader reader = {file.data, file.data + file.size, false};
    struct header header;
    if (!read_header(&reader, &header))
        return false;
    if (header.version == 0)
        return read_body(&reader, &header, 4, zone);
    skip(&reader, header.timecnt * 5 + header.typecnt * 6 + header.charcnt + header.leapcnt * 8 + header.isstdcnt +
                      header.isutcnt);
    if (reader.bad || !read_header(&reader, &header) || !read_body(&reader, &header, 8, zone))
        return false;
    char footer[128];
    size_t size = 0;
    if (take(&reader, 1) != '\n')
        return false;
    while (reader.at < reader.end && *reader.at != '\n' && size + 1 < sizeof footer)
        footer[size++] = (char)*reader.at++;
    footer[size] = 0;
    return size == 0 || read_footer(zone, footer);
}

enum err zone_parse(struct bytes file, struct zone **zone_out)
{
    struct zone *zone = calloc(1, sizeof *zone);
    bug_unless(zone);
    if (!parse(file, zone)) {
        free(zone);
        return ERR_MALFORMED;
    }
    *zone_out = zone;
    return ERR_NONE;
}

enum err zone_load(const char *folder, const char *name, struct zone **zone_out)
{
    char path[512];
    if (!*name || *name == '/' || strstr(name, ".."))
        return ERR_MALFORMED;
    int length = snprintf(path, sizeof path, "%s/%s", folder ? folder : ZONE_FOLDER_DEFAULT, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return ERR_TOO_LARGE;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return errno == ENOMEM || errno == EMFILE || errno == ENFILE || errno == EIO ? ERR_IO : ERR_NOT_FOUND;
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    bug_unless(bytes);
    size_t size = fread(bytes, 1, FILE_BYTES_MAX, file);
    enum err err =
        ferror(file) ? errno == EISDIR ? ERR_MALFORMED : ERR_IO : zone_parse(bytes_of(bytes, size), zone_out);
    fclose(file);
    free(bytes);
    return err;
}

void zone_free(struct zone *zone)
{
    free(zone);
}
