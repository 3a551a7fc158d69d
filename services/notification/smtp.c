/* Sending mail: libcurl, one recipient a transfer, our own stable Message-ID, so that a repetition after a lost answer
   can be noticed (RFC 5321 allows it). The complainant's address is opened by intake only now, outside the turn.

   Each transfer has a thread of its own, of which the runtime lets 16 be at one time. On the loop libcurl would stop
   the service: its SMTP waits for the answers to the end of the mail and to QUIT inside the call, for minutes when the
   server is slow, whatever interface it is called by. The thread touches nothing but its transfer. */
#include "smtp.h"

#include "base/planted.h"
#include "log/log.h"
#include "message/message.h"
#include "notification.h"
#include "service/instance.h"

#include <curl/curl.h>
#include <ev.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SMTP_TIMEOUT_S 60L

struct smtp {
    struct instance *instance;
    struct ev_loop *loop;
    const Config__Smtp *config;
    ev_async ended;
    pthread_mutex_t lock;
    struct sending *finished; /* by their threads; under the lock */
};

struct sending {
    struct sending *next; /* finished too */
    struct smtp *smtp;
    struct effect_done *done;
    struct arena arena;
    Noterec__Mail *mail;
    const char *to, *letter; /* letter: its text; NULL: none */
    char *message;
    size_t sent, size;
    struct curl_slist *recipients;
    CURL *easy;
    char error[CURL_ERROR_SIZE];
    uint32_t attempt;
    CURLcode outcome; /* of the transfer */
    long code;        /* the last one the server said */
};

static void end(struct sending *sending, const char *result)
{
    struct effect_done *done = sending->done;
    char *copy = strdup(result);
    bug_unless(copy);
    if (sending->easy)
        curl_easy_cleanup(sending->easy);
    curl_slist_free_all(sending->recipients);
    arena_fini(&sending->arena);
    free(sending);
    effect_done_call(done, bytes_of_text(copy));
    free(copy);
}

/* ---- the thread of a transfer ---- */

static void *perform(void *context)
{
    struct sending *sending = context;
    struct smtp *smtp = sending->smtp;
    sending->outcome = curl_easy_perform(sending->easy);
    curl_easy_getinfo(sending->easy, CURLINFO_RESPONSE_CODE, &sending->code);
    curl_easy_cleanup(sending->easy); /* it may wait for the server, so not on the loop */
    sending->easy = NULL;
    bool unlocked = planted("mail_unlocked");
    if (!unlocked)
        pthread_mutex_lock(&smtp->lock);
    sending->next = smtp->finished;
    smtp->finished = sending;
    if (!unlocked)
        pthread_mutex_unlock(&smtp->lock);
    ev_async_send(smtp->loop, &smtp->ended);
    return NULL;
}

/* Signals are the loop's. */
static bool perform_beside(struct sending *sending)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, perform, sending);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 && pthread_detach(thread) == 0;
}

/* What the server says of the mail is final when it says so. That it does not let us in, or not safely, says nothing of
   the mail: the operator mends it while the mail waits. */
static long status_of(CURLcode outcome, long code)
{
    bool ours = outcome == CURLE_LOGIN_DENIED || outcome == CURLE_USE_SSL_FAILED ||
                outcome == CURLE_SSL_CONNECT_ERROR || outcome == CURLE_PEER_FAILED_VERIFICATION;
    return !ours && code >= 400 && code < 600 ? code : 451;
}

static void tell(struct sending *sending)
{
    struct smtp *smtp = sending->smtp;
    const char *why = curl_easy_strerror(sending->outcome);
    char result[CURL_ERROR_SIZE + 64];
    if (sending->outcome == CURLE_OK) {
        snprintf(result, sizeof result, "250 accepted by %s", smtp->config->url);
    } else { /* what the server says may hold the address: its code is enough for the note */
        NOTE(instance_log(smtp->instance), NOTE_MAIL_NOT_SENT, LOG_TEXT("message_id", sending->mail->message_id),
             LOG_NUMBER("attempt", sending->attempt), LOG_NUMBER("code", sending->code), LOG_TEXT("why", why));
        snprintf(result, sizeof result, "%ld %s", status_of(sending->outcome, sending->code),
                 sending->error[0] ? sending->error : why);
    }
    end(sending, result);
}

