/* Saved views. Each has one owner, who alone changes it. It may be shared with a department where the owner has a post,
   or with a whole site by whoever is answerable there for more than single cases (scope `report` or `organise`);
   whoever organises a site takes away what is shared there and no longer wanted. A view gives nobody a right: a list
   and its count are asked for with the rights of whoever looks. Words looked for in sealed texts are no part of one,
   because they would be kept here in the clear, and each such search is recorded. */
#include "credentials.h"

#include <sodium.h>
#include <stdio.h>

#define ID_BYTES 8u

static void refuse_field(struct turn *turn, const char *field, const char *zh, const char *en)
{
    refusal_field(turn, turn_refuse(turn, 422, "bad_field", zh, en), field);
}

static bool is(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

/* ---- who sees it, who changes it ---- */

static bool owns(const Hb__Actor *actor, const Directory__View *view)
{
    return *actor->account && strcmp(actor->account, view->owner) == 0;
}

static bool in_department(struct turn *turn, const Hb__Actor *actor, const Directory__View *view)
{
    const Directory__Person *person = *actor->person ? organisation_person(turn, actor->person) : NULL;
    return person && organisation_member(person, view->site, view->department);
}

static bool shown_to(struct turn *turn, const Hb__Actor *actor, const Directory__View *view)
{
    if (!rights_may(turn, actor, "read", view->site))
        return false;
    if (owns(actor, view) || strcmp(view->shared, "site") == 0)
        return true;
    return strcmp(view->shared, "department") == 0 && in_department(turn, actor, view);
}

static bool may_drop(struct turn *turn, const Hb__Actor *actor, const Directory__View *view)
{
    return owns(actor, view) || (*view->shared && rights_may(turn, actor, "organise", view->site));
}

/* False: refused. Complainants and services of their own have no views. */
static bool has_account(struct turn *turn, const Hb__Query *query)
{
    if (query->actor && *query->actor->account)
        return true;
    turn_refuse(turn, 403, "not_allowed", "须以账号登录", "views belong to accounts: sign in");
    return false;
}

/* ---- listing ---- */

/* Calls `take` for every view that is kept. */
static void each(struct rows *rows, void (*take)(struct rows *rows, Directory__View *view, void *context),
                 void *context)
{
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, rows->txn, rows->views, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, turn_arena(rows->turn), &key, &value)) {
        const Dirrec__View *row = row_find(rows, rows->views, key, &dirrec__view__descriptor);
        if (row && row->view)
            take(rows, row->view, context);
    }
}

struct listing {
    const Hb__Query *query;
    Directory__Views *views;
};

static void list(struct rows *rows, Directory__View *view, void *context)
{
    struct listing *listing = context;
    const char *site = listing->query->directory->views->site;
    Directory__Views *views = listing->views;
    if ((*site && strcmp(site, view->site) != 0) || !shown_to(rows->turn, listing->query->actor, view))
        return;
    view->own = owns(listing->query->actor, view);
    views->views = arena_grow(turn_arena(rows->turn), views->views, views->n_views, sizeof *views->views);
    views->views[views->n_views++] = view;
}

void answer_views(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    struct listing listing = {.query = query};
    struct rows rows;
    if (!has_account(turn, query) || !rows_begin(turn, &rows, false))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_VIEWS;
    listing.views = reply->views = arena_alloc(turn_arena(turn), sizeof *reply->views);
    directory__views__init(reply->views);
    each(&rows, list, &listing);
    rows_drop(&rows);
}

/* ---- one of them ---- */

static bool key_of(const char *id, uint8_t key[ID_BYTES])
{
    size_t size = 0;
    return strlen(id) == 2 * ID_BYTES && sodium_hex2bin(key, ID_BYTES, id, 2 * ID_BYTES, NULL, &size, NULL) == 0 &&
           size == ID_BYTES;
}

