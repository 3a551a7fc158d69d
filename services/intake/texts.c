/* The texts of a case: what was sealed at its registration, which stands in the own log, and what steps brought, whose
   boxes are kept here. In the order in which they were heard they are read into the index of words (vault/words.h).

     texts      running number BE64                intakerec.Text
     case_texts case id BE64, running number BE64  ""          all of one case */
#include "intake.h"

#include "message/message.h"
#include "organisation/organisation.h"
#include "policy/lookup.h"
#include "text/text.h"
#include "vault/vault.h"
#include "vault/words.h"

#define INDEX_TEXTS 200u /* read at once: some ten milliseconds */

/* ---- folding ---- */

void intake_text_save(struct turn *turn, uint64_t case_id, uint64_t offset, Hb__Sealed **boxes, size_t count)
{
    struct bytes last;
    uint64_t number = state_last(turn, INTAKE_TEXTS, (struct bytes){0}, &last, NULL) ? bytes_get_u64(last.data) + 1 : 1;
    Intakerec__Text text = INTAKEREC__TEXT__INIT;
    text.case_id = case_id;
    text.offset = offset;
    text.boxes = boxes;
    text.n_boxes = count;
    struct key key = key_u64(number), of_case = key_u64(case_id);
    key_add_u64(&of_case, number);
    state_save(turn, INTAKE_TEXTS, key_bytes(&key), &text.base);
    state_put(turn, INTAKE_CASE_TEXTS, key_bytes(&of_case), bytes_of_text(""));
}

static void add_box(struct turn *turn, const Hb__Personal *personal, Hb__Sealed ***boxes, size_t *count)
{
    if (!personal || personal->kind_case != HB__PERSONAL__KIND_SEALED)
        return;
    *boxes = arena_grow(turn_arena(turn), *boxes, *count, sizeof **boxes);
    (*boxes)[(*count)++] = personal->sealed;
}

/* Steps of another cell's cases are none of ours. */
void intake_step_fold(struct turn *turn, const Hb__Event *event, const Casework__StepTaken *taken)
{
    Hb__Sealed **boxes = NULL;
    size_t count = 0;
    if (turn_looks_at(turn))
        return;
    add_box(turn, taken->note, &boxes, &count);
    for (size_t i = 0; i < taken->n_texts; i++)
        if (taken->texts[i]->content_case == HB__FIELD__CONTENT_TEXT)
            add_box(turn, taken->texts[i]->text, &boxes, &count);
    const Intakerec__Case *from = taken->copied_from ? intake_case_load(turn, taken->copied_from) : NULL;
    for (size_t i = 0; from && i < count; i++)
        /* that key a case which a rule opened shares with others; the other may have the text from a third */
        if (boxes[i]->key_id == from->content_key || intake_lent(turn, taken->copied_from, boxes[i]))
            intake_lent_save(turn, event->case_id, boxes[i]);
    if (count && intake_case_load(turn, event->case_id))
        intake_text_save(turn, event->case_id, 0, boxes, count);
}

/* ---- reading ---- */

struct reading {
    struct turn *turn;
    uint64_t case_id;
    const Hb__Actor *actor;
    intake_text_fn *each;
    void *context;
    bool over;
    enum err err; /* a box that could not be read for now */
};

static void give(struct reading *reading, const char *field, const char *text)
{
    if (!reading->over && *text)
        reading->over = !reading->each(reading->context, field, text);
}

static void read_box(struct reading *reading, const Hb__Sealed *box)
{
    struct turn *turn = reading->turn;
    char *text;
    const Hb__Actor *actor = reading->actor;
    bool withheld = actor && (intake_identity_withheld(turn, actor, intake_key_case(turn, box->key_id), box->key_id) ||
                              intake_text_withheld(turn, actor, reading->case_id, box->field));
    if (reading->over || withheld)
        return;
    enum err err = vault_open(turn_vault(turn), box, turn_arena(turn), &text);
    if (!err)
        give(reading, box->field, text);
    else if (err != ERR_NOT_FOUND && err != ERR_CORRUPT) /* destroyed; altered, which VERIFY tells */
        reading->err = err;
}

static void read_sealed(ProtobufCMessage *message, void *context)
{
    if (message->descriptor == &hb__sealed__descriptor)
        read_box(context, (const Hb__Sealed *)message);
}

static void read_text(struct reading *reading, const Intakerec__Text *text)
{
    Hb__Event *event = text->offset ? turn_own_event(reading->turn, text->offset) : NULL;
    if (event)
        message_visit(&event->intake->registered->base, read_sealed, reading);
    for (size_t i = 0; i < text->n_boxes; i++)
        read_box(reading, text->boxes[i]);
}

