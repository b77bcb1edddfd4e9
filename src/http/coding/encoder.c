/* SPDX-License-Identifier: MIT */
/*
 * encoder.c - a body being put into a coding, for requests that are sent compressed.
 *
 * One stream in one coding: gzip, deflate or zstd (libbrotlienc ends the program when it has no memory).  "deflate" is written as
 * the standard says, in zlib's wrapper.  Levels are those that a library has by itself.
 */
#include <limits.h>

#include <zlib.h>
#include <zstd.h>

#include "http/coding/stage.h"

struct encoder {
    enum coding coding;
    union {
        z_stream z;
        ZSTD_CCtx *zstd;
    };
};

static void *counted_zalloc(void *unused, unsigned n, unsigned size)
{
    (void)unused;
    return bide__calloc(n, size);
}

static void counted_free(void *unused, void *p)
{
    (void)unused;
    bide__free(p);
}

static bool open_library(struct encoder *e)
{
    int gzip = e->coding == CODING_GZIP ? 16 : 0;

    if (e->coding == CODING_ZSTD)
        return (e->zstd = ZSTD_createCCtx()) != NULL;
    e->z = (z_stream){.zalloc = counted_zalloc, .zfree = counted_free};
    return deflateInit2(&e->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + gzip, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

struct encoder *bide__encoder_open(enum coding coding)
{
    struct encoder *e = bide__calloc(1, sizeof *e);

    if (e)
        e->coding = coding;
    if (e && open_library(e))
        return e;
    bide__encoder_close(e);
    bide__fail_nomem("compressing a body");
    return NULL;
}

void bide__encoder_close(struct encoder *e)
{
    if (!e)
        return;
    if (e->coding == CODING_ZSTD)
        ZSTD_freeCCtx(e->zstd);
    else
        deflateEnd(&e->z); /* of one that never began it says so, and does nothing */
    bide__free(e);
}

/* Each: 1 when the stream is over, 0 when not, -1 when the library fails, which only memory makes it. */
static int deflate_step(struct encoder *e, struct bytes_io *io)
{
    unsigned in = io->len < UINT_MAX ? (unsigned)io->len : UINT_MAX, out = io->cap < UINT_MAX ? (unsigned)io->cap : UINT_MAX;

    e->z.next_in = (unsigned char *)(uintptr_t)io->in;
    e->z.avail_in = in;
    e->z.next_out = (unsigned char *)io->out;
    e->z.avail_out = out;
    int r = deflate(&e->z, io->last && in == io->len ? Z_FINISH : Z_NO_FLUSH);
    bide__io_taken(io, in - e->z.avail_in, out - e->z.avail_out);
    return r == Z_STREAM_END ? 1 : r == Z_OK || r == Z_BUF_ERROR ? 0 : -1;
}

static int zstd_step(struct encoder *e, struct bytes_io *io)
{
    ZSTD_inBuffer in = {io->in, io->len, 0};
    ZSTD_outBuffer out = {io->out, io->cap, 0};
    size_t r = ZSTD_compressStream2(e->zstd, &out, &in, io->last ? ZSTD_e_end : ZSTD_e_continue);

    bide__io_taken(io, in.pos, out.pos);
    return ZSTD_isError(r) ? -1 : io->last && r == 0 ? 1 : 0;
}

ssize_t bide__encode(struct encoder *e, const char *in, size_t len, size_t *used, char *out, size_t cap, bool last,
                     bool *done)
{
    struct bytes_io io = {in, len, out, cap, last};
    int r = e->coding == CODING_ZSTD ? zstd_step(e, &io) : deflate_step(e, &io);

    *used = len - io.len;
    *done = r > 0;
    return r < 0 ? bide__fail_nomem("compressing a body") : (ssize_t)(cap - io.cap);
}
