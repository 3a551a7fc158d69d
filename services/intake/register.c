/* One new case, whoever asks for it: number, id, facts, stage, hints. */
#include "intake.h"

#include "base/planted.h"
#include "calendar/calendar.h"
#include "organisation/fields.h"
#include "policy/facts.h"
#include "policy/lookup.h"

/* ---- facts ---- */

void intake_register_fact(struct turn *turn, struct intake_new *fresh, const char *name, Hb__Value *value)
{
    for (size_t i = 0; i < fresh->event->n_facts; i++)
        if (strcmp(fresh->event->facts[i]->name, name) == 0) {
            fresh->event->facts[i]->value = value; /* said before: the later one counts */
            facts_set(turn_arena(turn), fresh->facts, name, value);
            return;
        }
    event_fact(turn, fresh->event, name, value);
    facts_set(turn_arena(turn), fresh->facts, name, value);
}

static void fact_text(struct turn *turn, struct intake_new *fresh, const char *name, const char *text)
{
    if (text[0])
        intake_register_fact(turn, fresh, name, value_text(turn, text));
}

static Hb__Value *value_present(struct turn *turn)
{
    Hb__Value *value = value_yes(turn, true);
    value->kind_case = HB__VALUE__KIND_PRESENT;
    value->present = true;
    return value;
}

static bool given(const Hb__Personal *personal)
{
    return personal && personal->kind_case != HB__PERSONAL__KIND__NOT_SET;
}

static void fact_present(struct turn *turn, struct intake_new *fresh, const char *name, const Hb__Personal *personal)
{
    if (given(personal))
        intake_register_fact(turn, fresh, name, value_present(turn));
}

void intake_register_text(struct turn *turn, struct intake_new *fresh, Hb__Field *field)
{
    Intake__CaseRegistered *registered = fresh->registered;
    if (!given(field->text))
        return;
    registered->texts = arena_grow(turn_arena(turn), registered->texts, registered->n_texts, sizeof field);
    registered->texts[registered->n_texts++] = field;
    intake_register_fact(turn, fresh, field->name, value_present(turn));
}

void intake_register_fields(struct turn *turn, struct intake_new *fresh, Hb__Field *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        switch (fields[i]->content_case) {
        case HB__FIELD__CONTENT_VALUE:
            intake_register_fact(turn, fresh, fields[i]->name, fields[i]->value);
            break;
        case HB__FIELD__CONTENT_TEXT:
            intake_register_text(turn, fresh, fields[i]);
            break;
        case HB__FIELD__CONTENT__NOT_SET:
            break;
        }
    }
}

void intake_register_party(struct turn *turn, struct intake_new *fresh)
{
    fact_present(turn, fresh, "text", fresh->registered->text);
    const Intake__Party *party = fresh->registered->party;
    if (!party)
        return;
    fact_present(turn, fresh, "complainant_name", party->name);
    fact_present(turn, fresh, "complainant_phone", party->phone);
    fact_present(turn, fresh, "complainant_email", party->email);
    fact_present(turn, fresh, "complainant_address", party->address);
    intake_register_fact(turn, fresh, "anonymous", value_yes(turn, party->anonymous));
    intake_register_fact(turn, fresh, "confidential", value_yes(turn, party->confidential));
}

void intake_register_defaults(struct turn *turn, struct intake_new *fresh)
{
    for (size_t i = 0; i < fresh->kind->n_fields; i++) {
        const Policy__FieldDef *def = fresh->kind->fields[i];
        if (!strchr(def->name, '.') && def->default_value && !facts_get(fresh->facts, def->name))
            intake_register_fact(turn, fresh, def->name, def->default_value);
        if (def->figure && def->figure->op == POLICY__FIGURE__OP__COUNT)
            intake_register_fact(turn, fresh, def->name, value_number(turn, 0));
    }
}

void intake_register_about(struct turn *turn, struct intake_new *fresh, const char *category, const char *channel,
                           const char *place)
{
    fresh->registered->category = arena_strdup(turn_arena(turn), category);
    fresh->registered->channel = arena_strdup(turn_arena(turn), channel);
    fresh->registered->place = arena_strdup(turn_arena(turn), place);
    fact_text(turn, fresh, "category", category);
    fact_text(turn, fresh, "channel", channel);
    fact_text(turn, fresh, "place", place);
}

void intake_register_filer(struct turn *turn, struct intake_new *fresh)
{
    if (!policy_field(fresh->kind, "filer"))
        fact_text(turn, fresh, "filer", who_filer(turn, fresh->actor));
}

/* ---- number and stage ---- */

/* Imported history is numbered under the day it was received, as if the system had been running then. */
static int64_t dated_ms(struct turn *turn, const struct intake_new *fresh)
{
    return fresh->historic ? fresh->received_ms : turn_now(turn);
}

static char *date_text(struct turn *turn, const struct intake_new *fresh)
{
    int year, month, day;
    int64_t local_ms = zone_local_ms(organisation_zone(turn, fresh->site->id), dated_ms(turn, fresh));
    date_split(date_of_local(local_ms), &year, &month, &day);
    return arena_printf(turn_arena(turn), "%04d%02d%02d", year, month, day);
}

char *intake_register_counter(struct turn *turn, const struct intake_new *fresh, const char *pattern)
{
    const Directory__Site *site = fresh->site;
    return intake_number_counter(turn, pattern, site->code[0] ? site->code : site->id, fresh->kind->name,
                                 date_text(turn, fresh));
}

