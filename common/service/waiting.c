/* Events about a case, site or policy that is not known here yet (design-review A3). They wait in arrival order per
   case, those that need no known case (its registration) before those that do; the cursor moves on and other cases are
   not held up. Table waiting: case BE64, sequence BE64 (from BEHIND on: of those that need the case) -> Waiting; table
   waiting_for: what is needed NUL, case BE64 -> a check, for the case whose first event needs it; table known: what is
   known now NUL -> a check, until all that waited for it was let go, which may take many turns. Events of another cell
   lie in c_waiting, behind the id of the cell, and what they need is written <cell>/...: cells know nothing of each
   other. What the cell above says needs nothing: it is about cases there. */
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

static bool first_of_case(struct turn *turn, uint64_t case_id, struct bytes *key_out, struct bytes *value_out)
{
    struct store_scan scan;
    struct key prefix = waiting_prefix(turn, case_id);
    store_scan_open(&scan, turn->txn, waiting_table(turn), key_bytes(&prefix), (struct bytes){0});
    return store_scan_next(&scan, turn->arena, key_out, value_out);
}

bool waiting_behind(struct turn *turn, uint64_t case_id)
{
    if (planted("overtake_waiting"))
        return false;
    if (case_id == 0 || turn->instance->waiting_count == 0)
        return false;
    struct bytes key;
    return first_of_case(turn, case_id, &key, NULL);
}

static struct key waiting_for_key(const char *needs, uint64_t case_id)
{
    struct key key = key_text(needs);
    key_add_u64(&key, case_id);
    return key;
}

static void mark_waits_for(struct turn *turn, const char *needs, uint64_t case_id)
{
    struct key mark = waiting_for_key(needs, case_id);
    row_put_mark(turn->txn, turn->instance->runtime_tables[RUNTIME_WAITING_FOR], key_bytes(&mark));
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
    if (first)
        mark_waits_for(turn, needs, event->case_id);
    turn->dirty = true;
    instance->waiting_count++;
    instance->counts.waits++;
}

void waiting_keep_known(struct turn *turn)
{
    struct instance *instance = turn->instance;
    for (unsigned i = 0; i < turn->known_count && instance->waiting_count; i++) {
        struct store_scan scan;
        struct key known = key_text(turn->known[i]);
        struct bytes mark;
        store_scan_open(&scan, turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], key_bytes(&known),
                        (struct bytes){0});
        if (planted("forget_waiting") || !store_scan_next(&scan, turn->arena, &mark, NULL))
            continue;
        row_put_mark(turn->txn, instance->runtime_tables[RUNTIME_KNOWN], key_bytes(&known));
        instance->known_open = turn->dirty = true;
    }
    turn->known_count = 0;
}

/* The first that is known, and the first case that waits for it. */
static bool first_known(struct turn *turn, struct bytes *known_out, struct bytes *mark_out)
{
    struct instance *instance = turn->instance;
    store_table table = instance->runtime_tables[RUNTIME_KNOWN];
    for (;;) {
        struct store_scan scan;
        struct bytes value;
        store_scan_open(&scan, turn->txn, table, (struct bytes){0}, (struct bytes){0});
        if (!store_scan_next(&scan, turn->arena, known_out, &value)) {
            instance->known_open = false;
            return false;
        }
        if (!row_mark_sound(*known_out, value))
            state_damaged(turn, store_place(turn->arena, "known", *known_out));
        turn->dirty = true;
        store_scan_open(&scan, turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], *known_out, (struct bytes){0});
        if (store_scan_next(&scan, turn->arena, mark_out, NULL))
            return true;
        store_delete(turn->txn, table, *known_out);
    }
}

/* The row of an event that waits; one that a disk altered stays where it is, and its case behind it: told once. */
static bool load_waiting(struct turn *turn, struct bytes value, struct waiting_found *found)
{
    ProtobufCMessage *message;
    char *why;
    if (row_load(&record__waiting__descriptor, found->key, value, turn->arena, &message, &why) == ERR_NONE) {
        found->row = (Record__Waiting *)message;
        struct bytes stored = bytes_of(found->row->event.data, found->row->event.len);
        found->bytes = stored.size;
        if (message_load(&hb__event__descriptor, stored, turn->arena, &message, &why) == ERR_NONE) {
            found->event = (Hb__Event *)message;
            return true;
        }
    }
    damage_note(turn->instance, store_place(turn->arena, turn->cell ? "c_waiting" : "waiting", found->key));
    return false;
}

enum waiting_next waiting_next(struct turn *turn, struct waiting_found *found_out)
{
    struct instance *instance = turn->instance;
    struct waiting_found found = {0};
    struct bytes known, value;
    if (!first_known(turn, &known, &found.mark))
        return WAITING_NONE;
    const char *text = (const char *)known.data;
    uint64_t case_id = bytes_get_u64(found.mark.data + known.size);
    turn->cell = waiting_cell(text);
    store_delete(turn->txn, instance->runtime_tables[RUNTIME_WAITING_FOR], found.mark);
    if (!first_of_case(turn, case_id, &found.key, &value) || !load_waiting(turn, value, &found))
        return WAITING_STAYS;
    /* one that was quarantined goes only when the operator names it */
    bool quarantined = strncmp(found.row->needs, "poison/", 7) == 0 && strcmp(found.row->needs, text) != 0;
    const char *needs = quarantined ? found.row->needs : waiting_needs(turn, found.event);
    *found_out = found;
    if (!needs)
        return WAITING_GOES;
    mark_waits_for(turn, needs, case_id);
    if (strcmp(needs, text) == 0) /* it is not known any more */
        store_delete(turn->txn, instance->runtime_tables[RUNTIME_KNOWN], known);
    return WAITING_STAYS;
}

void waiting_go(struct turn *turn, const struct waiting_found *found)
{
    struct bytes behind;
    store_delete(turn->txn, waiting_table(turn), found->key);
    turn->instance->waiting_count--;
    /* the ones behind it are looked at again under the same key, after this one is folded */
    if (first_of_case(turn, found->event->case_id, &behind, NULL))
        row_put_mark(turn->txn, turn->instance->runtime_tables[RUNTIME_WAITING_FOR], found->mark);
}

void waiting_set_aside(struct turn *turn, const struct waiting_found *found, const char *needs)
{
    struct key known = key_text(needs); /* an operator may just have let it go: it is not let go again */
    store_delete(turn->txn, turn->instance->runtime_tables[RUNTIME_KNOWN], key_bytes(&known));
    found->row->needs = (char *)(uintptr_t)needs;
    row_put(turn->txn, waiting_table(turn), found->key, message_of(found->row), turn->arena);
    mark_waits_for(turn, needs, found->event->case_id);
}

static void look_in(struct instance *instance, store_table table, const char *name, int64_t now)
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
        if (row_load(&record__waiting__descriptor, key, value, &instance->arena, &message, &why)) {
            damage_note(instance, store_place(&instance->arena, name, key));
            continue;
        }
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
    look_in(instance, instance->runtime_tables[RUNTIME_WAITING], "waiting", now);
    if (instance->options.cells_count)
        look_in(instance, instance->cells_waiting, "c_waiting", now);
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
    turn->known[turn->known_count++] = arena_strdup(turn->kept, quarantined ? key : need_here(turn, key));
}

void turn_case_known(struct turn *turn, uint64_t case_id)
{
    bug_unless(turn->phase == PHASE_EVOLVE);
    if (turn->instance->waiting_count)
        turn_known(turn, case_need(turn, case_id));
}
