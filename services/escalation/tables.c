/* Table case: case id BE64 -> Escrec.Case: what is needed to find whom a ladder means, and every level reached. */
#include "escalation.h"

Escrec__Case *escalation_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, ESCALATION_CASE, key_bytes(&key), &escrec__case__descriptor);
}

void escalation_save(struct turn *turn, uint64_t case_id, const Escrec__Case *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, ESCALATION_CASE, key_bytes(&key), (const ProtobufCMessage *)record);
}

Escrec__Level *escalation_level(Escrec__Case *record, const char *key)
{
    for (size_t i = 0; i < record->n_levels; i++)
        if (!record->levels[i]->cancelled && strcmp(record->levels[i]->reached->key, key) == 0)
            return record->levels[i];
    return NULL;
}
