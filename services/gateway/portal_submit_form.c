/* From the policy to the form, and from the form to the submission. */
#include "portal_submit.h"

#include "policy/condition.h"
#include "policy/lookup.h"

/* ---- what the policy asks ---- */

bool submit_open(const Policy__Kind *kind, const char *channel)
{
    return kind->public_ && policy_takes_channel(kind, channel);
}

const Policy__Kind **submit_kinds(struct visit *visit, size_t *count_out)
{
    const Policy__Policy *policy = visit->policy;
    size_t most = policy ? policy->n_kinds : 0;
    const Policy__Kind **kinds = arena_alloc(visit_arena(visit), (most + 1) * sizeof *kinds);
    *count_out = 0;
    for (size_t i = 0; i < most; i++)
        if (submit_open(policy->kinds[i], "web"))
            kinds[(*count_out)++] = policy->kinds[i];
    return kinds;
}

bool submit_needed(const Policy__FieldDef *def)
{
    switch (def->needed) {
    case POLICY__FIELD_DEF__NEEDED__ALWAYS:
        return true;
    case POLICY__FIELD_DEF__NEEDED__AT_STEP:
        return strcmp(def->needed_at, "register") == 0;
    case POLICY__FIELD_DEF__NEEDED__NO:
    case POLICY__FIELD_DEF__NEEDED__WHEN: /* only the service can tell; it says so when it is missing */
        return false;
    }
    return false;
}

static bool needs(const Policy__Kind *kind, const char *field)
{
    const Policy__FieldDef *def = policy_field(kind, field);
    return def && submit_needed(def);
}

/* The form's own fields have a place of their own, under whichever name the policy speaks of them. */
bool submit_asks(const Policy__FieldDef *def)
{
    static const char *const own[] = {"text",
                                      "category",
                                      "channel",
                                      "place",
                                      "anonymous",
                                      "confidential",
                                      "complainant_name",
                                      "complainant_phone",
                                      "complainant_email",
                                      "complainant_address"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(def->name, own[i]) == 0)
            return false;
    return def->public_ && form_asks(def);
}

/* Would the policy refuse every registration by somebody who is `fact` (anonymous, confidential)? Then it is not
   offered; what depends on more than this one fact is for the service to judge. */
static bool refused(const Policy__Kind *kind, const char *fact, struct arena *arena)
{
    struct facts facts = {0};
    struct condition_context context = {0};
    Hb__Value yes = HB__VALUE__INIT;
    yes.kind_case = HB__VALUE__KIND_YES;
    yes.yes = true;
    facts_set(arena, &facts, fact, &yes);
    for (size_t i = 0; i < kind->n_rules; i++) {
        const Policy__Rule *rule = kind->rules[i];
        if (strcmp(rule->before, "register") == 0 && rule->condition && rule->condition->n_nodes &&
            condition_holds(rule->condition, &facts, &context, NULL) == TRUTH_YES &&
            condition_holds(rule->condition, &(struct facts){0}, &context, NULL) != TRUTH_YES)
            return true;
    }
    return false;
}

/* Whoever finds nothing else looks at the end. */
static void put_other_last(struct page_choice *choices, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        if (strcmp(choices[i].value, "other") == 0) {
            struct page_choice other = choices[i];
            memmove(&choices[i], &choices[i + 1], (count - i - 1) * sizeof *choices);
            choices[count - 1] = other;
            return;
        }
}

static void take_categories(struct submit_form *submit, struct visit *visit)
{
    const Policy__FieldDef *def = policy_field(submit->kind, "category");
    const Policy__Policy *policy = submit->policy;
    bool own = def && def->n_one_of;
    size_t count = own ? def->n_one_of : policy->n_categories;
    struct page_choice *choices = arena_alloc(visit_arena(visit), (count + 1) * sizeof *choices);
    for (size_t i = 0; i < count; i++)
        choices[i] =
            own ? (struct page_choice){def->one_of[i]->name, portal_label(visit->language, def->one_of[i]->label)}
                : (struct page_choice){policy->categories[i]->name,
                                       portal_label(visit->language, policy->categories[i]->label)};
    put_other_last(choices, count);
    submit->categories = choices;
    submit->categories_count = count;
    submit->category_asked = count || (def && def->public_);
    submit->category_optional = !(def && submit_needed(def));
    submit->category_label =
        def && def->label ? portal_label(visit->language, def->label) : visit_text(visit, TEXT_CATEGORY);
}

