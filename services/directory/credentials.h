/* What is kept of accounts to sign in with: rows in the store of the vault (proto/hearback/record/directory.proto),
   each with a check; in no event, folded by nobody. They are read and written while queries are answered: signing in is
   no turn, says nothing, and needs no room in the log. */
#ifndef HEARBACK_DIRECTORY_CREDENTIALS_H
#define HEARBACK_DIRECTORY_CREDENTIALS_H

#include "directory.h"
#include "hearback/record/directory.pb-c.h"
#include "store/store.h"

#define PASSWORD_CHARACTERS_MIN 12u
#define PASSWORD_BYTES_MAX 1024u
#define PASSWORD_OPERATIONS 2ull            /* argon2id: t */
#define PASSWORD_MEMORY_BYTES (64ull << 20) /* and m; 40 ms (dependencies.md 2) */
#define PASSWORD_HASH_BYTES_MAX 128u
#define SETUP_MS_MAX (7 * 86400000ll)
#define TOKEN_MS_MAX (366 * 86400000ll)
#define TOKENS_MAX 32u /* of an account */
#define VIEWS_MAX 64u  /* of an account */
#define VIEW_FILTERS_MAX 16u

/* ---- rows ---- */

struct rows {
    struct turn *turn;
    struct store_txn *txn;
    store_table credentials, sessions, tokens, tries, views, sources;
    store_table given_tokens; /* secrets.c: tokens given by Organise */
};

/* False: the store cannot be read; refused. */
bool rows_begin(struct turn *turn, struct rows *rows, bool write);
/* Commits, or gives up when the turn has refused. False: refused, now if not before. */
bool rows_end(struct rows *rows);
void rows_drop(struct rows *rows); /* ends it and writes nothing */
/* NULL: there is none, or it was altered: then it opens nothing (hearback verify tells). */
void *row_find(struct rows *rows, store_table table, struct bytes key, const ProtobufCMessageDescriptor *descriptor);
void row_keep(struct rows *rows, store_table table, struct bytes key, const ProtobufCMessage *row);
/* Drops what is over of the few rows that lie behind this key: so a table has no more than lives. */
void rows_sweep(struct rows *rows, store_table table, struct bytes key, const ProtobufCMessageDescriptor *descriptor,
                bool (*over)(const struct rows *rows, const ProtobufCMessage *row));

Dirrec__Credential *credential_find(struct rows *rows, const char *account); /* NULL: none is kept */
Dirrec__Credential *credential_of(struct rows *rows, const char *account);   /* an empty one then */
void credential_keep(struct rows *rows, const char *account, const Dirrec__Credential *credential);
/* Control VERIFY: NULL, or what was altered. */
const char *credentials_wrong(struct store *store, struct arena *arena);

/* ---- tries.c: what was tried wrongly, and how long to wait for it ---- */

enum tried_what { TRIED_PASSWORD, TRIED_SETUP, TRIED_CODE, TRIED_OLD_PASSWORD };
struct tried {
    enum tried_what what;
    const char *account, *address; /* whether there is such an account or not; "": from no address */
};

/* 0: it may be tried; else after so long. */
int64_t tries_wait_ms(struct rows *rows, const struct tried *tried);
/* Counted as wrong before it is known how it ends: many at once are many. */
void tries_count(struct rows *rows, const struct tried *tried);
void tries_take_back(struct rows *rows, const struct tried *tried); /* it was no wrong one: all is as before it */
void tries_forget(struct rows *rows,
                  const struct tried *tried); /* it was right: so is forgotten what was wrong before */
bool tries_refuse(struct rows *rows, const struct tried *tried); /* true: it must wait, 429 */
/* All of it, in a transaction of its own. False: refused with 429. */
bool tries_begin(struct turn *turn, const struct tried *tried);
/* Although the turn is refused: `none` was no wrong one; `wrong` (NULL: nothing) was. */
void tries_end(struct turn *turn, const struct tried *none, const struct tried *wrong);

/* ---- second_factor.c ---- */

/* What the account's authenticator knows. Empty: there is none, or it cannot be read: then it opens nothing, and
   recovery codes are what is left (hearback verify tells). */
struct bytes second_factor_secret(struct rows *rows, const char *account);
bool second_factor_missing(struct store_txn *txn, store_table vault_secrets, const char *account);
void second_factor_forget(struct rows *rows, const char *account, Dirrec__Credential *credential);

