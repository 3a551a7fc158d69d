/* Forms. Issuing one fixes its number, and the version of the policy that says what stands on it; what stands on it is
   the case itself, so nothing is copied. Forms are always those of the policy in force (policy-language.md 5): a case
   may be older than the form. */
#include "casework.h"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The how-manieth of this form on the case, from 1. */
static unsigned place_of(const Caserec__Case *record, const char *document)
{
    unsigned place = 1;
    for (size_t i = 0; i < record->n_documents; i++)
        place += strcmp(record->documents[i]->document, document) == 0;
    return place;
}

static char *number_of(struct turn *turn, const Caserec__Case *record, const Policy__DocumentDef *document)
{
    struct arena *arena = turn_arena(turn);
    char *out = "";
    if (!*document->number)
        return record->number;
    for (const char *at = document->number; *at;) {
        if (starts(at, "{case}")) {
            out = arena_printf(arena, "%s%s", out, record->number);
            at += strlen("{case}");
        } else if (starts(at, "{code}")) {
            out = arena_printf(arena, "%s%s", out, document->code);
            at += strlen("{code}");
        } else if (starts(at, "{n}")) {
            out = arena_printf(arena, "%s%u", out, place_of(record, document->name));
            at += strlen("{n}");
        } else {
            out = arena_printf(arena, "%s%c", out, *at++);
        }
    }
    return out;
}

static void add(struct turn *turn, Caserec__Case *record, const Casework__DocumentIssued *issued, int64_t at_ms)
{
    Casework__Issued *row = TURN_NEW(turn, Casework__Issued, casework__issued__init);
    row->document = issued->document;
    row->number = issued->number;
    row->version = issued->version;
    row->at_ms = at_ms;
    TURN_ADD(turn, record->documents, record->n_documents, row);
}

void casework_issue(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                    const Policy__Action *action, Hb__Position *source)
{
    Casework__DocumentIssued *issued = TURN_NEW(turn, Casework__DocumentIssued, casework__document_issued__init);
    const Policy__Policy *today = organisation_policy(turn, one->record->site, 0);
    const Policy__DocumentDef *document = today ? policy_document(today, action->name) : NULL;
    issued->version = document ? today->version : one->record->policy_version;
    if (!document) /* the form of today's policy is gone: that of the case's own is used */
        document = policy_document(one->policy, action->name);
    issued->document = action->name;
    issued->rule = rule->name;
    issued->source = source;
    issued->number = document ? number_of(turn, one->record, document) : one->record->number;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_DOCUMENT_ISSUED, issued);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    turn_say(turn, event);
    add(turn, one->record, issued, turn_now(turn)); /* before it is folded another may follow */
}

void casework_document_issued(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    add(turn, record, event->casework->document_issued, event->occurred_ms);
}
