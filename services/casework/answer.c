#include "casework.h"
#include "message/message.h"

/* File and time line are the staff's. A complainant is told of his own case (own.c), and may ask whether he may attach.
 */
static bool may_ask(struct turn *turn, const Hb__Query *query, const Caserec__Case *record, uint64_t case_id)
{
    switch (query->casework->kind_case) {
    case CASEWORK__QUERY__KIND_OWN:
        return query->actor && query->actor->complainant && query->case_id == case_id;
    case CASEWORK__QUERY__KIND_MAY_ATTACH:
        return !query->actor || !query->actor->complainant || query->case_id == case_id;
    case CASEWORK__QUERY__KIND_GET:
    case CASEWORK__QUERY__KIND_TIMELINE:
        return !query->actor || rights_may(turn, query->actor, "read", record->site);
    case CASEWORK__QUERY__KIND_MOVE:
    case CASEWORK__QUERY__KIND_PREVIEW:
    case CASEWORK__QUERY__KIND_HISTORY:
    case CASEWORK__QUERY__KIND__NOT_SET:
        break;
    }
    return false;
}

/* The case that is asked about; 0: none. */
static uint64_t case_of(const Casework__Query *query)
{
    switch (query->kind_case) {
    case CASEWORK__QUERY__KIND_GET:
        return query->get->case_id;
    case CASEWORK__QUERY__KIND_TIMELINE:
        return query->timeline->case_id;
    case CASEWORK__QUERY__KIND_MAY_ATTACH:
        return query->may_attach->case_id;
    case CASEWORK__QUERY__KIND_OWN:
        return query->own->case_id;
    case CASEWORK__QUERY__KIND_MOVE:
    case CASEWORK__QUERY__KIND_PREVIEW:
    case CASEWORK__QUERY__KIND_HISTORY:
    case CASEWORK__QUERY__KIND__NOT_SET:
        break;
    }
    return 0;
}

bool casework_hidden(const struct casework_case *one, const Hb__Actor *actor)
{
    return case_hidden(&one->view, one->record->kind, one->record->policy_version, actor);
}

void casework_refuse_unknown(struct turn *turn)
{
    turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
}

bool casework_open_for(struct turn *turn, uint64_t case_id, const Hb__Actor *actor, struct casework_case *out)
{
    bool met = casework_open(turn, case_id, out) && !casework_hidden(out, actor);
    if (!met)
        casework_refuse_unknown(turn);
    return met;
}

/* Taken for others only: whom it may be taken for. */
static void add_lent(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor,
                     Casework__Allowed *allowed)
{
    struct turn *turn = one->view.turn;
    const char *clause;
    for (const Directory__Person **from = organisation_principals(turn, actor->person); *from; from++)
        if (casework_step_bar(one, step, casework_standing_for(one, actor, *from), &clause) == CASEWORK_FREE)
            TURN_ADD(turn, allowed->for_persons, allowed->n_for_persons, (*from)->id);
}

static void add_extend(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor,
                       Casework__Allowed ***list, size_t *count)
{
    const Policy__Step *step = casework_extend_step(one, NULL);
    const char *clause;
    if (!step || casework_step_bar(one, step, actor, &clause) != CASEWORK_FREE)
        return;
    Casework__Allowed *allowed = TURN_NEW(turn, Casework__Allowed, casework__allowed__init);
    allowed->step = step->name;
    allowed->label = step->label;
    allowed->clauses = step->clauses;
    allowed->n_clauses = step->n_clauses;
    for (size_t i = 0; i < step->n_needs; i++)
        TURN_ADD(turn, allowed->needs, allowed->n_needs, step->needs[i]->name);
    for (size_t i = 0; i < one->kind->n_clocks; i++)
        if (one->kind->clocks[i]->extend && casework_extend_open(one, one->kind->clocks[i]))
            TURN_ADD(turn, allowed->clocks, allowed->n_clocks, one->kind->clocks[i]->name);
    if (allowed->n_clocks)
        TURN_ADD(turn, *list, *count, allowed);
}

