/* `hearback restore BACKUP --data DIR`: a system from a backup. Everything is checked before anything is made; the
   erasures known at the backup's place are applied; every log begins a new epoch, so that nothing which still knows the
   old one mistakes the two. Until all is there DIR bears a mark (`restoring`): with it DIR holds no system for any
   command, `up` makes none of it, and whoever restores again begins anew. The lock of DIR is held to the end: who
   finds the mark and has the lock knows that the other restore was cut off. */
#include "backup.h"
#include "up.h"

#include "base/number.h"
#include "config/config.h"
#include "service/atrest.h"
#include "vault/vault.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SKIP_DEFAULT 100u
#define SKIP_MAX 1000000u
#define DOCUMENT_ENDS "manifest.json"

struct restore {
    struct cli *cli;
    const char *backup, *keys, *erasures;
    uint32_t skip;
    Backup__Manifest *manifest;
    Config__Config *config;
    Backup__Keys *keys_document; /* NULL: --keys names a folder */
    struct erasures erased;
    bool rotated;
    uint64_t bytes, bytes_total;
};

/* ---- what is restored ---- */

static bool is_backup(struct cli *cli, const char *folder)
{
    return access(arena_printf(&cli->arena, "%s/" DOCUMENT_ENDS, folder), F_OK) == 0;
}

/* A backup, or a folder of backups: then the newest of them. Their names are times. */
static bool find_backup(struct restore *restore, const char *path)
{
    struct cli *cli = restore->cli;
    char *real = realpath(path, NULL);
    if (!real)
        return cli_fail("%s: %s", path, strerror(errno)), false;
    const char *found = is_backup(cli, real) ? arena_strdup(&cli->arena, real) : NULL;
    DIR *folder = found ? NULL : opendir(real);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *inside = arena_printf(&cli->arena, "%s/%s", real, entry->d_name);
        if (entry->d_name[0] != '.' && is_backup(cli, inside) && (!found || strcmp(inside, found) > 0))
            found = inside;
    }
    if (folder)
        closedir(folder);
    free(real);
    restore->backup = found;
    if (!found)
        cli_fail("%s holds no backup (no " DOCUMENT_ENDS "): a backup that was cut off has none and is none", path);
    return found != NULL;
}

/* Every log and every cursor says which log it is of: whoever compares them later relies on it. */
static bool manifest_whole(const Backup__Manifest *manifest)
{
    for (size_t i = 0; i < manifest->n_logs; i++) {
        if (!manifest->logs[i]->log)
            return false;
        for (size_t c = 0; c < manifest->logs[i]->n_cursors; c++)
            if (!manifest->logs[i]->cursors[c]->log)
                return false;
    }
    return true;
}

static bool read_manifest(struct restore *restore)
{
    struct cli *cli = restore->cli;
    const char *path = arena_printf(&cli->arena, "%s/" DOCUMENT_ENDS, restore->backup);
    ProtobufCMessage *message;
    if (!backup_document_read(cli, path, &backup__manifest__descriptor, &message))
        return false;
    restore->manifest = (Backup__Manifest *)message;
    if (restore->manifest->format != BACKUP_FORMAT)
        return cli_fail("%s: format %" PRIu32 " was written by version %s; this one reads format %u", path,
                        restore->manifest->format, restore->manifest->version, BACKUP_FORMAT),
               false;
    if (!manifest_whole(restore->manifest))
        return cli_fail("%s: a log or a cursor in it names no log: the manifest is damaged; restore another backup",
                        path),
               false;
    for (size_t i = 0; i < restore->manifest->n_files; i++)
        restore->bytes_total += restore->manifest->files[i]->bytes;
    return true;
}

