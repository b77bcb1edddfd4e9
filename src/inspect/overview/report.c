/* SPDX-License-Identifier: MIT */
/*
 * report.c - the tasks of all loops of this process and what they wait for: when the program asks, and at a signal.
 */
#include <bide/debug.h>

#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#include "inspect/overview/report.h"

#define TASKS_SHOWN 1000
#define TASKS_MAX   100000 /* looked at, in a loop */

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

static void report_all(struct report *r)
{
    struct seen_loop loop = {.alive = bide__loops_alive};

    for (const bide_loop *at; (at = bide__report_next_loop(&loop));)
        report_loop(r, at, &loop);
}

/* ---- when asked ---- */

int bide_debug_report(FILE *to)
{
    if (!to)
        return bide_fail(-EINVAL, "bide_debug_report: the stream is NULL");
    struct report r = {.to = to};
    struct running *running = bide__malloc(sizeof *running);
    ucontext_t here;
    bool has_running = running && getcontext(&here) == 0 && bide__report_capture(running, &here);

    report_all(&r);
    bide__report_stacks(&r, has_running ? running : NULL);
    bide__free(running);
    return fflush(to) == 0 ? 0 : bide_fail(-errno, "bide_debug_report: %s", bide_strerror(-errno));
}

/* ---- at a signal ---- */

static _Atomic uint64_t report_signals;

uint64_t bide__report_signals(void)
{
    return atomic_load(&report_signals);
}

/* The tasks at once, whatever state the process is in; then the stacks, by another thread. */
static void on_signal(int signum, siginfo_t *info, void *context)
{
    struct report r = {.to = NULL};
    int saved_errno = errno;

    (void)signum, (void)info;
    report_all(&r);
    bide__report_stacks_ask(context);
    errno = saved_errno;
}

int bide_debug_report_on(int signum)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

    if (signum < 1 || signum > 64 || sigaction(signum, &action, NULL) != 0)
        return bide_fail(-EINVAL, "bide_debug_report_on: no signal %d can be handled", signum);
    bide__report_stacks_begin();
    atomic_fetch_or(&report_signals, (uint64_t)1 << (signum - 1));
    return 0;
}

void bide__report_begin(void)
{
    const char *wanted = getenv("BIDE_SIGQUIT");

    if (wanted && strcmp(wanted, "report") == 0)
        BIDE_IGNORE(bide_debug_report_on(SIGQUIT)); /* it exists */
}
