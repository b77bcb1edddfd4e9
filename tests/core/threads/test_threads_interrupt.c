/* SPDX-License-Identifier: MIT */
/* test_threads_interrupt.c - SIGINT in bide_threads_run. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "core/trace.h"

enum { N = 3 };

static atomic_int begun, cleaned;

static void interrupt_us(void)
{
    kill(getpid(), SIGINT);
}

/* The one that interrupts waits until the others are about to wait for that. */
static int interrupt_when_all_are_there(int which)
{
    atomic_fetch_add(&begun, 1);
    if (bide_thread_index() != which)
        return 0;
    while (atomic_load(&begun) < N)
        BIDE_TRY(bide_sleep_ms(1));
    interrupt_us();
    return 0;
}

static int until_interrupted(void)
{
    EXPECT_ERR(bide_sleep_ms(100000), BIDE_ECANCELED);
    EXPECT_STR(bide_error_text(), "cancelled: SIGINT");
    BIDE_TRY(bide_sleep_ms(1)); /* cleanup may wait */
    atomic_fetch_add(&cleaned, 1);
    return BIDE_ECANCELED;
}

static int interrupts(int which)
{
    BIDE_TRY(interrupt_when_all_are_there(which));
    return until_interrupted();
}

static void expect_default(void)
{
    struct sigaction now;

    EXPECT_EQ(sigaction(SIGINT, NULL, &now), 0);
    EXPECT_TRUE(now.sa_handler == SIG_DFL);
}

/* asyncio 123 */
UNIT(threads_interrupt_first_cancels_the_tasks_of_all_loops_and_their_cleanup_runs)
{
    for (int which = 0; which < N; which++) {
        atomic_store(&begun, 0);
        atomic_store(&cleaned, 0);
        EXPECT_ERR(bide_threads_run(N, bide_coro(interrupts, which)), BIDE_ECANCELED);
        EXPECT_CONTAINS(bide_error_text(), "cancelled: SIGINT");
        EXPECT_EQ(atomic_load(&cleaned), N);
        expect_default();
    }
}

UNIT(threads_interrupt_of_one_thread_is_that_of_a_loop)
{
    atomic_store(&begun, N - 1);
    EXPECT_ERR(bide_threads_run(1, bide_coro(interrupts, 0)), BIDE_ECANCELED);
    EXPECT_EQ(atomic_load(&cleaned), 1);
}

static int first_ends(void)
{
    BIDE_TRY(interrupt_when_all_are_there(1));
    return bide_thread_index() == 0 ? 0 : until_interrupted();
}

/* It comes while that loop is closed, or when the calling thread waits for the others: the time in which it ends is short. */
UNIT(threads_interrupt_after_the_callers_loop_has_ended_cancels_the_others)
{
    if (bide__valgrind_runs())
        SKIP("it does not know the stack of a thread that has left a loop");
    for (int i = 0; i < 20; i++) {
        atomic_store(&begun, 0);
        atomic_store(&cleaned, 0);
        EXPECT_ERR(bide_threads_run(N, bide_coro(first_ends)), BIDE_ECANCELED);
        EXPECT_EQ(atomic_load(&cleaned), N - 1);
        expect_default();
    }
}

static int declines(void)
{
    BIDE_TRY(interrupt_when_all_are_there(1));
    BIDE_IGNORE(until_interrupted());
    return 0;
}

UNIT(threads_interrupt_that_was_declined_changes_no_outcome)
{
    EXPECT_EQ(bide_threads_run(N, bide_coro(declines)), 0);
    EXPECT_EQ(atomic_load(&cleaned), N);
}

/* How a child ends that runs it. */
static int signal_of(int (*program)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(program() < 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int twice(void)
{
    BIDE_TRY(interrupt_when_all_are_there(2));
    BIDE_IGNORE(until_interrupted());
    while (atomic_load(&cleaned) < N)
        BIDE_TRY(bide_sleep_ms(1));
    if (bide_thread_index() == 2)
        interrupt_us();
    return bide_sleep_ms(100000);
}

static int run_twice(void)
{
    return bide_threads_run(N, bide_coro(twice));
}

static int run_and_leave_it_alone(void)
{
    return bide_threads_run(N, bide_coro(interrupts, 1), .leave_signals = true);
}

/* asyncio 123 */
UNIT(threads_interrupt_second_ends_the_process)
{
    EXPECT_EQ(signal_of(run_twice), SIGINT);
}

UNIT(threads_interrupt_is_left_alone_on_request)
{
    EXPECT_EQ(signal_of(run_and_leave_it_alone), SIGINT);
}

static atomic_int handled;

static void handle(int signal)
{
    (void)signal;
    atomic_fetch_add(&handled, 1);
}

static int interrupts_and_ends(void)
{
    if (bide_thread_index() == 1)
        interrupt_us();
    return 0;
}

UNIT(threads_interrupt_belongs_to_the_programs_own_handler)
{
    struct sigaction own = {.sa_handler = handle}, now;
    EXPECT_EQ(sigaction(SIGINT, &own, NULL), 0);
    EXPECT_EQ(bide_threads_run(N, bide_coro(interrupts_and_ends)), 0);
    EXPECT_EQ(atomic_load(&handled), 1);
    EXPECT_EQ(sigaction(SIGINT, NULL, &now), 0);
    EXPECT_TRUE(now.sa_handler == handle);
}

UNIT(threads_interrupt_that_is_blocked_stays_pending)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    EXPECT_EQ(bide_threads_run(N, bide_coro(interrupts_and_ends)), 0);
    EXPECT_EQ(sigpending(&set), 0);
    EXPECT_TRUE(sigismember(&set, SIGINT));
    expect_default();
}

/* ---- beside bide_main ---- */

static int run_threads(void)
{
    return bide_threads_run(N, bide_coro(interrupts, 1));
}

static int app(void)
{
    int code = bide_to_thread(bide_coro(run_threads));
    EXPECT_EQ(atomic_load(&cleaned), N);
    return code;
}

UNIT(threads_interrupt_of_bide_main_cancels_them_too)
{
    EXPECT_EQ(bide_main(bide_coro(app)), 128 + SIGINT);
    expect_default();
}

/* ---- a child ---- */

static pid_t parent, child;

static int forks(void)
{
    if (bide_thread_index() == 0)
        child = fork();
    return 0;
}

/* It has no other threads to wait for, and its own SIGINT is the system's. */
UNIT(threads_interrupt_child_of_the_calling_thread_comes_out_alone)
{
    int status = 0;
    if (BIDE_SANITIZED)
        SKIP("ThreadSanitizer knows nothing of a thread's stack in the child of a task");
    parent = getpid();
    BIDE_IGNORE(bide_threads_run(N, bide_coro(forks)));
    if (getpid() != parent)
        _exit(bide_run(bide_coro(nop)) == 0 ? 0 : 1);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    expect_default();
}
