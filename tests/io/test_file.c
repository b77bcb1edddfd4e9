/* SPDX-License-Identifier: MIT */
/* Files without blocking the loop, and blocking outside of it. */
#include "harness/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/file.h>

#include "base/base.h"

/* A path in the test's own directory; a few of them live at once. */
static const char *at(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", test_tmpdir(), name);
    return path;
}

static void expect_file(const char *path, const char *content)
{
    size_t len;
    char *data = bide_file_read_all(path, 0, &len);

    EXPECT_NOT_NULL(data);
    EXPECT_STR(data, content);
    EXPECT_EQ(len, strlen(content));
    free(data);
}

static int files_work(void)
{
    char text[16] = "";
    bide_file *f = bide_open(at("a"), .flags = O_RDWR | O_CREAT | O_TRUNC);
    EXPECT_NOT_NULL(f);

    EXPECT_EQ(bide_file_write(f, "hello", 5, -1), 5);
    EXPECT_EQ(bide_file_write(f, " world", 6, -1), 6);
    EXPECT_EQ(bide_file_write(f, "J", 1, 0), 1);
    EXPECT_EQ(bide_file_read(f, text, 5, 0), 5);
    EXPECT_STR(text, "Jello");
    EXPECT_EQ(bide_file_read(f, text, sizeof text, 11), 0);
    EXPECT_EQ(bide_file_sync(f), 0);
    EXPECT_EQ(bide_file_close(f), 0);
    expect_file(at("a"), "Jello world");

    EXPECT_EQ(bide_make_dirs(at("x/y/z")), 0);
    EXPECT_EQ(bide_make_dirs(at("x/y/z")), 0);
    EXPECT_EQ(bide_rename(at("a"), at("x/y/z/b")), 0);
    expect_file(at("x/y/z/b"), "Jello world");
    EXPECT_EQ(bide_file_write_all(at("x/y/z/b"), "new", 3), 0);
    expect_file(at("x/y/z/b"), "new");
    EXPECT_EQ(bide_unlink(at("x/y/z/b")), 0);
    EXPECT_ERR(bide_unlink(at("x/y/z/b")), -ENOENT);
    return 0;
}

TEST(file_calls_work_in_a_task)
{
    files_work();
}

UNIT(file_calls_work_outside_of_a_loop)
{
    files_work();
}
