/* SPDX-License-Identifier: MIT */
/*
 * task_callback.c - a function that is called when a task has ended.
 *
 *     def callback(task):
 *         print("任务结果:", task.result())
 *     task = asyncio.ensure_future(coroutine)
 *     task.add_done_callback(callback)
 */
#include <bide/bide.h>
#include <stdio.h>

static int f(int x)
{
    printf("x :  %d\n", x);
    return x * 10;
}

static void callback(bide_task *task, void *arg)
{
    (void)arg;
    printf("任务结果: %d\n", bide_task_result(task));
}

int main(void)
{
    bide_auto bide_task *task = bide_ensure_future(bide_coro(f, 1));

    if (!task || bide_task_add_done_callback(task, callback, NULL) < 0 ||
        bide_run_until_complete(bide_get_event_loop(), task) < 0) {
        bide_error_print(stderr);
        return 1;
    }
    return 0;
}
