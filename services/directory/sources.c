/* The files a policy was compiled from, kept as they were when it was published: so that whoever changes it begins with
   what is in force, and is told what he changes as it is written. In the store of the vault, under the site and the
   hash of the compiled policy; written at the door, in no event, folded by nobody. A policy that was taken over from
   the cell above, or published before this was kept, has none. */
#include "credentials.h"

#include <sodium.h>

static struct key sources_key(const char *site, const uint8_t *hash)
{
    struct key key = key_text(site);
    key_add(&key, hash, 32);
    return key;
}

/* Was it ever published here? What it was written as then stays; of what was refused at the door nothing need. */
static bool published(struct turn *turn, const char *site, const uint8_t *hash)
{
    bool found = false;
    for (uint32_t version = organisation_policy_version(turn, site); version && !found; version--) {
        struct arena_mark mark = arena_mark(turn_arena(turn));
        found = organisation_policy_is(turn, site, version, bytes_of(hash, 32));
        arena_return(turn_arena(turn), mark);
    }
    return found;
}

void directory_sources_keep(struct turn *turn, const char *site, struct bytes compiled, const Dirrec__Sources *sources)
{
    uint8_t hash[32];
    struct rows rows;
    crypto_generichash(hash, sizeof hash, compiled.data, compiled.size, NULL, 0);
    struct key key = sources_key(site, hash);
    if (!rows_begin(turn, &rows, true))
        return;
    if (!published(turn, site, hash) || !row_find(&rows, rows.sources, key_bytes(&key), &dirrec__sources__descriptor))
        row_keep(&rows, rows.sources, key_bytes(&key), &sources->base);
    rows_end(&rows);
}

static const Policy__Kind *change_kind(struct turn *turn, const char *site)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    for (size_t i = 0; policy && i < policy->n_kinds; i++)
        if (policy->kinds[i]->approves_policy)
            return policy->kinds[i];
    return NULL;
}

static void add_kept(struct turn *turn, const char *site, const Directory__PolicyPublished *published,
                     Directory__Sources *told)
{
    struct rows rows;
    if (published->hash.len != 32 || !rows_begin(turn, &rows, false))
        return;
    struct key key = sources_key(site, published->hash.data);
    const Dirrec__Sources *kept = row_find(&rows, rows.sources, key_bytes(&key), &dirrec__sources__descriptor);
    rows_drop(&rows);
    if (!kept)
        return;
    told->kept = true;
    told->since_ms = kept->at_ms;
    told->sources = kept->sources;
    told->n_sources = kept->n_sources;
}

void answer_sources(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__GetSources *get = query->directory->sources;
    const Directory__Site *site = organisation_site(turn, get->site);
    if (!site || !rights_may(turn, query->actor, "read", site->id)) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    if (!rights_may(turn, query->actor, "policy", site->id)) {
        turn_refuse(turn, 403, "not_allowed", "无权维护制度", "this account may not change policies at this site");
        return;
    }
    const Directory__PolicyScheduled *coming = get->coming ? directory_coming(turn, site->id) : NULL;
    const Directory__PolicyPublished *published =
        coming ? coming->policy : organisation_policy_published(turn, site->id, get->version);
    if ((!published && get->version) || (!coming && get->coming)) {
        turn_refuse(turn, 404, "no_policy", "该站点没有此制度", "this site has no such policy");
        return;
    }
    const Policy__Kind *kind = change_kind(turn, site->id);
    Directory__Sources *told = reply->sources = TURN_NEW(turn, Directory__Sources, directory__sources__init);
    reply->kind_case = DIRECTORY__REPLY__KIND_SOURCES;
    told->site = site->id;
    told->follows = site->follows;
    if (kind) {
        told->changed_by = kind->name;
        told->approved_in = kind->approved_in;
    }
    if (!published)
        return;
    told->version = published->version;
    told->packs = published->packs;
    told->n_packs = published->n_packs;
    add_kept(turn, site->id, published, told);
}
