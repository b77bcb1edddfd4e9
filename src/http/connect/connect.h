/* SPDX-License-Identifier: MIT */
/*
 * connect.h - the pool of connections: what the client wants of it, and what its files share.
 *
 * It takes an origin, a deadline and a TLS context, and gives a connection; it knows neither requests nor sessions, nor
 * what is spoken on its connections.
 *
 *     connector -- hosts:   "http a:80"    idle: conn (latest), conn ...    waiters: waiter (oldest), waiter ...
 *               |           |              shared: conn with exchanges, and places for more ...
 *               |           "https b:443"  ...
 *               -- idle:    conn (idle for the longest time), conn ... of all hosts
 *               -- blocked: hosts whose waiters wait for a slot of the connector
 *
 * A connection has places for max_exchanges exchanges at a time; HTTP/1 has one.  What a request takes, waits for and gives
 * back is a place.  A slot is the right to have a connection.
 *
 * In reading order: origin.c (origins), waiters.c (slots, and who waits), idle.c (connections that nobody uses), info.c, conn.c
 * (a connection and its places), pool.c (taking and giving).
 *
 * Invariants:
 *   P1  open = sum of host.open = connections, idle ones included, and slots taken by those who are connecting.
 *       busy = open - nidle, of a host and of all: busy <= limit, open <= limit + idle_limit.
 *   P2  a host with an idle connection has no waiters, unless as many are busy in all as may be; one with a shared
 *       connection has none.
 *   P3  a host is in `blocked` just if it has waiters and busy < limit_per_host; then as many are busy in all as may be.
 *   P4  a connection is in host.shared just if 0 < exchanges < max_exchanges and it is not ending; in `idle`, just if
 *       nobody uses it.
 */
#ifndef BIDE_HTTP_CONNECT_H
#define BIDE_HTTP_CONNECT_H

#include "http/connect/deadline.h"
#include "http/connect/info.h"
#include "http/connect/override.h"
#include "http/tunnel/tunnel.h"
#include "io/io.h"

#define NS_PER_MS 1000000
#define CONN_BUFFER_SIZE 16384 /* of a connection that has to keep bytes */

/*
 * What makes two requests able to share a connection; compared field by field.
 *
 * An option that changes what is at the other end, or how it is trusted, belongs here, unless it is the same for the
 * whole connector, as the overrides are.  All options of TLS are in its context, of which there is one for all who want
 * the same.
 */
struct origin {
    const char *host; /* canonical, an IPv6 address in brackets */
    uint32_t host_len;
    uint16_t port;
    bool secure;
    bool is_forwarded;   /* it is the last proxy of the route, which passes requests on */
    struct route *route; /* NULL: directly */
    bide_tls *tls;       /* NULL: not secure */
};
_Static_assert(sizeof(struct origin) == 3 * sizeof(void *) + 8, "a new part of the origin must be compared, too");

/* An origin and its connections. */
struct host {
    struct map_node node; /* connect.hosts, by "https://host:port" */
    struct origin origin; /* with a share of its route, and of its TLS context */
    struct connector *connector;
    struct list_node idle;    /* the latest first */
    struct list_node shared;  /* in use, with places left */
    struct list_node waiters; /* in order */
    struct list_node blocked; /* connector.blocked */
    int open, nidle;
    int in_use;           /* calls that have it in hand */
    const char *name;     /* the host without brackets and zone: for its certificate */
    const char *own_dial; /* with its zone */
    const char *dial;     /* where to connect to: own_dial, unless there is an override */
    int dial_port;
    const char *addresses; /* of `dial`; NULL: it is looked up */
    char text[];          /* the key of node, then name and own_dial */
};

struct conn;
struct exchange;

/* What is spoken on connections: exchange/ brings it, and connect/ says when a connection comes and goes. */
struct protocol {
    /* Its stream is there.  May set what it keeps (state), and the connection's protocol to another one.  0 or an error. */
    int (*open)(struct conn *c);
    /* The first or next exchange, on a connection that was taken. */
    struct exchange *(*begin)(struct conn *c);
    /* It goes: free the state. */
    void (*close)(struct conn *c);
};

struct conn {
    struct host *host;
    const struct protocol *protocol;
    void *state; /* the protocol's */
    bide_stream *stream;
    int max_exchanges; /* at a time: the protocol may set it when it opens, or later and offer them */
    int exchanges;     /* places taken */
    bool is_ending;    /* no exchange will begin on it any more */
    struct list_node in_host; /* host.idle, or host.shared */
    struct list_node in_idle; /* while idle */
    struct clause clause;   /* while idle: something came, or it was closed */
    struct ready ready;
    struct buf in;          /* received and not taken yet; has memory only then */
    uint64_t served;        /* exchanges that have begun */
    uint64_t counted_in, counted_out; /* bytes that connector.bytes_in and bytes_out have already */
    int64_t idle_since_ns, idle_until_ns;
    int64_t old_at_ns;      /* then it takes no exchange any more; INT64_MAX: never */
    struct connect_times times;
    struct conn_info *info; /* a share, once there is a stream */
};

struct connector {
    /* its owner's */
    bide_loop *loop;
    bide_stream *(*dial)(const struct connect_options *o); /* bide__connect */
    struct connect_hooks hooks;                            /* the user's parts of it */
    int limit, limit_per_host, idle_limit, idle_limit_per_host;
    int64_t keepalive_ms, max_age_ms; /* the latter 0: any age will do */
    size_t buffer_max; /* bytes that a connection may keep */
    const struct protocol *protocol; /* what new connections speak */
    void *protocol_context;          /* what it needs to know of its owner */
    const struct connect_override *overrides;
    size_t noverrides;
    const struct address_override *addresses;
    size_t naddresses;
    int family;            /* as in connect_options */
    bool public_only;      /* likewise */
    const char *interface; /* likewise */
    int local_port, local_port_last;
    const struct dns_config *dns;
    bool is_closing; /* keep nothing any more */

