/* SPDX-License-Identifier: MIT */
/* test_deadlock.c - tasks that nothing can wake are reported, and those that something outside may wake are not. */
#include <bide/broadcast.h>
#include <bide/channel.h>
#include <bide/debug.h>
#include <bide/group.h>
#include <bide/select.h>
#include <bide/sync.h>
#include <bide/thread.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "core/trace.h"
#include "core/turn/operation.h"
#include "harness/harness.h"

static char said[16384];

static void collect(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s\n", message);
}

static bide_loop *loop;

/* A loop whose reports are collected; where other threads or handlers are anyway (valgrind, TSan, qemu), nothing can be told. */
static void open_loop(void)
{
    struct stat st;
    loop = bide_loop_new();
    EXPECT_NOT_NULL(loop);
    if (bide__signals_may_call_in(loop) || stat("/proc/self/task", &st) < 0 || st.st_nlink != 3) {
        bide_release(loop);
        SKIP("somebody else is in this process");
    }
    bide_loop_set_exception_handler(loop, collect, NULL);
}

/* What a task was reported to wait for.  Where it was made is known of all here; how that is said depends on libdw. */
static void expect_line(const char *task, const char *awaited)
{
    char begin[128], end[256];
    snprintf(begin, sizeof begin, "  %s, made at ", task);
    snprintf(end, sizeof end, ", waits for %s\n", awaited);
    const char *line = strstr(said, begin);

    EXPECT_CONTAINS(said, begin);
    EXPECT_CONTAINS(line, end);
    EXPECT_TRUE(strstr(line, end) < strchr(line, '\n'));
}

static bide_future *never;

static int waits_for_ever(int n)
{
    (void)n;
    if (!never)
        never = bide_future_new();
    return bide_await(never);
}

/* ---- what is reported ---- */

static int gathers(void)
{
    bide_auto bide_task *reader = bide_create_task(bide_coro(waits_for_ever, 1), .name = "reader");
    bide_auto bide_task *other = bide_create_task(bide_coro(waits_for_ever, 2));
    return bide_gather(reader, other);
}

/* asyncio 51 */
UNIT(deadlock_names_who_waits_for_what_and_where_it_was_made)
{
    open_loop();
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(gathers)), BIDE_EDEADLOCK);
    EXPECT_STR(bide_error_text(), "deadlock: no task can go on, and nothing outside of the event loop is waited for");
    EXPECT_CONTAINS(said, "deadlock: nothing can wake the tasks of this event loop:\n");
    expect_line("Task-1 (gathers)", "reader (#2) (waits_for_ever), Task-3 (waits_for_ever)");
    EXPECT_CONTAINS(said, "  reader (#2) (waits_for_ever), made at ");
    EXPECT_CONTAINS(said, "gathers");
    EXPECT_CONTAINS(said, ", waits for a future that nobody settles\n");
    EXPECT_NULL(strstr(said, "circle"));
    bide_release(never);
    bide_release(loop); /* the tasks are cancelled, and end */
}

#define RING 40 /* more than bide_await looks along before it waits */
static bide_task *ring[RING];

static int waits_for_next(int i)
{
    return bide_await(ring[(i + 1) % RING]);
}

static int makes_a_ring(void)
{
    for (int i = 0; i < RING; i++)
        ring[i] = bide_create_task(bide_coro(waits_for_next, i));
    return bide_await(ring[0]);
}

UNIT(deadlock_shows_a_circle_and_counts_what_it_does_not_show)
{
    open_loop();
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(makes_a_ring)), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(said, "  and 21 more\n");
    EXPECT_CONTAINS(said, "  in a circle: ");
    EXPECT_EQ(bide_loop_close(loop), 0);
    for (int i = 0; i < RING; i++)
        bide_release(ring[i]);
    bide_release(loop);
}

static struct list_node waiting = {&waiting, &waiting};

static int probe_check(const bide_operation *op)
{
    (void)op;
    return 0;
}

static int probe_attempt(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    (void)w;
    return OPERATION_WAITS;
}

static void probe_enlist(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    bide__list_append(&waiting, &w->clause.node);
}

static void probe_withdraw(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    bide__list_remove(&w->clause.node);
}

static const struct bide_operation_ops probe_ops = {"probe_get", probe_check, probe_attempt, probe_enlist, probe_withdraw};

static int waits_for_an_operation(void)
{
    bide_operation op = {.ops = &probe_ops};
    return bide__operation_await(&op);
}

UNIT(deadlock_names_the_operation_that_is_waited_for)
{
    open_loop();
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(waits_for_an_operation)), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(said, "deadlock: nothing can wake the only task of this event loop:\n");
    expect_line("Task-1 (waits_for_an_operation)", "probe_get");
    bide_release(loop);
}

