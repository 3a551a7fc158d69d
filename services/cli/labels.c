/* `hearback labels`: a sheet of QR labels for places, as a page to print. */
#include "cli.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "hearback labels --site SITE [--kind KIND] [--lang en] PLACE ... > labels.html\n"
    "  PLACE   as the form is to say it: a lift, a ward, a building; each gets a label of 50 x 50 mm\n"
    "  --kind  what is submitted there; without it the visitor chooses\n"
    "  Open the page in a browser and print it on A4 at 100%. With --json: the addresses in the codes.";

static char *places_of(struct cli *cli, char **list, int count)
{
    char *places = arena_strdup(&cli->arena, "");
    for (int i = 0; i < count; i++)
        places = arena_printf(&cli->arena, "%s%s\n", places, list[i]);
    return places;
}

int cli_labels(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {{"site", required_argument, NULL, 's'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"lang", required_argument, NULL, 'l'},
                                            {NULL, 0, NULL, 0}};
    const char *site = NULL, *kind = NULL, *lang = "zh";
    struct http_reply reply;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == '?')
            return cli_usage(usage);
        *(option == 's' ? &site : option == 'k' ? &kind : &lang) = optarg;
    }
    if (!site || optind == argc)
        return cli_usage(usage);
    char *path = arena_printf(&cli->arena, "/api/v1/labels?site=%s&places=%s&lang=%s", cli_escape(cli, site),
                              cli_escape(cli, places_of(cli, argv + optind, argc - optind)), cli_escape(cli, lang));
    if (kind)
        path = arena_printf(&cli->arena, "%s&kind=%s", path, cli_escape(cli, kind));
    if (!cli->json) {
        cli_http_file(cli, path, "text/html", stdout, &reply);
        return reply.status == 200 ? CLI_GOOD : cli_http_fail(cli, &reply);
    }
    cli_http(cli, "GET", arena_printf(&cli->arena, "%s&format=json", path), NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    cli_print_json(reply.json);
    return CLI_GOOD;
}
