/* SPDX-License-Identifier: MIT */
/*
 * core.h - the room's header: tasks, futures, the one way to wait, timers, the loop.
 *
 * In reading order: owner.c, ring.c, timer.c, wait.c, future.c, task.c, cancel.c, generator.c, await.c, scope.c, gather.c,
 * thread.c, loop.c, handle.c, run.c.  fiber.h, stack.h and arch.h hold the stack switch.
 *
 * How a task waits.  It puts a *clause* into the list of whatever can wake it (a future's, a descriptor's), points
 * task->wait at a struct wait on its own stack, and parks.  Who settles the thing unlinks the clause and pushes what
 * the clause wakes.  Nothing is allocated, so parking cannot fail.
 */
#ifndef BIDE_CORE_H
#define BIDE_CORE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <bide/loop.h>
#include <bide/task.h>

#include "base/base.h"
#include "core/loop/ring.h"
#include "core/stack/fiber.h"
#include "core/stack/stack.h"
#include "core/turn/switch_state.h"
#include "core/loop/timer.h"

/* ---- wait.c: one way to wait ---- */

/* May t wait for f?  An error on record that names the function: f is t itself, or belongs to another loop. */
int bide__check_waitable(const bide_task *t, const bide_future *f, const char *function);

/* One thing that may wake somebody.  Lives on the waiter's stack or in a callback entry. */
struct clause {
    struct list_node node; /* in the list of what will trigger it; idle once triggered or withdrawn */
    struct ready *wakes;
};

static inline void bide__clause_init(struct clause *c, struct ready *wakes)
{
    bide__list_init(&c->node);
    c->wakes = wakes;
}

enum wait_kind { WAIT_OTHER, WAIT_GROUP, WAIT_COMPLETED };
enum interrupt { NOT_INTERRUPTED, BY_TIMEOUT, BY_CANCEL };

struct group;

/*
 * What a parked task waits for.  end_early() is asked when the task is cancelled or out of time: it arranges that the
 * task will be woken and returns true, or returns false if it is about to be woken anyway.  A wait without it passes
 * the interruption on to the future that it awaits, or to those of its group (cancel.c).
 */
struct wait {
    bool (*end_early)(struct wait *w);
    bide_task *task;
    bide_future *awaits;
    struct group *group;
    bide_task *walk_parent;     /* cancel.c: the task from which a walk came here; NULL: no walk is here or below */
    uint32_t walk_step;         /* cancel.c: bide__loop_steps when a walk last went on from here */
    enum interrupt interrupted; /* the strongest reason so far */
    bool too_late;              /* the time ran out when what was waited for was done, but before the task ran */
    bool drains;                /* it waits for what it awaits whatever happens: nothing is passed on */
    uint8_t kind;               /* enum wait_kind: for circle.c */
    bool gave_up;               /* what it awaits waits for this task: it is not waited for any longer */
};

bide_task *bide__task_missing(const bide_task *t, const char *function);
int bide__deliver_interrupt(bide_task *t);
/*
 * bide__pending_interrupt (below) for a wait that takes its turn even so, as asyncio's does: notes the reason in w and pushes the task, so
 * that its park ends in the next turn.  Returns: was there an interruption?
 */
bool bide__begin_interrupted(struct wait *w);
/* The code of a leaf wait (descriptor, timer, queue) that was ended early, or by a cancel meanwhile; else 0. */
never_indirect int bide__wait_outcome(const struct wait *w);

/*
 * Wait in a list until somebody triggers the clause (bide__wake_one / bide__wake_all): descriptors, queues, slots.
 *
 * Returns:   0; BIDE_ECANCELED; BIDE_ETIMEDOUT.  After an error the caller was not woken by the list's owner, or was
 *            and must pass the wake-up on: *triggered says which (may be NULL).
 */
int bide__wait_in(struct list_node *list, bool *triggered);
int bide__wait_with(struct wait *w, struct list_node *list, bool *triggered); /* not interrupted yet */
void bide__wait_uninterrupted(struct list_node *list); /* nothing else ends it; in a stackful task only */
bool bide__wait_end_now(struct wait *w); /* an end_early() that just wakes the task */
bool bide__wake_one(bide_loop *loop, struct list_node *list); /* the first in the list; false: nobody there */
never_indirect void bide__wake_all(bide_loop *loop, struct list_node *list);

