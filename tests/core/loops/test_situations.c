/* SPDX-License-Identifier: MIT */
/*
 * test_situations.c - a table: each function, and what it gives where no loop runs, in a callback, after the loop was closed, in
 * another thread and in a child of fork().  The rule is at the head of bide/loop.h, deviations are in the lines "Threads:".
 */
#include <bide/allocator.h>
#include <bide/backoff.h>
#include <bide/context.h>
#include <bide/debug.h>
#include <bide/group.h>
#include <bide/histogram.h>
#include <bide/select.h>
#include <bide/text.h>
#include <bide/version.h>

#include "core/core.h"
#include "harness/situations.h"
#include "trace.h"

/* What belongs to the loop of the test. */
static struct {
    bide_loop *loop;
    bide_future *future, *settled;
    bide_task *task;
    bide_handle *handle;
    bide_promise *promise;
    bide_future *promised;
    bide_task_group *group; /* that has ended */
} theirs;

static void nothing(void *arg)
{
    (void)arg;
}

static void ignore_future(bide_future *f, void *arg)
{
    (void)f;
    (void)arg;
}

static void ignore_task(bide_task *t, void *arg)
{
    (void)t;
    (void)arg;
}

/* ---- the functions: each gives a code, 0 or more if it works ---- */

/* It works if it gives an object, which goes again; else its code is on record. */
static int made(void *object)
{
    if (!object)
        return bide_error_code();
    (bide_release)(object);
    return 0;
}

/* It gives nothing, false or NULL where it fails, and what is on record says why. */
static int on_record(void)
{
    return bide_error_code();
}

static int version(void) { return bide_version()[0] && bide_version_number() > 0 && bide_features()[0] ? 0 : -1; }
static int version_check(void) { return bide_version_check(); }
static int strerror_(void) { return bide_strerror(-EIO)[0] ? 0 : -1; }
static int fail(void) { return bide_fail(-EDOM, "said") == -EDOM && bide_error_text()[0] == 's' ? 0 : -1; }
static int error_get(void) { bide_error_info e; return bide_error_get(&e); }
static int text(void) { uint32_t c; return bide_utf8_decode("a", 1, &c) == 1 && bide_is_printable(c) ? 0 : -1; }
static int backoff(void) { return bide_backoff_limit_ms(3, 1000, 60000) == 4000 && bide_jitter_ms(5) <= 5 ? 0 : -1; }
static int histogram(void)
{
    static _Thread_local bide_histogram h;
    bide_histogram_add(&h, 7);
    return bide_histogram_quantile(&h, 500) == 7 ? 0 : -1;
}
static int current_task(void) { return bide_current_task() ? 1 : 0; }

static int get_event_loop(void) { return bide_get_event_loop() ? 0 : bide_error_code(); }
static int loop_new(void) { return made(bide_loop_new()); }
static int run(void) { return bide_run(bide_coro(nop)); }
static int future_new(void) { return made(bide_future_new()); }
static int group_new(void) { return made(bide_task_group_new()); }
static int group_start(void)
{
    BIDE_TRY(bide_task_group_start(theirs.group, bide_coro(nop)));
    return 0;
}
static int group_wait(void) { return bide_task_group_wait(theirs.group); }
static int group_look(void) { BIDE_IGNORE(bide_task_group_len(theirs.group)); return on_record(); }
static int group_errors(void) { BIDE_IGNORE(bide_task_group_error_count(theirs.group)); return on_record(); }
static int group_error(void)
{
    int code = bide_task_group_error(theirs.group, 0);
    return code == -ERANGE ? 0 : code;
}
static int cancel_because(void) { return bide_task_cancel_because(theirs.task, "why") ? 0 : on_record(); }
static int context_get(void) { return bide_context_get(&theirs) ? -1 : 0; }
static int context_set(void) { return bide_context_set(&theirs, NULL); }
static int all_tasks(void) { return bide_all_tasks(NULL, 0) < 1000 ? 0 : -1; }

static int create_task(void)
{
    bide_task *t = bide_create_task(bide_coro(nop));
    if (!t)
        return bide_error_code();
    BIDE_IGNORE(bide_task_cancel(t)); /* it never begins, so letting go need not wait */
    bide_detach(t);
    return 0;
}

static int sleep_ms(void) { return bide_sleep_ms(1); }
static int await_new(void) { return bide_await(bide_coro(nop)); }
static int thread_pool(void) { return made(bide_thread_pool_new(.threads = 1)); }
static int threads_run(void) { return bide_threads_run(1, bide_coro(nop)); }
static int thread_index(void) { return bide_processors() > 0 && bide_thread_index() == -1 ? 0 : -1; }
static int promise(void)
{
    bide_future *f = NULL;
    bide_promise *p = bide_promise_new(&f);
    if (!p)
        return bide_error_code();
    int code = bide_promise_set_result(p, 1);
    bide_release(p);
    bide_release(f);
    return code;
}
static int keep_theirs(void)
{
    int code = bide_promise_set_result(theirs.promise, 1);
    return code == BIDE_ESTATE && strstr(bide_error_text(), "kept already") ? 0 : code;
}
static int call_in_loop(void) { return bide_call_in_loop(theirs.loop, bide_coro(nop), .timeout_ms = 20); }
static int submit_to_loop(void) { return made(bide_submit_to_loop(theirs.loop, bide_coro(nop))); }
static int to_thread(void) { return bide_to_thread(bide_coro(nop)); }
static int gather(void) { return bide_gather(bide_coro(nop), bide_coro(nop)); }
static int select_new(void) { return bide_select(NULL, bide_coro(nop)); }
static int wait_for(void) { return bide_wait_for(bide_coro(nop), 10); }

