#ifndef HEARBACK_GATEWAY_OPENAPI_H
#define HEARBACK_GATEWAY_OPENAPI_H

#include "http.h"

void openapi_get(struct http_request *request); /* GET /openapi.json */

/* openapi_schema.c: new references. `schemas` collects what they refer to. */
json_t *openapi_reference(json_t *schemas, const ProtobufCMessageDescriptor *message);
json_t *openapi_problem(void);

/* Bodies and answers that are no message alone: for the table of routes. */
typedef json_t *openapi_schema_fn(json_t *schemas);
openapi_schema_fn openapi_held, openapi_refuse_held;
openapi_schema_fn openapi_count, openapi_audit, openapi_chains, openapi_checked, openapi_differs, openapi_rehearsed;
openapi_schema_fn openapi_submission, openapi_import, openapi_live, openapi_ready, openapi_document, openapi_submitted,
    openapi_imported, openapi_acted, openapi_file, openapi_timeline, openapi_explained, openapi_documents, openapi_form,
    openapi_about, openapi_sign_in, openapi_session, openapi_nothing, openapi_tokens_ended, openapi_tokens_left,
    openapi_password, openapi_setup, openapi_totp, openapi_code, openapi_recovery, openapi_tokens, openapi_make_token,
    openapi_token_made, openapi_setup_code, openapi_views, openapi_make_view, openapi_view, openapi_changes,
    openapi_kpi, openapi_changed, openapi_moved, openapi_policies, openapi_year, openapi_labels, openapi_holidays,
    openapi_indicators, openapi_attachments, openapi_attached;

#endif
