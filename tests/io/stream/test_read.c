/* SPDX-License-Identifier: MIT */
/* test_read.c - reading: what is there, so many bytes, up to a separator. */
#include <bide/transfer.h>

#include "peer.h"

/* ---- reading ---- */

TEST(read_gets_what_is_there, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "hello");
    EXPECT_EQ(bide_read(s, out, sizeof out), 5);
    EXPECT_MEM(out, "hello", 5);
    say(peer, "abcdef");
    EXPECT_EQ(bide_read(s, out, 2), 2); /* the rest stays */
    EXPECT_EQ(bide_read(s, out + 2, 100 - 2), 4);
    EXPECT_MEM(out, "abcdef", 6);
    EXPECT_EQ(s->bytes_in, 11);
    close(peer);
}

TEST(read_waits_until_bytes_come, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(say_later, peer, "late", (int64_t)20));

    EXPECT_EQ(bide_read(s, out, sizeof out), 4);
    EXPECT_EQ(bide_await(t), 0);
    close(peer);
}

TEST(read_at_the_end_is_zero_every_time, .real_time = true)
{
    int peer;
    char out[8192];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "x");
    close(peer);
    EXPECT_EQ(bide_read(s, out, sizeof out), 1);
    EXPECT_EQ(bide_read(s, out, sizeof out), 0);
    EXPECT_EQ(bide_read(s, out, 1), 0);
    EXPECT_ERR(bide_read(s, out, 0), -EINVAL);
}

static int say_in_pieces(int peer, int n)
{
    for (int i = 0; i < n; i++) {
        BIDE_TRY(say_later(peer, "0123456789", 1));
        BIDE_TRY(bide_sleep_ms(0));
    }
    close(peer);
    return 0;
}

/* asyncio-suite 180 */
TEST(read_on_and_on_collects_everything_to_the_end, .real_time = true)
{
    enum { N = 20 };
    int peer;
    char out[N * 10 + 7];
    size_t len = 0;
    ssize_t n;
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(say_in_pieces, peer, (int)N));

    while ((n = bide_read(s, out + len, sizeof out - len)) > 0)
        len += (size_t)n;
    EXPECT_EQ(n, 0);
    EXPECT_EQ(len, N * 10);
    for (int i = 0; i < N; i++)
        EXPECT_MEM(out + i * 10, "0123456789", 10);
    EXPECT_EQ(bide_await(t), 0);
}

TEST(read_into_large_memory_needs_no_buffer, .real_time = true)
{
    int peer;
    char out[8192];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "0123456789");
    EXPECT_EQ(bide_read(s, out, sizeof out), 10);
    EXPECT_NULL(s->in.data);
    close(peer);
}

TEST(read_buffer_is_gone_once_empty, .real_time = true)
{
    int peer;
    char out[10];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "0123456789ab");
    EXPECT_EQ(bide_read(s, out, 10), 10);
    EXPECT_NOT_NULL(s->in.data);
    EXPECT_EQ(bide_read(s, out, 10), 2);
    EXPECT_NULL(s->in.data);
    close(peer);
}

TEST(read_cancelled_loses_nothing, .real_time = true)
{
    int peer;
    char out[100] = "";
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(read_task, s, out, sizeof out));

    EXPECT_EQ(bide_sleep_ms(5), 0);
    say(peer, "kept");
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_EQ(bide_read(s, out, sizeof out), 4);
    EXPECT_MEM(out, "kept", 4);
    close(peer);
}

TEST(read_out_of_time_can_go_on, .real_time = true)
{
    int peer;
    ssize_t n = 0;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);

    bide_timeout(10)
        n = bide_read(s, out, sizeof out);
    EXPECT_ERR(n, BIDE_ETIMEDOUT);
    bide_error_clear();
    say(peer, "now");
    EXPECT_EQ(bide_read(s, out, sizeof out), 3);
    close(peer);
}

TEST(read_by_two_tasks_at_once_is_refused, .real_time = true)
{
    int peer;
    char out[10], other[10];
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(read_task, s, out, sizeof out));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_ERR(bide_read(s, other, sizeof other), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "reading from peer");
    say(peer, "x");
    EXPECT_EQ(bide_await(t), 1);
    close(peer);
}

/* asyncio-suite 195: its end is an error here: the stream was closed on this side, not by the peer */
TEST(release_while_a_task_reads_ends_its_read, .real_time = true)
{
    int peer;
    char out[10];
    bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(read_task, s, out, sizeof out));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_release(s);
    EXPECT_EQ(read(peer, out, sizeof out), 0); /* closed already */
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    close(peer);
}

TEST(read_from_a_peer_that_resets_says_so, .real_time = true)
{
    struct linger at_once = {.l_onoff = 1};
    char out[10];
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_stream *s = bide_accept(l);

    EXPECT_EQ(setsockopt(s->socket.fd.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    bide_release(s);
    EXPECT_ERR(bide_read(c, out, sizeof out), -ECONNRESET);
    EXPECT_CONTAINS(bide_error_text(), "reading from 127.0.0.1:");
    bide_error_clear();
    EXPECT_ERR(bide_write(c, out, sizeof out), 0);
    EXPECT_ERR(bide_drain(c), -EPIPE); /* and no SIGPIPE */
}

/* ---- exactly ---- */

TEST(read_exactly_collects_pieces, .real_time = true)
{
    int peer;
    char out[10];
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(say_later, peer, "56789rest", (int64_t)5));

    say(peer, "01234");
    EXPECT_EQ(bide_read_exactly(s, out, 10), 10);
    EXPECT_MEM(out, "0123456789", 10);
    EXPECT_EQ(bide_read(s, out, 10), 4);
    EXPECT_EQ(bide_read_exactly(s, out, 0), 0);
    EXPECT_EQ(bide_await(t), 0);
    close(peer);
}

/* asyncio-suite 184 */
TEST(read_exactly_ended_early_keeps_what_came, .real_time = true)
{
    int peer;
    char out[10];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "01234");
    close(peer);
    EXPECT_ERR(bide_read_exactly(s, out, 10), BIDE_EEOF);
    EXPECT_CONTAINS(bide_error_text(), "after 5 of 10 bytes");
    EXPECT_EQ(bide_read(s, out, 10), 5);
    EXPECT_MEM(out, "01234", 5);
}

