#include "sites.h"

#include "calendar/zone.h"
#include "cell.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>

struct site {
    char *id;
    uint32_t bucket;
    char *zone_name;
    struct zone *zone;
    int64_t heard_ms;
};

struct sites {
    struct gateway *gateway;
    void *tree;            /* of struct site, by id (tsearch) */
    struct zone **earlier; /* of sites that have another now: requests at work may still hold them. They are few */
    size_t earlier_count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct site *)a)->id, ((const struct site *)b)->id);
}

static const struct site *find(const struct gateway *gateway, const char *id)
{
    struct site wanted = {.id = (char *)(uintptr_t)id};
    const struct site *const *found = tfind(&wanted, &gateway->sites->tree, compare);
    return found ? *found : NULL;
}

struct sites *sites_open(struct gateway *gateway)
{
    struct sites *sites = arena_zero(&gateway->arena, sizeof *sites);
    sites->gateway = gateway;
    return sites;
}

uint32_t sites_bucket(const struct gateway *gateway, const char *id)
{
    const struct site *site = find(gateway, id);
    return site ? site->bucket : 0;
}

const struct zone *sites_zone(const struct gateway *gateway, const char *id)
{
    const struct site *site = find(gateway, id);
    return site ? site->zone : NULL;
}

/* ---- hearing of a site ---- */

static struct site *site_of(struct sites *sites, const char *id)
{
    struct site *site = (struct site *)(uintptr_t)find(sites->gateway, id);
    if (site)
        return site;
    site = calloc(1, sizeof *site);
    bug_unless(site && (site->id = strdup(id)) && tsearch(site, &sites->tree, compare));
    return site;
}

static void keep(struct sites *sites, const Directory__Site *heard)
{
    struct site *site = site_of(sites, heard->id);
    const char *folder = *sites->gateway->config->zones ? sites->gateway->config->zones : NULL;
    site->bucket = heard->bucket;
    site->heard_ms = gateway_now_ms();
    if (site->zone_name && strcmp(site->zone_name, heard->zone) == 0)
        return;
    struct zone *zone = NULL;
    enum err err = zone_load(folder, heard->zone, &zone);
    if (err == ERR_IO) /* the system refuses for now: it is heard of again */
        return;
    if (err) /* directory has checked it; without the file times are in UTC */
        zone = NULL;
    if (site->zone) {
        struct arena *arena = &sites->gateway->arena;
        sites->earlier = arena_grow(arena, sites->earlier, sites->earlier_count, sizeof *sites->earlier);
        sites->earlier[sites->earlier_count++] = site->zone;
    }
    site->zone = zone;
    free(site->zone_name);
    site->zone_name = strdup(heard->zone);
}

/* Zones of other cells' sites lie beside ours, under a name no site can have. */
const struct zone *sites_zone_named(struct gateway *gateway, const char *zone)
{
    char id[200];
    snprintf(id, sizeof id, "zone %s", zone);
    const struct site *known = find(gateway, id);
    if (known || !*zone)
        return known ? known->zone : NULL;
    Directory__Site named = DIRECTORY__SITE__INIT;
    named.id = id;
    named.zone = (char *)(uintptr_t)zone;
    keep(gateway->sites, &named);
    return sites_zone(gateway, id);
}

struct asked {
    sites_done_fn *done;
    void *context;
};

static void on_organisation(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Hb__QueryReply *reply)
{
    const struct asked *asked = context;
    for (size_t i = 0; !refused && i < reply->directory->organisation->n_sites; i++)
        keep(request->gateway->sites, reply->directory->organisation->sites[i]);
    asked->done(request, asked->context);
}

struct question {
    Hb__Query query;
    Directory__Query directory;
    Directory__GetOrganisation get;
};

static void question_init(struct question *question, const char *id)
{
    hb__query__init(&question->query);
    directory__query__init(&question->directory);
    directory__get_organisation__init(&question->get);
    question->query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    question->query.directory = &question->directory;
    question->directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    question->directory.organisation = &question->get;
    question->get.site = (char *)(uintptr_t)id;
}

static void ask(struct http_request *request, const char *id, sites_done_fn *done, void *context)
{
    struct question question;
    struct asked *asked = arena_alloc(&request->arena, sizeof *asked);
    *asked = (struct asked){done, context};
    question_init(&question, id);
    cell_query_own(request, HB__SERVICE__DIRECTORY, &question.query, on_organisation, asked);
}

static void on_refreshed(void *context, enum err err, const Bus__Reply *reply)
{
    bool good = !err && reply->kind_case == BUS__REPLY__KIND_QUERY && !reply->query->refused &&
                reply->query->payload_case == HB__QUERY_REPLY__PAYLOAD_DIRECTORY &&
                reply->query->directory->kind_case == DIRECTORY__REPLY__KIND_ORGANISATION;
    for (size_t i = 0; good && i < reply->query->directory->organisation->n_sites; i++)
        keep(context, reply->query->directory->organisation->sites[i]);
}

/* Nobody waits for what hardly ever changes; nor may it lie in the arena of a request that goes on meanwhile. */
static void refresh(struct gateway *gateway, struct site *site)
{
    struct question question;
    Bus__Request message = BUS__REQUEST__INIT;
    question_init(&question, site->id);
    message.kind_case = BUS__REQUEST__KIND_QUERY;
    message.query = &question.query;
    site->heard_ms = gateway_now_ms();
    cell_ask(gateway, HB__SERVICE__DIRECTORY, site->bucket, &message, on_refreshed, gateway->sites);
}

void sites_know(struct http_request *request, const char *id, sites_done_fn *done, void *context)
{
    struct site *site = (struct site *)(uintptr_t)find(request->gateway, id);
    if (*id && !site) {
        ask(request, id, done, context);
        return;
    }
    if (site && gateway_now_ms() - site->heard_ms >= SITES_FRESH_MS)
        refresh(request->gateway, site);
    done(request, context);
}

/* ---- several ---- */

struct several {
    const char *const *sites;
    size_t count, at;
    sites_done_fn *done;
    void *context;
};

static void know_next(struct http_request *request, void *context)
{
    struct several *several = context;
    bool answered = several->at == 0 || find(request->gateway, several->sites[several->at - 1]);
    while (answered && several->at < several->count) {
        const char *site = several->sites[several->at++];
        if (!find(request->gateway, site)) {
            sites_know(request, site, know_next, several);
            return;
        }
    }
    several->done(request, several->context); /* directory does not answer: better in UTC than not at all */
}

void sites_know_all(struct http_request *request, const char *const *sites, size_t count, sites_done_fn *done,
                    void *context)
{
    struct several *several = arena_alloc(&request->arena, sizeof *several);
    *several = (struct several){sites, count, 0, done, context};
    know_next(request, several);
}
