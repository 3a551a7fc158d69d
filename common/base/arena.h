/* An arena: everything allocated for one input or one turn, freed in one go. Allocation never
   fails by returning NULL inside the cap: running out of the machine's memory is a bug report
   (crash-only); running over the cap returns NULL only from arena_try, which decoders use. */
#ifndef HEARBACK_BASE_ARENA_H
#define HEARBACK_BASE_ARENA_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdarg.h>

struct arena_block;
struct arena {
    struct arena_block *block; /* newest first */
    size_t used;               /* bytes handed out since init or reset */
    size_t cap;                /* 0: no cap */
};

struct arena_mark {
    struct arena_block *block;
    size_t block_used;
    size_t used;
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* Zeroes all that lies in it, before arena_fini: it held a secret. */
void arena_wipe(struct arena *arena);

/* Forgets everything allocated; keeps one block of memory for the next use. */
void arena_reset(struct arena *arena);

/* A mark to return to: what was allocated after it is forgotten by arena_return. */
struct arena_mark arena_mark(const struct arena *arena);
void arena_return(struct arena *arena, struct arena_mark mark);

/* 16-byte aligned, not zeroed by arena_alloc, zeroed by arena_zero. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zero(struct arena *arena, size_t size);

/* As arena_alloc, but NULL when `cap` would be exceeded. */
void *arena_try(struct arena *arena, size_t size);

char *arena_text(struct arena *arena, const char *text, size_t size); /* copy, NUL-terminated */
char *arena_strdup(struct arena *arena, const char *text);            /* NULL gives "" */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list list);

/* All of them with `between` in between, in one piece: text by text it would take the square of their number. */
char *arena_join(struct arena *arena, const char *const *texts, size_t count, const char *between);

/* Grows an arena-owned array of `count` elements for one more; returns the (possibly moved)
   array with room for count + 1. Amortised constant: capacity doubles at powers of two; so only an array that was
   grown by it from the first element on (or decoded: message.h does alike) may be given to it, never one of an exact
   size. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t element_size);

#endif
