/* What forms are made of, after the patterns of GOV.UK: a label for every input, hints and errors bound to it, all that
   is wrong on top with links. */
#include "page.h"

#define RADIOS_MAX 12u

static struct arena *arena_of(const struct page *page)
{
    return page->html.arena;
}

/* ---- errors ---- */

/* The id of the element to go to: the input itself, the first choice of several. */
static void error_link(struct page *page, const struct form_error *error)
{
    if (*error->field)
        html_add(&page->html, "<li><a href=\"#%s\">%s</a></li>", error->field, error->text);
    else
        html_add(&page->html, "<li>%s</li>", error->text);
}

void page_errors(struct page *page, const struct form *form)
{
    if (form->errors_count == 0)
        return;
    html_add(&page->html,
             "<div class=\"summary\" role=\"alert\" tabindex=\"-1\" aria-labelledby=\"summary\">"
             "<h2 id=\"summary\">%s</h2><ul>",
             page_text(page, TEXT_PROBLEM));
    for (size_t i = 0; i < form->errors_count; i++)
        error_link(page, &form->errors[i]);
    html_add(&page->html, "</ul></div>\n");
}

/* ---- one input ---- */

static void hint_and_error(struct page *page, const struct page_field *field, const char *error)
{
    if (field->hint)
        html_add(&page->html, "<span class=\"hint\" id=\"%s-hint\">%s</span>", field->name, field->hint);
    if (error)
        html_add(&page->html, "<span class=\"error\" id=\"%s-error\">%s</span>", field->name, error);
}

static void described_by(struct page *page, const struct page_field *field, const char *error)
{
    if (field->hint || error)
        html_add(&page->html, " aria-describedby=\"%s%s%s%s%s\"", field->hint ? field->name : "",
                 field->hint ? "-hint" : "", field->hint && error ? " " : "", error ? field->name : "",
                 error ? "-error" : "");
    if (error)
        html_add(&page->html, " aria-invalid=\"true\"");
}

static void label(struct page *page, const struct page_field *field)
{
    html_add(&page->html, "%s", field->label);
    if (field->optional)
        html_add(&page->html, " <span class=\"optional\">%s</span>", page_text(page, TEXT_OPTIONAL));
}

static const char *begin_field(struct page *page, const struct form *form, const struct page_field *field)
{
    const char *error = form_error(form, field->name);
    html_add(&page->html, "<div class=\"field%s\"><label for=\"%s\">", error ? " wrong" : "", field->name);
    label(page, field);
    html_add(&page->html, "</label>");
    hint_and_error(page, field, error);
    return error;
}

void page_input(struct page *page, const struct form *form, const struct page_field *field, const char *attributes)
{
    const char *error = begin_field(page, form, field);
    html_add(&page->html, "<input id=\"%s\" name=\"%s\" value=\"%s\"", field->name, field->name,
             form_value(form, field->name));
    described_by(page, field, error);
    html_source(&page->html, " ");
    html_source(&page->html, attributes);
    html_source(&page->html, "></div>\n");
}

void page_area(struct page *page, const struct form *form, const struct page_field *field, size_t characters_max)
{
    const char *error = begin_field(page, form, field);
    html_add(&page->html, "<textarea id=\"%s\" name=\"%s\" rows=\"6\" maxlength=\"%zu\"", field->name, field->name,
             characters_max);
    described_by(page, field, error);
    html_add(&page->html, ">\n%s</textarea></div>\n",
             form_value(form, field->name)); /* the first line end is not content */
}

/* ---- choices ---- */

/* The first choice bears the field's own name as its id: that is where the summary leads. */
static void radio(struct page *page, const struct form *form, const struct page_field *field,
                  const struct page_choice *choice, size_t at)
{
    bool chosen = strcmp(form_value(form, field->name), choice->value) == 0;
    const char *id = at ? arena_printf(arena_of(page), "%s-%zu", field->name, at) : field->name;
    html_add(&page->html,
             "<div class=\"option\"><input type=\"radio\" id=\"%s\" name=\"%s\" value=\"%s\"%s>"
             "<label for=\"%s\">%s</label></div>",
             id, field->name, choice->value, chosen ? " checked" : "", id, choice->label);
}

