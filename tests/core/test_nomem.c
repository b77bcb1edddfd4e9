/* SPDX-License-Identifier: MIT */
/*
 * test_nomem.c - out of memory is an error that is returned.
 *
 * Each program below is run again and again on a loop of its own, with allocation 0, 1, 2, ... failing, until it needs
 * fewer than that.  Every run must end, with BIDE_ENOMEM and a text or (where the library can do without) as if nothing
 * had happened, and must leave no allocation, task, stack or descriptor behind.
 */
#include <stdlib.h>
#include <unistd.h>

#include <bide/context.h>
#include <bide/group.h>
#include <bide/scope.h>

#include "core/core.h"
#include "trace.h"

#define RUNS_MAX 2000

static int fds_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++) {
        int copy = dup(fd);
        n += copy >= 0;
        if (copy >= 0)
            close(copy);
    }
    return n;
}

static int on_virtual_time(bide_coroutine *program)
{
    bide__loop_set_virtual_time(bide_get_event_loop(), true);
    return bide_await(*program);
}

/* How many runs failed. */
static int fail_each_allocation(bide_coroutine program, int expected)
{
    int failures = 0, fds = fds_open();

    EXPECT_EQ(bide_run(bide_coro(on_virtual_time, &program)), expected); /* what is made once is made now */
    for (long n = 0; n < RUNS_MAX; n++) {
        size_t before = bide__alloc_live();
        bide_error_clear();
        bide__alloc_fail_at(n);
        int r = bide_run(bide_coro(on_virtual_time, &program));
        bool enough = bide__alloc_fail_at(-1);
        if (r != expected) {
            EXPECT_ERR(r, BIDE_ENOMEM);
            EXPECT_EQ(bide_error_code(), BIDE_ENOMEM);
            EXPECT_CONTAINS(bide_error_text(), "out of memory");
            failures++;
        }
        EXPECT_EQ(bide__alloc_live(), before);
        EXPECT_EQ(bide__tasks_live(), 0);
        EXPECT_EQ(bide__stacks_live(), 0);
        EXPECT_EQ(fds_open(), fds);
        if (enough)
            return failures;
    }
    FAIL("it never ended");
}

/* needs: allocations without which the program cannot go on, beside those of bide_run itself. */
#define NOMEM(name, needs)                                                    \
    static int name(void);                                                    \
    UNIT(nomem_##name)                                                        \
    {                                                                         \
        int base = fail_each_allocation(bide_coro(nop), 0);                   \
        EXPECT_LE(base + (needs), fail_each_allocation(bide_coro(name), 0));  \
    }                                                                         \
    static int name(void)

NOMEM(run, 0)
{
    return 0;
}

NOMEM(create_task_with_a_name, 1)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)1, 0), .name = "worker");
    if (!t)
        return bide_raise();
    return bide_await(t);
}

static int many_tasks(bide_task **tasks, int n)
{
    for (int i = 0; i < n; i++)
        if (!(tasks[i] = bide_create_task(bide_coro(sleep_give, (int64_t)(i % 3), 0))))
            return bide_raise();
    int done = bide_wait(tasks, (size_t)n);
    return done < 0 ? done : done - n;
}

NOMEM(create_300_tasks, 5)
{
    bide_task *tasks[300] = {NULL};
    int r = many_tasks(tasks, 300);
    for (int i = 0; i < 300; i++)
        bide_release(tasks[i]);
    return r;
}

static int step_twice(bide_generator *g, int outcome, bide_awaitable *next)
{
    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, bide_sleep_awaitable(1));
    BIDE_GENERATOR_AWAIT(g, bide_coro(sleep_give, (int64_t)1, 3));
    if (outcome < 0)
        return outcome;
    BIDE_GENERATOR_END();
    return outcome - 3;
}

NOMEM(generator_as_a_task, 0)
{
    bide_generator g = {.step = step_twice};
    bide_auto bide_task *t = bide_ensure_future(&g);
    if (!t)
        return bide_raise();
    return bide_await(t);
}

NOMEM(promise, 2)
{
    bide_future *f = NULL;
    bide_promise *p = bide_promise_new(&f);
    if (!p)
        return bide_raise();
    int code = bide_promise_set_result(p, 0);
    bide_release(p);
    code = code < 0 ? code : bide_await(f);
    bide_release(f);
    return code;
}

