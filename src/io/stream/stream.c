/* SPDX-License-Identifier: MIT */
/*
 * stream.c - connections: a chain of filters with a buffer on either side.
 *
 *     bide_read  <-  in  <-  top filter (TLS)  <-  socket filter  <-  kernel
 *     bide_write ->  out ->  top filter (TLS)  ->  socket filter  ->  kernel
 *
 * Here: the life of a stream, and its reading and writing without the buffers, as the protocols use it.  The buffers
 * exist only while there is something in them, so a quiet connection costs little more than this struct.
 *
 * Invariants:
 *   S1  while a task reads or writes, the stream has a share for it; when its last owner lets go, the socket is closed
 *       and those tasks get BIDE_ECLOSED.
 *   S2  the layers never suspend but in their handshake; the lowest waits for all of them, in bide__stream_wait.
 *   S3  a stream that a child has inherited from its parent sends and takes nothing, and is closed for the child alone.
 */
#include <unistd.h>

#include "io/stream/addr.h"
#include "io/stream/stream.h"

#define DEFAULT_MAX_BUFFER 65536

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
    bide__object_free(s);
}

/* What was written but not drained goes out if the kernel takes it at once; bide_drain makes sure. */
static void send_rest(bide_stream *s)
{
    struct iovec iov = {bide__buf_head(&s->out), bide__buf_len(&s->out)};

    if (iov.iov_len > 0 && !s->broken)
        s->top->ops->try_send(s->top, &iov, 1);
}

static void stream_release(void *object)
{
    bide_stream *s = object;
    unsigned busy = (unsigned)s->reading + (unsigned)s->writing;
    if (bide__release_is_refused(s->loop, "bide_release of a stream"))
        return;

    if (s->object.refs == 1 + busy) {
        if (!s->writing)
            send_rest(s);
        if (busy)
            bide__stream_abort(s);
    }
    bide__object_unref(s);
}

static const struct object_type stream_type = {.name = "stream", .destroy = stream_destroy, .release = stream_release};

static bide_stream *stream_new(const char *peer, size_t max_buffer)
{
    bide_stream *s = bide__object_zalloc(sizeof *s);
    if (!s) {
        bide__fail_nomem("a connection");
        return NULL;
    }
    bide__object_init(s, &stream_type);
    s->loop = bide__loop_here;
    bide__buf_init(&s->in, max_buffer ? max_buffer : DEFAULT_MAX_BUFFER);
    bide__buf_init(&s->out, STREAM_WRITE_SIZE);
    strncpy(s->peer, peer, sizeof s->peer - 1);
    return s;
}

static void set_lowest(bide_stream *s, struct filter *f)
{
    f->stream = s;
    s->lowest = s->top = f;
}

bide_stream *bide__stream_open_socket(int socket, const char *peer, size_t max_buffer)
{
    bide_stream *s = stream_new(peer, max_buffer);
    if (!s || bide__fd_open(&s->socket.fd, socket) < 0) {
        if (s)
            bide__object_free(s);
        return NULL;
    }
    s->socket.filter.ops = &bide__socket_filter_ops;
    set_lowest(s, &s->socket.filter);
    return s;
}

bide_stream *bide__stream_from_socket(int socket, const char *peer, size_t max_buffer)
{
    bide_stream *s = bide__stream_open_socket(socket, peer, max_buffer);

    if (!s)
        close(socket);
    return s;
}

bide_stream *bide__stream_over(struct filter *lowest, const char *peer, size_t max_buffer)
{
    bide_stream *s = stream_new(peer, max_buffer);

    if (s)
        set_lowest(s, lowest);
    return s;
}

void bide__stream_push_filter(bide_stream *s, struct filter *f)
{
    f->below = s->top;
    f->stream = s;
    s->top = f;
}

/* ---- using it ---- */

const char *bide__stream_peer_text(const bide_stream *s)
{
    return strcmp(s->peer, "unix:") == 0 ? "a Unix socket" : s->peer;
}

int bide__stream_begin(bide_stream *s, bool *busy, const char *function, const char *doing)
{
    int code = bide__check_waiter(s->loop, function);
    if (code < 0)
        return code;
    if (*busy)
        return bide_fail(BIDE_ESTATE, "%s %s: another task does that already", doing, bide__stream_peer_text(s));
    *busy = true;
    bide_retain(s);
    return 0;
}

void bide__stream_end(bide_stream *s, bool *busy)
{
    *busy = false;
    bide__object_unref(s);
}

int bide__stream_fail(const bide_stream *s, int code, const char *doing)
{
    return bide_fail(code, "%s %s: %s", doing, bide__stream_peer_text(s), bide_strerror(code));
}

/* An operation of the top filter failed.  TLS has put on record why; the socket leaves that to us. */
int bide__stream_op_failed(const bide_stream *s, int code, const char *doing)
{
    return s->top->below ? code : bide__stream_fail(s, code, doing);
}

/* What a layer was asked for and what it is stuck in may differ: a handshake that reads has to write, too. */
int bide__stream_wait(bide_stream *s, unsigned side, struct flow *flow)
{
    for (const struct filter *f = s->top; f->below; f = f->below)
        side = f->wants_write ? FLOW_OUT : FLOW_IN;
    return s->lowest->ops->wait(s->lowest, side, flow);
}

static ssize_t try_splice(bide_stream *s, int pipe, size_t cap)
{
    ssize_t n = s->top->ops->try_splice(s->top, pipe, cap);

    s->bytes_in += n > 0 ? (uint64_t)n : 0;
    return n;
}

