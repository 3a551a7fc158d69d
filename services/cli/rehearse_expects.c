/* What a line expects, or denies. */
#include "rehearse_reading.h"

static const struct {
    const char *word;
    enum expect_what what;
    bool happens; /* an event, so that it can be denied by `never` */
} expects[] = {
    {"stage", EXPECT_STAGE, false},       {"field", EXPECT_FIELD, false},
    {"due", EXPECT_DUE, false},           {"met", EXPECT_MET, true},
    {"warning", EXPECT_WARNING, true},    {"late", EXPECT_LATE, true},
    {"opened", EXPECT_OPENED, true},      {"link", EXPECT_LINK, false},
    {"handler", EXPECT_HANDLER, false},   {"told", EXPECT_TOLD, true},
    {"moved", EXPECT_MOVED, true},        {"problem", EXPECT_PROBLEM, true},
    {"masked", EXPECT_MASKED, false},     {"hidden", EXPECT_HIDDEN, false},
    {"issued", EXPECT_ISSUED, true},      {"mark", EXPECT_MARK, false},
    {"waits", EXPECT_WAITS, false},       {"indicator", EXPECT_INDICATOR, false},
    {"withheld", EXPECT_WITHHELD, false}, {"sees", EXPECT_SEES, false},
    {"form", EXPECT_FORM, false},         {"public", EXPECT_PUBLIC, false},
    {"file", EXPECT_FILE, false},         {"history", EXPECT_HISTORY, false},
};
#define EXPECTS_COUNT (sizeof expects / sizeof *expects)

/* Words of the language whose primitives no service carries out yet: never passed over in silence. */
static const struct {
    const char *word, *zh, *en;
} not_yet[] = {
    {"paged", "尚无呼叫渠道", "there is no paging channel; a ladder's \"page\" is told, see \"told\""},
    {"pattern", "尚无同类案件识别", "patterns of like cases are not looked for"},
};

const char *expect_word(enum expect_what what)
{
    for (size_t i = 0; i < EXPECTS_COUNT; i++)
        if (expects[i].what == what)
            return expects[i].word;
    return "";
}

struct expectation expectation_new(struct reading *reading, enum expect_what what, const json_t *node)
{
    return (struct expectation){.what = what,
                                .line = reading_line_of(reading, node),
                                .field = reading->path,
                                .case_name = "",
                                .name = "",
                                .value = "",
                                .channel = ""};
}

void expectation_add(struct reading *reading, struct scenario_line *line, struct expectation one)
{
    ADD(reading, line->expect, line->expect_count, one);
}

/* "c1.reply": a run of a clock. */
static void expect_clock(struct reading *reading, struct scenario_line *line, struct expectation one,
                         const json_t *node, const char *text)
{
    one.case_name = reading_split(reading, text, &one.name);
    const struct known_case *known = reading_case_of(reading, node, one.case_name);
    if (known)
        reading_clock_known(reading, node, known->kind, one.name);
    expectation_add(reading, line, one);
}

static void expect_clocks(struct reading *reading, struct scenario_line *line, enum expect_what what, json_t *node)
{
    size_t count;
    char **texts = reading_texts_of(reading, node, &count);
    for (size_t i = 0; i < count; i++)
        expect_clock(reading, line, expectation_new(reading, what, node), node, texts[i]);
}

static void expect_due(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_t *provisional = json_object_get(map, "provisional");
    bool given = provisional != NULL, yes = reading_yes_of(reading, provisional, false);
    struct scenario_clock before = reading->clock;
    json_object_foreach(map, key, value) {
        if (strcmp(key, "provisional") == 0)
            continue;
        struct expectation one = expectation_new(reading, EXPECT_DUE, value);
        one.provisional_given = given;
        one.provisional = yes;
        one.absent = json_is_string(value) && strcmp(json_string_value(value), "none") == 0;
        reading->clock.base_ms = reading->line_ms; /* +10 min counts from this line */
        one.at_ms = one.absent ? 0 : reading_time_of(reading, value);
        reading->clock = before;
        expect_clock(reading, line, one, value, arena_strdup(reading->arena, key));
    }
}

static void expect_stage(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, EXPECT_STAGE, value);
        one.case_name = arena_strdup(reading->arena, key);
        one.value = reading_text_of(reading, value);
        const struct known_case *known = reading_case_of(reading, value, key);
        if (known)
            reading_stage_known(reading, value, known->kind, one.value);
        expectation_add(reading, line, one);
    }
}

static void expect_field(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, EXPECT_FIELD, value);
        one.case_name = reading_split(reading, arena_strdup(reading->arena, key), &one.name);
        one.value = reading_text_of(reading, value);
        const struct known_case *known = reading_case_of(reading, value, one.case_name);
        if (known)
            reading_field_known(reading, value, known->kind, one.name);
        expectation_add(reading, line, one);
    }
}

