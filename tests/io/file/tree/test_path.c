/* SPDX-License-Identifier: MIT */
/* Files and directories by name. */
#include "harness/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/bide.h>

#include "base/base.h"

static char names[8][400];

static const char *in_dir(int i, const char *name)
{
    snprintf(names[i], sizeof names[i], "%s/%s", test_tmpdir(), name);
    return names[i];
}

static void make_file(const char *path, const char *text, unsigned mode)
{
    EXPECT_EQ(bide_file_write_all(path, text, strlen(text)), 0);
    EXPECT_EQ(chmod(path, mode), 0);
}

static void expect_content(const char *path, const char *expected)
{
    size_t len;
    char *text = bide_file_read_all(path, 0, &len);
    EXPECT_NOT_NULL(text);
    EXPECT_STR(text, expected);
    free(text);
}

static int names_by_one_call(void)
{
    struct stat st;
    const char *a = in_dir(0, "a"), *b = in_dir(1, "b"), *l = in_dir(2, "link");
    make_file(a, "12345", 0644);

    EXPECT_EQ(bide_stat(a, &st), 0);
    EXPECT_EQ(st.st_size, 5);
    EXPECT_EQ(bide_truncate(a, 3), 0);
    EXPECT_EQ(bide_chmod(a, 0600), 0);
    EXPECT_EQ(bide_stat(a, &st), 0);
    EXPECT_EQ(st.st_size, 3);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    EXPECT_EQ(bide_link(a, b), 0);
    EXPECT_EQ(bide_stat(b, &st), 0);
    EXPECT_EQ(st.st_nlink, 2);
    EXPECT_EQ(bide_symlink("b", l), 0);
    EXPECT_EQ(bide_lstat(l, &st), 0);
    EXPECT_TRUE(S_ISLNK(st.st_mode));
    EXPECT_EQ(bide_stat(l, &st), 0);
    EXPECT_TRUE(S_ISREG(st.st_mode));
    char *target = bide_read_link(l);
    EXPECT_STR(target, "b");
    free(target);
    EXPECT_EQ(bide_make_dirs(in_dir(3, "d")), 0);
    EXPECT_EQ(bide_remove_dir(names[3]), 0);
    EXPECT_ERR(bide_remove_dir(names[3]), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "remove directory ");
    return 0;
}

TEST(path_functions_of_one_call_do_what_they_say)
{
    names_by_one_call();
}

UNIT(path_functions_of_one_call_work_without_a_loop)
{
    names_by_one_call();
}

TEST(path_errors_name_the_path)
{
    struct stat st;
    EXPECT_ERR(bide_stat("/no/such", &st), -ENOENT);
    EXPECT_STR(bide_error_text(), "stat /no/such: No such file or directory");
    EXPECT_ERR(bide_lstat(NULL, &st), -EINVAL);
    EXPECT_ERR(bide_stat("/", NULL), -EINVAL);
    EXPECT_ERR(bide_chmod("/", 010000), -EINVAL);
    EXPECT_ERR(bide_truncate("/no/such", 1), -ENOENT);
    EXPECT_ERR(bide_link(NULL, "a"), -EINVAL);
    EXPECT_ERR(bide_symlink("a", NULL), -EINVAL);
    EXPECT_NULL(bide_read_link("/"));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_ERR(bide_copy_file(NULL, "a"), -EINVAL);
    EXPECT_ERR(bide_remove_tree(NULL), -EINVAL);
    EXPECT_ERR(bide_remove_tree("/no/such"), -ENOENT);
}

TEST(path_a_long_link_is_read_whole)
{
    char target[3000];
    memset(target, 'x', sizeof target - 1);
    target[sizeof target - 1] = '\0';
    EXPECT_EQ(bide_symlink(target, in_dir(0, "l")), 0);

    char *text = bide_read_link(names[0]);
    EXPECT_STR(text, target);
    free(text);
}

