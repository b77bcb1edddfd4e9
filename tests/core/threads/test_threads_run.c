/* SPDX-License-Identifier: MIT */
/* test_threads_run.c - a loop in each of several threads. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "core/trace.h"

enum { N = 4 };

static struct {
    pthread_t id[N];
    bide_loop *loop[N];
    char name[N][16];
    cpu_set_t set[N];
    atomic_int seen, ended;
} there;

/* Each waits until all are there, so they run at the same time. */
static int meet(int n)
{
    int i = bide_thread_index();
    there.id[i] = pthread_self();
    there.loop[i] = bide_get_event_loop();
    pthread_getname_np(pthread_self(), there.name[i], 16);
    sched_getaffinity(0, sizeof there.set[i], &there.set[i]);
    atomic_fetch_add(&there.seen, 1);
    while (atomic_load(&there.seen) < n)
        BIDE_TRY(bide_sleep_ms(1));
    return i;
}

UNIT(threads_run_has_a_loop_in_each_of_n_threads_and_the_callers_is_the_first)
{
    char mine[16];
    pthread_getname_np(pthread_self(), mine, 16);
    EXPECT_EQ(bide_thread_index(), -1);
    EXPECT_EQ(bide_threads_run(N, bide_coro(meet, N), .name = "web"), 0);
    EXPECT_EQ(bide_thread_index(), -1);
    EXPECT_TRUE(pthread_equal(there.id[0], pthread_self()));
    EXPECT_STR(there.name[0], mine);
    EXPECT_STR(there.name[3], "web-3");
    for (int i = 1; i < N; i++) {
        EXPECT_FALSE(pthread_equal(there.id[i], there.id[0]));
        EXPECT_TRUE(there.loop[i] != there.loop[0]);
    }
}

UNIT(threads_run_of_0_has_one_for_each_processor_that_is_allowed)
{
    int n = bide_processors();
    cpu_set_t one;
    EXPECT_LE(1, n);
    if (n <= N) {
        EXPECT_EQ(bide_threads_run(0, bide_coro(meet, n)), 0);
        EXPECT_EQ(atomic_load(&there.seen), n);
    }
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one) < 0)
        SKIP("this process may not choose its processor");
    atomic_store(&there.seen, 0);
    EXPECT_EQ(bide_processors(), 1);
    EXPECT_EQ(bide_threads_run(BIDE_ALL_PROCESSORS, bide_coro(meet, 1)), 0);
    EXPECT_EQ(atomic_load(&there.seen), 1);
}

UNIT(threads_run_pinned_threads_stay_on_one_processor_each)
{
    cpu_set_t before, after;
    sched_getaffinity(0, sizeof before, &before);
    EXPECT_EQ(bide_threads_run(2, bide_coro(meet, 2), .pin = true), 0);
    sched_getaffinity(0, sizeof after, &after);
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(CPU_COUNT(&there.set[i]), 1);
    if (CPU_COUNT(&before) > 1)
        EXPECT_FALSE(CPU_EQUAL(&there.set[0], &there.set[1]));
}

/* ---- errors ---- */

static int one_fails(int which)
{
    int code = meet(N);
    if (code >= 0 && bide_thread_index() == which)
        return bide_fail(-EXDEV, "thread %d has failed", which);
    if (code >= 0)
        code = bide_sleep_ms(60000);
    atomic_fetch_add(&there.ended, code == BIDE_ECANCELED);
    return code;
}

UNIT(threads_run_first_error_cancels_the_others)
{
    EXPECT_ERR(bide_threads_run(N, bide_coro(one_fails, 2)), -EXDEV);
    EXPECT_STR(bide_error_text(), "thread 2 has failed");
    EXPECT_EQ(atomic_load(&there.ended), N - 1);
}

UNIT(threads_run_error_of_the_callers_thread_cancels_the_others)
{
    EXPECT_ERR(bide_threads_run(N, bide_coro(one_fails, 0)), -EXDEV);
    EXPECT_EQ(atomic_load(&there.ended), N - 1);
}

static int fails_at_once(void)
{
    return bide_thread_index() == 0 ? -EXDEV : bide_sleep_ms(60000);
}

UNIT(threads_run_error_before_others_have_begun_keeps_them_from_it)
{
    for (int i = 0; i < 30; i++)
        EXPECT_ERR(bide_threads_run(N, bide_coro(fails_at_once)), -EXDEV);
}

static int starts_another(void)
{
    EXPECT_ERR(bide_threads_run(2, bide_coro(nop)), BIDE_ERUNNING);
    return 0;
}

UNIT(threads_run_bad_use_is_refused)
{
    EXPECT_EQ(bide_run(bide_coro(starts_another)), 0);
    EXPECT_ERR(bide_threads_run(257, bide_coro(nop)), -EINVAL);
    EXPECT_ERR(bide_threads_run(BIDE_NONE, bide_coro(nop)), -EINVAL);
    EXPECT_ERR(bide_threads_run(2, (bide_coroutine){0}), -EINVAL);
}

UNIT(threads_run_that_can_make_no_thread_says_so_and_runs_nothing_on)
{
    pthread_attr_t huge;
    if (bide__valgrind_runs())
        SKIP("valgrind refuses such stacks in another way");
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    EXPECT_ERR(bide_threads_run(2, bide_coro(bide_sleep_ms, (int64_t)60000)), -EAGAIN);
    EXPECT_CONTAINS(bide_error_text(), "bide_threads_run: no thread could be made");
}

static int forks(void)
{
    BIDE_TRY(meet(2));
    if (bide_thread_index() != 1)
        return 0;
    pid_t child = fork();
    if (child == 0)
        _exit(bide_run(bide_coro(nop)) == 0 ? 0 : 1);
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return 0;
}

UNIT(threads_run_child_that_one_of_them_forks_has_a_loop_of_its_own)
{
    EXPECT_EQ(bide_threads_run(2, bide_coro(forks)), 0);
}
