/* SPDX-License-Identifier: MIT */
/*
 * async_process_pool.c - worker processes that each run an event loop (Python: aiomultiprocess.Pool).
 *
 *     async_process_pool [URL [COUNT]]  bide serve --delay 100
 *
 * Beside process_pool.c, get() awaits where request1() blocks: up to `concurrency` requests wait at once in each worker,
 * so 100 requests of 100 ms take little more than one.
 */
#include <bide/bide.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX 1000

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* async def get(url): in a worker; a session for each request, as in the seed (.init makes one for each worker) */
static int get(const char *url)
{
    bide_auto bide_session *session = bide_session_new();
    if (!session)
        return bide_raise();
    bide_auto bide_response *response = bide_get(session, url);
    if (!response)
        return bide_raise();

    const char *text = bide_text(response);
    if (!text)
        return bide_raise();
    BIDE_TRY(bide_worker_reply(text, strlen(text))); /* for those who call bide_pool_result; here, its length is enough */
    return (int)strlen(text);
}

/* async def request() */
static int request(const char *url, size_t count)
{
    const char *urls[MAX];
    int lengths[MAX];
    long bytes = 0;

    for (size_t i = 0; i < count; i++)
        urls[i] = url;
    bide_auto bide_pool *pool = bide_pool_new(.concurrency = 64);
    if (!pool)
        return bide_raise();
    BIDE_TRY(bide_pool_map(pool, bide_jobs(get, urls), count, .codes = lengths));
    for (size_t i = 0; i < count; i++)
        bytes += lengths[i];
    printf("%zu answers, %ld bytes\n", count, bytes);
    return 0;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8080";
    int count = argc > 2 ? atoi(argv[2]) : 100;
    double start = now();

    if (count < 1 || count > MAX) {
        fprintf(stderr, "COUNT is 1 to %d\n", MAX);
        return 2;
    }
    bide_auto bide_task *task = bide_ensure_future(bide_coro(request, url, (size_t)count));
    if (!task || bide_run_until_complete(bide_get_event_loop(), task) < 0) {
        bide_error_print(stderr);
        return 1;
    }
    printf("Cost time: %.3f\n", now() - start);
    return 0;
}
