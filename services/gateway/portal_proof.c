/* The receipt's QR code: its link names an entry of intake's log by place and hash, and nothing of the case. Whoever
   opens it is told whether that entry stands there, and registers a case: since each entry bears the hash of the one
   before, none can have been put there, or altered, later. */
#include "portal_proof.h"

#include "portal.h"
#include "qr.h"

#include <sodium.h>

#define HASH 32u
#define PROOF_BYTES (8u + 8u + HASH)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct proof {
    struct visit *visit;
    uint64_t case_id, offset;
    uint8_t hash[HASH];
    visit_then_fn *then;
};

static void ask(struct proof *proof, size_t hash_size, cell_query_fn *done)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__CheckReceipt check = INTAKE__CHECK_RECEIPT__INIT;
    query.case_id = check.case_id = proof->case_id;
    check.offset = proof->offset;
    check.hash = (ProtobufCBinaryData){hash_size, proof->hash};
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_RECEIPT;
    intake.receipt = &check;
    cell_query(proof->visit->request, HB__SERVICE__INTAKE, &query, done, proof);
}

/* ---- on the receipt ---- */

const char *portal_proof_link(struct http_request *request, uint64_t case_id, uint64_t offset,
                              const ProtobufCBinaryData *hash)
{
    uint8_t bytes[PROOF_BYTES];
    char text[2 * PROOF_BYTES];
    if (hash->len != HASH)
        return NULL;
    bytes_put_u64(bytes, case_id);
    bytes_put_u64(bytes + 8, offset);
    memcpy(bytes + 16, hash->data, HASH);
    sodium_bin2base64(text, sizeof text, bytes, sizeof bytes, BASE64);
    return arena_printf(&request->arena, "%s/r/%s", portal_base(request), text);
}

static void on_entry(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    struct proof *proof = context;
    struct visit *visit = proof->visit;
    const Intake__Receipt *receipt = refused ? NULL : reply->intake->receipt;
    if (receipt)
        visit->proof = portal_proof_link(request, proof->case_id, proof->offset, &receipt->hash);
    proof->then(visit, NULL);
}

void portal_proof_know(struct visit *visit, visit_then_fn *then)
{
    struct proof *proof = arena_zero(visit_arena(visit), sizeof *proof);
    proof->visit = visit;
    proof->then = then;
    proof->case_id = visit->session->case_id;
    proof->offset = visit->session->offset;
    if (proof->offset)
        ask(proof, 0, on_entry);
    else
        then(visit, NULL);
}

void page_proof(struct page *page, const char *proof)
{
    html_add(&page->html, "<section class=\"card\"><h2>%s</h2>", page_text(page, TEXT_PROOF));
    qr_add(&page->html, proof, page_text(page, TEXT_PROOF_QR));
    const char *path = strstr(proof, "/r/");
    html_add(&page->html, "<p>%s</p><p class=\"screen\"><a href=\"%s\">%s</a></p></section>\n",
             page_text(page, TEXT_PROOF_LEAD), path, page_text(page, TEXT_PROOF_LINK));
}

/* ---- where it leads ---- */

static void add_fact(struct page *page, enum text_id label, const char *value)
{
    html_add(&page->html, "<dt>%s</dt><dd>%s</dd>", page_text(page, label), value);
}

static void page_checked(struct proof *proof, const Intake__Receipt *receipt)
{
    struct page *page = &proof->visit->page;
    struct arena *arena = page->html.arena;
    const char *title = page_text(page, receipt ? TEXT_PROOF_STANDS : TEXT_PROOF_NOT);
    char hex[2 * HASH + 1];
    sodium_bin2hex(hex, sizeof hex, proof->hash, HASH);
    page_begin(page, title, false);
    html_add(&page->html, receipt ? "<div class=\"panel\"><h1>%s</h1></div>\n" : "<h1>%s</h1>\n", title);
    html_add(&page->html, "<p class=\"lead\">%s</p>\n",
             page_text(page, receipt ? TEXT_PROOF_STANDS_LEAD : TEXT_PROOF_NOT_LEAD));
    if (receipt) {
        html_source(&page->html, "<section class=\"card\"><dl class=\"facts\">");
        add_fact(page, TEXT_RECEIPT_NUMBER, receipt->number);
        add_fact(page, TEXT_RECEIPT_WHERE, page->site);
        add_fact(page, TEXT_PROOF_AT, time_words(page->zone, receipt->registered_ms, 0, page->language, arena));
        html_source(&page->html, "</dl>");
        html_add(&page->html, "<p class=\"soft small code\">intake %u %s</p></section>\n", (unsigned)proof->offset,
                 hex);
    }
    page_end(page);
    visit_answer(proof->visit, receipt ? 200 : 404);
}

static void on_checked(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    (void)request;
    struct proof *proof = context;
    struct visit *visit = proof->visit;
    const Intake__Receipt *receipt = refused ? NULL : reply->intake->receipt;
    const Directory__Site *site = receipt ? visit_find_site(visit, receipt->site) : NULL;
    if (refused && refused->status != 404) {
        visit_fail(visit, 503, refused);
        return;
    }
    if (site)
        visit_site(visit, site);
    page_checked(proof, site ? receipt : NULL);
}

static void on_organisation(struct visit *visit, void *context)
{
    (void)visit;
    ask(context, HASH, on_checked);
}

void portal_proof(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    struct proof *proof = arena_zero(&request->arena, sizeof *proof);
    const char *text = http_param(request, "entry");
    uint8_t bytes[PROOF_BYTES];
    size_t size = 0;
    proof->visit = visit;
    visit->page.here = arena_printf(&request->arena, "/r/%s", html_url(&request->arena, text));
    bool read = strlen(text) <= 2 * PROOF_BYTES &&
                sodium_base642bin(bytes, sizeof bytes, text, strlen(text), NULL, &size, NULL, BASE64) == 0 &&
                size == PROOF_BYTES;
    if (!visit_may(visit, &visit->portal->viewing))
        return;
    if (!read) {
        page_checked(proof, NULL);
        return;
    }
    proof->case_id = bytes_get_u64(bytes);
    proof->offset = bytes_get_u64(bytes + 8);
    memcpy(proof->hash, bytes + 16, HASH);
    visit_organisation(visit, on_organisation, proof);
}
