/* SPDX-License-Identifier: MIT */
/*
 * turn.c - the turns of a loop: run what is ready, fire what is due, wait for what comes; repeat.
 *
 * A turn runs just what was ready when it began; what becomes ready meanwhile waits for the next one.  The kernel is
 * not asked in every turn: while there is work, it is asked after a number of resumes, and otherwise only when nothing
 * is ready.  The clock is read when the kernel is asked.
 *
 * Invariants:
 *   L1  a thread has at most one running loop; bide__loop_here is it.
 *   L2  what is taken from the queue is not in it while it runs, so it may be pushed again at once.
 */
#include <limits.h>

#include <bide/embed.h>

#include "core/loop/steps.h"
#include "core/turn/timeline/traced.h"

/* How far ahead in the queue memory is fetched: first the entry, then the stack it points to. */
#define LOOK_AHEAD 8
#define NS_PER_MS 1000000
#define POLL_MAX_MS ((int64_t)24 * 3600 * 1000)
/* A wait that ends so much later than it was to: the process was stopped (^Z), or others had the processor. */
#define LATE_NS (INT64_C(50) * NS_PER_MS)

/* ---- running ---- */

/* Inlined by force: gcc takes a function that only fetches for one without effects, and drops the call. */
static inline __attribute__((always_inline)) void look_ahead(const struct ring *q, uint32_t at)
{
    uintptr_t far = (uintptr_t)q->slots[(at + 2 * LOOK_AHEAD) & q->mask]; /* a hole is 0, which does no harm */
    const struct ready *near = q->slots[(at + LOOK_AHEAD) & q->mask];

    __builtin_prefetch((const void *)(far - offsetof(bide_task, ready)));
    __builtin_prefetch((const void *)far);
    __builtin_prefetch((const void *)(far + offsetof(bide_task, all) - offsetof(bide_task, ready)));
    if (near && near->run == bide__task_run) {
        const char *sp = container_of(near, bide_task, ready)->fiber.context.sp;
        for (int line = 0; line < 4; line++)
            __builtin_prefetch(sp + line * 64);
    }
}

/* Not inline, so that the registers are those of tasks.  What is no task has the loop's error record: it must replace neither a task's nor that of the loop's caller. */
static __attribute__((noinline)) void run_other(bide_loop *loop, struct ready *r)
{
    bide__error_current_record = &loop->error;
    loop->others++;
    if (unlikely(loop->notes_steps))
        bide__run_noted(loop, r);
    else
        r->run(r);
}

static void run_ready(bide_loop *loop)
{
    struct ring *q = &loop->ring;

    for (q->turn_end = q->tail; q->head != q->turn_end;) {
        struct ready *r = q->slots[q->head & q->mask];
        if (q->turn_end - q->head > 2 * LOOK_AHEAD)
            look_ahead(q, q->head);
        q->slots[q->head & q->mask] = NULL;
        q->head++;
        if (!r)
            continue;
        r->place = 0;
        if (likely(r->run == loop->plain_run))
            bide__task_resume(loop, container_of(r, bide_task, ready));
        else
            run_other(loop, r);
    }
    bide__error_current_record = &loop->error;
}

/* ---- waiting ---- */

static int64_t poll_timeout_ns(bide_loop *loop)
{
    bool is_waited_for = !bide__list_is_empty(&loop->taken) || !bide__list_is_empty(&loop->io_waiters);
    if (bide__ring_count(&loop->ring) > 0 || loop->stopping || is_waited_for)
        return 0;
    int64_t next_ms = bide__wheel_next_ms(&loop->wheel);
    if (next_ms < 0)
        return -1;

    if (!loop->virtual_time)
        loop->now_ns = bide__clock_ns();
    if (unlikely(!bide__list_is_empty(&loop->wheel.fresh))) {
        bide__timers_date(loop);
        next_ms = bide__wheel_next_ms(&loop->wheel);
    }
    if (next_ms - loop->now_ns / NS_PER_MS > POLL_MAX_MS) /* in nanoseconds, the time itself may be too large */
        return POLL_MAX_MS * NS_PER_MS;
    int64_t ns = next_ms * NS_PER_MS - loop->now_ns;
    return ns < 0 ? 0 : ns;
}

