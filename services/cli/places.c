#include "up.h"

#include "base/file.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the XDG base directory specification puts state. */
const char *cli_folder_default(struct cli *cli)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state)
        return arena_printf(&cli->arena, "%s/hearback", state);
    return arena_printf(&cli->arena, "%s/.local/state/hearback", home && *home ? home : "/var/lib");
}

const char *cli_path(struct cli *cli, const char *name)
{
    return arena_printf(&cli->arena, "%s/%s", cli->folder, name);
}

/* Installed beside the programs (bin/ and share/hearback/), else where this was built from. */
const char *cli_share(struct cli *cli, const char *name)
{
    const char *installed = arena_printf(&cli->arena, "%s/../share/hearback/%s", cli->programs, name);
    return access(installed, R_OK) == 0 ? installed : arena_printf(&cli->arena, "%s/%s", HEARBACK_SHARE, name);
}

Config__Config *cli_config(struct cli *cli)
{
    const char *path = cli_path(cli, "hearback.yaml");
    char *why = NULL;
    if (cli->config || cli->no_config) /* why not is said once */
        return cli->config;
    if (up_restoring(cli)) {
        cli->no_config = true;
        up_say_restoring(cli);
        return NULL;
    }
    enum err err = config_load(path, &cli->arena, &cli->config, &why);
    if (err == ERR_NOT_FOUND)
        cli_fail("there is no system in %s; `hearback up --data %s` makes one", cli->folder, cli->folder);
    else if (err)
        cli_fail("%s", why ? why : path);
    cli->no_config = err != ERR_NONE;
    if (err)
        cli->config = NULL;
    return cli->config;
}

bool cli_read(struct cli *cli, const char *path, struct bytes *text_out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t size = 0, room = 4096, got;
    char *text = arena_alloc(&cli->arena, room);
    while ((got = fread(text + size, 1, room - size, file)) > 0) {
        size += got;
        if (size == room) {
            char *more = arena_alloc(&cli->arena, room * 2);
            memcpy(more, text, size);
            text = more;
            room *= 2;
        }
    }
    bool good = !ferror(file);
    fclose(file);
    text[size] = 0;
    *text_out = bytes_of(text, size);
    return good;
}

bool cli_write(const char *path, const char *text)
{
    char temporary[4200];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    size_t size = strlen(text);
    bool good = write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    return good && rename(temporary, path) == 0 && name_sync(path) == ERR_NONE;
}

static bool drawn; /* a line of progress stands on the terminal, and is not ended */

void cli_progress_clear(void)
{
    if (drawn && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    drawn = false;
}

int cli_fail(const char *format, ...)
{
    va_list list;
    cli_progress_clear();
    va_start(list, format);
    fputs("hearback: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return CLI_FAILED;
}

int cli_usage(const char *text)
{
    fprintf(stderr, "usage: %s\n", text);
    return CLI_USAGE;
}

int cli_option(int argc, char **argv, const struct option *known, int *index)
{
    opterr = 0;
    int option = getopt_long(argc, argv, "", known, index);
    if (option == '?') {
        /* of "-ab" it first stops within the argument, else behind it */
        bool within = optopt && optind < argc && argv[optind][0] == '-' && argv[optind][1] == (char)optopt;
        cli_fail("%s is no option here, or lacks its value", argv[within ? optind : optind - 1]);
        while (getopt_long(argc, argv, "", known, NULL) != -1)
            ; /* once is enough */
    }
    return option;
}

void cli_progress(bool last, const char *format, ...)
{
    if (!last && !isatty(STDERR_FILENO))
        return;
    va_list list;
    va_start(list, format);
    cli_progress_clear();
    vfprintf(stderr, format, list);
    if (last)
        fputc('\n', stderr);
    fflush(stderr);
    drawn = !last;
    va_end(list);
}

/* One line: what reads it line by line gets it whole. */
void cli_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
}
