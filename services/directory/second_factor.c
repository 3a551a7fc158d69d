/* Enrolling an authenticator, and giving it up. Secret and recovery codes are made by whoever shows them; here they are
   only kept: wrapped by the vault, in the transaction of the account's row. */
#include "credentials.h"

#include "vault/vault.h"

#define ENROLLED "totp"
#define BEGUN "totp-begun" /* not confirmed */

static const char *name_of(const struct rows *rows, const char *what, const char *account)
{
    return arena_printf(turn_arena(rows->turn), "%s/%s", what, account);
}

static struct bytes secret_of(struct rows *rows, const char *what, const char *account)
{
    struct bytes secret;
    return vault_secret_get(turn_vault(rows->turn), rows->txn, name_of(rows, what, account), turn_arena(rows->turn),
                            &secret)
               ? (struct bytes){0}
               : secret;
}

static void keep(struct rows *rows, const char *what, const char *account, struct bytes secret)
{
    enum err err = vault_secret_put(turn_vault(rows->turn), rows->txn, name_of(rows, what, account), secret);
    bug_unless(!err); /* an account's id is shorter than a name */
}

static void forget(struct rows *rows, const char *what, const char *account)
{
    enum err err = vault_secret_delete(turn_vault(rows->turn), rows->txn, name_of(rows, what, account));
    bug_unless(!err);
}

struct bytes second_factor_secret(struct rows *rows, const char *account)
{
    return secret_of(rows, ENROLLED, account);
}

bool second_factor_missing(struct store_txn *txn, store_table vault_secrets, const char *account)
{
    struct arena arena;
    struct bytes box;
    arena_init(&arena);
    const char *row = arena_printf(&arena, VAULT_SECRET_ROW ENROLLED "/%s", account);
    bool missing = !store_get(txn, vault_secrets, bytes_of_text(row), &arena, &box);
    arena_fini(&arena);
    return missing;
}

void second_factor_forget(struct rows *rows, const char *account, Dirrec__Credential *credential)
{
    forget(rows, ENROLLED, account);
    forget(rows, BEGUN, account);
    credential->totp = false;
    credential->n_recovery_hashes = 0;
}

static void refuse(struct turn *turn, uint32_t status, const char *code, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, status, code, zh, en);
    refusal_field(turn, refusal, "code");
}

static bool confirm(struct rows *rows, const char *account, Dirrec__Credential *credential,
                    const Directory__ChangeTotp *change)
{
    struct bytes pending = secret_of(rows, BEGUN, account);
    credential->n_recovery_hashes = 0; /* of an enrolment before */
    if (pending.size == 0)
        refuse(rows->turn, 409, "not_begun", "请先开始绑定验证器", "begin the enrolment first");
    else if (!totp_takes(credential, pending, change->code, turn_now(rows->turn)))
        refuse(rows->turn, 403, "wrong_code", "验证码不正确；请核对手机的时间",
               "the code is not right; is the clock of the phone?");
    if (turn_refused(rows->turn))
        return false;
    keep(rows, ENROLLED, account, pending);
    forget(rows, BEGUN, account);
    credential->totp = true;
    credential->recovery_hashes = change->recovery_hashes;
    credential->n_recovery_hashes = change->n_recovery_hashes;
    return true;
}

static bool end(struct rows *rows, const char *account, Dirrec__Credential *credential,
                const Directory__ChangeTotp *change)
{
    if (!credential->totp)
        refuse(rows->turn, 409, "not_enrolled", "尚未绑定验证器", "no authenticator is enrolled");
    else if (!totp_takes(credential, second_factor_secret(rows, account), change->code, turn_now(rows->turn)))
        refuse(rows->turn, 403, "wrong_code", "验证码不正确或已用过", "the code is not right, or was used before");
    second_factor_forget(rows, account, credential);
    return !turn_refused(rows->turn);
}

static bool begin(struct rows *rows, const char *account, Dirrec__Credential *credential,
                  const Directory__ChangeTotp *change)
{
    if (credential->totp)
        refuse(rows->turn, 409, "enrolled", "已绑定验证器；须先解除", "an authenticator is enrolled; give it up first");
    else if (change->secret.len != 20)
        refuse(rows->turn, 422, "bad_field", "密钥须为 20 字节", "a secret has 20 bytes");
    else
        keep(rows, BEGUN, account, bytes_of(change->secret.data, change->secret.len));
    return !turn_refused(rows->turn);
}

static bool carry_out(struct rows *rows, const char *account, Dirrec__Credential *credential,
                      const Directory__ChangeTotp *change)
{
    switch (change->what) {
    case DIRECTORY__CHANGE_TOTP__WHAT__STATUS:
        return false;
    case DIRECTORY__CHANGE_TOTP__WHAT__BEGIN:
        return begin(rows, account, credential, change);
    case DIRECTORY__CHANGE_TOTP__WHAT__CONFIRM:
        return confirm(rows, account, credential, change);
    case DIRECTORY__CHANGE_TOTP__WHAT__END:
        return end(rows, account, credential, change);
    }
    refuse(rows->turn, 400, "not_understood", "无法理解", "not understood");
    return false;
}

void answer_totp(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__ChangeTotp *change = query->directory->change_totp;
    const char *account = asked_account(turn, query);
    struct tried tried = {TRIED_CODE, account, change->address};
    struct rows rows;
    bool guesses =
        change->what == DIRECTORY__CHANGE_TOTP__WHAT__CONFIRM || change->what == DIRECTORY__CHANGE_TOTP__WHAT__END;
    if (!account || (guesses && !tries_begin(turn, &tried)) || !rows_begin(turn, &rows, true))
        return;
    Dirrec__Credential *credential = credential_of(&rows, account);
    if (carry_out(&rows, account, credential, change)) {
        credential_keep(&rows, account, credential);
        if (guesses)
            tries_forget(&rows, &tried);
    }
    if (!rows_end(&rows))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_TOTP_CHANGED;
    reply->totp_changed = arena_alloc(turn_arena(turn), sizeof *reply->totp_changed);
    directory__totp__init(reply->totp_changed);
    reply->totp_changed->enrolled = credential->totp;
    reply->totp_changed->recovery_left = (uint32_t)credential->n_recovery_hashes;
}