/* A listed place by its names in both languages. */
static void read_place(struct reading *reading, const Intakerec__Case *record)
{
    const Policy__Policy *policy = organisation_policy(reading->turn, record->site, 0);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    const Policy__FieldDef *def = kind ? policy_field(kind, "place") : NULL;
    give(reading, "place", record->place);
    for (size_t i = 0; def && i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, record->place) == 0 && def->one_of[i]->label) {
            give(reading, "place", def->one_of[i]->label->zh);
            give(reading, "place", def->one_of[i]->label->en);
        }
}

enum err intake_texts_each(struct turn *turn, uint64_t case_id, const Hb__Actor *actor, intake_text_fn *each,
                           void *context)
{
    struct reading reading = {.turn = turn, .case_id = case_id, .actor = actor, .each = each, .context = context};
    const Intakerec__Case *record = intake_case_load(turn, case_id);
    if (!record)
        return ERR_NONE;
    give(&reading, "number", record->number);
    read_place(&reading, record);
    struct key prefix = key_u64(case_id);
    struct state_scan *scan = state_scan_open(turn, INTAKE_CASE_TEXTS, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (!reading.over && state_scan_next(scan, &key, &value)) {
        struct bytes number = bytes_of(key.data + prefix.size, key.size - prefix.size);
        read_text(&reading, state_load(turn, INTAKE_TEXTS, number, &intakerec__text__descriptor));
    }
    return reading.err;
}

size_t intake_texts_after(struct turn *turn, uint64_t end, size_t most, uint64_t *cases, uint64_t *end_out)
{
    struct key from = key_u64(end + 1);
    struct state_scan *scan = state_scan_open(turn, INTAKE_TEXTS, (struct bytes){0}, key_bytes(&from));
    struct bytes key, value;
    size_t count = 0;
    *end_out = end;
    while (count < most && state_scan_next(scan, &key, &value)) {
        const Intakerec__Text *text = state_load(turn, INTAKE_TEXTS, key, &intakerec__text__descriptor);
        *end_out = bytes_get_u64(key.data);
        cases[count++] = text->case_id;
    }
    return count;
}

/* ---- the index of words ---- */

struct marking {
    struct turn *turn;
    struct words_marks marks;
};

static bool mark_text(void *context, const char *field, const char *text)
{
    struct marking *marking = context;
    struct words *words = turn_words(marking->turn);
    struct arena *arena = turn_arena(marking->turn);
    char *phones[TEXT_PHONES_MAX];
    char *folded = text_folded(arena, text);
    words_mark(words, WORDS_OF_ANY, folded, arena, &marking->marks);
    if (strcmp(field, "text") == 0) /* by what it is about cases are alike, and by nothing of whoever it came from */
        words_mark(words, WORDS_OF_MATTER, folded, arena, &marking->marks);
    size_t count = strcmp(field, "phone") == 0 ? text_phones(arena, text, phones) : 0;
    for (size_t i = 0; i < count; i++)
        words_mark_whole(words, "phone", phones[i], arena, &marking->marks);
    return true;
}

static enum err index_case(struct turn *turn, uint64_t case_id)
{
    enum err err = ERR_NONE;
    struct arena_mark mark = arena_mark(turn_arena(turn));
    const Intakerec__Case *record = intake_case_load(turn, case_id);
    struct marking marking = {.turn = turn};
    if (record) {
        err = intake_texts_each(turn, case_id, NULL, mark_text, &marking);
        words_put(turn_words(turn), record->site, (struct words_place){(uint64_t)record->received_ms, case_id},
                  &marking.marks);
    }
    arena_return(turn_arena(turn), mark);
    return err;
}

static bool comes_again(const uint64_t *cases, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (cases[i] == cases[at])
            return true;
    return false;
}

enum err intake_index(struct turn *turn, bool *more_out)
{
    struct words *words = turn_words(turn);
    uint64_t cases[INDEX_TEXTS], end;
    size_t count = intake_texts_after(turn, words_end(words), INDEX_TEXTS, cases, &end);
    *more_out = count == INDEX_TEXTS;
    if (!count)
        return ERR_NONE;
    words_begin(words);
    enum err err = ERR_NONE;
    for (size_t i = 0; i < count && !err; i++)
        if (!comes_again(cases, count, i)) /* a case is read with all its texts */
            err = index_case(turn, cases[i]);
    return err ? err : words_commit(words, end); /* or read again later: a search compares meanwhile */
}
