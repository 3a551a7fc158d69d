/* The turn of the loop: the most important function of the repository, written once for all services.

   Take inputs; open one write transaction; for each input fold it, react to it, then fold and react to each event
   said, first in first out, until nothing more is said; append the said events and one row of `heard`; commit once;
   only then reply and hand the new events to waiting consumers (design.md 3). */
#include "base/planted.h"
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void turn_begin(struct turn *turn, struct instance *instance, struct store_txn *txn, struct arena *arena, int64_t now)
{
    *turn = (struct turn){.instance = instance, .txn = txn, .arena = arena, .now = now, .phase = PHASE_READ};
    turn->kept = &instance->kept;
    turn->next_offset = instance->head.offset + 1;
    memcpy(turn->last_hash, instance->head_hash, sizeof turn->last_hash);
}

/* ---- folding and reacting ---- */

static void known_from_directory(struct turn *turn, const Directory__Event *event)
{
    if (event->kind_case == DIRECTORY__EVENT__KIND_SITE_DEFINED)
        turn_known(turn, arena_printf(turn->arena, "site/%s", event->site_defined->id));
    if (event->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        turn_known(turn, arena_printf(turn->arena, "policy/%s/%" PRIu32, event->policy_published->site,
                                      event->policy_published->version));
}

void turn_fold(struct turn *turn, const Hb__Event *event)
{
    const struct service *service = turn->instance->service;
    turn->cell = cell_elsewhere(turn->instance, event->cell);
    turn->phase = PHASE_EVOLVE;
    turn->folding = event->case_id;
    if (service->keeps_organisation && event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY) {
        organisation_evolve(turn, event);
        known_from_directory(turn, event->directory);
    }
    if (event->payload_case != HB__EVENT__PAYLOAD_LOG_FORKED) /* the runtime's own */
        service->evolve(turn, event);
    turn->phase = PHASE_REACT;
    turn->cell = 0;
}

/* What was refused is said as a problem on its case, by a few more events than are allowed otherwise. */
static void make_visible(struct turn *turn, const Hb__Event *event)
{
    bool room = turn->said_count - turn->input_first < TURN_FOLLOWS_MAX + TURN_SAID_MAX;
    turn->too_deep = false;
    if (turn->hops >= TURN_HOPS_MAX)
        turn->hops = TURN_HOPS_MAX - 1;
    turn->excusing = true;
    if (room && turn->instance->service->too_deep)
        turn->instance->service->too_deep(turn, event);
    turn->excusing = turn->too_deep = false;
}

/* What the event at hand causes bears its place, its depth and, in a history, its time. */
static void react_to(struct turn *turn, const Hb__Event *event)
{
    Hb__Cause *cause = NEW(turn->arena, Hb__Cause, HB__CAUSE__INIT);
    cause->kind_case = HB__CAUSE__KIND_EVENT;
    cause->event = event_position(turn, event);
    turn->cause = cause;
    turn->hops = event->hops;
    turn->history = event->history;
    turn->at = event;
    turn->actor = NULL;
    turn->phase = PHASE_REACT;
    turn->cell = cell_elsewhere(turn->instance, event->cell);
    if (turn->instance->service->react && event->payload_case != HB__EVENT__PAYLOAD_LOG_FORKED)
        turn->instance->service->react(turn, event);
    turn->cell = 0;
    if (turn->too_deep)
        make_visible(turn, event);
}

void turn_settle(struct turn *turn)
{
    for (unsigned i = turn->input_first; i < turn->said_count; i++) {
        Hb__Event *event = turn->said[i].event;
        turn->unfolded = i + 1;
        turn_fold(turn, event);
        react_to(turn, event);
    }
}

void turn_clear_input(struct turn *turn)
{
    turn->instance->input_name[0] = 0; /* what fails before this one is named is nobody's fault */
    turn->cause = NULL;
    turn->hops = 0;
    turn->history = false;
    turn->actor = NULL;
    turn->refusal = NULL;
    turn->at = NULL;
    turn->cell = 0;
    turn->too_deep = false;
    turn->input_first = turn->unfolded = turn->said_count;
    turn->input_bytes = turn->said_bytes;
    turn->random_drawn = false;
}

void turn_end_input(struct turn *turn)
{
    arena_reset(turn->arena);
}

/* ---- the row of `heard` ---- */

static Record__Input *input_record(struct turn *turn, Record__Input__KindCase kind)
{
    struct instance *instance = turn->instance;
    struct arena *arena = &instance->pending_arena;
    Record__Input *input = NEW(arena, Record__Input, RECORD__INPUT__INIT);
    input->kind_case = kind;
    if (turn->said_count > turn->input_first) {
        input->first_own = turn->said[turn->input_first].event->offset;
        input->last_own = turn->said[turn->said_count - 1].event->offset;
    }
    Record__Heard *heard = &instance->pending_heard;
    heard->inputs = arena_grow(arena, heard->inputs, heard->n_inputs, sizeof *heard->inputs);
    heard->inputs[heard->n_inputs++] = input;
    return input;
}

static Hb__LogId *log_copy(struct arena *arena, const Hb__LogId *log)
{
    Hb__LogId *copy = arena_alloc(arena, sizeof *copy);
    *copy = *log;
    return copy;
}

/* Ranges in which nothing was said grow; only the last event of a range may have caused something. */
static void record_heard(struct turn *turn, const struct feed *feed, uint64_t offset, bool waits)
{
    struct instance *instance = turn->instance;
    Record__Heard *heard = &instance->pending_heard;
    Record__Input *last = heard->n_inputs ? heard->inputs[heard->n_inputs - 1] : NULL;
    bool grows = last && last->kind_case == RECORD__INPUT__KIND_HEARD && last->first_own == 0 &&
                 last->heard->log->service == feed->service && last->heard->log->partition == feed->partition &&
                 last->heard->log->cell == feed->log.cell && last->heard->log->epoch == feed->log.epoch &&
                 last->heard->to + 1 == offset;
    if (!grows) {
        last = input_record(turn, RECORD__INPUT__KIND_HEARD);
        last->heard = NEW(&instance->pending_arena, Record__HeardRange, RECORD__HEARD_RANGE__INIT);
        last->heard->log = log_copy(&instance->pending_arena, &feed->log);
        last->heard->from = offset;
    } else if (turn->said_count > turn->input_first) {
        last->first_own = turn->said[turn->input_first].event->offset;
        last->last_own = turn->said[turn->said_count - 1].event->offset;
    }
    last->heard->to = offset;
    if (waits) {
        Record__HeardRange *range = last->heard;
        range->waits = arena_grow(&instance->pending_arena, range->waits, range->n_waits, sizeof *range->waits);
        range->waits[range->n_waits++] = offset;
    }
}

static void record_position(struct turn *turn, Record__Input__KindCase kind, const Hb__Event *event)
{
    Record__Input *input = input_record(turn, kind);
    struct arena *arena = &turn->instance->pending_arena;
    Hb__Position *position = NEW(arena, Hb__Position, HB__POSITION__INIT);
    position->log = NEW(arena, Hb__LogId, HB__LOG_ID__INIT);
    position->log->cell = event->cell;
    position->log->service = event->service;
    position->log->partition = event->partition;
    position->log->epoch = event->epoch;
    position->offset = event->offset;
    if (kind == RECORD__INPUT__KIND_RELEASED)
        input->released = position;
    else
        input->quarantined = position;
}

/* ---- inputs ---- */

static Hb__Event *unpack_event(struct turn *turn, struct bytes stored)
{
    ProtobufCMessage *message;
    char *why;
    if (message_load(&hb__event__descriptor, stored, turn->arena, &message, &why))
        return NULL;
    return (Hb__Event *)message;
}

static void fold_and_settle(struct turn *turn, const Hb__Event *event)
{
    turn_fold(turn, event);
    react_to(turn, event);
    turn_settle(turn);
}

/* Set aside under a key of its own, which the operator may name. */
static char *poison_key(struct turn *turn, const char *log, uint64_t offset)
{
    return arena_printf(turn->arena, "poison/%s/%" PRIu64, log, offset);
}

static void note_quarantined(struct turn *turn, const Hb__Event *event, const char *key)
{
    record_position(turn, RECORD__INPUT__KIND_QUARANTINED, event);
    NOTE(turn->instance->log, NOTE_QUARANTINED, LOG_TEXT("input", turn->instance->input_name), LOG_TEXT("key", key));
    turn->instance->counts.quarantined++;
}

/* The next event that waited for what is known now: an input of its own. False: there is none. */
static bool take_waiting(struct turn *turn, size_t *bytes_out)
{
    struct instance *instance = turn->instance;
    struct waiting_found found;
    turn_clear_input(turn);
    enum waiting_next next = waiting_next(turn, &found);
    *bytes_out = next == WAITING_GOES ? found.bytes : 0;
    if (next != WAITING_GOES)
        return next == WAITING_STAYS;
    char name[64];
    log_name(instance, event_position(turn, found.event)->log, name);
    poison_name_event(instance, name, found.event->offset);
    if (poison_quarantines(instance)) {
        const char *key = poison_key(turn, name, found.event->offset);
        waiting_set_aside(turn, &found, key);
        note_quarantined(turn, found.event, key);
    } else {
        waiting_go(turn, &found);
        fold_and_settle(turn, found.event);
        record_position(turn, RECORD__INPUT__KIND_RELEASED, found.event);
        instance->counts.released++;
    }
    waiting_keep_known(turn);
    poison_passed(instance);
    return true;
}

/* An operator lets a quarantined event go: it is folded now, as if it had just come to be known. */
static void take_release(struct turn *turn)
{
    struct instance *instance = turn->instance;
    turn_clear_input(turn);
    turn_known(turn, instance->release_key);
    waiting_keep_known(turn);
    NOTE(instance->log, NOTE_RELEASED, LOG_TEXT("key", instance->release_key));
    free(instance->release_key);
    instance->release_key = NULL;
}

/* The event that the others of its case wait for must not queue behind them. */
static bool makes_known(struct turn *turn, const Hb__Event *event)
{
    const struct service *service = turn->instance->service;
    return service->needs_case && !service->needs_case(event) && !service->knows_case(turn, event->case_id);
}

/* False when the feed had to stop: its next event does not follow the last one heard. */
static bool take_heard(struct turn *turn, struct feed *feed, struct bytes stored)
{
    struct instance *instance = turn->instance;
    Hb__Event *event = unpack_event(turn, stored);
    const char *wrong =
        !event                              ? "the event cannot be decoded"
        : event->offset != feed->cursor + 1 ? "an offset is missing"
        : event->withheld.len && (!feed_above(feed) || event->withheld.len != sizeof feed->hash)
            ? "only the cell above may withhold an event, and must give its hash"
        : cell_elsewhere(instance, event->cell) != feed->cell ? "the event is another cell's"
        : !planted("accept_fork") && !bytes_equal(bytes_of(event->previous_hash.data, event->previous_hash.len),
                                                  bytes_of(feed->hash, sizeof feed->hash))
            ? "the hash of the event before does not fit"
        : event->payload_case == HB__EVENT__PAYLOAD__NOT_SET && event->must_understand
            ? "this version does not understand the event and must: roll out this service first"
        : event->payload_case == HB__EVENT__PAYLOAD_LOG_FORKED && !fork_known(instance, feed, event)
            ? "that partition was divided: give this service the new configuration, which names the "
              "other half, and start it again"
            : NULL;
    if (wrong) {
        feed_stop(feed, feed->cursor + 1, wrong);
        return false;
    }
    turn_clear_input(turn);
    char name[64];
    log_name(instance, &feed->log, name);
    poison_name_event(instance, name, event->offset);
    turn->cell = feed->cell;
    bool ours = event_ours(turn, event);
    bool poisoned = ours && poison_quarantines(instance);
    const char *needs = poisoned ? poison_key(turn, name, event->offset) : !ours ? NULL : waiting_needs(turn, event);
    bool waits = ours && (needs || (!makes_known(turn, event) && waiting_behind(turn, event->case_id)));
    if (waits) {
        turn->phase = PHASE_EVOLVE;
        waiting_put(turn, event, stored, needs ? needs : "", makes_known(turn, event));
        turn->phase = PHASE_REACT;
    } else if (ours) {
        fold_and_settle(turn, event);
    }
    record_heard(turn, feed, event->offset, waits || !ours);
    feed->cursor = event->offset;
    if (event->withheld.len)
        memcpy(feed->hash, event->withheld.data, sizeof feed->hash);
    else
        eventlog_hash(stored, feed->hash);
    feed_moved(feed);
    if (event->recorded_ms > feed->as_of) /* what was promised before still holds */
        feed->as_of = event->recorded_ms;
    instance->cursors_moved++;
    instance->counts.events_heard++;
    if (poisoned)
        note_quarantined(turn, event, needs);
    waiting_keep_known(turn);
    if (poisoned || !waits) /* what waits may still be what aborts */
        poison_passed(instance);
    return true;
}

/* Nobody would look at that date again, and the service may be mended meanwhile: so it comes again when it is twice as
   late, but within a day. */
static int64_t again_ms(int64_t now, int64_t set_for)
{
    const int64_t hour = 3600000, late = now - set_for;
    return now + (late < hour ? hour : late < 24 * hour ? late : 24 * hour);
}

static bool take_timer(struct turn *turn, int64_t before)
{
    int64_t due, set_for, again = 0;
    struct bytes key;
    turn_clear_input(turn);
    if (!timer_first(turn, &due, &set_for, &key) || due > before)
        return false;
    poison_name_timer(turn->instance, key, due);
    turn->phase = PHASE_EVOLVE;
    if (poison_quarantines(turn->instance))
        timer_put_off(turn, due, key, again = again_ms(turn->now, set_for));
    else
        turn_timer_clear(turn, due, key);
    turn->phase = PHASE_REACT;
    Hb__Cause *cause = NEW(turn->arena, Hb__Cause, HB__CAUSE__INIT);
    cause->kind_case = HB__CAUSE__KIND_TIMER;
    char *hex = arena_alloc(turn->arena, key.size * 2 + 1);
    for (size_t i = 0; i < key.size; i++)
        snprintf(hex + 2 * i, 3, "%02x", key.data[i]);
    hex[key.size * 2] = 0;
    cause->timer = hex;
    turn->cause = cause;
    if (again)
        poison_passed_over(turn->instance, hex);
    else
        turn->instance->service->fire(turn, key, set_for);
    turn_settle(turn);
    Record__Input *input = input_record(turn, RECORD__INPUT__KIND_TIMER);
    struct arena *arena = &turn->instance->pending_arena;
    input->timer = NEW(arena, Record__TimerInput, RECORD__TIMER_INPUT__INIT);
    input->timer->due_ms = due;
    input->timer->again_ms = again;
    struct bytes copy = arena_copy(arena, key);
    input->timer->key = (ProtobufCBinaryData){copy.size, (uint8_t *)(uintptr_t)copy.data};
    waiting_keep_known(turn);
    poison_passed(turn->instance);
    return true;
}

/* It is not tried again, whatever the outside answered: else it would be sent, and abort, without end. */
static void pass_over_effect(struct turn *turn, const struct effect_done *done)
{
    const struct service *service = turn->instance->service;
    poison_passed_over(turn->instance, "");
    turn->phase = PHASE_EVOLVE;
    turn_effect_clear(turn, done->id);
    turn->phase = PHASE_REACT;
    if (service->effect_passed_over && poison_lets_say(turn->instance))
        service->effect_passed_over(turn, done->id, done->attempt);
}

static void take_effect(struct turn *turn, const struct effect_done *done)
{
    turn_clear_input(turn);
    if (!effect_current(turn, done->id, done->attempt))
        return; /* an answer to an attempt that is no longer wanted */
    poison_name(turn->instance, "effect", done->id, done->attempt);
    Hb__Cause *cause = NEW(turn->arena, Hb__Cause, HB__CAUSE__INIT);
    cause->kind_case = HB__CAUSE__KIND_EFFECT;
    cause->effect = NEW(turn->arena, Hb__EffectRef, HB__EFFECT_REF__INIT);
    cause->effect->id = arena_strdup(turn->arena, done->id);
    cause->effect->attempt = done->attempt;
    turn->cause = cause;
    turn->phase = PHASE_REACT;
    bool poisoned = poison_quarantines(turn->instance);
    if (poisoned)
        pass_over_effect(turn, done);
    else
        turn->instance->service->effect_done(turn, done->id, done->attempt, bytes_of(done->result, done->result_size));
    turn_settle(turn);
    Record__Input *input = input_record(turn, RECORD__INPUT__KIND_EFFECT);
    input->effect = NEW(&turn->instance->pending_arena, Record__EffectInput, RECORD__EFFECT_INPUT__INIT);
    input->effect->id = arena_strdup(&turn->instance->pending_arena, done->id);
    input->effect->attempt = done->attempt;
    input->effect->passed_over = poisoned;
    waiting_keep_known(turn);
    poison_passed(turn->instance);
}

/* What it has not done stays undone: whoever set it going does so again. */
static void pass_over_job(struct turn *turn, const Record__Job *job)
{
    struct instance *instance = turn->instance;
    poison_passed_over(instance, "");
    if (instance->service->job_passed_over && poison_lets_say(instance))
        instance->service->job_passed_over(turn, job->what, bytes_of(job->payload.data, job->payload.len));
}

static bool take_job_step(struct turn *turn)
{
    uint64_t id;
    Record__Job *job;
    turn_clear_input(turn);
    if (!job_first(turn, &id, &job))
        return false;
    poison_name(turn->instance, "job", job->what, id);
    Hb__Cause *cause = NEW(turn->arena, Hb__Cause, HB__CAUSE__INIT);
    cause->kind_case = HB__CAUSE__KIND_JOB;
    cause->job = arena_printf(turn->arena, "%s/%" PRIu64, job->what, id);
    turn->cause = cause;
    turn->phase = PHASE_REACT;
    struct bytes next = {0};
    if (poison_quarantines(turn->instance))
        pass_over_job(turn, job);
    else
        next = turn->instance->service->job_step(turn, job->what, bytes_of(job->payload.data, job->payload.len),
                                                 bytes_of(job->next.data, job->next.len), JOB_STEP_KEYS);
    turn_settle(turn);
    turn->phase = PHASE_EVOLVE;
    if (next.size) {
        job->next = (ProtobufCBinaryData){next.size, (uint8_t *)(uintptr_t)next.data};
        job_save(turn, id, job);
    } else {
        job_delete(turn, id);
    }
    turn->phase = PHASE_REACT;
    Record__Input *input = input_record(turn, RECORD__INPUT__KIND_JOB);
    struct arena *arena = &turn->instance->pending_arena;
    input->job = NEW(arena, Record__JobInput, RECORD__JOB_INPUT__INIT);
    input->job->id = id;
    input->job->case_id = job->case_id;
    struct bytes copy = arena_copy(arena, next);
    input->job->next = (ProtobufCBinaryData){copy.size, (uint8_t *)(uintptr_t)copy.data};
    input->job->done = next.size == 0;
    waiting_keep_known(turn);
    poison_passed(turn->instance);
    return true;
}

static void decide(struct turn *turn, void *context)
{
    turn->instance->service->decide(turn, context);
}

/* Fills in the reply to a command: a refusal, the first outcome again, or what it did now. */
static void take_command(struct turn *turn, struct pending *pending, Bus__Reply *reply)
{
    struct instance *instance = turn->instance;
    const Hb__Command *command = pending->command;
    turn_clear_input(turn);
    Record__Outcome *outcome;
    if (outcome_find(turn, command, &outcome)) {
        bool same = bytes_equal(bytes_of(outcome->body_hash.data, outcome->body_hash.len),
                                bytes_of(pending->body_hash, sizeof pending->body_hash));
        if (same || planted("accept_other_body"))
            command_reply_fill(turn, command, outcome->first, outcome->last, true, reply);
        else
            reply->command->refused = turn_refuse(turn, 422, "body_mismatch", "同一编号的请求内容不同",
                                                  "another request was made under this id");
        return;
    }
    poison_name(instance, "command", command->id, 0);
    if (poison_quarantines(instance)) {
        reply->command->refused = turn_refuse(turn, 500, "poison", "该请求使系统出错，已隔离",
                                              "this request makes the service fail; it is quarantined");
        instance->counts.quarantined++;
        NOTE(instance->log, NOTE_QUARANTINED, LOG_TEXT("input", instance->input_name));
        poison_passed(instance);
        return;
    }
    Hb__Cause *cause = NEW(turn->arena, Hb__Cause, HB__CAUSE__INIT);
    cause->kind_case = HB__CAUSE__KIND_COMMAND;
    cause->command = NEW(turn->arena, Hb__CommandRef, HB__COMMAND_REF__INIT);
    cause->command->account = command->account;
    cause->command->id = command->id;
    turn->cause = cause;
    turn->actor = command->actor;
    turn->phase = PHASE_DECIDE;
    if (!turn_read(turn, decide, pending->command))
        turn_unsay(turn);
    Hb__Refusal *refusal = turn->refusal;
    turn_settle(turn);
    bool said = turn->said_count > turn->input_first;
    uint64_t first = said ? turn->said[turn->input_first].event->offset : 0;
    uint64_t last = said ? turn->said[turn->said_count - 1].event->offset : 0;
    if (said) {
        Record__Input *input = input_record(turn, RECORD__INPUT__KIND_COMMAND);
        struct arena *arena = &instance->pending_arena;
        input->command = NEW(arena, Record__CommandInput, RECORD__COMMAND_INPUT__INIT);
        input->command->account = arena_strdup(arena, command->account);
        input->command->id = arena_strdup(arena, command->id);
    }
    if (refusal) {
        reply->command->refused = refusal;
        instance->counts.refusals++;
    } else {
        if (said)
            outcome_save(turn, command, pending->body_hash, first, last);
        command_reply_fill(turn, command, first, last, false, reply);
    }
    instance->counts.commands++;
    waiting_keep_known(turn);
    poison_passed(instance);
}

/* ---- the turn ---- */

/* What a turn has taken, and what the class of inputs at hand may take of it: while others wait behind it half of what
   is left, else all. One input in any case: so every class gets on in every turn, however much another has to say. */
struct budget {
    unsigned inputs, most, inputs_share;
    size_t bytes, bytes_share, said_share;
    bool first; /* of its class */
};

static size_t share(size_t taken, size_t most, bool others_wait)
{
    return others_wait && taken < most ? taken + (most - taken + 1) / 2 : most;
}

static void begin_class(const struct turn *turn, struct budget *budget, bool others_wait)
{
    others_wait = others_wait && budget->most > 1;
    budget->inputs_share = (unsigned)share(budget->inputs, budget->most, others_wait);
    budget->bytes_share = share(budget->bytes, TURN_IN_BYTES_MAX, others_wait);
    budget->said_share = share(turn->said_bytes, TURN_OUT_BYTES_MAX, others_wait);
    budget->first = true;
}

static bool room_in(const struct turn *turn, const struct budget *budget)
{
    if (budget->inputs >= budget->most || store_error(turn->txn) != ERR_NONE)
        return false;
    if (budget->first) /* the room on disk is for two of the largest inputs, not for one of each class */
        return turn->said_bytes <= TURN_FOLLOWS_BYTES_MAX;
    return budget->inputs < budget->inputs_share && budget->bytes < budget->bytes_share &&
           turn->said_bytes < budget->said_share;
}

static void took(struct turn *turn, struct budget *budget, size_t bytes)
{
    turn_end_input(turn);
    budget->inputs++;
    budget->bytes += bytes;
    budget->first = false;
}

/* What is known lets go what waited for it, as far as this turn has room; the rest goes in the next ones. */
static void let_go(struct turn *turn, struct budget *budget)
{
    size_t bytes;
    while (turn->instance->known_open && room_in(turn, budget) && take_waiting(turn, &bytes))
        took(turn, budget, bytes);
}

static void take_effects(struct turn *turn, struct budget *budget)
{
    struct effect_done *done;
    while (room_in(turn, budget) && (done = effect_pop(turn->instance))) {
        take_effect(turn, done);
        took(turn, budget, done->result_size);
        let_go(turn, budget);
        free(done->id);
        free(done->result);
        free(done);
    }
}

static void hear(struct turn *turn, struct budget *budget)
{
    struct instance *instance = turn->instance;
    unsigned quiet = 0;
    while (quiet < instance->feeds_count && room_in(turn, budget)) {
        struct feed *feed = &instance->feeds[instance->feed_turn++ % instance->feeds_count];
        struct bytes stored;
        quiet++;
        if (feed->stopped)
            continue;
        /* a run of one feed, so that ranges of `heard` stay long */
        for (unsigned run = 0; run < 64 && room_in(turn, budget) && feed_next(feed, &stored); run++) {
            bool follows = take_heard(turn, feed, stored);
            if (!follows) {
                turn_end_input(turn);
                break;
            }
            took(turn, budget, stored.size);
            let_go(turn, budget);
            quiet = 0;
        }
    }
}

static struct pending *command_pop(struct instance *instance)
{
    struct pending *pending = instance->commands;
    if (pending) {
        instance->commands = pending->next;
        if (!instance->commands)
            instance->commands_tail = &instance->commands;
        pending->next = NULL;
    }
    return pending;
}

struct answered {
    struct pending *first, **tail; /* commands of this turn: freed after their replies are sent */
    struct reply_out *replies;
    unsigned count;
};

static void take_commands(struct turn *turn, struct budget *budget, struct answered *answered)
{
    while (turn->instance->commands && room_in(turn, budget)) {
        struct pending *pending = command_pop(turn->instance);
        Bus__Reply *reply = reply_new(turn->arena);
        reply->kind_case = BUS__REPLY__KIND_COMMAND;
        reply->command = NEW(turn->arena, Hb__CommandReply, HB__COMMAND_REPLY__INIT);
        take_command(turn, pending, reply);
        reply = (Bus__Reply *)message_copy(message_of(reply), turn->kept); /* sent after the commit */
        took(turn, budget, pending->bytes);
        let_go(turn, budget);
        answered->replies = arena_grow(turn->kept, answered->replies, answered->count, sizeof *answered->replies);
        answered->replies[answered->count++] = (struct reply_out){pending->call, reply};
        *answered->tail = pending;
        answered->tail = &pending->next;
    }
}

/* Not while something waits to be let go: it may be what stops the clock. */
static void take_timers(struct turn *turn, struct budget *budget, int64_t before)
{
    while (turn->instance->service->fire && !turn->instance->known_open && room_in(turn, budget) &&
           take_timer(turn, before)) {
        took(turn, budget, 0);
        let_go(turn, budget);
    }
}

static void take_inputs(struct turn *turn, struct answered *answered)
{
    struct instance *instance = turn->instance;
    struct budget budget = {.most = instance->poison_count ? 1 : TURN_INPUTS_MAX}; /* after an abort, one at a time */
    if (instance->release_key) {
        take_release(turn);
        turn_end_input(turn);
    }
    bool hears = !instance->holding;
    int64_t horizon = instance_horizon(instance, turn->now);
    int64_t before = instance->service->timers_await_horizon ? horizon - 1 : turn->now;
    if (before > turn->now)
        before = turn->now;
    bool jobs = hears && instance->jobs_open, commands = instance->commands || jobs;
    bool timers = hears && instance->service->fire && instance->timer_next <= before;
    bool heard = hears && feeds_wait(instance);
    begin_class(turn, &budget, instance->known_open || heard || timers || commands);
    take_effects(turn, &budget);
    begin_class(turn, &budget, heard || timers || commands);
    let_go(turn, &budget);
    begin_class(turn, &budget, timers || commands);
    if (hears)
        hear(turn, &budget);
    begin_class(turn, &budget, commands);
    if (hears)
        take_timers(turn, &budget, before);
    begin_class(turn, &budget, jobs);
    take_commands(turn, &budget, answered);
    begin_class(turn, &budget, false);
    if (hears && instance->jobs_open && room_in(turn, &budget)) {
        instance->jobs_open = take_job_step(turn);
        took(turn, &budget, 0);
        let_go(turn, &budget);
    }
    turn_end_input(turn);
}

static enum err append_said(struct turn *turn)
{
    struct instance *instance = turn->instance;
    if (turn->said_count == 0)
        return ERR_NONE;
    struct bytes *events = arena_alloc(turn->arena, turn->said_count * sizeof *events);
    for (unsigned i = 0; i < turn->said_count; i++)
        events[i] = turn->said[i].stored;
    return append_err(eventlog_append(instance->options.eventlog, turn->txn, instance->runtime_tables[RUNTIME_LOG],
                                      instance->head.offset, events, turn->said_count));
}

static void save_heard(struct turn *turn, Record__Head *head)
{
    struct instance *instance = turn->instance;
    if (instance->pending_heard.n_inputs == 0 || planted_each("lose_heard", 20))
        return;
    struct key key = key_u64(++head->turns);
    instance->pending_heard.recorded_ms = turn->now;
    row_append(turn->txn, instance->runtime_tables[RUNTIME_HEARD], key_bytes(&key),
               message_of(&instance->pending_heard), turn->arena);
}

/* Writes what a turn leaves behind, in the one transaction, and commits it. */
static enum err commit(struct turn *turn)
{
    struct instance *instance = turn->instance;
    Record__Head head = instance->head;
    enum err err = append_said(turn);
    if (err) {
        store_abort(turn->txn);
        return err;
    }
    if (turn->said_count) {
        head.offset = turn->next_offset - 1;
        head.recorded_ms = turn->now;
    }
    head.hash = (ProtobufCBinaryData){sizeof turn->last_hash, turn->last_hash};
    save_heard(turn, &head);
    for (unsigned i = 0; i < instance->feeds_count; i++)
        feed_save(&instance->feeds[i], turn->txn, turn->arena);
    outcomes_expire(turn, 64);
    struct key key = key_text("head");
    row_put(turn->txn, instance->runtime_tables[RUNTIME_META], key_bytes(&key), message_of(&head), turn->arena);
    if (instance->env->crash_here && instance->env->crash_here(instance->env->context, "before_commit")) {
        instance->dead = true;
        store_abort(turn->txn);
        return ERR_NONE;
    }
    err = store_commit(turn->txn);
    if (err)
        return err;
    memcpy(instance->head_hash, turn->last_hash, sizeof instance->head_hash);
    head.hash.data = instance->head_hash;
    instance->head = head;
    arena_reset(&instance->pending_arena);
    instance->pending_heard = (Record__Heard)RECORD__HEARD__INIT;
    instance->cursors_moved = 0;
    instance->counts.turns++;
    instance->counts.events_said += turn->said_count;
    if (instance->env->crash_here && instance->env->crash_here(instance->env->context, "after_commit"))
        instance->dead = true;
    return ERR_NONE;
}

static bool cursors_ripe(const struct instance *instance)
{
    return instance->cursors_moved && (instance->cursors_moved >= CURSOR_ONLY_EVENTS ||
                                       instance_boot(instance) - instance->cursors_moved_boot_ms >= CURSOR_ONLY_MS);
}

enum err instance_turn(struct instance *instance, int64_t now)
{
    struct turn turn;
    struct answered answered = {.tail = &answered.first};
    struct store_txn *txn = store_begin(instance->store, true);
    turn_begin(&turn, instance, txn, &instance->arena, now);
    unsigned moved_before = instance->cursors_moved;
    take_inputs(&turn, &answered);
    if (moved_before == 0 && instance->cursors_moved)
        instance->cursors_moved_boot_ms = instance_boot(instance);
    enum err err = store_error(txn);
    bool effect = turn.dirty || turn.said_count; /* cursors that moved alone go with the next one */
    if (planted("reply_early"))                  /* before it is on disk */
        for (unsigned i = 0; !err && i < answered.count; i++)
            instance->env->reply(instance->env->context, &answered.replies[i].call, answered.replies[i].reply);
    if (!err && (effect || cursors_ripe(instance))) {
        instance->counts.commits_cursor_only += !effect;
        err = commit(&turn);
    } else {
        store_abort(txn);
    }
    if (!err && !instance->dead && !planted("reply_early"))
        for (unsigned i = 0; i < answered.count; i++)
            instance->env->reply(instance->env->context, &answered.replies[i].call, answered.replies[i].reply);
    while (answered.first) {
        struct pending *next = answered.first->next;
        pending_free(answered.first);
        answered.first = next;
    }
    arena_reset(&instance->arena);
    arena_reset(&instance->kept);
    instance->input_name[0] = 0;
    return err;
}
