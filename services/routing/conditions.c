/* Conditions of route rows over the facts of a case. Routing hears no notices: what was told is unknown here. */
#include "routing.h"

#include "calendar/calendar.h"
#include "policy/condition.h"

struct looking {
    struct turn *turn;
    const Routerec__Case *record;
    const struct facts *facts;
    int64_t now_ms;
};

static int minute_of_day(void *context, int64_t ms)
{
    const struct looking *looking = context;
    int64_t local = zone_local_ms(organisation_zone(looking->turn, looking->record->site), ms);
    return (int)((local - date_of_local(local) * DAY_MS) / MINUTE_MS);
}

static bool term_instant(void *context, const Policy__Term *term, int64_t *ms_out)
{
    const struct looking *looking = context;
    switch (term->unit) {
    case POLICY__TERM__UNIT__DATE:
        *ms_out = term->at_ms;
        return true;
    case POLICY__TERM__UNIT__NOW:
        *ms_out = looking->now_ms;
        return true;
    case POLICY__TERM__UNIT__FIELD:
        return facts_time(looking->facts, term->field, ms_out);
    case POLICY__TERM__UNIT__UNIT_NONE:
    case POLICY__TERM__UNIT__MINUTES:
    case POLICY__TERM__UNIT__HOURS:
    case POLICY__TERM__UNIT__NATURAL_DAYS:
    case POLICY__TERM__UNIT__WORKING_DAYS:
    case POLICY__TERM__UNIT__WEEKS:
    case POLICY__TERM__UNIT__MONTHS:
    case POLICY__TERM__UNIT__SAME_DAY:
    case POLICY__TERM__UNIT__NEXT_DAY:
    case POLICY__TERM__UNIT__TIME_OF_DAY:
        break;
    }
    return false;
}

enum truth routing_holds(struct turn *turn, const Routerec__Case *record, const Policy__Condition *condition,
                         int64_t now_ms)
{
    struct facts facts = {record->facts, record->n_facts};
    struct looking looking = {turn, record, &facts, now_ms};
    struct condition_context context = {
        .now_ms = now_ms, .context = &looking, .minute_of_day = minute_of_day, .term_instant = term_instant};
    return condition_holds(condition, &facts, &context, NULL);
}
