#include "account_limit.h"

#include "portal_limit.h"
#include "problem.h"
#include "routes.h"

#include <sodium.h>

static const struct {
    struct limit_rule each, all; /* `each` of the first two and the last: as configured */
    const char *code, *zh, *en;
} rules[ACCOUNT_WHATS] = {
    [ACCOUNT_READS] = {.code = "too_many_reads",
                       .zh = "该账号查阅过于频繁，请稍后再试",
                       .en = "this account reads too often; wait as long as Retry-After says"},
    [ACCOUNT_WRITES] = {.code = "too_many_writes",
                        .zh = "该账号写入过于频繁，请稍后再试",
                        .en = "this account writes too often; wait as long as Retry-After says"},
    [ADDRESS_CALLS] = {.code = "too_many_requests",
                       .zh = "该地址请求过于频繁，请稍后再试",
                       .en = "too many requests from this address; wait as long as Retry-After says"},
    /* Far more than somebody at the telephone asks for; whoever walks through all numbers needs years. */
    [ACCOUNT_SEARCHES] = {{.burst = 120, .refill_ms = 3000},
                          {.burst = 2000, .refill_ms = 5},
                          "too_many_searches",
                          "检索密封内容过于频繁，请稍后再试",
                          "too many searches in sealed texts; wait as long as Retry-After says"},
    /* Each walks through everything, and is recorded for good. */
    [ACCOUNT_FILES] = {{.burst = 60, .refill_ms = 10000},
                       {.burst = 1000, .refill_ms = 100},
                       "too_many_exports",
                       "该账号导出过于频繁，请稍后再试",
                       "this account exports too often; wait as long as Retry-After says"},
};

/* More than one each millisecond is not counted. */
static struct limit_rule each_second(uint32_t configured, uint32_t otherwise)
{
    uint32_t many = configured ? configured : otherwise;
    return (struct limit_rule){.burst = 60 * many, .refill_ms = 1000 / many};
}

struct limit *account_limits_open(struct gateway *gateway)
{
    const Config__Limits *set = gateway->config->limits;
    struct limit *limits = arena_alloc(&gateway->arena, ACCOUNT_WHATS * sizeof *limits);
    for (size_t i = 0; i < ACCOUNT_WHATS; i++)
        limit_init(&limits[i], rules[i].each, rules[i].all);
    limits[ACCOUNT_READS].each = each_second(set ? set->reads : 0, ACCOUNT_READS_DEFAULT);
    limits[ACCOUNT_WRITES].each = each_second(set ? set->writes : 0, ACCOUNT_WRITES_DEFAULT);
    limits[ADDRESS_CALLS].each = each_second(set ? set->address : 0, ADDRESS_CALLS_DEFAULT);
    return limits;
}

static void refuse(struct http_request *request, const char *code, const char *zh, const char *en, int64_t wait_ms)
{
    Hb__Refusal *refusal = problem_new(request, 429, code, zh, en);
    refusal->retry_after_s = (uint32_t)((wait_ms + 999) / 1000);
    problem_respond(request, refusal);
}

/* ---- how often ---- */

/* An account's id may be longer than what the limit counts by. */
static const char *counted_as(struct http_request *request)
{
    const char *account = request->actor->account;
    uint8_t hash[16];
    char *text = arena_alloc(&request->arena, 2 * sizeof hash + 1);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)account, strlen(account), NULL, 0);
    return sodium_bin2hex(text, 2 * sizeof hash + 1, hash, sizeof hash);
}

static bool may(struct http_request *request, enum account_what what, const char *whose)
{
    struct limit *limit = &request->gateway->account_limits[what];
    int64_t wait_ms = limit_wait_ms(limit, whose, request->came_boot_ms);
    if (wait_ms) {
        refuse(request, rules[what].code, rules[what].zh, rules[what].en, wait_ms);
        return false;
    }
    limit_count(limit, whose, request->came_boot_ms);
    return true;
}

bool account_may(struct http_request *request, enum account_what what)
{
    return may(request, what, counted_as(request));
}

bool account_may_ask(struct http_request *request)
{
    return account_may(request, strcmp(request->method, "GET") == 0 ? ACCOUNT_READS : ACCOUNT_WRITES);
}

bool account_address_may(struct http_request *request)
{
    bool own = strncmp(request->address, "127.", 4) == 0 || strcmp(request->address, "::1") == 0;
    return own || may(request, ADDRESS_CALLS, limit_address(request->address, &request->arena));
}

void account_give_back(struct http_request *request, enum account_what what)
{
    limit_give_back(&request->gateway->account_limits[what], counted_as(request));
}

/* ---- how many at once ---- */

static bool is_file(const struct http_request *request)
{
    const char *format = http_query(request, "format");
    return format ? strcmp(format, "csv") == 0 || strcmp(format, "xlsx") == 0
                  : !http_accepts(request, "application/json") && http_accepts(request, "text/csv");
}

static bool is_look_of_same(const struct http_request *other, const struct http_request *request)
{
    return other->route && other->route->wide && other->actor && (!other->answered || other->stream) &&
           strcmp(other->actor->account, request->actor->account) == 0;
}

static bool is_file_of_same(const struct http_request *other, const struct http_request *request)
{
    return is_look_of_same(other, request) && is_file(other);
}

bool account_may_look(struct http_request *request)
{
    bool file = is_file(request);
    if (http_count_others(request, is_look_of_same) >= ACCOUNT_LISTS_MAX ||
        (file && http_count_others(request, is_file_of_same) >= ACCOUNT_FILES_MAX)) {
        refuse(request, "too_many_at_once", "该账号同时进行的列表或导出过多，请等前面的完成",
               "this account has too many lists or exports under way: wait until some of them are there", 1000);
        return false;
    }
    return true;
}
