/* The receipt: number, tracking code and promised dates, from the session cookie alone, so that it is there whatever
   else is down; only the code that proves it needs intake. The code stands in no address. */
#include "portal_files.h"
#include "portal_proof.h"

static void add_slip(struct page *page, const Gatewayrec__Session *session)
{
    size_t number = strlen(session->number);
    const char *code = session->tracking_code;
    if (strncmp(code, session->number, number) == 0 && code[number] == '-')
        code += number + 1;
    html_add(&page->html,
             "<div class=\"slip\"><h2>%s</h2><dl><dt>%s</dt><dd class=\"code\" id=\"number\">%s</dd><dt>%s</dt>"
             "<dd class=\"code\" id=\"code\">%s</dd><dt>%s</dt><dd class=\"plain\">%s</dd></dl></div><p>%s</p>\n",
             page_text(page, TEXT_RECEIPT_KEEP), page_text(page, TEXT_RECEIPT_NUMBER), session->number,
             page_text(page, TEXT_RECEIPT_CODE), code, page_text(page, TEXT_RECEIPT_WHERE), page->site,
             page_text(page, TEXT_RECEIPT_KEEP_HINT));
}

static void add_promised(struct page *page, const Intake__Promised *promised)
{
    struct arena *arena = page->html.arena;
    html_add(&page->html, "<li><span>%s</span> <b>%s%s</b>", portal_label(page->language, promised->label),
             page_text(page, TEXT_DATE_BY),
             deadline_words(page->zone, promised->due_ms, page->now_ms, page->language, arena));
    if (promised->provisional)
        html_add(&page->html, "<span class=\"soft small\">%s</span>", page_text(page, TEXT_DATE_PROVISIONAL));
    html_add(&page->html, "<details><summary>%s</summary><div>", page_text(page, TEXT_CLOCK_WHY));
    page_clauses(page, promised->clauses, promised->n_clauses);
    html_add(&page->html, "</div></details></li>\n");
}

static void add_dates(struct page *page, const Gatewayrec__Session *session)
{
    html_add(&page->html, "<section class=\"card\"><h2>%s</h2>", page_text(page, TEXT_DATES));
    if (session->n_promised == 0)
        html_add(&page->html, "<p>%s</p>", page_text(page, TEXT_DATES_NONE));
    html_add(&page->html, "<ul class=\"dates\">");
    for (size_t i = 0; i < session->n_promised; i++)
        add_promised(page, session->promised[i]);
    html_add(&page->html, "</ul></section>\n");
}

static void page_receipt(struct page *page, const Gatewayrec__Session *session, const char *proof)
{
    const char *title = page_text(page, TEXT_RECEIPT_TITLE);
    struct arena *arena = page->html.arena;
    page->here = "/receipt";
    page_begin(page, title, false);
    html_add(&page->html, "<div class=\"panel\"><h1>%s</h1><p>%s</p></div>\n", title,
             page_text(page, TEXT_RECEIPT_LEAD));
    page_files_refused(page, session, true);
    add_slip(page, session);
    add_dates(page, session);
    if (proof)
        page_proof(page, proof);
    html_add(&page->html, "<p class=\"print\">%s%s</p>\n", page_text(page, TEXT_RECEIPT_PRINT),
             time_words(page->zone, page->now_ms, 0, page->language, arena));
    html_add(&page->html,
             "<div class=\"actions\"><a class=\"button\" href=\"/case\">%s</a>"
             "<a class=\"button second\" href=\"/submit?site=%s\">%s</a></div>\n",
             page_text(page, TEXT_RECEIPT_SEE), html_url(arena, session->site), page_text(page, TEXT_RECEIPT_MORE));
    page_end(page);
}

static void on_proof(struct visit *visit, void *context)
{
    (void)context;
    page_receipt(&visit->page, visit->session, visit->proof);
    visit_answer(visit, 200);
}

static void on_organisation(struct visit *visit, void *context)
{
    (void)context;
    const Directory__Site *site = visit_find_site(visit, visit->session->site);
    if (!site) {
        visit_redirect(visit, "/track");
        return;
    }
    visit_site(visit, site);
    portal_proof_know(visit, on_proof);
}

void portal_receipt(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    if (visit->session)
        visit_organisation(visit, on_organisation, NULL);
    else
        visit_redirect(visit, "/track?over=1");
}
