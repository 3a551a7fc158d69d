/* `hearback backup DIR`: a consistent copy of all services while they go on. All of them stop hearing one another, each
   opens its snapshot, all go on (milliseconds; commands and queries are served throughout); then each copies its
   snapshot beside its other work. The manifest is written last: without it nothing is a backup. */
#include "backup.h"

#include "base/planted.h"
#include "config/config.h"
#include "service/atrest.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define ASK_MS 2000u
#define LOOK_MS 50
#define STALLED_MS 60000

struct backup {
    struct cli *cli;
    const char *target, *folder, *path; /* the folder bears another name until the backup is whole */
    const char *keys;                   /* --with-keys */
    const Config__Instance *instances[CONFIG_INSTANCES_MAX];
    size_t count;
    Backup__Manifest manifest;
    uint64_t bytes;
    bool given_up;
};

static int64_t ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

/* ---- the cut ---- */

/* NULL after saying why. */
static const Bus__PositionReport *position_of(const Config__Instance *instance, const Bus__Reply *reply)
{
    const char *name = config_service_name(instance->service);
    if (reply && reply->kind_case == BUS__REPLY__KIND_CONTROL && reply->control->position)
        return reply->control->position;
    if (reply && reply->kind_case == BUS__REPLY__KIND_REFUSED)
        cli_fail("%s: %s", name, reply->refused->text ? reply->refused->text->en : reply->refused->code);
    else
        cli_fail("%s does not answer: a backup is a cut through all services, so all must run (`hearback status`)",
                 name);
    return NULL;
}

static const char *copy_of(struct backup *backup, size_t i)
{
    return backup_instance_path(backup->cli, backup->folder, backup->instances[i]);
}

/* Some at one time: those of intake, or all others. False after saying why somebody did not do it. */
enum whom { ALL, ALL_BUT_INTAKE, INTAKE_ALONE };

static bool is_asked(const Config__Instance *instance, enum whom whom)
{
    return whom == ALL || (whom == INTAKE_ALONE) == (instance->service == HB__SERVICE__INTAKE);
}

static bool ask(struct backup *backup, enum whom whom, Bus__Control__What what, const Bus__PositionReport **reports_out)
{
    const Config__Instance *instances[CONFIG_INSTANCES_MAX] = {NULL};
    size_t count = 0;
    Bus__Request requests[CONFIG_INSTANCES_MAX], *pointers[CONFIG_INSTANCES_MAX] = {NULL};
    Bus__Control controls[CONFIG_INSTANCES_MAX];
    const Bus__Reply *replies[CONFIG_INSTANCES_MAX];
    bool good = true;
    for (size_t i = 0; i < backup->count; i++) {
        if (!is_asked(backup->instances[i], whom))
            continue;
        size_t at = count++;
        instances[at] = backup->instances[i];
        bus__request__init(pointers[at] = &requests[at]);
        bus__control__init(&controls[at]);
        requests[at].kind_case = BUS__REQUEST__KIND_CONTROL;
        requests[at].control = &controls[at];
        controls[at].what = what;
        if (what == BUS__CONTROL__WHAT__SNAPSHOT && !backup->given_up)
            controls[at].path = (char *)(uintptr_t)copy_of(backup, i);
    }
    cli_ask_each(backup->cli, instances, count, pointers, ASK_MS, replies);
    for (size_t i = 0; i < count && !backup->given_up; i++) {
        const Bus__PositionReport *report = position_of(instances[i], replies[i]);
        good = good && report;
        if (reports_out)
            reports_out[i] = report;
    }
    return good;
}

static bool ask_all(struct backup *backup, Bus__Control__What what, const Bus__PositionReport **reports_out)
{
    return ask(backup, ALL, what, reports_out);
}

/* Intake is copied last: a file is put there before casework says that it is attached, and commands go on meanwhile. So
   the content of whatever the copy of casework says is attached is in that of intake.
   Whoever is restarted in between does not hold any more, and refuses its snapshot: it might know more than the others'
   logs hold. */
