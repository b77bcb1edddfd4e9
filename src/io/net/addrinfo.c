/* SPDX-License-Identifier: MIT */
/* addrinfo.c - names and addresses for the program: bide_getaddrinfo, bide_getnameinfo. */
#include <bide/dns.h>

#include "io/net/dns.h"

/* Where the addresses go. */
struct found {
    bide_address *out;
    int max, n;
};

static void put(struct found *f, struct addr a, int port)
{
    if (f->n == f->max)
        return;
    bide__addr_set_port(&a, port);
    bide__address_of(&f->out[f->n++], &a);
}

/* Both kinds in turn, IPv6 first, as they are tried (RFC 8305 4). */
static void put_halves(struct found *f, const struct dns_half half[FAMILIES], int family, int port)
{
    int n6 = family == 4 ? 0 : half[IP6].n, n4 = family == 6 ? 0 : half[IP4].n;

    for (int i = 0; i < n6 || i < n4; i++) {
        if (i < n6)
            put(f, half[IP6].addrs[i], port);
        if (i < n4)
            put(f, half[IP4].addrs[i], port);
    }
}

/* A half that was not asked for is not waited for. */
static bool is_awaited(const struct dns_name *n, int family)
{
    return (family != 4 && n->half[IP6].pending) || (family != 6 && n->half[IP4].pending);
}

static int ask(const struct dns_config *config, const char *host, int family, int port, struct found *f)
{
    struct dns_name *n = bide__dns_ask(config, host);
    int code = n ? 0 : bide_error_code();

    while (code == 0 && is_awaited(n, family))
        code = bide__wait_in_for(&n->waiters, WAIT_NAMED, "a name");
    if (code == 0)
        put_halves(f, n->half, family, port);
    if (code == 0 && f->n == 0)
        code = n->half[IP6].n + n->half[IP4].n == 0
                   ? bide__dns_fail(n)
                   : bide_fail(BIDE_ENAME, "looking up %s: it has no address of the family that was asked for", host);
    if (n)
        bide__dns_leave(n);
    return code;
}

/* What asks nobody: true, and what there is was put. */
static bool is_known(const char *host, int family, int port, struct found *f)
{
    struct addr a;

    if (bide__addr_parse(&a, host, port)) {
        if (family == 0 || (a.sa.sa_family == AF_INET6) == (family == 6))
            put(f, a, port);
        return true;
    }
    if (!bide__addr_is_localhost(host))
        return false;
    if (family != 4 && bide__addr_parse(&a, "::1", port))
        put(f, a, port);
    if (family != 6 && bide__addr_parse(&a, "127.0.0.1", port))
        put(f, a, port);
    return true;
}

static int check(const char *host, int port, const bide_address *out, int max, const bide_lookup_args *args)
{
    if (bide__check_named(args->guard_, "bide_getaddrinfo") < 0 || bide__is_null(host, "bide_getaddrinfo", "the host") ||
        bide__is_null(out, "bide_getaddrinfo", "the place for the addresses"))
        return -EINVAL;
    if (max < 1 || port < 0 || port > 65535 || (args->family != 0 && args->family != 4 && args->family != 6))
        return bide_fail(-EINVAL, "bide_getaddrinfo: port %d, family %d, room for %d", port, args->family, max);
    return bide__task_required("bide_getaddrinfo") ? 0 : bide_error_code();
}

int bide_getaddrinfo_with(const char *host, int port, bide_address *out, int max, const bide_lookup_args *options)
{
    bide_lookup_args args;
    struct found f = {.out = out, .max = max};
    struct dns_config *config = NULL;
    int code = bide__options_take(&args, sizeof args, options, "bide_getaddrinfo");
    if (code == 0)
        code = check(host, port, out, max, &args);
    if (code == 0 && args.dns && !(config = bide__dns_config_new(NULL, args.dns, "bide_getaddrinfo")))
        code = bide_error_code();
    if (code < 0)
        return code;

    if (!is_known(host, args.family, port, &f))
        code = ask(config, host, args.family, port, &f);
    else if (f.n == 0)
        code = bide_fail(BIDE_ENAME, "looking up %s: it has no address of the family that was asked for", host);
    bide__free(config);
    return code < 0 ? code : f.n;
}

int bide_getnameinfo(const bide_address *a, char *out, size_t cap)
{
    char name[DNS_NAME_MAX + 1];
    struct addr addr;
    if (!a || !out || cap == 0 || !bide__address_take(&addr, a))
        return bide_fail(-EINVAL, "bide_getnameinfo: no address, or no room for its name");
    int code = bide__task_required(__func__) ? bide__dns_name_of(&addr, name) : BIDE_ENOLOOP;
    if (code < 0)
        return code;

    size_t len = strlen(name);
    if (len >= cap)
        return bide_fail(BIDE_ELIMIT, "bide_getnameinfo: a name of %zu bytes in room for %zu", len, cap);
    memcpy(out, name, len + 1);
    return 0;
}
