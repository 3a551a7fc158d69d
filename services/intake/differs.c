/* An import whose identity is known: what does it say otherwise than the row that was registered? Compared with the
   registration as it stands in the log. Sealed texts are opened for the comparison only: that one differs is told, what
   either says is not, for that takes the right to open. */
#include "intake.h"

#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "vault/vault.h"

struct comparing {
    struct turn *turn;
    const Intake__CaseRegistered *was;
    const Policy__Kind *kind; /* of the policy it was registered under; NULL: not known any more */
    Intake__Difference **list;
    size_t count;
};

static Intake__Difference *differs(struct comparing *comparing, const char *field)
{
    struct arena *arena = turn_arena(comparing->turn);
    Intake__Difference *difference = arena_alloc(arena, sizeof *difference);
    intake__difference__init(difference);
    difference->field = arena_strdup(arena, field);
    comparing->list = arena_grow(arena, comparing->list, comparing->count, sizeof *comparing->list);
    comparing->list[comparing->count++] = difference;
    return difference;
}

static void compare_value(struct comparing *comparing, const char *field, const Hb__Value *was, const Hb__Value *now)
{
    if ((!was && !now) || (was && now && value_equal(was, now)))
        return;
    Intake__Difference *difference = differs(comparing, field);
    difference->was = (Hb__Value *)(uintptr_t)was;
    difference->now = (Hb__Value *)(uintptr_t)now;
}

static Hb__Value *name_value(struct comparing *comparing, const char *name)
{
    return name[0] ? value_text(comparing->turn, name) : NULL;
}

static void compare_name(struct comparing *comparing, const char *field, const char *was, const char *now)
{
    compare_value(comparing, field, name_value(comparing, was), name_value(comparing, now));
}

static void compare_time(struct comparing *comparing, const char *field, int64_t was_ms, int64_t now_ms)
{
    compare_value(comparing, field, value_time(comparing->turn, was_ms), value_time(comparing->turn, now_ms));
}

static void compare_yes(struct comparing *comparing, const char *field, bool was, bool now)
{
    if (was != now)
        compare_value(comparing, field, value_yes(comparing->turn, was), value_yes(comparing->turn, now));
}

/* ---- sealed texts ---- */

/* "" when there is none; NULL when its key was destroyed: then nothing can be said of it. */
static char *text_of(struct comparing *comparing, const Hb__Personal *personal)
{
    struct arena *arena = turn_arena(comparing->turn);
    char *text = arena_strdup(arena, "");
    if (personal && personal->kind_case == HB__PERSONAL__KIND_SEALED &&
        vault_open(turn_vault(comparing->turn), personal->sealed, arena, &text))
        return NULL;
    return text;
}

static void compare_text(struct comparing *comparing, const char *field, const Hb__Personal *was,
                         const Hb__Personal *now)
{
    const char *text_was = text_of(comparing, was), *text_now = text_of(comparing, now);
    if (text_was && text_now && strcmp(text_was, text_now) != 0)
        differs(comparing, field)->sealed = true;
}

static void compare_party(struct comparing *comparing, const Intake__Party *party)
{
    static const Intake__Party nobody = INTAKE__PARTY__INIT;
    const Intake__Party *was = comparing->was->party ? comparing->was->party : &nobody, *now = party ? party : &nobody;
    compare_text(comparing, "party.name", was->name, now->name);
    compare_text(comparing, "party.phone", was->phone, now->phone);
    compare_text(comparing, "party.email", was->email, now->email);
    compare_text(comparing, "party.address", was->address, now->address);
    compare_yes(comparing, "party.anonymous", was->anonymous, now->anonymous);
    compare_yes(comparing, "party.confidential", was->confidential, now->confidential);
    compare_name(comparing, "party.language", was->language, now->language);
}

/* ---- fields ---- */

static const Hb__Field *field_named(Hb__Field *const *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i]->name, name) == 0)
            return fields[i];
    return NULL;
}

static const Hb__Value *value_of(const Hb__Field *field)
{
    return field && field->content_case == HB__FIELD__CONTENT_VALUE ? field->value : NULL;
}

static const Hb__Personal *personal_of(const Hb__Field *field)
{
    return field && field->content_case == HB__FIELD__CONTENT_TEXT ? field->text : NULL;
}

static void compare_field(struct comparing *comparing, const char *path, const Hb__Field *was, const Hb__Field *now)
{
    const char *name = was ? was->name : now->name;
    const char *field =
        strcmp(name, "place") == 0 ? name : arena_printf(turn_arena(comparing->turn), "%s.%s", path, name);
    if (value_of(was) || value_of(now))
        compare_value(comparing, field, value_of(was), value_of(now));
    else
        compare_text(comparing, field, personal_of(was), personal_of(now));
}

