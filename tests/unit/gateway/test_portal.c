/* What the portal keeps in the browser, how often strangers may try, and how it speaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page.h"
#include "portal_guard.h"
#include "portal_limit.h"
#include "portal_place.h"
#include "portal_session.h"
#include "portal_time.h"
#include "qr.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW 1795500000000ll /* 2026-11-24 06:00 UTC */

static struct arena arena;
static struct portal_keys keys, other_keys;

/* ---- the session ---- */

static Gatewayrec__Session session_of(size_t promised)
{
    Gatewayrec__Session session = GATEWAYREC__SESSION__INIT;
    session.since_ms = NOW;
    session.case_id = 0x1234567890abcdefull;
    session.site = "haitang";
    session.number = "20261124-complaint-001";
    session.tracking_code = "20261124-complaint-001-4F7K2M9P";
    session.promised = arena_alloc(&arena, (promised + 1) * sizeof *session.promised);
    for (size_t i = 0; i < promised; i++) {
        Intake__Promised *one = session.promised[i] = arena_alloc(&arena, sizeof *one);
        Hb__Label *label = arena_alloc(&arena, sizeof *label);
        intake__promised__init(one);
        hb__label__init(label);
        label->zh = "答复";
        label->en = "Reply to the owner of the flat";
        one->clock = "reply";
        one->label = label;
        one->due_ms = NOW + (int64_t)i;
    }
    session.n_promised = promised;
    return session;
}

static void a_session_comes_back(void **state)
{
    (void)state;
    Gatewayrec__Session session = session_of(3), *back;
    char *cookie = session_seal(&keys, &session, &arena);
    assert_int_equal(strcspn(cookie, "; ,\"\\"), strlen(cookie)); /* fit for a cookie */
    assert_null(strstr(cookie, "4F7K2M9P"));
    back = session_open(&keys, cookie, NOW + SESSION_MS_MAX, &arena);
    assert_non_null(back);
    assert_int_equal(back->case_id, session.case_id);
    assert_string_equal(back->tracking_code, session.tracking_code);
    assert_int_equal(back->n_promised, 3);
    assert_int_equal(back->promised[2]->due_ms, NOW + 2);
}

static void a_session_ends(void **state)
{
    (void)state;
    Gatewayrec__Session session = session_of(0);
    char *cookie = session_seal(&keys, &session, &arena);
    assert_null(session_open(&keys, cookie, NOW + SESSION_MS_MAX + 1, &arena));
    assert_null(session_open(&keys, cookie, NOW - 1, &arena)); /* made in the future */
    assert_null(session_open(&other_keys, cookie, NOW, &arena));
    assert_null(session_open(&keys, NULL, NOW, &arena));
    assert_null(session_open(&keys, "", NOW, &arena));
    assert_null(session_open(&keys, "AAAA", NOW, &arena));
    assert_null(session_open(&keys, "not base64!", NOW, &arena));
}

static void a_session_cannot_be_altered(void **state)
{
    (void)state;
    Gatewayrec__Session session = session_of(1);
    char *cookie = session_seal(&keys, &session, &arena);
    size_t size = strlen(cookie);
    for (size_t i = 0; i + 1 < size; i++) { /* the last character has bits to spare */
        char *altered = arena_strdup(&arena, cookie);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        assert_null(session_open(&keys, altered, NOW, &arena));
    }
}

static void a_cookie_stays_small(void **state)
{
    (void)state;
    Gatewayrec__Session session = session_of(200);
    char *cookie = session_seal(&keys, &session, &arena);
    assert_true(strlen(cookie) <= SESSION_TEXT_BYTES_MAX);
    Gatewayrec__Session *back = session_open(&keys, cookie, NOW, &arena);
    assert_non_null(back);
    assert_true(back->n_promised > 10 && back->n_promised < 200);
    assert_int_equal(back->promised[0]->due_ms, NOW); /* the first ones stay */
}

/* ---- form tokens ---- */

static void a_form_sent_twice_is_one_command(void **state)
{
    (void)state;
    char first[COMMAND_ID_CHARACTERS + 1], second[COMMAND_ID_CHARACTERS + 1];
    char *token = form_token_make(&keys, "submit", NOW, &arena);
    assert_int_equal(strlen(token), FORM_TOKEN_CHARACTERS);
    assert_true(form_token_check(&keys, "submit", token, NOW, first));
    assert_true(form_token_check(&keys, "submit", token, NOW + FORM_TOKEN_MS_MAX, second));
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), COMMAND_ID_CHARACTERS);
    assert_int_equal(strtoll(first, NULL, 10), NOW); /* ids are time-ordered */
    char *next = form_token_make(&keys, "submit", NOW, &arena);
    assert_true(form_token_check(&keys, "submit", next, NOW, second));
    assert_string_not_equal(first, second);
}

