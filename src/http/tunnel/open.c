/* SPDX-License-Identifier: MIT */
/*
 * open.c - a stream through a route: to its first hop, from hop to hop, to the target.
 *
 * A proxy that asks for credentials and closes is asked once more on a new connection.  An error names the hop at which it
 * came up.
 */
#include "http/tunnel/tunnel.h"

#define ADDRESSES_MAX 8 /* of a name, that a proxy is asked for one after the other */
#define TRIES_MAX 3 /* new nonces that a proxy may ask for, each with a connection that it closes */

/* Which address is tried, of the name that a hop has looked up. */
struct attempt {
    unsigned n;     /* hops to be passed */
    unsigned hop;
    size_t address; /* of that; of others the first */
};

/* Where hop i leads to, and how that is looked up. */
static struct connect_options target_of(const struct route *r, unsigned i, unsigned n, const struct connect_options *o)
{
    struct connect_options to = *o;

    if (i + 1 < r->nhops) {
        to.host = r->hops[i + 1].name;
        to.port = r->hops[i + 1].proxy.port;
    }
    if (i + 1 < n)
        to.addresses = NULL; /* they are of o's host */
    return to;
}

/* TLS with the proxy itself, over what leads to it. */
static int start_tls(const struct hop *hop, bide_stream *s, bide_tls *tls, const struct connect_options *o)
{
    struct connect_step step = {.kind = STEP_TLS, .host = hop->name, .port = hop->proxy.port};
    if (hop->proxy.kind != PROXY_HTTPS)
        return 0;

    bide__connect_emit(o, step);
    step.code = bide__tls_start_client(s, tls, hop->name, hop->proxy.port);
    step.kind = STEP_TLS_DONE;
    step.stream = step.code == 0 ? s : NULL;
    bide__connect_emit(o, step);
    return step.code;
}

static int pass_hop(const struct route *r, unsigned i, bide_stream *s, const struct connect_options *o, const struct attempt *a)
{
    struct hop *hop = &r->hops[i];
    struct connect_options to = target_of(r, i, a->n, o);
    int code = start_tls(hop, s, r->tls, o);

    if (code < 0)
        return code;
    code = hop->proxy.kind <= PROXY_HTTPS ? bide__connect_hop(hop, s, to.host, to.port)
                                          : bide__socks_hop(hop, s, &to, a->hop == i ? a->address : 0);
    if (code == HOP_OPEN)
        bide__connect_emit(o, (struct connect_step){.kind = STEP_PROXY, .host = hop->name, .port = hop->proxy.port});
    return code;
}

static void note_next(struct attempt *a, unsigned hop)
{
    a->address = a->hop == hop ? a->address + 1 : 1;
    a->hop = hop;
}

/* The first hops, one try: HOP_OPEN with the stream in *out, HOP_AGAIN, HOP_NEXT, or an error. */
static int pass_hops(const struct route *r, const struct connect_options *o, struct attempt *a,
                     bide_stream *(*dial)(const struct connect_options *), bide_stream **out)
{
    struct connect_options first = *o;
    first.host = r->hops[0].name;
    first.port = r->hops[0].proxy.port;
    first.tls = NULL;
    first.addresses = NULL; /* they are the target's */
    bide_stream *s = dial(&first);
    int code = s ? 0 : bide_error_code();
    if (o->times) { /* connect: when all hops have been passed */
        o->times->proxy = o->times->connect;
        o->times->connect = 0;
    }
    unsigned i = 0;

    while (code == 0 && i < a->n) {
        code = pass_hop(r, i, s, o, a);
        i += code == 0;
    }
    if (code < 0)
        bide__error_prefix("proxy %s: ", r->hops[i].shown);
    if (code == HOP_NEXT)
        note_next(a, i);
    if (code != 0)
        bide_release(s);
    else
        *out = s;
    return code;
}

/* With the target, through all hops. */
static int finish(bide_stream *s, const struct connect_options *o)
{
    s->alpn[0] = '\0'; /* a proxy's is nothing to who asks */
    return bide__connect_tls(s, o);
}

bide_stream *bide__route_open(struct route *r, bool is_forwarded, const struct connect_options *o,
                              bide_stream *(*dial)(const struct connect_options *o))
{
    struct connect_options own = *o;
    bide_stream *s = NULL;
    unsigned n = r->nhops - is_forwarded;

    if (r->unix_socket)
        own.host = r->unix_socket;
    if (r->unix_socket || n == 0) {
        s = dial(&own);
        if (!s && is_forwarded)
            bide__error_prefix("proxy %s: ", r->hops[0].shown);
        return s;
    }
    struct attempt a = {.n = n};
    int code = HOP_AGAIN;
    for (int tries = 0, addresses = 0; code > 0 && tries < TRIES_MAX && addresses < ADDRESSES_MAX;) {
        code = pass_hops(r, o, &a, dial, &s);
        tries += code == HOP_AGAIN;
        addresses += code == HOP_NEXT;
    }
    if (code == HOP_NEXT)
        code = bide_fail(BIDE_EPROXY, "proxy %s: it reaches none of %d addresses", r->hops[a.hop].shown, ADDRESSES_MAX);
    if (code == HOP_AGAIN)
        code = bide_fail(BIDE_EPROXY, "proxy %s: it asks for credentials again and again", r->hops[0].shown);
    if (code == 0 && finish(s, o) < 0) {
        if (is_forwarded)
            bide__error_prefix("proxy %s: ", r->hops[n].shown);
        bide_release(s);
        return NULL;
    }
    return code == 0 ? s : NULL;
}
