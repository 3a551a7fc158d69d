/* directory: sites, departments, people, accounts, calendars and the policies in force. Its state is common/organisation's
   tables, folded from its own events; token hashes live in the secrets store and in no event. */
#ifndef HEARBACK_DIRECTORY_H
#define HEARBACK_DIRECTORY_H

#include "organisation/organisation.h"
#include "service/service.h"

#define DIRECTORY_PART_BYTES_MAX (60u << 10) /* of a PolicyPart */
#define DIRECTORY_POLICY_BYTES_MAX (4u << 20)
#define DIRECTORY_ID_CHARACTERS_MAX 32u
#define DIRECTORY_TOKEN_HASH_BYTES 32u

extern const struct service directory_service;

void directory_prepare(struct turn *turn, Hb__Command *command);
void directory_decide(struct turn *turn, const Hb__Command *command);
void directory_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                     Hb__CommandReply *reply);
void directory_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

/* decide_organise.c, decide_policy.c */
void directory_decide_organise(struct turn *turn, const Directory__Organise *organise);
void directory_decide_policy(struct turn *turn, const Directory__PublishPolicy *publish);

/* secrets.c: account NUL -> token hash; '#' token hash -> account. */
void directory_secrets_save(struct turn *turn, const Directory__Organise *organise);
bool directory_secrets_find(struct turn *turn, struct bytes token_hash, const char **account_out);

#endif
