/* The lines of a run. */
#include "rehearse_reading.h"

static void step_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *step)
{
    const Policy__Step *found = policy_step(kind, step);
    if (!found || found->n_from == 0)
        reading_wrong_word(reading, node, arena_printf(reading->arena, "%s 没有步骤", kind->name),
                           arena_printf(reading->arena, "%s has no step", kind->name), step,
                           NAMES(reading, kind->steps, kind->n_steps), kind->n_steps);
}

static void do_register(struct reading *reading, struct scenario_line *line, const json_t *node, char *kind, char *name)
{
    line->kind = kind ? kind : "";
    line->case_name = name ? name : "";
    const Policy__Kind *found = reading_kind_of(reading, node, line->kind);
    if (!name)
        wrong(reading, node, "可用：register 事项 案件名", "accepted: register KIND NAME");
    else if (found && !line->refused)
        reading_case_add(reading, node, line->case_name, found);
}

static void do_step(struct reading *reading, struct scenario_line *line, const json_t *node, char *target)
{
    line->case_name = reading_split(reading, target ? target : "", &line->clock);
    const struct known_case *known = reading_case_of(reading, node, line->case_name);
    if (!known)
        return;
    reading->last_case = line->case_name;
    if (*line->clock)
        reading_clock_known(reading, node, known->kind, line->clock);
    if (strcmp(line->step, "attach_file") == 0)
        return;
    if (strcmp(line->step, "extend") != 0)
        step_known(reading, node, known->kind, line->step);
    else if (!*line->clock)
        wrong(reading, node, "可用：extend 案件.时钟", "accepted: extend CASE.CLOCK");
}

/* "register KIND NAME", "STEP CASE", "extend CASE.CLOCK" */
static void do_of(struct reading *reading, struct scenario_line *line, json_t *node)
{
    char *rest = arena_strdup(reading->arena, reading_text_of(reading, node)), *words[4] = {NULL};
    size_t count = 0;
    for (char *word = strtok_r(rest, " ", &rest); word && count < 4; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    bool registers = count && strcmp(words[0], "register") == 0;
    if (count != (registers ? 3 : 2)) {
        wrong(reading, node, "可用：register 事项 案件名，或 步骤 案件", "accepted: register KIND NAME, or STEP CASE");
        return;
    }
    line->step = words[0];
    if (registers)
        do_register(reading, line, node, words[1], words[2]);
    else
        do_step(reading, line, node, words[1]);
}

/* Under which clauses, or in which words: whatever is refused for something else than it meant is not expected. */
static void take_refused(struct reading *reading, struct scenario_line *line, json_t *map)
{
    json_t *refused = json_object_get(map, "refused");
    line->refused = refused != NULL;
    line->refused_clauses = reading_texts_of(reading, refused, &line->refused_clauses_count);
    line->says = reading_text_of(reading, json_object_get(map, "says"));
    for (size_t i = 0; i < line->refused_clauses_count && !*line->says; i++)
        if (strcmp(line->refused_clauses[i], "yes") == 0)
            wrong(reading, refused, "因何拒绝？写明条款，或以 says 写明其中的话",
                  "refused why? Name the clause, or some of its words with \"says\"");
}

static void do_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    json_t *by = json_object_get(map, "by"), *refused = json_object_get(map, "refused");
    ONLY_KEYS(reading, map, "at", "by", "as", "for", "do", "with", "refused", "says", "next");
    line->what = LINE_DO;
    line->by = reading_text_of(reading, by);
    if (!by)
        wrong(reading, map, "缺少 by：谁来办理", "\"by\" is missing: who does it?");
    else
        reading_person_known(reading, by, line->by);
    take_refused(reading, line, map);
    line->as = reading_text_of(reading, json_object_get(map, "as"));
    if (*line->as && !policy_post(reading->scenario->policy, line->as))
        reading_wrong_word(reading, map, "制度中没有岗位", "the policy has no post", line->as,
                           NAMES(reading, reading->scenario->policy->posts, reading->scenario->policy->n_posts),
                           reading->scenario->policy->n_posts);
    line->lent = reading_text_of(reading, json_object_get(map, "for"));
    if (*line->lent)
        reading_person_known(reading, map, line->lent);
    line->next = reading_texts_of(reading, json_object_get(map, "next"), &line->next_count);
    if (!refused && (*line->says || line->next_count))
        wrong(reading, map, "says 和 next 只与 refused 同用", "\"says\" and \"next\" go with \"refused\" only");
    const char *before = reading_enter(reading, "do");
    do_of(reading, line, json_object_get(map, "do"));
    reading->path = before;
    before = reading_enter(reading, "with");
    line->with = reading_pairs_of(reading, json_object_get(map, "with"), &line->with_count);
    if (line->step && strcmp(line->step, "attach_file") == 0 &&
        (line->with_count != 1 || strcmp(line->with[0].name, "file") != 0))
        wrong(reading, map, "可用：with: {file: 文件名}", "accepted: with: {file: NAME}");
    reading->path = before;
}

/* "reply c1" */
static void proof_line(struct reading *reading, struct scenario_line *line, json_t *map, const char *key)
{
    const Policy__Policy *policy = reading->scenario->policy;
    ONLY_KEYS(reading, map, "at", "delivered", "failed");
    json_t *node = json_object_get(map, key);
    char *text = arena_strdup(reading->arena, reading_text_of(reading, node)), *space = strchr(text, ' ');
    line->what = LINE_DELIVERED;
    line->failed = strcmp(key, "failed") == 0;
    if (!space) {
        wrong(reading, node, "可用：%s: 通知 案件", "accepted: %s: NOTICE CASE", key);
        return;
    }
    *space = 0;
    line->notice = text;
    line->case_name = space + 1;
    (void)reading_case_of(reading, node, line->case_name);
    if (!policy_notice(policy, line->notice))
        reading_wrong_word(reading, node, "制度中没有通知", "the policy has no notice", line->notice,
                           NAMES(reading, policy->notices, policy->n_notices), policy->n_notices);
}

