/* Table facets: site NUL, facet, value NUL, received BE64, case id BE64 -> "". For each value a list may ask for, the
   cases that have it, in order of receipt. "renhe" NUL 'd' "centre" NUL: the cases of one department. What only open
   cases are asked for (phase, late) is there of these alone, so that it does not grow with what is done. */
#include "analytics.h"

enum facet {
    FACET_APPROVAL = 'a', /* waits, of those that are not closed */
    FACET_CATEGORY = 'c',
    FACET_DEPARTMENT = 'd',
    FACET_DUTY = 'u', /* and not closed */
    FACET_HANDLER = 'h',
    FACET_JOINT = 'j', /* each department that helps, and "*" where any does */
    FACET_KIND = 'k',
    FACET_LATE = 'l',  /* and not closed */
    FACET_PHASE = 'p', /* of those that are not closed */
    FACET_SEALED = 'x',
    FACET_STAGE = 's',
};

static const char *const phases[] = {[POLICY__PHASE__NEW] = "1",
                                     [POLICY__PHASE__WORKING] = "2",
                                     [POLICY__PHASE__WAITING] = "3",
                                     [POLICY__PHASE__DONE] = "4"};

/* NULL: closed, or unknown to this version. */
static const char *open_phase(uint32_t phase)
{
    return phase < sizeof phases / sizeof *phases ? phases[phase] : NULL;
}

struct key analytics_facet_prefix(const char *site, char facet, const char *value)
{
    struct key key = key_text(site);
    key_add(&key, &facet, 1);
    key_add_text(&key, value);
    return key;
}

struct key analytics_facet_kind(const char *site, const char *kind)
{
    return analytics_facet_prefix(site, FACET_KIND, kind);
}

static const char *joint_of(const Analytics__CaseRow *row, size_t i)
{
    if (i == 0)
        return row->n_joint ? "*" : NULL;
    return i <= row->n_joint ? row->joint[i - 1] : NULL;
}

/* The values a row has of a facet, one by one; NULL: no more. */
static const char *value_of(const Analytics__CaseRow *row, enum facet facet, size_t i)
{
    if (facet == FACET_JOINT)
        return joint_of(row, i);
    if (i)
        return NULL;
    switch (facet) {
    case FACET_APPROVAL:
        return row->n_approvals && !row->closed_ms ? "waits" : NULL;
    case FACET_DUTY:
        return *row->duty && !row->closed_ms ? "open" : NULL;
    case FACET_SEALED:
        return row->sealed ? "sealed" : NULL;
    case FACET_JOINT:
        break;
    case FACET_CATEGORY:
        return row->category;
    case FACET_DEPARTMENT:
        return row->department;
    case FACET_HANDLER:
        return row->handler;
    case FACET_KIND:
        return row->kind;
    case FACET_LATE:
        return strcmp(row->on_time, "false") == 0 && !row->closed_ms ? "late" : NULL;
    case FACET_PHASE:
        return open_phase(row->phase);
    case FACET_STAGE:
        return row->stage;
    }
    return NULL;
}

static bool indexed(const char *value)
{
    return value && *value && strlen(value) <= ANALYTICS_NAME_MAX;
}

static struct key key_of(const Analytics__CaseRow *row, enum facet facet, const char *value)
{
    struct key key = analytics_facet_prefix(row->site, (char)facet, value);
    key_add_u64(&key, (uint64_t)row->received_ms);
    key_add_u64(&key, row->case_id);
    return key;
}

static bool has(const Analytics__CaseRow *row, enum facet facet, const char *value)
{
    const char *one;
    for (size_t i = 0; row && (one = value_of(row, facet, i)); i++)
        if (strcmp(one, value) == 0)
            return true;
    return false;
}

void analytics_facets_move(struct turn *turn, const Analytics__CaseRow *before, const Analytics__CaseRow *after)
{
    static const enum facet facets[] = {FACET_APPROVAL, FACET_CATEGORY, FACET_DEPARTMENT, FACET_DUTY,
                                        FACET_HANDLER,  FACET_JOINT,    FACET_KIND,       FACET_LATE,
                                        FACET_PHASE,    FACET_SEALED,   FACET_STAGE};
    const char *value;
    for (size_t f = 0; f < sizeof facets / sizeof *facets; f++) {
        for (size_t i = 0; before && (value = value_of(before, facets[f], i)); i++)
            if (indexed(value) && !has(after, facets[f], value)) {
                struct key key = key_of(before, facets[f], value);
                state_delete(turn, ANALYTICS_FACETS, key_bytes(&key));
            }
        for (size_t i = 0; (value = value_of(after, facets[f], i)); i++)
            if (indexed(value) && !has(before, facets[f], value)) {
                struct key key = key_of(after, facets[f], value);
                state_put(turn, ANALYTICS_FACETS, key_bytes(&key), (struct bytes){0});
            }
    }
}

/* ---- what a filter asks ---- */

static bool add_term(struct analytics_term *terms, unsigned *count, enum facet facet, const char *value)
{
    if (*value)
        terms[(*count)++] = (struct analytics_term){(char)facet, {value}, 1};
    return !*value || indexed(value);
}

/* Only where all phases asked for are open ones: of the others there is no index. */
static void add_phases(struct analytics_term *terms, unsigned *count, const Analytics__Filter *filter)
{
    struct analytics_term term = {FACET_PHASE, {0}, 0};
    bool open = filter->n_phases > 0 && filter->n_phases <= ANALYTICS_TERM_VALUES;
    for (size_t i = 0; i < filter->n_phases && open; i++) {
        const char *phase = open_phase(filter->phases[i]);
        open = phase != NULL;
        if (open)
            term.values[term.count++] = phase;
    }
    if (open)
        terms[(*count)++] = term;
}

bool analytics_terms(const Analytics__Filter *filter, struct analytics_term *terms, unsigned *count_out)
{
    *count_out = 0;
    if (!filter)
        return true;
    if (*filter->approval)
        add_term(terms, count_out, FACET_APPROVAL, "waits");
    if (filter->duty)
        add_term(terms, count_out, FACET_DUTY, "open");
    if (filter->overdue)
        add_term(terms, count_out, FACET_LATE, "late");
    if (filter->sealed)
        add_term(terms, count_out, FACET_SEALED, "sealed");
    add_phases(terms, count_out, filter);
    return add_term(terms, count_out, FACET_HANDLER, filter->handler) &&
           add_term(terms, count_out, FACET_JOINT, filter->joint) &&
           add_term(terms, count_out, FACET_STAGE, filter->stage) &&
           add_term(terms, count_out, FACET_DEPARTMENT, filter->department) &&
           add_term(terms, count_out, FACET_CATEGORY, filter->category) &&
           add_term(terms, count_out, FACET_KIND, filter->kind);
}