static void compare_fields(struct comparing *comparing, const char *path, Hb__Field *const *was, size_t was_count,
                           Hb__Field *const *now, size_t now_count)
{
    for (size_t i = 0; i < now_count; i++)
        compare_field(comparing, path, field_named(was, was_count, now[i]->name), now[i]);
    for (size_t i = 0; i < was_count; i++)
        if (!field_named(now, now_count, was[i]->name))
            compare_field(comparing, path, was[i], NULL);
}

/* Did the row give it? What the policy or the register filled in, no row has to repeat. */
static bool was_given(const struct comparing *comparing, const Hb__Fact *fact)
{
    static const char *const own[] = {"category", "channel", "place"};
    const Policy__FieldDef *def = comparing->kind ? policy_field_of_fact(comparing->kind, fact->name) : NULL;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(fact->name, own[i]) == 0)
            return false;
    return def && !def->figure && fact->value && fact->value->kind_case != HB__VALUE__KIND_PRESENT &&
           !(def->default_value && value_equal(def->default_value, fact->value));
}

/* The fields of the registration, typed ones from its facts and texts as they were sealed. */
static Hb__Field **registered_fields(struct comparing *comparing, const Hb__Event *event, const Intake__Submit *now,
                                     size_t *count_out)
{
    struct arena *arena = turn_arena(comparing->turn);
    Hb__Field **fields = NULL;
    size_t count = 0;
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Field *again = field_named(now->fields, now->n_fields, event->facts[i]->name);
        if (!was_given(comparing, event->facts[i]) && !value_of(again))
            continue;
        Hb__Field *field = arena_alloc(arena, sizeof *field);
        hb__field__init(field);
        field->name = event->facts[i]->name;
        field->content_case = HB__FIELD__CONTENT_VALUE;
        field->value = event->facts[i]->value;
        fields = arena_grow(arena, fields, count, sizeof *fields);
        fields[count++] = field;
    }
    for (size_t i = 0; i < comparing->was->n_texts; i++) {
        fields = arena_grow(arena, fields, count, sizeof *fields);
        fields[count++] = comparing->was->texts[i];
    }
    *count_out = count;
    return fields;
}

static void compare_submit(struct comparing *comparing, const Hb__Event *event, const Intake__Submit *now)
{
    const Intake__CaseRegistered *was = comparing->was;
    compare_name(comparing, "kind", was->kind, now->kind);
    compare_name(comparing, "category", was->category, now->category);
    compare_name(comparing, "channel", was->channel, now->channel);
    compare_name(comparing, "place", was->place, now->place);
    compare_name(comparing, "department", was->department, now->department);
    compare_text(comparing, "text", was->text, now->text);
    compare_party(comparing, now->party);
    size_t count;
    Hb__Field **fields = registered_fields(comparing, event, now, &count);
    compare_fields(comparing, "fields", fields, count, now->fields, now->n_fields);
}

/* ---- history ---- */

static void compare_step(struct comparing *comparing, size_t at, const Intake__HistoricStep *was,
                         const Intake__HistoricStep *now)
{
    static const Intake__HistoricStep none = INTAKE__HISTORIC_STEP__INIT;
    struct arena *arena = turn_arena(comparing->turn);
    const char *path = arena_printf(arena, "history.steps[%zu]", at);
    compare_name(comparing, arena_printf(arena, "%s.step", path), was ? was->step : "", now ? now->step : "");
    compare_value(comparing, arena_printf(arena, "%s.occurred_ms", path),
                  was ? value_time(comparing->turn, was->occurred_ms) : NULL,
                  now ? value_time(comparing->turn, now->occurred_ms) : NULL);
    was = was ? was : &none;
    now = now ? now : &none;
    compare_fields(comparing, arena_printf(arena, "%s.fields", path), was->fields, was->n_fields, now->fields,
                   now->n_fields);
}

static void compare_history(struct comparing *comparing, const Intake__History *now)
{
    static const Intake__History none = INTAKE__HISTORY__INIT;
    const Intake__History *was = comparing->was->history ? comparing->was->history : &none;
    now = now ? now : &none;
    for (size_t i = 0; i < was->n_steps || i < now->n_steps; i++)
        compare_step(comparing, i, i < was->n_steps ? was->steps[i] : NULL, i < now->n_steps ? now->steps[i] : NULL);
}

void intake_import_differs(struct turn *turn, const Hb__Event *event, const Intake__Import *import,
                           Intake__Submitted *submitted)
{
    const Policy__Policy *policy = organisation_policy(turn, event->site, event->policy_version);
    struct comparing comparing = {.turn = turn, .was = event->intake->registered};
    comparing.kind = policy ? policy_kind(policy, comparing.was->kind) : NULL;
    if (import->received_ms)
        compare_time(&comparing, "received_ms", event->occurred_ms, import->received_ms);
    compare_submit(&comparing, event, import->submit);
    compare_history(&comparing, import->history);
    submitted->differs = comparing.list;
    submitted->n_differs = comparing.count;
}
