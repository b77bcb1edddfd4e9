/* SPDX-License-Identifier: MIT */
/* test_pool.c - how many threads make blocking calls, whose they are, and what stops whom. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "core/thread/thread.h"
#include "trace.h"

static sem_t gate;
static atomic_int inside, most;

/* Counts how many are in it at once; ends when the gate is opened for it. */
static int wait_at_gate(void)
{
    int n = atomic_fetch_add(&inside, 1) + 1, before = atomic_load(&most);
    while (n > before && !atomic_compare_exchange_weak(&most, &before, n))
        ;
    while (sem_wait(&gate) < 0)
        ;
    atomic_fetch_sub(&inside, 1);
    return 0;
}

static int in_thread(bide_thread_pool *pool)
{
    return bide_to_thread(bide_coro(wait_at_gate), .pool = pool);
}

static void begin(bide_task **tasks, int n, bide_thread_pool *pool)
{
    for (int i = 0; i < n; i++)
        tasks[i] = bide_create_task(bide_coro(in_thread, pool));
}

static int end(bide_task **tasks, int n)
{
    for (int i = 0; i < n; i++)
        sem_post(&gate);
    int code = bide_gather_n(tasks, (size_t)n);
    for (int i = 0; i < n; i++)
        bide_release(tasks[i]);
    return code;
}

static void wait_until_inside(int n)
{
    while (atomic_load(&inside) < n)
        BIDE_IGNORE(bide_sleep_ms(1));
}

/* None ends before all have begun, and no time passes in which more threads would be made. */
TEST(pool_64_calls_that_wait_are_all_made_at_once, .real_time = true)
{
    enum { N = THREADS_AT_ONCE };
    bide_task *t[N];
    begin(t, N, NULL);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(bide__threads_load(bide__loop_here->threads[FOR_CALLS]->pool).live, N);
    wait_until_inside(N);
    EXPECT_EQ(end(t, N), 0);
}

/* ---- bounds ---- */

static int fill_and_count(int bound)
{
    enum { N = 10 };
    bide_task *t[N];
    begin(t, N, NULL);
    wait_until_inside(bound);
    BIDE_IGNORE(bide_sleep_ms(100)); /* five times as long as a stall */
    EXPECT_EQ(end(t, N), 0);
    EXPECT_EQ(atomic_load(&most), bound);
    return 3;
}

UNIT(pool_threads_of_bide_run_are_a_bound_that_is_not_exceeded)
{
    EXPECT_EQ(bide_run(bide_coro(fill_and_count, 2), .threads = 2), 3);
}

UNIT(pool_threads_of_the_environment_are_a_bound)
{
    setenv("BIDE_THREADS", "3", 1);
    EXPECT_EQ(bide_run(bide_coro(fill_and_count, 3)), 3);
}

UNIT(pool_threads_of_bide_run_go_before_the_environment)
{
    setenv("BIDE_THREADS", "nonsense", 1); /* which is not even read */
    EXPECT_EQ(bide_run(bide_coro(fill_and_count, 1), .threads = 1), 3);
}

static void note_message(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    trace("%s", message);
}

TEST(pool_nonsense_in_the_environment_is_reported_and_the_default_taken, .real_time = true)
{
    setenv("BIDE_THREADS", "257", 1);
    bide_loop_set_exception_handler(bide_get_event_loop(), note_message, NULL);
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0);
    EXPECT_CONTAINS(trace_text, "BIDE_THREADS=257: not a number from 1 to 256; the default is used");
}

UNIT(pool_bad_bounds_are_refused_with_a_sentence)
{
    EXPECT_ERR(bide_run(bide_coro(nop), .threads = 257), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_run: threads = 257: 1 to 256, or 0 for the default");
    EXPECT_NULL(bide_thread_pool_new(.threads = -1));
    EXPECT_CONTAINS(bide_error_text(), "bide_thread_pool_new: threads = -1");
    EXPECT_NULL(bide_thread_pool_new(.max_queued = -1));
    EXPECT_CONTAINS(bide_error_text(), "max_queued");
}

/* ---- nobody starves ---- */

static int offload_nothing(void *arg)
{
    (void)arg;
    return 7;
}

static int blocked_calls_stop_nobody(void)
{
    bide_task *t[4];
    begin(t, 4, NULL);
    wait_until_inside(1);
    EXPECT_EQ(bide__offload(FOR_FILES, "a file", offload_nothing, NULL), 7);
    EXPECT_EQ(bide__offload(FOR_NAMES, "a name", offload_nothing, NULL), 7);
    return end(t, 4);
}

UNIT(pool_calls_that_fill_all_threads_stop_neither_files_nor_names)
{
    EXPECT_EQ(bide_run(bide_coro(blocked_calls_stop_nobody), .threads = 1), 0);
}

static int block(void *arg)
{
    (void)arg;
    return wait_at_gate();
}

static int file_that_blocks(void)
{
    return bide__offload(FOR_FILES, "a file", block, NULL);
}

TEST(pool_files_that_block_stop_neither_names_nor_calls, .real_time = true)
{
    enum { N = 70 }; /* more than there may be */
    bide_task *t[N];
    for (int i = 0; i < N; i++)
        t[i] = bide_create_task(bide_coro(file_that_blocks));
    wait_until_inside(64);
    EXPECT_EQ(bide__offload(FOR_NAMES, "a name", offload_nothing, NULL), 7);
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0);
    EXPECT_EQ(end(t, N), 0);
}

