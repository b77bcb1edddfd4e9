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
#include "core/task/await.h"
#include "core/turn/timeline/traced.h"

#include <stdio.h>

static atomic_uint_fast64_t next_id;
void (*bide__guest_ended)(void *guest);

/* ---- stackful tasks ---- */

/* Apart, for the frame that it needs. */
static __attribute__((noinline)) int run_in_thread(const bide_coroutine *c)
{
    struct task_top *top = bide__task_top(bide__task_here());

    top->doing = NULL;
    return bide_to_thread(*c, .pool = top->pool);
}

/* What the guest has to end may use what it keeps, so the task has it until then; what comes after that begins anew. */
static __attribute__((noinline, cold)) void end_guest(bide_task *t)
{
    bide__guest_ended(t->extra->guest);
    t->extra->guest = NULL;
}

static inline bool has_guest(const bide_task *t)
{
    return unlikely(t->extra != NULL) && t->extra->guest;
}

/* The first frame on the task's stack, and the last. */
static void task_entry(void *arg)
{
    bide_task *t = arg;
    const bide_coroutine *c = &bide__task_top(t)->coroutine;

    int code = unlikely(bide__task_top(t)->doing != NULL) ? run_in_thread(c) : bide__call_words(c->fn, c->argc, c->argv);

    if (has_guest(t))
        end_guest(t);
    bide__task_finish(t, bide__on_record(code, c->name));
    bide__fiber_switch_final(&t->fiber, &t->future.loop->fiber, NULL);
}

/* ---- birth ---- */

/* In line in both who make one: a call and what it saves are 2 % of what a task costs. */
#define in_line static inline __attribute__((always_inline))

int bide__check_stack_size(size_t bytes, const char *function)
{
    if (bytes == 0 || (bytes >= STACK_MIN_BYTES && bytes <= STACK_MAX_BYTES))
        return 0;
    return bide_fail(-EINVAL, "%s: stack_size is %zu: at least %zu (16 KiB), at most %zu (64 MiB), or 0 for 64 KiB", function, bytes,
                     STACK_MIN_BYTES, STACK_MAX_BYTES);
}

in_line void prepare_stackful(const bide_loop *loop, bide_task *t, struct stack *s, const bide_coroutine *c, const void *made_at)
{
    t->stackless = false;
    s->owner = t;
    bide__fiber_init_at(&t->fiber, s, (struct task_top *)bide__stack_top(s) - 1, task_entry);
    t->wait = NULL;
    t->scopes = NULL;
    t->ready.run = bide__task_run;
    bide__error_init(&bide__task_top(t)->error);
    bide__task_top(t)->coroutine = *c;
    bide__task_top(t)->made_at = made_at;
    bide__task_top(t)->made_ns = loop->now_ns;
    bide__task_top(t)->doing = NULL;
}

static void prepare_stackless(bide_task *t, bide_generator *g)
{
    t->stackless = true;
    t->generator = g;
    t->awaited = NULL;
    t->outcome = 0;
    bide__clause_init(&t->clause, &t->ready);
    t->ready.run = bide__generator_run;
}

in_line void task_init(bide_loop *loop, bide_task *t)
{
    bide__future_init(&t->future, &bide__task_type, loop);
    t->future.is_task = true;
    t->future.object.refs = 2; /* the creator's and the loop's */
    t->ready.place = 0;
    t->ready.is_task = true;
    t->extra = NULL;
    t->id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed) + 1;
    t->cancelling = t->expired = 0;
    t->must_cancel = t->started = t->is_asleep = t->is_shielded = t->holds_cancel = t->left_block = false;
    bide__list_append(&loop->tasks, &t->all);
    atomic_fetch_add_explicit(&bide__live_tasks, 1, memory_order_relaxed);
}

/*
 * Its first step, inside of the one that makes it.  Whoever runs here stands in for the loop: a task switches to loop->fiber when
 * it parks, so that is this stack for as long as the step lasts.
 */
static __attribute__((noinline)) void begin_now(bide_loop *loop, bide_task *t)
{
    bide_task *creator = loop->current;
    struct error_record *record = bide__error_current_record;
    struct fiber loop_fiber = loop->fiber;

    if (creator && !creator->stackless)
        loop->fiber = creator->fiber;
    if (t->stackless || !loop->plain_run) {
        bide__run_traced(loop, &t->ready);
    } else {
        loop->others--; /* a step of a task that the ring has not counted */
        bide__task_resume(loop, t);
    }
    if (creator && !creator->stackless)
        creator->fiber = loop->fiber;
    loop->fiber = loop_fiber;
    loop->current = creator;
    bide__error_current_record = record;
    if (unlikely(loop->mirror != NULL))
        atomic_store_explicit(loop->mirror, (uintptr_t)creator, memory_order_relaxed);
    if (unlikely(bide__loop_is_inherited(loop)) && creator && !creator->stackless)
        bide__park(creator, NULL); /* the step has forked, and this is the child: the loop ends */
}

static bide_task *undo_new(bide_loop *loop, bide_task *t, struct stack *s)
{
    if (s)
        bide__stack_put(&loop->stacks, s);
    bide__task_free(loop, t);
    return NULL;
}

