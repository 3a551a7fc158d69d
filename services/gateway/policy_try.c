/* /api/v1/policies/{site}/sources, /check, /diff, /rehearse: what a policy is made of, and what is said of another one
   before it is published. Directory says who may, and what is in force; the command says the rest (policy_tool.c). */
#include "policy_try.h"

#include "body.h"
#include "cell.h"
#include "parameters.h"
#include "policy/compile.h"
#include "policy_tool.h"
#include "problem.h"
#include "json/json.h"

#define FILES_MAX 200u
#define PACKS_MAX 16u
#define SCENARIOS_MAX 40u

enum what { CHECK, DIFF, REHEARSE };

struct
try {
    enum what what;
    const Directory__TryPolicy *wanted;
    const Directory__Sources *in_force;
    struct policy_tool tool;
    size_t arguments;
};

/* ---- what was sent ---- */

static bool refuse_field(struct http_request *request, unsigned status, const char *field, const char *zh,
                         const char *en)
{
    Hb__Refusal *refusal = problem_new(request, status, status == 413 ? "too_large" : "bad_field", zh, en);
    refusal->field = arena_strdup(&request->arena, field);
    problem_respond(request, refusal);
    return false;
}

static bool twice(Directory__Source *const *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(list[i]->path, list[at]->path) == 0)
            return true;
    return false;
}

static bool files_sound(struct http_request *request, const char *field, Directory__Source *const *list, size_t count,
                        bool (*sound)(const char *path))
{
    if (count > FILES_MAX)
        return refuse_field(request, 413, field, "最多 200 个文件", "at most 200 files");
    for (size_t i = 0; i < count; i++) {
        const char *at = arena_printf(&request->arena, "%s[%zu].path", field, i);
        if (!sound(list[i]->path))
            return refuse_field(request, 422, at, "文件名无效：包名/文件.yaml，场景为 文件.yaml",
                                "PACK/FILE.yaml is accepted, of a scenario FILE.yaml");
        if (twice(list, i))
            return refuse_field(request, 422, at, "该文件出现两次", "this file is there twice");
    }
    return true;
}

static bool wanted_sound(struct http_request *request, const struct try *try)
{
    const Directory__TryPolicy *wanted = try->wanted;
    if (!*wanted->site)
        return refuse_field(request, 422, "site", "须指明站点", "name the site");
    if (try->what != REHEARSE && !wanted->n_packs)
        return refuse_field(request, 422, "packs", "请指定制度包", "name the packs");
    if (try->what == REHEARSE && !wanted->n_scenarios)
        return refuse_field(request, 422, "scenarios", "请给出场景文件", "give the scenarios");
    if (wanted->n_scenarios > SCENARIOS_MAX)
        return refuse_field(request, 413, "scenarios", "最多 40 个场景文件", "at most 40 files of scenarios");
    if (wanted->n_packs > PACKS_MAX)
        return refuse_field(request, 413, "packs", "一个站点最多 16 个制度包", "a site has at most 16 packs");
    for (size_t i = 0; i < wanted->n_packs; i++)
        if (!policy_is_name(wanted->packs[i], strlen(wanted->packs[i])))
            return refuse_field(request, 422, arena_printf(&request->arena, "packs[%zu]", i), "制度包名无效",
                                "this is no name of a pack");
    return files_sound(request, "sources", wanted->sources, wanted->n_sources, policy_is_source) &&
           files_sound(request, "scenarios", wanted->scenarios, wanted->n_scenarios, policy_is_file);
}

/* ---- what the command is told ---- */

static void add_argument(struct try *try, const char *text)
{
    bug_unless(try->arguments + 1 < POLICY_TOOL_ARGUMENTS_MAX);
    try->tool.arguments[try->arguments++] = text;
}

static void add_files(struct http_request *request, struct try *try, const char *folder, Directory__Source *const *list,
                      size_t count)
{
    struct policy_tool *tool = &try->tool;
    for (size_t i = 0; i < count; i++) {
        tool->files = arena_grow(&request->arena, tool->files, tool->files_count, sizeof *tool->files);
        tool->files[tool->files_count++] =
            (struct policy_file){arena_printf(&request->arena, "%s%s", folder, list[i]->path), list[i]->text};
    }
}

/* "old/A,old/B"; packs that are not among the files are shipped ones, by their names alone. */
static char *packs_text(struct http_request *request, const char *folder, char *const *packs, size_t count)
{
    char *text = arena_strdup(&request->arena, "");
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&request->arena, "%s%s%s%s", text, i ? "," : "", folder, packs[i]);
    return text;
}

static void say_diff(struct http_request *request, struct try *try)
{
    const Directory__Sources *old = try->in_force;
    add_files(request, try, "old/", old->sources, old->n_sources);
    add_argument(try, "diff");
    if (request->english) {
        add_argument(try, "--language");
        add_argument(try, "en");
    }
    add_argument(try, packs_text(request, old->kept ? "old/" : "", old->packs, old->n_packs));
    add_argument(try, packs_text(request, "new/", try->wanted->packs, try->wanted->n_packs));
}

