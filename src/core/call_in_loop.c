/* SPDX-License-Identifier: MIT */
/*
 * call_in_loop.c - a coroutine that is run by the loop of another thread: bide_call_in_loop, bide_submit_to_loop.
 *
 *     caller                                           the other loop
 *       struct call: begin  -------- inbox -------->     a task that runs the coroutine
 *                    cancel -------- inbox -------->     cancel it
 *       its loop, condition or promise <----------       finish: the outcome
 *
 * Invariants:
 *   C1  target, is_over and the outcome are read and written under the lock; the task in the other loop's thread alone.
 *   C2  the caller, and each item that was posted, hold the call; the task's end is that of `begin`.
 *   C3  target is a loop that is not released: its closing finishes each call, which takes it from there.
 */
#include "core/core.h"

#include <time.h>

#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

struct call {
    pthread_mutex_t lock;
    unsigned holders;
    bide_loop *target; /* NULL: its part is over */
    bide_coroutine coroutine;
    char *name; /* NULL: none */
    const void *called_at;
    struct inbox_item begin, cancel;
    bool has_begun, is_cancelled; /* under the lock, too: one that is cancelled before it has begun never does */
    bide_task *task;   /* owned */

    bool is_over;
    int result;
    struct error_record error; /* if it failed */

    /* who waits: one of these */
    bide_task *waiter; /* a task; `done` goes to its loop */
    struct inbox_item done;
    pthread_cond_t over;   /* a thread */
    bide_promise *promise; /* nobody; owned */
};

static void let_go(struct call *c)
{
    pthread_mutex_lock(&c->lock);
    unsigned left = --c->holders;
    pthread_mutex_unlock(&c->lock);
    if (left > 0)
        return;
    pthread_cond_destroy(&c->over);
    pthread_mutex_destroy(&c->lock);
    bide__free(c->name);
    bide__free(c);
}

/* ---- in the other loop's thread ---- */

static void keep_promise(struct call *c)
{
    if (c->result >= 0) {
        BIDE_IGNORE(bide_promise_set_result(c->promise, c->result)); /* the caller's loop may be closed */
    } else {
        bide__error_adopt(&c->error);
        BIDE_IGNORE(bide_promise_set_error(c->promise, c->result));
    }
    bide_release(c->promise);
    c->promise = NULL;
}

/* The outcome is on record here, if it is an error. */
static void finish(struct call *c, int result)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    pthread_mutex_lock(&c->lock);
    c->result = result;
    if (result < 0)
        c->error = *bide__error_current();
    c->is_over = true;
    c->target = NULL;
    if (c->promise)
        keep_promise(c);
    else if (c->waiter)
        (void)bide__loop_post(c->waiter->future.loop, &c->done); /* it does not close while a task waits */
    else
        pthread_cond_signal(&c->over);
    pthread_mutex_unlock(&c->lock);
    bide__error_restore(&mark);
    let_go(c);
}

/* The task's callback was called, or dropped by the closing of the loop; or there was no memory for one. */
static void task_over(void *arg)
{
    struct call *c = arg;
    bide_task *t = c->task;
    bool is_pending = t->future.state == PENDING;
    int result = is_pending ? bide__fail_nomem("bide_call_in_loop") : bide__future_outcome(&t->future);

    c->task = NULL;
    if (result == BIDE_ECANCELED)
        bide_fail(result, "bide_call_in_loop: %s was cancelled in its event loop", c->coroutine.name);
    if (is_pending)
        bide_task_cancel(t); /* it has not begun */
    finish(c, result);
    bide_detach(t);
}

static void ignore(bide_future *f, void *arg)
{
    (void)f;
    (void)arg;
}

static bool begin(struct call *c)
{
    pthread_mutex_lock(&c->lock);
    c->has_begun = !c->is_cancelled;
    pthread_mutex_unlock(&c->lock);
    return c->has_begun;
}

static void run_begin(struct inbox_item *item)
{
    struct call *c = container_of(item, struct call, begin);
    bide_loop *loop = bide__loop_here;

    atomic_fetch_sub_explicit(&loop->calls_outside, 1, memory_order_relaxed);
    if (!begin(c)) {
        finish(c, bide_fail(BIDE_ECANCELED, "bide_call_in_loop: cancelled before it had begun"));
        return;
    }
    c->task = bide__task_new(loop, &(bide_task_args){.coroutine = c->coroutine, .name = c->name}, c->called_at);
    if (!c->task) {
        finish(c, bide_error_code());
        return;
    }
    BIDE_IGNORE(bide_future_add_done_callback_taking(&c->task->future, ignore, c, task_over));
}

