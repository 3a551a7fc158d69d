/* Since when an indicator is counted as the policy in force has it: a case counts by the version it was registered
   under, so what was registered before is not in its figures, or is as that version meant it. Folded as policies are
   published; a version that leaves the indicator out, or means something else by it, begins it anew.

   Table since: site NUL, indicator NUL -> Since. */
#include "analytics.h"
#include "calendar/calendar.h"
#include "message/message.h"

static struct key key_of(const char *site, const char *indicator)
{
    struct key key = key_text(site);
    key_add_text(&key, indicator);
    return key;
}

static const Anarec__Since *since_of(struct turn *turn, const char *site, const char *indicator)
{
    struct key key = key_of(site, indicator);
    return state_load(turn, ANALYTICS_SINCE, key_bytes(&key), &anarec__since__descriptor);
}

/* Of what it is counted, and how: neither what it is called nor which target it has. */
static struct bytes meaning_of(struct turn *turn, const Policy__Indicator *indicator)
{
    Policy__Indicator meaning = POLICY__INDICATOR__INIT;
    meaning.of = indicator->of;
    meaning.n_of = indicator->n_of;
    meaning.condition = indicator->condition;
    meaning.figure = indicator->figure;
    meaning.what = indicator->what;
    meaning.among = indicator->among;
    meaning.times = indicator->times;
    meaning.per = indicator->per;
    meaning.parts = indicator->parts;
    meaning.n_parts = indicator->n_parts;
    meaning.percent = indicator->percent;
    meaning.periods = indicator->periods;
    meaning.n_periods = indicator->n_periods;
    return message_pack(&meaning.base, turn_arena(turn));
}

static void fold_indicator(struct turn *turn, const Directory__PolicyPublished *said, int64_t at_ms,
                           const Policy__Indicator *indicator)
{
    const Anarec__Since *before = since_of(turn, said->site, indicator->name);
    struct bytes meaning = meaning_of(turn, indicator);
    bool goes_on = before && before->version + 1 == said->version &&
                   bytes_equal(bytes_of(before->meaning.data, before->meaning.len), meaning);
    Anarec__Since since = ANAREC__SINCE__INIT;
    since.at_ms = goes_on ? before->at_ms : at_ms;
    since.version = said->version;
    since.meaning = (ProtobufCBinaryData){meaning.size, (uint8_t *)(uintptr_t)meaning.data};
    struct key key = key_of(said->site, indicator->name);
    state_save(turn, ANALYTICS_SINCE, key_bytes(&key), &since.base);
}

void analytics_since_fold(struct turn *turn, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_DIRECTORY ||
        event->directory->kind_case != DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        return;
    const Directory__PolicyPublished *said = event->directory->policy_published;
    const Policy__Policy *policy = organisation_policy(turn, said->site, said->version);
    for (size_t i = 0; policy && i < policy->n_indicators; i++)
        fold_indicator(turn, said, event->recorded_ms, policy->indicators[i]);
}

/* One made of others is whole when all of them are. Policies name only indicators that stand before: this ends. */
static int64_t since_ms(struct turn *turn, const char *site, const Policy__Policy *policy,
                        const Policy__Indicator *indicator)
{
    const Anarec__Since *since = since_of(turn, site, indicator->name);
    int64_t last_ms = since ? since->at_ms : 0;
    for (size_t i = 0; i < indicator->n_parts; i++) {
        const Policy__Indicator *part = policy_indicator(policy, indicator->parts[i]->indicator);
        int64_t part_ms = part ? since_ms(turn, site, policy, part) : 0;
        last_ms = part_ms > last_ms ? part_ms : last_ms;
    }
    return last_ms;
}

char *analytics_since_text(struct turn *turn, const char *site, const Policy__Policy *policy,
                           const Policy__Indicator *indicator)
{
    int64_t ms = since_ms(turn, site, policy, indicator);
    int year, month, day;
    if (!ms)
        return (char *)(uintptr_t) "";
    date_split(date_of_local(zone_local_ms(organisation_zone(turn, site), ms)), &year, &month, &day);
    return arena_printf(turn_arena(turn), "%04d-%02d-%02d", year, month, day);
}
