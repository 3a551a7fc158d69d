/* The gateway over HTTP, one connection kept alive. */
#include "cli.h"

#include "json/json.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PATIENCE_S 30u

struct body {
    struct arena *arena;
    char *text;
    size_t size, room;
    CURL *curl; /* with `file`: what answers well goes there, a problem document is kept to be told */
    FILE *file;
};

static size_t take_body(char *data, size_t one, size_t count, void *context)
{
    struct body *body = context;
    size_t size = one * count;
    long status = 0;
    if (body->curl)
        curl_easy_getinfo(body->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return fwrite(data, 1, size, body->file);
    if (body->size + size + 1 > body->room) {
        body->room = (body->size + size + 1) * 2;
        char *more = arena_alloc(body->arena, body->room);
        if (body->size)
            memcpy(more, body->text, body->size);
        body->text = more;
    }
    memcpy(body->text + body->size, data, size);
    body->size += size;
    return size;
}

/* "Name: value\r\n" -> the value; NULL when it is another header. */
static char *header_value(const char *line, size_t size, const char *name)
{
    size_t start = strlen(name);
    if (size < start || strncasecmp(line, name, start) != 0)
        return NULL;
    while (start < size && line[start] == ' ')
        start++;
    while (size > start && (line[size - 1] == '\r' || line[size - 1] == '\n'))
        size--;
    return strndup(line + start, size - start);
}

static size_t take_header(char *data, size_t one, size_t count, void *context)
{
    struct cli *cli = context;
    char *after = header_value(data, one * count, "hearback-after:");
    if (after) {
        free(cli->after);
        cli->after = after;
    }
    return one * count;
}

static const char *base_url(struct cli *cli)
{
    if (cli->url)
        return cli->url;
    const Config__Config *config = cli_config(cli);
    return config ? arena_printf(&cli->arena, "http://%s:%u",
                                 *config->http->address ? config->http->address : "127.0.0.1", config->http->port)
                  : NULL;
}

/* The token of a demonstration account, from the file `hearback demo` keeps. */
static const char *token_as(struct cli *cli)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(json_load_file(cli_path(cli, "demo-accounts.json"), 0, NULL), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "account")), cli->as) == 0)
            return json_string_value(json_object_get(entry, "token"));
    }
    cli_fail("%s has no demonstration account \"%s\"", cli->folder, cli->as);
    return "";
}

static const char *token_of(struct cli *cli)
{
    struct bytes text;
    if (cli->as && !cli->token)
        cli->token = token_as(cli);
    if (!cli->token && cli_read(cli, cli_path(cli, "token"), &text)) {
        cli->token_of_folder = true;
        cli->token = arena_text(&cli->arena, (const char *)text.data, strcspn((const char *)text.data, "\r\n"));
    }
    return cli->token ? cli->token : "";
}

/* The folder's own token ended, as when the operator sets a password: whoever may read the operator's key gets another,
   once. */
static bool renew_token(struct cli *cli)
{
    static char *arguments[] = {(char *)(uintptr_t) "token", (char *)(uintptr_t) "operator",
                                (char *)(uintptr_t) "--save"};
    const Config__Config *config = cli->token_of_folder && !cli->url ? cli_config(cli) : NULL;
    if (!config || access(arena_printf(&cli->arena, "%s/operator.secret", config->secrets), R_OK) ||
        cli_token(cli, 3, arguments) != CLI_GOOD)
        return false;
    cli->token = NULL;
    token_of(cli);
    cli->token_of_folder = false;
    return true;
}

static CURL *handle_of(struct cli *cli, const char *path)
{
    static CURL *curl;
    const char *base = base_url(cli);
    if (!base)
        return NULL;
    if (!curl)
        curl = curl_easy_init();
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, arena_printf(&cli->arena, "%s%s", base, path));
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
    return curl;
}

bool cli_english(void)
{
    const char *all = getenv("LC_ALL"),
               *language = all && *all ? all : getenv("LANG"); /* an empty one counts as unset */
    return !language || strncmp(language, "zh", 2) != 0;
}

static struct curl_slist *headers_of(struct cli *cli, const char *key, const char *accept)
{
    struct curl_slist *list = NULL;
    const char *token = token_of(cli);
    if (*token)
        list = curl_slist_append(list, arena_printf(&cli->arena, "Authorization: Bearer %s", token));
    if (key)
        list = curl_slist_append(list, arena_printf(&cli->arena, "Idempotency-Key: %s", key));
    list = curl_slist_append(list, cli_english() ? "Accept-Language: en" : "Accept-Language: zh-CN");
    if (cli->after)
        list = curl_slist_append(list, arena_printf(&cli->arena, "Hearback-After: %s", cli->after));
    if (cli->if_match)
        list = curl_slist_append(list, arena_printf(&cli->arena, "If-Match: %s", cli->if_match));
    list = curl_slist_append(list, arena_printf(&cli->arena, "Accept: %s", accept));
    return list;
}

