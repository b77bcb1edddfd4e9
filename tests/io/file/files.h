/* SPDX-License-Identifier: MIT */
/*
 * files.h - what the tests of files share.  EVERYWHERE(name) is three tests with one body: by io_uring, in threads, and
 * blocking outside of a loop; IN_TASKS(name) is the first two.
 */
#ifndef TESTS_IO_FILE_FILES_H
#define TESTS_IO_FILE_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/file.h>

#include "harness/harness.h"
#include "io/file/file_save.h"
#include "io/poll/poll.h"
#include "no_uring.h"

/* How many rings this process has. */
__attribute__((unused)) static int rings(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");

    for (struct dirent *e; (e = readdir(dir));) {
        char target[64] = "";
        if (readlinkat(dirfd(dir), e->d_name, target, sizeof target - 1) > 0 && strstr(target, "io_uring"))
            count++;
    }
    closedir(dir);
    return count;
}

__attribute__((unused)) static void need_uring(void)
{
    if (!kernel_has_uring())
        SKIP("this kernel refuses io_uring");
}

#define IN_TASKS(name, ...)                       \
    static void name(void);                       \
    TEST(name##_by_io_uring, __VA_ARGS__)         \
    {                                             \
        need_uring();                             \
        name();                                   \
    }                                             \
    TEST(name##_in_threads, __VA_ARGS__)          \
    {                                             \
        setenv("BIDE_FILES", "threads", 1);       \
        name();                                   \
        EXPECT_EQ(rings(), 0);                    \
    }                                             \
    static void name(void)

#define EVERYWHERE(name, ...)      \
    static void name(void);        \
    UNIT(name##_outside_of_a_loop) \
    {                              \
        name();                    \
    }                              \
    IN_TASKS(name, __VA_ARGS__)

/* A path in the test's own directory; a few of them live at once. */
__attribute__((unused)) static const char *at(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", test_tmpdir(), name);
    return path;
}

__attribute__((unused)) static void put(const char *path, const char *content)
{
    FILE *f = fopen(path, "w");

    EXPECT_TRUE(f && fputs(content, f) >= 0 && fclose(f) == 0);
}

__attribute__((unused)) static void expect_file(const char *path, const char *content)
{
    char data[256] = "";
    FILE *f = fopen(path, "r");

    if (!f)
        FAIL("%s: cannot be opened", path);
    size_t n = fread(data, 1, sizeof data - 1, f);
    fclose(f);
    EXPECT_STR(data, content);
    EXPECT_EQ(n, strlen(content));
}

__attribute__((unused)) static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* How many names a directory holds. */
__attribute__((unused)) static int names_in(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);

    EXPECT_NOT_NULL(dir);
    for (struct dirent *e; (e = readdir(dir));)
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return count;
}

__attribute__((unused)) static void expect_error(long long code, long long expected, const char *text)
{
    EXPECT_ERR(code, expected);
    EXPECT_ERR(bide_error_code(), expected);
    EXPECT_CONTAINS(bide_error_text(), text);
    bide_error_clear();
}

/* A file system of 64 KiB; false: not allowed here. */
__attribute__((unused)) static bool mount_small(const char *path)
{
    char map[64];
    uid_t uid = getuid();

    if (unshare(CLONE_NEWNS) < 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return false;
        snprintf(map, sizeof map, "0 %u 1", uid);
        put("/proc/self/uid_map", map);
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdir(path, 0755) == 0 &&
           mount("small", path, "tmpfs", 0, "size=64k") == 0;
}

#endif