TEST(path_temporary_names_are_new_and_for_us_alone)
{
    struct stat st;
    char dir[400], other[400], file[400], bad[] = "/tmp/aXXXXX";
    snprintf(dir, sizeof dir, "%s/d-XXXXXX", test_tmpdir());
    strcpy(other, dir);
    snprintf(file, sizeof file, "%s/f-XXXXXX", test_tmpdir());

    EXPECT_EQ(bide_make_temp_dir(dir), 0);
    EXPECT_EQ(bide_make_temp_dir(other), 0);
    EXPECT_TRUE(strcmp(dir, other) != 0);
    EXPECT_EQ(stat(dir, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0700);
    bide_auto bide_file *f = bide_make_temp_file(file);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "text", 4, 0), 4);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
    expect_content(file, "text");
    EXPECT_EQ(stat(file, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    EXPECT_ERR(bide_make_temp_dir(bad), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "does not end in XXXXXX");
    EXPECT_NULL(bide_make_temp_file(NULL));
}

/* ---- copies ---- */

TEST(copy_has_the_bytes_and_the_permissions)
{
    struct stat st;
    make_file(in_dir(0, "a"), "text", 0755);
    EXPECT_EQ(bide_copy_file(names[0], in_dir(1, "b")), 0);
    expect_content(names[1], "text");
    EXPECT_EQ(stat(names[1], &st), 0);
    EXPECT_EQ(st.st_mode & 0111, 0111);

    make_file(names[0], "", 0644);
    EXPECT_EQ(bide_copy_file(names[0], names[1]), 0);
    expect_content(names[1], "");
}

TEST(copy_of_a_large_file_goes_in_pieces)
{
    size_t size = (40 << 20) + 5, len;
    char *text = calloc(1, size);
    EXPECT_NOT_NULL(text);
    for (size_t i = 0; i < size; i += 1000)
        text[i] = (char)(i / 1000);
    EXPECT_EQ(bide_file_write_all(in_dir(0, "a"), text, size), 0);

    EXPECT_EQ(bide_copy_file(names[0], in_dir(1, "b")), 0);
    char *copy = bide_file_read_all(names[1], 0, &len);
    EXPECT_EQ(len, size);
    EXPECT_MEM(copy, text, size);
    free(copy);
    free(text);
}

TEST(copy_of_a_file_without_a_size_has_all_of_it)
{
    EXPECT_EQ(bide_copy_file("/proc/self/status", in_dir(0, "a")), 0);
    size_t len;
    char *text = bide_file_read_all(names[0], 0, &len);
    EXPECT_CONTAINS(text, "Name:\t");
    free(text);
}

TEST(copy_that_fails_leaves_what_was_there)
{
    make_file(in_dir(0, "a"), "old", 0644);
    EXPECT_ERR(bide_copy_file(in_dir(1, "none"), names[0]), -ENOENT);
    EXPECT_ERR(bide_copy_file(test_tmpdir(), names[0]), -EISDIR);
    EXPECT_EQ(mkfifo(in_dir(2, "pipe"), 0600), 0);
    EXPECT_ERR(bide_copy_file(names[2], names[0]), -EINVAL);
    expect_content(names[0], "old");
}

/* ---- trees ---- */

TEST(tree_is_removed_with_all_that_is_in_it_and_links_are_not_followed)
{
    struct stat st;
    EXPECT_EQ(bide_make_dirs(in_dir(0, "t/a/b/c")), 0);
    EXPECT_EQ(bide_make_dirs(in_dir(1, "kept")), 0);
    make_file(in_dir(2, "kept/file"), "1", 0644);
    make_file(in_dir(3, "t/a/file"), "2", 0400);
    EXPECT_EQ(symlink(names[1], in_dir(4, "t/a/link")), 0);
    EXPECT_EQ(symlink("nowhere", in_dir(5, "t/dangling")), 0);
    EXPECT_EQ(mkfifo(in_dir(6, "t/pipe"), 0600), 0);

    EXPECT_EQ(bide_remove_tree(in_dir(7, "t")), 0);
    EXPECT_EQ(lstat(names[7], &st), -1);
    EXPECT_EQ(stat(names[2], &st), 0);
    EXPECT_EQ(symlink(names[1], names[7]), 0);
    EXPECT_EQ(bide_remove_tree(names[7]), 0); /* the link itself */
    EXPECT_EQ(stat(names[2], &st), 0);
    EXPECT_EQ(bide_remove_tree(names[2]), 0); /* a file */
    EXPECT_EQ(lstat(names[2], &st), -1);
}

TEST(tree_of_many_names_goes_in_several_calls, .seconds = 30)
{
    struct stat st;
    char name[500];
    for (int d = 0; d < 3; d++) {
        snprintf(name, sizeof name, "%s/t/%d", test_tmpdir(), d);
        EXPECT_EQ(bide_make_dirs(name), 0);
        for (int i = 0; i < 1500; i++) {
            snprintf(name, sizeof name, "%s/t/%d/%d", test_tmpdir(), d, i);
            int fd = open(name, O_WRONLY | O_CREAT, 0600);
            EXPECT_TRUE(fd >= 0);
            close(fd);
        }
    }
    EXPECT_EQ(bide_remove_tree(in_dir(0, "t")), 0);
    EXPECT_EQ(lstat(names[0], &st), -1);
}

/* 500 levels, longer than any path may be, and with a limit of few descriptors. */
TEST(tree_of_any_depth_is_removed, .seconds = 30)
{
    struct stat st;
    EXPECT_EQ(mkdir(in_dir(0, "t"), 0755), 0);
    int at = open(names[0], O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 500; i++) {
        EXPECT_EQ(mkdirat(at, "a-name-of-some-length", 0755), 0);
        int next = openat(at, "a-name-of-some-length", O_RDONLY | O_DIRECTORY);
        EXPECT_TRUE(next >= 0);
        close(at);
        at = next;
    }
    close(at);
    EXPECT_EQ(bide_remove_tree(names[0]), 0);
    EXPECT_EQ(lstat(names[0], &st), -1);
}

TEST(tree_that_may_not_be_removed_is_an_error_with_the_name)
{
    if (geteuid() == 0)
        SKIP("root may remove it");
    EXPECT_EQ(bide_make_dirs(in_dir(0, "t/closed")), 0);
    make_file(in_dir(1, "t/closed/file"), "1", 0644);
    EXPECT_EQ(chmod(names[0], 0500), 0);
    EXPECT_ERR(bide_remove_tree(in_dir(2, "t")), -EACCES);
    EXPECT_CONTAINS(bide_error_text(), "file: ");
    EXPECT_EQ(chmod(names[0], 0700), 0);
}

/* ---- directories ---- */

static int count_entries(const char *path, int *directories)
{
    bide_directory_entry e;
    int n = 0, code;
    bide_auto bide_directory *d = BIDE_TRY_PTR(bide_directory_open(path));

    while ((code = bide_directory_next(d, &e)) > 0) {
        EXPECT_TRUE(strcmp(e.name, ".") != 0 && strcmp(e.name, "..") != 0);
        *directories += e.type == BIDE_TYPE_DIRECTORY;
        n++;
    }
    EXPECT_EQ(code, 0);
    EXPECT_EQ(bide_directory_next(d, &e), 0);
    return n;
}

static int directory_is_read_whole(void)
{
    char name[500];
    int directories = 0;
    EXPECT_EQ(bide_make_dirs(in_dir(0, "t/inner")), 0);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "%s/t/a-file-with-a-long-name-%d", test_tmpdir(), i);
        EXPECT_EQ(symlink("x", name), 0);
    }
    EXPECT_EQ(count_entries(in_dir(1, "t"), &directories), 2001);
    EXPECT_EQ(directories, 1);
    return 0;
}

