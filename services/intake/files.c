#include "files.h"

#include "service/row.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <sodium.h>

#define ROOM_BYTES (4u << 20) /* reserved before a chunk: several times what its commit writes */

/* ---- rows ---- */

bool files_tables(struct store *store, struct files_rows *rows)
{
    *rows = (struct files_rows){0};
    return store && store_table_open(store, "files", &rows->files) == ERR_NONE &&
           store_table_open(store, "chunks", &rows->chunks) == ERR_NONE;
}

struct key files_key(uint64_t case_id, const char *file)
{
    struct key key = key_u64(case_id);
    key_add_text(&key, file);
    return key;
}

struct key files_chunk_key(struct bytes file_key, uint32_t chunk)
{
    struct key key = {.size = 0};
    key_add(&key, file_key.data, file_key.size);
    key_add_u32(&key, chunk);
    return key;
}

uint32_t files_chunks(uint64_t size)
{
    return (uint32_t)((size + FILES_CHUNK_BYTES - 1) / FILES_CHUNK_BYTES);
}

static enum err load(struct files_rows *rows, store_table table, struct bytes key, struct arena *arena,
                     const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **row_out)
{
    struct bytes value;
    char *why;
    if (store_get(rows->txn, table, key, arena, &value))
        return row_load(descriptor, key, value, arena, row_out, &why) ? ERR_CORRUPT : ERR_NONE;
    return store_error(rows->txn) ? store_error(rows->txn) : ERR_NOT_FOUND;
}

enum err files_kept(struct files_rows *rows, struct bytes key, struct arena *arena, Intakerec__Kept **kept_out)
{
    ProtobufCMessage *row;
    enum err err = load(rows, rows->files, key, arena, &intakerec__kept__descriptor, &row);
    *kept_out = err ? NULL : (Intakerec__Kept *)row;
    return err;
}

enum err files_chunk(struct files_rows *rows, struct bytes file_key, uint32_t chunk, struct arena *arena,
                     struct bytes *box_out)
{
    struct key key = files_chunk_key(file_key, chunk);
    ProtobufCMessage *row;
    enum err err = load(rows, rows->chunks, key_bytes(&key), arena, &intakerec__chunk__descriptor, &row);
    if (!err)
        *box_out = bytes_of(((Intakerec__Chunk *)row)->box.data, ((Intakerec__Chunk *)row)->box.len);
    return err;
}

enum err files_digest(struct files_rows *rows, struct bytes file_key, uint64_t size, struct arena *arena,
                      uint8_t digest_out[32], uint32_t *wrong_out)
{
    crypto_generichash_state state;
    enum err err = ERR_NONE;
    struct bytes box;
    crypto_generichash_init(&state, NULL, 0, 32);
    for (*wrong_out = 0; *wrong_out < files_chunks(size); (*wrong_out)++) {
        struct arena_mark mark = arena_mark(arena);
        if ((err = files_chunk(rows, file_key, *wrong_out, arena, &box)))
            return err;
        crypto_generichash_update(&state, box.data, box.size);
        arena_return(arena, mark);
    }
    crypto_generichash_final(&state, digest_out, 32);
    return ERR_NONE;
}

/* ---- what is asked ---- */

bool files_id_sound(const char *file)
{
    return strlen(file) == FILES_ID_CHARACTERS && strspn(file, "0123456789abcdef") == FILES_ID_CHARACTERS;
}

static void refuse_unread(struct turn *turn)
{
    turn_refuse(turn, 503, "files", "暂时无法读取文件", "the file cannot be read now");
}

static void refuse_full(struct turn *turn)
{
    turn_refuse(turn, 503, "full", "存储空间不足，暂不接受文件", "no room on disk: no files are taken until there is");
}

static const Intakerec__Case *case_of(struct turn *turn, const Hb__Query *query, const char *file)
{
    const Intakerec__Case *record = query->case_id ? intake_case_load(turn, query->case_id) : NULL;
    if (!query->actor)
        turn_refuse(turn, 403, "not_allowed", "须说明代表何人", "say for whom");
    else if (!files_id_sound(file))
        refusal_field(turn,
                      turn_refuse(turn, 422, "bad_field", "文件编号须为 32 位十六进制数", "a file has 32 hex digits"),
                      "file");
    else if (!record)
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
    return turn_refused(turn) ? NULL : record;
}

static char *bound_to(struct turn *turn, const char *file, uint32_t chunk, uint64_t size)
{
    return arena_printf(turn_arena(turn), "file/%s/%" PRIu32 "/%" PRIu64, file, chunk, size);
}

/* ---- putting ---- */

