/* SPDX-License-Identifier: MIT */
/*
 * await.c - one verb for everything that can be awaited.
 *
 * A coroutine, a generator and an object run in place, on the caller's stack.  For a task or future the caller parks
 * with one clause, and a cancellation of the caller goes to what it waits for, as asyncio's does.
 */
#include "core/task/await.h"
#include "core/turn/operation.h"

/* ---- tasks and futures ---- */

/* An interruption that came before the wait goes to what is waited for, too. */
static void pass_on_pending_interrupt(bide_task *t, struct wait *w)
{
    if (likely(!t->must_cancel && !t->expired))
        return;
    w->interrupted = t->must_cancel ? BY_CANCEL : BY_TIMEOUT;
    t->must_cancel = false;
    t->wait = w;
    bide__pass_on(t);
    t->wait = NULL;
}

static int outcome_for(bide_task *t, const struct wait *w)
{
    if (t->must_cancel || (w->too_late && bide__scope_explains(t)))
        return bide__pending_interrupt(t);

    int code = w->gave_up ? bide__circle_given_up() : bide__future_outcome(w->awaits);
    if (code == BIDE_ECANCELED && bide__scope_explains(t))
        return bide__pending_interrupt(t);
    return code;
}

/* Not inline: most that is awaited is done, and that takes a few instructions. */
static __attribute__((noinline)) int await_pending(bide_future *f)
{
    bide_task *t = bide__task_required("bide_await");
    int code = t ? bide__check_waitable(t, f, "bide_await") : BIDE_ENOLOOP;
    if (code == 0 && unlikely(bide__is_in_wait(f)))
        code = bide__check_circle(t, f, "bide_await");
    if (code < 0)
        return code;

    struct wait w = {.task = t, .awaits = bide_retain(f)};
    struct clause clause;
    bide__clause_init(&clause, &t->ready);
    bide__list_append(&f->clauses, &clause.node);
    pass_on_pending_interrupt(t, &w);
    bide__park(t, &w);
    assert(f->state != PENDING || w.gave_up);
    if (unlikely(w.gave_up))
        bide__list_remove(&clause.node);

    code = outcome_for(t, &w);
    if (code == BIDE_ECANCELED && w.interrupted == BY_CANCEL)
        bide__error_current()->interrupted = true;
    bide__object_unref(f);
    return code;
}

static int await_future(bide_future *f)
{
    if (unlikely(!f || f->loop != bide__loop_here)) {
        int code = bide__future_check_slow(f, "bide_await");
        if (code < 0)
            return code;
    }
    return f->state == PENDING ? await_pending(f) : bide__future_outcome(f);
}

/* ---- the verb ---- */

int bide__check_awaitable(const bide_awaitable *a, const char *function)
{
    const char *missing = NULL;

    switch ((enum bide_awaitable_kind)(a->kind & ~BIDE_AW_SHIELDED)) {
    case BIDE_AW_SLEEP:
        return 0;
    case BIDE_AW_TASK:
        return a->as.task ? bide__future_check(&a->as.task->future, function)
                          : bide_fail(-EINVAL, "%s: the task is NULL", function);
    case BIDE_AW_FUTURE:
        return a->as.future ? bide__future_check(a->as.future, function)
                            : bide_fail(-EINVAL, "%s: the future is NULL", function);
    case BIDE_AW_COROUTINE:
    case BIDE_AW_THREAD:
        missing = a->as.coroutine.fn ? NULL : "coroutine's function";
        break;
    case BIDE_AW_GENERATOR:
        missing = a->as.generator && a->as.generator->step ? NULL : "generator, or its step function,";
        break;
    case BIDE_AW_OBJECT:
        missing = a->as.object && a->as.object->await ? NULL : "object, or its await function,";
        break;
    case BIDE_AW_OPERATION:
        return bide__operation_check(&a->as.operation, function);
    default:
        return bide_fail(-EINVAL, "%s: not an awaitable", function);
    }
    return missing ? bide_fail(-EINVAL, "%s: the %s is NULL", function, missing) : 0;
}

static int run_in_place(const bide_awaitable *a)
{
    int code = bide__check_awaitable(a, "bide_await");
    if (code < 0)
        return code;
    if (!bide__task_required("bide_await"))
        return BIDE_ENOLOOP;
    if (a->kind == BIDE_AW_COROUTINE)
        return bide__on_record(bide__call_words(a->as.coroutine.fn, a->as.coroutine.argc, a->as.coroutine.argv),
                               a->as.coroutine.name);
    if (a->kind == BIDE_AW_THREAD)
        return bide_to_thread(a->as.thread.coroutine, .pool = a->as.thread.pool);
    if (a->kind == BIDE_AW_GENERATOR)
        return bide__on_record(bide__generator_await(a->as.generator), "a generator");
    return bide__on_record(a->as.object->await(a->as.object), "an awaitable");
}

