#include "rehearse_check.h"

#include "policy/facts.h"

#include <inttypes.h>

#define SAY(world, ...) arena_printf(&(world)->arena, __VA_ARGS__)

const char *check_time_text(struct world *world, int64_t ms)
{
    return ms ? scenario_time_text(&world->arena, world->scenario->zone, ms) : "-";
}

static bool differs(struct difference *out, unsigned line, const char *field, const char *zh, const char *en)
{
    *out = (struct difference){line, field, zh, en};
    return false;
}

/* ---- events ---- */

bool check_same_clock(const Watchdog__Instance *instance, const char *clock)
{
    size_t size = strlen(instance->clock); /* "plan.2": of the second part */
    if (*instance->part == '#' && strncmp(clock, instance->clock, size) == 0 && clock[size] == '.') {
        const char *number = clock + size + 1;
        return strstr(instance->part + 1, number) == instance->part + 1;
    }
    return !*clock || strcmp(instance->clock, clock) == 0;
}

static bool is_watchdog(const struct expectation *expectation, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_WATCHDOG)
        return false;
    const Watchdog__Event *said = event->watchdog;
    const char *clock = expectation->name;
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_MET:
        return expectation->what == EXPECT_MET && !said->met->late && check_same_clock(said->met->instance, clock);
    case WATCHDOG__EVENT__KIND_MISSED:
        return expectation->what == EXPECT_LATE && check_same_clock(said->missed->instance, clock);
    case WATCHDOG__EVENT__KIND_POINT:
        return expectation->what == EXPECT_WARNING &&
               said->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING &&
               check_same_clock(said->point->instance, clock);
    case WATCHDOG__EVENT__KIND_ARMED:
        return expectation->what == EXPECT_MOVED && said->armed->moved_from_ms &&
               check_same_clock(said->armed->instance, clock);
    case WATCHDOG__EVENT__KIND_PAUSED:
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
    case WATCHDOG__EVENT__KIND_CANCELLED:
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        break;
    }
    return false;
}

static bool is_opened(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
           event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED && event->intake->registered->requested_by;
}

/* A case's name stands for its complainant. */
static bool is_told(const struct world *world, const struct expectation *expectation, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_NOTIFICATION ||
        event->notification->kind_case != NOTIFICATION__EVENT__KIND_QUEUED)
        return false;
    const Notification__NoticeQueued *queued = event->notification->queued;
    uint64_t of_case = world_case(world, expectation->value);
    bool meant = of_case                                           ? queued->complainant && event->case_id == of_case
                 : world_is_complainant(world, expectation->value) ? queued->complainant
                                                                   : strcmp(queued->person, expectation->value) == 0;
    return meant && strcmp(queued->status, "not_sent") != 0 &&
           (!*expectation->name || strcmp(queued->notice, expectation->name) == 0) &&
           (!*expectation->channel || strcmp(queued->channel, expectation->channel) == 0);
}

static bool is_issued(const struct expectation *expectation, const Hb__Event *event)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_CASEWORK ||
        event->casework->kind_case != CASEWORK__EVENT__KIND_DOCUMENT_ISSUED)
        return false;
    const Casework__DocumentIssued *issued = event->casework->document_issued;
    return strcmp(issued->document, expectation->name) == 0 &&
           (!*expectation->value || strcmp(issued->number, expectation->value) == 0);
}

static const Hb__Label *problem_of(const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
        event->casework->kind_case == CASEWORK__EVENT__KIND_PROBLEM_NOTED)
        return event->casework->problem_noted->text;
    return NULL;
}

static bool says(const Hb__Label *label, const char *part)
{
    return label && (strstr(label->zh, part) || strstr(label->en, part));
}

static bool event_names(const Hb__Event *event, const char *clause)
{
    for (size_t i = 0; i < event->n_clauses; i++)
        if (strcmp(event->clauses[i], clause) == 0)
            return true;
    return false;
}

