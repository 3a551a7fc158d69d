/* `hearback policy publish`, `withdraw` and `list`: what is in force at a site, and what takes effect on a later day.
 */
#include "cli.h"
#include "rehearse.h"

#include "json/json.h"

#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

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

/* What it finds nobody for at the site: it is published all the same. */
static void say_warnings(const json_t *said)
{
    const json_t *warning;
    size_t i;
    json_array_foreach(json_object_get(said, "warnings"), i, warning)
        printf("%s%s: %s\n", cli_english() ? "warning: " : "提示：",
               json_string_value(json_object_get(warning, "field")),
               json_string_value(json_object_get(json_object_get(warning, "text"), cli_english() ? "en" : "zh")));
}

/* Of the gateway, or made of what directory itself replied. */
static int say_published(const struct cli *cli, const char *site, json_t *said)
{
    const json_t *coming = json_object_get(said, "coming");
    if (cli->json)
        cli_print_json(said);
    else if (coming)
        printf("%s: takes effect on %s\n", site, json_string_value(json_object_get(coming, "day")));
    else
        printf("%s: version %lld is in force\n", site,
               (long long)json_integer_value(json_object_get(said, "policy_version")));
    if (!cli->json)
        say_warnings(said);
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
    if (!reply)
        return CLI_FAILED;
    json_t *said = json_pack("{s:s}", "site", directory.publish_policy->site);
    if (reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_COMING_POLICY)
        json_object_set_new(said, "coming", json_from_message(&reply->coming_policy->base, NULL));
    else
        json_object_set_new(said, "policy_version", json_integer(reply->policy_version));
    json_t *warnings = json_array();
    for (size_t i = 0; i < reply->n_warnings; i++)
        json_array_append_new(warnings, json_from_message(&reply->warnings[i]->base, NULL));
    json_object_set_new(said, "warnings", warnings);
    int result = say_published(cli, directory.publish_policy->site, said);
    json_decref(said);
    return result;
}

/* Shipped packs by name, own ones by folder. All or nothing. */
int policy_publish_main(struct cli *cli, int argc, char **argv)
{
    json_t *packs = json_array(), *sources = json_array();
    bool if_none = false, operator= false, replace = false;
    const char *from = "", *by_case = "0";
    struct http_reply reply;
    for (int i = 1; i < argc; i++) {
        bool folder = strchr(argv[i], '/') != NULL;
        if (strcmp(argv[i], "--if-none") == 0)
            if_none = true;
        else if (strcmp(argv[i], "--operator") == 0)
            operator= true;
        else if (strcmp(argv[i], "--replace") == 0)
            replace = true;
        else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
            from = argv[++i];
        else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc)
            by_case = argv[++i];
        else if (folder && !add_sources(cli, argv[i], sources))
            return CLI_FAILED;
        else
            json_array_append_new(packs, json_string(folder ? basename(arena_strdup(&cli->arena, argv[i])) : argv[i]));
    }
    json_t *body = json_pack("{s:s, s:o, s:o, s:b, s:s, s:b, s:s}", "site", argv[0], "packs", packs, "sources", sources,
                             "only_if_none", if_none, "from", from, "replace", replace, "case_id", by_case);
    if (operator)
        return publish_as_operator(cli, body);
    cli_http(cli, "POST", "/api/v1/policies", body, cli_key_new(cli), &reply);
    return reply.status / 100 == 2 ? say_published(cli, argv[0], reply.json) : cli_http_fail(cli, &reply);
}

/* ---- what is to take effect on a later day ---- */

static int withdraw_as_operator(struct cli *cli, const char *site)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__WithdrawPolicy withdraw = DIRECTORY__WITHDRAW_POLICY__INIT;
    withdraw.site = (char *)(uintptr_t)site;
    directory.kind_case = DIRECTORY__COMMAND__KIND_WITHDRAW_POLICY;
    directory.withdraw_policy = &withdraw;
    return cli_config(cli) && cli_directory(cli, &directory) ? CLI_GOOD : CLI_FAILED;
}

int policy_withdraw_main(struct cli *cli, int argc, char **argv)
{
    struct http_reply reply;
    if (argc == 2 && strcmp(argv[1], "--operator") == 0)
        return withdraw_as_operator(cli, argv[0]);
    if (argc != 1)
        return cli_usage("hearback policy withdraw SITE [--operator]");
    const char *path = arena_printf(&cli->arena, "/api/v1/policies/%s/coming", cli_escape(cli, argv[0]));
    cli_http(cli, "DELETE", path, NULL, cli_key_new(cli), &reply);
    return reply.status / 100 == 2 ? CLI_GOOD : cli_http_fail(cli, &reply);
}

static const char *packs_of(struct cli *cli, const json_t *policy)
{
    const char *text = "";
    const json_t *pack;
    size_t i;
    json_array_foreach(json_object_get(policy, "packs"), i, pack)
        text = arena_printf(&cli->arena, "%s%s%s", text, i ? " " : "", json_string_value(pack));
    return text;
}

static void print_policy(struct cli *cli, const json_t *policy)
{
    const char *site = json_string_value(json_object_get(policy, "site"));
    long long version = (long long)json_integer_value(json_object_get(policy, "version"));
    const json_t *coming = json_object_get(policy, "coming");
    if (version)
        printf("%-16s version %-4lld          %s\n", site, version, packs_of(cli, policy));
    if (!coming)
        return;
    long long base = (long long)json_integer_value(json_object_get(coming, "base_version"));
    printf("%-16s from %s         %s%s\n", site, json_string_value(json_object_get(coming, "day")),
           packs_of(cli, coming), base == version ? "" : " (an older version was in force when it was published)");
}

int policy_list_main(struct cli *cli)
{
    struct http_reply reply;
    const json_t *policy;
    size_t i;
    cli_http(cli, "GET", "/api/v1/policies", NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    if (cli->json) {
        cli_print_json(reply.json);
        return CLI_GOOD;
    }
    json_array_foreach(json_object_get(reply.json, "policies"), i, policy)
        print_policy(cli, policy);
    return CLI_GOOD;
}
