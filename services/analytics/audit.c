/* Who did and who looked: a row for each event that a command of somebody of the house caused, folded from the logs of
   directory, intake and casework. The logs themselves are the proof: a row says at which log and offset it stands, and
   holds nothing that is not said there. What rules, clocks and complainants did is in the file of the case.

   Table audit: site NUL, facet, value NUL, place. The place is recorded BE64, service BE32, partition BE32, offset
   BE64. Facet 'a' (value "") has the entries; 'c' (case id in decimal) and 'p' (person; of whoever has none, account)
   say where there is one, and have none of their own. Site "" has what concerns the whole cell. */
#include "analytics.h"

#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PLACE_BYTES 24u
#define STEPS_MAX 10000u /* looked up for one page: some ten milliseconds */
#define AUDIT_DEFAULT 50u
#define AUDIT_MAX 500u
#define OPERATOR "operator"

/* ---- folding: what an event says ---- */

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static bool is(Analytics__AuditEntry *entry, const char *what, const char *act, const char *name)
{
    entry->what = text(what);
    entry->act = text(act);
    entry->name = text(name);
    return true;
}

static bool is_coming(struct turn *turn, Analytics__AuditEntry *entry, const char *act,
                      const Directory__ComingPolicy *coming)
{
    const char *packs = arena_join(turn_arena(turn), (const char *const *)coming->packs, coming->n_packs, " ");
    return is(entry, "published", act, arena_printf(turn_arena(turn), "%s (%s)", packs, coming->day));
}

static const char *credential_act(Directory__CredentialChanged__What what)
{
    switch (what) {
    case DIRECTORY__CREDENTIAL_CHANGED__WHAT__PASSWORD:
        return "password";
    case DIRECTORY__CREDENTIAL_CHANGED__WHAT__FACTOR_ENROLLED:
        return "factor_enrolled";
    case DIRECTORY__CREDENTIAL_CHANGED__WHAT__FACTOR_GIVEN_UP:
        return "factor_given_up";
    case DIRECTORY__CREDENTIAL_CHANGED__WHAT__TOKEN_MADE:
        return "token_made";
    case DIRECTORY__CREDENTIAL_CHANGED__WHAT__TOKEN_ENDED:
        return "token_ended";
    case DIRECTORY__CREDENTIAL_CHANGED__WHAT__ALL_ENDED:
        return "all_ended";
    }
    return "credential"; /* of a newer version */
}

static bool of_directory(struct turn *turn, const Directory__Event *said, Analytics__AuditEntry *entry)
{
    switch (said->kind_case) {
    case DIRECTORY__EVENT__KIND_SITE_DEFINED:
        return is(entry, "organised", "site", said->site_defined->id);
    case DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED:
        return is(entry, "organised", "department", said->department_defined->id);
    case DIRECTORY__EVENT__KIND_PERSON_DEFINED:
        return is(entry, "organised", "person", said->person_defined->id);
    case DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED:
        return is(entry, "organised", "account", said->account_defined->id);
    case DIRECTORY__EVENT__KIND_CALENDAR_DEFINED:
        return is(entry, "organised", "calendar", said->calendar_defined->name);
    case DIRECTORY__EVENT__KIND_THING_DEFINED:
        return is(entry, "organised", "thing", said->thing_defined->id);
    case DIRECTORY__EVENT__KIND_ROSTER_PLANNED:
        return is(entry, "organised", "roster", said->roster_planned->roster);
    case DIRECTORY__EVENT__KIND_SETUP_OFFERED:
        return is(entry, "organised", "setup", said->setup_offered->account);
    case DIRECTORY__EVENT__KIND_SETUP_USED:
        return is(entry, "organised", "setup_used", said->setup_used->account);
    case DIRECTORY__EVENT__KIND_CREDENTIAL_CHANGED:
        return is(entry, "organised", credential_act(said->credential_changed->what),
                  said->credential_changed->account);
    case DIRECTORY__EVENT__KIND_POLICY_PUBLISHED:
        entry->version = said->policy_published->version;
        return is(entry, "published", "policy",
                  arena_join(turn_arena(turn), (const char *const *)said->policy_published->packs,
                             said->policy_published->n_packs, " "));
    case DIRECTORY__EVENT__KIND_POLICY_SCHEDULED:
        return is_coming(turn, entry, "scheduled", said->policy_scheduled->coming);
    case DIRECTORY__EVENT__KIND_POLICY_WITHDRAWN:
        return is_coming(turn, entry, "withdrawn", said->policy_withdrawn->coming);
    case DIRECTORY__EVENT__KIND_POLICY_PART:
    case DIRECTORY__EVENT__KIND_THING_MARKED:
    case DIRECTORY__EVENT__KIND_POST_WITHDRAWN: /* its PersonDefined is kept */
    case DIRECTORY__EVENT__KIND__NOT_SET:
        return false;
    }
    return false;
}

