/* proto3 JSON by descriptor, both ways (layer 3), so that the API and the wire never drift. Differences from the
   standard mapping, on purpose: proto field names (snake_case); 64-bit integers as strings (numbers are read too);
   enums by name; bytes as base64; and instants: an integer field `x_ms` among the names below is written as RFC 3339
   text under `x_at` (`at_ms` -> `at`, `time_ms` -> `time`, `as_of_ms` -> `as_of`), in the zone given; both forms are
   read. An instant outside the years 1 to 9999 is written as a number. Spans (`duration_ms`, `remaining_ms`, `..._sum`)
   stay numbers. Absent fields have their default: empty texts, lists
   and messages, ids and instants of 0 and unset oneofs are left out; counts of 0 and `false` are said. */
#ifndef HEARBACK_JSON_JSON_H
#define HEARBACK_JSON_JSON_H

#include "base/arena.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

struct zone;

/* A new reference. `zone` NULL: UTC. */
json_t *json_from_message(const ProtobufCMessage *message, const struct zone *zone);

/* How a field is called in JSON; `*instant_out`: it is written as a time. */
const char *json_field_name(const ProtobufCFieldDescriptor *field, bool *instant_out);

/* The message in the arena. ERR_MALFORMED: `*path_out` says where, `*why_out` what is wrong and what is accepted. */
enum err json_to_message(json_t *json, const ProtobufCMessageDescriptor *descriptor, struct arena *arena,
                         ProtobufCMessage **message_out, char **path_out, char **why_out) MUST_CHECK;

/* Parses text: duplicates, NUL and what json_text_bounded refuses are not taken; `*why_out` says the line. */
enum err json_parse(struct bytes text, struct arena *arena, json_t **json_out, char **why_out) MUST_CHECK;

/* "2025-03-10T17:00:00+08:00", with milliseconds when there are any: ".250"; what lies outside the years 1 to 9999 is
 * told as their end. */
char *json_time_text(const struct zone *zone, int64_t ms, struct arena *arena);
/* RFC 3339 (fractions to the millisecond), or without an offset in `zone`: "2025-03-10 17:00:00", "2025-03-10". */
bool json_time_parse(const char *text, const struct zone *zone, int64_t *ms_out);

#endif
