/* What the public may know of the organisation, and the policies: asked of directory and kept, so that pages do not
   each ask again, and the portal goes on while directory is away. What a visit holds is freed after its answer. */
#include "portal_visit.h"

#include "message/message.h"

#include <stdlib.h>

#define ORGANISATION_FRESH_MS 5000
#define POLICIES_MAX 64u

struct cached_organisation {
    struct arena arena;
    unsigned holders;
    int64_t asked_ms;
    const Directory__Organisation *organisation;
};

struct cached_policy {
    struct arena arena;
    unsigned holders;
    uint64_t used; /* order of use */
    char *site;
    uint32_t version;
    const Policy__Policy *policy;
};

struct cached_zone {
    struct cached_zone *next;
    char *name;
    struct zone *zone; /* NULL: unknown here; UTC then */
};

struct portal_cache {
    struct gateway *gateway;
    struct cached_organisation *organisation;
    struct cached_policy *policies[POLICIES_MAX];
    uint64_t uses;
    struct cached_zone *zones;
};

enum err portal_cache_open(struct gateway *gateway, struct portal_cache **cache_out)
{
    *cache_out = arena_zero(&gateway->arena, sizeof **cache_out);
    (*cache_out)->gateway = gateway;
    return ERR_NONE;
}

/* ---- holding ---- */

static void organisation_free(struct cached_organisation *cached)
{
    if (cached && --cached->holders == 0) {
        arena_fini(&cached->arena);
        free(cached);
    }
}

static void policy_free(struct cached_policy *cached)
{
    if (cached && --cached->holders == 0) {
        arena_fini(&cached->arena);
        free(cached);
    }
}

void visit_let_go(struct visit *visit)
{
    organisation_free(visit->held_organisation);
    policy_free(visit->held_policy);
    visit->held_organisation = NULL;
    visit->held_policy = NULL;
}

/* ---- the organisation ---- */

struct then {
    visit_then_fn *fn;
    void *context;
    struct visit *visit;
    uint32_t version;
};

static struct then *then_new(struct visit *visit, visit_then_fn *fn, void *context)
{
    struct then *then = arena_zero(visit_arena(visit), sizeof *then);
    *then = (struct then){.fn = fn, .context = context, .visit = visit};
    return then;
}

static void hold_organisation(struct visit *visit)
{
    struct cached_organisation *cached = visit->portal->cache->organisation;
    cached->holders++;
    visit->held_organisation = cached;
    visit->organisation = cached->organisation;
}

static void keep_organisation(struct portal_cache *cache, const Directory__Organisation *organisation)
{
    struct cached_organisation *cached = calloc(1, sizeof *cached);
    bug_unless(cached);
    arena_init(&cached->arena);
    cached->holders = 1;
    cached->asked_ms = gateway_now_ms();
    cached->organisation = (const Directory__Organisation *)message_copy(&organisation->base, &cached->arena);
    organisation_free(cache->organisation);
    cache->organisation = cached;
}

static void on_organisation(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Hb__QueryReply *reply)
{
    (void)request;
    struct then *then = context;
    struct visit *visit = then->visit;
    bool told = !refused && reply->payload_case == HB__QUERY_REPLY__PAYLOAD_DIRECTORY &&
                reply->directory->kind_case == DIRECTORY__REPLY__KIND_ORGANISATION;
    if (told)
        keep_organisation(visit->portal->cache, reply->directory->organisation);
    else if (visit->portal->cache->organisation) /* not every page should wait for a directory that is away */
        visit->portal->cache->organisation->asked_ms = gateway_now_ms();
    if (!visit->portal->cache->organisation) {
        visit_fail(visit, 503, refused);
        return;
    }
    hold_organisation(visit);
    then->fn(visit, then->context);
}

