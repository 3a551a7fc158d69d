/* What the functions of a service may see and do: state, events, refusals (service.h). */
#include "base/planted.h"
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <stdio.h>

struct arena *turn_arena(struct turn *turn)
{
    return turn->arena;
}

int64_t turn_now(const struct turn *turn)
{
    return turn->now;
}

void turn_random(struct turn *turn, uint8_t *out, size_t size)
{
    const struct env *env = turn->instance->env;
    bug_unless(size <= sizeof turn->random);
    if (!turn->random_drawn) /* most inputs need none */
        env->random(env->context, turn->random, sizeof turn->random);
    turn->random_drawn = true;
    memcpy(out, turn->random, size);
}

int64_t turn_horizon(const struct turn *turn)
{
    return instance_horizon(turn->instance, turn->now);
}

int64_t turn_as_of(const struct turn *turn, Hb__Service service)
{
    int64_t least = INT64_MAX;
    for (unsigned i = 0; i < turn->instance->feeds_count; i++) {
        const struct feed *feed = &turn->instance->feeds[i];
        if (feed->service == service && !feed->cell && feed_as_of(feed) < least)
            least = feed_as_of(feed);
    }
    return least;
}

struct restored turn_restored(const struct turn *turn)
{
    const Record__Head *head = &turn->instance->head;
    return (struct restored){head->epoch, head->restored_ms, head->numbers_skip};
}

const struct instance *turn_instance(const struct turn *turn)
{
    return turn->instance;
}

uint64_t turn_cell(const struct turn *turn)
{
    return turn->instance->options.cell;
}

uint64_t turn_look_at(struct turn *turn, uint64_t cell)
{
    uint64_t before = turn->cell;
    turn->cell = cell;
    return before;
}

uint64_t turn_looks_at(const struct turn *turn)
{
    return turn->cell;
}

const struct instance_cell *turn_cells(const struct turn *turn, unsigned *count_out)
{
    *count_out = turn->instance->options.cells_count;
    return turn->instance->options.cells;
}

const struct instance_cell *turn_cell_known(const struct turn *turn, uint64_t cell)
{
    for (unsigned i = 0; i < turn->instance->options.cells_count; i++)
        if (turn->instance->options.cells[i].cell == cell)
            return &turn->instance->options.cells[i];
    return NULL;
}

struct cell_heard turn_cell_heard(const struct turn *turn, uint64_t cell)
{
    struct cell_heard heard = {.as_of_ms = INT64_MAX, .problem = ""};
    for (unsigned i = 0; i < turn->instance->feeds_count; i++) {
        const struct feed *feed = &turn->instance->feeds[i];
        if (feed->cell != cell)
            continue;
        heard.events += feed->cursor;
        heard.behind += feed->end > feed->cursor ? feed->end - feed->cursor : 0;
        if (feed_as_of(feed) < heard.as_of_ms)
            heard.as_of_ms = feed_as_of(feed);
        if (feed->problem)
            heard.problem = feed->problem;
    }
    return heard;
}

uint32_t turn_partition(const struct turn *turn)
{
    return turn->instance->options.partition;
}

bool turn_has_bucket(const struct turn *turn, uint32_t bucket)
{
    return instance_has_bucket(turn->instance, bucket);
}

struct vault *turn_vault(struct turn *turn)
{
    bug_unless(turn->phase == PHASE_PREPARE || turn->phase == PHASE_READ || turn->phase == PHASE_REACT);
    return turn->instance->vault;
}

struct store *turn_files(struct turn *turn)
{
    bug_unless(turn->phase == PHASE_READ);
    return turn->instance->files;
}

const Config__Config *turn_config(const struct turn *turn)
{
    return turn->instance->options.config;
}

const char *turn_policies_folder(const struct turn *turn)
{
    return turn->instance->options.policies_folder;
}

const char *turn_calendars_folder(const struct turn *turn)
{
    return turn->instance->options.calendars_folder;
}

const char *turn_zones_folder(const struct turn *turn)
{
    return turn->instance->options.zones_folder;
}

