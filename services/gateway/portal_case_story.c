/* What a complainant may know of the own case: that it was registered, who has it, when it went on, what was said to
   the complainant and by the complainant. Notes, findings, persons and other cases stay inside. Which fields are meant
   for the complainant is the policy's to say: `may: {NAME: {who: complainant, do: see, what: FIELD}}`. */
#include "portal_case.h"

#include "policy/condition.h"
#include "policy/lookup.h"

#include <inttypes.h>

static struct arena *arena_of(const struct case_shown *shown)
{
    return visit_arena(shown->visit);
}

/* ---- may the complainant see it? ---- */

static enum truth holds(const struct case_shown *shown, const Policy__Condition *condition)
{
    struct facts facts = {shown->file->facts, shown->file->n_facts};
    struct condition_context context = {.now_ms = shown->visit->request->came_ms};
    return condition_holds(condition, &facts, &context, NULL);
}

static bool forbidden(const struct case_shown *shown, Policy__Never *const *list, size_t count, const char *field)
{
    for (size_t i = 0; i < count; i++)
        if (policy_hides_from_complainant(list[i], field) && holds(shown, list[i]->condition) != TRUTH_NO)
            return true;
    return false;
}

bool case_shows_field(const struct case_shown *shown, const char *field, bool *conditional_out)
{
    const Policy__Kind *kind = shown->kind;
    if (forbidden(shown, kind->never, kind->n_never, field) ||
        forbidden(shown, shown->visit->policy->never, shown->visit->policy->n_never, field))
        return false;
    for (size_t i = 0; i < kind->n_may; i++) {
        const Policy__May *may = kind->may[i];
        if (!policy_lets_complainant_see(may, field) || holds(shown, may->condition) != TRUTH_YES)
            continue;
        *conditional_out = may->condition && may->condition->n_nodes;
        return true;
    }
    return false;
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

static struct moment *add_moment(struct case_shown *shown, int64_t at_ms, const char *what)
{
    shown->moments = arena_grow(arena_of(shown), shown->moments, shown->moments_count, sizeof *shown->moments);
    struct moment *moment = &shown->moments[shown->moments_count++];
    *moment = (struct moment){.at_ms = at_ms, .what = what};
    return moment;
}

static const char *label_or_name(const struct case_shown *shown, const Hb__Label *label, const char *name)
{
    const char *text = portal_label(shown->visit->language, label);
    return *text ? text : name;
}

static void add_said(const struct case_shown *shown, struct said **list, size_t *count, const Policy__FieldDef *def,
                     const Hb__Sealed *box, bool conditional)
{
    *list = arena_grow(arena_of(shown), *list, *count, sizeof **list);
    (*list)[(*count)++] = (struct said){.label = label_or_name(shown, def->label, def->name),
                                        .box = box,
                                        .conditional = conditional,
                                        .field = def->name};
}

static bool is_sealed(const Hb__Personal *personal)
{
    return personal && personal->kind_case == HB__PERSONAL__KIND_SEALED;
}

/* What every form asks, whatever the policy says of it. */
static void add_own(struct case_shown *shown, char *name, enum text_id label, Hb__Sealed *sealed)
{
    Policy__FieldDef what = POLICY__FIELD_DEF__INIT;
    what.name = name;
    add_said(shown, &shown->own, &shown->own_count, &what, sealed, false);
    shown->own[shown->own_count - 1].label = visit_text(shown->visit, label);
}

/* A case that a rule made shares the keys of the case it came from: of its texts nothing is shown. */
static void tell_registered(struct case_shown *shown, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    struct visit *visit = shown->visit;
    add_moment(shown, event->occurred_ms, visit_text(visit, TEXT_CASE_REGISTERED));
    if (registered->requested_by)
        return;
    if (is_sealed(registered->text))
        add_own(shown, "text", TEXT_CASE_YOURS, registered->text->sealed);
    for (size_t i = 0; i < registered->n_texts; i++) {
        const Hb__Field *field = registered->texts[i];
        const Policy__FieldDef *def = policy_field(shown->kind, field->name);
        if (!def && strcmp(field->name, "place") == 0 && is_sealed(field->text))
            add_own(shown, "place", TEXT_PLACE, field->text->sealed);
        else if (def && def->public_ && field->content_case == HB__FIELD__CONTENT_TEXT && is_sealed(field->text))
            add_said(shown, &shown->own, &shown->own_count, def, field->text->sealed, false);
    }
}

static void tell_routed(struct case_shown *shown, const Hb__Event *event, const char **lead)
{
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Fact *fact = event->facts[i];
        bool is_lead = strcmp(fact->name, "lead") == 0 && fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT;
        if (!is_lead || strcmp(fact->value->text, *lead) == 0)
            continue;
        *lead = fact->value->text;
        const char *name = visit_department(shown->visit, *lead);
        if (*name)
            add_moment(shown, event->occurred_ms,
                       arena_printf(arena_of(shown), "%s%s", visit_text(shown->visit, TEXT_CASE_PASSED), name));
    }
}

static size_t tell_texts(struct case_shown *shown, const Casework__StepTaken *taken, bool own, struct said **said_out)
{
    size_t count = 0;
    *said_out = NULL;
    for (size_t i = 0; i < taken->n_texts; i++) {
        const Hb__Field *field = taken->texts[i];
        const Policy__FieldDef *def = policy_field(shown->kind, field->name);
        bool conditional = false;
        if (def && field->content_case == HB__FIELD__CONTENT_TEXT && is_sealed(field->text) &&
            (own || case_shows_field(shown, field->name, &conditional)))
            add_said(shown, said_out, &count, def, field->text->sealed, conditional);
    }
    for (size_t i = 0; i < count; i++)
        (*said_out)[i].copied = taken->copied_from != 0;
    return count;
}

