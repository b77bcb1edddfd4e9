/* SPDX-License-Identifier: MIT */
/* address.c - addresses as public values: what struct addr is inside of the library, without Unix sockets. */
#include <net/if.h>
#include <stdio.h>

#include <bide/address.h>

#include "base/base.h"
#include "io/stream/addr.h"

_Static_assert(sizeof(struct sockaddr_in6) <= sizeof(bide_address), "an address must fit");

void bide__address_of(bide_address *out, const struct addr *a)
{
    *out = (bide_address){0};
    if (a->sa.sa_family == AF_INET)
        memcpy(out, &a->in, sizeof a->in);
    else if (a->sa.sa_family == AF_INET6)
        memcpy(out, &a->in6, sizeof a->in6);
}

bool bide__address_take(struct addr *out, const bide_address *a)
{
    int family = bide_address_family(a);

    *out = (struct addr){0};
    out->len = family == 4 ? sizeof out->in : family == 6 ? sizeof out->in6 : 0;
    memcpy(&out->storage, a, out->len);
    return out->len > 0;
}

int bide_address_parse(bide_address *out, const char *text, int port)
{
    struct addr a;
    if (!out || !text)
        return bide_fail(-EINVAL, "bide_address_parse: %s is NULL", out ? "the text" : "the place for the address");
    if (port < 0 || port > 65535)
        return bide_fail(-EINVAL, "bide_address_parse: port %d is not 0 to 65535", port);
    if (!bide__addr_parse(&a, text, port))
        return bide_fail(-EINVAL, "bide_address_parse: %s is no address", text);

    bide__address_of(out, &a);
    return 0;
}

int bide_address_from(bide_address *out, const struct sockaddr *sa, size_t len)
{
    struct addr a = {.len = 0};
    if (!out || !sa)
        return bide_fail(-EINVAL, "bide_address_from: %s is NULL", out ? "the address" : "the place for it");
    size_t needed = len < sizeof sa->sa_family ? SIZE_MAX
                    : sa->sa_family == AF_INET  ? sizeof a.in
                    : sa->sa_family == AF_INET6 ? sizeof a.in6
                                                : SIZE_MAX;
    if (len < needed)
        return bide_fail(-EINVAL, "bide_address_from: neither an IPv4 nor an IPv6 address");

    memcpy(&a.storage, sa, needed);
    bide__address_of(out, &a);
    return 0;
}

/* The name of the link, or its number. */
static void put_zone(char *out, size_t cap, unsigned index)
{
    char name[IF_NAMESIZE];

    if (if_indextoname(index, name))
        snprintf(out, cap, "%%%s", name);
    else
        snprintf(out, cap, "%%%u", index);
}

static bool show_host(const bide_address *a, struct addr *copy, char *host, size_t cap)
{
    if (!a || !bide__address_take(copy, a))
        return false;

    bide__addr_format_host(copy, host, cap);
    if (copy->sa.sa_family == AF_INET6 && copy->in6.sin6_scope_id > 0)
        put_zone(host + strlen(host), cap - strlen(host), copy->in6.sin6_scope_id);
    return true;
}

const char *bide_address_host(const bide_address *a, char *out, size_t cap)
{
    char host[BIDE_ADDRESS_TEXT] = "";
    struct addr copy;
    if (!out || cap == 0)
        return "";

    show_host(a, &copy, host, sizeof host);
    snprintf(out, cap, "%s", host);
    return out;
}

const char *bide_address_text(const bide_address *a, char *out, size_t cap)
{
    char host[BIDE_ADDRESS_TEXT - 10];
    struct addr copy;
    if (!out || cap == 0)
        return "";

    out[0] = '\0';
    if (show_host(a, &copy, host, sizeof host))
        snprintf(out, cap, copy.sa.sa_family == AF_INET6 ? "[%s]:%d" : "%s:%d", host, bide_address_port(a));
    return out;
}

int bide_address_port(const bide_address *a)
{
    struct addr copy;
    if (!a || !bide__address_take(&copy, a))
        return 0;

    return ntohs(copy.sa.sa_family == AF_INET ? copy.in.sin_port : copy.in6.sin6_port);
}

int bide_address_family(const bide_address *a)
{
    sa_family_t family;
    if (!a)
        return 0;

    memcpy(&family, a, sizeof family);
    return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

bool bide_address_equal(const bide_address *a, const bide_address *b)
{
    struct addr x, y;
    if (!a || !b || !bide__address_take(&x, a) || !bide__address_take(&y, b) || x.sa.sa_family != y.sa.sa_family)
        return false;
    if (x.sa.sa_family == AF_INET)
        return x.in.sin_port == y.in.sin_port && x.in.sin_addr.s_addr == y.in.sin_addr.s_addr;

    return x.in6.sin6_port == y.in6.sin6_port && x.in6.sin6_scope_id == y.in6.sin6_scope_id &&
           memcmp(&x.in6.sin6_addr, &y.in6.sin6_addr, sizeof x.in6.sin6_addr) == 0;
}
