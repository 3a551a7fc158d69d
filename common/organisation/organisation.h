/* The organisation as every service knows it: sites, departments, people, calendars, policies, folded from
   directory's events into tables of its own (layer 4; the runtime calls organisation_evolve). And `who`: which
   persons and departments an expression of the policy means now. Everything returned lives in the turn's arena,
   except compiled policies and calendars, which live in the instance's cache (cache.c) as long as it is open. */
#ifndef HEARBACK_ORGANISATION_ORGANISATION_H
#define HEARBACK_ORGANISATION_ORGANISATION_H

#include "base/truth.h"
#include "hearback/policy.pb-c.h"
#include "service/service.h"

struct calendar;
struct zone;
struct condition_context;

/* Tables of the organisation in the state_* calls: ORGANISATION_TABLE_FIRST + index in organisation_tables. */
#define ORGANISATION_TABLE_FIRST 100u
#define ORGANISATION_ID_BYTES_MAX 128u /* nothing has a longer id: asking for one finds nothing */
extern const char *const organisation_tables[];
extern const unsigned organisation_tables_count; /* at most 16 */
void organisation_cache_free(void *cache);

/* Folds one directory event (heard, or own in directory itself). */
void organisation_evolve(struct turn *turn, const Hb__Event *event);

const Directory__Site *organisation_site(struct turn *turn, const char *site); /* NULL: unknown */
const Directory__Department *organisation_department(struct turn *turn, const char *site, const char *department);
const Directory__Person *organisation_person(struct turn *turn, const char *person);
/* An entry of a register; of="" lists all of a site. The plan holds all shifts known of a roster; of one that
   is of a register, those of the entry `thing`, else "". */
const Directory__Thing *organisation_thing(struct turn *turn, const char *site, const char *thing);
const Directory__Thing **organisation_things(struct turn *turn, const char *site, const char *of); /* ends with NULL */
const Directory__RosterPlan *organisation_roster(struct turn *turn, const char *site, const char *roster,
                                                 const char *thing);
const Directory__Account *organisation_account(struct turn *turn, const char *account);
const Directory__Account **organisation_accounts(struct turn *turn);                             /* ends with NULL */
const Calendar__Calendar *organisation_calendar_definition(struct turn *turn, const char *name); /* NULL: unknown */
bool organisation_known(struct turn *turn); /* at least one site has been heard of */

/* The policy in force at a site (version 0) or a certain version; NULL when there is none. Unpacked once per version;
   `version` is filled in (the packed form has none: equal policies have equal bytes). */
const Policy__Policy *organisation_policy(struct turn *turn, const char *site, uint32_t version);
uint32_t organisation_policy_version(struct turn *turn, const char *site); /* in force; 0: none */
/* What was said when it was published: packs, hash. Version 0: in force. NULL: none. */
const Directory__PolicyPublished *organisation_policy_published(struct turn *turn, const char *site, uint32_t version);
/* What was published, whether it is in force or to come. */
const Policy__Policy *organisation_policy_of(struct turn *turn, const Directory__PolicyPublished *published);
/* Is the version in force made of exactly these bytes? `hash` is BLAKE2b-256 of the packed policy. */
bool organisation_policy_is(struct turn *turn, const char *site, uint32_t version, struct bytes hash);
/* Packed form, as published. */
bool organisation_policy_bytes(struct turn *turn, const char *site, uint32_t version, struct bytes *policy_out);
/* Calendars are always today's. "" gives the site's policy calendar, or Monday to Friday where there is none. */
const struct calendar *organisation_calendar(struct turn *turn, const char *site, const char *name);
const struct zone *organisation_zone(struct turn *turn, const char *site);

/* Lists end with NULL. */
const Directory__Person **organisation_members(struct turn *turn, const char *site, const char *department);
const Directory__Person **organisation_holders(struct turn *turn, const char *site, const char *post);
/* Everybody who holds a post at the site, each once; site "": everybody. */
const Directory__Person **organisation_people(struct turn *turn, const char *site);
const Directory__Site **organisation_sites(struct turn *turn);
const Calendar__Calendar **organisation_calendars(struct turn *turn);
const Directory__Department **organisation_departments(struct turn *turn, const char *site);
bool organisation_holds(const Directory__Person *person, const char *site, const char *post);
bool organisation_in_post(const Directory__Person *person,
                          const Directory__Post *post); /* in this department, at this site */
bool organisation_member(const Directory__Person *person, const char *site, const char *department);

/* Who has lent this person their rights, and it is now within the dates; the rights that were lent to those are not
   among them. Ends with NULL. */
const Directory__Person **organisation_principals(struct turn *turn, const char *person);

/* The person present: absent -> whom the rights are lent to now, else the deputy (at most 4 steps), NULL when nobody.
 */
const Directory__Person *organisation_present(struct turn *turn, const Directory__Person *person);

/* Is this word a role in a case (handler, lead, complainant ...)? A role is never a post, whoever bears its name. */
bool who_is_role(const char *word);
/* Who: persons meant by an expression in a case whose facts are given (lead, handler, first_contact, respondent, filer,
   taker facts...), each once, present ones; `complainant_out` (may be NULL) tells whether the complainant is among
   them. */
const Directory__Person **who_persons(struct turn *turn, const char *site, Policy__Who *const *who, size_t count,
                                      const struct facts *facts, bool *complainant_out);
/* The department an expression of a route row means: a department itself, or that of the post's or role's first
   person. "" when none. `person_out`: the person named, "" when a department. */
const char *who_department(struct turn *turn, const char *site, const Policy__Who *who, const struct facts *facts,
                           const char **person_out);
/* What the fact `filer` says of whoever registers a case: the person, or "account:NAME" where nobody stands behind the
   account; "": none, as of a complainant without account. */
const char *who_filer(struct turn *turn, const Hb__Actor *actor);
/* Is this actor among them? A department means its members. `handler` also means any member of the lead department
 * while no handler is named. */
bool who_includes(struct turn *turn, const char *site, Policy__Who *const *who, size_t count, const struct facts *facts,
                  const Hb__Actor *actor);

/* Rights of an account at a site, decided by the owning service for every command and query. Scopes: "read" "act"
   "submit" "receive" (to say when it came in) "import" "policy" "organise" "report" "open" (sealed data)
   "audit" (who did and who looked); "*" holds all. A person's account reaches the sites where the person holds a post,
   unless the account lists sites ("*": all). The operator key may do all; an actor without account (the system itself,
   the portal's complainant) nothing here: their cases are checked apart. */
bool rights_may(struct turn *turn, const Hb__Actor *actor, const char *scope, const char *site);
bool rights_listed(char *const *list, size_t count, const char *name); /* by its name, or by "*" */
/* By an API token, which has less than its account: such a one changes nothing of what anybody signs in with. */
bool rights_narrowed(const Hb__Actor *actor);

#endif
