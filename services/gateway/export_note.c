#include "export_note.h"

#include "cell.h"
#include "problem.h"

#define WHAT_BYTES_MAX 596u /* of the 600 that intake takes: " ..." fits behind */

struct note {
    export_noted_fn *then;
    void *context;
    Hb__Position **after; /* what the client has seen: of the list, not of the record */
    size_t n_after;
};

static void on_noted(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__CommandReply *reply)
{
    const struct note *note = context;
    const char *seen = http_header(request, "Hearback-After");
    (void)reply;
    if (seen)
        http_set(request, "Hearback-After", seen);
    request->after = note->after;
    request->n_after = note->n_after;
    if (refused)
        problem_respond(request, refused);
    else
        note->then(note->context);
}

/* Words looked for in sealed texts are recorded by the search itself, as a keyed digest; here they would be legible. */
static bool is_told(const char *name)
{
    static const char *const left_out[] = {"text", "phone", "cursor", "limit", "order", "format", "lang", "site"};
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(name, left_out[i]) == 0)
            return false;
    return true;
}

/* "cases csv phase=open kind=complaint"; " ..." behind it where there was no room for all. */
static char *what_of(const struct http_request *request, struct arena *arena, const char *list, const char *format)
{
    char *what = arena_printf(arena, "%s %s", list, format);
    bool whole = true;
    for (size_t i = 0; i < request->query.count; i++) {
        const struct http_pair *pair = &request->query.list[i];
        if (!is_told(pair->name) || !*pair->value)
            continue;
        char *more = arena_printf(arena, "%s %s=%s", what, pair->name, pair->value);
        if (strlen(more) <= WHAT_BYTES_MAX)
            what = more;
        else
            whole = false;
    }
    if (!whole)
        what = arena_printf(arena, "%s ...", what);
    for (char *at = what; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    return what;
}

void export_note(struct http_request *request, const char *list, const char *format, const char *site,
                 export_noted_fn *then, void *context)
{
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Export export = INTAKE__EXPORT__INIT;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    struct note *note = arena_alloc(&request->arena, sizeof *note);
    *note = (struct note){then, context, request->after, request->n_after};
    request->after = NULL;
    request->n_after = 0;
    cell_command_id_new(id); /* each export is one more, whatever key came with it */
    command.id = id;
    command.site = (char *)(uintptr_t)site;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_EXPORT;
    intake.export = &export;
    export.what = what_of(request, &request->arena, list, format);
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, on_noted, note);
}
