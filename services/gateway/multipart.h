/* multipart/form-data (RFC 7578) as browsers send it, and nothing else: one level, no encodings, every part named. Read
   from a body that is whole, within bounds; what is not as it should be is refused, never guessed. */
#ifndef HEARBACK_GATEWAY_MULTIPART_H
#define HEARBACK_GATEWAY_MULTIPART_H

#include "base/arena.h"
#include "base/bytes.h"

#define MULTIPART_PARTS_MAX 200u
#define MULTIPART_BOUNDARY_MAX 70u     /* RFC 2046 */
#define MULTIPART_HEAD_BYTES_MAX 4096u /* of one part */
#define MULTIPART_TYPE_MAX 100u        /* a longer media type is none */

struct multipart_part {
    const char *name;     /* of the field: UTF-8 without NUL */
    const char *file;     /* name of the file; NULL: it is none */
    const char *type;     /* media type of the file, without parameters; "" */
    struct bytes content; /* within the body */
};

/* The boundary that a Content-Type names; NULL: it is no multipart/form-data, or names none that is one. */
const char *multipart_boundary(struct arena *arena, const char *content_type);
/* False: malformed. */
bool multipart_read(struct arena *arena, struct bytes body, const char *boundary, struct multipart_part **parts_out,
                    size_t *count_out);

#endif
