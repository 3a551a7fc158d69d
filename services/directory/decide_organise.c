/* Organise: everything is checked first; then what is new or different is said, one event each; what is already so says
   nothing, so that the command is safe to repeat. */
#include "calendar/zone.h"
#include "directory.h"
#include "message/message.h"

#include <sodium.h>

static bool good_id(const char *id)
{
    size_t size = strlen(id);
    if (size == 0 || size > DIRECTORY_ID_CHARACTERS_MAX)
        return false;
    for (const char *c = id; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '_'))
            return false;
    return true;
}

static void check_id(struct turn *turn, const char *field, const char *id)
{
    if (good_id(id) || turn_refused(turn))
        return;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "编号须为 1 至 32 个小写字母、数字、- 或 _",
                                       "an id has 1 to 32 lower-case letters, digits, - or _");
    refusal_field(turn, refusal, field);
    refusal_accepts(turn, refusal, "[a-z0-9_-]{1,32}");
}

static void unknown(struct turn *turn, const char *field, const char *zh, const char *en)
{
    if (turn_refused(turn))
        return;
    refusal_field(turn, turn_refuse(turn, 422, "bad_field", zh, en), field);
}

static bool site_known(struct turn *turn, const Directory__Organise *organise, const char *id)
{
    for (size_t i = 0; i < organise->n_sites; i++)
        if (strcmp(organise->sites[i]->id, id) == 0)
            return true;
    return organisation_site(turn, id) != NULL;
}

static bool department_known(struct turn *turn, const Directory__Organise *organise, const char *site, const char *id)
{
    for (size_t i = 0; i < organise->n_departments; i++)
        if (strcmp(organise->departments[i]->id, id) == 0 && strcmp(organise->departments[i]->site, site) == 0)
            return true;
    return organisation_department(turn, site, id) != NULL;
}

static bool person_known(struct turn *turn, const Directory__Organise *organise, const char *id)
{
    for (size_t i = 0; i < organise->n_people; i++)
        if (strcmp(organise->people[i]->id, id) == 0)
            return true;
    return organisation_person(turn, id) != NULL;
}

static void check_sites(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_sites; i++) {
        const Directory__Site *site = organise->sites[i];
        check_id(turn, "sites.id", site->id);
        if (!*site->zone || strstr(site->zone, "..") || *site->zone == '/')
            unknown(turn, "sites.zone", "须为 IANA 时区名", "an IANA zone is accepted, as Asia/Shanghai");
        if (!site->name)
            unknown(turn, "sites.name", "缺少名称", "a name is needed");
    }
}

static void check_departments(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_departments; i++) {
        const Directory__Department *department = organise->departments[i];
        check_id(turn, "departments.id", department->id);
        if (!site_known(turn, organise, department->site))
            unknown(turn, "departments.site", "没有这个站点", "there is no such site");
        if (*department->head && !person_known(turn, organise, department->head))
            unknown(turn, "departments.head", "没有这个人", "there is no such person");
        if (*department->parent && !department_known(turn, organise, department->site, department->parent))
            unknown(turn, "departments.parent", "没有上级部门", "there is no such department");
    }
}

static void check_people(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_people; i++) {
        const Directory__Person *person = organise->people[i];
        check_id(turn, "people.id", person->id);
        for (size_t p = 0; p < person->n_posts; p++) {
            check_id(turn, "people.posts.post", person->posts[p]->post);
            if (!site_known(turn, organise, person->posts[p]->site))
                unknown(turn, "people.posts.site", "没有这个站点", "there is no such site");
            else if (!department_known(turn, organise, person->posts[p]->site, person->posts[p]->department))
                unknown(turn, "people.posts.department", "没有这个部门", "there is no such department");
        }
        if (*person->deputy && !person_known(turn, organise, person->deputy))
            unknown(turn, "people.deputy", "没有这个人", "there is no such person");
    }
}

