#include "organisation/internal.h"

#include "policy/facts.h"

const char *const organisation_tables[] = {"site",  "department", "person",   "account", "calendar",
                                           "part",  "policy",     "in_force", "member",  "holder",
                                           "thing", "thing_of",   "roster",   "lent"};
const unsigned organisation_tables_count = sizeof organisation_tables / sizeof *organisation_tables;

#define DEPUTIES_MAX 4
#define ROSTER_KEPT_MS (92ll * 24 * 3600 * 1000) /* shifts that ended before a plan */

static struct key key_two(const char *first, const char *second)
{
    struct key key = key_text(first);
    key_add_text(&key, second);
    return key;
}

static struct key key_three(const char *first, const char *second, const char *third)
{
    struct key key = key_two(first, second);
    key_add_text(&key, third);
    return key;
}

/* ---- folding ---- */

static void index_posts(struct turn *turn, const Directory__Person *person, bool there)
{
    for (size_t i = 0; i < person->n_posts; i++) {
        const Directory__Post *post = person->posts[i];
        struct key member = key_three(post->site, post->department, person->id);
        struct key holder = key_three(post->site, post->post, person->id);
        if (there) {
            if (*post->department) /* a post of the whole site is in none */
                state_put(turn, MEMBER, key_bytes(&member), (struct bytes){0});
            state_put(turn, HOLDER, key_bytes(&holder), (struct bytes){0});
        } else {
            state_delete(turn, MEMBER, key_bytes(&member));
            state_delete(turn, HOLDER, key_bytes(&holder));
        }
    }
}

static void index_delegations(struct turn *turn, const Directory__Person *person, bool there)
{
    for (size_t i = 0; i < person->n_delegations; i++) {
        struct key key = key_two(person->delegations[i]->to, person->id);
        if (there)
            state_put(turn, LENT, key_bytes(&key), (struct bytes){0});
        else
            state_delete(turn, LENT, key_bytes(&key));
    }
}

static void fold_person(struct turn *turn, const Directory__Person *person)
{
    const Directory__Person *before = organisation_person(turn, person->id);
    if (before) {
        index_posts(turn, before, false);
        index_delegations(turn, before, false);
    }
    index_delegations(turn, person, true);
    struct key key = key_text(person->id);
    state_save(turn, PERSON, key_bytes(&key), (const ProtobufCMessage *)person);
    index_posts(turn, person, true);
}

static void fold_thing(struct turn *turn, const Directory__Thing *thing)
{
    struct key key = key_two(thing->site, thing->id), of = key_three(thing->site, thing->of, thing->id);
    state_save(turn, THING, key_bytes(&key), (const ProtobufCMessage *)thing);
    state_put(turn, THING_OF, key_bytes(&of), (struct bytes){0});
}

/* What the mark rests on takes the place of what it rested on before. */
static void fold_marking(struct turn *turn, Directory__Thing *thing, const Directory__ThingMarked *marked)
{
    Directory__Marking **markings = arena_alloc(turn_arena(turn), (thing->n_markings + 1) * sizeof *markings);
    size_t count = 0;
    for (size_t i = 0; i < thing->n_markings; i++)
        if (strcmp(thing->markings[i]->mark, marked->fact->name) != 0)
            markings[count++] = thing->markings[i];
    if (marked->n_cases) {
        Directory__Marking *marking = arena_alloc(turn_arena(turn), sizeof *marking);
        directory__marking__init(marking);
        marking->mark = marked->fact->name;
        marking->cases = marked->cases;
        marking->n_cases = marked->n_cases;
        markings[count++] = marking;
    }
    thing->markings = markings;
    thing->n_markings = count;
}

static void fold_mark(struct turn *turn, const Directory__ThingMarked *marked)
{
    struct key key = key_two(marked->site, marked->thing);
    Directory__Thing *thing = state_load(turn, THING, key_bytes(&key), &directory__thing__descriptor);
    if (!thing)
        return;
    struct facts facts = {thing->facts, thing->n_facts};
    facts_set(turn_arena(turn), &facts, marked->fact->name, marked->fact->value);
    thing->facts = facts.list;
    thing->n_facts = facts.count;
    fold_marking(turn, thing, marked);
    state_save(turn, THING, key_bytes(&key), (const ProtobufCMessage *)thing);
}

