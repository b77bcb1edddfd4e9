/* SPDX-License-Identifier: MIT */
/*
 * redis.h - the pool over Redis: the side that submits, and worker hosts.
 *
 *     client                        Redis                                       worker host
 *     bide_pool_submit --XADD--> bide:{NAME}:jobs  (group w) --XREADGROUP--> a pool of its own
 *     future settled  <--XREAD-- bide:{NAME}:results:CLIENT <--- done: XACK + XDEL + XADD, one script
 *     cancelled ------XDEL, XACK-------> bide:{NAME}:cancelled --------------XREAD--> stops it
 *                                bide:{NAME}:dead
 *
 * client.c adding.c results.c | host.c running.c answers.c lease.c cancel.c
 * shutdown.c
 *
 * Invariants:
 *   R1  A job is in the jobs stream from its XADD until the script that also writes its result: none gets lost between.
 *   R2  A result is written only by who acknowledges the job, so once; the client drops what it does not wait for.
 *   R3  What a connection had not answered when it broke is taken as not done, and done again.
 *   R4  Everything is kept on the server's clock: those of the hosts may differ.
 */
#ifndef BIDE_POOL_REDIS_REDIS_H
#define BIDE_POOL_REDIS_REDIS_H

#include "pool/jobs/backend.h"
#include "pool/redis/link/link.h"

/* ---- client.c, results.c: the side that submits ---- */

extern const struct pool_backend bide__redis_backend;

/* The pool's own. */
struct redis_client {
    bide_pool *pool;
    struct redis_address address;
    struct redis_link link;
    char id[33], jobs_key[REDIS_KEY_MAX], results_key[REDIS_KEY_MAX], cancelled_key[REDIS_KEY_MAX];
    struct list_node unsent; /* jobs */
    bide_task *results;
    struct redis_id next; /* result to read */
    int64_t check_ns;     /* how often it looks for lost jobs, and at those of what age */
    void (*checked_fn)(void); /* the last one that was found to be registered, and its name */
    const char *checked_name;
    bool leaving;
};
static inline struct redis_client *bide__redis_client(const bide_pool *p)
{
    return p->own;
}

/* Our stream of results, also when it was forgotten: hosts write only where there is one. */
int bide__redis_results_stream(struct redis_client *c, struct redis_conn *conn);
int bide__redis_results_main(struct redis_client *c);

/* ---- adding.c ---- */
void bide__redis_unsent(struct redis_client *c, struct job *j); /* to be added, once more if it was before */
void bide__redis_take_back(struct redis_client *c, struct redis_id id);
extern const struct redis_link_ops bide__redis_client_ops;

/* ---- host.c, running.c, answers.c, lease.c, cancel.c, shutdown.c: the side that runs ---- */

struct held {
    struct list_node node; /* in running, finished, sent, or left */
    struct redis_host *host;
    struct redis_id id;
    struct redis_call call;
    struct redis_answer answer;
    struct job *job; /* a share; NULL: it could not be started */
    char *details;     /* text NUL trace NUL */
    size_t details_len;
    int64_t began_ns;
    uint64_t round; /* of the last renewal that asked for it; 0: none */
    bool dead;      /* keep it among the dead */
    bool taken;     /* it is not ours any more: no answer */
    bool unwanted;  /* it had not begun when the host began to stop: give it back */
};

struct redis_host {
    bide_loop *loop;
    bide_pool *pool; /* the local one */
    struct redis_address address;
    struct redis_link link;
    bide_pool_serve_args args;
    char id[160], jobs_key[REDIS_KEY_MAX], dead_key[REDIS_KEY_MAX], cancelled_key[REDIS_KEY_MAX], lease[24];
    struct redis_id last_cancelled; /* the last entry of cancelled_key that was read */
    struct list_node running, finished, sent, left;
    unsigned nheld;
    uint64_t round;           /* of renewals, from 1 */
    int64_t renewed_ns;
    struct list_node room;    /* the fetcher, while all slots are taken */
    struct list_node changed; /* who waits for the end */
    bide_task *fetcher, *leaser, *listener;
    int code; /* the local pool has failed */
    bool leaving;
};

#define REDIS_SLOTS_MAX 4096
int bide__redis_serve(const bide_pool_serve_args *args); /* args->pool is of this machine.  Suspends */
/* The call that an entry asks for, if that is how the function was registered; else an error on record. */
int bide__redis_job(bide_job *job, const bide_pool_named *named, const struct redis_call *call, const redisReply *argument);
/* Begin a job.  Suspends: while the local pool has no room for its argument. */
void bide__redis_take(struct redis_host *h, const struct redis_entry *e);
void bide__redis_held_fail(struct held *x, int code, const char *text); /* whatever it was: it goes to finished */
bool bide__redis_fill_answers(struct redis_host *h);
void bide__redis_answers_lost(struct redis_host *h);
void bide__redis_held_free(struct held *x);
int bide__redis_lease_step(struct redis_host *h, struct redis_conn *conn);
int bide__redis_cancel_step(struct redis_host *h, struct redis_conn *conn);
/* One that runs is not ours any more: stop it, without an answer. */
void bide__redis_take_away(struct held *x);
void bide__redis_shutdown(struct redis_host *h); /* suspends */

#endif
