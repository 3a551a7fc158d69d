#include "document/document.h"

#include "policy/lookup.h"
#include "json/json.h"

#include <inttypes.h>

struct filling {
    struct arena *arena;
    const struct document *document;
    const struct document_case *one; /* at hand */
    const Policy__Kind *kind;        /* its kind; NULL: unknown */
    json_t *rows;
};

/* ---- labels ---- */

static json_t *pair(const char *zh, const char *en)
{
    return json_pack("{s:s, s:s}", "zh", zh, "en", en);
}

static json_t *label_or(const Hb__Label *label, const char *name)
{
    return label && *label->zh ? pair(label->zh, label->en) : pair(name, name);
}

static json_t *person_label(const struct filling *filling, const char *person)
{
    const Directory__Organisation *all = filling->document->organisation;
    for (size_t i = 0; i < all->n_people; i++)
        if (strcmp(all->people[i]->id, person) == 0)
            return pair(all->people[i]->name, all->people[i]->name);
    return pair(person, person);
}

static json_t *department_label(const struct filling *filling, const char *department)
{
    const Directory__Organisation *all = filling->document->organisation;
    for (size_t i = 0; i < all->n_departments; i++)
        if (strcmp(all->departments[i]->id, department) == 0)
            return label_or(all->departments[i]->name, department);
    return pair(department, department);
}

static json_t *category_label(const struct filling *filling, const char *category)
{
    const Policy__Policy *policy = filling->one->policy;
    for (size_t i = 0; policy && i < policy->n_categories; i++)
        if (strcmp(policy->categories[i]->name, category) == 0)
            return label_or(policy->categories[i]->label, category);
    return pair(category, category);
}

/* ---- rows ---- */

/* Takes the references. `value`: a pair or a plain text. */
static void add_row(struct filling *filling, const char *name, json_t *label, json_t *value)
{
    json_array_append_new(filling->rows, json_pack("{s:s, s:o, s:o}", "name", name, "label", label, "value", value));
}

static json_t *time_value(const struct filling *filling, int64_t ms)
{
    return json_string(json_time_text(filling->document->zone, ms, filling->arena));
}

static void add_text(struct filling *filling, const char *name, json_t *label, const Hb__Personal *text)
{
    bool open = text->kind_case == HB__PERSONAL__KIND_PLAIN;
    json_t *row = json_pack("{s:s, s:o, s:s}", "name", name, "label", label, "value", open ? text->plain : "");
    if (!open)
        json_object_set_new(row, "sealed", json_true());
    json_array_append_new(filling->rows, row);
}

static json_t *choice_value(const Policy__FieldDef *def, const char *text)
{
    for (size_t i = 0; i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, text) == 0)
            return label_or(def->one_of[i]->label, text);
    return pair(text, text);
}

static json_t *text_value(const struct filling *filling, const Policy__FieldDef *def, const char *text)
{
    switch (def->type) {
    case POLICY__FIELD_DEF__TYPE__PERSON:
        return person_label(filling, text);
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
        return department_label(filling, text);
    case POLICY__FIELD_DEF__TYPE__CHOICE:
        return choice_value(def, text);
    case POLICY__FIELD_DEF__TYPE__TEXT:
    case POLICY__FIELD_DEF__TYPE__YES_NO:
    case POLICY__FIELD_DEF__TYPE__NUMBER:
    case POLICY__FIELD_DEF__TYPE__MONEY:
    case POLICY__FIELD_DEF__TYPE__TIME:
    case POLICY__FIELD_DEF__TYPE__DURATION:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__PARTS:
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
    case POLICY__FIELD_DEF__TYPE__THING:
        break;
    }
    return json_string(text);
}

static json_t *value_json(const struct filling *filling, const Policy__FieldDef *def, const Hb__Value *value)
{
    struct arena *arena = filling->arena;
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return text_value(filling, def, value->text);
    case HB__VALUE__KIND_NUMBER:
        return json_string(arena_printf(arena, "%" PRId64, value->number));
    case HB__VALUE__KIND_YES:
        return value->yes ? pair("是", "yes") : pair("否", "no");
    case HB__VALUE__KIND_TIME_MS:
        return time_value(filling, value->time_ms);
    case HB__VALUE__KIND_DURATION_MS:
        return json_string(arena_printf(arena, "%" PRId64 " min", value->duration_ms / 60000));
    case HB__VALUE__KIND_MONEY_FEN:
        return json_string(
            arena_printf(arena, "%" PRId64 ".%02d", value->money_fen / 100, (int)(value->money_fen % 100)));
    case HB__VALUE__KIND_TEXTS:
        return json_string(arena_join(arena, (const char *const *)value->texts->text, value->texts->n_text, ", "));
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return json_string("");
}

