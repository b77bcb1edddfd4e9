/* SPDX-License-Identifier: MIT */
/*
 * task.h - a task as the loop sees it: a future, an entry of the ready queue, and a stack or a generator.
 */
#ifndef BIDE_CORE_TASK_H
#define BIDE_CORE_TASK_H

#include <bide/task.h>

#include "core/turn/future.h"
#include "core/turn/switch_state.h"

/* What a stackful task keeps at the top of its stack, in the page that is touched anyway. */
struct task_top {
    struct error_record error;
    bide_coroutine coroutine;
    const void *made_at; /* where the function that made it was called; NULL: not known */
    int64_t made_ns;     /* by the clock of its loop, when that looked last */
    struct doing *doing; /* innermost first; NULL: nothing that has a name */
    struct bide_thread_pool *pool; /* while that is bide__for_thread: of the call; NULL: that of the loop */
    struct switch_state state; /* if the loop carries it */
};

/* What a task is about, for reports: a request, an exchange, a job.  Lies in the frame of the function that does it. */
struct doing {
    struct doing *outer;
    const char *what, *of; /* "GET", "https://a.example/" */
    const void *code;      /* in place of `of`: a function, whose name is looked up; NULL: none */
};
extern struct doing bide__for_thread; /* memory.c: not begun, and its coroutine is for bide_to_thread */

/*
 *     bide_task                                          its stack, if it is stackful
 *       future   who waits for it: clauses                 .------------------.  high
 *       ready    its entry in the loop's queue             | task_top         |  error record, coroutine
 *       fiber -------------- the saved registers --------> | frames           |
 *       wait ----------------------------------------------|-> struct wait    |  of the call that parks it (wait.h)
 *       scopes --------------------------------------------|-> struct scope   |  of its bide_timeout blocks
 *                                                          `------------------'  low: the guard
 *
 * What a switch touches stands together, from future.state to the flags: with many tasks each line is a cache miss.
 */
struct bide_task {
    struct bide_future future;
    struct ready ready;
    union {
        struct { /* stackful */
            struct fiber fiber;
            struct wait *wait;    /* while parked, if it can be ended early */
            struct scope *scopes; /* bide_timeout and bide_scope blocks, innermost first */
        };
        struct { /* stackless */
            bide_generator *generator;
            bide_future *awaited; /* a share; NULL: not waiting for one */
            int outcome;          /* for the next step */
            uint32_t walk_step;   /* as in struct wait, while it awaits */
            union {
                struct {
                    struct clause clause;
                    bide_task *walk_parent;
                };
                struct timer timer;
            };
        };
    };
    bool must_cancel; /* deliver BIDE_ECANCELED at the next wait */
    bool started;
    bool stackless;
    bool is_asleep : 1; /* stackless, until its timer's turn */
    bool is_alone : 1;  /* not in a chunk of the loop's */
    bool is_shielded : 1, holds_cancel : 1; /* inside a block that shields: must_cancel, when it is left */
    bool left_block : 1, left_expired : 1, left_cancelled : 1; /* a block was left, none entered since: how it ended */
    uint16_t cancelling;  /* requests not taken back */
    uint16_t expired;     /* of its blocks, outwards to the first that shields */
    struct list_node all; /* loop->tasks; also the loop's free list */
    struct task_extra *extra; /* NULL: nothing of what few have */
    uint64_t id;
};

/* What few tasks have; goes with the task. */
struct task_extra {
    char *name;              /* NULL: Task-<id> */
    uint16_t timeline_name;  /* its number in a timeline; 0: not asked for yet */
    char *reason;            /* of its cancellation; NULL: none was given */
    struct task_context *context; /* task/context.c: a share; NULL: empty */
    void *guest;             /* what libbide-unblock keeps for it (io/poll/interpose.h); NULL: nothing */
};
struct task_extra *bide__task_extra(bide_task *t); /* memory.c: made if there is none; NULL: no memory, nothing on record */
void bide__task_extra_free(struct task_extra *extra);
static inline const char *bide__task_reason(const bide_task *t)
{
    return unlikely(t->extra != NULL) ? t->extra->reason : NULL;
}

/* Values of a task by their keys: task/context.c.  It does not change, so those who inherit it share it. */
struct context_value {
    unsigned refs; /* contexts that have it */
    void *value;
    void (*value_free)(void *value); /* NULL: it is borrowed */
};
struct task_context {
    unsigned refs;
    size_t n;
    struct context_entry { const void *key; struct context_value *value; } all[];
};
/* Outside of a task, in a callback of the loop or in a thread's call: that of who asked for it.  NULL: empty. */
extern _Thread_local struct task_context *bide__context_outside __attribute__((tls_model("initial-exec")));
struct task_context *bide__context_ref(struct task_context *c); /* memory.c, these two; NULL is fine here */
void bide__context_unref(struct task_context *c);

/* The context of what runs here, borrowed; NULL: empty. */
static inline struct task_context *bide__context_here(void)
{
    const bide_task *t = bide__task_here();

    return !t ? bide__context_outside : t->extra ? t->extra->context : NULL;
}

