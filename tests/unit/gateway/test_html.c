/* Whatever is given to the writer, no markup and no attribute comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html.h"

#include <stdlib.h>

static struct arena arena;

static const char *written(const char *text)
{
    struct html html;
    html_init(&html, &arena);
    html_text(&html, text);
    assert_int_equal(html.size, strlen(html.data));
    return html.data;
}

static void markup_becomes_text(void **state)
{
    (void)state;
    assert_string_equal(written("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
    assert_string_equal(written("\" onmouseover='x' a=\""), "&quot; onmouseover=&#39;x&#39; a=&quot;");
    assert_string_equal(written("a & b &amp; c"), "a &amp; b &amp;amp; c");
    assert_string_equal(written("漏水 3栋 & 噪音"), "漏水 3栋 &amp; 噪音");
    assert_string_equal(written(""), "");
    assert_string_equal(written(NULL), "");
}

static void what_is_no_text_is_left_out(void **state)
{
    (void)state;
    assert_string_equal(written("a\x01\x08\x1b[2J\x7f"
                                "b\tc\nd"),
                        "a[2Jb\tc\nd");
    assert_string_equal(written("a\xc2\x85z"), "az"); /* a C1 control */
    assert_string_equal(written("a\xe2\x80\xae"
                                "z\xe2\x81\xa6"),
                        "az"); /* reading turned around */
    assert_string_equal(written("a\xff\xc0\xafz"), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"); /* overlong '/' */
    assert_string_equal(written("\xe6\xbc"), "\xef\xbf\xbd\xef\xbf\xbd");                     /* cut short */
    assert_string_equal(written("\xed\xa0\x80z"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");   /* a surrogate */
}

static void formats_escape_what_they_fill_in(void **state)
{
    (void)state;
    struct html html;
    html_init(&html, &arena);
    html_add(&html, "<a href=\"%s\" id=\"n%zu\">%s %d %u 100%%</a>", "\"><b>", (size_t)7, "<i>", -3, 4u);
    assert_string_equal(html.data, "<a href=\"&quot;&gt;&lt;b&gt;\" id=\"n7\">&lt;i&gt; -3 4 100%</a>");
}

static void long_texts_grow(void **state)
{
    (void)state;
    struct html html;
    html_init(&html, &arena);
    for (int i = 0; i < 10000; i++)
        html_add(&html, "%s<p>", "<&>");
    assert_int_equal(html.size, 10000u * (4 + 5 + 4 + 3));
    assert_int_equal(strlen(html.data), html.size);
    for (size_t i = 0; i < html.size; i += 16)
        assert_memory_equal(html.data + i, "&lt;&amp;&gt;<p>", 16);
}

static void addresses_are_encoded(void **state)
{
    (void)state;
    assert_string_equal(html_url(&arena, "haitang-1_2.~"), "haitang-1_2.~");
    assert_string_equal(html_url(&arena, "a&b=c\"<>'/?#%"), "a%26b%3Dc%22%3C%3E%27%2F%3F%23%25");
    assert_string_equal(html_url(&arena, "漏"), "%E6%BC%8F");
    assert_string_equal(html_url(&arena, "javascript:x"), "javascript%3Ax");
}

/* Garbage of every kind inside an attribute and an element: the frame around it stands, and nothing else is markup. */
static void garbage_never_breaks_out(void **state)
{
    (void)state;
    static const char pieces[] = "<>\"'&/=;%abc \n\t-!\xe6\xbc\x8f\xff\xc2\x80\xe2\x80\xae";
    srandom(20261124);
    for (int round = 0; round < 20000; round++) {
        char garbage[40];
        size_t size = (size_t)random() % (sizeof garbage - 1);
        for (size_t i = 0; i < size; i++)
            garbage[i] = (char)(random() % 4 ? pieces[(size_t)random() % (sizeof pieces - 1)] : random() % 255 + 1);
        garbage[size] = 0;
        struct html html;
        html_init(&html, &arena);
        html_add(&html, "<p title=\"%s\">%s</p>", garbage, garbage);
        assert_true(utf8_valid(html.data, html.size));
        const char *inside = html.data + strlen("<p title=\""), *end = html.data + html.size - strlen("</p>");
        unsigned quotes = 0, angles = 0;
        for (const char *at = inside; at < end; at++) {
            quotes += *at == '"';
            angles += *at == '<' || *at == '>';
            assert_int_not_equal(*at, '\'');
        }
        assert_int_equal(quotes, 1);
        assert_int_equal(angles, 1);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_text),
        cmocka_unit_test(what_is_no_text_is_left_out),
        cmocka_unit_test(formats_escape_what_they_fill_in),
        cmocka_unit_test(long_texts_grow),
        cmocka_unit_test(addresses_are_encoded),
        cmocka_unit_test(garbage_never_breaks_out),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
