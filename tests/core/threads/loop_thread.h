/* SPDX-License-Identifier: MIT */
/* loop_thread.h - a thread with a loop that runs until it is told to end. */
#ifndef TESTS_CORE_LOOP_THREAD_H
#define TESTS_CORE_LOOP_THREAD_H

#include <pthread.h>
#include <semaphore.h>

#include "core/core.h"
#include "harness/harness.h"

struct loop_thread {
    pthread_t id;
    sem_t ready;
    bide_loop *loop;
    bide_promise *end; /* keep it, and the loop ends */
};

static inline int loop_thread_app(struct loop_thread *t)
{
    bide_auto bide_future *end = NULL;
    t->end = bide_promise_new(&end);
    t->loop = bide__loop_here;
    sem_post(&t->ready);
    return bide_await(end);
}

static inline void *loop_thread_main(void *arg)
{
    struct loop_thread *t = arg;

    return (void *)(intptr_t)bide_run(bide_coro(loop_thread_app, t));
}

static inline void loop_thread_start(struct loop_thread *t)
{
    sem_init(&t->ready, 0, 0);
    EXPECT_EQ(pthread_create(&t->id, NULL, loop_thread_main, t), 0);
    while (sem_wait(&t->ready) < 0)
        ;
}

static inline void loop_thread_end(struct loop_thread *t)
{
    void *code;

    EXPECT_EQ(bide_promise_set_result(t->end, 0), 0);
    bide_release(t->end);
    pthread_join(t->id, &code);
    EXPECT_NULL(code);
}

#endif
