/* SPDX-License-Identifier: MIT */
/*
 * file_rw.c - reading and writing an open file.
 *
 * One call after the other until all is done: in the kernel or a thread, or, on a file that the loop watches, whenever the
 * loop says that it is worth a try.
 */
#include <liburing.h>
#include <unistd.h>

#include "io/file/file_op.h"

struct rw_op {
    struct file_op op;
    int fd;
    void *data;
    size_t len;
    off_t offset;
};

static ssize_t read_run(struct file_op *op)
{
    const struct rw_op *o = container_of(op, struct rw_op, op);
    ssize_t n = o->offset < 0 ? read(o->fd, o->data, o->len) : pread(o->fd, o->data, o->len, o->offset);

    return n < 0 ? -errno : n;
}

static ssize_t write_run(struct file_op *op)
{
    const struct rw_op *o = container_of(op, struct rw_op, op);
    ssize_t n = o->offset < 0 ? write(o->fd, o->data, o->len) : pwrite(o->fd, o->data, o->len, o->offset);

    return n < 0 ? -errno : n;
}

/* A pipe that nobody reads any more, and a limited file, are errors, not the end of the program. */
static ssize_t quiet_write_run(struct file_op *op)
{
    struct quiet quiet;

    bide__quiet_begin(&quiet);
    ssize_t n = write_run(op);
    bide__quiet_end(&quiet, n);
    return n;
}

static ssize_t sync_run(struct file_op *op)
{
    return fsync(container_of(op, struct rw_op, op)->fd) < 0 ? -errno : 0;
}

/* No call takes more than INT_MAX bytes. */
static unsigned ring_len(const struct rw_op *o)
{
    return o->len < INT32_MAX ? (unsigned)o->len : INT32_MAX;
}

static void read_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    const struct rw_op *o = container_of(op, struct rw_op, op);

    io_uring_prep_read(sqe, o->fd, o->data, ring_len(o), o->offset < 0 ? (uint64_t)-1 : (uint64_t)o->offset);
}

static void write_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    const struct rw_op *o = container_of(op, struct rw_op, op);

    io_uring_prep_write(sqe, o->fd, o->data, ring_len(o), o->offset < 0 ? (uint64_t)-1 : (uint64_t)o->offset);
}

static void sync_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_fsync(sqe, container_of(op, struct rw_op, op)->fd, 0);
}

/*
 * One call, on a pipe or the like, when the loop says that it is worth a try.  (Reading a pipe that no writer has opened
 * yet would look like its end.)
 */
static int try_watched(bide_file *f, struct rw_op *o, bool for_write)
{
    for (;;) {
        int code = bide__fd_yield_if_over_budget(&f->watch);
        if (code == 0)
            code = for_write ? bide__fd_wait_writable(&f->watch) : bide__fd_wait_readable(&f->watch);
        if (code < 0)
            return code;
        o->op.result = o->op.run(&o->op);
        if (o->op.result > 0)
            bide__fd_spend(&f->watch, (size_t)o->op.result);
        if (o->op.result != -EAGAIN)
            return 0;
        *(for_write ? &f->watch.writable : &f->watch.readable) = false;
    }
}

/* The same, on any file; what has begun (to be written) is not ended early. */
static int try_rw(bide_file *f, struct rw_op *o, bool for_write, bool has_begun)
{
    if (f->is_watched && bide__file_may_wait())
        return try_watched(f, o, for_write);
    if (!has_begun)
        return bide__file_run(&o->op);
    bide__file_run_surely(&o->op);
    return 0;
}

static ssize_t read_once(bide_file *f, struct rw_op *o)
{
    int code;

    do
        code = try_rw(f, o, false, false);
    while (code == 0 && o->op.result == -EINTR);
    return code < 0 ? code : o->op.result < 0 ? bide__file_fail("read", f->path, o->op.result) : o->op.result;
}

