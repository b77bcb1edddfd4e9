/* SPDX-License-Identifier: MIT */
/*
 * pool.h - functions that run in other processes (Python: multiprocessing.Pool, aiomultiprocess.Pool).
 *
 *     static int open_session(void)                                async def open_session():
 *     {                                                                global session
 *         bide_session *s = bide_session_new();                        session = ClientSession()
 *         if (!s)
 *             return bide_raise();
 *         bide_worker_set_state(s);
 *         return 0;
 *     }
 *     static int get(const char *url)                              async def get(url):
 *     {                                                                async with session.get(url) as r:
 *         bide_session *s = bide_worker_state();                           return r.status
 *         bide_auto bide_response *r = bide_get(s, url);
 *         return r ? bide_status(r) : bide_raise();
 *     }
 *     BIDE_POOL_TASK(get, const char *);                           (for workers elsewhere: by its name)
 *
 *     bide_auto bide_pool *pool = bide_pool_new(                   async with Pool(4, initializer=open_session) as pool:
 *         .workers = 4, .init = bide_job(open_session));
 *     BIDE_TRY(bide_pool_map(pool, bide_jobs(get, urls), n,            status = await pool.map(get, urls)
 *                            .codes = status));
 *
 *     struct point p = {1, 2}, q;                                      q = await pool.apply(turn, (p,))
 *     BIDE_TRY(bide_pool_call(pool, bide_job(turn, &p, &q)));
 *
 *     bide_auto bide_future *f =                                       f = pool.apply_async(turn, (p,))
 *         bide_pool_submit(pool, bide_job(turn, &p, &q));
 *     int code = bide_await(f);                                        r = await f
 *
 * A job (job.h) is a call of an ordinary C function that will happen elsewhere, in a worker.  The ways to have jobs run are in
 * pool_call.h and pool_stream.h, workers on other machines in pool_redis.h, events and figures in pool_report.h; all of them
 * come with this header.
 *
 * A pool, its streams and the futures of its jobs belong to the thread whose loop opened them, and to its process.  A
 * call from another thread changes nothing and fails with BIDE_ESTATE; a function that returns nothing, such as a
 * release, writes a line to standard error instead.  Where their loop does not run (after it was closed, in a task of
 * another one) they can be looked at and released; all else is BIDE_ESTATE.  In the child of a fork they can be released: that closes
 * descriptors, and what the workers have goes on for the parent.
 *
 * A worker that dies takes with it only the job that was running; what it had not begun moves on to another worker, and
 * a new one takes its place.  The queue is kept here: no death, at no instruction, can hang it.
 */
#ifndef BIDE_POOL_H
#define BIDE_POOL_H

#include <stdbool.h>

#include <bide/job.h>
#include <bide/pool_call.h>
#include <bide/pool_redis.h>
#include <bide/pool_report.h>
#include <bide/pool_stream.h>
#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- opening ---- */

enum bide_pool_kind {
    BIDE_POOL_PROCESS, /* forked by a small helper process: 0.3 ms, however large the program is */
    BIDE_POOL_FORK,    /* a fork of the program as it is now, copy-on-write; not possible when it has threads */
    BIDE_POOL_THREAD,  /* no isolation: what crashes, crashes all; a job that ends its thread has killed its worker */
    BIDE_POOL_EXEC     /* this program started anew, functions by name; main() begins with bide_pool_prepare() */
};

enum bide_pool_pin { BIDE_PIN_NONE, BIDE_PIN_SPREAD };

