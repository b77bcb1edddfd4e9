/* SPDX-License-Identifier: MIT */
/* test_ahead.c - peek, several separators, "something has come", files, write limits. */
#include <signal.h>
#include <stdlib.h>

#include <bide/bide.h>

#include "harness/points.h"
#include "peer.h"

/* A stream, and the plain descriptor at its other end. */
static bide_stream *stream_and_peer(int *peer)
{
    int pair[2];

    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    *peer = pair[1];
    bide_stream *s = bide_stream_from_fd(pair[0]);
    EXPECT_NOT_NULL(s);
    return s;
}

static int peek_at(bide_stream *s, size_t n)
{
    const char *data;

    return (int)bide_peek(s, n, &data);
}

/* asyncio has no peek; what it must not do is take. */
TEST(peek_waits_for_so_many_and_takes_none, .real_time = true)
{
    int peer;
    const char *data;
    char out[8] = "";
    bide_auto bide_stream *s = stream_and_peer(&peer);
    bide_auto bide_task *t = bide_create_task(bide_coro(peek_at, s, (size_t)4));

    say(peer, "ab");
    EXPECT_EQ(bide_sleep_ms(2), 0);
    EXPECT_FALSE(bide_task_done(t));
    say(peer, "cde");
    EXPECT_EQ(bide_await(t), 5);
    EXPECT_EQ(bide_peek(s, 1, &data), 5);
    EXPECT_MEM(data, "abcde", 5);
    EXPECT_EQ(bide_read(s, out, sizeof out), 5);
    close(peer);
    EXPECT_EQ(bide_peek(s, 1, &data), 0);
    EXPECT_EQ(bide_peek(s, 0, &data), 0);
    EXPECT_ERR(bide_peek(s, 1 << 20, &data), BIDE_ELIMIT);
    EXPECT_ERR(bide_peek(NULL, 1, &data), -EINVAL);
    EXPECT_ERR(bide_peek(s, 1, NULL), -EINVAL);
}

TEST(peek_cancelled_loses_nothing, .real_time = true)
{
    int peer;
    char out[8] = "";
    bide_auto bide_stream *s = stream_and_peer(&peer);
    bide_auto bide_task *t = bide_create_task(bide_coro(peek_at, s, (size_t)8));
    say(peer, "abc");
    EXPECT_EQ(bide_sleep_ms(2), 0);

    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(bide_read(s, out, sizeof out), 3);
    close(peer);
}

/* As asyncio's readuntil with a tuple: the one that ends first. */
TEST(read_until_any_stops_at_the_separator_that_ends_first, .real_time = true)
{
    int peer, which = -1;
    const char *line;
    bide_auto bide_stream *s = stream_and_peer(&peer);
    const char *const *ends = BIDE_SEPARATORS("\n", "\r\n", "--");

    say(peer, "one\ntwo\r\nthree--rest");
    EXPECT_EQ(bide_read_until_any(s, ends, &line, &which), 4);
    EXPECT_STR(line, "one\n");
    EXPECT_EQ(which, 0);
    EXPECT_EQ(bide_read_until_any(s, ends, &line, &which), 5);
    EXPECT_EQ(which, 1); /* both end here: the longer */
    EXPECT_EQ(bide_read_until_any(s, ends, &line, NULL), 7);
    EXPECT_STR(line, "three--");
    say(peer, "-"); /* a separator in two pieces */
    EXPECT_EQ(bide_sleep_ms(1), 0);
    say(peer, "-");
    EXPECT_EQ(bide_read_until_any(s, ends, &line, &which), 6);
    EXPECT_EQ(which, 2);
    close(peer);
    EXPECT_ERR(bide_read_until_any(s, ends, &line, NULL), BIDE_EEOF);
}

/* A separator beyond the limit, or none: an error, and the data stays (semantics.md 187). */
TEST(read_until_any_over_the_limit_leaves_the_data, .real_time = true)
{
    int pair[2], which;
    const char *line;
    char out[8];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    bide_auto bide_stream *s = bide_stream_from_fd(pair[0], .max_buffer = 8);

    say(pair[1], "12345678\n");
    EXPECT_ERR(bide_read_until_any(s, BIDE_SEPARATORS("\n", ";"), &line, &which), BIDE_ELIMIT);
    EXPECT_EQ(bide_read_exactly(s, out, 8), 8);
    EXPECT_MEM(out, "12345678", 8);
    EXPECT_EQ(bide_read_until_any(s, BIDE_SEPARATORS("\n", ";"), &line, &which), 1);
    close(pair[1]);
}

