#include "up.h"

#include "base/number.h"
#include "config/config.h"
#include "mapping.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "hearback up [--data DIR] [--port N] [--smtp URL] [--demo] [--input FILE --mapping NAME] [--once] [--export FILE]\n"
    "  --data DIR      all state of the system; the next start goes on where this one ended\n"
    "  --port N        of the gateway, on loopback (first start: 8311)\n"
    "  --smtp URL      where mails go: smtp://host:port or smtps://host:port\n"
    "  --demo          at the first start makes a demonstration organisation and sample cases\n"
    "  --input FILE    also imports FILE as --mapping NAME says\n"
    "  --once          waits until all is carried out, prints the figures as JSON, stops\n"
    "  --export FILE   with --once: writes the cases to FILE as CSV (with --input: of that site)";

static int read_options(struct up_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},    {"smtp", required_argument, NULL, 's'},
        {"demo", no_argument, NULL, 'd'},          {"input", required_argument, NULL, 'i'},
        {"mapping", required_argument, NULL, 'm'}, {"once", no_argument, NULL, 'o'},
        {"export", required_argument, NULL, 'e'},  {0}};
    int option;
    uint64_t port;
    while ((option = cli_option(argc, argv, known, NULL)) != -1) {
        switch (option) {
        case 'p':
            if (!number_read(optarg, 65535, &port) || port == 0)
                return cli_fail("--port: a number from 1 to 65535 is accepted"), CLI_USAGE;
            options->port = (uint32_t)port;
            break;
        case 's':
            if (!config_smtp_url_ok(optarg))
                return cli_fail("--smtp: smtp://host:port or smtps://host:port is accepted"), CLI_USAGE;
            options->smtp = optarg;
            break;
        case 'd':
            options->demo = true;
            break;
        case 'i':
            options->input = optarg;
            break;
        case 'm':
            options->mapping = optarg;
            break;
        case 'o':
            options->once = true;
            break;
        case 'e':
            options->export = optarg;
            break;
        default:
            return cli_usage(usage);
        }
    }
    return optind == argc ? CLI_GOOD : cli_usage(usage);
}

static int check_options(struct cli *cli, const struct up_options *options)
{
    if (!options->input != !options->mapping)
        return cli_fail("--input and --mapping belong together"), CLI_USAGE;
    if (options->export && !options->once)
        return cli_fail("--export needs --once"), CLI_USAGE;
    if (options->input && access(options->input, R_OK))
        return cli_fail("%s: %s", options->input, strerror(errno));
    struct mapping *mapping = options->mapping ? mapping_load(cli, options->mapping) : NULL;
    if (mapping)
        json_decref(mapping->root);
    return options->mapping && !mapping ? CLI_FAILED : CLI_GOOD;
}

static void add(struct up_task *tasks, size_t *count, struct up_task task)
{
    tasks[(*count)++] = task;
}

static size_t plan(struct cli *cli, const struct up_options *options, struct up_task *tasks)
{
    size_t count = 0;
    const char *mapping = options->mapping ? options->mapping : "";
    /* However long it takes: a service that was down for a day has a day to hear. One that cannot start says so itself.
     */
    add(tasks, &count, (struct up_task){.arguments = {"wait", "ready", "--timeout", "0"}});
    if (access(cli_path(cli, "token"), R_OK))
        add(tasks, &count, (struct up_task){.arguments = {"token", "operator", "--save"}});
    if (options->demo && !options->input)
        add(tasks, &count, (struct up_task){.arguments = {"demo"}, .output = options->once ? "/dev/null" : NULL});
    else if (options->demo)
        add(tasks, &count,
            (struct up_task){.arguments = {"demo", "--no-samples"}, .output = options->once ? "/dev/null" : NULL});
    if (options->input)
        add(tasks, &count,
            (struct up_task){.arguments = {"import", options->input, "--mapping", mapping}, .output = "/dev/null"});
    if (!options->once)
        return count;
    add(tasks, &count, (struct up_task){.arguments = {"wait", "settled", "--timeout", "600"}});
    if (options->export)
        add(tasks, &count,
            (struct up_task){.arguments = {"case", "list", "--csv", *mapping ? "--mapping" : NULL, mapping},
                             .output = options->export});
    add(tasks, &count,
        (struct up_task){.arguments = {"--json", "report", "kpi", *mapping ? "--mapping" : NULL, mapping}});
    return count;
}

int cli_up(struct cli *cli, int argc, char **argv)
{
    struct up_options options = {0};
    struct up_task tasks[8];
    int code = read_options(&options, argc, argv);
    if (code == CLI_GOOD)
        code = check_options(cli, &options);
    if (code != CLI_GOOD)
        return code;
    if (!up_folder(cli) || !up_lock(cli) || !up_create(cli, &options))
        return CLI_FAILED;
    return up_supervise(cli, &options, tasks, plan(cli, &options, tasks));
}
