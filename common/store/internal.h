/* What store.c and snapshot.c share. */
#ifndef HEARBACK_STORE_INTERNAL_H
#define HEARBACK_STORE_INTERNAL_H

#include "store/store.h"

#include <lmdb.h>

struct store {
    MDB_env *env;
    int data_fd; /* of data.mdb, for reserving room; -1 when read only */
    uint64_t map_bytes;
    uint64_t reserved_to; /* file size up to which blocks are known to be allocated */
    unsigned page_bytes;
    bool full;   /* simulated */
    bool failed; /* takes nothing any more */
};

struct store_txn {
    struct store *store;
    MDB_txn *txn;
    enum err err;
    bool write;
};

enum err store_err_of(int rc); /* of an LMDB or system error code */
enum err store_folder_make(const char *folder) MUST_CHECK;

#endif
