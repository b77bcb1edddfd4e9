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

#ifdef __cplusplus
}
#endif
#endif