static bool of_intake(const Intake__Event *said, Analytics__AuditEntry *entry)
{
    const Intake__DataOpened *opened = said->opened;
    switch (said->kind_case) {
    case INTAKE__EVENT__KIND_REGISTERED:
        return is(entry, "did", *said->registered->source ? "imported" : "registered", "");
    case INTAKE__EVENT__KIND_OPENED:
        entry->purpose = opened->purpose;
        entry->fields = opened->fields;
        entry->n_fields = opened->n_fields;
        entry->withheld = opened->withheld;
        entry->n_withheld = opened->n_withheld;
        entry->masked = opened->masked;
        if (*opened->exported)
            return is(entry, "exported", "list", opened->exported);
        if (*opened->held)
            return is(entry, "looked", "held", opened->held);
        return is(entry, "looked", *opened->searched ? "searched" : opened->n_files ? "file" : "opened", "");
    case INTAKE__EVENT__KIND_HELD_REGISTERED:
        return is(entry, "did", "let_in", said->held_registered->number);
    case INTAKE__EVENT__KIND_HELD_REFUSED:
        return is(entry, "did", "turned_away", said->held_refused->number);
    case INTAKE__EVENT__KIND_HELD: /* of who complained the audit tells nothing */
    case INTAKE__EVENT__KIND_REQUEST_REFUSED:
    case INTAKE__EVENT__KIND_NUMBERS_SKIPPED:
    case INTAKE__EVENT__KIND__NOT_SET:
        return false;
    }
    return false;
}

/* What a step brings with it (links, extensions, acknowledgements) stands beside it in the case's file. */
static bool of_casework(const Casework__Event *said, Analytics__AuditEntry *entry)
{
    switch (said->kind_case) {
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        return is(entry, "did", "step", said->step_taken->step);
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
        return is(entry, "did", "attached", "");
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
        return is(entry, "refused", "step", said->action_refused->step);
    case CASEWORK__EVENT__KIND_MOVE_BEGUN:
        entry->version = said->move_begun->version;
        return is(entry, "published", "moved", "");
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
    case CASEWORK__EVENT__KIND_CASE_MOVED:
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
    case CASEWORK__EVENT__KIND_CASE_REQUESTED:
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
    case CASEWORK__EVENT__KIND_CASE_LINKED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        return false;
    }
    return false;
}

static bool told(struct turn *turn, const Hb__Event *event, Analytics__AuditEntry *entry)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY:
        return of_directory(turn, event->directory, entry);
    case HB__EVENT__PAYLOAD_INTAKE:
        return of_intake(event->intake, entry);
    case HB__EVENT__PAYLOAD_CASEWORK:
        return of_casework(event->casework, entry);
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return false;
    }
    return false;
}

/* ---- folding: where it is kept ---- */

static struct key prefix_of(const char *site, char facet, const char *value)
{
    struct key key = key_text(site);
    key_add(&key, &facet, 1);
    key_add_text(&key, value);
    return key;
}

static struct key place_of(const Hb__Event *event)
{
    struct key place = key_u64((uint64_t)event->recorded_ms);
    key_add_u32(&place, (uint32_t)event->service);
    key_add_u32(&place, event->partition);
    key_add_u64(&place, event->offset);
    return place;
}

static void put(struct turn *turn, struct key key, const struct key *place)
{
    key_add(&key, place->data, place->size);
    state_put(turn, ANALYTICS_AUDIT, key_bytes(&key), (struct bytes){0});
}

static const char *who_of(const Hb__Actor *actor)
{
    return *actor->person ? actor->person : actor->operator_ ? OPERATOR : actor->account;
}

static void keep(struct turn *turn, const char *site, const Hb__Event *event, const Analytics__AuditEntry *entry)
{
    struct key place = place_of(event), key = prefix_of(site, 'a', "");
    key_add(&key, place.data, place.size);
    state_save(turn, ANALYTICS_AUDIT, key_bytes(&key), &entry->base);
    put(turn, prefix_of(site, 'p', who_of(event->actor)), &place);
    if (event->case_id)
        put(turn, prefix_of(site, 'c', arena_printf(turn_arena(turn), "%" PRIu64, event->case_id)), &place);
}

/* People and accounts are the cell's, and concern the sites where they have posts or rights too. The row is the same
   one when a site is named twice. */
static void keep_at_posts(struct turn *turn, const Directory__Person *person, const Hb__Event *event,
                          const Analytics__AuditEntry *entry)
{
    for (size_t i = 0; person && i < person->n_posts; i++)
        keep(turn, person->posts[i]->site, event, entry);
}

