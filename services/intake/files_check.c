/* Looking through the files beside the log, a little at a time: what nobody attached, or nobody can read any more,
   goes; and (hearback verify) is all there that should be, as it was written? */
#include "files.h"

#include "service/row.h"
#include "vault/vault.h"

#define TIDIED_AT_ONCE 50u

/* ---- tidying ---- */

/* Whatever was attached within a day of its last chunk has been heard, once casework's log is known that far: the
   gateway attaches at once or not at all. */
static bool is_orphan(struct turn *turn, uint64_t case_id, const char *file, const Intakerec__Kept *kept)
{
    int64_t until = kept->touched_ms + FILES_ORPHAN_MS;
    return turn_now(turn) > until && turn_as_of(turn, HB__SERVICE__CASEWORK) > until &&
           !intake_file_load(turn, case_id, file);
}

static bool is_over(struct turn *turn, struct bytes key, const Intakerec__Kept *kept)
{
    uint64_t case_id = bytes_get_u64(key.data);
    const Intakerec__File *attached = intake_file_load(turn, case_id, (const char *)key.data + 8);
    return (attached && attached->deleted) || !turn_has_bucket(turn, case_id_bucket(case_id)) ||
           vault_erased(turn_vault(turn), kept->key_id) || is_orphan(turn, case_id, (const char *)key.data + 8, kept);
}

static void drop(struct files_rows *rows, struct bytes key, const Intakerec__Kept *kept)
{
    for (uint32_t i = 0; i < files_chunks(kept->size); i++) {
        struct key chunk = files_chunk_key(key, i);
        store_delete(rows->txn, rows->chunks, key_bytes(&chunk));
    }
    store_delete(rows->txn, rows->files, key);
}

static bool is_file_key(struct bytes key)
{
    return key.size == 8 + FILES_ID_CHARACTERS + 1 && key.data[key.size - 1] == 0;
}

/* Goes round: from the key behind `at` on, or from the first again. */
static struct bytes *find_over(struct turn *turn, struct files_rows *rows, struct key *at, unsigned *count)
{
    struct bytes *over = arena_alloc(turn_arena(turn), TIDIED_AT_ONCE * sizeof *over);
    struct store_scan scan;
    struct bytes key, value;
    Intakerec__Kept *kept;
    bool more = true;
    store_scan_open(&scan, rows->txn, rows->files, (struct bytes){0}, key_bytes(at));
    for (unsigned i = 0; i < TIDIED_AT_ONCE && (more = store_scan_next(&scan, turn_arena(turn), &key, &value)); i++) {
        at->size = 0;
        key_add(at, key.data, key.size);
        if (is_file_key(key) && files_kept(rows, key, turn_arena(turn), &kept) == ERR_NONE && is_over(turn, key, kept))
            over[(*count)++] = key;
    }
    if (!more)
        at->size = 0;
    return over;
}

void files_tidy(struct turn *turn, struct key *at)
{
    struct files_rows rows;
    unsigned count = 0;
    if (!files_tables(turn_files(turn), &rows))
        return;
    rows.txn = store_begin(turn_files(turn), false);
    turn_beside(turn, rows.txn);
    struct bytes *over = find_over(turn, &rows, at, &count);
    turn_beside(turn, NULL);
    store_abort(rows.txn);
    if (!count)
        return;
    rows.txn = store_begin(turn_files(turn), true);
    for (unsigned i = 0; i < count; i++) {
        Intakerec__Kept *kept;
        if (files_kept(&rows, over[i], turn_arena(turn), &kept) == ERR_NONE)
            drop(&rows, over[i], kept);
    }
    if (store_commit(rows.txn))
        at->size = 0; /* no room even for that: they are found again */
}

/* ---- checking ---- */

static const char *place(struct arena *arena, const char *table, struct bytes key, const char *what)
{
    return arena_printf(arena, "%s: %s", store_place(arena, table, key), what);
}

static char *named(struct arena *arena, struct bytes key)
{
    return arena_printf(arena, "file %.32s of case %016llx", (const char *)key.data + 8,
                        (unsigned long long)bytes_get_u64(key.data));
}

