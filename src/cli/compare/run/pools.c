/* SPDX-License-Identifier: MIT */
/*
 * pools.c - the ways that need workers: processes, processes with a loop each, threads.
 *
 * A job is the text of a URL, its result a struct compare_answer: both cross as the pool carries them, nothing is passed
 * behind its back.  Opening and closing the pool is part of the time, as `with Pool() as pool:` is.
 */
#include "cli/compare/run/run.h"

#include <stdlib.h>

#include <bide/loop.h>
#include <bide/pool.h>
#include <bide/task.h>

/* The process of a run has one plan; its workers are forked from it. */
static struct compare *plan;

/* ---- in a worker ---- */

static int get_blocking(const char *url, struct compare_answer *a)
{
    bide_auto bide_response *r = bide_get_blocking(url, .timeout_ms = plan->options->timeout_ms);

    return r ? compare_take(plan, r, a) : bide_raise();
}

static int open_session(void)
{
    bide_session *s = compare_session(plan->at_once);

    bide_worker_set_state(s);
    return s ? 0 : bide_raise();
}

static int close_session(void)
{
    bide_release(bide_worker_state());
    return 0;
}

static int get_awaited(const char *url, struct compare_answer *a)
{
    bide_session *s = bide_worker_state();
    bide_auto bide_response *r = bide_get(s, url, .timeout_ms = plan->options->timeout_ms);

    return r ? compare_take(plan, r, a) : bide_raise();
}

/* ---- in the run's process ---- */

static int map(struct compare *c, bide_pool *pool, bide_job jobs)
{
    int *codes = calloc((size_t)c->n, sizeof *codes);
    if (!codes)
        return bide_fail(BIDE_ENOMEM, "no memory for %d results", c->n);

    int code = bide_pool_map(pool, jobs, (size_t)c->n, .codes = codes, .collect = true);
    for (int i = 0; i < c->n && code >= 0; i++)
        if (codes[i] < 0)
            compare_fail(c, i, codes[i], bide_strerror(codes[i]));
    free(codes);
    compare_measure_memory(c); /* while the workers are there */
    return code < 0 ? code : 0;
}

static int processes(struct compare *c)
{
    bide_auto bide_pool *pool = bide_pool_new(.workers = c->workers, .concurrency = 1);
    if (!pool)
        return bide_raise();
    return map(c, pool, bide_jobs(get_blocking, (const char *const *)c->urls, c->answers));
}

static int async_processes(struct compare *c)
{
    int each = (c->at_once + c->workers - 1) / c->workers;
    bide_auto bide_pool *pool = bide_pool_new(.workers = c->workers, .concurrency = each,
                                              .init = bide_job(open_session), .fini = bide_job(close_session));
    if (!pool)
        return bide_raise();
    return map(c, pool, bide_jobs(get_awaited, (const char *const *)c->urls, c->answers));
}

static int threads(struct compare *c)
{
    bide_auto bide_pool *pool = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = c->at_once, .concurrency = 1);
    if (!pool)
        return bide_raise();
    return map(c, pool, bide_jobs(get_blocking, (const char *const *)c->urls, c->answers));
}

int compare_processes(struct compare *c)
{
    plan = c;
    return bide_run(bide_coro(processes, c));
}

int compare_async_processes(struct compare *c)
{
    plan = c;
    return bide_run(bide_coro(async_processes, c));
}

int compare_threads(struct compare *c)
{
    plan = c;
    return bide_run(bide_coro(threads, c));
}
