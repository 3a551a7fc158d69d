/* Likely duplicates while somebody types: cases of the same kind, category and place, and those with whose description
   the text shares most words. The latter are ranked by the index of words alone; no text is opened, so nothing is
   recorded. But which words a description has is what is sealed: the text counts only for who may open texts at the
   site, the gateway counts it as a search, it must have some length, and a case whose identity or texts are kept from
   some is found by its place only. Of names, addresses and telephone numbers nothing is compared. All of it of the
   last 14 days, and of at most so many cases that the answer takes some milliseconds. */
#include "intake.h"

#include "organisation/organisation.h"
#include "policy/lookup.h"
#include "text/text.h"
#include "vault/words.h"

#include <stdlib.h>

#define ROWS_MAX 30000u /* of the index */
#define PAIRS_MAX 64u   /* of characters, of the text typed: its beginning says what it is about */
#define PAIRS_LEAST 4u  /* of the text typed */
#define SHARED_LEAST 3u
#define SAME_TEXT 1000u /* all pairs; what is alike in fewer than half of them is not */
#define SAME_PLACE 1000u
#define SAME_KIND 500u
#define SAME_CATEGORY 250u

struct likely {
    uint64_t case_id;
    int64_t received_ms;
    size_t score;
    char *number;
};

struct asked {
    struct turn *turn;
    const char *site, *kind, *category, *place; /* place: listed, or its key */
    struct likely list[INTAKE_ALIKE_MAX + INTAKE_ALIKE_RANKED_MAX];
    size_t count;
};

static void add(struct asked *asked, uint64_t case_id, size_t score)
{
    for (size_t i = 0; i < asked->count; i++)
        if (asked->list[i].case_id == case_id)
            return;
    const Intakerec__Case *record = intake_case_load(asked->turn, case_id);
    if (!record)
        return;
    bool placed =
        *asked->place && (strcmp(record->place, asked->place) == 0 || strcmp(record->place_key, asked->place) == 0);
    score += placed ? SAME_PLACE : 0;
    score += strcmp(record->kind, asked->kind) == 0 ? SAME_KIND : 0;
    score += *asked->category && strcmp(record->category, asked->category) == 0 ? SAME_CATEGORY : 0;
    asked->list[asked->count++] = (struct likely){case_id, record->received_ms, score, record->number};
}

static void add_by_text(struct asked *asked, const char *text)
{
    struct turn *turn = asked->turn;
    struct words *words = turn_words(turn);
    struct words_marks marks = {0};
    struct words_ranked ranked[INTAKE_ALIKE_RANKED_MAX];
    if (!words)
        return;
    words_mark(words, WORDS_OF_MATTER, text_folded(turn_arena(turn), text), turn_arena(turn), &marks);
    words_marks_distinct(&marks, PAIRS_MAX);
    if (marks.count < PAIRS_LEAST)
        return;
    struct words_look look = {.site = asked->site,
                              .marks = &marks,
                              .from = {UINT64_MAX, UINT64_MAX},
                              .newest_first = true,
                              .rows_max = ROWS_MAX};
    struct words_place until = {(uint64_t)(turn_now(turn) - INTAKE_ALIKE_WITHIN_MS), 0};
    size_t half = (marks.count + 1) / 2, least = half < SHARED_LEAST ? SHARED_LEAST : half;
    size_t count = words_rank(words, &look, until, least, ranked, sizeof ranked / sizeof *ranked);
    for (size_t i = 0; i < count; i++)
        if (!intake_confidential_load(turn, ranked[i].place.case_id))
            add(asked, ranked[i].place.case_id, SAME_TEXT * ranked[i].held / marks.count);
}

static void add_by_place(struct asked *asked)
{
    uint64_t cases[INTAKE_ALIKE_MAX];
    size_t count = intake_alike_find(asked->turn, asked->site, asked->kind, asked->category, asked->place,
                                     turn_now(asked->turn), cases);
    for (size_t i = 0; i < count; i++)
        add(asked, cases[i], 0);
}

static int likelier(const void *a, const void *b)
{
    const struct likely *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->received_ms != y->received_ms)
        return x->received_ms > y->received_ms ? -1 : 1;
    return x->case_id > y->case_id ? -1 : x->case_id < y->case_id;
}

static const char *place_of(struct turn *turn, const char *site, const Intake__FindAlike *find)
{
    const Policy__Policy *policy = organisation_policy(turn, site, 0);
    const Policy__Kind *kind = policy ? policy_kind(policy, find->kind) : NULL;
    return !find->place[0] || (kind && intake_place_is_listed(kind)) ? find->place
                                                                     : intake_place_key(turn, site, find->place);
}

void intake_answer_alike(struct turn *turn, const Hb__Query *query, const Intake__FindAlike *find, Intake__Reply *reply)
{
    if (!intake_may_ask(turn, query, "submit"))
        return;
    if (strlen(find->text) > INTAKE_ALIKE_TEXT_BYTES_MAX) {
        refusal_field(turn, turn_refuse(turn, 413, "too_large", "最长 8 KiB", "at most 8 KiB"), "text");
        return;
    }
    struct asked *asked = arena_zero(turn_arena(turn), sizeof *asked);
    *asked = (struct asked){turn, query->site, find->kind, find->category, place_of(turn, query->site, find), {{0}}, 0};
    if (find->text[0] && rights_may(turn, query->actor, "open", query->site))
        add_by_text(asked, find->text);
    if (find->category[0] || find->place[0])
        add_by_place(asked);
    if (asked->count)
        qsort(asked->list, asked->count, sizeof *asked->list, likelier);
    Intake__Alike *alike = arena_alloc(turn_arena(turn), sizeof *alike);
    intake__alike__init(alike);
    alike->case_ids = arena_alloc(turn_arena(turn), INTAKE_ALIKE_RANKED_MAX * sizeof *alike->case_ids);
    alike->numbers = arena_alloc(turn_arena(turn), INTAKE_ALIKE_RANKED_MAX * sizeof *alike->numbers);
    for (size_t i = 0; i < asked->count && i < INTAKE_ALIKE_RANKED_MAX; i++) {
        alike->case_ids[alike->n_case_ids++] = asked->list[i].case_id;
        alike->numbers[alike->n_numbers++] = asked->list[i].number;
    }
    reply->kind_case = INTAKE__REPLY__KIND_ALIKE;
    reply->alike = alike;
}
