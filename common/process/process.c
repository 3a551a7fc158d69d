#include "process/process.h"

#include "base/number.h"

#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int process_start_failed(enum err err)
{
    switch (err) {
    case ERR_IO:
    case ERR_FULL:
    case ERR_NO_MEMORY:
    case ERR_TIMEOUT:
    case ERR_AGAIN:
        return PROCESS_AGAIN;
    default:
        return PROCESS_MEND;
    }
}

void process_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (address.sun_path[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    close(fd);
}

double process_watchdog_s(void)
{
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!us || (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return (double)strtoul(us, NULL, 10) / 2e6;
}

void process_follow_supervisor(void)
{
    const char *supervisor = getenv("HEARBACK_SUPERVISOR");
    if (!supervisor)
        return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != (pid_t)strtol(supervisor, NULL, 10))
        _exit(0);
}

const char *process_arguments(int argc, char **argv, uint32_t *partition_out)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"partition", required_argument, NULL, 'p'}, {0}};
    const char *config = NULL;
    uint64_t partition = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option == 'c')
            config = optarg;
        else if (option != 'p' || !number_read(optarg, UINT32_MAX, &partition))
            return NULL;
    *partition_out = (uint32_t)partition;
    return optind == argc ? config : NULL;
}
