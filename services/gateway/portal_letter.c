/* A letter that the complainant received, as pages of A4: the very text that was issued then, however the case or the
   policy has changed since. Casework tells of those only that the policy calls public, and of the session's own case.
 */
#include "portal_case.h"

#include "document.h"
#include "json/json.h"

#include <stdlib.h>

struct reading {
    struct case_shown *shown;
    const Casework__OwnMoment *sent;
};

static json_t *pair(const Hb__Label *label)
{
    return json_pack("{s:s, s:s}", "zh", label->zh, "en", *label->en ? label->en : label->zh);
}

static void print(struct reading *reading, const char *text)
{
    struct visit *visit = reading->shown->visit;
    const Hb__Letter *letter = reading->sent->letter;
    json_t *data =
        json_pack("{s:o, s:s, s:s, s:s, s:i, s:s, s:b, s:b, s:[], s:[{s:[{s:s}]}]}", "name", pair(letter->label),
                  "code", "", "class", "public", "number", letter->number, "version", (int)reading->sent->version,
                  "issued_at", json_time_text(visit->page.zone, reading->sent->at_ms, visit_arena(visit)), "draft",
                  false, "letter", true, "copies", "blocks", "rows", "value", text);
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

static void find(struct case_shown *shown)
{
    struct reading *reading = arena_alloc(visit_arena(shown->visit), sizeof *reading);
    const char *document = http_param(shown->visit->request, "document"),
               *issue = http_param(shown->visit->request, "issue");
    unsigned long nth = strtoul(issue, NULL, 10);
    *reading = (struct reading){.shown = shown};
    for (size_t i = 0; i < shown->told->n_moments; i++) {
        const Hb__Letter *letter = shown->told->moments[i]->letter;
        if (letter && letter->text && letter->issue == nth && strcmp(letter->document, document) == 0)
            reading->sent = shown->told->moments[i];
    }
    if (reading->sent)
        case_open(shown->visit, &reading->sent->letter->text->text->sealed, 1, "portal: a letter to the complainant",
                  on_opened, reading);
    else
        visit_fail(shown->visit, 404, NULL);
}

void portal_letter(struct http_request *request)
{
    case_visit(request, find);
}