static const Hb__Value *fact_of(const Casework__CaseFile *file, const char *name)
{
    for (size_t i = 0; i < file->n_facts; i++)
        if (strcmp(file->facts[i]->name, name) == 0)
            return file->facts[i]->value;
    return NULL;
}

static const Hb__Personal *text_of(const Casework__CaseFile *file, const char *name)
{
    for (size_t i = 0; i < file->n_texts; i++)
        if (strcmp(file->texts[i]->name, name) == 0 && file->texts[i]->content_case == HB__FIELD__CONTENT_TEXT)
            return file->texts[i]->text;
    return NULL;
}

static bool is_withheld(const Casework__CaseFile *file, const char *name)
{
    for (size_t i = 0; i < file->n_withheld; i++)
        if (strcmp(file->withheld[i], name) == 0)
            return true;
    return false;
}

static void add_unshown(struct filling *filling, const char *name, json_t *label)
{
    json_array_append_new(
        filling->rows, json_pack("{s:s, s:o, s:s, s:b}", "name", name, "label", label, "value", "", "withheld", true));
}

const Hb__Letter *document_letter(const struct document *document)
{
    return document->issued && *document->form->of ? document->issued->letter : NULL;
}

/* The text as it was issued. */
static void add_letter(struct filling *filling, const Hb__Letter *letter)
{
    const Hb__Field *text = letter->text;
    json_t *label = label_or(letter->label, letter->document);
    if (text && text->content_case == HB__FIELD__CONTENT_TEXT)
        add_text(filling, text->name, label, text->text);
    else
        add_unshown(filling, filling->document->form->of, label);
}

/* `name`: of the fact. A blank field of the form stays on it, to be filled in by hand; `filled_only` leaves it out.
   Takes the reference. */
static void add_fact(struct filling *filling, const Policy__FieldDef *def, const char *name, json_t *label,
                     bool filled_only)
{
    const Hb__Personal *text = text_of(filling->one->file, name);
    const Hb__Value *value = fact_of(filling->one->file, name);
    if (is_withheld(filling->one->file, name))
        add_unshown(filling, name, label);
    else if (text)
        add_text(filling, name, label, text);
    else if (value)
        add_row(filling, name, label, value_json(filling, def, value));
    else if (!filled_only)
        add_row(filling, name, label, json_string(""));
    else
        json_decref(label);
}

static const char *part_name(const Policy__FieldDef *part, const Policy__FieldDef *of)
{
    size_t size = strlen(of->name);
    return strncmp(part->name, of->name, size) == 0 && part->name[size] == '.' ? part->name + size + 1 : NULL;
}

/* What was entered part by part: each filled field of each part a row, "1 Owner". */
static void add_parts(struct filling *filling, const Policy__FieldDef *def)
{
    const Hb__Value *count = fact_of(filling->one->file, def->name);
    int64_t parts = count && count->kind_case == HB__VALUE__KIND_NUMBER ? count->number : 0;
    for (int64_t n = 1; n <= parts; n++)
        for (size_t i = 0; i < filling->kind->n_fields; i++) {
            const Policy__FieldDef *part = filling->kind->fields[i];
            const char *name = part_name(part, def);
            if (!name)
                continue;
            json_t *label = part->label ? pair(arena_printf(filling->arena, "%" PRId64 " %s", n, part->label->zh),
                                               arena_printf(filling->arena, "%" PRId64 " %s", n, part->label->en))
                                        : pair(name, name);
            add_fact(filling, part, arena_printf(filling->arena, "%s.%" PRId64 ".%s", def->name, n, name), label, true);
        }
}

static void add_field(struct filling *filling, const Policy__FieldDef *def, bool filled_only)
{
    add_fact(filling, def, def->name, label_or(def->label, def->name), filled_only);
    if (def->type == POLICY__FIELD_DEF__TYPE__PARTS)
        add_parts(filling, def);
}

/* ---- blocks ---- */

static const char *fact_text(const Casework__CaseFile *file, const char *name)
{
    const Hb__Value *value = fact_of(file, name);
    return value && value->kind_case == HB__VALUE__KIND_TEXT ? value->text : "";
}

