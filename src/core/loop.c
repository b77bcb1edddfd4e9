/* SPDX-License-Identifier: MIT */
/*
 * loop.c - run what is ready, fire what is due, wait for what comes; repeat.
 *
 * A turn runs just what was ready when it began; what becomes ready meanwhile waits for the next one.  The kernel is
 * not asked in every turn: while there is work, it is asked after a number of resumes, and otherwise only when nothing
 * is ready.  The clock is read when the kernel is asked.
 *
 * Invariants:
 *   L1  a thread has at most one running loop; bide__loop_here is it.
 *   L2  what is taken from the queue is not in it while it runs, so it may be pushed again at once.
 */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>

/* Resumes between two questions to the kernel, which cost as much as twenty of them. */
#define RESUMES_PER_POLL 256
/* How far ahead in the queue memory is fetched: first the entry, then the stack it points to. */
#define LOOK_AHEAD 8
#define NS_PER_MS 1000000
/* Of what has come from other threads, so many run in one turn: they may post faster than we run it. */
#define INBOX_PER_TURN 256
#define POLL_MAX_MS ((int64_t)24 * 3600 * 1000)

_Thread_local bide_loop *bide__loop_here __attribute__((tls_model("initial-exec")));

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

/* What is no task has the loop's error record: it must replace neither a task's nor that of the loop's caller. */
static void run_other(bide_loop *loop, struct ready *r)
{
    bide__error_current_record = &loop->error;
    loop->others++;
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
        if (likely(r->run == bide__plain_run))
            bide__task_resume(loop, container_of(r, bide_task, ready));
        else
            run_other(loop, r);
    }
    bide__error_current_record = &loop->error;
}

/* ---- waiting ---- */

static void empty_inbox(bide_loop *loop)
{
    if (!atomic_load_explicit(&loop->has_inbox, memory_order_acquire))
        return;

    pthread_mutex_lock(&loop->lock);
    bide__list_splice(&loop->taken, &loop->inbox);
    atomic_store_explicit(&loop->has_inbox, false, memory_order_relaxed);
    pthread_mutex_unlock(&loop->lock);
}

static struct inbox_item *next_taken(bide_loop *loop)
{
    struct inbox_item *item = container_of(loop->taken.next, struct inbox_item, node);

    bide__list_remove(&item->node);
    return item;
}

static void take_inbox(bide_loop *loop)
{
    empty_inbox(loop);
    for (int n = 0; n < INBOX_PER_TURN && !bide__list_is_empty(&loop->taken); n++) {
        struct inbox_item *item = next_taken(loop);
        item->run(item);
    }
}

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

/* Not inline: once in hundreds of resumes, and the turn is shorter without it. */
static __attribute__((noinline)) int ask_kernel(bide_loop *loop)
{
    int64_t timeout_ns = jump_ahead(loop, poll_timeout_ns(loop));
    int code = loop->poller_ops->wait(loop->poller, timeout_ns);

    loop->budget = RESUMES_PER_POLL;
    if (!loop->virtual_time)
        loop->now_ns = bide__clock_ns();
    take_inbox(loop);
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
    return 0;
}

