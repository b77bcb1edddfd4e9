/* SPDX-License-Identifier: MIT */
/*
 * session.h - HTTP sessions: what requests share, their connections above all.
 *
 * A session keeps connections open and shares them among its requests; make one and use it for everything.
 */
#ifndef BIDE_SESSION_H
#define BIDE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/around.h>
#include <bide/auth.h>
#include <bide/cookie.h>
#include <bide/dns.h>
#include <bide/error.h>
#include <bide/extend.h>
#include <bide/hsts.h>
#include <bide/object.h>
#include <bide/retry.h>
#include <bide/tls.h>
#include <bide/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_session bide_session;

/* What bide_session_new takes; zero means the default. */
typedef struct bide_session_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    int limit;                    /* connections at once; default 256; BIDE_UNLIMITED */
    int limit_per_host;           /* the same to one host; default 64; BIDE_UNLIMITED */
    int idle_limit;               /* connections kept open without a request, beyond limit; default 0: they count in it */
    int idle_limit_per_host;      /* of those, to one host; default limit_per_host */
    int64_t timeout_ms;           /* a request from start to the end of its body; default 300 s; BIDE_FOREVER */
    int64_t queue_timeout_ms;     /* waiting for a free connection; default: no limit of its own; BIDE_FOREVER */
    int64_t connect_timeout_ms;   /* name, connect and TLS together; default 10 s; BIDE_FOREVER */
    int64_t tls_timeout_ms;       /* of that, the handshake of TLS; default: no limit of its own; BIDE_FOREVER */
    int64_t write_timeout_ms;     /* the server takes nothing of the request for so long; default: read_timeout_ms; BIDE_FOREVER */
    int64_t first_byte_timeout_ms; /* from a request that was sent to the first byte of its answer; default: read_timeout_ms;
                                      BIDE_FOREVER */
    int64_t read_timeout_ms;      /* silence: no byte came, and the server took none of ours, for so long; default 60 s;
                                     BIDE_FOREVER */
    int64_t min_rate;             /* bytes per second that a body has to bring while it is read, or it ends with BIDE_ETIMEDOUT;
                                     default: any rate will do */
    int64_t min_rate_ms;          /* the window in which they are counted; default 30 s */
    int64_t keepalive_ms;         /* how long an idle connection is kept; default 20 s; BIDE_FOREVER */
    int64_t max_age_ms;           /* after so long a connection takes no further request; default BIDE_FOREVER */
    size_t max_head_bytes;        /* of a response; default 64 KiB; below 1 GiB.  More allows more fields and longer ones, too */
    size_t max_body_bytes;        /* of a body read whole; default 64 MiB; BIDE_UNLIMITED */
    int max_redirects;            /* default 10; BIDE_NONE: a 3xx is the answer */
    int max_ratio;                /* how many times its bytes on the wire a body may grow when it is decoded, beyond a MiB;
                                     default 1000; BIDE_UNLIMITED: for who saves to a disk, under a ceiling of its own */
    bide_retry retry;             /* {.attempts = 4, .on_status = BIDE_STATUSES(429, 503)}; default: a failure is one.  Copied */
    int retry_budget;             /* retries for each 100 requests, beside ten at first; default 20; BIDE_UNLIMITED */
    bool raise_for_status;        /* an answer of 400 or more is an error, BIDE_ESTATUS, and its body is not to be had */
    const char *base_url;         /* where relative URLs of requests begin, as in a page there: "v1/" keeps v1, "v1" does not; copied */
    const bide_pair *headers;     /* sent with every request; copied */
    const char *user_agent;       /* default bide/<version>; copied */
    bide_cookie_jar *cookies;     /* shared; default: a jar of the session's own; BIDE_NO_COOKIES; BIDE_COOKIES_PER_REQUEST */
    bide_auth auth;               /* BIDE_BASIC(user, password) and the like, for every request; default: none.  Copied */
    const char *netrc;            /* a file of users and passwords, or BIDE_DEFAULT_NETRC, for hosts that are named in it and asked
                                     by nobody else; read at once.  Default: none */
    bide_hsts *hsts;              /* hosts to be asked over TLS alone, by what they say; shared; default: none, and nobody is believed */
    const char *ca_file;          /* trust these certificates (PEM) in place of the system's; copied */
    bool no_decompress;           /* ask for no content coding, and leave bodies as they come */
    bool insecure;                /* do not verify certificates at all */
    bool ignore_unexpected_eof;   /* a body that ends with the connection is complete also when TLS was not ended
                                     (close_notify): then it may have been cut off.  Default: BIDE_ETRUNCATED */
    bool location_trusted;        /* redirects to other origins get all headers (curl's --location-trusted) */
    const char *const *connect_to; /* NULL-ended "HOST:PORT:ADDR:PORT" (curl's --connect-to); copied */
    bide_dial_fn *dial;           /* opens connections; default: as bide_connect */
    void *dial_arg;               /* borrowed until the last response is released */
    bide_resolve_fn *resolve;     /* says which addresses a name has; not used with .dial; default: as bide_connect */
    void *resolve_arg;            /* borrowed likewise */
    const char *proxy;            /* ask through it: "http://user:password@host:3128", https, socks5h (the proxy looks names
                                     up), socks5 (they are looked up here), socks4a; two, in the order in which they are
                                     reached: "socks5h://a, http://b"; copied.  https goes through a tunnel (CONNECT).
                                     Default: none; "": none, whatever the environment says */
    const char *no_proxy;         /* hosts that are asked directly: "localhost, .example.com, 10.0.0.0/8, a.test:81, *";
                                     copied.  Default: with proxy_from_env what NO_PROXY says, else none */
    bool proxy_from_env;          /* http_proxy, https_proxy, all_proxy and NO_PROXY say which; read now.  Default: not */
    bide_tls *tls;                /* TLS as this context says; a share is kept.  In place of ca_file, insecure, tls_options */
    const bide_tls_args *tls_options; /* how TLS is to be done: BIDE_TLS(.cert_file = "me.pem", .pins = "sha256//...");
                                     copied.  ca_file and insecure are short for those in it; .alpn and .server are ours */
    const char *const *resolve_to; /* NULL-ended "HOST:PORT:ADDRESS[,ADDRESS]" (curl's --resolve): that name has these
                                     addresses, and nobody is asked for them; copied.  PORT *: any */
    bool ipv4_only, ipv6_only;    /* no address of the other kind is tried; not both */
    bool public_only;             /* no address of this machine or a private network is connected to, whatever a name or a redirect
                                     leads to (BIDE_EPRIVATE): for URLs of strangers.  Not with a dial, nor over proxies, for who
                                     knows where they lead */
    const char *interface;        /* where connections leave from: a local address, or the name of an interface; copied */
    const char *unix_socket;      /* ask over this socket, whatever the host is: a path, or "@name" for an abstract one;
                                     copied.  Default: TCP */
    bide_transport *transport;    /* who answers in place of the network (transport.h); shared.  Default: the network */
    const bide_around *around;    /* functions around each try: BIDE_AROUND({.before = sign, .arg = key}); copied */
    bide_session *connections_of; /* use the connections of this session, and its limits, instead of some of its own; a share.  Their
                                     limits, dial, resolve, connect_to, resolve_to, interface and the like, max_head_bytes and
                                     keepalive_ms are for that one to say; cookies, users, headers, proxies, TLS and times are
                                     each one's own, and a connection is used by those alone who want the same TLS and proxy */
    const bide_dns_args *dns;     /* how names are looked up: BIDE_DNS(.servers = "127.0.0.1:5353"); copied.  Default: as /etc/resolv.conf
                                     says, with one cache for all who do */
    int local_port, local_port_last; /* connections leave from this port, or from one of these; default: any.  As many are open at
                                     most, and a port that was in use is free again only after a minute */
    int64_t max_rate;             /* bytes per second of a request: its body does not go out faster, nor its answer come in, which
                                     is left to wait in the kernel; default, and BIDE_UNLIMITED: as fast as they can */
    int64_t max_rate_total;       /* the same of all requests together, for each direction */
    bide_trace_fn *trace;         /* called at each step of each request (trace.h); default: nobody looks */
    void *trace_arg;              /* borrowed until the last response is released */
} bide_session_args;

