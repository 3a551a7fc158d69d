/* What somebody sees who works on a case and has not said why they need more: enough to recognise who it is and to read
   what happened, not enough to write to them or to call them. Of the identity (who complained) only a beginning is
   shown; in what people write, telephone and identity numbers lose their middle: a row of 7 digits or more, of 11 or
   more where blanks or hyphens part them, so that dates stay. */
#include "base/planted.h"
#include "intake.h"

#define DIGITS_MIN 7u         /* side by side */
#define DIGITS_PARTED_MIN 11u /* with blanks or hyphens between */
#define DIGITS_LONG 11u       /* from here on 3 and 4 are left, else 2 and 2 */

/* ---- characters ---- */

static size_t character_size(const char *text)
{
    size_t size = 1;
    while (((unsigned char)text[size] & 0xc0u) == 0x80u)
        size++;
    return size;
}

/* 0: none. "7" and the wide "７". */
static size_t digit_size(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (*c >= '0' && *c <= '9')
        return 1;
    return c[0] == 0xef && c[1] == 0xbc && c[2] >= 0x90 && c[2] <= 0x99 ? 3 : 0;
}

static char *first_characters(struct turn *turn, const char *text, unsigned count, const char *then)
{
    size_t size = 0;
    for (unsigned i = 0; i < count && text[size]; i++)
        size += character_size(text + size);
    return arena_printf(turn_arena(turn), "%.*s%s", (int)size, text, then);
}

/* ---- numbers ---- */

struct row {
    unsigned digits;  /* an X that ends an identity number is one */
    unsigned longest; /* of them side by side */
    size_t size;
};

/* What people write between the digits of one number; 0: something else. */
static size_t gap_size(const char *text)
{
    static const char *const gaps[] = {"  ", " ", "-", "·", "　", "－", "–", "—", "‑"};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        if (strncmp(text, gaps[i], strlen(gaps[i])) == 0)
            return strlen(gaps[i]);
    return 0;
}

static struct row row_at(const char *text)
{
    struct row row = {0};
    size_t at = 0, gap = 0;
    unsigned run = 0;
    for (;;) {
        size_t digit = digit_size(text + at);
        if (digit) {
            row.digits++;
            row.longest = ++run > row.longest ? run : row.longest;
            row.size = at += digit;
        } else if (row.digits && (gap = gap_size(text + at)) && digit_size(text + at + gap)) {
            run = 0;
            at += gap;
        } else {
            break;
        }
    }
    bool check = row.digits == 17 && (text[row.size] == 'X' || text[row.size] == 'x');
    row.digits += check;
    row.size += check;
    return row;
}

/* Copies a row, a star for each digit that is hidden. Returns the end of the copy. */
static char *hide_row(const char *text, const struct row *row, char *to)
{
    unsigned head = row->digits >= DIGITS_LONG ? 3 : 2, tail = row->digits >= DIGITS_LONG ? 4 : 2, seen = 0;
    for (size_t at = 0; at < row->size;) {
        size_t size = character_size(text + at);
        bool number = digit_size(text + at) || text[at] == 'X' || text[at] == 'x';
        bool hidden = number && seen >= head && seen + tail < row->digits;
        seen += number;
        if (hidden) {
            *to++ = '*';
        } else {
            memcpy(to, text + at, size);
            to += size;
        }
        at += size;
    }
    return to;
}

static char *mask_numbers(struct turn *turn, char *text)
{
    char *masked = arena_alloc(turn_arena(turn), strlen(text) + 1), *to = masked;
    bool any = false;
    for (const char *at = text; *at;) {
        struct row row = row_at(at);
        bool hide = row.longest >= DIGITS_MIN || row.digits >= DIGITS_PARTED_MIN;
        size_t size = row.size ? row.size : character_size(at);
        if (hide) {
            to = hide_row(at, &row, to);
        } else {
            memcpy(to, at, size);
            to += size;
        }
        any = any || hide;
        at += size;
    }
    *to = 0;
    return any ? masked : text;
}

/* ---- who complained ---- */

static bool is_identity(struct turn *turn, uint64_t key_id)
{
    uint64_t owner = intake_key_case(turn, key_id);
    const Intakerec__Case *record = owner ? intake_case_load(turn, owner) : NULL;
    return record && record->identity_key == key_id;
}

static char *mask_email(struct turn *turn, const char *text)
{
    const char *at = strrchr(text, '@');
    return first_characters(turn, text, at && at - text > 1, arena_printf(turn_arena(turn), "***%s", at ? at : ""));
}

/* Of "欧阳铃木" 欧**, of "Ann Lee" A**; short or long, it looks alike. */
static char *mask_identity(struct turn *turn, const char *field, char *text)
{
    if (strcmp(field, "name") == 0)
        return first_characters(turn, text, 1, "**");
    if (strcmp(field, "email") == 0)
        return mask_email(turn, text);
    if (strcmp(field, "address") == 0)
        return first_characters(turn, text, 3, "****");
    struct row row = row_at(text); /* one number, and nothing else */
    bool one = !text[row.size] && (row.longest >= DIGITS_MIN || row.digits >= DIGITS_PARTED_MIN);
    return one ? mask_numbers(turn, text) : first_characters(turn, text, 2, "****");
}

char *intake_masked(struct turn *turn, const Hb__Sealed *box, char *text)
{
    if (planted("mask_nothing"))
        return text;
    if (!*text)
        return text;
    return is_identity(turn, box->key_id) ? mask_identity(turn, box->field, text) : mask_numbers(turn, text);
}
