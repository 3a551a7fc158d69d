/* Open cases take the version of the policy that is in force at their site: upon one command, by a job, some in every
   turn. A case that has what the version does not know stays, and says why. */
#include "casework.h"

#include "message/message.h"

#define CASES_A_STEP 16u    /* of the job */
#define LOOKED_AT_MAX 2000u /* for one page */
#define PAGE_CASES_MAX 100u /* of a list */
#define KINDS_MAX 100u      /* named in one command */
#define CASES_MAX 500u      /* likewise */
#define PROBLEMS_MAX 20u    /* told of one case */
#define MOVE_JOB "move"

/* ---- what a case has and the version does not know ---- */

struct bar {
    struct turn *turn;
    const struct casework_case *one;
    const Policy__Kind *kind; /* of the version it would go by; NULL: it has none of the name */
    Hb__Problem **problems;
    size_t count;
};

static void add_problem(struct bar *bar, const char *field, const char *zh, const char *en)
{
    for (size_t i = 0; i < bar->count; i++)
        if (strcmp(bar->problems[i]->field, field) == 0)
            return;
    if (bar->count == PROBLEMS_MAX)
        return;
    Hb__Problem *problem = TURN_NEW(bar->turn, Hb__Problem, hb__problem__init);
    problem->field = (char *)(uintptr_t)field;
    problem->text = label_new(bar->turn, zh, en);
    TURN_ADD(bar->turn, bar->problems, bar->count, problem);
}

/* Where a step leads back to the stage before, that must be there as well. */
static bool goes_back(const Policy__Kind *kind, const char *stage)
{
    for (size_t i = 0; i < kind->n_steps; i++)
        if (kind->steps[i]->back && policy_step_from(kind->steps[i], stage))
            return true;
    return false;
}

static void look_at_stage(struct bar *bar)
{
    const Caserec__Case *record = bar->one->record;
    struct arena *arena = turn_arena(bar->turn);
    const Policy__Stage *was = policy_stage(bar->one->kind, record->stage);
    const Policy__Stage *stage = policy_stage(bar->kind, record->stage);
    const char *before = record->stage_before;
    if (!stage)
        add_problem(bar, "stage",
                    arena_printf(arena, "新版没有阶段“%s”（%s）", was ? was->label->zh : "", record->stage),
                    arena_printf(arena, "the new version has no stage %s", record->stage));
    else if ((uint32_t)stage->phase != record->phase)
        add_problem(bar, "stage", arena_printf(arena, "阶段“%s”在新版中属另一状态", stage->label->zh),
                    arena_printf(arena, "the stage %s is of another phase in the new version", record->stage));
    else if (*before && goes_back(bar->kind, record->stage) && !policy_stage(bar->kind, before))
        add_problem(bar, "stage", arena_printf(arena, "将返回的阶段 %s 在新版中没有", before),
                    arena_printf(arena, "the stage %s to which it would go back is not in the new version", before));
}

static bool in_choice(const Policy__FieldDef *def, const Hb__Value *value)
{
    if (def->type != POLICY__FIELD_DEF__TYPE__CHOICE || !value || value->kind_case != HB__VALUE__KIND_TEXT)
        return true;
    for (size_t i = 0; i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, value->text) == 0)
            return true;
    return false;
}

/* Facts that are no field of the kind, of routing and of approvals, need not be looked at. */
static void look_at_field(struct bar *bar, const char *fact, const Hb__Value *value)
{
    struct arena *arena = turn_arena(bar->turn);
    const Policy__FieldDef *was = policy_field_of_fact(bar->one->kind, fact);
    const Policy__FieldDef *def = policy_field_of_fact(bar->kind, fact);
    if (!was)
        return;
    const char *field = arena_printf(arena, "fields.%s", was->name), *zh = was->label ? was->label->zh : was->name;
    if (!def)
        add_problem(bar, field, arena_printf(arena, "新版没有字段“%s”", zh),
                    arena_printf(arena, "the new version has no field %s", was->name));
    else if (def->type != was->type)
        add_problem(bar, field, arena_printf(arena, "字段“%s”在新版中为另一类型", zh),
                    arena_printf(arena, "the field %s is of another type in the new version", was->name));
    else if (!in_choice(def, value))
        add_problem(bar, field, arena_printf(arena, "字段“%s”的值“%s”不在新版选项中", zh, value->text),
                    arena_printf(arena, "%s is none of the choices of the field %s in the new version", value->text,
                                 was->name));
}

