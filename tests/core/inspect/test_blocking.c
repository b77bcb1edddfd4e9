/* SPDX-License-Identifier: MIT */
/*
 * test_blocking.c - debug mode: what blocks the loop is reported while it does, and how long a step took afterwards.
 *
 * The report goes to a pipe that the task itself waits for, so each of these blocks just until it has been reported.
 */
#include <bide/debug.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"
#include "core/loop/steps.h"
#include "harness/harness.h"
#include "trace.h"

static int errors[2]; /* what is written to standard error can be read from [0] */
static char text[16384], said[4096];
static bide_loop *loop;

static void collect(bide_loop *l, const char *message, void *arg)
{
    (void)l;
    (void)arg;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s\n", message);
}

static int standard_error = -1;

static void begin(void)
{
    EXPECT_EQ(pipe(errors), 0);
    standard_error = dup(STDERR_FILENO);
    EXPECT_EQ(dup2(errors[1], STDERR_FILENO), STDERR_FILENO);
    loop = bide_loop_new();
    bide_loop_set_exception_handler(loop, collect, NULL);
    EXPECT_EQ(bide_loop_set_debug(loop, true), 0);
    EXPECT_EQ(bide_loop_set_slow_ms(loop, 10), 0);
}

static void end(void)
{
    bide_release(loop);
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    close(errors[0]);
    close(errors[1]);
}

/* Names of static functions come from libdw; valgrind and emulators show their own stacks; what ASan puts before read() ends ours. */
static bool sees_stacks(void)
{
    void *libdw = dlopen("libdw.so.1", RTLD_NOW);

    if (libdw)
        dlclose(libdw);
#if defined(__x86_64__)
    return libdw && !bide__valgrind_runs() && !bide__asan_runs() && !is_tsan() && !getenv("BIDE_TEST_EMULATED");
#else
    return false;
#endif
}

/* ---- while it lasts ---- */

static volatile unsigned long spins;

static __attribute__((noinline)) int blocks_in_a_call_until(const char *words)
{
    size_t len = 0;

    do { /* on a busy machine there may be a line before, on a step that was slow by itself */
        ssize_t n = read(errors[0], text + len, sizeof text - 1 - len); /* EINTR would be -1 */
        if (n <= 0)
            return -1;
        len += (size_t)n;
        text[len] = '\0';
    } while (!strstr(text, words));
    return 0;
}

static __attribute__((noinline)) int blocks_in_a_call(void)
{
    int code = blocks_in_a_call_until("has blocked the event loop");

    spins++;
    return code;
}

static int calls_it(void)
{
    int code = blocks_in_a_call();

    spins++; /* or it would be a jump, and no frame */
    return code;
}

UNIT(task_that_blocks_in_a_system_call_is_reported_while_it_does_and_sees_no_eintr)
{
    begin();
    int code = bide_run_until_complete(loop, bide_coro(calls_it));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "bide: task Task-1 (calls_it) has blocked the event loop for ");
    EXPECT_CONTAINS(text, " ms, and still does");
    if (sees_stacks()) {
        EXPECT_CONTAINS(text, "in blocks_in_a_call_until (inspect/test_blocking.c:");
        EXPECT_CONTAINS(text, "bide:     calls_it (inspect/test_blocking.c:");
    }
}

static int blocks_until_recommended(void)
{
    int code = blocks_in_a_call_until("bide doctor");

    spins++;
    return code;
}

UNIT(library_that_covers_the_call_is_recommended_once)
{
    if (!sees_stacks())
        SKIP("no stacks are seen here");
    begin();
    int code = bide_run_until_complete(loop, bide_coro(blocks_until_recommended));
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "\nbide: with libbide-unblock, read of the program would suspend only its task: see `bide doctor ");
    code = bide_run_until_complete(loop, bide_coro(calls_it));
    EXPECT_EQ(code, 0);
    struct pollfd p = {.fd = errors[0], .events = POLLIN}; /* nobody writes any more: the thread that looks has ended */
    while (poll(&p, 1, 0) > 0) {
        size_t len = strlen(text);
        ssize_t n = read(errors[0], text + len, sizeof text - 1 - len);
        EXPECT_TRUE(n > 0);
        text[len + (size_t)n] = '\0';
    }
    end();
    EXPECT_CONTAINS(text, "(calls_it) has blocked the event loop for ");
    EXPECT_TRUE(!strstr(text, "with libbide-unblock"));
}

static __attribute__((noinline)) int spins_until_reported(void)
{
    struct pollfd p = {.fd = errors[0], .events = POLLIN};

    do
        for (int i = 0; i < 3000000; i++)
            spins++;
    while (poll(&p, 1, 0) == 0);
    return blocks_in_a_call();
}

