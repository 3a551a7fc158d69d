#include "analytics.h"
#include "base/planted.h"
#include "calendar/calendar.h"
#include "organisation/conditions.h"

#include <inttypes.h>

Anarec__Case *analytics_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, ANALYTICS_CASE, key_bytes(&key), &anarec__case__descriptor);
}

static void save(struct turn *turn, const Anarec__Case *one)
{
    struct key key = key_u64(one->row->case_id);
    state_save(turn, ANALYTICS_CASE, key_bytes(&key), &one->base);
}

/* ---- change hints ---- */

char *analytics_cell_text(struct turn *turn, uint64_t cell)
{
    return cell ? arena_printf(turn_arena(turn), "%016" PRIx64, cell) : arena_strdup(turn_arena(turn), "");
}

/* One ring for all cells, so that whoever follows it has one place in it. */
static void hint_add(struct turn *turn, Analytics__Change *change)
{
    struct bytes last;
    uint64_t cell = turn_look_at(turn, 0);
    uint64_t id =
        state_last(turn, ANALYTICS_CHANGES, (struct bytes){0}, &last, NULL) ? bytes_get_u64(last.data) + 1 : 1;
    change->id = id;
    change->cell = analytics_cell_text(turn, cell);
    struct key key = key_u64(id);
    state_save(turn, ANALYTICS_CHANGES, key_bytes(&key), &change->base);
    if (id > ANALYTICS_CHANGES_KEPT) {
        struct key old = key_u64(id - ANALYTICS_CHANGES_KEPT);
        state_delete(turn, ANALYTICS_CHANGES, key_bytes(&old));
    }
    turn_look_at(turn, cell);
}

static void hint(struct turn *turn, const Anarec__Case *one, const Hb__Event *event, const char *what)
{
    Analytics__Change change = ANALYTICS__CHANGE__INIT;
    change.case_id = one->row->case_id;
    change.version = one->row->version;
    change.site = one->row->site;
    change.department = one->row->department;
    change.what = (char *)(uintptr_t)what;
    change.at_ms = event->occurred_ms;
    hint_add(turn, &change);
}

/* What is held is no case; who looks through it is told that there is more, or less, of it. */
static void hint_held(struct turn *turn, const Hb__Event *event)
{
    const Intake__Event *said = event->payload_case == HB__EVENT__PAYLOAD_INTAKE ? event->intake : NULL;
    Analytics__Change change = ANALYTICS__CHANGE__INIT;
    if (!said || event->cell != turn_cell(turn))
        return;
    if (said->kind_case == INTAKE__EVENT__KIND_HELD)
        change.kind = said->held->kind;
    else if (said->kind_case == INTAKE__EVENT__KIND_HELD_REFUSED)
        change.kind = said->held_refused->kind;
    else if (said->kind_case == INTAKE__EVENT__KIND_HELD_REGISTERED)
        change.kind = said->held_registered->kind;
    if (!*change.kind)
        return;
    change.site = event->site;
    change.what = "held";
    change.at_ms = event->occurred_ms;
    hint_add(turn, &change);
}

/* ---- on time? ---- */

/* One main clock may take over from another within a round (accepted, then answered): from then on it alone speaks for
   the case. */
static bool is_followed(const Anarec__Case *one, size_t at)
{
    const Anarec__Main *main = one->mains[at];
    for (size_t i = 0; i < one->n_mains; i++) {
        const Anarec__Main *other = one->mains[i];
        bool later = other->start_ms > main->start_ms || (other->start_ms == main->start_ms && i > at);
        if (later && other->round == main->round && strcmp(other->clock, main->clock) != 0)
            return true;
    }
    return false;
}

/* Late once is late for good, whatever a later round brings; on time when the last run that began was met. */
static char *rating(const Anarec__Case *one)
{
    static char yes[] = "true", no[] = "false", none[] = "";
    bool met = one->unpromised;
    for (size_t i = planted("forgive_late") && one->n_mains ? one->n_mains - 1 : 0; i < one->n_mains; i++) {
        if (is_followed(one, i))
            continue;
        if (one->mains[i]->missed)
            return no;
        met = one->mains[i]->met;
    }
    return met ? yes : none;
}

