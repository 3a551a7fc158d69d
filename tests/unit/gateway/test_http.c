/* Reading requests and bodies: percent-encoding, forms, Accept, cookies, the short form of messages, command ids. */
#include "body.h"
#include "cell.h"
#include "http_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct http_request request;
static struct http_pair headers[4];

static int begin(void **state)
{
    (void)state;
    memset(&request, 0, sizeof request);
    arena_init(&request.arena);
    request.headers.list = headers;
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_fini(&request.arena);
    return 0;
}

static void header(const char *name, const char *value)
{
    headers[request.headers.count++] = (struct http_pair){(char *)(uintptr_t)name, (char *)(uintptr_t)value};
}

static const char *decode(const char *text, bool form)
{
    return http_decode(&request.arena, text, strlen(text), form);
}

/* ---- who asks ---- */

static const char *client(const char *peer)
{
    static struct network proxies[3];
    static struct http_server server = {.proxies = proxies, .proxies_count = 3};
    static struct gateway gateway = {.http = &server};
    uint8_t address[16];
    assert_true(network_read("127.0.0.0/8", &proxies[0]));
    assert_true(network_read("172.16.0.0/12", &proxies[1]));
    assert_true(network_read("fd00::/8", &proxies[2]));
    request.gateway = &gateway;
    assert_true(address_read(peer, address));
    const char *found = http_client_address(&request, address, &request.arena);
    request.headers.count = 0;
    return found;
}

