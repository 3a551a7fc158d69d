/* Events about a case, site or policy that is not known here yet (design-review A3). They wait in arrival order per
   case, those that need no known case (its registration) before those that do; the cursor moves on and other cases are
   not held up. Table waiting: case BE64, sequence BE64 (from BEHIND on: of those that need the case) -> Waiting; table
   waiting_for: what is needed NUL, case BE64 -> a check, for the case whose first event needs it. Events of another
   cell lie in c_waiting, behind the id of the cell, and what they need is written <cell>/...: cells know nothing of
   each other. What the cell above says needs nothing: it is about cases there. */
#include "base/planted.h"
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define BEHIND (1ull << 63)

static char *need_here(struct turn *turn, const char *need)
{
    return turn->cell ? arena_printf(turn->arena, "%016" PRIx64 "/%s", turn->cell, need)
                      : arena_strdup(turn->arena, need);
}

static char *case_need(struct turn *turn, uint64_t case_id)
{
    return arena_printf(turn->arena, "case/%016" PRIx64, case_id);
}

static store_table waiting_table(const struct turn *turn)
{
    return turn->cell ? turn->instance->cells_waiting : turn->instance->runtime_tables[RUNTIME_WAITING];
}

static struct key waiting_prefix(const struct turn *turn, uint64_t case_id)
{
    struct key key = {.size = 0};
    if (turn->cell)
        key_add_u64(&key, turn->cell);
    key_add_u64(&key, case_id);
    return key;
}

uint64_t waiting_cell(const char *needs)
{
    const char *at = strncmp(needs, "poison/", 7) == 0 ? strchr(needs, '@') : NULL;
    bool prefixed = strspn(needs, "0123456789abcdef") == 16 && needs[16] == '/';
    return at ? strtoull(at + 1, NULL, 16) : prefixed ? strtoull(needs, NULL, 16) : 0;
}

static bool is_above(const struct turn *turn)
{
    const struct instance_cell *cell = turn->cell ? turn_cell_known(turn, turn->cell) : NULL;
    return cell && cell->above;
}

char *waiting_needs(struct turn *turn, const Hb__Event *event)
{
    const struct service *service = turn->instance->service;
    bool of_case = event->case_id && event->payload_case != HB__EVENT__PAYLOAD_DIRECTORY;
    if (!of_case || is_above(turn))
        return NULL;
    if (service->keeps_organisation && *event->site && !organisation_site(turn, event->site))
        return need_here(turn, arena_printf(turn->arena, "site/%s", event->site));
    if (service->keeps_organisation && event->policy_version &&
        !organisation_policy(turn, event->site, event->policy_version))
        return need_here(turn, arena_printf(turn->arena, "policy/%s/%" PRIu32, event->site, event->policy_version));
    if (service->needs_case && service->needs_case(event) && !service->knows_case(turn, event->case_id))
        return need_here(turn, case_need(turn, event->case_id));
    return NULL;
}

static bool first_of_case(struct turn *turn, uint64_t case_id, struct bytes *key_out, Record__Waiting **waiting_out)
{
    struct key prefix = waiting_prefix(turn, case_id);
    struct store_scan scan;
    store_scan_open(&scan, turn->txn, waiting_table(turn), key_bytes(&prefix), (struct bytes){0});
    struct bytes value;
    if (!store_scan_next(&scan, turn->arena, key_out, &value))
        return false;
    ProtobufCMessage *message;
    char *why;
    bug_unless(row_load(&record__waiting__descriptor, *key_out, value, turn->arena, &message, &why) == ERR_NONE);
    *waiting_out = (Record__Waiting *)message;
    return true;
}

bool waiting_behind(struct turn *turn, uint64_t case_id)
{
    if (planted("overtake_waiting"))
        return false;
    if (case_id == 0 || turn->instance->waiting_count == 0)
        return false;
    struct bytes key;
    Record__Waiting *waiting;
    return first_of_case(turn, case_id, &key, &waiting);
}

static struct key waiting_for_key(const char *needs, uint64_t case_id)
{
    struct key key = key_text(needs);
    key_add_u64(&key, case_id);
    return key;
}

/* The place of a new row of a case; `first_out`: what waits for its need is this one. */
static struct key place_of(struct turn *turn, uint64_t case_id, bool ahead, bool *first_out)
{
    struct key prefix = waiting_prefix(turn, case_id), end = prefix, key = prefix;
    struct bytes last;
    key_add_u64(&end, ahead ? BEHIND : UINT64_MAX);
    *first_out = !store_before(turn->txn, waiting_table(turn), key_bytes(&prefix), key_bytes(&end), turn->arena, &last);
    uint64_t before = *first_out ? 0 : bytes_get_u64(last.data + prefix.size);
    key_add_u64(&key, (!ahead && before < BEHIND ? BEHIND : before) + 1);
    return key;
}

/* `ahead`: it may be what makes the case known, and must not wait behind those that wait for the case. */
void waiting_put(struct turn *turn, const Hb__Event *event, struct bytes stored, const char *needs, bool ahead)
{
    struct instance *instance = turn->instance;
    bool first;
    struct key key = place_of(turn, event->case_id, ahead, &first);
    Record__Waiting waiting = RECORD__WAITING__INIT;
    waiting.event = (ProtobufCBinaryData){stored.size, (uint8_t *)(uintptr_t)stored.data};
    waiting.needs = (char *)(uintptr_t)needs;
    waiting.since_ms = turn->now;
    row_put(turn->txn, waiting_table(turn), key_bytes(&key), message_of(&waiting), turn->arena);
    if (first) {
        struct key for_key = waiting_for_key(needs, event->case_id);
        row_put_mark(turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], key_bytes(&for_key));
    }
    turn->dirty = true;
    instance->waiting_count++;
    instance->counts.waits++;
}

