/* SPDX-License-Identifier: MIT */
/* test_stream.c - streams: fast peers and idle ones, and no memory. */
#include "peer.h"

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