static int add_in_thread(int a, int b)
{
    return a + b;
}

static int calls_a_thread_first(void)
{
    EXPECT_EQ(bide_to_thread(bide_coro(add_in_thread, 1, 2)), 3);
    return waits_for_ever(0);
}

/* The thread is idle, or will be in a moment: then the loop looks again. */
UNIT(deadlock_is_seen_beside_idle_threads_of_ours)
{
    open_loop();
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(calls_a_thread_first)), BIDE_EDEADLOCK);
    bide_release(never);
    bide_release(loop);
}

static void *ends_at_once(void *arg)
{
    return arg;
}

static int starts_a_thread_that_does_not_call(void)
{
    pthread_t id;
    EXPECT_EQ(pthread_create(&id, NULL, ends_at_once, NULL), 0);
    EXPECT_EQ(pthread_detach(id), 0);
    return waits_for_ever(0);
}

UNIT(deadlock_is_seen_when_the_last_other_thread_has_ended)
{
    open_loop();
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(starts_a_thread_that_does_not_call)), BIDE_EDEADLOCK);
    bide_release(never);
    bide_release(loop);
}

static int ignores_its_cancellation(void)
{
    BIDE_IGNORE(waits_for_ever(0)); /* the cancellation goes to that future, too */
    return bide_await(bide_future_new());
}

#define SOON_NS INT64_C(4900000000) /* without the timer for calls that take long (5 s) */

/* Before, closing such a loop never ended; and once there was a timer for what takes long, it was reported only after that. */
UNIT(closing_a_loop_ends_though_a_task_ignores_its_cancellation_and_waits_on)
{
    open_loop();
    bide_release(loop);
    pid_t child = fork();
    if (child == 0) { /* the task's stack stays for good */
        alarm(20);
        loop = bide_loop_new();
        bide_loop_set_exception_handler(loop, collect, NULL);
        int code = bide_run_until_complete(loop, bide_coro(ignores_its_cancellation));
        said[0] = '\0';
        int64_t before_ns = bide__clock_ns();
        bool is_closed = code == BIDE_EDEADLOCK && bide_loop_close(loop) == 0 && strstr(said, "nothing can wake the only task");
        _exit(!is_closed ? 1 : bide__clock_ns() - before_ns < SOON_NS ? 0 : 2);
    }
    int status;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

static void expect_reported(bide_coroutine app, const char *awaited)
{
    open_loop();
    said[0] = '\0';
    EXPECT_ERR(bide_run_until_complete(loop, app), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(said, awaited);
    bide_release(never);
    never = NULL;
    bide_release(loop);
}

/* ---- several at once, and where they were made ---- */

static int waits_for_a_group(void)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    for (int i = 0; i < 6; i++)
        BIDE_TRY(bide_task_group_start(g, bide_coro(waits_for_ever, i)));
    return bide_task_group_wait(g);
}

static int waits_behind_a_shield(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(waits_for_ever, 1), .name = "inner");
    return bide_shield(t);
}

static int waits_for_a_shield(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(waits_for_ever, 1), .name = "inner");
    return bide_await(bide_shield_awaitable(t));
}

static int waits_for_the_first(void)
{
    bide_awaitable all[] = {BIDE_AW(bide_coro(waits_for_ever, 1)), BIDE_AW(bide_coro(waits_for_ever, 2))};
    return bide_wait(all, 2, .until = BIDE_FIRST_COMPLETED);
}

static int holds(bide_lock *l)
{
    BIDE_TRY(bide_lock_acquire(l));
    return waits_for_ever(0);
}

static int chooses(void)
{
    bide_event e = {0};
    bide_lock l = {0};
    bide_auto bide_task *t = bide_create_task(bide_coro(holds, &l));
    BIDE_TRY(bide_sleep_ms(0));
    return bide_select(NULL, bide_event_awaitable(&e), t, bide_lock_awaitable(&l), bide_coro(waits_for_ever, 2), bide_coro(waits_for_ever, 3),
                       bide_event_awaitable(&e));
}

static int takes_what_ends(void)
{
    size_t which;
    bide_awaitable all[] = {BIDE_AW(bide_coro(waits_for_ever, 1)), BIDE_AW(bide_coro(nop))};
    bide_auto bide_completed *c = bide_as_completed(all, 2);
    EXPECT_EQ(bide_completed_next(c, &which), 1);
    return bide_completed_next(c, &which);
}

static int waits_with_a_time(void)
{
    return bide_wait_for(bide_coro(waits_for_ever, 1), BIDE_FOREVER);
}

static bide_barrier barrier;

