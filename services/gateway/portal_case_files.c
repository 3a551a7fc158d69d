/* Files of a complainant's own case: adding some from its page, having one's own back, and those that the staff gives
   with an answer. All else that the staff attached stays with the staff. */
#include "portal_case.h"

#include "attachment.h"
#include "portal_files.h"

char *case_files_purpose(struct visit *visit)
{
    return arena_printf(visit_arena(visit), "files:%016llx", (unsigned long long)visit->session->case_id);
}

static bool is_seen(const Casework__Seen *seen, const char *field)
{
    bool now = false;
    for (size_t i = 0; seen && i < seen->n_now && !now; i++)
        now = strcmp(seen->now[i], field) == 0;
    return now;
}

bool case_file_is_shown(const Casework__CaseFile *file, const Casework__Attachment *one)
{
    bool shown = one->complainant;
    for (size_t i = 0; i < file->n_facts && !shown; i++) {
        const Hb__Fact *fact = file->facts[i];
        shown = fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT &&
                strcmp(fact->value->text, one->file) == 0 && is_seen(file->seen, fact->name);
    }
    return shown;
}

struct sent {
    Gatewayrec__Session session;
    char id[COMMAND_ID_CHARACTERS + 1];
};

static void on_done(struct visit *visit, void *context)
{
    struct sent *sent = context;
    sent->session.after = visit->request->after;
    sent->session.n_after = visit->request->n_after;
    visit_session_set(visit, &sent->session);
    visit_redirect(visit, "/case");
}

void portal_case_files_sent(struct http_request *request)
{
    if (!http_form_read(request))
        return;
    struct visit *visit = visit_begin(request);
    const char *number = http_form(request, "number");
    if (!visit->session) {
        visit_redirect(visit, "/track?over=1");
        return;
    }
    if (!number || strcmp(number, visit->session->number) != 0) { /* a page left open, of another case */
        visit_redirect(visit, "/track?other=1");
        return;
    }
    struct sent *sent = arena_zero(&request->arena, sizeof *sent);
    if (!form_token_check(&visit->portal->keys, case_files_purpose(visit), http_form(request, "token"),
                          request->came_ms, sent->id)) {
        char *why[] = {(char *)(uintptr_t)visit_text(visit, TEXT_TOKEN_OLD)};
        Gatewayrec__Session session = *visit->session;
        session.unattached = why;
        session.n_unattached = 1;
        visit_session_set(visit, &session);
        visit_redirect(visit, "/case");
        return;
    }
    if (!visit_may(visit, &visit->portal->submitting))
        return;
    sent->session = *visit->session;
    request->after = visit->session->after;
    request->n_after = visit->session->n_after;
    portal_files_add(visit, visit->session->case_id, false, sent->id, &sent->session, on_done, sent);
}

/* ---- back again ---- */

static void on_file(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct visit *visit = context;
    if (refused) {
        visit_fail(visit, refused->status, refused);
        return;
    }
    const Casework__CaseFile *file = reply->casework->file;
    const char *id = http_param(request, "file");
    for (size_t i = 0; i < file->n_attachments; i++)
        if (strcmp(file->attachments[i]->file, id) == 0 && case_file_is_shown(file, file->attachments[i])) {
            visit_let_go(visit);
            attachment_send(request, file->case_id, file->attachments[i],
                            file->attachments[i]->complainant ? "portal: the complainant's own file"
                                                              : "portal: a file given to the complainant");
            return;
        }
    visit_fail(visit, 404, NULL);
}

void portal_case_file(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    if (!visit->session) {
        visit_redirect(visit, "/track?over=1");
        return;
    }
    if (!visit_may(visit, &visit->portal->viewing))
        return;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    request->after = visit->session->after;
    request->n_after = visit->session->n_after;
    query.case_id = get.case_id = visit->session->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_GET;
    casework.get = &get;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_file, visit);
}