static bool is_meant(struct world *world, const struct expectation *expectation, const Hb__Event *event)
{
    if (*expectation->case_name && event->case_id != world_case(world, expectation->case_name))
        return false;
    if (expectation->clause && !event_names(event, expectation->clause))
        return false;
    switch (expectation->what) {
    case EXPECT_MET:
    case EXPECT_WARNING:
    case EXPECT_LATE:
    case EXPECT_MOVED:
        return is_watchdog(expectation, event);
    case EXPECT_OPENED:
        return is_opened(event) && strcmp(event->intake->registered->kind, expectation->name) == 0 &&
               (!*expectation->value || world_case(world, expectation->value) == event->case_id);
    case EXPECT_TOLD:
        return is_told(world, expectation, event);
    case EXPECT_PROBLEM:
        return says(problem_of(event), expectation->value);
    case EXPECT_ISSUED:
        return is_issued(expectation, event);
    case EXPECT_STAGE:
    case EXPECT_FIELD:
    case EXPECT_DUE:
    case EXPECT_LINK:
    case EXPECT_HANDLER:
    case EXPECT_HIDDEN:
    case EXPECT_MASKED:
    case EXPECT_WITHHELD:
    case EXPECT_MARK:
    case EXPECT_WAITS:
    case EXPECT_INDICATOR:
    case EXPECT_SEES:
    case EXPECT_FORM:
    case EXPECT_PUBLIC:
    case EXPECT_FILE:
    case EXPECT_HISTORY:
        break;
    }
    return false;
}

static const char *expectation_text(struct world *world, const struct expectation *expectation)
{
    const char *target = *expectation->case_name && *expectation->name
                             ? SAY(world, "%s.%s", expectation->case_name, expectation->name)
                         : *expectation->case_name ? expectation->case_name
                                                   : expectation->name;
    if (expectation->what == EXPECT_FORM) /* "form c1.acceptance holds not cause" */
        return SAY(world, "form %s %s%s %s", target, expectation->channel, expectation->absent ? " not" : "",
                   expectation->value);
    return SAY(world, "%s%s%s%s%s%s%s%s%s", expect_word(expectation->what), *target ? " " : "", target,
               *expectation->value ? " " : "", expectation->value, *expectation->channel ? " by " : "",
               expectation->channel, expectation->clause ? " under " : "",
               expectation->clause ? expectation->clause : "");
}

/* What was said of the kind that was expected, if anything: the reader sees what happened instead. */
static const char *instead(struct world *world, const struct expectation *expectation)
{
    struct expectation any = *expectation;
    const char *all = "";
    any.case_name = any.value = "";
    any.clause = NULL;
    if (any.what == EXPECT_WARNING || any.what == EXPECT_LATE || any.what == EXPECT_MET || any.what == EXPECT_MOVED)
        any.case_name = expectation->case_name;
    unsigned count = 0;
    for (size_t i = world->entries_count; i-- > 0 && count < 3;) {
        const Hb__Event *event = world->entries[i].event;
        bool told = any.what == EXPECT_TOLD && event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
                    event->notification->kind_case == NOTIFICATION__EVENT__KIND_QUEUED;
        if (!told && (any.what == EXPECT_TOLD || !is_meant(world, &any, event)))
            continue;
        const char *text = timeline_text(world, event);
        all = SAY(world, "%s\n    %s  %s", all, check_time_text(world, event->occurred_ms), text ? text : "");
        count++;
    }
    return all;
}

