/* SPDX-License-Identifier: MIT */
/*
 * crash.c - debug mode: the task in which the program crashes, and those that await it.
 */
#include <signal.h>

#include "inspect/self/self.h"

#define TASKS_MAX 1000 /* looked at for each that awaits */

static bool is_it(void *awaited, const bide_future *f)
{
    return bide__behind_shield(f) == awaited;
}

static bool waits_for(const struct seen *s, const bide_task *awaited)
{
    return bide__report_each_awaited(s, is_it, (void *)(uintptr_t)&awaited->future);
}

static const bide_task *waiter_of(struct seen *s, const bide_loop *loop, const bide_task *awaited)
{
    int n = 0;

    for (const bide_task *t = bide__report_next_task(loop, &loop->tasks); t && n < TASKS_MAX; t = bide__report_next_task(loop, &t->all), n++)
        if (!bide__report_see(s, t))
            return NULL;
        else if (waits_for(s, awaited))
            return t;
    return NULL;
}

/* The task that runs in this thread, and the line of those that wait for it; what is NULL: it has been named already. */
static void report_crash(const char *what)
{
    struct report r = {.to = NULL};
    struct seen s;
    const bide_loop *loop = bide__loop_here;
    const bide_task *t = loop ? loop->current : NULL;
    if (!t || !bide__report_see(&s, t))
        return;

    if (what) {
        bide__report_put(&r, "bide: ");
        bide__report_put(&r, what);
        bide__report_put(&r, " in task ");
        bide__report_put_task(&r, &s);
        bide__report_put_doing(&r, &s);
        bide__report_end_line(&r);
    }
    for (int i = 0; i < CHAIN_MAX && (t = waiter_of(&s, loop, t)); i++) {
        bide__report_put(&r, "bide:   awaited by ");
        bide__report_put_task(&r, &s);
        bide__report_end_line(&r);
    }
}

static void on_end(int signum)
{
    report_crash(signum == SIGABRT ? "abort" : signum == SIGFPE ? "SIGFPE" : "SIGILL");
    bide__recording_ends(signum); /* as if we were not there: it is raised again */
}

static void on_fault(int signum)
{
    report_crash(signum == 0 ? NULL : signum == SIGBUS ? "SIGBUS" : "SIGSEGV");
}

/* A handler of the program's stays in place. */
void bide__report_crashes(void)
{
    static const int ends[] = {SIGABRT, SIGFPE, SIGILL};
    struct sigaction before, action = {.sa_handler = on_end, .sa_flags = SA_ONSTACK};

    bide__overflow_set_crashed(on_fault);
    for (size_t i = 0; i < array_len(ends); i++)
        if (sigaction(ends[i], NULL, &before) == 0 && !(before.sa_flags & SA_SIGINFO) &&
            (before.sa_handler == SIG_DFL || before.sa_handler == bide__recording_ends))
            sigaction(ends[i], &action, NULL);
}
