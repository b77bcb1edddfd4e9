/* SPDX-License-Identifier: MIT */
/* 01_first_coroutine.c - coroutines are functions; await is a call; gather is both at once. */
#include <bide/bide.h>
#include <stdio.h>

static int brew(const char *what, int ms)
{
    printf("%s: begin\n", what);
    BIDE_TRY(bide_sleep_ms(ms));
    printf("%s: ready\n", what);
    return ms;
}

static int app(void)
{
    int tea = bide_await(bide_coro(brew, "tea", 30));
    BIDE_TRY(tea);
    int coffee = brew("coffee", 20);
    BIDE_TRY(coffee);
    printf("one after the other: %d ms\n", tea + coffee);

    BIDE_TRY(bide_gather(bide_coro(brew, "tea", 30),
                         bide_coro(brew, "coffee", 20)));
    printf("both at once: 30 ms\n");
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
