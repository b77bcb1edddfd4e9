/* SPDX-License-Identifier: MIT */
/*
 * tunnel.h - routes: how connections get to an origin, if not directly; over proxies, or to a Unix socket.
 *
 *     "socks5h://a:1080, http://me:secret@b:3128"
 *
 *     client --tcp--> hop a --SOCKS--> hop b --CONNECT--> origin      a tunnel: https
 *     client --tcp--> hop a --SOCKS--> hop b                          forwarded: http, and b gets the whole URL
 *
 * A route is shared by all who name it by the same text, and never changes but for what its proxies have asked for
 * (Digest).  It is a part of what makes two requests able to share a connection.
 *
 * In reading order: route.c (made of a text, and shared), choice.c (which one for a URL), open.c (a stream through it),
 * socks_hop.c and connect_hop.c (one hop), credentials.c (what a proxy wants to know of the user).
 *
 * Invariants:
 *   R1  user and password of a hop are written into the bytes for that hop, and nowhere else (D3).
 *   R2  a route without shares is gone, and its secrets are erased.
 */
#ifndef BIDE_HTTP_TUNNEL_H
#define BIDE_HTTP_TUNNEL_H

#include "http/auth/digest.h"
#include "http/proxy/proxy.h"
#include "io/io.h"

#define ROUTE_HOPS_MAX 2
#define HOP_SHOWN_MAX (PROXY_PART_MAX + 24)

struct hop {
    struct proxy proxy;
    struct digest *digest;       /* its last challenge, if it was one of Digest; NULL */
    const char *name;            /* the host without brackets */
    char host[PROXY_PART_MAX + 1];
    char shown[HOP_SHOWN_MAX];   /* "http://b:3128": for messages */
};

struct route {
    struct map_node node; /* routes.all */
    struct routes *routes; /* NULL: they are gone */
    unsigned shares;
    bide_tls *tls;           /* a share: for proxies that speak TLS; NULL: there is none */
    const char *unix_socket; /* "unix:/path"; NULL: there are hops */
    unsigned nhops;
    struct hop *hops;
    size_t text_len;
    char text[]; /* the key */
};

/* All routes of a connector that are in use. */
struct routes {
    struct map all; /* by text and TLS context */
    struct buf key; /* to look one up */
};

/* ---- route.c ---- */

int bide__routes_init(struct routes *rs); /* 0 or BIDE_ENOMEM */
/* Routes that are still shared live on without it. */
void bide__routes_free(struct routes *rs);
/*
 * The route of this text: proxies in the order in which they are reached, or unix:PATH.  tls: for proxies that speak TLS;
 * borrowed.  A share; NULL: BIDE_EURL says what is wrong, BIDE_ENOMEM.
 */
struct route *bide__route_get(struct routes *rs, const char *text, bide_tls *tls);
static inline struct route *bide__route_share(struct route *r)
{
    r->shares++;
    return r;
}
void bide__route_release(struct route *r); /* NULL: nothing */
/* Does the text name a proxy that speaks TLS? */
bool bide__route_needs_tls(const char *text);
/* Would it be one?  0, or BIDE_EURL on record. */
int bide__route_check(const char *text);
/* The last hop takes requests as they are, if they are plain http. */
static inline bool bide__route_forwards(const struct route *r, const struct url *u)
{
    return r->nhops > 0 && !bide__url_is_secure(u) && r->hops[r->nhops - 1].proxy.kind <= PROXY_HTTPS;
}

/* ---- choice.c: which one for a URL ---- */

/* What a session says; its texts are borrowed. */
struct route_choice {
    const char *text;            /* for all URLs; NULL: by scheme */
    const char *plain, *secure;  /* as the environment says, for http and https; NULL: none */
    const char *except;          /* NO_PROXY; NULL: nothing */
};

/* What the environment says; NO_PROXY only if nothing else was said.  0 or BIDE_ENOMEM on record. */
int bide__route_choice_from_env(struct route_choice *c, struct arena *arena);
/* The text of the route for this URL; NULL: directly. */
const char *bide__route_choose(const struct route_choice *c, const struct url *u);

/* ---- open.c ---- */

/*
 * Connect to o's host through the route, with TLS as o says; `dial` makes the connection to its first hop.  For one that is
 * forwarded o's host is the last hop itself.
 *
 * Suspends.  NULL: an error on record; it names the hop that has failed.
 */
bide_stream *bide__route_open(struct route *r, bool is_forwarded, const struct connect_options *o,
                              bide_stream *(*dial)(const struct connect_options *o));

/* ---- between the files ---- */

/* Again: on a new connection, with what it has asked for; next: likewise, and to the next address of the name. */
enum { HOP_OPEN = 0, HOP_AGAIN = 1, HOP_NEXT = 2 };

/* From this hop on to host and port, over a stream that leads to it.  HOP_OPEN, HOP_AGAIN, or an error on record. */
int bide__connect_hop(struct hop *hop, bide_stream *s, const char *host, int port);
/* To o's host and port.  socks5: to the which-th of the addresses that it has here; with HOP_NEXT there is another one. */
int bide__socks_hop(struct hop *hop, bide_stream *s, const struct connect_options *o, size_t which);

/* ---- credentials.c ---- */

#define CREDENTIALS_MAX 6144

/* Room for what bide__hop_credentials writes now. */
static inline size_t bide__hop_credentials_room(const struct hop *hop)
{
    return hop->digest ? CREDENTIALS_MAX : 4 * PROXY_PART_MAX;
}
/*
 * The value of Proxy-Authorization for a request of this method and target: its length, with a NUL behind; 0: the hop has
 * no user; or an error on record.
 */
ssize_t bide__hop_credentials(struct hop *hop, const char *method, const char *target, char *out);
/* It said 407: is there an answer that it has not had yet?  fields: its Proxy-Authenticate, n of them.  1; 0; BIDE_ENOMEM. */
int bide__hop_challenged(struct hop *hop, const struct slice *fields, size_t n);

#endif
