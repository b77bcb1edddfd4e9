/* SPDX-License-Identifier: MIT */
/*
 * event_loop.c - an event loop: functions are registered with it, and it calls them when their time has come.
 *
 *     loop = asyncio.get_event_loop()
 *
 * Nothing is called before the loop runs.  It runs until somebody stops it.
 */
#include <bide/bide.h>
#include <stdio.h>

static void say(void *text)
{
    printf("%s\n", (const char *)text);
}

static void stop(void *loop)
{
    printf("stop\n");
    bide_loop_stop(loop);
}

int main(void)
{
    static char soon[] = "soon", later[] = "after 10 ms";
    bide_loop *loop = bide_get_event_loop();
    if (!loop) {
        bide_error_print(stderr);
        return 1;
    }

    if (!bide_loop_call_later(loop, 20, stop, loop) || !bide_loop_call_later(loop, 10, say, later) ||
        !bide_loop_call_soon(loop, say, soon)) {
        bide_error_print(stderr);
        return 1;
    }
    printf("registered, not called\n");
    if (bide_run_forever(loop) < 0) {
        bide_error_print(stderr);
        return 1;
    }
    printf("the loop has ended\n");
    return bide_loop_close(loop) < 0;
}
