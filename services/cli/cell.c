/* `hearback cell`: two systems get to know each other. The site applies (its id, name, key and logs), headquarters
   accepts (and gives its own), the site joins. Two small files go between them, over any way on which nobody alters
   them: whoever could put another key in would be let in. They hold no secret. Everything lands in hearback.yaml of
   either side. */
#include "cell.h"

#include "base/number.h"
#include "config/config.h"
#include "up.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 300u
#define LINK_PORT "7410" /* the next after those that init gives the nine */

static const char usage[] =
    "hearback cell apply --name NAME                       at the site: what headquarters needs to know, on standard "
    "output\n"
    "hearback cell accept FILE --address tcp://HOST:PORT   at headquarters: lets the site in; the answer for it on "
    "standard\n"
    "                          [--listen tcp://IP:PORT] [--name NAME] [--as NAME] [--again]   output\n"
    "hearback cell join FILE                               at the site: with the answer of headquarters\n"
    "hearback cell list                                    the cells known here, and whether they are heard\n"
    "hearback cell remove ID                               is not let in, or not called, any more\n"
    "  --address  where the site reaches headquarters; --listen: the address to bind, when it is another one\n"
    "  --name     of this system, as people there shall see it; --as: call the site otherwise than it does\n"
    "  --again    a site known already comes with a new key or new logs: it was restored, moved or split\n"
    "Each takes effect at the next start of `hearback up`.";

/* ---- the two files: JSON, also to be read aloud over the telephone ---- */

static json_t *logs_json(const Config__Config *config, bool above)
{
    json_t *logs = json_array();
    for (size_t i = 0; i < config->n_instances; i++) {
        const Config__Instance *instance = config->instances[i];
        bool heard = above ? instance->service == HB__SERVICE__DIRECTORY || instance->service == HB__SERVICE__CASEWORK
                           : cli_is_service(instance);
        char name[64];
        snprintf(name, sizeof name, "%s-%" PRIu32, config_service_name(instance->service), instance->partition);
        if (heard)
            json_array_append_new(logs, json_string(name));
    }
    return logs;
}

static const char *link_key(const Config__Config *config)
{
    return config_instance(config, HB__SERVICE__LINK, 0)->public_key;
}

static json_t *paper_new(const Config__Config *config, const char *what, bool above)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "hearback", what, "cell", config->cell, "name", config->name,
                     "public_key", link_key(config), "logs", logs_json(config, above));
}

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static json_t *paper_read(struct cli *cli, const char *path, const char *what)
{
    struct bytes text;
    json_error_t error;
    if (!cli_read(cli, path, &text)) {
        cli_fail("%s cannot be read", path);
        return NULL;
    }
    json_t *paper = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!paper)
        cli_fail("%s:%d: %s; accepted: the file that `hearback cell %s` printed", path, error.line, error.text,
                 strcmp(what, "application") == 0 ? "apply" : "accept");
    else if (strcmp(text_at(paper, "hearback"), what) != 0)
        cli_fail("%s is no %s of a cell (hearback: \"%s\" is what it says)", path, what, text_at(paper, "hearback"));
    else
        return paper;
    json_decref(paper);
    return NULL;
}

/* ---- this system's own part ---- */

static bool option(int *argc, char **argv, const char *name, const char **value_out)
{
    for (int i = 1; i + 1 < *argc; i++)
        if (strcmp(argv[i], name) == 0) {
            *value_out = argv[i + 1];
            memmove(argv + i, argv + i + 2, (size_t)(*argc - i - 2) * sizeof *argv);
            *argc -= 2;
            return true;
        }
    return false;
}

static bool named(struct cli *cli, const char *name)
{
    Config__Config *config = cli->config;
    if (name)
        config->name = arena_strdup(&cli->arena, name);
    if (*config->name)
        return true;
    cli_fail("this system has no name yet: say --name, as people in the other system shall see it");
    return false;
}

/* Where each service has a host of its own name, as containers have, the link has one too. */
static void place_link(struct cli *cli, Config__Instance *link)
{
    const Config__Instance *other = config_instance(cli->config, HB__SERVICE__DIRECTORY, 0);
    const char *port = other && *other->listen ? strrchr(other->listen, ':') : NULL;
    if (!other || strncmp(other->endpoint, "tcp://directory:", strlen("tcp://directory:")) != 0) {
        link->endpoint = up_endpoint(cli, HB__SERVICE__LINK, 0);
        return;
    }
    link->endpoint = arena_strdup(&cli->arena, "tcp://link:" LINK_PORT);
    if (port)
        link->listen = arena_printf(&cli->arena, "%.*s:" LINK_PORT, (int)(port - other->listen), other->listen);
}

