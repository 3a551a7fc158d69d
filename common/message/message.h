/* Packing and unpacking protobuf messages safely (layer 1). protobuf-c has no recursion limit, amplifies small
   inputs 70-fold and accepts invalid UTF-8 (pitfalls.md 6.3); so the wire form is read by decode.c, into an arena with
   a cap. Packing and the structs are protobuf-c's. */
#ifndef HEARBACK_MESSAGE_MESSAGE_H
#define HEARBACK_MESSAGE_MESSAGE_H

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>

#define MESSAGE_DEPTH_MAX 16u
#define MESSAGE_FIELDS_MAX 65536u
#define MESSAGE_CAP_FACTOR 8u         /* memory: at most this many times the input ... */
#define MESSAGE_CAP_EXTRA (64u << 10) /* ... plus this */
#define MESSAGE_LOAD_BYTES_MAX (64u << 20)

/* Unpacks `stored` into the arena; nothing is to be freed. ERR_MALFORMED: not the wire form of this message, too deep,
   too many fields, a text that is not UTF-8 or holds NUL; ERR_TOO_LARGE: it would take too much memory. `*why_out` then
   says what and at which byte. Unknown fields are kept. */
enum err message_unpack(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, struct arena *arena,
                        ProtobufCMessage **message_out, char **why_out) MUST_CHECK;

/* The same for what a service of ours has packed: stored records, events of a log. A compact form may take more memory
   than its size lets guess (an empty message is two bytes), so nothing but MESSAGE_LOAD_BYTES_MAX limits it: what was
   accepted once must be readable for good. */
enum err message_load(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, struct arena *arena,
                      ProtobufCMessage **message_out, char **why_out) MUST_CHECK;

struct bytes message_pack(const ProtobufCMessage *message, struct arena *arena);

/* A deep copy in the arena. */
ProtobufCMessage *message_copy(const ProtobufCMessage *message, struct arena *arena);

/* Calls `visit` for the message and all messages in it, outer first. */
typedef void message_visit_fn(ProtobufCMessage *message, void *context);
void message_visit(ProtobufCMessage *message, message_visit_fn *visit, void *context);

/* The sub-message, text or number of a field that is set, by descriptor. For oneofs: only when it is the arm set. */
bool message_field_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

#endif