static void case_block(struct filling *filling)
{
    const Casework__CaseFile *file = filling->one->file;
    add_row(filling, "number", pair("编号", "Number"), json_string(file->number));
    add_row(filling, "kind", pair("事项", "Kind"), label_or(filling->kind ? filling->kind->label : NULL, file->kind));
    add_row(filling, "received_at", pair("接收时间", "Received"), time_value(filling, file->received_ms));
    add_row(filling, "category", pair("类别", "Category"), category_label(filling, fact_text(file, "category")));
    const Policy__FieldDef *channel = filling->kind ? policy_field(filling->kind, "channel") : NULL;
    const char *by = fact_text(file, "channel");
    add_row(filling, "channel", pair("渠道", "Channel"), channel ? choice_value(channel, by) : json_string(by));
    if (file->text)
        add_text(filling, "text", pair("内容", "Content"), file->text);
}

static void party_block(struct filling *filling)
{
    const Intake__Party *party = filling->one->party;
    if (!party || party->anonymous) {
        add_row(filling, "name", pair("姓名", "Name"), party ? pair("匿名", "anonymous") : json_string(""));
        return;
    }
    const struct {
        const char *name, *zh, *en;
        const Hb__Personal *text;
    } fields[] = {{"name", "姓名", "Name", party->name},
                  {"phone", "电话", "Telephone", party->phone},
                  {"email", "电子邮件", "E-mail", party->email},
                  {"address", "地址", "Address", party->address}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].text)
            add_text(filling, fields[i].name, pair(fields[i].zh, fields[i].en), fields[i].text);
        else
            add_row(filling, fields[i].name, pair(fields[i].zh, fields[i].en), json_string(""));
}

static void dispatch_block(struct filling *filling)
{
    const Casework__CaseFile *file = filling->one->file;
    add_row(filling, "lead", pair("责任部门", "Department"), department_label(filling, file->lead));
    for (size_t i = 0; i < file->n_joint; i++)
        add_row(filling, "joint", pair("协办部门", "Joint department"), department_label(filling, file->joint[i]));
    add_row(filling, "handler", pair("经办人", "Handler"), person_label(filling, file->handler));
    const Policy__Stage *stage = filling->kind ? policy_stage(filling->kind, file->stage) : NULL;
    add_row(filling, "stage", pair("阶段", "Stage"), label_or(stage ? stage->label : NULL, file->stage));
}

/* All that was filled in on the way. */
static void result_block(struct filling *filling)
{
    for (size_t i = 0; filling->kind && i < filling->kind->n_fields; i++) {
        const char *name = filling->kind->fields[i]->name;
        if (strcmp(name, "channel") != 0 && strcmp(name, "category") != 0)
            add_field(filling, filling->kind->fields[i], true);
    }
    if (filling->one->file->closed_ms)
        add_row(filling, "closed_at", pair("办结时间", "Closed"), time_value(filling, filling->one->file->closed_ms));
}

static void steps_block(struct filling *filling)
{
    for (size_t i = 0; i < filling->document->events_count; i++) {
        const Hb__Event *event = (const Hb__Event *)filling->document->events[i];
        if (event->payload_case != HB__EVENT__PAYLOAD_CASEWORK ||
            event->casework->kind_case != CASEWORK__EVENT__KIND_STEP_TAKEN)
            continue;
        const char *name = event->casework->step_taken->step;
        const Policy__Step *step = filling->kind ? policy_step(filling->kind, name) : NULL;
        const char *person = event->actor ? event->actor->person : "";
        json_t *who = *person                                     ? person_label(filling, person)
                      : event->actor && event->actor->complainant ? pair("投诉人", "complainant")
                                                                  : pair("系统", "system");
        const char *at = json_time_text(filling->document->zone, event->occurred_ms, filling->arena);
        json_array_append_new(filling->rows,
                              json_pack("{s:s, s:o, s:o, s:s}", "name", name, "label",
                                        label_or(step ? step->label : NULL, name), "value", who, "at", at));
    }
}

static void one_field(struct filling *filling, const char *name)
{
    const Policy__FieldDef *def = filling->kind ? policy_field(filling->kind, name) : NULL;
    if (!def)
        return;
    add_field(filling, def, false);
    for (size_t i = 0; def->type == POLICY__FIELD_DEF__TYPE__CHECKLIST && i < filling->kind->n_fields; i++)
        if (part_name(filling->kind->fields[i], def))
            add_field(filling, filling->kind->fields[i], false);
}

/* Of which period the schedule that opened the case has it. */
static void period_block(struct filling *filling)
{
    add_row(filling, "period", pair("期间", "Period"), json_string(fact_text(filling->one->file, "period")));
}

