/* SPDX-License-Identifier: MIT */
/*
 * task.c - a coroutine that runs on its own.
 *
 * A stackful task has a stack from the loop's pool; at its top lie the coroutine and the error record, so that a parked
 * task costs one page and the struct.  The stack goes back when the body returns; the struct lives as long as somebody
 * shares it, and then returns to the loop's free list.
 *
 * Invariants:
 *   T1  a task that is not done is in loop->tasks, and the loop has a share of it.
 *   T2  a task has one place in the ready queue reserved until it is done.
 *   T3  only the loop switches to a task, and a task only to the loop.
 */
#include "core/core.h"

#include <stdio.h>

#define CHUNK_TASKS 64

struct task_chunk {
    struct task_chunk *next;
    struct bide_task tasks[CHUNK_TASKS];
};

static const struct object_type task_type;
static atomic_size_t live;
static atomic_uint_fast64_t next_id;

size_t bide__tasks_live(void)
{
    return atomic_load(&live);
}

/* ---- memory ---- */

static int add_chunk(bide_loop *loop)
{
    struct task_chunk *c = bide__malloc(sizeof *c);
    if (!c)
        return bide__fail_nomem("a task");

    c->next = loop->chunks;
    loop->chunks = c;
    for (size_t i = 0; i < CHUNK_TASKS; i++) {
        c->tasks[i].future.object = (struct object){.word = OBJECT_DEAD};
        c->tasks[i].is_alone = false;
        bide__list_append(&loop->free_tasks, &c->tasks[i].all);
    }
    return 0;
}

void bide__task_chunks_free(bide_loop *loop)
{
    for (struct task_chunk *c = loop->chunks, *next; c; c = next) {
        next = c->next;
        bide__free(c);
    }
    loop->chunks = NULL;
}

/* Not in a chunk: its memory goes back at once, so that who still uses it is seen. */
static bide_task *alloc_alone(void)
{
    bide_task *t = bide__object_alloc(sizeof *t);
    if (!t) {
        bide__fail_nomem("a task");
        return NULL;
    }
    t->is_alone = true;
    bide__list_init(&t->all);
    return t;
}

static bide_task *task_alloc(bide_loop *loop)
{
    if (unlikely(bide__no_recycling))
        return alloc_alone();
    if (bide__list_is_empty(&loop->free_tasks) && add_chunk(loop) < 0)
        return NULL;

    bide_task *t = container_of(loop->free_tasks.next, bide_task, all);
    bide__list_remove(&t->all);
    return t;
}

static void task_free(bide_loop *loop, bide_task *t)
{
    if (unlikely(t->is_alone))
        bide__object_free(t);
    else
        bide__list_prepend(&loop->free_tasks, &t->all);
}

/* ---- stackful tasks ---- */

/* The first frame on the task's stack, and the last. */
static void task_entry(void *arg)
{
    bide_task *t = arg;
    const bide_coroutine *c = &bide__task_top(t)->coroutine;

    bide__task_finish(t, bide__on_record(bide__call_words(c->fn, c->argc, c->argv), c->name));
    bide__fiber_switch_final(&t->fiber, &t->future.loop->fiber, NULL);
}

static void give_stack_back(bide_task *t)
{
    struct stack *s = t->fiber.stack;

    bide__fiber_destroy(&t->fiber);
    bide__stack_put(&t->future.loop->stacks, s);
}

/* It is done: what only a living task needs goes back.  The loop's share goes with it. */
never_indirect void bide__task_retire(bide_task *t)
{
    bide_loop *loop = t->future.loop;

    if (!t->stackless) {
        bide__error_current_record = &loop->error; /* that of the task lies on its stack */
        give_stack_back(t);
    }
    bide__list_remove(&t->all);
    bide__ring_unreserve(&loop->ring, 1);
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    bide__object_unref(t);
}

/* Its first turn: cancelled before, it never runs. */
never_indirect void bide__task_start(bide_task *t)
{
    t->started = true;
    if (t->must_cancel)
        bide__task_finish(t, BIDE_ECANCELED);
}

/* ---- birth ---- */

