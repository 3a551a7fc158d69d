/* Guessing is slowed down, not locked out: after a few wrong tries in a row each further one must wait, twice as long
   every time, up to a quarter of an hour. What is counted is the name that was given, whether there is such an account
   or not, and the address; both by hash. */
#include "credentials.h"
#include "hearback/config.pb-c.h"

#include <sodium.h>

#define FREE_OF_ACCOUNT 5u
#define FREE_OF_ADDRESS 20u
#define DELAY_MS_DEFAULT 1000
#define DELAY_MS_MAX (15 * 60000ll)
#define FORGOTTEN_MS (24 * 3600000ll)

enum { TRIES_KEY_BYTES = 16 };

struct counted {
    uint8_t key[TRIES_KEY_BYTES];
    uint32_t freely; /* wrong tries that cost nothing */
};

static struct counted counted_of(const char *what, const char *name, uint32_t freely)
{
    struct counted counted = {.freely = freely};
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof counted.key);
    crypto_generichash_update(&state, (const uint8_t *)what, strlen(what) + 1);
    crypto_generichash_update(&state, (const uint8_t *)name, strlen(name));
    crypto_generichash_final(&state, counted.key, sizeof counted.key);
    return counted;
}

static struct bytes key_of(const struct counted *counted)
{
    return bytes_of(counted->key, sizeof counted->key);
}

static bool over(const struct rows *rows, const ProtobufCMessage *row)
{
    const Dirrec__Tries *tries = (const Dirrec__Tries *)row;
    return turn_now(rows->turn) - tries->last_ms > FORGOTTEN_MS;
}

static Dirrec__Tries tries_of(struct rows *rows, const struct counted *counted)
{
    const Dirrec__Tries *tries = row_find(rows, rows->tries, key_of(counted), &dirrec__tries__descriptor);
    Dirrec__Tries none = DIRREC__TRIES__INIT;
    return tries && !over(rows, &tries->base) ? *tries : none;
}

static int64_t wait_ms(struct rows *rows, struct counted counted)
{
    const Config__Config *config = turn_config(rows->turn);
    int64_t delay =
        config && config->sign_in && config->sign_in->delay_ms ? config->sign_in->delay_ms : DELAY_MS_DEFAULT;
    Dirrec__Tries tries = tries_of(rows, &counted);
    int64_t since = turn_now(rows->turn) - tries.last_ms;
    for (uint32_t i = counted.freely; i < tries.wrong && delay < DELAY_MS_MAX; i++)
        delay *= 2;
    delay = delay < DELAY_MS_MAX ? delay : DELAY_MS_MAX;
    if (tries.wrong < counted.freely || since >= delay)
        return 0;
    return since > 0 ? delay - since : delay; /* the clock was set back: from now on */
}

int64_t tries_wait_ms(struct rows *rows, const char *account, const char *address)
{
    int64_t of_account = wait_ms(rows, counted_of("account", account, FREE_OF_ACCOUNT));
    int64_t of_address = *address ? wait_ms(rows, counted_of("address", address, FREE_OF_ADDRESS)) : 0;
    return of_account > of_address ? of_account : of_address;
}

static void change(struct rows *rows, struct counted counted, int by)
{
    Dirrec__Tries tries = tries_of(rows, &counted);
    tries.wrong = by < 0 ? tries.wrong - (tries.wrong > 0) : tries.wrong + 1;
    tries.last_ms = turn_now(rows->turn);
    row_keep(rows, rows->tries, key_of(&counted), &tries.base);
    rows_sweep(rows, rows->tries, key_of(&counted), &dirrec__tries__descriptor, over);
}

static void change_both(struct rows *rows, const char *account, const char *address, int by)
{
    change(rows, counted_of("account", account, FREE_OF_ACCOUNT), by);
    if (*address)
        change(rows, counted_of("address", address, FREE_OF_ADDRESS), by);
}

void tries_count(struct rows *rows, const char *account, const char *address)
{
    change_both(rows, account, address, 1);
}

void tries_take_back(struct rows *rows, const char *account, const char *address)
{
    change_both(rows, account, address, -1);
}

/* The address keeps what it did to other accounts. */
void tries_forget(struct rows *rows, const char *account, const char *address)
{
    struct counted counted = counted_of("account", account, FREE_OF_ACCOUNT);
    store_delete(rows->txn, rows->tries, key_of(&counted));
    if (*address)
        change(rows, counted_of("address", address, FREE_OF_ADDRESS), -1);
}

bool tries_begin(struct turn *turn, const char *account, const char *address)
{
    struct rows rows;
    if (!rows_begin(turn, &rows, true))
        return false;
    int64_t wait = tries_wait_ms(&rows, account, address);
    if (wait) {
        Hb__Refusal *refusal = turn_refuse(turn, 429, "too_many_tries", "尝试次数过多，请稍后再试",
                                           "too many wrong tries; wait as long as Retry-After says");
        refusal->retry_after_s = (uint32_t)((wait + 999) / 1000);
    } else {
        tries_count(&rows, account, address);
    }
    return rows_end(&rows);
}
