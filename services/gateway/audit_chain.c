/* GET and POST /audit/chain: how far each log's hash chain was verified; and a verification begun at all of them. Every
   instance is asked, and decides by itself whether the actor may. */
#include "audit.h"

#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

struct chains {
    json_t *logs;
    const Hb__Refusal *refused;
    unsigned awaited;
};

struct asked {
    struct chains *chains;
    json_t *log; /* of this instance: borrowed from the list */
};

static void answer(struct http_request *request, struct chains *chains)
{
    if (!chains->refused) {
        http_respond_json(request, 200, json_pack("{s:o}", "logs", chains->logs));
        return;
    }
    json_decref(chains->logs);
    problem_respond(request, chains->refused);
}

/* A service that does not answer is told of in its place: the others can be looked at all the same. */
static void on_chain(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    struct asked *asked = context;
    struct chains *chains = asked->chains;
    if (refused && refused->status != 503)
        chains->refused = refused;
    else if (refused)
        json_object_set_new(asked->log, "unavailable", problem_json(request, refused));
    else
        json_object_update_new(asked->log,
                               json_from_message(&reply->chain->look->base, NULL)); /* arms share a pointer */
    if (--chains->awaited == 0)
        answer(request, chains);
}

static void ask_one(struct http_request *request, Hb__Service service, size_t index, Hb__ChainQuery *chain,
                    struct chains *chains)
{
    struct asked *asked = arena_alloc(&request->arena, sizeof *asked);
    Hb__Query query = HB__QUERY__INIT;
    asked->chains = chains;
    asked->log = json_pack("{s:s, s:I}", "service", config_service_name(service), "partition",
                           (json_int_t)cell_partition(request->gateway, service, index));
    json_array_append_new(chains->logs, asked->log);
    query.site = parameter_text(request, "site");
    query.payload_case = HB__QUERY__PAYLOAD_CHAIN;
    query.chain = chain;
    cell_query_at(request, service, index, &query, on_chain, asked);
}

static void ask_all(struct http_request *request, Hb__ChainQuery *chain)
{
    struct chains *chains = arena_zero(&request->arena, sizeof *chains);
    chains->logs = json_array();
    for (int service = HB__SERVICE__DIRECTORY; service <= HB__SERVICE__ANALYTICS; service++)
        chains->awaited += cell_partitions(request->gateway, (Hb__Service)service);
    for (int service = HB__SERVICE__DIRECTORY; service <= HB__SERVICE__ANALYTICS; service++)
        for (size_t i = 0, all = cell_partitions(request->gateway, (Hb__Service)service); i < all; i++)
            ask_one(request, (Hb__Service)service, i, chain, chains);
}

static bool site_given(struct http_request *request)
{
    if (*parameter_text(request, "site"))
        return true;
    Hb__Refusal *refusal = problem_new(request, 400, "bad_parameter", "须指明站点", "name the site");
    refusal->field = arena_strdup(&request->arena, "site");
    problem_respond(request, refusal);
    return false;
}

void audit_chain(struct http_request *request)
{
    Hb__ChainQuery chain = HB__CHAIN_QUERY__INIT;
    Hb__LookAtChain look = HB__LOOK_AT_CHAIN__INIT;
    chain.kind_case = HB__CHAIN_QUERY__KIND_LOOK;
    chain.look = &look;
    if (site_given(request))
        ask_all(request, &chain);
}

void audit_verify(struct http_request *request)
{
    Hb__ChainQuery chain = HB__CHAIN_QUERY__INIT;
    Hb__VerifyChain verify = HB__VERIFY_CHAIN__INIT;
    chain.kind_case = HB__CHAIN_QUERY__KIND_VERIFY;
    chain.verify = &verify;
    if (site_given(request))
        ask_all(request, &chain);
}
