/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - what a library that stands before libc (libbide-unblock) needs of this one: one table of functions.
 *
 * It is a library of its own, so it reaches nothing private but by this table, which it asks for with the version of bide that it
 * was built with: one that does not fit gets NULL, and leaves all calls as they are.
 */
#ifndef BIDE_IO_INTERPOSE_H
#define BIDE_IO_INTERPOSE_H

#include <bide/descriptor.h>

#include "core/core.h"

/* Of several descriptors that are waited for at once. */
#define INTERPOSE_FDS 4
struct interpose_fd {
    int fd;
    unsigned events; /* BIDE_READABLE ... */
};

struct interpose_ops {
    /*
     * How far from the thread pointer (of the caller, as its compiler gives it) stands the loop that runs in a thread: NULL there, and
     * no task runs.  The same in all threads, for the variable lies in the block that each gets when it starts.
     */
    ptrdiff_t (*loop_offset)(const char *thread_pointer);
    /* The stackful task that runs here and may wait; NULL: none, or its loop belongs to the process before a fork. */
    bide_task *(*task)(void);
    /* What ends its waits now, without being delivered: BIDE_ECANCELED, BIDE_ETIMEDOUT; 0: nothing. */
    int (*interruption)(const bide_task *t);
    /*
     * Wait for the first of n descriptors, up to INTERPOSE_FDS of them, for up to ms (BIDE_FOREVER), without looking before whether one
     * is ready: that ends it in the next turn.  1; 0: the time is over; a code: interrupted (and the program's next wait still hears of
     * it), or one cannot be watched.  Nothing is put on record.
     */
    int (*wait_fds)(const struct interpose_fd *fds, int n, int64_t ms);
    /*
     * Wait in a list for up to ms (BIDE_FOREVER), until wake: 0; BIDE_ETIMEDOUT: the time is over; BIDE_ECANCELED: interrupted.
     * surely: nothing but the two ends it.
     */
    int (*wait_in)(struct list_node *list, int64_t ms, bool surely);
    bool (*wake)(bide_loop *loop, struct list_node *list); /* the first; false: nobody is there */
    bool (*post)(bide_loop *loop, struct inbox_item *item); /* as bide__loop_post, from any thread */
    void (*unpost)(bide_loop *loop, struct inbox_item *item);
    int64_t (*now_ms)(bide_loop *loop);
    /* Where the interposer keeps what it has for a task; NULL: no memory. */
    void **(*slot)(bide_task *t);
    /* Run job(arg) in a thread for names, and wait for its end.  It is not ended early once it has begun. */
    int (*in_thread)(int (*job)(void *arg), void *arg);
    bool (*debugs)(void); /* BIDE_DEBUG=1 */
    /* The place of a call as "function (file:line)"; in what detail there is. */
    void (*name_place)(char *buf, size_t cap, const void *pc);
    bide_loop *(*loop_of)(const bide_task *t);
    bide_loop *(*loop_here)(void); /* that runs in this thread, also outside of tasks; NULL: none */
    void (*report)(bide_loop *loop, const char *text); /* to its exception handler, or in debug mode on standard error */
};

/*
 * For libbide-unblock alone.  From then on what has a slot calls task_ended(slot), in the task, when its coroutine has returned; and
 * a blocking request in a task waits as a task does.  NULL: this is another version of bide.
 */
BIDE_API const struct interpose_ops *bide_interpose(const char *version, void (*task_ended)(void *slot));

#endif
