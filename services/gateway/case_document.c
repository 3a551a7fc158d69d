/* GET /cases/{id}/documents and /documents/{document}: the forms of the policy, and one of them filled in from the
   case, the cases linked to it and its history. What the reader may not open stays sealed on the form too. */
#include "document.h"

#include "message/message.h"
#include "parameters.h"
#include "policies.h"
#include "policy/lookup.h"
#include "problem.h"
#include "json/json.h"

#include <stdlib.h>

struct gathering {
    struct document document;
    size_t next;      /* case whose file or policy is asked for */
    uint32_t current; /* version of the site's policy: by it the next one is issued */
    bool list;        /* which forms there are is wanted, not one of them */
};

static struct document_case *own(struct gathering *gathering)
{
    return &gathering->document.cases[0];
}

/* The gateway may put another policy into the place of this one before the form is done. */
static const Policy__Policy *kept(struct http_request *request, const Policy__Policy *policy)
{
    return policy ? (const Policy__Policy *)message_copy(&policy->base, &request->arena) : NULL;
}

/* ---- the last step: open, then answer ---- */

static void give(struct http_request *request, void *context, const Hb__Refusal *unopened, bool masked)
{
    struct gathering *gathering = context;
    static const char *const formats[] = {"json", "html", NULL};
    unsigned format = 0;
    gathering->document.masked = masked;
    if (!parameter_choice(request, "format", formats, &format))
        return;
    json_t *data = document_data(&gathering->document, &request->arena);
    if (unopened)
        json_object_set_new(data, "unopened", problem_json(request, unopened));
    if (format == 0) {
        http_respond_json(request, 200, data);
        return;
    }
    const char *language = http_query(request, "lang");
    document_print(request, data, language && strcmp(language, "en") == 0);
    json_decref(data);
}

/* Of the history a form shows who did what and when, and none of its texts. */
static void open_all(struct http_request *request, struct gathering *gathering)
{
    struct document *document = &gathering->document;
    size_t room = document->cases_count * 2, count = 0;
    ProtobufCMessage **messages = arena_alloc(&request->arena, room * sizeof *messages);
    for (size_t i = 0; i < document->cases_count; i++) {
        messages[count++] = &document->cases[i].file->base;
        if (document->cases[i].party)
            messages[count++] = &document->cases[i].party->base;
    }
    case_open_texts(request, own(gathering)->id, messages, count, give, gathering);
}

/* ---- the history, for a form that shows who did what ---- */

static bool has_block(const struct gathering *gathering, const char *block)
{
    const Policy__DocumentDef *form = gathering->document.form;
    for (size_t i = 0; i < form->n_blocks; i++)
        if (strcmp(form->blocks[i], block) == 0)
            return true;
    return false;
}

static void ask_timeline(struct http_request *request, struct gathering *gathering, uint64_t after);

static void on_timeline(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__QueryReply *reply)
{
    struct gathering *gathering = context;
    struct document *document = &gathering->document;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Casework__Timeline *timeline = reply->casework->timeline;
    char *why;
    for (size_t i = 0; i < timeline->n_events; i++) {
        ProtobufCMessage *event;
        if (message_unpack(&hb__event__descriptor, bytes_of(timeline->events[i].data, timeline->events[i].len),
                           &request->arena, &event, &why))
            continue;
        document->events =
            arena_grow(&request->arena, document->events, document->events_count, sizeof *document->events);
        document->events[document->events_count++] = event;
    }
    if (timeline->next)
        ask_timeline(request, gathering, timeline->next);
    else
        open_all(request, gathering);
}

static void ask_timeline(struct http_request *request, struct gathering *gathering, uint64_t after)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetTimeline get = CASEWORK__GET_TIMELINE__INIT;
    if (!has_block(gathering, "steps")) {
        open_all(request, gathering);
        return;
    }
    query.case_id = get.case_id = own(gathering)->id;
    get.after = after;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
    casework.timeline = &get;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_timeline, gathering);
}

/* ---- linked cases that a block names ---- */

static void take_file(struct http_request *request, struct document_case *one, Casework__CaseFile *file)
{
    ProtobufCMessage *party;
    char *why;
    one->file = file;
    if (file->party.len && message_unpack(&intake__party__descriptor, bytes_of(file->party.data, file->party.len),
                                          &request->arena, &party, &why) == ERR_NONE)
        one->party = (Intake__Party *)party;
}

static void ask_next(struct http_request *request, struct gathering *gathering);

static void on_linked_policy(struct http_request *request, void *context, const Policy__Policy *policy)
{
    struct gathering *gathering = context;
    gathering->document.cases[gathering->next++].policy = kept(request, policy);
    ask_next(request, gathering);
}

static void on_linked(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    struct gathering *gathering = context;
    struct document *document = &gathering->document;
    if (refused) { /* not visible to this reader: it is not on the form either */
        document->cases[gathering->next] = document->cases[--document->cases_count];
        ask_next(request, gathering);
        return;
    }
    struct document_case *one = &document->cases[gathering->next];
    take_file(request, one, reply->casework->file);
    policies_get(request, one->file->site, one->file->policy_version, on_linked_policy, gathering);
}

static void ask_next(struct http_request *request, struct gathering *gathering)
{
    if (gathering->next < gathering->document.cases_count)
        case_file_ask(request, gathering->document.cases[gathering->next].id, on_linked, gathering);
    else
        ask_timeline(request, gathering, 0);
}

static void add_linked(struct gathering *gathering)
{
    struct document *document = &gathering->document;
    const Casework__CaseFile *file = own(gathering)->file;
    for (size_t i = 0; i < file->n_links; i++) {
        if (!has_block(gathering, file->links[i]->name))
            continue;
        if (document->cases_count > DOCUMENT_LINKS_MAX)
            document->left_out++;
        else
            document->cases[document->cases_count++] =
                (struct document_case){.id = file->links[i]->case_id, .link = file->links[i]->name};
    }
}

