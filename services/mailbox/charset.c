/* What a mail calls its charset, and what is really meant: GB2312 is written by programs that use all of GB18030,
   Latin-1 by those that use Windows' quotation marks. Nothing is refused: what means nothing becomes U+FFFD, and the
   rest stays. */
#include "mailbox.h"

#include <iconv.h>
#include <stdlib.h>
#include <strings.h>

#define REPLACED "\xef\xbf\xbd"

static const struct {
    const char *said, *meant;
} charsets[] = {{"gb2312", "GB18030"},
                {"gbk", "GB18030"},
                {"cp936", "GB18030"},
                {"x-gbk", "GB18030"},
                {"euc-cn", "GB18030"},
                {"gb18030", "GB18030"},
                {"big5", "BIG5-HKSCS"},
                {"big5-hkscs", "BIG5-HKSCS"},
                {"cp950", "BIG5-HKSCS"},
                {"iso-2022-jp", "ISO-2022-JP-3"},
                {"shift_jis", "CP932"},
                {"sjis", "CP932"},
                {"windows-31j", "CP932"},
                {"euc-jp", "EUC-JP"},
                {"ks_c_5601-1987", "CP949"},
                {"euc-kr", "CP949"},
                {"iso-2022-kr", "ISO-2022-KR"},
                {"iso-2022-cn", "ISO-2022-CN"},
                {"iso-8859-1", "CP1252"},
                {"latin1", "CP1252"},
                {"us-ascii", "UTF-8"},
                {"utf-8", "UTF-8"},
                {"utf8", "UTF-8"},
                {"unicode-1-1-utf-7", "UTF-7"},
                {"utf-7", "UTF-7"},
                {"utf-16", "UTF-16"},
                {"utf-16le", "UTF-16LE"},
                {"utf-16be", "UTF-16BE"},
                {"koi8-r", "KOI8-R"},
                {"windows-1250", "CP1250"},
                {"windows-1251", "CP1251"},
                {"windows-1252", "CP1252"},
                {"windows-1253", "CP1253"},
                {"windows-1254", "CP1254"},
                {"windows-1255", "CP1255"},
                {"windows-1256", "CP1256"},
                {"windows-1257", "CP1257"},
                {"windows-1258", "CP1258"},
                {"windows-874", "CP874"},
                {"tis-620", "CP874"},
                {"iso-8859-2", "ISO-8859-2"},
                {"iso-8859-5", "ISO-8859-5"},
                {"iso-8859-9", "CP1254"},
                {"iso-8859-15", "ISO-8859-15"}};
#define CHARSETS_COUNT (sizeof charsets / sizeof *charsets)

/* The library that a converter is made of stays loaded as long as one is open. GMime asks for the names as they are
   said, for headers. */
void charset_load(void)
{
    for (size_t i = 0; i < CHARSETS_COUNT; i++) {
        (void)iconv_open("UTF-8", charsets[i].meant); /* never closed */
        (void)iconv_open("UTF-8", charsets[i].said);
    }
}

static const char *meant(const char *charset)
{
    for (size_t i = 0; charset && i < CHARSETS_COUNT; i++)
        if (strcasecmp(charsets[i].said, charset) == 0)
            return charsets[i].meant;
    return charset && *charset ? charset : "UTF-8";
}

struct out {
    struct arena *arena;
    char *text;
    size_t size, room;
};

static void put(struct out *out, const char *text, size_t size)
{
    if (out->size + size + 1 > out->room) {
        out->room = (out->size + size + 1) * 2;
        char *more = arena_alloc(out->arena, out->room);
        if (out->size)
            memcpy(more, out->text, out->size);
        out->text = more;
    }
    bug_unless(out->text);
    memcpy(out->text + out->size, text, size);
    out->size += size;
}

/* Bytes that mean nothing are replaced one by one, so that what follows is read from its right beginning. */
static void convert(iconv_t converter, struct bytes bytes, struct out *out)
{
    char *in = (char *)(uintptr_t)bytes.data, chunk[4096];
    size_t left = bytes.size;
    for (bool flushing = false; !flushing;) {
        char *to = chunk;
        size_t room = sizeof chunk;
        flushing = left == 0;
        size_t before = left;
        size_t result = iconv(converter, flushing ? NULL : &in, flushing ? NULL : &left, &to, &room);
        put(out, chunk, sizeof chunk - room);
        if (result == (size_t)-1 && left && room == sizeof chunk && left == before) {
            put(out, REPLACED, 3);
            in++;
            left--;
        }
    }
}

static void take_as_is(struct bytes bytes, struct out *out)
{
    size_t i = 0;
    while (i < bytes.size) {
        const char *at = (const char *)bytes.data + i;
        size_t length = 1;
        while (length < 4 && i + length < bytes.size && (bytes.data[i + length] & 0xC0) == 0x80)
            length++;
        while (length > 1 && !utf8_valid(at, length))
            length--;
        if (utf8_valid(at, length))
            put(out, at, length);
        else
            put(out, REPLACED, 3);
        i += length;
    }
}

char *charset_text(struct bytes bytes, const char *charset, struct arena *arena)
{
    struct out out = {.arena = arena}, clean = {.arena = arena};
    const char *name = meant(charset);
    bool utf8 = strcmp(name, "UTF-8") == 0;
    if (bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0)
        return charset_text(bytes_of(bytes.data + 3, bytes.size - 3), "UTF-8", arena);
    if (utf8 && !utf8_valid((const char *)bytes.data, bytes.size) && !memchr(bytes.data, 0, bytes.size)) {
        /* said to be ASCII or UTF-8, and is not: here that is GB18030, if it is anything */
        iconv_t converter = iconv_open("UTF-8", "GB18030");
        char *in = (char *)(uintptr_t)bytes.data, *to = arena_alloc(arena, bytes.size * 4 + 1);
        size_t left = bytes.size, room = bytes.size * 4;
        char *text = to;
        bool good = converter != (iconv_t)-1 && iconv(converter, &in, &left, &to, &room) != (size_t)-1;
        if (converter != (iconv_t)-1)
            iconv_close(converter);
        *to = 0;
        if (good && utf8_valid(text, (size_t)(to - text)))
            return text;
    }
    iconv_t converter = utf8 ? (iconv_t)-1 : iconv_open("UTF-8", name);
    if (converter == (iconv_t)-1) {
        take_as_is(bytes, &out);
    } else {
        convert(converter, bytes, &out);
        iconv_close(converter);
        take_as_is(bytes_of(out.text, out.size), &clean); /* a NUL may be a character elsewhere */
        out = clean;
    }
    put(&out, "", 0);
    out.text[out.size] = 0;
    return out.text;
}

size_t text_fitting(const char *text, size_t characters_max, size_t bytes_max)
{
    size_t at = 0, characters = 0;
    while (text[at]) {
        size_t next = at + 1;
        while (((uint8_t)text[next] & 0xC0) == 0x80)
            next++;
        if (++characters > characters_max || next > bytes_max)
            break;
        at = next;
    }
    return at;
}
