#include "portal_form.h"

#include "policy/lookup.h"

static struct arena *arena_of(const struct form *form)
{
    return &form->request->arena;
}

/* Browsers send \r\n; what is typed on a phone often ends with a blank. */
const char *form_value(const struct form *form, const char *name)
{
    const char *given = form->sent                                  ? http_form(form->request, name)
                        : form->place && strcmp(name, "place") == 0 ? form->place
                                                                    : NULL;
    if (!given)
        return "";
    given += strspn(given, " \t\r\n");
    char *text = arena_strdup(arena_of(form), given), *to = text;
    for (const char *from = text; *from; from++)
        if (*from != '\r')
            *to++ = *from;
    while (to > text && strchr(" \t\n", to[-1]))
        to--;
    *to = 0;
    return text;
}

void form_fail(struct form *form, const char *field, const char *text)
{
    if (form_error(form, field) && *field)
        return; /* the first one counts */
    form->errors = arena_grow(arena_of(form), form->errors, form->errors_count, sizeof *form->errors);
    form->errors[form->errors_count++] = (struct form_error){field, text};
}

const char *form_error(const struct form *form, const char *field)
{
    for (size_t i = 0; i < form->errors_count; i++)
        if (strcmp(form->errors[i].field, field) == 0)
            return form->errors[i].text;
    return NULL;
}

bool form_asks(const Policy__FieldDef *def)
{
    switch (def->type) {
    case POLICY__FIELD_DEF__TYPE__PERSON: /* staff are not listed to the public */
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__PARTS: /* staff fill these in, part by part */
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
        return false;
    case POLICY__FIELD_DEF__TYPE__TEXT:
    case POLICY__FIELD_DEF__TYPE__CHOICE:
    case POLICY__FIELD_DEF__TYPE__YES_NO:
    case POLICY__FIELD_DEF__TYPE__NUMBER:
    case POLICY__FIELD_DEF__TYPE__MONEY:
    case POLICY__FIELD_DEF__TYPE__TIME:
    case POLICY__FIELD_DEF__TYPE__DURATION:
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__THING:
        return true;
    }
    return false;
}

char *form_policy_name(const struct form *form, const char *field)
{
    return arena_printf(arena_of(form), "%s.%s", form->prefix, field);
}

void form_miss(struct form *form, const char *name, const char *label, bool choice)
{
    const char *please = portal_text(form->language, choice ? TEXT_MISSING_CHOICE : TEXT_MISSING);
    form_fail(form, name, arena_printf(arena_of(form), "%s%s", please, label));
}

Hb__Personal *form_personal(const struct form *form, const char *name)
{
    const char *text = form_value(form, name);
    if (!*text)
        return NULL;
    Hb__Personal *personal = arena_alloc(arena_of(form), sizeof *personal);
    hb__personal__init(personal);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = (char *)(uintptr_t)text;
    return personal;
}

Hb__Field *form_policy_field(const struct form *form, const Policy__FieldDef *def)
{
    Hb__Personal *text = form_personal(form, form_policy_name(form, def->name));
    if (!text)
        return NULL;
    Hb__Field *field = arena_alloc(arena_of(form), sizeof *field);
    hb__field__init(field);
    field->name = def->name;
    field->content_case = HB__FIELD__CONTENT_TEXT; /* the owning service types it */
    field->text = text;
    return field;
}

/* ---- refusals ---- */

/* "fields.class", "party.phone", "text", "class": the form's own name of it; "" when this form has no such field. */
static const char *own_name(const struct form *form, const char *path, const Policy__Kind *kind)
{
    static const char *const own[][2] = {
        {"text", "text"},
        {"category", "category"},
        {"place", "place"},
        {"party.name", "name"},
        {"party.phone", "phone"},
        {"party.email", "email"},
        {"party.address", "address"},
        {"complainant_name", "name"},
        {"complainant_phone", "phone"},
        {"complainant_email", "email"},
        {"complainant_address", "address"},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(path, own[i][0]) == 0)
            return own[i][1];
    if (strncmp(path, "fields.", 7) == 0)
        path += 7;
    const Policy__FieldDef *def = kind ? policy_field(kind, path) : NULL;
    return def && form_asks(def) ? form_policy_name(form, def->name) : "";
}

static const char *choice_label(const struct form *form, const Policy__FieldDef *def, const char *name)
{
    for (size_t i = 0; def && i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, name) == 0)
            return portal_label(form->language, def->one_of[i]->label);
    return name;
}

static const char *with_accepted(const struct form *form, const Hb__Refusal *refusal, const Policy__Kind *kind)
{
    const char *path = strncmp(refusal->field, "fields.", 7) == 0 ? refusal->field + 7 : refusal->field;
    const Policy__FieldDef *def = kind ? policy_field(kind, path) : NULL;
    char *text = arena_strdup(arena_of(form), portal_label(form->language, refusal->text));
    for (size_t i = 0; i < refusal->n_accepted && i < 12; i++)
        text = arena_printf(arena_of(form), "%s%s%s", text,
                            i ? (form->language == LANGUAGE_ZH ? "、" : ", ")
                              : arena_printf(arena_of(form), "%s%s", form->language == LANGUAGE_ZH ? "。" : ". ",
                                             portal_text(form->language, TEXT_ACCEPTED)),
                            choice_label(form, def, refusal->accepted[i]));
    return text;
}

void form_refuse(struct form *form, const Hb__Refusal *refusal, const Policy__Kind *kind)
{
    for (size_t i = 0; i < refusal->n_problems; i++) {
        const Hb__Problem *problem = refusal->problems[i];
        form_fail(form, own_name(form, problem->field, kind), portal_label(form->language, problem->text));
    }
    if (refusal->n_problems == 0)
        form_fail(form, own_name(form, refusal->field, kind), with_accepted(form, refusal, kind));
}
