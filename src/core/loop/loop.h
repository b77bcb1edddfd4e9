/* SPDX-License-Identifier: MIT */
/*
 * loop.h - what a loop is made of: a queue of what is ready, a wheel of timers, a poller, an inbox.  Its turns: turn/turn.c.
 *
 *     bide__push --> ring --> turn: run each that was ready when it began --> task->ready.run, watch->ready.run ...
 *                     ^
 *                     |  pushed by:  wheel    timers that are due (timer.c)
 *                     |              poller   descriptors (io's epoll.c); none: rest.c
 *                     |              inbox    what other threads have posted (inbox.c)
 *                     |              tasks    that wake one another
 *
 * A poller is asked when the ring is empty, and now and then while it is not.
 */
#ifndef BIDE_CORE_LOOP_H
#define BIDE_CORE_LOOP_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <bide/loop.h>

#include "base/base.h"
#include "base/timeline/timeline.h"
#include "core/loop/ring.h"
#include "core/loop/timer.h"
#include "core/stack/fiber.h"
#include "core/stack/stack.h"

/* Blocking calls of one use never wait for those of another. */
enum thread_use { FOR_CALLS, FOR_FILES, FOR_NAMES, THREAD_USES };

/* The part of the loop that waits for the outside world: rest.c, and from the first descriptor on, the one that io hands in. */
struct poller_ops {
    void (*close)(void *poller);
    /* Wait up to timeout_ns (negative: forever) and wake who waited.  0, or a code when the kernel refuses. */
    int (*wait)(void *poller, int64_t timeout_ns);
    void (*wake)(void *poller); /* from any thread or a signal handler: end the present or next wait */
    bool only_descriptors;      /* nothing ends its wait but the time, a wake, and what loop->watched counts */
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
    void (*plain_run)(struct ready *r); /* that of tasks which it resumes inline; NULL: of none (turn/resume.c) */
    _Atomic uintptr_t *mirror; /* where others can see which task ran last; NULL: nobody looks */
    struct fiber fiber; /* the loop's own: the thread's stack */
    struct wheel wheel;
    int64_t now_ns;  /* read when polling and when a timer is armed */
    unsigned budget; /* resumes until the next poll */
    uint32_t others; /* entries run that were no step of a task; see bide__loop_steps */
    int64_t io_left; /* bytes that all tasks together may move until then; io's, like the next */
    struct list_node io_waiters; /* tasks over their I/O budget, in order; the next poll does not wait, and wakes some */
    unsigned outside; /* calls in threads: somebody will wake us */
    unsigned by_threads; /* of these, what nobody can do but another thread of this process: bide__await_threads */
    unsigned watched; /* descriptors: whoever is at their other end may wake us */
    const struct poller_ops *poller_ops;
    void *poller;
    sem_t wakeups; /* rest.c */
    struct list_node tasks;   /* all that are not done */
    struct list_node lone_handles; /* calls not made yet that lie in no chunk */
    bide_handle *free_handles;
    struct handle_chunk *handle_chunks; /* the memory of the others */
    struct list_node free_tasks;
    struct task_chunk *chunks; /* the memory of tasks */
    struct stack_pool stacks;
    struct timer cooling; /* of the stacks that are kept and not used */
    struct list_node closers; /* struct loop_closer: what other rooms keep per loop */
    pthread_mutex_t lock;
    struct list_node inbox; /* struct inbox_item; under lock */
    struct list_node taken; /* from the inbox, but not run yet: a turn runs so many */
    atomic_uint calls_outside; /* bide_loop_call_soon_threadsafe: not taken yet */
    bool inbox_closed;      /* under lock: nothing more is taken, for nobody will run it */
    atomic_bool has_inbox;
    atomic_bool is_interrupted, poller_changes; /* for interrupt.c, whose signal handler looks at the second */
    void (*on_interrupt)(bide_loop *loop); /* what the first SIGINT does; NULL: nothing */
    void (*interrupt_handler)(int); /* of SIGINT, while on_interrupt is set */
    struct loop_pool *threads[THREAD_USES]; /* made when first used */
    int64_t threads_max; /* of bide_run; 0: not said */
    struct error_record error;      /* of what the loop runs that is no task */
    struct error_record step_error; /* of the stackless task that runs now */
    bide_exception_handler *on_exception;
    void *on_exception_arg;
    void (*on_exception_free)(void *arg); /* NULL: it is borrowed */
    pid_t thread; /* that ran it last, for who looks from outside */
    _Atomic(void *) runner; /* an address in the thread that runs it (owner.c); NULL: it does not run */
    bide_loop *outer;       /* the loop that this thread ran before it, and goes on with afterwards; NULL: none */
    struct list_node alive; /* alive.c */
    uint64_t id;            /* no other loop has it */
    unsigned process;       /* bide__process when it was made */
    atomic_bool stopping;
    struct step_watch *watch; /* debug mode: what others can see of the step that runs; NULL: it never was on */
    struct track *track; /* of its thread, while it runs and a timeline is recorded; else NULL (turn/traced.c) */
    uint32_t recording;  /* bide__timeline.on, when it looked last */
    uint32_t depth;      /* of traced steps in traced steps */
    union {
        struct {
            bool closed;
            bool has_contexts : 1; /* some task has set a value in its context */
            bool notes_tasks : 1;  /* there is a track */
        };
        uint16_t is_unusual; /* one test for all, where tasks are made */
    };
    bool notes_steps; /* there is a watch or a track */
    bool runs_until;  /* something is done, so that it makes no sense to wait when nothing can happen */
    bool is_external; /* bide_loop_set_external */
    uint8_t looked_again; /* stuck.c */
    bool carries_state; /* of other runtimes, at each switch: resume.c */
    bide_task *unsaved; /* it ran when that became necessary, so its state is the thread's; may be gone by now */
    bool virtual_time; /* tests: when all wait for a timer, the clock jumps there */
    const struct timer *late; /* it closes, and this one says so if it takes long, but wakes no task; else NULL */
};

