/* SPDX-License-Identifier: MIT */
/*
 * pool_redis.h - a pool whose workers are on several machines, over Redis (6.2 or newer), and the hosts that run its jobs:
 * bide_pool_new(.redis = "redis://host:6379/0", .name = "pages").
 *
 * Jobs then run wherever a program serves that name.  Functions go by name (BIDE_POOL_TASK, with their parameters),
 * arguments and results as bytes: hosts of different builds may serve one queue, as long as a function takes the same in
 * all of them; a call that was made for another size is refused.
 *
 * The URL is redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DB[/NAME]] or unix:/PATH; without a password, that of
 * $BIDE_REDIS_PASSWORD.  Of the options only redis, name, tls, max_pending, max_pending_bytes, timeout_ms, close_ms,
 * grace_ms, on_event and arg mean anything.
 *
 * At least once: a job whose host dies or is cut off runs again on another one, also if it was nearly done, so it
 * must do no harm if it runs twice.  Its result comes once.  Jobs that wait survive their hosts, and Redis itself as far
 * as it keeps its data; the pool adds again what a restarted Redis has forgotten.  Those of a program that died run all
 * the same, and their results go nowhere.
 *
 * What is different: no descriptors, which mean something on their own machine only; no bide_pool_each and no
 * bide_pool_resize, since hosts come and go and nobody knows them all (each of these: -ENOTSUP); keys mean nothing.  A
 * job that runs is cancelled at once; if its host is cut off just then, when that renews its leases.  Progress and parts
 * of a running job (bide_worker_progress, bide_worker_emit) may be lost with a connection or while the program does not
 * read, or come twice.
 *
 * Errors of bide_pool_new: -ECONNREFUSED and the like; -EACCES: wrong password, or not allowed; -EPROTONOSUPPORT: older
 * than 6.2; -EROFS: a replica; -EREMOTEIO: what else it answers (a database that is not there, another node of a
 * cluster); -EINVAL: a wrong URL or name, or a Redis that evicts keys when it is full (maxmemory-policy).  Of a job:
 * -E2BIG: an argument or result of more than 256 MiB, or than the server takes (proto-max-bulk-len); BIDE_ELIMIT: Redis
 * is full; BIDE_EFUNCTION: its host does not know it or its parameters, or takes another argument or result; BIDE_EWORKER: no host
 * survived it.
 */
#ifndef BIDE_POOL_REDIS_H
#define BIDE_POOL_REDIS_H

#include <stdbool.h>

#include <bide/pool_report.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What bide_pool_serve takes; zero means the default. */
typedef struct bide_pool_serve_args {
    size_t size; /* of this struct; set by the macro */
    const char *redis; /* URL; NULL: $BIDE_REDIS, which `bide worker` sets */
    const char *name;  /* of the queue; NULL: $BIDE_REDIS_NAME likewise, or the third part of the URL */
    struct bide_use_named_options *guard_;
    bide_pool *pool;      /* runs the jobs; borrowed; default: one of its own, with the defaults */
    struct bide_tls *tls; /* for rediss; default: what the system trusts */
    int slots;            /* jobs taken at once, running or next to run; default 2 x workers x 16; 1 to 4096 */
    int64_t lease_ms;     /* a host that renews no lease for so long loses its jobs to others; default 30,000, at least 30 */
    int max_deliveries;   /* of a job whose hosts vanish; then it fails and is kept in the queue's list of dead jobs; default 3 */
    int64_t close_ms;     /* when it stops: time for jobs that run; default 10,000; BIDE_FOREVER: no limit */
    bool until_signal;    /* stop in order at SIGINT or SIGTERM; always so if redis is NULL */
    void (*on_event)(const bide_pool_event *event, void *arg); /* must not wait; default: none; under `bide worker`, lines on standard error */
    void *arg;
} bide_pool_serve_args;

/*
 * Be a worker host: take jobs from Redis, run them in a pool of this machine, send the results back.
 *
 * A job that kills its worker fails alone, as in any pool.  If the connection is lost, jobs go on, and what they return
 * is sent when it is back.  When it ends, those that have not begun go back to the queue at once, those that run are given
 * close_ms; a second signal is not caught.
 *
 * Suspends:  until cancelled, or a signal; a cancellation point
 * Returns:   0 after a signal
 * Errors:    BIDE_ECANCELED; those of bide_pool_new; BIDE_EPOOL when the pool of this machine has failed; -EINVAL names an
 *            impossible option
 * Owns:      what the options point to is borrowed for the call
 * Example:   return bide_pool_serve("redis://10.0.0.5/0", "pages", .pool = pool);
 */
#define bide_pool_serve(redis_, ...) BIDE__CALL(bide_pool_serve_with(BIDE__ARGS(bide_pool_serve_args, .redis = (redis_), .name = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_pool_serve_with(const bide_pool_serve_args *args);

#ifdef __cplusplus
}
#endif
#endif
