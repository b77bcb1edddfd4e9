/* SPDX-License-Identifier: MIT */
/* test_cookie_file.c - a jar's file: loaded, and saved whole and for its owner alone (D19). */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/cookie.h>
#include <bide/file.h>
#include <bide/task.h>

#include "base/base.h"
#include "harness/harness.h"

static const char *path_of(const char *name)
{
    static char path[2][200];
    static unsigned turn;

    snprintf(path[++turn % 2], sizeof path[0], "%s/%s", test_tmpdir(), name);
    return path[turn % 2];
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    EXPECT_EQ(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static bide_cookie_jar *jar_of(const char *cookie)
{
    bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", cookie), 0);
    return jar;
}

TEST(jar_file_is_loaded_as_it_was_saved)
{
    bide_auto bide_cookie_jar *jar = jar_of("sid=1; Secure; HttpOnly; Max-Age=1000");

    EXPECT_EQ(bide_cookie_jar_save(jar, path_of("jar")), 0);
    bide_auto bide_cookie_jar *again = bide_cookie_jar_load(path_of("jar"));
    EXPECT_NOT_NULL(again);
    EXPECT_STR(bide_cookie_jar_header(again, "https://a.test/"), "sid=1");
    bide_auto bide_cookie_jar *other = jar_of("lang=de");
    EXPECT_EQ(bide_cookie_jar_add_file(other, path_of("jar")), 1);
    EXPECT_STR(bide_cookie_jar_header(other, "https://a.test/"), "lang=de; sid=1");
}

UNIT(jar_file_without_a_loop)
{
    bide_auto bide_cookie_jar *jar = jar_of("sid=1");

    EXPECT_EQ(bide_cookie_jar_save(jar, path_of("jar")), 0);
    bide_auto bide_cookie_jar *again = bide_cookie_jar_load(path_of("jar"));
    EXPECT_EQ(bide_cookie_jar_len(again), 1);
}

/* D19 */
TEST(jar_file_is_its_owners_alone)
{
    bide_auto bide_cookie_jar *jar = jar_of("sid=1");
    mode_t before = umask(0);
    const char *path = path_of("jar");

    EXPECT_EQ(bide_cookie_jar_save(jar, path), 0);
    EXPECT_EQ(mode_of(path), 0600);
    EXPECT_EQ(chmod(path, 0644), 0);
    EXPECT_EQ(bide_cookie_jar_save(jar, path), 0);
    EXPECT_EQ(mode_of(path), 0600);
    EXPECT_EQ(symlink(path, path_of("link")), 0);
    EXPECT_EQ(chmod(path, 0644), 0);
    EXPECT_EQ(bide_cookie_jar_save(jar, path_of("link")), 0);
    EXPECT_EQ(mode_of(path_of("jar")), 0600);
    EXPECT_EQ(bide_file_write_all(path_of("other"), "x", 1), 0); /* others stay as they were */
    EXPECT_EQ(mode_of(path_of("other")), 0666);
    umask(before);
}

/* D19 */
TEST(jar_file_is_written_whole_or_not_at_all)
{
    bide_auto bide_cookie_jar *small = jar_of("sid=1"), *big = bide_cookie_jar_new();
    static char field[4096];
    struct rlimit old, low = {4096, 4096};

    memset(field, 'x', sizeof field - 1);
    for (int i = 0; i < 20; i++) {
        field[snprintf(field, sizeof field, "n%d=", i)] = 'x';
        EXPECT_EQ(bide_cookie_jar_add(big, "https://a.test/", field), 0);
    }
    EXPECT_EQ(bide_cookie_jar_save(small, path_of("jar")), 0);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    low.rlim_max = old.rlim_max;
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
    EXPECT_ERR(bide_cookie_jar_save(big, path_of("jar")), -EFBIG);
    EXPECT_CONTAINS(bide_error_text(), "/jar");
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    bide_auto bide_cookie_jar *again = bide_cookie_jar_load(path_of("jar"));
    EXPECT_STR(bide_cookie_jar_header(again, "https://a.test/"), "sid=1");
}

TEST(jar_file_that_cannot_be_read_says_why)
{
    EXPECT_NULL(bide_cookie_jar_load(path_of("none")));
    EXPECT_ERR(bide_error_code(), -ENOENT);
    EXPECT_EQ(bide_file_write_all(path_of("html"), "<html>\n", 7), 0);
    EXPECT_NULL(bide_cookie_jar_load(path_of("html")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "/html: no line is one of a cookies.txt");
    EXPECT_NULL(bide_cookie_jar_load(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_add_file(BIDE_NO_COOKIES, path_of("html")), BIDE_ESTATE);
    EXPECT_ERR(bide_cookie_jar_save(NULL, path_of("html")), -EINVAL);
    EXPECT_EQ(bide_cookie_jar_save(BIDE_NO_COOKIES, path_of("empty")), 0);
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_load(path_of("empty"));
    EXPECT_EQ(bide_cookie_jar_len(jar), 0);
}

TEST(jar_file_without_memory_leaves_the_old_one)
{
    bide_auto bide_cookie_jar *jar = jar_of("sid=1");
    const char *there = "sid=1";
    long n = 0;

    EXPECT_EQ(bide_cookie_jar_save(jar, path_of("jar")), 0);
    EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", "sid=2"), 0);
    for (bool failed = true; failed; n++) {
        bide__alloc_fail_at(n);
        int code = bide_cookie_jar_save(jar, path_of("jar"));
        failed = !bide__alloc_fail_at(-1);
        EXPECT_TRUE(code == 0 || (failed && code == BIDE_ENOMEM));
        there = code == 0 ? "sid=2" : there;
        bide_auto bide_cookie_jar *again = bide_cookie_jar_load(path_of("jar"));
        EXPECT_STR(bide_cookie_jar_header(again, "https://a.test/"), there);
    }
    EXPECT_TRUE(n > 1);
    EXPECT_STR(there, "sid=2");
}
