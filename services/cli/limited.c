#include "limited.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true /* reserves far more than it uses */
#else
#define SANITIZED false
#endif

#define MEMORY_BYTES_MAX (1ull << 30)
#define SECONDS_MAX 60u
#define FILE_BYTES_MAX (256ull << 20)
#define FILES_OPEN_MAX 256u

static bool limit(int what, uint64_t most)
{
    struct rlimit limits = {most, most};
    return setrlimit((__rlimit_resource_t)what, &limits) == 0;
}

/* Not RLIMIT_AS: each store of a rehearsal reserves 64 GiB of addresses. RLIMIT_DATA counts what can be written to. */
bool limits_enter(void)
{
    const char *owner = getenv("HEARBACK_LIMITED_BY");
    if (!owner)
        return true;
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == (pid_t)strtol(owner, NULL, 10) &&
           (SANITIZED || limit(RLIMIT_DATA, MEMORY_BYTES_MAX)) && limit(RLIMIT_CPU, SECONDS_MAX) &&
           limit(RLIMIT_FSIZE, FILE_BYTES_MAX) && limit(RLIMIT_NOFILE, FILES_OPEN_MAX) && limit(RLIMIT_CORE, 0);
}
