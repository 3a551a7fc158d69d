/* Tables: case: case id -> Noterec.Case. notice: notice id -> Noterec.Notice. asked: source service BE32, offset BE64,
   notice NUL
   -> "": each request is met once, whatever is redelivered. */
#include "notification.h"

Noterec__Case *notification_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_load(turn, NOTIFICATION_CASE, key_bytes(&key), &noterec__case__descriptor);
}

void notification_case_save(struct turn *turn, uint64_t case_id, const Noterec__Case *record)
{
    struct key key = key_u64(case_id);
    state_save(turn, NOTIFICATION_CASE, key_bytes(&key), (const ProtobufCMessage *)record);
}

Noterec__Notice *notification_notice(struct turn *turn, uint64_t notice_id)
{
    struct key key = key_u64(notice_id);
    return state_load(turn, NOTIFICATION_NOTICE, key_bytes(&key), &noterec__notice__descriptor);
}

void notification_notice_save(struct turn *turn, uint64_t notice_id, const Noterec__Notice *record)
{
    struct key key = key_u64(notice_id);
    state_save(turn, NOTIFICATION_NOTICE, key_bytes(&key), (const ProtobufCMessage *)record);
}

bool notification_asked(struct turn *turn, const Hb__Position *source, const char *notice)
{
    struct key key = {.size = 0};
    key_add_u32(&key, (uint32_t)source->log->service);
    key_add_u64(&key, source->offset);
    key_add_text(&key, notice);
    return state_has(turn, NOTIFICATION_ASKED, key_bytes(&key));
}
