/* SPDX-License-Identifier: MIT */
/* 08_pool.c - functions that run in other processes: one result, many, and a worker that crashes. */
#include <bide/bide.h>
#include <stdio.h>
#include <stdlib.h>

struct range {
    long from, to;
};

/* Work for a processor: it does not await, so its worker does nothing else meanwhile. */
static int count_primes(const struct range *r, long *count)
{
    for (long n = r->from; n < r->to; n++) {
        bool is_prime = n > 1;
        for (long d = 2; d * d <= n && is_prime; d++)
            is_prime = n % d != 0;
        *count += is_prime;
    }
    return 0;
}

/* Work that waits: many of these run at once in each worker. */
static int nap(const int *ms)
{
    BIDE_TRY(bide_sleep_ms(*ms));
    return *ms;
}

static int crash(const char *last_words)
{
    fprintf(stderr, "%s\n", last_words);
    abort();
}

static int app(void)
{
    bide_auto bide_pool *pool = bide_pool_new(.workers = 2);
    if (!pool)
        return bide_raise();

    /* One call: a struct goes in, a long comes out. */
    struct range first = {0, 1000};
    long primes = 0;
    BIDE_TRY(bide_pool_call(pool, bide_job(count_primes, &first, &primes)));
    printf("%ld primes below 1000\n", primes);

    /* One function for many arguments; results stand in their order. */
    struct range parts[4];
    long counts[4] = {0};
    for (long i = 0; i < 4; i++)
        parts[i] = (struct range){i * 50000, (i + 1) * 50000};
    BIDE_TRY(bide_pool_map(pool, bide_jobs(count_primes, parts, counts), 4));
    printf("%ld %ld %ld %ld\n", counts[0], counts[1], counts[2], counts[3]);

    /* 32 naps of 100 ms in 2 workers take 100 ms. */
    int ms[32], results[32];
    for (int i = 0; i < 32; i++)
        ms[i] = 100;
    int64_t start = bide_loop_time_ms(bide_get_event_loop());
    BIDE_TRY(bide_pool_map(pool, bide_jobs(nap, ms), 32, .codes = results));
    bool was_quick = bide_loop_time_ms(bide_get_event_loop()) - start < 1600;
    printf("the naps took %s\n", was_quick ? "their time together" : "turns");

    /* A future, as from bide_create_task; and a job that kills its worker. */
    bide_auto bide_future *crashing = bide_pool_submit(pool, bide_job(crash, "goodbye"));
    bide_auto bide_future *napping = bide_pool_submit(pool, bide_job(nap, &ms[0]), .idempotent = true);
    if (!crashing || !napping)
        return bide_raise();
    int code = bide_await(crashing);
    const bide_pool_failure *failure = bide_pool_failure_of(crashing);
    if (!failure)
        return code;
    printf("crash: %s, signal %d\n", bide_strerror(code), failure->signal);
    bide_error_clear();
    printf("nap: %d\n", bide_await(napping));
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