/* What the next event of a case needs now; written down when it waits on. Returns it when it may go. One that was
   quarantined goes only when the operator names it. */
static bool next_may_go(struct turn *turn, uint64_t case_id, const char *known, struct bytes *key_out,
                        struct bytes *stored_out)
{
    struct instance *instance = turn->instance;
    Record__Waiting *waiting;
    if (!first_of_case(turn, case_id, key_out, &waiting))
        return false;
    struct bytes stored = bytes_of(waiting->event.data, waiting->event.len);
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&hb__event__descriptor, stored, turn->arena, &message, &why) == ERR_NONE);
    bool quarantined = strncmp(waiting->needs, "poison/", 7) == 0 && strcmp(waiting->needs, known) != 0;
    const char *needs = quarantined ? waiting->needs : waiting_needs(turn, (const Hb__Event *)message);
    if (!needs) {
        *stored_out = stored;
        return true;
    }
    struct key for_key = waiting_for_key(needs, case_id);
    row_put_mark(turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], key_bytes(&for_key));
    return false;
}

/* Hands over the next event that waited for `known`, or behind one that did. */
bool waiting_pop(struct turn *turn, const struct known *known, struct bytes *stored_out)
{
    struct instance *instance = turn->instance;
    if (planted("forget_waiting")) /* also where nothing waits any more: its mark may be left */
        return false;
    struct key prefix = key_text(known->key);
    turn->cell = known->cell;
    for (;;) {
        struct store_scan scan;
        store_scan_open(&scan, turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], key_bytes(&prefix),
                        (struct bytes){0});
        struct bytes for_key;
        if (!store_scan_next(&scan, turn->arena, &for_key, NULL))
            return false;
        uint64_t case_id = bytes_get_u64(for_key.data + prefix.size);
        struct bytes key;
        turn->dirty = true;
        store_delete(turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], for_key);
        if (!next_may_go(turn, case_id, known->key, &key, stored_out))
            continue;
        store_delete(turn->txn, waiting_table(turn), key);
        instance->waiting_count--;
        /* the ones behind it are looked at again under the same key, after this one is folded */
        struct bytes behind;
        Record__Waiting *waiting;
        if (first_of_case(turn, case_id, &behind, &waiting))
            row_put_mark(turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], for_key);
        return true;
    }
}

static void look_in(struct instance *instance, store_table table, int64_t now)
{
    struct store_txn *txn = store_begin(instance->store, false);
    struct store_scan scan;
    struct bytes key, value;
    const Record__Waiting *oldest = NULL;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    for (unsigned rows = 0; rows < WAITING_LOOKED_AT && store_scan_next(&scan, &instance->arena, &key, &value);
         rows++) {
        ProtobufCMessage *message;
        char *why;
        bug_unless(row_load(&record__waiting__descriptor, key, value, &instance->arena, &message, &why) == ERR_NONE);
        const Record__Waiting *waiting = (const Record__Waiting *)message;
        if (*waiting->needs && (!oldest || waiting->since_ms < oldest->since_ms))
            oldest = waiting;
    }
    if (oldest && now - oldest->since_ms >= WAITING_ALARM_MS)
        NOTE(instance->log, NOTE_WAITING_LONG, LOG_TEXT("needs", oldest->needs),
             LOG_NUMBER("minutes", (now - oldest->since_ms) / 60000), LOG_NUMBER("events", instance->waiting_count));
    store_abort(txn);
    arena_reset(&instance->arena);
}

void waiting_look(struct instance *instance, int64_t now)
{
    int64_t boot = instance_boot(instance);
    if (instance->waiting_count == 0 || boot < instance->waiting_look_boot_ms)
        return;
    instance->waiting_look_boot_ms = boot + WAITING_LOOK_MS;
    look_in(instance, instance->runtime_tables[RUNTIME_WAITING], now);
    if (instance->options.cells_count)
        look_in(instance, instance->cells_waiting, now);
}

bool waiting_under(struct instance *instance, const char *key, char **keys_out, unsigned *count, unsigned count_max)
{
    struct store_txn *txn = store_begin(instance->store, false);
    struct store_scan scan;
    struct bytes found, prefix = bytes_of_text("poison/");
    bool there = false;
    *count = 0;
    store_scan_open(&scan, txn, instance->runtime_tables[RUNTIME_WAITING_FOR], prefix, (struct bytes){0});
    while (store_scan_next(&scan, &instance->arena, &found, NULL)) {
        char *text = (char *)(uintptr_t)found.data; /* ends with NUL, then the case */
        there = there || strcmp(text, key) == 0;
        if (*count < count_max)
            keys_out[(*count)++] = text;
    }
    store_abort(txn);
    return there;
}

void turn_known(struct turn *turn, const char *key)
{
    bool quarantined = strncmp(key, "poison/", 7) == 0; /* names its cell itself */
    turn->known = arena_grow(turn->kept, turn->known, turn->known_count, sizeof *turn->known);
    turn->known[turn->known_count++] =
        (struct known){turn->cell, arena_strdup(turn->kept, quarantined ? key : need_here(turn, key))};
}

void turn_case_known(struct turn *turn, uint64_t case_id)
{
    bug_unless(turn->phase == PHASE_EVOLVE);
    if (turn->instance->waiting_count)
        turn_known(turn, case_need(turn, case_id));
}
