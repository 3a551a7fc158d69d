#include "escalation.h"

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    Escrec__Case record = ESCREC__CASE__INIT;
    record.site = event->site;
    record.kind = event->intake->registered->kind;
    record.policy_version = record.first_version = event->policy_version;
    facts_list_fold(turn_arena(turn), &record.facts, &record.n_facts, event);
    escalation_save(turn, event->case_id, &record);
    turn_case_known(turn, event->case_id);
}

static void evolve_facts(struct turn *turn, const Hb__Event *event)
{
    bool moved = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                 event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED;
    Escrec__Case *record = event->n_facts || moved ? escalation_load(turn, event->case_id) : NULL;
    if (!record)
        return;
    if (moved && !record->first_version)
        record->first_version = record->policy_version;
    if (moved)
        record->policy_version = event->casework->case_moved->to;
    facts_list_fold(turn_arena(turn), &record->facts, &record->n_facts, event);
    escalation_save(turn, event->case_id, record);
}

static void evolve_own(struct turn *turn, const Hb__Event *event)
{
    Escrec__Case *record = escalation_load(turn, event->case_id);
    Escrec__Level *level;
    if (!record)
        return;
    switch (event->escalation->kind_case) {
    case ESCALATION__EVENT__KIND_REACHED:
        level = TURN_NEW(turn, Escrec__Level, escrec__level__init);
        level->reached = event->escalation->reached;
        level->at_ms = event->occurred_ms;
        TURN_ADD(turn, record->levels, record->n_levels, level);
        break;
    case ESCALATION__EVENT__KIND_CANCELLED:
        if ((level = escalation_level(record, event->escalation->cancelled->key)))
            level->cancelled = true;
        break;
    case ESCALATION__EVENT__KIND_ACKNOWLEDGED:
        if ((level = escalation_level(record, event->escalation->acknowledged->key)))
            level->acknowledged_by = event->escalation->acknowledged->person;
        break;
    case ESCALATION__EVENT__KIND_PROBLEM:
    case ESCALATION__EVENT__KIND__NOT_SET:
        return;
    }
    escalation_save(turn, event->case_id, record);
}

void escalation_evolve(struct turn *turn, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
        if (event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
            evolve_registered(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_CASEWORK:
        evolve_facts(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        evolve_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
