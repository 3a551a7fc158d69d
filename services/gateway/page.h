/* Pages: what all of them share. A page is written into the request's arena and answered whole. */
#ifndef HEARBACK_GATEWAY_PAGE_H
#define HEARBACK_GATEWAY_PAGE_H

#include "html.h"
#include "portal_form.h"
#include "portal_time.h"

struct page {
    struct html html;
    enum language language;
    int64_t now_ms;
    const struct zone *zone; /* of the site, when the page is about one */
    const char *site;        /* its name; "" */
    bool demonstration;      /* every page says so */
    const char *place;       /* where a code was scanned; NULL */
    bool script;             /* a form with a puzzle (portal_guard.h) */
    /* Where the language links lead: a path and its query. NULL: the links are buttons of the form with the id "form",
       which then comes back in the other language with all that was typed. */
    const char *here;
};

/* The text, escaped, into the page. */
void page_say(struct page *page, enum text_id id);
const char *page_text(const struct page *page, enum text_id id);

/* Everything up to the content; `title` is the page's h1 as plain text. `wrong`: the form on it has errors. */
void page_begin(struct page *page, const char *title, bool wrong);
void page_heading(struct page *page, const char *title);
void page_back(struct page *page, const char *href);
void page_end(struct page *page);
/* The address of the style sheet: its name changes with its content, so that browsers may keep it. */
const char *page_style_address(void);
struct bytes page_style(void);
struct bytes page_script(void);

/* ---- page_fields.c: what a form is made of. Every input has a label; what is wrong stands beside it and on top ----
 */

struct page_field {
    const char *name;
    const char *label;
    const char *hint; /* NULL: none */
    bool optional;
};
struct page_choice {
    const char *value, *label;
};

void page_errors(struct page *page, const struct form *form); /* the summary; nothing when nothing is wrong */
/* `attributes` from the source: type, autocomplete, inputmode ... */
void page_input(struct page *page, const struct form *form, const struct page_field *field, const char *attributes);
void page_area(struct page *page, const struct form *form, const struct page_field *field, size_t characters_max);
/* Radio buttons when there are few, a list when there are many. */
void page_choices(struct page *page, const struct form *form, const struct page_field *field,
                  const struct page_choice *choices, size_t count);
/* A field as the policy defines it. `departments` ends with NULL. */
void page_policy_field(struct page *page, const struct form *form, const Policy__FieldDef *def, bool optional,
                       const struct page_choice *departments, size_t departments_count);

/* ---- small parts ---- */

void page_clauses(struct page *page, char *const *clauses, size_t count);

#endif
