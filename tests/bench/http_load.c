/* http_load PORT CONNECTIONS SECONDS < REQUEST: sends the request over so many kept connections, one at a time on each,
   and says how many were answered, how fast, and with which status. In the request each run of sixteen '#' becomes a
   number of its own for every sending, so that no two are the same command. */
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARK "################"
#define CONNECTIONS_MAX 1024u
#define REQUEST_BYTES_MAX 65536u
#define REPLY_BYTES_MAX 65536u

struct connection {
    int fd;
    uint64_t sent_ns;
    size_t received;
    char reply[REPLY_BYTES_MAX];
};

struct load {
    char request[REQUEST_BYTES_MAX];
    size_t request_size;
    uint64_t number;
    struct connection *connections;
    unsigned connections_count, busy;
    struct samples samples;
    unsigned statuses[600];
    int epoll;
};

static void fail(const char *what)
{
    fprintf(stderr, "http_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected answer");
    exit(1);
}

static void request_read(struct load *load)
{
    load->request_size = fread(load->request, 1, sizeof load->request - 1, stdin);
    if (load->request_size == 0 || !feof(stdin))
        fail("the request on standard input is empty or too long");
    if (getrandom(&load->number, sizeof load->number, 0) != sizeof load->number)
        fail("randomness");
}

/* Where the marks were is found once; from then on the numbers stand there. */
static void request_number(struct load *load)
{
    static char *places[16];
    static unsigned count;
    char number[17];
    if (!count)
        for (char *at = load->request; count < 16 && (at = strstr(at, MARK)); at += 16)
            places[count++] = at;
    snprintf(number, sizeof number, "%016llx", (unsigned long long)load->number++);
    for (unsigned i = 0; i < count; i++)
        memcpy(places[i], number, 16);
}

static void connection_send(struct load *load, struct connection *connection)
{
    request_number(load);
    connection->received = 0;
    connection->sent_ns = now_ns();
    if (send(connection->fd, load->request, load->request_size, MSG_NOSIGNAL) != (ssize_t)load->request_size)
        fail("send");
    load->busy++;
}

static void connection_open(struct load *load, struct connection *connection, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event))
        fail("epoll");
}

/* A whole answer: head and as many bytes as it says. */
static bool reply_whole(struct connection *connection)
{
    connection->reply[connection->received] = 0;
    char *end = strstr(connection->reply, "\r\n\r\n");
    char *length = end ? strcasestr(connection->reply, "\r\nContent-Length:") : NULL;
    if (end && !length)
        fail("an answer without Content-Length");
    return end && connection->received >= (size_t)(end + 4 - connection->reply) + strtoul(length + 17, NULL, 10);
}

/* True: answered, and counted. */
static bool connection_receive(struct load *load, struct connection *connection)
{
    ssize_t size = recv(connection->fd, connection->reply + connection->received,
                        sizeof connection->reply - 1 - connection->received, 0);
    if (size <= 0)
        fail("the connection ended");
    connection->received += (size_t)size;
    if (!reply_whole(connection))
        return false;
    unsigned status = (unsigned)strtoul(connection->reply + 9, NULL, 10);
    if (status >= 200 && status < 300)
        samples_add(&load->samples, now_ns() - connection->sent_ns);
    load->statuses[status < 600 ? status : 0]++;
    load->busy--;
    return true;
}

static void run(struct load *load, uint64_t until_ns)
{
    struct epoll_event events[64];
    for (unsigned i = 0; i < load->connections_count; i++)
        connection_send(load, &load->connections[i]);
    while (load->busy) {
        int count = epoll_wait(load->epoll, events, 64, 10000);
        if (count <= 0)
            fail("no answer within 10 s");
        for (int i = 0; i < count; i++)
            if (connection_receive(load, events[i].data.ptr) && now_ns() < until_ns)
                connection_send(load, events[i].data.ptr);
    }
}

static void print(struct load *load, double seconds)
{
    samples_sort(&load->samples);
    printf(
        "{\"good\": %zu, \"seconds\": %.4f, \"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"statuses\": {",
        load->samples.count, seconds, (double)load->samples.count / seconds,
        (double)samples_at(&load->samples, .5) / 1e3, (double)samples_at(&load->samples, .99) / 1e3);
    const char *comma = "";
    for (unsigned status = 0; status < 600; status++)
        if (load->statuses[status]) {
            printf("%s\"%u\": %u", comma, status, load->statuses[status]);
            comma = ", ";
        }
    printf("}}\n");
}

int main(int argc, char **argv)
{
    static struct load load;
    if (argc != 4) {
        fprintf(stderr, "usage: http_load PORT CONNECTIONS SECONDS < REQUEST\n");
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    load.connections_count = (unsigned)strtoul(argv[2], NULL, 10);
    if (load.connections_count < 1 || load.connections_count > CONNECTIONS_MAX) {
        fprintf(stderr, "http_load: 1 to %u connections are accepted\n", CONNECTIONS_MAX);
        return 2;
    }
    request_read(&load);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.connections = calloc(load.connections_count, sizeof *load.connections);
    if (load.epoll < 0 || !load.connections)
        fail("memory");
    for (unsigned i = 0; i < load.connections_count; i++)
        connection_open(&load, &load.connections[i], port);
    uint64_t began = now_ns();
    run(&load, began + (uint64_t)(strtod(argv[3], NULL) * 1e9));
    print(&load, (double)(now_ns() - began) / 1e9);
    return 0;
}
