/* The mailbox, by libcurl's IMAP: what lies in the folder is taken, oldest first, and moved out of it only when its
   case is on disk; so whatever happens in between, it lies there still, and is taken again under the same key. */
#include "imap_said.h"
#include "mailbox.h"

#include "process/process.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_BYTES_MAX (16u << 20)
#define ROUND_MAX 1000u /* mails of one round */

struct imap {
    const struct settings *settings;
    struct log *log;
    CURL *curl;
    char error[CURL_ERROR_SIZE];
    bool folders_made;
    char validity[IMAP_VALIDITY_CHARACTERS + 1]; /* UIDVALIDITY: which life of the folder the numbers are of */
};

struct taken_bytes {
    uint8_t *data;
    size_t size, room, most;
};

struct imap *imap_new(const struct settings *settings, struct log *log)
{
    struct imap *imap = calloc(1, sizeof *imap);
    bug_unless(imap);
    imap->settings = settings;
    imap->log = log;
    imap->curl = curl_easy_init();
    bug_unless(imap->curl);
    return imap;
}

void imap_free(struct imap *imap)
{
    curl_easy_cleanup(imap->curl);
    free(imap);
}

/* ---- one request ---- */

static size_t take(char *data, size_t one, size_t count, void *context)
{
    struct taken_bytes *taken = context;
    size_t size = one * count;
    if (taken->size + size > taken->most)
        return 0;
    if (taken->size + size + 1 > taken->room) {
        size_t room = (taken->size + size + 1) * 2;
        uint8_t *more = realloc(taken->data, room);
        if (!more)
            return 0;
        taken->data = more;
        taken->room = room;
    }
    memcpy(taken->data + taken->size, data, size);
    taken->size += size;
    taken->data[taken->size] = 0;
    return size;
}

/* `at` is what stands behind the server's address; `command` NULL: the mail there is fetched. */
static bool ask(struct imap *imap, const char *at, const char *command, struct taken_bytes *taken, struct arena *arena,
                const char **why_out)
{
    const struct settings *settings = imap->settings;
    CURL *curl = imap->curl;
    imap->error[0] = 0;
    char *password = settings_secret(settings->imap.password_file, arena, why_out);
    if (!password)
        return false;
    curl_easy_reset(curl); /* its connection stays */
    curl_easy_setopt(curl, CURLOPT_URL, arena_printf(arena, "%s/%s", settings->imap.url, at));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "imap,imaps");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERNAME, settings->imap.user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, imap->error);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 300L);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, taken);
    if (command)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, command);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        return true;
    *why_out = arena_printf(arena, "%s%s%s: %s", settings->imap.url, command ? ": " : "", command ? command : "",
                            imap->error[0] ? imap->error : curl_easy_strerror(code));
    return false;
}

static bool tell(struct imap *imap, const char *at, const char *command, struct arena *arena, const char **why_out)
{
    struct taken_bytes taken = {.most = LIST_BYTES_MAX};
    bool good = ask(imap, at, command, &taken, arena, why_out);
    free(taken.data);
    return good;
}

/* The folder, in the life we know it in: numbers of another one would mean other mails. */
static char *folder_at(struct imap *imap, struct arena *arena)
{
    return arena_printf(arena, "%s;UIDVALIDITY=%s", gateway_escape(imap->settings->imap.folder, arena), imap->validity);
}

/* ---- what is there ---- */

static bool learn_validity(struct imap *imap, struct arena *arena, const char **why_out)
{
    struct taken_bytes taken = {.most = LIST_BYTES_MAX};
    const char *command = arena_printf(arena, "STATUS \"%s\" (UIDVALIDITY)", imap->settings->imap.folder);
    if (!ask(imap, "", command, &taken, arena, why_out)) {
        free(taken.data);
        return false;
    }
    bool told = imap_said_validity(taken.data ? (const char *)taken.data : "", imap->validity);
    if (!told)
        *why_out = arena_printf(arena, "%s does not tell UIDVALIDITY of %s", imap->settings->imap.url,
                                imap->settings->imap.folder);
    free(taken.data);
    return told;
}

static bool list(struct imap *imap, struct arena *arena, struct listed **list_out, size_t *count_out,
                 const char **why_out)
{
    struct taken_bytes taken = {.most = LIST_BYTES_MAX};
    if (!ask(imap, folder_at(imap, arena), "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)", &taken, arena,
             why_out)) {
        free(taken.data);
        return false;
    }
    imap_said_list(taken.data ? (char *)taken.data : NULL, arena, list_out, count_out);
    free(taken.data);
    return true;
}

/* ---- moving ---- */

