/* Tables of intake. Keys are big-endian, texts end with a zero byte:

     cases      case id                                   intakerec.Case
     ids        bucket (u32)                              intakerec.Last   the last case id of the bucket
     counters   site, counter                             intakerec.Last   e.g. "garden\0" "20260310-repair-{n3}\0" -> 7
     numbers    number, site                              intakerec.CaseRef
     alike      site, kind, category, place (or its key),
                ~received, ~case id                       ""   complemented, so that a scan meets the newest first
     imported   site, source, external id                 intakerec.CaseRef   kept for good; where it was said
     requests   source log and offset, rule, kind,
                link, to                                  hb.Position of the CaseRequested that counts
     keys       vault key id                              intakerec.CaseRef   whose texts it seals
     confidential  case id                                intakerec.Confidential   only of cases that are,
                                                         or have texts that some only may read
     texts      running number                            intakerec.Text   texts.c
     case_texts case id, running number                   ""
     files      case id, file                             intakerec.File   what is attached; the content: files.h
     held, held_list                                      held.c */
#include "intake.h"

const char *const intake_tables[] = {"cases",      "ids",      "counters", "numbers",      "alike",
                                     "imported",   "requests", "keys",     "confidential", "texts",
                                     "case_texts", "files",    "lent",     "held",         "held_list"};

/* Names reach keys only after their length was checked at the door, or from a published policy. A longer one is cut:
   two that agree so far would share a row, which no list of names does. */
static void add_name(struct key *key, const char *name)
{
    size_t size = strnlen(name, 80);
    key_add(key, name, size);
    key_add(key, "", 1);
}

/* ---- cases ---- */

Intakerec__Case *intake_case_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, INTAKE_CASES, key_bytes(&key), &intakerec__case__descriptor);
}

void intake_case_save(struct turn *turn, uint64_t case_id, const Intakerec__Case *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, INTAKE_CASES, key_bytes(&key), &record->base);
}

Intakerec__Confidential *intake_confidential_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, INTAKE_CONFIDENTIAL, key_bytes(&key), &intakerec__confidential__descriptor);
}

static struct key file_key(uint64_t case_id, const char *file)
{
    struct key key = key_u64(case_id);
    add_name(&key, file);
    return key;
}

Intakerec__File *intake_file_load(struct turn *turn, uint64_t case_id, const char *file)
{
    struct key key = file_key(case_id, file);
    return state_load(turn, INTAKE_FILES, key_bytes(&key), &intakerec__file__descriptor);
}

void intake_file_save(struct turn *turn, uint64_t case_id, const char *file, const Intakerec__File *record)
{
    struct key key = file_key(case_id, file);
    state_save(turn, INTAKE_FILES, key_bytes(&key), &record->base);
}

void intake_confidential_save(struct turn *turn, uint64_t case_id, const Intakerec__Confidential *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, INTAKE_CONFIDENTIAL, key_bytes(&key), &record->base);
}

/* ---- the last of something ---- */

static const Intakerec__Last *last_load(struct turn *turn, unsigned table, const struct key *key)
{
    static const Intakerec__Last none = INTAKEREC__LAST__INIT;
    const Intakerec__Last *row = state_load(turn, table, key_bytes(key), &intakerec__last__descriptor);
    return row ? row : &none;
}

static void last_save(struct turn *turn, unsigned table, const struct key *key, uint64_t last, uint32_t epoch)
{
    Intakerec__Last row = INTAKEREC__LAST__INIT;
    row.value = last;
    row.epoch = epoch;
    state_save(turn, table, key_bytes(key), &row.base);
}

static struct key bucket_key(uint32_t bucket)
{
    struct key key = {.size = 0};
    key_add_u32(&key, bucket);
    return key;
}

uint64_t intake_last_id(struct turn *turn, uint32_t bucket)
{
    struct key key = bucket_key(bucket);
    return last_load(turn, INTAKE_IDS, &key)->value;
}

