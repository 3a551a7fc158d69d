/* Table case: case id BE64 -> Watchrec.Case: what happened, in order of arrival, and what has been said of each run. */
#include "watchdog.h"

#include <stdlib.h>

Watchrec__Case *watchdog_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, WATCHDOG_CASE, key_bytes(&key), &watchrec__case__descriptor);
}

void watchdog_save(struct turn *turn, uint64_t case_id, const Watchrec__Case *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, WATCHDOG_CASE, key_bytes(&key), (const ProtobufCMessage *)record);
}

Watchrec__Said *watchdog_said(Watchrec__Case *record, const char *clock, uint32_t round, uint32_t part)
{
    for (size_t i = 0; i < record->n_said; i++)
        if (record->said[i]->round == round && record->said[i]->part == part &&
            strcmp(record->said[i]->clock, clock) == 0)
            return record->said[i];
    return NULL;
}

uint32_t watchdog_warned(const Watchrec__Said *said, int64_t due_ms)
{
    uint32_t bits = said->due_ms == due_ms ? said->warned : 0;
    for (size_t i = 0; i < said->n_warned_before; i++)
        bits |= said->warned_before[i]->due_ms == due_ms ? said->warned_before[i]->bits : 0;
    return bits;
}

uint32_t watchdog_rows_but(const Watchrec__Said *said, int64_t due_ms)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < said->n_rows_of; i++)
        bits |= said->rows_of[i]->due_ms == due_ms ? 0 : said->rows_of[i]->bits;
    return bits;
}

void watchdog_limit_clauses(const Policy__Clock *clock, const struct run *run, char ***clauses_out, size_t *count_out)
{
    const Policy__LimitRow *row = run->limit_row >= 0 ? clock->limit[run->limit_row] : NULL;
    bool own = row && row->n_clauses;
    *clauses_out = own ? row->clauses : clock->clauses;
    *count_out = own ? row->n_clauses : clock->n_clauses;
}

char *watchdog_limit_department(const Policy__Clock *clock, const struct run *run)
{
    const Policy__LimitRow *row = run->limit_row >= 0 ? clock->limit[run->limit_row] : NULL;
    return row && *row->department ? row->department : clock->department;
}

/* ---- judging ---- */

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static bool same_place(const Hb__Position *a, const Hb__Position *b)
{
    return a && b && a->offset == b->offset && a->log->service == b->log->service &&
           a->log->partition == b->log->partition && a->log->epoch == b->log->epoch && a->log->cell == b->log->cell;
}

/* An extension counts from the proof of delivery of its own notice, whichever of the two was heard first; 0: none yet.
 */
static int64_t extension_told_ms(const Watchrec__Case *record, const Watchrec__Happening *extension)
{
    if (!extension->notice)
        return extension->at_ms; /* nobody need be told */
    for (size_t i = 0; i < record->n_happenings; i++)
        if (*record->happenings[i]->told && same_place(record->happenings[i]->notice, extension->notice))
            return record->happenings[i]->at_ms;
    return 0;
}

struct placed {
    struct happening happening;
    Hb__Service service;
    uint32_t told_round;
    size_t arrival;
};

/* Nothing happens to a case before it was registered: whoever acts has heard of it. His clock may say otherwise, when
   it was put back or is behind that of intake. */
static int64_t at_ms_of(const Watchrec__Case *record, size_t i)
{
    int64_t at_ms = record->happenings[i]->at_ms, registered_ms = record->happenings[0]->at_ms;
    return at_ms > registered_ms ? at_ms : registered_ms;
}

/* At one instant by service, whichever was heard first; what one service says of a case arrives in the order of its
   log. */
static int by_time(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->happening.at_ms != y->happening.at_ms)
        return x->happening.at_ms < y->happening.at_ms ? -1 : 1;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

static void fold_facts(struct turn *turn, struct watchdog_case *one)
{
    struct facts facts = {0};
    one->facts = arena_alloc(turn_arena(turn), (one->count + 1) * sizeof *one->facts);
    for (size_t i = 0; i < one->count; i++) {
        facts_fold(turn_arena(turn), &facts, one->happenings[i].facts, one->happenings[i].facts_count);
        one->facts[i] = facts;
    }
}

