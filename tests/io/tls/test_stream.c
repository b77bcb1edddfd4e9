/* SPDX-License-Identifier: MIT */
/* test_stream.c - TLS as a layer of a stream: bytes in pieces, system calls, layers on layers, the end of a connection. */
#include "tls/tls_pair.h"

/* ---- a quiet connection ---- */

/* OpenSSL's buffer of 16 KiB is one allocation, and comes back with the next bytes. */
TEST(tls_stream_at_rest_goes_on_and_has_given_a_buffer_back, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        for (int i = 0; i < 3; i++) {
            ping(s);
            bide__stream_rest(s);
            EXPECT_EQ(SSL_free_buffers((SSL *)(uintptr_t)bide__tls_ssl(s)), 1);
            EXPECT_FALSE(bide__stream_may_recv(s));
        }
        ping(s);
    }
    stop(&server);
}

/* ---- both directions at once ---- */

enum { MANY = 3000000 };

/* Sends back what it reads, while it goes on reading: both directions are full at times. */
static int echo(bide_stream *s, void *arg)
{
    char *buf = arg;
    ssize_t n;

    while ((n = bide_read(s, buf, 65536)) > 0) {
        BIDE_TRY(bide_write(s, buf, (size_t)n));
        BIDE_TRY(bide_drain(s));
    }
    return (int)n;
}

static int send_many(bide_stream *s, const char *data)
{
    BIDE_TRY(bide_write(s, data, MANY));
    return bide_drain(s);
}

/* R102 */
TEST(tls_large_transfer_both_ways_arrives_whole, .real_time = true)
{
    certs_make();
    char *data = malloc(MANY), *back = malloc(MANY), *buf = malloc(65536);
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, echo, buf);
    for (int i = 0; i < MANY; i++)
        data[i] = (char)(i * 7 + i / 1000);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        bide_auto bide_task *writer = bide_create_task(bide_coro(send_many, s, (const char *)data));
        EXPECT_EQ(bide_read_exactly(s, back, MANY), MANY);
        EXPECT_EQ(bide_await(writer), 0);
        EXPECT_MEM(back, data, MANY);
    }
    stop(&server);
    free(data);
    free(back);
    free(buf);
}

/* ---- a write that was not completed ---- */

struct slow_reader {
    bool may_read;
    size_t n, n_others; /* bytes that are not 'A' */
};

/* Greets, then reads nothing for a while. */
static int read_late(bide_stream *s, void *arg)
{
    struct slow_reader *r = arg;
    char buf[16384];
    ssize_t n;

    BIDE_TRY(bide_write(s, "pong", 4));
    BIDE_TRY(bide_drain(s));
    while (!r->may_read)
        BIDE_TRY(bide_sleep_ms(1));
    while ((n = bide_read(s, buf, sizeof buf)) > 0) {
        r->n += (size_t)n;
        for (ssize_t i = 0; i < n; i++)
            r->n_others += buf[i] != 'A';
    }
    return 0;
}

/* As much as is collected: each write sends the one before, and stops within that or within its own first record. */
static int write_record(bide_stream *s, char c)
{
    char data[16384];
    int code = 0;

    memset(data, c, sizeof data);
    bide_timeout(20)
        code = bide_write(s, data, sizeof data);
    return code;
}

TEST(tls_write_that_timed_out_breaks_the_stream, .real_time = true)
{
    struct slow_reader r = {0};
    char buf[4];
    int code;
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, read_late, &r);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        while ((code = write_record(s, 'A')) == 0)
            ;
        EXPECT_EQ(code, BIDE_ETIMEDOUT);
        bide_error_clear();
        r.may_read = true;
        EXPECT_EQ(bide_sleep_ms(20), 0);
        EXPECT_ERR(write_record(s, 'z'), BIDE_ESTATE);
        bide_error_clear();
        EXPECT_ERR(bide_drain(s), BIDE_ESTATE);
        bide_error_clear();
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4); /* reading is another matter */
    }
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_LT(0, r.n);
    EXPECT_EQ(r.n_others, 0);
    stop(&server);
}

/* ---- the end of a connection ---- */

static int shut(bide_stream *s, void *arg)
{
    char buf[4];
    ssize_t n = bide_read_exactly(s, buf, 4);

    (void)arg;
    if (n < 0)
        return (int)n;
    BIDE_TRY(bide_write(s, "last", 4));
    return bide_drain(s);
}

TEST(tls_orderly_close_is_the_end_of_the_stream, .real_time = true)
{
    char buf[8];
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, shut, NULL);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_EQ(bide_read(s, buf, 8), 0);
        EXPECT_FALSE(bide__stream_was_cut(s));
    }
    stop(&server);
}