/* With `to` its bytes are put there. */
static bool check_file(struct restore *restore, const Backup__File *file, const char *to)
{
    const char *path = arena_printf(&restore->cli->arena, "%s/%s", restore->backup, file->path);
    uint8_t hash[BACKUP_HASH_BYTES];
    uint64_t bytes;
    if (strstr(file->path, "..") || file->path[0] == '/')
        return cli_fail("%s: the manifest names a file outside the backup", file->path), false;
    if (!backup_file_hash(path, to, &bytes, hash))
        return false;
    restore->bytes += bytes;
    bool same = bytes == file->bytes &&
                bytes_equal(bytes_of(hash, sizeof hash), bytes_of(file->blake2b.data, file->blake2b.len));
    if (!same)
        cli_fail("%s is not the file of the manifest (%" PRIu64 " bytes, it says %" PRIu64
                 ", or another content): the backup is damaged; restore another one",
                 path, bytes, file->bytes);
    return same;
}

static bool has_file(const struct restore *restore, const char *path)
{
    for (size_t i = 0; i < restore->manifest->n_files; i++)
        if (strcmp(restore->manifest->files[i]->path, path) == 0)
            return true;
    return false;
}

static const Backup__Log *manifest_log(const struct restore *restore, const Config__Instance *instance)
{
    for (size_t i = 0; i < restore->manifest->n_logs; i++) {
        const Hb__LogId *log = restore->manifest->logs[i]->log;
        if (log->service == instance->service && log->partition == instance->partition)
            return restore->manifest->logs[i];
    }
    return NULL;
}

/* The log in the backup is the one the manifest tells of, whole and unaltered. */
static bool check_log(struct restore *restore, const Config__Instance *instance)
{
    struct cli *cli = restore->cli;
    const char *name = config_service_name(instance->service);
    const Backup__Log *said = manifest_log(restore, instance);
    const char *folder = backup_instance_path(cli, "", instance) + 1;
    Backup__Log *log;
    if (!said || !has_file(restore, arena_printf(&cli->arena, "%s/data.mdb", folder)))
        return cli_fail("%s: the manifest has no log of %s", restore->backup, name), false;
    if (!backup_log_read(cli, backup_instance_path(cli, restore->backup, instance), instance, &log))
        return false;
    bool same =
        log->end == said->end && log->log->epoch == said->log->epoch && log->log->cell == said->log->cell &&
        bytes_equal(bytes_of(log->end_hash.data, log->end_hash.len), bytes_of(said->end_hash.data, said->end_hash.len));
    if (!same)
        cli_fail("%s: the log ends at offset %" PRIu64 ", the manifest says %" PRIu64 ": the backup is damaged", name,
                 log->end, said->end);
    return same;
}

static bool check_backup(struct restore *restore)
{
    struct cli *cli = restore->cli;
    const Backup__Manifest *manifest = restore->manifest;
    char *why = NULL;
    for (size_t i = 0; i < manifest->n_files; i++) {
        cli_progress(i + 1 == manifest->n_files, "checking the backup: %" PRIu64 " of %" PRIu64 " KB",
                     restore->bytes >> 10, restore->bytes_total >> 10);
        if (!check_file(restore, manifest->files[i], NULL))
            return false;
    }
    enum err err = config_load(arena_printf(&cli->arena, "%s/hearback.yaml", restore->backup), &cli->arena,
                               &restore->config, &why);
    if (err)
        return cli_fail("%s", why ? why : err_text(err)), false;
    for (size_t i = 0; i < restore->config->n_instances; i++)
        if (cli_is_service(restore->config->instances[i]) && !check_log(restore, restore->config->instances[i]))
            return false;
    return backup_is_cut(manifest, strtoull(manifest->cell, NULL, 16));
}

/* ---- what else is needed ---- */

static bool is_folder(const char *path)
{
    struct stat stat;
    return lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode);
}

static bool check_keys(struct restore *restore)
{
    ProtobufCMessage *message;
    if (!restore->keys)
        return cli_fail(
                   "--keys is missing: the personal data in a backup is sealed under epoch keys that are not in it. "
                   "Give the file\n  that `hearback backup --with-keys` wrote, or the folder epoch-keys of the "
                   "former system"),
               false;
    if (is_folder(restore->keys))
        return true;
    if (!backup_document_read(restore->cli, restore->keys, &backup__keys__descriptor, &message))
        return false;
    restore->keys_document = (Backup__Keys *)message;
    if (strcmp(restore->keys_document->cell, restore->manifest->cell) != 0)
        return cli_fail("%s holds the keys of cell %s, the backup is of cell %s", restore->keys,
                        restore->keys_document->cell, restore->manifest->cell),
               false;
    return true;
}

