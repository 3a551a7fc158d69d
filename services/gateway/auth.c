#include "auth.h"

#include "base/planted.h"
#include "cell.h"
#include "events.h"
#include "problem.h"
#include "routes.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define HASH_BYTES AUTH_HASH_BYTES
#define ID_BYTES_MAX 128u /* nothing in directory has a longer id */

struct known {
    uint8_t hash[HASH_BYTES];
    char account[ID_BYTES_MAX + 1], person[ID_BYTES_MAX + 1], post[ID_BYTES_MAX + 1];
    char *scopes, *sites;                     /* of a narrowed token, each ended by a blank; NULL: not narrowed */
    int64_t checked_ms, fresh_ms, expires_ms; /* 0: never */
    bool must_enrol;                          /* a session: an authenticator is demanded, and there is none yet */
};

struct auth {
    struct known list[AUTH_ENTRIES]; /* each hash has one place; two that meet take turns */
};

struct auth *auth_open(struct gateway *gateway)
{
    (void)gateway;
    struct auth *auth = calloc(1, sizeof *auth); /* not the arena: pages nobody uses are never touched */
    bug_unless(auth);
    return auth;
}

static struct known *place_of(struct auth *auth, const uint8_t hash[HASH_BYTES])
{
    return &auth->list[bytes_get_u32(hash) % AUTH_ENTRIES];
}

/* The secret, while it need not be asked for again, or (`stale`) cannot; NULL when it is not known. */
static const struct known *known_of(struct auth *auth, const uint8_t hash[HASH_BYTES], bool stale)
{
    const struct known *known = place_of(auth, hash);
    int64_t now = gateway_now_ms(), age = stale ? AUTH_STALE_MS : known->fresh_ms;
    bool fresh = known->checked_ms && now - known->checked_ms < age && now >= known->checked_ms;
    bool expired = known->expires_ms && known->expires_ms <= now;
    return fresh && !expired && sodium_memcmp(known->hash, hash, HASH_BYTES) == 0 ? known : NULL;
}

/* "read act " -> two texts */
static char **words_of(struct arena *arena, const char *text, size_t *count_out)
{
    char **words = NULL;
    for (size_t size; text && *text; text += size + 1) {
        size = strcspn(text, " ");
        words = arena_grow(arena, words, *count_out, sizeof *words);
        words[(*count_out)++] = arena_text(arena, text, size);
    }
    return words;
}

static char *joined(char *const *words, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = count ? calloc(1, size) : NULL;
    bug_unless(text || !count);
    for (size_t i = 0; i < count; i++) {
        strcat(text, words[i]);
        strcat(text, " ");
    }
    return text;
}

static void act_as(struct http_request *request, const struct known *known)
{
    Hb__Actor *actor = request->actor = arena_alloc(&request->arena, sizeof *actor);
    hb__actor__init(actor);
    request->known_until_ms = known->expires_ms;
    actor->account = arena_strdup(&request->arena, known->account);
    actor->person = arena_strdup(&request->arena, known->person);
    actor->post = arena_strdup(&request->arena, known->post);
    actor->scopes = words_of(&request->arena, known->scopes, &actor->n_scopes);
    actor->sites = words_of(&request->arena, known->sites, &actor->n_sites);
}

/* The post acted in is a fact only where there is no choice. */
static const char *only_post(const Directory__Person *person)
{
    for (size_t i = 1; person && i < person->n_posts; i++)
        if (strcmp(person->posts[i]->post, person->posts[0]->post) != 0)
            return "";
    return person && person->n_posts ? person->posts[0]->post : "";
}

static const struct known *keep(struct auth *auth, const uint8_t hash[HASH_BYTES],
                                const Directory__Authenticated *authenticated)
{
    struct known *known = place_of(auth, hash);
    const Directory__Account *account = authenticated->account;
    bug_unless(account); /* directory gives none but with an account */
    memcpy(known->hash, hash, HASH_BYTES);
    snprintf(known->account, sizeof known->account, "%s", account->id);
    snprintf(known->person, sizeof known->person, "%s", account->person);
    snprintf(known->post, sizeof known->post, "%s", only_post(authenticated->person));
    free(known->scopes);
    free(known->sites);
    known->scopes = joined(authenticated->scopes, authenticated->n_scopes);
    known->sites = joined(authenticated->sites, authenticated->n_sites);
    known->checked_ms = gateway_now_ms();
    known->fresh_ms = authenticated->fresh_ms ? authenticated->fresh_ms : AUTH_FRESH_MS;
    known->expires_ms = authenticated->until_ms;
    known->must_enrol = authenticated->second_factor_needed;
    return known;
}

/* The token was ended, or has expired. */
static void forget(struct auth *auth, const uint8_t hash[HASH_BYTES])
{
    struct known *known = place_of(auth, hash);
    if (sodium_memcmp(known->hash, hash, HASH_BYTES) == 0)
        known->checked_ms = 0;
}

void auth_forget(struct gateway *gateway, const char *account)
{
    for (size_t i = 0; i < AUTH_ENTRIES; i++)
        if (strcmp(gateway->auth->list[i].account, account) == 0)
            gateway->auth->list[i].checked_ms = 0;
    events_end_of(gateway, account);
}

/* ---- the cookie ---- */

static bool is_secure(const struct http_request *request)
{
    return strncmp(request->gateway->config->http->public_url, "https://", 8) == 0;
}

const char *auth_cookie_name(const struct http_request *request)
{
    return is_secure(request) ? "__Host-session" : "session";
}

