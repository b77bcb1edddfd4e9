/* SPDX-License-Identifier: MIT */
/* test_to_thread.c - blocking calls in threads. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <bide/scope.h>

#include "core/core.h"
#include "trace.h"

static int where(pthread_t *thread)
{
    *thread = pthread_self();
    return 11;
}

TEST(to_thread_runs_elsewhere_and_gives_the_result, .real_time = true)
{
    pthread_t thread = pthread_self();
    EXPECT_EQ(bide_to_thread(bide_coro(where, &thread)), 11);
    EXPECT_FALSE(pthread_equal(thread, pthread_self()));
}

static int fails(void)
{
    return bide_fail(-EIO, "the thread's own story");
}

TEST(to_thread_brings_the_error_back, .real_time = true)
{
    EXPECT_ERR(bide_to_thread(bide_coro(fails)), -EIO);
    EXPECT_STR(bide_error_text(), "the thread's own story");
}

/* An errno value as read(2) users return it, after an error of another kind. */
static int fails_barely(void)
{
    bide_fail(-ENOENT, "dealt with");
    return -EIO;
}

TEST(to_thread_bare_code_replaces_the_record, .real_time = true)
{
    bide_fail(-EBUSY, "older");
    EXPECT_ERR(bide_to_thread(bide_coro(fails_barely)), -EIO);
    EXPECT_EQ(bide_error_code(), -EIO);
    EXPECT_NULL(strstr(bide_error_text(), "dealt with"));
    EXPECT_NULL(strstr(bide_error_text(), "older"));
}

static int nap(int ms)
{
    usleep((useconds_t)ms * 1000);
    return 0;
}

static int thread_nap(int ms)
{
    return bide_to_thread(bide_coro(nap, ms));
}

TEST(to_thread_many_at_once_do_not_block_the_loop, .real_time = true)
{
    bide_awaitable naps[64];
    for (int i = 0; i < 64; i++)
        naps[i] = BIDE_AW(bide_coro(thread_nap, 2));
    EXPECT_EQ(bide_gather_n(naps, 64), 0);
}

static atomic_bool begun, ended;

static int nap_and_tell(void)
{
    atomic_store(&begun, true);
    usleep(50000);
    atomic_store(&ended, true);
    return 0;
}

static int thread_nap_and_tell(void)
{
    return bide_to_thread(bide_coro(nap_and_tell));
}

TEST(to_thread_cancelled_after_it_began_ends_when_the_call_has_ended, .real_time = true)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(thread_nap_and_tell));
    while (!atomic_load(&begun))
        BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(atomic_load(&ended));
}

static sem_t gate;
static atomic_int passed;

static int pass(void)
{
    while (sem_wait(&gate) < 0)
        ;
    atomic_fetch_add(&passed, 1);
    return 0;
}

static int pass_in(bide_thread_pool *pool)
{
    return bide_to_thread(bide_coro(pass), .pool = pool);
}

TEST(to_thread_cancelled_while_queued_never_runs, .real_time = true)
{
    bide_auto bide_thread_pool *one = bide_thread_pool_new(.threads = 1);
    sem_init(&gate, 0, 0);
    bide_auto bide_task *first = bide_create_task(bide_coro(pass_in, one));
    bide_auto bide_task *second = bide_create_task(bide_coro(pass_in, one));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(second);
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRUE(bide_task_cancelled(second));
    sem_post(&gate);
    EXPECT_EQ(bide_await(first), 0);
    EXPECT_EQ(atomic_load(&passed), 1);
}

/* ---- out of time, when the call has begun ---- */

static bool opens;

static int open_gate_later(int ms)
{
    while (!atomic_load(&begun))
        BIDE_TRY(bide_sleep_ms(1));
    BIDE_TRY(bide_sleep_ms(ms));
    opens = true;
    sem_post(&gate);
    return 0;
}

static int begin_and_pass(void)
{
    atomic_store(&begun, true);
    return pass() < 0 ? -1 : bide_fail(-EIO, "nobody wants to know");
}

static int thread_begin_and_pass(void)
{
    return bide_to_thread(bide_coro(begin_and_pass));
}

static int in_a_block(void)
{
    int r = 0;
    bide_timeout(50)
        r = thread_begin_and_pass();
    EXPECT_TRUE(bide_timeout_expired());
    return r;
}

static int in_a_block_around(void)
{
    int r = 0;
    bide_timeout(50)
        bide_timeout(BIDE_FOREVER)
            r = thread_begin_and_pass();
    return r;
}

static int waits_for_it(void)
{
    return bide_wait_for(bide_to_thread_awaitable(bide_coro(begin_and_pass)), 50);
}

static int waits_for_a_coroutine(void)
{
    return bide_wait_for(bide_coro(thread_begin_and_pass), 50);
}

