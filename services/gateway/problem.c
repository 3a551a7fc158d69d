#include "problem.h"

#include "open311.h"
#include "portal.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    unsigned status;
    const char *zh, *en;
} titles[] = {
    {400, "请求无法理解", "Bad request"},
    {401, "未登录", "Not signed in"},
    {403, "无权办理", "Not allowed"},
    {404, "没有找到", "Not found"},
    {405, "不支持该方法", "Method not allowed"},
    {406, "无法提供该格式", "Not acceptable"},
    {409, "现在不能这样做", "Conflict"},
    {410, "已不存在", "Gone"},
    {412, "版本已过期", "Stale version"},
    {413, "内容过大", "Too large"},
    {415, "不支持该内容类型", "Unsupported media type"},
    {422, "内容有误", "Invalid content"},
    {429, "请求过于频繁", "Too many requests"},
    {500, "系统出错", "Server error"},
    {503, "服务暂不可用", "Service unavailable"},
};

const char *problem_title(unsigned status, bool english)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return english ? titles[i].en : titles[i].zh;
    return english ? "Refused" : "未受理";
}

Hb__Refusal *problem_new(struct http_request *request, unsigned status, const char *code, const char *zh,
                         const char *en)
{
    Hb__Refusal *refusal = arena_alloc(&request->arena, sizeof *refusal);
    Hb__Label *text = arena_alloc(&request->arena, sizeof *text);
    hb__refusal__init(refusal);
    hb__label__init(text);
    text->zh = arena_strdup(&request->arena, zh);
    text->en = arena_strdup(&request->arena, en);
    refusal->status = status;
    refusal->code = arena_strdup(&request->arena, code);
    refusal->text = text;
    if (status == 503)
        refusal->retry_after_s = 2;
    return refusal;
}

void problem_accepts(struct http_request *request, Hb__Refusal *refusal, const char *accepted)
{
    refusal->accepted = arena_grow(&request->arena, refusal->accepted, refusal->n_accepted, sizeof *refusal->accepted);
    refusal->accepted[refusal->n_accepted++] = arena_strdup(&request->arena, accepted);
}

/* ---- the document ---- */

static void add_texts(json_t *json, const char *name, char *const *texts, size_t count)
{
    if (count == 0)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    json_object_set_new(json, name, list);
}

static json_t *problems_json(const Hb__Refusal *refusal, bool english)
{
    json_t *list = json_array();
    for (size_t i = 0; i < refusal->n_problems; i++) {
        const Hb__Problem *problem = refusal->problems[i];
        json_t *one = json_object();
        if (*problem->field)
            json_object_set_new(one, "field", json_string(problem->field));
        if (*problem->clause)
            json_object_set_new(one, "clause", json_string(problem->clause));
        if (problem->text) {
            json_object_set_new(one, "detail", json_string(english ? problem->text->en : problem->text->zh));
            json_object_set_new(one, "zh", json_string(problem->text->zh));
            json_object_set_new(one, "en", json_string(problem->text->en));
        }
        json_array_append_new(list, one);
    }
    return list;
}

json_t *problem_json(const struct http_request *request, const Hb__Refusal *refusal)
{
    const char *zh = refusal->text ? refusal->text->zh : "", *en = refusal->text ? refusal->text->en : "";
    char type[160];
    snprintf(type, sizeof type, "urn:hearback:problem:%.120s", *refusal->code ? refusal->code : "refused");
    json_t *json = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "type", type, "title",
                             problem_title(refusal->status, request->english), "status", (int)refusal->status, "code",
                             refusal->code, "detail", request->english ? en : zh, "zh", zh, "en", en);
    if (*refusal->field)
        json_object_set_new(json, "field", json_string(refusal->field));
    add_texts(json, "accepted", refusal->accepted, refusal->n_accepted);
    add_texts(json, "clauses", refusal->clauses, refusal->n_clauses);
    add_texts(json, "next", refusal->next, refusal->n_next);
    if (refusal->n_problems)
        json_object_set_new(json, "problems", problems_json(refusal, request->english));
    if (refusal->retry_after_s)
        json_object_set_new(json, "retry_after", json_integer(refusal->retry_after_s));
    return json;
}

/* ---- the answer ---- */

void problem_respond(struct http_request *request, const Hb__Refusal *refusal)
{
    unsigned status = refusal->status >= 400 && refusal->status < 600 ? refusal->status : 500;
    if (refusal->retry_after_s || status == 503)
        http_set(request, "Retry-After",
                 arena_printf(&request->arena, "%u", refusal->retry_after_s ? refusal->retry_after_s : 2));
    if (status == 401)
        http_set(request, "WWW-Authenticate", "Bearer realm=\"hearback\"");
    if (open311_speaks(request)) {
        open311_refuse(request, refusal);
        return;
    }
    if (portal_speaks(request)) { /* a person with a browser, not a program */
        portal_refuse(request, refusal);
        return;
    }
    http_set(request, "Content-Language", request->english ? "en" : "zh-CN");
    json_t *json = problem_json(request, refusal);
    json_object_set_new(json, "instance", json_string(request->id));
    char *text = json_dumps(json, JSON_COMPACT);
    bug_unless(text);
    struct bytes body = arena_copy(&request->arena, bytes_of_text(text));
    free(text);
    json_decref(json);
    http_respond(request, status, "application/problem+json", body);
}

void problem_say(struct http_request *request, unsigned status, const char *code, const char *zh, const char *en)
{
    problem_respond(request, problem_new(request, status, code, zh, en));
}

bool problem_when_gone(struct http_request *request)
{
    if (!http_gone(request))
        return false;
    problem_say(request, 503, "gone", "客户端已离开", "the client has gone");
    return true;
}