static enum truth view_told(void *context, const char *notice)
{
    const struct watchdog_case *one = context;
    uint32_t round = 1;
    bool told = false;
    for (size_t i = 0; i <= one->upto && i < one->count; i++) {
        const struct happening *happening = &one->happenings[i];
        told = (told && happening->round <= round) || (happening->told && strcmp(happening->told, notice) == 0);
        round = happening->round > round ? happening->round : round;
    }
    return told ? TRUTH_YES : TRUTH_NO;
}

static bool view_moment(void *context, const char *name, int64_t *ms_out)
{
    const struct watchdog_case *one = context;
    for (size_t i = one->upto + 1; i-- > 0;) {
        const struct happening *happening = &one->happenings[i];
        if ((happening->stage && strcmp(happening->stage, name) == 0) ||
            (happening->step && strcmp(happening->step, name) == 0)) {
            *ms_out = happening->at_ms;
            return true;
        }
    }
    return false;
}

static bool version_add(struct turn *turn, struct watchdog_case *one, uint32_t version)
{
    struct watchdog_version fresh = {.version = version};
    fresh.policy = organisation_policy(turn, one->record->site, version);
    fresh.kind = fresh.policy ? policy_kind(fresh.policy, one->record->kind) : NULL;
    TURN_ADD(turn, one->versions, one->versions_count, fresh);
    one->policy = fresh.policy;
    one->kind = fresh.kind;
    return fresh.kind != NULL;
}

static bool open_versions(struct turn *turn, struct watchdog_case *one)
{
    bool known = version_add(turn, one, watchdog_first_version(one->record));
    for (size_t i = 0; i < one->record->n_happenings && known; i++)
        if (one->record->happenings[i]->moved_to)
            known = version_add(turn, one, one->record->happenings[i]->moved_to);
    return known;
}

bool watchdog_open(struct turn *turn, uint64_t case_id, struct watchdog_case *out)
{
    return watchdog_make_ready(turn, case_id, watchdog_load(turn, case_id), out);
}

bool watchdog_make_ready(struct turn *turn, uint64_t case_id, Watchrec__Case *record, struct watchdog_case *out)
{
    uint32_t moved = 0;
    *out = (struct watchdog_case){.id = case_id, .record = record};
    if (!record || !open_versions(turn, out))
        return false;
    out->count = out->record->n_happenings;
    struct placed *placed = arena_alloc(turn_arena(turn), (out->count + 1) * sizeof *placed);
    for (size_t i = 0; i < out->count; i++) {
        const Watchrec__Happening *row = out->record->happenings[i];
        placed[i] = (struct placed){{.at_ms = at_ms_of(out->record, i),
                                     .occurred_ms = row->occurred_ms,
                                     .stage = or_null(row->stage),
                                     .step = or_null(row->step),
                                     .told = or_null(row->told),
                                     .late = or_null(row->late),
                                     .linked_kind = or_null(row->linked_kind),
                                     .linked_stage = or_null(row->linked_stage),
                                     .extends = or_null(row->extends),
                                     .extended_due_ms = row->extended_due_ms,
                                     .extension_told_ms = *row->extends ? extension_told_ms(out->record, row) : 0,
                                     .phase = (Policy__Phase)row->phase,
                                     .round = row->round,
                                     .moved = row->moved_to ? ++moved : 0,
                                     .facts = row->facts,
                                     .facts_count = row->n_facts},
                                    row->service,
                                    row->told_round,
                                    i};
    }
    qsort(placed, out->count, sizeof *placed, by_time);
    out->happenings = arena_alloc(turn_arena(turn), (out->count + 1) * sizeof *out->happenings);
    uint32_t round = 1;
    for (size_t i = 0; i < out->count; i++) {
        out->happenings[i] = placed[i].happening;
        round = placed[i].happening.round > round ? placed[i].happening.round : round;
        if (placed[i].told_round && placed[i].told_round < round)
            out->happenings[i].told = NULL; /* the proof of a round that is over tells nothing of this one */
    }
    fold_facts(turn, out);
    out->view = (struct case_view){.turn = turn,
                                   .site = out->record->site,
                                   .policy = out->policy,
                                   .context = out,
                                   .told = view_told,
                                   .moment = view_moment};
    return true;
}

