/* Files of a complainant's own case: adding some from its page, having one's own back, and those that the staff gives
   with an answer. Casework tells him of no others. */
#include "portal_case.h"

#include "attachment.h"
#include "portal_files.h"

char *case_files_purpose(struct visit *visit)
{
    return arena_printf(visit_arena(visit), "files:%016llx", (unsigned long long)visit->session->case_id);
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

static void find_file(struct case_shown *shown)
{
    struct visit *visit = shown->visit;
    const Casework__OwnCase *told = shown->told;
    const char *id = http_param(visit->request, "file");
    for (size_t i = 0; i < told->n_files; i++)
        if (strcmp(told->files[i]->file, id) == 0) {
            visit_let_go(visit);
            attachment_send(visit->request, told->case_id, told->files[i],
                            told->files[i]->complainant ? "portal: the complainant's own file"
                                                        : "portal: a file given to the complainant",
                            visit->session->tracking_code);
            return;
        }
    visit_fail(visit, 404, NULL);
}

void portal_case_file(struct http_request *request)
{
    case_visit(request, find_file);
}
