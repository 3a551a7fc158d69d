/* What is typed: global options anywhere, then one sub-command from the table. */
#include "cli.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    cli_command *run;
    const char *about;
} commands[] = {
    {"up", cli_up, "start the system, keep it running (makes one at the first start)"},
    {"init", cli_init, "make a system that is to run on several machines, without starting it"},
    {"run", cli_run, "run one instance, for systemd and containers"},
    {"health", cli_health, "is one instance ready? for health checks, with its own key"},
    {"wait", cli_wait, "wait until every service is ready, or until everything has been carried out"},
    {"status", cli_status, "what every service is doing"},
    {"token", cli_token, "give an account a new bearer token"},
    {"account", cli_account, "let an account set its password, once, with a code that ends"},
    {"demo", cli_demo, "make the demonstration organisation and its sample cases"},
    {"submit", cli_submit, "register one case"},
    {"case", cli_case, "list cases, show one, take a step on one"},
    {"policy", cli_policy, "publish, check, rehearse policies"},
    {"calendar", cli_calendar, "list calendars, bring a year of holidays into one that is in use"},
    {"clauses", cli_clauses, "which clause is carried by which rule, and shown by which scenario"},
    {"report", cli_report, "figures"},
    {"labels", cli_labels, "QR labels for places, to print"},
    {"import", cli_import, "import the rows of a CSV file as cases"},
    {"verify", cli_verify, "check all logs, and what they say of each other"},
    {"backup", cli_backup, "make a consistent copy of the running system"},
    {"restore", cli_restore, "make a system from a backup"},
    {"split", cli_split, "divide a partition of a service in two"},
    {"cell", cli_cell, "join a site to headquarters, and see how they hear each other"},
    {"accept-clock", cli_accept_clock, "the machine's clock was set, and is right"},
    {"release", cli_release, "hand an event that was set aside over again"},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int help(FILE *file)
{
    fputs("Hearback: every complaint gets an answer. 件件有回音。\n\n"
          "usage: hearback [--data DIR] [--url URL] [--token TOKEN | --as ACCOUNT] [--json] COMMAND ...\n\n",
          file);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(file, "  %-12s %s\n", commands[i].name, commands[i].about);
    fputs("\n  --data DIR     the system's folder (default $XDG_STATE_HOME/hearback or ~/.local/state/hearback)\n"
          "  --url URL      of its gateway (default: as configured in that folder)\n"
          "  --token TOKEN  of the account (default $HEARBACK_TOKEN, else the folder's own operator account)\n"
          "  --as ACCOUNT   one of the demonstration's accounts, with its token\n"
          "  --json         one JSON document on standard output\n\n"
          "Each command explains itself when given nothing to do.\n",
          file);
    return file == stdout ? CLI_GOOD : CLI_USAGE;
}

/* Takes the global options out of argv, wherever they stand; returns the new argc, -1 when one has no value. */
static int take_globals(struct cli *cli, int argc, char **argv)
{
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        bool json = strcmp(argv[i], "--json") == 0;
        cli->json = cli->json || json;
        const char **value = strcmp(argv[i], "--data") == 0    ? &cli->folder
                             : strcmp(argv[i], "--url") == 0   ? &cli->url
                             : strcmp(argv[i], "--token") == 0 ? &cli->token
                             : strcmp(argv[i], "--as") == 0    ? &cli->as
                                                               : NULL;
        if (value && i + 1 == argc)
            return -1;
        if (value)
            *value = argv[++i];
        else if (!json)
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    return kept;
}

static const char *programs_folder(struct cli *cli)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    path[size > 0 ? size : 0] = 0;
    return arena_strdup(&cli->arena, dirname(path));
}

int cli_run_command(struct cli *cli, int argc, char **argv)
{
    argc = take_globals(cli, argc, argv);
    if (!cli->token && !cli->as)
        cli->token = getenv("HEARBACK_TOKEN");
    if (argc < 0)
        return cli_fail("--data, --url, --token and --as need a value"), CLI_USAGE;
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(argc < 2 ? stderr : stdout);
    cli->programs = programs_folder(cli);
    cli->folder = cli->folder ? cli->folder : cli_folder_default(cli);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(cli, argc - 1, argv + 1);
    cli_fail("there is no command \"%s\"", argv[1]);
    return help(stderr);
}
