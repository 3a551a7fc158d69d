/* Guessing is slowed down, and nobody is locked out by it. Counted, each by hash, whether there is such an account or
   not:

   - a name *from an address*: five wrong tries cost nothing, each further one must wait twice as long as the one
   before, up to a quarter of an hour. So whoever guesses bars himself. A lock on the name alone lets anybody keep out
   whose name he knows (OWASP Authentication Cheat Sheet, "Account Lockout").
   - an address: twenty, then the same. That is guessing at many names.
   - a name, from wherever: twenty, then half a minute at most. That is guessing from many addresses. NIST SP 800-63B,
     5.2.2, names both remedies taken here: waiting times that grow, and an address from which the account has signed
     in before, which is not asked to wait for what others try (it would lose every race against them). What we do not
     do is disable the account after its 100 tries: they are sent in a minute, and the person is who pays.
   - codes of the second factor, and the old password at its change: the first alike, and a name from wherever five
   times, then up to a quarter of an hour, for six digits do not stand many addresses. Nobody comes so far without the
     account's password or a session of it.
   - setup codes have counters of their own: 160 random bits are not guessed, and whoever tries must keep nobody from
     signing in.

   Time heals: one wrong try is forgotten every hour, every five minutes of what many share, all after a day without.
   Who signs in takes back what this name did at this address (NIST: "disregard any previous failed attempts for that
   user from the same IP address"), and nothing of what others did there. */
#include "credentials.h"
#include "hearback/config.pb-c.h"

#include <sodium.h>

#define DELAY_MS_DEFAULT 1000
#define FORGOTTEN_MS (24 * 3600000ll)
#define KNOWN_MS (90 * FORGOTTEN_MS) /* an address from which an account has signed in */

enum { TRIES_KEY_BYTES = 16, COUNTED_MAX = 3 };

struct limits {
    uint32_t freely; /* wrong tries that cost nothing */
    int64_t most_ms, heals_ms;
    bool by_name; /* not asked of whoever has been here before */
};

static const struct limits of_one = {5, 15 * 60000, 3600000, false};
static const struct limits of_address = {20, 15 * 60000, 5 * 60000, false};
static const struct limits of_name = {20, 30000, 5 * 60000, true};
static const struct limits of_secret = {5, 15 * 60000, 3600000, true};

struct counted {
    uint8_t key[TRIES_KEY_BYTES];
    const struct limits *limits;
};

static struct counted counted_of(const struct limits *limits, const char *what, const char *account,
                                 const char *address)
{
    struct counted counted = {.limits = limits};
    const char *const parts[] = {what, account, address};
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof counted.key);
    for (size_t i = 0; i < 3; i++)
        crypto_generichash_update(&state, (const uint8_t *)parts[i], strlen(parts[i]) + 1);
    crypto_generichash_final(&state, counted.key, sizeof counted.key);
    return counted;
}

/* The first is whose tries these are; the others share what was done. */
static size_t counted_by(const struct tried *tried, struct counted out[COUNTED_MAX])
{
    const char *account = tried->account, *address = tried->address;
    switch (tried->what) {
    case TRIED_PASSWORD:
        out[0] = counted_of(&of_one, "account", account, address);
        out[1] = counted_of(&of_name, "account of", account, "");
        out[2] = counted_of(&of_address, "address", "", address);
        return *address ? 3 : 2;
    case TRIED_SETUP:
        out[0] = counted_of(&of_one, "setup", account, address);
        out[1] = counted_of(&of_address, "setup at", "", address);
        return *address ? 2 : 1;
    case TRIED_CODE:
        out[0] = counted_of(&of_one, "code", account, address);
        out[1] = counted_of(&of_secret, "code of", account, "");
        return 2;
    case TRIED_OLD_PASSWORD:
        out[0] = counted_of(&of_one, "old", account, address);
        out[1] = counted_of(&of_secret, "old of", account, "");
        return 2;
    }
    return 0;
}

static struct bytes key_of(const struct counted *counted)
{
    return bytes_of(counted->key, sizeof counted->key);
}

static bool known(const struct rows *rows, const Dirrec__Tries *tries)
{
    return tries->signed_in_ms && turn_now(rows->turn) - tries->signed_in_ms <= KNOWN_MS;
}

static bool over(const struct rows *rows, const ProtobufCMessage *row)
{
    const Dirrec__Tries *tries = (const Dirrec__Tries *)row;
    return turn_now(rows->turn) - tries->last_ms > FORGOTTEN_MS && !known(rows, tries);
}

