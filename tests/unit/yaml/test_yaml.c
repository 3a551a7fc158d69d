/* YAML as people write it: strict, never guessing, every node knowing its line. */
#include "yaml/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;
static struct yaml_places places;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    yaml_places_init(&places, &arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static const char *refused(const char *text)
{
    json_t *root = NULL;
    char *why = NULL;
    assert_int_equal(yaml_parse("pack.yaml", bytes_of_text(text), &places, &root, &why), ERR_MALFORMED);
    assert_non_null(why);
    assert_memory_equal(why, "pack.yaml:", 10);
    return why;
}

static json_t *parsed(const char *text)
{
    json_t *root = NULL;
    char *why = NULL;
    enum err err = yaml_parse("pack.yaml", bytes_of_text(text), &places, &root, &why);
    if (err)
        print_error("%s\n", why);
    assert_int_equal(err, ERR_NONE);
    return root;
}

/* A scalar is read by the type of its place: here it stays what was written. */
static void nothing_is_guessed(void **state)
{
    (void)state;
    json_t *root =
        parsed("no: no\ntime: 20:00\nnumber: 012\nnull_: null\nempty:\nquoted: \"x: y\"\nlist: [yes, 1.0]\n");
    static const char *const pairs[][2] = {{"no", "no"},      {"time", "20:00"}, {"number", "012"},
                                           {"null_", "null"}, {"empty", ""},     {"quoted", "x: y"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(json_string_value(json_object_get(root, pairs[i][0])), pairs[i][1]);
    assert_string_equal(json_string_value(json_array_get(json_object_get(root, "list"), 1)), "1.0");
    json_decref(root);
}

static void every_node_knows_its_line(void **state)
{
    (void)state;
    json_t *root = parsed("a: 1\nb:\n  c: [x,\n      y]\n  d: {e: f}\n");
    json_t *b = json_object_get(root, "b"), *y = json_array_get(json_object_get(b, "c"), 1);
    assert_int_equal(yaml_place_of(&places, json_object_get(root, "a")).line, 1);
    assert_int_equal(yaml_place_of(&places, y).line, 4);
    assert_int_equal(yaml_place_of(&places, y).column, 7);
    assert_int_equal(yaml_place_of(&places, json_object_get(json_object_get(b, "d"), "e")).line, 5);
    assert_string_equal(yaml_place_of(&places, y).file, "pack.yaml");
    json_t *stranger = json_string("x");
    assert_int_equal(yaml_place_of(&places, stranger).line, 0);
    json_decref(stranger);
    json_decref(root);
}

static void what_could_be_a_bomb_or_a_trap_is_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(refused("a: &x 1\nb: *x\n"), "pack.yaml:1:"));
    assert_non_null(strstr(refused("a: 1\nb: *nowhere\n"), "pack.yaml:2:"));
    refused("a: !!python/object x\n");
    refused("a: !mine x\n");
    assert_non_null(strstr(refused("a: 1\nb: 2\na: 3\n"), "pack.yaml:3:")); /* a key twice */
    refused("a: 1\n---\nb: 2\n");                                           /* two documents where one is meant */
    refused("a: [1, 2\n");
    refused("a: 1\n b: 2\n");
    refused("a: \xff\n");
    refused("\ta: 1\n");
    refused("{a: 1}: x\n"); /* a key that is no text */
    refused("");
}

static void depth_and_size_have_limits(void **state)
{
    (void)state;
    char deep[2 * (YAML_DEPTH_MAX + 1) + 2] = "";
    memset(deep, '[', YAML_DEPTH_MAX + 1);
    deep[YAML_DEPTH_MAX + 1] = 'x';
    memset(deep + YAML_DEPTH_MAX + 2, ']', YAML_DEPTH_MAX + 1);
    refused(deep);
    size_t size = YAML_BYTES_MAX + 1;
    char *large = malloc(size + 1);
    memset(large, '#', size);
    large[size] = 0;
    json_t *root;
    char *why = NULL;
    assert_int_equal(yaml_parse("big.yaml", bytes_of(large, size), &places, &root, &why), ERR_TOO_LARGE);
    assert_non_null(strstr(why, "big.yaml"));
    char path[] = "/tmp/hearback-yaml-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, large, size), size);
    struct bytes text;
    assert_int_equal(yaml_read_file(path, &arena, &text), ERR_TOO_LARGE);
    assert_int_equal(yaml_read_file("/nowhere/x.yaml", &arena, &text), ERR_NOT_FOUND);
    close(fd);
    unlink(path);
    free(large);
}

static void several_documents_are_a_list(void **state)
{
    (void)state;
    json_t *all = NULL;
    char *why = NULL;
    assert_int_equal(yaml_parse_all("s.yaml", bytes_of_text("a: 1\n---\na: 2\n---\na: 3\n"), &places, &all, &why),
                     ERR_NONE);
    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 2), "a")), "3");
    assert_int_equal(yaml_place_of(&places, json_object_get(json_array_get(all, 2), "a")).line, 5);
    json_decref(all);
}

/* A large file as people write it, however dense; values without a text are no such file. */
static void dense_is_not_too_much(void **state)
{
    static const char rule[] =
        "      r: {clause: ONE-1, before: answer, if: {category: service, priority: urgent}, refuse: [不可, No 100]}\n";
    size_t room = 600000, size = 0;
    char *text = malloc(room + sizeof rule + 20), *why = NULL;
    json_t *root = NULL;
    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; size < room; i++) {
        size += (size_t)snprintf(text + size, 20, "      r%u", i);
        memcpy(text + size, rule + 7, sizeof rule - 8);
        size += sizeof rule - 8;
    }
    assert_int_equal(yaml_parse("d.yaml", bytes_of(text, size), &places, &root, &why), ERR_NONE);
    json_decref(root);
    text[0] = '[';
    for (size_t i = 1; i < size - 1; i++)
        text[i] = "{},"[(i - 1) % 3];
    assert_int_equal(yaml_parse("d.yaml", bytes_of(text, size - 1), &places, &root, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "more values than a text of this size may hold"));
    free(text);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_ARENA(nothing_is_guessed),
                                       WITH_ARENA(every_node_knows_its_line),
                                       WITH_ARENA(what_could_be_a_bomb_or_a_trap_is_refused),
                                       WITH_ARENA(depth_and_size_have_limits),
                                       WITH_ARENA(several_documents_are_a_list),
                                       WITH_ARENA(dense_is_not_too_much)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