/* {revisit: v1}, {revisit: [v1, v2]} or {revisit: 0} */
static void expect_opened(struct reading *reading, struct scenario_line *line, json_t *map, bool never)
{
    const char *key;
    json_t *value;
    if (never) { /* the kind alone */
        size_t count;
        char **kinds = reading_texts_of(reading, map, &count);
        for (size_t i = 0; i < count; i++) {
            struct expectation one = expectation_new(reading, EXPECT_OPENED, map);
            one.name = reading_kind_of(reading, map, kinds[i]) ? kinds[i] : "";
            expectation_add(reading, line, one);
        }
        return;
    }
    json_object_foreach(map, key, value) {
        const Policy__Kind *kind = reading_kind_of(reading, value, key);
        size_t count;
        char **names = reading_texts_of(reading, value, &count);
        for (size_t i = 0; i < count; i++) {
            struct expectation one = expectation_new(reading, EXPECT_OPENED, value);
            one.name = arena_strdup(reading->arena, key);
            one.absent = strcmp(names[i], "0") == 0;
            one.value = one.absent ? "" : names[i];
            if (kind && !one.absent)
                reading_case_add(reading, value, names[i], kind);
            expectation_add(reading, line, one);
        }
    }
}

static void expect_link(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        size_t count;
        char **others = reading_texts_of(reading, value, &count);
        (void)reading_case_of(reading, value, key);
        for (size_t i = 0; i < (count ? count : 1); i++) { /* []: with none */
            struct expectation one = expectation_new(reading, EXPECT_LINK, value);
            one.case_name = arena_strdup(reading->arena, key);
            one.absent = count == 0;
            one.value = one.absent ? "" : reading_case_of(reading, value, others[i]) ? others[i] : "";
            expectation_add(reading, line, one);
        }
    }
}

/* {c1: fang}; fang alone means the case of the line above. */
static void expect_handler(struct reading *reading, struct scenario_line *line, json_t *node)
{
    const char *key;
    json_t *value;
    struct expectation one = expectation_new(reading, EXPECT_HANDLER, node);
    if (json_is_string(node)) {
        one.case_name = reading->last_case;
        one.value = reading_text_of(reading, node);
        (void)reading_case_of(reading, node, one.case_name);
        reading_person_known(reading, node, one.value);
        expectation_add(reading, line, one);
        return;
    }
    json_object_foreach(node, key, value) {
        one = expectation_new(reading, EXPECT_HANDLER, value);
        one.case_name = arena_strdup(reading->arena, key);
        one.value = reading_text_of(reading, value);
        (void)reading_case_of(reading, value, key);
        reading_person_known(reading, value, one.value);
        expectation_add(reading, line, one);
    }
}

static void expect_told_by(struct reading *reading, struct scenario_line *line, json_t *node, const char *notice)
{
    size_t count;
    char **names = reading_texts_of(reading, node, &count);
    if (!count)
        wrong(reading, node, "须写明告知何人；未告知用 never", "whom? That nobody was told is expected by `never`");
    for (size_t i = 0; i < count; i++) {
        struct expectation one = expectation_new(reading, EXPECT_TOLD, node);
        const char *by = strstr(names[i], " by "); /* in this channel */
        one.name = notice;
        one.value = by ? arena_text(reading->arena, names[i], (size_t)(by - names[i])) : names[i];
        one.channel = by ? by + 4 : "";
        if (!reading_case_find(reading, one.value)) /* a case stands for its complainant */
            reading_person_known(reading, node, one.value);
        expectation_add(reading, line, one);
    }
}

/* [li, c1, zhou by sms] or {NOTICE: [li, complainant]} */
static void expect_told(struct reading *reading, struct scenario_line *line, json_t *node)
{
    const Policy__Policy *policy = reading->scenario->policy;
    const char *key;
    json_t *value;
    if (!json_is_object(node)) {
        expect_told_by(reading, line, node, "");
        return;
    }
    json_object_foreach(node, key, value) {
        if (!policy_notice(policy, key))
            reading_wrong_word(reading, value, "制度中没有通知", "the policy has no notice", key,
                               NAMES(reading, policy->notices, policy->n_notices), policy->n_notices);
        expect_told_by(reading, line, value, arena_strdup(reading->arena, key));
    }
}

