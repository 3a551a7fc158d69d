/* Search in sealed texts. The index of words says which cases may match, in order of receipt; these are opened and
   compared, and so is whatever it does not cover yet. A search is recorded as DataOpened of the site, by a keyed digest
   of what was looked for, before anything is opened; going on with it where one reply ended is not recorded again,
   which a keyed mark on its `next` proves. Nothing is told but which cases match: the caller must still ask analytics
   which of them the account sees. */
#include "intake.h"

#include "organisation/organisation.h"
#include "text/text.h"
#include "vault/vault.h"
#include "vault/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 300000u /* of the index, looked at for one reply: some thirty milliseconds */
#define OPENED_MAX 1000u /* cases, opened for one reply: the same */
#define UNREAD_MAX 5000u /* texts that the index may lack: all of them are opened */
#define FOUND_AT_ONCE 64u

static bool refuse_field(struct turn *turn, uint32_t status, const char *code, const char *field, const char *zh,
                         const char *en)
{
    refusal_field(turn, turn_refuse(turn, status, code, zh, en), field);
    return false;
}

/* ---- what is looked for ---- */

struct wanted {
    char *words[INTAKE_SEARCH_WORDS_MAX]; /* folded; none: the telephone number */
    size_t count;
    char *phone;
    const char *text; /* the whole, folded: for the digest */
};

static bool split_words(struct turn *turn, const Intake__Search *search, struct wanted *wanted)
{
    char *at = text_folded(turn_arena(turn), search->text), *word;
    bool telling = false;
    wanted->text = arena_strdup(turn_arena(turn), at);
    while ((word = strsep(&at, " "))) {
        if (!*word)
            continue;
        if (wanted->count == INTAKE_SEARCH_WORDS_MAX)
            return refuse_field(turn, 422, "bad_field", "text", "一次最多搜索 8 个词", "at most 8 words at a time");
        telling = telling || text_characters(word) >= 2;
        wanted->words[wanted->count++] = word;
    }
    return telling || refuse_field(turn, 422, "bad_field", "text", "请至少输入两个相连的字符",
                                   "give at least two characters side by side");
}

static bool take_phone(struct turn *turn, const Intake__Search *search, struct wanted *wanted)
{
    char *phones[TEXT_PHONES_MAX];
    if (text_phones(turn_arena(turn), search->phone, phones) != 1)
        return refuse_field(turn, 422, "bad_field", "phone", "请输入一个完整的电话号码（至少 7 位）",
                            "give one whole telephone number, of at least 7 digits");
    wanted->phone = phones[0];
    wanted->text = arena_printf(turn_arena(turn), "phone %s", phones[0]);
    return true;
}

static bool wanted_of(struct turn *turn, const Intake__Search *search, struct wanted *wanted)
{
    *wanted = (struct wanted){0};
    if (!search->text[0] == !search->phone[0])
        return refuse_field(turn, 422, "bad_field", "text", "请给出文字或电话号码之一",
                            "give either words or a telephone number");
    if (strlen(search->text) > INTAKE_SEARCH_BYTES_MAX || strlen(search->phone) > INTAKE_SEARCH_BYTES_MAX)
        return refuse_field(turn, 413, "too_large", search->text[0] ? "text" : "phone", "最长 200 字节",
                            "at most 200 bytes");
    return search->text[0] ? split_words(turn, search, wanted) : take_phone(turn, search, wanted);
}

/* ---- where to go on ---- */

static char *blind_text(struct turn *turn, const char *scope, const char *value)
{
    uint8_t blind[VAULT_BLIND_BYTES];
    char *text = arena_alloc(turn_arena(turn), 2 * sizeof blind + 1);
    vault_blind(turn_vault(turn), scope, value, blind);
    for (size_t i = 0; i < sizeof blind; i++)
        snprintf(text + 2 * i, 3, "%02x", blind[i]);
    return text;
}

