/* Submitting: which kind, the form, and what becomes of it (internal to the portal). */
#ifndef HEARBACK_GATEWAY_PORTAL_SUBMIT_H
#define HEARBACK_GATEWAY_PORTAL_SUBMIT_H

#include "portal_visit.h"

enum submit_contact { CONTACT_NAMED, CONTACT_CONFIDENTIAL, CONTACT_ANONYMOUS };

/* What the form of one kind asks, taken from the policy. */
struct submit_form {
    struct visit *visit;
    struct form form;
    const Directory__Site *site;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    const struct page_choice *categories; /* none: every name will do, or none is asked */
    size_t categories_count;
    bool category_asked, category_optional;
    const char *category_label;
    bool place_optional;
    const char *place_label;
    bool may_confide, may_hide; /* confidential, anonymous: no rule of the policy refuses it */
    bool needs_name, needs_phone, needs_email, needs_address;
    const struct page_choice *departments;
    size_t departments_count;
    const char *token;
    char id[COMMAND_ID_CHARACTERS + 1]; /* the command that this form is */
};

/* Is it open to the public, by this channel? */
bool submit_open(const Policy__Kind *kind, const char *channel);
/* Kinds open to the public on the web. */
const Policy__Kind **submit_kinds(struct visit *visit, size_t *count_out);
void submit_form_init(struct submit_form *submit, struct visit *visit, const Policy__Kind *kind, bool sent);
/* Is this one of the kind's own fields that the form asks beside its own? */
bool submit_asks(const Policy__FieldDef *def);
bool submit_needed(const Policy__FieldDef *def);
enum submit_contact submit_contact(const struct submit_form *submit);

/* What can be told without asking the service: everything needed is there. All that is missing is told together. */
void submit_check(struct submit_form *submit);
/* The command's content. */
Intake__Submit *submit_build(struct submit_form *submit);

/* `problems`: the site has public ones, which can be joined; `notices`: it publishes some. `place`: the token of a
 * place, goes on to the form. */
void page_kinds(struct page *page, const Directory__Site *site, const Policy__Kind *const *kinds, size_t count,
                bool problems, bool notices, const char *place);
void page_submit(struct page *page, struct submit_form *submit);

#endif
