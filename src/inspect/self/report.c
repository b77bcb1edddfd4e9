/* SPDX-License-Identifier: MIT */
/*
 * report.c - the tasks of all loops of this process and what they wait for: when the program asks, and at a signal.
 */
#include <bide/debug.h>

#include <signal.h>
#include <stdlib.h>

#include "inspect/self/self.h"

#define TASKS_SHOWN 1000
#define TASKS_MAX   100000 /* looked at, in a loop */
#define LOOPS_MAX   64

/* What is looked at of a loop, which as a whole is too large for the stack of a signal handler, and for a thread's own memory. */
struct seen_loop {
    struct list_node alive;
    unsigned process;
    uint64_t id;
    uintptr_t runner;
    bide_task *current;
};

static bool see_loop(struct seen_loop *s, const bide_loop *at)
{
    return bide__report_look(&at->alive, &s->alive, sizeof s->alive) && bide__report_look(&at->process, &s->process, sizeof s->process) &&
           bide__report_look(&at->id, &s->id, sizeof s->id) && bide__report_look((const void *)&at->runner, &s->runner, sizeof s->runner) &&
           bide__report_look(&at->current, &s->current, sizeof s->current);
}

static void report_loop(struct report *r, const bide_loop *at, const struct seen_loop *loop)
{
    struct seen s;
    size_t n = 0;

    bide__report_put(r, "bide: tasks of the event loop ");
    bide__report_put_number(r, loop->id);
    bide__report_put(r, ":");
    bide__report_end_line(r);
    for (const bide_task *t = bide__report_next_task(at, &at->tasks); t && n < TASKS_MAX; t = bide__report_next_task(at, &t->all), n++) {
        if (!bide__report_see(&s, t))
            break;
        if (n < TASKS_SHOWN)
            bide__report_put_line(r, &s, loop->runner ? loop->current : NULL);
    }
    if (n <= TASKS_SHOWN)
        return;
    bide__report_put(r, "bide:   and ");
    bide__report_put_number(r, n - TASKS_SHOWN);
    bide__report_put(r, " more");
    bide__report_end_line(r);
}

static void report_all(FILE *to)
{
    struct report r = {.to = to};
    struct seen_loop loop;
    struct list_node node = bide__loops_alive;

    for (int i = 0; i < LOOPS_MAX && node.next && node.next != &bide__loops_alive; i++) {
        const bide_loop *at = container_of(node.next, bide_loop, alive);
        if (!see_loop(&loop, at))
            break;
        node = loop.alive;
        if (loop.process == bide__process)
            report_loop(&r, at, &loop);
    }
}

/* ---- when asked ---- */

int bide_debug_report(FILE *to)
{
    if (!to)
        return bide_fail(-EINVAL, "bide_debug_report: the stream is NULL");
    report_all(to);
    return fflush(to) == 0 ? 0 : bide_fail(-errno, "bide_debug_report: %s", bide_strerror(-errno));
}

/* ---- at a signal ---- */

static _Atomic uint64_t report_signals;

uint64_t bide__report_signals(void)
{
    return atomic_load(&report_signals);
}

static void on_signal(int signum)
{
    int saved_errno = errno;

    (void)signum;
    report_all(NULL);
    errno = saved_errno;
}

int bide_debug_report_on(int signum)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};

    if (signum < 1 || signum > 64 || sigaction(signum, &action, NULL) != 0)
        return bide_fail(-EINVAL, "bide_debug_report_on: no signal %d can be handled", signum);
    atomic_fetch_or(&report_signals, (uint64_t)1 << (signum - 1));
    return 0;
}

void bide__report_begin(void)
{
    const char *wanted = getenv("BIDE_SIGQUIT");

    if (wanted && strcmp(wanted, "report") == 0)
        BIDE_IGNORE(bide_debug_report_on(SIGQUIT)); /* it exists */
}
