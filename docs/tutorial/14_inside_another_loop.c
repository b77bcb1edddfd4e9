/* SPDX-License-Identifier: MIT */
/* 14_inside_another_loop.c - tasks in a program whose own loop waits in poll(). */
#include <bide/bide.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* Tasks as in every program: they know nothing of the loop outside. */
static int count(const char *name, int times, int every_ms)
{
    for (int i = 1; i <= times; i++) {
        BIDE_TRY(bide_sleep_ms(every_ms));
        printf("%s %d of %d\n", name, i, times);
    }
    return 0;
}

static int answer(int fd)
{
    char word[16];
    bide_auto bide_stream *s = bide_stream_from_fd(fd);
    if (!s)
        return bide_raise();
    ssize_t n = bide_read(s, word, sizeof word - 1);
    BIDE_TRY(n);
    word[n] = '\0';
    printf("the loop outside said %s\n", word);
    return 0;
}

int main(void)
{
    bide_loop *loop = bide_get_event_loop();
    struct pollfd ours = {.fd = bide_loop_fd(loop), .events = POLLIN};
    int ends[2], left, rounds = 0;
    if (ours.fd < 0 || pipe(ends) < 0)
        return 1;
    bide_auto bide_task *fast = bide_create_task(bide_coro(count, "fast", 3, 20));
    bide_auto bide_task *slow = bide_create_task(bide_coro(count, "slow", 1, 50));
    bide_auto bide_task *reader = bide_create_task(bide_coro(answer, ends[0]));

    do {
        poll(&ours, 1, bide_loop_timeout_ms(loop)); /* here a program has its own descriptors, too */
        left = bide_loop_run_once(loop);
        if (++rounds == 1 && write(ends[1], "hello", 5) != 5)
            return 1;
    } while (left > 0);
    printf("done: %d\n", bide_task_done(fast) && bide_task_done(slow) && bide_task_done(reader));
    close(ends[1]);
    return left < 0;
}
