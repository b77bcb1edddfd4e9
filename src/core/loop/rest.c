/* SPDX-License-Identifier: MIT */
/*
 * rest.c - the poller of a loop without descriptors: it waits until a time, or until another thread wakes it.
 *
 * Every loop begins with it.  With the first descriptor the room io hands in its own (bide__replace_poller), which is woken
 * once, for what has been posted may have woken this one.
 */
#include <errno.h>
#include <time.h>

#include "core/loop/owner.h"

#define NS_PER_S 1000000000

static void rest_close(void *loop)
{
    (void)loop;
}

/* Waking more than once is waking once. */
static void forget_wakeups(sem_t *wakeups)
{
    while (sem_trywait(wakeups) == 0)
        ;
}

static int rest_wait(void *poller, int64_t timeout_ns)
{
    bide_loop *loop = poller;
    int64_t until = timeout_ns > 0 ? bide__clock_ns() + timeout_ns : 0;

    if (timeout_ns < 0)
        sem_wait(&loop->wakeups); /* a signal ends it, too: then the loop makes one more turn */
    else if (timeout_ns > 0)
        sem_clockwait(&loop->wakeups, CLOCK_MONOTONIC, &(struct timespec){.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S});
    forget_wakeups(&loop->wakeups);
    return 0;
}

static void rest_wake(void *poller)
{
    bide_loop *loop = poller;
    int saved = errno;

    sem_post(&loop->wakeups);
    errno = saved;
}

const struct poller_ops bide__rest_ops = {.close = rest_close, .wait = rest_wait, .wake = rest_wake, .only_descriptors = true};

/* Other threads wake the loop through its poller, with this lock held. */
void bide__set_poller(bide_loop *loop, const struct poller_ops *ops)
{
    pthread_mutex_lock(&loop->lock);
    loop->poller_ops = ops;
    pthread_mutex_unlock(&loop->lock);
}

void bide__replace_poller(bide_loop *loop, const struct poller_ops *ops, void *poller)
{
    pthread_mutex_lock(&loop->lock);
    atomic_store(&loop->poller_changes, true);
    loop->poller_ops->close(loop->poller);
    loop->poller_ops = ops;
    loop->poller = poller;
    atomic_store(&loop->poller_changes, false);
    ops->wake(poller);
    pthread_mutex_unlock(&loop->lock);
}