static bool read_erasures(struct restore *restore)
{
    struct cli *cli = restore->cli;
    char *parent = arena_strdup(&cli->arena, restore->backup);
    if (!restore->erasures)
        restore->erasures = arena_printf(&cli->arena, "%s/erasures", dirname(parent));
    if (strcmp(restore->erasures, "none") == 0)
        return true;
    enum err err = backup_erasures_read(cli, restore->erasures, &restore->erased);
    if (err == ERR_NOT_FOUND)
        cli_fail("%s is missing: it names whose data was erased since the backup, and must not come back. Give the "
                 "file `erasures`\n  of the folder the backups were made in (--erasures FILE), or --erasures none if "
                 "nothing was ever erased",
                 restore->erasures);
    return !err;
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {".", "..", UP_LOCK, UP_RESTORING, "restoring.new"}; /* cli_write's */
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

static bool remove_left(const char *path)
{
    return backup_remove_tree(path) || (cli_fail("%s cannot be removed: %s", path, strerror(errno)), false);
}

/* The configuration first, for good: whatever does not know the mark finds no system of which a part is gone. */
static bool remove_configuration(struct cli *cli)
{
    const char *path = cli_path(cli, "hearback.yaml");
    return access(path, F_OK) != 0 || (remove_left(path) && backup_sync_folder(cli->folder));
}

/* What a restore that was cut off has left may go, and nothing else. */
static bool is_free(struct cli *cli)
{
    bool cut_off = up_restoring(cli), good = !cut_off || remove_configuration(cli);
    DIR *folder = good ? opendir(cli->folder) : NULL;
    if (good && !folder)
        return cli_fail("%s cannot be read: %s", cli->folder, strerror(errno)), false;
    unsigned others = 0;
    for (struct dirent *entry; good && (entry = readdir(folder));) {
        if (is_ours(entry->d_name))
            continue;
        if (cut_off)
            good = remove_left(cli_path(cli, entry->d_name));
        else
            others++;
    }
    if (folder)
        closedir(folder);
    if (others)
        cli_fail(
            "%s is not empty: a backup is restored into a folder of its own, never over a system; move away what is "
            "there, or name another folder",
            cli->folder);
    return good && !others;
}

static bool mark(struct cli *cli)
{
    const char *path = cli_path(cli, UP_RESTORING);
    return cli_write(path, "") || (cli_fail("%s cannot be written: %s", path, strerror(errno)), false);
}

static bool unmark(struct cli *cli)
{
    const char *path = cli_path(cli, UP_RESTORING);
    if (unlink(path))
        return cli_fail("%s: %s; while it is there %s holds no system: restore again, and it begins anew", path,
                        strerror(errno), cli->folder),
               false;
    if (backup_sync_folder(cli->folder))
        return true;
    cli_fail(
        "%s holds the whole system; but if the power goes before that was written, `restoring` stands there again: "
        "then restore again, and it begins anew",
        cli->folder);
    return false;
}

/* ---- making it ---- */

static bool copy_files(struct restore *restore)
{
    struct cli *cli = restore->cli;
    const Backup__Manifest *manifest = restore->manifest;
    restore->bytes = 0;
    for (size_t i = 0; i < manifest->n_files; i++) {
        const Backup__File *file = manifest->files[i];
        if (strncmp(file->path, "data/", 5) != 0)
            continue; /* the configuration comes last */
        char *to = (char *)(uintptr_t)cli_path(cli, file->path), *folder = arena_strdup(&cli->arena, to);
        if (!backup_make_folder(dirname(folder)) || !check_file(restore, file, to))
            return false;
        cli_progress(false, "restoring: %" PRIu64 " of %" PRIu64 " KB", restore->bytes >> 10,
                     restore->bytes_total >> 10);
    }
    cli_progress(true, "restoring: %" PRIu64 " KB copied", restore->bytes >> 10);
    return true;
}

static const Backup__Key *key_of(struct restore *restore, const Config__Instance *instance, const char *name)
{
    struct cli *cli = restore->cli;
    const Backup__Keys *keys = restore->keys_document;
    for (size_t i = 0; keys && i < keys->n_keys; i++)
        if (strcmp(keys->keys[i]->name, name) == 0)
            return keys->keys[i];
    char path[CONFIG_EPOCH_PATH_MAX];
    struct bytes text;
    config_epoch_path(path, restore->keys, instance->service, instance->partition);
    if (keys || !cli_read(cli, path, &text)) {
        cli_fail("%s has no key of %s", restore->keys, name);
        return NULL;
    }
    Backup__Key *key = arena_alloc(&cli->arena, sizeof *key);
    backup__key__init(key);
    key->key = (ProtobufCBinaryData){text.size, (uint8_t *)(uintptr_t)text.data};
    return key;
}

/* Destroys what the vault holds of erased keys; then nothing but a new epoch key opens its rows. */
static bool erase(struct restore *restore, struct vault *vault, const char *name)
{
    enum err err = ERR_NONE;
    size_t fresh = 0;
    for (size_t i = 0; i < restore->erased.count; i++)
        fresh += !vault_erased(vault, restore->erased.ids[i]);
    for (size_t i = 0; i < restore->erased.count && fresh && !err; i += VAULT_DESTROY_MAX) {
        size_t left = restore->erased.count - i;
        err = vault_destroy(vault, restore->erased.ids + i, left < VAULT_DESTROY_MAX ? left : VAULT_DESTROY_MAX);
    }
    if (!err && fresh)
        err = vault_rotate(vault);
    if (err)
        cli_fail("%s: the erasures cannot be applied: %s", name, err_text(err));
    restore->rotated = restore->rotated || fresh;
    return !err;
}

static bool open_vault(struct restore *restore, const Config__Instance *instance)
{
    struct cli *cli = restore->cli;
    const char *name =
        arena_printf(&cli->arena, "%s-%" PRIu32, config_service_name(instance->service), instance->partition);
    const char *why = NULL;
    char path[CONFIG_EPOCH_PATH_MAX], folder[CONFIG_EPOCH_PATH_MAX];
    config_epoch_path(path, cli_path(cli, "epoch-keys"), instance->service, instance->partition);
    memcpy(folder, path, sizeof folder);
    struct vault_options options = {
        .folder = arena_printf(&cli->arena, "%s/vault", backup_instance_path(cli, cli->folder, instance)),
        .epoch_path = path};
    const Backup__Key *key = key_of(restore, instance, name);
    if (!key || !backup_make_folder(dirname(folder)) || !backup_key_write(path, key))
        return false;
    struct vault *vault;
    enum err err = vault_open_dir(&options, &cli->arena, &vault, &why);
    if (err)
        return cli_fail("%s: %s", restore->keys, why && *why ? why : err_text(err)), false;
    bool good = instance->service != HB__SERVICE__INTAKE || erase(restore, vault, name);
    vault_close(vault);
    return good;
}

static void next_epochs(struct restore *restore, struct atrest_restore *rest)
{
    struct cli *cli = restore->cli;
    const Backup__Manifest *manifest = restore->manifest;
    Hb__Position **ends = arena_alloc(&cli->arena, (manifest->n_logs + 1) * sizeof *ends);
    for (size_t i = 0; i < manifest->n_logs; i++) {
        ends[i] = arena_alloc(&cli->arena, sizeof *ends[i]);
        hb__position__init(ends[i]);
        ends[i]->log = arena_alloc(&cli->arena, sizeof *ends[i]->log);
        *ends[i]->log = *manifest->logs[i]->log;
        ends[i]->log->epoch++;
        ends[i]->offset = manifest->logs[i]->end;
    }
    rest->ends = ends;
    rest->ends_count = manifest->n_logs;
}

static bool begin_epochs(struct restore *restore)
{
    struct cli *cli = restore->cli;
    struct timespec now;
    char why[512];
    clock_gettime(CLOCK_REALTIME, &now);
    struct atrest_restore rest = {.cell = strtoull(restore->manifest->cell, NULL, 16),
                                  .now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                                  .numbers_skip = restore->skip};
    next_epochs(restore, &rest);
    for (size_t i = 0; i < restore->config->n_instances; i++) {
        const Config__Instance *instance = restore->config->instances[i];
        if (!cli_is_service(instance))
            continue;
        const char *folder = backup_instance_path(cli, cli->folder, instance);
        if (atrest_begin_epoch(folder, instance->service, instance->partition, &rest, why, sizeof why))
            return cli_fail("%s: %s", folder, why), false;
        if (config_has_vault(instance->service) && !open_vault(restore, instance))
            return false;
    }
    return true;
}

static void say_done(const struct restore *restore)
{
    const Backup__Manifest *manifest = restore->manifest;
    struct tm time;
    char at[32];
    uint64_t events = 0;
    time_t seconds = (time_t)(manifest->at_ms / 1000);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &time));
    for (size_t i = 0; i < manifest->n_logs; i++)
        events += manifest->logs[i]->end;
    if (restore->cli->json) {
        cli_print_json(json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:b}", "data", restore->cli->folder, "backup",
                                 restore->backup, "at", at, "events", (json_int_t)events, "numbers_skip",
                                 (json_int_t)restore->skip, "erasures", (json_int_t)restore->erased.count, "rotated",
                                 restore->rotated));
        return;
    }
    printf("%s is the system of %s, %" PRIu64 " events; %zu erasures are applied\n", restore->cli->folder, at, events,
           restore->erased.count);
    printf("what was recorded after that is lost. Each counter of case numbers that may have given out numbers since "
           "then\n"
           "leaves out its next %" PRIu32 " (--skip N), and says so as NumbersSkipped; `hearback verify` lists them\n",
           restore->skip);
    if (restore->rotated)
        printf("the personal data is under a new epoch key: make a backup --with-keys and keep the new file\n");
    printf("next: hearback up --data %s, then hearback verify --data %s\n", restore->cli->folder, restore->cli->folder);
}

