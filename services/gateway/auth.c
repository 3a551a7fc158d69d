#include "auth.h"

#include "cell.h"
#include "problem.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define HASH_BYTES 32u
#define ID_BYTES_MAX 128u /* nothing in directory has a longer id */

struct known {
    uint8_t hash[HASH_BYTES];
    char account[ID_BYTES_MAX + 1], person[ID_BYTES_MAX + 1], post[ID_BYTES_MAX + 1];
    int64_t checked_ms, expires_ms; /* 0: never */
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

/* The token, known for at most `age_ms`; NULL when it is not. */
static const struct known *known_of(struct auth *auth, const uint8_t hash[HASH_BYTES], int64_t age_ms)
{
    const struct known *known = place_of(auth, hash);
    int64_t now = gateway_now_ms();
    bool fresh = known->checked_ms && now - known->checked_ms < age_ms && now >= known->checked_ms;
    bool expired = known->expires_ms && known->expires_ms <= now;
    return fresh && !expired && sodium_memcmp(known->hash, hash, HASH_BYTES) == 0 ? known : NULL;
}

static void act_as(struct http_request *request, const struct known *known)
{
    Hb__Actor *actor = request->actor = arena_alloc(&request->arena, sizeof *actor);
    hb__actor__init(actor);
    actor->account = arena_strdup(&request->arena, known->account);
    actor->person = arena_strdup(&request->arena, known->person);
    actor->post = arena_strdup(&request->arena, known->post);
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
    known->checked_ms = gateway_now_ms();
    known->expires_ms = (int64_t)account->token_expires_ms;
    return known;
}

/* The token was ended, or has expired. */
static void forget(struct auth *auth, const uint8_t hash[HASH_BYTES])
{
    struct known *known = place_of(auth, hash);
    if (sodium_memcmp(known->hash, hash, HASH_BYTES) == 0)
        known->checked_ms = 0;
}

/* ---- asking directory ---- */

struct asked {
    void (*then)(struct http_request *request);
    uint8_t hash[HASH_BYTES];
};

static void on_authenticated(struct http_request *request, void *context, const Hb__Refusal *refused,
                             const Hb__QueryReply *reply)
{
    const struct asked *asked = context;
    struct auth *auth = request->gateway->auth;
    const struct known *known = NULL;
    if (!refused)
        known = keep(auth, asked->hash, reply->directory->authenticated);
    else if (refused->status == 503)
        known = known_of(auth, asked->hash, AUTH_STALE_MS);
    else
        forget(auth, asked->hash);
    if (!known) {
        problem_respond(request, refused);
        return;
    }
    act_as(request, known);
    asked->then(request);
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
    authenticate.token_hash = (ProtobufCBinaryData){HASH_BYTES, asked->hash};
    cell_query_own(request, HB__SERVICE__DIRECTORY, &query, on_authenticated, asked);
}

static const char *bearer(const struct http_request *request)
{
    const char *header = http_header(request, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7 + strspn(header + 7, " ");
    return *header ? header : NULL;
}

void auth_check(struct http_request *request, void (*then)(struct http_request *request))
{
    const char *token = bearer(request);
    uint8_t hash[HASH_BYTES];
    if (!token) {
        Hb__Refusal *refusal = problem_new(request, 401, "not_signed_in", "须提供访问令牌", "a bearer token is needed");
        refusal->field = arena_strdup(&request->arena, "Authorization");
        problem_accepts(request, refusal, "Bearer TOKEN");
        problem_respond(request, refusal);
        return;
    }
    crypto_generichash(hash, sizeof hash, (const uint8_t *)token, strlen(token), NULL, 0);
    const struct known *known = known_of(request->gateway->auth, hash, AUTH_FRESH_MS);
    if (!known) {
        ask(request, hash, then);
        return;
    }
    act_as(request, known);
    then(request);
}
