/* `hearback policy diff OLD NEW`: what another version of a policy changes, in words, and what of it loosens: a longer
   time, a guard or an exclusion gone, more people who may (policy-language.md 5, "Layers"). Compared as written, item
   by item and field by field: where things stand in the files does not matter. */
#include "rehearse.h"

#include "policy_diff_words.h"
#include "rehearse_scenario.h"

#include <stdio.h>
#include <stdlib.h>

#define PACKS_MAX 16u /* that a site uses together */

struct diff {
    struct cli *cli;
    bool english;
    unsigned added, removed, changed, loosened;
    json_t *list; /* for --json */
    struct diff_words say;
};

struct where {           /* the way from the root to what is compared */
    const char *path;    /* "kinds.complaint.clocks.reply" */
    const char *words;   /* "投诉 › 时钟 答复" */
    const char *section; /* "clocks": of the item at hand */
    json_t *all;         /* what the section has; where an item stands among them */
};

/* ---- words ---- */

static const struct {
    const char *key, *zh, *en;
} sections[] = {{"settings", "设置", "setting"},
                {"posts", "岗位", "post"},
                {"rosters", "值班表", "roster"},
                {"categories", "类别", "category"},
                {"ladders", "升级梯", "ladder"},
                {"notices", "通知", "notice"},
                {"documents", "文书", "document"},
                {"kinds", "事项", "kind"},
                {"fields", "字段", "field"},
                {"steps", "步骤", "step"},
                {"clocks", "时钟", "clock"},
                {"rules", "规则", "rule"},
                {"may", "准许", "right"},
                {"never", "禁止", "exclusion"},
                {"route", "派单", "route"},
                {"stages", "阶段", "stage"},
                {"things", "登记册", "register"},
                {"schedules", "定期", "schedule"},
                {"chains", "审批链", "chain"},
                {"limits", "权限", "limit"},
                {"patterns", "同类", "pattern"},
                {"indicators", "指标", "indicator"},
                {"departments", "部门", "department"},
                {"clauses", "条款", "clause"}};

static const char *key_of(const struct diff *diff, const char *key)
{
    const char *word = diff_key_text(&diff->say, key);
    return word ? word : diff_word_text(&diff->say, key);
}

static bool section_of(const struct diff *diff, const char *key, const char **word_out)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strcmp(sections[i].key, key) == 0) {
            *word_out = diff->english ? sections[i].en : sections[i].zh;
            return true;
        }
    return false;
}

static bool is_key(const char *key, const char *const *keys)
{
    for (; *keys; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

/* Sections whose items seldom have a name. */
static const char *const placed[] = {"route", "rules", "may", "never", "ladders", NULL};

/* What the policy calls it; a rule, route or right without a name by its place among the others. */
static const char *name_of(const struct diff *diff, const struct where *where, json_t *item, const char *key)
{
    const char *name = json_string_value(json_array_get(json_object_get(item, "name"), diff->english)), *other;
    unsigned place = 1;
    json_t *one;
    if (name && *name)
        return name;
    if (!is_key(where->section, placed) || strcmp(key, "default") == 0)
        return diff_word_text(&diff->say, key);
    json_object_foreach(where->all, other, one) {
        if (strcmp(other, key) == 0)
            break;
        place++;
    }
    return arena_printf(&diff->cli->arena, diff->english ? "no. %u" : "第 %u 条", place);
}

static const char *value_text(struct diff *diff, json_t *value)
{
    return diff_value_text(&diff->say, value);
}

static const char *clause_text(struct diff *diff, json_t *item)
{
    json_t *clause = json_object_get(item, "clause"), *one;
    const char *out = "";
    size_t i;
    if (json_is_string(clause))
        return arena_printf(&diff->cli->arena, "  [%s]", json_string_value(clause));
    json_array_foreach(clause, i, one)
        out = arena_printf(&diff->cli->arena, "%s%s%s", out, i ? ", " : "", json_string_value(one));
    return *out ? arena_printf(&diff->cli->arena, "  [%s]", out) : "";
}

/* Of an item as a whole: its clause, and where no name says what it is, all that it says. */
static const char *item_text(struct diff *diff, const struct where *where, json_t *item)
{
    const char *clause = clause_text(diff, item);
    if (!is_key(where->section, placed) || json_object_get(item, "name"))
        return clause;
    json_t *rest = json_copy(item);
    json_object_del(rest, "clause");
    const char *text = arena_printf(&diff->cli->arena, "%s%s", value_text(diff, rest), clause);
    json_decref(rest);
    return text;
}

/* ---- loosening ---- */

/* "3 working days" as a number of its own unit; 0: no span. */
static double span_of(json_t *value, const char **unit_out)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    double amount = text ? strtod(text, &end) : 0;
    if (amount <= 0 || !end || *end != ' ')
        return 0;
    *unit_out = end + 1;
    return amount;
}

static double minutes_of(double amount, const char *unit)
{
    static const struct {
        const char *unit;
        double minutes;
    } units[] = {{"min", 1},
                 {"h", 60},
                 {"day", 1440},
                 {"days", 1440},
                 {"working day", 1440},
                 {"working days", 1440},
                 {"week", 10080},
                 {"weeks", 10080},
                 {"month", 43200},
                 {"months", 43200}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].unit, unit) == 0)
            return amount * units[i].minutes;
    return 0;
}

