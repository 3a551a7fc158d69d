/* A page's words in the order they stand, for people to read in a case: no mark-up, no style, no script. Entities mean
   what they mean, blocks begin lines, a link keeps its address, an image its description. It reads any bytes: what is
   no mark-up is text. */
#include "mailbox.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

struct page {
    struct arena *arena;
    char *text;
    size_t size, room;
    unsigned newlines;                                    /* at the end of what is written */
    bool blank;                                           /* a blank is due before the next word */
    unsigned pre;                                         /* blanks and lines count */
    const char *link;                                     /* told behind the words of the link */
    bool no_more_tags, no_more_comments, no_more_ends[3]; /* looked for once, to the end: not again for each */
};

static void put(struct page *page, const char *text, size_t size)
{
    if (page->size + size + 1 > page->room) {
        page->room = (page->size + size + 1) * 2;
        char *more = arena_alloc(page->arena, page->room);
        if (page->size)
            memcpy(more, page->text, page->size);
        page->text = more;
    }
    memcpy(page->text + page->size, text, size);
    page->size += size;
    page->text[page->size] = 0;
}

static void put_lines(struct page *page, unsigned wanted)
{
    page->blank = false;
    while (page->size && page->newlines < wanted) {
        put(page, "\n", 1);
        page->newlines++;
    }
}

static void put_word(struct page *page, const char *text, size_t size)
{
    if (page->blank && page->size && !page->newlines)
        put(page, " ", 1);
    page->blank = false;
    page->newlines = 0;
    put(page, text, size);
}

/* ---- entities ---- */

static const struct {
    const char *name, *text;
} entities[] = {{"amp", "&"},    {"lt", "<"},    {"gt", ">"},     {"quot", "\""},  {"apos", "'"},   {"nbsp", " "},
                {"ensp", " "},   {"emsp", " "},  {"thinsp", " "}, {"middot", "·"}, {"hellip", "…"}, {"mdash", "—"},
                {"ndash", "–"},  {"lsquo", "‘"}, {"rsquo", "’"},  {"ldquo", "“"},  {"rdquo", "”"},  {"laquo", "«"},
                {"raquo", "»"},  {"bull", "•"},  {"copy", "©"},   {"reg", "®"},    {"trade", "™"},  {"yen", "¥"},
                {"euro", "€"},   {"pound", "£"}, {"cent", "¢"},   {"sect", "§"},   {"para", "¶"},   {"deg", "°"},
                {"plusmn", "±"}, {"times", "×"}, {"divide", "÷"}, {"frac12", "½"}, {"permil", "‰"}, {"larr", "←"},
                {"rarr", "→"},   {"auml", "ä"},  {"ouml", "ö"},   {"uuml", "ü"},   {"Auml", "Ä"},   {"Ouml", "Ö"},
                {"Uuml", "Ü"},   {"szlig", "ß"}, {"eacute", "é"}, {"egrave", "è"}, {"agrave", "à"}, {"ccedil", "ç"},
                {"ntilde", "ñ"}, {"zwnj", ""},   {"zwj", ""},     {"shy", ""}};

static size_t utf8_of(unsigned long code, char out[4])
{
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        code = 0xFFFD;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(first[length] | code);
    return length;
}

