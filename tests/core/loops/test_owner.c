/* SPDX-License-Identifier: MIT */
/*
 * test_owner.c - what is called in the wrong thread, in a child of fork(), or with nothing at all, says so and does nothing.
 */
#include <bide/debug.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checker.h"
#include "core/core.h"
#include "trace.h"

/* The call failed with this code, and its story begins with the function. */
static void expect_refused(const char *file, int line, const char *call, long long r, const char *function)
{
    if (bide_error_code() != (int)r || r >= 0)
        harness_fail(file, line, "%s gave %lld, and %d is on record", call, r, bide_error_code());
    harness_expect_part(file, line, call, bide_error_text(), function);
    bide_error_clear();
}

#define REFUSED(code, call, function) expect_refused(__FILE__, __LINE__, #call, !(call) ? (code) : 0, function)
#define REFUSED_CODE(call, function) expect_refused(__FILE__, __LINE__, #call, (call), function)

/* What functions that return nothing say: on standard error, which a file takes the place of meanwhile. */
static int real_stderr, stand_in;

static void said_begin(void)
{
    fflush(stderr);
    real_stderr = dup(2);
    stand_in = memfd_create("stderr", MFD_CLOEXEC);
    EXPECT_LE(0, stand_in);
    dup2(stand_in, 2);
}

static void expect_said(const char *words)
{
    char text[1000] = "";

    fflush(stderr);
    EXPECT_LE(0, pread(stand_in, text, sizeof text - 1, 0));
    EXPECT_EQ(ftruncate(stand_in, 0), 0);
    lseek(stand_in, 0, SEEK_SET);
    EXPECT_CONTAINS(text, words);
}

static void expect_not_said(const char *words)
{
    char text[1000] = "";

    fflush(stderr);
    EXPECT_LE(0, pread(stand_in, text, sizeof text - 1, 0));
    EXPECT_NULL(strstr(text, words));
}

static void said_end(void)
{
    dup2(real_stderr, 2);
    close(real_stderr);
    close(stand_in);
}

/* ---- another thread ---- */

static struct {
    bide_loop *loop;
    bide_future *future;
    bide_task *task;
    bide_handle *handle;
    bide_completed *completed;
} theirs;

static void callback(void *arg)
{
    (void)arg;
}

static void future_callback(bide_future *f, void *arg)
{
    (void)f;
    (void)arg;
}

static void task_callback(bide_task *t, void *arg)
{
    (void)t;
    (void)arg;
}

/* Everything but bide_loop_call_soon_threadsafe and bide_loop_stop. */
static void expect_all_refused(int code)
{
    bide_task *t;

    REFUSED_CODE(bide_future_set_result(theirs.future, 1), "bide_future_set_result");
    REFUSED_CODE(bide_future_set_error(theirs.future, -EIO), "bide_future_set_error");
    REFUSED_CODE(bide_future_result(theirs.future), "bide_future_result");
    REFUSED_CODE(bide_future_add_done_callback(theirs.future, future_callback, NULL), "add_done_callback");
    REFUSED_CODE(bide_future_remove_done_callback(theirs.future, future_callback, NULL), "remove_done_callback");
    REFUSED(code, bide_future_cancel(theirs.future), "bide_future_cancel");
    REFUSED(code, bide_future_done(theirs.future), "bide_future_done");
    REFUSED(code, bide_future_cancelled(theirs.future), "bide_future_cancelled");
    REFUSED(code, bide_ensure_future(theirs.future), "bide_ensure_future");
    REFUSED(code, bide_ensure_future(theirs.task), "bide_ensure_future");
    REFUSED(code, bide_task_cancel(theirs.task), "bide_task_cancel");
    REFUSED(code, bide_task_done(theirs.task), "bide_task_done");
    REFUSED(code, bide_task_cancelled(theirs.task), "bide_task_cancelled");
    REFUSED_CODE(bide_task_result(theirs.task), "bide_task_result");
    REFUSED(code, bide_task_future(theirs.task), "bide_task_future");
    REFUSED(code, bide_future_task(theirs.future), "bide_future_task");
    REFUSED_CODE(bide_cancelling(theirs.task), "bide_cancelling");
    REFUSED_CODE(bide_uncancel(theirs.task), "bide_uncancel");
    REFUSED_CODE(bide_task_add_done_callback(theirs.task, task_callback, NULL), "add_done_callback");
    REFUSED(code, bide_task_name(theirs.task)[0], "bide_task_name");
    REFUSED_CODE(bide_await(theirs.future), "bide_await");
    REFUSED_CODE(bide_await(theirs.task), "bide_await");
    REFUSED_CODE(bide_shield(theirs.task), "bide_shield");
    REFUSED_CODE(bide_wait_for(theirs.future, 10), "bide_wait_for");
    REFUSED_CODE(bide_completed_next(theirs.completed, &t), "bide_completed_next");
    REFUSED(code, bide_loop_call_soon(theirs.loop, callback, NULL), "bide_loop_call_soon");
    REFUSED(code, bide_loop_call_later(theirs.loop, 1, callback, NULL), "bide_loop_call_later");
    REFUSED(code, bide_loop_call_at(theirs.loop, 1, callback, NULL), "bide_loop_call_at");
    said_begin();
    bide_handle_cancel(theirs.handle);
    expect_said("bide: bide_handle_cancel: it belongs to");
    bide_detach(theirs.task);
    expect_said("bide: bide_detach: it belongs to");
    bide_loop_set_exception_handler(theirs.loop, NULL, NULL);
    expect_said("bide: bide_loop_set_exception_handler: it belongs to");
    EXPECT_EQ(bide_error_code(), 0);
    said_end();
}

