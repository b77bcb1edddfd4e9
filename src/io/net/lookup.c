/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - the addresses of a name, one by one, for who cannot be given the name itself (a SOCKS 5 proxy).
 *
 * IPv4 before IPv6: they are tried one after the other, and more proxies have the former.
 */
#include "io/net/dns.h"

/* The which-th; NULL: none, or not yet. */
static const struct addr *choose(const struct dns_half half[FAMILIES], int family, size_t which)
{
    bool may_ip4 = family != AF_INET6, may_ip6 = family != AF_INET;
    size_t n = may_ip4 ? (size_t)half[IP4].n : 0;

    if (which < n)
        return &half[IP4].addrs[which];
    if (may_ip4 && half[IP4].pending)
        return NULL;
    return may_ip6 && which - n < (size_t)half[IP6].n ? &half[IP6].addrs[which - n] : NULL;
}

static int tell(const struct addr *a, const char *host, char *out, size_t cap)
{
    if (!a)
        return bide_fail(BIDE_ENAME, "look up %s: it has no address of the family that was asked for", host);
    bide__addr_format_host(a, out, cap);
    return 0;
}

static int ask_resolver(const struct connect_options *o, size_t which, char *out, size_t cap)
{
    bide_addresses found = {0};
    int code = bide__resolve(o, &found);

    if (code == 0)
        code = tell(choose(found.half, o->family, which), o->host, out, cap);
    bide__addresses_free(&found);
    return code;
}

static int ask_servers(const struct connect_options *o, size_t which, char *out, size_t cap)
{
    struct dns_name *n = bide__dns_ask(o->dns, o->host);
    int code = n ? 0 : bide_error_code();

    while (code == 0 && bide__dns_is_pending(n) && !choose(n->half, o->family, which))
        code = bide__wait_in_for(&n->waiters, WAIT_NAMED, "a name");
    if (code == 0 && n->half[IP4].n + n->half[IP6].n == 0)
        code = bide__dns_fail(n);
    if (code == 0)
        code = tell(choose(n->half, o->family, which), o->host, out, cap);
    if (n)
        bide__dns_leave(n);
    return code;
}

int bide__lookup(const struct connect_options *o, size_t which, char *out, size_t cap)
{
    struct addr a;

    if (bide__addr_parse(&a, o->host, 0))
        return tell(which == 0 ? &a : NULL, o->host, out, cap);
    if (o->addresses || (o->hooks && o->hooks->resolve))
        return ask_resolver(o, which, out, cap);
    if (!bide__addr_is_localhost(o->host))
        return ask_servers(o, which, out, cap);
    bool is_there = bide__addr_parse(&a, o->family == AF_INET6 ? "::1" : "127.0.0.1", 0) && which == 0;
    return tell(is_there ? &a : NULL, o->host, out, cap);
}