/* With a link and its keys. */
static bool own_ready(struct cli *cli)
{
    Config__Config *config = cli->config;
    if (!config_instance(config, HB__SERVICE__LINK, 0)) {
        Config__Instance *link = arena_alloc(&cli->arena, sizeof *link);
        config__instance__init(link);
        link->service = HB__SERVICE__LINK;
        place_link(cli, link);
        link->rights = arena_alloc(&cli->arena, sizeof *link->rights);
        link->rights[link->n_rights++] = arena_strdup(&cli->arena, "fetch");
        config->instances = arena_grow(&cli->arena, config->instances, config->n_instances, sizeof *config->instances);
        config->instances[config->n_instances++] = link;
    }
    return up_save(cli, config);
}

static Config__Cell *cell_known(const Config__Config *config, const char *id)
{
    for (size_t i = 0; i < config->n_cells; i++)
        if (strcmp(config->cells[i]->cell, id) == 0)
            return config->cells[i];
    return NULL;
}

static bool take_logs(struct cli *cli, const json_t *paper, Config__Cell *cell)
{
    const json_t *item;
    size_t i;
    cell->n_logs = 0;
    json_array_foreach(json_object_get(paper, "logs"), i, item) {
        const char *text = json_string_value(item) ? json_string_value(item) : "", *dash = strrchr(text, '-');
        Config__Log *log = arena_alloc(&cli->arena, sizeof *log);
        config__log__init(log);
        log->service = dash ? config_service_of_name(arena_text(&cli->arena, text, (size_t)(dash - text)))
                            : HB__SERVICE__SERVICE_NONE;
        uint64_t partition = 0;
        bool numbered = dash && number_read(dash + 1, 9999, &partition);
        log->partition = (uint32_t)partition;
        if (!numbered || log->service == HB__SERVICE__SERVICE_NONE || log->service >= HB__SERVICE__GATEWAY)
            return cli_fail("logs: \"%s\" is no log; accepted: as casework-0", text), false;
        cell->logs = arena_grow(&cli->arena, cell->logs, cell->n_logs, sizeof *cell->logs);
        cell->logs[cell->n_logs++] = log;
    }
    return cell->n_logs || (cli_fail("it names no logs"), false);
}

/* It is shown on terminals and written into reports: one line, and not without end. */
static bool is_name(const char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return size && size <= NAME_BYTES_MAX;
}

static bool paper_sound(const struct cli *cli, const json_t *paper)
{
    if (!config_cell_id_ok(text_at(paper, "cell")) || !config_public_key_ok(text_at(paper, "public_key")) ||
        !is_name(text_at(paper, "name")))
        return cli_fail("it is damaged: cell (16 hexadecimal digits), name (one line, at most %u bytes) and public_key "
                        "(40 characters of Z85) are needed",
                        NAME_BYTES_MAX),
               false;
    if (strcmp(text_at(paper, "cell"), cli->config->cell) == 0)
        return cli_fail("it is of a cell with our own id: one of the two systems is a copy of the other. Make that one "
                        "anew with an id of its own (hearback up in a new folder)"),
               false;
    return true;
}

/* The cell of the paper, in the configuration; its key and logs are those of the paper. */
static Config__Cell *cell_take(struct cli *cli, const json_t *paper, const char *as, bool above, bool again)
{
    Config__Config *config = cli->config;
    const char *id = text_at(paper, "cell"), *key = text_at(paper, "public_key");
    if (!paper_sound(cli, paper))
        return NULL;
    Config__Cell *cell = cell_known(config, id);
    for (size_t i = 0; i < config->n_cells; i++) {
        const Config__Cell *other = config->cells[i];
        if (other == cell)
            continue;
        if (strcmp(other->public_key, key) == 0)
            return cli_fail("its key is that of %s (%s): the system was copied", other->name, other->cell), NULL;
        if (above && other->above)
            return cli_fail("this system is joined to %s (%s) already: hearback cell remove %s", other->name,
                            other->cell, other->cell),
                   NULL;
    }
    if (cell && !again && strcmp(cell->public_key, key) != 0)
        return cli_fail("cell %s is known as %s, with another key. If it was restored or moved, say --again; if %s "
                        "still runs, this one is a copy of it and must get an id of its own",
                        id, cell->name, cell->name),
               NULL;
    if (!cell) {
        cell = arena_alloc(&cli->arena, sizeof *cell);
        config__cell__init(cell);
        config->cells = arena_grow(&cli->arena, config->cells, config->n_cells, sizeof *config->cells);
        config->cells[config->n_cells++] = cell;
        cell->cell = arena_strdup(&cli->arena, id);
        cell->name = arena_strdup(&cli->arena, as ? as : text_at(paper, "name"));
    } else if (as) {
        cell->name = arena_strdup(&cli->arena, as);
    }
    cell->above = above;
    cell->public_key = arena_strdup(&cli->arena, key);
    return take_logs(cli, paper, cell) ? cell : NULL;
}

/* ---- commands ---- */

