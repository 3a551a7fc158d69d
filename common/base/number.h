/* Whole numbers as people write them (layer 0). */
#ifndef HEARBACK_BASE_NUMBER_H
#define HEARBACK_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* True when the text is a decimal number up to `most`: digits alone. strtoul would take "7x", "-1", "" and 2^32 + 1. */
bool number_read(const char *text, uint64_t most, uint64_t *number_out);

#endif
