/* Tables of the environment:

     words   site NUL, received BE64, case id BE64    eight bytes of a keyed hash, then the filter
     meta    "of", "end"                              whose texts; up to which of them, and eight bytes of a hash of
   that

   The hash binds a filter to its key: a row that was altered on disk, in its filter or in its key, is a candidate, and
   tells that the index must be made anew; until then all texts are opened. An `end` that was altered is no `end`. */
#include "vault/words.h"

#include "base/key.h"
#include "store/store.h"
#include "text/text.h"
#include "vault/vault.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BYTES 8u
#define BITS_PER_MARK 16u
#define PROBES 8u
#define FILTER_BYTES_MAX (16u << 10)
#define RESERVE_BYTES (4u << 20)

_Static_assert(VAULT_BLIND_BYTES == crypto_shorthash_KEYBYTES, "the vault's hash is a key of SipHash");
_Static_assert(HASH_BYTES == crypto_shorthash_BYTES, "SipHash gives eight bytes");

struct words {
    struct store *store;
    store_table words, meta;
    struct store_txn *txn; /* between words_begin and words_commit */
    uint64_t end;
    bool damaged; /* a row was altered: the next who writes begins anew */
    uint8_t key[VAULT_BLIND_BYTES];
};

static uint64_t hash_of(const struct words *words, const void *data, size_t size)
{
    uint8_t out[crypto_shorthash_BYTES];
    crypto_shorthash(out, data, size, words->key);
    return bytes_get_u64(out);
}

/* ---- opening ---- */

static bool is_of(struct words *words, struct store_txn *txn, const char *of, struct arena *arena)
{
    struct bytes value, end;
    if (!store_get(txn, words->meta, bytes_of_text("of"), arena, &value) ||
        !store_get(txn, words->meta, bytes_of_text("end"), arena, &end) || end.size != 8 + HASH_BYTES ||
        bytes_get_u64(end.data + 8) != hash_of(words, end.data, 8) || value.size != strlen(of) ||
        memcmp(value.data, of, value.size) != 0)
        return false;
    words->end = bytes_get_u64(end.data);
    return true;
}

static void put_end(struct words *words, struct store_txn *txn, uint64_t end)
{
    struct key value = key_u64(end);
    key_add_u64(&value, hash_of(words, value.data, 8));
    store_put(txn, words->meta, bytes_of_text("end"), key_bytes(&value));
}

static enum err begin_anew(struct words *words, const char *of)
{
    enum err err = store_reserve(words->store, RESERVE_BYTES);
    if (err)
        return err;
    struct store_txn *txn = store_begin(words->store, true);
    store_clear(txn, words->words);
    store_clear(txn, words->meta);
    store_put(txn, words->meta, bytes_of_text("of"), bytes_of_text(of));
    put_end(words, txn, 0);
    return store_commit(txn);
}

static enum err open_tables(struct words *words, const char *folder)
{
    struct store_options options = {0};
    enum err err = store_open(folder, &options, &words->store);
    if (!err)
        err = store_table_open(words->store, "words", &words->words);
    if (!err)
        err = store_table_open(words->store, "meta", &words->meta);
    return err;
}

enum err words_open(const char *folder, const struct vault *vault, const char *of, struct words **words_out)
{
    struct words *words = calloc(1, sizeof *words);
    bug_unless(words);
    vault_blind(vault, "words", "", words->key);
    enum err err = open_tables(words, folder);
    if (!err) {
        struct arena arena;
        arena_init(&arena);
        struct store_txn *txn = store_begin(words->store, false);
        bool same = is_of(words, txn, of, &arena);
        store_abort(txn);
        arena_fini(&arena);
        err = same ? ERR_NONE : begin_anew(words, of);
    }
    if (err) {
        words_close(words);
        return err;
    }
    *words_out = words;
    return ERR_NONE;
}

void words_close(struct words *words)
{
    if (!words)
        return;
    store_close(words->store);
    sodium_memzero(words, sizeof *words);
    free(words);
}