TEST(directory_of_several_batches_is_read_whole)
{
    directory_is_read_whole();
}

UNIT(directory_is_read_without_a_loop)
{
    directory_is_read_whole();
}

TEST(directory_errors_and_bad_use)
{
    bide_directory_entry e;
    EXPECT_NULL(bide_directory_open("/no/such"));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_STR(bide_error_text(), "open directory /no/such: No such file or directory");
    EXPECT_NULL(bide_directory_open("/dev/null"));
    EXPECT_EQ(bide_error_code(), -ENOTDIR);
    EXPECT_NULL(bide_directory_open(NULL));
    EXPECT_ERR(bide_directory_next(NULL, &e), -EINVAL);
    bide_auto bide_directory *d = bide_directory_open("/");
    EXPECT_ERR(bide_directory_next(d, NULL), -EINVAL);
}

static int next_of(bide_directory *d)
{
    bide_directory_entry e;
    return bide_directory_next(d, &e);
}

TEST(directory_is_for_one_reader_at_a_time_who_sees_its_release)
{
    bide_directory *d = bide_directory_open("/");
    bide_auto bide_task *a = bide_create_task(bide_coro(next_of, d));
    bide_auto bide_task *b = bide_create_task(bide_coro(next_of, d));

    EXPECT_ERR(bide_await(b), BIDE_ESTATE);
    bide_release(d);
    EXPECT_ERR(bide_await(a), BIDE_ECLOSED);
}

