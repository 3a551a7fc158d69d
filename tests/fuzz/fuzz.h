/* What every fuzz target includes. A target is one function over bytes that somebody else chose. It must not abort,
   must not leak, and holds what it says in its own `must` lines: a crash is only the loudest kind of wrong.

   The same source is a libFuzzer program (preset `fuzz`, clang) and, with replay.c as its main, a plain test. */
#ifndef HEARBACK_TESTS_FUZZ_H
#define HEARBACK_TESTS_FUZZ_H

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts and says where and what. */
#define must(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz_failed(__FILE__, __LINE__, #condition);                                                               \
    } while (0)
_Noreturn void fuzz_failed(const char *file, int line, const char *what);

/* A folder on tmpfs of this process alone, made at the first call, removed at exit. */
const char *fuzz_folder(void);

/* Memory: between the two, at no instant more is held, beyond what was held at first, than 16 times the input and 1 MB;
   else it aborts and says how much. Needs the hooks of a sanitizer; without one nothing is checked. */
void fuzz_memory_begin(void);
void fuzz_memory_end(size_t input_bytes);
void fuzz_memory_end_yaml(size_t input_bytes); /* 30 times: what yaml.h grants */
/* The same for a reader that may rightly take more, which its target must say and explain. */
void fuzz_memory_end_within(size_t most_bytes);

/* ---- decisions drawn from the input, so that a target can build what it feeds ---- */

struct draw {
    const uint8_t *at, *end; /* an exhausted draw gives zeros */
};
static inline struct draw draw_of(const uint8_t *data, size_t size)
{
    return (struct draw){data, data + size};
}
uint8_t draw_byte(struct draw *draw);
uint64_t draw_u64(struct draw *draw);
unsigned draw_below(struct draw *draw, unsigned limit); /* limit >= 1 */
bool draw_more(const struct draw *draw);
struct bytes draw_bytes(struct draw *draw, size_t most);
/* A text that is UTF-8 without NUL: one of `words` (ended by NULL, may be NULL) or bytes of the input made fit. */
char *draw_text(struct draw *draw, const char *const *words, size_t most, struct arena *arena);

/* A message with every kind of field, valid by construction: known enum values, one arm of each oneof, UTF-8. Its depth
   is that of the schema, which has no recursive message. */
ProtobufCMessage *draw_message(struct draw *draw, const ProtobufCMessageDescriptor *descriptor,
                               const char *const *words, struct arena *arena);

/* ---- what all messages must hold ---- */

/* The top-level types that come from outside. */
#define FUZZ_MESSAGES 9u
extern const ProtobufCMessageDescriptor *const fuzz_messages[FUZZ_MESSAGES];

/* Packs to the same bytes. */
bool fuzz_same(const ProtobufCMessage *a, const ProtobufCMessage *b, struct arena *arena);

#endif
