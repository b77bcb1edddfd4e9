/* SPDX-License-Identifier: MIT */
/* test_write.c - writing: what is collected, what goes out and when, and what cannot be sent. */
#include <bide/transfer.h>

#include "peer.h"

/* ---- writing ---- */

TEST(write_is_collected_until_drain, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(bide_write(s, "ab", 2), 0);
    EXPECT_EQ(bide_write(s, "cd", 2), 0);
    EXPECT_EQ(read(peer, out, sizeof out), -1);
    EXPECT_EQ(bide_drain(s), 0);
    EXPECT_EQ(read(peer, out, sizeof out), 4);
    EXPECT_MEM(out, "abcd", 4);
    EXPECT_EQ(bide_drain(s), 0); /* nothing to do */
    close(peer);
}

TEST(write_goes_out_before_a_read, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(read_task, s, out, (size_t)1));

    EXPECT_EQ(bide_write(s, "question", 8), 0);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(read(peer, out, sizeof out), 8);
    say(peer, "a");
    EXPECT_EQ(bide_await(t), 1);
    close(peer);
}

TEST(write_not_drained_goes_out_on_release, .real_time = true)
{
    int peer;
    char out[100];
    bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(bide_write(s, "bye", 3), 0);
    bide_release(s);
    EXPECT_EQ(read(peer, out, sizeof out), 3);
    EXPECT_EQ(read(peer, out, sizeof out), 0);
    close(peer);
}

static int write_much(bide_stream *s, size_t len)
{
    static char zeros[4 << 20];

    return bide_write(s, zeros, len);
}

TEST(write_to_a_slow_reader_waits, .real_time = true)
{
    enum { LEN = 4 << 20 };
    int peer;
    size_t got = 0;
    static char out[65536];
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_much, s, (size_t)LEN));

    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_FALSE(bide_task_done(t));
    while (got < LEN) {
        ssize_t n = read(peer, out, sizeof out);
        if (n > 0)
            got += (size_t)n;
        else
            EXPECT_EQ(bide_sleep_ms(0), 0);
    }
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(got, LEN);
    close(peer);
}

TEST(write_cancelled_halfway_breaks_the_stream, .real_time = true)
{
    int peer;
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_much, s, (size_t)(4 << 20)));

    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_ERR(bide_write(s, "x", 1), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "an earlier write was not completed");
    close(peer);
}

static int drain_task(bide_stream *s)
{
    return bide_drain(s);
}

TEST(drain_cancelled_goes_on_where_it_stopped, .real_time = true)
{
    int peer;
    size_t fill = 0, got = 0;
    char piece[1000] = "", out[4096];
    bide_auto bide_stream *s = one_end(&peer, 0);

    while (send(s->socket.fd.fd, piece, sizeof piece, MSG_DONTWAIT) > 0) /* until the kernel takes no more */
        fill += sizeof piece;
    for (int i = 0; i < 16; i++)
        EXPECT_EQ(bide_write(s, piece, sizeof piece), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(drain_task, s));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_error_clear();

    bide_auto bide_task *again = bide_create_task(bide_coro(drain_task, s));
    while (got < fill + 16 * sizeof piece) {
        ssize_t n = read(peer, out, sizeof out);
        if (n > 0)
            got += (size_t)n;
        EXPECT_EQ(bide_sleep_ms(0), 0);
    }
    EXPECT_EQ(bide_await(again), 0);
    EXPECT_EQ(got, fill + 16 * sizeof piece);
    EXPECT_EQ(read(peer, out, sizeof out), -1); /* not a byte twice */
    close(peer);
}

TEST(shutdown_sends_the_rest_and_reading_goes_on, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(bide_write(s, "end", 3), 0);
    EXPECT_EQ(bide_stream_shutdown(s), 0);
    EXPECT_EQ(read(peer, out, sizeof out), 3);
    EXPECT_EQ(read(peer, out, sizeof out), 0);
    say(peer, "still here");
    EXPECT_EQ(bide_read(s, out, sizeof out), 10);
    close(peer);
}

/* asyncio-suite 193 */
TEST(write_after_shutdown_is_an_error_at_once_and_reading_goes_on, .real_time = true)
{
    int peer;
    char out[100];
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(bide_stream_shutdown(s), 0);
    EXPECT_ERR(bide_write(s, "late", 4), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "writing to peer: its writing was ended before (bide_stream_shutdown)");
    EXPECT_ERR((int)bide_sendfile(s, STDIN_FILENO, 0, 1), BIDE_ESTATE);
    EXPECT_EQ(bide_stream_buffered(s), 0);
    say(peer, "answer");
    EXPECT_EQ(bide_read(s, out, sizeof out), 6);
    EXPECT_EQ(bide_drain(s), 0); /* nothing is left to be sent */
    EXPECT_EQ(bide_stream_shutdown(s), 0);
    close(peer);
}