static bool check_event(struct world *world, const struct expectation *expectation, size_t first,
                        struct difference *out)
{
    bool found = false;
    for (size_t i = first; i < world->entries_count && !found; i++) {
        struct entry *entry = &world->entries[i];
        bool taken = entry->written && expectation->what == EXPECT_OPENED; /* each names another case */
        if (taken || !is_meant(world, expectation, entry->event))
            continue;
        entry->written = true;
        found = true;
    }
    if (found != expectation->absent)
        return true;
    const char *what = expectation_text(world, expectation), *last = instead(world, expectation);
    if (expectation->absent)
        return differs(out, expectation->line, expectation->field, SAY(world, "不应发生：%s%s", what, last),
                       SAY(world, "this should not happen: %s%s", what, last));
    return differs(out, expectation->line, expectation->field,
                   SAY(world, "此时未发生：%s%s%s", what, *last ? "；最近的有：" : "", last),
                   SAY(world, "did not happen now: %s%s%s", what, *last ? "; the last of this kind:" : "", last));
}

/* ---- cases as they stand ---- */

bool check_among(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += size)
        if ((at == words || at[-1] == ' ') && (!at[size] || at[size] == ' '))
            return true;
    return false;
}

bool check_differs_from(struct world *world, const struct expectation *expectation, const char *now,
                        struct difference *out)
{
    const char *what = expectation_text(world, expectation);
    return differs(out, expectation->line, expectation->field, SAY(world, "应为 %s，实为 %s", what, now),
                   SAY(world, "expected %s; it is %s", what, now));
}

const char *check_value_text(struct world *world, const Hb__Value *value)
{
    if (!value)
        return "missing";
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return value->text;
    case HB__VALUE__KIND_NUMBER:
        return SAY(world, "%" PRId64, value->number);
    case HB__VALUE__KIND_YES:
        return value->yes ? "yes" : "no";
    case HB__VALUE__KIND_TIME_MS:
        return check_time_text(world, value->time_ms);
    case HB__VALUE__KIND_DURATION_MS:
        return SAY(world, "%" PRId64 " min", (int64_t)(value->duration_ms / MINUTE_MS));
    case HB__VALUE__KIND_MONEY_FEN:
        return SAY(world, "%" PRId64 ".%02" PRId64, value->money_fen / 100, value->money_fen % 100);
    case HB__VALUE__KIND_TEXTS:
        return arena_join(&world->arena, (const char *const *)value->texts->text, value->texts->n_text, " ");
    case HB__VALUE__KIND_PRESENT:
        return "present";
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return "missing";
}

bool check_same_value(struct world *world, const Hb__Value *value, const char *said)
{
    const char *now = check_value_text(world, value);
    bool time = value && value->kind_case == HB__VALUE__KIND_TIME_MS && strcmp(SAY(world, "%s:00", said), now) == 0;
    return time || strcmp(now, said) == 0 || (value && strcmp(said, "present") == 0);
}

static bool check_field(struct world *world, const struct expectation *expectation, const Casework__CaseFile *file,
                        struct difference *out)
{
    const Hb__Value *value = facts_get(&(struct facts){file->facts, file->n_facts}, expectation->name);
    return check_same_value(world, value, expectation->value) ||
           check_differs_from(world, expectation, check_value_text(world, value), out);
}

static bool check_due(struct world *world, const struct expectation *expectation, uint64_t case_id,
                      struct difference *out)
{
    const Watchdog__Clocks *clocks = world_clocks(world, case_id, NULL);
    const Watchdog__ClockState *state = NULL;
    for (size_t i = 0; clocks && i < clocks->n_clocks; i++) { /* the last run of the clock */
        const Watchdog__ClockState *one = clocks->clocks[i];
        if (*expectation->name ? check_same_clock(one->instance, expectation->name) : one->main)
            state = one;
    }
    if (state && strcmp(state->state, "cancelled") == 0)
        state = NULL;
    if (expectation->absent)
        return !state || check_differs_from(world, expectation, check_time_text(world, state->due_ms), out);
    if (state && state->due_ms == expectation->at_ms &&
        (!expectation->provisional_given || state->provisional == expectation->provisional))
        return true;
    const char *what = expectation_text(world, expectation), *wanted = check_time_text(world, expectation->at_ms);
    const char *now = !state ? "-" : check_time_text(world, state->due_ms);
    const char *still = state && state->provisional ? " (provisional)" : "";
    return differs(out, expectation->line, expectation->field,
                   SAY(world, "%s 应为 %s，实为 %s%s", what, wanted, now, still),
                   SAY(world, "expected %s %s; it is %s%s", what, wanted, now, still));
}