static bool cut(struct backup *backup)
{
    int64_t began = ms_of(CLOCK_MONOTONIC);
    backup->manifest.at_ms = ms_of(CLOCK_REALTIME);
    bool good = ask_all(backup, BUS__CONTROL__WHAT__HOLD, NULL) &&
                ask(backup, ALL_BUT_INTAKE, BUS__CONTROL__WHAT__SNAPSHOT, NULL) &&
                ask(backup, INTAKE_ALONE, BUS__CONTROL__WHAT__SNAPSHOT, NULL);
    bool resumed = ask_all(backup, BUS__CONTROL__WHAT__RESUME, NULL); /* in any case; a lost one ends by itself */
    backup->manifest.held_ms = (uint32_t)(ms_of(CLOCK_MONOTONIC) - began);
    return good && resumed;
}

/* ---- copying ---- */

/* What the services have written goes to the disk from here, so that none of them waits for it. */
static bool sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    bool good = fdatasync(fd) == 0;
    close(fd);
    return good;
}

static bool sync_copy(struct backup *backup, const Config__Instance *instance)
{
    struct arena *arena = &backup->cli->arena;
    const char *folder = backup_instance_path(backup->cli, backup->folder, instance);
    const char *store = arena_printf(arena, "%s/data.mdb", folder);
    const char *vault = arena_printf(arena, "%s/vault/data.mdb", folder);
    const char *files = arena_printf(arena, "%s/files/data.mdb", folder);
    if (sync_file(store) && sync_file(vault) && sync_file(files))
        return true;
    cli_fail("%s cannot be synced: %s", folder, strerror(errno));
    return false;
}

/* True when this instance has copied all of its snapshot; adds to the sums. */
static bool copied(struct backup *backup, size_t i, const Bus__SnapshotReport *snapshot, uint64_t *rows,
                   uint64_t *total, bool *failed)
{
    const char *name = config_service_name(backup->instances[i]->service), *folder = copy_of(backup, i);
    bool same = snapshot && strcmp(snapshot->path, folder) == 0;
    *failed = !same || *snapshot->error;
    if (!same)
        cli_fail("%s gave its snapshot up: it was restarted, or another backup began", name);
    else if (*failed)
        cli_fail("%s cannot write its copy into %s: %s", name, folder, snapshot->error);
    if (*failed)
        return false;
    *rows += snapshot->rows;
    *total += snapshot->rows_total;
    return snapshot->done;
}

static bool await_copies(struct backup *backup)
{
    uint64_t before = 0;
    int64_t moved = ms_of(CLOCK_MONOTONIC);
    for (;;) {
        struct arena_mark mark = arena_mark(&backup->cli->arena);
        const Bus__PositionReport *reports[CONFIG_INSTANCES_MAX] = {NULL};
        uint64_t rows = 0, total = 0;
        size_t done = 0;
        if (!ask_all(backup, BUS__CONTROL__WHAT__POSITION, reports))
            return false;
        for (size_t i = 0; i < backup->count; i++) {
            bool failed;
            bug_unless(reports[i]);
            done += copied(backup, i, reports[i]->snapshot, &rows, &total, &failed);
            if (failed || !sync_copy(backup, backup->instances[i]))
                return false;
        }
        arena_return(&backup->cli->arena, mark);
        cli_progress(done == backup->count, "backup: %" PRIu64 " of %" PRIu64 " rows copied", rows, total);
        if (done == backup->count)
            return true;
        if (rows != before)
            moved = ms_of(CLOCK_MONOTONIC);
        before = rows;
        if (ms_of(CLOCK_MONOTONIC) - moved > STALLED_MS)
            return cli_fail("nothing was copied for %d s", STALLED_MS / 1000), false;
        pause_ms(LOOK_MS);
    }
}

/* ---- the manifest ---- */

static bool add_file(struct backup *backup, const char *path)
{
    struct arena *arena = &backup->cli->arena;
    Backup__Manifest *manifest = &backup->manifest;
    Backup__File *file = arena_alloc(arena, sizeof *file);
    backup__file__init(file);
    file->path = arena_strdup(arena, path);
    file->blake2b = (ProtobufCBinaryData){BACKUP_HASH_BYTES, arena_alloc(arena, BACKUP_HASH_BYTES)};
    if (!backup_file_hash(arena_printf(arena, "%s/%s", backup->folder, path), NULL, &file->bytes, file->blake2b.data))
        return false;
    manifest->files = arena_grow(arena, manifest->files, manifest->n_files, sizeof *manifest->files);
    manifest->files[manifest->n_files++] = file;
    backup->bytes += file->bytes;
    return true;
}

