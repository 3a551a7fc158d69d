#include "session.h"

#include "auth.h"
#include "body.h"
#include "cell.h"
#include "portal_limit.h"
#include "portal_visit.h"
#include "problem.h"
#include "qr.h"
#include "json/json.h"

#include <sodium.h>

/* ---- bodies that are a few texts ---- */

struct text_field {
    const char *name;
    char **value;
};

/* All of them, and nothing else. False: answered. */
static bool read_texts(struct http_request *request, const struct text_field *fields, size_t count)
{
    json_t *body = body_object(request, false);
    if (!body)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *text = body_take_text(request, body, fields[i].name);
        if (!text) {
            json_decref(body);
            return false;
        }
        *fields[i].value = (char *)(uintptr_t)text;
    }
    const char *other = json_object_iter_key(json_object_iter(body));
    if (other) {
        Hb__Refusal *refusal = problem_new(request, 400, "malformed", "没有这个字段", "there is no such field");
        refusal->field = arena_strdup(&request->arena, other);
        for (size_t i = 0; i < count; i++)
            problem_accepts(request, refusal, fields[i].name);
        problem_respond(request, refusal);
    }
    json_decref(body);
    return !other;
}

#define READ_TEXTS(request, ...)                                                                                       \
    read_texts(request, (const struct text_field[]){__VA_ARGS__},                                                      \
               sizeof((const struct text_field[]){__VA_ARGS__}) / sizeof(struct text_field))

/* ---- asking directory ---- */

static void ask(struct http_request *request, Directory__Query__KindCase kind, ProtobufCMessage *message,
                cell_query_fn *done, void *context)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = kind;
    directory.authenticate = (Directory__Authenticate *)message; /* all arms share one pointer */
    if (request->actor)
        cell_query(request, HB__SERVICE__DIRECTORY, &query, done, context);
    else
        cell_query_own(request, HB__SERVICE__DIRECTORY, &query, done, context);
}

static char *address_of(struct http_request *request)
{
    return limit_address(request->address, &request->arena);
}

static ProtobufCBinaryData hash_of_session(struct http_request *request, const char *secret)
{
    ProtobufCBinaryData hash = {AUTH_HASH_BYTES, arena_alloc(&request->arena, AUTH_HASH_BYTES)};
    auth_session_hash(secret, hash.data);
    return hash;
}

static char *secret_new(struct http_request *request)
{
    uint8_t secret[32];
    char text[64];
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, sizeof text, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_strdup(&request->arena, text);
}

/* ---- telling what was changed ---- */

struct telling {
    unsigned status;
    json_t *answer;
};

/* It is done, whether the log had room for it or not. */
static void on_told(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__CommandReply *reply)
{
    const struct telling *telling = context;
    (void)refused;
    (void)reply;
    http_respond_json(request, telling->status, telling->answer);
}

static void tell(struct http_request *request, Directory__Command *directory, unsigned status, json_t *answer)
{
    Hb__Command command = HB__COMMAND__INIT;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    struct telling *telling = arena_alloc(&request->arena, sizeof *telling);
    *telling = (struct telling){status, answer};
    cell_command_id_new(id);
    command.id = id;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = directory;
    cell_command(request, HB__SERVICE__DIRECTORY, &command, 0, on_told, telling);
}

/* Then answers. `account`: NULL: the actor's own. */
static void tell_changed(struct http_request *request, const char *account, Directory__CredentialChanged__What what,
                         unsigned status, json_t *answer)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__TellCredential changed = DIRECTORY__TELL_CREDENTIAL__INIT;
    directory.kind_case = DIRECTORY__COMMAND__KIND_TELL_CREDENTIAL;
    directory.tell_credential = &changed;
    changed.account = (char *)(uintptr_t)(account && *account ? account : request->actor->account);
    changed.what = what;
    tell(request, &directory, status, answer);
}

/* What became of the tokens, of which whoever holds them may be another. */
static json_t *tokens_json(const char *name, uint32_t count)
{
    return json_pack("{s:i}", name, (int)count);
}

static void on_password(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    auth_forget(request->gateway, request->actor->account);
    tell_changed(request, NULL, DIRECTORY__CREDENTIAL_CHANGED__WHAT__PASSWORD, 200,
                 tokens_json("tokens_left", reply->directory->password_set->tokens_left));
}

