#include "portal_visit.h"

#include "open311.h"
#include "problem.h"

#include "config/config.h"

#include <sodium.h>
#include <stdlib.h>

/* Tries with a wrong code, per address and of all: a code has 40 bits, so that at this pace one is guessed in
   thousands of years. */
static const struct limit_rule tracking_each = {.burst = 10, .refill_ms = 30000};
static const struct limit_rule tracking_all = {.burst = 300, .refill_ms = 200};
/* Submissions: a whole house may stand behind one address. */
static const struct limit_rule submitting_each = {.burst = 60, .refill_ms = 10000};
/* Whoever's browser has solved the puzzle of the form. */
static const struct limit_rule worked_each = {.burst = 240, .refill_ms = 2500};
/* A third of them passes unseen; beyond it they are held, until somebody has looked at them. */
static const struct limit_rule few_each = {.burst = 20, .refill_ms = 30000};
static const struct limit_rule few_worked_each = {.burst = 80, .refill_ms = 7500};
/* The same words of one address: once more is somebody who had no answer. */
static const struct limit_rule same_each = {.burst = 2, .refill_ms = 12 * 60 * 60 * 1000};
static const struct limit_rule submitting_all = {.burst = 2000, .refill_ms = 5};
/* Case pages: each opening of sealed texts is recorded for good. */
static const struct limit_rule viewing_each = {.burst = 120, .refill_ms = 1000};
static const struct limit_rule viewing_all = {.burst = 5000, .refill_ms = 2};

enum err portal_open(struct gateway *gateway, struct portal **portal_out)
{
    char secret[41];
    struct portal *portal = arena_zero(&gateway->arena, sizeof *portal);
    enum err err = config_secret(gateway->config, "gateway-0", secret);
    if (err)
        return err;
    portal->gateway = gateway;
    const Config__Http *http = gateway->config->http;
    portal->secure = http && strncmp(http->public_url, "https://", 8) == 0;
    portal_keys_derive(secret, &portal->keys);
    limit_init(&portal->tracking, tracking_each, tracking_all);
    limit_init(&portal->submitting, submitting_each, submitting_all);
    limit_init(&portal->worked, worked_each, submitting_all);
    limit_init(&portal->viewing, viewing_each, viewing_all);
    limit_init(&portal->few, few_each, (struct limit_rule){0});
    limit_init(&portal->few_worked, few_worked_each, (struct limit_rule){0});
    limit_init(&portal->same, same_each, (struct limit_rule){0});
    err = portal_cache_open(gateway, &portal->cache);
    *portal_out = portal;
    return err;
}

struct arena *visit_arena(struct visit *visit)
{
    return &visit->request->arena;
}

const char *visit_text(const struct visit *visit, enum text_id id)
{
    return portal_text(visit->language, id);
}

/* ---- the language: of the address, of the form's button, of the cookie, of the browser ---- */

/* Where the portal is reached by https no other host of the domain can set it (which a browser takes by https only). */
static const char *own_name(struct visit *visit, const char *name)
{
    return visit->portal->secure ? arena_printf(visit_arena(visit), "__Host-%s", name) : name;
}

static void cookie_set(struct visit *visit, const char *name, const char *value, const char *attributes)
{
    http_set(visit->request, "Set-Cookie",
             arena_printf(visit_arena(visit), "%s=%s; Path=/; %s%s", name, value, attributes,
                          visit->portal->secure ? "; Secure" : ""));
}

static void choose_language(struct visit *visit)
{
    struct http_request *request = visit->request;
    const char *asked = http_query(request, "lang"), *pressed = http_form(request, "lang");
    const char *kept = http_cookie(request, PORTAL_LANGUAGE_COOKIE);
    const char *now = asked ? asked : pressed;
    visit->language = LANGUAGE_ZH;
    if (now && language_parse(now, strlen(now), &visit->language)) {
        visit->language_chosen = true;
        cookie_set(visit, PORTAL_LANGUAGE_COOKIE, language_tag(visit->language), "Max-Age=31536000; SameSite=Lax");
    } else if (kept && language_parse(kept, strlen(kept), &visit->language)) {
        visit->language_chosen = true;
    } else {
        visit->language_chosen = language_accepted(http_header(request, "Accept-Language"), &visit->language);
    }
}

struct visit *visit_begin(struct http_request *request)
{
    struct visit *visit = arena_zero(&request->arena, sizeof *visit);
    visit->request = request;
    visit->portal = request->gateway->portal;
    request->actor = arena_alloc(&request->arena, sizeof *request->actor);
    hb__actor__init(request->actor);
    request->actor->complainant = true;
    choose_language(visit);
    visit->session = session_open(&visit->portal->keys, http_cookie(request, own_name(visit, PORTAL_CASE_COOKIE)),
                                  request->came_ms, &request->arena);
    if (visit->session && visit->session->held) {
        visit->held = visit->session;
        visit->session = NULL;
    }
    visit->page = (struct page){.language = visit->language,
                                .now_ms = request->came_ms,
                                .site = "",
                                .demonstration = request->gateway->config->demonstration};
    html_init(&visit->page.html, &request->arena);
    return visit;
}

