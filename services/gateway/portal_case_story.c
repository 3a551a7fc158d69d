/* What casework tells the complainant of his case, in words: what happened when, what was said to him and by him. */
#include "portal_case.h"

#include "policy/lookup.h"

#include <inttypes.h>

static struct arena *arena_of(const struct case_shown *shown)
{
    return visit_arena(shown->visit);
}

/* ---- values in words ---- */

static const char *choice_words(const struct case_shown *shown, const Policy__FieldDef *def, const char *name)
{
    for (size_t i = 0; i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, name) == 0)
            return portal_label(shown->visit->language, def->one_of[i]->label);
    if (def->type == POLICY__FIELD_DEF__TYPE__DEPARTMENT)
        return visit_department(shown->visit, name);
    const Policy__Category *category =
        strcmp(def->name, "category") == 0 ? policy_category(shown->visit->policy, name) : NULL;
    return category ? portal_label(shown->visit->language, category->label) : name;
}

static const char *duration_words(const struct case_shown *shown, int64_t ms)
{
    int64_t minutes = ms / 60000;
    bool zh = shown->visit->language == LANGUAGE_ZH;
    if (minutes % 1440 == 0)
        return arena_printf(arena_of(shown), zh ? "%" PRId64 "天" : "%" PRId64 " days", minutes / 1440);
    if (minutes % 60 == 0)
        return arena_printf(arena_of(shown), zh ? "%" PRId64 "小时" : "%" PRId64 " h", minutes / 60);
    return arena_printf(arena_of(shown), zh ? "%" PRId64 "分钟" : "%" PRId64 " min", minutes);
}

const char *case_value_words(const struct case_shown *shown, const Policy__FieldDef *def, const Hb__Value *value)
{
    struct page *page = &shown->visit->page;
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return choice_words(shown, def, value->text);
    case HB__VALUE__KIND_NUMBER:
        return arena_printf(arena_of(shown), "%" PRId64, value->number);
    case HB__VALUE__KIND_YES:
        return page_text(page, value->yes ? TEXT_YES : TEXT_NO);
    case HB__VALUE__KIND_TIME_MS:
        return time_words(page->zone, value->time_ms, page->now_ms, page->language, arena_of(shown));
    case HB__VALUE__KIND_DURATION_MS:
        return duration_words(shown, value->duration_ms);
    case HB__VALUE__KIND_MONEY_FEN:
        return arena_printf(arena_of(shown), "%" PRId64 ".%02d", value->money_fen / 100, (int)(value->money_fen % 100));
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return "";
}

/* ---- telling ---- */

static const char *label_or_name(const struct case_shown *shown, const Hb__Label *label, const char *name)
{
    const char *text = portal_label(shown->visit->language, label);
    return *text ? text : name;
}

static struct said said_of(const struct case_shown *shown, const Hb__Field *field)
{
    const Policy__FieldDef *def = policy_field(shown->kind, field->name);
    return (struct said){.label = label_or_name(shown, def ? def->label : NULL, field->name),
                         .box = field->text->sealed};
}

/* What every form asks, whatever the policy says of it. */
static struct said own_of(const struct case_shown *shown, const Hb__Field *field)
{
    struct said said = said_of(shown, field);
    if (!policy_field(shown->kind, field->name))
        said.label = visit_text(shown->visit, strcmp(field->name, "place") == 0 ? TEXT_PLACE : TEXT_CASE_YOURS);
    return said;
}

/* NULL: of a department that is not open to the public. */
static const char *what_happened(const struct case_shown *shown, const Casework__OwnMoment *told)
{
    const Policy__Step *step = policy_step(shown->kind, told->name);
    const Policy__Stage *stage = policy_stage(shown->kind, told->name);
    struct arena *arena = arena_of(shown);
    const char *name;
    switch (told->what) {
    case CASEWORK__OWN_MOMENT__WHAT__REGISTERED:
        return visit_text(shown->visit, TEXT_CASE_REGISTERED);
    case CASEWORK__OWN_MOMENT__WHAT__PASSED:
        name = visit_department(shown->visit, told->name);
        return *name ? arena_printf(arena, "%s%s", visit_text(shown->visit, TEXT_CASE_PASSED), name) : NULL;
    case CASEWORK__OWN_MOMENT__WHAT__STEP:
        return label_or_name(shown, step ? step->label : NULL, told->name);
    case CASEWORK__OWN_MOMENT__WHAT__STAGE:
        return label_or_name(shown, stage ? stage->label : NULL, told->name);
    case CASEWORK__OWN_MOMENT__WHAT__LETTER:
        return arena_printf(arena, "%s %s", label_or_name(shown, told->letter->label, told->name),
                            told->letter->number);
    }
    return NULL; /* of a newer version: nothing that this page knows how to tell */
}

/* A letter says its own text. */
static void tell_moment(struct case_shown *shown, const Casework__OwnMoment *told)
{
    const char *what = what_happened(shown, told);
    if (!what)
        return;
    struct moment *moment = &shown->moments[shown->moments_count++];
    *moment = (struct moment){.at_ms = told->at_ms, .what = what, .own = told->own, .round = told->round};
    moment->said = arena_alloc(arena_of(shown), (told->n_texts + 1) * sizeof *moment->said);
    for (size_t i = 0; i < told->n_texts; i++)
        moment->said[moment->said_count++] = said_of(shown, told->texts[i]);
    if (told->letter && told->letter->text) { /* else there was no room for it (casework's own.c) */
        moment->letter = told->letter;
        moment->said[moment->said_count] = said_of(shown, told->letter->text);
        moment->said[moment->said_count++].label = label_or_name(shown, told->letter->label, told->name);
    }
    if (moment->said_count && !moment->own)
        shown->answer = moment;
}

void case_story_tell(struct case_shown *shown)
{
    const Casework__OwnCase *told = shown->told;
    struct arena *arena = arena_of(shown);
    shown->moments = arena_alloc(arena, (told->n_moments + 1) * sizeof *shown->moments);
    for (size_t i = 0; i < told->n_moments; i++)
        tell_moment(shown, told->moments[i]);
    shown->own = arena_alloc(arena, (told->n_own_texts + 1) * sizeof *shown->own);
    for (size_t i = 0; i < told->n_own_texts; i++)
        shown->own[shown->own_count++] = own_of(shown, told->own_texts[i]);
    shown->files = arena_zero(arena, (told->n_files + 1) * sizeof *shown->files);
    for (size_t i = 0; i < told->n_files; i++)
        shown->files[i].box = told->files[i]->file_name->sealed;
}

/* ---- boxes ---- */

struct said **case_story_sealed(struct case_shown *shown, size_t *count_out)
{
    size_t most = shown->told->n_files + shown->own_count, count = 0;
    for (size_t i = 0; i < shown->moments_count; i++)
        most += shown->moments[i].said_count;
    struct said **list = arena_alloc(arena_of(shown), (most + 1) * sizeof *list);
    for (size_t i = 0; i < shown->told->n_files; i++)
        list[count++] = &shown->files[i];
    for (size_t i = 0; i < shown->own_count; i++)
        list[count++] = &shown->own[i];
    for (size_t i = 0; i < shown->moments_count; i++)
        for (size_t s = 0; s < shown->moments[i].said_count; s++)
            list[count++] = &shown->moments[i].said[s];
    *count_out = count;
    return list;
}
