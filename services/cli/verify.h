/* `hearback verify`: what the services say of themselves (Control VERIFY) and what their logs say of each other. All
   logs are read over the bus, one after the other, while the system goes on; what is compared across two logs is
   compared up to where the one had heard the other. */
#ifndef HEARBACK_CLI_VERIFY_H
#define HEARBACK_CLI_VERIFY_H

#include "cli.h"

#include "base/bytes.h"
#include "hearback/envelope.pb-c.h"

#define VERIFY_LOGS_MAX 64u /* CONFIG_INSTANCES_MAX */
#define VERIFY_SITES_MAX 65535u
#define VERIFY_SHOWN_MAX 20u /* findings of one kind that are told one by one */

/* ---- a map from 64 bits to three numbers, and the hashes that are its keys ---- */

struct slot {
    uint64_t key; /* 0: free */
    uint64_t a, b, c;
};
struct map {
    struct slot *slots;
    size_t room, count;
};
struct slot *map_find(const struct map *map, uint64_t key); /* NULL: not there */
struct slot *map_put(struct map *map, uint64_t key,
                     bool *new_out); /* found or made, zeroed; valid until the next put */
void map_free(struct map *map);

/* What makes two things the same, hashed with a key of this run: no log can be made to collide. */
uint64_t identity_of(const char *kind, const char *const *texts, size_t texts_count, const uint64_t *numbers,
                     size_t numbers_count);

/* ---- one log ---- */

struct reader {
    const Config__Instance *instance;
    const char *name;                             /* "casework-0" */
    uint32_t epoch;                               /* of the log now */
    uint64_t at;                                  /* last offset read */
    uint64_t end;                                 /* to read to: the report's */
    const Hb__Position *cursors[VERIFY_LOGS_MAX]; /* of the report, taken before this log was read */
    size_t cursors_count;
    uint64_t waiting;   /* events, as reported then */
    uint64_t final_end; /* asked after everything was read */
    /* the chain */
    uint8_t hash[32];
    int64_t recorded_ms;
    uint32_t last_epoch;
    bool broken; /* nothing after this can be checked */
    /* what was caused: runs of events with one cause */
    uint64_t cause;
    struct map causes; /* -> offset of the run */
    /* the farthest event of each log that an event here names as its cause */
    struct {
        uint64_t offset, by;
    } caused[VERIFY_LOGS_MAX];
};

struct skipped {
    char *site, *counter;
    uint64_t from, to;
    char *reason;
};

struct verify {
    struct cli *cli;
    struct reader readers[VERIFY_LOGS_MAX];
    size_t readers_count;
    struct arena batch; /* of one event */
    struct arena kept;
    uint64_t events, events_total;
    json_t *findings;
    unsigned findings_count;

    char **sites;
    uint32_t *site_buckets;
    size_t sites_count;
    struct map cases;    /* case id -> a: offset in intake's log, b: stage hash, c: flags below, site, version */
    struct map unknown;  /* case id of events whose case was not registered yet -> a: reader, b: offset, c: flags */
    struct map counters; /* (site, counter) -> a: last number */
    struct map once;     /* identities that must not come twice -> a: offset */
    struct map answered; /* position of a CaseRequested -> a: offset of the answer */
    struct map clocks;   /* clock instance -> a: due, b: due of the miss that counts, c: offset of it */
    struct map notices;  /* notice id -> a: offset, b: offset of its final state, c: 1 when to be sent */
    struct map told;     /* source position of a notice -> a: count */
    struct map requests; /* position of a CaseRequested -> a: offset, b: reader, c: case id */
    struct map levels;   /* position of a LevelReached with somebody to tell -> the same */
    struct skipped *skipped;
    size_t skipped_count;
};

/* One thing that is not as it must be: where, what, and what the operator should do. `code` is stable. */
enum advice { ADVICE_RESTORE, ADVICE_REPORT, ADVICE_WAIT, ADVICE_SERVICE };
void verify_find(struct verify *verify, const struct reader *reader, uint64_t offset, const char *code,
                 enum advice advice, const char *format, ...) PRINTF_LIKE(6, 7);
/* The position's log among the readers; NULL: of another cell, or not configured. */
struct reader *verify_reader(struct verify *verify, Hb__Service service, uint32_t partition);
uint64_t verify_position(const Hb__Position *position); /* as a key */
/* How far `reader` had heard that log, itself or by way of one that begins like it, when its own log was read. */
uint64_t verify_heard(const struct verify *verify, const struct reader *reader, Hb__Service service,
                      uint32_t partition);

/* verify_read.c: asks for the end and the cursors; reads from where it stood to that end. False after saying why. */
/* Asks a service that has answered before: it may be busy, and is given minutes. NULL after saying why. */
const Bus__Reply *verify_ask(struct verify *verify, const struct reader *reader, Bus__Request *request);
bool verify_ask_position(struct verify *verify, struct reader *reader);
bool verify_read(struct verify *verify, struct reader *reader);
/* The next event of the log, as it is stored. After one that does not fit, `reader->broken`. */
void verify_event(struct verify *verify, struct reader *reader, struct bytes stored,
                  struct bytes next); /* empty: not at hand */

/* verify_said.c: what one event says by itself and against those before it. */
void verify_said(struct verify *verify, struct reader *reader, const Hb__Event *event);

/* verify_across.c: what must be asked once more; then verify_compare. False after saying why. */
bool verify_across(struct verify *verify);

/* verify_compare.c: asks nobody. Cursors and `waiting` are of before, `final_end` of after the reading. */
void verify_compare(struct verify *verify);
struct reader *verify_next_of(struct verify *verify, Hb__Service service, struct reader *after);

#define CASE_ROUTED 1u
#define CASE_READER_SHIFT 1   /* 6 bits: of intake's log */
#define CASE_SITE_SHIFT 8     /* 16 bits */
#define CASE_VERSION_SHIFT 24 /* 40 bits */

static inline bool verify_case_of(const struct verify *verify, const struct slot *slot, const struct reader *intake)
{
    return slot->key && (slot->c >> CASE_READER_SHIFT & (VERIFY_LOGS_MAX - 1)) == (uint64_t)(intake - verify->readers);
}

#endif
