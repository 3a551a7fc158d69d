/* What the programs here share: clocks and the order of samples. */
#ifndef HEARBACK_BENCH_MEASURE_H
#define HEARBACK_BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Processor time of this process: what waits for nothing is measured by it, so that others on the machine count less.
 */
static inline uint64_t processor_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

struct samples {
    uint64_t *list;
    size_t count, room;
};

static inline void samples_add(struct samples *samples, uint64_t sample)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 4096;
        samples->list = realloc(samples->list, samples->room * sizeof *samples->list);
        if (!samples->list)
            abort();
    }
    samples->list[samples->count++] = sample;
}

static inline int samples_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static inline void samples_sort(struct samples *samples)
{
    if (samples->count)
        qsort(samples->list, samples->count, sizeof *samples->list, samples_compare);
}

/* Of sorted samples; 0 when there are none. */
static inline uint64_t samples_at(const struct samples *samples, double share)
{
    return samples->count ? samples->list[(size_t)((double)(samples->count - 1) * share)] : 0;
}

#endif
