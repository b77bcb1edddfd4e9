/* SPDX-License-Identifier: MIT */
/*
 * connect.h - connections that are made.
 *
 * In reading order: dns.c (dns.h), local.c, public.c, race.c, connect.c, hooks.c, lookup.c.
 */
#ifndef BIDE_IO_CONNECT_H
#define BIDE_IO_CONNECT_H

#include <bide/dns.h>

#include "io/stream/addr.h"
#include "io/stream/stream.h"
#include "io/tls/tls.h"

/* ---- connect.c ---- */

/* Nanoseconds of bide__clock_ns when each step was over; 0: it was not needed. */
struct connect_times {
    int64_t dns, proxy, connect, tls;
};

/* The user's functions that do a part of connecting; each NULL: the library does it. */
struct connect_hooks {
    bide_dial_fn *dial;
    void *dial_arg;
    bide_resolve_fn *resolve;
    void *resolve_arg;
};

/* A step of connecting, for who observes it. */
enum connect_step_kind {
    STEP_NAME,       /* a name is asked for */
    STEP_NAME_KNOWN, /* nobody had to be asked: it was kept, or stands in /etc/hosts */
    STEP_NAME_ASKED, /* somebody had */
    STEP_NAME_DONE,  /* there is an address, or code says why there is none */
    STEP_TRY,        /* an address is tried */
    STEP_TRY_DONE,   /* it has connected, or code: why not; BIDE_ECANCELED: another was faster */
    STEP_PROXY,      /* a proxy has let us pass */
    STEP_TLS, STEP_TLS_DONE,
};

struct connect_step {
    enum connect_step_kind kind;
    int code;
    const char *host;    /* what the step is about */
    int port;
    const char *address; /* of STEP_TRY and STEP_TRY_DONE; NULL */
    const bide_stream *stream; /* of STEP_TLS_DONE with code 0; NULL */
};

struct connect_observer {
    void (*see)(struct connect_observer *o, const struct connect_step *step); /* does not wait */
};

/* The options of a resolver; owned by who made them. */
struct dns_config;

struct connect_options {
    const char *host; /* name, literal address or unix:/path */
    int port;
    bide_tls *tls;           /* borrowed; NULL: plain */
    const char *server_name; /* NULL: host */
    size_t max_buffer;
    struct connect_times *times; /* may be NULL */
    const struct connect_hooks *hooks; /* NULL: none */
    int64_t tls_ms;              /* for the handshake of TLS; 0: the caller's own limit is enough */
    const char *addresses;       /* those of the host, with commas between; NULL: it is looked up */
    const char *interface;       /* where it leaves from: a local address, or an interface's name; NULL: as the kernel says */
    int local_port;              /* the port it leaves from, or the first of a range; 0: any */
    int local_port_last;         /* the last; 0: there is one alone */
    const struct dns_config *dns; /* who is asked; NULL: as this machine does */
    int family;                  /* AF_INET, AF_INET6: no other is tried; 0: both */
    bool public_only;            /* nor one that is not of the public internet */
    struct connect_observer *observer; /* NULL: nobody */
    bool unbuffered;             /* the caller reads what is behind the stream's own buffer (bide__stream_try_recv) */
    bool (*spare)(void *arg);    /* no descriptor is free: close what nobody uses; false: there is nothing.  NULL */
    void *spare_arg;
};

/* A step is over now, unless it was before. */
static inline void bide__connect_mark(int64_t *time)
{
    if (time && *time == 0)
        *time = bide__clock_ns();
}

/* bide_connect without its own timeout. */
bide_stream *bide__connect(const struct connect_options *o);
/* Its last step: TLS on a stream that leads to o's host, if o says so.  0 or an error on record. */
int bide__connect_tls(bide_stream *s, const struct connect_options *o);

static inline void bide__connect_emit(const struct connect_options *o, struct connect_step step)
{
    if (unlikely(o->observer))
        o->observer->see(o->observer, &step);
}

/* ---- lookup.c ---- */

/* The which-th address of o's host, from 0, as text.  Suspends.  0, or an error on record: as connecting has them, BIDE_ENAME if
   there are not so many. */
int bide__lookup(const struct connect_options *o, size_t which, char *out, size_t cap);

/* ---- dns_config.c ---- */

/* The options checked, `who` took them; in the arena, or, without one, owned: bide__free.  NULL: an error on record. */
struct dns_config *bide__dns_config_new(struct arena *arena, const bide_dns_args *options, const char *who);

/* ---- race.c: the addresses of a host ---- */

/* One run, from the name on: 1 with the stream in *out, or a code with its story. */
int bide__connect_race(const struct connect_options *o, bide_task *t, bide_stream **out);
/* Without a free descriptor: one that nobody needs is closed, or one is waited for. */
int bide__connect_get_descriptor(const struct connect_options *o);

/* ---- local.c: where a connection leaves from ---- */

/* 0, or -EINVAL on record: `who` took them. */
int bide__local_ports_check(int first, int last, const char *who);
/* Bind a socket that is going to connect to `to`, as o says.  0 or a code. */
int bide__local_bind(int fd, const struct connect_options *o, const struct addr *to);

/* ---- public.c ---- */

/* Of the public internet: not of this machine or a private network, not reserved. */
bool bide__addr_is_public(const struct addr *a);

/* ---- hooks.c ---- */

/* The stream that the user's function opens, ready for what comes next; NULL: an error on record. */
bide_stream *bide__dial(const struct connect_options *o);

#endif
