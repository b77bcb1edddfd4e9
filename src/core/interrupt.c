/* SPDX-License-Identifier: MIT */
/*
 * interrupt.c - SIGINT in a program of bide_main: the first cancels its task, the second ends the process.
 *
 * The handler runs in the thread of the loop, or sends the signal on to it, so nothing that it looks at changes beside it.  It
 * sets a flag and wakes the loop, which cancels the task in its next turn (turn.c).  A loop that is just given another poller is
 * woken when it has that.
 *
 * Who handles SIGINT by himself, before or meanwhile (sigaction, bide_signals of the room io), has it: ours stands in for the
 * default alone, and at the end it is taken away only if it is still there.
 */
#include <pthread.h>
#include <signal.h>

#include "core/core.h"

static struct {
    _Atomic(bide_loop *) loop; /* NULL: no bide_main has it */
    pthread_t thread;
    atomic_uint count;
} here;

static void end_process(int signal)
{
    struct sigaction ends = {.sa_handler = SIG_DFL};

    sigaction(signal, &ends, NULL);
    raise(signal); /* blocked until the handler returns */
}

static void on_interrupt(int signal)
{
    bide_loop *loop = atomic_load(&here.loop);
    int saved = errno;

    if (!loop || bide__loop_is_inherited(loop)) { /* it ends just now, or this is the child of a fork */
        end_process(signal);
    } else if (!pthread_equal(pthread_self(), here.thread)) {
        pthread_kill(here.thread, signal);
    } else if (atomic_fetch_add(&here.count, 1) > 0) {
        end_process(signal);
    } else {
        atomic_store(&loop->is_interrupted, true);
        if (!atomic_load(&loop->poller_changes))
            loop->poller_ops->wake(loop->poller);
    }
    errno = saved;
}

/* In a turn of the loop. */
static void cancel(bide_loop *loop)
{
    if (loop->interruptible->is_task)
        bide_task_cancel_because((bide_task *)loop->interruptible, "SIGINT");
    else
        bide_future_cancel(loop->interruptible);
}

bool bide__interrupts_begin(bide_loop *loop, bide_future *f)
{
    struct sigaction before, ours = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_ONSTACK};
    bide_loop *nobody = NULL;
    if (sigaction(SIGINT, NULL, &before) < 0 || before.sa_handler != SIG_DFL || !atomic_compare_exchange_strong(&here.loop, &nobody, loop))
        return false;

    loop->interruptible = f;
    loop->on_interrupt = cancel;
    loop->interrupt_handler = on_interrupt;
    here.thread = pthread_self();
    atomic_store(&here.count, 0);
    sigemptyset(&ours.sa_mask);
    sigaction(SIGINT, &ours, NULL);
    return true;
}

bool bide__interrupts_end(bide_loop *loop)
{
    struct sigaction now, none = {.sa_handler = SIG_DFL};

    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_interrupt)
        sigaction(SIGINT, &none, NULL);
    atomic_store(&here.loop, NULL);
    loop->on_interrupt = NULL;
    return atomic_load(&here.count) > 0;
}
