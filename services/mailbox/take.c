/* What becomes of a mail: a case, an addition to the case it answers, or neither. Every step may be repeated: the keys
   are the mail's own, so that whoever is killed in between begins anew and makes the same case, and no second one. */
#include "mailbox.h"

#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS_MAX 3u /* words of a subject that are looked up as case numbers */
#define DAY_MS (24ll * 3600 * 1000)
#define ORIGINAL "original.eml"
#define PIECE_BYTES (7u << 20) /* in base64 below 10 MiB */

struct taking {
    const struct settings *settings;
    struct gateway *gateway;
    struct arena *arena;
    struct bytes raw;
    const struct mail *mail;
    int64_t received_ms; /* 0: not known */
    const char *key;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct taken verdict(const struct taking *taking, enum verdict verdict, const char *what)
{
    return (struct taken){verdict, what, taking->key ? taking->key : ""};
}

/* ---- which mail it is ---- */

static void hash_text(crypto_generichash_state *state, const char *text)
{
    crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

/* The headers of the way differ when a mail comes twice, and so may its line ends; all else is the same. */
static void hash_body(crypto_generichash_state *state, struct bytes raw)
{
    const uint8_t *crlf = memmem(raw.data, raw.size, "\r\n\r\n", 4), *lf = memmem(raw.data, raw.size, "\n\n", 2);
    const uint8_t *at = crlf && (!lf || crlf < lf) ? crlf : lf, *end = raw.data + raw.size;
    while (end > raw.data && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    for (at = at ? at : end; at < end;) {
        const uint8_t *next = memchr(at, '\r', (size_t)(end - at));
        next = next ? next : end;
        crypto_generichash_update(state, at, (size_t)(next - at));
        at = next + 1;
    }
}

static const char *key_of(const struct mail *mail, struct bytes raw, struct arena *arena)
{
    crypto_generichash_state state;
    uint8_t hash[16];
    char *key = arena_alloc(arena, 2 * sizeof hash + 1);
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    hash_text(&state, mail->message_id);
    hash_text(&state, mail->date);
    hash_text(&state, mail->address);
    hash_text(&state, mail->subject);
    hash_body(&state, raw);
    crypto_generichash_final(&state, hash, sizeof hash);
    return sodium_bin2hex(key, 2 * sizeof hash + 1, hash, sizeof hash);
}

/* ---- its words ---- */

static char *text_of(const struct taking *taking)
{
    const struct mail *mail = taking->mail;
    struct arena *arena = taking->arena;
    const char *between = *mail->subject && *mail->text ? "\n\n" : "";
    char *text = arena_printf(arena, "%s%s%s", mail->subject, between, mail->text);
    if (!*text)
        text = arena_strdup(arena, "（邮件无文字，见 " ORIGINAL " / a mail without words: see " ORIGINAL "）");
    if (mail->cut)
        text = arena_printf(arena, "%s\n\n（其余文字见 %s / the rest of the text is in %s）", text, ORIGINAL, ORIGINAL);
    if (mail->left_out)
        text = arena_printf(arena, "%s\n\n（另有 %zu 个部分见 %s / %zu more parts are in %s）", text, mail->left_out,
                            ORIGINAL, mail->left_out, ORIGINAL);
    return text;
}

static void set_plain(json_t *json, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(json, name, json_pack("{s:s}", "plain", text));
}

static struct bytes body_of(const struct taking *taking, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    bug_unless(text);
    struct bytes copy = arena_copy(taking->arena, bytes_of_text(text));
    free(text);
    json_decref(json);
    return copy;
}

static struct bytes submission(const struct taking *taking)
{
    const struct settings *settings = taking->settings;
    json_t *json = json_pack("{s:s, s:s, s:s}", "site", settings->site, "kind", settings->kind, "channel", "email");
    json_t *party = json_object();
    set_plain(party, "name", taking->mail->name);
    set_plain(party, "email", taking->mail->address);
    if (json_object_size(party))
        json_object_set(json, "party", party);
    json_decref(party);
    set_plain(json, "text", text_of(taking));
    if (*settings->category)
        json_object_set_new(json, "category", json_string(settings->category));
    if (*settings->department)
        json_object_set_new(json, "department", json_string(settings->department));
    if (json_object_size(settings->fields))
        json_object_set_new(json, "fields", json_deep_copy(settings->fields));
    if (taking->received_ms)
        json_object_set_new(json, "received_at", json_string(json_time_text(NULL, taking->received_ms, taking->arena)));
    return body_of(taking, json);
}

/* ---- asking ---- */

static bool later(const struct asked *asked)
{
    return asked->status == 0 || asked->status >= 500 || asked->status == 429 || asked->status == 408 ||
           asked->status == 401; /* a token that has ended is mended, a mail is not */
}

static void post(const struct taking *taking, const char *path, const char *type, struct bytes body, const char *suffix,
                 struct asked *asked_out)
{
    gateway_post(taking->gateway, path, type, body, arena_printf(taking->arena, "%s%s", taking->key, suffix),
                 taking->arena, asked_out);
}

static const char *kept(const struct taking *taking, const struct asked *asked, const char *name)
{
    return arena_strdup(taking->arena, json_string_value(json_object_get(asked->json, name)));
}

/* ---- original and attachments ---- */

static bool attach(const struct taking *taking, const char *case_id, const char *name, const char *type,
                   struct bytes content, unsigned index, struct asked *asked_out)
{
    const char *path = arena_printf(taking->arena, "/api/v1/cases/%s/attachments?name=%s", case_id,
                                    gateway_escape(name, taking->arena));
    post(taking, path, type, content, arena_printf(taking->arena, "-%u", index), asked_out);
    asked_free(asked_out);
    return asked_out->status / 100 == 2;
}

/* A piece of the mail as a file of a mail: what is too large for one attachment, or holds bytes that nobody takes for a
   mail, is kept all the same, and any mail program gives it out again. */
static struct bytes wrapped(const struct taking *taking, struct bytes piece, const char *name)
{
    size_t room = sodium_base64_ENCODED_LEN(piece.size, sodium_base64_VARIANT_ORIGINAL), lines = room / 76 + 2;
    char *text = arena_alloc(taking->arena, room);
    sodium_bin2base64(text, room, piece.data, piece.size, sodium_base64_VARIANT_ORIGINAL);
    struct bytes head = bytes_of_text(arena_printf(taking->arena,
                                                   "From: mailbox@hearback\r\nSubject: %s\r\nMIME-Version: 1.0\r\n"
                                                   "Content-Type: application/octet-stream; name=\"%s\"\r\n"
                                                   "Content-Disposition: attachment; filename=\"%s\"\r\n"
                                                   "Content-Transfer-Encoding: base64\r\n\r\n",
                                                   name, name, name));
    size_t size = head.size, length = strlen(text);
    char *out = arena_alloc(taking->arena, size + room + 2 * lines);
    memcpy(out, head.data, size);
    for (size_t at = 0; at < length; at += 76) {
        size_t part = length - at < 76 ? length - at : 76;
        memcpy(out + size, text + at, part);
        size += part;
        out[size++] = '\r';
        out[size++] = '\n';
    }
    return bytes_of(out, size);
}

static bool attach_wrapped(const struct taking *taking, const char *case_id, struct asked *asked_out)
{
    size_t pieces = (taking->raw.size + PIECE_BYTES - 1) / PIECE_BYTES;
    for (size_t i = 0; i < pieces; i++) {
        size_t from = i * PIECE_BYTES, left = taking->raw.size - from;
        struct bytes piece = bytes_of(taking->raw.data + from, left < PIECE_BYTES ? left : PIECE_BYTES);
        const char *name = arena_printf(taking->arena, "original-%zu-of-%zu.eml", i + 1, pieces);
        struct arena_mark mark = arena_mark(taking->arena);
        bool good =
            attach(taking, case_id, name, "message/rfc822", wrapped(taking, piece, name), 1 + (unsigned)i, asked_out);
        if (!good)
            return false;
        arena_return(taking->arena, mark);
    }
    return true;
}

/* The mail as it came, to the byte. */
static bool attach_original(const struct taking *taking, const char *case_id, struct asked *asked_out)
{
    bool fits = taking->raw.size <= MAIL_FILE_BYTES_MAX;
    if (fits && attach(taking, case_id, ORIGINAL, "message/rfc822", taking->raw, 0, asked_out))
        return true;
    bool odd = fits && (asked_out->status == 415 || asked_out->status == 422); /* NUL bytes, say */
    return (!fits || odd) && attach_wrapped(taking, case_id, asked_out);
}

/* A file that is refused for what it is lies in the original all the same. */
static struct taken keep_all(const struct taking *taking, const char *case_id, const char *what)
{
    struct asked asked;
    unsigned refused = 0;
    if (!attach_original(taking, case_id, &asked))
        return verdict(taking, later(&asked) ? VERDICT_AGAIN : VERDICT_ASIDE,
                       arena_printf(taking->arena, "%s, but its original is not kept there: %s", what, asked.why));
    for (size_t i = 0; i < taking->mail->files_count; i++) {
        const struct mail_file *file = &taking->mail->files[i];
        if (attach(taking, case_id, file->name, file->type, file->content, 100 + (unsigned)i, &asked))
            continue;
        if (later(&asked))
            return verdict(taking, VERDICT_AGAIN,
                           arena_printf(taking->arena, "%s, but not all attachments yet: %s", what, asked.why));
        refused++;
    }
    if (refused)
        what = arena_printf(taking->arena, "%s; %u attachments lie in the original only: %s", what, refused, asked.why);
    return verdict(taking, VERDICT_TAKEN, what);
}

/* ---- answers ---- */

static bool is_number_letter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.' || c == '/';
}

/* Words like "20250303-complaint-001". */
static size_t add_numbers(const struct taking *taking, const char *text, const char **numbers, size_t count)
{
    for (const char *at = text; *at && count < NUMBERS_MAX;) {
        size_t size = 0, digits = 0;
        bool dash = false;
        for (; is_number_letter(at[size]); size++) {
            digits += at[size] >= '0' && at[size] <= '9';
            dash = dash || at[size] == '-';
        }
        size_t word = size;
        while (word && (at[word - 1] == '.' || at[word - 1] == '-' || at[word - 1] == '/'))
            word--;
        if (word >= 6 && word <= 64 && digits >= 2 && dash)
            numbers[count++] = arena_text(taking->arena, at, word);
        at += size ? size : 1;
    }
    return count;
}

static bool answers_us(const struct mail *mail)
{
    static const char ours[] = "@hearback";
    for (size_t i = 0; i < mail->answered_count; i++) {
        size_t size = strlen(mail->answered[i]);
        if (size >= sizeof ours && strcmp(mail->answered[i] + size - (sizeof ours - 1), ours) == 0)
            return true;
    }
    return false;
}

static struct bytes answer(const struct taking *taking)
{
    const struct settings *settings = taking->settings;
    const char *text = text_of(taking);
    return body_of(taking, *settings->answer_field ? json_pack("{s:{s:s}}", "fields", settings->answer_field, text)
                                                   : json_pack("{s:{s:s}}", "note", "plain", text));
}

/* True: it was decided. What the policy does not let happen to that case (it is closed, say) is a case of its own. */
static bool take_as_answer(const struct taking *taking, struct taken *taken_out)
{
    const struct settings *settings = taking->settings;
    const char *numbers[NUMBERS_MAX];
    size_t count = *settings->answer_step ? add_numbers(taking, taking->mail->subject, numbers, 0) : 0;
    if (*settings->answer_step && answers_us(taking->mail))
        count = add_numbers(taking, taking->mail->text, numbers, count);
    for (size_t i = 0; i < count; i++) {
        struct asked asked;
        const char *path = arena_printf(
            taking->arena, "/api/v1/cases/%s/actions/%s?site=%s", gateway_escape(numbers[i], taking->arena),
            gateway_escape(settings->answer_step, taking->arena), gateway_escape(settings->site, taking->arena));
        post(taking, path, "application/json", answer(taking), "-answer", &asked);
        const char *case_id = kept(taking, &asked, "case_id");
        asked_free(&asked);
        if (asked.status / 100 == 2 && *case_id) {
            *taken_out = keep_all(taking, case_id, arena_printf(taking->arena, "added to case %s", numbers[i]));
            return true;
        }
        if (later(&asked)) {
            *taken_out = verdict(taking, VERDICT_AGAIN, asked.why);
            return true;
        }
    }
    return false;
}

/* ---- cases ---- */

static struct taken take_as_case(const struct taking *taking)
{
    struct asked asked;
    post(taking, "/api/v1/cases", "application/json", submission(taking), "", &asked);
    const char *case_id = kept(taking, &asked, "case_id"), *number = kept(taking, &asked, "number");
    bool known = asked.status == 422 && asked_code_is(&asked, "body_mismatch");
    asked_free(&asked);
    if (known) /* only what was registered is remembered; whether all of it was kept then, nobody knows */
        return verdict(taking, VERDICT_ASIDE, "it is a case already, registered otherwise: the same mail came twice");
    if (asked.status / 100 != 2 || !*case_id)
        return verdict(taking, VERDICT_AGAIN,
                       arena_printf(taking->arena, "the gateway does not register it: %s", asked.why));
    return keep_all(taking, case_id, arena_printf(taking->arena, "case %s", number));
}

struct taken mail_take(const struct settings *settings, struct gateway *gateway, struct bytes raw, int64_t received_ms,
                       struct arena *arena)
{
    struct mail mail;
    struct taking taking = {.settings = settings, .gateway = gateway, .arena = arena, .raw = raw, .mail = &mail};
    struct taken taken;
    const char *why = "";
    if (raw.size > MAIL_BYTES_MAX)
        return verdict(&taking, VERDICT_NEVER, "it has more than 32 MiB: at most that is accepted");
    switch (mail_read_apart(raw, arena, &mail, &why)) {
    case APART_FAILED:
        return verdict(&taking, VERDICT_AGAIN, why);
    case APART_UNREADABLE:
        return verdict(&taking, VERDICT_NEVER, why);
    case APART_READ:
        break;
    }
    taking.key = key_of(&mail, raw, arena);
    if (*mail.automatic)
        return verdict(&taking, VERDICT_ASIDE, arena_printf(arena, "not made a case: %s", mail.automatic));
    taking.received_ms = received_ms ? received_ms : mail.received_ms;
    if (taking.received_ms > now_ms() + 60000)
        taking.received_ms = 0; /* its server's clock is wrong */
    if (taking.received_ms && taking.received_ms < now_ms() - MAIL_DAYS_MAX * DAY_MS + 60000)
        return verdict(
            &taking, VERDICT_ASIDE,
            "not made a case: it came more than 31 days ago: register it by hand, or import it (hearback import)");
    return take_as_answer(&taking, &taken) ? taken : take_as_case(&taking);
}

/* ---- aside ---- */

static bool write_all(int fd, struct bytes bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t part = write(fd, bytes.data + done, bytes.size - done);
        if (part < 0 && errno != EINTR)
            return false;
        done += part > 0 ? (size_t)part : 0;
    }
    return true;
}

bool mail_put_aside(const struct settings *settings, struct bytes raw, const char **why_out)
{
    uint8_t hash[16];
    char hex[33], name[40], waiting[40];
    crypto_generichash(hash, sizeof hash, raw.data, raw.size, NULL, 0);
    snprintf(name, sizeof name, "%s.eml",
             sodium_bin2hex(hex, sizeof hex, hash, sizeof hash)); /* again: the same file */
    snprintf(waiting, sizeof waiting, ".%d", (int)getpid());
    int folder = open(settings->aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1 : openat(folder, waiting, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write_all(fd, raw) && fsync(fd) == 0 && renameat(folder, waiting, folder, name) == 0 &&
                fsync(folder) == 0;
    *why_out = good ? NULL : strerror(errno);
    if (!good && fd >= 0)
        unlinkat(folder, waiting, 0);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    return good;
}
