/* SPDX-License-Identifier: MIT */
/*
 * task_ensure_future.c - the other way to a task: it needs no loop at hand, and takes what is a task already.
 *
 *     task = asyncio.ensure_future(coroutine)
 *     loop = asyncio.get_event_loop()
 *     loop.run_until_complete(task)
 */
#include <bide/bide.h>
#include <stdio.h>

static int f(int x)
{
    printf("x :  %d\n", x);
    return x + 1;
}

int main(void)
{
    bide_auto bide_task *task = bide_ensure_future(bide_coro(f, 1));
    bide_auto bide_task *same = task ? bide_ensure_future(task) : NULL;
    if (!same) {
        bide_error_print(stderr);
        return 1;
    }

    printf("a task stays itself: %s\n", task == same ? "yes" : "no");
    int result = bide_run_until_complete(bide_get_event_loop(), task);
    if (result < 0) {
        bide_error_print(stderr);
        return 1;
    }
    printf("result: %d\n", result);
    return 0;
}
