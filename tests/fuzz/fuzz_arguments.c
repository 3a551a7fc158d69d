/* What is typed behind `hearback`, every sub-command, in a folder that holds no system. It is understood or not, never
   both: whoever gets another code than 0 is told why, in UTF-8; a number that was accepted is the one that was typed.
   Nothing is started, no server is asked: the linker puts this file's functions in place of those that would. */
#include "../unit/support/folder.h"
#include "fuzz.h"

#include "cli.h"
#include "config/config.h"
#include "up.h"

#include <curl/curl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define ARGUMENTS_MAX 10u

static const char *const words[] = {"up",
                                    "init",
                                    "run",
                                    "health",
                                    "wait",
                                    "status",
                                    "token",
                                    "demo",
                                    "submit",
                                    "case",
                                    "policy",
                                    "clause",
                                    "report",
                                    "import",
                                    "verify",
                                    "backup",
                                    "restore",
                                    "split",
                                    "cell",
                                    "--data",
                                    "accept-clock",
                                    "release",
                                    "help",
                                    "--help",
                                    "--json",
                                    "--url",
                                    "--token",
                                    "--as",
                                    "--port",
                                    "--smtp",
                                    "--demo",
                                    "--input",
                                    "--mapping",
                                    "--once",
                                    "--export",
                                    "--endpoint",
                                    "--listen",
                                    "--address",
                                    "--timeout",
                                    "ready",
                                    "settled",
                                    "--site",
                                    "--kind",
                                    "--category",
                                    "--text",
                                    "--name",
                                    "--save",
                                    "--keys",
                                    "--with-keys",
                                    "--erasures",
                                    "--skip",
                                    "--at",
                                    "--limit",
                                    "--csv",
                                    "list",
                                    "show",
                                    "act",
                                    "publish",
                                    "check",
                                    "rehearse",
                                    "diff",
                                    "--packs",
                                    "--language",
                                    "en",
                                    "zh-CN",
                                    "--quiet",
                                    "kpi",
                                    "apply",
                                    "accept",
                                    "join",
                                    "--again",
                                    "--cell",
                                    "--no-samples",
                                    "--explain",
                                    "--",
                                    "-",
                                    "-x",
                                    "",
                                    "0",
                                    "1",
                                    "-1",
                                    "65535",
                                    "65536",
                                    "4294967297",
                                    "18446744073709551617",
                                    "7x",
                                    " 7",
                                    "2147483648",
                                    "tcp://{service}:{port}",
                                    "tcp://",
                                    "smtp://mail:25",
                                    "smtp://",
                                    "casework",
                                    "casework-0",
                                    "casework-x",
                                    "gateway",
                                    "boston311",
                                    "haitang",
                                    "complaint",
                                    "x=y",
                                    "=",
                                    "楼上装修",
                                    "20250310-complaint-001",
                                    "a.yaml",
                                    "..",
                                    "poison",
                                    "--partition",
                                    "--config",
                                    NULL};

/* ---- instead of what would act ---- NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

int __wrap_up_supervise(struct cli *cli, const struct up_options *options, const struct up_task *tasks, size_t count);
int __wrap_up_supervise(struct cli *cli, const struct up_options *options, const struct up_task *tasks, size_t count)
{
    (void)cli;
    (void)options;
    must(count >= 1 && tasks[0].arguments[0]);
    return CLI_GOOD;
}

CURLcode __wrap_curl_easy_perform(CURL *easy);
CURLcode __wrap_curl_easy_perform(CURL *easy)
{
    (void)easy;
    return CURLE_COULDNT_CONNECT;
}

int __wrap_execl(const char *path, const char *argument, ...);
int __wrap_execl(const char *path, const char *argument, ...)
{
    (void)path;
    (void)argument;
    errno = ENOENT;
    return -1;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* A command's process ends with it, and what it read as JSON ends with the process.
   NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
{
    return 1;
}

/* ---- what is typed ---- */

static int draw_arguments(struct draw *draw, char **argv, struct arena *arena)
{
    static char program[] = "hearback";
    int argc = 0;
    argv[argc++] = program;
    while (draw_more(draw) && argc <= (int)ARGUMENTS_MAX) {
        char *text = draw_text(draw, words, 24, arena);
        bool scheme = strstr(text, "://");
        for (char *at = text; *at && !scheme; at++) /* nothing outside this input's folder */
            *at = *at == '/' || (at[0] == '.' && at[1] == '.') ? '_' : *at;
        argv[argc++] = text;
    }
    argv[argc] = NULL;
    return argc;
}

/* `init`, then options by their whole names and each with a value that looks like none, accepted: the last --port,
   typed with zeros before it or not, is the gateway's. (Of other orders getopt says what is an option and what its
   value.) */
static void check_port(struct arena *arena, int argc, char **argv, const char *folder)
{
    Config__Config *config;
    char *why, *port = NULL;
    for (int i = 2; i < argc; i++) {
        if ((i % 2 == 0) != (argv[i][0] == '-') || (strncmp(argv[i], "--p", 3) == 0 && strcmp(argv[i], "--port") != 0))
            return;
        port = strcmp(argv[i], "--port") == 0 ? argv[i + 1] : port;
    }
    if (!port || config_load(arena_printf(arena, "%s/hearback.yaml", folder), arena, &config, &why))
        return;
    const Config__Instance *gateway = config_instance(config, HB__SERVICE__GATEWAY, 0);
    must(gateway && strcmp(arena_printf(arena, "%u", config->http->port), port + strspn(port, "0")) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int home = -1;
    struct draw draw = draw_of(data, size);
    struct cli cli = {0};
    char *argv[ARGUMENTS_MAX + 2], *typed[ARGUMENTS_MAX + 2], *said = NULL;
    size_t said_size = 0;
    if (home < 0) {
        must(sodium_init() >= 0);
        home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(home >= 0 && unsetenv("HEARBACK_TOKEN") == 0);
    }
    arena_init(&cli.arena);
    char *world = arena_printf(&cli.arena, "%s/world", fuzz_folder());
    must(mkdir(world, 0700) == 0 && chdir(world) == 0 && setenv("XDG_STATE_HOME", world, 1) == 0);
    int argc = draw_arguments(&draw, argv, &cli.arena);
    for (int i = 1; i < argc; i++)
        argv[i] = strcmp(argv[i], "clauses") == 0 ? argv[0] : argv[i]; /* rehearses all there is: half a minute */
    memcpy(typed, argv, sizeof typed);
    FILE *err = stderr, *out = stdout;
    stderr = open_memstream(&said, &said_size);
    must(stderr);
    stdout = stderr; /* what check and diff find is what they are asked for */
    optind = 0;      /* getopt begins anew */
    int code = cli_run_command(&cli, argc, argv);
    must(fclose(stderr) == 0);
    stderr = err;
    stdout = out;
    if (getenv("HEARBACK_FUZZ_SHOW")) {
        for (int i = 1; i < argc; i++)
            dprintf(2, "'%s' ", typed[i]);
        dprintf(2, "%d %s\n", code, said);
    }
    must(code == CLI_GOOD || code == CLI_FAILED || code == CLI_USAGE);
    must(code == CLI_GOOD || (said_size && said[said_size - 1] == '\n'));
    must(utf8_valid(said, said_size));
    if (code == CLI_GOOD && argc > 1 && strcmp(typed[1], "init") == 0)
        check_port(&cli.arena, argc, typed, cli.folder);
    free(said);
    must(fchdir(home) == 0 && folder_remove(world));
    arena_fini(&cli.arena);
    return 0;
}
