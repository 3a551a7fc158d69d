/* Passwords: argon2id through libsodium, computed beside the loop. */
#include "credentials.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <strings.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL_NO_PADDING

/* Of no password at all: what an unknown account is held against, at the same cost. */
static const char nobodys[] =
    "$argon2id$v=19$m=65536,t=2,p=1$FuHLCnPSylGZ0TO2bXaPBg$KnTITmeMG8rZAqiqhh0+qkxUXVmWdwFmQQfZ+JXiQ1g";

/* ---- beside the loop ---- */

static bool make(struct password_work *work, const char *password)
{
    return crypto_pwhash_str(work->made, password, strlen(password), PASSWORD_OPERATIONS, PASSWORD_MEMORY_BYTES) == 0;
}

/* crypto_pwhash_str_verify says of a machine without memory that it is another password (libsodium 1.0.18): so the hash
   is computed here, as crypto_pwhash_str has written it down. */
static bool verify(struct password_work *work)
{
    unsigned memory, times;
    char salt_text[32], hash_text[64];
    uint8_t salt[crypto_pwhash_SALTBYTES], right[32], given[32];
    size_t salt_size, right_size;
    if (!password_hash_sound(work->known) ||
        sscanf(work->known, "$argon2id$v=19$m=%6u,t=%2u,p=1$%31[^$]$%63s", &memory, &times, salt_text, hash_text) !=
            4 ||
        sodium_base642bin(salt, sizeof salt, salt_text, strlen(salt_text), NULL, &salt_size, NULL, BASE64) ||
        sodium_base642bin(right, sizeof right, hash_text, strlen(hash_text), NULL, &right_size, NULL, BASE64) ||
        salt_size != sizeof salt || right_size != sizeof right)
        return false;
    work->failed = crypto_pwhash(given, sizeof given, work->given, strlen(work->given), salt, times,
                                 (size_t)memory * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0;
    return !work->failed && sodium_memcmp(given, right, sizeof right) == 0;
}

void password_compute(void *context)
{
    struct password_work *work = context;
    work->right = !*work->known || verify(work);
    bool cheap =
        *work->known && crypto_pwhash_str_needs_rehash(work->known, PASSWORD_OPERATIONS, PASSWORD_MEMORY_BYTES) != 0;
    const char *fresh = *work->fresh ? work->fresh : cheap ? work->given : NULL;
    if (work->right && fresh)
        work->failed = !make(work, fresh);
}

struct password_work *password_begin(struct turn *turn, const char *known, const char *given, const char *fresh)
{
    struct password_work *work = turn_compute(turn, sizeof *work);
    if (!work)
        return NULL;
    snprintf(work->known, sizeof work->known, "%s", !known ? "" : *known ? known : nobodys);
    snprintf(work->given, sizeof work->given, "%s", given);
    snprintf(work->fresh, sizeof work->fresh, "%s", fresh);
    return work;
}

/* ---- which ones are taken ---- */

static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((uint8_t)*text & 0xC0) != 0x80;
    return count;
}

/* "P@ssw0rd-2026" is "password": what people put around a common word does not make it rare. */
static void bare_of(const char *text, char out[64])
{
    static const char from[] = "@0134$5", to[] = "aoleass";
    size_t size = 0;
    for (; *text && size < 63; text++) {
        const char *at = strchr(from, *text);
        char c = (char)tolower((unsigned char)(at ? to[at - from] : *text));
        if (isalpha((unsigned char)c))
            out[size++] = c;
    }
    out[size] = 0;
}

/* Is more than half of it this word, however often? */
static bool is_only(const char *bare, const char *word)
{
    size_t size = strlen(word), others = 0;
    if (size < 3 || !strstr(bare, word))
        return false;
    for (const char *at = bare; *at;) {
        bool here = strncmp(at, word, size) == 0;
        others += !here;
        at += here ? size : 1;
    }
    return others * 2 < strlen(bare);
}

