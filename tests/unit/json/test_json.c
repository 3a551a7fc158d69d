/* The API and the wire never drift: proto3 JSON by descriptor, both ways, every mistake with its path. */
#include "base/json_text.h"
#include "calendar/calendar.h"
#include "hearback/envelope.pb-c.h"
#include "message/message.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static json_t *parse(const char *text)
{
    json_t *json;
    char *why;
    enum err err = json_parse(bytes_of_text(text), &arena, &json, &why);
    if (err)
        print_error("%s\n", why);
    assert_int_equal(err, ERR_NONE);
    return json;
}

static const ProtobufCMessage *message_of(const char *text, const ProtobufCMessageDescriptor *descriptor)
{
    json_t *json = parse(text);
    ProtobufCMessage *message;
    char *path, *why;
    enum err err = json_to_message(json, descriptor, &arena, &message, &path, &why);
    if (err)
        print_error("%s: %s\n", path, why);
    assert_int_equal(err, ERR_NONE);
    json_decref(json);
    return message;
}

static const char *text_of(const ProtobufCMessage *message)
{
    json_t *json = json_from_message(message, NULL);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    char *copy = arena_strdup(&arena, text);
    free(text);
    json_decref(json);
    return copy;
}

static void there_and_back(void **state)
{
    (void)state;
    static const char text[] = "{\"casework\":{\"step_taken\":{\"from\":\"registered\",\"phase\":2,\"round\":1,"
                               "\"stage\":\"accepted\",\"step\":"
                               "\"accept\",\"version\":\"18446744073709551615\",\"historic\":false}},\"case_id\":"
                               "\"9007199254740993\",\"facts\":[{"
                               "\"name\":\"urgent\",\"value\":{\"yes\":true}},{\"name\":\"fee\",\"value\":{\"money_"
                               "fen\":\"1250\"}}],\"recorded_at\":"
                               "\"2025-03-10T02:00:00.250Z\",\"service\":\"CASEWORK\",\"site\":\"花园\"}";
    const Hb__Event *event = (const Hb__Event *)message_of(text, &hb__event__descriptor);
    assert_int_equal(event->service, HB__SERVICE__CASEWORK);
    assert_true(event->case_id == 9007199254740993ull); /* a double would lose the last digit */
    assert_true(event->recorded_ms == 1741572000250);
    assert_int_equal(event->payload_case, HB__EVENT__PAYLOAD_CASEWORK);
    assert_true(event->casework->step_taken->version == UINT64_MAX);
    assert_true(event->facts[0]->value->yes);
    assert_int_equal(event->facts[1]->value->money_fen, 1250);
    const Hb__Event *again = (const Hb__Event *)message_of(text_of(&event->base), &hb__event__descriptor);
    struct bytes a = message_pack(&event->base, &arena), b = message_pack(&again->base, &arena);
    assert_true(bytes_equal(a, b));
}

static void instants_are_read_in_both_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"recorded_at\":\"2025-03-10T02:00:00Z\"}",
                                        "{\"recorded_at\":\"2025-03-10T10:00:00+08:00\"}",
                                        "{\"recorded_ms\":\"1741572000000\"}", "{\"recorded_ms\":1741572000000}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(((const Hb__Event *)message_of(texts[i], &hb__event__descriptor))->recorded_ms == 1741572000000);
}

static void sealed_boxes_are_base64(void **state)
{
    (void)state;
    Hb__Sealed sealed = HB__SEALED__INIT;
    uint8_t box[] = {0, 1, 2, 253, 254, 255, 7};
    sealed.key_id = 5;
    sealed.box = (ProtobufCBinaryData){sizeof box, box};
    const Hb__Sealed *back = (const Hb__Sealed *)message_of(text_of(&sealed.base), &hb__sealed__descriptor);
    assert_int_equal(back->box.len, sizeof box);
    assert_memory_equal(back->box.data, box, sizeof box);
}

