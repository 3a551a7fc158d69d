/* Lists: each site's cases in order of receipt, several sites merged; the cursor is where the page before ended. That
   is (received, case id, cell), which means the same place in every site's order: case ids of two cells may be equal.

   What a filter asks is looked up in `facets`, where each value has its cases in that same order: a case is on the list
   when it stands in all of them, and each says from where on it is worth looking in the others. So a list of few among
   a million costs about as much as its rows. Where even that is much, the page ends early, with a cursor: no question
   keeps the service from its turns.

   By the date due it is the same walk over `due`, which has the open cases in that order: the place is (due, case id,
   cell) then. With what is urgent first there are two such walks, one after the other: of the urgent cases, then of the
   rest. */
#include "analytics.h"

#include <stdio.h>

#define STEPS_MAX 10000u /* looked up for one page: some ten milliseconds */

static bool differs(const char *wanted, const char *have)
{
    return *wanted && strcmp(strcmp(wanted, ANALYTICS_NONE) == 0 ? "" : wanted, have) != 0;
}

bool analytics_took(const Analytics__CaseRow *row, const char *step)
{
    bool took = false;
    for (size_t i = 0; i < row->n_steps && !took; i++)
        took = strcmp(row->steps[i], step) == 0;
    return took;
}

static bool helped_by(const Analytics__CaseRow *row, const char *department)
{
    bool any = !*department || (strcmp(department, "*") == 0 && row->n_joint);
    for (size_t i = 0; i < row->n_joint && !any; i++)
        any = strcmp(row->joint[i], department) == 0;
    return any;
}

static bool escalated(const Analytics__Filter *filter, const Analytics__CaseRow *row)
{
    bool told = !*filter->escalated_to;
    for (size_t i = 0; i < row->n_escalated_to && !row->closed_ms && !told; i++)
        told = strcmp(row->escalated_to[i], filter->escalated_to) == 0;
    return told && (!filter->escalated || row->level > 0);
}

int64_t analytics_changed_ms(const Analytics__CaseRow *row)
{
    return row->closed_ms ? row->closed_ms : row->changed_ms ? row->changed_ms : row->received_ms;
}

static bool rated_otherwise(const Analytics__Filter *filter, const Analytics__CaseRow *row)
{
    bool told = strcmp(row->satisfied, "satisfied") == 0 || strcmp(row->satisfied, "dissatisfied") == 0;
    return (strcmp(filter->on_time, "*") == 0 ? !*row->on_time : differs(filter->on_time, row->on_time)) ||
           (strcmp(filter->satisfied, "*") == 0 ? !told : differs(filter->satisfied, row->satisfied));
}

bool analytics_fits(const Analytics__Filter *filter, const Analytics__CaseRow *row)
{
    if (!filter)
        return true;
    if (differs(filter->department, row->department) || differs(filter->handler, row->handler) ||
        differs(filter->kind, row->kind) || differs(filter->category, row->category) ||
        differs(filter->stage, row->stage) || rated_otherwise(filter, row) ||
        differs(filter->external_id, row->external_id) || differs(filter->place, row->place) ||
        (filter->responded && !row->responded_ms) || (filter->extended && !analytics_took(row, "extend")) ||
        (*filter->step && !analytics_took(row, filter->step)))
        return false;
    if (*filter->number && strncmp(filter->number, row->number, strlen(filter->number)) != 0)
        return false;
    if ((*filter->approval && (row->closed_ms || !row->n_approvals)) || (filter->sealed && !row->sealed) ||
        (filter->duty && (row->closed_ms || !*row->duty)) || !helped_by(row, filter->joint) ||
        !escalated(filter, row) || (filter->reopened && row->round < 2) || (filter->returned && !row->returned))
        return false;
    if ((filter->overdue && (strcmp(row->on_time, "false") != 0 || row->closed_ms)) || (filter->late && !row->late))
        return false;
    if ((filter->received_from_ms && row->received_ms < filter->received_from_ms) ||
        (filter->received_to_ms && row->received_ms >= filter->received_to_ms))
        return false;
    if ((filter->due_from_ms || filter->due_to_ms) &&
        (!row->open_due_ms || row->late || row->open_due_ms < filter->due_from_ms ||
         (filter->due_to_ms && row->open_due_ms >= filter->due_to_ms)))
        return false;
    int64_t changed_ms = analytics_changed_ms(row);
    if ((filter->changed_from_ms && changed_ms < filter->changed_from_ms) ||
        (filter->changed_to_ms && changed_ms >= filter->changed_to_ms))
        return false;
    bool phase = filter->n_phases == 0;
    for (size_t i = 0; i < filter->n_phases; i++)
        phase = phase || filter->phases[i] == row->phase;
    return phase;
}