static void a_token_serves_its_form_only(void **state)
{
    (void)state;
    char id[COMMAND_ID_CHARACTERS + 1];
    char *token = form_token_make(&keys, "act:1:withdraw", NOW, &arena);
    assert_true(form_token_check(&keys, "act:1:withdraw", token, NOW, id));
    assert_false(form_token_check(&keys, "act:2:withdraw", token, NOW, id));
    assert_false(form_token_check(&keys, "submit", token, NOW, id));
    assert_false(form_token_check(&other_keys, "act:1:withdraw", token, NOW, id));
    assert_false(form_token_check(&keys, "act:1:withdraw", token, NOW + FORM_TOKEN_MS_MAX + 1, id));
    assert_false(form_token_check(&keys, "act:1:withdraw", token, NOW - 1, id));
    assert_false(form_token_check(&keys, "act:1:withdraw", NULL, NOW, id));
    assert_false(form_token_check(&keys, "act:1:withdraw", "", NOW, id));
    for (size_t i = 0; i < FORM_TOKEN_CHARACTERS; i++) {
        char *altered = arena_strdup(&arena, token);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        assert_false(form_token_check(&keys, "act:1:withdraw", altered, NOW, id));
    }
}

/* ---- limits ---- */

static void tries_run_out_and_come_back(void **state)
{
    (void)state;
    static struct limit limit;
    limit_init(&limit, (struct limit_rule){3, 1000}, (struct limit_rule){100, 1});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW), 0);
        limit_count(&limit, "10.0.0.1", NOW);
    }
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW), 1000);
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.2", NOW), 0); /* another address is another matter */
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW + 999), 1);
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW + 1000), 0);
    limit_give_back(&limit, "10.0.0.1");
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW), 0);
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW + 3600000), 0); /* unused tries do not pile up */
    for (int i = 0; i < 3; i++)
        limit_count(&limit, "10.0.0.1", NOW + 3600000);
    assert_true(limit_wait_ms(&limit, "10.0.0.1", NOW + 3600000) > 0);
}

static void no_limit_is_none(void **state)
{
    (void)state;
    static struct limit limit;
    limit_init(&limit, (struct limit_rule){60, 0}, (struct limit_rule){0});
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(limit_wait_ms(&limit, "10.0.0.1", NOW), 0);
        limit_count(&limit, "10.0.0.1", NOW);
    }
    assert_int_equal(limit_wait_ms(&limit, "10.0.0.2", NOW - 50), 0); /* came before, and is counted after */
}

static void all_together_are_limited_too(void **state)
{
    (void)state;
    static struct limit limit;
    limit_init(&limit, (struct limit_rule){3, 1000}, (struct limit_rule){2000, 100});
    char address[32];
    for (int i = 0; i < 2000; i++) { /* more addresses than the table holds */
        snprintf(address, sizeof address, "10.1.%d.%d", i / 250, i % 250);
        assert_int_equal(limit_wait_ms(&limit, address, NOW), 0);
        limit_count(&limit, address, NOW);
    }
    assert_int_equal(limit_wait_ms(&limit, "192.0.2.1", NOW), 100);
    assert_int_equal(limit_wait_ms(&limit, "192.0.2.1", NOW + 100), 0);
}

static void one_household_is_one_address(void **state)
{
    (void)state;
    assert_string_equal(limit_address("192.0.2.7", &arena), "192.0.2.7");
    assert_string_equal(limit_address("::ffff:192.0.2.7", &arena), "192.0.2.7");
    assert_string_equal(limit_address("2001:db8:1:2:aaaa::1", &arena), "2001:db8:1:2::/64");
    assert_string_equal(limit_address("2001:db8:1:2:bbbb::9", &arena), "2001:db8:1:2::/64");
    assert_string_equal(limit_address("", &arena), "");
}

/* ---- words ---- */

static void every_text_has_both_languages(void **state)
{
    (void)state;
    for (int id = 0; id < TEXTS_COUNT; id++)
        for (int language = 0; language < LANGUAGES_COUNT; language++) {
            const char *text = portal_text((enum language)language, (enum text_id)id);
            if (!text || !*text)
                print_message("text %d has no language %d\n", id, language);
            assert_true(text && *text && utf8_valid(text, strlen(text)));
        }
}

static void languages_are_understood(void **state)
{
    (void)state;
    enum language language = LANGUAGE_ZH;
    assert_true(language_accepted("en-GB,en;q=0.9,zh;q=0.8", &language));
    assert_int_equal(language, LANGUAGE_EN);
    assert_true(language_accepted("fr, zh-Hant;q=0.7, en;q=0.5", &language));
    assert_int_equal(language, LANGUAGE_ZH);
    assert_true(language_accepted("zh;q=0.1,en;q=0.2", &language));
    assert_int_equal(language, LANGUAGE_EN);
    assert_false(language_accepted("fr,de;q=0.5", &language));
    assert_false(language_accepted("en;q=0", &language));
    assert_false(language_accepted("", &language));
    assert_false(language_accepted(NULL, &language));
    assert_false(language_parse("english", 7, &language));
}

