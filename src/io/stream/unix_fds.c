/* SPDX-License-Identifier: MIT */
/*
 * unix_fds.c - over Unix sockets: descriptors, and who the peer is.
 *
 * Descriptors travel with a byte: those of one sendmsg() arrive with its first, and a recvmsg() ends at the next such byte.  What
 * the kernel hands out is counted against us at once, so on every way out it is the caller's or closed.
 */
#include <sys/socket.h>
#include <unistd.h>

#include <bide/socket.h>

#include "io/stream/stream.h"

/* Room for one more than the kernel passes, so that all can be closed that come. */
#define CONTROL_SIZE CMSG_SPACE((BIDE_FDS_MAX + 1) * sizeof(int))

union control {
    struct cmsghdr align;
    char bytes[CONTROL_SIZE];
};

/* The descriptor of a Unix socket that nothing stands on; or an error on record. */
static int unix_socket(const bide_stream *s, const char *function)
{
    int fd = bide__stream_socket(s, function), family = 0;
    socklen_t len = sizeof family;
    if (fd < 0)
        return fd;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0 || family != AF_UNIX || s->top != s->lowest)
        return bide_fail(-EOPNOTSUPP, "%s: %s is no plain Unix socket", function, bide__stream_peer_text(s));
    return fd;
}

/* ---- sending ---- */

static void put_fds(struct msghdr *msg, union control *control, const int *fds, int n)
{
    msg->msg_control = control->bytes;
    msg->msg_controllen = CMSG_SPACE((size_t)n * sizeof *fds);
    memset(control->bytes, 0, msg->msg_controllen);
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof *fds);
    memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof *fds);
}

/* One message with them: how many bytes went, at least one; or an error on record. */
static ssize_t send_message(bide_stream *s, const void *data, size_t len, const int *fds, int n)
{
    struct fd *fd = &s->socket.fd;
    union control control;
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    put_fds(&msg, &control, fds, n);
    for (;;) {
        int code = bide__fd_wait_writable(fd);
        if (code < 0)
            return code;
        ssize_t sent = sendmsg(fd->fd, &msg, MSG_NOSIGNAL);
        if (sent > 0)
            return sent;
        if (errno == EAGAIN)
            fd->writable = false;
        else if (errno != EINTR)
            return bide__stream_fail(s, -errno, "sending descriptors to");
    }
}

static int send_fds(bide_stream *s, const void *data, size_t len, const int *fds, int n)
{
    int code = bide__stream_check_writing(s);
    if (code == 0)
        code = bide__stream_flush(s);
    ssize_t sent = code < 0 ? code : send_message(s, data, len, fds, n);
    if (sent < 0)
        return (int)sent;

    s->bytes_out += (uint64_t)sent;
    struct iovec rest = {(char *)(uintptr_t)data + sent, len - (size_t)sent};
    code = bide__stream_send_all(s, &rest, 1, NULL);
    if (code < 0)
        bide__stream_break_off(s);
    return code;
}

int bide_stream_send_fds(bide_stream *s, const void *data, size_t len, const int *fds, int n)
{
    int code = unix_socket(s, __func__);
    if (code < 0)
        return code;
    if (!data || len == 0 || !fds || n < 1 || n > BIDE_FDS_MAX)
        return bide_fail(-EINVAL, "bide_stream_send_fds: %zu bytes with %d descriptors cannot be sent", len, n);
    code = bide__stream_begin(s, &s->writing, __func__, "writing to");
    if (code < 0)
        return code;

    code = send_fds(s, data, len, fds, n);
    bide__stream_end(s, &s->writing);
    return code;
}

/* ---- receiving ---- */

static void close_all(const int *fds, int n)
{
    for (int i = 0; i < n; i++)
        close(fds[i]);
}

/* All that came, into `all`: how many. */
static int take_fds(struct msghdr *msg, int all[BIDE_FDS_MAX + 1])
{
    int n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        int its = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < its; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof fd, sizeof fd);
            if (n <= BIDE_FDS_MAX)
                all[n++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

struct receiving {
    void *out;
    size_t cap;
    int *fds, max, n;
};

/* One try: bytes and descriptors; -EAGAIN; or an error on record, and nothing is left open. */
static ssize_t try_message(bide_stream *s, struct receiving *r)
{
    struct fd *fd = &s->socket.fd;
    union control control;
    int all[BIDE_FDS_MAX + 1];
    struct iovec iov = {r->out, r->cap};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};

    ssize_t len = recvmsg(fd->fd, &msg, MSG_CMSG_CLOEXEC);
    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? -errno : bide__stream_fail(s, -errno, "reading from");
    int n = take_fds(&msg, all);
    if (n > r->max || msg.msg_flags & MSG_CTRUNC) {
        close_all(all, n);
        return bide_fail(BIDE_ELIMIT, "reading from %s: %s", bide__stream_peer_text(s),
                         n > r->max ? "more descriptors came than were asked for" : "there is no room for the descriptors that came");
    }
    memcpy(r->fds, all, (size_t)n * sizeof *all);
    r->n = n;
    s->bytes_in += (uint64_t)len;
    return len;
}

static ssize_t receive_fds(bide_stream *s, struct receiving *r)
{
    struct fd *fd = &s->socket.fd;
    size_t buffered = bide__buf_len(&s->in);
    if (buffered > 0) { /* read ahead by another call: no descriptor came with these */
        size_t n = buffered < r->cap ? buffered : r->cap;
        memcpy(r->out, bide__buf_head(&s->in), n);
        bide__buf_consume(&s->in, n);
        return (ssize_t)n;
    }
    int code = bide__stream_before_reading(s);
    while (code == 0) {
        ssize_t n = bide__fd_is_open(fd) ? try_message(s, r) : bide__stream_fail(s, BIDE_ECLOSED, "reading from");
        if (n != -EAGAIN && n != -EINTR)
            return n;
        if (n == -EAGAIN)
            fd->readable = false;
        code = bide__stream_wait_for_more(s);
    }
    return code;
}

ssize_t bide_stream_receive_fds(bide_stream *s, void *out, size_t cap, int *fds, int max, int *n)
{
    struct receiving r = {.out = out, .cap = cap, .fds = fds, .max = max};
    if (n)
        *n = 0;
    int code = unix_socket(s, __func__);
    if (code < 0)
        return code;
    if (!out || cap == 0 || !n || max < 0 || max > BIDE_FDS_MAX || (max > 0 && !fds))
        return bide_fail(-EINVAL, "bide_stream_receive_fds: no room for a byte, or for %d descriptors", max);
    code = bide__stream_begin(s, &s->reading, __func__, "reading from");
    if (code < 0)
        return code;

    ssize_t len = bide__stream_end_read(s, receive_fds(s, &r));
    *n = r.n;
    return len;
}

/* ---- who is there ---- */

int bide_stream_credentials(const bide_stream *s, bide_credentials *out)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int fd = bide__stream_socket(s, __func__), family = 0;
    socklen_t family_len = sizeof family;
    if (fd >= 0 && bide__is_null(out, __func__, "the place for them"))
        return -EINVAL;
    if (fd < 0)
        return fd;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_len) < 0 || family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return bide_fail(-EOPNOTSUPP, "bide_stream_credentials: %s is no Unix socket", bide__stream_peer_text(s));
    *out = (bide_credentials){.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
    return 0;
}
