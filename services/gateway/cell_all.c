/* A question that is of no one case or site goes to all partitions of the service; it is answered when all have. A list
   that leaves out the cases of a partition which is away would look whole: whoever asks is told instead, and can still
   ask for one site. */
#include "cell.h"

#include "message/message.h"

#include <string.h>

struct all {
    cell_query_fn *done;
    void *context;
    Hb__Query *query;
    size_t asked, left;
    Hb__QueryReply **answers;
    size_t answers_count;
    const Hb__Refusal *refused; /* the one to tell: that somebody is away before that it is not there */
};

static void on_one(struct http_request *request, void *context, const Hb__Refusal *refused, const Hb__QueryReply *reply)
{
    struct all *all = context;
    if (reply)
        all->answers[all->answers_count++] = (Hb__QueryReply *)(uintptr_t)reply;
    else if (!all->refused || refused->status == 503)
        all->refused = refused;
    if (--all->left)
        return;
    bool one_is_enough = all->query->payload_case == HB__QUERY__PAYLOAD_INTAKE; /* only one can have it */
    bool good = all->answers_count == all->asked || (one_is_enough && all->answers_count);
    if (good)
        cell_merge(&request->arena, all->query, all->answers, all->answers_count);
    all->done(request, all->context, good ? NULL : all->refused, good ? all->answers[0] : NULL);
}

void cell_query_all(struct http_request *request, Hb__Service service, const Hb__Query *query, cell_query_fn *done,
                    void *context)
{
    struct all *all = arena_zero(&request->arena, sizeof *all);
    size_t count = cell_partitions(request->gateway, service);
    all->done = done;
    all->context = context;
    all->query = (Hb__Query *)message_copy(&query->base, &request->arena);
    all->asked = all->left = count;
    all->answers = arena_alloc(&request->arena, (count + 1) * sizeof *all->answers);
    for (size_t i = 0; i < count; i++)
        cell_query_at(request, service, i, all->query, on_one, all);
}