static void the_client_is_whom_trusted_proxies_name(void **state)
{
    (void)state;
    static const char name[] = "X-Forwarded-For";
    assert_string_equal(client("203.0.113.9"), "203.0.113.9");
    assert_string_equal(client("::ffff:203.0.113.9"), "203.0.113.9");
    header(name, "198.51.100.1"); /* no proxy: it may say what it likes */
    assert_string_equal(client("203.0.113.9"), "203.0.113.9");
    static const char *const proxies[] = {"127.0.0.1",  "127.0.0.53",          "::ffff:127.0.0.1",
                                          "172.18.0.1", "::ffff:172.31.255.1", "fd12::1"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        header(name, "198.51.100.1");
        assert_string_equal(client(proxies[i]), "198.51.100.1");
    }
    header(name, "198.51.100.1"); /* just outside */
    assert_string_equal(client("172.32.0.1"), "172.32.0.1");
    header(name, "10.0.0.1, 127.0.0.1, 198.51.100.1"); /* what the client has made up stands before */
    assert_string_equal(client("127.0.0.1"), "198.51.100.1");
    header(name, "10.0.0.1"); /* a proxy that adds a header of its own */
    header("Accept", "x");
    header("x-forwarded-for", "198.51.100.1");
    assert_string_equal(client("127.0.0.1"), "198.51.100.1");
    header(name, "10.0.0.1,198.51.100.1 , fd00::7,172.18.0.9"); /* three of ours in a row */
    assert_string_equal(client("127.0.0.1"), "198.51.100.1");
    header(name, "10.0.0.1, 198.51.100.1"); /* over two headers */
    header(name, "172.18.0.9");
    assert_string_equal(client("127.0.0.1"), "198.51.100.1");
    header(name, "172.18.0.9, 127.0.0.1"); /* all of them: whoever stands first */
    assert_string_equal(client("127.0.0.1"), "172.18.0.9");
    header(name, "198.51.100.1:4711");
    assert_string_equal(client("127.0.0.1"), "198.51.100.1");
    header(name, "[2001:DB8::1]:4711");
    assert_string_equal(client("127.0.0.1"), "2001:db8::1");
    static const char *const wrong[] = {"",
                                        " ",
                                        "unknown",
                                        "198.51.100",
                                        "198.51.100.1x",
                                        "198.51.100.1:",
                                        "[::1",
                                        "::1]:7",
                                        "1.2.3.4,",
                                        "2001:db8::1%eth0",
                                        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { /* nothing is believed that cannot be read */
        header(name, wrong[i]);
        assert_string_equal(client("172.18.0.9"), "172.18.0.9");
    }
}

static void percent_encoding(void **state)
{
    (void)state;
    assert_string_equal(decode("a%20b+c", false), "a b+c");
    assert_string_equal(decode("a%20b+c", true), "a b c");
    assert_string_equal(decode("%E6%A5%BC%e6%a5%bc", false), "楼楼");
    assert_string_equal(decode("", false), "");
    assert_string_equal(decode("%2F%25", false), "/%");
    assert_null(decode("%", false));
    assert_null(decode("%4", false));
    assert_null(decode("%4g", false));
    assert_null(decode("%00", false));
    assert_null(decode("%ff", false));
    assert_null(decode("%C0%AF", false)); /* an overlong form */
}

static void forms(void **state)
{
    (void)state;
    static const char text[] = "name=%E7%8E%8B+%E4%BA%94&empty=&flag&&a=b=c";
    header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body = bytes_of_text(text);
    assert_true(http_form_read(&request));
    assert_string_equal(http_form(&request, "name"), "王 五");
    assert_string_equal(http_form(&request, "empty"), "");
    assert_string_equal(http_form(&request, "flag"), "");
    assert_string_equal(http_form(&request, "a"), "b=c");
    assert_null(http_form(&request, "absent"));
}

static bool takes(const char *accept, const char *type)
{
    request.headers.count = 0;
    header("Accept", accept);
    return http_accepts(&request, type);
}

static void accept_header(void **state)
{
    (void)state;
    assert_true(http_accepts(&request, "text/csv")); /* no header takes all */
    assert_true(takes("text/csv", "text/csv"));
    assert_true(takes("TEXT/CSV", "text/csv"));
    assert_true(takes("text/*", "text/csv"));
    assert_true(takes("*/*", "text/csv"));
    assert_true(takes("image/png, text/csv;q=0.3", "text/csv"));
    assert_true(takes("", "text/csv"));
    assert_false(takes("text/csvx", "text/csv"));
    assert_false(takes("text/cs", "text/csv"));
    assert_false(takes("application/*", "text/csv"));
    assert_false(takes("text/csv;q=0", "text/csv"));
    assert_false(takes("text/csv; q=0.000, image/*", "text/csv"));
}

static void cookies(void **state)
{
    (void)state;
    header("Cookie", "other=1; session=abc=; ses=x;");
    assert_string_equal(http_cookie(&request, "session"), "abc=");
    assert_string_equal(http_cookie(&request, "ses"), "x");
    assert_string_equal(http_cookie(&request, "other"), "1");
    assert_null(http_cookie(&request, "sess"));
}

/* ---- the short form ---- */

static Intake__Submit *submit_of(const char *text, const Hb__Refusal **refused)
{
    *refused = NULL;
    return (Intake__Submit *)body_message(&request, json_loads(text, 0, NULL), &intake__submit__descriptor, "",
                                          refused);
}

static void short_texts_and_fields(void **state)
{
    (void)state;
    const Hb__Refusal *refused;
    Intake__Submit *submit =
        submit_of("{\"text\": \"漏水\", \"party\": {\"name\": \"王五\"}, \"fields\": {\"floor\": \"5\", "
                  "\"urgent\": true, \"rooms\": 3, \"cost\": 12.5, \"tags\": [\"a\", \"b\"], \"gone\": "
                  "null, \"when\": {\"value\": {\"time\": \"2026-03-01T00:00:00Z\"}}}}",
                  &refused);
    assert_null(refused);
    assert_string_equal(submit->text->plain, "漏水");
    assert_string_equal(submit->party->name->plain, "王五");
    assert_int_equal(submit->n_fields, 7);
    assert_string_equal(submit->fields[0]->name, "floor");
    assert_string_equal(submit->fields[0]->text->plain, "5");
    assert_true(submit->fields[1]->value->yes);
    assert_int_equal(submit->fields[2]->value->number, 3);
    assert_string_equal(submit->fields[3]->text->plain, "12.50");
    assert_int_equal(submit->fields[4]->value->texts->n_text, 2);
    assert_int_equal(submit->fields[5]->content_case, HB__FIELD__CONTENT__NOT_SET);
    assert_int_equal(submit->fields[6]->value->time_ms, 1772323200000ll);
}

static void long_form_is_the_same(void **state)
{
    (void)state;
    const Hb__Refusal *refused;
    Intake__Submit *brief = submit_of("{\"text\": \"x\", \"fields\": {\"a\": \"b\"}}", &refused);
    Intake__Submit *whole =
        submit_of("{\"text\": {\"plain\": \"x\"}, \"fields\": [{\"name\": \"a\", \"text\": {\"plain\": "
                  "\"b\"}}]}",
                  &refused);
    assert_int_equal(intake__submit__get_packed_size(brief), intake__submit__get_packed_size(whole));
    uint8_t one[200], two[200];
    size_t size = intake__submit__pack(brief, one);
    assert_true(size == intake__submit__pack(whole, two) && memcmp(one, two, size) == 0);
}

static void mistakes_name_their_place(void **state)
{
    (void)state;
    const Hb__Refusal *refused;
    assert_null(submit_of("{\"party\": {\"phone\": 7}}", &refused));
    assert_string_equal(refused->field, "party.phone");
    assert_int_equal(refused->status, 400);
    assert_null(submit_of("{\"fields\": {\"a\": {\"valu\": 1}}}", &refused));
    assert_string_equal(refused->field, "fields[0].valu");
    assert_null(submit_of("{\"fields\": 7}", &refused));
    assert_string_equal(refused->field, "fields");
    assert_null(
        body_message(&request, json_loads("{\"x\": 1}", 0, NULL), &intake__submit__descriptor, "rows[3]", &refused));
    assert_string_equal(refused->field, "rows[3].x");
}

/* ---- command ids ---- */

static void keys_make_ids(void **state)
{
    (void)state;
    Hb__Actor anna = HB__ACTOR__INIT, ben = HB__ACTOR__INIT;
    char one[CELL_COMMAND_ID_CHARACTERS + 1], two[CELL_COMMAND_ID_CHARACTERS + 1];
    anna.account = (char *)(uintptr_t) "anna";
    ben.account = (char *)(uintptr_t) "ben";
    request.actor = &anna;
    cell_command_id(&request, 0, one);
    cell_command_id(&request, 0, two);
    assert_string_not_equal(one, two); /* no key: random, and in order of time */
    assert_true(strncmp(one, two, 13) <= 0 && strncmp(one, "0000000000000", 13) != 0 && one[13] == '-');
    header("Idempotency-Key", "k");
    cell_command_id(&request, 0, one);
    cell_command_id(&request, 0, two);
    assert_string_equal(one, two);
    cell_command_id(&request, 1, two); /* another row of the same import */
    assert_string_not_equal(one, two);
    request.actor = &ben;
    cell_command_id(&request, 0, two);
    assert_string_not_equal(one, two);
    request.actor = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_client_is_whom_trusted_proxies_name, begin, end),
        cmocka_unit_test_setup_teardown(percent_encoding, begin, end),
        cmocka_unit_test_setup_teardown(forms, begin, end),
        cmocka_unit_test_setup_teardown(accept_header, begin, end),
        cmocka_unit_test_setup_teardown(cookies, begin, end),
        cmocka_unit_test_setup_teardown(short_texts_and_fields, begin, end),
        cmocka_unit_test_setup_teardown(long_form_is_the_same, begin, end),
        cmocka_unit_test_setup_teardown(mistakes_name_their_place, begin, end),
        cmocka_unit_test_setup_teardown(keys_make_ids, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
