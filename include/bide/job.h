/* SPDX-License-Identifier: MIT */
/*
 * job.h - a job: a call of a typed function that happens in another process, and that function's side of it in the worker.
 *
 * The function is an ordinary C function that returns int: 0 or more is its result, negative an error.  It may block (then the
 * worker does nothing else meanwhile) or await (then up to `concurrency` of them run at once in each worker).  One argument
 * and one result cross over, as bytes:
 *
 *     int f(void)   int f(const char *text)   int f(const struct in *)   int f(const struct in *, struct out *)
 *     int f(bide_bytes)                       and any of them may call bide_worker_reply for bytes of any length
 *
 * Pointers inside them would mean nothing in another process.  A wrong count is a compile error, a wrong
 * type what your compiler makes of it in any call: with -Werror=incompatible-pointer-types an error, too.
 */
#ifndef BIDE_JOB_H
#define BIDE_JOB_H

#include <stdbool.h>

#include <bide/coroutine.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where jobs run: pool.h. */
typedef struct bide_pool bide_pool;

enum bide_job_shape { BIDE_JOB_NONE, BIDE_JOB_FIXED, BIDE_JOB_TEXT, BIDE_JOB_BYTES };

/* A call that will happen elsewhere: a plain value, nothing to free.  Built by bide_job(), bide_jobs() or bide_job_bytes(). */
typedef struct bide_job {
    void (*fn)(void);
    const char *name;
    enum bide_job_shape shape; /* of the argument */
    bool has_out;
    const void *in; /* one argument, or (bide_jobs) an array of them */
    size_t in_len;
    void *out;
    size_t out_len; /* of one result */
} bide_job;

static inline enum bide_job_shape bide__shape_text(void)
{
    return BIDE_JOB_TEXT;
}
static inline enum bide_job_shape bide__shape_fixed(void)
{
    return BIDE_JOB_FIXED;
}

#define BIDE__SHAPE(x) \
    _Generic((x), char *: bide__shape_text, const char *: bide__shape_text, default: bide__shape_fixed)()
/* A char * result has no size that the macro could know: such functions call bide_worker_reply. */
#define BIDE__OUT(x) _Generic((x), char *: (struct bide_use_worker_reply *)0, default: (x))
/* The argument for one element of an array: a text itself, or the address of a struct. */
#define BIDE__ELEMENT(a) _Generic((a)[0], char *: (a)[0], const char *: (a)[0], default: &(a)[0])

#define BIDE__JOB_1(f) ((bide_job){.fn = (void (*)(void))(f), .name = #f, .shape = _Generic(BIDE__CHECKED_CALL((f)()), int: BIDE_JOB_NONE)})
#define BIDE__JOB_2(f, a)                                                                  \
    ((bide_job){.fn = (void (*)(void))(f), .name = #f, .shape = BIDE__SHAPE(a), .in = (a), \
                .in_len = _Generic(BIDE__CHECKED_CALL((f)(a)), int: sizeof *(a))})
#define BIDE__JOB_3(f, a, o)                                                                               \
    ((bide_job){.fn = (void (*)(void))(f), .name = #f, .shape = BIDE__SHAPE(a), .has_out = true, .in = (a), \
                .in_len = _Generic(BIDE__CHECKED_CALL((f)((a), BIDE__OUT(o))), int: sizeof *(a)), .out = (o),                 \
                .out_len = sizeof *(o)})
#define BIDE__JOBS_2(f, a)                                                                                \
    ((bide_job){.fn = (void (*)(void))(f), .name = #f, .shape = BIDE__SHAPE((a)[0]), .in = (a),           \
                .in_len = _Generic(BIDE__CHECKED_CALL((f)(BIDE__ELEMENT(a))), int: sizeof *(a))})
#define BIDE__JOBS_3(f, a, o)                                                                              \
    ((bide_job){.fn = (void (*)(void))(f), .name = #f, .shape = BIDE__SHAPE((a)[0]), .has_out = true,      \
                .in = (a), .in_len = _Generic(BIDE__CHECKED_CALL((f)(BIDE__ELEMENT(a), BIDE__OUT(o))), int: sizeof *(a)),    \
                .out = (o), .out_len = sizeof *(o)})

/* Too many arguments, or too few: a compile error whose text says what to do. */
#define BIDE__NO_JOB(words)               \
    ((bide_job){.in_len = sizeof(struct { \
                    _Static_assert(0, words); \
                    char c_;              \
                })})
