/* SPDX-License-Identifier: MIT */
/* test_error.c - an error's story and its way: records of tasks, await traces, what is printed. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "trace.h"

static char printed[2048];

static const char *print_error(void)
{
    FILE *f = tmpfile();
    EXPECT_NOT_NULL(f);
    bide_error_print(f);
    rewind(f);
    printed[fread(printed, 1, sizeof printed - 1, f)] = '\0';
    fclose(f);
    return printed;
}

/* What is expected, with the lines as they are in this file. */
static const char *story(const char *text, const char *f1, int line1, const char *f2, int line2, const char *f3, int line3)
{
    static char expected[2048];
    snprintf(expected, sizeof expected, "error: %s\n  in %s (%s:%d)\n  in %s (%s:%d)\n  in %s (%s:%d)\n", text, f1, __FILE__,
             line1, f2, __FILE__, line2, f3, __FILE__, line3);
    return expected;
}

static int refused(void)
{
    return bide_fail(-ECONNREFUSED, "connect example.com:443: %s", bide_strerror(-ECONNREFUSED));
}

static int fetch_line, app_line, top_line;

static int fetch(void)
{
    BIDE_IGNORE(bide_sleep_ms(1));
    fetch_line = __LINE__ + 1;
    BIDE_TRY(refused());
    return 0;
}

static int app(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(fetch));
    app_line = __LINE__ + 1;
    BIDE_TRY(bide_await(t));
    return 0;
}

static int top(void)
{
    top_line = __LINE__ + 1;
    BIDE_TRY(bide_gather(bide_coro(app), bide_coro(sleep_give, (int64_t)1000, 0)));
    return 0;
}

TEST(error_is_printed_with_its_way_through_three_tasks)
{
    EXPECT_ERR(bide_await(bide_coro(top)), -ECONNREFUSED);
    EXPECT_STR(print_error(), story("connect example.com:443: Connection refused", "fetch", fetch_line, "app", app_line, "top", top_line));
    EXPECT_STR(print_error(), printed); /* printing does not forget it */
    bide_error_clear();
    EXPECT_STR(print_error(), "");
    EXPECT_EQ(bide_error_code(), 0);
}

static int null_line;

static bide_task *no_task(void)
{
    return bide_create_task(bide_coro(nop), .stack_size = (size_t)1 << 40);
}

static int raises(void)
{
    bide_auto bide_task *t = no_task();
    null_line = __LINE__ + 2;
    if (!t)
        return bide_raise();
    return 0;
}

TEST(error_of_a_null_is_raised_with_its_place)
{
    char place[256];
    EXPECT_ERR(bide_await(bide_coro(raises)), -EINVAL);
    snprintf(place, sizeof place, "  in raises (%s:%d)\n", __FILE__, null_line);
    EXPECT_CONTAINS(print_error(), place);
    EXPECT_CONTAINS(printed, "64 MiB");
}

static int step1(void)
{
    return bide_fail(-EIO, "step1: could not read the config");
}

static int step2(void)
{
    return bide_fail(-ENOENT, "step2: no such user");
}

static int falls_back(void)
{
    if (step1() < 0)
        trace("defaults");
    BIDE_TRY(step2());
    return 0;
}

TEST(error_that_was_handled_lends_nothing_to_the_next)
{
    EXPECT_ERR(bide_await(bide_coro(falls_back)), -ENOENT);
    EXPECT_TRACE("defaults");
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_STR(bide_error_text(), "step2: no such user");
}

