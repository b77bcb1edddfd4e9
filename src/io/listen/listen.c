/* SPDX-License-Identifier: MIT */
/*
 * listen.c - a listener: its socket, and accepted connections.
 *
 * When there is no descriptor for the next connection, it stays in the kernel's queue, and accepting is tried again
 * every few milliseconds: no event says when a descriptor becomes free.
 *
 * Invariant: while a task accepts, the listener has a share for it; when its last owner lets go, the socket is closed
 * and the task gets BIDE_ECLOSED.
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <bide/listener.h>

#include "core/turn/operation.h"
#include "io/listen/listener.h"

#define DEFAULT_BACKLOG 4096
#define ACCEPTS_PER_TURN 64

/* Somebody may have put another socket in its place meanwhile. */
static void remove_unix_path(bide_listener *l)
{
    struct stat st;
    bool is_parents = bide__loop_is_inherited(l->fd.loop); /* the parent listens there */

    if (!is_parents && l->unix_path && stat(l->unix_path, &st) == 0 && st.st_dev == l->unix_dev && st.st_ino == l->unix_ino)
        unlink(l->unix_path);
    bide__free(l->unix_path);
    l->unix_path = NULL;
}

static void listener_destroy(void *object)
{
    bide_listener *l = object;

    remove_unix_path(l);
    bide__fd_close(&l->fd);
    bide_release(l->tls);
    bide__object_free(l);
}

static void listener_release(void *object)
{
    bide_listener *l = object;
    if (bide__release_is_refused(l->fd.loop, "bide_release of a listener"))
        return;

    if (l->object.refs == 1 + l->accepting)
        bide__fd_close(&l->fd);
    bide__object_unref(l);
}

static const struct object_type listener_type = {
    .name = "listener", .destroy = listener_destroy, .release = listener_release};

/* ---- listening ---- */

static int listen_address(const bide_listen_args *args, struct addr *a)
{
    const char *host = args->host ? args->host : "127.0.0.1";
    BIDE_TRY(bide__check_number("bide_listen", "backlog", args->backlog, 0));

    int code = bide__addr_unix(&a->storage, &a->len, host);
    if (code != 0)
        return code < 0 ? code : 0;
    if (args->port < 0 || args->port > 65535)
        return bide_fail(-EINVAL, "listen on %s: port %d is not 0 to 65535", host, args->port);
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (!bide__addr_parse(a, host, args->port))
        return bide_fail(-EINVAL, "listen on %s: not an address", host);
    return 0;
}

static int listen_fail(int fd, const bide_listen_args *args, const struct addr *a, const char *what)
{
    char where[INET6_ADDRSTRLEN + 16];
    int code = -errno;

    bide__addr_format(a, where, sizeof where);
    if (fd >= 0)
        close(fd);
    return bide_fail(code, "listen on %s: %s: %s", a->sa.sa_family == AF_UNIX ? args->host : where, what, bide_strerror(code));
}

