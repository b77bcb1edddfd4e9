/* SPDX-License-Identifier: MIT */
/*
 * pool_call.h - ways to have jobs run by a pool: one, an array of them, one in each worker; their results, and how they failed.
 * A stream of them: pool_stream.h.
 */
#ifndef BIDE_POOL_CALL_H
#define BIDE_POOL_CALL_H

#include <stdbool.h>

#include <bide/job.h>
#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one job ---- */

/*
 * The type of on_progress.  It is called, as on_event is, by the loop, never inside a call of the program's.  It must not wait:
 * bide_pool_close and bide_pool_kill are an error there (BIDE_ESTATE).  It may submit with nowait, cancel, and release,
 * also the pool: then all its workers are killed at the end of the turn.  `part` (of bide_worker_emit; else empty) is
 * borrowed until it returns.
 */
typedef void bide_pool_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg);

/* What bide_pool_call and bide_pool_submit take; zero means the default. */
typedef struct bide_pool_call_args {
    size_t size; /* of this struct; set by the macro */
    bide_job job;
    struct bide_use_named_options *guard_;
    int64_t timeout_ms; /* from its start in the worker; default: the pool's; BIDE_FOREVER: none */
    uint64_t key;       /* equal keys go to the same worker; default: any worker */
    bool idempotent;    /* may run again when its worker died */
    bool nowait;        /* submit: -EAGAIN in place of waiting */
    const int *fds;     /* descriptors that go along (copies; at most 8) */
    int nfds;
    bide_pool_progress *on_progress; /* called by the loop for each bide_worker_progress and bide_worker_emit; as on_event */
    void *arg;
} bide_pool_call_args;

/*
 * Run one job and wait for it.
 *
 * Suspends:  until it is done; a cancellation point: the job is cancelled
 * Returns:   its result, 0 or more
 * Errors:    its error, with its text and trace; BIDE_EWORKER when it killed its worker, BIDE_EWORKERLOST when another job did;
 *            BIDE_ETIMEDOUT; BIDE_ECANCELED; BIDE_EPOOL; BIDE_ECLOSED; those of bide_pool_submit
 * Example:   int status = bide_pool_call(pool, bide_job(get, "http://a.example/"), .timeout_ms = 5000);
 */
#define bide_pool_call(pool, ...) BIDE__CALL(bide_pool_call_with((pool), BIDE__ARGS(bide_pool_call_args, .job = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_pool_call_with(bide_pool *pool, const bide_pool_call_args *args);

/* What bide_pool_awaitable makes. */
typedef struct bide_pool_call_object {
    bide_awaitable_object base;
    bide_pool *pool;
    bide_pool_call_args args;
} bide_pool_call_object;

static inline int bide__pool_call_await(bide_awaitable_object *self)
{
    return bide_pool_call_with(((bide_pool_call_object *)self)->pool, &((bide_pool_call_object *)self)->args);
}

/* The same as an awaitable, to stand among several; it lies in the block around it.  For C: in C++ it would be gone at the end
   of the statement, and the future of bide_pool_submit serves.
   Example:   bide_gather(bide_pool_awaitable(pool, bide_job(turn, &p, &q)), bide_coro(fetch, url)) */
#ifndef __cplusplus
#define bide_pool_awaitable(pool_, ...)                                       \
    (&(bide_pool_call_object){.base = {bide__pool_call_await},                \
                              .pool = (pool_),                                \
                              .args = {.size = sizeof(bide_pool_call_args), .job = __VA_ARGS__}}.base)
#endif

/*
 * Hand a job over and go on.
 *
 * The future can be awaited, polled, cancelled, given a callback.  Cancelling a job that is queued means that it never
 * runs; one that runs is cancelled at its next await, and the future does not wait for that.  Releasing a future that
 * is pending cancels its job; bide_pool_detach lets it go on.
 *
 * Suspends:  while max_pending or max_pending_bytes is reached; a cancellation point
 * Returns:   a future, or NULL
 * Errors:    BIDE_EFUNCTION: the workers could not find the function; -ENAMETOOLONG: it goes by name (BIDE_POOL_EXEC, Redis),
 *            and that has more than 240 bytes; -EAGAIN with nowait; -E2BIG: more than 2 GiB;
 *            -EBADF: a descriptor that is none; -EBUSY: a buffer that was submitted before; -EINVAL: no pool, function or
 *            argument, a deadline that is no time; BIDE_ECLOSED; BIDE_EPOOL; BIDE_ESTATE: another process or thread's pool;
 *            BIDE_ENOMEM
 * Owns:      the result is owned; *in is copied, unless it is a bide_pool_buffer; *out is borrowed until the job is done or
 *            the future released
 * Example:   bide_auto bide_future *f = bide_pool_submit(pool, bide_job(turn, &p, &q), .key = user);
 */
#define bide_pool_submit(pool, ...) BIDE__CALL(bide_pool_submit_with((pool), BIDE__ARGS(bide_pool_call_args, .job = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_future *bide_pool_submit_with(bide_pool *pool, const bide_pool_call_args *args);

