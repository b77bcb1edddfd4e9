/* SPDX-License-Identifier: MIT */
/*
 * remove_tree.c - a directory removed with all that is in it.
 *
 * Each name is removed beneath the descriptor of its directory, and a directory is entered with O_NOFOLLOW: a link that somebody puts
 * in the way is removed itself, or not entered.  The tree is walked depth first, with one descriptor a level.  A directory that is
 * DEPTH_MAX below the top is moved up to the top, under a name that is free there, and comes later: so any depth will do.
 *
 * A call removes so many names, and the next one begins at the top again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/path.h>

#include "io/file/file_op.h"

#define NAMES_MAX 1024 /* of one call */
#define DEPTH_MAX 32

struct tree_op {
    struct file_op op;
    const char *path;
    int top;           /* the directory itself */
    unsigned left;     /* names, of this call */
    unsigned moved;    /* directories that were moved to the top */
    char failed[NAME_MAX + 1]; /* the name that could not be removed */
};

enum { MORE = 1 };

static int fail(struct tree_op *o, const char *name)
{
    int code = -errno;

    snprintf(o->failed, sizeof o->failed, "%s", name);
    return code;
}

/* It may have gone meanwhile. */
static int unlink_one(struct tree_op *o, int directory, const char *name, int flags)
{
    if (unlinkat(directory, name, flags) == 0 || errno == ENOENT)
        return 0;
    return errno == EISDIR || errno == EPERM || errno == ENOTEMPTY || errno == EEXIST ? -errno : fail(o, name);
}

/* Out of the depth. */
static int move_up(struct tree_op *o, int directory, const char *name)
{
    char free_name[64];

    for (;;) {
        snprintf(free_name, sizeof free_name, ".bide-%d-%u", (int)getpid(), o->moved++);
        if (faccessat(o->top, free_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        return renameat(directory, name, o->top, free_name) == 0 || errno == ENOENT ? 0 : fail(o, name);
    }
}

static int empty(struct tree_op *o, int directory, unsigned depth);

static int remove_directory(struct tree_op *o, int directory, const char *name, unsigned depth)
{
    if (depth >= DEPTH_MAX)
        return move_up(o, directory, name);
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR)
        errno = EPERM; /* which unlink(2) has said, and may say of a directory */
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(o, name);

    int code = empty(o, fd, depth + 1);
    if (code != 0)
        return code;
    code = unlink_one(o, directory, name, AT_REMOVEDIR);
    return code < 0 ? fail(o, name) : 0;
}

static int remove_name(struct tree_op *o, int directory, const struct dirent *e, unsigned depth)
{
    if (o->left == 0)
        return MORE;
    o->left--;
    int code = e->d_type == DT_DIR ? -EISDIR : unlink_one(o, directory, e->d_name, 0);

    return code == -EISDIR || code == -EPERM ? remove_directory(o, directory, e->d_name, depth) : code;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* All that is in a directory, whose descriptor is taken.  0; MORE; a code.  What is moved to the top while that is read may be
   missed there, and then the top is not empty. */
static int empty(struct tree_op *o, int directory, unsigned depth)
{
    DIR *d = fdopendir(directory);
    int code = d ? 0 : fail(o, ".");
    const struct dirent *e;
    if (!d) {
        close(directory);
        return code;
    }

    while (code == 0 && (errno = 0, e = readdir(d)))
        code = is_dots(e->d_name) ? 0 : remove_name(o, dirfd(d), e, depth);
    if (code == 0 && errno != 0)
        code = fail(o, ".");
    closedir(d);
    return code;
}

/* A directory, or whatever else has the name. */
static int remove_top(struct tree_op *o)
{
    unsigned moved = o->moved;
    o->top = open(o->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (o->top < 0)
        return (errno == ENOTDIR || errno == ELOOP) && unlink(o->path) == 0 ? 0 : -errno;

    int again = fcntl(o->top, F_DUPFD_CLOEXEC, 0), code = again < 0 ? -errno : empty(o, again, 1);
    close(o->top);
    if (code != 0)
        return code;
    if (rmdir(o->path) == 0)
        return 0;
    return (errno == ENOTEMPTY || errno == EEXIST) && o->moved > moved ? MORE : -errno;
}

static ssize_t tree_run(struct file_op *op)
{
    struct tree_op *o = container_of(op, struct tree_op, op);

    o->left = NAMES_MAX;
    o->failed[0] = '\0';
    return remove_top(o);
}

int bide_remove_tree(const char *path)
{
    if (bide__is_null(path, __func__, "the path"))
        return -EINVAL;
    struct tree_op o = {.op.run = tree_run, .path = path};
    int code;

    do
        code = bide__file_run(&o.op);
    while (code == 0 && o.op.result == MORE);
    if (code < 0 || o.op.result >= 0)
        return code;
    code = (int)o.op.result;
    return o.failed[0] ? bide_fail(code, "remove %s: %s: %s", path, o.failed, bide_strerror(code))
                       : bide__file_fail("remove", path, code);
}
