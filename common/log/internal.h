#ifndef HEARBACK_LOG_INTERNAL_H
#define HEARBACK_LOG_INTERNAL_H

#include "log/log.h"

enum log_level { LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR };

struct log_kind {
    const char *name;
    enum log_level level;
    const char *what, *advice, *what_zh, *advice_zh;
};
extern const struct log_kind log_kinds[NOTES_COUNT];

#endif
