/* SPDX-License-Identifier: MIT */
/* test_atomic.c - bide_open(.atomic): seen when it is complete, or never. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "files.h"

static bide_file *begin(const char *path, const char *text)
{
    bide_file *f = bide_open(path, .atomic = true);

    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, text, strlen(text), -1), strlen(text));
    return f;
}

static void is_seen_when_closed(int names_meanwhile)
{
    for (int i = 0; i < 2; i++) { /* a new one, and one that replaces it */
        bide_auto bide_file *f = begin(at("a"), "one ");
        EXPECT_EQ(names_in(test_tmpdir()), i + names_meanwhile);
        EXPECT_EQ(bide_file_write(f, "two", 3, -1), 3);
        if (i == 1)
            expect_file(at("a"), "one two");
        EXPECT_EQ(bide_file_close(bide_take(f)), 0);
        expect_file(at("a"), "one two");
        EXPECT_EQ(names_in(test_tmpdir()), 1);
    }
}

static void leaves_nothing_when_released(void)
{
    put(at("old"), "old");
    for (int i = 0; i < 2; i++) {
        bide_auto bide_file *f = begin(i ? at("old") : at("a"), "text");
        EXPECT_NOT_NULL(f);
    }
    EXPECT_EQ(names_in(test_tmpdir()), 1);
    expect_file(at("old"), "old");
}

EVERYWHERE(file_atomic_is_seen_when_it_is_closed)
{
    is_seen_when_closed(0);
}

EVERYWHERE(file_atomic_is_seen_when_it_is_closed_where_a_file_needs_a_name)
{
    bide__save_by_name = true;
    is_seen_when_closed(1);
}

EVERYWHERE(file_atomic_released_leaves_nothing)
{
    leaves_nothing_when_released();
    bide__save_by_name = true;
    EXPECT_EQ(unlink(at("old")), 0);
    leaves_nothing_when_released();
}

