/* Sending mail: libcurl on the loop, one recipient a transfer, our own stable Message-ID, so that a repetition after a
   lost answer can be noticed (RFC 5321 allows it). The complainant's address is opened by intake only now, outside the
   turn. */
#include "smtp.h"

#include "log/log.h"
#include "message/message.h"
#include "notification.h"
#include "service/instance.h"

#include <curl/curl.h>
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SMTP_TIMEOUT_S 60L

struct smtp {
    struct instance *instance;
    struct ev_loop *loop;
    const Config__Smtp *config;
    CURLM *multi;
    ev_timer timer;
};

struct sending {
    struct smtp *smtp;
    struct effect_done *done;
    struct arena arena;
    Noterec__Mail *mail;
    const char *to;
    char *message;
    size_t sent, size;
    struct curl_slist *recipients;
    CURL *easy;
    char error[CURL_ERROR_SIZE];
    uint32_t attempt;
};

struct watching {
    ev_io io;
    struct smtp *smtp;
};

static void end(struct sending *sending, const char *result)
{
    struct effect_done *done = sending->done;
    char *copy = strdup(result);
    bug_unless(copy);
    if (sending->easy) {
        curl_multi_remove_handle(sending->smtp->multi, sending->easy);
        curl_easy_cleanup(sending->easy);
    }
    curl_slist_free_all(sending->recipients);
    arena_fini(&sending->arena);
    free(sending);
    effect_done_call(done, bytes_of_text(copy));
    free(copy);
}

/* ---- libcurl's multi interface on libev ---- */

/* What the server says of the mail is final when it says so. That it does not let us in, or not safely, says nothing of
   the mail: the operator mends it while the mail waits. */
static long status_of(CURLcode result, long code)
{
    bool ours = result == CURLE_LOGIN_DENIED || result == CURLE_USE_SSL_FAILED || result == CURLE_SSL_CONNECT_ERROR ||
                result == CURLE_PEER_FAILED_VERIFICATION;
    return !ours && code >= 400 && code < 600 ? code : 451;
}

static void collect(struct smtp *smtp)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(smtp->multi, &left))) {
        struct sending *sending;
        long code = 0;
        char result[CURL_ERROR_SIZE + 64];
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&sending);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &code);
        if (message->data.result != CURLE_OK) /* what the server says may hold the address: its code is enough */
            NOTE(instance_log(smtp->instance), NOTE_MAIL_NOT_SENT, LOG_TEXT("message_id", sending->mail->message_id),
                 LOG_NUMBER("attempt", sending->attempt), LOG_NUMBER("code", code),
                 LOG_TEXT("why", curl_easy_strerror(message->data.result)));
        if (message->data.result == CURLE_OK)
            snprintf(result, sizeof result, "250 accepted by %s", smtp->config->url);
        else
            snprintf(result, sizeof result, "%ld %s", status_of(message->data.result, code),
                     sending->error[0] ? sending->error : curl_easy_strerror(message->data.result));
        end(sending, result);
    }
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    struct watching *watching = (struct watching *)watcher;
    struct smtp *smtp = watching->smtp;
    int running;
    curl_multi_socket_action(smtp->multi, watcher->fd,
                             (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0),
                             &running);
    collect(smtp);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    (void)easy;
    struct smtp *smtp = context;
    struct watching *watching = socket_context;
    if (watching)
        ev_io_stop(smtp->loop, &watching->io);
    if (what == CURL_POLL_REMOVE) {
        free(watching);
        return 0;
    }
    if (!watching) {
        watching = calloc(1, sizeof *watching);
        bug_unless(watching);
        watching->smtp = smtp;
        curl_multi_assign(smtp->multi, fd, watching);
    }
    ev_io_init(&watching->io, on_io, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(smtp->loop, &watching->io);
    return 0;
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct smtp *smtp = watcher->data;
    int running;
    curl_multi_socket_action(smtp->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(smtp);
}

static int on_timeout(CURLM *multi, long wait_ms, void *context)
{
    (void)multi;
    struct smtp *smtp = context;
    ev_timer_stop(smtp->loop, &smtp->timer);
    if (wait_ms >= 0) {
        ev_timer_set(&smtp->timer, (double)wait_ms / 1000.0, 0.);
        ev_timer_start(smtp->loop, &smtp->timer);
    }
    return 0;
}

/* ---- the message (RFC 5322, MIME in UTF-8) ---- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* `line`: break after 76 characters. */
static char *encode(struct arena *arena, const char *text, bool line)
{
    size_t size = strlen(text), at = 0;
    char *out = arena_alloc(arena, (size + 2) / 3 * 4 * 79 / 76 + 8);
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)(uint8_t)text[i] << 16 | (i + 1 < size ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0) |
                        (i + 2 < size ? (uint8_t)text[i + 2] : 0);
        out[at++] = base64[bits >> 18];
        out[at++] = base64[bits >> 12 & 63];
        out[at++] = (char)(i + 1 < size ? base64[bits >> 6 & 63] : '=');
        out[at++] = (char)(i + 2 < size ? base64[bits & 63] : '=');
        if (line && i / 3 % 19 == 18) {
            out[at++] = '\r';
            out[at++] = '\n';
        }
    }
    out[at] = 0;
    return out;
}

