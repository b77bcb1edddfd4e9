/* SPDX-License-Identifier: MIT */
/* test_files.c - file locks, pipes and regular files in tasks. */
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "unblock.h"

static int open_file(void)
{
    char path[512];

    snprintf(path, sizeof path, "%s/file", test_tmpdir());
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* ---- locks: each task takes one that the test holds by another open file description ---- */

static int by_flock(int fd)
{
    return flock(fd, LOCK_EX);
}

static int by_ofd(int fd)
{
    return fcntl(fd, F_OFD_SETLKW, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET});
}

static int release_ofd(int fd)
{
    return fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET});
}

static int release_flock(int fd)
{
    return flock(fd, LOCK_UN);
}

static int take(int (*lock)(int fd), int fd, int *error)
{
    errno = 0;
    *error = lock(fd) < 0 ? errno : 0;
    return 0;
}

static void lock_in_turn(int (*lock)(int fd), int (*release)(int fd))
{
    int a = open_file(), b = open_file(), error = -1;
    EXPECT_EQ(lock(a), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(take, lock, b, &error));
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(error, -1);
    EXPECT_EQ(release(a), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(error, 0);

    bide_timeout(20)
    {
        EXPECT_EQ(lock(a), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    close(a);
    close(b);
}

TEST(files_flock_waits_in_its_task)
{
    lock_in_turn(by_flock, release_flock);
}

TEST(files_fcntl_lock_waits_in_its_task)
{
    lock_in_turn(by_ofd, release_ofd);
}

/* fcntl locks belong to a process, so another process holds it. */
TEST(files_lockf_waits_in_its_task, .real_time = true)
{
    int fd = open_file(), ready[2], status;
    char c;
    pair_of(SOCK_STREAM, ready);
    pid_t pid = fork();
    if (pid == 0) {
        if (lockf(fd, F_LOCK, 0) < 0 || write(ready[1], "x", 1) < 0 || read(ready[1], &c, 1) < 0)
            _exit(1);
        _exit(0);
    }

    EXPECT_EQ(read(ready[0], &c, 1), 1);
    bide_timeout(20)
    {
        EXPECT_EQ(lockf(fd, F_LOCK, 0), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    bide_timeout(20)
        EXPECT_EQ(fcntl(fd, F_SETLKW, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET}), -1);
    EXPECT_EQ(write(ready[0], "x", 1), 1);
    EXPECT_EQ(lockf(fd, F_LOCK, 0), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    close_both(ready);
    close(fd);
}

/* ---- pipes, terminals, files ---- */

static int write_late(int fd, const char *data)
{
    BIDE_TRY(bide_sleep_ms(5));
    EXPECT_EQ(write(fd, data, strlen(data)), (ssize_t)strlen(data));
    return 0;
}

TEST(files_pipe_is_read_when_there_is_something, .real_time = true)
{
    int fd[2];
    char out[8] = "";
    EXPECT_EQ(pipe(fd), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_late, fd[1], "abc"));

    EXPECT_EQ(read(fd[0], out, sizeof out), 3);
    EXPECT_EQ(bide_await(t), 0);
    close(fd[1]);
    EXPECT_EQ(read(fd[0], out, sizeof out), 0);
    close(fd[0]);
}

TEST(files_terminal_is_read_when_there_is_something, .real_time = true)
{
    char out[8] = "";
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        SKIP("there are no terminals here");
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_LE(0, slave);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_late, master, "ab\n"));

    EXPECT_EQ(read(slave, out, sizeof out), 3);
    EXPECT_STR(out, "ab\n");
    EXPECT_EQ(bide_await(t), 0);
    bide_timeout(10)
        EXPECT_EQ(read(slave, out, sizeof out), -1);
    close(slave);
    close(master);
}

TEST(files_regular_ones_are_read_and_written_as_ever)
{
    int fd = open_file();
    char out[8] = "";

    EXPECT_EQ(write(fd, "abc", 3), 3);
    EXPECT_EQ(lseek(fd, 1, SEEK_SET), 1);
    EXPECT_EQ(read(fd, out, sizeof out), 2);
    EXPECT_STR(out, "bc");
    EXPECT_EQ(read(fd, out, sizeof out), 0);
    EXPECT_EQ(read(-1, out, sizeof out), -1);
    EXPECT_EQ(errno, EBADF);
    close(fd);
}

/* A task that was cancelled writes its log, and undoes what it has begun: nothing of that waits. */
TEST(files_are_read_and_written_by_a_task_that_was_refused)
{
    int fd[2], log[2], file = open_file(), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char out[8] = "";
    pair_of(SOCK_STREAM, fd);
    EXPECT_EQ(pipe(log), 0);

    bide_timeout(20)
    {
        EXPECT_EQ(read(fd[0], out, 1), -1);
        EXPECT_EQ(errno, ECANCELED);
        EXPECT_EQ(send(fd[0], "x", 1, 0), -1); /* it is refused for good */
        EXPECT_EQ(errno, ECANCELED);
        EXPECT_EQ(write(file, "undo", 4), 4);
        EXPECT_EQ(writev(file, &(struct iovec){"ne", 2}, 1), 2);
        EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
        EXPECT_EQ(read(file, out, sizeof out), 6);
        EXPECT_STR(out, "undone");
        EXPECT_EQ(write(log[1], "line", 4), 4);
        EXPECT_EQ(write(null, "x", 1), 1);
        EXPECT_EQ(read(null, out, 1), 0);
    }
    EXPECT_EQ(read(log[0], out, sizeof out), 4);
    close_both(fd);
    close_both(log);
    close(file);
    close(null);
}
