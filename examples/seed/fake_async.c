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

#define MAX 1000

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
    int status = bide_await(bide_coro(get, url)); /* meant to let others run, but get() never waits */
    BIDE_TRY(status);
    printf("Get response from %s Status %d\n", url, status);
    return 0;
}

/* asyncio.wait(tasks); then the first error, if there was one */
static int wait_for_all(bide_task **tasks, int count)
{
    int code = bide_wait(tasks, (size_t)count);

    for (int i = 0; i < count; i++) {
        int result = bide_task_result(tasks[i]);
        if (code >= 0 && result < 0)
            code = result;
        bide_release(tasks[i]);
    }
    return code;
}

static int test_async(const char *url, int count)
{
    double start = now();
    bide_task *tasks[MAX];

    for (int i = 0; i < count; i++) {
        tasks[i] = bide_ensure_future(bide_coro(request, url));
        if (!tasks[i])
            return bide_raise();
    }
    int code = bide_run_until_complete(bide_get_event_loop(), bide_coro(wait_for_all, tasks, count));
    printf("Async Cost time: %.3f\n", now() - start);
    return code;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8000";
    int count = argc > 2 ? atoi(argv[2]) : 100;

    if (count < 1 || count > MAX) {
        fprintf(stderr, "COUNT is 1 to %d\n", MAX);
        return 2;
    }
    if (test_async(url, count) >= 0)
        return 0;
    bide_error_print(stderr);
    return 1;
}
