/* The parts of a backup, read and written alike by backup and restore. */
#include "backup.h"

#include "base/file.h"
#include "config/config.h"
#include "message/message.h"
#include "service/atrest.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (1u << 20)

static bool fail(const char *path, const char *what)
{
    cli_fail("%s %s: %s", path, what, strerror(errno));
    return false;
}

/* ---- documents ---- */

/* A hash of all else in it, 33 bytes: no bit of its base64 is without meaning. */
#define CHECK_BYTES 33u

static ProtobufCBinaryData *check_field(ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "check");
    return (ProtobufCBinaryData *)(void *)((char *)message + field->offset);
}

static void check_of(struct cli *cli, ProtobufCMessage *message, uint8_t check_out[CHECK_BYTES])
{
    ProtobufCBinaryData *check = check_field(message), kept = *check;
    *check = (ProtobufCBinaryData){0};
    struct bytes packed = message_pack(message, &cli->arena);
    crypto_generichash(check_out, CHECK_BYTES, packed.data, packed.size, NULL, 0);
    *check = kept;
}

/* One without a check was made by hand. */
static bool check_fits(struct cli *cli, const char *path, ProtobufCMessage *message)
{
    const ProtobufCBinaryData *check = check_field(message);
    uint8_t right[CHECK_BYTES];
    check_of(cli, message, right);
    if (check->len == 0 || bytes_equal(bytes_of(check->data, check->len), bytes_of(right, sizeof right)))
        return true;
    cli_fail("%s: its check does not fit: it was altered; restore another backup", path);
    return false;
}

bool backup_document_read(struct cli *cli, const char *path, const ProtobufCMessageDescriptor *descriptor,
                          ProtobufCMessage **message_out)
{
    struct bytes text;
    json_t *json;
    char *where = "", *why = NULL;
    if (!cli_read(cli, path, &text))
        return fail(path, "cannot be read");
    enum err err = json_parse(text, &cli->arena, &json, &why);
    if (!err) {
        err = json_to_message(json, descriptor, &cli->arena, message_out, &where, &why);
        json_decref(json);
    }
    if (err)
        cli_fail("%s: %s: %s", path, where, why ? why : err_text(err));
    return !err && check_fits(cli, path, *message_out);
}

bool backup_document_write(struct cli *cli, const char *path, ProtobufCMessage *message)
{
    uint8_t check[CHECK_BYTES];
    check_of(cli, message, check);
    *check_field(message) = (ProtobufCBinaryData){sizeof check, check};
    json_t *json = json_from_message(message, NULL);
    char *text = json_dumps(json, JSON_INDENT(1));
    bool good = cli_write(path, arena_printf(&cli->arena, "%s\n", text));
    free(text);
    json_decref(json);
    *check_field(message) = (ProtobufCBinaryData){0};
    return good || fail(path, "cannot be written");
}

/* ---- files ---- */

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

static bool hash_pieces(int from, int to, uint64_t *bytes_out, uint8_t *hash_out)
{
    static uint8_t piece[PIECE_BYTES];
    crypto_generichash_state state;
    ssize_t got;
    crypto_generichash_init(&state, NULL, 0, BACKUP_HASH_BYTES);
    *bytes_out = 0;
    while ((got = read(from, piece, sizeof piece)) > 0) {
        crypto_generichash_update(&state, piece, (size_t)got);
        *bytes_out += (uint64_t)got;
        if (to >= 0 && !write_all(to, piece, (size_t)got))
            return false;
    }
    crypto_generichash_final(&state, hash_out, BACKUP_HASH_BYTES);
    return got == 0 && (to < 0 || fsync(to) == 0);
}

bool backup_file_hash(const char *path, const char *copy_to, uint64_t *bytes_out, uint8_t hash_out[BACKUP_HASH_BYTES])
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return fail(path, "cannot be read");
    int to = copy_to ? open(copy_to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool opened = !copy_to || to >= 0;
    bool good = opened && hash_pieces(from, to, bytes_out, hash_out);
    int error = errno;
    close(from);
    if (to >= 0 && close(to))
        good = false;
    errno = error;
    return good || fail(copy_to ? copy_to : path, copy_to ? "cannot be written" : "cannot be read");
}

bool backup_key_write(const char *path, const Backup__Key *key)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write_all(fd, key->key.data, key->key.len) && fsync(fd) == 0;
    if (fd >= 0 && close(fd))
        good = false;
    return good || fail(path, "cannot be written");
}

bool backup_make_folder(const char *path)
{
    char part[4200];
    snprintf(part, sizeof part, "%s", path);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(part, 0700) && errno != EEXIST)
            return fail(part, "cannot be made");
        *at = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST || fail(path, "cannot be made");
}

