#include "cases.h"

#include "message/message.h"
#include "parameters.h"

struct opening {
    struct http_request *request;
    Hb__Personal **list;
    size_t count;
    case_open_fn *then;
    void *context;
};

static void find_sealed(ProtobufCMessage *message, void *context)
{
    struct opening *opening = context;
    Hb__Personal *personal = (Hb__Personal *)message;
    if (message->descriptor != &hb__personal__descriptor || personal->kind_case != HB__PERSONAL__KIND_SEALED)
        return;
    opening->list = arena_grow(&opening->request->arena, opening->list, opening->count, sizeof *opening->list);
    opening->list[opening->count++] = personal;
}

static bool is_withheld(const Intake__Opened *opened, size_t at)
{
    return at < opened->n_withheld && opened->withheld[at];
}

static bool is_gone(const Intake__Opened *opened, size_t at, const char *field)
{
    for (size_t i = 0; i < opened->n_gone && !*opened->texts[at]; i++)
        if (strcmp(opened->gone[i], field) == 0)
            return true;
    return false;
}

static void show(const struct opening *opening, const Intake__Opened *opened)
{
    for (size_t i = 0; i < opening->count && i < opened->n_texts; i++) {
        Hb__Personal *personal = opening->list[i];
        if (is_withheld(opened, i) || is_gone(opened, i, personal->sealed->field))
            continue;
        personal->kind_case = HB__PERSONAL__KIND_PLAIN;
        personal->plain = opened->texts[i];
    }
}

/* A box is of no use to anybody outside. */
static void drop_boxes(const struct opening *opening)
{
    for (size_t i = 0; i < opening->count; i++)
        if (opening->list[i]->kind_case == HB__PERSONAL__KIND_SEALED)
            opening->list[i]->sealed->box = (ProtobufCBinaryData){0};
}

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__CommandReply *reply)
{
    struct opening *opening = context;
    if (!refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED)
        show(opening, reply->opened);
    drop_boxes(opening);
    bool partly = !refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED;
    opening->then(request, opening->context, partly ? reply->opened->unopened : refused,
                  partly && reply->opened->masked);
}

void case_open_ask(struct http_request *request, uint64_t case_id, Intake__Open *open, const char *otherwise,
                   cell_command_fn *done, void *context)
{
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    const char *purpose = parameter_text(request, "purpose");
    open->purpose = (char *)(uintptr_t)(*purpose ? purpose : otherwise);
    cell_command_id_new(id);
    command.id = id;
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = open;
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, done, context);
}

void case_open_texts(struct http_request *request, uint64_t case_id, ProtobufCMessage *const *messages, size_t count,
                     case_open_fn *then, void *context)
{
    struct opening *opening = arena_zero(&request->arena, sizeof *opening);
    Intake__Open open = INTAKE__OPEN__INIT;
    *opening = (struct opening){.request = request, .then = then, .context = context};
    for (size_t i = 0; i < count; i++)
        message_visit(messages[i], find_sealed, opening);
    if (opening->count == 0) {
        then(request, context, NULL, false);
        return;
    }
    const char *purpose = parameter_text(request, "purpose");
    open.masked = !purpose[strspn(purpose, " \t\r\n")];
    open.boxes = arena_alloc(&request->arena, opening->count * sizeof *open.boxes);
    for (size_t i = 0; i < opening->count && i < CASE_OPEN_BOXES_MAX; i++)
        open.boxes[open.n_boxes++] = opening->list[i]->sealed;
    case_open_ask(request, case_id, &open, "case file", on_opened, opening);
}
