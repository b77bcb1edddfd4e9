/* SPDX-License-Identifier: MIT */
/*
 * test_chunked.c - the chunked coding: what is refused, and that cutting the bytes changes
 * nothing.
 *
 * Every input is decoded whole, cut once at every place, and byte by byte, each flush against an
 * unreadable page.
 */
#include <stdio.h>

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/h1/h1_chunked.h"

static char body[300000];
static size_t body_len;
static size_t used; /* bytes of the input that belonged to the body */

enum { WHOLE = 1, UNFINISHED = 0 };

/* Feed what is there, as a reader would: what a step does not take is shown again with more behind
 * it. */
static int decode_pieces(const char *bytes, size_t len, size_t first, size_t then)
{
    struct h1_chunked c = H1_CHUNKED_INIT;
    size_t seen = first < len ? first : len;

    used = body_len = 0;
    for (;;) {
        struct guarded g = guarded_copy(bytes + used, seen - used);
        const char *data;
        size_t data_len;
        ssize_t n = bide__h1_chunked_step(&c, g.data, seen - used, &data, &data_len);
        if (n > 0 && data_len > 0) {
            memcpy(body + body_len, data, data_len);
            body_len += data_len;
        }
        guarded_free(&g);
        if (n < 0)
            return (int)n;
        used += (size_t)n;
        if (c.done)
            return WHOLE;
        if (n == 0 && seen == len)
            return UNFINISHED;
        if (n == 0)
            seen = seen + then < len ? seen + then : len;
    }
}

static int decode_bytes(const char *bytes, size_t len)
{
    int dripped = decode_pieces(bytes, len, 0, 1);

    for (size_t cut = 0; cut <= len && len < 200; cut++)
        EXPECT_EQ(decode_pieces(bytes, len, cut, len), dripped);
    EXPECT_EQ(decode_pieces(bytes, len, len, 0), dripped);
    return dripped;
}

static int decode(const char *text)
{
    return decode_bytes(text, strlen(text));
}

static bool body_is(const char *text)
{
    return body_len == strlen(text) && memcmp(body, text, body_len) == 0;
}

UNIT(chunked_bodies_that_are_read)
{
    EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n"), WHOLE);
    EXPECT_TRUE(body_is("hello"));
    EXPECT_EQ(decode("0\r\n\r\n"), WHOLE);
    EXPECT_TRUE(body_is(""));
    EXPECT_EQ(decode("A\r\n0123456789\r\na\r\nabcdefghij\r\n000\r\n\r\n"), WHOLE);
    EXPECT_TRUE(body_is("0123456789abcdefghij"));
    EXPECT_EQ(decode("0000000000000001\r\nx\r\n0\r\n\r\n"), WHOLE);
    EXPECT_EQ(decode("2\r\n\r\n\r\n0\r\n\r\n"), WHOLE);
    EXPECT_TRUE(body_is("\r\n"));
}

/* R37 */
UNIT(chunked_what_follows_is_left_alone)
{
    EXPECT_EQ(decode("1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"), WHOLE);
    EXPECT_EQ(used, 11);
}

