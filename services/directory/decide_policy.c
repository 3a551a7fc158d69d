/* Publishing is all or nothing: PolicyPart events, then one PolicyPublished, in one turn. */
#include "directory.h"

#include <sodium.h>

static ProtobufCBinaryData hash_of(struct turn *turn, const uint8_t *data, size_t size)
{
    ProtobufCBinaryData hash = {32, arena_alloc(turn_arena(turn), 32)};
    crypto_generichash(hash.data, 32, data, size, NULL, 0);
    return hash;
}

ProtobufCBinaryData directory_say_part(struct turn *turn, const char *site, const uint8_t *data, size_t size)
{
    Directory__PolicyPart *part = arena_alloc(turn_arena(turn), sizeof *part);
    directory__policy_part__init(part);
    part->data = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
    part->hash = hash_of(turn, data, size);
    directory_say(turn, site, DIRECTORY__EVENT__KIND_POLICY_PART, &part->base);
    return part->hash;
}

/* Calendars the door found among the shipped ones, unless somebody defined them meanwhile. */
static void say_calendars(struct turn *turn, const Directory__PublishPolicy *publish)
{
    for (size_t i = 0; i < publish->n_calendars; i++) {
        if (organisation_calendar_definition(turn, publish->calendars[i]->name))
            continue;
        publish->calendars[i]->version = 1;
        directory_say(turn, "", DIRECTORY__EVENT__KIND_CALENDAR_DEFINED, &publish->calendars[i]->base);
    }
}

/* Its parts are said; what names them is given back. */
static Directory__PolicyPublished *say_parts(struct turn *turn, const Directory__PublishPolicy *publish,
                                             ProtobufCBinaryData whole)
{
    const ProtobufCBinaryData *compiled = &publish->compiled;
    Directory__PolicyPublished *published = arena_alloc(turn_arena(turn), sizeof *published);
    directory__policy_published__init(published);
    published->site = arena_strdup(turn_arena(turn), publish->site);
    published->hash = whole;
    published->case_id = publish->case_id;
    published->packs = publish->packs;
    published->n_packs = publish->n_packs;
    published->parts =
        arena_alloc(turn_arena(turn), (compiled->len / DIRECTORY_PART_BYTES_MAX + 1) * sizeof *published->parts);
    for (size_t at = 0; at < compiled->len; at += DIRECTORY_PART_BYTES_MAX) {
        size_t size = compiled->len - at < DIRECTORY_PART_BYTES_MAX ? compiled->len - at : DIRECTORY_PART_BYTES_MAX;
        published->parts[published->n_parts++] = directory_say_part(turn, publish->site, compiled->data + at, size);
    }
    return published;
}

/* Two who change the same policy: what the one has just published is not put out of force by the other unseen. */
static void refuse_stale(struct turn *turn, uint32_t base, uint32_t version)
{
    struct arena *arena = turn_arena(turn);
    Hb__Refusal *refusal = turn_refuse(
        turn, 412, "stale_version",
        arena_printf(arena, "现行制度已是第 %u 版，不是您所依据的第 %u 版；请重新比较后再发布", version, base),
        arena_printf(arena,
                     "version %u is in force by now, not version %u that yours was made from: compare it anew, then "
                     "publish",
                     version, base));
    refusal_field(turn, refusal, "base_version");
    refusal_accepts(turn, refusal, arena_printf(arena, "%u", version));
}

void directory_decide_policy(struct turn *turn, const Directory__PublishPolicy *publish)
{
    uint32_t version = organisation_policy_version(turn, publish->site);
    const Directory__Site *site = organisation_site(turn, publish->site);
    if (version && publish->only_if_none)
        return;
    if (site && *site->follows) {
        turn_refuse(turn, 409, "follows", "该站点沿用上级系统的制度，请在上级系统发布",
                    "this site takes its policies from the cell above: publish there, or take `follows` off the site");
        return;
    }
    if (publish->n_calendars > DIRECTORY_PACKS_MAX) {
        turn_refuse(turn, 413, "too_large", "制度使用的日历过多", "the policy counts by more than 16 calendars");
        return;
    }
    ProtobufCBinaryData whole = hash_of(turn, publish->compiled.data, publish->compiled.len);
    if (version && organisation_policy_is(turn, publish->site, version, bytes_of(whole.data, whole.len)))
        return; /* already in force */
    if (publish->base_version && publish->base_version != version) {
        refuse_stale(turn, publish->base_version, version);
        return;
    }
    if (!directory_may_change(turn, publish))
        return;
    if (publish->coming && !directory_may_schedule(turn, publish, bytes_of(whole.data, whole.len)))
        return;
    say_calendars(turn, publish);
    Directory__PolicyPublished *published = say_parts(turn, publish, whole);
    if (publish->coming) {
        directory_say_scheduled(turn, publish, published);
        return;
    }
    published->version = version + 1;
    directory_say(turn, publish->site, DIRECTORY__EVENT__KIND_POLICY_PUBLISHED, &published->base);
}