/* NULL: there is none, or none that the actor is shown. */
static Directory__View *find(struct rows *rows, const Hb__Actor *actor, const uint8_t key[ID_BYTES])
{
    Dirrec__View *row = row_find(rows, rows->views, bytes_of(key, ID_BYTES), &dirrec__view__descriptor);
    Directory__View *view = row ? row->view : NULL;
    return view && (shown_to(rows->turn, actor, view) || may_drop(rows->turn, actor, view)) ? view : NULL;
}

static void refuse_unknown(struct turn *turn)
{
    turn_refuse(turn, 404, "not_found", "没有这个视图", "there is no such view");
}

/* ---- what may be kept ---- */

static void check_filter(struct turn *turn, const Directory__View *view)
{
    static const char *const names[] = {
        "department", "handler",  "kind",     "category",      "stage",        "phase",    "number",    "external_id",
        "overdue",    "on_time",  "order",    "received_from", "received_to",  "due_from", "due_to",    "joint",
        "sealed",     "approval", "duty",     "escalated",     "escalated_to", "reopened", "responded", "step",
        "satisfied",  "place",    "returned", "extended",      "indicator",    "period",   "who",       "counted",
        NULL};
    if (view->n_filter > VIEW_FILTERS_MAX) {
        refuse_field(turn, "filter", "条件最多 16 个", "at most 16 conditions");
        return;
    }
    for (size_t i = 0; i < view->n_filter; i++) {
        const Directory__ViewFilter *one = view->filter[i];
        const char *at = arena_printf(turn_arena(turn), "filter[%zu]", i);
        if (!is(one->name, names)) {
            refuse_field(turn, arena_printf(turn_arena(turn), "%s.name", at), "视图不能以此为条件",
                         "a view has no such condition; accepted: department handler kind category stage phase number "
                         "external_id overdue on_time order received_from received_to due_from due_to joint "
                         "sealed approval duty escalated escalated_to reopened responded returned extended step "
                         "satisfied place indicator period who counted");
            return;
        }
        if (!*one->value || strlen(one->value) > DIRECTORY_TEXT_BYTES_MAX)
            refuse_field(turn, arena_printf(turn_arena(turn), "%s.value", at), "须有值，最长 256 字节",
                         "a value is needed, of at most 256 bytes");
        for (size_t k = 0; k < i; k++)
            if (strcmp(view->filter[k]->name, one->name) == 0)
                refuse_field(turn, arena_printf(turn_arena(turn), "%s.name", at), "条件重复",
                             "this one is there twice");
    }
}

static void check_sharing(struct turn *turn, const Hb__Actor *actor, const Directory__View *view)
{
    static const char *const shared[] = {"", "department", "site", NULL};
    bool department = strcmp(view->shared, "department") == 0;
    if (!is(view->shared, shared))
        refuse_field(turn, "shared", "可用：department、site，或空（仅自己）",
                     "accepted: department, site, or nothing: for oneself");
    else if (department && !organisation_department(turn, view->site, view->department))
        refuse_field(turn, "department", "该站点没有这个部门", "the site has no such department");
    else if (department && !in_department(turn, actor, view))
        turn_refuse(turn, 403, "not_allowed", "只能与自己所在的部门共享",
                    "a view is shared with a department where one has a post oneself");
    else if (!department && *view->department)
        refuse_field(turn, "department", "仅在与部门共享时填写", "only of a view that is shared with a department");
    else if (strcmp(view->shared, "site") == 0 && !rights_may(turn, actor, "report", view->site) &&
             !rights_may(turn, actor, "organise", view->site))
        turn_refuse(turn, 403, "not_allowed", "与全站点共享须有 report 或 organise 权限",
                    "to share a view with a whole site the scope report or organise is needed there");
}