/* ---- places and lines ---- */

struct place {
    uint64_t at, id, cell; /* at: received, or due */
};

/* One site's cases in the wanted direction. */
struct line {
    uint64_t cell;
    const char *site;
    struct place next; /* the next case; while unsure: nothing comes before it */
    bool unsure, more;
};

struct listing {
    struct turn *turn;
    const Analytics__ListCases *wanted;
    const Hb__Actor *actor;
    struct analytics_term terms[ANALYTICS_TERMS_MAX]; /* all must hold; none: every case */
    unsigned terms_count, steps;
    struct line *lines;
    size_t count;
    uint32_t limit;
    unsigned table;    /* of the terms */
    uint64_t from, to; /* of the places: from, and before that */
    Analytics__CaseList *list;
    bool visitor; /* nobody of the house: public problems only */
    bool rest;    /* of a list with what is urgent first: that is behind us */
    bool counts;  /* rows are counted, not kept */
    uint64_t counted;
    Analytics__GroupedFigures *figures; /* not NULL: counted in these */
};

static bool earlier(struct place a, struct place b)
{
    if (a.at != b.at)
        return a.at < b.at;
    return a.id < b.id || (a.id == b.id && a.cell < b.cell);
}

/* What the cursors of a list begin with that is not in order of receipt: each is good for its own order. */
static const char *cursor_word(const Analytics__ListCases *wanted, bool rest)
{
    if (!wanted->by_due)
        return "";
    return !wanted->urgent_first ? "due-" : rest ? "rest-" : "urgent-";
}

static bool cursor_parse(const Analytics__ListCases *wanted, bool rest, struct place *place_out)
{
    unsigned long long at, id, cell = 0;
    int used = 0, whole = 0;
    const char *word = cursor_word(wanted, rest), *text = wanted->cursor;
    if (strncmp(text, word, strlen(word)) != 0)
        return false;
    text += strlen(word);
    if (sscanf(text, "%llx-%llx%n-%llx%n", &at, &id, &used, &cell, &whole) < 2 || text[whole ? whole : used])
        return false;
    *place_out = (struct place){at, id, cell};
    return true;
}

static void cursor_set(struct listing *listing, struct place place)
{
    listing->list->cursor = arena_printf(turn_arena(listing->turn), place.cell ? "%s%llx-%llx-%llx" : "%s%llx-%llx",
                                         cursor_word(listing->wanted, listing->rest), (unsigned long long)place.at,
                                         (unsigned long long)place.id, (unsigned long long)place.cell);
}

/* The cursor after which a page begins with the line's next place, and with what comes after it. */
static struct place just_before(const struct listing *listing, const struct line *line)
{
    struct place place = {line->next.at, line->next.id, line->cell};
    if (!listing->wanted->oldest_first)
        place.cell++;
    else if (place.cell)
        place.cell--;
    else
        place = (struct place){place.at, place.id - 1, UINT64_MAX};
    return place;
}

/* ---- looking for the next case of a line ---- */

/* The first key at or after the place in the wanted direction. */
static bool seek_under(const struct listing *listing, unsigned table, const struct key *prefix, struct place *place)
{
    struct turn *turn = listing->turn;
    struct arena_mark mark = arena_mark(turn_arena(turn));
    struct key key = *prefix;
    struct bytes found, value;
    key_add_u64(&key, place->at);
    key_add_u64(&key, place->id);
    bool any;
    if (listing->wanted->oldest_first) {
        any = state_scan_next(state_scan_open(turn, table, key_bytes(prefix), key_bytes(&key)), &found, &value);
    } else {
        key_add(&key, "", 1); /* the place itself, too */
        any = state_before(turn, table, key_bytes(prefix), key_bytes(&key), &found);
    }
    if (any)
        *place = (struct place){bytes_get_u64(found.data + prefix->size), bytes_get_u64(found.data + prefix->size + 8),
                                place->cell};
    arena_return(turn_arena(turn), mark);
    return any;
}

