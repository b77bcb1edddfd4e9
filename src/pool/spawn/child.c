/* SPDX-License-Identifier: MIT */
/*
 * child.c - what a new process of ours is made with, and does first: the clone itself, and letting go of what was its parent's.
 *
 * Signals, buffers, descriptors and locks are the program's; its life is tied to the program's by the life pipe.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/spawn/spawn.h"

/*
 * A fork without a signal to the parent when the child ends: so wait() and a SIGCHLD handler of the program do not see
 * it, nor the siblings that it makes.  The thread's idea of its number is set right by the kernel, as fork() would have it done.
 *
 * *note is written by the kernel before the new process runs: of a child its pidfd, of a sibling its number.
 */
pid_t bide__raw_fork(int *note, bool as_sibling)
{
    int *tid = NULL;
    unsigned long flags = as_sibling ? CLONE_PARENT | CLONE_PARENT_SETTID : CLONE_PIDFD;

    if (prctl(PR_GET_TID_ADDRESS, &tid) == 0 && tid)
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    *note = -1;
    long pid = syscall(SYS_clone, flags, NULL, note, tid, tid); /* the last two change places between architectures */
    if (pid == 0)
        atomic_fetch_add(&bide__forks, 1);
    return pid < 0 ? -errno : (pid_t)pid;
}

/* ---- what a new process does first ---- */

/* As exec does: handlers are the program's, and have nothing to do here; what it ignores is ignored. */
static void reset_signals(void)
{
    sigset_t none;
    struct sigaction now, ignore = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL};

    for (int i = 1; i < NSIG; i++)
        if (sigaction(i, NULL, &now) == 0 && now.sa_handler != SIG_IGN && now.sa_handler != SIG_DFL)
            sigaction(i, &normal, NULL);
    sigaction(SIGCHLD, &normal, NULL); /* jobs wait for children of their own */
    sigaction(SIGINT, &ignore, NULL); /* Ctrl-C goes to the whole group: the program decides */
    sigaction(SIGPIPE, &ignore, NULL);
    bide__overflow_after_reset();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Close all but standard input, output, error and these. */
static void close_others(int *keep, unsigned n)
{
    int from = 3;

    qsort(keep, n, sizeof *keep, compare_ints);
    for (unsigned i = 0; i < n; i++) {
        if (keep[i] > from)
            close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
        if (keep[i] >= from)
            from = keep[i] + 1;
    }
    close_range((unsigned)from, ~0u, 0);
}

/* SIGKILL from the kernel when the last writer is gone, whatever this process does then. */
void bide__die_with(int life)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", life);
    int own = bide__fd_above_standard(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)); /* owner and signal belong to the open file */
    if (own < 0)
        return; /* no /proc: the control socket reports it, when the loop turns */
    struct pollfd p = {.fd = own};
    if (fcntl(own, F_SETOWN, getpid()) < 0 || fcntl(own, F_SETSIG, SIGKILL) < 0 || fcntl(own, F_SETFL, O_ASYNC | O_NONBLOCK) < 0)
        return;
    if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
        _exit(0);
}

/* The program's input is the program's: also the part of it that stdin has read already. */
void bide__give_no_input(void)
{
    int end[2], fd = open("/dev/null", O_RDONLY);
    if (fd < 0 && pipe2(end, 0) == 0) { /* no /dev */
        fd = end[0];
        close(end[1]);
    }

    __fpurge(stdin);
    if (fd > 0) {
        dup2(fd, STDIN_FILENO);
        close(fd);
    }
}

void bide__become_worker(int *keep, unsigned nkeep, int life, bool parent_is_main_thread)
{
    if (parent_is_main_thread)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    __fpurge(stdout); /* what the program has not flushed is the program's to write */
    __fpurge(stderr);
    bide__loops_inherit(); /* no handler of pthread_atfork has run */
    bide__worker_here = NULL; /* it may be a worker that starts one of a pool of its own */
    bide__error_switch(NULL);
    bide_error_clear();
    close_others(keep, nkeep);
    bide__die_with(life);
}