static struct key roster_key(const char *site, const char *roster, const char *thing)
{
    struct key key = key_two(site, roster);
    if (*thing)
        key_add_text(&key, thing);
    return key;
}

/* What was planned of the plan's time is replaced; what lies long before it is let go. */
static void fold_roster(struct turn *turn, const Directory__RosterPlan *plan)
{
    struct key key = roster_key(plan->site, plan->roster, plan->thing);
    const Directory__RosterPlan *before =
        state_load(turn, ROSTER, key_bytes(&key), &directory__roster_plan__descriptor);
    Directory__RosterPlan all = *plan;
    all.shifts = NULL;
    all.n_shifts = 0;
    size_t room = plan->n_shifts + (before ? before->n_shifts : 0);
    all.shifts = arena_alloc(turn_arena(turn), (room + 1) * sizeof *all.shifts);
    for (size_t i = 0; before && i < before->n_shifts; i++) {
        const Directory__Shift *shift = before->shifts[i];
        bool within = shift->from_ms >= plan->from_ms && shift->from_ms < plan->to_ms;
        if (!within && shift->to_ms > plan->from_ms - ROSTER_KEPT_MS)
            all.shifts[all.n_shifts++] = before->shifts[i];
    }
    for (size_t i = 0; i < plan->n_shifts; i++)
        all.shifts[all.n_shifts++] = plan->shifts[i];
    state_save(turn, ROSTER, key_bytes(&key), (const ProtobufCMessage *)&all);
}

static void fold_policy(struct turn *turn, const Directory__PolicyPublished *published)
{
    struct key key = key_text(published->site), versioned = key;
    key_add_u32(&versioned, published->version);
    uint8_t version[4];
    bytes_put_u32(version, published->version);
    state_save(turn, POLICY, key_bytes(&versioned), (const ProtobufCMessage *)published);
    state_put(turn, IN_FORCE, key_bytes(&key), bytes_of(version, sizeof version));
}

void organisation_evolve(struct turn *turn, const Hb__Event *event)
{
    const Directory__Event *said = event->directory;
    struct key key;
    organisation_cache_outdated(turn);
    switch (said->kind_case) {
    case DIRECTORY__EVENT__KIND_SITE_DEFINED:
        key = key_text(said->site_defined->id);
        state_save(turn, SITE, key_bytes(&key), (const ProtobufCMessage *)said->site_defined);
        return;
    case DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED:
        key = key_two(said->department_defined->site, said->department_defined->id);
        state_save(turn, DEPARTMENT, key_bytes(&key), (const ProtobufCMessage *)said->department_defined);
        return;
    case DIRECTORY__EVENT__KIND_PERSON_DEFINED:
        fold_person(turn, said->person_defined);
        return;
    case DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED:
        key = key_text(said->account_defined->id);
        state_save(turn, ACCOUNT, key_bytes(&key), (const ProtobufCMessage *)said->account_defined);
        return;
    case DIRECTORY__EVENT__KIND_CALENDAR_DEFINED:
        key = key_text(said->calendar_defined->name);
        state_save(turn, CALENDAR, key_bytes(&key), (const ProtobufCMessage *)said->calendar_defined);
        return;
    case DIRECTORY__EVENT__KIND_POLICY_PART:
        state_put(turn, PART, bytes_of(said->policy_part->hash.data, said->policy_part->hash.len),
                  bytes_of(said->policy_part->data.data, said->policy_part->data.len));
        return;
    case DIRECTORY__EVENT__KIND_POLICY_PUBLISHED:
        fold_policy(turn, said->policy_published);
        return;
    case DIRECTORY__EVENT__KIND_THING_DEFINED:
        fold_thing(turn, said->thing_defined);
        return;
    case DIRECTORY__EVENT__KIND_THING_MARKED:
        fold_mark(turn, said->thing_marked);
        return;
    case DIRECTORY__EVENT__KIND_ROSTER_PLANNED:
        fold_roster(turn, said->roster_planned);
        return;
    case DIRECTORY__EVENT__KIND_POLICY_SCHEDULED: /* nobody's concern before its day */
    case DIRECTORY__EVENT__KIND_POLICY_WITHDRAWN:
    case DIRECTORY__EVENT__KIND_SETUP_OFFERED: /* for the audit, as what follows */
    case DIRECTORY__EVENT__KIND_SETUP_USED:
    case DIRECTORY__EVENT__KIND_CREDENTIAL_CHANGED:
    case DIRECTORY__EVENT__KIND_POST_WITHDRAWN: /* the person has been folded */
    case DIRECTORY__EVENT__KIND__NOT_SET:
        return;
    }
}

