/* SPDX-License-Identifier: MIT */
/* test_from_fd.c - streams over any descriptor: pipes, terminals, files, sockets; standard input and output. */
#include "harness/points.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <bide/bide.h>

#include "io/stream/stream.h"

static void make_pipe(int ends[2])
{
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
}

static int write_twice(bide_stream *s)
{
    BIDE_TRY(bide_write(s, "one\n", 4));
    BIDE_TRY(bide_drain(s));
    BIDE_TRY(bide_sleep_ms(2));
    BIDE_TRY(bide_write(s, "two\n", 4));
    return bide_stream_shutdown(s);
}

TEST(from_fd_pipe_is_read_by_line_until_its_writer_ends, .real_time = true)
{
    int ends[2];
    const char *line;
    make_pipe(ends);
    bide_auto bide_stream *in = bide_stream_from_fd(ends[0]), *out = bide_stream_from_fd(ends[1]);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_twice, out));

    EXPECT_EQ(bide_read_until(in, "\n", &line), 4);
    EXPECT_STR(line, "one\n");
    EXPECT_EQ(bide_read_until(in, "\n", &line), 4);
    EXPECT_STR(line, "two\n");
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_ERR(bide_read_until(in, "\n", &line), BIDE_EEOF);
    EXPECT_ERR(bide_drain(out), 0);
    EXPECT_ERR(write_twice(out), BIDE_ESTATE); /* shutdown has closed it */
    EXPECT_CONTAINS(bide_stream_peer(in), "descriptor ");
}

static int write_much(bide_stream *s)
{
    static char data[300000];

    BIDE_TRY(bide_write(s, data, sizeof data));
    return bide_stream_shutdown(s);
}

TEST(from_fd_pipe_that_is_full_makes_the_writer_wait, .real_time = true)
{
    for (int shared = 0; shared < 2; shared++) {
        int ends[2];
        char data[4096];
        ssize_t n;
        size_t sum = 0;
        make_pipe(ends);
        bide_auto bide_stream *in = bide_stream_from_fd(ends[0], .shared = shared);
        bide_auto bide_stream *out = bide_stream_from_fd(ends[1], .shared = shared);
        bide_auto bide_task *t = bide_create_task(bide_coro(write_much, out));

        EXPECT_EQ(bide_sleep_ms(1), 0);
        EXPECT_FALSE(bide_task_done(t));
        while ((n = bide_read(in, data, sizeof data)) > 0)
            sum += (size_t)n;
        EXPECT_EQ(n, 0);
        EXPECT_EQ(sum, 300000);
        EXPECT_EQ(bide_await(t), 0);
    }
}

TEST(from_fd_shared_does_not_change_the_flags_of_others, .real_time = true)
{
    int ends[2];
    char c;
    make_pipe(ends);
    int others = dup(ends[0]);
    {
        bide_auto bide_stream *in = bide_stream_from_fd(ends[0], .shared = true);
        EXPECT_NOT_NULL(in);
        EXPECT_EQ(fcntl(others, F_GETFL) & O_NONBLOCK, 0);
        EXPECT_EQ(write(ends[1], "x", 1), 1);
        EXPECT_EQ(bide_read(in, &c, 1), 1);
    }
    EXPECT_EQ(fcntl(others, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(ends[0], F_GETFD), -1); /* taken, and closed */
    close(others);
    close(ends[1]);
}

TEST(from_fd_shared_socket_is_not_made_nonblocking, .real_time = true)
{
    int pair[2];
    char data[8];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    bide_auto bide_stream *s = bide_stream_from_fd(pair[0], .shared = true);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_twice, s));

    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(read(pair[1], data, 8), 8);
    EXPECT_EQ(read(pair[1], data, 8), 0); /* shutdown is that of a socket */
    EXPECT_EQ(write(pair[1], "back", 4), 4);
    EXPECT_EQ(bide_read(s, data, 8), 4);
    close(pair[1]);
}

TEST(from_fd_regular_file_is_read_and_written_at_once, .real_time = true)
{
    char path[256], data[8] = "";
    snprintf(path, sizeof path, "%s/file", test_tmpdir());
    {
        bide_auto bide_stream *out = bide_stream_from_fd(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), .shared = true);
        EXPECT_EQ(bide_write(out, "text", 4), 0);
    }
    bide_auto bide_stream *in = bide_stream_from_fd(open(path, O_RDONLY | O_CLOEXEC), .shared = true);
    EXPECT_EQ(bide_read(in, data, sizeof data), 4);
    EXPECT_MEM(data, "text", 4);
    EXPECT_EQ(bide_read(in, data, sizeof data), 0);
}

static int open_terminal(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios t;
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        SKIP("there are no terminals here");

    *slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_LE(0, *slave);
    EXPECT_EQ(tcgetattr(*slave, &t), 0);
    t.c_lflag &= ~(tcflag_t)ECHO;
    EXPECT_EQ(tcsetattr(*slave, TCSANOW, &t), 0);
    return master;
}

