/* `hearback token ACCOUNT`: a new bearer token for an account; the old one ends. The account `operator` is made when it
   is missing: it may do everything at every site, and is what this command itself uses. */
#include "cli.h"

#include <sodium.h>
#include <string.h>

/* 256 random bits; the prefix lets a secret scanner find it. */
static char *token_new(struct cli *cli)
{
    uint8_t secret[32];
    char text[64];
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, sizeof text, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_printf(&cli->arena, "hb_%s", text);
}

Directory__AccountSecret *cli_secret_new(struct cli *cli, const char *account, char **token_out)
{
    Directory__AccountSecret *secret = arena_alloc(&cli->arena, sizeof *secret);
    directory__account_secret__init(secret);
    *token_out = token_new(cli);
    secret->account = arena_strdup(&cli->arena, account);
    secret->token_hash = (ProtobufCBinaryData){32, arena_alloc(&cli->arena, 32)};
    crypto_generichash(secret->token_hash.data, 32, (const uint8_t *)*token_out, strlen(*token_out), NULL, 0);
    return secret;
}

/* Random, and so hashed at the least cost: the first sign-in pays today's (directory's password.c). */
bool cli_password_new(struct cli *cli, Directory__AccountSecret *secret, char **password_out)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
    char text[20], hash[crypto_pwhash_STRBYTES];
    for (size_t i = 0; i < sizeof text - 1; i++) /* 80 bits, in groups that can be read out */
        text[i] = i % 5 == 4 ? '-' : alphabet[randombytes_uniform(32)];
    text[sizeof text - 1] = 0;
    if (crypto_pwhash_str(hash, text, strlen(text), crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN))
        return false;
    secret->password_hash = arena_strdup(&cli->arena, hash);
    *password_out = arena_strdup(&cli->arena, text);
    return true;
}

int cli_token(struct cli *cli, int argc, char **argv)
{
    bool save = argc == 3 && strcmp(argv[2], "--save") == 0;
    if (argc < 2 || (argc > 2 && !save))
        return cli_usage("hearback token ACCOUNT [--save]");
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Directory__Account account = DIRECTORY__ACCOUNT__INIT, *accounts[] = {&account};
    char *all[] = {(char *)(uintptr_t) "*"}, *token;
    if (strcmp(argv[1], "operator") == 0) {
        account.id = argv[1];
        account.n_scopes = account.n_sites = 1;
        account.scopes = account.sites = all;
        organise.n_accounts = 1;
        organise.accounts = accounts;
    }
    Directory__AccountSecret *secrets[] = {cli_secret_new(cli, argv[1], &token)};
    organise.n_secrets = 1;
    organise.secrets = secrets;
    if (!cli_organise(cli, &organise))
        return CLI_FAILED;
    if (!save) {
        printf("%s\n", token);
        return CLI_GOOD;
    }
    return cli_write(cli_path(cli, "token"), token) ? CLI_GOOD
                                                    : cli_fail("%s cannot be written", cli_path(cli, "token"));
}