static void keep_at_account(struct turn *turn, const Directory__Account *account, const Hb__Event *event,
                            const Analytics__AuditEntry *entry)
{
    for (size_t i = 0; account && i < account->n_sites; i++)
        if (strcmp(account->sites[i], "*") != 0)
            keep(turn, account->sites[i], event, entry);
    if (account && !account->n_sites && *account->person)
        keep_at_posts(turn, organisation_person(turn, account->person), event, entry);
}

static void keep_at_sites(struct turn *turn, const Hb__Event *event, const Analytics__AuditEntry *entry)
{
    const Directory__Event *said = event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY ? event->directory : NULL;
    keep(turn, event->site, event, entry);
    if (said && said->kind_case == DIRECTORY__EVENT__KIND_PERSON_DEFINED)
        keep_at_posts(turn, said->person_defined, event, entry);
    if (said && said->kind_case == DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED)
        keep_at_account(turn, said->account_defined, event, entry);
    if (said && said->kind_case == DIRECTORY__EVENT__KIND_SETUP_OFFERED)
        keep_at_account(turn, organisation_account(turn, said->setup_offered->account), event, entry);
    if (said && said->kind_case == DIRECTORY__EVENT__KIND_SETUP_USED)
        keep_at_account(turn, organisation_account(turn, said->setup_used->account), event, entry);
    if (said && said->kind_case == DIRECTORY__EVENT__KIND_CREDENTIAL_CHANGED)
        keep_at_account(turn, organisation_account(turn, said->credential_changed->account), event, entry);
}

void analytics_audit_fold(struct turn *turn, const Hb__Event *event)
{
    const Hb__Actor *actor = event->actor;
    bool somebody = actor && (*actor->account || *actor->person || actor->operator_) && !actor->complainant;
    Analytics__AuditEntry entry = ANALYTICS__AUDIT_ENTRY__INIT;
    if (!somebody || event->cell != turn_cell(turn) || !event->cause ||
        event->cause->kind_case != HB__CAUSE__KIND_COMMAND || !told(turn, event, &entry))
        return;
    entry.at_ms = event->recorded_ms;
    entry.account = actor->account;
    entry.person = actor->person;
    entry.for_person = actor->for_person;
    entry.operator_ = actor->operator_;
    entry.case_id = event->case_id;
    entry.service = text(config_service_name(event->service));
    entry.partition = event->partition;
    entry.offset = event->offset;
    keep_at_sites(turn, event, &entry);
}

/* ---- asking ---- */

struct audit {
    struct turn *turn;
    const Analytics__GetAudit *wanted;
    const Hb__Query *query;
    struct key prefix, all; /* what is walked; where the entries are */
    Analytics__Audit *told;
    uint32_t limit;
};

static bool refuse_cursor(struct turn *turn)
{
    refusal_field(turn, turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by an audit"),
                  "cursor");
    return false;
}

