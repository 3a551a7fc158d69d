/* The reader of mails: what it is left with once it is shut in; pages and charsets become text; what a reader that was
   taken over might write is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- shut in ---- */

static bool barred(long result)
{
    return result == -1 && errno == EPERM;
}

/* In the child: the number of the first thing that was let through; 0: none. System calls as they are, so that no
   wrapper says no before the kernel does. */
static int try_all(void)
{
    char byte = 0;
    struct iovec here = {&byte, 1};
    int open_file = open("/etc/passwd", O_RDONLY);
    if (open_file < 0 || !confine_shut_in())
        return 100;
    if (!barred(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0)))
        return 1;
    if (!barred(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)) || !barred(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0)))
        return 2;
    if (!barred(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)))
        return 3;
    if (!barred(syscall(SYS_execve, "/bin/true", NULL, NULL)))
        return 4;
    if (!barred(syscall(SYS_kill, getppid(), 0)))
        return 5;
    if (!barred(syscall(SYS_process_vm_readv, getppid(), &here, 1, &here, 1, 0)))
        return 6;
    if (!barred(syscall(SYS_ptrace, 0, 0, 0, 0)))
        return 7;
    if (!barred(syscall(SYS_unlinkat, AT_FDCWD, "/nowhere", 0)))
        return 8;
    return read(open_file, &byte, 1) == 1 ? 0 : 9; /* what is open stays so */
}

static void it_can_only_compute(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0)
        syscall(SYS_exit_group, try_all()); /* past the sanitizer, which has its own wishes at the end */
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- words ---- */

static void pages_become_text(void **state)
{
    (void)state;
    static const struct {
        const char *html, *text;
    } pages[] = {
        {"<p>a<b>b</b> c<p>d", "ab c\n\nd"},
        {"a&lt;b&gt; &amp;amp; &#x4E2D;&#25991;&nosuch; & b", "a<b> &amp; 中文&nosuch; & b"},
        {"<style>x{}</style>a<script>if (1<2) b</script>c<!-- d -->e", "ace"},
        {"<script>never closed", "never closed"},
        {"a <b", "a <b"},
        {"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"},
        {"<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"},
        {"<a href='https://example.org/?a=1&amp;b=2'>see</a>.", "see <https://example.org/?a=1&b=2>."},
        {"<a href=\"https://example.org/\">https://example.org/</a>", "https://example.org/"},
        {"<a href='javascript:x'>y</a><img alt='照片' src=x>", "y照片"},
        {"<pre>a  b\n c</pre>", "a  b\n c"},
        {"<td>a<td>b<tr>c", "a b\nc"},
        {"<p title='>'>a", "a"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct arena arena;
        arena_init(&arena);
        assert_string_equal(html_text(pages[i].html, &arena), pages[i].text);
        arena_fini(&arena);
    }
}

static void charsets_become_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *charset, *text;
    } texts[] = {
        {"\xd6\xec\xe9\x46\xbb\xf9", "GB2312", "朱镕基"}, /* its second letter is GBK's */
        {"\x95\x32\x82\x36", "gb18030", "\xf0\xa0\x80\x80"},
        {"\xb9\x71\xb1\xe8", "Big5", "電梯"},
        {"\x1b$B%(%l\x1b(B", "ISO-2022-JP", "エレ"},
        {"\x93quoted\x94", "iso-8859-1", "“quoted”"},
        {"\xef\xbb\xbf"
         "a",
         NULL, "a"},
        {"\xb5\xe7\xcc\xdd", NULL, "电梯"}, /* says nothing, and is no UTF-8 */
        {"\xb5\xe7\xcc\xdd", "us-ascii", "电梯"},
        {"a\xff"
         "b",
         "utf-8",
         "a\xef\xbf\xbd"
         "b"},
        {"a\xff"
         "b",
         "x-nobody",
         "a\xef\xbf\xbd"
         "b"},
        {"\xb5\xe7\xff\xff\xcc\xdd", "gb18030", "电\xef\xbf\xbd\xef\xbf\xbd梯"},
        {"plain", "//TRANSLIT", "plain"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena arena;
        arena_init(&arena);
        assert_string_equal(charset_text(bytes_of_text(texts[i].bytes), texts[i].charset, &arena), texts[i].text);
        arena_fini(&arena);
    }
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(charset_text(bytes_of("a\0b", 3), "utf-8", &arena), "a\xef\xbf\xbd"
                                                                            "b");
    arena_fini(&arena);
    assert_int_equal(text_fitting("电梯x", 2, 100), 6);
    assert_int_equal(text_fitting("电梯x", 9, 5), 3);
}

