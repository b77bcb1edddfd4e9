/* SPDX-License-Identifier: MIT */
/*
 * coroutine.c - a coroutine is a call that has not happened yet.
 *
 *     coroutine = f(1)
 *     loop.run_until_complete(coroutine)
 */
#include <bide/bide.h>
#include <stdio.h>

static int f(int x)
{
    printf("x :  %d\n", x);
    return 0;
}

int main(void)
{
    bide_coroutine coroutine = bide_coro(f, 1);
    printf("测试函数还没有运行，仅仅是返回了协程对象\n");

    bide_loop *loop = bide_get_event_loop();
    if (!loop) {
        bide_error_print(stderr);
        return 1;
    }

    printf("此时协程对象注册到事件循环中\n");
    int code = bide_run_until_complete(loop, coroutine);
    if (code < 0) {
        bide_error_print(stderr);
        return 1;
    }
    printf("此时函数运行完毕\n");
    return 0;
}