static int waits_at_a_barrier(void)
{
    barrier = (bide_barrier)BIDE_BARRIER(3);
    return bide_barrier_wait(&barrier);
}

UNIT(deadlock_names_all_that_is_waited_for)
{
    expect_reported(bide_coro(waits_for_a_group), ", waits for Task-2 (waits_for_ever), Task-3 (waits_for_ever), Task-4 (waits_for_ever), "
                                                  "Task-5 (waits_for_ever) and 2 more\n");
    expect_reported(bide_coro(waits_behind_a_shield), "(waits_behind_a_shield), made at ");
    EXPECT_CONTAINS(said, ", waits for inner (#");
    expect_reported(bide_coro(waits_for_a_shield), ", waits for inner (#");
    expect_reported(bide_coro(waits_for_the_first), ", waits for one of Task-");
    expect_reported(bide_coro(chooses), ", waits for one of bide_event_wait, Task-");
    EXPECT_CONTAINS(said, " (holds), bide_lock_acquire held by Task-");
    EXPECT_CONTAINS(said, " (waits_for_ever) and 2 more\n");
    expect_reported(bide_coro(takes_what_ends), "(takes_what_ends), made at ");
    expect_reported(bide_coro(waits_with_a_time), ", waits for a future that nobody settles\n");
    expect_reported(bide_coro(waits_at_a_barrier), ", waits for bide_barrier_wait\n");
    EXPECT_NULL(strstr(said, "bide_condition_wait"));
}

/* Each that is not the first of a loop was made in this file, and that is said. */
UNIT(deadlock_says_where_each_task_was_made_however_it_was)
{
    static int (*const all[])(void) = {waits_for_a_group, waits_behind_a_shield, waits_for_the_first, chooses, takes_what_ends};
    for (size_t i = 0; i < array_len(all); i++) {
        expect_reported((bide_coroutine){(void (*)(void))all[i], "app", 0, {0}}, "waits for ");
        size_t tasks = 0, made = 0;
        for (const char *at = said; (at = strstr(at, "\n  ")) != NULL; at++)
            tasks++;
        for (const char *at = said; (at = strstr(at, ", made at ")) != NULL; at++)
            made++;
        EXPECT_LT(1, tasks);
        EXPECT_EQ(made, tasks);
    }
}

/* ---- what only another thread could do, and there is none ---- */

BIDE_CHANNEL_TYPE(int_channel, int);
BIDE_BROADCAST_TYPE(int_news, int);

static int receives_from_nobody(void)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    int item;
    return bide_channel_receive(c, &item);
}

static int sends_to_nobody(void)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    int item = 1;
    BIDE_TRY(bide_channel_send(c, &item));
    return bide_channel_send(c, &item);
}

static int receives_what_nobody_sends(void)
{
    bide_auto int_news *b = bide_broadcast_new(int_news, 1);
    bide_auto int_news_receiver *r = bide_broadcast_subscribe(b);
    int item;
    return bide_broadcast_receive(r, &item);
}

static int keeps_no_promise(void)
{
    bide_auto bide_future *f = NULL;
    bide_promise *p = bide_promise_new(&f);
    int code = bide_await(f);
    bide_release(p);
    return code;
}

static int calls_in_a_loop_that_does_not_run(bide_loop *other)
{
    return bide_call_in_loop(other, bide_coro(nop));
}

UNIT(deadlock_through_what_other_threads_use_is_seen_where_there_is_none)
{
    expect_reported(bide_coro(receives_from_nobody), "waits for bide_channel_receive\n");
    expect_reported(bide_coro(sends_to_nobody), "waits for bide_channel_send\n");
    expect_reported(bide_coro(receives_what_nobody_sends), "waits for bide_broadcast_receive\n");
    expect_reported(bide_coro(keeps_no_promise), "waits for a promise that nobody keeps\n");
}

UNIT(deadlock_of_a_call_in_a_loop_that_nobody_runs_is_seen)
{
    open_loop();
    bide_loop *other = bide_loop_new();
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(calls_in_a_loop_that_does_not_run, other)), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(said, "waits for a call in another loop\n");
    bide_release(loop);
    bide_release(other);
}

static int receives_or_sleeps(void)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    int item;
    return bide_select(NULL, bide_channel_receive_awaitable(c, &item), bide_sleep_awaitable(20));
}

static void *sends_late(void *channel)
{
    int item = 7;
    while (__atomic_load_n(&loop->looked_again, __ATOMIC_RELAXED) < 3)
        sched_yield();
    EXPECT_EQ(bide_channel_send_nowait((int_channel *)channel, &item), 0);
    return NULL;
}

