/* Policies, calendars and zones, unpacked once. An entry is found by the content it was built from (a hash), so it can
   never be out of date; but to hash the content it must be read, at every call. So what a name meant is remembered with
   the version of the organisation it was looked up in, and looked up anew when a directory event has been folded since.
   A turn that changed something and is not committed ends the process, and this cache with it. */
#include "calendar/calendar.h"
#include "message/message.h"
#include "organisation/internal.h"

#include <sodium.h>
#include <stdlib.h>

#define MEANINGS_BUCKETS 256u

struct entry {
    struct entry *next;
    uint8_t identity[32];
    bool built;
    struct arena arena;
    const Policy__Policy *policy;
    struct calendar *calendar;
    struct zone *zone;
};

/* What a name meant in a version of the organisation. */
struct meaning {
    struct meaning *next;
    uint64_t version;
    struct entry *entry;
    size_t name_size;
    uint8_t name[];
};

struct cache {
    uint64_t version; /* directory events folded since the start */
    struct entry *entries;
    struct meaning *meanings[MEANINGS_BUCKETS];
};

static struct cache *cache_of(struct turn *turn)
{
    void **place = turn_organisation_cache(turn);
    if (!*place) {
        *place = calloc(1, sizeof(struct cache));
        bug_unless(*place);
    }
    return *place;
}

void organisation_cache_free(void *place)
{
    struct cache *cache = place;
    for (struct entry *entry = cache->entries, *next; entry; entry = next) {
        next = entry->next;
        calendar_free(entry->calendar);
        zone_free(entry->zone);
        arena_fini(&entry->arena);
        free(entry);
    }
    for (unsigned i = 0; i < MEANINGS_BUCKETS; i++)
        for (struct meaning *meaning = cache->meanings[i], *next; meaning; meaning = next) {
            next = meaning->next;
            free(meaning);
        }
    free(cache);
}

void organisation_cache_outdated(struct turn *turn)
{
    cache_of(turn)->version++;
}

/* ---- by content ---- */

/* The entry of this content. *fresh_out: it is not built yet, or what was to be read for it was damaged; the caller
   builds it and then says so (`built`). `kind` keeps policies, calendars and zones apart. */
static struct entry *entry_of(struct turn *turn, const char *kind, struct bytes content, bool *fresh_out)
{
    struct cache *cache = cache_of(turn);
    uint8_t identity[32];
    crypto_generichash(identity, sizeof identity, content.data, content.size, (const uint8_t *)kind, strlen(kind));
    struct entry *entry = cache->entries;
    while (entry && memcmp(entry->identity, identity, sizeof identity) != 0)
        entry = entry->next;
    *fresh_out = !entry || !entry->built;
    if (entry)
        return entry;
    entry = calloc(1, sizeof *entry);
    bug_unless(entry);
    arena_init(&entry->arena);
    memcpy(entry->identity, identity, sizeof identity);
    entry->next = cache->entries;
    cache->entries = entry;
    return entry;
}

/* ---- by name ---- */

/* Of the cell that is looked at: two cells may have sites of one id. */
static struct key name_of(const struct turn *turn, char kind, const char *site)
{
    struct key name = {.size = 0};
    key_add(&name, &kind, 1);
    key_add_u64(&name, turn_looks_at(turn));
    key_add_text(&name, site);
    return name;
}

static struct meaning **place_of(struct turn *turn, const struct key *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name->size; i++)
        hash = (hash ^ name->data[i]) * 16777619u;
    struct meaning **at = &cache_of(turn)->meanings[hash % MEANINGS_BUCKETS];
    while (*at && !bytes_equal(bytes_of((*at)->name, (*at)->name_size), key_bytes(name)))
        at = &(*at)->next;
    return at;
}

/* What the name means, NULL when that must be looked up. */
static struct entry *recall(struct turn *turn, const struct key *name)
{
    const struct meaning *meaning = *place_of(turn, name);
    return meaning && meaning->version == cache_of(turn)->version ? meaning->entry : NULL;
}