/* Let a submitted job go on without an owner.  Taken. */
BIDE_API void bide_pool_detach(bide_future *f);

/*
 * The bytes that a finished job replied with (a struct result: those), borrowed from the future, which has a copy of its own:
 * the job's `out` may be NULL, or be written by other jobs meanwhile.
 */
BIDE_API bide_bytes bide_pool_result(const bide_future *f);
/* The i-th descriptor that came with the result, owned; -1 if there is none, or it was taken.  BIDE_ESTATE: another thread's. */
BIDE_API BIDE_MUST_USE int bide_pool_take_fd(bide_future *f, int i);

/* How a job failed; the library's, and it grows at its end (object.h). */
typedef struct bide_pool_failure {
    int code;
    int pid;             /* the worker */
    int signal;          /* it died of this; else 0 */
    int exit_code;       /* it exited with this; -1: it did not, or its status was taken by somebody else */
    bool status_unknown; /* somebody else waited for the process */
    bool core_dumped, out_of_memory;
    int attempt;         /* 1 for the first */
    const char *job;     /* the function's name */
    const char *culprit; /* BIDE_EWORKERLOST: the function that killed the worker, if known */
    const char *trace;   /* the functions that the error passed through in the worker; "" if none */
} bide_pool_failure;

/* Details of a failed job, borrowed from the future; NULL if it did not fail. */
BIDE_API const bide_pool_failure *bide_pool_failure_of(const bide_future *f);

/* ---- many jobs ---- */

/* What bide_pool_map takes; zero means the default. */
typedef struct bide_pool_map_args {
    size_t size; /* of this struct; set by the macro */
    size_t n;
    struct bide_use_named_options *guard_;
    int *codes;         /* n of them: result or error of each job, in order; may be NULL */
    bool collect;       /* an error cancels no other job (Python: return_exceptions) */
    bool idempotent;    /* as in bide_pool_call_args */
    int64_t timeout_ms; /* of each job; likewise */
} bide_pool_map_args;

/*
 * Run a function for every element of an array; results stand in the order of the arguments.
 *
 * If one fails, those that are left are cancelled, unless .collect is set.
 *
 * Suspends:  until all are done; a cancellation point: all are cancelled
 * Returns:   0; with .collect: how many failed
 * Errors:    the first error in order of occurrence; those of bide_pool_submit; -EINVAL: a negative number
 * Owns:      arguments, results and codes are borrowed for the call
 * Example:   BIDE_TRY(bide_pool_map(pool, bide_jobs(get, urls), n, .codes = status));
 */
#define bide_pool_map(pool, jobs, ...) BIDE__CALL(bide_pool_map_with((pool), (jobs), BIDE__ARGS(bide_pool_map_args, .n = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_pool_map_with(bide_pool *pool, bide_job jobs, const bide_pool_map_args *args);

/* What bide_pool_each takes; zero means the default. */
typedef struct bide_pool_each_args {
    size_t size; /* of this struct; set by the macro */
    bide_job job;
    struct bide_use_named_options *guard_;
    int *codes; /* bide_pool_size(pool) of them; may be NULL */
    bool collect; /* as in bide_pool_map_args */
    int64_t timeout_ms; /* likewise */
} bide_pool_each_args;

/*
 * Run one job once in every worker (reload a table, print statistics).  It has no result but its code: `out` would be
 * written by all of them.
 *
 * Suspends:  until all are done; a cancellation point: all are cancelled
 * Returns:   0; with .collect: how many failed
 * Errors:    as bide_pool_map; -EINVAL: a job with a result
 * Example:   BIDE_TRY(bide_pool_each(pool, bide_job(reload, &config)));
 */
#define bide_pool_each(pool, ...) BIDE__CALL(bide_pool_each_with((pool), BIDE__ARGS(bide_pool_each_args, .job = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_pool_each_with(bide_pool *pool, const bide_pool_each_args *args);

/* ---- large arguments in place ---- */

/*
 * Memory that the workers see, too, for an argument that is built in place: then pass it to bide_job_bytes.
 *
 * A submit that returns a future has taken it, and so has a call that ran; submitted again, it is refused with -EBUSY.
 * One that failed with an error of bide_pool_submit has not: it is still the caller's, unchanged.  Only bide_job_bytes
 * with the buffer's own address takes it; what lies further inside is copied, as any other memory is.
 *
 * Returns:   n writable bytes, or NULL
 * Errors:    -E2BIG; BIDE_ENOMEM
 * Owns:      the result is owned; the job takes it, and gives it back to the pool when it is over (what was replied
 *            from it in place: when its future is released); one that nobody submits is given back with bide_pool_put
 * Example:   char *page = bide_pool_buffer(pool, len);
 *            int r = bide_pool_call(pool, bide_job_bytes(count_words, ((bide_bytes){page, len})));
 */
BIDE_API BIDE_MUST_USE void *bide_pool_buffer(bide_pool *pool, size_t n);
BIDE_API void bide_pool_put(bide_pool *pool, void *buffer);

#ifdef __cplusplus
}
#endif
#endif