static bool longer(json_t *old, json_t *fresh)
{
    const char *old_unit = "", *unit = "";
    double before = span_of(old, &old_unit), after = span_of(fresh, &unit);
    return before > 0 && after > 0 && minutes_of(after, unit) > minutes_of(before, old_unit);
}

static bool among(json_t *list, json_t *value)
{
    json_t *one;
    size_t i;
    if (!json_is_array(list))
        return json_equal(list, value);
    json_array_foreach(list, i, one)
        if (json_equal(one, value))
            return true;
    return false;
}

/* Is something of `list` not in `other`? A single word is a list of one. */
static bool has_more(json_t *list, json_t *other)
{
    json_t *one;
    size_t i;
    if (!json_is_array(list))
        return list && !among(other, list);
    json_array_foreach(list, i, one)
        if (!among(other, one))
            return true;
    return false;
}

/* Of a ladder: a row is gone, or tells somebody less. */
static bool row_lost(json_t *old, json_t *fresh)
{
    json_t *row, *other;
    size_t i, o;
    json_array_foreach(old, i, row) {
        bool kept = false;
        json_array_foreach(fresh, o, other)
            kept = kept || (json_equal(json_object_get(row, "at"), json_object_get(other, "at")) &&
                            !has_more(json_object_get(row, "tell"), json_object_get(other, "tell")) &&
                            !has_more(json_object_get(row, "page"), json_object_get(other, "page")));
        if (!kept)
            return true;
    }
    return false;
}

static double number_of(json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL) : 0;
}

static bool ends(const char *path, const char *with)
{
    size_t size = strlen(path), tail = strlen(with);
    return size >= tail && strcmp(path + size - tail, with) == 0;
}

/* Is the setting what a pattern's `key` is? A wider window and a lower count find more. */
static bool of_pattern(const struct diff *diff, const char *path, const char *key)
{
    const char *dot = strchr(path, '.'), *name;
    json_t *pattern;
    if (strncmp(path, "settings.", strlen("settings.")) == 0)
        json_object_foreach(json_object_get(diff->say.fresh, "patterns"), name, pattern) {
            const char *value = json_string_value(json_object_get(pattern, key));
            if (value && *value == '$' && strcmp(value + 1, dot + 1) == 0)
                return true;
        }
    return false;
}

static bool field_loosens(const struct diff *diff, const struct where *where, const char *key, json_t *old,
                          json_t *fresh)
{
    static const char *const times[] = {"limit", "value", "at_most", "add", "within", NULL};
    static const char *const people[] = {"by", "who", "read", "write", "see", "except", "override", "unless", NULL};
    static const char *const whose[] = {"read", "write", NULL};
    static const char *const demands[] = {"needs", "holding", "must_have", NULL};
    bool pattern = strncmp(where->path, "patterns.", strlen("patterns.")) == 0;
    json_t *row;
    size_t i;
    if (pattern ? strcmp(key, "within") == 0 : of_pattern(diff, where->path, "within"))
        return longer(fresh, old);
    if (pattern ? strcmp(key, "count") == 0 : of_pattern(diff, where->path, "count"))
        return number_of(fresh) > number_of(old);
    if (ends(where->path, ".target"))
        return strcmp(key, "at_least") == 0 ? number_of(fresh) < number_of(old) : number_of(fresh) > number_of(old);
    if (strcmp(key, "rows") == 0)
        return row_lost(old, fresh);
    if (is_key(key, times) && json_is_array(old) && json_is_array(fresh)) /* rows of a limit */
        json_array_foreach(fresh, i, row)
            if (longer(json_object_get(json_array_get(old, i), "is"), json_object_get(row, "is")))
                return true;
    if (is_key(key, times))
        return longer(old, fresh);
    if (is_key(key, whose) && !fresh) /* whoever may see the case, takes the step */
        return true;
    if (is_key(key, people))
        return has_more(fresh, old);
    return is_key(key, demands) && has_more(old, fresh);
}