/* What an instance keeps beside its log, where it does. */
static bool add_beside(struct backup *backup, const char *folder, const char *inside, const char *name)
{
    struct arena *arena = &backup->cli->arena;
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    if (access(path, F_OK))
        return true;
    unlink(arena_printf(arena, "%s/lock.mdb", path));
    return add_file(backup, arena_printf(arena, "%s/%s/data.mdb", inside, name)) && backup_sync_folder(path);
}

static bool add_instance(struct backup *backup, const Config__Instance *instance)
{
    struct arena *arena = &backup->cli->arena;
    Backup__Manifest *manifest = &backup->manifest;
    const char *folder = backup_instance_path(backup->cli, backup->folder, instance);
    const char *inside = folder + strlen(backup->folder) + 1;
    Backup__Log *log;
    cli_progress(false, "backup: checking %s", config_service_name(instance->service));
    if (!backup_log_read(backup->cli, folder, instance, &log))
        return false;
    manifest->logs = arena_grow(arena, manifest->logs, manifest->n_logs, sizeof *manifest->logs);
    manifest->logs[manifest->n_logs++] = log;
    if (!add_file(backup, arena_printf(arena, "%s/data.mdb", inside)))
        return false;
    return add_beside(backup, folder, inside, "vault") && add_beside(backup, folder, inside, "files") &&
           backup_sync_folder(folder);
}

/* The erased keys of all backups so far: whichever of them is restored, they stay erased. */
static bool keep_erasures(struct backup *backup)
{
    struct cli *cli = backup->cli;
    const char *path = arena_printf(&cli->arena, "%s/erasures", backup->target);
    struct erasures erasures;
    enum err err = backup_erasures_read(cli, path, &erasures);
    if (err && err != ERR_NOT_FOUND)
        return false;
    for (size_t i = 0; i < backup->count; i++) {
        uint64_t *ids;
        size_t count;
        if (backup->instances[i]->service != HB__SERVICE__INTAKE)
            continue;
        const char *folder = backup_instance_path(cli, backup->folder, backup->instances[i]);
        const char *vault = arena_printf(&cli->arena, "%s/vault", folder);
        err = atrest_erased(vault, &cli->arena, &ids, &count);
        if (err)
            return cli_fail("%s: %s", vault, err_text(err)), false;
        if (!planted("forget_erasures"))
            backup_erasures_add(cli, &erasures, ids, count);
    }
    return backup_erasures_write(cli, path, &erasures);
}

static bool describe(struct backup *backup)
{
    struct cli *cli = backup->cli;
    const char *config = arena_printf(&cli->arena, "%s/hearback.yaml", backup->folder);
    uint64_t bytes;
    uint8_t hash[BACKUP_HASH_BYTES];
    if (!backup_file_hash(cli_path(cli, "hearback.yaml"), config, &bytes, hash) || !add_file(backup, "hearback.yaml"))
        return false;
    if (!keep_erasures(backup)) /* before the hashes: it opens the vault's copy */
        return false;
    for (size_t i = 0; i < backup->count; i++)
        if (!add_instance(backup, backup->instances[i]))
            return false;
    return backup_is_cut(&backup->manifest, strtoull(cli->config->cell, NULL, 16));
}

/* ---- the keys ---- */

static bool add_key(struct backup *backup, Backup__Keys *keys, const Config__Instance *instance)
{
    struct cli *cli = backup->cli;
    Backup__Key *key = arena_alloc(&cli->arena, sizeof *key);
    struct bytes text;
    backup__key__init(key);
    key->name = arena_printf(&cli->arena, "%s-%" PRIu32, config_service_name(instance->service), instance->partition);
    char path[CONFIG_EPOCH_PATH_MAX];
    config_epoch_path(path, cli->config->epoch_keys, instance->service, instance->partition);
    if (!cli_read(cli, path, &text))
        return cli_fail("%s cannot be read: %s", path, strerror(errno)), false;
    key->key = (ProtobufCBinaryData){text.size, (uint8_t *)(uintptr_t)text.data};
    keys->keys = arena_grow(&cli->arena, keys->keys, keys->n_keys, sizeof *keys->keys);
    keys->keys[keys->n_keys++] = key;
    return true;
}