static void say(struct http_request *request, struct try *try)
{
    const Directory__TryPolicy *wanted = try->wanted;
    add_files(request, try, "new/", wanted->sources, wanted->n_sources);
    switch (try->what) {
    case CHECK:
        add_argument(try, "check");
        add_argument(try, "--together");
        add_argument(try, "--packs");
        add_argument(try, "new");
        for (size_t i = 0; i < wanted->n_packs; i++)
            add_argument(try, wanted->packs[i]);
        return;
    case DIFF:
        say_diff(request, try);
        return;
    case REHEARSE:
        add_files(request, try, "", wanted->scenarios, wanted->n_scenarios);
        add_argument(try, "rehearse");
        add_argument(try, "--packs");
        add_argument(try, "new");
        for (size_t i = 0; i < wanted->n_scenarios; i++)
            add_argument(try, wanted->scenarios[i]->path);
        return;
    }
}

/* ---- what it said ---- */

static json_t *answer_of(struct try *try, json_t *said)
{
    json_t *body = json_object();
    switch (try->what) {
    case CHECK: /* a list of one: the packs together */
        json_object_set(body, "sound", json_object_get(json_array_get(said, 0), "sound"));
        json_object_set(body, "mistakes", json_object_get(json_array_get(said, 0), "mistakes"));
        break;
    case DIFF:
        json_object_set(body, "items", said);
        json_object_set_new(body, "version", json_integer(try->in_force->version));
        json_object_set_new(body, "kept", json_boolean(try->in_force->kept));
        break;
    case REHEARSE:
        json_object_update(body, said);
        break;
    }
    json_decref(said);
    return body;
}

static bool understood(const struct try *try, const json_t *said)
{
    return try->what == REHEARSE ? json_is_object(said)
           : try->what == CHECK  ? json_is_object(json_array_get(said, 0))
                                 : json_is_array(said);
}

static void on_said(struct http_request *request, void *context, const Hb__Refusal *refused, json_t *said)
{
    struct try *try = context;
    if (refused) {
        problem_respond(request, refused);
    } else if (!understood(try, said)) { /* a diff of what has mistakes */
        json_decref(said);
        problem_say(request, 422, "policy_mistakes", "制度文件有错误，请先检查", "there are mistakes: check it first");
    } else {
        http_respond_json(request, 200, answer_of(try, said));
    }
}

static void on_in_force(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__QueryReply *reply)
{
    struct try *try = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    try->in_force = reply->directory->sources;
    if (try->what == DIFF && !try->in_force->n_packs) {
        problem_say(request, 409, "no_policy", "该站点尚未发布制度，无可比较",
                    "no policy is in force at this site, so there is nothing to compare with");
        return;
    }
    say(request, try);
    policy_tool_run(request, &try->tool, on_said, try);
}

static void ask(struct http_request *request, const char *site, uint64_t version, bool coming, cell_query_fn *done,
                void *context)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetSources get = DIRECTORY__GET_SOURCES__INIT;
    get.site = (char *)(uintptr_t)site;
    get.version = (uint32_t)version;
    get.coming = coming;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_SOURCES;
    directory.sources = &get;
    cell_query(request, HB__SERVICE__DIRECTORY, &query, done, context);
}

static void take(struct http_request *request, enum what what)
{
    json_t *body = body_object(request, false);
    const Hb__Refusal *refused = NULL;
    ProtobufCMessage *message =
        body ? body_message(request, body, &directory__try_policy__descriptor, "", &refused) : NULL;
    if (refused)
        problem_respond(request, refused);
    if (!message)
        return;
    struct try *try = arena_zero(&request->arena, sizeof *try);
    try->what = what;
    try->wanted = (const Directory__TryPolicy *)message;
    if (wanted_sound(request, try))
        ask(request, try->wanted->site, 0, false, on_in_force, try);
}

void policies_check(struct http_request *request)
{
    take(request, CHECK);
}

void policies_diff(struct http_request *request)
{
    take(request, DIFF);
}

void policies_rehearse(struct http_request *request)
{
    take(request, REHEARSE);
}

/* ---- GET /policies/{site}/sources ---- */

static void on_sources(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    (void)context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, json_from_message(&reply->directory->sources->base, NULL));
}

void policies_sources(struct http_request *request)
{
    static const char *const accepted[] = {"false", "true", NULL};
    uint64_t version = 0;
    unsigned coming = 0;
    if (parameter_number(request, "version", 1, UINT32_MAX, &version) &&
        parameter_choice(request, "coming", accepted, &coming))
        ask(request, http_param(request, "site"), version, coming == 1, on_sources, NULL);
}
