/* SPDX-License-Identifier: MIT */
/*
 * stuck.c - can anything still happen to a loop that would sleep without an end?
 *
 * It would sleep because nothing is ready and no timer is armed (that of a loop that closes apart, which only says so).  Then only what is outside of it can wake it: a descriptor, a call
 * in a thread, another thread that calls in, a signal handler, somebody whom the program promised (bide_loop_set_external).  If
 * there is none of these, its tasks wait for each other, or for nothing, and will for as long as the process lives.
 *
 * A false alarm would end a program that is well, so whatever is not known counts as somebody who may call in: any thread that is
 * not an idle one of ours, any handler of a signal that is not for faults, a poller that waits for more than descriptors.
 *
 * A promise, a channel, a call in another loop are ended by other threads, or by nobody: the program has none but this one, and it is
 * here, about to sleep.  Whatever they may come through, a loop of this thread that does not run included, cannot do it meanwhile.
 *
 * A thread may be about to end, or about to be idle: as long as threads are the only reason, the loop looks again a few times.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>

#include "core/turn/task.h"

#define NS_PER_MS INT64_C(1000000)

/* ---- who else is there ---- */

/* Threads that are neither this one nor idle ones of ours. */
static bool has_other_threads(void)
{
    struct stat st;
    if (__libc_single_threaded)
        return false;
    unsigned idle = atomic_load(&bide__idle_threads); /* before: one that becomes idle meanwhile counts as another */

    return stat("/proc/self/task", &st) < 0 || st.st_nlink != 2 + 1 + (nlink_t)idle; /* "." and "..", so to speak, and each thread */
}

static uint64_t bit(int signal)
{
    return (uint64_t)1 << (signal - 1);
}

/* Those for faults, those of the C library, and the ones that report on a program but do not drive it. */
static uint64_t harmless_signals(void)
{
    return bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGABRT) | bit(SIGTRAP) | bit(SIGSYS) | bit(SIGPROF) |
           bit(32) | bit(33) | bide__recording_signals() | (bide__inspector ? bide__inspector->signals() : 0);
}

/* SIGINT cancels the task of bide_main: that ends a program which is stuck, and is nothing to wait for. */
static bool is_interrupt_ours(const bide_loop *loop)
{
    struct sigaction now;

    return loop->on_interrupt && sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == loop->interrupt_handler;
}

bool bide__signals_may_call_in(const bide_loop *loop)
{
    char line[128];
    unsigned long long caught = ~0ull;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "SigCgt: %llx", &caught) == 1)
            break;
    if (f)
        fclose(f);
    return (caught & ~harmless_signals() & ~(is_interrupt_ours(loop) ? bit(SIGINT) : 0)) != 0;
}

static bool has_mail(bide_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool has = !bide__list_is_empty(&loop->inbox);
    pthread_mutex_unlock(&loop->lock);
    return has || !bide__list_is_empty(&loop->taken) || loop->stopping;
}

/* ---- the question ---- */

static int report(bide_loop *loop)
{
    if (bide__inspector)
        bide__inspector->stuck(loop);
    return bide_fail(BIDE_EDEADLOCK, "deadlock: no task can go on, and nothing outside of the event loop is waited for");
}

int bide__loop_check_progress(bide_loop *loop, int64_t *timeout_ns)
{
    static const int look_again_ms[] = {10, 100, 1000};
    bool is_awaited = loop->outside > loop->by_threads || loop->watched > 0;
    if (!loop->runs_until || loop->is_external || is_awaited || !loop->poller_ops->only_descriptors)
        return 0;

    if (has_other_threads()) {
        if (loop->looked_again < array_len(look_again_ms))
            *timeout_ns = look_again_ms[loop->looked_again++] * NS_PER_MS;
        return 0;
    }
    if (bide__signals_may_call_in(loop) || has_mail(loop)) /* mail last: a thread that was there a moment ago has left it before it ended */
        return 0;
    return report(loop);
}
