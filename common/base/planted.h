/* Bugs planted on purpose, to prove that the tests can fail: `scripts/test planted` builds with -DHEARBACK_PLANTED=ON,
   switches them on one at a time (HEARBACK_PLANT=NAME) and wants each found. In every other build planted() is false to
   the compiler and nothing of them is left. */
#ifndef HEARBACK_BASE_PLANTED_H
#define HEARBACK_BASE_PLANTED_H

#include <stdbool.h>

#ifdef HEARBACK_PLANTED
bool planted(const char *name);
bool planted_each(const char *name, unsigned nth); /* at every nth time only */
#else
#define planted(name) false
#define planted_each(name, nth) false
#endif

#endif
