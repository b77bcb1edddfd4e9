/* SPDX-License-Identifier: MIT */
/*
 * client.h - what the tests of the HTTP client share: a peer that does just what a script says.
 *
 * The peer is a thread with blocking sockets, plain or TLS, that knows nothing of this library.  It takes one
 * connection after the other and plays a script on each:
 *
 *     struct peer p = PEER(ASK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" PAUSE "ok");
 *     ... bide_get(s, peer_url(&p, "/")) ...
 *     peer_stop(&p);      waits for it; p.seen has all that it was sent
 *
 * A script is text to be sent, each stretch of it with one system call, between one-byte commands.  At its end the
 * connection is closed.  Scripts whose connection never came are skipped by peer_stop.
 */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <bide/http.h>
#include <bide/json.h>
#include <bide/loop.h>
#include <bide/server.h>
#include <bide/task.h>

#include "harness/certs.h"
#include "harness/harness.h"

#define UNUSED __attribute__((unused))

#define ASK   "\1" /* read a request: its head, and as much body as its Content-Length says */
#define PAUSE "\2" /* 30 ms */
#define RESET "\3" /* close with RST */
#define STALL "\4" /* until the client closes; what it sends is taken and forgotten */
#define BYE   "\5" /* TLS: send close_notify */
#define HEAD  "\6" /* read a request's head alone */
#define REST  "\7" /* and the rest of it: ASK is both */

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

struct peer {
    const char *scripts[8];
    const char *cert; /* a FILE of cert_make: speak TLS */
    bool repeat;      /* the last script, for every further connection */
    int listener, port;
    pthread_t thread;
    atomic_int taken;  /* connections */
    atomic_bool ended; /* stop: take no more */
    char head[1500];   /* of the present request */
    char seen[6000];   /* all requests, one after the other, as far as they fit */
    size_t nseen, nbody; /* bytes of bodies, also of those that did not fit */
    int nrequests;
    size_t starts[16]; /* of the requests, in seen */
    char url[4][128];
    int nurls;
};

struct peer_conn {
    struct peer *peer;
    int fd;
    SSL *ssl;
};

/* ---- the thread's side ---- */

UNUSED static ssize_t peer_read(struct peer_conn *c, char *out, size_t cap)
{
    struct pollfd ready = {.fd = c->fd, .events = POLLIN};

    while (!(c->ssl && SSL_pending(c->ssl)) && poll(&ready, 1, 10) == 0)
        if (c->peer->ended)
            return -1;
    return c->ssl ? SSL_read(c->ssl, out, (int)cap) : read(c->fd, out, cap);
}

UNUSED static void peer_write(struct peer_conn *c, const char *text, size_t len)
{
    ssize_t n;

    for (; len > 0; text += n, len -= (size_t)n) {
        n = c->ssl ? SSL_write(c->ssl, text, (int)len) : send(c->fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
    }
}

/* Into p->seen, if it has room. */
UNUSED static void peer_record(struct peer *p, const char *bytes, size_t n)
{
    if (p->nseen + n >= sizeof p->seen)
        return;
    memcpy(p->seen + p->nseen, bytes, n);
    p->nseen += n;
    p->seen[p->nseen] = '\0';
}

/* Byte by byte, so that nothing behind the head is taken. */
UNUSED static bool peer_read_head(struct peer_conn *c)
{
    struct peer *p = c->peer;
    size_t n = 0;

    if (p->nrequests < 16)
        p->starts[p->nrequests++] = p->nseen;
    while (n < sizeof p->head - 1 && peer_read(c, p->head + n, 1) == 1) {
        p->head[++n] = '\0';
        if (n >= 4 && strcmp(p->head + n - 4, "\r\n\r\n") == 0)
            break;
    }
    peer_record(p, p->head, n);
    return n >= 4 && strcmp(p->head + n - 4, "\r\n\r\n") == 0;
}

UNUSED static void peer_read_rest(struct peer_conn *c)
{
    struct peer *p = c->peer;
    const char *length = strcasestr(p->head, "\r\nContent-Length: ");
    char bytes[4096];

    for (size_t left = length ? (size_t)atol(length + 18) : 0; left > 0;) {
        ssize_t n = peer_read(c, bytes, left < sizeof bytes ? left : sizeof bytes);
        if (n <= 0)
            return;
        left -= (size_t)n;
        p->nbody += (size_t)n;
        if (p->nseen < sizeof p->seen / 2) /* room for more heads */
            peer_record(p, bytes, (size_t)n);
    }
}

UNUSED static void peer_play(struct peer_conn *c, const char *script)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    char bytes[4096];

    while (*script) {
        size_t n = strcspn(script, ASK PAUSE RESET STALL BYE HEAD REST);
        peer_write(c, script, n);
        script += n;
        switch (*script ? *script++ : '\0') {
        case '\1':
            if (!peer_read_head(c))
                return; /* it has closed */
            peer_read_rest(c);
            break;
        case '\2':
            usleep(30000);
            break;
        case '\3':
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            return;
        case '\4':
            while (peer_read(c, bytes, sizeof bytes) > 0)
                ;
            break;
        case '\5':
            SSL_shutdown(c->ssl);
            break;
        case '\6':
            peer_read_head(c);
            break;
        case '\7':
            peer_read_rest(c);
        }
    }
}