static bool check_link(struct world *world, const struct expectation *expectation, const Casework__CaseFile *file,
                       struct difference *out)
{
    uint64_t other = expectation->absent ? 0 : world_case(world, expectation->value);
    const char *now = "";
    if (expectation->absent && file->n_links == 0)
        return true;
    for (size_t i = 0; i < file->n_links; i++) {
        if (file->links[i]->case_id == other)
            return true;
        now = SAY(world, "%s%s%s", now, *now ? " " : "", world_case_name(world, file->links[i]->case_id));
    }
    return check_differs_from(world, expectation, *now ? now : "-", out);
}

/* CHAIN.LINK.asked stands, and neither CHAIN.LINK.signed nor an end of the chain. */
static bool check_waits(struct world *world, const struct expectation *expectation, const Casework__CaseFile *file,
                        struct difference *out)
{
    struct facts facts = {file->facts, file->n_facts};
    const char *now = "";
    for (size_t i = 0; i < file->n_facts; i++) {
        const char *name = file->facts[i]->name, *link = strchr(name, '.'),
                   *asked = link ? strstr(link, ".asked") : NULL;
        if (!asked || asked[6])
            continue;
        const char *chain = arena_text(&world->arena, name, (size_t)(link - name));
        const char *who = arena_text(&world->arena, link + 1, (size_t)(asked - link - 1));
        bool over = facts_get(&facts, SAY(world, "%s.%s.signed", chain, who)) ||
                    strcmp(facts_text(&facts, chain), "asked") != 0;
        if (!over && strcmp(who, expectation->value) == 0)
            return true;
        now = over ? now : SAY(world, "%s%s%s", now, *now ? " " : "", who);
    }
    return check_differs_from(world, expectation, *now ? now : "nobody", out);
}

/* The field has a value, and this person is shown it in the file and in the time line, or in neither. */
static bool check_withheld(struct world *world, const struct expectation *expectation, uint64_t case_id,
                           struct difference *out)
{
    const Casework__CaseFile *file = case_id ? world_file(world, case_id, expectation->value) : NULL;
    bool withheld = false, there = false;
    for (size_t i = 0; file && i < file->n_withheld; i++)
        withheld = withheld || strcmp(file->withheld[i], expectation->name) == 0;
    for (size_t i = 0; file && i < file->n_facts; i++)
        there = there || strcmp(file->facts[i]->name, expectation->name) == 0;
    if (!withheld && !there)
        return check_differs_from(world, expectation, "not there", out);
    bool told = world_tells(world, case_id, expectation->value, expectation->name);
    if (told == withheld)
        return check_differs_from(world, expectation, told ? "shown in the time line" : "withheld in the time line",
                                  out);
    return withheld != expectation->absent ||
           check_differs_from(world, expectation, withheld ? "withheld" : "shown", out);
}

