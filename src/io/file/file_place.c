/* SPDX-License-Identifier: MIT */
/*
 * file_place.c - the two names of a new file, its own and the hidden one, and the directory in which they are looked up.
 *
 * Below a directory (s->beneath), the file's own directory is looked up anew for each step, and used by its descriptor:
 * no link that was put in the way since the last step leads elsewhere.
 */
#include <fcntl.h>
#include <unistd.h>

#include "io/file/file_save.h"

#define HIDDEN_PREFIX ".bide-"
#define HIDDEN_DIGITS 13 /* of 5 bits */

bool bide__save_by_name;

int bide__save_open_directory(struct save *s, int flags, mode_t mode)
{
    char *end = s->hidden_path + s->directory_len, kept = *end;
    const char *path = s->directory_len > 0 ? s->hidden_path : ".";
    int fd;

    *end = '\0';
    if (s->beneath)
        fd = bide__open_beneath(s->beneath, path, flags, mode);
    else if ((fd = open(path, flags | O_CLOEXEC, mode)) < 0)
        fd = -errno;
    *end = kept;
    return fd;
}

int bide__save_make_parents(struct save *s)
{
    char *end = s->hidden_path + s->directory_len, kept = *end;

    *end = '\0';
    int code = s->beneath ? bide__make_dirs_beneath(s->beneath, s->hidden_path) : bide__make_dirs(s->hidden_path);
    *end = kept;
    return code;
}

static int enter(struct save *s)
{
    size_t skipped = s->beneath ? s->directory_len : 0;
    int fd = s->beneath ? s->beneath : AT_FDCWD;

    s->name = s->path + skipped;
    s->hidden = s->hidden_path + skipped;
    if (!s->name[0])
        return s->directory_len > 0 ? -EISDIR : -ENOENT;
    if (skipped > 0 && (fd = bide__save_open_directory(s, O_PATH | O_DIRECTORY, 0)) < 0)
        return fd;
    s->dir = fd;
    return 0;
}

int bide__save_enter(struct save *s)
{
    int code = enter(s);

    if (code == -ENOENT && s->parents && s->directory_len > 0) {
        code = bide__save_make_parents(s);
        if (code == 0)
            code = enter(s);
    }
    return code;
}

void bide__save_leave(struct save *s)
{
    if (s->dir != AT_FDCWD && s->dir != s->beneath)
        close(s->dir);
    s->dir = AT_FDCWD;
}

/* ---- the hidden name: in the file's directory ---- */

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

void bide__save_choose_hidden(struct save *s, bool start_anew)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char *p = s->hidden_path + s->directory_len + sizeof HIDDEN_PREFIX - 1;
    uint64_t n = next_number(start_anew);

    for (int i = 0; i < HIDDEN_DIGITS; i++, n >>= 5)
        p[i] = digits[n & 31];
}

/* ---- life ---- */

static size_t directory_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

size_t bide__save_hidden_size(const char *path)
{
    return directory_len(path) + sizeof HIDDEN_PREFIX + HIDDEN_DIGITS;
}

void bide__save_init(struct save *s, const char *path, char *hidden)
{
    size_t len = directory_len(path);

    *s = (struct save){.path = path, .hidden_path = hidden, .directory_len = len, .mode = 0666,
                       .by_name = bide__save_by_name, .dir = AT_FDCWD, .fd = -1};
    memcpy(hidden, path, len);
    memcpy(hidden + len, HIDDEN_PREFIX, sizeof HIDDEN_PREFIX - 1);
    hidden[len + sizeof HIDDEN_PREFIX - 1 + HIDDEN_DIGITS] = '\0';
}
