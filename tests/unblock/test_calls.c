/* SPDX-License-Identifier: MIT */
/* test_calls.c - each call that waits for a descriptor suspends only its task, returns the data, and is ended by a cancellation. */
#include <sys/eventfd.h>
#include <time.h>

#include "base/checker.h"
#include "unblock.h"

/* A call that waits for fd, and returns a number of bytes, or of descriptors that are ready. */
typedef ssize_t call(int fd);

static ssize_t call_read(int fd)
{
    char c;
    return read(fd, &c, 1);
}

static ssize_t call_readv(int fd)
{
    char c;
    return readv(fd, &(struct iovec){&c, 1}, 1);
}

static ssize_t call_recv(int fd)
{
    char c;
    return recv(fd, &c, 1, 0);
}

static ssize_t call_recvfrom(int fd)
{
    char c;
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    return recvfrom(fd, &c, 1, 0, (struct sockaddr *)&from, &len);
}

static ssize_t call_recvmsg(int fd)
{
    char c;
    return recvmsg(fd, &(struct msghdr){.msg_iov = &(struct iovec){&c, 1}, .msg_iovlen = 1}, 0);
}

static ssize_t call_waitall(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_WAITALL);
}

static ssize_t call_recvmmsg(int fd)
{
    char c;
    struct mmsghdr one = {.msg_hdr = {.msg_iov = &(struct iovec){&c, 1}, .msg_iovlen = 1}};
    return recvmmsg(fd, &one, 1, 0, NULL);
}

static ssize_t call_preadv2(int fd)
{
    char c;
    return preadv2(fd, &(struct iovec){&c, 1}, 1, -1, 0);
}

static ssize_t call_poll(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, -1);
    EXPECT_TRUE(n < 0 || p.revents & POLLIN);
    return n;
}

static ssize_t call_poll_of_two(int fd)
{
    int other[2];
    pair_of(SOCK_STREAM, other);
    struct pollfd p[] = {{.fd = -1, .events = POLLIN}, {.fd = other[0], .events = POLLIN}, {.fd = fd, .events = POLLIN | POLLRDHUP},
                         {.fd = fd, .events = POLLPRI}};
    int n = poll(p, 4, 60 * 1000), saved = errno;
    close_both(other);
    EXPECT_TRUE(n < 0 || (p[2].revents & POLLIN && !p[1].revents));
    errno = saved;
    return n;
}

static ssize_t call_ppoll(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return ppoll(&p, 1, NULL, NULL);
}

static ssize_t call_select(int fd)
{
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(fd, &r);
    int n = select(fd + 1, &r, &w, NULL, NULL);
    EXPECT_TRUE(n < 0 || FD_ISSET(fd, &r));
    return n;
}

static ssize_t call_pselect(int fd)
{
    fd_set r;
    FD_ZERO(&r);
    FD_SET(fd, &r);
    return pselect(fd + 1, &r, NULL, NULL, &(struct timespec){.tv_sec = 60}, NULL);
}

/* As in a library's own event loop. */
static ssize_t in_a_set(int fd, int (*wait)(int set, struct epoll_event *ev))
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev), 0);
    int n = wait(set, &ev), saved = errno;
    close(set);
    errno = saved;
    return n;
}

static int wait_plain(int set, struct epoll_event *ev)
{
    return epoll_wait(set, ev, 1, -1);
}

static int wait_masked(int set, struct epoll_event *ev)
{
    sigset_t none;
    sigemptyset(&none);
    return epoll_pwait(set, ev, 1, -1, &none);
}

static int wait_two(int set, struct epoll_event *ev)
{
    return epoll_pwait2(set, ev, 1, &(struct timespec){.tv_sec = 60}, NULL);
}

static ssize_t call_epoll_wait(int fd)
{
    return in_a_set(fd, wait_plain);
}

static ssize_t call_epoll_pwait(int fd)
{
    return in_a_set(fd, wait_masked);
}

static ssize_t call_epoll_pwait2(int fd)
{
    return in_a_set(fd, wait_two);
}

static const struct way {
    const char *name;
    call *call;
} ways[] = {
    {"read", call_read},         {"readv", call_readv},           {"recv", call_recv},
    {"recvfrom", call_recvfrom}, {"recvmsg", call_recvmsg},       {"MSG_WAITALL", call_waitall},
    {"poll", call_poll},         {"poll of two", call_poll_of_two}, {"ppoll", call_ppoll},
    {"select", call_select},     {"pselect", call_pselect},       {"epoll_wait", call_epoll_wait},
    {"epoll_pwait", call_epoll_pwait}, {"epoll_pwait2", call_epoll_pwait2}, {"recvmmsg", call_recvmmsg},
    {"preadv2", call_preadv2},
};
enum { WAYS = sizeof ways / sizeof *ways };

