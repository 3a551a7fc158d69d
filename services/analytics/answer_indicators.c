/* Indicators of a period: figures from the tallies, beside each what it means, its target, and who is behind it. */
#include "analytics.h"
#include "calendar/calendar.h"
#include "policy/words.h"

#include <inttypes.h>
#include <stdlib.h>

#define LACKING_MAX 100u
#define FIGURES_MAX 2000u /* of one reply */
#define PERIODS_BACK_MAX 36u

struct asked {
    struct turn *turn;
    const char *site;
    const Policy__Policy *policy;
    const Policy__Indicator *indicator;
    const char *period, *who;
    const char *only;                            /* who; "": all */
    const Hb__Actor *actor;                      /* who asks; NULL: a case, or nobody to be asked */
    const struct analytics_hidden_cases *hidden; /* from the asker: not counted for him */
};
struct outcome {
    bool there;    /* there is data */
    int64_t value; /* as targets have it: thousandths, milliseconds */
    Anarec__Tally tally;
    bool met, missed;
    bool unknown;      /* neither: of a change, nothing is known of then */
    const char *stage; /* DWELL of no certain stage: which took longest */
};

static const Policy__Target *target_of(const Policy__Indicator *indicator, const char *period)
{
    for (size_t i = 0; i < indicator->n_targets; i++) {
        const Policy__Target *target = indicator->targets[i];
        if ((!*target->only || strcmp(target->only, period) == 0) &&
            (!*target->since || analytics_period_month(period) >= analytics_period_month(target->since)))
            return target;
    }
    return NULL;
}

/* ---- what is hidden ---- */

static bool is_hidden(const struct asked *asked, const Anarec__Case *one)
{
    for (size_t i = 0; i < asked->hidden->count; i++)
        if (asked->hidden->cases[i]->row->case_id == one->row->case_id)
            return true;
    return false;
}

static bool counts_here(const struct asked *asked, const Anarec__Counted *counted)
{
    bool period = false;
    for (size_t i = 0; i < counted->n_periods; i++)
        period = period || strcmp(counted->periods[i], asked->period) == 0;
    return period && strcmp(counted->indicator, asked->indicator->name) == 0 && strcmp(counted->who, asked->who) == 0;
}

/* As if what is hidden were not there. */
static Anarec__Tally tally_of(const struct asked *asked)
{
    Anarec__Tally tally = ANAREC__TALLY__INIT;
    struct key key = analytics_tally_key(asked->site, asked->indicator->name, asked->period, asked->who);
    const Anarec__Tally *kept = state_load(asked->turn, ANALYTICS_TALLY, key_bytes(&key), &anarec__tally__descriptor);
    if (kept)
        tally = *kept;
    for (size_t i = 0; kept && i < asked->hidden->count; i++) {
        const Anarec__Case *one = asked->hidden->cases[i];
        for (size_t c = 0; c < one->n_counted; c++) {
            if (!counts_here(asked, one->counted[c]))
                continue;
            tally.hits -= one->counted[c]->hits;
            tally.among -= one->counted[c]->among;
            tally.sum -= one->counted[c]->sum;
            tally.spread -= one->counted[c]->spread;
        }
    }
    return tally;
}

static int64_t percentile_of(const struct asked *asked, uint64_t cases)
{
    struct arena *arena = turn_arena(asked->turn);
    struct key key = analytics_tally_key(asked->site, asked->indicator->name, asked->period, asked->who);
    int64_t *hidden = NULL;
    size_t count = 0;
    for (size_t i = 0; i < asked->hidden->count; i++) {
        const Anarec__Case *one = asked->hidden->cases[i];
        for (size_t c = 0; c < one->n_counted; c++) {
            if (!one->counted[c]->spread || !counts_here(asked, one->counted[c]))
                continue;
            hidden = arena_grow(arena, hidden, count, sizeof *hidden);
            hidden[count++] = one->counted[c]->sum;
        }
    }
    return analytics_percentile(asked->turn, &key, hidden, count, cases, asked->indicator->percent);
}

/* ---- one figure ---- */

static struct outcome measure(const struct asked *asked);

static bool is_share(const Policy__Indicator *indicator)
{
    return indicator->figure == POLICY__INDICATOR__FIGURE__SHARE ||
           indicator->figure == POLICY__INDICATOR__FIGURE__PER_THING;
}

