/* SPDX-License-Identifier: MIT */
/* file_op.h - one call to the file system, wherever it is made: shared by the files file*.c. */
#ifndef BIDE_IO_FILE_OP_H
#define BIDE_IO_FILE_OP_H

#include "io/io.h"

/*
 * A system call, or several, made by run() in a place where it may block.  It returns what the call does, or a negated
 * errno value, and says nothing to the error record: the task that waits does.
 */
struct file_op {
    ssize_t (*run)(struct file_op *op);
    ssize_t result;
};

/*
 * Have it run: in a thread of the loop's pool, or here and now when not inside a task.
 *
 * Suspends:  until it has run; a cancellation point before it begins, not after
 * Returns:   0: it ran, and op->result tells how it went
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EAGAIN when no thread could be made; BIDE_ENOMEM
 */
int bide__file_run(struct file_op *op);
/* The same, but not a cancellation point: what gives back.  If no thread can be had, it runs here. */
void bide__file_run_surely(struct file_op *op);

/* May a wait for a free descriptor help?  Waits a little and returns 1; 0: no, or for too long; or an interruption. */
int bide__file_wait_for_descriptor(ssize_t result, int *waited);

/* "open a.json: Permission denied" on record; returns the code.  `what` may name two paths itself. */
int bide__file_fail(const char *what, const char *path, ssize_t code);

/* Write all of it; 0 or a code. */
int bide__write_fully(int fd, const char *data, size_t len, off_t offset);

#endif
