#include "credentials.h"

#define ADD(turn, list, count, item)                                                                                   \
    do {                                                                                                               \
        (list) = arena_grow(turn_arena(turn), (list), (count), sizeof *(list));                                        \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

/* ---- authenticate ---- */

/* The token an account was given by Organise; NULL: it is none, or has expired. */
static Directory__Authenticated *bearer(struct turn *turn, struct bytes hash)
{
    const char *id = "";
    enum err err = directory_secrets_find(turn, hash, &id);
    if (err && err != ERR_NOT_FOUND)
        turn_refuse(turn, 503, "service_down", "无法读取令牌", "the tokens cannot be read now");
    const Directory__Account *account = err ? NULL : organisation_account(turn, id);
    if (!account || (account->token_expires_ms && (int64_t)account->token_expires_ms <= turn_now(turn)))
        return NULL;
    Directory__Authenticated *who = authenticated_of(turn, id, NULL, 0, NULL, 0);
    who->until_ms = (int64_t)account->token_expires_ms;
    return who;
}

static void authenticate(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__Authenticate *asked = query->directory->authenticate;
    struct bytes token = bytes_of(asked->token_hash.data, asked->token_hash.len);
    struct bytes session = bytes_of(asked->session_hash.data, asked->session_hash.len);
    if (!asked_by_gateway(turn, query))
        return;
    Directory__Authenticated *who =
        session.size ? session_authenticate(turn, session, asked->watching) : bearer(turn, token);
    if (!who && !session.size && !turn_refused(turn))
        who = token_authenticate(turn, token);
    if (!who && session.size)
        turn_refuse(turn, 401, "not_signed_in", "登录已结束，请重新登录", "the session is over; sign in again");
    else if (!who)
        turn_refuse(turn, 401, "not_signed_in", "令牌无效或已过期", "the token is not valid or has expired");
    if (turn_refused(turn))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_AUTHENTICATED;
    reply->authenticated = who;
}

/* ---- the organisation ---- */

static bool outsider(const Hb__Query *query)
{
    return query->actor && query->actor->complainant && !*query->actor->account;
}

/* Without an actor a service asks for itself (its key says that it may). Outsiders see what is open to the public. */
static bool may_see(struct turn *turn, const Hb__Query *query, const Directory__Site *site)
{
    bool listed = query->n_sites == 0;
    for (size_t i = 0; i < query->n_sites; i++)
        listed = listed || strcmp(query->sites[i], site->id) == 0;
    if (!listed)
        return false;
    if (outsider(query))
        return site->public_;
    return !query->actor || rights_may(turn, query->actor, "read", site->id);
}

static void add_people(struct turn *turn, const char *site, Directory__Organisation *all)
{
    for (const Directory__Person **person = organisation_people(turn, site); *person; person++) {
        bool listed = false;
        for (size_t i = 0; i < all->n_people && !listed; i++)
            listed = strcmp(all->people[i]->id, (*person)->id) == 0;
        if (!listed)
            ADD(turn, all->people, all->n_people, (Directory__Person *)(uintptr_t)*person);
    }
}

static void add_departments(struct turn *turn, const char *site, bool public, Directory__Organisation *all)
{
    for (const Directory__Department **department = organisation_departments(turn, site); *department; department++) {
        Directory__Department *shown = (Directory__Department *)(uintptr_t)*department;
        if (public)
            shown->head = (char *)(uintptr_t) ""; /* a copy in the arena: staff are not the public's to list */
        ADD(turn, all->departments, all->n_departments, shown);
    }
}

static void add_policy(struct turn *turn, const char *site, bool public, Directory__Organisation *all)
{
    const Directory__PolicyPublished *published = organisation_policy_published(turn, site, 0);
    const Directory__PolicyScheduled *coming = public ? NULL : directory_coming(turn, site);
    if (!published && !coming)
        return;
    Directory__SitePolicy *policy = TURN_NEW(turn, Directory__SitePolicy, directory__site_policy__init);
    policy->site = (char *)(uintptr_t)site;
    if (coming)
        policy->coming = coming->coming;
    if (published) {
        policy->version = published->version;
        policy->packs = published->packs;
        policy->n_packs = published->n_packs;
    }
    ADD(turn, all->policies, all->n_policies, policy);
}

static void add_plan(struct turn *turn, const Directory__RosterPlan *plan, Directory__Organisation *all)
{
    if (plan)
        ADD(turn, all->rosters, all->n_rosters, (Directory__RosterPlan *)(uintptr_t)plan);
}

/* What is many, and shown to whoever may change it. */
static void add_things(struct turn *turn, const char *site, Directory__Organisation *all)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    for (const Directory__Thing **thing = organisation_things(turn, site, ""); *thing; thing++)
        ADD(turn, all->things, all->n_things, (Directory__Thing *)(uintptr_t)*thing);
    for (size_t i = 0; policy && i < policy->n_rosters; i++) {
        const Policy__Roster *roster = policy->rosters[i];
        add_plan(turn, organisation_roster(turn, site, roster->name, ""), all);
        const Directory__Thing **thing = *roster->of ? organisation_things(turn, site, roster->of) : NULL;
        for (; thing && *thing; thing++)
            add_plan(turn, organisation_roster(turn, site, roster->name, (*thing)->id), all);
    }
}

static void add_accounts(struct turn *turn, Directory__Organisation *all)
{
    for (const Directory__Account **account = organisation_accounts(turn); *account; account++)
        ADD(turn, all->accounts, all->n_accounts, (Directory__Account *)(uintptr_t)*account);
}