static ssize_t write_fully(bide_file *f, struct rw_op *o)
{
    size_t all = o->len;

    while (o->len > 0) {
        int code = try_rw(f, o, true, o->len < all);
        ssize_t n = o->op.result;
        if (code < 0)
            return code;
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return bide__file_fail("write", f->path, n < 0 ? n : -EIO);
        o->data = (char *)o->data + n;
        o->len -= (size_t)n;
        o->offset = o->offset < 0 ? o->offset : o->offset + n;
    }
    return (ssize_t)all;
}

static bool is_at_position(const bide_file *f, off_t offset)
{
    return offset < 0 && f->is_seekable;
}

/*
 * Who works where the file stands claims his part of it before he waits, so that two tasks never have the same one.
 * Afterwards the file stands where he really came to, unless somebody has claimed what follows; beyond the end of the
 * file there is nothing to claim.
 */
static void settle_position(bide_file *f, off_t claimed_to, off_t came_to, bool is_at_end)
{
    if (f->position == claimed_to || (is_at_end && f->position > came_to))
        f->position = came_to;
}

ssize_t bide_file_read(bide_file *f, void *out, size_t cap, off_t offset)
{
    if (bide__is_null(f, __func__, "the file"))
        return -EINVAL;
    if (cap > 0 && bide__is_null(out, __func__, "the memory to read into"))
        return -EINVAL;
    if (offset < -1)
        return bide_fail(-EINVAL, "%s: the offset is %lld; -1 is where the file stands", __func__, (long long)offset);
    int bad = bide__file_check(f, __func__);
    if (bad < 0)
        return bad;
    struct rw_op o = {.op = {.run = read_run, .prepare = read_prepare},
                      .fd = f->fd,
                      .data = out,
                      .len = cap < INT32_MAX ? cap : INT32_MAX,
                      .offset = is_at_position(f, offset) ? f->position : offset};
    off_t end = o.offset + (off_t)o.len;

    bide_retain(f);
    if (is_at_position(f, offset))
        f->position = end;
    ssize_t n = read_once(f, &o);
    if (is_at_position(f, offset))
        settle_position(f, end, o.offset + (n > 0 ? n : 0), n >= 0 && (size_t)n < o.len);
    bide_release(f);
    return n;
}

ssize_t bide_file_write(bide_file *f, const void *data, size_t len, off_t offset)
{
    if (bide__is_null(f, __func__, "the file"))
        return -EINVAL;
    if (len > 0 && bide__is_null(data, __func__, "what to write"))
        return -EINVAL;
    if (offset < -1)
        return bide_fail(-EINVAL, "%s: the offset is %lld; -1 is where the file stands", __func__, (long long)offset);
    int bad = bide__file_check(f, __func__);
    if (bad < 0)
        return bad;
    bool may_signal = !f->is_seekable || f->is_limited;
    struct rw_op o = {.op = {.run = may_signal ? quiet_write_run : write_run, .prepare = may_signal ? NULL : write_prepare},
                      .fd = f->fd,
                      .data = (void *)(uintptr_t)data, /* it is only read */
                      .len = len,
                      .offset = is_at_position(f, offset) ? f->position : offset};
    off_t end = o.offset + (off_t)len;

    bide_retain(f);
    if (is_at_position(f, offset))
        f->position = end;
    ssize_t n = write_fully(f, &o);
    if (is_at_position(f, offset) && f->appends)
        f->position = lseek(f->fd, 0, SEEK_END);
    else if (is_at_position(f, offset))
        settle_position(f, end, o.offset, false);
    bide_release(f);
    return n;
}

int bide_file_sync(bide_file *f)
{
    if (bide__is_null(f, __func__, "the file"))
        return -EINVAL;
    struct rw_op o = {.op = {.run = sync_run, .prepare = sync_prepare}, .fd = f->fd};
    int code = bide__file_check(f, __func__);
    if (code < 0)
        return code;

    bide_retain(f);
    do
        code = bide__file_run(&o.op);
    while (code == 0 && o.op.result == -EINTR);
    if (code == 0 && o.op.result < 0)
        code = bide__file_fail("sync", f->path, o.op.result);
    bide_release(f);
    return code;
}
