/* Table facets: site NUL, facet, value NUL, received BE64, case id BE64 -> "". For each value a list may ask for, the
   cases that have it, in order of receipt. "renhe" NUL 'd' "centre" NUL: the cases of one department. What only open
   cases are asked for (phase, late) is there of these alone, so that it does not grow with what is done. */
#include "analytics.h"

enum facet {
    FACET_CATEGORY = 'c',
    FACET_DEPARTMENT = 'd',
    FACET_HANDLER = 'h',
    FACET_KIND = 'k',
    FACET_LATE = 'l',  /* and not closed */
    FACET_PHASE = 'p', /* of those that are not closed */
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

/* The value a row has of a facet; NULL: none. */
static const char *value_of(const Analytics__CaseRow *row, enum facet facet)
{
    switch (facet) {
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

void analytics_facets_move(struct turn *turn, const Analytics__CaseRow *before, const Analytics__CaseRow *after)
{
    static const enum facet facets[] = {FACET_CATEGORY, FACET_DEPARTMENT, FACET_HANDLER, FACET_KIND,
                                        FACET_LATE,     FACET_PHASE,      FACET_STAGE};
    for (size_t i = 0; i < sizeof facets / sizeof *facets; i++) {
        const char *old = before ? value_of(before, facets[i]) : NULL, *new = value_of(after, facets[i]);
        if (indexed(old) && indexed(new) && strcmp(old, new) == 0)
            continue;
        if (indexed(old)) {
            struct key key = key_of(before, facets[i], old);
            state_delete(turn, ANALYTICS_FACETS, key_bytes(&key));
        }
        if (indexed(new)) {
            struct key key = key_of(after, facets[i], new);
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
    if (filter->overdue)
        add_term(terms, count_out, FACET_LATE, "late");
    add_phases(terms, count_out, filter);
    return add_term(terms, count_out, FACET_HANDLER, filter->handler) &&
           add_term(terms, count_out, FACET_STAGE, filter->stage) &&
           add_term(terms, count_out, FACET_DEPARTMENT, filter->department) &&
           add_term(terms, count_out, FACET_CATEGORY, filter->category) &&
           add_term(terms, count_out, FACET_KIND, filter->kind);
}
