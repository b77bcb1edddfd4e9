/* SPDX-License-Identifier: MIT */
/* test_whole.c - files by name, directories, and whole files at once: what is there before and after. */
#include <sys/mount.h>
#include <sys/prctl.h>

#include "files.h"

/* ---- names ---- */

EVERYWHERE(file_rename_and_unlink)
{
    put(at("a"), "one");
    put(at("b"), "two");
    EXPECT_EQ(bide_rename(at("a"), at("b")), 0);
    expect_file(at("b"), "one");
    expect_error(bide_rename(at("a"), at("c")), -ENOENT, "/c: No such file");
    EXPECT_EQ(bide_unlink(at("b")), 0);
    expect_error(bide_unlink(at("b")), -ENOENT, "unlink ");
    expect_error(bide_unlink(test_tmpdir()), -EISDIR, test_tmpdir());
}

EVERYWHERE(file_make_dirs_makes_each_that_is_missing)
{
    EXPECT_EQ(bide_make_dirs(at("a/b//c/")), 0);
    EXPECT_EQ(bide_make_dirs(at("a/b/c")), 0);
    EXPECT_TRUE(exists(at("a/b/c")));
    EXPECT_EQ(bide_make_dirs(test_tmpdir()), 0);
    EXPECT_EQ(bide_make_dirs("/"), 0);
    EXPECT_EQ(bide_make_dirs("."), 0);
    expect_error(bide_make_dirs(""), -ENOENT, "make directory");
    put(at("a/file"), "x");
    expect_error(bide_make_dirs(at("a/file")), -ENOTDIR, "/a/file: Not a directory");
    expect_error(bide_make_dirs(at("a/file/d")), -ENOTDIR, "/a/file/d: Not a directory");
    EXPECT_EQ(symlink("b", at("a/link")), 0);
    EXPECT_EQ(bide_make_dirs(at("a/link/d")), 0);
    EXPECT_TRUE(exists(at("a/b/d")));
}

/* ---- a whole file ---- */