void casework_add_allowed(const struct casework_case *one, const Hb__Actor *actor, Casework__Allowed ***list,
                          size_t *count)
{
    struct turn *turn = one->view.turn;
    if (!casework_account_acts(one, actor, true))
        return; /* it may read alone, whatever post the person has */
    for (size_t i = 0; i < one->kind->n_steps; i++) {
        const Policy__Step *step = one->kind->steps[i];
        const char *clause;
        const Hb__Actor *standing = step->n_from ? casework_standing(one, step, actor) : NULL;
        if (step->n_from == 0 || casework_step_bar(one, step, standing, &clause) != CASEWORK_FREE)
            continue;
        Casework__Allowed *allowed = TURN_NEW(turn, Casework__Allowed, casework__allowed__init);
        struct policy_by by = casework_by(one, step);
        allowed->step = step->name;
        allowed->label = step->label;
        allowed->clauses = (char **)(uintptr_t)by.clauses;
        allowed->n_clauses = by.clauses_count;
        for (size_t n = 0; n < step->n_needs; n++) {
            if (step->needs[n]->type == POLICY__NEED__TYPE__FIELD)
                TURN_ADD(turn, allowed->needs, allowed->n_needs, step->needs[n]->name);
            if (step->needs[n]->anew)
                TURN_ADD(turn, allowed->anew, allowed->n_anew, step->needs[n]->name);
        }
        for (size_t n = 0; n < step->n_fields; n++) {
            const Policy__FieldDef *def = casework_field(one, step, step->fields[n]);
            if (!def || casework_may_write(one, def, actor))
                TURN_ADD(turn, allowed->offers, allowed->n_offers, step->fields[n]);
        }
        if (standing != actor)
            add_lent(one, step, actor, allowed);
        allowed->seen = casework_seen_after(one, step, allowed);
        Hb__Refusal blocked = HB__REFUSAL__INIT, *collect = &blocked;
        casework_check_guards(one, step, &one->facts, actor, true, &collect);
        casework_check_returns(one, step, &collect);
        allowed->blocked = blocked.problems;
        allowed->n_blocked = blocked.n_problems;
        TURN_ADD(turn, *list, *count, allowed);
    }
    add_extend(turn, one, actor, list, count);
}

static bool is_hidden(struct turn *turn, uint64_t case_id, const Hb__Actor *actor)
{
    struct casework_case other;
    return casework_open(turn, case_id, &other) && casework_hidden(&other, actor);
}

/* A linked case that is hidden from whoever asks is as if it were none. */
static void add_links(struct turn *turn, const Caserec__Case *record, const Hb__Actor *actor, Casework__CaseFile *file)
{
    for (size_t i = 0; i < record->n_links; i++) {
        if (is_hidden(turn, record->links[i]->case_id, actor))
            continue;
        Casework__Linked *linked = TURN_NEW(turn, Casework__Linked, casework__linked__init);
        linked->name = record->links[i]->name;
        linked->case_id = record->links[i]->case_id;
        linked->kind = record->links[i]->kind;
        linked->stage = record->links[i]->stage;
        linked->phase = record->links[i]->phase;
        linked->number = record->links[i]->number;
        TURN_ADD(turn, file->links, file->n_links, linked);
    }
}

