/* Discovery, the list of services and what each asks. */
#include "open311_call.h"

#include "policy/lookup.h"
#include "portal_submit.h"

/* ---- discovery ---- */

/* What this program speaks changes with it; what a site opens, with its policy. */
#define CHANGESET "2026-11-29T00:00:00Z"

void open311_discovery(struct http_request *request)
{
    const char *base = portal_base(request);
    const char *format = http_param(request, "format");
    if (strcmp(format, "xml") != 0 && strcmp(format, "json") != 0) {
        call_fail(request, 404, "格式须为 .xml 或 .json", "the format is .xml or .json");
        return;
    }
    json_t *endpoint =
        json_pack("{s:s, s:o, s:s, s:s, s:[s,s]}", "specification", "http://wiki.open311.org/GeoReport_v2", "url",
                  json_sprintf("%s/open311/v2", base), "changeset", CHANGESET, "type", "production", "formats",
                  "text/xml", "application/json");
    call_answer(request, 200, "discovery", NULL,
                json_pack("{s:s, s:o, s:o, s:[o]}", "changeset", CHANGESET, "contact", json_sprintf("%s/", base),
                          "key_service", json_sprintf("%s/console/", base), "endpoints", endpoint));
}

/* ---- services ---- */

static bool asks_more(const Policy__Kind *kind)
{
    for (size_t i = 0; i < kind->n_fields; i++)
        if (submit_asks(kind->fields[i]))
            return true;
    return false;
}

static void add_service(struct call *call, json_t *list, const Policy__Kind *kind, const char *category)
{
    const char *group = portal_label(call->visit->language, kind->label),
               *name = call_service_name(call, kind, category);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "service_code",
                                          call_service_code(call, kind->name, category), "service_name", name,
                                          "description", name, "metadata", (int)asks_more(kind), "type", "realtime",
                                          "keywords", group, "group", group));
}

static void services(struct call *call)
{
    size_t count;
    json_t *list = json_array();
    const Policy__Kind **kinds = submit_kinds(call->visit, &count);
    for (size_t i = 0; i < count; i++) {
        if (!policy_takes_channel(kinds[i], OPEN311_CHANNEL))
            continue;
        struct submit_form submit;
        submit_form_init(&submit, call->visit, kinds[i], false);
        for (size_t c = 0; c < submit.categories_count; c++)
            add_service(call, list, kinds[i], submit.categories[c].value);
        if (!submit.categories_count)
            add_service(call, list, kinds[i], "");
    }
    call_answer(call->request, 200, "services", "service", list);
}

void open311_services(struct http_request *request)
{
    call_begin(request, http_param(request, "format"), &request->gateway->portal->viewing, false, services);
}

/* ---- one of them ---- */

static const char *datatype_of(const Policy__FieldDef *def)
{
    switch (def->type) {
    case POLICY__FIELD_DEF__TYPE__TEXT:
        return "text";
    case POLICY__FIELD_DEF__TYPE__CHOICE:
    case POLICY__FIELD_DEF__TYPE__YES_NO:
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
        return "singlevaluelist";
    case POLICY__FIELD_DEF__TYPE__NUMBER:
        return "number";
    case POLICY__FIELD_DEF__TYPE__TIME:
        return "datetime";
    case POLICY__FIELD_DEF__TYPE__MONEY:
    case POLICY__FIELD_DEF__TYPE__DURATION:
    case POLICY__FIELD_DEF__TYPE__PERSON:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__PARTS:
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
    case POLICY__FIELD_DEF__TYPE__THING:
        break;
    }
    return "string";
}

static void add_value(json_t *values, const char *key, const char *name)
{
    json_array_append_new(values, json_pack("{s:s, s:s}", "key", key, "name", name));
}

static json_t *values_of(struct call *call, const Policy__FieldDef *def)
{
    json_t *values = json_array();
    size_t count;
    for (size_t i = 0; i < def->n_one_of; i++)
        add_value(values, def->one_of[i]->name, portal_label(call->visit->language, def->one_of[i]->label));
    if (def->type == POLICY__FIELD_DEF__TYPE__YES_NO) {
        add_value(values, "yes", visit_text(call->visit, TEXT_YES));
        add_value(values, "no", visit_text(call->visit, TEXT_NO));
    }
    if (def->type == POLICY__FIELD_DEF__TYPE__DEPARTMENT) {
        const struct page_choice *departments = visit_departments(call->visit, &count);
        for (size_t i = 0; i < count; i++)
            add_value(values, departments[i].value, departments[i].label);
    }
    return values;
}

static json_t *attribute_of(struct call *call, const Policy__FieldDef *def, size_t order)
{
    const char *datatype = datatype_of(def);
    json_t *attribute = json_pack("{s:b, s:s, s:s, s:b, s:n, s:i, s:s}", "variable", 1, "code", def->name, "datatype",
                                  datatype, "required", (int)submit_needed(def), "datatype_description", "order",
                                  (int)order, "description", portal_label(call->visit->language, def->label));
    if (strcmp(datatype, "singlevaluelist") == 0)
        json_object_set_new(attribute, "values", values_of(call, def));
    return attribute;
}

static void definition(struct call *call)
{
    const Policy__Kind *kind;
    const char *category;
    json_t *attributes = json_array();
    if (!call_service(call, call->name, &kind, &category)) {
        json_decref(attributes);
        call_fail(call->request, 404, "没有这个 service_code", "service_code was not found");
        return;
    }
    for (size_t i = 0; i < kind->n_fields; i++)
        if (submit_asks(kind->fields[i]))
            json_array_append_new(attributes, attribute_of(call, kind->fields[i], json_array_size(attributes) + 1));
    call_answer(call->request, 200, "service_definition", NULL,
                json_pack("{s:s, s:o}", "service_code", call->name, "attributes", attributes));
}

void open311_definition(struct http_request *request)
{
    call_begin(request, http_param(request, "code"), &request->gateway->portal->viewing, false, definition);
}