static bool link_there(const Policy__Chain *chain, const char *link)
{
    for (size_t i = 0; chain && i < chain->n_links; i++)
        if (strcmp(chain->links[i]->name, link) == 0)
            return true;
    return false;
}

/* Who was asked to sign must be able to. */
static void look_at_chain(struct bar *bar, const Policy__Chain *chain)
{
    struct arena *arena = turn_arena(bar->turn);
    const struct facts *facts = &bar->one->facts;
    const Policy__Chain *now = NULL;
    if (strcmp(facts_text(facts, chain->name), "asked") != 0)
        return;
    for (size_t i = 0; i < bar->kind->n_chains; i++)
        if (strcmp(bar->kind->chains[i]->name, chain->name) == 0)
            now = bar->kind->chains[i];
    for (size_t i = 0; i < chain->n_links; i++) {
        const char *link = chain->links[i]->name;
        bool asked = facts_get(facts, arena_printf(arena, "%s.%s.asked", chain->name, link)) &&
                     !facts_get(facts, arena_printf(arena, "%s.%s.signed", chain->name, link));
        if (asked && !link_there(now, link))
            add_problem(bar, arena_printf(arena, "chains.%s", chain->name),
                        arena_printf(arena, "正在等待签批的环节（%s / %s）在新版中没有", chain->name, link),
                        arena_printf(arena, "it waits for the approval %s by %s, which the new version does not have",
                                     chain->name, link));
    }
}

static struct bar bar_of(struct turn *turn, const struct casework_case *one, const Policy__Policy *policy)
{
    struct bar bar = {.turn = turn, .one = one, .kind = policy ? policy_kind(policy, one->record->kind) : NULL};
    if (!bar.kind) {
        add_problem(&bar, "kind", arena_printf(turn_arena(turn), "新版没有事项类型 %s", one->record->kind),
                    arena_printf(turn_arena(turn), "the new version has no kind %s", one->record->kind));
        return bar;
    }
    look_at_stage(&bar);
    for (size_t i = 0; i < one->facts.count; i++)
        if (one->facts.list[i]->value)
            look_at_field(&bar, one->facts.list[i]->name, one->facts.list[i]->value);
    for (size_t i = 0; i < one->record->n_texts; i++)
        look_at_field(&bar, one->record->texts[i]->name, NULL);
    for (size_t i = 0; i < one->kind->n_chains; i++)
        look_at_chain(&bar, one->kind->chains[i]);
    return bar;
}

/* ---- the cases it is about ---- */

struct walk {
    struct turn *turn;
    const Directory__Site *site;
    uint32_t version;
    char **kinds;
    size_t kinds_count;
    const uint64_t *cases; /* named; else all of the site */
    size_t cases_count;
    uint64_t next; /* index of the named one, or id from which on */
    unsigned looked;
    struct state_scan *scan;
};

static bool is_open(const Caserec__Case *record)
{
    return record->phase != POLICY__PHASE__CLOSED && record->phase != POLICY__PHASE__ARCHIVED;
}

static bool kind_meant(const struct walk *walk, const char *kind)
{
    bool meant = walk->kinds_count == 0;
    for (size_t i = 0; i < walk->kinds_count && !meant; i++)
        meant = strcmp(walk->kinds[i], kind) == 0;
    return meant;
}

/* Each once, however often it is named. */
static uint64_t next_named(struct walk *walk)
{
    while (walk->next < walk->cases_count) {
        uint64_t id = walk->cases[walk->next++];
        bool before = false;
        for (size_t i = 0; i + 1 < walk->next && !before; i++)
            before = walk->cases[i] == id;
        if (!before)
            return id;
    }
    return 0;
}

static void open_scan(struct walk *walk)
{
    uint64_t first = case_id_first(walk->site->bucket);
    struct key from = key_u64(walk->next > first ? walk->next : first);
    walk->scan = state_scan_open(walk->turn, CASEWORK_CASE, (struct bytes){0}, key_bytes(&from));
}