/* The cursor is the place that was looked at last, in hexadecimal digits. */
static bool place_parse(const char *cursor, uint8_t place_out[PLACE_BYTES])
{
    if (strlen(cursor) != 2 * PLACE_BYTES || strspn(cursor, "0123456789abcdef") != 2 * PLACE_BYTES)
        return false;
    for (size_t i = 0; i < PLACE_BYTES; i++) {
        char digits[3] = {cursor[2 * i], cursor[2 * i + 1], 0};
        place_out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

static void cursor_set(const struct audit *audit, const struct bytes place)
{
    char *cursor = arena_alloc(turn_arena(audit->turn), 2 * PLACE_BYTES + 1);
    for (size_t i = 0; i < PLACE_BYTES; i++)
        snprintf(cursor + 2 * i, 3, "%02x", place.data[i]);
    audit->told->cursor = cursor;
}

/* A number goes before an id, which none of ours looks like. 0: there is no such case, or it is hidden. */
static uint64_t case_wanted(const struct audit *audit)
{
    const char *name = audit->wanted->case_;
    struct key key = key_text(audit->query->site);
    struct bytes id;
    if (strlen(name) > ANALYTICS_NAME_MAX)
        return 0;
    key_add_text(&key, name);
    if (state_get(audit->turn, ANALYTICS_NUMBER, key_bytes(&key), &id))
        return bytes_get_u64(id.data);
    return name[strspn(name, "0123456789")] ? 0 : strtoull(name, NULL, 10);
}

/* False: there is nothing that fits. */
static bool choose_prefix(struct audit *audit)
{
    const Analytics__GetAudit *wanted = audit->wanted;
    const char *site = audit->query->site;
    audit->all = prefix_of(site, 'a', "");
    audit->prefix = audit->all;
    if (*wanted->case_) {
        uint64_t case_id = case_wanted(audit);
        audit->prefix = prefix_of(site, 'c', arena_printf(turn_arena(audit->turn), "%" PRIu64, case_id));
        return case_id != 0;
    }
    if (strlen(wanted->who) > ORGANISATION_ID_BYTES_MAX)
        return false;
    if (*wanted->who)
        audit->prefix = prefix_of(site, 'p', wanted->who);
    return true;
}

static bool is_by(const Analytics__AuditEntry *entry, const char *who)
{
    return strcmp(*entry->person ? entry->person : entry->operator_ ? OPERATOR : entry->account, who) == 0;
}

/* An entry of a case that the policy hides from whoever asks is not there; of others it says which case. */
static bool shown(const struct audit *audit, Analytics__AuditEntry *entry)
{
    const Analytics__GetAudit *wanted = audit->wanted;
    if ((*wanted->what && strcmp(wanted->what, entry->what) != 0) || (*wanted->who && !is_by(entry, wanted->who)))
        return false;
    if (!entry->case_id)
        return true;
    const Analytics__CaseRow *row = analytics_row(audit->turn, entry->case_id);
    if (!row || analytics_hidden(audit->turn, row, audit->query->actor))
        return false;
    entry->number = row->number;
    entry->kind = row->kind;
    return true;
}

static void take(const struct audit *audit, struct bytes place)
{
    struct key key = audit->all;
    struct arena_mark mark = arena_mark(turn_arena(audit->turn));
    key_add(&key, place.data, place.size);
    Analytics__AuditEntry *entry =
        state_load(audit->turn, ANALYTICS_AUDIT, key_bytes(&key), &analytics__audit_entry__descriptor);
    if (entry && shown(audit, entry))
        audit->told->entries[audit->told->n_entries++] = entry;
    else
        arena_return(turn_arena(audit->turn), mark);
}

/* From `before` backwards; a page that has looked at enough ends with a cursor all the same. */
static void walk(const struct audit *audit, struct key before)
{
    struct bytes found;
    uint8_t place[PLACE_BYTES];
    int64_t from_ms = audit->wanted->from_ms;
    for (unsigned steps = 0;; steps++) {
        struct arena_mark mark = arena_mark(turn_arena(audit->turn));
        if (!state_before(audit->turn, ANALYTICS_AUDIT, key_bytes(&audit->prefix), key_bytes(&before), &found))
            return;
        memcpy(place, found.data + found.size - PLACE_BYTES, PLACE_BYTES);
        arena_return(turn_arena(audit->turn), mark);
        if ((int64_t)bytes_get_u64(place) < from_ms)
            return;
        if (audit->told->n_entries == audit->limit || steps == STEPS_MAX) {
            cursor_set(audit, bytes_of(before.data + audit->prefix.size, PLACE_BYTES));
            return;
        }
        before = audit->prefix;
        key_add(&before, place, PLACE_BYTES);
        take(audit, bytes_of(place, PLACE_BYTES));
    }
}

void analytics_answer_audit(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    struct audit audit = {.turn = turn, .wanted = query->analytics->audit, .query = query};
    uint8_t place[PLACE_BYTES];
    const char *scope_at = *query->site ? query->site : "*";
    if (!query->actor || !rights_may(turn, query->actor, "audit", scope_at) ||
        (*query->site && !organisation_site(turn, query->site))) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    reply->kind_case = ANALYTICS__REPLY__KIND_AUDIT;
    audit.told = reply->audit = TURN_NEW(turn, Analytics__Audit, analytics__audit__init);
    audit.limit = audit.wanted->limit ? audit.wanted->limit : AUDIT_DEFAULT;
    audit.limit = audit.limit < AUDIT_MAX ? audit.limit : AUDIT_MAX;
    audit.told->entries = arena_alloc(turn_arena(turn), audit.limit * sizeof *audit.told->entries);
    if (*audit.wanted->cursor && !place_parse(audit.wanted->cursor, place)) {
        refuse_cursor(turn);
        return;
    }
    if (!choose_prefix(&audit))
        return;
    struct key before = audit.prefix;
    if (*audit.wanted->cursor) {
        key_add(&before, place, PLACE_BYTES);
    } else {
        key_add_u64(&before, audit.wanted->to_ms ? (uint64_t)audit.wanted->to_ms : UINT64_MAX);
        while (before.size < audit.prefix.size + PLACE_BYTES)
            key_add(&before, audit.wanted->to_ms ? "\0" : "\xff", 1);
    }
    walk(&audit, before);
}
