/* POST requests: a submission by the account of the API key, with the policy's questions as attributes. */
#include "open311_call.h"

#include "policy/lookup.h"
#include "portal_files.h"
#include "portal_submit.h"
#include "sites.h"
#include "json/json.h"

#define PLACE_BYTES_MAX 200u

struct sending {
    struct call *call;
    Intake__Submit submit;
    Intake__Party party;
    char *number, *notice;       /* of the case; the date that was promised, "": none */
    Gatewayrec__Session session; /* says which files were not taken */
};

/* ---- where ---- */

static bool is_degrees(const char *text, double most)
{
    char *end;
    double value = strtod(text, &end);
    return *end == 0 && end != text && value >= -most && value <= most;
}

/* NULL: none was given, or it means nothing; and has been answered. */
static char *place_of(struct call *call)
{
    const char *lat = call_value(call, "lat"), *lon = call_value(call, "long");
    const char *address = call_value(call, "address_string"), *id = call_value(call, "address_id");
    struct arena *arena = &call->request->arena;
    const char *named = address ? address : id;
    if ((lat != NULL) != (lon != NULL) || (!lat && !named)) {
        call_fail(call->request, 400, "缺少地点：lat 与 long，或 address_string，或 address_id",
                  "a location was not provided: lat and long, or address_string, or address_id");
        return NULL;
    }
    if (lat && (!is_degrees(lat, 90) || !is_degrees(lon, 180))) {
        call_fail(call->request, 400, "lat、long 须为 WGS84 度数", "lat and long are degrees of WGS84");
        return NULL;
    }
    char *place = !lat     ? arena_strdup(arena, named)
                  : !named ? arena_printf(arena, "%s,%s", lat, lon)
                           : arena_printf(arena, "%s (%s,%s)", named, lat, lon);
    return named && strlen(place) > PLACE_BYTES_MAX ? arena_strdup(arena, named) : place;
}

/* ---- what ---- */

/* "attribute[class]=small"; of several values of one code the first counts, as no question here has several. */
static const char *attribute(const struct call *call, const char *code)
{
    char *name = arena_printf(&call->request->arena, "attribute[%s]", code);
    const char *value = call_value(call, name);
    return value ? value : call_value(call, arena_printf(&call->request->arena, "%s[]", name));
}

static bool take_fields(struct call *call, const Policy__Kind *kind, Intake__Submit *submit)
{
    struct arena *arena = &call->request->arena;
    submit->fields = arena_alloc(arena, (kind->n_fields + 1) * sizeof *submit->fields);
    for (size_t i = 0; i < kind->n_fields; i++) {
        const Policy__FieldDef *def = kind->fields[i];
        const char *value = submit_asks(def) ? attribute(call, def->name) : NULL;
        if (submit_asks(def) && submit_needed(def) && !value) {
            call_fail(call->request, 400, arena_printf(arena, "缺少 attribute[%s]：%s", def->name, def->label->zh),
                      arena_printf(arena, "attribute[%s] was not provided: %s", def->name, def->label->en));
            return false;
        }
        if (!value)
            continue;
        Hb__Field *field = arena_alloc(arena, sizeof *field);
        hb__field__init(field);
        field->name = def->name;
        field->content_case = HB__FIELD__CONTENT_TEXT;
        field->text = call_personal(call, value);
        submit->fields[submit->n_fields++] = field;
    }
    return true;
}

static void take_party(struct call *call, Intake__Party *party)
{
    const char *first = call_value(call, "first_name"), *last = call_value(call, "last_name");
    intake__party__init(party);
    party->language = (char *)(uintptr_t)language_tag(call->visit->language);
    if (first || last)
        party->name = call_personal(call, arena_printf(&call->request->arena, "%s%s%s", first ? first : "",
                                                       first && last ? " " : "", last ? last : ""));
    party->phone = call_personal(call, call_value(call, "phone"));
    party->email = call_personal(call, call_value(call, "email"));
    party->anonymous = !party->name && !party->phone && !party->email;
}

/* ---- sending ---- */

static void on_files(struct visit *visit, void *context)
{
    const struct sending *sending = context;
    struct arena *arena = visit_arena(visit);
    char *notice = sending->notice;
    for (size_t i = 0; i < sending->session.n_unattached; i++)
        notice = arena_printf(arena, "%s%s%s", notice, *notice ? "; " : "", sending->session.unattached[i]);
    call_answer(visit->request, 201, "service_requests", "request",
                json_pack("[{s:s, s:o, s:n}]", "service_request_id", sending->number, "service_notice",
                          *notice ? json_string(notice) : json_null(), "account_id"));
}

/* The case is registered, whatever becomes of its files. */
static void on_submitted(struct http_request *request, void *context, const Hb__Refusal *refused,
                         const Hb__CommandReply *reply)
{
    struct sending *sending = context;
    if (refused) {
        open311_refuse(request, refused);
        return;
    }
    const Intake__Submitted *submitted = reply->submitted;
    struct visit *visit = sending->call->visit;
    sending->number = arena_strdup(&request->arena, submitted->number);
    sending->notice = arena_strdup(&request->arena, "");
    if (submitted->n_promised)
        sending->notice =
            arena_printf(&request->arena, "%s %s", portal_label(visit->language, submitted->promised[0]->label),
                         json_time_text(visit->page.zone, submitted->promised[0]->due_ms, &request->arena));
    gatewayrec__session__init(&sending->session);
    portal_files_add(visit, reply->case_id, true, NULL, &sending->session, on_files, sending);
}

static void on_site(struct http_request *request, void *context)
{
    struct sending *sending = context;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    command.site = sending->call->visit->site->id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    intake.submit = &sending->submit;
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, on_submitted, sending);
}

static void submit(struct call *call)
{
    const Policy__Kind *kind;
    const char *category, *code = call_value(call, "service_code"), *text = call_value(call, "description");
    if (!code) {
        call_fail(call->request, 400, "缺少 service_code", "service_code was not provided");
        return;
    }
    if (!call_service(call, code, &kind, &category)) {
        call_fail(call->request, 404, "没有这个 service_code", "service_code was not found");
        return;
    }
    if (!text) /* GeoReport v2 does not demand it: then what is the matter is what the service says */
        text = call_service_name(call, kind, category);
    struct sending *sending = arena_zero(&call->request->arena, sizeof *sending);
    sending->call = call;
    intake__submit__init(&sending->submit);
    sending->submit.kind = kind->name;
    sending->submit.category = (char *)(uintptr_t)category;
    sending->submit.channel = OPEN311_CHANNEL;
    sending->submit.place = place_of(call);
    if (!sending->submit.place || !take_fields(call, kind, &sending->submit))
        return;
    sending->submit.text = call_personal(call, call_text(call, text));
    take_party(call, &sending->party);
    sending->submit.party = &sending->party;
    sites_know(call->request, call->visit->site->id, on_site, sending);
}

void open311_submit(struct http_request *request)
{
    if (http_form_read(request))
        call_begin(request, http_param(request, "format"), &request->gateway->portal->submitting, true, submit);
}
