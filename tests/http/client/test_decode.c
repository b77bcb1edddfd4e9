/* SPDX-License-Identifier: MIT */
/*
 * test_decode.c - bodies in codings: every reader sees what was coded, and no more than it may.
 *
 * The servers are wires, on virtual time.  The codings themselves are tested in coding/test_decode.c.
 */
#include <stdlib.h>

#include "coded.h"

static const struct {
    enum coding coding;
    const char *name;
} codings[] = {{CODING_GZIP, "gzip"}, {CODING_DEFLATE, "deflate"}, {CODING_BR, "br"}, {CODING_ZSTD, "zstd"}};

static bide_response *get_planted(bide_session *s, struct wire *w)
{
    wires_plant(s, w, 1);
    return bide_get(s, "http://a/");
}

static char zeros[3 << 20];

/* So many zeros in a coding that makes little of them. */
static struct message *bomb(struct message *m, enum coding coding, const char *name, size_t bytes)
{
    char field[64];

    snprintf(field, sizeof field, "Content-Encoding: %s\r\n", name);
    encode(m, coding, zeros, bytes);
    put_head(m, "200 OK", field);
    return m;
}

/* ---- all readers ---- */

/* R42, R43 */
TEST(decode_a_body_in_any_coding_that_came_with_its_head)
{
    for (size_t i = 0; i < array_len(codings); i++) {
        static struct message m;
        coded(&m, codings[i].coding, codings[i].name, "Hello, world!");
        struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = get_planted(s, &w);

        EXPECT_STR(bide_header(r, "Content-Encoding"), codings[i].name); /* the fields are as they came */
        EXPECT_EQ((int)bide_response_body_bytes(r), atoi(bide_header(r, "Content-Length")));
        EXPECT_TRUE(bide_response_is_decoded(r));
        EXPECT_STR(bide_text(r), "Hello, world!");
        EXPECT_EQ(bide_body(r).len, 13);
        EXPECT_EQ((int)bide_response_body_bytes(r), atoi(bide_header(r, "Content-Length")));
        EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    }
}

static void expect_pieces(bide_response *r, const char *text)
{
    const char *piece;
    char joined[64] = "";
    ssize_t n;

    while ((n = bide_read_chunk(r, &piece)) > 0)
        strncat(joined, piece, (size_t)n);
    EXPECT_EQ(n, 0);
    EXPECT_STR(joined, text);
    EXPECT_EQ(bide_read_chunk(r, &piece), 0); /* and again */
}

TEST(decode_a_body_that_comes_in_pieces_whole_and_piece_by_piece)
{
    static struct message m;
    coded(&m, CODING_GZIP, "gzip", "Hello, world!");
    struct wire_step first = {.say = m.data, .len = m.len - 20}, second = {.say = m.data + m.len - 20, .len = 20, .after_ms = 10};
    struct wire whole = WIRE(ON_REQUEST, first, second), pieces = WIRE(ON_REQUEST, first, second);
    bide_auto bide_session *s = bide_session_new(), *other = bide_session_new();

    bide_auto bide_response *r = get_planted(s, &whole);
    EXPECT_STR(bide_text(r), "Hello, world!");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    bide_auto bide_response *p = get_planted(other, &pieces);
    expect_pieces(p, "Hello, world!");
    EXPECT_EQ((int)bide_response_body_bytes(p), atoi(bide_header(p, "Content-Length"))); /* of the wire */
    EXPECT_EQ(bide_session_get_stats(other).idle, 1);
}

TEST(decode_a_chunked_body)
{
    static struct message m;
    encode(&m, CODING_BR, "Hello, world!", 13);
    static char chunk[64];
    int n = snprintf(chunk, sizeof chunk, "%zx\r\n", m.len);
    memcpy(chunk + n, m.data, m.len);
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: br\r\n\r\n"),
                         {.say = chunk, .len = (size_t)n + m.len, .after_ms = 1}, AFTER(1, "\r\n0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_planted(s, &w);

    EXPECT_STR(bide_text(r), "Hello, world!");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
}

/* R42 */
TEST(decode_what_is_coded_twice_and_not_what_is_coded_four_times)
{
    static struct message once, twice, four;
    encode(&once, CODING_GZIP, "Hello", 5);
    encode(&twice, CODING_BR, once.data, once.len);
    put_head(&twice, "200 OK", "Content-Encoding: x-gzip\r\nContent-Encoding: identity, br\r\n");
    put_head(&four, "200 OK", "Content-Encoding: gzip, gzip\r\nContent-Encoding: gzip, gzip\r\n");
    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(twice)), too_many = WIRE(ON_REQUEST, SAY_BYTES(four));
    bide_auto bide_session *s = bide_session_new(), *other = bide_session_new();

    bide_auto bide_response *r = get_planted(s, &w);
    EXPECT_STR(bide_text(r), "Hello");
    bide_auto bide_response *x = get_planted(other, &too_many);
    EXPECT_NOT_NULL(x);
    EXPECT_NULL(bide_text(x));
    EXPECT_ERR(bide_error_code(), BIDE_EHTTP);
    EXPECT_CONTAINS(bide_error_text(), "http://a/: the body has more than 3 content codings");
    bide_error_clear();
    EXPECT_NULL(bide_text(x)); /* and again */
    EXPECT_ERR(bide_error_code(), BIDE_EHTTP);
    bide_error_clear();
}