UNUSED static void peer_serve(struct peer *p, SSL_CTX *ctx, int fd, const char *script)
{
    struct peer_conn c = {.peer = p, .fd = fd};
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (ctx) {
        c.ssl = SSL_new(ctx);
        SSL_set_fd(c.ssl, fd);
    }
    if (!c.ssl || SSL_accept(c.ssl) == 1)
        peer_play(&c, script);
    if (c.ssl) {
        SSL_set_shutdown(c.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(c.ssl);
    }
    close(fd);
}

UNUSED static SSL_CTX *peer_context(const struct peer *p)
{
    if (!p->cert)
        return NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(ctx, cert_path(p->cert));
    SSL_CTX_use_PrivateKey_file(ctx, cert_path(p->cert), SSL_FILETYPE_PEM);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return ctx;
}

UNUSED static void *peer_run(void *arg)
{
    struct peer *p = arg;
    SSL_CTX *ctx = peer_context(p);
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL); /* OpenSSL writes without MSG_NOSIGNAL */

    for (int i = 0; p->scripts[i] && !p->ended; i += !p->repeat || p->scripts[i + 1]) {
        struct pollfd ready = {.fd = p->listener, .events = POLLIN};
        while (!p->ended && poll(&ready, 1, 10) == 0)
            ;
        int fd = p->ended ? -1 : accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            break;
        p->taken++;
        peer_serve(p, ctx, fd, p->scripts[i]);
    }
    SSL_CTX_free(ctx);
    OPENSSL_thread_stop();
    return NULL;
}

/* ---- the test's side ---- */

UNUSED static void peer_start(struct peer *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(p->listener, (struct sockaddr *)&a, len), 0);
    EXPECT_EQ(listen(p->listener, 64), 0);
    EXPECT_EQ(getsockname(p->listener, (struct sockaddr *)&a, &len), 0);
    p->port = ntohs(a.sin_port);
    EXPECT_EQ(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

#define PEER(...) {.scripts = {__VA_ARGS__}}

/* Returns how many connections came. */
UNUSED static int peer_stop(struct peer *p)
{
    p->ended = true;
    pthread_join(p->thread, NULL);
    close(p->listener);
    return p->taken;
}

/* Lasts for four more. */
UNUSED static const char *peer_url(struct peer *p, const char *path)
{
    char *url = p->url[p->nurls++ % 4];

    snprintf(url, sizeof p->url[0], "http%s://127.0.0.1:%d%s", p->cert ? "s" : "", p->port, path);
    return url;
}

/* How often a text stands in what was sent. */
UNUSED static int count_of(const char *haystack, const char *needle)
{
    int n = 0;

    for (; (haystack = strstr(haystack, needle)); haystack += strlen(needle))
        n++;
    return n;
}

/* ---- errors ---- */

/* A call gave NULL: with this code, and a text that has both parts in one line. */
#define EXPECT_FAILED(result, code, part1, part2)           \
    do {                                                    \
        const void *expect_result = (result);               \
        EXPECT_NULL(expect_result);                         \
        EXPECT_ERR(bide_error_code(), code);                \
        EXPECT_CONTAINS(bide_error_text(), part1);          \
        EXPECT_CONTAINS(bide_error_text(), part2);          \
        EXPECT_NULL(strpbrk(bide_error_text(), "\r\n"));    \
        bide_error_clear();                                 \
    } while (0)

UNUSED static void expect_body(bide_response *r, const char *text)
{
    EXPECT_NOT_NULL(r);
    bide_bytes body = bide_body(r);
    if (!body.data)
        FAIL("no body: %s", bide_error_text());
    EXPECT_EQ(body.len, strlen(text));
    EXPECT_MEM(body.data, text, body.len);
}

/* GET and look at the whole body. */
UNUSED static void expect_get(bide_session *s, const char *url, const char *text)
{
    bide_auto bide_response *r = bide_get(s, url);
    if (!r)
        FAIL("%s: %s", url, bide_error_text());
    expect_body(r, text);
}

#endif