void **turn_organisation_cache(struct turn *turn)
{
    return &turn->instance->organisation_cache;
}

/* ---- saying ---- */

Hb__Event *turn_event(struct turn *turn, const char *site, uint64_t case_id)
{
    Hb__Event *event = NEW(turn->arena, Hb__Event, HB__EVENT__INIT);
    event->site = arena_strdup(turn->arena, site);
    event->case_id = case_id;
    if (turn->at) { /* what follows from a historic fact happened when that fact did */
        event->generation = turn->at->generation;
        event->policy_version = turn->at->policy_version;
        if (turn->history) {
            event->history = true;
            event->occurred_ms = turn->at->occurred_ms;
        }
    }
    return event;
}

/* Appending a plain personal text is a bug: it could never be erased (design.md 7). */
static void refuse_plain(ProtobufCMessage *message, void *context)
{
    (void)context;
    if (message->descriptor == &hb__personal__descriptor)
        bug_unless(planted("leak_plain") || ((Hb__Personal *)message)->kind_case != HB__PERSONAL__KIND_PLAIN);
}

static void envelope_fill(struct turn *turn, Hb__Event *event)
{
    struct instance *instance = turn->instance;
    event->cell = instance->options.cell;
    event->service = instance->service->id;
    event->partition = instance->options.partition;
    event->epoch = instance->head.epoch;
    event->offset = turn->next_offset++ - planted_each("reuse_offset", 50);
    event->recorded_ms = turn->now - (planted_each("recorded_back", 20) ? 90000 : 0);
    if (event->occurred_ms == 0)
        event->occurred_ms = turn->now;
    if (!event->actor && turn->actor)
        event->actor = (Hb__Actor *)(uintptr_t)turn->actor;
    if (event->actor && (event->actor->n_scopes || event->actor->n_sites)) { /* how a token was narrowed is no fact */
        Hb__Actor *actor = NEW(turn->arena, Hb__Actor, *event->actor);
        actor->n_scopes = actor->n_sites = 0;
        event->actor = actor;
    }
    event->cause = turn->cause;
    event->hops = turn->hops + 1;
    if (planted_each("break_chain", 50))
        turn->last_hash[0] ^= 1;
    struct bytes previous = arena_copy(turn->arena, bytes_of(turn->last_hash, sizeof turn->last_hash));
    event->previous_hash = (ProtobufCBinaryData){previous.size, (uint8_t *)(uintptr_t)previous.data};
}

/* Takes back all that the command at hand decided: nothing of it is folded yet. */
void turn_unsay(struct turn *turn)
{
    if (turn->said_count == turn->input_first)
        return;
    const Hb__Event *first = turn->said[turn->input_first].event;
    turn->next_offset = first->offset;
    memcpy(turn->last_hash, first->previous_hash.data, sizeof turn->last_hash);
    while (turn->said_count > turn->input_first)
        turn->said_bytes -= turn->said[--turn->said_count].stored.size;
}

static void refuse_effect(struct turn *turn)
{
    turn->instance->counts.effects_refused++;
    turn->too_deep = true;
    if (turn->phase != PHASE_DECIDE)
        return;
    turn_unsay(turn);
    turn_refuse(turn, 413, "too_large", "该命令引发的事件过多或过大，请分几次办理",
                "this command would say too many events, or too large ones: do it in parts");
}

static bool within_limits(const struct turn *turn)
{
    unsigned count = turn->said_count - turn->input_first;
    unsigned most = turn->phase == PHASE_DECIDE ? TURN_SAID_MAX : TURN_FOLLOWS_MAX;
    bool small = turn->said_bytes - turn->input_bytes < TURN_FOLLOWS_BYTES_MAX;
    return turn->excusing || (turn->hops < TURN_HOPS_MAX && count < most && small);
}

