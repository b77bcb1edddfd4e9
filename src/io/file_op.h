/* SPDX-License-Identifier: MIT */
/* file_op.h - one call to the file system, wherever it is made: shared by the files file*.c. */
#ifndef BIDE_IO_FILE_OP_H
#define BIDE_IO_FILE_OP_H

#include "io/io.h"

struct io_uring_sqe;

/*
 * A system call, or several, made in a place where it may block.  It results in what the call returns, or in a negated
 * errno value, and says nothing to the error record: the task that waits does.
 */
struct file_op {
    ssize_t (*run)(struct file_op *op);                                  /* here and now; in any thread */
    void (*prepare)(const struct file_op *op, struct io_uring_sqe *sqe); /* for io_uring; NULL: it cannot do it */
    ssize_t result;
};

/*
 * Have it run by io_uring or in a thread of the loop's pool; here and now when not inside a task.
 *
 * Suspends:  until it has run; a cancellation point before it begins, not after
 * Returns:   0: it ran, and op->result tells how it went
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EAGAIN when no thread could be made; BIDE_ENOMEM
 */
int bide__file_run(struct file_op *op);
/* The same, but not a cancellation point: what gives back.  If no thread can be had, it runs here. */
void bide__file_run_surely(struct file_op *op);

/* Inside a task that can be parked; elsewhere, calls block. */
bool bide__file_may_wait(void);

/*
 * After a result of -EMFILE or -ENFILE: wait a little, and tell whether to try again: 1; 0: it was something else, or
 * it has taken too long; or an interruption.
 */
int bide__file_wait_for_descriptor(ssize_t result, int *waited_ms);

/* "open a.json: Permission denied" on record; returns the code. */
int bide__file_fail(const char *what, const char *path, ssize_t code);

/* Write all of it, here and now; 0 or a code. */
int bide__write_fully(int fd, const char *data, size_t len, off_t offset);

/* ---- file.c, file_rw.c ---- */

struct bide_file {
    struct object object;
    int fd;
    bool is_watched;  /* a pipe or the like */
    bool is_seekable; /* then `position` is where it stands: io_uring forgets that of a write that was cut short */
    bool appends;
    off_t position;
    struct fd watch;
    char path[];
};

/* ---- file_uring.c ---- */

struct file_ring;
/* The loop's ring, made when it is needed first; NULL: the kernel refuses, or has none to give now. */
struct file_ring *bide__file_ring(bide_loop *loop);
/* Park until the kernel has done it; true.  false: nothing has begun. */
bool bide__file_ring_run(struct file_ring *r, struct file_op *op);

#endif
