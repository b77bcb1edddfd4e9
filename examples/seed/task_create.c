/* SPDX-License-Identifier: MIT */
/*
 * task_create.c - a task: a coroutine that runs beside others, and whose state can be looked at.
 *
 *     task = loop.create_task(coroutine)
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
    bide_loop *loop = bide_get_event_loop();
    bide_auto bide_task *task = loop ? bide_create_task(bide_coro(f, 1), .name = "first") : NULL;
    if (!task) {
        bide_error_print(stderr);
        return 1;
    }

    printf("%s done: %s\n", bide_task_name(task), bide_task_done(task) ? "yes" : "no");
    int result = bide_run_until_complete(loop, task);
    if (result < 0) {
        bide_error_print(stderr);
        return 1;
    }
    printf("%s done: %s\n", bide_task_name(task), bide_task_done(task) ? "yes" : "no");
    printf("result: %d\n", result);
    return 0;
}
