/* bus_baseline SOCKET SECONDS: raw ZeroMQ with CURVE over ipc, one question of 300 bytes at a time from a DEALER to a
   ROUTER in another thread: what a question to a service cannot be faster than. */
#include "measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <zmq.h>

struct side {
    void *context;
    char endpoint[4200], public_key[41], secret_key[41];
    atomic_bool bound;
};

static void must(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

/* Answers with what came. Ends with the process. */
static void *serve(void *context)
{
    struct side *side = context;
    int yes = 1;
    void *router = zmq_socket(side->context, ZMQ_ROUTER);
    must(zmq_setsockopt(router, ZMQ_CURVE_SERVER, &yes, sizeof yes), "curve");
    must(zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, side->secret_key, 40), "key");
    must(zmq_bind(router, side->endpoint), side->endpoint);
    side->bound = true;
    for (;;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        must(zmq_msg_recv(&part, router, 0), "receive");
        int more = zmq_msg_more(&part) ? ZMQ_SNDMORE : 0;
        must(zmq_msg_send(&part, router, more), "send");
    }
    return NULL;
}

static void *connect_to(struct side *side)
{
    char public_key[41], secret_key[41];
    void *dealer = zmq_socket(side->context, ZMQ_DEALER);
    must(zmq_curve_keypair(public_key, secret_key), "keys");
    must(zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, side->public_key, 40), "key");
    must(zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, public_key, 40), "key");
    must(zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, secret_key, 40), "key");
    must(zmq_connect(dealer, side->endpoint), side->endpoint);
    return dealer;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bus_baseline SOCKET SECONDS\n");
        return 2;
    }
    static struct side side;
    struct samples samples = {0};
    char content[300] = {0};
    pthread_t server;
    side.context = zmq_ctx_new();
    snprintf(side.endpoint, sizeof side.endpoint, "ipc://%s", argv[1]);
    must(zmq_curve_keypair(side.public_key, side.secret_key), "keys");
    if (pthread_create(&server, NULL, serve, &side))
        return 1;
    while (!side.bound)
        ;
    void *dealer = connect_to(&side);
    uint64_t length_ns = (uint64_t)(strtod(argv[2], NULL) * 1e9), began = now_ns(), last = began;
    while (last - began < length_ns) {
        must(zmq_send(dealer, content, sizeof content, 0), "send");
        must(zmq_recv(dealer, content, sizeof content, 0), "receive");
        uint64_t now = now_ns();
        if (samples.count == 0)
            began = now; /* the first includes the handshake */
        samples_add(&samples, now - last);
        last = now;
    }
    samples_sort(&samples);
    printf("{\"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           (double)samples.count / ((double)(last - began) / 1e9), (double)samples_at(&samples, .5) / 1e3,
           (double)samples_at(&samples, .99) / 1e3);
    return 0;
}
