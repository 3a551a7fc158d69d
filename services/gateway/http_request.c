/* Reading a request: what it says is decoded once, copied into its arena and so outlives the connection. */
#include "http_internal.h"

#include "multipart.h"
#include "problem.h"
#include "json/json.h"

#include <stdlib.h>
#include <strings.h>

/* ---- decoding ---- */

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *http_decode(struct arena *arena, const char *text, size_t size, bool form)
{
    char *out = arena_alloc(arena, size + 1);
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        out[used++] = (char)(form && text[i] == '+' ? ' ' : text[i]);
        if (text[i] != '%')
            continue;
        int high = i + 2 < size ? hex_of(text[i + 1]) : -1, low = i + 2 < size ? hex_of(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return NULL;
        out[used - 1] = (char)(high * 16 + low);
        i += 2;
    }
    out[used] = 0;
    return utf8_valid(out, used) ? out : NULL;
}

static bool pairs_add(struct arena *arena, struct http_pairs *pairs, char *name, char *value)
{
    if (!name || !value || pairs->count == HTTP_PAIRS_MAX)
        return false;
    pairs->list = arena_grow(arena, pairs->list, pairs->count, sizeof *pairs->list);
    pairs->list[pairs->count++] = (struct http_pair){name, value};
    return true;
}

/* "a=1&b=2+3" */
static bool pairs_read(struct arena *arena, const char *text, size_t size, struct http_pairs *pairs)
{
    bool good = true;
    for (const char *end = size ? text + size : text; good && text < end;) { /* no body is a null pointer */
        const char *stop = memchr(text, '&', (size_t)(end - text));
        stop = stop ? stop : end;
        const char *equals = memchr(text, '=', (size_t)(stop - text));
        const char *name_end = equals ? equals : stop, *value = equals ? equals + 1 : stop;
        if (stop > text)
            good = pairs_add(arena, pairs, http_decode(arena, text, (size_t)(name_end - text), true),
                             http_decode(arena, value, (size_t)(stop - value), true));
        text = stop + 1;
    }
    return good;
}

static const char *pairs_find(const struct http_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->list[i].name, name) == 0)
            return pairs->list[i].value;
    return NULL;
}

/* ---- the head ---- */

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct http_request *request = context;
    if (!pairs_add(&request->arena, &request->headers, arena_strdup(&request->arena, name),
                   arena_strdup(&request->arena, value ? value : "")))
        request->malformed = true; /* more than are kept: what is left out may be what a proxy has added */
    return MHD_YES;
}

static bool read_english(const struct http_request *request)
{
    const char *asked = http_query(request, "lang");
    if (asked)
        return strncasecmp(asked, "en", 2) == 0;
    const char *accepted = http_header(request, "Accept-Language");
    for (; accepted && *accepted;
         accepted++) { /* the first of the two that is named; clients send the best one first */
        bool starts = accepted[0] == 'z' || accepted[0] == 'Z' || accepted[0] == 'e' || accepted[0] == 'E';
        if (starts && strncasecmp(accepted, "zh", 2) == 0)
            return false;
        if (starts && strncasecmp(accepted, "en", 2) == 0)
            return true;
        accepted += strcspn(accepted, ",");
        accepted += *accepted ? strspn(accepted + 1, " ") : 0;
        if (!*accepted)
            break;
    }
    return false;
}

void http_request_read(struct http_request *request)
{
    const char *target = request->path;
    if (strncasecmp(target, "http://", 7) == 0) /* the absolute form, as for a proxy */
        target += 7 + strcspn(target + 7, "/");
    size_t size = strcspn(target, "?");
    const char *query = target[size] ? target + size + 1 : "";
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_header, request);
    request->malformed |= !pairs_read(&request->arena, query, strlen(query), &request->query) ||
                          !http_decode(&request->arena, target, size, false);
    request->path = arena_text(&request->arena, target, size);
    request->english = read_english(request);
}

/* A path that is not UTF-8 would not be JSON. */
const char *http_path_logged(const struct http_request *request)
{
    return utf8_valid(request->path, strlen(request->path)) ? request->path : "?";
}

const char *http_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers.count; i++)
        if (strcasecmp(request->headers.list[i].name, name) == 0)
            return request->headers.list[i].value;
    return NULL;
}

const char *http_query(const struct http_request *request, const char *name)
{
    return pairs_find(&request->query, name);
}

const char *http_param(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->parameters_count; i++)
        if (strcmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    bug_unless(!"the pattern has no such parameter");
    return NULL;
}