/* ---- which form ---- */

/* What was issued, without what a letter says: that is read one by one. */
static json_t *issued_json(const struct gathering *gathering, const Casework__Issued *issued)
{
    if (issued->letter)
        issued->letter->text = NULL;
    return json_from_message(&issued->base, gathering->document.zone);
}

static void give_list(struct http_request *request, const struct gathering *gathering, const Policy__Policy *policy)
{
    json_t *list = json_array();
    for (size_t i = 0; i < policy->n_documents; i++) {
        json_t *json = json_from_message(&policy->documents[i]->base, NULL), *issued = json_array();
        const Casework__CaseFile *file = gathering->document.cases[0].file;
        for (size_t n = 0; n < file->n_documents; n++)
            if (strcmp(file->documents[n]->document, policy->documents[i]->name) == 0)
                json_array_append_new(issued, issued_json(gathering, file->documents[n]));
        json_object_set_new(json, "issued", issued);
        json_array_append_new(list, json);
    }
    http_respond_json(
        request, 200,
        json_pack("{s:s, s:o}", "case_id", case_id_text(request, gathering->document.cases[0].id), "documents", list));
}

static void refuse_form(struct http_request *request, const struct gathering *gathering, const Policy__Policy *policy)
{
    Hb__Refusal *refusal =
        problem_new(request, 404, "not_found", "制度中没有这种文书", "the policy has no such document");
    refusal->field = arena_strdup(&request->arena, gathering->document.name);
    for (size_t i = 0; i < policy->n_documents; i++)
        problem_accepts(request, refusal, policy->documents[i]->name);
    problem_respond(request, refusal);
}

static void ask_form(struct http_request *request, struct gathering *gathering);

static void on_form_policy(struct http_request *request, void *context, const Policy__Policy *policy)
{
    struct gathering *gathering = context;
    struct document *document = &gathering->document;
    if (!policy) {
        problem_respond(request, cell_refuse_down(request, HB__SERVICE__DIRECTORY));
        return;
    }
    if (gathering->list) {
        give_list(request, gathering, policy);
        return;
    }
    document->form = policy_document(kept(request, policy), document->name);
    if (!document->form) {
        refuse_form(request, gathering, policy);
        return;
    }
    if (*document->form->of && !document->issue && document->issued) {
        document->issued = NULL; /* what stands there now is another text, or may be by tomorrow */
        ask_form(request, gathering);
        return;
    }
    add_linked(gathering);
    gathering->next = 1;
    ask_next(request, gathering);
}

static void ask_form(struct http_request *request, struct gathering *gathering)
{
    struct document *document = &gathering->document;
    document->version = document->issued ? document->issued->version : gathering->current;
    policies_get(request, own(gathering)->file->site, document->version, on_form_policy, gathering);
}

static void on_own_policy(struct http_request *request, void *context, const Policy__Policy *policy)
{
    struct gathering *gathering = context;
    struct document *document = &gathering->document;
    const Casework__CaseFile *file = own(gathering)->file;
    own(gathering)->policy = kept(request, policy);
    for (size_t i = 0; i < document->organisation->n_policies; i++)
        if (strcmp(document->organisation->policies[i]->site, file->site) == 0)
            gathering->current = document->organisation->policies[i]->version;
    uint64_t nth = 0;
    for (size_t i = 0; i < file->n_documents; i++)
        if (strcmp(file->documents[i]->document, document->name) == 0 && (++nth == document->issue || !document->issue))
            document->issued = file->documents[i];
    if (document->issue && !document->issued) {
        problem_respond(request, problem_new(request, 404, "not_found", "没有出具过这一份",
                                             "no such one of this document was issued"));
        return;
    }
    ask_form(request, gathering);
}

/* ---- what is asked first: the case, and who is who ---- */

static void on_organisation(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Hb__QueryReply *reply)
{
    struct gathering *gathering = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    gathering->document.organisation = reply->directory->organisation;
    policies_get(request, own(gathering)->file->site, own(gathering)->file->policy_version, on_own_policy, gathering);
}

static void on_site(struct http_request *request, void *context)
{
    struct gathering *gathering = context;
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    gathering->document.zone = sites_zone(request->gateway, own(gathering)->file->site);
    get.site = own(gathering)->file->site;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    cell_query_own(request, HB__SERVICE__DIRECTORY, &query, on_organisation, gathering);
}

static void on_file(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct gathering *gathering = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    take_file(request, own(gathering), reply->casework->file);
    sites_know(request, own(gathering)->file->site, on_site, gathering);
}

static void begin(struct http_request *request, uint64_t case_id, bool list)
{
    struct gathering *gathering = arena_zero(&request->arena, sizeof *gathering);
    gathering->list = list;
    gathering->document.name = list ? "" : http_param(request, "document");
    if (!list && !parameter_number(request, "issue", 1, UINT32_MAX, &gathering->document.issue))
        return;
    gathering->document.cases_count = 1;
    *own(gathering) = (struct document_case){.id = case_id, .link = ""};
    case_file_ask(request, case_id, on_file, gathering);
}

static void begin_list(struct http_request *request, uint64_t case_id)
{
    begin(request, case_id, true);
}

static void begin_one(struct http_request *request, uint64_t case_id)
{
    begin(request, case_id, false);
}

void cases_documents(struct http_request *request)
{
    case_ref_find(request, begin_list);
}

void cases_document(struct http_request *request)
{
    case_ref_find(request, begin_one);
}