static void number_it(struct turn *turn, struct intake_new *fresh)
{
    const Directory__Site *site = fresh->site;
    Intake__CaseRegistered *registered = fresh->registered;
    registered->counter = intake_register_counter(turn, fresh, fresh->kind->number);
    uint32_t epoch;
    registered->count = intake_counter(turn, site->id, registered->counter, &epoch) + !planted_each("same_number", 10);
    fresh->skipped = intake_numbers_lost(turn, fresh->kind->number, site->id, dated_ms(turn, fresh), epoch);
    registered->count += fresh->skipped + planted_each("skip_number", 10);
    registered->number = intake_number_make(turn, registered->counter, registered->count);
}

void intake_register_stage(struct turn *turn, struct intake_new *fresh, const char *stage)
{
    const Policy__Stage *found = policy_stage(fresh->kind, stage);
    fresh->registered->stage = arena_strdup(turn_arena(turn), stage);
    fresh->registered->phase = found ? (uint32_t)found->phase : (uint32_t)POLICY__PHASE__NEW;
    intake_register_fact(turn, fresh, "stage", value_text(turn, stage));
    intake_register_fact(turn, fresh, "phase", value_number(turn, fresh->registered->phase));
    intake_register_fact(turn, fresh, "round", value_number(turn, 1));
}

/* ---- the case ---- */

static Hb__Event *intake_event(struct turn *turn, const Directory__Site *site, uint64_t case_id,
                               Intake__Event__KindCase kind)
{
    Hb__Event *event = turn_event(turn, site->id, case_id);
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = arena_alloc(turn_arena(turn), sizeof *event->intake);
    intake__event__init(event->intake);
    event->intake->kind_case = kind;
    return event;
}

static Hb__Event *event_new(struct turn *turn, const Directory__Site *site)
{
    uint64_t case_id = case_id_make(site->bucket + planted_each("wrong_bucket", 5), turn_now(turn),
                                    intake_last_id(turn, site->bucket));
    Hb__Event *event = intake_event(turn, site, case_id, INTAKE__EVENT__KIND_REGISTERED);
    event->intake->registered = arena_alloc(turn_arena(turn), sizeof *event->intake->registered);
    intake__case_registered__init(event->intake->registered);
    return event;
}

struct intake_new intake_register_begin(struct turn *turn, const Directory__Site *site, const Policy__Policy *policy,
                                        const Policy__Kind *kind, int64_t received_ms, bool historic)
{
    struct intake_new fresh = {
        .site = site, .policy = policy, .kind = kind, .received_ms = received_ms, .historic = historic};
    fresh.facts = arena_zero(turn_arena(turn), sizeof *fresh.facts);
    fresh.event = event_new(turn, site);
    fresh.event->occurred_ms = received_ms;
    fresh.event->policy_version = policy->version;
    fresh.registered = fresh.event->intake->registered;
    fresh.registered->kind = kind->name;
    fresh.registered->historic = historic;
    number_it(turn, &fresh);
    fact_text(turn, &fresh, "kind", kind->name);
    intake_register_fact(turn, &fresh, "received_at", value_time(turn, received_ms));
    intake_register_fact(turn, &fresh, "registered_at", value_time(turn, historic ? received_ms : turn_now(turn)));
    const Policy__Stage *first = policy_first_stage(kind);
    fresh.first_stage = first ? first->name : "registered";
    intake_register_stage(turn, &fresh, fresh.first_stage);
    event_clauses(turn, fresh.event, kind->clauses, kind->n_clauses);
    return fresh;
}

static void hint_alike(struct turn *turn, struct intake_new *fresh)
{
    Intake__CaseRegistered *registered = fresh->registered;
    registered->alike = arena_alloc(turn_arena(turn), INTAKE_ALIKE_MAX * sizeof *registered->alike);
    registered->n_alike = intake_alike_find(turn, fresh->site->id, registered->kind, registered->category,
                                            registered->place[0] ? registered->place : registered->place_key,
                                            fresh->received_ms, registered->alike);
}

static void say_skipped(struct turn *turn, const struct intake_new *fresh)
{
    Intake__NumbersSkipped *skipped = arena_alloc(turn_arena(turn), sizeof *skipped);
    intake__numbers_skipped__init(skipped);
    skipped->counter = fresh->registered->counter;
    skipped->from = fresh->registered->count - fresh->skipped;
    skipped->to = fresh->registered->count - 1;
    skipped->reason = arena_strdup(turn_arena(turn), "restore");
    Hb__Event *event = intake_event(turn, fresh->site, 0, INTAKE__EVENT__KIND_NUMBERS_SKIPPED);
    event->intake->numbers_skipped = skipped;
    turn_say(turn, event);
}

bool intake_register_fits(struct turn *turn, struct intake_new *fresh)
{
    fields_count_parts(turn, NULL, fresh->event);
    hint_alike(turn, fresh);
    intake_promise(turn, fresh);
    return hb__event__get_packed_size(fresh->event) <= INTAKE_EVENT_BYTES_MAX;
}

bool intake_register_say(struct turn *turn, struct intake_new *fresh)
{
    if (!intake_register_fits(turn, fresh))
        return false;
    if (fresh->skipped)
        say_skipped(turn, fresh);
    turn_say(turn, fresh->event);
    return true;
}
