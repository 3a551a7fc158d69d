/* Forms. Issuing one fixes its number, and the version of the policy that says what stands on it; what stands on it is
   the case itself, so nothing is copied. Forms are always those of the policy in force (policy-language.md 5): a case
   may be older than the form.

   Letters. A document `of` a sealed text is that text: what is issued is the very box that lay in the case then, which
   nobody can change, and whoever got it is shown that one for good. */
#include "casework.h"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Which issue of this form on the case it is, from 1. */
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

static Hb__Field *text_of(const struct casework_case *one, const char *field)
{
    for (size_t i = 0; i < one->record->n_texts; i++)
        if (strcmp(one->record->texts[i]->name, field) == 0)
            return one->record->texts[i];
    return NULL;
}

static Hb__Letter *letter_new(const struct casework_case *one, const Policy__DocumentDef *document, char *number)
{
    Hb__Letter *letter = TURN_NEW(one->view.turn, Hb__Letter, hb__letter__init);
    letter->document = document->name;
    letter->issue = place_of(one->record, document->name);
    letter->number = number;
    letter->label = document->label;
    letter->text = text_of(one, document->of);
    letter->public_ = strcmp(document->class_, "public") == 0;
    return letter;
}

/* Rules upon one event all see the facts as they stood then: what one of them has sent already is found here. */
static bool just_sent(const struct casework_case *one, const char *field)
{
    for (size_t i = one->documents_before; i < one->record->n_documents; i++) {
        const Hb__Letter *letter = one->record->documents[i]->letter;
        if (letter && strcmp(letter->text->name, field) == 0)
            return true;
    }
    return false;
}

/* A text that some chain approves goes out approved or not at all, whatever rule says so, and once. */
static const Policy__Chain *unapproved(const struct casework_case *one, const char *field)
{
    const Policy__Chain *chain;
    for (size_t i = 0; (chain = casework_chain_of_text(one, field, i)); i++)
        if (!casework_chain_approved(one, chain->name) || just_sent(one, field))
            return chain;
    return NULL;
}

/* False, with a problem on the case: there is nothing to be issued, or nobody has approved it. */
static bool may_go_out(const struct casework_case *one, const Policy__DocumentDef *document, const Policy__Rule *rule,
                       Hb__Position *source)
{
    struct arena *arena = turn_arena(one->view.turn);
    const Policy__Chain *chain = unapproved(one, document->of);
    if (!chain && text_of(one, document->of))
        return true;
    const char *zh = chain ? arena_printf(arena, "“%s”未出具：%s尚未批准", document->label->zh, chain->label->zh)
                           : arena_printf(arena, "“%s”未出具：没有内容", document->label->zh);
    const char *en =
        chain ? arena_printf(arena, "\"%s\" was not issued: %s is not approved", document->label->en, chain->label->en)
              : arena_printf(arena, "\"%s\" was not issued: it has no text", document->label->en);
    casework_note_problem(one->view.turn, one, rule->name, rule->clauses, rule->n_clauses, source, zh, en);
    return false;
}

/* An approval is for one issue: the next letter needs its own. */
static void use_up_approval(const struct casework_case *one, const char *field, const Policy__Rule *rule,
                            Hb__Position *source)
{
    struct turn *turn = one->view.turn;
    Policy__Step bare = POLICY__STEP__INIT;
    const Policy__Chain *chain;
    if (!casework_chain_of_text(one, field, 0))
        return;
    bare.name = (char *)(uintptr_t) "set";
    Hb__Event *event = casework_step_event(one, &bare, NULL, 0, NULL, rule->name);
    event->casework->step_taken->rule_source = source;
    for (size_t i = 0; (chain = casework_chain_of_text(one, field, i)); i++)
        event_fact_text(turn, event, chain->name, "issued");
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    casework_say_step(one, event);
}

static void add(struct turn *turn, Caserec__Case *record, const Casework__DocumentIssued *issued, int64_t at_ms)
{
    Casework__Issued *row = TURN_NEW(turn, Casework__Issued, casework__issued__init);
    row->document = issued->document;
    row->number = issued->number;
    row->version = issued->version;
    row->at_ms = at_ms;
    row->letter = issued->letter;
    row->source = issued->source;
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
    bool letter = document && *document->of;
    if (letter && !may_go_out(one, document, rule, source))
        return;
    issued->document = action->name;
    issued->rule = rule->name;
    issued->source = source;
    issued->number = document ? number_of(turn, one->record, document) : one->record->number;
    if (letter)
        issued->letter = letter_new(one, document, issued->number);
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_DOCUMENT_ISSUED, issued);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    turn_say(turn, event);
    add(turn, one->record, issued, turn_now(turn)); /* before it is folded another may follow */
    if (letter)
        use_up_approval(one, document->of, rule, source);
}

static bool same_position(const Hb__Position *a, const Hb__Position *b)
{
    return a && b && a->offset == b->offset && a->log->service == b->log->service &&
           a->log->partition == b->log->partition;
}

Hb__Letter *casework_letter_of(const struct casework_case *one, const char *notice, const Hb__Position *source)
{
    const Policy__Notice *def = policy_notice(one->policy, notice);
    for (size_t i = one->record->n_documents; def && *def->letter && i-- > 0;) {
        const Casework__Issued *issued = one->record->documents[i];
        if (issued->letter && strcmp(issued->document, def->letter) == 0 && same_position(issued->source, source))
            return issued->letter;
    }
    return NULL;
}

void casework_document_issued(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    add(turn, record, event->casework->document_issued, event->occurred_ms);
}