/* Under any of the term's values: whichever comes first. */
static bool seek(const struct listing *listing, const struct line *line, const struct analytics_term *term,
                 struct place *place)
{
    struct place best = {0};
    bool any = false;
    for (unsigned i = 0; i < term->count; i++) {
        struct place found = *place;
        struct key prefix = analytics_facet_prefix(line->site, term->facet, term->values[i]);
        if (!seek_under(listing, listing->table, &prefix, &found))
            continue;
        bool first = !any || (listing->wanted->oldest_first ? earlier(found, best) : earlier(best, found));
        best = first ? found : best;
        any = true;
    }
    *place = any ? best : *place;
    return any;
}

static void bounds(struct listing *listing)
{
    const Analytics__Filter *filter = listing->wanted->filter;
    int64_t from = 0, to = 0;
    if (filter) {
        from = listing->wanted->by_due ? filter->due_from_ms : filter->received_from_ms;
        to = listing->wanted->by_due ? filter->due_to_ms : filter->received_to_ms;
    }
    listing->from = (uint64_t)from;
    listing->to = to ? (uint64_t)to : UINT64_MAX;
}

/* Each term in turn says from where on it is worth looking; where all say the same, there is a case. False: enough was
   looked up for this page. */
static bool find(struct listing *listing, struct line *line)
{
    struct key all = key_text(line->site);
    struct place place = line->next;
    unsigned terms = listing->terms_count ? listing->terms_count : 1;
    turn_look_at(listing->turn, line->cell);
    for (unsigned i = 0, agreed = 0; agreed < terms && line->more; i = (i + 1) % terms) {
        struct place found = place;
        line->next = place;
        if (listing->steps++ >= STEPS_MAX)
            return false;
        line->more = listing->terms_count ? seek(listing, line, &listing->terms[i], &found)
                                          : seek_under(listing, ANALYTICS_ORDER, &all, &found);
        agreed = found.at == place.at && found.id == place.id ? agreed + 1 : 1;
        place = found;
    }
    line->next = place;
    line->unsure = false;
    line->more = line->more && place.at >= listing->from && place.at < listing->to;
    return true;
}

static void line_advance(const struct listing *listing, struct line *line)
{
    line->next.id += listing->wanted->oldest_first ? 1 : UINT64_MAX; /* no case has the id 0, or the last one */
    line->unsure = true;
}

/* A case of the same time and id in another cell comes before or after the one the page ended with. */
static void line_open(const struct listing *listing, struct line *line, struct place from, bool begun)
{
    bool oldest = listing->wanted->oldest_first;
    line->unsure = line->more = true;
    line->next = (struct place){from.at, from.id, line->cell};
    if (begun && (oldest ? line->cell <= from.cell : line->cell >= from.cell))
        line_advance(listing, line);
    if (oldest && line->next.at < listing->from)
        line->next = (struct place){listing->from, 0, line->cell};
    if (!oldest && line->next.at >= listing->to)
        line->next = (struct place){listing->to - 1, UINT64_MAX, line->cell};
}

static struct line *next_line(const struct listing *listing)
{
    struct line *next = NULL;
    for (size_t i = 0; i < listing->count; i++) {
        struct line *line = &listing->lines[i];
        if (!line->more)
            continue;
        bool before = !next || (listing->wanted->oldest_first ? earlier(line->next, next->next)
                                                              : earlier(next->next, line->next));
        next = before ? line : next;
    }
    return next;
}

/* Is it behind this number of the indicator? As it stands in the tallies, so that a list has exactly what was counted.
 */
static bool counted_by(const struct listing *listing, const Analytics__Filter *filter, uint64_t case_id)
{
    const Anarec__Case *one = analytics_load(listing->turn, case_id);
    const Policy__Policy *policy = one ? organisation_policy(listing->turn, one->row->site, 0) : NULL;
    const Policy__Indicator *indicator = policy ? policy_indicator(policy, filter->indicator) : NULL;
    bool percentile = indicator && indicator->percent; /* of those alone whose version asked for it */
    for (size_t i = 0; one && i < one->n_counted; i++) {
        const Anarec__Counted *counted = one->counted[i];
        bool behind = strcmp(filter->counted, "lacking") == 0 ? counted->lacks
                      : strcmp(filter->counted, "among") == 0 ? counted->among && (!percentile || counted->spread)
                                                              : counted->hits > 0;
        if (!behind || strcmp(counted->indicator, filter->indicator) != 0 || strcmp(counted->who, filter->who) != 0)
            continue;
        for (size_t p = 0; p < counted->n_periods; p++)
            if (strcmp(counted->periods[p], filter->period) == 0)
                return true;
    }
    return false;
}