bool backup_sync_folder(const char *path)
{
    return folder_sync(path) == ERR_NONE || fail(path, "cannot be synced");
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

bool backup_remove_tree(const char *path)
{
    return 0 == nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *backup_instance_path(struct cli *cli, const char *root, const Config__Instance *instance)
{
    return arena_printf(&cli->arena, "%s/data/%s-%" PRIu32, root, config_service_name(instance->service),
                        instance->partition);
}

/* ---- logs ---- */

bool backup_log_read(struct cli *cli, const char *folder, const Config__Instance *instance, Backup__Log **log_out)
{
    Bus__PositionReport report;
    char why[512];
    Backup__Log *log = *log_out = arena_alloc(&cli->arena, sizeof *log);
    backup__log__init(log);
    enum err err = atrest_position(folder, instance->service, instance->partition, &cli->arena, &report,
                                   &log->recorded_ms, why, sizeof why);
    unlink(arena_printf(&cli->arena, "%s/lock.mdb", folder)); /* made by opening it */
    if (err) {
        cli_fail("%s: %s", folder, why);
        return false;
    }
    log->log = report.log;
    log->end = report.end;
    log->end_hash = report.end_hash;
    log->cursors = report.cursors;
    log->n_cursors = report.n_cursors;
    return true;
}

static const Backup__Log *log_of(const Backup__Manifest *manifest, const Hb__LogId *id)
{
    for (size_t i = 0; i < manifest->n_logs; i++)
        if (manifest->logs[i]->log->service == id->service && manifest->logs[i]->log->partition == id->partition)
            return manifest->logs[i];
    return NULL;
}

static bool cursor_fits(const Backup__Manifest *manifest, const Backup__Log *consumer, const Hb__Position *cursor)
{
    const Backup__Log *producer = log_of(manifest, cursor->log);
    if (producer && cursor->offset <= producer->end && cursor->log->epoch == producer->log->epoch)
        return true;
    cli_fail("%s has heard %s up to offset %" PRIu64 ", but that log ends at %" PRIu64 ": this is no consistent cut",
             config_service_name(consumer->log->service), config_service_name(cursor->log->service), cursor->offset,
             producer ? producer->end : 0);
    return false;
}

bool backup_is_cut(const Backup__Manifest *manifest, uint64_t cell)
{
    for (size_t i = 0; i < manifest->n_logs; i++)
        for (size_t c = 0; c < manifest->logs[i]->n_cursors; c++)
            if (manifest->logs[i]->cursors[c]->log->cell == cell &&
                !cursor_fits(manifest, manifest->logs[i], manifest->logs[i]->cursors[c]))
                return false;
    return true;
}

/* ---- erasures ---- */

/* The last line, of all before it: a digit that changed would let an erased person's data come back without a word. */
#define ERASURES_CHECK "check "
#define ERASURE_LINE 17u

static const char *erasures_check(struct cli *cli, const char *lines, size_t size)
{
    uint8_t hash[BACKUP_HASH_BYTES];
    char digits[2 * BACKUP_HASH_BYTES + 1];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)lines, size, NULL, 0);
    sodium_bin2hex(digits, sizeof digits, hash, sizeof hash);
    return arena_printf(&cli->arena, ERASURES_CHECK "%s\n", digits);
}

static enum err erasures_damaged(const char *path, const char *what)
{
    cli_fail("%s is damaged: %s. Accepted is the file as `hearback backup` wrote it: a line of 16 hexadecimal digits "
             "for each erased key,\n  and at the end `check` and the hash of those lines; take it from another copy of "
             "the backups",
             path, what);
    return ERR_MALFORMED;
}

enum err backup_erasures_read(struct cli *cli, const char *path, struct erasures *erasures_out)
{
    struct bytes text;
    *erasures_out = (struct erasures){0};
    if (access(path, F_OK))
        return ERR_NOT_FOUND;
    if (!cli_read(cli, path, &text)) {
        fail(path, "cannot be read");
        return ERR_IO;
    }
    const char *lines = (const char *)text.data, *at = lines, *end_of_all = at + text.size;
    while (end_of_all - at >= (ptrdiff_t)ERASURE_LINE && strncmp(at, ERASURES_CHECK, strlen(ERASURES_CHECK)) != 0) {
        char *end;
        uint64_t id = strtoull(at, &end, 16);
        if (end != at + ERASURE_LINE - 1 || *end != '\n')
            return erasures_damaged(
                path, arena_printf(&cli->arena, "line %zu is no key", (size_t)(at - lines) / ERASURE_LINE + 1));
        backup_erasures_add(cli, erasures_out, &id, 1);
        at = end + 1;
    }
    if (at == end_of_all)
        return erasures_damaged(path, "its last line, the check, is missing");
    const char *check = erasures_check(cli, lines, (size_t)(at - lines));
    if (!bytes_equal(bytes_of(at, (size_t)(end_of_all - at)), bytes_of_text(check)))
        return erasures_damaged(path, "its check does not fit, so a key in it was altered or is missing");
    return ERR_NONE;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool backup_erasures_write(struct cli *cli, const char *path, const struct erasures *erasures)
{
    char *text = arena_alloc(&cli->arena, erasures->count * ERASURE_LINE + 1), *at = text;
    if (erasures->count)
        qsort(erasures->ids, erasures->count, sizeof *erasures->ids, by_id);
    for (size_t i = 0; i < erasures->count; i++)
        if (i == 0 || erasures->ids[i] != erasures->ids[i - 1])
            at += sprintf(at, "%016" PRIx64 "\n", erasures->ids[i]);
    *at = 0;
    text = arena_printf(&cli->arena, "%s%s", text, erasures_check(cli, text, (size_t)(at - text)));
    return cli_write(path, text) || fail(path, "cannot be written");
}

void backup_erasures_add(struct cli *cli, struct erasures *erasures, const uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        erasures->ids = arena_grow(&cli->arena, erasures->ids, erasures->count, sizeof *erasures->ids);
        erasures->ids[erasures->count++] = ids[i];
    }
}
