/* A complainant's own case: what of it may be shown, and what may be done (internal to the portal). */
#ifndef HEARBACK_GATEWAY_PORTAL_CASE_H
#define HEARBACK_GATEWAY_PORTAL_CASE_H

#include "portal_visit.h"

#define CASE_TIMELINE_PAGE 200u
#define CASE_EVENTS_MAX 2000u /* later ones are left out, and the page says nothing of them */
#define CASE_BOXES_MAX 200u   /* sealed texts opened for one page, the newest */

/* A text somebody said, sealed until intake opens it. */
struct said {
    const char *label;
    const Hb__Sealed *box;
    const char *text; /* NULL: not opened */
    bool gone;        /* erased */
    bool copied;      /* by a step from another case, whose key seals it */
    bool conditional; /* seen under a condition of the case as it is now: only the newest counts */
    const char *field;
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
    const Casework__CaseFile *file;
    const Policy__Kind *kind;
    const Watchdog__Clocks *clocks; /* NULL: not known now */
    bool unreadable;                /* the texts could not be opened now */
    struct moment *moments;
    size_t moments_count;
    const struct moment *answer; /* the newest that says something to the complainant; NULL */
    struct said *own;            /* the submission's texts */
    size_t own_count;
    struct said *files; /* names of the complainant's own files, and of those given to him */
    const Casework__Attachment **files_attached;
    size_t files_count;

    /* The form that was sent, when it comes back. */
    struct form form;
    const char *form_step; /* NULL: none */
    const char *token;     /* to be kept: the answer was lost */

    /* ---- of portal_case.c ---- */
    void (*then)(struct case_shown *shown); /* when file and policy are there */
    const char *step, *id;                  /* the step sent, and the command it is */
    uint32_t timeline_next;
    Hb__Event **events;
    size_t events_count;
    unsigned waiting; /* answers still to come */
    unsigned status;
};

/* ---- portal_case_story.c ---- */

/* What happened, from the events; and which boxes are to be opened for it. */
void case_story_tell(struct case_shown *shown);
/* All texts to be opened, newest first, at most CASE_BOXES_MAX. */
struct said **case_story_sealed(struct case_shown *shown, size_t *count_out);
/* May the complainant see this field (`may: {who: complainant, do: see, what: FIELD}`)? */
bool case_shows_field(const struct case_shown *shown, const char *field, bool *conditional_out);
/* A plain value in words. */
const char *case_value_words(const struct case_shown *shown, const Policy__FieldDef *def, const Hb__Value *value);

/* ---- page_case.c ---- */

void page_case(struct page *page, struct case_shown *shown);

/* ---- portal_case_files.c ---- */

/* Is the file the complainant's own, or given to him: named by a field that the policy lets him see? */
bool case_file_is_shown(const Casework__CaseFile *file, const Casework__Attachment *one);
/* What a form that adds files does. */
char *case_files_purpose(struct visit *visit);

/* ---- portal_case.c ---- */

/* The case of the session, its file and policy loaded, or an answer that there is none. */
void case_visit(struct http_request *request, void (*then)(struct case_shown *shown));

char *case_form_purpose(const struct case_shown *shown, const char *step);
/* The step by which others join a public problem: not for whoever it belongs to. */
bool case_step_of_others(const struct case_shown *shown, const char *step);
/* A step that ends the case must be confirmed. */
bool case_step_grave(const struct case_shown *shown, const char *step);

#endif