static int waits_for_a_task(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(thread_begin_and_pass));

    return bide_wait_for(t, 50);
}

TEST(to_thread_out_of_time_after_it_began_says_so_when_the_call_has_ended, .real_time = true)
{
    static int (*const ways[])(void) = {in_a_block, in_a_block_around, waits_for_it, waits_for_a_coroutine, waits_for_a_task};

    for (size_t i = 0; i < array_len(ways); i++) {
        sem_init(&gate, 0, 0);
        atomic_store(&begun, false);
        opens = false;
        bide_auto bide_task *t = bide_create_task(bide_coro(open_gate_later, 100));
        EXPECT_ERR(ways[i](), BIDE_ETIMEDOUT);
        EXPECT_CONTAINS(bide_error_text(), "timed out");
        EXPECT_TRUE(opens || !atomic_load(&begun)); /* on a machine that is slow it may never have begun */
        bide_task_cancel(t);
        BIDE_IGNORE(bide_await(t));
    }
}

static int cancel_scope_later(bide_cancel_scope *s)
{
    while (!atomic_load(&begun))
        BIDE_TRY(bide_sleep_ms(1));
    EXPECT_TRUE(bide_scope_cancel(s));
    sem_post(&gate);
    return 0;
}

TEST(to_thread_in_a_scope_that_is_cancelled_says_so, .real_time = true)
{
    int r = 0;
    bide_task *t = NULL;

    sem_init(&gate, 0, 0);
    bide_scope(s) {
        t = bide_create_task(bide_coro(cancel_scope_later, s));
        r = thread_begin_and_pass();
    }
    EXPECT_ERR(r, BIDE_ECANCELED);
    EXPECT_EQ(bide_await(t), 0);
    bide_release(t);
}

static atomic_int inside;

/* Ends when two are in it at once. */
static int meet(void)
{
    atomic_fetch_add(&inside, 1);
    for (int i = 0; i < 5000 && atomic_load(&inside) < 2; i++)
        usleep(1000);
    return atomic_load(&inside) < 2 ? -ETIMEDOUT : 0;
}

static int thread_meet(void)
{
    return bide_to_thread(bide_coro(meet));
}

TEST(to_thread_two_at_once_do_not_share_the_one_that_is_idle, .real_time = true)
{
    EXPECT_EQ(thread_nap(1), 0); /* now there is one */
    EXPECT_EQ(bide_gather(bide_coro(thread_meet), bide_coro(thread_meet)), 0);
}

static int blocked_signals(sigset_t *set)
{
    return -pthread_sigmask(SIG_BLOCK, NULL, set);
}

TEST(to_thread_leaves_signals_to_the_program, .real_time = true)
{
    sigset_t in_thread, here;
    EXPECT_EQ(bide_to_thread(bide_coro(blocked_signals, &in_thread)), 0);
    EXPECT_EQ(blocked_signals(&here), 0);
    EXPECT_TRUE(sigismember(&in_thread, SIGINT) && sigismember(&in_thread, SIGTERM));
    EXPECT_FALSE(sigismember(&in_thread, SIGSEGV));
    EXPECT_FALSE(sigismember(&here, SIGTERM));
}

TEST(to_thread_takes_2_turns_at_least, .real_time = true)
{
    turns_begin();
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0);
    EXPECT_LE(2, turns_end());
}

/* ---- more threads ---- */

static sem_t opened;

static int wait_until_opened(void)
{
    atomic_fetch_add(&inside, 1);
    while (sem_wait(&opened) < 0)
        ;
    return 0;
}

static int thread_wait(void)
{
    return bide_to_thread(bide_coro(wait_until_opened));
}

static int open_for(int n)
{
    for (int i = 0; i < n; i++)
        sem_post(&opened);
    return 7;
}

/* Those that wait are more than there are threads at once, and what they wait for is queued behind them. */
TEST(to_thread_blocked_calls_get_more_threads_until_the_one_they_wait_for_runs, .real_time = true)
{
    enum { N = 100 };
    bide_awaitable all[N];
    bide_task *t[N];
    sem_init(&opened, 0, 0);
    for (int i = 0; i < N; i++)
        all[i] = BIDE_AW(t[i] = bide_create_task(bide_coro(thread_wait)));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(bide_to_thread(bide_coro(open_for, N)), 7);
    EXPECT_EQ(bide_gather_n(all, N), 0);
    for (int i = 0; i < N; i++)
        bide_release(t[i]);
}

static void note_message(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    trace("%s", message);
}