/* A rotation may have come between the snapshot and the reading of the key. */
static bool key_opens(struct backup *backup, const Backup__Key *key, const Config__Instance *instance)
{
    struct cli *cli = backup->cli;
    const char *folder = backup_instance_path(cli, backup->folder, instance), *why = NULL;
    const char *path = arena_printf(&cli->arena, "%s/trial.key", backup->folder);
    if (!backup_key_write(path, key))
        return false;
    struct vault_options options = {.folder = arena_printf(&cli->arena, "%s/vault", folder), .epoch_path = path};
    struct vault *vault;
    enum err err = vault_open_dir(&options, &cli->arena, &vault, &why);
    unlink(path);
    if (err)
        return cli_fail("the epoch key does not open the copy (%s); try again", why && *why ? why : err_text(err)),
               false;
    vault_close(vault);
    return true;
}

static bool write_keys(struct backup *backup)
{
    Backup__Keys keys = BACKUP__KEYS__INIT;
    keys.cell = backup->cli->config->cell;
    keys.at_ms = backup->manifest.at_ms;
    for (size_t i = 0; i < backup->count; i++)
        if (config_has_vault(backup->instances[i]->service) &&
            (!add_key(backup, &keys, backup->instances[i]) ||
             !key_opens(backup, keys.keys[keys.n_keys - 1], backup->instances[i])))
            return false;
    return backup_document_write(backup->cli, backup->keys, &keys.base);
}

/* Key and backup in one place would be as good as no seal. */
static bool keys_apart(const struct backup *backup)
{
    char folder[4200];
    snprintf(folder, sizeof folder, "%s", backup->keys);
    char *real = realpath(dirname(folder), NULL);
    size_t size = strlen(backup->target);
    bool within = real && strncmp(real, backup->target, size) == 0 && (real[size] == 0 || real[size] == '/');
    if (!real)
        cli_fail("%s: %s", backup->keys, strerror(errno));
    else if (within)
        cli_fail("%s lies within %s: whoever gets the backup would get its keys; name a file elsewhere", backup->keys,
                 backup->target);
    free(real);
    return real && !within;
}

/* ---- from the beginning to the end ---- */

static bool begin(struct backup *backup, const char *target)
{
    struct arena *arena = &backup->cli->arena;
    struct tm time;
    char name[32];
    if (!backup_make_folder(target))
        return false;
    char *real = realpath(target, NULL);
    if (!real)
        return cli_fail("%s: %s", target, strerror(errno)), false;
    backup->target = arena_strdup(arena, real);
    free(real);
    time_t now = (time_t)(ms_of(CLOCK_REALTIME) / 1000);
    strftime(name, sizeof name, "%Y-%m-%dT%H%M%SZ", gmtime_r(&now, &time));
    backup->path = arena_printf(arena, "%s/%s", backup->target, name);
    backup->folder = arena_printf(arena, "%s.partial", backup->path);
    if (backup->keys && !keys_apart(backup))
        return false;
    if (access(backup->path, F_OK) == 0 || access(backup->folder, F_OK) == 0)
        return cli_fail("%s: another backup began in this very second", backup->path), false;
    for (size_t i = 0; i < backup->count; i++)
        if (!backup_make_folder(backup_instance_path(backup->cli, backup->folder, backup->instances[i])))
            return false;
    return true;
}

static void add_instances(struct backup *backup)
{
    const Config__Config *config = backup->cli->config;
    for (size_t i = 0; i < config->n_instances; i++)
        if (cli_is_service(config->instances[i]))
            backup->instances[backup->count++] = config->instances[i];
}