/* c1, [c1, c2] or {c1: part of its text}; {c1: none}: none stands on it, or (of a notice) nobody is shown it */
static void expect_said(struct reading *reading, struct scenario_line *line, enum expect_what what, json_t *node)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    char **names = json_is_object(node) ? NULL : reading_texts_of(reading, node, &count);
    for (size_t i = 0; i < count; i++) {
        struct expectation one = expectation_new(reading, what, node);
        one.case_name = reading_case_of(reading, node, names[i]) ? names[i] : "";
        expectation_add(reading, line, one);
    }
    if (!json_is_object(node))
        return;
    json_object_foreach(node, key, value) {
        struct expectation one = expectation_new(reading, what, value);
        one.case_name = reading_case_of(reading, value, key) ? arena_strdup(reading->arena, key) : "";
        one.value = reading_text_of(reading, value);
        one.absent = strcmp(one.value, "none") == 0;
        expectation_add(reading, line, one);
    }
}

static void expect_document(struct reading *reading, struct scenario_line *line, json_t *node, const char *name,
                            const char *number)
{
    const Policy__Policy *policy = reading->scenario->policy;
    struct expectation one = expectation_new(reading, EXPECT_ISSUED, node);
    if (!policy_document(policy, name))
        reading_wrong_word(reading, node, "制度中没有文书", "the policy has no document", name,
                           NAMES(reading, policy->documents, policy->n_documents), policy->n_documents);
    one.name = name;
    one.absent = strcmp(number, "0") == 0;
    one.value = one.absent ? "" : number;
    expectation_add(reading, line, one);
}

/* form, [form, form] or {form: number}; {form: 0}: none */
static void expect_issued(struct reading *reading, struct scenario_line *line, json_t *node)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    char **names = json_is_object(node) ? NULL : reading_texts_of(reading, node, &count);
    for (size_t i = 0; i < count; i++)
        expect_document(reading, line, node, names[i], "");
    if (!json_is_object(node))
        return;
    json_object_foreach(node, key, value)
        expect_document(reading, line, value, arena_strdup(reading->arena, key), reading_text_of(reading, value));
}

/* {li: c1}: li is not shown it, or not who complained, or (c1.finding) what stands in this field; {li: not c1}: li is.
 */
static void expect_hidden(struct reading *reading, struct scenario_line *line, enum expect_what what, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, what, value);
        const char *text = reading_text_of(reading, value);
        one.absent = strncmp(text, "not ", 4) == 0;
        one.value = arena_strdup(reading->arena, key);
        one.case_name = text + (one.absent ? 4 : 0);
        if (what == EXPECT_WITHHELD)
            one.case_name = reading_split(reading, one.case_name, &one.name);
        reading_person_known(reading, value, key);
        (void)reading_case_of(reading, value, one.case_name);
        expectation_add(reading, line, one);
    }
}

/* {c1.rec.wav: kept}; deleted, missing */
static void expect_file(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, EXPECT_FILE, value);
        one.case_name = reading_split(reading, arena_strdup(reading->arena, key), &one.name);
        one.value = reading_text_of(reading, value);
        (void)reading_case_of(reading, value, one.case_name);
        if (strcmp(one.value, "kept") != 0 && strcmp(one.value, "deleted") != 0 && strcmp(one.value, "missing") != 0)
            wrong(reading, value, "可用：kept、deleted、missing", "accepted: kept, deleted, missing");
        expectation_add(reading, line, one);
    }
}

/* {A-17: [m1, c1]}: the cases that name it, the newest first. */
static void expect_history(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, EXPECT_HISTORY, value);
        size_t count;
        char **names = reading_texts_of(reading, value, &count);
        for (size_t i = 0; i < count; i++)
            (void)reading_case_of(reading, value, names[i]);
        one.name = arena_strdup(reading->arena, key);
        one.value = arena_join(reading->arena, (const char *const *)names, count, " ");
        expectation_add(reading, line, one);
    }
}

/* {L2: stopped}, {L2: not stopped} */
static void expect_mark(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, EXPECT_MARK, value);
        const char *text = reading_text_of(reading, value);
        one.absent = strncmp(text, "not ", 4) == 0;
        one.name = arena_strdup(reading->arena, key);
        one.value = text + (one.absent ? 4 : 0);
        expectation_add(reading, line, one);
    }
}

/* {c1: department_head}: that link, or post, is asked and has not signed. */
static void expect_waits(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        struct expectation one = expectation_new(reading, EXPECT_WAITS, value);
        one.case_name = reading_case_of(reading, value, key) ? arena_strdup(reading->arena, key) : "";
        one.value = reading_text_of(reading, value);
        expectation_add(reading, line, one);
    }
}

