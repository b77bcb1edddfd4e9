/* SPDX-License-Identifier: MIT */
/* What happens in a directory, as events. */
#include "harness/harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/watch.h>

#include "base/base.h"

static char path[4][300];

static const char *in_dir(int i, const char *name)
{
    snprintf(path[i], sizeof path[i], "%s/%s", test_tmpdir(), name);
    return path[i];
}

static void write_file(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void expect_event(bide_watch *w, enum bide_watch_kind kind, const char *name)
{
    bide_watch_event e;
    EXPECT_EQ(bide_watch_next(w, &e), 1);
    EXPECT_EQ(e.kind, kind);
    EXPECT_STR(e.name, name);
}

TEST(watch_tells_what_happens_in_a_directory, .real_time = true)
{
    bide_watch_event e;
    bide_auto bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_ALL);
    EXPECT_NOT_NULL(w);

    write_file(in_dir(0, "a"), "text");
    expect_event(w, BIDE_WATCH_CREATED, "a");
    expect_event(w, BIDE_WATCH_CHANGED, "a");
    expect_event(w, BIDE_WATCH_WRITTEN, "a");
    EXPECT_EQ(chmod(path[0], 0600), 0);
    expect_event(w, BIDE_WATCH_ATTRIBUTES, "a");
    EXPECT_EQ(rename(path[0], in_dir(1, "b")), 0);
    EXPECT_EQ(bide_watch_next(w, &e), 1);
    EXPECT_EQ(e.kind, BIDE_WATCH_MOVED);
    EXPECT_STR(e.name, "b");
    EXPECT_STR(e.from, "a");
    EXPECT_EQ(unlink(path[1]), 0);
    expect_event(w, BIDE_WATCH_REMOVED, "b");
    EXPECT_EQ(mkdir(in_dir(0, "d"), 0755), 0);
    EXPECT_EQ(bide_watch_next(w, &e), 1);
    EXPECT_TRUE(e.kind == BIDE_WATCH_CREATED && e.is_directory);
}

TEST(watch_tells_only_what_was_asked_for, .real_time = true)
{
    bide_auto bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_WRITTEN);
    write_file(in_dir(0, "a"), "1");
    EXPECT_EQ(rename(path[0], in_dir(1, "b")), 0);
    write_file(in_dir(2, "c"), "2");

    expect_event(w, BIDE_WATCH_WRITTEN, "a");
    expect_event(w, BIDE_WATCH_WRITTEN, "c");
}

TEST(watch_a_move_over_the_edge_is_a_name_that_comes_or_goes, .real_time = true)
{
    EXPECT_EQ(mkdir(in_dir(0, "inner"), 0755), 0);
    write_file(in_dir(1, "a"), "1");
    bide_auto bide_watch *w = bide_watch_open(path[0], BIDE_WATCH_ALL);

    EXPECT_EQ(rename(path[1], in_dir(2, "inner/a")), 0);
    expect_event(w, BIDE_WATCH_CREATED, "a");
    EXPECT_EQ(rename(path[2], path[1]), 0);
    expect_event(w, BIDE_WATCH_REMOVED, "a");
}

/* Who wants only names that come and go sees a move as both. */
TEST(watch_a_move_without_moved_is_a_removal_and_a_creation, .real_time = true)
{
    write_file(in_dir(0, "a"), "1");
    bide_auto bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_CREATED | BIDE_WATCH_REMOVED);

    EXPECT_EQ(rename(path[0], in_dir(1, "b")), 0);
    expect_event(w, BIDE_WATCH_REMOVED, "a");
    expect_event(w, BIDE_WATCH_CREATED, "b");
}

TEST(watch_ends_when_what_is_watched_is_gone, .real_time = true)
{
    bide_watch_event e;
    write_file(in_dir(0, "a"), "1");
    bide_auto bide_watch *w = bide_watch_open(path[0], BIDE_WATCH_CHANGED);

    write_file(path[0], "22");
    expect_event(w, BIDE_WATCH_CHANGED, "");
    EXPECT_EQ(unlink(path[0]), 0);
    do
        EXPECT_EQ(bide_watch_next(w, &e), 1);
    while (e.kind == BIDE_WATCH_CHANGED);
    EXPECT_EQ(e.kind, BIDE_WATCH_GONE);
    EXPECT_EQ(bide_watch_next(w, &e), 0);
    EXPECT_EQ(bide_watch_next(w, &e), 0);
}

