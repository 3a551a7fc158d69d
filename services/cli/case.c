/* `hearback case list|show|act`. */
#include "case_print.h"
#include "filter.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "hearback case list [--cell ID] [--site S | --mapping M] [--department D] [--handler P] [--kind K] [--category C] "
    "[--stage S]\n"
    "                          [--number N] [--external-id E] [--overdue true] [--limit N] [--oldest] [--csv]\n"
    "       hearback case show ID|NUMBER [--timeline] [--explain] [--purpose TEXT]\n"
    "       hearback case documents ID|NUMBER [FORM [--html]]\n"
    "       hearback case act ID|NUMBER STEP [FIELD=VALUE ...] [--note TEXT] [--version N]";

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* ---- list ---- */

static int list_csv(struct cli *cli, const char *query)
{
    const char *path = arena_printf(&cli->arena, "/api/v1/cases%s%cformat=csv", query, *query ? '&' : '?');
    struct http_reply reply;
    cli_http_file(cli, path, "text/csv", stdout, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    return fflush(stdout) == 0 ? CLI_GOOD : cli_fail("the list cannot be written");
}

static void print_row(const json_t *row)
{
    printf("%s%s%-20s %-12s %-16s %-24s %-20s %-12s %s\n", text_at(row, "cell_name"), *text_at(row, "cell") ? "  " : "",
           text_at(row, "number"), text_at(row, "kind"), text_at(row, "category"), text_at(row, "department"),
           text_at(row, "stage"), text_at(row, "handler"), text_at(row, "due_at"));
}

static int list(struct cli *cli, int argc, char **argv)
{
    bool csv = false, oldest = false;
    const struct filter_option options[] = {
        {"--cell", "cell", NULL},       {"--site", "site", NULL},     {"--department", "department", NULL},
        {"--handler", "handler", NULL}, {"--kind", "kind", NULL},     {"--category", "category", NULL},
        {"--stage", "stage", NULL},     {"--number", "number", NULL}, {"--external-id", "external_id", NULL},
        {"--overdue", "overdue", NULL}, {"--limit", "limit", NULL},   {"--oldest", NULL, &oldest},
        {"--csv", NULL, &csv}};
    char *query = filter_query(cli, argc, argv, options, sizeof options / sizeof *options);
    struct http_reply reply;
    if (!query)
        return CLI_USAGE;
    if (oldest)
        query = arena_printf(&cli->arena, "%s%corder=oldest", query, *query ? '&' : '?');
    if (csv)
        return list_csv(cli, query);
    cli_http(cli, "GET", arena_printf(&cli->arena, "/api/v1/cases%s", query), NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json) {
        cli_print_json(reply.json);
        return CLI_GOOD;
    }
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(reply.json, "rows"), i, row)
        print_row(row);
    return CLI_GOOD;
}

/* ---- show ---- */

static int show(struct cli *cli, int argc, char **argv)
{
    bool timeline = false, explain = false;
    const struct filter_option options[] = {
        {"--timeline", NULL, &timeline}, {"--explain", NULL, &explain}, {"--purpose", "purpose", NULL}};
    struct http_reply reply;
    if (argc < 1)
        return cli_usage(usage);
    const char *query = filter_query(cli, argc - 1, argv + 1, options, sizeof options / sizeof *options);
    if (!query)
        return CLI_USAGE;
    const char *path = arena_printf(&cli->arena, "/api/v1/cases/%s%s%s", cli_escape(cli, argv[0]),
                                    timeline  ? "/timeline"
                                    : explain ? "/explain"
                                              : "",
                                    query);
    cli_http(cli, "GET", path, NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json)
        cli_print_json(reply.json);
    else if (timeline)
        case_print_timeline(reply.json);
    else if (explain)
        case_print_explain(reply.json);
    else
        case_print_file(reply.json);
    return CLI_GOOD;
}

/* ---- documents ---- */

static void print_form(const json_t *data)
{
    const json_t *block, *row;
    size_t i, r;
    printf("%s  %s %s v%d\n", text_at(json_object_get(data, "name"), "zh"), text_at(data, "number"),
           text_at(data, "code"), (int)json_integer_value(json_object_get(data, "version")));
    json_array_foreach(json_object_get(data, "blocks"), i, block) {
        printf("%s\n", text_at(json_object_get(block, "title"), "zh"));
        json_array_foreach(json_object_get(block, "rows"), r, row) {
            const json_t *value = json_object_get(row, "value");
            printf("  %s: %s %s\n", text_at(json_object_get(row, "label"), "zh"),
                   json_is_true(json_object_get(row, "sealed")) ? "(sealed)"
                   : json_is_object(value)                      ? text_at(value, "zh")
                                                                : json_string_value(value),
                   text_at(row, "at"));
        }
    }
}

