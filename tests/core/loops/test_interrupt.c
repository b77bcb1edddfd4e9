/* SPDX-License-Identifier: MIT */
/* test_interrupt.c - SIGINT in bide_main (checklist 123). */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "trace.h"

static int cleans_up(void)
{
    int r = bide_sleep_ms(100000);
    trace("%s", bide_error_text());
    BIDE_TRY(bide_sleep_ms(1)); /* cleanup may wait */
    trace("clean");
    return r;
}

static void interrupt_us(void *unused)
{
    (void)unused;
    kill(getpid(), SIGINT);
}

static int is_interrupted(bide_coroutine *what)
{
    bide_loop_call_later(bide_get_event_loop(), 1, interrupt_us, NULL);
    return bide_await(*what);
}

static int main_of(bide_coroutine what)
{
    return bide_main(bide_coro(is_interrupted, &what));
}

/* asyncio 123, asyncio-suite 235 */
UNIT(interrupt_first_cancels_the_task_and_its_cleanup_runs)
{
    struct sigaction now;
    EXPECT_EQ(main_of(bide_coro(cleans_up)), 128 + SIGINT);
    EXPECT_TRACE("cancelled: SIGINT clean");
    EXPECT_EQ(sigaction(SIGINT, NULL, &now), 0);
    EXPECT_TRUE(now.sa_handler == SIG_DFL);
}

static int ends_well(void)
{
    EXPECT_ERR(bide_sleep_ms(100000), BIDE_ECANCELED);
    return 7;
}

static int ends_badly(void)
{
    EXPECT_ERR(bide_sleep_ms(100000), BIDE_ECANCELED);
    return bide_fail(-EIO, "cleanup broke");
}

/* asyncio 123 */
UNIT(interrupt_that_was_declined_changes_no_outcome)
{
    EXPECT_EQ(main_of(bide_coro(ends_well)), 7);
    EXPECT_EQ(main_of(bide_coro(ends_badly)), 1);
}

static int cancels_itself(void)
{
    bide_task_cancel(bide_current_task());
    return bide_sleep_ms(1);
}

/* asyncio 123 */
UNIT(interrupt_that_did_not_come_is_no_interrupt)
{
    EXPECT_EQ(bide_main(bide_coro(cancels_itself)), 1);
}

static int ignores_it(void)
{
    EXPECT_ERR(bide_sleep_ms(100000), BIDE_ECANCELED);
    kill(getpid(), SIGINT);
    return bide_sleep_ms(100000);
}

/* How a child ends that runs it. */
static int status_of(int (*program)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(program());
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

static int second_signal(void)
{
    return main_of(bide_coro(ignores_it));
}

/* asyncio 123, asyncio-suite 235 */
UNIT(interrupt_second_ends_the_process)
{
    int status = status_of(second_signal);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGINT);
}

static int leave_alone(void)
{
    bide_coroutine c = bide_coro(ignores_it);
    return bide_main(bide_coro(is_interrupted, &c), .leave_signals = true);
}

UNIT(interrupt_is_left_alone_on_request)
{
    int status = status_of(leave_alone);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

static int handled;

static void handle(int signal)
{
    (void)signal;
    handled++;
}

UNIT(interrupt_belongs_to_the_programs_own_handler)
{
    struct sigaction own = {.sa_handler = handle}, now;
    EXPECT_EQ(sigaction(SIGINT, &own, NULL), 0);
    EXPECT_EQ(main_of(bide_coro(sleep_give, (int64_t)20, 3)), 3);
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(sigaction(SIGINT, NULL, &now), 0);
    EXPECT_TRUE(now.sa_handler == handle);
}

static int takes_the_signal_meanwhile(void)
{
    struct sigaction own = {.sa_handler = handle};
    EXPECT_EQ(sigaction(SIGINT, &own, NULL), 0);
    return bide_sleep_ms(20) < 0 ? -1 : 4;
}

UNIT(interrupt_handler_that_comes_later_has_it_and_stays)
{
    struct sigaction now;
    EXPECT_EQ(main_of(bide_coro(takes_the_signal_meanwhile)), 4);
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(sigaction(SIGINT, NULL, &now), 0);
    EXPECT_TRUE(now.sa_handler == handle);
}

UNIT(interrupt_that_is_ignored_stays_ignored)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    EXPECT_EQ(sigaction(SIGINT, &ignored, NULL), 0);
    EXPECT_EQ(main_of(bide_coro(sleep_give, (int64_t)20, 3)), 3);
}

static void *raises(void *unused)
{
    (void)unused;
    raise(SIGINT); /* of this thread */
    return NULL;
}

static int in_a_thread(void)
{
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, raises, NULL), 0);
    int r = cleans_up();
    pthread_join(thread, NULL);
    return r;
}

UNIT(interrupt_seen_by_another_thread_goes_to_the_loops)
{
    if (is_tsan())
        SKIP("a signal that a handler sends on to a thread that is about to wait is at times handled after the wait alone");
    EXPECT_EQ(bide_main(bide_coro(in_a_thread)), 128 + SIGINT);
    EXPECT_TRACE("cancelled: SIGINT clean");
}

static int forks_and_interrupts(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        kill(getpid(), SIGINT);
        _exit(1);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

UNIT(interrupt_in_a_forked_child_ends_it)
{
    if (is_tsan())
        SKIP("it does not end by a signal that is raised in a handler");
    EXPECT_EQ(bide_main(bide_coro(forks_and_interrupts)), SIGINT);
}
