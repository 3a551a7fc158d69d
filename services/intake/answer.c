/* Queries: following a case with its tracking code, likely duplicates, what was imported. */
#include "files.h"

#include "organisation/organisation.h"
#include "policy/lookup.h"
#include "vault/vault.h"

static void not_found(struct turn *turn)
{
    Hb__Refusal *refusal = turn_refuse(turn, 404, "not_found", "查询码不正确", "no case has this tracking code");
    refusal_field(turn, refusal, "code");
}

/* "20260310-repair-001-4F7K2M9P": the last eight characters are the code, the rest the number; a hyphen or a space
   between them, and spaces around, are as people type them. */
static bool code_split(struct turn *turn, const char *given, char **number_out, char **code_out)
{
    while (*given == ' ')
        given++;
    size_t size = strlen(given);
    while (size && given[size - 1] == ' ')
        size--;
    if (size <= VAULT_TRACKING_CHARACTERS || size > 2 * INTAKE_NAME_BYTES_MAX)
        return false;
    size_t number = size - VAULT_TRACKING_CHARACTERS;
    *code_out = arena_text(turn_arena(turn), given + number, VAULT_TRACKING_CHARACTERS);
    while (number && (given[number - 1] == '-' || given[number - 1] == ' '))
        number--;
    *number_out = arena_text(turn_arena(turn), given, number);
    return number > 0;
}

bool intake_tracks(struct turn *turn, const char *given, uint64_t case_id)
{
    char *number, *code;
    return code_split(turn, given, &number, &code) && vault_tracking_matches(turn_vault(turn), case_id, code);
}

/* The code is a hash of the case id, so it also tells which of several sites' equal numbers is meant. */
static void answer_track(struct turn *turn, const char *given, Intake__Reply *reply)
{
    char *number, *code;
    uint64_t case_id = 0, candidate;
    if (code_split(turn, given, &number, &code)) {
        struct state_scan *scan = intake_number_open(turn, number);
        while ((candidate = intake_number_next(turn, scan)))
            if (vault_tracking_matches(turn_vault(turn), candidate, code))
                case_id = candidate;
    }
    const Intakerec__Case *record = case_id ? intake_case_load(turn, case_id) : NULL;
    const Intakerec__Held *held = case_id && !record ? intake_held_load(turn, case_id) : NULL;
    if (!record && !held) {
        not_found(turn);
        return;
    }
    Intake__Tracked *tracked = arena_alloc(turn_arena(turn), sizeof *tracked);
    intake__tracked__init(tracked);
    tracked->case_id = case_id;
    tracked->number = record ? record->number : held->number;
    tracked->site = record ? record->site : held->site;
    if (held) {
        tracked->held = true;
        tracked->received_ms = held->received_ms;
        tracked->refused_ms = held->refused_ms;
        if (!held->reason || vault_open(turn_vault(turn), held->reason->sealed, turn_arena(turn), &tracked->reason))
            tracked->reason = "";
    }
    reply->kind_case = INTAKE__REPLY__KIND_TRACKED;
    reply->tracked = tracked;
}

/* Whoever stands at the desk prints the slip of what he has registered. */
static bool has_registered(const Hb__Event *event, const Hb__Actor *actor)
{
    return actor && *actor->account && event->actor && strcmp(event->actor->account, actor->account) == 0 &&
           !event->intake->registered->requested_by;
}

/* The hash is the secret: who knows it has the receipt, or the log. */
static void answer_receipt(struct turn *turn, const Hb__Query *query, Intake__Reply *reply)
{
    const Intake__CheckReceipt *check = query->intake->receipt;
    struct bytes given = bytes_of(check->hash.data, check->hash.len);
    uint8_t *hash = arena_alloc(turn_arena(turn), TURN_HASH_BYTES);
    const Hb__Event *event = turn_own_event(turn, check->offset);
    bool registers = event && event->case_id == check->case_id && event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
                     event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED &&
                     turn_own_hash(turn, check->offset, hash);
    bool equal = registers && given.size == TURN_HASH_BYTES && memcmp(hash, given.data, TURN_HASH_BYTES) == 0;
    bool told = registers && !given.size &&
                ((query->actor && query->actor->complainant) || has_registered(event, query->actor));
    if (!equal && !told) {
        turn_refuse(turn, 404, "not_found", "日志中没有这条记录", "there is no such entry in the log");
        return;
    }
    Intake__Receipt *receipt = TURN_NEW(turn, Intake__Receipt, intake__receipt__init);
    receipt->number = event->intake->registered->number;
    receipt->site = event->site;
    receipt->registered_ms = event->recorded_ms;
    receipt->hash = (ProtobufCBinaryData){TURN_HASH_BYTES, hash};
    const Directory__Site *site = organisation_site(turn, event->site);
    receipt->followed = site && site->public_;
    reply->kind_case = INTAKE__REPLY__KIND_RECEIPT;
    reply->receipt = receipt;
}