TEST(read_until_any_bad_lists_are_errors, .real_time = true)
{
    int peer;
    const char *line, *many[18];
    bide_auto bide_stream *s = stream_and_peer(&peer);
    for (int i = 0; i < 17; i++)
        many[i] = "x";
    many[17] = NULL;

    EXPECT_ERR(bide_read_until_any(s, (const char *const[]){NULL}, &line, NULL), -EINVAL);
    EXPECT_ERR(bide_read_until_any(s, BIDE_SEPARATORS("\n", ""), &line, NULL), -EINVAL);
    EXPECT_ERR(bide_read_until_any(s, many, &line, NULL), -EINVAL);
    EXPECT_ERR(bide_read_until_any(s, NULL, &line, NULL), -EINVAL);
    close(peer);
}

static int read_one(bide_stream *s)
{
    char c;

    return (int)bide_read(s, &c, 1);
}

TEST(readable_is_chosen_when_bytes_or_the_end_have_come, .real_time = true)
{
    int peer, n = -1;
    char out[8];
    bide_auto bide_stream *s = stream_and_peer(&peer);

    EXPECT_EQ(bide_select(&n, bide_stream_readable_awaitable(s), bide_sleep_awaitable(1)), 1);
    say(peer, "abc");
    EXPECT_EQ(bide_select(&n, bide_stream_readable_awaitable(s), bide_sleep_awaitable(1000)), 0);
    EXPECT_EQ(n, 3);
    EXPECT_EQ(bide_await(bide_stream_readable_awaitable(s)), 3); /* they are there still */
    EXPECT_EQ(bide_read(s, out, sizeof out), 3);
    bide_auto bide_task *reader = bide_create_task(bide_coro(read_one, s));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_ERR(bide_await(bide_stream_readable_awaitable(s)), BIDE_ESTATE);
    close(peer);
    EXPECT_EQ(bide_await(reader), 0);
    EXPECT_EQ(bide_await(bide_stream_readable_awaitable(s)), 0);
}

TEST(readable_sends_what_was_written_and_ends_with_the_stream, .real_time = true)
{
    int peer;
    char out[8];
    bide_auto bide_stream *s = stream_and_peer(&peer);
    EXPECT_EQ(bide_write(s, "ask", 3), 0);
    bide_auto bide_future *f = bide_ensure_future(bide_stream_readable_awaitable(s));

    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(read(peer, out, sizeof out), 3);
    bide_release(bide_take(s));
    EXPECT_ERR(bide_await(f), BIDE_ECLOSED);
    close(peer);
}

/* ---- files ---- */

