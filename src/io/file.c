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
    return close(container_of(op, struct close_op, op)->fd) < 0 && errno != EINTR ? -errno : 0;
}

static int close_fd(bide_file *f)
{
    struct close_op o = {.op.run = close_run, .fd = f->fd};
    if (f->fd < 0)
        return 0;

    if (f->is_watched && bide__fd_is_open(&f->watch))
        bide__fd_detach(&f->watch);
    f->fd = -1;
    bide__file_run_surely(&o.op);
    return (int)o.op.result;
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
    mode_t type; /* of what was opened */
};

static ssize_t open_run(struct file_op *op)
{
    struct open_op *o = container_of(op, struct open_op, op);
    struct stat st;
    int fd;

    do
        fd = open(o->path, o->flags | O_CLOEXEC, o->mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return -errno;
    o->type = fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : S_IFREG;
    return fd;
}

/* A descriptor or a code; an interruption is on record already. */
static int open_fd(struct open_op *o, bool *interrupted)
{
    int waited_ms = 0, again;

    do {
        int code = bide__file_run(&o->op);
        again = code < 0 ? code : bide__file_wait_for_descriptor(o->op.result, &waited_ms);
    } while (again > 0);
    *interrupted = again < 0;
    return *interrupted ? again : (int)o->op.result;
}

/* Devices that cannot be polled (/dev/null, /dev/full) never block either. */
static int watch(bide_file *f, mode_t type)
{
    bool may_block = S_ISFIFO(type) || S_ISCHR(type) || S_ISSOCK(type);
    if (!may_block || !bide__task_here())
        return 0;

    struct error_record unseen = {0}, *seen = bide__error_switch(&unseen);
    int code = bide__fd_open(&f->watch, f->fd);
    bide__error_switch(seen);
    if (code == -EPERM)
        return 0;
    if (code < 0)
        return code;
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
    struct open_op o = {.op.run = open_run, .path = args.path, .flags = args.flags, .mode = args.mode ? args.mode : 0666};
    bool interrupted;
    bide_file *f = file_new(args.path);
    if (!f)
        return NULL;

    f->fd = open_fd(&o, &interrupted);
    int code = f->fd < 0 ? f->fd : watch(f, o.type);
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
    struct rw_op *o = container_of(op, struct rw_op, op);
    ssize_t n;

    do
        n = o->offset < 0 ? read(o->fd, o->data, o->len) : pread(o->fd, o->data, o->len, o->offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t write_run(struct file_op *op)
{
    struct rw_op *o = container_of(op, struct rw_op, op);
    int code = bide__write_fully(o->fd, o->data, o->len, o->offset);

    return code < 0 ? code : (ssize_t)o->len;
}

static ssize_t sync_run(struct file_op *op)
{
    return fsync(container_of(op, struct rw_op, op)->fd) < 0 ? -errno : 0;
}

/* On a pipe or the like: try, and wait until the loop says that it is worth another try. */
static ssize_t watched_read(bide_file *f, struct rw_op *o)
{
    for (;;) {
        ssize_t n = read_run(&o->op);
        if (n != -EAGAIN)
            return n < 0 ? bide__file_fail("read", f->path, n) : n;
        f->watch.readable = false;
        int code = bide__fd_wait_readable(&f->watch);
        if (code < 0)
            return code;
    }
}

static ssize_t watched_write(bide_file *f, struct rw_op *o)
{
    size_t done = 0;

    while (done < o->len) {
        ssize_t n = write(o->fd, (const char *)o->data + done, o->len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            f->watch.writable = false;
            int code = bide__fd_wait_writable(&f->watch);
            if (code < 0)
                return code;
        } else if (errno != EINTR) {
            return bide__file_fail("write", f->path, -errno);
        }
    }
    return (ssize_t)done;
}

static ssize_t run_rw(bide_file *f, struct rw_op *o, const char *what)
{
    bide_retain(f);
    int code = bide__file_run(&o->op);
    ssize_t result = code < 0 ? code : o->op.result;
    if (code == 0 && result < 0)
        bide__file_fail(what, f->path, result);
    bide_release(f);
    return result;
}

ssize_t bide_file_read(bide_file *f, void *out, size_t cap, off_t offset)
{
    struct rw_op o = {.op.run = read_run, .fd = f->fd, .data = out, .len = cap, .offset = offset};

    return f->is_watched && bide__task_here() ? watched_read(f, &o) : run_rw(f, &o, "read");
}

ssize_t bide_file_write(bide_file *f, const void *data, size_t len, off_t offset)
{
    /* The cast: what is written is not changed. */
    struct rw_op o = {.op.run = write_run, .fd = f->fd, .data = (void *)(uintptr_t)data, .len = len, .offset = offset};

    return f->is_watched && bide__task_here() ? watched_write(f, &o) : run_rw(f, &o, "write");
}

int bide_file_sync(bide_file *f)
{
    struct rw_op o = {.op.run = sync_run, .fd = f->fd};

    return (int)run_rw(f, &o, "sync");
}
