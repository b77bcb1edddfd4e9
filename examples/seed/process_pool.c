/* SPDX-License-Identifier: MIT */
/*
 * process_pool.c - blocking requests, in one process for each processor (Python: multiprocessing.Pool).
 *
 *     process_pool [URL [COUNT]]        bide serve --delay 100
 *
 * request1() knows nothing of loops: it asks and waits, as requests.get does.  As many run at a time as there are workers,
 * so 100 requests of 100 ms on 2 processors take 5 seconds.  A worker that crashes takes one request with it.
 */
#include <bide/bide.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX 1000

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* def request1(i): in a worker */
static int request1(const char *url)
{
    printf("Waiting for %s\n", url);
    bide_auto bide_response *r = bide_get_blocking(url);
    if (!r)
        return bide_raise();

    printf("Get response from %s Result: %d\n", url, bide_status(r));
    return bide_status(r);
}

/* def multirequest() */
static int multirequest(const char *url, size_t count)
{
    const char *urls[MAX];
    double start = now();
    int cpu_count = bide_pool_default_workers();

    printf("Cpu count: %d\n", cpu_count);
    for (size_t i = 0; i < count; i++)
        urls[i] = url;
    {
        bide_auto bide_pool *pool = bide_pool_new(.workers = cpu_count, .concurrency = 1);
        if (!pool)
            return bide_raise();
        BIDE_TRY(bide_pool_map(pool, bide_jobs(request1, urls), count));
    }
    printf("Multi Cost time: %.3f\n", now() - start);
    return 0;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8080";
    int count = argc > 2 ? atoi(argv[2]) : 100;

    if (count < 1 || count > MAX) {
        fprintf(stderr, "COUNT is 1 to %d\n", MAX);
        return 2;
    }
    return bide_main(bide_coro(multirequest, url, (size_t)count));
}