static Casework__CaseFile *file_of(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor)
{
    const Caserec__Case *record = one->record;
    Casework__CaseFile *file = TURN_NEW(turn, Casework__CaseFile, casework__case_file__init);
    file->case_id = one->id;
    file->site = record->site;
    file->number = record->number;
    file->kind = record->kind;
    file->stage = record->stage;
    file->phase = record->phase;
    file->round = record->round;
    file->version = record->version;
    casework_file_read(one, actor, file);
    file->text = record->text;
    file->party = record->party;
    file->lead = (char *)(uintptr_t)facts_text(&one->facts, "lead");
    file->handler = (char *)(uintptr_t)facts_text(&one->facts, "handler");
    file->received_ms = record->received_ms;
    file->registered_ms = record->registered_ms;
    file->closed_ms = record->closed_ms;
    file->policy_version = record->policy_version;
    file->versions_taken = record->versions_taken;
    file->n_versions_taken = record->n_versions_taken;
    file->historic = record->historic;
    file->external_id = record->external_id;
    file->content_key = record->content_key;
    file->identity_key = record->identity_key;
    const Hb__Value *joint = facts_get(&one->facts, "joint");
    if (joint && joint->kind_case == HB__VALUE__KIND_TEXTS) {
        file->joint = joint->texts->text;
        file->n_joint = joint->texts->n_text;
    }
    for (size_t i = 0; i < record->n_problems; i++)
        if (!record->problems[i]->settled)
            TURN_ADD(turn, file->problems, file->n_problems, record->problems[i]->noted);
    add_links(turn, record, actor, file);
    file->joined = record->joined;
    file->seen = casework_seen(one);
    file->may_attach = casework_may_attach(turn, one, actor);
    casework_add_allowed(one, actor, &file->allowed, &file->n_allowed);
    return file;
}

/* Of the case that was opened; as long as that is not here, by what it is opened with. */
static bool asks_for_hidden(const struct casework_case *one, const Casework__CaseRequested *asked,
                            const Hb__Actor *actor)
{
    bool opened = false;
    for (size_t i = 0; *asked->link && i < one->record->n_links; i++) {
        const Caserec__Link *link = one->record->links[i];
        if (strcmp(link->name, asked->link) != 0 || strcmp(link->kind, asked->kind) != 0)
            continue;
        if (is_hidden(one->view.turn, link->case_id, actor))
            return true;
        opened = true;
    }
    const struct facts with = {asked->with, asked->n_with};
    struct case_view view = one->view;
    view.facts = &with;
    return !opened && !asked->cell && case_hidden(&view, asked->kind, one->record->policy_version, actor);
}

/* Does it say of another case, which is hidden from whoever asks, that it was joined or opened? */
static bool tells_of_hidden(const struct casework_case *one, const Hb__Event *event, const Hb__Actor *actor)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_CASEWORK)
        return false;
    const Casework__Event *said = event->casework;
    return (said->kind_case == CASEWORK__EVENT__KIND_CASE_LINKED &&
            is_hidden(one->view.turn, said->case_linked->case_id, actor)) ||
           (said->kind_case == CASEWORK__EVENT__KIND_CASE_REQUESTED &&
            asks_for_hidden(one, said->case_requested, actor));
}

static void drop_hidden_links(struct turn *turn, const Hb__Event *event, const Hb__Actor *actor)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_INTAKE || event->intake->kind_case != INTAKE__EVENT__KIND_REGISTERED)
        return;
    Intake__CaseRegistered *registered = event->intake->registered;
    size_t kept = 0;
    for (size_t i = 0; i < registered->n_links; i++)
        if (!is_hidden(turn, registered->links[i]->case_id, actor))
            registered->links[kept++] = registered->links[i];
    registered->n_links = kept;
}

/* As far as the actor may know it. Returns how many bytes were added. */
static size_t add_event(const struct casework_case *one, struct bytes stored, const Hb__Actor *actor,
                        Casework__Timeline *timeline)
{
    struct turn *turn = one->view.turn;
    ProtobufCMessage *message;
    char *why;
    if (actor && !message_load(&hb__event__descriptor, stored, turn_arena(turn), &message, &why)) {
        Hb__Event *event = (Hb__Event *)message;
        if (tells_of_hidden(one, event, actor))
            return 0;
        drop_hidden_links(turn, event, actor);
        Casework__Withheld *withheld = casework_event_read(one, actor, event);
        if (withheld) {
            withheld->event = (uint32_t)timeline->n_events;
            TURN_ADD(turn, timeline->withheld, timeline->n_withheld, withheld);
        }
        stored = message_pack(message, turn_arena(turn));
    }
    ProtobufCBinaryData data = {stored.size, (uint8_t *)(uintptr_t)stored.data};
    TURN_ADD(turn, timeline->events, timeline->n_events, data);
    return stored.size;
}

