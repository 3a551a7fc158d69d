/* A page of a list in words: what the policy and the organisation of each row's site call what the row bears by name.
 */
#include "case_words.h"

#include "cases.h"
#include "cell.h"
#include "policies.h"
#include "policy/lookup.h"

#include <string.h>

struct wording {
    const Analytics__CaseList *page;
    const char *site;
    size_t at;
    case_words_done_fn *done;
    void *context;
};

static void next_site(struct http_request *request, struct wording *wording);

/* A policy may be replaced before the page is written. */
static void put(struct http_request *request, char **name, const Hb__Label *label)
{
    const char *word = !label ? "" : request->english ? label->en : label->zh;
    if (*word)
        *name = arena_strdup(&request->arena, word);
}

static void on_policy(struct http_request *request, void *context, const Policy__Policy *policy)
{
    struct wording *wording = context;
    for (size_t i = 0; policy && i < wording->page->n_rows; i++) {
        Analytics__CaseRow *row = wording->page->rows[i];
        const Policy__Kind *kind = policy_kind(policy, row->kind);
        const Policy__Stage *stage = kind ? policy_stage(kind, row->stage) : NULL;
        const Policy__Category *category = policy_category(policy, row->category);
        if (*row->cell || strcmp(row->site, wording->site) != 0)
            continue;
        put(request, &row->kind, kind ? kind->label : NULL);
        put(request, &row->stage, stage ? stage->label : NULL);
        put(request, &row->category, category ? category->label : NULL);
    }
    next_site(request, wording);
}

static void put_who(struct http_request *request, const Directory__Organisation *all, Analytics__CaseRow *row)
{
    for (size_t i = 0; i < all->n_departments; i++)
        if (strcmp(all->departments[i]->id, row->department) == 0) {
            put(request, &row->department, all->departments[i]->name);
            break;
        }
    for (size_t i = 0; i < all->n_people; i++)
        if (strcmp(all->people[i]->id, row->handler) == 0) {
            row->handler = all->people[i]->name;
            break;
        }
}

static void on_organisation(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Hb__QueryReply *reply)
{
    struct wording *wording = context;
    uint32_t version = 0;
    if (refused) { /* better by name than not at all */
        next_site(request, wording);
        return;
    }
    const Directory__Organisation *all = reply->directory->organisation;
    for (size_t i = 0; i < wording->page->n_rows; i++)
        if (!*wording->page->rows[i]->cell && strcmp(wording->page->rows[i]->site, wording->site) == 0)
            put_who(request, all, wording->page->rows[i]);
    for (size_t i = 0; i < all->n_policies; i++)
        if (strcmp(all->policies[i]->site, wording->site) == 0)
            version = all->policies[i]->version;
    policies_get(request, wording->site, version, on_policy, wording);
}

/* Is this the page's first row of its site? */
static bool first_of_site(const Analytics__CaseList *page, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!*page->rows[i]->cell && strcmp(page->rows[i]->site, page->rows[at]->site) == 0)
            return false;
    return true;
}

static void next_site(struct http_request *request, struct wording *wording)
{
    const Analytics__CaseList *page = wording->page;
    while (wording->at < page->n_rows && (*page->rows[wording->at]->cell || !first_of_site(page, wording->at)))
        wording->at++;
    if (wording->at == page->n_rows) {
        wording->done(request, wording->context);
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    wording->site = get.site = page->rows[wording->at++]->site;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    cell_query_own(request, HB__SERVICE__DIRECTORY, &query, on_organisation, wording);
}

static void put_on_time(struct http_request *request, const Analytics__CaseList *page)
{
    for (size_t i = 0; i < page->n_rows; i++) {
        char **on_time = &page->rows[i]->on_time;
        if (strcmp(*on_time, "true") == 0)
            *on_time = arena_strdup(&request->arena, request->english ? "on time" : "按时");
        else if (strcmp(*on_time, "false") == 0)
            *on_time = arena_strdup(&request->arena, request->english ? "late" : "超期");
    }
}

void case_words_put(struct http_request *request, const Analytics__CaseList *page, case_words_done_fn *done,
                    void *context)
{
    struct wording *wording = arena_zero(&request->arena, sizeof *wording);
    *wording = (struct wording){.page = page, .done = done, .context = context};
    put_on_time(request, page);
    next_site(request, wording);
}
