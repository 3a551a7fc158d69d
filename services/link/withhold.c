/* What a cell below may see of ours: sites, calendars and policies, and the cases it is asked to open. Everything else
   is none of its business, but the chain must hold: it gets the place and the hash of such an event, and nothing of
   what it says. */
#include "relay.h"

#include "base/planted.h"
#include "eventlog/eventlog.h"
#include "message/message.h"

bool withhold_hears(Hb__Service service)
{
    return service == HB__SERVICE__DIRECTORY || service == HB__SERVICE__CASEWORK;
}

static bool directory_concerns(const Directory__Event *said)
{
    switch (said->kind_case) {
    case DIRECTORY__EVENT__KIND_SITE_DEFINED:
    case DIRECTORY__EVENT__KIND_CALENDAR_DEFINED:
    case DIRECTORY__EVENT__KIND_POLICY_PART:
    case DIRECTORY__EVENT__KIND_POLICY_PUBLISHED:
        return true;
    case DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED:
    case DIRECTORY__EVENT__KIND_PERSON_DEFINED:
    case DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED:
    case DIRECTORY__EVENT__KIND_THING_DEFINED:
    case DIRECTORY__EVENT__KIND_THING_MARKED:
    case DIRECTORY__EVENT__KIND_ROSTER_PLANNED:
    case DIRECTORY__EVENT__KIND_SETUP_OFFERED:
    case DIRECTORY__EVENT__KIND_POLICY_SCHEDULED: /* taken over when it is in force */
    case DIRECTORY__EVENT__KIND_POLICY_WITHDRAWN:
    case DIRECTORY__EVENT__KIND_SETUP_USED:
    case DIRECTORY__EVENT__KIND_CREDENTIAL_CHANGED:
    case DIRECTORY__EVENT__KIND_POST_WITHDRAWN:
    case DIRECTORY__EVENT__KIND__NOT_SET:
        break;
    }
    return false;
}

static bool concerns(const Hb__Event *event, uint64_t cell)
{
    if (planted("withhold_nothing"))
        return true;
    if (event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY)
        return directory_concerns(event->directory);
    return event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
           event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_REQUESTED &&
           event->casework->case_requested->cell == cell;
}

static struct bytes stub(const Hb__Event *event, struct bytes stored, struct arena *arena)
{
    Hb__Event bare = HB__EVENT__INIT;
    uint8_t hash[EVENTLOG_HASH_BYTES];
    eventlog_hash(stored, hash);
    bare.cell = event->cell;
    bare.service = event->service;
    bare.partition = event->partition;
    bare.epoch = event->epoch;
    bare.offset = event->offset;
    bare.recorded_ms = event->recorded_ms;
    bare.occurred_ms = event->recorded_ms;
    bare.previous_hash = event->previous_hash;
    bare.withheld = (ProtobufCBinaryData){sizeof hash, hash};
    return message_pack(&bare.base, arena);
}

struct bytes withhold(struct bytes events, uint64_t cell, struct arena *arena)
{
    uint8_t *out = NULL;
    size_t size = 0, room = 0;
    struct bytes stored;
    enum err err;
    while (eventlog_batch_next(&events, &stored, &err)) {
        ProtobufCMessage *message;
        char *why;
        bug_unless(message_load(&hb__event__descriptor, stored, arena, &message, &why) == ERR_NONE);
        const Hb__Event *event = (const Hb__Event *)message;
        struct bytes given = concerns(event, cell) ? stored : stub(event, stored, arena);
        if (size + 4 + given.size > room) {
            room = 2 * room + 4 + given.size;
            uint8_t *grown = arena_alloc(arena, room);
            if (size)
                memcpy(grown, out, size);
            out = grown;
        }
        bytes_put_u32(out + size, (uint32_t)given.size);
        memcpy(out + size + 4, given.data, given.size);
        size += 4 + given.size;
    }
    return bytes_of(out, size);
}
