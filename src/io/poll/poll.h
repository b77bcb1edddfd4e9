/* SPDX-License-Identifier: MIT */
/*
 * poll.h - descriptors on the loop: what is ready, who waits for it, and for how long.
 *
 * In reading order: epoll.c, fd.c, watch.c, flow.c, quiet.c.
 */
#ifndef BIDE_IO_POLL_H
#define BIDE_IO_POLL_H

#include <signal.h>

#include "core/core.h"

/* An argument that has to be there is not: true, and -EINVAL on record. */
static inline bool bide__is_null(const void *argument, const char *function, const char *what)
{
    if (likely(argument != NULL))
        return false;
    bide_fail(-EINVAL, "%s: %s is NULL", function, what);
    return true;
}

/* epoll.c: from now on the loop asks the kernel for descriptors, too.  Before one is watched, or the poller is wrapped. */
int bide__epoll_begin(bide_loop *loop);

/* ---- fd.c: a descriptor that the loop watches ---- */

/*
 * Registered once, edge-triggered, for both directions; what the kernel said is remembered here.  So a read is tried
 * only when `readable` says that it will succeed, and waiting costs no system call of its own.
 *
 *     the kernel: an edge --> epoll.c --> struct fd   readable, writable, hangup
 *                                           readers: clause --wakes--> a task that waits, or a watch
 *                                           writers: clause --wakes--> a task
 */
struct fd {
    int fd;
    bool readable; /* since the last read that found less than it asked for */
    bool writable; /* until a write says otherwise */
    bool hangup;   /* the peer will send no more, or it is broken: reading says which */
    bool is_own;   /* not in loop->watched: bide__fd_is_own */
    uint32_t spent; /* bytes and calls, since it last waited */
    uint32_t share; /* it may spend so many even when the turn's bytes are used up */
    struct list_node readers, writers;
    bide_loop *loop;
};

/*
 * The I/O budget of one turn of the loop.  Without one, a peer that is always ready would keep its task running and
 * every other task waiting; and so would many peers, each of which moves a little.
 *
 * Between two questions to the kernel all tasks together move FD_TURN_BYTES, in any order.  After that each descriptor
 * still has its FD_SHARE (a request and a short answer are never held up), and a task that wants more waits in line
 * (bide_loop.io_waiters); of these FD_TURN_BYTES / FD_GRANT go on in the next turn, with FD_GRANT bytes each.  A call
 * that moves few bytes is not free either, so each counts for FD_CALL_COST more; a task yields after FD_IO_BUDGET even
 * if the others have left some of the turn.
 */
#define FD_TURN_BYTES (256 * 1024)
#define FD_SHARE (32 * 1024)
#define FD_GRANT (256 * 1024)
#define FD_CALL_MIN (16 * 1024)  /* bytes of one call when the turn's bytes are used up */
#define FD_CALL_MAX (256 * 1024)  /* of one while they are not */
#define FD_CALL_ALONE (4 * 1024 * 1024) /* when no other task wants to run: the fewer calls, the cheaper */
#define FD_IO_BUDGET (256 * 1024)
#define FD_CALL_COST (FD_IO_BUDGET / 16)

/* Watch a non-blocking descriptor on the running loop; taken on success.  Errors: BIDE_ENOLOOP, -ENOMEM, -ENOSPC. */
int bide__fd_open(struct fd *f, int fd);
/* The same of any file: one that cannot be polled is always ready, and its owner never says otherwise. */
int bide__fd_open_any(struct fd *f, int fd);
/*
 * It is of the library's own making and stays open while nobody waits for it, and whoever does is counted otherwise (loop->outside, a
 * timer): it is nothing that a loop without an end to its sleep could wait for (core/turn/stuck.c).
 */
void bide__fd_is_own(struct fd *f);
/* Close it; who waits for it gets BIDE_ECLOSED.  The struct must stay until they have run. */
void bide__fd_close(struct fd *f);
/* Watch it no longer; the descriptor is the caller's again. */
int bide__fd_detach(struct fd *f);
static inline bool bide__fd_is_open(const struct fd *f)
{
    return f->fd >= 0;
}

/* In debug mode, before the loop sleeps: who waits for one that was closed behind our back is woken, and it is reported. */
void bide__fds_check(bide_loop *loop);

/* Suspend until it may be tried.  0, BIDE_ECANCELED, BIDE_ETIMEDOUT, BIDE_ECLOSED. */
int bide__fd_wait_readable(struct fd *f);
int bide__fd_wait_writable(struct fd *f);