/* What bide_pool_new takes; zero means the default. */
typedef struct bide_pool_args {
    size_t size; /* of this struct; set by the macro, so that it can grow */
    struct bide_use_named_options *guard_;
    enum bide_pool_kind kind;   /* default BIDE_POOL_PROCESS */
    int workers;                /* default: $BIDE_WORKERS, else the processors that this process may use; at most 1024 */
    int concurrency;            /* jobs at once in a worker that awaits; default 16; at most 4096 */
    int prefetch;               /* beyond that, at most 65,536; default: up to 64 while jobs take less than 50 us; BIDE_NONE */
    size_t max_pending;         /* jobs queued or running, then submit waits; default 65,536; BIDE_UNLIMITED */
    size_t max_pending_bytes;   /* of their arguments; default 256 MiB; BIDE_UNLIMITED */
    size_t ring_bytes;          /* in each direction, a power of two, 64 KiB to 1 GiB; default 256 KiB */
    size_t stack_size;          /* of a job; default 64 KiB; 16 KiB to 64 MiB */
    bide_job init;              /* runs in each worker first, may await; its error is that of bide_pool_new */
    bide_job fini;              /* runs in each worker last */
    int retries;                /* of an idempotent job whose worker died; default 2, at most 200; BIDE_NONE */
    int restart_max;            /* one more death in restart_window_ms ends the pool; default 10, at most 63;
                                   BIDE_NONE: the first one does; BIDE_UNLIMITED: none does */
    int64_t restart_window_ms;  /* default 10,000 */
    int64_t timeout_ms;         /* of each job, from its start in the worker; default, and BIDE_FOREVER: none */
    int64_t grace_ms;           /* default 1,000.  A job that does not yield so long after its deadline (timeout_ms), or after
                                   closing cancelled it, is killed with its worker (a thread goes on); so is a worker that
                                   has not exited so long after it stopped.  A job that was only cancelled is not killed */
    int64_t close_ms;           /* how long the end of scope waits for jobs that run; default 10,000; BIDE_FOREVER: no limit */
    uint32_t max_jobs;          /* no worker runs more: a new one takes over, and while there can be none, jobs wait; default:
                                   any number; at most 2,147,483,647 */
    size_t max_rss;             /* bytes, likewise; looked at every 100 ms */
    int64_t max_age_ms;         /* likewise */
    int min_workers;            /* with idle_ms: those that always stay; default 1 */
    int64_t idle_ms;            /* stop a worker that had nothing to do for so long; default: never */
    int64_t stall_ms;           /* BIDE_POOL_STALLED when a worker's loop has not turned for so long; default: not watched */
    enum bide_pool_pin pin;     /* one processor for each worker; default: none */
    const int *cpus;            /* these, in turn; ends with -1 */
    bool inherit_stdin;         /* workers read the program's standard input; default: an empty one (threads: always the program's) */
    bool nested;                /* inside a worker of another pool: allowed, with its share of the processors */
    const char *program;        /* BIDE_POOL_EXEC: another program than this one */
    void (*on_event)(const bide_pool_event *event, void *arg); /* called by the loop (loop.h); must not wait */
    void *arg;
    const char *redis;          /* run the jobs on other machines, see pool_redis.h */
    const char *name;           /* of the queue there; default: the third part of the URL */
    struct bide_tls *tls;       /* for rediss; default: what the system trusts */
} bide_pool_args;

/*
 * Open a pool and wait until every worker is ready.
 *
 * A worker is named bide-worker.  One that is a process begins as a new program does: no signal has a handler of the
 * program's, and no descriptor is open but the first three; standard input is empty (.inherit_stdin).
 *
 * Release (the end of a bide_auto scope) closes it: jobs that run or are queued are finished first, within close_ms.
 * If the task was cancelled, or its bide_timeout block has run out, they are cancelled.  After an error of another kind,
 * bide_pool_close(pool, 0, NULL) ends them at once.
 *
 * Suspends:  until the workers are ready; a cancellation point
 * Returns:   the pool, or NULL
 * Errors:    that of init; -EINVAL for an impossible option; -E2BIG: the arguments of init and fini do not fit into
 *            ring_bytes; BIDE_EFUNCTION, -ENAMETOOLONG: one of these two, as bide_pool_submit; -EEXIST: two functions are
 *            registered under one name; BIDE_ENOLOOP: not inside a task; -EAGAIN when no process could be made (RLIMIT_NPROC);
 *            -ECHILD: the helper process ended meanwhile, or did not answer for 5 s and was killed; BIDE_EWORKER: a worker
 *            died before it was ready; -EMFILE; BIDE_ENOMEM; -EBUSY: a fork while there are other threads; BIDE_ESTATE:
 *            a pool inside a worker
 * Owns:      the result is owned; it belongs to this loop and this process; what the options point to is copied (but for
 *            tls, and arg)
 * Example:   bide_auto bide_pool *pool = bide_pool_new(.workers = 4);
 */
