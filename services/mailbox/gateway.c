/* The HTTP API, over one connection kept alive. The token is read from its file for every mail: a new one counts at
 * once. */
#include "mailbox.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ANSWER_BYTES_MAX (4u << 20)

struct gateway {
    const struct settings *settings;
    CURL *curl;
    char error[CURL_ERROR_SIZE];
    char after[512]; /* Hearback-After: what the answer before has shown; the next one sees at least that */
};

struct answer {
    struct arena *arena;
    char *text;
    size_t size, room;
};

struct gateway *gateway_new(const struct settings *settings)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    bug_unless(gateway && curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
    gateway->settings = settings;
    gateway->curl = curl_easy_init();
    bug_unless(gateway->curl);
    return gateway;
}

void gateway_free(struct gateway *gateway)
{
    curl_easy_cleanup(gateway->curl);
    free(gateway);
}

static size_t take(char *data, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    size_t size = one * count;
    if (answer->size + size > ANSWER_BYTES_MAX)
        return 0;
    if (answer->size + size + 1 > answer->room) {
        answer->room = (answer->size + size + 1) * 2;
        char *more = arena_alloc(answer->arena, answer->room);
        if (answer->size)
            memcpy(more, answer->text, answer->size);
        answer->text = more;
    }
    memcpy(answer->text + answer->size, data, size);
    answer->size += size;
    return size;
}

static size_t take_header(char *data, size_t one, size_t count, void *context)
{
    static const char name[] = "hearback-after:";
    struct gateway *gateway = context;
    size_t size = one * count, start = sizeof name - 1;
    if (size > start && strncasecmp(data, name, start) == 0) {
        char line[sizeof gateway->after] = "";
        snprintf(line, sizeof line, "%.*s", (int)(size - start), data + start);
        line[strcspn(line, "\r\n")] = 0;
        snprintf(gateway->after, sizeof gateway->after, "%s", line + strspn(line, " "));
    }
    return size;
}

static struct curl_slist *headers_of(const struct gateway *gateway, const char *token, const char *type,
                                     const char *key, struct arena *arena)
{
    struct curl_slist *list = curl_slist_append(NULL, arena_printf(arena, "Authorization: Bearer %s", token));
    list = curl_slist_append(list, arena_printf(arena, "Content-Type: %s", type));
    list = curl_slist_append(list, arena_printf(arena, "Idempotency-Key: %s", key));
    list = curl_slist_append(list, "Accept: application/json");
    list = curl_slist_append(list, "Accept-Language: en");
    list = curl_slist_append(list, "Expect:");
    if (*gateway->after)
        list = curl_slist_append(list, arena_printf(arena, "Hearback-After: %s", gateway->after));
    bug_unless(list);
    return list;
}

/* "422 bad_field: the policy has no such category (in category; accepted: lift, other)" */
static const char *words(const struct asked *asked, struct arena *arena)
{
    const json_t *json = asked->json, *list = json_object_get(json, "accepted"),
                 *problems = json_object_get(json, "problems"), *item;
    const char *detail = json_string_value(json_object_get(json, "detail"));
    const char *code = json_string_value(json_object_get(json, "code"));
    const char *field = json_string_value(json_object_get(json, "field"));
    char *text =
        arena_printf(arena, "%ld %s: %s", asked->status, code ? code : "", detail ? detail : "no reason given");
    size_t i;
    if (field && *field)
        text = arena_printf(arena, "%s (in %s)", text, field);
    json_array_foreach(problems, i, item) {
        const char *what = json_string_value(json_object_get(item, "detail"));
        if (what && i < 5)
            text = arena_printf(arena, "%s; %s", text, what);
    }
    json_array_foreach(list, i, item)
        if (json_is_string(item) && i < 20)
            text = arena_printf(arena, "%s%s%s", text, i ? ", " : "; accepted: ", json_string_value(item));
    return text;
}

static CURLcode perform(struct gateway *gateway, const char *url, struct curl_slist *headers, struct bytes body,
                        struct answer *answer)
{
    CURL *curl = gateway->curl;
    gateway->error[0] = 0;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, gateway->error);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.size ? (const char *)body.data : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, gateway);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
    return curl_easy_perform(curl);
}

void gateway_post(struct gateway *gateway, const char *path, const char *type, struct bytes body, const char *key,
                  struct arena *arena, struct asked *asked_out)
{
    struct answer answer = {.arena = arena};
    *asked_out = (struct asked){.why = ""};
    const char *token = settings_secret(gateway->settings->token_file, arena, &asked_out->why);
    if (!token)
        return;
    struct curl_slist *headers = headers_of(gateway, token, type, key, arena);
    CURLcode code =
        perform(gateway, arena_printf(arena, "%s%s", gateway->settings->gateway, path), headers, body, &answer);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        asked_out->why = arena_printf(arena, "%s does not answer: %s", gateway->settings->gateway,
                                      gateway->error[0] ? gateway->error : curl_easy_strerror(code));
        return;
    }
    curl_easy_getinfo(gateway->curl, CURLINFO_RESPONSE_CODE, &asked_out->status);
    if (answer.size)
        asked_out->json = json_loadb(answer.text, answer.size, JSON_REJECT_DUPLICATES, NULL);
    asked_out->why = words(asked_out, arena);
}

void asked_free(struct asked *asked)
{
    json_decref(asked->json);
    asked->json = NULL;
}

bool asked_code_is(const struct asked *asked, const char *code)
{
    const char *said = json_string_value(json_object_get(asked->json, "code"));
    return said && strcmp(said, code) == 0;
}

char *gateway_escape(const char *text, struct arena *arena)
{
    char *escaped = curl_easy_escape(NULL, text, 0), *copy = arena_strdup(arena, escaped);
    curl_free(escaped);
    return copy;
}
