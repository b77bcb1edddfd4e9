/* SPDX-License-Identifier: MIT */
/* A process with a pseudo-terminal. */
#include "process.h"

#define SH(text) NULL, .shell = (text), .terminal = true

static void expect_line(bide_process *p, const char *expected)
{
    const char *line;
    EXPECT_TRUE(bide_read_until(bide_process_terminal(p), "\n", &line) > 0);
    EXPECT_STR(line, expected);
}

TEST(terminal_is_one_for_all_three_and_controls_the_process, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(SH("test -t 0 && test -t 1 && test -t 2 && : </dev/tty && echo yes"));
    EXPECT_NOT_NULL(p);
    EXPECT_STR(bide_process_output(p).data, "yes\r\n");
    EXPECT_EQ(bide_process_exit_code(p), 0);
}

TEST(terminal_leaves_what_is_redirected, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(SH("test -t 0 && ! test -t 1 && echo out && echo err >&2"), .stdout_to = BIDE_PIPE);
    EXPECT_STR(bide_process_output(p).data, "out\n");
}

TEST(terminal_has_a_size_which_may_change, .real_time = true)
{
    char byte;
    bide_auto bide_process *p = bide_process_spawn(SH("stty -echo; stty size; trap 'stty size; exit 3' WINCH; echo ready; while :; do read x; done"),
                                                   .rows = 50, .columns = 132);
    expect_line(p, "50 132\r\n");
    expect_line(p, "ready\r\n");
    EXPECT_EQ(bide_process_resize(p, 10, 20), 0);
    expect_line(p, "10 20\r\n");
    EXPECT_EQ(bide_process_wait(p), 3);
    EXPECT_EQ(bide_read(bide_process_terminal(p), &byte, 1), 0); /* EIO of the kernel */
    EXPECT_ERR(bide_process_resize(p, 0, 80), -EINVAL);

    bide_auto bide_process *q = bide_process_run(SH("stty size"));
    EXPECT_STR(bide_process_output(q).data, "24 80\r\n");
    bide_auto bide_process *none = bide_process_run(BIDE_ARGS("true"));
    EXPECT_ERR(bide_process_resize(none, 1, 1), BIDE_ESTATE);
    EXPECT_NULL(bide_process_terminal(none));
}

TEST(terminal_takes_input_control_c_and_the_end, .real_time = true)
{
    bide_auto bide_process *p = bide_process_spawn(SH("stty -echo; echo ready; read line; echo got $line; exec cat"));
    expect_line(p, "ready\r\n");
    EXPECT_EQ(bide_write(bide_process_terminal(p), "hello\n", 6), 0);
    EXPECT_EQ(bide_drain(bide_process_terminal(p)), 0);
    expect_line(p, "got hello\r\n");
    EXPECT_EQ(bide_write(bide_process_terminal(p), "\4", 1), 0);
    EXPECT_EQ(bide_drain(bide_process_terminal(p)), 0);
    EXPECT_EQ(bide_process_wait(p), 0);

    bide_auto bide_process *q = bide_process_spawn(SH("echo ready; exec sleep 100"));
    expect_line(q, "ready\r\n");
    EXPECT_EQ(bide_write(bide_process_terminal(q), "\3", 1), 0);
    EXPECT_EQ(bide_drain(bide_process_terminal(q)), 0);
    EXPECT_EQ(bide_process_wait(q), 256 + SIGINT);
}

TEST(terminal_of_a_released_process_is_closed_and_all_is_ended, .real_time = true)
{
    bide_process *p = bide_process_spawn(SH("echo ready; sleep 100 & wait"));
    int pid = bide_process_pid(p), before = open_fds();
    expect_line(p, "ready\r\n");

    bide_release(p);
    EXPECT_FALSE(is_there(pid));
    EXPECT_LT(open_fds(), before);
    EXPECT_TRUE(has_no_child());
}
