/* SPDX-License-Identifier: MIT */
/* test_fields.c - the fields of a message head: what is kept, what is joined, what is refused. */
#include <stdio.h>

#include "h1/reading.h"
#include "http/field/scan.h"

/* R23 */
UNIT(field_order_repeats_and_case_are_kept)
{
    EXPECT_TRUE(
        response("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nx:\r\nsET-cOOKIE:\t b\t\r\n\r\nrest") > 0);
    EXPECT_EQ(head.nfields, 3);
    EXPECT_TRUE(name_is(0, "Set-Cookie") && value_is(0, "a"));
    EXPECT_TRUE(name_is(1, "x") && value_is(1, ""));
    EXPECT_TRUE(name_is(2, "sET-cOOKIE") && value_is(2, "b"));
    EXPECT_EQ(head.fields[2].id, HEADER_SET_COOKIE);
    EXPECT_EQ(head.fields[1].id, HEADER_OTHER);
    EXPECT_TRUE(bide__h1_has(&head, HEADER_SET_COOKIE) && !bide__h1_has(&head, HEADER_COOKIE));
    EXPECT_TRUE(bide__h1_find(&head, HEADER_SET_COOKIE) == &head.fields[0]);
    EXPECT_TRUE(bide__h1_find(&head, HEADER_DATE) == NULL);
}

UNIT(field_values_keep_inner_white_space_and_high_bytes)
{
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA:  b \t c::\xff\xc3\xa9  \r\n\r\n") > 0);
    EXPECT_TRUE(value_is(0, "b \t c::\xff\xc3\xa9"));
}

/* R19 */
UNIT(field_bare_lf_is_read_and_remembered)
{
    EXPECT_EQ(response("HTTP/1.1 200 OK\nA: b\n\nBODY"), 22);
    EXPECT_TRUE(head.bare_lf && value_is(0, "b"));
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\n\r\nBODY"), 24);
    EXPECT_TRUE(head.bare_lf);
    EXPECT_EQ(response("HTTP/1.1 200 OK\n\r\nA: b\r\n\r\n"), 18);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\n c\n d\r\nE: f\r\n\r\n"), 37);
    EXPECT_TRUE(head.bare_lf && value_is(0, "b c d"));
    strict = true;
    EXPECT_EQ(response("HTTP/1.1 200 OK\nA: b\n\n"), H1_EBARELF);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\n\r\n"), H1_EBARELF);
    strict = false;
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA: b\r\n\r\n") > 0);
    EXPECT_TRUE(!head.bare_lf);
}

/* R19 */
UNIT(field_bare_cr_is_refused)
{
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n"), H1_EBARECR);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n"), H1_EBARECR);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA:\r b\r\n\r\n"), H1_EBARECR);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\rA: b\r\n\r\n"), H1_EBARECR);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA\r: b\r\n\r\n"), H1_EBARECR);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\r\n c\rd\r\n\r\n"), H1_EBARECR);
}

/* One byte in each of two values: what comes of it. */
static ssize_t value_with(char c, const char *name)
{
    char text[128];
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s: d_e\r\nF: 0123456789abcdef_g\r\n\r\n", name);
    char *first = strchr(text, '_'), *second = strrchr(text, '_');

    *first = c;
    ssize_t one = parse_bytes(bide__h1_parse_response, text, (size_t)n);
    *first = 'x';
    *second = c;
    ssize_t two = parse_bytes(bide__h1_parse_response, text, (size_t)n);
    return strcmp(name, "ABC") == 0 && one != two ? 0 : one;
}

/* R20 */
UNIT(field_control_characters_in_values_are_refused_in_strict_mode_and_nul_always)
{
    for (int c = 0; c < 256; c++) {
        bool is_plain = c == '\t' || (c >= ' ' && c != 0x7f);
        if (c == '\r' || c == '\n')
            continue;
        strict = false;
        EXPECT_EQ(value_with((char)c, "ABC") > 0, c != 0);
        strict = true;
        EXPECT_EQ(value_with((char)c, "ABC"), is_plain ? 52 : H1_EVALUE);
        strict = false;
    }
}

/* R20 */
UNIT(field_control_characters_never_stand_where_they_frame)
{
    EXPECT_EQ(value_with('\1', "Content-Length"), H1_EVALUE);
    EXPECT_EQ(value_with('\1', "transfer-encoding"), H1_EVALUE);
    EXPECT_EQ(value_with('\x7f', "Connection"), H1_EVALUE);
}

