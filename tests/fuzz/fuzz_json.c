/* Bodies of the HTTP API: text -> JSON -> message -> JSON. What was read and written once reads back as the same. */
#include "fuzz.h"

#include "calendar/calendar.h"
#include "message/message.h"
#include "json/json.h"

#include "hearback/envelope.pb-c.h"

#include <stdlib.h>

static const ProtobufCMessageDescriptor *const bodies[] = {
    &intake__submit__descriptor,      &intake__import__descriptor, &casework__act__descriptor,
    &directory__organise__descriptor, &hb__command__descriptor,    &hb__query__descriptor,
};
#define BODIES (sizeof bodies / sizeof *bodies)

static void check_time(struct bytes text, struct arena *arena)
{
    int64_t ms, again;
    char *copy = arena_text(arena, (const char *)text.data, text.size);
    if (!json_time_parse(copy, NULL, &ms))
        return;
    if (ms < -62135510400000 || ms >= 253402214400000)
        return; /* the first and the last day that can be told */
    char *written = json_time_text(NULL, ms, arena);
    must(json_time_parse(written, NULL, &again) && again == ms);
}

static void check_message(json_t *json, const ProtobufCMessageDescriptor *type, size_t size, struct arena *arena)
{
    ProtobufCMessage *first, *second;
    char *path = NULL, *why = NULL;
    fuzz_memory_begin();
    enum err err = json_to_message(json, type, arena, &first, &path, &why);
    fuzz_memory_end(size);
    must((err != ERR_NONE) == (why != NULL) && (err != ERR_NONE) == (path != NULL));
    if (err)
        return;
    json_t *written = json_from_message(first, NULL);
    must(json_to_message(written, type, arena, &second, &path, &why) == ERR_NONE);
    json_t *again = json_from_message(second, NULL);
    must(json_equal(written, again));
    json_decref(written);
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes text = bytes_of(data + 1, size - 1);
    struct arena arena;
    arena_init(&arena);
    json_t *json = NULL, *again = NULL;
    char *why = NULL;
    check_time(text, &arena);
    fuzz_memory_begin();
    enum err err = json_parse(text, &arena, &json, &why);
    fuzz_memory_end(text.size);
    must((err != ERR_NONE) == (why != NULL));
    if (!err) {
        char *dumped = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        must(dumped);
        must(json_parse(bytes_of_text(dumped), &arena, &again, &why) == ERR_NONE && json_equal(json, again));
        free(dumped);
        check_message(json, bodies[data[0] % BODIES], text.size, &arena);
        json_decref(json);
        json_decref(again);
    }
    arena_fini(&arena);
    return 0;
}