bool intake_may_ask(struct turn *turn, const Hb__Query *query, const char *scope)
{
    if (strlen(query->site) > INTAKE_NAME_BYTES_MAX || !organisation_site(turn, query->site)) {
        Hb__Refusal *refusal = turn_refuse(turn, 404, "unknown_site", "没有该站点", "there is no such site");
        refusal_field(turn, refusal, "site");
        return false;
    }
    if (query->actor && rights_may(turn, query->actor, scope, query->site))
        return true;
    turn_refuse(turn, 403, "not_allowed", "无权查询", "no right to ask this");
    return false;
}

static void answer_may_register(struct turn *turn, const Hb__Query *query, Intake__Reply *reply)
{
    if (!intake_may_ask(turn, query, "submit"))
        return;
    reply->kind_case = INTAKE__REPLY__KIND_REGISTRABLE;
    reply->registrable = intake_may_register(turn, organisation_site(turn, query->site), query->actor);
}

static void answer_held(struct turn *turn, const Hb__Query *query, Intake__Reply *reply)
{
    if (!intake_may_ask(turn, query, "submit"))
        return;
    reply->kind_case = INTAKE__REPLY__KIND_HELD;
    reply->held = intake_held_list(turn, query->site, query->actor, query->intake->held);
}

static void answer_imported(struct turn *turn, const Hb__Query *query, const Intake__FindImported *find,
                            Intake__Reply *reply)
{
    if (!intake_may_ask(turn, query, "import"))
        return;
    if (find->n_external_ids > INTAKE_FIND_MAX) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 413, "too_large", "一次最多查询 1000 个编号", "at most 1000 ids at a time");
        refusal_field(turn, refusal, "external_ids");
        return;
    }
    Intake__Imported *imported = arena_alloc(turn_arena(turn), sizeof *imported);
    intake__imported__init(imported);
    imported->external_ids = arena_alloc(turn_arena(turn), (find->n_external_ids + 1) * sizeof(char *));
    imported->case_ids = arena_alloc(turn_arena(turn), (find->n_external_ids + 1) * sizeof(uint64_t));
    for (size_t i = 0; i < find->n_external_ids; i++) {
        char *id = find->external_ids[i];
        bool fits = strlen(id) <= INTAKE_NAME_BYTES_MAX && strlen(find->source) <= INTAKE_NAME_BYTES_MAX;
        uint64_t offset, case_id = fits ? intake_imported(turn, query->site, find->source, id, &offset) : 0;
        if (!case_id || intake_import_hidden(turn, turn_own_event(turn, offset), query->actor))
            continue;
        imported->external_ids[imported->n_external_ids++] = id;
        imported->case_ids[imported->n_case_ids++] = case_id;
    }
    reply->kind_case = INTAKE__REPLY__KIND_IMPORTED;
    reply->imported = imported;
}

static void nothing_asked(struct turn *turn)
{
    turn_refuse(turn, 400, "bad_field", "查询不明", "the query is not one of intake's");
}

void intake_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (query->payload_case != HB__QUERY__PAYLOAD_INTAKE) {
        nothing_asked(turn);
        return;
    }
    Intake__Reply *answer = arena_alloc(turn_arena(turn), sizeof *answer);
    intake__reply__init(answer);
    switch (query->intake->kind_case) {
    case INTAKE__QUERY__KIND_TRACK:
        answer_track(turn, query->intake->track->code, answer);
        break;
    case INTAKE__QUERY__KIND_ALIKE:
        intake_answer_alike(turn, query, query->intake->alike, answer);
        break;
    case INTAKE__QUERY__KIND_IMPORTED:
        answer_imported(turn, query, query->intake->imported, answer);
        break;
    case INTAKE__QUERY__KIND_PUT_FILE:
        files_put(turn, query, answer);
        break;
    case INTAKE__QUERY__KIND_RECEIPT:
        answer_receipt(turn, query, answer);
        break;
    case INTAKE__QUERY__KIND_MAY_REGISTER:
        answer_may_register(turn, query, answer);
        break;
    case INTAKE__QUERY__KIND_HELD:
        answer_held(turn, query, answer);
        break;
    case INTAKE__QUERY__KIND_READ_FILE:
        files_read(turn, query, answer);
        break;
    case INTAKE__QUERY__KIND__NOT_SET:
        nothing_asked(turn);
        break;
    }
    if (turn_refused(turn))
        return;
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_INTAKE;
    reply->intake = answer;
}
