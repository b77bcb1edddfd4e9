/* SPDX-License-Identifier: MIT */
/*
 * pool_stream.h - a stream of jobs that a source makes one by one, and of their results (Python: multiprocessing.Pool.imap).
 */
#ifndef BIDE_POOL_STREAM_H
#define BIDE_POOL_STREAM_H

#include <stdbool.h>

#include <bide/job.h>
#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

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
    bool idempotent; /* as in bide_pool_call_args */
    int64_t timeout_ms; /* of each job; likewise */
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

#ifdef __cplusplus
}
#endif
#endif
