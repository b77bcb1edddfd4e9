/* SPDX-License-Identifier: MIT */
/*
 * true_async.c - coroutines around a call that awaits: all of them wait at once.
 *
 *     true_async [URL [COUNT]]          bide serve --delay 100
 *
 * bide_get parks its task until the answer has come, and the loop runs the others meanwhile.  A hundred requests take
 * about as long as one.  Beside fake_async.c, get() is all that differs.
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

/* A session for each request, as in the seed; a program that makes many shares one, and its connections with it. */
static int get(const char *url)
{
    bide_auto bide_session *client = bide_session_new();
    if (!client)
        return bide_raise();
    bide_auto bide_response *r = bide_get(client, url);

    return r ? bide_status(r) : bide_raise();
}

static int request(const char *url)
{
    printf("Waiting for %s\n", url);
    int status = bide_await(bide_coro(get, url)); /* others run here */
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