/* ---- single things ---- */

const Directory__Site *organisation_site(struct turn *turn, const char *site)
{
    if (organisation_too_long(site))
        return NULL;
    struct key key = key_text(site);
    return state_load(turn, SITE, key_bytes(&key), &directory__site__descriptor);
}

const Directory__Department *organisation_department(struct turn *turn, const char *site, const char *department)
{
    if (organisation_too_long(site) || organisation_too_long(department))
        return NULL;
    struct key key = key_two(site, department);
    return state_load(turn, DEPARTMENT, key_bytes(&key), &directory__department__descriptor);
}

const Directory__Person *organisation_person(struct turn *turn, const char *person)
{
    if (organisation_too_long(person))
        return NULL;
    struct key key = key_text(person);
    return state_load(turn, PERSON, key_bytes(&key), &directory__person__descriptor);
}

const Directory__Thing *organisation_thing(struct turn *turn, const char *site, const char *thing)
{
    if (organisation_too_long(site) || organisation_too_long(thing))
        return NULL;
    struct key key = key_two(site, thing);
    return state_load(turn, THING, key_bytes(&key), &directory__thing__descriptor);
}

const Directory__Thing **organisation_things(struct turn *turn, const char *site, const char *of)
{
    const Directory__Thing **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    bool all = !*of;
    if (!organisation_too_long(site) && !organisation_too_long(of)) {
        struct key prefix = all ? key_text(site) : key_two(site, of);
        struct state_scan *scan = state_scan_open(turn, all ? THING : THING_OF, key_bytes(&prefix), (struct bytes){0});
        while (state_scan_next(scan, &key, &value)) {
            list = arena_grow(turn_arena(turn), list, count, sizeof *list);
            list[count++] = organisation_thing(turn, site, (const char *)key.data + prefix.size);
        }
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

const Directory__RosterPlan *organisation_roster(struct turn *turn, const char *site, const char *roster,
                                                 const char *thing)
{
    if (organisation_too_long(site) || organisation_too_long(roster) || organisation_too_long(thing))
        return NULL;
    struct key key = roster_key(site, roster, thing);
    return state_load(turn, ROSTER, key_bytes(&key), &directory__roster_plan__descriptor);
}

const Directory__Account *organisation_account(struct turn *turn, const char *account)
{
    if (organisation_too_long(account))
        return NULL;
    struct key key = key_text(account);
    return state_load(turn, ACCOUNT, key_bytes(&key), &directory__account__descriptor);
}

const Directory__Account **organisation_accounts(struct turn *turn)
{
    const Directory__Account **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    struct state_scan *scan = state_scan_open(turn, ACCOUNT, (struct bytes){0}, (struct bytes){0});
    while (state_scan_next(scan, &key, &value)) {
        list = arena_grow(turn_arena(turn), list, count, sizeof *list);
        list[count++] = organisation_account(turn, (const char *)key.data);
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

const Calendar__Calendar *organisation_calendar_definition(struct turn *turn, const char *name)
{
    if (organisation_too_long(name))
        return NULL;
    struct key key = key_text(name);
    return state_load(turn, CALENDAR, key_bytes(&key), &calendar__calendar__descriptor);
}

bool organisation_known(struct turn *turn)
{
    return state_count(turn, SITE) > 0;
}

uint32_t organisation_policy_version(struct turn *turn, const char *site)
{
    if (organisation_too_long(site))
        return 0;
    struct key key = key_text(site);
    struct bytes version, published;
    if (state_get(turn, IN_FORCE, key_bytes(&key), &version))
        return bytes_get_u32(version.data);
    if (state_scan_next(state_scan_open(turn, POLICY, key_bytes(&key), (struct bytes){0}), &published, &version))
        state_missing(turn, IN_FORCE, key_bytes(&key)); /* what was published is in force */
    return 0;
}

const Directory__PolicyPublished *organisation_policy_published(struct turn *turn, const char *site, uint32_t version)
{
    bool in_force = version == 0;
    if (in_force)
        version = organisation_policy_version(turn, site);
    if (version == 0 || organisation_too_long(site))
        return NULL;
    struct key key = key_text(site);
    key_add_u32(&key, version);
    const Directory__PolicyPublished *said =
        state_load(turn, POLICY, key_bytes(&key), &directory__policy_published__descriptor);
    if (in_force && !said)
        state_missing(turn, POLICY, key_bytes(&key));
    return said;
}

bool organisation_policy_is(struct turn *turn, const char *site, uint32_t version, struct bytes hash)
{
    const Directory__PolicyPublished *said = organisation_policy_published(turn, site, version);
    return said && bytes_equal(bytes_of(said->hash.data, said->hash.len), hash);
}

/* ---- lists ---- */

/* Whom another row names. */
static const Directory__Person *person_named(struct turn *turn, const char *id)
{
    const Directory__Person *person = organisation_person(turn, id);
    struct key key = key_text(id);
    if (!person)
        state_missing(turn, PERSON, key_bytes(&key));
    return person;
}

static const Directory__Person **persons_under(struct turn *turn, unsigned table, const char *site, const char *name)
{
    const Directory__Person **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    if (!organisation_too_long(site) && !organisation_too_long(name)) {
        struct key prefix = key_two(site, name);
        struct state_scan *scan = state_scan_open(turn, table, key_bytes(&prefix), (struct bytes){0});
        while (state_scan_next(scan, &key, &value)) {
            list = arena_grow(turn_arena(turn), list, count, sizeof *list);
            list[count++] = person_named(turn, (const char *)key.data + prefix.size);
        }
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

const Directory__Person **organisation_members(struct turn *turn, const char *site, const char *department)
{
    return persons_under(turn, MEMBER, site, department);
}

const Directory__Person **organisation_holders(struct turn *turn, const char *site, const char *post)
{
    return persons_under(turn, HOLDER, site, post);
}

/* The person's first post at the site, "" when there is none: where a list by post has named them. */
static const char *first_post(const Directory__Person *person, const char *site)
{
    const char *first = "";
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, site) == 0 && (!*first || strcmp(person->posts[i]->post, first) < 0))
            first = person->posts[i]->post;
    return first;
}

const Directory__Person **organisation_people(struct turn *turn, const char *site)
{
    const Directory__Person **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    bool all = !*site;
    struct key prefix = {.size = 0};
    if (!all && !organisation_too_long(site))
        prefix = key_text(site);
    struct state_scan *scan = state_scan_open(turn, all ? PERSON : HOLDER, key_bytes(&prefix), (struct bytes){0});
    while ((all || prefix.size) && state_scan_next(scan, &key, &value)) {
        const char *post = (const char *)key.data + prefix.size;
        const char *id = all ? post : post + strlen(post) + 1;
        const Directory__Person *person = person_named(turn, id);
        if (!all && strcmp(first_post(person, site), post) != 0)
            continue;
        list = arena_grow(turn_arena(turn), list, count, sizeof *list);
        list[count++] = person;
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

const Calendar__Calendar **organisation_calendars(struct turn *turn)
{
    struct state_scan *scan = state_scan_open(turn, CALENDAR, (struct bytes){0}, (struct bytes){0});
    const Calendar__Calendar **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        list = arena_grow(turn_arena(turn), list, count, sizeof *list);
        list[count++] = organisation_calendar_definition(turn, (const char *)key.data);
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

const Directory__Site **organisation_sites(struct turn *turn)
{
    struct state_scan *scan = state_scan_open(turn, SITE, (struct bytes){0}, (struct bytes){0});
    const Directory__Site **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        list = arena_grow(turn_arena(turn), list, count, sizeof *list);
        list[count++] = organisation_site(turn, (const char *)key.data);
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

const Directory__Department **organisation_departments(struct turn *turn, const char *site)
{
    struct key prefix = organisation_too_long(site) ? key_text("") : key_text(site);
    struct state_scan *scan = state_scan_open(turn, DEPARTMENT, key_bytes(&prefix), (struct bytes){0});
    const Directory__Department **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        list = arena_grow(turn_arena(turn), list, count, sizeof *list);
        list[count++] = organisation_department(turn, site, (const char *)key.data + prefix.size);
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

bool organisation_holds(const Directory__Person *person, const char *site, const char *post)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, site) == 0 && strcmp(person->posts[i]->post, post) == 0)
            return true;
    return false;
}

bool organisation_in_post(const Directory__Person *person, const Directory__Post *post)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->post, post->post) == 0 && strcmp(person->posts[i]->site, post->site) == 0 &&
            strcmp(person->posts[i]->department, post->department) == 0)
            return true;
    return false;
}

bool organisation_member(const Directory__Person *person, const char *site, const char *department)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, site) == 0 && strcmp(person->posts[i]->department, department) == 0)
            return true;
    return false;
}