/* ---- what was collected cannot be sent ---- */

typedef ssize_t read_all(bide_stream *s, char *out);

static ssize_t by_read(bide_stream *s, char *out)
{
    return bide_read(s, out, 100);
}

static ssize_t into_large_memory(bide_stream *s, char *out)
{
    return bide_read(s, out, 20000);
}

static ssize_t exactly(bide_stream *s, char *out)
{
    return bide_read_exactly(s, out, 8);
}

static ssize_t until(bide_stream *s, char *out)
{
    const char *line;
    ssize_t n = bide_read_until(s, "\n", &line);

    if (n > 0)
        memcpy(out, line, (size_t)n);
    return n;
}

static ssize_t until_any(bide_stream *s, char *out)
{
    const char *line;
    ssize_t n = bide_read_until_any(s, (const char *const[]){"\r", "\n", NULL}, &line, NULL);

    if (n > 0)
        memcpy(out, line, (size_t)n);
    return n;
}

static ssize_t after_readable(bide_stream *s, char *out)
{
    BIDE_TRY(bide_await(bide_stream_readable_awaitable(s)));
    return bide_read(s, out, 100);
}

static ssize_t after_peek(bide_stream *s, char *out)
{
    const char *data;
    ssize_t n = bide_peek(s, 9, &data); /* one more than there is: up to the end */

    return n == 8 ? bide_read(s, out, 100) : n;
}

TEST(write_that_cannot_be_sent_leaves_what_has_come_readable_and_the_next_write_says_so, .real_time = true)
{
    static read_all *const ways[] = {by_read, into_large_memory, exactly, until, until_any, after_readable, after_peek};
    static char out[20000];

    for (size_t i = 0; i < array_len(ways); i++) {
        int peer;
        bide_auto bide_stream *s = one_end(&peer, 0);
        say(peer, "too big\n"); /* it answers early, and goes */
        close(peer);
        EXPECT_EQ(bide_write(s, "request\n", 8), 0);
        EXPECT_EQ(ways[i](s, out), 8);
        EXPECT_MEM(out, "too big\n", 8);
        EXPECT_EQ(bide_read(s, out, 100), 0);
        EXPECT_EQ(bide_read(s, out, 100), 0);
        EXPECT_ERR(bide_write(s, "more", 4), -EPIPE);
        EXPECT_STR(bide_error_text(), "writing to peer: what was written before could not be sent: Broken pipe");
        EXPECT_ERR(bide_drain(s), -EPIPE);
        EXPECT_ERR(bide_stream_shutdown(s), -EPIPE);
    }
}

/* The send takes the reset from the socket, which then says that this was the end. */
TEST(write_that_meets_a_reset_does_not_make_an_end_of_it, .real_time = true)
{
    struct linger at_once = {.l_onoff = 1};
    char out[10];
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_stream *s = bide_accept(l);

    EXPECT_EQ(setsockopt(s->socket.fd.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    bide_release(s);
    EXPECT_EQ(bide_write(c, "request", 7), 0);
    EXPECT_ERR(bide_read(c, out, sizeof out), -ECONNRESET);
    EXPECT_ERR(bide_read(c, out, sizeof out), -ECONNRESET);
    EXPECT_ERR(bide_drain(c), -ECONNRESET);
}

TEST(read_until_at_the_end_says_so_and_not_that_the_write_failed, .real_time = true)
{
    int peer;
    const char *line;
    bide_auto bide_stream *s = one_end(&peer, 0);

    close(peer);
    EXPECT_EQ(bide_write(s, "request\n", 8), 0);
    EXPECT_ERR(bide_read_until(s, "\n", &line), BIDE_EEOF);
    EXPECT_ERR(bide_drain(s), -EPIPE);
}

TEST(send_all_takes_many_pieces_and_empty_ones, .real_time = true)
{
    int peer;
    char out[100];
    struct iovec iov[] = {{"", 0}, {"ab", 2}, {"", 0}, {"cde", 3}, {"", 0}};
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(bide__stream_send_all(s, iov, 5, NULL), 0);
    EXPECT_EQ(read(peer, out, sizeof out), 5);
    EXPECT_MEM(out, "abcde", 5);
    close(peer);
}