static bool listed(const struct listing *listing, const Analytics__CaseRow *row)
{
    const Analytics__Filter *filter = listing->wanted->filter;
    bool mine = filter && strcmp(filter->approval, "mine") == 0;
    return row && !(listing->rest && row->urgent) && analytics_fits(filter, row) &&
           !analytics_hidden(listing->turn, row, listing->actor) &&
           (!mine || analytics_approvals_mine(listing->turn, row, listing->actor)) &&
           (!filter || !*filter->indicator || counted_by(listing, filter, row->case_id)) &&
           (!listing->visitor || analytics_is_public(listing->turn, row));
}

static void add_row(const struct listing *listing, Analytics__CaseRow *row)
{
    listing->list->rows[listing->list->n_rows++] = listing->visitor ? analytics_public_row(listing->turn, row) : row;
}

/* ---- figures of what fits ---- */

static const char *const groupings[] = {"department", "kind", "category", "handler", "place", "month"};
#define GROUPINGS (sizeof groupings / sizeof *groupings)

static const char *group_of(const struct listing *listing, const Analytics__CaseRow *row)
{
    const char *by = listing->figures->by;
    const char *values[GROUPINGS] = {row->department, row->kind, row->category, row->handler, row->place};
    for (size_t i = 0; i < GROUPINGS; i++)
        if (strcmp(by, groupings[i]) == 0)
            return values[i] ? values[i] : analytics_month(listing->turn, row->site, row->received_ms);
    return "";
}

static void add_figures(const struct listing *listing, const char *group, const Analytics__Figures *one)
{
    Analytics__GroupedFigures *all = listing->figures;
    size_t at = 0;
    analytics_figures_add(all->total, one);
    if (!*all->by)
        return;
    while (at < all->n_groups && strcmp(all->groups[at]->key, group) != 0)
        at++;
    if (at == all->n_groups) {
        Analytics__Figures *fresh = TURN_NEW(listing->turn, Analytics__Figures, analytics__figures__init);
        fresh->key = arena_strdup(turn_arena(listing->turn), group);
        TURN_ADD(listing->turn, all->groups, all->n_groups, fresh);
    }
    analytics_figures_add(all->groups[at], one);
}

/* What does not fit is forgotten at once: a page takes the memory of its rows. */
static void take(struct listing *listing, const struct line *line)
{
    struct arena_mark mark = arena_mark(turn_arena(listing->turn));
    turn_look_at(listing->turn, line->cell);
    Analytics__CaseRow *row = analytics_row(listing->turn, line->next.id);
    bool fits = listed(listing, row);
    listing->counted += fits;
    if (fits && !listing->counts) {
        add_row(listing, row);
        return;
    }
    Analytics__Figures one = ANALYTICS__FIGURES__INIT;
    char group[ANALYTICS_NAME_MAX + 1] = "";
    if (fits && listing->figures) {
        analytics_figures_contribute(&one, row, 1);
        snprintf(group, sizeof group, "%s", group_of(listing, row));
    }
    arena_return(turn_arena(listing->turn), mark);
    if (fits && listing->figures)
        add_figures(listing, group, &one);
}

static void walk(struct listing *listing)
{
    struct place last = {0};
    struct line *line;
    while (listing->list->n_rows < listing->limit && (line = next_line(listing))) {
        if (line->unsure) {
            if (find(listing, line))
                continue;
            cursor_set(listing, just_before(listing, line));
            return;
        }
        last = line->next;
        take(listing, line);
        line_advance(listing, line);
    }
    if (listing->list->n_rows == listing->limit) /* never of a count, which keeps none */
        cursor_set(listing, last);
}

/* ---- by a case number or an external id: the index says which cases, or that there are none ---- */

static bool add_indexed(const struct listing *listing, unsigned table, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < listing->count; i++) {
        struct key key = key_text(listing->lines[i].site);
        struct bytes id;
        key_add_text(&key, name);
        turn_look_at(listing->turn, listing->lines[i].cell);
        if (!state_get(listing->turn, table, key_bytes(&key), &id))
            continue;
        found = true;
        Analytics__CaseRow *row = analytics_row(listing->turn, bytes_get_u64(id.data));
        if (listed(listing, row) && listing->list->n_rows < listing->limit)
            add_row(listing, row);
    }
    return found;
}

