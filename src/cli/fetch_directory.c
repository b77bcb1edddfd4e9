/* SPDX-License-Identifier: MIT */
/*
 * fetch_directory.c - the directories that files go to.
 *
 * They are made when a file cannot be, and each is looked at once: below the root no link may lead out of it.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/fetch.h"

#define DIRECTORIES_KNOWN 65536
#define MODE_DIRECTORY    0777

/* ---- directories, in a thread ---- */

int fetch_walk_beneath(int root, const char *path)
{
    int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (fd >= 0 && *path) {
        char name[NAME_MAX + 1];
        size_t len = strcspn(path, "/");
        struct stat st;
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        int next = len > NAME_MAX ? (errno = ENAMETOOLONG, -1) : openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int code = next < 0 || fstat(next, &st) < 0 ? errno : S_ISLNK(st.st_mode) ? ELOOP : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
        close(fd);
        fd = next;
        path += len + strspn(path + len, "/");
        if (code && fd >= 0)
            close(fd);
        if (code)
            return -code;
    }
    return fd < 0 ? -errno : fd;
}

/* A directory below root that no link leads out of: a descriptor, or a negated errno value. */
static int open_beneath(int root, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, root, path, &how, sizeof how);

    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* Linux before 5.6, or a sandbox that does not know it */
        return fetch_walk_beneath(root, path);
    return fd < 0 ? -errno : (int)fd;
}

/* Make path[0..len), whose parent is there. */
static int make_one(int root, char *path, size_t len)
{
    size_t slash = len - 1;
    int parent = root, code = 0;

    while (slash > 0 && path[slash] != '/')
        slash--;
    if (slash > 0) {
        path[slash] = '\0';
        parent = open_beneath(root, path);
        path[slash] = '/';
        if (parent < 0)
            return parent;
    }
    char after = path[len];
    path[len] = '\0';
    if (mkdirat(parent, path + (slash > 0 ? slash + 1 : 0), MODE_DIRECTORY) < 0 && errno != EEXIST)
        code = -errno;
    path[len] = after;
    if (parent != root)
        close(parent);
    return code;
}

static int make_beneath(int root, char *path)
{
    int fd = open_beneath(root, path);

    if (fd == -ENOENT) {
        for (size_t i = 1; path[i - 1]; i++) {
            int code = path[i] == '/' || path[i] == '\0' ? make_one(root, path, i) : 0;
            if (code < 0)
                return code;
        }
        fd = open_beneath(root, path);
    }
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

/* ---- directories ---- */

size_t fetch_file_in_way(const char *path, size_t len)
{
    struct stat st;

    for (size_t i = 1; i <= len; i++) {
        if ((i < len && path[i] != '/') || path[i - 1] == '/')
            continue;
        char *part = strndup(path, i);
        bool is_file = part && stat(part, &st) == 0 && !S_ISDIR(st.st_mode);
        free(part);
        if (is_file)
            return i;
    }
    return 0;
}

/* The directory of w->name is there, and below the root.  again: the file system says that it is not. */
int fetch_need_directory(struct worker *w, bool again)
{
    struct fetch *f = w->f;
    size_t root = f->naming.has_template ? f->naming.template.root_len : f->naming.root.len;
    char *slash = strrchr(w->name.data, '/');
    if (!slash || (size_t)(slash - w->name.data) < root)
        return 0;

    size_t len = (size_t)(slash - w->name.data);
    if (!f->directories.max)
        nameset_init(&f->directories, DIRECTORIES_KNOWN);
    if (nameset_add(&f->directories, w->name.data, len) == NAMESET_THERE && !again)
        return 0;
    char *path = strndup(w->name.data + root, len - root);
    if (!path)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", w->name.data);
    int code = bide_to_thread(bide_coro(make_beneath, f->naming.root_fd, path));
    free(path);
    if (code == -EXDEV || code == -ELOOP)
        return bide_fail(code, "%s: a link on its way leads out of %s", w->name.data,
                         f->naming.root.len > 0 ? f->naming.root.data : "this directory");
    size_t file = code == -ENOTDIR ? fetch_file_in_way(w->name.data, len) : 0;
    if (file > 0)
        return bide_fail(code, "%.*s is a file, not a directory", (int)file, w->name.data);
    return code < 0 ? bide_fail(code, "%.*s: %s", (int)len, w->name.data, bide_strerror(code)) : 0;
}
