/* SPDX-License-Identifier: MIT */
/*
 * file_whole.c - a whole file at once.
 *
 * Writing: a new file with a temporary name in the same directory, then renamed, so that nobody ever sees half of it
 * under its final name.  A name that is taken is looked at before it is replaced: a device or a pipe is written to as
 * it is, a symbolic link leads to the file that is meant.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file/file_op.h"
#include "io/file/file_save.h"

#define READ_MAX_DEFAULT ((size_t)64 << 20)
#define READ_FIRST 16384
#define READ_AS_STREAM 1

/* ---- reading ---- */

struct read_op {
    struct file_op op;
    const char *path;
    char *data;
    size_t len, cap, max;
    bool may_block;
};

static ssize_t grow(struct read_op *o, size_t cap)
{
    char *data = bide__realloc_uncounted(o->data, cap);
    if (!data)
        return BIDE_ENOMEM;

    o->data = data;
    o->cap = cap;
    return 0;
}

/* Up to the end or one byte too many; one more is kept for the NUL. */
static ssize_t read_to_end(struct read_op *o, int fd)
{
    for (;;) {
        ssize_t code = o->len + 1 < o->cap ? 0 : grow(o, o->cap * 2);
        if (code < 0)
            return code;
        ssize_t n = read(fd, o->data + o->len, o->cap - 1 - o->len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return 0;
        o->len += n > 0 ? (size_t)n : 0;
        if (o->len > o->max)
            return BIDE_ELIMIT;
    }
}

/* Reading it may block forever: a pipe, a terminal. */
static bool is_stream(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) || S_ISSOCK(st.st_mode));
}

static ssize_t read_all_run(struct file_op *op)
{
    struct read_op *o = container_of(op, struct read_op, op);
    struct stat st;
    if (!o->may_block && is_stream(o->path))
        return READ_AS_STREAM;
    int fd;
    do
        fd = open(o->path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return -errno;

    size_t size = fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : READ_FIRST;
    ssize_t code = size > o->max && S_ISREG(st.st_mode) ? BIDE_ELIMIT : grow(o, size + 2);
    o->len = 0;
    if (code == 0)
        code = read_to_end(o, fd);
    if (code == 0)
        o->data[o->len] = '\0';
    close(fd);
    return code;
}

/* The same in the task, on a file that the loop watches.  Errors of the file are on record. */
static ssize_t read_stream(struct read_op *o)
{
    ssize_t n = 1, code = 0;
    bide_file *f = bide_open(o->path);
    if (!f)
        return bide_error_code();

    for (o->len = 0; code == 0 && n > 0; o->len += n > 0 ? (size_t)n : 0) {
        if (o->len + 1 >= o->cap)
            code = grow(o, o->cap ? o->cap * 2 : READ_FIRST);
        if (code == 0)
            n = bide_file_read(f, o->data + o->len, o->cap - 1 - o->len, -1);
        if (o->len > o->max)
            code = BIDE_ELIMIT;
    }
    if (code == 0 && n == 0)
        o->data[o->len] = '\0';
    bide_release(f);
    return code < 0 ? code : n;
}

/* 0, or a code; the operation's own code is in its result. */
static int read_whole(struct read_op *o)
{
    int code = bide__file_run_with_descriptor(&o->op);

    if (code == 0 && o->op.result == READ_AS_STREAM)
        o->op.result = read_stream(o);
    return code;
}

char *bide_file_read_all(const char *path, size_t max, size_t *len)
{
    if (bide__is_null(path, __func__, "the name"))
        return NULL;
    if (bide__is_null(len, __func__, "the place for the length"))
        return NULL;
    struct read_op o = {.op.run = read_all_run,
                        .path = path,
                        .max = max ? max : READ_MAX_DEFAULT,
                        .may_block = !bide__file_may_wait()};
    int code = read_whole(&o);
    if (code == 0 && o.op.result == 0) {
        *len = o.len;
        return o.data;
    }

    free(o.data);
    if (code == 0 && o.op.result == BIDE_ELIMIT)
        bide_fail(BIDE_ELIMIT, "read %s: larger than %zu bytes", path, o.max);
    else if (code == 0)
        bide__file_fail("read", path, o.op.result); /* unless it is on record already */
    return NULL;
}

/* ---- writing ---- */

/* What is there is no plain file: data goes into it. */
static int write_into(const char *path, const void *data, size_t len)
{
    bide_file *f = bide_open(path, .flags = O_WRONLY);
    if (!f)
        return bide_error_code();

    ssize_t n = bide_file_write(f, data, len, -1);
    if (n >= 0)
        return bide_file_close(f);
    bide_release(f);
    return (int)n;
}

struct write_op {
    struct file_op op;
    struct save save;
    const void *data;
    size_t len;
};

static ssize_t write_run(struct file_op *op)
{
    struct write_op *o = container_of(op, struct write_op, op);
    int code = bide__save_whole(&o->save, o->data, o->len);

    bide__save_drop(&o->save);
    return code;
}

/* EMFILE: wait for a descriptor, and begin anew. */
static int write_new(struct write_op *o, const char *path, char *hidden, bool is_secret)
{
    int waited_ms = 0, code;

    do {
        bide__save_init(&o->save, path, hidden);
        o->save.is_secret = is_secret;
        if (is_secret)
            o->save.mode = 0600;
        code = bide__file_run(&o->op);
        if (code == 0)
            code = bide__file_wait_for_descriptor(o->op.result, &waited_ms);
    } while (code > 0);
    return code;
}

static int write_all(const char *path, const void *data, size_t len, bool is_secret);

/* A symbolic link: the file that it leads to is written; the link stays. */
static int write_behind(const char *path, const void *data, size_t len, bool is_secret)
{
    char *real = bide__file_real_path(path);
    if (!real)
        return bide_error_code();

    int code = write_all(real, data, len, is_secret);
    free(real);
    return code;
}

static int write_all(const char *path, const void *data, size_t len, bool is_secret)
{
    struct write_op o = {.op.run = write_run, .data = data, .len = len};
    char *hidden = bide__malloc(bide__save_hidden_size(path));
    if (!hidden)
        return bide__fail_nomem("bide_file_write_all");

    int code = write_new(&o, path, hidden, is_secret);
    bide__free(hidden);
    if (code < 0 || o.op.result == SAVED)
        return code;
    if (o.op.result == SAVE_INTO)
        return write_into(path, data, len);
    if (o.op.result == SAVE_BEHIND)
        return write_behind(path, data, len, is_secret);
    return bide__file_fail("write", path, o.op.result);
}

int bide_file_write_all(const char *path, const void *data, size_t len)
{
    if (bide__is_null(path, __func__, "the name"))
        return -EINVAL;
    if (len > 0 && bide__is_null(data, __func__, "what to write"))
        return -EINVAL;
    return write_all(path, data, len, false);
}

int bide__file_write_secret(const char *path, const void *data, size_t len)
{
    return write_all(path, data, len, true);
}
