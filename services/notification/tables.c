/* Tables: case: case id BE64 -> Noterec.Case. notice: notice id BE64 -> Noterec.Notice; the id is 10 bits of partition
   and a running number. asked: source service BE32, partition BE32, offset BE64, notice NUL -> Noterec.Asked, until all
   have it. due: site NUL, queued BE64, notice id BE64 -> "": notices that a person must send. */
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

Noterec__Notice *notification_notice_named(struct turn *turn, uint64_t notice_id)
{
    Noterec__Notice *record = notification_notice(turn, notice_id);
    struct key key = key_u64(notice_id);
    if (!record)
        state_missing(turn, NOTIFICATION_NOTICE, key_bytes(&key));
    return record;
}

void notification_notice_save(struct turn *turn, uint64_t notice_id, const Noterec__Notice *record)
{
    struct key key = key_u64(notice_id);
    state_save(turn, NOTIFICATION_NOTICE, key_bytes(&key), (const ProtobufCMessage *)record);
}

static struct key asked_key(const Hb__Position *source, const char *notice)
{
    struct key key = {.size = 0};
    key_add_u32(&key, (uint32_t)source->log->service);
    key_add_u32(&key, source->log->partition);
    key_add_u64(&key, source->offset);
    key_add_text(&key, notice);
    return key;
}

Noterec__Asked *notification_asked(struct turn *turn, const Hb__Position *source, const char *notice)
{
    struct key key = asked_key(source, notice);
    return state_load(turn, NOTIFICATION_ASKED, key_bytes(&key), &noterec__asked__descriptor);
}

void notification_asked_save(struct turn *turn, const Hb__Position *source, const char *notice,
                             const Noterec__Asked *record)
{
    struct key key = asked_key(source, notice);
    state_save(turn, NOTIFICATION_ASKED, key_bytes(&key), &record->base);
}

void notification_asked_delete(struct turn *turn, const Hb__Position *source, const char *notice)
{
    struct key key = asked_key(source, notice);
    state_delete(turn, NOTIFICATION_ASKED, key_bytes(&key));
}

static struct key due_key(const Noterec__Notice *row)
{
    struct key key = key_text(row->site);
    key_add_u64(&key, (uint64_t)row->queued_ms);
    key_add_u64(&key, row->queued->notice_id);
    return key;
}

void notification_due_put(struct turn *turn, const Noterec__Notice *row)
{
    struct key key = due_key(row);
    state_put(turn, NOTIFICATION_DUE, key_bytes(&key), (struct bytes){0});
}

void notification_due_delete(struct turn *turn, const Noterec__Notice *row)
{
    struct key key = due_key(row);
    state_delete(turn, NOTIFICATION_DUE, key_bytes(&key));
}
