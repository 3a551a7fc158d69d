/* `hearback policy`: publish goes through the gateway; check and rehearse need no running system. */
#include "cli.h"
#include "rehearse.h"

#include "json/json.h"

#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "hearback policy publish SITE PACK|FOLDER ... [--if-none] [--operator]\n"
                            "hearback policy move SITE [--kind KIND ...] [--case CASE ...] [--dry-run]\n"
                            "hearback policy check PACK|FOLDER ...\n"
                            "hearback policy diff OLD NEW\n"
                            "hearback policy flow PACK KIND\n"
                            "hearback policy explain CASE\n"
                            "hearback policy rehearse SCENARIO.yaml ...\n"
                            "hearback policy whatif PACK|FOLDER ... --since DATE";

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".yaml") == 0;
}

/* Every *.yaml of a pack's folder, in order of name. False after saying why. */
static bool add_sources(struct cli *cli, const char *folder, json_t *sources)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_yaml, alphasort);
    bool good = count > 0;
    for (int i = 0; i < count; i++) {
        const char *path = arena_printf(&cli->arena, "%s/%s", folder, entries[i]->d_name);
        const char *pack = basename(arena_strdup(&cli->arena, folder));
        struct bytes text;
        if (cli_read(cli, path, &text))
            json_array_append_new(sources,
                                  json_pack("{s:o, s:s}", "path", json_sprintf("%s/%s", pack, entries[i]->d_name),
                                            "text", (const char *)text.data));
        else
            good = false;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (!good)
        cli_fail("%s: a folder with the .yaml files of a pack is accepted", folder);
    return good;
}

static int say_published(const struct cli *cli, const char *site, long long version)
{
    if (cli->json)
        cli_print_json(json_pack("{s:s, s:I}", "site", site, "policy_version", (json_int_t)version));
    else
        printf("%s: version %lld is in force\n", site, version);
    return CLI_GOOD;
}

/* Over the bus, with the operator's key: also where people change the policy by a case (`approves: policy`). */
static int publish_as_operator(struct cli *cli, json_t *body)
{
    ProtobufCMessage *message;
    char *path = "", *why = "";
    enum err err = json_to_message(body, &directory__publish_policy__descriptor, &cli->arena, &message, &path, &why);
    json_decref(body);
    if (err)
        return cli_fail("%s: %s", path, why);
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    directory.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    directory.publish_policy = (Directory__PublishPolicy *)message;
    const Hb__CommandReply *reply = cli_config(cli) ? cli_directory(cli, &directory) : NULL;
    return reply ? say_published(cli, directory.publish_policy->site, reply->policy_version) : CLI_FAILED;
}

/* Shipped packs by name, own ones by folder. All or nothing. */
static int publish(struct cli *cli, int argc, char **argv)
{
    json_t *packs = json_array(), *sources = json_array();
    bool if_none = false, operator= false;
    struct http_reply reply;
    if (argc < 2)
        return cli_usage(usage);
    for (int i = 1; i < argc; i++) {
        bool folder = strchr(argv[i], '/') != NULL;
        if (strcmp(argv[i], "--if-none") == 0)
            if_none = true;
        else if (strcmp(argv[i], "--operator") == 0)
            operator= true;
        else if (folder && !add_sources(cli, argv[i], sources))
            return CLI_FAILED;
        else
            json_array_append_new(packs, json_string(folder ? basename(arena_strdup(&cli->arena, argv[i])) : argv[i]));
    }
    json_t *body =
        json_pack("{s:s, s:o, s:o, s:b}", "site", argv[0], "packs", packs, "sources", sources, "only_if_none", if_none);
    if (operator)
        return publish_as_operator(cli, body);
    cli_http(cli, "POST", "/api/v1/policies", body, cli_key_new(cli), &reply);
    if (reply.status / 100 != 2)
        return cli_http_fail(cli, &reply);
    if (cli->json)
        cli_print_json(reply.json);
    else
        printf("%s: version %lld is in force\n", argv[0],
               (long long)json_integer_value(json_object_get(reply.json, "policy_version")));
    return CLI_GOOD;
}

int cli_policy(struct cli *cli, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "publish") == 0)
        return publish(cli, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "move") == 0)
        return policy_move_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return check_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "diff") == 0)
        return policy_diff_main(cli, argc - 1, argv + 1);
    if (argc > 2 && strcmp(argv[1], "explain") == 0) { /* the same as case show CASE --explain */
        char *show[] = {argv[0], "show", argv[2], "--explain", NULL};
        return cli_case(cli, 4, show);
    }
    if (argc > 1 && strcmp(argv[1], "flow") == 0)
        return policy_flow_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "rehearse") == 0)
        return rehearse_main(cli, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "whatif") == 0)
        return whatif_main(cli, argc - 1, argv + 1);
    return cli_usage(usage);
}