static int next_kind(bide_watch *w)
{
    bide_watch_event e;
    BIDE_TRY(bide_watch_next(w, &e));
    return (int)e.kind;
}

TEST(watch_wakes_who_waits_and_loses_nothing_to_a_cancelled_one, .real_time = true)
{
    bide_auto bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_WRITTEN);
    bide_auto bide_task *a = bide_create_task(bide_coro(next_kind, w));
    bide_auto bide_task *b = bide_create_task(bide_coro(next_kind, w));

    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    write_file(in_dir(0, "a"), "1");
    EXPECT_EQ(bide_await(b), BIDE_WATCH_WRITTEN);
}

TEST(watch_an_event_that_is_not_chosen_stays, .real_time = true)
{
    bide_watch_event e;
    bide_auto bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_WRITTEN);
    EXPECT_EQ(bide_select(NULL, bide_watch_awaitable(w, &e), bide_sleep_awaitable(1)), 1);
    write_file(in_dir(0, "a"), "1");
    EXPECT_EQ(bide_select(NULL, bide_sleep_awaitable(0), bide_watch_awaitable(w, &e)), 0);
    EXPECT_EQ(bide_select(NULL, bide_watch_awaitable(w, &e), bide_sleep_awaitable(5000)), 0);
    EXPECT_STR(e.name, "a");
}

TEST(watch_released_under_a_waiter_wakes_it, .real_time = true)
{
    bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_WRITTEN);
    bide_auto bide_task *t = bide_create_task(bide_coro(next_kind, w));

    BIDE_IGNORE(bide_sleep_ms(0));
    bide_release(w);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
}

TEST(watch_more_events_than_the_kernel_keeps_are_an_overflow, .real_time = true, .seconds = 30)
{
    enum { MORE = 20000 }; /* the kernel keeps 16,384 */
    bide_watch_event e;
    bide_auto bide_watch *w = bide_watch_open(test_tmpdir(), BIDE_WATCH_ATTRIBUTES);
    write_file(in_dir(0, "a"), "");
    write_file(in_dir(1, "b"), "");
    int overflows = 0, n = 0;

    for (int i = 0; i < MORE; i++)
        EXPECT_EQ(chmod(path[i % 2], i & 4 ? 0600 : 0644), 0);
    for (; !overflows; n++) {
        EXPECT_EQ(bide_watch_next(w, &e), 1);
        overflows += e.kind == BIDE_WATCH_OVERFLOW;
    }
    EXPECT_LE(n, MORE);
    EXPECT_EQ(chmod(path[0], 0640), 0);
    expect_event(w, BIDE_WATCH_ATTRIBUTES, "a");
}

TEST(watch_bad_use_and_missing_paths_get_a_sentence)
{
    bide_watch_event e;
    EXPECT_NULL(bide_watch_open(NULL, BIDE_WATCH_ALL));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_watch_open("/tmp", 0));
    EXPECT_CONTAINS(bide_error_text(), "/tmp: 0x0 is not what can be watched");
    EXPECT_NULL(bide_watch_open("/tmp", BIDE_WATCH_GONE));
    EXPECT_NULL(bide_watch_open("/no/such", BIDE_WATCH_ALL));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "watch /no/such: No such file");
    EXPECT_ERR(bide_watch_next(NULL, &e), -EINVAL);
    bide_auto bide_watch *w = bide_watch_open("/tmp", BIDE_WATCH_ALL);
    EXPECT_ERR(bide_watch_next(w, NULL), -EINVAL);
}

TEST(watch_each_allocation_fails_in_turn)
{
    bide_auto bide_watch *first = bide_watch_open("/tmp", BIDE_WATCH_ALL);
    EXPECT_NOT_NULL(first);
    for (int n = 0; n < 10; n++) {
        bide__alloc_fail_at(n);
        bide_watch *w = bide_watch_open("/tmp", BIDE_WATCH_ALL);
        bool enough = bide__alloc_fail_at(-1);
        EXPECT_TRUE(w || bide_error_code() == BIDE_ENOMEM);
        bide_release(w);
        if (enough)
            return;
    }
    FAIL("it never ended");
}
