/* /cases/{id}/attachments: the files of a case. */
#include "attachment.h"
#include "cases.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <inttypes.h>

/* ---- one more ---- */

static json_t *number(struct http_request *request, uint64_t value)
{
    return json_string(arena_printf(&request->arena, "%" PRIu64, value));
}

static void on_added(struct http_request *request, void *context, const Hb__Refusal *refused,
                     struct attachment *attachment)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const char *case_id = case_id_text(request, attachment->case_id);
    http_set(request, "Location",
             arena_printf(&request->arena, "/api/v1/cases/%s/attachments/%s", case_id, attachment->id));
    http_respond_json(request, 201,
                      json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:b}", "id", attachment->id, "case_id", case_id, "name",
                                attachment->name, "type", attachment->type, "size",
                                number(request, attachment->content.size), "sha256", attachment->sha256,
                                "may_name_author", (int)attachment_may_name_author(attachment->type)));
}

static void on_found_add(struct http_request *request, uint64_t case_id)
{
    struct attachment *attachment = arena_zero(&request->arena, sizeof *attachment);
    const char *claimed = http_header(request, "Content-Type");
    size_t size = claimed ? strcspn(claimed, "; \t") : 0;
    attachment->case_id = case_id;
    attachment->name = http_query(request, "name");
    attachment->claimed = arena_text(&request->arena, claimed ? claimed : "", size < 100 ? size : 100);
    attachment->content = request->body;
    attachment_add(request, attachment, on_added, NULL);
}

void cases_attach(struct http_request *request)
{
    const char *name = http_query(request, "name");
    if (name && *name) {
        case_ref_find(request, on_found_add);
        return;
    }
    Hb__Refusal *refusal =
        problem_new(request, 422, "missing_field", "请用 name 给出文件名", "name the file by ?name=");
    refusal->field = arena_strdup(&request->arena, "name");
    problem_respond(request, refusal);
}

/* ---- all ---- */

struct listing {
    uint64_t case_id;
    Casework__CaseFile *file;
    const Hb__Refusal *unopened;
};

static json_t *row_json(struct http_request *request, const Casework__Attachment *row, const struct zone *zone)
{
    json_t *json = json_from_message(&row->base, zone);
    json_object_del(json, "file");
    json_object_del(json, "file_name");
    json_object_set_new(json, "id", json_string(row->file));
    json_object_set_new(json, "size", number(request, row->size));
    json_object_set_new(json, "may_name_author", json_boolean(attachment_may_name_author(row->type)));
    if (row->file_name && row->file_name->kind_case == HB__PERSONAL__KIND_PLAIN)
        json_object_set_new(json, "name", json_string(row->file_name->plain));
    return json;
}

static void give_list(struct http_request *request, void *context)
{
    const struct listing *listing = context;
    const struct zone *zone = sites_zone(request->gateway, listing->file->site);
    json_t *rows = json_array();
    for (size_t i = 0; i < listing->file->n_attachments; i++)
        json_array_append_new(rows, row_json(request, listing->file->attachments[i], zone));
    json_t *json = json_pack("{s:s, s:o, s:b}", "case_id", case_id_text(request, listing->case_id), "attachments", rows,
                             "may_attach", (int)listing->file->may_attach);
    if (listing->unopened)
        json_object_set_new(json, "unopened", problem_json(request, listing->unopened));
    http_respond_json(request, 200, json);
}

static void on_names(struct http_request *request, void *context, const Hb__Refusal *unopened, bool masked)
{
    struct listing *listing = context;
    listing->unopened = unopened;
    (void)masked;
    sites_know(request, listing->file->site, give_list, listing);
}

static void on_listed(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    struct listing *listing = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    listing->file = reply->casework->file;
    size_t count = listing->file->n_attachments;
    ProtobufCMessage **messages = arena_alloc(&request->arena, (count + 1) * sizeof *messages);
    for (size_t i = 0; i < count; i++)
        messages[i] = &listing->file->attachments[i]->base;
    case_open_texts(request, listing->case_id, messages, count, on_names, listing);
}

static void on_found_list(struct http_request *request, uint64_t case_id)
{
    struct listing *listing = arena_zero(&request->arena, sizeof *listing);
    listing->case_id = case_id;
    case_file_ask(request, case_id, on_listed, listing);
}

void cases_attachments(struct http_request *request)
{
    case_ref_find(request, on_found_list);
}

/* ---- one ---- */

/* Texts are masked where no purpose is given; a file cannot be. */
static bool refuse_without_purpose(struct http_request *request)
{
    const char *purpose = parameter_text(request, "purpose");
    if (purpose[strspn(purpose, " \t\r\n")])
        return false;
    Hb__Refusal *refusal =
        problem_new(request, 422, "missing_field", "文件无法遮盖：请用 purpose 说明查看目的，将被记录",
                    "a file cannot be masked: say by ?purpose= what it is opened for; it is recorded");
    refusal->field = arena_strdup(&request->arena, "purpose");
    problem_respond(request, refusal);
    return true;
}

static void on_file(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Casework__CaseFile *file = reply->casework->file;
    const char *id = http_param(request, "file");
    for (size_t i = 0; i < file->n_attachments; i++)
        if (strcmp(file->attachments[i]->file, id) == 0) {
            if (file->attachments[i]->deleted_ms)
                problem_say(request, 410, "erased", "该文件已依制度删除", "this file was deleted, as the policy says");
            else if (!refuse_without_purpose(request))
                attachment_send(request, file->case_id, file->attachments[i], "", (char *)(uintptr_t) "");
            return;
        }
    problem_say(request, 404, "not_found", "该案件没有这个文件", "the case has no such file");
}

static void on_found_one(struct http_request *request, uint64_t case_id)
{
    case_file_ask(request, case_id, on_file, NULL);
}

void cases_attachment(struct http_request *request)
{
    case_ref_find(request, on_found_one);
}
