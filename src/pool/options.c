/* SPDX-License-Identifier: MIT */
/* options.c - the options of a pool: what each may be, and what it is when it was not given. */
#include <limits.h>
#include <sched.h>

#include "pool/pool.h"

#define CONCURRENCY_MAX 4096
#define PREFETCH_MAX 65536
#define RETRIES_MAX 200

#define DEFAULT(field, value) \
    do {                      \
        if (a->field == 0)    \
            a->field = value; \
    } while (0)

static void fill_in(bide_pool_args *a)
{
    DEFAULT(workers, bide_pool_default_workers());
    DEFAULT(concurrency, 16);
    a->max_pending = bide__size_or(a->max_pending, 65536);
    a->max_pending_bytes = bide__size_or(a->max_pending_bytes, (size_t)256 << 20);
    DEFAULT(ring_bytes, (size_t)256 << 10);
    DEFAULT(retries, 2);
    DEFAULT(restart_max, 10);
    DEFAULT(restart_window_ms, 10000);
    DEFAULT(grace_ms, 1000);
    DEFAULT(close_ms, 10000);
    DEFAULT(min_workers, 1);
}

static int check_times(const bide_pool_args *a)
{
    const struct {
        const char *name;
        int64_t ms;
        bool forever;
    } times[] = {
        {"restart_window_ms", a->restart_window_ms, false}, {"grace_ms", a->grace_ms, false},
        {"max_age_ms", a->max_age_ms, false}, {"idle_ms", a->idle_ms, false}, {"stall_ms", a->stall_ms, false},
        {"timeout_ms", a->timeout_ms, true}, {"close_ms", a->close_ms, true},
    };

    for (size_t i = 0; i < array_len(times); i++)
        BIDE_TRY(bide__check_time("bide_pool_new", times[i].name, times[i].ms, times[i].forever));
    return 0;
}

/* Numbers, each with what it may be. */
static int check_numbers(const bide_pool_args *a)
{
    const struct {
        const char *name;
        int n, min, max;
    } numbers[] = {
        {"workers", a->workers, 1, WORKERS_MAX}, {"concurrency", a->concurrency, 1, CONCURRENCY_MAX},
        {"prefetch", a->prefetch, BIDE_NONE, PREFETCH_MAX}, {"retries", a->retries, BIDE_NONE, RETRIES_MAX},
        {"restart_max", a->restart_max, BIDE_UNLIMITED, DEATHS_KEPT - 1}, {"min_workers", a->min_workers, 0, INT_MAX},
        {"kind", (int)a->kind, BIDE_POOL_PROCESS, BIDE_POOL_EXEC}, {"pin", (int)a->pin, BIDE_PIN_NONE, BIDE_PIN_SPREAD},
    };

    for (size_t i = 0; i < array_len(numbers); i++)
        if (numbers[i].n < numbers[i].min || numbers[i].n > numbers[i].max)
            return bide_fail(-EINVAL, "bide_pool_new: %s = %d: %d to %d", numbers[i].name, numbers[i].n, numbers[i].min,
                             numbers[i].max);
    BIDE_TRY(bide__check_size("bide_pool_new", "max_pending", a->max_pending, 0)); /* BIDE_UNLIMITED is a number by now */
    BIDE_TRY(bide__check_size("bide_pool_new", "max_pending_bytes", a->max_pending_bytes, 0));
    BIDE_TRY(bide__check_size("bide_pool_new", "max_rss", a->max_rss, 0));
    return bide__check_number("bide_pool_new", "max_jobs", (int32_t)a->max_jobs, 0);
}

static int check_sizes(const bide_pool_args *a)
{
    if (a->ring_bytes < ((size_t)64 << 10) || a->ring_bytes > ((size_t)1 << 30) || (a->ring_bytes & (a->ring_bytes - 1)))
        return bide_fail(-EINVAL, "bide_pool_new: ring_bytes = %zu: a power of two, 64 KiB to 1 GiB", a->ring_bytes);
    BIDE_TRY(bide__check_stack_size(a->stack_size, "bide_pool_new"));
    for (int i = 0; a->cpus && a->cpus[i] >= 0 && i < CPU_SETSIZE; i++)
        if (a->cpus[i] >= CPU_SETSIZE)
            return bide_fail(-EINVAL, "bide_pool_new: cpus: there is no processor %d", a->cpus[i]);
    return 0;
}

/* What would mean nothing without the other. */
static int check_together(const bide_pool_args *a)
{
    if (a->init.has_out || a->fini.has_out)
        return bide_fail(-EINVAL, "bide_pool_new: init and fini have no result: they take one argument, or none");
    if (a->program && a->kind != BIDE_POOL_EXEC)
        return bide_fail(-EINVAL, "bide_pool_new: program: only workers of BIDE_POOL_EXEC are another program");
    if ((a->name || a->tls) && !a->redis)
        return bide_fail(-EINVAL, "bide_pool_new: %s: for a pool over Redis, and there is no .redis", a->name ? "name" : "tls");
    return 0;
}

static int check(const bide_pool_args *a)
{
    BIDE_TRY(check_numbers(a));
    BIDE_TRY(check_sizes(a));
    BIDE_TRY(check_together(a));
    return check_times(a);
}

int bide__pool_take_options(bide_pool_args *to, const bide_pool_args *from)
{
    *to = *from;
    fill_in(to);
    BIDE_TRY(check(to));
    if (to->retries == BIDE_NONE)
        to->retries = 0;
    if (to->restart_max == BIDE_NONE)
        to->restart_max = 0;
    return 0;
}
