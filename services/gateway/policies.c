#include "policies.h"

#include "cell.h"
#include "message/message.h"

#include <stdlib.h>

struct kept {
    struct arena arena;
    char *site;
    uint32_t version;
    Policy__Policy *policy; /* NULL: an empty place */
    uint64_t used;
};

struct policies {
    struct kept list[POLICIES_KEPT];
    uint64_t uses;
};

struct asked {
    const char *site;
    uint32_t version;
    policies_done_fn *done;
    void *context;
};

struct policies *policies_open(struct gateway *gateway)
{
    struct policies *policies = arena_zero(&gateway->arena, sizeof *policies);
    for (size_t i = 0; i < POLICIES_KEPT; i++)
        arena_init(&policies->list[i].arena);
    return policies;
}

static const Policy__Policy *find(struct policies *policies, const char *site, uint32_t version)
{
    for (size_t i = 0; i < POLICIES_KEPT; i++) {
        struct kept *kept = &policies->list[i];
        if (kept->policy && kept->version == version && strcmp(kept->site, site) == 0) {
            kept->used = ++policies->uses;
            return kept->policy;
        }
    }
    return NULL;
}

/* In the place of the one used longest ago. */
static const Policy__Policy *keep(struct policies *policies, const struct asked *asked, ProtobufCBinaryData packed)
{
    struct kept *place = &policies->list[0];
    ProtobufCMessage *message;
    char *why;
    for (size_t i = 1; i < POLICIES_KEPT; i++)
        if (policies->list[i].used < place->used)
            place = &policies->list[i];
    arena_fini(&place->arena);
    arena_init(&place->arena);
    place->policy = NULL;
    if (message_unpack(&policy__policy__descriptor, bytes_of(packed.data, packed.len), &place->arena, &message, &why))
        return NULL;
    place->site = arena_strdup(&place->arena, asked->site);
    place->version = asked->version;
    place->used = ++policies->uses;
    return place->policy = (Policy__Policy *)message;
}

static void on_policy(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    const struct asked *asked = context;
    const Policy__Policy *policy =
        refused ? NULL : keep(request->gateway->policies, asked, reply->directory->policy->policy);
    asked->done(request, asked->context, policy);
}

void policies_get(struct http_request *request, const char *site, uint32_t version, policies_done_fn *done,
                  void *context)
{
    const Policy__Policy *policy = find(request->gateway->policies, site, version);
    if (policy) {
        done(request, context, policy);
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetPolicy get = DIRECTORY__GET_POLICY__INIT;
    struct asked *asked = arena_alloc(&request->arena, sizeof *asked);
    *asked = (struct asked){arena_strdup(&request->arena, site), version, done, context};
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_POLICY;
    directory.policy = &get;
    get.site = (char *)(uintptr_t)asked->site;
    get.version = version;
    cell_query_own(request, HB__SERVICE__DIRECTORY, &query, on_policy, asked);
}
