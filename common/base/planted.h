/* Bugs planted on purpose, to prove that the tests can fail: `scripts/test planted` builds with -DHEARBACK_PLANTED=ON,
   switches them on one at a time (HEARBACK_PLANT=NAME) and wants each found. In every other build planted() is false to
   the compiler and nothing of them is left. */
#ifndef HEARBACK_BASE_PLANTED_H
#define HEARBACK_BASE_PLANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef HEARBACK_PLANTED
bool planted(const char *name);
bool planted_each(const char *name, unsigned nth); /* at every nth time only */
/* when the same was there before */
bool planted_again(const char *name, const void *of, size_t size, uint64_t number);
#else
#define planted(name) false
#define planted_each(name, nth) false
#define planted_again(name, of, size, number) ((void)(of), (void)(size), (void)(number), false)
#endif

#endif