static void drop_begin(struct inbox_item *item)
{
    struct call *c = container_of(item, struct call, begin);

    finish(c, bide_fail(BIDE_ECLOSED, "bide_call_in_loop: the event loop was closed before it took the call"));
}

static void run_cancel(struct inbox_item *item)
{
    struct call *c = container_of(item, struct call, cancel);

    if (c->task)
        bide_task_cancel(c->task);
    let_go(c);
}

static void drop_cancel(struct inbox_item *item)
{
    let_go(container_of(item, struct call, cancel));
}

/* ---- in the caller's thread ---- */

/* True: it has not begun, and never will, so nobody need wait for it. */
static bool request_cancel(struct call *c)
{
    pthread_mutex_lock(&c->lock);
    bool is_new = c->target && !c->is_cancelled, withdrawn = is_new && !c->has_begun;
    c->is_cancelled |= is_new;
    if (withdrawn)
        c->waiter = NULL;
    if (is_new && !withdrawn) {
        c->holders++;
        if (!bide__loop_post(c->target, &c->cancel))
            c->holders--; /* it is being closed, which cancels all */
    }
    pthread_mutex_unlock(&c->lock);
    return withdrawn;
}

static void run_done(struct inbox_item *item)
{
    struct call *c = container_of(item, struct call, done);

    bide__push(c->waiter->future.loop, &c->waiter->ready);
}

static struct call *call_new(const bide_call_args *args, const void *called_at)
{
    struct call *c = bide__calloc(1, sizeof *c);
    if (!c || (args->name && !(c->name = bide__strdup(args->name)))) {
        bide__free(c);
        bide__fail_nomem("bide_call_in_loop");
        return NULL;
    }
    c->coroutine = args->coroutine;
    c->called_at = called_at;
    c->holders = 2;
    c->begin = (struct inbox_item){.run = run_begin, .drop = drop_begin};
    c->cancel = (struct inbox_item){.run = run_cancel, .drop = drop_cancel};
    c->done = (struct inbox_item){.run = run_done};
    bide__list_init(&c->begin.node);
    bide__list_init(&c->cancel.node);
    bide__list_init(&c->done.node);
    pthread_mutex_init(&c->lock, NULL);
    bide__cond_init(&c->over);
    return c;
}

/* The other loop has it from now on; an error leaves it with the caller alone. */
static int post(struct call *c, bide_loop *target)
{
    int code = 0;

    c->target = target;
    if (atomic_fetch_add_explicit(&target->calls_outside, 1, memory_order_relaxed) >= BIDE_CALLS_WAITING_MAX)
        code = bide_fail(BIDE_ELIMIT, "bide_call_in_loop: %d calls wait for the event loop already", BIDE_CALLS_WAITING_MAX);
    else if (!bide__loop_post(target, &c->begin))
        code = bide_fail(BIDE_ECLOSED, "bide_call_in_loop: the event loop is closed");
    if (code == 0)
        return 0;
    atomic_fetch_sub_explicit(&target->calls_outside, 1, memory_order_relaxed);
    c->target = NULL;
    c->holders--;
    return code;
}

static int outcome_of(const struct call *c)
{
    if (c->result < 0)
        bide__error_adopt(&c->error);
    return c->result;
}

/* ---- a task waits ---- */

struct call_wait {
    struct wait wait;
    struct call *call;
    bool withdrawn;
};

/* The task there is cancelled, and this one goes on when that has ended; if there is none yet, at once. */
static bool call_end_early(struct wait *wait)
{
    struct call_wait *w = container_of(wait, struct call_wait, wait);

    if (!w->withdrawn)
        w->withdrawn = request_cancel(w->call) && bide__wait_end_now(wait);
    return true;
}

static int wait_in_task(bide_task *t, struct call *c, bide_loop *target)
{
    struct call_wait w = {.wait = {.end_early = call_end_early, .task = t, .kind = WAIT_NAMED, .on = "a call in another loop"}, .call = c};
    c->waiter = t;
    BIDE_TRY(post(c, target));

    bide__await_threads(t->future.loop, 1);
    bide__park(t, &w.wait);
    bide__await_threads(t->future.loop, -1);
    if (w.withdrawn || (w.wait.interrupted != NOT_INTERRUPTED && c->result == BIDE_ECANCELED))
        return bide__wait_outcome(&w.wait);
    return outcome_of(c);
}

static int call_from_task(bide_task *t, bide_loop *target, const bide_call_args *args, const void *called_at)
{
    int code = bide__pending_interrupt(t);
    if (code < 0)
        return code;
    if (target == t->future.loop)
        return bide_await(args->coroutine);
    struct call *c = call_new(args, called_at);
    if (!c)
        return BIDE_ENOMEM;
    code = wait_in_task(t, c, target);
    let_go(c);
    return code;
}

