/* SPDX-License-Identifier: MIT */
/* Pipes to and from a process, and communicate. */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "process.h"

#define SH(text) NULL, .shell = (text)
#define LARGE (3 << 20)

TEST(pipes_are_streams_both_ways, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sed", "-u", "s/a/b/"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE);
    const char *line;

    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_write(bide_process_stdin(p), "a line\n", 7), 0);
        EXPECT_EQ(bide_drain(bide_process_stdin(p)), 0);
        EXPECT_EQ(bide_read_until(bide_process_stdout(p), "\n", &line), 7);
        EXPECT_STR(line, "b line\n");
    }
    EXPECT_NULL(bide_process_stderr(p));
    EXPECT_EQ(bide_stream_shutdown(bide_process_stdin(p)), 0);
    EXPECT_EQ(bide_read_until(bide_process_stdout(p), "\n", &line), BIDE_EEOF);
    EXPECT_EQ(bide_process_wait(p), 0);
    EXPECT_ERR(bide_write(bide_process_stdin(p), "a", 1), BIDE_ESTATE);
}

/* 222 */
TEST(pipes_writing_to_a_process_that_has_ended_is_a_broken_pipe, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("true"), .stdin_from = BIDE_PIPE);
    EXPECT_EQ(bide_process_wait(p), 0);

    EXPECT_EQ(bide_write(bide_process_stdin(p), "a", 1), 0);
    EXPECT_ERR(bide_drain(bide_process_stdin(p)), -EPIPE);
}

/* 226: nobody reads, so the process stands still when the pipe is full, and nothing is collected here. */
TEST(pipes_a_fast_process_is_held_back_by_a_slow_reader, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("exec 9>&2; head -c 1000000 /dev/zero; echo done >&2"), .stdout_to = BIDE_PIPE,
                                                   .stderr_to = BIDE_PIPE);
    char byte;
    size_t sum = 0;
    ssize_t n;
    bide_timeout(100)
        EXPECT_ERR(bide_read(bide_process_stderr(p), &byte, 1), BIDE_ETIMEDOUT);

    char buffer[4096];
    while ((n = bide_read(bide_process_stdout(p), buffer, sizeof buffer)) > 0)
        sum += (size_t)n;
    EXPECT_EQ(n, 0);
    EXPECT_EQ(sum, 1000000);
    EXPECT_EQ(bide_read(bide_process_stderr(p), &byte, 1), 1);
}

/* 227: a sibling does not hold the pipe open. */
TEST(pipes_end_although_another_process_was_started_meanwhile, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE);
    bide_auto bide_process *sibling = bide_process_spawn(BIDE_ARGS("sleep", "100"));
    EXPECT_NOT_NULL(sibling);
    char byte;

    EXPECT_EQ(bide_stream_shutdown(bide_process_stdin(p)), 0);
    EXPECT_EQ(bide_read(bide_process_stdout(p), &byte, 1), 0);
    EXPECT_EQ(bide_process_wait(p), 0);
}

TEST(communicate_writes_and_reads_more_than_pipes_hold, .real_time = true)
{
    char *input = malloc(LARGE);
    bide_bytes out, err;
    EXPECT_NOT_NULL(input);
    memset(input, 'x', LARGE);

    bide_auto bide_process *p = bide_process_spawn(SH("tee /dev/stderr"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE,
                                                   .stderr_to = BIDE_PIPE);
    EXPECT_EQ(bide_process_communicate(p, (bide_bytes){input, LARGE}, &out, &err), 0);
    EXPECT_EQ(out.len, LARGE);
    EXPECT_EQ(err.len, LARGE);
    EXPECT_MEM(out.data, input, LARGE);
    EXPECT_EQ(out.data[out.len], '\0');
    free(input);
}

/* 231 */
TEST(communicate_without_input_closes_stdin, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE);
    bide_bytes out;

    EXPECT_EQ(bide_process_communicate(p, (bide_bytes){NULL, 0}, &out, NULL), 0);
    EXPECT_STR(out.data, "");
    EXPECT_EQ(bide_process_communicate(p, (bide_bytes){NULL, 0}, &out, NULL), 0); /* again: it has ended */
}

TEST(communicate_drops_input_that_is_not_read, .real_time = true)
{
    static char input[1 << 20];
    bide_auto bide_process *p = bide_process_spawn(SH("exec <&-; echo early; exit 4"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE);
    bide_bytes out;

    bide_error_clear();
    EXPECT_EQ(bide_process_communicate(p, (bide_bytes){input, sizeof input}, &out, NULL), 4);
    EXPECT_STR(out.data, "early\n");
    EXPECT_EQ(bide_error_code(), 0);
}

TEST(communicate_has_a_ceiling, .real_time = true)
{
    EXPECT_NULL(bide_process_run(BIDE_ARGS("head", "-c", "5000000", "/dev/zero"), .max_output = 100000));
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
    EXPECT_CONTAINS(bide_error_text(), "head wrote more than 100000 bytes");
    EXPECT_TRUE(has_no_child());

    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("head", "-c", "100000", "/dev/zero"), .max_output = 100000);
    EXPECT_EQ(bide_process_output(p).len, 100000);
}

static int communicate(bide_process *p)
{
    bide_bytes out, err;
    return bide_process_communicate(p, (bide_bytes){"text", 4}, &out, &err);
}

TEST(communicate_cancelled_leaves_the_process_running, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("read line; sleep 100"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE,
                                                   .stderr_to = BIDE_PIPE);
    bide_auto bide_task *t = bide_create_task(bide_coro(communicate, p));
    BIDE_IGNORE(bide_sleep_ms(5));

    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(is_there(bide_process_pid(p)));
}

TEST(communicate_needs_a_pipe_for_its_input, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("true"), .stdin_from = BIDE_NULL);
    EXPECT_ERR(communicate(p), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "is no pipe");
    EXPECT_ERR(communicate(NULL), -EINVAL);
}

TEST(run_gives_input_and_has_output_and_errors, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(SH("tr a-z A-Z; echo oops >&2; exit 2"), .input = {"shout", 5}, .stderr_to = BIDE_PIPE);

    EXPECT_EQ(bide_process_exit_code(p), 2);
    EXPECT_STR(bide_process_output(p).data, "SHOUT");
    EXPECT_STR(bide_process_error_output(p).data, "oops\n");
    EXPECT_EQ(bide_process_error_output(p).len, 5);
}

/* The shell is ended alone, and what it has started keeps the pipe, for longer than this test may take. */
TEST(run_out_of_time_does_not_wait_for_those_who_keep_the_pipe, .real_time = true)
{
    EXPECT_NULL(bide_process_run(SH("sleep 90 & wait"), .timeout_ms = 100, .group = BIDE_PROCESS_GROUP_SHARED, .stderr_to = BIDE_PIPE));
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
}

TEST(run_out_of_time_ends_the_process, .real_time = true)
{
    EXPECT_NULL(bide_process_run(SH("echo; sleep 100"), .timeout_ms = 20));
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    bide_timeout(20)
        EXPECT_NULL(bide_process_run(SH("echo; sleep 100")));
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_TRUE(has_no_child());
}
