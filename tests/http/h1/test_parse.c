/* SPDX-License-Identifier: MIT */
/*
 * test_parse.c - message heads: what is refused, what is read, and that cutting the bytes
 * changes neither.
 *
 * Every input is read three times: whole, byte by byte, and whole with other bytes behind it; the
 * verdicts must be equal. All of it lies flush against an unreadable page.
 */
#include <stdio.h>

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/h1/h1_parse.h"
#include "http/field/scan.h"

typedef ssize_t parse_fn(struct h1_parser *, char *, size_t, struct h1_head *);

static struct field fields[H1_FIELDS_MAX + 50];
static struct h1_head head;
static struct guarded input;
static bool strict;

static void start(struct h1_parser *p)
{
    *p = (struct h1_parser)H1_PARSER_INIT;
    p->strict = strict;
    head = (struct h1_head){.fields = fields, .fields_cap = H1_FIELDS_MAX + 50};
}

/* Each read sees one byte more than the one before, and nothing beyond it. */
static ssize_t drip(parse_fn *parse, const char *bytes, size_t len)
{
    struct h1_parser p;
    ssize_t n = 0;
    char *copy = malloc(len);

    start(&p);
    memcpy(copy, bytes, len);
    for (size_t seen = 1; seen <= len && n == 0; seen++) {
        struct guarded part = guarded_copy(copy, seen);
        n = parse(&p, part.data, seen, &head);
        memcpy(copy, part.data, seen);
        guarded_free(&part);
    }
    free(copy);
    return n;
}

static ssize_t parse_bytes(parse_fn *parse, const char *bytes, size_t len)
{
    struct h1_parser p;

    if (len <= 2000) {
        ssize_t dripped = drip(parse, bytes, len);
        start(&p);
        struct guarded g = guarded_copy(bytes, len);
        EXPECT_EQ(parse(&p, g.data, len, &head), dripped);
        guarded_free(&g);
    }
    if (input.map)
        guarded_free(&input);
    start(&p);
    input = guarded_copy(bytes, len);
    return parse(&p, input.data, len, &head);
}

static ssize_t response(const char *text)
{
    return parse_bytes(bide__h1_parse_response, text, strlen(text));
}

static ssize_t request(const char *text)
{
    return parse_bytes(bide__h1_parse_request, text, strlen(text));
}

static bool is(struct h1_slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(head.base + s.off, text, s.len) == 0;
}

static bool value_is(unsigned i, const char *text)
{
    return i < head.nfields &&
           is((struct h1_slice){head.fields[i].value, head.fields[i].value_len}, text);
}

static bool name_is(unsigned i, const char *text)
{
    return i < head.nfields &&
           is((struct h1_slice){head.fields[i].name, head.fields[i].name_len}, text);
}

/* The body of a whole answer with this first line and these fields; or the error. */
static int framing(const char *status_line, const char *more, unsigned flags)
{
    char text[1024];
    snprintf(text, sizeof text, "%s\r\n%s\r\n", status_line, more);
    ssize_t n = response(text);
    int r = n > 0 ? bide__h1_frame_response(&head, flags) : (int)n;
    return r < 0 ? r : (int)head.body;
}

static int frame(const char *more)
{
    return framing("HTTP/1.1 200 OK", more, 0);
}

/* ---- known names ---- */

UNIT(header_id_every_name_finds_itself_in_any_case)
{
    for (int id = 1; id < HEADER_COUNT; id++) {
        char name[64];
        size_t len = strlen(bide__header_name(id));
        for (size_t i = 0; i <= len; i++)
            name[i] = (char)(i % 2 ? bide__header_name(id)[i]
                                   : bide__header_name(id)[i] &
                                         ~(i < len && bide__header_name(id)[i] >= 'a' ? 0x20 : 0));
        EXPECT_EQ(bide__header_id(name, len), id);
        name[0] = '!';
        EXPECT_EQ(bide__header_id(name, len), HEADER_OTHER);
        EXPECT_TRUE(bide__header_id(name, len - 1) != (enum header_id)id);
    }
    EXPECT_EQ(bide__header_id("", 0), HEADER_OTHER);
    EXPECT_EQ(bide__header_id("X-Unheard-Of", 12), HEADER_OTHER);
    EXPECT_STR(bide__header_name(HEADER_OTHER), "");
}

