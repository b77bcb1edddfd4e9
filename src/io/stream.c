/* SPDX-License-Identifier: MIT */
/*
 * stream.c - connections: a chain of filters with a buffer on either side.
 *
 *     bide_read  <-  in  <-  top filter (TLS)  <-  socket filter  <-  kernel
 *     bide_write ->  out ->  top filter (TLS)  ->  socket filter  ->  kernel
 *
 * Reading is tried only when the kernel has said that there is something, writing at once.  A read that gets less than
 * it asked for has emptied the socket, so the next one waits for the next edge: no call is made just to see EAGAIN.
 */
#include <stdio.h>
#include <unistd.h>

#include "io/io.h"

#define READ_SIZE 16384
#define WRITE_SIZE 16384
#define DEFAULT_MAX_BUFFER 65536

/* ---- the socket filter ---- */

static bide_stream *stream_of(const struct filter *f)
{
    return container_of(f, bide_stream, socket);
}

static ssize_t socket_recv(struct filter *f, void *out, size_t cap)
{
    struct fd *fd = &stream_of(f)->fd;
    if (!fd->readable)
        return -EAGAIN;

    ssize_t n;
    do
        n = recv(fd->fd, out, cap, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        n = -errno;
    /* Emptied, and the next bytes will raise an edge; but the end of a closed one raised its edge already. */
    if (n == -EAGAIN || (n > 0 && (size_t)n < cap && !fd->hangup))
        fd->readable = false;
    return n;
}

static ssize_t socket_send(struct filter *f, const struct iovec *iov, int n)
{
    struct fd *fd = &stream_of(f)->fd;
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
    if (!fd->writable)
        return -EAGAIN;

    ssize_t sent;
    do
        sent = sendmsg(fd->fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        sent = -errno;
    if (sent == -EAGAIN)
        fd->writable = false;
    return sent;
}

static bool socket_has_pending(const struct filter *f)
{
    (void)f;
    return false;
}

static int socket_shutdown(struct filter *f)
{
    return shutdown(stream_of(f)->fd.fd, SHUT_WR) < 0 ? -errno : 0;
}

static void socket_close(struct filter *f)
{
    bide__fd_close(&stream_of(f)->fd);
}

static const struct filter_ops socket_ops = {.recv = socket_recv,
                                             .send = socket_send,
                                             .has_pending = socket_has_pending,
                                             .shutdown = socket_shutdown,
                                             .close = socket_close};

/* ---- life ---- */

static void stream_destroy(void *object)
{
    bide_stream *s = object;

    for (struct filter *f = s->top, *below; f; f = below) {
        below = f->below;
        f->ops->close(f);
    }
    bide__buf_free(&s->in);
    bide__buf_free(&s->out);
    bide__free(s->line);
    bide__free(s);
}

/* What was written but not drained goes out if the kernel takes it at once; whoever needs certainty drains. */
static void stream_release(void *object)
{
    bide_stream *s = object;

    if (s->object.refs == 1 && bide__buf_len(&s->out) > 0 && bide__fd_is_open(&s->fd)) {
        struct iovec iov = {bide__buf_head(&s->out), bide__buf_len(&s->out)};
        s->top->ops->send(s->top, &iov, 1);
    }
    bide__object_unref(s);
}

static const struct object_type stream_type = {.name = "stream", .destroy = stream_destroy, .release = stream_release};

bide_stream *bide__stream_from_socket(int socket, const char *peer, size_t max_buffer)
{
    bide_stream *s = bide__calloc(1, sizeof *s);
    if (!s) {
        close(socket);
        bide__fail_nomem("a connection");
        return NULL;
    }
    bide__object_init(s, &stream_type);
    if (bide__fd_open(&s->fd, socket) < 0) {
        close(socket);
        bide__free(s);
        return NULL;
    }
    s->socket.ops = &socket_ops;
    s->top = &s->socket;
    bide__buf_init(&s->in, max_buffer ? max_buffer : DEFAULT_MAX_BUFFER);
    bide__buf_init(&s->out, WRITE_SIZE);
    snprintf(s->peer, sizeof s->peer, "%s", peer);
    return s;
}

void bide__stream_push_filter(bide_stream *s, struct filter *f)
{
    f->below = s->top;
    s->top = f;
}

/* ---- waiting for the chain ---- */

int bide__stream_wait(bide_stream *s, const struct filter *f, bool for_write)
{
    return for_write || f->wants_write ? bide__fd_wait_writable(&s->fd) : bide__fd_wait_readable(&s->fd);
}

/* Codes of our own have their story on record already; an errno from the socket gets it here. */
static int stream_fail(const bide_stream *s, int code, const char *doing)
{
    if (bide_error_code() == code && !bide__error_current()->was_read)
        return code;
    return bide_fail(code, "%s %s: %s", doing, s->peer, bide_strerror(code));
}

ssize_t bide__stream_recv(bide_stream *s, void *out, size_t cap)
{
    for (;;) {
        if (!bide__fd_is_open(&s->fd))
            return bide_fail(BIDE_ECLOSED, "reading from %s: the connection is closed", s->peer);
        ssize_t n = s->top->ops->recv(s->top, out, cap);
        if (n > 0)
            s->bytes_in += (size_t)n;
        if (n >= 0)
            return n;
        if (n != -EAGAIN)
            return stream_fail(s, (int)n, "reading from");
        int code = bide__stream_wait(s, s->top, false);
        if (code < 0)
            return code;
    }
}

/* Drop the first `sent` bytes; returns how many pieces are left. */
static int skip_sent(struct iovec **iov, int n, size_t sent)
{
    while (n > 0 && sent >= (*iov)->iov_len) {
        sent -= (*iov)->iov_len;
        (*iov)++;
        n--;
    }
    if (n > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + sent;
        (*iov)->iov_len -= sent;
    }
    return n;
}

int bide__stream_send_all(bide_stream *s, struct iovec *iov, int n)
{
    while (n > 0) {
        if (!bide__fd_is_open(&s->fd))
            return bide_fail(BIDE_ECLOSED, "writing to %s: the connection is closed", s->peer);
        ssize_t sent = s->top->ops->send(s->top, iov, n);
        if (sent >= 0) {
            s->bytes_out += (size_t)sent;
            n = skip_sent(&iov, n, (size_t)sent);
            continue;
        }
        if (sent != -EAGAIN)
            return stream_fail(s, (int)sent, "writing to");
        int code = bide__stream_wait(s, s->top, !s->top->below || s->top->wants_write);
        if (code < 0)
            return code;
    }
    return 0;
}

int bide__stream_check_idle(bide_stream *s, bool probe)
{
    char byte;

    if (s->fd.readable || s->fd.hangup || bide__buf_len(&s->in) > 0 || s->top->ops->has_pending(s->top)) {
        ssize_t n = s->top->ops->recv(s->top, &byte, 1); /* TLS takes its tickets here */
        return n == -EAGAIN && !s->fd.hangup ? 0 : BIDE_ECLOSED;
    }
    if (!probe)
        return 0;
    ssize_t n = recv(s->fd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return 0;
    s->fd.readable = true;
    return n > 0 && s->top->below ? bide__stream_check_idle(s, false) : BIDE_ECLOSED;
}

/* ---- reading ---- */

static int begin(bool *busy, const bide_stream *s, const char *what)
{
    if (*busy)
        return bide_fail(BIDE_ESTATE, "%s: another task is %s %s", what, what, s->peer);
    *busy = true;
    return 0;
}

static int flush(bide_stream *s)
{
    while (bide__buf_len(&s->out) > 0) {
        struct iovec iov = {bide__buf_head(&s->out), bide__buf_len(&s->out)};
        size_t len = iov.iov_len;
        int code = bide__stream_send_all(s, &iov, 1);
        if (code < 0)
            return code;
        bide__buf_consume(&s->out, len);
    }
    return 0;
}

/* More into the buffer, at least one byte: 1; 0 at the end. */
static ssize_t fill(bide_stream *s)
{
    size_t room = s->in.max - bide__buf_len(&s->in);
    char *tail = bide__buf_reserve(&s->in, room < READ_SIZE ? room : READ_SIZE);
    if (!tail)
        return bide_error_code();
    if (!s->writing && bide__buf_len(&s->out) > 0) {
        int code = flush(s);
        if (code < 0)
            return code;
    }
    ssize_t n = bide__stream_recv(s, tail, s->in.cap - s->in.end);
    if (n > 0)
        bide__buf_commit(&s->in, (size_t)n);
    return n;
}

static size_t take(bide_stream *s, void *out, size_t cap)
{
    size_t n = bide__buf_len(&s->in) < cap ? bide__buf_len(&s->in) : cap;

    memcpy(out, bide__buf_head(&s->in), n);
    bide__buf_consume(&s->in, n);
    return n;
}

static ssize_t read_some(bide_stream *s, void *out, size_t cap)
{
    if (bide__buf_len(&s->in) > 0 || cap == 0)
        return (ssize_t)take(s, out, cap);
    if (cap >= READ_SIZE) { /* straight into the caller's memory */
        int code = s->writing ? 0 : flush(s);
        return code < 0 ? code : bide__stream_recv(s, out, cap);
    }
    ssize_t n = fill(s);
    return n > 0 ? (ssize_t)take(s, out, cap) : n;
}

ssize_t bide_read(bide_stream *s, void *out, size_t cap)
{
    int code = begin(&s->reading, s, "reading from");
    if (code < 0)
        return code;

    bide_retain(s);
    ssize_t n = read_some(s, out, cap);
    s->reading = false;
    bide__object_unref(s);
    return n;
}

/* Collect until the buffer has n bytes. */
static ssize_t collect(bide_stream *s, size_t n)
{
    while (bide__buf_len(&s->in) < n) {
        ssize_t got = fill(s);
        if (got < 0)
            return got;
        if (got == 0)
            return bide_fail(BIDE_EEOF, "reading from %s: the stream ended after %zu of %zu bytes", s->peer,
                             bide__buf_len(&s->in), n);
    }
    return (ssize_t)n;
}

static ssize_t read_exactly(bide_stream *s, char *out, size_t n)
{
    size_t done = 0;

    /* All but the last buffer's worth goes straight through; what is left is collected, so that an early end of a
       small record loses nothing. */
    while (n - done > s->in.max) {
        ssize_t got = read_some(s, out + done, n - done);
        if (got <= 0)
            return got < 0 ? got : bide_fail(BIDE_EEOF, "reading from %s: the stream ended after %zu of %zu bytes",
                                             s->peer, done, n);
        done += (size_t)got;
    }
    ssize_t got = collect(s, n - done);
    if (got < 0)
        return got;
    take(s, out + done, n - done);
    return (ssize_t)n;
}

ssize_t bide_read_exactly(bide_stream *s, void *out, size_t n)
{
    int code = begin(&s->reading, s, "reading from");
    if (code < 0)
        return code;

    bide_retain(s);
    ssize_t r = read_exactly(s, out, n);
    s->reading = false;
    bide__object_unref(s);
    return r;
}

/* The line is copied out, for its NUL. */
static ssize_t read_until(bide_stream *s, const char *separator, const char **line)
{
    size_t sep = strlen(separator), scanned = 0;

    for (;;) {
        size_t len = bide__buf_len(&s->in);
        char *head = bide__buf_head(&s->in);
        char *at = len >= sep ? memmem(head + scanned, len - scanned, separator, sep) : NULL;
        if (at) {
            size_t n = (size_t)(at - head) + sep;
            char *copy = bide__realloc(s->line, n + 1);
            if (!copy)
                return bide__fail_nomem("bide_read_until");
            s->line = copy;
            take(s, copy, n);
            copy[n] = '\0';
            *line = copy;
            return (ssize_t)n;
        }
        scanned = len >= sep ? len - sep + 1 : 0;
        if (len == s->in.max)
            return bide_fail(BIDE_ELIMIT, "reading from %s: no separator within %zu bytes", s->peer, len);
        ssize_t got = fill(s);
        if (got < 0)
            return got;
        if (got == 0)
            return bide_fail(BIDE_EEOF, "reading from %s: the stream ended before the separator", s->peer);
    }
}

ssize_t bide_read_until(bide_stream *s, const char *separator, const char **line)
{
    int code = separator[0] ? begin(&s->reading, s, "reading from")
                            : bide_fail(-EINVAL, "bide_read_until: the separator is empty");
    if (code < 0)
        return code;

    bide_retain(s);
    ssize_t r = read_until(s, separator, line);
    s->reading = false;
    bide__object_unref(s);
    return r;
}

/* ---- writing ---- */

static int write_some(bide_stream *s, const void *data, size_t len)
{
    if (bide__buf_len(&s->out) + len <= WRITE_SIZE)
        return bide__buf_append(&s->out, data, len);

    struct iovec iov[] = {{bide__buf_head(&s->out), bide__buf_len(&s->out)}, {(void *)(uintptr_t)data, len}};
    int code = s->out.data ? bide__stream_send_all(s, iov, 2) : bide__stream_send_all(s, iov + 1, 1);
    bide__buf_consume(&s->out, bide__buf_len(&s->out));
    return code;
}

static int write_op(bide_stream *s, int (*op)(bide_stream *s, const void *data, size_t len), const void *data, size_t len)
{
    int code = begin(&s->writing, s, "writing to");
    if (code < 0)
        return code;

    bide_retain(s);
    code = op(s, data, len);
    s->writing = false;
    bide__object_unref(s);
    return code;
}

int bide_write(bide_stream *s, const void *data, size_t len)
{
    return write_op(s, write_some, data, len);
}

static int drain_op(bide_stream *s, const void *data, size_t len)
{
    (void)data;
    (void)len;
    return flush(s);
}

int bide_drain(bide_stream *s)
{
    return write_op(s, drain_op, NULL, 0);
}

static int shutdown_op(bide_stream *s, const void *data, size_t len)
{
    (void)data;
    (void)len;
    int code = flush(s);
    if (code < 0)
        return code;
    code = s->top->ops->shutdown(s->top);
    return code < 0 ? stream_fail(s, code, "ending the writing to") : 0;
}

int bide_stream_shutdown(bide_stream *s)
{
    return write_op(s, shutdown_op, NULL, 0);
}

/* ---- looking ---- */

const char *bide_stream_peer(const bide_stream *s)
{
    return s->peer;
}

const char *bide_stream_alpn(const bide_stream *s)
{
    return s->alpn;
}
