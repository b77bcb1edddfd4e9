/* SPDX-License-Identifier: MIT */
/* Streams: src/io/stream and src/io/poll. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <unistd.h>

#include <bide/transfer.h>

#include "harness/harness.h"
#include "io/stream/stream.h"

/* Two ends of one connection: ours on the loop, the peer's as a bare descriptor. */
static bide_stream *one_end(int *peer, size_t max_buffer)
{
    int fds[2];

    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    *peer = fds[1];
    bide_stream *s = bide__stream_from_socket(fds[0], "peer", max_buffer);
    EXPECT_NOT_NULL(s);
    return s;
}

static void say(int peer, const char *text)
{
    EXPECT_EQ(write(peer, text, strlen(text)), strlen(text));
}

static int read_task(bide_stream *s, char *out, size_t cap)
{
    return (int)bide_read(s, out, cap);
}

static int say_later(int peer, const char *text, int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    say(peer, text);
    return 0;
}

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

/* ---- idle connections ---- */

/* ---- a peer that is always ready ---- */

#define TRIES_MAX 100000
#define MORE_THAN_COLLECTED 20000

static int set_after(bool *flag, int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    *flag = true;
    return 0;
}

/* A read that gets all it asked for leaves the socket readable: the next one does not wait. */
static int read_one(bide_stream *s, int peer)
{
    static char data[MORE_THAN_COLLECTED], out[MORE_THAN_COLLECTED];

    EXPECT_EQ(write(peer, data, sizeof data), sizeof data);
    ssize_t n = bide_read(s, out, sizeof out);
    return n < 0 ? (int)n : n == sizeof out;
}

static int write_one(bide_stream *s, int peer)
{
    static char data[MORE_THAN_COLLECTED], out[MORE_THAN_COLLECTED];
    BIDE_TRY(bide_write(s, data, sizeof data));

    EXPECT_EQ(read(peer, out, sizeof out), sizeof out);
    return 1;
}

TEST(fast_peer_does_not_stop_the_timers_of_its_reader, .real_time = true)
{
    int peer, n = 0;
    bool fired = false;
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(read_one(s, peer), 1);
    bide_auto bide_task *t = bide_create_task(bide_coro(set_after, &fired, (int64_t)1));
    while (!fired && n < TRIES_MAX && read_one(s, peer) == 1)
        n++;
    EXPECT_TRUE(fired);
    EXPECT_EQ(bide_await(t), 0);
    close(peer);
}

TEST(fast_peer_does_not_stop_the_timers_of_its_writer, .real_time = true)
{
    int peer, n = 0;
    bool fired = false;
    bide_auto bide_stream *s = one_end(&peer, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(set_after, &fired, (int64_t)1));

    while (!fired && n < TRIES_MAX && write_one(s, peer) == 1)
        n++;
    EXPECT_TRUE(fired);
    EXPECT_EQ(bide_await(t), 0);
    close(peer);
}

TEST(fast_peer_does_not_outrun_a_timeout, .real_time = true)
{
    int peer, n = 0, code = 1;
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_EQ(read_one(s, peer), 1);
    bide_timeout(2)
        for (; code == 1 && n < TRIES_MAX; n++)
            code = read_one(s, peer);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(read_one(s, peer), 1); /* what it was about to read is there still */
    close(peer);
}

/* ---- a connection that nobody uses ---- */

TEST(idle_connection_that_is_quiet_is_fine, .real_time = true)
{
    int peer;
    bide_auto bide_stream *s = one_end(&peer, 0);

    EXPECT_TRUE(bide__stream_is_alive(s, false));
    EXPECT_TRUE(bide__stream_is_alive(s, true));
    close(peer);
    EXPECT_FALSE(bide__stream_is_alive(s, true)); /* seen by asking */
}

TEST(idle_connection_with_stray_bytes_is_not, .real_time = true)
{
    int peer;
    bide_auto bide_stream *s = one_end(&peer, 0);

    say(peer, "x");
    EXPECT_TRUE(bide__stream_is_alive(s, false)); /* the loop has not looked yet */
    EXPECT_FALSE(bide__stream_is_alive(s, true));
    EXPECT_EQ(bide_error_code(), 0);
    close(peer);
}

TEST(idle_connection_seen_to_close_by_the_loop, .real_time = true)
{
    int peer;
    bide_auto bide_stream *s = one_end(&peer, 0);

    close(peer);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_FALSE(bide__stream_is_alive(s, false));
}

/* ---- out of memory ---- */

static int talk(void)
{
    int fds[2];
    char out[10];
    const char *line;

    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    bide_auto bide_stream *s = bide__stream_from_socket(fds[0], "peer", 0);
    int code = s ? 0 : bide_error_code();
    if (s)
        say(fds[1], "line\nrest");
    if (s)
        code = (int)bide_read_until(s, "\n", &line);
    if (code >= 0)
        code = (int)bide_read(s, out, sizeof out);
    if (code >= 0)
        code = bide_write(s, "x", 1);
    if (code >= 0)
        code = bide_drain(s);
    close(fds[1]);
    return code;
}

TEST(stream_without_memory_says_so, .real_time = true)
{
    int n = 0, code;

    do {
        bide__alloc_fail_at(n++);
        code = talk();
        bide__alloc_fail_at(-1);
        EXPECT_TRUE(code == 0 || code == BIDE_ENOMEM);
        bide_error_clear();
    } while (code != 0);
    EXPECT_LT(3, n);
}
