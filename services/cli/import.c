/* `hearback import FILE --mapping NAME`: every row becomes a case or is listed as refused with its reason. Rows go in
   batches to /api/v1/imports; their identity is (site, source, external id), so that a second run imports nothing
   twice, and lists what a row that is known says otherwise by now. */
#include "calendar/zone.h"
#include "mapping.h"
#include "json/json.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH_ROWS 250u
#define DEPARTMENTS_MAX 200u
#define PATIENCE_S 30u /* with a service that is away */
#define SAID_MAX 20u   /* refusals, and rows that differ, on standard error; all are in the files */

struct import {
    struct cli *cli;
    struct mapping *mapping;
    struct zone *zone;
    const char *path;
    struct csv_record header;
    char *departments[DEPARTMENTS_MAX];
    size_t departments_count;
    unsigned long total, done, imported, existed, differing, refused;
    /* the batch under way */
    struct arena arena;
    json_t *rows;
    struct csv_record batch[BATCH_ROWS];
    unsigned batch_count;
    FILE *refusals, *differences;
    const char *refusals_path, *differences_path;
    struct timespec began;
};

/* ---- one row ---- */

static int column_of(const struct import *import, const char *name)
{
    for (unsigned i = 0; i < import->header.count; i++)
        if (strcmp(import->header.fields[i], name) == 0)
            return (int)i;
    return -1;
}

static const char *cell_of(const struct import *import, const struct csv_record *row, const char *column)
{
    int i = column ? column_of(import, column) : -1;
    return i >= 0 ? row->fields[i] : "";
}

static const char *mapped(const struct import *import, const struct csv_record *row, const char *what)
{
    return cell_of(import, row, json_string_value(json_object_get(import->mapping->columns, what)));
}

/* One column, or several as lines of one text. */
static char *text_of(struct import *import, const struct csv_record *row)
{
    json_t *columns = json_object_get(import->mapping->columns, "text"), *column;
    char *text = arena_strdup(&import->arena, cell_of(import, row, json_string_value(columns)));
    size_t i;
    json_array_foreach(columns, i, column) {
        const char *cell = cell_of(import, row, json_string_value(column));
        if (*cell)
            text = arena_printf(&import->arena, "%s%s%s", text, *text ? "\n" : "", cell);
    }
    return text;
}

static json_t *fields_of(const struct import *import, const struct csv_record *row, json_t *columns)
{
    json_t *list = json_array(), *column;
    const char *name;
    json_object_foreach(columns, name, column) {
        const char *cell = cell_of(import, row, json_string_value(column));
        if (*cell)
            json_array_append_new(list, json_pack("{s:s, s:{s:s}}", "name", name, "text", "plain", cell));
    }
    return list;
}

/* False with `*why_out` when a time cannot be read. */
static bool time_of(struct import *import, const char *column, const char *text, json_t **ms_out, const char **why_out)
{
    int64_t ms;
    if (!json_time_parse(text, import->zone, &ms)) {
        *why_out = arena_printf(&import->arena, "%s: \"%s\" is no time; 2011-08-01 06:10:58 is accepted", column, text);
        return false;
    }
    *ms_out = json_sprintf("%lld", (long long)ms);
    return true;
}

static json_t *history_of(struct import *import, const struct csv_record *row, const char **why_out)
{
    json_t *steps = json_array(), *step, *at;
    size_t i;
    json_array_foreach(import->mapping->steps, i, step) {
        const char *column = json_string_value(json_object_get(step, "at")), *text = cell_of(import, row, column);
        if (*text && time_of(import, column, text, &at, why_out))
            json_array_append_new(steps,
                                  json_pack("{s:O, s:o, s:o}", "step", json_object_get(step, "step"), "occurred_ms", at,
                                            "fields", fields_of(import, row, json_object_get(step, "fields"))));
    }
    return json_pack("{s:o}", "steps", steps);
}