/* A header must stay one line, whatever it was made of. */
static char *encoded_word(struct arena *arena, const char *text)
{
    char part[46] = "";
    char *out = arena_strdup(arena, "");
    size_t used = 0;
    for (const char *c = text;; c++) {
        bool boundary = !*c || ((uint8_t)*c & 0xC0) != 0x80;
        if (!*c || (boundary && used > 36)) {
            part[used] = 0;
            out = arena_printf(arena, "%s%s=?UTF-8?B?%s?=", out, *out ? "\r\n " : "", encode(arena, part, false));
            used = 0;
        }
        if (!*c)
            return out;
        part[used++] = *c;
    }
}

static char *compose(struct sending *sending)
{
    struct arena *arena = &sending->arena;
    const Noterec__Mail *mail = sending->mail;
    char date[64];
    time_t now = time(NULL);
    struct tm broken;
    gmtime_r(&now, &broken);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &broken);
    return arena_printf(
        arena,
        "Date: %s\r\nFrom: <%s>\r\nTo: <%s>\r\nMessage-ID: %s\r\nSubject: %s\r\nAuto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\n%s\r\n",
        date, sending->smtp->config->from, sending->to, mail->message_id, encoded_word(arena, mail->subject),
        encode(arena, mail->text, true));
}

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
    struct sending *sending = context;
    size_t room = size * count, left = sending->size - sending->sent, part = left < room ? left : room;
    memcpy(buffer, sending->message + sending->sent, part);
    sending->sent += part;
    return part;
}

static bool plausible(const char *address)
{
    const char *at = strchr(address, '@');
    return at && at != address && at[1] && !strpbrk(address, " \r\n<>\"") && strlen(address) < 255;
}