static void check_accounts(struct turn *turn, const Directory__Organise *organise)
{
    static const char *const scopes[] = {"read", "act", "submit", "import", "policy", "organise", "report", "open", "*"};
    for (size_t i = 0; i < organise->n_accounts; i++) {
        const Directory__Account *account = organise->accounts[i];
        check_id(turn, "accounts.id", account->id);
        if (*account->person && !person_known(turn, organise, account->person))
            unknown(turn, "accounts.person", "没有这个人", "there is no such person");
        for (size_t s = 0; s < account->n_scopes; s++) {
            bool known = false;
            for (size_t k = 0; k < sizeof scopes / sizeof *scopes; k++)
                known = known || strcmp(scopes[k], account->scopes[s]) == 0;
            if (!known)
                unknown(turn, "accounts.scopes", "没有这种权限", "accepted: read act submit import policy organise report open *");
        }
    }
}

/* ---- saying ---- */

static Hb__Event *say(struct turn *turn, const char *site, Directory__Event__KindCase kind, ProtobufCMessage *payload)
{
    Hb__Event *event = turn_event(turn, site, 0);
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = arena_alloc(turn_arena(turn), sizeof *event->directory);
    directory__event__init(event->directory);
    event->directory->kind_case = kind;
    event->directory->site_defined = (Directory__Site *)payload; /* all arms share one pointer */
    turn_say(turn, event);
    return event;
}

static bool same(struct turn *turn, const void *before, const ProtobufCMessage *now)
{
    if (!before)
        return false;
    return bytes_equal(message_pack(before, turn_arena(turn)), message_pack(now, turn_arena(turn)));
}

static void say_sites(struct turn *turn, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_sites; i++) {
        Directory__Site *site = organise->sites[i];
        const Directory__Site *before = organisation_site(turn, site->id);
        uint8_t hash[16];
        crypto_generichash(hash, sizeof hash, (const uint8_t *)site->id, strlen(site->id), NULL, 0);
        site->bucket = before ? before->bucket : bytes_get_u32(hash) % 1024; /* for good */
        if (!same(turn, before, &site->base))
            say(turn, site->id, DIRECTORY__EVENT__KIND_SITE_DEFINED, &site->base);
    }
}

static void say_all(struct turn *turn, const Directory__Organise *organise)
{
    say_sites(turn, organise);
    for (size_t i = 0; i < organise->n_calendars; i++) {
        Calendar__Calendar *calendar = organise->calendars[i];
        const Calendar__Calendar *before = organisation_calendar_definition(turn, calendar->name);
        calendar->version = before ? before->version : 1;
        if (same(turn, before, &calendar->base))
            continue;
        calendar->version = before ? before->version + 1 : 1;
        say(turn, "", DIRECTORY__EVENT__KIND_CALENDAR_DEFINED, &calendar->base);
    }
    for (size_t i = 0; i < organise->n_departments; i++) {
        Directory__Department *department = organise->departments[i];
        if (!same(turn, organisation_department(turn, department->site, department->id), &department->base))
            say(turn, department->site, DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED, &department->base);
    }
    for (size_t i = 0; i < organise->n_people; i++)
        if (!same(turn, organisation_person(turn, organise->people[i]->id), &organise->people[i]->base))
            say(turn, "", DIRECTORY__EVENT__KIND_PERSON_DEFINED, &organise->people[i]->base);
    for (size_t i = 0; i < organise->n_accounts; i++)
        if (!same(turn, organisation_account(turn, organise->accounts[i]->id), &organise->accounts[i]->base))
            say(turn, "", DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED, &organise->accounts[i]->base);
}

void directory_decide_organise(struct turn *turn, const Directory__Organise *organise)
{
    size_t things = organise->n_sites + organise->n_departments + organise->n_people + organise->n_accounts + organise->n_calendars;
    if (things > TURN_SAID_MAX) {
        turn_refuse(turn, 413, "too_large", "一次最多 64 项", "at most 64 things in one command: send several");
        return;
    }
    check_sites(turn, organise);
    check_departments(turn, organise);
    check_people(turn, organise);
    check_accounts(turn, organise);
    if (!turn_refused(turn))
        say_all(turn, organise);
}