static int await_shielded(const bide_awaitable *a, const void *made_at)
{
    bide_awaitable inner = bide__unshielded(*a);
    bide_task *t = bide__check_awaitable(a, "bide_await") < 0 ? NULL : bide__task_required("bide_await");
    bide_future *f = bide__future_of(&inner);
    if (!t || (f && (bide__check_waitable(t, f, "bide_await") < 0 ||
                     (bide__is_in_wait(f) && bide__check_circle(t, f, "bide_await") < 0))))
        return bide_error_code();
    if (!(f = bide__start(t->future.loop, *a, made_at)))
        return bide_error_code();

    int code = await_future(f);
    bide__object_unref(f);
    return code;
}

static __attribute__((noinline)) int await_other(const bide_awaitable *a, const void *called_at)
{
    if (a->kind == BIDE_AW_SLEEP)
        return bide_sleep_ms(a->as.sleep_ms);
    if (a->kind == BIDE_AW_OPERATION)
        return bide__operation_await(&a->as.operation);
    if (a->kind & BIDE_AW_SHIELDED)
        return await_shielded(a, called_at);
    return run_in_place(a); /* which refuses what is no awaitable */
}

int bide_await_with(bide_awaitable a)
{
    bool is_future = a.kind == BIDE_AW_TASK || a.kind == BIDE_AW_FUTURE; /* a task begins with its own */

    return likely(is_future) ? await_future(a.as.future) : await_other(&a, CALLED_AT);
}

/* ---- anything as something that settles on its own ---- */

static int await_object(bide_awaitable_object *o)
{
    return o->await(o);
}

static int await_operation(const struct bide_operation_ops *ops, void *object, void *place, uintptr_t a, uintptr_t b, uintptr_t c)
{
    return bide__operation_await(&(bide_operation){ops, object, place, {a, b, c}});
}

static bide_coroutine operation_coroutine(const bide_operation *op)
{
    bide_coroutine c = bide_coro(await_operation, op->ops, op->object, op->place, op->words[0], op->words[1], op->words[2]);

    c.name = op->ops->name;
    return c;
}

bide_future *bide__start(bide_loop *loop, bide_awaitable a, const void *made_at)
{
    return bide__start_as(loop, a, (bide_task_args){0}, made_at);
}

static bide_future *start_shielded(bide_loop *loop, bide_awaitable a, const void *made_at)
{
    bide_future *inner = bide__start(loop, bide__unshielded(a), made_at);

    return inner && inner->state == PENDING ? bide__shielded(inner) : inner; /* a done one cannot be cancelled */
}

bide_future *bide__start_as(bide_loop *loop, bide_awaitable a, bide_task_args args, const void *made_at)
{
    if (bide__check_awaitable(&a, "an awaitable") < 0)
        return NULL;
    if (a.kind & BIDE_AW_SHIELDED)
        return start_shielded(loop, a, made_at);
    args.coroutine = a.as.coroutine;

    switch (a.kind) {
    case BIDE_AW_TASK:
        return bide_retain(&a.as.task->future);
    case BIDE_AW_FUTURE:
        return bide_retain(a.as.future);
    case BIDE_AW_THREAD:
        args.eager = false; /* it has to wait in any case, and it is marked below */
        break;
    case BIDE_AW_COROUTINE:
        break;
    case BIDE_AW_GENERATOR:
        args.generator = a.as.generator;
        break;
    case BIDE_AW_OBJECT:
        args.coroutine = bide_coro(await_object, a.as.object);
        break;
    case BIDE_AW_SLEEP:
        args.coroutine = (bide_coroutine){(void (*)(void))bide_sleep_ms, "bide_sleep_ms", 1, {(uintptr_t)a.as.sleep_ms}};
        break;
    case BIDE_AW_OPERATION:
        args.coroutine = operation_coroutine(&a.as.operation);
        break;
    case BIDE_AW_SHIELDED:
        break;
    }
    bide_task *t = bide__task_new(loop, &args, made_at);
    if (t && a.kind == BIDE_AW_THREAD) {
        bide__task_top(t)->doing = &bide__for_thread;
        bide__task_top(t)->pool = a.as.thread.pool;
    }
    return t ? &t->future : NULL;
}