static void transfer(struct sending *sending)
{
    struct smtp *smtp = sending->smtp;
    if (!plausible(sending->to)) {
        end(sending, "550 the address is not an e-mail address");
        return;
    }
    sending->message = compose(sending);
    sending->size = strlen(sending->message);
    sending->recipients = curl_slist_append(NULL, arena_printf(&sending->arena, "<%s>", sending->to));
    sending->easy = curl_easy_init();
    bug_unless(sending->easy && sending->recipients);
    curl_easy_setopt(sending->easy, CURLOPT_URL, smtp->config->url);
    curl_easy_setopt(sending->easy, CURLOPT_MAIL_FROM, arena_printf(&sending->arena, "<%s>", smtp->config->from));
    curl_easy_setopt(sending->easy, CURLOPT_MAIL_RCPT, sending->recipients);
    curl_easy_setopt(sending->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(sending->easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(sending->easy, CURLOPT_READDATA, sending);
    curl_easy_setopt(sending->easy, CURLOPT_PRIVATE, sending);
    curl_easy_setopt(sending->easy, CURLOPT_ERRORBUFFER, sending->error);
    curl_easy_setopt(sending->easy, CURLOPT_TIMEOUT, SMTP_TIMEOUT_S);
    curl_easy_setopt(sending->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(sending->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(sending->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(sending->easy, CURLOPT_FORBID_REUSE, 1L);
    const char *why;
    if (smtp_login(sending->easy, smtp->config, &sending->arena, &why))
        curl_multi_add_handle(smtp->multi, sending->easy);
    else
        end(sending, arena_printf(&sending->arena, "451 %s", why));
}

/* ---- the complainant's address ---- */

static void on_opened(void *context, enum err err, const Bus__Reply *reply)
{
    struct sending *sending = context;
    const Hb__CommandReply *answer = !err && reply->kind_case == BUS__REPLY__KIND_COMMAND ? reply->command : NULL;
    bool opened = answer && !answer->refused && answer->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED &&
                  answer->opened->n_texts == 1;
    if (opened && !*answer->opened->texts[0]) {
        end(sending, "550 the address was erased");
        return;
    }
    if (!opened) {
        end(sending, "451 intake could not open the address now");
        return;
    }
    sending->to = arena_strdup(&sending->arena, answer->opened->texts[0]);
    transfer(sending);
}

static void open_address(struct sending *sending, const char *id)
{
    const struct env *env = instance_env(sending->smtp->instance);
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Open open = INTAKE__OPEN__INIT;
    command.account = (char *)(uintptr_t) "notification";
    command.id =
        arena_printf(&sending->arena, "%013" PRId64 "-%s-%" PRIu32, env->now(env->context), id, sending->attempt);
    command.site = sending->mail->site;
    command.case_id = sending->mail->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = &open;
    open.boxes = &sending->mail->to_sealed;
    open.n_boxes = 1;
    open.purpose = (char *)(uintptr_t) "send a notice";
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    uint32_t partition =
        instance_partition_of(sending->smtp->instance, HB__SERVICE__INTAKE, case_id_bucket(sending->mail->case_id));
    env->ask(env->context, HB__SERVICE__INTAKE, partition, &request, 10000, on_opened, sending);
}

/* ---- the driver ---- */

static void *smtp_open(struct instance *instance, struct ev_loop *loop, const Config__Config *config)
{
    struct smtp *smtp = calloc(1, sizeof *smtp);
    bug_unless(smtp && curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
    *smtp = (struct smtp){.instance = instance, .loop = loop, .config = config->smtp, .multi = curl_multi_init()};
    bug_unless(smtp->multi);
    ev_init(&smtp->timer, on_timer);
    smtp->timer.data = smtp;
    curl_multi_setopt(smtp->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(smtp->multi, CURLMOPT_SOCKETDATA, smtp);
    curl_multi_setopt(smtp->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(smtp->multi, CURLMOPT_TIMERDATA, smtp);
    return smtp;
}

static void smtp_start(void *driver, const char *id, uint32_t attempt, struct bytes payload, struct effect_done *done)
{
    struct smtp *smtp = driver;
    if (!*smtp->config->url) {
        effect_done_call(done, bytes_of_text("451 no mail server is configured (smtp.url)"));
        return;
    }
    struct sending *sending = calloc(1, sizeof *sending);
    bug_unless(sending);
    arena_init(&sending->arena);
    sending->smtp = smtp;
    sending->done = done;
    sending->attempt = attempt;
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&noterec__mail__descriptor, payload, &sending->arena, &message, &why) == ERR_NONE);
    sending->mail = (Noterec__Mail *)message;
    sending->to = sending->mail->to;
    if (sending->mail->to_sealed)
        open_address(sending, id);
    else
        transfer(sending);
}

const struct effect_driver notification_driver = {smtp_open, smtp_start};