/* R42 */
TEST(decode_an_unknown_coding_leaves_the_body_as_it_comes)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 5\r\n\r\nUryyb"));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_planted(s, &w);

    EXPECT_STR(bide_text(r), "Uryyb");
    EXPECT_FALSE(bide_response_is_decoded(r));
}

/* R28: and an empty body is none in a coding (R45) */
TEST(decode_answers_without_a_body_are_no_errors)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 204 No\r\nContent-Encoding: gzip\r\n\r\n"),
                         ON_REQUEST, SAY("HTTP/1.1 304 No\r\nContent-Encoding: gzip\r\n\r\n"),
                         ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 70\r\n\r\n"),
                         ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new();
    static const char *const methods[] = {"GET", "GET", "HEAD", "GET"};

    wires_plant(s, &w, 1);
    for (size_t i = 0; i < array_len(methods); i++) {
        bide_auto bide_response *r = bide_request(s, methods[i], "http://a/");
        EXPECT_STR(bide_text(r), "");
    }
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
}

TEST(decode_behind_a_redirect_whose_body_is_coded_badly)
{
    static struct message m;
    coded(&m, CODING_GZIP, "gzip", "Hello");
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Encoding: a, b, c, d, e\r\nContent-Length: 3\r\n\r\nabc"),
                         ON_REQUEST, SAY_BYTES(m));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_planted(s, &w);

    EXPECT_STR(bide_text(r), "Hello");
    EXPECT_EQ(bide_error_code(), 0);
}

TEST(decode_what_nobody_wants_is_not_decoded)
{
    static struct message m;
    bomb(&m, CODING_ZSTD, "zstd", sizeof zeros);
    struct wire w = WIRE(ON_REQUEST, {.say = m.data, .len = m.len - 9}, {.say = m.data + m.len - 9, .len = 9, .after_ms = 10});
    bide_auto bide_session *s = bide_session_new();

    bide_response *r = get_planted(s, &w);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    bide_release(r);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1); /* the rest was here, and short */
    EXPECT_NULL(s->decoders.idle_decoder);        /* there has never been one */
}

/* ---- ceilings ---- */

/* D10, R46 */
TEST(decode_a_body_that_grows_is_stopped_at_the_ceiling_of_a_whole_one)
{
    static struct message m;
    bomb(&m, CODING_GZIP, "gzip", 100000);
    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
    bide_auto bide_session *s = bide_session_new(.max_body_bytes = 20000);

    bide_auto bide_response *r = get_planted(s, &w);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_CONTAINS(bide_error_text(), "http://a/: the body is larger than 20000 bytes when decoded");
    EXPECT_LE(r->body.cap, 20016); /* of the 100000 */
    bide_error_clear();
    EXPECT_NULL(bide_text(r)); /* and again */
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    bide_error_clear();
}

TEST(decode_a_body_of_just_the_ceiling_is_whole)
{
    static struct message m;
    bomb(&m, CODING_GZIP, "gzip", 100000);
    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
    bide_auto bide_session *s = bide_session_new(.max_body_bytes = 100000);

    bide_auto bide_response *r = get_planted(s, &w);
    EXPECT_EQ(bide_body(r).len, 100000);
}

/* D10, R46 */
TEST(decode_a_body_that_grows_more_than_any_should_is_stopped_in_every_reader)
{
    static struct message m;
    bomb(&m, CODING_BR, "br", sizeof zeros);
    const char *piece;
    uint64_t bytes = 0;
    ssize_t n;

    for (int whole = 0; whole < 2; whole++) {
        struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = get_planted(s, &w);
        if (whole)
            EXPECT_NULL(bide_text(r));
        else
            while ((n = bide_read_chunk(r, &piece)) > 0)
                bytes += (uint64_t)n;
        EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
        EXPECT_CONTAINS(bide_error_text(), "more than 1000 times its size");
        bide_error_clear();
    }
    EXPECT_LE(bytes, DECODE_RATIO_FROM + DECODE_WINDOW);
    EXPECT_LE(DECODE_RATIO_FROM - DECODE_WINDOW, bytes);
}