static struct outcome earlier(const struct asked *asked, Policy__Target__Than than, const char **period_out)
{
    struct asked other = *asked;
    other.period = analytics_period_earlier(turn_arena(asked->turn), asked->period,
                                            than == POLICY__TARGET__THAN__LAST_YEAR ? 12 : 0);
    *period_out = other.period ? other.period : "";
    return other.period ? measure(&other) : (struct outcome){0};
}

/* Below or above what it was then: neither, where that is not known. */
static void judge_change(const struct asked *asked, const Policy__Target *target, struct outcome *out)
{
    const char *period;
    struct outcome then = earlier(asked, target->than, &period);
    bool exact = is_share(asked->indicator);
    int64_t have = exact ? (int64_t)(out->tally.hits * then.tally.among) : out->value;
    int64_t was = exact ? (int64_t)(then.tally.hits * out->tally.among) : then.value;
    out->met = then.there && (target->at_most ? have < was : have > was);
    out->missed = then.there && !out->met;
    out->unknown = !then.there;
}

static void judge(const struct asked *asked, struct outcome *out)
{
    const Policy__Target *target = target_of(asked->indicator, asked->period);
    bool share = is_share(asked->indicator);
    if (!target || !out->there)
        return;
    if (target->than) {
        judge_change(asked, target, out);
        return;
    }
    /* of a share exactly, not as rounded: 999 of 1000 are not 100 % */
    int64_t have = share ? (int64_t)out->tally.hits * 1000 : out->value;
    int64_t want = share ? target->value * (int64_t)out->tally.among : target->value;
    out->met = target->at_most ? have <= want : have >= want;
    out->missed = !out->met;
}

static struct outcome look(const struct asked *asked);

/* Policies name only indicators that stand before: this ends. */
static struct outcome look_at_part(const struct asked *asked, const Policy__Share *part)
{
    struct asked other = *asked;
    other.indicator = policy_indicator(asked->policy, part->indicator);
    return other.indicator ? look(&other) : (struct outcome){0};
}

static struct outcome weigh(const struct asked *asked)
{
    struct outcome out = {.there = true};
    for (size_t i = 0; i < asked->indicator->n_parts; i++) {
        const Policy__Share *part = asked->indicator->parts[i];
        struct outcome one = look_at_part(asked, part);
        out.there = out.there && one.there;
        out.value += one.value * part->permille;
    }
    out.value = (out.value + 500) / 1000;
    return out;
}

/* One that was missed is enough; met, when all are. */
static struct outcome veto(const struct asked *asked)
{
    struct outcome out = {.there = true, .met = true};
    for (size_t i = 0; i < asked->indicator->n_parts; i++) {
        struct outcome one = look_at_part(asked, asked->indicator->parts[i]);
        out.missed = out.missed || one.missed;
        out.met = out.met && one.met;
        out.value += one.missed;
    }
    out.there = out.met || out.missed;
    out.value *= 1000;
    return out;
}

/* Of today, also for what is past: a register has no history. */
static uint64_t entries_of(struct turn *turn, const char *site, const char *of)
{
    uint64_t count = 0;
    for (const Directory__Thing **thing = organisation_things(turn, site, of); *thing; thing++)
        count++;
    return count;
}

