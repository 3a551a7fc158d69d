/* What a process owes to whoever runs it: systemd (sd_notify(3)) or `hearback up`. */
#ifndef HEARBACK_PROCESS_PROCESS_H
#define HEARBACK_PROCESS_PROCESS_H

/* "READY=1", "WATCHDOG=1": one datagram to $NOTIFY_SOCKET; nothing when that is not set. */
void process_notify(const char *text);

/* Under `hearback up` ($HEARBACK_SUPERVISOR is its pid): end with it, even when it is killed with -9, so that its next
   start finds nothing running. Ends at once when it has gone already. */
void process_follow_supervisor(void);

#endif
