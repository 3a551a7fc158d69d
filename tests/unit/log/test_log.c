/* A note is one line of JSON, a counter and advice: whatever its fields hold, whoever writes at the same time. */
#include "log/log.h"
#include "metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t now_ms;

static int64_t now(void *context)
{
    (void)context;
    return now_ms;
}

struct fixture {
    struct log *log;
    int fd;
    char path[64];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->path, sizeof fixture->path, "/tmp/hearback-log-XXXXXX");
    fixture->fd = mkstemp(fixture->path);
    assert_true(fixture->fd >= 0);
    now_ms = 1741572000123;
    fixture->log = log_new("casework-0", fixture->fd, now, NULL);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    log_free(fixture->log);
    close(fixture->fd);
    unlink(fixture->path);
    free(fixture);
    return 0;
}

/* The lines written so far, each of which must be JSON. */
static json_t *lines(const struct fixture *fixture)
{
    static char text[4 << 20];
    ssize_t size = pread(fixture->fd, text, sizeof text - 1, 0);
    assert_true(size >= 0);
    text[size] = 0;
    json_t *all = json_array();
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_error_t error;
        assert_true((size_t)(end - line) < LOG_LINE_BYTES_MAX);
        json_t *one = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
        if (!one)
            print_error("%s: %.*s\n", error.text, (int)(end - line), line);
        assert_non_null(one);
        json_array_append_new(all, one);
    }
    return all;
}

static const char *text_of(json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));
    assert_non_null(text);
    return text;
}

static void a_line_says_what_and_what_to_do(void **state)
{
    struct fixture *fixture = *state;
    NOTE(fixture->log, NOTE_FEED_STOPPED, LOG_TEXT("feed", "intake-0"), LOG_NUMBER("offset", 17),
         LOG_TEXT("why", "an offset is missing"));
    json_t *all = lines(fixture), *line = json_array_get(all, 0);
    assert_int_equal(json_array_size(all), 1);
    assert_string_equal(text_of(line, "time"), "2025-03-10T02:00:00.123Z");
    assert_string_equal(text_of(line, "level"), "error");
    assert_string_equal(text_of(line, "service"), "casework-0");
    assert_string_equal(text_of(line, "event"), "feed_stopped");
    assert_string_equal(text_of(line, "feed"), "intake-0");
    assert_int_equal(json_integer_value(json_object_get(line, "offset")), 17);
    assert_true(*text_of(line, "what") && *text_of(line, "advice") && *text_of(line, "what_zh") &&
                *text_of(line, "advice_zh"));
    json_decref(all);
}

/* Each kind that is not mere information says what the operator should do, in both languages. */
static void every_kind_is_told_of(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < NOTES_COUNT; i++)
        NOTE(fixture->log, i, LOG_NUMBER("n", i));
    json_t *all = lines(fixture);
    assert_int_equal(json_array_size(all), NOTES_COUNT);
    for (unsigned i = 0; i < NOTES_COUNT; i++) {
        json_t *line = json_array_get(all, i);
        assert_string_equal(text_of(line, "event"), log_note_name(i));
        assert_true(*text_of(line, "what") && *text_of(line, "what_zh"));
        if (strcmp(text_of(line, "level"), "info") != 0)
            assert_true(*text_of(line, "advice") && *text_of(line, "advice_zh"));
    }
    json_decref(all);
}

static void whatever_is_in_a_field_the_line_is_json(void **state)
{
    struct fixture *fixture = *state;
    char *long_text = malloc(100000);
    for (size_t i = 0; i + 3 < 100000; i += 3)
        memcpy(long_text + i, "诉", 3);
    long_text[99999] = 0;
    char controls[64] = {0};
    for (int i = 1; i < 0x20; i++)
        controls[i - 1] = (char)i;
    NOTE(fixture->log, NOTE_START_REFUSED, LOG_TEXT("why", "a \"quoted\" \\ path\nand a line"));
    NOTE(fixture->log, NOTE_START_REFUSED, LOG_TEXT("why", long_text));
    NOTE(fixture->log, NOTE_START_REFUSED, LOG_TEXT("why", controls));
    NOTE(fixture->log, NOTE_START_REFUSED, LOG_TEXT("why", "broken \xe8\xaf text \xff"));
    NOTE(fixture->log, NOTE_START_REFUSED, LOG_TEXT("a", long_text), LOG_TEXT("b", long_text), LOG_TEXT("c", long_text),
         LOG_TEXT("d", long_text), LOG_TEXT("e", long_text), LOG_TEXT("f", long_text), LOG_TEXT("g", long_text),
         LOG_TEXT("h", long_text), LOG_NUMBER("i", 1));
    json_t *all = lines(fixture);
    assert_int_equal(json_array_size(all), 5);
    assert_string_equal(text_of(json_array_get(all, 0), "why"), "a \"quoted\" \\ path\nand a line");
    size_t size = strlen(text_of(json_array_get(all, 1), "why"));
    assert_in_range(size, LOG_FIELD_BYTES_MAX - 3, LOG_FIELD_BYTES_MAX);
    assert_int_equal(size % 3, 0); /* cut between characters */
    assert_string_equal(text_of(json_array_get(all, 2), "why"), controls);
    assert_string_equal(text_of(json_array_get(all, 3), "why"), "broken ?? text ?");
    json_decref(all);
    free(long_text);
}