/* What is due next, as long as nobody has done it: of the main clock, or of another that comes before it. */
static void look_at_open(Anarec__Case *one)
{
    Analytics__CaseRow *row = one->row;
    row->open_due_ms = 0;
    row->late = false;
    if (row->closed_ms)
        return;
    for (size_t i = 0; i < one->n_mains; i++) {
        if (one->mains[i]->met || is_followed(one, i))
            continue;
        row->open_due_ms = row->due_ms;
        row->late = one->mains[i]->missed; /* the last that began: another round has another */
    }
    for (size_t i = 0; i < one->n_others; i++) {
        const Anarec__Other *other = one->others[i];
        if (!row->open_due_ms || other->due_ms < row->open_due_ms)
            row->open_due_ms = other->due_ms;
        row->late = row->late || other->missed;
    }
}

/* ---- a case appears ---- */

static void index_case(struct turn *turn, const Analytics__CaseRow *row)
{
    uint8_t id[8];
    bytes_put_u64(id, row->case_id);
    struct key order = key_text(row->site), number = order, external = order;
    key_add_u64(&order, (uint64_t)row->received_ms);
    key_add_u64(&order, row->case_id);
    key_add_text(&number, row->number);
    state_put(turn, ANALYTICS_ORDER, key_bytes(&order), (struct bytes){0});
    state_put(turn, ANALYTICS_NUMBER, key_bytes(&number), bytes_of(id, sizeof id));
    if (*row->external_id) {
        key_add_text(&external, row->external_id);
        state_put(turn, ANALYTICS_EXTERNAL, key_bytes(&external), bytes_of(id, sizeof id));
    }
}

static bool promised_main(const Intake__CaseRegistered *registered)
{
    for (size_t i = 0; i < registered->n_promised; i++)
        if (registered->promised[i]->main)
            return true;
    return false;
}

char *analytics_month(struct turn *turn, const char *site, int64_t ms)
{
    int year, month, day;
    date_split(date_of_local(zone_local_ms(organisation_zone(turn, site), ms)), &year, &month, &day);
    return arena_printf(turn_arena(turn), "%04d-%02d", year, month);
}

/* The policy of then says it: a list would be another one each time a policy is published. */
static bool is_sealed(const Policy__Policy *policy, const Policy__Kind *kind, const Intake__CaseRegistered *registered)
{
    return (registered->party && registered->party->confidential) ||
           (kind && (kind->identity_restricted || analytics_may_hide(policy, kind)));
}

static char *duty_of(const Intake__CaseRegistered *registered)
{
    const Hb__Position *cause = registered->requested_by;
    bool duty = cause && cause->log && cause->log->service == HB__SERVICE__WATCHDOG;
    return duty ? registered->rule : (char *)(uintptr_t) "";
}

/* What the case is about, where a plain field of that name says it. */
static char *subject_of(const Hb__Event *event, char *before)
{
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Fact *fact = event->facts[i];
        if (fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT && strcmp(fact->name, "subject") == 0)
            return fact->value->text;
    }
    return before;
}

