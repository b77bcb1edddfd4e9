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
    bide_sleep_ms(1);
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

static int cleans_up(void)
{
    int r = bide_fail(-EIO, "the first");
    bide_fail(-EPERM, "cleanup failed, too");
    return r;
}

TEST(error_first_one_wins_until_it_is_read)
{
    EXPECT_ERR(cleans_up(), -EIO);
    EXPECT_EQ(bide_error_code(), -EIO);
    EXPECT_STR(bide_error_text(), "the first");
    bide_fail(-ENOENT, "the next");
    EXPECT_STR(bide_error_text(), "the next");
}

static int two_failures(void)
{
    return bide_gather(bide_coro(cleans_up), bide_coro(refused));
}

TEST(error_of_the_first_child_wins_in_gather)
{
    EXPECT_ERR(bide_await(bide_coro(two_failures)), -EIO);
    EXPECT_STR(bide_error_text(), "the first");
}

static int fails_and_waits(const char *text)
{
    bide_fail(-EIO, "%s", text);
    bide_sleep_ms(1);
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
    bide_sleep_ms(0);
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
    EXPECT_STR(child_said, "error: No space left on device\n");
}
