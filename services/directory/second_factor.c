/* Enrolling an authenticator, and giving it up. Secret and recovery codes are made by whoever shows them; here they are
   only kept. */
#include "credentials.h"

static void refuse(struct turn *turn, uint32_t status, const char *code, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, status, code, zh, en);
    refusal_field(turn, refusal, "code");
}

static bool confirm(struct rows *rows, Dirrec__Credential *credential, const Directory__ChangeTotp *change)
{
    struct bytes pending = bytes_of(credential->totp_pending.data, credential->totp_pending.len);
    credential->n_recovery_hashes = 0; /* of an enrolment before */
    if (pending.size == 0)
        refuse(rows->turn, 409, "not_begun", "请先开始绑定验证器", "begin the enrolment first");
    else if (!totp_takes(credential, pending, change->code, turn_now(rows->turn)))
        refuse(rows->turn, 403, "wrong_code", "验证码不正确；请核对手机的时间",
               "the code is not right; is the clock of the phone?");
    if (turn_refused(rows->turn))
        return false;
    credential->totp_secret = credential->totp_pending;
    credential->totp_pending = (ProtobufCBinaryData){0};
    credential->recovery_hashes = change->recovery_hashes;
    credential->n_recovery_hashes = change->n_recovery_hashes;
    return true;
}

static bool end(struct rows *rows, Dirrec__Credential *credential, const Directory__ChangeTotp *change)
{
    struct bytes secret = bytes_of(credential->totp_secret.data, credential->totp_secret.len);
    if (secret.size == 0)
        refuse(rows->turn, 409, "not_enrolled", "尚未绑定验证器", "no authenticator is enrolled");
    else if (!totp_takes(credential, secret, change->code, turn_now(rows->turn)))
        refuse(rows->turn, 403, "wrong_code", "验证码不正确或已用过", "the code is not right, or was used before");
    credential->totp_secret = (ProtobufCBinaryData){0};
    credential->n_recovery_hashes = 0;
    return !turn_refused(rows->turn);
}

static bool begin(struct rows *rows, Dirrec__Credential *credential, const Directory__ChangeTotp *change)
{
    if (credential->totp_secret.len)
        refuse(rows->turn, 409, "enrolled", "已绑定验证器；须先解除", "an authenticator is enrolled; give it up first");
    else if (change->secret.len != 20)
        refuse(rows->turn, 422, "bad_field", "密钥须为 20 字节", "a secret has 20 bytes");
    credential->totp_pending = change->secret;
    return !turn_refused(rows->turn);
}

static bool carry_out(struct rows *rows, Dirrec__Credential *credential, const Directory__ChangeTotp *change)
{
    switch (change->what) {
    case DIRECTORY__CHANGE_TOTP__WHAT__STATUS:
        return false;
    case DIRECTORY__CHANGE_TOTP__WHAT__BEGIN:
        return begin(rows, credential, change);
    case DIRECTORY__CHANGE_TOTP__WHAT__CONFIRM:
        return confirm(rows, credential, change);
    case DIRECTORY__CHANGE_TOTP__WHAT__END:
        return end(rows, credential, change);
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
    if (carry_out(&rows, credential, change)) {
        credential_keep(&rows, account, credential);
        if (guesses)
            tries_forget(&rows, &tried);
    }
    if (!rows_end(&rows))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_TOTP_CHANGED;
    reply->totp_changed = arena_alloc(turn_arena(turn), sizeof *reply->totp_changed);
    directory__totp__init(reply->totp_changed);
    reply->totp_changed->enrolled = credential->totp_secret.len > 0;
    reply->totp_changed->recovery_left = (uint32_t)credential->n_recovery_hashes;
}