TEST(decode_the_ratio_can_be_lifted_by_session_and_request)
{
    static struct message m;
    bomb(&m, CODING_BR, "br", sizeof zeros);

    for (int i = 0; i < 2; i++) {
        struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
        bide_auto bide_session *s = bide_session_new(.max_ratio = i ? BIDE_UNLIMITED : 3);
        wires_plant(s, &w, 1);
        bide_auto bide_response *r = bide_get(s, "http://a/", .max_ratio = i ? 0 : BIDE_UNLIMITED);
        EXPECT_EQ(bide_body(r).len, sizeof zeros);
    }
}

/* R46 */
TEST(decode_the_wire_has_the_ceiling_of_a_whole_body_too)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"),
                         AFTER(1, "a\r\n\x1f\x8b\x08\x08tttt\x02\x03\r\n"), AFTER(1, "a\r\n0123456789\r\n"), AFTER(1, "a\r\n0123456789\r\n"));
    bide_auto bide_session *s = bide_session_new(.max_body_bytes = 15); /* a name that does not end decodes to nothing */

    bide_auto bide_response *r = get_planted(s, &w);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_TRUE(w.closed);
    bide_error_clear();
}

/* ---- codings that are wrong ---- */

/* R45 */
TEST(decode_a_coding_that_ends_early_is_an_error)
{
    for (size_t i = 0; i < array_len(codings); i++) {
        static struct message m;
        encode(&m, codings[i].coding, "Hello, world!", 13);
        m.len -= 3;
        char field[64];
        snprintf(field, sizeof field, "Content-Encoding: %s\r\n", codings[i].name);
        put_head(&m, "200 OK", field);
        struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = get_planted(s, &w);
        EXPECT_NULL(bide_text(r));
        EXPECT_ERR(bide_error_code(), BIDE_ETRUNCATED);
        EXPECT_CONTAINS(bide_error_text(), "http://a/: the body ended within its ");
        bide_error_clear();
    }
}

/* R44 */
TEST(decode_bytes_behind_the_coding_are_dropped_and_mentioned)
{
    static struct message m;
    encode(&m, CODING_GZIP, "Hello", 5);
    memcpy(m.data + m.len, "garbage", 7);
    m.len += 7;
    put_head(&m, "200 OK", "Content-Encoding: gzip\r\n");
    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(m));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_planted(s, &w);

    EXPECT_NULL(bide_response_oddity(r));
    EXPECT_STR(bide_text(r), "Hello");
    EXPECT_CONTAINS(bide_response_oddity(r), "behind the end of the body's coding");
}

TEST(decode_what_came_of_a_body_before_it_failed_is_there)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), END_AFTER(10));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_planted(s, &w);

    EXPECT_EQ(bide_body_so_far(r).len, 0);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETRUNCATED);
    bide_error_clear();
    EXPECT_EQ(bide_body_so_far(r).len, 5);
    EXPECT_MEM(bide_body_so_far(r).data, "hello", 5);
}

/* ---- who wants it as it comes ---- */

static void expect_raw(bide_session *s, struct message *m, bide_request_args args, const char *sent)
{
    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(*m));
    wires_plant(s, &w, 1);
    args.size = sizeof args;
    args.url = "http://a/";
    bide_auto bide_response *r = bide_request_with(s, "GET", &args);

    EXPECT_FALSE(bide_response_is_decoded(r));
    EXPECT_EQ((unsigned char)bide_body(r).data[0], 0x1f);
    EXPECT_EQ((int)bide_body(r).len, atoi(bide_header(r, "Content-Length")));
    if (sent)
        EXPECT_CONTAINS(w.seen, sent);
    else
        EXPECT_NULL(strcasestr(w.seen, "accept-encoding"));
    bide_release(bide_take(r));
    bide_release(s);
}