TEST(error_of_a_timeout_replaces_an_older_one)
{
    int r = 0;
    bide_auto bide_future *never = bide_future_new();
    step1();
    bide_timeout(20)
        r = bide_await(never);
    EXPECT_EQ(r, BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_STR(bide_error_text(), "timed out");
}

static int two_failures(void)
{
    return bide_gather(bide_coro(step1), bide_coro(step2));
}

TEST(error_of_the_first_child_wins_in_gather)
{
    EXPECT_ERR(bide_await(bide_coro(two_failures)), -EIO);
    EXPECT_CONTAINS(bide_error_text(), "step1");
}

static void callback_that_fails(bide_task *t, void *arg)
{
    (void)t;
    (void)arg;
    step2();
}

TEST(error_on_record_survives_done_callbacks)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(give, 1));
    EXPECT_EQ(bide_task_add_done_callback(t, callback_that_fails, NULL), 0);
    step1();
    EXPECT_EQ(bide_await(t), 1);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_CONTAINS(bide_error_text(), "step1");
}

static void call_that_fails(void *arg)
{
    (void)arg;
    step2();
}

static int calls_soon(void)
{
    bide_loop_call_soon(bide_get_event_loop(), call_that_fails, NULL);
    return bide_sleep_ms(5);
}

UNIT(error_on_record_survives_a_run_that_succeeds)
{
    step1();
    EXPECT_EQ(bide_run(bide_coro(calls_soon)), 0);
    EXPECT_CONTAINS(bide_error_text(), "step1");
}

/* ---- who was cancelled ---- */

static int asks_who(bide_future *f)
{
    int r = bide_await(f);
    trace("%s", r != BIDE_ECANCELED ? "?" : bide_was_cancelled() ? "me" : "it");
    return r;
}

TEST(cancelled_task_knows_that_it_was_it)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(asks_who, f));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_FALSE(bide_was_cancelled());
    EXPECT_TRACE("me");
}

TEST(cancelled_future_is_not_its_waiter)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(asks_who, f));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_future_cancel(f);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("it");
}

static int asks_who_of_a_gather(bide_future *f)
{
    int r = bide_gather(f, bide_sleep_awaitable(1000));
    trace("%s", r != BIDE_ECANCELED ? "?" : bide_was_cancelled() ? "me" : "it");
    return r;
}

TEST(cancelled_gather_knows_who_it_was)
{
    bide_auto bide_future *f = bide_future_new(), *g = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(asks_who_of_a_gather, f));
    bide_auto bide_task *u = bide_create_task(bide_coro(asks_who_of_a_gather, g));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_future_cancel(g);
    EXPECT_ERR(bide_await(u), BIDE_ECANCELED);
    EXPECT_TRACE("me it");
}

TEST(timeout_of_a_block_is_distinguished_from_one_of_what_is_awaited)
{
    int r = 0;
    bide_error_info e;
    bide_timeout(5)
        r = bide_sleep_ms(100);
    EXPECT_EQ(r, BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_error_get(&e), BIDE_ETIMEDOUT);
    EXPECT_TRUE(e.interrupted);

    bide_auto bide_future *f = bide_future_new();
    EXPECT_EQ(bide_future_set_error(f, bide_fail(BIDE_ETIMEDOUT, "the peer was slow")), 0);
    EXPECT_EQ(bide_await(f), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_error_get(&e), BIDE_ETIMEDOUT);
    EXPECT_FALSE(e.interrupted);
}

static int fails_and_waits(const char *text)
{
    bide_fail(-EIO, "%s", text);
    BIDE_IGNORE(bide_sleep_ms(1));
    trace("%s", bide_error_text());
    return 0;
}

