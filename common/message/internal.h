/* Shared by the files of this module only. */
#ifndef HEARBACK_MESSAGE_INTERNAL_H
#define HEARBACK_MESSAGE_INTERNAL_H

#include "message/message.h"

/* Reads the wire form along the descriptor, once, into the arena and within its cap. ERR_MALFORMED or ERR_TOO_LARGE
   with a text. */
enum err message_decode(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, struct arena *arena,
                        ProtobufCMessage **message_out, char **why_out) MUST_CHECK;

#endif
