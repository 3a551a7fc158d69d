/* `expect: {sees: {c1.reply: 已修好, c1.cause: withheld}}`: what the complainant is told of his case at that instant,
   by casework (texts opened by intake) and, of dates, by watchdog, which is what the portal draws its page from. A
   field, text, place, stage, lead, `due.CLOCK` or `letter.DOCUMENT`, with what he reads there; `present`: he is shown
   it, whatever it says; `withheld`: it has a value and he is not shown it; `missing`: it has none. {c1: [text, reply]}:
   of the fields exactly these. */
#include "rehearse_check.h"
#include "rehearse_reading.h"

#include "policy/facts.h"

#define DUE "due."
#define LETTER "letter."

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* ---- reading ---- */

static void name_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *name)
{
    static const char *const own[] = {"text", "place", "stage"};
    const Policy__Policy *policy = reading->scenario->policy;
    if (starts(name, DUE))
        reading_clock_known(reading, node, kind, name + strlen(DUE));
    else if (starts(name, LETTER) && !policy_document(policy, name + strlen(LETTER)))
        reading_wrong_word(reading, node, "制度中没有文书", "the policy has no document", name + strlen(LETTER),
                           NAMES(reading, policy->documents, policy->n_documents), policy->n_documents);
    else if (!starts(name, LETTER) && !reading_among(name, own, sizeof own / sizeof *own))
        reading_field_known(reading, node, kind, name);
}

static void read_list(struct reading *reading, struct scenario_line *line, json_t *node, const char *case_name)
{
    struct expectation one = expectation_new(reading, EXPECT_SEES, node);
    const struct known_case *known = reading_case_of(reading, node, case_name);
    size_t count;
    char **names = reading_texts_of(reading, node, &count);
    for (size_t i = 0; known && i < count; i++)
        name_known(reading, node, known->kind, names[i]);
    one.case_name = case_name;
    one.value = arena_join(reading->arena, (const char *const *)names, count, " ");
    expectation_add(reading, line, one);
}

static void read_one(struct reading *reading, struct scenario_line *line, json_t *node, const char *case_name,
                     const char *name)
{
    struct expectation one = expectation_new(reading, EXPECT_SEES, node);
    const struct known_case *known = reading_case_of(reading, node, case_name);
    struct scenario_clock before = reading->clock;
    one.case_name = case_name;
    one.name = name;
    one.value = reading_text_of(reading, node);
    if (known)
        name_known(reading, node, known->kind, name);
    static const char *const words[] = {"present", "withheld", "missing"};
    if (starts(name, DUE) && !reading_among(one.value, words, sizeof words / sizeof *words)) {
        reading->clock.base_ms = reading->line_ms; /* +10 min counts from this line */
        one.at_ms = reading_time_of(reading, node);
        reading->clock = before;
    }
    expectation_add(reading, line, one);
}

void reading_sees(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        const char *name, *case_name = reading_split(reading, arena_strdup(reading->arena, key), &name);
        if (*name)
            read_one(reading, line, value, case_name, name);
        else if (json_is_array(value))
            read_list(reading, line, value, case_name);
        else
            wrong(reading, value, "须为 {案件.字段: 所见} 或 {案件: [字段, ..]}",
                  "accepted: {CASE.FIELD: what he sees} or {CASE: [FIELD, ..]}");
    }
}

/* ---- what he sees ---- */

struct sight {
    struct world *world;
    const struct expectation *expectation;
    uint64_t case_id;
    const Casework__OwnCase *own;
    const Casework__CaseFile *file; /* as the rehearsal itself sees it */
};

static Hb__Sealed *box_of(Hb__Field *const *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i]->name, name) == 0 && fields[i]->content_case == HB__FIELD__CONTENT_TEXT &&
            fields[i]->text->kind_case == HB__PERSONAL__KIND_SEALED)
            return fields[i]->text->sealed;
    return NULL;
}

/* The newest that he was told, or wrote himself. */
static Hb__Sealed *text_shown(const Casework__OwnCase *own, const char *name)
{
    Hb__Sealed *box = NULL;
    for (size_t i = own->n_moments; i-- > 0 && !box;)
        box = box_of(own->moments[i]->texts, own->moments[i]->n_texts, name);
    return box ? box : box_of(own->own_texts, own->n_own_texts, name);
}

static Hb__Sealed *letter_shown(const Casework__OwnCase *own, const char *document)
{
    for (size_t i = own->n_moments; i-- > 0;) {
        Hb__Letter *letter = own->moments[i]->letter;
        if (letter && strcmp(letter->document, document) == 0)
            return letter->text ? box_of(&letter->text, 1, letter->text->name) : NULL;
    }
    return NULL;
}

static const Hb__Value *value_shown(const struct sight *sight, const char *name)
{
    const Casework__OwnCase *own = sight->own;
    Hb__Value *text = WORLD_NEW(sight->world, Hb__Value, hb__value__init);
    text->kind_case = HB__VALUE__KIND_TEXT;
    text->text = strcmp(name, "stage") == 0 ? own->stage : own->lead;
    if (strcmp(name, "stage") == 0 || (strcmp(name, "lead") == 0 && *own->lead))
        return text;
    const Hb__Value *value = facts_get(&(struct facts){own->facts, own->n_facts}, name);
    return value ? value : facts_get(&(struct facts){own->own_facts, own->n_own_facts}, name);
}