/* A write that failed has taken the reason from the socket: what was cut off must not look like an end. */
static ssize_t at_end(const bide_stream *s)
{
    return s->lost == -ECONNRESET && !s->top->below ? bide__stream_fail(s, s->lost, "reading from") : 0;
}

/* Into `out`, or if that is NULL into the pipe. */
static inline __attribute__((always_inline)) ssize_t receive(bide_stream *s, void *out, int pipe, size_t cap, struct flow *flow)
{
    for (;;) {
        int code = bide__stream_yield_if_over_budget(s);
        if (code == 0 && flow)
            code = bide__flow_check_deadline(s->loop, flow);
        if (code < 0)
            return code;
        ssize_t n = out ? bide__stream_try_recv(s, out, cap) : try_splice(s, pipe, cap);
        if (n > 0)
            return n;
        if (n == 0)
            return at_end(s);
        if (n != -EAGAIN)
            return bide__stream_op_failed(s, (int)n, "reading from");
        code = flow ? bide__stream_wait(s, FLOW_IN, flow) : bide__stream_wait_for_more(s);
        if (code < 0)
            return code;
    }
}

ssize_t bide__stream_try_send_file(bide_stream *s, int file, off_t offset, size_t len)
{
    ssize_t sent = s->lowest->ops->try_send_file(s->lowest, file, offset, len);

    s->bytes_out += sent > 0 ? (uint64_t)sent : 0;
    return sent;
}

ssize_t bide__stream_recv(bide_stream *s, void *out, size_t cap, struct flow *flow)
{
    return receive(s, out, -1, cap, flow);
}

ssize_t bide__stream_splice(bide_stream *s, int pipe, size_t cap, struct flow *flow)
{
    return receive(s, NULL, pipe, cap, flow);
}

int bide__iov_skip(struct iovec **iov, int n, size_t sent)
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

int bide__stream_send_all(bide_stream *s, struct iovec *iov, int n, struct flow *flow)
{
    int code = 0;

    n = bide__iov_skip(&iov, n, 0); /* pieces that are empty */
    while (n > 0 && (code = bide__stream_yield_if_over_budget(s)) == 0) {
        ssize_t sent = bide__stream_try_send(s, iov, n);
        if (sent >= 0)
            n = bide__iov_skip(&iov, n, (size_t)sent);
        else if (sent != -EAGAIN)
            return bide__stream_op_failed(s, (int)sent, "writing to");
        else if ((code = bide__stream_wait(s, FLOW_OUT, flow)) < 0)
            return code;
    }
    return code;
}

/* ---- waiting, for those who try by themselves ---- */

/* What has come already and is not read now must not end the wait at once. */
int bide__stream_wait_either(bide_stream *s, struct flow *flow)
{
    struct filter *f = s->lowest;

    return f->ops->wait(f, f->ops->may_recv(f) ? FLOW_OUT : FLOW_IN | FLOW_OUT, flow);
}

size_t bide__stream_queued(const bide_stream *s)
{
    return s->lowest->ops->queued(s->lowest);
}

int bide__stream_handshake(bide_stream *s, struct flow *flow)
{
    return s->top->ops->handshake ? s->top->ops->handshake(s->top, flow) : 0;
}

bool bide__stream_was_cut(const bide_stream *s)
{
    return s->top->was_cut;
}

void bide__stream_abort(bide_stream *s)
{
    s->aborted = true;
    s->lowest->ops->abort(s->lowest);
}

/* ---- a connection that nobody uses ---- */

bool bide__stream_hung_up(const bide_stream *s)
{
    return !s->lowest->ops->is_alive(s->lowest, false);
}

void bide__stream_watch(bide_stream *s, struct clause *c)
{
    s->lowest->ops->watch(s->lowest, c);
}

void bide__stream_rest(bide_stream *s)
{
    for (struct filter *f = s->top; f; f = f->below)
        if (f->ops->rest)
            f->ops->rest(f);
}

/* Something has come.  TLS takes what is its own (session tickets); a byte for us, or the end, means it is of no use. */
static bool only_filters_were_meant(bide_stream *s)
{
    struct error_mark mark;
    bide__error_mark(&mark);
    char byte;
    ssize_t n = s->top->ops->try_recv(s->top, &byte, 1);

    bide__error_restore(&mark);
    return n == -EAGAIN;
}

unchecked_frame never_indirect bool bide__stream_is_alive(bide_stream *s, bool probe)
{
    if (bide__buf_len(&s->in) > 0 || !s->lowest->ops->is_alive(s->lowest, probe))
        return false;
    return !bide__stream_may_recv(s) || only_filters_were_meant(s);
}

/* ---- looking ---- */

const char *bide_stream_peer(const bide_stream *s)
{
    if (bide__is_null(s, __func__, "the stream"))
        return NULL;
    return s->peer;
}

void bide__stream_local(const bide_stream *s, char *out, size_t cap)
{
    struct addr a = {.len = sizeof a.storage};

    out[0] = '\0';
    if (s->lowest == &s->socket.filter && getsockname(s->socket.fd.fd, &a.sa, &a.len) == 0 &&
        (a.sa.sa_family == AF_INET || a.sa.sa_family == AF_INET6))
        bide__addr_format(&a, out, cap);
}

const char *bide_stream_alpn(const bide_stream *s)
{
    if (bide__is_null(s, __func__, "the stream"))
        return NULL;
    return s->alpn;
}