static int form(struct cli *cli, const char *path, bool html)
{
    struct http_reply reply;
    if (html) {
        cli_http_file(cli, arena_printf(&cli->arena, "%s?format=html", path), "text/html", stdout, &reply);
        return reply.status == 200 ? CLI_GOOD : cli_http_fail(cli, &reply);
    }
    cli_http(cli, "GET", path, NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json)
        cli_print_json(reply.json);
    else
        print_form(reply.json);
    return CLI_GOOD;
}

static int documents(struct cli *cli, int argc, char **argv)
{
    bool html = argc == 3 && strcmp(argv[2], "--html") == 0;
    struct http_reply reply;
    if (argc < 1 || argc > 3 || (argc == 3 && !html))
        return cli_usage(usage);
    const char *path = arena_printf(&cli->arena, "/api/v1/cases/%s/documents", cli_escape(cli, argv[0]));
    if (argc > 1)
        return form(cli, arena_printf(&cli->arena, "%s/%s", path, cli_escape(cli, argv[1])), html);
    cli_http(cli, "GET", path, NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json) {
        cli_print_json(reply.json);
        return CLI_GOOD;
    }
    const json_t *document, *issued;
    size_t i, n;
    json_array_foreach(json_object_get(reply.json, "documents"), i, document) {
        printf("%-24s %s\n", text_at(document, "name"), text_at(json_object_get(document, "label"), "zh"));
        json_array_foreach(json_object_get(document, "issued"), n, issued)
            printf("  %s  %s\n", text_at(issued, "at"), text_at(issued, "number"));
    }
    return CLI_GOOD;
}

/* ---- act ---- */

json_t *cli_fields(int argc, char **argv)
{
    json_t *fields = json_array();
    for (int i = 0; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals) {
            cli_fail("\"%s\": FIELD=VALUE is accepted", argv[i]);
            json_decref(fields);
            return NULL;
        }
        json_array_append_new(fields, json_pack("{s:s%, s:{s:s}}", "name", argv[i], (size_t)(equals - argv[i]), "text",
                                                "plain", equals + 1));
    }
    return fields;
}

/* Takes `--NAME VALUE` out of argv; NULL when it is not there. */
static const char *take(int *argc, char **argv, const char *name)
{
    for (int i = 0; i + 1 < *argc; i++) {
        if (strcmp(argv[i], name) != 0)
            continue;
        const char *value = argv[i + 1];
        memmove(argv + i, argv + i + 2, (size_t)(*argc - i - 2) * sizeof *argv);
        *argc -= 2;
        return value;
    }
    return NULL;
}

static int act(struct cli *cli, int argc, char **argv)
{
    struct http_reply reply;
    const char *note = take(&argc, argv, "--note"), *version = take(&argc, argv, "--version");
    if (argc < 2)
        return cli_usage(usage);
    json_t *fields = cli_fields(argc - 2, argv + 2);
    if (!fields)
        return CLI_USAGE;
    json_t *body = json_pack("{s:o}", "fields", fields);
    if (note)
        json_object_set_new(body, "note", json_pack("{s:s}", "plain", note));
    cli->if_match = version ? arena_printf(&cli->arena, "\"%s\"", version) : NULL;
    cli_http(
        cli, "POST",
        arena_printf(&cli->arena, "/api/v1/cases/%s/actions/%s", cli_escape(cli, argv[0]), cli_escape(cli, argv[1])),
        body, cli_key_new(cli), &reply);
    if (reply.status / 100 != 2)
        return cli_http_fail(cli, &reply);
    if (cli->json)
        cli_print_json(reply.json);
    else
        printf("%s\n", text_at(reply.json, "stage"));
    return CLI_GOOD;
}

int cli_case(struct cli *cli, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        return list(cli, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "show") == 0)
        return show(cli, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "documents") == 0)
        return documents(cli, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "act") == 0)
        return act(cli, argc - 2, argv + 2);
    return cli_usage(usage);
}