/* A task as most are, not queued yet. */
in_line bide_task *make(bide_loop *loop, const bide_task_args *args, const void *made_at)
{
    struct stack *s = NULL;
    bide_task *t = bide__task_alloc(loop);
    if (!t)
        return NULL;
    if (!args->generator && !(s = bide__stack_get(&loop->stacks, args->stack_size))) {
        bide_fail(errno ? -errno : BIDE_ENOMEM, "%s", bide__stack_error());
        return undo_new(loop, t, NULL);
    }
    if (bide__ring_reserve(&loop->ring, 1) < 0)
        return undo_new(loop, t, s);

    task_init(loop, t);
    if (unlikely(bide__ledger_is_kept))
        bide__ledger_note(t, loop, args->generator ? "a generator" : args->coroutine.name);
    if (unlikely(!s))
        prepare_stackless(t, args->generator);
    else
        prepare_stackful(loop, t, s, &args->coroutine, made_at);
    return t;
}

/* A name, and the context of who makes the task; mostly NULL: neither.  0, or an error on record. */
static int extra_new(const char *name, struct task_extra **extra)
{
    struct task_context *context = bide__loop_here ? bide__context_here() : NULL; /* else it may be that of another thread's task */
    if (!name && !context)
        return 0;

    struct task_extra *e = bide__calloc(1, sizeof *e);
    if (!e || (name && !(e->name = bide__strdup(name)))) {
        bide__free(e);
        return bide__fail_nomem("a task's name or context");
    }
    e->context = bide__context_ref(context);
    *extra = e;
    return 0;
}

/* One with a name, or a context to inherit, or that begins at once; or the loop is closed. */
static __attribute__((noinline)) bide_task *make_unusual(bide_loop *loop, const bide_task_args *args, const void *made_at)
{
    struct task_extra *extra = NULL;
    if (loop->closed) {
        bide_fail(BIDE_ECLOSED, "bide_create_task: the event loop is closed");
        return NULL;
    }
    if (extra_new(args->name, &extra) < 0)
        return NULL;
    bide_task *t = make(loop, args, made_at);
    if (!t) {
        if (extra)
            bide__task_extra_free(extra);
        return NULL;
    }
    t->extra = extra;
    if (loop->track)
        bide__task_note_made(t);
    if (args->eager && loop == bide__loop_here)
        begin_now(loop, t);
    else
        bide__push(loop, &t->ready);
    return t;
}

never_indirect bide_task *bide__task_new(bide_loop *loop, const bide_task_args *args, const void *made_at)
{
    if (unlikely((uintptr_t)args->name | args->eager | loop->is_unusual))
        return make_unusual(loop, args, made_at);
    bide_task *t = make(loop, args, made_at);

    if (likely(t != NULL))
        bide__push(loop, &t->ready);
    return t;
}

/* ---- end ---- */

_Noreturn void bide__task_end_here(int code)
{
    bide_task *t = bide__task_here();

    bide__scopes_drop(t);
    if (has_guest(t))
        end_guest(t);
    t->future.was_retrieved = true;
    bide__task_finish(t, code);
    bide__fiber_switch_final(&t->fiber, &t->future.loop->fiber, NULL);
}

static void task_destroy(void *object)
{
    bide_task *t = object;
    bide_loop *loop = bide_retain(t->future.loop);

    bide__future_fini(&t->future);
    if (unlikely(t->extra != NULL))
        bide__task_extra_free(t->extra);
    bide__task_free(loop, t);
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

/* While it is pending, one share is that of the loop (T1), which nobody else can give back. */
static inline bool is_the_loops_alone(const bide_task *t)
{
    return t->future.state == PENDING && t->future.object.refs == 1;
}

/* The program has given its share away before. */
static __attribute__((noinline, cold)) void report_no_share(const bide_task *t, const char *function)
{
    char name[64], place[PLACE_TEXT_MAX] = "an unknown place";

    bide__task_show(t, name, sizeof name);
    (void)bide__task_place(t, place, sizeof place);
    fprintf(stderr, "bide: %s: task %s, made at %s, was detached or released before, so nothing is done: bide_detach takes it, and after "
                    "that it is neither released nor detached (of a bide_auto variable: bide_detach(bide_take(t)))\n", function, name, place);
}

static void task_release(void *object)
{
    bide_task *t = object;
    if (bide__release_is_refused(t->future.loop, "bide_release of a task"))
        return;

    if (unlikely(is_the_loops_alone(t))) {
        report_no_share(t, "bide_release");
        return;
    }
    if (t->future.state == PENDING && t->future.object.refs == 2)
        end_unowned(t);
    bide__object_unref(t);
}

const struct object_type bide__task_type = {
    .name = "task", .destroy = task_destroy, .release = task_release, .describe = bide__task_show};

void bide_detach(bide_task *t)
{
    if (!t || !bide__object_check(__func__, t) || !bide__loop_allows(t->future.loop, "bide_detach"))
        return;
    if (unlikely(is_the_loops_alone(t)))
        report_no_share(t, "bide_detach");
    else
        bide__object_unref(t);
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

