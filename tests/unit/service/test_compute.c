/* Answers computed beside the loop: what runs on a thread touches nothing of an instance that is closed meanwhile. */
#include "service/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct computation *under_way;

static void begin_beside(void *context, struct computation *computation)
{
    (void)context;
    under_way = computation;
}

static void count_up(void *work)
{
    ++*(int *)work;
}

static void it_outlives_the_instance(void **state)
{
    (void)state;
    struct instance *instance = calloc(1, sizeof *instance);
    struct service *service = calloc(1, sizeof *service);
    struct env env = {.compute = begin_beside};
    struct bus_call call = {0};
    Hb__Query query = HB__QUERY__INIT;
    struct turn turn = {.instance = instance};
    assert_non_null(instance);
    assert_non_null(service);
    service->compute = count_up;
    instance->service = service;
    instance->env = &env;
    int *work = turn_compute(&turn, sizeof *work);
    computation_start(turn.computation, &call, &query);
    assert_ptr_equal(under_way, turn.computation);
    computing_close(instance);
    free(service);
    free(instance);
    computation_run(under_way);
    assert_int_equal(*work, 1);
    computation_drop(under_way);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_outlives_the_instance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
