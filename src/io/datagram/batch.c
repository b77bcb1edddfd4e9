/* SPDX-License-Identifier: MIT */
/* batch.c - many datagrams with one system call. */
#include "io/datagram/datagram.h"

#define BATCH_MAX 32 /* of one system call: what lies on the stack for it */

struct batch {
    struct mmsghdr headers[BATCH_MAX];
    struct iovec pieces[BATCH_MAX];
    struct addr addresses[BATCH_MAX];
};

static int check_messages(const bide_message *messages, int n, const char *function)
{
    if (n < 1)
        return bide_fail(-EINVAL, "%s: %d datagrams are none", function, n);
    return bide__is_null(messages, function, "the messages") ? -EINVAL : 0;
}

/* ---- receiving ---- */

static int receive_batch(bide_datagram *d, struct batch *b, bide_message *messages, int n)
{
    for (int i = 0; i < n; i++) {
        b->pieces[i] = (struct iovec){messages[i].data, messages[i].cap};
        b->headers[i].msg_hdr = (struct msghdr){.msg_name = &b->addresses[i].storage,
                                                .msg_namelen = sizeof b->addresses[i].storage,
                                                .msg_iov = &b->pieces[i],
                                                .msg_iovlen = 1};
    }
    int got;
    do
        got = recvmmsg(d->fd.fd, b->headers, (unsigned)n, MSG_TRUNC, NULL);
    while (got < 0 && errno == EINTR);
    for (int i = 0; i < got; i++) {
        messages[i].len = b->headers[i].msg_len;
        b->addresses[i].len = b->headers[i].msg_hdr.msg_namelen;
        bide__address_of(&messages[i].address, &b->addresses[i]);
        bide__fd_spend(&d->fd, messages[i].len);
    }
    return got < 0 ? -errno : got;
}

static int try_receive(bide_datagram *d, bide_message *messages, int n)
{
    struct batch b;
    int code = bide__datagram_check_open(d, "receiving at");
    if (code < 0)
        return code;
    if (!d->fd.readable)
        return -EAGAIN;

    n = n < BATCH_MAX ? n : BATCH_MAX;
    code = receive_batch(d, &b, messages, n);
    if (code == -EAGAIN || (code > 0 && code < n && !d->has_errors)) /* an error may have ended it, too */
        d->fd.readable = false;
    return code >= 0 || code == -EAGAIN ? code : bide__datagram_fail(d, code, "receiving at", NULL);
}

int bide_datagram_receive_many(bide_datagram *d, bide_message *messages, int n)
{
    int got, code = check_messages(messages, n, __func__);
    if (code == 0)
        code = bide__datagram_begin(d, __func__);
    if (code < 0)
        return code;

    do {
        code = bide__fd_yield_if_over_budget(&d->fd);
        got = code < 0 ? code : try_receive(d, messages, n);
        if (got == -EAGAIN)
            code = bide__fd_wait_readable(&d->fd);
    } while (got == -EAGAIN && code == 0);
    bide__datagram_end(d);
    return code < 0 ? code : got;
}

/* ---- sending ---- */

static int send_batch(bide_datagram *d, struct batch *b, const bide_message *messages, int n)
{
    for (int i = 0; i < n; i++) {
        bool is_to_peer = !bide__address_take(&b->addresses[i], &messages[i].address);
        b->pieces[i] = (struct iovec){messages[i].data, messages[i].len};
        b->headers[i].msg_hdr = (struct msghdr){.msg_name = is_to_peer ? NULL : &b->addresses[i].storage,
                                                .msg_namelen = b->addresses[i].len,
                                                .msg_iov = &b->pieces[i],
                                                .msg_iovlen = 1};
    }
    int sent;
    do
        sent = sendmmsg(d->fd.fd, b->headers, (unsigned)n, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    for (int i = 0; i < sent; i++)
        bide__fd_spend(&d->fd, messages[i].len);
    return sent < 0 ? -errno : sent;
}

static int try_send(bide_datagram *d, const bide_message *messages, int n)
{
    struct batch b;
    int code = bide__datagram_check_open(d, "sending from");
    if (code < 0)
        return code;
    if (!d->fd.writable)
        return -EAGAIN;

    code = send_batch(d, &b, messages, n < BATCH_MAX ? n : BATCH_MAX);
    if (code == -EAGAIN)
        d->fd.writable = false;
    return code >= 0 || code == -EAGAIN ? code : bide__datagram_fail(d, code, "sending from", &b.addresses[0]);
}

/* An error behind some that were sent is left for the next call, so the record stays as it was. */
static int send_all(bide_datagram *d, const bide_message *messages, int n)
{
    int done = 0, code = 0;

    while (done < n && code >= 0) {
        code = bide__fd_yield_if_over_budget(&d->fd);
        if (code == 0)
            code = try_send(d, messages + done, n - done);
        done += code > 0 ? code : 0;
        if (code == -EAGAIN)
            code = bide__fd_wait_writable(&d->fd);
    }
    return done > 0 ? done : code;
}

int bide_datagram_send_many(bide_datagram *d, const bide_message *messages, int n)
{
    struct error_mark mark;
    int code = check_messages(messages, n, __func__);
    if (code == 0)
        code = bide__datagram_begin(d, __func__);
    if (code < 0)
        return code;

    bide__error_mark(&mark);
    code = send_all(d, messages, n);
    bide__error_end(&mark, code);
    bide__datagram_end(d);
    return code;
}
