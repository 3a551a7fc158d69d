/* How the values of an indicator lie, for medians and percentiles: cases counted in bins that grow with the value, so
   that a tally has a bounded number of rows, whatever it counts. A bin is at most 1/1024 of its values wide (those up
   to 2047 have one each), keeps how many lie in it and what they come to, and stands for their mean: a value that is
   alone in its bin, or there several times, is exact; none is off by more than a thousandth.

   Key: that of the tally (site NUL indicator NUL period NUL who NUL), bin BE64: 2^63 and above it for 0 and more, below
   it for less, so that the order of the rows is that of the values. The time from a minute to a year has 19,000 bins.
 */
#include "analytics.h"

#include <stdlib.h>

#define BIN_BITS 11 /* kept of a value */

uint64_t analytics_bin(int64_t value)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value, half = 1ull << 63;
    int bits = size ? 64 - __builtin_clzll(size) : 0, shift = bits > BIN_BITS ? bits - BIN_BITS : 0;
    uint64_t bin = ((uint64_t)shift << (BIN_BITS - 1)) + (size >> shift);
    return value < 0 ? half - bin : half + bin;
}

void analytics_spread_add(struct turn *turn, const struct key *tally, int64_t value, bool in)
{
    struct key key = *tally;
    key_add_u64(&key, analytics_bin(value));
    Anarec__Bin none = ANAREC__BIN__INIT;
    Anarec__Bin *bin = state_load(turn, ANALYTICS_SPREAD, key_bytes(&key), &anarec__bin__descriptor);
    bin = bin ? bin : &none;
    bin->count += in ? 1 : -(uint64_t)1;
    bin->sum += in ? value : -value;
    if (bin->count)
        state_save(turn, ANALYTICS_SPREAD, key_bytes(&key), &bin->base);
    else
        state_delete(turn, ANALYTICS_SPREAD, key_bytes(&key));
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A walk through the bins from the least on, as if those left out were not there. */
struct walk {
    struct turn *turn;
    struct state_scan *scan;
    size_t prefix;
    const int64_t *without;
    size_t without_count, past;
    uint64_t seen; /* cases up to and in this bin */
    int64_t value; /* that it stands for */
};

static bool next_bin(struct walk *walk)
{
    struct bytes key, value;
    while (state_scan_next(walk->scan, &key, &value)) {
        uint64_t bin = bytes_get_u64(key.data + walk->prefix);
        struct key whole = {.size = 0};
        key_add(&whole, key.data, key.size);
        Anarec__Bin *here = state_load(walk->turn, ANALYTICS_SPREAD, key_bytes(&whole), &anarec__bin__descriptor);
        for (; walk->past < walk->without_count && analytics_bin(walk->without[walk->past]) <= bin; walk->past++) {
            here->count--;
            here->sum -= walk->without[walk->past];
        }
        if (here->count == 0)
            continue;
        walk->seen += here->count;
        walk->value = here->sum / (int64_t)here->count;
        return true;
    }
    return false;
}

int64_t analytics_percentile(struct turn *turn, const struct key *tally, int64_t *without, size_t without_count,
                             uint64_t cases, uint32_t percent)
{
    uint64_t rank = (cases * percent + 99) / 100, second = percent == 50 && cases % 2 == 0 ? rank + 1 : rank;
    struct walk walk = {.turn = turn, .without = without, .without_count = without_count, .prefix = tally->size};
    int64_t first = 0;
    bool found = false;
    if (without_count)
        qsort(without, without_count, sizeof *without, by_value);
    walk.scan = state_scan_open(turn, ANALYTICS_SPREAD, key_bytes(tally), (struct bytes){0});
    while (walk.seen < second && next_bin(&walk)) {
        first = !found && walk.seen >= rank ? walk.value : first;
        found = found || walk.seen >= rank;
    }
    return (first + walk.value) / 2;
}
