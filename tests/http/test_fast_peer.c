/* SPDX-License-Identifier: MIT */
/*
 * test_fast_peer.c - a peer that is always ready must not stop the rest of the program, nor the clock.
 *
 * The peer is a thread with blocking sockets.  What is tested is our side, made slower than the peer, so that it never
 * has to wait.
 */
#include "client.h"

/* ---- the peer ---- */

struct fast {
    int listener, port, fd;
    size_t most; /* bytes, so that a test that fails comes to its end */
    pthread_t thread;
};

static char block[256 * 1024];

static void *send_much(void *arg)
{
    static const char head[] = OK("1000000000000");
    struct fast *f = arg;
    ssize_t n = 1;

    f->fd = accept(f->listener, NULL, NULL);
    if (recv(f->fd, block, sizeof block, 0) > 0)
        n = send(f->fd, head, sizeof head - 1, MSG_NOSIGNAL);
    for (size_t sent = 0; n > 0 && sent < f->most; sent += n > 0 ? (size_t)n : 0)
        n = send(f->fd, block, sizeof block, MSG_NOSIGNAL);
    close(f->fd);
    return NULL;
}

static void *take_much(void *arg)
{
    struct fast *f = arg;

    while (recv(f->fd, block, sizeof block, 0) > 0)
        ;
    return NULL;
}

static void fast_listen(struct fast *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(f->listener, (struct sockaddr *)&a, len), 0);
    EXPECT_EQ(listen(f->listener, 1), 0);
    EXPECT_EQ(getsockname(f->listener, (struct sockaddr *)&a, &len), 0);
    f->port = ntohs(a.sin_port);
    EXPECT_EQ(pthread_create(&f->thread, NULL, send_much, f), 0);
}

static void fast_connect(struct fast *f, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    static const char ask[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(f->fd, (struct sockaddr *)&a, sizeof a), 0);
    EXPECT_EQ(send(f->fd, ask, sizeof ask - 1, MSG_NOSIGNAL), (ssize_t)sizeof ask - 1);
    EXPECT_EQ(pthread_create(&f->thread, NULL, take_much, f), 0);
}

/* ---- serving one ---- */

enum { PIECES = 300000 };

struct stream_test {
    bool tick; /* another task was woken by its timer */
    int pieces;
};

static int send_pieces(bide_exchange *x, void *arg)
{
    struct stream_test *t = arg;
    char piece[64] = {0};

    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    for (; !t->tick && t->pieces < PIECES; t->pieces++)
        BIDE_TRY(bide_respond_chunk(x, piece, sizeof piece));
    return bide_respond_end(x);
}

TEST(server_a_client_that_takes_all_at_once_does_not_stop_the_others, .real_time = true)
{
    struct stream_test t = {0};
    struct fast f = {0};
    bide_auto bide_server *s = bide_server_start(send_pieces, .arg = &t);

    fast_connect(&f, bide_server_port(s));
    while (t.pieces == 0)
        EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    t.tick = true;
    EXPECT_LT(t.pieces, PIECES);
    EXPECT_EQ(bide_server_stop(s, 5000), 0);
    shutdown(f.fd, SHUT_RDWR);
    pthread_join(f.thread, NULL);
    close(f.fd);
}

/* ---- reading from one ---- */

TEST(client_a_server_that_is_always_ready_does_not_stop_the_clock, .real_time = true)
{
    struct fast f = {.most = 64 << 20};
    char url[64];
    const char *data;
    ssize_t n;
    fast_listen(&f);
    bide_auto bide_session *s = bide_session_new();

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", f.port);
    bide_response *r = bide_get(s, url, .timeout_ms = 150);
    EXPECT_NOT_NULL(r);
    while ((n = bide_read_chunk(r, &data)) > 0)
        usleep(600); /* slower than what comes: 64 KiB each time */
    EXPECT_ERR(n, BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "not done within 150 ms");
    bide_error_clear();
    bide_release(r);
    pthread_join(f.thread, NULL);
    close(f.listener);
}

TEST(client_a_server_that_is_always_ready_may_be_cancelled, .real_time = true)
{
    struct fast f = {.most = 64 << 20};
    char url[64];
    const char *data;
    ssize_t n = 0;
    fast_listen(&f);
    bide_auto bide_session *s = bide_session_new();

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", f.port);
    bide_auto bide_response *r = bide_get(s, url);
    EXPECT_NOT_NULL(r);
    bide_timeout(100) {
        while ((n = bide_read_chunk(r, &data)) > 0)
            usleep(600);
    }
    EXPECT_ERR(n, BIDE_ETIMEDOUT);
    bide_error_clear();
    pthread_join(f.thread, NULL);
    close(f.listener);
}