static void on_ended(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop;
    (void)events;
    struct smtp *smtp = watcher->data;
    pthread_mutex_lock(&smtp->lock);
    struct sending *finished = smtp->finished, *next;
    smtp->finished = NULL;
    pthread_mutex_unlock(&smtp->lock);
    for (; finished; finished = next) {
        next = finished->next;
        tell(finished);
    }
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

/* The notice, and below it the letter as it was issued. */
static const char *body_of(struct sending *sending)
{
    const Noterec__Mail *mail = sending->mail;
    if (!sending->letter)
        return mail->text;
    const Hb__Label *label = mail->letter->label;
    return arena_printf(&sending->arena, "%s\r\n\r\n%s / %s\r\n%s\r\n\r\n%s", mail->text, label->zh, label->en,
                        mail->letter->number, sending->letter);
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
        encode(arena, body_of(sending), true));
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
    curl_easy_setopt(sending->easy, CURLOPT_ERRORBUFFER, sending->error);
    curl_easy_setopt(sending->easy, CURLOPT_TIMEOUT, SMTP_TIMEOUT_S);
    curl_easy_setopt(sending->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, SMTP_TIMEOUT_S); /* of the answer to QUIT */
    curl_easy_setopt(sending->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(sending->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(sending->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(sending->easy, CURLOPT_FORBID_REUSE, 1L);
    const char *why;
    if (!smtp_login(sending->easy, smtp->config, &sending->arena, &why))
        end(sending, arena_printf(&sending->arena, "451 %s", why));
    else if (!perform_beside(sending))
        end(sending, "451 no thread can be started for it now");
}

/* ---- what is sealed: the complainant's address, a letter ---- */

/* How many boxes must be opened; into `boxes_out` (room for two), the address first. The letter is for the complainant:
   staff read it in the case, where that is recorded. */
static size_t sealed_of(const struct sending *sending, Hb__Sealed **boxes_out)
{
    const Noterec__Mail *mail = sending->mail;
    const Hb__Field *letter = mail->letter && mail->to_sealed ? mail->letter->text : NULL;
    Hb__Sealed *boxes[2];
    size_t count = 0;
    if (mail->to_sealed)
        boxes[count++] = mail->to_sealed;
    if (letter)
        boxes[count++] = letter->text->sealed;
    if (boxes_out)
        memcpy(boxes_out, boxes, count * sizeof *boxes);
    return count;
}

static void on_opened(void *context, enum err err, const Bus__Reply *reply)
{
    struct sending *sending = context;
    const Hb__CommandReply *answer = !err && reply->kind_case == BUS__REPLY__KIND_COMMAND ? reply->command : NULL;
    bool opened = answer && !answer->refused && answer->payload_case == HB__COMMAND_REPLY__PAYLOAD_OPENED &&
                  answer->opened->n_texts == sealed_of(sending, NULL);
    if (!opened) {
        end(sending, "451 intake could not open the address or the letter now");
        return;
    }
    for (size_t i = 0; i < answer->opened->n_texts; i++) {
        const char *text = answer->opened->texts[i];
        bool address = sending->mail->to_sealed && i == 0;
        if (!*text) {
            end(sending, address ? "550 the address was erased" : "550 the letter was erased");
            return;
        }
        *(address ? &sending->to : &sending->letter) = arena_strdup(&sending->arena, text);
    }
    transfer(sending);
}

static void open_sealed(struct sending *sending, const char *id)
{
    const struct env *env = instance_env(sending->smtp->instance);
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Open open = INTAKE__OPEN__INIT;
    Hb__Sealed *boxes[2];
    command.account = (char *)(uintptr_t) "notification";
    command.id =
        arena_printf(&sending->arena, "%013" PRId64 "-%s-%" PRIu32, env->now(env->context), id, sending->attempt);
    command.site = sending->mail->site;
    command.case_id = sending->mail->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = &open;
    open.boxes = boxes;
    open.n_boxes = sealed_of(sending, boxes);
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
    *smtp = (struct smtp){.instance = instance, .loop = loop, .config = config->smtp};
    pthread_mutex_init(&smtp->lock, NULL);
    ev_async_init(&smtp->ended, on_ended);
    smtp->ended.data = smtp;
    ev_async_start(loop, &smtp->ended);
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
    if (sealed_of(sending, NULL))
        open_sealed(sending, id);
    else
        transfer(sending);
}

const struct effect_driver notification_driver = {smtp_open, smtp_start};
