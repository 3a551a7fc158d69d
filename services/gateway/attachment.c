#include "attachment.h"

#include "cases.h"
#include "inspection.h"
#include "problem.h"

#include <sodium.h>
#include <stdio.h>

struct adding {
    struct attachment *attachment;
    attachment_fn *done;
    void *context;
    uint32_t chunk;
    char command[CELL_COMMAND_ID_CHARACTERS + 1];
    ProtobufCBinaryData digest;
    bool marked;
    struct arena_mark mark; /* what lies behind it is of the chunk that has gone */
};

static void over(struct http_request *request, struct adding *adding, const Hb__Refusal *refused)
{
    adding->done(request, adding->context, refused, adding->attachment);
}

/* ---- casework is told ---- */

static void on_attached(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__CommandReply *reply)
{
    (void)reply;
    over(request, context, refused);
}

static void attach(struct http_request *request, struct adding *adding)
{
    const struct attachment *attachment = adding->attachment;
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    Casework__Attach told = CASEWORK__ATTACH__INIT;
    Hb__Personal name = HB__PERSONAL__INIT;
    name.kind_case = HB__PERSONAL__KIND_PLAIN;
    name.plain = (char *)(uintptr_t)attachment->name;
    told.file = (char *)(uintptr_t)attachment->id;
    told.file_name = &name;
    told.type = (char *)(uintptr_t)attachment->type;
    told.size = attachment->content.size;
    told.digest = adding->digest;
    command.id = adding->command;
    command.case_id = attachment->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_ATTACH;
    casework.attach = &told;
    cell_command(request, HB__SERVICE__CASEWORK, &command, attachment->part, on_attached, adding);
}

/* ---- the content goes to intake, chunk by chunk ---- */

static void put_next(struct http_request *request, struct adding *adding);

static void on_put(struct http_request *request, void *context, const Hb__Refusal *refused, const Hb__QueryReply *reply)
{
    struct adding *adding = context;
    if (refused) {
        over(request, adding, refused);
        return;
    }
    const Intake__FilePut *put = reply->intake->file_put;
    adding->chunk++;
    if (!put->whole) {
        put_next(request, adding);
        return;
    }
    struct bytes digest = arena_copy(&request->arena, bytes_of(put->digest.data, put->digest.len));
    adding->digest = (ProtobufCBinaryData){digest.size, (uint8_t *)(uintptr_t)digest.data};
    attach(request, adding);
}

static void put_next(struct http_request *request, struct adding *adding)
{
    const struct attachment *attachment = adding->attachment;
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__PutFile put = INTAKE__PUT_FILE__INIT;
    size_t at = (size_t)adding->chunk * ATTACHMENT_CHUNK_BYTES;
    if (at >= attachment->content.size) { /* all is there, and yet it is not whole */
        over(request, adding,
             problem_new(request, 503, "files", "文件未能存好，请重试", "the file was not kept; try again"));
        return;
    }
    size_t rest = attachment->content.size - at;
    if (adding->marked)
        arena_return(&request->arena, adding->mark);
    adding->mark = arena_mark(&request->arena);
    adding->marked = true;
    query.case_id = attachment->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_PUT_FILE;
    intake.put_file = &put;
    put.file = (char *)(uintptr_t)attachment->id;
    put.size = attachment->content.size;
    put.chunk = adding->chunk;
    put.content.data = (uint8_t *)(uintptr_t)attachment->content.data + at;
    put.content.len = rest < ATTACHMENT_CHUNK_BYTES ? rest : ATTACHMENT_CHUNK_BYTES;
    cell_query(request, HB__SERVICE__INTAKE, &query, on_put, adding);
}

/* The same content under the same command is the same file: whoever sends it once more puts nothing beside it. */
static void name_file(struct adding *adding)
{
    struct attachment *attachment = adding->attachment;
    uint8_t sha[crypto_hash_sha256_BYTES], id[ATTACHMENT_ID_CHARACTERS / 2];
    crypto_generichash_state state;
    crypto_hash_sha256(sha, attachment->content.data, attachment->content.size);
    sodium_bin2hex(attachment->sha256, sizeof attachment->sha256, sha, sizeof sha);
    crypto_generichash_init(&state, NULL, 0, sizeof id);
    crypto_generichash_update(&state, (const uint8_t *)adding->command, strlen(adding->command) + 1);
    crypto_generichash_update(&state, sha, sizeof sha);
    crypto_generichash_update(&state, (const uint8_t *)&attachment->case_id, sizeof attachment->case_id);
    crypto_generichash_final(&state, id, sizeof id);
    sodium_bin2hex(attachment->id, sizeof attachment->id, id, sizeof id);
}

