/* SPDX-License-Identifier: MIT */
/* test_lenient.c - answers that are not as they should be: what is read of them, what not, and what is said. */
#include <bide/stream.h>

#include "client.h"

/* What comes of one answer: its body, and whether the connection was kept. */
struct outcome {
    char body[64], error[300];
    int code, open;
};

static struct outcome ask(const char *method, const char *script)
{
    struct peer p = PEER(script);
    struct outcome o = {0};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = bide_request(s, method, peer_url(&p, "/"));
        const char *text = r ? bide_text(r) : NULL;
        o.code = text ? 0 : bide_error_code();
        snprintf(o.body, sizeof o.body, "%s", text ? text : "");
        snprintf(o.error, sizeof o.error, "%s", bide_error_text());
        o.open = bide_session_get_stats(s).open;
    }
    peer_stop(&p);
    return o;
}

/* It is read, and the connection is closed behind it. */
static void expect_closed(const char *method, const char *script, const char *body)
{
    struct outcome o = ask(method, script);

    if (o.code)
        FAIL("%s", o.error);
    EXPECT_STR(o.body, body);
    EXPECT_EQ(o.open, 0);
}

/* It is refused, and the text says so and shows the line. */
static void expect_refused(const char *script, const char *why)
{
    struct outcome o = ask("GET", script);

    EXPECT_ERR(o.code, BIDE_EHTTP);
    EXPECT_CONTAINS(o.error, why);
    EXPECT_NULL(strpbrk(o.error, "\r\n\x1b"));
}

#define STATUS  ASK "HTTP/1.1 200 OK\r\n"
#define CHUNKED STATUS "Transfer-Encoding: chunked\r\n"
#define TWO     "Content-Length: 2\r\n\r\nok" STALL

/* R38 */
TEST(client_blanks_behind_a_chunk_size_are_read, .real_time = true)
{
    expect_closed("GET", CHUNKED "\r\n2  \r\nok\r\n0    \r\n\r\n" STALL, "ok");
    expect_closed("GET", CHUNKED "\r\n1  \r\no\r\n" PAUSE "1\t" PAUSE "\r\nk\r\n0\r\n\r\n" STALL, "ok");
    EXPECT_EQ(ask("GET", CHUNKED "\r\n2 ;a=b\r\nok\r\n0\r\n\r\n" STALL).open, 1);
}

/* R31 */
TEST(client_chunked_said_twice_but_done_once_is_read, .real_time = true)
{
    expect_closed("GET", CHUNKED "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" STALL, "ok");
    expect_closed("GET", STATUS "Transfer-Encoding: chunked, chunked\r\n\r\n1\r\n5\r\n3\r\n\r\nx\r\n0\r\n\r\n" STALL, "5\r\nx");
    expect_closed("GET", STATUS "Transfer-Encoding: identity, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" STALL, "ok");
}

/* R31 */
TEST(client_a_body_that_is_chunked_twice_is_refused, .real_time = true)
{
    expect_refused(CHUNKED "Transfer-Encoding: chunked\r\n\r\nc\r\n2\r\nok\r\n0\r\n\r\n\r\n0\r\n\r\n", "it is chunked twice");
    expect_refused(CHUNKED "Transfer-Encoding: chunked\r\n\r\n2\r\n2\r\r\n" PAUSE "a\r\n\nok\r\n0\r\n\r\n\r\n0\r\n\r\n",
                   "it is chunked twice");
}

/* R28 */
TEST(client_no_body_whatever_the_coding, .real_time = true)
{
    static const char *const codings[] = {"chunked", "gzip, chunked", "foo"};
    static const char *const heads[] = {"204 No", "304 Not", "200 OK"};

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            char script[200];
            snprintf(script, sizeof script, ASK "HTTP/1.1 %s\r\nTransfer-Encoding: %s\r\n\r\n" STALL, heads[i], codings[j]);
            struct outcome o = ask(i == 2 ? "HEAD" : "GET", script);
            EXPECT_EQ(o.code, 0);
            EXPECT_STR(o.body, "");
        }
}

/* R23 */
TEST(client_lines_that_are_no_fields_are_skipped, .real_time = true)
{
    expect_closed("GET", STATUS "X-XSS-Protection=1;\r\n" TWO, "ok");
    expect_closed("GET", STATUS "X y: z\r\n: w\r\n" TWO, "ok");
    expect_refused(STATUS "X-XSS-Protection=1;\r\n\r\nok", "header line without a colon: \"X-XSS-Protection=1;\"");
    expect_refused(STATUS "Content-Length : 2\r\n" TWO, "between header name and colon: \"Content-Length : 2\"");
    expect_refused(STATUS "Content-Length 2\r\n" TWO, "header line without a colon: \"Content-Length 2\"");
}

