/* Folds what casework hears and says into the case file. */
#include "casework.h"
#include "message/message.h"

static void moment(struct turn *turn, Caserec__Case *record, const char *name, int64_t at_ms)
{
    if (!*name)
        return;
    for (size_t i = 0; i < record->n_moments; i++)
        if (strcmp(record->moments[i]->name, name) == 0) {
            record->moments[i]->at_ms = at_ms;
            return;
        }
    Caserec__Moment *fresh = TURN_NEW(turn, Caserec__Moment, caserec__moment__init);
    fresh->name = (char *)(uintptr_t)name;
    fresh->at_ms = at_ms;
    TURN_ADD(turn, record->moments, record->n_moments, fresh);
}

static void fold_facts(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    facts_list_fold(turn_arena(turn), &record->facts, &record->n_facts, event);
}

static void fold_texts(struct turn *turn, Caserec__Case *record, Hb__Field *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool replaced = false;
        for (size_t t = 0; t < record->n_texts && !replaced; t++)
            if (strcmp(record->texts[t]->name, texts[i]->name) == 0) {
                record->texts[t] = texts[i];
                replaced = true;
            }
        if (!replaced)
            TURN_ADD(turn, record->texts, record->n_texts, texts[i]);
    }
}

/* ---- intake ---- */

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    Caserec__Case record = CASEREC__CASE__INIT;
    record.site = event->site;
    record.kind = registered->kind;
    record.number = registered->number;
    record.stage = registered->stage;
    record.phase = registered->phase;
    record.round = 1;
    record.version = 1;
    record.text = registered->text;
    struct bytes party =
        registered->party ? message_pack(&registered->party->base, turn_arena(turn)) : (struct bytes){0};
    record.party = (ProtobufCBinaryData){party.size, (uint8_t *)(uintptr_t)party.data};
    record.content_key = registered->content_key;
    record.identity_key = registered->identity_key;
    record.received_ms = event->occurred_ms;
    record.registered_ms = event->recorded_ms;
    record.policy_version = event->policy_version;
    record.generation = event->generation;
    record.historic = registered->historic;
    record.external_id = registered->external_id;
    if (registered->phase == POLICY__PHASE__CLOSED)
        record.closed_ms = event->occurred_ms;
    fold_facts(turn, &record, event);
    struct facts facts = {record.facts, record.n_facts};
    facts_set(turn_arena(turn), &facts, "stage", value_text(turn, record.stage));
    facts_set(turn_arena(turn), &facts, "phase", value_number(turn, record.phase));
    facts_set(turn_arena(turn), &facts, "round", value_number(turn, 1));
    record.facts = facts.list;
    record.n_facts = facts.count;
    fold_texts(turn, &record, registered->texts, registered->n_texts);
    moment(turn, &record, record.stage, event->occurred_ms);
    for (size_t i = 0; i < registered->n_links; i++) {
        const Intake__Link *link = registered->links[i];
        Caserec__Case *other = casework_load(turn, link->case_id);
        if (!other)
            continue;
        casework_link_add(turn, &record, link->name, link->case_id, other);
        casework_link_add(turn, other, link->name, event->case_id, &record);
        casework_save(turn, link->case_id, other);
    }
    casework_file_add(turn, event->case_id, &record, event);
    casework_save(turn, event->case_id, &record);
    casework_number_save(turn, &record, event->case_id);
    turn_case_known(turn, event->case_id);
}

/* ---- own ---- */

static void tell_links(struct turn *turn, uint64_t case_id, const Caserec__Case *record)
{
    for (size_t i = 0; i < record->n_links; i++) {
        Caserec__Case *other = casework_load(turn, record->links[i]->case_id);
        for (size_t l = 0; other && l < other->n_links; l++)
            if (other->links[l]->case_id == case_id) {
                other->links[l]->stage = record->stage;
                other->links[l]->phase = record->phase;
            }
        if (other)
            casework_save(turn, record->links[i]->case_id, other);
    }
}

static void evolve_step(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    bool ends = taken->phase == POLICY__PHASE__CLOSED || taken->phase == POLICY__PHASE__ARCHIVED;
    bool ended = record->phase == POLICY__PHASE__CLOSED || record->phase == POLICY__PHASE__ARCHIVED;
    if (ends != ended)
        record->closed_ms = ends ? event->occurred_ms : 0;
    record->returns += policy_gives_back(taken->gave_back, taken->step) && !event->history;
    bool entered = strcmp(record->stage, taken->stage) != 0;
    if (entered)
        record->stage_before = taken->back ? (char *)(uintptr_t) "" : record->stage;
    record->stage = taken->stage;
    record->phase = taken->phase;
    record->round = taken->round;
    record->version = taken->version;
    if (taken->joined)
        record->joined = taken->joined;
    fold_facts(turn, record, event);
    fold_texts(turn, record, taken->texts, taken->n_texts);
    casework_files_deleted(record, event);
    moment(turn, record, taken->step, event->occurred_ms);
    if (entered && !taken->back)
        moment(turn, record, taken->stage, event->occurred_ms);
    for (size_t i = 0; i < taken->n_told; i++)
        casework_told_add(turn, record, taken->told[i], record->round, event->occurred_ms);
    if (record->n_links && entered)
        tell_links(turn, event->case_id, record);
}

