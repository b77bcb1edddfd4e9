/* SPDX-License-Identifier: MIT */
/* 07_threads_and_signals.c - what blocks goes into a thread, and Ctrl-C is something to await. */
#include <bide/bide.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A function of somebody else's, which knows nothing of bide and takes its time. */
static int think(const char *about, size_t *letters)
{
    usleep(100 * 1000);
    *letters = strlen(about);
    return 0;
}

static int think_in_thread(const char *about, size_t *letters)
{
    return bide_to_thread(bide_coro(think, about, letters));
}

static int wait_for_signal(bide_signals *signals)
{
    printf("waiting; press Ctrl-C\n");
    fflush(stdout);
    int number = bide_signals_wait(signals);
    BIDE_TRY(number);
    printf("%s\n", strsignal(number));
    return 0;
}

static int app(void)
{
    size_t a, b;
    bide_auto bide_signals *signals = bide_signals_open((int[]){SIGINT, SIGTERM, 0});
    if (!signals)
        return bide_raise();

    BIDE_TRY(bide_gather(bide_coro(think_in_thread, "life", &a),
                         bide_coro(think_in_thread, "the universe", &b)));
    printf("%zu letters, after 100 ms\n", a + b);
    return wait_for_signal(signals);
}

int main(void)
{
    return bide_main(bide_coro(app));
}
