/* `read` of a field: whom its value is shown to. For everybody else it is taken out of what is answered: facts, texts,
   events of the time line, and the file that a field names. Rules, clocks and guards know it all the same. */
#include "casework.h"
#include "message/message.h"
#include "policy/facts.h"
#include "policy/lookup.h"

static bool may_read(const struct casework_case *one, const char *fact, const Hb__Actor *actor)
{
    return case_may_read(&one->view, policy_field_of_fact(one->kind, fact), actor);
}

/* Of a case that is hidden from the actor no field tells the number; nor is it said that something is withheld. */
static bool names_hidden(const struct casework_case *one, const Policy__Kind *kind, const Hb__Fact *fact,
                         const Hb__Actor *actor)
{
    const Policy__FieldDef *def = policy_field_of_fact(kind, fact->name);
    struct turn *turn = one->view.turn;
    struct casework_case other;
    if (!def || !def->names_case || !fact->value || fact->value->kind_case != HB__VALUE__KIND_TEXT)
        return false;
    uint64_t id = casework_numbered(turn, one->record->site, fact->value->text);
    return id && casework_open(turn, id, &other) && casework_hidden(&other, actor);
}

/* Is anything of this kind for some only? Of most it is not, and nothing need be looked through. */
static bool withholds(const struct casework_case *one, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->kind->n_fields; i++)
        if (one->kind->fields[i]->names_case || !case_may_read(&one->view, one->kind->fields[i], actor))
            return true;
    return false;
}

static void add_withheld(struct turn *turn, char *name, char ***list, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*list)[i], name) == 0)
            return;
    TURN_ADD(turn, *list, *count, name);
}

/* Does a field that the actor may not read name this file, or did it before the file was deleted? */
static bool names_file(const struct casework_case *one, const char *file, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->record->n_attachments; i++) {
        const Casework__Attachment *row = one->record->attachments[i];
        if (*row->deleted_from && strcmp(row->file, file) == 0 && !may_read(one, row->deleted_from, actor))
            return true;
    }
    for (size_t i = 0; i < one->facts.count; i++) {
        const Hb__Fact *fact = one->facts.list[i];
        const Policy__FieldDef *def = policy_field_of_fact(one->kind, fact->name);
        if (def && def->type == POLICY__FIELD_DEF__TYPE__FILE && fact->value &&
            fact->value->kind_case == HB__VALUE__KIND_TEXT && strcmp(fact->value->text, file) == 0 &&
            !case_may_read(&one->view, def, actor))
            return true;
    }
    return false;
}

/* ---- the case file ---- */

static void add_facts(const struct casework_case *one, const Hb__Actor *actor, Casework__CaseFile *file)
{
    struct turn *turn = one->view.turn;
    for (size_t i = 0; i < one->record->n_facts; i++)
        if (names_hidden(one, one->kind, one->record->facts[i], actor))
            continue;
        else if (may_read(one, one->record->facts[i]->name, actor))
            TURN_ADD(turn, file->facts, file->n_facts, one->record->facts[i]);
        else if (one->record->facts[i]->value)
            add_withheld(turn, one->record->facts[i]->name, &file->withheld, &file->n_withheld);
    for (size_t i = 0; i < one->record->n_texts; i++)
        if (may_read(one, one->record->texts[i]->name, actor))
            TURN_ADD(turn, file->texts, file->n_texts, one->record->texts[i]);
        else
            add_withheld(turn, one->record->texts[i]->name, &file->withheld, &file->n_withheld);
    for (size_t i = 0; i < one->record->n_attachments; i++)
        if (!names_file(one, one->record->attachments[i]->file, actor))
            TURN_ADD(turn, file->attachments, file->n_attachments, one->record->attachments[i]);
}

static void withhold_letters(const struct casework_case *one, const Hb__Actor *actor, Casework__CaseFile *file)
{
    for (size_t i = 0; i < file->n_documents; i++) {
        const Hb__Letter *letter = file->documents[i]->letter;
        if (letter && letter->text && !may_read(one, letter->text->name, actor))
            letter->text->content_case = HB__FIELD__CONTENT__NOT_SET;
    }
}

