/* The figures, counted again from the logs and compared with what analytics answers. */
#include "storm.h"

#include "calendar/calendar.h"
#include "storm_days.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- one case ---- */

struct counted {
    const struct storm_case *one;
    const char *category, *department, *satisfied, *on_time;
    char period[16];
    int64_t closed_ms, responded_ms;
    uint32_t level;
};

static bool is_over(uint32_t phase)
{
    return phase == POLICY__PHASE__CLOSED || phase == POLICY__PHASE__ARCHIVED;
}

static void count_step(struct counted *counted, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    bool works = taken->phase == POLICY__PHASE__WORKING || taken->phase == POLICY__PHASE__WAITING ||
                 taken->phase == POLICY__PHASE__DONE;
    if (!is_over(taken->phase))
        counted->closed_ms = 0;
    else if (!counted->closed_ms)
        counted->closed_ms = event->occurred_ms;
    if (works && !counted->responded_ms)
        counted->responded_ms = event->occurred_ms;
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Value *value = event->facts[i]->value;
        const char *text = value && value->kind_case == HB__VALUE__KIND_TEXT ? value->text : NULL;
        if (text && strcmp(event->facts[i]->name, "satisfied") == 0)
            counted->satisfied = text;
        if (text && strcmp(event->facts[i]->name, "category") == 0)
            counted->category = text;
    }
}

/* Another main clock of the same round that began later: it stands for the case since. */
static bool is_replaced(const struct storm_case *one, const struct storm_run *run)
{
    for (const struct storm_run *other = one->runs; other < one->runs + one->runs_count; other++)
        if (other->main && other->round == run->round && strcmp(other->clock, run->clock) != 0 &&
            (other->start_ms > run->start_ms || (other->start_ms == run->start_ms && other > run)))
            return true;
    return false;
}

/* Late once is late for good; on time when the last main clock that ended was met. */
static const char *on_time(const struct storm_case *one)
{
    const char *result = "";
    for (size_t i = 0; i < one->runs_count; i++) {
        const struct storm_run *run = &one->runs[i];
        if (!run->main || is_replaced(one, run))
            continue;
        if (run->missed)
            return "false";
        result = run->said == STORM_MET ? "true" : "";
    }
    return result;
}

static struct counted count_case(const struct storm_case *one)
{
    const Hb__Event *first = one->registered;
    struct counted counted = {one, first->intake->registered->category, "", "", on_time(one), "", 0, 0, 0};
    int year, month, day;
    date_split(days_date(first->occurred_ms), &year, &month, &day);
    snprintf(counted.period, sizeof counted.period, "%04d-%02d", year % 10000, month % 100);
    if (is_over(first->intake->registered->phase))
        counted.closed_ms = first->occurred_ms;
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
            event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN)
            count_step(&counted, event);
        if (event->payload_case == HB__EVENT__PAYLOAD_ROUTING &&
            event->routing->kind_case == ROUTING__EVENT__KIND_ROUTED)
            counted.department = event->routing->routed->lead;
        if (event->payload_case == HB__EVENT__PAYLOAD_ESCALATION &&
            event->escalation->kind_case == ESCALATION__EVENT__KIND_REACHED &&
            event->escalation->reached->level > counted.level)
            counted.level = event->escalation->reached->level;
    }
    return counted;
}

/* ---- one line of figures ---- */

enum dimension { TOTAL, CATEGORY, KIND, DEPARTMENT, PERIOD };

static const char *key_of(const struct counted *counted, enum dimension dimension)
{
    switch (dimension) {
    case TOTAL:
        return "";
    case CATEGORY:
        return counted->category;
    case KIND:
        return counted->one->kind->name;
    case DEPARTMENT:
        return counted->department;
    case PERIOD:
        return counted->period;
    }
    return "";
}

static void add(Analytics__Figures *sum, const struct counted *counted)
{
    int64_t received = counted->one->registered->occurred_ms;
    bool yes = strcmp(counted->on_time, "true") == 0, no = strcmp(counted->on_time, "false") == 0;
    sum->registered++;
    sum->closed += counted->closed_ms != 0;
    sum->open += counted->closed_ms == 0;
    sum->rated += yes || no;
    sum->on_time += yes;
    sum->overdue += no;
    sum->reopened += counted->one->round > 1;
    sum->escalated += counted->level > 0;
    sum->satisfied += strcmp(counted->satisfied, "satisfied") == 0;
    sum->dissatisfied += strcmp(counted->satisfied, "dissatisfied") == 0;
    sum->response_count += counted->responded_ms != 0;
    sum->response_ms_sum += counted->responded_ms ? (uint64_t)(counted->responded_ms - received) : 0;
    sum->resolution_count += counted->closed_ms != 0;
    sum->resolution_ms_sum += counted->closed_ms ? (uint64_t)(counted->closed_ms - received) : 0;
}

