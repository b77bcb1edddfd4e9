/* SPDX-License-Identifier: MIT */
/*
 * backend.h - where the jobs of a pool go: to workers of ours (local/), or through Redis to those of others.
 *
 *     submit, map, stream -> job --> backend->submit ... a worker ... bide__job_succeed or _fail, bide__job_over
 *                                   backend->cancel, when its owner wants it no more
 *                                   backend->forget, when it is over
 */
#ifndef BIDE_POOL_BACKEND_H
#define BIDE_POOL_BACKEND_H

#include "pool/jobs/jobs.h"

struct pool_backend {
    /* Attach the pool, and be ready for jobs.  Suspends.  After a failure of a pool that was attached comes end, too. */
    int (*open)(bide_pool *p);
    /* Can this call be made?  0, or an error on record. */
    int (*check)(bide_pool *p, const bide_pool_call_args *args);
    /* It was checked, and is in the table.  slot: the worker that shall run it, -1: any. */
    void (*submit)(struct job *j, const bide_pool_call_args *args, int slot);
    /* Its owner wants it no more, or the pool is closed.  False: nobody has it, so it is over at once; else it is over when
     * its worker says so. */
    bool (*cancel)(struct job *j);
    /* It is over. */
    void (*forget)(struct job *j);
    /* No more jobs will come.  Suspends, but not forever; at_once: without the grace. */
    void (*end)(bide_pool *p, bool at_once);
    /* The same behind the loop's back: suspends nothing; the jobs fail (bide__pool_fail_jobs). */
    void (*abandon)(bide_pool *p);
    /* In a forked child: close descriptors, no more; NULL: there are none. */
    void (*disown)(bide_pool *p);
    void (*free)(bide_pool *p);
    int (*resize)(bide_pool *p, int workers);
    /* Of workers that are ours; else all NULL, and no_workers says where they are. */
    int (*size)(const bide_pool *p);
    int (*pid)(const bide_pool *p, int worker);
    void (*stats)(const bide_pool *p, bide_pool_stats *out);
    const char *no_workers;
    bool has_tasks; /* it has tasks of its own, which a task must wait for */
};

#endif
