/* SPDX-License-Identifier: MIT */
/* test_body.c - bodies of answers: where they end, how they are read, what is kept of them. */
#include <malloc.h>

#include "client.h"

/* The whole body of one answer, with nothing else on the connection. */
static void expect_answer(const char *script, const char *body)
{
    struct peer p = PEER(script);
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        expect_get(s, peer_url(&p, "/"), body);
    }
    peer_stop(&p);
}

/* One answer that fails: in bide_get or, if `in_body`, in bide_body. */
static void expect_failure_with(bide_session_args args, const char *script, bool in_body, int code, const char *part)
{
    struct peer p = PEER(script);
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new_with(&args);
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/x"));
        EXPECT_EQ(r != NULL, in_body);
        EXPECT_FAILED(r ? bide_body(r).data : NULL, code, peer_url(&p, "/x: "), part);
        if (r) { /* and again */
            EXPECT_FAILED(bide_text(r), code, peer_url(&p, "/x: "), "");
            EXPECT_NULL(bide_json(r));
            bide_error_clear();
        }
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
    }
    peer_stop(&p);
}

#define expect_bad_head(script, code, part) expect_failure_with((bide_session_args){.size = sizeof(bide_session_args)}, script, false, code, part)
#define expect_bad_body(script, code, part) expect_failure_with((bide_session_args){.size = sizeof(bide_session_args)}, script, true, code, part)

/* ---- where it ends ---- */

TEST(client_body_with_a_length_is_cut_there, .real_time = true)
{
    expect_answer(ASK OK("5") "hello", "hello");
    expect_answer(ASK OK("0"), "");
    expect_answer(ASK OK("5") "hel" PAUSE "lo", "hello");
    expect_answer(ASK "HTTP/1.1 200 OK\r\nContent-Length: 5" PAUSE "\r\n" PAUSE "\r\n" PAUSE "hello", "hello");
    expect_answer(ASK OK("5") "hello and more", "hello");
}

TEST(client_body_in_chunks_is_joined, .real_time = true)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    char script[512];

    snprintf(script, sizeof script, ASK "%s3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n", head);
    expect_answer(script, "abcdefg");
    snprintf(script, sizeof script, ASK "%s0\r\n\r\n", head);
    expect_answer(script, "");
    snprintf(script, sizeof script, ASK "%s3\r\na" PAUSE "bc\r\n" PAUSE "4\r" PAUSE "\ndefg\r\n0\r\n" PAUSE "\r\n",
             head);
    expect_answer(script, "abcdefg");
    snprintf(script, sizeof script, ASK "%s3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", head);
    expect_answer(script, "abc");
}

TEST(client_body_until_close_ends_there, .real_time = true)
{
    expect_answer(ASK "HTTP/1.1 200 OK\r\n\r\nall of it", "all of it");
    expect_answer(ASK "HTTP/1.0 200 OK\r\n\r\nall" PAUSE " of it", "all of it");
    expect_answer(ASK "HTTP/1.1 200 OK\r\n\r\n", "");
}

/* R28 */
TEST(client_head_204_and_304_have_no_body, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") ASK "HTTP/1.1 204 No\r\n\r\n" ASK
                                         "HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n" ASK OK("4") "last");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *head = bide_head(s, peer_url(&p, "/"));
    expect_body(head, "");
    EXPECT_STR(bide_header(head, "content-length"), "5");
    bide_auto bide_response *empty = bide_get(s, peer_url(&p, "/"));
    expect_body(empty, "");
    EXPECT_EQ(bide_status(empty), 204);
    bide_auto bide_response *same = bide_get(s, peer_url(&p, "/"));
    expect_body(same, "");
    EXPECT_EQ(bide_status(same), 304);
    expect_get(s, peer_url(&p, "/"), "last");

    EXPECT_EQ(peer_stop(&p), 1);
}