/* For the log: who has just shown who it is. */
static void say_who(struct http_request *request, const char *account)
{
    Hb__Actor *actor = arena_alloc(&request->arena, sizeof *actor);
    hb__actor__init(actor);
    actor->account = arena_strdup(&request->arena, account);
    request->actor = actor;
}

static void tell_setup(struct http_request *request, const Directory__UseSetup *use, uint32_t tokens_ended)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__TellSetup used = DIRECTORY__TELL_SETUP__INIT;
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)use->code, strlen(use->code), NULL, 0);
    directory.kind_case = DIRECTORY__COMMAND__KIND_TELL_SETUP;
    directory.tell_setup = &used;
    used.account = use->account;
    used.code_hash = (ProtobufCBinaryData){sizeof hash, hash};
    tell(request, &directory, 200, tokens_json("tokens_ended", tokens_ended));
}

static void on_set_up(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    const Directory__UseSetup *use = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    auth_forget(request->gateway, use->account);
    say_who(request, use->account);
    tell_setup(request, use, reply->directory->setup_used->tokens_ended);
}

/* A token may be stolen from a program: it changes nothing of what its account signs in with. */
static bool refuse_token(struct http_request *request)
{
    if (!request->session)
        problem_say(request, 403, "session_needed", "须以密码登录后办理，不能用令牌",
                    "to be done signed in with the password, not with a token");
    return !request->session;
}

/* ---- who one is ---- */

static json_t *texts(char *const *list, size_t count)
{
    json_t *json = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(json, json_string(list[i]));
    return json;
}

static json_t *session_json(struct http_request *request, const Directory__Authenticated *who)
{
    const Directory__Account *account = who->account;
    const Directory__Person *person = who->person;
    json_t *posts = json_array();
    for (size_t i = 0; person && i < person->n_posts; i++)
        json_array_append_new(posts, json_from_message(&person->posts[i]->base, NULL));
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:b}", "account", account->id, "person", account->person, "name",
        person ? person->name : account->id, "posts", posts, "sites", texts(who->reach, who->n_reach), "scopes",
        who->n_scopes ? texts(who->scopes, who->n_scopes) : texts(account->scopes, account->n_scopes), "language",
        person && *person->language ? person->language : "zh-CN", "second_factor", (int)who->totp,
        "second_factor_needed", (int)who->second_factor_needed, "demonstration",
        (int)request->gateway->config->demonstration);
    if (who->until_ms)
        json_object_set_new(json, "until", json_string(json_time_text(NULL, who->until_ms, &request->arena)));
    if (request->session)
        json_object_set_new(json, "csrf", json_string(auth_csrf(request, request->session)));
    return json;
}

static void on_shown(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    (void)context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, session_json(request, reply->directory->authenticated));
}

/* Asked anew, whatever is known: this is how a page finds out what has changed. */
void session_show(struct http_request *request)
{
    Directory__Authenticate authenticate = DIRECTORY__AUTHENTICATE__INIT;
    if (request->session) {
        authenticate.session_hash = hash_of_session(request, request->session);
    } else {
        const char *token = auth_bearer(request);
        authenticate.token_hash = (ProtobufCBinaryData){AUTH_HASH_BYTES, arena_alloc(&request->arena, AUTH_HASH_BYTES)};
        auth_token_hash(token, authenticate.token_hash.data);
    }
    request->actor = NULL; /* as the gateway itself */
    ask(request, DIRECTORY__QUERY__KIND_AUTHENTICATE, &authenticate.base, on_shown, NULL);
}

void about_show(struct http_request *request)
{
    const Config__Config *config = request->gateway->config;
    http_respond_json(request, 200,
                      json_pack("{s:s, s:b}", "name", config->name, "demonstration", (int)config->demonstration));
}

/* ---- in and out ---- */

static void on_signed_in(struct http_request *request, void *context, const Hb__Refusal *refused,
                         const Hb__QueryReply *reply)
{
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    request->session = context;
    say_who(request, reply->directory->signed_in->account->id);
    auth_cookie_set(request, request->session);
    http_respond_json(request, 200, session_json(request, reply->directory->signed_in));
}