static int use_theirs(void)
{
    expect_all_refused(BIDE_ESTATE);
    EXPECT_ERR(bide_run_until_complete(theirs.loop, bide_coro(nop)), BIDE_ERUNNING);
    EXPECT_ERR(bide_loop_close(theirs.loop), BIDE_ERUNNING);
    bide_error_clear();
    EXPECT_TRUE(bide_loop_is_running(theirs.loop));
    EXPECT_FALSE(bide_loop_is_closed(theirs.loop));
    EXPECT_LT(0, bide_task_id(theirs.task));
    said_begin();
    bide_release(theirs.future);
    expect_said("bide: bide_release of a future: it belongs to the event loop of another thread");
    bide_release(theirs.task);
    expect_said("bide_release of a task");
    bide_release(theirs.completed);
    expect_said("bide_release of a list of tasks");
    bide_release(theirs.loop);
    expect_said("bide_release of an event loop");
    EXPECT_EQ(bide_error_code(), 0);
    said_end();
    return 0;
}

/* The same inside a loop of that thread's own. */
static int use_theirs_in_a_task(void)
{
    EXPECT_EQ(bide_run(bide_coro(use_theirs)), 0);
    return 0;
}

static void make_theirs(void)
{
    theirs.loop = bide_get_event_loop();
    theirs.future = bide_future_new();
    theirs.task = bide_create_task(bide_coro(until_cancelled, "t"), .name = "theirs");
    theirs.handle = bide_loop_call_later(theirs.loop, 1000000, callback, NULL);
    theirs.completed = bide_as_completed(&theirs.task, 1);
    BIDE_IGNORE(bide_sleep_ms(0));
}

static void end_theirs(void)
{
    EXPECT_FALSE(bide_future_done(theirs.future));
    EXPECT_FALSE(bide_handle_cancelled(theirs.handle));
    EXPECT_STR(bide_task_name(theirs.task), "theirs");
    EXPECT_EQ(bide_cancelling(theirs.task), 0);
    bide_handle_cancel(theirs.handle);
    bide_release(theirs.completed);
    bide_release(theirs.future);
    bide_release(theirs.task);
    EXPECT_TRACE("t:cancelled");
}

/* asyncio 13 */
TEST(owner_other_thread_is_refused_by_every_function, .real_time = true)
{
    make_theirs();
    EXPECT_EQ(bide_to_thread(bide_coro(use_theirs)), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(use_theirs_in_a_task)), 0);
    end_theirs();
}

static int stop_loop(bide_loop *loop)
{
    usleep(20000); /* until it sleeps */
    bide_loop_stop(loop);
    return 0;
}

static void *stop_soon(void *loop)
{
    stop_loop(loop);
    return NULL;
}

UNIT(owner_loop_stop_is_for_any_thread)
{
    bide_auto bide_loop *loop = bide_loop_new();
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, stop_soon, loop), 0);
    EXPECT_EQ(bide_run_forever(loop), 0);
    pthread_join(thread, NULL);
}

/* Who made a loop may hand it to a thread that runs it, and have it back. */
static void *run_it(void *loop)
{
    return bide_run_forever(loop) == 0 ? NULL : loop;
}