void turn_say(struct turn *turn, Hb__Event *event)
{
    bug_unless(turn->phase == PHASE_DECIDE || turn->phase == PHASE_REACT);
    if (turn->phase == PHASE_DECIDE && turn->refusal && turn->too_deep)
        return; /* refused as a whole already */
    if (!within_limits(turn)) {
        refuse_effect(turn);
        return;
    }
    envelope_fill(turn, event);
    message_visit(message_of(event), refuse_plain, NULL);
    struct bytes stored = message_pack(message_of(event), turn->kept);
    if (stored.size > TURN_EVENT_BYTES_MAX) {
        turn->next_offset--;
        refuse_effect(turn);
        return;
    }
    eventlog_hash(stored, turn->last_hash);
    turn->said = arena_grow(turn->kept, turn->said, turn->said_count, sizeof *turn->said);
    turn->said[turn->said_count++] = (struct said){event, stored};
    turn->said_bytes += stored.size;
}

const Hb__Event *turn_unfolded(const struct turn *turn, unsigned index)
{
    return index < turn->said_count - turn->unfolded ? turn->said[turn->unfolded + index].event : NULL;
}

void event_clause(struct turn *turn, Hb__Event *event, const char *clause)
{
    for (size_t i = 0; i < event->n_clauses; i++)
        if (strcmp(event->clauses[i], clause) == 0)
            return; /* a step and the rule that takes it may come from one clause */
    event->clauses = arena_grow(turn->arena, event->clauses, event->n_clauses, sizeof *event->clauses);
    event->clauses[event->n_clauses++] = arena_strdup(turn->arena, clause);
}

void event_clauses(struct turn *turn, Hb__Event *event, char *const *clauses, size_t count)
{
    for (size_t i = 0; i < count; i++)
        event_clause(turn, event, clauses[i]);
}

void event_fact(struct turn *turn, Hb__Event *event, const char *name, Hb__Value *value)
{
    Hb__Fact *fact = NEW(turn->arena, Hb__Fact, HB__FACT__INIT);
    fact->name = arena_strdup(turn->arena, name);
    fact->value = value;
    event->facts = arena_grow(turn->arena, event->facts, event->n_facts, sizeof *event->facts);
    event->facts[event->n_facts++] = fact;
}

void event_fact_text(struct turn *turn, Hb__Event *event, const char *name, const char *text)
{
    event_fact(turn, event, name, text && *text ? value_text(turn, text) : NULL);
}

void event_fact_time(struct turn *turn, Hb__Event *event, const char *name, int64_t ms)
{
    event_fact(turn, event, name, value_time(turn, ms));
}

void event_fact_number(struct turn *turn, Hb__Event *event, const char *name, int64_t number)
{
    event_fact(turn, event, name, value_number(turn, number));
}

Hb__Position *event_position(struct turn *turn, const Hb__Event *event)
{
    Hb__Position *position = NEW(turn->arena, Hb__Position, HB__POSITION__INIT);
    position->log = NEW(turn->arena, Hb__LogId, HB__LOG_ID__INIT);
    position->log->cell = event->cell;
    position->log->service = event->service;
    position->log->partition = event->partition;
    position->log->epoch = event->epoch;
    position->offset = event->offset;
    return position;
}

bool event_own(const struct turn *turn, const Hb__Event *event)
{
    return event->cell == turn->instance->options.cell && event->service == turn->instance->service->id &&
           event->partition == turn->instance->options.partition;
}

bool event_needs_case(const Hb__Event *event)
{
    return event->payload_case != HB__EVENT__PAYLOAD_DIRECTORY &&
           !(event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
             event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED);
}

/* ---- refusing ---- */

Hb__Label *label_new(struct turn *turn, const char *zh, const char *en)
{
    Hb__Label *label = NEW(turn->arena, Hb__Label, HB__LABEL__INIT);
    label->zh = arena_strdup(turn->arena, zh);
    label->en = arena_strdup(turn->arena, en);
    return label;
}

Hb__Refusal *turn_refuse(struct turn *turn, uint32_t status, const char *code, const char *zh, const char *en)
{
    if (turn->refusal)
        return turn->refusal;
    Hb__Refusal *refusal = NEW(turn->arena, Hb__Refusal, HB__REFUSAL__INIT);
    refusal->status = status;
    refusal->code = arena_strdup(turn->arena, code);
    refusal->text = label_new(turn, zh, en);
    return turn->refusal = refusal;
}

