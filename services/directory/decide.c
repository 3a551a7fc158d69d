#include "directory.h"
#include "message/message.h"
#include "policy/compile.h"

#include <sodium.h>

/* ---- the door: files are read and policies compiled before the turn ---- */

static void refuse_mistakes(struct turn *turn, const struct policy_result *result)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "policy_mistakes", "制度文件有错误", "the policy has mistakes");
    for (size_t i = 0; i < result->count && i < 100; i++) {
        const struct policy_mistake *mistake = &result->mistakes[i];
        if (mistake->warning)
            continue;
        char *text = arena_printf(turn_arena(turn), "%s:%u: %s: %s", mistake->file, mistake->line, mistake->field, mistake->message);
        refusal_problem(turn, refusal, mistake->field, "", text, text);
    }
}

static bool has_errors(const struct policy_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        if (!result->mistakes[i].warning)
            return true;
    return false;
}

/* The compiled policy replaces the sources in the command: decide sees the outcome only. */
static void compile_policy(struct turn *turn, Directory__PublishPolicy *publish)
{
    struct arena *arena = turn_arena(turn);
    struct policy_source *sources = NULL;
    size_t count = 0;
    const char *folder = turn_policies_folder(turn);
    if (publish->n_packs == 0) {
        Hb__Refusal *refusal = turn_refuse(turn, 422, "missing_field", "请指定制度包", "name the packs");
        refusal_field(turn, refusal, "packs");
        return;
    }
    if (folder && policy_read_folder(folder, (const char *const *)publish->packs, publish->n_packs, arena, &sources, &count)) {
        turn_refuse(turn, 503, "io", "无法读取制度文件", "the policy files cannot be read");
        return;
    }
    for (size_t i = 0; i < publish->n_sources; i++) {
        sources = arena_grow(arena, sources, count, sizeof *sources);
        sources[count++] = (struct policy_source){publish->sources[i]->path, bytes_of_text(publish->sources[i]->text)};
    }
    struct policy_result result;
    policy_compile(sources, count, (const char *const *)publish->packs, publish->n_packs, arena, &result);
    policy_check(&result, arena);
    if (has_errors(&result)) {
        refuse_mistakes(turn, &result);
        return;
    }
    result.policy->site = publish->site;
    struct bytes packed = message_pack((const ProtobufCMessage *)result.policy, arena);
    publish->compiled = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    publish->n_sources = 0;
}

void directory_prepare(struct turn *turn, Hb__Command *command)
{
    if (command->payload_case != HB__COMMAND__PAYLOAD_DIRECTORY) {
        turn_refuse(turn, 400, "not_understood", "该服务不接受此命令", "this service does not take that command");
        return;
    }
    switch (command->directory->kind_case) {
    case DIRECTORY__COMMAND__KIND_ORGANISE:
        if (!rights_may(turn, command->actor, "organise", "*") && organisation_known(turn))
            turn_refuse(turn, 403, "not_allowed", "无权维护组织", "this account may not change the organisation");
        for (size_t i = 0; i < command->directory->organise->n_secrets; i++)
            if (command->directory->organise->secrets[i]->token_hash.len != DIRECTORY_TOKEN_HASH_BYTES)
                turn_refuse(turn, 422, "bad_field", "令牌散列须为 32 字节", "a token hash has 32 bytes");
        if (!turn_refused(turn))
            directory_secrets_save(turn, command->directory->organise);
        return;
    case DIRECTORY__COMMAND__KIND_PUBLISH_POLICY:
        if (command->directory->publish_policy->compiled.len)
            turn_refuse(turn, 422, "bad_field", "不得提交已编译的制度", "compiled is given by the door");
        else if (!rights_may(turn, command->actor, "policy", command->directory->publish_policy->site))
            turn_refuse(turn, 403, "not_allowed", "无权发布制度", "this account may not publish policies at this site");
        else
            compile_policy(turn, command->directory->publish_policy);
        return;
    case DIRECTORY__COMMAND__KIND__NOT_SET:
        break;
    }
    turn_refuse(turn, 400, "not_understood", "无法理解该命令", "this command is of a kind not known here");
}

void directory_decide(struct turn *turn, const Hb__Command *command)
{
    switch (command->directory->kind_case) {
    case DIRECTORY__COMMAND__KIND_ORGANISE:
        directory_decide_organise(turn, command->directory->organise);
        return;
    case DIRECTORY__COMMAND__KIND_PUBLISH_POLICY:
        directory_decide_policy(turn, command->directory->publish_policy);
        return;
    case DIRECTORY__COMMAND__KIND__NOT_SET:
        return;
    }
}

void directory_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                     Hb__CommandReply *reply)
{
    if (command->directory->kind_case != DIRECTORY__COMMAND__KIND_PUBLISH_POLICY)
        return;
    reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_POLICY_VERSION;
    reply->policy_version = organisation_policy_version(turn, command->directory->publish_policy->site);
    for (unsigned i = 0; i < count; i++)
        if (said[i]->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
            reply->policy_version = said[i]->directory->policy_published->version;
}
