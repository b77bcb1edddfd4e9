/* SPDX-License-Identifier: MIT */
/* test_first_line.c - the first line of an answer and of a request: what is read, what is refused. */
#include "h1/reading.h"

static char big[200000];

static ssize_t request(const char *text)
{
    return parse_bytes(bide__h1_parse_request, text, strlen(text));
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
