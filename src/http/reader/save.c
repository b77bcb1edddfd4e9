/* SPDX-License-Identifier: MIT */
/*
 * save.c - a body into a file.
 *
 *     plain, as it is:   socket --splice--> pipe --splice--> file      no byte passes through memory of ours
 *     TLS, chunked,
 *     or decoded:        chain --> a buffer of a mebibyte --> file
 *
 * What came with the head, or lies in the connection's buffer, goes first.  The pipe is empty between two pieces.
 */
#include <fcntl.h>
#include <unistd.h>

#include <bide/save.h>
#include <bide/url.h>

#include "base/hex.h"
#include "http/reader/reader.h"
#include "http/value/values.h"
#include "io/file/file_put.h"

#define PIECE        ((size_t)1 << 20)
#define PIPE_FROM    65536                 /* bytes that are worth a pipe */
#define DECODED_MAX  ((int64_t)16 << 30)  /* a few kilobytes can decode to a full disk */

struct saving {
    bide_response *r;
    bide_file *file;
    const bide_save_args *args;
    uint64_t bytes, max;
    int pipe[2];   /* -1: none */
    char *buffer;  /* of cap bytes; made when it is needed */
    size_t cap;
};

/* ---- pieces ---- */

static int too_large(const struct saving *s)
{
    return bide_fail(BIDE_ETOOBIG, "the body is larger than allowed (%llu bytes)", (unsigned long long)s->max);
}

/* n bytes are to be written now. */
static int account(struct saving *s, size_t n)
{
    s->bytes += n;
    return s->bytes <= s->max ? 0 : too_large(s);
}

static int report(const struct saving *s)
{
    return s->args->progress ? s->args->progress(s->bytes, s->args->progress_arg) : 0;
}

/* The error is on record; how far it got belongs to it. */
static int writing_failed(const struct saving *s, int code)
{
    if (s->args->at_file)
        *s->args->at_file = code != BIDE_ECANCELED && code != BIDE_ETIMEDOUT;
    if (code == -ENOSPC || code == -EDQUOT || code == -EFBIG || code == -EIO)
        bide_fail(code, "%s, of a body of which %llu bytes have come", bide_error_text(), (unsigned long long)s->bytes);
    return code;
}

static int write_piece(struct saving *s, const char *data, size_t n)
{
    int code = account(s, n);

    if (code == 0 && n > 0 && (code = bide__file_put(s->file, data, n)) < 0)
        return writing_failed(s, code);
    return code < 0 ? code : report(s);
}

static void close_pipe(struct saving *s)
{
    for (int i = 0; i < 2; i++) {
        if (s->pipe[i] >= 0)
            close(s->pipe[i]);
        s->pipe[i] = -1;
    }
}

/* Without a descriptor to spare it goes through memory. */
static void open_pipe(struct saving *s)
{
    const bide_response *r = s->r;
    bool is_short = r->answer.kind == BODY_LENGTH && r->answer.length < PIPE_FROM;

    s->pipe[0] = s->pipe[1] = -1;
    if (is_short || r->must_open || !r->chain.exchange || !bide__file_takes_splice(s->file))
        return;
    if (pipe2(s->pipe, O_CLOEXEC) < 0)
        s->pipe[0] = s->pipe[1] = -1;
    else
        (void)fcntl(s->pipe[1], F_SETPIPE_SZ, (int)PIECE); /* smaller ones serve, too */
}

/* How many bytes; 0: it is over; -EAGAIN, -EOPNOTSUPP: nothing was done; or an error on record. */
static ssize_t splice_piece(struct saving *s)
{
    ssize_t n = bide__body_splice(s->r, s->pipe[1], PIECE);
    if (n <= 0)
        return n;
    int code = account(s, (size_t)n);
    if (code == 0 && (code = bide__file_put_from(s->file, s->pipe[0], (size_t)n)) < 0)
        return writing_failed(s, code);
    code = code < 0 ? code : report(s);
    return code < 0 ? code : n;
}

static int make_buffer(struct saving *s)
{
    const bide_response *r = s->r;
    bool is_short = r->answer.kind == BODY_LENGTH && r->answer.length < PIECE && !r->is_coded;

    s->cap = is_short ? (size_t)r->answer.length + 1 : PIECE;
    s->buffer = s->buffer ? s->buffer : bide__malloc(s->cap);
    return s->buffer ? 0 : bide__fail_nomem("a piece of a body");
}

