/* A service's folder at rest: no process has it open, and nothing listens. What backup and restore read and change. */
#ifndef HEARBACK_SERVICE_ATREST_H
#define HEARBACK_SERVICE_ATREST_H

#include "base/arena.h"
#include "hearback/bus.pb-c.h"

/* Reads the end of the log and the cursors, and walks the chain from the first event to that end. Only what a running
   service reports from its tables is filled in (log, end, end_hash, cursors, jobs, waiting); `recorded_ms_out` is the
   time of the last event. ERR_CORRUPT: `why_out` names the first offset that does not fit. */
enum err atrest_position(const char *folder, Hb__Service service, uint32_t partition, struct arena *arena,
                         Bus__PositionReport *report_out, int64_t *recorded_ms_out, char *why_out,
                         size_t why_size) MUST_CHECK;

/* The next epoch of each log of a cut; the offsets are those of its end in the cut. */
struct atrest_restore {
    uint64_t cell;
    Hb__Position *const *ends; /* log with its new epoch, and its end */
    size_t ends_count;
    int64_t now_ms;
    uint32_t numbers_skip;
};
/* Makes the store one that goes on after a restore, in one synced transaction: its own log gets the epoch named in
   `ends`, and its cursors follow their producers into theirs. ERR_CORRUPT: a cursor is ahead of its log's end, which no
   cut allows; ERR_NOT_FOUND: `ends` does not name this log. */
enum err atrest_begin_epoch(const char *folder, Hb__Service service, uint32_t partition,
                            const struct atrest_restore *restore, char *why_out, size_t why_size) MUST_CHECK;

/* Ids of erased vault keys (the folder of a vault), ascending. */
enum err atrest_erased(const char *vault_folder, struct arena *arena, uint64_t **key_ids_out,
                       size_t *count_out) MUST_CHECK;

#endif
