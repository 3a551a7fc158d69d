/* What signing in rests on: SHA-1 and TOTP by their published vectors, codes that are taken once, which hashes and
   passwords are taken, and rows that were altered are told. */
#include "../support/folder.h"
#include "credentials.h"
#include "service/internal.h"
#include "service/row.h"
#include "vault/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

static const char *sha1_hex(const char *text)
{
    static char hex[41];
    uint8_t hash[20];
    sha1(bytes_of_text(text), hash);
    return sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
}

/* FIPS 180-4 examples; around the ends of a block as Python's hashlib has them. */
static void sha1_is_sha1(void **state)
{
    (void)state;
    char text[121] = "";
    assert_string_equal(sha1_hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_string_equal(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_string_equal(sha1_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    memset(text, 'a', 55);
    assert_string_equal(sha1_hex(text), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    memset(text, 'a', 64);
    assert_string_equal(sha1_hex(text), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    memset(text, 'a', 120);
    assert_string_equal(sha1_hex(text), "f34c1488385346a55709ba056ddd08280dd4c6d6");
}

static const struct bytes secret = {(const uint8_t *)"12345678901234567890", 20};

/* RFC 6238, appendix B (SHA-1), the last six of eight digits. */
static void totp_is_rfc_6238(void **state)
{
    (void)state;
    assert_int_equal(totp_at(secret, 59 / 30), 287082);
    assert_int_equal(totp_at(secret, 1111111109 / 30), 81804);
    assert_int_equal(totp_at(secret, 1111111111 / 30), 50471);
    assert_int_equal(totp_at(secret, 1234567890 / 30), 5924);
    assert_int_equal(totp_at(secret, 2000000000 / 30), 279037);
    assert_int_equal(totp_at(secret, 20000000000 / 30), 353130);
}

static void a_code_is_taken_once(void **state)
{
    (void)state;
    Dirrec__Credential credential = DIRREC__CREDENTIAL__INIT;
    int64_t now = 1111111111000;
    assert_false(totp_takes(&credential, secret, "50471", now)); /* "050471" */
    assert_false(totp_takes(&credential, secret, "0504710", now));
    assert_false(totp_takes(&credential, secret, "", now));
    assert_false(totp_takes(&credential, (struct bytes){0}, "050471", now));
    assert_false(totp_takes(&credential, secret, "050471", now + 61000));
    assert_false(totp_takes(&credential, secret, "050471", now - 61000));
    assert_true(totp_takes(&credential, secret, "050471", now + 29000)); /* the step before */
    assert_false(totp_takes(&credential, secret, "050471", now));
    assert_false(totp_takes(&credential, secret, "081804", now)); /* nor an earlier one than was taken */
}

static void a_recovery_code_is_taken_once(void **state)
{
    (void)state;
    Dirrec__Credential credential = DIRREC__CREDENTIAL__INIT;
    uint8_t hashes[2][32];
    ProtobufCBinaryData list[2] = {{32, hashes[0]}, {32, hashes[1]}};
    crypto_generichash(hashes[0], 32, (const uint8_t *)"0123456789ABCDEF", 16, NULL, 0);
    crypto_generichash(hashes[1], 32, (const uint8_t *)"FEDCBA9876543210", 16, NULL, 0);
    credential.recovery_hashes = list;
    credential.n_recovery_hashes = 2;
    assert_false(totp_takes(&credential, secret, "0123-4567-89AB-CDEE", 0));
    assert_true(totp_takes(&credential, secret, "0123 4567 89ab-cdef", 0));
    assert_false(totp_takes(&credential, secret, "0123-4567-89AB-CDEF", 0));
    assert_true(totp_takes(&credential, secret, "FEDCBA9876543210", 0));
    assert_int_equal(credential.n_recovery_hashes, 0);
}

static void computed(const char *known, const char *given, const char *fresh, struct password_work *work)
{
    *work = (struct password_work){0};
    snprintf(work->known, sizeof work->known, "%s", known);
    snprintf(work->given, sizeof work->given, "%s", given);
    snprintf(work->fresh, sizeof work->fresh, "%s", fresh);
    password_compute(work);
}

/* What the demonstration gives is cheap; the first sign-in makes it as dear as any. */
static void hashes_are_of_todays_cost(void **state)
{
    (void)state;
    struct password_work work;
    char cheap[crypto_pwhash_STRBYTES];
    assert_int_equal(crypto_pwhash_str(cheap, "one", 3, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN), 0);
    assert_true(password_hash_sound(cheap));
    computed(cheap, "two", "", &work);
    assert_false(work.right || *work.made);
    computed(cheap, "one", "", &work);
    assert_true(work.right && strncmp(work.made, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0);
    char dear[sizeof work.made];
    snprintf(dear, sizeof dear, "%s", work.made);
    assert_true(password_hash_sound(dear));
    computed(dear, "one", "", &work);
    assert_true(work.right && !*work.made); /* nothing to make anew */
    computed(dear, "one", "another", &work);
    assert_true(work.right && crypto_pwhash_str_verify(work.made, "another", 7) == 0);
    computed(dear, "two", "another", &work);
    assert_false(work.right || *work.made);
    assert_false(password_hash_sound("$argon2id$v=19$m=999999,t=2,p=1$AAAA$BBBB")); /* a gigabyte for each sign-in */
    assert_false(password_hash_sound("$argon2id$v=19$m=65536,t=99,p=1$AAAA$BBBB"));
    assert_false(password_hash_sound("$argon2i$v=19$m=65536,t=2,p=1$AAAA$BBBB"));
    assert_false(password_hash_sound(""));
}

/* libsodium's own, but for a machine without memory: -1, "the computation didn't complete". */
static bool no_memory;
int crypto_pwhash(unsigned char *const out, unsigned long long size, const char *const password,
                  unsigned long long password_size, const unsigned char *const salt, unsigned long long times,
                  size_t memory, int how)
{
    return no_memory ? -1 : crypto_pwhash_argon2id(out, size, password, password_size, salt, times, memory, how);
}

/* No memory is not another password. */
static void no_memory_is_no_wrong_password(void **state)
{
    (void)state;
    struct password_work work;
    char dear[crypto_pwhash_STRBYTES];
    assert_int_equal(crypto_pwhash_str(dear, "one", 3, PASSWORD_OPERATIONS, PASSWORD_MEMORY_BYTES), 0);
    computed(dear, "two", "", &work);
    assert_false(work.right || work.failed);
    no_memory = true;
    computed(dear, "one", "", &work);
    no_memory = false;
    assert_true(!work.right && work.failed);
    computed(dear, "one", "", &work);
    assert_true(work.right && !work.failed);
}

/* ---- wrong tries, by a clock that is set ---- */

#define START 1700000000000
#define MINUTE 60000ll

static struct {
    struct instance instance;
    struct arena arena;
    struct turn turn;
    char folder[64];
} desk;

static int desk_open(void **state)
{
    (void)state;
    char inside[80], key[80];
    memset(&desk, 0, sizeof desk);
    arena_init(&desk.arena);
    snprintf(desk.folder, sizeof desk.folder, "/tmp/hearback-tries-XXXXXX");
    assert_non_null(mkdtemp(desk.folder));
    desk.turn = (struct turn){.instance = &desk.instance, .arena = &desk.arena, .now = START, .phase = PHASE_READ};
    snprintf(inside, sizeof inside, "%s/vault", desk.folder);
    snprintf(key, sizeof key, "%s/keys/key", desk.folder);
    struct vault_options options = {.folder = inside, .epoch_path = key, .no_sync = true, .map_bytes = 1u << 24};
    return vault_open_dir(&options, &desk.arena, &desk.instance.vault, NULL);
}

static int desk_close(void **state)
{
    (void)state;
    vault_close(desk.instance.vault);
    arena_fini(&desk.arena);
    folder_remove(desk.folder);
    return 0;
}

static const struct tried *password(const char *account, const char *address)
{
    static struct tried tried;
    tried = (struct tried){TRIED_PASSWORD, account, address};
    return &tried;
}

/* ms to wait before it may be tried */
static int64_t waits(const struct tried *tried)
{
    struct rows rows;
    assert_true(rows_begin(&desk.turn, &rows, false));
    int64_t wait = tries_wait_ms(&rows, tried);
    store_abort(rows.txn);
    return wait;
}

/* True: it was tried, and `how` it ended is told. */
static bool tries(const struct tried *tried, void (*how)(struct rows *rows, const struct tried *tried))
{
    struct rows rows;
    bool begun = tries_begin(&desk.turn, tried);
    desk.turn.refusal = NULL;
    if (!begun || !how)
        return begun;
    assert_true(rows_begin(&desk.turn, &rows, true));
    how(&rows, tried);
    assert_true(rows_end(&rows));
    return true;
}

/* As patiently as told, so that each counts. */
static void guess(const char *account, const char *address, unsigned times)
{
    while (times--) {
        desk.turn.now += waits(password(account, address));
        assert_true(tries(password(account, address), NULL));
    }
}

/* An office behind one address, and somebody in it who mistypes: that others come in neither holds up his wait nor
   keeps what was counted. */
static void those_who_sign_in_hold_nobody_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_true(tries(password(i < 10 ? i < 5 ? "a" : "b" : i < 15 ? "c" : "d", "10.0.0.1"), NULL));
    int64_t wait = waits(password("other", "10.0.0.1"));
    assert_true(wait > 0 && wait <= 1000);
    desk.turn.now += wait;
    for (unsigned i = 0; i < 50; i++) {
        assert_true(
            tries(password("other", "10.0.0.1"), tries_forget)); /* all at one time: none makes the next one wait */
        assert_int_equal(waits(password("third", "10.0.0.1")), 0);
    }
    for (unsigned i = 0; i < 1000;
         i++) { /* an hour and more of a working day, a typing error for every four sign-ins */
        desk.turn.now += 5000;
        char name[16];
        snprintf(name, sizeof name, "clerk-%u", i % 200);
        if (i % 4 == 0)
            assert_true(tries(password(name, "10.0.0.1"), NULL));
        wait = waits(password(name, "10.0.0.1"));
        assert_in_range(wait, 0, 2000); /* and never longer, however many have mistyped by now */
        desk.turn.now += wait;
        assert_true(tries(password(name, "10.0.0.1"), tries_forget));
    }
}

static void a_try_that_was_none_leaves_no_trace(void **state)
{
    (void)state;
    guess("head", "10.0.0.1", 7);
    int64_t wait = waits(password("head", "10.0.0.1"));
    assert_true(wait > 0);
    desk.turn.now += wait;
    for (unsigned i = 0; i < 30; i++)
        assert_true(tries(password("head", "10.0.0.1"), tries_take_back)); /* as a code that was not given */
    guess("head", "10.0.0.1", 1);
    assert_in_range(waits(password("head", "10.0.0.1")), 1, 8000); /* the eighth, not the thirty-eighth */
}

static void time_heals(void **state)
{
    (void)state;
    guess("head", "10.0.0.1", 12);
    int64_t soon = waits(password("head", "10.0.0.1"));
    assert_true(soon > 60000);
    desk.turn.now += 5 * 60 * MINUTE; /* five hours: five of twelve are forgotten */
    guess("head", "10.0.0.1", 1);
    assert_in_range(waits(password("head", "10.0.0.1")), 1000, 8000);
    desk.turn.now += 25 * 60 * MINUTE;
    guess("head", "10.0.0.1", 4); /* all of them */
    assert_int_equal(waits(password("head", "10.0.0.1")), 0);
}

/* Whoever knows a name, and asks from wherever he likes, keeps nobody out. */
static void a_name_is_not_locked_by_others(void **state)
{
    (void)state;
    char address[32];
    assert_true(tries(password("head", "192.0.2.7"), tries_forget)); /* where she works */
    guess("head", "10.0.0.1", 15);
    assert_true(waits(password("head", "10.0.0.1")) > 10 * MINUTE); /* he waits */
    assert_int_equal(waits(password("head", "192.0.2.7")), 0);
    assert_int_equal(waits(password("head", "192.0.2.8")), 0);
    for (unsigned i = 0; i < 300; i++) { /* of many addresses */
        snprintf(address, sizeof address, "10.1.%u.%u", i / 250, i % 250);
        guess("head", address, 1);
    }
    assert_int_equal(waits(password("head", "192.0.2.7")), 0);       /* she is known here */
    assert_in_range(waits(password("head", "192.0.2.8")), 1, 30000); /* and elsewhere waits a little */
    assert_in_range(waits(password("head", "10.0.9.9")), 1, 30000);
    desk.turn.now += 91ll * 24 * 60 * MINUTE; /* not for ever */
    guess("head", "10.0.0.1", 1);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(address, sizeof address, "10.2.0.%u", i);
        guess("head", address, 1);
    }
    assert_in_range(waits(password("head", "192.0.2.7")), 1, 30000);
}

/* Each secret has its own counts: nobody is kept from one by what is tried at another. */
static void kinds_are_counted_apart(void **state)
{
    (void)state;
    const enum tried_what all[] = {TRIED_PASSWORD, TRIED_SETUP, TRIED_CODE, TRIED_OLD_PASSWORD};
    for (unsigned i = 0; i < 4; i++) {
        struct tried one = {all[i], "head", "10.0.0.1"};
        for (unsigned k = 0; k < 5; k++)
            assert_true(tries(&one, NULL));
        assert_false(tries(&one, NULL));
        for (unsigned other = 0; other < 4; other++) {
            struct tried another = {all[other], "head", "10.0.0.1"};
            assert_int_equal(waits(&another) > 0, other <= i);
        }
    }
    for (unsigned i = 0; i < 4; i++) /* six digits are not guessed from many addresses; a password has half a minute */
        assert_int_equal(waits(&(struct tried){all[i], "head", "10.0.0.2"}) > 0,
                         all[i] == TRIED_CODE || all[i] == TRIED_OLD_PASSWORD);
}

static void altered_rows_are_told(void **state)
{
    (void)state;
    static const char *const names[] = {"credentials", "sessions", "tokens", "tries", "views"};
    char folder[] = "/tmp/hearback-sign-in-XXXXXX", path[64];
    struct store_options options = {.no_sync = true, .map_bytes = 1u << 24};
    struct store *store;
    struct arena arena;
    Dirrec__Credential credential = DIRREC__CREDENTIAL__INIT;
    Dirrec__Session session = DIRREC__SESSION__INIT;
    Dirrec__Token token = DIRREC__TOKEN__INIT;
    Dirrec__Tries tries = DIRREC__TRIES__INIT;
    Directory__View saved = DIRECTORY__VIEW__INIT;
    Dirrec__View view = DIRREC__VIEW__INIT;
    ProtobufCMessage *const rows[] = {&credential.base, &session.base, &token.base, &tries.base, &view.base};
    struct bytes key = bytes_of_text("key"), value;
    credential.password_hash = (char *)(uintptr_t) "$argon2id$";
    session.account = token.account = (char *)(uintptr_t) "account";
    tries.wrong = 3;
    saved.id = (char *)(uintptr_t) "0011223344556677";
    view.view = &saved;
    assert_non_null(mkdtemp(folder));
    arena_init(&arena);
    assert_int_equal(store_open(folder, &options, &store), ERR_NONE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        store_table table;
        assert_int_equal(store_table_open(store, names[i], &table), ERR_NONE);
        struct store_txn *txn = store_begin(store, true);
        row_put(txn, table, key, rows[i], &arena);
        assert_int_equal(store_commit(txn), ERR_NONE);
        assert_null(credentials_wrong(store, &arena));
        for (size_t bit = 0; bit < 16; bit++) {
            txn = store_begin(store, true);
            assert_true(store_get(txn, table, key, &arena, &value));
            uint8_t *altered = arena_alloc(&arena, value.size);
            memcpy(altered, value.data, value.size);
            altered[bit * (value.size - 1) / 15] ^= (uint8_t)(1u << bit % 8);
            store_put(txn, table, key, bytes_of(altered, value.size));
            assert_int_equal(store_commit(txn), ERR_NONE);
            const char *wrong = credentials_wrong(store, &arena);
            assert_non_null(wrong);
            assert_non_null(strstr(wrong, names[i]));
            txn = store_begin(store, true);
            store_put(txn, table, key, value);
            assert_int_equal(store_commit(txn), ERR_NONE);
        }
    }
    store_close(store);
    arena_fini(&arena);
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", folder);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_is_sha1),
        cmocka_unit_test(totp_is_rfc_6238),
        cmocka_unit_test(a_code_is_taken_once),
        cmocka_unit_test(a_recovery_code_is_taken_once),
        cmocka_unit_test(hashes_are_of_todays_cost),
        cmocka_unit_test(no_memory_is_no_wrong_password),
        cmocka_unit_test_setup_teardown(those_who_sign_in_hold_nobody_up, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(a_try_that_was_none_leaves_no_trace, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(time_heals, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(a_name_is_not_locked_by_others, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(kinds_are_counted_apart, desk_open, desk_close),
        cmocka_unit_test(altered_rows_are_told),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
