/* What a mail server answers, into notification's own driver with the real libcurl, over a real socket: any lines, as
   answers to what it is sent or all at once, then it hangs up. Every mail ends once, with one line that begins with
   250, 4.. or 5..; "250" only when the whole mail was handed over; the server is never sent the text of a header or a
   command that was not meant to be one. The runtime under it (its clock, log and effects) is this file's. */
#include "fuzz.h"

#include "hearback/record/notification.pb-c.h"
#include "log/log.h"
#include "message/message.h"
#include "service/instance.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_MAX (16u << 20) /* libcurl with its buffers, and a mail; an input has 64 KiB at most */
#define SENT_BYTES_MAX (16u << 10)
#define QUIET_ROUNDS 20
#define ROUNDS_MAX 200000 /* of 50 us at least: beyond, nobody waits for anything any more */

extern const struct effect_driver notification_driver;

static struct ev_loop *loop;
static struct log *quiet;
static void *driver;
static Config__Smtp smtp = CONFIG__SMTP__INIT;
static int listening;
static bool done;
static char result[1024];

/* ---- instead of the runtime: the linker lets the driver call these ----
   NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

struct log *__wrap_instance_log(struct instance *instance);
void __wrap_effect_done_call(struct effect_done *effect, struct bytes text);

struct log *__wrap_instance_log(struct instance *instance)
{
    (void)instance;
    return quiet;
}

void __wrap_effect_done_call(struct effect_done *effect, struct bytes text)
{
    must(effect == (struct effect_done *)&done && !done && text.size < sizeof result);
    memcpy(result, text.data, text.size);
    result[text.size] = 0;
    done = true;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- the server ---- */

struct server {
    int fd;                        /* -1: not there, or hung up */
    struct bytes left;             /* to be said */
    bool at_once, hangs;           /* all of it now; or a line for each thing it is sent */
    char sent[SENT_BYTES_MAX + 1]; /* what it was sent */
    size_t sent_size;
    unsigned quiet; /* rounds: then it goes on without having been asked */
};

static void say(struct server *server)
{
    const uint8_t *end = server->at_once ? NULL : memchr(server->left.data, '\n', server->left.size);
    size_t size = end ? (size_t)(end - server->left.data) + 1 : server->left.size;
    if (size && send(server->fd, server->left.data, size, MSG_NOSIGNAL) != (ssize_t)size)
        size = server->left.size; /* the client has gone */
    server->left.data += size;
    server->left.size -= size;
    if (server->left.size == 0 && !server->hangs) { /* it has nothing to say any more */
        shutdown(server->fd, SHUT_WR);
        server->hangs = true;
    }
}

static void serve(struct server *server)
{
    ssize_t size;
    if (server->fd < 0) {
        server->fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (server->fd >= 0)
            say(server); /* the greeting */
        return;
    }
    size = recv(server->fd, server->sent + server->sent_size, SENT_BYTES_MAX - server->sent_size, 0);
    if (size > 0) {
        server->sent_size += (size_t)size;
        server->sent[server->sent_size] = 0;
    }
    server->quiet++;
    if (size > 0 || server->quiet > QUIET_ROUNDS) {
        server->quiet = 0;
        say(server);
    }
}

/* ---- the mail ---- */

static void open_all(void)
{
    static Config__Config config = CONFIG__CONFIG__INIT;
    static struct arena kept;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(bind(listening, (struct sockaddr *)&address, size) == 0 && listen(listening, 16) == 0);
    must(getsockname(listening, (struct sockaddr *)&address, &size) == 0);
    smtp.url = arena_printf(&kept, "smtp://127.0.0.1:%d", ntohs(address.sin_port));
    smtp.from = arena_strdup(&kept, "hearback@localhost");
    smtp.password_file = arena_printf(&kept, "%s/password", fuzz_folder());
    FILE *file = fopen(smtp.password_file, "wbe");
    must(file && fputs("secret\n", file) >= 0 && fclose(file) == 0);
    config.smtp = &smtp;
    loop = ev_default_loop(EVFLAG_NOENV);
    quiet = log_new("notification-0", -1, NULL, NULL);
    driver = notification_driver.open(NULL, loop, &config);
}

static struct bytes mail(struct draw *draw, struct arena *arena)
{
    static const char *const to[] = {"li@example.org", "a@b", "x@y\r\nRCPT TO:<z@y>", "@", "a b@c", "<a@b>", "", NULL};
    static const char *const texts[] = {"您的来件已受理。", ".\r\nRSET\r\n", "a\nBcc: z@y\n", "", NULL};
    Noterec__Mail made = NOTEREC__MAIL__INIT;
    made.to = draw_text(draw, to, 20, arena);
    made.message_id = (char *)(uintptr_t) "<1@hearback>";
    made.subject = draw_text(draw, texts, 60, arena);
    made.text = draw_text(draw, texts, 60, arena);
    return message_pack(&made.base, arena);
}

static void check(const struct server *server)
{
    must(strlen(result) >= 4 && result[3] == ' ' && !strpbrk(result, "\r\n") && utf8_valid(result, strlen(result)));
    must(memcmp(result, "250", 3) == 0 || result[0] == '4' || result[0] == '5');
    const char *data = strstr(server->sent, "\r\nDATA\r\n"), *body = data ? strstr(data, "Date: ") : NULL;
    must(result[0] != '2' || (body && strstr(body, "\r\n.\r\n")));
    must(!strstr(server->sent, "\nRSET\r\n") && !strstr(server->sent, "\nBcc:"));
    const char *to = strstr(server->sent, "\r\nRCPT TO:");
    must(!to || !strstr(to + 1, "\r\nRCPT TO:"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct server server;
    struct draw draw = draw_of(data, size);
    struct arena arena;
    if (!driver)
        open_all();
    fuzz_memory_begin();
    arena_init(&arena);
    unsigned how = draw_byte(&draw);
    smtp.user = (char *)(uintptr_t)(how & 1 ? "hearback" : "");
    struct bytes payload = mail(&draw, &arena);
    server = (struct server){.fd = -1, .at_once = how & 2};
    server.left = bytes_of(draw.at, (size_t)(draw.end - draw.at));
    done = false;
    notification_driver.start(driver, "1", 1, payload, (struct effect_done *)&done);
    for (int round = 0; !done && round < ROUNDS_MAX; round++) {
        ev_run(loop, EVRUN_NOWAIT);
        serve(&server);
        usleep(50);
    }
    must(done);
    check(&server);
    if (server.fd >= 0)
        close(server.fd);
    int late = accept4(listening, NULL, NULL, SOCK_CLOEXEC); /* it was given up before it was accepted */
    if (late >= 0)
        close(late);
    arena_fini(&arena);
    fuzz_memory_end_within(MEMORY_MAX);
    return 0;
}
