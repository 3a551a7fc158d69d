#include "directory.h"

#define ADD(turn, list, count, item)                                                                                   \
    do {                                                                                                               \
        (list) = arena_grow(turn_arena(turn), (list), (count), sizeof *(list));                                        \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

static void authenticate(struct turn *turn, const Directory__Authenticate *query, Directory__Reply *reply)
{
    const char *id;
    const Directory__Account *account = NULL;
    if (directory_secrets_find(turn, bytes_of(query->token_hash.data, query->token_hash.len), &id))
        account = organisation_account(turn, id);
    if (!account || (account->token_expires_ms && (int64_t)account->token_expires_ms < turn_now(turn))) {
        turn_refuse(turn, 401, "not_signed_in", "令牌无效或已过期", "the token is not valid or has expired");
        return;
    }
    reply->kind_case = DIRECTORY__REPLY__KIND_AUTHENTICATED;
    reply->authenticated = arena_alloc(turn_arena(turn), sizeof *reply->authenticated);
    directory__authenticated__init(reply->authenticated);
    reply->authenticated->account = (Directory__Account *)(uintptr_t)account;
    if (*account->person)
        reply->authenticated->person = (Directory__Person *)(uintptr_t)organisation_person(turn, account->person);
}

static void add_people(struct turn *turn, const char *site, const char *department, Directory__Organisation *all)
{
    for (const Directory__Person **person = organisation_members(turn, site, department); *person; person++) {
        bool listed = false;
        for (size_t i = 0; i < all->n_people; i++)
            listed = listed || strcmp(all->people[i]->id, (*person)->id) == 0;
        if (!listed)
            ADD(turn, all->people, all->n_people, (Directory__Person *)(uintptr_t)*person);
    }
}

static void organisation(struct turn *turn, const Directory__GetOrganisation *query, Directory__Reply *reply)
{
    reply->kind_case = DIRECTORY__REPLY__KIND_ORGANISATION;
    Directory__Organisation *all = reply->organisation = arena_alloc(turn_arena(turn), sizeof *all);
    directory__organisation__init(all);
    for (const Directory__Site **site = organisation_sites(turn); *site; site++) {
        if (*query->site && strcmp(query->site, (*site)->id) != 0)
            continue;
        ADD(turn, all->sites, all->n_sites, (Directory__Site *)(uintptr_t)*site);
        for (const Directory__Department **department = organisation_departments(turn, (*site)->id); *department; department++) {
            ADD(turn, all->departments, all->n_departments, (Directory__Department *)(uintptr_t)*department);
            add_people(turn, (*site)->id, (*department)->id, all);
        }
        Directory__SitePolicy *policy = arena_alloc(turn_arena(turn), sizeof *policy);
        directory__site_policy__init(policy);
        policy->site = (*site)->id;
        policy->version = organisation_policy_version(turn, (*site)->id);
        policy->packs = (*site)->packs;
        policy->n_packs = (*site)->n_packs;
        ADD(turn, all->policies, all->n_policies, policy);
    }
}

static void policy(struct turn *turn, const Directory__GetPolicy *query, Directory__Reply *reply)
{
    struct bytes bytes;
    if (!organisation_policy_bytes(turn, query->site, query->version, &bytes)) {
        turn_refuse(turn, 404, "no_policy", "该站点没有制度", "this site has no such policy");
        return;
    }
    reply->kind_case = DIRECTORY__REPLY__KIND_POLICY;
    reply->policy = arena_alloc(turn_arena(turn), sizeof *reply->policy);
    directory__policy_reply__init(reply->policy);
    reply->policy->policy = (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
    reply->policy->version = query->version ? query->version : organisation_policy_version(turn, query->site);
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
        authenticate(turn, query->directory->authenticate, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_ORGANISATION:
        organisation(turn, query->directory->organisation, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND_POLICY:
        policy(turn, query->directory->policy, reply->directory);
        return;
    case DIRECTORY__QUERY__KIND__NOT_SET:
        turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
        return;
    }
}
