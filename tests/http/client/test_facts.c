/* SPDX-License-Identifier: MIT */
/* test_facts.c - what a response shows of its connection, of the head that was sent, of interim answers, trailers and links. */
#include "client.h"
#include "wire.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "hello");
}

static bide_response *get_over_wire(bide_session *s, struct wire *w)
{
    wires_plant(s, w, 1);
    return bide_get(s, "http://a.test/dir/page?q=1#here");
}

/* ---- the connection ---- */

TEST(facts_of_a_connection_are_its_addresses, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    bide_auto bide_session *s = bide_session_new();
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", bide_server_port(server));
    bide_auto bide_response *r = bide_get(s, url);
    bide_auto bide_response *again = bide_get(s, url);

    bide_connection c = bide_response_connection(r), c2 = bide_response_connection(again);
    EXPECT_STR(c.peer, "127.0.0.1");
    EXPECT_EQ(c.peer_port, bide_server_port(server));
    EXPECT_STR(c.local, "127.0.0.1");
    EXPECT_LT(1023, c.local_port);
    EXPECT_NULL(c.tls_version);
    EXPECT_NULL(bide_response_certificate(r));
    EXPECT_EQ(c.id, 1);
    EXPECT_EQ(c2.id, 1);
    EXPECT_EQ(c2.local_port, c.local_port);

    EXPECT_EQ(bide_session_close_idle(s), 1);
    c = bide_response_connection(r);
    EXPECT_STR(c.peer, "127.0.0.1");
    EXPECT_STR(c.local, "");
    EXPECT_EQ(c.local_port, 0);
    c = bide_response_connection(NULL);
    EXPECT_STR(c.peer, "");
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

TEST(facts_of_a_connection_over_tls_outlive_it, .real_time = true)
{
    certs_make();
    bide_auto bide_server *server =
        bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    char to[64];
    snprintf(to, sizeof to, "::127.0.0.1:%d", bide_server_port(server));
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .connect_to = (const char *const[]){to, NULL});

    for (int i = 0; i < 2; i++) {
        bide_auto bide_response *r = bide_get(s, "https://good.test/");
        EXPECT_NOT_NULL(r);
        EXPECT_EQ(bide_session_close_idle(s), 1);
        bide_connection c = bide_response_connection(r);
        EXPECT_EQ(c.id, i + 1);
        EXPECT_STR(c.tls_version, "TLSv1.3");
        EXPECT_CONTAINS(c.tls_cipher, "TLS_AES");
        EXPECT_STR(c.alpn, "http/1.1");
        EXPECT_EQ(c.tls_resumed, i);
        EXPECT_CONTAINS(bide_response_certificate(r), "-----BEGIN CERTIFICATE-----\n");
    }
}

/* ---- heads ---- */

TEST(facts_head_that_was_sent_is_shown)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("0")));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_post(s, "http://a.test/x", .headers = (bide_pair[]){{"X-Mine", "1"}, {0}},
                                           .data = {"body", 4});
    bide_bytes head = bide_response_sent_head(r);

    EXPECT_LT(20, head.len);
    EXPECT_TRUE(memcmp(head.data, w.seen, head.len) == 0);
    EXPECT_TRUE(memcmp(head.data + head.len - 4, "\r\n\r\n", 4) == 0);
    EXPECT_CONTAINS(w.seen, "X-Mine: 1\r\n");
    EXPECT_NULL(bide_response_sent_head(NULL).data);
}

/* R25 */
TEST(facts_interim_answers_are_shown)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nX-A: 1\r\n\r\n"),
                         SAY("HTTP/1.1 102 Processing\r\n\r\n"), SAY(OK("0")));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_over_wire(s, &w);
    bide_pair field;

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(bide_interim_status(r, 0), 103);
    EXPECT_EQ(bide_interim_status(r, 1), 102);
    EXPECT_EQ(bide_interim_status(r, 2), 0);
    EXPECT_TRUE(bide_interim_header_at(r, 0, 0, &field));
    EXPECT_STR(field.name, "Link");
    EXPECT_STR(field.value, "</style.css>; rel=preload");
    EXPECT_TRUE(bide_interim_header_at(r, 0, 1, &field));
    EXPECT_STR(field.value, "1");
    EXPECT_FALSE(bide_interim_header_at(r, 0, 2, &field));
    EXPECT_FALSE(bide_interim_header_at(r, 1, 0, &field));
    EXPECT_FALSE(bide_interim_header_at(r, 7, 0, &field));
}