static char *next_of(struct turn *turn, const Hb__Command *command, const Intake__Search *search,
                     struct words_place place)
{
    char *at = arena_printf(turn_arena(turn), "%" PRIx64 "-%" PRIx64, place.received_ms, place.case_id);
    char *whose = arena_printf(turn_arena(turn), "%s %s %s", at, search->digest, intake_actor(command)->account);
    return arena_printf(turn_arena(turn), "%s-%s", at, blind_text(turn, "search goes on", whose));
}

static bool after_parse(const char *text, struct words_place *place_out, bool *marked_out)
{
    unsigned long long received, id;
    int used = 0;
    if (strlen(text) > INTAKE_NAME_BYTES_MAX || sscanf(text, "%llx-%llx%n", &received, &id, &used) < 2)
        return false;
    *place_out = (struct words_place){received, id};
    *marked_out = text[used] == '-';
    return !text[used] || *marked_out;
}

/* ---- the door ---- */

static bool check_shape(struct turn *turn, const Intake__Search *search)
{
    if (search->digest[0] || search->goes_on)
        refuse_field(turn, 422, "bad_field", "digest", "由系统填写", "it is filled in by the system");
    else if (search->limit > INTAKE_SEARCH_MAX)
        refuse_field(turn, 422, "bad_field", "limit", "一次最多 500 件", "at most 500 cases at a time");
    return !turn_refused(turn);
}

/* Until the index has caught up, after an import or a restart with another configuration. */
static bool check_read(struct turn *turn)
{
    uint64_t *cases = arena_alloc(turn_arena(turn), (UNREAD_MAX + 1) * sizeof *cases), end;
    const struct words *words = turn_words(turn);
    if (intake_texts_after(turn, words ? words_end(words) : 0, UNREAD_MAX + 1, cases, &end) <= UNREAD_MAX)
        return true;
    Hb__Refusal *refusal = turn_refuse(turn, 503, "indexing", "正在编制检索索引，请稍后再试",
                                       "the texts are still being read into the index; try again shortly");
    refusal->retry_after_s = 2;
    return false;
}

void intake_search_prepare(struct turn *turn, const Hb__Command *command, Intake__Search *search)
{
    struct wanted wanted;
    struct words_place place;
    bool marked = false;
    if (!check_shape(turn, search) || !wanted_of(turn, search, &wanted) || !check_read(turn))
        return;
    search->digest = blind_text(turn, "searched", wanted.text);
    if (search->after[0] && !after_parse(search->after, &place, &marked))
        refuse_field(turn, 422, "bad_field", "cursor", "翻页游标无效", "this cursor was not given by a list");
    search->goes_on = marked && strcmp(search->after, next_of(turn, command, search, place)) == 0;
}

void intake_search_decide(struct turn *turn, const Hb__Command *command, const Intake__Search *search)
{
    const Directory__Site *site = intake_site(turn, command->site);
    if (!site)
        return;
    if (!rights_may(turn, intake_actor(command), "open", site->id)) {
        turn_refuse(turn, 403, "not_allowed", "无权检索密封内容", "no right to search in sealed texts");
        return;
    }
    if (search->goes_on)
        return;
    Intake__DataOpened *opened = arena_alloc(turn_arena(turn), sizeof *opened);
    intake__data_opened__init(opened);
    opened->purpose = search->phone[0] ? "search by telephone number" : "search";
    opened->searched = search->digest;
    Hb__Event *event = turn_event(turn, site->id, 0);
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = arena_alloc(turn_arena(turn), sizeof *event->intake);
    intake__event__init(event->intake);
    event->intake->kind_case = INTAKE__EVENT__KIND_OPENED;
    event->intake->opened = opened;
    turn_say(turn, event);
}

/* ---- comparing ---- */

struct comparing {
    struct turn *turn;
    const struct wanted *wanted;
    bool has[INTAKE_SEARCH_WORDS_MAX];
    size_t missing;
};

