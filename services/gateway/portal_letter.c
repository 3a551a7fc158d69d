/* A letter that the complainant received, as pages of A4: the very text that was issued then, however the case or the
   policy has changed since. Only what the policy says is public, and only of the session's own case. */
#include "portal_case.h"

#include "document.h"
#include "json/json.h"

#include <stdlib.h>

struct reading {
    struct case_shown *shown;
    const Casework__Issued *issued;
};

static json_t *pair(const Hb__Label *label)
{
    return json_pack("{s:s, s:s}", "zh", label->zh, "en", *label->en ? label->en : label->zh);
}

static void print(struct reading *reading, const char *text)
{
    struct visit *visit = reading->shown->visit;
    const Casework__Issued *issued = reading->issued;
    json_t *data = json_pack("{s:o, s:s, s:s, s:s, s:i, s:s, s:b, s:b, s:[], s:[{s:[{s:s}]}]}", "name",
                             pair(issued->letter->label), "code", "", "class", "public", "number", issued->number,
                             "version", (int)issued->version, "issued_at",
                             json_time_text(visit->page.zone, issued->at_ms, visit_arena(visit)), "draft", false,
                             "letter", true, "copies", "blocks", "rows", "value", text);
    visit_let_go(visit);
    document_print(visit->request, data, visit->language == LANGUAGE_EN);
    json_decref(data);
}

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__CommandReply *reply)
{
    (void)request;
    struct reading *reading = context;
    const Intake__Opened *opened =
        !refused && reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED ? reply->opened : NULL;
    if (opened && opened->n_texts == 1 && *opened->texts[0])
        print(reading, opened->texts[0]);
    else
        visit_fail(reading->shown->visit, opened ? 404 : 503, refused); /* an erased one is no letter any more */
}

static void ask_text(struct reading *reading)
{
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Open open = INTAKE__OPEN__INIT;
    Hb__Sealed *box = reading->issued->letter->text->text->sealed;
    command.site = reading->shown->file->site;
    command.case_id = reading->shown->file->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = &open;
    open.purpose = "portal: a letter to the complainant";
    open.boxes = &box;
    open.n_boxes = 1;
    cell_command(reading->shown->visit->request, HB__SERVICE__INTAKE, &command, 0, on_opened, reading);
}

static bool is_public(const Casework__Issued *issued)
{
    const Hb__Letter *letter = issued->letter;
    return letter && letter->public_ && letter->text && letter->text->content_case == HB__FIELD__CONTENT_TEXT &&
           letter->text->text->kind_case == HB__PERSONAL__KIND_SEALED;
}

static void find(struct case_shown *shown)
{
    struct reading *reading = arena_alloc(visit_arena(shown->visit), sizeof *reading);
    const char *document = http_param(shown->visit->request, "document"),
               *issue = http_param(shown->visit->request, "issue");
    unsigned long nth = strtoul(issue, NULL, 10);
    *reading = (struct reading){.shown = shown};
    for (size_t i = 0; i < shown->file->n_documents; i++) {
        const Casework__Issued *issued = shown->file->documents[i];
        if (is_public(issued) && issued->letter->issue == nth && strcmp(issued->document, document) == 0)
            reading->issued = issued;
    }
    if (reading->issued)
        ask_text(reading);
    else
        visit_fail(shown->visit, 404, NULL);
}

void portal_letter(struct http_request *request)
{
    case_visit(request, find);
}