/* As it is now: what has healed is not counted. */
static Dirrec__Tries tries_of(struct rows *rows, const struct counted *counted)
{
    const Dirrec__Tries *row = row_find(rows, rows->tries, key_of(counted), &dirrec__tries__descriptor);
    Dirrec__Tries tries = DIRREC__TRIES__INIT;
    int64_t now = turn_now(rows->turn);
    if (row)
        tries = *row;
    if (now - tries.last_ms > FORGOTTEN_MS)
        tries.wrong = 0;
    if (tries.wrong == 0 || tries.healed_ms > now) /* nothing to heal, or the clock was set back */
        tries.healed_ms = now;
    int64_t healed = (now - tries.healed_ms) / counted->limits->heals_ms;
    tries.healed_ms += healed * counted->limits->heals_ms;
    tries.wrong -= healed < tries.wrong ? (uint32_t)healed : tries.wrong;
    return tries;
}

static void keep(struct rows *rows, const struct counted *counted, const Dirrec__Tries *tries)
{
    row_keep(rows, rows->tries, key_of(counted), &tries->base);
    rows_sweep(rows, rows->tries, key_of(counted), &dirrec__tries__descriptor, over);
}

static int64_t wait_ms(struct rows *rows, const struct counted *counted)
{
    const Config__Config *config = turn_config(rows->turn);
    int64_t delay =
        config && config->sign_in && config->sign_in->delay_ms ? config->sign_in->delay_ms : DELAY_MS_DEFAULT;
    int64_t most = counted->limits->most_ms;
    Dirrec__Tries tries = tries_of(rows, counted);
    int64_t since = turn_now(rows->turn) - tries.last_ms;
    for (uint32_t i = counted->limits->freely; i < tries.wrong && delay < most; i++)
        delay *= 2;
    delay = delay < most ? delay : most;
    if (tries.wrong < counted->limits->freely || since >= delay)
        return 0;
    return since > 0 ? delay - since : delay; /* the clock was set back: from now on */
}

int64_t tries_wait_ms(struct rows *rows, const struct tried *tried)
{
    struct counted counted[COUNTED_MAX];
    size_t count = counted_by(tried, counted);
    Dirrec__Tries own = tries_of(rows, &counted[0]);
    int64_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t wait = counted[i].limits->by_name && known(rows, &own) ? 0 : wait_ms(rows, &counted[i]);
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

void tries_count(struct rows *rows, const struct tried *tried)
{
    struct counted counted[COUNTED_MAX];
    size_t count = counted_by(tried, counted);
    for (size_t i = 0; i < count; i++) {
        Dirrec__Tries tries = tries_of(rows, &counted[i]);
        tries.wrong++;
        tries.before_ms = tries.last_ms;
        tries.last_ms = turn_now(rows->turn);
        keep(rows, &counted[i], &tries);
    }
}

/* `wrong` of them; the last one was none at all, so it is as long ago as before it. */
static void take_back(struct rows *rows, const struct counted *counted, uint32_t wrong)
{
    Dirrec__Tries tries = tries_of(rows, counted);
    tries.wrong -= wrong < tries.wrong ? wrong : tries.wrong;
    tries.last_ms = tries.before_ms;
    keep(rows, counted, &tries);
}

void tries_take_back(struct rows *rows, const struct tried *tried)
{
    struct counted counted[COUNTED_MAX];
    size_t count = counted_by(tried, counted);
    for (size_t i = 0; i < count; i++)
        take_back(rows, &counted[i], 1);
}

void tries_forget(struct rows *rows, const struct tried *tried)
{
    struct counted counted[COUNTED_MAX];
    size_t count = counted_by(tried, counted);
    uint32_t own = tries_of(rows, &counted[0]).wrong;
    Dirrec__Tries good = DIRREC__TRIES__INIT;
    good.signed_in_ms = turn_now(rows->turn);
    keep(rows, &counted[0], &good);
    for (size_t i = 1; i < count; i++)
        take_back(rows, &counted[i], own);
}

bool tries_refuse(struct rows *rows, const struct tried *tried)
{
    int64_t wait = tries_wait_ms(rows, tried);
    if (!wait)
        return false;
    Hb__Refusal *refusal = turn_refuse(rows->turn, 429, "too_many_tries", "尝试次数过多，请稍后再试",
                                       "too many wrong tries; wait as long as Retry-After says");
    refusal->retry_after_s = (uint32_t)((wait + 999) / 1000);
    return true;
}

bool tries_begin(struct turn *turn, const struct tried *tried)
{
    struct rows rows;
    if (!rows_begin(turn, &rows, true))
        return false;
    if (!tries_refuse(&rows, tried))
        tries_count(&rows, tried);
    return rows_end(&rows);
}

void tries_end(struct turn *turn, const struct tried *none, const struct tried *wrong)
{
    struct rows rows;
    if (!rows_begin(turn, &rows, true))
        return;
    tries_take_back(&rows, none);
    if (wrong)
        tries_count(&rows, wrong);
    turn_beside(turn, NULL);
    if (store_commit(rows.txn))
        return; /* then it counts */
}
