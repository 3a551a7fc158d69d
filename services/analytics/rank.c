/* Ranks of an indicator that is counted of several, and whom each figure is shown to (`rank`, `see`). */
#include "analytics.h"

#include <stdlib.h>

/* As it is shown: whoever reads the list can check the order. */
static double shown(const Analytics__Indicator *one)
{
    return *one->value ? strtod(one->value, NULL) : 0;
}

static int by_who(const Analytics__Indicator *x, const Analytics__Indicator *y)
{
    if (!*x->value != !*y->value)
        return *x->value ? -1 : 1;
    return strcmp(x->who, y->who);
}

static int lowest_first(const void *a, const void *b)
{
    const Analytics__Indicator *x = *(Analytics__Indicator *const *)a, *y = *(Analytics__Indicator *const *)b;
    bool differ = *x->value && *y->value && shown(x) != shown(y);
    return differ ? (shown(x) < shown(y) ? -1 : 1) : by_who(x, y);
}

static int highest_first(const void *a, const void *b)
{
    const Analytics__Indicator *x = *(Analytics__Indicator *const *)a, *y = *(Analytics__Indicator *const *)b;
    bool differ = *x->value && *y->value && shown(x) != shown(y);
    return differ ? (shown(x) > shown(y) ? -1 : 1) : by_who(x, y);
}

/* So many percent of all, to the nearest; whoever is equal to the last of them is marked as well: no name decides. */
void analytics_rank(const Policy__Indicator *indicator, Analytics__Indicator **list, size_t count)
{
    size_t ranked = 0;
    if (count)
        qsort(list, count, sizeof *list, indicator->highest || !indicator->ranked ? highest_first : lowest_first);
    while (ranked < count && *list[ranked]->value)
        ranked++;
    size_t marks = (ranked * indicator->rank_permille + 500) / 1000;
    for (size_t i = 0; i < ranked; i++) {
        bool equal = i && shown(list[i]) == shown(list[i - 1]);
        list[i]->rank = equal ? list[i - 1]->rank : (uint32_t)i + 1;
        list[i]->marked = i < marks || (equal && list[i - 1]->marked);
    }
}

static bool shows(struct turn *turn, const char *site, const Policy__Indicator *indicator, const Hb__Actor *actor,
                  const char *who)
{
    const char *role = indicator->per == POLICY__INDICATOR__PER__DEPARTMENT      ? "lead"
                       : indicator->per == POLICY__INDICATOR__PER__HANDLER       ? "handler"
                       : indicator->per == POLICY__INDICATOR__PER__FIRST_CONTACT ? "first_contact"
                                                                                 : "category";
    struct facts facts = {0};
    if (!indicator->n_see || !actor || actor->operator_)
        return true;
    if (*who)
        facts_set(turn_arena(turn), &facts, role, value_text(turn, who));
    return who_includes(turn, site, indicator->see, indicator->n_see, &facts, actor);
}

size_t analytics_rank_shown(struct turn *turn, const char *site, const Policy__Indicator *indicator,
                            const Hb__Actor *actor, const char *who, Analytics__Indicator **list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if ((!*who || strcmp(list[i]->who, who) == 0) && shows(turn, site, indicator, actor, list[i]->who))
            list[kept++] = list[i];
    return kept;
}
