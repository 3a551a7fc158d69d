/* Figures for Prometheus (text format 0.0.4). The owner keeps its counts as plain integers; they are registered once by
   address and read when somebody asks (layer 1). */
#ifndef HEARBACK_METRICS_METRICS_H
#define HEARBACK_METRICS_METRICS_H

#include "base/arena.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* Metrics of one name and several labels are added one after the other. `name` (hearback_...), `help` and `labels`
 * ("service=\"casework\"") must outlive the metrics; `value` is read at print. */
void metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help, const char *labels,
                 const uint64_t *value);

char *metrics_print(const struct metrics *metrics, struct arena *arena);

#endif
