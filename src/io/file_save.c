/* SPDX-License-Identifier: MIT */
/*
 * file_save.c - a new file that nobody sees before it is complete.
 *
 * It has no name at all while it is written (O_TMPFILE), and gets its own at the end.  That costs less than a temporary
 * name and a rename, and a crash leaves nothing behind.  A name that is taken is not replaced in this way, so what is
 * there is looked at: a plain file is replaced, by a temporary name and a rename; a device or a pipe never is.
 *
 * File systems that cannot do that (some network ones) get a temporary name from the start.
 *
 * Invariant: when it is over, there is no temporary name, whatever happened.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_save.h"

#define TEMPORARY_PREFIX ".bide-"
#define TEMPORARY_DIGITS 13 /* of 5 bits */
#define NAMES_TRIED 100
#define NOT_POSSIBLE (-EOPNOTSUPP)

bool bide__save_by_name;

/* ---- the temporary name: in the file's directory ---- */

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
    char *p = s->temporary + s->directory_len + sizeof TEMPORARY_PREFIX - 1;
    uint64_t n = next_number(start_anew);

    for (int i = 0; i < TEMPORARY_DIGITS; i++, n >>= 5)
        p[i] = digits[n & 31];
}

/* What make() says about the first temporary name that is not taken. */
static int try_names(struct save *s, int (*make)(struct save *s))
{
    int result = -EEXIST;

    for (int i = 0; (result == -EEXIST || result == -EINTR) && i < NAMES_TRIED; i++) {
        name_temporary(s, i > 0);
        result = make(s);
    }
    return result;
}

/* ---- what is there already ---- */

/* enum saved, or a code; SAVED: a new file may take its place, with the permissions of the old one. */
static int look_at(struct save *s)
{
    struct stat st;

    s->replaces = false;
    if (lstat(s->path, &st) < 0)
        return errno == ENOENT ? SAVED : -errno;
    if (S_ISLNK(st.st_mode))
        return stat(s->path, &st) == 0 ? SAVE_BEHIND : SAVED; /* one that leads nowhere is replaced */
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    s->replaces = S_ISREG(st.st_mode);
    s->mode = st.st_mode & 0777;
    return s->replaces ? SAVED : SAVE_INTO;
}

/* Who may not read the old file may not read the new one. */
static int keep_mode(const struct save *s)
{
    return s->replaces && fchmod(s->fd, s->mode) < 0 ? -errno : 0;
}

static int move_over(struct save *s)
{
    int code = look_at(s);

    if (code == SAVED && rename(s->temporary, s->path) < 0)
        code = -errno;
    if (code != SAVED)
        unlink(s->temporary);
    return code;
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

/* ---- without a name ---- */

static int open_nameless(struct save *s)
{
    char *end = s->temporary + s->directory_len, kept = *end;
    int fd;

    *end = '\0';
    do
        fd = open(s->directory_len ? s->temporary : ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    int code = fd < 0 ? -errno : fd;
    *end = kept;
    return code == -EISDIR || code == -EINVAL ? NOT_POSSIBLE : code; /* what older kernels say */
}

/* By its descriptor alone only for the privileged, before Linux 6.10; by way of /proc for all. */
static int give_name(int fd, const char *name)
{
    static atomic_bool by_proc;
    char proc[40];

    if (!atomic_load(&by_proc)) {
        if (linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH) == 0)
            return 0;
        if (errno != ENOENT)
            return -errno;
    }
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, proc, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
        return errno == ENOENT ? NOT_POSSIBLE : -errno;
    atomic_store(&by_proc, true);
    return 0;
}

static int give_temporary(struct save *s)
{
    return give_name(s->fd, s->temporary);
}

/* The file is written, and open still. */
static int name_it(struct save *s)
{
    int code = give_name(s->fd, s->path);
    bool is_taken = code == -EEXIST;

    if (is_taken) {
        code = look_at(s);
        if (code == SAVED)
            code = keep_mode(s);
        if (code == SAVED)
            code = try_names(s, give_temporary);
    }
    int closed = close_file(s->fd);
    if (code == 0 && closed < 0) { /* not all of it has arrived */
        unlink(is_taken ? s->temporary : s->path);
        return closed;
    }
    return code == 0 && is_taken ? move_over(s) : code;
}

static int save_nameless(struct save *s)
{
    s->fd = bide__save_by_name ? NOT_POSSIBLE : open_nameless(s);
    if (s->fd < 0)
        return s->fd == NOT_POSSIBLE ? NOT_POSSIBLE : cannot_make(s, s->fd);

    int code = bide__write_fully(s->fd, s->data, s->len, -1);
    if (code == 0)
        return name_it(s);
    close(s->fd);
    return code;
}

/* ---- with a temporary name ---- */

static int open_temporary(struct save *s)
{
    int fd = open(s->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, s->replaces ? 0600 : 0666);

    return fd < 0 ? -errno : fd;
}

static int save_by_name(struct save *s)
{
    (void)look_at(s); /* what it says is for move_over() */
    s->fd = try_names(s, open_temporary);
    if (s->fd < 0)
        return cannot_make(s, s->fd);

    int code = bide__write_fully(s->fd, s->data, s->len, -1);
    if (code == 0)
        code = keep_mode(s);
    int closed = close_file(s->fd);
    code = code < 0 ? code : closed;
    if (code == 0)
        return move_over(s);
    unlink(s->temporary);
    return code;
}

static ssize_t save_run(struct file_op *op)
{
    struct save *s = container_of(op, struct save, op);
    int code = save_nameless(s);

    return code == NOT_POSSIBLE ? save_by_name(s) : code;
}

int bide__save_init(struct save *s, const char *path, const void *data, size_t len)
{
    const char *slash = strrchr(path, '/');
    size_t directory_len = slash ? (size_t)(slash - path) + 1 : 0;
    size_t size = directory_len + sizeof TEMPORARY_PREFIX + TEMPORARY_DIGITS;

    *s = (struct save){.op.run = save_run, .path = path, .data = data, .len = len, .directory_len = directory_len};
    s->temporary = bide__malloc(size);
    if (!s->temporary)
        return bide__fail_nomem("bide_file_write_all");
    snprintf(s->temporary, size, "%.*s" TEMPORARY_PREFIX "%0*d", (int)directory_len, path, TEMPORARY_DIGITS, 0);
    return 0;
}
