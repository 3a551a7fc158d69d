/* The whole file of one case, for whoever looks for the reason of a failure. */
#include "storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int by_time(const void *a, const void *b)
{
    const Hb__Event *x = *(const Hb__Event *const *)a, *y = *(const Hb__Event *const *)b;
    if (x->recorded_ms != y->recorded_ms)
        return x->recorded_ms < y->recorded_ms ? -1 : 1;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void show_instance(const Watchdog__Instance *instance)
{
    printf(" %s/%u.%s", instance->clock, instance->round, instance->part);
}

static void show_watchdog(const Watchdog__Event *said)
{
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        printf("armed %s", said->armed->reason);
        show_instance(said->armed->instance);
        printf(" start %" PRId64 " due %" PRId64, said->armed->start_ms, said->armed->due_ms);
        for (size_t i = 0; i < said->armed->n_warn_ms; i++)
            printf(" warn %" PRId64, said->armed->warn_ms[i]);
        return;
    case WATCHDOG__EVENT__KIND_PAUSED:
        printf("paused");
        show_instance(said->paused->instance);
        return;
    case WATCHDOG__EVENT__KIND_MET:
        printf("met");
        show_instance(said->met->instance);
        printf(" at %" PRId64 "%s", said->met->at_ms, said->met->late ? " late" : "");
        return;
    case WATCHDOG__EVENT__KIND_MISSED:
        printf("missed");
        show_instance(said->missed->instance);
        printf(" due %" PRId64, said->missed->due_ms);
        return;
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        printf("withdrawn");
        show_instance(said->miss_withdrawn->instance);
        printf(" due %" PRId64, said->miss_withdrawn->due_ms);
        return;
    case WATCHDOG__EVENT__KIND_CANCELLED:
        printf("cancelled");
        show_instance(said->cancelled->instance);
        return;
    case WATCHDOG__EVENT__KIND_POINT:
        printf("point %d %u", said->point->point, said->point->index);
        show_instance(said->point->instance);
        printf(" at %" PRId64 " due %" PRId64, said->point->at_ms, said->point->due_ms);
        return;
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
}

static void show_facts(const Hb__Event *event)
{
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Value *value = event->facts[i]->value;
        printf(" %s=", event->facts[i]->name);
        if (value && value->kind_case == HB__VALUE__KIND_TEXT)
            printf("%s", value->text);
        else if (value && value->kind_case == HB__VALUE__KIND_TIME_MS)
            printf("%" PRId64, value->time_ms);
        else
            printf("%s", value ? "?" : "-");
    }
}

static void show(const Hb__Event *event)
{
    printf("  %" PRId64 " (%" PRId64 ") %d:%" PRIu64 "%s ", event->recorded_ms, event->occurred_ms, event->service,
           event->offset, event->history ? " history" : "");
    if (event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG)
        show_watchdog(event->watchdog);
    else if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
             event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN)
        printf("%s: %s -> %s phase %u round %u", event->casework->step_taken->step, event->casework->step_taken->from,
               event->casework->step_taken->stage, event->casework->step_taken->phase,
               event->casework->step_taken->round);
    else if (event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
             event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD)
        printf("told %s", event->notification->told->notice);
    else if (event->payload_case == HB__EVENT__PAYLOAD_ESCALATION &&
             event->escalation->kind_case == ESCALATION__EVENT__KIND_REACHED)
        printf("reached %s", event->escalation->reached->key);
    else
        printf("payload %d kind %d", event->payload_case, event->casework->kind_case); /* first in every payload */
    show_facts(event);
    printf("\n");
}

void storm_show(struct storm *storm)
{
    if (!storm->options.trace || !storm->about)
        return;
    const struct storm_case *one = storm->about;
    printf("  case %s %s\n", one->registered->intake->registered->number, one->registered->intake->registered->kind);
    qsort(one->events, one->events_count, sizeof *one->events, by_time);
    for (size_t i = 0; i < one->events_count; i++)
        show(one->events[i]);
}