TEST(error_records_of_tasks_do_not_mix)
{
    bide_fail(-EBADF, "ours");
    bide_auto bide_task *a = bide_create_task(bide_coro(fails_and_waits, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(fails_and_waits, "b"));
    EXPECT_EQ(bide_wait(((bide_task *[]){a, b}), 2), 2);
    EXPECT_TRACE("a b");
    EXPECT_STR(bide_error_text(), "ours");
}

static int bare_code(void)
{
    return -ENOSPC;
}

static int tries_bare_code(void)
{
    BIDE_TRY(bare_code());
    return 0;
}

TEST(error_without_a_story_gets_one_on_its_way)
{
    EXPECT_ERR(bide_await(bide_coro(tries_bare_code)), -ENOSPC);
    EXPECT_STR(bide_error_text(), "tries_bare_code: No space left on device");
}

static int deep(int n)
{
    if (n == 0)
        return bide_fail(-EIO, "at the bottom");
    BIDE_TRY(deep(n - 1));
    return 0;
}

TEST(error_trace_has_a_ceiling)
{
    EXPECT_ERR(deep(100), -EIO);
    EXPECT_EQ(bide__error_current()->ntrace, ERROR_TRACE_MAX);
    EXPECT_STR(bide_error_text(), "at the bottom");
}

TEST(error_of_a_cancellation_does_not_hide_the_next_one)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_ERR(bide_await(bide_coro(refused)), -ECONNREFUSED);
    EXPECT_CONTAINS(bide_error_text(), "connect example.com:443");
}

/* ---- bide_main ---- */

static char child_said[2048];

/* Exit status of bide_main(c) in a child; what it prints lands in child_said. */
static int main_in_a_child(bide_coroutine c)
{
    int out[2], status;
    EXPECT_EQ(pipe(out), 0);
    fflush(NULL);
    pid_t pid = fork();
    EXPECT_TRUE(pid >= 0);
    if (pid == 0) {
        dup2(out[1], STDERR_FILENO);
        _exit(bide_main(c));
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(out[0], child_said + len, sizeof child_said - 1 - len)) > 0;)
        len += (size_t)n;
    child_said[len] = '\0';
    close(out[0]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

UNIT(main_prints_the_error_and_exits_with_1)
{
    EXPECT_EQ(main_in_a_child(bide_coro(app)), 1);
    EXPECT_CONTAINS(child_said, "error: connect example.com:443: Connection refused\n  in fetch (");
    EXPECT_CONTAINS(child_said, "\n  in app (");
}

UNIT(main_exits_with_the_result_and_in_silence)
{
    EXPECT_EQ(main_in_a_child(bide_coro(give, 5)), 5);
    EXPECT_STR(child_said, "");
}

UNIT(main_prints_a_bare_code_too)
{
    EXPECT_EQ(main_in_a_child(bide_coro(bare_code)), 1);
    EXPECT_STR(child_said, "error: bare_code: No space left on device\n");
}

static int minus_one(void)
{
    return -1;
}

UNIT(main_does_not_take_minus_one_for_a_permission)
{
    EXPECT_EQ(main_in_a_child(bide_coro(minus_one)), 1);
    EXPECT_STR(child_said, "error: minus_one: returned -1 without saying why\n");
}

/* ---- BIDE_TRY ---- */

static int brew(int n)
{
    return n < 0 ? bide_fail(-EIO, "no water") : n + 1;
}

static void *cup(bool there)
{
    if (!there)
        bide_fail(-ENOENT, "no cup");
    return there ? &printed : NULL;
}

static int tries(int n, bool there)
{
    int tea = BIDE_TRY(brew(n));
    char *c = BIDE_TRY_PTR(cup(there));
    return tea + (c == printed);
}

static void *tries_for_pointer(int n, bool there)
{
    ssize_t tea = BIDE_TRY_NULL((ssize_t)brew(n));
    char *c = BIDE_TRY_PTR_NULL(cup(there));
    return c + tea;
}

TEST(try_yields_the_value)
{
    EXPECT_EQ(tries(4, true), 6);
    EXPECT_TRUE(tries_for_pointer(4, true) == printed + 5);
}

TEST(try_leaves_with_the_error_in_functions_of_each_kind)
{
    EXPECT_EQ(tries(-1, true), -EIO);
    EXPECT_EQ(tries(1, false), -ENOENT);
    EXPECT_STR(bide_error_text(), "no cup");
    EXPECT_NULL(tries_for_pointer(-1, true));
    EXPECT_EQ(bide_error_code(), -EIO);
    EXPECT_NULL(tries_for_pointer(1, false));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_CONTAINS(print_error(), "  in tries_for_pointer (");
}