void auth_cookie_set(struct http_request *request, const char *secret)
{
    http_set(request, "Set-Cookie",
             arena_printf(&request->arena, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", auth_cookie_name(request),
                          secret, is_secure(request) ? "; Secure" : "", *secret ? "" : "; Max-Age=0"));
}

static void keyed(const char *what, const char *secret, uint8_t hash_out[HASH_BYTES])
{
    crypto_generichash(hash_out, HASH_BYTES, (const uint8_t *)secret, strlen(secret), (const uint8_t *)what,
                       strlen(what));
}

void auth_session_hash(const char *secret, uint8_t hash_out[HASH_BYTES])
{
    keyed("hearback session 1", secret, hash_out);
}

void auth_token_hash(const char *token, uint8_t hash_out[HASH_BYTES])
{
    crypto_generichash(hash_out, HASH_BYTES, (const uint8_t *)token, strlen(token), NULL, 0);
}

char *auth_csrf(struct http_request *request, const char *secret)
{
    uint8_t hash[HASH_BYTES];
    char text[2 * HASH_BYTES];
    keyed("hearback csrf of session 1", secret, hash);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_strdup(&request->arena, text);
}

/* A page of elsewhere can make a browser send the cookie (where SameSite is not known), but not this header. */
static bool refuse_forged(struct http_request *request)
{
    const char *given = http_header(request, "X-CSRF-Token"), *right = auth_csrf(request, request->session);
    if (strcmp(request->method, "GET") == 0 || planted("any_csrf") ||
        (given && strlen(given) == strlen(right) && sodium_memcmp(given, right, strlen(right)) == 0))
        return false;
    Hb__Refusal *refusal =
        problem_new(request, 403, "csrf", "以登录会话写入须带 X-CSRF-Token（见 GET /api/v1/session）",
                    "a write with the session's cookie needs its X-CSRF-Token, which GET "
                    "/api/v1/session tells");
    refusal->field = arena_strdup(&request->arena, "X-CSRF-Token");
    problem_respond(request, refusal);
    return true;
}

/* ---- asking directory ---- */

struct asked {
    void (*then)(struct http_request *request);
    uint8_t hash[HASH_BYTES];
};

/* Until it is enrolled the session is good for that, and for leaving. */
static void enter(struct http_request *request, const struct known *known, void (*then)(struct http_request *request))
{
    act_as(request, known);
    if (known->must_enrol && !(request->route && request->route->enrols))
        problem_say(request, 403, "second_factor_needed", "您的权限须使用第二因素：请先绑定验证器",
                    "your rights need a second factor: enrol an authenticator first");
    else
        then(request);
}

static void on_authenticated(struct http_request *request, void *context, const Hb__Refusal *refused,
                             const Hb__QueryReply *reply)
{
    const struct asked *asked = context;
    struct auth *auth = request->gateway->auth;
    const struct known *known = NULL;
    if (!refused)
        known = keep(auth, asked->hash, reply->directory->authenticated);
    else if (refused->status >= 500) /* directory cannot say */
        known = known_of(auth, asked->hash, true);
    else
        forget(auth, asked->hash);
    if (!known) {
        problem_respond(request, refused);
        return;
    }
    enter(request, known, asked->then);
}

static void ask(struct http_request *request, const uint8_t hash[HASH_BYTES],
                void (*then)(struct http_request *request))
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__Authenticate authenticate = DIRECTORY__AUTHENTICATE__INIT;
    struct asked *asked = arena_alloc(&request->arena, sizeof *asked);
    asked->then = then;
    memcpy(asked->hash, hash, HASH_BYTES);
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_AUTHENTICATE;
    directory.authenticate = &authenticate;
    authenticate.watching = request->route && request->route->watches;
    *(request->session ? &authenticate.session_hash : &authenticate.token_hash) =
        (ProtobufCBinaryData){HASH_BYTES, asked->hash};
    cell_query_own(request, HB__SERVICE__DIRECTORY, &query, on_authenticated, asked);
}

static void check(struct http_request *request, const uint8_t hash[HASH_BYTES],
                  void (*then)(struct http_request *request))
{
    const struct known *known = known_of(request->gateway->auth, hash, false);
    if (!known) {
        ask(request, hash, then);
        return;
    }
    enter(request, known, then);
}

void auth_token(struct http_request *request, const char *token, void (*then)(struct http_request *request))
{
    uint8_t hash[HASH_BYTES];
    auth_token_hash(token, hash);
    check(request, hash, then);
}

const char *auth_bearer(const struct http_request *request)
{
    const char *header = http_header(request, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7 + strspn(header + 7, " ");
    return *header ? header : NULL;
}

void auth_check(struct http_request *request, void (*then)(struct http_request *request))
{
    const char *token = auth_bearer(request), *cookie = token ? NULL : http_cookie(request, auth_cookie_name(request));
    uint8_t hash[HASH_BYTES];
    if (!token && (!cookie || strlen(cookie) != AUTH_SECRET_CHARACTERS)) {
        Hb__Refusal *refusal =
            problem_new(request, 401, "not_signed_in", "须登录，或提供访问令牌", "sign in, or give a bearer token");
        refusal->field = arena_strdup(&request->arena, "Authorization");
        problem_accepts(request, refusal, "Bearer TOKEN");
        problem_respond(request, refusal);
        return;
    }
    if (token) {
        auth_token(request, token, then);
        return;
    }
    request->session = cookie;
    if (refuse_forged(request))
        return;
    auth_session_hash(cookie, hash);
    check(request, hash, then);
}