/* R6 */
UNIT(header_names_and_values_that_may_be_sent)
{
    EXPECT_TRUE(bide__header_name_ok("X-A_b.1~", 8));
    EXPECT_TRUE(!bide__header_name_ok("", 0));
    EXPECT_TRUE(!bide__header_name_ok("a b", 3));
    EXPECT_TRUE(!bide__header_name_ok("a:", 2));
    EXPECT_TRUE(!bide__header_name_ok("a\r\nb", 4));
    EXPECT_TRUE(bide__header_value_ok("", 0));
    EXPECT_TRUE(bide__header_value_ok("a\tb \xff", 5));
    EXPECT_TRUE(!bide__header_value_ok(" a", 2));
    EXPECT_TRUE(!bide__header_value_ok("a ", 2));
    EXPECT_TRUE(!bide__header_value_ok("a\r\nb: c", 7));
    EXPECT_TRUE(!bide__header_value_ok("a\0b", 3));
    EXPECT_TRUE(!bide__header_value_ok("a\nb", 3));
    EXPECT_TRUE(!bide__header_value_ok("a\x7f", 2));
}

/* ---- the scalar and the vector version give the same answer ---- */

UNIT(scan_vector_and_scalar_agree_at_every_byte_and_length)
{
    for (size_t len = 0; len <= 70; len++) {
        struct guarded g = guarded_copy(
            "----------------------------------------------------------------------", len);
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                g.data[at] = (char)c;
                const char *end = g.data + len;
                EXPECT_TRUE(scan_value(g.data, end) == scan_scalar(g.data, end, CHAR_VALUE));
                EXPECT_TRUE(scan_token(g.data, end) == scan_scalar(g.data, end, CHAR_TOKEN));
                g.data[at] = '-';
            }
        guarded_free(&g);
    }
}

/* ---- status line ---- */

/* R17 */
UNIT(status_line_forms_that_are_read)
{
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\r\n"), 19);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.minor, 1);
    EXPECT_TRUE(is(head.reason, "OK"));
    EXPECT_EQ(response("HTTP/1.0 404\r\n\r\n"), 16);
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.minor, 0);
    EXPECT_TRUE(is(head.reason, ""));
    EXPECT_EQ(response("HTTP/1.1 200 \r\n\r\n"), 17);
    EXPECT_TRUE(is(head.reason, ""));
    EXPECT_EQ(response("HTTP/1.1 500 Not\tso \xe9 good: \r\n\r\n"), 32);
    EXPECT_TRUE(is(head.reason, "Not\tso \xe9 good:"));
}