bool watchdog_hidden(const struct watchdog_case *one, const Hb__Actor *actor)
{
    struct watchdog_case now = *one;
    const struct facts none = {0};
    now.upto = now.count ? now.count - 1 : 0;
    now.view.facts = now.count ? &now.facts[now.upto] : &none;
    now.view.now_ms = turn_now(now.view.turn);
    now.view.context = &now;
    return case_hidden(&now.view, now.record->kind, now.record->policy_version, actor);
}

struct judging {
    struct turn *turn;
    struct watchdog_case *one;
};

static const struct calendar *calendar_of(void *context, const char *name)
{
    const struct judging *judging = context;
    return organisation_calendar(judging->turn, judging->one->record->site, name);
}

static enum truth holds(void *context, const Policy__Condition *condition, size_t upto, uint32_t version, int64_t at_ms)
{
    struct judging *judging = context;
    struct watchdog_case *one = judging->one;
    one->upto = upto;
    one->view.policy = one->versions[version].policy;
    one->view.facts = &one->facts[upto];
    one->view.now_ms = at_ms;
    return case_holds(&one->view, condition, NULL);
}

static bool instant(void *context, const char *name, size_t upto, int64_t *ms_out)
{
    const struct judging *judging = context;
    return facts_time(&judging->one->facts[upto], name, ms_out);
}

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

const char **watchdog_clocks(struct turn *turn, const struct watchdog_case *one, size_t *count_out)
{
    const char **names = NULL;
    size_t count = 0;
    for (size_t v = 0; v + 1 < one->versions_count; v++)
        for (size_t i = 0; i < one->versions[v].kind->n_clocks; i++) {
            const char *name = one->versions[v].kind->clocks[i]->name;
            if (!policy_clock(one->kind, name) && !listed(names, count, name))
                TURN_ADD(turn, names, count, name);
        }
    for (size_t i = 0; i < one->kind->n_clocks; i++)
        TURN_ADD(turn, names, count, one->kind->clocks[i]->name);
    *count_out = count;
    return names;
}

/* A clock with `each` runs for the parts only, one without it for the case. */
static struct judge_version version_of(struct turn *turn, const struct watchdog_version *version, const char *name,
                                       uint32_t part)
{
    const Policy__Clock *clock = policy_clock(version->kind, name);
    bool meant = clock && (*clock->each != 0) == (part != 0);
    return (struct judge_version){meant ? watchdog_clock_of_part(turn, clock, part) : NULL, version->policy->defaults};
}

struct run *watchdog_judge(struct turn *turn, struct watchdog_case *one, const char *clock, uint32_t part,
                           int64_t horizon_ms, bool explain, size_t *count_out)
{
    struct judging judging = {turn, one};
    struct judge_version *versions = arena_alloc(turn_arena(turn), one->versions_count * sizeof *versions);
    for (size_t i = 0; i < one->versions_count; i++)
        versions[i] = version_of(turn, &one->versions[i], clock, part);
    struct judge_rules rules = {.clock = versions[0].clock,
                                .defaults = versions[0].defaults,
                                .moved = versions + 1,
                                .moved_count = one->versions_count - 1,
                                .calendar = calendar_of,
                                .holds = holds,
                                .instant = instant,
                                .context = &judging,
                                .explain = explain};
    return clock_judge(&rules, one->happenings, one->count, horizon_ms, turn_arena(turn), count_out);
}

const struct calendar *watchdog_calendar(struct turn *turn, const struct watchdog_case *one, const Policy__Clock *clock)
{
    return organisation_calendar(turn, one->record->site,
                                 clock->options && clock->options->calendar ? clock->options->calendar : "");
}