static void check(struct turn *turn, const Hb__Actor *actor, const Directory__View *view)
{
    size_t zh = view->name ? strlen(view->name->zh) : 0, en = view->name ? strlen(view->name->en) : 0;
    if (!organisation_site(turn, view->site) || !rights_may(turn, actor, "read", view->site)) {
        refusal_field(turn, turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site"), "site");
        return;
    }
    if ((!zh && !en) || zh > DIRECTORY_TEXT_BYTES_MAX || en > DIRECTORY_TEXT_BYTES_MAX)
        refuse_field(turn, "name", "须有名称（中文或英文），最长 256 字节",
                     "a name is needed, zh or en, of at most 256 bytes");
    if (strlen(view->list) > DIRECTORY_ID_CHARACTERS_MAX ||
        view->list[strspn(view->list, "abcdefghijklmnopqrstuvwxyz_")])
        refuse_field(turn, "list", "最多 32 个小写字母", "at most 32 small letters");
    check_filter(turn, view);
    check_sharing(turn, actor, view);
}

struct owned {
    const char *account;
    unsigned count;
};

static void count(struct rows *rows, Directory__View *view, void *context)
{
    struct owned *owned = context;
    (void)rows;
    owned->count += strcmp(view->owner, owned->account) == 0;
}

/* A new one, or one's own as it is now. False: refused. */
static bool may_keep(struct rows *rows, const Hb__Actor *actor, const uint8_t key[ID_BYTES], bool fresh)
{
    const Directory__View *before = find(rows, actor, key);
    struct owned owned = {.account = actor->account};
    if (fresh) {
        struct bytes taken;
        each(rows, count, &owned);
        if (store_get(rows->txn, rows->views, bytes_of(key, ID_BYTES), turn_arena(rows->turn), &taken))
            turn_refuse(rows->turn, 409, "taken", "编号已被使用，请重试", "this id is taken: try again");
        else if (owned.count >= VIEWS_MAX)
            turn_refuse(rows->turn, 409, "too_many_views", "一个账号最多 64 个视图，请先删除不用的",
                        "an account has at most 64 views: delete one that is not used");
    } else if (!before) {
        refuse_unknown(rows->turn);
    } else if (!owns(actor, before)) {
        turn_refuse(rows->turn, 403, "not_allowed", "只有创建者可以修改视图", "only its owner changes a view");
    }
    return !turn_refused(rows->turn);
}

void answer_keep_view(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    const Directory__KeepView *keep = query->directory->keep_view;
    Directory__View *view = keep->view;
    Dirrec__View row = DIRREC__VIEW__INIT;
    uint8_t key[ID_BYTES];
    struct rows rows;
    if (!has_account(turn, query))
        return;
    if (!view || !key_of(view->id, key)) {
        refuse_unknown(turn);
        return;
    }
    check(turn, query->actor, view);
    if (turn_refused(turn) || !rows_begin(turn, &rows, true))
        return;
    view->owner = query->actor->account;
    view->own = false;
    row.view = view;
    if (may_keep(&rows, query->actor, key, keep->fresh))
        row_keep(&rows, rows.views, bytes_of(key, ID_BYTES), &row.base);
    if (!rows_end(&rows))
        return;
    view->own = true;
    reply->kind_case = DIRECTORY__REPLY__KIND_VIEW_KEPT;
    reply->view_kept = view;
}

void answer_drop_view(struct turn *turn, const Hb__Query *query, Directory__Reply *reply)
{
    uint8_t key[ID_BYTES];
    struct rows rows;
    if (!has_account(turn, query))
        return;
    if (!key_of(query->directory->drop_view->id, key)) {
        refuse_unknown(turn);
        return;
    }
    if (!rows_begin(turn, &rows, true))
        return;
    const Directory__View *view = find(&rows, query->actor, key);
    if (!view)
        refuse_unknown(turn);
    else if (!may_drop(turn, query->actor, view))
        turn_refuse(turn, 403, "not_allowed", "只有创建者或站点管理员可以删除视图",
                    "a view is deleted by its owner, a shared one also by whoever organises the site");
    else
        store_delete(rows.txn, rows.views, bytes_of(key, ID_BYTES));
    if (!rows_end(&rows))
        return;
    reply->kind_case = DIRECTORY__REPLY__KIND_VIEW_DROPPED;
    reply->view_dropped = done_new(turn);
}
