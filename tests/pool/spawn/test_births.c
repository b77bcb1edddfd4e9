/* SPDX-License-Identifier: MIT */
/* test_births.c - the helper process dies at the worst moment: it has made a worker, and has not said so. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "pool/kills/kills.h"

/* In another process: traces the helper, and kills it when it has just cloned.  Exit status 77: tracing is forbidden. */
static int kill_after_clone(pid_t zygote, bool child_too, int ready)
{
    unsigned long child = 0;
    int status;
    if (ptrace(PTRACE_SEIZE, zygote, NULL, PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK) < 0)
        return 77;
    if (write(ready, "x", 1) != 1)
        return 1;

    do {
        if (waitpid(zygote, &status, __WALL) != zygote || !WIFSTOPPED(status))
            return 2;
    } while (status >> 16 == 0 && ptrace(PTRACE_CONT, zygote, NULL, WSTOPSIG(status)) == 0);
    if (ptrace(PTRACE_GETEVENTMSG, zygote, NULL, &child) < 0 || kill(zygote, SIGKILL) < 0)
        return 3;
    if (waitpid((pid_t)child, &status, __WALL) != (pid_t)child)
        return 4;
    if (child_too)
        kill((pid_t)child, SIGSTOP); /* it shall not run, nor die in our hands: the program is to see its end */
    if (ptrace(PTRACE_DETACH, (pid_t)child, NULL, NULL) < 0)
        return 5;
    if (child_too)
        kill((pid_t)child, SIGKILL);
    return 0;
}

static pid_t tracer_start(bool child_too)
{
    int ends[2], status;
    char byte;
    pid_t zygote = bide__zygote_pid(), program = getpid();
    EXPECT_EQ(pipe(ends), 0);

    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(getppid() == program ? kill_after_clone(zygote, child_too, ends[1]) : 9);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], &byte, 1);
    close(ends[0]);
    if (n == 1)
        return pid;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("other processes may not be traced");
    FAIL("the tracer ended with %d", status);
}

static void helper_dies_at_a_birth(bool child_too)
{
    int die = SIGKILL, status;
    pid_t left[8];
    needs_processes();
    {
        bide_auto bide_pool *p = OPEN(.workers = 1, .restart_max = BIDE_UNLIMITED);
        pid_t tracer = tracer_start(child_too);
        EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
        bide_error_clear();
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        EXPECT_EQ(waitpid(tracer, &status, 0), tracer);
        EXPECT_EQ(status, 0);
        EXPECT_LT(0, bide_pool_pid(p, 0));
    }
    int n = children_of(getpid(), left, 8); /* not even one that is dead, and that nobody waited for */
    EXPECT_LE(n, 1);
    if (n == 1)
        EXPECT_EQ(left[0], bide__zygote_pid());
}

TEST(worker_whose_helper_died_at_its_birth_is_found, .real_time = true)
{
    helper_dies_at_a_birth(false);
}

TEST(worker_that_died_with_its_helper_at_its_birth_is_replaced, .real_time = true)
{
    helper_dies_at_a_birth(true);
}
