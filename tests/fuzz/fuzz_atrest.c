/* The folder of a service as restore, backup and split find it: a store whose rows somebody else wrote. Its position is
   told, or it is said what does not fit; a new epoch is begun only of what fits, and afterwards it can be told again,
   with the same end. Nothing of a row aborts. */
#include "../unit/support/folder.h"
#include "fuzz.h"

#include "base/key.h"
#include "eventlog/eventlog.h"
#include "hearback/record/runtime.pb-c.h"
#include "message/message.h"
#include "service/atrest.h"
#include "service/row.h"
#include "store/store.h"

#define CELL 9u
#define ROWS_MAX 24u

static const char *const tables[] = {"meta", "log", "cursors", "waiting", "jobs"};
#define TABLES (sizeof tables / sizeof *tables)

struct world {
    struct arena arena;
    struct store *store;
    struct store_txn *txn;
    store_table tables[TABLES];
    uint64_t end;
    uint8_t hash[EVENTLOG_HASH_BYTES]; /* of the last event */
};

static void put(struct world *world, unsigned table, struct key key, struct bytes value)
{
    store_put(world->txn, world->tables[table], key_bytes(&key), value);
}

/* The next of a sound chain; now and then changed. */
static void put_event(struct world *world, struct draw *draw)
{
    Hb__Event *event = (Hb__Event *)draw_message(draw, &hb__event__descriptor, NULL, &world->arena);
    event->cell = CELL;
    event->service = HB__SERVICE__INTAKE;
    event->partition = 0;
    event->epoch = 1;
    event->offset = ++world->end;
    event->previous_hash = (ProtobufCBinaryData){sizeof world->hash, world->hash};
    event->recorded_ms = (int64_t)world->end;
    if (draw_below(draw, 16) == 0)
        event->offset = draw_u64(draw);
    struct bytes stored = message_pack(&event->base, &world->arena);
    if (draw_below(draw, 16) == 0)
        stored = draw_bytes(draw, 60);
    put(world, 1, key_u64(world->end), stored);
    eventlog_hash(stored, world->hash);
}

static void put_head(struct world *world, struct draw *draw)
{
    Record__Head *head = (Record__Head *)draw_message(draw, &record__head__descriptor, NULL, &world->arena);
    if (draw_below(draw, 8)) { /* the right one */
        head->cell = CELL;
        head->epoch = 1;
        head->offset = world->end;
        head->hash = (ProtobufCBinaryData){sizeof world->hash, world->hash};
    }
    struct key key = key_text("head");
    row_put(world->txn, world->tables[0], key_bytes(&key), &head->base, &world->arena);
}

static void put_cursor(struct world *world, struct draw *draw)
{
    Record__Cursor *cursor = (Record__Cursor *)draw_message(draw, &record__cursor__descriptor, NULL, &world->arena);
    struct key key = {.size = 0};
    unsigned which = draw_below(draw, 6);
    key_add_u32(&key, which);
    key_add_u32(&key, 0);
    if (cursor->log && draw_below(draw, 8)) {
        cursor->log->cell = CELL;
        cursor->log->service = (Hb__Service)which;
        cursor->log->partition = 0;
    }
    row_put(world->txn, world->tables[2], key_bytes(&key), &cursor->base, &world->arena);
}

static void put_any(struct world *world, struct draw *draw)
{
    struct key key = {.size = 0};
    for (unsigned left = 1 + draw_below(draw, 3); left; left--)
        key_add_u32(&key, draw_byte(draw));
    put(world, draw_below(draw, TABLES), key, draw_bytes(draw, 60));
}

static void fill(struct world *world, const char *folder, struct draw *draw)
{
    struct store_options options = {.map_bytes = 16u << 20, .no_sync = true};
    must(store_open(folder, &options, &world->store) == ERR_NONE);
    for (unsigned i = 0; i < TABLES; i++)
        must(store_table_open(world->store, tables[i], &world->tables[i]) == ERR_NONE);
    world->txn = store_begin(world->store, true);
    bool head = draw_below(draw, 8);
    for (unsigned i = 0; i < ROWS_MAX && draw_more(draw); i++) {
        unsigned what = draw_below(draw, 8);
        if (what < 4)
            put_event(world, draw);
        else if (what < 7)
            put_cursor(world, draw);
        else
            put_any(world, draw);
    }
    if (head)
        put_head(world, draw);
    must(store_commit(world->txn) == ERR_NONE);
    store_close(world->store);
}

/* The cut: own end as it is, the others somewhere. */
static void begin_epoch(struct world *world, const char *folder, const Bus__PositionReport *report, struct draw *draw)
{
    Hb__Position *ends[6];
    struct atrest_restore restore = {.cell = CELL, .ends = ends, .now_ms = 1};
    Bus__PositionReport after;
    int64_t recorded_ms;
    char why[512] = "";
    for (; restore.ends_count < 6; restore.ends_count++) {
        Hb__Position *end = ends[restore.ends_count] = arena_alloc(&world->arena, sizeof *end);
        hb__position__init(end);
        end->log = arena_alloc(&world->arena, sizeof *end->log);
        hb__log_id__init(end->log);
        end->log->cell = CELL;
        end->log->service = (Hb__Service)restore.ends_count;
        end->log->epoch = 2;
        end->offset = end->log->service == HB__SERVICE__INTAKE ? report->end : draw_u64(draw);
    }
    enum err err = atrest_begin_epoch(folder, HB__SERVICE__INTAKE, 0, &restore, why, sizeof why);
    must((err == ERR_NONE) == (*why == 0));
    if (err)
        return;
    must(atrest_position(folder, HB__SERVICE__INTAKE, 0, &world->arena, &after, &recorded_ms, why, sizeof why) ==
         ERR_NONE);
    must(after.end == report->end && after.log->epoch == 2 && after.n_cursors == report->n_cursors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {0};
    struct draw draw = draw_of(data, size);
    Bus__PositionReport report;
    int64_t recorded_ms;
    char why[512] = "";
    arena_init(&world.arena);
    char *folder = arena_printf(&world.arena, "%s/intake-0", fuzz_folder());
    fill(&world, folder, &draw);
    fuzz_memory_begin();
    enum err err =
        atrest_position(folder, HB__SERVICE__INTAKE, 0, &world.arena, &report, &recorded_ms, why, sizeof why);
    fuzz_memory_end(size);
    must((err == ERR_NONE) == (*why == 0));
    if (!err)
        begin_epoch(&world, folder, &report, &draw);
    must(folder_remove(folder));
    arena_fini(&world.arena);
    return 0;
}