/* A call on it moved n bytes without waiting. */
static inline void bide__fd_spend(struct fd *f, size_t n)
{
    uint32_t bytes = n < FD_IO_BUDGET ? (uint32_t)n : FD_IO_BUDGET;

    f->spent += FD_CALL_COST + bytes;
    f->loop->io_left -= bytes;
}
/* How many bytes the next call may move: at most `wanted`. */
size_t bide__fd_call_limit(const struct fd *f, size_t wanted);
static inline size_t bide__fd_call_max(const struct fd *f, size_t wanted)
{
    return likely(wanted <= FD_CALL_MIN) ? wanted : bide__fd_call_limit(f, wanted);
}
static inline bool bide__fd_is_over_budget(const struct fd *f)
{
    return unlikely(f->spent >= f->share) && (f->loop->io_left <= 0 || f->spent >= FD_IO_BUDGET);
}
/* Wait in line for the next share. */
int bide__fd_take_turn(struct fd *f);
/*
 * Before a try that may succeed at once: if the budget is spent, let the other tasks, the timers and the poller run
 * first.  Nearly always it costs a comparison.  0, BIDE_ECANCELED, BIDE_ETIMEDOUT.
 */
static inline int bide__fd_yield_if_over_budget(struct fd *f)
{
    return likely(!bide__fd_is_over_budget(f)) ? 0 : bide__fd_take_turn(f);
}
/* It has waited: its budget begins anew. */
static inline void bide__fd_has_waited(struct fd *f)
{
    f->spent = 0;
    f->share = FD_SHARE;
}
/* The kernel was asked: a new turn begins, and the first in line go on. */
void bide__fd_begin_turn(bide_loop *loop);

/* After a system call without a free descriptor (EMFILE, ENFILE): sleep a little, so that one may become free. */
int bide__wait_for_descriptor(void);

/* ---- flow.c: a wait that ends with time ---- */

struct alarm {
    struct timer timer; /* its function is bide__alarm_ring: the task goes on */
    bide_task *task;
    bool rang;
};
void bide__alarm_ring(struct timer *timer);

/* ---- watch.c: a function that the loop calls when a descriptor becomes readable ---- */

struct watch_fd {
    struct clause clause;
    struct ready ready;
};

int bide__watch_open(struct watch_fd *w, struct fd *f, void (*run)(struct ready *r)); /* takes a place in the queue */
void bide__watch_again(struct watch_fd *w, struct fd *f);
void bide__watch_close(struct watch_fd *w, struct fd *f);
/* Make an eventfd readable. */
void bide__ring_bell(int fd);

/* ---- flow.c: waiting for a peer for as long as bytes flow ---- */

#define FLOW_IN 1u  /* until it may be read */
#define FLOW_OUT 2u /* until it may be written; both: until the kernel reports either, whatever was known before */

enum flow_end { FLOW_GOES_ON, FLOW_SILENT, FLOW_LATE };

/* The limits of a wait, and what was seen meanwhile. */
struct flow {
    int64_t silence_ms;  /* no byte moves for so long; BIDE_FOREVER */
    int64_t deadline_ns; /* when all must be over, by the loop's clock; INT64_MAX: never */
    size_t queued;       /* bytes of ours that the peer had not taken at the last look; SIZE_MAX: nobody has looked yet;
                            0: there are none, and nobody looks */
    enum flow_end end;   /* after BIDE_ETIMEDOUT: which limit is over; neither: one from outside */
};

/*
 * bide__fd_wait_readable and bide__fd_wait_writable within limits.  0; BIDE_ETIMEDOUT, not on record, when a limit of
 * `flow` is over and nothing is ready; what interrupts the task from outside, and BIDE_ECLOSED, are on record.
 */
int bide__fd_wait_flow(struct fd *f, unsigned sides, struct flow *flow);
/* Is the deadline over?  For a peer that never makes us wait.  BIDE_ETIMEDOUT, not on record, or 0. */
static inline int bide__flow_check_deadline(const bide_loop *loop, struct flow *flow)
{
    if (likely(loop->now_ns < flow->deadline_ns))
        return 0;
    flow->end = FLOW_LATE;
    return BIDE_ETIMEDOUT;
}
/* How many bytes the kernel holds that the peer has not taken yet (SIOCOUTQ). */
size_t bide__fd_queued(const struct fd *f);

/* ---- quiet.c: no signals of a write ---- */

/*
 * A broken pipe or a file-size limit is an error, not the end of the program: between these two, their signals are
 * taken away from the calling thread, unless the program blocks them itself.
 */
struct quiet {
    sigset_t before;
};
void bide__quiet_begin(struct quiet *q);
void bide__quiet_end(const struct quiet *q, ssize_t result);

#endif
