#include "log/internal.h"

#include "metrics/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct counter {
    uint64_t count;
    int64_t minute; /* of the lines counted in `lines` */
    uint32_t lines;
    uint64_t suppressed; /* lines not written since the last one */
    char labels[160];
};

struct log {
    char service[64];
    int fd;
    log_clock_fn *clock;
    void *clock_context;
    pthread_mutex_t mutex;
    struct counter counters[NOTES_COUNT];
};

static int64_t machine_clock(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct log *log_new(const char *service, int fd, log_clock_fn *clock, void *clock_context)
{
    struct log *log = calloc(1, sizeof *log);
    bug_unless(log);
    snprintf(log->service, sizeof log->service, "%s", service);
    log->fd = fd;
    log->clock = clock ? clock : machine_clock;
    log->clock_context = clock_context;
    pthread_mutex_init(&log->mutex, NULL);
    return log;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

/* ---- one line ---- */

struct line {
    char text[LOG_LINE_BYTES_MAX];
    size_t size;
};

/* Room for the end of the line is kept: what does not fit is left out whole, so that a line is always JSON. */
static bool fits(const struct line *line, size_t size)
{
    return line->size + size + 4 < sizeof line->text;
}

static size_t escape_one(const uint8_t *at, char out[8])
{
    switch (*at) {
    case '"':
    case '\\':
        out[0] = '\\';
        out[1] = (char)*at;
        return 2;
    case '\n':
        out[0] = '\\';
        out[1] = 'n';
        return 2;
    default:
        if (*at >= 0x20 && *at != 0x7f) {
            out[0] = (char)*at;
            return 1;
        }
        return (size_t)snprintf(out, 8, "\\u%04x", *at);
    }
}

/* A JSON string of at most LOG_FIELD_BYTES_MAX bytes, cut between characters; what is not UTF-8 is shown as "?". */
static void add_string(struct line *line, const char *text)
{
    char escaped[LOG_FIELD_BYTES_MAX * 6 + 3];
    size_t size = strlen(text), used = 0;
    bool valid = utf8_valid(text, size);
    if (size > LOG_FIELD_BYTES_MAX)
        for (size = LOG_FIELD_BYTES_MAX; valid && ((uint8_t)text[size] & 0xc0) == 0x80;)
            size--;
    escaped[used++] = '"';
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (!valid && byte >= 0x80)
            byte = '?';
        used += escape_one(&byte, escaped + used);
    }
    escaped[used++] = '"';
    if (!fits(line, used)) {
        memcpy(line->text + line->size, "\"\"", 2);
        line->size += 2;
        return;
    }
    memcpy(line->text + line->size, escaped, used);
    line->size += used;
}

static void add_name(struct line *line, const char *name)
{
    size_t size = strlen(name);
    line->text[line->size] = line->size ? ',' : '{';
    line->text[line->size + 1] = '"';
    line->size += 2;
    memcpy(line->text + line->size, name, size);
    line->size += size;
    memcpy(line->text + line->size, "\":", 2);
    line->size += 2;
}

static void add_text(struct line *line, const char *name, const char *text)
{
    if (!text || !*text || !fits(line, strlen(name) + 8))
        return;
    add_name(line, name);
    add_string(line, text);
}

static void add_number(struct line *line, const char *name, int64_t number)
{
    if (!fits(line, strlen(name) + 30))
        return;
    add_name(line, name);
    line->size += (size_t)snprintf(line->text + line->size, 24, "%" PRId64, number);
}

static void add_time(struct line *line, int64_t now_ms)
{
    char text[40];
    struct tm parts;
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &parts);
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, sizeof text - size, ".%03dZ", (int)(now_ms % 1000));
    add_text(line, "time", text);
}

static void write_line(struct log *log, const struct log_kind *kind, const struct log_field *fields, size_t count,
                       int64_t now_ms, uint64_t suppressed)
{
    static const char *const levels[] = {"info", "warning", "error"};
    struct line line = {.size = 0};
    add_time(&line, now_ms);
    add_text(&line, "level", levels[kind->level]);
    add_text(&line, "service", log->service);
    add_text(&line, "event", kind->name);
    add_text(&line, "what", kind->what);
    for (size_t i = 0; i < count; i++)
        if (fields[i].text)
            add_text(&line, fields[i].name, fields[i].text);
        else
            add_number(&line, fields[i].name, fields[i].number);
    if (suppressed)
        add_number(&line, "suppressed", (int64_t)suppressed);
    add_text(&line, "advice", kind->advice);
    add_text(&line, "what_zh", kind->what_zh);
    add_text(&line, "advice_zh", kind->advice_zh);
    memcpy(line.text + line.size, "}\n", 2);
    line.size += 2;
    ssize_t written = write(log->fd, line.text, line.size);
    (void)written; /* a full disk must not stop the service that says so */
}

/* ---- notes ---- */

void log_note(struct log *log, enum log_note note, const struct log_field *fields, size_t count)
{
    if (!log)
        return;
    struct counter *counter = &log->counters[note];
    int64_t now_ms = log->clock(log->clock_context);
    pthread_mutex_lock(&log->mutex);
    counter->count++;
    if (counter->minute != now_ms / 60000) {
        counter->minute = now_ms / 60000;
        counter->lines = 0;
    }
    bool writes = log->fd >= 0 && counter->lines < LOG_LINES_A_MINUTE;
    if (writes) {
        counter->lines++;
        write_line(log, &log_kinds[note], fields, count, now_ms, counter->suppressed);
    }
    counter->suppressed = writes ? 0 : counter->suppressed + 1;
    pthread_mutex_unlock(&log->mutex);
}

uint64_t log_counted(struct log *log, enum log_note note)
{
    return log->counters[note].count;
}

void log_metrics(struct log *log, struct metrics *metrics, const char *labels)
{
    for (unsigned i = 0; i < NOTES_COUNT; i++) {
        struct counter *counter = &log->counters[i];
        snprintf(counter->labels, sizeof counter->labels, "%s,note=\"%s\"", labels, log_kinds[i].name);
        metrics_add(metrics, METRIC_COUNTER, "hearback_notes_total", "Notes to the operator, by kind", counter->labels,
                    &counter->count);
    }
}