/* Does the policy of the case call it urgent, as long as it is open? */
static bool is_urgent(struct turn *turn, const Anarec__Case *one)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, one->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, one->row->kind) : NULL;
    struct facts facts = {one->facts, one->n_facts};
    const struct case_view view = {
        .turn = turn, .site = one->row->site, .policy = policy, .facts = &facts, .now_ms = turn_now(turn)};
    return kind && kind->urgent && !one->row->closed_ms && case_holds(&view, kind->urgent, NULL) == TRUTH_YES;
}

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    const Policy__Policy *policy = organisation_policy(turn, event->site, event->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, registered->kind) : NULL;
    Anarec__Case one = ANAREC__CASE__INIT;
    Analytics__CaseRow row = ANALYTICS__CASE_ROW__INIT;
    one.row = &row;
    row.case_id = event->case_id;
    row.site = event->site;
    row.number = registered->number;
    row.external_id = registered->external_id;
    row.kind = registered->kind;
    row.category = registered->category;
    row.channel = registered->channel;
    row.stage = registered->stage;
    row.phase = registered->phase;
    row.received_ms = event->occurred_ms;
    row.round = 1;
    row.version = 1;
    row.historic = registered->historic;
    row.place = registered->place;
    row.sealed = is_sealed(policy, kind, registered);
    row.duty = duty_of(registered);
    row.subject = subject_of(event, row.subject);
    if (registered->phase == POLICY__PHASE__CLOSED)
        row.closed_ms = event->occurred_ms;
    one.registered_ms = registered->occasion_ms ? registered->occasion_ms : event->recorded_ms;
    one.policy_version = event->policy_version;
    one.period = analytics_month(turn, event->site, event->occurred_ms);
    one.confidential = registered->party && registered->party->confidential;
    one.unpromised = kind && kind->unpromised_on_time && !promised_main(registered);
    row.on_time = rating(&one);
    one.was_public = analytics_can_be_joined(turn, &one);
    index_case(turn, &row);
    analytics_count(turn, &one, 1);
    hint(turn, &one, event, "registered");
    analytics_indicators_registered(turn, &one, event);
    row.urgent = is_urgent(turn, &one);
    analytics_facets_move(turn, NULL, &row);
    analytics_indicators_move(turn, &one);
    analytics_notices_fold(turn, &one, event);
    if (event->cell == turn_cell(turn)) {
        analytics_patterns_fold(turn, &one, event);
        analytics_patterns_registered(turn, &one, event);
    }
    analytics_published_look(turn, &one, event);
    save(turn, &one);
    turn_case_known(turn, event->case_id);
}

/* ---- a case changes: the old contribution goes out, the new one in ---- */

static const char *step_taken(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    Analytics__CaseRow *row = one->row;
    bool ends = taken->phase == POLICY__PHASE__CLOSED || taken->phase == POLICY__PHASE__ARCHIVED;
    if (ends && !row->closed_ms)
        row->closed_ms = event->occurred_ms;
    else if (!ends)
        row->closed_ms = 0;
    bool working = taken->phase == POLICY__PHASE__WORKING || taken->phase == POLICY__PHASE__WAITING ||
                   taken->phase == POLICY__PHASE__DONE;
    if (working && !row->responded_ms)
        row->responded_ms = event->occurred_ms;
    if (*taken->step && !analytics_took(row, taken->step))
        TURN_ADD(turn, row->steps, row->n_steps, taken->step);
    row->returned = row->returned || policy_gives_back(taken->gave_back, taken->step);
    row->stage = taken->stage;
    row->phase = taken->phase;
    row->round = taken->round;
    row->version = taken->version;
    row->changed_ms = event->occurred_ms;
    if (taken->joined)
        row->joined = taken->joined;
    one->was_public = one->was_public || analytics_can_be_joined(turn, one);
    struct facts changed = {event->facts, event->n_facts};
    for (size_t i = 0; i < changed.count; i++) {
        const Hb__Fact *fact = changed.list[i];
        if (fact->value && fact->value->kind_case == HB__VALUE__KIND_YES && strcmp(fact->name, "confidential") == 0)
            one->confidential = fact->value->yes;
        if (!fact->value || fact->value->kind_case != HB__VALUE__KIND_TEXT)
            continue;
        if (strcmp(fact->name, "satisfied") == 0)
            row->satisfied = fact->value->text;
        if (strcmp(fact->name, "category") == 0)
            row->category = fact->value->text;
    }
    row->subject = subject_of(event, row->subject);
    return "step";
}

/* ---- the main clock ---- */

static bool is_instance(const Anarec__Main *main, const Watchdog__Instance *instance)
{
    return main->round == instance->round && strcmp(main->clock, instance->clock) == 0 &&
           strcmp(main->part, instance->part) == 0;
}

