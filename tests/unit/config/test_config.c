/* The configuration file as people edit it: what it may not name, and the keys of what they added. */
#include "../support/folder.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    struct arena arena;
    char folder[64], path[128];
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    arena_init(&place->arena);
    snprintf(place->folder, sizeof place->folder, "/tmp/hearback-config-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/hearback.yaml", place->folder);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    assert_true(folder_remove(place->folder));
    arena_fini(&place->arena);
    free(place);
    return 0;
}

static void write_config(const struct place *place, const char *lists)
{
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    fprintf(file, "cell: 0123456789abcdef\ndata: %s/data\nsecrets: %s/secrets\nepoch_keys: %s/epoch\n%s", place->folder,
            place->folder, place->folder, lists);
    assert_int_equal(fclose(file), 0);
}

static Config__Config *load(struct place *place)
{
    Config__Config *config;
    char *why = NULL;
    enum err err = config_load(place->path, &place->arena, &config, &why);
    if (err)
        print_error("%s\n", why);
    assert_int_equal(err, ERR_NONE);
    return config;
}

static bool reads(struct place *place, const char *http)
{
    Config__Config *config;
    char *why = NULL;
    write_config(place, arena_printf(&place->arena, "http: {%s}\n", http));
    enum err err = config_load(place->path, &place->arena, &config, &why);
    assert_true(!err || (strstr(why, "hearback.yaml:5:") && strstr(why, "accepted")));
    return !err;
}

/* What decides about cookies and whose word is taken for who asks: a mistake is told, and where. */
static void addresses_are_checked(void **state)
{
    struct place *place = *state;
    static const char *const good[] = {"10.0.0.7", "172.16.0.0/12", "0.0.0.0/0", "::1", "fd00::/8", "::ffff:10.0.0.7"};
    static const char *const bad[] = {"",          "10.0.0",      "10.0.0.0/33", "::1/129",
                                      "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "localhost"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(reads(place, arena_printf(&place->arena, "trusted_proxies: [\"::1\", \"%s\"]", good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(reads(place, arena_printf(&place->arena, "trusted_proxies: [\"::1\", \"%s\"]", bad[i])));
    assert_false(reads(place, "trusted_proxies: all"));
    assert_true(reads(place, "public_url: \"\""));
    assert_true(reads(place, "public_url: \"https://desk.example.org:8443\""));
    assert_false(reads(place, "public_url: desk.example.org"));
    assert_false(reads(place, "public_url: \"https://\""));
    assert_false(reads(place, "public_url: \"https://desk.example.org/console\""));
    write_config(place, "");
    assert_int_equal(load(place)->http->n_trusted_proxies, 2); /* those of this machine */
    write_config(place, "http: {trusted_proxies: []}\n");
    Config__Config *config = load(place);
    assert_int_equal(config->http->n_trusted_proxies, 0);
    assert_int_equal(config_save(place->path, config), ERR_NONE); /* and it stays so */
    assert_int_equal(load(place)->http->n_trusted_proxies, 0);
    write_config(place, "http: {trusted_proxies: [\"10.0.0.0/8\", \"fd00::/8\"]}\n");
    config = load(place);
    assert_int_equal(config_save(place->path, config), ERR_NONE);
    assert_string_equal(load(place)->http->trusted_proxies[1], "fd00::/8");
}

static bool keys_read(struct place *place, const char *first, const char *second)
{
    Config__Config *config;
    char *why = NULL;
    write_config(place, arena_printf(&place->arena,
                                     "instances:\n  - {service: gateway, endpoint: 'ipc:///x', rights: [actor]}\n"
                                     "keys:\n  - {name: '%s', rights: [query]}\n  - {name: '%s', rights: [control]}\n",
                                     first, second));
    enum err err = config_load(place->path, &place->arena, &config, &why);
    assert_true(!err || (strstr(why, "name: ") && strstr(why, "accepted")));
    return !err;
}

/* The rights of a key are found by its name: one named as the gateway would have the gateway's. */
static void a_name_has_one_key(void **state)
{
    struct place *place = *state;
    assert_true(keys_read(place, "operator", "tool"));
    assert_true(keys_read(place, "operator", "gateway-1"));
    assert_false(keys_read(place, "operator", "operator"));
    assert_false(keys_read(place, "operator", "gateway-0"));
    assert_false(keys_read(place, "0123456789abcde1", "tool")); /* so cells are named, at the link */
    assert_false(keys_read(place, "", "tool"));
    assert_false(keys_read(place, "operator", "a-name-that-is-longer-than-the-place-where-it-is-kept"));
}

/* Absent is the default, which the gateway knows; what was set stays when the file is written. */
static void limits_are_kept(void **state)
{
    struct place *place = *state;
    char *why = NULL;
    Config__Config *config;
    write_config(place, "");
    config = load(place);
    assert_int_equal(config->limits->reads + config->limits->writes + config->limits->address, 0);
    write_config(place, "limits: {reads: 5, address: 1000000}\n");
    config = load(place);
    assert_int_equal(config_save(place->path, config), ERR_NONE);
    config = load(place);
    assert_int_equal(config->limits->reads, 5);
    assert_int_equal(config->limits->writes, 0);
    assert_int_equal(config->limits->address, 1000000);
    write_config(place, "limits: {reads: many}\n");
    assert_int_not_equal(config_load(place->path, &place->arena, &config, &why), ERR_NONE);
    assert_non_null(strstr(why, "reads"));
}

/* The command's and the simulator's names are for logs: an instance of theirs would be started as a program. */
static void only_the_nine_have_instances(void **state)
{
    static const char *const wrong[] = {"ping", "pong", "tool", "unknown", ""};
    struct place *place = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Config__Config *config;
        char *why = NULL;
        write_config(place, arena_printf(&place->arena,
                                         "instances:\n  - {service: \"%s\", endpoint: \"ipc:///tmp/x\"}\n", wrong[i]));
        assert_int_equal(config_load(place->path, &place->arena, &config, &why), ERR_MALFORMED);
        assert_non_null(strstr(why, "hearback.yaml:6:"));
        assert_non_null(strstr(why, "accepted: directory intake"));
    }
    assert_string_equal(config_service_name(HB__SERVICE__TOOL), "tool");
    assert_int_equal(config_service_of_name("gateway"), HB__SERVICE__GATEWAY);
}

/* A user in the URL would come to stand in proofs and logs; a user without a password would not get in. */
static void a_mail_server_is_named_whole(void **state)
{
    static const char *const wrong[] = {"{url: \"smtp://desk:secret@mail.example.org\"}", "{url: \"http://mail\"}",
                                        "{url: \"smtp://\"}", "{url: \"smtp://mail\", user: desk}",
                                        "{url: \"smtp://mail\", password_file: /etc/mail}"};
    struct place *place = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Config__Config *config;
        char *why = NULL;
        write_config(place, arena_printf(&place->arena, "smtp: %s\n", wrong[i]));
        assert_int_equal(config_load(place->path, &place->arena, &config, &why), ERR_MALFORMED);
        assert_non_null(strstr(why, "smtp."));
    }
    write_config(place, "smtp: {url: \"smtps://mail:465\", user: desk, password_file: /etc/mail}\n");
    assert_string_equal(load(place)->smtp->user, "desk");
}