static json_t *row_of(struct import *import, const struct csv_record *row, const char **why_out)
{
    const struct mapping *mapping = import->mapping;
    const char *external = mapped(import, row, "external_id"), *department = mapped(import, row, "department");
    const char *received_column = json_string_value(json_object_get(mapping->columns, "received"));
    json_t *received = NULL;
    if (row->count != import->header.count)
        *why_out = arena_printf(&import->arena, "%u columns; the header has %u", row->count, import->header.count);
    else if (!*external)
        *why_out = "it has no external id";
    else
        time_of(import, received_column, mapped(import, row, "received"), &received, why_out);
    if (*why_out)
        return NULL;
    json_t *submit = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:o}", "kind", mapping->kind, "category",
                               mapped(import, row, "category"), "channel", mapped(import, row, "channel"), "place",
                               mapped(import, row, "place"), "department",
                               *department ? mapping_department(import->cli, department) : "", "text", "plain",
                               text_of(import, row), "fields", fields_of(import, row, mapping->fields));
    return json_pack("{s:o, s:o, s:s, s:s, s:o}", "submit", submit, "received_ms", received, "source", mapping->source,
                     "external_id", external, "history", history_of(import, row, why_out));
}

/* ---- what was refused ---- */

static void write_refusals_header(struct import *import)
{
    fputs("refused_line,refused_reason", import->refusals);
    for (unsigned i = 0; i < import->header.count; i++)
        fprintf(import->refusals, ",%s", csv_quote(&import->arena, import->header.fields[i]));
    fputc('\n', import->refusals);
}

/* Rows hold what complainants wrote: for nobody else's eyes. */
static FILE *open_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd >= 0 ? fdopen(fd, "w") : NULL;
}

/* The file of the refused rows: each as it stood, behind its line and the reason; mended and without these two columns
   it can be imported. */
static void refuse(struct import *import, const struct csv_record *row, const char *why)
{
    import->refused++;
    if (!import->refusals && (import->refusals = open_private(import->refusals_path)))
        write_refusals_header(import);
    if (import->refused <= SAID_MAX)
        cli_fail("%s:%u: refused: %s", import->path, row->line, why);
    if (!import->refusals)
        return;
    fprintf(import->refusals, "%u,%s,", row->line, csv_quote(&import->arena, why));
    const char *raw = arena_text(&import->arena, row->raw, row->raw_size);
    fputs(row->why ? csv_quote(&import->arena, raw) : raw, import->refusals); /* what is no CSV stays one field */
    if (row->why || row->raw_size == 0 || row->raw[row->raw_size - 1] != '\n')
        fputc('\n', import->refusals);
}

/* ---- what is known and differs ---- */