static bool check_case(struct world *world, const struct expectation *expectation, struct difference *out)
{
    uint64_t case_id = world_case(world, expectation->case_name);
    const char *viewer = expectation->what == EXPECT_HIDDEN ? expectation->value : NULL;
    const Casework__CaseFile *file = case_id ? world_file(world, case_id, viewer) : NULL;
    if (expectation->what == EXPECT_HIDDEN)
        return !file != expectation->absent || check_differs_from(world, expectation, file ? "visible" : "hidden", out);
    if (expectation->what == EXPECT_MASKED) {
        const char *name = case_id ? world_identity(world, case_id, expectation->value) : NULL;
        return name && !*name != expectation->absent ? true
                                                     : check_differs_from(world, expectation,
                                                                          !name   ? "not there"
                                                                          : *name ? name
                                                                                  : "masked",
                                                                          out);
    }
    if (expectation->what == EXPECT_WITHHELD)
        return check_withheld(world, expectation, case_id, out);
    if (expectation->what == EXPECT_DUE && case_id)
        return check_due(world, expectation, case_id, out);
    if (!file)
        return check_differs_from(world, expectation, "not there", out);
    if (expectation->what == EXPECT_STAGE)
        return strcmp(file->stage, expectation->value) == 0 || check_differs_from(world, expectation, file->stage, out);
    if (expectation->what == EXPECT_HANDLER)
        return strcmp(file->handler, expectation->value) == 0 ||
               check_differs_from(world, expectation, *file->handler ? file->handler : "-", out);
    if (expectation->what == EXPECT_PROBLEM)
        return !file->n_problems || check_differs_from(world, expectation, file->problems[0]->text->en, out);
    if (expectation->what == EXPECT_LINK)
        return check_link(world, expectation, file, out);
    if (expectation->what == EXPECT_WAITS)
        return check_waits(world, expectation, file, out);
    return check_field(world, expectation, file, out);
}

/* As directory said last. */
static bool check_mark(struct world *world, const struct expectation *expectation, struct difference *out)
{
    bool marked = false;
    for (size_t i = 0; i < world->entries_count; i++) {
        const Hb__Event *event = world->entries[i].event;
        const Directory__ThingMarked *said = event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY &&
                                                     event->directory->kind_case == DIRECTORY__EVENT__KIND_THING_MARKED
                                                 ? event->directory->thing_marked
                                                 : NULL;
        const Directory__Person *person = event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY &&
                                                  event->directory->kind_case == DIRECTORY__EVENT__KIND_PERSON_DEFINED
                                              ? event->directory->person_defined
                                              : NULL;
        if (said && strcmp(said->thing, expectation->name) == 0 && strcmp(said->fact->name, expectation->value) == 0)
            marked = said->fact->value != NULL;
        if (person && strcmp(person->id, expectation->name) == 0 && strcmp(expectation->value, "trainee") == 0)
            marked = person->trainee;
    }
    return marked != expectation->absent ||
           check_differs_from(world, expectation, marked ? "marked" : "not marked", out);
}

/* All of one notice that everybody is shown, in both languages. */
static const char *notice_text(struct world *world, const Analytics__PublicNotice *notice)
{
    const char *all = SAY(world, "%s %s %s", notice->label->zh, notice->label->en, notice->title);
    for (size_t i = 0; i < notice->n_fields; i++) {
        const Analytics__NoticeField *field = notice->fields[i];
        const char *text = field->choice                                     ? field->choice->zh
                           : field->value->kind_case == HB__VALUE__KIND_TEXT ? field->value->text
                           : field->value->kind_case == HB__VALUE__KIND_TIME_MS
                               ? check_time_text(world, field->value->time_ms)
                               : "";
        all = SAY(world, "%s | %s: %s", all, field->label->zh, text);
    }
    return notice->until_ms ? SAY(world, "%s | %s", all, check_time_text(world, notice->until_ms)) : all;
}

static bool check_public(struct world *world, const struct expectation *expectation, struct difference *out)
{
    uint64_t case_id = world_case(world, expectation->case_name);
    const Casework__CaseFile *file = case_id ? world_file(world, case_id, NULL) : NULL;
    const Analytics__PublicNotices *list = file ? world_notices(world) : NULL;
    for (size_t i = 0; list && i < list->n_notices; i++) {
        if (strcmp(list->notices[i]->number, file->number) != 0)
            continue;
        const char *text = notice_text(world, list->notices[i]);
        return (!expectation->absent && strstr(text, expectation->value)) ||
               check_differs_from(world, expectation, text, out);
    }
    return (list && expectation->absent) || check_differs_from(world, expectation, "not shown to everybody", out);
}

