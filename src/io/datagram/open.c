/* SPDX-License-Identifier: MIT */
/* open.c - the life of an endpoint: its socket, its options, and who uses it. */
#include <netinet/in.h>
#include <unistd.h>

#include "io/datagram/datagram.h"
#include "io/net/connect.h"

/* ---- life ---- */

static void datagram_destroy(void *object)
{
    bide_datagram *d = object;

    bide__fd_close(&d->fd);
    bide__object_free(d);
}

static void datagram_release(void *object)
{
    bide_datagram *d = object;
    if (bide__release_is_refused(d->fd.loop, "bide_release of a datagram endpoint"))
        return;

    if (d->object.refs == 1 + d->users)
        bide__fd_close(&d->fd);
    bide__object_unref(d);
}

static const struct object_type datagram_type = {
    .name = "datagram", .destroy = datagram_destroy, .release = datagram_release};

int bide__datagram_begin(bide_datagram *d, const char *function)
{
    int code = d ? bide__check_waiter(d->fd.loop, function) : bide_fail(-EINVAL, "%s: the endpoint is NULL", function);
    if (code < 0)
        return code;

    bide_retain(d);
    d->users++;
    return 0;
}

void bide__datagram_end(bide_datagram *d)
{
    d->users--;
    bide__object_unref(d);
}

int bide__datagram_check_open(const bide_datagram *d, const char *doing)
{
    if (!bide__fd_is_open(&d->fd))
        return bide_fail(BIDE_ECLOSED, "%s %s: it was closed here meanwhile", doing, d->where);
    return bide__loop_is_inherited(d->fd.loop) ? bide__inherited(doing) : 0;
}

/* ---- opening ---- */

static int fail_open(const struct addr *a, const char *what)
{
    char where[INET6_ADDRSTRLEN + 16];
    int code = -errno;

    bide__addr_format(a, where, sizeof where);
    return bide_fail(code, "open %s for datagrams: %s: %s", where, what, bide_strerror(code));
}

/* Of the peer: looked up, if it is a name; IPv4 first, or of the family of .host. */
static int find_peer(const bide_datagram_args *args, int family, struct addr *peer)
{
    char text[INET6_ADDRSTRLEN + 16];
    struct connect_options o = {.host = args->to_host, .port = args->to_port, .family = family};
    if (args->to_port < 1 || args->to_port > 65535)
        return bide_fail(-EINVAL, "bide_datagram_open: to_port %d is not 1 to 65535", args->to_port);
    if (bide__addr_parse(peer, args->to_host, args->to_port))
        return 0;
    if (!bide__task_required("bide_datagram_open"))
        return BIDE_ENOLOOP;

    int code = bide__lookup(&o, 0, text, sizeof text);
    if (code == 0 && !bide__addr_parse(peer, text, args->to_port))
        code = bide_fail(BIDE_ENAME, "bide_datagram_open: %s has the address %s", args->to_host, text);
    return code;
}

static int find_addresses(const bide_datagram_args *args, struct addr *local, struct addr *peer)
{
    peer->len = 0;
    if (args->port < 0 || args->port > 65535)
        return bide_fail(-EINVAL, "bide_datagram_open: port %d is not 0 to 65535", args->port);
    if (args->host && !bide__addr_parse(local, args->host, args->port))
        return bide_fail(-EINVAL, "bide_datagram_open: %s is not an address", args->host);
    int code = args->to_host ? find_peer(args, args->host ? local->sa.sa_family : 0, peer) : 0;
    if (code == 0 && !args->host)
        bide__addr_parse(local, peer->len > 0 && peer->sa.sa_family == AF_INET6 ? "::" : "0.0.0.0", args->port);
    return code;
}

/* 0; or the option that was refused is named. */
static int set_on(int fd, const struct addr *a, int level, int option, const char *name, bool wanted)
{
    int on = 1;

    return wanted && setsockopt(fd, level, option, &on, sizeof on) < 0 ? fail_open(a, name) : 0;
}