static bool compare_text(void *context, const char *field, const char *text)
{
    struct comparing *comparing = context;
    struct arena *arena = turn_arena(comparing->turn);
    const struct wanted *wanted = comparing->wanted;
    char *phones[TEXT_PHONES_MAX];
    if (wanted->phone) {
        size_t count = strcmp(field, "phone") == 0 ? text_phones(arena, text, phones) : 0;
        for (size_t i = 0; i < count; i++)
            if (strcmp(phones[i], wanted->phone) == 0)
                comparing->missing = 0;
        return comparing->missing;
    }
    const char *folded = text_folded(arena, text);
    for (size_t i = 0; i < wanted->count; i++)
        if (!comparing->has[i] && strstr(folded, wanted->words[i])) {
            comparing->has[i] = true;
            comparing->missing--;
        }
    return comparing->missing;
}

static bool matches(struct turn *turn, const Hb__Actor *actor, const struct wanted *wanted, uint64_t case_id)
{
    struct arena_mark mark = arena_mark(turn_arena(turn));
    struct comparing comparing = {.turn = turn, .wanted = wanted, .missing = wanted->phone ? 1 : wanted->count};
    intake_texts_each(turn, case_id, actor, compare_text, &comparing);
    arena_return(turn_arena(turn), mark);
    return comparing.missing == 0;
}

/* ---- the cases that may match, in order ---- */

struct candidates {
    struct turn *turn;
    bool newest_first;
    struct words_look look;
    struct words_marks marks;
    struct words_place found[FOUND_AT_ONCE]; /* in the index */
    size_t found_count, found_at;
    struct words_place *unread;
    size_t unread_count, unread_at;
};

static int by_place(const void *a, const void *b)
{
    const struct words_place *x = a, *y = b;
    if (x->received_ms != y->received_ms)
        return x->received_ms < y->received_ms ? -1 : 1;
    return x->case_id < y->case_id ? -1 : x->case_id > y->case_id;
}

static int by_place_down(const void *a, const void *b)
{
    return by_place(b, a);
}

static bool before(const struct candidates *candidates, struct words_place a, struct words_place b)
{
    return candidates->newest_first ? by_place(&b, &a) < 0 : by_place(&a, &b) < 0;
}

static void read_unread(struct candidates *candidates, const char *site, struct words_place from)
{
    struct turn *turn = candidates->turn;
    const struct words *words = turn_words(turn);
    uint64_t *cases = arena_alloc(turn_arena(turn), 2 * UNREAD_MAX * sizeof *cases), end;
    size_t count = intake_texts_after(turn, words ? words_end(words) : 0, 2 * UNREAD_MAX, cases, &end);
    candidates->unread = arena_alloc(turn_arena(turn), (count + 1) * sizeof *candidates->unread);
    for (size_t i = 0; i < count; i++) {
        const Intakerec__Case *record = intake_case_load(turn, cases[i]);
        struct words_place place = {record ? (uint64_t)record->received_ms : 0, cases[i]};
        if (record && strcmp(record->site, site) == 0 && before(candidates, from, place))
            candidates->unread[candidates->unread_count++] = place;
    }
    if (candidates->unread_count)
        qsort(candidates->unread, candidates->unread_count, sizeof *candidates->unread,
              candidates->newest_first ? by_place_down : by_place);
}

static void mark_wanted(struct candidates *candidates, const struct wanted *wanted)
{
    const struct words *words = turn_words(candidates->turn);
    struct arena *arena = turn_arena(candidates->turn);
    if (words && wanted->phone)
        words_mark_whole(words, "phone", wanted->phone, arena, &candidates->marks);
    for (size_t i = 0; words && i < wanted->count; i++)
        words_mark(words, WORDS_OF_ANY, wanted->words[i], arena, &candidates->marks);
}

/* Where the list begins, the time asked for bounding it. */
static struct words_place begin_at(const Intake__Search *search)
{
    struct words_place from =
        search->oldest_first ? (struct words_place){0, 0} : (struct words_place){UINT64_MAX, UINT64_MAX};
    bool marked;
    if (search->after[0])
        (void)!after_parse(search->after, &from, &marked);
    uint64_t earliest = (uint64_t)search->received_from_ms, latest = (uint64_t)search->received_to_ms;
    if (search->oldest_first && search->received_from_ms > 0 && from.received_ms < earliest)
        return (struct words_place){earliest - 1, UINT64_MAX};
    if (!search->oldest_first && search->received_to_ms > 0 && from.received_ms >= latest)
        return (struct words_place){latest, 0};
    return from;
}

