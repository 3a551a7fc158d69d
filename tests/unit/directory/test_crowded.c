/* When no more passwords can be computed at once, whoever comes is told to come again, and has tried nothing: a crowd
   at the door bars nobody. */
#include "../support/clerk.h"

#include "credentials.h"

#include <sodium.h>

#define TIMES 30u

static void at_the_door(struct turn *turn, Directory__Query *directory, const char *account, bool crowded)
{
    Hb__Query query = HB__QUERY__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = directory;
    actor.account = (char *)(uintptr_t)account;
    turn->instance->computing_count = crowded ? COMPUTING_MAX + COMPUTING_WAITING_MAX : 0;
    if (directory->kind_case == DIRECTORY__QUERY__KIND_SIGN_IN)
        answer_sign_in(turn, &query);
    else if (directory->kind_case == DIRECTORY__QUERY__KIND_USE_SETUP)
        answer_use_setup(turn, &query);
    else {
        query.actor = &actor;
        answer_set_password(turn, &query);
    }
    if (crowded) {
        assert_non_null(turn->refusal);
        assert_int_equal(turn->refusal->status, 503);
        assert_string_equal(turn->refusal->code, "overloaded");
        assert_true(turn->refusal->retry_after_s > 0);
        assert_null(turn->computation);
    } else {
        assert_null(turn->refusal);
        assert_non_null(turn->computation);
        computation_drop(turn->computation);
    }
    turn->refusal = NULL;
    turn->computation = NULL;
    turn->instance->computing_count = 0;
}

static void offer_code(struct turn *turn, const char *code)
{
    struct rows rows;
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)code, strlen(code), NULL, 0);
    assert_true(rows_begin(turn, &rows, true));
    Dirrec__Credential *credential = credential_of(&rows, "a-hao");
    credential->setup_hash = (ProtobufCBinaryData){sizeof hash, hash};
    credential->setup_until_ms = turn_now(turn) + 1000;
    credential_keep(&rows, "a-hao", credential);
    assert_true(rows_end(&rows));
}

static void probe(struct turn *turn)
{
    uint8_t hash[DIRECTORY_TOKEN_HASH_BYTES] = {1};
    Directory__SignIn in = DIRECTORY__SIGN_IN__INIT;
    Directory__SetPassword set = DIRECTORY__SET_PASSWORD__INIT;
    Directory__UseSetup use = DIRECTORY__USE_SETUP__INIT;
    Directory__Query queries[3] = {DIRECTORY__QUERY__INIT, DIRECTORY__QUERY__INIT, DIRECTORY__QUERY__INIT};
    in.account = use.account = (char *)(uintptr_t) "a-hao";
    in.password = use.password = set.password = set.old = (char *)(uintptr_t) "three unrelated words";
    use.code = (char *)(uintptr_t) "code";
    in.address = use.address = set.address = (char *)(uintptr_t) "192.0.2.1";
    in.session_hash = (ProtobufCBinaryData){sizeof hash, hash};
    queries[0].kind_case = DIRECTORY__QUERY__KIND_SIGN_IN;
    queries[0].sign_in = &in;
    queries[1].kind_case = DIRECTORY__QUERY__KIND_SET_PASSWORD;
    queries[1].set_password = &set;
    queries[2].kind_case = DIRECTORY__QUERY__KIND_USE_SETUP;
    queries[2].use_setup = &use;
    offer_code(turn, "code");
    for (unsigned i = 0; i < TIMES; i++)
        for (unsigned q = 0; q < 3; q++)
            at_the_door(turn, &queries[q], "a-hao", true);
    for (unsigned q = 0; q < 3; q++)
        at_the_door(turn, &queries[q], "a-hao", false);
}

static void a_crowd_bars_nobody(void **state)
{
    clerk_look_at_account(*state, probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_crowd_bars_nobody, clerk_setup, clerk_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
