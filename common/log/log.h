/* What a service tells its operator. A note is a log line, a counter and a line of advice in one: every kind of note
   stands in one table (log.c) with its level, what happened and what to do, in both languages. A line is one JSON
   object: time, level, service, event, what, advice, their Chinese, and the fields of this very note. Fields never
   hold personal data. Safe to call from any thread (layer 1). */
#ifndef HEARBACK_LOG_LOG_H
#define HEARBACK_LOG_LOG_H

#include "base/arena.h"

enum log_note {
    NOTE_READY,
    NOTE_STOPPED,
    NOTE_START_REFUSED,
    NOTE_COMMIT_FAILED,
    NOTE_FULL,
    NOTE_ROOM_AGAIN,
    NOTE_CLOCK_SUSPECT,
    NOTE_CLOCK_TRUSTED,
    NOTE_FEED_STOPPED,
    NOTE_ABORTED,
    NOTE_QUARANTINED,
    NOTE_RELEASED,
    NOTE_WAITING_LONG,
    NOTE_KEY_REFUSED,
    NOTE_MAIL_NOT_SENT,
    NOTE_MAIL_TAKEN,
    NOTE_MAIL_ASIDE,
    NOTE_MAIL_WAITS,
    NOTE_MAILBOX_HERE,
    NOTE_MAILBOX_AWAY,
    NOTE_OVERLOADED,
    NOTE_CELL_STOPPED,
    NOTE_CELL_RESTORED,
    NOTE_CELL_HERE,
    NOTE_CELL_AWAY,
    NOTE_CELL_REFUSED,
    NOTE_REBUILD_FAILED,
    NOTE_REBUILT,
    NOTE_DAMAGED,
    NOTE_ANSWER_DROPPED,
    NOTES_COUNT,
};

#define LOG_LINE_BYTES_MAX 4096u
#define LOG_FIELD_BYTES_MAX 600u /* a longer text is cut */
#define LOG_LINES_A_MINUTE 20u   /* of one kind of note; the rest is counted, and told with the next line */

struct log_field {
    const char *name;
    const char *text; /* NULL: the number */
    int64_t number;
};
#define LOG_TEXT(field_name, field_text)                                                                               \
    (struct log_field)                                                                                                 \
    {                                                                                                                  \
        .name = (field_name), .text = (field_text)                                                                     \
    }
#define LOG_NUMBER(field_name, field_number)                                                                           \
    (struct log_field)                                                                                                 \
    {                                                                                                                  \
        .name = (field_name), .number = (int64_t)(field_number)                                                        \
    }

struct log;
struct metrics;
typedef int64_t log_clock_fn(void *context); /* wall clock, ms UTC */

/* `service` as in "casework-0". Lines go to `fd`, each in one write; -1: notes are only counted. `clock` NULL: the
   machine's. */
struct log *log_new(const char *service, int fd, log_clock_fn *clock, void *clock_context);
void log_free(struct log *log);

/* A NULL log takes note of nothing. */
void log_note(struct log *log, enum log_note note, const struct log_field *fields, size_t count);
#define NOTE(log, note, ...)                                                                                           \
    log_note((log), (note), (const struct log_field[]){__VA_ARGS__},                                                   \
             sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

uint64_t log_counted(struct log *log, enum log_note note);
const char *log_note_name(enum log_note note);

/* Registers hearback_notes_total, one for each kind of note. `labels` as in metrics_add. */
void log_metrics(struct log *log, struct metrics *metrics, const char *labels);

#endif