void session_sign_in(struct http_request *request)
{
    Directory__SignIn in = DIRECTORY__SIGN_IN__INIT;
    if (!READ_TEXTS(request, {"account", &in.account}, {"password", &in.password}, {"code", &in.code}))
        return;
    char *secret = secret_new(request); /* always a new one: nobody can plant a session */
    in.session_hash = hash_of_session(request, secret);
    in.address = address_of(request);
    ask(request, DIRECTORY__QUERY__KIND_SIGN_IN, &in.base, on_signed_in, secret);
}

static void on_signed_out(struct http_request *request, void *context, const Hb__Refusal *refused,
                          const Hb__QueryReply *reply)
{
    const bool *everywhere = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *answer = tokens_json("tokens_ended", reply->directory->signed_out->tokens_ended);
    auth_cookie_set(request, "");
    http_set(request, "Clear-Site-Data", "\"cache\", \"storage\"");
    auth_forget(request->gateway, request->actor->account);
    if (*everywhere)
        tell_changed(request, NULL, DIRECTORY__CREDENTIAL_CHANGED__WHAT__ALL_ENDED, 200, answer);
    else
        http_respond_json(request, 200, answer);
}

static void sign_out(struct http_request *request, bool everywhere)
{
    Directory__SignOut out = DIRECTORY__SIGN_OUT__INIT;
    if (refuse_token(request))
        return;
    out.session_hash = hash_of_session(request, request->session);
    out.everywhere = everywhere;
    bool *kept = arena_alloc(&request->arena, sizeof *kept);
    *kept = everywhere;
    ask(request, DIRECTORY__QUERY__KIND_SIGN_OUT, &out.base, on_signed_out, kept);
}

void session_sign_out(struct http_request *request)
{
    sign_out(request, false);
}

void sessions_end(struct http_request *request)
{
    sign_out(request, true);
}

/* ---- the password ---- */

void session_password(struct http_request *request)
{
    Directory__SetPassword set = DIRECTORY__SET_PASSWORD__INIT;
    if (refuse_token(request) || !READ_TEXTS(request, {"old", &set.old}, {"password", &set.password}))
        return;
    set.session_hash = hash_of_session(request, request->session);
    set.address = address_of(request);
    ask(request, DIRECTORY__QUERY__KIND_SET_PASSWORD, &set.base, on_password, NULL);
}

void session_setup(struct http_request *request)
{
    Directory__UseSetup *use = arena_alloc(&request->arena, sizeof *use);
    directory__use_setup__init(use);
    if (!READ_TEXTS(request, {"account", &use->account}, {"code", &use->code}, {"password", &use->password}))
        return;
    use->address = address_of(request);
    ask(request, DIRECTORY__QUERY__KIND_USE_SETUP, &use->base, on_set_up, use);
}

/* ---- the second factor ---- */

static char *base32(const uint8_t *data, size_t size, const char *alphabet, struct arena *arena)
{
    char *text = arena_alloc(arena, size * 8 / 5 + 2);
    size_t used = 0, bits = 0;
    uint32_t held = 0;
    for (size_t i = 0; i < size; i++) {
        held = held << 8 | data[i];
        for (bits += 8; bits >= 5; bits -= 5)
            text[used++] = alphabet[held >> (bits - 5) & 31];
    }
    text[used] = 0;
    return text;
}

static void on_totp_begun(struct http_request *request, void *context, const Hb__Refusal *refused,
                          const Hb__QueryReply *reply)
{
    const char *secret = context;
    (void)reply;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const char *uri = arena_printf(&request->arena,
                                   "otpauth://totp/Hearback:%s?secret=%s&issuer=Hearback&algorithm=SHA1&digits=6&"
                                   "period=30",
                                   request->actor->account, secret); /* an account's id needs no escaping */
    http_respond_json(request, 200,
                      json_pack("{s:s, s:s, s:s}", "secret", secret, "uri", uri, "qr", qr_image(&request->arena, uri)));
}

