/* SPDX-License-Identifier: MIT */
/* test_bells.c - a thread that posts a semaphore wakes tasks through a descriptor, and writes to no other. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "unblock.h"

static sem_t posted;
static atomic_bool is_over;

static void *post_on_and_on(void *unused)
{
    while (!atomic_load(&is_over)) {
        sem_post(&posted);
        sem_post(&posted);
        sched_yield();
    }
    return unused;
}

/* Its number is mostly that of the descriptor which was just closed. */
static void expect_silence(void)
{
    int fds[2];
    char bytes[8];

    pair_of(SOCK_STREAM, fds);
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(recv(fds[0], bytes, sizeof bytes, MSG_DONTWAIT), -1);
        EXPECT_EQ(recv(fds[1], bytes, sizeof bytes, MSG_DONTWAIT), -1);
    }
    close_both(fds);
}

TEST(bells_that_were_closed_are_not_rung, .real_time = true)
{
    pthread_t thread;
    int value;

    sem_init(&posted, 0, 0);
    EXPECT_EQ(pthread_create(&thread, NULL, post_on_and_on, NULL), 0);
    for (int i = 0; i < 3000; i++) {
        EXPECT_EQ(sem_wait(&posted), 0);
        expect_silence();
        while (sem_getvalue(&posted, &value) == 0 && value > 0)
            EXPECT_EQ(sem_wait(&posted), 0);
    }
    atomic_store(&is_over, true);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    sem_destroy(&posted);
}
