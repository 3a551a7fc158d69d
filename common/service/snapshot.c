/* A copy of this instance's folder for a backup. What it holds is fixed when it is asked for, while all services hold
   (design.md 8); the copying goes on from the loop in small steps, so that everything else is served meanwhile. The
   vault's snapshot is opened after that of the log: every key an event of the copy names is in it; and so is that of
   the files. Files are put before casework says that they are attached: who asks for copies asks casework before
   intake. */
#include "service/internal.h"
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 3u

struct snapshot {
    char *folder;
    struct store_snapshot *parts[PARTS_MAX];
    unsigned count, at;
    uint64_t rows, rows_total; /* once the parts are closed */
    enum err err;
};

static void close_parts(struct snapshot *snapshot)
{
    for (unsigned i = 0; i < snapshot->count; i++) {
        uint64_t rows, total;
        store_snapshot_rows(snapshot->parts[i], &rows, &total);
        snapshot->rows += rows;
        snapshot->rows_total += total;
        store_snapshot_close(snapshot->parts[i]);
    }
    snapshot->count = 0;
}

void snapshot_free(struct instance *instance)
{
    if (!instance->snapshot)
        return;
    close_parts(instance->snapshot);
    free(instance->snapshot->folder);
    free(instance->snapshot);
    instance->snapshot = NULL;
}

static enum err add_part(struct snapshot *snapshot, struct store *store, const char *folder)
{
    enum err err = store_snapshot_open(store, folder, &snapshot->parts[snapshot->count]);
    if (!err)
        snapshot->count++;
    return err;
}

/* A snapshot under way is given up: whoever asked for it has gone, or asks anew. */
enum err snapshot_start(struct instance *instance, const char *folder)
{
    char vault[4200], files[4200];
    snprintf(vault, sizeof vault, "%s/vault", folder);
    snprintf(files, sizeof files, "%s/files", folder);
    snapshot_free(instance);
    struct snapshot *snapshot = instance->snapshot = calloc(1, sizeof *snapshot);
    bug_unless(snapshot);
    snapshot->folder = strdup(folder);
    bug_unless(snapshot->folder);
    enum err err = add_part(snapshot, instance->store, folder);
    if (!err && instance->vault)
        err = add_part(snapshot, vault_store(instance->vault), vault);
    if (!err && instance->files)
        err = add_part(snapshot, instance->files, files);
    if (err)
        snapshot_free(instance);
    else
        instance->env->wake(instance->env->context);
    return err;
}

bool snapshot_under_way(const struct instance *instance)
{
    return instance->snapshot && instance->snapshot->count > 0;
}

void snapshot_step(struct instance *instance)
{
    struct snapshot *snapshot = instance->snapshot;
    if (!snapshot_under_way(instance))
        return;
    if (store_snapshot_step(snapshot->parts[snapshot->at], SNAPSHOT_STEP_BYTES, &snapshot->err))
        return;
    if (snapshot->err || ++snapshot->at == snapshot->count)
        close_parts(snapshot);
}

Bus__SnapshotReport *snapshot_report(const struct instance *instance, struct arena *arena)
{
    const struct snapshot *snapshot = instance->snapshot;
    if (!snapshot)
        return NULL;
    Bus__SnapshotReport *report = NEW(arena, Bus__SnapshotReport, BUS__SNAPSHOT_REPORT__INIT);
    report->path = arena_strdup(arena, snapshot->folder);
    report->rows = snapshot->rows;
    report->rows_total = snapshot->rows_total;
    for (unsigned i = 0; i < snapshot->count; i++) {
        uint64_t rows, total;
        store_snapshot_rows(snapshot->parts[i], &rows, &total);
        report->rows += rows;
        report->rows_total += total;
    }
    report->done = snapshot->count == 0 && !snapshot->err;
    report->error = arena_strdup(arena, snapshot->err ? err_text(snapshot->err) : "");
    return report;
}