static Anarec__Main *main_of(struct turn *turn, Anarec__Case *one, const Watchdog__Instance *instance)
{
    for (size_t i = 0; i < one->n_mains; i++)
        if (is_instance(one->mains[i], instance))
            return one->mains[i];
    Anarec__Main *fresh = TURN_NEW(turn, Anarec__Main, anarec__main__init);
    fresh->clock = instance->clock;
    fresh->round = instance->round;
    fresh->part = instance->part;
    Anarec__Main **grown = arena_alloc(turn_arena(turn), (one->n_mains + 1) * sizeof *grown);
    if (one->n_mains)
        memcpy(grown, one->mains, one->n_mains * sizeof *grown);
    grown[one->n_mains++] = fresh;
    one->mains = grown;
    return fresh;
}

/* A move of the case to another version has made it a clock among others: what is due is up to the one in its place,
   that says so before or after it. */
static const char *no_longer_main(Anarec__Case *one, const Watchdog__Instance *instance)
{
    size_t kept = 0, open = 0;
    for (size_t i = 0; i < one->n_mains; i++) {
        Anarec__Main *main = one->mains[i];
        if (is_instance(main, instance))
            continue;
        one->mains[kept++] = main;
        open += !main->met;
    }
    if (kept == one->n_mains)
        return NULL;
    one->n_mains = kept;
    if (!open)
        one->row->due_ms = 0;
    return "due";
}

/* ---- the clocks beside it ---- */

static bool is_other(const Anarec__Other *other, const Watchdog__Instance *instance)
{
    return other->round == instance->round && strcmp(other->clock, instance->clock) == 0 &&
           strcmp(other->part, instance->part) == 0;
}

static Anarec__Other *other_of(const Anarec__Case *one, const Watchdog__Instance *instance)
{
    for (size_t i = 0; i < one->n_others; i++)
        if (is_other(one->others[i], instance))
            return one->others[i];
    return NULL;
}

static const char *other_over(Anarec__Case *one, const Watchdog__Instance *instance, const char *what)
{
    size_t kept = 0, before = one->n_others;
    for (size_t i = 0; i < before; i++)
        if (!is_other(one->others[i], instance))
            one->others[kept++] = one->others[i];
    one->n_others = kept;
    return kept < before ? what : NULL;
}

/* Whose miss nobody is told of is no promise: it measures something for a rule. */
static bool is_promise(struct turn *turn, const Anarec__Case *one, const Watchdog__ClockArmed *armed)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, one->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, one->row->kind) : NULL;
    const Policy__Clock *clock = kind ? policy_clock(kind, armed->instance->clock) : NULL;
    return *armed->ladder || (clock && clock->n_late);
}

static const char *other_armed(struct turn *turn, Anarec__Case *one, const Watchdog__ClockArmed *armed)
{
    Anarec__Other *other = other_of(one, armed->instance);
    if (!other && !is_promise(turn, one, armed))
        return NULL;
    if (!other) {
        other = TURN_NEW(turn, Anarec__Other, anarec__other__init);
        other->clock = armed->instance->clock;
        other->round = armed->instance->round;
        other->part = armed->instance->part;
        TURN_ADD(turn, one->others, one->n_others, other);
    }
    other->due_ms = armed->due_ms;
    return "due";
}

static const char *other_missed(const Anarec__Case *one, const Watchdog__Instance *instance, bool missed)
{
    Anarec__Other *other = other_of(one, instance);
    if (!other)
        return NULL;
    other->missed = missed;
    return missed ? "late" : "withdrawn";
}

static const char *other_paused(Anarec__Case *one, const Watchdog__Instance *instance)
{
    const Anarec__Other *other = other_of(one, instance);
    return other && !other->missed ? other_over(one, instance, "due") : NULL; /* armed again when it goes on */
}

static void begin(Anarec__Main *main, int64_t start_ms)
{
    main->met = false;
    main->start_ms = start_ms;
}

