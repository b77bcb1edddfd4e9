/* SPDX-License-Identifier: MIT */
/*
 * file.c - a file as the source of a body: the kernel sends it, or it is read a piece at a time; and what comes out of a pipe.
 *
 * The length is that of the file when the request begins.  What is in the page cache is read where it stands, without
 * another thread; what the disk has to bring is waited for in one, also before the kernel is asked to send it.
 *
 * A file whose size changes while it is sent is an error, found before its last piece goes out, so that the server never
 * takes half of two versions for a whole one.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/source/source.h"
#include "io/file/file_op.h"

#define FILE_PIECE ((size_t)256 << 10) /* bytes of one read */
#define FILE_PART  ((size_t)1 << 20)   /* bytes that the kernel is asked to send at a time */

static struct file_source *file_of(struct body_source *b)
{
    return container_of(b, struct file_source, source);
}

/* ---- what the disk has to bring ---- */

struct fetch_op {
    struct file_op op;
    int fd;
    off_t offset;
    size_t len;
};

/* The last byte is there when all are. */
static ssize_t fetch_run(struct file_op *op)
{
    const struct fetch_op *o = container_of(op, struct fetch_op, op);
    char byte;

    readahead(o->fd, o->offset, o->len);
    ssize_t n = pread(o->fd, &byte, 1, o->offset + (off_t)o->len - 1);
    return n < 0 ? -errno : n;
}

