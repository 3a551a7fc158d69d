#include "views.h"

#include "body.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

#include <sodium.h>

static void ask(struct http_request *request, Directory__Query__KindCase kind, ProtobufCMessage *message,
                cell_query_fn *done, void *context)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = kind;
    directory.views = (Directory__GetViews *)message; /* all arms share one pointer */
    cell_query(request, HB__SERVICE__DIRECTORY, &query, done, context);
}

static void on_views(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Directory__Views *all = reply->directory->views;
    json_t *list = json_array();
    for (size_t i = 0; i < all->n_views; i++)
        json_array_append_new(list, json_from_message(&all->views[i]->base, NULL));
    http_respond_json(request, 200, json_pack("{s:o}", "views", list));
}

void views_list(struct http_request *request)
{
    Directory__GetViews get = DIRECTORY__GET_VIEWS__INIT;
    get.site = parameter_text(request, "site");
    ask(request, DIRECTORY__QUERY__KIND_VIEWS, &get.base, on_views, NULL);
}

static void on_kept(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    const Directory__KeepView *keep = context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, keep->fresh ? 201 : 200,
                          json_from_message(&reply->directory->view_kept->base, NULL));
}

static void keep(struct http_request *request, char *id, bool fresh)
{
    const Hb__Refusal *refused = NULL;
    json_t *body = body_object(request, false);
    Directory__KeepView *keep = arena_alloc(&request->arena, sizeof *keep);
    directory__keep_view__init(keep);
    keep->fresh = fresh;
    keep->view =
        body ? (Directory__View *)body_message(request, body, &directory__view__descriptor, "", &refused) : NULL;
    if (refused)
        problem_respond(request, refused);
    if (!keep->view)
        return;
    keep->view->id = id;
    ask(request, DIRECTORY__QUERY__KIND_KEEP_VIEW, &keep->base, on_kept, keep);
}

void views_make(struct http_request *request)
{
    uint8_t random[8];
    char *id = arena_alloc(&request->arena, 2 * sizeof random + 1);
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(id, 2 * sizeof random + 1, random, sizeof random);
    keep(request, id, true);
}

void views_change(struct http_request *request)
{
    keep(request, arena_strdup(&request->arena, http_param(request, "id")), false);
}

static void on_dropped(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    (void)context;
    (void)reply;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, json_object());
}

void views_drop(struct http_request *request)
{
    Directory__DropView drop = DIRECTORY__DROP_VIEW__INIT;
    drop.id = arena_strdup(&request->arena, http_param(request, "id"));
    ask(request, DIRECTORY__QUERY__KIND_DROP_VIEW, &drop.base, on_dropped, NULL);
}
