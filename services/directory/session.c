/* Signing in and out. A session is a row by the hash of its secret; it lives while it is used, and a day at most. All
   sessions of an account end at once when its generation moves on. */
#include "credentials.h"
#include "hearback/config.pb-c.h"

#define IDLE_MS_DEFAULT (8 * 3600000ll)
#define MOST_MS_DEFAULT (24 * 3600000ll)
#define FRESH_MS_MAX 30000

struct lives {
    int64_t idle_ms, most_ms;
};

static struct lives lives_of(const struct turn *turn)
{
    const Config__Config *config = turn_config(turn);
    const Config__SignIn *set = config ? config->sign_in : NULL;
    return (struct lives){set && set->idle_s ? (int64_t)set->idle_s * 1000 : IDLE_MS_DEFAULT,
                          set && set->most_s ? (int64_t)set->most_s * 1000 : MOST_MS_DEFAULT};
}

static int64_t until_of(const struct turn *turn, const Dirrec__Session *session)
{
    struct lives lives = lives_of(turn);
    int64_t idle = session->used_ms + lives.idle_ms, most = session->since_ms + lives.most_ms;
    return idle < most ? idle : most;
}

static bool over(const struct rows *rows, const ProtobufCMessage *row)
{
    return until_of(rows->turn, (const Dirrec__Session *)row) <= turn_now(rows->turn);
}

bool asked_by_gateway(struct turn *turn, const Hb__Query *query)
{
    if (query->actor && !query->actor->operator_)
        turn_refuse(turn, 403, "not_allowed", "仅限网关", "for the gateway only");
    return !turn_refused(turn);
}

const char *asked_account(struct turn *turn, const Hb__Query *query)
{
    const Hb__Actor *actor = query->actor;
    if (actor && *actor->account && !actor->n_scopes && !actor->n_sites && organisation_account(turn, actor->account))
        return actor->account;
    turn_refuse(turn, 403, "not_allowed", "须以本人账号登录后办理", "to be done signed in, not with a narrowed token");
    return NULL;
}

Directory__Done *done_new(struct turn *turn)
{
    Directory__Done *done = arena_alloc(turn_arena(turn), sizeof *done);
    directory__done__init(done);
    return done;
}

/* ---- who it is ---- */

static bool reaches(struct turn *turn, const Directory__Account *account, const Hb__Actor *actor, const char *site)
{
    for (size_t i = 0; i < account->n_scopes; i++)
        if (rights_may(turn, actor, account->scopes[i], site))
            return true;
    return false;
}

/* `scopes` and `sites` of a token; empty: all of the account. */
Directory__Authenticated *authenticated_of(struct turn *turn, const char *id, char **scopes, size_t scopes_count,
                                           char **sites, size_t sites_count)
{
    const Directory__Account *account = organisation_account(turn, id);
    Hb__Actor actor = HB__ACTOR__INIT;
    if (!account)
        return NULL;
    Directory__Authenticated *who = arena_alloc(turn_arena(turn), sizeof *who);
    directory__authenticated__init(who);
    who->account = (Directory__Account *)(uintptr_t)account;
    who->person = (Directory__Person *)(uintptr_t)organisation_person(turn, account->person);
    actor.account = (char *)(uintptr_t)id;
    who->scopes = actor.scopes = scopes;
    who->n_scopes = actor.n_scopes = scopes_count;
    who->sites = actor.sites = sites;
    who->n_sites = actor.n_sites = sites_count;
    for (const Directory__Site **site = organisation_sites(turn); *site; site++)
        if (reaches(turn, account, &actor, (*site)->id)) {
            who->reach = arena_grow(turn_arena(turn), who->reach, who->n_reach, sizeof *who->reach);
            who->reach[who->n_reach++] = (*site)->id;
        }
    return who;
}