static int reschedule(void)
{
    int code = bide_timeout_reschedule(1);
    return code == BIDE_ESTATE ? 0 : code; /* there is no block */
}

static int await_theirs(void) { return bide_await(theirs.future); }
static int loop_run_until(void) { return bide_run_until_complete(theirs.loop, bide_coro(nop)); }
static int loop_stop(void) { bide_loop_stop(theirs.loop); return 0; }
static int loop_close(void) { return bide_loop_close(theirs.loop); }
static int loop_look(void) { BIDE_IGNORE(bide_loop_is_closed(theirs.loop)); return bide_loop_time_ms(theirs.loop) > 0 ? 0 : -1; }
static int call_soon(void) { return bide_loop_call_soon(theirs.loop, nothing, NULL) ? 0 : bide_error_code(); }
static int set_external(void) { return bide_loop_set_external(theirs.loop, false); }
static int set_debug(void) { return bide_loop_set_debug(theirs.loop, false); }
static int set_slow_ms(void) { return bide_loop_set_slow_ms(theirs.loop, 100); }
static int call_later(void) { return bide_loop_call_later(theirs.loop, 1, nothing, NULL) ? 0 : bide_error_code(); }
static int call_threadsafe(void) { return bide_loop_call_soon_threadsafe(theirs.loop, nothing, NULL); }
static int handle_cancelled(void) { BIDE_IGNORE(bide_handle_cancelled(theirs.handle)); return on_record(); }
static int future_done(void) { BIDE_IGNORE(bide_future_done(theirs.settled)); return on_record(); }
static int future_result(void) { return bide_future_result(theirs.settled); }
static int future_bytes(void) { BIDE_IGNORE(bide_future_bytes(theirs.settled).len); return on_record(); }
static int future_callback(void) { return bide_future_add_done_callback(theirs.future, ignore_future, NULL); }
static int future_no_callback(void) { return bide_future_remove_done_callback(theirs.future, ignore_future, NULL); }
static int task_name(void) { BIDE_IGNORE(bide_task_name(theirs.task)); return on_record(); }
static int task_id(void) { return bide_task_id(theirs.task) > 0 ? 0 : -1; }
static int task_done(void) { BIDE_IGNORE(bide_task_done(theirs.task)); return on_record(); }
static int task_callback(void) { return bide_task_add_done_callback(theirs.task, ignore_task, NULL); }
static int cancelling(void) { return bide_cancelling(theirs.task); }
static int share(void) { return made(bide_retain(theirs.settled)); }
static int user(void) { return bide_set_user(theirs.settled, &theirs, NULL) < 0 || !bide_user(theirs.settled) ? -1 : 0; }

