/* Where people change the policy by a case (`approves: policy in STAGE`), a case that is in that stage approves one
   publication: casework says so with each step of it, and what was published by it bears it. */
#include "directory.h"

bool directory_may_change(struct turn *turn, const Directory__PublishPolicy *publish)
{
    struct key key = key_u64(publish->case_id);
    struct bytes site;
    if (!publish->case_id || (state_get(turn, DIRECTORY_APPROVED, key_bytes(&key), &site) &&
                              strcmp((const char *)site.data, publish->site) == 0))
        return true;
    refusal_field(turn,
                  turn_refuse(turn, 409, "guard", "该事项未批准修改制度，或据以发布过一次",
                              "this case does not approve a change of the policy, or one was published by it"),
                  "case_id");
    return false;
}

static void fold_step(struct turn *turn, const Hb__Event *event)
{
    struct key key = key_u64(event->case_id);
    struct bytes site;
    bool before = state_get(turn, DIRECTORY_APPROVED, key_bytes(&key), &site);
    const Casework__StepTaken *taken = event->casework->step_taken;
    bool entered = taken->approves_policy && strcmp(taken->from, taken->stage) != 0 && !taken->historic;
    if (entered)
        state_put(turn, DIRECTORY_APPROVED, key_bytes(&key), bytes_of(event->site, strlen(event->site) + 1));
    else if (before && !taken->approves_policy)
        state_delete(turn, DIRECTORY_APPROVED, key_bytes(&key));
}

static void fold_used(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    if (case_id)
        state_delete(turn, DIRECTORY_APPROVED, key_bytes(&key));
}

void directory_approved_fold(struct turn *turn, const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
        event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN)
        fold_step(turn, event);
    if (event->payload_case != HB__EVENT__PAYLOAD_DIRECTORY)
        return;
    if (event->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        fold_used(turn, event->directory->policy_published->case_id);
    if (event->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_SCHEDULED)
        fold_used(turn, event->directory->policy_scheduled->policy->case_id);
}