static int set_buffer(int fd, const struct addr *a, int option, const char *name, size_t bytes)
{
    int n = bytes < INT32_MAX ? (int)bytes : INT32_MAX;

    return bytes > 0 && setsockopt(fd, SOL_SOCKET, option, &n, sizeof n) < 0 ? fail_open(a, name) : 0;
}

static int set_options(int fd, const bide_datagram_args *args, const struct addr *a)
{
    bool has_errors = args->errors || args->to_host;

    BIDE_TRY(set_on(fd, a, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", args->reuse_address));
    BIDE_TRY(set_on(fd, a, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT", args->reuse_port));
    BIDE_TRY(set_on(fd, a, SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST", args->broadcast));
    BIDE_TRY(set_buffer(fd, a, SO_RCVBUF, "SO_RCVBUF", args->receive_buffer));
    BIDE_TRY(set_buffer(fd, a, SO_SNDBUF, "SO_SNDBUF", args->send_buffer));
    if (a->sa.sa_family != AF_INET6)
        return set_on(fd, a, IPPROTO_IP, IP_RECVERR, "IP_RECVERR", has_errors);
    BIDE_TRY(set_on(fd, a, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", args->only_ip6));
    return set_on(fd, a, IPPROTO_IPV6, IPV6_RECVERR, "IPV6_RECVERR", has_errors);
}

static int open_socket(const bide_datagram_args *args, const struct addr *local, const struct addr *peer)
{
    int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), code = 0;
    if (fd < 0)
        return fail_open(local, "socket");

    code = set_options(fd, args, local);
    if (code == 0 && bind(fd, &local->sa, local->len) < 0)
        code = fail_open(local, "bind");
    if (code == 0 && peer->len > 0 && connect(fd, &peer->sa, peer->len) < 0)
        code = fail_open(peer, "connect");
    if (code == 0)
        return fd;
    close(fd);
    return code;
}

static bide_datagram *datagram_new(int fd, const bide_datagram_args *args)
{
    bide_datagram *d = bide__object_zalloc(sizeof *d);
    if (!d)
        return bide__fail_nomem("bide_datagram_open"), NULL;
    if (bide__fd_open(&d->fd, fd) < 0) {
        bide__object_free(d);
        return NULL;
    }
    bide__object_init(d, &datagram_type);
    d->has_peer = args->to_host != NULL;
    d->has_errors = args->errors || d->has_peer;
    d->local.len = sizeof d->local.storage;
    getsockname(fd, &d->local.sa, &d->local.len);
    d->family = d->local.sa.sa_family;
    bide__addr_format(&d->local, d->where, sizeof d->where);
    return d;
}

bide_datagram *bide_datagram_open_with(const bide_datagram_args *options)
{
    bide_datagram_args args;
    struct addr local = {0}, peer = {0};
    if (bide__options_take(&args, sizeof args, options, "bide_datagram_open") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_datagram_open") < 0 ||
        bide__check_size("bide_datagram_open", "receive_buffer", args.receive_buffer, 0) < 0 ||
        bide__check_size("bide_datagram_open", "send_buffer", args.send_buffer, 0) < 0 ||
        find_addresses(&args, &local, &peer) < 0)
        return NULL;
    if (!bide__loop_here)
        return bide_fail(BIDE_ENOLOOP, "bide_datagram_open: no event loop is running in this thread"), NULL;
    int fd = open_socket(&args, &local, &peer);
    bide_datagram *d = fd < 0 ? NULL : datagram_new(fd, &args);
    if (fd >= 0 && !d)
        close(fd);
    return d;
}

/* ---- looking ---- */

int bide_datagram_port(const bide_datagram *d)
{
    if (bide__is_null(d, __func__, "the endpoint"))
        return -EINVAL;
    return ntohs(d->family == AF_INET6 ? d->local.in6.sin6_port : d->local.in.sin_port);
}

int bide_datagram_local(const bide_datagram *d, bide_address *out)
{
    if (bide__is_null(d, __func__, "the endpoint") || bide__is_null(out, __func__, "the place for the address"))
        return -EINVAL;
    bide__address_of(out, &d->local);
    return 0;
}
