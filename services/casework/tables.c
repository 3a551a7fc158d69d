/* Tables: case: id BE64 -> Caserec.Case. file: id BE64, arrival BE32 -> event. fired: id BE64, rule NUL, service
   BE32, offset BE64 -> "": a rule fires once per source event; and id BE64, "#" NUL,
   rule NUL, round BE32, digest BE64 -> "": it opens one case for a part. throttle: account NUL, id BE64, step NUL ->
   recorded ms BE64. number: site NUL, number NUL -> id BE64. move: site NUL
   -> Caserec.Move, the last one. */
#include "casework.h"
#include "message/message.h"

Caserec__Case *casework_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, CASEWORK_CASE, key_bytes(&key), &caserec__case__descriptor);
}

void casework_save(struct turn *turn, uint64_t case_id, Caserec__Case *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, CASEWORK_CASE, key_bytes(&key), (const ProtobufCMessage *)record);
}

bool casework_told(const Caserec__Case *record, const char *notice)
{
    for (size_t i = 0; i < record->n_told; i++)
        if (record->told[i]->round == record->round && strcmp(record->told[i]->notice, notice) == 0)
            return true;
    return false;
}

void casework_told_add(struct turn *turn, Caserec__Case *record, char *notice, uint32_t round, int64_t at_ms)
{
    Caserec__Told *told = TURN_NEW(turn, Caserec__Told, caserec__told__init);
    told->notice = notice;
    told->round = round;
    told->at_ms = at_ms;
    TURN_ADD(turn, record->told, record->n_told, told);
}

/* ---- what conditions may ask ---- */

static enum truth view_told(void *context, const char *notice)
{
    const struct casework_case *one = context;
    return casework_told(one->record, notice) ? TRUTH_YES : TRUTH_NO;
}

static const struct facts *view_linked(void *context, const char *link, size_t index)
{
    const struct casework_case *one = context;
    struct turn *turn = one->view.turn;
    for (size_t i = 0; i < one->record->n_links; i++) {
        const Caserec__Link *row = one->record->links[i];
        if (strcmp(row->name, link) != 0 || index-- > 0)
            continue;
        struct facts *facts = arena_zero(turn_arena(turn), sizeof *facts);
        const Caserec__Case *other = casework_load(turn, row->case_id);
        if (other)
            *facts = (struct facts){other->facts, other->n_facts};
        facts_set(turn_arena(turn), facts, "stage", value_text(turn, row->stage));
        facts_set(turn_arena(turn), facts, "phase", value_number(turn, row->phase));
        facts_set(turn_arena(turn), facts, "kind", value_text(turn, row->kind));
        return facts;
    }
    return NULL;
}

static bool view_moment(void *context, const char *name, int64_t *ms_out)
{
    const struct casework_case *one = context;
    for (size_t i = 0; i < one->record->n_moments; i++)
        if (strcmp(one->record->moments[i]->name, name) == 0) {
            *ms_out = one->record->moments[i]->at_ms;
            return true;
        }
    return false;
}

bool casework_open(struct turn *turn, uint64_t case_id, struct casework_case *out)
{
    *out = (struct casework_case){.id = case_id, .record = casework_load(turn, case_id)};
    if (!out->record)
        return false;
    out->policy = organisation_policy(turn, out->record->site, out->record->policy_version);
    out->kind = out->policy ? policy_kind(out->policy, out->record->kind) : NULL;
    out->facts = (struct facts){out->record->facts, out->record->n_facts};
    out->documents_before = out->record->n_documents;
    out->view = (struct case_view){.turn = turn,
                                   .site = out->record->site,
                                   .policy = out->policy,
                                   .facts = &out->facts,
                                   .now_ms = turn_now(turn),
                                   .context = out,
                                   .told = view_told,
                                   .linked = view_linked,
                                   .moment = view_moment};
    return out->kind != NULL;
}

/* ---- the file ---- */

/* Without the hash of the event before: the chain is the log's, where the event stands whole. */
void casework_file_add(struct turn *turn, uint64_t case_id, Caserec__Case *record, const Hb__Event *event)
{
    struct key key = key_u64(case_id);
    Hb__Event row = *event;
    row.previous_hash = (ProtobufCBinaryData){0};
    key_add_u32(&key, ++record->events);
    state_put(turn, CASEWORK_FILE, key_bytes(&key), message_pack((const ProtobufCMessage *)&row, turn_arena(turn)));
}

/* ---- once per source event ---- */

static struct key fired_key(uint64_t case_id, const char *rule, const Hb__Position *source)
{
    struct key key = key_u64(case_id);
    key_add_text(&key, rule);
    key_add_u32(&key, (uint32_t)source->log->service);
    key_add_u64(&key, source->offset);
    return key;
}

bool casework_fired(struct turn *turn, uint64_t case_id, const char *rule, const Hb__Position *source)
{
    struct key key = fired_key(case_id, rule, source);
    return state_has(turn, CASEWORK_FIRED, key_bytes(&key));
}

void casework_fired_save(struct turn *turn, uint64_t case_id, const char *rule, const Hb__Position *source)
{
    struct key key = fired_key(case_id, rule, source);
    state_put(turn, CASEWORK_FIRED, key_bytes(&key), (struct bytes){0});
}

/* ---- once for a part, in a round ---- */

static struct key part_key(uint64_t case_id, const Casework__CaseRequested *request)
{
    struct key key = key_u64(case_id);
    key_add_text(&key, "#");
    key_add_text(&key, request->rule);
    key_add_u32(&key, request->round);
    key_add_u64(&key, request->part_digest);
    return key;
}

bool casework_part_opened(struct turn *turn, uint64_t case_id, const Casework__CaseRequested *request)
{
    struct key key = part_key(case_id, request);
    return state_has(turn, CASEWORK_FIRED, key_bytes(&key));
}

void casework_part_opened_save(struct turn *turn, uint64_t case_id, const Casework__CaseRequested *request)
{
    struct key key = part_key(case_id, request);
    state_put(turn, CASEWORK_FIRED, key_bytes(&key), (struct bytes){0});
}

/* ---- at most one ActionRefused per account, case, step and minute ---- */

static struct key throttle_key(const char *account, uint64_t case_id, const char *step)
{
    struct key key = key_text(account);
    key_add_u64(&key, case_id);
    key_add_text(&key, step);
    return key;
}

bool casework_throttled(struct turn *turn, const char *account, uint64_t case_id, const char *step)
{
    struct key key = throttle_key(account, case_id, step);
    struct bytes last;
    return state_get(turn, CASEWORK_THROTTLE, key_bytes(&key), &last) &&
           turn_now(turn) - (int64_t)bytes_get_u64(last.data) < CASEWORK_REFUSAL_THROTTLE_MS;
}

void casework_throttle_save(struct turn *turn, const char *account, uint64_t case_id, const char *step)
{
    struct key key = throttle_key(account, case_id, step);
    uint8_t now[8];
    bytes_put_u64(now, (uint64_t)turn_now(turn));
    state_put(turn, CASEWORK_THROTTLE, key_bytes(&key), bytes_of(now, sizeof now));
}
