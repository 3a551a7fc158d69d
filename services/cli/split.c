/* `hearback split SERVICE PARTITION --at BUCKET`: divides a partition at rest. The new partition begins as a copy of
   the whole folder; then the configuration is written, and with it the split is made: at its next start each half says
   LogForked and makes the tables of its share anew (common/service/fork.c). A kill before that leaves the old system
   and a copy nobody names, which the next attempt removes; a kill after it leaves the new one. */
#include "backup.h"

#include "base/number.h"
#include "config/config.h"
#include "service/atrest.h"
#include "store/store.h"
#include "up.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COPY_STEP_BYTES (1u << 20)

struct split {
    struct cli *cli;
    const Config__Instance *from;
    Config__Instance *into;
    uint32_t at;
    const char *endpoint;
    const char *name;             /* "casework-1" */
    const char *folder, *partial; /* of the new partition */
    uint8_t end_hash[32];         /* of the log to divide */
};

static const char usage[] =
    "hearback split SERVICE PARTITION --at BUCKET [--endpoint URL]\n"
    "  divides a partition that is stopped: it keeps the buckets below BUCKET, a new one gets those from there on.\n"
    "  A site lives in one of 1024 buckets for good (`hearback status` shows who has which); all but directory and\n"
    "  gateway can be divided. Afterwards every instance needs the new hearback.yaml and is started again\n"
    "  --endpoint URL  where the new partition listens; needed when the old one listens on tcp://";

/* ---- may it be done? ---- */

static bool read_number(const char *text, uint32_t *number_out)
{
    uint64_t number;
    bool good = number_read(text, CONFIG_BUCKETS, &number);
    *number_out = (uint32_t)number;
    return good;
}

static bool choose(struct split *split, const char *service_name, const char *partition_text)
{
    Hb__Service service = config_service_of_name(service_name);
    uint32_t partition;
    if (service == HB__SERVICE__SERVICE_NONE || service == HB__SERVICE__DIRECTORY || service == HB__SERVICE__GATEWAY)
        return cli_fail("%s: accepted: intake routing casework watchdog escalation notification analytics. A directory "
                        "is heard whole by all,\n  a gateway keeps nothing: list further gateways in hearback.yaml",
                        service_name),
               false;
    split->from =
        read_number(partition_text, &partition) ? config_instance(split->cli->config, service, partition) : NULL;
    if (!split->from)
        return cli_fail("%s names no partition %s of %s", cli_path(split->cli, "hearback.yaml"), partition_text,
                        service_name),
               false;
    if (split->cli->config->n_instances == CONFIG_INSTANCES_MAX)
        return cli_fail("%s names 64 instances: it accepts no more", cli_path(split->cli, "hearback.yaml")), false;
    if (split->at <= split->from->bucket_from || split->at >= config_bucket_end(split->from))
        return cli_fail("--at: this partition has the buckets %" PRIu32 " to %" PRIu32 ": a number between is accepted",
                        split->from->bucket_from, config_bucket_end(split->from)),
               false;
    return true;
}

