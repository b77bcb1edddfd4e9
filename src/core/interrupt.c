/* SPDX-License-Identifier: MIT */
/*
 * interrupt.c - SIGINT in a program of bide_main or bide_threads_run: the first cancels its tasks, the second ends the process.
 *
 * The handler runs in the thread that began, or sends the signal on to it, so nothing that it looks at changes beside it.  It
 * sets a flag and wakes the loop that runs there, which delivers it in its next turn (turn.c); a loop that is just given another
 * poller is woken when it has that.  Without a loop the thread waits for the semaphore.
 *
 * Who handles SIGINT by himself, before or meanwhile (sigaction, bide_signals of the room io), has it: ours stands in for the
 * default alone, and at the end it is taken away only if it is still there.  In a thread that blocks SIGINT nothing is done.
 */
#include <pthread.h>
#include <signal.h>

#include "core/core.h"

static struct {
    atomic_bool taken;
    unsigned process;          /* bide__process when it was */
    _Atomic(bide_loop *) loop; /* that runs in the thread; NULL: none */
    pthread_t thread;
    atomic_uint count;
    sem_t came;
} here;

/* All whose tasks the first one cancels, whichever thread handles it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list_node all = {&all, &all};
static unsigned process_of_all;

static void end_process(int signal)
{
    struct sigaction ends = {.sa_handler = SIG_DFL};

    sigaction(signal, &ends, NULL);
    raise(signal); /* blocked until the handler returns */
}

static void wake(bide_loop *loop)
{
    atomic_store(&loop->is_interrupted, true);
    if (!atomic_load(&loop->poller_changes))
        loop->poller_ops->wake(loop->poller);
}

static void on_interrupt(int signal)
{
    bool is_ours = atomic_load(&here.taken) && here.process == bide__process; /* else it ends just now, or a fork made this process */
    int saved = errno;

    if (is_ours && !pthread_equal(pthread_self(), here.thread)) {
        pthread_kill(here.thread, signal);
    } else if (!is_ours || atomic_fetch_add(&here.count, 1) > 0) {
        end_process(signal);
    } else {
        bide_loop *loop = atomic_load(&here.loop);
        if (loop)
            wake(loop);
        sem_post(&here.came);
    }
    errno = saved;
}

/* In the child of a fork a thread that is not there may hold the lock, and those in the list are its parent's. */
static void lock_all(void)
{
    if (process_of_all != bide__process) {
        pthread_mutex_init(&lock, NULL);
        bide__list_init(&all);
        process_of_all = bide__process;
    }
    pthread_mutex_lock(&lock);
}

static void deliver_to_all(void)
{
    lock_all();
    for (struct list_node *n = all.next; n != &all; n = n->next) {
        struct interruptible *i = container_of(n, struct interruptible, node);
        i->cancel(i);
    }
    pthread_mutex_unlock(&lock);
}

/* In a turn of the loop. */
static void deliver(bide_loop *loop)
{
    (void)loop;
    deliver_to_all();
}

void bide__interrupts_wait(void)
{
    while (sem_wait(&here.came) < 0)
        ;
    if (atomic_load(&here.count) > 0)
        deliver_to_all();
}

void bide__interrupts_wake(void)
{
    sem_post(&here.came);
}

void bide__interruptible_add(struct interruptible *i)
{
    lock_all();
    i->process = bide__process;
    bide__list_append(&all, &i->node);
    pthread_mutex_unlock(&lock);
}

void bide__interruptible_remove(struct interruptible *i)
{
    if (i->process != bide__process)
        return;
    lock_all();
    bide__list_remove(&i->node);
    pthread_mutex_unlock(&lock);
}

static bool is_blocked(void)
{
    sigset_t blocked;

    return pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 && sigismember(&blocked, SIGINT);
}

/* Nobody's but a timeline's, which is written before the process ends. */
static bool is_default(void (*handler)(int))
{
    return handler == SIG_DFL || handler == bide__recording_ends;
}

bool bide__interrupts_begin(void)
{
    struct sigaction before, ours = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_ONSTACK};
    bool taken = false;
    if (is_blocked() || sigaction(SIGINT, NULL, &before) < 0 || !is_default(before.sa_handler) ||
        !atomic_compare_exchange_strong(&here.taken, &taken, true))
        return false;

    here.process = bide__process;
    here.thread = pthread_self();
    atomic_store(&here.count, 0);
    sem_init(&here.came, 0, 0);
    sigemptyset(&ours.sa_mask);
    sigaction(SIGINT, &ours, NULL);
    return true;
}

void bide__interrupts_enter(bide_loop *loop)
{
    loop->on_interrupt = deliver;
    loop->interrupt_handler = on_interrupt;
    atomic_store(&here.loop, loop);
    if (atomic_load(&here.count) > 0) /* before it was there to be woken; twice is once */
        wake(loop);
}

void bide__interrupts_leave(bide_loop *loop)
{
    atomic_store(&here.loop, NULL);
    loop->on_interrupt = NULL;
}

bool bide__interrupts_end(void)
{
    struct sigaction now, none = {.sa_handler = SIG_DFL};

    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_interrupt)
        sigaction(SIGINT, &none, NULL);
    bool came = atomic_load(&here.count) > 0;
    atomic_store(&here.taken, false);
    return came;
}