/* R25 */
TEST(client_interim_answers_are_skipped, .real_time = true)
{
    expect_answer(ASK "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK("2") "ok", "ok");
    expect_answer(ASK "HTTP/1.1 100 Continue\r\n" PAUSE "\r\n" PAUSE "HTTP/1.1 102 P\r\n\r\n" PAUSE OK("2") "ok", "ok");
#define FOUR "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
    expect_answer(ASK FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR OK("2") "ok", "ok");
}

/* R25 */
TEST(client_interim_answers_without_end_are_a_failure, .real_time = true)
{
    size_t n = (1 << 20) / strlen(FOUR) + 1;
    char *flood = malloc(n * strlen(FOUR) + 2), *at = stpcpy(flood, ASK);

    while (n-- > 0)
        at = stpcpy(at, FOUR);
    expect_bad_head(flood, BIDE_EHTTP, "more than 1048576 bytes of interim answers");
    free(flood);
}

/* R26 */
TEST(client_switching_protocols_unasked_is_refused, .real_time = true)
{
    expect_bad_head(ASK "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", BIDE_EHTTP,
                    "switches protocols");
}

/* R30, R32, R48 */
TEST(client_odd_framing_is_read_and_the_connection_not_used_again, .real_time = true)
{
    struct peer p = PEER(
        ASK "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" STALL,
        ASK "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n" STALL,
        ASK "HTTP/1.1 200 OK\nContent-Length: 2\n\nef" STALL,
        ASK "HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\nef" STALL);
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        expect_get(s, peer_url(&p, "/"), "ab");
        expect_get(s, peer_url(&p, "/"), "cd");
        expect_get(s, peer_url(&p, "/"), "ef");
        expect_get(s, peer_url(&p, "/"), "");
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
    }
    EXPECT_EQ(peer_stop(&p), 4);
}

/* ---- what is wrong ---- */

/* R17, R34 */
TEST(client_malformed_answers_are_distinguished, .real_time = true)
{
    expect_bad_head(ASK "SSH-2.0-OpenSSH_9\r\n", BIDE_EHTTP, "malformed answer");
    expect_bad_head(ASK "HTTP/2.0 200 OK\r\n\r\n", BIDE_EHTTP, "malformed answer");
    expect_bad_head(ASK "HTTP/1.1 200 OK\r\nA b\r\n\r\n", BIDE_EHTTP, "malformed answer");
    expect_bad_head(ASK "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", BIDE_EHTTP, "malformed answer");
    expect_bad_head(ASK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", BIDE_EHTTP, "");
    expect_bad_head(ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", BIDE_EHTTP, "");
}

/* R38, R40 */
TEST(client_malformed_chunks_are_refused, .real_time = true)
{
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    expect_bad_body(ASK CHUNKED "xyz\r\n", BIDE_EHTTP, "malformed body");
    expect_bad_body(ASK CHUNKED "3\r\nabcde\r\n", BIDE_EHTTP, "malformed body");
    expect_bad_body(ASK CHUNKED "3\nabc\n0\n\n", BIDE_EHTTP, "malformed body");
    expect_bad_body(ASK CHUNKED "3\r\nabc\r\n0\r\nbad trailer\r\n\r\n", BIDE_EHTTP, "malformed body");
    expect_bad_body(ASK CHUNKED "3\r\nabc\r\n" PAUSE "-1\r\n", BIDE_EHTTP, "malformed body");
}

/* R36 */
TEST(client_a_body_that_ends_early_is_an_error, .real_time = true)
{
    expect_bad_body(ASK OK("10") "hello", BIDE_ETRUNCATED, "after 5 of 10 bytes");
    expect_bad_body(ASK OK("10"), BIDE_ETRUNCATED, "after 0 of 10 bytes");
    expect_bad_body(ASK CHUNKED "3\r\nabc\r\n", BIDE_ETRUNCATED, "after 3 bytes");
    expect_bad_body(ASK CHUNKED "3\r\nabc\r\n0\r\n", BIDE_ETRUNCATED, "after 3 bytes");
    expect_bad_body(ASK CHUNKED, BIDE_ETRUNCATED, "after 0 bytes");
    expect_bad_body(ASK OK("10") "hello" PAUSE RESET, -ECONNRESET, "reading from");
}

TEST(client_an_end_before_or_in_the_head_is_an_error, .real_time = true)
{
    expect_bad_head(ASK, BIDE_EDISCONNECTED, "without an answer");
    expect_bad_head(ASK "HTTP/1.1 200 OK\r\nContent-", BIDE_EDISCONNECTED, "in the middle of the head");
    expect_bad_head(ASK "HTTP/1.1 100 Continue\r\n\r\n", BIDE_EDISCONNECTED, "in the middle of the head");
    expect_bad_head(ASK PAUSE RESET, -ECONNRESET, "reading from");
}

/* R24 */
TEST(client_heads_have_a_ceiling, .real_time = true)
{
    static char big[70000];
    size_t n = (size_t)sprintf(big, ASK "HTTP/1.1 200 OK\r\n");
    while (n < 66000)
        n += (size_t)sprintf(big + n, "X-Filler: %0400d\r\n", 1);

    expect_bad_head(big, BIDE_EHTTP, "larger than 65536 bytes");
    expect_failure_with((bide_session_args){.size = sizeof(bide_session_args), .max_head_bytes = 100},
                        ASK "HTTP/1.1 200 OK\r\nX: 0123456789012345678901234567890123456789\r\n"
                            "Y: 0123456789012345678901234567890123456789\r\n\r\n",
                        false, BIDE_EHTTP, "larger than 100 bytes");
    sprintf(big + n, "\r\n");
    struct peer p = PEER(big);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.max_head_bytes = 70000);
    expect_get(s, peer_url(&p, "/"), "");
    peer_stop(&p);
}

/* 300 fields, one of 40 KB, and a long reason: all of them beyond what a head of 64 KiB may have. */
static const char *large_head(void)
{
    static char head[120000];
    size_t n = (size_t)sprintf(head, ASK "HTTP/1.1 200 %09000d\r\nX-Long: %040000d\r\n", 1, 1);

    for (int i = 0; i < 300; i++)
        n += (size_t)sprintf(head + n, "X-%d: 1\r\n", i);
    sprintf(head + n, "Content-Length: 2\r\n\r\nok");
    return head;
}

/* R24 */
TEST(client_the_limits_of_a_head_rise_together, .real_time = true)
{
    struct peer p = PEER(large_head());
    expect_bad_head(large_head(), BIDE_EHTTP, "the first line is too long (a larger limit of the head allows more): \"HTTP/1.1 200 0000");
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new(.max_head_bytes = 1 << 20);
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        expect_body(r, "ok");
        EXPECT_EQ(strlen(bide_header(r, "X-Long")), 40000);
        EXPECT_STR(bide_header(r, "X-299"), "1");
    }
    peer_stop(&p);
}

