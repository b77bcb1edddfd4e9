/* SPDX-License-Identifier: MIT */
/*
 * task_list_wait.c - several tasks, and a wait for all of them.
 *
 *     tasks = [asyncio.ensure_future(coroutine) for _ in range(5)]
 *     loop.run_until_complete(asyncio.wait(tasks))
 *
 * They take turns: while one sleeps, another runs, so five sleeps take as long as one.
 */
#include <bide/bide.h>
#include <stdio.h>

enum { N = 5 };

static int f(int x)
{
    printf("begin %d\n", x);
    BIDE_TRY(bide_sleep_ms(20));
    printf("end %d\n", x);
    return x;
}

static int wait_for_all(bide_task **tasks)
{
    return bide_wait(tasks, N);
}

int main(void)
{
    bide_task *tasks[N];
    int sum = 0;

    for (int i = 0; i < N; i++) {
        tasks[i] = bide_ensure_future(bide_coro(f, i));
        if (!tasks[i]) {
            bide_error_print(stderr);
            return 1;
        }
    }

    int done = bide_run_until_complete(bide_get_event_loop(), bide_coro(wait_for_all, tasks));
    if (done < 0) {
        bide_error_print(stderr);
        return 1;
    }
    for (int i = 0; i < N; i++) {
        sum += bide_task_result(tasks[i]);
        bide_release(tasks[i]);
    }
    printf("done: %d, sum of the results: %d\n", done, sum);
    return done != N;
}
