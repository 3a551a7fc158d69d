/* Answers that take long computing (the hash of a password takes 40 ms and 64 MiB): beside the loop, two at a time, a
   few more wait. Who comes then is told to come again: signing in must exhaust neither memory nor the processor. */
#include "message/message.h"
#include "service/internal.h"

#include <stdlib.h>

struct computation {
    struct computation *next;
    struct instance *instance;
    struct bus_call call;
    const Hb__Query *query;
    struct arena arena;
    void *work;
    void (*compute)(void *work);
};

void computation_drop(struct computation *computation)
{
    /* A password lies in the work, in the copy of the query, and in what that was packed in. */
    arena_wipe(&computation->arena);
    arena_fini(&computation->arena);
    free(computation);
}

void *turn_compute(struct turn *turn, size_t bytes)
{
    if (turn->instance->computing_count == COMPUTING_MAX + COMPUTING_WAITING_MAX) {
        Hb__Refusal *refusal = turn_refuse(turn, 503, "overloaded", "登录请求过多，请稍后再试",
                                           "too many sign in at once; try again shortly");
        refusal->retry_after_s = 2;
        return NULL;
    }
    struct computation *computation = turn->computation = calloc(1, sizeof *computation);
    bug_unless(computation);
    arena_init(&computation->arena);
    computation->instance = turn->instance;
    computation->work = arena_zero(&computation->arena, bytes);
    computation->compute = turn->instance->service->compute;
    return computation->work;
}

static void begin(struct computation *computation)
{
    const struct env *env = computation->instance->env;
    if (env->compute) {
        env->compute(env->context, computation);
        return;
    }
    computation_run(computation);
    computation_done(computation);
}

void computation_start(struct computation *computation, const struct bus_call *call, const Hb__Query *query)
{
    struct instance *instance = computation->instance;
    computation->call = *call;
    computation->query = (const Hb__Query *)message_copy(message_of(query), &computation->arena);
    struct computation **at = &instance->computing_waiting;
    if (instance->computing_count++ < COMPUTING_MAX) {
        begin(computation);
        return;
    }
    while (*at)
        at = &(*at)->next;
    *at = computation;
}

/* On a thread that may outlive the instance. */
void computation_run(struct computation *computation)
{
    computation->compute(computation->work);
}

struct finishing {
    const struct computation *computation;
    Hb__QueryReply *reply;
};

static void finish(struct turn *turn, void *context)
{
    const struct finishing *finishing = context;
    const struct computation *computation = finishing->computation;
    turn->instance->service->computed(turn, computation->query, computation->work, finishing->reply);
}

void computation_done(struct computation *computation)
{
    struct instance *instance = computation->instance;
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &computation->arena, instance->last_now);
    turn_clear_input(&turn);
    turn.actor = computation->query->actor;
    Bus__Reply *reply = reply_new(&computation->arena);
    reply->kind_case = BUS__REPLY__KIND_QUERY;
    reply->query = NEW(&computation->arena, Hb__QueryReply, HB__QUERY_REPLY__INIT);
    if (!turn_read(&turn, finish, &(struct finishing){computation, reply->query}))
        hb__query_reply__init(reply->query); /* nothing half done is shown */
    if (turn.refusal)
        reply->query->refused = turn.refusal;
    store_abort(txn);
    instance->env->reply(instance->env->context, &computation->call, reply);
    computation_drop(computation);
    instance->computing_count--;
    struct computation *next = instance->computing_waiting;
    if (next) {
        instance->computing_waiting = next->next;
        begin(next);
    }
}

/* Those under way are their threads': the process ends with them. */
void computing_close(struct instance *instance)
{
    for (struct computation *one = instance->computing_waiting, *next; one; one = next) {
        next = one->next;
        computation_drop(one);
    }
}
