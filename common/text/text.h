/* Texts as people mean them (layer 1, utf8proc): what is looked for is found however it was typed. */
#ifndef HEARBACK_TEXT_TEXT_H
#define HEARBACK_TEXT_TEXT_H

#include "base/arena.h"

/* NFKC with folded case: full-width is half-width, capitals are small; a run of blanks is one, none at the ends. What
   is no UTF-8 stays as it is. */
char *text_folded(struct arena *arena, const char *text);

/* The character `text` begins with, and what follows it; at the end of the text `*rune_out` is 0. */
const char *text_next(const char *text, uint32_t *rune_out);
size_t text_characters(const char *text);

/* The telephone numbers in a text, each as its digits alone: "+86 138-0000-1234" and "13800001234" are one number. What
   has fewer than TEXT_PHONE_DIGITS_MIN digits is none. */
#define TEXT_PHONE_DIGITS_MIN 7u
#define TEXT_PHONE_DIGITS_MAX 32u
#define TEXT_PHONES_MAX 4u
size_t text_phones(struct arena *arena, const char *text, char *phones_out[TEXT_PHONES_MAX]);

#endif
