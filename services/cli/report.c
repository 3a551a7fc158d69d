/* `hearback report kpi`: the figures, in total and per category, kind, department and month; `report indicators`: those
   of the policy, each with its definition and target. */
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

/* ---- indicators ---- */

/* What it was in the periods before, and how it differs from the last and from a year ago. */
static void print_changes(const json_t *one)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(one, "compared"), i, item)
        printf("    %s %s  %s  %s\n",
               strcmp(text_at(item, "than"), "previous") == 0 ? "上期 previous" : "去年同期 last year",
               text_at(item, "period"), *text_at(item, "value") ? text_at(item, "value") : "-",
               *text_at(item, "change") ? text_at(item, "change") : "-");
    json_array_foreach(json_object_get(one, "trend"), i, item)
        printf("%s%s %s", i ? ", " : "    走势 trend: ", text_at(item, "period"),
               *text_at(item, "value") ? text_at(item, "value") : "-");
    if (json_array_size(json_object_get(one, "trend")))
        putchar('\n');
}

static void print_indicator(const json_t *one)
{
    const char *zh = text_at(json_object_get(one, "label"), "zh"), *en = text_at(json_object_get(one, "label"), "en");
    const json_t *clause;
    size_t i;
    printf("%s  %s %s%s%s", text_at(one, "period"), zh, en, *text_at(one, "who") ? "  " : "", text_at(one, "who"));
    json_array_foreach(json_object_get(one, "clauses"), i, clause)
        printf("%s%s", i ? " " : "  [", json_string_value(clause));
    printf("]\n    %s  %s %s  %s", *text_at(one, "value") ? text_at(one, "value") : "-", text_at(one, "state"),
           text_at(one, "target"), text_at(one, "definition"));
    if (*text_at(one, "where"))
        printf(" where %s", text_at(one, "where"));
    bool share = strchr(text_at(one, "value"), '%') != NULL;
    if (number(one, "among") && share)
        printf("  (%lld of %lld)", number(one, "hits"), number(one, "among"));
    else if (number(one, "among"))
        printf("  (%lld 件 cases)", number(one, "among"));
    if (number(one, "rank"))
        printf("  #%lld%s", number(one, "rank"), json_is_true(json_object_get(one, "marked")) ? " *" : "");
    if (number(one, "missed_in_a_row"))
        printf("  %lld in a row%s", number(one, "missed_in_a_row"),
               json_is_true(json_object_get(one, "alarm")) ? " !" : "");
    if (*text_at(json_object_get(one, "how"), "en"))
        printf("\n    %s / %s", text_at(json_object_get(one, "how"), "zh"), text_at(json_object_get(one, "how"), "en"));
    if (*text_at(one, "since"))
        printf("\n    自 %s 起登记的案件按此口径统计 / counted this way for cases registered since %s",
               text_at(one, "since"), text_at(one, "since"));
    putchar('\n');
    print_changes(one);
    json_array_foreach(json_object_get(one, "lacking"), i, clause)
        printf("%s%s", i ? " " : "    lacking: ", json_string_value(clause));
    if (json_array_size(json_object_get(one, "lacking")))
        putchar('\n');
}

static int report_indicators(struct cli *cli, int argc, char **argv)
{
    bool csv = false;
    const struct filter_option options[] = {{"--site", "site", NULL},     {"--cell", "cell", NULL},
                                            {"--period", "period", NULL}, {"--name", "name", NULL},
                                            {"--who", "who", NULL},       {"--csv", NULL, &csv}};
    struct http_reply reply;
    char *query = filter_query(cli, argc, argv, options, sizeof options / sizeof *options);
    if (!query)
        return CLI_USAGE;
    if (csv) {
        const char *path =
            arena_printf(&cli->arena, "/api/v1/reports/indicators%s%cformat=csv", query, *query ? '&' : '?');
        cli_http_file(cli, path, "text/csv", stdout, &reply);
        return reply.status == 200 ? CLI_GOOD : cli_http_fail(cli, &reply);
    }
    cli_http(cli, "GET", arena_printf(&cli->arena, "/api/v1/reports/indicators%s", query), NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json) {
        cli_print_json(reply.json);
        return CLI_GOOD;
    }
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(reply.json, "indicators"), i, one)
        print_indicator(one);
    return CLI_GOOD;
}

static const char usage[] =
    "hearback report kpi [--cell ID] [--site S | --mapping M]\n"
    "hearback report indicators --site S [--period 2025-03 | 2025-Q1 | 2025]\n"
    "                          [--name INDICATOR] [--who DEPARTMENT|PERSON|CATEGORY|STAGE] [--csv] [--cell ID]";

int cli_report(struct cli *cli, int argc, char **argv)
{
    const struct filter_option options[] = {{"--site", "site", NULL}, {"--cell", "cell", NULL}};
    struct http_reply reply;
    if (argc > 1 && strcmp(argv[1], "indicators") == 0)
        return report_indicators(cli, argc - 2, argv + 2);
    if (argc < 2 || strcmp(argv[1], "kpi") != 0)
        return cli_usage(usage);
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