static void radios(struct page *page, const struct form *form, const struct page_field *field,
                   const struct page_choice *choices, size_t count)
{
    const char *error = form_error(form, field->name);
    html_add(&page->html, "<fieldset class=\"%s\"", error ? "wrong" : "");
    described_by(page, field, error);
    html_add(&page->html, "><legend>");
    label(page, field);
    html_add(&page->html, "</legend>");
    hint_and_error(page, field, error);
    html_add(&page->html, "<div class=\"options%s\">", count > 3 ? " grid" : "");
    for (size_t i = 0; i < count; i++)
        radio(page, form, field, &choices[i], i);
    html_add(&page->html, "</div></fieldset>\n");
}

void page_choices(struct page *page, const struct form *form, const struct page_field *field,
                  const struct page_choice *choices, size_t count)
{
    if (count <= RADIOS_MAX && !field->optional) { /* a radio button cannot be taken back */
        radios(page, form, field, choices, count);
        return;
    }
    const char *error = begin_field(page, form, field), *value = form_value(form, field->name);
    html_add(&page->html, "<select id=\"%s\" name=\"%s\"", field->name, field->name);
    described_by(page, field, error);
    html_add(&page->html, "><option value=\"\">%s</option>", page_text(page, TEXT_CHOOSE));
    for (size_t i = 0; i < count; i++)
        html_add(&page->html, "<option value=\"%s\"%s>%s</option>", choices[i].value,
                 strcmp(value, choices[i].value) == 0 ? " selected" : "", choices[i].label);
    html_add(&page->html, "</select></div>\n");
}

/* ---- fields of the policy ---- */

static void policy_choices(struct page *page, const struct form *form, struct page_field *field,
                           const Policy__FieldDef *def)
{
    struct page_choice *choices = arena_alloc(arena_of(page), (def->n_one_of + 1) * sizeof *choices);
    for (size_t i = 0; i < def->n_one_of; i++)
        choices[i] = (struct page_choice){def->one_of[i]->name, portal_label(page->language, def->one_of[i]->label)};
    page_choices(page, form, field, choices, def->n_one_of);
}

void page_policy_field(struct page *page, const struct form *form, const Policy__FieldDef *def, bool optional,
                       const struct page_choice *departments, size_t departments_count)
{
    struct page_field field = {.name = form_policy_name(form, def->name),
                               .label = portal_label(page->language, def->label),
                               .optional = optional};
    struct page_choice yes_no[] = {{"yes", page_text(page, TEXT_YES)}, {"no", page_text(page, TEXT_NO)}};
    switch (def->type) {
    case POLICY__FIELD_DEF__TYPE__TEXT:
        page_area(page, form, &field, 20000);
        return;
    case POLICY__FIELD_DEF__TYPE__CHOICE:
        policy_choices(page, form, &field, def);
        return;
    case POLICY__FIELD_DEF__TYPE__YES_NO:
        page_choices(page, form, &field, yes_no, 2);
        return;
    case POLICY__FIELD_DEF__TYPE__NUMBER:
        field.hint = page_text(page, TEXT_NUMBER_HINT);
        page_input(page, form, &field, "type=\"text\" inputmode=\"numeric\" maxlength=\"18\"");
        return;
    case POLICY__FIELD_DEF__TYPE__MONEY:
        field.hint = page_text(page, TEXT_MONEY_HINT);
        page_input(page, form, &field, "type=\"text\" inputmode=\"decimal\" maxlength=\"18\"");
        return;
    case POLICY__FIELD_DEF__TYPE__TIME:
        field.hint = page_text(page, TEXT_TIME_HINT);
        page_input(page, form, &field, "type=\"datetime-local\"");
        return;
    case POLICY__FIELD_DEF__TYPE__DURATION:
        field.hint = page_text(page, TEXT_DURATION_HINT);
        page_input(page, form, &field, "type=\"text\" maxlength=\"20\"");
        return;
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
        page_choices(page, form, &field, departments, departments_count);
        return;
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__THING:
        if (def->open_text) {
            page_area(page, form, &field, 1000);
            return;
        }
        page_input(page, form, &field, "type=\"text\" maxlength=\"66\""); /* 200 bytes */
        return;
    case POLICY__FIELD_DEF__TYPE__PERSON:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__PARTS:
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
        return; /* form_asks */
    }
}
