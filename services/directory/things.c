/* Registers and rosters: what may stand in an Organise, marks that cases ask for, and marks that come by date. */
#include "directory.h"

#include "calendar/calendar.h"
#include "organisation/fields.h"
#include "policy/facts.h"
#include "policy/lookup.h"

#include <stdio.h>
#include <stdlib.h>

#define BY_DATE 0           /* in place of a case */
#define MARK_CASES_MAX 1000 /* that one mark rests on: 8 KB; what comes beyond them is not counted */

/* ---- the door: facts of a thing are typed by the fields of its register ---- */

static const Policy__ThingDef *register_of(struct turn *turn, const Directory__Thing *thing)
{
    const Policy__Policy *policy = organisation_policy(turn, thing->site, 0);
    return policy ? policy_thing(policy, thing->of) : NULL;
}

static const Policy__FieldDef *field_of(const Policy__ThingDef *def, const char *name)
{
    for (size_t i = 0; i < def->n_fields; i++)
        if (strcmp(def->fields[i]->name, name) == 0)
            return def->fields[i];
    return NULL;
}

static bool is_mark(const Policy__ThingDef *def, const char *name)
{
    for (size_t i = 0; i < def->n_marks; i++)
        if (strcmp(def->marks[i]->name, name) == 0)
            return true;
    return false;
}

static void type_fact(struct turn *turn, const Directory__Thing *thing, const Policy__ThingDef *def, Hb__Fact *fact,
                      const char *path)
{
    const Policy__FieldDef *field_def = field_of(def, fact->name);
    Policy__FieldDef mark = POLICY__FIELD_DEF__INIT;
    mark.type = POLICY__FIELD_DEF__TYPE__YES_NO;
    if (!field_def && is_mark(def, fact->name))
        field_def = &mark;
    if (!field_def) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 422, "bad_field", "登记册没有此项", "the register has no such field or mark");
        refusal_field(turn, refusal, path);
        for (size_t i = 0; i < def->n_fields; i++)
            refusal_accepts(turn, refusal, def->fields[i]->name);
        return;
    }
    if (!fact->value)
        return;
    Hb__Field field = HB__FIELD__INIT;
    field.name = fact->name;
    field.content_case = HB__FIELD__CONTENT_VALUE;
    field.value = fact->value;
    field_type(turn, thing->site, field_def, &field, path);
    fact->value = field.content_case == HB__FIELD__CONTENT_VALUE ? field.value : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(Hb__Fact *const *)a)->name, (*(Hb__Fact *const *)b)->name);
}

void directory_type_things(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_things; i++) {
        Directory__Thing *thing = organise->things[i];
        const Policy__ThingDef *def = register_of(turn, thing);
        for (size_t f = 0; def && f < thing->n_facts && !turn_refused(turn); f++)
            type_fact(turn, thing, def, thing->facts[f],
                      arena_printf(turn_arena(turn), "things[%zu].facts.%s", i, thing->facts[f]->name));
        if (thing->n_facts)
            qsort(thing->facts, thing->n_facts, sizeof *thing->facts, by_name);
    }
}

/* ---- what is wrong with them ---- */

static void wrong(struct turn *turn, const char *field, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", zh, en);
    if (!*refusal->field)
        refusal_field(turn, refusal, field);
    if (refusal->n_problems < DIRECTORY_PROBLEMS_MAX)
        refusal_problem(turn, refusal, field, "", zh, en);
}

static const Directory__Thing *thing_known(struct turn *turn, const Directory__Organise *organise, const char *site,
                                           const char *id)
{
    for (size_t i = 0; i < organise->n_things; i++)
        if (strcmp(organise->things[i]->id, id) == 0 && strcmp(organise->things[i]->site, site) == 0)
            return organise->things[i];
    return organisation_thing(turn, site, id);
}

