/* API tokens: for programs, with an end, and never with more rights than whoever makes them. One's own are made and
   ended signed in with the password (the gateway sees to it), those of others by whoever may organise: never by a token
   that is itself one of these, or a stolen one would live on in those that it has made. */
#include "credentials.h"

#include <sodium.h>
#include <stdio.h>

#define ID_CHARACTERS 16u /* of the hash, in hex: enough to name it, not to use it */

static void id_of(struct bytes hash, char out[ID_CHARACTERS + 1])
{
    sodium_bin2hex(out, ID_CHARACTERS + 1, hash.data, ID_CHARACTERS / 2);
}

static bool over(const struct rows *rows, const ProtobufCMessage *row)
{
    return ((const Dirrec__Token *)row)->expires_ms <= turn_now(rows->turn);
}

void refuse_narrowed(struct turn *turn)
{
    turn_refuse(
        turn, 403, "not_allowed", "受限令牌不得更改账号、令牌及密码",
        "a narrowed token changes no accounts, tokens or passwords: sign in, or use a token of the whole account");
}

/* Whose tokens are meant: one's own, or anybody's for whoever may organise. NULL: refused. */
static const char *meant(struct turn *turn, const Hb__Query *query, const char *account, bool changes)
{
    const Hb__Actor *actor = query->actor;
    bool own = actor && *actor->account && (!*account || strcmp(account, actor->account) == 0);
    if (own && !(changes && rights_narrowed(actor)))
        return actor->account;
    if (changes && rights_narrowed(actor))
        refuse_narrowed(turn);
    else if (!rights_may(turn, actor, "organise", "*"))
        turn_refuse(turn, 403, "not_allowed", "无权管理他人的令牌", "tokens of others are for whoever may organise");
    else if (!*account || !organisation_account(turn, account))
        turn_refuse(turn, 404, "not_found", "没有这个账号", "there is no such account");
    return turn_refused(turn) ? NULL : account;
}

static Directory__Token *shown(struct turn *turn, struct bytes hash, const Dirrec__Token *row)
{
    Directory__Token *token = arena_alloc(turn_arena(turn), sizeof *token);
    char id[ID_CHARACTERS + 1];
    directory__token__init(token);
    id_of(hash, id);
    token->id = arena_strdup(turn_arena(turn), id);
    token->account = row->account;
    token->name = row->name;
    token->scopes = row->scopes;
    token->n_scopes = row->n_scopes;
    token->sites = row->sites;
    token->n_sites = row->n_sites;
    token->created_ms = row->created_ms;
    token->expires_ms = row->expires_ms;
    return token;
}

/* Calls `take` for every token of the account. */
static void each_of(struct rows *rows, const char *account,
                    void (*take)(struct rows *rows, struct bytes hash, const Dirrec__Token *token, void *context),
                    void *context)
{
    struct store_scan scan;
    struct bytes hash, value;
    store_scan_open(&scan, rows->txn, rows->tokens, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, turn_arena(rows->turn), &hash, &value)) {
        const Dirrec__Token *token = row_find(rows, rows->tokens, hash, &dirrec__token__descriptor);
        if (token && strcmp(token->account, account) == 0 && !over(rows, &token->base))
            take(rows, hash, token, context);
    }
}

static void list(struct rows *rows, struct bytes hash, const Dirrec__Token *token, void *context)
{
    Directory__Tokens *all = context;
    all->tokens = arena_grow(turn_arena(rows->turn), all->tokens, all->n_tokens, sizeof *all->tokens);
    all->tokens[all->n_tokens++] = shown(rows->turn, hash, token);
}

void answer_tokens(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const char *account = meant(turn, query, query->directory->tokens->account, false);
    struct rows rows;
    if (!account || !rows_begin(turn, &rows, false))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_TOKENS;
    reply->tokens = arena_alloc(turn_arena(turn), sizeof *reply->tokens);
    directory__tokens__init(reply->tokens);
    each_of(&rows, account, list, reply->tokens);
    rows_drop(&rows);
}

/* ---- making one ---- */

static void refuse_field(struct turn *turn, const char *field, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", zh, en);
    refusal_field(turn, refusal, field);
}

/* Where it names no site it opens all that the account reaches: there too whoever makes it must have what is given. */
static void check_rights(struct turn *turn, const Hb__Actor *actor, const Directory__Account *account,
                         const Directory__MakeToken *make)
{
    Hb__Actor of_account = HB__ACTOR__INIT;
    of_account.account = account->id;
    for (size_t s = 0; s < make->n_scopes; s++) {
        const char *scope = make->scopes[s];
        if (!rights_listed(account->scopes, account->n_scopes, scope))
            refuse_field(turn, arena_printf(turn_arena(turn), "scopes[%zu]", s), "账号本身没有此权限",
                         "the account itself has no such scope");
        for (size_t i = 0; i < make->n_sites; i++)
            if (!rights_may(turn, &of_account, scope, make->sites[i]) ||
                !rights_may(turn, actor, scope, make->sites[i]))
                refuse_field(turn, arena_printf(turn_arena(turn), "sites[%zu]", i), "账号或本人在该站点没有此权限",
                             "the account, or whoever asks, has no such scope at this site");
        for (const Directory__Site **site = organisation_sites(turn); !make->n_sites && *site; site++)
            if (rights_may(turn, &of_account, scope, (*site)->id) && !rights_may(turn, actor, scope, (*site)->id))
                refuse_field(turn, "sites", "本人在该账号的某些站点没有此权限，须指明站点",
                             "whoever asks has no such scope at some sites of the account: name the sites");
    }
}

