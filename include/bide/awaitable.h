/* SPDX-License-Identifier: MIT */
/*
 * awaitable.h - everything that can be awaited, as a value: coroutines, tasks, futures, generators, objects, sleeps, calls for a
 * thread, operations (of queues, locks, descriptors ...); and arrays of them.
 */
#ifndef BIDE_AWAITABLE_H
#define BIDE_AWAITABLE_H

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_loop bide_loop;
typedef struct bide_task bide_task;
typedef struct bide_task_group bide_task_group;
typedef struct bide_future bide_future;

/* A call that has not happened yet: a plain value, nothing to free.  Built by bide_coro(). */
typedef struct bide_coroutine {
    void (*fn)(void);
    const char *name;
    unsigned argc;
    uintptr_t argv[6];
} bide_coroutine;

typedef struct bide_generator bide_generator;
typedef struct bide_awaitable_object bide_awaitable_object;

/*
 * Something that an object of ours can do, and that has not begun: to get from a queue, to take a lock, to wait for a descriptor.  A
 * plain value, made by a function ..._awaitable; what is in it is ours.  It begins when it is awaited, and if it is not the one
 * that bide_select takes, nothing has happened.
 */
struct bide_operation_ops;
typedef struct bide_operation {
    const struct bide_operation_ops *ops;
    void *object;
    void *place;
    uintptr_t words[3];
} bide_operation;

/* Anything that can be awaited.  The conversions below build one; macros such as bide_await do it for you. */
enum bide_awaitable_kind {
    BIDE_AW_COROUTINE,
    BIDE_AW_TASK,
    BIDE_AW_FUTURE,
    BIDE_AW_GENERATOR,
    BIDE_AW_OBJECT,
    BIDE_AW_SLEEP,
    BIDE_AW_THREAD, /* a call for bide_to_thread; in as.thread */
    BIDE_AW_OPERATION,
    BIDE_AW_SHIELDED = 256 /* added to one of these: bide_shield_awaitable */
};

typedef struct bide_awaitable {
    enum bide_awaitable_kind kind;
    union {
        bide_coroutine coroutine;
        struct { bide_coroutine coroutine; struct bide_thread_pool *pool; } thread; /* begins as the one above */
        bide_task *task;
        bide_future *future;
        bide_generator *generator;
        bide_awaitable_object *object;
        int64_t sleep_ms;
        bide_operation operation;
    } as;
} bide_awaitable;

/*
 * A stackless coroutine (Python: generator-based).  Embed it as the first member of a struct of yours that holds what
 * must survive between steps; a waiting one costs a few hundred bytes, so a program can keep millions.
 *
 * step() does a piece of work and either stores in *next what it waits for and returns BIDE_YIELD, or returns its
 * result (0 or more) or an error (negative).  `outcome` is that of the awaitable it yielded last (0 at the start).
 * `line` is for the step function alone (BIDE_GENERATOR_... below); it starts at 0.
 */
struct bide_generator {
    int (*step)(bide_generator *self, int outcome, bide_awaitable *next);
    int line;
};

/* Returned by a generator's step function: wait for *next, then call me again. */
#define BIDE_YIELD (-2147483647 - 1)

/*
 * Write a step function as straight-line code.  Local variables do not survive a yield; members of your struct do.
 *
 *     static int tick_step(bide_generator *g, int outcome, bide_awaitable *next)
 *     {
 *         struct tick *t = (struct tick *)g;
 *         BIDE_GENERATOR_BEGIN(g);
 *         for (t->i = 0; t->i < 3; t->i++)
 *             BIDE_GENERATOR_AWAIT(g, bide_sleep_awaitable(100));
 *         BIDE_GENERATOR_END();
 *         return outcome;
 *     }
 */
