/* fold FOLDER INTO: every service's state folded anew from the logs of a system at rest (FOLDER is that of `hearback
   --data`), into empty folders under INTO, and compared with what it keeps: all that `hearback verify` does but
   fetching over the bus. Says per service how many events that were and the processor time of it, and of a yardstick:
   BLAKE2b-256 of 300 bytes for each event. */
#include "measure.h"
#include "offline.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

struct folding {
    struct offline offline;
    struct instance *instances[OFFLINE_SERVICES];
};

/* ---- folding ---- */

static bool read_event(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                       struct bytes *event_out)
{
    struct folding *folding = context;
    return instance_log_get(folding->instances[offline_index(log->service)], offset, arena, event_out);
}

static uint64_t events_of(struct folding *folding, struct instance *instance)
{
    Bus__PositionReport report = BUS__POSITION_REPORT__INIT;
    instance_position(instance, &folding->offline.arena, &report);
    uint64_t events = report.end;
    for (size_t i = 0; i < report.n_cursors; i++)
        events += report.cursors[i]->offset;
    return events;
}

static double hash_seconds(uint64_t events)
{
    static uint8_t event[300];
    uint64_t began = processor_ns();
    for (uint64_t i = 0; i < events; i++)
        crypto_generichash(event, EVENTLOG_HASH_BYTES, event, sizeof event, NULL, 0);
    return (double)(processor_ns() - began) / 1e9;
}

static void fold_one(struct folding *folding, unsigned index, const char *folder)
{
    struct instance *instance = folding->instances[index];
    char why[512], into[4300];
    snprintf(into, sizeof into, "%s/%s", folder, offline_services[index]->name);
    if (mkdir(into, 0700))
        offline_fail(into, "cannot be made: a fold begins in an empty folder");
    uint64_t events = events_of(folding, instance), began = processor_ns();
    if (instance_check_fold(instance, into, NULL, read_event, folding, why, sizeof why))
        offline_fail(offline_services[index]->name, why);
    double seconds = (double)(processor_ns() - began) / 1e9;
    printf("{\"service\": \"%s\", \"events\": %" PRIu64 ", \"seconds\": %.4f, \"hash_seconds\": %.4f}\n",
           offline_services[index]->name, events, seconds, hash_seconds(events));
}

int main(int argc, char **argv)
{
    static struct folding folding;
    if (argc != 3) {
        fprintf(stderr, "usage: fold FOLDER INTO\n");
        return 2;
    }
    offline_open(&folding.offline, "fold", argv[1]);
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        folding.instances[i] = offline_instance(&folding.offline, i, NULL, false);
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        fold_one(&folding, i, argv[2]);
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        instance_close(folding.instances[i]);
    return 0;
}
