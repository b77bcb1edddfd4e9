/* SPDX-License-Identifier: MIT */
/* test_registered.c - descriptors that a library has waited for stay in the loop's epoll set, without any visible effect. */
#include <bide/descriptor.h>
#include <bide/stream.h>
#include <sys/stat.h>

#include "unblock.h"

static int receive(int fd, int *got)
{
    char c = 0;

    *got = recv(fd, &c, 1, 0) == 1 ? c : -1;
    return 0;
}

static void receive_after_a_wait(int reader, int writer, char c)
{
    int got = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(receive, reader, &got));

    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(got, 0);
    EXPECT_EQ(send(writer, &c, 1, 0), 1);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(got, c);
}

TEST(registered_descriptor_waits_again_and_again, .real_time = true)
{
    int fd[2];
    pair_of(SOCK_STREAM, fd);
    for (char c = 'a'; c < 'f'; c++)
        receive_after_a_wait(fd[0], fd[1], c);
    close_both(fd);
}

TEST(registered_descriptor_may_become_a_stream, .real_time = true)
{
    int fd[2];
    const char *line;
    pair_of(SOCK_STREAM, fd);
    receive_after_a_wait(fd[0], fd[1], 'x');
    bide_auto bide_stream *s = bide_stream_from_fd(fd[0]);
    EXPECT_NOT_NULL(s);

    EXPECT_EQ(send(fd[1], "ab\n", 3, 0), 3);
    EXPECT_EQ(bide_read_until(s, "\n", &line), 3);
    close(fd[1]);
}

TEST(registered_number_of_a_closed_descriptor_is_used_again, .real_time = true)
{
    int first[2], second[2];
    pair_of(SOCK_STREAM, first);
    receive_after_a_wait(first[0], first[1], 'x');
    int number = first[0];

    close_both(first);
    pair_of(SOCK_STREAM, second);
    EXPECT_EQ(second[0], number);
    receive_after_a_wait(second[0], second[1], 'y');
    close_both(second);
}

/* The epoll set keeps an entry for the open file description, which is still open under another number. */
TEST(registered_file_that_lives_on_wakes_nobody, .real_time = true)
{
    int first[2], second[2], got = 0;
    pair_of(SOCK_STREAM, first);
    receive_after_a_wait(first[0], first[1], 'x');
    int number = first[0], other = dup(first[0]);
    close(first[0]);
    pair_of(SOCK_STREAM, second);
    EXPECT_EQ(second[0], number);

    bide_auto bide_task *t = bide_create_task(bide_coro(receive, second[0], &got));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(send(first[1], "z", 1, 0), 1);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(got, 0);
    EXPECT_EQ(send(second[1], "y", 1, 0), 1);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(got, 'y');
    close(other);
    close(first[1]);
    close_both(second);
}

/* One of two was ready: the other is still armed, and reports one more event. */
TEST(registered_descriptor_that_was_not_the_first_is_as_before, .real_time = true)
{
    int a[2], b[2];
    char c;
    pair_of(SOCK_STREAM, a);
    pair_of(SOCK_STREAM, b);
    for (int i = 0; i < 3; i++) {
        struct pollfd fds[] = {{.fd = a[0], .events = POLLIN}, {.fd = b[0], .events = POLLIN}};
        EXPECT_EQ(poll(fds, 2, 5), 0);
        EXPECT_EQ(send(a[1], "x", 1, 0), 1);
        EXPECT_EQ(poll(fds, 2, -1), 1);
        EXPECT_EQ(fds[0].revents, POLLIN);
        EXPECT_EQ(fds[1].revents, 0);
        EXPECT_EQ(send(b[1], "y", 1, 0), 1);
        EXPECT_EQ(bide_sleep_ms(2), 0);
        EXPECT_EQ(poll(fds, 2, -1), 2);
        EXPECT_EQ(recv(a[0], &c, 1, 0), 1);
        EXPECT_EQ(recv(b[0], &c, 1, 0), 1);
    }
    close_both(a);
    close_both(b);
}

TEST(poll_of_what_cannot_be_watched_returns_at_once)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), gone = fcntl(fd, F_DUPFD_CLOEXEC, 500);
    close(gone);
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = gone, .events = POLLIN}};

    EXPECT_EQ(poll(fds, 1, -1), 1);
    EXPECT_EQ(fds[0].revents, POLLIN);
    EXPECT_EQ(poll(fds + 1, 1, -1), 1);
    EXPECT_EQ(fds[1].revents, POLLNVAL);
    close(fd);
}

static int wait_in_vain(void)
{
    int fd[2];
    pair_of(SOCK_STREAM, fd);
    receive_after_a_wait(fd[0], fd[1], 'x');
    bide_auto bide_future *never = bide_future_new();
    int code = bide_await(never);

    close_both(fd);
    return code;
}

/* A registration of an earlier wait does not count: nothing can wake this task. */
UNIT(registered_descriptor_hides_no_deadlock)
{
    struct stat st;
    if (stat("/proc/self/task", &st) < 0 || st.st_nlink != 3)
        SKIP("somebody else is in this process"); /* ThreadSanitizer's thread */
    EXPECT_ERR(bide_run(bide_coro(wait_in_vain)), BIDE_EDEADLOCK);
}