/* A notice to everybody: more of it, in more stages, to no end, or whatever the case is like. */
static bool publishes(const struct where *where, const char *key, json_t *old, json_t *fresh)
{
    if (strcmp(key, "public_notice") == 0)
        return !old;
    if (!ends(where->path, ".public_notice"))
        return false;
    if (strcmp(key, "if") == 0 || strcmp(key, "until") == 0)
        return !fresh;
    return (strcmp(key, "fields") == 0 || strcmp(key, "in") == 0) && has_more(fresh, old);
}

static bool gone_loosens(const char *section, json_t *item)
{
    return strcmp(section, "never") == 0 || strcmp(section, "clocks") == 0 ||
           (strcmp(section, "rules") == 0 && json_object_get(item, "before"));
}

/* ---- telling ---- */

static void tell(struct diff *diff, const char *what, const struct where *where, const char *text, bool loosens)
{
    diff->loosened += loosens;
    if (diff->list) {
        json_array_append_new(diff->list, json_pack("{s:s, s:s, s:s, s:s, s:b}", "what", what, "path", where->path,
                                                    "item", where->words, "text", text, "loosens", loosens));
        return;
    }
    const char *sign = strcmp(what, "added") == 0 ? "+" : strcmp(what, "removed") == 0 ? "-" : "~";
    printf("%s %s%s%s%s\n", sign, where->words, *text && *text != ' ' ? ": " : "", text,
           !loosens        ? ""
           : diff->english ? "  (loosens)"
                           : "  （放宽）");
}

static struct where deeper(struct diff *diff, const struct where *where, const char *key, json_t *item)
{
    struct arena *arena = &diff->cli->arena;
    struct where inner = *where;
    const char *word;
    inner.path = *where->path ? arena_printf(arena, "%s.%s", where->path, key) : arena_strdup(arena, key);
    if (*where->section) { /* an item of a section */
        inner.words = arena_printf(arena, "%s %s", where->words, name_of(diff, where, item, key));
        inner.section = "";
    } else if (section_of(diff, key, &word)) {
        inner.words = *where->words ? arena_printf(arena, "%s › %s", where->words, word) : word;
        inner.section = key;
    } else {
        inner.words = *where->words ? arena_printf(arena, "%s › %s", where->words, key_of(diff, key)) : inner.path;
    }
    return inner;
}

static void compare(struct diff *diff, const struct where *where, json_t *old, json_t *fresh);

static void compare_one(struct diff *diff, const struct where *where, const char *key, json_t *old, json_t *fresh)
{
    struct where inner = deeper(diff, where, key, fresh ? fresh : old);
    bool item = *where->section != 0;
    struct arena *arena = &diff->cli->arena;
    bool taken_out = item && json_object_get(fresh, "removed") && !json_object_get(old, "removed");
    if (json_is_object(old) && json_is_object(fresh) && !taken_out) {
        compare(diff, &inner, old, fresh);
    } else if ((*inner.section || strcmp(where->section, "departments") == 0) && (!old || !fresh)) {
        /* a section, or all that a department does otherwise, which one of them lacks: item by item */
        json_t *none = json_object();
        compare(diff, &inner, old ? old : none, fresh ? fresh : none);
        json_decref(none);
    } else if (taken_out) { /* of what the kind or the base has */
        diff->removed++;
        tell(diff, "removed", &inner,
             value_text(diff, json_array_get(json_object_get(fresh, "removed"), diff->english)),
             gone_loosens(where->section, fresh));
    } else if (!old) {
        diff->added++;
        tell(diff, "added", &inner, item ? item_text(diff, where, fresh) : value_text(diff, fresh),
             item ? strcmp(where->section, "may") == 0
                  : publishes(where, key, NULL, fresh) ||
                        (field_loosens(diff, where, key, NULL, fresh) && strcmp(key, "override") == 0));
    } else if (!fresh) {
        diff->removed++;
        tell(diff, "removed", &inner, item ? item_text(diff, where, old) : value_text(diff, old),
             item ? gone_loosens(where->section, old)
                  : field_loosens(diff, where, key, old, NULL) || publishes(where, key, old, NULL));
    } else if (!json_equal(old, fresh)) {
        diff->changed++;
        tell(diff, "changed", &inner, arena_printf(arena, "%s → %s", value_text(diff, old), value_text(diff, fresh)),
             field_loosens(diff, where, key, old, fresh) || publishes(where, key, old, fresh));
    }
}

