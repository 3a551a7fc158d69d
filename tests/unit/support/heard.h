/* What the turns of a service took, one by one: its rows of `heard`. */
#ifndef HEARBACK_TESTS_HEARD_H
#define HEARBACK_TESTS_HEARD_H

#include "puppet.h"

#include "service/internal.h"

struct heard_rows {
    const Record__Heard **rows;
    size_t count;
};

/* The turns after the first `skip`, at most `most`. */
static inline struct heard_rows heard_rows(struct world *world, Hb__Service service, uint64_t skip, size_t most)
{
    struct heard_rows list = {0};
    struct instance *instance = simulation_instance(world->simulation, service);
    struct store_txn *txn = store_begin(instance_store(instance), false);
    struct store_scan scan;
    struct bytes key, value;
    struct key from = key_u64(skip + 1);
    store_scan_open(&scan, txn, instance->runtime_tables[RUNTIME_HEARD], (struct bytes){0}, key_bytes(&from));
    while (list.count < most && store_scan_next(&scan, &world->arena, &key, &value)) {
        ProtobufCMessage *message;
        char *why;
        assert_int_equal(row_load(&record__heard__descriptor, key, value, &world->arena, &message, &why), ERR_NONE);
        list.rows = arena_grow(&world->arena, list.rows, list.count, sizeof *list.rows);
        list.rows[list.count++] = (Record__Heard *)message;
    }
    store_abort(txn);
    return list;
}

/* Bytes said because of an input. */
static inline size_t heard_said_bytes(struct world *world, Hb__Service service, const Record__Input *input)
{
    size_t size = 0;
    for (uint64_t offset = input->first_own; offset && offset <= input->last_own; offset++) {
        struct bytes stored;
        assert_true(instance_log_get(simulation_instance(world->simulation, service), offset, &world->arena, &stored));
        size += stored.size;
    }
    return size;
}

#endif