/* What somebody added by hand gets its keys, what has keys keeps them, and nothing is written when nothing is new. */
static void what_was_added_by_hand_gets_its_keys(void **state)
{
    static const char others_key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    struct place *place = *state;
    bool changed;
    char secret[41];
    write_config(place, "instances:\n  - {service: intake, endpoint: \"ipc:///tmp/x\"}\nkeys:\n  - {name: operator}\n");
    Config__Config *config = load(place);
    assert_int_equal(config_keys_create(config, &place->arena, &changed), ERR_NONE);
    assert_true(changed);
    const char *first = config->instances[0]->public_key;
    assert_int_equal(strlen(first), 40);
    assert_int_equal(config_save(place->path, config), ERR_NONE);

    config = load(place);
    assert_int_equal(config_keys_create(config, &place->arena, &changed), ERR_NONE);
    assert_false(changed);

    FILE *file = fopen(place->path, "a");
    fprintf(file, "  - {name: archive, rights: [fetch]}\n  - {name: other, public_key: \"%s\"}\n", others_key);
    fclose(file);
    config = load(place);
    assert_int_equal(config_keys_create(config, &place->arena, &changed), ERR_NONE);
    assert_true(changed);
    assert_string_equal(config->instances[0]->public_key, first);
    assert_int_equal(strlen(config->keys[1]->public_key), 40);
    assert_int_equal(config_secret(config, "archive", secret), ERR_NONE);
    assert_string_equal(config->keys[2]->public_key, others_key); /* somebody else's: its secret is kept elsewhere */
    assert_int_equal(config_secret(config, "other", secret), ERR_NOT_FOUND);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* ---- partitions ---- */

#define AT(service, partition, more)                                                                                   \
    "  - {service: " service ", partition: " #partition ", endpoint: \"ipc:///tmp/x\"" more "}\n"

static void every_bucket_has_one_partition(void **state)
{
    static const struct {
        const char *instances, *wrong;
    } cases[] = {
        {AT("casework", 0, ", buckets_to: 512") AT("casework", 1, ", buckets_from: 512, buckets_to: 1024"), NULL},
        {AT("casework", 0, ", buckets_to: 512") AT("casework", 1, ", buckets_from: 500, buckets_to: 1024"),
         "in common"},
        {AT("casework", 0, ", buckets_to: 512") AT("casework", 1, ", buckets_from: 513, buckets_to: 1024"),
         "belong to nobody"},
        {AT("casework", 1, ", buckets_from: 512, buckets_to: 1024"), "belong to nobody"},
        {AT("casework", 0, ", buckets_from: 7, buckets_to: 7"), "is below"},
        {AT("directory", 0, ", buckets_to: 512") AT("directory", 1, ", buckets_from: 512, buckets_to: 1024"),
         "one partition"},
        {AT("gateway", 0, "") AT("gateway", 1, ""), NULL},
        {AT("gateway", 0, ", buckets_to: 512"), "a gateway has no buckets"},
        {AT("intake", 0, ", buckets_to: 9") AT("intake", 1, ", buckets_from: 9, forked_from: 2, forked_at: 5"),
         "lower number"},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config__Config *config;
        char *why = NULL;
        write_config(place, arena_printf(&place->arena, "instances:\n%s", cases[i].instances));
        enum err err = config_load(place->path, &place->arena, &config, &why);
        assert_int_equal(err, cases[i].wrong ? ERR_MALFORMED : ERR_NONE);
        assert_true(!cases[i].wrong || strstr(why, cases[i].wrong));
    }
}

/* 0 was divided at offset 10 into 0 and 1, 1 at 25 into 1 and 2, 0 at 40 into 0 and 3. */
static void divided_logs_share_their_beginning(void **state)
{
    static const uint64_t shared[4][4] = {
        {UINT64_MAX, 10, 10, 40}, {10, UINT64_MAX, 25, 10}, {10, 25, UINT64_MAX, 10}, {40, 10, 10, UINT64_MAX}};
    struct place *place = *state;
    Config__Config *config;
    char *why;
    write_config(place,
                 "instances:\n" AT("casework", 0, ", buckets_to: 256")
                     AT("casework", 1, ", buckets_from: 512, buckets_to: 768, forked_from: 0, forked_at: 10")
                         AT("casework", 2, ", buckets_from: 768, buckets_to: 1024, forked_from: 1, forked_at: 25")
                             AT("casework", 3, ", buckets_from: 256, buckets_to: 512, forked_from: 0, forked_at: 40"));
    assert_int_equal(config_load(place->path, &place->arena, &config, &why), ERR_NONE);
    for (uint32_t a = 0; a < 4; a++)
        for (uint32_t b = 0; b < 4; b++)
            assert_true(config_shared(config, HB__SERVICE__CASEWORK, a, b) == shared[a][b]);
    assert_int_equal(config_save(place->path, config), ERR_NONE); /* and reads what it writes */
    assert_int_equal(config_load(place->path, &place->arena, &config, &why), ERR_NONE);
    assert_int_equal(config_shared(config, HB__SERVICE__CASEWORK, 2, 1), 25);
    assert_int_equal(config_instance_of_bucket(config, HB__SERVICE__CASEWORK, 600)->partition, 1);
}

/* A full disk is told as one, by whom the operator asks for a change; what was there stays. */
static void a_full_disk_is_told(void **state)
{
    struct place *place = *state;
    char *public_key;
    write_config(place, "");
    Config__Config *config = load(place);
    const char *paths[] = {arena_printf(&place->arena, "%s.new", place->path),
                           arena_printf(&place->arena, "%s/secrets/a.secret.new", place->folder)};
    assert_int_equal(mkdir(config->secrets, 0700), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(symlink("/dev/full", paths[i]), 0);
    assert_int_equal(config_save(place->path, config), ERR_FULL);
    assert_int_equal(config_key_create(config, "a", &public_key, &place->arena), ERR_FULL);
    load(place);
    assert_int_equal(unlink(paths[0]) | unlink(paths[1]), 0);
    assert_int_equal(config_save(place->path, config), ERR_NONE);
    assert_int_equal(config_key_create(config, "a", &public_key, &place->arena), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_A_PLACE(addresses_are_checked),
                                       IN_A_PLACE(a_name_has_one_key),
                                       IN_A_PLACE(limits_are_kept),
                                       IN_A_PLACE(only_the_nine_have_instances),
                                       IN_A_PLACE(every_bucket_has_one_partition),
                                       IN_A_PLACE(divided_logs_share_their_beginning),
                                       IN_A_PLACE(a_full_disk_is_told),
                                       IN_A_PLACE(a_mail_server_is_named_whole),
                                       IN_A_PLACE(what_was_added_by_hand_gets_its_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