/* Where the process gets as far as that, and is killed. */
static void killed(const char *path)
{
    int status;
    pid_t pid = fork();

    EXPECT_TRUE(pid >= 0);
    if (pid == 0) {
        bide_file *f = begin(path, "half");
        raise(SIGKILL);
        bide_release(f);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

UNIT(file_atomic_killed_leaves_nothing)
{
    put(at("old"), "old");
    killed(at("new"));
    killed(at("old"));
    EXPECT_EQ(names_in(test_tmpdir()), 1);
    expect_file(at("old"), "old");
}

static void leaves_others_what_they_are(void)
{
    struct stat st;
    put(at("plain"), "old");
    EXPECT_EQ(symlink("plain", at("link")), 0);
    EXPECT_EQ(mkdir(at("dir"), 0755), 0);

    EXPECT_EQ(bide_file_close(begin(at("link"), "new")), 0);
    expect_file(at("plain"), "new");
    EXPECT_TRUE(lstat(at("link"), &st) == 0 && S_ISLNK(st.st_mode));
    expect_error(bide_open(at("dir"), .atomic = true) ? 0 : bide_error_code(), -EISDIR, "/dir: Is a directory");
    expect_error(bide_open(at("no/a"), .atomic = true) ? 0 : bide_error_code(), -ENOENT, "/no/a: No such file");
    expect_error(bide_open("", .atomic = true) ? 0 : bide_error_code(), -ENOENT, "write : No such file");
    expect_error(bide_open(at("a"), .atomic = true, .flags = O_RDWR) ? 0 : bide_error_code(), -EINVAL, "O_WRONLY");
    EXPECT_EQ(names_in(test_tmpdir()), 3);
    bide_auto bide_file *full = bide_open("/dev/full", .atomic = true);
    EXPECT_NOT_NULL(full);
    expect_error(bide_file_write(full, "x", 1, -1), -ENOSPC, "/dev/full");
    EXPECT_TRUE(lstat("/dev/full", &st) == 0 && S_ISCHR(st.st_mode));
}

EVERYWHERE(file_atomic_leaves_links_and_devices_what_they_are)
{
    leaves_others_what_they_are();
}

/* What has come to the name meanwhile is looked at, too. */
EVERYWHERE(file_atomic_whose_name_was_taken_meanwhile)
{
    bide_file *f = begin(at("a"), "new"), *g = begin(at("b"), "new");

    put(at("a"), "other");
    EXPECT_EQ(chmod(at("a"), 0600), 0);
    EXPECT_EQ(mkdir(at("b"), 0755), 0);
    EXPECT_EQ(bide_file_close(f), 0);
    expect_file(at("a"), "new");
    struct stat st;
    EXPECT_TRUE(stat(at("a"), &st) == 0 && (st.st_mode & 0777) == 0600);
    expect_error(bide_file_close(g), -EISDIR, "/b: Is a directory");
    EXPECT_EQ(names_in(test_tmpdir()), 2);
}

EVERYWHERE(file_atomic_makes_the_directories_that_are_missing)
{
    bide_auto bide_file *f = bide_open(at("x/y/z/a"), .atomic = true, .parents = true);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
    EXPECT_TRUE(exists(at("x/y/z/a")));
    bide_auto bide_file *g = bide_open(at("p/q/b"), .flags = O_WRONLY | O_CREAT, .parents = true);
    EXPECT_NOT_NULL(g);
    EXPECT_TRUE(exists(at("p/q/b")));
    expect_error(bide_open(at("r/c"), .parents = true) ? 0 : bide_error_code(), -ENOENT, "/r/c");
    EXPECT_FALSE(exists(at("r")));
}

static int write_long(bide_file *f)
{
    static char data[1 << 20];

    return bide_file_write(f, data, sizeof data, -1) == sizeof data ? 0 : bide_error_code();
}

/* It is not known whether what the other one writes would be all of it. */
TEST(file_atomic_closed_while_it_is_written_is_not_saved, .real_time = true)
{
    setenv("BIDE_FILES", "threads", 1);
    bide_file *f = begin(at("a"), "text");
    bide_auto bide_task *t = bide_create_task(bide_coro(write_long, f));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    expect_error(bide_file_close(f), BIDE_ESTATE, "while another task still writes it");
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(names_in(test_tmpdir()), 0);
}

/* ---- what the disk does not take ---- */

EVERYWHERE(file_atomic_on_a_full_disk_leaves_what_was_there)
{
    static char big[100000];
    char path[256];
    snprintf(path, sizeof path, "%s", at("small"));
    if (!mount_small(path))
        SKIP("no mount here");

    put(at("small/kept"), "old");
    bide_file *f = begin(at("small/kept"), "new");
    expect_error(bide_file_write(f, big, sizeof big, -1), -ENOSPC, "write ");
    bide_release(f);
    EXPECT_EQ(names_in(path), 1);
    expect_file(at("small/kept"), "old");
    EXPECT_EQ(umount2(path, MNT_DETACH), 0);
}

/* Not the end of the program, as the kernel's signal would be. */
EVERYWHERE(file_beyond_the_size_limit_is_an_error)
{
    static char big[100000];
    struct rlimit limit = {.rlim_cur = 8192, .rlim_max = RLIM_INFINITY}, before;

    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_error(bide_file_write_all(at("a"), big, sizeof big), -EFBIG, "/a: File too large");
    bide_file *f = begin(at("a"), "new");
    expect_error(bide_file_write(f, big, sizeof big, -1), -EFBIG, "/a: File too large");
    bide_release(f);
    EXPECT_EQ(names_in(test_tmpdir()), 0);
    f = bide_open(at("a"), .flags = O_WRONLY | O_CREAT);
    EXPECT_NOT_NULL(f);
    expect_error(bide_file_write(f, big, sizeof big, -1), -EFBIG, "/a: File too large");
    bide_release(f);
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/* ---- O_EXCL ---- */

static void expect_replaces_nothing(void)
{
    const char *path = at("only");

    EXPECT_EQ(bide_file_write_all(path, "old", 3), 0);
    EXPECT_NULL(bide_open(path, .atomic = true, .flags = O_WRONLY | O_EXCL));
    EXPECT_ERR(bide_error_code(), -EEXIST);
    EXPECT_EQ(bide_unlink(path), 0);
    bide_auto bide_file *f = bide_open(path, .atomic = true, .flags = O_WRONLY | O_EXCL);
    EXPECT_EQ(bide_file_write(f, "new", 3, -1), 3);
    EXPECT_EQ(bide_file_write_all(path, "between", 7), 0);
    EXPECT_ERR(bide_file_close(bide_take(f)), -EEXIST);
    bide_error_clear();
    size_t len;
    char *text = bide_file_read_all(path, 0, &len);
    EXPECT_STR(text, "between");
    free(text);
}

EVERYWHERE(file_atomic_with_o_excl_replaces_nothing)
{
    expect_replaces_nothing();
}

EVERYWHERE(file_atomic_with_o_excl_replaces_nothing_where_a_file_needs_a_name)
{
    bide__save_by_name = true;
    expect_replaces_nothing();
    bide__save_by_name = false;
}
