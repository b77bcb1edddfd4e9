/* SPDX-License-Identifier: MIT */
/* test_parse.c - whole message heads: bytes that are not there yet, and ceilings. */
#include <stdio.h>

#include "h1/reading.h"

static char big[200000];

/* ---- heads that are refused ---- */

UNIT(head_that_is_refused_shows_the_line)
{
    char text[1000] = "HTTP/1.1 200 OK\r\n";

    EXPECT_EQ(response("<html>hello</html>\n"), H1_EVERSION);
    EXPECT_TRUE(bad_is("<html>hello</html>"));
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\r\nC: d\re\r\n\r\n"), H1_EBARECR);
    EXPECT_TRUE(bad_is("C: d\re"));
    EXPECT_EQ(response("HTTP/1.1 20 OK\r\n\r\n"), H1_ESTATUS);
    EXPECT_TRUE(bad_is("HTTP/1.1 20 OK"));
    memset(text + 17, ' ', 900);
    EXPECT_EQ(response(text), H1_ESPACELINE);
    EXPECT_EQ(head.odd.len, 256);
}

/* ---- bytes that are not there yet ---- */

UNIT(head_unfinished_needs_more_at_every_cut)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nDate: x\r\nA: b\r\n c\r\nContent-Length: 3\r\n\r\n";
    for (size_t len = 0; len < sizeof text - 1; len++)
        EXPECT_EQ(parse_bytes(bide__h1_parse_response, text, len), 0);
    EXPECT_EQ(response(text), (ssize_t)sizeof text - 1);
}

UNIT(head_parser_is_ready_for_the_next_message)
{
    struct h1_parser p;
    char text[] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
    start(&p);
    ssize_t n = bide__h1_parse_response(&p, text, sizeof text - 1, &head);
    EXPECT_EQ(head.status, 100);
    EXPECT_EQ(bide__h1_parse_response(&p, text + n, sizeof text - 1 - (size_t)n, &head), 25);
    EXPECT_EQ(head.status, 200);
}

/* ---- limits: R24, D9 ---- */

/* "HTTP/1.1 200 OK\r\n", then `count` fields whose lines have `line` bytes, then the end.  Returns
 * the length. */
static size_t big_head(size_t count, size_t line)
{
    char *p = big + sprintf(big, "HTTP/1.1 200 OK\r\n");
    for (size_t i = 0; i < count; i++, p += line) {
        memset(p, 'v', line);
        memcpy(p, "N: ", 3);
        memcpy(p + line - 2, "\r\n", 2);
    }
    memcpy(p, "\r\n", 2);
    return (size_t)(p + 2 - big);
}

UNIT(limit_field_count_is_256)
{
    EXPECT_TRUE(parse_bytes(bide__h1_parse_response, big, big_head(256, 10)) > 0);
    EXPECT_EQ(head.nfields, 256);
    EXPECT_EQ(parse_bytes(bide__h1_parse_response, big, big_head(257, 10)), H1_EFIELDCOUNT);
}

UNIT(limit_field_line_is_32_kib)
{
    EXPECT_TRUE(parse_bytes(bide__h1_parse_response, big, big_head(1, H1_FIELD_MAX)) > 0);
    EXPECT_EQ(parse_bytes(bide__h1_parse_response, big, big_head(1, H1_FIELD_MAX + 1)),
              H1_EFIELDSIZE);
}

UNIT(limit_head_is_64_kib_however_it_is_cut)
{
    size_t line = 1024, most = big_head(63, line) + 900;
    EXPECT_TRUE(parse_bytes(bide__h1_parse_response, big, big_head(63, line)) > 0);
    EXPECT_EQ(parse_bytes(bide__h1_parse_response, big, big_head(64, line)), H1_EHEADSIZE);
    EXPECT_EQ(parse_bytes(bide__h1_parse_response, big, big_head(150, line)), H1_EHEADSIZE);

    struct h1_parser p;
    ssize_t n = 0;
    size_t seen = 0;
    big_head(150, line);
    start(&p);
    while (n == 0 && seen < 150000)
        n = bide__h1_parse_response(&p, big, seen += 100, &head);
    EXPECT_EQ(n, H1_EHEADSIZE);
    EXPECT_TRUE(seen >= H1_HEAD_MAX && seen < H1_HEAD_MAX + 100 && most < H1_HEAD_MAX);
}

UNIT(limit_status_line_is_8_kib)
{
    memset(big, 'r', H1_LINE_MAX + 100);
    memcpy(big, "HTTP/1.1 200 ", 13);
    memcpy(big + H1_LINE_MAX - 2, "\r\n\r\n", 4);
    EXPECT_TRUE(parse_bytes(bide__h1_parse_response, big, H1_LINE_MAX + 2) > 0);
    memset(big + H1_LINE_MAX - 2, 'r', 4);
    memcpy(big + H1_LINE_MAX - 1, "\r\n\r\n", 4);
    EXPECT_EQ(parse_bytes(bide__h1_parse_response, big, H1_LINE_MAX + 3), H1_ELINESIZE);
}

UNIT(limit_of_the_caller_holds_too)
{
    struct h1_parser p;
    char text[] = "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\nE: f\r\n\r\n";
    start(&p);
    head.fields_cap = 2;
    EXPECT_EQ(bide__h1_parse_response(&p, text, sizeof text - 1, &head), H1_EFIELDCOUNT);
    start(&p);
    p.limits.head = 30;
    EXPECT_EQ(bide__h1_parse_response(&p, text, sizeof text - 1, &head), H1_EHEADSIZE);
}

/* A head that drips in must not cost a pass per byte: this would take minutes. */
UNIT(head_of_64_kib_byte_by_byte_is_linear)
{
    struct h1_parser p;
    size_t len = big_head(250, 250);
    ssize_t n = 0;
    start(&p);
    for (size_t seen = 1; seen <= len && n == 0; seen++)
        n = bide__h1_parse_response(&p, big, seen, &head);
    EXPECT_EQ(n, (ssize_t)len);

    memset(big, '\n', H1_HEAD_MAX);
    start(&p);
    n = 0;
    for (len = 1; len <= H1_HEAD_MAX && n == 0; len++)
        n = bide__h1_parse_response(&p, big, len, &head);
    EXPECT_EQ(n, H1_EHEADSIZE);
}

/* ---- texts of errors ---- */

UNIT(error_texts_and_statuses)
{
    EXPECT_STR(bide__h1_strerror(H1_EBARECR), "bare CR in the head");
    EXPECT_EQ(bide__h1_error_status(H1_EHEADSIZE), 431);
    EXPECT_EQ(bide__h1_error_status(H1_ECODING), 501);
    EXPECT_EQ(bide__h1_error_status(H1_EHTTPVERSION), 505);
    EXPECT_EQ(bide__h1_error_status(5), 400);
    for (int e = H1__FIRST + 1; e < H1__END; e++)
        EXPECT_TRUE(strlen(bide__h1_strerror(e)) > 5 && e < 0);
}