void intake_last_id_save(struct turn *turn, uint32_t bucket, uint64_t last)
{
    struct key key = bucket_key(bucket);
    last_save(turn, INTAKE_IDS, &key, last, 0);
}

static struct key counter_key(const char *site, const char *counter)
{
    struct key key = key_text(site);
    key_add_text(&key, counter);
    return key;
}

uint64_t intake_counter(struct turn *turn, const char *site, const char *counter, uint32_t *epoch_out)
{
    struct key key = counter_key(site, counter);
    const Intakerec__Last *row = last_load(turn, INTAKE_COUNTERS, &key);
    if (epoch_out)
        *epoch_out = row->epoch;
    return row->value;
}

void intake_counter_save(struct turn *turn, const char *site, const char *counter, uint64_t last, uint32_t epoch)
{
    struct key key = counter_key(site, counter);
    last_save(turn, INTAKE_COUNTERS, &key, last, epoch);
}

/* ---- references to a case ---- */

static uint64_t ref_load(struct turn *turn, unsigned table, struct bytes key)
{
    const Intakerec__CaseRef *row = state_load(turn, table, key, &intakerec__case_ref__descriptor);
    return row ? row->case_id : 0;
}

static void ref_save(struct turn *turn, unsigned table, struct bytes key, uint64_t case_id)
{
    Intakerec__CaseRef row = INTAKEREC__CASE_REF__INIT;
    row.case_id = case_id;
    state_save(turn, table, key, &row.base);
}

void intake_number_save(struct turn *turn, const char *site, const char *number, uint64_t case_id)
{
    struct key key = key_text(number);
    key_add_text(&key, site);
    ref_save(turn, INTAKE_NUMBERS, key_bytes(&key), case_id);
}

struct state_scan *intake_number_open(struct turn *turn, const char *number)
{
    struct key key = key_text(number);
    return state_scan_open(turn, INTAKE_NUMBERS, key_bytes(&key), bytes_of(NULL, 0));
}

uint64_t intake_number_next(struct turn *turn, struct state_scan *scan)
{
    struct bytes key, value;
    return state_scan_next(scan, &key, &value) ? ref_load(turn, INTAKE_NUMBERS, key) : 0;
}

static struct key imported_key(const char *site, const char *source, const char *external_id)
{
    struct key key = key_text(site);
    key_add_text(&key, source);
    key_add_text(&key, external_id);
    return key;
}

uint64_t intake_imported(struct turn *turn, const char *site, const char *source, const char *external_id,
                         uint64_t *offset_out)
{
    struct key key = imported_key(site, source, external_id);
    const Intakerec__CaseRef *row =
        state_load(turn, INTAKE_IMPORTED, key_bytes(&key), &intakerec__case_ref__descriptor);
    if (offset_out)
        *offset_out = row ? row->offset : 0;
    return row ? row->case_id : 0;
}

void intake_imported_save(struct turn *turn, const char *site, const char *source, const char *external_id,
                          uint64_t case_id, uint64_t offset)
{
    struct key key = imported_key(site, source, external_id);
    Intakerec__CaseRef row = INTAKEREC__CASE_REF__INIT;
    row.case_id = case_id;
    row.offset = offset;
    state_save(turn, INTAKE_IMPORTED, key_bytes(&key), &row.base);
}

/* By key and nonce: of a case's texts no two share both. */
static struct key lent_key(uint64_t case_id, const Hb__Sealed *box)
{
    struct key key = key_u64(case_id);
    key_add_u64(&key, box->key_id);
    key_add(&key, box->box.data, box->box.len < INTAKE_LENT_NONCE_BYTES ? box->box.len : INTAKE_LENT_NONCE_BYTES);
    return key;
}

bool intake_lent(struct turn *turn, uint64_t case_id, const Hb__Sealed *box)
{
    struct key key = lent_key(case_id, box);
    return state_has(turn, INTAKE_LENT, key_bytes(&key));
}

