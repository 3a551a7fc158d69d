/* Receipts that can be checked by anybody who has them (internal to the portal). */
#ifndef HEARBACK_GATEWAY_PORTAL_PROOF_H
#define HEARBACK_GATEWAY_PORTAL_PROOF_H

#include "portal_visit.h"

/* Goes on with visit->proof, the link of the session's receipt; NULL: none can be made now. */
void portal_proof_know(struct visit *visit, visit_then_fn *then);
void page_proof(struct page *page, const char *proof);

#endif
