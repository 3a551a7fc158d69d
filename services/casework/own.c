/* What a complainant may know of his own case, and all that leaves casework for him: that it was registered, who has
   it, when it went on, what was said to him and by him. Notes, findings, persons and other cases stay inside. Which
   fields are meant for him is the policy's to say: `may: {NAME: {who: complainant, do: see, what: FIELD}}` (seen.c). */
#include "casework.h"
#include "message/message.h"
#include "policy/facts.h"
#include "policy/lookup.h"

struct telling {
    const struct casework_case *one;
    struct arena *arena;
    const Hb__Actor *actor;
    Casework__OwnCase *own;
    uint32_t phase, round; /* so far */
    const char *lead;
    const Hb__Sealed **copied; /* from other cases, by steps */
    size_t copied_count;
    bool rule_made; /* it shares the keys of the case it came from: of its texts nothing is shown */
};

#define TELL_ADD(telling, list, count, item)                                                                           \
    do {                                                                                                               \
        (list) = arena_grow((telling)->arena, (list), (count), sizeof *(list));                                        \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

static bool is_sealed(const Hb__Personal *personal)
{
    return personal && personal->kind_case == HB__PERSONAL__KIND_SEALED;
}

static bool has_box(const Hb__Field *field)
{
    return field && field->content_case == HB__FIELD__CONTENT_TEXT && is_sealed(field->text);
}

static bool same_box(const Hb__Sealed *a, const Hb__Sealed *b)
{
    return a->key_id == b->key_id && a->box.len == b->box.len && memcmp(a->box.data, b->box.data, a->box.len) == 0;
}

/* Intake opens for him what the case's own keys seal, and what was copied to it. */
static bool is_his(const struct telling *telling, const Hb__Sealed *box)
{
    const Caserec__Case *record = telling->one->record;
    bool his = box->key_id == record->content_key || box->key_id == record->identity_key;
    for (size_t i = 0; i < telling->copied_count && !his; i++)
        his = same_box(telling->copied[i], box);
    return his;
}

static Casework__OwnMoment *add_moment(struct telling *telling, Casework__OwnMoment__What what, const char *name,
                                       const Hb__Event *event)
{
    Casework__OwnMoment *moment = TURN_NEW(telling->one->view.turn, Casework__OwnMoment, casework__own_moment__init);
    moment->what = what;
    moment->name = (char *)(uintptr_t)name;
    moment->at_ms = event->occurred_ms;
    moment->round = telling->round;
    TELL_ADD(telling, telling->own->moments, telling->own->n_moments, moment);
    return moment;
}

/* ---- what happened ---- */

static Hb__Field *text_field(const struct telling *telling, Hb__Personal *text)
{
    Hb__Field *field = TURN_NEW(telling->one->view.turn, Hb__Field, hb__field__init);
    field->name = (char *)(uintptr_t) "text";
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = text;
    return field;
}

static void tell_registered(struct telling *telling, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    Casework__OwnCase *own = telling->own;
    add_moment(telling, CASEWORK__OWN_MOMENT__WHAT__REGISTERED, "", event);
    telling->phase = registered->phase;
    telling->rule_made = registered->requested_by != NULL;
    if (telling->rule_made)
        return;
    if (is_sealed(registered->text))
        TELL_ADD(telling, own->own_texts, own->n_own_texts, text_field(telling, registered->text));
    for (size_t i = 0; i < registered->n_texts; i++) {
        const Policy__FieldDef *def = policy_field(telling->one->kind, registered->texts[i]->name);
        bool asked = def ? def->public_ : strcmp(registered->texts[i]->name, "place") == 0; /* every form asks for it */
        if (asked && has_box(registered->texts[i]))
            TELL_ADD(telling, own->own_texts, own->n_own_texts, registered->texts[i]);
    }
}

static void tell_routed(struct telling *telling, const Hb__Event *event)
{
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Fact *fact = event->facts[i];
        bool is_lead = strcmp(fact->name, "lead") == 0 && fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT;
        if (!is_lead || strcmp(fact->value->text, telling->lead) == 0)
            continue;
        telling->lead = fact->value->text;
        add_moment(telling, CASEWORK__OWN_MOMENT__WHAT__PASSED, telling->lead, event);
    }
}

/* What is seen under a condition of the case as it is now is seen in its newest form only. */
static bool is_newest(const struct telling *telling, const Hb__Field *text)
{
    const Caserec__Case *record = telling->one->record;
    for (size_t i = 0; i < record->n_texts; i++)
        if (strcmp(record->texts[i]->name, text->name) == 0)
            return has_box(record->texts[i]) && same_box(record->texts[i]->text->sealed, text->text->sealed);
    return false;
}

static bool shows_text(const struct telling *telling, const Hb__Field *text, bool own)
{
    bool conditional = false;
    if (!policy_field(telling->one->kind, text->name) || !has_box(text) ||
        !(own || casework_shows(telling->one, text->name, &conditional)))
        return false;
    return (!conditional || is_newest(telling, text)) && is_his(telling, text->text->sealed);
}

