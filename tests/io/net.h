/* SPDX-License-Identifier: MIT */
/*
 * net.h - what the tests of names, connections and TLS share: a port that answers, one that never does, certificates.
 */
#ifndef TESTS_IO_NET_H
#define TESTS_IO_NET_H

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include <bide/loop.h>

#include "harness/certs.h"
#include "harness/harness.h"
#include "io/io.h"

/* ---- sockets ---- */

__attribute__((unused)) static int listening_socket(const char *host, int *port, int backlog)
{
    struct addr a;
    int on = 1;
    EXPECT_TRUE(bide__addr_parse(&a, host, *port));
    int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT_LE(0, fd);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &a.sa, a.len) < 0)
        FAIL("bind %s:%d: %s", host, *port, strerror(errno));
    EXPECT_EQ(listen(fd, backlog), 0);
    EXPECT_EQ(getsockname(fd, &a.sa, &a.len), 0);
    *port = ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
    return fd;
}

/* A port whose queue is full: it drops what comes.  Its sockets are in fds, to be closed. */
#define HOLE_SOCKETS 4
struct black_hole {
    int fds[HOLE_SOCKETS];
};

__attribute__((unused)) static void black_hole_open(struct black_hole *h, const char *host, int *port)
{
    struct addr a;

    h->fds[0] = listening_socket(host, port, 0);
    bide__addr_parse(&a, host, *port);
    for (int i = 1; i < HOLE_SOCKETS; i++) {
        h->fds[i] = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(h->fds[i], &a.sa, a.len);
    }
    usleep(20000);
}

__attribute__((unused)) static void black_hole_close(struct black_hole *h)
{
    for (int i = 0; i < HOLE_SOCKETS; i++)
        close(h->fds[i]);
}

/* A port on which nobody listens. */
__attribute__((unused)) static int closed_port(void)
{
    int port = 0;
    close(listening_socket("127.0.0.1", &port, 1));
    return port;
}

#endif
