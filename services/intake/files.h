/* Contents of files: an environment of its own (<instance>/files), in no log, folded by nobody. Chunks are sealed under
   the case's content key: when that is destroyed, so are they. They are written while queries are answered, each on
   disk before its answer, and all before casework is told of the file: so whatever a log says is attached is here.

     files    case id, file id       intakerec.Kept    with a check
     chunks   case id, file id, u32  intakerec.Chunk   with a check; the box is bound to file, number and count

   What was brought and never attached is dropped after a day. */
#ifndef HEARBACK_INTAKE_FILES_H
#define HEARBACK_INTAKE_FILES_H

#include "intake.h"
#include "store/store.h"

#define FILES_CHUNK_BYTES (512u << 10)
#define FILES_SIZE_MAX (10u << 20) /* of one */
#define FILES_ID_CHARACTERS 32u
#define FILES_KEPT_MAX 100u                 /* of a case, those that are not attached too */
#define FILES_KEPT_BYTES_MAX (200ull << 20) /* the same, together */
#define FILES_ORPHAN_MS (24ll * 3600 * 1000)
#define FILES_OPENED_MS (15ll * 60 * 1000) /* so long what was opened may be read */

bool files_id_sound(const char *file);
void files_put(struct turn *turn, const Hb__Query *query, Intake__Reply *reply);
void files_read(struct turn *turn, const Hb__Query *query, Intake__Reply *reply);

/* files_check.c: for the runtime, which calls them a little at a time */
void files_tidy(struct turn *turn, struct key *at);
bool files_check_step(struct turn *turn, struct files_look *look, struct arena *arena, const char **wrong_out);

/* ---- shared by the two ---- */
struct files_rows {
    struct store_txn *txn;
    store_table files, chunks;
};
/* False: the store cannot be read. The caller begins the transaction. */
bool files_tables(struct store *store, struct files_rows *rows);
struct key files_key(uint64_t case_id, const char *file);
struct key files_chunk_key(struct bytes file_key, uint32_t chunk);
uint32_t files_chunks(uint64_t size);
/* ERR_NOT_FOUND; ERR_CORRUPT: it was altered. */
enum err files_kept(struct files_rows *rows, struct bytes key, struct arena *arena,
                    Intakerec__Kept **kept_out) MUST_CHECK;
enum err files_chunk(struct files_rows *rows, struct bytes file_key, uint32_t chunk, struct arena *arena,
                     struct bytes *box_out) MUST_CHECK;
/* Of all its boxes. `*wrong_out`: the first chunk that is not there or was altered. */
enum err files_digest(struct files_rows *rows, struct bytes file_key, uint64_t size, struct arena *arena,
                      uint8_t digest_out[32], uint32_t *wrong_out) MUST_CHECK;

#endif
