/* SPDX-License-Identifier: MIT */
/* Waiting for processes, ending them, and what is left of them. */
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include "process.h"

#define SH(text) NULL, .shell = (text)

TEST(process_wait_tells_exit_status_and_signal_apart, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("exit 7"));
    EXPECT_EQ(bide_process_wait(p), 7);
    EXPECT_EQ(bide_process_wait(p), 7);
    EXPECT_EQ(bide_process_exit_code(p), 7);
    EXPECT_EQ(bide_process_exit_signal(p), 0);

    bide_auto bide_process *q = bide_process_spawn(SH("kill -SEGV $$"));
    EXPECT_EQ(bide_process_wait(q), 256 + SIGSEGV);
    EXPECT_EQ(bide_process_exit_code(q), -1);
    EXPECT_EQ(bide_process_exit_signal(q), SIGSEGV);

    bide_auto bide_process *r = bide_process_spawn(SH("exit 139")); /* as a shell tells of a signal */
    EXPECT_EQ(bide_process_wait(r), 139);
    EXPECT_EQ(bide_process_exit_signal(r), 0);
}

TEST(process_check_makes_a_status_an_error, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("exit 3"), .check = true);
    EXPECT_ERR(bide_process_wait(p), BIDE_EEXIT);
    EXPECT_CONTAINS(bide_error_text(), "exit status 3");
    EXPECT_EQ(bide_process_exit_code(p), 3);

    EXPECT_NULL(bide_process_run(SH("kill -KILL $$"), .check = true));
    EXPECT_EQ(bide_error_code(), BIDE_EEXIT);
    EXPECT_CONTAINS(bide_error_text(), "signal 9");
    bide_auto bide_process *q = bide_process_run(SH("exit 0"), .check = true);
    EXPECT_NOT_NULL(q);
}

TEST(process_several_tasks_wait_for_one, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_PIPE);
    bide_auto bide_task *a = bide_create_task(bide_coro(bide_process_wait, p));
    bide_auto bide_task *b = bide_create_task(bide_coro(bide_process_wait, p));
    bide_auto bide_task *c = bide_create_task(bide_coro(bide_process_wait, p));

    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(b);
    EXPECT_ERR(bide_await(b), BIDE_ECANCELED);
    EXPECT_ERR(bide_process_exit_code(p), BIDE_ESTATE);
    EXPECT_EQ(bide_stream_shutdown(bide_process_stdin(p)), 0);
    EXPECT_EQ(bide_await(a), 0);
    EXPECT_EQ(bide_await(c), 0);
}

/* P1 */
TEST(process_that_nobody_waits_for_leaves_no_zombie, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("true"), .stdout_to = BIDE_PIPE);
    char byte;

    EXPECT_EQ(bide_read(bide_process_stdout(p), &byte, 1), 0);
    while (bide_process_exit_code(p) == BIDE_ESTATE)
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(has_no_child());
    EXPECT_EQ(bide_process_wait(p), 0);
}

TEST(process_timeout_ends_it_with_term, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"), .timeout_ms = 20);

    EXPECT_ERR(bide_process_wait(p), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "sleep (");
    EXPECT_EQ(bide_process_exit_signal(p), SIGTERM);
    EXPECT_TRUE(has_no_child());
}

TEST(process_timeout_kills_what_ignores_term, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("trap '' TERM; echo; while :; do sleep 100; done"), .stdout_to = BIDE_PIPE, .grace_ms = 30);
    char byte;

    EXPECT_EQ(bide_read(bide_process_stdout(p), &byte, 1), 1);
    EXPECT_EQ(bide_process_terminate(p), 0);
    EXPECT_EQ(bide_process_wait(p), 256 + SIGKILL);
}

TEST(process_outer_timeout_leaves_it_running, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"));

    bide_timeout(5)
        EXPECT_ERR(bide_process_wait(p), BIDE_ETIMEDOUT);
    EXPECT_TRUE(is_there(bide_process_pid(p)));
    EXPECT_EQ(bide_process_send_signal(p, SIGKILL), 0);
    EXPECT_EQ(bide_process_wait(p), 256 + SIGKILL);
    EXPECT_ERR(bide_process_send_signal(p, SIGKILL), -ESRCH);
    EXPECT_ERR(bide_process_terminate(p), -ESRCH);
    EXPECT_CONTAINS(bide_error_text(), "sleep (");
}

