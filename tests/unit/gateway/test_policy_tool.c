/* What is written into the folder of a policy that is tried stays in it, whatever was stored once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_tool.h"

static void files_stay_inside(void **state)
{
    static const char *const taken[] = {"old/PROP-11/pack.yaml", "new/boston-311/a_b.yaml", "old/制度/文件.yaml",
                                        "night.yaml", "夜.yaml"};
    static const char *const refused[] = {"",
                                          ".yaml",
                                          "/etc/x.yaml",
                                          "../x.yaml",
                                          "old/../x.yaml",
                                          "old/../../x.yaml",
                                          "old/A/../x.yaml",
                                          "old/A/../../../tmp/x.yaml",
                                          "old//x.yaml",
                                          "old/A/.x.yaml",
                                          "old/A/B/x.yaml",
                                          "old/x.yaml",
                                          "new/-A/x.yaml",
                                          "other/A/x.yaml",
                                          "A/x.yaml",
                                          "old/A/x.txt",
                                          "--keep.yaml",
                                          "a b.yaml",
                                          "a\n.yaml"};
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        assert_true(policy_tool_takes(taken[i]));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(policy_tool_takes(refused[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_stay_inside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
