/* SPDX-License-Identifier: MIT */
/*
 * file_save.c - a new file that becomes visible when it is complete.
 *
 * It has no name at all while it is written (O_TMPFILE), and gets its own at the end.  That costs less than a temporary
 * name and a rename, and a crash leaves nothing behind.  A name that is taken cannot be replaced in this way (linkat
 * never replaces), so what is there is looked at.  A plain file is replaced: the new one gets a hidden name beside it,
 * and is renamed by the very next system call.  Only a process that is killed between these two leaves a file behind,
 * which is complete.  A device or a pipe is never replaced.
 *
 * File systems that cannot do that (some network ones) get the hidden name from the start.
 *
 * Below a directory (s->beneath), each step looks up the file's own directory anew, and uses it by its descriptor.
 *
 * Invariant: when it is over, there is no hidden name, whatever happened.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io/file/file_save.h"

#define NAMES_TRIED 100
#define NOT_POSSIBLE (-EOPNOTSUPP)

/* ---- hidden names ---- */

/* Returns what make() returns for the first hidden name that is not taken. */
static int try_names(struct save *s, int (*make)(struct save *s))
{
    int result = -EEXIST;

    for (int i = 0; (result == -EEXIST || result == -EINTR) && i < NAMES_TRIED; i++) {
        bide__save_choose_hidden(s, i > 0);
        result = make(s);
    }
    return result;
}

/* ---- what is there already ---- */

/* enum saved, or a code; SAVED: a new file may take its place, with the access rights of s->old if there is one. */
static int look_at(struct save *s)
{
    struct stat st;

    if (fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? SAVED : -errno; /* one that has gone meanwhile: with the permissions that it had */
    if (s->is_new)
        return -EEXIST;
    if (S_ISLNK(st.st_mode)) /* below a directory it is replaced, as is one that leads nowhere */
        return !s->beneath && fstatat(s->dir, s->name, &st, 0) == 0 ? SAVE_BEHIND : SAVED;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    s->replaces = S_ISREG(st.st_mode);
    s->old = st;
    return s->replaces ? SAVED : SAVE_INTO;
}

/* Nothing can be made in that directory; what is there may be written to all the same. */
static int cannot_make(struct save *s, int code)
{
    int there = code == -EMFILE || code == -ENFILE ? SAVED : look_at(s);

    return there > SAVED ? there : code;
}

static int close_file(int fd)
{
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

/* ---- opening ---- */

static int open_nameless(struct save *s)
{
    int code;

    do {
        if (s->dir == AT_FDCWD)
            code = bide__save_open_directory(s, O_WRONLY | O_TMPFILE, s->mode);
        else if ((code = openat(s->dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, s->mode)) < 0)
            code = -errno;
    } while (code == -EINTR);
    return code == -EISDIR || code == -EINVAL ? NOT_POSSIBLE : code; /* what older kernels say */
}

static int open_hidden(struct save *s)
{
    int fd = openat(s->dir, s->hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, s->replaces ? 0600 : s->mode);

    s->is_hidden = fd >= 0;
    return fd < 0 ? -errno : fd;
}

static int open_by_name(struct save *s)
{
    (void)look_at(s); /* is there a file whose permissions count from the start? */
    s->fd = try_names(s, open_hidden);
    return s->fd < 0 ? s->fd : 0;
}

static int open_either(struct save *s)
{
    s->fd = s->by_name ? NOT_POSSIBLE : open_nameless(s);
    return s->fd == NOT_POSSIBLE ? open_by_name(s) : s->fd < 0 ? s->fd : 0;
}

/* In a directory that is there, or can be made. */
static int open_new(struct save *s)
{
    int code = open_either(s);

    /* Whole paths are not looked up before; below a directory, enter() has made it. */
    if (code == -ENOENT && s->parents && s->dir == AT_FDCWD && s->directory_len > 0) {
        code = bide__save_make_parents(s);
        if (code == 0)
            code = open_either(s);
    }
    return code < 0 ? cannot_make(s, code) : code;
}

/* Without /proc it could be written, but perhaps never be given a name. */
static bool can_give_name(void)
{
    static atomic_bool is_there;

    if (!atomic_load(&is_there))
        atomic_store(&is_there, access("/proc/self/fd", X_OK) == 0);
    return atomic_load(&is_there);
}

int bide__save_begin(struct save *s)
{
    int code = bide__save_enter(s);
    if (code < 0)
        return code;

    s->by_name |= !can_give_name();
    code = look_at(s);
    if (code == SAVED)
        code = open_new(s);
    bide__save_leave(s);
    return code;
}

/* ---- naming ---- */

/* By its descriptor alone only for the privileged, before Linux 6.10; by way of /proc for all. */
static int give_name(int fd, int dir, const char *name)
{
    static atomic_bool by_proc;
    char proc[40];

    if (!atomic_load(&by_proc)) {
        if (linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0)
            return 0;
        if (errno != ENOENT)
            return -errno;
    }
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW) < 0)
        return errno == ENOENT ? NOT_POSSIBLE : -errno;
    atomic_store(&by_proc, true);
    return 0;
}

