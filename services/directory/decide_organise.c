/* Organise: everything is checked first; then what is new or different is said, one event each; what is already so says
   nothing, so that the command is safe to repeat. */
#include "directory.h"
#include "message/message.h"

#include <sodium.h>

/* What would be said: gathered first, so that too much refuses all. */
struct change {
    const char *site;
    Directory__Event__KindCase kind;
    ProtobufCMessage *payload;
};
struct changes {
    struct turn *turn;
    struct change *list;
    size_t count;
    bool checked;       /* the command says what was seen */
    struct bytes *seen; /* packed */
    size_t seen_count;
};

/* ---- what was seen ---- */

static void see(struct changes *changes, size_t count, ProtobufCMessage *const *list)
{
    for (size_t i = 0; i < count; i++) {
        changes->seen =
            arena_grow(turn_arena(changes->turn), changes->seen, changes->seen_count, sizeof *changes->seen);
        changes->seen[changes->seen_count++] = message_pack(list[i], turn_arena(changes->turn));
    }
}

#define SEE(changes, all, list) see((changes), (all)->n_##list, (ProtobufCMessage *const *)(all)->list)

static void see_all(struct changes *changes, const Directory__Organisation *seen)
{
    changes->checked = seen != NULL;
    if (!seen)
        return;
    SEE(changes, seen, sites);
    SEE(changes, seen, departments);
    SEE(changes, seen, people);
    SEE(changes, seen, accounts);
    SEE(changes, seen, calendars);
    SEE(changes, seen, things);
    SEE(changes, seen, rosters);
}

/* Nobody writes over what he has not seen. */
static void check_seen(struct changes *changes, struct bytes before)
{
    for (size_t i = 0; i < changes->seen_count; i++)
        if (bytes_equal(changes->seen[i], before))
            return;
    turn_refuse(changes->turn, 412, "stale_version", "已被他人更改，请重新读取",
                "somebody changed it meanwhile: read it anew");
}

/* ---- what differs ---- */

static void add(struct changes *changes, const char *site, Directory__Event__KindCase kind, ProtobufCMessage *payload)
{
    changes->list = arena_grow(turn_arena(changes->turn), changes->list, changes->count, sizeof *changes->list);
    changes->list[changes->count++] = (struct change){site, kind, payload};
}

static void compare(struct changes *changes, const char *site, Directory__Event__KindCase kind, const void *before,
                    ProtobufCMessage *now)
{
    struct bytes was = before ? message_pack(before, turn_arena(changes->turn)) : (struct bytes){0};
    if (before && bytes_equal(was, message_pack(now, turn_arena(changes->turn))))
        return;
    if (before && changes->checked)
        check_seen(changes, was);
    add(changes, site, kind, now);
}

static uint32_t bucket_of(const char *site)
{
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)site, strlen(site), NULL, 0);
    return bytes_get_u32(hash) % DIRECTORY_BUCKETS;
}

static void compare_sites(struct changes *changes, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_sites; i++) {
        Directory__Site *site = organise->sites[i];
        const Directory__Site *before = organisation_site(changes->turn, site->id);
        site->bucket = before ? before->bucket : bucket_of(site->id); /* for good */
        compare(changes, site->id, DIRECTORY__EVENT__KIND_SITE_DEFINED, before, &site->base);
    }
}

static void compare_calendars(struct changes *changes, const Directory__Organise *organise)
{
    for (size_t i = 0; i < organise->n_calendars; i++) {
        Calendar__Calendar *calendar = organise->calendars[i];
        const Calendar__Calendar *before = organisation_calendar_definition(changes->turn, calendar->name);
        size_t count = changes->count;
        calendar->version = before ? before->version : 1;
        compare(changes, "", DIRECTORY__EVENT__KIND_CALENDAR_DEFINED, before, &calendar->base);
        calendar->version += before && changes->count > count;
    }
}

/* What a person is no longer is said by itself: the cases held in that post are given back. */
static void compare_people(struct changes *changes, const Directory__Organise *organise)
{
    struct turn *turn = changes->turn;
    for (size_t i = 0; i < organise->n_people; i++) {
        Directory__Person *person = organise->people[i];
        const Directory__Person *before = organisation_person(turn, person->id);
        compare(changes, "", DIRECTORY__EVENT__KIND_PERSON_DEFINED, before, &person->base);
        for (size_t p = 0; before && p < before->n_posts; p++) {
            if (organisation_in_post(person, before->posts[p]))
                continue;
            Directory__PostWithdrawn *withdrawn =
                TURN_NEW(turn, Directory__PostWithdrawn, directory__post_withdrawn__init);
            withdrawn->person = person->id;
            withdrawn->post = before->posts[p];
            add(changes, before->posts[p]->site, DIRECTORY__EVENT__KIND_POST_WITHDRAWN, &withdrawn->base);
        }
    }
}

static void compare_all(struct changes *changes, const Directory__Organise *organise)
{
    struct turn *turn = changes->turn;
    compare_sites(changes, organise);
    compare_calendars(changes, organise);
    for (size_t i = 0; i < organise->n_departments; i++) {
        Directory__Department *department = organise->departments[i];
        compare(changes, department->site, DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED,
                organisation_department(turn, department->site, department->id), &department->base);
    }
    compare_people(changes, organise);
    for (size_t i = 0; i < organise->n_accounts; i++)
        compare(changes, "", DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED,
                organisation_account(turn, organise->accounts[i]->id), &organise->accounts[i]->base);
    for (size_t i = 0; i < organise->n_things; i++) {
        Directory__Thing *thing = organise->things[i];
        directory_keep_marks(turn, thing);
        compare(changes, thing->site, DIRECTORY__EVENT__KIND_THING_DEFINED,
                organisation_thing(turn, thing->site, thing->id), &thing->base);
    }
    for (size_t i = 0; i < organise->n_rosters; i++)
        compare(changes, organise->rosters[i]->site, DIRECTORY__EVENT__KIND_ROSTER_PLANNED,
                organisation_roster(turn, organise->rosters[i]->site, organise->rosters[i]->roster,
                                    organise->rosters[i]->thing),
                &organise->rosters[i]->base);
}

void directory_decide_organise(struct turn *turn, const Directory__Organise *organise)
{
    struct changes changes = {.turn = turn};
    directory_check_organise(turn, organise);
    if (turn_refused(turn))
        return;
    see_all(&changes, organise->seen);
    compare_all(&changes, organise);
    if (turn_refused(turn))
        return;
    if (changes.count > DIRECTORY_CHANGES_MAX) {
        turn_refuse(
            turn, 413, "too_large", "一次最多改变 64 项，请分几次提交",
            "at most 64 changes in one command: send sites and departments, then people, then heads and accounts");
        return;
    }
    for (size_t i = 0; i < changes.count; i++)
        directory_say(turn, changes.list[i].site, changes.list[i].kind, changes.list[i].payload);
}