/* As much as fits, or what is here if splicing can go on behind it.  How many bytes; 0: it is over; or an error. */
static ssize_t copy_piece(struct saving *s, bool may_fill)
{
    size_t len = 0;
    ssize_t n = s->buffer ? 1 : make_buffer(s);
    if (n < 0)
        return n;

    do {
        n = bide__body_read(s->r, s->buffer + len, s->cap - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && may_fill && len < s->cap);
    int code = write_piece(s, s->buffer, len); /* of a body that fails, too: what came may be used */
    return n < 0 ? n : code < 0 ? code : n;
}

static ssize_t next_piece(struct saving *s)
{
    ssize_t n = s->pipe[0] >= 0 ? splice_piece(s) : -EOPNOTSUPP;

    if (n == -EOPNOTSUPP)
        close_pipe(s);
    return n == -EAGAIN || n == -EOPNOTSUPP ? copy_piece(s, n == -EOPNOTSUPP) : n;
}

/* ---- all of it ---- */

static int save_pieces(struct saving *s)
{
    bide_response *r = s->r;
    bool is_announced = r->answer.kind == BODY_LENGTH && !r->is_coded;
    ssize_t n;

    if (is_announced && r->answer.length > s->max - (s->bytes < s->max ? s->bytes : s->max)) /* before anything of it is written */
        return too_large(s);
    if (r->whole.data)
        return write_piece(s, r->whole.data, r->whole.len);
    open_pipe(s);
    int code = bide__body_start_saving(r, s->max);
    do
        n = code < 0 ? code : next_piece(s);
    while (n > 0);
    close_pipe(s);
    bide__free(s->buffer);
    return (int)n;
}

static uint64_t ceiling(const bide_response *r, const bide_save_args *args)
{
    int64_t most = args->max_bytes ? args->max_bytes : r->is_coded ? DECODED_MAX : BIDE_UNLIMITED;

    return most == BIDE_UNLIMITED ? UINT64_MAX : (uint64_t)most;
}

int64_t bide__body_save(bide_response *r, bide_file *file, const bide_save_args *args, uint64_t before)
{
    struct saving s = {.r = r, .file = file, .args = args, .bytes = before, .max = ceiling(r, args), .pipe = {-1, -1}};
    struct error_mark mark;
    int code = bide__body_begin_reading(r, "bide_save");
    if (code < 0)
        return code;
    if (r->streaming) {
        bide_fail(BIDE_ESTATE, "the body was read by bide_read_chunk already");
        return bide__response_fail(r, BIDE_ESTATE);
    }

    bide__error_mark(&mark);
    r->busy = true;
    r->streaming = !r->whole.data;
    code = save_pieces(&s);
    r->busy = false;
    if (code < 0 && !r->body_error)
        code = bide__body_fail(r, code);
    bide__error_end(&mark, code);
    return code < 0 ? code : (int64_t)s.bytes;
}

/* ---- under a name ---- */

/* The last part of the URL's path; 0: BIDE_ENOMEM. */
static size_t name_of_url(char out[FILE_NAME_SIZE], const bide_response *r)
{
    bide_auto bide_url *u = bide_url_parse(r->url);
    if (!u)
        return 0;
    const char *path = bide_url_path(u), *slash = strrchr(path, '/'), *at = slash ? slash + 1 : path;
    char decoded[FILE_NAME_SIZE * 3];
    size_t n = 0;

    for (const char *end = at + strlen(at); at < end && n < sizeof decoded; n++) {
        int byte = bide__percent_byte(at, end);
        decoded[n] = byte >= 0 ? (char)byte : *at;
        at += byte >= 0 ? 3 : 1;
    }
    n = bide__file_name_make_safe(out, decoded, n);
    return n > 0 ? n : (size_t)sprintf(out, "index.html");
}

/* D19: what a server calls it, but in our directory. */
static size_t name_in_directory(char out[FILE_NAME_SIZE], const bide_response *r)
{
    const struct field *f = bide__fields_find(&r->answer.fields, HEADER_CONTENT_DISPOSITION);
    struct disposition d;
    bool is_said = f && bide__disposition_parse(&d, bide__field_value(&r->answer.fields, f), f->value_len);
    size_t n = is_said ? bide__disposition_file_name(&d, out) : 0;

    return n > 0 ? n : name_of_url(out, r);
}

/* Where it goes, in the arena; NULL: BIDE_ENOMEM. */
static const char *full_path(bide_response *r, const char *path, bool in_directory)
{
    char name[FILE_NAME_SIZE] = "";
    size_t len = strlen(path), n = in_directory ? name_in_directory(name, r) : 0;
    char *out = in_directory && n == 0 ? NULL : bide__arena_alloc(&r->arena, len + n + 1);

    if (out)
        memcpy(mempcpy(out, path, len), name, n + 1);
    return out;
}

static int64_t save_as(bide_response *r, const char *path, bool is_new, const bide_save_args *args)
{
    bide_auto bide_file *file = bide_open(path, .atomic = true, .flags = O_WRONLY | (is_new ? O_EXCL : 0));
    if (!file)
        return bide__response_fail(r, bide_error_code());
    int64_t n = bide__body_save(r, file, args, 0);
    if (n < 0)
        return n;

    int code = bide_file_close(bide_take(file));
    if (code < 0)
        return bide__response_fail(r, code);
    r->saved_path = path;
    return n;
}

int64_t bide_save_with(bide_response *r, const bide_save_args *options)
{
    bide_save_args args;
    BIDE_TRY(bide__options_take(&args, sizeof args, options, "bide_save"));
    BIDE_TRY(bide__check_named(args.guard_, "bide_save"));
    BIDE_TRY(bide__check_number("bide_save", "max_bytes", args.max_bytes, BIDE_UNLIMITED));
    if (bide__response_missing(r, "bide_save"))
        return -EINVAL;
    if (args.file)
        return bide__body_save(r, args.file, &args, 0);
    if (!args.path || !args.path[0])
        return bide_fail(-EINVAL, "bide_save: there is neither path nor file");

    if (r->resume && strcmp(args.path, r->resume->path) == 0)
        return bide__resume_save(r, &args);
    bool in_directory = args.path[strlen(args.path) - 1] == '/';
    const char *path = full_path(r, args.path, in_directory);
    return path ? save_as(r, path, in_directory, &args) : bide__response_fail(r, BIDE_ENOMEM);
}

const char *bide_response_saved_path(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return NULL;
    return r->saved_path;
}