TEST(client_max_body_bytes_is_the_most_that_is_kept, .real_time = true)
{
    bide_session_args five = {.size = sizeof five, .max_body_bytes = 5};

    expect_failure_with(five, ASK OK("6") "123456", true, BIDE_ETOOBIG, "larger than allowed (5 bytes)");
    expect_failure_with(five, ASK OK("600000000") "1", true, BIDE_ETOOBIG, "larger than allowed (5 bytes)");
    expect_failure_with(five, ASK CHUNKED "6\r\n123456\r\n0\r\n\r\n", true, BIDE_ETOOBIG, "(5 bytes)");
    expect_failure_with(five, ASK "HTTP/1.1 200 OK\r\n\r\n12345" PAUSE "6", true, BIDE_ETOOBIG, "(5 bytes)");

    struct peer p = PEER(ASK OK("5") "12345" ASK OK("7") "1234567" ASK OK("6") "123456" ASK OK("7") "1234567" STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new_with(&five);
    expect_get(s, peer_url(&p, "/"), "12345");
    bide_auto bide_response *all = bide_get(s, peer_url(&p, "/"), .max_body_bytes = BIDE_UNLIMITED);
    expect_body(all, "1234567");
    bide_auto bide_response *more = bide_get(s, peer_url(&p, "/"), .max_body_bytes = 6);
    expect_body(more, "123456");
    bide_auto bide_response *pieces = bide_get(s, peer_url(&p, "/")); /* who reads pieces keeps nothing */
    const char *piece;
    EXPECT_EQ(bide_read_chunk(pieces, &piece), 7);
    EXPECT_EQ(bide_read_chunk(pieces, &piece), 0);
    peer_stop(&p);
}

/* ---- how it is read ---- */

TEST(client_read_chunk_gives_every_byte_once, .real_time = true)
{
    struct peer p = PEER(
        ASK OK("11") "hello" PAUSE " world" ASK CHUNKED "5\r\nhello\r\n" PAUSE
                     "6\r\n world\r\n0\r\n\r\n" ASK OK("2") "ok" ASK "HTTP/1.1 200 OK\r\n\r\nhello" PAUSE " world");
    static const char *const want[] = {"hello world", "hello world", "ok", "hello world"};
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < 4; i++) {
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        char all[64] = "";
        const char *piece;
        ssize_t n;
        EXPECT_NOT_NULL(r);
        while ((n = bide_read_chunk(r, &piece)) > 0)
            strncat(all, piece, (size_t)n);
        EXPECT_EQ(n, 0);
        EXPECT_STR(all, want[i]);
        EXPECT_EQ(bide_read_chunk(r, &piece), 0);
        EXPECT_EQ(bide_response_body_bytes(r), strlen(want[i]));
        EXPECT_FAILED(bide_body(r).data, BIDE_ESTATE, "GET", "by bide_read_chunk already");
    }
    EXPECT_EQ(peer_stop(&p), 1);
}

