/* SPDX-License-Identifier: MIT */
/* test_embed.c - bide inside another loop: its descriptor, how long may be waited, one turn at a time. */
#include "harness/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <bide/bide.h>

#include "io/poll/poll.h"

static int is_readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms);
}

/* The other loop: nothing but poll.  How many turns it took until nothing was left. */
static int drive(bide_loop *loop)
{
    int turns = 0, left;

    do {
        is_readable(bide_loop_fd(loop), bide_loop_timeout_ms(loop));
        left = bide_loop_run_once(loop);
        turns++;
    } while (left > 0 && turns < 1000);
    EXPECT_EQ(left, 0);
    return turns;
}

static int sleep_and_count(int *count)
{
    for (int i = 0; i < 3; i++) {
        BIDE_TRY(bide_sleep_ms(2));
        ++*count;
    }
    return 0;
}

UNIT(embed_timers_and_tasks_run_turn_by_turn)
{
    bide_loop *loop = bide_get_event_loop();
    int count = 0;
    EXPECT_EQ(bide_loop_timeout_ms(loop), -1);
    EXPECT_EQ(bide_loop_run_once(loop), 0);

    bide_task *t = bide_create_task(bide_coro(sleep_and_count, &count));
    EXPECT_EQ(bide_loop_timeout_ms(loop), 0); /* it is ready */
    EXPECT_EQ(bide_loop_run_once(loop), 1);
    EXPECT_EQ(count, 0);
    int ms = bide_loop_timeout_ms(loop);
    EXPECT_TRUE(ms >= 1 && ms <= 3);
    EXPECT_LE(3, drive(loop));
    EXPECT_EQ(count, 3);
    EXPECT_TRUE(bide_task_done(t));
    bide_release(t);
    EXPECT_EQ(bide_loop_close(loop), 0);
}

static int take_byte(int fd)
{
    char c;

    BIDE_TRY(bide_fd_wait(fd, BIDE_READABLE));
    return (int)read(fd, &c, 1);
}

UNIT(embed_descriptor_is_readable_when_a_watched_one_is)
{
    bide_loop *loop = bide_loop_new();
    int ends[2], fd = bide_loop_fd(loop);
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_LE(0, fd);
    EXPECT_EQ(bide_loop_fd(loop), fd);

    bide_loop *own = bide_get_event_loop(); /* tasks that are made between turns are this one's */
    bide_task *t = bide_create_task(bide_coro(take_byte, ends[0]));
    while (bide_loop_timeout_ms(own) == 0)
        EXPECT_EQ(bide_loop_run_once(own), 1);
    EXPECT_EQ(bide_loop_run_once(own), 1); /* the first descriptor has brought the epoll set, and a ring of its bell */
    EXPECT_EQ(is_readable(bide_loop_fd(own), 0), 0);
    EXPECT_EQ(bide_loop_timeout_ms(own), -1);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(is_readable(bide_loop_fd(own), 1000), 1);
    EXPECT_EQ(drive(own), 1);
    EXPECT_EQ(bide_task_result(t), 1);
    EXPECT_EQ(is_readable(bide_loop_fd(own), 0), 0); /* the turn has looked */
    bide_release(t);
    bide_release(loop);
    EXPECT_EQ(bide_loop_close(own), 0);
    close(ends[0]);
    close(ends[1]);
}

static int called;

static void count_call(void *arg)
{
    (void)arg;
    called++;
}

static void *call_from_outside(void *loop)
{
    EXPECT_EQ(bide_loop_call_soon_threadsafe(loop, count_call, NULL), 0);
    return NULL;
}

UNIT(embed_call_from_another_thread_makes_the_descriptor_readable)
{
    bide_loop *loop = bide_loop_new();
    pthread_t thread;
    int fd = bide_loop_fd(loop);
    EXPECT_EQ(bide_loop_run_once(loop), 0);
    EXPECT_EQ(is_readable(fd, 0), 0);

    EXPECT_EQ(pthread_create(&thread, NULL, call_from_outside, loop), 0);
    EXPECT_EQ(is_readable(fd, 5000), 1);
    pthread_join(thread, NULL);
    EXPECT_EQ(bide_loop_timeout_ms(loop), 0);
    while (bide_loop_run_once(loop) > 0)
        ;
    EXPECT_EQ(called, 1);
    bide_release(loop);
}

static void runs_itself(void *loop)
{
    EXPECT_ERR(bide_loop_run_once(loop), BIDE_ERUNNING);
    EXPECT_CONTAINS(bide_error_text(), "already");
    called++;
}

UNIT(embed_bad_use_is_an_error)
{
    bide_loop *loop = bide_loop_new(), *other = bide_loop_new();
    EXPECT_TRUE(bide_loop_call_soon(loop, runs_itself, loop));
    EXPECT_TRUE(bide_loop_call_soon(loop, runs_itself, other)); /* one in another is none either */
    EXPECT_EQ(bide_loop_run_once(loop), 0);
    EXPECT_EQ(called, 2);
    EXPECT_ERR(bide_loop_run_once(NULL), -EINVAL);
    EXPECT_ERR(bide_loop_fd(NULL), -EINVAL);
    EXPECT_EQ(bide_loop_timeout_ms(NULL), 0);

    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_ERR(bide_loop_run_once(loop), BIDE_ECLOSED);
    EXPECT_ERR(bide_loop_fd(loop), BIDE_ECLOSED);
    EXPECT_EQ(bide_loop_timeout_ms(loop), 0);
    bide_release(loop);
    bide_release(other);
}

/* The streams of a program that has no bide_run at all. */
static int talk(void)
{
    char data[4];
    bide_auto bide_listener *l = BIDE_TRY_PTR(bide_listen("127.0.0.1", 0));
    bide_auto bide_stream *client = BIDE_TRY_PTR(bide_connect("127.0.0.1", bide_listener_port(l)));
    bide_auto bide_stream *server = BIDE_TRY_PTR(bide_accept(l));
    BIDE_TRY(bide_write(client, "ping", 4));
    BIDE_TRY(bide_drain(client));
    return (int)bide_read_exactly(server, data, 4);
}

UNIT(embed_streams_work)
{
    bide_loop *loop = bide_get_event_loop();
    bide_task *t = bide_create_task(bide_coro(talk));

    drive(loop);
    EXPECT_EQ(bide_task_result(t), 4);
    bide_release(t);
    EXPECT_EQ(bide_loop_close(loop), 0);
}