/* ---- totp.c: RFC 6238 with HMAC-SHA-1, six digits, 30 s: what every authenticator knows ---- */

uint32_t totp_at(struct bytes secret, uint64_t step);
/* Does the code open? Of the authenticator: this step's, the one before or after, none twice. Else a recovery code,
   which is used up. Changes the credential. */
bool totp_takes(Dirrec__Credential *credential, struct bytes secret, const char *code, int64_t now_ms);
void sha1(struct bytes data, uint8_t out[20]);

/* ---- sources.c ---- */

/* At the door: what `compiled` was made of. */
void directory_sources_keep(struct turn *turn, const char *site, struct bytes compiled, const Dirrec__Sources *sources);
void answer_sources(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);

/* ---- password.c ---- */

struct password_work {
    char known[PASSWORD_HASH_BYTES_MAX]; /* what `given` is held against; "": nothing */
    char given[PASSWORD_BYTES_MAX + 1];
    char fresh[PASSWORD_BYTES_MAX + 1]; /* to be hashed when `given` is right, or with nothing known; "": none */
    char made[PASSWORD_HASH_BYTES_MAX]; /* the hash of `fresh`, or of `given` when its cost is not today's */
    bool right, failed;                 /* failed: there was no memory for it; not known then what is right */
};
void password_compute(void *work);
/* NULL: refused. Takes the account's hash, or one of nobody's password: so an unknown account takes as long. */
struct password_work *password_begin(struct turn *turn, const char *known, const char *given, const char *fresh);
/* NIST SP 800-63B: long enough, not one that everybody tries first, no rules of composition. False: refused. */
bool password_allowed(struct turn *turn, const char *account, const char *password);
bool password_hash_sound(const char *hash);
/* There was no memory to compute it: 503, and it was no try. */
bool password_refuse_failed(struct turn *turn, const struct password_work *work, const struct tried *tried);

/* ---- tokens.c, secrets.c ---- */

/* All tokens of the account, of either kind. How many there were. */
uint32_t tokens_end_all(struct rows *rows, const char *account);
uint32_t directory_secret_end(struct rows *rows, const char *account); /* the one given by Organise: 0 or 1 */
uint32_t tokens_count(struct rows *rows, const char *account);
/* 403: rights_narrowed. */
void refuse_narrowed(struct turn *turn);

/* ---- what is asked ---- */

bool asked_by_gateway(struct turn *turn, const Hb__Query *query);     /* for nobody: else refused */
const char *asked_account(struct turn *turn, const Hb__Query *query); /* of the actor; NULL: refused */

void answer_sign_in(struct turn *turn, const Hb__Query *query);
void answer_sign_out(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void answer_set_password(struct turn *turn, const Hb__Query *query);
void directory_prepare_setup(struct turn *turn, const Hb__Command *command);
void directory_prepare_used(struct turn *turn, const Hb__Command *command);
void directory_prepare_credential(struct turn *turn, const Hb__Command *command);
void answer_use_setup(struct turn *turn, const Hb__Query *query);
void answer_totp(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void answer_tokens(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void answer_make_token(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void answer_end_token(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void computed_sign_in(struct turn *turn, const Hb__Query *query, const struct password_work *work,
                      Directory__Reply *reply);
void computed_set_password(struct turn *turn, const Hb__Query *query, const struct password_work *work,
                           Directory__Reply *reply);
void computed_use_setup(struct turn *turn, const Hb__Query *query, const struct password_work *work,
                        Directory__Reply *reply);

/* ---- views.c: lists that people keep; no secrets, but kept in the same way: no turn, no event ---- */

void answer_views(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void answer_keep_view(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);
void answer_drop_view(struct turn *turn, const Hb__Query *query, Directory__Reply *reply);

/* ---- session.c ---- */

Directory__Authenticated *authenticated_of(struct turn *turn, const char *account, char **scopes, size_t scopes_count,
                                           char **sites, size_t sites_count);
/* Who the secret of a session or an API token belongs to; NULL: nobody any more. */
Directory__Authenticated *session_authenticate(struct turn *turn, struct bytes hash, bool watching);
Directory__Authenticated *token_authenticate(struct turn *turn, struct bytes hash);
void session_keep(struct rows *rows, struct bytes hash, const char *account, uint64_t generation);
Directory__Done *done_new(struct turn *turn);

#endif
