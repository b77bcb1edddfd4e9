/* SPDX-License-Identifier: MIT */
/*
 * send_file.c - bytes of a file into a stream: inside of the kernel, or, where a layer has to see them, through a buffer.
 */
#include <unistd.h>

#include <bide/transfer.h>

#include "io/stream/stream.h"

#define PIECE 65536
#define CALL_MAX (1u << 30)

struct sending {
    int file;
    off_t offset;
    size_t left;
    int64_t done;
    char *piece; /* NULL: the kernel does it */
};

static size_t next_len(const struct sending *f, size_t most)
{
    return f->left < most ? f->left : most;
}

/* How many bytes went; 0: the file has ended; -EAGAIN after a wait; an error on record. */
static ssize_t send_in_kernel(bide_stream *s, struct sending *f)
{
    ssize_t n = bide__stream_try_send_file(s, f->file, f->offset, next_len(f, CALL_MAX));
    if (n != -EAGAIN)
        return n >= 0 || n == -EOPNOTSUPP ? n : bide__stream_fail(s, (int)n, "sending a file to");

    int code = bide__stream_wait(s, FLOW_OUT, NULL);
    return code < 0 ? code : -EAGAIN;
}

static ssize_t send_piece(bide_stream *s, struct sending *f)
{
    ssize_t n = pread(f->file, f->piece, next_len(f, PIECE), f->offset);
    if (n < 0)
        return bide_fail(-errno, "sending a file to %s: %s", bide__stream_peer_text(s), bide_strerror(-errno));

    struct iovec iov = {f->piece, (size_t)n};
    int code = n > 0 ? bide__stream_send_all(s, &iov, 1, NULL) : 0;
    if (code < 0)
        bide__stream_break_off(s); /* a part of the piece may have gone */
    return code < 0 ? code : n;
}

static ssize_t send_some(bide_stream *s, struct sending *f)
{
    int code = bide__stream_yield_if_over_budget(s);
    ssize_t n = code < 0 ? code : f->piece ? send_piece(s, f) : send_in_kernel(s, f);
    if (n != -EOPNOTSUPP || f->piece)
        return n;

    f->piece = bide__malloc(PIECE);
    return f->piece ? -EAGAIN : bide__fail_nomem("bide_sendfile");
}

static int64_t send_all(bide_stream *s, struct sending *f)
{
    int code = bide__stream_check_writing(s);
    ssize_t n = code == 0 ? bide__stream_flush(s) : code;
    bool has_end = f->left == BIDE_ALL;
    if (n < 0)
        return n;
    if (!bide__stream_takes_files(s) && !(f->piece = bide__malloc(PIECE)))
        return bide__fail_nomem("bide_sendfile");

    while (f->left > 0 && (n = send_some(s, f)) != 0 && (n > 0 || n == -EAGAIN)) {
        if (n < 0)
            continue;
        f->done += n;
        f->offset += n;
        f->left -= has_end ? 0 : (size_t)n;
    }
    if (n == 0 && !has_end && f->left > 0)
        n = bide_fail(BIDE_EEOF, "sending a file to %s: it ended %zu bytes early", bide__stream_peer_text(s), f->left);
    if (n < 0 && f->done > 0)
        bide__stream_break_off(s);
    return n < 0 ? n : f->done;
}

int64_t bide_sendfile(bide_stream *s, int file, int64_t offset, size_t len)
{
    struct sending f = {.file = file, .offset = offset, .left = len};
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    if (offset < 0)
        return bide_fail(-EINVAL, "bide_sendfile: %lld is no offset", (long long)offset);
    int code = bide__stream_begin(s, &s->writing, __func__, "writing to");
    if (code < 0)
        return code;

    int64_t result = send_all(s, &f);
    bide__free(f.piece);
    bide__stream_end(s, &s->writing);
    return result;
}
