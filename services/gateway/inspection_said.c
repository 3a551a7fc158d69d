#include "inspection_said.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 450u

const char *const inspection_types[] = {"image/jpeg",
                                        "image/png",
                                        "image/webp",
                                        "image/heic",
                                        "image/gif",
                                        "application/pdf",
                                        "text/plain",
                                        "text/csv",
                                        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                                        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                                        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                                        "application/vnd.oasis.opendocument.text",
                                        "audio/mpeg",
                                        "audio/mp4",
                                        "audio/amr",
                                        "audio/wav",
                                        "video/mp4",
                                        "message/rfc822"};

const size_t inspection_types_count = sizeof inspection_types / sizeof *inspection_types;

static bool is_taken(const char *type)
{
    for (size_t i = 0; i < inspection_types_count; i++)
        if (strcmp(inspection_types[i], type) == 0)
            return true;
    return false;
}

static enum inspected reason_of(const char *word)
{
    static const struct {
        const char *word;
        enum inspected inspected;
    } reasons[] = {{"type", INSPECTED_TYPE},
                   {"damaged", INSPECTED_DAMAGED},
                   {"mixed", INSPECTED_MIXED},
                   {"huge", INSPECTED_HUGE},
                   {"active", INSPECTED_ACTIVE}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].word, word) == 0)
            return reasons[i].inspected;
    return INSPECTED_FAILED;
}

enum inspected inspection_said(struct bytes answer, char found_out[INSPECTION_WORD_CHARACTERS + 1],
                               struct bytes *content_out)
{
    char line[LINE_BYTES_MAX + 1], word[3], first[INSPECTION_WORD_CHARACTERS + 1], last[INSPECTION_WORD_CHARACTERS + 1];
    const uint8_t *end = answer.size ? memchr(answer.data, '\n', answer.size) : NULL;
    *found_out = 0;
    *content_out = (struct bytes){0};
    if (!end || (size_t)(end - answer.data) >= LINE_BYTES_MAX)
        return INSPECTED_FAILED;
    size_t size = (size_t)(end - answer.data);
    memcpy(line, answer.data, size);
    line[size] = 0;
    if (sscanf(line, "%2s %200s %200s", word, first, last) != 3)
        return INSPECTED_FAILED;
    if (strcmp(word, "ok") != 0) {
        enum inspected reason = reason_of(first);
        if (reason == INSPECTED_TYPE && utf8_valid(last, strlen(last))) /* it is shown */
            memcpy(found_out, last, strlen(last) + 1);
        return reason;
    }
    struct bytes content = bytes_of(end + 1, answer.size - size - 1);
    if (!content.size || strtoull(last, NULL, 10) != content.size || !is_taken(first))
        return INSPECTED_FAILED;
    memcpy(found_out, first, strlen(first) + 1);
    *content_out = content;
    return INSPECTED_TAKEN;
}
