/* A form between two tries: what was typed, and what is wrong with it. */
#ifndef HEARBACK_GATEWAY_PORTAL_FORM_H
#define HEARBACK_GATEWAY_PORTAL_FORM_H

#include "hearback/policy.pb-c.h"
#include "http.h"
#include "portal_text.h"

struct form_error {
    const char *field; /* "": of the whole form */
    const char *text;
};

struct form {
    struct http_request *request;
    enum language language;
    const char *prefix; /* of the policy's fields in this form: "f" for "f.class", or the step's name where a page has
                           several forms */
    const char *place;  /* what a form that was not sent says in its field `place`; NULL: nothing */
    bool sent;          /* values are those of the request's body; else every field is empty */
    struct form_error *errors;
    size_t errors_count;
};

const char *form_value(const struct form *form,
                       const char *name); /* never NULL; line ends are \n, without blanks around */
void form_fail(struct form *form, const char *field, const char *text);
const char *form_error(const struct form *form, const char *field); /* NULL: none */

/* Is this field of the policy asked of the public at all? Staff and uploads are not. */
bool form_asks(const Policy__FieldDef *def);
char *form_policy_name(const struct form *form, const char *field);
/* "Please fill in: Place", or for choices "Please choose: ..." */
void form_miss(struct form *form, const char *name, const char *label, bool choice);

/* A field of the policy as it was typed, for a command; NULL: it was left empty. */
Hb__Field *form_policy_field(const struct form *form, const Policy__FieldDef *def);
Hb__Personal *form_personal(const struct form *form, const char *name);

/* What a service refused becomes errors beside the fields. `kind` names the policy's fields, may be NULL. */
void form_refuse(struct form *form, const Hb__Refusal *refusal, const Policy__Kind *kind);

#endif