/* The lock goes with this process: whoever has the folder open is running. */
static bool lock_folder(const struct split *split, const char *folder)
{
    const char *path = arena_printf(&split->cli->arena, "%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (fd < 0)
        cli_fail("%s: %s: is this the machine of that partition?", path, strerror(errno));
    else
        cli_fail("%s is in use: stop %s-%" PRIu32 " first (`hearback up` ends with Ctrl-C; or systemctl stop)", folder,
                 config_service_name(split->from->service), split->from->partition);
    return false;
}

/* ---- the new partition ---- */

static const char *socket_beside(struct split *split, const char *name)
{
    struct arena *arena = &split->cli->arena;
    const char *old = split->from->endpoint, *slash = strrchr(old, '/');
    if (split->endpoint)
        return split->endpoint;
    if (strncmp(old, "ipc://", 6) == 0)
        return arena_printf(arena, "%.*s/%s.ipc", (int)(slash - old), old, name);
    cli_fail("--endpoint: %s-%" PRIu32 " listens on %s; say where the new partition will listen",
             config_service_name(split->from->service), split->from->partition, old);
    return NULL;
}

static bool name_new(struct split *split)
{
    struct arena *arena = &split->cli->arena;
    const Config__Config *config = split->cli->config;
    Config__Instance *into = split->into = arena_alloc(arena, sizeof *into);
    *into = *split->from;
    into->partition = 0;
    for (size_t i = 0; i < config->n_instances; i++)
        if (config->instances[i]->service == into->service && config->instances[i]->partition >= into->partition)
            into->partition = config->instances[i]->partition + 1;
    into->bucket_from = split->at;
    into->bucket_to = config_bucket_end(split->from);
    into->public_key = "";
    into->forked = true;
    into->forked_from = split->from->partition;
    split->name = arena_printf(arena, "%s-%" PRIu32, config_service_name(into->service), into->partition);
    split->folder = config_instance_folder(config, into, arena);
    split->partial = arena_printf(arena, "%s.partial", split->folder);
    into->endpoint = (char *)(uintptr_t)socket_beside(split, split->name);
    const char *port = into->endpoint ? strrchr(into->endpoint, ':') : NULL;
    if (port && *into->listen) /* the same addresses, and the port it was given */
        into->listen =
            arena_printf(arena, "%.*s%s", (int)(strrchr(into->listen, ':') - into->listen), into->listen, port);
    return into->endpoint != NULL;
}

/* Reads the whole chain: a damaged log is not divided. */
static bool check_log(struct split *split, const char *folder)
{
    Bus__PositionReport report;
    int64_t recorded_ms;
    char why[512];
    if (atrest_position(folder, split->from->service, split->from->partition, &split->cli->arena, &report, &recorded_ms,
                        why, sizeof why))
        return cli_fail("%s: %s", folder, why), false;
    split->into->forked_at = report.end;
    bug_unless(report.end_hash.len == sizeof split->end_hash);
    memcpy(split->end_hash, report.end_hash.data, sizeof split->end_hash);
    return true;
}

static bool has_room(struct split *split, const char *folder)
{
    struct statvfs disk;
    struct stat stat;
    if (statvfs(folder, &disk) || lstat(arena_printf(&split->cli->arena, "%s/data.mdb", folder), &stat))
        return true;
    uint64_t bytes = (uint64_t)stat.st_size;
    if (lstat(arena_printf(&split->cli->arena, "%s/files/data.mdb", folder), &stat) == 0)
        bytes += (uint64_t)stat.st_size;
    if ((uint64_t)disk.f_bavail * disk.f_frsize >= bytes * 2)
        return true;
    cli_fail("%s: there must be room for two more copies of %" PRIu64 " MB", folder, bytes >> 20);
    return false;
}

static bool copy_store(struct split *split, const char *from, const char *to)
{
    struct store_options options = {.folder_exists = true};
    struct store *store;
    struct store_snapshot *snapshot = NULL;
    uint64_t done, total;
    enum err err = store_open(from, &options, &store);
    if (err)
        return cli_fail("%s: %s", from, err_text(err)), false;
    if (!backup_make_folder(to))
        err = ERR_IO;
    if (!err)
        err = store_snapshot_open(store, to, &snapshot);
    while (!err && store_snapshot_step(snapshot, COPY_STEP_BYTES, &err)) {
        store_snapshot_rows(snapshot, &done, &total);
        cli_progress(false, "split: %" PRIu64 " of %" PRIu64 " rows copied", done, total);
    }
    store_snapshot_close(snapshot);
    store_close(store);
    int fd = err ? -1 : open(arena_printf(&split->cli->arena, "%s/data.mdb", to), O_RDWR | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!good)
        cli_fail("%s cannot be copied to %s: %s", from, to, err ? err_text(err) : strerror(errno));
    return good && backup_sync_folder(to);
}

/* Both halves open the vault with the same epoch key at first; each makes itself a new one when it has dropped the keys
   of the other's cases. */
static bool copy_vault(struct split *split, const char *folder)
{
    struct cli *cli = split->cli;
    char from[CONFIG_EPOCH_PATH_MAX], to[CONFIG_EPOCH_PATH_MAX];
    config_epoch_path(from, cli->config->epoch_keys, split->from->service, split->from->partition);
    config_epoch_path(to, cli->config->epoch_keys, split->into->service, split->into->partition);
    uint64_t bytes;
    uint8_t hash[BACKUP_HASH_BYTES];
    if (access(arena_printf(&cli->arena, "%s/vault", folder), F_OK))
        return true;
    unlink(to); /* of an attempt that was cut off */
    return copy_store(split, arena_printf(&cli->arena, "%s/vault", folder),
                      arena_printf(&cli->arena, "%s/vault", split->partial)) &&
           backup_file_hash(from, to, &bytes, hash) && backup_sync_folder(dirname(from));
}

/* Each half drops the files of the other's cases by and by. */
static bool copy_files(struct split *split, const char *folder)
{
    struct cli *cli = split->cli;
    const char *files = arena_printf(&cli->arena, "%s/files", folder);
    return access(files, F_OK) != 0 || copy_store(split, files, arena_printf(&cli->arena, "%s/files", split->partial));
}

/* An attempt that was cut off before the configuration was written leaves a whole copy; nothing else is removed. */
static bool remove_copy(struct split *split)
{
    Bus__PositionReport report;
    int64_t recorded_ms;
    char why[512];
    if (access(split->folder, F_OK))
        return true;
    bool copy = atrest_position(split->folder, split->from->service, split->from->partition, &split->cli->arena,
                                &report, &recorded_ms, why, sizeof why) == ERR_NONE &&
                report.end == split->into->forked_at &&
                bytes_equal(bytes_of(report.end_hash.data, report.end_hash.len),
                            bytes_of(split->end_hash, sizeof split->end_hash));
    if (copy)
        backup_remove_tree(split->folder);
    else
        cli_fail(
            "%s is in the way: no instance of the configuration, nor a fresh copy by a split that was cut off; see "
            "what it is, and move it away",
            split->folder);
    return copy;
}

static bool make_folder(struct split *split, const char *folder)
{
    backup_remove_tree(split->partial);
    if (!remove_copy(split) || !copy_store(split, folder, split->partial) || !copy_vault(split, folder) ||
        !copy_files(split, folder))
        return false;
    if (rename(split->partial, split->folder))
        return cli_fail("%s: %s", split->folder, strerror(errno)), false;
    return backup_sync_folder(split->cli->config->data);
}

static bool write_configuration(struct split *split)
{
    struct cli *cli = split->cli;
    Config__Config *config = cli->config;
    const char *path = cli_path(cli, "hearback.yaml");
    ((Config__Instance *)(uintptr_t)split->from)->bucket_to = split->at;
    config->instances = arena_grow(&cli->arena, config->instances, config->n_instances, sizeof *config->instances);
    config->instances[config->n_instances++] = split->into;
    enum err err = config_key_create(config, split->name, &split->into->public_key, &cli->arena);
    if (err)
        return cli_fail("the key of %s cannot be made in %s: %s", split->name, config->secrets, err_text(err)), false;
    err = config_save(path, config);
    return err ? cli_fail("%s cannot be written: %s", path, err_text(err)), false : true;
}

static void say_done(const struct split *split)
{
    const Config__Instance *into = split->into;
    const char *service = config_service_name(into->service);
    cli_progress(true, "split: copied");
    if (split->cli->json) {
        cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:s, s:I}", "service", service, "from",
                                 (json_int_t)into->forked_from, "into", (json_int_t)into->partition, "at",
                                 (json_int_t)split->at, "endpoint", into->endpoint, "offset",
                                 (json_int_t)into->forked_at));
        return;
    }
    printf(
        "%s-%" PRIu32 " keeps the buckets %" PRIu32 " to %" PRIu32 ", %s has %" PRIu32 " to %" PRIu32 " at %s\n"
        "both logs are one up to offset %" PRIu64 "; at their next start the halves make their tables anew\n"
        "next: give every machine this hearback.yaml and start every instance again (`hearback up` does both here);\n"
        "      to run %s elsewhere, move %s and %s/%s.secret there%s\n",
        service, into->forked_from, split->from->bucket_from, split->at, split->name, split->at, into->bucket_to,
        into->endpoint, into->forked_at, split->name, split->folder, split->cli->config->secrets, split->name,
        into->service == HB__SERVICE__INTAKE ? ", with its file in epoch-keys/intake" : "");
}

