/* SPDX-License-Identifier: MIT */
/*
 * unblock.h - the room's header: the task that makes a call, what the room keeps for it, and its waits.
 *
 *     recv(), poll(), sleep() ... of any library
 *        |  no task here: the next function, at once
 *        v
 *     try without blocking --> EAGAIN --> bide__unblock_again: the task waits --> try again
 *                                              |
 *                                              '--> ECANCELED, when it is cancelled or out of time
 */
#ifndef BIDE_UNBLOCK_UNBLOCK_H
#define BIDE_UNBLOCK_UNBLOCK_H

#include <bide/descriptor.h>
#include <bide/version.h>

#include "io/poll/interpose.h"
#include "unblock/next.h"

/* What bide gives; NULL: it is not there yet, or is another version. */
extern const struct interpose_ops *bide__unblock_ops;
extern ptrdiff_t bide__unblock_loop_offset;

/* Where this thread's variables are; NULL: the compiler does not say. */
static inline void *bide__unblock_thread_pointer(void)
{
#if defined(__has_builtin) && __has_builtin(__builtin_thread_pointer)
    return __builtin_thread_pointer();
#else
    return NULL;
#endif
}

/* Most calls are made where no loop runs: that is seen without a call. */
static inline bool bide__unblock_has_loop(void)
{
    const void *thread = bide__unblock_thread_pointer();
    bide_loop *loop;
    if (!thread)
        return true;

    memcpy(&loop, (const void *)((uintptr_t)thread + (uintptr_t)bide__unblock_loop_offset), sizeof loop);
    return loop != NULL;
}

/* The task that runs here and may wait; NULL: none, and the call is as it always was. */
static inline bide_task *bide__unblock_task(void)
{
    const struct interpose_ops *ops = bide__unblock_ops;

    return likely(!ops) || likely(!bide__unblock_has_loop()) ? NULL : ops->task();
}

/* What is kept for a task that has called here; goes when its coroutine has returned. */
struct guest {
    unsigned refusals; /* calls that got ECANCELED, since it was interrupted */
    int held;          /* locks, in debug mode */
    struct values *values; /* specific.c; NULL: none */
    struct hostent entry;  /* names.c: of the last gethostbyname, and its memory */
    char *answer;
};
struct guest *bide__unblock_guest(bide_task *t); /* NULL: no memory */
void bide__unblock_end_values(struct guest *g);

/* A call that may have to wait for a descriptor. */
struct blocked {
    bide_task *task;
    int fd;
    unsigned events;    /* BIDE_READABLE ... */
    const char *call;   /* "recv" */
    const void *caller; /* where it returns to */
    bool always; /* it waits whatever the flags of a descriptor say: poll and its kin */
    bool sockets_alone; /* it waits for nothing else: write(), unless the program asks for more */
    int64_t own_until_ms; /* by the loop's clock, the time that the call itself was given; 0: none */
    bool has_waited;
    int64_t until_ms; /* once it has: by the loop's clock, when it ends with EAGAIN; BIDE_FOREVER */
};
#define BLOCKED(t, fd_, events_) \
    {.task = (t), .fd = (fd_), .events = (events_), .call = __func__, .caller = __builtin_return_address(0)}

/*
 * Before a try: lets others run now and then, for a descriptor that is always ready suspends nobody.  False: the task has been
 * refused before and is interrupted still; errno is ECANCELED.  Neither for files and devices.
 */
bool bide__unblock_may_try(const struct blocked *b);
/*
 * After a try that failed: wait if it said EAGAIN and the descriptor is one that blocks.  True: try again.  False: errno says why:
 * what it was; EAGAIN when SO_RCVTIMEO or SO_SNDTIMEO is over; ECANCELED.
 */
bool bide__unblock_again(struct blocked *b);
/* The same for what no descriptor tells of: it is tried again after ms, until the limit is over. */
bool bide__unblock_again_later(struct blocked *b, int64_t ms);
/* Its limit begins now: SO_RCVTIMEO or SO_SNDTIMEO, if it is a socket that has one, or the call's own. */
void bide__unblock_limit(struct blocked *b);

/* A result; errno is what it was before if that is no error. */
static inline ssize_t bide__unblock_done(ssize_t n, int before)
{
    if (n >= 0)
        errno = before;
    return n;
}

/* send.c: all of a message, or what could be sent of it; errno is kept. */
ssize_t bide__unblock_send_all(struct blocked *b, const struct msghdr *m, int flags);

/* send.c: where the bytes behind the first `done` begin; false: there are none. */
bool bide__unblock_rest(const struct msghdr *m, size_t done, struct iovec *piece);
/* write() to a socket; false: it is none, and nothing was done. */
bool bide__unblock_write_socket(struct blocked *b, const struct iovec *iov, int count, ssize_t *result);

/* file.c: write() to a pipe, all of it. */
ssize_t bide__unblock_write_pipe(struct blocked *b, const struct iovec *iov, int count);

/* Until a descriptor may be ready, or a time of the loop's clock.  1; 0: it is that time; -1: errno is ECANCELED. */
int bide__unblock_wait_fd(const struct blocked *b, int64_t until_ms);
/* The first of several, up to INTERPOSE_FDS that are all different; those of b are not looked at. */
int bide__unblock_wait_fds(const struct blocked *b, const struct interpose_fd *fds, int n, int64_t until_ms);
/* Until then.  0; -1: errno is ECANCELED. */
int bide__unblock_sleep_until(bide_task *t, int64_t until_ms, const char *call, const void *caller);
/* Is the task interrupted?  Then errno is ECANCELED; one that tries again and again waits a little in here. */
bool bide__unblock_is_refused(bide_task *t);
int64_t bide__unblock_now_ms(bide_task *t);
/* So many milliseconds from now, BIDE_FOREVER for less than 0. */
int64_t bide__unblock_ms_from_now(bide_task *t, int64_t ms);

/* ---- flags.c ---- */

/* fcntl(F_GETFL), as the program has set them. */
int bide__unblock_flags(int fd);
/* Is it one that blocks?  Then it does not any more, and *flags says how it was. */
bool bide__unblock_stop_blocking(int fd, int *flags);
void bide__unblock_block_again(int fd, int flags); /* errno is kept */
/* Around the two, for a file that others may have. */
void bide__unblock_lock_flags(void);
void bide__unblock_unlock_flags(void);

/* ---- options.c ---- */

extern bool bide__unblock_writes_pipes, bide__unblock_keeps_values;

/* ---- debug.c: in debug mode, who waits while it holds locks? ---- */

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
