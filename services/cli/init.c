/* `hearback init`: the configuration and the keys of a system whose instances run on several machines or in containers.
   Nothing is started; `hearback up` is not needed then. */
#include "up.h"

#include "base/number.h"
#include "config/config.h"
#include "config/network.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "hearback init [--data DIR] --endpoint PATTERN [--listen PATTERN] [--address ADDRESS] [--port N] [--smtp URL]\n"
    "              [--public-url URL] [--trusted-proxies LIST]\n"
    "  writes DIR/hearback.yaml and the keys in DIR/secrets, one instance of each service; edit the file afterwards\n"
    "  --endpoint PATTERN  where the others connect to: tcp://{service}:{port}; {port} is 7401 for directory, 7402 "
    "intake ...\n"
    "  --listen PATTERN    what each binds to, where that differs: tcp://0.0.0.0:{port}\n"
    "  --address, --port   of the gateway's HTTP (127.0.0.1, 8311)\n"
    "  --public-url URL    what people type in: https://desk.example.org; with https:// cookies are bound to it\n"
    "  --trusted-proxies LIST  whose X-Forwarded-For is believed: addresses and networks, as 10.0.0.7,172.16.0.0/12\n"
    "                      (those of this machine)\n"
    "  each machine gets hearback.yaml, and of DIR/secrets the files of its own instances; `operator.secret` stays "
    "with\n"
    "  whoever runs `hearback status`, `backup`, `verify`";

static bool proxies_ok(struct cli *cli, const char *list)
{
    struct network network;
    while (*list) {
        size_t size = strcspn(list, ",");
        if (!network_read(arena_text(&cli->arena, list, size), &network))
            return false;
        list += size + (list[size] == ',');
    }
    return true;
}

int cli_init(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {{"endpoint", required_argument, NULL, 'e'},
                                          {"listen", required_argument, NULL, 'l'},
                                          {"address", required_argument, NULL, 'a'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"smtp", required_argument, NULL, 's'},
                                          {"public-url", required_argument, NULL, 'u'},
                                          {"trusted-proxies", required_argument, NULL, 't'},
                                          {0}};
    struct up_options options = {0};
    uint64_t port;
    int option;
    while ((option = cli_option(argc, argv, known, NULL)) != -1) {
        if (option == 'e')
            options.endpoint = optarg;
        else if (option == 'l')
            options.listen = optarg;
        else if (option == 'a')
            options.address = optarg;
        else if (option == 's' && config_smtp_url_ok(optarg))
            options.smtp = optarg;
        else if (option == 'u' && *optarg && config_public_url_ok(optarg))
            options.public_url = optarg;
        else if (option == 't' && proxies_ok(cli, optarg))
            options.proxies = optarg;
        else if (option == 'p' && number_read(optarg, 65535, &port) && port > 0)
            options.port = (uint32_t)port;
        else
            return cli_usage(usage);
    }
    if (optind != argc || !options.endpoint || strncmp(options.endpoint, "tcp://", 6) != 0 ||
        (options.listen && strncmp(options.listen, "tcp://", 6) != 0))
        return cli_usage(usage);
    if (!up_folder(cli) || !up_lock(cli))
        return CLI_FAILED;
    if (access(cli_path(cli, "hearback.yaml"), F_OK) == 0)
        return cli_fail("%s holds a system already: edit its hearback.yaml", cli->folder);
    if (!up_create(cli, &options))
        return CLI_FAILED;
    printf("%s\n", cli_path(cli, "hearback.yaml"));
    return CLI_GOOD;
}