/* Virtual time: when nothing but a timer can happen, it is that time now. */
static int64_t jump_ahead(bide_loop *loop, int64_t timeout_ns)
{
    if (!loop->virtual_time || timeout_ns <= 0 || loop->outside > 0)
        return timeout_ns;
    loop->now_ns += timeout_ns;
    return 0;
}

/* No timer is armed but, if it closes, the one that says so when that takes long (loop_pools.c). */
static bool would_sleep_without_end(const bide_loop *loop, int64_t timeout_ns)
{
    return timeout_ns < 0 || (loop->late && bide__timer_is_armed(loop->late) && loop->wheel.count == 1);
}

/* Again when the timer has passed, which wakes the loop and does no more. */
static __attribute__((noinline, cold)) void cool_stacks(bide_loop *loop)
{
    int next_ms = bide__stack_pool_cool(&loop->stacks);

    if (next_ms > 0)
        bide__timer_arm(loop, &loop->cooling, next_ms);
}

/* SIGINT came (interrupt.c). */
static __attribute__((noinline, cold)) void interrupt(bide_loop *loop)
{
    atomic_store(&loop->is_interrupted, false);
    if (loop->on_interrupt)
        loop->on_interrupt(loop);
}

/* Not inline: once in hundreds of resumes, and the turn is shorter without it. */
static __attribute__((noinline)) int ask_kernel(bide_loop *loop)
{
    if (unlikely(loop->stacks.has_excess && !bide__timer_is_armed(&loop->cooling)))
        cool_stacks(loop);
    int64_t timeout_ns = jump_ahead(loop, poll_timeout_ns(loop)), before_ns = loop->now_ns;
    if (unlikely(timeout_ns != 0) && would_sleep_without_end(loop, timeout_ns) && bide__loop_check_progress(loop, &timeout_ns) < 0)
        return BIDE_EDEADLOCK;
    int code = loop->poller_ops->wait(loop->poller, timeout_ns);

    loop->budget = LOOP_RESUMES_PER_POLL;
    if (!loop->virtual_time) {
        loop->now_ns = bide__clock_ns();
        /* What came before the clock was read goes before the timers that are due by it: they may be time limits for it. */
        if (unlikely(timeout_ns >= 0 && loop->now_ns - before_ns - timeout_ns > LATE_NS) && code == 0)
            code = loop->poller_ops->wait(loop->poller, 0);
    }
    if (bide__loop_must_look(loop))
        bide__loop_look_for_track(loop);
    bide__inbox_take(loop);
    if (unlikely(atomic_load_explicit(&loop->is_interrupted, memory_order_relaxed)))
        interrupt(loop);
    bide__timers_date(loop);
    bide__wheel_advance(&loop->wheel, loop->now_ns / NS_PER_MS);
    return code;
}

static int turn(bide_loop *loop)
{
    int code = 0;
    uint32_t n = bide__ring_count(&loop->ring);

    if (n == 0 || n >= loop->budget)
        code = ask_kernel(loop);
    else if (!bide__list_is_empty(&loop->wheel.due))
        bide__wheel_advance(&loop->wheel, loop->wheel.now_ms);

    n = bide__ring_count(&loop->ring);
    loop->budget -= n < loop->budget ? n : loop->budget;
    run_ready(loop);
    return code;
}

/* ---- a thread runs it ---- */

static int loop_enter(bide_loop *loop)
{
    if (bide__loop_here)
        return bide_fail(BIDE_ERUNNING, "an event loop is running in this thread already");
    if (bide__loop_is_inherited(loop))
        return bide__loop_check_slow(loop, "running the event loop");
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "the event loop is closed");
    if (!bide__loop_claim(loop))
        return bide_fail(BIDE_ERUNNING, "the event loop is running in another thread");
    int code = bide__overflow_thread_enter();
    if (code < 0) {
        bide__loop_unclaim(loop);
        return bide_fail(code, "an alternate signal stack: %s", bide_strerror(code));
    }
    if (bide__switch_state_wanted())
        bide__tasks_carry_state();
    bide__loop_here = loop;
    bide__loop_look_for_track(loop);
    if (unlikely(loop->watch != NULL))
        bide__steps_enter(loop);
    return 0;
}