static int receives_from_a_thread(void)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    pthread_t id;
    int item;
    EXPECT_EQ(pthread_create(&id, NULL, sends_late, c), 0);
    BIDE_TRY(bide_channel_receive(c, &item));
    EXPECT_EQ(pthread_join(id, NULL), 0);
    return item;
}

UNIT(channel_that_a_timer_or_a_thread_ends_the_wait_for_is_no_deadlock)
{
    open_loop();
    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(receives_or_sleeps)), 1);
    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(receives_from_a_thread)), 7);
    EXPECT_STR(said, "");
    EXPECT_EQ(loop->outside, 0);
    EXPECT_EQ(loop->by_threads, 0);
    bide_release(loop);
}

/* ---- what is not ---- */

/* Would the loop that runs now wait for ever?  Asked as it asks itself. */
static int ask(bide_loop *l)
{
    int64_t timeout_ns = -1;
    bool before = l->runs_until;

    l->runs_until = true;
    int code = bide__loop_check_progress(l, &timeout_ns);
    l->runs_until = before;
    return code;
}

UNIT(loop_is_not_stuck_while_somebody_may_wake_it)
{
    open_loop();
    EXPECT_ERR(ask(loop), BIDE_EDEADLOCK);

    EXPECT_EQ(bide_loop_set_external(loop, true), 0);
    EXPECT_EQ(ask(loop), 0);
    EXPECT_EQ(bide_loop_set_external(loop, false), 0);
    EXPECT_ERR(ask(loop), BIDE_EDEADLOCK);

    loop->outside = 1; /* a call in a thread, a pool */
    EXPECT_EQ(ask(loop), 0);
    loop->by_threads = 1; /* unless only a thread could do it */
    EXPECT_ERR(ask(loop), BIDE_EDEADLOCK);
    loop->outside = loop->by_threads = 0;
    loop->watched = 1; /* a descriptor */
    EXPECT_EQ(ask(loop), 0);
    loop->watched = 0;

    struct poller_ops wrapped = *loop->poller_ops;
    wrapped.only_descriptors = false;
    const struct poller_ops *plain = loop->poller_ops;
    loop->poller_ops = &wrapped;
    EXPECT_EQ(ask(loop), 0);
    loop->poller_ops = plain;

    int64_t timeout_ns = -1;
    EXPECT_EQ(bide__loop_check_progress(loop, &timeout_ns), 0); /* bide_run_forever: for ever is what it says */
    EXPECT_ERR(bide_loop_set_external(NULL, true), -EINVAL);
    bide_release(loop);
}

static void stop_it(int signal)
{
    (void)signal;
    bide_loop_stop(loop);
}

UNIT(loop_with_a_signal_handler_of_the_program_waits_for_it)
{
    open_loop();
    struct sigaction action = {.sa_handler = stop_it};
    struct itimerval soon = {.it_value.tv_usec = 20000};
    EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
    EXPECT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(waits_for_ever, 0)), BIDE_ESTOPPED);
    EXPECT_STR(said, "");
    bide_release(never);
    bide_release(loop);
}

static int waits_in_main(void)
{
    bide_auto bide_future *f = bide_future_new();
    return bide_await(f);
}

UNIT(deadlock_is_seen_in_a_program_of_bide_main)
{
    open_loop();
    bide_release(loop);
    EXPECT_EQ(bide_main(bide_coro(waits_in_main)), 1); /* its handler of SIGINT is none of the program's */
    EXPECT_EQ(bide_error_code(), BIDE_EDEADLOCK);
    EXPECT_EQ(bide_main(bide_coro(waits_in_main), .leave_signals = true), 1);
    EXPECT_EQ(bide_error_code(), BIDE_EDEADLOCK);
}

static void settle_it(void *arg)
{
    (void)arg;
    BIDE_IGNORE(bide_future_set_result(never, 7));
}

/* It calls when the loop has looked again as often as it does. */
static void *calls_late(void *arg)
{
    while (__atomic_load_n(&loop->looked_again, __ATOMIC_RELAXED) < 3)
        sched_yield();
    EXPECT_EQ(bide_loop_call_soon_threadsafe(loop, settle_it, NULL), 0);
    return arg;
}

static int waits_for_a_thread(pthread_t *id)
{
    EXPECT_EQ(pthread_create(id, NULL, calls_late, NULL), 0);
    return waits_for_ever(0);
}

UNIT(loop_waits_for_another_thread_however_long_that_takes)
{
    pthread_t id;
    open_loop();
    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(waits_for_a_thread, &id)), 7);
    EXPECT_EQ(pthread_join(id, NULL), 0);
    EXPECT_STR(said, "");
    bide_release(never);
    bide_release(loop);
}
