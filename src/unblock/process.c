/* SPDX-License-Identifier: MIT */
/*
 * process.c - waiting for child processes in a task: for one, by its pidfd; for any of several, or for a stop, by polling.
 *
 * libc's system() waits for the child internally, so it is reimplemented here for tasks, as pclose() is in descriptor/popen.c.
 */
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>

#include "unblock/unblock.h"

#define RETRY_MS 1
#define RETRY_MS_MAX 16 /* the time doubles up to it */

extern char **environ;

/* A descriptor that is readable when the child has ended; -1: not available, poll instead. */
static int pidfd_of(pid_t pid, int options)
{
    return pid > 0 && !(options & (WUNTRACED | WCONTINUED)) ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static pid_t wait_in_task(struct blocked *b, pid_t pid, int *status, int options, struct rusage *usage)
{
    pid_t ended;
    int64_t ms = RETRY_MS;

    while ((ended = NEXT(wait4)(pid, status, options | WNOHANG, usage)) == 0) {
        if (b->fd < 0)
            b->fd = pidfd_of(pid, options);
        int waited = b->fd >= 0 ? bide__unblock_wait_fd(b, BIDE_FOREVER)
                                : bide__unblock_sleep_until(b->task, bide__unblock_ms_from_now(b->task, ms), b->call, b->caller);
        if (waited < 0)
            return -1;
        ms = ms < RETRY_MS_MAX ? ms * 2 : ms;
    }
    return ended;
}

static pid_t wait_for(struct blocked *b, pid_t pid, int *status, int options, struct rusage *usage)
{
    int before = errno;
    pid_t ended = wait_in_task(b, pid, status, options, usage);
    int saved = errno;

    if (b->fd >= 0)
        close(b->fd);
    errno = ended < 0 ? saved : before;
    return ended;
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || options & WNOHANG)
        return NEXT(wait4)(pid, status, options, usage);
    struct blocked b = BLOCKED(t, -1, BIDE_READABLE);

    return wait_for(&b, pid, status, options, usage);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || options & WNOHANG)
        return NEXT(wait3)(status, options, usage);
    struct blocked b = BLOCKED(t, -1, BIDE_READABLE);

    return wait_for(&b, -1, status, options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || options & WNOHANG)
        return NEXT(waitpid)(pid, status, options);
    struct blocked b = BLOCKED(t, -1, BIDE_READABLE);

    return wait_for(&b, pid, status, options, NULL);
}

pid_t wait(int *status)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(wait)(status);
    struct blocked b = BLOCKED(t, -1, BIDE_READABLE);

    return wait_for(&b, -1, status, 0, NULL);
}

static int waitid_in_task(struct blocked *b, idtype_t type, id_t id, siginfo_t *info, int options)
{
    siginfo_t own;
    siginfo_t *in = info ? info : &own;
    bool one = (type == P_PID || type == P_PIDFD) && !(options & (WSTOPPED | WCONTINUED));
    int64_t ms = RETRY_MS;

    for (;;) {
        in->si_pid = 0;
        int result = NEXT(waitid)(type, id, in, options | WNOHANG);
        if (result < 0 || in->si_pid != 0)
            return result;
        if (one && b->fd < 0)
            b->fd = type == P_PIDFD ? dup((int)id) : pidfd_of((pid_t)id, 0);
        int waited = one && b->fd >= 0
                         ? bide__unblock_wait_fd(b, BIDE_FOREVER)
                         : bide__unblock_sleep_until(b->task, bide__unblock_ms_from_now(b->task, ms), b->call, b->caller);
        if (waited < 0)
            return -1;
        ms = ms < RETRY_MS_MAX ? ms * 2 : ms;
    }
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || options & WNOHANG)
        return NEXT(waitid)(type, id, info, options);
    struct blocked b = BLOCKED(t, -1, BIDE_READABLE);
    int before = errno, result = waitid_in_task(&b, type, id, info, options), saved = errno;

    if (b.fd >= 0)
        close(b.fd);
    errno = result < 0 ? saved : before;
    return result;
}

/* ---- system ---- */

/* 0 or an errno value. */
static int start_shell(const char *command, pid_t *pid)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "--", (char *)(uintptr_t)command, NULL};

    return posix_spawn(pid, "/bin/sh", NULL, NULL, argv, environ);
}

/* An interrupted task cannot wait for the child any longer, so the child is killed. */
static int end_shell(pid_t pid)
{
    int saved = errno;

    kill(pid, SIGKILL);
    NEXT(waitpid)(pid, NULL, 0);
    errno = saved;
    return -1;
}

/*
 * libc ignores SIGINT and SIGQUIT, and blocks SIGCHLD, while it waits.  That would affect the other tasks, which keep running, so signals
 * are left as they are.
 */
int system(const char *command)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !command)
        return NEXT(system)(command);
    struct blocked b = BLOCKED(t, -1, BIDE_READABLE);
    int status = -1;
    pid_t pid;
    int error = start_shell(command, &pid);
    if (error != 0) {
        errno = error;
        return -1;
    }

    if (wait_for(&b, pid, &status, 0, NULL) < 0)
        return errno == ECANCELED ? end_shell(pid) : -1;
    return status;
}

ALSO_AS(__wait, wait);
ALSO_AS(__waitpid, waitpid);
