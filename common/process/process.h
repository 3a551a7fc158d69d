/* What a process owes to whoever runs it: systemd (sd_notify(3)) or `hearback up`. */
#ifndef HEARBACK_PROCESS_PROCESS_H
#define HEARBACK_PROCESS_PROCESS_H

#include "base/error.h"

#include <stdint.h>

/* "READY=1", "WATCHDOG=1", "STOPPING=1": one datagram to $NOTIFY_SOCKET; nothing when that is not set. Never
   waits: a manager who does not listen stops nobody. */
void process_notify(const char *text);

/* How often "WATCHDOG=1" is to be said: twice in the time that $WATCHDOG_USEC allows. 0: nobody watches this process.
 */
double process_watchdog_s(void);

/* Under `hearback up` ($HEARBACK_SUPERVISOR is its pid): end with it, even when it is killed with -9, so that its next
   start finds nothing running. Ends at once when it has gone already. */
void process_follow_supervisor(void);

/* What a program ends with that cannot start. Whoever runs it does not insist on what must be mended first, and starts
   it again when it was the world's fault and may pass: no room, no memory, an address that is not up yet, a lock that
   is held, a machine too slow. */
#define PROCESS_MEND 2
#define PROCESS_AGAIN 3
int process_start_failed(enum err err);

/* The arguments of every service's program: --config FILE [--partition N]. NULL: not these. */
const char *process_arguments(int argc, char **argv, uint32_t *partition_out);

#endif