/* R20 */
UNIT(field_control_characters_are_kept_as_they_are_also_in_folds)
{
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA: b\1c\x7f\r\nD: e\2  \n \3 f\r\n\r\n") > 0);
    EXPECT_TRUE(value_is(0, "b\1c\x7f"));
    EXPECT_TRUE(value_is(1, "e\2 \3 f"));
}

/* R23 */
UNIT(field_names_that_are_not_tokens_are_kept_as_they_came)
{
    for (int c = 0; c < 256; c++) {
        char text[] = "HTTP/1.1 200 OK\r\nA_B: c\r\nDate: x\r\n\r\n";
        bool token = char_is((char)c, CHAR_TOKEN);
        *strchr(text, '_') = (char)c;
        ssize_t n = parse_bytes(bide__h1_parse_response, text, sizeof text - 1);
        EXPECT_EQ(n > 0, c != 0 && c != '\r');
        if (n > 0 && c != '\n' && c != ':') {
            EXPECT_TRUE(value_is(0, "c") && head.fields[0].name_len == 3 && head.fields[0].id == HEADER_OTHER);
            EXPECT_EQ(head.odd.len > 0, !token);
        }
        strict = true;
        EXPECT_EQ(parse_bytes(bide__h1_parse_response, text, sizeof text - 1) > 0, token || c == ':');
        strict = false;
    }
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\n: b\r\nA\xe9: c\r\nX \t: y\r\n z\r\n\r\n") > 0);
    EXPECT_TRUE(head.nfields == 3 && name_is(0, "") && name_is(1, "A\xe9") && name_is(2, "X \t"));
    EXPECT_TRUE(value_is(0, "b") && value_is(1, "c") && value_is(2, "y z") && is(head.odd, ": b"));
}

/* R21 */
UNIT(field_odd_names_that_could_frame_are_refused)
{
    static const char *const bad[] = {
        "Transfer-Encoding : chunked", "Transfer-Encoding x: chunked", "Content-Length\t: 5",  "\"Content-Length\": 5",
        "\013Content-Length: 5",     "Transfer-Encoding\xa0: chunked", "(transfer-encoding): chunked",
        "Content-Length 5",            "Transfer-Encoding=chunked",    "content-length",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128];
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nA: b\r\n%s\r\nContent-Length: 5\r\n\r\n", bad[i]);
        ssize_t n = response(text);
        EXPECT_TRUE(n == H1_ESPACENAME || n == H1_ENAME || n == H1_ENOCOLON);
        EXPECT_TRUE(bad_is(bad[i]));
    }
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n A: b\r\n\r\n"), H1_ESPACELINE);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\tA: b\r\n\r\n"), H1_ESPACELINE);
    EXPECT_TRUE(bad_is("\tA: b"));
}

/* R23 */
UNIT(field_a_line_without_a_colon_is_skipped_unless_it_could_be_more)
{
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA\r\nB: c\r\n{}\r\n\r\n"), 32);
    EXPECT_TRUE(head.nfields == 1 && name_is(0, "B") && head.no_colon && is(head.odd, "A"));
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA\r\n b: c\r\n\r\n"), H1_ENOCOLON);
    EXPECT_EQ(response("HTTP/1.1 100 Continue\r\nHTTP/1.1 200 OK\r\n\r\n"), H1_ENOCOLON);
    EXPECT_TRUE(bad_is("HTTP/1.1 200 OK"));
    strict = true;
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA\r\nB: c\r\n\r\n"), H1_ENOCOLON);
    strict = false;
}

/* R22 */
UNIT(field_folds_become_one_space)
{
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA: b \r\n  c\t\r\n\td\r\nE: f\r\n\r\n") > 0);
    EXPECT_TRUE(value_is(0, "b c d") && value_is(1, "f"));
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA: \r\n   \r\n hello there\r\n\r\n") > 0);
    EXPECT_TRUE(value_is(0, "hello there"));
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA:   \r\n \r\n \r\n\r\n") > 0);
    EXPECT_TRUE(value_is(0, ""));
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nA: bar\r\n\tTransfer-Encoding: chunked\r\n\r\n") > 0);
    EXPECT_TRUE(head.nfields == 1 && value_is(0, "bar Transfer-Encoding: chunked"));
}

/* R22 */
UNIT(field_folds_are_refused_where_they_frame_and_in_strict_mode)
{
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"), H1_EFOLD);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 0\r\n\r\n"), H1_EFOLD);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nConnection:\r\n close\r\n\r\n"), H1_EFOLD);
    strict = true;
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), H1_EFOLD);
    strict = false;
}
