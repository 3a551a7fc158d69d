/* Which case is meant by {id}. */
#include "cases.h"

#include "cell.h"
#include "problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* An id holds its recorded time above 12 bits of sequence: smaller numbers than this were never given. */
#define CASE_ID_LEAST (1ull << 52)
#define NUMBER_BYTES_MAX 200u

const char *case_id_text(struct http_request *request, uint64_t case_id)
{
    return arena_printf(&request->arena, "%" PRIu64, case_id);
}

static uint64_t id_of(const char *text)
{
    size_t size = strlen(text), digits = strspn(text, "0123456789"), hex = strspn(text, "0123456789abcdef");
    char decimal[24];
    unsigned long long id = size <= 20 ? strtoull(text, NULL, digits == size ? 10 : 16) : 0;
    if (digits < size)
        return size == 16 && hex == size ? id : 0;
    snprintf(decimal, sizeof decimal, "%llu", id); /* more than 64 bits come back different */
    return id >= CASE_ID_LEAST && strcmp(decimal, text) == 0 ? id : 0;
}

struct wanted {
    const char *number;
    case_ref_fn *then;
};

static void refuse_several(struct http_request *request, const Analytics__CaseList *list)
{
    Hb__Refusal *refusal = problem_new(request, 409, "ambiguous", "多个站点有此案件编号，请用 site 指明站点",
                                       "several sites have a case of this number: name one by ?site=");
    refusal->field = arena_strdup(&request->arena, "site");
    for (size_t i = 0; i < list->n_rows; i++)
        problem_accepts(request, refusal, list->rows[i]->site);
    problem_respond(request, refusal);
}

static void on_rows(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    const struct wanted *wanted = context;
    Analytics__CaseList exact = ANALYTICS__CASE_LIST__INIT;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    exact.rows = reply->analytics->list->rows;
    for (size_t i = 0; i < reply->analytics->list->n_rows; i++) /* the filter takes prefixes too */
        if (strcmp(reply->analytics->list->rows[i]->number, wanted->number) == 0)
            exact.rows[exact.n_rows++] = reply->analytics->list->rows[i];
    if (exact.n_rows == 0)
        problem_say(request, 404, "not_found", "没有这个案件", "there is no such case");
    else if (exact.n_rows > 1)
        refuse_several(request, &exact);
    else
        wanted->then(request, exact.rows[0]->case_id);
}

void case_ref_find(struct http_request *request, case_ref_fn *then)
{
    const char *text = http_param(request, "id"), *site = http_query(request, "site");
    uint64_t case_id = id_of(text);
    if (case_id) {
        then(request, case_id);
        return;
    }
    if (strlen(text) > NUMBER_BYTES_MAX) {
        problem_say(request, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    struct wanted *wanted = arena_alloc(&request->arena, sizeof *wanted);
    struct case_list *list = arena_zero(&request->arena, sizeof *list);
    *wanted = (struct wanted){text, then};
    analytics__filter__init(&list->filter);
    list->filter.number = (char *)(uintptr_t)text;
    list->site = site ? site : "";
    list->cursor = "";
    list->cell = cells_own(request);
    case_list_ask(request, list, 50, on_rows, wanted);
}