static void compare(struct storm *storm, const char *site, const struct counted *list, enum dimension dimension,
                    const Analytics__Figures *figures)
{
    Analytics__Figures sum = ANALYTICS__FIGURES__INIT;
    for (size_t i = 0; i < storm->cases_count; i++)
        if (strcmp(list[i].one->registered->site, site) == 0 &&
            (dimension == TOTAL || strcmp(key_of(&list[i], dimension), figures->key) == 0))
            add(&sum, &list[i]);
    const struct {
        const char *name;
        uint64_t counted, said;
    } lines[] = {{"registered", sum.registered, figures->registered},
                 {"closed", sum.closed, figures->closed},
                 {"open", sum.open, figures->open},
                 {"rated", sum.rated, figures->rated},
                 {"on_time", sum.on_time, figures->on_time},
                 {"overdue", sum.overdue, figures->overdue},
                 {"reopened", sum.reopened, figures->reopened},
                 {"escalated", sum.escalated, figures->escalated},
                 {"satisfied", sum.satisfied, figures->satisfied},
                 {"dissatisfied", sum.dissatisfied, figures->dissatisfied},
                 {"response_count", sum.response_count, figures->response_count},
                 {"response_ms_sum", sum.response_ms_sum, figures->response_ms_sum},
                 {"resolution_count", sum.resolution_count, figures->resolution_count},
                 {"resolution_ms_sum", sum.resolution_ms_sum, figures->resolution_ms_sum}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].counted != lines[i].said)
            storm_fail(storm, "figures equal a recount", "%s \"%s\" %s: counted %" PRIu64 ", said %" PRIu64, site,
                       figures->key, lines[i].name, lines[i].counted, lines[i].said);
}

/* ---- rows of the list ---- */

static void compare_row(struct storm *storm, const struct counted *list, const Analytics__CaseRow *row)
{
    for (size_t i = 0; i < storm->cases_count; i++) {
        const struct counted *counted = &list[i];
        if (counted->one->id != row->case_id)
            continue;
        if (strcmp(counted->on_time, row->on_time) != 0)
            storm_fail(storm, "on_time agrees with the watchdog", "%s: counted \"%s\", said \"%s\"", row->number,
                       counted->on_time, row->on_time);
        if (counted->closed_ms != row->closed_ms || strcmp(counted->one->stage, row->stage) != 0 ||
            counted->one->version != row->version || strcmp(counted->department, row->department) != 0)
            storm_fail(storm, "a list shows the case as it is",
                       "%s: %s version %" PRIu64 " at %s, shown %s version %" PRIu64 " at %s", row->number,
                       counted->one->stage, counted->one->version, counted->department, row->stage, row->version,
                       row->department);
        return;
    }
    storm_fail(storm, "a list shows what is registered", "%s", row->number);
}

/* ---- asking ---- */

static const Analytics__Reply *answer(struct storm *storm, const char *site, Analytics__Query__KindCase kind,
                                      void *payload)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    query.site = arena_strdup(&storm->scratch, site);
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = kind;
    analytics.list = payload; /* all arms share one pointer */
    const Hb__QueryReply *reply = simulation_query(storm->simulation, HB__SERVICE__ANALYTICS, &query, &storm->scratch);
    if (reply && !reply->refused)
        return reply->analytics;
    storm_fail(storm, "analytics answers", "%s: %s", site, reply ? reply->refused->code : "nothing");
    return NULL;
}

static void compare_dimension(struct storm *storm, const char *site, const struct counted *list,
                              enum dimension dimension, Analytics__Figures *const *figures, size_t count)
{
    uint64_t registered = 0, expected = 0;
    for (size_t i = 0; i < count; i++) {
        compare(storm, site, list, dimension, figures[i]);
        registered += figures[i]->registered;
    }
    for (size_t i = 0; i < storm->cases_count; i++)
        expected += strcmp(list[i].one->registered->site, site) == 0;
    if (registered != expected)
        storm_fail(storm, "figures equal a recount", "%s: %" PRIu64 " cases in all, counted %" PRIu64, site, registered,
                   expected);
}

