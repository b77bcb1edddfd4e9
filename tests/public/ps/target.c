/* SPDX-License-Identifier: MIT */
/*
 * target.c - a program for `bide ps` to look at.
 *
 *     target SLEEPERS [MODE]     wait | block | spin | churn | work | thread | several | chain | overflow | report | abort | fault; prints "ready" when it is
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bide/bide.h>

BIDE_QUEUE_TYPE(number_queue, int);

static bide_lock lock;
static number_queue *numbers;
static bide_future *never;

static int sleeper(int ms)
{
    return bide_sleep_ms(ms);
}

static int holds_lock(void)
{
    BIDE_TRY(bide_lock_acquire(&lock));
    BIDE_TRY(bide_sleep_ms(1000000));
    return bide_lock_release(&lock);
}

static int wants_lock(void)
{
    return bide_lock_acquire(&lock);
}

static int wants_number(void)
{
    int n;
    return bide_queue_get(numbers, &n);
}

static int wants_future(void)
{
    return bide_await(never);
}

static int awaits(bide_task *t)
{
    return bide_await(t);
}

static int reads_socket(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return -errno;
    bide_timeout(900000) {
        BIDE_TRY(bide_fd_wait(pair[0], BIDE_READABLE));
    }
    return 0;
}

static int gathers(void)
{
    return bide_gather(bide_coro(sleeper, 700000), bide_coro(sleeper, 700001));
}

static int blocks(void)
{
    return (int)sleep(1000);
}

static int calls_thread(void)
{
    return bide_to_thread(bide_coro(blocks));
}

static int spins(void)
{
    for (volatile unsigned long i = 0;; i++)
        ;
    return 0;
}

/* Tasks that end, are cancelled, and are made anew, all the time. */
static int churns(void)
{
    for (;;) {
        bide_task *t[40];
        for (int i = 0; i < 40; i++)
            if (!(t[i] = bide_create_task(bide_coro(sleeper, i % 3), .name = i % 2 ? "short-lived" : NULL)))
                return bide_raise();
        BIDE_TRY(bide_sleep_ms(0));
        for (int i = 0; i < 40; i += 2)
            bide_task_cancel(t[i]);
        for (int i = 0; i < 40; i++) {
            BIDE_IGNORE(bide_await(t[i]));
            bide_release(t[i]);
        }
    }
}

/* In a worker. */
static int job_that_waits(const int *ms)
{
    return bide_sleep_ms(*ms);
}
BIDE_POOL_TASK(job_that_waits, const int *);

static int works(void)
{
    bide_auto bide_pool *pool = BIDE_TRY_PTR(bide_pool_new(.workers = 2));
    int ms = 1000000;
    return bide_pool_call(pool, bide_job(job_that_waits, &ms));
}

static int crashes(int by)
{
    if (by == 0)
        abort();
    int *volatile nowhere = NULL;
    return *nowhere;
}

static int awaits_crash(int by)
{
    return bide_gather(bide_coro(sleeper, 1000), bide_coro(crashes, by));
}

/* Each way to wait for another task, around one that crashes. */
static int overflows(int n)
{
    volatile char frame[4096];

    memset((char *)frame, n, sizeof frame);
    return n > 0 ? overflows(n - 1) + frame[7] : 0;
}

static int ends_badly(int by)
{
    BIDE_TRY(bide_sleep_ms(1));
    return by == 0 ? crashes(0) : overflows(10000);
}

static int in_group(int by)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, bide_coro(ends_badly, by)));
    return bide_task_group_wait(g);
}

static int shields(int by)
{
    return bide_shield(bide_coro(in_group, by));
}

static int waits_for_time(int by)
{
    bide_awaitable all[] = {BIDE_AW(bide_coro(shields, by))};
    return bide_wait(all, 1, .timeout_ms = 800000);
}

static int chooses(int by)
{
    return bide_select(NULL, bide_coro(waits_for_time, by), bide_sleep_awaitable(900000));
}

static int takes_completed(int by)
{
    bide_awaitable all[] = {BIDE_AW(bide_coro(chooses, by))};
    bide_auto bide_completed *c = BIDE_TRY_PTR(bide_as_completed(all, 1, .timeout_ms = 850000));
    size_t i;
    return bide_completed_next(c, &i);
}

/* The same, and they wait. */
static int waits_in_all_ways(void)
{
    bide_awaitable all[] = {BIDE_AW(bide_coro(sleeper, 710000)), BIDE_AW(bide_coro(sleeper, 710001))};
    return bide_wait(all, 2, .timeout_ms = 800000);
}

static int chooses_among(void)
{
    int n;
    return bide_select(NULL, never, bide_queue_get_awaitable(numbers, &n), bide_coro(sleeper, 720000), bide_sleep_awaitable(810000),
                       bide_lock_awaitable(&lock));
}

static int shields_sleeper(void)
{
    return bide_shield(bide_coro(sleeper, 730000));
}