static const char *clock_said(struct turn *turn, Anarec__Case *one, const Watchdog__Event *said)
{
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        if (!said->armed->main) {
            const char *what = no_longer_main(one, said->armed->instance), *armed = other_armed(turn, one, said->armed);
            return what ? what : armed;
        }
        other_over(one, said->armed->instance, NULL);
        one->row->due_ms = said->armed->due_ms;
        one->row->provisional = said->armed->provisional;
        begin(main_of(turn, one, said->armed->instance), said->armed->start_ms);
        return "due";
    case WATCHDOG__EVENT__KIND_MET:
        if (!said->met->main)
            return other_over(one, said->met->instance, "met");
        main_of(turn, one, said->met->instance)->met = true;
        return "met";
    case WATCHDOG__EVENT__KIND_MISSED:
        if (!said->missed->main)
            return other_missed(one, said->missed->instance, true);
        main_of(turn, one, said->missed->instance)->missed = true;
        return "late";
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        if (!said->miss_withdrawn->main)
            return other_missed(one, said->miss_withdrawn->instance, false);
        main_of(turn, one, said->miss_withdrawn->instance)->missed = false;
        return "withdrawn";
    case WATCHDOG__EVENT__KIND_CANCELLED:
        if (!said->cancelled->main)
            return other_over(one, said->cancelled->instance, "due");
        main_of(turn, one, said->cancelled->instance)->met = false;
        if (said->cancelled->gone) /* another that has taken its place says so next */
            one->row->due_ms = 0;
        return "due";
    case WATCHDOG__EVENT__KIND_PAUSED:
        return other_paused(one, said->paused->instance);
    case WATCHDOG__EVENT__KIND_POINT:
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return NULL;
    }
    return NULL;
}

#define LEVELS_MAX 64u

static bool listed(char *const *list, size_t count, const char *one)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], one) == 0)
            return true;
    return false;
}

/* Who has to acknowledge: whoever was told of a level, until one of them does. */
static void count_told(struct turn *turn, Anarec__Case *one)
{
    one->row->escalated_to = NULL;
    one->row->n_escalated_to = 0;
    for (size_t i = 0; i < one->n_levels; i++)
        for (size_t t = 0; t < one->levels[i]->n_told; t++)
            if (!listed(one->row->escalated_to, one->row->n_escalated_to, one->levels[i]->told[t]))
                TURN_ADD(turn, one->row->escalated_to, one->row->n_escalated_to, one->levels[i]->told[t]);
}

static bool drop_level(Anarec__Case *one, const char *key)
{
    size_t left = 0;
    for (size_t i = 0; i < one->n_levels; i++)
        if (strcmp(one->levels[i]->key, key) != 0)
            one->levels[left++] = one->levels[i];
    bool found = left < one->n_levels;
    one->n_levels = left;
    return found;
}

/* A warning is no level, and need not be acknowledged. */
static const char *level_reached(struct turn *turn, Anarec__Case *one, const Escalation__LevelReached *reached)
{
    if (!reached->level)
        return NULL;
    Anarec__Level *level = TURN_NEW(turn, Anarec__Level, anarec__level__init);
    level->key = reached->key;
    level->told = reached->told;
    level->n_told = reached->n_told;
    drop_level(one, reached->key);
    if (one->n_levels == LEVELS_MAX)
        drop_level(one, one->levels[0]->key);
    TURN_ADD(turn, one->levels, one->n_levels, level);
    one->row->level = reached->level > one->row->level ? reached->level : one->row->level;
    return "escalated";
}

static const char *escalation_said(struct turn *turn, Anarec__Case *one, const Escalation__Event *said)
{
    const char *what = NULL;
    switch (said->kind_case) {
    case ESCALATION__EVENT__KIND_REACHED:
        what = level_reached(turn, one, said->reached);
        break;
    case ESCALATION__EVENT__KIND_ACKNOWLEDGED:
        what = drop_level(one, said->acknowledged->key) ? "acknowledged" : NULL;
        break;
    case ESCALATION__EVENT__KIND_CANCELLED:
        what = drop_level(one, said->cancelled->key) ? "withdrawn" : NULL;
        break;
    case ESCALATION__EVENT__KIND_PROBLEM:
    case ESCALATION__EVENT__KIND__NOT_SET:
        break;
    }
    if (what)
        count_told(turn, one);
    return what;
}

