#include "portal_guard.h"

#include <sodium.h>

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