static void expect_one(struct reading *reading, struct scenario_line *line, enum expect_what what, json_t *node,
                       bool never)
{
    bool map = what == EXPECT_STAGE || what == EXPECT_FIELD || what == EXPECT_DUE || what == EXPECT_LINK ||
               what == EXPECT_HIDDEN || what == EXPECT_MASKED || what == EXPECT_WITHHELD || what == EXPECT_MARK ||
               what == EXPECT_WAITS || what == EXPECT_INDICATOR || what == EXPECT_SEES || what == EXPECT_FORM ||
               (what == EXPECT_OPENED && !never);
    if (map && !json_is_object(node)) {
        wrong(reading, node, "此处须为键值对", "a map is accepted here");
        return;
    }
    switch (what) {
    case EXPECT_STAGE:
        expect_stage(reading, line, node);
        return;
    case EXPECT_FIELD:
        expect_field(reading, line, node);
        return;
    case EXPECT_DUE:
        expect_due(reading, line, node);
        return;
    case EXPECT_MET:
    case EXPECT_WARNING:
    case EXPECT_LATE:
    case EXPECT_MOVED:
        expect_clocks(reading, line, what, node);
        return;
    case EXPECT_OPENED:
        expect_opened(reading, line, node, never);
        return;
    case EXPECT_LINK:
        expect_link(reading, line, node);
        return;
    case EXPECT_HANDLER:
        expect_handler(reading, line, node);
        return;
    case EXPECT_TOLD:
        expect_told(reading, line, node);
        return;
    case EXPECT_PROBLEM:
    case EXPECT_PUBLIC:
        expect_said(reading, line, what, node);
        return;
    case EXPECT_ISSUED:
        expect_issued(reading, line, node);
        return;
    case EXPECT_HIDDEN:
    case EXPECT_MASKED:
    case EXPECT_WITHHELD:
        expect_hidden(reading, line, what, node);
        return;
    case EXPECT_MARK:
        expect_mark(reading, line, node);
        return;
    case EXPECT_WAITS:
        expect_waits(reading, line, node);
        return;
    case EXPECT_INDICATOR:
        reading_indicators(reading, line, node);
        return;
    case EXPECT_SEES:
        reading_sees(reading, line, node);
        return;
    case EXPECT_FORM:
        reading_forms(reading, line, node);
        return;
    case EXPECT_FILE:
        expect_file(reading, line, node);
        return;
    case EXPECT_HISTORY:
        expect_history(reading, line, node);
        return;
    }
}

static bool refused_as_not_yet(struct reading *reading, const json_t *node, const char *word)
{
    for (size_t i = 0; i < sizeof not_yet / sizeof *not_yet; i++)
        if (strcmp(not_yet[i].word, word) == 0) {
            reading_add_mistake(
                reading, node, arena_printf(reading->arena, "本版本不执行 \"%s\"：%s", word, not_yet[i].zh),
                arena_printf(reading->arena, "\"%s\" is not carried out by this version: %s", word, not_yet[i].en));
            return true;
        }
    return false;
}

static bool happens(enum expect_what what)
{
    for (size_t i = 0; i < EXPECTS_COUNT; i++)
        if (expects[i].what == what)
            return expects[i].happens;
    return false;
}

/* {late: c1.reply, under: PROP-11-11}: every event that the line expects names this clause. */
static void expect_under(struct reading *reading, struct scenario_line *line, size_t first, json_t *node)
{
    bool any = false;
    if (!node)
        return;
    for (size_t i = first; i < line->expect_count; i++)
        if (happens(line->expect[i].what) && !line->expect[i].absent) {
            line->expect[i].clause = reading_text_of(reading, node);
            any = true;
        }
    if (!any)
        wrong(reading, node, "under 只用于发生的事，如 {late: c1.reply, under: 条款}",
              "\"under\" is of what happens, as {late: c1.reply, under: CLAUSE}");
}

void reading_expects(struct reading *reading, struct scenario_line *line, json_t *map, bool never)
{
    const char *key, *before = reading_enter(reading, never ? "never" : "expect");
    json_t *value;
    const char *words[EXPECTS_COUNT];
    size_t count = 0, first = line->expect_count;
    for (size_t i = 0; i < EXPECTS_COUNT; i++)
        if (!never || expects[i].happens)
            words[count++] = expects[i].word;
    if (!json_is_object(map) || json_object_size(map) == 0)
        wrong(reading, map, "此处须为键值对，如 {late: c1.reply}", "a map is accepted here, as {late: c1.reply}");
    json_object_foreach(map, key, value) {
        const char *inner = reading_enter(reading, arena_strdup(reading->arena, key));
        size_t i = 0;
        if (!never && strcmp(key, "under") == 0) {
            reading->path = inner;
            continue;
        }
        while (i < EXPECTS_COUNT && strcmp(expects[i].word, key) != 0)
            i++;
        if (i < EXPECTS_COUNT && reading_among(key, words, count))
            expect_one(reading, line, expects[i].what, value, never);
        else if (!refused_as_not_yet(reading, value, key))
            reading_wrong_word(reading, value, "此处没有", "not known here:", key, words, count);
        reading->path = inner;
    }
    if (!never)
        expect_under(reading, line, first, json_object_get(map, "under"));
    reading->path = before;
}
