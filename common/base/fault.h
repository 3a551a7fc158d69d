/* Which file is mapped where memory was misused. */
#ifndef HEARBACK_BASE_FAULT_H
#define HEARBACK_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* The path of the file that this process has mapped at `address`; false: none. For handlers of signals: it takes no
   memory and no lock. */
bool fault_file(const void *address, char *path_out, size_t size);

#endif
