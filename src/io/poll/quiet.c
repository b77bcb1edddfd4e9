/* SPDX-License-Identifier: MIT */
/* quiet.c - writes whose failure is an error and no signal. */
#include <pthread.h>
#include <time.h>

#include "io/poll/poll.h"

void bide__quiet_begin(struct quiet *q)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signals, &q->before);
}

/* Take away the signal that our own call raised, and no other. */
void bide__quiet_end(const struct quiet *q, ssize_t result)
{
    struct timespec at_once = {0};
    int number = result == -EPIPE ? SIGPIPE : result == -EFBIG ? SIGXFSZ : 0;
    sigset_t made;

    if (number && !sigismember(&q->before, number)) {
        sigemptyset(&made);
        sigaddset(&made, number);
        sigtimedwait(&made, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}
