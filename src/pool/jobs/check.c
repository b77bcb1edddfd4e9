/* SPDX-License-Identifier: MIT */
/*
 * check.c - checks of every public function: whose object is it, in what state, and are the arguments possible.
 *
 * A pool, its streams and the futures of its jobs belong to one loop, so to one thread, and to one process.  In another
 * thread every call fails with BIDE_ESTATE.  In the child of a fork they are inert: their descriptors can be closed,
 * but the memory that workers share, and the workers, are the parent's.
 */
#include <stdio.h>

#include "pool/jobs/jobs.h"

static int refuse_thread(const bide_loop *loop, const char *function, const char *what)
{
    int code = bide_fail(BIDE_ESTATE, "%s: the %s belongs to another thread's event loop", function, what);

    if (bide__loop_reports_refused(loop))
        bide__report_refused();
    return code;
}

int bide__pool_check_reader(const bide_pool *p, const char *function)
{
    if (!p)
        return bide_fail(-EINVAL, "%s: no pool (NULL)", function);
    if (bide__pool_is_parents(p))
        return bide_fail(BIDE_ESTATE, "%s: the pool belongs to the process that opened it, not to its child: open one here", function);
    if (bide__loop_is_foreign(p->loop))
        return refuse_thread(p->loop, function, "pool");
    return 0;
}

int bide__pool_check_owner(const bide_pool *p, const char *function)
{
    BIDE_TRY(bide__pool_check_reader(p, function));
    if (p->loop != bide__loop_here)
        return bide_fail(BIDE_ESTATE, "%s: the pool's event loop does not run here: only its tasks may call this", function);
    return 0;
}

int bide__pool_check_slow(const bide_pool *p, const char *function)
{
    BIDE_TRY(bide__pool_check_owner(p, function));
    if (p->state == POOL_FAILED)
        return bide_fail(BIDE_EPOOL, "%s: the pool has failed: %s", function, p->fail_text);
    if (p->state >= POOL_CLOSING)
        return bide_fail(BIDE_ECLOSED, "%s: the pool is closed", function);
    return 0;
}

int bide__pool_check_waiter(const bide_pool *p, const char *function)
{
    BIDE_TRY(bide__pool_check(p, function));
    return bide__task_required(function) ? 0 : bide_error_code();
}

/* A function that returns nothing must leave the error record as it was, so standard error is all that is left. */
static bool is_allowed(int code, struct error_mark *mark)
{
    if (code < 0)
        fprintf(stderr, "bide: %s\n", bide_error_text());
    bide__error_restore(mark);
    return code == 0;
}

bool bide__pool_allows_slow(const bide_pool *p, const char *function)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    return is_allowed(bide__pool_check_reader(p, function), &mark);
}

bool bide__job_allows(const bide_future *f, const char *function)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    return is_allowed(bide__job_check_reader(f, function), &mark);
}

int bide__job_check_reader(const bide_future *f, const char *function)
{
    if (!f)
        return bide_fail(-EINVAL, "%s: no future (NULL)", function);
    if (bide__loop_is_inherited(f->loop))
        return bide__inherited(function);
    if (bide__loop_is_foreign(f->loop))
        return refuse_thread(f->loop, function, "future");
    return 0;
}

/* ---- what was given ---- */

/* A NULL argument of a function that takes one, and what no macro of ours makes. */
int bide__job_check_spec_slow(const bide_job *job)
{
    const char *name = job->name ? job->name : "job";
    if (!job->fn)
        return bide_fail(-EINVAL, "a job without a function");
    if ((unsigned)job->shape > BIDE_JOB_BYTES)
        return bide_fail(-EINVAL, "%s: shape = %d: there is no such shape of a job", name, (int)job->shape);
    if (job->shape == BIDE_JOB_NONE || job->in || (job->shape == BIDE_JOB_BYTES && job->in_len == 0))
        return 0;
    return bide_fail(-EINVAL, "%s: its argument is NULL", name);
}
