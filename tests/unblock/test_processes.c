/* SPDX-License-Identifier: MIT */
/* test_processes.c - waiting for children suspends only the task: the wait family, system, popen; and forks in tasks. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unblock.h"

static int gate = -1;

/* A child that exits with this status when another task sends it a byte: if the call blocked the thread, it would never exit. */
static pid_t child(int status)
{
    int fd[2];
    char c;
    pair_of(SOCK_STREAM, fd);
    pid_t pid = fork();
    if (pid == 0)
        _exit(read(fd[0], &c, 1) == 1 ? status : 100);
    EXPECT_LT(0, pid);
    close(fd[0]);
    gate = fd[1];
    return pid;
}

static int open_gates(void)
{
    for (;;) {
        BIDE_TRY(bide_sleep_ms(5));
        if (gate < 0)
            continue;
        EXPECT_EQ(send(gate, "x", 1, MSG_NOSIGNAL), 1);
        close(gate);
        gate = -1;
    }
}

TEST(processes_are_waited_for_in_each_way, .real_time = true)
{
    int status;
    struct rusage usage;
    siginfo_t info;
    bide_auto bide_task *t = bide_create_task(bide_coro(open_gates));
    pid_t pid = child(3);

    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    pid = child(4);
    EXPECT_EQ(wait4(pid, &status, 0, &usage), pid);
    EXPECT_EQ(WEXITSTATUS(status), 4);
    pid = child(5);
    EXPECT_EQ(wait(&status), pid);
    EXPECT_EQ(WEXITSTATUS(status), 5);
    pid = child(6);
    EXPECT_EQ(wait3(&status, WUNTRACED, &usage), pid);
    EXPECT_EQ(WEXITSTATUS(status), 6);
    pid = child(7);
    EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    EXPECT_EQ(info.si_status, 7);
    pid = child(8);
    EXPECT_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(waitpid(-1, &status, 0), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(processes_waited_for_by_a_cancelled_task_are_left, .real_time = true)
{
    int status;
    pid_t pid = child(9);

    bide_timeout(10)
    {
        EXPECT_EQ(waitpid(pid, &status, 0), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    bide_timeout(10)
        EXPECT_EQ(waitpid(-1, &status, 0), -1);
    bide_auto bide_task *t = bide_create_task(bide_coro(open_gates));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 9);
}

/* ---- commands that each wait for a line from a pipe, which they get when all of them run ---- */

enum { COMMANDS = 10 };
static char fifo[512];
static int running, fifo_end = -1;

static int let_them_go(void)
{
    while (running < COMMANDS)
        BIDE_TRY(bide_sleep_ms(1));
    fifo_end = open(fifo, O_RDWR | O_CLOEXEC);
    EXPECT_EQ(write(fifo_end, "go\ngo\ngo\ngo\ngo\ngo\ngo\ngo\ngo\ngo\n", 3 * COMMANDS), 3 * COMMANDS);
    return 0;
}

static void run_commands(int (*command)(int i))
{
    bide_awaitable all[COMMANDS + 1];
    running = 0;
    snprintf(fifo, sizeof fifo, "%s/fifo", test_tmpdir());
    EXPECT_EQ(mkfifo(fifo, 0600), 0);

    for (int i = 0; i < COMMANDS; i++)
        all[i] = BIDE_AW(bide_coro(command, i));
    all[COMMANDS] = BIDE_AW(bide_coro(let_them_go));
    EXPECT_EQ(bide_gather_n(all, COMMANDS + 1), 0);
    close(fifo_end);
}

static int run_command(int i)
{
    char command[600];

    snprintf(command, sizeof command, "read line <'%s'; exit %d", fifo, i);
    running++;
    EXPECT_EQ(WEXITSTATUS(system(command)), i);
    return 0;
}

TEST(processes_of_system_run_side_by_side, .real_time = true)
{
    run_commands(run_command);
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
    char command[600], line[100];

    snprintf(command, sizeof command, "read line <'%s'; echo one %d; sleep 0.01; echo two; exit 4", fifo, i);
    FILE *f = popen(command, "r");
    EXPECT_NOT_NULL(f);
    EXPECT_LE(0, fileno(f));
    running++;
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
    run_commands(read_command);
}

static int write_command(int i)
{
    static char block[4096];
    char command[600];

    (void)i;
    snprintf(command, sizeof command, "read line <'%s'; n=$(wc -c); [ $n = 409600 ]", fifo);
    FILE *f = popen(command, "w");
    EXPECT_NOT_NULL(f);
    running++;
    for (int n = 0; n < 100; n++)
        EXPECT_EQ(fwrite(block, 1, sizeof block, f), sizeof block);
    EXPECT_EQ(pclose(f), 0);
    return 0;
}

TEST(processes_of_popen_are_written_to_side_by_side, .real_time = true)
{
    run_commands(write_command);
}

TEST(processes_of_popen_are_opened_and_closed_as_by_libc, .real_time = true)
{
    static const char *const wrong[] = {"", "x", "rw", "r+"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        errno = 0;
        EXPECT_NULL(popen("exit 1", wrong[i]));
        EXPECT_EQ(errno, EINVAL);
    }
    FILE *f = popen("exit 9", "re");
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(fileno_unlocked(f), fileno(f));
    int (*volatile close_stream)(FILE *f) = fclose; /* waits for the program's end, too; a compiler that sees it is against it */
    int status = close_stream(f);
    EXPECT_EQ(WEXITSTATUS(status), 9);
    EXPECT_EQ(wait(NULL), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(processes_of_popen_that_a_cancelled_task_left_are_taken_later, .real_time = true)
{
    int fd[2];
    char command[64];
    EXPECT_EQ(pipe2(fd, O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(fd[0], F_SETFD, 0), 0);
    snprintf(command, sizeof command, "read line <&%d", fd[0]);
    bide_timeout(20)
    {
        FILE *f = popen(command, "r");
        EXPECT_NOT_NULL(f);
        EXPECT_EQ(pclose(f), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    EXPECT_EQ(waitpid(-1, NULL, WNOHANG), 0); /* it still runs */
    close(fd[1]);
    siginfo_t info;
    EXPECT_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(pclose(popen("exit 0", "r")), 0);
    EXPECT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    close(fd[0]);
}

/* ---- forks ---- */

static int wait_for_byte(int fd)
{
    char c;

    return (int)read(fd, &c, 1);
}

/* In the child the calls are libc's, because the tasks are the parent's; in a new loop of the child tasks work again. */
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

static int ran_in_handler;

static void sleep_in_handler(int number)
{
    (void)number;
    EXPECT_EQ(usleep(5000), 0);
    ran_in_handler++;
}

static int count_turns(int *turns)
{
    for (;; ++*turns)
        BIDE_TRY(bide_sleep_ms(1));
}

/* If it were suspended there, the handler of another task would begin on the same stack. */
TEST(processes_signal_handlers_with_a_stack_of_their_own_block, .real_time = true)
{
    static char memory[64 * 1024];
    int turns = 0;
    stack_t own = {.ss_sp = memory, .ss_size = sizeof memory}, before;
    struct sigaction action = {.sa_handler = sleep_in_handler, .sa_flags = SA_ONSTACK};
    bide_auto bide_task *t = bide_create_task(bide_coro(count_turns, &turns));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(sigaltstack(&own, &before), 0);
    EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);

    int had = turns;
    raise(SIGUSR1);
    EXPECT_EQ(ran_in_handler, 1);
    EXPECT_EQ(turns, had);
    EXPECT_EQ(usleep(5000), 0);
    EXPECT_LT(had, turns);
    EXPECT_EQ(sigaltstack(&before, NULL), 0);
    bide_task_cancel(t);
}
