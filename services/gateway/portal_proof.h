/* Receipts that can be checked by anybody who has them: the portal's, and the slip of whoever registers for another. */
#ifndef HEARBACK_GATEWAY_PORTAL_PROOF_H
#define HEARBACK_GATEWAY_PORTAL_PROOF_H

#include "portal_visit.h"

/* Goes on with visit->proof, the link of the session's receipt; NULL: none can be made now. */
void portal_proof_know(struct visit *visit, visit_then_fn *then);
/* The same of any case, with the hash that intake gives for the entry that registers it; NULL: it gave none. */
const char *portal_proof_link(struct http_request *request, uint64_t case_id, uint64_t offset,
                              const ProtobufCBinaryData *hash);
void page_proof(struct page *page, const char *proof);

#endif