/* The next id to look at; 0: there is none. */
static uint64_t next_id(struct walk *walk)
{
    struct bytes key, value;
    if (walk->cases_count)
        return next_named(walk);
    if (!state_scan_next(walk->scan, &key, &value) || case_id_bucket(bytes_get_u64(key.data)) != walk->site->bucket)
        return 0;
    walk->next = bytes_get_u64(key.data) + 1;
    return bytes_get_u64(key.data);
}

/* The next open case that goes by an older version: one published since then is not taken back. False: no more, or
   `most` were looked at: then `next` says where to go on; else it is 0. */
static bool walk_on(struct walk *walk, unsigned most, struct casework_case *out)
{
    if (!walk->cases_count && !walk->scan)
        open_scan(walk);
    while (walk->looked < most) {
        struct arena_mark mark = arena_mark(turn_arena(walk->turn));
        uint64_t id = next_id(walk);
        if (!id) {
            walk->next = 0;
            return false;
        }
        walk->looked++;
        if (casework_open(walk->turn, id, out) && strcmp(out->record->site, walk->site->id) == 0 &&
            is_open(out->record) && out->record->policy_version < walk->version && kind_meant(walk, out->record->kind))
            return true;
        arena_return(turn_arena(walk->turn), mark);
    }
    return false;
}

static struct walk walk_of(struct turn *turn, const Directory__Site *site, const Casework__MoveBegun *begun,
                           uint64_t next)
{
    return (struct walk){.turn = turn,
                         .site = site,
                         .version = begun->version,
                         .kinds = begun->kinds,
                         .kinds_count = begun->n_kinds,
                         .cases = begun->cases,
                         .cases_count = begun->n_cases,
                         .next = next};
}

/* ---- the command ---- */

static Caserec__Move *move_load(struct turn *turn, const char *site)
{
    struct key key = key_text(site);
    return state_load(turn, CASEWORK_MOVE, key_bytes(&key), &caserec__move__descriptor);
}

static void move_save(struct turn *turn, const char *site, const Caserec__Move *row)
{
    struct key key = key_text(site);
    state_save(turn, CASEWORK_MOVE, key_bytes(&key), (const ProtobufCMessage *)row);
}

static Casework__MoveBegun *begun_of(struct turn *turn, const char *site, const Casework__Move *move)
{
    Casework__MoveBegun *begun = TURN_NEW(turn, Casework__MoveBegun, casework__move_begun__init);
    begun->version = organisation_policy_version(turn, site);
    begun->kinds = move->kinds;
    begun->n_kinds = move->n_kinds;
    begun->cases = move->cases;
    begun->n_cases = move->n_cases;
    return begun;
}

static void check_kinds(struct turn *turn, const Policy__Policy *policy, const Casework__Move *move)
{
    struct arena *arena = turn_arena(turn);
    for (size_t i = 0; i < move->n_kinds && !turn_refused(turn); i++) {
        if (policy_kind(policy, move->kinds[i]))
            continue;
        Hb__Refusal *refusal =
            turn_refuse(turn, 422, "unknown_kind", arena_printf(arena, "现行制度没有事项类型“%s”", move->kinds[i]),
                        arena_printf(arena, "the policy in force has no kind \"%s\"", move->kinds[i]));
        refusal_field(turn, refusal, arena_printf(arena, "kinds[%zu]", i));
        for (size_t k = 0; k < policy->n_kinds; k++)
            refusal_accepts(turn, refusal, policy->kinds[k]->name);
    }
}

/* What is hidden from the actor is as if it were not there. */
static const Caserec__Case *seen_case(struct turn *turn, const Hb__Actor *actor, const char *site, uint64_t case_id)
{
    struct casework_case one;
    bool known = casework_open(turn, case_id, &one) && strcmp(one.record->site, site) == 0;
    return known && !casework_hidden(&one, actor) ? one.record : NULL;
}

