/* A paper of another organisation: an application or an acceptance, into `hearback cell accept` and `join`. Refused it
   leaves the configuration as it was; taken, the configuration can be loaded again and knows that cell. */
#include "fuzz.h"

#include "cli.h"
#include "config/config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN "00000000000000ab"

static void put(const char *path, struct bytes text)
{
    FILE *file = fopen(path, "wbe");
    must(file && fwrite(text.data, 1, text.size, file) == text.size && fclose(file) == 0);
}

/* A system that has its keys; it is made once, each paper finds it as it was. */
static struct bytes own(struct cli *cli)
{
    static struct arena kept;
    static struct bytes text;
    if (text.data)
        return text;
    struct cli first = {.folder = cli->folder};
    char *arguments[] = {"cell", "apply", "--name", "own"};
    arena_init(&first.arena);
    const char *config = "cell: " OWN "\nname: own\ndata: %s/data\nsecrets: %s/secrets\nepoch_keys: %s/keys\n"
                         "http: {address: 127.0.0.1, port: 8311}\n"
                         "instances:\n  - {service: directory, endpoint: \"ipc://%s/d\"}\n"
                         "  - {service: gateway, endpoint: \"ipc://%s/g\"}\n"
                         "  - {service: link, endpoint: \"ipc://%s/l\", rights: [fetch]}\n"
                         "cells:\n  - {cell: 00000000000000cd, name: other, relation: below, public_key: "
                         "\"0123456789012345678901234567890123456789\", logs: [casework-0]}\n";
    const char *at = cli->folder;
    mkdir(at, 0700);
    put(cli_path(&first, "hearback.yaml"), bytes_of_text(arena_printf(&first.arena, config, at, at, at, at, at, at)));
    must(cli_cell(&first, 4, arguments) == CLI_GOOD);
    arena_init(&kept);
    struct bytes read;
    must(cli_read(&first, cli_path(&first, "hearback.yaml"), &read));
    text = arena_copy(&kept, read);
    arena_fini(&first.arena);
    return text;
}

static void check_taken(const Config__Config *config, bool joined)
{
    unsigned above = 0;
    for (size_t i = 0; i < config->n_cells; i++) {
        const Config__Cell *cell = config->cells[i];
        must(config_cell_id_ok(cell->cell) && strcmp(cell->cell, OWN) != 0);
        must(*cell->name && !strpbrk(cell->name, "\r\n\033") && utf8_valid(cell->name, strlen(cell->name)) &&
             config_public_key_ok(cell->public_key));
        must(cell->n_logs);
        above += cell->above;
    }
    must(config->n_cells >= 1 && config->n_cells <= 2 && above == joined);
    must(config_instance(config, HB__SERVICE__LINK, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nothing;
    FILE *told = stdout;
    struct cli cli = {0};
    struct bytes after;
    Config__Config *config;
    char *why;
    if (size == 0)
        return 0;
    if (!nothing)
        stderr = nothing =
            fopen("/dev/null", "we"); /* what it refuses; sanitizers and `must` write to the descriptor */
    must(nothing);
    stdout = nothing; /* the answer */
    arena_init(&cli.arena);
    cli.folder = arena_printf(&cli.arena, "%s/own", fuzz_folder());
    struct bytes before = own(&cli);
    const char *path = cli_path(&cli, "hearback.yaml"), *paper = arena_printf(&cli.arena, "%s/paper", fuzz_folder());
    put(path, before);
    put(paper, bytes_of(data + 1, size - 1));
    bool joins = data[0] & 1, again = data[0] & 2;
    char *join[] = {"cell", "join", (char *)(uintptr_t)paper, NULL};
    char *accept[] = {"cell", "accept", (char *)(uintptr_t)paper, "--address", "tcp://h:1", "--again", NULL};
    fuzz_memory_begin();
    int code = joins ? cli_cell(&cli, 3, join) : cli_cell(&cli, again ? 6 : 5, accept);
    fuzz_memory_end(size);
    stdout = told;
    must(code == CLI_GOOD || code == CLI_FAILED);
    must(cli_read(&cli, path, &after));
    if (code == CLI_FAILED)
        must(bytes_equal(before, after));
    must(config_load(path, &cli.arena, &config, &why) == ERR_NONE);
    if (code == CLI_GOOD)
        check_taken(config, joins);
    arena_fini(&cli.arena);
    return 0;
}