#define bide_pool_new(...) BIDE__CALL(bide_pool_new_with(BIDE__ARGS(bide_pool_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_pool *bide_pool_new_with(const bide_pool_args *args);

/*
 * Make the process now from which workers will be born, before there are threads and a big heap; main() calls it first.
 *
 * Without it the first pool does so.  What is loaded now is shared by all workers, copy-on-write; called again, it makes
 * another one, for all workers that are born from now on, also those that replace others in a pool that is open.  In a
 * process that was started as a worker (BIDE_POOL_EXEC) it does not return.
 *
 * Needed if the program makes threads before its first pool, and waits for any child in a SIGCHLD handler: workers of a
 * process that was made beside threads are seen by such a handler, which takes their status.
 *
 * Threads:   one, before the others use pools; no loop is needed
 * Returns:   0
 * Errors:    -EAGAIN; -EMFILE; -EEXIST if two functions are registered under one name
 */
BIDE_API BIDE_MUST_USE int bide_pool_prepare(void);

/* ---- looking after it ---- */

typedef struct bide_pool_counts {
    uint64_t finished, cancelled, killed; /* jobs: ended in order; cancelled; lost with their worker */
} bide_pool_counts;

/*
 * Take no new jobs; let those that are there finish for grace_ms; then cancel them; then kill.  Workers run `fini`.
 *
 * Suspends:  until every worker is gone; a cancellation point: then the rest is killed
 * Returns:   0; counts (may be NULL) say what became of the jobs
 * Errors:    BIDE_ECANCELED; BIDE_ESTATE: another process or thread's pool, or in a callback; -EINVAL: grace_ms is negative
 * Example:   BIDE_TRY(bide_pool_close(pool, 5000, NULL));
 */
BIDE_API BIDE_MUST_USE int bide_pool_close_into(bide_pool *pool, int64_t grace_ms, bide_pool_counts *counts, size_t size);
static inline BIDE_MUST_USE int bide_pool_close(bide_pool *pool, int64_t grace_ms, bide_pool_counts *counts)
{
    return bide_pool_close_into(pool, grace_ms, counts, sizeof *counts);
}

/*
 * End every worker now; jobs fail with BIDE_ECLOSED.  (Threads cannot be killed: their jobs are cancelled.)
 *
 * Suspends:  until every worker is gone (a thread: until its jobs have yielded); not a cancellation point
 * Returns:   0, also if the pool was closed before
 * Errors:    BIDE_ESTATE: another process or thread's pool, in a callback, or outside any task
 */
BIDE_API BIDE_MUST_USE int bide_pool_kill(bide_pool *pool);

/*
 * More or fewer workers, without losing a job.
 *
 * Suspends:  until new ones are ready (those that go finish their jobs later); a cancellation point
 * Returns:   0
 * Errors:    -EINVAL: not 1 to 1024; -ENOTSUP over Redis; as bide_pool_new (-EAGAIN, -ECHILD, -EMFILE, BIDE_ENOMEM: the
 *            pool keeps the size it had); BIDE_ECLOSED: the pool was closed or killed meanwhile
 * Example:   BIDE_TRY(bide_pool_resize(pool, 2 * bide_pool_size(pool)));
 */
BIDE_API BIDE_MUST_USE int bide_pool_resize(bide_pool *pool, int workers);

/* The number of workers that the pool was set to.  BIDE_ESTATE: another process or thread's pool. */
BIDE_API BIDE_MUST_USE int bide_pool_size(const bide_pool *pool);
/* The process of a worker; 0 for a thread, or while there is none.  BIDE_ESTATE likewise. */
BIDE_API BIDE_MUST_USE int bide_pool_pid(const bide_pool *pool, int worker);

/*
 * The number of workers that .workers = 0 means: affinity and the cgroup's quota, $BIDE_WORKERS.
 *
 * Threads:   any; no loop is needed
 */
BIDE_API BIDE_MUST_USE int bide_pool_default_workers(void);

#ifdef __cplusplus
}
#endif
#endif
