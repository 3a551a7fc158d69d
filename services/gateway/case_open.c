#include "cases.h"

#include "message/message.h"
#include "parameters.h"

struct opening {
    struct http_request *request;
    uint64_t case_id;
    Hb__Personal **list;
    size_t count, at, asked; /* intake opens CASE_OPEN_BOXES_MAX at a time: `asked` from `at` on */
    const Hb__Refusal *unopened;
    bool masked;
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
    for (size_t i = 0; i < opening->asked && i < opened->n_texts; i++) {
        Hb__Personal *personal = opening->list[opening->at + i];
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

static void open_next(struct opening *opening);

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__CommandReply *reply)
{
    struct opening *opening = context;
    bool opened = !refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED;
    if (opened) {
        show(opening, reply->opened);
        opening->masked = opening->masked || reply->opened->masked;
    }
    if (refused || (opened && reply->opened->unopened))
        opening->unopened = refused ? refused : reply->opened->unopened;
    opening->at += opening->asked;
    if (!refused && opening->at < opening->count) {
        open_next(opening);
        return;
    }
    drop_boxes(opening);
    opening->then(request, opening->context, opening->unopened, opening->masked);
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

static void open_next(struct opening *opening)
{
    struct http_request *request = opening->request;
    Intake__Open open = INTAKE__OPEN__INIT;
    const char *purpose = parameter_text(request, "purpose");
    size_t rest = opening->count - opening->at;
    open.masked = !purpose[strspn(purpose, " \t\r\n")];
    opening->asked = rest < CASE_OPEN_BOXES_MAX ? rest : CASE_OPEN_BOXES_MAX;
    open.boxes = arena_alloc(&request->arena, opening->asked * sizeof *open.boxes);
    for (size_t i = 0; i < opening->asked; i++)
        open.boxes[open.n_boxes++] = opening->list[opening->at + i]->sealed;
    case_open_ask(request, opening->case_id, &open, "case file", on_opened, opening);
}

void case_open_texts(struct http_request *request, uint64_t case_id, ProtobufCMessage *const *messages, size_t count,
                     case_open_fn *then, void *context)
{
    struct opening *opening = arena_zero(&request->arena, sizeof *opening);
    *opening = (struct opening){.request = request, .case_id = case_id, .then = then, .context = context};
    for (size_t i = 0; i < count; i++)
        message_visit(messages[i], find_sealed, opening);
    if (opening->count)
        open_next(opening);
    else
        then(request, context, NULL, false);
}