void visit_site(struct visit *visit, const Directory__Site *site)
{
    enum language own;
    visit->site = site;
    if (!visit->language_chosen && language_parse(site->language, strlen(site->language), &own))
        visit->language = visit->page.language = own;
    visit->page.site = portal_label(visit->language, site->name);
    visit->page.zone = portal_zone(visit->portal, site->zone);
}

const Directory__Site *visit_find_site(const struct visit *visit, const char *id)
{
    for (size_t i = 0; id && i < visit->organisation->n_sites; i++)
        if (strcmp(visit->organisation->sites[i]->id, id) == 0)
            return visit->organisation->sites[i];
    return NULL;
}

static const Directory__Department *department_at(const struct visit *visit, size_t i)
{
    const Directory__Department *department = visit->organisation->departments[i];
    return visit->site && strcmp(department->site, visit->site->id) == 0 ? department : NULL;
}

const char *visit_department(const struct visit *visit, const char *id)
{
    for (size_t i = 0; i < visit->organisation->n_departments; i++)
        if (department_at(visit, i) && strcmp(department_at(visit, i)->id, id) == 0)
            return portal_label(visit->language, department_at(visit, i)->name);
    return "";
}

struct page_choice *visit_departments(struct visit *visit, size_t *count_out)
{
    const Directory__Organisation *all = visit->organisation;
    struct page_choice *choices = arena_alloc(visit_arena(visit), (all->n_departments + 1) * sizeof *choices);
    *count_out = 0;
    for (size_t i = 0; i < all->n_departments; i++) {
        const Directory__Department *department = department_at(visit, i);
        if (department)
            choices[(*count_out)++] =
                (struct page_choice){department->id, portal_label(visit->language, department->name)};
    }
    return choices;
}

/* ---- ending ---- */

/* Pages load nothing but their own style sheet, those with a puzzle the script that solves it; they send forms nowhere
   else, and tell no other site where one came from. */
#define CLOSED_UP "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
static void headers(struct visit *visit)
{
    struct http_request *request = visit->request;
    http_set(request, "Content-Security-Policy",
             visit->page.script ? "default-src 'none'; style-src 'self'; script-src 'self'; " CLOSED_UP
                                : "default-src 'none'; style-src 'self'; " CLOSED_UP);
    http_set(request, "Content-Language", language_tag(visit->language));
    http_set(request, "Vary", "Accept-Language, Cookie");
}

void visit_answer(struct visit *visit, unsigned status)
{
    struct html *html = &visit->page.html;
    headers(visit);
    visit_let_go(visit);
    http_respond(visit->request, status, "text/html; charset=utf-8", bytes_of(html->data, html->size));
}

void visit_redirect(struct visit *visit, const char *path)
{
    visit_let_go(visit);
    http_redirect(visit->request, path);
}

void visit_session_set(struct visit *visit, Gatewayrec__Session *session)
{
    if (!session) {
        cookie_set(visit, own_name(visit, PORTAL_CASE_COOKIE), "", "HttpOnly; SameSite=Strict; Max-Age=0");
        return;
    }
    session->since_ms = visit->request->came_ms;
    cookie_set(visit, own_name(visit, PORTAL_CASE_COOKIE),
               session_seal(&visit->portal->keys, session, visit_arena(visit)), "HttpOnly; SameSite=Strict");
}

#define BROWSER_BYTES 16u
#define BROWSER_CHARACTERS 32u

static const char *browser_of(struct visit *visit)
{
    const char *word = http_cookie(visit->request, own_name(visit, PORTAL_BROWSER_COOKIE));
    if (word && strlen(word) == BROWSER_CHARACTERS && !word[strspn(word, "0123456789abcdef")])
        return word;
    uint8_t random[BROWSER_BYTES];
    char *made = arena_alloc(visit_arena(visit), BROWSER_CHARACTERS + 1);
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(made, BROWSER_CHARACTERS + 1, random, sizeof random);
    cookie_set(visit, own_name(visit, PORTAL_BROWSER_COOKIE), made, "HttpOnly; SameSite=Strict");
    return made;
}

const char *visit_browser_purpose(struct visit *visit, const char *what)
{
    if (!visit->browser)
        visit->browser = browser_of(visit);
    return arena_printf(visit_arena(visit), "%s %s", what, visit->browser);
}

/* ---- failing ---- */

