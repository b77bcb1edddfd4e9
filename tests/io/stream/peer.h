/* SPDX-License-Identifier: MIT */
/* peer.h - a stream, and the other end of its connection, which says and reads what the test wants. */
#ifndef TESTS_IO_STREAM_PEER_H
#define TESTS_IO_STREAM_PEER_H

#include <fcntl.h>
#include <unistd.h>

#include "harness/harness.h"
#include "io/stream/stream.h"

/* Two ends of one connection: ours on the loop, the peer's as a bare descriptor. */
__attribute__((unused)) static bide_stream *one_end(int *peer, size_t max_buffer)
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

__attribute__((unused)) static void say(int peer, const char *text)
{
    EXPECT_EQ(write(peer, text, strlen(text)), strlen(text));
}

__attribute__((unused)) static int read_task(bide_stream *s, char *out, size_t cap)
{
    return (int)bide_read(s, out, cap);
}

__attribute__((unused)) static int say_later(int peer, const char *text, int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    say(peer, text);
    return 0;
}

#endif