static bool in_row(const char *text)
{
    unsigned steps = 0, count = 0;
    for (; text[0] && text[1]; text++, count++) {
        int step = text[1] - text[0];
        steps += step >= -1 && step <= 1;
    }
    return steps * 4 >= count * 3; /* "abcdefgh1234", "999999999999" */
}

static bool is_common(const char *account, const char *password)
{
    static const char *const words[] = {"password",      "passwort", "qwerty",  "qwertyuiop", "asdfgh",   "admin",
                                        "administrator", "letmein",  "welcome", "iloveyou",   "hearback", "woaini",
                                        "mima",          "dragon",   "monkey",  "football",   "changeme", "secret"};
    char bare[64], own[64];
    bare_of(password, bare);
    bare_of(account, own);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_only(bare, words[i]))
            return true;
    bool used[256] = {false};
    unsigned different = 0;
    for (const char *at = password; *at; at++) {
        different += !used[(uint8_t)*at];
        used[(uint8_t)*at] = true;
    }
    return different < 5 || in_row(password) || is_only(bare, own) || strcasestr(password, "1qaz2wsx");
}

static void refuse_password(struct turn *turn, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_password", zh, en);
    refusal_field(turn, refusal, "password");
    refusal_accepts(turn, refusal, "12 .. 256");
}

bool password_allowed(struct turn *turn, const char *account, const char *password)
{
    size_t count = characters_of(password);
    if (count < PASSWORD_CHARACTERS_MIN || count > 256 || strlen(password) > PASSWORD_BYTES_MAX)
        refuse_password(turn, "密码须有 12 至 256 个字符，任何字符均可",
                        "a password has 12 to 256 characters, of any kind");
    else if (is_common(account, password))
        refuse_password(turn, "该密码太容易被猜到，请换一个（例如几个不相关的词）",
                        "this password is among the first that are guessed; take another, as a few unrelated words");
    return !turn_refused(turn);
}

/* Of the demonstration, whose passwords are random: any cost up to today's, which is paid at the first sign-in. */
bool password_hash_sound(const char *hash)
{
    unsigned memory, times, lanes;
    int end = 0;
    return strlen(hash) < PASSWORD_HASH_BYTES_MAX &&
           sscanf(hash, "$argon2id$v=19$m=%6u,t=%2u,p=%2u$%n", &memory, &times, &lanes, &end) == 3 && end &&
           memory <= PASSWORD_MEMORY_BYTES / 1024 && times <= 4 && lanes == 1;
}

/* ---- changing one's own ---- */

void answer_set_password(struct turn *turn, const Hb__Query *query)
{
    const Directory__SetPassword *set = query->directory->set_password;
    const char *account = asked_account(turn, query);
    struct rows rows;
    if (!account || !password_allowed(turn, account, set->password) || !rows_begin(turn, &rows, false))
        return;
    const Dirrec__Credential *credential = credential_of(&rows, account);
    struct tried tried = {TRIED_OLD_PASSWORD, account, set->address};
    rows_drop(&rows);
    if (password_begin(turn, credential->password_hash, strlen(set->old) > PASSWORD_BYTES_MAX ? "" : set->old,
                       set->password))
        tries_begin(turn, &tried);
}

/* Every other session of the account ends. */
static void keep_password(struct rows *rows, const char *account, Dirrec__Credential *credential, const char *hash,
                          struct bytes session)
{
    credential->password_hash = (char *)(uintptr_t)hash;
    credential->sessions_from++;
    credential->setup_hash = (ProtobufCBinaryData){0};
    credential_keep(rows, account, credential);
    if (session.size && row_find(rows, rows->sessions, session, &dirrec__session__descriptor))
        session_keep(rows, session, account, credential->sessions_from);
}

bool password_refuse_failed(struct turn *turn, const struct password_work *work, const struct tried *tried)
{
    if (!work->failed || (work->right && !*work->fresh))
        return false; /* only the hash of today's cost was not made: at the next sign-in, then */
    turn_refuse(turn, 503, "overloaded", "内存不足，请稍后再试", "no memory for it now; try again shortly")
        ->retry_after_s = 2;
    tries_end(turn, tried, NULL);
    return true;
}

