/* The word somebody probably meant (layer 0). */
#ifndef HEARBACK_BASE_NEAREST_H
#define HEARBACK_BASE_NEAREST_H

#include <stddef.h>

/* The one of `words` that differs from `word` in at most two letters, the first such of the nearest; NULL: none is
 * near. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
