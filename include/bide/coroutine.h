/* SPDX-License-Identifier: MIT */
/*
 * coroutine.h - calls that have not happened yet, and everything else that can be awaited.
 *
 * A coroutine is a value: a function and up to six argument words.  Nothing is allocated and nothing has run.  It can
 * be awaited in place, made a task, handed to gather, or dropped.  Its function is an ordinary C function that
 * returns int: 0 or more is the result, negative an error.
 *
 * Limits: six arguments, each an integer, enum or pointer (floating point and structs by pointer); a bool parameter
 * needs a real bool.  A wrong count or type is a compile error, and so is a result that is not int.
 */
#ifndef BIDE_COROUTINE_H
#define BIDE_COROUTINE_H

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_loop bide_loop;
typedef struct bide_task bide_task;
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

/* Anything that can be awaited.  The conversions below build one; macros such as bide_await do it for you. */
enum bide_awaitable_kind {
    BIDE_AW_COROUTINE,
    BIDE_AW_TASK,
    BIDE_AW_FUTURE,
    BIDE_AW_GENERATOR,
    BIDE_AW_OBJECT,
    BIDE_AW_SLEEP,
    BIDE_AW_THREAD /* a call for bide_to_thread; in as.coroutine */
};

typedef struct bide_awaitable {
    enum bide_awaitable_kind kind;
    union {
        bide_coroutine coroutine;
        bide_task *task;
        bide_future *future;
        bide_generator *generator;
        bide_awaitable_object *object;
        int64_t sleep_ms;
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

/* A call of bide_to_thread that has not happened yet: bide_gather(bide_to_thread_awaitable(bide_coro(compress, in)), t) */
static inline bide_awaitable bide_to_thread_awaitable(bide_coroutine c)
{
    bide_awaitable a;
    a.kind = BIDE_AW_THREAD;
    a.as.coroutine = c;
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

/* ---- preprocessor helpers: count, join, apply to each ---- */

#define BIDE__CAT_(a, b) a##b
#define BIDE__CAT(a, b) BIDE__CAT_(a, b)
/* The number of arguments: 1 to 8; MANY for 9 to 32. */
#define BIDE__NARG_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, _21, _22, _23, \
                    _24, _25, _26, _27, _28, _29, _30, _31, _32, n, ...)                                                   \
    n
#define BIDE__NARG(...)                                                                                                \
    BIDE__NARG_(__VA_ARGS__, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, \
                MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, 8, 7, 6, 5, 4, 3, 2, 1, 0)
/* A value 0 that is a compile error, whose text is `why`. */
#define BIDE__REFUSE(why)               \
    (0 * sizeof(struct {                \
         _Static_assert(0, why);        \
         char c_;                       \
     }))
#define BIDE__MAP_1(m, a) m(a)
#define BIDE__MAP_2(m, a, ...) m(a), BIDE__MAP_1(m, __VA_ARGS__)
#define BIDE__MAP_3(m, a, ...) m(a), BIDE__MAP_2(m, __VA_ARGS__)
#define BIDE__MAP_4(m, a, ...) m(a), BIDE__MAP_3(m, __VA_ARGS__)
#define BIDE__MAP_5(m, a, ...) m(a), BIDE__MAP_4(m, __VA_ARGS__)
#define BIDE__MAP_6(m, a, ...) m(a), BIDE__MAP_5(m, __VA_ARGS__)
#define BIDE__MAP_7(m, a, ...) m(a), BIDE__MAP_6(m, __VA_ARGS__)
#define BIDE__MAP_8(m, a, ...) m(a), BIDE__MAP_7(m, __VA_ARGS__)
#define BIDE__MAP(m, ...) BIDE__CAT(BIDE__MAP_, BIDE__NARG(__VA_ARGS__))(m, __VA_ARGS__)

/* Awaitables in place, as an array and its length: at most eight. */
#define BIDE__MAP_MANY(m, ...) bide_sleep_awaitable(0)
#define BIDE__COUNT_1 1
#define BIDE__COUNT_2 2
#define BIDE__COUNT_3 3
#define BIDE__COUNT_4 4
#define BIDE__COUNT_5 5
#define BIDE__COUNT_6 6
#define BIDE__COUNT_7 7
#define BIDE__COUNT_8 8
#define BIDE__COUNT_MANY BIDE__REFUSE("more than eight awaitables in place: put them into an array, for bide_gather_n")
#define BIDE__AWAITABLES(...) \
    ((bide_awaitable[]){BIDE__MAP(BIDE_AW, __VA_ARGS__)}), BIDE__CAT(BIDE__COUNT_, BIDE__NARG(__VA_ARGS__))

/* The same for a function that takes an array and a length: bide_wait(BIDE_AWAITABLES(t, bide_coro(f, 1)), .timeout_ms = 100) */
#define BIDE_AWAITABLES(...) BIDE__AWAITABLES(__VA_ARGS__)

/* An argument as a machine word; a floating-point one does not compile. */
#define BIDE__WORD(a)                                                               \
    ((uintptr_t)(a) +                                                               \
     0 * sizeof(struct {                                                            \
         _Static_assert(_Generic((a), float: 0, double: 0, long double: 0, default: 1), \
                        "bide_coro: pass floating point by pointer");               \
         char c_;                                                                   \
     }))
/*
 * The call inside _Generic is never evaluated: it checks the arguments and that the result is int.  A wrong type of an
 * argument is an error here whatever the program's own flags are; gcc before 14 and clang before 15 would only warn.
 */
#define BIDE__CHECKED_CALL(call)                                             \
    __extension__({                                                          \
        _Pragma("GCC diagnostic push")                                       \
        _Pragma("GCC diagnostic error \"-Wint-conversion\"")                 \
        _Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"")     \
        __typeof__(call) *bide__result = NULL;                               \
        _Pragma("GCC diagnostic pop")                                        \
        *bide__result;                                                       \
    })
#define BIDE__CORO(f, call, n, ...)                                          \
    bide__coro((bide_coroutine){.fn = (void (*)(void))(f),                   \
                                .name = #f,                                  \
                                .argc = _Generic(BIDE__CHECKED_CALL(call), int: (n)), \
                                .argv = {__VA_ARGS__}})
#define BIDE__CORO_1(f) BIDE__CORO(f, (f)(), 0, 0)
#define BIDE__CORO_2(f, a) BIDE__CORO(f, (f)(a), 1, BIDE__WORD(a))
#define BIDE__CORO_3(f, a, b) BIDE__CORO(f, (f)(a, b), 2, BIDE__WORD(a), BIDE__WORD(b))
#define BIDE__CORO_4(f, a, b, c) \
    BIDE__CORO(f, (f)(a, b, c), 3, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c))