extern const struct object_type bide__task_type;
extern atomic_size_t bide__live_tasks; /* those that are not done */
static inline size_t bide__tasks_live(void)
{
    return atomic_load(&bide__live_tasks);
}
/* name.c: "main (a.c:12)", where it was made.  False: not known. */
bool bide__task_place(const bide_task *t, char *buf, size_t cap);
int bide__check_stack_size(size_t bytes, const char *function); /* 0: the default; -EINVAL on record */
void bide__task_show(const void *task, char *buf, size_t cap);  /* "Task-12", or with a name: "fetch 7 (#12)" */
bide_task *bide__task_alloc_slow(bide_loop *loop); /* memory.c; these two inline: each task is made and freed through them */
static inline bide_task *bide__task_alloc(bide_loop *loop)
{
    if (unlikely(bide__no_recycling || bide__list_is_empty(&loop->free_tasks)))
        return bide__task_alloc_slow(loop);

    bide_task *t = container_of(loop->free_tasks.next, bide_task, all);
    bide__list_remove(&t->all);
    return t;
}
static inline void bide__task_free(bide_loop *loop, bide_task *t)
{
    if (unlikely(t->is_alone))
        bide__object_free(t);
    else
        bide__list_prepend(&loop->free_tasks, &t->all);
}
#define CHUNK_TASKS 64
struct task_chunk { struct task_chunk *next; struct bide_task tasks[CHUNK_TASKS]; };
struct lone_task { struct bide_task task; int64_t made_ns; }; /* one that is_alone */
void bide__task_chunks_each(bide_loop *loop, void (*visit)(void *arg, void *object), void *arg);
never_indirect void bide__task_finish(bide_task *t, int code); /* the body returned code */
/* resume.c */
void bide__task_run(struct ready *r); /* its turn, with the state of other runtimes (switch_state.c) */
extern atomic_bool bide__carries_state; /* there is such state; it never ends */
/* From now on each switch of each loop carries it: of this thread's at once, of others when they have asked the kernel. */
void bide__tasks_carry_state(void);
/* Does this loop resume tasks inline (loop->plain_run)?  Called when the answer may have changed. */
void bide__loop_choose_way(bide_loop *loop);
never_indirect void bide__task_start(bide_task *t);
never_indirect void bide__task_retire(bide_task *t); /* it is done and nothing runs on its stack: give that back */
void bide__task_describe(const void *owner, char *buf, size_t cap); /* in a signal handler */
void bide__run_noted(bide_loop *loop, struct ready *r); /* any entry of the queue, if somebody wants to know of it */
/*
 * stuck.c: the loop is about to sleep without an end.  0; or BIDE_EDEADLOCK, on record and reported: nothing can wake it.  It may
 * set a time after which it wants to look again.
 */
int bide__loop_check_progress(bide_loop *loop, int64_t *timeout_ns);
bool bide__signals_may_call_in(const bide_loop *loop); /* some handler of the program's is installed */
const struct stack *bide__task_running_stack(void); /* likewise; NULL: the thread's own */
void bide__task_chunks_free(bide_loop *loop);

/*
 * In the middle of a task's step, call a function that must not wait: as the loop calls it, outside of tasks.  What would wait
 * fails in it (BIDE_ENOLOOP), and its errors do not stand on the task's record.
 */
void bide__call_outside(bide_loop *loop, void (*fn)(void *arg), void *arg);

bide_task *bide__task_missing(const bide_task *t, const char *function);
int bide__deliver_interrupt(bide_task *t);

static inline int bide__task_check(const bide_task *t, const char *function)
{
    return bide__future_check((const bide_future *)t, function); /* a bide_task begins with its future */
}

/* The running task, or NULL and an error on record (BIDE_ENOLOOP) that names the function. */
static inline bide_task *bide__task_required(const char *function)
{
    bide_task *t = bide__task_here();

    return likely(t && !t->stackless) ? t : bide__task_missing(t, function);
}

/*
 * May a function that suspends be called here for what belongs to this loop?  As bide__loop_check, and only a task of the loop may:
 * BIDE_ENOLOOP outside of tasks, BIDE_ESTATE in one of another loop, whose turn would never come for it.
 */
int bide__check_waiter_slow(const bide_loop *loop, const char *function);
static inline int bide__check_waiter(const bide_loop *loop, const char *function)
{
    const bide_task *t = bide__task_here();

    return likely(t && t->future.loop == loop && !t->stackless) ? 0 : bide__check_waiter_slow(loop, function);
}

/* An interruption that is already there when a wait begins: 0, BIDE_ECANCELED (now delivered) or BIDE_ETIMEDOUT. */
static inline int bide__pending_interrupt(bide_task *t)
{
    return likely(!t->must_cancel && !t->expired) ? 0 : bide__deliver_interrupt(t);
}

/*
 * Park the running task until somebody pushes it.  The caller has put its clauses where they belong and takes out
 * what is left of them afterwards.  w may be NULL: then it can not be ended early (sleep(0), draining).
 *
 * Inline, because every return after a switch is one that the processor predicts wrongly.
 */
static inline void bide__park(bide_task *t, struct wait *w)
{
    t->wait = w;
    bide__fiber_switch(&t->fiber, &t->future.loop->fiber, NULL);
    t->wait = NULL;
}

static inline struct task_top *bide__task_top(const bide_task *t)
{
    return (struct task_top *)bide__stack_top(t->fiber.stack) - 1;
}

static inline void bide__task_switch_to(bide_loop *loop, bide_task *t)
{
    bide__error_current_record = &bide__task_top(t)->error;
    loop->current = t;
    if (unlikely(loop->mirror != NULL))
        atomic_store_explicit(loop->mirror, (uintptr_t)t, memory_order_relaxed);
    bide__fiber_switch(&loop->fiber, &t->fiber, t);
    loop->current = NULL;
}

/* The loop gives a stackful task its turn.  Inline for the same reason. */
static inline void bide__task_resume(bide_loop *loop, bide_task *t)
{
    if (unlikely(!t->started))
        bide__task_start(t);
    if (likely(t->future.state == PENDING))
        bide__task_switch_to(loop, t);
    if (t->future.state != PENDING)
        bide__task_retire(t);
}

#endif