static bool check_file(struct world *world, const struct expectation *expectation, struct difference *out)
{
    const char *state = world_file_state(world, world_case(world, expectation->case_name), expectation->name);
    return strcmp(state, expectation->value) == 0 || check_differs_from(world, expectation, state, out);
}

static bool check_history(struct world *world, const struct expectation *expectation, struct difference *out)
{
    const Casework__ThingHistory *history = world_history(world, expectation->name);
    const char *names = "";
    for (size_t i = 0; history && i < history->n_cases; i++)
        names = SAY(world, "%s%s%s", names, *names ? " " : "", world_case_name(world, history->cases[i]->case_id));
    return (history && strcmp(names, expectation->value) == 0) || check_differs_from(world, expectation, names, out);
}

bool check_expectation(struct world *world, const struct expectation *expectation, size_t first, struct difference *out)
{
    switch (expectation->what) {
    case EXPECT_MET:
    case EXPECT_WARNING:
    case EXPECT_LATE:
    case EXPECT_OPENED:
    case EXPECT_ISSUED:
    case EXPECT_TOLD:
    case EXPECT_MOVED:
        return check_event(world, expectation, first, out);
    case EXPECT_PROBLEM:
        return expectation->absent ? check_case(world, expectation, out) : check_event(world, expectation, first, out);
    case EXPECT_STAGE:
    case EXPECT_FIELD:
    case EXPECT_DUE:
    case EXPECT_LINK:
    case EXPECT_HANDLER:
    case EXPECT_HIDDEN:
    case EXPECT_MASKED:
    case EXPECT_WITHHELD:
    case EXPECT_MARK:
    case EXPECT_WAITS:
        break;
    case EXPECT_INDICATOR:
        return check_indicator(world, expectation, out);
    case EXPECT_SEES:
        return check_sees(world, expectation, out);
    case EXPECT_FORM:
        return check_form(world, expectation, out);
    case EXPECT_PUBLIC:
        return check_public(world, expectation, out);
    case EXPECT_FILE:
        return check_file(world, expectation, out);
    case EXPECT_HISTORY:
        return check_history(world, expectation, out);
    }
    return expectation->what == EXPECT_MARK ? check_mark(world, expectation, out) : check_case(world, expectation, out);
}

bool check_never(struct world *world, const struct expectation *expectation, struct difference *out)
{
    struct expectation denied = *expectation;
    denied.absent = true;
    return check_event(world, &denied, 0, out);
}

/* ---- strict ---- */

static bool under_clauses(const struct world *world, const Hb__Event *event)
{
    for (size_t c = 0; c < world->scenario->clauses_count; c++)
        if (event_names(event, world->scenario->clauses[c]))
            return true;
    return false;
}

static bool must_be_written(struct world *world, const Hb__Event *event)
{
    static const enum expect_what strict[] = {EXPECT_WARNING, EXPECT_LATE, EXPECT_OPENED, EXPECT_PROBLEM};
    for (size_t i = 0; i < sizeof strict / sizeof *strict; i++) {
        struct expectation any = {.what = strict[i], .case_name = "", .name = "", .value = ""};
        bool is = strict[i] == EXPECT_OPENED ? is_opened(event) : is_meant(world, &any, event);
        if (is && !(world->scenario->ignore & 1u << strict[i]))
            return true;
    }
    return false;
}

bool check_strict(struct world *world, size_t first, unsigned line, struct difference *out)
{
    for (size_t i = first; world->scenario->strict && i < world->entries_count; i++) {
        const struct entry *entry = &world->entries[i];
        if (entry->written || !under_clauses(world, entry->event) || !must_be_written(world, entry->event))
            continue;
        const char *text = timeline_text(world, entry->event), *at = check_time_text(world, entry->event->occurred_ms);
        return differs(out, line, "run", SAY(world, "未写明：%s  %s（须写入 expect，或列入 ignore）", at, text),
                       SAY(world, "not written: %s  %s (expect it, or name its kind under ignore)", at, text));
    }
    return true;
}

