/* SPDX-License-Identifier: MIT */
/* test_descriptor.c - any descriptor: waiting for one, functions that are called for one, closed ones, numbers used again. */
#include "harness/points.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bide/bide.h>

#include "io/poll/poll.h"

static void make_pipe(int ends[2])
{
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
}

static void close_pipe(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static int wait_for(int fd, unsigned events)
{
    return bide_fd_wait(fd, events);
}

static int take_byte(int fd)
{
    char c;
    int code = bide_fd_wait(fd, BIDE_READABLE);

    return code < 0 ? code : (int)read(fd, &c, 1);
}

/* Registrations of the loop's epoll set, beside its own bell. */
static int registrations(void)
{
    char path[64], line[256];
    int found = 0;

    for (int i = 0; i < 64; i++) {
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", i);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
            found += strncmp(line, "tfd:", 4) == 0;
        if (f)
            fclose(f);
    }
    return found - 1;
}

TEST(fd_wait_returns_what_the_descriptor_is_ready_for, .real_time = true)
{
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);

    EXPECT_EQ(bide_fd_wait(pair[0], BIDE_WRITABLE), BIDE_WRITABLE);
    EXPECT_EQ(bide_fd_wait(pair[0], BIDE_READABLE | BIDE_WRITABLE), BIDE_WRITABLE);
    EXPECT_EQ(write(pair[1], "x", 1), 1);
    EXPECT_EQ(bide_fd_wait(pair[0], BIDE_READABLE | BIDE_WRITABLE), BIDE_READABLE | BIDE_WRITABLE);
    EXPECT_EQ(registrations(), 0); /* it never had to wait */
    close_pipe(pair);
}

TEST(fd_wait_suspends_until_a_byte_comes_and_leaves_nothing_behind, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    for (int i = 0; i < 3; i++) {
        bide_auto bide_task *t = bide_create_task(bide_coro(take_byte, ends[0]));
        EXPECT_EQ(bide_sleep_ms(1), 0);
        EXPECT_FALSE(bide_task_done(t));
        EXPECT_EQ(registrations(), 1);
        EXPECT_EQ(write(ends[1], "x", 1), 1);
        EXPECT_EQ(bide_await(t), 1);
        EXPECT_EQ(registrations(), 0);
    }
    EXPECT_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0); /* no flag was changed */
    close_pipe(ends);
}

TEST(fd_wait_several_tasks_each_get_what_they_wait_for, .real_time = true)
{
    int pair[2];
    static char data[65536];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    while (write(pair[0], data, sizeof data) > 0)
        ;

    bide_auto bide_task *first = bide_create_task(bide_coro(wait_for, pair[0], BIDE_READABLE));
    bide_auto bide_task *second = bide_create_task(bide_coro(wait_for, pair[0], BIDE_READABLE));
    bide_auto bide_task *writer = bide_create_task(bide_coro(wait_for, pair[0], BIDE_WRITABLE));
    bide_auto bide_task *either = bide_create_task(bide_coro(wait_for, pair[0], BIDE_READABLE | BIDE_WRITABLE));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(registrations(), 1);
    EXPECT_EQ(write(pair[1], "x", 1), 1);
    EXPECT_EQ(bide_await(first), BIDE_READABLE);
    EXPECT_EQ(bide_await(second), BIDE_READABLE);
    EXPECT_EQ(bide_await(either), BIDE_READABLE);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_FALSE(bide_task_done(writer));
    while (read(pair[1], data, sizeof data) > 0)
        ;
    EXPECT_EQ(bide_await(writer), BIDE_WRITABLE);
    EXPECT_EQ(registrations(), 0);
    close_pipe(pair);
}

TEST(fd_wait_error_and_hangup_count_as_all_that_was_asked_for, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for, ends[0], BIDE_READABLE | BIDE_PRIORITY));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    close(ends[1]);
    EXPECT_EQ(bide_await(t), BIDE_READABLE | BIDE_PRIORITY);
    close(ends[0]);

    make_pipe(ends);
    close(ends[0]);
    EXPECT_EQ(bide_fd_wait(ends[1], BIDE_WRITABLE), BIDE_WRITABLE); /* writing says EPIPE */
    close(ends[1]);
}