UNIT(task_that_computes_is_reported_while_it_does)
{
    if (is_tsan())
        SKIP("no signal would come");
    begin();
    int code = bide_run_until_complete(loop, bide_coro(spins_until_reported));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "bide: task Task-1 (spins_until_reported) has blocked the event loop for ");
    if (sees_stacks())
        EXPECT_CONTAINS(text, "spins_until_reported (inspect/test_blocking.c:");
}

static int sleeps_in_the_thread(void)
{
    struct timespec t = {.tv_nsec = 60000000};

    /* Under valgrind the kernel does not show in which call a thread stands, so that it gets a signal there. */
    return nanosleep(&t, NULL) < 0 && !bide__valgrind_runs() ? -1 : 0;
}

static int sleeps_until_reported(void)
{
    struct pollfd p = {.fd = errors[0], .events = POLLIN};
    struct timespec t = {.tv_nsec = 20000000};

    while (poll(&p, 1, 0) == 0)
        if (nanosleep(&t, NULL) < 0)
            return -1;
    return blocks_in_a_call();
}

UNIT(nanosleep_of_a_task_that_is_reported_is_not_cut_short)
{
    if (bide__valgrind_runs())
        SKIP("it does not begin such calls again after every signal");
    begin();
    int code = bide_run_until_complete(loop, bide_coro(sleeps_until_reported));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "(sleeps_until_reported) has blocked the event loop for ");
}

static int blocks_for_a_moment(void)
{
    struct timespec t = {.tv_nsec = 120000000};

    return nanosleep(&t, NULL) < 0 ? -1 : 0;
}

static void to_standard_error(bide_loop *l, const char *message, void *arg)
{
    (void)l;
    (void)arg;
    dprintf(STDERR_FILENO, "%s\n", message);
}

/* The first time, names come from files that are read then: longer than this step takes. */
UNIT(first_step_that_blocks_is_named_though_it_is_over_when_its_names_are_known)
{
    if (!sees_stacks())
        SKIP("no stacks are seen here");
    begin();
    bide_loop_set_exception_handler(loop, to_standard_error, NULL);
    int code = bide_run_until_complete(loop, bide_coro(blocks_for_a_moment));
    EXPECT_EQ(code, 0);
    ssize_t n = read(errors[0], text, sizeof text - 1); /* nobody writes any more: the thread that looks has ended */
    EXPECT_TRUE(n > 0);
    end();
    EXPECT_CONTAINS(text, "bide: task Task-1 (blocks_for_a_moment) ");
    EXPECT_CONTAINS(text, "in blocks_for_a_moment (inspect/test_blocking.c:");
    const char *took = strstr(text, "executing task"), *still = strstr(text, "and still does");
    EXPECT_NOT_NULL(took);
    EXPECT_TRUE(!still || still < took);
}

/* Nobody looks while nothing happens, and the next step wakes who does. */
static int blocks_after_a_pause(void)
{
    while (!atomic_load(&bide__watcher_sleeps))
        if (bide_sleep_ms(5) < 0)
            return -1;
    return blocks_in_a_call();
}

UNIT(watcher_sleeps_while_the_loop_is_idle_and_is_woken_by_a_step)
{
    begin();
    int code = bide_run_until_complete(loop, bide_coro(blocks_after_a_pause));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "(blocks_after_a_pause) has blocked the event loop for ");
}

static void *runs_a_loop(void *arg)
{
    bide_loop *mine = bide_loop_new();
    EXPECT_EQ(bide_loop_set_debug(mine, true), 0);
    EXPECT_EQ(bide_loop_set_slow_ms(mine, 60000), 0); /* where all is slow, its steps would be reported, and where no stacks are seen all are one place */
    EXPECT_EQ(bide_run_until_complete(mine, bide_coro(nop)), 0);
    bide_release(mine);
    return arg;
}

static int runs_threads(void)
{
    pthread_t all[4];
    for (size_t i = 0; i < array_len(all); i++)
        EXPECT_EQ(pthread_create(&all[i], NULL, runs_a_loop, NULL), 0);
    for (size_t i = 0; i < array_len(all); i++)
        EXPECT_EQ(pthread_join(all[i], NULL), 0);
    return blocks_in_a_call();
}

UNIT(loops_of_several_threads_are_watched_by_one)
{
    begin();
    int code = bide_run_until_complete(loop, bide_coro(runs_threads));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "task Task-");
}

static int forks(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        return 0;
    }
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? 1 : -1;
}

UNIT(fork_in_debug_mode_leaves_the_child_well)
{
    pid_t parent = getpid();
    if (is_tsan() || bide__asan_runs() || getenv("BIDE_TEST_EMULATED")) /* the thread may be in the heap of ASan, which stays locked in the child */
        SKIP("no fork in a program with threads");
    begin();
    int code = bide_run_until_complete(loop, bide_coro(forks));
    if (getpid() != parent) { /* a loop of its own, and a thread of its own that watches it */
        bide_loop *own = bide_loop_new();
        _exit(bide_loop_set_debug(own, true) == 0 && bide_run_until_complete(own, bide_coro(nop)) == 0 ? 0 : 1);
    }
    end();
    EXPECT_EQ(code, 1);
}

