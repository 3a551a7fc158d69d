/* What the process that looks at a file answers: believed no more than the file. A first line, "ok TYPE SIZE" and then
   so many bytes that are kept, or "no REASON FOUND". */
#ifndef HEARBACK_GATEWAY_INSPECTION_SAID_H
#define HEARBACK_GATEWAY_INSPECTION_SAID_H

#include "base/bytes.h"

#define INSPECTION_WORD_CHARACTERS 200u

enum inspected {
    INSPECTED_TAKEN,
    INSPECTED_TYPE, /* of a kind that is not taken */
    INSPECTED_DAMAGED,
    INSPECTED_MIXED,
    INSPECTED_HUGE,
    INSPECTED_ACTIVE,
    INSPECTED_FAILED, /* nobody knows: it is no whole answer */
};

extern const char *const inspection_types[]; /* media types that are taken */
extern const size_t inspection_types_count;

/* `found_out`: the media type; `content_out`: within the answer, when it is taken. */
enum inspected inspection_said(struct bytes answer, char found_out[INSPECTION_WORD_CHARACTERS + 1],
                               struct bytes *content_out);

#endif
