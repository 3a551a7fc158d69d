/* Rows of the runtime that no fold makes again (head, cursors, heard, outcomes, waiting): each ends with a check of
   itself and of its key, so that a bit that a disk altered is found before the row is used. */
#ifndef HEARBACK_SERVICE_ROW_H
#define HEARBACK_SERVICE_ROW_H

#include "message/message.h"
#include "store/store.h"

void row_put(struct store_txn *txn, store_table table, struct bytes key, const ProtobufCMessage *message,
             struct arena *arena);
void row_append(struct store_txn *txn, store_table table, struct bytes key, const ProtobufCMessage *message,
                struct arena *arena); /* key above all others */

void row_put_mark(struct store_txn *txn, store_table table, struct bytes key); /* a row that is its key alone */
bool row_mark_sound(struct bytes key, struct bytes value);

/* ERR_CORRUPT: its check does not fit; or as message_load. `*why_out` then says so. */
enum err row_load(const ProtobufCMessageDescriptor *descriptor, struct bytes key, struct bytes value,
                  struct arena *arena, ProtobufCMessage **message_out, char **why_out) MUST_CHECK;

#endif
