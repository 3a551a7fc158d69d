/* POST /imports: up to 500 historic cases, each a command of its own, some under way at once: an import leaves room
   at intake's door for everybody else. One bad row does not stop the others; each has its own result. The identity of
   an import is (site, source, external id), so that what was sent before comes back as `existed`, with `differs` when
   it says something else by now. */
#include "cases.h"

#include "body.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"

#define UNDER_WAY_MAX 100u /* of the 256 commands that a service lets wait */

struct row {
    struct importing *importing;
    Intake__Import *import; /* NULL: refused already */
    json_t *result;
};

struct importing {
    const char *site;
    struct row *rows;
    size_t count, next, awaited, imported, existed, differing, refused, unanswered;
    bool sending;
};

/* When no row was taken because intake is away, the whole call may simply be sent again. */
static void give_results(struct http_request *request, struct importing *importing)
{
    json_t *results = json_array();
    for (size_t i = 0; i < importing->count; i++)
        json_array_append_new(results, importing->rows[i].result);
    if (importing->count && importing->unanswered == importing->count) {
        json_decref(results);
        problem_say(request, 503, "service_down", "登记服务没有应答，请稍后再试",
                    "the service intake does not answer; try again shortly");
        return;
    }
    http_respond_json(request, 200,
                      json_pack("{s:o, s:I, s:I, s:I, s:I}", "results", results, "imported",
                                (json_int_t)importing->imported, "existed", (json_int_t)importing->existed, "differing",
                                (json_int_t)importing->differing, "refused", (json_int_t)importing->refused));
}

static void refuse_row(struct http_request *request, struct importing *importing, size_t at, const Hb__Refusal *refused)
{
    importing->refused++;
    importing->unanswered += refused->status == 503;
    importing->rows[at].result =
        json_pack("{s:I, s:o}", "row", (json_int_t)at, "problem", problem_json(request, refused));
}

static void send_rows(struct http_request *request, struct importing *importing);

static void on_imported(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__CommandReply *reply)
{
    struct row *row = context;
    struct importing *importing = row->importing;
    size_t at = (size_t)(row - importing->rows);
    if (refused) {
        refuse_row(request, importing, at, refused);
    } else {
        bool existed = reply->submitted->existed || (reply->case_id && reply->repeated_command);
        importing->existed += existed;
        importing->differing += reply->submitted->n_differs != 0;
        importing->imported += !existed;
        reply->submitted->n_alike = 0; /* nobody has asked whether this account sees them */
        row->result =
            reply->case_id ? submitted_json(request, importing->site, reply) : json_pack("{s:b}", "hidden", 1);
        json_object_set_new(row->result, "row", json_integer((json_int_t)at));
        if (existed)
            json_object_set_new(row->result, "existed", json_true());
    }
    importing->awaited--;
    send_rows(request, importing);
}

static void send_row(struct http_request *request, struct importing *importing, size_t at)
{
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    command.site = (char *)(uintptr_t)importing->site;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_IMPORT;
    intake.import = importing->rows[at].import;
    cell_command(request, HB__SERVICE__INTAKE, &command, (uint32_t)at, on_imported, &importing->rows[at]);
}

/* As many as may be under way; the results when all are there. */
static void send_rows(struct http_request *request, struct importing *importing)
{
    if (importing->sending)
        return; /* a row answered while it is being sent: the loop below goes on */
    importing->sending = true;
    while (importing->next < importing->count && importing->awaited < UNDER_WAY_MAX) {
        size_t at = importing->next++;
        if (importing->rows[at].import) {
            importing->awaited++;
            send_row(request, importing, at);
        }
    }
    importing->sending = false;
    if (importing->awaited == 0)
        give_results(request, importing);
}

static void on_site_known(struct http_request *request, void *context)
{
    send_rows(request, context);
}

static void read_rows(struct http_request *request, struct importing *importing, json_t *rows)
{
    json_t *json;
    size_t i;
    importing->count = json_array_size(rows);
    importing->rows = arena_zero(&request->arena, (importing->count + 1) * sizeof *importing->rows);
    json_array_foreach(rows, i, json) {
        const Hb__Refusal *refused = NULL;
        struct row *row = &importing->rows[i];
        row->importing = importing;
        row->import = (Intake__Import *)body_message(request, json_incref(json), &intake__import__descriptor,
                                                     arena_printf(&request->arena, "rows[%zu]", i), &refused);
        if (refused)
            refuse_row(request, importing, i, refused);
    }
}

static bool check_body(struct http_request *request, json_t *body)
{
    static const char *const known[] = {"rows", "site", NULL};
    const char *key;
    json_t *value, *rows = json_object_get(body, "rows");
    json_object_foreach(body, key, value) {
        if (strcmp(key, "rows") != 0 && strcmp(key, "site") != 0) {
            parameter_refuse(request, key, known);
            return false;
        }
    }
    if (json_is_array(rows) && json_array_size(rows) <= CASES_IMPORT_ROWS_MAX)
        return true;
    Hb__Refusal *refusal =
        problem_new(request, json_is_array(rows) ? 413 : 400, json_is_array(rows) ? "too_large" : "malformed",
                    "rows 须为列表，一次最多 500 行", "rows must be a list of at most 500");
    refusal->field = arena_strdup(&request->arena, "rows");
    problem_respond(request, refusal);
    return false;
}

void cases_import(struct http_request *request)
{
    struct importing *importing = arena_zero(&request->arena, sizeof *importing);
    json_t *body = body_object(request, false);
    if (!body)
        return;
    if (check_body(request, body) && (importing->site = body_take_text(request, body, "site"))) {
        read_rows(request, importing, json_object_get(body, "rows"));
        json_decref(body);
        sites_know(request, importing->site, on_site_known, importing);
        return;
    }
    json_decref(body);
}