static void a_flood_is_counted_and_told_once_a_minute(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 1000; i++)
        NOTE(fixture->log, NOTE_KEY_REFUSED, LOG_TEXT("from", "10.0.0.9"));
    NOTE(fixture->log, NOTE_FULL, LOG_TEXT("folder", "/x")); /* the others are not held back */
    json_t *all = lines(fixture);
    assert_int_equal(json_array_size(all), LOG_LINES_A_MINUTE + 1);
    json_decref(all);
    assert_int_equal(log_counted(fixture->log, NOTE_KEY_REFUSED), 1000);
    now_ms += 60000;
    NOTE(fixture->log, NOTE_KEY_REFUSED, LOG_TEXT("from", "10.0.0.9"));
    all = lines(fixture);
    json_t *last = json_array_get(all, json_array_size(all) - 1);
    assert_int_equal(json_integer_value(json_object_get(last, "suppressed")), 1000 - LOG_LINES_A_MINUTE);
    json_decref(all);
}

static void counted_for_the_metrics(void **state)
{
    struct fixture *fixture = *state;
    struct metrics *metrics = metrics_new();
    struct arena arena;
    arena_init(&arena);
    log_metrics(fixture->log, metrics, "service=\"casework\",partition=\"0\"");
    NOTE(fixture->log, NOTE_FULL, LOG_TEXT("folder", "/x"));
    NOTE(fixture->log, NOTE_FULL, LOG_TEXT("folder", "/x"));
    const char *text = metrics_print(metrics, &arena);
    assert_non_null(strstr(text, "hearback_notes_total{service=\"casework\",partition=\"0\",note=\"full\"} 2\n"));
    assert_non_null(strstr(text, "note=\"ready\"} 0\n"));
    const char *type = strstr(text, "# TYPE hearback_notes_total counter\n");
    assert_non_null(type);
    assert_null(strstr(type + 1, "# TYPE hearback_notes_total")); /* a metric is described once */
    metrics_free(metrics);
    arena_fini(&arena);
}

static void quiet_it_only_counts(void **state)
{
    (void)state;
    struct log *log = log_new("quiet", -1, now, NULL);
    NOTE(log, NOTE_FULL, LOG_TEXT("folder", "/x"));
    assert_int_equal(log_counted(log, NOTE_FULL), 1);
    log_free(log);
    NOTE(NULL, NOTE_FULL, LOG_TEXT("folder", "/x"));
}

static void *write_many(void *context)
{
    for (unsigned i = 0; i < 200; i++)
        NOTE(context, i % NOTES_COUNT, LOG_TEXT("why", "two threads at once"), LOG_NUMBER("i", i));
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[8];
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, fixture->log), 0);
    for (unsigned i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    json_t *all = lines(fixture);
    assert_int_equal(json_array_size(all), NOTES_COUNT * LOG_LINES_A_MINUTE);
    json_decref(all);
    uint64_t counted = 0;
    for (unsigned i = 0; i < NOTES_COUNT; i++)
        counted += log_counted(fixture->log, i);
    assert_int_equal(counted, 1600);
}

#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_LOG(a_line_says_what_and_what_to_do),
                                       WITH_LOG(every_kind_is_told_of),
                                       WITH_LOG(whatever_is_in_a_field_the_line_is_json),
                                       WITH_LOG(a_flood_is_counted_and_told_once_a_minute),
                                       WITH_LOG(counted_for_the_metrics),
                                       WITH_LOG(quiet_it_only_counts),
                                       WITH_LOG(threads_do_not_mix_their_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
