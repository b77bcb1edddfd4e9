/* SPDX-License-Identifier: MIT */
/*
 * copy.c - a regular file copied by the kernel: its blocks shared, or else copy_file_range, or else through memory.
 *
 * The new file has no name before it is whole (file_atomic.c); it is filled in pieces, so that a task may be cancelled in between.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bide/path.h>

#include "io/file/file_op.h"

#define PIECE (16 << 20)
#define MEMORY (64 << 10)

struct copy_op {
    struct file_op op;
    int from, to;
    off_t done;       /* bytes, from the beginning of both */
    bool by_memory;   /* the kernel does not copy between these two */
    char *memory;
};

static bool is_refused(int code)
{
    return code == -EXDEV || code == -ENOSYS || code == -EINVAL || code == -EOPNOTSUPP || code == -EPERM || code == -EIO;
}

static ssize_t copy_in_kernel(struct copy_op *o)
{
    off_t from = o->done, to = o->done;
    ssize_t n = copy_file_range(o->from, &from, o->to, &to, PIECE, 0);

    return n < 0 ? -errno : n;
}

static ssize_t copy_by_memory(struct copy_op *o)
{
    ssize_t sum = 0, n = 1;

    while (sum < PIECE && n > 0) {
        n = pread(o->from, o->memory, MEMORY, o->done + sum);
        if (n < 0)
            return -errno;
        int code = bide__write_fully(o->to, o->memory, (size_t)n, o->done + sum);
        if (code < 0)
            return code;
        sum += n;
    }
    return sum;
}

/* The next piece: how many bytes; 0: that was all.  Nothing at the beginning may be a file that says no size (/proc). */
static ssize_t copy_run(struct file_op *op)
{
    struct copy_op *o = container_of(op, struct copy_op, op);
    ssize_t n = 0;

    if (o->done == 0 && ioctl(o->to, FICLONE, o->from) == 0)
        return 0;
    if (!o->by_memory) {
        n = copy_in_kernel(o);
        o->by_memory = o->done == 0 && (n == 0 || is_refused((int)n));
    }
    if (o->by_memory)
        n = copy_by_memory(o);
    o->done += n > 0 ? n : 0;
    return n;
}

static int copy_all(bide_file *from, bide_file *to)
{
    struct copy_op o = {.op.run = copy_run, .from = from->fd, .to = to->fd, .memory = bide__malloc(MEMORY)};
    int code = o.memory ? 0 : bide__fail_nomem("bide_copy_file");

    do {
        if (code == 0)
            code = bide__file_run(&o.op);
    } while (code == 0 && (o.op.result > 0 || o.op.result == -EINTR));
    bide__free(o.memory);
    if (code == 0 && o.op.result < 0)
        code = bide_fail((int)o.op.result, "copy %s to %s: %s", from->path, to->path, bide_strerror((int)o.op.result));
    return code;
}

int bide_copy_file(const char *from, const char *to)
{
    struct stat st;
    if (bide__is_null(from, __func__, "the old name") || bide__is_null(to, __func__, "the new name"))
        return -EINVAL;
    int code = bide_stat(from, &st);
    if (code < 0)
        return code;
    if (!S_ISREG(st.st_mode)) /* looked at before it is opened: a pipe would wait */
        return bide_fail(S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL, "copy %s: it is no regular file", from);
    bide_auto bide_file *in = bide_open(from);
    bide_auto bide_file *out = in ? bide_open(to, .flags = O_WRONLY, .atomic = true, .mode = (int)(st.st_mode & 0777)) : NULL;
    if (!out)
        return bide_error_code();

    code = copy_all(in, out);
    return code < 0 ? code : bide_file_close(bide_take(out));
}
