/* `expect: {form: {c1.acceptance: {code: WY-01, copies: [engineering, lead], number: 0001-1, holds: [phone, not
   cause]}}}`: a form of the case as it would be printed at that instant, for somebody who may see all of it. Of several
   that were issued the last, else a draft, under the number of the case. It holds the rows of its blocks: fields, blank
   ones where the form names them, and what the blocks case, party, dispatch and steps show. */
#include "rehearse_check.h"
#include "rehearse_reading.h"

#include "document/document.h"
#include "message/message.h"

/* ---- reading ---- */

static void add_item(struct reading *reading, struct scenario_line *line, const json_t *node, struct expectation form,
                     const char *item, const char *value)
{
    struct expectation one = form;
    one.line = reading_line_of(reading, node);
    one.channel = item;
    one.absent = strcmp(item, "holds") == 0 && strncmp(value, "not ", 4) == 0;
    one.value = value + (one.absent ? 4 : 0);
    expectation_add(reading, line, one);
}

/* The rows that a form of such a case can have: those of the blocks case, party, dispatch and result, the steps, and
   fields, where linked cases are shown those of any kind. */
static void row_known(struct reading *reading, const json_t *node, const Policy__Kind *kind,
                      const Policy__DocumentDef *form, const char *row)
{
    static const char *const own[] = {"number",  "kind",  "received_at", "category", "channel", "text",
                                      "name",    "phone", "email",       "address",  "lead",    "joint",
                                      "handler", "stage", "closed_at",   "period"};
    static const char *const blocks[] = {"case", "party", "dispatch", "result", "steps"};
    const Policy__Policy *policy = reading->scenario->policy;
    const char **names = NULL;
    size_t count = 0;
    bool links = false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        ADD(reading, names, count, own[i]);
    for (size_t i = 0; i < kind->n_steps; i++)
        ADD(reading, names, count, kind->steps[i]->name);
    for (size_t i = 0; i < form->n_blocks; i++)
        links = links || (!reading_among(form->blocks[i], blocks, sizeof blocks / sizeof *blocks) &&
                          !policy_field(kind, form->blocks[i]));
    for (size_t k = 0; k < policy->n_kinds; k++)
        for (size_t i = 0; (links || policy->kinds[k] == kind) && i < policy->kinds[k]->n_fields; i++)
            ADD(reading, names, count, policy->kinds[k]->fields[i]->name);
    if (!policy_field_of_fact(kind, row) && !reading_among(row, names, count))
        reading_wrong_word(reading, node, "文书没有这一行", "a form has no such row:", row, names, count);
}

static void read_form(struct reading *reading, struct scenario_line *line, json_t *map, struct expectation form,
                      const Policy__Kind *kind)
{
    const Policy__DocumentDef *def = policy_document(reading->scenario->policy, form.name);
    static const char *const keys[] = {"code", "number", "copies", "holds"};
    const char *key;
    json_t *value;
    if (!json_is_object(map) || json_object_size(map) == 0) {
        wrong(reading, map, "须为 {code: .., number: .., copies: [..], holds: [字段, not 字段]}",
              "accepted: {code: .., number: .., copies: [..], holds: [FIELD, not FIELD]}");
        return;
    }
    if (!reading_only_keys(reading, map, keys, sizeof keys / sizeof *keys))
        return;
    json_object_foreach(map, key, value) {
        size_t count;
        char **texts = reading_texts_of(reading, value, &count);
        if (strcmp(key, "holds") != 0) /* all copies, in their order */
            add_item(reading, line, value, form, arena_strdup(reading->arena, key),
                     arena_join(reading->arena, (const char *const *)texts, count, " "));
        for (size_t i = 0; i < count && strcmp(key, "holds") == 0; i++) {
            row_known(reading, value, kind, def, texts[i] + (strncmp(texts[i], "not ", 4) == 0 ? 4 : 0));
            add_item(reading, line, value, form, "holds", texts[i]);
        }
    }
}

void reading_forms(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const Policy__Policy *policy = reading->scenario->policy;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation form = expectation_new(reading, EXPECT_FORM, value);
        form.case_name = reading_split(reading, arena_strdup(reading->arena, key), &form.name);
        const struct known_case *known = reading_case_of(reading, value, form.case_name);
        if (!policy_document(policy, form.name))
            reading_wrong_word(reading, value, "制度中没有文书", "the policy has no document", form.name,
                               NAMES(reading, policy->documents, policy->n_documents), policy->n_documents);
        else if (known)
            read_form(reading, line, value, form, known->kind);
    }
}

