#include "health.h"

#include "cell.h"
#include "problem.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void health_live(struct http_request *request)
{
    http_respond_json(request, 200, json_pack("{s:s}", "status", "up"));
}

/* ---- readyz: one question to every instance, one answer when all have come ---- */

struct ready {
    unsigned awaited;
    json_t *services; /* "casework-0" -> health */
    Hb__Refusal *missing;
};

static void ready_answer(struct http_request *request, struct ready *ready)
{
    if (ready->missing->n_problems == 0) {
        http_respond_json(request, 200, json_pack("{s:s, s:o}", "status", "ready", "services", ready->services));
        return;
    }
    json_decref(ready->services);
    problem_respond(request, ready->missing);
}

static void not_ready(struct http_request *request, struct ready *ready, const char *name, const char *health)
{
    Hb__Refusal *missing = ready->missing;
    Hb__Problem *problem = arena_alloc(&request->arena, sizeof *problem);
    hb__problem__init(problem);
    problem->field = arena_strdup(&request->arena, name);
    problem->text = problem_new(request, 503, "", health ? health : "没有应答", health ? health : "no answer")->text;
    missing->problems = arena_grow(&request->arena, missing->problems, missing->n_problems, sizeof *missing->problems);
    missing->problems[missing->n_problems++] = problem;
}

static void on_position(struct http_request *request, void *context, const Config__Instance *instance,
                        const Bus__ControlReply *reply)
{
    struct ready *ready = context;
    const char *health = reply && reply->position ? reply->position->health : NULL;
    char *name =
        arena_printf(&request->arena, "%s-%u", config_service_name(instance->service), (unsigned)instance->partition);
    if (health && strcmp(health, "ready") == 0)
        json_object_set_new(ready->services, name, json_string(health));
    else
        not_ready(request, ready, name, health);
    if (--ready->awaited == 0)
        ready_answer(request, ready);
}

void health_ready(struct http_request *request)
{
    const Config__Config *config = request->gateway->config;
    struct ready *ready = arena_zero(&request->arena, sizeof *ready);
    ready->services = json_object();
    ready->missing = problem_new(request, 503, "not_ready", "有服务尚未就绪", "not every service is ready");
    for (size_t i = 0; i < config->n_instances; i++)
        ready->awaited += config->instances[i]->service != HB__SERVICE__GATEWAY;
    if (ready->awaited == 0) /* a configuration of the gateway alone */
        ready_answer(request, ready);
    for (size_t i = 0; i < config->n_instances; i++)
        if (config->instances[i]->service != HB__SERVICE__GATEWAY)
            cell_control(request, config->instances[i], BUS__CONTROL__WHAT__POSITION, on_position, ready);
}

/* ---- metrics ---- */

void health_metrics(struct http_request *request)
{
    char *text = metrics_print(request->gateway->metrics, &request->arena);
    http_respond(request, 200, METRICS_TYPE, bytes_of_text(text));
}

struct statuses {
    unsigned awaited;
    char *text;
    const Config__Instance *silent;
};

/* The lines of one partition; what they mean is said once. */
static void add_status(struct http_request *request, struct statuses *statuses, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        const char *line = arena_text(&request->arena, text, size);
        if (*line != '#' || !strstr(statuses->text, line))
            statuses->text = arena_printf(&request->arena, "%s%s\n", statuses->text, line);
        text += size + (text[size] != 0);
    }
}

static void on_status(struct http_request *request, void *context, const Config__Instance *instance,
                      const Bus__ControlReply *reply)
{
    struct statuses *statuses = context;
    if (reply)
        add_status(request, statuses, reply->text);
    else
        statuses->silent = instance;
    if (--statuses->awaited)
        return;
    if (statuses->silent)
        problem_respond(request, cell_refuse_down(request, statuses->silent->service));
    else
        http_respond(request, 200, METRICS_TYPE, bytes_of_text(statuses->text));
}

static void refuse_service(struct http_request *request)
{
    const Config__Config *config = request->gateway->config;
    Hb__Refusal *refusal = problem_new(request, 404, "not_found", "没有这个服务", "there is no such service");
    for (size_t i = 0; i < config->n_instances; i++)
        if (config->instances[i]->partition == 0)
            problem_accepts(request, refusal, config_service_name(config->instances[i]->service));
    problem_respond(request, refusal);
}

void health_service_metrics(struct http_request *request)
{
    const Config__Config *config = request->gateway->config;
    Hb__Service service = config_service_of_name(http_param(request, "service"));
    struct statuses *statuses = arena_zero(&request->arena, sizeof *statuses);
    statuses->text = arena_strdup(&request->arena, "");
    if (service == HB__SERVICE__GATEWAY) {
        health_metrics(request);
        return;
    }
    for (size_t i = 0; i < config->n_instances; i++)
        statuses->awaited += config->instances[i]->service == service;
    if (statuses->awaited == 0)
        refuse_service(request);
    for (size_t i = 0; i < config->n_instances; i++)
        if (config->instances[i]->service == service)
            cell_control(request, config->instances[i], BUS__CONTROL__WHAT__STATUS, on_status, statuses);
}
