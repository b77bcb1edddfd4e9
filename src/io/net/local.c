/* SPDX-License-Identifier: MIT */
/*
 * local.c - where a connection leaves from: an address of this machine, an interface, a range of ports.
 *
 * The ports of a range are tried one after the other from one that the clock says, so that those in use, or not free again
 * yet (TIME_WAIT), are seldom met.
 */
#include <string.h>

#include "io/net/connect.h"

int bide__local_ports_check(int first, int last, const char *who)
{
    if (first < 0 || first > 65535)
        return bide_fail(-EINVAL, "%s: local_port = %d: 1 to 65535", who, first);
    if (last != 0 && (last < first || last > 65535 || first == 0))
        return bide_fail(-EINVAL, "%s: local_port_last = %d: local_port to 65535", who, last);
    return 0;
}

static int bind_port(int fd, struct addr *from, int port)
{
    if (port > 0)
        bide__addr_set_port(from, port);
    return bind(fd, &from->sa, from->len) < 0 ? -errno : 0;
}

/* The error of the last that was tried. */
static int bind_range(int fd, struct addr *from, int first, int last)
{
    int n = last - first + 1, start = (int)((uint64_t)bide__clock_ns() / 1000 % (uint64_t)n), code = -EADDRINUSE;

    for (int i = 0; i < n && (code == -EADDRINUSE || code == -EACCES); i++)
        code = bind_port(fd, from, first + (start + i) % n);
    return code;
}

/* Any address of the family. */
static struct addr any_address(int family)
{
    struct addr a = {.len = family == AF_INET ? sizeof a.in : sizeof a.in6};

    a.sa.sa_family = (sa_family_t)family;
    return a;
}

int bide__local_bind(int fd, const struct connect_options *o, const struct addr *to)
{
    struct addr from = any_address(to->sa.sa_family);
    bool is_address = o->interface && bide__addr_parse(&from, o->interface, 0);

    if (o->interface && !is_address &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface, (socklen_t)strlen(o->interface)) < 0)
        return -errno;
    if (is_address && from.sa.sa_family != to->sa.sa_family)
        return -EADDRNOTAVAIL;
    if (o->interface && !is_address)
        from = any_address(to->sa.sa_family); /* what parsing has left there */
    if (o->local_port > 0)
        return bind_range(fd, &from, o->local_port, o->local_port_last ? o->local_port_last : o->local_port);
    return is_address ? bind_port(fd, &from, 0) : 0;
}