void casework_file_read(const struct casework_case *one, const Hb__Actor *actor, Casework__CaseFile *file)
{
    const Caserec__Case *record = one->record;
    file->documents = record->documents;
    file->n_documents = record->n_documents;
    if (withholds(one, actor)) {
        add_facts(one, actor, file);
        withhold_letters(one, actor, file);
        return;
    }
    file->facts = record->facts;
    file->n_facts = record->n_facts;
    file->texts = record->texts;
    file->n_texts = record->n_texts;
    file->attachments = record->attachments;
    file->n_attachments = record->n_attachments;
}

/* ---- an event ---- */

struct withholding {
    const struct casework_case *one;
    const Policy__Kind *kind; /* whose fields the facts are */
    const Hb__Actor *actor;
    Casework__Withheld *withheld;
};

static bool shown(struct withholding *withholding, char *name)
{
    const struct casework_case *one = withholding->one;
    if (case_may_read(&one->view, policy_field_of_fact(withholding->kind, name), withholding->actor))
        return true;
    add_withheld(one->view.turn, name, &withholding->withheld->fields, &withholding->withheld->n_fields);
    return false;
}

static void withhold(ProtobufCMessage *message, void *context)
{
    if (message->descriptor == &hb__fact__descriptor) {
        Hb__Fact *fact = (Hb__Fact *)message;
        const struct withholding *about = context;
        if (fact->value && (names_hidden(about->one, about->kind, fact, about->actor) || !shown(context, fact->name)))
            fact->value = NULL;
    } else if (message->descriptor == &hb__field__descriptor) {
        Hb__Field *field = (Hb__Field *)message;
        if (field->content_case != HB__FIELD__CONTENT__NOT_SET && !shown(context, field->name))
            field->content_case = HB__FIELD__CONTENT__NOT_SET;
    }
}

/* What a rule opens has fields of its own kind. */
static const Policy__Kind *kind_of_facts(const struct casework_case *one, const Hb__Event *event)
{
    const Policy__Kind *opened = NULL;
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
        event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_REQUESTED)
        opened = policy_kind(one->policy, event->casework->case_requested->kind);
    return opened ? opened : one->kind;
}

static void add_file_withheld(struct withholding *withholding)
{
    add_withheld(withholding->one->view.turn, (char *)(uintptr_t) "file", &withholding->withheld->fields,
                 &withholding->withheld->n_fields);
}

/* That such a file came, and that somebody looked at it. */
static void withhold_files(struct withholding *withholding, Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
        event->casework->kind_case == CASEWORK__EVENT__KIND_FILE_ATTACHED &&
        names_file(withholding->one, event->casework->file_attached->file, withholding->actor)) {
        casework__file_attached__init(event->casework->file_attached);
        add_file_withheld(withholding);
    }
    if (event->payload_case != HB__EVENT__PAYLOAD_INTAKE || event->intake->kind_case != INTAKE__EVENT__KIND_OPENED)
        return;
    Intake__DataOpened *opened = event->intake->opened;
    size_t kept = 0, count = opened->n_files;
    for (size_t i = 0; i < count; i++)
        if (!names_file(withholding->one, opened->files[i], withholding->actor))
            opened->files[kept++] = opened->files[i];
    opened->n_files = kept;
    if (kept < count)
        add_file_withheld(withholding);
}

Casework__Withheld *casework_event_read(const struct casework_case *one, const Hb__Actor *actor, Hb__Event *event)
{
    struct withholding withholding = {.one = one, .kind = kind_of_facts(one, event), .actor = actor};
    if (withholding.kind == one->kind && !withholds(one, actor))
        return NULL;
    withholding.withheld = TURN_NEW(one->view.turn, Casework__Withheld, casework__withheld__init);
    message_visit(&event->base, withhold, &withholding);
    withhold_files(&withholding, event);
    return withholding.withheld->n_fields ? withholding.withheld : NULL;
}