static void add_site(struct turn *turn, const Hb__Query *query, const Directory__Site *site,
                     Directory__Organisation *all)
{
    ADD(turn, all->sites, all->n_sites, (Directory__Site *)(uintptr_t)site);
    add_departments(turn, site->id, outsider(query), all);
    add_policy(turn, site->id, outsider(query), all);
    if (!outsider(query))
        add_people(turn, site->id, all);
    if (query->directory->organisation->all)
        add_things(turn, site->id, all);
}

static void organisation(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const char *wanted = query->directory->organisation->site;
    const Directory__Site *one = *wanted ? organisation_site(turn, wanted) : NULL;
    if (*wanted && !one) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    if (one && !may_see(turn, query, one)) {
        turn_refuse(turn, 403, "not_allowed", "无权查看该站点", "no right to read at this site");
        return;
    }
    if (query->directory->organisation->all && query->actor && !rights_may(turn, query->actor, "organise", "*")) {
        turn_refuse(turn, 403, "not_allowed", "账号、登记册与值班表仅供维护组织者查看",
                    "accounts, registers and rosters are shown to whoever may organise");
        return;
    }
    reply->kind_case = DIRECTORY__REPLY__KIND_ORGANISATION;
    Directory__Organisation *all = reply->organisation = arena_alloc(turn_arena(turn), sizeof *all);
    directory__organisation__init(all);
    if (one)
        add_site(turn, query, one, all);
    for (const Directory__Site **site = organisation_sites(turn); !one && *site; site++)
        if (may_see(turn, query, *site))
            add_site(turn, query, *site, all);
    bool everything = !query->actor || rights_may(turn, query->actor, "read", "*");
    if (!one && everything && query->n_sites == 0)
        add_people(turn, "", all); /* those without a post too */
    if (query->directory->organisation->all)
        add_accounts(turn, all);
    if (!outsider(query))
        for (const Calendar__Calendar **calendar = organisation_calendars(turn); *calendar; calendar++)
            ADD(turn, all->calendars, all->n_calendars, (Calendar__Calendar *)(uintptr_t)*calendar);
}

/* ---- the policy ---- */

static bool may_read_policy(struct turn *turn, const Hb__Query *query, const Directory__Site *site)
{
    if (outsider(query))
        return site->public_;
    return !query->actor || rights_may(turn, query->actor, "read", site->id) ||
           rights_may(turn, query->actor, "submit", site->id) || rights_may(turn, query->actor, "policy", site->id);
}

static void policy(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__GetPolicy *get = query->directory->policy;
    const Directory__Site *site = organisation_site(turn, get->site);
    struct bytes bytes;
    if (!site) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    if (!may_read_policy(turn, query, site)) {
        turn_refuse(turn, 403, "not_allowed", "无权查看该站点的制度", "no right to read the policy of this site");
        return;
    }
    if (!organisation_policy_bytes(turn, get->site, get->version, &bytes)) {
        turn_refuse(turn, 404, "no_policy", "该站点没有此制度", "this site has no such policy");
        return;
    }
    reply->kind_case = DIRECTORY__REPLY__KIND_POLICY;
    reply->policy = arena_alloc(turn_arena(turn), sizeof *reply->policy);
    directory__policy_reply__init(reply->policy);
    reply->policy->policy = (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
    reply->policy->version = get->version ? get->version : organisation_policy_version(turn, get->site);
}

void directory_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (query->payload_case != HB__QUERY__PAYLOAD_DIRECTORY) {
        turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_DIRECTORY;
    reply->directory = arena_alloc(turn_arena(turn), sizeof *reply->directory);
    directory__reply__init(reply->directory);
    switch (query->directory->kind_case) {
    case DIRECTORY__QUERY__KIND_AUTHENTICATE:
        authenticate(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_ORGANISATION:
        organisation(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_POLICY:
        policy(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_SIGN_IN:
        answer_sign_in(turn, query);
        return;
    case DIRECTORY__QUERY__KIND_SIGN_OUT:
        answer_sign_out(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_SET_PASSWORD:
        answer_set_password(turn, query);
        return;
    case DIRECTORY__QUERY__KIND_USE_SETUP:
        answer_use_setup(turn, query);
        return;
    case DIRECTORY__QUERY__KIND_CHANGE_TOTP:
        answer_totp(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_TOKENS:
        answer_tokens(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_MAKE_TOKEN:
        answer_make_token(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_END_TOKEN:
        answer_end_token(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_VIEWS:
        answer_views(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_KEEP_VIEW:
        answer_keep_view(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_DROP_VIEW:
        answer_drop_view(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_SOURCES:
        answer_sources(turn, query, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND__NOT_SET:
        turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
        return;
    }
}

/* What was computed beside the loop is looked at, and answered. */
void directory_computed(struct turn *turn, const Hb__Query *query, void *work, Hb__QueryReply *reply)
{
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_DIRECTORY;
    reply->directory = arena_alloc(turn_arena(turn), sizeof *reply->directory);
    directory__reply__init(reply->directory);
    if (query->directory->kind_case == DIRECTORY__QUERY__KIND_SIGN_IN)
        computed_sign_in(turn, query, work, reply->directory);
    else if (query->directory->kind_case == DIRECTORY__QUERY__KIND_SET_PASSWORD)
        computed_set_password(turn, query, work, reply->directory);
    else
        computed_use_setup(turn, query, work, reply->directory);
}