static void prepare_stackful(bide_task *t, struct stack *s, const bide_coroutine *c)
{
    s->owner = t;
    bide__fiber_init_at(&t->fiber, s, (struct task_top *)bide__stack_top(s) - 1, task_entry);
    t->wait = NULL;
    t->scopes = NULL;
    t->ready.run = bide__task_run;
    bide__error_init(&bide__task_top(t)->error);
    bide__task_top(t)->coroutine = *c;
}

static void prepare_stackless(bide_task *t, bide_generator *g)
{
    t->generator = g;
    t->awaited = NULL;
    t->outcome = 0;
    bide__clause_init(&t->clause, &t->ready);
    t->ready.run = bide__generator_run;
}

static void task_init(bide_loop *loop, bide_task *t, bool stackless)
{
    bide__future_init(&t->future, &task_type, loop);
    t->future.is_task = true;
    t->future.object.refs = 2; /* the creator's and the loop's */
    t->ready.place = 0;
    t->own_name = NULL;
    t->id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed) + 1;
    t->cancelling = t->expired = 0;
    t->must_cancel = t->started = false;
    t->stackless = stackless;
    bide__list_append(&loop->tasks, &t->all);
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
}

int bide__check_stack_size(size_t bytes, const char *function)
{
    if (bytes == 0 || (bytes >= STACK_MIN_BYTES && bytes <= STACK_MAX_BYTES))
        return 0;
    return bide_fail(-EINVAL, "%s: stack_size is %zu: at least %zu (16 KiB), at most %zu (64 MiB), or 0 for 64 KiB", function, bytes,
                     STACK_MIN_BYTES, STACK_MAX_BYTES);
}

static bool args_are_good(const bide_task_args *args)
{
    const bide_generator *g = args->generator;
    bool good = g ? g->step != NULL : args->coroutine.fn != NULL;

    if (!good)
        bide_fail(-EINVAL, "bide_create_task: the %s is NULL", g ? "generator's step function" : "coroutine's function");
    return good && bide__check_stack_size(args->stack_size, "bide_create_task") == 0;
}

static bide_task *undo_new(bide_loop *loop, bide_task *t, struct stack *s, char *name)
{
    if (s)
        bide__stack_put(&loop->stacks, s);
    if (t)
        task_free(loop, t);
    bide__free(name);
    return NULL;
}

never_indirect bide_task *bide__task_new(bide_loop *loop, const bide_task_args *args)
{
    struct stack *s = NULL;
    char *name = args->name ? bide__strdup(args->name) : NULL;
    if (loop->closed) {
        bide_fail(BIDE_ECLOSED, "bide_create_task: the event loop is closed");
        return undo_new(loop, NULL, NULL, name);
    }
    if (args->name && !name) {
        bide__fail_nomem("a task's name");
        return NULL;
    }
    bide_task *t = task_alloc(loop);
    if (!t)
        return undo_new(loop, NULL, NULL, name);
    if (!args->generator && !(s = bide__stack_get(&loop->stacks, args->stack_size))) {
        bide_fail(errno ? -errno : BIDE_ENOMEM, "%s", bide__stack_error());
        return undo_new(loop, t, NULL, name);
    }
    if (bide__ring_reserve(&loop->ring, 1) < 0)
        return undo_new(loop, t, s, name);

    task_init(loop, t, args->generator != NULL);
    if (unlikely(bide__ledger_is_kept))
        bide__ledger_note(t, loop, args->generator ? "a generator" : args->coroutine.name);
    t->own_name = name;
    if (args->generator)
        prepare_stackless(t, args->generator);
    else
        prepare_stackful(t, s, &args->coroutine);
    bide__push(loop, &t->ready);
    return t;
}

static bide_task *create(const bide_task_args *args)
{
    if (bide__check_named(args->guard_, "bide_create_task") < 0)
        return NULL;
    bool good = likely(args->coroutine.fn && !args->generator && args->stack_size == 0) || args_are_good(args);
    bide_loop *loop = good ? bide_get_event_loop() : NULL;

    return loop ? bide__task_new(loop, args) : NULL;
}

static __attribute__((noinline)) bide_task *create_of_other_headers(const bide_task_args *options)
{
    bide_task_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_create_task") < 0)
        return NULL;
    return create(&args);
}

bide_task *bide_create_task_with(const bide_task_args *args)
{
    return bide__options_are_own(args, sizeof *args) ? create(args) : create_of_other_headers(args);
}

