/* The tables of the organisation, shared by its files only. */
#ifndef HEARBACK_ORGANISATION_INTERNAL_H
#define HEARBACK_ORGANISATION_INTERNAL_H

#include "organisation/organisation.h"

/* Tables: site: id NUL. department: site NUL id NUL. person: id NUL. account: id NUL. calendar: name NUL. part: hash.
   policy: site NUL version BE32 -> PolicyPublished. in_force: site NUL -> version BE32. member: site NUL department NUL
   person NUL -> "". holder: site NUL post NUL person NUL -> "". thing: site NUL id NUL. thing_of: site NUL register NUL
   id NUL -> "". roster: site NUL name NUL -> RosterPlan of all that is planned. lent: person NUL NUL whose rights NUL
   -> "". */
enum {
    SITE = ORGANISATION_TABLE_FIRST,
    DEPARTMENT,
    PERSON,
    ACCOUNT,
    CALENDAR,
    PART,
    POLICY,
    IN_FORCE,
    MEMBER,
    HOLDER,
    THING,
    THING_OF,
    ROSTER,
    LENT,
};

/* Ids come from outside too: what is longer than any id is simply not there. */
static inline bool organisation_too_long(const char *id)
{
    return strnlen(id, ORGANISATION_ID_BYTES_MAX + 1) > ORGANISATION_ID_BYTES_MAX;
}

/* cache.c: a directory event is folded; what was found before must be looked up anew. */
void organisation_cache_outdated(struct turn *turn);

#endif
