/* SPDX-License-Identifier: MIT */
/*
 * file_atomic.c - bide_open(.atomic): a whole file that is written piece by piece.
 *
 * Until it is closed, nobody sees it, and what had its name before is still there; released before that, or if the
 * process is killed, it leaves nothing behind.  file_save.c has the steps.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/file/file_save.h"

/* ---- where a link leads ---- */

struct real_op {
    struct file_op op;
    const char *path;
    char *real;
};

static ssize_t real_run(struct file_op *op)
{
    struct real_op *o = container_of(op, struct real_op, op);

    o->real = realpath(o->path, NULL);
    return o->real ? 0 : -errno;
}

char *bide__file_real_path(const char *path)
{
    struct real_op o = {.op.run = real_run, .path = path};
    int code = bide__file_run(&o.op);

    if (code == 0 && o.op.result < 0)
        bide__file_fail("write", path, o.op.result);
    return o.real;
}

/* ---- opening ---- */

struct save_op {
    struct file_op op;
    struct save *save;
};

static ssize_t begin_run(struct file_op *op)
{
    return bide__save_begin(container_of(op, struct save_op, op)->save);
}

/* enum saved, or a code; *interrupted: the code is a cancellation or time-out, which is on record already. */
static int begin(struct save *s, bool *interrupted)
{
    struct save_op o = {.op.run = begin_run, .save = s};
    int code = bide__file_run_with_descriptor(&o.op);

    *interrupted = code < 0;
    return *interrupted ? code : (int)o.op.result;
}

/* One block of memory: the file with its path, the rest of what it is, the hidden name. */
static bide_file *new_file(const bide_open_args *args)
{
    size_t hidden = bide__save_hidden_size(args->path);
    bide_file *f = bide__file_new(args->path, sizeof(struct save) + hidden);
    if (!f)
        return NULL;

    f->save = f->extra;
    bide__save_init(f->save, f->path, (char *)(f->save + 1));
    f->save->beneath = args->beneath;
    f->save->parents = args->parents;
    f->save->is_new = args->flags & O_EXCL;
    f->save->mode = args->mode ? (mode_t)args->mode : f->save->mode;
    return f;
}

/* The name belongs to no plain file: a device or pipe is opened as it is, of a link the target is replaced. */
static bide_file *open_other(const bide_open_args *args, enum saved what)
{
    bide_open_args other = *args;
    if (what == SAVE_INTO && args->beneath) {
        bide__file_fail("write", args->path, -EEXIST);
        return NULL;
    }
    if (what == SAVE_INTO) {
        other.atomic = other.parents = false;
        other.flags = O_WRONLY;
        return bide_open_with(&other);
    }

    char *real = bide__file_real_path(args->path);
    other.path = real;
    bide_file *f = real ? bide_open_with(&other) : NULL;
    free(real);
    return f;
}

bide_file *bide__file_open_atomic(const bide_open_args *args)
{
    bool interrupted;
    if (args->flags & ~(O_WRONLY | O_CREAT | O_TRUNC | O_EXCL | O_CLOEXEC)) {
        bide_fail(-EINVAL, "bide_open %s: .atomic makes a new file to be written; of the flags, O_WRONLY and O_EXCL go with it",
                  args->path);
        return NULL;
    }
    bide_file *f = new_file(args);
    if (!f)
        return NULL;

    int code = begin(f->save, &interrupted);
    if (code == SAVED) {
        f->fd = f->save->fd;
        f->is_seekable = true;
        f->is_limited = bide__file_size_is_limited();
        return f;
    }
    if (code < 0 && !interrupted)
        bide__file_fail("write", args->path, code);
    bide__object_unref(f);
    return code > 0 ? open_other(args, (enum saved)code) : NULL;
}

/* ---- its end ---- */

static ssize_t end_run(struct file_op *op)
{
    return bide__save_end(container_of(op, struct save_op, op)->save);
}

int bide__file_complete(bide_file *f)
{
    struct save_op o = {.op.run = end_run, .save = f->save};
    if (f->object.refs > 1)
        return bide_fail(BIDE_ESTATE, "write %s: closed while another task still writes it, so it was not saved", f->path);

    bide__file_run_surely(&o.op);
    return o.op.result < 0 ? bide__file_fail("write", f->path, o.op.result) : 0;
}

static ssize_t drop_run(struct file_op *op)
{
    bide__save_drop(container_of(op, struct save_op, op)->save);
    return 0;
}

void bide__file_drop(bide_file *f)
{
    struct save_op o = {.op.run = drop_run, .save = f->save};

    f->fd = -1;
    bide__file_run_surely(&o.op);
    f->save = NULL;
}
