/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - a proxy for tests, in tasks of the test's own loop: CONNECT, requests passed on, SOCKS 4a and 5.
 *
 *     struct proxy_server p = {.user = "me", .password = "secret"};
 *     proxy_start(&p);      p.url: "http://127.0.0.1:PORT"; p.log: what it was asked, a line each
 *     ...
 *     proxy_stop(&p);
 *
 * Every name leads to this machine.
 */
#ifndef TESTS_HTTP_TUNNEL_PROXY_H
#define TESTS_HTTP_TUNNEL_PROXY_H

#include <bide/stream.h>

#include "client.h"

struct proxy_server {
    const char *basic; /* of Proxy-Authorization: what it must be; NULL: nobody is asked */
    const char *user, *password; /* of SOCKS 5; NULL: nobody is asked */
    bool closes;       /* behind a 407 */
    bool byte_by_byte; /* its SOCKS answers */
    bide_tls *tls;     /* it speaks TLS; NULL: it does not */

    bide_listener *listener;
    bide_task *task;
    int port, connections, refusals;
    char log[4096];
};

struct pipe_ends {
    bide_stream *from, *to;
};

static int pipe_bytes(struct pipe_ends *p)
{
    char bytes[4096];
    ssize_t n;

    while ((n = bide_read(p->from, bytes, sizeof bytes)) > 0)
        if (bide_write(p->to, bytes, (size_t)n) < 0 || bide_drain(p->to) < 0)
            break;
    (void)!bide_stream_shutdown(p->to);
    return 0;
}

static int relay(bide_stream *a, bide_stream *b)
{
    struct pipe_ends there = {a, b}, back = {b, a};

    return bide_gather(bide_coro(pipe_bytes, &there), bide_coro(pipe_bytes, &back));
}

static void note(struct proxy_server *p, const char *format, const char *what)
{
    size_t used = strlen(p->log);

    snprintf(p->log + used, sizeof p->log - used, format, what);
}

static int say(bide_stream *s, struct proxy_server *p, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && p->byte_by_byte; i++)
        if (bide_write(s, bytes + i, 1) < 0 || bide_drain(s) < 0 || bide_sleep_ms(1) < 0)
            return -1;
    return p->byte_by_byte ? 0 : bide_write(s, bytes, n) < 0 ? -1 : bide_drain(s);
}

static int say_text(bide_stream *s, struct proxy_server *p, const char *text)
{
    return say(s, p, text, strlen(text));
}

/* ---- HTTP ---- */

struct asked {
    char line[2048], auth[2048], fields[4096];
};

/* first: what was read of it already; 0: nothing. */
static int read_asked(bide_stream *s, struct asked *q, char first)
{
    const char *line;
    ssize_t n = bide_read_until(s, "\r\n", &line);

    if (n <= 0)
        return -1;
    snprintf(q->line, sizeof q->line, "%.1s%.*s", first ? &first : "", (int)n - 2, line);
    q->auth[0] = q->fields[0] = '\0';
    while ((n = bide_read_until(s, "\r\n", &line)) > 2) {
        if (strncasecmp(line, "Proxy-Authorization: ", 21) == 0)
            snprintf(q->auth, sizeof q->auth, "%.*s", (int)n - 23, line + 21);
        else
            strncat(q->fields, line, sizeof q->fields - strlen(q->fields) - 1);
    }
    return n == 2 ? 0 : -1;
}

static int pass_on(struct proxy_server *p, bide_stream *s, const struct asked *q)
{
    char method[16], host[256], path[1024], head[8192];
    int port = 80;

    if (sscanf(q->line, "%15s http://%255[^:/ ]:%d%1023s", method, host, &port, path) < 4)
        return -1;
    bide_auto bide_stream *to = bide_connect("127.0.0.1", port);
    int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\n%s\r\n", method, path, q->fields);
    if (!to || bide_write(to, head, (size_t)n) < 0 || bide_drain(to) < 0)
        return -1;
    (void)p;
    return relay(s, to);
}

static int serve_http(struct proxy_server *p, bide_stream *s, char first)
{
    static const char asks[] = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 3\r\n%s\r\nwho";
    struct asked q;
    char host[256], refusal[256];
    int port;

    for (; read_asked(s, &q, first) == 0; first = '\0') {
        note(p, "%s\n", q.line);
        if (q.auth[0])
            note(p, "auth %s\n", q.auth);
        if (p->basic && strcmp(p->basic, q.auth) != 0) {
            p->refusals++;
            snprintf(refusal, sizeof refusal, asks, p->closes ? "Connection: close\r\n" : "");
            if (say_text(s, p, refusal) < 0 || p->closes)
                return 0;
            continue;
        }
        if (sscanf(q.line, "CONNECT %255[^: ]:%d HTTP/1.1", host, &port) != 2)
            return pass_on(p, s, &q);
        bide_auto bide_stream *to = bide_connect("127.0.0.1", port);
        if (!to)
            return say_text(s, p, "HTTP/1.1 502 No\r\nContent-Length: 12\r\n\r\nnobody there");
        return say_text(s, p, "HTTP/1.1 200 Yes\r\n\r\n") < 0 ? -1 : relay(s, to);
    }
    return 0;
}

