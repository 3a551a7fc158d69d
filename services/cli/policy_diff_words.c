/* What is written in a policy, as `hearback policy diff` says it: names by the labels that the policy gives them, the
   notation's own words by a table. What neither knows stands as it is written. */
#include "policy_diff_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *key, *zh, *en;
};

static const struct word keys[] = {
    {"acknowledge", "确认时限", "to be acknowledged within"},
    {"add", "延长", "adds"},
    {"all", "全部成立", "all of"},
    {"any", "任一成立", "any of"},
    {"at", "时点", "at"},
    {"at_least", "至少", "at least"},
    {"at_most", "至多", "at most"},
    {"after", "晚于", "after"},
    {"before", "早于", "before"},
    {"by", "办理人", "by"},
    {"clause", "条款", "clause"},
    {"count", "件数", "count"},
    {"default", "默认", "default"},
    {"do", "办理", "do"},
    {"except", "除外", "except"},
    {"extend", "延期", "extension"},
    {"fields", "可填", "fields"},
    {"figure", "算法", "figure"},
    {"from", "自阶段", "from"},
    {"hand_to", "移交", "handed to"},
    {"if", "若", "if"},
    {"in", "阶段", "in"},
    {"is", "为", "is"},
    {"ladder", "升级梯", "ladder"},
    {"late", "超时告知", "late told to"},
    {"limit", "时限", "limit"},
    {"name", "名称", "name"},
    {"needs", "须填", "needs"},
    {"none", "无一成立", "none of"},
    {"not", "并非", "not"},
    {"over", "大于", "over"},
    {"override", "可越权者", "override"},
    {"page", "呼叫", "page"},
    {"period", "周期", "period"},
    {"read", "谁可看", "shown to"},
    {"refuse", "拒绝语", "refused with"},
    {"rows", "各级", "rows"},
    {"same_as", "等于", "same as"},
    {"set", "置为", "set"},
    {"start", "起算", "start"},
    {"stop", "停止", "stop"},
    {"target", "目标", "target"},
    {"tell", "告知", "tell"},
    {"text", "正文", "text"},
    {"then", "则", "then"},
    {"times", "次数", "times"},
    {"to", "至", "to"},
    {"told", "已告知", "told"},
    {"under", "小于", "under"},
    {"until", "至何时", "until"},
    {"value", "值", "value"},
    {"warn", "预警", "warn"},
    {"when", "当", "when"},
    {"who", "何人", "who"},
    {"within", "期间", "within"},
    {"write", "谁可填", "filled in by"},
};

static const struct word words[] = {
    {"approved", "已批准", "approved"},
    {"complainant", "投诉人", "complainant"},
    {"default", "默认", "default"},
    {"deputy", "代理人", "deputy"},
    {"employee", "员工", "employee"},
    {"every", "每项", "every"},
    {"first_contact", "首接人", "first contact"},
    {"handler", "经办人", "handler"},
    {"head", "负责人", "head"},
    {"late", "超时", "late"},
    {"lead", "主办部门", "lead department"},
    {"members", "成员", "members"},
    {"missing", "未填", "not filled in"},
    {"new", "新的", "new"},
    {"no", "否", "no"},
    {"none", "无", "none"},
    {"passed", "已过", "passed"},
    {"present", "已填", "filled in"},
    {"superior", "上级", "superior"},
    {"told", "已告知", "told"},
    {"unacknowledged", "无人确认", "unacknowledged"},
    {"warning", "预警", "warning"},
    {"yes", "是", "yes"},
};

static const struct word units[] = {{"working days", "个工作日", NULL},
                                    {"working day", "个工作日", NULL},
                                    {"days", "天", NULL},
                                    {"day", "天", NULL},
                                    {"h", "小时", NULL},
                                    {"min", "分钟", NULL},
                                    {"weeks", "周", NULL},
                                    {"week", "周", NULL},
                                    {"months", "个月", NULL},
                                    {"month", "个月", NULL},
                                    {"yuan", "元", NULL},
                                    {"%", "%", NULL}};

static const char *among(const struct word *table, size_t count, const char *key, bool english)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].key, key) == 0)
            return english ? table[i].en : table[i].zh;
    return NULL;
}

const char *diff_key_text(const struct diff_words *say, const char *key)
{
    return among(keys, sizeof keys / sizeof *keys, key, say->english);
}

