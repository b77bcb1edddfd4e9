/* SPDX-License-Identifier: MIT */
/* 02_tasks.c - what runs beside you: tasks, and how to wait for, bound and end them. */
#include <bide/bide.h>
#include <stdio.h>

static int count(const char *name, int to)
{
    for (int i = 0; i < to; i++) {
        int code = bide_sleep_ms(10);
        if (code == BIDE_ECANCELED)
            printf("%s: cancelled\n", name); /* clean up here */
        BIDE_TRY(code);
    }
    printf("%s: counted to %d\n", name, to);
    return to;
}

static int square(int n, int *out)
{
    BIDE_TRY(bide_sleep_ms(10));
    *out = n * n;
    return 0;
}

static int tasks(void)
{
    bide_auto bide_task *three = bide_create_task(bide_coro(count, "three", 3), .name = "three");
    if (!three)
        return bide_raise();

    printf("three has %s\n", bide_task_done(three) ? "ended" : "not begun");
    printf("three: %d\n", bide_await(three));
    return 0;
}

static int several(void)
{
    int a, b, codes[2];

    BIDE_TRY(bide_gather(bide_coro(square, 3, &a), bide_coro(square, 4, &b)));
    printf("squares: %d and %d\n", a, b);

    int failed = bide_gather_all(codes, bide_coro(count, "one", 1), bide_coro(count, "two", 2));
    BIDE_TRY(failed);
    printf("results: %d and %d, %d failed\n", codes[0], codes[1], failed);
    return 0;
}

static int cancelled(void)
{
    bide_auto bide_task *endless = bide_create_task(bide_coro(count, "endless", 1000000));
    if (!endless)
        return bide_raise();

    BIDE_TRY(bide_sleep_ms(25));
    bide_task_cancel(endless);
    int code = bide_await(endless);
    if (!bide_task_cancelled(endless))
        return code;
    printf("endless: %s\n", bide_strerror(code));
    return 0;
}

static int bounded(void)
{
    int code = 0;

    bide_timeout(30) {
        code = count("slow", 1000000);
    }
    printf("slow: %s\n", bide_strerror(code));
    return 0;
}

static int app(void)
{
    BIDE_TRY(tasks());
    BIDE_TRY(several());
    BIDE_TRY(cancelled());
    return bounded();
}

int main(void)
{
    return bide_main(bide_coro(app));
}