UNIT(owner_loop_that_does_not_run_is_for_any_thread)
{
    bide_auto bide_loop *loop = bide_loop_new();
    pthread_t thread;
    void *failed;
    EXPECT_NOT_NULL(bide_loop_call_soon(loop, (bide_callback *)(void (*)(void))bide_loop_stop, loop));
    EXPECT_EQ(pthread_create(&thread, NULL, run_it, loop), 0);
    pthread_join(thread, &failed);
    EXPECT_NULL(failed);
    EXPECT_NOT_NULL(bide_loop_call_soon(loop, trace_call, (void *)(uintptr_t) "again"));
    bide_loop_stop(loop);
    EXPECT_EQ(bide_run_forever(loop), 0);
    EXPECT_TRACE("again");
}

static int call_theirs_in_debug_mode(void)
{
    said_begin();
    for (volatile int i = 0; i < 2; i++) { /* not unrolled: one place, and reported once */
        REFUSED(BIDE_ESTATE, bide_task_cancel(theirs.task), "bide_task_cancel");
        if (i == 0)
            expect_said("bide: bide_task_cancel: it belongs to the event loop of another thread, which has to call this itself "
                        "(bide_loop_call_soon_threadsafe); called at ");
    }
    expect_not_said("called at");
    REFUSED(BIDE_ESTATE, bide_future_cancel(theirs.future), "bide_future_cancel");
    expect_said("bide_future_cancel: it belongs to the event loop of another thread");
    said_end();
    return 0;
}

/* asyncio: "Non-thread-safe operation" */
TEST(owner_call_in_another_thread_is_reported_where_it_was_made_in_debug_mode, .real_time = true)
{
    make_theirs();
    EXPECT_EQ(bide_loop_set_debug(theirs.loop, true), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(call_theirs_in_debug_mode)), 0);
    EXPECT_EQ(bide_loop_set_debug(theirs.loop, false), 0);
    end_theirs();
}

/* ---- a share that was given away ---- */

static int sleeps_and_traces(int ms)
{
    BIDE_IGNORE(bide_sleep_ms(ms));
    trace("loose");
    return 0;
}

static int sleeps_through_a_cancellation(int ms)
{
    BIDE_IGNORE(bide_sleep_ms(1000000));
    return sleeps_and_traces(ms);
}

TEST(detached_task_that_is_released_or_detached_again_goes_on_and_is_reported)
{
    bide_task *t = bide_create_task(bide_coro(sleeps_and_traces, 5), .name = "loose");
    bide_detach(t);
    said_begin();
    bide_release(t);
    expect_said("bide: bide_release: task loose (#");
    bide_detach(t);
    expect_said(", was detached or released before, so nothing is done: ");
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_release(t);
    expect_said("bide: bide_release: task loose (#");
    said_end();
    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_TRACE("loose");
}

static bide_task *loose;

static int releases_it_when_cancelled(void)
{
    BIDE_IGNORE(bide_sleep_ms(1000000));
    said_begin();
    bide_release(loose);
    expect_said("bide: bide_release: task Task-");
    said_end();
    return 0;
}

static int leaves_both(void)
{
    loose = bide_create_task(bide_coro(sleeps_through_a_cancellation, 2));
    bide_detach(loose);
    bide_detach(bide_create_task(bide_coro(releases_it_when_cancelled)));
    return bide_sleep_ms(1);
}

/* Before, the one that was waited for had the share of who waited. */
UNIT(detached_task_that_is_released_while_its_loop_closes_is_reported)
{
    EXPECT_EQ(bide_run(bide_coro(leaves_both)), 0);
    EXPECT_TRACE("loose");
}

/* ---- a child of fork() ---- */