TEST(process_a_stopped_one_is_ended_too, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"));
    EXPECT_EQ(bide_process_send_signal(p, SIGSTOP), 0);
    EXPECT_EQ(bide_process_terminate(p), 0);
    EXPECT_EQ(bide_process_wait(p), 256 + SIGTERM);
    EXPECT_ERR(bide_process_send_signal(NULL, 9), -EINVAL);
}

/* A number that a shell wrote. */
static int read_number(bide_stream *s)
{
    const char *line;
    EXPECT_TRUE(bide_read_until(s, "\n", &line) > 0);
    return atoi(line);
}

/* The end of a pipe that only they hold: they are gone. */
static void expect_closed(int fd)
{
    struct pollfd p = {.fd = fd};
    EXPECT_EQ(poll(&p, 1, 5000), 1);
    EXPECT_TRUE(p.revents & POLLHUP);
    close(fd);
}

TEST(process_released_while_it_runs_is_ended_with_all_that_it_started, .real_time = true)
{
    int pair[2];
    EXPECT_EQ(pipe2(pair, O_CLOEXEC), 0);
    bide_process *p = bide_process_spawn(SH("sleep 100 & sleep 100 & echo $!; wait"), .stdout_to = BIDE_PIPE, .stdin_from = BIDE_NULL,
                                         .fds = (bide_passed_fd[]){{pair[1], 9}}, .fds_len = 1);
    int pid = bide_process_pid(p);
    close(pair[1]);
    EXPECT_TRUE(read_number(bide_process_stdout(p)) > 0);

    bide_release(p);
    EXPECT_FALSE(is_there(pid));
    EXPECT_TRUE(has_no_child());
    expect_closed(pair[0]);
}

TEST(process_released_while_it_ignores_term_is_killed_after_the_grace, .real_time = true)
{
    bide_process *p = bide_process_spawn(SH("trap '' TERM PIPE; echo; while :; do sleep 100; done"), .stdout_to = BIDE_PIPE,
                                         .stdin_from = BIDE_NULL, .grace_ms = 20);
    int pid = bide_process_pid(p);
    char byte;
    EXPECT_EQ(bide_read(bide_process_stdout(p), &byte, 1), 1);

    bide_release(p);
    EXPECT_FALSE(is_there(pid));
}

static int wait_and_count(bide_process *p, int *woken)
{
    int code = bide_process_wait(p);
    (*woken)++;
    return code;
}

static int read_all(bide_stream *s)
{
    char byte;
    return (int)bide_read(s, &byte, 1);
}

TEST(process_released_under_tasks_that_use_it_wakes_them, .real_time = true)
{
    bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"), .stdout_to = BIDE_PIPE);
    int woken = 0;
    bide_auto bide_task *a = bide_create_task(bide_coro(wait_and_count, p, &woken));
    bide_auto bide_task *b = bide_create_task(bide_coro(read_all, bide_process_stdout(p)));
    BIDE_IGNORE(bide_sleep_ms(0));

    bide_release(p);
    EXPECT_ERR(bide_await(a), BIDE_ECLOSED);
    EXPECT_ERR(bide_await(b), BIDE_ECLOSED);
    EXPECT_EQ(woken, 1);
    EXPECT_TRUE(has_no_child());
}

static int sleep_in_process(int *pid)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"));
    *pid = bide_process_pid(p);
    return bide_process_wait(p);
}

TEST(process_of_a_cancelled_task_is_ended_before_the_task, .real_time = true)
{
    int pid = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_in_process, &pid));
    while (pid == 0)
        BIDE_IGNORE(bide_sleep_ms(0));

    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_FALSE(is_there(pid));
}

static void release_it(void *p)
{
    bide_release(p);
}

TEST(process_released_in_a_callback_is_ended_by_the_loop, .real_time = true)
{
    bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"));
    int pid = bide_process_pid(p);

    EXPECT_TRUE(bide_loop_call_soon(bide_get_event_loop(), release_it, p));
    while (is_there(pid))
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(has_no_child());
}

static bide_process *kept;
static int kept_pid;

static int keep_one(void)
{
    kept = bide_process_spawn(BIDE_ARGS("sleep", "100"), .stdout_to = BIDE_PIPE);
    kept_pid = bide_process_pid(kept);
    return 0;
}