/* ---- a thread waits ---- */

static struct timespec time_after(int64_t ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = now.tv_nsec + ms % 1000 * NS_PER_MS;

    return (struct timespec){.tv_sec = now.tv_sec + (time_t)(ms / 1000 + ns / NS_PER_S), .tv_nsec = ns % NS_PER_S};
}

/* Is the time over before the call?  The lock is held. */
static bool wait_until(struct call *c, int64_t timeout_ms)
{
    struct timespec until = time_after(timeout_ms);

    while (!c->is_over)
        if (pthread_cond_timedwait(&c->over, &c->lock, &until) == ETIMEDOUT)
            return !c->is_over;
    return false;
}

static int wait_in_thread(struct call *c, int64_t timeout_ms)
{
    pthread_mutex_lock(&c->lock);
    bool is_late = timeout_ms != BIDE_FOREVER && wait_until(c, timeout_ms);
    pthread_mutex_unlock(&c->lock);
    bool withdrawn = is_late && request_cancel(c);

    pthread_mutex_lock(&c->lock);
    while (!c->is_over && !withdrawn)
        pthread_cond_wait(&c->over, &c->lock);
    pthread_mutex_unlock(&c->lock);
    if (withdrawn || (is_late && c->result == BIDE_ECANCELED))
        return bide_fail(BIDE_ETIMEDOUT, "bide_call_in_loop: it had not ended after %lld ms", (long long)timeout_ms);
    return outcome_of(c);
}

static int call_from_thread(bide_loop *target, const bide_call_args *args, const void *called_at)
{
    struct call *c = call_new(args, called_at);
    if (!c)
        return BIDE_ENOMEM;

    int code = post(c, target);
    if (code == 0)
        code = wait_in_thread(c, args->timeout_ms);
    let_go(c);
    return code;
}

/* ---- the user's ---- */

static int check_target(const bide_loop *target, const char *function)
{
    if (!target || bide__loop_is_inherited(target))
        return bide__loop_check_slow(target, function);
    return 0;
}

static int check_call(const bide_loop *target, const bide_coroutine *c, const char *function)
{
    BIDE_TRY(check_target(target, function));
    return c->fn ? 0 : bide_fail(-EINVAL, "%s: the function is NULL", function);
}

int bide_call_in_loop_with(bide_loop *loop, const bide_call_args *options)
{
    static const char function[] = "bide_call_in_loop";
    bide_call_args args;
    BIDE_TRY(bide__options_take(&args, sizeof args, options, function));
    BIDE_TRY(bide__check_named(args.guard_, function));
    BIDE_TRY(bide__check_time(function, "timeout_ms", args.timeout_ms, true));
    BIDE_TRY(check_call(loop, &args.coroutine, function));
    if (args.timeout_ms == 0)
        args.timeout_ms = BIDE_FOREVER;

    if (!bide__loop_here && loop == bide__thread_loop() && !bide_loop_is_running(loop))
        return bide_fail(BIDE_EDEADLOCK, "%s: it is the event loop of this thread, which would wait for itself", function);
    if (!bide__loop_here)
        return call_from_thread(loop, &args, CALLED_AT);
    bide_task *t = bide__task_required(function);
    int code = t ? 0 : bide_error_code();
    if (t)
        bide__timeout(args.timeout_ms) {
            code = call_from_task(t, loop, &args, CALLED_AT);
        }
    return code;
}

/* It is done; or its loop is closed, and nobody wants the result any more. */
static void future_over(void *arg)
{
    BIDE_IGNORE(request_cancel(arg));
    let_go(arg);
}

/* A future that settles with the promise of the call. */
static bide_future *future_of(struct call *c)
{
    bide_future *f;
    c->promise = bide_promise_new(&f);
    if (!c->promise)
        return NULL;

    c->holders++; /* the callback's */
    if (bide_future_add_done_callback_taking(f, ignore, c, future_over) == 0)
        return f;
    bide_release(f);
    return NULL;
}

bide_future *bide_submit_to_loop(bide_loop *loop, bide_coroutine coroutine)
{
    BIDE_TRY_NULL(check_call(loop, &coroutine, __func__));
    struct call *c = call_new(&(bide_call_args){.coroutine = coroutine}, CALLED_AT);
    if (!c)
        return NULL;

    bide_future *f = future_of(c);
    if (!f)
        c->holders--;
    if (f && post(c, loop) < 0) {
        bide_future_cancel(f); /* whose promise will not be kept */
        bide_release(bide_take(f));
    }
    if (!f)
        bide_release(bide_take(c->promise));
    let_go(c);
    return f;
}
