/* `hearback account password NAME`: no account has a password until its owner sets one, with a code that the operator
   gives out; it works once, and for a day. Directory records who gave one out. */
#include "cli.h"

#include "json/json.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#define SETUP_MS (24 * 3600000ll)

static const char *console_url(struct cli *cli)
{
    const Config__Http *http = cli->config->http;
    return *http->public_url
               ? http->public_url
               : arena_printf(&cli->arena, "http://%s:%u", *http->address ? http->address : "127.0.0.1", http->port);
}

static int offer(struct cli *cli, const char *account)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__OfferSetup setup = DIRECTORY__OFFER_SETUP__INIT;
    uint8_t random[20], hash[32];
    char code[64];
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(code, sizeof code, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)code, strlen(code), NULL, 0);
    directory.kind_case = DIRECTORY__COMMAND__KIND_OFFER_SETUP;
    directory.offer_setup = &setup;
    setup.account = arena_strdup(&cli->arena, account);
    setup.code_hash = (ProtobufCBinaryData){sizeof hash, hash};
    setup.until_ms = (int64_t)time(NULL) * 1000 + SETUP_MS;
    if (!cli_directory(cli, &directory))
        return CLI_FAILED;
    const char *link =
        arena_printf(&cli->arena, "%s/console/signin#account=%s&code=%s", console_url(cli), account, code);
    const char *until = json_time_text(NULL, setup.until_ms, &cli->arena);
    if (cli->json)
        cli_print_json(
            json_pack("{s:s, s:s, s:s, s:s}", "account", account, "code", code, "link", link, "until", until));
    else
        printf("%s\ncode: %s\nWhoever opens this link sets the password of \"%s\", once, until %s. A second factor "
               "and all tokens end with it.\n",
               link, code, account, until);
    return CLI_GOOD;
}

int cli_account(struct cli *cli, int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "password") != 0)
        return cli_usage("hearback account password NAME");
    return offer(cli, argv[2]);
}
