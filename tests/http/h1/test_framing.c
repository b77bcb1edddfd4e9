/* SPDX-License-Identifier: MIT */
/* test_framing.c - where the body of an answer ends, and whether the connection goes on behind it. */
#include <stdio.h>

#include "h1/reading.h"

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