static const char *wrong_kept(struct files_rows *rows, struct files_look *look, struct bytes key, struct arena *arena)
{
    Intakerec__Kept *kept;
    uint8_t digest[32];
    uint32_t wrong = 0;
    struct bytes box;
    if (!is_file_key(key) || files_kept(rows, key, arena, &kept))
        return place(arena, "files", key, "it was altered: restore from a backup");
    uint32_t chunks = files_chunks(kept->size);
    look->chunks += (uint64_t)__builtin_popcountll(kept->have);
    enum err err = ERR_NONE;
    if (kept->digest.len == 32) {
        err = files_digest(rows, key, kept->size, arena, digest, &wrong);
        if (!err && memcmp(digest, kept->digest.data, 32) != 0)
            return arena_printf(arena, "%s: its content is not what was put there: restore from a backup",
                                named(arena, key));
    } else {
        for (; !err && wrong < chunks; wrong += !err)
            if (kept->have >> wrong & 1)
                err = files_chunk(rows, key, wrong, arena, &box);
    }
    if (!err)
        return NULL;
    struct key chunk = files_chunk_key(key, wrong);
    return arena_printf(
        arena, "%s: %s: restore from a backup",
        place(arena, "chunks", key_bytes(&chunk), err == ERR_NOT_FOUND ? "it is missing" : "it was altered"),
        named(arena, key));
}

static bool has_come_round(struct files_rows *rows, struct files_look *look, struct arena *arena,
                           const char **wrong_out)
{
    const char *order = store_disorder_text(rows->txn, rows->files, "files", arena);
    if (!order && look->rows == store_count(rows->txn, rows->files))
        order = store_disorder_text(rows->txn, rows->chunks, "chunks", arena);
    else if (!order)
        order = "table files cannot be read";
    if (!order && !look->wrong && look->chunks != store_count(rows->txn, rows->chunks))
        order = "table chunks has rows that belong to no file";
    *wrong_out = order;
    look->part = 1;
    look->at.size = 0;
    return true;
}

static bool next_kept(struct files_rows *rows, struct files_look *look, struct arena *arena, const char **wrong_out)
{
    struct store_scan scan;
    struct bytes key, value;
    rows->txn = look->txn;
    store_scan_open(&scan, rows->txn, rows->files, (struct bytes){0}, key_bytes(&look->at));
    if (!store_scan_next(&scan, arena, &key, &value))
        return has_come_round(rows, look, arena, wrong_out);
    look->rows++;
    *wrong_out = wrong_kept(rows, look, key, arena);
    look->wrong = look->wrong || *wrong_out;
    look->at.size = 0;
    key_add(&look->at, key.data, key.size);
    key_add(&look->at, "", 1); /* behind it */
    return true;
}

static const char *wrong_attached(struct turn *turn, struct files_rows *rows, struct bytes key, struct arena *arena)
{
    Intakerec__Kept *kept;
    if (!is_file_key(key))
        return NULL;
    uint64_t case_id = bytes_get_u64(key.data);
    const Intakerec__Case *record = intake_case_load(turn, case_id);
    const Intakerec__File *file = intake_file_load(turn, case_id, (const char *)key.data + 8);
    if (!file || file->deleted || !record || vault_erased(turn_vault(turn), record->content_key))
        return NULL;
    enum err err = files_kept(rows, key, arena, &kept);
    if (err == ERR_CORRUPT)
        return NULL; /* told of already */
    if (err)
        return arena_printf(arena, "%s: it is missing, although it is attached: restore from a backup",
                            named(arena, key));
    if (kept->size == file->size && kept->digest.len == file->digest.len && file->digest.len &&
        memcmp(kept->digest.data, file->digest.data, file->digest.len) == 0)
        return NULL;
    return arena_printf(arena, "%s: it is not the file that was attached: restore from a backup", named(arena, key));
}

/* As things are now, not as in the snapshot: what was attached meanwhile came meanwhile. */
static bool next_attached(struct turn *turn, struct files_rows *rows, struct files_look *look, struct arena *arena,
                          const char **wrong_out)
{
    struct bytes key, value;
    struct state_scan *scan = state_scan_open(turn, INTAKE_FILES, (struct bytes){0}, key_bytes(&look->at));
    rows->txn = store_begin(turn_files(turn), false);
    turn_beside(turn, rows->txn);
    bool more = false;
    for (unsigned i = 0; i < 100 && !*wrong_out && (more = state_scan_next(scan, &key, &value)); i++) {
        *wrong_out = wrong_attached(turn, rows, key, arena);
        look->at.size = 0;
        key_add(&look->at, key.data, key.size);
        key_add(&look->at, "", 1);
    }
    turn_beside(turn, NULL);
    store_abort(rows->txn);
    return more;
}

bool files_check_step(struct turn *turn, struct files_look *look, struct arena *arena, const char **wrong_out)
{
    struct files_rows rows;
    *wrong_out = NULL;
    if (!files_tables(turn_files(turn), &rows)) {
        *wrong_out = "the store cannot be read";
        return false;
    }
    return look->part == 0 ? next_kept(&rows, look, arena, wrong_out)
                           : next_attached(turn, &rows, look, arena, wrong_out);
}
