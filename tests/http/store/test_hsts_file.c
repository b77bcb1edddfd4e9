/* SPDX-License-Identifier: MIT */
/* test_hsts_file.c - the file of an HSTS store (D19). */
#include <sys/stat.h>

#include <bide/file.h>
#include <bide/hsts.h>
#include <bide/task.h>

#include "base/base.h"
#include "harness/harness.h"

static const char *path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", test_tmpdir(), name);
    return path;
}

/* D19 */
TEST(hsts_file_is_saved_for_its_owner_and_loaded)
{
    bide_auto bide_hsts *h = bide_hsts_new();
    struct stat st;

    EXPECT_EQ(bide_hsts_set(h, "a.test", 1000, true), 0);
    EXPECT_EQ(bide_hsts_save(h, path_of("hsts")), 0);
    EXPECT_EQ(stat(path_of("hsts"), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    bide_auto bide_hsts *again = bide_hsts_load(path_of("hsts"));
    EXPECT_TRUE(bide_hsts_len(again) == 1 && bide_hsts_applies(again, "b.a.test"));
    EXPECT_EQ(bide_hsts_add_file(h, path_of("hsts")), 1);
}

TEST(hsts_file_that_cannot_be_read_says_why)
{
    EXPECT_NULL(bide_hsts_load(path_of("none")));
    EXPECT_ERR(bide_error_code(), -ENOENT);
    EXPECT_EQ(bide_file_write_all(path_of("html"), "<html>\n", 7), 0);
    EXPECT_NULL(bide_hsts_load(path_of("html")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "/html: no line is one of an HSTS file");
    EXPECT_ERR(bide_hsts_add_file(NULL, path_of("html")), -EINVAL);
    EXPECT_ERR(bide_hsts_save(NULL, path_of("html")), -EINVAL);
}
