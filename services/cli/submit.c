/* `hearback submit`: registers one case and prints its number, tracking code and promised dates. */
#include "cli.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "hearback submit --site S --kind K [--category C] [--channel C] [--text T] [--name N] [--phone P] [--email E]\n"
    "                       [--address A] [--place P] [--department D] [--key IDEMPOTENCY-KEY] [FIELD=VALUE ...]";

static const struct option known[] = {{"site", required_argument, NULL, 's'},
                                      {"kind", required_argument, NULL, 's'},
                                      {"category", required_argument, NULL, 's'},
                                      {"place", required_argument, NULL, 's'},
                                      {"channel", required_argument, NULL, 's'},
                                      {"department", required_argument, NULL, 's'},
                                      {"text", required_argument, NULL, 't'},
                                      {"name", required_argument, NULL, 'p'},
                                      {"phone", required_argument, NULL, 'p'},
                                      {"email", required_argument, NULL, 'p'},
                                      {"address", required_argument, NULL, 'p'},
                                      {"key", required_argument, NULL, 'k'},
                                      {0}};

static json_t *body_of(int argc, char **argv, const char **key_out)
{
    json_t *body = json_pack("{s:s}", "channel", "phone"), *party = json_object();
    int option, index = 0;
    while ((option = cli_option(argc, argv, known, &index)) != -1) {
        const char *name = known[index].name;
        if (option == 's')
            json_object_set_new(body, name, json_string(optarg));
        else if (option == 't')
            json_object_set_new(body, name, json_pack("{s:s}", "plain", optarg));
        else if (option == 'p')
            json_object_set_new(party, name, json_pack("{s:s}", "plain", optarg));
        else if (option == 'k')
            *key_out = optarg;
        else
            return NULL;
    }
    if (json_object_size(party))
        json_object_set(body, "party", party);
    json_t *fields = cli_fields(argc - optind, argv + optind);
    json_object_set_new(body, "fields", fields);
    return fields && json_object_get(body, "site") && json_object_get(body, "kind") ? body : NULL;
}

static void print_submitted(const json_t *json)
{
    const json_t *promised;
    size_t i;
    printf("%s  %s\n", json_string_value(json_object_get(json, "number")),
           json_string_value(json_object_get(json, "tracking_code")));
    json_array_foreach(json_object_get(json, "promised"), i, promised) {
        const json_t *label = json_object_get(promised, "label");
        const char *due = json_string_value(json_object_get(promised, "due_at")); /* "2026-11-25T11:20:24.495+08:00" */
        printf("  %s %s: %.10s %.5s\n", json_string_value(json_object_get(label, "zh")),
               json_string_value(json_object_get(label, "en")), due, due + 11);
    }
}

int cli_submit(struct cli *cli, int argc, char **argv)
{
    struct http_reply reply;
    const char *key = NULL;
    json_t *body = body_of(argc, argv, &key);
    if (!body)
        return cli_usage(usage);
    cli_http(cli, "POST", "/api/v1/cases", body, key ? key : cli_key_new(cli), &reply);
    if (reply.status / 100 != 2)
        return cli_http_fail(cli, &reply);
    if (cli->json)
        cli_print_json(reply.json);
    else
        print_submitted(reply.json);
    return CLI_GOOD;
}
