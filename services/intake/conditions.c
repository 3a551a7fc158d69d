/* Conditions over the facts of a case that is being registered. Nothing has been told yet, and nothing is linked whose
   facts intake knows. */
#include "intake.h"

#include "calendar/calendar.h"
#include "organisation/organisation.h"
#include "policy/condition.h"

struct looking {
    struct turn *turn;
    const struct intake_new *fresh;
};

static int minute_of_day(void *context, int64_t ms)
{
    const struct looking *looking = context;
    int64_t local = zone_local_ms(organisation_zone(looking->turn, looking->fresh->site->id), ms);
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
        *ms_out = turn_now(looking->turn);
        return true;
    case POLICY__TERM__UNIT__FIELD:
        return facts_time(looking->fresh->facts, term->field, ms_out);
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

static enum truth told(void *context, const char *notice)
{
    (void)context;
    (void)notice;
    return TRUTH_NO;
}

enum truth intake_holds(struct turn *turn, const struct intake_new *fresh, const Policy__Condition *condition,
                        const char **missing_out)
{
    struct looking looking = {turn, fresh};
    struct condition_context context = {.now_ms = fresh->historic ? fresh->received_ms : turn_now(turn),
                                        .context = &looking,
                                        .minute_of_day = minute_of_day,
                                        .term_instant = term_instant,
                                        .told = told};
    return condition_holds(condition, fresh->facts, &context, missing_out);
}