TEST(fd_wait_urgent_data_is_priority, .real_time = true)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(listener, (struct sockaddr *)&a, len) | listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, (struct sockaddr *)&a, &len) | connect(fd, (struct sockaddr *)&a, len), 0);
    int peer = accept(listener, NULL, NULL);
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for, fd, BIDE_PRIORITY));

    EXPECT_EQ(send(peer, "a", 1, 0), 1);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(send(peer, "!", 1, MSG_OOB), 1);
    EXPECT_EQ(bide_await(t), BIDE_PRIORITY);
    close(peer);
    close(fd);
    close(listener);
}

TEST(fd_wait_regular_file_is_ready_at_once, .real_time = true)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    EXPECT_EQ(bide_fd_wait(fd, BIDE_READABLE), BIDE_READABLE);
    EXPECT_ERR(bide_fd_wait(fd, BIDE_PRIORITY), -EPERM);
    close(fd);
}

TEST(fd_wait_bad_arguments_are_errors_with_a_sentence, .real_time = true)
{
    int ends[2];
    make_pipe(ends);

    EXPECT_ERR(bide_fd_wait(-1, BIDE_READABLE), -EBADF);
    EXPECT_ERR(bide_fd_wait(900, BIDE_READABLE), -EBADF);
    EXPECT_CONTAINS(bide_error_text(), "900");
    EXPECT_ERR(bide_fd_wait(ends[0], 0), -EINVAL);
    EXPECT_ERR(bide_fd_wait(ends[0], 64), -EINVAL);
    EXPECT_EQ(bide_fd_forget(ends[0]), 0); /* nobody waits */
    close_pipe(ends);
}

TEST(fd_wait_descriptor_of_a_stream_is_refused, .real_time = true)
{
    struct fd f;
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_EQ(bide__fd_open(&f, ends[0]), 0);

    EXPECT_ERR(bide_fd_wait(ends[0], BIDE_READABLE), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "watches it already");
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(bide__fd_wait_readable(&f), 0); /* which does not mind */
    bide__fd_close(&f);
    close(ends[1]);
}

TEST(fd_wait_cancelled_or_timed_out_leaves_the_set_and_the_others, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    bide_auto bide_task *stays = bide_create_task(bide_coro(take_byte, ends[0]));
    bide_auto bide_task *goes = bide_create_task(bide_coro(take_byte, ends[0]));
    EXPECT_EQ(bide_sleep_ms(1), 0);

    bide_task_cancel(goes);
    EXPECT_ERR(bide_await(goes), BIDE_ECANCELED);
    int code = 0;
    bide_timeout(5)
        code = bide_fd_wait(ends[0], BIDE_READABLE);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(registrations(), 1);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(bide_await(stays), 1);
    EXPECT_EQ(registrations(), 0);
    close_pipe(ends);
}

TEST(fd_forget_wakes_waiters_with_closed_before_or_after_the_close, .real_time = true)
{
    for (int after = 0; after < 2; after++) {
        int ends[2];
        make_pipe(ends);
        bide_auto bide_task *a = bide_create_task(bide_coro(wait_for, ends[0], BIDE_READABLE));
        bide_auto bide_task *b = bide_create_task(bide_coro(wait_for, ends[0], BIDE_READABLE));
        EXPECT_EQ(bide_sleep_ms(1), 0);

        if (after)
            close(ends[0]);
        EXPECT_EQ(bide_fd_forget(ends[0]), 2);
        if (!after)
            close(ends[0]);
        EXPECT_ERR(bide_await(a), BIDE_ECLOSED);
        EXPECT_CONTAINS(bide_error_text(), "was closed meanwhile");
        EXPECT_ERR(bide_await(b), BIDE_ECLOSED);
        EXPECT_EQ(registrations(), 0);
        close(ends[1]);
    }
}

