#include "base/planted.h"

#include <stdlib.h>
#include <string.h>

#ifdef HEARBACK_PLANTED

bool planted(const char *name)
{
    const char *chosen = getenv("HEARBACK_PLANT");
    return chosen && strcmp(chosen, name) == 0;
}

bool planted_each(const char *name, unsigned nth)
{
    static unsigned times;
    return planted(name) && ++times % nth == 0;
}

#endif
