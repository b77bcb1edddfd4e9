/* SPDX-License-Identifier: MIT */
/* file_path.c - files by name: rename, unlink, directories. */
#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file/file_op.h"
#include "io/file/file_put.h"

struct path_op {
    struct file_op op;
    const char *path, *to;
    char *copy; /* for make_dirs, which cuts it where a directory ends */
};

static int run_path(struct path_op *o, const char *what)
{
    int code = bide__file_run(&o->op);

    if (code < 0 || o->op.result >= 0)
        return code;
    return bide__file_fail(what, o->path, o->op.result);
}

static ssize_t rename_run(struct file_op *op)
{
    const struct path_op *o = container_of(op, struct path_op, op);

    return rename(o->path, o->to) < 0 ? -errno : 0;
}

static void rename_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    const struct path_op *o = container_of(op, struct path_op, op);

    io_uring_prep_renameat(sqe, AT_FDCWD, o->path, AT_FDCWD, o->to, 0);
}

int bide_rename(const char *from, const char *to)
{
    if (bide__is_null(from, __func__, "the old name"))
        return -EINVAL;
    if (bide__is_null(to, __func__, "the new name"))
        return -EINVAL;
    struct path_op o = {.op = {.run = rename_run, .prepare = rename_prepare},
                        .path = from, .to = to};
    int code = bide__file_run(&o.op);

    if (code < 0 || o.op.result >= 0)
        return code;
    code = (int)o.op.result;
    return bide_fail(code, "rename %s to %s: %s", from, to, bide_strerror(code));
}

static ssize_t unlink_run(struct file_op *op)
{
    return unlink(container_of(op, struct path_op, op)->path) < 0 ? -errno : 0;
}

static void unlink_prepare(const struct file_op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_unlinkat(sqe, AT_FDCWD, container_of(op, struct path_op, op)->path, 0);
}

int bide_unlink(const char *path)
{
    if (bide__is_null(path, __func__, "the name"))
        return -EINVAL;
    struct path_op o = {.op = {.run = unlink_run, .prepare = unlink_prepare}, .path = path};

    return run_path(&o, "unlink");
}

int bide__unlink_surely(const char *path)
{
    struct path_op o = {.op = {.run = unlink_run, .prepare = unlink_prepare}, .path = path};

    bide__file_run_surely(&o.op);
    return o.op.result >= 0 || o.op.result == -ENOENT ? 0 : bide__file_fail("unlink", path, o.op.result);
}

/* ---- what has a name ---- */

int bide__file_place(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
        return 0;
    return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
}

static ssize_t place_run(struct file_op *op)
{
    return bide__file_place(container_of(op, struct path_op, op)->path);
}

int bide__file_place_check(const char *path)
{
    struct path_op o = {.op.run = place_run, .path = path};
    int code = bide__file_run(&o.op);

    if (code < 0 || o.op.result >= 0)
        return code;
    return bide_fail((int)o.op.result, "%s is no regular file", path);
}

/* ---- mkdir -p ---- */

/* 0 if it is a directory now, also if another process has just made it. */
static int make_one(const char *path)
{
    struct stat st;

    if (mkdir(path, 0777) == 0)
        return 0;
    int code = -errno;
    if (code == -ENOENT)
        return code;
    if (stat(path, &st) < 0)
        return code;
    return S_ISDIR(st.st_mode) ? 0 : code == -EEXIST ? -ENOTDIR : code;
}

/* From the top down, each directory that is not there. */
static int make_each(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        int code = make_one(path);
        *p = '/';
        if (code < 0)
            return code;
    }
    return make_one(path);
}

/* Mostly only the last one is missing, or none. */
int bide__make_dirs(char *path)
{
    int code = make_one(path);

    return code == -ENOENT && path[0] ? make_each(path) : code;
}

static ssize_t make_dirs_run(struct file_op *op)
{
    return bide__make_dirs(container_of(op, struct path_op, op)->copy);
}

int bide_make_dirs(const char *path)
{
    if (bide__is_null(path, __func__, "the name"))
        return -EINVAL;
    struct path_op o = {.op.run = make_dirs_run, .path = path, .copy = bide__strdup(path)};
    if (!o.copy)
        return bide__fail_nomem("bide_make_dirs");

    int code = run_path(&o, "make directory");
    bide__free(o.copy);
    return code;
}