static void check_cases(struct turn *turn, const Hb__Actor *actor, const char *site, const Casework__Move *move)
{
    struct arena *arena = turn_arena(turn);
    for (size_t i = 0; i < move->n_cases && !turn_refused(turn); i++) {
        const Caserec__Case *record = seen_case(turn, actor, site, move->cases[i]);
        bool known = record != NULL;
        if (known && is_open(record))
            continue;
        refusal_field(turn,
                      turn_refuse(turn, 422, known ? "closed" : "unknown_case",
                                  known ? "该案件已结，不改用新版" : "该站点没有这个案件",
                                  known ? "this case is closed: it stays with its version"
                                        : "there is no such case at this site"),
                      arena_printf(arena, "cases[%zu]", i));
    }
}

/* The site whose policies this actor may change, with one in force. NULL: refused. */
static const Directory__Site *site_to_move(struct turn *turn, const Hb__Actor *actor, const char *name,
                                           const Casework__Move *move)
{
    const Directory__Site *site = organisation_site(turn, name);
    const Policy__Policy *policy = site ? organisation_policy(turn, name, 0) : NULL;
    if (!site || (!rights_may(turn, actor, "policy", name) && !rights_may(turn, actor, "read", name))) {
        refusal_field(turn, turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site"), "site");
    } else if (!rights_may(turn, actor, "policy", name)) {
        turn_refuse(turn, 403, "not_allowed", "无权发布制度", "this account may not publish policies at this site");
    } else if (!policy) {
        turn_refuse(turn, 409, "no_policy", "该站点尚无现行制度", "no policy is in force at this site");
    } else if (move->version && move->version != policy->version) {
        struct arena *arena = turn_arena(turn);
        Hb__Refusal *refusal =
            turn_refuse(turn, 409, "stale_version", arena_printf(arena, "现行制度为第 %u 版", policy->version),
                        arena_printf(arena, "version %u is in force by now", policy->version));
        refusal_field(turn, refusal, "version");
        refusal_accepts(turn, refusal, arena_printf(arena, "%u", policy->version));
    } else if (move->n_kinds > KINDS_MAX || move->n_cases > CASES_MAX) {
        turn_refuse(turn, 413, "too_large", "最多 100 个事项类型、500 件案件；不指明即为全部",
                    "at most 100 kinds and 500 cases; naming none means all");
    } else {
        check_kinds(turn, policy, move);
        check_cases(turn, actor, name, move);
    }
    return turn_refused(turn) ? NULL : site;
}

static Hb__Event *site_event(struct turn *turn, const char *site, uint32_t version, Casework__Event__KindCase kind,
                             void *payload)
{
    Hb__Event *event = turn_event(turn, site, 0);
    event->policy_version = version;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = TURN_NEW(turn, Casework__Event, casework__event__init);
    event->casework->kind_case = kind;
    event->casework->move_begun = payload; /* all arms share one pointer */
    return event;
}

void casework_decide_move(struct turn *turn, const Hb__Command *command)
{
    const Casework__Move *move = command->casework->move;
    if (!site_to_move(turn, command->actor, command->site, move))
        return;
    const Caserec__Move *last = move_load(turn, command->site);
    if (last && !last->ended_ms &&
        turn_job_open(turn, MOVE_JOB)) { /* one that an older program passed over has no job any more */
        turn_refuse(turn, 409, "moving", "上一次改用新版尚未结束，请稍候",
                    "the last move is still at work: wait for it");
        return;
    }
    Casework__MoveBegun *begun = begun_of(turn, command->site, move);
    turn_say(turn, site_event(turn, command->site, begun->version, CASEWORK__EVENT__KIND_MOVE_BEGUN, begun));
}

/* ---- the job ---- */

static void say_moved(struct turn *turn, const struct casework_case *one, const Policy__Policy *policy,
                      const Policy__Kind *kind)
{
    struct casework_case there = *one;
    Casework__CaseMoved *moved = TURN_NEW(turn, Casework__CaseMoved, casework__case_moved__init);
    moved->from = one->record->policy_version;
    moved->to = policy->version;
    there.policy = there.view.policy = policy;
    there.kind = kind;
    there.view.facts = &there.facts;
    there.view.context = &there;
    Hb__Event *event = casework_event(turn, &there, CASEWORK__EVENT__KIND_CASE_MOVED, moved);
    event->policy_version = policy->version;
    casework_compute(&there, event);
    turn_say(turn, event);
}

static void say_stays(struct turn *turn, const struct casework_case *one, uint32_t version, const struct bar *bar)
{
    Casework__CaseMoveRefused *refused = TURN_NEW(turn, Casework__CaseMoveRefused, casework__case_move_refused__init);
    refused->from = one->record->policy_version;
    refused->to = version;
    refused->problems = bar->problems;
    refused->n_problems = bar->count;
    turn_say(turn, casework_event(turn, one, CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED, refused));
}

static void say_ended(struct turn *turn, const Caserec__Move *row, bool passed_over)
{
    Casework__MoveEnded *ended = TURN_NEW(turn, Casework__MoveEnded, casework__move_ended__init);
    ended->version = row->begun->version;
    ended->passed_over = passed_over;
    turn_say(turn, site_event(turn, row->site, ended->version, CASEWORK__EVENT__KIND_MOVE_ENDED, ended));
}

static const Caserec__Move *move_of(struct turn *turn, struct bytes payload)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&caserec__move__descriptor, payload, turn_arena(turn), &message, &why) == ERR_NONE);
    return (const Caserec__Move *)message;
}

