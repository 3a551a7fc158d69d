/* `hearback report kpi`: the figures, in total and per category, kind, department and month. */
#include "filter.h"

#include <stdlib.h>
#include <string.h>

static long long number(const json_t *figures, const char *name)
{
    const json_t *value = json_object_get(figures, name);
    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) : json_integer_value(value);
}

static void print_figures(const json_t *figures, const char *key)
{
    printf("%-44s %10lld %8lld %8lld %8lld %8lld %8lld\n", key, number(figures, "registered"), number(figures, "open"),
           number(figures, "closed"), number(figures, "rated"), number(figures, "on_time"), number(figures, "overdue"));
}

static void print_group(const json_t *kpi, const char *name)
{
    const json_t *figures;
    size_t i;
    if (json_array_size(json_object_get(kpi, name)))
        printf("\n%s\n", name);
    json_array_foreach(json_object_get(kpi, name), i, figures)
        print_figures(figures, json_string_value(json_object_get(figures, "key")));
}

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* At headquarters. */
static void print_cells(const json_t *kpi)
{
    const json_t *one;
    size_t i;
    char key[200];
    if (json_array_size(json_object_get(kpi, "cells")))
        printf("\ncells\n");
    json_array_foreach(json_object_get(kpi, "cells"), i, one) {
        const char *cell = text_at(one, "cell");
        snprintf(key, sizeof key, "%s %s", *cell ? cell : "(here)", text_at(one, "name"));
        print_figures(json_object_get(one, "total"), key);
    }
    if (json_array_size(json_object_get(kpi, "sites")))
        printf("\nsites\n");
    json_array_foreach(json_object_get(kpi, "sites"), i, one) {
        snprintf(key, sizeof key, "%s%s%s", text_at(one, "cell_name"), *text_at(one, "cell_name") ? " / " : "",
                 text_at(one, "site"));
        print_figures(json_object_get(one, "total"), key);
    }
}

int cli_report(struct cli *cli, int argc, char **argv)
{
    const struct filter_option options[] = {{"--site", "site", NULL}, {"--cell", "cell", NULL}};
    struct http_reply reply;
    if (argc < 2 || strcmp(argv[1], "kpi") != 0)
        return cli_usage("hearback report kpi [--cell ID] [--site S | --mapping M]");
    char *query = filter_query(cli, argc - 2, argv + 2, options, 2);
    if (!query)
        return CLI_USAGE;
    cli_http(cli, "GET", arena_printf(&cli->arena, "/api/v1/reports/kpi%s", query), NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json) {
        cli_print_json(reply.json);
        return CLI_GOOD;
    }
    printf("%-44s %10s %8s %8s %8s %8s %8s\n", "", "registered", "open", "closed", "rated", "on time", "overdue");
    print_figures(json_object_get(reply.json, "total"), "total");
    print_cells(reply.json);
    print_group(reply.json, "kinds");
    print_group(reply.json, "departments");
    print_group(reply.json, "categories");
    print_group(reply.json, "periods");
    return CLI_GOOD;
}