/* ---- the form ---- */

static void take_case(struct world *world, struct document_case *one)
{
    ProtobufCMessage *party;
    char *why;
    one->file = (Casework__CaseFile *)(uintptr_t)world_file(world, one->id, NULL);
    one->policy = world->scenario->policy;
    if (one->file && one->file->party.len &&
        !message_unpack(&intake__party__descriptor, bytes_of(one->file->party.data, one->file->party.len),
                        &world->arena, &party, &why))
        one->party = (Intake__Party *)party;
}

static void take_links(struct world *world, struct document *document)
{
    const Casework__CaseFile *file = document->cases[0].file;
    for (size_t i = 0; i < file->n_links && document->cases_count <= DOCUMENT_LINKS_MAX; i++)
        for (size_t b = 0; b < document->form->n_blocks; b++)
            if (strcmp(document->form->blocks[b], file->links[i]->name) == 0) {
                struct document_case *one = &document->cases[document->cases_count++];
                *one = (struct document_case){.id = file->links[i]->case_id, .link = file->links[i]->name};
                take_case(world, one);
                if (!one->file) /* of another site, say: nothing to show */
                    document->cases_count--;
                break;
            }
}

static void take_events(struct world *world, struct document *document)
{
    timeline_take(world);
    for (size_t i = 0; i < world->entries_count; i++)
        if (world->entries[i].event->case_id == document->cases[0].id)
            WORLD_ADD(world, document->events, document->events_count, &world->entries[i].event->base);
}

/* NULL: there is no such case. Without an organisation departments and people stand under their names in the policy. */
static json_t *form_of(struct world *world, const struct expectation *expectation)
{
    struct document *document = arena_zero(&world->arena, sizeof *document);
    document->name = expectation->name;
    document->form = policy_document(world->scenario->policy, expectation->name);
    document->organisation = WORLD_NEW(world, Directory__Organisation, directory__organisation__init);
    document->zone = world->scenario->zone;
    document->cases[0] = (struct document_case){.id = world_case(world, expectation->case_name), .link = ""};
    document->cases_count = 1;
    if (document->cases[0].id)
        take_case(world, &document->cases[0]);
    const Casework__CaseFile *file = document->cases[0].file;
    if (!file)
        return NULL;
    for (size_t i = 0; i < file->n_documents; i++)
        if (strcmp(file->documents[i]->document, document->name) == 0)
            document->issued = file->documents[i];
    take_links(world, document);
    take_events(world, document);
    return document_data(document, &world->arena);
}

/* ---- comparing ---- */

static const char *rows_of(struct world *world, const json_t *form)
{
    const json_t *block, *row;
    size_t b, r, count = 0;
    const char **names = NULL;
    json_array_foreach(json_object_get(form, "blocks"), b, block)
        json_array_foreach(json_object_get(block, "rows"), r, row)
            WORLD_ADD(world, names, count, world_copy(world, json_string_value(json_object_get(row, "name"))));
    return arena_join(&world->arena, names, count, " ");
}

static const char *copies_of(struct world *world, const json_t *form)
{
    const json_t *copy;
    size_t i, count = 0;
    const char **names = NULL;
    json_array_foreach(json_object_get(form, "copies"), i, copy)
        WORLD_ADD(world, names, count, world_copy(world, json_string_value(json_object_get(copy, "en"))));
    return arena_join(&world->arena, names, count, " ");
}

bool check_form(struct world *world, const struct expectation *expectation, struct difference *out)
{
    const char *item = expectation->channel;
    bool holds = strcmp(item, "holds") == 0, copies = strcmp(item, "copies") == 0;
    json_t *form = form_of(world, expectation);
    if (!form)
        return check_differs_from(world, expectation, "not there", out);
    const char *now = holds    ? rows_of(world, form)
                      : copies ? copies_of(world, form)
                               : world_copy(world, json_string_value(json_object_get(form, item)));
    bool good =
        holds ? check_among(now, expectation->value) != expectation->absent : strcmp(now, expectation->value) == 0;
    json_decref(form);
    return good || check_differs_from(world, expectation, now, out);
}
