/* What the stories share: a world in a folder of its own, commands that must be accepted or refused. */
#ifndef HEARBACK_TESTS_STORY_H
#define HEARBACK_TESTS_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unit/support/folder.h"
#include "group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600000ll
#define MINUTE 60000ll

#define OK(reply)                                                                                                      \
    do {                                                                                                               \
        const Hb__CommandReply *got = (reply);                                                                         \
        assert_non_null(got);                                                                                          \
        if (got->refused) {                                                                                            \
            print_message("refused: %s\n", got->refused->text->en);                                                    \
            for (size_t p = 0; p < got->refused->n_problems; p++)                                                      \
                print_message("  %s\n", got->refused->problems[p]->text->en);                                          \
        }                                                                                                              \
        assert_null(got->refused);                                                                                     \
    } while (0)
#define FIELDS(...)                                                                                                    \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

/* Watchdog comes back after an outage, and is killed while it catches up: as early as it can be, and later. */
static inline void story_catch_up(struct group *group)
{
    for (unsigned ms = 1; ms < 200; ms *= 3) {
        simulation_up(group->simulation, HB__SERVICE__WATCHDOG);
        simulation_run(group->simulation, simulation_now(group->simulation) + ms);
        simulation_down(group->simulation, HB__SERVICE__WATCHDOG);
    }
    simulation_up(group->simulation, HB__SERVICE__WATCHDOG);
    assert_true(simulation_settle(group->simulation, 10 * MINUTE));
}

static inline char *story_folder(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/dev/shm/hearback-story-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

/* Checks the invariants of the spine (among them that a fresh fold equals the state), then throws the world away. */
static inline void story_close(struct group *group)
{
    char why[512] = "";
    enum err err = simulation_check(group->simulation, why, sizeof why);
    if (err)
        print_message("%s\n", why);
    assert_int_equal(err, ERR_NONE);
    group_close(group);
    assert_true(folder_remove(group->folder));
}

static inline const Hb__Refusal *story_refused(const Hb__CommandReply *reply, uint32_t status, const char *code)
{
    assert_non_null(reply);
    assert_non_null(reply->refused);
    assert_string_equal(reply->refused->code, code);
    assert_int_equal(reply->refused->status, status);
    assert_true(reply->refused->text->zh[0] && reply->refused->text->en[0]);
    return reply->refused;
}

static inline bool story_names_clause(const Hb__Refusal *refusal, const char *clause)
{
    for (size_t i = 0; i < refusal->n_clauses; i++)
        if (strcmp(refusal->clauses[i], clause) == 0)
            return true;
    return false;
}

static inline bool story_accepts(const Hb__Refusal *refusal, const char *word)
{
    for (size_t i = 0; i < refusal->n_accepted; i++)
        if (strcmp(refusal->accepted[i], word) == 0)
            return true;
    return false;
}

#endif
