/* SPDX-License-Identifier: MIT */
/* names.c - one system call on a name, in a thread: stat, truncate, chmod, links, rmdir; and temporary names. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <bide/path.h>

#include "io/file/file_op.h"

struct name_op {
    struct file_op op;
    const char *path, *other;
    void *out;
    int64_t number;
};

/* The name that is said in a message is `path`. */
static int run(struct name_op *o, const char *what, const char *function)
{
    if (bide__is_null(o->path, function, "the path"))
        return -EINVAL;
    int code = bide__file_run(&o->op);

    return code < 0 || o->op.result >= 0 ? code : bide__file_fail(what, o->path, o->op.result);
}

static struct name_op *of(struct file_op *op)
{
    return container_of(op, struct name_op, op);
}

static ssize_t code_of(int result)
{
    return result < 0 ? -errno : result;
}

static ssize_t stat_run(struct file_op *op)
{
    return code_of(stat(of(op)->path, of(op)->out));
}

int bide_stat(const char *path, struct stat *out)
{
    struct name_op o = {.op.run = stat_run, .path = path, .out = out};

    return bide__is_null(out, __func__, "the result") ? -EINVAL : run(&o, "stat", __func__);
}

static ssize_t lstat_run(struct file_op *op)
{
    return code_of(lstat(of(op)->path, of(op)->out));
}

int bide_lstat(const char *path, struct stat *out)
{
    struct name_op o = {.op.run = lstat_run, .path = path, .out = out};

    return bide__is_null(out, __func__, "the result") ? -EINVAL : run(&o, "stat", __func__);
}

static ssize_t truncate_run(struct file_op *op)
{
    return code_of(truncate(of(op)->path, of(op)->number));
}

/* Beyond the limit of a file's size there is a signal, unless it is blocked. */
static ssize_t truncate_quietly(struct file_op *op)
{
    struct quiet quiet;

    bide__quiet_begin(&quiet);
    ssize_t code = truncate_run(op);
    bide__quiet_end(&quiet, code);
    return code;
}

int bide_truncate(const char *path, int64_t size)
{
    struct name_op o = {.op.run = truncate_quietly, .path = path, .number = size};

    return run(&o, "truncate", __func__);
}

static ssize_t chmod_run(struct file_op *op)
{
    return code_of(chmod(of(op)->path, (mode_t)of(op)->number));
}

int bide_chmod(const char *path, unsigned mode)
{
    struct name_op o = {.op.run = chmod_run, .path = path, .number = mode};
    if (mode & ~07777u)
        return bide_fail(-EINVAL, "bide_chmod %s: mode 0%o is not 0 to 07777", path ? path : "", mode);

    return run(&o, "chmod", __func__);
}

static ssize_t link_run(struct file_op *op)
{
    return code_of(link(of(op)->other, of(op)->path));
}

int bide_link(const char *from, const char *to)
{
    struct name_op o = {.op.run = link_run, .path = to, .other = from};

    return bide__is_null(from, __func__, "the old name") ? -EINVAL : run(&o, "link", __func__);
}

static ssize_t symlink_run(struct file_op *op)
{
    return code_of(symlink(of(op)->other, of(op)->path));
}

int bide_symlink(const char *target, const char *path)
{
    struct name_op o = {.op.run = symlink_run, .path = path, .other = target};

    return bide__is_null(target, __func__, "the target") ? -EINVAL : run(&o, "symlink", __func__);
}

static ssize_t rmdir_run(struct file_op *op)
{
    return code_of(rmdir(of(op)->path));
}

int bide_remove_dir(const char *path)
{
    struct name_op o = {.op.run = rmdir_run, .path = path};

    return run(&o, "remove directory", __func__);
}

/* The kernel says how long it is only by what it gives. */
static ssize_t read_link_run(struct file_op *op)
{
    struct name_op *o = of(op);

    for (size_t cap = 256;; cap *= 2) {
        char *text = bide__realloc_uncounted(o->out, cap);
        if (!text)
            return BIDE_ENOMEM;
        o->out = text;
        ssize_t n = readlink(o->path, text, cap);
        if (n < 0)
            return -errno;
        if ((size_t)n < cap) {
            text[n] = '\0';
            return n;
        }
    }
}

char *bide_read_link(const char *path)
{
    struct name_op o = {.op.run = read_link_run, .path = path};
    if (run(&o, "read link", __func__) == 0)
        return o.out;

    free(o.out);
    return NULL;
}

/* ---- temporary names ---- */

static int check_pattern(const char *pattern, const char *function)
{
    static const char end[] = "XXXXXX";
    if (bide__is_null(pattern, function, "the pattern"))
        return -EINVAL;
    size_t len = strlen(pattern);

    if (len < sizeof end - 1 || strcmp(pattern + len - (sizeof end - 1), end) != 0)
        return bide_fail(-EINVAL, "%s %s: it does not end in %s", function, pattern, end);
    return 0;
}

static ssize_t mkdtemp_run(struct file_op *op)
{
    return mkdtemp(of(op)->out) ? 0 : -errno;
}

int bide_make_temp_dir(char *pattern)
{
    struct name_op o = {.op.run = mkdtemp_run, .path = pattern, .out = pattern};
    int code = check_pattern(pattern, __func__);

    return code < 0 ? code : run(&o, "make directory", __func__);
}

static ssize_t mkstemp_run(struct file_op *op)
{
    return code_of(bide__fd_above_standard(mkostemp(of(op)->out, O_CLOEXEC)));
}

bide_file *bide_make_temp_file(char *pattern)
{
    struct name_op o = {.op.run = mkstemp_run, .path = pattern, .out = pattern};
    bool was_blocking;
    if (check_pattern(pattern, __func__) < 0 || run(&o, "make file", __func__) < 0)
        return NULL;

    return bide__file_over((int)o.op.result, pattern, &was_blocking);
}