static void tell_missing(struct turn *turn, uint64_t case_id, uint32_t number)
{
    struct key key = key_u64(case_id);
    key_add_u32(&key, number);
    state_missing(turn, CASEWORK_FILE, key_bytes(&key));
}

static Casework__Timeline *timeline_of(struct turn *turn, const Casework__GetTimeline *query,
                                       const struct casework_case *one, const Hb__Actor *actor)
{
    uint32_t events = one->record->events; /* how many the case has */
    Casework__Timeline *timeline = TURN_NEW(turn, Casework__Timeline, casework__timeline__init);
    if (query->after >= events)
        return timeline;
    struct key prefix = key_u64(query->case_id), from = prefix;
    key_add_u32(&from, query->after + 1);
    struct state_scan *scan = state_scan_open(turn, CASEWORK_FILE, key_bytes(&prefix), key_bytes(&from));
    uint32_t most = query->limit && query->limit < CASEWORK_TIMELINE_MAX ? query->limit : CASEWORK_TIMELINE_MAX;
    struct bytes key, value;
    uint32_t next = query->after;
    size_t bytes = 0;
    bool full = false;
    while (!full && state_scan_next(scan, &key, &value)) {
        if (bytes_get_u32(key.data + 8) != ++next)
            tell_missing(turn, query->case_id, next);
        bytes += add_event(one, value, actor, timeline);
        timeline->next = next;
        full = timeline->n_events >= most || bytes >= CASEWORK_TIMELINE_BYTES_MAX;
    }
    if (!full) {
        if (next < events)
            tell_missing(turn, query->case_id, next + 1);
        timeline->next = 0;
    }
    return timeline;
}

static void answer_of_case(const Hb__Query *query, struct casework_case *one, Casework__Reply *reply)
{
    struct turn *turn = one->view.turn;
    switch (query->casework->kind_case) {
    case CASEWORK__QUERY__KIND_GET:
        reply->kind_case = CASEWORK__REPLY__KIND_FILE;
        reply->file = file_of(turn, one, query->actor);
        return;
    case CASEWORK__QUERY__KIND_TIMELINE:
        reply->kind_case = CASEWORK__REPLY__KIND_TIMELINE;
        reply->timeline = timeline_of(turn, query->casework->timeline, one, query->actor);
        return;
    case CASEWORK__QUERY__KIND_MAY_ATTACH:
        one->view.actor = query->actor;
        casework_answer_may_attach(turn, query, one, reply);
        return;
    case CASEWORK__QUERY__KIND_OWN:
        casework_answer_own(one, query->actor, reply);
        return;
    case CASEWORK__QUERY__KIND_MOVE:
    case CASEWORK__QUERY__KIND_PREVIEW:
    case CASEWORK__QUERY__KIND_HISTORY:
    case CASEWORK__QUERY__KIND__NOT_SET:
        break;
    }
}

void casework_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (query->payload_case != HB__QUERY__PAYLOAD_CASEWORK) {
        turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
        return;
    }
    uint64_t case_id = case_of(query->casework);
    struct casework_case one;
    if (query->casework->kind_case == CASEWORK__QUERY__KIND_PREVIEW) {
        casework_answer_preview(turn, query, reply);
        return;
    }
    if (query->casework->kind_case == CASEWORK__QUERY__KIND_HISTORY) {
        casework_answer_history(turn, query, reply);
        return;
    }
    if (query->casework->kind_case == CASEWORK__QUERY__KIND_MOVE) {
        casework_answer_move(turn, query, reply);
        return;
    }
    if (!casework_open_for(turn, case_id, query->actor, &one))
        return;
    if (!may_ask(turn, query, one.record, case_id)) {
        casework_refuse_unknown(turn);
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_CASEWORK;
    reply->casework = TURN_NEW(turn, Casework__Reply, casework__reply__init);
    answer_of_case(query, &one, reply->casework);
}