TEST(directory_of_the_parent_is_refused_in_a_forked_child)
{
    bide_auto bide_directory *d = bide_directory_open("/");
    int status;
    pid_t child = fork();
    if (child == 0) {
        int code = next_of(d);
        bide_release(d);
        _exit(code == BIDE_ESTATE ? 0 : 1);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

/* ---- cancelled, and out of memory ---- */

static int all_of_them(void)
{
    struct stat st;
    const char *a = in_dir(0, "a"), *b = in_dir(1, "b");
    int directories = 0;
    BIDE_TRY(bide_file_write_all(a, "1", 1));
    BIDE_TRY(bide_stat(a, &st));
    BIDE_TRY(bide_copy_file(a, b));
    BIDE_TRY(bide_make_dirs(in_dir(2, "t/u")));
    BIDE_TRY(count_entries(in_dir(3, "t"), &directories));
    BIDE_TRY(bide_remove_tree(names[3]));
    BIDE_TRY(bide_symlink("x", in_dir(4, "l")));
    char *target = bide_read_link(names[4]);
    free(target);
    BIDE_TRY(bide_unlink(names[4]));
    return target ? 0 : bide_error_code();
}

TEST(path_functions_cancelled_say_so_and_leave_nothing)
{
    for (int turns = 0; turns < 60; turns++) {
        bide_auto bide_task *t = bide_create_task(bide_coro(all_of_them));
        for (int i = 0; i < turns; i++)
            BIDE_IGNORE(bide_sleep_ms(0));
        bide_task_cancel(t);
        int code = bide_await(t);
        EXPECT_TRUE(code == 0 || code == BIDE_ECANCELED);
        BIDE_IGNORE(unlink(in_dir(4, "l")));
    }
}

UNIT(path_each_allocation_fails_in_turn)
{
    EXPECT_EQ(bide_run(bide_coro(all_of_them)), 0);
    for (long n = 0; n < 500; n++) {
        size_t before = bide__alloc_live();
        bide__alloc_fail_at(n);
        int code = bide_run(bide_coro(all_of_them));
        bool enough = bide__alloc_fail_at(-1);
        EXPECT_TRUE(code == 0 || code == BIDE_ENOMEM);
        EXPECT_EQ(bide__alloc_live(), before);
        BIDE_IGNORE(unlink(in_dir(4, "l")));
        if (enough)
            return;
    }
    FAIL("it never ended");
}
