/* SPDX-License-Identifier: MIT */
/* serve.c - bide_pool_serve: a worker host over a pool of this machine, the caller's or one that is opened here. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "pool/redis/redis.h"

#define LEASE_MIN_MS 30

static int check_number(const char *name, int n, int max)
{
    return n < 0 || n > max ? bide_fail(-EINVAL, "bide_pool_serve: %s = %d: 1 to %d", name, n, max) : 0;
}

/* What can be known before there is a pool. */
static int check_args(const bide_pool_serve_args *a)
{
    BIDE_TRY(check_number("slots", a->slots, REDIS_SLOTS_MAX));
    BIDE_TRY(check_number("max_deliveries", a->max_deliveries, INT_MAX));
    BIDE_TRY(bide__check_time("bide_pool_serve", "lease_ms", a->lease_ms, false));
    BIDE_TRY(bide__check_time("bide_pool_serve", "close_ms", a->close_ms, true));
    if (a->lease_ms > 0 && a->lease_ms < LEASE_MIN_MS)
        return bide_fail(-EINVAL, "bide_pool_serve: lease_ms = %lld: at least %d", (long long)a->lease_ms, LEASE_MIN_MS);
    if (!a->pool)
        return 0;
    BIDE_TRY(bide__pool_check(a->pool, "bide_pool_serve"));
    return a->pool->backend == &bide__redis_backend ? bide_fail(-EINVAL, "bide_pool_serve: .pool is over Redis itself: it needs one of this machine") : 0;
}

/* Started by `bide worker`, and the program has no on_event of its own. */
static void print_event(const bide_pool_event *e, void *arg)
{
    (void)arg;
    fprintf(stderr, "bide worker: %s\n", e->text);
}

int bide_pool_serve_with(const bide_pool_serve_args *options)
{
    bide_pool_serve_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_pool_serve") < 0)
        return bide_error_code();
    if (bide__check_named(args.guard_, "bide_pool_serve") < 0)
        return -EINVAL;
    if (!args.redis) {
        args.redis = getenv("BIDE_REDIS");
        args.name = args.name ? args.name : getenv("BIDE_REDIS_NAME");
        args.until_signal = true;
        args.on_event = args.on_event ? args.on_event : print_event;
    }
    if (!args.redis)
        return bide_fail(-EINVAL, "bide_pool_serve: no URL, and not started by `bide worker` ($BIDE_REDIS)");
    BIDE_TRY(check_args(&args));
    if (!bide__task_required("bide_pool_serve"))
        return bide_error_code();
    if (args.pool)
        return bide__redis_serve(&args);

    bide_auto bide_pool *pool = bide_pool_new(.close_ms = 100);
    if (!pool)
        return bide_raise();
    args.pool = pool;
    return bide__redis_serve(&args);
}