/* Ends the TCP connection under TLS. */
static int cut(bide_stream *s, void *arg)
{
    char buf[4];
    ssize_t n = bide_read_exactly(s, buf, 4);

    (void)arg;
    if (n < 0)
        return (int)n;
    BIDE_TRY(bide_write(s, "last", 4));
    BIDE_TRY(bide_drain(s));
    shutdown(s->socket.fd.fd, SHUT_WR);
    return bide_sleep_ms(100);
}

TEST(tls_end_without_close_notify_is_an_error, .real_time = true)
{
    char buf[8];
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, cut, NULL);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_ERR(bide_read(s, buf, 8), BIDE_EEOF);
        EXPECT_CONTAINS(bide_error_text(), "no close_notify");
        EXPECT_TRUE(bide__stream_was_cut(s));
    }
    stop(&server);
}

TEST(tls_half_close_lets_reading_go_on, .real_time = true)
{
    char buf[8];
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
        EXPECT_EQ(bide_stream_shutdown(s), 0);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_EQ(bide_read(s, buf, 8), 0);
    }
    stop(&server);
}

/* ---- a server that sends its bytes one at a time ---- */

struct drip {
    int port;       /* of the real server */
};

/* Passes bytes on, towards the client one by one. */
static int drip_back(bide_stream *from, bide_stream *to)
{
    char buf[1024];

    for (ssize_t n; (n = bide_read(from, buf, sizeof buf)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            BIDE_TRY(bide_write(to, buf + i, 1));
            BIDE_TRY(bide_drain(to));
            BIDE_TRY(bide_sleep_ms(0));
        }
    return 0;
}

static int drip(bide_stream *client, void *arg)
{
    char buf[1024];
    bide_auto bide_stream *server = bide_connect("127.0.0.1", ((struct drip *)arg)->port);
    if (!server)
        return bide_raise();
    bide_auto bide_task *back = bide_create_task(bide_coro(drip_back, server, client));
    for (ssize_t n; (n = bide_read(client, buf, sizeof buf)) > 0;) {
        BIDE_TRY(bide_write(server, buf, (size_t)n));
        BIDE_TRY(bide_drain(server));
    }
    return 0;
}

/* R102 */
TEST(tls_bytes_that_come_one_by_one_are_put_together, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    struct served slow = serve_with(NULL, drip, &(struct drip){server.port});
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(slow.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        ping(s);
    }
    stop(&slow);
    stop(&server);
}

/* ---- layers on layers ---- */

static int pong_inside(bide_stream *s, void *arg)
{
    BIDE_TRY(bide__tls_start_server(s, arg));
    return pong(s, NULL);
}

static void expect_pong_of_all(bide_stream *s)
{
    enum { PINGS = 20000 }; /* more than a record of either layer, and than a socket takes at once with nobody reading */
    char buf[4];

    for (int i = 0; i < PINGS; i++)
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
    EXPECT_EQ(bide_drain(s), 0);
    for (int i = 0; i < PINGS; i++) {
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_MEM(buf, "pong", 4);
    }
}

/* As a proxy that is spoken to over TLS has it: neither layer knows that the other is one of TLS, too. */
TEST(tls_inside_tls_shakes_hands_and_carries_bytes, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *inner = server_tls("good"), *outer = server_tls("good"), *tls = client_tls();
    struct served server = serve_with(outer, pong_inside, inner);
    {
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        EXPECT_EQ(bide__tls_start_client(s, tls, "good.test", 1), 0);
        ping(s);
        EXPECT_TRUE(bide__stream_is_alive(s, true)); /* tickets of both layers may have come */
        expect_pong_of_all(s);
        EXPECT_EQ(bide_stream_shutdown(s), 0);
        char more;
        EXPECT_EQ(bide_read(s, &more, 1), 0); /* a close_notify of the inner layer */
        EXPECT_FALSE(bide__stream_was_cut(s));
    }
    stop(&server);
}

/* ---- system calls: one recv and one send for each exchange ---- */

static const struct filter_ops *real_ops;
static unsigned recvs, sends;

/* Without bytes to be had, the socket layer answers without asking the kernel. */
static ssize_t counted_recv(struct filter *f, void *out, size_t cap)
{
    recvs += container_of(f, struct socket_filter, filter)->fd.readable;
    return real_ops->try_recv(f, out, cap);
}

static ssize_t counted_send(struct filter *f, const struct iovec *iov, int n)
{
    sends++;
    return real_ops->try_send(f, iov, n);
}

TEST(tls_small_exchange_is_one_send_and_one_recv, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        ping(s);
        real_ops = s->socket.filter.ops;
        struct filter_ops counted = *real_ops;
        counted.try_recv = counted_recv;
        counted.try_send = counted_send;
        s->socket.filter.ops = &counted;
        for (int i = 0; i < 100; i++)
            ping(s);
        s->socket.filter.ops = real_ops;
        EXPECT_EQ(sends, 100);
        EXPECT_EQ(recvs, 100);
    }
    stop(&server);
}
