/* The gather window (performance.md 1.7). Who waits for a commit sends again once it is done; so commands fall into two
   cohorts that take turns, each waiting for the other's commit as well. Waiting a tenth of a commit for the other
   cohort joins them: one commit where there were two. Worth it only on a disk where a commit takes long; it ends as
   soon as as many wait as the last two batches held together; and when it brought nobody, it is tried ever more rarely.
 */
#include "service/internal.h"

#define WINDOW_FROM_US 300 /* a commit that takes less is not waited for */
#define WINDOW_SHARE 10
#define WINDOW_MEAN_OF 8
#define WINDOW_SKIP_MAX 64u

static int64_t micros(const struct instance *instance)
{
    return instance->env->micros(instance->env->context);
}

int64_t window_wait_us(struct instance *instance)
{
    struct window *window = &instance->window;
    uint64_t waiting = instance->door_crowd.count;
    if (!instance->env->micros || window->commit_us < WINDOW_FROM_US || window->skip ||
        waiting >= window->last + window->before)
        return 0;
    if (!window->opened_us) {
        window->opened_us = micros(instance);
        window->opened_with = waiting;
    }
    int64_t left = window->opened_us + window->commit_us / WINDOW_SHARE - micros(instance);
    return left > 0 ? left : 0;
}

void window_committed(struct instance *instance, uint64_t commands, int64_t began_us)
{
    struct window *window = &instance->window;
    if (!instance->env->micros)
        return;
    window->commit_us += (micros(instance) - began_us - window->commit_us) / WINDOW_MEAN_OF;
    if (commands == 0)
        return;
    if (window->opened_us && commands > window->opened_with) {
        window->skip_next = 0;
    } else if (window->opened_us) {
        window->skip_next = window->skip_next ? 2 * window->skip_next : 1;
        window->skip_next = window->skip_next < WINDOW_SKIP_MAX ? window->skip_next : WINDOW_SKIP_MAX;
        window->skip = window->skip_next;
    } else if (window->skip) {
        window->skip--;
    }
    window->opened_us = 0;
    window->before = window->last;
    window->last = commands;
}

int64_t window_now_us(const struct instance *instance)
{
    return instance->env->micros ? micros(instance) : 0;
}