bool turn_refused(const struct turn *turn)
{
    return turn->refusal != NULL;
}

void refusal_field(struct turn *turn, Hb__Refusal *refusal, const char *field)
{
    size_t size = strlen(field);
    if (size > REFUSAL_FIELD_BYTES_MAX) /* between two characters: what is not UTF-8 is no answer */
        for (size = REFUSAL_FIELD_BYTES_MAX; size && ((uint8_t)field[size] & 0xc0) == 0x80;)
            size--;
    refusal->field = arena_text(turn->arena, field, size);
}

static void text_add(struct turn *turn, char ***list, size_t *count, const char *text)
{
    *list = arena_grow(turn->arena, *list, *count, sizeof **list);
    (*list)[(*count)++] = arena_strdup(turn->arena, text);
}

void refusal_accepts(struct turn *turn, Hb__Refusal *refusal, const char *accepted)
{
    text_add(turn, &refusal->accepted, &refusal->n_accepted, accepted);
}

void refusal_clause(struct turn *turn, Hb__Refusal *refusal, const char *clause)
{
    text_add(turn, &refusal->clauses, &refusal->n_clauses, clause);
}

void refusal_next(struct turn *turn, Hb__Refusal *refusal, const char *step)
{
    text_add(turn, &refusal->next, &refusal->n_next, step);
}

void refusal_problem(struct turn *turn, Hb__Refusal *refusal, const char *field, const char *clause, const char *zh,
                     const char *en)
{
    Hb__Problem *problem = NEW(turn->arena, Hb__Problem, HB__PROBLEM__INIT);
    problem->field = arena_strdup(turn->arena, field);
    problem->clause = arena_strdup(turn->arena, clause);
    problem->text = label_new(turn, zh, en);
    refusal->problems = arena_grow(turn->arena, refusal->problems, refusal->n_problems, sizeof *refusal->problems);
    refusal->problems[refusal->n_problems++] = problem;
}

/* ---- values and ids ---- */

static Hb__Value *value_new(struct turn *turn, Hb__Value__KindCase kind)
{
    Hb__Value *value = NEW(turn->arena, Hb__Value, HB__VALUE__INIT);
    value->kind_case = kind;
    return value;
}

Hb__Value *value_text(struct turn *turn, const char *text)
{
    Hb__Value *value = value_new(turn, HB__VALUE__KIND_TEXT);
    value->text = arena_strdup(turn->arena, text);
    return value;
}

Hb__Value *value_number(struct turn *turn, int64_t number)
{
    Hb__Value *value = value_new(turn, HB__VALUE__KIND_NUMBER);
    value->number = number;
    return value;
}

Hb__Value *value_yes(struct turn *turn, bool yes)
{
    Hb__Value *value = value_new(turn, HB__VALUE__KIND_YES);
    value->yes = yes;
    return value;
}

Hb__Value *value_time(struct turn *turn, int64_t ms)
{
    Hb__Value *value = value_new(turn, HB__VALUE__KIND_TIME_MS);
    value->time_ms = ms;
    return value;
}

#define BUCKET_SHIFT 54
#define MS_SHIFT 12
#define MS_MASK ((1ull << 42) - 1)

uint32_t case_id_bucket(uint64_t case_id)
{
    return (uint32_t)(case_id >> BUCKET_SHIFT);
}

uint64_t case_id_first(uint32_t bucket)
{
    return (uint64_t)bucket << BUCKET_SHIFT;
}

uint64_t case_id_make(uint32_t bucket, int64_t recorded_ms, uint64_t last_id)
{
    uint64_t fresh = (uint64_t)bucket << BUCKET_SHIFT | ((uint64_t)recorded_ms & MS_MASK) << MS_SHIFT;
    /* 4096 in one millisecond run over into the next: still unique, still ordered */
    return case_id_bucket(last_id) == bucket && last_id >= fresh ? last_id + 1 : fresh;
}
