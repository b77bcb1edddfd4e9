/* SPDX-License-Identifier: MIT */
/*
 * directory.c - the names in a directory, read some hundred at a time.
 *
 * Invariants:
 *   D1  a task that reads has a share meanwhile, and no other one reads: the names lie in one buffer.
 *   D2  in a child of fork() it is closed, and nothing else.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bide/path.h>

#include "io/file/file_op.h"

#define BATCH 32768

/* struct linux_dirent64 of getdents64(2) */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

struct bide_directory {
    struct object object;
    bide_loop *loop; /* a share of the one that ran here when it was opened; NULL: none did */
    unsigned process;
    int fd;
    bool is_reading;
    size_t at, end; /* of the names in the buffer */
    _Alignas(struct entry) char names[BATCH];
    char path[];
};

static void directory_destroy(void *object)
{
    bide_directory *d = object;
    bide_loop *loop = d->loop;

    if (d->fd >= 0)
        close(d->fd);
    bide__object_free(d);
    if (loop)
        bide__object_unref(loop);
}

static void directory_release(void *object)
{
    const bide_directory *d = object;

    if (!d->loop || !bide__release_is_refused(d->loop, "bide_release of a directory"))
        bide__object_unref(object);
}

static const struct object_type directory_type = {
    .name = "directory", .destroy = directory_destroy, .release = directory_release};

/* ---- opening ---- */

struct open_op {
    struct file_op op;
    const char *path;
};

static ssize_t open_run(struct file_op *op)
{
    int fd = bide__fd_above_standard(open(container_of(op, struct open_op, op)->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    return fd < 0 ? -errno : fd;
}

/* A descriptor, or an error on record. */
static int open_fd(const char *path)
{
    struct open_op o = {.op.run = open_run, .path = path};
    BIDE_TRY(bide__file_run_with_descriptor(&o.op));
    return o.op.result < 0 ? bide__file_fail("open directory", path, o.op.result) : (int)o.op.result;
}

bide_directory *bide_directory_open(const char *path)
{
    if (bide__is_null(path, __func__, "the path"))
        return NULL;
    size_t len = strlen(path) + 1;
    bide_directory *d = bide__object_alloc(sizeof *d + len);
    if (!d)
        return bide__fail_nomem("bide_directory_open"), NULL;

    bide__run_init(); /* watches for forks */
    bide__object_init(d, &directory_type);
    d->loop = bide__loop_here ? bide_retain(bide__loop_here) : NULL;
    d->process = bide__process;
    d->is_reading = false;
    d->at = d->end = 0;
    memcpy(d->path, path, len);
    d->fd = open_fd(path);
    if (d->fd >= 0)
        return d;
    bide__object_unref(d);
    return NULL;
}

/* ---- reading ---- */

struct names_op {
    struct file_op op;
    bide_directory *directory;
};

static ssize_t names_run(struct file_op *op)
{
    bide_directory *d = container_of(op, struct names_op, op)->directory;
    long n = syscall(SYS_getdents64, d->fd, d->names, sizeof d->names);

    return n < 0 ? -errno : n;
}

/* 1: there are some; 0: no more; or an error on record; BIDE_ECLOSED: it was released meanwhile, and is gone. */
static int read_names(bide_directory *d)
{
    struct names_op o = {.op.run = names_run, .directory = d};

    bide_retain(d);
    d->is_reading = true;
    int code = bide__file_run(&o.op);
    d->is_reading = false;
    if (code == 0 && o.op.result < 0)
        code = bide__file_fail("read directory", d->path, o.op.result);
    d->at = 0;
    d->end = code == 0 ? (size_t)o.op.result : 0;
    code = code == 0 ? d->end > 0 : code;
    if (d->object.refs == 1)
        code = bide_fail(BIDE_ECLOSED, "bide_directory_next: %s was released", d->path);
    bide__object_unref(d);
    return code;
}

static enum bide_file_type type_of(uint8_t type)
{
    return type == DT_REG       ? BIDE_TYPE_FILE
           : type == DT_DIR     ? BIDE_TYPE_DIRECTORY
           : type == DT_LNK     ? BIDE_TYPE_LINK
           : type == DT_UNKNOWN ? BIDE_TYPE_UNKNOWN
                                : BIDE_TYPE_OTHER;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int check(const bide_directory *d, const bide_directory_entry *entry, const char *function)
{
    if (bide__is_null(d, function, "the directory") || bide__is_null(entry, function, "the entry"))
        return -EINVAL;
    if (d->process != bide__process)
        return bide__inherited(function);
    int code = d->loop ? bide__loop_check(d->loop, function) : 0;
    if (code == 0 && d->is_reading)
        code = bide_fail(BIDE_ESTATE, "%s: another task reads %s", function, d->path);
    return code;
}

int bide_directory_next(bide_directory *d, bide_directory_entry *entry)
{
    int code = check(d, entry, __func__);

    while (code == 0) {
        if (d->at == d->end && (code = read_names(d)) <= 0)
            return code;
        const struct entry *e = (const struct entry *)(const void *)(d->names + d->at);
        d->at += e->size;
        if (is_dots(e->name)) {
            code = 0;
            continue;
        }
        *entry = (bide_directory_entry){e->name, type_of(e->type), e->inode};
        return 1;
    }
    return code;
}