static void dates_are_said_as_people_say_them(void **state)
{
    (void)state;
    struct zone *zone;
    assert_int_equal(zone_load(NULL, "Asia/Shanghai", &zone), ERR_NONE);
    int64_t due = 1795773600000ll; /* 2026-11-27 18:00 there */
    assert_string_equal(time_words(zone, due, NOW, LANGUAGE_ZH, &arena), "11月27日（周五）18:00");
    assert_string_equal(time_words(zone, due, NOW, LANGUAGE_EN, &arena), "Friday 27 November, 18:00");
    int64_t midnight = due + 6 * 3600000ll;
    assert_string_equal(deadline_words(zone, midnight, NOW, LANGUAGE_ZH, &arena), "11月27日（周五）24:00");
    assert_string_equal(deadline_words(zone, midnight, NOW, LANGUAGE_EN, &arena),
                        "midnight at the end of Friday 27 November");
    assert_string_equal(time_words(zone, midnight, NOW, LANGUAGE_ZH, &arena), "11月28日（周六）00:00");
    int64_t later = due + 40 * 86400000ll;
    assert_string_equal(time_words(zone, later, NOW, LANGUAGE_EN, &arena), "Wednesday 6 January 2027, 18:00");
    assert_string_equal(time_words(NULL, due, NOW, LANGUAGE_EN, &arena), "Friday 27 November, 10:00"); /* UTC */
    assert_string_equal(date_words("2026-10-01", LANGUAGE_ZH, &arena), "10月1日（周四）");
    assert_string_equal(date_words("soon", LANGUAGE_EN, &arena), "soon");
    zone_free(zone);
}

static void the_style_sheet_is_in_the_program(void **state)
{
    (void)state;
    struct bytes style = page_style();
    assert_true(style.size > 1000);
    assert_non_null(memmem(style.data, style.size, "min-height: 44px", 16));
    assert_null(memmem(style.data, style.size, "url(", 4)); /* nothing is loaded from elsewhere */
    assert_null(memmem(style.data, style.size, "@import", 7));
}

/* Found with another implementation: sha256("token:N") of Python's hashlib. */
static void a_puzzle_is_solved_or_not(void **state)
{
    (void)state;
    assert_true(guard_solves("token", "9193", 14));
    assert_false(guard_solves("token", "9193", 31));
    assert_false(guard_solves("tokem", "9193", 14));
    assert_false(guard_solves("token", "", 1));
    assert_false(guard_solves("token", " 9193", 1));
    assert_false(guard_solves("token", "00000000000000", 1));
}

static void a_place_is_ours_or_not(void **state)
{
    (void)state;
    Gatewayrec__Place place = GATEWAYREC__PLACE__INIT;
    place.site = "haitang";
    place.kind = "repair";
    place.place = "3号楼电梯";
    char *token = place_token_make(&keys, &place, &arena);
    const Gatewayrec__Place *read = place_token_read(&keys, token, &arena);
    assert_non_null(read);
    assert_string_equal(read->site, "haitang");
    assert_string_equal(read->kind, "repair");
    assert_string_equal(read->place, "3号楼电梯");
    assert_string_equal(place_token_make(&keys, &place, &arena), token); /* printed again it is the same label */
    assert_null(place_token_read(&other_keys, token, &arena));
    for (size_t i = 0; i < strlen(token); i++) {
        char *altered = arena_strdup(&arena, token);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        read = place_token_read(&keys, altered, &arena);
        assert_null(read);
        altered[i] = 0;
        assert_null(place_token_read(&keys, altered, &arena));
    }
}

static void a_code_is_drawn_or_too_long(void **state)
{
    (void)state;
    struct html html;
    char text[QR_TEXT_BYTES_MAX + 2];
    html_init(&html, &arena);
    assert_true(qr_add(&html, "https://example.org/s/\"x\"", "<Lift>"));
    assert_non_null(strstr(html.data, "aria-label=\"&lt;Lift&gt;\""));
    assert_non_null(strstr(html.data, "M0 0h7v1h-7z")); /* the upper left corner of every code */
    size_t size = html.size;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_false(qr_add(&html, text, ""));
    assert_int_equal(html.size, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_comes_back),
        cmocka_unit_test(a_session_ends),
        cmocka_unit_test(a_session_cannot_be_altered),
        cmocka_unit_test(a_cookie_stays_small),
        cmocka_unit_test(a_form_sent_twice_is_one_command),
        cmocka_unit_test(a_token_serves_its_form_only),
        cmocka_unit_test(tries_run_out_and_come_back),
        cmocka_unit_test(no_limit_is_none),
        cmocka_unit_test(all_together_are_limited_too),
        cmocka_unit_test(one_household_is_one_address),
        cmocka_unit_test(every_text_has_both_languages),
        cmocka_unit_test(languages_are_understood),
        cmocka_unit_test(dates_are_said_as_people_say_them),
        cmocka_unit_test(the_style_sheet_is_in_the_program),
        cmocka_unit_test(a_puzzle_is_solved_or_not),
        cmocka_unit_test(a_place_is_ours_or_not),
        cmocka_unit_test(a_code_is_drawn_or_too_long),
    };
    if (sodium_init() < 0)
        return 2;
    arena_init(&arena);
    portal_keys_derive("a secret of forty characters in Z85 .....", &keys);
    portal_keys_derive("another one, as after a theft of the keys", &other_keys);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