/* ---- SOCKS ---- */

static int read_text(bide_stream *s, char *out, size_t n)
{
    if (n > 0 && bide_read_exactly(s, out, n) < 0)
        return -1;
    out[n] = '\0';
    return 0;
}

static int login(struct proxy_server *p, bide_stream *s)
{
    char head[2], user[256], password[256], len;

    if (say(s, p, "\5\2", 2) < 0 || bide_read_exactly(s, head, 2) < 0 || read_text(s, user, (unsigned char)head[1]) < 0 ||
        bide_read_exactly(s, &len, 1) < 0 || read_text(s, password, (unsigned char)len) < 0)
        return -1;
    note(p, "user %s\n", user);
    bool fits = strcmp(user, p->user) == 0 && strcmp(password, p->password) == 0;
    return say(s, p, fits ? "\1\0" : "\1\1", 2) < 0 || !fits ? -1 : 0;
}

static int socks5(struct proxy_server *p, bide_stream *s)
{
    char head[256], host[256];
    unsigned char len = 4, port[2];

    if (bide_read_exactly(s, head, 1) < 0 || read_text(s, head + 1, (unsigned char)head[0]) < 0)
        return -1;
    if (p->user ? login(p, s) < 0 : say(s, p, "\5\0", 2) < 0)
        return -1;
    if (bide_read_exactly(s, head, 4) < 0 || (head[3] == 3 && bide_read_exactly(s, &len, 1) < 0) ||
        read_text(s, host, head[3] == 4 ? 16 : len) < 0 || bide_read_exactly(s, port, 2) < 0)
        return -1;
    note(p, head[3] == 3 ? "socks5 name %s\n" : "socks5 address\n%.0s", host);
    bide_auto bide_stream *to = bide_connect("127.0.0.1", port[0] << 8 | port[1]);
    if (!to)
        return say(s, p, "\5\5\0\1\0\0\0\0\0\0", 10);
    return say(s, p, "\5\0\0\1\0\0\0\0\0\0", 10) < 0 ? -1 : relay(s, to);
}

static int socks4a(struct proxy_server *p, bide_stream *s)
{
    unsigned char head[7];
    char user[256], host[256] = "";
    size_t n = 0;

    if (bide_read_exactly(s, head, 7) < 0)
        return -1;
    do
        if (bide_read_exactly(s, user + n, 1) < 0)
            return -1;
    while (user[n++]);
    for (n = 0; head[3] == 0 && head[6] != 0 && (n == 0 || host[n - 1]); n++)
        if (bide_read_exactly(s, host + n, 1) < 0)
            return -1;
    note(p, "socks4a %s\n", host);
    bide_auto bide_stream *to = bide_connect("127.0.0.1", head[1] << 8 | head[2]);
    return say(s, p, to ? "\0\x5a\0\0\0\0\0\0" : "\0\x5b\0\0\0\0\0\0", 8) < 0 || !to ? -1 : relay(s, to);
}

/* ---- its life ---- */

static int proxy_handle(bide_stream *s, void *arg)
{
    struct proxy_server *p = arg;
    char first;

    p->connections++;
    if (bide_read_exactly(s, &first, 1) < 0)
        return 0;
    if (first == 5)
        return socks5(p, s);
    if (first == 4)
        return socks4a(p, s);
    return serve_http(p, s, first);
}

static int proxy_run(struct proxy_server *p)
{
    return bide_serve(p->listener, proxy_handle, p);
}

UNUSED static void proxy_start(struct proxy_server *p)
{
    p->listener = bide_listen("127.0.0.1", 0, .tls = p->tls);
    EXPECT_NOT_NULL(p->listener);
    p->port = bide_listener_port(p->listener);
    p->task = bide_create_task(bide_coro(proxy_run, p));
    EXPECT_NOT_NULL(p->task);
}

UNUSED static void proxy_stop(struct proxy_server *p)
{
    bide_task_cancel(p->task);
    (void)!bide_await(p->task);
    bide_release(p->task);
    bide_release(p->listener);
}

/* "SCHEME://REST:PORT"; lasts for four more. */
UNUSED static const char *proxy_url(const struct proxy_server *p, const char *scheme, const char *user)
{
    static char urls[4][128];
    static int turn;
    char *url = urls[++turn % 4];

    snprintf(url, sizeof urls[0], "%s://%s127.0.0.1:%d", scheme, user, p->port);
    return url;
}

#endif