static bool within(const Intake__Search *search, struct words_place place)
{
    return search->oldest_first
               ? search->received_to_ms <= 0 || place.received_ms < (uint64_t)search->received_to_ms
               : search->received_from_ms <= 0 || place.received_ms >= (uint64_t)search->received_from_ms;
}

static void look_on(struct candidates *candidates)
{
    struct words *words = turn_words(candidates->turn);
    candidates->found_at = candidates->found_count = 0;
    if (!words)
        candidates->look.end = true;
    else if (!candidates->look.end)
        candidates->found_count = words_find(words, &candidates->look, candidates->found, FOUND_AT_ONCE);
}

enum next { NEXT_CASE, NEXT_NONE, NEXT_LATER };

/* The next one of both. What is not read yet counts only as far as the index was looked through. */
static enum next next_candidate(struct candidates *candidates, struct words_place *place_out)
{
    if (candidates->found_at == candidates->found_count && !candidates->look.end)
        look_on(candidates);
    bool indexed = candidates->found_at < candidates->found_count;
    bool unread = candidates->unread_at < candidates->unread_count;
    struct words_place first = indexed ? candidates->found[candidates->found_at] : candidates->look.from;
    struct words_place other = unread ? candidates->unread[candidates->unread_at] : first;
    bool open = !indexed && candidates->look.end; /* nothing of the index comes any more */
    if (unread && (open || before(candidates, other, first))) {
        candidates->unread_at++;
        *place_out = other;
        return NEXT_CASE;
    }
    *place_out = first;
    if (!indexed)
        return open ? NEXT_NONE : NEXT_LATER;
    candidates->found_at++;
    return NEXT_CASE;
}

/* ---- the reply ---- */

static void add_found(struct turn *turn, Intake__Found *found, uint64_t case_id)
{
    found->case_ids = arena_grow(turn_arena(turn), found->case_ids, found->n_case_ids, sizeof *found->case_ids);
    found->case_ids[found->n_case_ids++] = case_id;
}

static void look(struct turn *turn, const Hb__Command *command, const Intake__Search *search,
                 const struct wanted *wanted, Intake__Found *found)
{
    struct candidates *candidates = arena_zero(turn_arena(turn), sizeof *candidates);
    size_t limit = search->limit ? search->limit : INTAKE_SEARCH_DEFAULT, opened = 0;
    struct words_place place = begin_at(search), last = {0};
    candidates->turn = turn;
    candidates->newest_first = !search->oldest_first;
    candidates->look = (struct words_look){.site = command->site,
                                           .marks = &candidates->marks,
                                           .from = place,
                                           .newest_first = candidates->newest_first,
                                           .rows_max = ROWS_MAX};
    mark_wanted(candidates, wanted);
    read_unread(candidates, command->site, place);
    while (found->n_case_ids < limit && opened < OPENED_MAX) {
        enum next next = next_candidate(candidates, &place);
        if (next == NEXT_NONE || !within(search, place))
            return;
        last = place;
        if (next == NEXT_LATER)
            break;
        opened++;
        if (matches(turn, intake_actor(command), wanted, place.case_id) &&
            (!found->n_case_ids || found->case_ids[found->n_case_ids - 1] != place.case_id))
            add_found(turn, found, place.case_id);
    }
    found->next = next_of(turn, command, search, last);
}

void intake_search_reply(struct turn *turn, const Hb__Command *command, const Intake__Search *search,
                         Hb__CommandReply *reply)
{
    struct wanted wanted;
    reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_FOUND;
    reply->found = arena_alloc(turn_arena(turn), sizeof *reply->found);
    intake__found__init(reply->found);
    if (wanted_of(turn, search, &wanted))
        look(turn, command, search, &wanted, reply->found);
}
