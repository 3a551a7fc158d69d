/* What waits here has limits, in number and in bytes. Whoever finds no room is told at once to come again, and costs
   nothing but the refusal; whoever is in keeps his place. */
#include "service/internal.h"

bool crowd_enter(struct instance *instance, struct crowd *crowd, const struct bus_call *call, uint64_t count_max,
                 uint64_t bytes_max)
{
    if (crowd->count < count_max && crowd->bytes < bytes_max)
        return true;
    crowd->refused++;
    if (!crowd->full)
        NOTE(instance->log, NOTE_OVERLOADED, LOG_NUMBER("waiting", crowd->count), LOG_NUMBER("bytes", crowd->bytes));
    crowd->full = true;
    reply_refuse(instance, call, 503, "overloaded", "请求过多，请稍后再试",
                 "more comes than this service can take; try again shortly");
    return false;
}

void crowd_add(struct crowd *crowd, size_t bytes)
{
    crowd->count++;
    crowd->bytes += bytes;
}

void crowd_leave(struct crowd *crowd, size_t bytes)
{
    bug_unless(crowd->count && crowd->bytes >= bytes);
    crowd->count--;
    crowd->bytes -= bytes;
    if (crowd->count == 0)
        crowd->full = false;
}