NOMEM(submit_to_loop, 3)
{
    bide_auto bide_future *f = bide_submit_to_loop(bide_get_event_loop(), bide_coro(nop));
    return f ? bide_await(f) : bide_raise();
}

NOMEM(to_thread_of_a_pool, 1)
{
    bide_auto bide_thread_pool *pool = bide_thread_pool_new(.threads = 1);
    return pool ? bide_to_thread(bide_coro(nop), .pool = pool) : bide_raise();
}

NOMEM(gather_of_few, 0)
{
    return bide_gather(bide_coro(sleep_give, (int64_t)2, 0), bide_sleep_awaitable(1), bide_coro(nop));
}

NOMEM(gather_of_many, 1)
{
    return bide_gather(bide_coro(nop), bide_coro(nop), bide_coro(nop), bide_sleep_awaitable(1), bide_coro(nop), bide_coro(nop));
}

NOMEM(gather_all_of_many, 1)
{
    int codes[6];
    return bide_gather_all(codes, bide_coro(nop), bide_coro(nop), bide_coro(nop), bide_sleep_awaitable(1), bide_coro(nop),
                           bide_coro(nop));
}

static int gather_300(void)
{
    bide_awaitable all[300];
    for (int i = 0; i < 300; i++)
        all[i] = BIDE_AW(bide_coro(sleep_give, (int64_t)(i % 7), 0));
    return bide_gather_n(all, 300);
}

NOMEM(gather_of_300, 5)
{
    return gather_300();
}

NOMEM(wait_first_and_timeout, 1)
{
    bide_task *tasks[6] = {NULL};
    int r = 0;
    for (int i = 0; i < 6 && r == 0; i++)
        if (!(tasks[i] = bide_create_task(bide_coro(sleep_give, (int64_t)(i + 1) * 10, 0))))
            r = bide_raise();
    if (r == 0 && (r = bide_wait(tasks, 6, .until = BIDE_FIRST_COMPLETED)) == 1)
        r = bide_wait(tasks, 6, .timeout_ms = 5);
    for (int i = 0; i < 6; i++)
        bide_release(tasks[i]);
    return r < 0 ? r : r - 1;
}

NOMEM(as_completed, 1)
{
    bide_task *tasks[3] = {NULL}, *t;
    bide_completed *c = NULL;
    int r = 0;
    for (int i = 0; i < 3 && r == 0; i++)
        if (!(tasks[i] = bide_create_task(bide_coro(sleep_give, (int64_t)i, 0))))
            r = bide_raise();
    if (r == 0 && !(c = bide_as_completed(tasks, 3, .timeout_ms = 1000)))
        r = bide_raise();
    while (r >= 0 && c && (r = bide_completed_next(c, &t)) == 1)
        ;
    bide_release(c);
    for (int i = 0; i < 3; i++)
        bide_release(tasks[i]);
    return r;
}

NOMEM(wait_for_a_coroutine, 0)
{
    int r = bide_wait_for(bide_coro(sleep_give, (int64_t)100, 1), 10);
    if (r != BIDE_ETIMEDOUT)
        return r;
    bide_error_clear();
    return 0;
}

NOMEM(wait_for_a_task, 0)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    if (!t)
        return bide_raise();
    int r = bide_wait_for(t, 10);
    bide_error_clear();
    return r == BIDE_ETIMEDOUT ? 0 : r;
}

NOMEM(timeout_block, 0) /* arming cannot fail, so this does without */
{
    int r = 0;
    bide_timeout(10) {
        bide_timeout(BIDE_FOREVER)
            r = bide_sleep_ms(100);
    }
    bide_error_clear();
    return r == BIDE_ETIMEDOUT ? 0 : r;
}

NOMEM(shield_a_task, 0)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)1, 0));
    if (!t)
        return bide_raise();
    return bide_shield(t);
}

NOMEM(release_while_it_runs, 0)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    if (!t)
        return bide_raise();
    return bide_sleep_ms(1);
}

NOMEM(detach_and_leave_behind, 0)
{
    bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    if (!t)
        return bide_raise();
    bide_detach(t);
    return 0;
}

NOMEM(future_with_a_result, 1)
{
    bide_auto bide_future *f = bide_future_new();
    if (!f)
        return bide_raise();
    BIDE_TRY(bide_future_set_result(f, 0));
    return bide_await(f);
}