/* Whoever has one of the scopes for which a site demands it. "*" there: whoever has every right. */
static bool second_factor_demanded(struct turn *turn, const char *account)
{
    Hb__Actor actor = HB__ACTOR__INIT;
    actor.account = (char *)(uintptr_t)account;
    for (const Directory__Site **site = organisation_sites(turn); *site; site++)
        for (size_t i = 0; i < (*site)->n_second_factor; i++)
            if (rights_may(turn, &actor, (*site)->second_factor[i], (*site)->id))
                return true;
    return false;
}

static void say_second_factor(struct turn *turn, const char *account, const Dirrec__Credential *credential,
                              Directory__Authenticated *who)
{
    who->totp = credential->totp;
    who->second_factor_needed = !credential->totp && second_factor_demanded(turn, account);
}

void session_keep(struct rows *rows, struct bytes hash, const char *account, uint64_t generation)
{
    const Dirrec__Session *before = row_find(rows, rows->sessions, hash, &dirrec__session__descriptor);
    Dirrec__Session session = DIRREC__SESSION__INIT;
    session.account = (char *)(uintptr_t)account;
    session.used_ms = turn_now(rows->turn);
    session.since_ms = before ? before->since_ms : session.used_ms;
    session.generation = generation;
    row_keep(rows, rows->sessions, hash, &session.base);
    rows_sweep(rows, rows->sessions, hash, &dirrec__session__descriptor, over);
}

static uint32_t fresh_ms(const struct turn *turn)
{
    int64_t part = lives_of(turn).idle_ms / 4;
    return (uint32_t)(part < FRESH_MS_MAX ? part : FRESH_MS_MAX);
}

Directory__Authenticated *session_authenticate(struct turn *turn, struct bytes hash, bool watching)
{
    struct rows rows;
    if (hash.size != DIRECTORY_TOKEN_HASH_BYTES || !rows_begin(turn, &rows, false))
        return NULL;
    const Dirrec__Session *session = row_find(&rows, rows.sessions, hash, &dirrec__session__descriptor);
    const Dirrec__Credential *credential = session ? credential_find(&rows, session->account) : NULL;
    rows_drop(&rows);
    if (!credential || credential->sessions_from != session->generation || until_of(turn, session) <= turn_now(turn))
        return NULL;
    Directory__Authenticated *who = authenticated_of(turn, session->account, NULL, 0, NULL, 0);
    if (!who)
        return NULL;
    say_second_factor(turn, session->account, credential, who);
    who->fresh_ms = fresh_ms(turn);
    Dirrec__Session used = *session;
    used.used_ms = watching ? session->used_ms : turn_now(turn);
    who->until_ms = until_of(turn, &used);
    /* that it is used is written now and then: what is lost by a crash is less than an eighth of its life */
    if (used.used_ms - session->used_ms >= fresh_ms(turn) / 2 && rows_begin(turn, &rows, true)) {
        session_keep(&rows, hash, session->account, session->generation);
        rows_end(&rows);
    }
    return who;
}

Directory__Authenticated *token_authenticate(struct turn *turn, struct bytes hash)
{
    struct rows rows;
    if (hash.size != DIRECTORY_TOKEN_HASH_BYTES || !rows_begin(turn, &rows, false))
        return NULL;
    Dirrec__Token *token = row_find(&rows, rows.tokens, hash, &dirrec__token__descriptor);
    rows_drop(&rows);
    if (!token || token->expires_ms <= turn_now(turn))
        return NULL;
    Directory__Authenticated *who =
        authenticated_of(turn, token->account, token->scopes, token->n_scopes, token->sites, token->n_sites);
    if (who)
        who->until_ms = token->expires_ms;
    return who;
}

/* ---- signing in ---- */

void answer_sign_in(struct turn *turn, const Hb__Query *query)
{
    const Directory__SignIn *in = query->directory->sign_in;
    struct rows rows;
    if (!asked_by_gateway(turn, query))
        return;
    if (in->session_hash.len != DIRECTORY_TOKEN_HASH_BYTES || strlen(in->password) > PASSWORD_BYTES_MAX) {
        turn_refuse(turn, 422, "bad_field", "密码过长", "the password is too long");
        return;
    }
    if (!rows_begin(turn, &rows, false))
        return;
    const Dirrec__Credential *credential =
        organisation_account(turn, in->account) ? credential_find(&rows, in->account) : NULL;
    struct tried tried = {TRIED_PASSWORD, in->account, in->address};
    rows_drop(&rows);
    if (password_begin(turn, credential ? credential->password_hash : "", in->password, ""))
        tries_begin(turn, &tried); /* after it: who finds no room has tried nothing */
}