#define BIDE_GENERATOR_BEGIN(g) \
    switch ((g)->line) {        \
    default:
#define BIDE_GENERATOR_AWAIT(g, awaitable) \
    do {                                   \
        (g)->line = __LINE__;              \
        *next = BIDE_AW(awaitable);        \
        return BIDE_YIELD;                 \
    case __LINE__:;                        \
    } while (0)
#define BIDE_GENERATOR_END() }

/*
 * An object with an await operation (Python: __await__).  Embed it as the first member; await &object->base.
 * await() runs in the task that awaits and may itself await; it returns a result or an error.
 */
struct bide_awaitable_object {
    int (*await)(bide_awaitable_object *self);
};

static inline bide_awaitable bide__aw_coroutine(bide_coroutine c)
{
    bide_awaitable a;
    a.kind = BIDE_AW_COROUTINE;
    a.as.coroutine = c;
    return a;
}

static inline bide_awaitable bide__aw_task(bide_task *t)
{
    bide_awaitable a;
    a.kind = BIDE_AW_TASK;
    a.as.task = t;
    return a;
}

static inline bide_awaitable bide__aw_future(bide_future *f)
{
    bide_awaitable a;
    a.kind = BIDE_AW_FUTURE;
    a.as.future = f;
    return a;
}

static inline bide_awaitable bide__aw_generator(bide_generator *g)
{
    bide_awaitable a;
    a.kind = BIDE_AW_GENERATOR;
    a.as.generator = g;
    return a;
}

static inline bide_awaitable bide__aw_object(bide_awaitable_object *o)
{
    bide_awaitable a;
    a.kind = BIDE_AW_OBJECT;
    a.as.object = o;
    return a;
}

static inline bide_awaitable bide__aw_same(bide_awaitable a)
{
    return a;
}

/* A sleep to be yielded by a generator or passed to gather. */
static inline bide_awaitable bide_sleep_awaitable(int64_t ms)
{
    bide_awaitable a;
    a.kind = BIDE_AW_SLEEP;
    a.as.sleep_ms = ms;
    return a;
}

/* A call of bide_to_thread that has not happened yet: bide_gather(bide_to_thread_awaitable(bide_coro(compress, in)), t).  Options: thread.h */
static inline bide_awaitable bide_to_thread_awaitable(bide_coroutine c)
{
    bide_awaitable a;
    a.kind = BIDE_AW_THREAD;
    a.as.thread.coroutine = c;
    a.as.thread.pool = NULL;
    return a;
}

/* Any of the kinds that can be awaited, as a bide_awaitable.  (A job for a pool: the future that bide_pool_submit returns.) */
#define BIDE_AW(x)                                  \
    _Generic((x),                                   \
        bide_coroutine: bide__aw_coroutine,         \
        bide_task *: bide__aw_task,                 \
        bide_future *: bide__aw_future,             \
        bide_generator *: bide__aw_generator,       \
        bide_awaitable_object *: bide__aw_object,   \
        bide_awaitable: bide__aw_same)(x)

/*
 * bide_shield that has not happened yet, to be given to gather, wait, select, a group: what waits for it may be cancelled, and x is not.
 * bide_gather(bide_shield_awaitable(saving), t).  There is nothing to free.  What is no task yet goes on without an owner then.
 */
#define bide_shield_awaitable(x) bide__shield_awaitable(BIDE_AW(x))
static inline bide_awaitable bide__shield_awaitable(bide_awaitable a)
{
    a.kind = (enum bide_awaitable_kind)(a.kind | BIDE_AW_SHIELDED);
    return a;
}

/* An array of what can be awaited, by its address: of bide_task *, of bide_future *, or of bide_awaitable for a mix. */
enum bide_list_kind { BIDE_LIST_TASKS, BIDE_LIST_FUTURES, BIDE_LIST_AWAITABLES };

typedef struct bide_list {
    enum bide_list_kind kind;
    const void *array;
} bide_list;

static inline bide_list bide__list_of_tasks(bide_task *const *tasks)
{
    bide_list l;
    l.kind = BIDE_LIST_TASKS;
    l.array = tasks;
    return l;
}

static inline bide_list bide__list_of_futures(bide_future *const *futures)
{
    bide_list l;
    l.kind = BIDE_LIST_FUTURES;
    l.array = futures;
    return l;
}

static inline bide_list bide__list_of_awaitables(const bide_awaitable *awaitables)
{
    bide_list l;
    l.kind = BIDE_LIST_AWAITABLES;
    l.array = awaitables;
    return l;
}

#define BIDE_LIST(array)                                      \
    _Generic((array),                                         \
        bide_task **: bide__list_of_tasks,                    \
        bide_task *const *: bide__list_of_tasks,              \
        bide_future **: bide__list_of_futures,                \
        bide_future *const *: bide__list_of_futures,          \
        bide_awaitable *: bide__list_of_awaitables,           \
        const bide_awaitable *: bide__list_of_awaitables,     \
        void *: bide__list_of_tasks)(array)

#ifdef __cplusplus
}
#endif
#endif