/* What changed in the row, NULL when nothing did. */
static const char *apply(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_ROUTING:
        if (event->routing->kind_case != ROUTING__EVENT__KIND_ROUTED)
            return NULL;
        one->row->department = event->routing->routed->lead;
        one->row->handler = event->routing->routed->handler;
        one->first_contact = event->routing->routed->first_contact;
        one->row->joint = event->routing->routed->joint;
        one->row->n_joint = event->routing->routed->n_joint;
        return "routed";
    case HB__EVENT__PAYLOAD_CASEWORK:
        if (event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN)
            return step_taken(turn, one, event);
        if (event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED) {
            one->policy_version = event->casework->case_moved->to;
            return "moved";
        }
        if (event->casework->kind_case == CASEWORK__EVENT__KIND_PROBLEMS_SETTLED) {
            uint32_t settled = event->casework->problems_settled->count;
            one->row->problems -= settled < one->row->problems ? settled : one->row->problems;
            return "problem";
        }
        if (event->casework->kind_case != CASEWORK__EVENT__KIND_PROBLEM_NOTED)
            return NULL;
        one->row->problems++;
        return "problem";
    case HB__EVENT__PAYLOAD_WATCHDOG:
        return clock_said(turn, one, event->watchdog);
    case HB__EVENT__PAYLOAD_ESCALATION:
        return escalation_said(turn, one, event->escalation);
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return NULL;
    }
    return NULL;
}

/* What the row, the figures and the patterns make of it. */
static void change(struct turn *turn, const Anarec__Case *before, Anarec__Case *after, const Hb__Event *event,
                   const char *what)
{
    after->row->on_time = rating(after);
    look_at_open(after);
    if (!planted_each("count_twice", 10))
        analytics_count(turn, before, -1);
    analytics_count(turn, after, 1);
    analytics_facets_move(turn, before->row, after->row);
    hint(turn, after, event, what);
    if (event->cell == turn_cell(turn))
        analytics_patterns_fold(turn, after, event);
    if (after->row->closed_ms && !before->row->closed_ms)
        analytics_patterns_closed(turn, after, event->occurred_ms);
}

void analytics_evolve(struct turn *turn, const Hb__Event *event)
{
    analytics_audit_fold(turn, event);
    analytics_since_fold(turn, event);
    hint_held(turn, event);
    analytics_notices_said(turn, event);
    if (event->case_id == 0)
        return;
    if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE) {
        bool registered = event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
        bug_unless(!planted("poison_evolve") || !registered ||
                   strcmp(event->intake->registered->channel, "other") != 0);
        if (registered)
            evolve_registered(turn, event);
        return;
    }
    if (event->payload_case == HB__EVENT__PAYLOAD_ANALYTICS)
        analytics_patterns_said(turn, event);
    Anarec__Case *before = analytics_load(turn, event->case_id), *after = analytics_load(turn, event->case_id);
    const char *what = after ? apply(turn, after, event) : NULL;
    bool reached = after && analytics_indicators_hear(turn, before, after, event);
    bool said = after && analytics_published_said(turn, after, event);
    bool noticed = after && analytics_notices_fold(turn, after, event);
    if (after && analytics_approvals_fold(turn, after) && !what)
        what = "approval";
    if (after && after->row->urgent != is_urgent(turn, after)) {
        after->row->urgent = !after->row->urgent;
        what = what ? what : "step";
    }
    if (what)
        change(turn, before, after, event, what);
    if (!what && !reached && !said && !noticed)
        return;
    analytics_published_look(turn, after, event);
    analytics_indicators_move(turn, after);
    save(turn, after);
}