void computed_set_password(struct turn *turn, const Hb__Query *query, const struct password_work *work,
                           Directory__Reply *reply)
{
    const Directory__SetPassword *set = query->directory->set_password;
    const char *account = query->actor->account;
    struct tried tried = {TRIED_OLD_PASSWORD, account, set->address};
    struct rows rows;
    if (password_refuse_failed(turn, work, &tried) || !rows_begin(turn, &rows, true))
        return;
    Dirrec__Credential *credential = credential_of(&rows, account);
    if (!work->right || strcmp(credential->password_hash, work->known) != 0) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 403, "wrong_password", "原密码不正确", "the old password is not right");
        refusal_field(turn, refusal, "old");
    } else {
        tries_forget(&rows, &tried);
        keep_password(&rows, account, credential, work->made, bytes_of(set->session_hash.data, set->session_hash.len));
    }
    uint32_t left = tokens_count(&rows, account);
    if (rows_end(&rows)) {
        reply->kind_case = DIRECTORY__REPLY__KIND_PASSWORD_SET;
        reply->password_set = done_new(turn);
        reply->password_set->tokens_left = left;
    }
}

/* ---- the first one, or a forgotten one: with a code from whoever may organise ---- */

/* At the door, like token hashes: the code is kept, then decide says who offered it. A code that is kept while its turn
   then fails was told to nobody. */
void directory_prepare_setup(struct turn *turn, const Hb__Command *command)
{
    const Directory__OfferSetup *offer = command->directory->offer_setup;
    struct rows rows;
    if (rights_narrowed(command->actor)) {
        refuse_narrowed(turn);
        return;
    }
    if (!rights_may(turn, command->actor, "organise", "*")) {
        turn_refuse(turn, 403, "not_allowed", "无权维护账号", "this account may not give passwords to others");
        return;
    }
    if (!organisation_account(turn, offer->account)) {
        turn_refuse(turn, 404, "not_found", "没有这个账号", "there is no such account");
        return;
    }
    if (offer->code_hash.len != 32 || offer->until_ms <= turn_now(turn) ||
        offer->until_ms > turn_now(turn) + SETUP_MS_MAX) {
        turn_refuse(turn, 422, "bad_field", "设置码的有效期最长七天", "a setup code holds for at most seven days");
        return;
    }
    if (!rows_begin(turn, &rows, true))
        return;
    Dirrec__Credential *credential = credential_of(&rows, offer->account);
    credential->setup_hash = offer->code_hash;
    credential->setup_until_ms = offer->until_ms;
    credential_keep(&rows, offer->account, credential);
    rows_end(&rows);
}

void directory_decide_setup(struct turn *turn, const Directory__OfferSetup *offer)
{
    Directory__SetupOffered *said = TURN_NEW(turn, Directory__SetupOffered, directory__setup_offered__init);
    said->account = offer->account;
    said->until_ms = offer->until_ms;
    directory_say(turn, "", DIRECTORY__EVENT__KIND_SETUP_OFFERED, &said->base);
}

/* At the door: it was used, and by whoever says so. Setting a password is a query, which says nothing in the log. */
void directory_prepare_used(struct turn *turn, const Hb__Command *command)
{
    const Directory__TellSetup *tell = command->directory->tell_setup;
    const Hb__Actor *actor = command->actor;
    struct rows rows;
    if (!rows_begin(turn, &rows, false))
        return;
    const Dirrec__Credential *credential = credential_of(&rows, tell->account);
    rows_drop(&rows);
    if (!actor || strcmp(actor->account, tell->account) != 0 || tell->code_hash.len != 32 ||
        credential->setup_used_hash.len != 32 ||
        sodium_memcmp(credential->setup_used_hash.data, tell->code_hash.data, 32) != 0)
        turn_refuse(turn, 403, "not_allowed", "没有用过这个设置码", "no such code was used");
}