/* ---- future.c ---- */

enum future_state { PENDING, DONE, FAILED, CANCELLED };

struct bide_future {
    struct object object;
    bide_loop *loop;
    struct list_node clauses;   /* who waits, in order */
    struct error_record *error; /* FAILED: its story, or NULL if there was no memory for it */
    int result;                 /* DONE: 0 or more; else the code */
    uint8_t state;
    bool is_task;
    bool was_retrieved; /* somebody took the error */
};

bide_future *bide__future_new(bide_loop *loop); /* owned */
never_indirect void bide__future_init(struct bide_future *f, const struct object_type *type, bide_loop *loop);
/* Settle it: records state and result, wakes all clauses in order. */
never_indirect void bide__future_settle(struct bide_future *f, enum future_state state, int result);
/* Its outcome for one who waited: adopts the error record, marks it retrieved. */
never_indirect int bide__future_outcome(struct bide_future *f);
void bide__callbacks_drop(bide_loop *loop); /* those that are queued */
void bide__future_report_unread(struct bide_future *f); /* once: it failed, and nobody retrieved the error */
never_indirect void bide__future_fini(struct bide_future *f); /* reports what nobody retrieved; frees the record */

/* ---- task.c ---- */

/* What a stackful task keeps at the top of its stack, in the page that is touched anyway. */
struct task_top {
    struct error_record error;
    bide_coroutine coroutine;
    struct switch_state state; /* if the loop carries it */
};

