/* SPDX-License-Identifier: MIT */
/*
 * file_put.c - large pieces into a file: written here while the file system takes them at once, else handed over.
 *
 * A buffered write is a copy into the page cache, a third of a millisecond for a mebibyte; handing it to a thread or to io_uring
 * (which hands it to a worker of the kernel) costs as much again.  But a disk that is behind makes a writer wait, and then no
 * other task may: so a write that took long sends those behind it to a thread, until they are quick again.
 *
 *     pipe --splice--> file        what was spliced from a socket: see bide__stream_splice
 *     memory --write--> file
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/file/file_op.h"
#include "io/file/file_put.h"

#define SLOW_NS   2000000 /* a piece for which the disk is waited for so long holds up the others */
#define SLOW_PIECES 16    /* that are handed over behind it */

struct put_op {
    struct file_op op;
    const bide_file *file;
    int pipe; /* -1: from data */
    const char *data;
    size_t len;
    off_t offset;
    bool was_slow;
};

static ssize_t put_some(const struct put_op *o, size_t done)
{
    off_t at = o->offset < 0 ? -1 : o->offset + (off_t)done;
    ssize_t n;

    if (o->pipe < 0)
        return bide__write_fully(o->file->fd, o->data + done, o->len - done, at) ?: (ssize_t)(o->len - done);
    do
        n = splice(o->pipe, NULL, o->file->fd, at < 0 ? NULL : &at, o->len - done, SPLICE_F_MOVE);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n == 0 ? -EIO : n;
}

/* How often this thread has waited.  One that lost the processor to others has not: then the disk is not slow. */
static long waits(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

/* All of it: 0, or a negated errno value; how much was put then is in len. */
static ssize_t put_run(struct file_op *op)
{
    struct put_op *o = container_of(op, struct put_op, op);
    int64_t began = bide__clock_ns();
    long waited = waits();
    struct quiet quiet;
    size_t done = 0;
    ssize_t n = 0;

    if (o->file->is_limited)
        bide__quiet_begin(&quiet);
    while (done < o->len && (n = put_some(o, done)) > 0)
        done += (size_t)n;
    if (o->file->is_limited)
        bide__quiet_end(&quiet, n);
    o->len = done;
    o->was_slow = bide__clock_ns() - began > SLOW_NS && waits() > waited;
    return n < 0 ? n : 0;
}

static int put(bide_file *f, struct put_op *o)
{
    int code = 0;

    o->op.run = put_run;
    o->file = f;
    o->offset = f->is_seekable && !f->appends ? f->position : -1;
    if (f->slow_pieces == 0 || !bide__file_may_wait())
        o->op.result = put_run(&o->op);
    else
        code = bide__file_run(&o->op);
    if (code < 0)
        return code;
    f->slow_pieces = o->was_slow ? SLOW_PIECES : f->slow_pieces > 0 ? f->slow_pieces - 1 : 0;
    f->position += (off_t)o->len;
    return o->op.result < 0 ? bide__file_fail("write", f->path, o->op.result) : 0;
}

bool bide__file_takes_splice(const bide_file *f)
{
    return !f->is_watched && !f->appends;
}

int bide__file_put(bide_file *f, const void *data, size_t len)
{
    struct put_op o = {.pipe = -1, .data = data, .len = len};
    ssize_t n = f->is_watched ? bide_file_write(f, data, len, -1) : put(f, &o);

    return n < 0 ? (int)n : 0;
}

int bide__file_put_from(bide_file *f, int pipe, size_t len)
{
    struct put_op o = {.pipe = pipe, .len = len};

    return put(f, &o);
}

int64_t bide__file_end(bide_file *f)
{
    off_t end = lseek(f->fd, 0, SEEK_END);
    if (end < 0)
        return bide__file_fail("seek in", f->path, -errno);

    f->position = end;
    return end;
}
