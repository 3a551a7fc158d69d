/* http_load PORT CONNECTIONS SECONDS [RATE [LIST]] < REQUEST: sends the request over so many kept connections, one at a
   time on each, and says how many were answered, how fast, and with which status. In the request each run of sixteen
   '#' becomes a number of its own for every sending, so that no two are the same command.

   With RATE, requests are due at even instants, so many a second, whatever the system does; each goes out as soon as it
   is due and a connection is free, and its time counts from when it was due. LIST is a file that gets a line for each
   good answer: when it came (CLOCK_MONOTONIC ns), and of which case it spoke. */
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
#define REPLY_BYTES_MAX (1u << 20) /* a script of the console */

struct connection {
    int fd;
    bool free;
    uint64_t sent_ns, first_ns; /* first: when the first byte of the answer came */
    size_t received;
    char reply[REPLY_BYTES_MAX];
};

struct load {
    char request[REQUEST_BYTES_MAX];
    size_t request_size;
    uint64_t number;
    struct connection *connections;
    unsigned connections_count, busy, next;
    struct samples samples, first;
    unsigned statuses[600], unasked; /* refused without saying when to come again */
    int epoll;
    uint64_t apart_ns, due_ns; /* with a rate */
    FILE *list;
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
    connection->free = false;
    connection->sent_ns = load->apart_ns ? load->due_ns : now_ns();
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

static void list_case(struct load *load, const struct connection *connection, uint64_t now)
{
    static const char name[] = "\"case_id\":\"";
    const char *found = strstr(connection->reply, name);
    if (found)
        fprintf(load->list, "%llu %llu\n", (unsigned long long)now, strtoull(found + sizeof name - 1, NULL, 10));
}

/* True: answered, and counted. */
static bool connection_receive(struct load *load, struct connection *connection)
{
    ssize_t size = recv(connection->fd, connection->reply + connection->received,
                        sizeof connection->reply - 1 - connection->received, 0);
    if (size <= 0)
        fail("the connection ended");
    if (connection->received == 0)
        connection->first_ns = now_ns();
    connection->received += (size_t)size;
    if (!reply_whole(connection))
        return false;
    unsigned status = (unsigned)strtoul(connection->reply + 9, NULL, 10);
    uint64_t now = now_ns();
    bool good = status >= 200 && status < 300;
    if (good) {
        samples_add(&load->samples, now - connection->sent_ns);
        samples_add(&load->first, connection->first_ns - connection->sent_ns);
    }
    if (good && load->list)
        list_case(load, connection, now);
    load->unasked += status == 503 && !strcasestr(connection->reply, "\r\nRetry-After:");
    connection->free = true;
    load->statuses[status < 600 ? status : 0]++;
    load->busy--;
    return true;
}

/* As many as are due and find a free connection, each in its turn: one that is never used would be closed as idle. ms
   until the next is due. */
static int send_due(struct load *load, uint64_t until_ns)
{
    uint64_t now = now_ns();
    for (unsigned i = 0; i < load->connections_count && load->due_ns <= now && load->due_ns < until_ns; i++) {
        struct connection *connection = &load->connections[load->next++ % load->connections_count];
        if (connection->free) {
            connection_send(load, connection);
            load->due_ns += load->apart_ns;
        }
    }
    return load->due_ns > now ? (int)((load->due_ns - now) / 1000000) : 1000;
}

static void run(struct load *load, uint64_t until_ns)
{
    struct epoll_event events[64];
    load->due_ns = now_ns();
    for (unsigned i = 0; i < load->connections_count; i++) {
        load->connections[i].free = true;
        if (!load->apart_ns)
            connection_send(load, &load->connections[i]);
    }
    uint64_t last_ns = now_ns();
    while (load->busy || (load->apart_ns && now_ns() < until_ns)) {
        int wait_ms = load->apart_ns ? send_due(load, until_ns) : 1000;
        int count = epoll_wait(load->epoll, events, 64, wait_ms);
        if (count < 0 || (load->busy && now_ns() - last_ns > 30000000000u))
            fail("no answer within 30 s");
        for (int i = 0; i < count; i++)
            if (connection_receive(load, events[i].data.ptr) && !load->apart_ns && now_ns() < until_ns)
                connection_send(load, events[i].data.ptr);
        if (count || !load->busy)
            last_ns = now_ns();
    }
}

static void print(struct load *load, double seconds)
{
    samples_sort(&load->samples);
    samples_sort(&load->first);
    printf("{\"good\": %zu, \"seconds\": %.4f, \"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"first_byte_p50_us\": %.1f, \"statuses\": {",
           load->samples.count, seconds, (double)load->samples.count / seconds,
           (double)samples_at(&load->samples, .5) / 1e3, (double)samples_at(&load->samples, .99) / 1e3,
           (double)samples_at(&load->first, .5) / 1e3);
    const char *comma = "";
    for (unsigned status = 0; status < 600; status++)
        if (load->statuses[status]) {
            printf("%s\"%u\": %u", comma, status, load->statuses[status]);
            comma = ", ";
        }
    printf("}, \"without_retry_after\": %u}\n", load->unasked);
}

int main(int argc, char **argv)
{
    static struct load load;
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: http_load PORT CONNECTIONS SECONDS [RATE [LIST]] < REQUEST\n");
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    load.connections_count = (unsigned)strtoul(argv[2], NULL, 10);
    if (load.connections_count < 1 || load.connections_count > CONNECTIONS_MAX) {
        fprintf(stderr, "http_load: 1 to %u connections are accepted\n", CONNECTIONS_MAX);
        return 2;
    }
    load.apart_ns = argc > 4 ? (uint64_t)(1e9 / strtod(argv[4], NULL)) : 0;
    if (argc > 5 && !(load.list = fopen(argv[5], "w")))
        fail(argv[5]);
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
    return load.list && fclose(load.list) ? 1 : 0;
}