TEST(from_fd_terminal_gives_all_lines_and_stays_as_it_was, .real_time = true)
{
    int slave, master = open_terminal(&slave);
    const char *line;
    bide_auto bide_stream *far = bide_stream_from_fd(master), *s = bide_stream_from_fd(slave, .shared = true, .keep_open = true);
    EXPECT_TRUE(far && s);

    EXPECT_EQ(bide_write(far, "a\nb\nc\n", 6), 0); /* three lines, one at a time */
    EXPECT_EQ(bide_drain(far), 0);
    for (const char *each = "abc"; *each; each++) {
        EXPECT_EQ(bide_read_until(s, "\n", &line), 2);
        EXPECT_EQ(line[0], *each);
    }
    EXPECT_EQ(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(bide_write(s, "answer\n", 7), 0);
    EXPECT_EQ(bide_drain(s), 0);
    EXPECT_EQ(bide_read_until(far, "\n", &line), 8); /* CR LF */
    EXPECT_ERR(bide_stream_shutdown(s), -EOPNOTSUPP);
    bide_release(bide_take(s));
    close(slave);
    EXPECT_EQ(bide_read_until(far, "\n", &line), BIDE_EEOF); /* the last of the other side has gone */
}

TEST(from_fd_writing_to_a_pipe_without_reader_is_an_error_and_no_signal, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    close(ends[0]);
    bide_auto bide_stream *out = bide_stream_from_fd(ends[1]);

    EXPECT_EQ(bide_write(out, "x", 1), 0);
    EXPECT_ERR(bide_drain(out), -EPIPE);
}

static int read_one(bide_stream *s)
{
    char c;

    return (int)bide_read(s, &c, 1);
}

TEST(from_fd_released_or_cancelled_while_a_task_reads, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    bide_auto bide_stream *s = bide_stream_from_fd(ends[0]);
    bide_auto bide_task *cancelled = bide_create_task(bide_coro(read_one, s));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(cancelled);
    EXPECT_ERR(bide_await(cancelled), BIDE_ECANCELED);

    bide_auto bide_task *t = bide_create_task(bide_coro(read_one, s));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_release(bide_take(s));
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    close(ends[1]);
}

TEST(from_fd_bad_arguments_are_errors, .real_time = true)
{
    EXPECT_NULL(bide_stream_from_fd(-1));
    EXPECT_EQ(bide_error_code(), -EBADF);
    EXPECT_NULL(bide_stream_from_fd(900));
    EXPECT_EQ(bide_error_code(), -EBADF);
}

TEST(from_fd_of_one_that_has_a_stream_is_refused_with_a_sentence, .real_time = true)
{
    int ends[2], pair[2];
    char text[128];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    int fds[] = {ends[0], pair[0]};
    for (int i = 0; i < 2; i++) {
        bide_auto bide_stream *s = bide_stream_from_fd(fds[i]);
        EXPECT_NOT_NULL(s);
        EXPECT_NULL(bide_stream_from_fd(fds[i]));
        EXPECT_EQ(bide_error_code(), BIDE_ESTATE);
        snprintf(text, sizeof text, "bide_stream_from_fd: descriptor %d: another stream, or the like, of this loop watches it already", fds[i]);
        EXPECT_STR(bide_error_text(), text);
    }
    close(ends[1]);
    close(pair[1]);
}

TEST(from_fd_of_a_unix_socket_without_a_name_says_so, .real_time = true)
{
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    bide_auto bide_stream *s = bide_stream_from_fd(pair[0]);
    close(pair[1]);
    EXPECT_ERR(bide_write(s, "x", 1) < 0 ? bide_error_code() : bide_drain(s), -EPIPE);
    EXPECT_CONTAINS(bide_error_text(), "writing to a Unix socket: ");
}

/* ---- standard input and output ---- */

static int copy_lines(void)
{
    bide_auto bide_stream *in = bide_stdin(), *again = bide_stdin(), *out = bide_stdout();
    const char *line;
    ssize_t n;
    if (!in || !out || in != again)
        return bide_raise();

    while ((n = bide_read_until(in, "\n", &line)) > 0)
        BIDE_TRY(bide_write(out, line, (size_t)n));
    return n == BIDE_EEOF ? 0 : (int)n; /* nothing is drained: the end of the loop does that */
}

/* The child has the pipes as its standard input and output. */
static void child_with_pipes(const int in[2], const int out[2])
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    int code = bide_run(bide_coro(copy_lines));
    _exit(code == 0 && !(fcntl(0, F_GETFL) & O_NONBLOCK) && !(fcntl(1, F_GETFL) & O_NONBLOCK) ? 7 : 1);
}

UNIT(stdin_and_stdout_are_streams_that_leave_the_flags_alone)
{
    int in[2], out[2], status;
    char data[64] = "";
    make_pipe(in);
    make_pipe(out);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child_with_pipes(in, out);
    close(in[0]);
    close(out[1]);
    EXPECT_EQ(write(in[1], "first\nsecond\n", 13), 13);
    close(in[1]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    EXPECT_EQ(read(out[0], data, sizeof data), 13);
    EXPECT_STR(data, "first\nsecond\n");
    close(out[0]);
}

static int makes_streams(void)
{
    int ends[2];
    make_pipe(ends);
    bide_auto bide_stream *in = bide_stream_from_fd(ends[0]);
    bide_auto bide_stream *out = in ? bide_stream_from_fd(ends[1]) : NULL;
    if (!in)
        close(ends[0]);
    if (!out) {
        close(ends[1]);
        return bide_raise();
    }
    bide_auto bide_stream *standard = BIDE_TRY_PTR(bide_stdin());
    BIDE_TRY(bide_write(out, "x", 1));
    BIDE_TRY(bide_drain(out));
    return read_one(in) == 1 ? 0 : bide_error_code();
}

UNIT(from_fd_each_allocation_failing_in_turn_is_an_error)
{
    fail_each_allocation(bide_coro(makes_streams));
}