/* R13 */
TEST(decode_who_sets_accept_encoding_gets_what_comes)
{
    static struct message m;
    coded(&m, CODING_GZIP, "gzip", "Hello");

    expect_raw(bide_session_new(.headers = BIDE_PAIRS({"accept-encoding", "gzip"})), &m, (bide_request_args){.url = NULL},
               "accept-encoding: gzip\r\n");
    expect_raw(bide_session_new(), &m, (bide_request_args){.headers = BIDE_PAIRS({"Accept-Encoding", "gzip;q=1"})},
               "Accept-Encoding: gzip;q=1\r\n");
    expect_raw(bide_session_new(), &m, (bide_request_args){.headers = BIDE_PAIRS({"Accept-Encoding", ""})}, NULL);
    expect_raw(bide_session_new(.no_decompress = true), &m, (bide_request_args){.url = NULL}, NULL);
    expect_raw(bide_session_new(), &m, (bide_request_args){.no_decompress = true}, NULL);
}

/* R13: a part of what is coded cannot be decoded */
TEST(decode_a_range_is_asked_for_in_identity_and_a_part_is_left_as_it_comes)
{
    static struct message part, whole;
    encode(&part, CODING_GZIP, "Hello", 5);
    put_head(&part, "206 Partial", "Content-Encoding: gzip\r\n");
    coded(&whole, CODING_GZIP, "gzip", "Hello");
    static const char sent[] = "Accept: */*\r\nAccept-Encoding: identity\r\nRange: bytes=0-9\r\n\r\n";

    expect_raw(bide_session_new(), &part, (bide_request_args){.headers = BIDE_PAIRS({"Range", "bytes=0-9"})}, sent);
    expect_raw(bide_session_new(.headers = BIDE_PAIRS({"Range", "bytes=0-9"})), &part, (bide_request_args){.url = NULL}, sent);

    struct wire w = WIRE(ON_REQUEST, SAY_BYTES(whole)); /* it did not heed that */
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/", .headers = BIDE_PAIRS({"Range", "bytes=0-9"}));
    EXPECT_STR(bide_text(r), "Hello");
}

/* R13 */
TEST(decode_what_is_built_in_is_asked_for_by_default)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_planted(s, &w);

    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w.seen, "\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n");
}

/* ---- memory ---- */

static char page[20001];

static struct message *page_message(struct message *m)
{
    for (size_t i = 0; i < sizeof page - 1; i++)
        page[i] = "<p class=\"a\">some words of a page</p>\n"[i * i % 37];
    return coded(m, CODING_GZIP, "gzip", page);
}

TEST(decode_a_steady_stream_of_pages_allocates_nothing)
{
    if (bide__no_recycling)
        SKIP("nothing is recycled under a checker, or with BIDE_DEBUG=1");
    static struct message m;
    page_message(&m);
    static struct wire w = WIRE(ON_REQUEST);
    for (int i = 0; i < 40; i += 2) {
        w.steps[i] = (struct wire_step)ON_REQUEST;
        w.steps[i + 1] = (struct wire_step)SAY_BYTES(m);
    }
    bide_auto bide_session *s = bide_session_new();

    wires_plant(s, &w, 1);
    for (int i = 0; i < 20; i++) {
        if (i == 3)
            bide__alloc_fail_at(0);
        bide_auto bide_response *r = bide_get(s, "http://a/");
        EXPECT_EQ(bide_body(r).len, sizeof page - 1);
        EXPECT_MEM(bide_body(r).data, page, sizeof page - 1);
    }
    EXPECT_NULL(bide__malloc(1)); /* it was waiting for this */
}

static int get_page(struct message *m, bool whole)
{
    struct wire w = WIRE(ON_REQUEST, {.say = m->data, .len = m->len - 9}, {.say = m->data + m->len - 9, .len = 9, .after_ms = 10});
    const char *piece;
    ssize_t n;
    bide_auto bide_session *s = bide_session_new();
    if (!s)
        return bide_error_code();
    bide_auto bide_response *r = get_planted(s, &w);
    if (!r)
        return bide_error_code();
    if (whole)
        return bide_text(r) ? 0 : bide_error_code();
    while ((n = bide_read_chunk(r, &piece)) > 0)
        ;
    return (int)n;
}

TEST(decode_out_of_memory_is_an_error_at_every_allocation)
{
    static struct message m;
    page_message(&m);

    for (int whole = 0; whole < 2; whole++) {
        int in_a_row = 0, failures = 0;
        for (long n = 0; in_a_row < 12; n++) {
            EXPECT_LT(n, 500);
            bide__alloc_fail_at(n);
            int code = get_page(&m, whole);
            bide__alloc_fail_at(-1);
            if (code < 0)
                EXPECT_ERR(code, BIDE_ENOMEM);
            bide_error_clear();
            in_a_row = code < 0 ? 0 : in_a_row + 1;
            failures += code < 0;
        }
        EXPECT_LT(4, failures);
    }
}
