/* Publishing is all or nothing: PolicyPart events, then one PolicyPublished, in one turn. */
#include "directory.h"

#include <sodium.h>

static Hb__Event *policy_event(struct turn *turn, const char *site, Directory__Event__KindCase kind)
{
    Hb__Event *event = turn_event(turn, site, 0);
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = arena_alloc(turn_arena(turn), sizeof *event->directory);
    directory__event__init(event->directory);
    event->directory->kind_case = kind;
    return event;
}

static ProtobufCBinaryData hash_of(struct turn *turn, const uint8_t *data, size_t size)
{
    ProtobufCBinaryData hash = {32, arena_alloc(turn_arena(turn), 32)};
    crypto_generichash(hash.data, 32, data, size, NULL, 0);
    return hash;
}

static ProtobufCBinaryData say_part(struct turn *turn, const char *site, const uint8_t *data, size_t size)
{
    Hb__Event *event = policy_event(turn, site, DIRECTORY__EVENT__KIND_POLICY_PART);
    Directory__PolicyPart *part = arena_alloc(turn_arena(turn), sizeof *part);
    directory__policy_part__init(part);
    part->data = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
    part->hash = hash_of(turn, data, size);
    event->directory->policy_part = part;
    turn_say(turn, event);
    return part->hash;
}

void directory_decide_policy(struct turn *turn, const Directory__PublishPolicy *publish)
{
    const char *site = publish->site;
    if (!organisation_site(turn, site)) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    uint32_t version = organisation_policy_version(turn, site);
    if (version && publish->only_if_none)
        return;
    const ProtobufCBinaryData *compiled = &publish->compiled;
    if (compiled->len > DIRECTORY_POLICY_BYTES_MAX || compiled->len / DIRECTORY_PART_BYTES_MAX > TURN_SAID_MAX - 4) {
        turn_refuse(turn, 413, "too_large", "制度过大", "the compiled policy is over 3 MB");
        return;
    }
    ProtobufCBinaryData whole = hash_of(turn, compiled->data, compiled->len);
    if (version && organisation_policy_is(turn, site, version, bytes_of(whole.data, whole.len)))
        return; /* already in force */
    Directory__PolicyPublished *published = arena_alloc(turn_arena(turn), sizeof *published);
    directory__policy_published__init(published);
    published->site = arena_strdup(turn_arena(turn), site);
    published->version = version + 1;
    published->hash = whole;
    published->packs = publish->packs;
    published->n_packs = publish->n_packs;
    published->parts = arena_alloc(turn_arena(turn), (compiled->len / DIRECTORY_PART_BYTES_MAX + 1) * sizeof *published->parts);
    for (size_t at = 0; at < compiled->len; at += DIRECTORY_PART_BYTES_MAX) {
        size_t size = compiled->len - at < DIRECTORY_PART_BYTES_MAX ? compiled->len - at : DIRECTORY_PART_BYTES_MAX;
        published->parts[published->n_parts++] = say_part(turn, site, compiled->data + at, size);
    }
    Hb__Event *event = policy_event(turn, site, DIRECTORY__EVENT__KIND_POLICY_PUBLISHED);
    event->directory->policy_published = published;
    turn_say(turn, event);
}