/* The copies are at most as large as what they are copied from. */
static bool has_room(struct backup *backup)
{
    uint64_t need = 0;
    struct stat stat;
    struct statvfs disk;
    for (size_t i = 0; i < backup->count; i++) {
        char *folder = config_instance_folder(backup->cli->config, backup->instances[i], &backup->cli->arena);
        if (lstat(arena_printf(&backup->cli->arena, "%s/data.mdb", folder), &stat) == 0)
            need += (uint64_t)stat.st_size;
        if (lstat(arena_printf(&backup->cli->arena, "%s/vault/data.mdb", folder), &stat) == 0)
            need += (uint64_t)stat.st_size;
        if (lstat(arena_printf(&backup->cli->arena, "%s/files/data.mdb", folder), &stat) == 0)
            need += (uint64_t)stat.st_size;
    }
    if (statvfs(backup->target, &disk) || (uint64_t)disk.f_bavail * disk.f_frsize >= need)
        return true;
    cli_fail("%s has room for %" PRIu64 " MB, the backup needs up to %" PRIu64 " MB", backup->target,
             (uint64_t)disk.f_bavail * disk.f_frsize >> 20, need >> 20);
    return false;
}

static bool finish(struct backup *backup)
{
    const char *manifest = arena_printf(&backup->cli->arena, "%s/manifest.json", backup->folder);
    const char *data = arena_printf(&backup->cli->arena, "%s/data", backup->folder);
    if (!backup_document_write(backup->cli, manifest, &backup->manifest.base) || !backup_sync_folder(data) ||
        !backup_sync_folder(backup->folder))
        return false;
    if (rename(backup->folder, backup->path))
        return cli_fail("%s cannot be renamed: %s", backup->folder, strerror(errno)), false;
    return backup_sync_folder(backup->target);
}

static void report(const struct backup *backup)
{
    const Backup__Manifest *manifest = &backup->manifest;
    uint64_t events = 0;
    for (size_t i = 0; i < manifest->n_logs; i++)
        events += manifest->logs[i]->end;
    if (backup->cli->json)
        cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:b}", "path", backup->path, "events", (json_int_t)events,
                                 "bytes", (json_int_t)backup->bytes, "held_ms", (json_int_t)manifest->held_ms, "keys",
                                 backup->keys != NULL));
    else
        printf("%s: %" PRIu64 " events, %" PRIu64 " KB; services held for %" PRIu32
               " ms, commands were taken throughout\n",
               backup->path, events, backup->bytes >> 10, manifest->held_ms);
    if (backup->keys)
        fprintf(stderr, "%s opens the personal data in this backup: keep the two apart\n", backup->keys);
    else
        fprintf(
            stderr,
            "the epoch keys are not in it: without those of %s nobody, you included, can read the personal data in\n"
            "it; keep a copy of them apart from the backup (--with-keys FILE writes one)\n",
            backup->cli->config->epoch_keys);
}

static bool make(struct backup *backup)
{
    return has_room(backup) && ask_all(backup, BUS__CONTROL__WHAT__POSITION, NULL) && cut(backup) &&
           await_copies(backup) && (!backup->keys || write_keys(backup)) && describe(backup) && finish(backup);
}

int cli_backup(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {{"with-keys", required_argument, NULL, 'k'}, {0}};
    struct backup backup = {.cli = cli, .manifest = BACKUP__MANIFEST__INIT};
    int option;
    while ((option = cli_option(argc, argv, known, NULL)) == 'k')
        backup.keys = optarg;
    if (option != -1 || optind != argc - 1)
        return cli_usage("hearback backup DIR [--with-keys FILE]\n"
                         "  makes DIR/<time>, a consistent copy of all services, while they go on; and DIR/erasures,\n"
                         "  which every restore of a backup in DIR applies\n"
                         "  --with-keys FILE  writes the keys of the personal data to FILE; keep it apart from DIR");
    if (!cli_config(cli))
        return CLI_FAILED;
    add_instances(&backup);
    backup.manifest.format = BACKUP_FORMAT;
    backup.manifest.version = HEARBACK_VERSION;
    backup.manifest.cell = cli->config->cell;
    if (!begin(&backup, argv[optind]))
        return CLI_FAILED;
    if (!make(&backup)) {
        backup.given_up = true; /* whoever copies stops, and is not asked why it could not */
        ask_all(&backup, BUS__CONTROL__WHAT__SNAPSHOT, NULL);
        backup_remove_tree(backup.folder);
        return cli_fail("there is no backup: what was begun is removed again");
    }
    report(&backup);
    return CLI_GOOD;
}
