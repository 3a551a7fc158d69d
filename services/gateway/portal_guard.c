#include "portal_guard.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

/* The name is one that programs fill in and browsers do not. */
#define TRAP "homepage"
#define WORK_CHARACTERS_MAX 10u

void page_guard(struct page *page)
{
    html_add(&page->html,
             "<div class=\"trap\"><label for=\"" TRAP "\">%s</label><input type=\"text\" id=\"" TRAP "\" name=\"" TRAP
             "\" value=\"\" tabindex=\"-1\" autocomplete=\"off\"></div>"
             "<input type=\"hidden\" name=\"work\" value=\"\" data-bits=\"%u\">\n",
             page_text(page, TEXT_TRAP), GUARD_WORK_BITS);
}

bool guard_solves(const char *token, const char *work, unsigned bits)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    size_t size = strlen(work);
    if (!size || size > WORK_CHARACTERS_MAX || strspn(work, "0123456789") != size)
        return false;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)token, strlen(token));
    crypto_hash_sha256_update(&state, (const uint8_t *)":", 1);
    crypto_hash_sha256_update(&state, (const uint8_t *)work, size);
    crypto_hash_sha256_final(&state, hash);
    return bytes_get_u32(hash) >> (32 - bits) == 0;
}

static bool worked(const struct visit *visit, bool fresh)
{
    const char *token = http_form(visit->request, "token"), *work = http_form(visit->request, "work");
    return fresh && token && work && guard_solves(token, work, GUARD_WORK_BITS);
}

struct limit *guard_limit(struct visit *visit, bool fresh)
{
    return worked(visit, fresh) ? &visit->portal->worked : &visit->portal->submitting;
}

bool guard_holds(struct visit *visit, bool fresh)
{
    const char *trap = http_form(visit->request, TRAP);
    return trap && *trap && !worked(visit, fresh);
}

/* ---- what is held ---- */

static size_t links_in(const char *text)
{
    static const char *const begins[] = {"http://", "https://", "www."};
    size_t count = 0;
    for (const char *at = text; *at; at++)
        for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
            if (strncasecmp(at, begins[i], strlen(begins[i])) == 0) {
                count++;
                at += strlen(begins[i]) - 1; /* "https://www." is one, too */
                at += strncasecmp(at + 1, "www.", 4) == 0 ? 4 : 0;
                break;
            }
    return count;
}

/* A word for what must not be kept: it cannot be found out without the gateway's own key. */
static char *word_of(struct visit *visit, const char *first, const char *second, size_t bytes)
{
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash_state state;
    crypto_generichash_init(&state, visit->portal->keys.origin, sizeof visit->portal->keys.origin, sizeof hash);
    crypto_generichash_update(&state, (const uint8_t *)first, strlen(first) + 1);
    for (const char *at = second; *at; at++)
        if (!strchr(" \t\r\n", *at))
            crypto_generichash_update(&state, (const uint8_t *)at, 1);
    crypto_generichash_final(&state, hash, sizeof hash);
    char *word = arena_alloc(visit_arena(visit), 2 * bytes + 1);
    return sodium_bin2hex(word, 2 * bytes + 1, hash, bytes);
}

static bool beyond(struct limit *limit, const char *of, int64_t now_ms)
{
    bool over = limit_wait_ms(limit, of, now_ms) > 0;
    limit_count(limit, of, now_ms);
    return over;
}

void guard_look(struct visit *visit, const char *id)
{
    struct http_request *request = visit->request;
    struct arena *arena = &request->arena;
    const char *address = limit_address(request->address, arena);
    const char *trap = http_form(request, TRAP), *work = http_form(request, "work"), *text = http_form(request, "text");
    bool solved = worked(visit, true);
    int64_t made_ms = strtoll(id, NULL, 10), now = request->came_boot_ms; /* a command's id begins with its time */
    const struct {
        const char *sign;
        bool seen;
    } signs[] = {
        {"trap", trap && *trap && !solved},
        {"fast", request->came_ms - made_ms < GUARD_FAST_MS && !solved},
        {"proof", work && *work && !solved},
        {"many", beyond(solved ? &visit->portal->few_worked : &visit->portal->few, address, now)},
        {"same", text && beyond(&visit->portal->same, word_of(visit, address, text, 16), now)},
        {"links", text && links_in(text) > GUARD_LINKS_MAX},
    };
    Hb__Actor *actor = request->actor;
    actor->suspect = arena_alloc(arena, sizeof signs / sizeof *signs * sizeof *actor->suspect);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (signs[i].seen)
            actor->suspect[actor->n_suspect++] = (char *)(uintptr_t)signs[i].sign;
    if (actor->n_suspect)
        actor->origin = word_of(visit, address, arena_printf(arena, "%" PRId64, request->came_ms / 86400000), 4);
}