static void check_make(struct turn *turn, const Hb__Query *query, const char *account, const Directory__MakeToken *make)
{
    const Directory__Account *known = organisation_account(turn, account);
    if (!*make->name || strlen(make->name) > DIRECTORY_TEXT_BYTES_MAX)
        refuse_field(turn, "name", "须说明令牌的用途，最长 256 字节", "say what it is for, in at most 256 bytes");
    if (!make->n_scopes || make->n_scopes > 16)
        refuse_field(turn, "scopes", "须列出权限",
                     "list its scopes: read act submit receive import policy organise report open audit");
    if (make->n_sites > 256)
        refuse_field(turn, "sites", "最多 256 个站点", "at most 256 sites");
    if (make->expires_ms <= turn_now(turn) || make->expires_ms > turn_now(turn) + TOKEN_MS_MAX)
        refuse_field(turn, "expires_at", "须有有效期，最长 366 天", "an end is needed, at most 366 days from now");
    if (make->token_hash.len != DIRECTORY_TOKEN_HASH_BYTES || !known)
        refuse_field(turn, "account", "没有这个账号", "there is no such account");
    if (!turn_refused(turn))
        check_rights(turn, query->actor, known, make);
}

static void count(struct rows *rows, struct bytes hash, const Dirrec__Token *token, void *context)
{
    (void)rows;
    (void)hash;
    (void)token;
    ++*(uint32_t *)context;
}

uint32_t tokens_count(struct rows *rows, const char *account)
{
    uint32_t have = 0;
    each_of(rows, account, count, &have);
    return have;
}

void answer_make_token(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__MakeToken *make = query->directory->make_token;
    const char *account = meant(turn, query, make->account, true);
    struct bytes hash = bytes_of(make->token_hash.data, make->token_hash.len);
    struct rows rows;
    if (account)
        check_make(turn, query, account, make);
    if (turn_refused(turn) || !rows_begin(turn, &rows, true))
        return;
    if (tokens_count(&rows, account) >= TOKENS_MAX)
        turn_refuse(turn, 409, "too_many_tokens", "一个账号最多 32 个令牌，请先作废不用的",
                    "an account has at most 32 tokens: end one that is not used");
    Dirrec__Token row = DIRREC__TOKEN__INIT;
    row.account = (char *)(uintptr_t)account;
    row.name = make->name;
    row.scopes = make->scopes;
    row.n_scopes = make->n_scopes;
    row.sites = make->sites;
    row.n_sites = make->n_sites;
    row.created_ms = turn_now(turn);
    row.expires_ms = make->expires_ms;
    row.made_by = query->actor->account;
    row_keep(&rows, rows.tokens, hash, &row.base);
    rows_sweep(&rows, rows.tokens, hash, &dirrec__token__descriptor, over);
    if (!rows_end(&rows))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_TOKEN_MADE;
    reply->token_made = shown(turn, hash, &row);
}

/* ---- ending one ---- */

struct ending {
    const char *id;
    bool found;
};

static void end_named(struct rows *rows, struct bytes hash, const Dirrec__Token *token, void *context)
{
    struct ending *ending = context;
    char id[ID_CHARACTERS + 1];
    (void)token;
    id_of(hash, id);
    if (strcmp(id, ending->id) != 0)
        return;
    ending->found = true;
    store_delete(rows->txn, rows->tokens, hash);
}

void answer_end_token(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__EndToken *end = query->directory->end_token;
    const char *account = meant(turn, query, end->account, true);
    struct ending ending = {.id = end->id};
    struct rows rows;
    if (!account || !rows_begin(turn, &rows, true))
        return;
    each_of(&rows, account, end_named, &ending);
    if (!ending.found)
        turn_refuse(turn, 404, "not_found", "没有这个令牌", "there is no such token");
    if (!rows_end(&rows))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_TOKEN_ENDED;
    reply->token_ended = done_new(turn);
}

static void end_any(struct rows *rows, struct bytes hash, const Dirrec__Token *token, void *context)
{
    (void)token;
    ++*(uint32_t *)context;
    store_delete(rows->txn, rows->tokens, hash);
}

uint32_t tokens_end_all(struct rows *rows, const char *account)
{
    uint32_t count = directory_secret_end(rows, account);
    each_of(rows, account, end_any, &count);
    return count;
}