static bool shape(struct turn *turn, const Intake__PutFile *put)
{
    uint64_t at = (uint64_t)put->chunk * FILES_CHUNK_BYTES;
    uint64_t rest = at < put->size ? put->size - at : 0;
    if (put->size && put->size <= FILES_SIZE_MAX && rest &&
        put->content.len == (rest < FILES_CHUNK_BYTES ? rest : FILES_CHUNK_BYTES))
        return true;
    refusal_field(turn,
                  turn_refuse(turn, 422, "bad_field", "每段须为 512 KiB（最后一段除外），合计不超过 10 MiB",
                              "chunks of 512 KiB but for the last, at most 10 MiB in all"),
                  "content");
    return false;
}

/* A new file: is there room for it beside the others of its case? */
static bool fits(struct turn *turn, struct files_rows *rows, uint64_t case_id, uint64_t size)
{
    struct key prefix = key_u64(case_id);
    struct store_scan scan;
    struct bytes key, value;
    unsigned count = 0;
    store_scan_open(&scan, rows->txn, rows->files, key_bytes(&prefix), (struct bytes){0});
    while (store_scan_next(&scan, turn_arena(turn), &key, &value)) {
        Intakerec__Kept *kept;
        count++;
        if (files_kept(rows, key, turn_arena(turn), &kept) == ERR_NONE)
            size += kept->size;
    }
    if (count < FILES_KEPT_MAX && size <= FILES_KEPT_BYTES_MAX)
        return true;
    turn_refuse(turn, 413, "too_large", "该案件的文件过多；未附上的文件一天后清除",
                "the case has too many files; those that were never attached are dropped after a day");
    return false;
}

static void finish(struct turn *turn, struct files_rows *rows, struct bytes key, Intakerec__Kept *kept)
{
    uint32_t wrong;
    uint8_t *digest = arena_alloc(turn_arena(turn), 32);
    if (files_digest(rows, key, kept->size, turn_arena(turn), digest, &wrong))
        refuse_unread(turn);
    kept->digest = (ProtobufCBinaryData){32, digest};
}

static bool has_all(const Intakerec__Kept *kept)
{
    return kept->have == (1ull << files_chunks(kept->size)) - 1;
}

static void write_chunk(struct turn *turn, struct files_rows *rows, const Intake__PutFile *put, struct bytes key,
                        Intakerec__Kept *kept)
{
    struct bytes box;
    struct arena *arena = turn_arena(turn);
    enum err err = vault_seal_bytes(turn_vault(turn), kept->key_id, bound_to(turn, put->file, put->chunk, put->size),
                                    bytes_of(put->content.data, put->content.len), arena, &box);
    if (err == ERR_NOT_FOUND)
        turn_refuse(turn, 410, "erased", "该案件的个人数据已删除", "the personal data of this case was erased");
    else if (err)
        turn_refuse(turn, 503, "vault", "保密库暂不可用", "the vault cannot seal now");
    if (err)
        return;
    Intakerec__Chunk chunk = INTAKEREC__CHUNK__INIT;
    chunk.box = (ProtobufCBinaryData){box.size, (uint8_t *)(uintptr_t)box.data};
    struct key at = files_chunk_key(key, put->chunk);
    row_put(rows->txn, rows->chunks, key_bytes(&at), &chunk.base, arena);
    kept->have |= 1ull << put->chunk;
    kept->touched_ms = turn_now(turn);
    if (has_all(kept))
        finish(turn, rows, key, kept);
    row_put(rows->txn, rows->files, key, &kept->base, arena);
}

/* What it is by now; a new one when it is none yet. NULL: refused. */
static Intakerec__Kept *begun(struct turn *turn, struct files_rows *rows, const Hb__Query *query,
                              const Intakerec__Case *record, struct bytes key)
{
    const Intake__PutFile *put = query->intake->put_file;
    Intakerec__Kept *kept;
    switch (files_kept(rows, key, turn_arena(turn), &kept)) {
    case ERR_NONE:
        if (kept->size == put->size)
            return kept;
        turn_refuse(turn, 422, "body_mismatch", "同一文件的大小不同", "this file was begun with another size");
        return NULL;
    case ERR_NOT_FOUND:
        if (!fits(turn, rows, query->case_id, put->size))
            return NULL;
        kept = TURN_NEW(turn, Intakerec__Kept, intakerec__kept__init);
        kept->size = put->size;
        kept->key_id = record->content_key;
        return kept;
    default:
        refuse_unread(turn);
        return NULL;
    }
}

