/* A ladder row is climbed once, also when the case is moved to a version of the policy whose ladder has other rows: a
   row is the same when it comes at the same point, whoever is told there. */
#include "watchdog.h"

#include "message/message.h"

uint32_t watchdog_first_version(const Watchrec__Case *record)
{
    return record->first_version ? record->first_version : record->policy_version;
}

static const Policy__Ladder *ladder_in(struct turn *turn, const Watchrec__Case *record, const char *name,
                                       uint32_t version)
{
    const Policy__Policy *policy = organisation_policy(turn, record->site, version);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    const Policy__Clock *clock = kind ? policy_clock(kind, name) : NULL;
    return clock && *clock->ladder ? policy_ladder(policy, clock->ladder) : NULL;
}

static bool same_term(struct turn *turn, const Policy__Term *a, const Policy__Term *b)
{
    if (!a || !b)
        return a == b;
    struct bytes x = message_pack(&a->base, turn_arena(turn)), y = message_pack(&b->base, turn_arena(turn));
    return x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
}

static bool same_point(struct turn *turn, const Policy__LadderRow *a, const Policy__LadderRow *b)
{
    return a->at == b->at && a->permille == b->permille && same_term(turn, a->after, b->after);
}

uint32_t watchdog_rows_in(struct turn *turn, const Watchrec__Case *record, const char *clock, uint32_t from,
                          uint32_t to, uint32_t rows)
{
    from = from ? from : watchdog_first_version(record);
    to = to ? to : watchdog_first_version(record);
    if (from == to)
        return rows;
    const Policy__Ladder *before = ladder_in(turn, record, clock, from), *after = ladder_in(turn, record, clock, to);
    uint32_t taken = 0, reached = 0;
    for (size_t i = 0; before && after && i < before->n_rows && i < WATCHDOG_ROWS_MAX; i++)
        for (size_t k = 0; k < after->n_rows && k < WATCHDOG_ROWS_MAX; k++) {
            if (taken & 1u << k || !same_point(turn, before->rows[i], after->rows[k]))
                continue;
            taken |= 1u << k;
            reached |= rows & 1u << i ? 1u << k : 0;
            break;
        }
    return reached;
}
