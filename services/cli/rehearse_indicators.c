/* `expect: {indicator: {revisit_rate 2025-03: 97.8 % missed}}`: a figure of the policy, as analytics has it at that
   instant. The key is a name, a period and, where it is counted per department, handler or category, which; the value
   is a figure, a state, or both. Behind a comma: `previous`, `last_year` for the change since, `trend` for its periods,
   `lacking` for the numbers of the cases that a share lacks. */
#include "rehearse_check.h"
#include "rehearse_reading.h"

void reading_indicators(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const Policy__Policy *policy = reading->scenario->policy;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        size_t size = strcspn(key, " ");
        const char *name = arena_text(reading->arena, key, size);
        struct expectation one = {.what = EXPECT_INDICATOR,
                                  .line = reading_line_of(reading, value),
                                  .field = reading->path,
                                  .case_name = "",
                                  .name = arena_strdup(reading->arena, key),
                                  .value = reading_text_of(reading, value)};
        const char **names = NAMES(reading, policy->indicators, policy->n_indicators);
        if (!reading_among(name, names, policy->n_indicators))
            reading_wrong_word(reading, value, "没有指标", "there is no indicator", name, names, policy->n_indicators);
        else if (!key[size])
            wrong(reading, value, "须写明期间，如 \"%s 2025-03\"", "name the period, as \"%s 2025-03\"", name);
        ADD(reading, line->expect, line->expect_count, one);
    }
}

/* "NAME PERIOD WHO"; without WHO the only one there is. */
static const Analytics__Indicator *find(struct world *world, const char *wanted, const Analytics__Indicators *all)
{
    const Analytics__Indicator *found = NULL;
    for (size_t i = 0; all && i < all->n_indicators; i++) {
        const Analytics__Indicator *one = all->indicators[i];
        const char *short_name = arena_printf(&world->arena, "%s %s", one->name, one->period);
        const char *whole = arena_printf(&world->arena, "%s %s", short_name, one->who);
        if (strcmp(wanted, whole) == 0)
            return one;
        if (!*one->who && strcmp(wanted, short_name) == 0)
            return one;
        if (strcmp(wanted, short_name) == 0)
            found = found ? NULL : one;
    }
    return found;
}

static const char *compared(struct world *world, const Analytics__Indicator *one, const char *with)
{
    char *text = arena_strdup(&world->arena, "");
    for (size_t i = 0; i < one->n_compared; i++)
        if (strcmp(one->compared[i]->than, with) == 0)
            return *one->compared[i]->change ? one->compared[i]->change : "no_data";
    for (size_t i = 0; i < one->n_trend && strcmp(with, "trend") == 0; i++)
        text = arena_printf(&world->arena, "%s%s%s", text, i ? ", " : "",
                            *one->trend[i]->value ? one->trend[i]->value : "-");
    for (size_t i = 0; i < one->n_lacking && strcmp(with, "lacking") == 0; i++)
        text = arena_printf(&world->arena, "%s%s%s", text, i ? ", " : "", one->lacking[i]);
    return *text ? text : "none";
}

bool check_indicator(struct world *world, const struct expectation *expectation, struct difference *out)
{
    const char *period = expectation->name + strcspn(expectation->name, " ");
    const char *comma = strstr(expectation->name, ", ");
    period += *period == ' ';
    period = arena_text(&world->arena, period, strcspn(period, " ,"));
    const char *wanted =
        comma ? arena_text(&world->arena, expectation->name, (size_t)(comma - expectation->name)) : expectation->name;
    const Analytics__Indicator *one = find(world, wanted, world_indicators(world, period));
    const char *now = !one          ? "not there, or there are several"
                      : comma       ? compared(world, one, comma + 2)
                      : *one->value ? arena_printf(&world->arena, "%s %s", one->value, one->state)
                                    : one->state;
    if (one && (strcmp(expectation->value, now) == 0 || (!comma && (strcmp(expectation->value, one->value) == 0 ||
                                                                    strcmp(expectation->value, one->state) == 0))))
        return true;
    *out = (struct difference){
        expectation->line, expectation->field,
        arena_printf(&world->arena, "应为 indicator %s %s，实为 %s", expectation->name, expectation->value, now),
        arena_printf(&world->arena, "expected indicator %s %s; it is %s", expectation->name, expectation->value, now)};
    return false;
}