/* "" for what was not given; "(sealed)" for a personal text, of which only that it differs is told. */
static const char *value_text(struct import *import, const json_t *difference, const char *which)
{
    json_t *value = json_object_get(difference, which), *inner = json_object_iter_value(json_object_iter(value));
    if (json_is_true(json_object_get(difference, "sealed")))
        return "(sealed)";
    if (!inner || json_is_string(inner))
        return inner ? arena_strdup(&import->arena, json_string_value(inner)) : "";
    char *text = json_dumps(inner, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *kept = arena_strdup(&import->arena, text);
    free(text);
    return kept;
}

/* One line of the file for each field: what was registered, and what the row says now. */
static void list_difference(struct import *import, const struct csv_record *row, const json_t *difference)
{
    struct arena *arena = &import->arena;
    const char *field = json_string_value(json_object_get(difference, "field"));
    const char *was = value_text(import, difference, "was"), *now = value_text(import, difference, "now");
    if (import->differing <= SAID_MAX)
        cli_fail("%s:%u: known, and differs: %s was \"%s\", is \"%s\"", import->path, row->line, field, was, now);
    if (import->differences)
        fprintf(import->differences, "%u,%s,%s,%s,%s\n", row->line,
                csv_quote(arena, mapped(import, row, "external_id")), csv_quote(arena, field), csv_quote(arena, was),
                csv_quote(arena, now));
}

static void know(struct import *import, const struct csv_record *row, const json_t *differs)
{
    const json_t *difference;
    size_t i;
    import->existed++;
    if (json_array_size(differs) == 0)
        return;
    import->differing++;
    if (!import->differences && (import->differences = open_private(import->differences_path)))
        fputs("line,external_id,field,was,now\n", import->differences);
    json_array_foreach(differs, i, difference)
        list_difference(import, row, difference);
}

/* ---- batches ---- */

static const char *reason_of(struct import *import, const json_t *refused)
{
    const char *text = json_string_value(json_object_get(refused, "detail"));
    const char *field = json_string_value(json_object_get(refused, "field"));
    if (!text)
        text = json_string_value(json_object_get(refused, "title"));
    return arena_printf(&import->arena, "%s%s%s", field ? field : "", field ? ": " : "", text ? text : "refused");
}

static bool unanswered(const json_t *result)
{
    return json_integer_value(json_object_get(json_object_get(result, "problem"), "status")) == 503;
}

/* Counts what was answered. Rows that a service could not take just now stay in the batch. */
static void take_results(struct import *import, const json_t *results, bool last)
{
    json_t *again = json_array();
    unsigned kept = 0;
    for (unsigned i = 0; i < import->batch_count; i++) {
        const json_t *result = json_array_get(results, i), *refused = json_object_get(result, "problem");
        if (!last && unanswered(result)) {
            json_array_append(again, json_array_get(import->rows, i));
            import->batch[kept++] = import->batch[i];
            continue;
        }
        import->done++;
        if (refused || !result)
            refuse(import, &import->batch[i], result ? reason_of(import, refused) : "no answer came for this row");
        else if (json_is_true(json_object_get(result, "existed")))
            know(import, &import->batch[i], json_object_get(result, "differs"));
        else
            import->imported++;
    }
    json_decref(import->rows);
    import->rows = again;
    import->batch_count = kept;
}

static void say_progress(struct import *import, bool last)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - import->began.tv_sec) + (double)(now.tv_nsec - import->began.tv_nsec) / 1e9;
    cli_progress(last, "import: %lu of %lu rows, %lu new, %lu known (%lu differing), %lu refused, %.0f rows/s",
                 import->done, import->total, import->imported, import->existed, import->differing, import->refused,
                 seconds > 0 ? (double)import->done / seconds : 0);
}

static bool send_once(struct import *import, bool last)
{
    struct http_reply reply;
    json_t *body = json_pack("{s:s, s:O}", "site", import->mapping->site, "rows", import->rows);
    struct arena_mark mark = arena_mark(&import->cli->arena);
    cli_http(import->cli, "POST", "/api/v1/imports", body, NULL, &reply);
    bool good = reply.status == 200;
    if (good)
        take_results(import, json_object_get(reply.json, "results"), last);
    else
        cli_http_fail(import->cli, &reply);
    json_decref(reply.json);
    arena_return(&import->cli->arena, mark);
    return good;
}

static bool send_batch(struct import *import)
{
    bool good = true;
    for (unsigned tried = 0; good && import->batch_count; tried++) {
        if (tried)
            sleep(1);
        good = send_once(import, tried == PATIENCE_S);
    }
    arena_reset(&import->arena);
    say_progress(import, false);
    return good;
}

static bool take_row(struct import *import, const struct csv_record *row)
{
    const char *why = NULL;
    json_t *json = row_of(import, row, &why);
    if (why) {
        import->done++;
        refuse(import, row, why);
        json_decref(json);
        return true;
    }
    json_array_append_new(import->rows, json);
    import->batch[import->batch_count++] = *row;
    return import->batch_count < BATCH_ROWS || send_batch(import);
}

/* ---- the file ---- */

static void note_department(struct import *import, const char *name)
{
    for (size_t i = 0; i < import->departments_count; i++)
        if (strcmp(import->departments[i], name) == 0)
            return;
    if (*name && import->departments_count < DEPARTMENTS_MAX)
        import->departments[import->departments_count++] = arena_strdup(&import->cli->arena, name);
}