void files_put(struct turn *turn, const Hb__Query *query, Intake__Reply *reply)
{
    const Intake__PutFile *put = query->intake->put_file;
    const Intakerec__Case *record = case_of(turn, query, put->file);
    struct files_rows rows;
    if (!record || !shape(turn, put))
        return;
    if (!store_disk_is_spare(turn_files(turn)) || store_reserve(turn_files(turn), ROOM_BYTES)) {
        refuse_full(turn);
        return;
    }
    if (!files_tables(turn_files(turn), &rows)) {
        refuse_unread(turn);
        return;
    }
    struct key key = files_key(query->case_id, put->file);
    rows.txn = store_begin(turn_files(turn), true);
    Intakerec__Kept *kept = begun(turn, &rows, query, record, key_bytes(&key));
    bool was_whole = kept && has_all(kept);
    if (kept && !was_whole)
        write_chunk(turn, &rows, put, key_bytes(&key), kept);
    if (turn_refused(turn) || was_whole)
        store_abort(rows.txn);
    else if (store_commit(rows.txn))
        refuse_full(turn);
    if (turn_refused(turn))
        return;
    reply->kind_case = INTAKE__REPLY__KIND_FILE_PUT;
    reply->file_put = TURN_NEW(turn, Intake__FilePut, intake__file_put__init);
    reply->file_put->whole = has_all(kept);
    reply->file_put->digest = kept->digest;
}

/* ---- reading ---- */

static bool same_actor(const Hb__Actor *a, const Hb__Actor *b)
{
    return a && b && strcmp(a->account, b->account) == 0 && strcmp(a->person, b->person) == 0 &&
           a->complainant == b->complainant && a->operator_ == b->operator_;
}

/* Was it opened, just now, by whoever reads it? Then who may is decided, and it stands in the log. */
static bool was_opened(struct turn *turn, const Hb__Query *query)
{
    const Intake__ReadFile *read = query->intake->read_file;
    const Hb__Event *event = read->opened_at ? turn_own_event(turn, read->opened_at) : NULL;
    bool opened = event && event->case_id == query->case_id && event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
                  event->intake->kind_case == INTAKE__EVENT__KIND_OPENED && same_actor(event->actor, query->actor) &&
                  turn_now(turn) - event->recorded_ms <= FILES_OPENED_MS;
    for (size_t i = 0; opened && i < event->intake->opened->n_files; i++)
        if (strcmp(event->intake->opened->files[i], read->file) == 0)
            return true;
    turn_refuse(turn, 403, "not_allowed", "须先打开文件（记录查看目的）",
                "the file must be opened first, which is recorded");
    return false;
}

static void refuse_absent(struct turn *turn)
{
    turn_refuse(turn, 404, "not_found", "没有这个文件", "there is no such file");
}

static bool is_deleted(struct turn *turn, uint64_t case_id, const char *name)
{
    const Intakerec__File *file = intake_file_load(turn, case_id, name);
    if (file && file->deleted)
        turn_refuse(turn, 410, "erased", "该文件已依制度删除", "this file was deleted, as the policy says");
    return file && file->deleted;
}

static bool read_chunk(struct turn *turn, struct files_rows *rows, const Hb__Query *query, Intake__FileRead *out)
{
    const Intake__ReadFile *read = query->intake->read_file;
    struct key key = files_key(query->case_id, read->file);
    struct arena *arena = turn_arena(turn);
    Intakerec__Kept *kept;
    struct bytes box, plain;
    enum err err = files_kept(rows, key_bytes(&key), arena, &kept);
    if (err == ERR_NOT_FOUND || (!err && (!has_all(kept) || read->chunk >= files_chunks(kept->size)))) {
        refuse_absent(turn);
        return false;
    }
    if (!err)
        err = files_chunk(rows, key_bytes(&key), read->chunk, arena, &box);
    if (!err)
        err = vault_open_bytes(turn_vault(turn), kept->key_id, bound_to(turn, read->file, read->chunk, kept->size), box,
                               arena, &plain);
    if (err == ERR_NOT_FOUND)
        turn_refuse(turn, 410, "erased", "该文件已删除", "this file was erased");
    else if (err)
        turn_refuse(turn, 500, "damaged", "文件已损坏：请从备份恢复",
                    "the file is damaged: it must come from a backup");
    if (err)
        return false;
    out->content = (ProtobufCBinaryData){plain.size, (uint8_t *)(uintptr_t)plain.data};
    out->size = kept->size;
    return true;
}

void files_read(struct turn *turn, const Hb__Query *query, Intake__Reply *reply)
{
    struct files_rows rows;
    const char *file = query->intake->read_file->file;
    if (!case_of(turn, query, file) || !was_opened(turn, query) || is_deleted(turn, query->case_id, file))
        return;
    if (!files_tables(turn_files(turn), &rows)) {
        refuse_unread(turn);
        return;
    }
    reply->kind_case = INTAKE__REPLY__KIND_FILE_READ;
    reply->file_read = TURN_NEW(turn, Intake__FileRead, intake__file_read__init);
    rows.txn = store_begin(turn_files(turn), false);
    read_chunk(turn, &rows, query, reply->file_read);
    store_abort(rows.txn);
}
