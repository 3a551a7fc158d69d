/* `hearback status`: one line per instance; exit code 1 unless all are ready. */
#include "cell.h"

#include "config/config.h"

#include <inttypes.h>
#include <string.h>

#define ASK_MS 2000u

static json_t *report_json(const Config__Instance *instance, const Bus__PositionReport *report)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "service",
                     config_service_name(instance->service), "partition", (json_int_t)instance->partition,
                     "buckets_from", (json_int_t)instance->bucket_from, "buckets_to",
                     (json_int_t)config_bucket_end(instance), "endpoint", instance->endpoint, "health",
                     report ? report->health : "down", "events", (json_int_t)(report ? report->end : 0), "waiting",
                     (json_int_t)(report ? report->waiting : 0), "jobs", (json_int_t)(report ? report->jobs : 0),
                     "commands", (json_int_t)(report ? report->parked : 0));
}

static void print_report(struct cli *cli, const Config__Instance *instance, const Bus__PositionReport *report)
{
    const char *name = cli_instance_name(cli, instance);
    bool whole = instance->bucket_from == 0 && config_bucket_end(instance) == CONFIG_BUCKETS;
    if (report)
        printf("%-14s %-14s %8" PRIu64 " events  %" PRIu64 " waiting  %" PRIu64 " jobs", name, report->health,
               report->end, report->waiting, report->jobs);
    else
        printf("%-14s down", name);
    if (!whole)
        printf("  buckets %" PRIu32 " to %" PRIu32, instance->bucket_from, config_bucket_end(instance));
    putchar('\n');
}

int cli_status(struct cli *cli, int argc, char **argv)
{
    (void)argv;
    json_t *list = json_array();
    bool all = true;
    if (argc != 1)
        return cli_usage("hearback status [--json]");
    if (!cli_config(cli))
        return CLI_FAILED;
    for (size_t i = 0; i < cli->config->n_instances; i++) {
        const Config__Instance *instance = cli->config->instances[i];
        if (!cli_is_service(instance))
            continue;
        const Bus__ControlReply *reply = cli_control(cli, instance, BUS__CONTROL__WHAT__POSITION, NULL, ASK_MS);
        const Bus__PositionReport *report = reply ? reply->position : NULL;
        all = all && report && strcmp(report->health, "ready") == 0;
        if (cli->json)
            json_array_append_new(list, report_json(instance, report));
        else
            print_report(cli, instance, report);
    }
    json_t *cells = cells_look(cli);
    struct http_reply gateway;
    cli_http(cli, "GET", "/readyz", NULL, NULL, &gateway);
    const char *health = gateway.status == 200 ? "ready" : gateway.status ? "not ready" : "down";
    all = all && gateway.status == 200;
    if (cli->json) {
        json_array_append_new(list, json_pack("{s:s, s:s}", "service", "gateway", "health", health));
        if (json_array_size(cells))
            json_array_append_new(list, json_pack("{s:s, s:O}", "service", "link", "cells", cells));
        cli_print_json(list);
    } else {
        printf("%-14s %s\n", "gateway", health);
        cells_print(cells); /* one that is silent holds nobody up: the system is ready all the same */
    }
    json_decref(cells);
    json_decref(list);
    return all ? CLI_GOOD : CLI_FAILED;
}
