/* SPDX-License-Identifier: MIT */
/* tls_pair.h - for the tests of TLS: a server of our own in the same loop, and a client of it. */
#ifndef BIDE_TESTS_TLS_PAIR_H
#define BIDE_TESTS_TLS_PAIR_H

#include "io/tls/tls_layer.h"
#include "net.h"

static inline bide_tls *server_tls(const char *cert)
{
    bide_tls *tls = bide_tls_new(.server = true, .cert_file = cert_path(cert), .alpn = "http/1.1");
    EXPECT_NOT_NULL(tls);
    return tls;
}

static inline bide_tls *client_tls(void)
{
    bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"), .alpn = "h2,http/1.1");
    EXPECT_NOT_NULL(tls);
    return tls;
}

/* Answers "ping" with "pong" until the peer is tired of it. */
static inline int pong(bide_stream *s, void *arg)
{
    char buf[4];
    ssize_t n;

    (void)arg;
    while ((n = bide_read_exactly(s, buf, 4)) == 4) {
        BIDE_TRY(bide_write(s, "pong", 4));
        BIDE_TRY(bide_drain(s));
    }
    return (int)n;
}

struct served {
    bide_listener *listener;
    bide_task *task;
    int port;
};

static inline struct served serve_with(bide_tls *tls, bide_connection_handler *handler, const void *arg)
{
    struct served s = {.listener = bide_listen("127.0.0.1", 0, .tls = tls)};
    EXPECT_NOT_NULL(s.listener);
    s.port = bide_listener_port(s.listener);
    s.task = bide_create_task(bide_coro(bide_serve, s.listener, handler, (void *)(uintptr_t)arg));
    EXPECT_NOT_NULL(s.task);
    return s;
}

static inline struct served serve_cert(const char *cert)
{
    bide_auto bide_tls *tls = server_tls(cert);
    return serve_with(tls, pong, NULL);
}

static inline void stop(struct served *s)
{
    bide_release(s->task);
    bide_release(s->listener);
    bide_error_clear();
}

static inline void ping(bide_stream *s)
{
    char buf[4];

    EXPECT_EQ(bide_write(s, "ping", 4), 0);
    EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
    EXPECT_MEM(buf, "pong", 4);
}

static inline bide_stream *dial(int port, bide_tls *tls, const char *name)
{
    return bide_connect("127.0.0.1", port, .tls = tls, .server_name = name, .timeout_ms = 3000);
}

#endif