void visit_organisation(struct visit *visit, visit_then_fn *fn, void *context)
{
    struct cached_organisation *cached = visit->portal->cache->organisation;
    if (cached && gateway_now_ms() - cached->asked_ms < ORGANISATION_FRESH_MS &&
        cached->asked_ms > cell_told_ms(visit->request->gateway)) {
        hold_organisation(visit);
        fn(visit, context);
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    cell_query(visit->request, HB__SERVICE__DIRECTORY, &query, on_organisation, then_new(visit, fn, context));
}

/* ---- policies: one version never changes ---- */

static void hold_policy(struct visit *visit, struct cached_policy *cached)
{
    policy_free(visit->held_policy);
    cached->holders++;
    cached->used = ++visit->portal->cache->uses;
    visit->held_policy = cached;
    visit->policy = cached->policy;
}

static struct cached_policy *find_policy(struct portal_cache *cache, const char *site, uint32_t version)
{
    for (size_t i = 0; i < POLICIES_MAX; i++)
        if (cache->policies[i] && cache->policies[i]->version == version && strcmp(cache->policies[i]->site, site) == 0)
            return cache->policies[i];
    return NULL;
}

static struct cached_policy **place_for_policy(struct portal_cache *cache)
{
    struct cached_policy **oldest = &cache->policies[0];
    for (size_t i = 0; i < POLICIES_MAX; i++) {
        if (!cache->policies[i])
            return &cache->policies[i];
        if (cache->policies[i]->used < (*oldest)->used)
            oldest = &cache->policies[i];
    }
    policy_free(*oldest);
    return oldest;
}

static struct cached_policy *keep_policy(struct portal_cache *cache, const char *site,
                                         const Directory__PolicyReply *reply)
{
    struct cached_policy *cached = calloc(1, sizeof *cached);
    ProtobufCMessage *message;
    char *why;
    bug_unless(cached);
    arena_init(&cached->arena);
    if (message_unpack(&policy__policy__descriptor, bytes_of(reply->policy.data, reply->policy.len), &cached->arena,
                       &message, &why)) {
        arena_fini(&cached->arena);
        free(cached);
        return NULL;
    }
    cached->holders = 1;
    cached->site = arena_strdup(&cached->arena, site);
    cached->version = reply->version;
    cached->policy = (const Policy__Policy *)message;
    *place_for_policy(cache) = cached;
    return cached;
}

static void on_policy(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    (void)request;
    struct then *then = context;
    struct visit *visit = then->visit;
    bool told = !refused && reply->payload_case == HB__QUERY_REPLY__PAYLOAD_DIRECTORY &&
                reply->directory->kind_case == DIRECTORY__REPLY__KIND_POLICY;
    struct cached_policy *cached =
        told ? keep_policy(visit->portal->cache, visit->site->id, reply->directory->policy) : NULL;
    if (!cached) {
        visit_fail(visit, 503, refused);
        return;
    }
    hold_policy(visit, cached);
    then->fn(visit, then->context);
}

static uint32_t version_in_force(const struct visit *visit)
{
    for (size_t i = 0; i < visit->organisation->n_policies; i++)
        if (strcmp(visit->organisation->policies[i]->site, visit->site->id) == 0)
            return visit->organisation->policies[i]->version;
    return 0;
}

void visit_policy(struct visit *visit, uint32_t version, visit_then_fn *fn, void *context)
{
    version = version ? version : version_in_force(visit);
    struct cached_policy *cached = find_policy(visit->portal->cache, visit->site->id, version);
    if (version == 0 || cached) {
        if (cached)
            hold_policy(visit, cached);
        fn(visit, context);
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetPolicy get = DIRECTORY__GET_POLICY__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_POLICY;
    directory.policy = &get;
    get.site = visit->site->id;
    get.version = version;
    cell_query(visit->request, HB__SERVICE__DIRECTORY, &query, on_policy, then_new(visit, fn, context));
}

/* ---- zones ---- */

const struct zone *portal_zone(struct portal *portal, const char *name)
{
    struct portal_cache *cache = portal->cache;
    for (struct cached_zone *zone = cache->zones; zone; zone = zone->next)
        if (strcmp(zone->name, name) == 0)
            return zone->zone;
    const char *folder = *portal->gateway->config->zones ? portal->gateway->config->zones : NULL;
    struct zone *loaded = NULL;
    if (zone_load(folder, name, &loaded) == ERR_IO)
        return NULL; /* the system refuses for now: not remembered */
    struct cached_zone *zone = arena_zero(&portal->gateway->arena, sizeof *zone);
    zone->name = arena_strdup(&portal->gateway->arena, name);
    zone->zone = loaded;
    zone->next = cache->zones;
    cache->zones = zone;
    return zone->zone;
}