struct outcome {
    const struct way *way;
    int fd;
    ssize_t result;
    int error;
};

static int make_call(struct outcome *o)
{
    errno = E2BIG;
    o->result = o->way->call(o->fd);
    o->error = errno;
    return 0;
}

TEST(call_waits_in_its_task_alone_until_bytes_come, .real_time = true)
{
    int fd[WAYS][2];
    struct outcome o[WAYS];
    bide_task *t[WAYS];

    for (int i = 0; i < WAYS; i++) {
        pair_of(SOCK_STREAM, fd[i]);
        o[i] = (struct outcome){.way = &ways[i], .fd = fd[i][0], .result = -2};
        t[i] = bide_create_task(bide_coro(make_call, &o[i]));
    }
    EXPECT_EQ(bide_sleep_ms(10), 0); /* all of them wait, and this task runs */
    for (int i = 0; i < WAYS; i++) {
        EXPECT_EQ(o[i].result, -2);
        EXPECT_EQ(write(fd[i][1], "x", 1), 1);
    }
    for (int i = 0; i < WAYS; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        if (o[i].result != 1 || o[i].error != E2BIG)
            FAIL("%s: %zd, errno %d", ways[i].name, o[i].result, o[i].error);
        bide_release(t[i]);
        close_both(fd[i]);
    }
}

TEST(call_cancelled_in_the_middle_ends_with_ECANCELED, .real_time = true)
{
    for (int i = 0; i < WAYS; i++) {
        int fd[2];
        pair_of(SOCK_STREAM, fd);
        struct outcome o = {.way = &ways[i], .fd = fd[0]};
        bide_auto bide_task *t = bide_create_task(bide_coro(make_call, &o));
        EXPECT_EQ(bide_sleep_ms(1), 0);
        bide_task_cancel(t);
        EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
        if (o.result != -1 || o.error != ECANCELED)
            FAIL("%s: %zd, errno %d", ways[i].name, o.result, o.error);
        close_both(fd);
    }
}

TEST(call_in_a_timeout_block_ends_with_it)
{
    for (int i = 0; i < WAYS; i++) {
        int fd[2];
        pair_of(SOCK_STREAM, fd);
        int64_t start = now_ms();
        bide_timeout(50)
        {
            if (ways[i].call(fd[0]) != -1 || errno != ECANCELED)
                FAIL("%s: errno %d", ways[i].name, errno);
            EXPECT_TRUE(bide_timeout_expired());
        }
        EXPECT_EQ(now_ms() - start, 50);
        EXPECT_EQ(write(fd[1], "x", 1), 1);
        if (ways[i].call(fd[0]) != 1)
            FAIL("%s: not possible behind the block", ways[i].name);
        close_both(fd);
    }
}

/* After one call was refused, a call that would not have to wait is refused as well, so that the library gives up. */
TEST(call_after_a_refused_one_is_refused_until_the_block_is_left)
{
    int fd[2], full[2];
    char c;
    pair_of(SOCK_STREAM, fd);
    pair_of(SOCK_STREAM, full);

    bide_timeout(20)
    {
        EXPECT_EQ(recv(fd[0], &c, 1, 0), -1);
        EXPECT_EQ(write(fd[1], "x", 1), -1);
        EXPECT_EQ(errno, ECANCELED);
        bide_scope(s, .shield = true)
        {
            EXPECT_EQ(write(fd[1], "x", 1), 1);
            EXPECT_EQ(recv(fd[0], &c, 1, 0), 1);
        }
    }
    EXPECT_EQ(write(fd[1], "x", 1), 1);
    close_both(fd);
    close_both(full);
}

static int cancelled_and_goes_on(int fd, int *seen)
{
    char c;

    EXPECT_EQ(read(fd, &c, 1), -1);
    EXPECT_EQ(errno, ECANCELED);
    seen[0] = bide_sleep_ms(1); /* the program's own next wait returns it */
    EXPECT_EQ(read(fd, &c, 1), -1);
    EXPECT_EQ(errno, ECANCELED);
    seen[1] = bide_uncancel(bide_current_task());
    seen[2] = (int)read(fd, &c, 1);
    return 7;
}