/* Writes what the entity at `*text` means and steps behind it; one that is none is the text it is. */
static size_t entity(const char **text, char out[8])
{
    const char *at = *text + 1, *end;
    size_t size = strspn(at, "#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (*at == '#' && size > 1 && size < 12) {
        bool hex = at[1] == 'x' || at[1] == 'X';
        unsigned long code = strtoul(at + 1 + hex, (char **)(uintptr_t)&end, hex ? 16 : 10);
        if (end == at + size) {
            *text = end + (*end == ';');
            return utf8_of(code, out);
        }
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (strlen(entities[i].name) == size && strncmp(entities[i].name, at, size) == 0) {
            *text = at + size + (at[size] == ';');
            memcpy(out, entities[i].text, strlen(entities[i].text));
            return strlen(entities[i].text);
        }
    *text = at;
    out[0] = '&';
    return 1;
}

/* ---- tags ---- */

static bool is(const char *name, size_t size, const char *words)
{
    for (const char *word = words; *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        if (length == size && strncasecmp(word, name, size) == 0)
            return true;
        word += length;
    }
    return false;
}

/* Where the tag at `at` ends; a ">" within quotation marks is none. NULL: it never ends, and is text. */
static const char *end_of_tag(struct page *page, const char *at)
{
    char quote = 0;
    if (page->no_more_tags)
        return NULL;
    for (const char *c = at; *c; c++) {
        if (*c == quote)
            quote = 0;
        else if (quote)
            continue;
        else if ((*c == '"' || *c == '\'') && c > at && c[-1] == '=')
            quote = *c;
        else if (*c == '>')
            return c;
    }
    const char *end = strchr(at, '>');
    page->no_more_tags = !end;
    return end;
}

/* The value of an attribute of the tag from `at` to `end`, its entities read. NULL: it has none. */
static char *attribute(struct page *page, const char *at, const char *end, const char *name)
{
    size_t length = strlen(name);
    for (const char *c = at; c + length + 1 < end; c++) {
        if (!isspace((unsigned char)c[0]) || strncasecmp(c + 1, name, length) != 0 || c[1 + length] != '=')
            continue;
        const char *value = c + length + 2;
        char quote = 0;
        if (*value == '"' || *value == '\'')
            quote = *value++;
        char *text = arena_alloc(page->arena, (size_t)(end - value) + 8), *to = text;
        while (value < end && (quote ? *value != quote : !isspace((unsigned char)*value)))
            if (*value == '&')
                to += entity(&value, to); /* never longer than it was written, but for one that is none: "&" */
            else
                *to++ = *value++;
        *to = 0;
        return text;
    }
    return NULL;
}

static void end_link(struct page *page)
{
    const char *link = page->link;
    size_t length = link ? strlen(link) : 0;
    bool said = length && page->size >= length && memcmp(page->text + page->size - length, link, length) == 0;
    page->link = NULL;
    if (!length || said || (strncasecmp(link, "http", 4) != 0 && strncasecmp(link, "mailto:", 7) != 0))
        return;
    page->blank = true;
    put_word(page, "<", 1);
    put(page, link, length);
    put(page, ">", 1);
}

static const char *const wordless[3] = {"script", "style", "title"}; /* what lies within them is no text */

static const char *skip_element(struct page *page, const char *at, const char *name, size_t size)
{
    size_t which = is(name, size, wordless[0]) ? 0 : is(name, size, wordless[1]) ? 1 : 2;
    if (page->no_more_ends[which])
        return at;
    for (const char *c = at; (c = strstr(c, "</")); c += 2)
        if (strncasecmp(c + 2, name, size) == 0 && !isalnum((unsigned char)c[2 + size])) {
            const char *end = strchr(c, '>');
            return end ? end + 1 : c + strlen(c);
        }
    page->no_more_ends[which] = true;
    return at; /* it never ends: then it is text after all */
}

static const char *tag(struct page *page, const char *at)
{
    bool closing = at[1] == '/';
    const char *name = at + 1 + closing, *end = end_of_tag(page, at);
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (strncmp(at, "<!--", 4) == 0) {
        const char *over = page->no_more_comments ? NULL : strstr(at + 4, "-->");
        page->no_more_comments = !over;
        return over ? over + 3 : at + 4;
    }
    if (!end || (!size && at[1] != '!' && at[1] != '?')) {
        put_word(page, "<", 1);
        return at + 1;
    }
    if (!closing && is(name, size, "script style title"))
        return skip_element(page, end + 1, name, size);
    if (is(name, size, "pre"))
        page->pre = closing ? 0 : 1;
    if (is(name, size, "br"))
        put_lines(page, page->newlines + 1);
    else if (is(name, size, "p h1 h2 h3 h4 h5 h6 blockquote ul ol table pre hr"))
        put_lines(page, 2);
    else if (is(name, size, "div tr li dt dd section article header footer body form option address center"))
        put_lines(page, 1);
    else if (is(name, size, "td th"))
        page->blank = true;
    if (!closing && is(name, size, "li"))
        put_word(page, "- ", 2);
    if (!closing && is(name, size, "img input")) {
        const char *words = attribute(page, at, end, is(name, size, "img") ? "alt" : "value");
        if (words && *words)
            put_word(page, words, strlen(words));
    }
    if (is(name, size, "a")) {
        end_link(page);
        page->link = closing ? NULL : attribute(page, at, end, "href");
    }
    return end + 1;
}

char *html_text(const char *html, struct arena *arena)
{
    struct page page = {.arena = arena};
    put(&page, "", 0);
    page.text[0] = 0;
    for (const char *at = html; *at;) {
        char out[8];
        if (*at == '<') {
            at = tag(&page, at);
        } else if (*at == '&') {
            size_t size = entity(&at, out);
            if (size == 1 && *out == ' ')
                page.blank = true;
            else if (size)
                put_word(&page, out, size);
        } else if (page.pre && *at == '\n') {
            put_lines(&page, page.newlines + 1);
            at++;
        } else if (isspace((unsigned char)*at) && !page.pre) {
            page.blank = true;
            at++;
        } else {
            size_t size = page.pre ? strcspn(at, "<&\n") : strcspn(at, "<& \t\r\n\f\v");
            put_word(&page, at, size);
            at += size;
        }
    }
    end_link(&page);
    while (page.size && isspace((unsigned char)page.text[page.size - 1]))
        page.text[--page.size] = 0;
    return page.text;
}
