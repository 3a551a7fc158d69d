/* The hours in which a notice may reach somebody, by the site's clock: what comes outside of them waits. */
#include "calendar/calendar.h"
#include "notification.h"

int64_t notification_within_hours(struct turn *turn, const char *site, const Policy__Notice *notice, int64_t at_ms)
{
    if (!notice || !notice->hours_to_min)
        return at_ms;
    const struct zone *zone = organisation_zone(turn, site);
    int64_t local = zone_local_ms(zone, at_ms), day = (int64_t)date_of_local(local) * DAY_MS;
    int64_t from = day + notice->hours_from_min * MINUTE_MS, to = day + notice->hours_to_min * MINUTE_MS;
    if (local >= from && local < to)
        return at_ms;
    return zone_utc_ms(zone, local < from ? from : from + DAY_MS);
}