#define BIDE__CORO_5(f, a, b, c, d) \
    BIDE__CORO(f, (f)(a, b, c, d), 4, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c), BIDE__WORD(d))
#define BIDE__CORO_6(f, a, b, c, d, e)                                                        \
    BIDE__CORO(f, (f)(a, b, c, d, e), 5, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c),         \
               BIDE__WORD(d), BIDE__WORD(e))
#define BIDE__CORO_7(f, a, b, c, d, e, g)                                                     \
    BIDE__CORO(f, (f)(a, b, c, d, e, g), 6, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c),      \
               BIDE__WORD(d), BIDE__WORD(e), BIDE__WORD(g))
#define BIDE__TOO_MANY_WORDS BIDE__REFUSE("bide_coro: more than six arguments: put them into a struct, and pass its address")
#define BIDE__CORO_8(f, ...) ((bide_coroutine){.argc = (unsigned)BIDE__TOO_MANY_WORDS})
#define BIDE__CORO_MANY(f, ...) ((bide_coroutine){.argc = (unsigned)BIDE__TOO_MANY_WORDS})

/* A coroutine that nobody awaits never runs: the compiler says so. */
static inline __attribute__((always_inline)) BIDE_MUST_USE bide_coroutine bide__coro(bide_coroutine c)
{
    return c;
}

/*
 * A call that has not happened yet.
 *
 * Returns:   a bide_coroutine by value
 * Owns:      nothing: pointers among the arguments must live until the coroutine has run
 * Example:   bide_coro(size, session, "https://a.example", &bytes)
 */
#define bide_coro(...) BIDE__CAT(BIDE__CORO_, BIDE__NARG(__VA_ARGS__))(__VA_ARGS__)

/*
 * Called when C++ code that includes this header is loaded, perhaps while a loop runs: from then on an exception that is
 * being handled stays with its task, even if the task waits inside a catch block.
 */
BIDE_API void bide_cplusplus_is_here(void);
#if defined(__cpp_exceptions)
__attribute__((constructor)) static void bide__cxx_say_it_is_here(void)
{
    bide_cplusplus_is_here();
}
#endif

#ifdef __cplusplus
}
#include <bide/cplusplus.h>
#endif
#endif