/* What the room inspect does for a loop; set with the first loop. */
struct inspector {
    uint64_t (*signals)(void);      /* a bit for each that it handles itself */
    void (*begin)(void);            /* once, before the first loop */
    void (*crashes)(void);          /* debug mode: report in which task the program crashes */
    void (*stuck)(bide_loop *loop); /* report that its tasks wait for each other, or for nothing */
    void (*enter)(bide_loop *loop); /* debug mode: it runs from now on, in this thread; look who keeps it (loop->watch) */
    void (*leave)(bide_loop *loop);
    void (*stir)(void);   /* a step begins, and whoever looks is asleep */
    void (*forget)(void); /* in the child of a fork */
    place_name_fn *name_place;        /* for bide__place_name */
    void (*name_many)(bool on); /* what has been read to name one is kept until it is off again: for a report of several */
    const void *root; /* what is shown to other processes; here so that it is linked */
    int (*write_timeline)(int fd, uint32_t recording); /* 0 or a negative errno value; also in a signal handler */
};
extern const struct inspector *_Atomic bide__inspector;

/* Threads of ours that wait for work, in the whole process: they call nobody. */
extern atomic_uint bide__idle_threads;

/* The loop that runs in this thread, and its running task; NULL if none. */
extern _Thread_local bide_loop *bide__loop_here __attribute__((tls_model("initial-exec")));

static inline bide_task *bide__task_here(void)
{
    return bide__loop_here ? bide__loop_here->current : NULL;
}

/* Something that only another thread can do is waited for, or (-1) not any longer: where there is none, nobody will do it. */
static inline void bide__await_threads(bide_loop *loop, int by)
{
    loop->outside += (unsigned)by;
    loop->by_threads += (unsigned)by;
}

/* How many steps of tasks there were (it wraps): between two equal answers no task has run.  The ring counts them by itself. */
static inline uint32_t bide__loop_steps(const bide_loop *loop)
{
    return loop->ring.moved + loop->ring.head - loop->others;
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

void bide__loop_set_virtual_time(bide_loop *loop, bool on);
/* No handler is called from here on: the handler's argument may be gone. */
void bide__loop_drop_exception_handler(bide_loop *loop);
/* To the exception handler; without one: in debug mode, on standard error. */
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
void bide__loop_unpost(bide_loop *loop, struct inbox_item *item); /* in the loop's thread: it does not run, if it has not yet */
void bide__inbox_take(bide_loop *loop);  /* in a turn */
void bide__inbox_close(bide_loop *loop); /* from here on no thread touches the loop's poller or its inbox */

#endif