static bool begins_any(const struct listing *listing, const char *number)
{
    for (size_t i = 0; i < listing->count; i++) {
        struct key key = key_text(listing->lines[i].site);
        struct bytes found, value;
        key_add(&key, number, strlen(number));
        turn_look_at(listing->turn, listing->lines[i].cell);
        struct state_scan *scan = state_scan_open(listing->turn, ANALYTICS_NUMBER, key_bytes(&key), (struct bytes){0});
        if (state_scan_next(scan, &found, &value))
            return true;
    }
    return false;
}

static void add_case(const struct listing *listing, uint64_t case_id)
{
    for (size_t i = 0; i < listing->count && listing->list->n_rows < listing->limit; i++) {
        turn_look_at(listing->turn, listing->lines[i].cell);
        Analytics__CaseRow *row = analytics_row(listing->turn, case_id);
        if (row && strcmp(row->site, listing->lines[i].site) == 0 && listed(listing, row))
            add_row(listing, row);
    }
}

/* A whole case number goes before all that begin with it. */
static bool by_index(const struct listing *listing)
{
    const Analytics__Filter *filter = listing->wanted->filter;
    if (!filter || strlen(filter->external_id) > ANALYTICS_NAME_MAX || strlen(filter->number) > ANALYTICS_NAME_MAX)
        return filter != NULL;
    for (size_t i = 0; i < filter->n_case_ids; i++)
        if (!filter->case_id || filter->case_id == filter->case_ids[i])
            add_case(listing, filter->case_ids[i]);
    if (filter->n_case_ids)
        return true;
    if (filter->case_id) {
        add_case(listing, filter->case_id);
        return true;
    }
    if (*filter->external_id) {
        add_indexed(listing, ANALYTICS_EXTERNAL, filter->external_id);
        return true;
    }
    return *filter->number &&
           (add_indexed(listing, ANALYTICS_NUMBER, filter->number) || !begins_any(listing, filter->number));
}

/* ---- which sites ---- */

static void add_line(struct listing *listing, uint64_t cell, const char *site)
{
    listing->lines = arena_grow(turn_arena(listing->turn), listing->lines, listing->count, sizeof *listing->lines);
    listing->lines[listing->count++] = (struct line){.cell = cell, .site = site};
}

static void add_lines(struct listing *listing, const Hb__Query *query, const struct reach *reach)
{
    for (size_t i = 0; i < reach->count; i++) {
        turn_look_at(listing->turn, reach->cells[i]);
        if (*query->site)
            add_line(listing, reach->cells[i], query->site);
        for (const Directory__Site **site = organisation_sites(listing->turn); !*query->site && *site; site++)
            if (analytics_may_see(listing->turn, query, "read", reach->cells[i], (*site)->id))
                add_line(listing, reach->cells[i], (*site)->id);
    }
}

static void refuse_closed(struct turn *turn)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "只有未结案件可按到期先后排列，请按状态筛选",
                                       "only open cases are listed in order of their dates due: name their phases");
    refusal_field(turn, refusal, "order");
    refusal_accepts(turn, refusal, "phase=open");
    refusal_accepts(turn, refusal, "order=newest");
    refusal_accepts(turn, refusal, "order=oldest");
}

/* The order by the date due begins with what is due first. */
static const Analytics__ListCases *in_order(struct turn *turn, const Analytics__ListCases *wanted)
{
    if (!wanted->by_due)
        return wanted;
    Analytics__ListCases *ordered = TURN_NEW(turn, Analytics__ListCases, analytics__list_cases__init);
    *ordered = *wanted;
    ordered->oldest_first = true;
    return ordered;
}

static void walk_from(struct listing *listing, struct place from, bool begun)
{
    for (size_t i = 0; i < listing->count; i++)
        line_open(listing, &listing->lines[i], from, begun);
    walk(listing);
}

/* What is urgent, then the rest. */
static void walk_urgent(struct listing *listing, struct place from, bool begun)
{
    if (!listing->rest) {
        listing->terms[listing->terms_count++] = analytics_term_urgent();
        walk_from(listing, from, begun);
        listing->terms_count--;
        if (*listing->list->cursor)
            return;
        from = (struct place){0};
        begun = false;
    }
    listing->rest = true;
    walk_from(listing, from, begun);
}