static int run(struct restore *restore, const char *path)
{
    struct cli *cli = restore->cli;
    if (!find_backup(restore, path) || !read_manifest(restore) || !check_keys(restore) || !read_erasures(restore) ||
        !check_backup(restore) || !up_folder(cli) || !up_lock(cli) || !is_free(cli) || !mark(cli))
        return CLI_FAILED;
    if (!copy_files(restore) || !begin_epochs(restore) || !up_adopt(cli, restore->config))
        return cli_fail("%s holds no system: restore again, and it begins anew", cli->folder);
    if (!unmark(cli))
        return CLI_FAILED;
    say_done(restore);
    return CLI_GOOD;
}

int cli_restore(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {{"keys", required_argument, NULL, 'k'},
                                          {"erasures", required_argument, NULL, 'e'},
                                          {"skip", required_argument, NULL, 's'},
                                          {0}};
    struct restore restore = {.cli = cli};
    int option;
    bool good = true;
    uint64_t skip = SKIP_DEFAULT;
    while ((option = cli_option(argc, argv, known, NULL)) != -1) {
        if (option == 'k')
            restore.keys = optarg;
        else if (option == 'e')
            restore.erasures = optarg;
        else if (option == 's')
            good = good && number_read(optarg, SKIP_MAX, &skip);
        good = good && option != '?';
    }
    if (!good || optind != argc - 1)
        return cli_usage(
            "hearback restore BACKUP --data DIR --keys PATH [--erasures FILE] [--skip N]\n"
            "  BACKUP           a backup, or the folder of several: then the newest\n"
            "  --data DIR       the new system's folder: empty, or not there, or one in which a restore was cut off\n"
            "  --keys PATH      the file of backup --with-keys, or the folder epoch-keys of the former system\n"
            "  --erasures FILE  whose data was erased since (default: beside BACKUP); none: nothing ever was\n"
            "  --skip N         case numbers of each counter taken for given out since (default 100)");
    restore.skip = (uint32_t)skip;
    return run(&restore, argv[optind]);
}
