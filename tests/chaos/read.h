/* Reads what the services show of every case, as a client would: one line for each question with a digest of the
   answer, on the standard output. The same state gives the same lines. */
#ifndef HEARBACK_TESTS_CHAOS_READ_H
#define HEARBACK_TESTS_CHAOS_READ_H

#include "group.h"

void read_all(struct group *group, const uint64_t *cases, size_t count);
/* The same of what is sealed. That somebody opens it is recorded: all who hear of it act on it. */
void open_all(struct group *group, const uint64_t *cases, size_t count);

#endif
