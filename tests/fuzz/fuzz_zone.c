/* TZif files (RFC 8536). A zone that parses has offsets of at most a day or so, and its local times lead back. */
#include "fuzz.h"

#include "calendar/calendar.h"
#include "calendar/zone.h"

static void check_instant(const struct zone *zone, int64_t utc_ms)
{
    int32_t offset = zone_offset_s(zone, utc_ms);
    must(offset > -200001 && offset < 200001);
    int64_t local = zone_local_ms(zone, utc_ms), back = zone_utc_ms(zone, local);
    must(local == utc_ms + offset * 1000ll);
    /* The first of an ambiguous time, a moved one in a gap; never further off than two offsets can be. */
    must(back - utc_ms <= 400000000ll && utc_ms - back <= 400000000ll);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone = NULL;
    fuzz_memory_begin();
    enum err err = zone_parse(bytes_of(data, size), &zone);
    fuzz_memory_end(size);
    if (err)
        return 0;
    for (int year = 1; year < 10000; year += 499)
        for (int month = 1; month <= 12; month += 5)
            check_instant(zone, date_from(year, month, 28) * DAY_MS + 12345678);
    for (int day = 0; day < 366; day += 7)
        check_instant(zone, date_from(2025, 1, 1) * DAY_MS + day * DAY_MS);
    check_instant(zone, 0);
    check_instant(zone, -1);
    zone_free(zone);
    return 0;
}
