/* The two stories of each case beside each other, and what of it is another. */
#include "whatif.h"

#include "policy/lookup.h"
#include "rehearse_scenario.h"

#include <inttypes.h>
#include <string.h>

enum effect {
    LATE,
    NOT_LATE,
    ESCALATED,
    NOT_ESCALATED,
    ESCALATED_ELSE,
    ROUTED,
    DATE,
    REFUSED,
    ALLOWED,
    NOT_REGISTERED,
    REGISTERED,
    OPENED,
    NOT_OPENED,
    NOTICE,
    NO_NOTICE,
    OTHER,
    EFFECTS
};
static const struct {
    const char *code, *zh, *en;
} words[EFFECTS] = {
    [LATE] = {"late", "将超时", "would be late"},
    [NOT_LATE] = {"no_longer_late", "不再超时", "no longer late"},
    [ESCALATED] = {"escalated", "将升级", "would be escalated"},
    [NOT_ESCALATED] = {"no_longer_escalated", "不再升级", "no longer escalated"},
    [ESCALATED_ELSE] = {"escalated_otherwise", "升级的时间或对象不同", "escalated at another time or to others"},
    [ROUTED] = {"routed_elsewhere", "改派", "routed elsewhere"},
    [DATE] = {"other_date", "期限不同", "another date"},
    [REFUSED] = {"step_refused", "步骤将被拒绝", "step would be refused"},
    [ALLOWED] = {"step_allowed", "步骤不再被拒绝", "step no longer refused"},
    [NOT_REGISTERED] = {"not_registered", "不予登记", "would not be registered"},
    [REGISTERED] = {"registered", "现可登记", "would be registered"},
    [OPENED] = {"opened", "将引发", "would be opened"},
    [NOT_OPENED] = {"not_opened", "不再引发", "would not be opened"},
    [NOTICE] = {"notice", "多发通知", "one more notice"},
    [NO_NOTICE] = {"no_notice", "少发通知", "one notice less"},
    [OTHER] = {"other", "其他不同", "otherwise different"}};

struct report {
    struct whatif *whatif;
    struct arena arena; /* of one case */
    json_t *list;       /* --json; else NULL */
    json_t *found;      /* of the case at hand */
    unsigned by[EFFECTS], cases;
    bool seen[EFFECTS]; /* in this case */
    bool headed;
};

static const char *word(const struct report *report, const char *zh, const char *en)
{
    return report->whatif->english ? en : zh;
}

static const char *time_text(struct report *report, int64_t ms)
{
    return scenario_time_text(&report->arena, report->whatif->zone, ms / 1000 * 1000);
}

/* ---- names, as the policy of either says them ---- */

static const Hb__Label *label_in(const Policy__Policy *policy, const struct story *story, enum aspect aspect,
                                 const char *name)
{
    const Policy__Kind *kind = policy && story->kind ? policy_kind(policy, story->kind) : NULL;
    const Policy__Clock *clock = kind && aspect == ASPECT_CLOCK ? policy_clock(kind, name) : NULL;
    const Policy__Step *step = kind && aspect == ASPECT_STEP ? policy_step(kind, name) : NULL;
    const Policy__Notice *notice = policy && aspect == ASPECT_NOTICE ? policy_notice(policy, name) : NULL;
    return clock ? clock->label : step ? step->label : notice ? notice->label : NULL;
}

static const char *name_text(struct report *report, const struct record *record, const struct lived *lived)
{
    const struct whatif *whatif = report->whatif;
    const Hb__Label *label =
        label_in(whatif_version(whatif, record->version), &record->stories[0], lived->aspect, lived->name);
    if (!label)
        label = label_in(whatif->fresh, &record->stories[1], lived->aspect, lived->name);
    const char *text = !label ? "" : word(report, label->zh, label->en);
    return *text ? arena_printf(&report->arena, "%s(%s)", text, lived->name) : lived->name;
}

/* ---- one thing, in words ---- */

static const char *clock_text(struct report *report, const struct lived *clock)
{
    static const char *const zh[] = {"进行中", "暂停", "按时", "迟办", "超时", "停用"};
    static const char *const en[] = {"running", "paused", "met", "met late", "late", "cancelled"};
    return arena_printf(&report->arena, "%s %s", clock->at_ms ? time_text(report, clock->at_ms) : "-",
                        word(report, zh[clock->end], en[clock->end]));
}

