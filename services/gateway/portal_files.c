#include "portal_files.h"

#include "attachment.h"

bool portal_takes_files(const Policy__Kind *kind)
{
    for (size_t i = 0; i < kind->n_may; i++) {
        const Policy__May *may = kind->may[i];
        bool files = false, complainant = false;
        for (size_t k = 0; k < may->n_acts; k++)
            files = files || strcmp(may->acts[k], "attach_file") == 0;
        for (size_t k = 0; k < may->n_who; k++)
            complainant = complainant || (!may->who[k]->n_of && (strcmp(may->who[k]->root, "complainant") == 0 ||
                                                                 strcmp(may->who[k]->root, "anyone") == 0));
        if (files && complainant)
            return true;
    }
    return false;
}

/* A field that was left empty comes as a file without name and content. */
static bool is_sent(const struct multipart_part *part, bool any)
{
    return part->file && (any || strcmp(part->name, "files") == 0) && (*part->file || part->content.size);
}

size_t portal_files_count(const struct http_request *request)
{
    size_t count = 0;
    for (size_t i = 0; i < request->parts_count; i++)
        count += is_sent(&request->parts[i], false);
    return count;
}

struct adding {
    struct visit *visit;
    uint64_t case_id;
    bool any;
    const char *command;
    Gatewayrec__Session *session;
    portal_files_fn *then;
    void *context;
    size_t at;
    uint32_t part;
};

static void add_next(struct adding *adding);

static void say_refused(struct adding *adding, const char *name, const char *why)
{
    Gatewayrec__Session *session = adding->session;
    struct arena *arena = visit_arena(adding->visit);
    if (session->n_unattached == PORTAL_FILES_SAID_MAX)
        return;
    char *text = arena_printf(arena, adding->visit->language == LANGUAGE_ZH ? "%s：%s" : "%s: %s", name, why);
    size_t most = PORTAL_FILE_SAID_BYTES_MAX;
    if (strlen(text) > most) {
        while (((uint8_t)text[most] & 0xc0) == 0x80)
            most--;
        text[most] = 0;
    }
    session->unattached = arena_grow(arena, session->unattached, session->n_unattached, sizeof *session->unattached);
    session->unattached[session->n_unattached++] = text;
}

static void on_added(struct http_request *request, void *context, const Hb__Refusal *refused,
                     struct attachment *attachment)
{
    (void)request;
    struct adding *adding = context;
    enum language language = adding->visit->language;
    if (!refused)
        adding->session->attached++;
    else if (refused->status >= 500)
        say_refused(adding, attachment->name, portal_text(language, TEXT_FILE_LATER));
    else
        say_refused(adding, attachment->name, portal_label(language, refused->text));
    add_next(adding);
}

static void add_one(struct adding *adding, const struct multipart_part *part)
{
    struct arena *arena = visit_arena(adding->visit);
    struct attachment *attachment = arena_zero(arena, sizeof *attachment);
    attachment->case_id = adding->case_id;
    attachment->name = *part->file ? part->file : "file";
    attachment->claimed = part->type;
    attachment->content = part->content;
    attachment->part = adding->part;
    attachment->command = adding->command ? arena_printf(arena, "%s-f%u", adding->command, adding->part) : NULL;
    adding->part++;
    attachment_add(adding->visit->request, attachment, on_added, adding);
}

static void add_next(struct adding *adding)
{
    struct http_request *request = adding->visit->request;
    while (adding->at < request->parts_count) {
        const struct multipart_part *part = &request->parts[adding->at++];
        if (!is_sent(part, adding->any))
            continue;
        if (adding->part < PORTAL_FILES_MAX) {
            add_one(adding, part);
            return;
        }
        say_refused(adding, attachment_name(&request->arena, part->file),
                    visit_text(adding->visit, TEXT_FILES_TOO_MANY));
    }
    adding->then(adding->visit, adding->context);
}

void portal_files_add(struct visit *visit, uint64_t case_id, bool any, const char *command,
                      Gatewayrec__Session *session, portal_files_fn *then, void *context)
{
    struct adding *adding = arena_zero(visit_arena(visit), sizeof *adding);
    *adding = (struct adding){.visit = visit,
                              .case_id = case_id,
                              .any = any,
                              .command = command,
                              .session = session,
                              .then = then,
                              .context = context};
    session->attached = 0;
    session->n_unattached = 0;
    add_next(adding);
}