void directory_decide_used(struct turn *turn, const Directory__TellSetup *tell)
{
    Directory__SetupUsed *said = TURN_NEW(turn, Directory__SetupUsed, directory__setup_used__init);
    said->account = tell->account;
    directory_say(turn, "", DIRECTORY__EVENT__KIND_SETUP_USED, &said->base);
}

/* Credentials are changed by queries too, which have no place in the log: that it was done is the gateway's word. */
void directory_prepare_credential(struct turn *turn, const Hb__Command *command)
{
    const Directory__TellCredential *tell = command->directory->tell_credential;
    const Hb__Actor *actor = command->actor;
    if (!actor || !organisation_account(turn, actor->account) || rights_narrowed(actor) ||
        !organisation_account(turn, tell->account))
        turn_refuse(turn, 403, "not_allowed", "没有这个账号", "there is no such account");
    else if (!protobuf_c_enum_descriptor_get_value(&directory__credential_changed__what__descriptor, (int)tell->what))
        turn_refuse(turn, 400, "not_understood", "无法理解", "not understood");
}

void directory_decide_credential(struct turn *turn, const Directory__TellCredential *tell)
{
    Directory__CredentialChanged *said =
        TURN_NEW(turn, Directory__CredentialChanged, directory__credential_changed__init);
    said->account = tell->account;
    said->what = tell->what;
    directory_say(turn, "", DIRECTORY__EVENT__KIND_CREDENTIAL_CHANGED, &said->base);
}

static bool code_fits(struct turn *turn, const Dirrec__Credential *credential, const char *code)
{
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)code, strlen(code), NULL, 0);
    return credential->setup_hash.len == sizeof hash && credential->setup_until_ms > turn_now(turn) &&
           sodium_memcmp(credential->setup_hash.data, hash, sizeof hash) == 0;
}

static void refuse_code(struct turn *turn)
{
    Hb__Refusal *refusal = turn_refuse(turn, 403, "wrong_code", "账号或设置码不正确，或已过期、已用过",
                                       "account or setup code is not right, or it has expired or was used");
    refusal_field(turn, refusal, "code");
}

void answer_use_setup(struct turn *turn, const Hb__Query *query)
{
    const Directory__UseSetup *use = query->directory->use_setup;
    struct tried tried = {TRIED_SETUP, use->account, use->address};
    struct rows rows;
    if (!asked_by_gateway(turn, query) || !password_allowed(turn, use->account, use->password) ||
        !tries_begin(turn, &tried) || !rows_begin(turn, &rows, false))
        return;
    bool fits = code_fits(turn, credential_of(&rows, use->account), use->code);
    rows_drop(&rows);
    if (!fits || !organisation_account(turn, use->account))
        refuse_code(turn);
    else if (!password_begin(turn, NULL, "", use->password))
        tries_end(turn, &tried, NULL);
}

/* Whoever lost the second factor begins anew as well; and what was done in the account's name until now ends. */
void computed_use_setup(struct turn *turn, const Hb__Query *query, const struct password_work *work,
                        Directory__Reply *reply)
{
    const Directory__UseSetup *use = query->directory->use_setup;
    struct tried tried = {TRIED_SETUP, use->account, use->address};
    struct rows rows;
    uint32_t ended = 0;
    if (password_refuse_failed(turn, work, &tried) || !rows_begin(turn, &rows, true))
        return;
    Dirrec__Credential *credential = credential_of(&rows, use->account);
    if (code_fits(turn, credential, use->code)) {
        second_factor_forget(&rows, use->account, credential);
        tries_forget(&rows, &tried);
        ended = tokens_end_all(&rows, use->account);
        credential->setup_used_hash = credential->setup_hash;
        keep_password(&rows, use->account, credential, work->made, (struct bytes){0});
    } else {
        refuse_code(turn); /* used meanwhile */
    }
    if (rows_end(&rows)) {
        reply->kind_case = DIRECTORY__REPLY__KIND_SETUP_USED;
        reply->setup_used = done_new(turn);
        reply->setup_used->tokens_ended = ended;
    }
}