/*
 * Make a session.
 *
 * Returns:   the session, or NULL
 * Errors:    BIDE_ENOMEM; -EINVAL names a bad option; BIDE_ETLS for a ca_file that cannot be used; for .netrc
 *            -ENOENT and the like, and BIDE_ESTATE: the file is none; BIDE_ESTATE, too, for .connections_of a session that another
 *            thread's loop uses
 * Owns:      the result is owned; release it after its responses
 * Example:   bide_auto bide_session *s = bide_session_new(.limit_per_host = 8);
 */
#define bide_session_new(...) BIDE__CALL(bide_session_new_with(BIDE__ARGS(bide_session_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_session *bide_session_new_with(const bide_session_args *args);

/*
 * Close the connections that no request uses now, those that are shared with other sessions too, so that the next ones look names up
 * and connect again.
 *
 * Returns:   how many there were
 * Errors:    -EINVAL for NULL; BIDE_ESTATE for a session that another thread's loop uses
 * Example:   bide_session_close_idle(s);
 */
BIDE_API int bide_session_close_idle(bide_session *s);

/*
 * The jar of a session: what servers have set, to be looked at, changed, saved.
 *
 * Returns:   the jar, empty if nothing was set; BIDE_NO_COOKIES or BIDE_COOKIES_PER_REQUEST if the session was made with that; or
 *            NULL
 * Errors:    BIDE_ENOMEM; -EINVAL for NULL
 * Owns:      borrowed from the session
 * Example:   BIDE_TRY(bide_cookie_jar_save(bide_session_cookies(s), "cookies.txt"));
 */
BIDE_API bide_cookie_jar *bide_session_cookies(bide_session *s);

/* Numbers of a session since it was made; those of connections and bytes count what all do who share them. */
typedef struct bide_session_stats {
    uint64_t requests;      /* exchanges, redirects and retries included */
    uint64_t connections;   /* opened */
    uint64_t reused;        /* requests on a connection that had served before */
    uint64_t bytes_in, bytes_out;
    int open, idle, waiting; /* now: connections, those without a request, requests that wait for one */
    int responses;           /* now: those that are not released, and requests under way */
} bide_session_stats;

/* What this session has done so far. */
BIDE_API void bide_session_get_stats_into(const bide_session *s, bide_session_stats *out, size_t size);
static inline bide_session_stats bide_session_get_stats(const bide_session *s)
{
    bide_session_stats stats;
    bide_session_get_stats_into(s, &stats, sizeof stats);
    return stats;
}

#ifdef __cplusplus
}
#endif
#endif