static int listen_socket(const bide_listen_args *args, struct addr *a)
{
    int on = 1, fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return listen_fail(fd, args, a, "socket");

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (args->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return listen_fail(fd, args, a, "SO_REUSEPORT");
    if (bind(fd, &a->sa, a->len) < 0)
        return listen_fail(fd, args, a, "bind");
    if (listen(fd, args->backlog > 0 ? args->backlog : DEFAULT_BACKLOG) < 0)
        return listen_fail(fd, args, a, "listen");
    return fd;
}

/* What is known once it listens: the port that the kernel chose, and how to name it. */
static void note_address(bide_listener *l, struct addr *a)
{
    struct stat st;

    if (l->unix_path && stat(l->unix_path, &st) == 0) {
        l->unix_dev = st.st_dev;
        l->unix_ino = st.st_ino;
    }
    getsockname(l->fd.fd, &a->sa, &a->len);
    bide__addr_format(a, l->where, sizeof l->where);
    if (a->sa.sa_family != AF_UNIX)
        l->port = ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

static bide_listener *listener_new(int fd, struct addr *a)
{
    bide_listener *l = bide__object_zalloc(sizeof *l);
    if (!l)
        return bide__fail_nomem("bide_listen"), NULL;

    bide__object_init(l, &listener_type);
    if (a->sa.sa_family == AF_UNIX &&
        !(l->unix_path = bide__strdup(((const struct sockaddr_un *)&a->storage)->sun_path))) {
        bide__object_free(l);
        return bide__fail_nomem("bide_listen"), NULL;
    }
    if (bide__fd_open(&l->fd, fd) < 0) {
        bide__free(l->unix_path);
        bide__object_free(l);
        return NULL;
    }
    note_address(l, a);
    return l;
}

bide_listener *bide_listen_with(const bide_listen_args *options)
{
    bide_listen_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_listen") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_listen") < 0 || bide__tls_check(args.tls, "bide_listen") < 0)
        return NULL;
    struct addr a;
    int fd = listen_address(&args, &a) < 0 ? -1 : listen_socket(&args, &a);
    if (fd < 0)
        return NULL;

    bide_listener *l = listener_new(fd, &a);
    if (!l) {
        if (a.sa.sa_family == AF_UNIX)
            unlink(((const struct sockaddr_un *)&a.storage)->sun_path);
        close(fd);
        return NULL;
    }
    l->tls = args.tls ? bide_retain(args.tls) : NULL;
    return l;
}

void bide__listener_on_shortage(bide_listener *l, bool (*spare)(void *arg), void *arg)
{
    l->spare = spare;
    l->spare_arg = arg;
}

void bide__listener_set_gate(bide_listener *l, struct accept_gate gate)
{
    l->gate = gate;
}

int bide_listener_port(const bide_listener *l)
{
    if (bide__is_null(l, __func__, "the listener"))
        return -EINVAL;
    return l->port;
}

/* ---- accepting ---- */

/* What accept4 says of one connection, or of a machine that is short of something: the next try may succeed. */
static bool is_passing(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH ||
           error == ENETUNREACH || error == EPERM;
}

#define NO_PLACE (-EAGAIN) /* the gate's: that of accept4 is no result */

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* accept4 looks for a descriptor first: it says that there is none also when nobody wants to connect. */
static bool is_wanted(struct fd *fd)
{
    int error = errno;
    struct pollfd now = {.fd = fd->fd, .events = POLLIN};

    fd->readable = false; /* before asking: an edge that comes meanwhile counts */
    if (poll(&now, 1, 0) != 0)
        fd->readable = true;
    errno = error;
    return fd->readable;
}

/* Wait for a connection; after ACCEPTS_PER_TURN in a row let other tasks run first. */
static int before_accepting(bide_listener *l)
{
    if (!l->fd.readable)
        l->in_a_row = 0;
    if (++l->in_a_row % ACCEPTS_PER_TURN == 0) {
        l->fd.loop->budget = 0; /* the kernel is asked in that turn */
        int code = bide_sleep_ms(0);
        if (code < 0)
            return code;
    }
    return bide__fd_wait_readable(&l->fd);
}