static void compare(struct diff *diff, const struct where *where, json_t *old, json_t *fresh)
{
    const char *key;
    json_t *value;
    struct where before = *where, after = *where;
    before.all = old;
    after.all = fresh;
    json_object_foreach(old, key, value) {
        json_t *now = json_object_get(fresh, key);
        compare_one(diff, now ? &after : &before, key, value, now);
    }
    json_object_foreach(fresh, key, value)
        if (!json_object_get(old, key))
            compare_one(diff, &after, key, NULL, value);
}

/* ---- */

/* "PROP-11", or several as one site uses them: "PROP-11,NIGHT". */
static json_t *read_policy(struct diff *diff, struct scenario_places places, const char *packs)
{
    struct arena *arena = &diff->cli->arena;
    struct policy_source *sources;
    struct policy_result result;
    const char *names[PACKS_MAX];
    size_t count, names_count = 0;
    for (const char *at = packs; names_count < PACKS_MAX && *at; at += *at == ',') {
        size_t size = strcspn(at, ",");
        names[names_count++] = pack_name_of(&places, arena, arena_text(arena, at, size));
        at += size;
    }
    enum err err =
        policy_read_folders(places.folders, places.folders_count, names, names_count, arena, &sources, &count);
    json_t *root = err ? NULL : policy_merged(sources, count, names, names_count, arena, &result);
    if (!root)
        cli_fail(err ? "%s: %s" : "%s has mistakes: hearback policy check %s", packs, err ? err_text(err) : packs);
    return root;
}

int policy_diff_main(struct cli *cli, int argc, char **argv)
{
    struct diff diff = {.cli = cli};
    struct scenario_places places = {0};
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--packs") == 0 && !places.folders_count)
            places.folders[places.folders_count++] = argv[i + 1];
        else if (strcmp(argv[i], "--language") == 0 && strcmp(argv[i + 1], "en") == 0)
            diff.english = true;
        else if (strcmp(argv[i], "--language") != 0 || strcmp(argv[i + 1], "zh-CN") != 0)
            break;
    }
    if (argc - i != 2 || strncmp(argv[i], "--", 2) == 0)
        return cli_usage(
            "hearback policy diff [--json] [--language zh-CN|en] [--packs FOLDER] OLD NEW\n"
            "  比较两个制度包（名称或文件夹；同一站点并用的用逗号分隔）：0 相同，1 有不同\n"
            "  compares two packs, by name or folder, several of one site as A,B: 0 the same, 1 different");
    places.folders[places.folders_count++] = cli_share(cli, "policies");
    json_t *old = read_policy(&diff, places, argv[i]), *fresh = old ? read_policy(&diff, places, argv[i + 1]) : NULL;
    if (!fresh)
        return CLI_USAGE;
    diff.list = cli->json ? json_array() : NULL;
    json_object_del(old, "pack"); /* what they are called is not what they say */
    json_object_del(fresh, "pack");
    diff.say = (struct diff_words){&cli->arena, diff.english, old, fresh};
    compare(&diff, &(struct where){"", "", "", NULL}, old, fresh);
    json_decref(old);
    json_decref(fresh);
    if (diff.list)
        cli_print_json(diff.list);
    else
        printf(diff.english ? "%u added, %u removed, %u changed; %u loosen\n" : "新增 %u，删除 %u，更改 %u；放宽 %u\n",
               diff.added, diff.removed, diff.changed, diff.loosened);
    json_decref(diff.list);
    return diff.added + diff.removed + diff.changed ? CLI_FAILED : CLI_GOOD;
}