static void remember(struct turn *turn, const struct key *name, struct entry *entry)
{
    struct meaning **at = place_of(turn, name);
    if (!*at) {
        *at = calloc(1, sizeof **at + name->size);
        bug_unless(*at);
        (*at)->name_size = name->size;
        memcpy((*at)->name, name->data, name->size);
    }
    (*at)->version = cache_of(turn)->version;
    (*at)->entry = entry;
}

/* ---- policies ---- */

static char *policy_place(struct turn *turn, const Directory__PolicyPublished *said)
{
    struct key key = key_text(said->site);
    key_add_u32(&key, said->version);
    return state_place(turn, POLICY, key_bytes(&key));
}

/* What is joined is not what was published: a part's name is its hash; when all parts are sound, the policy's own row.
 */
static _Noreturn void find_damaged(struct turn *turn, const Directory__PolicyPublished *said)
{
    for (size_t i = 0; i < said->n_parts; i++) {
        struct bytes name = bytes_of(said->parts[i].data, said->parts[i].len), part;
        uint8_t hash[32];
        if (state_get(turn, PART, name, &part))
            crypto_generichash(hash, sizeof hash, part.data, part.size, NULL, 0);
        if (!bytes_equal(name, bytes_of(hash, sizeof hash)))
            state_damaged(turn, state_place(turn, PART, name));
    }
    state_damaged(turn, policy_place(turn, said));
}