/* ---- pools of the program's own ---- */

static int name_of_thread(char *out)
{
    return -pthread_getname_np(pthread_self(), out, 16);
}

TEST(pool_threads_have_the_name_of_their_pool, .real_time = true)
{
    char name[16];
    bide_auto bide_thread_pool *own = bide_thread_pool_new(.name = "a-name-that-is-too-long");
    EXPECT_EQ(bide_to_thread(bide_coro(name_of_thread, name), .pool = own), 0);
    EXPECT_STR(name, "a-name-that-is-");
    EXPECT_EQ(bide_to_thread(bide_coro(name_of_thread, name)), 0);
    EXPECT_STR(name, "bide-thread");
}

TEST(pool_of_two_threads_makes_two_calls_at_once, .real_time = true)
{
    bide_task *t[6];
    bide_auto bide_thread_pool *two = bide_thread_pool_new(.threads = 2);
    begin(t, 6, two);
    wait_until_inside(2);
    BIDE_IGNORE(bide_sleep_ms(50));
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0); /* the loop's pool is another one */
    EXPECT_EQ(end(t, 6), 0);
    EXPECT_EQ(atomic_load(&most), 2);
}

TEST(pool_takes_no_more_queued_calls_than_max_queued, .real_time = true)
{
    bide_task *t[3];
    bide_auto bide_thread_pool *one = bide_thread_pool_new(.threads = 1, .max_queued = 2, .name = "narrow");
    begin(t, 3, one);
    wait_until_inside(1);
    EXPECT_ERR(bide_to_thread(bide_coro(nop), .pool = one), BIDE_ELIMIT);
    EXPECT_STR(bide_error_text(), "narrow: 2 calls wait for a thread already (max_queued)");
    EXPECT_EQ(end(t, 3), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(nop), .pool = one), 0);
}

TEST(pool_queued_call_that_is_cancelled_is_taken_out, .real_time = true)
{
    bide_task *t[2];
    bide_auto bide_thread_pool *one = bide_thread_pool_new(.threads = 1, .max_queued = 1);
    begin(t, 2, one);
    wait_until_inside(1);
    bide_task_cancel(t[1]);
    EXPECT_ERR(bide_await(t[1]), BIDE_ECANCELED);
    bide_release(t[1]);
    begin(&t[1], 1, one); /* there is room for it again */
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(end(t, 2), 0);
}

TEST(pool_call_that_waits_is_bounded_by_a_timeout, .real_time = true)
{
    bide_task *t[1];
    int code = 0;
    bide_auto bide_thread_pool *one = bide_thread_pool_new(.threads = 1);
    begin(t, 1, one);
    wait_until_inside(1);
    bide_timeout(5) {
        code = bide_to_thread(bide_coro(nop), .pool = one);
    }
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(end(t, 1), 0);
}

TEST(pool_released_under_its_calls_makes_those_that_it_has, .real_time = true)
{
    bide_task *t[3];
    bide_thread_pool *one = bide_thread_pool_new(.threads = 1);
    begin(t, 3, one);
    wait_until_inside(1);
    bide_release(one);
    EXPECT_EQ(end(t, 3), 0);
}

static int call_late(bide_thread_pool *pool)
{
    return bide_to_thread(bide_coro(nop), .pool = pool);
}

TEST(pool_released_takes_no_more_calls, .real_time = true)
{
    bide_task *t[1];
    bide_thread_pool *one = bide_thread_pool_new(.threads = 1);
    begin(t, 1, one);
    wait_until_inside(1);
    bide_release(one); /* the call in it keeps it for this test */
    EXPECT_ERR(call_late(one), BIDE_ECLOSED);
    EXPECT_EQ(end(t, 1), 0);
}

static int in_its_own_loop(bide_thread_pool *pool)
{
    for (int i = 0; i < 50; i++)
        BIDE_TRY(bide_to_thread(bide_coro(nop), .pool = pool));
    return 0;
}

