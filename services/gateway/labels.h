/* Sheets of QR labels for the places of a site. */
#ifndef HEARBACK_GATEWAY_LABELS_H
#define HEARBACK_GATEWAY_LABELS_H

#include "http.h"

#define LABELS_MAX 500u
#define LABELS_PLACE_BYTES_MAX 200u

void labels_sheet(struct http_request *request);

#endif
