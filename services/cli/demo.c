/* `hearback demo`: the shipped demonstration organisation (a property group, a hospital), a token for each account, and
   sample cases at the first time. Safe to repeat: later it only prints the accounts again. */
#include "cli.h"

#include "json/json.h"

#include <string.h>
#include <unistd.h>

#define SAMPLE_KEY "demo-sample-%zu"
#define SAMPLES_DONE "demo-samples" /* a file that says they are all there */

struct demo {
    struct cli *cli;
    json_t *organisation, *accounts; /* [{account, person, scopes, token}] */
};

static json_t *read_json(struct cli *cli, const char *path)
{
    struct bytes text;
    json_t *json = NULL;
    char *why = NULL;
    if (!cli_read(cli, path, &text))
        cli_fail("%s cannot be read", path);
    else if (json_parse(text, &cli->arena, &json, &why))
        cli_fail("%s: %s", path, why);
    return json;
}

/* ---- the organisation ---- */

static Directory__Organise *organise_of(struct demo *demo)
{
    ProtobufCMessage *message;
    char *path, *why;
    if (json_to_message(demo->organisation, &directory__organise__descriptor, &demo->cli->arena, &message, &path,
                        &why)) {
        cli_fail("organisation.json: %s: %s", path, why);
        return NULL;
    }
    return (Directory__Organise *)message;
}

static const char *person_name(const Directory__Organise *organise, const char *id)
{
    for (size_t i = 0; i < organise->n_people; i++)
        if (strcmp(organise->people[i]->id, id) == 0)
            return organise->people[i]->name;
    return "";
}

static bool give_tokens(struct demo *demo, Directory__Organise *organise)
{
    organise->secrets = arena_alloc(&demo->cli->arena, organise->n_accounts * sizeof *organise->secrets);
    for (size_t i = 0; i < organise->n_accounts; i++) {
        char *token, *password;
        const Directory__Account *account = organise->accounts[i];
        Directory__AccountSecret *secret = cli_secret_new(demo->cli, account->id, &token);
        organise->secrets[organise->n_secrets++] = secret;
        if (!cli_password_new(demo->cli, secret, &password)) {
            cli_fail("no memory for the hash of a password");
            return false;
        }
        json_array_append_new(demo->accounts,
                              json_pack("{s:s, s:s, s:s, s:s}", "account", account->id, "person",
                                        person_name(organise, account->person), "password", password, "token", token));
    }
    return true;
}

static bool publish(struct cli *cli, const Directory__Site *site)
{
    struct http_reply reply;
    json_t *packs = json_array();
    for (size_t i = 0; i < site->n_packs; i++)
        json_array_append_new(packs, json_string(site->packs[i]));
    cli_http(cli, "POST", "/api/v1/policies",
             json_pack("{s:s, s:o, s:b}", "site", site->id, "packs", packs, "only_if_none", 1), NULL, &reply);
    if (reply.status / 100 == 2)
        return true;
    cli_http_fail(cli, &reply);
    return false;
}

/* The file of accounts comes last: a start that was cut off makes new tokens, and those of before end. */
static bool found(struct demo *demo, const char *path)
{
    struct cli *cli = demo->cli;
    Directory__Organise *organise = organise_of(demo);
    if (!organise)
        return false;
    if (!give_tokens(demo, organise) || !cli_organise(cli, organise))
        return false;
    for (size_t i = 0; i < organise->n_sites; i++)
        if (!publish(cli, organise->sites[i]))
            return false;
    if (cli_write(path, json_dumps(demo->accounts, JSON_INDENT(1))))
        return true;
    cli_fail("%s cannot be written", path);
    return false;
}

/* ---- samples ---- */

static const char *token_of(const struct demo *demo, const char *account)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(demo->accounts, i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "account")), account) == 0)
            return json_string_value(json_object_get(entry, "token"));
    }
    return NULL;
}

/* What the complainant sent through the portal is registered by reception here, as another sample of the site names it:
   nobody writes without an account but the portal itself. */
static const char *account_of(const json_t *samples, const json_t *sample)
{
    const json_t *other;
    size_t i;
    if (json_string_length(json_object_get(sample, "account")))
        return json_string_value(json_object_get(sample, "account"));
    json_array_foreach(samples, i, other) {
        if (json_string_length(json_object_get(other, "account")) &&
            json_equal(json_object_get(other, "site"), json_object_get(sample, "site")))
            return json_string_value(json_object_get(other, "account"));
    }
    return "admin";
}

static bool submit(struct demo *demo, const json_t *samples, const json_t *sample, size_t index)
{
    struct http_reply reply;
    json_t *body = json_deep_copy(json_object_get(sample, "submit"));
    json_object_set(body, "site", json_object_get(sample, "site"));
    demo->cli->token = token_of(demo, account_of(samples, sample));
    cli_http(demo->cli, "POST", "/api/v1/cases", body, arena_printf(&demo->cli->arena, SAMPLE_KEY, index), &reply);
    if (reply.status / 100 == 2)
        return true;
    cli_fail("sample %zu was refused:", index + 1);
    cli_http_fail(demo->cli, &reply);
    return false;
}

static bool load_samples(struct demo *demo)
{
    json_t *samples = read_json(demo->cli, cli_share(demo->cli, "demo/samples.json")), *sample;
    json_t *list = json_object_get(samples, "submissions");
    size_t i, count = json_array_size(list);
    json_array_foreach(list, i, sample) {
        if (!submit(demo, list, sample, i))
            return false;
        cli_progress(i + 1 == count, "sample cases: %zu of %zu", i + 1, count);
    }
    return samples && cli_write(cli_path(demo->cli, SAMPLES_DONE), "");
}

/* ---- */

static void print_accounts(const struct demo *demo)
{
    const json_t *entry;
    size_t i;
    if (demo->cli->json) {
        cli_print_json(demo->accounts);
        return;
    }
    printf("THIS IS A DEMONSTRATION: made-up people, and passwords that are printed here. Not for real complaints.\n"
           "这是演示系统：人员均为虚构，密码公开显示，请勿用于真实投诉。\n"
           "demo accounts (password, bearer token):\n");
    json_array_foreach(demo->accounts, i, entry) {
        const char *password = json_string_value(json_object_get(entry, "password"));
        printf("  %-18s %-19s  %s  %s\n", json_string_value(json_object_get(entry, "account")),
               password ? password : "", json_string_value(json_object_get(entry, "token")),
               json_string_value(json_object_get(entry, "person")));
    }
}

int cli_demo(struct cli *cli, int argc, char **argv)
{
    struct demo demo = {.cli = cli};
    bool samples = true;
    if (argc == 2 && strcmp(argv[1], "--no-samples") == 0)
        samples = false;
    else if (argc != 1)
        return cli_usage("hearback demo [--no-samples]");
    const char *path = cli_path(cli, "demo-accounts.json");
    if (access(path, R_OK) == 0) {
        demo.accounts = read_json(cli, path);
    } else {
        demo.accounts = json_array();
        demo.organisation = read_json(cli, cli_share(cli, "demo/organisation.json"));
        if (!demo.organisation || !found(&demo, path))
            return CLI_FAILED;
    }
    bool done = access(cli_path(cli, SAMPLES_DONE), F_OK) == 0;
    if (!done && samples && !load_samples(&demo))
        return CLI_FAILED;
    if (!done && !samples && !cli_write(cli_path(cli, SAMPLES_DONE), "")) /* nor do they come with a later start */
        return CLI_FAILED;
    if (demo.accounts)
        print_accounts(&demo);
    return demo.accounts ? CLI_GOOD : CLI_FAILED;
}
