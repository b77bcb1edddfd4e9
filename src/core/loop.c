/* SPDX-License-Identifier: MIT */
/*
 * loop.c - the life of an event loop: made with a queue, a wheel of timers and stacks; closed when its tasks have ended.
 *
 * Closing cancels what runs, lets it end, and takes down what stands on the loop, in the reverse order.
 */
#include <bide/debug.h>

#include "core/core.h"
#include "core/loop/steps.h"
#include "core/turn/timeline/traced.h"
#include "inspect/inspect.h"

#include <stdio.h>

#define NS_PER_MS 1000000
#define PENDING_SHOWN 10

/* ---- life ---- */

static void loop_destroy(void *object)
{
    bide_loop *loop = object;
    if (bide__loop_is_inherited(loop))
        return; /* others may point to it still; it ends with this process */

    bide__task_chunks_free(loop);
    bide__handles_free(loop);
    bide__steps_close(loop);
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

/* The turn that it woke looks whether there is more to cool (turn.c). */
static void cooling_due(struct timer *t)
{
    (void)t;
}

static void loop_init(bide_loop *loop)
{
    bide__object_init(loop, &loop_type);
    loop->process = bide__process;
    bide__list_init(&loop->tasks);
    bide__list_init(&loop->lone_handles);
    bide__list_init(&loop->free_tasks);
    bide__list_init(&loop->closers);
    bide__list_init(&loop->inbox);
    bide__list_init(&loop->taken);
    bide__list_init(&loop->io_waiters);
    pthread_mutex_init(&loop->lock, NULL);
    loop->now_ns = bide__clock_ns();
    bide__wheel_init(&loop->wheel, loop->now_ns / NS_PER_MS);
    bide__timer_init(&loop->cooling, cooling_due);
    bide__fiber_init(&loop->fiber, NULL, NULL);
    loop->poller_ops = &bide__rest_ops;
    loop->poller = loop;
    sem_init(&loop->wakeups, 0, 0);
    loop->budget = LOOP_RESUMES_PER_POLL;
    bide__loop_choose_way(loop);
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

/* In debug mode each step is run by the way on which it is noted. */
static int watch(bide_loop *loop)
{
    int code = bide__steps_open(loop);
    if (code < 0)
        return code;

    bide__loop_choose_way(loop);
    bide__inspect.crashes();
    return 0;
}

/* Once would do. */
static void init(void)
{
    bide__run_init();
    bide__ledger_find_context = find_context;
    if (!atomic_exchange(&bide__inspector, &bide__inspect))
        bide__inspect.begin();
    atomic_store_explicit(&bide__place_name, bide__inspect.name_place, memory_order_relaxed);
}

bide_loop *bide_loop_new(void)
{
    init();
    bide__recording_of_environment();
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
    if (bide__debug_is_on() && watch(loop) < 0)
        goto no_watch;
    bide__loop_alive_begin(loop);
    return loop;

no_watch:
    bide__stack_pool_destroy(&loop->stacks);
no_stacks:
    bide__ring_free(&loop->ring);
no_ring:
    pthread_mutex_destroy(&loop->lock);
    bide__free(loop);
    return NULL;
}

/* In debug mode: what bide_run does not wait for has been forgotten, or was not released. */
static void report_pending(bide_loop *loop)
{
    size_t n = 0;

    bide__inspector->name_many(true);
    for (struct list_node *at = loop->tasks.next; at != &loop->tasks; at = at->next, n++) {
        const bide_task *t = container_of(at, bide_task, all);
        char name[64], place[PLACE_TEXT_MAX] = "an unknown place";
        if (n >= PENDING_SHOWN)
            continue;
        bide__task_show(t, name, sizeof name);
        (void)bide__task_place(t, place, sizeof place);
        bide__loop_report(loop, "task %s was pending when the event loop was closed, and is cancelled: made at %s", name, place);
    }
    bide__inspector->name_many(false);
    if (n > PENDING_SHOWN)
        bide__loop_report(loop, "%zu more tasks were pending when the event loop was closed", n - PENDING_SHOWN);
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
 * thread, that one stands still meanwhile.  No share of the one that is waited for is taken: while it is pending it has the loop's,
 * and a task without an owner is known by its having no other (task.c).
 */
static void end_tasks(bide_loop *loop)
{
    bide_loop *outer = bide__loop_here;
    struct closing_watch watch;
    struct error_mark mark;
    if (bide__list_is_empty(&loop->tasks))
        return;
    bide__error_mark(&mark);

    bide__loop_here = NULL;
    bide__closing_watch_begin(&watch, loop);
    for (uint64_t newest = 0; !bide__list_is_empty(&loop->tasks);) {
        bide_task *t = container_of(loop->tasks.next, bide_task, all);
        if (t->id > newest)
            newest = cancel_from(loop, t);
        if (bide__loop_run_until(loop, &t->future) < 0)
            break;
    }
    bide__closing_watch_end(&watch);
    bide__loop_here = outer;
    bide__error_restore(&mark);
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

    if (loop->watch && loop->watch->is_on)
        report_pending(loop);
    end_tasks(loop);
    bide__callbacks_drop(loop);
    loop->closed = true;
    bide__loop_alive_end(loop);
    while (!bide__list_is_empty(&loop->closers)) {
        struct loop_closer *c = container_of(loop->closers.next, struct loop_closer, node);
        bide__list_remove(&c->node);
        c->close(c);
    }
    bide__inbox_close(loop);
    bide__handles_close(loop);
    for (int use = 0; use < THREAD_USES; use++) {
        bide__loop_pool_close(loop->threads[use]);
        loop->threads[use] = NULL;
    }
    loop->poller_ops->close(loop->poller);
    bide__fiber_destroy(&loop->fiber);
    bide__stack_pool_destroy(&loop->stacks);
    bide__leaks_report(loop);
    bide__loop_drop_exception_handler(loop);
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

/* ---- clock and reports ---- */

int bide_loop_set_debug(bide_loop *loop, bool on)
{
    int code = bide__loop_check(loop, __func__);
    if (code == 0 && on && !loop->watch)
        code = watch(loop);
    if (code < 0 || !loop->watch)
        return code;

    loop->watch->is_on = on;
    if (loop == bide__loop_here) {
        bide__steps_leave(loop);
        bide__steps_enter(loop);
    }
    return 0;
}

int bide_loop_set_slow_ms(bide_loop *loop, int64_t ms)
{
    int code = bide__loop_check(loop, __func__);
    if (code == 0 && (ms < 1 || ms > INT32_MAX))
        code = bide_fail(-EINVAL, "%s: %lld ms is not between 1 and %d", __func__, (long long)ms, INT32_MAX);
    if (code == 0 && !loop->watch)
        code = bide_fail(BIDE_ESTATE, "%s: debug mode is not on (bide_loop_set_debug)", __func__);
    if (code == 0)
        bide__steps_set_slow(loop->watch, ms);
    return code;
}

int bide_trace_start(const char *path)
{
    if (!path || !*path)
        return bide_fail(-EINVAL, "bide_trace_start: the path is %s", path ? "empty" : "NULL");
    init();
    BIDE_TRY(bide__recording_begin(path));
    if (bide__loop_here)
        bide__loop_look_for_track(bide__loop_here);
    return 0;
}

int bide_trace_stop(void)
{
    int code = bide__recording_end();

    if (bide__loop_here)
        bide__loop_look_for_track(bide__loop_here);
    return code;
}

int bide_loop_set_external(bide_loop *loop, bool on)
{
    int code = bide__loop_check(loop, __func__);

    if (code == 0)
        loop->is_external = on;
    return code;
}

int64_t bide_loop_time_ms(const bide_loop *loop)
{
    return bide__timer_now_ms(loop);
}

void bide__loop_set_virtual_time(bide_loop *loop, bool on)
{
    loop->virtual_time = on;
    loop->now_ns -= loop->now_ns % NS_PER_MS; /* whole milliseconds, so that sums come out even */
}

