/* A free port on loopback: below those that the kernel gives to clients, of which one is soon somebody's own end of a
   connection; tests that run side by side begin elsewhere. */
#ifndef HEARBACK_TESTS_PORT_H
#define HEARBACK_TESTS_PORT_H

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_FIRST 12000u
#define PORTS 20000u

/* 0: none is free. */
static inline unsigned free_port(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        unsigned port = PORT_FIRST + ((unsigned)getpid() + i) % PORTS;
        struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int failed = bind(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
        if (!failed)
            return port;
    }
    return 0;
}

#endif
