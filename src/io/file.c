/* SPDX-License-Identifier: MIT */
/*
 * file.c - an open file.
 *
 * What may block for long without ever being done (a pipe, a terminal) does not belong into a thread: such a file is
 * opened non-blocking and watched by the loop, as sockets are.  Everything else is a struct file_op.
 *
 * Invariants:
 *   F1  a call that has begun is waited for: it may write into memory of the caller, or use the descriptor.
 *   F2  whoever reads or writes has a share of the file, so that its descriptor is not closed under the call.
 */
#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_op.h"

struct bide_file {
    struct object object;
    int fd;
    bool is_watched; /* a pipe or the like */
    struct fd watch;
    char path[];
};

/* ---- closing ---- */

struct close_op {
    struct file_op op;
    int fd;
};

static ssize_t close_run(struct file_op *op)
{
    /* Not again after EINTR: the descriptor is gone, and may be somebody else's by then. */
    return close(container_of(op, struct close_op, op)->fd) < 0 ? -errno : 0;
}

static void close_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_close(sqe, container_of(op, struct close_op, op)->fd);
}

static int close_fd(bide_file *f)
{
    struct close_op o = {.op = {.run = close_run, .prepare = close_prepare}, .fd = f->fd};
    if (f->fd < 0)
        return 0;

    if (f->is_watched && bide__fd_is_open(&f->watch))
        bide__fd_detach(&f->watch);
    f->fd = -1;
    bide__file_run_surely(&o.op);
    return o.op.result == -EINTR ? 0 : (int)o.op.result;
}

static void file_destroy(void *object)
{
    close_fd(object);
    bide__free(object);
}

static const struct object_type file_type = {.name = "file", .destroy = file_destroy};

int bide_file_close(bide_file *f)
{
    int code = 0;
    if (!f)
        return 0;

    if (f->object.refs == 1 && (code = close_fd(f)) < 0)
        bide__file_fail("close", f->path, code);
    bide__object_unref(f);
    return code;
}

/* ---- opening ---- */

struct open_op {
    struct file_op op;
    const char *path;
    int flags, mode;
};

static ssize_t open_run(struct file_op *op)
{
    struct open_op *o = container_of(op, struct open_op, op);
    int fd = open(o->path, o->flags, o->mode);

    return fd < 0 ? -errno : fd;
}

static void open_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    const struct open_op *o = container_of(op, struct open_op, op);

    io_uring_prep_openat(sqe, AT_FDCWD, o->path, o->flags, (mode_t)o->mode);
}

/* A descriptor or a code; an interruption is on record already. */
static int open_fd(struct open_op *o, bool *interrupted)
{
    int waited_ms = 0, again;

    do {
        int code = bide__file_run(&o->op);
        bool retry = code == 0 && o->op.result == -EINTR;
        again = code < 0 ? code : retry ? 1 : bide__file_wait_for_descriptor(o->op.result, &waited_ms);
    } while (again > 0);
    *interrupted = again < 0;
    return *interrupted ? again : (int)o->op.result;
}

/* Devices that cannot be polled (/dev/null, /dev/full) never block either. */
static bool may_block_for_ever(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int watch(bide_file *f)
{
    if (!bide__task_here() || !may_block_for_ever(f->fd))
        return 0;

    struct error_record unseen = {0}, *seen = bide__error_switch(&unseen);
    int code = bide__fd_open(&f->watch, f->fd);
    bide__error_switch(seen);
    if (code < 0)
        return code == -EPERM ? 0 : code;
    f->is_watched = true;
    return fcntl(f->fd, F_SETFL, fcntl(f->fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
}

static bide_file *file_new(const char *path)
{
    size_t len = strlen(path) + 1;
    bide_file *f = bide__malloc(sizeof *f + len);
    if (!f) {
        bide__fail_nomem("bide_open");
        return NULL;
    }
    *f = (bide_file){.fd = -1};
    bide__object_init(f, &file_type);
    memcpy(f->path, path, len);
    return f;
}

bide_file *bide_open_with(bide_open_args args)
{
    struct open_op o = {.op = {.run = open_run, .prepare = open_prepare},
                        .path = args.path,
                        .flags = args.flags | O_CLOEXEC,
                        .mode = args.mode ? args.mode : 0666};
    bool interrupted;
    bide_file *f = file_new(args.path);
    if (!f)
        return NULL;

    f->fd = open_fd(&o, &interrupted);
    int code = f->fd < 0 ? f->fd : watch(f);
    if (code >= 0)
        return f;
    if (!interrupted)
        bide__file_fail("open", args.path, code);
    bide__object_unref(f);
    return NULL;
}

/* ---- reading and writing ---- */

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

/* One call.  On a pipe or the like: try, and wait until the loop says that it is worth another try. */
static ssize_t try_watched(bide_file *f, struct rw_op *o, bool for_write)
{
    int code = 0;

    while (code >= 0) {
        o->op.result = o->op.run(&o->op);
        if (o->op.result != -EAGAIN)
            return 0;
        *(for_write ? &f->watch.writable : &f->watch.readable) = false;
        code = for_write ? bide__fd_wait_writable(&f->watch) : bide__fd_wait_readable(&f->watch);
    }
    return code;
}

/* The same, on any file; what has begun (to be written) is not ended early. */
static int try_rw(bide_file *f, struct rw_op *o, bool for_write, bool has_begun)
{
    if (f->is_watched && bide__task_here())
        return (int)try_watched(f, o, for_write);
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

ssize_t bide_file_read(bide_file *f, void *out, size_t cap, off_t offset)
{
    struct rw_op o = {.op = {.run = read_run, .prepare = read_prepare},
                      .fd = f->fd, .data = out, .len = cap, .offset = offset};

    bide_retain(f);
    ssize_t n = read_once(f, &o);
    bide_release(f);
    return n;
}

ssize_t bide_file_write(bide_file *f, const void *data, size_t len, off_t offset)
{
    struct rw_op o = {.op = {.run = write_run, .prepare = write_prepare},
                      .fd = f->fd, .data = (void *)(uintptr_t)data, .len = len, .offset = offset};

    bide_retain(f);
    ssize_t n = write_fully(f, &o);
    bide_release(f);
    return n;
}

int bide_file_sync(bide_file *f)
{
    struct rw_op o = {.op = {.run = sync_run, .prepare = sync_prepare}, .fd = f->fd};

    bide_retain(f);
    int code = bide__file_run(&o.op);
    if (code == 0 && o.op.result < 0)
        code = bide__file_fail("sync", f->path, o.op.result);
    bide_release(f);
    return code;
}