TEST(call_of_a_cancelled_task_fails_until_uncancel, .real_time = true)
{
    int fd[2], seen[3] = {1, 1, 0};
    pair_of(SOCK_STREAM, fd);
    bide_auto bide_task *t = bide_create_task(bide_coro(cancelled_and_goes_on, fd[0], seen));

    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(write(fd[1], "x", 1), 1);
    EXPECT_EQ(bide_await(t), 7);

    EXPECT_EQ(seen[0], BIDE_ECANCELED);
    EXPECT_EQ(seen[1], 0);
    EXPECT_EQ(seen[2], 1);
    close_both(fd);
}

TEST(call_leaves_the_error_on_record_alone)
{
    int fd[2];
    pair_of(SOCK_STREAM, fd);

    BIDE_IGNORE(bide_fail(-EIO, "before"));
    bide_timeout(20)
        EXPECT_EQ(call_read(fd[0]), -1);
    EXPECT_ERR(bide_error_code(), -EIO);
    EXPECT_STR(bide_error_text(), "before");
    close_both(fd);
}

UNIT(call_without_a_loop_blocks_as_ever)
{
    int fd[2];
    pair_of(SOCK_STREAM, fd);

    for (int i = 0; i < WAYS; i++) {
        EXPECT_EQ(write(fd[1], "x", 1), 1);
        ssize_t result = ways[i].call(fd[0]);
        if (result != 1 && errno != ENOSYS) /* a kernel or emulator without epoll_pwait2 */
            FAIL("%s: %zd, errno %d", ways[i].name, result, errno);
        char c;
        while (recv(fd[0], &c, 1, MSG_DONTWAIT) > 0)
            ;
    }
    EXPECT_EQ(poll(&(struct pollfd){.fd = fd[0], .events = POLLIN}, 1, 5), 0);
    close_both(fd);
}

/* ---- what libc would refuse without waiting ---- */

static const struct timespec no_times[] = {{.tv_sec = -1}, {.tv_nsec = -1}, {.tv_nsec = 1000000000}};
enum { NO_TIMES = sizeof no_times / sizeof *no_times };

TEST(call_with_a_time_that_is_none_is_refused)
{
    int fd[2], set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev;
    struct timeval none[] = {{.tv_sec = -1}, {.tv_usec = -1}};
    pair_of(SOCK_STREAM, fd);
    struct pollfd p = {.fd = fd[0], .events = POLLIN};
    int64_t start = now_ms();

    for (int i = 0; i < NO_TIMES; i++) {
        errno = 0;
        EXPECT_EQ(ppoll(&p, 1, &no_times[i], NULL), -1);
        EXPECT_EQ(errno, EINVAL);
        errno = 0;
        EXPECT_EQ(pselect(0, NULL, NULL, NULL, &no_times[i], NULL), -1);
        EXPECT_EQ(errno, EINVAL);
        errno = 0;
        EXPECT_EQ(epoll_pwait2(set, &ev, 1, &no_times[i], NULL), -1);
        EXPECT_TRUE(errno == EINVAL || errno == ENOSYS); /* an emulator or valgrind does not know it */
        errno = 0;
        EXPECT_EQ(nanosleep(&no_times[i], NULL), -1);
        EXPECT_EQ(errno, EINVAL);
    }
    for (int i = 0; i < 2; i++) {
        errno = 0;
        EXPECT_EQ(select(0, NULL, NULL, NULL, &none[i]), -1);
        EXPECT_EQ(errno, EINVAL);
    }
    EXPECT_EQ(now_ms(), start);
    close(set);
    close_both(fd);
}

TEST(call_with_arguments_that_the_kernel_refuses_does_not_wait)
{
    static char bytes[2000];
    struct iovec all[2000];
    int fd[2], event = eventfd(0, EFD_CLOEXEC);
    pair_of(SOCK_STREAM, fd);
    for (int i = 0; i < 2000; i++)
        all[i] = (struct iovec){&bytes[i], 1};

    bide_timeout(50)
    {
        EXPECT_EQ(readv(fd[0], all, 2000), -1);
        EXPECT_EQ(errno, EINVAL);
        EXPECT_EQ(writev(fd[0], all, 2000), -1);
        EXPECT_EQ(errno, EINVAL);
        if (!bide__valgrind_runs() && !bide__asan_runs()) { /* they object themselves */
            struct pollfd *volatile nowhere = NULL;
            EXPECT_EQ(poll(nowhere, 1, 1000), -1);
            EXPECT_EQ(errno, EFAULT);
        }
        EXPECT_EQ(read(event, bytes, 4), -1); /* a counter has 8 bytes */
        EXPECT_EQ(errno, EINVAL);
        EXPECT_FALSE(bide_timeout_expired());
    }
    close(event);
    close_both(fd);
}