/* R17 */
UNIT(status_line_wrong_versions_are_refused)
{
    static const char *const bad[] = {
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.01 200 OK\r\n\r\n",
        "HTTP/1. 200 OK\r\n\r\n",
        "HTTP/1 200 OK\r\n\r\n",
        "HTTP/12.3 200 OK\r\n\r\n",
        "HTTP/A.B 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP /1.1 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "\r\n HTTP/1.1 200 OK\r\n\r\n",
        "\r\n\r\nOK",
        "RTSP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.-1 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "<html>",
        "\x16\x03\x01\x02",
        "HTTP/1.1X",
        "HTTPS/1.1 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(response(bad[i]), H1_EVERSION);
}

/* R17 */
UNIT(status_line_empty_lines_before_it_are_skipped)
{
    EXPECT_EQ(response("\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nrest"), 27);
    EXPECT_TRUE(head.status == 200 && name_is(0, "A") && value_is(0, "b") && !head.bare_lf);
    EXPECT_EQ(response("\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 25);
    EXPECT_EQ(response("\nHTTP/1.1 200 OK\r\n\r\n"), 20);
    EXPECT_TRUE(head.bare_lf);
    EXPECT_EQ(response("\r\n"), 0);
    EXPECT_EQ(response("\r"), 0);
    EXPECT_EQ(response("\rHTTP/1.1 200 OK\r\n\r\n"), H1_EBARECR);
    strict = true;
    EXPECT_EQ(response("\nHTTP/1.1 200 OK\r\n\r\n"), H1_EBARELF);
    strict = false;
}

/* R18 */
UNIT(status_line_wrong_codes_are_refused)
{
    static const char *const bad[] = {
        "HTTP/1.1 99 OK\r\n\r\n",   "HTTP/1.1 099 OK\r\n\r\n",  "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 9999 OK\r\n\r\n", "HTTP/1.1 200X OK\r\n\r\n", "HTTP/1.1 -10 OK\r\n\r\n",
        "HTTP/1.1 2 0 OK\r\n\r\n",  "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200\tOK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",   "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\nxxxxx",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(response(bad[i]), H1_ESTATUS);
    EXPECT_EQ(response("HTTP/1.1 999 Odd\r\n\r\n"), 20); /* RFC 9110 15: as if it were a 5xx */
    EXPECT_EQ(head.status, 999);
}

UNIT(status_line_control_characters_in_the_reason_are_refused)
{
    static const char nul[] = "HTTP/1.1 200 O\0K\r\n\r\n";
    EXPECT_EQ(parse_bytes(bide__h1_parse_response, nul, sizeof nul - 1), H1_EREASON);
    EXPECT_EQ(response("HTTP/1.1 200 O\x1b[2JK\r\n\r\n"), H1_EREASON);
    EXPECT_EQ(response("HTTP/1.1 200 OK\rX: y\r\n\r\n"), H1_EBARECR);
    EXPECT_EQ(response("HTTP/1.1 200\rOK\n\nBODY"), H1_EBARECR);
}

/* ---- fields ---- */

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

/* The line that was refused. */
static bool bad_is(const char *text)
{
    return is(head.odd, text);
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

static char big[200000];

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

/* ---- framing of answers ---- */

/* R33, R34 */
UNIT(framing_content_length)
{
    EXPECT_EQ(frame("Content-Length: 42\r\n"), H1_BODY_LENGTH);
    EXPECT_EQ(head.content_length, 42);
    EXPECT_EQ(frame("Content-Length: 0\r\n"), H1_BODY_LENGTH);
    EXPECT_EQ(frame("Content-Length: 9223372036854775807\r\n"), H1_BODY_LENGTH);
    EXPECT_TRUE(head.content_length == INT64_MAX);
    EXPECT_EQ(frame("Content-Length: 7\r\ncontent-length: 7\r\n"), H1_BODY_LENGTH);
    EXPECT_EQ(frame("Content-Length: 7, 7 ,7\r\n"), H1_BODY_LENGTH);
    EXPECT_EQ(head.content_length, 7);
}

/* R34 */
UNIT(framing_lengths_that_are_not_plain_digits_are_refused)
{
    static const char *const bad[] = {"",
                                      "+5",
                                      "-1",
                                      "5 0",
                                      "5.0",
                                      "0x5",
                                      "5_0",
                                      "1e3",
                                      "aaaah",
                                      "42s",
                                      "\"5\"",
                                      "5;",
                                      ",5",
                                      "5,",
                                      "5,,5",
                                      "\xef\xbc\x95",
                                      "9223372036854775808",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[100];
        snprintf(line, sizeof line, "Content-Length: %s\r\n", bad[i]);
        EXPECT_EQ(frame(line), H1_ELENGTH);
    }
}

/* R33 */
UNIT(framing_lengths_that_differ_are_refused)
{
    EXPECT_EQ(frame("Content-Length: 5\r\nContent-Length: 6\r\n"), H1_ELENGTHS);
    EXPECT_EQ(frame("Content-Length: 5, 60\r\n"), H1_ELENGTHS);
    EXPECT_EQ(frame("Content-Length: 030\r\nContent-Length: 30\r\n"), H1_ELENGTHS);
    EXPECT_EQ(framing("HTTP/1.1 204 OK", "Content-Length: 7\r\nContent-Length: 8\r\n", 0),
              H1_ELENGTHS);
}

/* R31 */
UNIT(framing_transfer_codings)
{
    static const char *const bad[] = {"gzip, chunked",
                                      "chunked, gzip",
                                      "chunked, identity, chunked",
                                      "identity, gzip",
                                      "gzip",
                                      "chunked, identity",
                                      "xchunked",
                                      "chunk",
                                      "\"chunked\"",
                                      "'chunked'",
                                      "chunked;q=1",
                                      "",
                                      ", ,",
                                      "chun\xe2\x84\xaa"
                                      "ed",
                                      "\xff"
                                      "chunked",
                                      "chunked\xa0"};
    EXPECT_EQ(frame("Transfer-Encoding: chunked\r\n"), H1_BODY_CHUNKED);
    EXPECT_EQ(frame("Transfer-Encoding: \tCHUNKED \r\n"), H1_BODY_CHUNKED);
    EXPECT_EQ(frame("Transfer-Encoding: identity\r\n"), H1_BODY_CLOSE);
    EXPECT_EQ(frame("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), H1_ECODING);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[100];
        snprintf(line, sizeof line, "Transfer-Encoding: %s\r\n", bad[i]);
        EXPECT_EQ(frame(line), H1_ECODING);
        EXPECT_EQ(head.odd.len + 2, strlen(line)); /* all of it but CRLF */
    }
}

/* R31 */
UNIT(framing_chunked_said_more_than_once_is_read_and_closes)
{
    static const char *const odd[] = {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                      "Transfer-Encoding: chunked, Chunked\r\n",
                                      "Transfer-Encoding: identity, chunked\r\n",
                                      "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
                                      "Transfer-Encoding: chunked, ,\r\n",
                                      "Transfer-Encoding: \r\nTransfer-Encoding: chunked\r\n"};

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        EXPECT_EQ(frame(odd[i]), H1_BODY_CHUNKED);
        EXPECT_TRUE(!head.keep_alive && head.chunked_twice == (i < 2));
        EXPECT_EQ(framing("HTTP/1.1 200 OK", odd[i], H1_STRICT), H1_ECODING);
    }
}

/* R23 */
UNIT(framing_a_skipped_line_is_done_without_where_another_frames)
{
    EXPECT_EQ(frame("X-XSS-Protection=1;\r\nContent-Length: 2\r\n"), H1_BODY_LENGTH);
    EXPECT_TRUE(!head.keep_alive);
    EXPECT_EQ(frame("Oops\r\nTransfer-Encoding: chunked\r\n"), H1_BODY_CHUNKED);
    EXPECT_EQ(framing("HTTP/1.1 204 No", "Oops\r\n", 0), H1_BODY_NONE);
    EXPECT_EQ(frame("Oops\r\n"), H1_ENOCOLON);
    EXPECT_TRUE(is(head.odd, "Oops"));
    EXPECT_EQ(frame("X: DE\nNY\r\nContent-Length: 5\r\n"), H1_ENOCOLON);
    EXPECT_EQ(frame("X y: 1\r\nContent-Length: 5\r\n"), H1_BODY_LENGTH);
    EXPECT_TRUE(!head.keep_alive);
}

/* R30 */
UNIT(framing_coding_beside_length_wins_and_closes)
{
    EXPECT_EQ(frame("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), H1_BODY_CHUNKED);
    EXPECT_TRUE(!head.keep_alive && head.content_length == 0);
    EXPECT_EQ(framing("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                      H1_STRICT),
              H1_EBOTH);
}

/* R32 */
UNIT(framing_coding_in_http_1_0_closes)
{
    EXPECT_EQ(
        framing("HTTP/1.0 200 OK", "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", 0),
        H1_BODY_CHUNKED);
    EXPECT_TRUE(!head.keep_alive);
}

/* R28 */
UNIT(framing_answers_without_body)
{
    static const char *const lines[] = {"HTTP/1.1 204 No", "HTTP/1.1 304 Not", "HTTP/1.1 100 Go",
                                        "HTTP/1.1 103 Early"};
    for (size_t i = 0; i < 4; i++) {
        EXPECT_EQ(framing(lines[i], "Content-Length: 5\r\n", 0), H1_BODY_NONE);
        EXPECT_EQ(framing(lines[i], "Transfer-Encoding: chunked\r\n", 0), H1_BODY_NONE);
        EXPECT_EQ(framing(lines[i], "", 0), H1_BODY_NONE);
        EXPECT_TRUE(head.keep_alive);
    }
    EXPECT_EQ(framing("HTTP/1.1 200 OK", "Content-Length: 5\r\n", H1_FOR_HEAD), H1_BODY_NONE);
    EXPECT_TRUE(head.keep_alive && head.content_length == 5);
    EXPECT_EQ(framing("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked\r\n", H1_FOR_HEAD), H1_BODY_NONE);
    EXPECT_EQ(head.odd.len, 0);
    EXPECT_EQ(framing("HTTP/1.1 304 Not", "Transfer-Encoding: foo\r\n", 0), H1_BODY_NONE);
    EXPECT_EQ(framing("HTTP/1.1 204 No", "Transfer-Encoding: gzip\r\n", 0), H1_BODY_NONE);
    EXPECT_TRUE(!head.keep_alive);
    EXPECT_EQ(framing("HTTP/1.1 204 No", "Content-Length: 5\r\n", 0), H1_BODY_NONE);
    EXPECT_TRUE(!head.keep_alive);
    EXPECT_EQ(framing("HTTP/1.1 101 Switching", "Upgrade: x\r\n", 0), H1_BODY_NONE);
    EXPECT_TRUE(!head.keep_alive);
}

/* R29 */
UNIT(framing_connect_is_a_tunnel)
{
    EXPECT_EQ(
        framing("HTTP/1.1 200 OK", "Content-Length: x\r\nTransfer-Encoding: y\r\n", H1_FOR_CONNECT),
        H1_BODY_NONE);
    EXPECT_TRUE(head.tunnel && !head.keep_alive);
    EXPECT_EQ(framing("HTTP/1.1 407 No", "Content-Length: 3\r\n", H1_FOR_CONNECT), H1_BODY_LENGTH);
    EXPECT_TRUE(!head.tunnel);
}

/* R35 */
UNIT(framing_neither_reads_to_the_close)
{
    EXPECT_EQ(frame(""), H1_BODY_CLOSE);
    EXPECT_TRUE(!head.keep_alive);
}

/* R47 */
UNIT(framing_persistence_follows_version_and_connection)
{
    static const struct {
        const char *line, *more;
        bool keep;
    } rows[] = {
        {"HTTP/1.1 200 OK", "", true},
        {"HTTP/1.0 200 OK", "", false},
        {"HTTP/1.1 200 OK", "Connection: close\r\n", false},
        {"HTTP/1.1 200 OK", "Connection: Upgrade, CLOSE\r\n", false},
        {"HTTP/1.1 200 OK", "Connection: a\r\nConnection: close\r\n", false},
        {"HTTP/1.1 200 OK", "Connection: closed\r\n", true},
        {"HTTP/1.0 200 OK", "Connection: Keep-Alive\r\n", true},
        {"HTTP/1.0 200 OK", "Connection: keep-alive, close\r\n", false},
        {"HTTP/1.1 200 OK", "Proxy-Connection: close\r\n", true},
        {"HTTP/1.1 200 OK", "A: b\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char more[100];
        snprintf(more, sizeof more, "Content-Length: 0\r\n%s", rows[i].more);
        EXPECT_EQ(framing(rows[i].line, more, 0), H1_BODY_LENGTH);
        EXPECT_EQ(head.keep_alive, rows[i].keep);
    }
}

/* ---- requests ---- */

static int ask(const char *text)
{
    ssize_t n = request(text);
    int r = n > 0 ? bide__h1_frame_request(&head) : (int)n;
    return r < 0 ? r : (int)head.body;
}

UNIT(request_forms_that_are_read)
{
    EXPECT_EQ(ask("GET /a?b HTTP/1.1\r\nHost: x:80\r\n\r\n"), H1_BODY_NONE);
    EXPECT_TRUE(is(head.method, "GET") && is(head.target, "/a?b") && head.minor == 1 &&
                head.keep_alive);
    EXPECT_EQ(ask("\r\nGET / HTTP/1.0\r\n\r\n"), H1_BODY_NONE);
    EXPECT_TRUE(!head.keep_alive && is(head.method, "GET"));
    EXPECT_EQ(ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), H1_BODY_NONE);
    EXPECT_EQ(ask("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"), H1_BODY_NONE);
    EXPECT_EQ(ask("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"), H1_BODY_NONE);
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\n\r\nabc"),
              H1_BODY_LENGTH);
    EXPECT_EQ(ask("M-SEARCH / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n"),
              H1_BODY_CHUNKED);
}

UNIT(request_that_could_be_read_in_two_ways_is_refused)
{
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n"),
              H1_EBOTH);
    EXPECT_EQ(ask("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), H1_ECODING);
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n"), H1_ECODING);
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
              H1_ECODING);
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
              H1_ELENGTHS);
    EXPECT_EQ(ask("GET / HTTP/1.1\nHost: x\n\n"), H1_EBARELF);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"), H1_EFOLD);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n"), H1_ESPACENAME);
}

/* R1 */
UNIT(request_host_must_be_there_once)
{
    EXPECT_EQ(ask("GET / HTTP/1.1\r\n\r\n"), H1_ENOHOST);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), H1_EHOST);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), H1_EHOST);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), H1_EHOST);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), H1_EHOST);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), H1_EHOST);
}

UNIT(request_lines_that_are_refused)
{
    EXPECT_EQ(ask("G@T / HTTP/1.1\r\nHost: x\r\n\r\n"), H1_EMETHOD);
    EXPECT_EQ(ask(" GET / HTTP/1.1\r\nHost: x\r\n\r\n"), H1_EMETHOD);
    EXPECT_EQ(ask("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), H1_EMETHOD);
    EXPECT_EQ(ask("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"), H1_EMETHOD);
    EXPECT_EQ(ask("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET a HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET /\r\n"), H1_ETARGET);
    EXPECT_EQ(ask("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), H1_EHTTPVERSION);
    EXPECT_EQ(ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), H1_EHTTPVERSION);
    EXPECT_EQ(ask("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), H1_EHTTPVERSION);
    EXPECT_EQ(ask("GET / HTTP/1.12\r\nHost: x\r\n\r\n"), H1_EHTTPVERSION);
}

UNIT(request_line_is_bounded_before_it_ends)
{
    memset(big, 'a', H1_LINE_MAX + 10);
    memcpy(big, "GET /", 5);
    EXPECT_EQ(parse_bytes(bide__h1_parse_request, big, H1_LINE_MAX + 10), H1_ELINESIZE);
}

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
