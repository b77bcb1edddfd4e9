/* SPDX-License-Identifier: MIT */
/*
 * spool.c - a long body whose name is known only when all of it has come: {sha256}.
 *
 * It waits in a file without a name, beside those of the run, and is copied from there: a file can get a name below the
 * root, which no link leads out of, only if it was opened there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <bide/error.h>
#include <bide/file.h>

#include "cli/fetch/save/save.h"

static const char *root_of(const struct fetch *f)
{
    return f->naming.root.len > 0 ? f->naming.root.data : "./";
}

/* Where file systems have no files without names, it has one for a moment. */
static bide_file *open_named(const struct fetch *f)
{
    static unsigned number;
    struct text path = {0};

    text_format(&path, "%s.bide-%ld-%u", root_of(f), (long)getpid(), number++);
    bide_file *file = path.no_memory ? NULL : bide_open(path.data, .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600);
    if (path.no_memory)
        BIDE_IGNORE(bide_fail(BIDE_ENOMEM, "out of memory"));
    if (file && bide_unlink(path.data) < 0)
        bide_release(bide_take(file));
    text_free(&path);
    return file;
}

bide_file *fetch_spool_open(const struct fetch *f)
{
    bide_file *file = bide_open(root_of(f), .flags = O_RDWR | O_TMPFILE, .mode = 0600);
    int code = file ? 0 : bide_error_code();

    return code == -EOPNOTSUPP || code == -EISDIR || code == -EINVAL ? open_named(f) : file;
}

int fetch_spool_save(struct worker *w, bide_file *spool)
{
    const struct naming *n = &w->f->naming;
    bide_auto bide_file *to = bide_open(naming_below(n, &w->name), .atomic = true, .parents = true, .beneath = n->root_fd);
    off_t at = 0;
    ssize_t got = 0;

    while (to && (got = bide_file_read(spool, w->buffer, SAVE_BUFFER, at)) > 0) {
        if (bide_file_write(to, w->buffer, (size_t)got, -1) < 0)
            return bide_error_code();
        at += got;
    }
    return !to || got < 0 ? bide_error_code() : fetch_close_durably(w->f, bide_take(to), naming_below(n, &w->name));
}