/* Fills listing->list, or counts. */
static void answer(struct listing *listing, const Hb__Query *query, const struct reach *reach)
{
    struct turn *turn = listing->turn;
    const Analytics__ListCases *wanted = listing->wanted;
    uint32_t limit = wanted->limit ? wanted->limit : ANALYTICS_LIST_DEFAULT;
    struct place from = wanted->oldest_first ? (struct place){0} : (struct place){UINT64_MAX, UINT64_MAX, 0};
    listing->limit = limit < ANALYTICS_LIST_MAX ? limit : ANALYTICS_LIST_MAX;
    listing->list = TURN_NEW(turn, Analytics__CaseList, analytics__case_list__init);
    listing->list->rows = arena_alloc(turn_arena(turn), listing->limit * sizeof *listing->list->rows);
    listing->rest = wanted->urgent_first && cursor_parse(wanted, true, &from);
    if (*wanted->cursor && !listing->rest && !cursor_parse(wanted, false, &from)) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by a list");
        refusal_field(turn, refusal, "cursor");
        return;
    }
    add_lines(listing, query, reach);
    if (by_index(listing)) {
        listing->counted = listing->list->n_rows;
        return;
    }
    if (!analytics_terms(wanted->filter, listing->terms, &listing->terms_count))
        return;
    if (wanted->by_due && !analytics_terms_open(listing->terms, listing->terms_count)) {
        refuse_closed(turn);
        return;
    }
    listing->table = wanted->by_due ? ANALYTICS_DUE : ANALYTICS_FACETS;
    bounds(listing);
    if (wanted->urgent_first)
        walk_urgent(listing, from, *wanted->cursor != 0);
    else
        walk_from(listing, from, *wanted->cursor != 0);
}

void analytics_answer_list(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                           Analytics__Reply *reply)
{
    struct listing listing = {.turn = turn,
                              .wanted = in_order(turn, query->analytics->list),
                              .actor = query->actor,
                              .visitor = query->actor && query->actor->complainant};
    if (listing.visitor)
        listing.wanted = analytics_public_wanted(turn, listing.wanted);
    reply->kind_case = ANALYTICS__REPLY__KIND_LIST;
    answer(&listing, query, reach);
    reply->list = listing.list;
}

/* As the list with the same filter has them, a look-up limit at a time. */
void analytics_answer_count(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                            Analytics__Reply *reply)
{
    Analytics__ListCases wanted = ANALYTICS__LIST_CASES__INIT;
    struct listing listing = {.turn = turn, .wanted = &wanted, .actor = query->actor, .counts = true};
    wanted.filter = query->analytics->count->filter;
    wanted.cursor = query->analytics->count->cursor;
    wanted.limit = ANALYTICS_LIST_MAX; /* what an index names is kept to be counted */
    reply->kind_case = ANALYTICS__REPLY__KIND_COUNT;
    answer(&listing, query, reach);
    reply->count = TURN_NEW(turn, Analytics__Count, analytics__count__init);
    reply->count->count = listing.counted;
    reply->count->cursor = listing.list->cursor;
}

static bool may_group(struct turn *turn, const char *by)
{
    for (size_t i = 0; i < GROUPINGS; i++)
        if (strcmp(by, groupings[i]) == 0)
            return true;
    if (!*by)
        return true;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "不能以此分组", "figures are not grouped by this");
    refusal_field(turn, refusal, "by");
    for (size_t i = 0; i < GROUPINGS; i++)
        refusal_accepts(turn, refusal, groupings[i]);
    return false;
}

/* As the list with the same filter has them, a look-up limit at a time. */
void analytics_answer_figures(struct turn *turn, const Hb__Query *query, const struct reach *reach,
                              Analytics__Reply *reply)
{
    const Analytics__GetFigures *get = query->analytics->figures;
    Analytics__ListCases wanted = ANALYTICS__LIST_CASES__INIT;
    struct listing listing = {.turn = turn, .wanted = &wanted, .actor = query->actor, .counts = true};
    if (!may_group(turn, get->by))
        return;
    listing.figures = TURN_NEW(turn, Analytics__GroupedFigures, analytics__grouped_figures__init);
    listing.figures->by = get->by;
    listing.figures->total = TURN_NEW(turn, Analytics__Figures, analytics__figures__init);
    wanted.filter = get->filter;
    wanted.cursor = get->cursor;
    wanted.limit = ANALYTICS_LIST_MAX;
    answer(&listing, query, reach);
    for (size_t i = 0; i < listing.list->n_rows; i++) { /* what an index names */
        Analytics__Figures one = ANALYTICS__FIGURES__INIT;
        analytics_figures_contribute(&one, listing.list->rows[i], 1);
        add_figures(&listing, group_of(&listing, listing.list->rows[i]), &one);
    }
    listing.figures->cursor = listing.list->cursor;
    reply->kind_case = ANALYTICS__REPLY__KIND_FIGURES;
    reply->figures = listing.figures;
}
