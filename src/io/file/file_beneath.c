/* SPDX-License-Identifier: MIT */
/*
 * file_beneath.c - opening and making names below a directory: no link and no ".." leads out of it.
 *
 * The kernel does it (openat2), at the moment when the name is used: what was looked at before may be a link by now.
 * Where it does not (Linux before 5.6, a sandbox), directory after directory is opened here, and no link is followed.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/file/file_op.h"

#define TRIES 8 /* EAGAIN: something was renamed meanwhile, and the kernel cannot be sure */

/* ---- without openat2 ---- */

/* One directory further; path stands behind it then. */
static int step(int from, const char **path)
{
    char name[NAME_MAX + 1];
    size_t len = strcspn(*path, "/");
    struct stat st;

    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    snprintf(name, sizeof name, "%.*s", (int)len, *path);
    if (strcmp(name, "..") == 0)
        return -EXDEV;
    int fd = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int code = fd < 0 || fstat(fd, &st) < 0 ? -errno : S_ISLNK(st.st_mode) ? -ELOOP : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    if (code < 0 && fd >= 0)
        close(fd);
    *path += len + strspn(*path + len, "/");
    return code < 0 ? code : fd;
}

int bide__walk_beneath(int root, const char *path)
{
    int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    while (fd >= 0 && *path) {
        int next = step(fd, &path);
        close(fd);
        fd = next;
    }
    return fd;
}

static int walk_and_open(int root, const char *path, int flags, mode_t mode)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    if (strlen(path) >= sizeof directory)
        return -ENAMETOOLONG;
    if (path[0] == '/' || strcmp(name, "..") == 0)
        return -EXDEV;
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) : 0, path);
    int parent = bide__walk_beneath(root, directory);
    if (parent < 0)
        return parent;
    int fd = openat(parent, *name ? name : ".", flags | O_NOFOLLOW, mode), code = fd < 0 ? -errno : fd;
    close(parent);
    return code;
}

/* ---- with it ---- */

int bide__open_beneath(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC,
                           .mode = flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    for (int i = 0;; i++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || errno == EPERM)
            return walk_and_open(root, path, flags | O_CLOEXEC, mode);
        if (errno != EAGAIN || i == TRIES)
            return -errno;
    }
}

/* ---- directories ---- */

/* The parent directory of path[0..len): the root itself, or a descriptor to be closed. */
static int open_parent(int root, char *path, size_t len, size_t *name)
{
    size_t slash = len;

    while (slash > 0 && path[slash - 1] != '/')
        slash--;
    *name = slash;
    if (slash == 0)
        return root;
    char kept = path[slash];
    path[slash] = '\0';
    int fd = bide__open_beneath(root, path, O_PATH | O_DIRECTORY, 0);
    path[slash] = kept;
    return fd;
}

/* Make path[0..len), whose parent is there. */
static int make_one(int root, char *path, size_t len)
{
    size_t name;
    int parent = open_parent(root, path, len, &name), code = 0;
    if (parent < 0 && parent != root)
        return parent;

    char kept = path[len];
    path[len] = '\0';
    if (mkdirat(parent, path + name, 0777) < 0 && errno != EEXIST)
        code = -errno;
    path[len] = kept;
    if (parent != root)
        close(parent);
    return code;
}

int bide__make_dirs_beneath(int root, char *path)
{
    if (path[0] == '/')
        return -EXDEV;
    for (size_t i = 1; path[i - 1]; i++) {
        bool ends_here = (path[i] == '/' || path[i] == '\0') && path[i - 1] != '/';
        int code = ends_here ? make_one(root, path, i) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}