static int write_numbers(bide_stream *s, size_t n)
{
    for (uint32_t i = 0; i < n; i++)
        BIDE_TRY(bide_write(s, &i, sizeof i));
    BIDE_TRY(bide_drain(s));
    return bide_stream_shutdown(s);
}

static void expect_numbers(const uint32_t *got, size_t n)
{
    for (uint32_t i = 0; i < n; i++)
        EXPECT_EQ(got[i], i);
}

TEST(read_exactly_more_than_the_buffer_holds, .real_time = true)
{
    enum { N = 500000 };
    static uint32_t got[N];
    char byte;
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_auto bide_stream *s = bide_accept(l);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_numbers, s, (size_t)N));

    EXPECT_EQ(bide_read_exactly(c, got, sizeof got), sizeof got);
    expect_numbers(got, N);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(bide_read(c, &byte, 1), 0);
    EXPECT_EQ(s->bytes_out, sizeof got);
    EXPECT_EQ(c->bytes_in, sizeof got);
}

/* ---- until ---- */

TEST(read_until_gives_lines_with_their_end, .real_time = true)
{
    int peer;
    const char *line;
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "one\r\ntwo\r\n\r\nthr");
    EXPECT_EQ(bide_read_until(s, "\r\n", &line), 5);
    EXPECT_STR(line, "one\r\n");
    EXPECT_EQ(bide_read_until(s, "\r\n", &line), 5);
    EXPECT_STR(line, "two\r\n");
    EXPECT_EQ(bide_read_until(s, "\r\n", &line), 2);
    EXPECT_STR(line, "\r\n");
    say(peer, "ee\r");
    bide_auto bide_task *t = bide_create_task(bide_coro(say_later, peer, "\n", (int64_t)5));
    EXPECT_EQ(bide_read_until(s, "\r\n", &line), 7); /* the separator came in two pieces */
    EXPECT_STR(line, "three\r\n");
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_ERR(bide_read_until(s, "", &line), -EINVAL);
    close(peer);
}

TEST(read_until_stops_at_the_limit, .real_time = true)
{
    int peer;
    const char *line;
    char out[8];
    bide_auto bide_stream *s = one_end(&peer, 8);

    say(peer, "0123456\nabcdefgh");
    EXPECT_EQ(bide_read_until(s, "\n", &line), 8);
    EXPECT_STR(line, "0123456\n");
    EXPECT_ERR(bide_read_until(s, "\n", &line), BIDE_ELIMIT);
    EXPECT_CONTAINS(bide_error_text(), "within 8 bytes");
    bide_error_clear();
    EXPECT_EQ(bide_read(s, out, sizeof out), 8); /* nothing is lost */
    EXPECT_MEM(out, "abcdefgh", 8);
    close(peer);
}

TEST(read_until_ended_early_is_an_error, .real_time = true)
{
    int peer;
    const char *line;
    char out[10];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "half");
    close(peer);
    EXPECT_ERR(bide_read_until(s, "\n", &line), BIDE_EEOF);
    EXPECT_EQ(bide_read(s, out, 10), 4);
}

/* ---- while something is to be sent ---- */

static int read_both_in_turn(bide_stream *s, bool *has_first)
{
    char out[100];

    EXPECT_EQ(bide_read(s, out, sizeof out), 3);
    EXPECT_MEM(out, "one", 3);
    *has_first = true;
    EXPECT_EQ(bide_read(s, out, sizeof out), 3);
    EXPECT_MEM(out, "two", 3);
    return 0;
}

/* The peer takes nothing until it has been heard: a reader that first had to send would never end. */
TEST(read_goes_on_while_the_peer_takes_nothing, .real_time = true)
{
    enum { MUCH = 4 * 1024 * 1024 };
    static char bytes[MUCH];
    int peer;
    bool has_first = false;
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(bide_stream_set_write_limits(s, MUCH, 0), 0);
    EXPECT_EQ(bide_write(s, bytes, MUCH), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(read_both_in_turn, s, &has_first));
    say(peer, "one");
    while (!has_first)
        EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_TRUE(bide_stream_buffered(s) > 0); /* the socket is full */
    say(peer, "two");
    EXPECT_EQ(bide_await(t), 0);
    close(peer);
}

TEST(read_does_not_send_while_something_is_there, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "here");
    EXPECT_EQ(bide_sleep_ms(1), 0); /* the loop sees it */
    EXPECT_EQ(bide_write(s, "later", 5), 0);
    EXPECT_EQ(bide_read(s, out, sizeof out), 4);
    EXPECT_EQ(bide_stream_buffered(s), 5);
    close(peer);
}
