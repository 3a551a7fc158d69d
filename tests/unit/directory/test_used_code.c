/* That a setup code was used is told of codes that were, by the account whose password it set, and by nobody else. */
#include "../support/clerk.h"

#include "credentials.h"

#include <sodium.h>

static void hash_of(const char *code, uint8_t hash_out[32])
{
    crypto_generichash(hash_out, 32, (const uint8_t *)code, strlen(code), NULL, 0);
}

static void was_used(struct turn *turn, const char *code)
{
    struct rows rows;
    uint8_t hash[32];
    hash_of(code, hash);
    assert_true(rows_begin(turn, &rows, true));
    Dirrec__Credential *credential = credential_of(&rows, "a-hao");
    credential->setup_used_hash = (ProtobufCBinaryData){sizeof hash, hash};
    credential_keep(&rows, "a-hao", credential);
    assert_true(rows_end(&rows));
}

static bool taken(struct turn *turn, const char *account, const char *actor_account, const char *code)
{
    Hb__Command command = HB__COMMAND__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__TellSetup tell = DIRECTORY__TELL_SETUP__INIT;
    uint8_t hash[32];
    hash_of(code, hash);
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    directory.kind_case = DIRECTORY__COMMAND__KIND_TELL_SETUP;
    directory.tell_setup = &tell;
    tell.account = (char *)(uintptr_t)account;
    tell.code_hash = (ProtobufCBinaryData){*code ? sizeof hash : 0, hash};
    actor.account = (char *)(uintptr_t)actor_account;
    command.actor = *actor_account ? &actor : NULL;
    directory_prepare(turn, &command);
    bool yes = !turn->refusal;
    assert_true(yes || turn->refusal->status == 403);
    turn->refusal = NULL;
    return yes;
}

static void probe(struct turn *turn)
{
    assert_false(taken(turn, "a-hao", "a-hao", "code")); /* none was used yet */
    was_used(turn, "code");
    assert_true(taken(turn, "a-hao", "a-hao", "code"));
    assert_false(taken(turn, "a-hao", "a-hao", "another"));
    assert_false(taken(turn, "a-hao", "a-hao", ""));
    assert_false(taken(turn, "a-hao", "a-bei", "code"));
    assert_false(taken(turn, "a-hao", "", "code"));
    assert_false(taken(turn, "a-bei", "a-bei", "code"));
}

static void only_what_was_used_is_told(void **state)
{
    clerk_look_at_account(*state, probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_was_used_is_told, clerk_setup, clerk_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