static void *thread_with_loop(void *pool)
{
    return (void *)(intptr_t)bide_run(bide_coro(in_its_own_loop, (bide_thread_pool *)pool));
}

UNIT(pool_serves_the_loops_of_several_threads)
{
    enum { N = 4 };
    pthread_t t[N];
    void *code = NULL;
    bide_auto bide_thread_pool *two = bide_thread_pool_new(.threads = 2);
    for (int i = 0; i < N; i++)
        EXPECT_EQ(pthread_create(&t[i], NULL, thread_with_loop, two), 0);
    for (int i = 0; i < N; i++) {
        pthread_join(t[i], &code);
        EXPECT_NULL(code);
    }
}

TEST(pool_thread_that_was_ended_is_replaced_in_a_pool_of_one, .real_time = true)
{
    bide_auto bide_thread_pool *one = bide_thread_pool_new(.threads = 1);
    for (int i = 0; i < 20; i++) {
        bide_auto bide_task *ends = bide_create_task(bide_coro(call_late, one));
        EXPECT_ERR(bide_to_thread((bide_coroutine){.fn = (void (*)(void))pthread_exit, .name = "exit", .argc = 1}, .pool = one),
                   BIDE_EWORKER);
        EXPECT_EQ(bide_await(ends), 0);
    }
}

/* ---- no thread can be made ---- */

/* Stacks that no machine has room for; 0: the default again. */
static void make_stacks_impossible(bool on)
{
    static pthread_attr_t before;
    pthread_attr_t huge;
    if (!on) {
        EXPECT_EQ(pthread_setattr_default_np(&before), 0);
        return;
    }
    EXPECT_EQ(pthread_getattr_default_np(&before), 0);
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    pthread_attr_destroy(&huge);
}

TEST(pool_without_any_thread_says_so, .real_time = true)
{
    if (bide__valgrind_runs())
        SKIP("valgrind refuses such stacks in another way");
    make_stacks_impossible(true);
    EXPECT_ERR(bide_to_thread(bide_coro(nop)), -EAGAIN);
    EXPECT_CONTAINS(bide_error_text(), "a thread for blocking calls");
    make_stacks_impossible(false);
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0);
}

TEST(pool_that_can_make_no_second_thread_goes_on_with_one, .real_time = true)
{
    bide_task *t[3];
    begin(t, 1, NULL);
    wait_until_inside(1);
    make_stacks_impossible(true);
    begin(t + 1, 2, NULL);
    BIDE_IGNORE(bide_sleep_ms(50));
    EXPECT_EQ(atomic_load(&most), 1);
    EXPECT_EQ(end(t, 3), 0);
    make_stacks_impossible(false);
}

/* ---- the end ---- */

static int ignore_and_wait(bide_future *never)
{
    int code = in_thread(NULL);
    (void)never;
    return code;
}

static void *open_gate_after_report(void *arg)
{
    (void)arg;
    while (atomic_load(&inside) == 0)
        usleep(1000);
    usleep(5500 * 1000);
    sem_post(&gate);
    return NULL;
}

static int leaves_a_call_behind(void)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), note_message, NULL);
    bide_detach(bide_create_task(bide_coro(ignore_and_wait, (bide_future *)NULL)));
    wait_until_inside(1);
    return 4;
}

/* asyncio 125: it gives up the threads of its executor after 300 s and says so; Python then waits for them at its own end. */
UNIT(pool_call_that_keeps_a_loop_from_closing_is_reported_and_waited_for, .seconds = 20)
{
    pthread_t t;
    EXPECT_EQ(pthread_create(&t, NULL, open_gate_after_report, NULL), 0);
    EXPECT_EQ(bide_run(bide_coro(leaves_a_call_behind)), 4);
    pthread_join(t, NULL);
    EXPECT_CONTAINS(trace_text, "the event loop was to be closed 5 s ago, and waits for 1 call in a thread (wait_at_gate)");
}

static int use_of_a_parents_pool(bide_thread_pool *pool)
{
    return bide_to_thread(bide_coro(nop), .pool = pool);
}

UNIT(pool_of_a_parent_is_refused_in_a_forked_child)
{
    bide_thread_pool *pool = bide_thread_pool_new(.threads = 1);
    EXPECT_EQ(bide_run(bide_coro(use_of_a_parents_pool, pool)), 0);
    pid_t child = fork();
    if (child == 0) {
        int code = bide_run(bide_coro(use_of_a_parents_pool, pool));
        bide_release(pool);
        _exit(code == BIDE_ESTATE && strstr(bide_error_text(), "before fork()") ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    bide_release(pool);
}
