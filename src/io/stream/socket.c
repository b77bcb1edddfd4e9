/* SPDX-License-Identifier: MIT */
/* socket.c - the socket under a stream: its addresses and options. */
#include <netinet/tcp.h>
#include <stdio.h>

#include <bide/socket.h>

#include "io/stream/addr.h"
#include "io/stream/stream.h"

int bide__stream_socket(const bide_stream *s, const char *function)
{
    if (bide__is_null(s, function, "the stream"))
        return -EINVAL;
    int code = bide__loop_check(s->loop, function);
    if (code < 0)
        return code;
    if (s->lowest != &s->socket.filter)
        return bide_fail(-ENOTSOCK, "%s: %s is no socket", function, bide__stream_peer_text(s));
    if (!bide__fd_is_open(&s->socket.fd))
        return bide_fail(BIDE_ECLOSED, "%s: the connection to %s was closed", function, bide__stream_peer_text(s));
    return s->socket.fd.fd;
}

static int failed(const char *function, const bide_stream *s)
{
    return bide_fail(-errno, "%s: %s: %s", function, bide__stream_peer_text(s), bide_strerror(-errno));
}

int bide_stream_addresses(const bide_stream *s, bide_address *local, bide_address *peer)
{
    struct addr a = {.len = sizeof a.storage}, b = {.len = sizeof b.storage};
    int fd = bide__stream_socket(s, __func__);
    if (fd < 0)
        return fd;
    if (getsockname(fd, &a.sa, &a.len) < 0 || (peer && getpeername(fd, &b.sa, &b.len) < 0))
        return failed(__func__, s);

    if (local)
        bide__address_of(local, &a);
    if (peer)
        bide__address_of(peer, &b);
    return 0;
}

int bide_stream_setsockopt(bide_stream *s, int level, int name, const void *value, size_t len)
{
    int fd = bide__stream_socket(s, __func__);
    if (fd >= 0 && bide__is_null(value, __func__, "the value"))
        return -EINVAL;
    if (fd < 0)
        return fd;
    return setsockopt(fd, level, name, value, (socklen_t)(len < INT32_MAX ? len : INT32_MAX)) < 0 ? failed(__func__, s) : 0;
}

int bide_stream_getsockopt(const bide_stream *s, int level, int name, void *value, size_t *len)
{
    int fd = bide__stream_socket(s, __func__);
    if (fd >= 0 && (bide__is_null(value, __func__, "the place for the value") || bide__is_null(len, __func__, "its length")))
        return -EINVAL;
    if (fd < 0)
        return fd;

    socklen_t n = (socklen_t)(*len < INT32_MAX ? *len : INT32_MAX);
    if (getsockopt(fd, level, name, value, &n) < 0)
        return failed(__func__, s);
    *len = n;
    return 0;
}

/* ---- by name ---- */

static int in_seconds(int64_t ms)
{
    int64_t s = (ms + 999) / 1000;

    return s > INT16_MAX ? INT16_MAX : (int)s; /* the kernel takes no more for keep-alive */
}

static int clamp(int64_t n)
{
    return n > INT32_MAX ? INT32_MAX : (int)n;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static int set_keepalive(int fd, const bide_socket_args *args)
{
    int code = args->keepalive_ms ? set(fd, SOL_SOCKET, SO_KEEPALIVE, args->keepalive_ms != BIDE_NONE) : 0;

    if (code == 0 && args->keepalive_ms > 0)
        code = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, in_seconds(args->keepalive_ms));
    if (code == 0 && args->keepalive_interval_ms > 0)
        code = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, in_seconds(args->keepalive_interval_ms));
    if (code == 0 && args->keepalive_count > 0)
        code = set(fd, IPPROTO_TCP, TCP_KEEPCNT, args->keepalive_count < 127 ? args->keepalive_count : 127);
    return code;
}

/* A reset at the end is a linger of nothing. */
static int set_linger(int fd, int64_t ms)
{
    struct linger l = {.l_onoff = 1, .l_linger = ms == BIDE_NONE ? 0 : in_seconds(ms)};

    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l) < 0 ? -errno : 0;
}

static int set_all(int fd, const bide_socket_args *args)
{
    int code = set_keepalive(fd, args);

    if (code == 0 && args->user_timeout_ms > 0)
        code = set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, clamp(args->user_timeout_ms));
    if (code == 0 && args->linger_ms)
        code = set_linger(fd, args->linger_ms);
    if (code == 0 && args->receive_buffer > 0)
        code = set(fd, SOL_SOCKET, SO_RCVBUF, clamp((int64_t)args->receive_buffer));
    if (code == 0 && args->send_buffer > 0)
        code = set(fd, SOL_SOCKET, SO_SNDBUF, clamp((int64_t)args->send_buffer));
    if (code == 0 && args->nagle)
        code = set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
    return code;
}

static int check(const bide_socket_args *args)
{
    static const char function[] = "bide_stream_set_socket";

    if (bide__check_named(args->guard_, function) < 0 ||
        (args->keepalive_ms != BIDE_NONE && bide__check_time(function, "keepalive_ms", args->keepalive_ms, false) < 0) ||
        bide__check_time(function, "keepalive_interval_ms", args->keepalive_interval_ms, false) < 0 ||
        bide__check_number(function, "keepalive_count", args->keepalive_count, 0) < 0 ||
        bide__check_time(function, "user_timeout_ms", args->user_timeout_ms, false) < 0 ||
        (args->linger_ms != BIDE_NONE && bide__check_time(function, "linger_ms", args->linger_ms, false) < 0) ||
        bide__check_size(function, "receive_buffer", args->receive_buffer, 0) < 0 ||
        bide__check_size(function, "send_buffer", args->send_buffer, 0) < 0)
        return -EINVAL;
    return 0;
}

int bide_stream_set_socket_with(bide_stream *s, const bide_socket_args *options)
{
    bide_socket_args args;
    int code = bide__options_take(&args, sizeof args, options, "bide_stream_set_socket");
    if (code == 0)
        code = check(&args);
    int fd = code < 0 ? code : bide__stream_socket(s, "bide_stream_set_socket");
    if (fd < 0)
        return fd;

    code = set_all(fd, &args);
    return code < 0 ? bide_fail(code, "bide_stream_set_socket: %s: %s", bide__stream_peer_text(s), bide_strerror(code)) : 0;
}
