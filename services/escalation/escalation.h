/* escalation: the ladders: who is told or takes over at which level. Each step exactly once. */
#ifndef HEARBACK_ESCALATION_H
#define HEARBACK_ESCALATION_H

#include "hearback/record/escalation.pb-c.h"
#include "organisation/conditions.h"
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "service/service.h"

extern const struct service escalation_service;
enum escalation_table { ESCALATION_CASE };

Escrec__Case *escalation_load(struct turn *turn, uint64_t case_id);
void escalation_save(struct turn *turn, uint64_t case_id, const Escrec__Case *record);
Escrec__Level *escalation_level(Escrec__Case *record, const char *key);
void escalation_react(struct turn *turn, const Hb__Event *event);
void escalation_evolve(struct turn *turn, const Hb__Event *event);
void escalation_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

#endif