static bide_future *retain_future(bide_future *f)
{
    return bide__future_check(f, "bide_ensure_future") == 0 ? bide_retain(f) : NULL;
}

static bide_future *retain_task(bide_task *t)
{
    return bide__task_check(t, "bide_ensure_future") == 0 ? bide_retain(&t->future) : NULL;
}

static bide_future *start(const bide_task_args *args)
{
    bide_task *t = create(args);
    return t ? &t->future : NULL;
}

bide_future *bide_ensure_future_with(bide_awaitable a)
{
    switch (a.kind) {
    case BIDE_AW_FUTURE:
        return retain_future(a.as.future);
    case BIDE_AW_TASK:
        return retain_task(a.as.task);
    case BIDE_AW_COROUTINE:
        return start(&(bide_task_args){.coroutine = a.as.coroutine});
    case BIDE_AW_GENERATOR:
        if (a.as.generator)
            return start(&(bide_task_args){.generator = a.as.generator});
        bide_fail(-EINVAL, "bide_ensure_future: the generator is NULL");
        return NULL;
    default:
        bide_fail(-EINVAL, "bide_ensure_future: it takes a coroutine, a generator, a task or a future");
        return NULL;
    }
}

/* ---- end ---- */

static void keep_error(bide_task *t, int code)
{
    const struct error_record *e = bide__error_current();
    if (e->code != code)
        return;

    t->future.error = bide__malloc(sizeof *e);
    if (t->future.error)
        *t->future.error = *e;
}

never_indirect void bide__task_finish(bide_task *t, int code)
{
    if (t->must_cancel && code >= 0) /* asked for, never delivered: a result does not stand, an error does */
        code = BIDE_ECANCELED;
    t->must_cancel = false;
    if (code == BIDE_ECANCELED) {
        bide__future_settle(&t->future, CANCELLED, code);
    } else if (code < 0) {
        keep_error(t, code);
        bide__future_settle(&t->future, FAILED, code);
    } else {
        bide__future_settle(&t->future, DONE, code);
    }
}

_Noreturn void bide__task_end_here(int code)
{
    bide_task *t = bide__task_here();

    bide__scopes_drop(t);
    t->future.was_retrieved = true;
    bide__task_finish(t, code);
    bide__fiber_switch_final(&t->fiber, &t->future.loop->fiber, NULL);
}

static void task_destroy(void *object)
{
    bide_task *t = object;
    bide_loop *loop = bide_retain(t->future.loop);

    bide__future_fini(&t->future);
    bide__free(t->own_name);
    task_free(loop, t);
    bide__object_unref(loop);
}

/* Its last owner lets go of it while it runs: it is cancelled and awaited, for its frame may be pointed to from here. */
static __attribute__((noinline)) void end_unowned(bide_task *t)
{
    bide_loop *loop = t->future.loop;
    bide_task *self = bide__task_here();
    if (t == self || bide__loop_is_inherited(loop))
        return;

    t->future.was_retrieved = true;
    if (self && !self->stackless && self->future.loop == loop) {
        bide__cancel_to_drain(&t->future);
        bide__drain(&t->future);
        return;
    }
    bide_task_cancel(t);
    if (!bide__loop_here)
        bide__loop_run_until(loop, &t->future);
    else
        bide__loop_report(loop, "task %s was dropped while it ran, where nobody can wait for its end", bide_task_name(t));
}

static void task_release(void *object)
{
    bide_task *t = object;
    if (bide__release_is_refused(t->future.loop, "bide_release of a task"))
        return;

    if (t->future.state == PENDING && t->future.object.refs == 2)
        end_unowned(t);
    bide__object_unref(t);
}

/* "Task-12", or with a name: "fetch 7 (#12)". */
static void task_describe(const void *object, char *buf, size_t cap)
{
    const bide_task *t = object;

    if (t->own_name && strncmp(t->own_name, "Task-", 5) != 0)
        snprintf(buf, cap, "%.40s (#%llu)", t->own_name, (unsigned long long)t->id);
    else
        snprintf(buf, cap, "Task-%llu", (unsigned long long)t->id);
}

static const struct object_type task_type = {
    .name = "task", .destroy = task_destroy, .release = task_release, .describe = task_describe};