const char *http_cookie(struct http_request *request, const char *name)
{
    const char *all = http_header(request, "Cookie");
    size_t size = strlen(name);
    while (all && *all) {
        all += strspn(all, "; ");
        if (strncmp(all, name, size) == 0 && all[size] == '=') {
            size_t value = strcspn(all + size + 1, ";");
            return arena_text(&request->arena, all + size + 1, value);
        }
        all += strcspn(all, ";");
    }
    return NULL;
}

/* ---- media types ---- */

static bool is_type(const char *header, const char *type)
{
    size_t size = strlen(type);
    return header && strncasecmp(header, type, size) == 0 && strchr("; \t", header[size]);
}

/* One range of an Accept header: a whole type, all of one kind, or all; q=0 takes nothing. */
static bool range_takes(const char *range, size_t size, const char *type)
{
    size_t name = 0;
    while (name < size && !strchr("; \t", range[name]))
        name++;
    const char *slash = strchr(type, '/');
    bool all = name == 3 && strncmp(range, "*/*", 3) == 0;
    bool half = name == (size_t)(slash - type) + 2 && range[name - 1] == '*' && strncasecmp(range, type, name - 1) == 0;
    bool whole = name == strlen(type) && strncasecmp(range, type, name) == 0;
    const char *weight = memmem(range + name, size - name, "q=", 2);
    return (all || half || whole) && !(weight && strtod(weight + 2, NULL) == 0);
}

bool http_accepts(const struct http_request *request, const char *type)
{
    const char *accept = http_header(request, "Accept");
    if (!accept || !*accept)
        return true;
    while (*accept) {
        accept += strspn(accept, ", \t");
        size_t size = strcspn(accept, ",");
        if (size && range_takes(accept, size, type))
            return true;
        accept += size;
    }
    return false;
}

/* ---- the body ---- */

static void refuse_type(struct http_request *request, const char *accepted)
{
    Hb__Refusal *refusal = problem_new(request, 415, "unsupported_type", "不支持该内容类型",
                                       "a body of this Content-Type is not taken here");
    problem_accepts(request, refusal, accepted);
    refusal->field = arena_strdup(&request->arena, "Content-Type");
    http_set(request, "Accept-Post", accepted);
    problem_respond(request, refusal);
}

const char *http_form(const struct http_request *request, const char *name)
{
    return pairs_find(&request->form, name);
}

static void refuse_form(struct http_request *request)
{
    problem_say(request, 400, "malformed", "表单无法解析：须为 UTF-8，字段不超过 200 个",
                "the form cannot be read: it must be UTF-8 with at most 200 fields");
}

static bool read_parts(struct http_request *request, const char *boundary)
{
    struct arena *arena = &request->arena;
    if (!multipart_read(arena, request->body, boundary, &request->parts, &request->parts_count)) {
        refuse_form(request);
        return false;
    }
    for (size_t i = 0; i < request->parts_count; i++) {
        const struct multipart_part *part = &request->parts[i];
        if (!part->file) /* at most as many as there are parts */
            pairs_add(arena, &request->form, arena_strdup(arena, part->name),
                      arena_text(arena, (const char *)part->content.data, part->content.size));
    }
    return true;
}

bool http_form_read(struct http_request *request)
{
    static const char type[] = "application/x-www-form-urlencoded";
    const char *boundary = request->body_max > HTTP_BODY_BYTES_MAX
                               ? multipart_boundary(&request->arena, http_header(request, "Content-Type"))
                               : NULL;
    if (boundary)
        return read_parts(request, boundary);
    if (!is_type(http_header(request, "Content-Type"), type)) {
        refuse_type(request, type);
        return false;
    }
    if (request->body.size > HTTP_BODY_BYTES_MAX) { /* only files may make it larger */
        http_too_large(request, HTTP_BODY_BYTES_MAX);
        return false;
    }
    if (pairs_read(&request->arena, (const char *)request->body.data, request->body.size, &request->form))
        return true;
    refuse_form(request);
    return false;
}

json_t *http_json_read(struct http_request *request)
{
    json_t *json;
    char *why;
    if (!is_type(http_header(request, "Content-Type"), "application/json")) {
        refuse_type(request, "application/json");
        return NULL;
    }
    if (json_parse(request->body, &request->arena, &json, &why) == ERR_NONE)
        return json;
    problem_say(request, 400, "malformed", arena_printf(&request->arena, "请求正文不是有效的 JSON：%s", why),
                arena_printf(&request->arena, "the body is not JSON: %s", why));
    return NULL;
}