static Hb__Field **tell_texts(const struct telling *telling, const Casework__StepTaken *taken, bool own, size_t *count)
{
    Hb__Field **texts = NULL;
    *count = 0;
    for (size_t i = 0; i < taken->n_texts && !telling->rule_made; i++)
        if (shows_text(telling, taken->texts[i], own))
            TELL_ADD(telling, texts, *count, taken->texts[i]);
    return texts;
}

static void note_copied(struct telling *telling, const Casework__StepTaken *taken)
{
    for (size_t i = 0; i < taken->n_texts && taken->copied_from; i++)
        if (has_box(taken->texts[i]))
            TELL_ADD(telling, telling->copied, telling->copied_count, taken->texts[i]->text->sealed);
}

/* Steps that neither change the phase nor say anything to or by the complainant are the staff's own affair; what a
   neighbour left who joined a public problem is not this complainant's. */
static void tell_step(struct telling *telling, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    const Policy__Kind *kind = telling->one->kind;
    bool others = *kind->public_problem && strcmp(kind->public_problem, taken->step) == 0;
    bool own = event->actor && event->actor->complainant;
    bool again = taken->round > telling->round;
    size_t count = 0;
    note_copied(telling, taken);
    Hb__Field **texts = others ? NULL : tell_texts(telling, taken, own, &count);
    bool told = own || count || again || taken->phase != telling->phase;
    telling->phase = taken->phase;
    telling->round = taken->round;
    if (others || !told)
        return;
    bool by_step = (own || again) && policy_step(kind, taken->step);
    Casework__OwnMoment *moment = by_step ? add_moment(telling, CASEWORK__OWN_MOMENT__WHAT__STEP, taken->step, event)
                                          : add_moment(telling, CASEWORK__OWN_MOMENT__WHAT__STAGE, taken->stage, event);
    moment->own = own;
    moment->texts = texts;
    moment->n_texts = count;
}

/* What the complainant received: the very text that was issued then. */
static void tell_letter(struct telling *telling, const Hb__Event *event)
{
    Hb__Letter *letter = event->casework->document_issued->letter;
    if (telling->rule_made || !letter || !letter->public_ || !has_box(letter->text) ||
        !is_his(telling, letter->text->text->sealed))
        return;
    Casework__OwnMoment *moment = add_moment(telling, CASEWORK__OWN_MOMENT__WHAT__LETTER, letter->document, event);
    moment->letter = letter;
    moment->version = event->casework->document_issued->version;
}

/* False: nothing that he is told of. */
static bool tell_event(struct telling *telling, Hb__Event *event)
{
    bool own_log = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
    bool registers =
        event->payload_case == HB__EVENT__PAYLOAD_INTAKE && event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
    bool steps = own_log && event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN;
    bool issues = own_log && event->casework->kind_case == CASEWORK__EVENT__KIND_DOCUMENT_ISSUED;
    if (!registers && !steps && !issues && event->payload_case != HB__EVENT__PAYLOAD_ROUTING)
        return false;
    casework_event_read(telling->one, telling->actor, event); /* `read` of a field holds for him as for everybody */
    if (registers)
        tell_registered(telling, event);
    else if (steps)
        tell_step(telling, event);
    else if (issues)
        tell_letter(telling, event);
    else
        tell_routed(telling, event);
    return true;
}

static void tell_story(struct telling *telling)
{
    struct turn *turn = telling->one->view.turn;
    struct key prefix = key_u64(telling->one->id);
    struct state_scan *scan = state_scan_open(turn, CASEWORK_FILE, key_bytes(&prefix), key_bytes(&prefix));
    struct bytes key, value;
    for (unsigned count = 0; count < CASEWORK_OWN_EVENTS_MAX && state_scan_next(scan, &key, &value); count++) {
        struct arena_mark mark = arena_mark(telling->arena);
        ProtobufCMessage *message;
        char *why;
        bool told = !message_load(&hb__event__descriptor, value, telling->arena, &message, &why) &&
                    tell_event(telling, (Hb__Event *)message);
        if (!told)
            arena_return(telling->arena, mark);
    }
}

/* ---- how much ---- */

struct room {
    size_t texts, bytes;
};

static bool takes_room(struct room *room, const Hb__Field *text)
{
    size_t size = hb__field__get_packed_size(text);
    if (room->texts == CASEWORK_OWN_TEXTS_MAX || room->bytes + size > CASEWORK_OWN_TEXTS_BYTES_MAX)
        return false;
    room->texts++;
    room->bytes += size;
    return true;
}

/* What he wrote at first and the names of his files are told in any case, and take of the room. */
static size_t bytes_always(const Casework__OwnCase *own)
{
    size_t bytes = 0;
    for (size_t i = 0; i < own->n_own_texts; i++)
        bytes += hb__field__get_packed_size(own->own_texts[i]);
    for (size_t i = 0; i < own->n_files; i++)
        bytes += hb__personal__get_packed_size(own->files[i]->file_name);
    return bytes;
}