    struct routes routes;
    struct map hosts;
    struct host *last_host; /* of the latest request: most often also of the next */
    struct buf key;         /* to look one up */
    int open, nwaiting, nidle;
    bool is_sharing; /* bide__share_slots runs */
    struct list_node idle, blocked;
    uint64_t tickets;
    uint64_t old_servers[16]; /* the hashes of origins that answered in HTTP/1.0, as far as there is room (R7) */
    unsigned nold_servers;    /* since it was made */
    struct timer idle_timer;
    void *spare_buffers[16]; /* CONN_BUFFER_SIZE bytes each */
    unsigned nspare_buffers;
    uint64_t connections, bytes_in, bytes_out; /* since it was made */
};

/* ---- pool.c, for the client ---- */

int bide__connector_init(struct connector *k); /* 0, or BIDE_ENOMEM on record; what is its owner's stays as it is */
void bide__connector_free(struct connector *k);
/*
 * A place on a connection to the origin: on one that is in use and has one left, on an idle one, on a new one, or the first
 * that becomes free.  `fresh`: on a new one; if it had to wait, perhaps on one that others use.  NULL: an error on record,
 * of the phase that the deadline says.
 */
struct conn *bide__connector_take(struct connector *k, const struct origin *origin, struct deadline *d, bool fresh);
/* Done with a place: keep the connection for the next.  hint_ms: what the server said that it keeps it for; negative:
   nothing. */
void bide__connector_give(struct conn *c, int64_t hint_ms);
/* Done with a place, and no exchange shall begin on the connection any more: who is the last there closes it. */
void bide__connector_close(struct conn *c);
/* The stream alone, owned, with what was received on it and not taken: the connection goes without it, and its slot is free. */
bide_stream *bide__connector_steal(struct conn *c);
void bide__connector_close_idle(struct connector *k);

/* ---- conn.c ---- */

/* Room for n more bytes behind c->in; NULL and an error on record. */
char *bide__conn_reserve(struct conn *c, size_t n);
/* A connection of this origin with one place, which is taken, and without a stream yet; NULL and an error on record. */
struct conn *bide__conn_new(struct host *h);
/* One that has no stream goes. */
void bide__conn_discard(struct conn *c);
/* Its stream is there; taken, also on failure.  0, or an error on record: then free it. */
int bide__conn_opened(struct conn *c, bide_stream *stream);
/* What it has moved is counted, and its buffer, which is empty, goes to others. */
void bide__conn_rest(struct conn *c);
/* Everything but its slot. */
void bide__conn_free(struct conn *c);
/* Nobody uses it: it goes, and its slot is free.  May free the host. */
void bide__conn_end(struct conn *c);
/* Places have become free, or there are more of them: to those who wait for one, or to those who come. */
void bide__conn_offer_places(struct conn *c);

/* ---- origin.c: origins ---- */

/* It has answered in HTTP/1.0, and knows no chunks; did it?  Also after its last connection has gone. */
void bide__host_note_old(struct host *h);
bool bide__host_is_old(const struct host *h);

/* Made when it is new.  NULL: out of memory, on record. */
struct host *bide__host_find(struct connector *k, const struct origin *origin);
/* Nothing holds it: forget it. */
void bide__host_free_if_unused(struct host *h);

/* ---- waiters.c: slots, and who waits for one ---- */

/* A task that waits; on its stack. */
struct waiter {
    struct clause clause; /* in host.waiters */
    bide_task *task;
    uint64_t ticket;   /* in order of coming, over all origins */
    struct conn *conn; /* a place on this one, or, if NULL, the slot to open one */
    bool assigned;
};

/* The one who has waited longest for this origin; NULL: nobody. */
struct waiter *bide__host_first_waiter(const struct host *h);
/* Suspends.  0: w has what it waited for; else what ended the wait, and w may have it even so. */
int bide__wait_for_turn(struct host *h, struct waiter *w, struct deadline *d);
/* Give w a place on c, or, if that is NULL, a slot. */
void bide__assign(struct host *h, struct waiter *w, struct conn *c);
/* Has another origin, which has to have a slot first, waited longer than w (NULL: nobody)?  Then it is the next to get
   one. */
bool bide__yield_to_older_waiter(struct host *h, const struct waiter *w);
/* May one more connection of this origin, or of any, be in use? */
static inline bool bide__may_be_busy(const struct host *h)
{
    const struct connector *k = h->connector;

    return h->open - h->nidle < k->limit_per_host && k->open - k->nidle < k->limit;
}
/* What the host has in use has changed. */
never_indirect void bide__update_blocked(struct host *h);
/* Slots that nobody has go to those who wait for one. */
void bide__share_slots(struct connector *k);
/* A connection of this origin is going to be there. */
void bide__take_slot(struct host *h);
/* It is gone: who needs a slot gets it.  May free h. */
void bide__free_slot(struct host *h);

/* ---- idle.c: connections that nobody uses ---- */

void bide__idle_add(struct conn *c, int64_t keep_ms);
/* The one used last that is still good; NULL: there is none. */
struct conn *bide__idle_take(struct host *h);
void bide__idle_close(struct conn *c);
/* May one more be open in all?  What was used longest ago gives way. */
bool bide__idle_make_room(struct connector *k);
void bide__idle_fired(struct timer *t);     /* connector.idle_timer */

#endif