void casework_job_passed_over(struct turn *turn, const char *what, struct bytes payload)
{
    (void)what; /* there is one */
    say_ended(turn, move_of(turn, payload), true);
}

struct bytes casework_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                               unsigned keys_max)
{
    (void)what;
    const Caserec__Move *row = move_of(turn, payload);
    const Directory__Site *site = organisation_site(turn, row->site);
    const Policy__Policy *policy = organisation_policy(turn, row->site, row->begun->version);
    bug_unless(site && policy);
    struct walk walk = walk_of(turn, site, row->begun, next.size ? bytes_get_u64(next.data) : 0);
    struct casework_case one;
    bool more = true;
    for (unsigned taken = 0; taken < CASES_A_STEP && (more = walk_on(&walk, keys_max, &one)); taken++) {
        struct bar bar = bar_of(turn, &one, policy);
        if (bar.count)
            say_stays(turn, &one, policy->version, &bar);
        else
            say_moved(turn, &one, policy, bar.kind);
    }
    if (!more && !walk.next) {
        say_ended(turn, row, false);
        return (struct bytes){0};
    }
    struct key key = key_u64(walk.next);
    return arena_copy(turn_arena(turn), key_bytes(&key));
}

/* ---- folding ---- */

void casework_move_site(struct turn *turn, const Hb__Event *event)
{
    if (event->casework->kind_case == CASEWORK__EVENT__KIND_MOVE_BEGUN) {
        Caserec__Move row = CASEREC__MOVE__INIT;
        row.site = event->site;
        row.begun = event->casework->move_begun;
        row.begun_ms = event->recorded_ms;
        move_save(turn, event->site, &row);
        turn_job_add(turn, MOVE_JOB, event->site, message_pack(&row.base, turn_arena(turn)));
    } else if (event->casework->kind_case == CASEWORK__EVENT__KIND_MOVE_ENDED) {
        Caserec__Move *row = move_load(turn, event->site);
        if (!row)
            return;
        row->ended_ms = event->recorded_ms;
        row->passed_over = event->casework->move_ended->passed_over;
        move_save(turn, event->site, row);
    }
}

static void count(struct turn *turn, const char *site, bool moved)
{
    Caserec__Move *row = move_load(turn, site);
    if (!row)
        return;
    row->moved += moved;
    row->refused += !moved;
    move_save(turn, site, row);
}

