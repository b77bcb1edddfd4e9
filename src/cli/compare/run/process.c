/* SPDX-License-Identifier: MIT */
/*
 * process.c - a run in a process of its own.
 *
 * It is a fork of this small process, so it starts with nothing: no loop, no connection, no memory of the run before.
 * What it finds goes through memory that both share; what it cost is what the kernel says when it has ended, with its
 * workers, which it has waited for.
 *
 * Ctrl-C goes to every process of the terminal, but only this one decides: the others ignore SIGINT, and are killed by
 * us.  If we are killed, the kernel kills them; their workers end with them, as those of every pool do, and
 * directory.c takes care of the files.
 */
#include "cli/compare/run/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100

static sigset_t waited_for, ends_us, as_before;

/* One that our starter had us ignore (nohup) stays ignored. */
static void wait_for_signals(void)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction present;

    sigemptyset(&ends_us);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (sigaction(ending[i], NULL, &present) == 0 && present.sa_handler != SIG_IGN)
            sigaddset(&ends_us, ending[i]);
    signal(SIGCHLD, SIG_DFL); /* ignored, the kernel would throw away what a run has cost */
    waited_for = ends_us;
    sigaddset(&waited_for, SIGCHLD);
    sigprocmask(SIG_BLOCK, &waited_for, &as_before);
}

int compare_process_prepare(struct compare *c)
{
    c->shared_fd = memfd_create("run", MFD_CLOEXEC);
    void *shared = c->shared_fd >= 0 && ftruncate(c->shared_fd, sizeof *c->shared) == 0
                       ? mmap(NULL, sizeof *c->shared, PROT_READ | PROT_WRITE, MAP_SHARED, c->shared_fd, 0) : MAP_FAILED;
    if (shared == MAP_FAILED) {
        say("memory for the runs: %s", strerror(errno));
        return EXIT_LOCAL;
    }
    c->shared = shared;
    wait_for_signals();
    return EXIT_OK;
}

void compare_process_finish(struct compare *c)
{
    if (!c->shared)
        return;
    munmap(c->shared, sizeof *c->shared);
    close(c->shared_fd);
    c->shared = NULL;
    sigprocmask(SIG_SETMASK, &as_before, NULL);
}

pid_t compare_process_start(struct compare *c, compare_body *body, const void *arg)
{
    pid_t parent = getpid();

    fflush(stdout); /* else both would write what is there */
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : pid;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_LOCAL); /* it has gone already */
    signal(SIGINT, SIG_IGN);
    sigprocmask(SIG_SETMASK, &as_before, NULL);
    compare_directory_forget(c);
    body(c, arg);
    exit(EXIT_OK);
}

/* Until the process has ended, or somebody asks us to end. */
static int wait_for(struct compare *c, pid_t pid, int *status, struct rusage *usage)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000};

    for (;;) {
        int number = sigtimedwait(&waited_for, NULL, &tick);
        if (number > 0 && sigismember(&ends_us, number) == 1)
            return number;
        if (wait4(pid, status, WNOHANG, usage) == pid)
            return 0;
        compare_progress_tick(c);
    }
}

static int tell_end(struct compare *c, int status)
{
    compare_progress_erase(c->progress);
    if (WIFSIGNALED(status))
        say("the process of a run was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        say("the process of a run failed: it ended with %d", WEXITSTATUS(status));
    return EXIT_LOCAL;
}

int compare_process_run(struct compare *c, compare_body *body, const void *arg, struct rusage *usage)
{
    int status = 0;

    memset(c->shared, 0, sizeof *c->shared);
    pid_t pid = compare_process_start(c, body, arg);
    if (pid < 0) {
        compare_progress_erase(c->progress);
        say("no process for a run: %s", strerror(-pid));
        return EXIT_LOCAL;
    }
    int number = wait_for(c, pid, &status, usage);
    if (number > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return -number;
    }
    return c->shared->has_ended && status == 0 ? EXIT_OK : tell_end(c, status);
}