TEST(facts_of_many_interim_answers_the_first_are_kept)
{
    static char text[20 * 30 + 64];
    for (int i = 0; i < 20; i++)
        sprintf(text + strlen(text), "HTTP/1.1 1%02d X\r\n\r\n", 10 + i);
    strcat(text, OK("0"));
    struct wire w = WIRE(ON_REQUEST, SAY(text));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_over_wire(s, &w);

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(bide_interim_status(r, 15), 125);
    EXPECT_EQ(bide_interim_status(r, 16), 0);
}

/* R41 */
static void expect_trailers(struct wire *w, bool whole)
{
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_over_wire(s, w);
    bide_pair field;
    const char *piece;

    if (whole)
        EXPECT_STR(bide_text(r), "hello");
    else
        while (bide_read_chunk(r, &piece) > 0)
            EXPECT_NULL(bide_trailer(r, "digest"));
    EXPECT_STR(bide_trailer(r, "digest"), "abc");
    EXPECT_NULL(bide_header(r, "digest"));
    EXPECT_NULL(bide_trailer(r, "other"));
    EXPECT_TRUE(bide_trailer_at(r, 1, &field));
    EXPECT_STR(field.name, "X");
    EXPECT_FALSE(bide_trailer_at(r, 2, &field));
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

TEST(facts_trailers_that_came_with_the_head_are_shown)
{
    struct wire w = WIRE(ON_REQUEST, SAY(CHUNKED "5\r\nhello\r\n0\r\nDigest: abc\r\nX: y\r\n\r\n"));
    expect_trailers(&w, true);
}

TEST(facts_trailers_that_came_in_pieces_are_shown)
{
    struct wire w = WIRE(ON_REQUEST, SAY(CHUNKED), AFTER(1, "5\r\nhel"), AFTER(1, "lo\r\n0\r\nDig"), AFTER(1, "est: abc\r\nX: y\r"),
                         AFTER(1, "\n\r"), AFTER(1, "\n"));
    expect_trailers(&w, false);
}

TEST(facts_body_without_trailers_has_none)
{
    struct wire w = WIRE(ON_REQUEST, SAY(CHUNKED "5\r\nhello\r\n0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_over_wire(s, &w);
    bide_pair field;

    EXPECT_STR(bide_text(r), "hello");
    EXPECT_FALSE(bide_trailer_at(r, 0, &field));
}

/* ---- links ---- */

TEST(facts_links_are_resolved)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLink: <other>; rel=prev; anchor=\"#x\", <?q=2>; "
                                         "rel=\"next last\"\r\nLink: <http://b.test/>; rel=up, <a b>; rel=bad\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_over_wire(s, &w);

    EXPECT_STR(bide_response_link(r, "next"), "http://a.test/dir/page?q=2");
    EXPECT_STR(bide_response_link(r, "last"), "http://a.test/dir/page?q=2");
    EXPECT_STR(bide_response_link(r, "up"), "http://b.test/");
    EXPECT_NULL(bide_response_link(r, "prev"));
    EXPECT_NULL(bide_response_link(r, "first"));
    EXPECT_NULL(bide_response_link(NULL, "next"));
}

/* ---- times ---- */

TEST(facts_time_before_the_last_exchange_is_told_apart)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(300, "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"), ON_REQUEST,
                         AFTER(100, OK("0")));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_over_wire(s, &w);
    bide_timing t = bide_response_timing(r);

    EXPECT_EQ(t.before, 305000);
    EXPECT_EQ(t.head, 100000);
    EXPECT_EQ(t.sent, 0);
    EXPECT_EQ(t.total, 405000);
}