static struct bytes join_parts(struct turn *turn, const Directory__PolicyPublished *said)
{
    struct bytes parts[256];
    size_t size = 0;
    bug_unless(said->n_parts <= 256);
    for (size_t i = 0; i < said->n_parts; i++) {
        struct bytes name = bytes_of(said->parts[i].data, said->parts[i].len);
        if (!state_get(turn, PART, name, &parts[i])) /* the row of the policy names what was never published */
            state_damaged(turn,
                          arena_printf(turn_arena(turn), "%s names %s, which is missing: one of the two was altered",
                                       policy_place(turn, said), state_place(turn, PART, name)));
        size += parts[i].size;
    }
    uint8_t *joined = arena_alloc(turn_arena(turn), size);
    size_t at = 0;
    for (size_t i = 0; i < said->n_parts; i++) {
        memcpy(joined + at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    return bytes_of(joined, size);
}

bool organisation_policy_bytes(struct turn *turn, const char *site, uint32_t version, struct bytes *policy_out)
{
    const Directory__PolicyPublished *said = organisation_policy_published(turn, site, version);
    if (said)
        *policy_out = join_parts(turn, said);
    return said != NULL;
}

/* Sites with the same policy share it. */
static struct entry *policy_entry(struct turn *turn, const Directory__PolicyPublished *said)
{
    bool fresh;
    struct key content = {.size = 0};
    key_add(&content, said->hash.data, said->hash.len);
    key_add_u32(&content, said->version);
    struct entry *entry = entry_of(turn, "policy of hearback", key_bytes(&content), &fresh);
    if (fresh) {
        ProtobufCMessage *message;
        char *why;
        struct bytes joined = join_parts(turn, said);
        uint8_t hash[32]; /* a policy is obeyed as it was published, or not at all */
        crypto_generichash(hash, sizeof hash, joined.data, joined.size, NULL, 0);
        if (!bytes_equal(bytes_of(hash, sizeof hash), bytes_of(said->hash.data, said->hash.len)) ||
            message_load(&policy__policy__descriptor, joined, &entry->arena, &message, &why))
            find_damaged(turn, said);
        Policy__Policy *policy = (Policy__Policy *)message;
        policy->version = said->version;
        entry->policy = policy;
        entry->built = true;
    }
    return entry;
}

const Policy__Policy *organisation_policy(struct turn *turn, const char *site, uint32_t version)
{
    if (organisation_too_long(site))
        return NULL;
    struct key name = name_of(turn, 'p', site);
    key_add_u32(&name, version);
    struct entry *entry = recall(turn, &name);
    if (entry)
        return entry->policy;
    const Directory__PolicyPublished *said = organisation_policy_published(turn, site, version);
    if (!said)
        return NULL;
    entry = policy_entry(turn, said);
    remember(turn, &name, entry);
    return entry->policy;
}

const Policy__Policy *organisation_policy_of(struct turn *turn, const Directory__PolicyPublished *published)
{
    return policy_entry(turn, published)->policy;
}

/* ---- zones ---- */

static struct entry *zone_entry(struct turn *turn, const char *zone)
{
    bool fresh;
    struct entry *entry = entry_of(turn, "zone of hearback", bytes_of_text(zone), &fresh);
    enum err err = fresh ? zone_load(turn_zones_folder(turn), zone, &entry->zone) : ERR_NONE;
    bug_unless(err != ERR_IO); /* it is there and cannot be read now: in another zone all would be folded otherwise */
    if (err)
        entry->zone = NULL; /* directory refuses zones that are not there */
    entry->built = true;
    return entry;
}

/* Names of sites come from outside too: only what is there is remembered. */
static void remember_of_site(struct turn *turn, const struct key *name, const Directory__Site *site,
                             struct entry *entry)
{
    if (site)
        remember(turn, name, entry);
}

static const char *zone_name(const Directory__Site *site)
{
    return site && *site->zone ? site->zone : "UTC";
}

const struct zone *organisation_zone(struct turn *turn, const char *site)
{
    if (organisation_too_long(site))
        return zone_entry(turn, zone_name(NULL))->zone;
    struct key name = name_of(turn, 'z', site);
    struct entry *entry = recall(turn, &name);
    if (entry)
        return entry->zone;
    const Directory__Site *found = organisation_site(turn, site);
    entry = zone_entry(turn, zone_name(found));
    remember_of_site(turn, &name, found, entry);
    return entry->zone;
}

/* ---- calendars ---- */

/* Monday to Friday in the zone of the site. */
static struct entry *plain_calendar(struct turn *turn, const Directory__Site *site)
{
    bool fresh;
    struct entry *entry = entry_of(turn, "plain calendar of hearback", bytes_of_text(zone_name(site)), &fresh);
    if (fresh)
        entry->calendar = calendar_new(NULL, zone_entry(turn, zone_name(site))->zone);
    entry->built = true;
    return entry;
}

static struct entry *defined_calendar(struct turn *turn, struct bytes key, struct bytes row)
{
    bool fresh;
    struct entry *entry = entry_of(turn, "calendar of hearback", row, &fresh);
    if (fresh) {
        ProtobufCMessage *message;
        char *why;
        if (message_load(&calendar__calendar__descriptor, row, &entry->arena, &message, &why))
            state_damaged(turn, state_place(turn, CALENDAR, key));
        const Calendar__Calendar *definition = (const Calendar__Calendar *)message;
        entry->calendar = calendar_new(definition, zone_entry(turn, definition->zone)->zone);
        entry->built = true;
    }
    return entry;
}

static struct entry *calendar_entry(struct turn *turn, const char *site, const Directory__Site *found, const char *name)
{
    const Policy__Policy *policy = *name ? NULL : organisation_policy(turn, site, 0);
    struct bytes row;
    if (policy)
        name = policy->calendar;
    if (!*name || organisation_too_long(name))
        return plain_calendar(turn, found);
    struct key key = key_text(name);
    return state_get(turn, CALENDAR, key_bytes(&key), &row) ? defined_calendar(turn, key_bytes(&key), row)
                                                            : plain_calendar(turn, found);
}

const struct calendar *organisation_calendar(struct turn *turn, const char *site, const char *name)
{
    const Directory__Site *found = NULL;
    bool rememberable = !organisation_too_long(site) && !organisation_too_long(name);
    struct key key = name_of(turn, 'c', rememberable ? site : "");
    key_add_text(&key, rememberable ? name : "");
    struct entry *entry = rememberable ? recall(turn, &key) : NULL;
    if (!entry) {
        found = organisation_site(turn, site);
        entry = calendar_entry(turn, site, found, name);
        if (rememberable)
            remember_of_site(turn, &key, found, entry);
    }
    return entry->calendar;
}