/* The story of an error is kept if there is memory for it; the code is kept always. */
NOMEM(future_and_task_with_an_error, 1)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = f ? bide_create_task(bide_coro(give, -EIO)) : NULL;
    if (!t)
        return bide_raise();
    bide_fail(-EIO, "a story");
    BIDE_IGNORE(bide_future_set_error(f, -EIO));
    bide_error_clear();
    if (bide_await(f) != -EIO || bide_await(t) != -EIO)
        return -EINVAL;
    bide_error_clear();
    return 0;
}

static void count_future(bide_future *f, void *arg)
{
    (void)f;
    ++*(int *)arg;
}

static void count_task(bide_task *t, void *arg)
{
    (void)t;
    ++*(int *)arg;
}

NOMEM(done_callbacks, 4)
{
    int called = 0;
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = f ? bide_create_task(bide_coro(nop)) : NULL;
    if (!t)
        return bide_raise();
    BIDE_TRY(bide_task_add_done_callback(t, count_task, &called));
    BIDE_TRY(bide_future_add_done_callback(f, count_future, &called));
    BIDE_TRY(bide_future_set_result(f, 0));
    BIDE_TRY(bide_future_add_done_callback(f, count_future, &called)); /* of one that is done */
    BIDE_TRY(bide_sleep_ms(1));
    return called - 3;
}

static void count(void *arg)
{
    ++*(int *)arg;
}

NOMEM(calls_soon_later_at_and_from_a_thread, 2) /* a chunk for three, and one alone */
{
    static int called;
    bide_loop *loop = bide_get_event_loop();
    called = 0;
    if (!bide_loop_call_soon(loop, count, &called) || !bide_loop_call_later(loop, 5, count, &called) ||
        !bide_loop_call_at(loop, bide_loop_time_ms(loop) + 5, count, &called))
        return bide_raise();
    BIDE_TRY(bide_loop_call_soon_threadsafe(loop, count, &called));
    BIDE_TRY(bide_sleep_ms(10));
    return called - 4;
}

NOMEM(to_thread, 1)
{
    return bide_to_thread(bide_coro(nop));
}

NOMEM(another_loop, 2)
{
    bide_auto bide_loop *loop = bide_loop_new();
    if (!loop)
        return bide_raise();
    return bide_loop_close(loop);
}

NOMEM(task_group, 4)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, bide_coro(sleep_give, (int64_t)5, 1), .name = "one"));
    BIDE_TRY(bide_task_group_start(g, bide_shield_awaitable(bide_coro(nop))));
    return bide_task_group_wait(g);
}

NOMEM(context, 4)
{
    static char key;
    BIDE_TRY(bide_context_set_taking(&key, strdup("value"), free));
    bide_auto bide_task *t = BIDE_TRY_PTR(bide_create_task(bide_coro(nop), .name = "inherits", .eager = true));
    BIDE_TRY_PTR(bide_loop_call_soon(bide_get_event_loop(), trace_call, "x"));
    BIDE_TRY(bide_context_set(&key, NULL));
    return bide_await(t);
}

NOMEM(scopes, 0)
{
    int r = 0;
    bide_scope(s, .timeout_ms = 5)
        r = bide_sleep_ms(10);
    return r == BIDE_ETIMEDOUT ? 0 : r;
}

static void *thread_program(void *code)
{
    bide_loop *loop = bide_get_event_loop();
    int r = loop ? bide_run_until_complete(loop, bide_coro(sleep_give, (int64_t)0, 0)) : bide_error_code();

    if (r < 0)
        EXPECT_CONTAINS(bide_error_text(), "out of memory");
    *(int *)code = r;
    return NULL;
}

UNIT(nomem_the_loop_of_a_thread)
{
    int failures = 0;
    for (long n = 0;; n++) {
        size_t before = bide__alloc_live();
        pthread_t thread;
        int code = 1;
        bide__alloc_fail_at(n);
        EXPECT_EQ(pthread_create(&thread, NULL, thread_program, &code), 0);
        pthread_join(thread, NULL);
        bool enough = bide__alloc_fail_at(-1);
        EXPECT_TRUE(code == 0 || code == BIDE_ENOMEM);
        EXPECT_EQ(bide__alloc_live(), before);
        EXPECT_EQ(bide__stacks_live(), 0);
        failures += code < 0;
        if (enough)
            break;
    }
    EXPECT_LE(3, failures);
}
