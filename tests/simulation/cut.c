#include "cut.h"
#include "../unit/support/folder.h"

#include "service/atrest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS 2000u
#define COPIED_WITHIN_MS 60000
#define SERVICES_MAX 16u

struct asked {
    bool done, good;
    uint32_t status;
    bool snapshot_done, snapshot_failed;
    char snapshot_path[600];
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    asked->done = true;
    if (!err && reply->kind_case == BUS__REPLY__KIND_REFUSED)
        asked->status = reply->refused->status;
    if (err || reply->kind_case != BUS__REPLY__KIND_CONTROL)
        return;
    asked->good = true;
    const Bus__SnapshotReport *snapshot = reply->control->position->snapshot;
    if (!snapshot)
        return;
    snprintf(asked->snapshot_path, sizeof asked->snapshot_path, "%s", snapshot->path);
    asked->snapshot_done = snapshot->done;
    asked->snapshot_failed = *snapshot->error;
}

static struct asked ask(const struct cut *cut, Hb__Service service, Bus__Control__What what, const char *path)
{
    struct asked asked = {0};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = what;
    control.path = (char *)(uintptr_t)path;
    simulation_ask(cut->simulation, service, &request, ASK_MS, on_reply, &asked);
    while (!asked.done && simulation_step(cut->simulation, INT64_MAX))
        ;
    return asked;
}

bool cut_ask(const struct cut *cut, Hb__Service service, Bus__Control__What what, const char *path,
             uint32_t *status_out)
{
    struct asked asked = ask(cut, service, what, path);
    *status_out = asked.status;
    return asked.good;
}

static void path_of(const struct cut *cut, unsigned i, const char *root, char path_out[600])
{
    snprintf(path_out, 600, "%s/%s-0", root, cut->services[i]->name);
}

static bool copied(const struct cut *cut)
{
    int64_t until = simulation_now(cut->simulation) + COPIED_WITHIN_MS;
    for (unsigned i = 0; i < cut->count;) {
        char path[600];
        path_of(cut, i, cut->target, path);
        struct asked asked = ask(cut, cut->services[i]->id, BUS__CONTROL__WHAT__POSITION, "");
        if (asked.good && (asked.snapshot_failed || strcmp(asked.snapshot_path, path) != 0))
            return false; /* restarted meanwhile */
        i += asked.good && asked.snapshot_done;
        if (simulation_now(cut->simulation) > until)
            return false;
        simulation_run(cut->simulation, simulation_now(cut->simulation) + 3);
    }
    return true;
}

bool cut_take(const struct cut *cut)
{
    char path[600];
    bool good = true;
    cut_remove(cut->target);
    for (unsigned i = 0; i < cut->count; i++)
        good = good && ask(cut, cut->services[i]->id, BUS__CONTROL__WHAT__HOLD, "").good;
    for (unsigned i = 0; i < cut->count && good; i++) {
        path_of(cut, i, cut->target, path);
        good = ask(cut, cut->services[i]->id, BUS__CONTROL__WHAT__SNAPSHOT, path).good;
    }
    for (unsigned i = 0; i < cut->count; i++)
        ask(cut, cut->services[i]->id, BUS__CONTROL__WHAT__RESUME, "");
    return good && copied(cut);
}

/* ---- at rest ---- */

static bool read_all(const struct cut *cut, Bus__PositionReport *reports, struct arena *arena, char *why, size_t size)
{
    for (unsigned i = 0; i < cut->count; i++) {
        char path[600];
        int64_t recorded_ms;
        path_of(cut, i, cut->target, path);
        if (atrest_position(path, cut->services[i]->id, 0, arena, &reports[i], &recorded_ms, why, size))
            return false;
    }
    return true;
}

static uint64_t end_of(const struct cut *cut, const Bus__PositionReport *reports, Hb__Service service)
{
    for (unsigned i = 0; i < cut->count; i++)
        if (cut->services[i]->id == service)
            return reports[i].end;
    return 0;
}

bool cut_is_consistent(const struct cut *cut, char *why_out, size_t why_size)
{
    Bus__PositionReport reports[SERVICES_MAX];
    struct arena arena;
    arena_init(&arena);
    bool good = read_all(cut, reports, &arena, why_out, why_size);
    for (unsigned i = 0; i < cut->count && good; i++)
        for (size_t c = 0; c < reports[i].n_cursors; c++) {
            const Hb__Position *cursor = reports[i].cursors[c];
            uint64_t end = end_of(cut, reports, cursor->log->service);
            if (cursor->offset > end) {
                snprintf(why_out, why_size, "%s has heard offset %" PRIu64 " of a log that ends at %" PRIu64,
                         cut->services[i]->name, cursor->offset, end);
                good = false;
            }
        }
    arena_fini(&arena);
    return good;
}

static void put_in_place(const struct cut *cut, unsigned i)
{
    char from[600], to[600], lock[640];
    path_of(cut, i, cut->target, from);
    path_of(cut, i, cut->folder, to);
    cut_remove(to);
    bug_unless(folder_copy(from, to));
    snprintf(lock, sizeof lock, "%s/lock.mdb", to);
    remove(lock);
    snprintf(lock, sizeof lock, "%s/vault/lock.mdb", to);
    remove(lock);
}

void cut_restore(const struct cut *cut, uint32_t numbers_skip)
{
    Bus__PositionReport reports[SERVICES_MAX] = {0};
    Hb__Position positions[SERVICES_MAX], *ends[SERVICES_MAX];
    char why[512] = "", path[600];
    struct arena arena;
    arena_init(&arena);
    bug_unless(cut->count && read_all(cut, reports, &arena, why, sizeof why) && reports[0].log);
    for (unsigned i = 0; i < cut->count; i++) {
        simulation_down(cut->simulation, cut->services[i]->id);
        hb__position__init(&positions[i]);
        positions[i].log = reports[i].log;
        positions[i].log->epoch++;
        positions[i].offset = reports[i].end;
        ends[i] = &positions[i];
    }
    struct atrest_restore restore = {.cell = reports[0].log->cell,
                                     .ends = ends,
                                     .ends_count = cut->count,
                                     .now_ms = simulation_wall(cut->simulation),
                                     .numbers_skip = numbers_skip};
    for (unsigned i = 0; i < cut->count; i++) {
        put_in_place(cut, i);
        path_of(cut, i, cut->folder, path);
        if (atrest_begin_epoch(path, cut->services[i]->id, 0, &restore, why, sizeof why))
            fprintf(stderr, "%s: %s\n", path, why);
        bug_unless(!*why);
    }
    for (unsigned i = 0; i < cut->count; i++)
        simulation_up(cut->simulation, cut->services[i]->id);
    arena_fini(&arena);
}

void cut_remove(const char *folder)
{
    bug_unless(folder_remove(folder));
}