/* P4 */
UNIT(process_that_runs_when_its_loop_is_closed_is_killed)
{
    EXPECT_EQ(bide_run(bide_coro(keep_one)), 0);
    EXPECT_FALSE(is_there(kept_pid));
    EXPECT_TRUE(has_no_child());
    EXPECT_EQ(bide_process_exit_signal(kept), SIGKILL);
    EXPECT_ERR(bide_process_wait(kept), BIDE_ENOLOOP);
    bide_release(kept);
}

static int release_kept(void)
{
    bide_release(kept);
    return 0;
}

/* Its own loop stands still meanwhile, so the task cannot wait for it. */
UNIT(process_released_in_a_task_of_another_loop_is_ended_by_its_own)
{
    bide_loop *own = bide_loop_new();
    EXPECT_EQ(bide_run_until_complete(own, bide_coro(keep_one)), 0);
    EXPECT_EQ(bide_run(bide_coro(release_kept)), 0);
    bide_release(own);
    EXPECT_FALSE(is_there(kept_pid));
}

static int leave_one(void)
{
    bide_process *p = bide_process_spawn(SH("trap '' TERM; echo; while :; do sleep 1; done"), .stdout_to = BIDE_PIPE);
    kept_pid = bide_process_pid(p);
    EXPECT_TRUE(bide_loop_call_soon(bide_get_event_loop(), release_it, p));
    return bide_sleep_ms(0);
}

UNIT(process_left_to_the_loop_is_gone_when_that_is_closed)
{
    EXPECT_EQ(bide_run(bide_coro(leave_one)), 0);
    EXPECT_FALSE(is_there(kept_pid));
}

/* P5 */
TEST(process_of_the_parent_is_nothing_to_a_forked_child, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sleep", "100"));
    int status;
    pid_t child = fork();
    if (child == 0) {
        bool is_refused = bide_process_send_signal(p, SIGKILL) == BIDE_ESTATE;
        bide_release(p);
        _exit(is_refused ? 0 : 1);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(is_there(bide_process_pid(p)));
}

static int of_handler;

static void count_child(int signal)
{
    (void)signal;
    of_handler++;
}

TEST(process_needs_no_sigchld_and_leaves_the_program_s_handler, .real_time = true)
{
    struct sigaction now, ours = {.sa_handler = count_child, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &ours, NULL);

    bide_auto bide_process *p = bide_process_spawn(SH("exit 5"));
    EXPECT_EQ(bide_process_wait(p), 5);
    EXPECT_EQ(of_handler, 1);
    sigaction(SIGCHLD, NULL, &now);
    EXPECT_TRUE(now.sa_handler == count_child);
}

/* The kernel reaps it: from Linux 6.15 on the pidfd says how it ended, before that it is lost. */
TEST(process_under_ignored_sigchld_ends_and_says_what_is_known, .real_time = true)
{
    signal(SIGCHLD, SIG_IGN);
    bide_auto bide_process *p = bide_process_spawn(SH("exit 5"));
    int status = bide_process_wait(p);

    if (status == 5) {
        EXPECT_EQ(bide_process_exit_code(p), 5);
        return;
    }
    EXPECT_ERR(status, -ECHILD);
    EXPECT_CONTAINS(bide_error_text(), "SIGCHLD is ignored");
    EXPECT_EQ(bide_process_exit_code(p), -1);
}

TEST(process_reaped_by_the_program_itself_still_ends, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("exit 6"));
    int status;
    EXPECT_EQ(waitpid(bide_process_pid(p), &status, 0), bide_process_pid(p));

    int code = bide_process_wait(p);
    EXPECT_TRUE(code == 6 || code == -ECHILD);
    EXPECT_ERR(bide_process_send_signal(p, SIGTERM), -ESRCH);
}

#define MANY 1000

TEST(process_a_thousand_at_once, .real_time = true, .seconds = 60)
{
    static bide_process *all[MANY];
    struct rlimit limit;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 3 * MANY)
        SKIP("not as many descriptors");

    for (int i = 0; i < MANY; i++) {
        all[i] = bide_process_spawn(SH("read line; exit ${#line}"), .stdin_from = BIDE_PIPE);
        EXPECT_NOT_NULL(all[i]);
    }
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(bide_write(bide_process_stdin(all[i]), "12345678\n", 9), 0);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(bide_stream_shutdown(bide_process_stdin(all[i])), 0);
    for (int i = 0; i < MANY; i++) {
        EXPECT_EQ(bide_process_wait(all[i]), 8);
        bide_release(all[i]);
    }
    EXPECT_TRUE(has_no_child());
}
