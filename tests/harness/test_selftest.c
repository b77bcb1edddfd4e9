/* SPDX-License-Identifier: MIT */
/* test_selftest.c - tests that must pass, be skipped or fail, each as its name says.  test_harness.sh judges. */
#include <bide/bide.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "harness/harness.h"

UNIT(pass_unit)
{
    EXPECT_TRUE(1);
    EXPECT_EQ(2, 2);
    EXPECT_STR("a", "a");
    EXPECT_CONTAINS("abc", "bc");
    EXPECT_MEM("abc", "abd", 2);
}

TEST(pass_a_day_on_virtual_time)
{
    EXPECT_EQ(bide_sleep_ms(24 * 3600 * 1000), 0);
}

TEST(pass_real_time, .real_time = true)
{
    int64_t before = bide__clock_ns();
    EXPECT_EQ(bide_sleep_ms(30), 0);
    EXPECT_LE(30 * 1000 * 1000, bide__clock_ns() - before);
}

UNIT(pass_thread_loop_is_not_a_leak)
{
    EXPECT_NOT_NULL(bide_get_event_loop());
}

UNIT(pass_tmpdir)
{
    struct stat st;
    char path[256];
    EXPECT_EQ(stat(test_tmpdir(), &st), 0);
    snprintf(path, sizeof path, "%s/file", test_tmpdir());
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    EXPECT_LE(0, fd);
    close(fd);
}

UNIT(skip_here)
{
    SKIP("no reason at all");
}

UNIT(fail_values)
{
    EXPECT_EQ(1 + 1, 3);
}

UNIT(fail_text)
{
    EXPECT_STR("one", "two");
}

UNIT(fail_bytes)
{
    EXPECT_MEM("abc", "abd", 3);
}

TEST(fail_code)
{
    EXPECT_ERR(bide_fail(BIDE_EDNS, "example.com: asked in vain"), BIDE_ENAME);
}

UNIT(fail_leaks_descriptor)
{
    EXPECT_LE(0, dup(1));
}

UNIT(fail_leaks_allocation)
{
    static void *kept;
    kept = bide__malloc(10);
    EXPECT_NOT_NULL(kept);
}

static int sleep_long(void)
{
    return bide_sleep_ms(1000);
}

TEST(fail_leaks_task)
{
    EXPECT_NOT_NULL(bide_create_task(bide_coro(sleep_long)));
}

UNIT(fail_crash)
{
    raise(SIGABRT); /* not SIGSEGV, which a sanitizer would catch */
}

UNIT(fail_exit_in_the_middle)
{
    exit(0);
}

UNIT(fail_late, .seconds = 1)
{
    for (;;)
        pause();
}

TEST(fail_inside_a_task)
{
    EXPECT_TRUE(0 > 1);
}
