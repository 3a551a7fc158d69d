/* A JSON body as a message of proto/hearback. Beside the form that mirrors the messages, people may write the short
   one: a Personal as its text, a list of fields as an object of names and values. */
#ifndef HEARBACK_GATEWAY_BODY_H
#define HEARBACK_GATEWAY_BODY_H

#include "http.h"

/* Takes the reference to `json`. `path` is where it stands in the body ("rows[3]", "" for all of it). NULL: it does not
   mean that message, and `*refused_out` says where and what is accepted. */
ProtobufCMessage *body_message(struct http_request *request, json_t *json, const ProtobufCMessageDescriptor *descriptor,
                               const char *path, const Hb__Refusal **refused_out);

/* The object of the body; an absent body is an empty object where `may_be_absent`. NULL: answered with a problem. */
json_t *body_object(struct http_request *request, bool may_be_absent);

/* Takes a text out of the object. NULL: it is no text, and has been answered with a problem; absent: "". */
const char *body_take_text(struct http_request *request, json_t *object, const char *name);

#endif
