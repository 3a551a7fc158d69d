/* Time zones from TZif files (RFC 8536), so that every zone is exact and a rehearsal gives the same on any machine.
   An ambiguous local time is the first one, a missing one moves forward (layer 1). */
#ifndef HEARBACK_CALENDAR_ZONE_H
#define HEARBACK_CALENDAR_ZONE_H

#include "base/arena.h"

#define ZONE_FOLDER_DEFAULT "/usr/share/zoneinfo"

struct zone;

/* `folder` NULL: ZONE_FOLDER_DEFAULT. `name` is an IANA name ("Asia/Shanghai"); anything with "..", or a damaged file,
   is ERR_MALFORMED. Free with zone_free. */
enum err zone_load(const char *folder, const char *name, struct zone **zone_out) MUST_CHECK;
/* The same from bytes already read (tests, fuzzing). */
enum err zone_parse(struct bytes file, struct zone **zone_out) MUST_CHECK;
void zone_free(struct zone *zone);

/* Seconds east of UTC at an instant. */
int32_t zone_offset_s(const struct zone *zone, int64_t utc_ms);
/* "Local ms" counts as if the local clock were UTC. NULL zone: UTC. */
int64_t zone_local_ms(const struct zone *zone, int64_t utc_ms);
int64_t zone_utc_ms(const struct zone *zone, int64_t local_ms);

#endif