static bool same_place(const Hb__Position *a, const Hb__Position *b)
{
    return a && b && a->offset == b->offset && a->log->service == b->log->service;
}

void casework_settle_problems(Caserec__Case *record, const char *rule, const Hb__Position *source)
{
    for (size_t i = 0; i < record->n_problems; i++) {
        Caserec__Problem *problem = record->problems[i];
        bool met_now = !*problem->missing && same_place(problem->noted->source, source);
        if (*rule && strcmp(problem->noted->rule, rule) == 0 && !met_now)
            problem->settled = true;
    }
}

/* Somebody, or a rule, has given it to whom it belongs. The first routing follows upon the problems met on the way. */
static void settle_routed(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    struct facts facts = {record->facts, record->n_facts};
    bool again = event->routing->kind_case == ROUTING__EVENT__KIND_ROUTED && *facts_text(&facts, "lead");
    for (size_t i = 0; again && i < record->n_problems; i++) {
        const Hb__Position *source = record->problems[i]->noted->source;
        if (source && source->log->service == HB__SERVICE__ROUTING)
            record->problems[i]->settled = true;
    }
    fold_facts(turn, record, event);
}

/* What a rule could not do somebody has done. */
static void settle_done(Caserec__Case *record, const char *step)
{
    for (size_t i = 0; i < record->n_problems; i++)
        if (strcmp(record->problems[i]->noted->step, step) == 0)
            record->problems[i]->settled = true;
}

/* What a rule waited for has come, and it does not apply. */
static void settle_refuted(struct turn *turn, uint64_t case_id)
{
    struct casework_case one;
    bool settled = false;
    if (!casework_open(turn, case_id, &one))
        return;
    for (size_t i = 0; i < one.record->n_problems; i++) {
        const Policy__Rule *rule = casework_waiting(&one, one.record->problems[i]);
        if (rule && case_holds(&one.view, rule->condition, NULL) == TRUTH_NO)
            one.record->problems[i]->settled = settled = true;
    }
    if (settled)
        casework_save(turn, case_id, one.record);
}

static void evolve_problem(struct turn *turn, Caserec__Case *record, Casework__ProblemNoted *noted)
{
    Caserec__Problem *problem = TURN_NEW(turn, Caserec__Problem, caserec__problem__init);
    problem->noted = noted;
    problem->missing = noted->missing;
    TURN_ADD(turn, record->problems, record->n_problems, problem);
}

static void acknowledge(Caserec__Case *record, const Casework__EscalationAcknowledged *done)
{
    for (size_t i = 0; i < record->n_levels; i++)
        if (strcmp(record->levels[i]->key, done->key) == 0)
            record->levels[i]->acknowledged = true;
}

const Hb__Position *casework_source_of(const Casework__Event *said, const char **rule_out)
{
    switch (said->kind_case) {
    case CASEWORK__EVENT__KIND_CASE_REQUESTED:
        *rule_out = said->case_requested->rule;
        return said->case_requested->source;
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
        *rule_out = said->notice_requested->rule;
        return said->notice_requested->source;
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
        *rule_out = said->escalation_requested->rule;
        return said->escalation_requested->source;
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
        *rule_out = said->document_issued->rule;
        return said->document_issued->source;
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
        *rule_out = said->problem_noted->rule;
        return said->problem_noted->source;
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        *rule_out = said->step_taken->rule;
        return said->step_taken->rule_source;
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
        *rule_out = said->assign_requested->rule;
        return said->assign_requested->source;
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
        *rule_out = said->mark_requested->rule;
        return said->mark_requested->source;
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
    case CASEWORK__EVENT__KIND_CASE_LINKED:
    case CASEWORK__EVENT__KIND_CASE_MOVED:
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
    case CASEWORK__EVENT__KIND_MOVE_BEGUN:
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        break;
    }
    *rule_out = "";
    return NULL;
}