#define BIDE__JOB_TOO_MANY BIDE__NO_JOB("bide_job takes a function, one argument and one result: put more into a struct")
#define BIDE__JOB_4(...) BIDE__JOB_TOO_MANY
#define BIDE__JOB_5(...) BIDE__JOB_TOO_MANY
#define BIDE__JOB_6(...) BIDE__JOB_TOO_MANY
#define BIDE__JOB_7(...) BIDE__JOB_TOO_MANY
#define BIDE__JOB_8(...) BIDE__JOB_TOO_MANY
#define BIDE__JOBS_TOO_MANY BIDE__NO_JOB("bide_jobs takes a function, an array of arguments and one of results: put more into a struct")
#define BIDE__JOBS_1(...) BIDE__NO_JOB("bide_jobs takes an array of arguments: a function of none is bide_job(f)")
#define BIDE__JOBS_4(...) BIDE__JOBS_TOO_MANY
#define BIDE__JOBS_5(...) BIDE__JOBS_TOO_MANY
#define BIDE__JOBS_6(...) BIDE__JOBS_TOO_MANY
#define BIDE__JOBS_7(...) BIDE__JOBS_TOO_MANY
#define BIDE__JOBS_8(...) BIDE__JOBS_TOO_MANY

/*
 * One call: bide_job(f), bide_job(f, &in), bide_job(f, "text") or bide_job(f, &in, &out).
 *
 * The function is found in the worker by its address; with BIDE_POOL_EXEC by the name that it is registered under
 * (BIDE_POOL_TASK below), whatever it is called here.
 *
 * Owns:      *in is copied when the job is submitted; *out is written when the job is done, and must live until then
 *            (or until the future is released)
 */
#define bide_job(...) BIDE__CAT(BIDE__JOB_, BIDE__NARG(__VA_ARGS__))(__VA_ARGS__)

/* The same function for every element of an array: bide_jobs(f, in) or bide_jobs(f, in, out); texts or structs. */
#define bide_jobs(...) BIDE__CAT(BIDE__JOBS_, BIDE__NARG(__VA_ARGS__))(__VA_ARGS__)

/* A call with bytes: int f(bide_bytes in). */
#define bide_job_bytes(f, bytes)                                                                              \
    ((bide_job){.fn = (void (*)(void))(f), .name = #f, .shape = _Generic(((f)(bytes)), int: BIDE_JOB_BYTES), \
                .in = (bytes).data, .in_len = (bytes).len})

/*
 * Make a function callable by name (at most 240 bytes), at file scope after its definition, with its parameters as in its
 * prototype (the compiler compares):
 *
 *     BIDE_POOL_TASK(resize, const struct image *, struct thumbnail *);
 *     BIDE_POOL_TASK(parse, const char *);      or bide_bytes, or a struct alone
 *     BIDE_POOL_TASK(reload, void);
 *
 * With the parameters a worker refuses a call that was made for types of another size: BIDE_EFUNCTION.  A change of a
 * type that keeps its size is not noticed: give the function a new name.  BIDE_POOL_TASK(resize), without them, is
 * enough for workers that are this program started anew (BIDE_POOL_EXEC); over Redis such a function is not served,
 * since anybody may have written the call.
 */
#define BIDE_POOL_TASK(...) BIDE__CAT(BIDE__TASK_, BIDE__NARG(__VA_ARGS__))(__VA_ARGS__)

#define BIDE__TASK_1(f) BIDE__TASK(f, .takes_known = false)
#define BIDE__TASK_2(f, in) \
    BIDE__TASK(f, .takes_known = _Generic((f), int (*)(in): true), .shape = BIDE__TYPE_SHAPE(in), .in_len = BIDE__TYPE_LEN(in))
#define BIDE__TASK_3(f, in, out)                                                                      \
    BIDE__TASK(f, .takes_known = _Generic((f), int (*)(in, out): true), .shape = BIDE__TYPE_SHAPE(in), \
               .in_len = BIDE__TYPE_LEN(in), .has_out = true, .out_len = BIDE__TYPE_LEN(out))
#define BIDE__TASK_TOO_MANY \
    _Static_assert(0, "BIDE_POOL_TASK takes a function and the types of its argument and its result: put more into a struct")