/* ---- what there is ---- */

static bool has_value(const struct sight *sight, const char *name)
{
    const Casework__CaseFile *file = sight->file;
    bool has = (strcmp(name, "text") == 0 && file->text) || box_of(file->texts, file->n_texts, name) ||
               facts_get(&(struct facts){file->facts, file->n_facts}, name);
    for (size_t i = 0; i < file->n_documents && starts(name, LETTER) && !has; i++)
        has = strcmp(file->documents[i]->document, name + strlen(LETTER)) == 0;
    return has;
}

/* ---- comparing ---- */

static const char *unseen(bool has)
{
    return has ? "withheld" : "missing";
}

static bool is_text(struct world *world, const struct sight *sight, Hb__Sealed *box, struct difference *out)
{
    const char *value = sight->expectation->value;
    if (strcmp(value, "present") == 0)
        return true;
    const char *text = world_own_text(world, sight->case_id, box);
    return (*text && strstr(text, value) && strcmp(value, "withheld") != 0 && strcmp(value, "missing") != 0) ||
           check_differs_from(world, sight->expectation, *text ? text : "sealed", out);
}

static bool check_one(const struct sight *sight, struct difference *out)
{
    const struct expectation *expectation = sight->expectation;
    struct world *world = sight->world;
    const char *name = expectation->name;
    Hb__Sealed *box =
        starts(name, LETTER) ? letter_shown(sight->own, name + strlen(LETTER)) : text_shown(sight->own, name);
    if (box)
        return is_text(world, sight, box, out);
    const Hb__Value *value = value_shown(sight, name);
    if (value)
        return check_same_value(world, value, expectation->value) ||
               check_differs_from(world, expectation, check_value_text(world, value), out);
    const char *now = unseen(has_value(sight, name));
    return strcmp(now, expectation->value) == 0 || check_differs_from(world, expectation, now, out);
}

static const Watchdog__ClockState *clock_of(const Watchdog__Clocks *clocks, const char *name)
{
    const Watchdog__ClockState *state = NULL;
    for (size_t i = 0; clocks && i < clocks->n_clocks; i++)
        if (check_same_clock(clocks->clocks[i]->instance, name))
            state = clocks->clocks[i];
    return state;
}

static bool check_date(const struct sight *sight, struct difference *out)
{
    const struct expectation *expectation = sight->expectation;
    struct world *world = sight->world;
    const char *clock = expectation->name + strlen(DUE);
    const Watchdog__ClockState *state = clock_of(world_clocks(world, sight->case_id, "complainant"), clock);
    const Watchdog__ClockState *there = clock_of(world_clocks(world, sight->case_id, NULL), clock);
    const char *now = state ? check_time_text(world, state->due_ms) : unseen(there && there->due_ms);
    bool equal = state && (state->due_ms == expectation->at_ms || strcmp(expectation->value, "present") == 0);
    return equal || strcmp(now, expectation->value) == 0 || check_differs_from(world, expectation, now, out);
}

struct names {
    struct world *world;
    const char **list;
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i], name) == 0)
            return;
    WORLD_ADD(names->world, names->list, names->count, name);
}

static struct names fields_shown(const struct sight *sight)
{
    const Casework__OwnCase *own = sight->own;
    struct names names = {.world = sight->world};
    for (size_t i = 0; i < own->n_own_texts; i++)
        add_name(&names, own->own_texts[i]->name);
    for (size_t i = 0; i < own->n_own_facts; i++)
        add_name(&names, own->own_facts[i]->name);
    for (size_t i = 0; i < own->n_facts; i++)
        add_name(&names, own->facts[i]->name);
    for (size_t i = 0; i < own->n_moments; i++)
        for (size_t t = 0; t < own->moments[i]->n_texts; t++)
            add_name(&names, own->moments[i]->texts[t]->name);
    return names;
}

static bool check_all(const struct sight *sight, struct difference *out)
{
    const char *wanted = sight->expectation->value;
    struct names names = fields_shown(sight);
    const char *now = arena_join(&sight->world->arena, names.list, names.count, " ");
    bool same = true;
    for (size_t i = 0; i < names.count; i++)
        same = same && check_among(wanted, names.list[i]);
    for (const char *at = wanted; *at && same; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' '))
        same = check_among(now, arena_text(&sight->world->arena, at, strcspn(at, " ")));
    return same || check_differs_from(sight->world, sight->expectation, *now ? now : "nothing", out);
}

bool check_sees(struct world *world, const struct expectation *expectation, struct difference *out)
{
    struct sight sight = {
        .world = world, .expectation = expectation, .case_id = world_case(world, expectation->case_name)};
    sight.own = sight.case_id ? world_own(world, sight.case_id) : NULL;
    sight.file = sight.case_id ? world_file(world, sight.case_id, NULL) : NULL;
    if (!sight.own || !sight.file)
        return check_differs_from(world, expectation, "not there", out);
    if (!*expectation->name)
        return check_all(&sight, out);
    return starts(expectation->name, DUE) ? check_date(&sight, out) : check_one(&sight, out);
}