/* What a switch touches stands together, from future.state to the flags: with many tasks each line is a cache miss. */
struct bide_task {
    struct bide_future future;
    struct ready ready;
    union {
        struct { /* stackful */
            struct fiber fiber;
            struct wait *wait;    /* while parked, if it can be ended early */
            struct scope *scopes; /* bide_timeout blocks, innermost first */
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
    bool is_asleep; /* stackless, until its timer's turn */
    bool is_alone; /* not in a chunk of the loop's */
    uint16_t cancelling;  /* requests not taken back */
    uint16_t expired;     /* of its bide_timeout blocks */
    struct list_node all; /* loop->tasks; also the loop's free list */
    char *own_name;       /* NULL: Task-<id> */
    uint64_t id;
};

extern const struct object_type bide__task_type;
extern atomic_size_t bide__live_tasks; /* those that are not done */
static inline size_t bide__tasks_live(void)
{
    return atomic_load(&bide__live_tasks);
}
int bide__check_stack_size(size_t bytes, const char *function); /* 0: the default; -EINVAL on record */
void bide__task_show(const void *task, char *buf, size_t cap);  /* "Task-12", or with a name: "fetch 7 (#12)" */
bide_task *bide__task_alloc(bide_loop *loop); /* memory.c */
void bide__task_free(bide_loop *loop, bide_task *t);
void bide__task_chunks_each(bide_loop *loop, void (*visit)(void *arg, void *object), void *arg);
never_indirect bide_task *bide__task_new(bide_loop *loop, const bide_task_args *args); /* owned by the caller; queued */
/* Make any awaitable a future that settles on its own: a task or future is itself.  A share, to be released. */
bide_future *bide__start(bide_loop *loop, bide_awaitable a);
never_indirect void bide__task_finish(bide_task *t, int code); /* the body returned code */
/* resume.c */
void bide__task_run(struct ready *r); /* its turn, with the state of other runtimes (switch_state.c) */
/*
 * bide__task_run, while there is no such state: then the loop resumes a task itself, inline.  Else NULL.  It changes once, and a
 * loop in another thread may see it late; no atomic, for that would cost two instructions a switch.
 */
extern void (*bide__plain_run)(struct ready *r);
/* From now on each switch of each loop carries it. */
void bide__tasks_carry_state(void);
never_indirect void bide__task_start(bide_task *t);
_Noreturn void bide__task_end_here(int code); /* the running stackful task, from anywhere on its stack: its frames are lost */
never_indirect void bide__task_retire(bide_task *t); /* it is done and nothing runs on its stack: give that back */
void bide__task_describe(const void *owner, char *buf, size_t cap); /* in a signal handler */
const struct stack *bide__task_running_stack(void); /* likewise; NULL: the thread's own */
void bide__task_chunks_free(bide_loop *loop);

/* ---- cancel.c: an interruption goes on to what is awaited ---- */

/* Cancelled or out of time: end its present wait early, or see to it that the next one ends at once. */
void bide__task_interrupt(bide_task *t, enum interrupt why);
/* Cancel what t->wait awaits, and no more. */
void bide__pass_on(bide_task *t);
/* The running task cancels f and is about to drain it: what f waits for does not wait for this task any longer. */
void bide__cancel_to_drain(bide_future *f);
int bide__circle_given_up(void); /* the code, and the story, of a wait that gave up */

/* The one future that it awaits; NULL: it waits for something else, or for several, or not at all. */
static inline bide_future *bide__awaited_by(const bide_task *t)
{
    if (t->stackless)
        return t->awaited;
    return t->wait ? t->wait->awaits : NULL;
}

/* Of one that waits. */
static inline bide_task **bide__walk_parent_of(bide_task *t)
{
    return t->stackless ? &t->walk_parent : &t->wait->walk_parent;
}

static inline bool bide__is_on_the_way(const bide_task *t)
{
    return t->stackless ? t->awaited && t->walk_parent : t->wait && t->wait->walk_parent;
}

/* ---- circle.c: would a task wait for itself? ---- */

struct circle_search;
/* Will f not end before the task for which we search does?  Asked by those below. */
bool bide__never_ends(struct circle_search *s, const bide_future *f);
/* Would a wait of t never end, as far as is_stuck(what) can tell by asking the above?  BIDE_EDEADLOCK on record, or 0. */
bool bide__group_is_stuck(struct circle_search *s, const void *wait);
bool bide__completed_is_stuck(struct circle_search *s, const void *wait);
int bide__check_stuck(const bide_task *t, const char *function, bool (*is_stuck)(struct circle_search *s, const void *what),
                      const void *what);
/* The same for an await of f, which is a task that waits for something. */
int bide__check_circle(const bide_task *t, const bide_future *f, const char *function);
static inline bool bide__is_in_wait(const bide_future *f)
{
    const bide_task *t = (const bide_task *)f;

    return f->is_task && (t->stackless ? t->awaited != NULL : t->wait != NULL);
}

/* cancel.c: wait until it is done, whatever happens to the waiter. */
void bide__drain(bide_future *f);

/* ---- generator.c: stackless tasks ---- */

void bide__generator_run(struct ready *r);
int bide__generator_await(bide_generator *g); /* in place, by a stackful task */

/* ---- scope.c: bide_timeout ---- */

struct scope {
    struct timer timer;
    struct ready ready;
    bide_task *task;
    struct scope *outer;
    uint16_t cancelling; /* of the task, when the block was entered */
    bool expired, has_place;
};

/* Does a cancellation that came back from inside mean that a block of this task ran out of time? */
bool bide__scope_explains(const bide_task *t);
void bide__scopes_drop(bide_task *t); /* the task's frames are lost, and the blocks in them */

/* ---- thread.c, thread_pool.c: blocking calls in threads, for to_thread and for files ---- */

enum thread_use { FOR_CALLS, FOR_FILES, THREAD_USES };

/* Run job(arg) in one of the loop's threads for files and wait for its end; not ended early once begun. */
int bide__offload(int (*job)(void *arg), void *arg);
/* The same for what must be done, also by a task that was cancelled: not ended early at all.  In a stackful task only. */
int bide__offload_surely(int (*job)(void *arg), void *arg);
struct thread_pool;
void bide__threads_close(struct thread_pool *p);

/* ---- loop.c ---- */

/* The part of the loop that waits for the outside world: rest.c, and from the first descriptor on, the one that io hands in. */
struct poller_ops {
    void (*close)(void *poller);
    /* Wait up to timeout_ns (negative: forever) and wake who waited.  0, or a code when the kernel refuses. */
    int (*wait)(void *poller, int64_t timeout_ns);
    void (*wake)(void *poller); /* from any thread or a signal handler: end the present or next wait */
};

extern const struct poller_ops bide__rest_ops;
void bide__set_poller(bide_loop *loop, const struct poller_ops *ops); /* which hands on to the one before */
void bide__replace_poller(bide_loop *loop, const struct poller_ops *ops, void *poller); /* and close the one before */

/* Resumes between two questions to the kernel, which cost as much as twenty of them. */
#define LOOP_RESUMES_PER_POLL 256

struct bide_loop {
    struct object object; /* shared by its tasks, futures and handles: they may outlive its closing */
    struct ring ring;
    bide_task *current;
    _Atomic uintptr_t *mirror; /* where others can see which task ran last; NULL: nobody looks */
    struct fiber fiber; /* the loop's own: the thread's stack */
    struct wheel wheel;
    int64_t now_ns;  /* read when polling and when a timer is armed */
    unsigned budget; /* resumes until the next poll */
    uint32_t others; /* entries run that were no step of a task; see bide__loop_steps */
    int64_t io_left; /* bytes that all tasks together may move until then; io's, like the next */
    struct list_node io_waiters; /* tasks over their I/O budget, in order; the next poll does not wait, and wakes some */
    unsigned outside; /* calls in threads: somebody will wake us */
    const struct poller_ops *poller_ops;
    void *poller;
    sem_t wakeups; /* rest.c */
    struct list_node tasks;   /* all that are not done */
    struct list_node handles; /* calls not made yet */
    struct list_node free_tasks;
    struct task_chunk *chunks; /* the memory of tasks */
    struct stack_pool stacks;
    struct list_node closers; /* struct loop_closer: what other rooms keep per loop */
    pthread_mutex_t lock;
    struct list_node inbox; /* struct inbox_item; under lock */
    struct list_node taken; /* from the inbox, but not run yet: a turn runs so many */
    atomic_uint calls_outside; /* bide_loop_call_soon_threadsafe: not taken yet */
    bool inbox_closed;      /* under lock: nothing more is taken, for nobody will run it */
    atomic_bool has_inbox;
    struct thread_pool *threads[THREAD_USES]; /* made when first used */
    struct error_record error;      /* of what the loop runs that is no task */
    struct error_record step_error; /* of the stackless task that runs now */
    bide_exception_handler *on_exception;
    void *on_exception_arg;
    _Atomic(void *) runner; /* an address in the thread that runs it (owner.c); NULL: it does not run */
    bide_loop *outer;       /* the loop that this thread ran before it, and goes on with afterwards; NULL: none */
    unsigned process;       /* bide__process when it was made */
    atomic_bool stopping;
    bool closed;
    bool carries_state; /* of other runtimes, at each switch: resume.c */
    bide_task *unsaved; /* it ran when that became necessary, so its state is the thread's; may be gone by now */
    bool virtual_time; /* tests: when all wait for a timer, the clock jumps there */
};

/* The loop that runs in this thread, and its running task; NULL if none. */
extern _Thread_local bide_loop *bide__loop_here __attribute__((tls_model("initial-exec")));

static inline bide_task *bide__task_here(void)
{
    return bide__loop_here ? bide__loop_here->current : NULL;
}

/* ---- owner.c: whose is it? ---- */

extern unsigned bide__process; /* another number after each fork() */

bool bide__loop_claim(bide_loop *loop); /* this thread runs it now; false: another one does */
void bide__loop_unclaim(bide_loop *loop);
bool bide__loop_is_foreign(const bide_loop *loop); /* another thread runs it */
void bide__loops_inherit(void); /* in the child of a fork */
int bide__inherited(const char *function); /* BIDE_ESTATE on record: it is that of the process before a fork() */
const void *bide__thread_here(void);       /* which thread this is, for what belongs to one and not to a loop */
int bide__loop_check_slow(const bide_loop *loop, const char *function);
int bide__future_check_slow(const bide_future *f, const char *function);

/* It is that of the process before a fork(): nothing that it shares with the kernel may be touched. */
static inline bool bide__loop_is_inherited(const bide_loop *loop)
{
    return unlikely(loop->process != bide__process);
}

/*
 * May a function be called here for what belongs to this loop?  0; else an error on record that names the function: -EINVAL,
 * it is NULL; BIDE_ESTATE, it runs in another thread, or was left to the parent by a fork().
 */
static inline int bide__loop_check(const bide_loop *loop, const char *function)
{
    return likely(loop && loop == bide__loop_here) ? 0 : bide__loop_check_slow(loop, function);
}

static inline int bide__future_check(const bide_future *f, const char *function)
{
    return likely(f && f->loop == bide__loop_here) ? 0 : bide__future_check_slow(f, function);
}

static inline int bide__task_check(const bide_task *t, const char *function)
{
    return bide__future_check((const bide_future *)t, function); /* a bide_task begins with its future */
}

/* await.c.  May it be awaited at all?  As bide__loop_check. */
int bide__check_awaitable(const bide_awaitable *a, const char *function);
/* The same for functions that return nothing: false, and a sentence on standard error. */
bool bide__loop_allows_slow(const bide_loop *loop, const char *function);
static inline bool bide__loop_allows(const bide_loop *loop, const char *function)
{
    return likely(loop && loop == bide__loop_here) || bide__loop_allows_slow(loop, function);
}
/* The same for bide_release.  (What was inherited from a parent process is released, but with care.) */
bool bide__release_is_refused_slow(const bide_loop *loop, const char *function);
static inline bool bide__release_is_refused(const bide_loop *loop, const char *function)
{
    return unlikely(loop != bide__loop_here) && bide__release_is_refused_slow(loop, function);
}

/* How many steps of tasks there were (it wraps): between two equal answers no task has run.  The ring counts them by itself. */
static inline uint32_t bide__loop_steps(const bide_loop *loop)
{
    return loop->ring.moved + loop->ring.head - loop->others;
}

/* The running task, or NULL and an error on record (BIDE_ENOLOOP) that names the function. */
static inline bide_task *bide__task_required(const char *function)
{
    bide_task *t = bide__task_here();

    return likely(t && !t->stackless) ? t : bide__task_missing(t, function);
}

/* An interruption that is already there when a wait begins: 0, BIDE_ECANCELED (now delivered) or BIDE_ETIMEDOUT. */
static inline int bide__pending_interrupt(bide_task *t)
{
    return likely(!t->must_cancel && !t->expired) ? 0 : bide__deliver_interrupt(t);
}

static inline void bide__push(bide_loop *loop, struct ready *r)
{
    struct ring *q = &loop->ring;

    assert(r->place == 0);
    if (unlikely(q->tail - q->head > q->mask))
        bide__ring_compact(q);
    q->slots[q->tail & q->mask] = r;
    r->place = (q->tail & q->mask) + 1;
    q->tail++;
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

/* Take it out of the queue, if it is there. */
never_indirect void bide__unpush(bide_loop *loop, struct ready *r);

/* Something that another room keeps for a loop (a resolver, a file ring): closed with the loop, found by its key. */
struct loop_closer {
    struct list_node node;
    const void *key; /* the address of something static */
    void (*close)(struct loop_closer *c);
};
struct loop_closer *bide__loop_find(bide_loop *loop, const void *key);
void bide__loop_attach(bide_loop *loop, struct loop_closer *c);
void bide__loop_detach(struct loop_closer *c);

int bide__loop_run_until(bide_loop *loop, bide_future *f); /* 0 also when it was stopped first */
void bide__handles_close(bide_loop *loop);
void bide__loop_set_virtual_time(bide_loop *loop, bool on);
/* To the exception handler; without one: if BIDE_DEBUG=1, on standard error. */
void bide__loop_report(bide_loop *loop, const char *format, ...) BIDE_PRINTF(2, 3);
/* The same for what makes a program hang: without a handler, on standard error in any case. */
void bide__loop_warn(bide_loop *loop, const char *format, ...) BIDE_PRINTF(2, 3);

/* Something done in another thread; the loop calls run(), or drop() if it is closed first (NULL: nothing to do). */
struct inbox_item {
    struct list_node node;
    void (*run)(struct inbox_item *item);
    void (*drop)(struct inbox_item *item);
};
/* From any thread: have the loop run it, and wake the loop.  false: it is closed, the item is still the caller's. */
bool bide__loop_post(bide_loop *loop, struct inbox_item *item);
void bide__inbox_take(bide_loop *loop);  /* in a turn */
void bide__inbox_close(bide_loop *loop); /* from here on no thread touches the loop's poller or its inbox */

/* ---- leaks.c ---- */

/* The loop is closed: report tasks whose errors nobody retrieved, and (with the ledger) all that was never released. */
void bide__leaks_report(bide_loop *loop);

/* ---- run.c ---- */

bide_loop *bide__thread_loop(void); /* NULL: not made yet */
void bide__set_thread_loop(bide_loop *loop);

void bide__run_init(void); /* what is done once per process, before the first loop runs */

/* Run a coroutine on a loop of its own in this thread, whatever runs here already: blocks all of that. */
int bide__run_private(bide_coroutine c);

#endif
