/* A complainant's own case: casework says what he may know of it and do (GetOwn), intake opens his texts, watchdog says
   the dates; here it is put into words (internal to the portal). */
#ifndef HEARBACK_GATEWAY_PORTAL_CASE_H
#define HEARBACK_GATEWAY_PORTAL_CASE_H

#include "portal_visit.h"

/* A text somebody said, sealed until intake opens it. */
struct said {
    const char *label;
    const Hb__Sealed *box;
    const char *text; /* NULL: not opened */
    bool gone;        /* erased */
};

/* One thing that happened, as the complainant sees it. */
struct moment {
    int64_t at_ms;
    const char *what;
    bool own; /* done by the complainant */
    uint32_t round;
    struct said *said;
    size_t said_count;
    const Hb__Letter *letter; /* that was sent; NULL: none */
};

struct case_shown {
    struct visit *visit;
    const Casework__OwnCase *told;
    const Policy__Kind *kind;
    const Watchdog__Clocks *clocks; /* NULL: not known now */
    bool unreadable;                /* the texts could not be opened now */
    struct moment *moments;
    size_t moments_count;
    const struct moment *answer; /* the newest that says something to the complainant; NULL */
    struct said *own;            /* the submission's texts */
    size_t own_count;
    struct said *files; /* the names of `told->files` */

    /* The form that was sent, when it comes back. */
    struct form form;
    const char *form_step; /* NULL: none */
    const char *token;     /* to be kept: the answer was lost */

    /* ---- of portal_case.c ---- */
    void (*then)(struct case_shown *shown); /* when case and policy are there */
    const char *step, *id;                  /* the step sent, and the command it is */
    unsigned waiting;                       /* answers still to come */
    unsigned status;
};

/* ---- portal_case_story.c ---- */

/* What was told, in words; and which boxes are to be opened for it. */
void case_story_tell(struct case_shown *shown);
struct said **case_story_sealed(struct case_shown *shown, size_t *count_out);
/* A plain value in words. */
const char *case_value_words(const struct case_shown *shown, const Policy__FieldDef *def, const Hb__Value *value);

/* ---- page_case.c ---- */

void page_case(struct page *page, struct case_shown *shown);

/* ---- portal_case_files.c ---- */

/* What a form that adds files does. */
char *case_files_purpose(struct visit *visit);

/* ---- portal_case.c ---- */

/* The case of the session as casework tells it, and its policy, or an answer that there is none. */
void case_visit(struct http_request *request, void (*then)(struct case_shown *shown));

char *case_form_purpose(const struct case_shown *shown, const char *step);
/* Opens boxes of the session's case for its complainant; intake asks for the tracking code. */
void case_open(struct visit *visit, Hb__Sealed **boxes, size_t count, const char *purpose, cell_command_fn *then,
               void *context);
/* A step that ends the case must be confirmed. */
bool case_step_grave(const struct case_shown *shown, const char *step);

#endif