/* What the stage took of all the time; where none is named, the one that took longest. */
static struct outcome dwell(const struct asked *asked)
{
    struct outcome out = {.stage = ""};
    struct asked one = *asked;
    one.who = "";
    const Anarec__Tally all = tally_of(&one);
    one.who = asked->who;
    struct key prefix = analytics_tally_key(asked->site, asked->indicator->name, asked->period, NULL);
    struct state_scan *scan = state_scan_open(asked->turn, ANALYTICS_TALLY, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    out.tally = *asked->who ? tally_of(asked) : (Anarec__Tally)ANAREC__TALLY__INIT;
    while (!*asked->who && state_scan_next(scan, &key, &value)) {
        one.who = arena_strdup(turn_arena(asked->turn), (const char *)key.data + prefix.size);
        const Anarec__Tally tally = tally_of(&one);
        if (!*one.who || tally.sum <= out.tally.sum)
            continue;
        out.tally = tally;
        out.stage = one.who;
    }
    if (!*asked->who) /* of all the time: all that were closed */
        out.tally.among = all.among;
    out.there = all.sum > 0;
    out.value = out.there ? (out.tally.sum * 1000 + all.sum / 2) / all.sum : 0;
    return out;
}

static struct outcome measure(const struct asked *asked)
{
    const Policy__Indicator *indicator = asked->indicator;
    struct outcome out = {.tally = ANAREC__TALLY__INIT};
    if (indicator->figure == POLICY__INDICATOR__FIGURE__WEIGHT)
        return weigh(asked);
    if (indicator->figure == POLICY__INDICATOR__FIGURE__VETO)
        return veto(asked);
    if (indicator->figure == POLICY__INDICATOR__FIGURE__DWELL)
        return dwell(asked);
    bool counted = indicator->figure == POLICY__INDICATOR__FIGURE__COUNT;
    bool per_thing = indicator->figure == POLICY__INDICATOR__FIGURE__PER_THING;
    out.tally = tally_of(asked);
    if (per_thing)
        out.tally.among = entries_of(asked->turn, asked->site, indicator->among);
    if (indicator->percent) /* a version that did not ask for it kept none */
        out.tally.among = out.tally.spread;
    out.there = counted || out.tally.among > 0; /* none is a number; a share of none is not */
    int64_t among = (int64_t)out.tally.among;
    if (counted)
        out.value = (int64_t)out.tally.hits * 1000;
    else if ((indicator->figure == POLICY__INDICATOR__FIGURE__SHARE || per_thing) && among)
        out.value = ((int64_t)out.tally.hits * 1000 + among / 2) / among;
    else if (indicator->figure == POLICY__INDICATOR__FIGURE__SUM)
        out.value = out.tally.sum;
    else if (among && indicator->percent)
        out.value = percentile_of(asked, out.tally.among);
    else if (among)
        out.value = (out.tally.sum + among / 2) / among;
    return out;
}

static struct outcome look(const struct asked *asked)
{
    struct outcome out = measure(asked);
    if (asked->indicator->figure != POLICY__INDICATOR__FIGURE__VETO) /* it is judged by its parts */
        judge(asked, &out);
    return out;
}

/* ---- in words ---- */

static char *figure_text(const struct asked *asked, const struct outcome *outcome)
{
    struct arena *arena = turn_arena(asked->turn);
    int64_t value = outcome->value;
    if (!outcome->there)
        return arena_strdup(arena, "");
    switch (asked->indicator->figure) {
    case POLICY__INDICATOR__FIGURE__DWELL:
        return arena_printf(arena, "%s%s%" PRId64 ".%" PRId64 " %%", outcome->stage, *outcome->stage ? " " : "",
                            value / 10, value % 10);
    case POLICY__INDICATOR__FIGURE__SHARE:
    case POLICY__INDICATOR__FIGURE__WEIGHT:
        return arena_printf(arena, "%" PRId64 ".%" PRId64 " %%", value / 10, value % 10);
    case POLICY__INDICATOR__FIGURE__PER_THING: { /* few of many: a hundredth of a percent counts */
        uint64_t cents = (outcome->tally.hits * 10000 + outcome->tally.among / 2) / outcome->tally.among;
        return arena_printf(arena, "%" PRIu64 ".%02" PRIu64 " %%", cents / 100, cents % 100);
    }
    case POLICY__INDICATOR__FIGURE__TIME: {
        int64_t tenths = (value + 180000) / 360000; /* of an hour */
        return arena_printf(arena, "%" PRId64 ".%" PRId64 " h", tenths / 10, tenths % 10);
    }
    case POLICY__INDICATOR__FIGURE__MEAN:
    case POLICY__INDICATOR__FIGURE__SUM: {
        int64_t cents = (value + (value < 0 ? -5 : 5)) / 10, size = cents < 0 ? -cents : cents;
        return arena_printf(arena, "%s%" PRId64 ".%02" PRId64, cents < 0 ? "-" : "", size / 100, size % 100);
    }
    case POLICY__INDICATOR__FIGURE__COUNT:
    case POLICY__INDICATOR__FIGURE__VETO:
        return arena_printf(arena, "%" PRId64, value / 1000);
    }
    return arena_strdup(arena, "");
}

/* What the kinds call the stage; of several the first. */
static const Hb__Label *stage_label(const struct asked *asked, const char *name)
{
    const Policy__Policy *policy = asked->policy;
    for (size_t i = 0; i < policy->n_kinds; i++) {
        const Policy__Stage *stage = policy_stage(policy->kinds[i], name);
        if (stage && stage->label)
            return stage->label;
    }
    return NULL;
}

/* As `value` has it, for people: hours are 小时, a stage has its name. */
static Hb__Label *figure_said(const struct asked *asked, const struct outcome *outcome)
{
    struct arena *arena = turn_arena(asked->turn);
    const char *value = figure_text(asked, outcome);
    if (!*value)
        return NULL;
    if (asked->indicator->figure == POLICY__INDICATOR__FIGURE__TIME)
        return label_new(asked->turn, arena_printf(arena, "%.*s 小时", (int)strcspn(value, " "), value), value);
    const Hb__Label *stage = outcome->stage && *outcome->stage ? stage_label(asked, outcome->stage) : NULL;
    const char *rest = stage ? value + strlen(outcome->stage) : value;
    return label_new(asked->turn, arena_printf(arena, "%s%s", stage ? stage->zh : "", rest),
                     arena_printf(arena, "%s%s", stage ? stage->en : "", rest));
}

static Hb__Label *meaning_of(const struct asked *asked)
{
    struct arena *arena = turn_arena(asked->turn);
    return label_new(asked->turn, policy_indicator_text(arena, asked->policy, asked->indicator, false),
                     policy_indicator_text(arena, asked->policy, asked->indicator, true));
}

static Hb__Label *target_said(const struct asked *asked, const Policy__Target *target)
{
    struct arena *arena = turn_arena(asked->turn);
    return label_new(asked->turn, policy_target_text(arena, asked->indicator, target, false),
                     policy_target_text(arena, asked->indicator, target, true));
}

static void add_lacking(const struct asked *asked, Analytics__Indicator *said)
{
    struct key prefix = analytics_tally_key(asked->site, asked->indicator->name, asked->period, asked->who);
    struct state_scan *scan = state_scan_open(asked->turn, ANALYTICS_LACKING, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (said->n_lacking < LACKING_MAX && state_scan_next(scan, &key, &value)) {
        const Anarec__Case *one = analytics_load(asked->turn, bytes_get_u64(key.data + prefix.size));
        if (one && is_hidden(asked, one))
            continue;
        said->lacking = arena_grow(turn_arena(asked->turn), said->lacking, said->n_lacking, sizeof *said->lacking);
        said->lacking[said->n_lacking++] = one ? one->row->number : "";
    }
}

/* Those of its numbers whose cases a list can have. */
static char **counted_of(const struct asked *asked, const Anarec__Tally *tally, uint64_t lacking, size_t *count_out)
{
    char **counted = arena_alloc(turn_arena(asked->turn), 3 * sizeof *counted);
    *count_out = 0;
    if (tally->hits)
        counted[(*count_out)++] = (char *)(uintptr_t) "hits";
    if (tally->among && asked->indicator->figure != POLICY__INDICATOR__FIGURE__PER_THING) /* those are entries */
        counted[(*count_out)++] = (char *)(uintptr_t) "among";
    if (lacking)
        counted[(*count_out)++] = (char *)(uintptr_t) "lacking";
    return counted;
}

static uint32_t missed_in_a_row(const struct asked *asked)
{
    struct asked before = *asked;
    uint32_t count = 0;
    while (before.period && count < PERIODS_BACK_MAX && look(&before).missed) {
        count++;
        before.period = analytics_period_earlier(turn_arena(asked->turn), before.period, 0);
    }
    return count;
}

static void say_trend(const struct asked *asked, Analytics__Indicator *said)
{
    struct arena *arena = turn_arena(asked->turn);
    struct asked then = *asked;
    size_t count = 0;
    said->trend = arena_alloc(arena, asked->indicator->trend * sizeof *said->trend);
    for (; then.period && count < asked->indicator->trend;
         then.period = analytics_period_earlier(arena, then.period, 0)) {
        struct outcome outcome = measure(&then);
        Analytics__Point *point = TURN_NEW(asked->turn, Analytics__Point, analytics__point__init);
        point->period = (char *)(uintptr_t)then.period;
        point->value = figure_text(&then, &outcome);
        point->value_said = figure_said(&then, &outcome);
        point->hits = outcome.tally.hits;
        point->among = outcome.tally.among;
        point->counted = counted_of(&then, &outcome.tally, 0, &point->n_counted);
        said->trend[count++] = point;
    }
    said->n_trend = count;
    for (size_t i = 0; i < count / 2; i++) { /* oldest first */
        Analytics__Point *point = said->trend[i];
        said->trend[i] = said->trend[count - 1 - i];
        said->trend[count - 1 - i] = point;
    }
}

/* In percentage points of what is a percentage itself; "" where one of both is missing, or nothing can be divided by.
 */
static char *change_text(const struct asked *asked, const struct outcome *now, const struct outcome *then)
{
    struct arena *arena = turn_arena(asked->turn);
    int figure = (int)asked->indicator->figure;
    bool points = is_share(asked->indicator) || figure == POLICY__INDICATOR__FIGURE__WEIGHT ||
                  figure == POLICY__INDICATOR__FIGURE__DWELL;
    int64_t by = now->value - then->value, size = then->value < 0 ? -then->value : then->value;
    if (!now->there || !then->there || (!points && !size))
        return arena_strdup(arena, "");
    int64_t tenths = points ? by : (by * 1000 + (by < 0 ? -size / 2 : size / 2)) / size;
    int64_t shown = tenths < 0 ? -tenths : tenths;
    return arena_printf(arena, "%s%" PRId64 ".%" PRId64 " %s", tenths < 0 ? "-" : "+", shown / 10, shown % 10,
                        points ? "pp" : "%");
}

static void say_change(const struct asked *asked, const struct outcome *now, Policy__Target__Than than,
                       const char *name, Analytics__Indicator *said)
{
    struct asked other = *asked;
    struct outcome then = earlier(asked, than, &other.period);
    Analytics__Comparison *change = TURN_NEW(asked->turn, Analytics__Comparison, analytics__comparison__init);
    change->than = (char *)(uintptr_t)name;
    change->period = (char *)(uintptr_t)other.period;
    change->value = figure_text(&other, &then);
    change->value_said = figure_said(&other, &then);
    change->change = change_text(asked, now, &then);
    change->hits = then.tally.hits;
    change->among = then.tally.among;
    change->counted = counted_of(&other, &then.tally, 0, &change->n_counted);
    said->compared = arena_grow(turn_arena(asked->turn), said->compared, said->n_compared, sizeof *said->compared);
    said->compared[said->n_compared++] = change;
}

static Hb__Label *how_of(struct turn *turn, const Policy__Indicator *indicator)
{
    Hb__Label *how = TURN_NEW(turn, Hb__Label, hb__label__init);
    bool median = indicator->percent == 50;
    if (indicator->figure == POLICY__INDICATOR__FIGURE__PER_THING) {
        how->zh = "按登记册今天的条目数";
        how->en = "by the entries that the register has today";
    } else if (indicator->percent) {
        how->zh = median ? "按最近秩，件数为偶数时取中间两件的平均；误差不超过千分之一"
                         : "按最近秩：至少这一比例的案件不超过的最小值；误差不超过千分之一";
        how->en = median ? "nearest rank; of an even number the mean of both in the middle; off by at most a thousandth"
                         : "nearest rank: the least value that so many of the cases do not exceed; off by at most a "
                           "thousandth";
    } else {
        return NULL;
    }
    return how;
}

static void say(const struct asked *asked, Analytics__Indicators *all)
{
    static const char *const pers[] = {"site", "department", "handler", "stage", "category", "first_contact"};
    const Policy__Indicator *indicator = asked->indicator;
    const Policy__Target *target = target_of(indicator, asked->period);
    struct outcome outcome = look(asked);
    Analytics__Indicator *said = TURN_NEW(asked->turn, Analytics__Indicator, analytics__indicator__init);
    said->name = indicator->name;
    said->label = indicator->label;
    said->clauses = indicator->clauses;
    said->n_clauses = indicator->n_clauses;
    said->definition = indicator->text;
    said->of = indicator->of;
    said->n_of = indicator->n_of;
    said->where = indicator->where;
    said->how = how_of(asked->turn, indicator);
    said->since = analytics_since_text(asked->turn, asked->site, asked->policy, indicator);
    said->period = (char *)(uintptr_t)asked->period;
    said->per = (char *)(uintptr_t)pers[indicator->per];
    said->who = (char *)(uintptr_t)asked->who;
    said->meaning = meaning_of(asked);
    said->value = figure_text(asked, &outcome);
    said->value_said = figure_said(asked, &outcome);
    said->target = target ? target->text : said->target;
    said->target_said = target ? target_said(asked, target) : NULL;
    said->state = !outcome.there || outcome.unknown ? "no_data"
                  : outcome.missed                  ? "missed"
                  : outcome.met                     ? "met"
                                                    : "no_target";
    said->hits = outcome.tally.hits;
    said->among = outcome.tally.among;
    said->sum = outcome.tally.sum;
    if (indicator->figure == POLICY__INDICATOR__FIGURE__SHARE) {
        said->lacking_count = outcome.tally.among - outcome.tally.hits;
        add_lacking(asked, said);
    }
    said->counted = counted_of(asked, &outcome.tally, said->lacking_count, &said->n_counted);
    if (indicator->in_a_row) {
        said->missed_in_a_row = missed_in_a_row(asked);
        said->alarm = said->missed_in_a_row >= indicator->in_a_row;
    }
    if (indicator->trend) {
        say_trend(asked, said);
        say_change(asked, &outcome, POLICY__TARGET__THAN__PREVIOUS, "previous", said);
        if (strlen(asked->period) > 4) /* of a year the year before is both */
            say_change(asked, &outcome, POLICY__TARGET__THAN__LAST_YEAR, "last_year", said);
    }
    all->indicators = arena_grow(turn_arena(asked->turn), all->indicators, all->n_indicators, sizeof *all->indicators);
    all->indicators[all->n_indicators++] = said;
}

/* ---- whom it is about ---- */

static bool told(const Analytics__Indicators *all, size_t from, const char *who)
{
    for (size_t i = from; i < all->n_indicators; i++)
        if (strcmp(all->indicators[i]->who, who) == 0)
            return true;
    return false;
}

/* Each who has a tally of `of`, or of one of its parts: each once. */
static void say_each(const struct asked *asked, const Policy__Indicator *of, size_t from, Analytics__Indicators *all)
{
    for (size_t i = 0; i < of->n_parts; i++) {
        const Policy__Indicator *part = policy_indicator(asked->policy, of->parts[i]->indicator);
        if (part)
            say_each(asked, part, from, all);
    }
    struct key prefix = analytics_tally_key(asked->site, of->name, asked->period, NULL);
    struct state_scan *scan = state_scan_open(asked->turn, ANALYTICS_TALLY, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (all->n_indicators < FIGURES_MAX && state_scan_next(scan, &key, &value)) {
        struct asked one = *asked;
        one.who = arena_strdup(turn_arena(asked->turn), (const char *)key.data + prefix.size);
        one.indicator = of;
        const Anarec__Tally tally = tally_of(&one);
        one.indicator = asked->indicator;
        if ((tally.hits || tally.among) && !told(all, from, one.who))
            say(&one, all);
    }
}

static bool has_period(const Policy__Indicator *indicator, Policy__Term__Period period)
{
    for (size_t i = 0; i < indicator->n_periods; i++)
        if (indicator->periods[i] == period)
            return true;
    return false;
}

/* The longest first; before them all, which it is. */
static int by_time(const void *a, const void *b)
{
    const Analytics__Indicator *x = *(Analytics__Indicator *const *)a, *y = *(Analytics__Indicator *const *)b;
    if (!*x->who != !*y->who)
        return *x->who ? 1 : -1;
    return x->sum != y->sum ? (x->sum > y->sum ? -1 : 1) : strcmp(x->who, y->who);
}

/* In order, and of those only what may be seen. */
static void order(struct asked *asked, size_t from, Analytics__Indicators *all)
{
    if (all->n_indicators == from) /* there may be no rows at all */
        return;
    Analytics__Indicator **rows = all->indicators + from;
    size_t count = all->n_indicators - from;
    if (asked->indicator->figure == POLICY__INDICATOR__FIGURE__DWELL && count > 1)
        qsort(rows, count, sizeof *rows, by_time);
    if (asked->indicator->ranked)
        analytics_rank(asked->indicator, rows, count);
    all->n_indicators =
        from + analytics_rank_shown(asked->turn, asked->site, asked->indicator, asked->actor, asked->only, rows, count);
}

static void say_indicator(struct asked *asked, const char *period, Analytics__Indicators *all)
{
    size_t from = all->n_indicators;
    asked->period = period;
    asked->who = asked->only;
    bool site = asked->indicator->per == POLICY__INDICATOR__PER__SITE, ranked = asked->indicator->ranked;
    if (*asked->only && site)
        return;
    if (site || (*asked->only && !ranked))
        say(asked, all);
    else
        say_each(asked, asked->indicator, from, all);
    order(asked, from, all);
    if (all->n_indicators == from && !asked->indicator->n_see) { /* what is measured is shown also while nothing is */
        asked->who = asked->only;
        say(asked, all);
    }
}

const Analytics__Indicators *analytics_indicator(struct turn *turn, const char *site, const char *name,
                                                 const char *period, const char *who)
{
    const struct analytics_hidden_cases none = {0};
    struct asked asked = {.turn = turn, .site = site, .only = who, .hidden = &none};
    Analytics__Indicators *all = TURN_NEW(turn, Analytics__Indicators, analytics__indicators__init);
    asked.policy = organisation_policy(turn, site, 0);
    asked.indicator = asked.policy ? policy_indicator(asked.policy, name) : NULL;
    if (asked.indicator)
        say_indicator(&asked, period, all);
    return all;
}

static void refuse_name(struct turn *turn, const Policy__Policy *policy, const char *name)
{
    char *all = arena_strdup(turn_arena(turn), "");
    for (size_t i = 0; policy && i < policy->n_indicators; i++)
        all = arena_printf(turn_arena(turn), "%s%s%s", all, i ? " " : "", policy->indicators[i]->name);
    Hb__Refusal *refusal =
        turn_refuse(turn, 400, "bad_parameter", arena_printf(turn_arena(turn), "没有指标 %s；有：%s", name, all),
                    arena_printf(turn_arena(turn), "there is no indicator %s; there are: %s", name, all));
    refusal_field(turn, refusal, "name");
}

void analytics_answer_indicators(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    const char *period = query->analytics->indicators->period;
    int year, month;
    Policy__Term__Period kind = POLICY__TERM__PERIOD__MONTH;
    if (*period && !analytics_period_parse(period, &year, &month, &kind)) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 400, "bad_parameter", "期间须如 2025、2025-Q1、2025-03、2025-03-16",
                        "a period is accepted, as 2025, 2025-Q1, 2025-03, 2025-03-16 (a half month)");
        refusal_field(turn, refusal, "period");
        return;
    }
    struct analytics_hidden_cases hidden;
    struct asked asked = {.turn = turn,
                          .site = query->site,
                          .policy = organisation_policy(turn, query->site, 0),
                          .hidden = &hidden,
                          .actor = query->actor,
                          .only = query->analytics->indicators->who};
    const char *name = query->analytics->indicators->name;
    if (*name && (!asked.policy || !policy_indicator(asked.policy, name))) {
        refuse_name(turn, asked.policy, name);
        return;
    }
    if (!analytics_hidden_cases(turn, query->site, query->actor, &hidden))
        return;
    Analytics__Indicators *all = TURN_NEW(turn, Analytics__Indicators, analytics__indicators__init);
    reply->kind_case = ANALYTICS__REPLY__KIND_INDICATORS;
    reply->indicators = all;
    all->site = query->site;
    all->policy_version = asked.policy ? asked.policy->version : 0;
    for (size_t i = 0; asked.policy && i < asked.policy->n_indicators; i++) {
        asked.indicator = asked.policy->indicators[i];
        if (*name && strcmp(asked.indicator->name, name) != 0)
            continue;
        for (size_t p = 0; !*period && p < asked.indicator->n_periods; p++)
            say_indicator(&asked, analytics_period_text(turn, query->site, turn_now(turn), asked.indicator->periods[p]),
                          all);
        if (*period && has_period(asked.indicator, kind))
            say_indicator(&asked, period, all);
    }
}