#define BIDE__TASK_4(...) BIDE__TASK_TOO_MANY
#define BIDE__TASK_5(...) BIDE__TASK_TOO_MANY
#define BIDE__TASK_6(...) BIDE__TASK_TOO_MANY
#define BIDE__TASK_7(...) BIDE__TASK_TOO_MANY
#define BIDE__TASK_8(...) BIDE__TASK_TOO_MANY
#define BIDE__TASK(f, ...)                                                                                     \
    __attribute__((constructor(1000))) static void bide__register_##f(void)                                    \
    {                                                                                                          \
        static bide_pool_named named = {.name = #f, .fn = (void (*)(void))(f), __VA_ARGS__};                   \
        bide_pool_register(&named);                                                                           \
    }                                                                                                          \
    typedef int bide__registered_##f
/* By the address of a parameter, as void has no values. */
#define BIDE__TYPE_SHAPE(type)                                                                                 \
    _Generic((type *)0, void *: BIDE_JOB_NONE, char **: BIDE_JOB_TEXT, const char **: BIDE_JOB_TEXT,           \
             bide_bytes *: BIDE_JOB_BYTES, default: BIDE_JOB_FIXED)
#define BIDE__TYPE_LEN(type) sizeof(**_Generic((type *)0, void *: (char **)0, bide_bytes *: (char **)0, default: (type *)0))

/* What BIDE_POOL_TASK hands over; one that lives as long as the program. */
typedef struct bide_pool_named {
    const char *name;
    void (*fn)(void);
    struct bide_pool_named *next;
    bool takes_known; /* its parameters were given, and the members below are set */
    enum bide_job_shape shape;
    bool has_out;
    size_t in_len, out_len;
} bide_pool_named;
/*
 * The function under BIDE_POOL_TASK, for bindings: call it before the first pool, from one thread.
 *
 * Threads:   one, before the first pool; no loop is needed
 * Owns:      *named is borrowed as long as the program runs
 */
BIDE_API void bide_pool_register(bide_pool_named *named);

/* ---- inside a worker ---- */

/* This worker's own object (a session, a connection), set by the init job; borrowed.  NULL outside workers. */
BIDE_API void *bide_worker_state(void);
/*
 * Set it; the fini job is there to release it.  Outside of a worker nothing is set, and a line on standard error says
 * so.
 *
 * Owns:      borrowed until the worker ends
 * Example:   bide_session *s = bide_session_new(.timeout_ms = 5000);   (in the init job)
 *            if (!s)
 *                return bide_raise();
 *            bide_worker_set_state(s);
 */
BIDE_API void bide_worker_set_state(void *state);
/* The worker's number, from 0; -1 outside workers.  The attempt of the running job, from 1; 0 outside jobs. */
BIDE_API BIDE_MUST_USE int bide_worker_index(void);
BIDE_API BIDE_MUST_USE int bide_worker_attempt(void);

/*
 * Give the running job's result as bytes of any length (at most 2 GiB); a second call adds to it.  Bytes that are part
 * of a large argument are not copied.
 *
 * Suspends:  for more than 16 KiB; a cancellation point, but one that comes while the program looks for memory is only seen
 *            at the next one: the reply is whole in any case
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ESTATE outside a job; -E2BIG; BIDE_ENOMEM
 */
BIDE_API BIDE_MUST_USE int bide_worker_reply(const void *data, size_t len);
/* Room for n more bytes of the result, to be filled in place; zeros; borrowed.  NULL: as bide_worker_reply.  Suspends too. */
BIDE_API void *bide_worker_reserve(size_t n);

/*
 * Report the running job's progress, in any unit, or pass on a part of its result (at most 16 KiB): on_progress gets it.
 *
 * Suspends:  while there is no room, and every millisecond, so that a job that reports all the time does not hold up the
 *            others; a cancellation point: then nothing was sent
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ESTATE outside a job; -E2BIG
 * Owns:      data is borrowed for the call
 * Example:   BIDE_TRY(bide_worker_progress(i, n));
 */
BIDE_API BIDE_MUST_USE int bide_worker_progress(uint64_t done, uint64_t total);
BIDE_API BIDE_MUST_USE int bide_worker_emit(const void *data, size_t len);

/* The i-th descriptor that came with the job: borrowed until the job ends.  -1: none. */
BIDE_API BIDE_MUST_USE int bide_worker_fd(int i);
/* Send a copy of a descriptor with the result; at most 8.  No room for it in the program's table: the job fails, -EMFILE. */
BIDE_API BIDE_MUST_USE int bide_worker_reply_fd(int fd);

#ifdef __cplusplus
}
#include <bide/cplusplus_job.h>
#endif
#endif