/* ---- when it is over ---- */

/* asyncio 21: asyncio's "Executing <Task ...> took 0.103 seconds" */
UNIT(step_that_was_slow_is_reported_with_its_time)
{
    begin();
    int code = bide_run_until_complete(loop, bide_coro(sleeps_in_the_thread));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(said, "executing task Task-1 (sleeps_in_the_thread) took ");
    EXPECT_CONTAINS(said, " seconds\n");
}

static void slow_callback(void *future)
{
    BIDE_IGNORE(sleeps_in_the_thread());
    BIDE_IGNORE(bide_future_set_result(future, 0));
}

static int calls_back(void)
{
    bide_auto bide_future *f = bide_future_new();
    EXPECT_NOT_NULL(bide_loop_call_soon(loop, slow_callback, f));
    return bide_await(f);
}

/* asyncio 21 */
UNIT(callback_that_was_slow_is_reported_with_its_time)
{
    begin();
    int code = bide_run_until_complete(loop, bide_coro(calls_back));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(said, "executing a callback took ");
    if (!bide__valgrind_runs() && !getenv("BIDE_TEST_EMULATED")) /* there the step of the task may be slow, too */
        EXPECT_NULL(strstr(said, "executing task"));
}

/* ---- on and off ---- */

UNIT(debug_mode_says_that_its_time_is_nonsense)
{
    EXPECT_EQ(setenv("BIDE_SLOW_MS", "soon", 1), 0);
    begin();
    end();
    EXPECT_CONTAINS(said, "BIDE_SLOW_MS=soon: not a number of milliseconds; 100 are used");
}

UNIT(debug_mode_is_an_option_of_bide_run)
{
    EXPECT_EQ(setenv("BIDE_SLOW_MS", "10", 1), 0);
    begin();
    int code = bide_run(bide_coro(calls_it), .debug = true);
    end();
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "(calls_it) has blocked the event loop for ");
    EXPECT_ERR(bide_run(bide_coro(calls_it), .debug = 2), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_run: debug = 2: 0 or 1");
}

static int turns_it_off(void)
{
    EXPECT_EQ(bide_loop_set_debug(loop, false), 0);
    EXPECT_EQ(bide_loop_set_slow_ms(loop, 10), 0);
    BIDE_TRY(bide_sleep_ms(0));
    BIDE_IGNORE(sleeps_in_the_thread());
    return bide_sleep_ms(0);
}

UNIT(debug_mode_can_be_turned_off_while_the_loop_runs)
{
    begin();
    EXPECT_EQ(bide_loop_set_slow_ms(loop, 5000), 0);
    int code = bide_run_until_complete(loop, bide_coro(turns_it_off));
    end();
    EXPECT_EQ(code, 0);
    EXPECT_STR(said, "");
}

UNIT(debug_mode_of_the_environment_and_its_time)
{
    EXPECT_EQ(setenv("BIDE_DEBUG", "1", 1), 0);
    EXPECT_EQ(setenv("BIDE_SLOW_MS", "7", 1), 0);
    bide_loop *l = bide_loop_new();
    EXPECT_EQ(l->watch->slow_ns, 7000000);
    bide_release(l);
    EXPECT_EQ(setenv("BIDE_SLOW_MS", "soon", 1), 0);
    l = bide_loop_new();
    EXPECT_EQ(l->watch->slow_ns, 100000000);
    bide_release(l);
    EXPECT_EQ(unsetenv("BIDE_SLOW_MS"), 0);
    EXPECT_EQ(setenv("BIDE_DEBUG", "yes", 1), 0);
    l = bide_loop_new();
    EXPECT_NOT_NULL(l->watch);
    bide_release(l);
    EXPECT_EQ(setenv("BIDE_DEBUG", "0", 1), 0);
    l = bide_loop_new();
    EXPECT_NULL(l->watch);
    bide_release(l);
    EXPECT_EQ(unsetenv("BIDE_DEBUG"), 0);
    l = bide_loop_new();
    EXPECT_NULL(l->watch);
    EXPECT_ERR(bide_loop_set_slow_ms(l, 50), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "bide_loop_set_slow_ms: debug mode is not on (bide_loop_set_debug)");
    EXPECT_EQ(bide_loop_set_debug(l, false), 0);
    EXPECT_NULL(l->watch);
    EXPECT_EQ(bide_loop_set_debug(l, true), 0);
    EXPECT_ERR(bide_loop_set_slow_ms(l, 0), -EINVAL);
    EXPECT_ERR(bide_loop_set_debug(NULL, true), -EINVAL);
    bide_release(l);
}
