/* Two toy services that hear each other: the simulator's own test, from the first day. Ping takes the command "hit N"
   and says N; pong answers every ping by a pong of N-1; ping answers every pong by a ping of N-1, until zero. Both keep
   a count and a sum per case, so that a different order of folding gives a different state. */
#ifndef HEARBACK_TESTS_TOYS_H
#define HEARBACK_TESTS_TOYS_H

#include "service/service.h"

extern const struct service toy_ping, toy_pong;

#endif