TEST(to_thread_deadlock_at_the_ceiling_is_reported_once, .real_time = true, .seconds = 30)
{
    enum { N = BIDE_THREADS_MAX };
    bide_task *t[N];
    sem_init(&opened, 0, 0);
    bide_loop_set_exception_handler(bide_get_event_loop(), note_message, NULL);
    for (int i = 0; i < N; i++)
        t[i] = bide_create_task(bide_coro(thread_wait));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_auto bide_task *last = bide_create_task(bide_coro(thread_wait));
    while (atomic_load(&inside) < N) /* under valgrind that takes a while */
        BIDE_IGNORE(bide_sleep_ms(20));
    BIDE_IGNORE(bide_sleep_ms(7000));
    EXPECT_EQ(atomic_load(&inside), N);
    EXPECT_CONTAINS(trace_text, "bide_to_thread: none of 256 calls has returned for 5 s");
    EXPECT_CONTAINS(trace_text, "and 1 calls wait");
    size_t len = strlen(trace_text);
    BIDE_IGNORE(bide_sleep_ms(6000));
    EXPECT_EQ(strlen(trace_text), len);
    open_for(N + 1);
    EXPECT_EQ(bide_await(last), 0);
    for (int i = 0; i < N; i++)
        bide_release(t[i]);
}

static void note_and_open(bide_loop *loop, const char *message, void *arg)
{
    note_message(loop, message, arg);
    sem_post(&gate);
}

/* The call that fills the pool waits for the two behind it; they are let go by the report. */
TEST(to_thread_deadlock_in_a_pool_of_the_programs_own_is_reported_once, .real_time = true, .seconds = 30)
{
    bide_auto bide_thread_pool *one = bide_thread_pool_new(.threads = 1, .name = "sqlite");
    sem_init(&gate, 0, 0);
    bide_loop_set_exception_handler(bide_get_event_loop(), note_and_open, NULL);
    bide_auto bide_task *first = bide_create_task(bide_coro(pass_in, one));
    bide_auto bide_task *second = bide_create_task(bide_coro(pass_in, one));
    bide_auto bide_task *third = bide_create_task(bide_coro(pass_in, one));
    EXPECT_EQ(bide_await(first), 0);
    EXPECT_STR(trace_text, "sqlite: none of 1 calls has returned for 5 s, all threads are taken, and 2 calls wait for one; "
                           "if the former wait for the latter, none will ever return");
    sem_post(&gate);
    sem_post(&gate);
    EXPECT_EQ(bide_await(second), 0);
    EXPECT_EQ(bide_await(third), 0);
}

/* ---- functions that end their thread ---- */

static int exits(void)
{
    pthread_exit(NULL);
    return 0;
}

static int is_cancelled(void)
{
    pthread_cancel(pthread_self());
    pthread_testcancel(); /* not a call that ThreadSanitizer stands before: it would not come out of that */
    return 1;
}

static int cancels_and_returns(int result)
{
    pthread_cancel(pthread_self());
    return result;
}

TEST(to_thread_function_that_calls_pthread_exit_is_an_error, .real_time = true)
{
    EXPECT_ERR(bide_to_thread(bide_coro(exits)), BIDE_EWORKER);
    EXPECT_CONTAINS(bide_error_text(), "exits ended its thread");
}

TEST(to_thread_function_that_is_cancelled_is_an_error, .real_time = true)
{
    EXPECT_ERR(bide_to_thread(bide_coro(is_cancelled)), BIDE_EWORKER);
    EXPECT_CONTAINS(bide_error_text(), "is_cancelled ended its thread");
}

TEST(to_thread_function_that_has_returned_when_its_thread_is_cancelled_gives_its_result, .real_time = true)
{
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(bide_to_thread(bide_coro(cancels_and_returns, i)), i);
}

static pthread_t a_thread;

static int note_thread(void)
{
    a_thread = pthread_self();
    return 0;
}

TEST(to_thread_thread_that_is_cancelled_while_idle_does_not_take_a_job_with_it, .real_time = true)
{
    EXPECT_EQ(bide_to_thread(bide_coro(note_thread)), 0);
    pthread_cancel(a_thread);
    EXPECT_EQ(bide_to_thread(bide_coro(nap, 1)), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(nap, 1)), 0);
}

static int thread_exits(void)
{
    return bide_to_thread(bide_coro(exits));
}

/* Many more than there may be threads: each that has ended is replaced. */
TEST(to_thread_threads_that_were_ended_are_replaced, .real_time = true)
{
    enum { N = 2 * BIDE_THREADS_MAX };
    bide_awaitable all[N];
    int codes[N];
    for (int i = 0; i < N; i++)
        all[i] = BIDE_AW(bide_coro(thread_exits));
    EXPECT_EQ(bide_gather_all_n(codes, all, N), N);
    EXPECT_ERR(codes[N - 1], BIDE_EWORKER);
    bide_error_clear();
    EXPECT_EQ(bide_to_thread(bide_coro(nap, 1)), 0);
}