/* ---- what a reader that was taken over might write ---- */

#define GOOD                                                                                                           \
    "{\"message_id\":\"\",\"name\":\"\",\"address\":\"\",\"subject\":\"s\",\"date\":\"\",\"text\":\"t\",\"cut\":"      \
    "false,"                                                                                                           \
    "\"automatic\":\"\",\"answered\":[\"a\"],\"received_ms\":0,\"files\":[{\"name\":\"f\",\"type\":\"a/"               \
    "b\",\"size\":2}],"                                                                                                \
    "\"left_out\":0}"

static bool believed(struct arena *arena, const char *json, const char *files)
{
    struct mail mail;
    size_t size = strlen(json), all = 4 + size + strlen(files);
    uint8_t *bytes = arena_alloc(arena, all);
    bytes_put_u32(bytes, (uint32_t)size);
    memcpy(bytes + 4, json, size);
    memcpy(bytes + 4 + size, files, strlen(files));
    return wire_unpack(bytes_of(bytes, all), arena, &mail);
}

static char *with(struct arena *arena, const char *old, const char *new)
{
    const char *at = strstr(GOOD, old);
    assert_non_null(at);
    return arena_printf(arena, "%.*s%s%s", (int)(at - GOOD), GOOD, new, at + strlen(old));
}

static void its_answer_is_not_believed(void **state)
{
    (void)state;
    struct arena arena;
    struct mail mail;
    static const struct {
        const char *old, *new;
    } wrong[] = {{"\"size\":2", "\"size\":3"},
                 {"\"size\":2", "\"size\":1"},
                 {"\"size\":2", "\"size\":-1"},
                 {"\"size\":2", "\"size\":99999999999"},
                 {"\"text\":\"t\"", "\"text\":7"},
                 {"\"text\":\"t\"", "\"text\":\"a\\u0000b\""},
                 {"[\"a\"]", "[7]"},
                 {"\"received_ms\":0", "\"received_ms\":-1"},
                 {"\"files\":[", "\"files\":7,\"x\":["},
                 {"\"subject\":\"s\",", ""},
                 {"\"subject\":\"s\"", "\"subject\":\"s\",\"subject\":\"s\""}};
    arena_init(&arena);
    assert_true(believed(&arena, GOOD, "xy"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(believed(&arena, with(&arena, wrong[i].old, wrong[i].new), "xy"));
    assert_false(believed(&arena, GOOD, "x"));
    assert_false(believed(&arena, "[]", ""));
    char *long_text = arena_alloc(&arena, MAIL_TEXT_CHARACTERS_MAX + 2);
    memset(long_text, 'a', MAIL_TEXT_CHARACTERS_MAX + 1);
    long_text[MAIL_TEXT_CHARACTERS_MAX + 1] = 0;
    assert_false(
        believed(&arena, with(&arena, "\"text\":\"t\"", arena_printf(&arena, "\"text\":\"%s\"", long_text)), "xy"));
    assert_false(wire_unpack(bytes_of("\xff\xff\xff\xff", 4), &arena, &mail));
    assert_false(wire_unpack(bytes_of("", 0), &arena, &mail));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_can_only_compute),
        cmocka_unit_test(pages_become_text),
        cmocka_unit_test(charsets_become_utf8),
        cmocka_unit_test(its_answer_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