/* Does the file system say that these bytes would have to be waited for? */
static bool is_on_disk(int fd, off_t offset)
{
    char byte;
    struct iovec iov = {&byte, 1};

    return preadv2(fd, &iov, 1, offset, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

/* Suspends, if it has to. */
static int bring_into_memory(const struct file_source *f, const struct file_part *part)
{
    struct fetch_op o = {.op.run = fetch_run, .fd = part->fd, .offset = part->offset, .len = part->len};
    if (!is_on_disk(part->fd, part->offset) && !is_on_disk(part->fd, part->offset + (off_t)part->len - 1))
        return 0;

    int code = bide__file_run(&o.op);
    return code < 0 ? code : o.op.result < 0 ? bide__file_fail("read", f->file->path, o.op.result) : 0;
}

/* ---- a plain file ---- */

/* It may rest (bide__file_source_rest). */
static int open_again(struct file_source *f)
{
    if (!f->file)
        f->file = bide_open(f->path);
    return f->file ? 0 : bide_error_code();
}

static int has_changed(const struct file_source *f, uint64_t size)
{
    return bide_fail(-EINVAL, "%s has changed while it was sent: it has %llu bytes now, and had %llu", f->file->path,
                     (unsigned long long)size, (unsigned long long)f->size);
}

/* Open, and is all that is still to be sent there, and nothing behind it that was not? */
static int check_size(struct file_source *f)
{
    struct stat st;
    int code = open_again(f);
    if (code < 0 || f->source.length == BODY_LENGTH_UNKNOWN)
        return code;
    if (fstat(f->file->fd, &st) < 0)
        return bide__file_fail("stat", f->file->path, -errno);

    uint64_t size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : f->size;
    bool is_short = size < f->offset + f->source.length, is_long = f->is_whole && size > f->size;
    return is_short || is_long ? has_changed(f, size) : 0;
}

static size_t left_of(const struct file_source *f, size_t most)
{
    uint64_t left = f->source.length == BODY_LENGTH_UNKNOWN ? UINT64_MAX : f->source.length - f->at;

    return left < most ? (size_t)left : most;
}

static ssize_t file_in_file(struct body_source *b, struct file_part *out)
{
    struct file_source *f = file_of(b);
    int code = check_size(f);
    if (code < 0)
        return code;

    *out = (struct file_part){f->file->fd, (off_t)(f->offset + f->at), left_of(f, FILE_PART)};
    code = out->len > 0 ? bring_into_memory(f, out) : 0;
    return code < 0 ? code : (ssize_t)out->len;
}

static void file_skip(struct body_source *b, size_t n)
{
    file_of(b)->at += n;
}

/* Where it stands, if it is in memory; else waited for. */
static ssize_t read_at(struct file_source *f, off_t offset, size_t len)
{
    struct iovec iov = {f->piece, len};
    ssize_t n = preadv2(f->file->fd, &iov, 1, offset, RWF_NOWAIT);

    return n > 0 ? n : bide_file_read(f->file, f->piece, len, offset);
}

static bool has_memory(struct file_source *f)
{
    if (!f->piece && !(f->piece = bide__malloc(FILE_PIECE)))
        bide__fail_nomem("a file to send");
    return f->piece;
}

static ssize_t file_next(struct body_source *b, const char **data)
{
    struct file_source *f = file_of(b);
    if (!has_memory(f))
        return BIDE_ENOMEM;
    int code = check_size(f);
    if (code < 0)
        return code;

    ssize_t n = read_at(f, (off_t)(f->offset + f->at), left_of(f, FILE_PIECE));
    *data = f->piece;
    f->at += n > 0 ? (uint64_t)n : 0;
    return n;
}

static int file_rewind(struct body_source *b)
{
    file_of(b)->at = 0;
    return 0;
}

static void file_close(struct body_source *b)
{
    struct file_source *f = file_of(b);

    if (f->file && f->was_blocking)
        fcntl(f->file->fd, F_SETFL, fcntl(f->file->fd, F_GETFL) & ~O_NONBLOCK);
    bide_release(f->file);
    f->file = NULL;
    bide__free(f->piece);
    f->piece = NULL;
}

/* ---- a pipe or the like: all that comes ---- */

static ssize_t pipe_next(struct body_source *b, const char **data)
{
    struct file_source *f = file_of(b);
    if (!has_memory(f))
        return BIDE_ENOMEM;

    *data = f->piece;
    return bide_file_read(f->file, f->piece, FILE_PIECE, -1);
}

static const struct body_source_ops file_ops = {
    .next = file_next, .rewind = file_rewind, .in_file = file_in_file, .skip = file_skip, .close = file_close};
static const struct body_source_ops pipe_ops = {.next = pipe_next, .close = file_close};

void bide__file_source_rest(struct file_source *f)
{
    if (!f->path || f->source.ops != &file_ops)
        return;
    bide_release(f->file);
    f->file = NULL;
    bide__free(f->piece);
    f->piece = NULL;
}

/* ---- opening ---- */

/* A file of the kernel's (/proc) has no size, and more than that in it. */
static bool has_bytes(int fd)
{
    char byte;

    return pread(fd, &byte, 1, 0) == 1;
}

/* How long the body is, as the file is now. */
static int measure_file(struct file_source *f, const struct stat *st, uint64_t said)
{
    off_t end = S_ISREG(st->st_mode) ? st->st_size : lseek(f->file->fd, 0, SEEK_END);
    if (end < 0)
        return bide__file_fail("measure", f->file->path, -errno);
    f->size = (uint64_t)end;
    if (f->size == 0 && !said && has_bytes(f->file->fd)) {
        f->source.length = BODY_LENGTH_UNKNOWN;
        return 0;
    }

    if (f->offset > f->size || said > f->size - f->offset)
        return bide_fail(-EINVAL, "%s has %llu bytes: too few for the body to send, %llu from %llu on", f->file->path,
                         (unsigned long long)f->size, (unsigned long long)said, (unsigned long long)f->offset);
    f->is_whole = !said && S_ISREG(st->st_mode);
    f->source.length = said ? said : f->size - f->offset;
    return 0;
}

static int measure(struct file_source *f, uint64_t said)
{
    struct stat st;
    if (fstat(f->file->fd, &st) < 0)
        return bide__file_fail("stat", f->file->path, -errno);
    if (S_ISDIR(st.st_mode))
        return bide__file_fail("send", f->file->path, -EISDIR);
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        return measure_file(f, &st, said);

    if (f->offset > 0)
        return bide__file_fail("offset in", f->file->path, -ESPIPE);
    f->source.ops = &pipe_ops;
    f->source.length = said ? said : BODY_LENGTH_UNKNOWN;
    return 0;
}

static bide_file *over_fd(struct file_source *f, int fd)
{
    char name[32];
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    snprintf(name, sizeof name, "descriptor %d", fd);
    if (own >= 0)
        return bide__file_over(own, name, &f->was_blocking);
    bide__file_fail("send", name, -errno);
    return NULL;
}

int bide__file_source_open(struct file_source *f, const char *path, const bide_body_source *from)
{
    *f = (struct file_source){.source.ops = &file_ops, .path = path, .offset = from ? (uint64_t)from->offset : 0};
    f->file = path ? bide_open(path) : over_fd(f, from->fd);
    if (!f->file)
        return bide_error_code();

    int code = measure(f, from ? (uint64_t)from->length : 0);
    if (code < 0)
        file_close(&f->source);
    return code;
}