/* The first pass: the header, how many rows, which departments. */
static bool survey(struct import *import, struct csv *csv)
{
    struct csv_record row;
    enum csv_result result = csv_next(csv, &import->cli->arena, &import->header);
    if (result != CSV_RECORD) {
        cli_fail("%s:1: %s", import->path, result == CSV_END ? "the file is empty" : import->header.why);
        return false;
    }
    if (!mapping_check_header(import->mapping, &import->header))
        return false;
    struct csv rest = *csv;
    while ((result = csv_next(&rest, &import->arena, &row)) != CSV_END) {
        import->total++;
        if (result == CSV_RECORD && row.count == import->header.count)
            note_department(import, mapped(import, &row, "department"));
        arena_reset(&import->arena);
    }
    return true;
}

static bool send_json(struct cli *cli, const char *method, const char *path, json_t *body)
{
    struct http_reply reply;
    cli_http(cli, method, path, body, NULL, &reply);
    if (reply.status / 100 == 2)
        return true;
    cli_http_fail(cli, &reply);
    return false;
}

/* Creates what is missing; what is there already says nothing. */
static bool found(struct import *import)
{
    struct cli *cli = import->cli;
    json_t *publish = json_pack("{s:s, s:O, s:b}", "site", import->mapping->site, "packs",
                                json_object_get(import->mapping->root, "packs"), "only_if_none", 1);
    return send_json(cli, "PUT", "/api/v1/organisation",
                     mapping_organisation(cli, import->mapping, import->departments, import->departments_count)) &&
           send_json(cli, "POST", "/api/v1/policies", publish);
}

static bool send_all(struct import *import, struct csv *csv)
{
    struct csv_record row;
    enum csv_result result;
    while ((result = csv_next(csv, &import->arena, &row)) != CSV_END) {
        if (result == CSV_BAD) {
            import->done++;
            refuse(import, &row, row.why);
        } else if (!take_row(import, &row)) {
            return false;
        }
    }
    return send_batch(import);
}

static int run(struct import *import)
{
    struct bytes text;
    struct csv csv;
    if (!cli_read(import->cli, import->path, &text))
        return cli_fail("%s cannot be read", import->path);
    if (zone_load(NULL, import->mapping->zone, &import->zone))
        return cli_fail("there is no time zone \"%s\"", import->mapping->zone);
    csv_open(&csv, text);
    arena_init(&import->arena);
    import->rows = json_array();
    mkdir(cli_path(import->cli, "imports"), 0700);
    char when[32];
    time_t now = time(NULL);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime(&now));
    const char *name = mapping_department(import->cli, import->mapping->name);
    import->refusals_path =
        arena_printf(&import->cli->arena, "%s/imports/refused-%s-%s.csv", import->cli->folder, name, when);
    import->differences_path =
        arena_printf(&import->cli->arena, "%s/imports/differing-%s-%s.csv", import->cli->folder, name, when);
    if (!survey(import, &csv) || !found(import))
        return CLI_FAILED;
    clock_gettime(CLOCK_MONOTONIC, &import->began);
    bool good = send_all(import, &csv);
    say_progress(import, true);
    if (import->refusals && fclose(import->refusals) == 0)
        fprintf(stderr, "the refused rows, with reasons: %s\n", import->refusals_path);
    if (import->differences && fclose(import->differences) == 0)
        fprintf(stderr, "the rows known with other content, not imported again: %s\n", import->differences_path);
    if (import->cli->json)
        cli_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)import->done, "imported",
                                 (json_int_t)import->imported, "existed", (json_int_t)import->existed, "differing",
                                 (json_int_t)import->differing, "refused", (json_int_t)import->refused));
    return !good ? CLI_FAILED : import->differing ? CLI_DIFFERS : CLI_GOOD;
}

int cli_import(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {{"mapping", required_argument, NULL, 'm'}, {0}};
    struct import *import = arena_zero(&cli->arena, sizeof *import);
    const char *mapping = NULL;
    int option;
    while ((option = cli_option(argc, argv, known, NULL)) == 'm')
        mapping = optarg;
    if (option != -1 || optind != argc - 1 || !mapping)
        return cli_usage("hearback import FILE --mapping NAME|FILE");
    import->cli = cli;
    import->path = argv[optind];
    import->mapping = mapping_load(cli, mapping);
    return import->mapping ? run(import) : CLI_FAILED;
}