/* R41 */
TEST(client_odd_names_in_trailers_are_passed_over, .real_time = true)
{
    static const char *const trailers[] = {"X y: z\r\n", ": z\r\n", "A : b\r\nC: d\r\n", "A: b\r\n c\r\n"};

    for (size_t i = 0; i < sizeof trailers / sizeof *trailers; i++) {
        char script[200];
        snprintf(script, sizeof script, CHUNKED "\r\n2\r\nok\r\n0\r\n%s\r\n%s", trailers[i], STALL);
        struct outcome o = ask("GET", script);
        EXPECT_EQ(o.code, 0);
        EXPECT_STR(o.body, "ok");
        EXPECT_EQ(o.open, 0);
    }
    expect_refused(CHUNKED "\r\n2\r\nok\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n", "header line without a colon");
    expect_refused(CHUNKED "\r\n2\r\nok\r\n0\r\nContent-Length : 2\r\n\r\n", "between header name and colon");
}

/* R23 */
TEST(client_odd_names_are_not_found, .real_time = true)
{
    struct peer p = PEER(STATUS "Server : a\r\nFoo Bar: b\r\nServer: c\r\nnothing\r\n" TWO);
    bide_pair field;
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        EXPECT_NOT_NULL(r);
        EXPECT_STR(bide_header(r, "server"), "c");
        EXPECT_NULL(bide_header(r, "Foo Bar"));
        EXPECT_NULL(bide_header(r, "Server "));
        EXPECT_TRUE(bide_header_at(r, 1, &field));
        EXPECT_STR(field.name, "Foo Bar");
        EXPECT_STR(field.value, "b");
        EXPECT_STR(bide_response_oddity(r), "Server : a");
    }
    peer_stop(&p);
}

/* D18 */
TEST(client_what_is_refused_is_shown_escaped_and_cut, .real_time = true)
{
    expect_refused(ASK "<html>hi</html>\n", "it does not begin with HTTP/1.x: \"<html>hi</html>\"");
    expect_refused(STATUS "A: \x1b[2J\rb\r\n" TWO, "bare CR in the head: \"A: \\x1b[2J\\rb\"");
    expect_refused(STATUS "Content-Length: 2, 3\r\n\r\nok", "differ: \"Content-Length: 2, 3\"");
    expect_refused(STATUS "Transfer-Encoding: gzip, chunked\r\n\r\n", "\"Transfer-Encoding: gzip, chunked\"");
    expect_refused(CHUNKED "\r\n2\r\nok\r\n0x5\r\nhello\r\n", "invalid chunk size: \"0x5\"");
    expect_refused(CHUNKED "\r\n2\r\nok" "hello\r\n", "does not end in CRLF: \"hello\"");
    expect_refused(CHUNKED "\r\n0\r\nA b\r\n\r\n", "header line without a colon: \"A b\"");
    expect_refused(ASK "HTTP/1.1 20 OK, and a long, long, long, long, long, long, long, long, long reason\r\n\r\n",
                   "long, long, ...\"");
}

/* Answers with these bytes, whatever it was asked. */
static int answer_bytes(bide_listener *l, const bide_bytes *bytes)
{
    char request[1024];
    bide_auto bide_stream *s = bide_accept(l);

    BIDE_TRY((int)bide_read(s, request, sizeof request));
    return bide_write(s, bytes->data, bytes->len);
}

static void expect_named(const char *bytes, size_t len, const char *part)
{
    bide_bytes answer = {bytes, len};
    char url[64];
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_session *s = bide_session_new();
    EXPECT_NOT_NULL(l);
    bide_auto bide_task *server = bide_create_task(bide_coro(answer_bytes, l, &answer));

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", bide_listener_port(l));
    EXPECT_FAILED(bide_get(s, url), BIDE_EHTTP, "malformed answer: ", part);
    EXPECT_EQ(bide_await(server), 0);
}

TEST(client_another_protocol_is_named, .real_time = true)
{
    expect_named("\x15\x03\x01\x00\x02\x02\x46", 7, "a TLS alert: the server speaks TLS");
    expect_named("\x15\x03", 2, "a TLS alert: the server speaks TLS");
    expect_named("\x15", 1, "a TLS alert: the server speaks TLS");
    expect_named("\0\0\x06\4\0\0\0\0\0\0\3\0\0\0\x64", 15, "the server speaks HTTP/2");
}

/* ---- what comes between answers ---- */

#define EACH OK("2") "ok"

/* R49 */
TEST(client_an_empty_line_behind_a_body_does_no_harm, .real_time = true)
{
    static const char *const scripts[] = {
        "\r\n" EACH,                /* before the first */
        EACH "\r\n" ASK EACH,       /* at once */
        EACH PAUSE "\r\n" ASK EACH, /* while it is idle, or when the next request is on its way */
        EACH ASK "\r\n" EACH,       /* before the second */
        EACH ASK "\r\n" PAUSE "\r\n" PAUSE EACH,
    };
    for (int i = 0; i < 5; i++) {
        char script[300];
        snprintf(script, sizeof script, ASK "%s" ASK EACH STALL, scripts[i]);
        struct peer p = {.scripts = {script, ASK EACH ASK EACH STALL, ASK EACH STALL}};
        peer_start(&p);
        {
            bide_auto bide_session *s = bide_session_new(.limit = 1);
            expect_get(s, peer_url(&p, "/1"), "ok");
            expect_get(s, peer_url(&p, "/2"), "ok");
        }
        peer_stop(&p);
    }
}
