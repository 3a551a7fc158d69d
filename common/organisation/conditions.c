#include "organisation/conditions.h"

#include "calendar/calendar.h"

static bool resolve(void *context, const char *name, int64_t *ms_out)
{
    const struct case_view *view = context;
    return facts_time(view->facts, name, ms_out) || (view->moment && view->moment(view->context, name, ms_out));
}

static unsigned close_of_business(const struct case_view *view)
{
    const Policy__Defaults *defaults = view->policy ? view->policy->defaults : NULL;
    return defaults && defaults->close_of_business_min ? defaults->close_of_business_min : CLOSE_OF_BUSINESS_DEFAULT;
}

bool case_instant_from(const struct case_view *view, const Policy__Term *term, const Policy__TimeOptions *options,
                       int64_t from_ms, int64_t *ms_out)
{
    struct due_rules rules = {.calendar =
                                  organisation_calendar(view->turn, view->site, options ? options->calendar : ""),
                              .options = options,
                              .close_of_business_min = close_of_business(view),
                              .resolve = resolve,
                              .context = (void *)(uintptr_t)view};
    struct due due;
    if (!due_compute(&rules, term, from_ms, turn_arena(view->turn), &due))
        return false;
    *ms_out = due.at_ms;
    return true;
}

bool case_instant(const struct case_view *view, const Policy__Term *term, int64_t *ms_out)
{
    if (term->unit == POLICY__TERM__UNIT__NOW) {
        *ms_out = view->now_ms;
        return true;
    }
    return case_instant_from(view, term, NULL, view->now_ms, ms_out);
}

static int minute_of_day(void *context, int64_t ms)
{
    const struct case_view *view = context;
    int64_t local = zone_local_ms(organisation_zone(view->turn, view->site), ms);
    return (int)((local - (int64_t)date_of_local(local) * DAY_MS) / MINUTE_MS);
}

static bool term_instant(void *context, const Policy__Term *term, int64_t *ms_out)
{
    return case_instant(context, term, ms_out);
}

static enum truth told(void *context, const char *notice)
{
    const struct case_view *view = context;
    return view->told ? view->told(view->context, notice) : TRUTH_UNKNOWN;
}

static const struct facts *linked(void *context, const char *link, size_t index)
{
    const struct case_view *view = context;
    return view->linked ? view->linked(view->context, link, index) : NULL;
}

enum truth case_holds(const struct case_view *view, const Policy__Condition *condition, const char **missing_out)
{
    struct condition_context context = {.now_ms = view->now_ms,
                                        .context = (void *)(uintptr_t)view,
                                        .minute_of_day = minute_of_day,
                                        .term_instant = term_instant,
                                        .told = told,
                                        .linked = linked};
    return condition_holds(condition, view->facts, &context, missing_out);
}