static int apply(struct cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    option(&argc, argv, "--name", &name);
    if (argc != 1)
        return cli_usage(usage);
    if (!named(cli, name) || !own_ready(cli))
        return CLI_FAILED;
    json_t *paper = paper_new(cli->config, "application", false);
    cli_print_json(paper);
    json_decref(paper);
    return CLI_GOOD;
}

static bool tcp(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) == 0 && strchr(endpoint + 6, ':');
}

static bool take_flag(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc; i++)
        if (strcmp(argv[i], name) == 0) {
            memmove(argv + i, argv + i + 1, (size_t)(*argc - i - 1) * sizeof *argv);
            (*argc)--;
            return true;
        }
    return false;
}

static bool let_in(struct cli *cli, const json_t *application, const char *address, const char *listen, const char *as,
                   bool again)
{
    Config__Config *config = cli->config;
    if (!cell_take(cli, application, as, false, again))
        return false;
    if (listen || !*config->link_listen)
        config->link_listen = arena_strdup(&cli->arena, listen ? listen : address);
    if (!own_ready(cli))
        return false;
    json_t *answer = paper_new(config, "acceptance", true);
    json_object_set_new(answer, "endpoint", json_string(address));
    json_object_set_new(answer, "for", json_string(text_at(application, "cell")));
    cli_print_json(answer);
    json_decref(answer);
    return true;
}

static int accept_cell(struct cli *cli, int argc, char **argv)
{
    const char *address = NULL, *listen = NULL, *name = NULL, *as = NULL;
    option(&argc, argv, "--address", &address);
    option(&argc, argv, "--listen", &listen);
    option(&argc, argv, "--name", &name);
    option(&argc, argv, "--as", &as);
    bool again = take_flag(&argc, argv, "--again");
    if (argc != 2)
        return cli_usage(usage);
    if (!address || !tcp(address) || (listen && !tcp(listen)))
        return cli_fail("--address and --listen: tcp://host:port is accepted"), CLI_USAGE;
    json_t *application = paper_read(cli, argv[1], "application");
    bool good = application && named(cli, name) && let_in(cli, application, address, listen, as, again);
    json_decref(application);
    return good ? CLI_GOOD : CLI_FAILED;
}

static int join_above(struct cli *cli, const json_t *answer)
{
    Config__Config *config = cli->config;
    if (strcmp(text_at(answer, "for"), config->cell) != 0)
        return cli_fail("it is the answer to another cell (%s); this one is %s", text_at(answer, "for"), config->cell);
    if (!tcp(text_at(answer, "endpoint")))
        return cli_fail("endpoint: tcp://host:port is accepted");
    Config__Cell *cell = cell_take(cli, answer, NULL, true, true);
    if (!cell)
        return CLI_FAILED;
    cell->endpoint = arena_strdup(&cli->arena, text_at(answer, "endpoint"));
    if (!own_ready(cli))
        return CLI_FAILED;
    printf("joined to %s (%s) at %s; it takes effect at the next start\n", cell->name, cell->cell, cell->endpoint);
    return CLI_GOOD;
}

static int join(struct cli *cli, int argc, char **argv)
{
    if (argc != 2)
        return cli_usage(usage);
    json_t *answer = paper_read(cli, argv[1], "acceptance");
    int code = answer ? join_above(cli, answer) : CLI_FAILED;
    json_decref(answer);
    return code;
}

static int remove_cell(struct cli *cli, int argc, char **argv)
{
    Config__Config *config = cli->config;
    if (argc != 2)
        return cli_usage(usage);
    const Config__Cell *cell = cell_known(config, argv[1]);
    if (!cell) {
        cli_fail("there is no cell \"%s\"; accepted:", argv[1]);
        for (size_t i = 0; i < config->n_cells; i++)
            fprintf(stderr, "  %s  %s\n", config->cells[i]->cell, config->cells[i]->name);
        return CLI_FAILED;
    }
    size_t kept = 0;
    for (size_t i = 0; i < config->n_cells; i++)
        if (config->cells[i] != cell)
            config->cells[kept++] = config->cells[i];
    config->n_cells = kept;
    if (!up_save(cli, config))
        return CLI_FAILED;
    printf("%s is not known here any more from the next start on; what was heard of it stays in the data folder\n",
           cell->name);
    return CLI_GOOD;
}

static int list(struct cli *cli, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return cli_usage(usage);
    json_t *all = cells_look(cli);
    if (cli->json)
        cli_print_json(all);
    else
        cells_print(all);
    json_decref(all);
    return CLI_GOOD;
}

int cli_cell(struct cli *cli, int argc, char **argv)
{
    static const struct {
        const char *name;
        cli_command *run;
    } commands[] = {{"apply", apply}, {"accept", accept_cell}, {"join", join}, {"list", list}, {"remove", remove_cell}};
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return cli_config(cli) ? commands[i].run(cli, argc - 1, argv + 1) : CLI_FAILED;
    return cli_usage(usage);
}
