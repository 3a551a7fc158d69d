/* Asking the services. Every question carries the request's actor and what its client has seen (`after`); it goes to
   the instance whose buckets hold the case or the site. */
#ifndef HEARBACK_GATEWAY_CELL_H
#define HEARBACK_GATEWAY_CELL_H

#include "http.h"

#define CELL_AFTER_BYTES_MAX 4096u /* of Hearback-After, packed */
#define CELL_TIMEOUT_MS 5000u
#define CELL_COMMAND_ID_CHARACTERS 64u

enum err cell_open(struct gateway *gateway, struct cell **cell_out, char **why_out) MUST_CHECK;

/* Called exactly once, from the loop. Either `refused` (no answer came: 503; or the service says no) or `reply`, both
   in the request's arena. `context` is what was given. */
typedef void cell_query_fn(struct http_request *request, void *context, const Hb__Refusal *refused,
                           const Hb__QueryReply *reply);
typedef void cell_command_fn(struct http_request *request, void *context, const Hb__Refusal *refused,
                             const Hb__CommandReply *reply);

/* `query->site` and `query->case_id` say which instance; actor and after are filled in. The message may live on the
   stack. */
void cell_query(struct http_request *request, Hb__Service service, Hb__Query *query, cell_query_fn *done,
                void *context);
/* A question of no one case or site is put to every partition of the service, and their answers are made one;
   cell_query does so by itself. Refused as soon as one of them is away. */
void cell_query_all(struct http_request *request, Hb__Service service, const Hb__Query *query, cell_query_fn *done,
                    void *context);
void cell_add_figures(Analytics__Figures *sum, const Analytics__Figures *more);
/* The answers of several partitions in the first. */
void cell_merge(struct arena *arena, const Hb__Query *query, Hb__QueryReply *const *answers, size_t count);
/* One partition by its index, in the order of their buckets. Actor and after are filled in when there is an actor. */
size_t cell_partitions(const struct gateway *gateway, Hb__Service service);
uint32_t cell_partition(const struct gateway *gateway, Hb__Service service, size_t index); /* its number */
void cell_query_at(struct http_request *request, Hb__Service service, size_t index, Hb__Query *query,
                   cell_query_fn *done, void *context);
/* As the gateway itself, for nobody: who a token belongs to, where a site lives. */
void cell_query_own(struct http_request *request, Hb__Service service, Hb__Query *query, cell_query_fn *done,
                    void *context);
/* The same for a command: account, id (unless set), actor, after and trace are filled in. `part` counts the commands of
   one request (0, or the row of an import). A reply's `after` joins the request's, and goes out as Hearback-After. */
void cell_command(struct http_request *request, Hb__Service service, Hb__Command *command, uint32_t part,
                  cell_command_fn *done, void *context);
/* Done, and there is nothing to tell: {}, or the refusal. */
cell_command_fn cell_give_nothing;

/* When directory last carried out a command for us (0: never). For a minute after it every command and query bears the
   position it had then, so that no service answers from before it; caches older than it are to be asked anew. */
int64_t cell_told_ms(const struct gateway *gateway);

/* Without a request: what the gateway asks from time to time for itself. */
void cell_ask(struct gateway *gateway, Hb__Service service, uint32_t bucket, Bus__Request *message, bus_done_fn *done,
              void *context);
void cell_ask_at(struct gateway *gateway, Hb__Service service, size_t index, Bus__Request *message, bus_done_fn *done,
                 void *context);

/* The state of one instance (Control): the health checks and /metrics. */
typedef void cell_control_fn(struct http_request *request, void *context, const Config__Instance *instance,
                             const Bus__ControlReply *reply); /* NULL: no answer */
void cell_control(struct http_request *request, const Config__Instance *instance, Bus__Control__What what,
                  cell_control_fn *done, void *context);

/* What a service that does not answer means for whoever asked. */
const Hb__Refusal *cell_refuse_down(struct http_request *request, Hb__Service service);

/* Reads Hearback-After. False: it is not what a reply gave, and has been answered with a problem. */
bool cell_after_read(struct http_request *request);

/* An answer that may lack what the client has seen says so: `stale` in the body, where it has one that can (else NULL),
   and the header Hearback-Stale. */
void cell_mark_stale(struct http_request *request, bool stale, json_t *body);

/* The id of a command: Idempotency-Key makes it the same for the same key, else it is random and time-ordered. */
void cell_command_id(const struct http_request *request, uint32_t part, char id_out[CELL_COMMAND_ID_CHARACTERS + 1]);
/* The same for a key that came in another way; NULL or "": random. */
void cell_command_id_of(const struct http_request *request, const char *key, uint32_t part,
                        char id_out[CELL_COMMAND_ID_CHARACTERS + 1]);
void cell_command_id_new(char id_out[CELL_COMMAND_ID_CHARACTERS + 1]); /* random, whatever the headers say */

#endif
