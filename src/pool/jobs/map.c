/* SPDX-License-Identifier: MIT */
/*
 * map.c - one function for many arguments, or once for every worker.
 *
 * The call's own struct lies in the caller's frame; each job calls it back when it is settled.  When the call returns
 * early, it first sees to it that no job knows it any more: what still runs in a worker cannot reach the frame.
 */
#include "pool/jobs/backend.h"

/* Jobs of one map that exist at a time: enough to keep all workers busy, few enough to stay in the caches. */
#define WINDOW 4096

struct many {
    bide_pool *pool;
    int *codes;
    size_t n, submitted, finished, failed;
    bool collect;
    struct list_node jobs;   /* not settled: the owner's share of each */
    struct list_node waiter;
    struct job *first_failed; /* a share */
};

static void one_done(struct job *j, void *arg)
{
    struct many *m = arg;
    int code = j->future.result;

    m->finished++;
    if (m->codes)
        m->codes[j->index] = code;
    j->future.was_retrieved = true;
    if (code < 0) {
        m->failed++;
        if (!m->first_failed)
            m->first_failed = bide_retain(j);
    }
    bide__list_remove(&j->group);
    bide__object_unref(j);
    if (m->finished == m->submitted || m->submitted - m->finished == WINDOW / 2 || (m->failed > 0 && !m->collect))
        bide__wake_all(m->pool->loop, &m->waiter);
}

/* Cancel what is under way, and let it go. */
static void abandon(struct many *m)
{
    while (!bide__list_is_empty(&m->jobs)) {
        struct job *j = container_of(m->jobs.next, struct job, group);
        bide__list_remove(&j->group);
        j->on_done = NULL;
        j->out = NULL;
        bide_future_cancel(&j->future);
        bide__object_unref(j);
    }
}

static bool is_over(const struct many *m)
{
    return m->finished == m->submitted || (m->failed > 0 && !m->collect);
}

static int add(struct many *m, const bide_pool_call_args *args, size_t index, int slot)
{
    struct job *j = bide__pool_submit(m->pool, args, slot);
    if (!j)
        return bide_error_code();

    j->index = index;
    j->on_done = one_done;
    j->done_arg = m;
    bide__list_append(&m->jobs, &j->group);
    m->submitted++;
    return 0;
}

/* Until there are few enough under way for one more. */
static int wait_for_window(struct many *m)
{
    if (m->submitted - m->finished < WINDOW)
        return 0;
    while (m->submitted - m->finished > WINDOW / 2 && !is_over(m))
        BIDE_TRY(bide__wait_in_for(&m->waiter, WAIT_NAMED, "the jobs of a map"));
    return 0;
}

static int wait_for_all(struct many *m, int code)
{
    while (code == 0 && !is_over(m))
        code = bide__wait_in_for(&m->waiter, WAIT_NAMED, "the jobs of a map");
    abandon(m);
    if (code == 0 && m->failed > 0)
        code = m->collect ? (int)m->failed : bide__future_outcome(&m->first_failed->future);
    if (m->first_failed)
        bide__object_unref(m->first_failed);
    return code;
}

static void open_map(struct many *m, bide_pool *p, size_t n, int *codes, bool collect)
{
    *m = (struct many){.pool = p, .n = n, .codes = codes, .collect = collect};
    bide__list_init(&m->jobs);
    bide__list_init(&m->waiter);
    for (size_t i = 0; codes && i < n; i++)
        codes[i] = BIDE_ECANCELED;
}

/* The i-th of an array of jobs. */
static bide_job element(const bide_job *jobs, size_t i)
{
    bide_job one = *jobs;

    if (jobs->in)
        one.in = one.shape == BIDE_JOB_TEXT ? ((const char *const *)jobs->in)[i] : (const char *)jobs->in + i * jobs->in_len;
    if (jobs->out)
        one.out = (char *)jobs->out + i * jobs->out_len;
    return one;
}

/* All that can be known before the first of them. */
static int check_map(const bide_job *jobs, const bide_pool_map_args *args)
{
    BIDE_TRY(bide__check_size("bide_pool_map", "n", args->n, 0));
    BIDE_TRY(bide__check_time("bide_pool_map", "timeout_ms", args->timeout_ms, true));
    return args->n > 0 ? bide__job_check_spec(jobs) : 0;
}

int bide_pool_map_with(bide_pool *p, bide_job jobs, const bide_pool_map_args *options)
{
    bide_pool_map_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_pool_map") < 0)
        return bide_error_code();
    if (bide__check_named(args.guard_, "bide_pool_map") < 0)
        return -EINVAL;
    struct many m;
    bide_pool_call_args call = {.timeout_ms = args.timeout_ms, .idempotent = args.idempotent};
    int code = bide__pool_check_waiter(p, "bide_pool_map");
    if (code == 0)
        code = check_map(&jobs, &args);
    if (code < 0 || args.n == 0)
        return code;

    open_map(&m, p, args.n, args.codes, args.collect);
    for (size_t i = 0; code == 0 && i < args.n && (m.failed == 0 || m.collect); i++) {
        call.job = element(&jobs, i);
        code = wait_for_window(&m);
        if (code == 0)
            code = add(&m, &call, i, -1);
    }
    return wait_for_all(&m, code);
}

int bide_pool_each_with(bide_pool *p, const bide_pool_each_args *options)
{
    bide_pool_each_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_pool_each") < 0)
        return bide_error_code();
    if (bide__check_named(args.guard_, "bide_pool_each") < 0)
        return -EINVAL;
    struct many m;
    bide_pool_call_args call = {.job = args.job, .timeout_ms = args.timeout_ms};
    int code = bide__pool_check_waiter(p, "bide_pool_each");
    if (code < 0)
        return code;

    if (args.job.has_out)
        return bide_fail(-EINVAL, "bide_pool_each: %s has a result, and every worker would write it to the same place: use .codes", args.job.name);
    if (p->backend->no_workers)
        return bide_fail(-ENOTSUP, "bide_pool_each: %s", p->backend->no_workers);
    open_map(&m, p, (size_t)p->backend->size(p), args.codes, args.collect);
    for (int i = 0; code == 0 && i < (int)m.n; i++)
        code = add(&m, &call, (size_t)i, i);
    return wait_for_all(&m, code);
}
