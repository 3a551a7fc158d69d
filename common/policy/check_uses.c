/* What is written and nothing ever comes to: notices that no rule tells, ladders that no clock and no rule uses. */
#include "policy/check.h"

#include "message/message.h"

struct uses {
    const char *word; /* looked for */
    bool found;
};

/* Of rules and patterns. */
static void look_at_action(ProtobufCMessage *message, void *context)
{
    struct uses *uses = context;
    const Policy__Action *action = (const Policy__Action *)message;
    if (message->descriptor != &policy__action__descriptor)
        return;
    bool names = action->type == POLICY__ACTION__TYPE__TELL || action->type == POLICY__ACTION__TYPE__ESCALATE;
    uses->found = uses->found || (names && strcmp(action->name, uses->word) == 0);
}

static bool acted_on(const struct check *check, const char *word)
{
    struct uses uses = {word, false};
    message_visit((ProtobufCMessage *)(uintptr_t)&check->policy->base, look_at_action, &uses);
    return uses.found;
}

static void check_told(struct check *check)
{
    for (size_t i = 0; i < check->policy->n_notices; i++) {
        const Policy__Notice *notice = check->policy->notices[i];
        if (!check_told_elsewhere(notice->name) && !acted_on(check, notice->name))
            check_found(check, CHECK_WARNING, arena_printf(check->arena, "notices.%s", notice->name),
                        "没有规则发出此通知", "no rule tells this notice");
    }
}

static bool climbed(const struct check *check, const char *ladder)
{
    for (size_t k = 0; k < check->policy->n_kinds; k++)
        for (size_t c = 0; c < check->policy->kinds[k]->n_clocks; c++)
            if (strcmp(check->policy->kinds[k]->clocks[c]->ladder, ladder) == 0)
                return true;
    return acted_on(check, ladder);
}

static void check_climbed(struct check *check)
{
    for (size_t i = 0; i < check->policy->n_ladders; i++)
        if (!climbed(check, check->policy->ladders[i]->name))
            check_found(check, CHECK_WARNING, arena_printf(check->arena, "ladders.%s", check->policy->ladders[i]->name),
                        "没有时钟或规则使用此升级梯", "no clock and no rule uses this ladder");
}

void check_uses(struct check *check)
{
    if (check->compiled) /* what did not compile may use them */
        return;
    check->kind = NULL;
    check_told(check);
    check_climbed(check);
}
