/* SPDX-License-Identifier: MIT */
/*
 * threads.h - what the threads of a server have in common: threads.c, and server.c, which has one such server in each.
 */
#ifndef BIDE_HTTP_SERVER_THREADS_H
#define BIDE_HTTP_SERVER_THREADS_H

#include <stdatomic.h>

#include <bide/server.h>
#include <bide/tls.h>

struct server_group; /* the other threads, and the limits that all share */
typedef struct bide_loop bide_loop;

/* Written by one thread, read by any. */
struct server_counts {
    _Atomic uint64_t requests, connections, bytes_in, bytes_out; /* bytes: of connections that are closed, and as they were counted */
    atomic_int open;
    _Atomic uint64_t by_status[600];
};

static inline uint64_t bide__counted(const _Atomic uint64_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

static inline void bide__count(_Atomic uint64_t *n, uint64_t by)
{
    atomic_store_explicit(n, bide__counted(n) + by, memory_order_relaxed);
}

static inline void bide__add_counts(const struct server_counts *counts, bide_server_stats *to)
{
    to->requests += bide__counted(&counts->requests);
    to->connections += bide__counted(&counts->connections);
    to->bytes_in += bide__counted(&counts->bytes_in);
    to->bytes_out += bide__counted(&counts->bytes_out);
    to->open += atomic_load_explicit(&counts->open, memory_order_relaxed);
}

/* What the threads of a server have in common; one without others has it for itself. */
struct server_shared {
    atomic_int open;           /* connections */
    atomic_int waiting;        /* acceptors, for there are too many of these */
    atomic_size_t bodies_held; /* memory of the bodies of running requests */
};

/* What a server is a part of, and must listen on; for the first of a group NULL. */
struct server_in {
    struct server_group *group;
    struct server_counts *counts;
    struct server_shared *shared;
    int port;
    const bide_tls *tls; /* whose ticket keys it has, too; NULL: no TLS */
};

/* What server.c lends it, which it does not call by name: each of them would know the other. */
struct server_ops {
    bide_server *(*open)(const bide_server_args *args, const struct server_in *in); /* it listens; NULL: error on record */
    int (*accept)(bide_server *s);                                                  /* begin to take connections */
    int (*stop)(bide_server *s, int64_t grace_ms);
};

/* s listens: start the other threads.  After an error, bide__shards_end ends those that there are. */
int bide__shards_start(bide_server *s, const struct server_ops *ops, int threads, const bide_tls *tls);
/* The starter takes connections now: so do they. */
void bide__shards_go(struct server_group *g);
/* Have all stop; *all is for bide__shards_stop_end, which waits, and gives the first error: `first`, if that is one already. */
int bide__shards_stop_begin(struct server_group *g, int64_t grace_ms, bide_future ***all);
int bide__shards_stop_end(struct server_group *g, bide_future **all, int first);
/* End the threads, cancelling what runs in them, and free it.  can_wait: the caller's loop may go on meanwhile. */
void bide__shards_end(struct server_group *g, bool can_wait);
void bide__shards_close_inherited(struct server_group *g);
/* A connection has ended in this loop: the acceptors of the others may wait for that. */
void bide__shards_has_room(struct server_group *g, const bide_loop *here);
uint64_t bide__shards_count(const struct server_group *g, int status);
void bide__shards_add_stats(const struct server_group *g, bide_server_stats *to);

#endif