/* R38, D12 */
UNIT(chunked_sizes_that_are_refused)
{
    static const char *const bad[] = {
        "\r\nhello",
        "g\r\n",
        "-1\r\nx",
        "+1\r\nx",
        "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5h\r\nhello\r\n",
        "00000000000000001\r\nx\r\n",
        "8000000000000000\r\n",
        "ffffffffffffffff\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "\xd9\xa5\r\nhello\r\n",
        "5_0\r\n",
        ";a=b\r\n",
        "\n",
        "5\x01\r\nhello\r\n",
        "2 erf\r\naa\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(decode(bad[i]), H1_ECHUNKSIZE);
    static const char nul[] = "5\0\r\nHELLO\r\n0\r\n\r\n";
    EXPECT_EQ(decode_bytes(nul, sizeof nul - 1), H1_ECHUNKSIZE);
    EXPECT_EQ(decode("7fffffffffffffff\r\nx"), UNFINISHED);
}

/* R38 */
UNIT(chunked_lines_that_do_not_end_in_crlf_are_refused)
{
    EXPECT_EQ(decode("5\nhello\r\n0\r\n\r\n"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("5\r5\r\nhello"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("5\r\rhello"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("5 \r\nhello\r\n"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("25  \r\n"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("5;a\nhello\r\n"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("5;a\rx"), H1_ECHUNKLINE);
    EXPECT_EQ(decode("0\n\n"), H1_ECHUNKLINE);
}

/* R39 */
UNIT(chunked_extensions_are_skipped_and_bounded)
{
    char line[400];
    EXPECT_EQ(decode("5;a=b;c=\"d;\xc3\xa9\"\r\nhello\r\n0;last\r\n\r\n"), WHOLE);
    EXPECT_TRUE(body_is("hello"));
    EXPECT_EQ(decode("5 \t;a\tb\r\nhello\r\n0\r\n\r\n"), WHOLE);
    EXPECT_EQ(decode("5;a=\"\r\n0\r\n\r\n\"\r\nhello\r\n0\r\n\r\n"),
              H1_ECHUNKEND); /* a quote hides no line end */
    EXPECT_EQ(decode("5;a\x01\r\nhello\r\n"), H1_ECHUNKEXT);

    snprintf(line, sizeof line, "1;%0*d\r\nx\r\n0\r\n\r\n", H1_CHUNK_EXT_MAX - 1, 0);
    EXPECT_EQ(decode(line), WHOLE);
    snprintf(line, sizeof line, "1;%0*d\r\nx\r\n0\r\n\r\n", H1_CHUNK_EXT_MAX, 0);
    EXPECT_EQ(decode(line), H1_ECHUNKEXT);
    snprintf(line, sizeof line, "1%*s;\r\nx\r\n0\r\n\r\n", 300, "");
    EXPECT_EQ(decode(line), H1_ECHUNKEXT);
}

/* R40 */
UNIT(chunked_data_must_be_followed_by_crlf)
{
    EXPECT_EQ(decode("5\r\nhelloX\r\n0\r\n\r\n"), H1_ECHUNKEND);
    EXPECT_EQ(decode("5\r\nhello0\r\n\r\n"), H1_ECHUNKEND);
    EXPECT_EQ(decode("5\r\nhello\n0\r\n\r\n"), H1_ECHUNKEND);
    EXPECT_EQ(decode("5\r\nhello\r0\r\n\r\n"), H1_ECHUNKEND);
    EXPECT_EQ(decode("a\r\nhello world\r\n1\r\nd\r\n"), H1_ECHUNKEND);
}

/* R36 */
UNIT(chunked_early_end_is_not_an_end)
{
    static const char text[] = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (size_t len = 0; len < sizeof text - 1; len++)
        EXPECT_EQ(decode_bytes(text, len), UNFINISHED);
    EXPECT_EQ(decode(text), WHOLE);
}

/* R41 */
UNIT(chunked_trailers_are_kept_apart)
{
    struct field fields[4];
    struct h1_head trailers = {.fields = fields, .fields_cap = 4};
    struct h1_parser parser = {.limits = {100, 100, 100, 4}};
    struct h1_chunked c = H1_CHUNKED_INIT;
    char text[] = "0\r\nContent-Length: 9\r\nX:  y \r\n\r\nrest";
    const char *data;
    size_t data_len;

    EXPECT_EQ(bide__h1_chunked_step(&c, text, sizeof text - 1, &data, &data_len),
              (ssize_t)sizeof text - 5);
    EXPECT_TRUE(c.done && data_len == 0);
    EXPECT_EQ(c.trailer_len, sizeof text - 1 - 3 - 4);
    EXPECT_EQ(bide__h1_parse_trailers(&parser, text + 3, c.trailer_len, &trailers), c.trailer_len);
    EXPECT_EQ(trailers.nfields, 2);
    EXPECT_EQ(fields[0].id, HEADER_CONTENT_LENGTH);
    EXPECT_TRUE(memcmp(bide__h1_value(&trailers, &fields[1]), "y", 1) == 0 &&
                fields[1].value_len == 1);
}

/* R41 */
UNIT(chunked_trailers_that_are_refused)
{
    char line[10000];
    static const char nul[] = "0\r\nA\0: b\r\n\r\n";
    EXPECT_EQ(decode("0\r\nA: b\n\r\n"), H1_EBARELF);
    EXPECT_EQ(decode("0\r\nA: b\r\n c\r\n\r\n"), H1_EFOLD);
    EXPECT_EQ(decode("0\r\nA : b\r\n\r\n"), H1_ESPACENAME);
    EXPECT_EQ(decode("0\r\nnot a field\r\n\r\n"), H1_ENOCOLON);
    EXPECT_EQ(decode("0\r\nnot a: field\r\n\r\n"), H1_ENAME);
    EXPECT_EQ(decode("0\r\nA: b\x01\r\n\r\n"), H1_EVALUE);
    EXPECT_EQ(decode_bytes(nul, sizeof nul - 1), H1_ENAME);

    snprintf(line, sizeof line, "0\r\nA: %0*d\r\n\r\n", H1_TRAILER_MAX, 0);
    EXPECT_EQ(decode(line), H1_ETRAILERSIZE);
    snprintf(line, sizeof line, "0\r\nA: %0*d", H1_TRAILER_MAX, 0);
    EXPECT_EQ(decode(line), H1_ETRAILERSIZE);
    char *p = line + sprintf(line, "0\r\n");
    for (int i = 0; i <= H1_TRAILER_FIELDS_MAX; i++)
        p += sprintf(p, "A: b\r\n");
    sprintf(p, "\r\n");
    EXPECT_EQ(decode(line), H1_EFIELDCOUNT);
}

/* D9 */
UNIT(chunked_overhead_is_bounded)
{
    static char text[200000];
    char *p = text;
    for (int i = 0; i < 500; i++)
        p += sprintf(p, "1;%0*d\r\nx\r\n", 200, 0);
    sprintf(p, "0\r\n\r\n");
    EXPECT_EQ(decode_pieces(text, strlen(text), 200000, 0), H1_ECHUNKOVERHEAD);
    EXPECT_TRUE(body_len < 100);

    p = text;
    for (int i = 0; i < 20000; i++)
        p += sprintf(p, "1\r\nx\r\n");
    sprintf(p, "0\r\n\r\n");
    EXPECT_EQ(decode_pieces(text, strlen(text), 200000, 0), WHOLE); /* silly, but no attack */
    EXPECT_EQ(body_len, 20000);
}
