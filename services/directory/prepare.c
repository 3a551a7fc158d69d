/* The door: rights, and all that needs files or the secrets: packs are compiled, zones looked up, token hashes kept.
   The turn that follows sees only what is in the command and in the tables. */
#include "calendar/zone.h"
#include "credentials.h"
#include "policy/lookup.h"

/* The very first command comes from whoever holds a key on the bus and speaks for nobody: there is no account yet. */
static bool may_organise(struct turn *turn, const Hb__Command *command)
{
    return rights_may(turn, command->actor, "organise", "*") || (!command->actor && !organisation_known(turn));
}

static void check_zone(struct turn *turn, const char *field, const char *name)
{
    struct zone *zone = NULL;
    enum err err = *name ? zone_load(turn_zones_folder(turn), name, &zone) : ERR_NOT_FOUND;
    if (err == ERR_IO) {
        turn_refuse(turn, 503, "service_down", "时区数据暂时无法读取", "time zones cannot be read now");
        return;
    }
    if (!err) {
        zone_free(zone);
        return;
    }
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "没有这个时区", "there is no such time zone");
    if (!*refusal->field) {
        refusal_field(turn, refusal, field);
        refusal_accepts(turn, refusal, "Asia/Shanghai");
    }
}

static void check_zones(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_sites; i++)
        check_zone(turn, arena_printf(turn_arena(turn), "sites[%zu].zone", i), organise->sites[i]->zone);
    for (size_t i = 0; i < organise->n_calendars; i++)
        check_zone(turn, arena_printf(turn_arena(turn), "calendars[%zu].zone", i), organise->calendars[i]->zone);
}

/* Secrets are written last, when nothing speaks against the command any more: decide asks the same questions again, on
   the state of its turn. */
static void prepare_organise(struct turn *turn, const Hb__Command *command)
{
    const Directory__Organise *organise = command->directory->organise;
    if (!may_organise(turn, command)) {
        turn_refuse(turn, 403, "not_allowed", "无权维护组织", "this account may not change the organisation");
        return;
    }
    if (rights_narrowed(command->actor) && (organise->n_accounts || organise->n_secrets)) {
        refuse_narrowed(turn); /* it could give itself, or anybody, all that it was not given */
        return;
    }
    bool by_operator = command->actor && command->actor->operator_;
    for (size_t i = 0; i < organise->n_secrets && !by_operator; i++)
        if (*organise->secrets[i]->password_hash || organise->secrets[i]->token_hash.len)
            turn_refuse(
                turn, 403, "not_allowed", "密码与令牌的散列仅限运维密钥",
                "hashes of passwords and tokens are for the operator's key only: who gives them is that account");
    directory_check_organise(turn, organise);
    if (!turn_refused(turn))
        check_zones(turn, organise);
    if (!turn_refused(turn))
        directory_type_things(turn, organise);
    if (!turn_refused(turn))
        directory_secrets_save(turn, organise);
}

/* Where a kind of the policy in force approves policies, it changes by such a case only; the operator may always. NULL:
   no case is needed. */
static const Policy__Kind *change_case(struct turn *turn, const Hb__Command *command, const char *site)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    const Directory__Site *known = organisation_site(turn, site);
    bool follows = known && *known->follows; /* decide says where it is published */
    bool by_operator = command->actor && command->actor->operator_;
    for (size_t i = 0; policy && !follows && !by_operator && i < policy->n_kinds; i++)
        if (policy->kinds[i]->approves_policy)
            return policy->kinds[i];
    return NULL;
}

static void refuse_for_case(struct turn *turn, const Policy__Kind *kind)
{
    struct arena *arena = turn_arena(turn);
    turn_refuse(
        turn, 409, "guard",
        arena_printf(arena, "该站点的制度须经“%s”（%s）事项修改，发布时注明已批准的事项；运维密钥可直接发布",
                     kind->label->zh, kind->name),
        arena_printf(arena,
                     "the policy of this site is changed by a case of the kind %s (%s): name the one that approves it; "
                     "the operator may publish",
                     kind->name, kind->label->en));
}

/* `approved`: by a case that is looked at apart, or only where there is none, for which no case can have been needed.
   False: refused. */
static bool may_publish(struct turn *turn, const Hb__Command *command, const char *site, bool approved)
{
    if (!rights_may(turn, command->actor, "policy", site))
        turn_refuse(turn, 403, "not_allowed", "无权发布制度", "this account may not publish policies at this site");
    else if (!organisation_site(turn, site))
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
    else if (!approved && change_case(turn, command, site))
        refuse_for_case(turn, change_case(turn, command, site));
    return !turn_refused(turn);
}

static void prepare_policy(struct turn *turn, const Hb__Command *command)
{
    Directory__PublishPolicy *publish = command->directory->publish_policy;
    if (publish->compiled.len || publish->n_calendars || publish->coming)
        turn_refuse(turn, 422, "bad_field", "不得提交已编译的制度",
                    "compiled, calendars and coming are given by the door");
    else if (!may_publish(turn, command, publish->site, publish->only_if_none || publish->case_id) ||
             !directory_may_change(turn, publish))
        return;
    else if (!publish->only_if_none || !organisation_policy_version(turn, publish->site))
        directory_compile(turn, publish);
}

void directory_prepare(struct turn *turn, Hb__Command *command)
{
    if (command->payload_case != HB__COMMAND__PAYLOAD_DIRECTORY) {
        turn_refuse(turn, 400, "not_understood", "该服务不接受此命令", "this service does not take that command");
        return;
    }
    switch (command->directory->kind_case) {
    case DIRECTORY__COMMAND__KIND_ORGANISE:
        prepare_organise(turn, command);
        return;
    case DIRECTORY__COMMAND__KIND_PUBLISH_POLICY:
        prepare_policy(turn, command);
        return;
    case DIRECTORY__COMMAND__KIND_PUBLISH_YEAR:
        if (!may_organise(turn, command))
            turn_refuse(turn, 403, "not_allowed", "无权维护组织", "this account may not change the organisation");
        return;
    case DIRECTORY__COMMAND__KIND_OFFER_SETUP:
        directory_prepare_setup(turn, command);
        return;
    case DIRECTORY__COMMAND__KIND_WITHDRAW_POLICY:
        (void)may_publish(turn, command, command->directory->withdraw_policy->site, false);
        return;
    case DIRECTORY__COMMAND__KIND_TELL_SETUP:
        directory_prepare_used(turn, command);
        return;
    case DIRECTORY__COMMAND__KIND_TELL_CREDENTIAL:
        directory_prepare_credential(turn, command);
        return;
    case DIRECTORY__COMMAND__KIND__NOT_SET:
        break;
    }
    turn_refuse(turn, 400, "not_understood", "无法理解该命令", "this command is of a kind not known here");
}
