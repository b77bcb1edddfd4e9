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
 * A job is a call that will happen elsewhere.  Its function is an ordinary C function that returns int: 0 or more is
 * its result, negative an error.  It may block (then the worker does nothing else meanwhile) or await (then up to
 * `concurrency` of them run at once in each worker).  One argument and one result cross over, as bytes:
 *
 *     int f(void)   int f(const char *text)   int f(const struct in *)   int f(const struct in *, struct out *)
 *     int f(bide_bytes)                       and any of them may call bide_worker_reply for bytes of any length
 *
 * Pointers inside them would mean nothing in another process.  A wrong count is a compile error, a wrong
 * type what your compiler makes of it in any call: with -Werror=incompatible-pointer-types an error, too.
 *
 * A pool, its streams and the futures of its jobs belong to the thread whose loop opened them, and to its process.  A
 * call from another thread changes nothing and fails with BIDE_ESTATE; a function that returns nothing, such as a
 * release, writes a line to standard error instead.  In the child of a fork they can be released: that closes
 * descriptors, and what the workers have goes on for the parent.
 *
 * A worker that dies takes with it only the job that was running; what it had not begun moves on to another worker, and
 * a new one takes its place.  The queue is kept here: no death, at no instruction, can hang it.
 */
#ifndef BIDE_POOL_H
#define BIDE_POOL_H

#include <stdbool.h>

#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_pool bide_pool;

/* ---- jobs ---- */

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
 * Owns:      *named is borrowed as long as the program runs
 */
BIDE_API void bide_pool_register(bide_pool_named *named);

/* ---- the pool ---- */

enum bide_pool_kind {
    BIDE_POOL_PROCESS, /* forked by a small helper process: 0.3 ms, however large the program is */
    BIDE_POOL_FORK,    /* a fork of the program as it is now, copy-on-write; not possible when it has threads */
    BIDE_POOL_THREAD,  /* no isolation: what crashes, crashes all; a job that ends its thread has killed its worker */
    BIDE_POOL_EXEC     /* this program started anew, functions by name; main() begins with bide_pool_prepare() */
};

enum bide_pool_event_kind {
    BIDE_POOL_DIED,     /* a worker ended unexpectedly; code (its exit status, or an error), signal and job say how */
    BIDE_POOL_STARTED,  /* a worker is ready; each one that replaces another, too */
    BIDE_POOL_STALLED,  /* its loop has not turned for age_ms, in `job` */
    BIDE_POOL_RECYCLED, /* a worker has reached max_jobs, max_rss or max_age_ms and ends in order */
    BIDE_POOL_FAILED,   /* too many deaths: the pool is over */
    BIDE_POOL_LOST,     /* the connection to Redis was lost or refused; code and text say why; the pool goes on trying */
    BIDE_POOL_REGAINED, /* Redis answers again */
    BIDE_POOL_SERVING,  /* bide_pool_serve: from now on jobs are taken */
    BIDE_POOL_ENDING    /* bide_pool_serve: it stops while jobs run; text says how many */
};

/* What happened; the library's, and it grows at its end (object.h). */
typedef struct bide_pool_event {
    enum bide_pool_event_kind kind;
    int worker; /* 0 to workers - 1; -1 with BIDE_POOL_FAILED */
    int pid;
    int code, signal;
    int64_t age_ms; /* BIDE_POOL_STALLED: for how long */
    const char *job;  /* the function's name, or NULL */
    const char *text; /* one line */
} bide_pool_event;

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
                                   any number */
    size_t max_rss;             /* bytes, likewise; looked at every 100 ms */
    int64_t max_age_ms;         /* likewise */
    int min_workers;            /* with idle_ms: those that always stay; default 1 */
    int64_t idle_ms;            /* stop a worker that had nothing to do for so long; default: never */
    int64_t stall_ms;           /* BIDE_POOL_STALLED when a worker's loop has not turned for so long; default: not watched */
    enum bide_pool_pin pin;     /* one processor for each worker; default: none */
    const int *cpus;            /* these, in turn; ends with -1 */
    bool nested;                /* inside a worker of another pool: allowed, with its share of the processors */
    const char *program;        /* BIDE_POOL_EXEC: another program than this one */
    void (*on_event)(const bide_pool_event *event, void *arg); /* called by the loop; must not wait */
    void *arg;
    const char *redis;          /* run the jobs on other machines, see "several machines" below */
    const char *name;           /* of the queue there; default: the third part of the URL */
    struct bide_tls *tls;       /* for rediss; default: what the system trusts */
    bool inherit_stdin;         /* workers read the program's standard input; default: an empty one (threads: always the program's) */
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
 * Returns:   0
 * Errors:    -EAGAIN; -EMFILE; -EEXIST if two functions are registered under one name
 */
BIDE_API BIDE_MUST_USE int bide_pool_prepare(void);

/* ---- running jobs ---- */

