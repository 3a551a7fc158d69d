/* The door: is it a step of this case's kind, are its fields of that step, of their types and within the limits? All on
   committed state, before the texts are sealed; decide asks again what may have changed since. Whoever may not know of
   the case is refused here, before anything of it is said and before the time that sealing takes. */
#include "casework.h"
#include "organisation/fields.h"

const Policy__Step *casework_find_step(struct turn *turn, const struct casework_case *one, const Casework__Act *act)
{
    const Policy__Step *step =
        casework_extends(act) ? casework_extend_step(one, act) : policy_step(one->kind, act->step);
    if (step && step->n_from)
        return step;
    Hb__Refusal *refusal = turn_refuse(turn, 404, "unknown_step", "没有这个步骤", "there is no such step");
    for (size_t i = 0; i < one->kind->n_steps; i++)
        if (policy_step_from(one->kind->steps[i], one->record->stage))
            refusal_next(turn, refusal, one->kind->steps[i]->name);
    return NULL;
}

static Hb__Refusal *bad_field(struct turn *turn, const char *path, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", zh, en);
    refusal_field(turn, refusal, path);
    return refusal;
}

static void refuse_field(struct turn *turn, const struct casework_case *one, const Policy__Step *step, const char *path)
{
    Hb__Refusal *refusal = bad_field(turn, path, "该步骤没有此字段", "this step takes no such field");
    for (size_t i = 0; i < step->n_fields; i++)
        refusal_accepts(turn, refusal, step->fields[i]);
    for (size_t i = 0; i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD)
            refusal_accepts(turn, refusal, step->needs[i]->name);
    for (size_t i = 0; i < one->kind->n_fields; i++)
        if (policy_field_asked_at(one->kind->fields[i], step))
            refusal_accepts(turn, refusal, one->kind->fields[i]->name);
}

/* Texts come plain and are sealed under the keys of this case; a box of elsewhere would open under another name. */
static void check_text(struct turn *turn, const char *path, const Hb__Personal *text)
{
    if (!text)
        return;
    switch (text->kind_case) {
    case HB__PERSONAL__KIND_PLAIN:
        if (strlen(text->plain) > CASEWORK_TEXT_BYTES_MAX)
            refusal_field(
                turn, turn_refuse(turn, 413, "too_large", "文字最长 20,000 个字符", "at most 20,000 characters"), path);
        return;
    case HB__PERSONAL__KIND_SEALED:
        bad_field(turn, path, "须为明文，由登记服务密封", "give the plain text; intake seals it");
        return;
    case HB__PERSONAL__KIND__NOT_SET:
        return;
    }
}

static void type_one(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                     const Hb__Command *command, Hb__Field *field)
{
    const Hb__Personal *note = command->casework->act->note;
    const Policy__FieldDef *def = casework_field(one, step, field->name);
    char *path = arena_printf(turn_arena(turn), "fields.%s", field->name);
    if (!def || def->figure || !policy_step_takes(one->kind, step, field->name)) {
        refuse_field(turn, one, step, path);
        return;
    }
    if (field->content_case == HB__FIELD__CONTENT_TEXT)
        check_text(turn, path, field->text);
    if (!turn_refused(turn))
        field_type(turn, one->record->site, def, field, path);
    if (!turn_refused(turn) && def->type == POLICY__FIELD_DEF__TYPE__FILE)
        casework_check_file(turn, one, field, path);
    if (!turn_refused(turn))
        field_check_phrases(turn, one->record->site, def, field, path, &one->facts, command->actor,
                            note && note->kind_case == HB__PERSONAL__KIND_PLAIN && *note->plain);
}

/* Each text may be long, but not all of them at once; and a field has one value. */
static void check_size(struct turn *turn, const Casework__Act *act)
{
    if (act->n_fields > CASEWORK_FIELDS_MAX)
        refusal_field(turn, turn_refuse(turn, 413, "too_large", "字段最多 64 个", "at most 64 fields"), "fields");
    else if (casework__act__get_packed_size(act) > CASEWORK_ACT_BYTES_MAX)
        turn_refuse(turn, 413, "too_large", "一次办理的内容合计最多 96 KiB", "one action has at most 96 KiB in all");
    for (size_t i = 0; i < act->n_fields && !turn_refused(turn); i++)
        for (size_t k = 0; k < i && !turn_refused(turn); k++)
            if (strcmp(act->fields[i]->name, act->fields[k]->name) == 0)
                bad_field(turn, arena_printf(turn_arena(turn), "fields.%s", act->fields[i]->name), "同一字段给了两次",
                          "this field is given twice");
}

void casework_prepare(struct turn *turn, Hb__Command *command)
{
    struct casework_case one;
    if (command->payload_case == HB__COMMAND__PAYLOAD_CASEWORK &&
        command->casework->kind_case == CASEWORK__COMMAND__KIND_MOVE)
        return; /* nothing to type */
    bool attach = command->payload_case == HB__COMMAND__PAYLOAD_CASEWORK &&
                  command->casework->kind_case == CASEWORK__COMMAND__KIND_ATTACH;
    if (!attach && (command->payload_case != HB__COMMAND__PAYLOAD_CASEWORK ||
                    command->casework->kind_case != CASEWORK__COMMAND__KIND_ACT)) {
        turn_refuse(turn, 400, "not_understood", "该服务不接受此命令", "this service does not take that command");
        return;
    }
    if (!casework_open_for(turn, command->case_id, command->actor, &one) ||
        (attach ? !casework_account_may(&one, command->actor, true)
                : (casework_acting(&one, command->actor, command->casework->act), turn_refused(turn))))
        return;
    if (attach) {
        casework_prepare_attach(turn, command->casework->attach);
        return;
    }
    Casework__Act *act = command->casework->act;
    check_size(turn, act);
    check_text(turn, "note", act->note);
    const Policy__Step *step = turn_refused(turn) ? NULL : casework_find_step(turn, &one, act);
    for (size_t i = 0; step && i < act->n_fields && !turn_refused(turn); i++)
        type_one(turn, &one, step, command, act->fields[i]);
    for (size_t i = 0; step && i < act->n_fields && !turn_refused(turn); i++)
        field_part_follows(turn, &one.facts, act->fields, act->n_fields, act->fields[i]->name,
                           arena_printf(turn_arena(turn), "fields.%s", act->fields[i]->name));
}

uint64_t casework_seal_key(struct turn *turn, const Hb__Command *command, bool identity)
{
    const Caserec__Case *record = casework_load(turn, command->case_id);
    return !record ? 0 : identity ? record->identity_key : record->content_key;
}