static void loop_leave(bide_loop *loop)
{
    loop->stopping = false;
    bide__loop_here = NULL;
    bide__overflow_thread_leave();
    if (!bide__loop_is_inherited(loop))
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
    do
        code = turn(loop);
    while (!loop->stopping && code == 0);
    bide__error_switch(outer);
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

bool bide_loop_is_running(const bide_loop *loop)
{
    return loop && !bide__loop_is_inherited(loop) && atomic_load(&loop->runner) != NULL;
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
    code = run_until_stopped(loop);
    bide__list_remove(&u.clause.node);
    bide__unpush(loop, &u.ready);
    bide__ring_unreserve(&loop->ring, 1);
    return code;
}

/* ---- life ---- */

static void loop_destroy(void *object)
{
    bide_loop *loop = object;
    if (bide__loop_is_inherited(loop))
        return; /* others may point to it still; it ends with this process */

    bide__task_chunks_free(loop);
    bide__ring_free(&loop->ring);
    pthread_mutex_destroy(&loop->lock);
    bide__free(loop);
}

static void loop_release(void *object)
{
    bide_loop *loop = object;

    if (bide__release_is_refused(loop, "bide_release of an event loop"))
        return;
    if (!bide_loop_is_running(loop))
        BIDE_IGNORE(bide_loop_close(loop)); /* it can only fail while it runs */
    bide__object_unref(loop);
}

static const struct object_type loop_type = {.name = "loop", .destroy = loop_destroy, .release = loop_release};

static void loop_init(bide_loop *loop)
{
    bide__object_init(loop, &loop_type);
    loop->process = bide__process;
    bide__list_init(&loop->tasks);
    bide__list_init(&loop->handles);
    bide__list_init(&loop->free_tasks);
    bide__list_init(&loop->closers);
    bide__list_init(&loop->inbox);
    bide__list_init(&loop->taken);
    bide__list_init(&loop->io_waiters);
    pthread_mutex_init(&loop->lock, NULL);
    loop->now_ns = bide__clock_ns();
    bide__wheel_init(&loop->wheel, loop->now_ns / NS_PER_MS);
    bide__fiber_init(&loop->fiber, NULL, NULL);
    loop->poller_ops = &bide__rest_ops;
    loop->poller = loop;
    sem_init(&loop->wakeups, 0, 0);
    loop->budget = RESUMES_PER_POLL;
}

static int stacks_init(bide_loop *loop)
{
    int code = bide__overflow_install();
    if (code < 0)
        return bide_fail(code, "the handler for stack overflows: %s", bide_strerror(code));
    bide__overflow_set_describe(bide__task_describe);
    bide__overflow_set_running(bide__task_running_stack);
    code = bide__stack_pool_init(&loop->stacks);
    return code < 0 ? bide_fail(code, "%s", bide__stack_error()) : 0;
}

/* For the ledger: who makes or releases an object. */
static void find_context(struct ledger_context *c)
{
    const bide_task *t = bide__task_here();

    c->loop = bide__loop_here ? bide__loop_here : bide__thread_loop();
    if (t) {
        char name[56];
        t->future.object.type->describe(t, name, sizeof name);
        snprintf(c->who, sizeof c->who, "task %s", name);
    }
}

bide_loop *bide_loop_new(void)
{
    bide__run_init();
    bide__ledger_find_context = find_context;
    bide__ledger_open();
    bide_loop *loop = bide__calloc(1, sizeof *loop);
    if (!loop) {
        bide__fail_nomem("an event loop");
        return NULL;
    }
    loop_init(loop);
    if (bide__ring_init(&loop->ring) < 0)
        goto no_ring;
    if (stacks_init(loop) < 0)
        goto no_stacks;
    return loop;

no_stacks:
    bide__ring_free(&loop->ring);
no_ring:
    pthread_mutex_destroy(&loop->lock);
    bide__free(loop);
    return NULL;
}

/* Cancel t and all that are younger; the oldest stands first in the list.  Returns: the number of the youngest. */
static uint64_t cancel_from(bide_loop *loop, bide_task *t)
{
    uint64_t newest = 0;

    for (struct list_node *n = &t->all; n != &loop->tasks; n = n->next) {
        bide_task *each = container_of(n, bide_task, all);
        newest = each->id;
        bide_task_cancel(each);
    }
    return newest;
}

/*
 * Cancel every task, once, and run until none is left; those may start others while they end.  If another loop runs in this
 * thread, that one stands still meanwhile.
 */
static void end_tasks(bide_loop *loop)
{
    bide_loop *outer = bide__loop_here;
    struct error_mark mark;
    bide__error_mark(&mark);

    bide__loop_here = NULL;
    for (uint64_t newest = 0; !bide__list_is_empty(&loop->tasks);) {
        bide_task *t = bide_retain(container_of(loop->tasks.next, bide_task, all));
        if (t->id > newest)
            newest = cancel_from(loop, t);
        int code = bide__loop_run_until(loop, &t->future);
        bide__object_unref(t);
        if (code < 0)
            break;
    }
    bide__loop_here = outer;
    bide__error_restore(&mark);
}

/* From here on no thread touches the loop's poller or its inbox. */
static void close_inbox(bide_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->inbox_closed = true;
    bide__list_splice(&loop->taken, &loop->inbox);
    pthread_mutex_unlock(&loop->lock);
    while (!bide__list_is_empty(&loop->taken)) {
        struct inbox_item *item = next_taken(loop);
        if (item->drop)
            item->drop(item);
    }
}

/* The descriptors are the child's own; tasks, threads and all else stay with the parent. */
static void close_inherited(bide_loop *loop)
{
    loop->closed = true;
    loop->poller_ops->close(loop->poller);
}

int bide_loop_close(bide_loop *loop)
{
    if (!loop)
        return bide__loop_check_slow(loop, "bide_loop_close");
    if (loop->closed)
        return 0;
    if (bide_loop_is_running(loop))
        return bide_fail(BIDE_ERUNNING, "the event loop is running: stop it first");
    if (bide__loop_is_inherited(loop)) {
        close_inherited(loop);
        return 0;
    }

    end_tasks(loop);
    bide__callbacks_drop(loop);
    loop->closed = true;
    while (!bide__list_is_empty(&loop->closers)) {
        struct loop_closer *c = container_of(loop->closers.next, struct loop_closer, node);
        bide__list_remove(&c->node);
        c->close(c);
    }
    close_inbox(loop);
    bide__handles_close(loop);
    for (int use = 0; use < THREAD_USES; use++) {
        bide__threads_close(loop->threads[use]);
        loop->threads[use] = NULL;
    }
    loop->poller_ops->close(loop->poller);
    bide__fiber_destroy(&loop->fiber);
    bide__stack_pool_destroy(&loop->stacks);
    bide__leaks_report(loop);
    return 0;
}

bool bide_loop_is_closed(const bide_loop *loop)
{
    return !loop || loop->closed;
}

/* ---- what other rooms keep here ---- */

struct loop_closer *bide__loop_find(bide_loop *loop, const void *key)
{
    for (struct list_node *n = loop->closers.next; n != &loop->closers; n = n->next)
        if (container_of(n, struct loop_closer, node)->key == key)
            return container_of(n, struct loop_closer, node);
    return NULL;
}

void bide__loop_attach(bide_loop *loop, struct loop_closer *c)
{
    bide__list_prepend(&loop->closers, &c->node); /* closed in reverse order */
}

void bide__loop_detach(struct loop_closer *c)
{
    bide__list_remove(&c->node);
}

bool bide__loop_post(bide_loop *loop, struct inbox_item *item)
{
    if (bide__loop_is_inherited(loop))
        return false; /* the lock may be held by a thread that is not here */
    pthread_mutex_lock(&loop->lock);
    bool open = !loop->inbox_closed;
    if (open) {
        bide__list_append(&loop->inbox, &item->node);
        if (!atomic_exchange_explicit(&loop->has_inbox, true, memory_order_release))
            loop->poller_ops->wake(loop->poller);
    }
    pthread_mutex_unlock(&loop->lock);
    return open;
}

/* ---- clock and reports ---- */

int64_t bide_loop_time_ms(const bide_loop *loop)
{
    return (loop && loop->virtual_time ? loop->now_ns : bide__clock_ns()) / NS_PER_MS;
}

void bide__loop_set_virtual_time(bide_loop *loop, bool on)
{
    loop->virtual_time = on;
    loop->now_ns -= loop->now_ns % NS_PER_MS; /* whole milliseconds, so that sums come out even */
}

void bide_loop_set_exception_handler(bide_loop *loop, bide_exception_handler *fn, void *arg)
{
    if (!bide__loop_allows(loop, "bide_loop_set_exception_handler"))
        return;
    loop->on_exception = fn;
    loop->on_exception_arg = arg;
}

static void report(bide_loop *loop, const char *format, va_list args)
{
    char message[512];

    vsnprintf(message, sizeof message, format, args);
    struct error_mark mark;
    bide__error_mark(&mark);
    if (loop->on_exception)
        loop->on_exception(loop, message, loop->on_exception_arg);
    else
        fprintf(stderr, "bide: %s\n", message);
    bide__error_restore(&mark);
}

void bide__loop_report(bide_loop *loop, const char *format, ...)
{
    va_list args;
    if (!loop->on_exception && !bide__debug_is_on())
        return;

    va_start(args, format);
    report(loop, format, args);
    va_end(args);
}

void bide__loop_warn(bide_loop *loop, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(loop, format, args);
    va_end(args);
}