int cli_split(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {
        {"at", required_argument, NULL, 'a'}, {"endpoint", required_argument, NULL, 'e'}, {0}};
    struct split split = {.cli = cli};
    bool at = false;
    int option;
    while ((option = cli_option(argc, argv, known, NULL)) != -1) {
        if (option == 'a')
            at = read_number(optarg, &split.at);
        else if (option == 'e')
            split.endpoint = optarg;
        else
            return cli_usage(usage);
    }
    if (optind != argc - 2 || !at)
        return cli_usage(usage);
    if (split.endpoint && strncmp(split.endpoint, "tcp://", 6) != 0 && strncmp(split.endpoint, "ipc://", 6) != 0)
        return cli_fail("--endpoint: ipc:///path or tcp://host:port is accepted"), CLI_USAGE;
    if (!up_folder(cli) || !cli_config(cli) || !choose(&split, argv[optind], argv[optind + 1]))
        return CLI_FAILED;
    const char *folder = config_instance_folder(cli->config, split.from, &cli->arena);
    if (!lock_folder(&split, folder) || !name_new(&split) || !check_log(&split, folder) || !has_room(&split, folder) ||
        !make_folder(&split, folder) || !write_configuration(&split))
        return CLI_FAILED;
    say_done(&split);
    return CLI_GOOD;
}
