/* SPDX-License-Identifier: MIT */
/* unblock.h - what the tests of this room share: blocking sockets, and a trace of what happened. */
#ifndef TESTS_UNBLOCK_UNBLOCK_H
#define TESTS_UNBLOCK_UNBLOCK_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bide/loop.h>
#include <bide/scope.h>
#include <bide/several.h>
#include <bide/task.h>

#include "harness/harness.h"

/* A blocking socket that listens on 127.0.0.1; *at: its address. */
__attribute__((unused)) static int listen_here(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof *at;

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    EXPECT_EQ(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    EXPECT_EQ(listen(fd, 128), 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

__attribute__((unused)) static void pair_of(int type, int fd[2])
{
    EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd), 0);
}

__attribute__((unused)) static void close_both(const int fd[2])
{
    close(fd[0]);
    close(fd[1]);
}

/* Fill the kernel's buffers: nobody reads. */
__attribute__((unused)) static void fill(int fd)
{
    static const char zeros[4096];

    while (send(fd, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
        ;
}

/* What happened, in order, as one line of words. */
__attribute__((unused)) static char trace_text[1024];

__attribute__((unused)) static void trace(const char *word)
{
    size_t n = strlen(trace_text);

    snprintf(trace_text + n, sizeof trace_text - n, "%s%s", n ? " " : "", word);
}

#define EXPECT_TRACE(words) EXPECT_STR(trace_text, (words))

__attribute__((unused)) static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

#endif
