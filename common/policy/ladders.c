/* Ladders: who is told or takes over when a clock runs, is late, or nobody answers. */
#include "policy/internal.h"

#include <stdlib.h>

#define REPEATS_DEFAULT 12u
#define REPEATS_MAX 100u

static bool is_span(const Policy__Term *term)
{
    switch (term->unit) {
    case POLICY__TERM__UNIT__MINUTES:
    case POLICY__TERM__UNIT__HOURS:
    case POLICY__TERM__UNIT__NATURAL_DAYS:
    case POLICY__TERM__UNIT__WORKING_DAYS:
    case POLICY__TERM__UNIT__WEEKS:
        return term->amount > 0 && !*term->field && !term->before;
    default:
        return false;
    }
}

static void at_most_of(struct compile *compile, json_t *node, Policy__LadderRow *row)
{
    char *end = "";
    unsigned long count = node ? strtoul(text_of(compile, node), &end, 10) : REPEATS_DEFAULT;
    if (*end || count < 1 || count > REPEATS_MAX)
        mistake(compile, node, "at_most 可为 1 至 %u 次", "at_most is 1 to %u times", REPEATS_MAX);
    row->repeat_at_most = (uint32_t)count;
}

/* `repeat: 10 min`, or with how often: `repeat: {every: 10 min, at_most: 6}`. */
static void repeat_of(struct compile *compile, json_t *node, Policy__LadderRow *row)
{
    if (!node)
        return;
    json_t *every = json_is_object(node) ? json_object_get(node, "every") : node;
    if (json_is_object(node))
        ONLY_KEYS(compile, node, "every", "at_most");
    row->repeat = every ? term_of(compile, every) : NULL;
    at_most_of(compile, json_is_object(node) ? json_object_get(node, "at_most") : NULL, row);
    if (!row->repeat || !is_span(row->repeat)) {
        mistake(compile, every ? every : node, "repeat 须为时段，如 10 min、1 day，或 {every: 10 min, at_most: 6}",
                "repeat is a span as 10 min or 1 day, or {every: 10 min, at_most: 6}");
        row->repeat = NULL;
    }
    if (row->at == POLICY__LADDER_ROW__AT__WARNING)
        mistake(compile, node, "预警每个期限只说一次：warning 行不能 repeat",
                "a warning is said once for each due: a row at \"warning\" has no repeat");
    if (row->n_tell == 0)
        mistake(compile, node, "repeat 须有被告知者：缺少 tell", "repeat needs somebody to tell: \"tell\" is missing");
}

static void ladder_row_of(struct compile *compile, json_t *item, Policy__Ladder *ladder)
{
    Policy__LadderRow *row = POLICY_NEW(compile, Policy__LadderRow, POLICY__LADDER_ROW__INIT);
    ONLY_KEYS(compile, item, "at", "tell", "page", "hand_to", "acknowledge", "repeat");
    json_t *at = json_object_get(item, "at");
    const char *text = text_of(compile, at);
    char *end;
    double percent = strtod(text, &end);
    if (strcmp(text, "start") == 0) {
        row->at = POLICY__LADDER_ROW__AT__START;
    } else if (strcmp(text, "warning") == 0) {
        row->at = POLICY__LADDER_ROW__AT__WARNING;
    } else if (strcmp(text, "late") == 0) {
        row->at = POLICY__LADDER_ROW__AT__LATE;
    } else if (strcmp(text, "unacknowledged") == 0) {
        row->at = POLICY__LADDER_ROW__AT__UNACKNOWLEDGED;
        bool asked = false;
        for (size_t i = ladder->n_rows; i-- > 0 && !asked;) {
            asked = ladder->rows[i]->acknowledge != NULL;
            if (ladder->rows[i]->at != POLICY__LADDER_ROW__AT__UNACKNOWLEDGED)
                break;
        }
        if (!asked)
            mistake(compile, at, "此行之前没有人被要求确认：缺少 acknowledge（如 acknowledge: 2 min）",
                    "nobody is asked to acknowledge before this row: \"acknowledge: 2 min\" is missing");
    } else if (text[0] == '+') {
        row->at = POLICY__LADDER_ROW__AT__AFTER;
        json_t *span = json_string(text + 1);
        row->after = term_of(compile, span);
        json_decref(span);
    } else if (end != text && strcmp(end, " %") == 0 && percent >= 100) {
        row->at = POLICY__LADDER_ROW__AT__PERMILLE;
        row->permille = (uint32_t)(percent * 10 + 0.5);
    } else {
        mistake(compile, at ? at : item, "可用：start、warning、late、+4 h、150 %%、unacknowledged",
                "accepted: start, warning, late, +4 h, 150 %%, unacknowledged");
    }
    whos_of(compile, json_object_get(item, "tell"), &row->tell, &row->n_tell);
    whos_of(compile, json_object_get(item, "page"), &row->tell, &row->n_tell);
    if (json_object_get(item, "hand_to"))
        row->hand_to = who_of(compile, json_object_get(item, "hand_to"));
    if (json_object_get(item, "acknowledge"))
        row->acknowledge = term_of(compile, json_object_get(item, "acknowledge"));
    repeat_of(compile, json_object_get(item, "repeat"), row);
    if (row->n_tell == 0 && !row->hand_to)
        mistake(compile, item, "该级无人告知：须有 tell 或 hand_to",
                "this level tells nobody: \"tell\" or \"hand_to\" is needed");
    bool counts = row->at != POLICY__LADDER_ROW__AT__START && row->at != POLICY__LADDER_ROW__AT__WARNING;
    for (size_t i = 0; counts && i < ladder->n_rows; i++)
        row->level = ladder->rows[i]->level > row->level ? ladder->rows[i]->level : row->level;
    row->level += counts;
    POLICY_ADD(compile, ladder->rows, ladder->n_rows, row);
}

void ladders_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item, *row;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "rows");
        Policy__Ladder *ladder = POLICY_NEW(compile, Policy__Ladder, POLICY__LADDER__INIT);
        ladder->name = arena_strdup(compile->arena, name);
        clauses_of(compile, item, &ladder->clauses, &ladder->n_clauses, true);
        size_t i;
        json_array_foreach(json_object_get(item, "rows"), i, row)
            ladder_row_of(compile, row, ladder);
        if (ladder->n_rows == 0)
            mistake(compile, item, "升级梯须有行，如 [{at: late, tell: coordinator}]",
                    "a ladder needs rows, as [{at: late, tell: coordinator}]");
        POLICY_ADD(compile, compile->policy->ladders, compile->policy->n_ladders, ladder);
        compile->path = before;
    }
}