/* The newest texts, as many as there is room for. That there was a letter is told even without its text. */
static void keep_newest(Casework__OwnCase *own)
{
    struct room room = {.bytes = bytes_always(own)};
    for (size_t i = own->n_moments; i-- > 0;) {
        Casework__OwnMoment *moment = own->moments[i];
        size_t kept = 0;
        for (size_t t = 0; t < moment->n_texts; t++)
            if (takes_room(&room, moment->texts[t]))
                moment->texts[kept++] = moment->texts[t];
        moment->n_texts = kept;
        if (moment->letter && !takes_room(&room, moment->letter->text))
            moment->letter->text = NULL;
    }
}

/* ---- as it stands ---- */

static bool names_file(const Hb__Fact *fact, const char *file)
{
    return fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT && strcmp(fact->value->text, file) == 0;
}

/* A file of the case is listed as one. */
static bool names_any(const Casework__CaseFile *file, const Hb__Fact *fact)
{
    for (size_t i = 0; i < file->n_attachments; i++)
        if (names_file(fact, file->attachments[i]->file))
            return true;
    return false;
}

static void tell_facts(struct telling *telling, const Casework__CaseFile *file)
{
    const struct casework_case *one = telling->one;
    Casework__OwnCase *own = telling->own;
    for (size_t i = 0; i < file->n_facts; i++) {
        Hb__Fact *fact = file->facts[i];
        const Policy__FieldDef *def = policy_field(one->kind, fact->name);
        bool conditional;
        if (!def || !fact->value)
            continue;
        if (def->public_)
            TELL_ADD(telling, own->own_facts, own->n_own_facts, fact);
        if (!names_any(file, fact) && casework_shows(one, fact->name, &conditional))
            TELL_ADD(telling, own->facts, own->n_facts, fact);
    }
}

/* Is it the complainant's own, or given to him: named by a field that the policy shows him? */
static bool shows_file(const struct telling *telling, const Casework__CaseFile *file,
                       const Casework__Attachment *attachment)
{
    bool shown = attachment->complainant, conditional;
    for (size_t i = 0; i < file->n_facts && !shown; i++)
        shown = names_file(file->facts[i], attachment->file) &&
                casework_shows(telling->one, file->facts[i]->name, &conditional);
    return shown;
}

static void tell_files(struct telling *telling, const Casework__CaseFile *file)
{
    for (size_t i = 0; i < file->n_attachments; i++) {
        Casework__Attachment *attachment = file->attachments[i];
        if (attachment->deleted_ms || !shows_file(telling, file, attachment) || !is_sealed(attachment->file_name) ||
            !is_his(telling, attachment->file_name->sealed))
            continue;
        attachment->person = (char *)(uintptr_t) "";
        TELL_ADD(telling, telling->own->files, telling->own->n_files, attachment);
    }
}

static void tell_steps(struct telling *telling)
{
    const struct casework_case *one = telling->one;
    Casework__OwnCase *own = telling->own;
    Casework__Allowed **allowed = NULL;
    size_t count = 0;
    casework_add_allowed(one, telling->actor, &allowed, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(allowed[i]->step, one->kind->public_problem) == 0) /* it is for others */
            continue;
        allowed[i]->seen = NULL;
        TELL_ADD(telling, own->allowed, own->n_allowed, allowed[i]);
    }
}

void casework_answer_own(const struct casework_case *one, const Hb__Actor *actor, Casework__Reply *reply)
{
    struct turn *turn = one->view.turn;
    const Caserec__Case *record = one->record;
    Casework__OwnCase *own = TURN_NEW(turn, Casework__OwnCase, casework__own_case__init);
    Casework__CaseFile readable = CASEWORK__CASE_FILE__INIT; /* `read` of a field holds for him as for everybody */
    struct telling telling = {.one = one,
                              .arena = turn_arena(turn),
                              .actor = actor,
                              .own = own,
                              .phase = POLICY__PHASE__NEW,
                              .round = 1,
                              .lead = ""};
    own->case_id = one->id;
    own->site = record->site;
    own->number = record->number;
    own->kind = record->kind;
    own->stage = record->stage;
    own->phase = record->phase;
    own->round = record->round;
    own->version = record->version;
    own->policy_version = record->policy_version;
    own->lead = (char *)(uintptr_t)facts_text(&one->facts, "lead");
    casework_file_read(one, actor, &readable);
    tell_facts(&telling, &readable);
    tell_files(&telling, &readable);
    tell_story(&telling);
    keep_newest(own);
    tell_steps(&telling);
    own->may_attach = casework_may_attach(turn, one, actor);
    reply->kind_case = CASEWORK__REPLY__KIND_OWN;
    reply->own = own;
}
