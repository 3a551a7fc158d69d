/* What all calls of Open311 have in common: formats, errors, jurisdiction, key. */
#include "open311_call.h"

#include "auth.h"
#include "policy/lookup.h"
#include "portal_submit.h"
#include "problem.h"
#include "json/json.h"

#include <stdlib.h>

static const char prefix[] = "/open311/";

bool open311_speaks(const struct http_request *request)
{
    return strncmp(request->path, prefix, sizeof prefix - 1) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* XML is the format every client knows. */
static bool wants_json(const struct http_request *request)
{
    return ends_with(request->path, ".json");
}

/* ---- writing ---- */

static void add_xml(struct html *html, const char *name, const json_t *value);

static void add_items(struct html *html, const char *item, const json_t *list)
{
    const json_t *value;
    size_t i;
    json_array_foreach(list, i, value)
        add_xml(html, item, value);
}

/* Names come from the source; `type="array"` on a list is what some servers write and some clients choke on. */
static void add_xml(struct html *html, const char *name, const json_t *value)
{
    const char *key;
    json_t *member;
    html_add(html, "<%s>", name);
    if (json_is_object(value))
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
            add_xml(html, key, member);
    else if (json_is_array(value))
        add_items(html, arena_text(html->arena, name, strlen(name) - 1), value); /* "values": "value" */
    else if (json_is_boolean(value))
        html_add(html, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        html_add(html, "%d", (int)json_integer_value(value));
    else if (json_is_string(value))
        html_text(html, json_string_value(value));
    html_add(html, "</%s>", name);
}

static struct bytes xml_of(struct http_request *request, const char *root, const char *item, const json_t *body)
{
    struct html html;
    html_init(&html, &request->arena);
    html_source(&html, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    if (item) {
        html_add(&html, "<%s>", root);
        add_items(&html, item, body);
        html_add(&html, "</%s>", root);
    } else {
        add_xml(&html, root, body);
    }
    html_source(&html, "\n");
    return bytes_of(html.data, html.size);
}

void call_answer(struct http_request *request, unsigned status, const char *root, const char *item, json_t *body)
{
    bool json = wants_json(request);
    char *text = json ? json_dumps(body, JSON_COMPACT) : NULL;
    struct bytes bytes =
        json ? arena_copy(&request->arena, bytes_of_text(text ? text : "[]")) : xml_of(request, root, item, body);
    free(text);
    json_decref(body);
    if (request->call && request->call->visit)
        visit_let_go(request->call->visit);
    http_set(request, "Access-Control-Allow-Origin", "*"); /* no cookie counts here */
    http_respond(request, status, json ? "application/json; charset=utf-8" : "text/xml; charset=utf-8", bytes);
}

void call_fail(struct http_request *request, unsigned status, const char *zh, const char *en)
{
    call_answer(request, status, "errors", "error",
                json_pack("[{s:i, s:s}]", "code", (int)status, "description", request->english ? en : zh));
}

/* The specification knows 400, 403, 404: what a field lacks, what a state forbids and what is malformed is 400. */
void open311_refuse(struct http_request *request, const Hb__Refusal *refusal)
{
    unsigned status = refusal->status;
    json_t *errors = json_array();
    enum language language = request->english ? LANGUAGE_EN : LANGUAGE_ZH;
    const char *text = portal_label(language, refusal->text);
    if (status == 401)
        status = 403;
    else if (status == 409 || status == 412 || status == 415 || status == 422)
        status = 400;
    for (size_t i = 0; i < refusal->n_problems; i++)
        json_array_append_new(errors, json_pack("{s:i, s:o}", "code", (int)status, "description",
                                                json_sprintf("%s: %s", refusal->problems[i]->field,
                                                             portal_label(language, refusal->problems[i]->text))));
    if (refusal->n_problems == 0)
        json_array_append_new(
            errors, json_pack("{s:i, s:o}", "code", (int)status, "description",
                              *refusal->field ? json_sprintf("%s: %s", refusal->field, text) : json_string(text)));
    call_answer(request, status, "errors", "error", errors);
}

void open311_fail(struct http_request *request, unsigned status, const Hb__Refusal *refusal)
{
    if (refusal && refusal->text)
        open311_refuse(request, refusal);
    else
        call_fail(request, status, "暂时无法使用", "not available right now");
}

json_t *call_time(const struct call *call, int64_t ms)
{
    return ms ? json_string(json_time_text(call->visit->page.zone, ms - ms % 1000, &call->request->arena))
              : json_null();
}

/* ---- reading ---- */

const char *call_value(const struct call *call, const char *name)
{
    const char *form = http_form(call->request, name), *query = http_query(call->request, name);
    return form && *form ? form : query && *query ? query : NULL;
}

char *call_text(const struct call *call, const char *description)
{
    const char *media = call_value(call, "media_url");
    return arena_printf(&call->request->arena, "%s%s%s", description, media ? "\n\n" : "", media ? media : "");
}

Hb__Personal *call_personal(const struct call *call, const char *text)
{
    if (!text)
        return NULL;
    Hb__Personal *made = arena_alloc(&call->request->arena, sizeof *made);
    hb__personal__init(made);
    made->kind_case = HB__PERSONAL__KIND_PLAIN;
    made->plain = arena_strdup(&call->request->arena, text);
    return made;
}

static void on_key(struct http_request *request)
{
    struct call *call = request->call;
    call->keyed = true;
    call->then(call);
}

static void on_policy(struct visit *visit, void *context)
{
    struct call *call = context;
    const char *key = call_value(call, "api_key");
    if (!visit->policy)
        call_fail(call->request, 404, "jurisdiction_id：该站点尚未公布制度",
                  "jurisdiction_id: no policy is in force at this site yet");
    else if (key)
        auth_token(call->request, key, on_key);
    else
        call->then(call);
}

static void on_organisation(struct visit *visit, void *context)
{
    struct call *call = context;
    const char *id = call_value(call, "jurisdiction_id");
    const Directory__Site *site = visit_find_site(visit, id);
    if (!id && visit->organisation->n_sites == 1)
        site = visit->organisation->sites[0];
    if (!id && !site) {
        call_fail(visit->request, 400, "缺少 jurisdiction_id（站点）", "jurisdiction_id was not provided (a site)");
        return;
    }
    if (!site) {
        call_fail(visit->request, 404, "jurisdiction_id：没有该站点", "jurisdiction_id was not found");
        return;
    }
    visit_site(visit, site);
    visit_policy(visit, 0, on_policy, call);
}

/* "123.xml": 123; "xml": "". False: it ends in neither format. */
static bool name_read(struct http_request *request, const char *given, char **name_out)
{
    bool xml = ends_with(given, ".xml"), json = ends_with(given, ".json");
    *name_out = arena_text(&request->arena, given, xml || json ? strlen(given) - (xml ? 4 : 5) : 0);
    return xml || json || strcmp(given, "xml") == 0 || strcmp(given, "json") == 0;
}

static bool may(struct http_request *request, struct limit *limit)
{
    const char *address = limit_address(request->address, &request->arena);
    int64_t wait_ms = limit_wait_ms(limit, address, request->came_boot_ms);
    if (!wait_ms) {
        limit_count(limit, address, request->came_boot_ms);
        return true;
    }
    http_set(request, "Retry-After", arena_printf(&request->arena, "%lld", (long long)(wait_ms + 999) / 1000));
    call_fail(request, 429, "请求过于频繁", "too many requests");
    return false;
}

void call_begin(struct http_request *request, const char *name, struct limit *limit, bool key_needed, call_fn *then)
{
    struct call *call = arena_zero(&request->arena, sizeof *call);
    char *plain;
    if (!name_read(request, name, &plain)) {
        call_fail(request, 404, "格式须为 .xml 或 .json", "the format is .xml or .json");
        return;
    }
    *call = (struct call){.request = request, .name = plain, .then = then};
    request->call = call;
    if (key_needed && !call_value(call, "api_key"))
        call_fail(request, 403, "缺少 api_key（访问令牌）", "api_key was missing (an API token)");
    else if (may(request, limit)) {
        call->visit = visit_begin(request);
        visit_organisation(call->visit, on_organisation, call);
    }
}

/* ---- services ---- */

static const struct page_choice *categories_of(const struct call *call, const Policy__Kind *kind, size_t *count_out)
{
    struct submit_form submit;
    submit_form_init(&submit, call->visit, kind, false);
    *count_out = submit.categories_count;
    return submit.categories;
}

char *call_service_code(const struct call *call, const char *kind, const char *category)
{
    return arena_printf(&call->request->arena, "%s%s%s", kind, *category ? ":" : "", category);
}

char *call_service_name(const struct call *call, const Policy__Kind *kind, const char *category)
{
    size_t count;
    const struct page_choice *categories = categories_of(call, kind, &count);
    const char *label = category;
    for (size_t i = 0; i < count; i++)
        if (strcmp(categories[i].value, category) == 0)
            label = categories[i].label;
    return arena_printf(&call->request->arena, "%s%s%s", portal_label(call->visit->language, kind->label),
                        *label ? (call->visit->language == LANGUAGE_ZH ? "：" : ": ") : "", label);
}

bool call_service(const struct call *call, const char *code, const Policy__Kind **kind_out, const char **category_out)
{
    size_t size = strcspn(code, ":"), count;
    const Policy__Kind *kind = policy_kind(call->visit->policy, arena_text(&call->request->arena, code, size));
    *kind_out = kind;
    *category_out = code[size] ? code + size + 1 : "";
    if (!kind || !submit_open(kind, OPEN311_CHANNEL))
        return false;
    const struct page_choice *categories = categories_of(call, kind, &count);
    if (count == 0)
        return !code[size];
    for (size_t i = 0; i < count; i++)
        if (strcmp(categories[i].value, *category_out) == 0)
            return true;
    return false;
}
