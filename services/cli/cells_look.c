#include "cell.h"

#include "config/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASK_MS 2000u

static uint64_t id_of(const Config__Cell *cell)
{
    return strtoull(cell->cell, NULL, 16);
}

static const Bus__PositionReport *position_of(struct cli *cli, const Config__Instance *instance)
{
    const Bus__ControlReply *reply = cli_control(cli, instance, BUS__CONTROL__WHAT__POSITION, NULL, ASK_MS);
    return reply ? reply->position : NULL;
}

/* What the services here have heard of the cell: all of them together. */
struct heard {
    uint64_t events, behind;
    int64_t as_of_ms;
    const char *problem;
    bool any;
};

static void add_heard(struct heard *heard, const Bus__PositionReport *report, uint64_t cell)
{
    for (size_t i = 0; report && i < report->n_cells; i++) {
        const Bus__CellPosition *position = report->cells[i];
        if (!position->log || position->log->cell != cell || position->log->service == HB__SERVICE__LINK)
            continue;
        heard->any = true;
        heard->events += position->offset;
        heard->behind += position->end - position->offset;
        if (heard->as_of_ms == 0 || position->as_of_ms < heard->as_of_ms)
            heard->as_of_ms = position->as_of_ms;
        if (*position->problem)
            heard->problem = position->problem;
    }
}

static const char *link_says(const Bus__PositionReport *link, uint64_t cell)
{
    if (!link)
        return "our link is down";
    for (size_t i = 0; i < link->n_cells; i++)
        if (link->cells[i]->log && link->cells[i]->log->cell == cell)
            return *link->cells[i]->problem ? link->cells[i]->problem : "up";
    return "not known to our link yet: it takes effect at the next start";
}

static char *time_text(struct cli *cli, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm at;
    char text[32];
    if (ms <= 0 || !gmtime_r(&seconds, &at))
        return arena_strdup(&cli->arena, "");
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &at);
    return arena_strdup(&cli->arena, text);
}

json_t *cells_look(struct cli *cli)
{
    const Config__Config *config = cli->config;
    const Config__Instance *link = config_instance(config, HB__SERVICE__LINK, 0);
    json_t *all = json_array();
    if (config->n_cells == 0)
        return all;
    const Bus__PositionReport *reports[64], *link_report = link ? position_of(cli, link) : NULL;
    size_t count = 0;
    for (size_t i = 0; i < config->n_instances && count < 64; i++)
        if (cli_is_service(config->instances[i]))
            reports[count++] = position_of(cli, config->instances[i]);
    for (size_t i = 0; i < config->n_cells; i++) {
        const Config__Cell *cell = config->cells[i];
        struct heard heard = {.problem = ""};
        for (size_t r = 0; r < count; r++)
            add_heard(&heard, reports[r], id_of(cell));
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "cell", cell->cell, "name",
                                             cell->name, "relation", cell->above ? "above" : "below", "link",
                                             link_says(link_report, id_of(cell)), "heard", (json_int_t)heard.events,
                                             "behind", (json_int_t)heard.behind, "as_of",
                                             time_text(cli, heard.as_of_ms), "problem", heard.problem));
    }
    return all;
}

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

void cells_print(const json_t *cells)
{
    const json_t *cell;
    size_t i;
    json_array_foreach(cells, i, cell) {
        const char *problem = text_at(cell, "problem"), *as_of = text_at(cell, "as_of");
        printf("cell %s  %s  %s  link %s  %" JSON_INTEGER_FORMAT " events heard  %" JSON_INTEGER_FORMAT
               " behind%s%s%s%s\n",
               text_at(cell, "cell"), text_at(cell, "name"), text_at(cell, "relation"), text_at(cell, "link"),
               json_integer_value(json_object_get(cell, "heard")), json_integer_value(json_object_get(cell, "behind")),
               *as_of ? "  as of " : "", as_of, *problem ? "  STOPPED: " : "", problem);
    }
}
