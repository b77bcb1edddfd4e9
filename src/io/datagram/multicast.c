/* SPDX-License-Identifier: MIT */
/* multicast.c - groups: which ones are received, and how datagrams to them leave. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "io/datagram/datagram.h"

static bool is_same_host(const struct addr *a, const struct sockaddr *b)
{
    if (!b || a->sa.sa_family != b->sa_family)
        return false;
    return a->sa.sa_family == AF_INET
               ? a->in.sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr
               : memcmp(&a->in6.sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

/* The number of an interface, by its name or an address of its; 0: there is none. */
static unsigned find_interface(const char *name)
{
    struct addr a;
    struct ifaddrs *all;
    unsigned index = if_nametoindex(name);
    if (index > 0 || !bide__addr_parse(&a, name, 0) || getifaddrs(&all) < 0)
        return index;

    for (const struct ifaddrs *i = all; i && index == 0; i = i->ifa_next)
        if (is_same_host(&a, i->ifa_addr))
            index = if_nametoindex(i->ifa_name);
    freeifaddrs(all);
    return index;
}

static int check(const bide_datagram *d, const char *function)
{
    if (bide__is_null(d, function, "the endpoint"))
        return -EINVAL;
    int code = bide__loop_check(d->fd.loop, function);
    return code < 0 ? code : bide__datagram_check_open(d, function);
}

/* Its number; 0 for NULL, which is the system's choice; -ENODEV on record. */
static int interface_index(const char *name, const char *function)
{
    unsigned index = name ? find_interface(name) : 0;

    return !name || index > 0 ? (int)index : bide_fail(-ENODEV, "%s: there is no interface %s", function, name);
}

static int change(const bide_datagram *d, const char *group, const char *interface, int option, const char *function)
{
    struct addr a;
    struct group_req request = {0};
    int code = check(d, function);
    if (code == 0 && bide__is_null(group, function, "the group"))
        code = -EINVAL;
    if (code < 0 || (code = interface_index(interface, function)) < 0)
        return code;
    if (!bide__addr_parse(&a, group, 0) || a.sa.sa_family != d->family)
        return bide_fail(-EINVAL, "%s: %s is no address of the endpoint's family", function, group);

    request.gr_interface = (uint32_t)code;
    memcpy(&request.gr_group, &a.storage, a.len);
    if (setsockopt(d->fd.fd, d->family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP, option, &request, sizeof request) < 0)
        return bide_fail(-errno, "%s: %s: %s", function, group, bide_strerror(-errno));
    return 0;
}

int bide_datagram_join(bide_datagram *d, const char *group, const char *interface)
{
    return change(d, group, interface, MCAST_JOIN_GROUP, __func__);
}

int bide_datagram_leave(bide_datagram *d, const char *group, const char *interface)
{
    return change(d, group, interface, MCAST_LEAVE_GROUP, __func__);
}

static int set4(int fd, int ttl, bool loop, int index)
{
    struct ip_mreqn out = {.imr_ifindex = index};
    int on = loop;

    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out) < 0)
        return -errno;
    return 0;
}

static int set6(int fd, int hops, bool loop, int index)
{
    int on = loop;

    if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) < 0 ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) < 0)
        return -errno;
    return 0;
}

int bide_datagram_multicast_with(bide_datagram *d, const bide_multicast_args *options)
{
    bide_multicast_args args;
    int code = bide__options_take(&args, sizeof args, options, "bide_datagram_multicast");
    if (code == 0)
        code = bide__check_named(args.guard_, "bide_datagram_multicast");
    if (code == 0)
        code = check(d, "bide_datagram_multicast");
    if (code == 0 && (args.ttl < 0 || args.ttl > 255))
        code = bide_fail(-EINVAL, "bide_datagram_multicast: ttl %d is not 1 to 255", args.ttl);
    int index = code < 0 ? code : interface_index(args.interface, "bide_datagram_multicast");
    if (index < 0)
        return index;

    code = (d->family == AF_INET6 ? set6 : set4)(d->fd.fd, args.ttl > 0 ? args.ttl : 1, !args.no_loop, index);
    return code < 0 ? bide_fail(code, "bide_datagram_multicast: %s", bide_strerror(code)) : 0;
}