static bool lends_now(const struct turn *turn, const Directory__Delegation *delegation)
{
    int64_t now = turn_now(turn);
    return now >= delegation->from_ms && now < delegation->to_ms;
}

const Directory__Person **organisation_principals(struct turn *turn, const char *person)
{
    const Directory__Person **list = NULL;
    size_t count = 0;
    struct bytes key, value;
    if (*person && !organisation_too_long(person)) {
        struct key prefix = key_text(person);
        struct state_scan *scan = state_scan_open(turn, LENT, key_bytes(&prefix), (struct bytes){0});
        while (state_scan_next(scan, &key, &value)) {
            const Directory__Person *from = organisation_person(turn, (const char *)key.data + prefix.size);
            bool now = false;
            for (size_t i = 0; from && i < from->n_delegations; i++)
                now = now || (strcmp(from->delegations[i]->to, person) == 0 && lends_now(turn, from->delegations[i]));
            if (!now)
                continue;
            list = arena_grow(turn_arena(turn), list, count, sizeof *list);
            list[count++] = from;
        }
    }
    list = arena_grow(turn_arena(turn), list, count, sizeof *list);
    list[count] = NULL;
    return list;
}

static const char *stand_in(const struct turn *turn, const Directory__Person *person)
{
    for (size_t i = 0; i < person->n_delegations; i++)
        if (lends_now(turn, person->delegations[i]))
            return person->delegations[i]->to;
    return person->deputy;
}

