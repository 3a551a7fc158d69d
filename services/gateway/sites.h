/* What the gateway must know of a site: its bucket, to find the instance that has it, and its time zone, to write
   times as people there read them. Asked of directory when needed and kept a minute. */
#ifndef HEARBACK_GATEWAY_SITES_H
#define HEARBACK_GATEWAY_SITES_H

#include "http.h"

#define SITES_FRESH_MS 60000

struct zone;

struct sites *sites_open(struct gateway *gateway);

/* Sees to it that the site is known, as far as it exists and directory answers; then calls `done`, perhaps at once. */
typedef void sites_done_fn(struct http_request *request, void *context);
void sites_know(struct http_request *request, const char *site, sites_done_fn *done, void *context);
/* The same for several; `sites` lives as long as the request. */
void sites_know_all(struct http_request *request, const char *const *sites, size_t count, sites_done_fn *done,
                    void *context);

uint32_t sites_bucket(const struct gateway *gateway, const char *site);         /* 0 for an unknown one */
const struct zone *sites_zone_named(struct gateway *gateway, const char *zone); /* of another cell's site */
const struct zone *sites_zone(const struct gateway *gateway, const char *site); /* NULL (UTC) for an unknown one */

#endif