/* A server says so when a folder is there already. */
static void make_folders(struct imap *imap, struct arena *arena)
{
    const char *folders[] = {imap->settings->imap.taken, imap->settings->imap.aside}, *ignored;
    for (size_t i = 0; i < 2 && !imap->folders_made; i++)
        (void)tell(imap, "", arena_printf(arena, "CREATE \"%s\"", folders[i]), arena, &ignored);
    imap->folders_made = true;
}

/* In one step (RFC 6851); where the server does not know it, copied and then marked: killed in between, it is copied
   twice, and taken once. */
static bool move(struct imap *imap, unsigned long uid, const char *folder, struct arena *arena, const char **why_out)
{
    const char *at = folder_at(imap, arena);
    if (tell(imap, at, arena_printf(arena, "UID MOVE %lu \"%s\"", uid, folder), arena, why_out))
        return true;
    return tell(imap, at, arena_printf(arena, "UID COPY %lu \"%s\"", uid, folder), arena, why_out) &&
           tell(imap, at, arena_printf(arena, "UID STORE %lu +FLAGS.SILENT (\\Deleted)", uid), arena, why_out);
}

/* ---- one mail ---- */

static bool fetch(struct imap *imap, const struct listed *listed, struct taken_bytes *taken, struct arena *arena,
                  const char **why_out)
{
    return ask(imap, arena_printf(arena, "%s/;UID=%lu", folder_at(imap, arena), listed->uid), NULL, taken, arena,
               why_out);
}

static struct taken judge(struct imap *imap, struct gateway *gateway, const struct listed *listed, struct arena *arena)
{
    struct taken_bytes mail = {.most = MAIL_BYTES_MAX + 1};
    struct taken taken = {VERDICT_AGAIN, "", ""};
    if (listed->size > MAIL_BYTES_MAX)
        return (struct taken){VERDICT_NEVER, "it has more than 32 MiB: at most that is accepted", ""};
    if (fetch(imap, listed, &mail, arena, &taken.what))
        taken = mail_take(imap->settings, gateway, bytes_of(mail.data, mail.size), listed->received_ms, arena);
    free(mail.data);
    return taken;
}

/* To have fetched it marked it as read, which it is not. */
static void as_it_was(struct imap *imap, const struct listed *listed, struct arena *arena)
{
    const char *ignored;
    if (!listed->seen)
        (void)tell(imap, folder_at(imap, arena),
                   arena_printf(arena, "UID STORE %lu -FLAGS.SILENT (\\Seen)", listed->uid), arena, &ignored);
}

static bool take_one(struct imap *imap, struct gateway *gateway, const struct listed *listed, struct arena *arena)
{
    struct taken taken = judge(imap, gateway, listed, arena);
    bool done = taken.verdict == VERDICT_TAKEN, waits = taken.verdict == VERDICT_AGAIN;
    const char *folder = done ? imap->settings->imap.taken : imap->settings->imap.aside, *why = taken.what;
    if (waits)
        as_it_was(imap, listed, arena);
    bool moved = !waits && move(imap, listed->uid, folder, arena, &why);
    if (!waits && !moved)
        imap->folders_made = false; /* the folder may be what is missing */
    waits = !moved;
    if (waits)
        NOTE(imap->log, NOTE_MAIL_WAITS, LOG_NUMBER("uid", listed->uid), LOG_TEXT("key", taken.key),
             LOG_TEXT("why", why));
    else
        NOTE(imap->log, done ? NOTE_MAIL_TAKEN : NOTE_MAIL_ASIDE, LOG_NUMBER("uid", listed->uid),
             LOG_TEXT("key", taken.key), LOG_TEXT("folder", folder), LOG_TEXT("why", taken.what));
    return !waits;
}

bool imap_round(struct imap *imap, struct gateway *gateway, const char **why_out, unsigned *left_out)
{
    static char why[300];
    struct arena arena, one;
    struct listed *mails;
    size_t count = 0;
    arena_init(&arena);
    arena_init(&one);
    *left_out = 0;
    bool good = learn_validity(imap, &arena, why_out) && list(imap, &arena, &mails, &count, why_out);
    if (good && count)
        make_folders(imap, &arena);
    for (size_t i = 0; good && i < count && i < ROUND_MAX; i++) {
        process_notify("WATCHDOG=1");
        *left_out += !take_one(imap, gateway, &mails[i], &one);
        arena_reset(&one);
    }
    if (!good) {
        snprintf(why, sizeof why, "%s", *why_out);
        *why_out = why;
    }
    arena_fini(&one);
    arena_fini(&arena);
    return good;
}
