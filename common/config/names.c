#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    Hb__Service service;
    const char *name;
} names[] = {
    {HB__SERVICE__DIRECTORY, "directory"},
    {HB__SERVICE__INTAKE, "intake"},
    {HB__SERVICE__ROUTING, "routing"},
    {HB__SERVICE__CASEWORK, "casework"},
    {HB__SERVICE__WATCHDOG, "watchdog"},
    {HB__SERVICE__ESCALATION, "escalation"},
    {HB__SERVICE__NOTIFICATION, "notification"},
    {HB__SERVICE__ANALYTICS, "analytics"},
    {HB__SERVICE__GATEWAY, "gateway"},
    {HB__SERVICE__LINK, "link"},
    {HB__SERVICE__TOOL, "tool"},
    {HB__SERVICE__TOY_PING, "ping"},
    {HB__SERVICE__TOY_PONG, "pong"},
};

const char *config_service_name(Hb__Service service)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].service == service)
            return names[i].name;
    return "unknown";
}

Hb__Service config_service_of_name(const char *name)
{
    for (size_t i = 0; names[i].service != HB__SERVICE__TOOL; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].service;
    return HB__SERVICE__SERVICE_NONE;
}

bool config_has_vault(Hb__Service service)
{
    return service == HB__SERVICE__INTAKE || service == HB__SERVICE__DIRECTORY;
}

void config_epoch_path(char out[CONFIG_EPOCH_PATH_MAX], const char *folder, Hb__Service service, uint32_t partition)
{
    const char *name = config_service_name(service);
    snprintf(out, CONFIG_EPOCH_PATH_MAX, "%s/%s/%s-%" PRIu32 ".key", folder, name, name, partition);
}
