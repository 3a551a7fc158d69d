#include "parameters.h"

#include "problem.h"
#include "json/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

char *parameter_text(const struct http_request *request, const char *name)
{
    const char *text = http_query(request, name);
    return (char *)(uintptr_t)(text ? text : "");
}

void parameter_refuse(struct http_request *request, const char *name, const char *const *accepted)
{
    Hb__Refusal *refusal =
        problem_new(request, 400, "bad_parameter", arena_printf(&request->arena, "查询参数 %s 的值无效", name),
                    arena_printf(&request->arena, "the query parameter %s has no such value", name));
    refusal->field = arena_strdup(&request->arena, name);
    for (size_t i = 0; accepted[i]; i++)
        problem_accepts(request, refusal, accepted[i]);
    problem_respond(request, refusal);
}

bool parameter_choice(struct http_request *request, const char *name, const char *const *accepted, unsigned *index_out)
{
    const char *text = http_query(request, name);
    if (!text || !*text)
        return true;
    for (unsigned i = 0; accepted[i]; i++)
        if (strcmp(accepted[i], text) == 0) {
            *index_out = i;
            return true;
        }
    parameter_refuse(request, name, accepted);
    return false;
}

bool parameter_number(struct http_request *request, const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
    const char *text = http_query(request, name);
    char *end;
    if (!text || !*text)
        return true;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && number >= least && number <= most) {
        *out = number;
        return true;
    }
    const char *accepted[] = {arena_printf(&request->arena, "%" PRIu64 "..%" PRIu64, least, most), NULL};
    parameter_refuse(request, name, accepted);
    return false;
}

bool parameter_time(struct http_request *request, const char *name, const struct zone *zone, int64_t *ms_out)
{
    char *text = arena_strdup(&request->arena, http_query(request, name));
    static const char *const accepted[] = {"2025-03-10", "2025-03-10T17:00:00+08:00", NULL};
    size_t date = strlen("2025-03-10T17:00");
    char *offset = strlen(text) > date ? strchr(text + date, ' ') : NULL;
    if (offset) /* a '+' that was not encoded */
        *offset = '+';
    if (!*text || json_time_parse(text, zone, ms_out))
        return true;
    parameter_refuse(request, name, accepted);
    return false;
}

bool parameter_accepts(struct http_request *request, const char *type, const char *other)
{
    if (http_accepts(request, type))
        return true;
    Hb__Refusal *refusal = problem_new(request, 406, "not_acceptable", "无法提供所要求的格式",
                                       "this path has none of the formats the Accept header names");
    refusal->field = arena_strdup(&request->arena, "Accept");
    problem_accepts(request, refusal, type);
    if (other)
        problem_accepts(request, refusal, other);
    problem_respond(request, refusal);
    return false;
}