const Directory__Person *organisation_present(struct turn *turn, const Directory__Person *person)
{
    for (int i = 0; person && person->absent && i < DEPUTIES_MAX; i++) {
        const char *other = stand_in(turn, person);
        person = *other ? organisation_person(turn, other) : NULL;
    }
    return person && !person->absent ? person : NULL;
}

/* ---- rights ---- */

bool rights_listed(char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0 || strcmp(list[i], "*") == 0)
            return true;
    return false;
}

static bool posted_at(const Directory__Person *person, const char *site)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, site) == 0)
            return true;
    return false;
}

bool rights_narrowed(const Hb__Actor *actor)
{
    return actor && (actor->n_scopes || actor->n_sites);
}

bool rights_may(struct turn *turn, const Hb__Actor *actor, const char *scope, const char *site)
{
    if (!actor)
        return false;
    if (actor->operator_)
        return true;
    if ((actor->n_scopes && !rights_listed(actor->scopes, actor->n_scopes, scope)) || /* of a narrowed token */
        (actor->n_sites && !rights_listed(actor->sites, actor->n_sites, site)))
        return false;
    const Directory__Account *account = *actor->account ? organisation_account(turn, actor->account) : NULL;
    if (!account || !rights_listed(account->scopes, account->n_scopes, scope))
        return false;
    if (account->n_sites)
        return rights_listed(account->sites, account->n_sites, site);
    const Directory__Person *person = *account->person ? organisation_person(turn, account->person) : NULL;
    if (person && posted_at(person, site))
        return true;
    for (const Directory__Person **from = organisation_principals(turn, account->person); *from; from++)
        if (posted_at(*from, site))
            return true;
    return false;
}