void intake_lent_save(struct turn *turn, uint64_t case_id, const Hb__Sealed *box)
{
    struct key key = lent_key(case_id, box);
    state_put(turn, INTAKE_LENT, key_bytes(&key), (struct bytes){0});
}

uint64_t intake_key_case(struct turn *turn, uint64_t key_id)
{
    struct key key = key_u64(key_id);
    return ref_load(turn, INTAKE_KEYS, key_bytes(&key));
}

/* A case that a rule opened seals under the keys of the case it came from, which stays their owner. */
void intake_key_save(struct turn *turn, uint64_t key_id, uint64_t case_id)
{
    struct key key = key_u64(key_id);
    if (key_id && !state_has(turn, INTAKE_KEYS, key_bytes(&key)))
        ref_save(turn, INTAKE_KEYS, key_bytes(&key), case_id);
}

bool intake_keeps_key(struct turn *turn, uint64_t key_id)
{
    return intake_key_case(turn, key_id) != 0;
}

/* ---- likely duplicates ---- */

static const char *where(const Intakerec__Case *record)
{
    return record->place[0] ? record->place : record->place_key;
}

static struct key alike_prefix(const char *site, const char *kind, const char *category, const char *place)
{
    struct key key = key_text(site);
    add_name(&key, kind);
    add_name(&key, category);
    add_name(&key, place);
    return key;
}

void intake_alike_save(struct turn *turn, const Intakerec__Case *record, uint64_t case_id)
{
    if (!record->category[0] && !where(record)[0])
        return; /* nothing that could be alike */
    struct key key = alike_prefix(record->site, record->kind, record->category, where(record));
    key_add_u64(&key, ~(uint64_t)record->received_ms);
    key_add_u64(&key, ~case_id);
    state_put(turn, INTAKE_ALIKE, key_bytes(&key), bytes_of_text(""));
}

size_t intake_alike_find(struct turn *turn, const char *site, const char *kind, const char *category, const char *place,
                         int64_t received_ms, uint64_t out[INTAKE_ALIKE_MAX])
{
    struct key prefix = alike_prefix(site, kind, category, place), from = prefix;
    key_add_u64(&from, ~(uint64_t)received_ms);
    struct state_scan *scan = state_scan_open(turn, INTAKE_ALIKE, key_bytes(&prefix), key_bytes(&from));
    struct bytes key, value;
    size_t count = 0;
    while (count < INTAKE_ALIKE_MAX && state_scan_next(scan, &key, &value)) {
        int64_t received = (int64_t)~bytes_get_u64(key.data + prefix.size);
        if (received < received_ms - INTAKE_ALIKE_WITHIN_MS)
            break;
        out[count++] = ~bytes_get_u64(key.data + prefix.size + 8);
    }
    return count;
}

/* ---- what rules asked for ---- */

static struct key request_key(const Casework__CaseRequested *request)
{
    struct key key = {.size = 0};
    const Hb__Position *source = request->source;
    key_add_u64(&key, source && source->log ? source->log->cell : 0);
    key_add_u32(&key, source && source->log ? (uint32_t)source->log->service : 0);
    key_add_u32(&key, source && source->log ? source->log->partition : 0);
    key_add_u32(&key, source && source->log ? source->log->epoch : 0);
    key_add_u64(&key, source ? source->offset : 0);
    add_name(&key, request->rule);
    add_name(&key, request->kind);
    add_name(&key, request->link);
    add_name(&key, request->to);
    if (request->part)
        key_add_u32(&key, request->part);
    return key;
}

Hb__Position *intake_request(struct turn *turn, const Casework__CaseRequested *request)
{
    struct key key = request_key(request);
    return state_load(turn, INTAKE_REQUESTS, key_bytes(&key), &hb__position__descriptor);
}

void intake_request_save(struct turn *turn, const Casework__CaseRequested *request, const Hb__Position *position)
{
    struct key key = request_key(request);
    state_save(turn, INTAKE_REQUESTS, key_bytes(&key), &position->base);
}
