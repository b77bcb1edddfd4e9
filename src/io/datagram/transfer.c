/* SPDX-License-Identifier: MIT */
/*
 * transfer.c - one datagram in, one out.
 *
 * The kernel is asked until it says that there is none; the next one then raises an edge.  An error of ICMP is the result of
 * one call, and its address stands in the socket's queue of errors, from where it is taken for the text.
 */
#include "core/turn/operation.h"
#include "io/datagram/datagram.h"

/* ---- errors of ICMP ---- */

/* Where the datagram went that an error is about; all of the queue is taken, for it is as long as the peer likes. */
static void take_errors(int fd, struct addr *about)
{
    struct msghdr msg = {.msg_name = &about->storage, .msg_namelen = sizeof about->storage};

    about->len = 0;
    while (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
        about->len = msg.msg_namelen;
        msg.msg_namelen = sizeof about->storage;
    }
}

int bide__datagram_fail(const bide_datagram *d, int code, const char *doing, const struct addr *to)
{
    char text[INET6_ADDRSTRLEN + 16];
    struct addr about = {.len = 0};

    if (d->has_errors)
        take_errors(d->fd.fd, &about);
    if (about.len == 0 && to)
        about = *to;
    if (about.len == 0)
        return bide_fail(code, "%s %s: %s", doing, d->where, bide_strerror(code));
    bide__addr_format(&about, text, sizeof text);
    return bide_fail(code, "%s %s: %s: %s", doing, d->where, text, bide_strerror(code));
}

/* ---- receiving ---- */

/* One try: the length, -EAGAIN, or an error on record. */
static ssize_t try_receive(bide_datagram *d, void *out, size_t cap, bide_address *from)
{
    struct addr sender = {.len = sizeof sender.storage};
    int code = bide__datagram_check_open(d, "receiving at");
    if (code < 0)
        return code;
    if (!d->fd.readable)
        return -EAGAIN;

    ssize_t n;
    do
        n = from ? recvfrom(d->fd.fd, out, cap, MSG_TRUNC, &sender.sa, &sender.len) : recv(d->fd.fd, out, cap, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        d->fd.readable = false;
        return -EAGAIN;
    }
    if (n < 0)
        return bide__datagram_fail(d, -errno, "receiving at", NULL);
    bide__fd_spend(&d->fd, (size_t)n);
    if (from)
        bide__address_of(from, &sender);
    return n;
}

ssize_t bide_datagram_receive(bide_datagram *d, void *out, size_t cap, bide_address *from)
{
    ssize_t n;
    if (cap > 0 && bide__is_null(out, __func__, "the memory to receive into"))
        return -EINVAL;
    int code = bide__datagram_begin(d, __func__);
    if (code < 0)
        return code;

    do {
        code = bide__fd_yield_if_over_budget(&d->fd);
        n = code < 0 ? code : try_receive(d, out, cap, from);
        if (n == -EAGAIN)
            code = bide__fd_wait_readable(&d->fd);
    } while (n == -EAGAIN && code == 0);
    bide__datagram_end(d);
    return code < 0 ? code : n;
}

/* ---- the same as an operation ---- */

static int receive_check(const bide_operation *op)
{
    bide_datagram *d = op->object;
    if (!d)
        return bide_fail(-EINVAL, "bide_datagram_receive: the endpoint is NULL");
    if (op->words[0] > 0 && !op->place)
        return bide_fail(-EINVAL, "bide_datagram_receive: the memory to receive into is NULL");

    return bide__check_operable(d->fd.loop, "bide_datagram_receive");
}

static void receive_leave(const bide_operation *op, struct op_waiter *w)
{
    bide_datagram *d = op->object;

    bide__list_remove(&w->clause.node);
    bide__datagram_end(d);
}

static int receive_attempt(const bide_operation *op, struct op_waiter *w)
{
    bide_datagram *d = op->object;
    ssize_t n = try_receive(d, op->place, op->words[0], (bide_address *)op->words[1]);

    if (w)
        receive_leave(op, w);
    return n == -EAGAIN ? OPERATION_WAITS : (int)n;
}

static void receive_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_datagram *d = op->object;

    bide_retain(d);
    d->users++;
    bide__fd_has_waited(&d->fd);
    bide__list_append(&d->fd.readers, &w->clause.node);
}

static const struct bide_operation_ops receive_ops = {"bide_datagram_receive", receive_check, receive_attempt, receive_enlist,
                                                      receive_leave, .fd_at = offsetof(bide_datagram, fd.fd)};

bide_awaitable bide_datagram_receive_awaitable(bide_datagram *d, void *out, size_t cap, bide_address *from)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION,
                            .as.operation = {.ops = &receive_ops, .object = d, .place = out, .words = {cap, (uintptr_t)from}}};
}

/* ---- sending ---- */

static ssize_t try_send(bide_datagram *d, const void *data, size_t len, const struct addr *to)
{
    ssize_t n;
    int code = bide__datagram_check_open(d, "sending from");
    if (code < 0)
        return code;
    if (!d->fd.writable)
        return -EAGAIN;

    do
        n = sendto(d->fd.fd, data, len, MSG_NOSIGNAL, to->len > 0 ? &to->sa : NULL, to->len);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        d->fd.writable = false;
        return -EAGAIN;
    }
    if (n < 0)
        return bide__datagram_fail(d, -errno, "sending from", to);
    bide__fd_spend(&d->fd, (size_t)n);
    return n;
}

int bide_datagram_send(bide_datagram *d, const void *data, size_t len, const bide_address *to)
{
    struct addr where = {.len = 0};
    ssize_t n;
    if (len > 0 && bide__is_null(data, __func__, "what to send"))
        return -EINVAL;
    if (to && !bide__address_take(&where, to))
        return bide_fail(-EINVAL, "bide_datagram_send: it is to no address");
    int code = bide__datagram_begin(d, __func__);
    if (code < 0)
        return code;

    do {
        code = bide__fd_yield_if_over_budget(&d->fd);
        n = code < 0 ? code : try_send(d, data, len, &where);
        if (n == -EAGAIN)
            code = bide__fd_wait_writable(&d->fd);
    } while (n == -EAGAIN && code == 0);
    bide__datagram_end(d);
    return code < 0 ? code : n < 0 ? (int)n : 0;
}