static char heard[256];

static void hear(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    snprintf(heard, sizeof heard, "%s", message);
}

/* Nobody said so, and it is seen before the loop sleeps. */
TEST(fd_closed_under_a_waiter_is_told_in_debug_mode, .real_time = true)
{
    int ends[2];
    bide_loop *loop = bide_get_event_loop();
    make_pipe(ends);
    bide_loop_set_exception_handler(loop, hear, NULL);
    EXPECT_EQ(bide_loop_set_debug(loop, true), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for, ends[0], BIDE_READABLE));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_FALSE(bide_task_done(t));
    close(ends[0]);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    EXPECT_CONTAINS(bide_error_text(), "was closed meanwhile");
    EXPECT_CONTAINS(heard, "was closed while it was waited for (by 1), and nobody said so: bide_fd_forget");
    EXPECT_EQ(bide_loop_set_debug(loop, false), 0);
    close(ends[1]);
}

static int read_one(bide_stream *s)
{
    char byte;

    return (int)bide_read(s, &byte, 1);
}

static int write_until_it_ends(bide_stream *s)
{
    static const char bytes[65536];
    int code;

    while ((code = bide_write(s, bytes, sizeof bytes)) == 0)
        ;
    return code;
}

/* Ours are looked at now and then, so that thousands cost little; the loop does not sleep until it has. */
TEST(stream_closed_under_its_task_is_told_in_debug_mode, .real_time = true)
{
    static int (*const ways[])(bide_stream *s) = {read_one, write_until_it_ends};
    bide_loop *loop = bide_get_event_loop();

    bide_loop_set_exception_handler(loop, hear, NULL);
    EXPECT_EQ(bide_loop_set_debug(loop, true), 0);
    for (int i = 0; i < 4; i++) {
        int ends[2], fd = -1;
        if (i < 2)
            EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        else
            EXPECT_EQ(pipe(ends), 0);
        fd = ends[i == 3]; /* of a pipe, the end that is read or that is written */
        heard[0] = '\0';
        bide_auto bide_stream *s = bide_stream_from_fd(fd);
        bide_auto bide_task *t = bide_create_task(bide_coro(ways[i % 2], s));
        EXPECT_EQ(bide_sleep_ms(1), 0);
        EXPECT_FALSE(bide_task_done(t));
        close(fd);
        EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
        EXPECT_CONTAINS(heard, " was closed while a task waited for it: it belongs to a stream");
        close(ends[i != 3]);
    }
    EXPECT_EQ(bide_loop_set_debug(loop, false), 0);
}

/* Nobody said so; and a copy of the descriptor keeps the old file, and with it the kernel's entry. */
TEST(fd_wait_number_used_again_is_another_file, .real_time = true)
{
    int old[2], new[2];
    make_pipe(old);
    int copy = dup(old[0]), number = old[0];
    bide_auto bide_task *stale = bide_create_task(bide_coro(wait_for, number, BIDE_READABLE));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    make_pipe(new);
    EXPECT_EQ(dup3(new[0], number, O_CLOEXEC), number);
    close(new[0]);

    bide_auto bide_task *t = bide_create_task(bide_coro(take_byte, number));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_ERR(bide_await(stale), BIDE_ECLOSED); /* seen when the new one is watched */
    EXPECT_EQ(write(old[1], "x", 1), 1); /* the old entry of the epoll set speaks, and nobody listens */
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(write(new[1], "y", 1), 1);
    EXPECT_EQ(bide_await(t), 1);
    close(number);
    close(copy);
    close(old[1]);
    close(new[1]);
}

TEST(fd_wait_number_taken_over_by_a_stream_ends_the_wait, .real_time = true)
{
    int old[2];
    struct fd f;
    make_pipe(old);
    bide_auto bide_task *stale = bide_create_task(bide_coro(wait_for, old[0], BIDE_READABLE));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    EXPECT_EQ(dup3(bell, old[0], O_CLOEXEC), old[0]);
    close(bell);

    EXPECT_EQ(bide__fd_open(&f, old[0]), 0);
    EXPECT_ERR(bide_await(stale), BIDE_ECLOSED);
    bide__ring_bell(old[0]);
    EXPECT_EQ(bide__fd_wait_readable(&f), 0);
    bide__fd_close(&f);
    close(old[1]);
}