static const char *text_of(struct report *report, const struct lived *lived)
{
    struct arena *arena = &report->arena;
    if (!lived || !lived->count)
        return "-";
    const char *text = word(report, lived->zh, lived->en);
    switch (lived->aspect) {
    case ASPECT_CLOCK:
        return clock_text(report, lived);
    case ASPECT_LEVEL:
    case ASPECT_STEP:
        return arena_printf(arena, "%s %s", time_text(report, lived->at_ms), text);
    case ASPECT_NOTICE:
        return arena_printf(arena, "%u", lived->count);
    case ASPECT_OWNER:
        return text;
    case ASPECT_OTHER:
        return lived->count > 1 ? arena_printf(arena, "%s ×%u", text, lived->count) : text;
    }
    return text;
}

static bool same(const struct lived *a, const struct lived *b)
{
    return a->count == b->count && a->at_ms == b->at_ms && a->missed == b->missed && a->end == b->end &&
           strcmp(a->en, b->en) == 0;
}

static enum effect effect_of(const struct lived *old, const struct lived *fresh)
{
    const struct lived *either = fresh ? fresh : old;
    bool more = fresh && (!old || fresh->count > old->count);
    switch (either->aspect) {
    case ASPECT_CLOCK:
        if (fresh && fresh->missed && !(old && old->missed))
            return LATE;
        return old && old->missed && !(fresh && fresh->missed) ? NOT_LATE : DATE;
    case ASPECT_LEVEL:
        return !old ? ESCALATED : !fresh ? NOT_ESCALATED : ESCALATED_ELSE;
    case ASPECT_STEP:
        return fresh ? REFUSED : ALLOWED;
    case ASPECT_OWNER:
        return ROUTED;
    case ASPECT_NOTICE:
        return more ? NOTICE : NO_NOTICE;
    case ASPECT_OTHER:
        break;
    }
    return OTHER;
}

/* ---- saying it ---- */

static const char *title(struct report *report, const struct record *record)
{
    const struct story *story = record->stories[0].kind ? &record->stories[0] : &record->stories[1];
    const struct whatif *whatif = report->whatif;
    const char *kind = story->kind ? story->kind : "";
    const char *from =
        record->parent && whatif->records[record->parent - 1].number ? whatif->records[record->parent - 1].number : "";
    return arena_printf(&report->arena, "%s  %s  %s%s%s", record->number ? record->number : story->number, kind,
                        time_text(report, record->at_ms), *from ? " ← " : "", from);
}

static void found(struct report *report, const struct record *record, enum effect effect, const char *what,
                  const char *old, const char *fresh)
{
    report->seen[effect] = true;
    if (report->list) {
        json_array_append_new(report->found, json_pack("{s:s, s:s, s:s, s:s}", "effect", words[effect].code, "what",
                                                       what, "old", old, "new", fresh));
        return;
    }
    if (!report->headed)
        printf("%s\n", title(report, record));
    report->headed = true;
    printf("  %s%s%s%s%s → %s\n", word(report, words[effect].zh, words[effect].en), word(report, "：", ": "), what,
           *what ? "  " : "", old, fresh);
}

static void compare_one(struct report *report, const struct record *record, const struct lived *old,
                        const struct lived *fresh)
{
    const struct lived *either = fresh ? fresh : old;
    bug_unless(either);
    const char *what = *either->name ? name_text(report, record, either) : "";
    if (either->aspect == ASPECT_NOTICE)
        what = arena_printf(&report->arena, "%s → %s", what, word(report, either->zh, either->en));
    found(report, record, effect_of(old, fresh), what, text_of(report, old), text_of(report, fresh));
}

static const struct lived *counterpart(const struct story *story, const struct lived *lived)
{
    for (size_t i = 0; i < story->count; i++)
        if (story->list[i].aspect == lived->aspect && strcmp(story->list[i].key, lived->key) == 0)
            return &story->list[i];
    return NULL;
}

