/* SPDX-License-Identifier: MIT */
/*
 * unblock.h - the room's header: the task that makes a call, what is kept for it, and waiting in it.
 *
 *     recv(), poll(), sleep() ... of any library
 *        |  no task runs here: the next definition of the name (libc's)
 *        v
 *     try without blocking --> EAGAIN --> bide__unblock_again: the task is suspended --> try again
 *                                              |
 *                                              '--> ECANCELED, if it is cancelled or its timeout expires
 */
#ifndef BIDE_UNBLOCK_UNBLOCK_H
#define BIDE_UNBLOCK_UNBLOCK_H

#include <bide/descriptor.h>
#include <bide/version.h>

#include "io/poll/interpose.h"
#include "unblock/next.h"

/* bide's table of functions; NULL: libbide has not been initialized yet, or is of another version. */
extern const struct interpose_ops *bide__unblock_ops;
extern ptrdiff_t bide__unblock_loop_offset;

/* The thread pointer; NULL: the compiler has no builtin for it. */
static inline void *bide__unblock_thread_pointer(void)
{
#if defined(__has_builtin) && __has_builtin(__builtin_thread_pointer)
    void *pointer = __builtin_thread_pointer();
    if (!pointer)
        __builtin_unreachable();
    return pointer;
#else
    return NULL;
#endif
}

/* Most calls are made where no loop runs: that is checked without a function call. */
static inline bool bide__unblock_has_loop(void)
{
    const void *thread = bide__unblock_thread_pointer();
    bide_loop *loop;
    if (!thread)
        return true;

    memcpy(&loop, (const void *)((uintptr_t)thread + (uintptr_t)bide__unblock_loop_offset), sizeof loop);
    return loop != NULL;
}

/* The task that runs here and may be suspended; NULL: none, and the call is libc's. */
static inline bide_task *bide__unblock_task(void)
{
    const struct interpose_ops *ops = bide__unblock_ops;

    return likely(!ops) || likely(!bide__unblock_has_loop()) ? NULL : ops->task();
}

/* What is kept for a task that has made such a call; freed when its coroutine has returned. */
struct guest {
    unsigned refusals; /* calls that got ECANCELED since it was interrupted */
    int held;          /* number of locks, in debug mode */
    struct values *values; /* specific.c; NULL: none */
    struct hostent entry;  /* names.c: result of the last gethostbyname */
    char *answer;          /* the memory that entry points to */
};
struct guest *bide__unblock_guest(bide_task *t); /* NULL: no memory */
void bide__unblock_end_values(struct guest *g);

/* A call that may have to wait for a descriptor. */
struct blocked {
    bide_task *task;
    int fd;
    unsigned events;    /* BIDE_READABLE ... */
    const char *call;   /* "recv" */
    const void *caller; /* its return address */
    bool always; /* it waits even if the descriptor is O_NONBLOCK: poll, select, epoll_wait */
    bool sockets_alone; /* it waits only for sockets: write(), without BIDE_UNBLOCK_PIPES */
    int64_t own_until_ms; /* the time limit of the call itself, by the loop's clock; 0: none */
    bool has_waited;
    int64_t until_ms; /* valid once has_waited: when it fails with EAGAIN, by the loop's clock; BIDE_FOREVER */
};
#define BLOCKED(t, fd_, events_) \
    {.task = (t), .fd = (fd_), .events = (events_), .call = __func__, .caller = __builtin_return_address(0)}

/*
 * Before a try.  Yields to other tasks after every CALLS_PER_TURN calls, because a descriptor that is always ready would never suspend the
 * task.  False: the task is interrupted, and an earlier call has got ECANCELED already; errno is ECANCELED.  Files and devices are neither
 * refused nor yielded for.
 */
bool bide__unblock_may_try(const struct blocked *b);
/*
 * After a try that failed: wait if errno is EAGAIN and the descriptor is blocking.  True: try again.  False: errno is that of the try;
 * EAGAIN if SO_RCVTIMEO or SO_SNDTIMEO has expired; ECANCELED.
 */
bool bide__unblock_again(struct blocked *b);
/* The same where no descriptor becomes ready: try again after ms, until the time limit expires. */
bool bide__unblock_again_later(struct blocked *b, int64_t ms);
/* Start its time limit: SO_RCVTIMEO or SO_SNDTIMEO of a socket, or the call's own.  Only the first time. */
void bide__unblock_limit(struct blocked *b);

/* The result of a call; if it is no error, errno is restored to `before`. */
static inline ssize_t bide__unblock_done(ssize_t n, int before)
{
    if (n >= 0)
        errno = before;
    return n;
}

/* send.c: all of a message, or what could be sent of it; errno is kept. */
ssize_t bide__unblock_send_all(struct blocked *b, const struct msghdr *m, int flags);

/* send.c: what is left of one iovec after the first `done` bytes; false: nothing is left. */
bool bide__unblock_rest(const struct msghdr *m, size_t done, struct iovec *piece);
/* send.c: write() to a socket; false: it is not a socket, and nothing was written. */
bool bide__unblock_write_socket(struct blocked *b, const struct iovec *iov, int count, ssize_t *result);

/* file.c: write() to a pipe, all of it. */
ssize_t bide__unblock_write_pipe(struct blocked *b, const struct iovec *iov, int count);

/* Wait until a descriptor may be ready, or for a time of the loop's clock.  1: try again; 0: the time is over; -1: errno is ECANCELED. */
int bide__unblock_wait_fd(const struct blocked *b, int64_t until_ms);
/* The same for the first of several, up to INTERPOSE_FDS, all different; b->fd and b->events are not used. */
int bide__unblock_wait_fds(const struct blocked *b, const struct interpose_fd *fds, int n, int64_t until_ms);
/* 0: that time has come; -1: errno is ECANCELED. */
int bide__unblock_sleep_until(bide_task *t, int64_t until_ms, const char *call, const void *caller);
/* Is the task interrupted?  Then errno is ECANCELED.  Pauses after many refusals, so that a retry loop does not block the thread. */
bool bide__unblock_is_refused(bide_task *t);
int64_t bide__unblock_now_ms(bide_task *t);
/* The loop's time in ms milliseconds; BIDE_FOREVER if ms is negative. */
int64_t bide__unblock_ms_from_now(bide_task *t, int64_t ms);

/* ---- flags.c ---- */

/* fcntl(F_GETFL), without our temporary O_NONBLOCK. */
int bide__unblock_flags(int fd);
/* Set O_NONBLOCK on a blocking descriptor; *flags are its flags before.  False: it was not blocking, or it failed. */
bool bide__unblock_stop_blocking(int fd, int *flags);
void bide__unblock_block_again(int fd, int flags); /* errno is kept */
/* Hold the lock around the two, for an open file description that others may share. */
void bide__unblock_lock_flags(void);
void bide__unblock_unlock_flags(void);

/* ---- options.c ---- */

extern bool bide__unblock_writes_pipes, bide__unblock_keeps_values;

/* ---- debug.c: in debug mode, which tasks wait while they hold locks? ---- */

extern bool bide__unblock_debugs;
void bide__unblock_count_locks(bide_task *t, int by);
static inline void bide__unblock_holds(bide_task *t, int by)
{
    if (unlikely(bide__unblock_debugs))
        bide__unblock_count_locks(t, by);
}
void bide__unblock_report_wait(bide_task *t, const char *call, const void *caller);
static inline void bide__unblock_note_wait(bide_task *t, const char *call, const void *caller)
{
    if (unlikely(bide__unblock_debugs))
        bide__unblock_report_wait(t, call, caller);
}

#endif
