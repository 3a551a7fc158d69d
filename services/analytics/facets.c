/* Table facets: site NUL, facet, value NUL, received BE64, case id BE64 -> "". For each value a list may ask for, the
   cases that have it, in order of receipt. "renhe" NUL 'd' "centre" NUL: the cases of one department. What only open
   cases are asked for (phase, late) is there of these alone, so that it does not grow with what is done.

   Table due: the same keys of the open cases, with the date that is due in place of the time of receipt; those that
   have none come last. */
#include "analytics.h"

enum facet {
    FACET_APPROVAL = 'a', /* waits, of those that are not closed */
    FACET_CATEGORY = 'c',
    FACET_DEPARTMENT = 'd',
    FACET_DUTY = 'u',      /* and not closed */
    FACET_ESCALATED = 'e', /* to each person who was told, as long as nobody has acknowledged it, and not closed */
    FACET_HANDLER = 'h',
    FACET_JOINT = 'j', /* each department that helps, and "*" where any does */
    FACET_KIND = 'k',
    FACET_LATE = 'l',   /* the main clock, and not closed */
    FACET_MISSED = 'm', /* any clock whose miss somebody is told of, and not met, nor closed */
    FACET_PHASE = 'p',  /* of those that are not closed */
    FACET_SEALED = 'x',
    FACET_STAGE = 's',
    FACET_URGENT = 'r',
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

const char *analytics_facet_next_kind(struct turn *turn, const char *site, const char *after)
{
    struct key prefix = key_text(site), from = analytics_facet_kind(site, after);
    char facet = FACET_KIND;
    key_add(&prefix, &facet, 1);
    if (*after) { /* behind the last of its cases */
        key_add_u64(&from, UINT64_MAX);
        key_add_u64(&from, UINT64_MAX);
    }
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_FACETS, key_bytes(&prefix), key_bytes(&from));
    struct bytes key, value;
    if (!state_scan_next(scan, &key, &value))
        return NULL;
    return arena_strdup(turn_arena(turn), (const char *)key.data + prefix.size);
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
    if (facet == FACET_ESCALATED)
        return i < row->n_escalated_to && !row->closed_ms ? row->escalated_to[i] : NULL;
    if (i)
        return NULL;
    switch (facet) {
    case FACET_APPROVAL:
        return row->n_approvals && !row->closed_ms ? "waits" : NULL;
    case FACET_DUTY:
        return *row->duty && !row->closed_ms ? "open" : NULL;
    case FACET_SEALED:
        return row->sealed ? "sealed" : NULL;
    case FACET_ESCALATED:
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
    case FACET_MISSED:
        return row->late ? "missed" : NULL;
    case FACET_PHASE:
        return open_phase(row->phase);
    case FACET_STAGE:
        return row->stage;
    case FACET_URGENT:
        return row->urgent ? "urgent" : NULL;
    }
    return NULL;
}

static bool indexed(const char *value)
{
    return value && *value && strlen(value) <= ANALYTICS_NAME_MAX;
}

/* Where a row stands in a table; none: not at all. */
static bool place_of(unsigned table, const Analytics__CaseRow *row, uint64_t *at_out)
{
    if (!row || (table == ANALYTICS_DUE && !open_phase(row->phase)))
        return false;
    int64_t due = row->open_due_ms ? row->open_due_ms : INT64_MAX;
    *at_out = (uint64_t)(table == ANALYTICS_DUE ? due : row->received_ms);
    return true;
}

static struct key key_of(const Analytics__CaseRow *row, enum facet facet, const char *value, uint64_t at)
{
    struct key key = analytics_facet_prefix(row->site, (char)facet, value);
    key_add_u64(&key, at);
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

static void facet_move(struct turn *turn, unsigned table, enum facet facet, const Analytics__CaseRow *before,
                       const Analytics__CaseRow *after)
{
    uint64_t was = 0, is = 0;
    const char *value;
    before = place_of(table, before, &was) ? before : NULL;
    after = place_of(table, after, &is) ? after : NULL;
    bool moved = before && after && was != is;
    for (size_t i = 0; before && (value = value_of(before, facet, i)); i++)
        if (indexed(value) && (moved || !has(after, facet, value))) {
            struct key key = key_of(before, facet, value, was);
            state_delete(turn, table, key_bytes(&key));
        }
    for (size_t i = 0; after && (value = value_of(after, facet, i)); i++)
        if (indexed(value) && (moved || !has(before, facet, value))) {
            struct key key = key_of(after, facet, value, is);
            state_put(turn, table, key_bytes(&key), (struct bytes){0});
        }
}

void analytics_facets_move(struct turn *turn, const Analytics__CaseRow *before, const Analytics__CaseRow *after)
{
    static const enum facet facets[] = {FACET_APPROVAL, FACET_CATEGORY, FACET_DEPARTMENT, FACET_DUTY,  FACET_ESCALATED,
                                        FACET_HANDLER,  FACET_JOINT,    FACET_KIND,       FACET_LATE,  FACET_MISSED,
                                        FACET_PHASE,    FACET_SEALED,   FACET_STAGE,      FACET_URGENT};
    for (size_t f = 0; f < sizeof facets / sizeof *facets; f++) {
        facet_move(turn, ANALYTICS_FACETS, facets[f], before, after);
        facet_move(turn, ANALYTICS_DUE, facets[f], before, after);
    }
}

struct analytics_term analytics_term_urgent(void)
{
    return (struct analytics_term){FACET_URGENT, {"urgent"}, 1};
}

/* ---- what a filter asks ---- */

static bool add_term(struct analytics_term *terms, unsigned *count, enum facet facet, const char *value)
{
    if (strcmp(value, ANALYTICS_NONE) == 0) /* of what has none there is no index */
        return true;
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
    if (filter->late)
        add_term(terms, count_out, FACET_MISSED, "missed");
    if (filter->sealed)
        add_term(terms, count_out, FACET_SEALED, "sealed");
    add_phases(terms, count_out, filter);
    return add_term(terms, count_out, FACET_HANDLER, filter->handler) &&
           add_term(terms, count_out, FACET_ESCALATED, filter->escalated_to) &&
           add_term(terms, count_out, FACET_JOINT, filter->joint) &&
           add_term(terms, count_out, FACET_STAGE, filter->stage) &&
           add_term(terms, count_out, FACET_DEPARTMENT, filter->department) &&
           add_term(terms, count_out, FACET_CATEGORY, filter->category) &&
           add_term(terms, count_out, FACET_KIND, filter->kind);
}

bool analytics_terms_open(const struct analytics_term *terms, unsigned count)
{
    static const char open[] = {FACET_APPROVAL, FACET_DUTY, FACET_ESCALATED, FACET_LATE, FACET_MISSED, FACET_PHASE, 0};
    for (unsigned i = 0; i < count; i++)
        if (strchr(open, terms[i].facet))
            return true;
    return false;
}
