/* SPDX-License-Identifier: MIT */
/*
 * dns.h - how names are looked up: by which servers, and for how long an answer is kept.
 *
 * Without it a loop has one resolver, with the servers of /etc/resolv.conf and one cache.  Sessions and connections of a
 * loop that say the same have a resolver together; others share neither servers nor answers with them.  /etc/hosts comes
 * first in either case.
 */
#ifndef BIDE_DNS_H
#define BIDE_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/address.h>
#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
typedef struct bide_dns_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    const char *servers;     /* up to 8 "ADDRESS" or "ADDRESS:PORT" with commas between: "127.0.0.1:5353, [::1]:53"; asked
                                in this order over UDP, and over TCP if an answer is too long for that.  Default: /etc/resolv.conf */
    bool tcp_only;           /* ask over TCP at once */
    int64_t timeout_ms;      /* a server that has not answered by then: the next is asked; later rounds wait longer.
                                Default 2 s; at most 10 minutes */
    int64_t min_ttl_ms;      /* an answer is kept for as long as it says, but at least so long: default 1 s */
    int64_t max_ttl_ms;      /* and at most so long: default 300 s */
    int64_t negative_ttl_ms; /* how long it is kept that there is no such name, or no answer: default 1 s */
    int tries;               /* how often each server is asked: default 3; at most 10 */
    int cache_size;          /* answers that are kept, the one not used for longest goes first: default 1024; BIDE_NONE: none */
} bide_dns_args;

/* Options in place, for the options of others that take some: .dns = BIDE_DNS(.servers = "127.0.0.1:5353") */
#define BIDE_DNS(...) BIDE__ARGS(bide_dns_args, __VA_ARGS__)

/* What bide_getaddrinfo takes; zero means the default. */
typedef struct bide_lookup_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    int family;               /* 4 or 6: the addresses of that kind alone; default: both */
    const bide_dns_args *dns; /* BIDE_DNS(.servers = ...): who is asked; default: as this machine does */
} bide_lookup_args;

/* Options in place, where a pointer to them is wanted: BIDE_LOOKUP(), BIDE_LOOKUP(.family = 4) */
#define BIDE_LOOKUP(...) BIDE__ARGS(bide_lookup_args, __VA_ARGS__)

/*
 * The addresses of a name, with this port: up to max of them into out.  Literal addresses, localhost and /etc/hosts ask nobody;
 * answers are kept as bide_connect keeps them, and their order is the one in which it tries them (IPv6 and IPv4 alternate).
 *
 * Suspends:  until the name servers have answered; a cancellation point
 * Returns:   how many, 1 to max
 * Errors:    BIDE_ENAME: no such name, or none of that family; BIDE_EDNS; BIDE_ETIMEDOUT; BIDE_ECANCELED; BIDE_ENOMEM; -EINVAL
 * Owns:      out is borrowed for the call
 * Example:   int n = bide_getaddrinfo("example.com", 443, addresses, 8);
 *            bide_gather(bide_coro(bide_getaddrinfo_with, "example.com", 443, addresses, 8, BIDE_LOOKUP()), bide_coro(fetch, url))
 */
#define bide_getaddrinfo(host, port, out, ...) BIDE__CALL(bide__getaddrinfo((host), (port), (out), __VA_ARGS__, ))
#define bide__getaddrinfo(host, port, out, max, ...) \
    bide_getaddrinfo_with((host), (port), (out), (max), BIDE__ARGS(bide_lookup_args, __VA_ARGS__))
BIDE_API BIDE_MUST_USE int bide_getaddrinfo_with(const char *host, int port, bide_address *out, int max,
                                                 const bide_lookup_args *args);

/* Room for any name, with its NUL. */
#define BIDE_NAME_MAX 256

/*
 * The name of an address: the first in /etc/hosts, or the one that the name servers have (PTR).  The owner of
 * an address can give it any name: use it for logs, not for access control.
 *
 * Suspends:  until the name servers have answered; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ENAME: it has none (bide_address_host is what there is); BIDE_ELIMIT: it is longer than cap allows; BIDE_EDNS;
 *            BIDE_ETIMEDOUT; BIDE_ECANCELED; BIDE_ENOMEM; -EINVAL
 * Owns:      out is borrowed for the call
 * Example:   if (bide_getnameinfo(&peer, name, sizeof name) < 0) bide_address_host(&peer, name, sizeof name);
 *            bide_select(NULL, bide_coro(bide_getnameinfo, &peer, name, sizeof name), bide_sleep_awaitable(100))
 */
BIDE_API BIDE_MUST_USE int bide_getnameinfo(const bide_address *a, char *out, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