/*
 * The type of on_progress.  It is called, as on_event is, in the middle of a turn of the loop.  It must not wait:
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

/* What bide_pool_map takes; zero means the default. */
typedef struct bide_pool_map_args {
    size_t size; /* of this struct; set by the macro */
    size_t n;
    struct bide_use_named_options *guard_;
    int *codes;         /* n of them: result or error of each job, in order; may be NULL */
    bool collect;       /* an error cancels no other job (Python: return_exceptions) */
    int64_t timeout_ms; /* of each job; as in bide_pool_call_args */
    bool idempotent;    /* likewise */
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

/* ---- results as they come ---- */

typedef struct bide_pool_stream bide_pool_stream;

/*
 * Where the jobs of bide_pool_imap come from; a function of yours, which may await.
 *
 * Returns:   1, and *job is the next one; 0 at the end; or an error, which ends the stream
 * Owns:      *job->in is copied at once; *job->out, if it is not NULL, is written when bide_pool_next returns that item,
 *            so one place may serve all jobs
 */
typedef int bide_pool_source(void *arg, bide_job *job);

typedef struct bide_pool_imap_args {
    size_t size; /* of this struct; set by the macro */
    void *arg; /* of the source */
    struct bide_use_named_options *guard_;
    size_t window;  /* jobs taken from the source and not returned yet, at most; default 4 x workers x concurrency */
    bool unordered; /* the first that is finished comes first */
    int64_t timeout_ms; /* of each job; as in bide_pool_call_args */
    bool idempotent; /* likewise */
} bide_pool_imap_args;

typedef struct bide_pool_item {
    size_t index; /* in the order of the source */
    int code;     /* result, or the error of this job, which does not end the stream */
    bide_bytes bytes;    /* the result of this job, also a struct */
    bide_future *future; /* of this job: for bide_pool_failure_of and the like */
} bide_pool_item;

/*
 * A stream of results, of jobs that a source makes one by one, as they are needed; there may be no end of them.
 *
 * Returns:   the stream, or NULL
 * Errors:    BIDE_ENOMEM; BIDE_ESTATE: another process or thread's pool; BIDE_ECLOSED; BIDE_EPOOL; -EINVAL: no source, or a
 *            negative window or timeout_ms
 * Owns:      the result is owned; releasing it cancels what is under way.  arg is borrowed until then
 * Example:   bide_auto bide_pool_stream *s = bide_pool_imap(pool, next_url, &urls, .unordered = true);
 *            while ((r = bide_pool_next(s, &item)) > 0)
 *                printf("%zu: %d\n", item.index, item.code);
 */
#define bide_pool_imap(pool, source, ...) \
    BIDE__CALL(bide_pool_imap_with((pool), (source), BIDE__ARGS(bide_pool_imap_args, .arg = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_pool_stream *bide_pool_imap_with(bide_pool *pool, bide_pool_source *source, const bide_pool_imap_args *args);

/*
 * The next result of a stream.
 *
 * Suspends:  until there is a result; a cancellation point
 * Returns:   1 and *item, 0 at the end
 * Errors:    that of the source; BIDE_ECANCELED; BIDE_ETIMEDOUT (the stream can be read on); BIDE_ESTATE: another thread's
 *            or process's; -EINVAL: NULL
 * Owns:      what *item points to is borrowed until the next call on this stream
 * Example:   see bide_pool_imap
 */
BIDE_API BIDE_MUST_USE int bide_pool_next_into(bide_pool_stream *s, bide_pool_item *item, size_t size);
static inline BIDE_MUST_USE int bide_pool_next(bide_pool_stream *s, bide_pool_item *item)
{
    return bide_pool_next_into(s, item, sizeof *item);
}

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

/* ---- several machines ---- */

/*
 * The same pool over Redis (6.2 or newer): bide_pool_new(.redis = "redis://host:6379/0", .name = "pages").
 *
 * Jobs then run wherever a program serves that name.  Functions go by name (BIDE_POOL_TASK, with their parameters),
 * arguments and results as bytes: hosts of different builds may serve one queue, as long as a function takes the same in
 * all of them; a call that was made for another size is refused.
 *
 * The URL is redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DB[/NAME]] or unix:/PATH; without a password, that of
 * $BIDE_REDIS_PASSWORD.  Of the options only redis, name, tls, max_pending, max_pending_bytes, timeout_ms, close_ms,
 * grace_ms, on_event and arg mean anything.
 *
 * At least once: a job whose host dies or is cut off runs again on another one, also if it was nearly done, so it
 * must do no harm if it runs twice.  Its result comes once.  Jobs that wait survive their hosts, and Redis itself as far
 * as it keeps its data; the pool adds again what a restarted Redis has forgotten.  Those of a program that died run all
 * the same, and their results go nowhere.
 *
 * What is different: no descriptors, which mean something on their own machine only; no bide_pool_each and no
 * bide_pool_resize, since hosts come and go and nobody knows them all (each of these: -ENOTSUP); keys mean nothing.  A
 * job that runs is cancelled at once; if its host is cut off just then, when that renews its leases.  Progress and parts
 * of a running job (bide_worker_progress, bide_worker_emit) may be lost with a connection or while the program does not
 * read, or come twice.
 *
 * Errors of bide_pool_new: -ECONNREFUSED and the like; -EACCES: wrong password, or not allowed; -EPROTONOSUPPORT: older
 * than 6.2; -EROFS: a replica; -EREMOTEIO: what else it answers (a database that is not there, another node of a
 * cluster); -EINVAL: a wrong URL or name, or a Redis that evicts keys when it is full (maxmemory-policy).  Of a job:
 * -E2BIG: an argument or result of more than 256 MiB, or than the server takes (proto-max-bulk-len); BIDE_ELIMIT: Redis
 * is full; BIDE_EFUNCTION: its host does not know it or its parameters, or takes another argument or result; BIDE_EWORKER: no host
 * survived it.
 */

/* What bide_pool_serve takes; zero means the default. */
typedef struct bide_pool_serve_args {
    size_t size; /* of this struct; set by the macro */
    const char *redis; /* URL; NULL: $BIDE_REDIS, which `bide worker` sets */
    const char *name;  /* of the queue; NULL: $BIDE_REDIS_NAME likewise, or the third part of the URL */
    struct bide_use_named_options *guard_;
    bide_pool *pool;      /* runs the jobs; borrowed; default: one of its own, with the defaults */
    struct bide_tls *tls; /* for rediss; default: what the system trusts */
    int slots;            /* jobs taken at once, running or next to run; default 2 x workers x 16; 1 to 4096 */
    int64_t lease_ms;     /* a host that renews no lease for so long loses its jobs to others; default 30,000, at least 30 */
    int max_deliveries;   /* of a job whose hosts vanish; then it fails and is kept in the queue's list of dead jobs; default 3 */
    int64_t close_ms;     /* when it stops: time for jobs that run; default 10,000; BIDE_FOREVER: no limit */
    bool until_signal;    /* stop in order at SIGINT or SIGTERM; always so if redis is NULL */
    void (*on_event)(const bide_pool_event *event, void *arg); /* must not wait; default: none; under `bide worker`, lines on standard error */
    void *arg;
} bide_pool_serve_args;

/*
 * Be a worker host: take jobs from Redis, run them in a pool of this machine, send the results back.
 *
 * A job that kills its worker fails alone, as in any pool.  If the connection is lost, jobs go on, and what they return
 * is sent when it is back.  When it ends, those that have not begun go back to the queue at once, those that run are given
 * close_ms; a second signal is not caught.
 *
 * Suspends:  until cancelled, or a signal; a cancellation point
 * Returns:   0 after a signal
 * Errors:    BIDE_ECANCELED; those of bide_pool_new; BIDE_EPOOL when the pool of this machine has failed; -EINVAL names an
 *            impossible option
 * Owns:      what the options point to is borrowed for the call
 * Example:   return bide_pool_serve("redis://10.0.0.5/0", "pages", .pool = pool);
 */
#define bide_pool_serve(redis_, ...) BIDE__CALL(bide_pool_serve_with(BIDE__ARGS(bide_pool_serve_args, .redis = (redis_), .name = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_pool_serve_with(const bide_pool_serve_args *args);

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

#define BIDE_POOL_STATS_WORKERS 256

typedef struct bide_pool_stats {
    uint64_t queued, running, done, failed, cancelled, retried, moved, deaths, spawned;
    uint64_t wait_p50_ns, wait_p99_ns, run_p50_ns, run_p99_ns; /* from submit to start, and of a run; within a tenth */
    uint64_t bells_rung;                                       /* system calls made to wake workers */
    int workers;
    struct bide_pool_worker_stats {
        int pid;
        uint32_t running;
        uint64_t done;
        float busy; /* share of its life that it used a processor */
    } worker[BIDE_POOL_STATS_WORKERS];
} bide_pool_stats;

/* The pool's figures, and those of its first 256 workers.  All zeros: another thread's pool. */
BIDE_API void bide_pool_stats_get_into(const bide_pool *pool, bide_pool_stats *out, size_t size);
static inline void bide_pool_stats_get(const bide_pool *pool, bide_pool_stats *out)
{
    bide_pool_stats_get_into(pool, out, sizeof *out);
}

/*
 * The pools of another process, as they were at most a second ago: read through /proc, where that is permitted.
 *
 * Returns:   how many there are; out[0..max) are filled
 * Errors:    -ESRCH: no such process; -EACCES; -EINVAL: pid is not positive, max negative, or out NULL
 * Owns:      out is borrowed for the call
 */
BIDE_API BIDE_MUST_USE int bide_pool_inspect_into(int pid, bide_pool_stats *out, int max, size_t size);
static inline BIDE_MUST_USE int bide_pool_inspect(int pid, bide_pool_stats *out, int max)
{
    return bide_pool_inspect_into(pid, out, max, sizeof *out);
}

/* The number of workers that .workers = 0 means: affinity and the cgroup's quota, $BIDE_WORKERS. */
BIDE_API BIDE_MUST_USE int bide_pool_default_workers(void);

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
#include <bide/cplusplus_pool.h>
#endif
#endif