TEST(client_body_is_read_once_and_kept, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") PAUSE "hello");
    const char *piece;
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));

    const char *text = bide_text(r);
    EXPECT_STR(text, "hello");
    EXPECT_TRUE(bide_text(r) == text && bide_body(r).data == text);
    EXPECT_EQ(bide_read_chunk(r, &piece), 5);
    EXPECT_EQ(bide_read_chunk(r, &piece), 0);
    peer_stop(&p);
}

static int read_too(bide_response *r, int *code)
{
    *code = bide_body(r).data ? 0 : bide_error_code();
    bide_error_clear();
    return 0;
}

TEST(client_two_tasks_cannot_read_one_body, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") PAUSE "hello");
    int first = 1, second = 1;
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));

    EXPECT_EQ(bide_gather(bide_coro(read_too, r, &first), bide_coro(read_too, r, &second)), 0);

    EXPECT_EQ(first, 0);
    EXPECT_EQ(second, BIDE_ESTATE);
    peer_stop(&p);
}

/* ---- large ones ---- */

enum { MANY = 32 << 20, PIECE = 1 << 16 };
static char filler[PIECE];

static int stream_many(bide_exchange *x, void *arg)
{
    (void)arg;
    if (strcmp(bide_exchange_path(x), "/counted") == 0)
        BIDE_TRY(bide_respond_header(x, "Content-Length", "33554432"));
    BIDE_TRY(bide_respond_begin(x, 200, "x/y"));
    for (int i = 0; i < MANY / PIECE; i++) {
        memset(filler, 'a' + i % 26, sizeof filler);
        BIDE_TRY(bide_respond_chunk(x, filler, sizeof filler));
    }
    return bide_respond_end(x);
}

/* Every byte, in order, in little memory. */
static void expect_stream(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);
    size_t at = 0, most = 0;
    const char *piece;
    ssize_t n;

    EXPECT_NOT_NULL(r);
    while ((n = bide_read_chunk(r, &piece)) > 0) {
        for (ssize_t i = 0; i < n; i += 97)
            EXPECT_EQ(piece[i], 'a' + (char)((at + (size_t)i) / PIECE % 26));
        at += (size_t)n;
        size_t now = mallinfo2().uordblks;
        most = now > most ? now : most;
    }
    EXPECT_EQ(n, 0);
    EXPECT_EQ(at, MANY);
    EXPECT_LT(most, 4 << 20);
}

TEST(client_a_large_body_is_streamed_in_flat_memory, .real_time = true, .seconds = 60)
{
    char url[128];
    bide_auto bide_server *server = bide_server_start(stream_many);
    bide_auto bide_session *s = bide_session_new();

    snprintf(url, sizeof url, "%s/counted", bide_server_url(server));
    expect_stream(s, url);
    snprintf(url, sizeof url, "%s/chunked", bide_server_url(server));
    expect_stream(s, url);
    bide_auto bide_response *whole = bide_get(s, url);
    EXPECT_EQ(bide_body(whole).len, MANY);
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
}

/* ---- not read ---- */

/* D11 */
TEST(client_a_short_rest_is_taken_and_the_connection_kept, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") "he" PAUSE "llo" ASK CHUNKED "5\r\nhello\r\n" PAUSE "0\r\n\r\n" ASK OK("2") "ok");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < 2; i++) {
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        EXPECT_NOT_NULL(r);
        BIDE_IGNORE(bide_sleep_ms(60)); /* now the rest is here */
    }
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    expect_get(s, peer_url(&p, "/"), "ok");
    EXPECT_EQ(peer_stop(&p), 1);
}

/* D11 */
TEST(client_a_rest_that_is_long_or_not_here_is_not_waited_for, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") "he" STALL, ASK OK("100000000") "he" STALL, ASK CHUNKED "5\r\nhello\r\n" STALL,
                         ASK "HTTP/1.1 200 OK\r\n\r\nhello" STALL);
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        for (int i = 0; i < 4; i++) {
            bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
            EXPECT_NOT_NULL(r);
        }
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
    }
    EXPECT_EQ(peer_stop(&p), 4);
}

/* R37 */
TEST(client_bytes_behind_an_answer_end_the_connection, .real_time = true)
{
    struct peer p =
        PEER(ASK OK("2") "okHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" STALL, ASK OK("4") "good" STALL);
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        expect_get(s, peer_url(&p, "/"), "ok");
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
        expect_get(s, peer_url(&p, "/"), "good");
    }
    EXPECT_EQ(peer_stop(&p), 2);
}
