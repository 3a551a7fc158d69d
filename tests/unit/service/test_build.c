/* A machine whose clock is before the build cannot be right (design.md 4): the date in the programs is that of the
   build, and a start before it is suspect until the clock has passed it. */
#include "../support/folder.h"
#include "../support/scribe.h"

#include <time.h>

static int64_t wall_ms, boot_ms;

static int64_t wall(void *context)
{
    (void)context;
    return wall_ms;
}

static int64_t boot(void *context)
{
    (void)context;
    return boot_ms;
}

static void fill(void *context, uint8_t *out, size_t size)
{
    (void)context;
    memset(out, 7, size);
}

static void the_date_is_that_of_the_build(void **state)
{
    (void)state;
    assert_true(instance_build_ms > 1735689600000ll); /* 2025: this program is younger */
    assert_true(instance_build_ms <= (int64_t)time(NULL) * 1000 + 999);
}

static const char *health_at(struct instance *instance, int64_t now_ms)
{
    enum err fatal;
    boot_ms += now_ms - wall_ms;
    wall_ms = now_ms;
    instance_step(instance, &fatal);
    assert_int_equal(fatal, ERR_NONE);
    return instance_health(instance);
}

static void a_start_before_the_build_is_suspect(void **state)
{
    (void)state;
    char folder[] = "/tmp/hearback-build-XXXXXX", why[200];
    struct instance *instance;
    struct env env = {.now = wall, .boot = boot, .random = fill};
    struct instance_options options = {
        .folder = mkdtemp(folder), .cell = 1, .no_sync = true, .build_ms = PUPPET_START_MS};
    wall_ms = PUPPET_START_MS - PUPPET_HOUR_MS;
    assert_int_equal(instance_open(&speaker, &options, &env, &instance, why, sizeof why), ERR_NONE);
    assert_string_equal(health_at(instance, PUPPET_START_MS - 1), "clock_suspect");
    assert_string_equal(health_at(instance, PUPPET_START_MS), "ready");
    instance_close(instance);
    assert_true(folder_remove(folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_date_is_that_of_the_build),
                                       cmocka_unit_test(a_start_before_the_build_is_suspect)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
