/* The instances of a system that is stopped, opened in this process: no bus, no world, and no flush unless asked for.
 */
#ifndef HEARBACK_BENCH_OFFLINE_H
#define HEARBACK_BENCH_OFFLINE_H

#include "config/config.h"
#include "service/instance.h"

#define OFFLINE_SERVICES 8u
extern const struct service *const offline_services[OFFLINE_SERVICES];

struct offline {
    Config__Config *config;
    struct env env;
    int64_t shift_ms; /* of what the instances take for the time */
    struct arena arena;
};

/* `program` names itself in what is said when something fails; then the process ends. */
void offline_open(struct offline *offline, const char *program, const char *folder);
void offline_fail(const char *what, const char *why);
/* By place in offline_services. `folder` NULL: the configuration's. */
struct instance *offline_instance(struct offline *offline, unsigned index, const char *folder, bool no_sync);
unsigned offline_index(Hb__Service service);

#endif
