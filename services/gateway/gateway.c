#include "gateway.h"

#include <time.h>

static int64_t ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t gateway_now_ms(void)
{
    return ms_of(CLOCK_REALTIME);
}

int64_t gateway_boot_ms(void)
{
    return ms_of(CLOCK_BOOTTIME);
}
