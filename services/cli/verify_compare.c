/* What the logs say of each other, once all are read. */
#include "verify.h"

#include "config/config.h"
#include "service/service.h"

#include <inttypes.h>

struct reader *verify_next_of(struct verify *verify, Hb__Service service, struct reader *after)
{
    for (size_t i = after ? (size_t)(after - verify->readers) + 1 : 0; i < verify->readers_count; i++)
        if (verify->readers[i].instance->service == service)
            return &verify->readers[i];
    return NULL;
}

/* What the partition of `service` that has this case had heard of that log; 0 while it has events waiting: one of those
   might be the one that is missed. */
static uint64_t heard_of(struct verify *verify, Hb__Service service, const struct reader *producer, uint64_t case_id)
{
    const Config__Instance *has = config_instance_of_bucket(verify->cli->config, service, case_id_bucket(case_id));
    const struct reader *reader = has ? verify_reader(verify, service, has->partition) : NULL;
    if (!reader || reader->waiting)
        return 0;
    return verify_heard(verify, reader, producer->instance->service, producer->instance->partition);
}

/* ---- ends ---- */

/* Ends were asked after the cursors: whoever is ahead now has heard what is not there. */
static void check_cursors(struct verify *verify, struct reader *reader)
{
    for (size_t i = 0; i < reader->cursors_count; i++) {
        const Hb__Position *cursor = reader->cursors[i];
        struct reader *producer = verify_reader(verify, cursor->log->service, cursor->log->partition);
        if (producer && cursor->offset > producer->final_end)
            verify_find(verify, reader, 0, "cursor", ADVICE_RESTORE,
                        "it has heard %s up to offset %" PRIu64 ", but that log ends at %" PRIu64, producer->name,
                        cursor->offset, producer->final_end);
    }
    for (size_t i = 0; i < verify->readers_count; i++)
        if (reader->caused[i].offset > verify->readers[i].final_end)
            verify_find(verify, reader, reader->caused[i].by, "cause", ADVICE_RESTORE,
                        "its cause, offset %" PRIu64 " of %s, does not exist: that log ends at %" PRIu64,
                        reader->caused[i].offset, verify->readers[i].name, verify->readers[i].final_end);
}

/* ---- cases ---- */

static void check_routed(struct verify *verify, struct reader *intake)
{
    for (size_t i = 0; i < verify->cases.room; i++) {
        const struct slot *slot = &verify->cases.slots[i];
        const struct slot *before = slot->key ? map_find(&verify->unknown, slot->key) : NULL;
        bool routed = (slot->c | (before ? before->c : 0)) & CASE_ROUTED;
        if (verify_case_of(verify, slot, intake) && !routed &&
            slot->a <= heard_of(verify, HB__SERVICE__ROUTING, intake, slot->key))
            verify_find(verify, intake, slot->a, "owner", ADVICE_REPORT,
                        "case %" PRIu64 " has no owner: routing has heard of it and decided nothing", slot->key);
    }
}

static void check_unknown(struct verify *verify)
{
    for (size_t i = 0; i < verify->unknown.room; i++) {
        const struct slot *slot = &verify->unknown.slots[i];
        if (slot->key && !map_find(&verify->cases, slot->key))
            verify_find(verify, &verify->readers[slot->a], slot->b, "case", ADVICE_REPORT,
                        "case %" PRIu64 " was never registered", slot->key);
    }
}

/* Requests for cases that intake has heard, and levels that notification has heard. */
static void check_followed(struct verify *verify, const struct map *asked, const struct map *done, Hb__Service by,
                           const char *code, const char *what)
{
    for (size_t i = 0; i < asked->room; i++) {
        const struct slot *slot = &asked->slots[i];
        struct reader *reader = slot->key ? &verify->readers[slot->b] : NULL;
        if (reader && slot->a <= heard_of(verify, by, reader, slot->c) && !map_find(done, slot->key))
            verify_find(verify, reader, slot->a, code, ADVICE_REPORT, "%s (case %" PRIu64 ")", what, slot->c);
    }
}

void verify_compare(struct verify *verify)
{
    for (struct reader *intake = NULL; (intake = verify_next_of(verify, HB__SERVICE__INTAKE, intake));)
        check_routed(verify, intake);
    check_unknown(verify);
    check_followed(verify, &verify->requests, &verify->answered, HB__SERVICE__INTAKE, "request",
                   "a case that was asked for was neither registered nor refused");
    check_followed(verify, &verify->levels, &verify->told, HB__SERVICE__NOTIFICATION, "told",
                   "a step of the ladder was taken and nobody was told");
    for (size_t i = 0; i < verify->readers_count; i++)
        check_cursors(verify, &verify->readers[i]);
}