/* ---- replies ---- */

static const char *refusal_text(struct world *world, const Hb__Refusal *refusal, bool english)
{
    const char *all = english ? refusal->text->en : refusal->text->zh;
    for (size_t i = 0; i < refusal->n_problems; i++)
        all = SAY(world, "%s; %s", all, english ? refusal->problems[i]->text->en : refusal->problems[i]->text->zh);
    for (size_t i = 0; i < refusal->n_clauses; i++)
        all = SAY(world, "%s [%s]", all, refusal->clauses[i]);
    return all;
}

static bool names_clause(const Hb__Refusal *refusal, const char *clause)
{
    for (size_t i = 0; i < refusal->n_clauses; i++)
        if (strcmp(refusal->clauses[i], clause) == 0)
            return true;
    for (size_t i = 0; i < refusal->n_problems; i++)
        if (strcmp(refusal->problems[i]->clause, clause) == 0)
            return true;
    return strcmp(clause, "yes") == 0; /* refused, under whatever clause */
}

static bool refusal_says(const Hb__Refusal *refusal, const char *part)
{
    bool found = says(refusal->text, part);
    for (size_t i = 0; i < refusal->n_problems && !found; i++)
        found = says(refusal->problems[i]->text, part);
    return found;
}

static bool names_next(const Hb__Refusal *refusal, const char *step)
{
    for (size_t i = 0; i < refusal->n_next; i++)
        if (strcmp(refusal->next[i], step) == 0)
            return true;
    return false;
}

static bool check_refusal(struct world *world, const struct scenario_line *line, const Hb__Refusal *refusal,
                          struct difference *out)
{
    const char *zh = refusal_text(world, refusal, false), *en = refusal_text(world, refusal, true);
    for (size_t i = 0; i < line->refused_clauses_count; i++)
        if (!names_clause(refusal, line->refused_clauses[i]))
            return differs(out, line->line, line->field,
                           SAY(world, "应依 %s 拒绝，实为：%s", line->refused_clauses[i], zh),
                           SAY(world, "expected to be refused under %s; it was: %s", line->refused_clauses[i], en));
    if (!refusal_says(refusal, line->says))
        return differs(out, line->line, line->field, SAY(world, "拒绝中应有“%s”，实为：%s", line->says, zh),
                       SAY(world, "the refusal should say \"%s\"; it says: %s", line->says, en));
    for (size_t i = 0; i < line->next_count; i++)
        if (!names_next(refusal, line->next[i]))
            return differs(out, line->line, line->field, SAY(world, "此时应可办理 %s", line->next[i]),
                           SAY(world, "the step %s should be allowed now", line->next[i]));
    return true;
}

bool check_reply(struct world *world, const struct scenario_line *line, const Hb__CommandReply *reply,
                 struct difference *out)
{
    if (!reply) { /* nothing was done; the gateway would say 503 */
        Hb__Label text = HB__LABEL__INIT;
        Hb__Refusal away = HB__REFUSAL__INIT;
        text.zh = world_copy(world, "服务不在，无法办理");
        text.en = world_copy(world, "the service is away");
        away.text = &text;
        return line->refused ? check_refusal(world, line, &away, out)
                             : differs(out, line->line, line->field, text.zh, text.en);
    }
    if (!reply->refused)
        return !line->refused || differs(out, line->line, line->field, SAY(world, "应被拒绝，但已办理：%s", line->step),
                                         SAY(world, "expected to be refused, but it was done: %s", line->step));
    if (line->refused)
        return check_refusal(world, line, reply->refused, out);
    return differs(out, line->line, line->field,
                   SAY(world, "%s 被拒绝：%s", line->step, refusal_text(world, reply->refused, false)),
                   SAY(world, "%s was refused: %s", line->step, refusal_text(world, reply->refused, true)));
}
