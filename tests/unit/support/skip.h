/* A test that lacks its input says so and ends with the code that CTest counts as skipped. cmocka's skip() would let
   the program end with 0, and count as passed: so what can be lacking is asked in main, before cmocka, and such tests
   stand in programs of their own. */
#ifndef HEARBACK_TESTS_SKIP_H
#define HEARBACK_TESTS_SKIP_H

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define SKIPPED 77 /* SKIP_RETURN_CODE in tests/CMakeLists.txt */

/* Is the file there? If not, says which is missing. */
static inline bool skip_without(const char *path)
{
    if (access(path, R_OK) == 0)
        return false;
    printf("skipped: %s is missing\n", path);
    return true;
}

#endif