static void evolve_own(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    const Casework__Event *said = event->casework;
    const char *rule;
    const Hb__Position *source = casework_source_of(said, &rule);
    if (*rule && source) {
        casework_fired_save(turn, event->case_id, rule, source);
        if (said->kind_case != CASEWORK__EVENT__KIND_PROBLEM_NOTED)
            casework_settle_problems(record, rule, source);
    }
    switch (said->kind_case) {
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        evolve_step(turn, record, event);
        settle_done(record, said->step_taken->step);
        return;
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
        evolve_problem(turn, record, said->problem_noted);
        return;
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
        record->problems_settled += said->problems_settled->count;
        return;
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
        acknowledge(record, said->escalation_acknowledged);
        return;
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
        if (event->actor && *event->actor->account)
            casework_throttle_save(turn, event->actor->account, event->case_id, said->action_refused->step);
        return;
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
        casework_extend_granted(turn, record, said->extension_granted);
        return;
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
        casework_document_issued(turn, record, event);
        return;
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
        casework_file_attached(turn, record, event);
        return;
    case CASEWORK__EVENT__KIND_CASE_LINKED:
        casework_linked(turn, record, said->case_linked);
        return;
    case CASEWORK__EVENT__KIND_CASE_MOVED:
        fold_facts(turn, record, event); /* what the new version computes */
        casework_moved(turn, record, event);
        return;
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
        casework_stays(turn, record, said->case_move_refused);
        return;
    case CASEWORK__EVENT__KIND_CASE_REQUESTED:
        if (said->case_requested->part_digest)
            casework_part_opened_save(turn, event->case_id, said->case_requested);
        return;
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
    case CASEWORK__EVENT__KIND_MOVE_BEGUN:
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        return;
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
        for (size_t i = 0; i < said->history_ended->n_told; i++)
            casework_told_add(turn, record, said->history_ended->told[i], 1, record->received_ms);
        return;
    }
}

/* ---- others ---- */

static void evolve_told(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    casework_extend_noticed(turn, record, event->notification);
    if (event->notification->kind_case != NOTIFICATION__EVENT__KIND_TOLD)
        return;
    const Notification__NoticeTold *told = event->notification->told;
    casework_told_add(turn, record, told->notice, told->round ? told->round : record->round, event->occurred_ms);
}

static void evolve_level(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    if (event->escalation->kind_case != ESCALATION__EVENT__KIND_REACHED)
        return;
    const Escalation__LevelReached *reached = event->escalation->reached;
    Caserec__Level *level = NULL;
    for (size_t i = 0; i < record->n_levels; i++) /* reached again after it was cancelled */
        level = strcmp(record->levels[i]->key, reached->key) == 0 ? record->levels[i] : level;
    bool again = level != NULL;
    if (!again)
        level = TURN_NEW(turn, Caserec__Level, caserec__level__init);
    level->key = reached->key;
    level->ladder = reached->ladder;
    level->row = reached->row;
    level->clock = reached->clock;
    level->told = reached->told;
    level->n_told = reached->n_told;
    level->acknowledged = false;
    if (!again)
        TURN_ADD(turn, record->levels, record->n_levels, level);
}

static bool registers(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
           event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
}

/* One more case joins what was opened for cases like it. */
static void evolve_link(struct turn *turn, const Hb__Event *event, Caserec__Case *record)
{
    const Analytics__LinkRequested *request =
        event->analytics->kind_case == ANALYTICS__EVENT__KIND_LINK_REQUESTED ? event->analytics->link_requested : NULL;
    Caserec__Case *other = request ? casework_load(turn, request->to) : NULL;
    if (!other)
        return;
    casework_link_add(turn, record, request->link, request->to, other);
    casework_link_add(turn, other, request->link, event->case_id, record);
    casework_save(turn, request->to, other);
}

void casework_evolve(struct turn *turn, const Hb__Event *event)
{
    if (event->case_id == 0) {
        if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK)
            casework_move_site(turn, event);
        return;
    }
    if (registers(event)) {
        evolve_registered(turn, event);
        return;
    }
    Caserec__Case *record = casework_load(turn, event->case_id);
    if (!record)
        return;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_CASEWORK:
        evolve_own(turn, record, event);
        break;
    case HB__EVENT__PAYLOAD_ROUTING:
        settle_routed(turn, record, event);
        break;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        evolve_told(turn, record, event);
        break;
    case HB__EVENT__PAYLOAD_ESCALATION:
        evolve_level(turn, record, event);
        break;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        casework_extend_watched(turn, record, event->watchdog);
        casework_dated(turn, record, event->watchdog);
        break;
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ANALYTICS:
        evolve_link(turn, event, record);
        break;
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        break;
    }
    casework_file_add(turn, event->case_id, record, event);
    casework_save(turn, event->case_id, record);
    if (record->n_problems)
        settle_refuted(turn, event->case_id);
}
