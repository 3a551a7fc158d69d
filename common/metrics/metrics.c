#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#define METRICS_MAX 128u

struct metric {
    enum metric_kind kind;
    const char *name, *help, *labels;
    const uint64_t *value;
};

struct metrics {
    struct metric list[METRICS_MAX];
    unsigned count;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    bug_unless(metrics);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

void metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help, const char *labels,
                 const uint64_t *value)
{
    bug_unless(metrics->count < METRICS_MAX);
    metrics->list[metrics->count++] = (struct metric){kind, name, help, labels, value};
}

char *metrics_print(const struct metrics *metrics, struct arena *arena)
{
    char *text = arena_strdup(arena, "");
    for (unsigned i = 0; i < metrics->count; i++) {
        const struct metric *metric = &metrics->list[i];
        bool again = i && strcmp(metrics->list[i - 1].name, metric->name) == 0; /* of another label: told of once */
        if (!again)
            text = arena_printf(arena, "%s# HELP %s %s\n# TYPE %s %s\n", text, metric->name, metric->help, metric->name,
                                metric->kind == METRIC_COUNTER ? "counter" : "gauge");
        text = arena_printf(arena, "%s%s{%s} %" PRIu64 "\n", text, metric->name, metric->labels, *metric->value);
    }
    return text;
}
