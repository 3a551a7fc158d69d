/* Which policy is in force in which life: directory's publications, as they were and with NEW in their place. */
#include "whatif.h"

#include "message/message.h"

#include <sodium.h>
#include <string.h>

#define PART_BYTES 60000u /* a PolicyPart takes a little more */

static uint64_t hash_key(ProtobufCBinaryData hash)
{
    return hash.len >= 8 ? bytes_get_u64(hash.data) : 0;
}

void relive_part(struct whatif *whatif, const Directory__PolicyPart *part)
{
    bool new;
    struct slot *slot = map_put(&whatif->parts, hash_key(part->hash), &new);
    if (!new)
        return;
    slot->a = whatif->parts_count;
    WHATIF_ADD(&whatif->kept, whatif->part_bytes, whatif->parts_count,
               arena_copy(&whatif->kept, bytes_of(part->data.data, part->data.len)));
}

/* As the services do it: the parts, one after the other. */
static const Policy__Policy *unpack(struct whatif *whatif, const Directory__PolicyPublished *published)
{
    size_t size = 0;
    ProtobufCMessage *message;
    char *why;
    for (size_t i = 0; i < published->n_parts; i++) {
        const struct slot *slot = map_find(&whatif->parts, hash_key(published->parts[i]));
        if (!slot)
            return NULL;
        size += whatif->part_bytes[slot->a].size;
    }
    uint8_t *whole = arena_alloc(&whatif->kept, size + 1);
    size = 0;
    for (size_t i = 0; i < published->n_parts; i++) {
        struct bytes part = whatif->part_bytes[map_find(&whatif->parts, hash_key(published->parts[i]))->a];
        memcpy(whole + size, part.data, part.size);
        size += part.size;
    }
    return message_unpack(&policy__policy__descriptor, bytes_of(whole, size), &whatif->kept, &message, &why)
               ? NULL
               : (Policy__Policy *)message;
}

static void note_published(struct whatif *whatif, const Directory__PolicyPublished *published)
{
    const Policy__Policy *policy = unpack(whatif, published);
    while (whatif->versions_count <= published->version)
        WHATIF_ADD(&whatif->kept, whatif->versions, whatif->versions_count, NULL);
    whatif->versions[published->version] = policy;
    whatif->in_force = (Directory__PolicyPublished *)message_copy(&published->base, &whatif->kept);
}

static Hb__Event *directory_event(struct life *life, Directory__Event__KindCase kind)
{
    Hb__Event *event = WHATIF_NEW(life, Hb__Event, hb__event__init);
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = WHATIF_NEW(life, Directory__Event, directory__event__init);
    event->directory->kind_case = kind;
    return event;
}

static ProtobufCBinaryData hash_of(struct arena *arena, const uint8_t *data, size_t size)
{
    ProtobufCBinaryData hash = {32, arena_alloc(arena, 32)};
    crypto_generichash(hash.data, 32, data, size, NULL, 0);
    return hash;
}

static void say_calendars(struct life *life)
{
    for (size_t i = 0; i < life->whatif->calendars_count; i++) {
        Hb__Event *event = directory_event(life, DIRECTORY__EVENT__KIND_CALENDAR_DEFINED);
        event->directory->calendar_defined = life->whatif->calendars[i];
        life_say(life, event);
    }
}

/* NEW, under the number that the publication of then has here. */
static void say_fresh(struct life *life, const Directory__PolicyPublished *was, uint32_t version)
{
    struct whatif *whatif = life->whatif;
    Directory__PolicyPublished published = *was;
    struct bytes packed = whatif->fresh_packed;
    struct arena *arena = &whatif->kept;
    published.version = version;
    published.parts = NULL;
    published.n_parts = 0;
    published.from = NULL;
    published.hash = hash_of(arena, packed.data, packed.size);
    say_calendars(life);
    for (size_t at = 0; at < packed.size; at += PART_BYTES) {
        size_t size = packed.size - at < PART_BYTES ? packed.size - at : PART_BYTES;
        ProtobufCBinaryData hash = hash_of(arena, packed.data + at, size);
        Directory__PolicyPart part = DIRECTORY__POLICY_PART__INIT;
        part.data = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)(packed.data + at)};
        part.hash = hash;
        WHATIF_ADD(arena, published.parts, published.n_parts, hash);
        arena_reset(&life->arena);
        Hb__Event *event = directory_event(life, DIRECTORY__EVENT__KIND_POLICY_PART);
        event->directory->policy_part = &part;
        event->site = was->site;
        life_say(life, event);
    }
    Hb__Event *event = directory_event(life, DIRECTORY__EVENT__KIND_POLICY_PUBLISHED);
    event->directory->policy_published = &published;
    event->site = was->site;
    life_say(life, event);
}

/* The same, as it was, under its number here. */
static void say_as_it_was(struct life *life, const Directory__PolicyPublished *was, uint32_t version)
{
    Directory__PolicyPublished published = *was;
    published.version = version;
    Hb__Event *event = directory_event(life, DIRECTORY__EVENT__KIND_POLICY_PUBLISHED);
    event->directory->policy_published = &published;
    event->site = was->site;
    life_say(life, event);
}

/* DATE has come: in the one life what is in force is published once more, in the other NEW. So both have as many
   publications, at the same instants, and differ in nothing but what they say. */
void relive_turn(struct whatif *whatif)
{
    whatif->turned = true;
    if (!whatif->in_force)
        return;
    for (unsigned i = 0; i < LIVES; i++)
        life_run(&whatif->lives[i], whatif->since_ms);
    say_as_it_was(&whatif->lives[0], whatif->in_force, whatif->in_force->version + 1);
    say_fresh(&whatif->lives[1], whatif->in_force, whatif->in_force->version + 1);
    whatif->shift = 1;
}

void relive_published(struct whatif *whatif, const Directory__PolicyPublished *published)
{
    note_published(whatif, published);
    uint32_t version = published->version + whatif->shift;
    say_as_it_was(&whatif->lives[0], whatif->in_force, version);
    (whatif->turned ? say_fresh : say_as_it_was)(&whatif->lives[1], whatif->in_force, version);
}

const Policy__Policy *whatif_version(const struct whatif *whatif, uint32_t version)
{
    return version < whatif->versions_count ? whatif->versions[version] : NULL;
}
