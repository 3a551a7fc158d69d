/* Tables of routing. Keys are big-endian, texts end with a zero byte:

     cases         case id                     routerec.Case
     history       case id, times (u32)        routerec.Routed    e.g. <case id> 00000001: the first routing
     loads         person                      routerec.Load      e.g. "li\0"
     departments   site, department            routerec.Department e.g. "garden\0engineering\0" */
#include "routing.h"

const char *const routing_tables[] = {"cases", "history", "loads", "departments"};

static struct key history_key(uint64_t case_id, uint32_t times)
{
    struct key key = key_u64(case_id);
    key_add_u32(&key, times);
    return key;
}

Routerec__Case *routing_case_load(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, ROUTING_CASES, key_bytes(&key), &routerec__case__descriptor);
}

void routing_case_save(struct turn *turn, uint64_t case_id, const Routerec__Case *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, ROUTING_CASES, key_bytes(&key), &record->base);
}

bool routing_knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, ROUTING_CASES, key_bytes(&key));
}

void routing_history_add(struct turn *turn, uint64_t case_id, const Routerec__Routed *routed, uint32_t times)
{
    struct key key = history_key(case_id, times);
    state_save(turn, ROUTING_HISTORY, key_bytes(&key), &routed->base);
}

Routerec__Routed *routing_history(struct turn *turn, uint64_t case_id, uint32_t times)
{
    struct key key = history_key(case_id, times);
    Routerec__Routed *row = state_load(turn, ROUTING_HISTORY, key_bytes(&key), &routerec__routed__descriptor);
    if (!row)
        state_missing(turn, ROUTING_HISTORY, key_bytes(&key));
    return row;
}

Routerec__Load *routing_load(struct turn *turn, const char *person)
{
    struct key key = key_text(person);
    Routerec__Load *load = state_load(turn, ROUTING_LOADS, key_bytes(&key), &routerec__load__descriptor);
    if (!load) {
        load = arena_alloc(turn_arena(turn), sizeof *load);
        routerec__load__init(load);
    }
    return load;
}

void routing_load_save(struct turn *turn, const char *person, const Routerec__Load *load)
{
    struct key key = key_text(person);
    state_save(turn, ROUTING_LOADS, key_bytes(&key), &load->base);
}

void routing_department_save(struct turn *turn, const char *site, const char *department, const char *head)
{
    struct key key = key_text(site);
    key_add_text(&key, department);
    Routerec__Department row = ROUTEREC__DEPARTMENT__INIT;
    row.head = arena_strdup(turn_arena(turn), head);
    state_save(turn, ROUTING_DEPARTMENTS, key_bytes(&key), &row.base);
}

const char *routing_department_first(struct turn *turn, const char *site)
{
    struct key prefix = key_text(site);
    struct state_scan *scan = state_scan_open(turn, ROUTING_DEPARTMENTS, key_bytes(&prefix), bytes_of(NULL, 0));
    struct bytes key, value;
    const char *first = "";
    while (state_scan_next(scan, &key, &value)) {
        const char *department = (const char *)key.data + prefix.size;
        const Routerec__Department *row = state_load(turn, ROUTING_DEPARTMENTS, key, &routerec__department__descriptor);
        if (row->head[0])
            return department;
        if (!first[0])
            first = department;
    }
    return first;
}