/* ---- the whole form ---- */

static void stand_at(struct filling *filling, const struct document_case *one)
{
    filling->one = one;
    filling->kind = one->policy ? policy_kind(one->policy, one->file->kind) : NULL;
}

static void add_block(struct filling *filling, json_t *blocks, const char *name, json_t *title)
{
    json_array_append_new(blocks, json_pack("{s:s, s:o, s:O}", "name", name, "title", title, "rows", filling->rows));
}

/* A case linked under that name, each a block of its own. */
static void linked_blocks(struct filling *filling, json_t *blocks, const char *link)
{
    for (size_t i = 1; i < filling->document->cases_count; i++) {
        if (strcmp(filling->document->cases[i].link, link) != 0)
            continue;
        stand_at(filling, &filling->document->cases[i]);
        filling->rows = json_array();
        const Casework__CaseFile *file = filling->one->file;
        add_row(filling, "number", pair("编号", "Number"), json_string(file->number));
        add_row(filling, "received_at", pair("接收时间", "Received"), time_value(filling, file->received_ms));
        add_row(filling, "category", pair("类别", "Category"), category_label(filling, fact_text(file, "category")));
        dispatch_block(filling);
        result_block(filling);
        add_block(filling, blocks, link, label_or(filling->kind ? filling->kind->label : NULL, link));
        json_decref(filling->rows);
    }
    stand_at(filling, &filling->document->cases[0]);
}

/* More are linked than a form shows: it says so. */
static void left_out_block(struct filling *filling, json_t *blocks)
{
    filling->rows = json_array();
    add_row(filling, "left_out", pair("未列出的关联事项", "Linked cases not shown"),
            json_string(arena_printf(filling->arena, "%zu", filling->document->left_out)));
    add_block(filling, blocks, "left_out", pair("", ""));
    json_decref(filling->rows);
}

static void block(struct filling *filling, json_t *blocks, const char *name)
{
    static const struct {
        const char *name, *zh, *en;
        void (*fill)(struct filling *filling);
    } known[] = {{"case", "登记", "Registration", case_block},     {"party", "反映人", "Complainant", party_block},
                 {"dispatch", "派办", "Dispatch", dispatch_block}, {"result", "办理", "Handling", result_block},
                 {"steps", "经过", "History", steps_block},        {"period", "", "", period_block}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) {
            filling->rows = json_array();
            known[i].fill(filling);
            add_block(filling, blocks, name, pair(known[i].zh, known[i].en));
            json_decref(filling->rows);
            return;
        }
    if (!filling->kind || !policy_field(filling->kind, name)) {
        linked_blocks(filling, blocks, name);
        return;
    }
    filling->rows = json_array();
    if (document_letter(filling->document))
        add_letter(filling, document_letter(filling->document));
    else
        one_field(filling, name);
    add_block(filling, blocks, name, pair("", ""));
    json_decref(filling->rows);
}

static json_t *texts(char *const *list, size_t count)
{
    json_t *json = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(json, json_string(list[i]));
    return json;
}

json_t *document_data(const struct document *document, struct arena *arena)
{
    struct filling filling = {.arena = arena, .document = document};
    const Policy__DocumentDef *form = document->form;
    json_t *blocks = json_array(), *copies = json_array();
    stand_at(&filling, &document->cases[0]);
    for (size_t i = 0; i < form->n_blocks; i++)
        block(&filling, blocks, form->blocks[i]);
    if (document->left_out)
        left_out_block(&filling, blocks);
    for (size_t i = 0; i < form->n_copies; i++) {
        bool lead = strcmp(form->copies[i], "lead") == 0;
        json_array_append_new(copies,
                              department_label(&filling, lead ? document->cases[0].file->lead : form->copies[i]));
    }
    json_t *data = json_pack("{s:s, s:o, s:s, s:s, s:s, s:i, s:b, s:b, s:o, s:o, s:o}", "document", form->name, "name",
                             label_or(form->label, form->name), "code", form->code, "class", form->class_, "number",
                             document->issued ? document->issued->number : document->cases[0].file->number, "version",
                             (int)document->version, "draft", !document->issued, "letter", *form->of != 0, "copies",
                             copies, "clauses", texts(form->clauses, form->n_clauses), "blocks", blocks);
    if (document->issued)
        json_object_set_new(data, "issued_at", time_value(&filling, document->issued->at_ms));
    if (document->masked)
        json_object_set_new(data, "masked", json_true());
    return data;
}
