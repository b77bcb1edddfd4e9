/* SPDX-License-Identifier: MIT */
/* test_text.c - bodies as text and as JSON, whatever charset they came in. */
#include <bide/json.h>
#include <jansson.h>

#include "coded.h"

#define TYPED(type, length, body) "HTTP/1.1 200 OK\r\nContent-Type: " type "\r\nContent-Length: " length "\r\n\r\n" body

static bide_response *get_typed(bide_session *s, struct wire *w)
{
    wires_plant(s, w, 1);
    return bide_get(s, "http://a/");
}

/* R122 */
TEST(text_in_another_charset_is_converted_once)
{
    struct wire w = WIRE(ON_REQUEST, SAY(TYPED("text/plain; charset=ISO-8859-1", "4", "caf\xe9")));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_typed(s, &w);

    const char *text = bide_text(r);
    EXPECT_STR(text, "caf\xc3\xa9");
    EXPECT_TRUE(bide_text(r) == text);
    EXPECT_STR(bide_text_raw(r), "caf\xe9");
    EXPECT_EQ(bide_body(r).len, 4);
}

/* R122 */
TEST(text_with_a_mark_or_errors_is_utf8_without_them)
{
    struct wire marked = WIRE(ON_REQUEST, SAY(TYPED("text/plain; charset=latin1", "5", "\xef\xbb\xbfhi")));
    struct wire wrong = WIRE(ON_REQUEST, SAY(TYPED("text/plain", "3", "a\xff""b")));
    bide_auto bide_session *s = bide_session_new(), *other = bide_session_new();
    bide_auto bide_response *r = get_typed(s, &marked), *x = get_typed(other, &wrong);

    EXPECT_STR(bide_text(r), "hi");
    EXPECT_STR(bide_text_raw(r), "\xef\xbb\xbfhi");
    EXPECT_STR(bide_text(x), "a\xef\xbf\xbd""b");
}

TEST(text_that_is_utf8_already_is_not_copied)
{
    struct wire w = WIRE(ON_REQUEST, SAY(TYPED("text/html; charset=utf-8", "5", "caf\xc3\xa9")));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_typed(s, &w);

    EXPECT_TRUE(bide_text(r) == bide_body(r).data);
}

TEST(text_out_of_memory_is_an_error)
{
    struct wire w = WIRE(ON_REQUEST, SAY(TYPED("text/plain; charset=ISO-8859-1", "4", "caf\xe9")));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_typed(s, &w);

    bide__alloc_fail_at(0);
    EXPECT_NULL(bide_text(r));
    bide__alloc_fail_at(-1);
    EXPECT_ERR(bide_error_code(), BIDE_ENOMEM);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: ");
    bide_error_clear();
    EXPECT_STR(bide_text(r), "caf\xc3\xa9");
}

static void expect_a_is_1(struct message *m)
{
    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(*m));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_typed(s, &w);
    json_t *doc = bide_json(r);

    EXPECT_EQ(json_integer_value(json_object_get(doc, "a")), 1);
    json_decref(doc);
}

/* R122, RFC 8259 8.1: a reader may pass over the mark */
TEST(json_behind_a_mark_is_read)
{
    static const char utf8[] = "\xef\xbb\xbf{\"a\":1}", utf16[] = "\xff\xfe{\0\"\0a\0\"\0:\0""1\0}\0";
    static struct message m;

    memcpy(m.data, utf8, m.len = sizeof utf8 - 1);
    put_head(&m, "200 OK", "");
    expect_a_is_1(&m);
    memcpy(m.data, utf16, m.len = sizeof utf16 - 1);
    put_head(&m, "200 OK", "");
    expect_a_is_1(&m);
}
