/* `hearback policy` for the gateway, on files somebody has sent. */
#ifndef HEARBACK_CLI_LIMITED_H
#define HEARBACK_CLI_LIMITED_H

#include <stdbool.h>

/* Where $HEARBACK_LIMITED_BY names our parent: limits of memory, time and files, and our end with that parent. False:
   that could not be. */
bool limits_enter(void);

#endif
