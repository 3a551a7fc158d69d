/* Without TLS a password goes to this very machine only: what merely looks like it does not count. */
#include "smtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void only_this_machine_is_loopback(void **state)
{
    (void)state;
    static const char *const here[] = {"smtp://localhost", "smtp://localhost:25", "smtp://127.0.0.1:2525",
                                       "smtps://127.9.9.9", "smtp://[::1]:25"};
    static const char *const elsewhere[] = {"smtp://localhost.example.org",
                                            "smtp://127.example.org:25",
                                            "smtp://mail.example.org",
                                            "smtp://0.0.0.0:25",
                                            "smtp://[::2]:25",
                                            "smtp://10.127.0.1"};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        assert_true(smtp_is_loopback(here[i]));
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        assert_false(smtp_is_loopback(elsewhere[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_this_machine_is_loopback)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
