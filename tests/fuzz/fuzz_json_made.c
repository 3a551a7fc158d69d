/* Every message we can make is written as JSON and read back as itself, in UTC and in a zone with daylight saving: the
   API and the wire never drift. The input decides what is made. */
#include "fuzz.h"

#include "calendar/zone.h"
#include "message/message.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>

static void check(const ProtobufCMessage *message, const struct zone *zone, struct arena *arena)
{
    ProtobufCMessage *again;
    char *path = NULL, *why = NULL;
    json_t *json = json_from_message(message, zone);
    must(json);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    must(text && json_parse(bytes_of_text(text), arena, &json, &why) == ERR_NONE);
    must(json_to_message(json, message->descriptor, arena, &again, &path, &why) == ERR_NONE);
    must(fuzz_same(message, again, arena));
    json_decref(json);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zone;
    static bool tried;
    if (!tried && zone_load(NULL, "America/New_York", &zone))
        zone = NULL; /* a machine without zone files: UTC alone */
    tried = true;
    if (size == 0)
        return 0;
    struct draw draw = draw_of(data + 1, size - 1);
    struct arena arena;
    fuzz_memory_begin();
    arena_init(&arena);
    ProtobufCMessage *message = draw_message(&draw, fuzz_messages[data[0] % FUZZ_MESSAGES], NULL, &arena), *again;
    char *why = NULL;
    must(message_unpack(message->descriptor, message_pack(message, &arena), &arena, &again, &why) == ERR_NONE);
    must(fuzz_same(message, again, &arena));
    check(message, NULL, &arena);
    if (zone)
        check(message, zone, &arena);
    arena_fini(&arena);
    fuzz_memory_end(size);
    return 0;
}