static int file_of(size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/sent", test_tmpdir());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (size_t i = 0; i < size; i++)
        if (i % 4096 == 0)
            EXPECT_EQ(pwrite(fd, "begin of a page", 15, (off_t)i), 15);
    EXPECT_EQ(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static int send_whole(bide_stream *s, int file, int64_t *sent)
{
    BIDE_TRY(bide_write(s, "head:", 5));
    *sent = bide_sendfile(s, file, 0, BIDE_ALL);
    return *sent < 0 ? (int)*sent : bide_stream_shutdown(s);
}

static void check_sendfile(bide_stream *to, bide_stream *from)
{
    int file = file_of(600000);
    int64_t sent = 0;
    static char data[600005];
    bide_auto bide_task *t = bide_create_task(bide_coro(send_whole, to, file, &sent));

    EXPECT_EQ(bide_read_exactly(from, data, sizeof data), sizeof data);
    EXPECT_MEM(data, "head:begin of", 13);
    EXPECT_MEM(data + 5 + 4096 * 100, "begin of a page", 15);
    EXPECT_EQ(bide_read(from, data, 1), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(sent, 600000);
    EXPECT_EQ(lseek(file, 0, SEEK_CUR), 0);
    close(file);
}

TEST(sendfile_over_a_socket_and_through_a_buffer, .real_time = true)
{
    for (int shared = 0; shared < 2; shared++) { /* the filter of .shared cannot do it in the kernel */
        int pair[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        bide_auto bide_stream *a = bide_stream_from_fd(pair[0], .shared = shared), *b = bide_stream_from_fd(pair[1]);
        check_sendfile(a, b);
    }
}

TEST(sendfile_part_of_a_file_and_one_that_is_too_short, .real_time = true)
{
    int peer, file = file_of(10000);
    char out[16];
    bide_auto bide_stream *s = stream_and_peer(&peer);

    EXPECT_EQ(bide_sendfile(s, file, 4096, 5), 5);
    EXPECT_EQ(read(peer, out, sizeof out), 5);
    EXPECT_MEM(out, "begin", 5);
    EXPECT_EQ(bide_sendfile(s, file, 0, 0), 0);
    EXPECT_EQ(bide_sendfile(s, file, 20000, BIDE_ALL), 0);
    EXPECT_ERR(bide_sendfile(s, file, 9990, 100), BIDE_EEOF);
    EXPECT_CONTAINS(bide_error_text(), "90 bytes early");
    EXPECT_ERR(bide_write(s, "x", 1), BIDE_ESTATE); /* ten bytes have gone */
    EXPECT_ERR(bide_sendfile(NULL, file, 0, 1), -EINVAL);
    EXPECT_ERR(bide_sendfile(s, file, -1, 1), -EINVAL);
    close(peer);
    close(file);
}

TEST(sendfile_cancelled_breaks_the_stream_for_writing, .real_time = true)
{
    int peer, file = file_of(3000000);
    int64_t sent;
    bide_auto bide_stream *s = stream_and_peer(&peer);
    bide_auto bide_task *t = bide_create_task(bide_coro(send_whole, s, file, &sent));
    EXPECT_EQ(bide_sleep_ms(2), 0);

    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_ERR(bide_write(s, "x", 1), BIDE_ESTATE);
    close(peer);
    close(file);
}

/* ---- write limits ---- */

TEST(write_limits_say_how_much_is_collected, .real_time = true)
{
    int peer;
    static char data[100000], in[100000];
    bide_auto bide_stream *s = stream_and_peer(&peer);

    EXPECT_EQ(bide_stream_set_write_limits(s, 60000, 20000), 0);
    EXPECT_EQ(bide_write(s, data, 50000), 0);
    EXPECT_EQ(bide_stream_buffered(s), 50000);
    EXPECT_EQ(bide_write(s, data, 30000), 0); /* over the high mark: down to the low one, or below */
    EXPECT_LE(bide_stream_buffered(s), 20000);
    EXPECT_ERR(bide_stream_set_write_limits(s, 0, 0), -EINVAL);
    EXPECT_ERR(bide_stream_set_write_limits(s, 10, 11), -EINVAL);
    EXPECT_EQ(bide_drain(s), 0);
    EXPECT_EQ(bide_stream_buffered(s), 0);
    size_t sum = 0;
    while (sum < 80000) {
        ssize_t n = read(peer, in, sizeof in);
        EXPECT_LT(0, n);
        sum += (size_t)n;
    }
    EXPECT_EQ(sum, 80000);
    EXPECT_EQ(bide_write(s, data, 500), 0);
    EXPECT_ERR(bide_stream_set_write_limits(s, 499, 0), BIDE_ESTATE);
    EXPECT_EQ(bide_stream_buffered(NULL), 0);
    close(peer);
}

static int uses_all(void)
{
    int pair[2];
    const char *data;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    bide_auto bide_stream *a = bide_stream_from_fd(pair[0]), *b = a ? bide_stream_from_fd(pair[1]) : NULL;
    if (!a)
        close(pair[0]);
    if (!b) {
        close(pair[1]);
        return bide_raise();
    }
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int64_t n = bide_sendfile(a, file, 0, 100);
    close(file);
    BIDE_TRY((int)n);
    BIDE_TRY(bide_await(bide_stream_readable_awaitable(b)));
    BIDE_TRY(bide_peek(b, 4, &data));
    BIDE_TRY(bide_read_until_any(b, BIDE_SEPARATORS("ELF", "\x7f"), &data, NULL));
    return 0;
}

UNIT(stream_ahead_each_allocation_failing_in_turn_is_an_error)
{
    fail_each_allocation(bide_coro(uses_all));
}