static void service_line(struct reading *reading, struct scenario_line *line, json_t *map, const char *key)
{
    static const char *const names[] = {"directory", "intake",     "routing",      "casework",
                                        "watchdog",  "escalation", "notification", "analytics"};
    ONLY_KEYS(reading, map, "at", "down", "up");
    json_t *node = json_object_get(map, key);
    line->what = strcmp(key, "down") == 0 ? LINE_DOWN : LINE_UP;
    line->name = reading_text_of(reading, node);
    if (!reading_among(line->name, names, sizeof names / sizeof *names))
        reading_wrong_word(reading, node, "没有服务", "there is no service", line->name, names,
                           sizeof names / sizeof *names);
}

static void calendar_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    ONLY_KEYS(reading, map, "at", "calendar");
    line->what = LINE_CALENDAR;
    line->name = reading_text_of(reading, json_object_get(map, "calendar"));
}

/* A new version with other settings comes into force: cases keep the version under which they were registered. */
static void settings_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    ONLY_KEYS(reading, map, "at", "settings");
    const char *before = reading_enter(reading, "settings");
    line->what = LINE_SETTINGS;
    line->with = reading_pairs_of(reading, json_object_get(map, "settings"), &line->with_count);
    reading_settings_known(reading, json_object_get(map, "settings"));
    reading->path = before;
}

static void line_kind(struct reading *reading, struct scenario_line *line, json_t *map)
{
    static const char *const kinds[] = {"do",       "expect",   "never",   "delivered", "failed",
                                        "calendar", "settings", "down",    "up",        "things",
                                        "roster",   "absent",   "present", "posts",     "delegate"};
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        if (strcmp(key, "do") == 0) {
            do_line(reading, line, map);
            return;
        }
        if (strcmp(key, "expect") == 0 || strcmp(key, "never") == 0) {
            line->what = *key == 'n' ? LINE_NEVER : LINE_EXPECT;
            ONLY_KEYS(reading, map, "at", "until", "expect", "never");
            reading_expects(reading, line, value, line->what == LINE_NEVER);
            return;
        }
        if (strcmp(key, "delivered") == 0 || strcmp(key, "failed") == 0) {
            proof_line(reading, line, map, key);
            return;
        }
        if (strcmp(key, "down") == 0 || strcmp(key, "up") == 0) {
            service_line(reading, line, map, key);
            return;
        }
        if (strcmp(key, "settings") == 0) {
            settings_line(reading, line, map);
            return;
        }
        if (strcmp(key, "things") == 0 || strcmp(key, "roster") == 0 || strcmp(key, "posts") == 0 ||
            strcmp(key, "delegate") == 0) {
            (*key == 't'   ? reading_thing_line
             : *key == 'r' ? reading_roster_line
             : *key == 'd' ? reading_delegate_line
                           : reading_posts_line)(reading, line, map);
            take_refused(reading, line, map);
            line->step = *key == 't' ? "things" : *key == 'r' ? "roster" : *key == 'd' ? "delegate" : "posts";
            return;
        }
        if (strcmp(key, "absent") == 0 || strcmp(key, "present") == 0) {
            reading_absent_line(reading, line, map, key);
            return;
        }
        if (strcmp(key, "calendar") == 0) {
            calendar_line(reading, line, map);
            return;
        }
    }
    wrong(reading, map, "该行不知做什么（可用：%s）", "this line does nothing (accepted: %s)",
          reading_joined(reading, kinds, sizeof kinds / sizeof *kinds));
}

static void line_of_run(struct reading *reading, json_t *map)
{
    struct scenario *scenario = reading->scenario;
    struct scenario_line line = {
        .field = reading->path, .line = reading_line_of(reading, map), .says = "", .as = "", .lent = "", .clock = ""};
    if (!json_is_object(map)) {
        wrong(reading, map, "一行须为键值对，如 {at: 15:00, by: li, do: accept c1}",
              "a line is a map, as {at: 15:00, by: li, do: accept c1}");
        return;
    }
    reading->line = line.line;
    json_t *at = json_object_get(map, "at"), *until = json_object_get(map, "until");
    const char *before = reading_enter(reading, until ? "until" : "at");
    if (!at && !until)
        wrong(reading, map, "缺少 at：时间", "\"at\" is missing: when?");
    line.at_ms = reading->line_ms = reading_time_of(reading, until ? until : at);
    bool earlier = scenario->lines_count && line.at_ms < scenario->lines[scenario->lines_count - 1].at_ms;
    if (earlier && line.at_ms)
        wrong(reading, until ? until : at, "早于上一行：各行须按时间先后",
              "earlier than the line above: lines stand in order of time");
    reading->path = before;
    line_kind(reading, &line, map);
    ADD(reading, scenario->lines, scenario->lines_count, line);
}

void reading_run(struct reading *reading, json_t *run)
{
    size_t i;
    json_t *item;
    const char *before = reading_enter(reading, "run");
    if (!json_is_array(run) || json_array_size(run) == 0)
        wrong(reading, run, "缺少 run：按时间先后的各行", "\"run\" is missing: lines in order of time");
    json_array_foreach(run, i, item) {
        const char *inner = reading_enter_index(reading, i);
        line_of_run(reading, item);
        reading->path = inner;
    }
    reading->path = before;
}
