/* What an instance counts, for /metrics and `hearback status`. */
#include "metrics/metrics.h"
#include "service/internal.h"

#include <stdio.h>

void instance_counters_open(struct instance *instance)
{
    snprintf(instance->labels, sizeof instance->labels, "service=\"%s\",partition=\"%u\"", instance->service->name,
             instance->options.partition);
    struct metrics *metrics = instance->metrics = metrics_new();
    const char *labels = instance->labels;
    metrics_add(metrics, METRIC_COUNTER, "hearback_turns_total", "Committed turns", labels, &instance->counts.turns);
    metrics_add(metrics, METRIC_COUNTER, "hearback_cursor_commits_total", "Commits that only moved cursors", labels,
                &instance->counts.commits_cursor_only);
    metrics_add(metrics, METRIC_COUNTER, "hearback_events_heard_total", "Events heard", labels,
                &instance->counts.events_heard);
    metrics_add(metrics, METRIC_COUNTER, "hearback_events_said_total", "Events said", labels,
                &instance->counts.events_said);
    metrics_add(metrics, METRIC_COUNTER, "hearback_commands_total", "Commands decided", labels,
                &instance->counts.commands);
    metrics_add(metrics, METRIC_COUNTER, "hearback_refusals_total", "Commands refused", labels,
                &instance->counts.refusals);
    metrics_add(metrics, METRIC_COUNTER, "hearback_overloaded_commands_total", "Commands that found the door full",
                labels, &instance->door_crowd.refused);
    metrics_add(metrics, METRIC_COUNTER, "hearback_overloaded_queries_total", "Queries that could not be parked",
                labels, &instance->query_crowd.refused);
    metrics_add(metrics, METRIC_COUNTER, "hearback_overloaded_fetches_total", "Fetches that could not be parked",
                labels, &instance->fetch_crowd.refused);
    metrics_add(metrics, METRIC_GAUGE, "hearback_door_commands", "Commands not decided yet", labels,
                &instance->door_crowd.count);
    metrics_add(metrics, METRIC_GAUGE, "hearback_door_bytes", "Memory they take", labels, &instance->door_crowd.bytes);
    metrics_add(metrics, METRIC_COUNTER, "hearback_quarantined_total", "Inputs that aborted the service twice", labels,
                &instance->counts.quarantined);
    metrics_add(metrics, METRIC_COUNTER, "hearback_effects_refused_total",
                "Events not said: too deep a chain of causes, too many or too large", labels,
                &instance->counts.effects_refused);
    metrics_add(metrics, METRIC_GAUGE, "hearback_waiting_events", "Events waiting for what they need", labels,
                &instance->waiting_count);
    log_metrics(instance->log, metrics, labels);
    metrics_add(metrics, METRIC_GAUGE, "hearback_log_end", "Last offset of the log", labels, &instance->head.offset);
}

void instance_counters_bus(struct instance *instance, const uint64_t *undelivered)
{
    metrics_add(instance->metrics, METRIC_COUNTER, "hearback_replies_undelivered_total",
                "Replies whose asker had gone, or did not read", instance->labels, undelivered);
}

void instance_counters_close(struct instance *instance)
{
    metrics_free(instance->metrics);
}

struct metrics *instance_metrics(struct instance *instance)
{
    return instance->metrics;
}
