/* A policy that takes effect on a later day. It is compiled and checked when it is published, and what was checked then
   is what comes into force, byte for byte: its parts lie in the log already, so nothing can go wrong on its day. A
   timer says PolicyPublished at the start of that day in the site's zone, or at the next start after it. */
#include "directory.h"

#include "calendar/calendar.h"

#define DAY_MS 86400000ll

const char *const directory_tables[] = {"coming", "approved"};

int64_t directory_day_begins(struct turn *turn, const char *site, const char *day)
{
    int32_t date = 0;
    bug_unless(date_parse(day, &date));
    return zone_utc_ms(organisation_zone(turn, site), date * DAY_MS);
}

const Directory__PolicyScheduled *directory_coming(struct turn *turn, const char *site)
{
    struct key key = key_text(site);
    return state_load(turn, DIRECTORY_COMING, key_bytes(&key), &directory__policy_scheduled__descriptor);
}

/* ---- decided ---- */

static void refuse_other(struct turn *turn, const Directory__ComingPolicy *before)
{
    struct arena *arena = turn_arena(turn);
    const char *packs = arena_join(arena, (const char *const *)before->packs, before->n_packs, ", ");
    Hb__Refusal *refusal = turn_refuse(
        turn, 409, "policy_coming",
        arena_printf(arena, "已有待生效的制度（%s，自 %s 起）；请撤回，或确认以此替换", packs, before->day),
        arena_printf(arena, "another policy (%s) takes effect on %s: withdraw it, or say that this one replaces it",
                     packs, before->day));
    refusal_field(turn, refusal, "replace");
    refusal_accepts(turn, refusal, "true");
}

/* False: there is nothing to be said; it is coming already, or was refused. */
bool directory_may_schedule(struct turn *turn, const Directory__PublishPolicy *publish, struct bytes hash)
{
    const Directory__PolicyScheduled *before = directory_coming(turn, publish->site);
    if (!before)
        return true;
    bool same = bytes_equal(bytes_of(before->policy->hash.data, before->policy->hash.len), hash) &&
                strcmp(before->coming->day, publish->coming->day) == 0;
    if (!same && !publish->replace && !publish->only_if_none)
        refuse_other(turn, before->coming);
    return !same && publish->replace;
}

void directory_say_scheduled(struct turn *turn, const Directory__PublishPolicy *publish,
                             Directory__PolicyPublished *policy)
{
    Directory__PolicyScheduled *said = TURN_NEW(turn, Directory__PolicyScheduled, directory__policy_scheduled__init);
    said->policy = policy;
    said->coming = publish->coming;
    said->coming->packs = publish->packs;
    said->coming->n_packs = publish->n_packs;
    said->coming->base_version = organisation_policy_version(turn, publish->site);
    directory_say(turn, publish->site, DIRECTORY__EVENT__KIND_POLICY_SCHEDULED, &said->base);
}

void directory_decide_withdraw(struct turn *turn, const Directory__WithdrawPolicy *withdraw)
{
    const Directory__PolicyScheduled *coming = directory_coming(turn, withdraw->site);
    if (!coming) {
        turn_refuse(turn, 404, "not_found", "该站点没有待生效的制度", "no policy is to take effect at this site");
        return;
    }
    Directory__PolicyWithdrawn *said = TURN_NEW(turn, Directory__PolicyWithdrawn, directory__policy_withdrawn__init);
    said->site = withdraw->site;
    said->coming = coming->coming;
    directory_say(turn, withdraw->site, DIRECTORY__EVENT__KIND_POLICY_WITHDRAWN, &said->base);
}

/* ---- its day ---- */

void directory_coming_due(struct turn *turn, const char *site)
{
    const Directory__PolicyScheduled *coming = directory_coming(turn, site);
    if (!coming || directory_day_begins(turn, site, coming->coming->day) > turn_now(turn))
        return; /* withdrawn, or its day is another by now */
    Directory__PolicyPublished *published = coming->policy;
    published->version = organisation_policy_version(turn, site) + 1;
    published->case_id = 0; /* used when it was scheduled; the case may have approved another change since */
    directory_say(turn, site, DIRECTORY__EVENT__KIND_POLICY_PUBLISHED, &published->base);
}

/* ---- folded ---- */

/* A timer only says: look whether its day has begun. One of a policy that was withdrawn does no harm. */
static void time_coming(struct turn *turn, const char *site)
{
    const Directory__PolicyScheduled *coming = directory_coming(turn, site);
    struct key key = key_text(site);
    key_add_text(&key, ""); /* of no thing */
    if (coming)
        turn_timer_set(turn, directory_day_begins(turn, site, coming->coming->day), key_bytes(&key));
}

static void forget_coming(struct turn *turn, const char *site)
{
    struct key key = key_text(site);
    state_delete(turn, DIRECTORY_COMING, key_bytes(&key));
}

/* What is in force is not coming any more, whoever put it in force. */
static void fold_published(struct turn *turn, const Directory__PolicyPublished *published)
{
    const Directory__PolicyScheduled *coming = directory_coming(turn, published->site);
    if (coming && bytes_equal(bytes_of(coming->policy->hash.data, coming->policy->hash.len),
                              bytes_of(published->hash.data, published->hash.len)))
        forget_coming(turn, published->site);
}

static void fold_scheduled(struct turn *turn, const Directory__PolicyScheduled *scheduled)
{
    struct key key = key_text(scheduled->policy->site);
    state_save(turn, DIRECTORY_COMING, key_bytes(&key), &scheduled->base);
    time_coming(turn, scheduled->policy->site);
}

void directory_coming_fold(struct turn *turn, const Directory__Event *said)
{
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_SCHEDULED)
        fold_scheduled(turn, said->policy_scheduled);
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_WITHDRAWN)
        forget_coming(turn, said->policy_withdrawn->site);
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        fold_published(turn, said->policy_published);
    if (said->kind_case == DIRECTORY__EVENT__KIND_SITE_DEFINED) /* perhaps its zone is another one */
        time_coming(turn, said->site_defined->id);
}