/* [zh, en], or the `name` of an item. */
static const char *label(const struct diff_words *say, json_t *item)
{
    json_t *pair = json_is_array(item) ? item : json_object_get(item, "name");
    const char *text = json_string_value(json_array_get(pair, say->english));
    return text ? text : json_string_value(json_array_get(pair, 0));
}

static const char *in_kind(const struct diff_words *say, json_t *kind, const char *name)
{
    static const char *const sections[] = {"fields", "steps", "stage_names", "clocks", "chains"};
    const char *found = NULL, *key;
    json_t *field;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !found; i++)
        found = label(say, json_object_get(json_object_get(kind, sections[i]), name));
    json_object_foreach(json_object_get(kind, "fields"), key, field)
        if (!found)
            found = label(say, json_object_get(json_object_get(field, "one_of"), name));
    return found;
}

/* What the policy calls it, wherever it is defined; NULL: nowhere. */
static const char *named(const struct diff_words *say, json_t *root, const char *name)
{
    static const char *const sections[] = {"settings",  "posts", "rosters", "categories", "notices",
                                           "documents", "kinds", "ladders", "indicators", "things"};
    const char *found = NULL, *key;
    json_t *kind;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !found; i++)
        found = label(say, json_object_get(json_object_get(root, sections[i]), name));
    json_object_foreach(json_object_get(root, "kinds"), key, kind)
        if (!found)
            found = in_kind(say, kind, name);
    return found;
}

static const char *name_text(const struct diff_words *say, const char *name)
{
    const char *bare = *name == '$' ? name + 1 : name, *found = named(say, say->fresh, bare);
    found = found ? found : named(say, say->old, bare);
    return found ? found : among(words, sizeof words / sizeof *words, name, say->english);
}

/* "3 working days", "75 %"; NULL: no span. */
static const char *span_text(const struct diff_words *say, const char *text)
{
    char *end;
    strtod(text, &end);
    const char *unit = end > text && *end == ' ' ? among(units, sizeof units / sizeof *units, end + 1, false) : NULL;
    return unit && !say->english ? arena_printf(say->arena, "%.*s %s", (int)(end - text), text, unit) : NULL;
}

/* "head of lead", "told reply", "new reason": word by word. */
const char *diff_word_text(const struct diff_words *say, const char *text)
{
    const char *known = name_text(say, text), *of = strstr(text, " of "), *blank = strchr(text, ' ');
    if (!known)
        known = span_text(say, text);
    if (known)
        return known;
    if (of) {
        const char *what = diff_word_text(say, arena_text(say->arena, text, (size_t)(of - text))),
                   *whose = diff_word_text(say, of + 4);
        return say->english ? arena_printf(say->arena, "%s of %s", what, whose)
                            : arena_printf(say->arena, "%s的%s", whose, what);
    }
    const char *first = blank ? among(words, sizeof words / sizeof *words,
                                      arena_text(say->arena, text, (size_t)(blank - text)), say->english)
                              : NULL;
    const char *rest = first ? name_text(say, blank + 1) : NULL;
    return rest ? arena_printf(say->arena, say->english ? "%s %s" : "%s%s", first, rest) : text;
}

static const char *object_text(const struct diff_words *say, json_t *object)
{
    const char *out = "", *key;
    json_t *one;
    json_object_foreach(object, key, one) {
        const char *name = diff_key_text(say, key), *of = name ? NULL : diff_word_text(say, key),
                   *said = strcmp(key, "refuse") == 0 ? label(say, one) : NULL,
                   *value = said ? said : diff_value_text(say, one);
        bool stated = json_is_object(one) || (json_is_string(one) && (strcmp(json_string_value(one), "missing") == 0 ||
                                                                      strcmp(json_string_value(one), "present") == 0));
        const char *between = !of ? " " : say->english ? (json_is_object(one) ? " " : " is ") : stated ? "" : "为";
        out = arena_printf(say->arena, "%s%s%s%s%s", out,
                           !*out          ? ""
                           : say->english ? ", "
                                          : "，",
                           name ? name : of, between, value);
    }
    return out;
}

const char *diff_value_text(const struct diff_words *say, json_t *value)
{
    const char *out = "";
    json_t *one;
    size_t i;
    if (json_is_string(value))
        return diff_word_text(say, json_string_value(value));
    if (!json_is_array(value))
        return object_text(say, value);
    json_array_foreach(value, i, one) {
        const char *between = json_is_object(one) ? (say->english ? "; " : "；") : say->english ? ", " : "、";
        out = arena_printf(say->arena, "%s%s%s", out, i ? between : "", diff_value_text(say, one));
    }
    return out;
}