uint64_t words_end(const struct words *words)
{
    return words->end;
}

bool words_damaged(const struct words *words)
{
    return words->damaged;
}

static void is_damaged(struct words *words)
{
    words->damaged = true;
    words->end = 0;
}

/* ---- marks ---- */

static void add(struct words_marks *marks, uint64_t mark, struct arena *arena)
{
    marks->list = arena_grow(arena, marks->list, marks->count, sizeof *marks->list);
    marks->list[marks->count++] = mark;
}

void words_mark(const struct words *words, enum words_scope scope, const char *folded, struct arena *arena,
                struct words_marks *marks)
{
    uint32_t pair[3] = {scope};
    folded = text_next(folded, &pair[1]);
    while (*folded) {
        folded = text_next(folded, &pair[2]);
        add(marks, hash_of(words, pair, sizeof pair), arena);
        pair[1] = pair[2];
    }
}

void words_mark_whole(const struct words *words, const char *scope, const char *value, struct arena *arena,
                      struct words_marks *marks)
{
    const char *whole = arena_printf(arena, "%s/%s", scope, value);
    add(marks, hash_of(words, whole, strlen(whole)), arena);
}

void words_marks_distinct(struct words_marks *marks, size_t most)
{
    size_t kept = 0;
    for (size_t i = 0; i < marks->count && kept < most; i++) {
        size_t before = 0;
        while (before < kept && marks->list[before] != marks->list[i])
            before++;
        if (before == kept)
            marks->list[kept++] = marks->list[i];
    }
    marks->count = kept;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void drop_repeated(struct words_marks *marks)
{
    size_t kept = 0;
    if (marks->count)
        qsort(marks->list, marks->count, sizeof *marks->list, by_value);
    for (size_t i = 0; i < marks->count; i++)
        if (i == 0 || marks->list[i] != marks->list[i - 1])
            marks->list[kept++] = marks->list[i];
    marks->count = kept;
}

/* ---- filters ---- */

static uint32_t probe(uint64_t mark, uint32_t number, uint32_t bits)
{
    uint32_t hash = (uint32_t)mark + number * ((uint32_t)(mark >> 32) | 1u);
    return (uint32_t)((uint64_t)hash * bits >> 32);
}

static bool may_hold_one(const uint8_t *filter, uint32_t bits, uint64_t mark)
{
    for (uint32_t p = 0; p < PROBES; p++) {
        uint32_t at = probe(mark, p, bits);
        if (!(filter[at / 8] & 1u << at % 8))
            return false;
    }
    return true;
}

static bool may_hold(const uint8_t *filter, size_t size, const struct words_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        if (!may_hold_one(filter, (uint32_t)size * 8, marks->list[i]))
            return false;
    return true;
}

/* How many; 0 as soon as it cannot be `least` any more: of most cases few marks need be looked at. */
static size_t holds_of(const uint8_t *filter, size_t size, const struct words_marks *marks, size_t least)
{
    size_t held = 0;
    for (size_t i = 0; i < marks->count; i++) {
        held += may_hold_one(filter, (uint32_t)size * 8, marks->list[i]);
        if (held + (marks->count - i - 1) < least)
            return 0;
    }
    return held;
}

static uint64_t bound_hash(const struct words *words, const uint8_t *filter, size_t size, struct bytes key)
{
    return hash_of(words, filter, size) ^ hash_of(words, key.data, key.size) * 0x9e3779b97f4a7c15ull;
}

static bool is_whole(const struct words *words, struct bytes key, struct bytes value)
{
    size_t size = value.size > HASH_BYTES ? value.size - HASH_BYTES : 0;
    return size && bytes_get_u64(value.data) == bound_hash(words, value.data + HASH_BYTES, size, key);
}

static struct key row_key(const char *site, struct words_place place)
{
    struct key key = key_text(site);
    key_add_u64(&key, place.received_ms);
    key_add_u64(&key, place.case_id);
    return key;
}

/* ---- writing ---- */

void words_begin(struct words *words)
{
    words->txn = store_begin(words->store, true);
    if (words->damaged)
        store_clear(words->txn, words->words);
}

void words_put(struct words *words, const char *site, struct words_place place, struct words_marks *marks)
{
    uint8_t row[HASH_BYTES + FILTER_BYTES_MAX] = {0};
    drop_repeated(marks);
    size_t size = (marks->count * BITS_PER_MARK + 63) / 64 * 8;
    size = size < 8 ? 8 : size > FILTER_BYTES_MAX ? FILTER_BYTES_MAX : size;
    for (size_t i = 0; i < marks->count; i++)
        for (uint32_t p = 0; p < PROBES; p++) {
            uint32_t at = probe(marks->list[i], p, (uint32_t)size * 8);
            row[HASH_BYTES + at / 8] |= (uint8_t)(1u << at % 8);
        }
    struct key key = row_key(site, place);
    bytes_put_u64(row, bound_hash(words, row + HASH_BYTES, size, key_bytes(&key)));
    store_put(words->txn, words->words, key_bytes(&key), bytes_of(row, HASH_BYTES + size));
}

enum err words_commit(struct words *words, uint64_t end)
{
    enum err err = store_reserve(words->store, RESERVE_BYTES);
    if (err) {
        words_abort(words);
        return err;
    }
    put_end(words, words->txn, end);
    err = store_commit(words->txn);
    words->txn = NULL;
    if (!err) {
        words->end = end;
        words->damaged = false;
    }
    return err;
}

void words_abort(struct words *words)
{
    if (words->txn)
        store_abort(words->txn);
    words->txn = NULL;
}

/* ---- looking ---- */

struct looking {
    const struct words *words;
    struct words_look *look;
    struct words_place *found;
    size_t prefix, rows, count, most;
    bool altered; /* a row was: found or not, another may be missing */
};

static bool look_at(void *context, struct bytes key, struct bytes value)
{
    struct looking *looking = context;
    struct words_look *look = looking->look;
    if (looking->rows == look->rows_max || looking->count == looking->most) {
        look->end = false;
        return false;
    }
    looking->rows++;
    bool whole = is_whole(looking->words, key, value);
    looking->altered = looking->altered || !whole;
    if (key.size != looking->prefix + 16)
        return true;
    look->from.received_ms = bytes_get_u64(key.data + looking->prefix);
    look->from.case_id = bytes_get_u64(key.data + looking->prefix + 8);
    const uint8_t *filter = value.data + HASH_BYTES;
    size_t size = value.size > HASH_BYTES ? value.size - HASH_BYTES : 0;
    if (!whole || may_hold(filter, size, look->marks))
        looking->found[looking->count++] = look->from;
    return true;
}

size_t words_find(struct words *words, struct words_look *look, struct words_place *found, size_t most)
{
    struct key prefix = key_text(look->site), from = row_key(look->site, look->from);
    struct looking looking = {.words = words, .look = look, .found = found, .prefix = prefix.size, .most = most};
    if (!look->newest_first)
        key_add(&from, "", 1); /* above the place itself */
    look->end = true;
    struct store_txn *txn = store_begin(words->store, false);
    store_walk(txn, words->words, key_bytes(&prefix), key_bytes(&from), look->newest_first, look_at, &looking);
    if (store_error(txn) || looking.altered)
        is_damaged(words);
    look->rows_max -= looking.rows;
    if (store_error(txn)) { /* what was not read may hold something: it is told to come again */
        look->end = false;
        look->rows_max = 0;
    }
    store_abort(txn);
    return looking.count;
}

/* ---- ranking ---- */

struct ranking {
    const struct words *words;
    struct words_look *look;
    struct words_place until;
    struct words_ranked *ranked;
    size_t prefix, rows, count, most, least;
    bool altered;
};

static void rank(struct ranking *ranking, size_t held)
{
    size_t at = ranking->count;
    while (at > 0 && ranking->ranked[at - 1].held < held)
        at--;
    if (at == ranking->most)
        return;
    ranking->count += ranking->count < ranking->most;
    memmove(ranking->ranked + at + 1, ranking->ranked + at, (ranking->count - at - 1) * sizeof *ranking->ranked);
    ranking->ranked[at] = (struct words_ranked){ranking->look->from, held};
}

static bool is_beyond(const struct words_look *look, struct words_place until)
{
    return look->newest_first ? look->from.received_ms < until.received_ms : look->from.received_ms > until.received_ms;
}

static bool rank_at(void *context, struct bytes key, struct bytes value)
{
    struct ranking *ranking = context;
    struct words_look *look = ranking->look;
    if (ranking->rows == look->rows_max) {
        look->end = false;
        return false;
    }
    ranking->rows++;
    if (key.size != ranking->prefix + 16 || !is_whole(ranking->words, key, value)) {
        ranking->altered = true; /* the index is made anew; a hint may lack a case until then */
        return true;
    }
    look->from.received_ms = bytes_get_u64(key.data + ranking->prefix);
    look->from.case_id = bytes_get_u64(key.data + ranking->prefix + 8);
    if (is_beyond(look, ranking->until))
        return false;
    size_t held = holds_of(value.data + HASH_BYTES, value.size - HASH_BYTES, look->marks, ranking->least);
    if (held)
        rank(ranking, held);
    return true;
}

size_t words_rank(struct words *words, struct words_look *look, struct words_place until, size_t least,
                  struct words_ranked *ranked, size_t most)
{
    struct key prefix = key_text(look->site), from = row_key(look->site, look->from);
    struct ranking ranking = {.words = words,
                              .look = look,
                              .until = until,
                              .ranked = ranked,
                              .prefix = prefix.size,
                              .most = most,
                              .least = least ? least : 1};
    look->end = true;
    struct store_txn *txn = store_begin(words->store, false);
    store_walk(txn, words->words, key_bytes(&prefix), key_bytes(&from), look->newest_first, rank_at, &ranking);
    if (store_error(txn) || ranking.altered)
        is_damaged(words);
    look->rows_max -= ranking.rows;
    store_abort(txn);
    return ranking.count;
}

/* ---- looking for damage ---- */

struct words_check {
    struct words *words;
    struct store_txn *txn;
    struct store_scan scan;
    struct arena arena;
    uint64_t rows;
};

struct words_check *words_check_open(struct words *words)
{
    struct words_check *check = calloc(1, sizeof *check);
    bug_unless(check);
    check->words = words;
    check->txn = store_begin(words->store, false);
    arena_init(&check->arena);
    store_scan_open(&check->scan, check->txn, words->words, (struct bytes){0}, (struct bytes){0});
    return check;
}

void words_check_close(struct words_check *check)
{
    if (!check)
        return;
    store_abort(check->txn);
    arena_fini(&check->arena);
    free(check);
}

/* The scan is over: has it seen all? */
static const char *passed_by(struct words_check *check, struct arena *arena)
{
    store_table table = check->words->words;
    if (check->rows == store_count(check->txn, table) && !store_error(check->txn))
        return NULL;
    char *text = store_disorder_text(check->txn, table, "words", arena);
    return text ? text : "table words cannot be read";
}

bool words_check_step(struct words_check *check, unsigned rows_max, struct arena *arena, const char **wrong_out)
{
    bool more = true;
    *wrong_out = NULL;
    for (; more && rows_max-- && !*wrong_out; arena_reset(&check->arena)) {
        struct bytes key, value;
        more = store_scan_next(&check->scan, &check->arena, &key, &value);
        check->rows += more;
        if (!more)
            *wrong_out = passed_by(check, arena);
        else if (!is_whole(check->words, key, value))
            *wrong_out = arena_printf(arena, "%s: it was altered", store_place(arena, "words", key));
    }
    if (*wrong_out)
        is_damaged(check->words);
    return more;
}
