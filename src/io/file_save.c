/* SPDX-License-Identifier: MIT */
/*
 * file_save.c - a new file under a temporary name, then renamed.
 *
 * The renaming is asked not to replace anything: so the common case, a name that is new, needs no look at what is
 * there, and yet a device is never replaced by a file.
 *
 * Invariant: when it is over, the temporary name is gone, whatever happened.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_save.h"

#define TEMPORARY_PREFIX ".bide-"
#define TEMPORARY_DIGITS 13 /* of 5 bits */
#define NAMES_TRIED 100

/* ---- the temporary name ---- */

/* One name after the other from a random start: two processes hardly meet, and when they do, the next name is free. */
static uint64_t next_number(bool start_anew)
{
    static _Atomic uint64_t next;
    uint64_t start;

    if (start_anew || atomic_load(&next) == 0) {
        bide__random_bytes(&start, sizeof start);
        atomic_store(&next, start | 1);
    }
    return atomic_fetch_add(&next, 1);
}

static void name_temporary(struct save *s, bool start_anew)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char *p = s->temporary + strlen(s->temporary) - TEMPORARY_DIGITS;
    uint64_t n = next_number(start_anew);

    for (int i = 0; i < TEMPORARY_DIGITS; i++, n >>= 5)
        p[i] = digits[n & 31];
}

static char *make_temporary(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t directory = slash ? (size_t)(slash - path) + 1 : 0;
    size_t size = directory + sizeof TEMPORARY_PREFIX + TEMPORARY_DIGITS;
    char *name = bide__malloc(size);

    if (name)
        snprintf(name, size, "%.*s" TEMPORARY_PREFIX "%0*d", (int)directory, path, TEMPORARY_DIGITS, 0);
    return name;
}

/* ---- the steps ---- */

static int open_temporary(struct save *s)
{
    int fd = -1;

    for (int i = 0; fd < 0 && i < NAMES_TRIED; i++) {
        fd = open(s->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EINTR && errno != EEXIST)
            return -errno;
        if (fd < 0 && errno == EEXIST)
            name_temporary(s, true);
    }
    return fd < 0 ? -EEXIST : fd;
}

static int write_and_close(const struct save *s, int fd)
{
    int code = bide__write_fully(fd, s->data, s->len, -1);

    if (close(fd) < 0 && errno != EINTR && code == 0)
        code = -errno;
    return code;
}

/* What is there, which a new file may not simply replace: enum saved, or a code; SAVED: it may. */
static int look_at(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? SAVED : -errno;
    if (S_ISLNK(st.st_mode))
        return stat(path, &st) == 0 ? SAVE_BEHIND : SAVED; /* one that leads nowhere is replaced */
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return S_ISREG(st.st_mode) ? SAVED : SAVE_INTO;
}

static int move_over(const struct save *s)
{
    int code = look_at(s->path);
    if (code != SAVED)
        return code;

    return rename(s->temporary, s->path) < 0 ? -errno : SAVED;
}

/* EEXIST: the name is taken.  EINVAL: a file system, ENOSYS: a kernel, that cannot rename in this way. */
static int move(const struct save *s)
{
    if (renameat2(AT_FDCWD, s->temporary, AT_FDCWD, s->path, RENAME_NOREPLACE) == 0)
        return SAVED;
    return errno == EEXIST || errno == EINVAL || errno == ENOSYS ? move_over(s) : -errno;
}

static ssize_t save_run(struct file_op *op)
{
    struct save *s = container_of(op, struct save, op);
    int fd = open_temporary(s);
    if (fd < 0) { /* nothing can be made there; what is there may be written to all the same */
        int there = fd == -EMFILE || fd == -ENFILE ? SAVED : look_at(s->path);
        return there > SAVED ? there : fd;
    }

    int code = write_and_close(s, fd);
    if (code == 0)
        code = move(s);
    if (code != SAVED)
        unlink(s->temporary);
    return code;
}

int bide__save_init(struct save *s, const char *path, const void *data, size_t len)
{
    *s = (struct save){.op.run = save_run, .path = path, .data = data, .len = len, .temporary = make_temporary(path)};
    if (!s->temporary)
        return bide__fail_nomem("bide_file_write_all");
    name_temporary(s, false);
    return 0;
}
