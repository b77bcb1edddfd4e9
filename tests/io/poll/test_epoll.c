/* SPDX-License-Identifier: MIT */
/* test_epoll.c - descriptors on the loop: registered once, what the kernel said is remembered, everybody is woken. */
#include "harness/harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bide/bide.h>

#include "io/poll/poll.h"

/* Two connected sockets; the first is watched. */
struct pair {
    struct fd fd;
    int peer;
};

static void pair_open(struct pair *p)
{
    int fds[2];

    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT_EQ(bide__fd_open(&p->fd, fds[0]), 0);
    p->peer = fds[1];
}

static void pair_close(struct pair *p)
{
    bide__fd_close(&p->fd);
    if (p->peer >= 0)
        close(p->peer);
}

static void fill(struct pair *p)
{
    static char data[65536];

    while (write(p->fd.fd, data, sizeof data) > 0)
        ;
    p->fd.writable = false;
}

static int wait_readable(struct fd *f)
{
    return bide__fd_wait_readable(f);
}

static int wait_writable(struct fd *f)
{
    return bide__fd_wait_writable(f);
}

/* How often a descriptor stands in any epoll set of this process, and with which events. */
static int registrations(int fd, unsigned *events)
{
    char path[64], line[256];
    int found = 0, tfd;
    unsigned mask;

    for (int i = 0; i < 64; i++) {
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", i);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
            if (sscanf(line, "tfd: %d events: %x", &tfd, &mask) == 2 && tfd == fd) {
                *events = mask;
                found++;
            }
        if (f)
            fclose(f);
    }
    return found;
}

TEST(fd_is_registered_once_edge_triggered_for_both_directions, .real_time = true)
{
    struct pair p;
    unsigned events = 0;
    char c;
    pair_open(&p);

    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(write(p.peer, "x", 1), 1);
        EXPECT_EQ(bide__fd_wait_readable(&p.fd), 0);
        EXPECT_EQ(read(p.fd.fd, &c, 1), 1);
        p.fd.readable = false;
        EXPECT_EQ(bide__fd_wait_writable(&p.fd), 0);
        EXPECT_EQ(registrations(p.fd.fd, &events), 1);
        EXPECT_EQ(events & (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
    pair_close(&p);
}

TEST(fd_readiness_is_remembered_and_waiting_costs_nothing_then, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    EXPECT_FALSE(p.fd.readable);
    EXPECT_TRUE(p.fd.writable); /* a new one is tried first */

    EXPECT_EQ(write(p.peer, "x", 1), 1);
    EXPECT_EQ(bide_sleep_ms(5), 0); /* nobody waits for it, and the loop sees it all the same */
    EXPECT_TRUE(p.fd.readable);
    unsigned turns = bide__loop_here->budget;
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(bide__fd_wait_readable(&p.fd), 0);
    EXPECT_EQ(bide__loop_here->budget, turns); /* without leaving the task */
    pair_close(&p);
}

TEST(fd_several_tasks_wait_for_one_and_all_are_woken, .real_time = true)
{
    struct pair p;
    bide_task *readers[5], *writers[5];
    static char drain[65536];
    pair_open(&p);
    fill(&p);
    for (int i = 0; i < 5; i++) {
        readers[i] = bide_create_task(bide_coro(wait_readable, &p.fd));
        writers[i] = bide_create_task(bide_coro(wait_writable, &p.fd));
    }
    EXPECT_EQ(bide_sleep_ms(2), 0);
    for (int i = 0; i < 5; i++)
        EXPECT_FALSE(bide_task_done(readers[i]) || bide_task_done(writers[i]));

    EXPECT_EQ(write(p.peer, "x", 1), 1);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(bide_await(readers[i]), 0);
    EXPECT_FALSE(bide_task_done(writers[0])); /* the other direction has nothing to do with it */
    while (read(p.peer, drain, sizeof drain) > 0)
        ;
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(bide_await(writers[i]), 0);
        bide_release(readers[i]);
        bide_release(writers[i]);
    }
    pair_close(&p);
}

TEST(fd_hangup_wakes_both_sides, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    fill(&p);
    bide_auto bide_task *reader = bide_create_task(bide_coro(wait_readable, &p.fd));
    bide_auto bide_task *writer = bide_create_task(bide_coro(wait_writable, &p.fd));
    EXPECT_EQ(bide_sleep_ms(2), 0);

    close(p.peer);
    p.peer = -1;
    EXPECT_EQ(bide_gather(reader, writer), 0);
    EXPECT_TRUE(p.fd.hangup);
    pair_close(&p);
}

/* A connection that is refused: an error without anything to read. */
TEST(fd_error_wakes_both_sides, .real_time = true)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct fd f;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof a;
    int closed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(closed, (struct sockaddr *)&a, len), 0);
    EXPECT_EQ(getsockname(closed, (struct sockaddr *)&a, &len), 0);
    EXPECT_EQ(bide__fd_open(&f, fd), 0);
    f.writable = false;
    bide_auto bide_task *reader = bide_create_task(bide_coro(wait_readable, &f));
    bide_auto bide_task *writer = bide_create_task(bide_coro(wait_writable, &f));
    EXPECT_EQ(bide_sleep_ms(0), 0);

    connect(fd, (struct sockaddr *)&a, len);
    EXPECT_EQ(bide_gather(reader, writer), 0);
    EXPECT_TRUE(f.hangup);
    bide__fd_close(&f);
    close(closed);
}