TEST(fd_awaitable_is_chosen_when_it_is_ready_and_leaves_no_trace_when_not, .real_time = true)
{
    int a[2], b[2];
    make_pipe(a);
    make_pipe(b);
    for (int i = 0; i < 3; i++) {
        bide_awaitable both[] = {bide_fd_awaitable(a[0], BIDE_READABLE), bide_fd_awaitable(b[0], BIDE_READABLE)};
        bide_auto bide_task *t = bide_create_task(bide_coro(take_byte, a[0]));
        EXPECT_EQ(bide_sleep_ms(1), 0);
        EXPECT_EQ(write(b[1], "x", 1), 1);
        EXPECT_EQ(bide_select(NULL, both[0], both[1]), 1);
        EXPECT_EQ(take_byte(b[0]), 1);
        EXPECT_FALSE(bide_task_done(t)); /* who waits for the other still does */
        EXPECT_EQ(write(a[1], "x", 1), 1);
        EXPECT_EQ(bide_await(t), 1);
        EXPECT_EQ(bide_select(NULL, both[0], bide_sleep_awaitable(1)), 1);
        EXPECT_EQ(registrations(), 0);
    }
    EXPECT_EQ(bide_await(bide_fd_awaitable(b[1], BIDE_WRITABLE)), BIDE_WRITABLE);
    EXPECT_ERR(bide_await(bide_fd_awaitable(900, BIDE_WRITABLE)), -EBADF);
    close_pipe(a);
    close_pipe(b);
}

static int counted;

static int count_readiness(int fd)
{
    for (int i = 0; i < 1000; i++) {
        BIDE_TRY(bide_fd_wait(fd, BIDE_READABLE));
        counted++;
    }
    return 0;
}

TEST(fd_wait_always_ready_lets_timers_and_others_run, .real_time = true)
{
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    bide_auto bide_task *t = bide_create_task(bide_coro(count_readiness, fd));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_LT(counted, 100);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(counted, 1000);
    close(fd);
}

/* ---- functions ---- */

struct seen {
    int fd, calls;
    bide_loop *loop;
    bool keeps, removes, closes;
};

static void on_readable(void *arg)
{
    struct seen *s = arg;
    char c;

    s->calls++;
    if (!s->keeps)
        EXPECT_EQ(read(s->fd, &c, 1), 1);
    if (s->removes)
        EXPECT_TRUE(bide_loop_remove_reader(s->loop, s->fd));
    if (s->closes)
        EXPECT_EQ(bide_fd_forget(s->fd), 1);
    EXPECT_ERR(bide_sleep_ms(1), BIDE_ENOLOOP); /* it must not wait */
}

TEST(fd_reader_is_called_for_as_long_as_it_is_readable, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    struct seen s = {.fd = ends[0], .loop = bide_get_event_loop()};

    EXPECT_EQ(bide_loop_add_reader(s.loop, ends[0], on_readable, &s), 0);
    EXPECT_EQ(write(ends[1], "abc", 3), 3);
    while (s.calls < 3) /* a byte each */
        EXPECT_EQ(bide_sleep_ms(1), 0);
    s.removes = true;
    EXPECT_EQ(write(ends[1], "de", 2), 2);
    while (s.calls < 4)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_sleep_ms(2), 0);
    EXPECT_EQ(s.calls, 4);
    EXPECT_FALSE(bide_loop_remove_reader(s.loop, ends[0]));
    EXPECT_EQ(registrations(), 0);
    close_pipe(ends);
}