static void mistakes_name_their_path(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path, *says;
    } rows[] = {
        {"{\"sitte\":\"x\"}", "sitte", ""},
        {"{\"facts\":[{\"name\":\"a\"},{\"nmae\":\"b\"}]}", "facts[1].nmae", ""},
        {"{\"site\":5}", "site", ""},
        {"{\"facts\":{}}", "facts", ""},
        {"{\"offset\":\"-1\"}", "offset", ""},
        {"{\"offset\":\"18446744073709551616\"}", "offset", ""},
        {"{\"offset\":1.5}", "offset", ""},
        {"{\"hops\":4294967296}", "hops", ""},
        {"{\"service\":\"NOBODY\"}", "service", ""},
        {"{\"recorded_at\":\"2025-02-30T00:00:00Z\"}", "recorded_at", ""},
        {"{\"recorded_at\":\"yesterday\"}", "recorded_at", ""},
        {"{\"history\":\"yes\"}", "history", ""},
        {"{\"previous_hash\":\"not base64!\"}", "previous_hash", ""},
        {"{\"casework\":{},\"intake\":{}}", "", "one"}, /* two arms of a oneof */
        {"[]", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json = parse(rows[i].text);
        ProtobufCMessage *message;
        char *path = NULL, *why = NULL;
        assert_int_equal(json_to_message(json, &hb__event__descriptor, &arena, &message, &path, &why), ERR_MALFORMED);
        if (*rows[i].path)
            assert_string_equal(path, rows[i].path);
        assert_true(why && *why);
        assert_non_null(strstr(why, rows[i].says));
        json_decref(json);
    }
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    char deep[200] = "";
    memset(deep, '[', JSON_TEXT_DEPTH_MAX + 1);
    memset(deep + JSON_TEXT_DEPTH_MAX + 1, ']', JSON_TEXT_DEPTH_MAX + 1);
    static const char *const texts[] = {"",           "{",   "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}",     "{} {}",
                                        "{\"a\":01}", "nul", "{\"a\":\"\xff\"}",  "{\"a\":\"\xed\xa0\x80\"}"};
    json_t *json;
    char *why;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        why = NULL;
        assert_int_equal(json_parse(bytes_of_text(texts[i]), &arena, &json, &why), ERR_MALFORMED);
        assert_true(why && *why);
    }
    assert_int_equal(json_parse(bytes_of_text(deep), &arena, &json, &why), ERR_MALFORMED);
    deep[JSON_TEXT_DEPTH_MAX + 1 + JSON_TEXT_DEPTH_MAX] = 0;
    assert_int_equal(json_parse(bytes_of_text(deep + 1), &arena, &json, &why), ERR_NONE);
    json_decref(json);
}

/* What would take 80 times its size is refused before it takes it; what people send is not, up to the largest body. */
static void heavy_text_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *head, *item, *tail;
        enum err err;
    } rows[] = {{"[", "{},", "{}]", ERR_MALFORMED},
                {"[", "[],", "[]]", ERR_MALFORMED},
                {"[\"", "{}{},:", "\"]", ERR_NONE}, /* in a text they are letters */
                {"{\"people\":[", "{\"id\":\"wang_lei\",\"name\":\"王磊\",\"email\":\"wang.lei@example.org\"},", "{}]}",
                 ERR_NONE}};
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE + 100), *why = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = (size_t)sprintf(text, "%s", rows[i].head);
        while (size < SIZE)
            size += (size_t)sprintf(text + size, "%s", rows[i].item);
        size += (size_t)sprintf(text + size, "%s", rows[i].tail);
        json_t *json = NULL;
        assert_int_equal(json_parse(bytes_of(text, size), &arena, &json, &why), rows[i].err);
        assert_true(!rows[i].err || strstr(why, "line 1: more values than"));
        json_decref(json);
    }
    free(text);
}

/* Texts of the API stay texts: quotes, lines and a character beyond the basic plane come back as they were. */
static void any_text_survives(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"quoted\" \\ back", "line\nnext\ttab", "😀 四", "</script>", "\x01\x1f\x7f"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Hb__Event event = HB__EVENT__INIT;
        event.site = (char *)(uintptr_t)texts[i];
        const Hb__Event *back = (const Hb__Event *)message_of(text_of(&event.base), &hb__event__descriptor);
        assert_string_equal(back->site, texts[i]);
    }
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_ARENA(there_and_back),
                                       WITH_ARENA(instants_are_read_in_both_forms),
                                       WITH_ARENA(sealed_boxes_are_base64),
                                       WITH_ARENA(mistakes_name_their_path),
                                       WITH_ARENA(malformed_text_is_refused),
                                       WITH_ARENA(heavy_text_is_refused),
                                       WITH_ARENA(any_text_survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