static const struct situation_row rows[] = {
    /* Threads: any */
    {"bide_version", version, {W, W, W, W, W, W}},
    {"bide_version_check", version_check, {W, W, W, W, W, W}},
    {"bide_strerror", strerror_, {W, W, W, W, W, W}},
    {"bide_fail", fail, {W, W, W, W, W, W}},
    {"bide_error_get", error_get, {W, W, W, W, W, W}},
    {"bide_utf8_decode", text, {W, W, W, W, W, W}},
    {"bide_backoff_limit_ms", backoff, {W, W, W, W, W, W}},
    {"bide_histogram_add", histogram, {W, W, W, W, W, W}},
    {"bide_current_task", current_task, {W, W, W, W, W, W}},
    {"bide_get_event_loop", get_event_loop, {W, W, W, W, W, W}},
    {"bide_loop_new", loop_new, {W, W, W, W, W, W}},
    {"bide_threads_run", threads_run, {W, BIDE_ERUNNING, W, W, W, BIDE_ERUNNING}},
    {"bide_thread_index", thread_index, {W, W, W, W, W, W}},
    {"bide_promise_new", promise, {W, W, W, W, W, W}},
    {"bide_thread_pool_new", thread_pool, {W, W, W, W, W, W}},
    {"bide_future_new", future_new, {W, W, W, W, W, W}},
    {"bide_create_task", create_task, {W, W, W, W, W, W}},
    {"bide_all_tasks", all_tasks, {W, W, W, W, W, W}},
    {"bide_context_get", context_get, {W, W, W, W, W, W}},
    {"bide_context_set", context_set, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_task_group_new", group_new, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_run", run, {W, BIDE_ERUNNING, W, W, W, BIDE_ERUNNING}},
    /* They suspend. */
    {"bide_sleep_ms", sleep_ms, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_to_thread", to_thread, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_gather", gather, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_select", select_new, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_wait_for", wait_for, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_timeout_reschedule", reschedule, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_await of a coroutine", await_new, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_await of a future", await_theirs, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    /* The loop and what belongs to it.  "No loop" has none of these: see "closed". */
    {"bide_run_until_complete", loop_run_until, {NEVER, BIDE_ERUNNING, BIDE_ECLOSED, BIDE_ERUNNING, BIDE_ESTATE, BIDE_ERUNNING}},
    {"bide_loop_stop", loop_stop, {NEVER, NEVER, W, NEVER, W, W}},
    {"bide_loop_time_ms", loop_look, {NEVER, W, W, W, W, W}},
    {"bide_loop_set_debug", set_debug, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_loop_set_slow_ms", set_slow_ms, {NEVER, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}}, /* it is off */
    {"bide_loop_set_external", set_external, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_loop_call_soon", call_soon, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_loop_call_later", call_later, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_loop_call_soon_threadsafe", call_threadsafe, {NEVER, W, BIDE_ECLOSED, W, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_call_in_loop", call_in_loop, {NEVER, BIDE_ENOLOOP, BIDE_ECLOSED, BIDE_ETIMEDOUT, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_submit_to_loop", submit_to_loop, {NEVER, W, BIDE_ECLOSED, W, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_promise_set_result", keep_theirs, {NEVER, W, BIDE_ECLOSED, W, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_handle_cancelled", handle_cancelled, {NEVER, W, W, W, W, W}},
    {"bide_future_done", future_done, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_future_result", future_result, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_future_bytes", future_bytes, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_future_add_done_callback", future_callback, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_future_remove_done_callback", future_no_callback, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_task_name", task_name, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_task_id", task_id, {NEVER, W, W, W, W, W}},
    {"bide_task_done", task_done, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_task_add_done_callback", task_callback, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_task_cancel_because", cancel_because, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_task_group_start", group_start, {NEVER, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_task_group_wait", group_wait, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_task_group_len", group_look, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_task_group_error_count", group_errors, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_task_group_error", group_error, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_cancelling", cancelling, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_retain", share, {NEVER, W, W, NEVER, W, W}},
    {"bide_set_user", user, {NEVER, W, W, NEVER, W, W}},
    {"bide_loop_close", loop_close, {NEVER, BIDE_ERUNNING, W, BIDE_ERUNNING, W, W}},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

static void make_theirs(void)
{
    theirs.loop = bide_retain(bide_get_event_loop());
    theirs.future = bide_future_new();
    theirs.settled = bide_future_new();
    theirs.task = bide_create_task(bide_coro(nop), .name = "theirs");
    theirs.promise = bide_promise_new(&theirs.promised);
    theirs.group = bide_task_group_new();
    EXPECT_EQ(bide_task_group_wait(theirs.group), 0);
    theirs.handle = bide_retain(bide_loop_call_soon(theirs.loop, nothing, NULL));
    EXPECT_EQ(bide_future_set_result(theirs.settled, 5), 0);
}

static void end_theirs(void)
{
    bide_release(theirs.handle);
    bide_release(theirs.promise);
    bide_release(theirs.promised);
    bide_release(theirs.group);
    bide_release(theirs.future);
    bide_release(theirs.settled);
    bide_release(theirs.task);
    bide_release(theirs.loop);
}

UNIT(situation_without_a_loop_follows_the_contracts)
{
    check_all(NO_LOOP);
}

static int calls;

static void in_callback(bide_future *f, void *arg)
{
    (void)f;
    (void)arg;
    calls++;
    check_all(CALLBACK);
}

TEST(situation_in_a_done_callback_follows_the_contracts)
{
    make_theirs();
    EXPECT_EQ(bide_future_add_done_callback(theirs.settled, in_callback, NULL), 0);
    EXPECT_EQ(calls, 0);
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_EQ(calls, 1);
    end_theirs();
}

static int makes_theirs(void)
{
    make_theirs();
    return bide_await(theirs.task);
}

UNIT(situation_after_the_loop_was_closed_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    EXPECT_TRUE(bide_loop_is_closed(theirs.loop));
    check_all(CLOSED);
    end_theirs();
}

UNIT(situation_in_a_task_of_another_loop_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    situation_check_in_second_loop(check_all);
    end_theirs();
}

TEST(situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_thread(check_all);
    BIDE_IGNORE(bide_sleep_ms(1));
    end_theirs();
}

TEST(situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_child(check_all);
    BIDE_IGNORE(bide_sleep_ms(1));
    end_theirs();
}

/* It had a callback when the loop was closed; no turn will come for it. */
static int makes_theirs_with_a_callback(void)
{
    make_theirs();
    return bide_future_add_done_callback(theirs.future, in_callback, NULL);
}

UNIT(situation_settled_after_the_loop_was_closed_calls_nobody_and_leaks_nothing)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs_with_a_callback)), 0);
    EXPECT_EQ(bide_future_set_result(theirs.future, 1), 0);
    EXPECT_EQ(bide_future_result(theirs.future), 1);
    end_theirs();
    EXPECT_EQ(calls, 0);
}