/* What waited for a fact of a rule that is no more will not be tried again. */
static void settle_gone(struct turn *turn, Caserec__Case *record)
{
    const Policy__Policy *policy = organisation_policy(turn, record->site, record->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    for (size_t i = 0; kind && i < record->n_problems; i++) {
        Caserec__Problem *problem = record->problems[i];
        bool there = !*problem->missing;
        for (size_t r = 0; r < kind->n_rules && !there; r++)
            there = strcmp(kind->rules[r]->name, problem->noted->rule) == 0;
        problem->settled = problem->settled || !there;
    }
}

void casework_moved(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    Casework__VersionTaken *taken = TURN_NEW(turn, Casework__VersionTaken, casework__version_taken__init);
    taken->from = event->casework->case_moved->from;
    taken->to = event->casework->case_moved->to;
    taken->at_ms = event->recorded_ms;
    TURN_ADD(turn, record->versions_taken, record->n_versions_taken, taken);
    record->policy_version = taken->to;
    record->move_refused = 0;
    record->n_move_problems = 0;
    settle_gone(turn, record);
    count(turn, record->site, true);
}

void casework_stays(struct turn *turn, Caserec__Case *record, const Casework__CaseMoveRefused *refused)
{
    record->move_refused = refused->to;
    record->move_problems = refused->problems;
    record->n_move_problems = refused->n_problems;
    count(turn, record->site, false);
}

/* ---- answering ---- */

static Casework__Moving *moving_reply(struct turn *turn, Hb__QueryReply *reply, Casework__Reply__KindCase kind)
{
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_CASEWORK;
    reply->casework = TURN_NEW(turn, Casework__Reply, casework__reply__init);
    reply->casework->kind_case = kind; /* both share one pointer */
    reply->casework->moving = TURN_NEW(turn, Casework__Moving, casework__moving__init);
    return reply->casework->moving;
}

static void case_add(struct turn *turn, const struct casework_case *one, Hb__Problem **problems, size_t count_of,
                     Casework__Moving *moving)
{
    Casework__MovingCase *row = TURN_NEW(turn, Casework__MovingCase, casework__moving_case__init);
    row->case_id = one->id;
    row->number = one->record->number;
    row->kind = one->record->kind;
    row->from = one->record->policy_version;
    row->problems = problems;
    row->n_problems = count_of;
    TURN_ADD(turn, moving->cases, moving->n_cases, row);
}

static uint32_t page_of(uint32_t limit)
{
    return limit && limit < PAGE_CASES_MAX ? limit : PAGE_CASES_MAX;
}

/* What is hidden from whoever asks is moved like all others, and listed to those who see it. */
void casework_answer_preview(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    static const Casework__Move all = CASEWORK__MOVE__INIT;
    const Casework__PreviewMove *preview = query->casework->preview;
    const Casework__Move *move = preview->move ? preview->move : &all;
    const Directory__Site *site = site_to_move(turn, query->actor, query->site, move);
    if (!site)
        return;
    Casework__Moving *moving = moving_reply(turn, reply, CASEWORK__REPLY__KIND_PREVIEW);
    const Casework__MoveBegun *begun = begun_of(turn, site->id, move);
    const Policy__Policy *policy = organisation_policy(turn, site->id, begun->version);
    struct walk walk = walk_of(turn, site, begun, preview->after);
    struct casework_case one;
    moving->version = begun->version;
    while (moving->n_cases < page_of(preview->limit) && walk_on(&walk, LOOKED_AT_MAX, &one)) {
        if (casework_hidden(&one, query->actor))
            continue;
        struct bar bar = bar_of(turn, &one, policy);
        case_add(turn, &one, bar.problems, bar.count, moving);
    }
    moving->next = walk.next;
}

void casework_answer_move(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    static const Casework__Move all = CASEWORK__MOVE__INIT;
    const Casework__GetMove *get = query->casework->move;
    const Directory__Site *site = site_to_move(turn, query->actor, query->site, &all);
    if (!site)
        return;
    Casework__Moving *moving = moving_reply(turn, reply, CASEWORK__REPLY__KIND_MOVING);
    const Caserec__Move *row = move_load(turn, site->id);
    if (!row)
        return;
    struct walk walk = walk_of(turn, site, row->begun, get->after);
    struct casework_case one;
    moving->version = row->begun->version;
    moving->begun_ms = row->begun_ms;
    moving->ended_ms = row->ended_ms;
    moving->passed_over = row->passed_over;
    moving->moved = row->moved;
    moving->refused = row->refused;
    while (moving->n_cases < page_of(get->limit) && walk_on(&walk, LOOKED_AT_MAX, &one))
        if (one.record->move_refused == moving->version && !casework_hidden(&one, query->actor))
            case_add(turn, &one, one.record->move_problems, one.record->n_move_problems, moving);
    moving->next = walk.next;
}