static void on_inspected(struct http_request *request, void *context, const Hb__Refusal *refused, const char *type,
                         struct bytes content)
{
    struct adding *adding = context;
    struct attachment *attachment = adding->attachment;
    if (refused) {
        over(request, adding, refused);
        return;
    }
    attachment->type = type;
    attachment->content = content;
    attachment->name = attachment_name_of_type(&request->arena, attachment->name, type);
    if (attachment->command)
        snprintf(adding->command, sizeof adding->command, "%s", attachment->command);
    else
        cell_command_id(request, attachment->part, adding->command);
    name_file(adding);
    put_next(request, adding);
}

/* ---- may it be? ---- */

static void on_allowed(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    (void)reply;
    struct adding *adding = context;
    const struct attachment *attachment = adding->attachment;
    if (refused)
        over(request, adding, refused);
    else
        inspection_ask(request, attachment->content, attachment->claimed,
                       attachment_extension(&request->arena, attachment->name), on_inspected, adding);
}

void attachment_add(struct http_request *request, struct attachment *attachment, attachment_fn *done, void *context)
{
    struct adding *adding = arena_zero(&request->arena, sizeof *adding);
    *adding = (struct adding){.attachment = attachment, .done = done, .context = context};
    attachment->name = attachment_name(&request->arena, attachment->name);
    if (!attachment->content.size || attachment->content.size > ATTACHMENT_BYTES_MAX) {
        over(request, adding,
             attachment->content.size
                 ? problem_new(request, 413, "too_large", "每个文件最大 10 MiB", "a file has at most 10 MiB")
                 : problem_new(request, 422, "missing_field", "文件是空的", "the file is empty"));
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__MayAttach may = CASEWORK__MAY_ATTACH__INIT;
    query.case_id = may.case_id = attachment->case_id;
    may.size = attachment->content.size;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_MAY_ATTACH;
    casework.may_attach = &may;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_allowed, adding);
}

/* ---- out again ---- */

struct sending {
    struct http_request *request;
    uint64_t case_id, opened_at, size, sent;
    const Casework__Attachment *file;
    uint32_t chunk;
    bool begun;
    struct arena_mark mark; /* what lies behind it is of the chunk that has gone */
};

static void read_next(void *context);

static void begin(struct http_request *request, struct sending *sending)
{
    const Hb__Personal *name = sending->file->file_name;
    const char *plain = name && name->kind_case == HB__PERSONAL__KIND_PLAIN ? name->plain : "file";
    http_set(request, "Content-Disposition", attachment_disposition(&request->arena, plain));
    http_set(request, "Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'");
    http_set(request, "Cross-Origin-Resource-Policy", "same-origin");
    sending->begun = true;
    http_stream(request, 200, sending->file->type, read_next, NULL, sending);
    sending->mark = arena_mark(&request->arena);
}

static void on_read(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct sending *sending = context;
    if (refused && !sending->begun) {
        problem_respond(request, refused);
        return;
    }
    if (refused) {
        http_stream_fail(request);
        return;
    }
    const Intake__FileRead *read = reply->intake->file_read;
    if (!sending->begun)
        begin(request, sending);
    sending->chunk++;
    sending->sent += read->content.len;
    http_stream_write(request, bytes_of(read->content.data, read->content.len));
    if (sending->sent >= read->size)
        http_stream_end(request);
}

static void read_next(void *context)
{
    struct sending *sending = context;
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__ReadFile read = INTAKE__READ_FILE__INIT;
    if (sending->begun)
        arena_return(&sending->request->arena, sending->mark);
    query.case_id = sending->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_READ_FILE;
    intake.read_file = &read;
    read.file = sending->file->file;
    read.chunk = sending->chunk;
    read.opened_at = sending->opened_at;
    cell_query(sending->request, HB__SERVICE__INTAKE, &query, on_read, sending);
}

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__CommandReply *reply)
{
    struct sending *sending = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Intake__Opened *opened = reply->opened;
    Hb__Personal *name = sending->file->file_name;
    if (opened->n_texts && *opened->texts[0] && name) {
        name->kind_case = HB__PERSONAL__KIND_PLAIN;
        name->plain = opened->texts[0];
    }
    sending->opened_at = opened->opened_at;
    read_next(sending);
}

void attachment_send(struct http_request *request, uint64_t case_id, const Casework__Attachment *file,
                     const char *purpose, char *tracking_code)
{
    struct sending *sending = arena_zero(&request->arena, sizeof *sending);
    Intake__Open open = INTAKE__OPEN__INIT;
    *sending = (struct sending){.request = request, .case_id = case_id, .file = file};
    if (file->file_name && file->file_name->kind_case == HB__PERSONAL__KIND_SEALED) {
        open.boxes = arena_alloc(&request->arena, sizeof *open.boxes);
        open.boxes[open.n_boxes++] = file->file_name->sealed;
    }
    open.tracking_code = tracking_code;
    open.files = arena_alloc(&request->arena, sizeof *open.files);
    open.files[open.n_files++] = file->file;
    case_open_ask(request, case_id, &open, purpose, on_opened, sending);
}
