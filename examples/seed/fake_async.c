/* SPDX-License-Identifier: MIT */
/*
 * fake_async.c - coroutines around a call that blocks: nothing is won.
 *
 *     fake_async [URL [COUNT]]          bide serve --delay 100
 *
 * get() may stand behind await, but bide_get_blocking (requests.get) holds the whole thread until the answer has come.
 * A hundred requests take a hundred times as long as one.  true_async.c has the cure.
 */
#include <bide/bide.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 1000 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int get(const char *url)
{
    bide_auto bide_response *r = bide_get_blocking(url);

    return r ? bide_status(r) : bide_raise();
}

static int request(const char *url)
{
    printf("Waiting for %s\n", url);
    int status = bide_await(bide_coro(get, url)); /* others should run meanwhile, but get() never waits */
    BIDE_TRY(status);
    printf("Get response from %s Status %d\n", url, status);
    return 0;
}

static int test_async(const char *url, int count)
{
    double start = now();
    static bide_awaitable requests[MOST]; /* a task has 64 KiB of stack: no place for this */

    for (int i = 0; i < count; i++)
        requests[i] = BIDE_AW(bide_coro(request, url));
    BIDE_TRY(bide_gather_n(requests, (size_t)count));
    printf("Async Cost time: %.3f\n", now() - start);
    return 0;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8080";
    int count = argc > 2 ? atoi(argv[2]) : 100;

    if (count < 1 || count > MOST) {
        fprintf(stderr, "COUNT is 1 to %d\n", MOST);
        return 2;
    }
    return bide_main(bide_coro(test_async, url, count));
}
