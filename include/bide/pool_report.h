/* SPDX-License-Identifier: MIT */
/*
 * pool_report.h - what a pool reports: events as they happen, and its figures, also those of another process's pools.
 */
#ifndef BIDE_POOL_REPORT_H
#define BIDE_POOL_REPORT_H

#include <bide/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- events ---- */

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

/* ---- figures ---- */

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

/* The pool's figures, and those of its first 256 workers.  All zeros: another process or thread's pool. */
BIDE_API void bide_pool_stats_get_into(const bide_pool *pool, bide_pool_stats *out, size_t size);
static inline void bide_pool_stats_get(const bide_pool *pool, bide_pool_stats *out)
{
    bide_pool_stats_get_into(pool, out, sizeof *out);
}

/*
 * The pools of another process, as they were at most a second ago: read through /proc, where that is permitted.
 *
 * Threads:   any; no loop is needed
 * Returns:   how many there are; out[0..max) are filled
 * Errors:    -ESRCH: no such process; -EACCES; -EINVAL: pid is not positive, max negative, or out NULL
 * Owns:      out is borrowed for the call
 */
BIDE_API BIDE_MUST_USE int bide_pool_inspect_into(int pid, bide_pool_stats *out, int max, size_t size);
static inline BIDE_MUST_USE int bide_pool_inspect(int pid, bide_pool_stats *out, int max)
{
    return bide_pool_inspect_into(pid, out, max, sizeof *out);
}

#ifdef __cplusplus
}
#endif
#endif
