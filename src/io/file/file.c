/* SPDX-License-Identifier: MIT */
/*
 * file.c - an open file: opening and closing it; file_rw.c reads and writes it.
 *
 * What may block forever (a pipe, a terminal) would keep a thread forever, and could not be cancelled: such a file is
 * opened non-blocking and watched by the loop, as sockets are.  Everything else is a struct file_op.
 *
 * Invariants:
 *   F1  a call that has begun is waited for: it may write into memory of the caller, or use the descriptor.
 *   F2  a task that reads or writes has a share of the file, so that its descriptor is not closed under the call.
 *   F3  in a child of fork() a file of the parent is closed, and nothing else: what is not complete stays the parent's.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file/file_op.h"

#define READER_RETRY_MS 20

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

static bool is_inherited(const bide_file *f)
{
    return f->process != bide__process;
}

static void file_destroy(void *object)
{
    bide_file *f = object;
    bide_loop *loop = f->loop;

    if (f->save && !is_inherited(f))
        bide__file_drop(f);
    close_fd(f);
    bide__object_free(object);
    if (loop)
        bide__object_unref(loop);
}

static void file_release(void *object)
{
    const bide_file *f = object;

    if (!f->loop || !bide__release_is_refused(f->loop, "bide_release of a file"))
        bide__object_unref(object);
}

static const struct object_type file_type = {.name = "file", .destroy = file_destroy, .release = file_release};

int bide__file_check(const bide_file *f, const char *function)
{
    if (is_inherited(f))
        return bide__inherited(function);
    return f->loop ? bide__loop_check(f->loop, function) : 0;
}

int bide_file_close(bide_file *f)
{
    int code = f ? bide__file_check(f, __func__) : 0;
    if (!f || (code < 0 && !is_inherited(f)))
        return code;

    if (code < 0)
        ; /* the child's descriptor goes */
    else if (f->save)
        code = bide__file_complete(f);
    else if (f->object.refs == 1 && (code = close_fd(f)) < 0)
        bide__file_fail("close", f->path, code);
    bide__object_unref(f);
    return code;
}

/* ---- opening ---- */

struct open_op {
    struct file_op op;
    const char *path;
    int flags, mode;
    int beneath; /* 0: a path like any other */
    bool parents;
};

static int open_once(const struct open_op *o)
{
    if (o->beneath)
        return bide__open_beneath(o->beneath, o->path, o->flags, (mode_t)o->mode);

    int fd = open(o->path, o->flags, o->mode);
    return fd < 0 ? -errno : fd;
}

static int make_parents(const struct open_op *o)
{
    const char *slash = strrchr(o->path, '/');
    char *directory = slash && slash > o->path ? bide__strndup(o->path, (size_t)(slash - o->path)) : NULL;
    if (!directory)
        return slash && slash > o->path ? BIDE_ENOMEM : 0;

    int code = o->beneath ? bide__make_dirs_beneath(o->beneath, directory) : bide__make_dirs(directory);
    bide__free(directory);
    return code;
}

static ssize_t open_run(struct file_op *op)
{
    struct open_op *o = container_of(op, struct open_op, op);
    int fd = open_once(o);

    if (fd == -ENOENT && o->parents && o->flags & O_CREAT) {
        int code = make_parents(o);
        fd = code < 0 ? code : open_once(o);
    }
    return fd;
}

static void open_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    const struct open_op *o = container_of(op, struct open_op, op);

    io_uring_prep_openat(sqe, AT_FDCWD, o->path, o->flags, (mode_t)o->mode);
}

/* A pipe that nobody reads yet: open(2) would wait for a reader.  1: try again; 0: it is not that; or an interruption. */
static int wait_for_reader(const struct open_op *o, int user_flags)
{
    struct stat st;
    bool would_wait = o->op.result == -ENXIO && !(user_flags & O_NONBLOCK) && bide__file_may_wait();
    if (!would_wait || stat(o->path, &st) < 0 || !S_ISFIFO(st.st_mode))
        return 0;

    int code = bide_sleep_ms(READER_RETRY_MS);
    return code < 0 ? code : 1;
}

/* EAGAIN: somebody holds a lease on the file, and open(2) would wait until it is given back. */
static int try_again(struct open_op *o, int user_flags, int *waited_ms)
{
    bool is_leased = o->op.result == -EAGAIN && (o->flags & O_NONBLOCK) && !(user_flags & O_NONBLOCK);

    if (is_leased) {
        o->flags &= ~O_NONBLOCK;
        o->op.prepare = NULL;
    }
    if (is_leased || o->op.result == -EINTR)
        return 1;
    int again = wait_for_reader(o, user_flags);
    return again != 0 ? again : bide__file_wait_for_descriptor(o->op.result, waited_ms);
}

