/* directory: sites, departments, people, accounts, calendars and the policies in force. Its state is
   common/organisation's tables, folded from its own events; token hashes live in the store of the vault and in no
   event. */
#ifndef HEARBACK_DIRECTORY_H
#define HEARBACK_DIRECTORY_H

#include "organisation/organisation.h"
#include "service/service.h"

#define DIRECTORY_BUCKETS 1024u
#define DIRECTORY_CHANGES_MAX TURN_SAID_MAX /* of one Organise: each is an event */
#define DIRECTORY_THINGS_MAX 1000u          /* in one Organise, changed or not */
#define DIRECTORY_THING_BYTES_MAX (96u << 10)
#define DIRECTORY_ORGANISE_BYTES_MAX (1u << 20)
#define DIRECTORY_PART_BYTES_MAX (60u << 10) /* of a PolicyPart */
#define DIRECTORY_POLICY_BYTES_MAX (2u << 20)
#define DIRECTORY_SOURCES_BYTES_MAX (2u << 20)
#define DIRECTORY_DELEGATIONS_MAX 16u
#define DIRECTORY_PACKS_MAX 16u
#define DIRECTORY_PROBLEMS_MAX 100u /* told in one refusal */
#define DIRECTORY_ID_CHARACTERS_MAX 32u
#define DIRECTORY_TEXT_BYTES_MAX 256u        /* names, addresses */
#define DIRECTORY_YEAR_BYTES_MAX (64u << 10) /* of a file of holidays */
#define DIRECTORY_TOKEN_HASH_BYTES 32u

extern const struct service directory_service;

/* coming: site NUL -> PolicyScheduled, the policy that takes effect on a later day. approved: case id BE64 -> site NUL:
   the case approves one change of the policy there. */
enum directory_table { DIRECTORY_COMING, DIRECTORY_APPROVED, DIRECTORY_TABLES_COUNT };
extern const char *const directory_tables[];

/* prepare.c: the door */
void directory_prepare(struct turn *turn, Hb__Command *command);
void directory_decide(struct turn *turn, const Hb__Command *command);
void directory_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                     Hb__CommandReply *reply);
void directory_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
void directory_computed(struct turn *turn, const Hb__Query *query, void *work, Hb__QueryReply *reply);

/* check.c: refuses with all that is wrong; reads the state only. */
void directory_check_organise(struct turn *turn, const Directory__Organise *organise);

/* things.c: registers and rosters */
void directory_type_things(struct turn *turn, const Directory__Organise *organise); /* at the door */
void directory_check_things(struct turn *turn, const Directory__Organise *organise);
/* "2025-03-03 08:00" in the site's zone. */
const char *directory_local_text(struct turn *turn, const char *site, int64_t at_ms);
void directory_keep_marks(struct turn *turn, Directory__Thing *thing);
void directory_mark(struct turn *turn, const Hb__Event *cause);
void directory_time_things(struct turn *turn, const Directory__Thing *thing);
void directory_look_at_thing(struct turn *turn, const Directory__Thing *thing);
void directory_fire(struct turn *turn, struct bytes key, int64_t due_ms);

/* decide_organise.c, decide_policy.c */
void directory_decide_organise(struct turn *turn, const Directory__Organise *organise);
void directory_decide_policy(struct turn *turn, const Directory__PublishPolicy *publish);
void directory_decide_withdraw(struct turn *turn, const Directory__WithdrawPolicy *withdraw);
void directory_say(struct turn *turn, const char *site, Directory__Event__KindCase kind, ProtobufCMessage *payload);

/* decide_year.c: a year of holidays for a calendar in use. */
void directory_decide_year(struct turn *turn, const Directory__PublishYear *publish);
Directory__YearPublished *directory_reply_year(struct turn *turn, const Directory__PublishYear *publish,
                                               Hb__Event *const *said, unsigned count);

/* password.c: a code for the first password of an account. */
void directory_decide_setup(struct turn *turn, const Directory__OfferSetup *offer);
void directory_decide_used(struct turn *turn, const Directory__TellSetup *tell);
void directory_decide_credential(struct turn *turn, const Directory__TellCredential *tell);

/* follow.c: policies and calendars of the cell above */
void directory_follow(struct turn *turn, const Hb__Event *event);
/* decide_policy.c: one part of a packed policy; returns its hash. */
ProtobufCBinaryData directory_say_part(struct turn *turn, const char *site, const uint8_t *data, size_t size);

/* coming.c: the policy of a later day. NULL: none is coming. */
const Directory__PolicyScheduled *directory_coming(struct turn *turn, const char *site);
int64_t directory_day_begins(struct turn *turn, const char *site, const char *day); /* in the site's zone */
bool directory_may_schedule(struct turn *turn, const Directory__PublishPolicy *publish, struct bytes hash);
void directory_say_scheduled(struct turn *turn, const Directory__PublishPolicy *publish,
                             Directory__PolicyPublished *policy);
void directory_coming_due(struct turn *turn, const char *site);
void directory_coming_fold(struct turn *turn, const Directory__Event *said);

/* approved.c: cases that approve a change of the policy, each for one publication. */
bool directory_may_change(struct turn *turn, const Directory__PublishPolicy *publish); /* false: refused */
void directory_approved_fold(struct turn *turn, const Hb__Event *event);

/* compile.c: compiles the packs and finds their calendars; fills in `compiled`, `calendars` and `coming`, or refuses
   with every mistake. Reads files: at the door only. */
void directory_compile(struct turn *turn, Directory__PublishPolicy *publish);

/* held.c: adds to the reply what the policy finds nobody for. */
void directory_warn(struct turn *turn, const Directory__PolicyPublished *published, Hb__CommandReply *reply);

/* secrets.c: account NUL -> token hash; '#' token hash -> account NUL. Door and queries only. */
void directory_secrets_save(struct turn *turn, const Directory__Organise *organise);
/* Control VERIFY: what was altered in there; NULL: nothing. */
const char *directory_secrets_wrong(struct store *store, struct arena *arena);
enum err directory_secrets_find(struct turn *turn, struct bytes token_hash, const char **account_out) MUST_CHECK;

#endif
