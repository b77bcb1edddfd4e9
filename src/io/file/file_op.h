/* SPDX-License-Identifier: MIT */
/* file_op.h - one call to the file system, wherever it is made: shared by the files file*.c. */
#ifndef BIDE_IO_FILE_OP_H
#define BIDE_IO_FILE_OP_H

#include <signal.h>

#include <bide/file.h>

#include "io/poll/poll.h"

struct io_uring_sqe;

/*
 * A system call, or several, made in a place where it may block.  It results in what the call returns, or in a negated
 * errno value, and says nothing to the error record: the task that waits does.
 *
 *     task: a struct with a file_op in it --> prepare: the loop's ring --> kernel ----.
 *       |  ^                            '---> run: in a thread of the loop's ---------|
 *       |  |                            '---> run: here and now, outside of a task    |
 *       |  '----------------------- result, and the task goes on <--------------------'
 *       '-- parked until then, for the op lies in its frame
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
 * Returns:   0: it ran, and op->result says how it went
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EAGAIN when no thread could be made; BIDE_ENOMEM
 */
int bide__file_run(struct file_op *op);
/* The same, but not a cancellation point: what gives back.  If no thread can be had, it runs here. */
void bide__file_run_surely(struct file_op *op);

/* Inside a task that can be parked; elsewhere, calls block. */
bool bide__file_may_wait(void);

/*
 * After a result of -EMFILE or -ENFILE: wait a little.  1: try again; 0: it was something else, or
 * it has taken too long; or an interruption.
 */
int bide__file_wait_for_descriptor(ssize_t result, int *waited_ms);
/* bide__file_run, again as long as that says so: for one that may be run twice as it is. */
int bide__file_run_with_descriptor(struct file_op *op);

/* "open a.json: Permission denied" on record; returns the code. */
int bide__file_fail(const char *what, const char *path, ssize_t code);

/* Write all of it, here and now; 0 or a code. */
int bide__write_fully(int fd, const char *data, size_t len, off_t offset);

/* Is there a limit (ulimit -f)?  Asked once: it is the shell that sets it. */
bool bide__file_size_is_limited(void);

/* ---- file_path.c ---- */

/* mkdir -p; path is cut meanwhile.  Like all of file_beneath.c: here and now, a negated errno value on failure. */
int bide__make_dirs(char *path);

/* ---- file_beneath.c: names below a directory; what leads out of it is -EXDEV or -ELOOP ---- */

/* A descriptor; flags as for open(2). */
int bide__open_beneath(int root, const char *path, int flags, mode_t mode);
/* The same of a directory, with O_PATH, for systems without openat2: no link is followed. */
int bide__walk_beneath(int root, const char *path);
/* mkdir -p; path is cut meanwhile. */
int bide__make_dirs_beneath(int root, char *path);

/* ---- file.c, file_rw.c ---- */

struct save;

struct bide_file {
    struct object object;
    bide_loop *loop;   /* a share of the one that ran here when it was opened; NULL: none did */
    unsigned process;  /* bide__process then */
    int fd;
    bool is_watched;  /* a pipe or the like */
    bool is_limited;  /* in size, by ulimit -f: the kernel sends a signal then */
    bool is_seekable; /* then `position` is where it stands: io_uring forgets that of a write that was cut short */
    bool appends;
    uint8_t slow_pieces; /* that bide__file_put hands over, because one took long */
    off_t position;
    struct save *save; /* it is new, and gets its name when it is closed; else NULL */
    void *extra;       /* behind path, in the same block */
    struct fd watch;
    char path[];
};

/* May a function be called here for this file?  As bide__loop_check; without a loop any thread may, in this process. */
int bide__file_check(const bide_file *f, const char *function);

/* One that is not open, and so many bytes more; BIDE_ENOMEM on record. */
bide_file *bide__file_new(const char *path, size_t extra);

/*
 * A descriptor that is open already, under this name in messages; taken, also on failure.  A pipe or the like that can be
 * watched becomes non-blocking, as seen by all who have it; *was_blocking: it was not before.  NULL: an error on record.
 */
bide_file *bide__file_over(int fd, const char *name, bool *was_blocking);

/* ---- file_atomic.c ---- */

/* Where a symbolic link leads; to be freed by free().  NULL: an error on record. */
char *bide__file_real_path(const char *path);

bide_file *bide__file_open_atomic(const bide_open_args *args);
/* Give it its name: 0, or an error on record.  Not a cancellation point. */
int bide__file_complete(bide_file *f);
/* What is not complete goes. */
void bide__file_drop(bide_file *f);

/* ---- file_whole.c ---- */

/* bide_file_write_all for what only the owner of the file may read (0600), and the disk has when it returns. */
int bide__file_write_secret(const char *path, const void *data, size_t len);

/* ---- file_uring.c ---- */

struct file_ring;
/* The loop's ring, made when it is needed first; NULL: the kernel refuses, or has none to give now. */
struct file_ring *bide__file_ring(bide_loop *loop);
/* Park until the kernel has done it; true.  false: nothing has begun. */
bool bide__file_ring_run(struct file_ring *r, struct file_op *op);

#endif
