#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES_MIN (64u << 10)

/* Under the sanitizer what was forgotten is poisoned: whoever still holds a pointer into it is found. */
#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__                                                                                           \
    1 /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): gcc's name for it                           \
       */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

struct arena_block {
    struct arena_block *older;
    size_t size;
    size_t used;
    size_t unused_padding; /* keeps `bytes` 16-byte aligned */
    uint8_t bytes[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void block_free(struct arena_block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
    free(block);
}

/* Forgets what was handed out of a block beyond `used`. */
static void block_return(struct arena_block *block, size_t used)
{
    block->used = used;
    ASAN_POISON_MEMORY_REGION(block->bytes + used, block->size - used);
}

static void free_until(struct arena *arena, const struct arena_block *keep)
{
    while (arena->block && arena->block != keep) {
        struct arena_block *older = arena->block->older;
        block_free(arena->block);
        arena->block = older;
    }
}

void arena_fini(struct arena *arena)
{
    free_until(arena, NULL);
    arena->used = 0;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->block; block; block = block->older) {
        ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
        explicit_bzero(block->bytes, block->size);
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->block;
    if (keep) {
        arena->block = keep->older;
        free_until(arena, NULL);
        if (keep->size > BLOCK_BYTES_MIN) { /* one huge input must not keep its memory for ever */
            block_free(keep);
            keep = NULL;
        } else {
            keep->older = NULL;
            block_return(keep, 0);
        }
    }
    arena->block = keep;
    arena->used = 0;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){arena->block, arena->block ? arena->block->used : 0, arena->used};
}

void arena_return(struct arena *arena, struct arena_mark mark)
{
    free_until(arena, mark.block);
    if (arena->block)
        block_return(arena->block, mark.block_used);
    arena->used = mark.used;
}

void *arena_try(struct arena *arena, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size || (arena->cap && arena->used + rounded > arena->cap))
        return NULL;
    struct arena_block *block = arena->block;
    if (!block || block->size - block->used < rounded) {
        size_t want = rounded > BLOCK_BYTES_MIN ? rounded : BLOCK_BYTES_MIN;
        struct arena_block *fresh = malloc(sizeof *fresh + want);
        bug_unless(fresh);
        *fresh = (struct arena_block){.older = block, .size = want};
        block_return(fresh, 0);
        arena->block = block = fresh;
    }
    void *at = block->bytes + block->used;
    ASAN_UNPOISON_MEMORY_REGION(at, size);
    block->used += rounded;
    arena->used += rounded;
    return at;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *at = arena_try(arena, size);
    bug_unless(at);
    return at;
}

void *arena_zero(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_text(struct arena *arena, const char *text, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);
    if (size)
        memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : arena_text(arena, "", 0);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *copy = arena_alloc(arena, bytes.size);
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return (struct bytes){copy, bytes.size};
}

char *arena_vprintf(struct arena *arena, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    bug_unless(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = arena_vprintf(arena, format, list);
    va_end(list);
    return text;
}

char *arena_join(struct arena *arena, const char *const *texts, size_t count, const char *between)
{
    size_t size = 0, gap = strlen(between);
    for (size_t i = 0; i < count; i++)
        size += strlen(texts[i]) + gap;
    char *all = arena_alloc(arena, size + 1), *to = all;
    for (size_t i = 0; i < count; i++)
        to = stpcpy(stpcpy(to, i ? between : ""), texts[i]);
    *to = 0;
    return all;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t element_size)
{
    if (count & (count - 1)) /* not a power of two: there is still room */
        return array;
    void *grown = arena_alloc(arena, (count ? count * 2 : 1) * element_size);
    if (count)
        memcpy(grown, array, count * element_size);
    return grown;
}