static int give_hidden(struct save *s)
{
    int code = give_name(s->fd, s->dir, s->hidden);

    s->is_hidden = code == 0;
    return code;
}

/* Some file systems (NFS) report a failed write only at close: closing a copy asks before anything is replaced. */
static int flush_file(const struct save *s)
{
    int fd = dup(s->fd);

    return fd < 0 ? -errno : close_file(fd);
}

/* The name is taken, or the file has a hidden one already. */
static int replace(struct save *s)
{
    int code = look_at(s);

    if (code == SAVED && s->replaces)
        code = bide__save_keep_access(s);
    if (code == SAVED)
        code = flush_file(s);
    if (code == SAVED && !s->is_hidden)
        code = try_names(s, give_hidden);
    if (code == SAVED && renameat2(s->dir, s->hidden, s->dir, s->name, s->is_new ? RENAME_NOREPLACE : 0) < 0)
        code = -errno;
    s->is_hidden = s->is_hidden && code != SAVED;
    return code;
}

/* Written, and open still. */
static int name_it(struct save *s)
{
    int code = s->is_hidden ? -EEXIST : give_name(s->fd, s->dir, s->name);
    if (code == -EEXIST && (s->is_hidden || !s->is_new))
        return replace(s);

    int closed = code == 0 ? close_file(s->fd) : 0;
    s->fd = code == 0 ? -1 : s->fd;
    if (closed < 0) /* not all of it has arrived */
        unlinkat(s->dir, s->name, 0);
    return code == 0 ? closed : code;
}

int bide__save_end(struct save *s)
{
    int code = bide__save_enter(s);
    if (code < 0)
        return code;

    code = name_it(s);
    bide__save_leave(s);
    return code == NOT_POSSIBLE ? -ENOENT : code; /* the directory has gone */
}

/* ---- all of it ---- */

static int write_and_name(struct save *s, const void *data, size_t len)
{
    int code = bide__write_fully(s->fd, data, len, -1);

    if (code == 0 && s->is_secret && fsync(s->fd) < 0)
        code = -errno;
    return code == 0 ? name_it(s) : code;
}

static int save_in(struct save *s, const void *data, size_t len)
{
    int code = open_new(s);
    if (code == SAVED)
        code = write_and_name(s, data, len);
    if (code != NOT_POSSIBLE || s->is_hidden)
        return code;

    /* There is no /proc, or no directory any more. */
    close_file(s->fd);
    code = open_by_name(s);
    return code < 0 ? code : write_and_name(s, data, len);
}

int bide__save_whole(struct save *s, const void *data, size_t len)
{
    int code = bide__save_enter(s);
    if (code < 0)
        return code;

    code = save_in(s, data, len);
    bide__save_leave(s);
    return code;
}

/* ---- life ---- */

void bide__save_drop(struct save *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->is_hidden) /* a name that nobody else has: it needs no look at where it leads */
        unlinkat(s->beneath ? s->beneath : AT_FDCWD, s->hidden_path, 0);
    s->fd = -1;
    s->is_hidden = false;
}