static void compare_stories(struct report *report, const struct record *record)
{
    const struct story *old = &record->stories[0], *fresh = &record->stories[1];
    for (size_t i = 0; i < old->count; i++) {
        const struct lived *other = counterpart(fresh, &old->list[i]);
        if (!other || !same(&old->list[i], other))
            compare_one(report, record, &old->list[i], other);
    }
    for (size_t i = 0; i < fresh->count; i++)
        if (!counterpart(old, &fresh->list[i]))
            compare_one(report, record, NULL, &fresh->list[i]);
}

/* Whether there is a case at all comes first: where it is not, nothing of it can be compared. */
static void compare_being(struct report *report, const struct record *record)
{
    bool here = record->stories[0].case_id, there = record->stories[1].case_id;
    const char *rule = record->rule;
    const struct story *not = &record->stories[here];
    const char *why = word(report, not ->not_zh, not ->not_en);
    if (*why)
        found(report, record, here ? NOT_REGISTERED : REGISTERED, "", here ? "+" : why, here ? why : "+");
    else
        found(report, record, there ? OPENED : NOT_OPENED, rule, here ? "+" : "-", there ? "+" : "-");
}

static void add_case(struct report *report, const struct record *record)
{
    const struct story *story = record->stories[0].kind ? &record->stories[0] : &record->stories[1];
    json_array_append_new(
        report->list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "number", record->number ? record->number : "",
                                "kind", story->kind ? story->kind : "", "registered", time_text(report, record->at_ms),
                                "rule", record->rule, "past", record->number != NULL, "differences", report->found));
}

static void compare_case(struct report *report, const struct record *record)
{
    bool here = record->stories[0].case_id, there = record->stories[1].case_id;
    memset(report->seen, 0, sizeof report->seen);
    report->headed = false;
    report->found = report->list ? json_array() : NULL;
    if (here && there)
        compare_stories(report, record);
    else if (here || there)
        compare_being(report, record);
    bool any = false;
    for (unsigned i = 0; i < EFFECTS; i++) {
        any = any || report->seen[i];
        report->by[i] += report->seen[i];
    }
    report->cases += any;
    if (any && report->list)
        add_case(report, record);
    else
        json_decref(report->found);
    arena_reset(&report->arena);
}

static json_t *counts_json(const struct report *report)
{
    json_t *by = json_object();
    for (unsigned i = 0; i < EFFECTS; i++)
        json_object_set_new(by, words[i].code, json_integer(report->by[i]));
    return by;
}

static void print_end(struct report *report)
{
    const struct whatif *whatif = report->whatif;
    if (report->list) {
        json_t *all = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "site", whatif->site, "since",
                                time_text(report, whatif->since_ms), "cases", (json_int_t)whatif->cases, "different",
                                (json_int_t)report->cases, "deeds", (json_int_t)whatif->deeds, "unrepeated",
                                (json_int_t)whatif->unrepeated, "by", counts_json(report), "list", report->list);
        cli_print_json(all);
        json_decref(all);
        return;
    }
    printf(word(report, "%u 件，%u 件不同", "%u cases, %u different"), whatif->cases, report->cases);
    for (unsigned i = 0; i < EFFECTS; i++)
        if (report->by[i])
            printf("%s%s %u", word(report, "；", "; "), word(report, words[i].zh, words[i].en), report->by[i]);
    putchar('\n');
    if (whatif->unrepeated)
        printf(
            word(
                report, "%u 次登记和办理中有 %u 次按当时制度也未能重做，未作比较（首个：%s）\n",
                "of %u registrations and steps %u could not be repeated under the policy of then, and are not compared "
                "(the first: %s)\n"),
            whatif->deeds, whatif->unrepeated, word(report, whatif->unrepeated_zh, whatif->unrepeated_en));
}

unsigned whatif_report(struct whatif *whatif)
{
    struct report report = {.whatif = whatif, .list = whatif->cli->json ? json_array() : NULL};
    arena_init(&report.arena);
    for (size_t i = 0; i < whatif->records_count; i++)
        if (whatif->records[i].at_ms >= whatif->since_ms)
            compare_case(&report, &whatif->records[i]);
    print_end(&report);
    arena_fini(&report.arena);
    return report.cases;
}
