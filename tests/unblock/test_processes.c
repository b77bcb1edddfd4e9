/* SPDX-License-Identifier: MIT */
/* test_processes.c - children are waited for by their task alone: wait and its kin, system, popen; and forks in the middle of it all. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unblock.h"

/* A child that ends with this status after so many milliseconds. */
static pid_t child(int ms, int status)
{
    pid_t pid = fork();
    if (pid == 0) {
        usleep((useconds_t)ms * 1000); /* without a loop: really */
        _exit(status);
    }
    EXPECT_LT(0, pid);
    return pid;
}

static int count_turns(int *n)
{
    for (;; ++*n)
        BIDE_TRY(bide_sleep_ms(1));
}

TEST(processes_are_waited_for_in_each_way, .real_time = true)
{
    int status, turns = 0;
    struct rusage usage;
    siginfo_t info;
    bide_auto bide_task *t = bide_create_task(bide_coro(count_turns, &turns));
    pid_t pid = child(20, 3);

    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    pid = child(20, 4);
    EXPECT_EQ(wait4(pid, &status, 0, &usage), pid);
    EXPECT_EQ(WEXITSTATUS(status), 4);
    pid = child(20, 5);
    EXPECT_EQ(wait(&status), pid);
    EXPECT_EQ(WEXITSTATUS(status), 5);
    pid = child(20, 6);
    EXPECT_EQ(wait3(&status, WUNTRACED, &usage), pid);
    EXPECT_EQ(WEXITSTATUS(status), 6);
    pid = child(20, 7);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    EXPECT_EQ(info.si_status, 7);
    pid = child(20, 8);
    EXPECT_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(waitpid(-1, &status, 0), -1);
    EXPECT_EQ(errno, ECHILD);
    EXPECT_LT(20, turns);
}

TEST(processes_waited_for_by_a_cancelled_task_are_left, .real_time = true)
{
    int status;
    pid_t pid = child(60, 9);

    bide_timeout(10)
    {
        EXPECT_EQ(waitpid(pid, &status, 0), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    bide_timeout(10)
        EXPECT_EQ(waitpid(-1, &status, 0), -1);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 9);
}

static int run_command(const char *command, int expected)
{
    EXPECT_EQ(WEXITSTATUS(system(command)), expected);
    return 0;
}

TEST(processes_of_system_run_side_by_side, .real_time = true)
{
    bide_awaitable all[10];
    int64_t start = now_ms();

    for (int i = 0; i < 10; i++)
        all[i] = BIDE_AW(bide_coro(run_command, "sleep 0.3; exit 5", 5));
    EXPECT_EQ(bide_gather_n(all, 10), 0);
    EXPECT_LT(now_ms() - start, 2900);
    EXPECT_LT(0, system(NULL));
}

TEST(processes_of_system_end_with_their_task, .real_time = true)
{
    int64_t start = now_ms();

    bide_timeout(20)
    {
        EXPECT_EQ(system("exec sleep 30"), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    EXPECT_LT(now_ms() - start, 5000);
}

static int read_command(int i)
{
    char command[100], line[100];

    snprintf(command, sizeof command, "sleep 0.2; echo one %d; sleep 0.1; echo two; exit 4", i);
    FILE *f = popen(command, "r");
    EXPECT_NOT_NULL(f);
    EXPECT_LE(0, fileno(f));
    EXPECT_NOT_NULL(fgets(line, sizeof line, f));
    EXPECT_CONTAINS(line, "one ");
    EXPECT_EQ(atoi(line + 4), i);
    EXPECT_NOT_NULL(fgets(line, sizeof line, f));
    EXPECT_STR(line, "two\n");
    EXPECT_NULL(fgets(line, sizeof line, f));
    EXPECT_EQ(WEXITSTATUS(pclose(f)), 4);
    return 0;
}

TEST(processes_of_popen_are_read_side_by_side, .real_time = true)
{
    bide_awaitable all[10];
    int64_t start = now_ms();

    for (int i = 0; i < 10; i++)
        all[i] = BIDE_AW(bide_coro(read_command, i));
    EXPECT_EQ(bide_gather_n(all, 10), 0);
    EXPECT_LT(now_ms() - start, 2900);
}

TEST(processes_of_popen_are_written_to, .real_time = true)
{
    static char block[4096];
    int turns = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(count_turns, &turns));
    FILE *f = popen("sleep 0.1; n=$(wc -c); [ $n = 409600 ]", "w");
    EXPECT_NOT_NULL(f);

    for (int i = 0; i < 100; i++)
        EXPECT_EQ(fwrite(block, 1, sizeof block, f), sizeof block);
    EXPECT_EQ(pclose(f), 0);
    EXPECT_LT(20, turns);
}

/* ---- forks ---- */

static int wait_for_byte(int fd)
{
    char c;

    return (int)read(fd, &c, 1);
}

/* In the child calls are libc's, for its tasks are the parent's; and a loop of its own has tasks again. */
static int in_child(int fd)
{
    char c;

    if (write(fd, "x", 1) != 1 || read(fd, &c, 1) != 1 || usleep(1000) != 0)
        return 1;
    return bide_run(bide_coro(wait_for_byte, fd)) == 1 ? 0 : 2;
}

TEST(processes_forked_in_a_task_have_calls_that_block, .real_time = true)
{
    int fd[2], status;
    pair_of(SOCK_STREAM, fd);
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for_byte, fd[0]));
    EXPECT_EQ(bide_sleep_ms(1), 0);

    pid_t pid = fork();
    if (pid == 0)
        _exit(in_child(fd[1]));
    EXPECT_EQ(bide_await(t), 1);
    EXPECT_EQ(write(fd[0], "yz", 2), 2);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    close_both(fd);
}

/* ---- signals ---- */

static volatile sig_atomic_t heard;

static void hear(int signal)
{
    (void)signal;
    heard++;
}

TEST(processes_signals_do_not_end_a_wait, .real_time = true)
{
    struct sigaction act = {.sa_handler = hear}, before;
    int fd[2];
    sigaction(SIGUSR1, &act, &before);
    pair_of(SOCK_STREAM, fd);
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for_byte, fd[0]));

    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_sleep_ms(1), 0);
        raise(SIGUSR1);
    }
    EXPECT_EQ(heard, 3);
    EXPECT_EQ(write(fd[1], "x", 1), 1);
    EXPECT_EQ(bide_await(t), 1);
    sigaction(SIGUSR1, &before, NULL);
    close_both(fd);
}
