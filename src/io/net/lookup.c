/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - an address of a name, for who cannot be given the name itself (a SOCKS 5 proxy).
 *
 * IPv4 before IPv6: nobody can try both through a proxy, and more of them have the former.
 */
#include "io/net/dns.h"

/* The one to take; NULL: none yet. */
static const struct addr *choose(const struct dns_half half[FAMILIES], int family)
{
    bool may_ip4 = family != AF_INET6, may_ip6 = family != AF_INET;

    if (may_ip4 && half[IP4].n > 0)
        return &half[IP4].addrs[0];
    if (may_ip6 && half[IP6].n > 0 && !(may_ip4 && half[IP4].pending))
        return &half[IP6].addrs[0];
    return NULL;
}

static int tell(const struct addr *a, const char *host, char *out, size_t cap)
{
    if (!a)
        return bide_fail(BIDE_ENAME, "look up %s: it has no address of the family that was asked for", host);
    bide__addr_format_host(a, out, cap);
    return 0;
}

static int ask_resolver(const struct connect_options *o, char *out, size_t cap)
{
    bide_addresses found = {0};
    int code = bide__resolve(o, &found);

    if (code == 0)
        code = tell(choose(found.half, o->family), o->host, out, cap);
    bide__addresses_free(&found);
    return code;
}

static int ask_servers(const struct connect_options *o, char *out, size_t cap)
{
    struct dns_name *n = bide__dns_ask(o->dns, o->host);
    int code = n ? 0 : bide_error_code();

    while (code == 0 && bide__dns_is_pending(n) && !choose(n->half, o->family))
        code = bide__wait_in(&n->waiters, NULL);
    if (code == 0 && n->half[IP4].n + n->half[IP6].n == 0)
        code = bide__dns_fail(n);
    if (code == 0)
        code = tell(choose(n->half, o->family), o->host, out, cap);
    if (n)
        bide__dns_leave(n);
    return code;
}

int bide__lookup(const struct connect_options *o, char *out, size_t cap)
{
    struct addr a;

    if (bide__addr_parse(&a, o->host, 0))
        return tell(&a, o->host, out, cap);
    if (o->addresses || (o->hooks && o->hooks->resolve))
        return ask_resolver(o, out, cap);
    if (bide__addr_is_localhost(o->host))
        return bide__addr_parse(&a, o->family == AF_INET6 ? "::1" : "127.0.0.1", 0) ? tell(&a, o->host, out, cap) : -EINVAL;
    return ask_servers(o, out, cap);
}