void submit_form_init(struct submit_form *submit, struct visit *visit, const Policy__Kind *kind, bool sent)
{
    const Policy__FieldDef *place = policy_field(kind, "place");
    *submit = (struct submit_form){.visit = visit, .site = visit->site, .policy = visit->policy, .kind = kind};
    submit->form = (struct form){.request = visit->request, .language = visit->language, .prefix = "f", .sent = sent};
    take_categories(submit, visit);
    submit->place_optional = !(place && submit_needed(place));
    submit->place_label =
        place && place->label ? portal_label(visit->language, place->label) : visit_text(visit, TEXT_PLACE);
    submit->needs_name = needs(kind, "complainant_name");
    submit->needs_phone = needs(kind, "complainant_phone");
    submit->needs_email = needs(kind, "complainant_email");
    submit->needs_address = needs(kind, "complainant_address");
    submit->may_confide = !refused(kind, "confidential", visit_arena(visit));
    submit->may_hide = !submit->needs_name && !submit->needs_phone && !submit->needs_email && !submit->needs_address &&
                       !refused(kind, "anonymous", visit_arena(visit));
    submit->departments = visit_departments(visit, &submit->departments_count);
}

enum submit_contact submit_contact(const struct submit_form *submit)
{
    const char *value = form_value(&submit->form, "contact");
    if (submit->may_hide && strcmp(value, "anonymous") == 0)
        return CONTACT_ANONYMOUS;
    return submit->may_confide && strcmp(value, "confidential") == 0 ? CONTACT_CONFIDENTIAL : CONTACT_NAMED;
}

/* ---- checking ---- */

static void need(struct submit_form *submit, bool needed, const char *name, const char *label, bool choice)
{
    if (needed && !*form_value(&submit->form, name))
        form_miss(&submit->form, name, label, choice);
}

static void check_email(struct submit_form *submit)
{
    const char *email = form_value(&submit->form, "email"), *at = strchr(email, '@');
    bool good = at && at > email && at[1] && !strpbrk(email, " \t\n<>,;\"") && !strchr(at + 1, '@');
    if (*email && !good)
        form_fail(&submit->form, "email", portal_text(submit->form.language, TEXT_BAD_EMAIL));
}

static const char *text_in(const struct submit_form *submit, enum text_id id)
{
    return portal_text(submit->form.language, id);
}

void submit_check(struct submit_form *submit)
{
    struct form *form = &submit->form;
    need(submit, submit->category_asked && !submit->category_optional, "category", submit->category_label,
         submit->categories_count > 0);
    for (size_t i = 0; i < submit->kind->n_fields; i++) {
        const Policy__FieldDef *def = submit->kind->fields[i];
        bool choice = def->type == POLICY__FIELD_DEF__TYPE__CHOICE || def->type == POLICY__FIELD_DEF__TYPE__YES_NO;
        if (submit_asks(def))
            need(submit, submit_needed(def), form_policy_name(form, def->name),
                 portal_label(form->language, def->label), choice);
    }
    need(submit, !submit->place_optional, "place", submit->place_label, false);
    need(submit, true, "text", text_in(submit, TEXT_WHAT), false);
    if (submit_contact(submit) == CONTACT_ANONYMOUS)
        return;
    need(submit, submit->needs_name, "name", text_in(submit, TEXT_NAME), false);
    need(submit, submit->needs_phone, "phone", text_in(submit, TEXT_PHONE), false);
    need(submit, submit->needs_email, "email", text_in(submit, TEXT_EMAIL), false);
    need(submit, submit->needs_address, "address", text_in(submit, TEXT_ADDRESS), false);
    check_email(submit);
}

/* ---- the submission ---- */

static Intake__Party *party_of(struct submit_form *submit)
{
    struct form *form = &submit->form;
    enum submit_contact contact = submit_contact(submit);
    Intake__Party *party = arena_alloc(&form->request->arena, sizeof *party);
    intake__party__init(party);
    party->language = (char *)(uintptr_t)language_tag(form->language);
    party->anonymous = contact == CONTACT_ANONYMOUS;
    party->confidential = contact == CONTACT_CONFIDENTIAL;
    if (party->anonymous)
        return party; /* whatever was typed before is not kept */
    party->name = form_personal(form, "name");
    party->phone = form_personal(form, "phone");
    party->email = form_personal(form, "email");
    party->address = form_personal(form, "address");
    return party;
}

Intake__Submit *submit_build(struct submit_form *submit)
{
    struct form *form = &submit->form;
    struct arena *arena = &form->request->arena;
    Intake__Submit *content = arena_alloc(arena, sizeof *content);
    intake__submit__init(content);
    content->kind = submit->kind->name;
    content->channel = "web";
    content->category = submit->category_asked ? (char *)(uintptr_t)form_value(form, "category") : "";
    content->place = (char *)(uintptr_t)form_value(form, "place");
    content->text = form_personal(form, "text");
    content->party = party_of(submit);
    content->fields = arena_alloc(arena, (submit->kind->n_fields + 1) * sizeof *content->fields);
    for (size_t i = 0; i < submit->kind->n_fields; i++) {
        const Policy__FieldDef *def = submit->kind->fields[i];
        Hb__Field *field = submit_asks(def) ? form_policy_field(form, def) : NULL;
        if (field)
            content->fields[content->n_fields++] = field;
    }
    return content;
}