void session_totp_begin(struct http_request *request)
{
    Directory__ChangeTotp change = DIRECTORY__CHANGE_TOTP__INIT;
    uint8_t secret[20];
    if (refuse_token(request))
        return;
    randombytes_buf(secret, sizeof secret);
    change.what = DIRECTORY__CHANGE_TOTP__WHAT__BEGIN;
    change.secret = (ProtobufCBinaryData){sizeof secret, secret};
    ask(request, DIRECTORY__QUERY__KIND_CHANGE_TOTP, &change.base, on_totp_begun,
        base32(secret, sizeof secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", &request->arena));
}

static void on_confirmed(struct http_request *request, void *context, const Hb__Refusal *refused,
                         const Hb__QueryReply *reply)
{
    (void)reply;
    if (refused) {
        json_decref(context);
        problem_respond(request, refused);
        return;
    }
    auth_forget(request->gateway, request->actor->account); /* what was closed without it is open */
    tell_changed(request, NULL, DIRECTORY__CREDENTIAL_CHANGED__WHAT__FACTOR_ENROLLED, 200,
                 json_pack("{s:o}", "recovery_codes", (json_t *)context));
}

#define RECOVERY_CODES 10u

void session_totp_confirm(struct http_request *request)
{
    Directory__ChangeTotp change = DIRECTORY__CHANGE_TOTP__INIT;
    ProtobufCBinaryData hashes[RECOVERY_CODES];
    if (refuse_token(request) || !READ_TEXTS(request, {"code", &change.code}))
        return;
    json_t *codes = json_array();
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        uint8_t random[15]; /* 120 bits, 24 characters: so its hash need not be a slow one */
        randombytes_buf(random, sizeof random);
        char *code = base32(random, sizeof random, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", &request->arena);
        hashes[i] = (ProtobufCBinaryData){32, arena_alloc(&request->arena, 32)};
        crypto_generichash(hashes[i].data, 32, (const uint8_t *)code, strlen(code), NULL, 0);
        json_array_append_new(codes, json_string(arena_printf(&request->arena, "%.4s-%.4s-%.4s-%.4s-%.4s-%s", code,
                                                              code + 4, code + 8, code + 12, code + 16, code + 20)));
    }
    change.what = DIRECTORY__CHANGE_TOTP__WHAT__CONFIRM;
    change.recovery_hashes = hashes;
    change.n_recovery_hashes = RECOVERY_CODES;
    change.address = address_of(request);
    ask(request, DIRECTORY__QUERY__KIND_CHANGE_TOTP, &change.base, on_confirmed, codes);
}

static void on_given_up(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__QueryReply *reply)
{
    (void)context;
    (void)reply;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    auth_forget(request->gateway, request->actor->account); /* where it is demanded, all but enrolling anew is closed */
    tell_changed(request, NULL, DIRECTORY__CREDENTIAL_CHANGED__WHAT__FACTOR_GIVEN_UP, 200, json_object());
}

void session_totp_end(struct http_request *request)
{
    Directory__ChangeTotp change = DIRECTORY__CHANGE_TOTP__INIT;
    if (refuse_token(request) || !READ_TEXTS(request, {"code", &change.code}))
        return;
    change.what = DIRECTORY__CHANGE_TOTP__WHAT__END;
    change.address = address_of(request);
    ask(request, DIRECTORY__QUERY__KIND_CHANGE_TOTP, &change.base, on_given_up, NULL);
}

/* ---- API tokens ---- */

/* A stolen token makes itself no successors, and ends none of the others. Those of other accounts are for whoever may
   organise: directory looks at that. */
static bool refuse_own_by_token(struct http_request *request, const char *account)
{
    return (!*account || strcmp(account, request->actor->account) == 0) && refuse_token(request);
}

static char *account_asked(struct http_request *request)
{
    const char *account = http_query(request, "account");
    return arena_strdup(&request->arena, account ? account : "");
}

static void on_tokens(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Directory__Tokens *all = reply->directory->tokens;
    json_t *list = json_array();
    for (size_t i = 0; i < all->n_tokens; i++)
        json_array_append_new(list, json_from_message(&all->tokens[i]->base, NULL));
    http_respond_json(request, 200, json_pack("{s:o}", "tokens", list));
}

void tokens_list(struct http_request *request)
{
    Directory__GetTokens get = DIRECTORY__GET_TOKENS__INIT;
    get.account = account_asked(request);
    ask(request, DIRECTORY__QUERY__KIND_TOKENS, &get.base, on_tokens, NULL);
}

static void on_token_made(struct http_request *request, void *context, const Hb__Refusal *refused,
                          const Hb__QueryReply *reply)
{
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *json = json_from_message(&reply->directory->token_made->base, NULL);
    json_object_set_new(json, "token", json_string(context)); /* once */
    tell_changed(request, reply->directory->token_made->account, DIRECTORY__CREDENTIAL_CHANGED__WHAT__TOKEN_MADE, 201,
                 json);
}

void tokens_make(struct http_request *request)
{
    const Hb__Refusal *refused = NULL;
    json_t *body = body_object(request, false);
    Directory__MakeToken *make =
        body ? (Directory__MakeToken *)body_message(request, body, &directory__make_token__descriptor, "", &refused)
             : NULL;
    if (refused)
        problem_respond(request, refused);
    if (!make || refuse_own_by_token(request, make->account))
        return;
    char *token = arena_printf(&request->arena, "hb_%s", secret_new(request));
    make->token_hash = (ProtobufCBinaryData){AUTH_HASH_BYTES, arena_alloc(&request->arena, AUTH_HASH_BYTES)};
    auth_token_hash(token, make->token_hash.data);
    ask(request, DIRECTORY__QUERY__KIND_MAKE_TOKEN, &make->base, on_token_made, token);
}

static void on_token_ended(struct http_request *request, void *context, const Hb__Refusal *refused,
                           const Hb__QueryReply *reply)
{
    const char *account = context;
    (void)reply;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    auth_forget(request->gateway, *account ? account : request->actor->account);
    tell_changed(request, account, DIRECTORY__CREDENTIAL_CHANGED__WHAT__TOKEN_ENDED, 200, json_object());
}

void tokens_end(struct http_request *request)
{
    Directory__EndToken end = DIRECTORY__END_TOKEN__INIT;
    end.account = account_asked(request);
    if (refuse_own_by_token(request, end.account))
        return;
    end.id = arena_strdup(&request->arena, http_param(request, "id"));
    ask(request, DIRECTORY__QUERY__KIND_END_TOKEN, &end.base, on_token_ended, end.account);
}

/* ---- the first password of others ---- */

#define SETUP_MS 86400000ll

struct setup {
    char *account, *code;
    int64_t until_ms;
};

static void on_setup_offered(struct http_request *request, void *context, const Hb__Refusal *refused,
                             const Hb__CommandReply *reply)
{
    const struct setup *setup = context;
    (void)reply;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const char *link = arena_printf(&request->arena, "%s/console/signin#account=%s&code=%s", portal_base(request),
                                    setup->account, setup->code);
    http_respond_json(request, 200,
                      json_pack("{s:s, s:s, s:s, s:s}", "account", setup->account, "code", setup->code, "link", link,
                                "until", json_time_text(NULL, setup->until_ms, &request->arena)));
}

void accounts_setup(struct http_request *request)
{
    Hb__Command command = HB__COMMAND__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__OfferSetup offer = DIRECTORY__OFFER_SETUP__INIT;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    struct setup *setup = arena_alloc(&request->arena, sizeof *setup);
    setup->account = arena_strdup(&request->arena, http_param(request, "account"));
    setup->code = secret_new(request);
    setup->until_ms = gateway_now_ms() + SETUP_MS;
    if (refuse_own_by_token(request, setup->account))
        return;
    offer.account = setup->account;
    offer.code_hash = (ProtobufCBinaryData){32, arena_alloc(&request->arena, 32)};
    crypto_generichash(offer.code_hash.data, 32, (const uint8_t *)setup->code, strlen(setup->code), NULL, 0);
    offer.until_ms = setup->until_ms;
    cell_command_id_new(id);
    command.id = id;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    directory.kind_case = DIRECTORY__COMMAND__KIND_OFFER_SETUP;
    directory.offer_setup = &offer;
    cell_command(request, HB__SERVICE__DIRECTORY, &command, 0, on_setup_offered, setup);
}