static void saves(void)
{
    static char big[3000000];
    memset(big, 'x', sizeof big);

    EXPECT_EQ(bide_file_write_all(at("a"), "one", 3), 0);
    expect_file(at("a"), "one");
    EXPECT_EQ(bide_file_write_all(at("a"), "other", 5), 0);
    expect_file(at("a"), "other");
    EXPECT_EQ(bide_file_write_all(at("a"), "", 0), 0);
    expect_file(at("a"), "");
    EXPECT_EQ(bide_file_write_all(at("a"), big, sizeof big), 0);

    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    EXPECT_EQ(stat(at("a"), &st), 0);
    EXPECT_EQ(st.st_size, sizeof big);
    EXPECT_EQ(st.st_mode & 0777, 0666 & ~mask);

    EXPECT_EQ(chmod(at("a"), 0600), 0); /* what nobody else may read stays so */
    EXPECT_EQ(bide_file_write_all(at("a"), "secret", 6), 0);
    EXPECT_EQ(stat(at("a"), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600);
    EXPECT_EQ(names_in(test_tmpdir()), 1);
}

EVERYWHERE(file_write_all_makes_and_replaces)
{
    saves();
}

EVERYWHERE(file_write_all_makes_and_replaces_where_a_file_needs_a_name)
{
    bide__save_by_name = true;
    saves();
}

static void saves_without_slash(void)
{
    EXPECT_EQ(chdir(test_tmpdir()), 0);
    EXPECT_EQ(bide_file_write_all("a", "one", 3), 0);
    EXPECT_EQ(bide_file_write_all("a", "two", 3), 0);
    expect_file("a", "two");
    EXPECT_EQ(names_in("."), 1);
}

UNIT(file_write_all_in_the_working_directory)
{
    saves_without_slash();
    bide__save_by_name = true;
    saves_without_slash();
}

/* What is there must not be replaced by a plain file. */
static void saves_over_others(void)
{
    struct stat st;
    put(at("plain"), "old");
    EXPECT_EQ(symlink("plain", at("link")), 0);
    EXPECT_EQ(symlink("nowhere", at("loose")), 0);
    EXPECT_EQ(mkdir(at("dir"), 0755), 0);

    EXPECT_EQ(bide_file_write_all(at("link"), "new", 3), 0);
    expect_file(at("plain"), "new");
    EXPECT_TRUE(lstat(at("link"), &st) == 0 && S_ISLNK(st.st_mode));
    EXPECT_EQ(bide_file_write_all(at("loose"), "new", 3), 0);
    expect_file(at("loose"), "new");
    expect_error(bide_file_write_all(at("dir"), "new", 3), -EISDIR, "/dir: Is a directory");
    expect_error(bide_file_write_all(at("none/a"), "new", 3), -ENOENT, "/none/a: No such file");
    expect_error(bide_file_write_all(at("plain/a"), "new", 3), -ENOTDIR, "/plain/a: Not a directory");
    EXPECT_EQ(names_in(test_tmpdir()), 4);

    EXPECT_EQ(bide_file_write_all("/dev/null", "new", 3), 0);
    EXPECT_TRUE(lstat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    expect_error(bide_file_write_all("/dev/full", "new", 3), -ENOSPC, "write /dev/full: No space left");
    EXPECT_TRUE(lstat("/dev/full", &st) == 0 && S_ISCHR(st.st_mode));
}

EVERYWHERE(file_write_all_leaves_links_and_devices_what_they_are)
{
    saves_over_others();
}

EVERYWHERE(file_write_all_leaves_links_and_devices_what_they_are_by_name)
{
    bide__save_by_name = true;
    saves_over_others();
}

static void fills_a_disk(void)
{
    static char big[100000];
    char path[256];
    snprintf(path, sizeof path, "%s", at("small"));
    if (!mount_small(path))
        SKIP("no mount here");

    EXPECT_EQ(bide_file_write_all(at("small/kept"), "old", 3), 0);
    expect_error(bide_file_write_all(at("small/new"), big, sizeof big), -ENOSPC, "/small/new: No space left");
    expect_error(bide_file_write_all(at("small/kept"), big, sizeof big), -ENOSPC, "/small/kept: No space left");
    EXPECT_EQ(names_in(path), 1);
    expect_file(at("small/kept"), "old");
    EXPECT_EQ(bide_file_write_all(at("small/kept"), "new", 3), 0); /* the space was given back */
    expect_file(at("small/kept"), "new");
    EXPECT_EQ(umount2(path, MNT_DETACH), 0);
}

EVERYWHERE(file_write_all_on_a_full_disk_leaves_what_was_there)
{
    fills_a_disk();
}

UNIT(file_write_all_by_name_on_a_full_disk_leaves_what_was_there)
{
    bide__save_by_name = true;
    fills_a_disk();
}

/* Everybody may look into the directory, but only its owner may change it; we are somebody else, or it is closed. */
EVERYWHERE(file_calls_in_a_directory_that_may_not_be_changed)
{
    EXPECT_EQ(mkdir(at("closed"), 0755), 0);
    EXPECT_EQ(chdir(at("closed")), 0);
    put("old", "old");
    EXPECT_EQ(mkfifo("pipe", 0666), 0);
    EXPECT_EQ(chmod("pipe", 0666), 0);
    int changed = geteuid() == 0 ? seteuid(65534) : chmod(".", 0555);
    EXPECT_EQ(changed, 0);

    expect_error(bide_file_write_all("a", "x", 1), -EACCES, "write a: Permission denied");
    expect_error(bide_file_write_all("./old", "x", 1), -EACCES, "write ./old: Permission denied");
    expect_error(bide_make_dirs("b/c"), -EACCES, "b/c: Permission denied");
    expect_error(bide_open("d", .flags = O_CREAT | O_WRONLY) ? 0 : bide_error_code(), -EACCES, "open d: Permission");
    /* No new file can be made there, but the pipe may be written to. */
    int reader = open("pipe", O_RDONLY | O_NONBLOCK);
    EXPECT_EQ(bide_file_write_all("pipe", "x", 1), 0);
    close(reader);
    EXPECT_EQ(names_in("."), 2);
    expect_file("old", "old");
    EXPECT_EQ(seteuid(getuid()), 0);
    prctl(PR_SET_DUMPABLE, 1); /* so that LeakSanitizer can look into us again */
}

static int save_name(long i)
{
    char text[32], path[256]; /* its own: a thread reads it while others are made */
    int len = snprintf(text, sizeof text, "%ld-%ld-%ld", i, i, i);

    snprintf(path, sizeof path, "%s", at("same"));
    return bide_file_write_all(path, text, (size_t)len);
}

static void saves_one_name_at_once(void)
{
    bide_task *tasks[64];
    size_t len;
    long a, b, c;

    for (long i = 0; i < 64; i++)
        tasks[i] = bide_create_task(bide_coro(save_name, i));
    for (long i = 0; i < 64; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
    char *data = bide_file_read_all(at("same"), 0, &len);
    EXPECT_NOT_NULL(data);
    EXPECT_EQ(sscanf(data, "%ld-%ld-%ld", &a, &b, &c), 3);
    EXPECT_TRUE(a == b && b == c);
    free(data);
    EXPECT_EQ(names_in(test_tmpdir()), 1);
}

IN_TASKS(file_write_all_by_many_at_once_leaves_one_whole_file)
{
    saves_one_name_at_once();
    bide__save_by_name = true;
    saves_one_name_at_once();
}

EVERYWHERE(file_read_all_reads_to_the_end_or_the_limit)
{
    size_t len = 99;
    put(at("a"), "hello");
    char *data = bide_file_read_all(at("a"), 5, &len);
    EXPECT_NOT_NULL(data);
    EXPECT_EQ(len, 5);
    EXPECT_STR(data, "hello");
    free(data);

    EXPECT_NULL(bide_file_read_all(at("a"), 4, &len));
    expect_error(bide_error_code(), BIDE_ELIMIT, "/a: larger than 4 bytes");
    EXPECT_NULL(bide_file_read_all(at("none"), 0, &len));
    expect_error(bide_error_code(), -ENOENT, "read ");
    EXPECT_NULL(bide_file_read_all(test_tmpdir(), 0, &len));
    expect_error(bide_error_code(), -EISDIR, "Is a directory");

    data = bide_file_read_all("/proc/self/status", 0, &len); /* of size 0, says stat */
    EXPECT_NOT_NULL(data);
    EXPECT_CONTAINS(data, "Name:");
    EXPECT_EQ(len, strlen(data));
    free(data);
    EXPECT_NULL(bide_file_read_all("/proc/self/status", 100, &len));
    expect_error(bide_error_code(), BIDE_ELIMIT, "larger than 100 bytes");
    data = bide_file_read_all("/dev/null", 0, &len);
    EXPECT_NOT_NULL(data);
    EXPECT_EQ(len, 0);
    free(data);
    EXPECT_NULL(bide_file_read_all("/dev/zero", 100000, &len));
    expect_error(bide_error_code(), BIDE_ELIMIT, "/dev/zero: larger");
}