/* What accept4 says; of the gate's places it has one, if it succeeds. */
static int accept_in_place(bide_listener *l, struct addr *peer)
{
    peer->len = sizeof peer->storage;
    int fd = accept4(l->fd.fd, &peer->sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int error = errno;

    if (fd < 0 && l->gate.leave)
        l->gate.leave(l->gate.arg);
    errno = error;
    return fd;
}

/* A connected socket, or a code; NO_PLACE. */
static int accept_socket(bide_listener *l, struct addr *peer)
{
    for (;;) {
        int code = before_accepting(l);
        if (code < 0)
            return code;
        if (l->gate.enter && !l->gate.enter(l->gate.arg))
            return NO_PLACE;
        int fd = accept_in_place(l, peer);
        if (fd >= 0)
            return fd;
        if (errno == EAGAIN) {
            l->fd.readable = false;
        } else if (is_shortage(errno) && is_wanted(&l->fd)) {
            bool freed = l->spare && l->spare(l->spare_arg);
            if ((code = freed ? bide_sleep_ms(0) : bide__wait_for_descriptor()) < 0)
                return code;
        } else if (!is_shortage(errno) && !is_passing(errno)) {
            return bide_fail(-errno, "accept on %s: %s", l->where, bide_strerror(-errno));
        }
    }
}

static bide_stream *accepted_stream(const bide_listener *l, int fd, const struct addr *peer)
{
    char text[INET6_ADDRSTRLEN + 16];
    int on = 1;

    bide__addr_format(peer, text, sizeof text);
    if (peer->sa.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bide_stream *s = bide__stream_from_socket(fd, text, 0);
    if (s && l->tls && bide__tls_start_server(s, l->tls) < 0) {
        bide_release(s);
        return NULL;
    }
    return s;
}

int bide__accept_next(bide_listener *l, bide_stream **s)
{
    struct addr peer;
    int bad = l ? bide__check_waiter(l->fd.loop, "bide_accept") : bide_fail(-EINVAL, "bide_accept: the listener is NULL");
    *s = NULL;
    if (bad < 0)
        return bad;

    bide_retain(l);
    l->accepting++;
    int fd = accept_socket(l, &peer);
    *s = fd >= 0 ? accepted_stream(l, fd, &peer) : NULL;
    if (fd >= 0 && !*s && l->gate.leave)
        l->gate.leave(l->gate.arg);
    l->accepting--;
    bide__object_unref(l);
    if (fd < 0)
        return fd == NO_PLACE ? 0 : fd;
    return *s ? 0 : bide_error_code();
}

bide_stream *bide_accept(bide_listener *l)
{
    bide_stream *s;

    return bide__accept_next(l, &s) < 0 ? NULL : s;
}

int bide_listener_close(bide_listener *l)
{
    int code = l ? bide__loop_check(l->fd.loop, __func__) : bide_fail(-EINVAL, "bide_listener_close: the listener is NULL");
    if (code < 0)
        return code;

    remove_unix_path(l);
    bide__fd_close(&l->fd);
    return 0;
}

/* ---- accepting as an operation ---- */

static int accept_check(const bide_operation *op)
{
    const bide_listener *l = op->object;
    if (!l || !op->place)
        return bide_fail(-EINVAL, "bide_accept_awaitable: %s is NULL", l ? "the place for the stream" : "the listener");
    return bide__check_operable(l->fd.loop, "bide_accept_awaitable");
}

static void accept_leave(const bide_operation *op, struct op_waiter *w)
{
    bide_listener *l = op->object;

    bide__list_remove(&w->clause.node);
    l->accepting--;
    bide__object_unref(l);
}

static int try_accept(bide_listener *l, bide_stream **out)
{
    struct addr peer = {.len = sizeof peer.storage};
    if (!bide__fd_is_open(&l->fd))
        return bide_fail(BIDE_ECLOSED, "accept on %s: it was closed here meanwhile", l->where);
    if (!l->fd.readable)
        return OPERATION_WAITS;

    int fd;
    do
        fd = accept4(l->fd.fd, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && is_passing(errno));
    if (fd < 0 && (errno == EAGAIN || (is_shortage(errno) && !is_wanted(&l->fd)))) {
        l->fd.readable = false;
        return OPERATION_WAITS;
    }
    if (fd < 0)
        return bide_fail(-errno, "accept on %s: %s", l->where, bide_strerror(-errno));
    *out = accepted_stream(l, fd, &peer);
    return *out ? 0 : bide_error_code();
}

static int accept_attempt(const bide_operation *op, struct op_waiter *w)
{
    int code = try_accept(op->object, op->place);

    if (w)
        accept_leave(op, w);
    return code;
}

static void accept_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_listener *l = op->object;

    bide_retain(l);
    l->accepting++;
    bide__list_append(&l->fd.readers, &w->clause.node);
}

static const struct bide_operation_ops accept_ops = {"bide_accept", accept_check, accept_attempt, accept_enlist, accept_leave,
                                                     .fd_at = offsetof(bide_listener, fd.fd)};

bide_awaitable bide_accept_awaitable(bide_listener *l, bide_stream **out)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &accept_ops, .object = l, .place = out}};
}