TEST(fd_reader_beside_a_writer_and_a_waiting_task, .real_time = true)
{
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    bide_loop *loop = bide_get_event_loop();
    struct seen reader = {.fd = pair[0], .loop = loop, .keeps = true}, writer = {.fd = pair[0], .keeps = true},
                replaced = {.fd = pair[0]};

    EXPECT_EQ(bide_loop_add_reader(loop, pair[0], on_readable, &replaced), 0);
    EXPECT_EQ(bide_loop_add_reader(loop, pair[0], on_readable, &reader), 0);
    EXPECT_EQ(bide_loop_add_writer(loop, pair[0], on_readable, &writer), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for, pair[0], BIDE_READABLE));
    while (writer.calls == 0)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(reader.calls, 0);
    EXPECT_TRUE(bide_loop_remove_writer(loop, pair[0]));
    EXPECT_EQ(write(pair[1], "x", 1), 1);
    EXPECT_EQ(bide_await(t), BIDE_READABLE);
    while (reader.calls < 2)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(replaced.calls, 0);
    EXPECT_EQ(bide_fd_forget(pair[0]), 1);
    close_pipe(pair);
}

TEST(fd_reader_may_say_that_it_is_closed, .real_time = true)
{
    int ends[2];
    make_pipe(ends);
    struct seen s = {.fd = ends[0], .loop = bide_get_event_loop(), .closes = true};

    EXPECT_EQ(bide_loop_add_reader(s.loop, ends[0], on_readable, &s), 0);
    EXPECT_EQ(write(ends[1], "ab", 2), 2);
    while (s.calls == 0)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_sleep_ms(2), 0);
    EXPECT_EQ(s.calls, 1);
    close_pipe(ends);
}

static void stop(void *arg)
{
    bide_loop_stop(arg);
}

/* Added before the loop runs, and dropped when it is closed. */
UNIT(fd_reader_of_a_loop_that_does_not_run_yet)
{
    int ends[2];
    bide_loop *loop = bide_loop_new();
    make_pipe(ends);
    EXPECT_EQ(bide_loop_add_reader(loop, ends[0], stop, loop), 0);
    EXPECT_EQ(write(ends[1], "x", 1), 1);

    EXPECT_EQ(bide_run_forever(loop), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_ERR(bide_loop_add_reader(loop, ends[0], stop, loop), BIDE_ECLOSED);
    EXPECT_FALSE(bide_loop_remove_reader(loop, ends[0]));
    bide_release(loop);
    close_pipe(ends);
}

TEST(fd_reader_bad_arguments_are_errors, .real_time = true)
{
    bide_loop *loop = bide_get_event_loop();
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), ends[2];
    make_pipe(ends);

    EXPECT_ERR(bide_loop_add_reader(loop, file, stop, NULL), -EPERM);
    EXPECT_ERR(bide_loop_add_reader(loop, -1, stop, NULL), -EBADF);
    EXPECT_ERR(bide_loop_add_reader(loop, ends[0], NULL, NULL), -EINVAL);
    EXPECT_ERR(bide_loop_add_writer(NULL, ends[0], stop, NULL), -EINVAL);
    EXPECT_FALSE(bide_loop_remove_writer(loop, ends[0]));
    close_pipe(ends);
    close(file);
}

static int waits_and_is_called(void)
{
    int ends[2];
    make_pipe(ends);
    struct seen s = {.fd = ends[0], .loop = bide_get_event_loop()};
    int code = write(ends[1], "x", 1) == 1 ? bide_loop_add_reader(s.loop, ends[0], on_readable, &s) : -EIO;
    if (code == 0)
        code = bide_fd_wait(ends[0], BIDE_READABLE);
    if (code >= 0)
        code = bide_fd_wait(ends[1], BIDE_WRITABLE);
    if (code >= 0)
        code = bide_sleep_ms(2);
    bide_loop_remove_reader(s.loop, ends[0]);
    close_pipe(ends);
    return code < 0 ? code : 0;
}

UNIT(fd_wait_each_allocation_failing_in_turn_is_an_error)
{
    fail_each_allocation(bide_coro(waits_and_is_called));
}