static void failure_texts(unsigned status, enum text_id *title_out, enum text_id *lead_out)
{
    *title_out = status == 404   ? TEXT_404_TITLE
                 : status == 405 ? TEXT_405_TITLE
                 : status == 413 ? TEXT_413_TITLE
                 : status == 429 ? TEXT_429_TITLE
                 : status < 500  ? TEXT_400_TITLE
                                 : TEXT_503_TITLE;
    *lead_out = status == 404   ? TEXT_404_LEAD
                : status == 405 ? TEXT_405_LEAD
                : status == 413 ? TEXT_413_LEAD
                : status == 429 ? TEXT_429_LEAD
                : status < 500  ? TEXT_400_LEAD
                                : TEXT_503_LEAD;
}

static void page_failure(struct page *page, unsigned status, const Hb__Refusal *refusal)
{
    enum text_id title, lead;
    failure_texts(status, &title, &lead);
    page->here = page->here ? page->here : "/";
    page_begin(page, page_text(page, title), false);
    page_heading(page, page_text(page, title));
    html_add(&page->html, "<p class=\"lead\">%s</p>", page_text(page, lead));
    if (status >= 500)
        html_add(&page->html, "<p>%s</p>", page_text(page, TEXT_503_NOTHING_LOST));
    if (refusal && refusal->text)
        html_add(&page->html, "<p class=\"soft small\">%s</p>", portal_label(page->language, refusal->text));
    html_add(&page->html,
             "<div class=\"actions\"><a class=\"button\" href=\"/\">%s</a><a class=\"button second\" href=\"/track\">%s"
             "</a></div>",
             page_text(page, TEXT_HOME), page_text(page, TEXT_TRACK));
    page_end(page);
}

static Hb__Refusal *plain_problem(struct visit *visit, unsigned status, const Hb__Refusal *refusal)
{
    enum text_id title, lead;
    failure_texts(status, &title, &lead);
    const char *code = status == 404 ? "not_found" : status == 429 ? "too_many_requests" : "overloaded";
    Hb__Refusal *problem =
        problem_new(visit->request, status, code, portal_text(LANGUAGE_ZH, title), portal_text(LANGUAGE_EN, title));
    if (refusal && refusal->retry_after_s)
        problem->retry_after_s = refusal->retry_after_s;
    return problem;
}

void visit_fail(struct visit *visit, unsigned status, const Hb__Refusal *refusal)
{
    if (status == 503 || status == 429)
        http_set(
            visit->request, "Retry-After",
            arena_printf(visit_arena(visit), "%u", refusal && refusal->retry_after_s ? refusal->retry_after_s : 5));
    if (open311_speaks(visit->request)) {
        open311_fail(visit->request, status, refusal);
        return;
    }
    if (strncmp(visit->request->path, "/api/", 5) == 0) {
        visit_let_go(visit);
        problem_respond(visit->request, refusal && refusal->text ? refusal : plain_problem(visit, status, refusal));
        return;
    }
    page_failure(&visit->page, status, refusal);
    visit_answer(visit, status);
}

bool visit_may(struct visit *visit, struct limit *limit)
{
    const char *address = limit_address(visit->request->address, visit_arena(visit));
    int64_t wait_ms = limit_wait_ms(limit, address, visit->request->came_boot_ms);
    Hb__Refusal refusal = HB__REFUSAL__INIT;
    if (wait_ms == 0) {
        limit_count(limit, address, visit->request->came_boot_ms);
        return true;
    }
    refusal.retry_after_s = (uint32_t)((wait_ms + 999) / 1000);
    visit_fail(visit, 429, &refusal);
    return false;
}

/* Without a public address (http.public_url): as whoever asks has found us. */
const char *portal_base(struct http_request *request)
{
    const Config__Http *http = request->gateway->config->http;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_";
    const char *host = http_header(request, "Host");
    if (host && host[strspn(host, letters)]) /* whatever was sent there */
        host = NULL;
    char *base = http && *http->public_url ? arena_strdup(&request->arena, http->public_url)
                                           : arena_printf(&request->arena, "http://%s", host ? host : "localhost");
    for (size_t size = strlen(base); size && base[size - 1] == '/'; size--)
        base[size - 1] = 0;
    return base;
}

bool portal_speaks(struct http_request *request)
{
    static const char *const apis[] = {"/api/", "/open311/", "/metrics", "/healthz", "/readyz", "/console"};
    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++)
        if (strncmp(request->path, apis[i], strlen(apis[i])) == 0)
            return false;
    const char *accept = http_header(request, "Accept");
    return request->gateway->portal && accept && strstr(accept, "text/html");
}

void portal_refuse(struct http_request *request, const Hb__Refusal *refusal)
{
    visit_fail(visit_begin(request), refusal->status, refusal);
}

void portal_script(struct http_request *request)
{
    http_set(request, "Cache-Control", "public, max-age=31536000, immutable");
    http_respond(request, 200, "text/javascript; charset=utf-8", page_script());
}

void portal_style(struct http_request *request)
{
    http_set(request, "Cache-Control", "public, max-age=31536000, immutable");
    http_respond(request, 200, "text/css; charset=utf-8", page_style());
}
