/* Medians and percentiles from bins: what a sorted list says, to a thousandth, and exactly where values are few or
 * alike. */
#include "../support/puppet.h"

#include "analytics.h"

#include <inttypes.h>

#define VALUES 600

static int64_t values[VALUES], within[VALUES];
static size_t count, within_count;

/* Toy texts: "+ 42" a case came, "- 42" it went. */
static void decide(struct turn *turn, const Hb__Command *command)
{
    Hb__Event *event = turn_event(turn, "garden", 0);
    event->payload_case = HB__EVENT__PAYLOAD_TOY;
    event->toy = command->toy;
    turn_say(turn, event);
}

static struct key tally(void)
{
    return analytics_tally_key("garden", "i", "2025-03", "");
}

static void evolve(struct turn *turn, const Hb__Event *event)
{
    struct key key = tally(), other = analytics_tally_key("garden", "i", "2025-03", "a");
    char sign;
    int64_t value;
    for (char *at = (char *)event->toy.data; sscanf(at, " %c %" SCNd64, &sign, &value) == 2; at = strchr(at, ';') + 1) {
        analytics_spread_add(turn, &key, value, sign == '+');
        analytics_spread_add(turn, &other, 1, sign == '+'); /* a neighbour that must not be counted */
    }
}

static uint32_t percent;
static int64_t without[VALUES], answered;
static size_t without_count;

static void answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    (void)query;
    struct key key = tally();
    answered = analytics_percentile(turn, &key, without, without_count, count - without_count, percent);
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_TOY;
}

static const char *const tables[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "spread"};
static const struct service counter = {.name = "analytics",
                                       .id = HB__SERVICE__ANALYTICS,
                                       .tables = tables,
                                       .tables_count = sizeof tables / sizeof *tables,
                                       .decide = decide,
                                       .evolve = evolve,
                                       .answer = answer};

static void tell(struct world *world, char sign, const int64_t *list, size_t size)
{
    char *text = arena_strdup(&world->arena, "");
    for (size_t i = 0; i < size; i++)
        text = arena_printf(&world->arena, "%s%c %" PRId64 ";", text, sign, list[i]);
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){strlen(text) + 1, (uint8_t *)text};
    assert_null(world_command(world, HB__SERVICE__ANALYTICS, &command)->refused);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double naive(uint32_t of)
{
    qsort(within, within_count, sizeof *within, by_value);
    size_t rank = (within_count * of + 99) / 100;
    return of == 50 && within_count % 2 == 0 ? ((double)within[rank - 1] + (double)within[rank]) / 2
                                             : (double)within[rank - 1];
}

/* Of all values but each `skip`th, which is hidden. */
static void agree(struct world *world, unsigned skip, bool exact)
{
    static const uint32_t percents[] = {1, 25, 50, 75, 90, 95, 99};
    for (size_t p = 0; p < sizeof percents / sizeof *percents; p++) {
        Hb__Query query = HB__QUERY__INIT;
        query.payload_case = HB__QUERY__PAYLOAD_TOY;
        within_count = without_count = 0;
        for (size_t i = 0; i < count; i++)
            if (skip && i % skip == 0)
                without[without_count++] = values[i];
            else
                within[within_count++] = values[i];
        percent = percents[p];
        assert_non_null(simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena));
        double want = naive(percent), off = (double)answered - want, size = want < 0 ? -want : want;
        if ((off < 0 ? -off : off) > (exact ? 0.5 : size / 1000 + 0.5))
            fail_msg("%u %% of %zu: %lld, not %.1f", percent, within_count, (long long)answered, want);
    }
}

static uint64_t scattered(unsigned i)
{
    return (i * 7919ull + 17) * 0x9e3779b97f4a7c15ull;
}

static void test_as_a_sorted_list(void **state)
{
    static const int64_t round[] = {1000, 2000, 3000, 3000, 3000, 4000, 5000, 5000};
    struct world *world = *state;
    memcpy(values, round, sizeof round);
    count = sizeof round / sizeof *round;
    tell(world, '+', values, count);
    agree(world, 0, true);
    agree(world, 3, true);
    tell(world, '-', values + 4, count - 4);
    count = 4;
    agree(world, 0, true); /* what went leaves nothing behind */
    tell(world, '-', values, count);
    for (count = 0; count < VALUES; count++) /* of every size, some below nought */
        values[count] = (int64_t)(scattered((unsigned)count) >> (24 + count % 38)) * (count % 7 ? 1 : -1);
    for (size_t i = 0; i < VALUES; i += 60)
        tell(world, '+', values + i, 60);
    agree(world, 0, false);
    agree(world, 2, false);
    agree(world, 5, false);
}

/* A bin holds what is close, and nothing else: so the number of rows is bounded and the error is. */
static void test_bins(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 2048; i++)
        assert_true(analytics_bin(i) == analytics_bin(0) + (uint64_t)i);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(scattered(i) >> (2 + i % 50)), near = value + value / 1024;
        assert_true(analytics_bin(value) <= analytics_bin(value + 1) &&
                    analytics_bin(-value) >= analytics_bin(-value - 1));
        assert_true(analytics_bin(near + 1) > analytics_bin(value));
    }
    assert_true(analytics_bin(-1) < analytics_bin(0));
    uint64_t year = analytics_bin(365ll * 86400000) - analytics_bin(60000);
    assert_true(year > 18000 && year < 20000);
}

static int setup(void **state)
{
    static struct world world;
    static const struct service *const services[] = {&counter};
    world = (struct world){0};
    world_open(&world, services, 1, 5);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state); /* a fresh fold makes the same bins */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_a_sorted_list), cmocka_unit_test(test_bins)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