/* What the complainant received: the very text that was issued then. */
static void tell_letter(struct case_shown *shown, const Hb__Event *event, uint32_t round)
{
    const Hb__Letter *letter = event->casework->document_issued->letter;
    const Hb__Field *text = letter ? letter->text : NULL;
    if (!letter || !letter->public_ || !text || text->content_case != HB__FIELD__CONTENT_TEXT || !is_sealed(text->text))
        return;
    Policy__FieldDef what = POLICY__FIELD_DEF__INIT;
    what.name = text->name;
    what.label = letter->label;
    const char *label = label_or_name(shown, letter->label, letter->document);
    struct moment *moment =
        add_moment(shown, event->occurred_ms, arena_printf(arena_of(shown), "%s %s", label, letter->number));
    moment->round = round;
    moment->letter = letter;
    add_said(shown, &moment->said, &moment->said_count, &what, text->text->sealed, false);
}

struct so_far {
    uint32_t phase, round;
    const char *lead;
    bool rule_made;
};

/* Steps that neither change the phase nor say anything to or by the complainant are the staff's own affair. */
static void tell_step(struct case_shown *shown, const Hb__Event *event, struct so_far *so_far)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    if (case_step_of_others(shown, taken->step)) { /* what a neighbour left is not this complainant's */
        so_far->phase = taken->phase;
        so_far->round = taken->round;
        return;
    }
    bool own = event->actor && event->actor->complainant;
    bool again = taken->round > so_far->round;
    struct said *said = NULL;
    size_t count = so_far->rule_made ? 0 : tell_texts(shown, taken, own, &said);
    bool told = own || count || again || taken->phase != so_far->phase;
    so_far->phase = taken->phase;
    so_far->round = taken->round;
    if (!told)
        return;
    const Policy__Step *step = policy_step(shown->kind, taken->step);
    const Policy__Stage *stage = policy_stage(shown->kind, taken->stage);
    bool by_step = (own || again) && step;
    struct moment *moment = add_moment(shown, event->occurred_ms,
                                       by_step ? label_or_name(shown, step->label, step->name)
                                               : label_or_name(shown, stage ? stage->label : NULL, taken->stage));
    moment->own = own;
    moment->round = taken->round;
    moment->said = said;
    moment->said_count = count;
}

/* What is seen under a condition of the case as it is now is seen in its newest form only. */
static void keep_newest(struct case_shown *shown)
{
    for (size_t i = 0; i < shown->moments_count; i++) {
        struct moment *moment = &shown->moments[i];
        size_t kept = 0;
        for (size_t s = 0; s < moment->said_count; s++) {
            bool newer = false;
            for (size_t j = i + 1; j < shown->moments_count && moment->said[s].conditional; j++)
                for (size_t t = 0; t < shown->moments[j].said_count; t++)
                    newer = newer || strcmp(shown->moments[j].said[t].field, moment->said[s].field) == 0;
            if (!newer)
                moment->said[kept++] = moment->said[s];
        }
        moment->said_count = kept;
    }
}

void case_story_tell(struct case_shown *shown)
{
    struct so_far so_far = {.phase = POLICY__PHASE__NEW, .round = 1, .lead = ""};
    for (size_t i = 0; i < shown->events_count; i++) {
        const Hb__Event *event = shown->events[i];
        if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
            event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED) {
            tell_registered(shown, event);
            so_far.phase = event->intake->registered->phase;
            so_far.rule_made = event->intake->registered->requested_by != NULL;
        } else if (event->payload_case == HB__EVENT__PAYLOAD_ROUTING) {
            tell_routed(shown, event, &so_far.lead);
        } else if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                   event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN) {
            tell_step(shown, event, &so_far);
        } else if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                   event->casework->kind_case == CASEWORK__EVENT__KIND_DOCUMENT_ISSUED && !so_far.rule_made) {
            tell_letter(shown, event, so_far.round);
        }
    }
    keep_newest(shown);
    for (size_t i = 0; i < shown->moments_count; i++)
        if (shown->moments[i].said_count && !shown->moments[i].own)
            shown->answer = &shown->moments[i];
}

/* ---- boxes ---- */

static void add_sealed(struct case_shown *shown, struct said **list, size_t *count, struct said *said)
{
    const Casework__CaseFile *file = shown->file;
    bool own_key = said->box->key_id == file->content_key || said->box->key_id == file->identity_key;
    if ((own_key || said->copied) && *count < CASE_BOXES_MAX)
        list[(*count)++] = said;
}

struct said **case_story_sealed(struct case_shown *shown, size_t *count_out)
{
    struct said **list = arena_alloc(arena_of(shown), CASE_BOXES_MAX * sizeof *list);
    *count_out = 0;
    for (size_t i = 0; i < shown->files_count; i++)
        add_sealed(shown, list, count_out, &shown->files[i]);
    for (size_t i = 0; i < shown->own_count; i++)
        add_sealed(shown, list, count_out, &shown->own[i]);
    for (size_t i = shown->moments_count; i-- > 0;)
        for (size_t s = 0; s < shown->moments[i].said_count; s++)
            add_sealed(shown, list, count_out, &shown->moments[i].said[s]);
    return list;
}