/* ---- the median of GEN-FRAME, from a sorted list ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int year_of(int64_t ms)
{
    int year, month, day;
    date_split(days_date(ms), &year, &month, &day);
    return year;
}

/* What analytics keeps in bins a thousandth wide, and shows to a tenth of an hour. */
static void compare_median(struct storm *storm, const char *site, const struct counted *list, int year)
{
    int64_t *values = arena_alloc(&storm->scratch, (storm->cases_count + 1) * sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < storm->cases_count; i++) {
        const Hb__Event *first = list[i].one->registered;
        bool asked =
            strcmp(list[i].one->kind->name, "complaint") == 0 || strcmp(list[i].one->kind->name, "repair") == 0;
        if (asked && list[i].closed_ms >= first->occurred_ms && list[i].closed_ms && strcmp(first->site, site) == 0 &&
            year_of(list[i].closed_ms) == year)
            values[count++] = list[i].closed_ms - first->occurred_ms;
    }
    if (count)
        qsort(values, count, sizeof *values, by_size);
    Analytics__GetIndicators get = ANALYTICS__GET_INDICATORS__INIT;
    get.name = (char *)(uintptr_t) "handling_median";
    get.period = arena_printf(&storm->scratch, "%04d", year);
    const Analytics__Reply *reply = answer(storm, site, ANALYTICS__QUERY__KIND_INDICATORS, &get);
    const Analytics__Indicator *said =
        reply && reply->indicators->n_indicators ? reply->indicators->indicators[0] : NULL;
    double median = count ? (double)(values[(count - 1) / 2] + values[count / 2]) / 2 / 3600000 : 0;
    double off = said && *said->value ? strtod(said->value, NULL) - median : 0;
    bool near = off <= 0.051 + median / 1000 && off >= -0.051 - median / 1000;
    if (said && (said->among != count || !*said->value != !count || !near))
        storm_fail(storm, "a median equals that of a sorted list",
                   "%s %d: %zu cases, %.3f h; said %" PRIu64 " cases, \"%s\"", site, year, count, median, said->among,
                   said->value);
    if (reply && !said)
        storm_fail(storm, "a median equals that of a sorted list", "%s %d: nothing was said", site, year);
}

static void check_medians(struct storm *storm, const char *site, const struct counted *list)
{
    int first = INT_MAX, last = INT_MIN;
    for (size_t i = 0; i < storm->cases_count; i++) {
        int year = year_of(list[i].closed_ms ? list[i].closed_ms : list[i].one->registered->occurred_ms);
        first = year < first ? year : first;
        last = year > last ? year : last;
    }
    for (int year = first; year <= last && !storm->failed; year++)
        compare_median(storm, site, list, year);
}

static void check_site(struct storm *storm, const char *site, const struct counted *list)
{
    Analytics__GetKpi get = ANALYTICS__GET_KPI__INIT;
    Analytics__ListCases wanted = ANALYTICS__LIST_CASES__INIT;
    const Analytics__Reply *reply = answer(storm, site, ANALYTICS__QUERY__KIND_KPI, &get);
    if (!reply)
        return;
    const Analytics__Kpi *kpi = reply->kpi;
    compare_dimension(storm, site, list, TOTAL, &kpi->total, 1);
    compare_dimension(storm, site, list, CATEGORY, kpi->categories, kpi->n_categories);
    compare_dimension(storm, site, list, KIND, kpi->kinds, kpi->n_kinds);
    compare_dimension(storm, site, list, DEPARTMENT, kpi->departments, kpi->n_departments);
    compare_dimension(storm, site, list, PERIOD, kpi->periods, kpi->n_periods);
    wanted.limit = 1000;
    reply = answer(storm, site, ANALYTICS__QUERY__KIND_LIST, &wanted);
    for (size_t i = 0; reply && i < reply->list->n_rows; i++)
        compare_row(storm, list, reply->list->rows[i]);
    if (reply && reply->list->n_rows != kpi->total->registered)
        storm_fail(storm, "a list shows every case", "%s: %zu of %" PRIu32, site, reply->list->n_rows,
                   kpi->total->registered);
    check_medians(storm, site, list);
}

void storm_check_figures(struct storm *storm)
{
    struct counted *list = arena_alloc(&storm->scratch, (storm->cases_count + 1) * sizeof *list);
    for (size_t i = 0; i < storm->cases_count; i++)
        list[i] = count_case(storm->cases[i]);
    check_site(storm, "haitang", list);
    if (!storm->failed)
        check_site(storm, "yulan", list);
    arena_reset(&storm->scratch);
}