/* What opens beside the password; refuses where it does not. True: a wrong code was tried. */
static bool second_factor(struct rows *rows, Dirrec__Credential *credential, const Directory__SignIn *in,
                          const struct tried *tried)
{
    if (!credential->totp || (*in->code && tries_refuse(rows, tried)))
        return false;
    if (totp_takes(credential, second_factor_secret(rows, in->account), in->code, turn_now(rows->turn))) {
        tries_forget(rows, tried);
        return false;
    }
    Hb__Refusal *refusal = *in->code ? turn_refuse(rows->turn, 401, "wrong_code", "验证码不正确或已用过",
                                                   "the code is not right, or was used before")
                                     : turn_refuse(rows->turn, 401, "code_needed", "还须输入验证器上的验证码",
                                                   "the code of the authenticator is needed too");
    refusal_field(rows->turn, refusal, "code");
    return *in->code != 0;
}

void computed_sign_in(struct turn *turn, const Hb__Query *query, const struct password_work *work,
                      Directory__Reply *reply)
{
    const Directory__SignIn *in = query->directory->sign_in;
    struct tried password = {TRIED_PASSWORD, in->account, in->address}, code = {TRIED_CODE, in->account, in->address};
    struct rows rows;
    if (password_refuse_failed(turn, work, &password) || !rows_begin(turn, &rows, true))
        return;
    Dirrec__Credential *credential = credential_of(&rows, in->account);
    Directory__Authenticated *who = work->right && strcmp(credential->password_hash, work->known) == 0
                                        ? authenticated_of(turn, in->account, NULL, 0, NULL, 0)
                                        : NULL;
    if (!who) {
        turn_refuse(turn, 401, "wrong_sign_in", "账号或密码不正确", "account or password is not right");
        rows_end(&rows);
        return;
    }
    bool wrong_code = second_factor(&rows, credential, in, &code);
    if (*work->made && !work->failed) /* its cost was not today's */
        credential->password_hash = (char *)(uintptr_t)work->made;
    credential_keep(&rows, in->account, credential);
    tries_forget(&rows, &password);
    session_keep(&rows, bytes_of(in->session_hash.data, in->session_hash.len), in->account, credential->sessions_from);
    if (!rows_end(&rows)) {
        tries_end(turn, &password, wrong_code ? &code : NULL); /* the password was no wrong one */
        return;
    }
    say_second_factor(turn, in->account, credential, who);
    who->fresh_ms = fresh_ms(turn);
    who->until_ms = turn_now(turn) + lives_of(turn).idle_ms;
    reply->kind_case = DIRECTORY__REPLY__KIND_SIGNED_IN;
    reply->signed_in = who;
}

/* ---- signing out ---- */

void answer_sign_out(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__SignOut *out = query->directory->sign_out;
    const char *account = asked_account(turn, query);
    struct rows rows;
    uint32_t ended = 0;
    if (!account || !rows_begin(turn, &rows, true))
        return;
    if (out->everywhere) {
        ended = tokens_end_all(&rows, account);
        Dirrec__Credential *credential = credential_of(&rows, account);
        credential->sessions_from++;
        credential_keep(&rows, account, credential);
    }
    if (out->session_hash.len)
        store_delete(rows.txn, rows.sessions, bytes_of(out->session_hash.data, out->session_hash.len));
    if (rows_end(&rows)) {
        reply->kind_case = DIRECTORY__REPLY__KIND_SIGNED_OUT;
        reply->signed_out = done_new(turn);
        reply->signed_out->tokens_ended = ended;
    }
}