/* Run it in a child that ends with its result; 99: it took too long.  Returns the exit status. */
static int in_child(int (*body)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        alarm(8);
        _exit(body());
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void waits_in_a_callback(void *arg)
{
    (void)arg;
    EXPECT_ERR(bide_sleep_ms(1), BIDE_ENOLOOP);
    EXPECT_CONTAINS(bide_error_text(), "not inside a task");
    bide_error_clear();
}

static int own_loop(void)
{
    EXPECT_NOT_NULL(bide_loop_call_soon(bide_get_event_loop(), waits_in_a_callback, NULL));
    BIDE_TRY(bide_sleep_ms(1));
#ifdef BIDE_TSAN /* dies of a thread in a child of a process with threads */
    return 5;
#else
    return bide_to_thread(bide_coro(give, 5));
#endif
}

static int use_inherited(void)
{
    expect_all_refused(BIDE_ESTATE);
    EXPECT_ERR(bide_loop_call_soon_threadsafe(theirs.loop, callback, NULL), BIDE_ESTATE);
    bide_error_clear();
    said_begin();
    bide_loop_stop(theirs.loop);
    expect_said("bide_loop_stop: it belongs to the process before fork()");
    said_end();
    EXPECT_ERR(bide_run_until_complete(theirs.loop, bide_coro(nop)), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_FALSE(bide_loop_is_running(theirs.loop));
    EXPECT_ERR(bide_sleep_ms(1), BIDE_ENOLOOP);
    EXPECT_CONTAINS(bide_error_text(), ": the event loop of this task belongs to the process before fork()");
    bide_error_clear();
    bide_release(theirs.completed);
    bide_release(theirs.future);
    bide_release(theirs.task);
    EXPECT_EQ(bide_run(bide_coro(own_loop)), 5);
    EXPECT_EQ(bide_loop_close(theirs.loop), 0);
    return 7;
}

TEST(owner_child_of_fork_finds_everything_inert, .real_time = true)
{
    if (getenv("BIDE_TEST_EMULATED"))
        SKIP("the emulator does not survive a fork beside threads");
    make_theirs();
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0); /* there is a thread that the child does not have */
    EXPECT_EQ(in_child(use_inherited), 7);
    EXPECT_EQ(bide_to_thread(bide_coro(give, 3)), 3);
    BIDE_IGNORE(bide_sleep_ms(1));
    end_theirs();
}

/* A child whose task returns gets out of bide_run, and no other task of its parent goes on in it. */
static int pipe_ends[2];
static pid_t child;

static int says_that_it_ran(void)
{
    EXPECT_EQ(write(pipe_ends[1], "x", 1), 1);
    return 0;
}

static int forks(void)
{
    child = fork();
    return 0;
}

static int forks_in_another_task(void)
{
    bide_auto bide_task *a = bide_create_task(bide_coro(forks));
    bide_auto bide_task *b = bide_create_task(bide_coro(says_that_it_ran));
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    return 1;
}

static int forks_and_returns(void)
{
    bide_auto bide_task *b = bide_create_task(bide_coro(says_that_it_ran));
    child = fork();
    return child == 0 ? 7 : 1;
}

static int after_fork(int (*body)(void))
{
    int status = 0, code = bide_run(bide_coro(body));

    if (child == 0) { /* outside of the parent's task, too */
        bool is_plain = bide_sleep_ms(1) == BIDE_ENOLOOP && strstr(bide_error_text(), "not inside a task");
        _exit(!is_plain ? 43 : code == BIDE_ESTATE ? 42 : code);
    }
    EXPECT_EQ(code, 1);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static ssize_t said(void)
{
    char text[16];

    return read(pipe_ends[0], text, sizeof text);
}

UNIT(owner_child_whose_task_returns_leaves_the_loop)
{
    EXPECT_EQ(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
    EXPECT_EQ(after_fork(forks_in_another_task), 42);
    EXPECT_EQ(said(), 1);
    EXPECT_EQ(after_fork(forks_and_returns), 7);
    EXPECT_LE(said(), 0); /* the parent's task was cancelled before it began */
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* ---- nothing at all ---- */

TEST(null_task_or_future_is_refused_with_a_sentence)
{
    bide_task *t = NULL, *two[2] = {bide_current_task(), NULL};
    bide_future *f = NULL;
    bide_generator *g = NULL, stepless = {0};
    bide_awaitable_object *o = NULL;
    int codes[1];

    REFUSED_CODE(bide_await(t), "bide_await: it is NULL");
    REFUSED_CODE(bide_await(f), "bide_await: it is NULL");
    REFUSED_CODE(bide_await(g), "generator");
    REFUSED_CODE(bide_await(&stepless), "step function");
    REFUSED_CODE(bide_await(o), "object");
    REFUSED_CODE(bide_await((bide_coroutine){0}), "function is NULL");
    REFUSED_CODE(bide_gather(t, bide_coro(nop)), "bide_gather: the task is NULL");
    REFUSED_CODE(bide_gather_all(codes, f), "bide_gather: the future is NULL");
    REFUSED_CODE(bide_gather_n(NULL, 2), "array is NULL");
    REFUSED_CODE(bide_gather_all(NULL, bide_coro(nop), bide_coro(nop)), "bide_gather_all: the place for the codes is NULL");
    REFUSED_CODE(bide_wait_for(t, 10), "bide_wait_for: the task is NULL");
    REFUSED_CODE(bide_wait_for(f, 0), "bide_wait_for: the future is NULL");
    REFUSED_CODE(bide_shield(t), "bide_shield");
    REFUSED_CODE(bide_shield(f), "bide_shield");
    REFUSED_CODE(bide_wait(two + 1, 1), "bide_wait: the task is NULL (number 0)");
    REFUSED_CODE(bide_wait((bide_task **)NULL, 1), "bide_wait: nothing to wait for");
    REFUSED(-EINVAL, bide_as_completed(two + 1, 1), "bide_as_completed: the task is NULL (number 0)");
    REFUSED(-EINVAL, bide_as_completed(NULL, 1), "bide_as_completed: the array is NULL");
    REFUSED_CODE(bide_completed_next(NULL, &t), "bide_completed_next");
    {
        bide_auto bide_completed *none = bide_as_completed(two, 0);
        REFUSED_CODE(bide_completed_next(none, NULL), "bide_completed_next: the place for what has ended is NULL");
    }
    REFUSED_CODE(bide_to_thread((bide_coroutine){0}), "bide_to_thread");
    REFUSED(-EINVAL, bide_create_task((bide_coroutine){0}), "bide_create_task");
    REFUSED(-EINVAL, bide_ensure_future(g), "bide_ensure_future");
    REFUSED(-EINVAL, bide_ensure_future(t), "bide_ensure_future");
    REFUSED(-EINVAL, bide_ensure_future(f), "bide_ensure_future");
}

TEST(null_object_is_refused_by_what_looks_at_it)
{
    REFUSED(-EINVAL, bide_task_cancel(NULL), "bide_task_cancel: it is NULL");
    REFUSED(-EINVAL, bide_task_done(NULL), "bide_task_done");
    REFUSED(-EINVAL, bide_task_cancelled(NULL), "bide_task_cancelled");
    REFUSED(-EINVAL, bide_task_name(NULL)[0], "bide_task_name");
    REFUSED_CODE(bide_task_result(NULL), "bide_task_result");
    REFUSED_CODE(bide_cancelling(NULL), "bide_cancelling");
    REFUSED_CODE(bide_uncancel(NULL), "bide_uncancel");
    REFUSED_CODE(bide_task_add_done_callback(NULL, task_callback, NULL), "add_done_callback");
    REFUSED_CODE(bide_task_add_done_callback(bide_current_task(), NULL, NULL), "the function is NULL");
    REFUSED_CODE(bide_future_set_result(NULL, 1), "bide_future_set_result");
    REFUSED_CODE(bide_future_set_error(NULL, -EIO), "bide_future_set_error");
    REFUSED(-EINVAL, bide_future_cancel(NULL), "bide_future_cancel");
    REFUSED(-EINVAL, bide_future_done(NULL), "bide_future_done");
    REFUSED_CODE(bide_run_until_complete(NULL, bide_coro(nop)), "running");
    REFUSED(-EINVAL, bide_loop_call_soon(NULL, callback, NULL), "bide_loop_call_soon");
    REFUSED(-EINVAL, bide_loop_call_soon(bide_get_event_loop(), NULL, NULL), "the function is NULL");
    REFUSED_CODE(bide_loop_call_soon_threadsafe(NULL, callback, NULL), "bide_loop_call_soon_threadsafe");
    REFUSED_CODE(bide_loop_call_soon_threadsafe(bide_get_event_loop(), NULL, NULL), "the function is NULL");
    REFUSED_CODE(bide_loop_close(NULL), "bide_loop_close");
    EXPECT_EQ(bide_task_id(NULL), 0);
    REFUSED(-EINVAL, bide_task_future(NULL), "bide_task_future");
    REFUSED(-EINVAL, bide_future_task(NULL), "bide_future_task");
    bide_detach(NULL);
    bide_release(NULL);
}

UNIT(null_loop_or_awaitable_is_refused_outside_of_a_loop)
{
    bide_task *t = NULL;

    REFUSED_CODE(bide_run(t), "the task is NULL");
    REFUSED_CODE(bide_run((bide_coroutine){0}), "function is NULL");
    REFUSED_CODE(bide_run_until_complete(NULL, bide_coro(nop)), "the event loop is NULL");
    REFUSED_CODE(bide_run_forever(NULL), "the event loop is NULL");
    REFUSED_CODE(bide_await(t), "bide_await");
}

TEST(negative_times_are_over_or_refused)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, 100, 1));

    EXPECT_EQ(bide_sleep_ms(-5), 0);
    REFUSED_CODE(bide_wait(&t, 1, .timeout_ms = -5), "bide_wait: timeout_ms = -5");
    EXPECT_ERR(bide_wait_for(bide_coro(nop), -5), BIDE_ETIMEDOUT);
    bide_error_clear();
    bide_loop_call_later(bide_get_event_loop(), -5, trace_call, (void *)(uintptr_t) "late");
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRACE("late");
}