static void ask_once(struct cli *cli, const char *method, const char *path, const char *text, const char *key,
                     struct http_reply *reply)
{
    struct body body = {.arena = &cli->arena};
    CURL *curl = handle_of(cli, path);
    *reply = (struct http_reply){0};
    if (!curl)
        return;
    struct curl_slist *headers = headers_of(cli, key, "application/json");
    if (text) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, cli);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    else
        reply->body = bytes_of_text(curl_easy_strerror(code));
    curl_slist_free_all(headers);
    if (code == CURLE_OK && body.size) {
        reply->body = bytes_of(body.text, body.size);
        reply->json = json_loadb(body.text, body.size, JSON_REJECT_DUPLICATES, NULL);
    }
}

void cli_http(struct cli *cli, const char *method, const char *path, json_t *json, const char *key,
              struct http_reply *reply_out)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    for (unsigned tried = 0;; tried++) {
        ask_once(cli, method, path, text, key, reply_out);
        if (reply_out->status == 401 && renew_token(cli))
            continue;
        bool later = reply_out->status == 503 || reply_out->status == 429;
        if (!later || strcmp(method, "GET") == 0 || tried == PATIENCE_S)
            break;
        sleep(1);
    }
    free(text);
    cli->if_match = NULL;
}

static void file_once(struct cli *cli, const char *path, const char *accept, FILE *file, struct http_reply *reply_out)
{
    CURL *curl = handle_of(cli, path);
    struct body body = {.arena = &cli->arena, .curl = curl, .file = file};
    *reply_out = (struct http_reply){0};
    if (!curl)
        return;
    struct curl_slist *headers = headers_of(cli, NULL, accept);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply_out->status);
    else
        reply_out->body = bytes_of_text(curl_easy_strerror(code));
    curl_slist_free_all(headers);
    if (body.size)
        reply_out->json = json_loadb(body.text, body.size, JSON_REJECT_DUPLICATES, NULL);
}

void cli_http_file(struct cli *cli, const char *path, const char *accept, FILE *file, struct http_reply *reply_out)
{
    file_once(cli, path, accept, file, reply_out);
    if (reply_out->status == 401 && renew_token(cli))
        file_once(cli, path, accept, file, reply_out);
}

static void print_words(const json_t *problem, const char *name, const char *what)
{
    const json_t *words = json_object_get(problem, name), *word;
    size_t i;
    if (!json_array_size(words))
        return;
    fprintf(stderr, "  %s:", what);
    json_array_foreach(words, i, word)
        fprintf(stderr, "%s %s", i ? "," : "", json_string_value(word));
    fputc('\n', stderr);
}

int cli_http_fail(struct cli *cli, const struct http_reply *reply)
{
    const char *url = base_url(cli);
    if (!url)
        return CLI_FAILED; /* said already */
    if (reply->status == 0)
        return cli_fail("%s does not answer (%.*s); is the system running? `hearback up` starts it", url,
                        (int)reply->body.size, (const char *)reply->body.data);
    const char *title = json_string_value(json_object_get(reply->json, "title"));
    const char *detail = json_string_value(json_object_get(reply->json, "detail"));
    if (cli->json && reply->json)
        cli_print_json(reply->json);
    cli_fail("%ld %s%s%s", reply->status, title ? title : "", title && detail ? ": " : "", detail ? detail : "");
    const json_t *problem;
    size_t i;
    const char *at = json_string_value(json_object_get(reply->json, "field"));
    if (at && *at && !json_array_size(json_object_get(reply->json, "problems")))
        fprintf(stderr, "  in: %s\n", at);
    json_array_foreach(json_object_get(reply->json, "problems"), i, problem) {
        const char *field = json_string_value(json_object_get(problem, "field"));
        const char *text = json_string_value(json_object_get(problem, "detail"));
        fprintf(stderr, "  %s%s%s\n", field ? field : "", field && *field ? ": " : "", text ? text : "");
    }
    print_words(reply->json, "accepted", "accepted");
    print_words(reply->json, "next", "possible now");
    return CLI_FAILED;
}

char *cli_key_new(struct cli *cli)
{
    uint8_t bytes[16];
    char *key = arena_alloc(&cli->arena, 2 * sizeof bytes + 1);
    randombytes_buf(bytes, sizeof bytes);
    return sodium_bin2hex(key, 2 * sizeof bytes + 1, bytes, sizeof bytes);
}

char *cli_escape(struct cli *cli, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0), *copy = arena_strdup(&cli->arena, escaped);
    curl_free(escaped);
    return copy;
}