struct chosen {
    bide_task **tasks;
    size_t n, cap;
    bool (*choose)(const bide_task *t);
};

static void take_if_chosen(void *arg, void *object)
{
    struct chosen *c = arg;
    struct object *o = object;
    bide_task *t = container_of(o, bide_task, future.object);

    if (o->type != &task_type || o->word != OBJECT_LIVE || !c->choose(t))
        return;
    if (c->n < c->cap)
        c->tasks[c->n] = t;
    c->n++;
}

size_t bide__tasks_alive(bide_loop *loop, bide_task **tasks, size_t cap, bool (*choose)(const bide_task *t))
{
    struct chosen chosen = {.tasks = tasks, .cap = cap, .choose = choose};

    for (struct task_chunk *c = loop->chunks; c; c = c->next)
        for (size_t i = 0; i < CHUNK_TASKS; i++)
            take_if_chosen(&chosen, &c->tasks[i].future.object);
    if (bide__ledger_is_kept)
        bide__ledger_each(loop, take_if_chosen, &chosen);
    return chosen.n;
}

void bide_detach(bide_task *t)
{
    if (t && bide__object_check(__func__, t) && bide__loop_allows(t->future.loop, "bide_detach"))
        bide__object_unref(t);
}

/* ---- cancellation ---- */

bool bide_task_cancel(bide_task *t)
{
    if (bide__task_check(t, __func__) < 0)
        return false;
    if (t->future.state != PENDING) {
        t->future.was_retrieved = true;
        return false;
    }
    t->cancelling++;
    bide__task_interrupt(t, BY_CANCEL);
    return true;
}

int bide_cancelling(const bide_task *t)
{
    int code = bide__task_check(t, __func__);
    if (code < 0)
        return code;
    return t->cancelling;
}

int bide_uncancel(bide_task *t)
{
    int code = bide__task_check(t, __func__);
    if (code < 0)
        return code;
    t->future.loop->others--; /* as if a task had run: the next request is news to what it awaits */
    if (t->cancelling > 0 && --t->cancelling == 0)
        t->must_cancel = false;
    return t->cancelling;
}

/* ---- looking ---- */

bide_task *bide_current_task(void)
{
    return bide__task_here();
}

bool bide_task_done(const bide_task *t)
{
    return bide__task_check(t, __func__) == 0 && t->future.state != PENDING;
}

bool bide_task_cancelled(const bide_task *t)
{
    return bide__task_check(t, __func__) == 0 && t->future.state == CANCELLED;
}

int bide_task_result(bide_task *t)
{
    int code = bide__task_check(t, __func__);

    return code < 0 ? code : bide_future_result(&t->future);
}

uint64_t bide_task_id(const bide_task *t)
{
    return t ? t->id : 0;
}

/* Most names are never asked for, so the default one is made when it is. */
const char *bide_task_name(const bide_task *t)
{
    bide_task *self = (bide_task *)(uintptr_t)t;
    if (bide__task_check(t, __func__) < 0)
        return "";

    if (!self->own_name && (self->own_name = bide__malloc(32)))
        snprintf(self->own_name, 32, "Task-%llu", (unsigned long long)t->id);
    return self->own_name ? self->own_name : "Task-?";
}

/* These two are for the report of a stack overflow, and run in a signal handler. */

const struct stack *bide__task_running_stack(void)
{
    const bide_task *t = bide__task_here();

    return t && !t->stackless ? t->fiber.stack : NULL;
}

void bide__task_describe(const void *owner, char *buf, size_t cap)
{
    const bide_task *t = owner;
    const char *parts[] = {t->own_name ? t->own_name : "Task", " (#", NULL, ", function ", bide__task_top(t)->coroutine.name, ")"};
    char digits[24], *d = digits + sizeof digits - 1;
    size_t n = 0;

    *d = '\0';
    for (uint64_t id = t->id; id > 0; id /= 10)
        *--d = (char)('0' + id % 10);
    parts[2] = d;
    for (size_t i = 0; i < array_len(parts); i++)
        for (const char *p = parts[i] ? parts[i] : "?"; *p && n + 1 < cap; p++)
            buf[n++] = *p;
    buf[n] = '\0';
}