TEST(fd_closed_while_tasks_wait_they_get_eclosed, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    fill(&p);
    bide_auto bide_task *reader = bide_create_task(bide_coro(wait_readable, &p.fd));
    bide_auto bide_task *writer = bide_create_task(bide_coro(wait_writable, &p.fd));
    EXPECT_EQ(bide_sleep_ms(2), 0);

    bide__fd_close(&p.fd);
    EXPECT_ERR(bide_await(reader), BIDE_ECLOSED);
    EXPECT_ERR(bide_await(writer), BIDE_ECLOSED);
    pair_close(&p);
}

TEST(fd_waiter_cancelled_leaves_the_others_waiting, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    bide_auto bide_task *one = bide_create_task(bide_coro(wait_readable, &p.fd));
    bide_auto bide_task *two = bide_create_task(bide_coro(wait_readable, &p.fd));
    EXPECT_EQ(bide_sleep_ms(2), 0);

    bide_task_cancel(one);
    EXPECT_ERR(bide_await(one), BIDE_ECANCELED);
    EXPECT_FALSE(bide_task_done(two));
    EXPECT_EQ(write(p.peer, "x", 1), 1);
    EXPECT_EQ(bide_await(two), 0);
    pair_close(&p);
}

TEST(fd_that_cannot_be_watched_is_refused_and_stays_the_callers)
{
    char path[256];
    struct fd f;
    snprintf(path, sizeof path, "%s/a", test_tmpdir());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    EXPECT_ERR(bide__fd_open(&f, fd), -EPERM); /* a plain file */
    EXPECT_FALSE(bide__fd_is_open(&f));
    EXPECT_EQ(close(fd), 0);
}

UNIT(fd_outside_of_a_loop_is_refused)
{
    struct fd f;

    EXPECT_ERR(bide__fd_open(&f, 0), BIDE_ENOLOOP);
}

/* More events than one question to the kernel brings. */
TEST(fd_many_at_once_are_all_seen, .real_time = true)
{
    enum { MANY = 600 };
    static struct pair pairs[MANY];
    static bide_task *tasks[MANY];
    struct rlimit limit;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < 2 * MANY + 64 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        SKIP("not enough descriptors here");

    for (int i = 0; i < MANY; i++) {
        pair_open(&pairs[i]);
        tasks[i] = bide_create_task(bide_coro(wait_readable, &pairs[i].fd));
    }
    EXPECT_EQ(bide_sleep_ms(1), 0);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(write(pairs[i].peer, "x", 1), 1);
    for (int i = 0; i < MANY; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
        pair_close(&pairs[i]);
    }
}

static int64_t loop_clock[2];

static int note_clock(int i)
{
    int64_t until = bide__clock_ns() + 2000000;

    loop_clock[i] = bide__loop_here->now_ns;
    while (bide__clock_ns() < until)
        ;
    return 0;
}

/* Both tasks run in one turn; the first takes 2 ms, and the second sees the same time on the loop's clock. */
TEST(clock_is_read_once_a_turn, .real_time = true)
{
    bide_auto bide_task *a = bide_create_task(bide_coro(note_clock, 0));
    bide_auto bide_task *b = bide_create_task(bide_coro(note_clock, 1));

    EXPECT_EQ(bide_gather(a, b), 0);
    EXPECT_EQ(loop_clock[0], loop_clock[1]);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_LE(loop_clock[0] + 4000000, bide__loop_here->now_ns);
}

static void *call_later(void *loop)
{
    bide_loop *l = loop;
    usleep(20000);
    l->poller_ops->wake(l->poller);
    return NULL;
}

/* The wake-up ends a wait that nothing else would have ended, and wakes nobody by itself. */
TEST(wakeup_from_another_thread_ends_the_wait, .real_time = true)
{
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, call_later, bide__loop_here), 0);
    EXPECT_EQ(bide_sleep_ms(50), 0);
    pthread_join(thread, NULL);
}

/* A loop of tasks and timers has no descriptors; the first that is watched brings the epoll set, and the bell that wakes it. */
TEST(poller_is_replaced_with_the_first_descriptor_and_still_woken, .real_time = true)
{
    bide_loop *loop = bide__loop_here;
    pthread_t thread;
    struct fd f;
    int ends[2];
    EXPECT_TRUE(loop->poller_ops == &bide__rest_ops);
    EXPECT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);

    EXPECT_EQ(bide__fd_open(&f, ends[0]), 0);
    EXPECT_TRUE(loop->poller_ops != &bide__rest_ops);
    EXPECT_EQ(pthread_create(&thread, NULL, call_later, loop), 0);
    EXPECT_EQ(bide_sleep_ms(50), 0);
    pthread_join(thread, NULL);
    bide__fd_close(&f);
    close(ends[1]);
}
