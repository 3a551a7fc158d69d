/* What stands on a form of a case, as data (layer 3): the gateway prints it, a rehearsal looks at it. */
#ifndef HEARBACK_DOCUMENT_DOCUMENT_H
#define HEARBACK_DOCUMENT_DOCUMENT_H

#include "base/arena.h"
#include "hearback/envelope.pb-c.h"
#include "hearback/policy.pb-c.h"

#include <jansson.h>

struct zone;

#define DOCUMENT_LINKS_MAX                                                                                             \
    200u /* linked cases shown on one form: a binder or a ledger has one for each of its month                         \
          */

struct document_case { /* one case on the form, its texts opened as far as the reader may */
    uint64_t id;
    Casework__CaseFile *file;
    Intake__Party *party;         /* NULL: none */
    const char *link;             /* "" the case itself */
    const Policy__Policy *policy; /* it is handled by; NULL: unknown */
};

struct document {
    const char *name;
    const Policy__DocumentDef *form;
    uint64_t issue;                 /* which one is wanted; 0: the last, and of a letter the draft */
    const Casework__Issued *issued; /* that one; NULL: what is shown is a draft */
    const Directory__Organisation *organisation;
    const struct zone *zone;
    struct document_case cases[1 + DOCUMENT_LINKS_MAX];
    size_t cases_count;
    size_t left_out;           /* linked cases beyond DOCUMENT_LINKS_MAX */
    ProtobufCMessage **events; /* hb.Event, of the case itself */
    size_t events_count;
    bool masked;      /* nobody said what for: names, addresses and numbers are told in part */
    uint32_t version; /* of the policy whose form it is */
};

/* A letter that was issued: its very text, whatever the case says now. */
const Hb__Letter *document_letter(const struct document *document);
/* {document, name, code, class, number, version, issued_at, copies, clauses, blocks: [{name, title, rows: [{name,
   label, value}]}]}: labels are pairs; a row with `sealed` has a text that this reader may not see. `letter`: its one
   row is the letter. */
json_t *document_data(const struct document *document, struct arena *arena);

#endif