static bool held(struct turn *turn, const Directory__Organise *organise, const Directory__Thing *thing,
                 const char *post)
{
    for (int depth = 0; thing && depth < 8; depth++) {
        for (size_t i = 0; i < thing->n_holders; i++)
            if (strcmp(thing->holders[i]->post, post) == 0)
                return true;
        thing = *thing->within ? thing_known(turn, organise, thing->site, thing->within) : NULL;
    }
    return false;
}

static bool person_there(struct turn *turn, const Directory__Organise *organise, const char *id)
{
    for (size_t i = 0; i < organise->n_people; i++)
        if (strcmp(organise->people[i]->id, id) == 0)
            return true;
    return organisation_person(turn, id) != NULL;
}

/* The facts stand as they came. */
static bool filled_in(const Directory__Thing *thing, const char *field)
{
    for (size_t i = 0; i < thing->n_facts; i++)
        if (strcmp(thing->facts[i]->name, field) == 0)
            return thing->facts[i]->value != NULL;
    return false;
}

static void check_thing(struct turn *turn, const Directory__Organise *organise, const Directory__Thing *thing,
                        const char *path)
{
    struct arena *arena = turn_arena(turn);
    const Policy__ThingDef *def = register_of(turn, thing);
    size_t size = strnlen(thing->id, DIRECTORY_ID_CHARACTERS_MAX + 1);
    if (!size || size > DIRECTORY_ID_CHARACTERS_MAX ||
        thing->id[strspn(thing->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")])
        wrong(turn, arena_printf(arena, "%s.id", path), "编号须为 1 至 32 个字母、数字、- 或 _",
              "an id has 1 to 32 letters, digits, - or _");
    if (organisation_person(turn, thing->id) || organisation_department(turn, thing->site, thing->id))
        wrong(turn, arena_printf(arena, "%s.id", path), "该编号已是人员或部门", "a person or department has this id");
    if (!def)
        wrong(turn, arena_printf(arena, "%s.of", path), "该站点的制度没有这个登记册",
              "the policy of this site has no such register");
    for (size_t i = 0; def && i < def->n_fields; i++)
        if (def->fields[i]->needed == POLICY__FIELD_DEF__NEEDED__ALWAYS && !filled_in(thing, def->fields[i]->name))
            wrong(turn, arena_printf(arena, "%s.facts.%s", path, def->fields[i]->name), "请填写此项",
                  "this has to be filled in");
    if (*thing->within && !thing_known(turn, organise, thing->site, thing->within))
        wrong(turn, arena_printf(arena, "%s.within", path), "没有这一项", "there is no such thing");
    for (size_t i = 0; i < thing->n_holders; i++)
        if (!person_there(turn, organise, thing->holders[i]->person))
            wrong(turn, arena_printf(arena, "%s.holders[%zu].person", path, i), "没有这个人",
                  "there is no such person");
    for (size_t i = 0; def && i < def->n_must_have; i++)
        if (!held(turn, organise, thing, def->must_have[i]))
            wrong(turn, arena_printf(arena, "%s.holders", path), arena_printf(arena, "须指定 %s", def->must_have[i]),
                  arena_printf(arena, "somebody has to be named as %s", def->must_have[i]));
}

static bool certified(const Directory__Person *person, const char *certificate, int64_t until_ms)
{
    for (size_t i = 0; person && i < person->n_certificates; i++)
        if (strcmp(person->certificates[i]->name, certificate) == 0 &&
            (!person->certificates[i]->until_ms || until_ms <= person->certificates[i]->until_ms))
            return true;
    return false;
}

static void check_shift(struct turn *turn, const Directory__Organise *organise, const Policy__Roster *roster,
                        const Directory__Shift *shift, const char *path)
{
    struct arena *arena = turn_arena(turn);
    const Directory__Person *person = organisation_person(turn, shift->person);
    if (!person_there(turn, organise, shift->person) ||
        (*shift->deputy && !person_there(turn, organise, shift->deputy)))
        wrong(turn, path, "没有这个人", "there is no such person");
    if (shift->from_ms >= shift->to_ms)
        wrong(turn, path, "班次须先有始后有终", "a shift ends after it begins");
    if (roster->deputy_needed && !*shift->deputy)
        wrong(turn, path, "每班须指定代班人", "every shift names a deputy");
    for (size_t i = 0; i < roster->n_holding; i++)
        if (!certified(person, roster->holding[i], shift->to_ms))
            wrong(turn, path, arena_printf(arena, "须持有证书 %s", roster->holding[i]),
                  arena_printf(arena, "whoever is on duty holds the certificate %s until the end of the shift",
                               roster->holding[i]));
}

static int by_start(const void *a, const void *b)
{
    const Directory__Shift *x = *(Directory__Shift *const *)a, *y = *(Directory__Shift *const *)b;
    return x->from_ms < y->from_ms ? -1 : x->from_ms > y->from_ms;
}

/* The first instant from `from` to `to` at which nobody is on duty; `to` when there is none. */
static int64_t first_gap(Directory__Shift *const *shifts, size_t count, int64_t from, int64_t to)
{
    for (size_t i = 0; i < count; i++)
        if (shifts[i]->from_ms <= from && shifts[i]->to_ms > from)
            from = shifts[i]->to_ms;
    return from < to ? from : to;
}

/* When somebody is on duty again after `gap`; `to` when nobody is until then. */
static int64_t gap_end(Directory__Shift *const *shifts, size_t count, int64_t gap, int64_t to)
{
    for (size_t i = 0; i < count; i++)
        if (shifts[i]->from_ms > gap && shifts[i]->from_ms < shifts[i]->to_ms)
            return shifts[i]->from_ms < to ? shifts[i]->from_ms : to;
    return to;
}

const char *directory_local_text(struct turn *turn, const char *site, int64_t at_ms)
{
    int64_t local = zone_local_ms(organisation_zone(turn, site), at_ms);
    int year, month, day;
    int32_t date = date_of_local(local);
    date_split(date, &year, &month, &day);
    int minute = (int)((local - (int64_t)date * DAY_MS) / MINUTE_MS);
    return arena_printf(turn_arena(turn), "%04d-%02d-%02d %02d:%02d", year, month, day, minute / 60, minute % 60);
}

static void check_span(struct turn *turn, const Directory__RosterPlan *plan, int64_t from, int64_t to, const char *path)
{
    int64_t gap = first_gap(plan->shifts, plan->n_shifts, from, to);
    if (gap >= to)
        return;
    const char *since = directory_local_text(turn, plan->site, gap);
    const char *until = directory_local_text(turn, plan->site, gap_end(plan->shifts, plan->n_shifts, gap, to));
    wrong(turn, path, arena_printf(turn_arena(turn), "值班有空缺：%s 至 %s 无人", since, until),
          arena_printf(turn_arena(turn), "a gap: nobody is on duty from %s to %s", since, until));
}

/* "08:00-20:00": those hours of every day of the plan. */
static void check_hours(struct turn *turn, const char *hours, const Directory__RosterPlan *plan, const char *path)
{
    const struct zone *zone = organisation_zone(turn, plan->site);
    unsigned from[2], to[2];
    if (sscanf(hours, "%2u:%2u-%2u:%2u", &from[0], &from[1], &to[0], &to[1]) != 4)
        return;
    for (int32_t day = date_of_local(zone_local_ms(zone, plan->from_ms));; day++) {
        int64_t opens = zone_utc_ms(zone, (int64_t)day * DAY_MS + (int64_t)(from[0] * 60 + from[1]) * MINUTE_MS);
        int64_t closes = zone_utc_ms(zone, (int64_t)day * DAY_MS + (int64_t)(to[0] * 60 + to[1]) * MINUTE_MS);
        if (opens >= plan->to_ms)
            return;
        if (opens >= plan->from_ms && closes <= plan->to_ms)
            check_span(turn, plan, opens, closes, path);
    }
}

/* "always": the whole plan; else hours, as many as there are: "07:30-09:00, 17:00-18:30". */
static void check_cover(struct turn *turn, const Policy__Roster *roster, const Directory__RosterPlan *plan,
                        const char *path)
{
    const char *hours = roster->cover;
    if (strcmp(hours, "always") == 0)
        check_span(turn, plan, plan->from_ms, plan->to_ms, path);
    else
        for (; hours && *hours; hours = strchr(hours, ',') ? strchr(hours, ',') + 2 : NULL)
            check_hours(turn, hours, plan, path);
}

static bool opens_shifts(const Policy__Policy *policy, const char *roster)
{
    for (size_t i = 0; i < policy->n_schedules; i++)
        if (policy->schedules[i]->kind == POLICY__SCHEDULE__KIND__SHIFT &&
            strcmp(policy->schedules[i]->roster, roster) == 0)
            return true;
    return false;
}

static size_t begin_at(const Directory__RosterPlan *plan, int64_t from_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->n_shifts; i++)
        count += plan->shifts[i]->from_ms == from_ms;
    return count;
}

/* Shifts open cases in the order in which they begin: one that is added before, or beside, one of the plan that has
   begun would have none, and nobody would hand it over. */
static void check_added(struct turn *turn, const Policy__Policy *policy, const Directory__RosterPlan *plan,
                        const char *path)
{
    const Directory__RosterPlan *before = organisation_roster(turn, plan->site, plan->roster, plan->thing);
    int64_t begun_ms = 0;
    if (!before || !opens_shifts(policy, plan->roster))
        return;
    for (size_t i = 0; i < before->n_shifts; i++)
        if (before->shifts[i]->from_ms <= turn_now(turn) && before->shifts[i]->from_ms > begun_ms)
            begun_ms = before->shifts[i]->from_ms;
    for (size_t i = 0; i < plan->n_shifts; i++) {
        int64_t from_ms = plan->shifts[i]->from_ms;
        if (from_ms > begun_ms || begin_at(plan, from_ms) <= begin_at(before, from_ms))
            continue;
        const char *begun = directory_local_text(turn, plan->site, begun_ms);
        wrong(turn, arena_printf(turn_arena(turn), "%s.shifts[%zu]", path, i),
              arena_printf(turn_arena(turn),
                           "%s 的班次已经开始，不能再补排更早或同时的班次：请排在其后，或手工登记该班", begun),
              arena_printf(
                  turn_arena(turn),
                  "the shift of %s has begun, and none is added before or beside it: plan it for later, or register "
                  "it by hand",
                  begun));
    }
}

static void check_roster(struct turn *turn, const Directory__Organise *organise, const Directory__RosterPlan *plan,
                         const char *path)
{
    const Policy__Policy *policy = organisation_policy(turn, plan->site, 0);
    const Policy__Roster *roster = policy ? policy_roster(policy, plan->roster) : NULL;
    if (!roster) {
        wrong(turn, path, "该站点的制度没有这个值班表", "the policy of this site has no such roster");
        return;
    }
    const Directory__Thing *thing = *plan->thing ? thing_known(turn, organise, plan->site, plan->thing) : NULL;
    if (*roster->of ? !thing || strcmp(thing->of, roster->of) != 0 : *plan->thing != 0) {
        struct arena *arena = turn_arena(turn);
        wrong(turn, arena_printf(arena, "%s.thing", path),
              *roster->of ? arena_printf(arena, "按登记册 %s 的每一项排班，须写明其中一项", roster->of)
                          : "此值班表为全站点排班，不写 thing",
              *roster->of ? arena_printf(arena, "it is planned for each entry of the register %s: name one", roster->of)
                          : "this roster is planned for the site: no thing is accepted");
        return;
    }
    if (plan->from_ms >= plan->to_ms || plan->to_ms - plan->from_ms > 400 * DAY_MS) {
        wrong(turn, path, "排班须有起止，最长 400 天", "a plan has a beginning and an end, at most 400 days");
        return;
    }
    for (size_t i = 0; i < plan->n_shifts; i++)
        check_shift(turn, organise, roster, plan->shifts[i], arena_printf(turn_arena(turn), "%s.shifts[%zu]", path, i));
    if (plan->n_shifts)
        qsort(plan->shifts, plan->n_shifts, sizeof *plan->shifts, by_start);
    check_cover(turn, roster, plan, path);
    check_added(turn, policy, plan, path);
}

void directory_check_things(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_things; i++)
        check_thing(turn, organise, organise->things[i], arena_printf(turn_arena(turn), "things[%zu]", i));
    for (size_t i = 0; i < organise->n_rosters; i++)
        check_roster(turn, organise, organise->rosters[i], arena_printf(turn_arena(turn), "rosters[%zu]", i));
}

/* Marks are the cases' to give and take: whoever writes the fields of a thing leaves them as they are. */
void directory_keep_marks(struct turn *turn, Directory__Thing *thing)
{
    const Policy__ThingDef *def = register_of(turn, thing);
    const Directory__Thing *before = organisation_thing(turn, thing->site, thing->id);
    struct facts facts = {thing->facts, thing->n_facts};
    for (size_t i = 0; def && before && i < before->n_facts; i++)
        if (is_mark(def, before->facts[i]->name) && !facts_get(&facts, before->facts[i]->name))
            facts_set(turn_arena(turn), &facts, before->facts[i]->name, before->facts[i]->value);
    thing->facts = facts.list;
    thing->n_facts = facts.count;
    thing->markings = before ? before->markings : NULL;
    thing->n_markings = before ? before->n_markings : 0;
}

/* ---- marks ---- */

static bool marked(const Directory__Thing *thing, const char *mark)
{
    const Hb__Value *value = facts_get(&(struct facts){thing->facts, thing->n_facts}, mark);
    return value && value->kind_case == HB__VALUE__KIND_YES && value->yes;
}

/* The cases a mark rests on, and whether `by` is among them. */
static const Directory__Marking *marking_of(const Directory__Thing *thing, const char *mark)
{
    static const Directory__Marking none = DIRECTORY__MARKING__INIT;
    for (size_t i = 0; i < thing->n_markings; i++)
        if (strcmp(thing->markings[i]->mark, mark) == 0)
            return thing->markings[i];
    return &none;
}

static bool rests_on(const Directory__Marking *marking, uint64_t by)
{
    for (size_t i = 0; i < marking->n_cases; i++)
        if (marking->cases[i] == by)
            return true;
    return false;
}

/* All of them but `by`, and `by` behind them where it gives the mark. */
static void set_cases(struct turn *turn, Directory__ThingMarked *said, const Directory__Marking *before, uint64_t by,
                      bool on)
{
    said->cases = arena_alloc(turn_arena(turn), (before->n_cases + 1) * sizeof *said->cases);
    for (size_t i = 0; i < before->n_cases; i++)
        if (before->cases[i] != by)
            said->cases[said->n_cases++] = before->cases[i];
    if (on)
        said->cases[said->n_cases++] = by;
}

/* Several cases may give one mark: it stays until the last of them takes it off. Whoever takes off what he did not give
 * takes it off for all; a date takes off only what it gave. `by`: the case; BY_DATE. */
static void say_mark(struct turn *turn, const Directory__Thing *thing, const char *mark, bool on, uint64_t by,
                     char *const *clauses, size_t clauses_count)
{
    const Directory__Marking *before = marking_of(thing, mark);
    bool mine = rests_on(before, by), is = marked(thing, mark);
    if (on ? is && (mine || before->n_cases >= MARK_CASES_MAX) : !is || (by == BY_DATE && !mine && before->n_cases))
        return;
    Directory__ThingMarked *said = arena_alloc(turn_arena(turn), sizeof *said);
    directory__thing_marked__init(said);
    said->site = thing->site;
    said->thing = thing->id;
    if (on || mine)
        set_cases(turn, said, before, by, on);
    said->fact = arena_alloc(turn_arena(turn), sizeof *said->fact);
    hb__fact__init(said->fact);
    said->fact->name = (char *)(uintptr_t)mark;
    said->fact->value = on || said->n_cases ? value_yes(turn, true) : NULL;
    Hb__Event *event = turn_event(turn, thing->site, 0);
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = arena_alloc(turn_arena(turn), sizeof *event->directory);
    directory__event__init(event->directory);
    event->directory->kind_case = DIRECTORY__EVENT__KIND_THING_MARKED;
    event->directory->thing_marked = said;
    event_clauses(turn, event, clauses, clauses_count);
    turn_say(turn, event);
}

/* The one mark of people: is he in his trial practice? Who leads him is over with it. */
static void say_trainee(struct turn *turn, const Directory__Person *person, bool on, const Hb__Event *cause)
{
    if (person->trainee == on)
        return;
    Directory__Person *said = arena_alloc(turn_arena(turn), sizeof *said);
    *said = *person;
    said->trainee = on;
    if (!on)
        said->mentor = arena_strdup(turn_arena(turn), "");
    Hb__Event *event = turn_event(turn, "", 0);
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = arena_alloc(turn_arena(turn), sizeof *event->directory);
    directory__event__init(event->directory);
    event->directory->kind_case = DIRECTORY__EVENT__KIND_PERSON_DEFINED;
    event->directory->person_defined = said;
    event_clauses(turn, event, cause->clauses, cause->n_clauses);
    turn_say(turn, event);
}

void directory_mark(struct turn *turn, const Hb__Event *cause)
{
    const Casework__MarkRequested *request = cause->casework->mark_requested;
    bool on = request->fact && request->fact->value;
    uint64_t by = cause->case_id;
    if (!request->fact)
        return;
    if (*request->thing) {
        const Directory__Thing *thing = organisation_thing(turn, cause->site, request->thing);
        const Directory__Person *person = organisation_person(turn, request->thing);
        if (thing)
            say_mark(turn, thing, request->fact->name, on, by, cause->clauses, cause->n_clauses);
        else if (person && strcmp(request->fact->name, "trainee") == 0)
            say_trainee(turn, person, on, cause);
        return;
    }
    for (const Directory__Thing **thing = organisation_things(turn, cause->site, request->register_); *thing; thing++)
        say_mark(turn, *thing, request->fact->name, on, by, cause->clauses, cause->n_clauses);
}

/* ---- marks that come by date ---- */

static struct key until_key(const Directory__Thing *thing)
{
    struct key key = key_text(thing->site);
    key_add_text(&key, thing->id);
    return key;
}

static bool until_ms(const Directory__Thing *thing, const Policy__Until *until, int64_t *ms_out)
{
    return facts_time(&(struct facts){thing->facts, thing->n_facts}, until->field, ms_out);
}

/* A timer only says: look at this thing again. One that is too many does no harm. */
void directory_time_things(struct turn *turn, const Directory__Thing *thing)
{
    const Policy__ThingDef *def = register_of(turn, thing);
    struct key key = until_key(thing);
    int64_t ms;
    for (size_t i = 0; def && i < def->n_until; i++)
        if (until_ms(thing, def->until[i], &ms))
            turn_timer_set(turn, ms, key_bytes(&key));
}

/* A thing is marked once the instant has passed, and no longer when a later one was entered. */
void directory_look_at_thing(struct turn *turn, const Directory__Thing *thing)
{
    const Policy__ThingDef *def = register_of(turn, thing);
    int64_t ms;
    for (size_t i = 0; def && i < def->n_until; i++)
        if (until_ms(thing, def->until[i], &ms))
            say_mark(turn, thing, def->until[i]->mark, ms <= turn_now(turn), BY_DATE, def->clauses, def->n_clauses);
}

void directory_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    (void)due_ms;
    const char *site = (const char *)key.data, *id = site + strlen(site) + 1;
    const Directory__Thing *thing = organisation_thing(turn, site, id);
    if (!*id)
        directory_coming_due(turn, site);
    if (thing)
        directory_look_at_thing(turn, thing);
}