static void loop_leave(bide_loop *loop)
{
    loop->stopping = false;
    if (unlikely(loop->watch != NULL))
        bide__steps_leave(loop);
    bide__loop_here = NULL;
    loop->track = NULL;
    bide__overflow_thread_leave();
    if (bide__loop_is_inherited(loop))
        bide__loop_left_behind_ends(loop);
    else
        bide__loop_unclaim(loop);
}

void bide_cplusplus_is_here(void)
{
    if (bide__switch_state_wanted())
        bide__tasks_carry_state();
}

/* As bide_run_forever; in a child that was forked meanwhile, 0. */
static int run_until_stopped(bide_loop *loop)
{
    int code = loop_enter(loop);
    if (code < 0)
        return code;

    bide__error_init(&loop->error);
    struct error_record *outer = bide__error_switch(&loop->error);
    struct task_context *outside = bide__context_outside; /* of a task that runs in another thread, perhaps: not for ours */
    bide__context_outside = NULL;
    do
        code = turn(loop);
    while (!loop->stopping && code == 0);
    bide__error_switch(outer);
    bide__context_outside = outside;
    loop_leave(loop);
    if (code < 0)
        bide__error_adopt(&loop->error);
    return code;
}

int bide_run_forever(bide_loop *loop)
{
    if (!loop)
        return bide__loop_check_slow(loop, "bide_run_forever");
    int code = run_until_stopped(loop);

    return code == 0 && bide__loop_is_inherited(loop) ? bide__loop_check_slow(loop, "bide_run_forever") : code;
}

/* ---- inside another loop ---- */

/* Stopped before it runs, a loop makes one turn, which does not wait. */
int bide_loop_run_once(bide_loop *loop)
{
    if (!loop)
        return bide__loop_check_slow(loop, "bide_loop_run_once");
    if (bide__loop_here == loop || bide_loop_is_running(loop))
        return bide_fail(BIDE_ERUNNING, "bide_loop_run_once: the event loop is running already");
    loop->stopping = true;
    loop->budget = 0; /* the kernel is asked in each, for it is what the other loop has heard from */
    int code = run_until_stopped(loop);
    if (code < 0)
        return code;
    size_t ours = bide__timer_is_armed(&loop->cooling);
    return loop->wheel.count > ours || bide__ring_count(&loop->ring) > 0 || !bide__list_is_empty(&loop->tasks);
}

int bide_loop_timeout_ms(bide_loop *loop)
{
    if (bide__loop_check(loop, "bide_loop_timeout_ms") < 0 || loop->closed)
        return 0;
    int64_t ns = atomic_load(&loop->has_inbox) ? 0 : poll_timeout_ns(loop);
    int64_t ms = ns < 0 ? -1 : (ns + NS_PER_MS - 1) / NS_PER_MS;

    return ms > INT_MAX ? INT_MAX : (int)ms;
}

void bide_loop_stop(bide_loop *loop)
{
    if (!loop || bide__loop_is_inherited(loop)) {
        bide__loop_allows_slow(loop, "bide_loop_stop");
        return;
    }
    loop->stopping = true;
    if (loop == bide__loop_here)
        return;
    pthread_mutex_lock(&loop->lock);
    if (!loop->inbox_closed)
        loop->poller_ops->wake(loop->poller);
    pthread_mutex_unlock(&loop->lock);
}

/* ---- until something is done ---- */

struct until {
    struct clause clause;
    struct ready ready;
    bide_loop *loop;
};

static void until_run(struct ready *r)
{
    bide_loop_stop(container_of(r, struct until, ready)->loop);
}

int bide__loop_run_until(bide_loop *loop, bide_future *f)
{
    struct until u = {.ready.run = until_run, .loop = loop};
    int code = bide__ring_reserve(&loop->ring, 1);
    if (code < 0)
        return code;

    bide__clause_init(&u.clause, &u.ready);
    if (f->state == PENDING)
        bide__list_append(&f->clauses, &u.clause.node);
    else
        bide__push(loop, &u.ready);
    loop->runs_until = true;
    loop->looked_again = 0;
    code = run_until_stopped(loop);
    loop->runs_until = false;
    bide__list_remove(&u.clause.node);
    bide__unpush(loop, &u.ready);
    bide__ring_unreserve(&loop->ring, 1);
    return code;
}