static int takes_next(void)
{
    bide_awaitable all[] = {BIDE_AW(bide_coro(sleeper, 740000))};
    bide_auto bide_completed *c = BIDE_TRY_PTR(bide_as_completed(all, 1, .timeout_ms = 850000));
    size_t i;
    return bide_completed_next(c, &i);
}

/* At both ends of a Unix socket, of which one has an address. */
static int reads_unix(bide_listener *l)
{
    char address[64], byte;
    snprintf(address, sizeof address, "unix:@bide-ps-%d", (int)getpid());
    bide_auto bide_stream *s = BIDE_TRY_PTR(bide_connect(address, 0));
    bide_auto bide_stream *other = BIDE_TRY_PTR(bide_accept(l));
    return (int)bide_read(s, &byte, 1);
}

static int waits_for_process(void)
{
    bide_auto bide_process *p = BIDE_TRY_PTR(bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_PIPE, /* it ends with us */
                                                                .stdout_to = BIDE_PATH("/dev/null"), .stderr_to = BIDE_PATH("/dev/null")));
    return bide_process_wait(p);
}

static int step_to_future(bide_generator *g, int outcome, bide_awaitable *next)
{
    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, never);
    BIDE_GENERATOR_END();
    return outcome;
}

static int start(bide_coroutine c, const char *name)
{
    bide_task *t = bide_create_task(c, .name = name);
    if (!t)
        return bide_raise();
    bide_detach(t);
    return 0;
}

static int app(int sleepers, const char *mode)
{
    numbers = BIDE_TRY_PTR(bide_queue_new(number_queue, 0));
    never = BIDE_TRY_PTR(bide_future_new());
    bide_task *holder = BIDE_TRY_PTR(bide_create_task(bide_coro(holds_lock), .name = "holder"));
    BIDE_TRY(bide_sleep_ms(0));
    BIDE_TRY(start(bide_coro(wants_lock), NULL));
    BIDE_TRY(start(bide_coro(wants_number), NULL));
    BIDE_TRY(start(bide_coro(wants_future), NULL));
    BIDE_TRY(start(bide_coro(awaits, holder), "awaiter\033[31m"));
    BIDE_TRY(start(bide_coro(reads_socket), NULL));
    BIDE_TRY(start(bide_coro(gathers), NULL));
    for (int i = 0; i < sleepers; i++)
        BIDE_TRY(start(bide_coro(sleeper, 600000 + i), NULL));
    if (strcmp(mode, "work") == 0)
        BIDE_TRY(start(bide_coro(works), NULL));
    if (strcmp(mode, "thread") == 0)
        BIDE_TRY(start(bide_coro(calls_thread), NULL));
    if (strcmp(mode, "churn") == 0)
        BIDE_TRY(start(bide_coro(churns), NULL));
    static bide_generator stackless = {.step = step_to_future};
    bide_auto bide_task *generator = NULL;
    bide_auto bide_listener *listener = NULL;
    if (strcmp(mode, "several") == 0) {
        char address[64];
        snprintf(address, sizeof address, "unix:@bide-ps-%d", (int)getpid());
        listener = BIDE_TRY_PTR(bide_listen(address, 0));
        BIDE_TRY(start(bide_coro(reads_unix, listener), NULL));
        BIDE_TRY(start(bide_coro(waits_for_process), NULL));
        BIDE_TRY(start(bide_coro(waits_in_all_ways), NULL));
        BIDE_TRY(start(bide_coro(chooses_among), NULL));
        BIDE_TRY(start(bide_coro(shields_sleeper), NULL));
        BIDE_TRY(start(bide_coro(takes_next), NULL));
        generator = BIDE_TRY_PTR(bide_create_task((bide_coroutine){0}, .generator = &stackless, .name = "stackless"));
    }
    if (strcmp(mode, "chain") == 0 || strcmp(mode, "overflow") == 0) {
        bide_auto bide_task *t = BIDE_TRY_PTR(bide_create_task(bide_coro(takes_completed, mode[0] == 'o')));
        return bide_await(t);
    }
    BIDE_TRY(bide_sleep_ms(50));
    if (strcmp(mode, "block") == 0)
        BIDE_TRY(start(bide_coro(blocks), "blocker"));
    if (strcmp(mode, "spin") == 0)
        BIDE_TRY(start(bide_coro(spins), "spinner"));
    if (strcmp(mode, "abort") == 0 || strcmp(mode, "fault") == 0) {
        bide_auto bide_task *t = BIDE_TRY_PTR(bide_create_task(bide_coro(awaits_crash, mode[0] == 'f'), .name = "parent"));
        return bide_await(t);
    }
    puts("ready");
    if (strcmp(mode, "report") == 0)
        BIDE_TRY(bide_debug_report(stdout));
    fflush(stdout);
    return bide_sleep_ms(1000000);
}

int main(int argc, char **argv)
{
    return bide_main(bide_coro(app, argc > 1 ? atoi(argv[1]) : 3, argc > 2 ? argv[2] : "wait"));
}