/* A descriptor or a code; an interruption is on record already. */
static int open_fd(struct open_op *o, bool *interrupted)
{
    int waited_ms = 0, user_flags = o->flags, again;

    /* Non-blocking, so that a pipe without a partner or a modem without a line does not keep a thread forever. */
    if (bide__file_may_wait())
        o->flags |= O_NONBLOCK;
    do {
        again = bide__file_run(&o->op);
        if (again == 0)
            again = try_again(o, user_flags, &waited_ms);
    } while (again > 0);
    *interrupted = again < 0;
    return *interrupted ? again : (int)o->op.result;
}

static bool may_block_for_ever(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int set_nonblocking(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL), wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

    return wanted == flags || fcntl(fd, F_SETFL, wanted) == 0 ? 0 : -errno;
}

/* Devices that cannot be polled (/dev/null, /dev/full) do not block. */
static int watch(bide_file *f, int user_flags)
{
    int code = -EPERM;
    if (!bide__file_may_wait())
        return 0;

    if (may_block_for_ever(f->fd)) {
        struct error_mark mark;
        bide__error_mark(&mark);
        code = bide__fd_open(&f->watch, f->fd);
        bide__error_restore(&mark);
    }
    f->is_watched = code == 0;
    if (code < 0 && code != -EPERM)
        return code;
    return set_nonblocking(f->fd, f->is_watched || user_flags & O_NONBLOCK);
}

bide_file *bide__file_new(const char *path, size_t extra)
{
    size_t len = strlen(path) + 1, alignment = alignof(max_align_t);
    size_t before_extra = (sizeof(bide_file) + len + alignment - 1) / alignment * alignment;
    bide_file *f = bide__object_alloc(before_extra + extra);
    if (!f) {
        bide__fail_nomem("bide_open");
        return NULL;
    }
    bide__run_init(); /* watches for forks */
    *f = (bide_file){.fd = -1, .extra = (char *)f + before_extra, .process = bide__process};
    if (bide__loop_here)
        f->loop = bide_retain(bide__loop_here);
    bide__object_init(f, &file_type);
    memcpy(f->path, path, len);
    return f;
}

bide_file *bide_open_with(const bide_open_args *options)
{
    bide_open_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_open") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_open") < 0 || bide__is_null(args.path, "bide_open", "the path"))
        return NULL;
    if (args.mode & ~07777) {
        bide_fail(-EINVAL, "bide_open %s: mode 0%o is not 0 to 07777", args.path, (unsigned)args.mode);
        return NULL;
    }
    bool is_one_call = !args.beneath && !args.parents;
    struct open_op o = {.op = {.run = open_run, .prepare = is_one_call ? open_prepare : NULL},
                        .path = args.path,
                        .flags = args.flags | O_CLOEXEC,
                        .mode = args.mode ? args.mode : 0666,
                        .beneath = args.beneath,
                        .parents = args.parents};
    bool interrupted;
    if (args.atomic)
        return bide__file_open_atomic(&args);
    bide_file *f = bide__file_new(args.path, 0);
    if (!f)
        return NULL;

    f->fd = open_fd(&o, &interrupted);
    f->is_limited = (args.flags & O_ACCMODE) != O_RDONLY && bide__file_size_is_limited();
    f->appends = args.flags & O_APPEND;
    f->is_seekable = f->fd >= 0 && lseek(f->fd, 0, SEEK_CUR) >= 0;
    int code = f->fd < 0 ? f->fd : watch(f, args.flags);
    if (code >= 0)
        return f;
    if (!interrupted)
        bide__file_fail("open", args.path, code);
    bide__object_unref(f);
    return NULL;
}

bide_file *bide__file_over(int fd, const char *name, bool *was_blocking)
{
    int flags = fcntl(fd, F_GETFL);
    bide_file *f = bide__file_new(name, 0);
    if (!f) {
        close(fd);
        return NULL;
    }

    f->fd = fd;
    f->is_seekable = lseek(fd, 0, SEEK_CUR) >= 0;
    int code = watch(f, flags);
    *was_blocking = f->is_watched && !(flags & O_NONBLOCK);
    if (code >= 0 || code == -EPERM)
        return f;
    bide__file_fail("open", name, code);
    bide__object_unref(f);
    return NULL;
}
